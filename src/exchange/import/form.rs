//! The forms that can be imported, and how a file tells its form: by its content, never by its name.

use serde_json::Value;

/// A form that conversations come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ImportForm {
    Ibid,
    IbidPage,
    ChatGpt,
    ClaudeAi,
    OpenRouter,
    OpenWebUi,
    AichatSession,
    AichatMessages,
    Llm,
    Elia,
    ClaudeCode,
    Codex,
    Pi,
    OpencodeExport,
    OpencodeStorage,
    OpencodeDatabase,
}

impl ImportForm {
    /// The word for where conversations of this form come from.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ibid | Self::IbidPage => "ibid",
            Self::ChatGpt => "chatgpt",
            Self::ClaudeAi => "claude",
            Self::OpenRouter => "openrouter",
            Self::OpenWebUi => "open-webui",
            Self::AichatSession | Self::AichatMessages => "aichat",
            Self::Llm => "llm",
            Self::Elia => "elia",
            Self::ClaudeCode => "claude-code",
            Self::Codex => "codex",
            Self::Pi => "pi",
            Self::OpencodeExport | Self::OpencodeStorage | Self::OpencodeDatabase => "opencode",
        }
    }

    /// What a file of this form is, in words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Ibid => "a conversation of ibid",
            Self::IbidPage => "a page that ibid exported",
            Self::ChatGpt => "ChatGPT's data export",
            Self::ClaudeAi => "Claude's data export",
            Self::OpenRouter => "an export of OpenRouter's chat",
            Self::OpenWebUi => "an export of Open WebUI",
            Self::AichatSession => "a session of aichat",
            Self::AichatMessages => "the messages of aichat",
            Self::Llm => "the log of llm",
            Self::Elia => "the database of elia",
            Self::ClaudeCode => "a session of Claude Code",
            Self::Codex => "a session of codex",
            Self::Pi => "a session of pi",
            Self::OpencodeExport | Self::OpencodeStorage => "a session of opencode",
            Self::OpencodeDatabase => "the database of opencode",
        }
    }

    /// The endpoint that answers of this form came from. Only OpenRouter's are from one that ibid knows.
    pub(super) fn endpoint(self) -> &'static str {
        self.name()
    }

    /// What stands for the model where the form does not say it.
    pub(super) fn unknown_model(self) -> &'static str {
        match self {
            Self::ChatGpt => "ChatGPT",
            Self::ClaudeAi | Self::ClaudeCode => "Claude",
            Self::Codex => "codex",
            Self::Ibid
            | Self::IbidPage
            | Self::OpenRouter
            | Self::OpenWebUi
            | Self::AichatSession
            | Self::AichatMessages
            | Self::Llm
            | Self::Elia
            | Self::Pi
            | Self::OpencodeExport
            | Self::OpencodeStorage
            | Self::OpencodeDatabase => "unknown model",
        }
    }

    /// The form whose values look like this one, the first of its file.
    pub(super) fn of_json(value: &Value) -> Option<Self> {
        let has = |key: &str| value.get(key).is_some();
        let is = |key: &str, word: &str| value.get(key).and_then(Value::as_str) == Some(word);
        let starts =
            |key: &str, start: &str| value.get(key).and_then(Value::as_str).is_some_and(|text| text.starts_with(start));
        if is("format", crate::exchange::portable::FORMAT_NAME) {
            return Some(Self::Ibid);
        }
        if starts("version", "orpg.") && has("messages") {
            return Some(Self::OpenRouter);
        }
        if value.get("mapping").is_some_and(Value::is_object) {
            return Some(Self::ChatGpt);
        }
        if value.get("chat_messages").is_some_and(Value::is_array) {
            return Some(Self::ClaudeAi);
        }
        if value.get("chat").is_some_and(|chat| chat.get("history").is_some() || chat.get("messages").is_some()) {
            return Some(Self::OpenWebUi);
        }
        if value.get("info").is_some_and(Value::is_object) && value.get("messages").is_some_and(Value::is_array) {
            return Some(Self::OpencodeExport);
        }
        if starts("id", "ses") && has("time") && (has("projectID") || has("directory")) {
            return Some(Self::OpencodeStorage);
        }
        Self::of_line(value)
    }

    /// The form whose sessions have such a line.
    fn of_line(value: &Value) -> Option<Self> {
        let kind = value.get("type").and_then(Value::as_str).unwrap_or_default();
        let has = |key: &str| value.get(key).is_some();
        match kind {
            "session" if has("id") => Some(Self::Pi),
            "session_meta" | "response_item" | "turn_context" if has("payload") => Some(Self::Codex),
            "" if has("id") && has("timestamp") && (has("instructions") || has("git")) => Some(Self::Codex),
            "summary" if has("leafUuid") => Some(Self::ClaudeCode),
            _ if has("sessionId") && (has("uuid") || !kind.is_empty()) => Some(Self::ClaudeCode),
            "file-history-snapshot" if has("messageId") => Some(Self::ClaudeCode),
            _ => None,
        }
    }

    /// Whether each file is one conversation, a line for each step.
    pub(super) fn is_session_log(self) -> bool {
        matches!(self, Self::ClaudeCode | Self::Codex | Self::Pi)
    }

    /// Whether it is a database.
    pub(super) fn is_database(self) -> bool {
        matches!(self, Self::Llm | Self::Elia | Self::OpencodeDatabase)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_value_tells_its_form() {
        let cases = [
            (json!({ "format": "ibid conversation", "version": "9.0" }), Some(ImportForm::Ibid)),
            (json!({ "mapping": {} }), Some(ImportForm::ChatGpt)),
            (json!({ "chat_messages": [] }), Some(ImportForm::ClaudeAi)),
            (json!({ "version": "orpg.3.0", "messages": {} }), Some(ImportForm::OpenRouter)),
            (json!({ "chat": { "history": {} } }), Some(ImportForm::OpenWebUi)),
            (json!({ "type": "session", "id": "x" }), Some(ImportForm::Pi)),
            (json!({ "type": "session_meta", "payload": {} }), Some(ImportForm::Codex)),
            (json!({ "id": "x", "timestamp": "y", "instructions": null }), Some(ImportForm::Codex)),
            (json!({ "type": "user", "sessionId": "x", "uuid": "y" }), Some(ImportForm::ClaudeCode)),
            (json!({ "info": {}, "messages": [] }), Some(ImportForm::OpencodeExport)),
            (json!({ "id": "ses_1", "time": {}, "directory": "/" }), Some(ImportForm::OpencodeStorage)),
            (json!({ "name": "package", "version": "1.0" }), None),
            (json!([1]), None),
            (json!(null), None),
        ];
        for (value, form) in cases {
            assert_eq!(ImportForm::of_json(&value), form, "{value}");
        }
    }
}
