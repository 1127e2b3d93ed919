//! The database of elia: chats and their messages.

use rusqlite::Connection;
use serde_json::Value;

use super::{
    databases::query,
    foreign::{ForeignConversation, ForeignMessage, Speaker},
    json,
    tree_order::order_tree,
};

/// Reads all chats.
pub(super) fn read_database(
    db: &Connection,
    each: &mut dyn FnMut(ForeignConversation) -> bool,
) -> rusqlite::Result<()> {
    for chat in query(db, "select * from chat order by id", &[])? {
        let id = chat["id"].as_i64().unwrap_or_default();
        let messages = query(db, "select * from message where chat_id = ?1 order by timestamp, id", &[&id])?;
        if !each(read_chat(&chat, &messages)) {
            break;
        }
    }
    Ok(())
}

fn read_chat(chat: &Value, messages: &[Value]) -> ForeignConversation {
    let created_at = json::time(chat, "started_at");
    let mut conversation = ForeignConversation {
        // Its ids are small numbers, which another database has too.
        key: format!("{} {}", chat["id"], json::owned(chat, "started_at")),
        title: json::owned(chat, "title"),
        created_at,
        ..ForeignConversation::default()
    };
    let ids: Vec<String> = messages.iter().map(|message| message["id"].to_string()).collect();
    let parents: Vec<Option<String>> = messages
        .iter()
        .map(|message| message.get("parent_id").filter(|id| !id.is_null()).map(Value::to_string))
        .collect();
    let is_tree = parents.iter().any(Option::is_some);
    let nodes: Vec<(&str, Option<&str>)> = (0..messages.len())
        .map(|index| {
            let before = index.checked_sub(1).map(|before| ids[before].as_str());
            (ids[index].as_str(), if is_tree { parents[index].as_deref() } else { before })
        })
        .collect();
    for node in order_tree(&nodes) {
        let source = &messages[node.source];
        let speaker = match json::text(source, "role") {
            Some("user") => Speaker::User,
            Some("assistant") => Speaker::Model,
            other => Speaker::Other(other.unwrap_or("unknown").to_owned()),
        };
        let mut message = ForeignMessage::new(speaker, node.parent, json::time(source, "timestamp"));
        message.key = source["id"].to_string();
        message.model = json::text(source, "model").or_else(|| json::text(chat, "model")).map(str::to_owned);
        let text = json::owned(source, "content");
        let is_system = message.speaker == Speaker::Other("system".into());
        message.add_text(if is_system { conversation.take_instructions(text).unwrap_or_default() } else { text });
        conversation.messages.push(message);
    }
    conversation
}
