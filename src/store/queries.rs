//! The queries: converts conversations and messages to rows and back.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{
    Connection, OptionalExtension, Result, Row, RowIndex, Rows, named_params, params,
    types::{FromSqlError, Type, ValueRef},
};
use uuid::Uuid;

use super::{UnconfirmedRules, stored_json};
use crate::{
    api::{Usage, Usd},
    chat::{
        Answer, AnswerEnd, ConversationChange, ConversationFiling, ConversationHeader, ConversationId,
        ConversationSummary, FilingChange, Item, ItemSlot, Message, MessageBody, MessageId, Prompt, Timestamp,
        ToolCallRun,
        answer::{AssemblyState, StepUsage},
        nanos::{from_nanos, to_nanos},
    },
    tools::{ToolGrant, ToolId, ToolOutcome},
};

/// A conversation as it is stored, without its messages.
pub(super) struct StoredConversation {
    pub header: ConversationHeader,
    /// Whether the branch in the header can be read.
    pub has_branch: bool,
    pub draft: String,
    pub filing: ConversationFiling,
    pub reading: Option<String>,
}

/// A message as it is stored; `owner` is the run that is still writing it.
pub(super) struct StoredMessage {
    pub conversation: ConversationId,
    pub owner: Option<String>,
    pub message: Message,
}

const NEWEST: &str = "select id, title, updated, unread, failed, model, tags, pinned_at, archived_at from conversation
    where trashed_at is null order by updated desc, id desc limit ?1";
const PINNED: &str = "select id, title, updated, unread, failed, model, tags, pinned_at, archived_at from conversation
    indexed by conversation_pinned where trashed_at is null and pinned_at is not null";
const COUNT: &str = "select count(*) from conversation where trashed_at is null";
const MESSAGES: &str = "select * from message where conversation = ?1 order by id";
/// Names the index because SQLite, which cannot know that few answers are open, would scan all messages.
const OPEN_MESSAGES: &str = "select * from message indexed by message_open where owner is not null";
const GROWTH: &str = "select at, events from growth where message = ?1 order by n";
/// The costs of answers that ended since then, and what else was paid, including what is in the trash.
const SPENT: &str = "select cost from message where ended >= ?1 and cost is not null
    union all select cost from side_cost where at >= ?1";
const PROMPTS: &str = "select text from message join conversation on conversation.id = message.conversation
    where role = 'prompt' and trashed_at is null order by at desc, message.id desc";

pub(super) fn newest_conversations(db: &Connection, most: usize) -> Result<Vec<ConversationSummary>> {
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let mut rows = db.prepare_cached(NEWEST)?;
    readable_rows(rows.query([most])?, read_summary)
}

pub(super) fn pinned_conversations(db: &Connection) -> Result<Vec<ConversationSummary>> {
    let mut rows = db.prepare_cached(PINNED)?;
    readable_rows(rows.query([])?, read_summary)
}

fn read_summary(row: &Row) -> Result<ConversationSummary> {
    Ok(ConversationSummary {
        id: ConversationId(read_uuid(row, "id")?),
        title: read_text(row, "title"),
        updated_at: from_nanos(row.get("updated").unwrap_or_default()),
        unread: row.get("unread").unwrap_or_default(),
        failed: row.get("failed").unwrap_or_default(),
        model: read_text(row, "model"),
        filing: read_filing(row),
        is_temporary: false,
    })
}

fn read_filing(row: &Row) -> ConversationFiling {
    let time = |column: &str| row.get::<_, Option<i64>>(column).unwrap_or_default().map(from_nanos);
    ConversationFiling {
        tags: read_json(row, "tags").unwrap_or_default(),
        pinned_at: time("pinned_at"),
        archived_at: time("archived_at"),
    }
}

/// Writes how a conversation is filed; returns how many rows that changed.
pub(super) fn write_filing(db: &Connection, conversation: ConversationId, change: &FilingChange) -> Result<usize> {
    let id = id_text(conversation.0);
    match change {
        FilingChange::Tags(tags) => {
            db.prepare_cached("update conversation set tags = ?2 where id = ?1")?.execute(params![id, to_json(tags)])
        }
        FilingChange::Pinned(at) => db
            .prepare_cached("update conversation set pinned_at = ?2 where id = ?1")?
            .execute(params![id, at.map(to_nanos)]),
        FilingChange::Archived(at) => db
            .prepare_cached("update conversation set archived_at = ?2 where id = ?1")?
            .execute(params![id, at.map(to_nanos)]),
    }
}

pub(super) fn count_conversations(db: &Connection) -> Result<usize> {
    let count: i64 = db.query_row(COUNT, [], |row| row.get(0))?;
    Ok(usize::try_from(count).unwrap_or_default())
}

pub(super) fn conversation(db: &Connection, id: ConversationId) -> Result<Option<StoredConversation>> {
    let mut row = db.prepare_cached("select * from conversation where id = ?1")?;
    row.query_row([id_text(id.0)], |row| {
        let branch = read_json(row, "branch");
        let has_branch = branch.is_ok();
        let header = ConversationHeader {
            id,
            title: read_text(row, "title"),
            renamed: row.get("renamed").unwrap_or_default(),
            settings: read_json(row, "settings").unwrap_or_default(),
            branch: branch.unwrap_or_default(),
            updated_at: from_nanos(row.get("updated").unwrap_or_default()),
            unread: row.get("unread").unwrap_or_default(),
            left_out: read_json(row, "left_out").unwrap_or_default(),
        };
        Ok(StoredConversation {
            header,
            has_branch,
            draft: read_text(row, "draft"),
            filing: read_filing(row),
            reading: row.get("reading").unwrap_or_default(),
        })
    })
    .optional()
}

/// Returns the messages that can be read, and how many cannot.
pub(super) fn messages(db: &Connection, conversation: ConversationId) -> Result<(Vec<StoredMessage>, usize)> {
    let mut rows = db.prepare_cached(MESSAGES)?;
    let mut unreadable = 0;
    let found = readable_rows(rows.query([id_text(conversation.0)])?, |row| {
        read_message(row).inspect_err(|_| unreadable += 1)
    })?;
    Ok((found, unreadable))
}

/// Returns the answers that are still marked as open.
pub(super) fn open_messages(db: &Connection) -> Result<Vec<StoredMessage>> {
    let mut rows = db.prepare_cached(OPEN_MESSAGES)?;
    readable_rows(rows.query([])?, read_message)
}

/// Returns the journal of an answer since its row was last written, oldest first, each line with its time.
pub(super) fn growth(db: &Connection, message: MessageId) -> Result<Vec<(Timestamp, String)>> {
    let mut rows = db.prepare_cached(GROWTH)?;
    readable_rows(rows.query([id_text(message.0)])?, |row| Ok((from_nanos(row.get("at")?), row.get("events")?)))
}

/// Returns the newest prompts outside the trash, without duplicates.
pub(super) fn newest_prompts(db: &Connection, limit: usize) -> Result<Vec<String>> {
    let mut rows = db.prepare_cached(PROMPTS)?;
    let mut seen = std::collections::HashSet::new();
    let mut prompts = Vec::new();
    let mut found = rows.query([])?;
    while let Some(row) = found.next()? {
        let prompt = read_text(row, 0);
        if seen.insert(prompt.clone()) {
            prompts.push(prompt);
            if prompts.len() == limit {
                break;
            }
        }
    }
    Ok(prompts)
}

pub(super) fn total_cost(db: &Connection, since: Timestamp) -> Result<Usd> {
    let mut rows = db.prepare_cached(SPENT)?;
    let mut total = Usd::default();
    for digits in readable_rows(rows.query([to_nanos(since)])?, |row| row.get::<_, String>(0))? {
        total = Usd::parse(&digits).and_then(|cost| total.checked_add(&cost)).unwrap_or(total);
    }
    Ok(total)
}

pub(super) fn new_draft(db: &Connection) -> Result<String> {
    let draft = db.query_row("select value from setting where name = 'new draft'", [], |row| row.get(0));
    Ok(draft.optional()?.unwrap_or_default())
}

/// Returns what the user allowed in every conversation, and the rules of the config that ask once more. A row that cannot
/// be read allows nothing.
pub(super) fn grants(db: &Connection) -> Result<(Vec<ToolGrant>, UnconfirmedRules)> {
    let mut rows = db.prepare_cached("select server, tool, snapshot from tool_grant")?;
    let grants = readable_rows(rows.query([])?, |row| {
        Ok(ToolGrant {
            tool: ToolId::new(row.get::<_, String>(0)?, row.get::<_, String>(1)?),
            snapshot: Some(read_json(row, "snapshot")?),
        })
    })?;
    let rules =
        db.query_row("select value from setting where name = 'unconfirmed rules'", [], |row| row.get::<_, String>(0));
    let rules = match rules.optional()?.as_deref() {
        None => UnconfirmedRules::Named(BTreeSet::new()),
        // Anything unreadable asks too much rather than too little.
        Some(rules) => serde_json::from_str(rules).map_or(UnconfirmedRules::All, UnconfirmedRules::Named),
    };
    Ok((grants, rules))
}

pub(super) fn write_grant(db: &Connection, grant: &ToolGrant) -> Result<()> {
    let file = grant.snapshot.as_ref().map(|snapshot| snapshot.file.as_str());
    db.prepare_cached("insert or replace into tool_grant (server, tool, file, snapshot) values (?1, ?2, ?3, ?4)")?
        .execute(params![grant.tool.server, grant.tool.name, file.unwrap_or_default(), to_json(&grant.snapshot)])?;
    Ok(())
}

/// Counts a use of a command; several instances may count at once.
pub(super) fn count_use(db: &Connection, command: &str) -> Result<usize> {
    db.execute(
        "insert into setting (name, value) values ('use ' || ?1, '1')
         on conflict (name) do update set value = cast(value as integer) + 1",
        [command],
    )
}

/// Returns how often each command was used.
pub(super) fn uses(db: &Connection) -> Result<Vec<(String, u64)>> {
    let mut rows =
        db.prepare_cached("select substr(name, 5), cast(value as integer) from setting where name like 'use %'")?;
    rows.query_map([], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?.unsigned_abs())))?.collect()
}

/// Returns how often each hint was shown.
pub(super) fn shown_hints(db: &Connection) -> Result<Vec<(String, u32)>> {
    let mut rows = db.prepare_cached("select substr(name, 6), value from setting where name like 'hint %'")?;
    let hints = rows.query_map([], |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?.parse::<u32>().unwrap_or_default()))
    })?;
    hints.collect()
}

/// Returns the full result of a call, if its message stores only part of it.
pub(super) fn outcome(db: &Connection, message: MessageId, slot: ItemSlot) -> Result<Option<ToolOutcome>> {
    let mut row = db.prepare_cached("select content from outcome where message = ?1 and step = ?2 and place = ?3")?;
    row.query_row(rusqlite::params![id_text(message.0), slot.step, slot.index], |row| read_json(row, "content"))
        .optional()
}

pub(super) fn write_outcome(db: &Connection, message: MessageId, slot: ItemSlot, outcome: &ToolOutcome) -> Result<()> {
    db.prepare_cached("insert or replace into outcome (message, step, place, content) values (?1, ?2, ?3, ?4)")?
        .execute(rusqlite::params![id_text(message.0), slot.step, slot.index, to_json(outcome)])?;
    Ok(())
}

/// Returns what became of the calls of an answer since its row was last written.
pub(super) fn call_runs(db: &Connection, message: MessageId) -> Result<Vec<(ItemSlot, ToolCallRun)>> {
    let mut rows = db.prepare_cached("select step, place, run from call_run where message = ?1")?;
    readable_rows(rows.query([id_text(message.0)])?, |row| {
        Ok((ItemSlot { step: row.get("step")?, index: row.get("place")? }, read_json(row, "run")?))
    })
}

pub(super) fn write_call_run(db: &Connection, message: MessageId, slot: ItemSlot, run: &ToolCallRun) -> Result<()> {
    db.prepare_cached("insert or replace into call_run (message, step, place, run) values (?1, ?2, ?3, ?4)")?
        .execute(rusqlite::params![id_text(message.0), slot.step, slot.index, to_json(run)])?;
    Ok(())
}

pub(super) fn write_conversation(db: &Connection, header: &ConversationHeader) -> Result<()> {
    let mut row = db.prepare_cached(
        "insert into conversation (id, title, renamed, settings, model, branch, created, updated, unread, left_out)
         values (:id, :title, :renamed, :settings, :model, :branch, :updated, :updated, :unread, :left_out)
         on conflict (id) do update set
            -- Another instance may have given it the reader's own title.
            title = iif(renamed and not excluded.renamed, title, excluded.title),
            renamed = max(renamed, excluded.renamed),
            settings = excluded.settings, model = excluded.model, branch = excluded.branch, updated = excluded.updated, unread = excluded.unread,
            left_out = excluded.left_out",
    )?;
    row.execute(named_params! {
        ":id": id_text(header.id.0),
        ":title": header.title,
        ":renamed": header.renamed,
        ":settings": to_json(&header.settings),
        ":model": header.settings.model,
        ":branch": to_json(&header.branch),
        ":updated": to_nanos(header.updated_at),
        ":unread": header.unread,
        ":left_out": to_json(&header.left_out),
    })?;
    Ok(())
}

/// Writes a message in full; `owner` is the run that is still writing it, if any.
pub(super) fn write_message(
    db: &Connection,
    conversation: ConversationId,
    message: &Message,
    owner: Option<&str>,
) -> Result<()> {
    let (role, prompt, answer) = match &message.body {
        MessageBody::Prompt(prompt) => ("prompt", Some(&prompt.text), None),
        MessageBody::Answer(answer) => ("answer", None, Some(answer)),
    };
    let usage = answer.and_then(|answer| answer.usage.as_ref());
    // The sum over those responses that reported a cost; the column `bills` has the details.
    let cost = answer
        .filter(|answer| !answer.is_copy() && answer.usage_by_step.values().any(is_priced))
        .map(|answer| answer.cost().0);
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
        ":id": id_text(message.id.0),
        ":conversation": id_text(conversation.0),
        ":parent": message.parent.map(|parent| id_text(parent.0)),
        ":role": role,
        ":at": to_nanos(message.created_at),
        ":rev": message.rev,
        ":text": prompt,
        ":endpoint": answer.map(|answer| &answer.endpoint),
        ":model": answer.map(|answer| &answer.model),
        ":answered_by": answer.and_then(|answer| answer.answered_by.as_ref()),
        ":ending": answer.map(|answer| to_json(&answer.end)),
        ":owner": owner,
        ":input": count(|usage| usage.input_tokens),
        ":cached": count(|usage| usage.cached_tokens),
        ":output": count(|usage| usage.output_tokens),
        ":reasoning": count(|usage| usage.reasoning_tokens),
        ":cost": cost.as_ref().map(Usd::digits),
        ":generation": answer.and_then(|answer| answer.generation_ids().next_back()),
        ":started": answer.map(|answer| to_nanos(answer.started_at)),
        ":first": answer.and_then(|answer| answer.first_text_at).map(to_nanos),
        ":ended": answer.and_then(|answer| answer.ended_at).map(to_nanos),
        ":notes": answer.map(|answer| to_json(&answer.notes)),
        ":items": answer.map(|answer| stored_json::items_to_json(&answer.items)),
        ":runs": answer.filter(|answer| !answer.call_runs.is_empty()).map(|answer| stored_json::map_to_json(&answer.call_runs)),
        ":course": answer.map(|answer| to_json(&answer.params)),
        ":bills": answer.map(|answer| stored_json::step_usage_to_json(&answer.usage_by_step)),
    })?;
    Ok(())
}

/// Reads the rows that can be read. One that cannot, because something else wrote to it, costs no other.
pub(super) fn readable_rows<T>(mut rows: Rows<'_>, mut read: impl FnMut(&Row) -> Result<T>) -> Result<Vec<T>> {
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.extend(read(row));
    }
    Ok(found)
}

/// Reads a message. Only its ids must be readable.
pub(super) fn read_message(row: &Row) -> Result<StoredMessage> {
    let body = match read_text(row, "role").as_str() {
        "prompt" => MessageBody::Prompt(Prompt { text: read_text(row, "text") }),
        _ => MessageBody::Answer(read_answer(row)),
    };
    let message = Message {
        id: MessageId(read_uuid(row, "id")?),
        parent: row.get::<_, Option<String>>("parent")?.map(|_| read_uuid(row, "parent")).transpose()?.map(MessageId),
        created_at: from_nanos(row.get("at").unwrap_or_default()),
        rev: row.get("rev").unwrap_or_default(),
        body,
    };
    Ok(StoredMessage {
        conversation: ConversationId(read_uuid(row, "conversation")?),
        owner: row.get("owner").unwrap_or_default(),
        message,
    })
}

/// Reads a text, also one that is not UTF-8; empty if it is no text.
pub(super) fn read_text(row: &Row, column: impl RowIndex) -> String {
    match row.get_ref(column) {
        Ok(ValueRef::Text(bytes) | ValueRef::Blob(bytes)) => String::from_utf8_lossy(bytes).into_owned(),
        Ok(ValueRef::Null | ValueRef::Integer(_) | ValueRef::Real(_)) | Err(_) => String::new(),
    }
}

fn is_priced(bill: &StepUsage) -> bool {
    bill.usage.as_ref().is_some_and(|usage| usage.cost.is_some())
}

/// Reads an answer. What cannot be read of it is left out, and a note says so.
fn read_answer(row: &Row) -> Answer {
    let time = |column: &str| row.get::<_, Option<i64>>(column).unwrap_or_default().map(from_nanos);
    let (items, call_runs) = (read_items(row), read_call_runs(row));
    let end = read_json(row, "ending");
    let is_damaged = items.is_err() || call_runs.is_err() || end.is_err();
    let mut answer = Answer {
        endpoint: read_text(row, "endpoint"),
        model: read_text(row, "model"),
        answered_by: row.get("answered_by").unwrap_or_default(),
        items: items.unwrap_or_default(),
        call_runs: call_runs.unwrap_or_default(),
        end: end.unwrap_or(AnswerEnd::Interrupted),
        usage: None,
        usage_by_step: read_usage_by_step(row).unwrap_or_default(),
        started_at: time("started").or_else(|| time("at")).unwrap_or_default(),
        first_text_at: time("first_text"),
        ended_at: time("ended"),
        // Written by another version, it may not be readable.
        params: read_json(row, "course").unwrap_or_default(),
        notes: read_json(row, "notes").unwrap_or_default(),
        assembly: AssemblyState::default(),
    };
    if is_damaged {
        answer.notes.push(DAMAGED_ANSWER.into());
    }
    answer.sum_usage();
    answer
}

/// The note on an answer whose row cannot be read in full.
const DAMAGED_ANSWER: &str = "a part of this answer cannot be read: its row in the database is damaged";

fn read_items(row: &Row) -> Result<BTreeMap<ItemSlot, Item>> {
    stored_json::items_from_json(row.get_ref("items")?.as_str()?).map_err(conversion_error)
}

fn read_call_runs(row: &Row) -> Result<BTreeMap<ItemSlot, ToolCallRun>> {
    let runs = row.get_ref("runs")?.as_str_or_null()?;
    runs.map_or(Ok(BTreeMap::new()), stored_json::map_from_json).map_err(conversion_error)
}

fn read_usage_by_step(row: &Row) -> Result<BTreeMap<u32, StepUsage>> {
    match row.get_ref("bills")?.as_str_or_null()? {
        Some(bills) => stored_json::step_usage_from_json(bills).map_err(conversion_error),
        None => Ok([(0, StepUsage { generation_id: row.get("generation")?, usage: read_usage(row)? })].into()),
    }
}

/// Reads the usage as versions before the column `bills` stored it; `None` if the server reported none.
fn read_usage(row: &Row) -> Result<Option<Usage>> {
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

/// An id as it is stored in the database.
pub(super) fn id_text(id: Uuid) -> String {
    id.hyphenated().to_string()
}

pub(super) fn to_json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("strings, numbers and ids serialize")
}

pub(super) fn read_uuid(row: &Row, column: impl RowIndex) -> Result<Uuid> {
    Uuid::parse_str(row.get_ref(column)?.as_str()?).map_err(|error| FromSqlError::other(error).into())
}

pub(super) fn read_json<T: serde::de::DeserializeOwned>(row: &Row, column: &str) -> Result<T> {
    serde_json::from_str(row.get_ref(column)?.as_str()?).map_err(conversion_error)
}

fn conversion_error(error: serde_json::Error) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(0, Type::Text, error.into())
}

/// The order in which changes are written: a conversation before everything that belongs to it.
pub(super) fn write_order(change: &ConversationChange) -> u8 {
    match change {
        ConversationChange::Conversation(_) => 0,
        ConversationChange::Message { .. }
        | ConversationChange::Journal { .. }
        | ConversationChange::Draft { .. }
        | ConversationChange::Queue { .. }
        | ConversationChange::SendQueued { .. }
        | ConversationChange::TakeBackQueued { .. }
        | ConversationChange::NewDraft(_)
        | ConversationChange::SourceCheck(_)
        | ConversationChange::SideCost { .. }
        | ConversationChange::Prune { .. }
        | ConversationChange::RestorePruned(_)
        | ConversationChange::Bookmark { .. }
        | ConversationChange::RemoveBookmark(_)
        | ConversationChange::CopyRecords { .. }
        | ConversationChange::HintShown { .. }
        | ConversationChange::Grant(_)
        | ConversationChange::ForgetGrants(_)
        | ConversationChange::UnconfirmedRules(_)
        | ConversationChange::Recording { .. }
        | ConversationChange::RecordingChunk { .. }
        | ConversationChange::CallResult { .. }
        | ConversationChange::CallRun { .. }
        | ConversationChange::Rename { .. }
        | ConversationChange::Seen(_)
        | ConversationChange::File { .. }
        | ConversationChange::Reading { .. }
        | ConversationChange::Shown { .. }
        | ConversationChange::Panes(_)
        | ConversationChange::Purge(_)
        | ConversationChange::AnswerCost { .. }
        | ConversationChange::Trash(_)
        | ConversationChange::Restore(_) => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::schema;

    /// The query plan of SQLite, in one line.
    fn plan(db: &Connection, sql: &str) -> String {
        let mut rows = db.prepare(&format!("explain query plan {}", sql.replace("?1", "'1'"))).expect("a query");
        let steps = rows.query_map([], |row| row.get::<_, String>("detail")).expect("a plan");
        steps.map(|step| step.expect("a step")).collect::<Vec<_>>().join("; ")
    }

    #[test]
    fn queries_at_startup_and_on_keys_read_an_ordered_index() {
        let mut db = Connection::open_in_memory().expect("memory");
        schema::migrate(&mut db).expect("a schema");
        let all = [NEWEST, PINNED, COUNT, MESSAGES, OPEN_MESSAGES, GROWTH, PROMPTS, SPENT].map(|sql| plan(&db, sql));
        insta::assert_snapshot!(all.join("\n"), @"
        SCAN conversation USING COVERING INDEX conversation_listed
        SEARCH conversation USING INDEX conversation_pinned (pinned_at>?)
        SCAN conversation USING COVERING INDEX conversation_listed
        SEARCH message USING INDEX message_of (conversation=?)
        SEARCH message USING INDEX message_open (owner>?)
        SEARCH growth USING INDEX growth_of (message=?)
        SCAN message USING INDEX message_prompt; SEARCH conversation USING INDEX sqlite_autoindex_conversation_1 (id=?)
        COMPOUND QUERY; LEFT-MOST SUBQUERY; SEARCH message USING COVERING INDEX message_spent (ended>?); UNION ALL; SEARCH side_cost USING COVERING INDEX side_cost_spent (at>?)
        ");
    }
}
