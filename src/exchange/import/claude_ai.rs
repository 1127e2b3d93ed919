//! Claude's data export: `conversations.json`, a list of conversations with their messages.

use serde_json::Value;

use super::{
    content_blocks::{add_block, result_outcome},
    findings::Findings,
    foreign::{ForeignConversation, ForeignMessage, ForeignPart, Speaker},
    json,
    tree_order::order_tree,
};
use crate::api::Annotation;

/// Reads one conversation.
pub(super) fn read(value: &Value, findings: &mut Findings) -> Result<ForeignConversation, String> {
    let messages = value.get("chat_messages").and_then(Value::as_array).ok_or("it has no messages")?;
    let mut conversation = ForeignConversation {
        key: json::owned(value, "uuid"),
        title: json::owned(value, "name"),
        created_at: json::time(value, "created_at"),
        updated_at: json::time(value, "updated_at"),
        ..ForeignConversation::default()
    };
    let is_starred = value.get("is_starred") == Some(&Value::Bool(true));
    conversation.filing.pinned_at = conversation.updated_at.filter(|_| is_starred);
    let is_tree = messages.iter().any(|message| message.get("parent_message_uuid").is_some());
    let keys: Vec<String> = (0..).zip(messages).map(|(index, message)| key_of(message, index)).collect();
    let nodes: Vec<(&str, Option<&str>)> = (0..messages.len())
        .map(|index| {
            let before = index.checked_sub(1).map(|before| keys[before].as_str());
            let parent = if is_tree { json::text(&messages[index], "parent_message_uuid") } else { before };
            (keys[index].as_str(), parent)
        })
        .collect();
    let current = json::text(value, "current_leaf_message_uuid");
    let model = json::text(value, "model");
    for node in order_tree(&nodes) {
        let source = &messages[node.source];
        let mut message = read_message(source, findings);
        (message.key, message.parent) = (json::owned(source, "uuid"), node.parent);
        if message.speaker == Speaker::Model {
            message.model = json::text(source, "model").or(model).map(str::to_owned);
        }
        if current.is_some_and(|current| nodes[node.source].0 == current) {
            conversation.current = Some(conversation.messages.len());
        }
        conversation.messages.push(message);
    }
    Ok(conversation)
}

fn key_of(message: &Value, index: usize) -> String {
    json::text(message, "uuid").map_or_else(|| format!("message {index}"), str::to_owned)
}

fn read_message(message: &Value, findings: &mut Findings) -> ForeignMessage {
    let speaker = match json::text(message, "sender") {
        Some("human" | "user") => Speaker::User,
        Some("assistant") => Speaker::Model,
        other => Speaker::Other(other.unwrap_or("unknown").to_owned()),
    };
    let mut read = ForeignMessage::new(speaker, None, json::time(message, "created_at"));
    for block in json::list(message, "content") {
        match json::text(block, "type") {
            Some("text") => {
                if let Some(text) = json::text(block, "text") {
                    let annotations = json::list(block, "citations").iter().filter_map(annotation).collect();
                    read.parts.push(ForeignPart::Text { text: text.to_owned(), annotations });
                }
            }
            Some("tool_result") => {
                let call = json::owned(block, "tool_use_id");
                read.parts.push(ForeignPart::Result { call, outcome: result_outcome(block) });
            }
            Some("token_budget" | "flag") => (),
            Some("voice_note") => read.add_text(json::owned(block, "text")),
            _ => add_block(&mut read, block, findings),
        }
    }
    if read.parts.is_empty() {
        read.add_text(json::owned(message, "text"));
    }
    let mut names: Vec<&str> = Vec::new();
    for file in ["attachments", "files", "files_v2"].iter().flat_map(|key| json::list(message, key)) {
        let name = json::text(file, "file_name").unwrap_or("a file");
        if !names.contains(&name) {
            names.push(name);
        }
    }
    read.parts.extend(names.into_iter().map(|name| ForeignPart::Attachment(name.to_owned())));
    read
}

fn annotation(citation: &Value) -> Option<Annotation> {
    let details = citation.get("details").unwrap_or(&Value::Null);
    let metadata = citation.get("metadata").unwrap_or(&Value::Null);
    let url = json::text(citation, "url").or_else(|| json::text(details, "url"))?;
    let title = json::text(citation, "title").or_else(|| json::text(metadata, "title"));
    Some(Annotation {
        kind: "url_citation".into(),
        url: Some(url.to_owned()),
        title: title.map(str::to_owned),
        content: json::text(citation, "cited_text").map(str::to_owned),
        filename: None,
        start: json::count(citation, "start_index"),
        end: json::count(citation, "end_index"),
    })
}
