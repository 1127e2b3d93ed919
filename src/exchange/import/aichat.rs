//! aichat: its sessions, which are YAML, and `messages.md`, where it keeps what was asked outside of sessions.

use std::io::{self, BufRead};

use serde_json::Value;

use super::{
    findings::Findings,
    foreign::{ForeignConversation, ForeignMessage, ForeignPart, Speaker},
    json, yaml,
};
use crate::{
    chat::Timestamp,
    tools::{ToolContent, ToolOutcome},
};

/// How an entry of `messages.md` begins.
pub(super) const ENTRY_START: &str = "# CHAT: ";
/// The line behind the prompt and behind the answer.
const SEPARATOR: &str = "--------";
/// The longest entry, in bytes.
const MAX_ENTRY_BYTES: usize = 64 << 20;

/// Reads a session, whose name is that of its file.
pub(super) fn read_session(name: &str, text: &str, findings: &mut Findings) -> Result<ForeignConversation, String> {
    let session = yaml::parse(text)?;
    let model = json::text(&session, "model").map(str::to_owned);
    let mut conversation =
        ForeignConversation { key: name.to_owned(), title: name.to_owned(), ..ForeignConversation::default() };
    let messages = json::list(&session, "compressed_messages").iter().chain(json::list(&session, "messages"));
    for source in messages {
        let speaker = match json::text(source, "role") {
            Some("user") => Speaker::User,
            Some("assistant") => Speaker::Model,
            Some("tool") => Speaker::Tool,
            other => Speaker::Other(other.unwrap_or("unknown").to_owned()),
        };
        let mut message = ForeignMessage::new(speaker, None, None);
        message.model.clone_from(&model);
        let content = source.get("content").unwrap_or(&Value::Null);
        match content {
            Value::String(text) if message.speaker == Speaker::Other("system".into()) => {
                message.add_text(conversation.take_instructions(text.clone()).unwrap_or_default());
            }
            Value::String(text) => message.add_text(text.as_str()),
            Value::Array(parts) => parts.iter().for_each(|part| add_part(&mut message, part, findings)),
            Value::Object(_) => add_tool_results(&mut message, content),
            _ => (),
        }
        conversation.push_below_last(message);
    }
    Ok(conversation)
}

fn add_part(message: &mut ForeignMessage, part: &Value, findings: &mut Findings) {
    match json::text(part, "type") {
        Some("text") => message.add_text(json::owned(part, "text")),
        Some("image_url") => message.parts.push(ForeignPart::Attachment("a picture".into())),
        other => findings.add(&format!("a part of the type {}", other.unwrap_or("unknown")), &part.to_string()),
    }
}

/// Calls and their results, which are one message.
fn add_tool_results(message: &mut ForeignMessage, content: &Value) {
    message.add_text(json::owned(content, "text"));
    for result in json::list(content, "tool_results") {
        let call = &result["call"];
        let id = json::owned(call, "id");
        message.parts.push(ForeignPart::Call {
            id: id.clone(),
            name: json::text(call, "name").unwrap_or("tool").to_owned(),
            arguments: call.get("arguments").map_or_else(|| "{}".into(), Value::to_string),
        });
        let content = match &result["output"] {
            Value::String(text) => ToolContent::Text(text.clone()),
            other => ToolContent::Structured(other.clone()),
        };
        message
            .parts
            .push(ForeignPart::Result { call: id, outcome: ToolOutcome { content: vec![content], failed: false } });
    }
}

/// Reads `messages.md` entry by entry; each is a conversation.
pub(super) fn read_messages(
    mut reader: impl BufRead,
    findings: &mut Findings,
    each: &mut dyn FnMut(ForeignConversation) -> bool,
) -> io::Result<()> {
    let (mut entry, mut line) = (String::new(), Vec::new());
    loop {
        line.clear();
        let bytes = reader.read_until(b'\n', &mut line)?;
        let text = String::from_utf8_lossy(&line);
        let is_start = text.starts_with(ENTRY_START) && header_time(&text).is_some();
        if (bytes == 0 || is_start) && !entry.trim().is_empty() {
            let read = read_entry(&entry);
            if read.is_none() {
                findings.add("an entry without a prompt and an answer", &entry);
            }
            if read.is_some_and(|conversation| !each(conversation)) {
                return Ok(());
            }
            entry.clear();
        }
        if bytes == 0 {
            return Ok(());
        }
        if entry.len() + text.len() > MAX_ENTRY_BYTES {
            return Err(io::Error::other(format!("an entry is longer than {} MB", MAX_ENTRY_BYTES >> 20)));
        }
        entry += &text;
    }
}

fn read_entry(entry: &str) -> Option<ForeignConversation> {
    let (header, body) = entry.split_once('\n')?;
    let (at, scope) = header_time(header)?;
    let (prompt, answer) = body.split_once(&format!("\n{SEPARATOR}\n")).or_else(|| {
        // An empty prompt.
        body.strip_prefix(&format!("{SEPARATOR}\n")).map(|answer| ("", answer))
    })?;
    let answer = answer.trim_end();
    let answer = answer.strip_suffix(SEPARATOR).unwrap_or(answer).trim_end();
    let mut conversation = ForeignConversation { key: header.to_owned(), ..ForeignConversation::default() };
    let mut said = ForeignMessage::new(Speaker::User, None, Some(at));
    said.add_text(prompt);
    conversation.push_below_last(said);
    let mut said = ForeignMessage::new(Speaker::Model, None, Some(at));
    said.add_text(answer);
    said.notes.extend(scope.map(|scope| format!("role: {scope}")));
    conversation.push_below_last(said);
    Some(conversation)
}

/// The time in a header, and the role behind it.
fn header_time(header: &str) -> Option<(Timestamp, Option<String>)> {
    let (before, scope) = header.trim_end().rsplit_once(']')?;
    let (_, time) = before.rsplit_once('[')?;
    let scope = scope.trim().trim_start_matches('(').trim_end_matches(')');
    Some((json::time_of_text(time)?, Some(scope.to_owned()).filter(|scope| !scope.is_empty())))
}
