//! The rows of queued prompts: a prompt leaves the queue in the transaction that makes it a message, and only once.

use rusqlite::{Connection, OptionalExtension, Result, params};

use super::{
    queries::{id_text, read_text, read_uuid, readable_rows},
    run_marker::RunMarker,
    save::{SaveFailure, SaveOutcome},
};
use crate::chat::{ConversationId, QueueHolder, QueuedId, QueuedPrompt};

/// Returns the queued prompts of a conversation, oldest first. A row that cannot be read costs no other.
pub(super) fn queued(db: &Connection, conversation: ConversationId, run: &RunMarker) -> Result<Vec<QueuedPrompt>> {
    let mut rows = db.prepare_cached("select id, owner, text from queued where conversation = ?1 order by id")?;
    readable_rows(rows.query([id_text(conversation.0)])?, |row| {
        let is_elsewhere = run.is_other_alive(&read_text(row, "owner"));
        let holder = if is_elsewhere { QueueHolder::Elsewhere } else { QueueHolder::Here };
        Ok(QueuedPrompt { id: QueuedId(read_uuid(row, "id")?), text: read_text(row, "text"), holder })
    })
}

/// Adds a prompt that this run will send.
pub(super) fn insert(
    db: &Connection,
    conversation: ConversationId,
    prompt: &QueuedPrompt,
    run: &RunMarker,
) -> SaveOutcome {
    let inserted = db
        .prepare_cached(
            "insert into queued (id, conversation, owner, text) select ?1, id, ?3, ?4 from conversation where id = ?2",
        )?
        .execute(params![id_text(prompt.id.0), id_text(conversation.0), run.id(), prompt.text])?;
    if inserted == 0 { Err(SaveFailure::Missing(conversation)) } else { Ok(()) }
}

/// Removes a prompt that this run is about to send, and takes over what no run holds in the same queue. Errs if the
/// prompt is gone, or if another run holds it.
pub(super) fn take(db: &Connection, conversation: ConversationId, prompt: QueuedId, run: &RunMarker) -> SaveOutcome {
    let owner = db
        .prepare_cached("select owner from queued where id = ?1")?
        .query_row([id_text(prompt.0)], |row| Ok(read_text(row, "owner")))
        .optional()?;
    if owner.is_none_or(|owner| run.is_other_alive(&owner)) || remove(db, prompt)? == 0 {
        return Err(SaveFailure::Taken(prompt));
    }
    let mut owners = db.prepare_cached("select distinct owner from queued where conversation = ?1")?;
    let owners: Vec<String> = owners.query_map([id_text(conversation.0)], |row| row.get(0))?.flatten().collect();
    for gone in owners.iter().filter(|owner| !run.is_other_alive(owner)) {
        db.prepare_cached("update queued set owner = ?3 where conversation = ?1 and owner = ?2")?.execute(params![
            id_text(conversation.0),
            gone,
            run.id()
        ])?;
    }
    Ok(())
}

/// Removes a prompt, if it is still there, and returns how many rows that changed.
pub(super) fn remove(db: &Connection, prompt: QueuedId) -> Result<usize> {
    db.prepare_cached("delete from queued where id = ?1")?.execute([id_text(prompt.0)])
}
