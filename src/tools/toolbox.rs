//! The tools available to a conversation, with their names on the wire and their limits.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{
    COMMAND_SERVER, GrantState, NameDoubt, PolicyVerdict, ToolCommand, ToolDefinition, ToolGrant, ToolGrants, ToolId,
    ToolOrigin, ToolPolicy, ToolSnapshot, WireNames, grants::GrantList,
};

/// The name of OpenRouter's web search, without the prefix `openrouter:`.
pub const WEB_SEARCH: &str = "web_search";

/// All tools of all servers, in the order in which they are sent to the model.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Toolbox {
    tools: Vec<ToolDefinition>,
    commands: Vec<ToolCommand>,
    names: WireNames,
    /// Where the tools of each MCP server come from.
    origins: BTreeMap<String, ToolOrigin>,
    pub policy: ToolPolicy,
    /// What the user allowed in every conversation.
    always: GrantList,
    pub limits: ToolLimits,
}

/// Limits on tool calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ToolLimits {
    /// How many calls may run at the same time.
    pub parallel_calls: usize,
    /// How many responses a turn may have before the user must decide whether to continue.
    pub max_steps: u32,
    /// How much of a result the model reads, in bytes.
    pub result_bytes: usize,
}

/// The tool settings of a conversation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ToolSelection {
    /// Servers, and tools as `server/tool`, that are switched off.
    pub off: BTreeSet<String>,
    /// OpenRouter's own tools that are switched on, without the prefix `openrouter:`. Web search has its own switch.
    pub hosted: BTreeSet<String>,
    /// For the next message only.
    pub choice: ToolMode,
    /// Allows at most one call in a response.
    pub one_by_one: bool,
    pub grants: ToolGrants,
}

/// Whether the model may, must or must not use tools.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ToolMode {
    #[default]
    Auto,
    None,
    Required,
    One(ToolId),
}

impl Default for ToolLimits {
    fn default() -> Self {
        Self { parallel_calls: 8, max_steps: 25, result_bytes: 48 * 1024 }
    }
}

impl Toolbox {
    pub fn new(
        mut tools: Vec<ToolDefinition>,
        commands: Vec<ToolCommand>,
        policy: ToolPolicy,
        limits: ToolLimits,
    ) -> Self {
        // The name is reserved for command tools.
        tools.retain(|tool| tool.id.server != COMMAND_SERVER);
        tools.extend(commands.iter().map(ToolCommand::tool));
        let names = WireNames::new(tools.iter().map(|tool| &tool.id));
        tools.sort_by(|a, b| names.wire_name(&a.id).cmp(&names.wire_name(&b.id)));
        tools.dedup_by(|a, b| a.id == b.id);
        Self { tools, commands, names, origins: BTreeMap::new(), policy, always: GrantList::default(), limits }
    }

    /// Sets where the tools of each server come from, and what the user allowed in every conversation.
    #[must_use]
    pub fn with_grants(self, origins: BTreeMap<String, ToolOrigin>, always: GrantList) -> Self {
        Self { origins, always, ..self }
    }

    /// Decides on a call of a tool, as it is now, in a conversation with these grants.
    pub fn verdict(&self, id: &ToolId, grants: &ToolGrants) -> PolicyVerdict {
        self.policy.verdict(id, grants.all || self.grant_state(id, grants) == GrantState::Valid)
    }

    /// Compares a tool as it is now with what the user allowed, here or in every conversation.
    pub fn grant_state(&self, id: &ToolId, grants: &ToolGrants) -> GrantState {
        let here = grants.tools.state(id, || self.snapshot(id));
        match here {
            GrantState::Valid => here,
            GrantState::Absent => self.always.state(id, || self.snapshot(id)),
            GrantState::Changed(_) | GrantState::Unverified => match self.always.state(id, || self.snapshot(id)) {
                GrantState::Valid => GrantState::Valid,
                GrantState::Absent | GrantState::Changed(_) | GrantState::Unverified => here,
            },
        }
    }

    /// Returns a grant for a tool as it is now; `None` if there is no such tool.
    pub fn grant(&self, id: &ToolId) -> Option<ToolGrant> {
        Some(ToolGrant { tool: id.clone(), snapshot: Some(self.snapshot(id)?) })
    }

    fn snapshot(&self, id: &ToolId) -> Option<ToolSnapshot> {
        let tool = self.get(id)?;
        let origin = match self.command(id) {
            Some(command) => ToolOrigin::of_command(command),
            None => self.origins.get(&id.server).cloned().unwrap_or_default(),
        };
        Some(ToolSnapshot::new(tool, &origin))
    }

    pub fn is_empty(&self) -> bool {
        self.tools.is_empty()
    }

    /// Returns each tool with its name on the wire, sorted by that name, so that equal tools are equal bytes.
    pub fn tools(&self) -> impl Iterator<Item = (&str, &ToolDefinition)> {
        self.tools.iter().filter_map(|tool| Some((self.names.wire_name(&tool.id)?, tool)))
    }

    /// Returns the tool with this name on the wire.
    pub fn by_wire_name(&self, wire: &str) -> Option<&ToolDefinition> {
        self.get(self.names.by_wire_name(wire)?)
    }

    pub fn get(&self, id: &ToolId) -> Option<&ToolDefinition> {
        self.tools.iter().find(|tool| tool.id == *id)
    }

    /// Returns the program behind a command tool.
    pub fn command(&self, id: &ToolId) -> Option<&ToolCommand> {
        self.commands.iter().find(|command| id.server == COMMAND_SERVER && command.name == id.name)
    }

    /// Returns why the name of a tool may be misleading, if it may.
    pub fn name_doubt(&self, id: &ToolId) -> Option<NameDoubt> {
        NameDoubt::about(id, self.tools.iter().map(|tool| &tool.id))
    }

    pub fn wire_name(&self, id: &ToolId) -> Option<&str> {
        self.names.wire_name(id)
    }
}

impl ToolSelection {
    pub fn is_on(&self, id: &ToolId) -> bool {
        !self.off.contains(&id.server) && !self.off.contains(&id.to_string())
    }

    /// Toggles a server with all its tools.
    pub fn toggle_server(&mut self, server: &str) {
        if !self.off.remove(server) {
            self.off.insert(server.to_owned());
        }
        self.drop_disabled_choice();
    }

    /// Toggles one tool. If its server was off, only this tool of the server is switched on; `all` are all tools.
    pub fn toggle_tool<'a>(&mut self, id: &ToolId, all: impl IntoIterator<Item = &'a ToolId>) {
        if self.off.remove(&id.server) {
            let others = all.into_iter().filter(|other| other.server == id.server && *other != id);
            self.off.extend(others.map(ToolId::to_string));
            self.off.remove(&id.to_string());
        } else if !self.off.remove(&id.to_string()) {
            self.off.insert(id.to_string());
        }
        self.drop_disabled_choice();
    }

    /// Toggles one of OpenRouter's own tools, named without the prefix `openrouter:`.
    pub fn toggle_hosted(&mut self, name: &str) {
        if !self.hosted.remove(name) {
            self.hosted.insert(name.to_owned());
        }
    }

    fn drop_disabled_choice(&mut self) {
        if matches!(&self.choice, ToolMode::One(id) if !self.is_on(id)) {
            self.choice = ToolMode::Auto;
        }
    }

    /// Returns the settings for a new conversation, which does not inherit what was allowed in this one.
    #[must_use]
    pub fn for_new_conversation(&self) -> Self {
        Self { choice: ToolMode::Auto, grants: ToolGrants::default(), ..self.clone() }
    }
}

/// Parses the name of a tool on the command line: `server/tool`, or just the name of a command tool.
pub fn parse_tool_name(name: &str) -> ToolId {
    name.parse().unwrap_or_else(|()| ToolId::new(COMMAND_SERVER, name))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::tools::ToolHints;

    fn tool(server: &str, name: &str) -> ToolDefinition {
        ToolDefinition {
            id: ToolId::new(server, name),
            title: None,
            description: String::new(),
            parameters: json!({}),
            strict: false,
            hints: ToolHints::default(),
        }
    }

    #[test]
    fn tools_are_sorted_by_name_whatever_the_order_of_the_servers() {
        let one = Toolbox::new(
            vec![tool("b", "x"), tool("a", "z"), tool("a", "y")],
            Vec::new(),
            ToolPolicy::default(),
            ToolLimits::default(),
        );
        let other = Toolbox::new(
            vec![tool("a", "y"), tool("b", "x"), tool("a", "z"), tool("a", "z")],
            Vec::new(),
            ToolPolicy::default(),
            ToolLimits::default(),
        );
        assert_eq!(one, other);
        assert_eq!(one.tools().map(|(wire, _)| wire).collect::<Vec<_>>(), ["a__y", "a__z", "b__x"]);
        assert_eq!(one.by_wire_name("a__z").map(|tool| &tool.id), Some(&ToolId::new("a", "z")));
    }

    #[test]
    fn a_server_or_a_single_tool_can_be_switched_off() {
        let chosen = ToolSelection { off: ["git".into(), "fs/write".into()].into(), ..ToolSelection::default() };
        let on = |server: &str, name: &str| chosen.is_on(&ToolId::new(server, name));
        assert_eq!(
            (on("git", "log"), on("fs", "write"), on("fs", "read"), on("git2", "log")),
            (false, false, true, true)
        );
    }

    #[test]
    fn switching_on_a_tool_of_a_server_that_is_off_switches_on_only_that_tool() {
        let ids = [ToolId::new("fs", "read"), ToolId::new("fs", "write"), ToolId::new("git", "log")];
        let mut chosen = ToolSelection { choice: ToolMode::One(ids[0].clone()), ..ToolSelection::default() };
        let on = |chosen: &ToolSelection| ids.iter().map(|id| chosen.is_on(id)).collect::<Vec<_>>();
        chosen.toggle_tool(&ids[1], &ids);
        assert_eq!((on(&chosen), &chosen.choice), (vec![true, false, true], &ToolMode::One(ids[0].clone())));
        chosen.toggle_server("fs");
        assert_eq!((on(&chosen), &chosen.choice), (vec![false, false, true], &ToolMode::Auto), "it is off now");
        chosen.toggle_server("fs");
        assert_eq!(on(&chosen), [true, false, true], "what was off before still is");
        chosen.toggle_server("fs");
        chosen.toggle_tool(&ids[1], &ids);
        assert_eq!(on(&chosen), [false, true, true]);
        chosen.toggle_tool(&ids[0], &ids);
        assert_eq!(chosen.off, ToolSelection::default().off);
    }

    #[test]
    fn grants_do_not_carry_over_to_another_conversation() {
        let chosen = ToolSelection {
            off: ["git".into()].into(),
            choice: ToolMode::Required,
            grants: ToolGrants {
                all: true,
                tools: [ToolGrant { tool: ToolId::new("a", "b"), snapshot: None }].into_iter().collect(),
            },
            ..ToolSelection::default()
        };
        assert_eq!(
            chosen.for_new_conversation(),
            ToolSelection { off: ["git".into()].into(), ..ToolSelection::default() }
        );
    }
}
