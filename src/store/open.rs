//! Opens the file: made where there is none, read where it cannot be written, never overwritten.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use rusqlite::{Connection, OpenFlags};

use super::{Error, Options, live::Live, schema};
use crate::files::{self, Readers};

/// An open database, and this run's mark beside it.
#[derive(Debug)]
pub struct Database {
    pub path: PathBuf,
    pub connection: Connection,
    pub live: Live,
}

/// Why the contents of a file are not for us.
#[derive(Debug)]
pub enum Refused {
    Newer(u32),
    Foreign,
    Sqlite(rusqlite::Error),
}

impl From<rusqlite::Error> for Refused {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl Refused {
    fn explain(&self, path: &Path) -> Error {
        match self {
            Self::Newer(version) => Error::Newer(*version),
            Self::Foreign => Error::Other(format!(
                "{} is the database of another program; name another folder with --data-dir",
                path.display()
            )),
            Self::Sqlite(error) => Error::of(error, path),
        }
    }
}

impl Database {
    pub fn open(path: &Path, options: Options) -> Result<Self, Error> {
        if path.is_dir() {
            let path = path.display();
            let what =
                format!("{path} is a directory, not a database; move it away, or name another folder with --data-dir");
            return Err(Error::Other(what));
        }
        let connection = match make(path, options).and_then(|()| connect(path, options)) {
            Err(Error::ReadOnly(_)) if path.is_file() => read_only(path)?,
            other => other?,
        };
        Ok(Self { path: path.to_owned(), connection, live: Live::beside(path) })
    }

    /// What SQLite says, in our words.
    pub fn explain(&self, error: &rusqlite::Error) -> Error {
        Error::of(error, &self.path)
    }
}

/// Makes an empty file, which is an empty database to SQLite, before SQLite makes one that others can read.
fn make(path: &Path, options: Options) -> Result<(), Error> {
    if options.read_only {
        return Err(Error::ReadOnly(String::new()));
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    files::create_folder(folder, Readers::Owner)
        .and_then(|()| files::create_private(path))
        .map_err(|error| Error::of_file(&error, path))
}

fn connect(path: &Path, options: Options) -> Result<Connection, Error> {
    let deadline = Instant::now() + options.patience;
    loop {
        match attempt(path, options) {
            // Switching a new file to WAL gives up at once when two instances begin together.
            Err(refused) => match refused.explain(path) {
                Error::Locked if Instant::now() < deadline => thread::sleep(Duration::from_millis(5)),
                error => return Err(error),
            },
            Ok(connection) => return Ok(connection),
        }
    }
}

fn attempt(path: &Path, options: Options) -> Result<Connection, Refused> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut db = Connection::open_with_flags(path, flags)?;
    db.busy_timeout(options.patience)?;
    schema::check(&db)?; // Before anything is written into a file that is not ours.
    db.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(()))?;
    db.pragma_update(None, "synchronous", "normal")?;
    db.pragma_update(None, "foreign_keys", true)?;
    if let Some(pages) = options.most_pages {
        db.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))?;
    }
    schema::migrate(&mut db)?;
    Ok(db)
}

/// The conversations can be read even where nothing can be written. What lies in a log that cannot be
/// opened either is left out.
fn read_only(path: &Path) -> Result<Connection, Error> {
    let open = || -> Result<Connection, Refused> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let db = Connection::open_with_flags(path, flags)?;
        match schema::check(&db) {
            Err(Refused::Sqlite(_)) => {
                let db = Connection::open_with_flags(immutable(path), flags | OpenFlags::SQLITE_OPEN_URI)?;
                schema::check(&db).map(|version| (db, version))
            }
            other => other.map(|version| (db, version)),
        }
        .and_then(|(db, version)| match version {
            schema::VERSION => Ok(db),
            // An older one cannot be brought up to date.
            _ => Err(Refused::Sqlite(rusqlite::Error::SqliteFailure(
                rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_READONLY),
                None,
            ))),
        })
    };
    open().map_err(|refused| refused.explain(path))
}

fn immutable(path: &Path) -> OsString {
    let escaped = path.to_string_lossy().replace('%', "%25").replace('?', "%3f").replace('#', "%23");
    format!("file:{escaped}?immutable=1").into()
}
