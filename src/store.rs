//! The database and the thread that owns it.
//!
//! Jobs go in, replies come out; nothing waits. All jobs that are waiting are written in one
//! transaction, in order.

pub mod rows;
pub mod schema;

use std::path::Path;

use crate::chat::{Change, Conversation, ConversationId, Summary};

/// A handle to the thread that owns SQLite; dropping it waits until all is on disk.
#[derive(Debug)]
pub struct Store {}

impl Store {
    /// Starts the thread; whether the file could be opened comes as the first reply
    /// (`Reply::Opened` or `Reply::Broken`).
    pub fn open(_path: &Path, _replies: impl Fn(Reply) + Send + 'static) -> Self {
        todo!()
    }

    /// Hands a job to the thread; never blocks on the disk.
    pub fn send(&self, _job: Job) {
        todo!()
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
    /// All conversations but the trash, newest first; answered by one or more `Listed`.
    List,
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
    /// The file cannot be used; saves will fail until the program is started again.
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
    Prompts(Vec<String>),
}

/// Why the database could not do it, in one sentence without a full stop.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("no conversation {0}")]
    Missing(String),
    #[error("the database is locked by another program")]
    Locked,
    #[error("the database cannot be written: {0}")]
    ReadOnly(String),
    #[error("the disk is full")]
    Full,
    #[error("the database is damaged: {0}")]
    Corrupt(String),
    #[error("the database was made by a newer ibid (version {0})")]
    Newer(u32),
    #[error("{0}")]
    Other(String),
}
