//! Converts tools and results of the protocol to ibid's own types.

use rmcp::model::{self, CallToolResult, ContentBlock, ResourceContents};
use serde_json::Value;

use super::{LogSource, client::ServerLog};
use crate::{
    processes::BoundedOutput,
    tools::{ToolContent, ToolDefinition, ToolHints, ToolId, ToolOutcome},
};

/// The longest text of a result, in bytes. A longer one loses its middle.
const MAX_TEXT_BYTES: usize = 8 << 20;

/// Converts a tool that a server lists.
pub(super) fn to_tool(server: &str, tool: model::Tool) -> ToolDefinition {
    let annotations = tool.annotations.unwrap_or_default();
    ToolDefinition {
        id: ToolId::new(server, tool.name),
        title: tool.title.or(annotations.title),
        description: tool.description.unwrap_or_default().into_owned(),
        parameters: Value::Object((*tool.input_schema).clone()),
        strict: false,
        hints: ToolHints {
            read_only: annotations.read_only_hint,
            destructive: annotations.destructive_hint,
            idempotent: annotations.idempotent_hint,
            open_world: annotations.open_world_hint,
        },
    }
}

/// Converts the result of a call. What is left out of it is logged.
pub(super) fn to_outcome(result: CallToolResult, log: &ServerLog) -> ToolOutcome {
    let mut content: Vec<ToolContent> = result.content.into_iter().map(to_content).collect();
    if let Some(value) = result.structured_content {
        // Servers also send it as text, for clients that do not support structured content.
        if !is_said(&value, &content) {
            content.push(ToolContent::Structured(value));
        }
    }
    for part in &mut content {
        if let ToolContent::Text(text) | ToolContent::Resource { text, .. } = part
            && text.len() > MAX_TEXT_BYTES
        {
            let mut ends = BoundedOutput::with_both_ends(MAX_TEXT_BYTES);
            ends.push(text.as_bytes());
            log.push_line(LogSource::Ibid, &format!("a text was too long: {} bytes left out", ends.bytes_left_out()));
            *text = ends.into_text();
        }
    }
    ToolOutcome { content, failed: result.is_error == Some(true) }
}

/// Whether the texts of a result say the same as a value: as one text, or entry by entry. Many servers wrap what is no
/// object into one with a single field.
fn is_said(value: &Value, content: &[ToolContent]) -> bool {
    let texts: Vec<&str> = content
        .iter()
        .filter_map(|content| match content {
            ToolContent::Text(text) => Some(text.as_str()),
            _ => None,
        })
        .collect();
    let is_in = |text: &str, value: &Value| {
        value.as_str() == Some(text) || serde_json::from_str::<Value>(text).is_ok_and(|said| is_same(&said, value))
    };
    let is_said_as = |value: &Value| {
        let entries = value.as_array().map(Vec::as_slice).unwrap_or_default();
        let by_entry = !entries.is_empty()
            && entries.len() == texts.len()
            && entries.iter().zip(&texts).all(|(entry, text)| is_in(text, entry));
        by_entry || texts.iter().any(|text| is_in(text, value))
    };
    let wrapped = value.as_object().filter(|fields| fields.len() == 1).and_then(|fields| fields.values().next());
    is_said_as(value) || wrapped.is_some_and(is_said_as)
}

/// Whether two values are the same; 3 and 3.0 are.
fn is_same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => one == other || one.as_f64() == other.as_f64(),
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| is_same(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            let is_there =
                |(name, value): (&String, &Value)| other.get(name).is_some_and(|other| is_same(value, other));
            one.len() == other.len() && one.iter().all(is_there)
        }
        _ => one == other,
    }
}

fn to_content(block: ContentBlock) -> ToolContent {
    match block {
        ContentBlock::Text(text) => ToolContent::Text(text.text),
        ContentBlock::Image(image) => ToolContent::Image { mime: image.mime_type, data: image.data },
        ContentBlock::Audio(audio) => ToolContent::Audio { mime: audio.mime_type, data: audio.data },
        ContentBlock::Resource(embedded) => match embedded.resource {
            ResourceContents::TextResourceContents { uri, mime_type, text, .. } => {
                ToolContent::Resource { uri, mime: mime_type, text }
            }
            ResourceContents::BlobResourceContents { uri, mime_type, blob, .. } => {
                ToolContent::File { uri, mime: mime_type, data: blob }
            }
            _ => ToolContent::Text("[a resource of an unknown kind]".into()),
        },
        ContentBlock::ResourceLink(link) => ToolContent::Link { uri: link.uri, name: link.title.unwrap_or(link.name) },
        _ => ToolContent::Text("[content of an unknown kind]".into()),
    }
}
