//! The database and the thread that owns it.
//!
//! Jobs go in and replies come out; sending a job never blocks. Saves that are waiting are written in
//! order, in one transaction.

mod database;
mod error;
mod exchange_database;
mod journal_v1;
mod queries;
mod queued;
mod recover;
mod run_marker;
mod save;
mod schema;
mod source_checks;
mod stored_json;
mod tree_marks;
mod worker;

use std::{
    collections::BTreeSet,
    path::Path,
    sync::mpsc,
    thread::{self, JoinHandle},
    time::Duration,
};

use crate::{
    api::Usd,
    chat::{
        Conversation, ConversationChange, ConversationId, ConversationSummary, ItemSlot, MessageId, StoredCheck,
        Timestamp, WireRecording,
    },
    tools::{ToolGrant, ToolOutcome},
};

pub use error::StoreError;
pub use exchange_database::{ExchangeDatabase, ImportOutcome};
pub use recover::replay_journal;

/// A handle to the thread that owns SQLite. Dropping it waits until everything is on disk.
#[derive(Debug)]
pub struct StoreHandle {
    /// `None` only while the handle is being dropped.
    jobs: Option<mpsc::Sender<StoreJob>>,
    thread: Option<JoinHandle<()>>,
}

/// How the database is opened. The default is right for everything except tests.
#[derive(Debug, Clone, Copy)]
pub struct StoreOptions {
    /// How long a write waits while another program holds the lock.
    pub busy_timeout: Duration,
    /// Beyond this many pages of 4 kB the disk counts as full.
    pub max_pages: Option<u32>,
    /// Treats the disk as read-only.
    pub read_only: bool,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self { busy_timeout: Duration::from_secs(5), max_pages: None, read_only: false }
    }
}

impl StoreHandle {
    /// Starts the thread. The first reply reports whether the file could be opened
    /// (`StoreReply::Opened` or `StoreReply::OpenFailed`). The thread waits for `replies` to return, so `replies` must
    /// not block once the store is being dropped.
    pub fn open(path: &Path, replies: impl Fn(StoreReply) + Send + 'static) -> Self {
        Self::open_with(path, StoreOptions::default(), replies)
    }

    /// Like `open`, with options.
    pub fn open_with(path: &Path, options: StoreOptions, replies: impl Fn(StoreReply) + Send + 'static) -> Self {
        let (jobs, waiting) = mpsc::channel();
        let worker = worker::StoreWorker::new(path, options, Box::new(replies));
        let thread = thread::Builder::new().name("store".into()).spawn(move || worker.run(&waiting));
        Self { jobs: Some(jobs), thread: thread.ok() }
    }

    /// Hands a job to the thread; never blocks on the disk.
    pub fn send(&self, job: StoreJob) {
        if let Some(jobs) = &self.jobs {
            let _ = jobs.send(job); // The thread outlives this handle.
        }
    }
}

impl Drop for StoreHandle {
    fn drop(&mut self) {
        self.jobs = None; // The thread finishes the waiting jobs, then ends.
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// A request to the database.
#[derive(Debug, Clone)]
pub enum StoreJob {
    /// Writes all changes or none. Answered by `Saved` or `SaveFailed` with the same ticket.
    Save { ticket: SaveTicket, changes: Vec<ConversationChange> },
    /// Loads one conversation in full. Answered by `Loaded` or `LoadFailed`.
    Load(ConversationId),
    /// Loads a conversation that is open, because another instance may have changed it. Answered by `Refreshed`; there is
    /// no reply if it cannot be loaded.
    Refresh(ConversationId),
    /// Loads the newest conversation, for `--continue`.
    LoadLatest,
    /// Loads the conversation with this title or id (or prefix of an id), for `--resume`.
    LoadNamed(String),
    /// Loads the prompts of all conversations, newest first and without duplicates, for `Up` and `^R`.
    LoadPrompts,
    /// Loads how often each hint was shown. There is no reply if the query fails.
    LoadHints,
    /// Loads which tools the user allowed in every conversation. There is no reply if the query fails.
    LoadGrants,
    /// Asks whether another instance has written to the database since the last time. Answered by `ChangedElsewhere`;
    /// there is no reply if none has.
    LookForChanges,
    /// Lists all conversations outside the trash, newest first. Answered by one `Listed`.
    ListConversations,
    /// Loads the recording of an answer: what went over the wire for it.
    LoadRecording(MessageId),
    /// Loads the full result of a call whose message stores only part of it.
    LoadOutcome { message: MessageId, slot: ItemSlot },
    /// Loads what the checks of cited pages found for the answers of a conversation. There is no reply if the query fails.
    LoadChecks(ConversationId),
    /// Counts that a command was run by its name. There is no reply: nothing depends on it.
    CountUse(String),
    /// Loads how often each command was run.
    LoadUses,
    /// Adds up the cost of all answers that ended since then.
    SumCosts { since: Timestamp },
}

/// Identifies a save, so that its reply can be matched to what waits for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct SaveTicket(pub u64);

/// The rules of the config that ask once more, because ibid may have written them itself without keeping what the tool
/// was like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UnconfirmedRules {
    /// The database is from before: all that may have been written by ibid.
    All,
    Named(BTreeSet<String>),
}

/// A reply from the database.
#[derive(Debug)]
pub enum StoreReply {
    /// The database is open; these are the newest conversations (at most 200, of `total`) and all pinned ones. Answers that
    /// an earlier run left unfinished are already marked as interrupted.
    Opened {
        newest: Vec<ConversationSummary>,
        total: usize,
        new_draft: String,
    },
    /// What the user allowed in every conversation.
    Grants {
        grants: Vec<ToolGrant>,
        unconfirmed: UnconfirmedRules,
    },
    /// The file cannot be used. Every later job tries to open it again and may fail by itself.
    OpenFailed(StoreError),
    Saved(SaveTicket),
    SaveFailed {
        ticket: SaveTicket,
        error: StoreError,
    },
    /// Another instance has written to the database.
    ChangedElsewhere,
    Listed {
        conversations: Vec<ConversationSummary>,
    },
    Loaded(Box<Conversation>),
    Refreshed(Box<Conversation>),
    LoadFailed {
        target: String,
        error: StoreError,
    },
    /// The newest prompts, at most 1000.
    Prompts(Vec<String>),
    /// How often each command was run by its name.
    Uses(Vec<(String, u64)>),
    /// How often each hint was shown, by name.
    Hints(Vec<(String, u32)>),
    /// What answers cost since then. There is no reply if the query fails.
    CostsSummed {
        since: Timestamp,
        cost: Usd,
    },
    /// What the checks of cited pages found.
    Checks {
        conversation: ConversationId,
        checks: Vec<StoredCheck>,
    },
    /// `None` if nothing was recorded, or if the recording was dropped in favour of newer ones.
    Recording {
        message: MessageId,
        result: Result<Option<Box<WireRecording>>, StoreError>,
    },
    /// `None` if it was never written.
    Outcome {
        message: MessageId,
        slot: ItemSlot,
        result: Result<Option<Box<ToolOutcome>>, StoreError>,
    },
}
