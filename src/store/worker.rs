//! The store's thread: takes jobs in order and answers each of them.

use std::{
    collections::{BTreeSet, VecDeque},
    path::{Path, PathBuf},
    sync::{Arc, mpsc},
    thread,
};

use rusqlite::TransactionBehavior;

use super::{
    RepairReport, SaveTicket, StoreError, StoreJob, StoreOptions, StoreReply, database::OpenDatabase, integrity,
    kept_state, queries, queued, recordings, recover, repair, search_index, source_checks, trash, tree_marks,
};
use crate::chat::{
    Conversation, ConversationChange, ConversationId, ConversationSummary, Message, MessageId, Timestamp,
};

/// How many conversations come with the first reply.
const INITIAL_SUMMARIES: usize = 200;
/// How often the progress of the index is reported.
const PORTIONS_BETWEEN_REPORTS: usize = 64;
/// How many prompts are loaded for the history.
const MAX_PROMPTS: usize = 1000;

pub(super) struct StoreWorker {
    path: PathBuf,
    options: StoreOptions,
    replies: Arc<dyn Fn(StoreReply) + Send + Sync>,
    /// `None` if the last attempt to open it failed.
    database: Option<OpenDatabase>,
    /// How many entries wait to be indexed while there is nothing else to do.
    unindexed: usize,
    portions: usize,
}

impl StoreWorker {
    pub(super) fn new(path: &Path, options: StoreOptions, replies: Arc<dyn Fn(StoreReply) + Send + Sync>) -> Self {
        Self { path: path.to_owned(), options, replies, database: None, unindexed: 0, portions: 0 }
    }

    /// Runs until the sender is dropped and all jobs are done.
    pub(super) fn run(mut self, jobs: &mpsc::Receiver<StoreJob>) {
        if let Err(error) = self.open() {
            (self.replies)(StoreReply::OpenFailed(error));
        }
        while let Some(first) = self.next_job(jobs) {
            self.handle_jobs(std::iter::once(first).chain(jobs.try_iter()).collect());
        }
    }

    /// Waits for a job, and meanwhile indexes what is not indexed yet; `None` when no more jobs can come.
    fn next_job(&mut self, jobs: &mpsc::Receiver<StoreJob>) -> Option<StoreJob> {
        while self.unindexed > 0 {
            match jobs.try_recv() {
                Ok(job) => return Some(job),
                Err(mpsc::TryRecvError::Disconnected) => return None,
                Err(mpsc::TryRecvError::Empty) => self.index_portion(),
            }
        }
        jobs.recv().ok()
    }

    /// Indexes a few entries. If they cannot be written now, the next start tries again.
    fn index_portion(&mut self) {
        let indexed = self.database.as_mut().map_or(Ok(0), OpenDatabase::index_portion);
        self.unindexed = match indexed {
            Ok(0) | Err(_) => 0,
            Ok(count) => self.unindexed.saturating_sub(count).max(1),
        };
        self.portions += 1;
        if self.unindexed == 0 || self.portions.is_multiple_of(PORTIONS_BETWEEN_REPORTS) {
            (self.replies)(StoreReply::Indexing { waiting: self.unindexed });
        }
    }

    fn open(&mut self) -> Result<(), StoreError> {
        let mut database =
            OpenDatabase::open_noting(&self.path, self.options, &|| (self.replies)(StoreReply::Upgrading))?;
        // If the database is locked or read-only, abandoned answers wait for the next start.
        let _ = database.recover();
        let opened = opened_reply(&database).map_err(|error| database.explain(&error))?;
        if let Some(error) = database.write_refusal.clone() {
            (self.replies)(StoreReply::ReadOnly(error));
        }
        self.unindexed = search_index::count_waiting(&database.connection).unwrap_or_default();
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
                    let result = self.query(|database| recordings::recording(&database.connection, message));
                    StoreReply::Recording { message, result: result.map(|found| found.map(Box::new)) }
                }
                StoreJob::LoadOutcome { message, slot } => {
                    let result = self.query(|database| queries::outcome(&database.connection, message, slot));
                    StoreReply::Outcome { message, slot, result: result.map(|found| found.map(Box::new)) }
                }
                StoreJob::LoadChecks(conversation) => {
                    let found = self.query(|database| {
                        let checks = source_checks::of_conversation(&database.connection, conversation)?;
                        Ok((checks, source_checks::side_costs(&database.connection, conversation)?))
                    });
                    match found {
                        Ok((checks, side_costs)) => StoreReply::Checks { conversation, checks, side_costs },
                        Err(_) => continue,
                    }
                }
                StoreJob::SumCosts { since } => {
                    match self.query(|database| queries::total_cost(&database.connection, since)) {
                        Ok(cost) => StoreReply::CostsSummed { since, cost },
                        Err(_) => continue,
                    }
                }
                StoreJob::LoadPanes => match self.query(|database| kept_state::panes(&database.connection)) {
                    Ok(Some(panes)) => StoreReply::Panes(panes),
                    Ok(None) | Err(_) => continue,
                },
                StoreJob::ListTrash => {
                    match self.query(|database| trash::trashed_conversations(&database.connection)) {
                        Ok(trashed) => StoreReply::TrashListed(trashed),
                        Err(_) => continue,
                    }
                }
                StoreJob::PurgeTrash { before } => match self.purge(before) {
                    Ok((conversations, has_more)) => StoreReply::TrashPurged { before, conversations, has_more },
                    Err(_) => continue,
                },
                StoreJob::LoadListPreview(conversation) => {
                    match self.query(|database| trash::preview(&database.connection, conversation)) {
                        Ok(Some(preview)) => StoreReply::ListPreview { conversation, preview },
                        Ok(None) | Err(_) => continue,
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
                StoreJob::CheckDatabase => {
                    self.check();
                    continue;
                }
                StoreJob::RepairDatabase => StoreReply::Repaired(self.repair()),
                StoreJob::LookForChanges => match self.database().map(OpenDatabase::has_changed_elsewhere) {
                    Ok(true) => StoreReply::ChangedElsewhere,
                    Ok(false) | Err(_) => continue,
                },
                // `StoreHandle` sends them to the thread that searches.
                StoreJob::Search(_) | StoreJob::SearchOn(_) | StoreJob::LoadFilterValues | StoreJob::LoadPreview(_) => {
                    continue;
                }
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
        if changes.iter().all(|changes| changes.is_empty()) {
            // Nothing is to be written, so nothing can fail: what is temporary works without a database.
            for (ticket, _) in saves {
                (self.replies)(StoreReply::Saved(*ticket));
            }
            return;
        }
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

    /// Checks the database on a thread of its own: a large one takes seconds.
    fn check(&self) {
        let (path, replies) = (self.path.clone(), Arc::clone(&self.replies));
        let check = move || replies(StoreReply::Checked(integrity::check(&path)));
        if thread::Builder::new().name("check".into()).spawn(check).is_err() {
            (self.replies)(StoreReply::Checked(Err(StoreError::Other("no thread can be started".into()))));
        }
    }

    /// Saves what can be read of a damaged database. A sound one is left alone, and so is one of a later version.
    fn repair(&mut self) -> Result<Option<RepairReport>, StoreError> {
        if let Some(refusal) = self.database.as_ref().and_then(|database| database.write_refusal.clone()) {
            return Err(refusal);
        }
        let is_damaged = match self.database().map(drop) {
            Ok(()) => !integrity::check(&self.path)?.problems.is_empty(),
            Err(StoreError::Corrupt(_)) => true,
            Err(error) => return Err(error),
        };
        if !is_damaged {
            return Ok(None);
        }
        self.database = None;
        let report = repair::repair(&self.path)?;
        self.open()?;
        Ok(Some(report))
    }

    /// Deletes some of the trash in one transaction.
    fn purge(&mut self, before: Option<Timestamp>) -> Result<(Vec<ConversationId>, bool), StoreError> {
        let database = self.database()?;
        let purged =
            database.connection.transaction_with_behavior(TransactionBehavior::Immediate).and_then(|transaction| {
                let purged = trash::purge(&transaction, before.unwrap_or(Timestamp::MAX))?;
                transaction.commit()?;
                Ok(purged)
            });
        purged.map_err(|error| database.explain(&error))
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
            let growth = recover::replay_growth(&db, &mut found)?;
            // Each checkpoint is seen as a change. The numbers are far from those that the row will have.
            found.message.rev = found.message.rev.wrapping_add(growth.checkpoints.wrapping_mul(65_537));
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
    conversation.reading = stored.reading;
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
    let newest = queries::newest_conversations(&database.connection, 1)?;
    let newest = newest.first().ok_or(LoadFailure::Missing)?;
    // What was open last, unless something has happened in another conversation since.
    let shown = kept_state::shown_conversation(&database.connection)?;
    Ok(shown.filter(|(_, at)| *at >= newest.updated_at).map_or(newest.id, |(id, _)| id))
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
