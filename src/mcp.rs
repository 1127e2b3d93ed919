//! MCP servers and the thread that talks to them.
//!
//! Jobs go in and events come out; sending a job never blocks. The thread starts no server before a job says so. When
//! the handle is dropped, it ends the servers it started and all their child processes.

mod client;
mod connection;
mod content;
mod discovery;
mod event_stream;
mod http;
mod http_client;
mod mended_results;
mod messages;
mod output_lines;
mod pipes;
mod replies;
mod reply_stream;
mod server;
mod statuses;
mod stdio;
mod variables;

use std::{
    collections::HashMap,
    ffi::OsString,
    path::{Path, PathBuf},
    thread::{self, JoinHandle},
    time::Duration,
};

use serde_json::{Map, Value};
use tokio::{sync::mpsc, task::JoinSet};

use crate::{
    chat::CallId,
    tools::{ToolDefinition, ToolFailure, ToolId, ToolOutcome},
};

pub use discovery::{ConfiguredServer, RunPermission, ServerDiscovery, ServerOrigin, ServerTarget};
pub use statuses::{ServerStatus, ServerStatuses};
pub use variables::{TextSegment, names_secret, text_segments};

/// A handle to the thread; dropping it waits until every server has ended.
#[derive(Debug)]
pub struct McpHandle {
    /// `None` only while the handle is being dropped.
    jobs: Option<mpsc::UnboundedSender<McpJob>>,
    thread: Option<JoinHandle<()>>,
}

/// Limits and delays for servers. The default is right for everything except tests.
#[derive(Debug, Clone, Copy)]
pub struct McpOptions {
    /// Looks up an environment variable.
    pub env: fn(&str) -> Option<OsString>,
    /// The delay before a server that went away is restarted: doubled each time, up to `max_retry_delay`.
    pub first_retry_delay: Duration,
    pub max_retry_delay: Duration,
    /// After this many failed starts in a row, ibid gives up on the server.
    pub max_attempts: u32,
    /// How long a server may take to exit: once after its input is closed, and again after it is signalled.
    pub grace: Duration,
    /// Log lines are reported at most this often.
    pub log_interval: Duration,
}

impl Default for McpOptions {
    fn default() -> Self {
        Self {
            env: |name| std::env::var_os(name),
            first_retry_delay: Duration::from_secs(1),
            max_retry_delay: Duration::from_secs(30),
            max_attempts: 5,
            grace: Duration::from_millis(500),
            log_interval: Duration::from_millis(250),
        }
    }
}

/// A request to the MCP servers.
#[derive(Debug, Clone)]
pub enum McpJob {
    /// Starts the servers that are not running yet. Failed servers get one more try, if one can be of any use.
    Start,
    /// Stops a server and starts it again.
    Restart(String),
    /// Reads the files again: servers that changed are restarted, servers that are gone are stopped, and servers that
    /// failed for good are tried again.
    Reload,
    /// The user has reviewed a project's file and trusts it as it was shown, which this hash stands for.
    Trust { path: PathBuf, file_hash: String },
    /// Calls a tool. Always answered by `CallDone`.
    Call { call: CallId, tool: ToolId, arguments: Map<String, Value> },
    /// Tells the server that the call is cancelled.
    Cancel(CallId),
}

/// An event of an MCP server or of one of its calls.
#[derive(Debug, Clone, PartialEq)]
pub enum McpEvent {
    /// All configured servers. Servers that are not listed any more are gone.
    Servers {
        servers: Vec<ConfiguredServer>,
        /// Problems in the files, one sentence each.
        complaints: Vec<String>,
    },
    State {
        server: String,
        state: ServerState,
    },
    /// All tools that the server offers now.
    Tools {
        server: String,
        tools: Vec<ToolDefinition>,
    },
    Log {
        server: String,
        lines: Vec<ServerLogLine>,
    },
    CallProgress {
        call: CallId,
        progress: CallProgress,
    },
    CallDone {
        call: CallId,
        result: Result<ToolOutcome, ToolFailure>,
    },
}

/// The state of a server.
#[derive(Debug, Clone, PartialEq)]
pub enum ServerState {
    /// It has not been needed yet, or it is switched off or not trusted.
    Idle,
    Starting,
    Ready(ServerIdentity),
    /// It went away or failed to start, and is started again at `until`.
    Waiting {
        until: jiff::Timestamp,
        why: String,
    },
    /// ibid has given up on it until the user starts it.
    Failed {
        why: String,
    },
}

/// How a server identifies itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServerIdentity {
    pub name: String,
    pub version: String,
    /// The protocol version that both sides use.
    pub protocol: String,
    pub instructions: Option<String>,
}

/// A line of a server's log, bounded and cleaned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerLogLine {
    pub at: jiff::Timestamp,
    pub source: LogSource,
    pub text: String,
}

/// Where a log line comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogSource {
    /// The server's standard error.
    Stderr,
    /// The server's standard output, which should carry only messages.
    Stdout,
    /// A log message of the protocol.
    Server,
    /// A log message of the protocol, at the level of a warning or above.
    Warning,
    /// The server requested something that ibid refuses.
    Refused,
    /// ibid itself.
    Ibid,
}

/// The progress of a call, in the server's own units.
#[derive(Debug, Clone, PartialEq)]
pub struct CallProgress {
    pub done: f64,
    pub total: Option<f64>,
    pub message: Option<String>,
}

impl ServerState {
    /// Changes every text of the server in it.
    #[must_use]
    pub fn map_texts(self, change: impl Fn(String) -> String + Copy) -> Self {
        match self {
            Self::Idle => Self::Idle,
            Self::Starting => Self::Starting,
            Self::Ready(ServerIdentity { name, version, protocol, instructions }) => Self::Ready(ServerIdentity {
                name: change(name),
                version: change(version),
                protocol: change(protocol),
                instructions: instructions.map(change),
            }),
            Self::Waiting { until, why } => Self::Waiting { until, why: change(why) },
            Self::Failed { why } => Self::Failed { why: change(why) },
        }
    }
}

impl McpHandle {
    /// Reads the files, reports their contents (`McpEvent::Servers`) and starts the thread, which waits for jobs. It
    /// also waits for room in `events`, so do not wait for the thread without receiving events.
    pub fn open(places: ServerDiscovery, options: McpOptions, events: mpsc::Sender<McpEvent>) -> Self {
        #[expect(
            clippy::disallowed_methods,
            reason = "the loop sends the jobs and must not wait; it sends one for each call"
        )]
        let (jobs, waiting) = mpsc::unbounded_channel();
        let (servers, complaints) = places.find_servers(options.env);
        let _ = events.try_send(McpEvent::Servers { servers: servers.clone(), complaints }); // There is room: first event.
        let thread = thread::Builder::new().name("mcp".into()).spawn(move || {
            // Without a runtime every call fails because there is no server.
            let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
            let hub =
                McpHub { places, options, events, configured: servers, running: HashMap::new(), tasks: JoinSet::new() };
            runtime.block_on(hub.run(waiting));
        });
        Self { jobs: Some(jobs), thread: thread.ok() }
    }

    /// Hands a job to the thread; never blocks. Returns `false` if the thread is gone.
    pub fn send(&self, job: McpJob) -> bool {
        self.jobs.as_ref().is_some_and(|jobs| jobs.send(job).is_ok())
    }
}

impl Drop for McpHandle {
    fn drop(&mut self) {
        self.jobs = None; // The thread ends the servers it started, then itself.
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The thread's side of the handle: passes each job to the task of its server.
struct McpHub {
    places: ServerDiscovery,
    options: McpOptions,
    events: mpsc::Sender<McpEvent>,
    /// The servers in the files when they were last read.
    configured: Vec<ConfiguredServer>,
    running: HashMap<String, RunningServer>,
    tasks: JoinSet<()>,
}

/// A server that has a task. Dropping `orders` ends the task.
struct RunningServer {
    configured: ConfiguredServer,
    orders: mpsc::Sender<server::ServerOrder>,
}

/// How many orders may wait for one server.
const MAX_WAITING_ORDERS: usize = 64;

impl McpHub {
    async fn run(mut self, mut jobs: mpsc::UnboundedReceiver<McpJob>) {
        self.sync_tasks();
        while let Some(job) = jobs.recv().await {
            while self.tasks.try_join_next().is_some() {}
            match job {
                McpJob::Start => self.running.values().for_each(|running| {
                    let _ = running.orders.try_send(server::ServerOrder::Start); // With a full queue it is running.
                }),
                McpJob::Restart(server) => {
                    if let Some(running) = self.running.get(&server) {
                        let _ = running.orders.send(server::ServerOrder::Restart).await; // Its task outlives us.
                    }
                }
                McpJob::Reload => {
                    self.reload(None).await;
                    for running in self.running.values() {
                        let _ = running.orders.send(server::ServerOrder::Retry).await; // Its task outlives us.
                    }
                }
                McpJob::Trust { path, file_hash } => {
                    let complaint = self.trust(&path, &file_hash).err();
                    self.reload(complaint).await;
                }
                McpJob::Call { call, tool, arguments } => self.call(call, tool, arguments).await,
                McpJob::Cancel(call) => {
                    for running in self.running.values() {
                        let _ = running.orders.send(server::ServerOrder::Cancel(call)).await; // As above.
                    }
                }
            }
        }
        self.running.clear();
        while self.tasks.join_next().await.is_some() {}
    }

    /// Marks a project's file as trusted, if it is still what the user was shown.
    fn trust(&self, path: &Path, file_hash: &str) -> Result<(), String> {
        let (servers, _) = self.places.find_servers(self.options.env);
        let mut now = servers.iter().filter(|configured| configured.origin.path() == path);
        if !now.any(|configured| configured.file_hash.as_deref() == Some(file_hash)) {
            return Err(format!("{} has changed since it was shown, and is not trusted", path.display()));
        }
        self.places.trust(path, file_hash).map_err(|why| format!("{} is not trusted: {why}", path.display()))
    }

    /// Reads the files again and reports the servers.
    async fn reload(&mut self, complaint: Option<String>) {
        let (servers, mut complaints) = self.places.find_servers(self.options.env);
        complaints.extend(complaint.map(|said| crate::text::clean(&said).into_owned()));
        self.configured.clone_from(&servers);
        // Sending fails only on shutdown; here and below.
        let _ = self.events.send(McpEvent::Servers { servers, complaints }).await;
        self.sync_tasks();
    }

    /// Makes sure that exactly those servers that may run have a task.
    fn sync_tasks(&mut self) {
        self.running.retain(|_, running| self.configured.contains(&running.configured));
        for configured in &self.configured {
            if configured.permission != RunPermission::On || self.running.contains_key(&configured.name) {
                continue;
            }
            let (orders, waiting) = mpsc::channel(MAX_WAITING_ORDERS);
            self.tasks.spawn(server::run(configured.clone(), self.options, waiting, self.events.clone()));
            self.running.insert(configured.name.clone(), RunningServer { configured: configured.clone(), orders });
        }
    }

    async fn call(&self, call: CallId, tool: ToolId, arguments: Map<String, Value>) {
        let order = server::ServerOrder::Call { call, name: tool.name, arguments };
        let result = match self.running.get(&tool.server) {
            None => Err(ToolFailure::Unknown),
            Some(running) => match running.orders.try_send(order) {
                Ok(()) => return,
                Err(_) => Err(ToolFailure::Start("too many calls are waiting for its server".into())),
            },
        };
        let _ = self.events.send(McpEvent::CallDone { call, result }).await;
    }
}
