//! The items of an answer, as sent by the server and as parsed.

use std::{collections::HashMap, sync::Arc};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{
    Annotation,
    event::PartBody,
    json::{self, JsonFields},
};
use crate::text::{self, work};

/// An item of an answer, both raw and parsed. Both forms may be megabytes, so they are shared.
#[derive(Debug, Clone)]
pub struct OutputItem {
    pub raw: Arc<RawValue>,
    /// The id that the server gave it.
    pub id: Option<String>,
    pub kind: Arc<ItemKind>,
}

/// The parsed content of an item.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ItemKind {
    Message {
        parts: Vec<ContentPart>,
        /// `commentary` or `final_answer`, if the model distinguishes them.
        phase: Option<String>,
    },
    Reasoning(ReasoningItem),
    Call(FunctionCall),
    Search(SearchCall),
    /// Any other item, known only by its type. It is sent back unchanged and shown as one folded line.
    Other {
        kind: String,
        status: Option<String>,
    },
}

/// One content part of a message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ContentPart {
    Text {
        text: String,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        annotations: Vec<Annotation>,
    },
    Refusal(String),
}

/// Reasoning: a summary in parts, raw text, or only an encrypted block.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReasoningItem {
    pub summary: Vec<String>,
    pub content: Vec<String>,
    #[serde(rename = "encrypted")]
    pub has_encrypted: bool,
}

/// A function call requested by the model.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FunctionCall {
    pub call_id: String,
    pub name: String,
    /// The arguments as JSON, possibly incomplete while they stream.
    pub arguments: String,
}

/// A web search or fetch that the server ran.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SearchCall {
    /// The item's type on the wire, such as `openrouter:web_search`.
    pub kind: String,
    pub status: String,
    pub query: Option<String>,
    pub urls: Vec<String>,
}

impl OutputItem {
    pub fn from_raw(raw: &RawValue) -> Self {
        let fields = JsonFields::parse(raw.get()).unwrap_or_default();
        Self { raw: raw.to_owned().into(), id: fields.non_blank("id"), kind: ItemKind::from_fields(&fields).into() }
    }
}

impl Serialize for OutputItem {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.raw.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for OutputItem {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <&RawValue>::deserialize(deserializer).map(Self::from_raw)
    }
}

impl ItemKind {
    /// Parses the content of an item from the server's JSON.
    pub fn from_raw(raw: &RawValue) -> Self {
        Self::from_fields(&JsonFields::parse(raw.get()).unwrap_or_default())
    }

    fn from_fields(fields: &JsonFields) -> Self {
        let kind = fields.text("type").unwrap_or_else(|| "message".into());
        match kind.as_str() {
            "message" => Self::Message { parts: message_parts(fields), phase: fields.non_blank("phase") },
            "reasoning" => Self::Reasoning(ReasoningItem {
                summary: reasoning_texts(fields, "summary"),
                content: reasoning_texts(fields, "content"),
                has_encrypted: fields.non_blank("encrypted_content").is_some(),
            }),
            "function_call" | "custom_tool_call" => Self::Call(FunctionCall {
                call_id: fields.text("call_id").unwrap_or_default(),
                name: fields.text("name").unwrap_or_default(),
                arguments: arguments_text(fields, "arguments")
                    .or_else(|| arguments_text(fields, "input"))
                    .unwrap_or_default(),
            }),
            _ if kind.ends_with("web_search_call")
                || kind.ends_with("file_search_call")
                || ["openrouter:web_search", "openrouter:web_fetch", "openrouter:file_search"].contains(&&*kind) =>
            {
                Self::Search(search_call(kind, fields))
            }
            _ => Self::Other { kind, status: fields.non_blank("status") },
        }
    }

    /// Returns whether the item has no text yet but can have some.
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Message { parts, .. } => parts.iter().all(|part| part.text().is_empty()),
            Self::Reasoning(reasoning) => reasoning.texts().all(str::is_empty),
            Self::Call(call) => call.arguments.is_empty(),
            Self::Search(_) | Self::Other { .. } => false,
        }
    }
}

/// Reads the content of a message: a list of parts, or one string in the simple form.
fn message_parts(fields: &JsonFields) -> Vec<ContentPart> {
    if let Some(text) = fields.text("content") {
        return vec![ContentPart::Text { text, annotations: Vec::new() }];
    }
    let parts = fields.list("content").into_iter().filter_map(PartBody::from_raw);
    parts
        .filter_map(|part| match part {
            PartBody::Text { text, annotations } => {
                Some(ContentPart::Text { text, annotations: merge_duplicates(annotations) })
            }
            PartBody::Refusal(text) => Some(ContentPart::Refusal(text)),
            PartBody::ReasoningText(_) | PartBody::ReasoningSummary(_) | PartBody::Other(_) => None,
        })
        .collect()
}

/// Reads the arguments of a call: the text of an object, or the object itself.
fn arguments_text(fields: &JsonFields, key: &str) -> Option<String> {
    let raw = fields.raw(key)?;
    json::text(raw).or_else(|| raw.get().starts_with(['{', '[']).then(|| raw.get().to_owned()))
}

/// Reads the parts of reasoning: objects with a text on the wire, plain strings in the published samples.
fn reasoning_texts(fields: &JsonFields, key: &str) -> Vec<String> {
    if let Some(text) = fields.text(key) {
        return vec![text];
    }
    let part = |raw: &RawValue| json::text(raw).or_else(|| JsonFields::parse(raw.get())?.text("text"));
    fields.list(key).into_iter().filter_map(part).collect()
}

fn search_call(kind: String, fields: &JsonFields) -> SearchCall {
    let action = fields.object("action").unwrap_or_default();
    let results = action.list("sources").into_iter().chain(fields.list("results"));
    let sources = results.filter_map(|source| JsonFields::parse(source.get())?.non_blank("url"));
    let page = action.non_blank("url").or_else(|| fields.non_blank("url"));
    // xAI sends the action as JSON in a string as well.
    let arguments = fields.non_blank("arguments").unwrap_or_default();
    let arguments = JsonFields::parse(&arguments).unwrap_or_default();
    let all = |queries: Vec<String>| {
        let queries: Vec<String> = queries.into_iter().filter(|query| !query.trim().is_empty()).collect();
        (!queries.is_empty()).then(|| queries.join(" · "))
    };
    let query = all(action.strings("queries"))
        .or_else(|| action.non_blank("query"))
        .or_else(|| all(fields.strings("queries")))
        .or_else(|| all(arguments.strings("queries")))
        .or_else(|| arguments.non_blank("query"));
    // Some servers complete a search that failed.
    let status = if fields.says("error") { Some("failed".into()) } else { fields.non_blank("status") };
    SearchCall { kind, status: status.unwrap_or_default(), query, urls: page.into_iter().chain(sources).collect() }
}

/// Merges annotations that cite the same page at the same place.
pub fn merge_duplicates(annotations: Vec<Annotation>) -> Vec<Annotation> {
    let (mut merged, mut index) = (Vec::with_capacity(annotations.len()), AnnotationIndex::default());
    for annotation in annotations {
        index.merge(&mut merged, annotation);
    }
    merged
}

/// Finds the annotations of one list by place and page; the list must not be changed otherwise.
#[derive(Debug, Clone, Default)]
pub struct AnnotationIndex {
    positions: HashMap<AnnotationKey, usize>,
    /// How many annotations it contains.
    count: usize,
}

/// The place and the page of an annotation: its range, its address and its file.
type AnnotationKey = (Option<u64>, Option<u64>, Option<String>, Option<String>);

impl AnnotationIndex {
    /// Adds a citation, or completes an earlier one of the same place and page.
    pub fn merge(&mut self, annotations: &mut Vec<Annotation>, annotation: Annotation) {
        let key = |of: &Annotation| (of.start, of.end, of.url.clone(), of.filename.clone());
        if self.count > annotations.len() {
            *self = Self::default();
        }
        for (position, known) in annotations.iter().enumerate().skip(self.count) {
            work::count_steps(1);
            self.positions.entry(key(known)).or_insert(position);
        }
        self.count = annotations.len();
        match self.positions.get(&key(&annotation)).and_then(|position| annotations.get_mut(*position)) {
            Some(known) => {
                known.title = known.title.take().or(annotation.title);
                known.content = known.content.take().or(annotation.content);
            }
            None => annotations.push(annotation),
        }
    }
}

impl ContentPart {
    pub fn text(&self) -> &str {
        match self {
            Self::Text { text, .. } | Self::Refusal(text) => text,
        }
    }
}

impl ReasoningItem {
    /// Returns the parts of the summary and the raw reasoning; a model sends one or the other.
    pub fn texts(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.summary.iter().chain(&self.content).map(String::as_str)
    }

    /// The texts that are not blank.
    pub fn shown_texts(&self) -> impl Iterator<Item = &str> {
        self.texts().filter(|text| !text.trim().is_empty())
    }

    /// Returns the latest topic: the first heading, or line entirely in bold, of the newest text that has one.
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn search(item: &serde_json::Value) -> SearchCall {
        let raw = serde_json::value::to_raw_value(item).expect("JSON stays JSON");
        match ItemKind::from_raw(&raw) {
            ItemKind::Search(search) => search,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn all_queries_of_a_search_are_read() {
        let query = |action: serde_json::Value| {
            search(&json!({ "type": "web_search_call", "status": "completed", "action": action })).query
        };
        assert_eq!(query(json!({ "queries": ["one", "", "two"] })).as_deref(), Some("one · two"));
        assert_eq!(query(json!({ "query": "one", "queries": ["one", "two"] })).as_deref(), Some("one · two"));
        assert_eq!(query(json!({ "query": "one", "queries": [] })).as_deref(), Some("one"));
        assert_eq!(query(json!({ "queries": null })), None);
    }

    #[test]
    fn a_search_with_an_error_has_failed_whatever_its_status() {
        let status = |item: serde_json::Value| search(&item).status;
        let failed = json!({ "type": "openrouter:web_search", "status": "completed", "error": "no engine" });
        assert_eq!(status(failed), "failed");
        assert_eq!(status(json!({ "type": "web_search_call", "status": "completed", "error": null })), "completed");
        assert_eq!(status(json!({ "type": "web_search_call", "status": "incomplete" })), "incomplete");
    }
}
