//! A turn: from a submission until the model is done, with its attempts and waits.

use std::collections::BTreeSet;

use jiff::SignedDuration;

use super::{MessageId, Settings, Timestamp, TurnId, journal::Journal, request::Context};
use crate::tools::ToolId;

/// One turn in progress; gone when its answer has ended.
#[derive(Debug, Clone)]
pub struct Turn {
    pub id: TurnId,
    /// The answer that it writes.
    pub answer: MessageId,
    pub phase: Phase,
    /// When the phase began, for the clock beside it.
    pub since: Timestamp,
    /// When the present stream was last heard, comments included; `None` before its headers.
    pub heard: Option<Timestamp>,
    /// When the present request was sent.
    pub asked: Timestamp,
    /// Attempts begun for the present response, from 1; 0 before the first.
    pub attempt: u32,
    /// Those of the conversation when the turn began; later changes are for later turns.
    pub settings: Settings,
    pub context: Context,
    /// Which response of the turn it is, from 0.
    pub step: u32,
    /// How many responses it may take until the reader is asked.
    pub(super) allowed_steps: u32,
    /// The step from which on equal calls are counted.
    pub(super) same_from: u32,
    /// What the request leaves out since a server refused it.
    pub mended: BTreeSet<Mend>,
    /// The reader has seen something of the present response.
    pub(super) shown: bool,
    /// The present request gives items back that only the server understands.
    pub(super) gave_back: bool,
    /// Requests sent, over all steps and attempts.
    pub(super) sent: u32,
    /// What has come and is not on disk, and since when.
    pub(super) journal: Journal,
    pub(super) unwritten: Option<Timestamp>,
    /// Something of the present response is on disk.
    pub(super) written: bool,
}

/// What is left out of a request that a server refused for it; each is tried once, by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mend {
    /// Reasoning that another model or endpoint made.
    Reasoning,
    /// Items of the server's own tools, and those that we do not know.
    Items,
    /// The wish not to reason, from a model that must.
    Effort,
    /// `include`, from a model that has no reasoning to encrypt.
    Include,
}

/// What a turn is waiting for.
#[derive(Debug, Clone, PartialEq)]
pub enum Phase {
    /// The prompt is not on disk yet; no request has left.
    Saving,
    /// Servers of tools are still starting; the request goes when they are there, or without them at `until`.
    Gathering { until: Timestamp },
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
    /// Its calls are asked about, or run.
    Calling,
    /// It has gone on by itself for so long that the reader is asked.
    Paused(Pause),
    /// The next attempt is due at `until`.
    Waiting { until: Timestamp, error: crate::api::Error },
}

/// Where a turn stands still until its time comes, or somebody decides.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Halt<'a> {
    /// The next attempt is not due yet, since this went wrong.
    Waiting(&'a crate::api::Error),
    /// Its prompt could not be saved, and why.
    Unsaved(&'a str),
    Paused(&'a Pause),
    /// Calls are asked about, or run.
    Calling,
}

/// Why a turn asks whether it shall go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pause {
    /// So many responses asked for tools.
    Steps(u32),
    /// The same call with the same arguments, again and again.
    Same(Option<ToolId>),
}

/// One request of one turn: a message of a stream that is over changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StreamId {
    pub turn: TurnId,
    /// Requests that the turn has sent, this one included.
    pub attempt: u32,
}

impl Phase {
    /// `None` while the turn goes on by itself.
    pub fn halt(&self) -> Option<Halt<'_>> {
        match self {
            Self::Waiting { error, .. } => Some(Halt::Waiting(error)),
            Self::Unsaved { why } => Some(Halt::Unsaved(why)),
            Self::Paused(pause) => Some(Halt::Paused(pause)),
            Self::Calling => Some(Halt::Calling),
            Self::Saving
            | Self::Gathering { .. }
            | Self::Routing
            | Self::Thinking
            | Self::Searching
            | Self::Streaming => None,
        }
    }
}

impl Turn {
    pub fn new(id: TurnId, answer: MessageId, settings: Settings, context: Context, now: Timestamp) -> Self {
        let steps = context.tools.limits.steps;
        Self {
            id,
            answer,
            phase: Phase::Saving,
            since: now,
            heard: None,
            asked: now,
            attempt: 0,
            settings,
            context,
            step: 0,
            allowed_steps: steps,
            same_from: 0,
            mended: BTreeSet::new(),
            shown: false,
            gave_back: false,
            sent: 0,
            journal: Journal::default(),
            unwritten: None,
            written: false,
        }
    }

    /// The stream that is open or was open last.
    pub fn stream(&self) -> StreamId {
        StreamId { turn: self.id, attempt: self.sent }
    }

    /// For how long the server has said nothing, while it should say something.
    pub fn silent_for(&self, now: Timestamp) -> Option<SignedDuration> {
        self.is_streaming().then(|| now.duration_since(self.heard.unwrap_or(self.asked)))
    }

    /// When a stream that says nothing more is given up.
    pub(super) fn given_up(&self) -> Option<Timestamp> {
        self.heard.filter(|_| self.is_streaming()).map(|heard| heard + self.context.patience)
    }

    /// A request is out and its answer has not ended.
    pub fn is_streaming(&self) -> bool {
        match self.phase {
            Phase::Routing | Phase::Thinking | Phase::Searching | Phase::Streaming => true,
            Phase::Saving
            | Phase::Gathering { .. }
            | Phase::Unsaved { .. }
            | Phase::Waiting { .. }
            | Phase::Calling
            | Phase::Paused(_) => false,
        }
    }

    /// All of it is about to be written as a whole.
    pub(super) fn forget_journal(&mut self) {
        self.journal = Journal::default();
        self.unwritten = None;
        self.written = false;
    }
}
