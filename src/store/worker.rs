//! The store's thread: takes jobs in order, answers each.

use std::{
    collections::VecDeque,
    path::{Path, PathBuf},
    sync::mpsc,
};

use super::{Error, Job, Options, Reply, Ticket, open::Database, recover, rows};
use crate::chat::{Change, Conversation, ConversationId, Summary};

/// How many rows of the list come with the first reply, and how many prompts are remembered.
const FIRST: usize = 200;
const PROMPTS: usize = 1000;

pub struct Worker {
    path: PathBuf,
    options: Options,
    replies: Box<dyn Fn(Reply) + Send>,
    /// `None` when the last attempt to open it failed.
    database: Option<Database>,
}

impl Worker {
    pub fn new(path: &Path, options: Options, replies: Box<dyn Fn(Reply) + Send>) -> Self {
        Self { path: path.to_owned(), options, replies, database: None }
    }

    /// Works until nobody can send jobs any more and all are done.
    pub fn run(mut self, jobs: &mpsc::Receiver<Job>) {
        if let Err(error) = self.open() {
            (self.replies)(Reply::Broken(error));
        }
        while let Ok(first) = jobs.recv() {
            self.work(std::iter::once(first).chain(jobs.try_iter()).collect());
        }
    }

    fn open(&mut self) -> Result<(), Error> {
        let mut database = Database::open(&self.path, self.options)?;
        // Without the lock, or on a disk that cannot be written, what was abandoned waits for the next start.
        let _ = database.recover();
        let opened = opened(&database).map_err(|error| database.explain(&error))?;
        self.database = Some(database);
        (self.replies)(opened);
        Ok(())
    }

    fn work(&mut self, mut waiting: VecDeque<Job>) {
        while let Some(job) = waiting.pop_front() {
            let reply = match job {
                Job::Save { ticket, changes } => {
                    let mut saves = vec![(ticket, changes)];
                    while let Some(Job::Save { .. }) = waiting.front() {
                        let Some(Job::Save { ticket, changes }) = waiting.pop_front() else { break };
                        saves.push((ticket, changes));
                    }
                    self.save(&saves);
                    continue;
                }
                Job::Load(id) => self.loaded(&id.to_string(), |_| Ok(id)),
                Job::LoadLatest => self.loaded("yet", latest),
                Job::LoadNamed(name) => self.loaded(&format!("\"{name}\""), |database| named(database, &name)),
                Job::Prompts => self
                    .ask(|database| rows::prompts(&database.connection, PROMPTS))
                    .map_or_else(|error| Reply::NotLoaded { what: "the prompts".into(), error }, Reply::Prompts),
                Job::Recording(message) => {
                    let result = self.ask(|database| rows::recording(&database.connection, message));
                    Reply::Recording { message, result: result.map(|found| found.map(Box::new)) }
                }
                Job::Outcome { message, slot } => {
                    let result = self.ask(|database| rows::outcome(&database.connection, message, slot));
                    Reply::Outcome { message, slot, result: result.map(|found| found.map(Box::new)) }
                }
                Job::Spent { since } => match self.ask(|database| rows::spent(&database.connection, since)) {
                    Ok(cost) => Reply::Spent { since, cost },
                    Err(_) => continue,
                },
                Job::List => self.ask(|database| rows::newest(&database.connection, usize::MAX)).map_or_else(
                    |error| Reply::NotLoaded { what: "the list".into(), error },
                    |conversations| Reply::Listed { conversations },
                ),
            };
            (self.replies)(reply);
        }
    }

    fn save(&mut self, saves: &[(Ticket, Vec<Change>)]) {
        let changes: Vec<&[Change]> = saves.iter().map(|(_, changes)| changes.as_slice()).collect();
        let outcomes = match self.database() {
            Ok(database) => database.save(&changes),
            Err(error) => vec![Err(error); saves.len()],
        };
        for ((ticket, _), outcome) in saves.iter().zip(outcomes) {
            (self.replies)(match outcome {
                Ok(()) => Reply::Saved(*ticket),
                Err(error) => Reply::NotSaved { ticket: *ticket, error },
            });
        }
    }

    fn loaded(&mut self, what: &str, find: impl Fn(&Database) -> Result<ConversationId, Trouble>) -> Reply {
        let conversation = self.database().and_then(|database| {
            let conversation = find(database).and_then(|id| load(database, id));
            conversation.map_err(|trouble| trouble.explain(what, database))
        });
        match conversation {
            Ok(conversation) => Reply::Loaded(Box::new(conversation)),
            Err(error) => Reply::NotLoaded { what: what.to_owned(), error },
        }
    }

    fn ask<T>(&mut self, query: impl Fn(&Database) -> rusqlite::Result<T>) -> Result<T, Error> {
        self.database().and_then(|database| query(database).map_err(|error| database.explain(&error)))
    }

    /// The open database; one that could not be opened is tried again, for what was wrong may be over.
    fn database(&mut self) -> Result<&mut Database, Error> {
        if self.database.is_none() {
            self.open()?;
        }
        self.database.as_mut().ok_or_else(|| Error::Other("the database is not open".into()))
    }
}

/// Why a conversation cannot be loaded.
enum Trouble {
    Missing,
    Several(usize),
    Sqlite(rusqlite::Error),
}

impl From<rusqlite::Error> for Trouble {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl Trouble {
    fn explain(self, what: &str, database: &Database) -> Error {
        match self {
            Self::Missing => Error::Missing(what.to_owned()),
            Self::Several(count) => {
                Error::Other(format!("{count} conversations have an id that begins with {what}; give more of it"))
            }
            Self::Sqlite(error) => database.explain(&error),
        }
    }
}

fn opened(database: &Database) -> rusqlite::Result<Reply> {
    let db = &database.connection;
    let newest = rows::newest(db, FIRST)?;
    Ok(Reply::Opened { newest, total: rows::count(db)?, new_draft: rows::new_draft(db)? })
}

fn load(database: &mut Database, id: ConversationId) -> Result<Conversation, Trouble> {
    let _ = database.recover(); // Another run may have ended since the start.
    let db = database.connection.transaction()?; // One moment, whatever others write.
    let stored = rows::conversation(&db, id)?.ok_or(Trouble::Missing)?;
    let mut messages = Vec::new();
    for mut found in rows::messages(&db, id)? {
        if found.owner.is_some() {
            recover::grow(&db, &mut found)?;
        }
        messages.push(found.message);
    }
    Ok(Conversation::restore(stored.header, messages, stored.draft, stored.queue))
}

fn latest(database: &Database) -> Result<ConversationId, Trouble> {
    rows::newest(&database.connection, 1)?.first().map(|newest| newest.id).ok_or(Trouble::Missing)
}

/// By id, by title, by title in any case, by the beginning of the id: the first way that finds one.
fn named(database: &Database, name: &str) -> Result<ConversationId, Trouble> {
    let all = rows::newest(&database.connection, usize::MAX)?;
    let first = |is: &dyn Fn(&Summary) -> bool| all.iter().find(|summary| is(summary)).map(|summary| summary.id);
    let lower = name.to_lowercase();
    let exact = first(&|summary| summary.id.to_string() == lower)
        .or_else(|| first(&|summary| summary.title == name))
        .or_else(|| first(&|summary| summary.title.to_lowercase() == lower));
    if let Some(id) = exact {
        return Ok(id);
    }
    let begins = all.iter().filter(|summary| name.len() >= 4 && summary.id.to_string().starts_with(&lower));
    match begins.clone().count() {
        0 => Err(Trouble::Missing),
        1 => begins.map(|summary| summary.id).next().ok_or(Trouble::Missing),
        several => Err(Trouble::Several(several)),
    }
}
