//! Writes changes: many saves in one transaction, each in full or not at all.

use rusqlite::{Connection, TransactionBehavior, params};

use super::{
    StoreError,
    database::OpenDatabase,
    kept_state,
    queries::{self, id_text, to_json, write_order},
    queued, recordings,
    run_marker::RunMarker,
    search_index, source_checks, trash, tree_marks,
};
use crate::{
    chat::{
        Answer, AnswerEnd, ConversationChange, ConversationId, Message, MessageBody, MessageId, QueuedId,
        nanos::to_nanos,
    },
    clock,
};

/// Why one save of several failed.
#[derive(Debug)]
pub(super) enum SaveFailure {
    /// The conversation does not exist.
    Missing(ConversationId),
    /// The prompt is no longer in the queue, or another run holds it.
    Taken(QueuedId),
    Sqlite(rusqlite::Error),
}

pub(super) type SaveOutcome = Result<(), SaveFailure>;

impl From<rusqlite::Error> for SaveFailure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl OpenDatabase {
    /// Writes all saves in one transaction. A save that fails does not affect the others.
    pub(super) fn save(&mut self, saves: &[&[ConversationChange]]) -> Vec<Result<(), StoreError>> {
        if let Some(refusal) = &self.write_refusal {
            return vec![Err(refusal.clone()); saves.len()];
        }
        let together = self.save_together(saves);
        match together.map_err(|error| self.explain(&error)) {
            Ok(outcomes) => outcomes.into_iter().map(|outcome| self.explain_outcome(outcome)).collect(),
            // Do not wait for the lock a second time.
            Err(error) if saves.len() == 1 || error == StoreError::Locked => vec![Err(error); saves.len()],
            Err(_) => saves.iter().flat_map(|save| self.save(&[save])).collect(),
        }
    }

    fn explain_outcome(&self, outcome: SaveOutcome) -> Result<(), StoreError> {
        outcome.map_err(|failure| match failure {
            SaveFailure::Missing(conversation) => StoreError::Missing(conversation.to_string()),
            SaveFailure::Taken(prompt) => StoreError::Taken(prompt),
            SaveFailure::Sqlite(error) => self.explain(&error),
        })
    }

    /// Errs if the transaction fails; then nothing is on disk.
    fn save_together(&mut self, saves: &[&[ConversationChange]]) -> rusqlite::Result<Vec<SaveOutcome>> {
        // A prompt must survive a power cut; everything else only has to survive a kill.
        let durable = saves.iter().copied().flatten().any(is_prompt);
        self.connection.pragma_update(None, "synchronous", if durable { "full" } else { "normal" })?;
        let mut transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut outcomes = Vec::with_capacity(saves.len());
        for save in saves {
            let savepoint = transaction.savepoint()?;
            if save.iter().any(is_owned) {
                self.marker.claim();
            }
            match write_changes(&savepoint, save, &self.marker) {
                Ok(()) => {
                    savepoint.commit()?;
                    outcomes.push(Ok(()));
                }
                // SQLite rolls back the whole transaction when the disk is full.
                Err(SaveFailure::Sqlite(error)) if savepoint.is_autocommit() => return Err(error),
                Err(failure) => {
                    savepoint.finish()?;
                    outcomes.push(Err(failure));
                }
            }
        }
        search_index::index_changed(&mut transaction)?;
        transaction.commit()?;
        Ok(outcomes)
    }
}

/// Writes changes that belong to no run.
pub(super) fn write_all(db: &Connection, changes: &[ConversationChange], run: &RunMarker) -> rusqlite::Result<()> {
    write_changes(db, changes, run).map_err(|failure| match failure {
        SaveFailure::Sqlite(error) => error,
        SaveFailure::Missing(_) | SaveFailure::Taken(_) => rusqlite::Error::QueryReturnedNoRows,
    })
}

fn write_changes(db: &Connection, changes: &[ConversationChange], run: &RunMarker) -> SaveOutcome {
    let mut changes: Vec<&ConversationChange> = changes.iter().collect();
    changes.sort_by_key(|change| write_order(change));
    changes.into_iter().try_for_each(|change| write_change(db, change, run))
}

fn write_change(db: &Connection, change: &ConversationChange, run: &RunMarker) -> SaveOutcome {
    match change {
        ConversationChange::Conversation(header) => queries::write_conversation(db, header)?,
        ConversationChange::Message { conversation, message } => {
            write_message(db, *conversation, message, Some(run.id()))?;
        }
        ConversationChange::Journal { message, chunk: growth } => write_growth(db, *message, &growth.to_json_lines())?,
        ConversationChange::Draft { conversation, text: draft } => {
            update_conversation(db, "update conversation set draft = ?2 where id = ?1", *conversation, draft)?;
        }
        ConversationChange::Queue { conversation, prompt } => queued::insert(db, *conversation, prompt, run)?,
        ConversationChange::SendQueued { conversation, prompt } => queued::take(db, *conversation, *prompt, run)?,
        ConversationChange::TakeBackQueued { conversation: _, prompt } => {
            queued::remove(db, *prompt)?;
        }
        ConversationChange::NewDraft(draft) => {
            db.prepare_cached("insert or replace into setting (name, value) values ('new draft', ?1)")?
                .execute([draft])?;
        }
        ConversationChange::HintShown { name, times } => {
            db.prepare_cached("insert or replace into setting (name, value) values ('hint ' || ?1, ?2)")?
                .execute(params![name, times.to_string()])?;
        }
        ConversationChange::Grant(grant) => queries::write_grant(db, grant)?,
        ConversationChange::ForgetGrants(tool) => {
            db.prepare_cached("delete from tool_grant where server = ?1 and tool = ?2")?
                .execute([&tool.server, &tool.name])?;
        }
        ConversationChange::UnconfirmedRules(rules) => {
            db.prepare_cached("insert or replace into setting (name, value) values ('unconfirmed rules', ?1)")?
                .execute([to_json(rules)])?;
        }
        ConversationChange::Recording { message, recording, max_total_bytes: most_in_all } => {
            recordings::write_recording(db, *message, recording, *most_in_all)?;
        }
        ConversationChange::RecordingChunk { message, chunk, max_bytes: most } => {
            recordings::append_recorded(db, *message, chunk, *most)?;
        }
        ConversationChange::SourceCheck(check) => source_checks::write(db, check)?,
        ConversationChange::SideCost { message, at, cost } => source_checks::add_side_cost(db, *message, *at, cost)?,
        ConversationChange::Prune { message, at } => tree_marks::prune(db, *message, *at)?,
        ConversationChange::RestorePruned(message) => tree_marks::restore_pruned(db, *message)?,
        ConversationChange::Bookmark { message, at } => tree_marks::bookmark(db, *message, *at)?,
        ConversationChange::RemoveBookmark(message) => tree_marks::remove_bookmark(db, *message)?,
        ConversationChange::CopyRecords { from, to } => tree_marks::copy_records(db, *from, *to)?,
        ConversationChange::CallRun { message, slot, run } => queries::write_call_run(db, *message, *slot, run)?,
        ConversationChange::CallResult { message, slot, outcome } => {
            queries::write_outcome(db, *message, *slot, outcome)?;
        }
        ConversationChange::Rename { conversation, title } => {
            update_conversation(
                db,
                "update conversation set title = ?2, renamed = 1 where id = ?1",
                *conversation,
                title,
            )?;
        }
        ConversationChange::File { conversation, change } => {
            if queries::write_filing(db, *conversation, change)? == 0 {
                return Err(SaveFailure::Missing(*conversation));
            }
        }
        ConversationChange::Purge(conversation) => _ = trash::delete_trashed(db, *conversation)?,
        ConversationChange::AnswerCost { message, at, cost, model } => {
            trash::write_answer_cost(db, &id_text(message.0), *at, cost, model)?;
        }
        ConversationChange::Reading { conversation, reading } => {
            update_conversation(db, "update conversation set reading = ?2 where id = ?1", *conversation, reading)?;
        }
        ConversationChange::Shown { conversation, at } => kept_state::write_shown(db, *conversation, *at)?,
        ConversationChange::Panes(panes) => kept_state::write_panes(db, panes)?,
        ConversationChange::Seen(conversation) => {
            update_conversation(db, "update conversation set unread = ?2 where id = ?1", *conversation, false)?;
        }
        ConversationChange::Trash(conversation) => {
            let now = Some(to_nanos(clock::now()));
            update_conversation(db, "update conversation set trashed_at = ?2 where id = ?1", *conversation, now)?;
        }
        ConversationChange::Restore(conversation) => {
            update_conversation(
                db,
                "update conversation set trashed_at = ?2 where id = ?1",
                *conversation,
                None::<i64>,
            )?;
        }
    }
    Ok(())
}

/// Writes a message, deletes its journal and the calls written apart, and records whether the newest answer failed.
pub(super) fn write_message(
    db: &Connection,
    conversation: ConversationId,
    message: &Message,
    owner: Option<&str>,
) -> rusqlite::Result<()> {
    let owner = owner.filter(|_| message.as_answer().is_some_and(is_open_answer));
    queries::write_message(db, conversation, message, owner)?;
    db.prepare_cached("delete from growth where message = ?1")?.execute([id_text(message.id.0)])?;
    db.prepare_cached("delete from call_run where message = ?1")?.execute([id_text(message.id.0)])?;
    if let Some(answer) = message.as_answer() {
        let failed = matches!(answer.end, AnswerEnd::Failed(_) | AnswerEnd::Interrupted);
        db.prepare_cached(
            "update conversation set failed = ?2 where id = ?1 and not exists
             (select 1 from message where conversation = ?1 and role = 'answer' and id > ?3)",
        )?
        .execute(params![id_text(conversation.0), failed, id_text(message.id.0)])?;
    }
    Ok(())
}

fn write_growth(db: &Connection, message: MessageId, events: &str) -> rusqlite::Result<()> {
    db.prepare_cached("insert into growth (message, at, events) values (?1, ?2, ?3)")?.execute(params![
        id_text(message.0),
        to_nanos(clock::now()),
        events
    ])?;
    Ok(())
}

fn update_conversation(
    db: &Connection,
    sql: &str,
    conversation: ConversationId,
    value: impl rusqlite::ToSql,
) -> SaveOutcome {
    match db.prepare_cached(sql)?.execute(params![id_text(conversation.0), value])? {
        0 => Err(SaveFailure::Missing(conversation)),
        _ => Ok(()),
    }
}

fn is_prompt(change: &ConversationChange) -> bool {
    matches!(change, ConversationChange::Message { message, .. } if matches!(message.body, MessageBody::Prompt(_)))
}

/// Whether what is written belongs to this run while it is alive.
fn is_owned(change: &ConversationChange) -> bool {
    match change {
        ConversationChange::Message { message, .. } => message.as_answer().is_some_and(is_open_answer),
        ConversationChange::Queue { .. } | ConversationChange::SendQueued { .. } => true,
        _ => false,
    }
}

fn is_open_answer(answer: &Answer) -> bool {
    matches!(answer.end, AnswerEnd::Open)
}
