//! Databases of later versions: read if all tables and columns that this version knows are there, and never written.

use std::path::Path;

use rusqlite::{Connection, OpenFlags, OptionalExtension};

use super::{StoreError, schema};

/// All columns of all tables, apart from those of virtual tables, which are made of what the others hold.
const COLUMNS: &str = "select t.name, c.name from pragma_table_list t join pragma_table_info(t.name) c
    where t.schema = 'main' and t.type = 'table' and t.name not like 'sqlite\\_%' escape '\\'";

/// Opens a database of a later version for reading only. Errs if something is missing that this version reads.
pub(super) fn open(path: &Path, version: u32) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let opened = Connection::open_with_flags(path, flags).and_then(|db| Ok((missing_column(&db)?, db)));
    match opened.map_err(|error| StoreError::from_sqlite(&error, path))? {
        (None, db) => Ok(db),
        (Some(missing), _) => Err(StoreError::TooNew { found: version, known: schema::VERSION, missing }),
    }
}

/// Returns the first column of this version that the database does not have.
fn missing_column(db: &Connection) -> rusqlite::Result<Option<String>> {
    let known = schema::empty_database(schema::VERSION)?;
    let mut rows = known.prepare(COLUMNS)?;
    let columns = rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let mut find = db.prepare("select 1 from pragma_table_info(?1) where name = ?2")?;
    for column in columns {
        let (table, column): (String, String) = column?;
        if find.query_row([&table, &column], |_| Ok(())).optional()?.is_none() {
            return Ok(Some(format!("{table}.{column}")));
        }
    }
    Ok(None)
}
