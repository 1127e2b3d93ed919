//! A database file that cannot be used: one clear message, nothing half-written, nothing lost.

use std::{fs, time::Duration};

use ibid::{
    chat::AnswerEnd,
    store::{StoreError, StoreJob, StoreOptions, StoreReply},
};

use super::test_database::{
    StoreRun, TestDatabase, answer, conversation_id, full_answer, header, prompt, write_header, write_message,
};

fn short_patience() -> StoreOptions {
    StoreOptions { busy_timeout: Duration::from_millis(30), ..StoreOptions::default() }
}

/// Returns why the database cannot be opened, with its path shortened.
fn open_error(disk: &TestDatabase) -> String {
    match disk.try_open(short_patience()) {
        Ok(_) => panic!("the database was opened"),
        Err(error) => error_text(disk, &error),
    }
}

fn error_text(disk: &TestDatabase, error: &StoreError) -> String {
    error.to_string().replace(&disk.file().display().to_string(), "FILE")
}

fn save_prompt(run: &StoreRun) -> Result<(), StoreError> {
    run.save(vec![write_header(header(2, "later")), write_message(2, prompt(20, "not to be lost"))])
}

/// A database with one conversation in it.
fn database_with_one_conversation() -> TestDatabase {
    let disk = TestDatabase::new();
    disk.open().save_ok(vec![write_header(header(1, "before")), write_message(1, prompt(10, "hello"))]);
    disk
}

#[test]
fn a_lock_held_by_another_program_is_reported_and_nothing_is_half_written() {
    let disk = database_with_one_conversation();
    let run = disk.open_with(short_patience());
    let other = disk.connect();
    other.execute_batch("begin immediate").expect("the lock");
    assert_eq!(save_prompt(&run), Err(StoreError::Locked));
    assert_eq!(run.titles(), ["before"], "reading still works");
    assert_eq!(run.load(conversation_id(1)).expect("the conversation").messages.len(), 1);
    other.execute_batch("rollback").expect("the lock is released");
    assert_eq!(run.titles(), ["before"]);
    assert_eq!(save_prompt(&run), Ok(()));
    assert_eq!(run.titles(), ["later", "before"]);
}

#[test]
fn a_start_while_another_program_holds_the_lock_still_lists_the_conversations() {
    let disk = database_with_one_conversation();
    let other = disk.connect();
    other.execute_batch("begin immediate").expect("the lock");
    let run = disk.open_with(short_patience());
    assert_eq!(run.newest.len(), 1);
    assert_eq!(save_prompt(&run), Err(StoreError::Locked));
}

#[test]
fn all_saves_that_wait_for_a_lock_fail_together_after_one_wait() {
    let disk = database_with_one_conversation();
    let run = disk.open_with(short_patience());
    let other = disk.connect();
    other.execute_batch("begin immediate").expect("the lock");
    let begun = std::time::Instant::now();
    for n in 0..200 {
        let ticket = ibid::store::SaveTicket(n);
        run.send(StoreJob::Save { ticket, changes: vec![ibid::chat::ConversationChange::NewDraft(n.to_string())] });
    }
    for n in 0..200 {
        let reply = run.reply();
        assert!(
            matches!(reply, StoreReply::SaveFailed { ticket, error: StoreError::Locked } if ticket.0 == n),
            "{reply:?}"
        );
    }
    // One after the other, they would take six seconds.
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
}

#[test]
fn a_full_disk_is_reported_and_later_saves_succeed() {
    let disk = database_with_one_conversation();
    let pages: u32 = disk.connect().pragma_query_value(None, "page_count", |row| row.get(0)).expect("a number");
    let run = disk.open_with(StoreOptions { max_pages: Some(pages + 2), ..short_patience() });
    let long = "x".repeat(100_000);
    assert_eq!(
        run.save(vec![write_header(header(3, "big")), write_message(3, prompt(30, &long))]),
        Err(StoreError::Full)
    );
    assert_eq!(run.titles(), ["before"]);
    assert_eq!(StoreError::Full.to_string(), "the disk is full; free some space and try again");
    drop(run);
    let run = disk.open();
    assert_eq!(save_prompt(&run), Ok(()));
    assert_eq!(run.titles(), ["later", "before"]);
}

#[test]
fn a_save_that_fills_the_disk_does_not_fail_small_ones() {
    let disk = database_with_one_conversation();
    let pages: u32 = disk.connect().pragma_query_value(None, "page_count", |row| row.get(0)).expect("a number");
    let run = disk.open_with(StoreOptions { max_pages: Some(pages + 2), ..short_patience() });
    let draft = |text: String| vec![ibid::chat::ConversationChange::Draft { conversation: conversation_id(1), text }];
    let jobs = [
        draft("small".into()),
        draft("x".repeat(100_000)),
        vec![ibid::chat::ConversationChange::NewDraft("small too".into())],
    ];
    for (n, changes) in (0..).zip(jobs) {
        run.send(StoreJob::Save { ticket: ibid::store::SaveTicket(n), changes });
    }
    let replies: Vec<bool> = (0..3).map(|_| matches!(run.reply(), StoreReply::Saved(_))).collect();
    assert_eq!(replies, [true, false, true]);
    drop(run);
    let run = disk.open();
    assert_eq!(run.new_draft, "small too");
    assert_eq!(run.load(conversation_id(1)).expect("the conversation").draft, "small");
}

#[test]
fn a_read_only_database_can_be_read() {
    let disk = database_with_one_conversation();
    let run = disk.open_with(StoreOptions { read_only: true, ..short_patience() });
    assert_eq!(run.titles(), ["before"]);
    assert_eq!(run.load(conversation_id(1)).expect("the conversation").messages.len(), 1);
    let error = save_prompt(&run).expect_err("the database is read-only");
    insta::assert_snapshot!(error_text(&disk, &error), @"the database cannot be written: FILE is read-only; make it writable, or name another folder with --data-dir");
}

/// As on a disk where SQLite cannot create its own files.
#[test]
fn a_database_whose_side_files_cannot_be_created_can_be_read() {
    let disk = database_with_one_conversation();
    fs::create_dir(disk.folder.join("data/ibid.db-shm")).expect("a folder");
    let run = disk.open_with(short_patience());
    assert_eq!(run.titles(), ["before"]);
    assert_eq!(run.load(conversation_id(1)).expect("the conversation").messages.len(), 1);
    assert!(matches!(save_prompt(&run), Err(StoreError::ReadOnly(_))));
}

#[test]
fn a_directory_in_place_of_the_file_is_reported() {
    let disk = TestDatabase::new();
    fs::create_dir_all(disk.file()).expect("a folder");
    insta::assert_snapshot!(open_error(&disk), @"FILE is a directory, not a database; move it away, or name another folder with --data-dir");
}

#[test]
fn a_file_in_place_of_the_folder_is_reported() {
    let disk = TestDatabase::new();
    fs::write(disk.folder.join("data"), "").expect("a file");
    let message = open_error(&disk);
    assert!(message.starts_with("the database FILE cannot be created ("), "{message}");
}

#[test]
fn a_file_that_is_not_a_database_is_reported_and_left_unchanged() {
    let disk = TestDatabase::new();
    fs::create_dir_all(disk.folder.join("data")).expect("a folder");
    let text = "these are my notes, not a database\n".repeat(100);
    fs::write(disk.file(), &text).expect("a file");
    insta::assert_snapshot!(open_error(&disk), @"the database is damaged: FILE (file is not a database); it stays as it is: /repair-database saves what can be read, or name another folder with --data-dir");
    assert_eq!(fs::read_to_string(disk.file()).expect("the file"), text);
}

#[test]
fn a_damaged_database_is_reported_and_never_recreated() {
    let disk = database_with_one_conversation();
    let run = disk.open();
    run.save_ok((100..400).map(|n| write_message(1, answer(n, 10, full_answer(AnswerEnd::Complete)))).collect());
    drop(run);
    let mut bytes = fs::read(disk.file()).expect("the file");
    let length = bytes.len();
    bytes[8192..].fill(0xa5);
    fs::write(disk.file(), &bytes).expect("the file");
    let error = match disk.try_open(short_patience()) {
        Err(error) => error,
        Ok(run) => run.load(conversation_id(1)).expect_err("the pages of its messages are gone"),
    };
    assert!(matches!(error, StoreError::Corrupt(_)), "{error}");
    assert_eq!(fs::read(disk.file()).expect("the file").len(), length, "the file was not recreated");
}

#[test]
fn the_database_of_another_program_is_left_alone() {
    let disk = TestDatabase::new();
    fs::create_dir_all(disk.folder.join("data")).expect("a folder");
    disk.connect().execute_batch("create table recipe (name text)").expect("a table");
    let before = fs::read(disk.file()).expect("the file");
    insta::assert_snapshot!(open_error(&disk), @"FILE is the database of another program; name another folder with --data-dir");
    assert_eq!(fs::read(disk.file()).expect("the file"), before);
}

#[test]
fn opening_again_changes_nothing() {
    let disk = database_with_one_conversation();
    let schema = || -> Vec<String> {
        let db = disk.connect();
        let mut rows =
            db.prepare("select sql from sqlite_schema where sql is not null order by name").expect("a query");
        rows.query_map([], |row| row.get(0)).expect("rows").collect::<Result<_, _>>().expect("text")
    };
    let before = (schema(), schema_version(&disk));
    assert!(before.0.len() >= 4 && before.1 > 0, "{before:?}");
    drop(disk.open());
    assert_eq!((schema(), schema_version(&disk)), before);
}

fn schema_version(disk: &TestDatabase) -> u32 {
    disk.connect().pragma_query_value(None, "user_version", |row| row.get(0)).expect("a version")
}

#[test]
fn a_save_opens_a_database_that_could_not_be_opened_before() {
    let disk = TestDatabase::new();
    fs::create_dir_all(disk.file()).expect("a folder");
    let (sender, replies) = std::sync::mpsc::channel();
    let store = ibid::store::StoreHandle::open_with(&disk.file(), short_patience(), move |reply| {
        let _ = sender.send(reply);
    });
    let next = || replies.recv_timeout(Duration::from_mins(1)).expect("a reply");
    let draft = || StoreJob::Save {
        ticket: ibid::store::SaveTicket(5),
        changes: vec![ibid::chat::ConversationChange::NewDraft("x".into())],
    };
    assert!(matches!(next(), StoreReply::OpenFailed(StoreError::Other(_))));
    store.send(draft());
    assert!(matches!(next(), StoreReply::SaveFailed { error: StoreError::Other(_), .. }));
    fs::remove_dir(disk.file()).expect("the folder is removed");
    store.send(draft());
    assert!(matches!(next(), StoreReply::Opened { .. }));
    assert!(matches!(next(), StoreReply::Saved(_)));
}
