//! What happens to a database of another version: an older one is copied first, a newer one is never written.

use std::{collections::BTreeMap, fs, path::Path};

use ibid::store::{StoreError, StoreOptions, StoreReply};

use sha2::{Digest, Sha256};

use super::{
    schemas::{older_database, user_version, version_of_today},
    test_database::{TestDatabase, conversation_id, header, message_id, prompt, write_header, write_message},
};

/// The names of the files beside the database that begin like a backup.
fn backups(disk: &TestDatabase) -> Vec<String> {
    names(disk).into_iter().filter(|name| name.starts_with("ibid.backup-")).collect()
}

fn names(disk: &TestDatabase) -> Vec<String> {
    let folder = disk.file().parent().expect("a folder").to_owned();
    let found = fs::read_dir(folder).expect("the folder").flatten();
    let mut names: Vec<String> = found.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

fn beside(disk: &TestDatabase, name: &str) -> std::path::PathBuf {
    disk.file().with_file_name(name)
}

/// The contents of the database's files; what readers share is not one of them.
fn contents(disk: &TestDatabase) -> BTreeMap<String, String> {
    let read = |name: String| (name.clone(), fs::read(beside(disk, &name)).unwrap_or_default());
    let files = names(disk).into_iter().filter(|name| !name.ends_with("-shm")).map(read);
    // An empty log says nothing.
    let files = files.filter(|(name, bytes)| !(name.ends_with("-wal") && bytes.is_empty()));
    files
        .map(|(name, bytes)| (name, Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect()))
        .collect()
}

#[test]
fn an_older_database_is_copied_before_it_is_migrated() {
    let disk = older_database(8);
    let run = disk.open();
    assert!(matches!(run.notices[..], [StoreReply::Upgrading]), "{:?}", run.notices);
    assert_eq!(user_version(&disk.connect()), version_of_today());
    let found = backups(&disk);
    let [backup] = &found[..] else { panic!("{found:?}") };
    assert!(backup.ends_with("Z-v8.db"), "{backup}");
    let copy = rusqlite::Connection::open(beside(&disk, backup)).expect("a database");
    assert_eq!(user_version(&copy), 8);
    let count: u32 = copy.query_row("select count(*) from message", [], |row| row.get(0)).expect("a number");
    assert_eq!(count, 10);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(beside(&disk, backup)).expect("the backup").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    drop(run);
    assert!(disk.open().notices.is_empty());
    assert_eq!(backups(&disk), found, "no other is made");
}

#[test]
fn a_new_database_is_not_copied() {
    let disk = TestDatabase::new();
    assert!(disk.open().notices.is_empty());
    assert_eq!(backups(&disk), Vec::<String>::new());
}

#[test]
fn the_last_three_backups_are_kept_and_no_other_file_is_touched() {
    let disk = older_database(3);
    for year in 2021..=2024 {
        fs::write(beside(&disk, &format!("ibid.backup-{year}-01-01T000000Z-v1.db")), "old").expect("a file");
    }
    for other in ["ibid.backup-of-mine.db", "ibid.db.bak", "notes.backup-2020-01-01T000000Z-v1.db"] {
        fs::write(beside(&disk, other), "mine").expect("a file");
    }
    drop(disk.open());
    let found = backups(&disk);
    assert_eq!(found.len(), 4, "{found:?}");
    assert_eq!(
        found[..2],
        ["ibid.backup-2023-01-01T000000Z-v1.db".to_owned(), "ibid.backup-2024-01-01T000000Z-v1.db".to_owned()]
    );
    assert!(found[2].ends_with("-v3.db") && found[3] == "ibid.backup-of-mine.db", "{found:?}");
    assert!(beside(&disk, "ibid.db.bak").exists() && beside(&disk, "notes.backup-2020-01-01T000000Z-v1.db").exists());
}

#[test]
fn without_a_backup_there_is_no_migration() {
    let disk = older_database(5);
    fs::create_dir_all(beside(&disk, "ibid.backup-unfinished.db").join("in the way")).expect("a folder");
    let before = contents(&disk)["ibid.db"].clone();
    let Err(error) = disk.try_open(StoreOptions::default()) else { panic!("it was opened") };
    assert!(matches!(error, StoreError::NoBackup(_)), "{error}");
    let words = error.to_string();
    assert!(words.starts_with("nothing was changed: the database must go from version 5 to "), "{words}");
    assert_eq!(user_version(&disk.connect()), 5);
    assert_eq!(contents(&disk)["ibid.db"], before);
    fs::remove_dir_all(beside(&disk, "ibid.backup-unfinished.db")).expect("the folder is removed");
    assert_eq!(disk.open().titles().len(), 3);
}

/// A database with one conversation, changed by a later version.
fn newer_database(change: &str) -> TestDatabase {
    let disk = TestDatabase::new();
    disk.open().save_ok(vec![write_header(header(1, "before")), write_message(1, prompt(10, "hello"))]);
    let db = disk.connect();
    db.execute_batch(change).expect("the change");
    db.pragma_update(None, "user_version", 4711).expect("a version");
    disk
}

const MORE: &str = "create table hologram (id text); alter table message add column mood text";

#[test]
fn a_newer_database_with_all_that_is_read_here_can_be_read_and_is_never_written() {
    let disk = newer_database(MORE);
    let before = contents(&disk);
    let run = disk.open();
    let [StoreReply::ReadOnly(error)] = &run.notices[..] else { panic!("{:?}", run.notices) };
    let words = error.to_string();
    assert!(words.contains(&format!("its version is 4711, this ibid knows {}", version_of_today())), "{words}");
    assert_eq!(run.titles(), ["before"]);
    assert_eq!(run.load(conversation_id(1)).expect("it is read").messages[&message_id(10)].parent, None);
    let refused = run.save(vec![write_header(header(2, "later"))]).expect_err("it is not written");
    assert_eq!(refused.to_string(), words);
    drop(run);
    assert_eq!(contents(&disk), before);
}

#[test]
fn what_a_newer_ibid_left_in_its_log_stays_there() {
    let source = newer_database(MORE);
    let writer = source.connect();
    writer.execute("update conversation set title = 'in the log'", []).expect("an update");
    let disk = TestDatabase::new();
    fs::create_dir_all(disk.file().parent().expect("a folder")).expect("a folder");
    for name in ["ibid.db", "ibid.db-wal"] {
        fs::copy(beside(&source, name), beside(&disk, name)).expect("a copy");
    }
    let before = contents(&disk);
    assert!(before.contains_key("ibid.db-wal"));
    let run = disk.open();
    assert_eq!(run.titles(), ["in the log"]);
    drop(run);
    assert_eq!(contents(&disk), before);
}

#[test]
fn a_newer_database_without_something_that_is_read_here_is_refused() {
    let disk = newer_database("alter table message drop column bills");
    let before = contents(&disk);
    let Err(error) = disk.try_open(StoreOptions::default()) else { panic!("it was opened") };
    let words = error.to_string();
    for part in ["4711", &version_of_today().to_string(), "it has no message.bills", "update ibid"] {
        assert!(words.contains(part), "{words}");
    }
    assert_eq!(contents(&disk), before);
}

#[test]
fn a_database_that_is_read_only_says_so_at_once() {
    let disk = TestDatabase::new();
    drop(disk.open());
    let run = disk.open_with(StoreOptions { read_only: true, ..StoreOptions::default() });
    let [StoreReply::ReadOnly(error)] = &run.notices[..] else { panic!("{:?}", run.notices) };
    let shown = error.to_string().replace(&Path::new(&disk.file()).display().to_string(), "FILE");
    insta::assert_snapshot!(shown, @"the database cannot be written: FILE is read-only; make it writable, or name another folder with --data-dir");
}
