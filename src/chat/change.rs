//! Changes of a conversation that must be written to disk.

use std::collections::BTreeSet;

use super::{
    ChatSettings, ConversationId, ItemSlot, Message, MessageId, Timestamp, WireRecording, journal::JournalChunk,
    recording::RecordingChunk,
};
use crate::tools::{ToolGrant, ToolId, ToolOutcome};

/// One change to write to the database.
#[derive(Debug, Clone)]
pub enum ConversationChange {
    /// Writes everything of a new or changed conversation except its messages.
    Conversation(Box<ConversationHeader>),
    /// Writes a new or settled message in full and deletes its journal.
    Message {
        conversation: ConversationId,
        message: Box<Message>,
    },
    /// Appends to the journal of a streaming answer.
    Journal {
        message: MessageId,
        chunk: JournalChunk,
    },
    Draft {
        conversation: ConversationId,
        text: String,
    },
    Queue {
        conversation: ConversationId,
        prompts: Vec<String>,
    },
    /// The composer's draft that does not belong to a conversation yet.
    NewDraft(String),
    /// A title from the user, for a conversation that need not be open.
    Rename {
        conversation: ConversationId,
        title: String,
    },
    /// The wire recording of an answer; the recordings of all answers take at most `max_total_bytes` together.
    Recording {
        message: MessageId,
        recording: Box<WireRecording>,
        max_total_bytes: u64,
    },
    /// What was added to the wire recording of a running answer since the last chunk; about `max_bytes` are stored per
    /// answer.
    RecordingChunk {
        message: MessageId,
        chunk: RecordingChunk,
        max_bytes: usize,
    },
    /// The full result of a call whose answer stores only a shortened one.
    CallResult {
        message: MessageId,
        slot: ItemSlot,
        outcome: Box<ToolOutcome>,
    },
    /// A hint that teaches a key was shown so many times in all.
    HintShown {
        name: String,
        times: u32,
    },
    /// A tool may run without asking in every conversation, as long as it stays what it is.
    Grant(ToolGrant),
    /// A tool asks again in every conversation.
    ForgetGrants(ToolId),
    /// The rules of the config that ask once more, because ibid may have written them itself.
    UnconfirmedRules(BTreeSet<String>),
    Seen(ConversationId),
    Trash(ConversationId),
    Restore(ConversationId),
}

/// A conversation without its messages.
#[derive(Debug, Clone, PartialEq)]
pub struct ConversationHeader {
    pub id: ConversationId,
    pub title: String,
    pub renamed: bool,
    pub settings: ChatSettings,
    pub branch: Vec<MessageId>,
    pub updated_at: Timestamp,
    pub unread: bool,
    /// Messages that are no longer sent.
    pub left_out: BTreeSet<MessageId>,
}
