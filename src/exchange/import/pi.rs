//! A session of pi: lines that form a tree, or a list in its first version.

use serde_json::Value;

use super::{
    content_blocks::result_outcome,
    findings::Findings,
    foreign::{ForeignConversation, ForeignMessage, ForeignPart, Speaker},
    json,
    tree_order::order_tree,
};
use crate::{
    api::{Usage, Usd},
    chat::AnswerEnd,
};

/// A session while its lines are read.
#[derive(Default)]
pub(super) struct PiSession {
    conversation: ForeignConversation,
    /// Each line as a message, with the id of the line before it.
    lines: Vec<(ForeignMessage, Option<String>)>,
}

impl PiSession {
    pub(super) fn read_line(&mut self, line: &Value, findings: &mut Findings) {
        let at = json::time(line, "timestamp");
        let nothing = || ForeignMessage::new(Speaker::Model, None, at);
        let note = |role: &str, key: &str| {
            let mut note = ForeignMessage::new(Speaker::Other(role.into()), None, at);
            note.add_text(json::owned(line, key));
            note
        };
        let mut message = match json::text(line, "type") {
            Some("session") => {
                self.conversation.key = json::owned(line, "id");
                self.conversation.created_at = at;
                return;
            }
            Some("message") => read_message(&line["message"], at, findings),
            Some("compaction" | "branch_summary") => note("summary", "summary"),
            Some("custom_message") => note("custom", "content"),
            Some("session_info") => {
                self.conversation.title = json::owned(line, "name");
                nothing()
            }
            Some(
                "model_change"
                | "thinking_level_change"
                | "custom"
                | "label"
                | "ephemeral"
                | "context_transform"
                | "leaf",
            ) => nothing(),
            other => {
                findings.add(&format!("a line of the type {}", other.unwrap_or("unknown")), &line.to_string());
                nothing()
            }
        };
        let before = self.lines.last().map(|(before, _)| before.key.clone());
        let (key, parent) = match json::text(line, "id") {
            Some(id) => (id.to_owned(), json::text(line, "parentId").map(str::to_owned)),
            None => (format!("line {}", self.lines.len()), before),
        };
        message.key = key;
        self.lines.push((message, parent));
    }

    pub(super) fn finish(mut self) -> ForeignConversation {
        let nodes: Vec<_> = self.lines.iter().map(|(line, parent)| (line.key.as_str(), parent.as_deref())).collect();
        let ordered = order_tree(&nodes);
        let newest = self.lines.len().checked_sub(1);
        let mut lines: Vec<Option<ForeignMessage>> = self.lines.into_iter().map(|(line, _)| Some(line)).collect();
        for node in ordered {
            if newest == Some(node.source) {
                self.conversation.current = Some(self.conversation.messages.len());
            }
            let message = lines[node.source].take();
            self.conversation.messages.extend(message.map(|line| ForeignMessage { parent: node.parent, ..line }));
        }
        self.conversation
    }
}

fn read_message(said: &Value, at: Option<crate::chat::Timestamp>, findings: &mut Findings) -> ForeignMessage {
    let at = at.or_else(|| json::time(said, "timestamp"));
    let role = json::text(said, "role").unwrap_or("unknown");
    let speaker = match role {
        "user" => Speaker::User,
        "assistant" => Speaker::Model,
        "toolResult" => Speaker::Tool,
        "bashExecution" => Speaker::Other("shell".into()),
        "compactionSummary" | "branchSummary" => Speaker::Other("summary".into()),
        other => Speaker::Other(other.to_owned()),
    };
    let mut message = ForeignMessage::new(speaker, None, at);
    match role {
        "toolResult" => {
            let failed = said.get("isError") == Some(&Value::Bool(true));
            let outcome = crate::tools::ToolOutcome { failed, ..result_outcome(said) };
            message.parts.push(ForeignPart::Result { call: json::owned(said, "toolCallId"), outcome });
            return message;
        }
        "bashExecution" => {
            message.add_text(format!("$ {}\n{}", json::owned(said, "command"), json::owned(said, "output")));
        }
        _ => message.add_text(json::owned(said, "summary")),
    }
    match said.get("content") {
        Some(Value::String(text)) => message.add_text(text.as_str()),
        Some(Value::Array(blocks)) => blocks.iter().for_each(|block| add_part(&mut message, block, findings)),
        _ => (),
    }
    message.model = json::text(said, "model").map(str::to_owned);
    message.usage = said.get("usage").map(usage);
    message.end = match json::text(said, "stopReason") {
        Some("length") => AnswerEnd::Incomplete { reason: Some("max_output_tokens".into()) },
        Some("aborted") => AnswerEnd::Stopped,
        Some("error") => AnswerEnd::Interrupted,
        _ => AnswerEnd::Complete,
    };
    message.notes.extend(json::text(said, "errorMessage").map(|error| format!("error: {error}")));
    message
}

fn add_part(message: &mut ForeignMessage, part: &Value, findings: &mut Findings) {
    match json::text(part, "type") {
        Some("text") => message.add_text(json::owned(part, "text")),
        Some("thinking") => message.add_reasoning(json::owned(part, "thinking")),
        Some("toolCall") => message.parts.push(ForeignPart::Call {
            id: json::owned(part, "id"),
            name: json::text(part, "name").unwrap_or("tool").to_owned(),
            arguments: part.get("arguments").map_or_else(|| "{}".into(), Value::to_string),
        }),
        Some("image") => message.parts.push(ForeignPart::Attachment("a picture".into())),
        other => findings.add(&format!("a part of the type {}", other.unwrap_or("unknown")), &part.to_string()),
    }
}

fn usage(usage: &Value) -> Usage {
    let counts = ["input", "cacheRead", "cacheWrite"].map(|key| json::count(usage, key));
    let cost = usage.get("cost").map(|cost| cost.get("total").unwrap_or(cost).to_string());
    Usage {
        input_tokens: counts[0].map(|input| counts[1..].iter().flatten().fold(input, |sum, n| sum.saturating_add(*n))),
        cached_tokens: counts[1],
        output_tokens: json::count(usage, "output"),
        reasoning_tokens: None,
        cost: cost.and_then(|digits| Usd::parse(&digits)),
    }
}
