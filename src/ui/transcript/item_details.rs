//! Items other than texts: how they ended, which file they contain, and their contents when open.

use std::{borrow::Cow, sync::Arc};

use serde_json::Value;

use crate::{
    api::json::JsonFields,
    chat::{Item, answer::SearchCall},
    render::{
        row::{RowKind, StyledRow, StyledSpan, TextStyle},
        theme::{ColourRole, ThemeMarks},
    },
    text::{self, link},
    ui::reading::facts::format_size,
};

/// The most lines of raw JSON shown of one item.
const MAX_JSON_LINES: usize = 400;
/// The most characters shown of one string in it.
const MAX_STRING_CHARS: usize = 300;

/// How a server-side tool failed, with the server's message; `None` if it did not.
pub(crate) fn failure_text(status: &str, item: &Item) -> Option<String> {
    let word = match status {
        "failed" => "failed",
        "incomplete" => "incomplete",
        "cancelled" => "cancelled",
        _ => return None,
    };
    let fields = item.raw.as_ref().and_then(|raw| JsonFields::parse(raw.get())).unwrap_or_default();
    let why = fields.non_blank("error").or_else(|| fields.object("error")?.non_blank("message"));
    Some(match why.map(|why| text::one_line(&why)) {
        Some(why) => format!("{word}: {why}"),
        None => word.to_owned(),
    })
}

/// The kind and size of an item's image, if it has one.
pub(crate) fn image_text(kind: &str, item: &Item) -> Option<String> {
    if !kind.contains("image") {
        return None;
    }
    let fields = JsonFields::parse(item.raw.as_ref()?.get())?;
    let data = fields.non_blank("result").or_else(|| fields.non_blank("imageUrl"))?;
    let base64 = data.split_once(";base64,").map_or(data.as_str(), |(_, data)| data);
    let format = match base64 {
        _ if base64.starts_with("http") => return Some(format!("image {}", text::clean(base64))),
        _ if base64.starts_with("iVBOR") => "PNG",
        _ if base64.starts_with("/9j/") => "JPEG",
        _ if base64.starts_with("UklGR") => "WebP",
        _ if base64.starts_with("R0lGOD") => "GIF",
        _ => "of an unknown kind",
    };
    Some(format!("image {format}, {}", format_size(base64.trim_end_matches('=').len() * 3 / 4)))
}

/// The row of an item whose kind this version does not know.
pub(crate) fn item_head(kind: &str, status: Option<&str>, item: &Item, is_open: bool, marks: &ThemeMarks) -> StyledRow {
    let status = status.filter(|status| *status != "completed").unwrap_or_default();
    let status = failure_text(status, item).unwrap_or_else(|| status.replace('_', " "));
    let status = if status.is_empty() { status } else { format!(" {} {status}", marks.dot) };
    let mark = if is_open { marks.unfolded } else { marks.folded };
    let label = image_text(kind, item).unwrap_or_else(|| kind.replace(['_', ':'], " "));
    let words = text::one_line(&format!("{mark} {label}{status}"));
    StyledRow::new(RowKind::Other, vec![StyledSpan::new(words, TextStyle::of(ColourRole::Muted))])
}

/// The query of a search and the pages that it found, a line each.
pub(crate) fn search_text(search: &SearchCall) -> String {
    let query = search.query.as_deref().map(|query| format!("“{}”", text::one_line(query)));
    query.into_iter().chain(search.urls.iter().map(|url| text::one_line(url))).collect::<Vec<_>>().join("\n")
}

/// The rows of that text, with the pages as links.
pub(crate) fn search_text_rows(text: &str, width: usize) -> Vec<StyledRow> {
    let mut rows = Vec::new();
    let mut offset = 0;
    for line in text.split('\n').filter(|line| !line.is_empty()) {
        let link: Option<Arc<str>> = link::can_open(line).then(|| line.into());
        let ink = if link.is_some() { TextStyle::of(ColourRole::Link) } else { TextStyle::of(ColourRole::Muted) };
        for mut row in StyledRow::wrapped(line, width, RowKind::Search, ink) {
            row.source = offset + row.source.start..offset + row.source.end;
            row.source_map.shift(offset);
            row.spans = row.spans.into_iter().map(|span| span.with_link(link.clone())).collect();
            rows.push(row);
        }
        offset += line.len() + 1;
    }
    rows
}

/// A failed search as text, with the server's reason.
pub(crate) fn failed_search_text(item: &Item, search: &SearchCall) -> String {
    let place = if is_file_search(search) { "files" } else { "the web" };
    let action = match (&search.query, search.urls.first()) {
        (None, Some(url)) => format!("Reading {}", text::one_line(url)),
        (Some(query), _) => format!("Searching {place} for “{}”", text::one_line(query)),
        (None, None) => format!("Searching {place}"),
    };
    format!("{action} · {}", failure_text(&search.status, item).unwrap_or_default())
}

pub(crate) fn is_file_search(search: &SearchCall) -> bool {
    search.kind.contains("file")
}

/// The item as JSON, with long strings shortened.
pub(crate) fn raw_json(item: &Item) -> String {
    let json = item.to_json();
    let mut value: Value = serde_json::from_str(&json).unwrap_or(Value::String(json));
    shorten_strings(&mut value);
    let pretty = serde_json::to_string_pretty(&value).unwrap_or_default();
    text::clean(&first_lines(&pretty, MAX_JSON_LINES)).into_owned()
}

/// The first `most` lines of a text, and an ellipsis if there are more.
pub(crate) fn first_lines(text: &str, most: usize) -> Cow<'_, str> {
    match text.match_indices('\n').nth(most - 1) {
        Some((end, _)) if end + 1 < text.len() => format!("{}\n…", &text[..end]).into(),
        Some(_) | None => text.into(),
    }
}

fn shorten_strings(value: &mut Value) {
    match value {
        Value::String(text) if text.chars().count() > MAX_STRING_CHARS => {
            let count = text.chars().count();
            let begin: String = text.chars().take(MAX_STRING_CHARS / 2).collect();
            *text = format!("{begin}… ({count} characters)");
        }
        Value::Array(values) => values.iter_mut().for_each(shorten_strings),
        Value::Object(fields) => fields.values_mut().for_each(shorten_strings),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => (),
    }
}
