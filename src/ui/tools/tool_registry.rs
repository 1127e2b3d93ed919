//! The available tools, and the state of the servers that have them.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use crate::{
    chat::{Timestamp, request::StartingServers},
    config::Config,
    mcp::{ServerStatus, ServerStatuses},
    tools::{ToolCommand, ToolDefinition, ToolId, ToolLimits, ToolPolicy, Toolbox, grants::GrantList},
};

/// All known tools, and the state of the MCP servers.
#[derive(Debug, Clone)]
pub struct ToolRegistry {
    commands: Vec<ToolCommand>,
    pub server_tools: BTreeMap<String, Vec<ToolDefinition>>,
    /// The reported state of the MCP servers.
    pub server_statuses: ServerStatuses,
    /// Set once the servers are starting: how long requests wait for them.
    pub start_deadline: Option<Timestamp>,
    /// The failed servers that were already reported to the user.
    pub reported_failures: BTreeSet<String>,
    /// Counts the changes to the tools and their servers.
    pub rev: u64,
    pub policy: ToolPolicy,
    /// What the user allowed in every conversation.
    pub always: GrantList,
    limits: ToolLimits,
    toolbox: Arc<Toolbox>,
}

impl ToolRegistry {
    /// Starts with the commands of the config. With `allowed`, nobody can answer questions, and only the tools it names
    /// run without a rule.
    pub fn new(config: &Config, allowed: Option<Vec<String>>) -> Self {
        let mut policy = config.tools.policy(&config.tool);
        if let Some(allowed) = allowed {
            policy.set_unattended(allowed);
        }
        let mut tools = Self {
            commands: config.tool.iter().map(crate::config::CommandTool::to_command).collect(),
            server_tools: BTreeMap::new(),
            server_statuses: ServerStatuses::default(),
            start_deadline: None,
            reported_failures: BTreeSet::new(),
            rev: 0,
            policy,
            always: GrantList::default(),
            limits: config.tools.limits(),
            toolbox: Arc::default(),
        };
        tools.rebuild_toolbox();
        tools
    }

    pub fn toolbox(&self) -> &Arc<Toolbox> {
        &self.toolbox
    }

    pub fn command(&self, id: &ToolId) -> Option<&ToolCommand> {
        self.toolbox.command(id)
    }

    /// Returns the servers that are starting and have not reported their tools yet.
    pub fn awaited_servers(&self) -> Option<StartingServers> {
        let until = self.start_deadline?;
        let pending: Vec<&ServerStatus> = self.server_statuses.pending_servers().collect();
        let mut downloaders: Vec<&'static str> = pending.iter().filter_map(|known| known.downloader()).collect();
        downloaders.sort_unstable();
        downloaders.dedup();
        let servers: Vec<String> = pending.iter().map(|known| known.configured.name.clone()).collect();
        (!servers.is_empty()).then_some(StartingServers { servers, deadline: until, downloaders })
    }

    /// Returns a number that changes with the tools or the state of their servers.
    pub fn rev(&self) -> u64 {
        self.rev
    }

    /// Builds the toolbox again after the tools or the policy have changed.
    pub(crate) fn rebuild_toolbox(&mut self) {
        self.rev += 1;
        let tools = self.server_tools.values().flatten().cloned().collect();
        let toolbox = Toolbox::new(tools, self.commands.clone(), self.policy.clone(), self.limits);
        let servers = self.server_statuses.servers.values().map(|known| &known.configured);
        let origins = servers.map(|configured| (configured.name.clone(), configured.tool_origin())).collect();
        self.toolbox = Arc::new(toolbox.with_grants(origins, self.always.clone()));
    }
}
