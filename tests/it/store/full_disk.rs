//! A disk that is full: a small one is made in memory, which only root may do.
#![cfg(target_os = "linux")]

use std::{fs, path::PathBuf, process::Command};

use ibid::store::{StoreError, StoreJob, StoreOptions, StoreReply};

use super::{
    schemas::{older_database, user_version},
    test_database::{TestDatabase, header, prompt, write_header, write_message},
};

/// A small disk; it is gone when this is dropped.
struct SmallDisk {
    folder: tempfile::TempDir,
}

impl SmallDisk {
    /// Returns `None`, and says so, where it cannot be made.
    #[expect(clippy::disallowed_methods, reason = "a test mounts a disk")]
    fn mount(megabytes: u32) -> Option<Self> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let size = format!("size={megabytes}m");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "ibid-test"]).arg(folder.path()).output();
        if mounted.is_ok_and(|done| done.status.success()) {
            return Some(Self { folder });
        }
        eprintln!("SKIPPED: no small disk can be mounted here (that takes root), so a full one is not tried");
        None
    }

    fn database(&self) -> TestDatabase {
        TestDatabase::in_folder(self.folder.path())
    }

    /// Fills it up to this many bytes.
    fn fill(&self, left: u64) {
        let free = free_bytes(&self.folder.path().to_owned());
        let size = usize::try_from(free.saturating_sub(left)).expect("a small disk");
        fs::write(self.folder.path().join("filling"), vec![1_u8; size]).expect("there is room");
    }
}

impl Drop for SmallDisk {
    #[expect(clippy::disallowed_methods, reason = "a test unmounts a disk")]
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.folder.path()).status();
    }
}

fn free_bytes(folder: &PathBuf) -> u64 {
    let found = rustix::fs::statvfs(folder).expect("the disk is known");
    found.f_bavail * found.f_frsize
}

/// Puts an older database with a megabyte of text on a disk.
fn older_database_on(disk: &SmallDisk) -> TestDatabase {
    let source = older_database(7);
    let text = "x".repeat(1_000_000);
    source.connect().execute("update message set text = ?1 where role = 'prompt'", [text]).expect("an update");
    let database = disk.database();
    fs::create_dir_all(database.file().parent().expect("a folder")).expect("a folder");
    fs::copy(source.file(), database.file()).expect("there is room");
    database
}

#[test]
fn a_migration_without_room_for_the_backup_changes_nothing() {
    let Some(small) = SmallDisk::mount(24) else { return };
    let disk = older_database_on(&small);
    small.fill(600_000);
    let before = fs::read(disk.file()).expect("the file");
    let Err(error) = disk.try_open(StoreOptions::default()) else { panic!("it was opened") };
    let words = error.to_string();
    assert!(matches!(error, StoreError::NoBackup(_)) && words.contains("the disk is full: "), "{words}");
    assert_eq!(fs::read(disk.file()).expect("the file"), before);
    let folder = disk.file().parent().expect("a folder").to_owned();
    let names: Vec<_> = fs::read_dir(folder).expect("the folder").flatten().map(|entry| entry.file_name()).collect();
    assert!(names.iter().all(|name| !name.to_string_lossy().contains("backup")), "{names:?}");
    fs::remove_file(small.folder.path().join("filling")).expect("it is removed");
    assert_eq!(disk.open().titles().len(), 3);
    assert!(user_version(&disk.connect()) > 7);
}

#[test]
fn a_save_on_a_full_disk_fails_whole_and_succeeds_later() {
    let Some(small) = SmallDisk::mount(8) else { return };
    let disk = small.database();
    let run = disk.open();
    run.save_ok(vec![write_header(header(1, "before")), write_message(1, prompt(10, "hello"))]);
    small.fill(60_000);
    let long = "y".repeat(400_000);
    let changes = || vec![write_header(header(2, "later")), write_message(2, prompt(20, &long))];
    assert_eq!(run.save(changes()), Err(StoreError::Full));
    assert_eq!(run.titles(), ["before"]);
    fs::remove_file(small.folder.path().join("filling")).expect("it is removed");
    run.save_ok(changes());
    assert_eq!(run.titles(), ["later", "before"]);
}

#[test]
fn a_repair_without_room_changes_nothing() {
    let Some(small) = SmallDisk::mount(24) else { return };
    let disk = small.database();
    let run = disk.open();
    let text = "z".repeat(3_000_000);
    run.save_ok(vec![write_header(header(1, "before")), write_message(1, prompt(10, &text))]);
    drop(run);
    let db = disk.connect();
    db.pragma_update(None, "foreign_keys", false).expect("no foreign keys");
    db.execute("delete from conversation", []).expect("the rows");
    drop(db);
    small.fill(1_000_000);
    let before = fs::read(disk.file()).expect("the file");
    let run = disk.open();
    run.send(StoreJob::RepairDatabase);
    let reply = run.reply();
    assert!(matches!(reply, StoreReply::Repaired(Err(StoreError::Full))), "{reply:?}");
    drop(run);
    assert_eq!(fs::read(disk.file()).expect("the file"), before);
}
