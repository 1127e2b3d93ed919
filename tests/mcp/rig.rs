//! Runs the program's MCP thread with short delays, and collects its events.

use std::{
    ffi::OsString,
    time::{Duration, Instant},
};

use ibid::{
    chat::{CallId, IdGenerator, ItemSlot, Timestamp},
    config::McpServerConfig,
    mcp::{
        McpEvent, McpHandle, McpJob, McpOptions, ServerDiscovery, ServerLogLine, ServerState, ServerStatus,
        ServerStatuses,
    },
    tools::{ToolContent, ToolFailure, ToolId, ToolOutcome},
};
use serde_json::Value;
use tokio::{sync::mpsc, time::timeout};

use crate::server::{SERVER_KIND, server_command};

/// Longer than anything takes, even on a busy machine.
const TIMEOUT: Duration = Duration::from_mins(1);

/// A running MCP thread and the events it has sent.
///
/// The order of the fields matters: `events` is dropped first, so that no server waits for room in it while ending.
pub struct McpRig {
    events: mpsc::Receiver<McpEvent>,
    pub statuses: ServerStatuses,
    /// All log lines of all servers, in order of arrival.
    pub log: Vec<ServerLogLine>,
    mcp: Option<McpHandle>,
    call_count: u32,
}

/// The configuration of a test server of this kind.
pub fn test_server(kind: &str) -> McpServerConfig {
    let (command, args) = server_command();
    let env = [(SERVER_KIND.to_owned(), kind.to_owned())].into();
    McpServerConfig { command: Some(command), args, env, start_timeout: 30.0, ..McpServerConfig::default() }
}

pub fn test_options() -> McpOptions {
    McpOptions {
        env: test_env,
        first_retry_delay: Duration::from_millis(1),
        max_retry_delay: Duration::from_millis(4),
        max_attempts: 3,
        grace: Duration::from_secs(5),
        log_interval: Duration::from_millis(1),
    }
}

/// The environment, with a few variables for the tests.
fn test_env(name: &str) -> Option<OsString> {
    match name {
        "GOOD_TOKEN" => Some("good-token".into()),
        "BAD_TOKEN" => Some("bad-token".into()),
        name => std::env::var_os(name),
    }
}

impl McpRig {
    pub fn for_server(server: McpServerConfig) -> Self {
        Self::with_options(server, test_options())
    }

    /// Starts one server, named `s`.
    pub fn with_options(server: McpServerConfig, options: McpOptions) -> Self {
        let places = ServerDiscovery { servers: [("s".to_owned(), server)].into(), ..ServerDiscovery::default() };
        let rig = Self::with_places(places, options);
        rig.send(McpJob::Start);
        rig
    }

    pub fn with_places(places: ServerDiscovery, options: McpOptions) -> Self {
        let (send, events) = mpsc::channel(16);
        let mcp = Some(McpHandle::open(places, options, send));
        Self { events, statuses: ServerStatuses::default(), log: Vec::new(), mcp, call_count: 0 }
    }

    pub fn send(&self, job: McpJob) {
        assert!(self.mcp.as_ref().expect("the thread is running").send(job), "the thread has ended");
    }

    /// The job that trusts the file of the first server as it is shown now.
    pub fn trust_job(&self) -> McpJob {
        let shown = &self.statuses.servers.values().next().expect("a server is shown").configured;
        let file_hash = shown.file_hash.clone().expect("it is of a project");
        McpJob::Trust { path: shown.origin.path().to_owned(), file_hash }
    }

    pub async fn next_event(&mut self) -> McpEvent {
        let event = timeout(TIMEOUT, self.events.recv()).await;
        let event = event.unwrap_or_else(|_| panic!("no more events; so far: {:#?}", self.statuses));
        let event = event.expect("the thread is running");
        self.statuses.apply(&event);
        if let McpEvent::Log { lines, .. } = &event {
            self.log.extend(lines.iter().cloned());
        }
        event
    }

    /// Waits until `is` returns true.
    pub async fn wait_until(&mut self, is_met: impl Fn(&Self) -> bool) {
        while !is_met(self) {
            self.next_event().await;
        }
    }

    pub fn server(&self) -> &ServerStatus {
        self.statuses.servers.get("s").expect("the server is configured")
    }

    pub async fn wait_ready(&mut self) {
        self.wait_until(|rig| {
            rig.statuses.servers.get("s").is_some_and(|known| matches!(known.state, ServerState::Ready(_)))
        })
        .await;
    }

    /// Waits until the server has failed for good and returns the reason.
    pub async fn wait_failed(&mut self) -> String {
        loop {
            if let McpEvent::State { state: ServerState::Failed { why }, .. } = self.next_event().await {
                return why;
            }
        }
    }

    /// Waits for a log line that contains `text`.
    pub async fn wait_for_log(&mut self, text: &str) -> ServerLogLine {
        loop {
            if let Some(line) = self.log.iter().find(|line| line.text.contains(text)) {
                return line.clone();
            }
            self.next_event().await;
        }
    }

    pub fn start_call(&mut self, tool: &str, arguments: &Value) -> CallId {
        self.call_count += 1;
        let call = CallId {
            turn: IdGenerator::new(0).turn(Timestamp::UNIX_EPOCH),
            slot: ItemSlot { step: 0, index: self.call_count },
        };
        let arguments = arguments.as_object().expect("arguments are an object").clone();
        self.send(McpJob::Call { call, tool: ToolId::new("s", tool), arguments });
        call
    }

    pub async fn wait_done(&mut self, awaited: CallId) -> Result<ToolOutcome, ToolFailure> {
        loop {
            if let McpEvent::CallDone { call, result } = self.next_event().await
                && call == awaited
            {
                return result;
            }
        }
    }

    pub async fn call(&mut self, tool: &str) -> Result<ToolOutcome, ToolFailure> {
        let call = self.start_call(tool, &serde_json::json!({}));
        self.wait_done(call).await
    }

    pub async fn call_text(&mut self, tool: &str) -> String {
        match self.call(tool).await.expect("the call returns a result").content.swap_remove(0) {
            ToolContent::Text(text) => text,
            other => panic!("not text: {other:?}"),
        }
    }

    /// Ends all servers, as the program does on exit.
    pub fn shut_down(mut self) {
        self.events.close();
        self.mcp = None;
    }
}

/// Whether a process is running. A zombie is not.
#[expect(clippy::disallowed_methods, reason = "the test only looks for the process")]
pub fn is_alive(process: &str) -> bool {
    let output =
        std::process::Command::new("ps").args(["-o", "stat=", "-p", process]).output().expect("every system has ps");
    let state = String::from_utf8_lossy(&output.stdout);
    !matches!(state.trim().chars().next(), None | Some('Z'))
}

/// Waits until a process is gone; returns false after ten seconds.
pub fn exits_in_time(process: &str) -> bool {
    let begun = Instant::now();
    while is_alive(process) {
        if begun.elapsed() > Duration::from_secs(10) {
            return false;
        }
        std::thread::yield_now();
    }
    true
}
