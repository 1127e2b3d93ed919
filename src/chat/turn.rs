//! A turn: from a submission until the model is done, with its attempts and waits.

use super::{MessageId, Timestamp, TurnId};

/// One turn in progress; gone when its answer has ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Turn {
    pub id: TurnId,
    /// The answer that it writes.
    pub answer: MessageId,
    pub phase: Phase,
    /// When the phase began, for the clock beside it.
    pub since: Timestamp,
    /// Attempts begun for the present response, from 1.
    pub attempt: u32,
}

/// What a turn is waiting for.
#[derive(Debug, Clone, PartialEq)]
pub enum Phase {
    /// The prompt is not on disk yet; no request has left.
    Saving,
    /// It could not be saved; the reader decides.
    Unsaved { why: String },
    /// The request is out and nothing has come.
    Routing,
    /// Reasoning comes.
    Thinking,
    /// The server runs a search.
    Searching,
    /// Text comes.
    Streaming,
    /// The next attempt is due at `until`.
    Waiting { until: Timestamp, error: crate::api::Error },
}

/// One attempt of one turn: a message of an attempt that is over changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StreamId {
    pub turn: TurnId,
    pub attempt: u32,
}
