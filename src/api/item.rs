//! Items of an answer: what a server sends, and what we read of it.

use std::sync::Arc;

use serde::Serialize;
use serde_json::value::RawValue;

use super::{Annotation, event::PartBody, json, json::Fields};
use crate::text;

/// An item as it came, and as it was read. Both may be megabytes: who keeps one of them shares it.
#[derive(Debug, Clone)]
pub struct OutputItem {
    pub raw: Arc<RawValue>,
    /// The server's name for it.
    pub id: Option<String>,
    pub kind: Arc<Kind>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    Message {
        parts: Vec<Part>,
        /// `commentary` or `final_answer`, where the model tells them apart.
        phase: Option<String>,
    },
    Reasoning(Reasoning),
    Call(Call),
    Search(Search),
    /// Any other item, known by its type only; replayed and shown as one folded line.
    Other {
        kind: String,
        status: Option<String>,
    },
}

/// One content part of a message.
#[derive(Debug, Clone, PartialEq)]
pub enum Part {
    Text { text: String, annotations: Vec<Annotation> },
    Refusal(String),
}

/// Thinking: a summary in parts, or raw text, or only an encrypted block.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reasoning {
    pub summary: Vec<String>,
    pub content: Vec<String>,
    pub encrypted: bool,
}

/// A function call as the model asked for it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Call {
    pub call_id: String,
    pub name: String,
    /// JSON as text, perhaps half of it while it streams.
    pub arguments: String,
}

/// A web search or fetch that the server ran.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Search {
    /// The item's type on the wire, such as `openrouter:web_search`.
    pub kind: String,
    pub status: String,
    pub query: Option<String>,
    pub urls: Vec<String>,
}

impl OutputItem {
    pub fn read(raw: &RawValue) -> Self {
        let fields = Fields::of(raw.get()).unwrap_or_default();
        Self { raw: raw.to_owned().into(), id: fields.word("id"), kind: Kind::of(&fields).into() }
    }
}

impl Serialize for OutputItem {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.raw.serialize(serializer)
    }
}

impl Kind {
    /// What an item is by the server's own JSON.
    pub fn read(raw: &RawValue) -> Self {
        Self::of(&Fields::of(raw.get()).unwrap_or_default())
    }

    fn of(fields: &Fields) -> Self {
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
    pub fn is_empty(&self) -> bool {
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
pub fn distinct(annotations: Vec<Annotation>) -> Vec<Annotation> {
    let mut distinct = Vec::with_capacity(annotations.len());
    for annotation in annotations {
        merge(&mut distinct, annotation);
    }
    distinct
}

/// Adds a citation, or what it says beyond one for the same place and page.
pub fn merge(into: &mut Vec<Annotation>, annotation: Annotation) {
    let place = |of: &Annotation| (of.start, of.end, of.url.clone(), of.filename.clone());
    match into.iter_mut().find(|known| place(known) == place(&annotation)) {
        Some(known) => {
            known.title = known.title.take().or(annotation.title);
            known.content = known.content.take().or(annotation.content);
        }
        None => into.push(annotation),
    }
}

impl Part {
    pub fn text(&self) -> &str {
        match self {
            Self::Text { text, .. } | Self::Refusal(text) => text,
        }
    }
}

impl Reasoning {
    /// The raw thinking and the parts of its summary; a model gives one or the other.
    pub fn texts(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.summary.iter().chain(&self.content).map(String::as_str)
    }

    /// What it is about now: the heading of its newest text, or the line all in bold that summaries begin with.
    pub fn headline(&self) -> Option<String> {
        self.texts().rev().find_map(|text| {
            let line = text.lines().map(str::trim).find_map(|line| {
                let bold = line.strip_prefix("**").and_then(|line| line.strip_suffix("**"));
                let bold = bold.filter(|line| !line.contains("**"));
                bold.or_else(|| line.strip_prefix('#').map(|line| line.trim_start_matches('#').trim()))
            })?;
            let line = text::clean(line);
            Some(line.trim().to_owned()).filter(|line| !line.is_empty())
        })
    }
}
