//! A session of Claude Code: one line for each block of a message, each naming the line before it.

use std::collections::HashMap;

use serde_json::Value;

use super::{
    content_blocks::add_block,
    findings::Findings,
    foreign::{ForeignConversation, ForeignMessage, ForeignPart, Speaker},
    json,
};
use crate::{api::Usage, chat::AnswerEnd};

/// A session while its lines are read.
///
/// Calls that run at the same time make the lines of one turn a tree, although nobody branched. So a line follows the
/// last one of its turn; only a prompt can begin a branch.
#[derive(Default)]
pub(super) struct ClaudeCodeSession {
    conversation: ForeignConversation,
    /// The turn of each line, by its id: the number of the prompt that it began with.
    turns: HashMap<String, usize>,
    /// The last message of each turn.
    last_of_turn: Vec<usize>,
    title: Option<String>,
}

impl ClaudeCodeSession {
    pub(super) fn read_line(&mut self, line: &Value, findings: &mut Findings) {
        if self.conversation.key.is_empty() {
            self.conversation.key = json::owned(line, "sessionId");
        }
        if line.get("isSidechain") == Some(&Value::Bool(true)) {
            findings.add("a line of a subagent", &line["message"]["content"].to_string());
            return;
        }
        match json::text(line, "type") {
            Some("user") => self.read_user(line, findings),
            Some("assistant") => self.read_answer(line, findings),
            Some("summary") => self.title = json::text(line, "summary").map(str::to_owned).or(self.title.take()),
            Some("custom-title") => self.conversation.title = json::owned(line, "customTitle"),
            Some("ai-title") => self.title = json::text(line, "aiTitle").map(str::to_owned),
            Some(
                "system"
                | "progress"
                | "attachment"
                | "file-history-snapshot"
                | "queue-operation"
                | "last-prompt"
                | "permission-mode"
                | "agent-name"
                | "pr-link"
                | "mode",
            ) => self.pass(line),
            other => {
                findings.add(&format!("a line of the type {}", other.unwrap_or("unknown")), &line.to_string());
                self.pass(line);
            }
        }
    }

    pub(super) fn finish(mut self) -> ForeignConversation {
        if self.conversation.title.is_empty() {
            self.conversation.title = self.title.unwrap_or_default();
        }
        self.conversation
    }

    fn read_user(&mut self, line: &Value, findings: &mut Findings) {
        if line.get("isMeta") == Some(&Value::Bool(true)) {
            return self.pass(line);
        }
        let content = &line["message"]["content"];
        let mut message = ForeignMessage::new(Speaker::User, None, json::time(line, "timestamp"));
        match content {
            Value::String(text) => message.add_text(text.as_str()),
            Value::Array(blocks) => blocks.iter().for_each(|block| add_block(&mut message, block, findings)),
            _ => (),
        }
        if message.parts.iter().any(|part| matches!(part, ForeignPart::Result { .. })) {
            message.speaker = Speaker::Tool;
            return self.add_to_turn(line, message);
        }
        if line.get("isCompactSummary") == Some(&Value::Bool(true)) {
            message.speaker = Speaker::Other("summary".into());
            return self.add_to_turn(line, message);
        }
        match message.parts.first() {
            Some(ForeignPart::Text { text, .. }) if text.starts_with("[Request interrupted by user") => {
                if let Some(last) = self.conversation.messages.last_mut() {
                    last.end = AnswerEnd::Stopped;
                }
                self.pass(line);
            }
            Some(ForeignPart::Text { text, .. })
                if text.starts_with("<local-command-") || text.starts_with("<command-") =>
            {
                findings.add("a command of the program", text);
                self.pass(line);
            }
            Some(_) => self.add_prompt(line, message),
            None => self.pass(line),
        }
    }

    fn read_answer(&mut self, line: &Value, findings: &mut Findings) {
        let said = &line["message"];
        let mut message = ForeignMessage::new(Speaker::Model, None, json::time(line, "timestamp"));
        message.model = json::text(said, "model").filter(|model| *model != "<synthetic>").map(str::to_owned);
        message.generation = json::text(said, "id").map(str::to_owned);
        message.usage = usage(&said["usage"]);
        for block in json::list(said, "content") {
            add_block(&mut message, block, findings);
        }
        if json::text(said, "stop_reason") == Some("max_tokens") {
            message.end = AnswerEnd::Incomplete { reason: Some("max_output_tokens".into()) };
        }
        self.add_to_turn(line, message);
    }

    fn add_prompt(&mut self, line: &Value, mut message: ForeignMessage) {
        let before = self.turn_before(line);
        message.key = json::owned(line, "uuid");
        message.parent = before.map(|turn| self.last_of_turn[turn]);
        self.turns.insert(message.key.clone(), self.last_of_turn.len());
        self.last_of_turn.push(self.conversation.messages.len());
        self.conversation.messages.push(message);
    }

    fn add_to_turn(&mut self, line: &Value, mut message: ForeignMessage) {
        let Some(turn) = self.turn_before(line) else { return self.add_prompt(line, message) };
        message.key = json::owned(line, "uuid");
        message.parent = Some(self.last_of_turn[turn]);
        self.turns.insert(message.key.clone(), turn);
        self.last_of_turn[turn] = self.conversation.messages.len();
        self.conversation.messages.push(message);
    }

    /// Notes the turn of a line that says nothing.
    fn pass(&mut self, line: &Value) {
        if let (Some(id), Some(turn)) = (json::text(line, "uuid"), self.turn_before(line)) {
            self.turns.insert(id.to_owned(), turn);
        }
    }

    /// The turn of the line that this one follows. A line without a known one follows the last.
    fn turn_before(&self, line: &Value) -> Option<usize> {
        let named = json::text(line, "parentUuid").or_else(|| json::text(line, "logicalParentUuid"));
        let is_root = line.get("parentUuid") == Some(&Value::Null) && named.is_none();
        let last = self.last_of_turn.len().checked_sub(1).filter(|_| !is_root);
        named.and_then(|id| self.turns.get(id).copied()).or(last)
    }
}

fn usage(usage: &Value) -> Option<Usage> {
    let read = json::count(usage, "cache_read_input_tokens");
    let written = json::count(usage, "cache_creation_input_tokens");
    let input = json::count(usage, "input_tokens")?;
    Some(Usage {
        input_tokens: Some(input.saturating_add(read.unwrap_or(0)).saturating_add(written.unwrap_or(0))),
        cached_tokens: read,
        output_tokens: json::count(usage, "output_tokens"),
        ..Usage::default()
    })
}
