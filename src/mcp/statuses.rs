//! The current status of all servers, built from their events.

use std::collections::{BTreeMap, VecDeque};

use super::{ConfiguredServer, LogSource, McpEvent, RunPermission, ServerLogLine, ServerState};
use crate::tools::ToolDefinition;

/// How many log lines are kept for each server.
const MAX_LOG_LINES: usize = 200;

/// The status of all servers, sorted by name.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ServerStatuses {
    pub servers: BTreeMap<String, ServerStatus>,
    /// Problems in the files.
    pub complaints: Vec<String>,
}

/// The status of one server.
#[derive(Debug, Clone, PartialEq)]
pub struct ServerStatus {
    pub configured: ConfiguredServer,
    pub state: ServerState,
    /// The tools that it listed last.
    pub tools: Vec<ToolDefinition>,
    /// The newest line is last.
    pub log: VecDeque<ServerLogLine>,
}

impl ServerStatuses {
    /// Applies an event. Events of calls are ignored.
    pub fn apply(&mut self, event: &McpEvent) {
        match event {
            McpEvent::Servers { servers, complaints } => {
                self.complaints.clone_from(complaints);
                let mut before = std::mem::take(&mut self.servers);
                for configured in servers {
                    let known = before.remove(&configured.name).filter(|known| known.configured == *configured);
                    let known = known.unwrap_or_else(|| ServerStatus::new(configured.clone()));
                    self.servers.insert(configured.name.clone(), known);
                }
            }
            McpEvent::State { server, state } => {
                if let Some(known) = self.servers.get_mut(server) {
                    known.state = state.clone();
                }
            }
            McpEvent::Tools { server, tools } => self.set_tools(server, tools),
            McpEvent::Log { server, lines } => {
                if let Some(known) = self.servers.get_mut(server) {
                    known.log.extend(lines.iter().cloned());
                    known.log.drain(..known.log.len().saturating_sub(MAX_LOG_LINES));
                }
            }
            McpEvent::CallProgress { .. } | McpEvent::CallDone { .. } => (),
        }
    }

    /// Sets the tools of a server.
    pub fn set_tools(&mut self, server: &str, tools: &[ToolDefinition]) {
        if let Some(known) = self.servers.get_mut(server) {
            known.tools = tools.to_vec();
        }
    }

    /// Returns the servers that may still become ready; their tools are missing until then.
    pub fn pending_servers(&self) -> impl Iterator<Item = &str> {
        let is_pending = |known: &&ServerStatus| {
            known.configured.permission == RunPermission::On
                && matches!(known.state, ServerState::Idle | ServerState::Starting | ServerState::Waiting { .. })
        };
        self.servers.values().filter(is_pending).map(|known| known.configured.name.as_str())
    }
}

impl ServerStatus {
    fn new(configured: ConfiguredServer) -> Self {
        Self { configured, state: ServerState::Idle, tools: Vec::new(), log: VecDeque::new() }
    }

    /// Returns the newest problem, if any.
    pub fn problem(&self) -> Option<&str> {
        let is_problem =
            |line: &&ServerLogLine| matches!(line.source, LogSource::Warning | LogSource::Refused | LogSource::Ibid);
        match &self.state {
            ServerState::Waiting { why, .. } | ServerState::Failed { why } => Some(why),
            ServerState::Idle | ServerState::Starting | ServerState::Ready(_) => {
                self.log.iter().rev().find(is_problem).map(|line| line.text.as_str())
            }
        }
    }
}
