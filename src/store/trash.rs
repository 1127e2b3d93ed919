//! The trash: what is in it, and what leaves the database for good.

use rusqlite::{Connection, OptionalExtension, Result, Row, params};

use super::queries::{id_text, read_json, read_text, read_uuid, readable_rows};
use crate::{
    api::Usd,
    chat::{
        ConversationId, ConversationPreview, Timestamp, TrashedConversation,
        nanos::{from_nanos, to_nanos},
    },
};

/// How many conversations one job deletes, so that saves need not wait long.
const BATCH: usize = 20;

/// The tables whose rows belong to a message.
const MESSAGE_TABLES: &[&str] = &["growth", "recording", "recorded", "outcome", "call_run", "source_check"];

/// What is read for a preview of the conversation `c`.
const PREVIEW: &str = "(select count(*) from message where conversation = c.id) as messages,
    (select sum(coalesce(octet_length(text), 0) + coalesce(octet_length(items), 0) + coalesce(octet_length(runs), 0)
        + coalesce((select bytes from recording where recording.message = message.id), 0))
        from message where conversation = c.id) as bytes,
    (select group_concat(cost, ' ') from message where conversation = c.id) as costs,
    (select substr(text, 1, 600) from message where conversation = c.id and role = 'prompt' order by id desc limit 1)
        as last_prompt";

/// Returns what is in the trash, the most recent first.
pub(super) fn trashed_conversations(db: &Connection) -> Result<Vec<TrashedConversation>> {
    let mut rows = db.prepare_cached(&format!(
        "select id, title, model, tags, trashed_at, {PREVIEW} from conversation c
         where trashed_at is not null order by trashed_at desc, id desc"
    ))?;
    readable_rows(rows.query([])?, |row| {
        Ok(TrashedConversation {
            id: ConversationId(read_uuid(row, "id")?),
            title: read_text(row, "title"),
            model: read_text(row, "model"),
            tags: read_json(row, "tags").unwrap_or_default(),
            trashed_at: from_nanos(row.get("trashed_at").unwrap_or_default()),
            preview: read_preview(row),
        })
    })
}

pub(super) fn preview(db: &Connection, conversation: ConversationId) -> Result<Option<ConversationPreview>> {
    let mut row = db.prepare_cached(&format!("select {PREVIEW} from conversation c where id = ?1"))?;
    row.query_row([id_text(conversation.0)], |row| Ok(read_preview(row))).optional()
}

fn read_preview(row: &Row) -> ConversationPreview {
    let costs = read_text(row, "costs");
    let costs = costs.split_whitespace().filter_map(Usd::parse);
    ConversationPreview {
        messages: row.get::<_, i64>("messages").ok().and_then(|count| count.try_into().ok()).unwrap_or_default(),
        bytes: row.get::<_, Option<i64>>("bytes").unwrap_or_default().unwrap_or_default().unsigned_abs(),
        cost: costs.fold(Usd::default(), |sum, cost| sum.checked_add(&cost).unwrap_or(sum)),
        last_prompt: read_text(row, "last_prompt"),
    }
}

/// Deletes some of the conversations that were moved to the trash before then; returns them, and whether there are more.
pub(super) fn purge(db: &Connection, before: Timestamp) -> Result<(Vec<ConversationId>, bool)> {
    let mut rows = db.prepare_cached(
        "select id from conversation where trashed_at is not null and trashed_at < ?1 order by trashed_at limit ?2",
    )?;
    let limit = i64::try_from(BATCH + 1).unwrap_or(i64::MAX);
    let mut expired =
        readable_rows(rows.query(params![to_nanos(before), limit])?, |row| Ok(ConversationId(read_uuid(row, 0)?)))?;
    let has_more = expired.len() > BATCH;
    expired.truncate(BATCH);
    expired.retain(|id| delete_trashed(db, *id).is_ok_and(|is_deleted| is_deleted));
    Ok((expired, has_more))
}

/// Deletes a conversation and all that belongs to it, unless it is not in the trash. What its answers cost stays, without
/// any text.
pub(super) fn delete_trashed(db: &Connection, conversation: ConversationId) -> Result<bool> {
    let id = id_text(conversation.0);
    let is_trashed = "select 1 from conversation where id = ?1 and trashed_at is not null";
    if db.prepare_cached(is_trashed)?.query_row([&id], |_| Ok(())).optional()?.is_none() {
        return Ok(false);
    }
    delete_rows(db, &id)?;
    Ok(true)
}

fn delete_rows(db: &Connection, id: &str) -> Result<()> {
    db.execute(
        "insert into side_cost (message, at, cost, model) select id, ended, cost, coalesce(model, '') from message
         where conversation = ?1 and cost is not null and ended is not null",
        [id],
    )?;
    for table in MESSAGE_TABLES {
        let of_messages =
            format!("delete from {table} where message in (select id from message where conversation = ?1)");
        db.execute(&of_messages, [id])?;
    }
    for table in ["queued", "imported", "message"] {
        db.execute(&format!("delete from {table} where conversation = ?1"), [id])?;
    }
    db.execute("delete from conversation where id = ?1", [id])?;
    Ok(())
}

/// Writes what an answer cost whose message is not stored, in place of what was known before.
pub(super) fn write_answer_cost(db: &Connection, message: &str, at: Timestamp, cost: &Usd, model: &str) -> Result<()> {
    db.prepare_cached("delete from side_cost where message = ?1 and model is not null")?.execute([message])?;
    db.prepare_cached("insert into side_cost (message, at, cost, model) values (?1, ?2, ?3, ?4)")?.execute(params![
        message,
        to_nanos(at),
        cost.digits(),
        model
    ])?;
    Ok(())
}
