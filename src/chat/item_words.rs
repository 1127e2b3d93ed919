//! Items other than texts in words: how they ended, what they searched for, their JSON.

use std::borrow::Cow;

use serde_json::Value;

use super::{Item, answer::SearchCall};
use crate::{
    api::json::JsonFields,
    text::{self, amounts::format_size},
};

/// The most lines of raw JSON shown of one item.
const MAX_JSON_LINES: usize = 400;
/// The most characters shown of one string in it.
const MAX_STRING_CHARS: usize = 300;

/// How a server-side tool failed, with the server's message; `None` if it did not.
pub fn failure_text(status: &str, item: &Item) -> Option<String> {
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
pub fn image_text(kind: &str, item: &Item) -> Option<String> {
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

/// The query of a search and the pages that it found, a line each.
pub fn search_text(search: &SearchCall) -> String {
    let query = search.query.as_deref().map(|query| format!("“{}”", text::one_line(query)));
    query.into_iter().chain(search.urls.iter().map(|url| text::one_line(url))).collect::<Vec<_>>().join("\n")
}

/// A failed search as text, with the server's reason.
pub fn failed_search_text(item: &Item, search: &SearchCall) -> String {
    let place = if is_file_search(search) { "files" } else { "the web" };
    let action = match (&search.query, search.urls.first()) {
        (None, Some(url)) => format!("Reading {}", text::one_line(url)),
        (Some(query), _) => format!("Searching {place} for “{}”", text::one_line(query)),
        (None, None) => format!("Searching {place}"),
    };
    format!("{action} · {}", failure_text(&search.status, item).unwrap_or_default())
}

pub fn is_file_search(search: &SearchCall) -> bool {
    search.kind.contains("file")
}

/// The item as JSON, with long strings shortened.
pub fn raw_json(item: &Item) -> String {
    let json = item.to_json();
    let mut value: Value = serde_json::from_str(&json).unwrap_or(Value::String(json));
    shorten_strings(&mut value);
    let pretty = serde_json::to_string_pretty(&value).unwrap_or_default();
    text::clean(&first_lines(&pretty, MAX_JSON_LINES)).into_owned()
}

/// The first `most` lines of a text, and an ellipsis if there are more.
pub fn first_lines(text: &str, most: usize) -> Cow<'_, str> {
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
