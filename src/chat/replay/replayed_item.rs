//! One item as a server sent it, fixed where no server would accept it back.

use serde_json::{Map, Value, value::RawValue};

use crate::chat::ItemSlot;

/// The recipient of an item: the model that made it, or another.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum ReplayTarget {
    SameModel,
    AnotherModel,
}

/// A received item, parsed, and changed only where it could not be sent otherwise.
pub(super) struct ReplayedItem {
    fields: Map<String, Value>,
    /// The original bytes, while nothing has been changed.
    raw: Option<Box<RawValue>>,
}

impl ReplayedItem {
    pub(super) fn parse(raw: &RawValue) -> Option<Self> {
        let Ok(Value::Object(fields)) = serde_json::from_str(raw.get()) else { return None };
        let mut sent = Self { fields, raw: Some(raw.to_owned()) };
        if remove_nulls(&mut sent.fields) {
            sent.raw = None;
        }
        // xAI gives its searches an empty call_id.
        for id in ["id", "call_id"] {
            if sent.fields.get(id).is_some_and(|id| id.as_str().is_none_or(str::is_empty)) {
                sent.remove(id);
            }
        }
        for arguments in ["arguments", "input"] {
            sent.fix_arguments(arguments);
        }
        sent.fix_summary();
        sent.drop_incomplete_citations();
        Some(sent)
    }

    /// A call that was received only as deltas.
    pub(super) fn from_call(name: &str, arguments: &str) -> Self {
        let fields = [("type", "function_call"), ("name", name), ("arguments", arguments)];
        Self { fields: fields.into_iter().map(|(key, text)| (key.to_owned(), text.into())).collect(), raw: None }
    }

    pub(super) fn text(&self, key: &str) -> &str {
        self.fields.get(key).and_then(Value::as_str).unwrap_or_default()
    }

    /// Whether the field is a string or a list.
    pub(super) fn has(&self, key: &str) -> bool {
        self.fields.get(key).is_some_and(|value| value.is_string() || value.is_array())
    }

    pub(super) fn set(&mut self, key: &str, value: &str) {
        if self.text(key) != value {
            self.fields.insert(key.into(), value.into());
            self.raw = None;
        }
    }

    pub(super) fn remove(&mut self, key: &str) {
        if self.fields.shift_remove(key).is_some() {
            self.raw = None;
        }
    }

    /// Turns the arguments of a call that came as an object into its text, which is the only form that requests allow.
    fn fix_arguments(&mut self, key: &str) {
        if !matches!(self.text("type"), "function_call" | "custom_tool_call") {
            return;
        }
        if let Some(value @ (Value::Object(_) | Value::Array(_))) = self.fields.get(key) {
            let text = value.to_string();
            self.set(key, &text);
        }
    }

    /// Fixes the summary of a server that sends plain strings or none, although requests need a list of parts.
    fn fix_summary(&mut self) {
        if self.text("type") != "reasoning" {
            return;
        }
        let summary = self.fields.entry("summary").or_insert_with(|| {
            self.raw = None;
            Value::Array(Vec::new())
        });
        for part in summary.as_array_mut().into_iter().flatten() {
            if let Value::String(text) = part {
                *part = serde_json::json!({ "type": "summary_text", "text": text });
                self.raw = None;
            }
        }
    }

    /// Drops citations without a title or a position, which some servers send but none accepts back.
    fn drop_incomplete_citations(&mut self) {
        if self.text("type") != "message" {
            return; // Unknown items stay unchanged.
        }
        let Some(parts) = self.fields.get_mut("content").and_then(Value::as_array_mut) else { return };
        let annotations = parts.iter_mut().filter_map(|part| part.get_mut("annotations")?.as_array_mut());
        let mut dropped = false;
        for annotations in annotations {
            let before = annotations.len();
            annotations.retain(is_complete_citation);
            dropped |= annotations.len() != before;
        }
        if dropped {
            self.raw = None;
        }
    }

    /// Whether it has all that the schema requires of a message: an id, a final status, parts with text or a refusal.
    pub(super) fn is_complete_message(&self) -> bool {
        let parts = self.fields.get("content").and_then(Value::as_array);
        self.text("type") == "message"
            && self.text("role") == "assistant"
            && !self.text("id").is_empty()
            && matches!(self.text("status"), "completed" | "incomplete")
            && matches!(self.text("phase"), "" | "commentary" | "final_answer")
            && parts.is_some_and(|parts| !parts.is_empty() && parts.iter().all(is_answer_part))
    }

    /// Turns a handled call into a valid one. Its output reports malformed arguments; here a server would refuse them.
    pub(super) fn into_handled_call(mut self, call_id: &str, slot: ItemSlot, target: ReplayTarget) -> Option<Self> {
        if self.text("call_id").is_empty() {
            let generated_id = || format!("call_{}_{}", slot.step, slot.index);
            self.set("call_id", &if call_id.is_empty() { generated_id() } else { call_id.to_owned() });
        }
        let is_object = serde_json::from_str::<Map<String, Value>>(self.text("arguments")).is_ok();
        if !is_object {
            self.set("arguments", "{}");
        }
        if matches!(self.text("status"), "incomplete" | "in_progress") {
            self.set("status", "completed");
        }
        self.into_call("arguments", target)
    }

    /// Whether it has all that the schema requires of reasoning: an id, and valid parts of both kinds.
    pub(super) fn is_complete_reasoning(&self) -> bool {
        let parts = |key: &str, kind: &str| {
            let is_part = |part: &Value| part["type"] == kind && part["text"].is_string();
            self.fields.get(key).is_none_or(|parts| parts.as_array().is_some_and(|parts| parts.iter().all(is_part)))
        };
        !self.text("id").is_empty()
            && matches!(self.text("status"), "" | "completed" | "incomplete" | "in_progress")
            && parts("summary", "summary_text")
            && parts("content", "reasoning_text")
    }

    /// Whether the action of an OpenRouter search has the only form that the schema allows; true for other items.
    pub(super) fn has_valid_action(&self) -> bool {
        let Some(action) = self.fields.get("action").filter(|_| self.text("type") == "openrouter:web_search") else {
            return true;
        };
        let is_source = |source: &Value| source["type"] == "url" && source["url"].is_string();
        let sources = action.get("sources").and_then(Value::as_array).into_iter().flatten();
        action["type"] == "search" && action["query"].is_string() && sources.into_iter().all(is_source)
    }

    /// Turns it into a call if it is complete; for another model only the required fields stay.
    pub(super) fn into_call(mut self, arguments: &str, target: ReplayTarget) -> Option<Self> {
        if arguments == "arguments" {
            if self.text(arguments).trim().is_empty() {
                self.set(arguments, "{}");
            }
            serde_json::from_str::<serde::de::IgnoredAny>(self.text(arguments)).ok()?;
        }
        let named = !self.text("call_id").is_empty() && !self.text("name").is_empty();
        if !named || matches!(self.text("status"), "incomplete" | "in_progress") {
            return None;
        }
        if target == ReplayTarget::AnotherModel {
            let known = ["type", "call_id", "name", arguments];
            let before = self.fields.len();
            self.fields.retain(|key, _| known.contains(&key.as_str()));
            if self.fields.len() != before {
                self.raw = None;
            }
        }
        Some(self)
    }

    pub(super) fn into_raw(self) -> Box<RawValue> {
        self.raw.unwrap_or_else(|| {
            serde_json::value::to_raw_value(&self.fields).expect("a parsed object always has a JSON form")
        })
    }
}

fn is_complete_citation(annotation: &Value) -> bool {
    let texts = |keys: &[&str]| keys.iter().all(|key| annotation[key].is_string());
    let numbers = |keys: &[&str]| keys.iter().all(|key| annotation[key].is_u64());
    match annotation["type"].as_str() {
        Some("url_citation") => texts(&["url", "title"]) && numbers(&["start_index", "end_index"]),
        Some("file_citation") => texts(&["file_id", "filename"]) && numbers(&["index"]),
        Some("file_path") => texts(&["file_id"]) && numbers(&["index"]),
        _ => false,
    }
}

fn is_answer_part(part: &Value) -> bool {
    match part["type"].as_str() {
        Some("output_text") => part["text"].is_string(),
        Some("refusal") => part["refusal"].is_string(),
        _ => false,
    }
}

/// Removes every null from an object, recursively; returns whether there was one.
fn remove_nulls(fields: &mut Map<String, Value>) -> bool {
    let before = fields.len();
    fields.retain(|_, value| !value.is_null());
    let mut changed = fields.len() != before;
    for value in fields.values_mut() {
        changed |= remove_nulls_in(value);
    }
    changed
}

fn remove_nulls_in(value: &mut Value) -> bool {
    match value {
        Value::Object(fields) => remove_nulls(fields),
        Value::Array(values) => values.iter_mut().fold(false, |changed, value| remove_nulls_in(value) | changed),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}
