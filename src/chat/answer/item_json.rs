//! Items as JSON: as the server sent them, or composed from the parts that were received.

use serde::Serialize;
use serde_json::Value;

use super::{ContentPart, Item, ItemKind};
use crate::api::event::PartBody;

impl Item {
    /// The item as JSON: the server's own, or the parts received if it never became complete.
    pub fn to_json(&self) -> String {
        if let Some(raw) = &self.raw {
            return raw.get().to_owned();
        }
        compose_json(&self.kind).to_string()
    }
}

fn compose_json(kind: &ItemKind) -> Value {
    #[derive(Serialize)]
    struct JsonTextPart<'a> {
        r#type: &'static str,
        text: &'a str,
    }
    let texts = |texts: &[String], kind: &'static str| -> Value {
        let parts: Vec<_> = texts.iter().map(|text| JsonTextPart { r#type: kind, text }).collect();
        to_json_value(&parts)
    };
    match kind {
        ItemKind::Message { parts, phase } => {
            let parts: Vec<_> = parts.iter().map(part_body).collect();
            let parts: Vec<_> = parts.iter().map(PartBody::as_json).collect();
            let mut item =
                serde_json::json!({ "type": "message", "role": "assistant", "content": to_json_value(&parts) });
            if let Some(phase) = phase {
                item["phase"] = phase.as_str().into();
            }
            item
        }
        ItemKind::Reasoning(reasoning) => serde_json::json!({
            "type": "reasoning",
            "summary": texts(&reasoning.summary, "summary_text"),
            "content": texts(&reasoning.content, "reasoning_text"),
        }),
        ItemKind::Call(call) => serde_json::json!({
            "type": "function_call", "call_id": call.call_id, "name": call.name, "arguments": call.arguments,
        }),
        ItemKind::Search(search) => {
            let sources: Vec<_> =
                search.urls.iter().map(|url| serde_json::json!({ "type": "url", "url": url })).collect();
            serde_json::json!({
                "type": search.kind, "status": search.status,
                "action": { "type": "search", "query": search.query, "sources": sources },
            })
        }
        ItemKind::Other { kind, status } => serde_json::json!({ "type": kind, "status": status }),
    }
}

fn part_body(part: &ContentPart) -> PartBody {
    match part {
        ContentPart::Text { text, annotations } => {
            PartBody::Text { text: text.clone(), annotations: annotations.clone() }
        }
        ContentPart::Refusal(text) => PartBody::Refusal(text.clone()),
    }
}

fn to_json_value(value: &impl Serialize) -> Value {
    serde_json::to_value(value).expect("strings and numbers always have a JSON form")
}
