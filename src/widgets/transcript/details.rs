//! Items that are no text: how they ended, what file they are, what they are made of when they are opened.

use std::{borrow::Cow, sync::Arc};

use serde_json::Value;

use super::said;
use crate::{
    api::json::Fields,
    chat::{Item, answer::Search},
    text::{self, link},
    widgets::{
        row::{Ink, Row, RowKind, Span},
        theme::{Marks, Role},
    },
};

/// Lines of raw JSON that are shown of one item.
const MOST_LINES: usize = 400;
/// Characters of one string in it.
const LONGEST: usize = 300;

/// How a tool of the server ended, where it did not end well, with its own words.
pub(super) fn trouble(status: &str, item: &Item) -> Option<String> {
    let word = match status {
        "failed" => "failed",
        "incomplete" => "incomplete",
        "cancelled" => "cancelled",
        _ => return None,
    };
    let fields = item.raw.as_ref().and_then(|raw| Fields::of(raw.get())).unwrap_or_default();
    let why = fields.word("error").or_else(|| fields.object("error")?.word("message"));
    Some(match why.map(|why| one_line(&why)) {
        Some(why) => format!("{word}: {why}"),
        None => word.to_owned(),
    })
}

/// The file that an item is the result of: its kind and size.
pub(super) fn image(kind: &str, item: &Item) -> Option<String> {
    if !kind.contains("image") {
        return None;
    }
    let fields = Fields::of(item.raw.as_ref()?.get())?;
    let data = fields.word("result").or_else(|| fields.word("imageUrl"))?;
    let base64 = data.split_once(";base64,").map_or(data.as_str(), |(_, data)| data);
    let format = match base64 {
        _ if base64.starts_with("http") => return Some(format!("image {}", text::clean(base64))),
        _ if base64.starts_with("iVBOR") => "PNG",
        _ if base64.starts_with("/9j/") => "JPEG",
        _ if base64.starts_with("UklGR") => "WebP",
        _ if base64.starts_with("R0lGOD") => "GIF",
        _ => "of an unknown kind",
    };
    Some(format!("image {format}, {}", size(base64.trim_end_matches('=').len() * 3 / 4)))
}

/// A size in the largest unit that has a whole number of it.
pub fn size(bytes: usize) -> String {
    match bytes {
        0..1_000 => format!("{bytes} bytes"),
        1_000..1_000_000 => format!("{} kB", (bytes + 500) / 1_000),
        _ => format!("{}.{} MB", bytes / 1_000_000, bytes / 100_000 % 10),
    }
}

/// The row of an item that this version knows by its name only.
pub(super) fn head(kind: &str, status: Option<&str>, item: &Item, is_open: bool, marks: &Marks) -> Row {
    let status = status.filter(|status| *status != "completed").unwrap_or_default();
    let status = trouble(status, item).unwrap_or_else(|| status.replace('_', " "));
    let status = if status.is_empty() { status } else { format!(" {} {status}", marks.dot) };
    let mark = if is_open { marks.open } else { marks.folded };
    let what = image(kind, item).unwrap_or_else(|| kind.replace(['_', ':'], " "));
    let words = one_line(&format!("{mark} {what}{status}"));
    Row::new(RowKind::Other, vec![Span::new(words, Ink::of(Role::Muted))])
}

/// What was searched and found: a query, then its pages, a line each.
pub(super) fn pages(search: &Search) -> String {
    let query = search.query.as_deref().map(|query| format!("“{}”", one_line(query)));
    query.into_iter().chain(search.urls.iter().map(|url| one_line(url))).collect::<Vec<_>>().join("\n")
}

/// The rows of that, pages as links.
pub(super) fn page_rows(text: &str, width: usize) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut at = 0;
    for line in text.split('\n').filter(|line| !line.is_empty()) {
        let link: Option<Arc<str>> = link::can_open(line).then(|| line.into());
        let ink = if link.is_some() { Ink::of(Role::Link) } else { Ink::of(Role::Muted) };
        for mut row in said::rows(line, width, RowKind::Search, ink) {
            row.source = at + row.source.start..at + row.source.end;
            row.spans.iter_mut().for_each(|span| span.link.clone_from(&link));
            rows.push(row);
        }
        at += line.len() + 1;
    }
    rows
}

/// A search that did not end well, with its own reason.
pub(super) fn failed_search(item: &Item, search: &Search) -> String {
    let place = if is_of_files(search) { "files" } else { "the web" };
    let what = match (&search.query, search.urls.first()) {
        (None, Some(url)) => format!("Reading {}", one_line(url)),
        (Some(query), _) => format!("Searching {place} for “{}”", one_line(query)),
        (None, None) => format!("Searching {place}"),
    };
    format!("{what} · {}", trouble(&search.status, item).unwrap_or_default())
}

pub(super) fn is_of_files(search: &Search) -> bool {
    search.kind.contains("file")
}

pub(super) fn one_line(text: &str) -> String {
    text::clean(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The item as JSON, long strings shortened.
pub(super) fn raw(item: &Item) -> String {
    let json = item.to_json();
    let mut value: Value = serde_json::from_str(&json).unwrap_or(Value::String(json));
    shorten(&mut value);
    let pretty = serde_json::to_string_pretty(&value).unwrap_or_default();
    text::clean(&few_lines(&pretty, MOST_LINES)).into_owned()
}

/// So many lines of a text, and a mark where there are more.
pub(super) fn few_lines(text: &str, most: usize) -> Cow<'_, str> {
    match text.match_indices('\n').nth(most - 1) {
        Some((end, _)) if end + 1 < text.len() => format!("{}\n…", &text[..end]).into(),
        Some(_) | None => text.into(),
    }
}

fn shorten(value: &mut Value) {
    match value {
        Value::String(text) if text.chars().count() > LONGEST => {
            let count = text.chars().count();
            let begin: String = text.chars().take(LONGEST / 2).collect();
            *text = format!("{begin}… ({count} characters)");
        }
        Value::Array(values) => values.iter_mut().for_each(shorten),
        Value::Object(fields) => fields.values_mut().for_each(shorten),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => (),
    }
}
