//! The database and the thread that owns it.
//!
//! Jobs go in and replies come out; sending a job never blocks. Saves that are waiting are written in
//! order, in one transaction.

mod backup;
mod database;
mod error;
mod exchange_database;
mod integrity;
mod journal_v1;
mod kept_state;
mod newer;
mod page_reader;
mod queries;
mod queued;
mod recordings;
mod recover;
mod repair;
mod run_marker;
mod save;
mod schema;
mod search_index;
mod search_thread;
mod searching;
mod source_checks;
mod stored_json;
mod trash;
mod tree_marks;
mod worker;

use std::{
    collections::BTreeSet,
    fmt,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock, mpsc},
    thread::{self, JoinHandle},
    time::Duration,
};

use crate::{
    api::Usd,
    chat::{
        Conversation, ConversationChange, ConversationId, ConversationPreview, ConversationSummary, ItemSlot,
        MessageId, StoredCheck, Timestamp, TrashedConversation, WireRecording,
    },
    search::FilterValues,
    tools::{ToolGrant, ToolOutcome},
};
use search_thread::{SearchTask, SearchThread};

pub use error::StoreError;
pub use exchange_database::{ExchangeDatabase, ImportOutcome};
pub use integrity::IntegrityReport;
pub use recover::replay_journal;
pub use repair::RepairReport;
pub use searching::{FoundConversation, FoundPlace, FoundPortion, SearchRequest, SearchTicket};

/// A handle to the thread that owns SQLite. Dropping it waits until everything is on disk.
#[derive(Debug)]
pub struct StoreHandle {
    /// `None` only while the handle is being dropped.
    jobs: Option<mpsc::Sender<StoreJob>>,
    thread: Option<JoinHandle<()>>,
    /// Started by the first search.
    search: OnceLock<SearchThread>,
    path: PathBuf,
    replies: StoreReplies,
}

/// Where replies go.
struct StoreReplies(Arc<dyn Fn(StoreReply) + Send + Sync>);

impl fmt::Debug for StoreReplies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StoreReplies")
    }
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
    pub fn open(path: &Path, replies: impl Fn(StoreReply) + Send + Sync + 'static) -> Self {
        Self::open_with(path, StoreOptions::default(), replies)
    }

    /// Like `open`, with options.
    pub fn open_with(path: &Path, options: StoreOptions, replies: impl Fn(StoreReply) + Send + Sync + 'static) -> Self {
        let (jobs, waiting) = mpsc::channel();
        let replies: Arc<dyn Fn(StoreReply) + Send + Sync> = Arc::new(replies);
        let worker = worker::StoreWorker::new(path, options, replies.clone());
        let thread = thread::Builder::new().name("store".into()).spawn(move || worker.run(&waiting));
        let (search, replies) = (OnceLock::new(), StoreReplies(replies));
        Self { jobs: Some(jobs), thread: thread.ok(), search, path: path.to_owned(), replies }
    }

    /// Hands a job to the thread; never blocks on the disk.
    pub fn send(&self, job: StoreJob) {
        if matches!(job, StoreJob::RepairDatabase)
            && let Some(search) = self.search.get()
        {
            search.send(SearchTask::Close);
        }
        let search = match job {
            StoreJob::Search(request) => SearchTask::Start(request),
            StoreJob::SearchOn(ticket) => SearchTask::More(ticket),
            StoreJob::LoadFilterValues => SearchTask::FilterValues,
            StoreJob::LoadPreview(id) => SearchTask::Preview(id),
            job => return self.send_to_store(job),
        };
        self.search.get_or_init(|| SearchThread::start(&self.path, self.replies.0.clone())).send(search);
    }

    fn send_to_store(&self, job: StoreJob) {
        if let Some(jobs) = &self.jobs {
            let _ = jobs.send(job); // The thread outlives this handle.
        }
    }
}

impl Drop for StoreHandle {
    fn drop(&mut self) {
        self.search.take(); // Searches are over.
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
    /// Checks whether the database is sound, without keeping other jobs waiting. Answered by `Checked`.
    CheckDatabase,
    /// Saves what can be read of a damaged database into a new one. Answered by `Repaired`, after an `Opened` if there was
    /// something to repair.
    RepairDatabase,
    /// Loads which panes were shown. There is no reply if that was never stored.
    LoadPanes,
    /// Lists what is in the trash. There is no reply if the query fails.
    ListTrash,
    /// Deletes for good what was moved to the trash before then, or everything; a few conversations at a time. Answered by
    /// `TrashPurged`; there is no reply if nothing can be deleted now.
    PurgeTrash { before: Option<Timestamp> },
    /// Loads what a list says about a conversation below its rows. There is no reply if the query fails.
    LoadListPreview(ConversationId),
    /// Adds up the cost of all answers that ended since then.
    SumCosts { since: Timestamp },
    /// Searches everything that was said, and ends the search before. Answered by `Found` or `SearchFailed`, unless a newer
    /// search comes. Needs a database that has been opened.
    Search(Box<SearchRequest>),
    /// Asks for the next portion of the search that was started last.
    SearchOn(SearchTicket),
    /// Loads a conversation to show a part of it, without opening it. There is no reply if it cannot be loaded.
    LoadPreview(ConversationId),
    /// Loads what filters of a search can be completed with. There is no reply if the query fails.
    LoadFilterValues,
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
    /// An older database is being copied and brought up to date, which may take a while.
    Upgrading,
    /// The database is open, but nothing can be written, and here is why. Comes before `Opened`.
    ReadOnly(StoreError),
    Checked(Result<IntegrityReport, StoreError>),
    /// `None` if the database is sound: then nothing is changed.
    Repaired(Result<Option<RepairReport>, StoreError>),
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
    /// Which panes were shown, as JSON.
    Panes(String),
    /// What is in the trash, the most recent first.
    TrashListed(Vec<TrashedConversation>),
    /// These were deleted for good.
    TrashPurged {
        before: Option<Timestamp>,
        conversations: Vec<ConversationId>,
        has_more: bool,
    },
    ListPreview {
        conversation: ConversationId,
        preview: ConversationPreview,
    },
    /// What the checks of cited pages found, and what judging them cost.
    Checks {
        conversation: ConversationId,
        checks: Vec<StoredCheck>,
        /// What was paid for answers besides the answers themselves.
        side_costs: Vec<(MessageId, Usd)>,
    },
    /// `None` if nothing was recorded, or if the recording was dropped in favour of newer ones.
    Recording {
        message: MessageId,
        result: Result<Option<Box<WireRecording>>, StoreError>,
    },
    /// A portion of what a search found.
    Found(Box<FoundPortion>),
    SearchFailed {
        ticket: SearchTicket,
        error: StoreError,
    },
    FilterValues(FilterValues),
    /// A conversation as it is stored, to show a part of it.
    Previewed(Box<Conversation>),
    /// How many messages and titles from before are not in the index of the search yet; 0 at the end.
    Indexing {
        waiting: usize,
    },
    /// `None` if it was never written.
    Outcome {
        message: MessageId,
        slot: ItemSlot,
        result: Result<Option<Box<ToolOutcome>>, StoreError>,
    },
}
