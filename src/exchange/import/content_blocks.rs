//! The blocks of a message as Anthropic's API has them, which several programs store.

use serde_json::Value;

use super::{
    findings::Findings,
    foreign::{ForeignMessage, ForeignPart},
    json,
};
use crate::tools::{ToolContent, ToolOutcome};

/// Adds one block to a message.
pub(super) fn add_block(message: &mut ForeignMessage, block: &Value, findings: &mut Findings) {
    if let Some(text) = block.as_str() {
        message.add_text(text);
        return;
    }
    match json::text(block, "type") {
        Some("text") => message.add_text(json::owned(block, "text")),
        Some("thinking") => message.add_reasoning(json::owned(block, "thinking")),
        Some("redacted_thinking") => (),
        Some("tool_use" | "server_tool_use") => message.parts.push(ForeignPart::Call {
            id: json::owned(block, "id"),
            name: json::text(block, "name").unwrap_or("tool").to_owned(),
            arguments: block.get("input").map_or_else(|| "{}".into(), Value::to_string),
        }),
        Some("tool_result" | "web_search_tool_result") => message
            .parts
            .push(ForeignPart::Result { call: json::owned(block, "tool_use_id"), outcome: result_outcome(block) }),
        Some("image") => message.parts.push(ForeignPart::Attachment("a picture".into())),
        Some("document") => {
            let name = json::text(block, "title").unwrap_or("a document");
            message.parts.push(ForeignPart::Attachment(name.to_owned()));
        }
        other => findings.add(&format!("a block of the type {}", other.unwrap_or("unknown")), &block.to_string()),
    }
}

/// The result of a call: a text, or blocks of which the texts are kept and pictures are named.
pub(super) fn result_outcome(block: &Value) -> ToolOutcome {
    let failed = block.get("is_error") == Some(&Value::Bool(true));
    let content = block.get("content").unwrap_or(&Value::Null);
    let content = match content {
        Value::String(text) => vec![ToolContent::Text(text.clone())],
        Value::Array(blocks) => blocks.iter().map(result_content).collect(),
        Value::Null => Vec::new(),
        other => vec![ToolContent::Structured(other.clone())],
    };
    ToolOutcome { content, failed }
}

fn result_content(block: &Value) -> ToolContent {
    let text = json::text(block, "text").map(str::to_owned);
    match (json::text(block, "type"), json::text(block, "url"), text) {
        (_, Some(url), text) => {
            let name = json::owned(block, "title");
            match text {
                Some(text) => ToolContent::Resource { uri: url.to_owned(), mime: None, text },
                None => ToolContent::Link { uri: url.to_owned(), name },
            }
        }
        (_, None, Some(text)) => ToolContent::Text(text),
        (Some("image"), None, None) => ToolContent::Text("[a picture]".into()),
        (_, None, None) => ToolContent::Structured(block.clone()),
    }
}
