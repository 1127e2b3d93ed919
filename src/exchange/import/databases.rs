//! Reads the databases of other programs without writing to them or beside them.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags, ToSql, types::ValueRef};
use serde_json::{Map, Value};

use super::form::ImportForm;
use crate::{files, text};

/// A database of another program.
pub(super) struct ForeignDatabase {
    pub connection: Connection,
    /// The copy that is read instead of it.
    _copy: Option<TemporaryFolder>,
}

/// A folder that is removed when it is no longer needed.
struct TemporaryFolder(PathBuf);

impl Drop for TemporaryFolder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0); // It is in the folder for temporary files.
    }
}

impl ForeignDatabase {
    /// Opens a database. Changes that wait in a journal beside it would be written into it when it is opened, so then a
    /// copy of both is read.
    pub(super) fn open(path: &Path) -> Result<Self, String> {
        let beside = |suffix: &str| {
            let mut name = path.as_os_str().to_owned();
            name.push(suffix);
            PathBuf::from(name)
        };
        let journals = ["-wal", "-journal"].map(beside);
        let is_pending = |journal: &PathBuf| std::fs::metadata(journal).is_ok_and(|found| found.len() > 0);
        if !journals.iter().any(is_pending) {
            return connect(&immutable_uri(path)).map(|connection| Self { connection, _copy: None });
        }
        let folder = std::env::temp_dir().join(format!("ibid-import-{}", uuid::Uuid::now_v7()));
        let words = |error: std::io::Error| format!("it cannot be copied: {}", text::error_words(&error));
        files::create_new_folder(&folder).map_err(words)?;
        let folder = TemporaryFolder(folder);
        let copy = folder.0.join("database");
        std::fs::copy(path, &copy).map_err(words)?;
        for (journal, suffix) in journals.iter().zip(["database-wal", "database-journal"]) {
            if is_pending(journal) {
                std::fs::copy(journal, folder.0.join(suffix)).map_err(words)?;
            }
        }
        let connection = Connection::open(&copy).map_err(|error| text::error_words(&error))?;
        Ok(Self { connection, _copy: Some(folder) })
    }

    /// The form of the database, by its tables.
    pub(super) fn form(&self) -> Result<Option<ImportForm>, String> {
        let names = query(&self.connection, "select name from sqlite_schema where type = 'table'", &[]);
        let names = names.map_err(|error| format!("the database cannot be read: {}", text::error_words(&error)))?;
        let has = |table: &str| names.iter().any(|row| row["name"] == table);
        let has_column = |table: &str, column: &str| {
            let rows =
                query(&self.connection, "select 1 from pragma_table_info(?1) where name = ?2", &[&table, &column]);
            rows.is_ok_and(|rows| !rows.is_empty())
        };
        Ok(match () {
            () if has("responses") && has_column("responses", "prompt") => Some(ImportForm::Llm),
            () if has("session") && has("message") && has("part") => Some(ImportForm::OpencodeDatabase),
            () if has("chat") && has_column("message", "chat_id") => Some(ImportForm::Elia),
            () => None,
        })
    }
}

fn connect(uri: &str) -> Result<Connection, String> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
    Connection::open_with_flags(uri, flags).map_err(|error| text::error_words(&error))
}

fn immutable_uri(path: &Path) -> String {
    let escaped = path.to_string_lossy().replace('%', "%25").replace('?', "%3f").replace('#', "%23");
    format!("file:{escaped}?mode=ro&immutable=1")
}

/// The rows of a query as objects, so that a column that a version lacks is only missing.
pub(super) fn query(db: &Connection, sql: &str, values: &[&dyn ToSql]) -> rusqlite::Result<Vec<Value>> {
    let mut statement = db.prepare_cached(sql)?;
    let columns: Vec<String> = statement.column_names().map(str::to_owned).collect();
    let mut rows = statement.query(values)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let mut object = Map::new();
        for (index, column) in columns.iter().enumerate() {
            let value = match row.get_ref(index)? {
                ValueRef::Null | ValueRef::Blob(_) => Value::Null,
                ValueRef::Integer(number) => number.into(),
                ValueRef::Real(number) => number.into(),
                ValueRef::Text(text) => String::from_utf8_lossy(text).into_owned().into(),
            };
            object.insert(column.clone(), value);
        }
        found.push(Value::Object(object));
    }
    Ok(found)
}
