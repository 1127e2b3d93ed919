//! Converts tools and results of the protocol to ibid's own types.

use rmcp::model::{self, CallToolResult, ContentBlock, ResourceContents};
use serde_json::Value;

use super::line_filter::is_truncated;
use crate::tools::{ToolContent, ToolDefinition, ToolHints, ToolId, ToolOutcome};

/// Converts a tool that a server lists.
pub fn to_tool(server: &str, tool: model::Tool) -> ToolDefinition {
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

/// Converts the result of a call.
pub fn to_outcome(result: CallToolResult) -> ToolOutcome {
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
    ToolOutcome { content, failed: result.is_error == Some(true) }
}

fn to_content(block: ContentBlock) -> ToolContent {
    match block {
        ContentBlock::Text(text) => ToolContent::Text(text.text),
        ContentBlock::Image(image) if is_truncated(&image.data) => too_large("an image", &image.mime_type),
        ContentBlock::Image(image) => ToolContent::Image { mime: image.mime_type, data: image.data },
        ContentBlock::Audio(audio) if is_truncated(&audio.data) => too_large("a sound", &audio.mime_type),
        ContentBlock::Audio(audio) => ToolContent::Audio { mime: audio.mime_type, data: audio.data },
        ContentBlock::Resource(embedded) => match embedded.resource {
            ResourceContents::TextResourceContents { uri, mime_type, text, .. } => {
                ToolContent::Resource { uri, mime: mime_type, text }
            }
            ResourceContents::BlobResourceContents { uri, blob, .. } if is_truncated(&blob) => {
                too_large("a file", &uri)
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

fn too_large(what: &str, which: &str) -> ToolContent {
    ToolContent::Text(format!("[{what} ({which}) was too large and was left out]"))
}
