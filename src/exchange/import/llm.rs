//! The log of llm: a database with a row for each prompt and its response.

use rusqlite::Connection;
use serde_json::Value;

use super::{
    databases::query,
    findings::Findings,
    foreign::{ForeignConversation, ForeignMessage, ForeignPart, Speaker},
    json,
};
use crate::{api::Usage, tools::ToolOutcome};

const CONVERSATIONS: &str =
    "select distinct conversation_id as id from responses where conversation_id is not null order by 1";
const SINGLE: &str = "select id from responses where conversation_id is null order by id";
const OF_CONVERSATION: &str = "select * from responses where conversation_id = ?1 order by datetime_utc, id";

/// Reads all conversations; a response without one is its own.
pub(super) fn read_database(
    db: &Connection,
    findings: &mut Findings,
    each: &mut dyn FnMut(ForeignConversation) -> bool,
) -> rusqlite::Result<()> {
    for row in query(db, CONVERSATIONS, &[])? {
        let id = json::owned(&row, "id");
        let about = optional(db, "select * from conversations where id = ?1", &id);
        let mut conversation = ForeignConversation {
            key: id.clone(),
            title: about.first().map(|about| json::owned(about, "name")).unwrap_or_default(),
            ..ForeignConversation::default()
        };
        for response in query(db, OF_CONVERSATION, &[&id])? {
            add_response(&mut conversation, db, &response, findings);
        }
        if !each(conversation) {
            return Ok(());
        }
    }
    for row in query(db, SINGLE, &[])? {
        let id = json::owned(&row, "id");
        let mut conversation = ForeignConversation { key: id.clone(), ..ForeignConversation::default() };
        for response in query(db, "select * from responses where id = ?1", &[&id])? {
            add_response(&mut conversation, db, &response, findings);
        }
        if !each(conversation) {
            return Ok(());
        }
    }
    Ok(())
}

/// Rows of a table that older versions do not have.
fn optional(db: &Connection, sql: &str, id: &str) -> Vec<Value> {
    query(db, sql, &[&id]).unwrap_or_default()
}

fn add_response(conversation: &mut ForeignConversation, db: &Connection, response: &Value, findings: &mut Findings) {
    let (id, at) = (json::owned(response, "id"), json::time(response, "datetime_utc"));
    if let Some(system) = json::text(response, "system")
        && conversation.instructions.as_deref() != Some(system)
        && let Some(other) = conversation.take_instructions(system.to_owned())
    {
        findings.add("another system prompt in the same conversation", &other);
    }
    for result in optional(db, "select * from tool_results where response_id = ?1 order by id", &id) {
        let mut message = ForeignMessage::new(Speaker::Tool, None, at);
        let (call, outcome) = (json::owned(&result, "tool_call_id"), ToolOutcome::text(json::owned(&result, "output")));
        message.parts.push(ForeignPart::Result { call, outcome });
        conversation.push_below_last(message);
    }
    let mut prompt = ForeignMessage::new(Speaker::User, None, at);
    prompt.key = format!("{id} prompt");
    prompt.add_text(json::owned(response, "prompt"));
    for name in attached(db, &id) {
        prompt.parts.push(ForeignPart::Attachment(name));
    }
    if !prompt.parts.is_empty() {
        conversation.push_below_last(prompt);
    }
    let mut answer = ForeignMessage::new(Speaker::Model, None, at);
    answer.key.clone_from(&id);
    answer.model = json::text(response, "resolved_model").or_else(|| json::text(response, "model")).map(str::to_owned);
    answer.add_reasoning(json::owned(response, "reasoning"));
    answer.add_text(json::owned(response, "response"));
    let usage = Usage {
        input_tokens: json::count(response, "input_tokens"),
        output_tokens: json::count(response, "output_tokens"),
        ..Usage::default()
    };
    answer.usage = Some(usage).filter(|usage| *usage != Usage::default());
    for call in optional(db, "select * from tool_calls where response_id = ?1 order by id", &id) {
        answer.parts.push(ForeignPart::Call {
            id: json::owned(&call, "tool_call_id"),
            name: json::text(&call, "name").unwrap_or("tool").to_owned(),
            arguments: json::text(&call, "arguments").unwrap_or("{}").to_owned(),
        });
    }
    conversation.push_below_last(answer);
}

/// The names of what came with a prompt.
fn attached(db: &Connection, response: &str) -> Vec<String> {
    let attachments = "select a.* from prompt_attachments p join attachments a on a.id = p.attachment_id
        where p.response_id = ?1 order by p.\"order\"";
    let fragments = "select f.source, f.hash from prompt_fragments p join fragments f on f.id = p.fragment_id
        where p.response_id = ?1 order by p.\"order\"";
    let keys = ["path", "url", "source", "type", "hash"];
    let rows = optional(db, attachments, response).into_iter().chain(optional(db, fragments, response));
    rows.map(|row| keys.iter().find_map(|key| json::text(&row, key)).unwrap_or("a file").to_owned()).collect()
}
