//! Conversations and messages to rows and back.

use std::collections::BTreeMap;

use rusqlite::{
    Connection, OptionalExtension, Result, Row, RowIndex, named_params,
    types::{FromSqlError, Type},
};
use uuid::Uuid;

use super::kept;
use crate::{
    api::{Usage, Usd},
    chat::{
        Answer, Body, Change, ConversationId, Header, Message, MessageId, Prompt, Recording, Slot, Summary, Timestamp,
        answer::{Bill, Progress},
        recording::Chunk,
    },
    tools::Outcome,
};

/// What the disk has of a conversation besides its messages.
pub struct Stored {
    pub header: Header,
    pub draft: String,
    pub queue: Vec<String>,
}

/// Whose answer a message is while it is open, and the message.
pub struct StoredMessage {
    pub conversation: ConversationId,
    pub owner: Option<String>,
    pub message: Message,
}

const NEWEST: &str = "select id, title, updated, unread, failed from conversation
    where trashed_at is null order by updated desc, id desc limit ?1";
const COUNT: &str = "select count(*) from conversation where trashed_at is null";
const MESSAGES: &str = "select * from message where conversation = ?1 order by id";
/// Without the name of the index SQLite walks all messages, for it cannot know that few are open.
const OPEN: &str = "select * from message indexed by message_open where owner is not null";
const GROWTH: &str = "select at, events from growth where message = ?1 order by n";
/// What answers cost that ended since then, the trash included: it was paid for.
const SPENT: &str = "select cost from message where ended >= ?1 and cost is not null";
const PROMPTS: &str = "select text from message join conversation on conversation.id = message.conversation
    where role = 'prompt' and trashed_at is null order by at desc, message.id desc";

/// The oldest from the one on with which the newer ones no longer fit.
const TRIM: &str = "delete from recording where n <= (
    select n from (select n, sum(bytes) over (order by n desc) as kept from recording)
    where kept > ?1 order by n desc limit 1)";
/// Those that begin behind the first half and end before the last.
const TRIM_RECORDED: &str = "delete from recorded where n in (
    select n from (
        select n, sum(bytes) over (order by n) - bytes as before, sum(bytes) over (order by n desc) - bytes as behind
        from recorded where message = ?1)
    where before >= ?2 and behind >= ?2)";

pub fn newest(db: &Connection, most: usize) -> Result<Vec<Summary>> {
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let mut rows = db.prepare_cached(NEWEST)?;
    rows.query_map([most], |row| {
        Ok(Summary {
            id: ConversationId(uuid(row, 0)?),
            title: row.get(1)?,
            updated: time(row.get(2)?),
            unread: row.get(3)?,
            failed: row.get(4)?,
        })
    })?
    .collect()
}

pub fn count(db: &Connection) -> Result<usize> {
    let count: i64 = db.query_row(COUNT, [], |row| row.get(0))?;
    Ok(usize::try_from(count).unwrap_or_default())
}

pub fn conversation(db: &Connection, id: ConversationId) -> Result<Option<Stored>> {
    let mut row = db.prepare_cached("select * from conversation where id = ?1")?;
    row.query_row([text(id.0)], |row| {
        let header = Header {
            id,
            title: row.get("title")?,
            renamed: row.get("renamed")?,
            settings: json(row, "settings")?,
            branch: json(row, "branch")?,
            updated: time(row.get("updated")?),
            unread: row.get("unread")?,
            left_out: json(row, "left_out")?,
        };
        Ok(Stored { header, draft: row.get("draft")?, queue: json(row, "queue")? })
    })
    .optional()
}

pub fn messages(db: &Connection, conversation: ConversationId) -> Result<Vec<StoredMessage>> {
    let mut rows = db.prepare_cached(MESSAGES)?;
    rows.query_map([text(conversation.0)], message)?.collect()
}

/// The answers that no run has settled.
pub fn open_messages(db: &Connection) -> Result<Vec<StoredMessage>> {
    let mut rows = db.prepare_cached(OPEN)?;
    rows.query_map([], message)?.collect()
}

/// What an answer grew by since it was written, oldest first, with the time of its writing.
pub fn growth(db: &Connection, message: MessageId) -> Result<Vec<(Timestamp, String)>> {
    let mut rows = db.prepare_cached(GROWTH)?;
    rows.query_map([text(message.0)], |row| Ok((time(row.get("at")?), row.get("events")?)))?.collect()
}

/// The newest prompts outside the trash, without repetitions.
pub fn prompts(db: &Connection, most: usize) -> Result<Vec<String>> {
    let mut rows = db.prepare_cached(PROMPTS)?;
    let mut seen = std::collections::HashSet::new();
    let mut prompts = Vec::new();
    let mut found = rows.query([])?;
    while let Some(row) = found.next()? {
        let prompt: String = row.get(0)?;
        if seen.insert(prompt.clone()) {
            prompts.push(prompt);
            if prompts.len() == most {
                break;
            }
        }
    }
    Ok(prompts)
}

pub fn spent(db: &Connection, since: Timestamp) -> Result<Usd> {
    let mut rows = db.prepare_cached(SPENT)?;
    let mut spent = Usd::default();
    for digits in rows.query_map([nanos(since)], |row| row.get::<_, String>(0))? {
        spent = Usd::parse(&digits?).and_then(|cost| spent.plus(&cost)).unwrap_or(spent);
    }
    Ok(spent)
}

pub fn new_draft(db: &Connection) -> Result<String> {
    let draft = db.query_row("select value from setting where name = 'new draft'", [], |row| row.get(0));
    Ok(draft.optional()?.unwrap_or_default())
}

/// What went over the wire for an answer, if that is still there.
pub fn recording(db: &Connection, message: MessageId) -> Result<Option<Recording>> {
    let mut row = db.prepare_cached("select pieces from recording where message = ?1")?;
    let whole = row.query_row([text(message.0)], |row| json(row, "pieces")).optional()?;
    if whole.is_some() { Ok(whole) } else { recorded(db, message) }
}

/// The recording of an answer that still runs, or whose run was killed, as far as it is on disk.
pub fn recorded(db: &Connection, message: MessageId) -> Result<Option<Recording>> {
    let mut rows = db.prepare_cached("select most, before, pieces from recorded where message = ?1 order by n")?;
    let mut found = rows.query([text(message.0)])?;
    let (mut most, mut chunks) = (0, Vec::new());
    while let Some(row) = found.next()? {
        most = usize::try_from(row.get::<_, i64>("most")?).unwrap_or_default();
        chunks.push(Chunk { before: json(row, "before")?, pieces: json(row, "pieces")? });
    }
    Ok((!chunks.is_empty()).then(|| Recording::put_together(most, chunks)))
}

/// Writes some more of it; what is neither of its first half nor of its last is dropped.
pub fn write_recorded(db: &Connection, message: MessageId, chunk: &Chunk, most: usize) -> Result<()> {
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let (before, pieces) = (to_json(&chunk.before), to_json(&chunk.pieces));
    let bytes = i64::try_from(chunk.bytes()).unwrap_or(i64::MAX);
    db.prepare_cached("insert into recorded (message, most, before, bytes, pieces) values (?1, ?2, ?3, ?4, ?5)")?
        .execute(rusqlite::params![text(message.0), most, before, bytes, pieces])?;
    db.prepare_cached(TRIM_RECORDED)?.execute(rusqlite::params![text(message.0), most / 2])?;
    Ok(())
}

/// Writes it over an older one of the same answer, then drops the oldest of all until the rest fits.
pub fn write_recording(db: &Connection, message: MessageId, recording: &Recording, most_in_all: u64) -> Result<()> {
    let pieces = to_json(recording);
    db.prepare_cached("insert or replace into recording (message, bytes, pieces) values (?1, ?2, ?3)")?
        .execute(rusqlite::params![text(message.0), i64::try_from(pieces.len()).unwrap_or(i64::MAX), pieces])?;
    db.prepare_cached("delete from recorded where message = ?1")?.execute([text(message.0)])?;
    db.prepare_cached(TRIM)?.execute([i64::try_from(most_in_all).unwrap_or(i64::MAX)])?;
    Ok(())
}

/// All that a tool gave back, where its message has less.
pub fn outcome(db: &Connection, message: MessageId, slot: Slot) -> Result<Option<Outcome>> {
    let mut row = db.prepare_cached("select content from outcome where message = ?1 and step = ?2 and place = ?3")?;
    row.query_row(rusqlite::params![text(message.0), slot.step, slot.index], |row| json(row, "content")).optional()
}

pub fn write_outcome(db: &Connection, message: MessageId, slot: Slot, outcome: &Outcome) -> Result<()> {
    db.prepare_cached("insert or replace into outcome (message, step, place, content) values (?1, ?2, ?3, ?4)")?
        .execute(rusqlite::params![text(message.0), slot.step, slot.index, to_json(outcome)])?;
    Ok(())
}

pub fn write_conversation(db: &Connection, header: &Header) -> Result<()> {
    let mut row = db.prepare_cached(
        "insert into conversation (id, title, renamed, settings, branch, created, updated, unread, left_out)
         values (:id, :title, :renamed, :settings, :branch, :updated, :updated, :unread, :left_out)
         on conflict (id) do update set
            -- Another instance may have given it the reader's own title.
            title = iif(renamed and not excluded.renamed, title, excluded.title),
            renamed = max(renamed, excluded.renamed),
            settings = excluded.settings, branch = excluded.branch, updated = excluded.updated, unread = excluded.unread,
            left_out = excluded.left_out",
    )?;
    row.execute(named_params! {
        ":id": text(header.id.0),
        ":title": header.title,
        ":renamed": header.renamed,
        ":settings": to_json(&header.settings),
        ":branch": to_json(&header.branch),
        ":updated": nanos(header.updated),
        ":unread": header.unread,
        ":left_out": to_json(&header.left_out),
    })?;
    Ok(())
}

/// Writes the whole message; `owner` is who still writes it, if anybody.
pub fn write_message(
    db: &Connection,
    conversation: ConversationId,
    message: &Message,
    owner: Option<&str>,
) -> Result<()> {
    let (role, prompt, answer) = match &message.body {
        Body::Prompt(prompt) => ("prompt", Some(&prompt.text), None),
        Body::Answer(answer) => ("answer", None, Some(answer)),
    };
    let usage = answer.and_then(|answer| answer.usage.as_ref());
    // Of those of its responses that told; the rest is in its bills.
    let known = answer.filter(|answer| answer.bills.values().any(is_priced)).map(|answer| answer.cost().0);
    let count = |of: fn(&Usage) -> Option<u64>| usage.and_then(of).map(u64::cast_signed);
    let mut row = db.prepare_cached(
        "insert into message values (:id, :conversation, :parent, :role, :at, :rev, :text, :endpoint, :model, :answered_by,
            :ending, :owner, :input, :cached, :output, :reasoning, :cost, :generation, :started, :first, :ended, :notes, :items, :runs, :course, :bills)
         on conflict (id) do update set
            parent = excluded.parent, at = excluded.at, rev = excluded.rev, text = excluded.text,
            endpoint = excluded.endpoint, model = excluded.model, answered_by = excluded.answered_by, ending = excluded.ending,
            owner = excluded.owner, input_tokens = excluded.input_tokens, cached_tokens = excluded.cached_tokens,
            output_tokens = excluded.output_tokens, reasoning_tokens = excluded.reasoning_tokens, cost = excluded.cost,
            generation = excluded.generation, started = excluded.started, first_text = excluded.first_text,
            ended = excluded.ended, notes = excluded.notes, items = excluded.items, runs = excluded.runs, course = excluded.course,
            bills = excluded.bills",
    )?;
    row.execute(named_params! {
        ":id": text(message.id.0),
        ":conversation": text(conversation.0),
        ":parent": message.parent.map(|parent| text(parent.0)),
        ":role": role,
        ":at": nanos(message.at),
        ":rev": message.rev,
        ":text": prompt,
        ":endpoint": answer.map(|answer| &answer.endpoint),
        ":model": answer.map(|answer| &answer.model),
        ":answered_by": answer.and_then(|answer| answer.answered_by.as_ref()),
        ":ending": answer.map(|answer| kept::end(&answer.end)),
        ":owner": owner,
        ":input": count(|usage| usage.input_tokens),
        ":cached": count(|usage| usage.cached_tokens),
        ":output": count(|usage| usage.output_tokens),
        ":reasoning": count(|usage| usage.reasoning_tokens),
        ":cost": known.as_ref().map(Usd::digits),
        ":generation": answer.and_then(|answer| answer.generations().next_back()),
        ":started": answer.map(|answer| nanos(answer.started)),
        ":first": answer.and_then(|answer| answer.first_text).map(nanos),
        ":ended": answer.and_then(|answer| answer.ended).map(nanos),
        ":notes": answer.map(|answer| to_json(&answer.notes)),
        ":items": answer.map(|answer| kept::items(&answer.items)),
        ":runs": answer.filter(|answer| !answer.runs.is_empty()).map(|answer| kept::runs(&answer.runs)),
        ":course": answer.map(|answer| to_json(&answer.course)),
        ":bills": answer.map(|answer| kept::bills(&answer.bills)),
    })?;
    Ok(())
}

fn message(row: &Row) -> Result<StoredMessage> {
    let body = match row.get_ref("role")?.as_str()? {
        "prompt" => Body::Prompt(Prompt { text: row.get("text")? }),
        _ => Body::Answer(answer(row)?),
    };
    let message = Message {
        id: MessageId(uuid(row, "id")?),
        parent: row.get::<_, Option<String>>("parent")?.map(|_| uuid(row, "parent")).transpose()?.map(MessageId),
        at: time(row.get("at")?),
        rev: row.get("rev")?,
        body,
    };
    Ok(StoredMessage { conversation: ConversationId(uuid(row, "conversation")?), owner: row.get("owner")?, message })
}

fn is_priced(bill: &Bill) -> bool {
    bill.usage.as_ref().is_some_and(|usage| usage.cost.is_some())
}

fn answer(row: &Row) -> Result<Answer> {
    let mut answer = Answer {
        endpoint: row.get("endpoint")?,
        model: row.get("model")?,
        answered_by: row.get("answered_by")?,
        items: kept::read_items(row.get_ref("items")?.as_str()?).map_err(damaged)?,
        runs: row.get_ref("runs")?.as_str_or_null()?.map_or(Ok(BTreeMap::new()), kept::read_runs).map_err(damaged)?,
        end: kept::read_end(row.get_ref("ending")?.as_str()?).map_err(damaged)?,
        usage: None,
        bills: match row.get_ref("bills")?.as_str_or_null()? {
            Some(bills) => kept::read_bills(bills).map_err(damaged)?,
            None => [(0, Bill { generation: row.get("generation")?, usage: usage(row)? })].into(),
        },
        started: time(row.get("started")?),
        first_text: row.get::<_, Option<i64>>("first_text")?.map(time),
        ended: row.get::<_, Option<i64>>("ended")?.map(time),
        // What another version wrote there says nothing to this one.
        course: json(row, "course").unwrap_or_default(),
        notes: json(row, "notes")?,
        progress: Progress::default(),
    };
    answer.add_up();
    Ok(answer)
}

/// As a version without bills wrote it; nothing at all where nothing was told.
fn usage(row: &Row) -> Result<Option<Usage>> {
    let count = |column: &str| row.get::<_, Option<i64>>(column).map(|count| count.map(i64::cast_unsigned));
    let usage = Usage {
        input_tokens: count("input_tokens")?,
        cached_tokens: count("cached_tokens")?,
        output_tokens: count("output_tokens")?,
        reasoning_tokens: count("reasoning_tokens")?,
        cost: row.get::<_, Option<String>>("cost")?.and_then(|digits| Usd::parse(&digits)),
    };
    Ok((usage != Usage::default()).then_some(usage))
}

/// An id as it lies in the database.
pub fn text(id: Uuid) -> String {
    id.hyphenated().to_string()
}

pub fn nanos(time: Timestamp) -> i64 {
    i64::try_from(time.as_nanosecond()).unwrap_or(if time < Timestamp::UNIX_EPOCH { i64::MIN } else { i64::MAX })
}

pub fn time(nanos: i64) -> Timestamp {
    Timestamp::from_nanosecond(nanos.into()).expect("the years 1677 to 2262 lie within what a timestamp holds")
}

pub fn to_json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("strings, numbers and ids")
}

fn uuid(row: &Row, column: impl RowIndex) -> Result<Uuid> {
    Uuid::parse_str(row.get_ref(column)?.as_str()?).map_err(|error| FromSqlError::other(error).into())
}

fn json<T: serde::de::DeserializeOwned>(row: &Row, column: &str) -> Result<T> {
    serde_json::from_str(row.get_ref(column)?.as_str()?).map_err(damaged)
}

fn damaged(error: serde_json::Error) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(0, Type::Text, error.into())
}

/// The order in which changes are written: a conversation before what belongs to it.
pub fn rank(change: &Change) -> u8 {
    match change {
        Change::Conversation(_) => 0,
        Change::Message { .. }
        | Change::Growth { .. }
        | Change::Draft { .. }
        | Change::Queue { .. }
        | Change::NewDraft(_)
        | Change::Recording { .. }
        | Change::Recorded { .. }
        | Change::Outcome { .. }
        | Change::Rename { .. }
        | Change::Seen(_)
        | Change::Trash(_)
        | Change::Restore(_) => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::schema;

    /// How SQLite goes about a query, one line.
    fn plan(db: &Connection, sql: &str) -> String {
        let mut rows = db.prepare(&format!("explain query plan {}", sql.replace("?1", "'1'"))).expect("a query");
        let steps = rows.query_map([], |row| row.get::<_, String>("detail")).expect("a plan");
        steps.map(|step| step.expect("a step")).collect::<Vec<_>>().join("; ")
    }

    #[test]
    fn what_is_read_at_a_start_or_on_a_key_is_read_from_an_index_in_order() {
        let mut db = Connection::open_in_memory().expect("memory");
        schema::migrate(&mut db).expect("a schema");
        let all = [NEWEST, COUNT, MESSAGES, OPEN, GROWTH, PROMPTS, SPENT].map(|sql| plan(&db, sql));
        insta::assert_snapshot!(all.join("\n"), @r"
        SCAN conversation USING COVERING INDEX conversation_listed
        SCAN conversation USING COVERING INDEX conversation_listed
        SEARCH message USING INDEX message_of (conversation=?)
        SEARCH message USING INDEX message_open (owner>?)
        SEARCH growth USING INDEX growth_of (message=?)
        SCAN message USING INDEX message_prompt; SEARCH conversation USING INDEX sqlite_autoindex_conversation_1 (id=?)
        SEARCH message USING COVERING INDEX message_spent (ended>?)
        ");
    }
}
