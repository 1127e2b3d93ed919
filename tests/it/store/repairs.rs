//! A damaged database: every page in turn is overwritten, and what the others hold is saved.

use std::{collections::BTreeSet, fs};

use ibid::{
    chat::{Answer, AnswerEnd, ConversationHeader, Message, MessageId},
    store::{IntegrityReport, RepairReport, StoreError, StoreJob, StoreOptions, StoreReply},
};

use super::test_database::{
    StoreRun, TestDatabase, answer, conversation_id, full_answer, header, message_id, prompt, write_header,
    write_message,
};

const PAGE: usize = 4096;
const CONVERSATIONS: u128 = 12;

/// Conversations of a prompt and an answer each; some are longer than a page.
fn filled_database() -> TestDatabase {
    let disk = TestDatabase::new();
    let run = disk.open();
    for n in 1..=CONVERSATIONS {
        let (question, reply) = (message_id(n * 10), message_id(n * 10 + 1));
        let header = ConversationHeader { branch: vec![question, reply], ..header(n, &format!("title {n}")) };
        let long = "why ".repeat(if n % 4 == 0 { 5000 } else { 20 });
        run.save_ok(vec![
            write_header(header),
            write_message(n, prompt(n * 10, &format!("{n}: {long}"))),
            write_message(n, answer(n * 10 + 1, n * 10, full_answer(AnswerEnd::Complete))),
        ]);
    }
    drop(run);
    disk
}

/// A database with these bytes in its file.
fn database_of(bytes: &[u8]) -> TestDatabase {
    let disk = TestDatabase::new();
    fs::create_dir_all(disk.file().parent().expect("a folder")).expect("a folder");
    fs::write(disk.file(), bytes).expect("a file");
    disk
}

/// A client of a store that could not open its database.
fn run_without_database(disk: &TestDatabase) -> (ibid::store::StoreHandle, std::sync::mpsc::Receiver<StoreReply>) {
    let (sender, replies) = std::sync::mpsc::channel();
    let store = ibid::store::StoreHandle::open_with(&disk.file(), StoreOptions::default(), move |reply| {
        let _ = sender.send(reply);
    });
    (store, replies)
}

fn next(replies: &std::sync::mpsc::Receiver<StoreReply>) -> StoreReply {
    replies.recv_timeout(std::time::Duration::from_mins(1)).expect("a reply")
}

/// Repairs a database, whether it can be opened or not.
fn repair(disk: &TestDatabase) -> Result<Option<RepairReport>, StoreError> {
    let (store, replies) = run_without_database(disk);
    next(&replies);
    store.send(StoreJob::RepairDatabase);
    loop {
        match next(&replies) {
            StoreReply::Repaired(result) => return result,
            StoreReply::Opened { .. } | StoreReply::Upgrading | StoreReply::OpenFailed(_) => (),
            other => panic!("unexpected reply: {other:?}"),
        }
    }
}

fn check(run: &StoreRun) -> IntegrityReport {
    run.send(StoreJob::CheckDatabase);
    match run.reply() {
        StoreReply::Checked(result) => result.expect("it can be checked"),
        other => panic!("unexpected reply: {other:?}"),
    }
}

/// The messages that can be read whole.
fn whole_messages(run: &StoreRun) -> BTreeSet<MessageId> {
    let loaded = run.list().into_iter().map(|row| run.load(row.id).expect("a listed conversation"));
    let is_whole =
        |message: &Message| message.as_answer().is_none_or(|answer: &Answer| answer.text().contains("Zwölf"));
    loaded.flat_map(|chat| chat.messages.into_values()).filter(is_whole).map(|message| message.id).collect()
}

fn beside(disk: &TestDatabase) -> Vec<String> {
    let folder = disk.file().parent().expect("a folder").to_owned();
    let found = fs::read_dir(folder).expect("the folder").flatten();
    found.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

#[test]
fn a_sound_database_is_reported_as_such_and_never_repaired() {
    let disk = filled_database();
    let report = check(&disk.open());
    assert_eq!((report.problems.len(), report.unreadable_rows), (0, 0));
    assert_eq!((u128::from(report.conversations), u128::from(report.messages)), (CONVERSATIONS, CONVERSATIONS * 2));
    assert_eq!(report.bytes, fs::metadata(disk.file()).expect("the file").len());
    let before = fs::read(disk.file()).expect("the file");
    assert_eq!(repair(&disk), Ok(None));
    assert_eq!(fs::read(disk.file()).expect("the file"), before);
}

#[test]
fn whatever_page_is_damaged_the_others_are_saved_and_the_damaged_file_is_kept() {
    let sound = fs::read(filled_database().file()).expect("the file");
    let all = whole_messages(&database_of(&sound).open());
    assert_eq!(all.len() as u128, CONVERSATIONS * 2);
    let mut repaired = 0;
    for page in 0..sound.len() / PAGE {
        let mut bytes = sound.clone();
        bytes[page * PAGE..(page + 1) * PAGE].fill(0xa5);
        let disk = database_of(&bytes);
        let report = match repair(&disk) {
            Ok(Some(report)) => report,
            // Nothing that a check reads was on that page, or only the inside of a text.
            Ok(None) => continue,
            Err(error) => panic!("page {}: {error}", page + 1),
        };
        repaired += 1;
        assert_eq!(fs::read(&report.kept_file).expect("the damaged file is kept"), bytes, "page {}", page + 1);
        let run = disk.open();
        assert_eq!(check(&run).problems, Vec::<String>::new(), "page {}", page + 1);
        let saved = whole_messages(&run);
        // A page of this database holds at most five messages.
        assert!(all.len() - saved.len() <= 5, "page {}: {} of {}: {report:?}", page + 1, saved.len(), all.len());
        assert!(saved.is_subset(&all));
        assert_eq!(u128::from(report.conversations), CONVERSATIONS, "page {}: {report:?}", page + 1);
        // Every message and title is in the index, or waits for it.
        let db = disk.connect();
        let entries: u64 = u64::from(
            db.query_row("select count(*) from search_entry", [], |row| row.get::<_, u32>(0)).expect("a number"),
        );
        assert_eq!(entries, report.conversations + report.messages, "page {}", page + 1);
        let left: Vec<String> = beside(&disk).into_iter().filter(|name| name.contains("repair-")).collect();
        assert_eq!(left, Vec::<String>::new());
    }
    assert!(repaired > 10, "{repaired}");
}

#[test]
fn several_damaged_pages_cost_only_what_they_held() {
    let sound = fs::read(filled_database().file()).expect("the file");
    let mut bytes = sound.clone();
    for page in [0, 3, 5, 8] {
        bytes[page * PAGE..(page + 1) * PAGE].fill(0);
    }
    let disk = database_of(&bytes);
    assert!(matches!(disk.try_open(StoreOptions::default()), Err(StoreError::Corrupt(_))));
    let report = repair(&disk).expect("it is repaired").expect("it is damaged");
    let run = disk.open();
    assert_eq!(run.list().len() as u64, report.conversations);
    assert!(whole_messages(&run).len() >= 12, "{report:?}");
}

#[test]
fn messages_whose_conversation_is_lost_get_one_again() {
    let disk = filled_database();
    let db = disk.connect();
    db.pragma_update(None, "foreign_keys", false).expect("no foreign keys");
    db.execute("delete from conversation where id = ?1", [conversation_id(3).0.to_string()]).expect("a row");
    drop(db);
    let report = repair(&disk).expect("it is repaired").expect("it is damaged");
    assert_eq!((report.rebuilt_conversations, report.missing_messages), (1, 0));
    let run = disk.open();
    let found = run.load(conversation_id(3)).expect("the conversation is there again");
    assert_eq!(found.branch, [message_id(30), message_id(31)]);
    assert!(found.title.starts_with("3: why why"), "{}", found.title);
}

#[test]
fn what_is_only_in_the_log_is_saved_too() {
    let source = filled_database();
    let run = source.open();
    run.save_ok(vec![write_header(header(99, "in the log")), write_message(99, prompt(990, "the last words"))]);
    let mut bytes = fs::read(source.file()).expect("the file");
    let log = fs::read(source.file().with_file_name("ibid.db-wal")).expect("the log");
    assert!(!log.is_empty());
    // Each frame of the log begins with the number of its page.
    let in_log = log[32..].chunks(24 + PAGE).map(|frame| u32::from_be_bytes([frame[0], frame[1], frame[2], frame[3]]));
    let in_log: BTreeSet<usize> = in_log.map(|page| page as usize).collect();
    let damaged = (6..bytes.len() / PAGE).find(|page| !in_log.contains(page)).expect("a page that is only in the file");
    bytes[(damaged - 1) * PAGE..damaged * PAGE].fill(0xa5);
    let disk = database_of(&bytes);
    fs::write(disk.file().with_file_name("ibid.db-wal"), &log).expect("the log");
    let damaged = repair(&disk).expect("it is repaired");
    assert!(damaged.is_some());
    assert_eq!(disk.open().titles()[0], "in the log");
}

#[test]
fn a_database_that_another_instance_has_open_is_not_repaired() {
    let disk = filled_database();
    let length = fs::metadata(disk.file()).expect("the file").len();
    let db = disk.connect();
    db.pragma_update(None, "foreign_keys", false).expect("no foreign keys");
    db.execute("delete from conversation where id = ?1", [conversation_id(3).0.to_string()]).expect("a row");
    assert_eq!(repair(&disk), Err(StoreError::InUse));
    drop(db);
    assert_eq!(fs::metadata(disk.file()).expect("the file").len(), length);
    assert!(repair(&disk).expect("it is repaired").is_some());
}

#[test]
fn a_damaged_database_of_an_earlier_version_is_repaired_and_then_migrated() {
    let disk = super::schemas::older_database(4);
    let db = disk.connect();
    let root: u32 =
        db.query_row("select rootpage from sqlite_schema where name = 'growth'", [], |row| row.get(0)).expect("a page");
    let root = root as usize;
    drop(db);
    let mut bytes = fs::read(disk.file()).expect("the file");
    bytes[(root - 1) * PAGE..root * PAGE].fill(0xa5);
    fs::write(disk.file(), &bytes).expect("the file");
    let report = repair(&disk).expect("it is repaired");
    let titles = disk.open().titles();
    assert_eq!(titles, ["Broken off", "Zwölf 机器", "Legs of a table"], "{report:?}");
}

#[test]
fn a_file_that_is_no_database_is_not_replaced() {
    let text = "these are my notes, not a database\n".repeat(400);
    let disk = database_of(text.as_bytes());
    let Err(error) = repair(&disk) else { panic!("it was repaired") };
    assert!(error.to_string().contains("no conversation in"), "{error}");
    assert_eq!(fs::read_to_string(disk.file()).expect("the file"), text);
    assert_eq!(beside(&disk), ["ibid.db"]);
}
