//! The trash in the database: what leaves it for good takes all its rows along, and what it cost stays.

use ibid::{
    api::Usd,
    chat::{ConversationChange, ConversationId, Timestamp},
    store::{StoreJob, StoreReply},
};
use rusqlite::Connection;

use super::{
    recordings::{recording, recording_change},
    test_database::{
        StoreRun, TestDatabase, answer, conversation_id, full_answer, header, message_id, prompt, queued_prompt,
        timestamp, write_header, write_message,
    },
};
use ibid::chat::AnswerEnd;

/// The columns of the tables that name a conversation or a message, and the rows that name these.
fn rows_about(db: &Connection, ids: &[String]) -> Vec<String> {
    let tables = "select name from sqlite_schema where type = 'table' and name not like 'sqlite%'";
    let tables: Vec<String> =
        db.prepare(tables).and_then(|mut rows| rows.query_map([], |row| row.get(0))?.collect()).expect("the tables");
    let mut found = Vec::new();
    for table in tables {
        let columns: Vec<String> = db
            .prepare(&format!("select name from pragma_table_info('{table}')"))
            .and_then(|mut rows| rows.query_map([], |row| row.get(0))?.collect())
            .expect("the columns");
        for column in columns {
            for id in ids {
                let sql = format!("select count(*) from \"{table}\" where \"{column}\" = ?1");
                let count: i64 = db.query_row(&sql, [id], |row| row.get(0)).expect("a count");
                found.extend((count > 0).then(|| format!("{table}.{column}")));
            }
        }
    }
    found.sort();
    found
}

fn spent(run: &StoreRun) -> Usd {
    run.send(StoreJob::SumCosts { since: timestamp(0) });
    match run.reply() {
        StoreReply::CostsSummed { cost, .. } => cost,
        other => panic!("unexpected reply to a sum: {other:?}"),
    }
}

fn purge(run: &StoreRun, before: Option<Timestamp>) -> (Vec<ConversationId>, bool) {
    run.send(StoreJob::PurgeTrash { before });
    match run.reply() {
        StoreReply::TrashPurged { conversations, has_more, .. } => (conversations, has_more),
        other => panic!("unexpected reply to a purge: {other:?}"),
    }
}

fn with_everything(run: &StoreRun) {
    run.save_ok(vec![
        write_header(header(1, "An unmistakable title")),
        write_message(1, prompt(10, "An unmistakable prompt")),
        write_message(1, answer(11, 10, full_answer(AnswerEnd::Complete))),
        recording_change(11, &recording(1), 1 << 20),
        ConversationChange::Draft { conversation: conversation_id(1), text: "An unmistakable draft".into() },
        ConversationChange::Queue {
            conversation: conversation_id(1),
            prompt: queued_prompt(1, "An unmistakable queue"),
        },
        ConversationChange::SideCost {
            message: message_id(11),
            at: timestamp(12),
            cost: Usd::parse("0.5").expect("a price"),
        },
        write_header(header(2, "Kept")),
        write_message(2, prompt(20, "kept")),
        write_message(2, answer(21, 20, full_answer(AnswerEnd::Complete))),
    ]);
}

#[test]
fn what_is_deleted_for_good_leaves_no_row_but_its_cost() {
    let disk = TestDatabase::new();
    let run = disk.open();
    with_everything(&run);
    let before = spent(&run);
    run.save_ok(vec![ConversationChange::Purge(conversation_id(1))]);
    assert_eq!(run.titles().len(), 2, "what is not in the trash stays");
    run.save_ok(vec![ConversationChange::Trash(conversation_id(1)), ConversationChange::Purge(conversation_id(1))]);
    assert_eq!(spent(&run), before);
    let db = disk.connect();
    let ids = [conversation_id(1).to_string(), message_id(10).to_string(), message_id(11).to_string()];
    let about = rows_about(&db, &ids);
    assert!(about.iter().all(|place| place == "side_cost.message"), "{about:?}");
    assert_eq!(run.titles(), ["Kept"]);
    assert_eq!(run.load(conversation_id(2)).expect("it is kept").messages.len(), 2);
}

#[test]
fn the_trash_is_listed_with_what_it_holds_and_purged_in_batches_by_its_age() {
    let disk = TestDatabase::new();
    let run = disk.open();
    with_everything(&run);
    run.save_ok((100..150).map(|n| write_header(header(n, &format!("number {n}")))).collect());
    run.save_ok((100..150).map(|n| ConversationChange::Trash(conversation_id(n))).collect());
    run.save_ok(vec![ConversationChange::Trash(conversation_id(1))]);
    run.send(StoreJob::ListTrash);
    let StoreReply::TrashListed(trashed) = run.reply() else { panic!("the trash is listed") };
    assert_eq!(trashed.len(), 51);
    let first = trashed.iter().find(|row| row.id == conversation_id(1)).expect("it is in the trash");
    assert_eq!((first.title.as_str(), first.preview.messages), ("An unmistakable title", 2));
    assert_eq!(first.preview.last_prompt, "An unmistakable prompt");
    assert!(first.preview.bytes > 20, "{first:?}");
    run.save_ok(vec![ConversationChange::Restore(conversation_id(149))]);
    let old = first.trashed_at - jiff::SignedDuration::from_hours(1);
    assert_eq!(purge(&run, Some(old)), (Vec::new(), false), "nothing is that old");
    let mut gone = 0;
    loop {
        let (purged, has_more) = purge(&run, None);
        assert!(purged.len() <= 20, "a batch is small: {}", purged.len());
        gone += purged.len();
        if !has_more {
            break;
        }
    }
    assert_eq!(gone, 50);
    assert_eq!(run.titles(), ["number 149", "Kept"]);
}

#[test]
fn the_cost_of_a_temporary_answer_counts_once_however_often_it_is_saved() {
    let disk = TestDatabase::new();
    let run = disk.open();
    let cost = |digits: &str| ConversationChange::AnswerCost {
        message: message_id(1),
        at: timestamp(5),
        cost: Usd::parse(digits).expect("a price"),
        model: "acme/large".into(),
    };
    run.save_ok(vec![cost("0.1")]);
    run.save_ok(vec![cost("0.25")]);
    assert_eq!(spent(&run).to_string(), "$0.25");
}
