//! What the program was like when it was used last: which conversation was on the screen, and which panes.

use rusqlite::{Connection, OptionalExtension, Result};
use uuid::Uuid;

use super::queries::id_text;
use crate::chat::{
    ConversationId, Timestamp,
    nanos::{from_nanos, to_nanos},
};

const WRITE: &str = "insert or replace into setting (name, value) values (?1, ?2)";
const SHOWN: &str = "shown conversation";
const PANES: &str = "panes";

/// Returns the conversation that was on the screen last, if it is not in the trash, and until when.
pub(super) fn shown_conversation(db: &Connection) -> Result<Option<(ConversationId, Timestamp)>> {
    let Some(value) = setting(db, SHOWN)? else { return Ok(None) };
    let shown = value
        .split_once(' ')
        .and_then(|(id, at)| Some((ConversationId(Uuid::parse_str(id).ok()?), from_nanos(at.parse().ok()?))));
    let is_there = |id: ConversationId| {
        let mut row = db.prepare_cached("select 1 from conversation where id = ?1 and trashed_at is null")?;
        row.exists([id_text(id.0)])
    };
    match shown {
        Some((id, at)) if is_there(id)? => Ok(Some((id, at))),
        Some(_) | None => Ok(None),
    }
}

pub(super) fn write_shown(db: &Connection, conversation: ConversationId, at: Timestamp) -> Result<()> {
    let value = format!("{} {}", id_text(conversation.0), to_nanos(at));
    db.prepare_cached(WRITE)?.execute([SHOWN, &value])?;
    Ok(())
}

pub(super) fn panes(db: &Connection) -> Result<Option<String>> {
    setting(db, PANES)
}

pub(super) fn write_panes(db: &Connection, panes: &str) -> Result<()> {
    db.prepare_cached(WRITE)?.execute([PANES, panes])?;
    Ok(())
}

fn setting(db: &Connection, name: &str) -> Result<Option<String>> {
    let mut row = db.prepare_cached("select value from setting where name = ?1")?;
    row.query_row([name], |row| row.get(0)).optional()
}
