//! The data export of `ChatGPT`: `conversations.json`, a list of trees.

use serde_json::Value;

use super::{
    findings::Findings,
    foreign::{ForeignConversation, ForeignMessage, ForeignPart, Speaker},
    json,
    tree_order::order_tree,
};
use crate::{api::Annotation, chat::AnswerEnd, tools::ToolOutcome};

/// Reads one conversation.
pub(super) fn read(value: &Value, findings: &mut Findings) -> Result<ForeignConversation, String> {
    let mapping = value.get("mapping").and_then(Value::as_object).ok_or("it has no messages")?;
    let mut conversation = ForeignConversation {
        key: json::text(value, "conversation_id").or_else(|| json::text(value, "id")).unwrap_or_default().to_owned(),
        title: json::owned(value, "title"),
        created_at: json::time(value, "create_time"),
        updated_at: json::time(value, "update_time"),
        ..ForeignConversation::default()
    };
    let is = |key: &str| value.get(key) == Some(&Value::Bool(true));
    conversation.filing.archived_at = conversation.updated_at.filter(|_| is("is_archived"));
    conversation.filing.pinned_at =
        json::time(value, "pinned_time").or(conversation.updated_at.filter(|_| is("is_starred")));
    let mut nodes: Vec<(&str, Option<&str>)> = Vec::with_capacity(mapping.len());
    let mut listed = std::collections::HashSet::new();
    // Children in the order of their parent's list, whatever the order of the nodes in the file.
    let children = mapping.values().flat_map(|node| json::list(node, "children")).filter_map(Value::as_str);
    let keys = children.chain(mapping.keys().map(String::as_str));
    for key in keys.filter(|key| mapping.contains_key(*key)) {
        if listed.insert(key) {
            nodes.push((key, json::text(&mapping[key], "parent")));
        }
    }
    let current = json::text(value, "current_node");
    let default_model = json::text(value, "default_model_slug");
    for node in order_tree(&nodes) {
        let key = nodes[node.source].0;
        let has_call = node.parent.is_some_and(|parent| ends_with_call(&conversation.messages[parent]));
        let mut message = read_message(&mapping[key]["message"], has_call, &mut conversation, findings);
        (message.key, message.parent) = (key.to_owned(), node.parent);
        if message.speaker == Speaker::Model && message.model.is_none() {
            message.model = default_model.map(str::to_owned);
        }
        if current == Some(key) {
            conversation.current = Some(conversation.messages.len());
        }
        conversation.messages.push(message);
    }
    Ok(conversation)
}

/// Whether the message ends with a call.
fn ends_with_call(message: &ForeignMessage) -> bool {
    matches!(message.parts.last(), Some(ForeignPart::Call { .. }))
}

fn read_message(
    message: &Value,
    has_call: bool,
    conversation: &mut ForeignConversation,
    findings: &mut Findings,
) -> ForeignMessage {
    let author = message.get("author").unwrap_or(&Value::Null);
    let metadata = message.get("metadata").unwrap_or(&Value::Null);
    let speaker = match json::text(author, "role") {
        Some("user") => Speaker::User,
        Some("assistant") | None => Speaker::Model,
        Some("tool") => Speaker::Tool,
        Some(other) => Speaker::Other(other.to_owned()),
    };
    let mut read = ForeignMessage::new(speaker, None, json::time(message, "create_time"));
    read.model = json::text(metadata, "model_slug").map(str::to_owned);
    read.end = end_of(metadata);
    let content = message.get("content").unwrap_or(&Value::Null);
    if json::text(content, "content_type") == Some("user_editable_context") {
        let said = [json::owned(content, "user_profile"), json::owned(content, "user_instructions")];
        conversation.take_instructions(said.join("\n\n").trim().to_owned());
        return read;
    }
    if metadata.get("is_visually_hidden_from_conversation") == Some(&Value::Bool(true)) {
        return read;
    }
    add_content(&mut read, message, content, has_call, findings);
    if read.speaker == Speaker::Other("system".into()) {
        let text = text_of(content, findings);
        if conversation.take_instructions(text).is_none() {
            read.parts.clear();
        }
    }
    for attachment in json::list(metadata, "attachments") {
        read.parts.push(ForeignPart::Attachment(json::text(attachment, "name").unwrap_or("a file").to_owned()));
    }
    read
}

fn add_content(read: &mut ForeignMessage, message: &Value, content: &Value, has_call: bool, findings: &mut Findings) {
    match json::text(content, "content_type") {
        Some("thoughts") => {
            for thought in json::list(content, "thoughts") {
                let (summary, said) = (json::owned(thought, "summary"), json::owned(thought, "content"));
                let heading = if summary.is_empty() { summary } else { format!("**{summary}**\n\n") };
                read.add_reasoning(heading + &said);
            }
            return;
        }
        Some("reasoning_recap" | "model_editable_context") => return,
        _ => (),
    }
    let text = text_of(content, findings);
    let recipient = json::text(message, "recipient").filter(|recipient| *recipient != "all");
    match (&read.speaker, recipient) {
        (Speaker::Model, Some(tool)) if !text.is_empty() => {
            let is_json = serde_json::from_str::<serde_json::Map<String, Value>>(&text).is_ok();
            let arguments = if is_json { text } else { serde_json::json!({ "input": text }).to_string() };
            read.parts.push(ForeignPart::Call { id: String::new(), name: tool.to_owned(), arguments });
        }
        (Speaker::Tool, _) if !text.is_empty() => {
            if !has_call {
                let name = json::text(&message["author"], "name").unwrap_or("tool").to_owned();
                read.parts.push(ForeignPart::Call { id: String::new(), name, arguments: "{}".into() });
            }
            let failed = json::text(content, "content_type") == Some("system_error");
            let outcome = ToolOutcome { failed, ..ToolOutcome::text(text) };
            read.parts.push(ForeignPart::Result { call: String::new(), outcome });
        }
        (Speaker::Model, _) if !text.is_empty() => {
            let annotations = annotations(message.get("metadata").unwrap_or(&Value::Null));
            read.parts.push(ForeignPart::Text { text, annotations });
        }
        _ => read.add_text(text),
    }
}

/// The text of a content; what is no text is named.
fn text_of(content: &Value, findings: &mut Findings) -> String {
    let kind = json::text(content, "content_type").unwrap_or_default();
    match kind {
        "text" | "multimodal_text" | "" => {
            let parts = json::list(content, "parts").iter().filter_map(|part| part_text(part, findings));
            parts.collect::<Vec<_>>().join("\n\n")
        }
        "code" | "execution_output" | "system_error" => json::owned(content, "text"),
        "tether_quote" => {
            let parts = ["title", "url", "text"].map(|key| json::owned(content, key));
            parts.iter().filter(|part| !part.is_empty()).cloned().collect::<Vec<_>>().join("\n")
        }
        "tether_browsing_display" => {
            json::text(content, "result").or_else(|| json::text(content, "summary")).unwrap_or_default().to_owned()
        }
        other => {
            findings.add(&format!("the content type {other}"), &content.to_string());
            let parts: Vec<&str> = json::list(content, "parts").iter().filter_map(Value::as_str).collect();
            if parts.is_empty() { json::owned(content, "text") } else { parts.join("\n\n") }
        }
    }
}

fn part_text(part: &Value, findings: &mut Findings) -> Option<String> {
    if let Some(text) = part.as_str() {
        return Some(text.to_owned()).filter(|text| !text.trim().is_empty());
    }
    match json::text(part, "content_type") {
        Some("audio_transcription") => json::text(part, "text").map(str::to_owned),
        // The attachments name it.
        Some("image_asset_pointer" | "audio_asset_pointer" | "real_time_user_audio_video_asset_pointer") => None,
        other => {
            findings.add(&format!("a part of the type {}", other.unwrap_or("unknown")), &part.to_string());
            None
        }
    }
}

/// The citations of a message, in the older form and in the newer one.
fn annotations(metadata: &Value) -> Vec<Annotation> {
    let mut found = Vec::new();
    for citation in json::list(metadata, "citations") {
        let range = (json::count(citation, "start_ix"), json::count(citation, "end_ix"));
        found.extend(annotation(&citation["metadata"], range));
    }
    for reference in json::list(metadata, "content_references") {
        let range = (json::count(reference, "start_idx"), json::count(reference, "end_idx"));
        let pages = json::list(reference, "items").iter().chain(json::list(reference, "sources"));
        let before = found.len();
        found.extend(pages.filter_map(|page| annotation(page, range)));
        if found.len() == before {
            found.extend(annotation(reference, range));
        }
    }
    found
}

fn annotation(page: &Value, (start, end): (Option<u64>, Option<u64>)) -> Option<Annotation> {
    let url = json::text(page, "url")?.to_owned();
    let excerpt = json::text(page, "snippet").or_else(|| json::text(page, "text"));
    Some(Annotation {
        kind: "url_citation".into(),
        url: Some(url),
        title: json::text(page, "title").map(str::to_owned),
        content: excerpt.map(str::to_owned),
        filename: None,
        start,
        end,
    })
}

fn end_of(metadata: &Value) -> AnswerEnd {
    match metadata.get("finish_details").and_then(|details| json::text(details, "type")) {
        Some("max_tokens") => AnswerEnd::Incomplete { reason: Some("max_output_tokens".into()) },
        Some("interrupted") => AnswerEnd::Stopped,
        _ => AnswerEnd::Complete,
    }
}
