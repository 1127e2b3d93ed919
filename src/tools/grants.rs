//! What the user allowed, and what the tool was like at that time: a grant is for a tool as it was.

use std::fmt::Write;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{ToolCommand, ToolDefinition, ToolId};

/// What the user allowed in one conversation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ToolGrants {
    /// Allows every call that would ask. What is denied stays denied.
    pub all: bool,
    pub tools: GrantList,
}

/// Grants for single tools: at most one for each tool and file that it comes from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GrantList(Vec<ToolGrant>);

/// One tool that may run without asking, as long as it stays what it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolGrant {
    #[serde(flatten)]
    pub tool: ToolId,
    /// `None` if it was allowed before ibid kept what a tool was like.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshot: Option<ToolSnapshot>,
}

/// What a tool was like when it was allowed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolSnapshot {
    /// The file that names its server.
    pub file: String,
    /// The hash of its command line or address.
    pub target: String,
    /// The hash of its arguments' schema.
    pub schema: String,
    /// The hash of its title and description.
    pub description: String,
    /// The hash of its hints.
    pub hints: String,
}

/// Where the tools of a server come from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ToolOrigin {
    /// The file that names the server.
    pub file: String,
    /// Its command line or address, with all that decides what runs there.
    pub target: Vec<String>,
}

/// What the grants say about a tool as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GrantState {
    /// There is none for it.
    Absent,
    Valid,
    /// It was allowed, but these parts of it differ now.
    Changed(Vec<&'static str>),
    /// It was allowed before ibid kept what a tool was like.
    Unverified,
}

impl ToolOrigin {
    /// The origin of a command tool: the config, with what it runs.
    pub fn of_command(command: &ToolCommand) -> Self {
        let folder = command.working_dir.iter().map(|folder| folder.display().to_string());
        let parts = [command.argv.clone(), folder.collect(), command.inherited_env.clone()];
        let target = parts.iter().map(|part| serde_json::json!(part).to_string()).collect();
        Self { file: "the config".into(), target }
    }
}

impl ToolSnapshot {
    pub fn new(tool: &ToolDefinition, origin: &ToolOrigin) -> Self {
        let hints = serde_json::to_string(&tool.hints).unwrap_or_default();
        Self {
            file: origin.file.clone(),
            target: content_hash(&origin.target),
            schema: content_hash([sorted_json(&tool.parameters)]),
            description: content_hash([tool.title.as_deref().unwrap_or_default(), tool.description.as_str()]),
            hints: content_hash([hints]),
        }
    }

    /// Names the parts that differ.
    fn differences(&self, now: &Self) -> Vec<&'static str> {
        let parts = [
            (self.target == now.target, "where it comes from"),
            (self.schema == now.schema, "the schema of its arguments"),
            (self.description == now.description, "its description"),
            (self.hints == now.hints, "its claims"),
        ];
        parts.iter().filter(|(is_same, _)| !is_same).map(|(_, part)| *part).collect()
    }
}

impl GrantList {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds a grant, in place of an older one for the same tool from the same file.
    pub fn insert(&mut self, grant: ToolGrant) {
        let file = |grant: &ToolGrant| grant.snapshot.as_ref().map(|snapshot| snapshot.file.clone());
        let is_replaced =
            |old: &ToolGrant| old.tool == grant.tool && (old.snapshot.is_none() || file(old) == file(&grant));
        self.0.retain(|old| !is_replaced(old));
        self.0.push(grant);
    }

    /// Takes back all grants for a tool; `false` if there was none.
    pub fn remove(&mut self, tool: &ToolId) -> bool {
        let count = self.0.len();
        self.0.retain(|grant| grant.tool != *tool);
        self.0.len() < count
    }

    pub fn has(&self, tool: &ToolId) -> bool {
        self.0.iter().any(|grant| grant.tool == *tool)
    }

    /// Compares the grants for a tool with what it is now; the snapshot is made only if there is one. A grant for a tool
    /// of the same name from another file says nothing about this one.
    pub fn state(&self, tool: &ToolId, now: impl FnOnce() -> Option<ToolSnapshot>) -> GrantState {
        let mut grants = self.0.iter().filter(|grant| grant.tool == *tool).peekable();
        if grants.peek().is_none() {
            return GrantState::Absent;
        }
        let Some(now) = now() else { return GrantState::Absent };
        let mut state = GrantState::Absent;
        for grant in grants {
            match &grant.snapshot {
                Some(then) if then.file == now.file => {
                    let differences = then.differences(&now);
                    return if differences.is_empty() { GrantState::Valid } else { GrantState::Changed(differences) };
                }
                Some(_) => (),
                None => state = GrantState::Unverified,
            }
        }
        state
    }
}

impl FromIterator<ToolGrant> for GrantList {
    fn from_iter<I: IntoIterator<Item = ToolGrant>>(grants: I) -> Self {
        let mut list = Self::default();
        grants.into_iter().for_each(|grant| list.insert(grant));
        list
    }
}

impl Serialize for GrantList {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

/// A grant that cannot be read is none: the tool asks again.
impl<'de> Deserialize<'de> for GrantList {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let grants = Vec::<Value>::deserialize(deserializer)?;
        Ok(grants.into_iter().filter_map(|grant| serde_json::from_value::<ToolGrant>(grant).ok()).collect())
    }
}

/// Hashes texts so that no other list of texts has the same hash.
pub fn content_hash<T: AsRef<[u8]>>(parts: impl IntoIterator<Item = T>) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.as_ref().len() as u64).to_le_bytes());
        hasher.update(part);
    }
    hasher.finalize().iter().fold(String::new(), |mut hash, byte| {
        let _ = write!(hash, "{byte:02x}"); // Writing to a string cannot fail.
        hash
    })
}

/// The same text for schemas that differ only in the order of their keys.
fn sorted_json(value: &Value) -> String {
    match value {
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by_key(|(name, _)| *name);
            let members: Vec<String> = members
                .iter()
                .map(|(name, value)| format!("{}:{}", Value::from(name.as_str()), sorted_json(value)))
                .collect();
            format!("{{{}}}", members.join(","))
        }
        Value::Array(values) => format!("[{}]", values.iter().map(sorted_json).collect::<Vec<_>>().join(",")),
        scalar => scalar.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::tools::ToolHints;

    fn tool() -> ToolDefinition {
        ToolDefinition {
            id: ToolId::new("fs", "read"),
            title: None,
            description: "Reads a file".into(),
            parameters: json!({ "type": "object", "properties": { "a": {}, "b": {} } }),
            strict: false,
            hints: ToolHints { read_only: Some(true), ..ToolHints::default() },
        }
    }

    fn origin(file: &str, program: &str) -> ToolOrigin {
        ToolOrigin { file: file.into(), target: vec![program.into()] }
    }

    fn granted(file: &str) -> GrantList {
        let snapshot = Some(ToolSnapshot::new(&tool(), &origin(file, "npx fs")));
        [ToolGrant { tool: tool().id, snapshot }].into_iter().collect()
    }

    fn state(grants: &GrantList, now: &ToolDefinition, origin: &ToolOrigin) -> GrantState {
        grants.state(&now.id, || Some(ToolSnapshot::new(now, origin)))
    }

    #[test]
    fn a_grant_holds_until_one_part_of_the_tool_differs() {
        let (grants, home) = (granted("/a/.mcp.json"), origin("/a/.mcp.json", "npx fs"));
        assert_eq!(state(&grants, &tool(), &home), GrantState::Valid);
        let changed = |change: fn(&mut ToolDefinition)| {
            let mut now = tool();
            change(&mut now);
            state(&grants, &now, &home)
        };
        let order = changed(|now| now.parameters = json!({ "properties": { "b": {}, "a": {} }, "type": "object" }));
        assert_eq!(order, GrantState::Valid, "the order of keys means nothing");
        assert_eq!(changed(|now| now.description.push('!')), GrantState::Changed(vec!["its description"]));
        assert_eq!(changed(|now| now.title = Some("x".into())), GrantState::Changed(vec!["its description"]));
        assert_eq!(changed(|now| now.hints.read_only = None), GrantState::Changed(vec!["its claims"]));
        let schema = changed(|now| now.parameters["properties"]["c"] = json!({}));
        assert_eq!(schema, GrantState::Changed(vec!["the schema of its arguments"]));
        let moved = state(&grants, &tool(), &origin("/a/.mcp.json", "npx evil"));
        assert_eq!(moved, GrantState::Changed(vec!["where it comes from"]));
    }

    #[test]
    fn a_grant_does_not_reach_a_server_of_another_file() {
        let grants = granted("/a/.mcp.json");
        assert_eq!(state(&grants, &tool(), &origin("/b/.mcp.json", "npx fs")), GrantState::Absent);
        let other = ToolDefinition { id: ToolId::new("fs", "write"), ..tool() };
        assert_eq!(state(&grants, &other, &origin("/a/.mcp.json", "npx fs")), GrantState::Absent);
    }

    #[test]
    fn old_grants_are_read_and_ask_once_more() {
        let old = r#"{"all":false,"tools":[{"server":"fs","name":"read"},{"server":7},"fs/write"]}"#;
        let mut grants: ToolGrants = serde_json::from_str(old).expect("it is a stored form");
        let home = origin("/a/.mcp.json", "npx fs");
        assert_eq!(state(&grants.tools, &tool(), &home), GrantState::Unverified);
        let snapshot = Some(ToolSnapshot::new(&tool(), &home));
        grants.tools.insert(ToolGrant { tool: tool().id, snapshot });
        let stored = serde_json::to_string(&grants).expect("it is JSON");
        let again: ToolGrants = serde_json::from_str(&stored).expect("it is a stored form");
        assert_eq!((state(&again.tools, &tool(), &home), again), (GrantState::Valid, grants));
    }

    #[test]
    fn texts_are_hashed_with_their_limits() {
        assert_ne!(content_hash(["ab", "c"]), content_hash(["a", "bc"]));
        assert_eq!(content_hash(["ab"]).len(), 64);
    }
}
