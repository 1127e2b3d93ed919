//! MCP servers and the thread that speaks with them.
//!
//! Jobs go in, events come out; nothing waits. The thread starts nothing before it is asked to, and when the handle is
//! dropped it ends what it started, with everything below it.

mod board;
mod client;
mod content;
mod found;
mod http;
mod lines;
mod link;
mod server;
mod stdio;
mod words;

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
    tools::{Failure, Outcome, Tool, ToolId},
};

pub use board::{Board, Known};
pub use found::{Configured, Places, Source, Standing};

/// A handle to the thread; dropping it waits until every server has ended.
#[derive(Debug)]
pub struct Mcp {
    /// `None` only while it is dropped.
    jobs: Option<mpsc::UnboundedSender<Job>>,
    thread: Option<JoinHandle<()>>,
}

/// How servers are treated; the default is right for everything but tests.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// How an environment variable is looked up.
    pub env: fn(&str) -> Option<OsString>,
    /// How long a server that went away is left alone: doubled each time, never more than `longest_pause`.
    pub first_pause: Duration,
    pub longest_pause: Duration,
    /// After so many starts in vain, one behind the other, it is left alone.
    pub tries: u32,
    /// How long a server is given to end: when its input is closed, and again when it is told to.
    pub grace: Duration,
    /// Lines of a log are told at most that often.
    pub log_every: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            env: |name| std::env::var_os(name),
            first_pause: Duration::from_secs(1),
            longest_pause: Duration::from_secs(30),
            tries: 5,
            grace: Duration::from_millis(500),
            log_every: Duration::from_millis(250),
        }
    }
}

/// What the servers are asked to do.
#[derive(Debug)]
pub enum Job {
    /// Starts the servers that are not running yet; those that were given up get one more try.
    Start,
    /// Stops one and starts it again.
    Restart(String),
    /// Reads the files again: what changed starts anew, what is gone ends.
    Reload,
    /// The reader has seen what stands in a project's file and takes it as his own.
    Trust(PathBuf),
    /// Answered by `Done`, whatever happens.
    Call { call: CallId, tool: ToolId, arguments: Map<String, Value> },
    /// The server is told that nobody waits any more.
    Cancel(CallId),
}

/// What the servers say.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// All that are configured; those not named any more are gone.
    Servers {
        servers: Vec<Configured>,
        /// What is wrong in the files, each in one sentence.
        complaints: Vec<String>,
    },
    State {
        server: String,
        state: State,
    },
    /// All that it offers now.
    Tools {
        server: String,
        tools: Vec<Tool>,
    },
    Log {
        server: String,
        lines: Vec<Line>,
    },
    Progress {
        call: CallId,
        progress: Progress,
    },
    Done {
        call: CallId,
        result: Result<Outcome, Failure>,
    },
}

/// How a server is.
#[derive(Debug, Clone, PartialEq)]
pub enum State {
    /// Nobody needed it yet, or it is switched off or not trusted.
    Idle,
    Starting,
    Ready(Identity),
    /// It went away, or did not come up, and is started again then.
    Waiting {
        until: jiff::Timestamp,
        why: String,
    },
    /// It is left alone until somebody asks for it.
    Failed {
        why: String,
    },
}

/// What a server says it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Identity {
    pub name: String,
    pub version: String,
    /// The version of the protocol that both speak.
    pub protocol: String,
    pub instructions: Option<String>,
}

/// A line of a server's log; bounded and cleaned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    pub at: jiff::Timestamp,
    pub voice: Voice,
    pub text: String,
}

/// Who said it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Voice {
    /// Its standard error.
    Stderr,
    /// Its standard output, where only messages belong.
    Stdout,
    /// A message of the protocol's log.
    Server,
    /// A warning or worse of the protocol's log.
    Warning,
    /// It asked for something that it does not get.
    Refused,
    /// We noticed something.
    Ibid,
}

/// How far a call has come, in its server's own measure.
#[derive(Debug, Clone, PartialEq)]
pub struct Progress {
    pub done: f64,
    pub total: Option<f64>,
    pub message: Option<String>,
}

impl Mcp {
    /// Reads the files, tells what they hold (`Event::Servers`), and starts the thread, which does nothing unasked. It
    /// waits for room in `events`, so nobody may wait for it without taking them.
    pub fn open(places: Places, options: Options, events: mpsc::Sender<Event>) -> Self {
        let (jobs, waiting) = mpsc::unbounded_channel();
        let (servers, complaints) = places.look();
        let _ = events.try_send(Event::Servers { servers: servers.clone(), complaints }); // It is the first.
        let thread = thread::Builder::new().name("mcp".into()).spawn(move || {
            // Without a runtime every call fails for want of a server.
            let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
            let hub = Hub { places, options, events, told: servers, running: HashMap::new(), tasks: JoinSet::new() };
            runtime.block_on(hub.run(waiting));
        });
        Self { jobs: Some(jobs), thread: thread.ok() }
    }

    /// Hands over a job; never blocks. `false`: nobody is there to do it.
    pub fn send(&self, job: Job) -> bool {
        self.jobs.as_ref().is_some_and(|jobs| jobs.send(job).is_ok())
    }
}

impl Drop for Mcp {
    fn drop(&mut self) {
        self.jobs = None; // The thread ends what it started, then itself.
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The thread's side: hands each job to the task of its server.
struct Hub {
    places: Places,
    options: Options,
    events: mpsc::Sender<Event>,
    /// What the files held when they were read last.
    told: Vec<Configured>,
    running: HashMap<String, Running>,
    tasks: JoinSet<()>,
}

/// A server that has a task; closing its orders ends it.
struct Running {
    configured: Configured,
    orders: mpsc::Sender<server::Order>,
}

/// Orders that may wait for one server.
const WAITING: usize = 64;

impl Hub {
    async fn run(mut self, mut jobs: mpsc::UnboundedReceiver<Job>) {
        self.keep();
        while let Some(job) = jobs.recv().await {
            while self.tasks.try_join_next().is_some() {}
            match job {
                Job::Start => self.running.values().for_each(|running| {
                    let _ = running.orders.try_send(server::Order::Start); // With so many waiting it runs.
                }),
                Job::Restart(server) => {
                    if let Some(running) = self.running.get(&server) {
                        let _ = running.orders.send(server::Order::Restart).await; // Its task ends only after us.
                    }
                }
                Job::Reload => self.look(None).await,
                Job::Trust(path) => {
                    let complaint = self.trust(&path).err();
                    self.look(complaint).await;
                }
                Job::Call { call, tool, arguments } => self.call(call, tool, arguments).await,
                Job::Cancel(call) => {
                    for running in self.running.values() {
                        let _ = running.orders.send(server::Order::Cancel(call)).await; // As above.
                    }
                }
            }
        }
        self.running.clear();
        while self.tasks.join_next().await.is_some() {}
    }

    /// Takes a project's file as one's own, if it still holds what was shown of it.
    fn trust(&self, path: &Path) -> Result<(), String> {
        let (servers, _) = self.places.look();
        let of_it = |configured: &&Configured| configured.source.path() == path;
        if !servers.iter().filter(of_it).eq(self.told.iter().filter(of_it)) {
            return Err(format!("{} has changed since it was shown, and is not trusted", path.display()));
        }
        self.places.trust(path).map_err(|why| format!("{} is not trusted: {why}", path.display()))
    }

    /// Reads the files again.
    async fn look(&mut self, complaint: Option<String>) {
        let (servers, mut complaints) = self.places.look();
        complaints.extend(complaint.map(|said| crate::text::clean(&said).into_owned()));
        self.told.clone_from(&servers);
        // Nobody listens on the way out; here and below.
        let _ = self.events.send(Event::Servers { servers, complaints }).await;
        self.keep();
    }

    /// Each server that may run has a task, and no other.
    fn keep(&mut self) {
        self.running.retain(|_, running| self.told.contains(&running.configured));
        for configured in &self.told {
            if configured.standing != Standing::On || self.running.contains_key(&configured.name) {
                continue;
            }
            let (orders, waiting) = mpsc::channel(WAITING);
            self.tasks.spawn(server::run(configured.clone(), self.options, waiting, self.events.clone()));
            self.running.insert(configured.name.clone(), Running { configured: configured.clone(), orders });
        }
    }

    async fn call(&self, call: CallId, tool: ToolId, arguments: Map<String, Value>) {
        let order = server::Order::Call { call, name: tool.name, arguments };
        let result = match self.running.get(&tool.server) {
            None => Err(Failure::Unknown),
            Some(running) => match running.orders.try_send(order) {
                Ok(()) => return,
                Err(_) => Err(Failure::Start("too much is waiting for its server".into())),
            },
        };
        let _ = self.events.send(Event::Done { call, result }).await;
    }
}
