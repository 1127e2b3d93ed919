//! What is known about a conversation that is not open: its size, its cost, its last words.

use super::{ConversationId, Timestamp};
use crate::api::Usd;

/// What a list says about a conversation below its rows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConversationPreview {
    pub messages: usize,
    /// The bytes of its texts, results and recordings.
    pub bytes: u64,
    /// What its answers have cost, as far as it is known.
    pub cost: Usd,
    pub last_prompt: String,
}

/// A conversation in the trash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrashedConversation {
    pub id: ConversationId,
    pub title: String,
    /// The slug of the model of its next message.
    pub model: String,
    pub tags: Vec<String>,
    pub trashed_at: Timestamp,
    pub preview: ConversationPreview,
}
