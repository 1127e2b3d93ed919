//! The export of `Open WebUI`: a list of chats, each a tree; reasoning and calls are elements in the text.

use serde_json::Value;

use super::{
    findings::Findings,
    foreign::{ForeignConversation, ForeignMessage, ForeignPart, Speaker},
    json,
    tree_order::order_tree,
};
use crate::{
    api::{Annotation, Usage},
    chat::{AnswerEnd, filing::parse_tags},
    tools::ToolOutcome,
};

/// Reads one conversation.
pub(super) fn read(value: &Value, findings: &mut Findings) -> Result<ForeignConversation, String> {
    let chat = value.get("chat").ok_or("it has no messages")?;
    let history = chat.get("history").unwrap_or(&Value::Null);
    let in_tree: Vec<&Value> =
        history.get("messages").and_then(Value::as_object).into_iter().flat_map(|all| all.values()).collect();
    let is_tree = !in_tree.is_empty();
    let messages = if is_tree { in_tree } else { json::list(chat, "messages").iter().collect() };
    let mut conversation = ForeignConversation {
        key: json::text(value, "id").or_else(|| json::text(chat, "id")).unwrap_or_default().to_owned(),
        title: json::text(value, "title").or_else(|| json::text(chat, "title")).unwrap_or_default().to_owned(),
        created_at: json::time(value, "created_at").or_else(|| json::time(chat, "timestamp")),
        updated_at: json::time(value, "updated_at"),
        instructions: json::text(chat, "system").or_else(|| json::text(&chat["params"], "system")).map(str::to_owned),
        ..ForeignConversation::default()
    };
    let is = |key: &str| value.get(key) == Some(&Value::Bool(true));
    conversation.filing.archived_at = conversation.updated_at.filter(|_| is("archived"));
    conversation.filing.pinned_at = conversation.updated_at.filter(|_| is("pinned"));
    let tags = json::list(&value["meta"], "tags").iter().chain(json::list(chat, "tags"));
    let tags: Vec<&str> = tags.filter_map(|tag| tag.as_str().or_else(|| json::text(tag, "name"))).collect();
    conversation.filing.tags = parse_tags(&tags.join(",").replace(' ', "-"), &[]);
    let keys: Vec<String> = (0..).zip(&messages).map(|(index, message)| key_of(message, index)).collect();
    let nodes: Vec<(&str, Option<&str>)> = (0..messages.len())
        .map(|index| {
            let before = index.checked_sub(1).map(|before| keys[before].as_str());
            (keys[index].as_str(), if is_tree { json::text(messages[index], "parentId") } else { before })
        })
        .collect();
    let current = json::text(history, "currentId");
    for node in order_tree(&nodes) {
        let mut message = read_message(messages[node.source], findings);
        (message.key, message.parent) = (json::owned(messages[node.source], "id"), node.parent);
        if current.is_some_and(|current| nodes[node.source].0 == current) {
            conversation.current = Some(conversation.messages.len());
        }
        conversation.messages.push(message);
    }
    Ok(conversation)
}

fn key_of(message: &Value, index: usize) -> String {
    json::text(message, "id").map_or_else(|| format!("message {index}"), str::to_owned)
}

fn read_message(message: &Value, findings: &mut Findings) -> ForeignMessage {
    let speaker = match json::text(message, "role") {
        Some("user") => Speaker::User,
        Some("assistant") => Speaker::Model,
        other => Speaker::Other(other.unwrap_or("unknown").to_owned()),
    };
    let mut read = ForeignMessage::new(speaker, None, json::time(message, "timestamp"));
    read.model = json::text(message, "model").map(str::to_owned);
    let content = message.get("content").unwrap_or(&Value::Null);
    match content {
        Value::String(text) if read.speaker == Speaker::Model => add_answer_text(&mut read, text, findings),
        Value::String(text) => read.add_text(text.as_str()),
        Value::Array(parts) => {
            for part in parts {
                match json::text(part, "text") {
                    Some(text) => read.add_text(text),
                    None => read.parts.push(ForeignPart::Attachment("a picture".into())),
                }
            }
        }
        _ => (),
    }
    cite_sources(&mut read, message);
    for file in json::list(message, "files") {
        let name = json::text(file, "name").or_else(|| json::text(&file["file"], "filename"));
        let name = name.or_else(|| json::text(file, "type")).unwrap_or("a file");
        read.parts.push(ForeignPart::Attachment(name.to_owned()));
    }
    let usage = message.get("usage").or_else(|| message.get("info")).unwrap_or(&Value::Null);
    let either = |keys: [&str; 3]| keys.iter().find_map(|key| json::count(usage, key));
    let usage = Usage {
        input_tokens: either(["prompt_tokens", "input_tokens", "prompt_eval_count"]),
        output_tokens: either(["completion_tokens", "output_tokens", "eval_count"]),
        ..Usage::default()
    };
    read.usage = Some(usage).filter(|usage| *usage != Usage::default());
    if let Some(error) = message.get("error").filter(|error| !error.is_null()) {
        read.notes.push(format!("error: {}", json::text(error, "content").unwrap_or(&error.to_string())));
        read.end = AnswerEnd::Interrupted;
    }
    read
}

/// The sources of an answer have no place in its text.
fn cite_sources(read: &mut ForeignMessage, message: &Value) {
    let mut found = Vec::new();
    for source in json::list(message, "sources").iter().chain(json::list(message, "citations")) {
        let about = source.get("source").unwrap_or(&Value::Null);
        let name = json::text(about, "name").map(str::to_owned);
        let page = json::text(about, "url").or(name.as_deref()).filter(|url| url.starts_with("http"));
        let page = page.map(str::to_owned);
        let excerpt = json::list(source, "document").first().and_then(Value::as_str);
        found.push(Annotation {
            kind: if page.is_some() { "url_citation".into() } else { "file_citation".into() },
            title: name.clone(),
            content: excerpt.map(str::to_owned),
            filename: name.filter(|_| page.is_none()),
            url: page,
            start: None,
            end: None,
        });
    }
    let last = read.parts.iter_mut().rev().find_map(|part| match part {
        ForeignPart::Text { annotations, .. } => Some(annotations),
        _ => None,
    });
    if let Some(annotations) = last {
        annotations.extend(found);
    }
}

/// Takes reasoning and calls, which are `<details>` with a type, out of a text.
fn add_answer_text(read: &mut ForeignMessage, text: &str, findings: &mut Findings) {
    const START: &str = "<details type=\"";
    let mut rest = text;
    while let Some(at) = rest.find(START) {
        let (before, element) = rest.split_at(at);
        let Some((element, after)) = element.split_once("</details>") else { break };
        let Some((tag, body)) = element.split_once('>') else { break };
        read.add_text(before.trim_end());
        match attribute(tag, "type").as_deref() {
            Some("reasoning") => read.add_reasoning(reasoning_text(body)),
            Some("tool_calls") => add_call(read, tag),
            other => {
                findings.add(&format!("a block of the type {}", other.unwrap_or_default()), body);
                read.add_text(body);
            }
        }
        rest = after.trim_start_matches('\n');
    }
    read.add_text(rest);
}

fn reasoning_text(body: &str) -> String {
    let body = body.split_once("</summary>").map_or(body, |(_, body)| body);
    let lines =
        body.trim().lines().map(|line| line.strip_prefix("&gt; ").or_else(|| line.strip_prefix("> ")).unwrap_or(line));
    unescape(&lines.collect::<Vec<_>>().join("\n"))
}

fn add_call(read: &mut ForeignMessage, tag: &str) {
    let unquoted = |text: String| serde_json::from_str::<String>(&text).unwrap_or(text);
    let id = attribute(tag, "id").unwrap_or_default();
    let name = attribute(tag, "name").unwrap_or_else(|| "tool".into());
    let arguments = attribute(tag, "arguments").map_or_else(|| "{}".into(), unquoted);
    read.parts.push(ForeignPart::Call { id: id.clone(), name, arguments });
    if let Some(result) = attribute(tag, "result").filter(|result| !result.is_empty()) {
        read.parts.push(ForeignPart::Result { call: id, outcome: ToolOutcome::text(unquoted(result)) });
    }
}

/// The value of an attribute of a tag.
fn attribute(tag: &str, name: &str) -> Option<String> {
    let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
    rest.split_once('"').map(|(value, _)| unescape(value))
}

fn unescape(text: &str) -> String {
    let pairs = [("&quot;", "\""), ("&#x27;", "'"), ("&#39;", "'"), ("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")];
    pairs.iter().fold(text.to_owned(), |text, (escaped, plain)| text.replace(escaped, plain))
}
