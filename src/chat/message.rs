//! One message: a node of a conversation's tree, a prompt or an answer.

use super::{Answer, MessageId, Timestamp};

/// A prompt or an answer. Siblings share a parent.
#[derive(Debug, Clone)]
pub struct Message {
    pub id: MessageId,
    /// `None` for the first prompt of a conversation and its siblings.
    pub parent: Option<MessageId>,
    pub at: Timestamp,
    /// Grows with every visible change, so that a layout knows when it is stale.
    pub rev: u32,
    pub body: Body,
}

#[derive(Debug, Clone)]
#[expect(clippy::large_enum_variant, reason = "every second message is an answer")]
pub enum Body {
    Prompt(Prompt),
    Answer(Answer),
}

/// What the reader sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prompt {
    pub text: String,
}

impl Message {
    /// The answer, when this message is one.
    #[must_use]
    pub fn answer(&self) -> Option<&Answer> {
        match &self.body {
            Body::Answer(answer) => Some(answer),
            Body::Prompt(_) => None,
        }
    }
}
