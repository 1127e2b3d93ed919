//! The tools that a conversation has at hand, with the names they are sent by and the limits they run in.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{COMMANDS, Command, Doubt, Grants, Names, Policy, Tool, ToolId};

/// OpenRouter's search, by the name behind `openrouter:`.
pub const SEARCH: &str = "web_search";

/// All tools of all servers, in the order in which they are sent.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Toolbox {
    tools: Vec<Tool>,
    commands: Vec<Command>,
    names: Names,
    pub policy: Policy,
    pub limits: Limits,
}

/// How far tools may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Calls that run at the same time.
    pub parallel: usize,
    /// Responses of one turn until the reader is asked whether it shall go on.
    pub steps: u32,
    /// How much of a result the model reads, in bytes.
    pub result: usize,
}

/// What a conversation chose about its tools.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Chosen {
    /// Servers, and tools as `server/tool`, that are switched off.
    pub off: BTreeSet<String>,
    /// OpenRouter's own that are switched on, by the name behind `openrouter:`; the search has a switch of its own.
    pub hosted: BTreeSet<String>,
    /// For the next message only.
    pub choice: Choice,
    /// At most one call in a response.
    pub one_by_one: bool,
    pub grants: Grants,
}

/// Whether the model may use tools, or must.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Choice {
    #[default]
    Auto,
    None,
    Required,
    One(ToolId),
}

impl Default for Limits {
    fn default() -> Self {
        Self { parallel: 8, steps: 25, result: 48 * 1024 }
    }
}

impl Toolbox {
    pub fn new(mut tools: Vec<Tool>, commands: Vec<Command>, policy: Policy, limits: Limits) -> Self {
        // Nobody else is called as the commands are.
        tools.retain(|tool| tool.id.server != COMMANDS);
        tools.extend(commands.iter().map(Command::tool));
        let names = Names::new(tools.iter().map(|tool| &tool.id));
        tools.sort_by(|a, b| names.wire(&a.id).cmp(&names.wire(&b.id)));
        tools.dedup_by(|a, b| a.id == b.id);
        Self { tools, commands, names, policy, limits }
    }

    pub fn is_empty(&self) -> bool {
        self.tools.is_empty()
    }

    /// Each tool with its name on the wire, in the order of these names: equal tools are equal bytes.
    pub fn tools(&self) -> impl Iterator<Item = (&str, &Tool)> {
        self.tools.iter().filter_map(|tool| Some((self.names.wire(&tool.id)?, tool)))
    }

    /// The tool that a model means.
    pub fn called(&self, wire: &str) -> Option<&Tool> {
        self.get(self.names.tool(wire)?)
    }

    pub fn get(&self, id: &ToolId) -> Option<&Tool> {
        self.tools.iter().find(|tool| tool.id == *id)
    }

    /// The program behind a tool of the config.
    pub fn command(&self, id: &ToolId) -> Option<&Command> {
        self.commands.iter().find(|command| id.server == COMMANDS && command.name == id.name)
    }

    /// Why a tool's name is not to be trusted at a glance.
    pub fn doubt(&self, id: &ToolId) -> Option<Doubt> {
        Doubt::about(id, self.tools.iter().map(|tool| &tool.id))
    }

    pub fn wire(&self, id: &ToolId) -> Option<&str> {
        self.names.wire(id)
    }
}

impl Chosen {
    pub fn is_on(&self, id: &ToolId) -> bool {
        !self.off.contains(&id.server) && !self.off.contains(&id.to_string())
    }

    /// Switches a server off with all its tools, or on again.
    pub fn switch_server(&mut self, server: &str) {
        if !self.off.remove(server) {
            self.off.insert(server.to_owned());
        }
        self.drop_choice_of_what_is_off();
    }

    /// Switches one tool off, or on again. Of a server that was off it is the only one of `all` that comes on.
    pub fn switch_tool<'a>(&mut self, id: &ToolId, all: impl IntoIterator<Item = &'a ToolId>) {
        if self.off.remove(&id.server) {
            let others = all.into_iter().filter(|other| other.server == id.server && *other != id);
            self.off.extend(others.map(ToolId::to_string));
            self.off.remove(&id.to_string());
        } else if !self.off.remove(&id.to_string()) {
            self.off.insert(id.to_string());
        }
        self.drop_choice_of_what_is_off();
    }

    /// Switches one of OpenRouter's own, by the name behind `openrouter:`.
    pub fn switch_hosted(&mut self, name: &str) {
        if !self.hosted.remove(name) {
            self.hosted.insert(name.to_owned());
        }
    }

    fn drop_choice_of_what_is_off(&mut self) {
        if matches!(&self.choice, Choice::One(id) if !self.is_on(id)) {
            self.choice = Choice::Auto;
        }
    }

    /// For a conversation that begins anew: what was allowed in this one is not allowed in that one.
    #[must_use]
    pub fn for_another(&self) -> Self {
        Self { choice: Choice::Auto, grants: Grants::default(), ..self.clone() }
    }
}

/// A tool as one names it on the command line: `server/tool`, or the name of a command alone.
pub fn named(name: &str) -> ToolId {
    name.parse().unwrap_or_else(|()| ToolId::new(COMMANDS, name))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::tools::Hints;

    fn tool(server: &str, name: &str) -> Tool {
        Tool {
            id: ToolId::new(server, name),
            title: None,
            description: String::new(),
            parameters: json!({}),
            strict: false,
            hints: Hints::default(),
        }
    }

    #[test]
    fn tools_come_in_the_order_of_their_names_whatever_the_order_of_their_servers() {
        let one = Toolbox::new(
            vec![tool("b", "x"), tool("a", "z"), tool("a", "y")],
            Vec::new(),
            Policy::default(),
            Limits::default(),
        );
        let other = Toolbox::new(
            vec![tool("a", "y"), tool("b", "x"), tool("a", "z"), tool("a", "z")],
            Vec::new(),
            Policy::default(),
            Limits::default(),
        );
        assert_eq!(one, other);
        assert_eq!(one.tools().map(|(wire, _)| wire).collect::<Vec<_>>(), ["a__y", "a__z", "b__x"]);
        assert_eq!(one.called("a__z").map(|tool| &tool.id), Some(&ToolId::new("a", "z")));
    }

    #[test]
    fn a_server_or_one_tool_of_it_is_switched_off() {
        let chosen = Chosen { off: ["git".into(), "fs/write".into()].into(), ..Chosen::default() };
        let on = |server: &str, name: &str| chosen.is_on(&ToolId::new(server, name));
        assert_eq!(
            (on("git", "log"), on("fs", "write"), on("fs", "read"), on("git2", "log")),
            (false, false, true, true)
        );
    }

    #[test]
    fn a_tool_that_comes_on_under_a_server_that_is_off_comes_alone() {
        let ids = [ToolId::new("fs", "read"), ToolId::new("fs", "write"), ToolId::new("git", "log")];
        let mut chosen = Chosen { choice: Choice::One(ids[0].clone()), ..Chosen::default() };
        let on = |chosen: &Chosen| ids.iter().map(|id| chosen.is_on(id)).collect::<Vec<_>>();
        chosen.switch_tool(&ids[1], &ids);
        assert_eq!((on(&chosen), &chosen.choice), (vec![true, false, true], &Choice::One(ids[0].clone())));
        chosen.switch_server("fs");
        assert_eq!((on(&chosen), &chosen.choice), (vec![false, false, true], &Choice::Auto), "it cannot be forced");
        chosen.switch_server("fs");
        assert_eq!(on(&chosen), [true, false, true], "what was off before still is");
        chosen.switch_server("fs");
        chosen.switch_tool(&ids[1], &ids);
        assert_eq!(on(&chosen), [false, true, true]);
        chosen.switch_tool(&ids[0], &ids);
        assert_eq!(chosen.off, Chosen::default().off);
    }

    #[test]
    fn nothing_that_was_allowed_goes_along_into_another_conversation() {
        let chosen = Chosen {
            off: ["git".into()].into(),
            choice: Choice::Required,
            grants: Grants { all: true, tools: [ToolId::new("a", "b")].into() },
            ..Chosen::default()
        };
        assert_eq!(chosen.for_another(), Chosen { off: ["git".into()].into(), ..Chosen::default() });
    }
}
