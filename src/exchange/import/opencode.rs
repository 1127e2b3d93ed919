//! Sessions of opencode: its export, its folder of files, and its database, which have the same messages and parts.

use std::path::Path;

use rusqlite::Connection;
use serde_json::Value;

use super::{
    databases::query,
    findings::Findings,
    foreign::{ForeignConversation, ForeignMessage, ForeignPart, Speaker},
    json,
};
use crate::{
    api::{Usage, Usd},
    chat::AnswerEnd,
    files,
    tools::ToolOutcome,
};

/// A message with its parts.
struct SessionMessage {
    about: Value,
    parts: Vec<Value>,
}

/// Reads an export: one session.
pub(super) fn read_export(value: &Value, findings: &mut Findings) -> ForeignConversation {
    let message = |message: &Value| SessionMessage {
        about: message["info"].clone(),
        parts: json::list(message, "parts").to_vec(),
    };
    read_session(&value["info"], json::list(value, "messages").iter().map(message).collect(), findings)
}

/// Reads a session of the folder that this file of it is in.
pub(super) fn read_stored(file: &Path, about: &Value, findings: &mut Findings) -> Result<ForeignConversation, String> {
    // storage/session/PROJECT/SESSION.json
    let storage = file.ancestors().nth(3).ok_or("its folder has no messages")?;
    let id = plain_name(about, "id")?;
    let mut messages = Vec::new();
    for message in json_files(&storage.join("message").join(id))? {
        let parts = json_files(&storage.join("part").join(plain_name(&message, "id")?))?;
        messages.push(SessionMessage { about: message, parts });
    }
    Ok(read_session(about, messages, findings))
}

/// Reads the sessions of its database.
pub(super) fn read_database(
    db: &Connection,
    findings: &mut Findings,
    each: &mut dyn FnMut(ForeignConversation) -> bool,
) -> rusqlite::Result<()> {
    for session in query(db, "select id from session order by id", &[])? {
        let id = json::owned(&session, "id");
        let sessions = query(db, "select * from session where id = ?1", &[&id])?;
        let mut messages = Vec::new();
        for row in query(db, "select * from message where session_id = ?1 order by id", &[&id])? {
            let message = json::owned(&row, "id");
            let parts = query(db, "select * from part where message_id = ?1 order by id", &[&message])?;
            messages.push(SessionMessage { about: stored(&row), parts: parts.iter().map(stored).collect() });
        }
        let about = sessions.first().cloned().unwrap_or_default();
        if !each(read_session(&about, messages, findings)) {
            break;
        }
    }
    Ok(())
}

/// The object that a row has as JSON, with the row's id.
fn stored(row: &Value) -> Value {
    let mut object: Value = serde_json::from_str(&json::owned(row, "data")).unwrap_or_default();
    if let Some(fields) = object.as_object_mut() {
        fields.insert("id".into(), row["id"].clone());
    }
    object
}

/// A name that cannot lead out of its folder.
fn plain_name<'a>(value: &'a Value, key: &str) -> Result<&'a str, String> {
    let name = json::text(value, key).unwrap_or_default();
    let is_plain = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
    if is_plain { Ok(name) } else { Err(format!("{name:?} is no name of a session or message")) }
}

/// The files of a folder as JSON, by name. A folder that is not there is empty.
fn json_files(folder: &Path) -> Result<Vec<Value>, String> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Ok(Vec::new()) };
    let mut paths: Vec<_> =
        entries.flatten().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file())).collect();
    paths.sort_by_key(std::fs::DirEntry::file_name);
    let mut values = Vec::with_capacity(paths.len());
    for entry in paths {
        let text = files::read_to_string(&entry.path()).map_err(|error| crate::text::error_words(&error))?;
        values.push(
            serde_json::from_str(&text)
                .map_err(|error| format!("{}: {}", entry.path().display(), crate::text::error_words(&error)))?,
        );
    }
    Ok(values)
}

fn read_session(about: &Value, mut messages: Vec<SessionMessage>, findings: &mut Findings) -> ForeignConversation {
    let time = |key: &str, column: &str| json::time(&about["time"], key).or_else(|| json::time(about, column));
    let mut conversation = ForeignConversation {
        key: json::owned(about, "id"),
        title: json::owned(about, "title"),
        created_at: time("created", "time_created"),
        updated_at: time("updated", "time_updated"),
        ..ForeignConversation::default()
    };
    messages.sort_by_key(|message| (json::time(&message.about["time"], "created"), json::owned(&message.about, "id")));
    for message in messages {
        let read = read_message(&message, findings);
        conversation.push_below_last(read);
    }
    conversation
}

fn read_message(message: &SessionMessage, findings: &mut Findings) -> ForeignMessage {
    let about = &message.about;
    let speaker = match json::text(about, "role") {
        Some("user") => Speaker::User,
        Some("assistant") => Speaker::Model,
        other => Speaker::Other(other.unwrap_or("unknown").to_owned()),
    };
    let is_answer = speaker == Speaker::Model;
    let mut read = ForeignMessage::new(speaker, None, json::time(&about["time"], "created"));
    read.key = json::owned(about, "id");
    for part in &message.parts {
        add_part(&mut read, part, findings);
    }
    if !is_answer {
        return read;
    }
    read.model = json::text(about, "modelID").map(str::to_owned);
    let tokens = &about["tokens"];
    read.usage = Some(Usage {
        input_tokens: json::count(tokens, "input"),
        cached_tokens: json::count(&tokens["cache"], "read"),
        output_tokens: json::count(tokens, "output"),
        reasoning_tokens: json::count(tokens, "reasoning"),
        cost: about.get("cost").and_then(|cost| Usd::parse(&cost.to_string())),
    })
    .filter(|usage| *usage != Usage::default());
    if let Some(error) = about.get("error").filter(|error| error.is_object()) {
        let name = json::text(error, "name").unwrap_or("error");
        let words = json::text(&error["data"], "message").unwrap_or(name);
        let is_stop = name == "MessageAbortedError";
        read.end = if is_stop { AnswerEnd::Stopped } else { AnswerEnd::Interrupted };
        read.notes.extend((!is_stop).then(|| format!("error: {words}")));
    }
    read
}

fn add_part(read: &mut ForeignMessage, part: &Value, findings: &mut Findings) {
    match json::text(part, "type") {
        // What the program wrote itself, such as the text of a file that was named.
        Some("text") if part.get("synthetic") == Some(&Value::Bool(true)) => (),
        Some("text") => read.add_text(json::owned(part, "text")),
        Some("reasoning") => read.add_reasoning(json::owned(part, "text")),
        Some("tool") => add_call(read, part),
        Some("file") => {
            let name = json::text(part, "filename").or_else(|| json::text(part, "mime")).unwrap_or("a file");
            read.parts.push(ForeignPart::Attachment(name.to_owned()));
        }
        Some("step-start" | "step-finish" | "snapshot" | "patch" | "agent" | "subtask" | "compaction" | "retry") => (),
        other => findings.add(&format!("a part of the type {}", other.unwrap_or("unknown")), &part.to_string()),
    }
}

fn add_call(read: &mut ForeignMessage, part: &Value) {
    let state = &part["state"];
    let id = json::owned(part, "callID");
    read.parts.push(ForeignPart::Call {
        id: id.clone(),
        name: json::text(part, "tool").unwrap_or("tool").to_owned(),
        arguments: state.get("input").map_or_else(|| "{}".into(), Value::to_string),
    });
    let outcome = match json::text(state, "status") {
        Some("completed") => ToolOutcome::text(json::owned(state, "output")),
        Some("error") => ToolOutcome { failed: true, ..ToolOutcome::text(json::owned(state, "error")) },
        _ => return,
    };
    read.parts.push(ForeignPart::Result { call: id, outcome });
}
