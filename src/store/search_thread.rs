//! The thread that searches: its own connection, which only reads, so that no search delays a save.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    thread::{self, JoinHandle},
};

use rusqlite::{Connection, ErrorCode};

use super::{
    FoundPortion, SearchRequest, SearchTicket, StoreError, StoreReply, database,
    search_index::count_waiting,
    searching::{self, RunningSearch},
};
use crate::chat::ConversationId;

/// How often SQLite asks whether a newer search has come, in steps of its virtual machine.
const STEPS_BETWEEN_CHECKS: i32 = 2000;

/// What the thread is asked.
#[derive(Debug)]
pub(super) enum SearchTask {
    Start(Box<SearchRequest>),
    /// Goes on with the search that was started last.
    More(SearchTicket),
    FilterValues,
    Preview(ConversationId),
    /// Closes the database until the next task, so that it can be repaired.
    Close,
}

/// A handle to the thread. Dropping it interrupts what it does and waits until it has ended.
#[derive(Debug)]
pub(super) struct SearchThread {
    jobs: Option<mpsc::Sender<SearchTask>>,
    newest: Arc<AtomicU64>,
    thread: Option<JoinHandle<()>>,
}

/// The number of no search, for the end of the thread.
const NO_SEARCH: u64 = u64::MAX;
/// While this is current, nothing is interrupted.
const NOT_SEARCHING: u64 = u64::MAX - 1;

struct SearchWorker {
    path: PathBuf,
    replies: Arc<dyn Fn(StoreReply) + Send + Sync>,
    newest: Arc<AtomicU64>,
    /// The ticket of the search that runs, for the connection's handler.
    current: Arc<AtomicU64>,
    connection: Option<Connection>,
    search: Option<RunningSearch>,
}

impl SearchThread {
    pub(super) fn start(path: &Path, replies: Arc<dyn Fn(StoreReply) + Send + Sync>) -> Self {
        let (jobs, waiting) = mpsc::channel();
        let newest = Arc::new(AtomicU64::new(0));
        let worker = SearchWorker {
            path: path.to_owned(),
            replies,
            newest: newest.clone(),
            current: Arc::new(AtomicU64::new(NOT_SEARCHING)),
            connection: None,
            search: None,
        };
        let thread = thread::Builder::new().name("search".into()).spawn(move || worker.run(&waiting));
        Self { jobs: Some(jobs), newest, thread: thread.ok() }
    }

    /// Hands a job to the thread; a new search ends the one before, wherever it is.
    pub(super) fn send(&self, job: SearchTask) {
        match &job {
            SearchTask::Start(request) => self.newest.store(request.ticket.0, Ordering::Relaxed),
            SearchTask::Close => self.newest.store(NOT_SEARCHING, Ordering::Relaxed),
            SearchTask::More(_) | SearchTask::FilterValues | SearchTask::Preview(_) => (),
        }
        if let Some(jobs) = &self.jobs {
            let _ = jobs.send(job); // The thread outlives this handle.
        }
    }
}

impl Drop for SearchThread {
    fn drop(&mut self) {
        self.newest.store(NO_SEARCH, Ordering::Relaxed);
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl SearchWorker {
    fn run(mut self, jobs: &mpsc::Receiver<SearchTask>) {
        while let Ok(job) = jobs.recv() {
            match job {
                SearchTask::Start(request) => {
                    self.search = None;
                    self.portion(request.ticket, Some(*request));
                }
                SearchTask::More(ticket) => self.portion(ticket, None),
                SearchTask::Close => (self.search, self.connection) = (None, None),
                // Without them only less is completed.
                SearchTask::FilterValues => {
                    if let Some(values) = self.query(|db| searching::filter_values(db).map(Some)) {
                        (self.replies)(StoreReply::FilterValues(values));
                    }
                }
                SearchTask::Preview(id) => {
                    if let Some(conversation) = self.query(|db| searching::preview(db, id)) {
                        (self.replies)(StoreReply::Previewed(Box::new(conversation)));
                    }
                }
            }
        }
    }

    /// Returns what a query finds; nothing if it fails.
    fn query<T>(&mut self, run: impl Fn(&Connection) -> rusqlite::Result<Option<T>>) -> Option<T> {
        self.database().ok().and_then(|db| run(db).ok().flatten())
    }

    /// Searches on and reports what was found, unless a newer search has come.
    fn portion(&mut self, ticket: SearchTicket, request: Option<SearchRequest>) {
        let newest = self.newest.clone();
        let is_stale = move || newest.load(Ordering::Relaxed) != ticket.0;
        if is_stale() {
            return;
        }
        self.current.store(ticket.0, Ordering::Relaxed);
        let result = self.search_on(ticket, request, &is_stale);
        self.current.store(NOT_SEARCHING, Ordering::Relaxed);
        if is_stale() {
            return;
        }
        match result {
            Ok(Some(portion)) => (self.replies)(StoreReply::Found(Box::new(portion))),
            Ok(None) => (),
            Err(error) => (self.replies)(StoreReply::SearchFailed { ticket, error }),
        }
    }

    fn search_on(
        &mut self,
        ticket: SearchTicket,
        request: Option<SearchRequest>,
        is_stale: &dyn Fn() -> bool,
    ) -> Result<Option<FoundPortion>, StoreError> {
        let path = self.path.clone();
        let mut search = self.search.take();
        let db = self.database()?;
        let explain = |error: rusqlite::Error| StoreError::from_sqlite(&error, &path);
        let is_first = request.is_some();
        if let Some(request) = request {
            search = match RunningSearch::new(db, request) {
                Err(error) if error.sqlite_error_code() == Some(ErrorCode::OperationInterrupted) => return Ok(None),
                started => Some(started.map_err(explain)?),
            };
        }
        let Some(mut search) = search.filter(|search| search.request.ticket == ticket) else { return Ok(None) };
        let portion = match search.next_portion(db, is_stale) {
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::OperationInterrupted) => return Ok(None),
            portion => portion.map_err(explain)?,
        };
        let unindexed = if is_first { count_waiting(db).map_err(explain)? } else { 0 };
        self.search = Some(search);
        Ok(Some(FoundPortion { unindexed, ..portion }))
    }

    /// Returns the connection; tries again if it could not be opened, because the problem may be gone.
    fn database(&mut self) -> Result<&Connection, StoreError> {
        if self.connection.is_none() {
            let mut connection = database::connect_read_only(&self.path)?;
            let (newest, current) = (self.newest.clone(), self.current.clone());
            let is_stale = move || {
                let current = current.load(Ordering::Relaxed);
                current != NOT_SEARCHING && current != newest.load(Ordering::Relaxed)
            };
            connection
                .progress_handler(STEPS_BETWEEN_CHECKS, Some(is_stale))
                .map_err(|error| StoreError::from_sqlite(&error, &self.path))?;
            self.connection = Some(connection);
        }
        self.connection.as_ref().ok_or_else(|| StoreError::Other("the database is not open".into()))
    }
}
