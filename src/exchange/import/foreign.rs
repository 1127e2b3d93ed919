//! A conversation of another program, as the readers of all forms hand it over.

use crate::{
    api::{Annotation, Usage},
    chat::{AnswerEnd, ConversationFiling, ItemKind, Timestamp},
    tools::ToolOutcome,
};

/// A conversation of another program.
#[derive(Debug, Clone, Default)]
pub(super) struct ForeignConversation {
    /// What the other program calls it: the same conversation has the same key in every export.
    pub key: String,
    pub title: String,
    pub created_at: Option<Timestamp>,
    pub updated_at: Option<Timestamp>,
    pub filing: ConversationFiling,
    /// The system prompt.
    pub instructions: Option<String>,
    /// Each behind its parent.
    pub messages: Vec<ForeignMessage>,
    /// The message at the end of the branch that was open.
    pub current: Option<usize>,
}

/// A message of another program. Several of them may become one answer.
#[derive(Debug, Clone)]
pub(super) struct ForeignMessage {
    /// What the other program calls it, if it has a name for it.
    pub key: String,
    pub parent: Option<usize>,
    pub speaker: Speaker,
    pub at: Option<Timestamp>,
    pub model: Option<String>,
    pub parts: Vec<ForeignPart>,
    pub usage: Option<Usage>,
    /// The server's id for the response.
    pub generation: Option<String>,
    pub end: AnswerEnd,
    /// What the user should know about it.
    pub notes: Vec<String>,
}

/// Who says a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Speaker {
    User,
    Model,
    /// A tool, with its result.
    Tool,
    /// A role that ibid does not have: its text becomes a note.
    Other(String),
}

/// A part of a message.
#[derive(Debug, Clone)]
pub(super) enum ForeignPart {
    Text {
        text: String,
        annotations: Vec<Annotation>,
    },
    Reasoning(String),
    /// A call of a tool; `arguments` is JSON.
    Call {
        id: String,
        name: String,
        arguments: String,
    },
    /// The result of an earlier call; an empty id means the last one without a result.
    Result {
        call: String,
        outcome: ToolOutcome,
    },
    /// An item as ibid has it.
    Item(ItemKind),
    /// The name of a file or a picture that does not come along.
    Attachment(String),
}

impl ForeignMessage {
    pub(super) fn new(speaker: Speaker, parent: Option<usize>, at: Option<Timestamp>) -> Self {
        Self {
            key: String::new(),
            parent,
            speaker,
            at,
            model: None,
            parts: Vec::new(),
            usage: None,
            generation: None,
            end: AnswerEnd::Complete,
            notes: Vec::new(),
        }
    }

    /// Adds a text, unless it is blank.
    pub(super) fn add_text(&mut self, text: impl Into<String>) {
        let text = text.into();
        if !text.trim().is_empty() {
            self.parts.push(ForeignPart::Text { text, annotations: Vec::new() });
        }
    }

    /// Adds reasoning, unless it is blank.
    pub(super) fn add_reasoning(&mut self, text: impl Into<String>) {
        let text = text.into();
        if !text.trim().is_empty() {
            self.parts.push(ForeignPart::Reasoning(text));
        }
    }
}

impl ForeignConversation {
    /// Adds a message below the last one.
    pub(super) fn push_below_last(&mut self, message: ForeignMessage) {
        let parent = self.messages.len().checked_sub(1);
        self.messages.push(ForeignMessage { parent, ..message });
    }

    /// Takes a text as the system prompt if nothing was said before it; returns it otherwise.
    pub(super) fn take_instructions(&mut self, text: String) -> Option<String> {
        let is_first = self.instructions.is_none() && self.messages.iter().all(|message| message.parts.is_empty());
        if !is_first || text.trim().is_empty() {
            return Some(text).filter(|text| !text.trim().is_empty());
        }
        self.instructions = Some(text);
        None
    }
}
