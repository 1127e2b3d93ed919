//! Items from JSON and to JSON: as the server sent them, or put together from what came of them.

use serde::Serialize;
use serde_json::{Value, value::RawValue};

use super::{Call, Item, Kind, Part, Reasoning, Search};
use crate::api::{Annotation, event::PartBody, json, json::Fields};

impl Item {
    /// The item as JSON: the server's own, or, of one that never was complete, what came of it.
    pub fn to_json(&self) -> String {
        if let Some(raw) = &self.raw {
            return raw.get().to_owned();
        }
        composed(&self.kind).to_string()
    }
}

impl Kind {
    /// What an item is, of the fields that it came with.
    pub fn of(fields: &Fields) -> Self {
        let kind = fields.text("type").unwrap_or_else(|| "message".into());
        match kind.as_str() {
            "message" => Self::Message { parts: parts(fields), phase: fields.word("phase") },
            "reasoning" => Self::Reasoning(Reasoning {
                summary: texts(fields, "summary"),
                content: texts(fields, "content"),
                encrypted: fields.word("encrypted_content").is_some(),
            }),
            "function_call" | "custom_tool_call" => Self::Call(Call {
                call_id: fields.text("call_id").unwrap_or_default(),
                name: fields.text("name").unwrap_or_default(),
                arguments: fields.text("arguments").or_else(|| fields.text("input")).unwrap_or_default(),
            }),
            _ if kind.ends_with("web_search_call")
                || kind.ends_with("file_search_call")
                || ["openrouter:web_search", "openrouter:web_fetch", "openrouter:file_search"].contains(&&*kind) =>
            {
                Self::Search(search(kind, fields))
            }
            _ => Self::Other { kind, status: fields.word("status") },
        }
    }

    /// Whether text that comes may belong to it.
    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::Message { parts, .. } => parts.iter().all(|part| part.text().is_empty()),
            Self::Reasoning(reasoning) => reasoning.texts().all(str::is_empty),
            Self::Call(call) => call.arguments.is_empty(),
            Self::Search(_) | Self::Other { .. } => false,
        }
    }
}

/// The content of a message: a list of parts, or, in the easy form, one string.
fn parts(fields: &Fields) -> Vec<Part> {
    if let Some(text) = fields.text("content") {
        return vec![Part::Text { text, annotations: Vec::new() }];
    }
    let parts = fields.list("content").into_iter().filter_map(PartBody::read);
    parts
        .filter_map(|part| match part {
            PartBody::Text { text, annotations } => Some(Part::Text { text, annotations: distinct(annotations) }),
            PartBody::Refusal(text) => Some(Part::Refusal(text)),
            PartBody::Thinking(_) | PartBody::Summary(_) | PartBody::Other(_) => None,
        })
        .collect()
}

/// Parts of reasoning: objects with a text on the wire, plain strings in the published samples.
fn texts(fields: &Fields, key: &str) -> Vec<String> {
    if let Some(text) = fields.text(key) {
        return vec![text];
    }
    let part = |raw: &RawValue| json::text(raw).or_else(|| Fields::of(raw.get())?.text("text"));
    fields.list(key).into_iter().filter_map(part).collect()
}

fn search(kind: String, fields: &Fields) -> Search {
    let action = fields.object("action").unwrap_or_default();
    let results = action.list("sources").into_iter().chain(fields.list("results"));
    let sources = results.filter_map(|source| Fields::of(source.get())?.word("url"));
    let page = action.word("url").or_else(|| fields.word("url"));
    // xAI has the action as JSON in a string as well.
    let arguments = fields.word("arguments").unwrap_or_default();
    let arguments = Fields::of(&arguments).unwrap_or_default();
    let query = action.word("query").or_else(|| action.words("queries").into_iter().next());
    let query = query.or_else(|| fields.words("queries").into_iter().next()).or_else(|| arguments.word("query"));
    Search {
        kind,
        status: fields.word("status").unwrap_or_default(),
        query,
        urls: page.into_iter().chain(sources).collect(),
    }
}

/// Without those that say the same as one before.
pub(super) fn distinct(annotations: Vec<Annotation>) -> Vec<Annotation> {
    let mut distinct = Vec::with_capacity(annotations.len());
    for annotation in annotations {
        merge(&mut distinct, annotation);
    }
    distinct
}

/// Adds a citation, or what it says beyond one for the same place and page.
pub(super) fn merge(into: &mut Vec<Annotation>, annotation: Annotation) {
    let place = |of: &Annotation| (of.start, of.end, of.url.clone(), of.filename.clone());
    match into.iter_mut().find(|known| place(known) == place(&annotation)) {
        Some(known) => {
            known.title = known.title.take().or(annotation.title);
            known.content = known.content.take().or(annotation.content);
        }
        None => into.push(annotation),
    }
}

fn composed(kind: &Kind) -> Value {
    #[derive(Serialize)]
    struct Text<'a> {
        r#type: &'static str,
        text: &'a str,
    }
    let texts = |texts: &[String], kind: &'static str| -> Value {
        let parts: Vec<_> = texts.iter().map(|text| Text { r#type: kind, text }).collect();
        json(&parts)
    };
    match kind {
        Kind::Message { parts, phase } => {
            let parts: Vec<_> = parts.iter().map(body).collect();
            let parts: Vec<_> = parts.iter().map(PartBody::written).collect();
            let mut item = serde_json::json!({ "type": "message", "role": "assistant", "content": json(&parts) });
            if let Some(phase) = phase {
                item["phase"] = phase.as_str().into();
            }
            item
        }
        Kind::Reasoning(reasoning) => serde_json::json!({
            "type": "reasoning",
            "summary": texts(&reasoning.summary, "summary_text"),
            "content": texts(&reasoning.content, "reasoning_text"),
        }),
        Kind::Call(call) => serde_json::json!({
            "type": "function_call", "call_id": call.call_id, "name": call.name, "arguments": call.arguments,
        }),
        Kind::Search(search) => {
            let sources: Vec<_> =
                search.urls.iter().map(|url| serde_json::json!({ "type": "url", "url": url })).collect();
            serde_json::json!({
                "type": search.kind, "status": search.status,
                "action": { "type": "search", "query": search.query, "sources": sources },
            })
        }
        Kind::Other { kind, status } => serde_json::json!({ "type": kind, "status": status }),
    }
}

fn body(part: &Part) -> PartBody {
    match part {
        Part::Text { text, annotations } => PartBody::Text { text: text.clone(), annotations: annotations.clone() },
        Part::Refusal(text) => PartBody::Refusal(text.clone()),
    }
}

fn json(value: &impl Serialize) -> Value {
    serde_json::to_value(value).expect("strings and numbers always have a JSON form")
}
