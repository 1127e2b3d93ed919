//! The database and the thread that owns it.
//!
//! Jobs go in, replies come out; nothing waits. All jobs that are waiting are written in one
//! transaction, in order.

mod error;
mod kept;
mod live;
mod open;
mod recover;
mod rows;
mod schema;
mod worker;
mod write;

use std::{
    path::Path,
    sync::mpsc,
    thread::{self, JoinHandle},
    time::Duration,
};

use crate::{
    api::Usd,
    chat::{Change, Conversation, ConversationId, MessageId, Recording, Slot, Summary, Timestamp},
    tools::Outcome,
};

pub use error::Error;

/// A handle to the thread that owns SQLite; dropping it waits until all is on disk.
#[derive(Debug)]
pub struct Store {
    /// `None` only while it is dropped.
    jobs: Option<mpsc::Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

/// How the database is used; the default is right for everything but tests.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// How long a write waits for another program that holds the lock.
    pub patience: Duration,
    /// Beyond that many pages of 4 kB the disk counts as full.
    pub most_pages: Option<u32>,
    /// As if the file lay on a disk that cannot be written.
    pub read_only: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { patience: Duration::from_secs(5), most_pages: None, read_only: false }
    }
}

impl Store {
    /// Starts the thread; whether the file could be opened comes as the first reply
    /// (`Reply::Opened` or `Reply::Broken`). The thread waits for `replies`, so that must not block
    /// once the store is being dropped.
    pub fn open(path: &Path, replies: impl Fn(Reply) + Send + 'static) -> Self {
        Self::open_with(path, Options::default(), replies)
    }

    pub fn open_with(path: &Path, options: Options, replies: impl Fn(Reply) + Send + 'static) -> Self {
        let (jobs, waiting) = mpsc::channel();
        let worker = worker::Worker::new(path, options, Box::new(replies));
        let thread = thread::Builder::new().name("store".into()).spawn(move || worker.run(&waiting));
        Self { jobs: Some(jobs), thread: thread.ok() }
    }

    /// Hands a job to the thread; never blocks on the disk.
    pub fn send(&self, job: Job) {
        if let Some(jobs) = &self.jobs {
            let _ = jobs.send(job); // The thread ends only after this handle.
        }
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.jobs = None; // The thread does what is waiting, then ends.
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// What the database is asked to do.
#[derive(Debug, Clone)]
pub enum Job {
    /// Writes all changes or none; answered by `Saved` or `NotSaved` with the same ticket.
    Save { ticket: Ticket, changes: Vec<Change> },
    /// Everything of one conversation; answered by `Loaded` or `NotLoaded`.
    Load(ConversationId),
    /// The newest conversation; for `--continue`.
    LoadLatest,
    /// The conversation with that id (or its beginning) or that title; for `--resume`.
    LoadNamed(String),
    /// The prompts of all conversations, newest first, without repetitions; for Up and Ctrl-R.
    Prompts,
    /// All conversations but the trash, newest first; answered by one `Listed`.
    List,
    /// What went over the wire for an answer.
    Recording(MessageId),
    /// All that a tool gave back for a call whose message has less.
    Outcome { message: MessageId, slot: Slot },
    /// What all answers cost that ended since then.
    Spent { since: Timestamp },
}

/// Names a save, so that its reply finds what waits for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Ticket(pub u64);

/// What the database says.
#[derive(Debug)]
pub enum Reply {
    /// It is open, and these conversations are the newest (at most 200, of `total`). Answers that
    /// another run left unfinished are marked interrupted by now.
    Opened {
        newest: Vec<Summary>,
        total: usize,
        new_draft: String,
    },
    /// The file cannot be used. Every later job tries again, and fails for its own part.
    Broken(Error),
    Saved(Ticket),
    NotSaved {
        ticket: Ticket,
        error: Error,
    },
    Listed {
        conversations: Vec<Summary>,
    },
    Loaded(Box<Conversation>),
    NotLoaded {
        what: String,
        error: Error,
    },
    /// At most the newest 1000.
    Prompts(Vec<String>),
    /// Nothing is said where it cannot be known.
    Spent {
        since: Timestamp,
        cost: Usd,
    },
    /// `None` when nothing was recorded, or it was dropped for newer ones.
    Recording {
        message: MessageId,
        result: Result<Option<Box<Recording>>, Error>,
    },
    /// `None` when it was never written.
    Outcome {
        message: MessageId,
        slot: Slot,
        result: Result<Option<Box<Outcome>>, Error>,
    },
}
