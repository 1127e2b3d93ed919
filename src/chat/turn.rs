//! A turn: from a submission until the model is done, with its attempts and waits.

use super::{MessageId, Settings, Timestamp, TurnId};

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
    /// Those of the conversation when the turn began; later changes are for later turns.
    pub settings: Settings,
    /// Which response of the turn it is, from 0.
    pub step: u32,
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

/// One request of one turn: a message of a stream that is over changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StreamId {
    pub turn: TurnId,
    /// Requests that the turn has sent, this one included.
    pub attempt: u32,
}
