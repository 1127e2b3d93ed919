//! Databases of earlier versions: rows and journals exactly as they were written, and the values that they hold.
//!
//! The files in `golden` are never edited: each is what a version left on its users' disks.

mod values;

use ibid::{
    api::{Event, OutputItem},
    chat::{Answer, AnswerEnd, Message, answer::AssemblyState, journal::AnswerJournal},
    store::replay_journal,
};
use rusqlite::Connection;
use serde_json::value::RawValue;

use super::{
    recordings::{load_outcome, load_recording, recording},
    test_database::{
        TestDatabase, answer, conversation_id, debug_text, empty_answer, header, message_id, timestamp, write_header,
        write_message,
    },
};
use values::Journal;

/// The rows of a database, with all of its tables.
const ROWS: &str = include_str!("golden/rows_0.1.0.sql");
/// The journals of its open answers, separated by blank lines.
const JOURNALS: &str = include_str!("golden/journals_0.1.0.jsonl");

/// The same journals as lines of version 2.
const JOURNALS_V2: &str = include_str!("golden/journals_v2.jsonl");

/// Creates a database with these rows, and with these journals as a run left them that was killed.
fn database(rows: &str, journals: &str) -> TestDatabase {
    let disk = TestDatabase::new();
    std::fs::create_dir_all(disk.file().parent().expect("a folder")).expect("a folder");
    let db: Connection = disk.connect();
    db.execute_batch(rows).expect("rows");
    let at = i64::try_from(timestamp(99).as_nanosecond()).expect("a time of today");
    for ((n, _), lines) in values::journals().iter().zip(journals.split("\n\n")) {
        // Two checkpoints each.
        let (first, rest) = lines.split_at(lines.find('\n').map_or(lines.len(), |end| end + 1));
        for lines in [first, rest] {
            db.execute(
                "insert into growth (message, at, events) values (?1, ?2, ?3)",
                rusqlite::params![message_id(*n).0.to_string(), at, lines],
            )
            .expect("a journal");
        }
    }
    disk
}

/// The answer that the events of a journal give, interrupted when the journal ends.
fn replayed(n: u128, journal: &Journal) -> Message {
    let mut expected = empty_answer(AnswerEnd::Open);
    for (number, (step, event)) in (0..).zip(journal) {
        expected.apply(*step, timestamp(number), &in_one_line(event));
    }
    expected.interrupt(timestamp(99));
    // What only a stream needs is not stored.
    let expected = Answer { assembly: AssemblyState::default(), ..expected };
    let message = answer(n, 1, expected);
    Message { rev: message.rev + 1, ..message }
}

/// The event as a line of a journal can hold it: without line breaks between the tokens of an item.
fn in_one_line(event: &Event) -> Event {
    let in_one_line = |item: &OutputItem| {
        let raw = item.raw.get().replace(['\n', '\r'], " ");
        OutputItem::from_raw(&RawValue::from_string(raw).expect("JSON"))
    };
    match event.clone() {
        Event::ItemDone { item_ref, item } => Event::ItemDone { item_ref, item: in_one_line(&item) },
        other => other,
    }
}

#[test]
fn a_database_of_0_1_0_loads_as_the_values_that_were_saved() {
    let disk = database(ROWS, JOURNALS);
    let run = disk.open();
    let loaded = run.load(conversation_id(1)).expect("the conversation");
    let mut expected = values::settled_messages();
    expected.push(values::message_of_an_early_version());
    expected.extend(values::journals().iter().map(|(n, journal)| replayed(*n, journal)));
    for (loaded, expected) in loaded.messages.values().zip(&expected) {
        assert_eq!(debug_text(loaded), debug_text(expected));
    }
    assert_eq!(loaded.messages.len(), expected.len());
    let queued: Vec<&str> = loaded.queue.iter().map(|prompt| prompt.text.as_str()).collect();
    assert_eq!((loaded.draft.as_str(), queued), ("half a tho", vec!["then"]));
    assert_eq!(loaded.settings, header(1, "Why").settings);
    assert_eq!(load_outcome(&run, 2, values::SHORTENED_CALL), Some(values::full_outcome()));
    assert_eq!(load_recording(&run, 2), Some(recording(2)));
    assert_eq!(run.new_draft, "of none");
}

#[test]
fn the_parts_of_an_answer_are_stored_byte_for_byte_as_in_0_1_0() {
    let disk = TestDatabase::new();
    let mut changes = vec![write_header(header(1, "Why"))];
    changes.extend(values::settled_messages().into_iter().map(|message| write_message(1, message)));
    disk.open().save_ok(changes);
    let parts = |disk: &TestDatabase| -> Vec<String> {
        let db = disk.connect();
        let columns =
            "ending || '\n' || items || '\n' || ifnull(runs, '') || '\n' || course || '\n' || bills || '\n' || notes";
        let sql = format!(
            "select {columns} from message where role = 'answer' and bills is not null and id < ?1 order by id"
        );
        let mut rows = db.prepare(&sql).expect("a query");
        let rows = rows.query_map([message_id(60).0.to_string()], |row| row.get(0)).expect("rows");
        rows.map(|row| row.expect("text")).collect()
    };
    let (now, then) = (parts(&disk), parts(&database(ROWS, JOURNALS)));
    assert_eq!(now.len(), values::settled_messages().len() - 1);
    assert_eq!(now, then);
}

#[test]
fn the_lines_of_a_journal_are_written_and_read_as_in_version_2() {
    let mut sections = Vec::new();
    for (n, journal) in values::journals() {
        let mut lines = AnswerJournal::default();
        for (number, (step, event)) in (0..).zip(&journal) {
            lines.push(*step, timestamp(number), event);
        }
        let lines = lines.take().expect("events").to_json_lines();
        let mut answer = empty_answer(AnswerEnd::Open);
        replay_journal(&mut answer, &lines);
        answer.interrupt(timestamp(99));
        let answer = Answer { assembly: AssemblyState::default(), ..answer };
        let replayed = replayed(n, &journal);
        assert_eq!(debug_text(&answer), debug_text(replayed.as_answer().expect("an answer")));
        sections.push(lines);
    }
    assert_eq!(sections.join("\n"), JOURNALS_V2);
}

#[test]
fn a_line_of_an_unknown_version_is_skipped() {
    let mut answer = empty_answer(AnswerEnd::Open);
    let line = |v: &str| {
        format!(r#"{{{v}"step":0,"at":"2027-01-15T08:00:00Z","type":"response.output_text.delta","delta":"x"}}"#)
    };
    replay_journal(&mut answer, &line(r#""v":3,"#));
    assert_eq!(answer.text(), "");
    replay_journal(&mut answer, &line(""));
    assert_eq!(answer.text(), "x");
}
