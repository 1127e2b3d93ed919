//! Saves what can be read of a damaged database into a new one. The damaged file is kept under another name.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::{Connection, ErrorCode, OpenFlags, Statement, params_from_iter, types::Value};

use super::{
    StoreError,
    backup::{beside, remove_unfinished, sync_folder},
    integrity,
    page_reader::{PageReader, RawRow},
    schema,
};
use crate::{clock, files};

/// What a repair saved, and what it could not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepairReport {
    pub conversations: u64,
    pub messages: u64,
    /// Conversations of which only messages were left; they have the title of their first prompt.
    pub rebuilt_conversations: u64,
    /// Messages that others name, and that could not be read. There may be more that nothing names.
    pub missing_messages: u64,
    pub damaged_pages: usize,
    /// Where the damaged database is.
    pub kept_file: PathBuf,
}

/// A table of the new database.
struct SalvageTable {
    name: String,
    columns: Vec<SalvageColumn>,
    has_rowid: bool,
    /// A part of it could not be found.
    is_damaged: bool,
}

struct SalvageColumn {
    name: String,
    is_integer: bool,
    is_required: bool,
    has_default: bool,
    /// Its position in the primary key, from 1.
    key_position: u32,
}

/// Repairs a database that no other program has open. If that fails, it stays as it is.
pub(super) fn repair(path: &Path) -> Result<RepairReport, StoreError> {
    let (unfinished, image) = (beside(path, "repair-unfinished"), beside(path, "repair-pages"));
    let repaired = salvage(path, &image, &unfinished).and_then(|mut report| {
        report.kept_file = swap(path, &unfinished).map_err(|error| StoreError::from_io(&error, path))?;
        Ok(report)
    });
    for left in [&unfinished, &image] {
        remove_unfinished(left); // Most often they are gone.
    }
    repaired
}

fn salvage(path: &Path, image: &Path, target: &Path) -> Result<RepairReport, StoreError> {
    let io_error = |error: std::io::Error| StoreError::from_io(&error, path);
    for file in [image, target] {
        remove_unfinished(file); // A crash may have left it.
        files::open_private(file).map_err(io_error)?;
    }
    let has_image = copy_pages(path, image)?;
    let mut pages = PageReader::open(if has_image { image } else { path }).map_err(io_error)?;
    let version = pages.user_version().filter(|version| *version <= schema::VERSION).unwrap_or(schema::VERSION);
    let in_target = |error: rusqlite::Error| StoreError::from_sqlite(&error, target);
    let db = Connection::open(target).map_err(in_target)?;
    let mut report = fill(&db, &mut pages, version).map_err(in_target)?;
    if report.conversations == 0 {
        // It may be something else altogether.
        let path = path.display();
        return Err(StoreError::Other(format!(
            "no conversation in {path} can be read; move it away, or name another folder with --data-dir"
        )));
    }
    report.damaged_pages = pages.damaged.len();
    drop(db);
    File::open(target).and_then(|file| file.sync_all()).map_err(io_error)?;
    Ok(report)
}

/// Copies all pages, with those that are only in the log. Returns whether that was possible: not if even the header of the
/// file is damaged. Errs if another program has the database open, because it would go on writing to the damaged file.
fn copy_pages(path: &Path, image: &Path) -> Result<bool, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let copied = Connection::open_with_flags(path, flags).and_then(|db| {
        db.busy_timeout(Duration::from_secs(1))?;
        db.pragma_update(None, "locking_mode", "exclusive")?;
        db.backup("main", image, None::<fn(rusqlite::backup::Progress)>)
    });
    match copied.as_ref().map_err(rusqlite::Error::sqlite_error_code) {
        Ok(()) => Ok(true),
        Err(Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)) => Err(StoreError::InUse),
        Err(Some(ErrorCode::DiskFull)) => Err(StoreError::Full),
        Err(_) => Ok(false),
    }
}

fn fill(db: &Connection, pages: &mut PageReader, version: u32) -> rusqlite::Result<RepairReport> {
    db.pragma_update(None, "foreign_keys", false)?;
    db.execute_batch("begin")?;
    schema::create_tables(db, version)?;
    let mut tables = read_tables(db)?;
    let roots = pages.tables();
    for table in tables.iter_mut().filter(|table| table.name != INDEXED) {
        let Some(root) = roots.iter().find(|root| root.name == table.name) else {
            table.is_damaged = true;
            continue;
        };
        let mut insert = SalvageInsert::new(db, table);
        let mut result = Ok(());
        let is_whole = pages.walk(root.page, &mut |row| {
            if result.is_ok() {
                result = insert.add(row);
            }
        });
        drop(insert);
        result?;
        table.is_damaged = !is_whole;
    }
    // What follows from the rest is not taken, but its pages belong to something.
    for root in roots.iter().filter(|root| root.name == INDEXED || tables.iter().all(|table| table.name != root.name)) {
        pages.walk(root.page, &mut |_| ());
    }
    for leaf in pages.lost_leaves() {
        let rows = pages.leaf_rows(leaf);
        match owner_of(&rows, &tables) {
            Some(table) => rows.into_iter().try_for_each(|row| SalvageInsert::new(db, table).add(row))?,
            None => _ = pages.damaged.insert(leaf),
        }
    }
    let rebuilt_conversations = rebuild_conversations(db)?;
    if tables.iter().any(|table| table.name == INDEXED) {
        db.execute(&format!("update {INDEXED} set stale = 1"), [])?; // The index itself begins anew.
    }
    let report = RepairReport {
        conversations: integrity::count(db, "select count(*) from conversation")?,
        messages: integrity::count(db, "select count(*) from message")?,
        rebuilt_conversations,
        missing_messages: integrity::count(db, MISSING_MESSAGES)?,
        damaged_pages: 0,
        kept_file: PathBuf::new(),
    };
    db.execute_batch("commit")?;
    Ok(report)
}

/// What is to be in the index of the search. Triggers fill it as rows are added.
const INDEXED: &str = "search_entry";

/// Messages that a message or a branch names, and that are not there.
const MISSING_MESSAGES: &str = "select count(*) from (
        select parent as id from message where parent is not null
        union select j.value from conversation c, json_each(iif(json_valid(c.branch), c.branch, '[]')) j)
    where id not in (select id from message)";

/// Gives messages whose conversation is lost a conversation again. Its branch is found when it is opened.
fn rebuild_conversations(db: &Connection) -> rusqlite::Result<u64> {
    let rebuilt = db.execute(
        "insert into conversation (id, title, renamed, settings, branch, created, updated, unread)
         select m.conversation, coalesce((select trim(replace(substr(p.text, 1, 60), char(10), ' ')) from message p
                where p.conversation = m.conversation and p.role = 'prompt' order by p.id limit 1), 'Repaired conversation'),
            0, '', '', min(m.at), max(m.at), 0
         from message m where m.conversation not in (select id from conversation) group by m.conversation",
        [],
    )?;
    Ok(rebuilt as u64)
}

fn read_tables(db: &Connection) -> rusqlite::Result<Vec<SalvageTable>> {
    let mut names = db.prepare(
        "select name, wr from pragma_table_list where schema = 'main' and type = 'table'
         and name not like 'sqlite\\_%' escape '\\'",
    )?;
    let names = names.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, bool>(1)?)))?;
    let mut columns = db.prepare("select name, type, \"notnull\", dflt_value, pk from pragma_table_info(?1)")?;
    names
        .map(|table| {
            let (name, is_without_rowid) = table?;
            let columns = columns.query_map([&name], |row| {
                Ok(SalvageColumn {
                    name: row.get(0)?,
                    is_integer: row.get::<_, String>(1)?.eq_ignore_ascii_case("integer"),
                    is_required: row.get(2)?,
                    has_default: row.get::<_, Option<String>>(3)?.is_some(),
                    key_position: row.get(4)?,
                })
            })?;
            let mut columns: Vec<_> = columns.collect::<Result<_, _>>()?;
            if is_without_rowid {
                // Stored with the key first.
                columns.sort_by_key(|column| if column.key_position == 0 { u32::MAX } else { column.key_position });
            }
            Ok(SalvageTable { name, columns, has_rowid: !is_without_rowid, is_damaged: false })
        })
        .collect()
}

impl SalvageTable {
    /// The column that is the row's own number; its value is not stored in the row.
    fn is_rowid(&self, column: &SalvageColumn) -> bool {
        self.has_rowid && column.is_integer && column.key_position == 1
    }

    /// Returns whether a row can be one of this table; rows from before a column was added are shorter.
    fn fits(&self, row: &RawRow) -> bool {
        let (stored, added) = self.columns.split_at(row.values.len().min(self.columns.len()));
        let fits = |(column, value): (&SalvageColumn, &Value)| match value {
            Value::Null => self.is_rowid(column) || row.is_cut || !column.is_required,
            Value::Integer(_) => column.is_integer && !self.is_rowid(column),
            Value::Text(_) => !column.is_integer,
            Value::Real(_) | Value::Blob(_) => false,
        };
        self.has_rowid
            && row.values.len() <= self.columns.len()
            && added.iter().all(|column| column.has_default || !column.is_required)
            && stored.iter().zip(&row.values).all(fits)
    }
}

/// Returns the table that all rows of a lost page fit best; `None` if that is not clear.
fn owner_of<'a>(rows: &[RawRow], tables: &'a [SalvageTable]) -> Option<&'a SalvageTable> {
    let longest = rows.iter().map(|row| row.values.len()).max()?;
    let fitting = tables.iter().filter(|table| table.is_damaged && rows.iter().all(|row| table.fits(row)));
    let by_length = |table: &&SalvageTable| table.columns.len() - longest;
    let best = fitting.clone().min_by_key(by_length)?;
    let rivals = fitting.filter(|table| by_length(table) == by_length(&best)).count();
    (rivals == 1).then_some(best)
}

/// Adds rows to a table.
struct SalvageInsert<'a> {
    db: &'a Connection,
    table: &'a SalvageTable,
    /// The statement for rows of this many values.
    statement: Option<(usize, Statement<'a>)>,
}

impl<'a> SalvageInsert<'a> {
    fn new(db: &'a Connection, table: &'a SalvageTable) -> Self {
        Self { db, table, statement: None }
    }

    /// Adds a row. One that breaks the rules of its table is left out, and so is a second one with the same key.
    fn add(&mut self, row: RawRow) -> rusqlite::Result<()> {
        let count = row.values.len().min(self.table.columns.len());
        if self.statement.as_ref().is_none_or(|(values, _)| *values != count) {
            self.statement = Some((count, self.prepare(count)?));
        }
        let Some((_, statement)) = &mut self.statement else { return Ok(()) };
        let values = self.table.columns.iter().zip(row.values).map(|(column, value)| match value {
            Value::Null if self.table.is_rowid(column) => row.rowid.map_or(Value::Null, Value::Integer),
            Value::Null if column.is_required && column.is_integer => Value::Integer(0),
            Value::Null if column.is_required => Value::Text(String::new()),
            other => other,
        });
        match statement.execute(params_from_iter(values)) {
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) => Ok(()),
            result => result.map(drop),
        }
    }

    fn prepare(&self, count: usize) -> rusqlite::Result<Statement<'a>> {
        let names: Vec<String> =
            self.table.columns[..count].iter().map(|column| format!("\"{}\"", column.name)).collect();
        let places = vec!["?"; count].join(", ");
        let (table, names) = (&self.table.name, names.join(", "));
        self.db.prepare(&format!("insert or ignore into \"{table}\" ({names}) values ({places})"))
    }
}

/// Puts the repaired database in the place of the damaged one, which gets another name. Its log goes with it: it must not be
/// applied to the new file.
fn swap(path: &Path, repaired: &Path) -> std::io::Result<PathBuf> {
    let name = clock::now().strftime("damaged-%Y-%m-%dT%H%M%SZ").to_string();
    let kept = beside(path, &name);
    // At every moment there is a database at the path.
    if fs::hard_link(path, &kept).is_err() {
        fs::copy(path, &kept)?;
    }
    for suffix in ["-wal", "-shm"] {
        let beside = |file: &Path| {
            let mut name = file.as_os_str().to_owned();
            name.push(suffix);
            PathBuf::from(name)
        };
        match fs::rename(beside(path), beside(&kept)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => (),
        }
    }
    fs::rename(repaired, path)?;
    sync_folder(path);
    Ok(kept)
}
