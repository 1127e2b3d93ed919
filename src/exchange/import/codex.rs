//! A session of codex: lines with items of the Responses API, and events about them.

use serde_json::Value;

use super::{
    findings::Findings,
    foreign::{ForeignConversation, ForeignMessage, ForeignPart, Speaker},
    json,
};
use crate::{
    api::Usage,
    chat::{AnswerEnd, ItemKind, Timestamp},
    tools::{ToolContent, ToolOutcome},
};

/// How the texts begin that codex sends along as if the user had written them.
const CONTEXT_STARTS: [&str; 8] = [
    "<environment_context>",
    "<user_instructions>",
    "<permissions instructions>",
    "<collaboration_mode>",
    "<turn_aborted>",
    "<skills_instructions>",
    "<INSTRUCTIONS>",
    "# AGENTS.md instructions",
];

/// A session while its lines are read.
#[derive(Default)]
pub(super) struct CodexSession {
    conversation: ForeignConversation,
    model: Option<String>,
}

impl CodexSession {
    pub(super) fn read_line(&mut self, line: &Value, findings: &mut Findings) {
        let at = json::time(line, "timestamp");
        let payload = line.get("payload").unwrap_or(line);
        match json::text(line, "type") {
            Some("session_meta") => self.begin(payload),
            Some("turn_context") => self.model = json::text(payload, "model").map(str::to_owned).or(self.model.take()),
            Some("response_item") => self.read_item(payload, at, findings),
            Some("event_msg") => self.read_event(payload),
            Some("compacted") => {
                let mut note = ForeignMessage::new(Speaker::Other("summary".into()), None, at);
                note.add_text(json::owned(payload, "message"));
                self.conversation.push_below_last(note);
            }
            // The first line of sessions of 2025, whose other lines are bare items.
            None if line.get("id").is_some() => self.begin(line),
            None if line.get("record_type").is_some() => (),
            _ if line.get("payload").is_none() => self.read_item(line, at, findings),
            other => findings.add(&format!("a line of the type {}", other.unwrap_or("unknown")), &line.to_string()),
        }
    }

    pub(super) fn finish(self) -> ForeignConversation {
        self.conversation
    }

    fn begin(&mut self, about: &Value) {
        // A session that was resumed may begin with that of another.
        if self.conversation.key.is_empty() {
            self.conversation.key = json::owned(about, "id");
            self.conversation.created_at = json::time(about, "timestamp");
        }
    }

    fn read_item(&mut self, item: &Value, at: Option<Timestamp>, findings: &mut Findings) {
        match json::text(item, "type") {
            Some("message") => self.read_message(item, at, findings),
            Some("function_call_output" | "custom_tool_call_output" | "local_shell_call_output") => {
                let mut message = ForeignMessage::new(Speaker::Tool, None, at);
                let (call, outcome) = (json::owned(item, "call_id"), output(&item["output"]));
                message.parts.push(ForeignPart::Result { call, outcome });
                self.conversation.push_below_last(message);
            }
            Some("local_shell_call") => self.push_model_part(
                ForeignPart::Call {
                    id: json::owned(item, "call_id"),
                    name: "shell".into(),
                    arguments: item["action"].to_string(),
                },
                at,
            ),
            Some("ghost_snapshot" | "compaction" | "compaction_summary") => (),
            Some(_) => {
                let Ok(raw) = serde_json::value::to_raw_value(item) else { return };
                match ItemKind::from_raw(&raw) {
                    ItemKind::Reasoning(reasoning) => {
                        let texts: Vec<&str> = reasoning.texts().filter(|text| !text.trim().is_empty()).collect();
                        if !texts.is_empty() {
                            self.push_model_part(ForeignPart::Reasoning(texts.join("\n\n")), at);
                        }
                    }
                    ItemKind::Other { kind, .. } => {
                        findings.add(&format!("an item of the type {kind}"), &item.to_string());
                    }
                    known => self.push_model_part(ForeignPart::Item(known), at),
                }
            }
            None => findings.add("an item without a type", &item.to_string()),
        }
    }

    fn read_message(&mut self, item: &Value, at: Option<Timestamp>, findings: &mut Findings) {
        let speaker = match json::text(item, "role") {
            Some("user") => Speaker::User,
            Some("assistant") => Speaker::Model,
            // What the program tells the model is of no use elsewhere.
            Some("developer" | "system") => return,
            other => Speaker::Other(other.unwrap_or("unknown").to_owned()),
        };
        let mut message = ForeignMessage::new(speaker, None, at);
        for part in json::list(item, "content") {
            match json::text(part, "type") {
                Some("input_text" | "output_text" | "text") => {
                    let text = json::owned(part, "text");
                    if !CONTEXT_STARTS.iter().any(|start| text.trim_start().starts_with(start)) {
                        message.add_text(text);
                    }
                }
                Some("input_image") => message.parts.push(ForeignPart::Attachment("a picture".into())),
                other => findings.add(&format!("a part of the type {}", other.unwrap_or("unknown")), &part.to_string()),
            }
        }
        if message.speaker == Speaker::Model {
            message.model.clone_from(&self.model);
        }
        self.conversation.push_below_last(message);
    }

    fn push_model_part(&mut self, part: ForeignPart, at: Option<Timestamp>) {
        let mut message = ForeignMessage::new(Speaker::Model, None, at);
        message.model.clone_from(&self.model);
        message.parts.push(part);
        self.conversation.push_below_last(message);
    }

    fn read_event(&mut self, event: &Value) {
        let Some(last) = self.conversation.messages.last_mut() else { return };
        match json::text(event, "type") {
            Some("token_count") if last.speaker != Speaker::User => {
                let used = &event["info"]["last_token_usage"];
                let usage = Usage {
                    input_tokens: json::count(used, "input_tokens"),
                    cached_tokens: json::count(used, "cached_input_tokens"),
                    output_tokens: json::count(used, "output_tokens"),
                    reasoning_tokens: json::count(used, "reasoning_output_tokens"),
                    cost: None,
                };
                last.usage = Some(usage).filter(|usage| *usage != Usage::default()).or(last.usage.take());
            }
            Some("turn_aborted") => last.end = AnswerEnd::Stopped,
            _ => (), // The items say the same.
        }
    }
}

/// The output of a call: a text, an object with the text in it, or parts.
fn output(output: &Value) -> ToolOutcome {
    let parsed = output.as_str().and_then(|text| serde_json::from_str::<Value>(text).ok());
    let object = parsed.as_ref().unwrap_or(output);
    let exit = object["metadata"]["exit_code"].as_i64();
    let failed = exit.is_some_and(|code| code != 0) || object.get("success") == Some(&Value::Bool(false));
    let inner = json::text(object, "output").or_else(|| json::text(object, "content"));
    if let Some(text) = inner.or_else(|| output.as_str()) {
        return ToolOutcome { failed, ..ToolOutcome::text(text) };
    }
    let parts = output.as_array().into_iter().flatten();
    let content = parts.map(|part| ToolContent::Text(json::text(part, "text").unwrap_or("[a picture]").to_owned()));
    ToolOutcome { content: content.collect(), failed }
}
