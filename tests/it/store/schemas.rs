//! Every schema that a released ibid wrote: each becomes the schema of today, with all that was in it.
//!
//! `schemas/vN.sql` is a database of version N with rows of every kind. The files are never edited. After a new migration run
//! the tests with `IBID_UPDATE=1`: the file of its version is made from the one before; add rows for its new tables.

use std::{collections::BTreeMap, fmt::Write as _, fs, path::PathBuf};

use ibid::{chat::AnswerEnd, store::StoreReply};
use rusqlite::{Connection, types::ValueRef};

use super::test_database::{TestDatabase, conversation_id, message_id};

fn fixture_path(version: u32) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/it/store/schemas/v{version}.sql"))
}

/// Creates a database of an earlier version.
pub fn older_database(version: u32) -> TestDatabase {
    let disk = TestDatabase::new();
    fs::create_dir_all(disk.file().parent().expect("a folder")).expect("a folder");
    let rows = fs::read_to_string(fixture_path(version)).expect("a fixture of each version");
    let db = disk.connect();
    db.execute_batch(&rows).expect("the fixture is SQL");
    db.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(())).expect("as ibid leaves it");
    disk
}

/// The version that this program writes.
pub fn version_of_today() -> u32 {
    let disk = TestDatabase::new();
    drop(disk.open());
    user_version(&disk.connect())
}

pub fn user_version(db: &Connection) -> u32 {
    db.pragma_query_value(None, "user_version", |row| row.get(0)).expect("a version")
}

fn texts(db: &Connection, query: &str) -> Vec<String> {
    let mut rows = db.prepare(query).expect("a query");
    rows.query_map([], |row| row.get(0)).expect("rows").collect::<Result<_, _>>().expect("texts")
}

/// Ordinary tables, without those that hold what a virtual one is made of.
fn tables(db: &Connection) -> Vec<String> {
    texts(
        db,
        "select name from pragma_table_list where schema = 'main' and type = 'table' and name not like 'sqlite\\_%' escape '\\'
         order by name",
    )
}

/// Columns with their types and rules, and indexes with what they hold.
fn shape(db: &Connection) -> Vec<String> {
    let mut shape = texts(
        db,
        "select t.name || '.' || c.name || ' ' || c.type || ' ' || c.\"notnull\" || ' ' || ifnull(c.dflt_value, '-') || ' ' || c.pk
         from pragma_table_list t join pragma_table_info(t.name) c where t.schema = 'main' and t.type = 'table' order by 1",
    );
    shape.extend(texts(
        db,
        "select sql from sqlite_schema where type in ('index', 'trigger') and sql is not null order by 1",
    ));
    shape
}

fn row_counts(db: &Connection) -> BTreeMap<String, u32> {
    let count = |table: &String| db.query_row(&format!("select count(*) from \"{table}\""), [], |row| row.get(0));
    tables(db).into_iter().map(|table| (table.clone(), count(&table).expect("a number"))).collect()
}

#[test]
fn every_earlier_schema_becomes_the_one_of_today_with_all_that_was_in_it() {
    let today = TestDatabase::new();
    drop(today.open());
    let newest = user_version(&today.connect());
    for version in 1..=newest {
        let disk = older_database(version);
        let before = row_counts(&disk.connect());
        let run = disk.open();
        let is_upgraded = matches!(run.notices[..], [StoreReply::Upgrading]);
        assert_eq!(is_upgraded, version < newest, "{version}: {:?}", run.notices);
        assert_eq!(run.titles(), ["Broken off", "Zwölf 机器", "Legs of a table"], "{version}");
        assert_eq!(run.new_draft, "of none");
        let first = run.load(conversation_id(1)).expect("a conversation");
        let branch: Vec<_> = (1..=4).map(message_id).collect();
        assert_eq!((first.branch.clone(), first.messages.len()), (branch, 5), "{version}");
        let answer = first.messages[&message_id(4)].as_answer().expect("an answer");
        assert_eq!((answer.text().as_str(), answer.cost().0.digits()), ("No: three never wobble.", "2.10e-05"));
        assert_eq!(answer.notes, Vec::<String>::new(), "nothing is damaged in {version}");
        let queued: Vec<&str> = first.queue.iter().map(|prompt| prompt.text.as_str()).collect();
        assert_eq!((first.draft.as_str(), queued), ("half a thought", vec!["and then?"]), "{version}");
        let cut = run.load(conversation_id(3)).expect("a conversation");
        let cut = cut.messages[&message_id(8)].as_answer().expect("an answer").clone();
        assert_eq!((cut.end.clone(), cut.text().as_str()), (AnswerEnd::Interrupted, "One, two"), "{version}");
        drop(run);
        let db = disk.connect();
        assert_eq!(shape(&db), shape(&today.connect()), "{version}");
        assert_eq!(texts(&db, "pragma integrity_check"), ["ok"], "{version}");
        let after = row_counts(&db);
        // Opening the database has ended the answer that a killed run left open.
        let is_settled =
            |table: &str| ["growth", "recorded", "call_run", "recording", "setting", "queued"].contains(&table);
        for (table, count) in before.iter().filter(|(table, _)| !is_settled(table)) {
            assert_eq!(after.get(table), Some(count), "{table} of {version}");
        }
    }
}

#[test]
fn every_version_has_a_fixture_with_rows_in_every_table() {
    let today = TestDatabase::new();
    drop(today.open());
    let newest = user_version(&today.connect());
    if std::env::var_os("IBID_UPDATE").is_some() && !fixture_path(newest).exists() {
        let disk = older_database(newest - 1);
        drop(disk.open());
        fs::write(fixture_path(newest), dump(&disk.connect())).expect("the fixture is written");
    }
    for version in 1..=newest {
        assert!(fixture_path(version).exists(), "there is no v{version}.sql: run the tests with IBID_UPDATE=1");
        let disk = older_database(version);
        assert_eq!(user_version(&disk.connect()), version);
        let empty: Vec<String> =
            row_counts(&disk.connect()).into_iter().filter(|(_, count)| *count == 0).map(|(table, _)| table).collect();
        assert_eq!(empty, Vec::<String>::new(), "add rows to these tables in v{version}.sql");
    }
    let fixture = older_database(newest);
    assert_eq!(shape(&fixture.connect()), shape(&today.connect()), "v{newest}.sql is not what this ibid writes");
}

/// The database as SQL.
fn dump(db: &Connection) -> String {
    let mut sql = format!("pragma application_id = 1768057188;\npragma user_version = {};\n", user_version(db));
    let shadows = "select name from pragma_table_list where type = 'shadow'";
    let objects = |kind: &str| {
        let query = format!(
            "select sql from sqlite_schema where sql is not null and name not like 'sqlite\\_%' escape '\\'
             and tbl_name not in ({shadows}) and type {kind} order by type = 'index', rowid"
        );
        texts(db, &query).into_iter().map(|object| object + ";\n").collect::<String>()
    };
    sql += &objects("<> 'trigger'");
    for table in tables(db) {
        let mut rows = db.prepare(&format!("select * from \"{table}\" order by 1")).expect("a query");
        let columns = rows.column_count();
        let mut found = rows.query([]).expect("rows");
        while let Some(row) = found.next().expect("a row") {
            let values = (0..columns).map(|index| literal(row.get_ref(index).expect("a value")));
            let _ = writeln!(sql, "insert into {table} values ({});", values.collect::<Vec<_>>().join(", "));
        }
    }
    // Or they would run for the rows above.
    sql + &objects("= 'trigger'")
}

fn literal(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Null => "NULL".into(),
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Real(number) => number.to_string(),
        ValueRef::Text(text) => format!("'{}'", String::from_utf8_lossy(text).replace('\'', "''")),
        ValueRef::Blob(bytes) => {
            format!("x'{}'", bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
        }
    }
}
