//! A file that cannot be used: one clear sentence, nothing half-written, nothing lost.

use std::{fs, time::Duration};

use ibid::{
    chat::End,
    store::{Error, Job, Options, Reply},
};

use super::disk::{Disk, Run, answer, begin, conversation_id, full, header, prompt, write};

fn impatient() -> Options {
    Options { patience: Duration::from_millis(30), ..Options::default() }
}

/// Why the database does not open, with its path shortened.
fn broken(disk: &Disk) -> String {
    match disk.begin(impatient()) {
        Ok(_) => panic!("this cannot be used"),
        Err(error) => said(disk, &error),
    }
}

fn said(disk: &Disk, error: &Error) -> String {
    error.to_string().replace(&disk.file().display().to_string(), "FILE")
}

fn save(run: &Run) -> Result<(), Error> {
    run.save(vec![begin(header(2, "later")), write(2, prompt(20, "not to be lost"))])
}

/// A database with one conversation in it.
fn used() -> Disk {
    let disk = Disk::new();
    disk.open().saved(vec![begin(header(1, "before")), write(1, prompt(10, "hello"))]);
    disk
}

#[test]
fn a_lock_held_by_another_program_is_told_and_nothing_is_half_written() {
    let disk = used();
    let run = disk.open_with(impatient());
    let other = disk.connect();
    other.execute_batch("begin immediate").expect("the lock");
    assert_eq!(save(&run), Err(Error::Locked));
    assert_eq!(run.titles(), ["before"], "reading goes on");
    assert_eq!(run.load(conversation_id(1)).expect("the conversation").messages.len(), 1);
    other.execute_batch("rollback").expect("the lock is given back");
    assert_eq!(run.titles(), ["before"]);
    assert_eq!(save(&run), Ok(()));
    assert_eq!(run.titles(), ["later", "before"]);
}

#[test]
fn a_start_while_another_program_holds_the_lock_shows_the_conversations_all_the_same() {
    let disk = used();
    let other = disk.connect();
    other.execute_batch("begin immediate").expect("the lock");
    let run = disk.open_with(impatient());
    assert_eq!(run.newest.len(), 1);
    assert_eq!(save(&run), Err(Error::Locked));
}

#[test]
fn all_saves_that_wait_for_a_lock_fail_together_after_one_wait() {
    let disk = used();
    let run = disk.open_with(impatient());
    let other = disk.connect();
    other.execute_batch("begin immediate").expect("the lock");
    let begun = std::time::Instant::now();
    for n in 0..200 {
        let ticket = ibid::store::Ticket(n);
        run.send(Job::Save { ticket, changes: vec![ibid::chat::Change::NewDraft(n.to_string())] });
    }
    for n in 0..200 {
        let reply = run.reply();
        assert!(matches!(reply, Reply::NotSaved { ticket, error: Error::Locked } if ticket.0 == n), "{reply:?}");
    }
    // One by one they would take six seconds.
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
}

#[test]
fn a_full_disk_is_told_and_later_saves_work_when_there_is_room() {
    let disk = used();
    let pages: u32 = disk.connect().pragma_query_value(None, "page_count", |row| row.get(0)).expect("a number");
    let run = disk.open_with(Options { most_pages: Some(pages + 2), ..impatient() });
    let long = "x".repeat(100_000);
    assert_eq!(run.save(vec![begin(header(3, "big")), write(3, prompt(30, &long))]), Err(Error::Full));
    assert_eq!(run.titles(), ["before"]);
    assert_eq!(Error::Full.to_string(), "the disk is full; free some space and try again");
    drop(run);
    let run = disk.open();
    assert_eq!(save(&run), Ok(()));
    assert_eq!(run.titles(), ["later", "before"]);
}

#[test]
fn a_save_that_fills_the_disk_does_not_take_a_small_one_with_it() {
    let disk = used();
    let pages: u32 = disk.connect().pragma_query_value(None, "page_count", |row| row.get(0)).expect("a number");
    let run = disk.open_with(Options { most_pages: Some(pages + 2), ..impatient() });
    let draft = |text: String| vec![ibid::chat::Change::Draft { conversation: conversation_id(1), text }];
    let jobs =
        [draft("small".into()), draft("x".repeat(100_000)), vec![ibid::chat::Change::NewDraft("small too".into())]];
    for (n, changes) in (0..).zip(jobs) {
        run.send(Job::Save { ticket: ibid::store::Ticket(n), changes });
    }
    let replies: Vec<bool> = (0..3).map(|_| matches!(run.reply(), Reply::Saved(_))).collect();
    assert_eq!(replies, [true, false, true]);
    drop(run);
    let run = disk.open();
    assert_eq!(run.new_draft, "small too");
    assert_eq!(run.load(conversation_id(1)).expect("the conversation").draft, "small");
}

#[test]
fn a_database_that_cannot_be_written_can_be_read() {
    let disk = used();
    let run = disk.open_with(Options { read_only: true, ..impatient() });
    assert_eq!(run.titles(), ["before"]);
    assert_eq!(run.load(conversation_id(1)).expect("the conversation").messages.len(), 1);
    let error = save(&run).expect_err("this cannot be written");
    insta::assert_snapshot!(said(&disk, &error), @"the database cannot be written: FILE is read-only; make it writable, or name another folder with --data-dir");
}

/// As on a disk where SQLite can make no file of its own.
#[test]
fn a_database_beside_which_no_file_can_be_made_can_be_read() {
    let disk = used();
    fs::create_dir(disk.folder.join("data/ibid.db-shm")).expect("a folder");
    let run = disk.open_with(impatient());
    assert_eq!(run.titles(), ["before"]);
    assert_eq!(run.load(conversation_id(1)).expect("the conversation").messages.len(), 1);
    assert!(matches!(save(&run), Err(Error::ReadOnly(_))));
}

#[test]
fn a_directory_in_the_place_of_the_file_is_told() {
    let disk = Disk::new();
    fs::create_dir_all(disk.file()).expect("a folder");
    insta::assert_snapshot!(broken(&disk), @"FILE is a directory, not a database; move it away, or name another folder with --data-dir");
}

#[test]
fn a_file_in_the_place_of_the_folder_is_told() {
    let disk = Disk::new();
    fs::write(disk.folder.join("data"), "").expect("a file");
    let said = broken(&disk);
    assert!(said.starts_with("the database FILE cannot be made ("), "{said}");
}

#[test]
fn a_file_that_is_no_database_is_told_and_left_as_it_is() {
    let disk = Disk::new();
    fs::create_dir_all(disk.folder.join("data")).expect("a folder");
    let text = "these are my notes, not a database\n".repeat(100);
    fs::write(disk.file(), &text).expect("a file");
    insta::assert_snapshot!(broken(&disk), @"the database is damaged: FILE (file is not a database); it stays as it is: repair it, move it away, or name another folder with --data-dir");
    assert_eq!(fs::read_to_string(disk.file()).expect("the file"), text);
}

#[test]
fn a_damaged_database_is_told_and_never_made_anew() {
    let disk = used();
    let run = disk.open();
    run.saved((100..400).map(|n| write(1, answer(n, 10, full(End::Complete)))).collect());
    drop(run);
    let mut bytes = fs::read(disk.file()).expect("the file");
    let length = bytes.len();
    bytes[8192..].fill(0xa5);
    fs::write(disk.file(), &bytes).expect("the file");
    let error = match disk.begin(impatient()) {
        Err(error) => error,
        Ok(run) => run.load(conversation_id(1)).expect_err("the pages of its messages are gone"),
    };
    assert!(matches!(error, Error::Corrupt(_)), "{error}");
    assert_eq!(fs::read(disk.file()).expect("the file").len(), length, "nothing was made anew");
}

#[test]
fn the_database_of_another_program_is_left_alone() {
    let disk = Disk::new();
    fs::create_dir_all(disk.folder.join("data")).expect("a folder");
    disk.connect().execute_batch("create table recipe (name text)").expect("a table");
    let before = fs::read(disk.file()).expect("the file");
    insta::assert_snapshot!(broken(&disk), @"FILE is the database of another program; name another folder with --data-dir");
    assert_eq!(fs::read(disk.file()).expect("the file"), before);
}

#[test]
fn a_database_of_a_newer_version_is_refused() {
    let disk = used();
    let ours = version(&disk);
    disk.connect().pragma_update(None, "user_version", 4711).expect("a version");
    insta::assert_snapshot!(broken(&disk), @"the database was made by a newer ibid (version 4711); update ibid, or name another folder with --data-dir");
    disk.connect().pragma_update(None, "user_version", ours).expect("a version");
    assert_eq!(disk.open().newest.len(), 1);
}

#[test]
fn opening_again_changes_nothing() {
    let disk = used();
    let schema = || -> Vec<String> {
        let db = disk.connect();
        let mut rows =
            db.prepare("select sql from sqlite_schema where sql is not null order by name").expect("a query");
        rows.query_map([], |row| row.get(0)).expect("rows").collect::<Result<_, _>>().expect("text")
    };
    let before = (schema(), version(&disk));
    assert!(before.0.len() >= 4 && before.1 > 0, "{before:?}");
    drop(disk.open());
    assert_eq!((schema(), version(&disk)), before);
}

fn version(disk: &Disk) -> u32 {
    disk.connect().pragma_query_value(None, "user_version", |row| row.get(0)).expect("a version")
}

#[test]
fn what_was_wrong_at_the_start_may_be_over_at_the_next_save() {
    let disk = Disk::new();
    fs::create_dir_all(disk.file()).expect("a folder");
    let (sender, replies) = std::sync::mpsc::channel();
    let store = ibid::store::Store::open_with(&disk.file(), impatient(), move |reply| {
        let _ = sender.send(reply);
    });
    let next = || replies.recv_timeout(Duration::from_mins(1)).expect("a reply");
    let draft =
        || Job::Save { ticket: ibid::store::Ticket(5), changes: vec![ibid::chat::Change::NewDraft("x".into())] };
    assert!(matches!(next(), Reply::Broken(Error::Other(_))));
    store.send(draft());
    assert!(matches!(next(), Reply::NotSaved { error: Error::Other(_), .. }));
    fs::remove_dir(disk.file()).expect("the folder goes");
    store.send(draft());
    assert!(matches!(next(), Reply::Opened { .. }));
    assert!(matches!(next(), Reply::Saved(_)));
}
