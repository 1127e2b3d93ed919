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
        let said = |content: &ToolContent| match content {
            ToolContent::Text(text) => serde_json::from_str::<Value>(text).is_ok_and(|said| said == value),
            _ => false,
        };
        if !content.iter().any(said) {
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
