//! One answer: its items assembled from events, how it ended, what it cost.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::Timestamp;
use crate::api::{self, Annotation, Usage};

/// What a model said in a turn, step by step (a turn with tool calls has several responses).
#[derive(Debug, Clone)]
pub struct Answer {
    /// The name of the endpoint that was asked.
    pub endpoint: String,
    /// The slug that was asked.
    pub model: String,
    /// The slug that answered, where the server told.
    pub answered_by: Option<String>,
    /// In the order of their slots.
    pub items: BTreeMap<Slot, Item>,
    pub end: End,
    /// Of all steps together.
    pub usage: Option<Usage>,
    /// The id under which the server knows the newest response (`gen-…`).
    pub generation: Option<String>,
    pub started: Timestamp,
    /// When the first visible text came.
    pub first_text: Option<Timestamp>,
    pub ended: Option<Timestamp>,
    /// What the reader must know of how it came about, one muted line each.
    pub notes: Vec<String>,
}

/// Where an item stands: the response of the turn, and its `output_index` in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Slot {
    pub step: u32,
    pub index: u32,
}

/// One thing said, reasoned, searched or called.
#[derive(Debug, Clone)]
pub struct Item {
    /// As the server sent it, once it is complete: this is what is replayed.
    pub raw: Option<Box<RawValue>>,
    /// When it was opened and closed by the server.
    pub opened: Timestamp,
    pub closed: Option<Timestamp>,
    pub kind: Kind,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    Message {
        parts: Vec<Part>,
        phase: Option<String>,
    },
    Reasoning(Reasoning),
    Call(Call),
    Search(Search),
    /// Any other item, known by its type only; replayed and shown as one folded line.
    Other {
        kind: String,
        status: Option<String>,
    },
}

/// One content part of a message.
#[derive(Debug, Clone, PartialEq)]
pub enum Part {
    Text { text: String, annotations: Vec<Annotation> },
    Refusal(String),
}

/// Thinking: a summary in parts, or raw text, or only an encrypted block.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reasoning {
    pub summary: Vec<String>,
    pub content: Vec<String>,
    pub encrypted: bool,
}

/// A function call as the model asked for it; running tools comes later.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Call {
    pub call_id: String,
    pub name: String,
    /// JSON as text, perhaps half of it while it streams.
    pub arguments: String,
}

/// A web search or fetch that the server ran.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Search {
    /// The item's type on the wire, such as `openrouter:web_search`.
    pub kind: String,
    pub status: String,
    pub query: Option<String>,
    pub urls: Vec<String>,
}

/// How an answer stands.
#[derive(Debug, Clone, PartialEq)]
pub enum End {
    /// It is still being written.
    Open,
    Complete,
    /// Truncated by the server; `max_output_tokens` or `content_filter`, if it says.
    Incomplete {
        reason: Option<String>,
    },
    /// The reader stopped it.
    Stopped,
    /// The program or the network ended before the answer did.
    Interrupted,
    Failed(api::Error),
}
