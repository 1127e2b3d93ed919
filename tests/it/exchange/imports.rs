//! Imports from files in the forms of other programs, and what the report says about each.

use std::path::{Path, PathBuf};

use insta::assert_snapshot;

use super::import_bench::ImportBench;

fn sample(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/imports").join(name)
}

/// Imports a sample and returns what is in the database then, with the report.
fn imported(name: &str) -> String {
    let mut bench = ImportBench::new();
    let report = bench.import(&sample(name)).expect("an import");
    let (outline, again) = (bench.outline(), bench.import(&sample(name)).expect("another import"));
    assert_eq!((again.new, again.grown), (0, 0), "importing again brings something: {again:?}");
    assert_eq!(bench.outline(), outline, "importing again changes something");
    format!("{outline}\n{}", without_folder(&report.lines().join("\n")))
}

/// Makes a database from a file of SQL and imports it.
fn imported_database(name: &str) -> String {
    let mut bench = ImportBench::new();
    let file = bench.folder().join("sample.db");
    let sql = std::fs::read_to_string(sample(name)).expect("the sample");
    rusqlite::Connection::open(&file).and_then(|db| db.execute_batch(&sql)).expect("a database");
    let before = std::fs::read(&file).expect("the database");
    let report = bench.import(&file).expect("an import");
    let outline = bench.outline();
    let again = bench.import(&file).expect("another import");
    assert_eq!((again.new, again.grown), (0, 0), "importing again brings something: {again:?}");
    assert_eq!(std::fs::read(&file).expect("the database"), before, "the other program's file is only read");
    let lines = report.lines().join("\n").replace(&bench.folder().display().to_string(), "");
    format!("{outline}\n{lines}")
}

fn without_folder(text: &str) -> String {
    text.replace(&sample("").display().to_string(), "")
}

#[test]
fn chatgpt() {
    assert_snapshot!(imported("chatgpt.json"));
}

#[test]
fn claude_ai() {
    assert_snapshot!(imported("claude.json"));
}

#[test]
fn openrouter() {
    assert_snapshot!("openrouter_3", imported("openrouter-3.json"));
    assert_snapshot!("openrouter_1", imported("openrouter-1.json"));
}

#[test]
fn open_webui() {
    assert_snapshot!(imported("open-webui.json"));
}

#[test]
fn aichat() {
    assert_snapshot!("aichat_session", imported("rust-help.yaml"));
    assert_snapshot!("aichat_messages", imported("messages.md"));
}

#[test]
fn claude_code() {
    assert_snapshot!(imported("claude-code"));
}

#[test]
fn codex() {
    assert_snapshot!("codex", imported("codex.jsonl"));
    assert_snapshot!("codex_old", imported("codex-old.jsonl"));
}

#[test]
fn pi() {
    assert_snapshot!(imported("pi.jsonl"));
}

#[test]
fn opencode() {
    assert_snapshot!("opencode_export", imported("opencode-export.json"));
    assert_snapshot!("opencode_storage", imported("opencode"));
    assert_snapshot!("opencode_database", imported_database("opencode.sql"));
}

#[test]
fn llm() {
    assert_snapshot!(imported_database("llm.sql"));
}

#[test]
fn elia() {
    assert_snapshot!(imported_database("elia.sql"));
}

#[test]
fn a_database_whose_changes_wait_in_a_journal_is_read_whole_and_left_alone() {
    let mut bench = ImportBench::new();
    let file = bench.folder().join("logs.db");
    let sql = std::fs::read_to_string(sample("llm.sql")).expect("the sample");
    let writer = rusqlite::Connection::open(&file).expect("a database");
    writer.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(())).expect("a journal");
    writer.execute_batch(&sql).expect("rows");
    let beside = || {
        let mut names: Vec<_> = std::fs::read_dir(bench.folder())
            .expect("a folder")
            .map(|entry| {
                let entry = entry.expect("an entry");
                (entry.file_name(), entry.metadata().expect("a file").len())
            })
            .collect();
        names.sort();
        names
    };
    let before = beside();
    assert!(before.iter().any(|(name, bytes)| name == "logs.db-wal" && *bytes > 0), "{before:?}");
    let report = ImportBench::new().import(&file).expect("an import");
    assert_eq!((report.new, beside()), (2, before));
    assert_eq!(bench.import(&file).expect("an import").new, 2);
}
