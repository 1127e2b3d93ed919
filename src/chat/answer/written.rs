//! Items as JSON: as the server sent them, or put together from what came of them.

use serde::Serialize;
use serde_json::Value;

use super::{Item, Kind, Part};
use crate::api::event::PartBody;

impl Item {
    /// The item as JSON: the server's own, or, of one that never was complete, what came of it.
    pub fn to_json(&self) -> String {
        if let Some(raw) = &self.raw {
            return raw.get().to_owned();
        }
        composed(&self.kind).to_string()
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
