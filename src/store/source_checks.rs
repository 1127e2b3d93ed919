//! The rows of checked sources: one for each source of an answer, with what was found on its page.

use rusqlite::{Connection, Result, params};

use super::queries::{id_text, read_text, read_uuid, readable_rows};
use crate::{
    api::Usd,
    chat::{
        ConversationId, MessageId, StoredCheck, Timestamp,
        nanos::{from_nanos, to_nanos},
    },
};

/// Writes a check in place of an earlier one of the same source.
pub(super) fn write(db: &Connection, check: &StoredCheck) -> Result<()> {
    db.prepare_cached(
        "insert or replace into source_check (message, source, at, page_hash, result) values (?1, ?2, ?3, ?4, ?5)",
    )?
    .execute(params![
        id_text(check.message.0),
        check.source,
        to_nanos(check.checked_at),
        check.page_hash,
        check.result,
    ])?;
    Ok(())
}

/// Adds what was paid for an answer besides the answer itself.
pub(super) fn add_side_cost(db: &Connection, message: MessageId, at: Timestamp, cost: &Usd) -> Result<()> {
    db.prepare_cached("insert into side_cost (message, at, cost) values (?1, ?2, ?3)")?.execute(params![
        id_text(message.0),
        to_nanos(at),
        cost.digits()
    ])?;
    Ok(())
}

/// Returns what was paid for the answers of a conversation besides the answers themselves.
pub(super) fn side_costs(db: &Connection, conversation: ConversationId) -> Result<Vec<(MessageId, Usd)>> {
    let mut rows = db.prepare_cached(
        "select side_cost.message, side_cost.cost from side_cost join message on message.id = side_cost.message
        where message.conversation = ?1",
    )?;
    let costs = readable_rows(rows.query([id_text(conversation.0)])?, |row| {
        Ok((MessageId(read_uuid(row, "message")?), Usd::parse(&read_text(row, "cost"))))
    })?;
    Ok(costs.into_iter().filter_map(|(message, cost)| Some((message, cost?))).collect())
}

/// Returns the checks of the answers of a conversation. A row that cannot be read costs no other.
pub(super) fn of_conversation(db: &Connection, conversation: ConversationId) -> Result<Vec<StoredCheck>> {
    let mut rows = db.prepare_cached(
        "select source_check.* from source_check join message on message.id = source_check.message
        where message.conversation = ?1 order by source_check.message, source_check.source",
    )?;
    readable_rows(rows.query([id_text(conversation.0)])?, |row| {
        Ok(StoredCheck {
            message: MessageId(read_uuid(row, "message")?),
            source: read_text(row, "source"),
            checked_at: from_nanos(row.get("at")?),
            page_hash: row.get("page_hash")?,
            result: read_text(row, "result"),
        })
    })
}
