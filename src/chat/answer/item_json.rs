//! Items as JSON: as the server sent them, or composed from the parts that were received.

use serde_json::Value;

use super::{ContentPart, Item, ItemKind};
use crate::api::Annotation;

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
    let texts = |texts: &[String], kind: &str| -> Value {
        texts.iter().map(|text| serde_json::json!({ "type": kind, "text": text })).collect()
    };
    match kind {
        ItemKind::Message { parts, phase } => {
            let parts: Vec<_> = parts.iter().map(part_json).collect();
            let mut item = serde_json::json!({ "type": "message", "role": "assistant", "content": parts });
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

fn part_json(part: &ContentPart) -> Value {
    match part {
        ContentPart::Text { text, annotations } => {
            let annotations: Vec<_> = annotations.iter().map(annotation_json).collect();
            serde_json::json!({ "type": "output_text", "text": text, "annotations": annotations })
        }
        ContentPart::Refusal(refusal) => serde_json::json!({ "type": "refusal", "refusal": refusal }),
    }
}

fn annotation_json(annotation: &Annotation) -> Value {
    let Annotation { kind, url, title, content, filename, start, end } = annotation;
    let mut json = serde_json::json!({
        "type": kind, "url": url, "title": title, "content": content, "filename": filename,
        "start_index": start, "end_index": end,
    });
    if let Value::Object(fields) = &mut json {
        fields.retain(|_, value| !value.is_null());
    }
    json
}
