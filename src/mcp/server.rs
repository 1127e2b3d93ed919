//! The task of one server: starts it when it is needed, serves it, and restarts it when it goes away.

use std::{collections::HashMap, pin::pin, time::Duration};

use jiff::SignedDuration;
use rmcp::{
    Peer, RoleClient,
    model::{ProgressToken, RequestId},
};
use serde_json::{Map, Value};
use tokio::{
    sync::mpsc,
    task::{AbortHandle, JoinSet},
    time::{Instant, sleep_until, timeout},
};

use super::{
    ConfiguredServer, LogSource, McpEvent, McpOptions, ServerLogLine, ServerState,
    client::{ServerLog, ServerNotice},
    connection::{self, ConnectFailure, HandshakeKind, ServerConnection},
    messages::CallLoss,
    stdio,
};
use crate::{
    chat::CallId,
    clock,
    tools::{ToolDefinition, ToolFailure, ToolOutcome},
};

/// An order to the task of a server.
#[derive(Debug)]
pub(super) enum ServerOrder {
    Start,
    /// Starts it again if it has failed for good.
    Retry,
    Restart,
    Call {
        call: CallId,
        name: String,
        arguments: Map<String, Value>,
    },
    Cancel(CallId),
}

/// Runs until the sender of `orders` is dropped.
pub(super) async fn run(
    configured: ConfiguredServer,
    options: McpOptions,
    orders: mpsc::Receiver<ServerOrder>,
    events: mpsc::Sender<McpEvent>,
) {
    let (ear, heard) = ServerLog::new();
    let log = LogBuffer { interval: options.log_interval, lines: Vec::new(), due: Instant::now() };
    let server = ServerTask {
        configured,
        options,
        orders,
        events,
        server_log: ear,
        notices: heard,
        pending_log: log,
        failed_starts: 0,
        has_failed_for_good: false,
        handshake: HandshakeKind::Newest,
    };
    Box::pin(server.run_to_end()).await;
}

struct ServerTask {
    configured: ConfiguredServer,
    options: McpOptions,
    orders: mpsc::Receiver<ServerOrder>,
    events: mpsc::Sender<McpEvent>,
    server_log: ServerLog,
    notices: mpsc::Receiver<ServerNotice>,
    pending_log: LogBuffer,
    /// Failed starts in a row.
    failed_starts: u32,
    /// Starting it again is of no use before something has changed.
    has_failed_for_good: bool,
    handshake: HandshakeKind,
}

/// What the task of a server does next.
enum ServerStep {
    /// Waits for the job to start.
    Rest(ServerState),
    Pause(Duration, String),
    Start,
    End,
}

/// A call that has not been answered yet.
struct RunningCall {
    request: RequestId,
    token: ProgressToken,
    /// When the call times out. Progress extends it.
    deadline: Instant,
    task: AbortHandle,
}

/// The result of a task that ran beside the loop.
enum FinishedTask {
    Call(CallId, Result<ToolOutcome, ToolFailure>, CallLoss),
    Tools(Result<(Vec<ToolDefinition>, Option<&'static str>), ToolFailure>),
    Nothing,
}

/// Log lines that have not been reported yet.
struct LogBuffer {
    interval: Duration,
    lines: Vec<ServerLogLine>,
    due: Instant,
}

impl LogBuffer {
    /// As many as a server on screen has.
    const MAX_LINES: usize = 200;

    fn push(&mut self, line: ServerLogLine) {
        if self.lines.len() == Self::MAX_LINES {
            self.lines.remove(0);
        }
        self.lines.push(line);
    }
}

impl ServerTask {
    async fn run_to_end(mut self) {
        let mut next = ServerStep::Rest(ServerState::Idle);
        loop {
            next = match next {
                ServerStep::Rest(state) => self.wait_idle(state).await,
                ServerStep::Pause(pause, why) => self.wait_to_retry(pause, why).await,
                ServerStep::Start => Box::pin(self.start()).await,
                ServerStep::End => return,
            };
        }
    }

    async fn wait_idle(&mut self, state: ServerState) -> ServerStep {
        let why = match &state {
            ServerState::Failed { why } => why.clone(),
            _ => "it is not running".into(),
        };
        let idle = state == ServerState::Idle;
        if !idle {
            self.report_state(state).await;
        }
        let next = self.wait_for_order(None, &why).await;
        if !idle && matches!(next, Some(ServerOrder::Start)) {
            self.failed_starts = self.options.max_attempts.saturating_sub(1);
        }
        next.map_or(ServerStep::End, |_| ServerStep::Start)
    }

    async fn wait_to_retry(&mut self, pause: Duration, why: String) -> ServerStep {
        let until = clock::now() + SignedDuration::try_from(pause).unwrap_or_default();
        self.report_state(ServerState::Waiting { until, why: why.clone() }).await;
        match self.wait_for_order(Some(Instant::now() + pause), &why).await {
            Some(_) => ServerStep::Start,
            None => ServerStep::End,
        }
    }

    /// Handles orders while there is no connection. Returns the order to start, also when `until` has come, or `None`
    /// once the sender of orders is dropped.
    async fn wait_for_order(&mut self, until: Option<Instant>, why: &str) -> Option<ServerOrder> {
        loop {
            tokio::select! {
                order = self.orders.recv() => match order? {
                    ServerOrder::Start | ServerOrder::Retry if until.is_some() => (),
                    ServerOrder::Start if self.has_failed_for_good && !self.can_start_now() => (),
                    ServerOrder::Retry if !self.has_failed_for_good => (),
                    ServerOrder::Start | ServerOrder::Retry => return Some(ServerOrder::Start),
                    ServerOrder::Restart => {
                        self.failed_starts = 0;
                        return Some(ServerOrder::Restart);
                    }
                    ServerOrder::Call { call, .. } => self.report_done(call, Err(ToolFailure::Start(why.to_owned()))).await,
                    ServerOrder::Cancel(_) => (),
                },
                Some(heard) = self.notices.recv() => self.on_notice(heard),
                () = sleep_until(self.pending_log.due), if !self.pending_log.lines.is_empty() => self.flush_log().await,
                () = sleep_until(until.unwrap_or(self.pending_log.due)), if until.is_some() => return Some(ServerOrder::Start),
            }
        }
    }

    /// Whether what was missing is there now. Whether a token is accepted shows only when it is tried.
    fn can_start_now(&self) -> bool {
        self.configured.settings.command.is_some() && stdio::check(&self.configured, &self.options).is_ok()
    }

    /// Tries to connect, and serves the connection for as long as it lasts.
    async fn start(&mut self) -> ServerStep {
        self.report_state(ServerState::Starting).await;
        let (configured, options, log) = (self.configured.clone(), self.options, self.server_log.clone());
        let mut begin = self.handshake;
        let mut opening = pin!(async move {
            let link = loop {
                match ServerConnection::open(&configured, &options, &log, begin).await {
                    Ok(link) => break link,
                    Err(refused) if refused.try_other_handshake && begin == HandshakeKind::Newest => {
                        begin = HandshakeKind::Older;
                    }
                    Err(refused) => return Err(refused),
                }
            };
            let limit = Duration::from_secs_f64(configured.settings.start_timeout);
            let listed = timeout(limit, connection::list_tools(&configured.name, &link.peer)).await;
            match listed.unwrap_or(Err(ToolFailure::TimedOut { seconds: limit.as_secs() })) {
                Ok(tools) => Ok((link, tools, begin)),
                Err(failure) => {
                    let read_error = link.close(options.grace).await.read_error;
                    let why = || format!("cannot list its tools: {}", failure.message());
                    Err(ConnectFailure::from(read_error.map_or_else(why, str::to_owned)))
                }
            }
        });
        let mut waiting_orders = Vec::new();
        let opened = loop {
            tokio::select! {
                opened = &mut opening => break opened,
                order = self.orders.recv() => match order {
                    None => {
                        self.refuse_calls(waiting_orders, "it was removed").await;
                        return ServerStep::End;
                    }
                    Some(ServerOrder::Restart) => {
                        self.refuse_calls(waiting_orders, "it is being restarted").await;
                        return ServerStep::Start;
                    }
                    Some(ServerOrder::Start | ServerOrder::Retry) => (),
                    // Calls wait until the server is ready.
                    Some(order) => waiting_orders.push(order),
                },
                Some(heard) = self.notices.recv() => self.on_notice(heard),
                () = sleep_until(self.pending_log.due), if !self.pending_log.lines.is_empty() => self.flush_log().await,
            }
        };
        match opened {
            Ok((link, tools, begin)) => {
                self.handshake = begin;
                self.has_failed_for_good = false;
                self.serve(link, tools, waiting_orders).await
            }
            Err(ConnectFailure { why, is_permanent, .. }) => {
                self.handshake = self.handshake.other();
                self.has_failed_for_good = is_permanent;
                self.refuse_calls(waiting_orders, &why).await;
                self.on_failure(why)
            }
        }
    }

    /// Answers the calls that waited for a start that failed.
    async fn refuse_calls(&mut self, waiting: Vec<ServerOrder>, why: &str) {
        for order in waiting {
            if let ServerOrder::Call { call, .. } = order {
                self.report_done(call, Err(ToolFailure::Start(why.to_owned()))).await;
            }
        }
    }

    /// Counts a failed start or a lost connection, and decides whether to try again.
    fn on_failure(&mut self, why: String) -> ServerStep {
        self.failed_starts += 1;
        if self.has_failed_for_good || self.failed_starts >= self.options.max_attempts {
            return ServerStep::Rest(ServerState::Failed { why });
        }
        let pause = self.options.first_retry_delay * 2_u32.saturating_pow(self.failed_starts - 1);
        ServerStep::Pause(pause.min(self.options.max_retry_delay), why)
    }

    async fn serve(
        &mut self,
        mut connection: ServerConnection,
        listed: (Vec<ToolDefinition>, Option<&'static str>),
        waiting: Vec<ServerOrder>,
    ) -> ServerStep {
        let since = Instant::now();
        let peer = connection.peer.clone();
        let mut calls = ConnectionCalls { peer, running: HashMap::new(), tasks: JoinSet::new() };
        let ear = self.server_log.clone();
        calls.tasks.spawn({
            let (peer, ear) = (calls.peer.clone(), ear.clone());
            async move {
                connection::follow_changes(peer, ear).await;
                FinishedTask::Nothing
            }
        });
        self.report_tools(Ok(listed)).await;
        self.report_state(ServerState::Ready(connection.identity.clone())).await;
        for order in waiting {
            self.carry_out(order, &mut calls).await;
        }
        let (why, next) = loop {
            let due = calls.running.values().map(|running| running.deadline).min();
            tokio::select! {
                order = self.orders.recv() => match order {
                    None => break (None, Some(ServerStep::End)),
                    Some(ServerOrder::Restart) => {
                        self.failed_starts = 0;
                        break (Some("it was restarted".to_owned()), Some(ServerStep::Start));
                    }
                    Some(order) => self.carry_out(order, &mut calls).await,
                },
                Some(heard) = self.notices.recv() => self.on_notice_while_serving(heard, &mut calls).await,
                Some(done) = calls.tasks.join_next() => match done {
                    Ok(FinishedTask::Call(call, result, loss)) => {
                        // If the connection ended, that reason is more specific.
                        if loss != CallLoss::Nothing
                            && let Ok(why) = timeout(connection::EXIT_GRACE, connection.wait_for_end()).await
                        {
                            break (Some(why), None);
                        }
                        calls.running.remove(&call);
                        self.report_done(call, result).await;
                        if let CallLoss::Server(why) = loss {
                            break (Some(why), None);
                        }
                    }
                    Ok(FinishedTask::Tools(listed)) => self.report_tools(listed).await,
                    Ok(FinishedTask::Nothing) | Err(_) => (),
                },
                () = ear.tools_changed.notified() => calls.list_tools(&self.configured),
                why = connection.wait_for_end() => break (Some(why), None),
                () = sleep_until(due.unwrap_or(self.pending_log.due)), if due.is_some() => self.time_out_calls(&mut calls).await,
                () = sleep_until(self.pending_log.due), if !self.pending_log.lines.is_empty() => self.flush_log().await,
            }
        };
        let end = connection.close(self.options.grace).await;
        let last_words = end.last_words.filter(|_| next.is_none()).map(|words| format!(": {words}"));
        let why = match (end.read_error, why) {
            (Some(wrong), _) => wrong.to_owned(),
            (None, Some(why)) => why + &last_words.unwrap_or_default(),
            (None, None) => "ibid is shutting down".into(),
        };
        // Results that have already arrived still count.
        while let Some(done) = calls.tasks.try_join_next() {
            if let Ok(FinishedTask::Call(call, Ok(outcome), _)) = done {
                calls.running.remove(&call);
                self.report_done(call, Ok(outcome)).await;
            }
        }
        for call in calls.running.into_keys() {
            self.report_done(call, Err(ToolFailure::Crashed(why.clone()))).await;
        }
        if since.elapsed() > self.options.max_retry_delay {
            self.failed_starts = 0;
        }
        next.unwrap_or_else(|| self.on_failure(why))
    }

    async fn carry_out(&mut self, order: ServerOrder, calls: &mut ConnectionCalls) {
        match order {
            ServerOrder::Start | ServerOrder::Retry | ServerOrder::Restart => (),
            ServerOrder::Cancel(call) => {
                if calls.cancel(call, "the reader stopped it") {
                    self.report_done(call, Err(ToolFailure::Crashed("it was cancelled".into()))).await;
                }
            }
            ServerOrder::Call { call, name, arguments } => {
                match connection::begin_call(&calls.peer, name, arguments).await {
                    Err(_) => self.report_done(call, Err(ToolFailure::Crashed("the connection ended".into()))).await,
                    Ok(handle) => {
                        let (request, token) = (handle.id.clone(), handle.progress_token.clone());
                        let deadline = Instant::now() + self.call_timeout();
                        let log = self.server_log.clone();
                        let task = calls.tasks.spawn(async move {
                            let (result, loss) = connection::await_answer(handle, &log).await;
                            FinishedTask::Call(call, result, loss)
                        });
                        calls.running.insert(call, RunningCall { request, token, deadline, task });
                    }
                }
            }
        }
    }

    async fn on_notice_while_serving(&mut self, heard: ServerNotice, calls: &mut ConnectionCalls) {
        let (token, progress) = match heard {
            ServerNotice::Progress(token, progress) => (token, progress),
            line @ ServerNotice::Line(_) => return self.on_notice(line),
        };
        let deadline = Instant::now() + self.call_timeout();
        if let Some((call, running)) = calls.running.iter_mut().find(|(_, running)| running.token == token) {
            running.deadline = deadline;
            let _ = self.events.send(McpEvent::CallProgress { call: *call, progress }).await; // Fails only on shutdown.
        }
    }

    async fn time_out_calls(&mut self, calls: &mut ConnectionCalls) {
        let now = Instant::now();
        let late: Vec<CallId> =
            calls.running.iter().filter(|(_, running)| running.deadline <= now).map(|(call, _)| *call).collect();
        for call in late {
            calls.cancel(call, "it took too long");
            self.report_done(call, Err(ToolFailure::TimedOut { seconds: self.call_timeout().as_secs() })).await;
        }
    }

    fn call_timeout(&self) -> Duration {
        Duration::from_secs_f64(self.configured.settings.call_timeout)
    }

    async fn report_tools(&mut self, listed: Result<(Vec<ToolDefinition>, Option<&'static str>), ToolFailure>) {
        match listed {
            Err(failure) => {
                self.server_log.push_line(LogSource::Ibid, &format!("cannot list its tools: {}", failure.message()));
            }
            Ok((tools, odd)) => {
                if let Some(odd) = odd {
                    self.server_log.push_line(LogSource::Ibid, odd);
                }
                let server = self.configured.name.clone();
                let _ = self.events.send(McpEvent::Tools { server, tools }).await; // As above.
            }
        }
    }

    fn on_notice(&mut self, heard: ServerNotice) {
        match heard {
            ServerNotice::Line(line) => self.pending_log.push(line),
            ServerNotice::Progress(..) => (), // The call is over.
        }
    }

    async fn flush_log(&mut self) {
        let lines = std::mem::take(&mut self.pending_log.lines);
        self.pending_log.due = Instant::now() + self.pending_log.interval;
        let server = self.configured.name.clone();
        let _ = self.events.send(McpEvent::Log { server, lines }).await; // As above.
    }

    async fn report_state(&mut self, state: ServerState) {
        let name = &self.configured.name;
        match &state {
            ServerState::Idle | ServerState::Starting => tracing::debug!(server = name, "mcp server starts"),
            ServerState::Ready(identity) => {
                tracing::info!(server = name, protocol = identity.protocol, "mcp server is ready");
            }
            // The reason is not logged: it may quote the server.
            ServerState::Waiting { .. } | ServerState::Failed { .. } => {
                tracing::warn!(server = name, "mcp server went away");
            }
        }
        let _ = self.events.send(McpEvent::State { server: name.clone(), state }).await; // As above.
    }

    async fn report_done(&mut self, call: CallId, result: Result<ToolOutcome, ToolFailure>) {
        let _ = self.events.send(McpEvent::CallDone { call, result }).await; // As above.
    }
}

/// The calls of one connection, and its other tasks.
struct ConnectionCalls {
    peer: Peer<RoleClient>,
    running: HashMap<CallId, RunningCall>,
    tasks: JoinSet<FinishedTask>,
}

impl ConnectionCalls {
    /// Cancels a call and notifies the server. Returns `false` if the call was already over.
    fn cancel(&mut self, call: CallId, reason: &'static str) -> bool {
        let Some(running) = self.running.remove(&call) else { return false };
        running.task.abort();
        let peer = self.peer.clone();
        self.tasks.spawn(async move {
            connection::notify_cancelled(peer, running.request, reason).await;
            FinishedTask::Nothing
        });
        true
    }

    fn list_tools(&mut self, configured: &ConfiguredServer) {
        let (name, peer) = (configured.name.clone(), self.peer.clone());
        let limit = Duration::from_secs_f64(configured.settings.start_timeout);
        self.tasks.spawn(async move {
            let listed = timeout(limit, connection::list_tools(&name, &peer)).await;
            FinishedTask::Tools(listed.unwrap_or(Err(ToolFailure::TimedOut { seconds: limit.as_secs() })))
        });
    }
}
