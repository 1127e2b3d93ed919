//! Opens the database file: creates it if it is missing, falls back to reading, and never overwrites it.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use rusqlite::{Connection, OpenFlags, config::DbConfig};

use super::{StoreError, StoreOptions, backup, newer, run_marker::RunMarker, schema};
use crate::{files, text};

/// An open database, and this run's lock file beside it.
#[derive(Debug)]
pub(super) struct OpenDatabase {
    pub path: PathBuf,
    pub connection: Connection,
    pub marker: RunMarker,
    /// Why it is open for reading only.
    pub write_refusal: Option<StoreError>,
    /// Changes whenever another connection commits.
    data_version: i64,
}

/// Why the contents of a file cannot be used.
#[derive(Debug)]
pub(super) enum OpenRefusal {
    Newer(u32),
    Foreign,
    Sqlite(rusqlite::Error),
    Explained(StoreError),
}

impl From<rusqlite::Error> for OpenRefusal {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl OpenRefusal {
    fn explain(&self, path: &Path) -> StoreError {
        match self {
            Self::Newer(version) => StoreError::Newer { found: *version, known: schema::VERSION },
            Self::Explained(error) => error.clone(),
            Self::Foreign => StoreError::Other(format!(
                "{} is the database of another program; name another folder with --data-dir",
                path.display()
            )),
            Self::Sqlite(error) => StoreError::from_sqlite(error, path),
        }
    }
}

impl OpenDatabase {
    pub(super) fn open(path: &Path, options: StoreOptions) -> Result<Self, StoreError> {
        Self::open_noting(path, options, &|| ())
    }

    /// Opens the database; `on_upgrade` is called before an older one is copied and migrated.
    pub(super) fn open_noting(path: &Path, options: StoreOptions, on_upgrade: &dyn Fn()) -> Result<Self, StoreError> {
        if path.is_dir() {
            let path = path.display();
            let message =
                format!("{path} is a directory, not a database; move it away, or name another folder with --data-dir");
            return Err(StoreError::Other(message));
        }
        if let Err(error) = files::refuse_special(path) {
            return Err(StoreError::Other(format!(
                "{}: {}; move it away, or name another folder with --data-dir",
                path.display(),
                text::error_words(&error)
            )));
        }
        let opened = create_file(path, options).and_then(|()| connect(path, options, on_upgrade));
        let (connection, write_refusal) = match opened {
            Ok(connection) => (connection, None),
            Err(error @ StoreError::Newer { found, .. }) => (newer::open(path, found)?, Some(error)),
            Err(error @ StoreError::ReadOnly(_)) if path.is_file() => connect_refused(path, error)?,
            Err(error) => return Err(error),
        };
        let marker = RunMarker::next_to(path);
        let mut opened = Self { path: path.to_owned(), connection, marker, write_refusal, data_version: 0 };
        opened.has_changed_elsewhere();
        Ok(opened)
    }

    /// Returns whether another connection has committed anything since the last call.
    pub(super) fn has_changed_elsewhere(&mut self) -> bool {
        let version = self.connection.pragma_query_value(None, "data_version", |row| row.get(0));
        version.is_ok_and(|version: i64| std::mem::replace(&mut self.data_version, version) != version)
    }

    /// Turns an error of SQLite into one that can be shown to the user.
    pub(super) fn explain(&self, error: &rusqlite::Error) -> StoreError {
        StoreError::from_sqlite(error, &self.path)
    }
}

/// Creates an empty file that only its owner can read, which SQLite takes for an empty database. A file
/// created by SQLite would be readable by others.
fn create_file(path: &Path, options: StoreOptions) -> Result<(), StoreError> {
    if options.read_only {
        return Err(StoreError::read_only(path));
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    for suffix in ["-wal", "-shm"] {
        let mut beside = path.as_os_str().to_owned();
        beside.push(suffix);
        files::narrow(Path::new(&beside));
    }
    files::create_folder(folder)
        .and_then(|()| files::open_private(path).map(drop))
        .map_err(|error| StoreError::from_io(&error, path))
}

#[expect(clippy::disallowed_methods, reason = "SQLite has no event for the end of this lock")]
fn connect(path: &Path, options: StoreOptions, on_upgrade: &dyn Fn()) -> Result<Connection, StoreError> {
    let deadline = Instant::now() + options.busy_timeout;
    loop {
        match try_connect(path, options, on_upgrade) {
            // Switching a new file to WAL fails at once when two instances start together.
            Err(refused) => match refused.explain(path) {
                StoreError::Locked if Instant::now() < deadline => thread::sleep(Duration::from_millis(5)),
                error => return Err(error),
            },
            Ok(connection) => return Ok(connection),
        }
    }
}

fn try_connect(path: &Path, options: StoreOptions, on_upgrade: &dyn Fn()) -> Result<Connection, OpenRefusal> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut db = Connection::open_with_flags(path, flags)?;
    db.busy_timeout(options.busy_timeout)?;
    // Before writing: the file may not be ours. Closing it would write what is in its log.
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    schema::check_version(&db)?;
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
    db.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(()))?;
    db.pragma_update(None, "synchronous", "normal")?;
    db.pragma_update(None, "foreign_keys", true)?;
    if let Some(pages) = options.max_pages {
        db.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))?;
    }
    schema::migrate_after(&mut db, |version| {
        on_upgrade();
        backup::write(path, version).map(drop).map_err(OpenRefusal::Explained)
    })?;
    Ok(db)
}

/// Opens the database for reading only, because it cannot be written for this reason.
fn connect_refused(path: &Path, reason: StoreError) -> Result<(Connection, Option<StoreError>), StoreError> {
    match connect_read_only(path) {
        Ok(db) => Ok((db, Some(reason))),
        Err(error @ StoreError::Newer { found, .. }) => Ok((newer::open(path, found)?, Some(error))),
        Err(error) => Err(error),
    }
}

/// Opens the database for reading only. Changes in a write-ahead log that cannot be opened are missing.
pub(super) fn connect_read_only(path: &Path) -> Result<Connection, StoreError> {
    let open = || -> Result<Connection, OpenRefusal> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let db = Connection::open_with_flags(path, flags)?;
        match schema::check_version(&db) {
            Err(OpenRefusal::Sqlite(_)) => {
                let db = Connection::open_with_flags(immutable_uri(path), flags | OpenFlags::SQLITE_OPEN_URI)?;
                schema::check_version(&db).map(|version| (db, version))
            }
            other => other.map(|version| (db, version)),
        }
        .and_then(|(db, version)| match version {
            schema::VERSION => Ok(db),
            // An older schema cannot be migrated.
            _ => Err(OpenRefusal::Sqlite(rusqlite::Error::SqliteFailure(
                rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_READONLY),
                None,
            ))),
        })
    };
    open().map_err(|refused| refused.explain(path))
}

fn immutable_uri(path: &Path) -> OsString {
    let escaped = path.to_string_lossy().replace('%', "%25").replace('?', "%3f").replace('#', "%23");
    format!("file:{escaped}?immutable=1").into()
}
