//! Errors of the database, and what the user can do about them.

use std::path::Path;

use rusqlite::ErrorCode;

use crate::{chat::QueuedId, text};

/// An error of the database. Each message is one sentence without a full stop: what happened, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    #[error("no conversation {0}")]
    Missing(String),
    /// The prompt was not written because another instance has sent or removed it, or is going to send it.
    #[error("another running ibid has taken this prompt")]
    Taken(QueuedId),
    #[error("the database is locked by another program; close that or try again")]
    Locked,
    #[error("the database cannot be written: {0}")]
    ReadOnly(String),
    /// It cannot be repaired now.
    #[error("another running ibid has the database open; close it first, then repair")]
    InUse,
    #[error("the disk is full; free some space and try again")]
    Full,
    #[error("the database is damaged: {0}")]
    Corrupt(String),
    /// It can be read, and is never written.
    #[error(
        "the database was made by a newer ibid (its version is {found}, this ibid knows {known}) and can only be read here; \
         update ibid, or name another folder with --data-dir"
    )]
    Newer { found: u32, known: u32 },
    #[error(
        "the database was made by a newer ibid (its version is {found}, this ibid knows {known}) and cannot be read here, \
         for it has no {missing}; update ibid, or name another folder with --data-dir"
    )]
    TooNew { found: u32, known: u32, missing: String },
    /// An older database stays as it is, because it cannot be copied before its migration.
    #[error("{0}")]
    NoBackup(String),
    #[error("{0}")]
    Other(String),
}

impl StoreError {
    pub(super) fn read_only(path: &Path) -> Self {
        let path = path.display();
        Self::ReadOnly(format!("{path} is read-only; make it writable, or name another folder with --data-dir"))
    }

    /// Converts an error that SQLite reported for the file.
    pub(super) fn from_sqlite(error: &rusqlite::Error, file: &Path) -> Self {
        let path = file.display();
        let message = match error {
            rusqlite::Error::SqliteFailure(_, Some(said)) => said.clone(),
            other => text::error_words(other),
        };
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Locked,
            Some(ErrorCode::DiskFull) => Self::Full,
            Some(ErrorCode::ReadOnly) => Self::read_only(file),
            Some(ErrorCode::CannotOpen) => Self::ReadOnly(format!(
                "{path} or a file beside it cannot be opened; make the folder writable, or name another with --data-dir"
            )),
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Corrupt(format!(
                "{path} ({message}); it stays as it is: /repair-database saves what can be read, or name another folder \
                 with --data-dir"
            )),
            _ => Self::Other(format!(
                "the database {path} cannot be used ({message}); try again, or name another folder with --data-dir"
            )),
        }
    }

    /// Converts an error that the file system reported for the file.
    pub(super) fn from_io(error: &std::io::Error, path: &Path) -> Self {
        use std::io::ErrorKind as Kind;
        let (path, error, kind) = (path.display(), text::error_words(error), error.kind());
        match kind {
            Kind::StorageFull | Kind::QuotaExceeded => Self::Full,
            Kind::ReadOnlyFilesystem | Kind::PermissionDenied => {
                Self::ReadOnly(format!("{path} ({error}); change that, or name another folder with --data-dir"))
            }
            _ => Self::Other(format!(
                "the database {path} cannot be created ({error}); name another folder with --data-dir"
            )),
        }
    }
}
