//! A turn: from a submission until the model is done, with its attempts and waits.

use std::collections::BTreeSet;

use jiff::SignedDuration;

use super::{ChatSettings, MessageId, QueuedId, Timestamp, TurnId, journal::AnswerJournal, request::RequestContext};
use crate::tools::ToolId;

/// One turn in progress; gone when its answer has ended.
#[derive(Debug, Clone)]
pub struct Turn {
    pub id: TurnId,
    /// The answer that it writes.
    pub answer: MessageId,
    /// Its prompt waited in the queue under this id.
    pub(super) queued: Option<QueuedId>,
    pub phase: TurnPhase,
    /// When the phase began; the screen shows the time since then.
    pub phase_started: Timestamp,
    /// When the current stream last received anything, comments included; `None` before its headers.
    pub last_heard: Option<Timestamp>,
    /// When the current request was sent.
    pub requested_at: Timestamp,
    /// The number of the current response's attempt, from 1; 0 before the first.
    pub attempt: u32,
    /// The conversation's settings when the turn began; later changes apply to later turns.
    pub settings: ChatSettings,
    pub context: RequestContext,
    /// The current response of the turn, from 0.
    pub step: u32,
    /// How many responses the turn may take before it pauses.
    pub(super) step_limit: u32,
    /// The first step in which repeated calls are counted.
    pub(super) repeats_from: u32,
    /// What the request leaves out because a server refused it.
    pub fixes: BTreeSet<RequestFix>,
    /// Something of the current response has been shown.
    pub(super) has_shown: bool,
    /// The current request returns items that only the server understands.
    pub(super) has_sent_server_items: bool,
    /// Requests sent, over all steps and attempts.
    pub(super) requests_sent: u32,
    /// Events that are not on disk yet, and the time of the first.
    pub(super) journal: AnswerJournal,
    pub(super) unwritten_since: Option<Timestamp>,
    /// Something of the current response is on disk.
    pub(super) has_written: bool,
}

/// A part to leave out of a request because a server refused it; each is tried once, automatically.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RequestFix {
    /// Reasoning of another model or endpoint.
    DropReasoning,
    /// Items of the server's own tools, and items of unknown types.
    DropServerItems,
    /// Effort `none`, which a model with mandatory reasoning refuses.
    DropEffort,
    /// The `include` field, which a model without encrypted reasoning refuses.
    DropInclude,
}

/// What a turn is doing or waiting for.
#[derive(Debug, Clone, PartialEq)]
pub enum TurnPhase {
    /// The prompt is not on disk yet; no request has left.
    Saving,
    /// MCP servers are still starting; the request is sent when they are ready, or at `until` without their tools.
    AwaitingTools { until: Timestamp },
    /// The prompt could not be saved; the user decides.
    SaveFailed { reason: String },
    /// The request is sent and nothing has been received.
    Routing,
    /// Reasoning is streaming.
    Thinking,
    /// The server runs a search.
    Searching,
    /// Text is streaming.
    Streaming,
    /// Its calls are asking, queued or running.
    Calling,
    /// It has called tools for too long, and waits for the user to decide.
    Paused(PauseReason),
    /// The next attempt is due at `until`.
    AwaitingRetry { until: Timestamp, error: crate::api::ApiError },
}

/// Why a turn makes no progress: it waits for a time, its calls or the user.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum TurnBlock<'a> {
    /// The next attempt is not due yet, after this error.
    AwaitingRetry(&'a crate::api::ApiError),
    /// Its prompt could not be saved, for this reason.
    SaveFailed(&'a str),
    Paused(&'a PauseReason),
    /// Its calls are asking, queued or running.
    Calling,
}

/// Why a turn is paused until the user decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PauseReason {
    /// This many responses have called tools.
    Steps(u32),
    /// The model repeats a call with the same arguments.
    RepeatedCall(Option<ToolId>),
}

/// Identifies one request of one turn; messages of an earlier stream are ignored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StreamId {
    pub turn: TurnId,
    /// The number of the request in its turn, from 1.
    pub request_number: u32,
}

impl TurnPhase {
    /// Why the turn makes no progress; `None` while it does.
    pub fn block_reason(&self) -> Option<TurnBlock<'_>> {
        match self {
            Self::AwaitingRetry { error, .. } => Some(TurnBlock::AwaitingRetry(error)),
            Self::SaveFailed { reason: why } => Some(TurnBlock::SaveFailed(why)),
            Self::Paused(pause) => Some(TurnBlock::Paused(pause)),
            Self::Calling => Some(TurnBlock::Calling),
            Self::Saving
            | Self::AwaitingTools { .. }
            | Self::Routing
            | Self::Thinking
            | Self::Searching
            | Self::Streaming => None,
        }
    }
}

impl Turn {
    pub fn new(id: TurnId, answer: MessageId, settings: ChatSettings, context: RequestContext, now: Timestamp) -> Self {
        let steps = context.tools.limits.max_steps;
        Self {
            id,
            answer,
            queued: None,
            phase: TurnPhase::Saving,
            phase_started: now,
            last_heard: None,
            requested_at: now,
            attempt: 0,
            settings,
            context,
            step: 0,
            step_limit: steps,
            repeats_from: 0,
            fixes: BTreeSet::new(),
            has_shown: false,
            has_sent_server_items: false,
            requests_sent: 0,
            journal: AnswerJournal::default(),
            unwritten_since: None,
            has_written: false,
        }
    }

    /// The current or most recent stream.
    pub fn stream(&self) -> StreamId {
        StreamId { turn: self.id, request_number: self.requests_sent }
    }

    /// How long the server has been silent, while a stream is open.
    pub fn silent_for(&self, now: Timestamp) -> Option<SignedDuration> {
        self.is_streaming().then(|| now.duration_since(self.last_heard.unwrap_or(self.requested_at)))
    }

    /// When the stream is closed if it stays silent.
    pub(super) fn silence_deadline(&self) -> Option<Timestamp> {
        self.last_heard.filter(|_| self.is_streaming()).map(|heard| heard + self.context.idle_timeout)
    }

    /// Whether a request is sent and its response has not ended.
    pub fn is_streaming(&self) -> bool {
        match self.phase {
            TurnPhase::Routing | TurnPhase::Thinking | TurnPhase::Searching | TurnPhase::Streaming => true,
            TurnPhase::Saving
            | TurnPhase::AwaitingTools { .. }
            | TurnPhase::SaveFailed { .. }
            | TurnPhase::AwaitingRetry { .. }
            | TurnPhase::Calling
            | TurnPhase::Paused(_) => false,
        }
    }

    /// Clears the journal, because the whole answer is about to be written.
    pub(super) fn clear_journal(&mut self) {
        self.journal = AnswerJournal::default();
        self.unwritten_since = None;
        self.has_written = false;
    }
}
