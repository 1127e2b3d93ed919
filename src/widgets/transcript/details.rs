//! Items that are no text: how they ended, what file they are, what they are made of when they are opened.

use serde_json::Value;

use crate::{
    api::json::Fields,
    chat::Item,
    text,
    widgets::{
        card,
        row::{Ink, Row, RowKind, Span},
        theme::Role,
    },
};

/// Rows of raw JSON that are shown of one item.
const MOST_ROWS: usize = 200;
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
    let why = why.map(|why| text::clean(&why).split_whitespace().collect::<Vec<_>>().join(" "));
    Some(match why {
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

pub(super) fn size(bytes: usize) -> String {
    match bytes {
        0..1_000 => format!("{bytes} bytes"),
        1_000..1_000_000 => format!("{} kB", (bytes + 500) / 1_000),
        _ => format!("{}.{} MB", bytes / 1_000_000, bytes / 100_000 % 10),
    }
}

/// The item as JSON, long strings shortened.
pub(super) fn raw(item: &Item, width: usize) -> Vec<Row> {
    let json = item.to_json();
    let mut value: Value = serde_json::from_str(&json).unwrap_or(Value::String(json));
    shorten(&mut value);
    let pretty = serde_json::to_string_pretty(&value).unwrap_or_default();
    let rows = pretty
        .lines()
        .flat_map(|line| card::wrapped(&[Span::new(&*text::clean(line), Ink::of(Role::Muted))], width, RowKind::Other));
    rows.take(MOST_ROWS).collect()
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
