//! One conversation: its tree, its settings, and the turns in progress.

use std::collections::BTreeMap;

use super::{Change, ConversationId, Message, MessageId, Settings, StreamId, Timestamp, Turn, TurnId};
use crate::api;

/// A titled tree of messages, open in memory.
#[derive(Debug, Clone)]
pub struct Conversation {
    pub id: ConversationId,
    pub title: String,
    /// The reader named it: the first prompt no longer does.
    pub renamed: bool,
    pub settings: Settings,
    pub messages: BTreeMap<MessageId, Message>,
    /// The visible path through the tree, oldest first.
    pub branch: Vec<MessageId>,
    /// What stands in the composer, unsent.
    pub draft: String,
    /// Prompts that wait for the running turn to end.
    pub queue: Vec<String>,
    pub turns: Vec<Turn>,
    pub updated: Timestamp,
}

/// A row of the list: a conversation that need not be open.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    pub id: ConversationId,
    pub title: String,
    pub updated: Timestamp,
    /// An answer ended while the conversation was not on the screen.
    pub unread: bool,
    /// Its newest answer failed or was interrupted.
    pub failed: bool,
}

/// What a change of a conversation asks the program to do.
#[derive(Debug)]
pub enum Next {
    Open(StreamId, Box<api::Request>),
    Close(StreamId),
    /// These rows changed; `gate` is the turn that waits until they are on disk.
    Save {
        changes: Vec<Change>,
        gate: Option<TurnId>,
    },
}
