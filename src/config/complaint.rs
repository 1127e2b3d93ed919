//! Where a complaint about the config belongs, and serde's words in ours.

use std::{ops::Range, path::Path};

use toml_edit::{Document, Item, Table, TableLike};

use super::{Complaint, read::KNOWN};
use crate::text::nearest;

/// A text with its path, which turns places into lines.
pub(super) struct Source<'a> {
    pub text: &'a str,
    pub path: &'a Path,
}

impl Source<'_> {
    pub fn not_toml(&self, message: &str, span: Option<Range<usize>>) -> Complaint {
        let (line, column) = self.position(span.map_or(0, |span| span.start));
        Complaint {
            path: self.path.to_owned(),
            line: Some(line),
            column: Some(column),
            key: None,
            what: format!("this is not TOML: {}", one_line(message)),
            hint: Some("correct the line, or move the file away to start with the defaults".into()),
        }
    }

    pub fn wrong_type(&self, document: &Document<&str>, message: &str, span: Option<Range<usize>>) -> Complaint {
        let start = span.as_ref().map_or(0, |span| span.start);
        let key = key_at(document.as_table(), start);
        let line = span.map(|_| self.position(start).0);
        let what = plain(message);
        Complaint { path: self.path.to_owned(), line, column: None, key, what, hint: None }
    }

    pub fn complain(&self, document: &Document<&str>, at: &[String], what: String, hint: Option<String>) -> Complaint {
        let line = self.line(document, at);
        Complaint { path: self.path.to_owned(), line, column: None, key: Some(at.join(".")), what, hint }
    }

    pub fn unknown(&self, document: &Document<&str>, at: &[String]) -> Complaint {
        let hint = closest(at).map(|known| format!("did you mean {known}?"));
        self.complain(document, at, "there is no such setting, it is ignored".into(), hint)
    }

    pub fn line(&self, document: &Document<&str>, at: &[String]) -> Option<u32> {
        place(document.as_table(), at).map(|start| self.position(start).0)
    }

    /// Line and column, from 1, the column in characters.
    fn position(&self, offset: usize) -> (u32, u32) {
        let before = &self.text[..self.text.floor_char_boundary(offset)];
        let line = 1 + before.matches('\n').count();
        let column = 1 + before.rsplit('\n').next().unwrap_or_default().chars().count();
        (line as u32, column as u32)
    }
}

/// The steps of a key as serde walked them.
pub(super) fn steps(path: &serde_ignored::Path) -> Vec<String> {
    use serde_ignored::Path;
    match path {
        Path::Root => Vec::new(),
        Path::Seq { parent, index } => [steps(parent), vec![index.to_string()]].concat(),
        Path::Map { parent, key } => [steps(parent), vec![key.clone()]].concat(),
        Path::Some { parent } | Path::NewtypeStruct { parent } | Path::NewtypeVariant { parent } => steps(parent),
    }
}

/// Where the key stands, or the nearest table above it that stands somewhere.
fn place(root: &Table, at: &[String]) -> Option<usize> {
    let mut table: &dyn TableLike = root;
    let mut found = None;
    let mut steps = at.iter();
    while let Some(step) = steps.next() {
        let Some((key, item)) = table.get_key_value(step) else { break };
        found = key.span().or_else(|| item.span()).map(|span| span.start).or(found);
        if let Some(several) = item.as_array_of_tables() {
            let Some(one) = steps.next().and_then(|nth| several.get(nth.parse().ok()?)) else { break };
            found = one.span().map(|span| span.start).or(found);
            table = one;
            continue;
        }
        let Some(inner) = item.as_table_like() else { break };
        table = inner;
    }
    found
}

/// The dotted key whose value holds the offset.
fn key_at(table: &dyn TableLike, offset: usize) -> Option<String> {
    table.iter().find_map(|(name, item)| {
        let inner = item.as_table_like().and_then(|inner| key_at(inner, offset));
        let here = || {
            holds(item, offset)
                || table.key(name).and_then(toml_edit::Key::span).is_some_and(|span| span.contains(&offset))
        };
        match inner {
            Some(inner) => Some(format!("{name}.{inner}")),
            None if here() => Some(name.to_owned()),
            None => None,
        }
    })
}

fn holds(item: &Item, offset: usize) -> bool {
    item.span().is_some_and(|span| span.contains(&offset))
}

/// Serde's words in ours.
fn plain(message: &str) -> String {
    let mut text = one_line(message);
    for (theirs, ours) in [
        ("invalid type: ", "this is "),
        ("invalid value: ", "this is "),
        ("this is string ", "this is the text "),
        ("this is integer ", "this is the number "),
        ("this is floating point ", "this is the number "),
        ("this is boolean ", "this is "),
        ("invalid digit found in string", "the slots are 1 to 9"),
        ("number too large to fit in target type", "the slots are 1 to 9"),
        (", expected one of ", ", only "),
        (", expected ", if message.starts_with("unknown variant") { ", only " } else { " and should be " }),
        ("unknown variant ", "there is no "),
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

fn one_line(message: &str) -> String {
    message.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(", ")
}

/// The known key that was probably meant: at most two letters away, in the same table.
fn closest(at: &[String]) -> Option<String> {
    let (last, table) = at.split_last()?;
    let candidates = KNOWN.iter().filter_map(|known| {
        let known: Vec<&str> = known.split('.').collect();
        let (name, parent) = known.split_last()?;
        let same =
            parent.len() == table.len() && parent.iter().zip(table).all(|(known, at)| *known == "*" || known == at);
        same.then_some(*name)
    });
    let name = nearest(last, candidates)?;
    Some(table.iter().map(String::as_str).chain([name]).collect::<Vec<_>>().join("."))
}
