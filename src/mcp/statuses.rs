//! The current status of all servers, built from their events.

use std::{
    collections::{BTreeMap, VecDeque},
    path::Path,
};

use super::{ConfiguredServer, LogSource, McpEvent, RunPermission, ServerLogLine, ServerState};
use crate::tools::ToolDefinition;

/// The most log lines of each server.
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
    /// It failed, and has not become ready since.
    pub has_failed: bool,
}

/// Programs that download what they run, when it is used for the first time.
const DOWNLOADERS: [&str; 12] =
    ["npx", "uvx", "docker", "podman", "pipx", "bunx", "pnpx", "pnpm", "yarn", "uv", "deno", "dnx"];

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
                    match state {
                        ServerState::Waiting { .. } | ServerState::Failed { .. } => known.has_failed = true,
                        ServerState::Ready(_) => known.has_failed = false,
                        ServerState::Idle | ServerState::Starting => (),
                    }
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

    /// Returns the servers that are starting for the first time; their tools are missing until then. Nobody waits for
    /// one that has failed.
    pub fn pending_servers(&self) -> impl Iterator<Item = &ServerStatus> {
        let is_pending = |known: &&ServerStatus| {
            known.configured.permission == RunPermission::On
                && !known.has_failed
                && matches!(known.state, ServerState::Idle | ServerState::Starting)
        };
        self.servers.values().filter(is_pending)
    }
}

impl ServerStatus {
    fn new(configured: ConfiguredServer) -> Self {
        Self { configured, state: ServerState::Idle, tools: Vec::new(), log: VecDeque::new(), has_failed: false }
    }

    /// The program that may be downloading the server while it starts, also behind a shell as in `cmd /c npx`.
    pub fn downloader(&self) -> Option<&'static str> {
        let settings = &self.configured.settings;
        let words = settings.command.iter().chain(settings.args.iter().take(2));
        let mut stems = words.filter_map(|word| Path::new(word).file_stem()?.to_str());
        stems.find_map(|stem| DOWNLOADERS.iter().find(|program| **program == stem)).copied()
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
