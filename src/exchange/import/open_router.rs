//! The export of OpenRouter's chat: messages of several models, in version 3 apart from their items.

use serde_json::Value;

use super::{
    findings::Findings,
    foreign::{ForeignConversation, ForeignMessage, ForeignPart, Speaker},
    json,
    tree_order::order_tree,
};
use crate::{
    api::{Usage, Usd},
    chat::{ItemKind, answer::ContentPart},
};

/// Reads one conversation.
pub(super) fn read(value: &Value, findings: &mut Findings) -> Result<ForeignConversation, String> {
    let mut messages: Vec<&Value> = match value.get("messages") {
        Some(Value::Object(messages)) => messages.values().collect(),
        Some(Value::Array(messages)) => messages.iter().collect(),
        _ => return Err("it has no messages".into()),
    };
    messages.sort_by_key(|message| json::time(message, "createdAt"));
    let nodes = parents(&messages);
    let mut conversation = ForeignConversation {
        key: messages.first().map(|first| json::owned(first, "id")).unwrap_or_default(),
        title: json::owned(value, "title"),
        created_at: json::time(value, "createdAt"),
        updated_at: json::time(value, "updatedAt"),
        ..ForeignConversation::default()
    };
    let newest = messages.len().checked_sub(1);
    for node in order_tree(&nodes) {
        let mut message = read_message(messages[node.source], value, findings);
        (message.key, message.parent) = (json::owned(messages[node.source], "id"), node.parent);
        if let Speaker::Other(role) = &message.speaker
            && role == "system"
            && let [ForeignPart::Text { text, .. }] = message.parts.as_slice()
        {
            let text = text.clone();
            if conversation.take_instructions(text).is_none() {
                message.parts.clear();
            }
        }
        if newest == Some(node.source) {
            conversation.current = Some(conversation.messages.len());
        }
        conversation.messages.push(message);
    }
    Ok(conversation)
}

/// Each message with its parent. Before version 3 there are none: then the answers to a prompt are below it, and the
/// next prompt is below the last of them.
fn parents<'a>(messages: &[&'a Value]) -> Vec<(&'a str, Option<&'a str>)> {
    let key = |message: &'a Value| json::text(message, "id").unwrap_or_default();
    if messages.iter().any(|message| json::text(message, "parentMessageId").is_some()) {
        return messages.iter().map(|message| (key(message), json::text(message, "parentMessageId"))).collect();
    }
    let (mut last, mut last_prompt) = (None, None);
    let mut nodes = Vec::with_capacity(messages.len());
    for message in messages {
        let is_prompt = speaker(message) == Speaker::User;
        nodes.push((key(message), if is_prompt { last } else { last_prompt.or(last) }));
        last = Some(key(message));
        if is_prompt {
            last_prompt = last;
        }
    }
    nodes
}

fn speaker(message: &Value) -> Speaker {
    match json::text(message, "type").or_else(|| json::text(message, "role")) {
        Some("user") => Speaker::User,
        Some("assistant") => Speaker::Model,
        None if json::text(message, "characterId") == Some("USER") => Speaker::User,
        None => Speaker::Model,
        Some("char" | "character" | "model") => Speaker::Model,
        Some(other) => Speaker::Other(other.to_owned()),
    }
}

fn read_message(message: &Value, file: &Value, findings: &mut Findings) -> ForeignMessage {
    let mut read = ForeignMessage::new(speaker(message), None, json::time(message, "createdAt"));
    let character = json::text(message, "characterId").map(|id| &file["characters"][id]);
    let metadata = message.get("metadata").unwrap_or(&Value::Null);
    let slug = json::text(metadata, "variantSlug").or_else(|| json::text(metadata, "model"));
    let slug = slug.or_else(|| character.and_then(|character| json::text(character, "model")));
    let slug = slug.or_else(|| character.and_then(|character| json::text(&character["modelInfo"], "slug")));
    read.model = slug.map(str::to_owned);
    read.generation = json::text(metadata, "generationId").map(str::to_owned);
    let cost = metadata.get("cost").and_then(|cost| Usd::parse(cost.to_string().trim_matches('"')));
    read.usage = cost.map(|cost| Usage {
        output_tokens: json::count(metadata, "tokensCount"),
        cost: Some(cost),
        ..Usage::default()
    });
    if let Some(items) = message.get("items").and_then(Value::as_array) {
        for item in items {
            add_item(&mut read, item, file, findings);
        }
    } else {
        read.add_reasoning(json::owned(message, "reasoning"));
        read.add_text(json::owned(message, "content"));
    }
    for attachment in json::list(message, "attachments") {
        let name = json::text(attachment, "name").or_else(|| json::text(attachment, "filename"));
        read.parts.push(ForeignPart::Attachment(name.unwrap_or("a file").to_owned()));
    }
    read
}

/// Adds an item of version 3, which is one of the Responses API.
fn add_item(read: &mut ForeignMessage, item: &Value, file: &Value, findings: &mut Findings) {
    let data = match json::text(item, "id").map(|id| &file["items"][id]["data"]) {
        Some(data) if data.is_object() => data,
        _ => {
            findings.add("an item that is not in the file", &item.to_string());
            return;
        }
    };
    if data["type"] == "message" {
        for part in json::list(data, "content") {
            add_message_part(read, part, findings);
        }
        return;
    }
    let Ok(raw) = serde_json::value::to_raw_value(data) else { return };
    match (&read.speaker, ItemKind::from_raw(&raw)) {
        (Speaker::Model, ItemKind::Reasoning(reasoning)) => {
            reasoning.texts().for_each(|text| read.add_reasoning(text));
        }
        (Speaker::Model, item) => read.parts.push(ForeignPart::Item(item)),
        (_, item) => findings.add("an item in a prompt", &format!("{item:?}")),
    }
}

fn add_message_part(read: &mut ForeignMessage, part: &Value, findings: &mut Findings) {
    match json::text(part, "type") {
        Some("input_text" | "text") => read.add_text(json::owned(part, "text")),
        Some("output_text") => {
            let whole = serde_json::json!({ "type": "message", "content": [part] });
            let raw = serde_json::value::to_raw_value(&whole).ok();
            if let Some(ItemKind::Message { parts, .. }) = raw.as_deref().map(ItemKind::from_raw) {
                for part in parts {
                    match part {
                        ContentPart::Text { text, .. } if text.trim().is_empty() => (),
                        ContentPart::Text { text, annotations } => {
                            read.parts.push(ForeignPart::Text { text, annotations });
                        }
                        ContentPart::Refusal(text) => read.add_text(text),
                    }
                }
            }
        }
        Some("input_image") => read.parts.push(ForeignPart::Attachment("a picture".into())),
        Some("input_file") => {
            let name = json::text(part, "filename").unwrap_or("a file");
            read.parts.push(ForeignPart::Attachment(name.to_owned()));
        }
        other => findings.add(&format!("a part of the type {}", other.unwrap_or("unknown")), &part.to_string()),
    }
}
