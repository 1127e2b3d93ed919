//! Finds the line of a problem in the config, and puts serde's messages in plain words.

use std::{ops::Range, path::Path};

use toml_edit::{Document, Item, Table, TableLike};

use super::{ConfigProblem, documented_keys::documented_keys};
use crate::text::nearest_word;

/// The text of a config with its path; turns offsets into line numbers.
pub(super) struct ConfigText<'a> {
    pub text: &'a str,
    pub path: &'a Path,
}

impl ConfigText<'_> {
    pub(super) fn syntax_problem(&self, message: &str, span: Option<Range<usize>>) -> ConfigProblem {
        let (line, column) = self.position(span.map_or(0, |span| span.start));
        ConfigProblem {
            path: self.path.to_owned(),
            line: Some(line),
            column: Some(column),
            key: None,
            message: format!("this is not TOML: {}", join_parts(message)),
            hint: Some("correct the line, or move the file away to start with the defaults".into()),
        }
    }

    pub(super) fn type_problem(
        &self,
        document: &Document<&str>,
        message: &str,
        span: Option<Range<usize>>,
    ) -> ConfigProblem {
        let start = span.as_ref().map_or(0, |span| span.start);
        let key = key_at(document.as_table(), start);
        let line = span.map(|_| self.position(start).0);
        let what = plain_message(message);
        ConfigProblem { path: self.path.to_owned(), line, column: None, key, message: what, hint: None }
    }

    pub(super) fn problem_at(
        &self,
        document: &Document<&str>,
        key_path: &[String],
        message: String,
        hint: Option<String>,
    ) -> ConfigProblem {
        let line = self.line_of(document, key_path);
        ConfigProblem { path: self.path.to_owned(), line, column: None, key: Some(key_path.join(".")), message, hint }
    }

    pub(super) fn unknown_key(&self, document: &Document<&str>, key_path: &[String]) -> ConfigProblem {
        let hint = closest_key(key_path).map(|known| format!("did you mean {known}?"));
        self.problem_at(document, key_path, "unknown setting, ignored".into(), hint)
    }

    pub(super) fn line_of(&self, document: &Document<&str>, key_path: &[String]) -> Option<u32> {
        key_offset(document.as_table(), key_path).map(|start| self.position(start).0)
    }

    /// Returns line and column, counted from 1, the column in characters.
    fn position(&self, offset: usize) -> (u32, u32) {
        let before = &self.text[..self.text.floor_char_boundary(offset)];
        let line = 1 + before.matches('\n').count();
        let column = 1 + before.rsplit('\n').next().unwrap_or_default().chars().count();
        (line as u32, column as u32)
    }
}

/// Returns the steps of a key path as serde walked them.
pub(super) fn key_path(path: &serde_ignored::Path) -> Vec<String> {
    use serde_ignored::Path;
    match path {
        Path::Root => Vec::new(),
        Path::Seq { parent, index } => [key_path(parent), vec![index.to_string()]].concat(),
        Path::Map { parent, key } => [key_path(parent), vec![key.clone()]].concat(),
        Path::Some { parent } | Path::NewtypeStruct { parent } | Path::NewtypeVariant { parent } => key_path(parent),
    }
}

/// Returns the offset of a key, or of the nearest table above it that has one.
fn key_offset(root: &Table, key_path: &[String]) -> Option<usize> {
    let mut table: &dyn TableLike = root;
    let mut found = None;
    let mut steps = key_path.iter();
    while let Some(step) = steps.next() {
        let Some((key, item)) = table.get_key_value(step) else { break };
        found = key.span().or_else(|| item.span()).map(|span| span.start).or(found);
        if let Some(tables) = item.as_array_of_tables() {
            let Some(nth_table) = steps.next().and_then(|nth| tables.get(nth.parse().ok()?)) else { break };
            found = nth_table.span().map(|span| span.start).or(found);
            table = nth_table;
            continue;
        }
        let Some(inner) = item.as_table_like() else { break };
        table = inner;
    }
    found
}

/// Returns the dotted key whose value contains the offset.
fn key_at(table: &dyn TableLike, offset: usize) -> Option<String> {
    table.iter().find_map(|(name, item)| {
        let inner = item.as_table_like().and_then(|inner| key_at(inner, offset));
        let here = || {
            spans_offset(item, offset)
                || table.key(name).and_then(toml_edit::Key::span).is_some_and(|span| span.contains(&offset))
        };
        match inner {
            Some(inner) => Some(format!("{name}.{inner}")),
            None if here() => Some(name.to_owned()),
            None => None,
        }
    })
}

fn spans_offset(item: &Item, offset: usize) -> bool {
    item.span().is_some_and(|span| span.contains(&offset))
}

/// Puts one of serde's messages in plain words.
fn plain_message(message: &str) -> String {
    let mut text = join_parts(message);
    for (theirs, ours) in [
        ("invalid type: ", "this is "),
        ("invalid value: ", "this is "),
        ("this is string ", "this is the text "),
        ("this is integer ", "this is the number "),
        ("this is floating point ", "this is the number "),
        ("this is boolean ", "this is "),
        ("invalid digit found in string", "the slots are 1 to 9"),
        ("number too large to fit in target type", "the slots are 1 to 9"),
        (", expected one of ", "; use one of "),
        (", expected ", if message.starts_with("unknown variant") { "; use " } else { " and should be " }),
        ("unknown variant ", "unknown value "),
        ("should be f64", "should be a number"),
        ("should be u16", "should be a whole number"),
        ("should be u32", "should be a whole number"),
        ("should be a borrowed string", "should be a string"),
        ("should be a boolean", "should be true or false"),
        ("should be a sequence", "should be a list"),
        ("should be a map", "should be a table"),
    ] {
        text = text.replace(theirs, ours);
    }
    match text.find("should be struct ") {
        Some(at) => text[..at].to_owned() + "should be a table",
        None => text,
    }
}

fn join_parts(message: &str) -> String {
    message.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(", ")
}

/// Returns the documented key that was probably meant: in the same table, and at most two letters away.
fn closest_key(key_path: &[String]) -> Option<String> {
    let (last, table) = key_path.split_last()?;
    let documented = documented_keys();
    let candidates = documented.iter().filter_map(|key| {
        let (name, parent) = key.split_last()?;
        let is_same_table =
            parent.len() == table.len() && parent.iter().zip(table).all(|(step, at)| *step == "*" || step == at);
        is_same_table.then_some(name.as_str())
    });
    let name = nearest_word(last, candidates)?;
    Some(table.iter().map(String::as_str).chain([name]).collect::<Vec<_>>().join("."))
}
