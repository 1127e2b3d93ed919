//! Checks whether a database is sound: its pages, its indexes, and what its rows hold.

use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use super::StoreError;

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IntegrityReport {
    /// What a repair would mend, in SQLite's words or ours; none if the database is sound.
    pub problems: Vec<String>,
    /// Rows with a part that ibid cannot read; they are shown without it.
    pub unreadable_rows: u64,
    pub conversations: u64,
    pub messages: u64,
    pub bytes: u64,
}

const UNREADABLE_ROWS: &str = "select
    (select count(*) from conversation where not json_valid(settings) or not json_valid(branch)) +
    (select count(*) from message where items is not null and not json_valid(items))";
const ORPHANS: &str = "select count(*) from message where conversation not in (select id from conversation)";

/// Checks a database through a connection of its own, so that it can be used meanwhile. Errs only if it cannot be opened.
pub(super) fn check(path: &Path) -> Result<IntegrityReport, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut report =
        IntegrityReport { problems: Vec::new(), unreadable_rows: 0, conversations: 0, messages: 0, bytes: 0 };
    let checked = Connection::open_with_flags(path, flags).and_then(|db| fill(&db, &mut report));
    match checked.map_err(|error| StoreError::from_sqlite(&error, path)) {
        Err(StoreError::Corrupt(words)) => report.problems.push(words),
        other => other?,
    }
    Ok(report)
}

fn fill(db: &Connection, report: &mut IntegrityReport) -> rusqlite::Result<()> {
    let mut rows = db.prepare("pragma integrity_check(20)")?;
    let found = rows.query_map([], |row| row.get::<_, String>(0))?.collect::<Result<Vec<_>, _>>()?;
    report.problems.extend(found.into_iter().filter(|words| words != "ok").flat_map(|words| {
        words.lines().map(str::to_owned).collect::<Vec<_>>() // The first holds the name of the database in a line of its own.
    }));
    report.bytes = count(db, "select page_count * page_size from pragma_page_count, pragma_page_size")?;
    report.conversations = count(db, "select count(*) from conversation")?;
    report.messages = count(db, "select count(*) from message")?;
    report.unreadable_rows = count(db, UNREADABLE_ROWS)?;
    match count(db, ORPHANS)? {
        0 => (),
        orphans => report.problems.push(format!("messages without a conversation: {orphans}")),
    }
    Ok(())
}

pub(super) fn count(db: &Connection, query: &str) -> rusqlite::Result<u64> {
    db.query_row(query, [], |row| row.get::<_, i64>(0)).map(i64::unsigned_abs)
}
