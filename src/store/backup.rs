//! Copies the database before a migration: a file beside it, of which the newest are kept.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
};

use rusqlite::{Connection, OpenFlags};

use super::{StoreError, schema};
use crate::{clock, files};

/// How many backups are kept.
const KEPT_BACKUPS: usize = 3;

/// Writes a copy of the database as it was last committed, and drops the oldest copies. The caller holds the write lock, so
/// that nothing is written meanwhile. If the copy cannot be written, there is no part of it.
pub(super) fn write(path: &Path, version: u32) -> Result<PathBuf, StoreError> {
    let unfinished = beside(path, "backup-unfinished");
    remove_unfinished(&unfinished); // A crash may have left it.
    let name = clock::now().strftime("backup-%Y-%m-%dT%H%M%SZ").to_string();
    let finished = beside(path, &format!("{name}-v{version}"));
    let written = copy(path, &unfinished)
        .and_then(|()| fs::rename(&unfinished, &finished).map_err(|error| StoreError::from_io(&error, &finished)));
    if let Err(error) = written {
        remove_unfinished(&unfinished);
        return Err(match error {
            // It has to be repaired first.
            StoreError::Corrupt(_) => error,
            error => StoreError::NoBackup(backup_words(path, version, &error)),
        });
    }
    drop_oldest(path);
    Ok(finished)
}

/// Removes a copy and what SQLite leaves beside one that it could not finish.
pub(super) fn remove_unfinished(path: &Path) {
    for suffix in ["", "-journal"] {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        let _ = fs::remove_file(PathBuf::from(name)); // Most often there is none.
    }
}

fn copy(path: &Path, target: &Path) -> Result<(), StoreError> {
    let io_error = |error: std::io::Error| StoreError::from_io(&error, target);
    // SQLite would create a file that others can read; it takes an empty one as well.
    let file = files::open_private(target).map_err(io_error)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let copied = Connection::open_with_flags(path, flags)
        .and_then(|db| db.execute("vacuum into ?1", [target.to_string_lossy()]));
    copied.map_err(|error| StoreError::from_sqlite(&error, path))?;
    file.sync_all().map_err(io_error)
}

fn backup_words(path: &Path, version: u32, error: &StoreError) -> String {
    let megabytes = fs::metadata(path).map_or(0, |found| found.len()).div_ceil(1_000_000);
    let reason = match error {
        StoreError::Full => format!("the disk is full: {megabytes} MB are needed"),
        other => other.to_string(),
    };
    let known = schema::VERSION;
    format!(
        "nothing was changed: the database must go from version {version} to {known}, and its backup failed ({reason})"
    )
}

/// Returns the path of a file beside the database: `ibid.db` gives `ibid.NAME.db`.
pub(super) fn beside(path: &Path, name: &str) -> PathBuf {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!("{stem}.{name}.db"))
}

/// Deletes all backups but the newest. Their names begin with their time.
fn drop_oldest(path: &Path) {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let is_backup = |name: &str| {
        let time = name.strip_prefix(&stem).and_then(|rest| rest.strip_prefix(".backup-")?.strip_suffix(".db"));
        time.is_some_and(|time| time.starts_with(|first: char| first.is_ascii_digit()))
    };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let found = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> = found.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.retain(|name| is_backup(name));
    names.sort_unstable();
    names.truncate(names.len().saturating_sub(KEPT_BACKUPS));
    for name in names {
        let _ = fs::remove_file(folder.join(name)); // It costs only room.
    }
}

/// Writes the names in a folder to the disk, where the system can do that.
pub(super) fn sync_folder(path: &Path) {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let _ = File::open(folder).and_then(|folder| folder.sync_all()); // Windows opens no folders.
}
