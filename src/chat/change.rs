//! Changes of a conversation that must be written to disk.

use std::collections::BTreeSet;

use super::{
    ChatSettings, ConversationId, FilingChange, ItemSlot, Message, MessageId, QueuedId, QueuedPrompt, Timestamp,
    ToolCallRun, WireRecording, journal::JournalChunk, recording::RecordingChunk,
};
use crate::api::Usd;
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
    /// Adds a prompt to the queue, held by this instance.
    Queue {
        conversation: ConversationId,
        prompt: QueuedPrompt,
    },
    /// Removes a prompt from the queue because it becomes a message; fails, with everything saved along with it, if
    /// another instance holds the prompt or has removed it. What else nobody holds in the queue is held by this instance
    /// from now on.
    SendQueued {
        conversation: ConversationId,
        prompt: QueuedId,
    },
    /// Removes a prompt from the queue, if it is still there.
    TakeBackQueued {
        conversation: ConversationId,
        prompt: QueuedId,
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
    /// The state of one call of an answer that is still running. The whole answer is written once per response, because
    /// writing it at every call would cost the square of their number.
    CallRun {
        message: MessageId,
        slot: ItemSlot,
        run: Box<ToolCallRun>,
    },
    /// The full result of a call whose answer stores only a shortened one.
    CallResult {
        message: MessageId,
        slot: ItemSlot,
        outcome: Box<ToolOutcome>,
    },
    /// What a check of a cited page found, in place of an earlier check of the same source.
    SourceCheck(Box<StoredCheck>),
    /// What was paid for an answer besides the answer itself, such as for a second opinion on it.
    SideCost {
        message: MessageId,
        at: Timestamp,
        cost: Usd,
    },
    /// What an answer cost of which nothing else is stored, in place of what was known before.
    AnswerCost {
        message: MessageId,
        at: Timestamp,
        cost: Usd,
        model: String,
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
    /// Where the reader was, as JSON; `None` is at the end.
    Reading {
        conversation: ConversationId,
        reading: Option<String>,
    },
    /// The conversation that is on the screen.
    Shown {
        conversation: ConversationId,
        at: Timestamp,
    },
    /// Which panes are shown, as JSON.
    Panes(String),
    /// How the user filed a conversation, which need not be open.
    File {
        conversation: ConversationId,
        change: FilingChange,
    },
    Trash(ConversationId),
    Restore(ConversationId),
    /// Deletes a conversation of the trash for good.
    Purge(ConversationId),
}

/// What a check of a source of an answer found, as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredCheck {
    /// The answer.
    pub message: MessageId,
    /// The address of the source.
    pub source: String,
    pub checked_at: Timestamp,
    /// SHA-256 of the page, if it could be read.
    pub page_hash: Option<String>,
    /// What was found, as JSON.
    pub result: String,
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
