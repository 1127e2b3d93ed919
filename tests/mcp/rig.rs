//! Servers under way, and what they say: the whole thread as the program has it, with short patience.

use std::{
    ffi::OsString,
    time::{Duration, Instant},
};

use ibid::{
    chat::{CallId, Ids, Slot, Timestamp},
    config::McpServer,
    mcp::{Board, Event, Job, Known, Line, Mcp, Options, Places, State},
    tools::{Content, Failure, Outcome, ToolId},
};
use serde_json::Value;
use tokio::{sync::mpsc, time::timeout};

use crate::server::{KIND, arguments};

/// Longer than anything takes on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// Dropped in this order: nobody waits for room in `events` when the servers end.
pub struct Rig {
    events: mpsc::Receiver<Event>,
    pub board: Board,
    /// All lines of all logs, as they came.
    pub log: Vec<Line>,
    mcp: Option<Mcp>,
    calls: u32,
}

/// A program that is a test server of that kind.
pub fn program(kind: &str) -> McpServer {
    let (command, args) = arguments();
    let env = [(KIND.to_owned(), kind.to_owned())].into();
    McpServer { command: Some(command), args, env, start_timeout: 30.0, ..McpServer::default() }
}

pub fn options() -> Options {
    Options {
        env,
        first_pause: Duration::from_millis(1),
        longest_pause: Duration::from_millis(4),
        tries: 3,
        grace: Duration::from_secs(5),
        log_every: Duration::from_millis(1),
    }
}

/// Our environment, and a few variables of the tests.
fn env(name: &str) -> Option<OsString> {
    match name {
        "GOOD_TOKEN" => Some("good-token".into()),
        "BAD_TOKEN" => Some("bad-token".into()),
        name => std::env::var_os(name),
    }
}

impl Rig {
    pub fn of(server: McpServer) -> Self {
        Self::with(server, options())
    }

    /// One server, called `s`, asked to start.
    pub fn with(server: McpServer, options: Options) -> Self {
        let places = Places { servers: [("s".to_owned(), server)].into(), ..Places::default() };
        let rig = Self::at(places, options);
        rig.send(Job::Start);
        rig
    }

    pub fn at(places: Places, options: Options) -> Self {
        let (send, events) = mpsc::channel(16);
        let mcp = Some(Mcp::open(places, options, send));
        Self { events, board: Board::default(), log: Vec::new(), mcp, calls: 0 }
    }

    pub fn send(&self, job: Job) {
        assert!(self.mcp.as_ref().expect("it runs").send(job), "the thread is there");
    }

    pub async fn next(&mut self) -> Event {
        let event = timeout(PATIENCE, self.events.recv()).await;
        let event = event.unwrap_or_else(|_| panic!("nothing more comes; so far: {:#?}", self.board));
        let event = event.expect("the thread is there");
        self.board.apply(&event);
        if let Event::Log { lines, .. } = &event {
            self.log.extend(lines.iter().cloned());
        }
        event
    }

    /// Waits until that is so.
    pub async fn until(&mut self, is: impl Fn(&Self) -> bool) {
        while !is(self) {
            self.next().await;
        }
    }

    pub fn known(&self) -> &Known {
        self.board.servers.get("s").expect("it is configured")
    }

    pub async fn ready(&mut self) {
        self.until(|rig| rig.board.servers.get("s").is_some_and(|known| matches!(known.state, State::Ready(_)))).await;
    }

    /// Waits until it is left alone, and says why.
    pub async fn failed(&mut self) -> String {
        loop {
            if let Event::State { state: State::Failed { why }, .. } = self.next().await {
                return why;
            }
        }
    }

    /// Waits for a line of its log that holds that.
    pub async fn logged(&mut self, text: &str) -> Line {
        loop {
            if let Some(line) = self.log.iter().find(|line| line.text.contains(text)) {
                return line.clone();
            }
            self.next().await;
        }
    }

    pub fn begin(&mut self, tool: &str, arguments: &Value) -> CallId {
        self.calls += 1;
        let call = CallId { turn: Ids::new(0).turn(Timestamp::UNIX_EPOCH), slot: Slot { step: 0, index: self.calls } };
        let arguments = arguments.as_object().expect("arguments are an object").clone();
        self.send(Job::Call { call, tool: ToolId::new("s", tool), arguments });
        call
    }

    pub async fn done(&mut self, of: CallId) -> Result<Outcome, Failure> {
        loop {
            if let Event::Done { call, result } = self.next().await
                && call == of
            {
                return result;
            }
        }
    }

    pub async fn call(&mut self, tool: &str) -> Result<Outcome, Failure> {
        let call = self.begin(tool, &serde_json::json!({}));
        self.done(call).await
    }

    pub async fn text(&mut self, tool: &str) -> String {
        match self.call(tool).await.expect("it answers").content.swap_remove(0) {
            Content::Text(text) => text,
            other => panic!("no text: {other:?}"),
        }
    }

    /// Ends all, as the program does when it ends.
    pub fn end(mut self) {
        self.events.close();
        self.mcp = None;
    }
}

/// Whether a process runs. One that is dead and was not asked for does not.
pub fn is_alive(process: &str) -> bool {
    let said =
        std::process::Command::new("ps").args(["-o", "stat=", "-p", process]).output().expect("every system has ps");
    let state = String::from_utf8_lossy(&said.stdout);
    !matches!(state.trim().chars().next(), None | Some('Z'))
}

/// Waits until a process is gone.
pub fn is_gone(process: &str) -> bool {
    let begun = Instant::now();
    while is_alive(process) {
        if begun.elapsed() > Duration::from_secs(10) {
            return false;
        }
        std::thread::yield_now();
    }
    true
}
