//! The rows of queued prompts: a prompt leaves the queue in the transaction that makes it a message, and only once.

use std::collections::BTreeSet;

use rusqlite::{Connection, OptionalExtension, Result, params};

use super::{
    queries::{id_text, read_text, read_uuid, readable_rows},
    run_marker::RunMarker,
    save::{SaveFailure, SaveOutcome},
};
use crate::chat::{ConversationId, QueueHolder, QueuedId, QueuedPrompt};

/// Returns the queued prompts of a conversation, oldest first. A row that cannot be read costs no other. A run whose open
/// answer was read still holds its prompts, even if it has ended meanwhile: first its answer has to end.
pub(super) fn queued(
    db: &Connection,
    conversation: ConversationId,
    run: &RunMarker,
    writers: &BTreeSet<String>,
) -> Result<Vec<QueuedPrompt>> {
    let mut rows = db.prepare_cached("select id, owner, text from queued where conversation = ?1 order by id")?;
    readable_rows(rows.query([id_text(conversation.0)])?, |row| {
        let owner = read_text(row, "owner");
        let is_elsewhere = run.is_other_alive(&owner) || owner != run.id() && writers.contains(&owner);
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

#[cfg(test)]
mod tests {
    use std::path::Path;

    use uuid::Uuid;

    use super::*;
    use crate::{
        chat::{ChatSettings, ConversationHeader, IdGenerator, Timestamp},
        store::{queries, schema},
    };

    #[test]
    fn whoever_writes_an_open_answer_holds_its_queue_even_if_it_has_just_ended() {
        let mut db = Connection::open_in_memory().expect("memory");
        schema::migrate(&mut db).expect("a schema");
        let (now, mut ids) = (Timestamp::default(), IdGenerator::new(1));
        let header = ConversationHeader {
            id: ids.conversation(now),
            title: String::new(),
            renamed: false,
            settings: ChatSettings::default(),
            branch: Vec::new(),
            updated_at: now,
            unread: false,
            left_out: BTreeSet::new(),
        };
        queries::write_conversation(&db, &header).expect("it is written");
        let (here, ended) = (RunMarker::next_to(Path::new("a")), RunMarker::next_to(Path::new("b")));
        let prompt = QueuedPrompt { id: QueuedId(Uuid::now_v7()), text: "next".into(), holder: QueueHolder::Here };
        insert(&db, header.id, &prompt, &ended).expect("it is queued");
        let holder = |writers: &[&str]| {
            let writers = writers.iter().map(|&writer| writer.to_owned()).collect();
            queued(&db, header.id, &here, &writers).expect("the queue is read")[0].holder
        };
        assert_eq!(holder(&[]), QueueHolder::Here);
        assert_eq!(holder(&[ended.id()]), QueueHolder::Elsewhere);
    }
}
