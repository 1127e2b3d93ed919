//! Changes to rows: many saves in one transaction, each whole or not at all.

use rusqlite::{Connection, TransactionBehavior, params};

use super::{
    Error,
    open::Database,
    rows::{self, nanos, rank, text, to_json},
};
use crate::chat::{Answer, Body, Change, ConversationId, End, Message, MessageId, Timestamp};

/// Why one save of several failed.
#[derive(Debug)]
enum Failure {
    /// There is no such conversation.
    Missing(ConversationId),
    Sqlite(rusqlite::Error),
}

type Outcome = Result<(), Failure>;

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl Database {
    /// Writes all saves in one transaction; one that fails takes none of the others with it.
    pub fn save(&mut self, saves: &[&[Change]]) -> Vec<Result<(), Error>> {
        let together = self.save_together(saves);
        match together.map_err(|error| self.explain(&error)) {
            Ok(outcomes) => outcomes.into_iter().map(|outcome| self.outcome(outcome)).collect(),
            // The lock was waited for once already.
            Err(error) if saves.len() == 1 || error == Error::Locked => vec![Err(error); saves.len()],
            Err(_) => saves.iter().flat_map(|save| self.save(&[save])).collect(),
        }
    }

    fn outcome(&self, outcome: Outcome) -> Result<(), Error> {
        outcome.map_err(|failure| match failure {
            Failure::Missing(conversation) => Error::Missing(conversation.to_string()),
            Failure::Sqlite(error) => self.explain(&error),
        })
    }

    /// An error is one of the transaction: nothing of it is on disk.
    fn save_together(&mut self, saves: &[&[Change]]) -> rusqlite::Result<Vec<Outcome>> {
        // A prompt outlives a power cut as well, the rest a kill.
        let durable = saves.iter().copied().flatten().any(is_prompt);
        self.connection.pragma_update(None, "synchronous", if durable { "full" } else { "normal" })?;
        let mut transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut outcomes = Vec::with_capacity(saves.len());
        for save in saves {
            let savepoint = transaction.savepoint()?;
            let owner = if save.iter().any(is_open) { Some(self.live.claim().to_owned()) } else { None };
            match write_all(&savepoint, save, owner.as_deref()) {
                Ok(()) => {
                    savepoint.commit()?;
                    outcomes.push(Ok(()));
                }
                // A full disk ends the whole transaction by itself.
                Err(Failure::Sqlite(error)) if savepoint.is_autocommit() => return Err(error),
                Err(failure) => {
                    savepoint.finish()?;
                    outcomes.push(Err(failure));
                }
            }
        }
        transaction.commit()?;
        Ok(outcomes)
    }
}

fn write_all(db: &Connection, changes: &[Change], owner: Option<&str>) -> Outcome {
    let mut changes: Vec<&Change> = changes.iter().collect();
    changes.sort_by_key(|change| rank(change));
    changes.into_iter().try_for_each(|change| write(db, change, owner))
}

fn write(db: &Connection, change: &Change, owner: Option<&str>) -> Outcome {
    match change {
        Change::Conversation(header) => rows::write_conversation(db, header)?,
        Change::Message { conversation, message } => write_message(db, *conversation, message, owner)?,
        Change::Growth { message, growth } => write_growth(db, *message, &growth.lines())?,
        Change::Draft { conversation, text: draft } => {
            update(db, "update conversation set draft = ?2 where id = ?1", *conversation, draft)?;
        }
        Change::Queue { conversation, prompts } => {
            update(db, "update conversation set queue = ?2 where id = ?1", *conversation, to_json(prompts))?;
        }
        Change::NewDraft(draft) => {
            db.prepare_cached("insert or replace into setting (name, value) values ('new draft', ?1)")?
                .execute([draft])?;
        }
        Change::Recording { message, recording, most_in_all } => {
            rows::write_recording(db, *message, recording, *most_in_all)?;
        }
        Change::Recorded { message, chunk, most } => rows::write_recorded(db, *message, chunk, *most)?,
        Change::Outcome { message, slot, outcome } => rows::write_outcome(db, *message, *slot, outcome)?,
        Change::Rename { conversation, title } => {
            update(db, "update conversation set title = ?2, renamed = 1 where id = ?1", *conversation, title)?;
        }
        Change::Seen(conversation) => {
            update(db, "update conversation set unread = ?2 where id = ?1", *conversation, false)?;
        }
        Change::Trash(conversation) => {
            let now = Some(nanos(Timestamp::now()));
            update(db, "update conversation set trashed_at = ?2 where id = ?1", *conversation, now)?;
        }
        Change::Restore(conversation) => {
            update(db, "update conversation set trashed_at = ?2 where id = ?1", *conversation, None::<i64>)?;
        }
    }
    Ok(())
}

/// Writes a message, forgets its growth, and notes how the newest answer ended.
pub fn write_message(
    db: &Connection,
    conversation: ConversationId,
    message: &Message,
    owner: Option<&str>,
) -> rusqlite::Result<()> {
    let owner = owner.filter(|_| message.answer().is_some_and(is_open_answer));
    rows::write_message(db, conversation, message, owner)?;
    db.prepare_cached("delete from growth where message = ?1")?.execute([text(message.id.0)])?;
    if let Some(answer) = message.answer() {
        let failed = matches!(answer.end, End::Failed(_) | End::Interrupted);
        db.prepare_cached(
            "update conversation set failed = ?2 where id = ?1 and not exists
             (select 1 from message where conversation = ?1 and role = 'answer' and id > ?3)",
        )?
        .execute(params![text(conversation.0), failed, text(message.id.0)])?;
    }
    Ok(())
}

fn write_growth(db: &Connection, message: MessageId, events: &str) -> rusqlite::Result<()> {
    db.prepare_cached("insert into growth (message, at, events) values (?1, ?2, ?3)")?.execute(params![
        text(message.0),
        nanos(Timestamp::now()),
        events
    ])?;
    Ok(())
}

fn update(db: &Connection, sql: &str, conversation: ConversationId, value: impl rusqlite::ToSql) -> Outcome {
    match db.prepare_cached(sql)?.execute(params![text(conversation.0), value])? {
        0 => Err(Failure::Missing(conversation)),
        _ => Ok(()),
    }
}

fn is_prompt(change: &Change) -> bool {
    matches!(change, Change::Message { message, .. } if matches!(message.body, Body::Prompt(_)))
}

fn is_open(change: &Change) -> bool {
    matches!(change, Change::Message { message, .. } if message.answer().is_some_and(is_open_answer))
}

fn is_open_answer(answer: &Answer) -> bool {
    matches!(answer.end, End::Open)
}
