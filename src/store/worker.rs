//! The store's thread: takes jobs in order and answers each of them.

use std::{
    collections::{BTreeSet, VecDeque},
    path::{Path, PathBuf},
    sync::mpsc,
};

use super::{
    SaveTicket, StoreError, StoreJob, StoreOptions, StoreReply, database::OpenDatabase, queries, queued, recover,
    source_checks, tree_marks,
};
use crate::chat::{Conversation, ConversationChange, ConversationId, ConversationSummary, Message, MessageId};

/// How many conversations come with the first reply.
const INITIAL_SUMMARIES: usize = 200;
/// How many prompts are loaded for the history.
const MAX_PROMPTS: usize = 1000;

pub(super) struct StoreWorker {
    path: PathBuf,
    options: StoreOptions,
    replies: Box<dyn Fn(StoreReply) + Send>,
    /// `None` if the last attempt to open it failed.
    database: Option<OpenDatabase>,
}

impl StoreWorker {
    pub(super) fn new(path: &Path, options: StoreOptions, replies: Box<dyn Fn(StoreReply) + Send>) -> Self {
        Self { path: path.to_owned(), options, replies, database: None }
    }

    /// Runs until the sender is dropped and all jobs are done.
    pub(super) fn run(mut self, jobs: &mpsc::Receiver<StoreJob>) {
        if let Err(error) = self.open() {
            (self.replies)(StoreReply::OpenFailed(error));
        }
        while let Ok(first) = jobs.recv() {
            self.handle_jobs(std::iter::once(first).chain(jobs.try_iter()).collect());
        }
    }

    fn open(&mut self) -> Result<(), StoreError> {
        let mut database = OpenDatabase::open(&self.path, self.options)?;
        // If the database is locked or read-only, abandoned answers wait for the next start.
        let _ = database.recover();
        let opened = opened_reply(&database).map_err(|error| database.explain(&error))?;
        self.database = Some(database);
        (self.replies)(opened);
        Ok(())
    }

    fn handle_jobs(&mut self, mut waiting: VecDeque<StoreJob>) {
        while let Some(job) = waiting.pop_front() {
            let reply = match job {
                StoreJob::Save { ticket, changes } => {
                    let mut saves = vec![(ticket, changes)];
                    while let Some(StoreJob::Save { .. }) = waiting.front() {
                        let Some(StoreJob::Save { ticket, changes }) = waiting.pop_front() else { break };
                        saves.push((ticket, changes));
                    }
                    self.save(&saves);
                    continue;
                }
                StoreJob::Load(id) => self.load_with(&id.to_string(), |_| Ok(id)),
                StoreJob::Refresh(id) => match self.load_with(&id.to_string(), |_| Ok(id)) {
                    StoreReply::Loaded(conversation) => StoreReply::Refreshed(conversation),
                    _ => continue,
                },
                StoreJob::LoadLatest => self.load_with("yet", find_latest),
                StoreJob::LoadNamed(name) => {
                    self.load_with(&format!("\"{name}\""), |database| find_named(database, &name))
                }
                StoreJob::LoadPrompts => {
                    self.query(|database| queries::newest_prompts(&database.connection, MAX_PROMPTS)).map_or_else(
                        |error| StoreReply::LoadFailed { target: "the prompts".into(), error },
                        StoreReply::Prompts,
                    )
                }
                StoreJob::CountUse(command) => {
                    // Only the order of the commands depends on it.
                    let _ = self.query(|database| queries::count_use(&database.connection, &command));
                    continue;
                }
                StoreJob::LoadUses => match self.query(|database| queries::uses(&database.connection)) {
                    Ok(uses) => StoreReply::Uses(uses),
                    Err(_) => continue,
                },
                StoreJob::LoadRecording(message) => {
                    let result = self.query(|database| queries::recording(&database.connection, message));
                    StoreReply::Recording { message, result: result.map(|found| found.map(Box::new)) }
                }
                StoreJob::LoadOutcome { message, slot } => {
                    let result = self.query(|database| queries::outcome(&database.connection, message, slot));
                    StoreReply::Outcome { message, slot, result: result.map(|found| found.map(Box::new)) }
                }
                StoreJob::LoadChecks(conversation) => {
                    match self.query(|database| source_checks::of_conversation(&database.connection, conversation)) {
                        Ok(checks) => StoreReply::Checks { conversation, checks },
                        Err(_) => continue,
                    }
                }
                StoreJob::SumCosts { since } => {
                    match self.query(|database| queries::total_cost(&database.connection, since)) {
                        Ok(cost) => StoreReply::CostsSummed { since, cost },
                        Err(_) => continue,
                    }
                }
                StoreJob::LoadHints => {
                    let Ok(hints) = self.query(|database| queries::shown_hints(&database.connection)) else { continue };
                    StoreReply::Hints(hints)
                }
                StoreJob::LoadGrants => match self.query(|database| queries::grants(&database.connection)) {
                    Ok((grants, unconfirmed)) => StoreReply::Grants { grants, unconfirmed },
                    Err(_) => continue,
                },
                StoreJob::LookForChanges => match self.database().map(OpenDatabase::has_changed_elsewhere) {
                    Ok(true) => StoreReply::ChangedElsewhere,
                    Ok(false) | Err(_) => continue,
                },
                StoreJob::ListConversations => {
                    self.query(|database| queries::newest_conversations(&database.connection, usize::MAX)).map_or_else(
                        |error| StoreReply::LoadFailed { target: "the list".into(), error },
                        |conversations| StoreReply::Listed { conversations },
                    )
                }
            };
            (self.replies)(reply);
        }
    }

    fn save(&mut self, saves: &[(SaveTicket, Vec<ConversationChange>)]) {
        let changes: Vec<&[ConversationChange]> = saves.iter().map(|(_, changes)| changes.as_slice()).collect();
        let outcomes = match self.database() {
            Ok(database) => database.save(&changes),
            Err(error) => vec![Err(error); saves.len()],
        };
        for ((ticket, _), outcome) in saves.iter().zip(outcomes) {
            (self.replies)(match outcome {
                Ok(()) => StoreReply::Saved(*ticket),
                Err(error) => StoreReply::SaveFailed { ticket: *ticket, error },
            });
        }
    }

    fn load_with(
        &mut self,
        target: &str,
        find: impl Fn(&OpenDatabase) -> Result<ConversationId, LoadFailure>,
    ) -> StoreReply {
        let conversation = self.database().and_then(|database| {
            let conversation = find(database).and_then(|id| load_conversation(database, id));
            conversation.map_err(|trouble| trouble.explain(target, database))
        });
        match conversation {
            Ok(conversation) => StoreReply::Loaded(Box::new(conversation)),
            Err(error) => StoreReply::LoadFailed { target: target.to_owned(), error },
        }
    }

    fn query<T>(&mut self, run: impl Fn(&OpenDatabase) -> rusqlite::Result<T>) -> Result<T, StoreError> {
        self.database().and_then(|database| run(database).map_err(|error| database.explain(&error)))
    }

    /// Returns the open database. Tries again if it could not be opened, because the problem may be gone.
    fn database(&mut self) -> Result<&mut OpenDatabase, StoreError> {
        if self.database.is_none() {
            self.open()?;
        }
        self.database.as_mut().ok_or_else(|| StoreError::Other("the database is not open".into()))
    }
}

/// Why a conversation cannot be loaded.
pub(super) enum LoadFailure {
    Missing,
    Ambiguous(usize),
    Sqlite(rusqlite::Error),
}

impl From<rusqlite::Error> for LoadFailure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl LoadFailure {
    pub(super) fn explain(self, target: &str, database: &OpenDatabase) -> StoreError {
        match self {
            Self::Missing => StoreError::Missing(target.to_owned()),
            Self::Ambiguous(count) => StoreError::Other(format!(
                "{count} conversations have an id that begins with {target}; give more of it"
            )),
            Self::Sqlite(error) => database.explain(&error),
        }
    }
}

fn opened_reply(database: &OpenDatabase) -> rusqlite::Result<StoreReply> {
    let db = &database.connection;
    let mut newest = queries::newest_conversations(db, INITIAL_SUMMARIES)?;
    let pinned = queries::pinned_conversations(db)?.into_iter();
    let older: Vec<_> = pinned.filter(|pinned| newest.iter().all(|row| row.id != pinned.id)).collect();
    newest.extend(older);
    Ok(StoreReply::Opened { newest, total: queries::count_conversations(db)?, new_draft: queries::new_draft(db)? })
}

fn load_conversation(database: &mut OpenDatabase, id: ConversationId) -> Result<Conversation, LoadFailure> {
    let _ = database.recover(); // Another run may have crashed since we started.
    let db = database.connection.transaction()?; // A consistent snapshot, even while another instance writes.
    let stored = queries::conversation(&db, id)?.ok_or(LoadFailure::Missing)?;
    let mut messages = Vec::new();
    let (found, unreadable) = queries::messages(&db, id)?;
    let mut writers = BTreeSet::new();
    for mut found in found {
        if let Some(owner) = found.owner.clone() {
            writers.insert(owner);
            recover::replay_growth(&db, &mut found)?;
        }
        messages.push(found.message);
    }
    let mut header = stored.header;
    if unreadable > 0 || !stored.has_branch {
        header.branch = readable_branch(header.branch, &messages);
    }
    let queue = queued::queued(&db, id, &database.marker, &writers)?;
    let mut conversation = Conversation::restore(header, messages, stored.draft, queue);
    conversation.filing = stored.filing;
    conversation.set_marks(tree_marks::of_conversation(&db, id)?);
    Ok(conversation)
}

/// Returns the branch without messages that could not be read; if nothing is left, the way to the newest message.
fn readable_branch(branch: Vec<MessageId>, messages: &[Message]) -> Vec<MessageId> {
    let find = |id: MessageId| messages.iter().find(|message| message.id == id);
    let is_whole = branch.last().is_some_and(|last| find(*last).is_some());
    if is_whole || messages.is_empty() {
        return branch.into_iter().filter(|id| find(*id).is_some()).collect();
    }
    let newest = messages.iter().max_by_key(|message| message.id);
    // No longer than there are messages: damaged parents could form a ring.
    let way = std::iter::successors(newest, |message| find(message.parent?)).take(messages.len());
    let mut branch: Vec<MessageId> = way.map(|message| message.id).collect();
    branch.reverse();
    branch
}

fn find_latest(database: &OpenDatabase) -> Result<ConversationId, LoadFailure> {
    queries::newest_conversations(&database.connection, 1)?.first().map(|newest| newest.id).ok_or(LoadFailure::Missing)
}

/// Finds a conversation by id, then by title, then by title ignoring case, then by a prefix of the id.
pub(super) fn find_named(database: &OpenDatabase, name: &str) -> Result<ConversationId, LoadFailure> {
    let all = queries::newest_conversations(&database.connection, usize::MAX)?;
    let first =
        |is: &dyn Fn(&ConversationSummary) -> bool| all.iter().find(|summary| is(summary)).map(|summary| summary.id);
    let lower = name.to_lowercase();
    let exact = first(&|summary| summary.id.to_string() == lower)
        .or_else(|| first(&|summary| summary.title == name))
        .or_else(|| first(&|summary| summary.title.to_lowercase() == lower));
    if let Some(id) = exact {
        return Ok(id);
    }
    let candidates = all.iter().filter(|summary| name.len() >= 4 && summary.id.to_string().starts_with(&lower));
    match candidates.clone().count() {
        0 => Err(LoadFailure::Missing),
        1 => candidates.map(|summary| summary.id).next().ok_or(LoadFailure::Missing),
        several => Err(LoadFailure::Ambiguous(several)),
    }
}
