//! What of a conversation must be written to disk.

use std::collections::BTreeSet;

use super::{
    ConversationId, Message, MessageId, Recording, Settings, Slot, Timestamp, journal::Growth, recording::Chunk,
};
use crate::tools::Outcome;

/// One row that changed.
#[derive(Debug, Clone)]
pub enum Change {
    /// Created or changed: everything of a conversation but its messages.
    Conversation(Box<Header>),
    /// New, or settled: writes the whole message and forgets its growth.
    Message {
        conversation: ConversationId,
        message: Box<Message>,
    },
    /// What a streaming answer grew by.
    Growth {
        message: MessageId,
        growth: Growth,
    },
    Draft {
        conversation: ConversationId,
        text: String,
    },
    Queue {
        conversation: ConversationId,
        prompts: Vec<String>,
    },
    /// The draft of the composer that belongs to no conversation yet.
    NewDraft(String),
    /// The reader's own title, for a conversation that need not be open.
    Rename {
        conversation: ConversationId,
        title: String,
    },
    /// What went over the wire for an answer; of all answers together at most `most_in_all` bytes stay.
    Recording {
        message: MessageId,
        recording: Box<Recording>,
        most_in_all: u64,
    },
    /// What went over the wire for an answer that still runs, since the last time; about `most` bytes are kept of all.
    Recorded {
        message: MessageId,
        chunk: Chunk,
        most: usize,
    },
    /// All that a tool gave back for a call of an answer that keeps less.
    Outcome {
        message: MessageId,
        slot: Slot,
        outcome: Box<Outcome>,
    },
    Seen(ConversationId),
    Trash(ConversationId),
    Restore(ConversationId),
}

/// A conversation without its messages.
#[derive(Debug, Clone, PartialEq)]
pub struct Header {
    pub id: ConversationId,
    pub title: String,
    pub renamed: bool,
    pub settings: Settings,
    pub branch: Vec<MessageId>,
    pub updated: Timestamp,
    pub unread: bool,
    /// Messages that are no longer sent.
    pub left_out: BTreeSet<MessageId>,
}
