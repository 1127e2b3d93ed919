//! One item as a server sent it, put right where no server would take it back.

use serde_json::{Map, Value, value::RawValue};

use crate::chat::Slot;

/// Who gets an item: the model that made it, or another.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum To {
    ItsModel,
    AnotherModel,
}

/// An item as it came, read, and changed only where it could not be sent otherwise.
pub struct Sent {
    fields: Map<String, Value>,
    /// The very bytes, while they are still right.
    raw: Option<Box<RawValue>>,
}

impl Sent {
    pub fn read(raw: &RawValue) -> Option<Self> {
        let Ok(Value::Object(fields)) = serde_json::from_str(raw.get()) else { return None };
        let mut sent = Self { fields, raw: Some(raw.to_owned()) };
        if without_nulls(&mut sent.fields) {
            sent.raw = None;
        }
        // xAI gives its searches an empty call_id.
        for id in ["id", "call_id"] {
            if sent.fields.get(id).is_some_and(|id| id.as_str().is_none_or(str::is_empty)) {
                sent.remove(id);
            }
        }
        sent.mend_summary();
        sent.drop_half_citations();
        Some(sent)
    }

    /// A call that came in pieces only.
    pub fn call(name: &str, arguments: &str) -> Self {
        let fields = [("type", "function_call"), ("name", name), ("arguments", arguments)];
        Self { fields: fields.into_iter().map(|(key, text)| (key.to_owned(), text.into())).collect(), raw: None }
    }

    pub fn text(&self, key: &str) -> &str {
        self.fields.get(key).and_then(Value::as_str).unwrap_or_default()
    }

    /// It has words there, or a list.
    pub fn has(&self, key: &str) -> bool {
        self.fields.get(key).is_some_and(|value| value.is_string() || value.is_array())
    }

    pub fn set(&mut self, key: &str, value: &str) {
        if self.text(key) != value {
            self.fields.insert(key.into(), value.into());
            self.raw = None;
        }
    }

    pub fn remove(&mut self, key: &str) {
        if self.fields.shift_remove(key).is_some() {
            self.raw = None;
        }
    }

    /// Some servers tell the parts of a summary as bare strings, or none; they take only parts.
    fn mend_summary(&mut self) {
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

    /// Some servers cite without a title or a place; no server takes that back, and nobody needs it there.
    fn drop_half_citations(&mut self) {
        if self.text("type") != "message" {
            return; // What is not known stays as it came.
        }
        let Some(parts) = self.fields.get_mut("content").and_then(Value::as_array_mut) else { return };
        let annotations = parts.iter_mut().filter_map(|part| part.get_mut("annotations")?.as_array_mut());
        let mut dropped = false;
        for annotations in annotations {
            let before = annotations.len();
            annotations.retain(is_whole_citation);
            dropped |= annotations.len() != before;
        }
        if dropped {
            self.raw = None;
        }
    }

    /// It has all that the schema asks of an answer: an id, a settled status, parts with text or a refusal.
    pub fn is_whole_message(&self) -> bool {
        let parts = self.fields.get("content").and_then(Value::as_array);
        self.text("type") == "message"
            && self.text("role") == "assistant"
            && !self.text("id").is_empty()
            && matches!(self.text("status"), "completed" | "incomplete")
            && matches!(self.text("phase"), "" | "commentary" | "final_answer")
            && parts.is_some_and(|parts| !parts.is_empty() && parts.iter().all(is_answer_part))
    }

    /// A call that was taken up. What its model wrote wrong is told in its output; here it would be refused.
    pub fn into_run_call(mut self, call_id: &str, slot: Slot, to: To) -> Option<Self> {
        if self.text("call_id").is_empty() {
            let made = || format!("call_{}_{}", slot.step, slot.index);
            self.set("call_id", &if call_id.is_empty() { made() } else { call_id.to_owned() });
        }
        let is_object = serde_json::from_str::<Map<String, Value>>(self.text("arguments")).is_ok();
        if !is_object {
            self.set("arguments", "{}");
        }
        if matches!(self.text("status"), "incomplete" | "in_progress") {
            self.set("status", "completed");
        }
        self.into_call("arguments", to)
    }

    /// It has all that the schema asks of reasoning: an id, and parts of the one kind and the other.
    pub fn is_whole_thought(&self) -> bool {
        let parts = |key: &str, kind: &str| {
            let is_part = |part: &Value| part["type"] == kind && part["text"].is_string();
            self.fields.get(key).is_none_or(|parts| parts.as_array().is_some_and(|parts| parts.iter().all(is_part)))
        };
        !self.text("id").is_empty()
            && matches!(self.text("status"), "" | "completed" | "incomplete" | "in_progress")
            && parts("summary", "summary_text")
            && parts("content", "reasoning_text")
    }

    /// What OpenRouter searched for is told in one form only.
    pub fn has_whole_action(&self) -> bool {
        let Some(action) = self.fields.get("action").filter(|_| self.text("type") == "openrouter:web_search") else {
            return true;
        };
        let is_source = |source: &Value| source["type"] == "url" && source["url"].is_string();
        let sources = action.get("sources").and_then(Value::as_array).into_iter().flatten();
        action["type"] == "search" && action["query"].is_string() && sources.into_iter().all(is_source)
    }

    /// A call that is whole; to another model only what makes it a call.
    pub fn into_call(mut self, arguments: &str, to: To) -> Option<Self> {
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
        if to == To::AnotherModel {
            let known = ["type", "call_id", "name", arguments];
            let before = self.fields.len();
            self.fields.retain(|key, _| known.contains(&key.as_str()));
            if self.fields.len() != before {
                self.raw = None;
            }
        }
        Some(self)
    }

    pub fn into_raw(self) -> Box<RawValue> {
        self.raw.unwrap_or_else(|| {
            serde_json::value::to_raw_value(&self.fields).expect("what was read as JSON has a JSON form")
        })
    }
}

fn is_whole_citation(annotation: &Value) -> bool {
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

/// Takes every null out of an object and what is in it; tells whether there was one.
fn without_nulls(fields: &mut Map<String, Value>) -> bool {
    let before = fields.len();
    fields.retain(|_, value| !value.is_null());
    let mut changed = fields.len() != before;
    for value in fields.values_mut() {
        changed |= without_nulls_in(value);
    }
    changed
}

fn without_nulls_in(value: &mut Value) -> bool {
    match value {
        Value::Object(fields) => without_nulls(fields),
        Value::Array(values) => values.iter_mut().fold(false, |changed, value| without_nulls_in(value) | changed),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}
