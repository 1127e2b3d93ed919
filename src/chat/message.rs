//! One message: a node of a conversation's tree, a prompt or an answer.

use super::{Answer, MessageId, Timestamp};

/// A prompt or an answer in the tree. Siblings share a parent.
#[derive(Debug, Clone)]
pub struct Message {
    pub id: MessageId,
    /// `None` for the first prompt of a conversation and its siblings.
    pub parent: Option<MessageId>,
    pub created_at: Timestamp,
    /// Increases with every visible change, so that a layout knows when it is stale.
    pub rev: u32,
    pub body: MessageBody,
}

#[derive(Debug, Clone)]
#[expect(clippy::large_enum_variant, reason = "every second message is an answer")]
pub enum MessageBody {
    Prompt(Prompt),
    Answer(Answer),
}

/// A prompt that the user sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prompt {
    pub text: String,
}

impl Message {
    /// The answer, if this message is one.
    #[must_use]
    pub fn as_answer(&self) -> Option<&Answer> {
        match &self.body {
            MessageBody::Answer(answer) => Some(answer),
            MessageBody::Prompt(_) => None,
        }
    }
}
