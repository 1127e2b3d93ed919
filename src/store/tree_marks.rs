//! What is recorded about messages after they were written: pruned branches and bookmarks; and what copies share.

use std::collections::BTreeMap;

use rusqlite::{Connection, Result, params};

use super::queries::{id_text, read_uuid, readable_rows};
use crate::chat::{
    ConversationId, MessageId, Timestamp, TreeMarks,
    nanos::{from_nanos, to_nanos},
};

const PRUNED: &str = "select pruned.message, pruned.at from message join pruned on pruned.message = message.id
    where message.conversation = ?1";
const BOOKMARKS: &str =
    "select bookmark.message, bookmark.at from message join bookmark on bookmark.message = message.id
    where message.conversation = ?1";

pub(super) fn of_conversation(db: &Connection, conversation: ConversationId) -> Result<TreeMarks> {
    let read = |sql: &str| -> Result<BTreeMap<MessageId, Timestamp>> {
        let mut rows = db.prepare_cached(sql)?;
        let marks = readable_rows(rows.query([id_text(conversation.0)])?, |row| {
            Ok((MessageId(read_uuid(row, 0)?), from_nanos(row.get(1).unwrap_or_default())))
        })?;
        Ok(marks.into_iter().collect())
    };
    Ok(TreeMarks { pruned: read(PRUNED)?, bookmarks: read(BOOKMARKS)? })
}

pub(super) fn prune(db: &Connection, message: MessageId, at: Timestamp) -> Result<()> {
    write(db, "insert or ignore into pruned (message, at) values (?1, ?2)", message, at)
}

pub(super) fn restore_pruned(db: &Connection, message: MessageId) -> Result<()> {
    db.prepare_cached("delete from pruned where message = ?1")?.execute([id_text(message.0)])?;
    Ok(())
}

pub(super) fn bookmark(db: &Connection, message: MessageId, at: Timestamp) -> Result<()> {
    write(db, "insert or replace into bookmark (message, at) values (?1, ?2)", message, at)
}

pub(super) fn remove_bookmark(db: &Connection, message: MessageId) -> Result<()> {
    db.prepare_cached("delete from bookmark where message = ?1")?.execute([id_text(message.0)])?;
    Ok(())
}

fn write(db: &Connection, sql: &str, message: MessageId, at: Timestamp) -> Result<()> {
    db.prepare_cached(sql)?.execute(params![id_text(message.0), to_nanos(at)])?;
    Ok(())
}

/// Gives a copy of an answer the full results of its calls and the checks of its sources.
pub(super) fn copy_records(db: &Connection, from: MessageId, to: MessageId) -> Result<()> {
    for sql in [
        "insert or replace into outcome (message, step, place, content)
         select ?2, step, place, content from outcome where message = ?1",
        "insert or replace into source_check (message, source, at, page_hash, result)
         select ?2, source, at, page_hash, result from source_check where message = ?1",
    ] {
        db.prepare_cached(sql)?.execute([id_text(from.0), id_text(to.0)])?;
    }
    Ok(())
}
