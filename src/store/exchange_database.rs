//! Whole conversations out of the database and into it, over a connection of their own: a long export or import keeps
//! nobody waiting.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use rusqlite::{Connection, TransactionBehavior, params};

use super::{
    StoreError, StoreOptions,
    database::OpenDatabase,
    queries::{self, id_text, read_text, read_uuid, readable_rows},
    recover,
    run_marker::RunMarker,
    save, search_index, source_checks, trash,
    worker::{self, LoadFailure},
};
use crate::{
    api::Usd,
    chat::{
        ConversationId, ConversationSummary, ItemSlot, MessageId, SideCost, TrashedConversation, WholeConversation,
        nanos::{from_nanos, to_nanos},
    },
    tools::ToolOutcome,
};

/// The database, for whole conversations.
#[derive(Debug)]
pub struct ExchangeDatabase {
    database: OpenDatabase,
}

/// What an import made of one conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImportOutcome {
    /// All of it is new.
    New,
    /// It was here already, and this many messages are new.
    Grown(usize),
    /// Nothing of it is new.
    Known,
}

impl ExchangeDatabase {
    /// Opens the database, and creates it if there is none.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        OpenDatabase::open(path, StoreOptions::default()).map(|database| Self { database })
    }

    /// The file of the database.
    pub fn path(&self) -> PathBuf {
        self.database.path.clone()
    }

    /// The conversations outside the trash, newest first.
    pub fn list(&self) -> Result<Vec<ConversationSummary>, StoreError> {
        queries::newest_conversations(&self.database.connection, usize::MAX)
            .map_err(|error| self.database.explain(&error))
    }

    /// What is in the trash, the most recent first.
    pub fn trashed(&self) -> Result<Vec<TrashedConversation>, StoreError> {
        trash::trashed_conversations(&self.database.connection).map_err(|error| self.database.explain(&error))
    }

    /// Finds a conversation by its id, its title, or the beginning of its id.
    pub fn find(&self, name: &str) -> Result<ConversationId, StoreError> {
        worker::find_named(&self.database, name)
            .map_err(|failure| failure.explain(&format!("\"{name}\""), &self.database))
    }

    /// Reads a conversation with everything that is stored about it.
    pub fn load(&mut self, id: ConversationId) -> Result<WholeConversation, StoreError> {
        let whole = read_whole(&mut self.database.connection, id);
        whole.map_err(|failure| failure.explain(&id.to_string(), &self.database))
    }

    /// Whether a conversation with exactly this content was imported and still exists.
    pub fn has_imported(&self, hash: &str) -> Result<bool, StoreError> {
        is_imported(&self.database.connection, hash).map_err(|error| self.database.explain(&error))
    }

    /// Writes a conversation in one transaction: all of it, or what is new of one that exists already. What exists is
    /// never changed, because the reader may have gone on with it here.
    pub fn import(&mut self, whole: WholeConversation, hash: &str) -> Result<ImportOutcome, StoreError> {
        if let Some(refusal) = &self.database.write_refusal {
            return Err(refusal.clone());
        }
        self.try_import(whole, hash).map_err(|error| self.database.explain(&error))
    }

    fn try_import(&mut self, whole: WholeConversation, hash: &str) -> rusqlite::Result<ImportOutcome> {
        let mut transaction = self.database.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        if is_imported(&transaction, hash)? {
            return Ok(ImportOutcome::Known);
        }
        let id = whole.header.id;
        let existing = queries::conversation(&transaction, id)?;
        let outcome = match existing {
            None => {
                write_new(&transaction, whole, &self.database.marker)?;
                ImportOutcome::New
            }
            Some(stored) => match add_missing(&transaction, whole, &stored.header.branch, &self.database.marker)? {
                0 => ImportOutcome::Known,
                added => ImportOutcome::Grown(added),
            },
        };
        transaction
            .prepare_cached("insert or replace into imported (hash, conversation) values (?1, ?2)")?
            .execute([hash, &id_text(id.0)])?;
        search_index::index_changed(&mut transaction)?;
        transaction.commit()?;
        Ok(outcome)
    }

    /// Whether any of these messages belongs to another conversation.
    pub fn has_foreign_messages(&self, whole: &WholeConversation) -> Result<bool, StoreError> {
        let is_foreign = || -> rusqlite::Result<bool> {
            let mut row = self
                .database
                .connection
                .prepare_cached("select exists (select 1 from message where id = ?1 and conversation <> ?2)")?;
            let conversation = id_text(whole.header.id.0);
            for message in &whole.messages {
                if row.query_row([&id_text(message.id.0), &conversation], |row| row.get(0))? {
                    return Ok(true);
                }
            }
            Ok(false)
        };
        is_foreign().map_err(|error| self.database.explain(&error))
    }
}

fn is_imported(db: &Connection, hash: &str) -> rusqlite::Result<bool> {
    db.prepare_cached(
        "select exists (select 1 from imported join conversation on conversation.id = imported.conversation where hash = ?1)",
    )?
    .query_row([hash], |row| row.get(0))
}

fn write_new(db: &Connection, whole: WholeConversation, run: &RunMarker) -> rusqlite::Result<()> {
    let (id, created_at, origin) = (whole.header.id, whole.created_at, whole.origin.clone());
    save::write_all(db, &whole.into_changes(), run)?;
    db.prepare_cached("update conversation set created = ?2, origin = ?3 where id = ?1")?.execute(params![
        id_text(id.0),
        to_nanos(created_at),
        origin
    ])?;
    Ok(())
}

/// Adds the messages that are not there yet. The open branch moves only along itself.
fn add_missing(
    db: &Connection,
    mut whole: WholeConversation,
    branch: &[MessageId],
    run: &RunMarker,
) -> rusqlite::Result<usize> {
    let mut row = db.prepare_cached("select exists (select 1 from message where id = ?1)")?;
    let mut known = BTreeSet::new();
    for message in &whole.messages {
        if row.query_row([id_text(message.id.0)], |row| row.get(0))? {
            known.insert(message.id);
        }
    }
    whole.messages.retain(|message| !known.contains(&message.id));
    whole.full_results.retain(|(message, _), _| !known.contains(message));
    whole.checks.retain(|check| !known.contains(&check.message));
    whole.side_costs.retain(|paid| !known.contains(&paid.message));
    let (id, added, updated) = (whole.header.id, whole.messages.len(), whole.header.updated_at);
    if added == 0 {
        return Ok(0);
    }
    let follows = whole.header.branch.starts_with(branch).then(|| queries::to_json(&whole.header.branch));
    let mut changes = whole.into_changes();
    changes.remove(0); // The conversation itself.
    save::write_all(db, &changes, run)?;
    db.prepare_cached(
        "update conversation set branch = coalesce(?2, branch), updated = max(updated, ?3) where id = ?1",
    )?
    .execute(params![id_text(id.0), follows, to_nanos(updated)])?;
    Ok(added)
}

fn read_whole(connection: &mut Connection, id: ConversationId) -> Result<WholeConversation, LoadFailure> {
    let db = connection.transaction()?; // A consistent snapshot, even while another instance writes.
    let stored = queries::conversation(&db, id)?.ok_or(LoadFailure::Missing)?;
    let (found, _) = queries::messages(&db, id)?;
    let mut messages = Vec::with_capacity(found.len());
    for mut found in found {
        if found.owner.is_some() {
            recover::replay_growth(&db, &mut found)?;
        }
        messages.push(found.message);
    }
    let header = stored.header;
    let (created_at, origin): (i64, Option<String>) =
        db.query_row("select created, origin from conversation where id = ?1", [id_text(id.0)], |row| {
            Ok((row.get(0).unwrap_or_default(), row.get(1).unwrap_or_default()))
        })?;
    Ok(WholeConversation {
        created_at: from_nanos(created_at),
        origin,
        messages,
        full_results: full_results(&db, id)?,
        checks: source_checks::of_conversation(&db, id)?,
        side_costs: side_costs(&db, id)?,
        header,
    })
}

fn full_results(db: &Connection, id: ConversationId) -> rusqlite::Result<BTreeMap<(MessageId, ItemSlot), ToolOutcome>> {
    let mut rows = db.prepare_cached(
        "select outcome.* from message join outcome on outcome.message = message.id where message.conversation = ?1",
    )?;
    let found = readable_rows(rows.query([id_text(id.0)])?, |row| {
        let slot = ItemSlot { step: row.get("step")?, index: row.get("place")? };
        Ok(((MessageId(read_uuid(row, "message")?), slot), queries::read_json(row, "content")?))
    })?;
    Ok(found.into_iter().collect())
}

fn side_costs(db: &Connection, id: ConversationId) -> rusqlite::Result<Vec<SideCost>> {
    let mut rows = db.prepare_cached(
        "select side_cost.* from side_cost join message on message.id = side_cost.message
        where message.conversation = ?1 order by n",
    )?;
    let found = readable_rows(rows.query([id_text(id.0)])?, |row| {
        let (message, at) = (MessageId(read_uuid(row, "message")?), from_nanos(row.get("at")?));
        Ok(Usd::parse(&read_text(row, "cost")).map(|cost| SideCost { message, at, cost }))
    })?;
    Ok(found.into_iter().flatten().collect())
}
