//! Tools and results of the protocol as those of the program.

use rmcp::model::{self, CallToolResult, ContentBlock, ResourceContents};
use serde_json::Value;

use super::lines::was_cut;
use crate::tools::{Content, Hints, Outcome, Tool, ToolId};

/// A tool as its server lists it.
pub fn tool(server: &str, tool: model::Tool) -> Tool {
    let annotations = tool.annotations.unwrap_or_default();
    Tool {
        id: ToolId::new(server, tool.name),
        title: tool.title.or(annotations.title),
        description: tool.description.unwrap_or_default().into_owned(),
        parameters: Value::Object((*tool.input_schema).clone()),
        strict: false,
        hints: Hints {
            read_only: annotations.read_only_hint,
            destructive: annotations.destructive_hint,
            idempotent: annotations.idempotent_hint,
            open_world: annotations.open_world_hint,
        },
    }
}

/// What a call came to.
pub fn outcome(result: CallToolResult) -> Outcome {
    let mut content: Vec<Content> = result.content.into_iter().map(piece).collect();
    if let Some(value) = result.structured_content {
        // Servers give it as a text too, for clients that do not know it.
        let said = |content: &Content| match content {
            Content::Text(text) => serde_json::from_str::<Value>(text).is_ok_and(|said| said == value),
            _ => false,
        };
        if !content.iter().any(said) {
            content.push(Content::Structured(value));
        }
    }
    Outcome { content, failed: result.is_error == Some(true) }
}

fn piece(block: ContentBlock) -> Content {
    match block {
        ContentBlock::Text(text) => Content::Text(text.text),
        ContentBlock::Image(image) if was_cut(&image.data) => too_large("an image", &image.mime_type),
        ContentBlock::Image(image) => Content::Image { mime: image.mime_type, data: image.data },
        ContentBlock::Audio(audio) if was_cut(&audio.data) => too_large("a sound", &audio.mime_type),
        ContentBlock::Audio(audio) => Content::Audio { mime: audio.mime_type, data: audio.data },
        ContentBlock::Resource(embedded) => match embedded.resource {
            ResourceContents::TextResourceContents { uri, mime_type, text, .. } => {
                Content::Resource { uri, mime: mime_type, text }
            }
            ResourceContents::BlobResourceContents { uri, blob, .. } if was_cut(&blob) => too_large("a file", &uri),
            ResourceContents::BlobResourceContents { uri, mime_type, blob, .. } => {
                Content::File { uri, mime: mime_type, data: blob }
            }
            _ => Content::Text("[a resource of a kind that is not known here]".into()),
        },
        ContentBlock::ResourceLink(link) => Content::Link { uri: link.uri, name: link.title.unwrap_or(link.name) },
        _ => Content::Text("[something of a kind that is not known here]".into()),
    }
}

fn too_large(what: &str, which: &str) -> Content {
    Content::Text(format!("[{what} ({which}) was too large and is left out]"))
}
