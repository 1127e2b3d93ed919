//! Keeps the index of the search in step with the text: in the transaction that writes it, and in portions for what is older.

use std::collections::BTreeMap;

use rusqlite::{Connection, ErrorCode, OptionalExtension, Result, Transaction, TransactionBehavior, params};

use super::{
    database::OpenDatabase,
    queries::{self, StoredMessage, read_text},
};
use crate::{
    chat::{ItemSlot, Message, nanos::from_nanos},
    search::{ConversationFacts, SearchDocument, document_tokens},
    tools::ToolOutcome,
};

/// How much a portion may index, so that another job waits only a few milliseconds.
const PORTION_ENTRIES: i64 = 16;
const PORTION_BYTES: usize = 32 * 1024;

/// The token that only titles have. Other tokens have at most three characters.
pub(super) const TITLE_TOKEN: &str = "title";

const CHANGED: &str = "select n, id from search_entry where stale = 2";
const WAITING: &str = "select n, id from search_entry where stale > 0 order by stale desc, n desc limit ?1";
const COUNT_WAITING: &str = "select count(*) from search_entry where stale > 0";

/// Indexes what was written in this transaction. If the index is damaged, nothing else is lost: the entries wait.
pub(super) fn index_changed(transaction: &mut Transaction<'_>) -> Result<()> {
    let mut savepoint = transaction.savepoint()?;
    match index_entries(&savepoint) {
        Ok(()) => savepoint.commit(),
        // SQLite rolls back the whole transaction when the disk is full.
        Err(error) if savepoint.is_autocommit() || error.sqlite_error_code() == Some(ErrorCode::DiskFull) => Err(error),
        Err(error) => {
            tracing::warn!("the index of the search cannot be written: {error}");
            savepoint.rollback()?;
            savepoint.finish()
        }
    }
}

fn index_entries(db: &Connection) -> Result<()> {
    let changed: Vec<(i64, String)> =
        db.prepare_cached(CHANGED)?.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_>>()?;
    for (n, id) in changed {
        index_entry(db, n, &id)?;
    }
    Ok(())
}

/// The number of entries that wait to be indexed.
pub(super) fn count_waiting(db: &Connection) -> Result<usize> {
    let count: i64 = db.prepare_cached(COUNT_WAITING)?.query_row([], |row| row.get(0))?;
    Ok(usize::try_from(count).unwrap_or_default())
}

impl OpenDatabase {
    /// Indexes a few of the entries that wait, the newest first, and returns how many; 0 if none waits.
    pub(super) fn index_portion(&mut self) -> Result<usize> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let waiting = waiting_entries(&transaction)?;
        let (mut bytes, mut indexed) = (0, 0);
        for (n, id) in waiting {
            bytes += index_entry(&transaction, n, &id)?;
            indexed += 1;
            if bytes > PORTION_BYTES {
                break;
            }
        }
        transaction.commit()?;
        Ok(indexed)
    }
}

fn waiting_entries(db: &Connection) -> Result<Vec<(i64, String)>> {
    let mut waiting = db.prepare_cached(WAITING)?;
    waiting.query_map([PORTION_ENTRIES], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}

/// Indexes an entry as its text is now, and returns the size of its tokens in bytes.
fn index_entry(db: &Connection, n: i64, id: &str) -> Result<usize> {
    let document = current_document(db, id)?;
    let tokens = document.as_ref().map(|(document, is_title)| {
        let mut tokens = document_tokens(document);
        if *is_title && !tokens.is_empty() {
            tokens.push_str(TITLE_TOKEN);
        }
        tokens
    });
    match tokens.as_deref().filter(|tokens| !tokens.is_empty()) {
        Some(tokens) => db
            .prepare_cached("insert or replace into search_index (rowid, tokens) values (?1, ?2)")?
            .execute(params![n, tokens])?,
        None => db.prepare_cached("delete from search_index where rowid = ?1")?.execute([n])?,
    };
    let models = document.as_ref().filter(|(_, is_title)| !is_title).map(|(document, _)| document.models.join("\n"));
    db.prepare_cached("update search_entry set stale = 0, models = ?2 where n = ?1")?.execute(params![n, models])?;
    Ok(tokens.map_or(0, |tokens| tokens.len()))
}

/// Returns what an entry stands for, and whether that is a title; `None` if it is gone or an answer that still runs.
fn current_document(db: &Connection, id: &str) -> Result<Option<(SearchDocument, bool)>> {
    let message = stored_message(db, id)?;
    let facts = ConversationFacts::default();
    if let Some(found) = message {
        let outcomes = full_outcomes(db, &found.message);
        let is_running = found.owner.is_some();
        return Ok((!is_running).then(|| (SearchDocument::of_message(&found.message, &outcomes, &facts), false)));
    }
    let mut title = db.prepare_cached("select title, created from conversation where id = ?1")?;
    let title = title.query_row([id], |row| Ok((read_text(row, 0), row.get(1).unwrap_or_default()))).optional()?;
    Ok(title.map(|(title, created)| (SearchDocument::of_title(&title, from_nanos(created), &facts), true)))
}

/// Returns a message; `None` if there is none with that id, or none that can be read.
pub(super) fn stored_message(db: &Connection, id: &str) -> Result<Option<StoredMessage>> {
    let mut row = db.prepare_cached("select * from message where id = ?1")?;
    let mut rows = row.query([id])?;
    Ok(rows.next()?.and_then(|row| queries::read_message(row).ok()))
}

/// Returns the results of calls of which the message has only a part.
pub(super) fn full_outcomes(db: &Connection, message: &Message) -> BTreeMap<ItemSlot, ToolOutcome> {
    let runs = message.as_answer().into_iter().flat_map(|answer| &answer.call_runs);
    let shortened = runs.filter(|(_, run)| run.full_size.is_some());
    let mut outcomes = BTreeMap::new();
    for (slot, _) in shortened {
        if let Ok(Some(outcome)) = queries::outcome(db, message.id, *slot) {
            outcomes.insert(*slot, outcome);
        }
    }
    outcomes
}
