//! One server, as long as it is configured: started when it is needed, served, started again when it went away.

use std::{collections::HashMap, pin::pin, time::Duration};

use jiff::{SignedDuration, Timestamp};
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
    Configured, Event, Line, Options, State, Voice,
    client::{Ear, Heard},
    link::{self, Begin, Link},
    words::Loss,
};
use crate::{
    chat::CallId,
    tools::{Failure, Outcome, Tool},
};

/// What a server's task is told.
#[derive(Debug)]
pub enum Order {
    Start,
    Restart,
    Call { call: CallId, name: String, arguments: Map<String, Value> },
    Cancel(CallId),
}

/// Lives until nobody can give orders any more.
pub async fn run(configured: Configured, options: Options, orders: mpsc::Receiver<Order>, events: mpsc::Sender<Event>) {
    let (ear, heard) = Ear::new();
    let log = Log { every: options.log_every, lines: Vec::new(), due: Instant::now() };
    let server = Server { configured, options, orders, events, ear, heard, log, vain: 0, begin: Begin::Newest };
    Box::pin(server.live()).await;
}

struct Server {
    configured: Configured,
    options: Options,
    orders: mpsc::Receiver<Order>,
    events: mpsc::Sender<Event>,
    ear: Ear,
    heard: mpsc::Receiver<Heard>,
    log: Log,
    /// Starts in vain, one behind the other.
    vain: u32,
    begin: Begin,
}

/// What comes next in the life of a server.
enum Next {
    /// Until somebody asks for it.
    Rest(State),
    Pause(Duration, String),
    Try,
    End,
}

/// A call that has no answer yet.
struct Running {
    request: RequestId,
    token: ProgressToken,
    /// It is given up then, unless it makes progress.
    deadline: Instant,
    task: AbortHandle,
}

/// What a task beside the loop came to.
enum Done {
    Call(CallId, Result<Outcome, Failure>, Loss),
    Tools(Result<(Vec<Tool>, Option<&'static str>), Failure>),
    Nothing,
}

/// Lines on their way to whoever shows them.
struct Log {
    every: Duration,
    lines: Vec<Line>,
    due: Instant,
}

impl Log {
    /// As many as are kept there.
    const MOST: usize = 200;

    fn push(&mut self, line: Line) {
        if self.lines.len() == Self::MOST {
            self.lines.remove(0);
        }
        self.lines.push(line);
    }
}

impl Server {
    async fn live(mut self) {
        let mut next = Next::Rest(State::Idle);
        loop {
            next = match next {
                Next::Rest(state) => self.rest(state).await,
                Next::Pause(pause, why) => self.pause(pause, why).await,
                Next::Try => Box::pin(self.start()).await,
                Next::End => return,
            };
        }
    }

    async fn rest(&mut self, state: State) -> Next {
        let why = match &state {
            State::Failed { why } => why.clone(),
            _ => "it is not running".into(),
        };
        let idle = state == State::Idle;
        if !idle {
            self.say(state).await;
        }
        let next = self.obey(None, &why).await;
        if !idle && matches!(next, Some(Order::Start)) {
            self.vain = self.options.tries.saturating_sub(1);
        }
        next.map_or(Next::End, |_| Next::Try)
    }

    async fn pause(&mut self, pause: Duration, why: String) -> Next {
        let until = Timestamp::now() + SignedDuration::try_from(pause).unwrap_or_default();
        self.say(State::Waiting { until, why: why.clone() }).await;
        match self.obey(Some(Instant::now() + pause), &why).await {
            Some(_) => Next::Try,
            None => Next::End,
        }
    }

    /// Without a connection: until it is to be started (also when the time has come), or nobody gives orders any more.
    async fn obey(&mut self, until: Option<Instant>, why: &str) -> Option<Order> {
        loop {
            tokio::select! {
                order = self.orders.recv() => match order? {
                    Order::Start if until.is_some() => (),
                    Order::Start => return Some(Order::Start),
                    Order::Restart => {
                        self.vain = 0;
                        return Some(Order::Restart);
                    }
                    Order::Call { call, .. } => self.done(call, Err(Failure::Start(why.to_owned()))).await,
                    Order::Cancel(_) => (),
                },
                Some(heard) = self.heard.recv() => self.hear(heard),
                () = sleep_until(self.log.due), if !self.log.lines.is_empty() => self.tell_log().await,
                () = sleep_until(until.unwrap_or(self.log.due)), if until.is_some() => return Some(Order::Start),
            }
        }
    }

    /// Tries to reach it, and serves it for as long as that goes well.
    async fn start(&mut self) -> Next {
        self.say(State::Starting).await;
        let (configured, options, ear) = (self.configured.clone(), self.options, self.ear.clone());
        let mut begin = self.begin;
        let mut opening = pin!(async move {
            let link = loop {
                match Link::open(&configured, &options, &ear, begin).await {
                    Ok(link) => break link,
                    Err(refused) if refused.not_so && begin == Begin::Newest => begin = Begin::Older,
                    Err(refused) => return Err(refused.why),
                }
            };
            let limit = Duration::from_secs_f64(configured.settings.start_timeout);
            let listed = timeout(limit, link::tools(&configured.name, &link.peer)).await;
            match listed.unwrap_or(Err(Failure::TimedOut { seconds: limit.as_secs() })) {
                Ok(tools) => Ok((link, tools, begin)),
                Err(failure) => {
                    let wrong = link.close(options.grace).await;
                    Err(wrong.map_or_else(|| format!("its tools are not known: {}", failure.words()), str::to_owned))
                }
            }
        });
        let mut waiting = Vec::new();
        let opened = loop {
            tokio::select! {
                opened = &mut opening => break opened,
                order = self.orders.recv() => match order {
                    None => {
                        self.refuse(waiting, "it is no longer there").await;
                        return Next::End;
                    }
                    Some(Order::Restart) => {
                        self.refuse(waiting, "it is started anew").await;
                        return Next::Try;
                    }
                    Some(Order::Start) => (),
                    // It is on its way: what is asked of it waits with us.
                    Some(order) => waiting.push(order),
                },
                Some(heard) = self.heard.recv() => self.hear(heard),
                () = sleep_until(self.log.due), if !self.log.lines.is_empty() => self.tell_log().await,
            }
        };
        match opened {
            Ok((link, tools, begin)) => {
                self.begin = begin;
                self.serve(link, tools, waiting).await
            }
            Err(why) => {
                self.begin = self.begin.other();
                self.refuse(waiting, &why).await;
                self.failed(why)
            }
        }
    }

    /// Answers the calls that waited for a start which did not come.
    async fn refuse(&mut self, waiting: Vec<Order>, why: &str) {
        for order in waiting {
            if let Order::Call { call, .. } = order {
                self.done(call, Err(Failure::Start(why.to_owned()))).await;
            }
        }
    }

    /// It went away, or did not come.
    fn failed(&mut self, why: String) -> Next {
        self.vain += 1;
        if self.vain >= self.options.tries {
            return Next::Rest(State::Failed { why });
        }
        let pause = self.options.first_pause * 2_u32.saturating_pow(self.vain - 1);
        Next::Pause(pause.min(self.options.longest_pause), why)
    }

    async fn serve(&mut self, mut link: Link, listed: (Vec<Tool>, Option<&'static str>), waiting: Vec<Order>) -> Next {
        let since = Instant::now();
        let peer = link.peer.clone();
        let mut calls = Calls { peer, running: HashMap::new(), tasks: JoinSet::new() };
        let ear = self.ear.clone();
        calls.tasks.spawn({
            let (peer, ear) = (calls.peer.clone(), ear.clone());
            async move {
                link::follow(peer, ear).await;
                Done::Nothing
            }
        });
        self.listed(Ok(listed)).await;
        self.say(State::Ready(link.identity.clone())).await;
        for order in waiting {
            self.carry_out(order, &mut calls).await;
        }
        let (why, next) = loop {
            let due = calls.running.values().map(|running| running.deadline).min();
            tokio::select! {
                order = self.orders.recv() => match order {
                    None => break (None, Some(Next::End)),
                    Some(Order::Restart) => {
                        self.vain = 0;
                        break (Some("it was started anew".to_owned()), Some(Next::Try));
                    }
                    Some(order) => self.carry_out(order, &mut calls).await,
                },
                Some(heard) = self.heard.recv() => self.heard_while_serving(heard, &mut calls).await,
                Some(done) = calls.tasks.join_next() => match done {
                    Ok(Done::Call(call, result, loss)) => {
                        // If the connection ended, that says more.
                        if loss != Loss::Nothing
                            && let Ok(why) = timeout(link::LAST_WORDS, link.ended()).await
                        {
                            break (Some(why), None);
                        }
                        calls.running.remove(&call);
                        self.done(call, result).await;
                        if let Loss::Server(why) = loss {
                            break (Some(why), None);
                        }
                    }
                    Ok(Done::Tools(listed)) => self.listed(listed).await,
                    Ok(Done::Nothing) | Err(_) => (),
                },
                () = ear.changed.notified() => calls.list(&self.configured),
                why = link.ended() => break (Some(why), None),
                () = sleep_until(due.unwrap_or(self.log.due)), if due.is_some() => self.give_up(&mut calls).await,
                () = sleep_until(self.log.due), if !self.log.lines.is_empty() => self.tell_log().await,
            }
        };
        let wrong = link.close(self.options.grace).await;
        let why = wrong.map(str::to_owned).or(why).unwrap_or_else(|| "the program ends".into());
        // What it answered last counts.
        while let Some(done) = calls.tasks.try_join_next() {
            if let Ok(Done::Call(call, Ok(outcome), _)) = done {
                calls.running.remove(&call);
                self.done(call, Ok(outcome)).await;
            }
        }
        for call in calls.running.into_keys() {
            self.done(call, Err(Failure::Crashed(why.clone()))).await;
        }
        if since.elapsed() > self.options.longest_pause {
            self.vain = 0;
        }
        next.unwrap_or_else(|| self.failed(why))
    }

    async fn carry_out(&mut self, order: Order, calls: &mut Calls) {
        match order {
            Order::Start | Order::Restart => (),
            Order::Cancel(call) => {
                if calls.cancel(call, "the reader stopped it") {
                    self.done(call, Err(Failure::Crashed("it was cancelled".into()))).await;
                }
            }
            Order::Call { call, name, arguments } => match link::call(&calls.peer, name, arguments).await {
                Err(_) => self.done(call, Err(Failure::Crashed("the connection ended".into()))).await,
                Ok(handle) => {
                    let (request, token) = (handle.id.clone(), handle.progress_token.clone());
                    let deadline = Instant::now() + self.patience();
                    let task = calls.tasks.spawn(async move {
                        let (result, loss) = link::answer(handle).await;
                        Done::Call(call, result, loss)
                    });
                    calls.running.insert(call, Running { request, token, deadline, task });
                }
            },
        }
    }

    async fn heard_while_serving(&mut self, heard: Heard, calls: &mut Calls) {
        let (token, progress) = match heard {
            Heard::Progress(token, progress) => (token, progress),
            line @ Heard::Line(_) => return self.hear(line),
        };
        let deadline = Instant::now() + self.patience();
        if let Some((call, running)) = calls.running.iter_mut().find(|(_, running)| running.token == token) {
            running.deadline = deadline;
            let _ = self.events.send(Event::Progress { call: *call, progress }).await; // Nobody listens on the way out.
        }
    }

    async fn give_up(&mut self, calls: &mut Calls) {
        let now = Instant::now();
        let late: Vec<CallId> =
            calls.running.iter().filter(|(_, running)| running.deadline <= now).map(|(call, _)| *call).collect();
        for call in late {
            calls.cancel(call, "it took too long");
            self.done(call, Err(Failure::TimedOut { seconds: self.patience().as_secs() })).await;
        }
    }

    fn patience(&self) -> Duration {
        Duration::from_secs_f64(self.configured.settings.call_timeout)
    }

    async fn listed(&mut self, listed: Result<(Vec<Tool>, Option<&'static str>), Failure>) {
        match listed {
            Err(failure) => self.ear.line(Voice::Ibid, &format!("its tools were not listed: {}", failure.words())),
            Ok((tools, odd)) => {
                if let Some(odd) = odd {
                    self.ear.line(Voice::Ibid, odd);
                }
                let server = self.configured.name.clone();
                let _ = self.events.send(Event::Tools { server, tools }).await; // As above.
            }
        }
    }

    fn hear(&mut self, heard: Heard) {
        match heard {
            Heard::Line(line) => self.log.push(line),
            Heard::Progress(..) => (), // Of a call that is over.
        }
    }

    async fn tell_log(&mut self) {
        let lines = std::mem::take(&mut self.log.lines);
        self.log.due = Instant::now() + self.log.every;
        let server = self.configured.name.clone();
        let _ = self.events.send(Event::Log { server, lines }).await; // As above.
    }

    async fn say(&mut self, state: State) {
        let name = &self.configured.name;
        match &state {
            State::Idle | State::Starting => tracing::debug!(server = name, "mcp server starts"),
            State::Ready(identity) => {
                tracing::info!(server = name, protocol = identity.protocol, "mcp server is ready");
            }
            // The reason may hold what the server said.
            State::Waiting { .. } | State::Failed { .. } => tracing::warn!(server = name, "mcp server went away"),
        }
        let _ = self.events.send(Event::State { server: name.clone(), state }).await; // As above.
    }

    async fn done(&mut self, call: CallId, result: Result<Outcome, Failure>) {
        let _ = self.events.send(Event::Done { call, result }).await; // As above.
    }
}

/// The calls of one connection, and what else is done beside them.
struct Calls {
    peer: Peer<RoleClient>,
    running: HashMap<CallId, Running>,
    tasks: JoinSet<Done>,
}

impl Calls {
    /// Nobody waits for it any more; the server is told. `false`: it was over.
    fn cancel(&mut self, call: CallId, reason: &'static str) -> bool {
        let Some(running) = self.running.remove(&call) else { return false };
        running.task.abort();
        let peer = self.peer.clone();
        self.tasks.spawn(async move {
            link::cancel(peer, running.request, reason).await;
            Done::Nothing
        });
        true
    }

    fn list(&mut self, configured: &Configured) {
        let (name, peer) = (configured.name.clone(), self.peer.clone());
        let limit = Duration::from_secs_f64(configured.settings.start_timeout);
        self.tasks.spawn(async move {
            let listed = timeout(limit, link::tools(&name, &peer)).await;
            Done::Tools(listed.unwrap_or(Err(Failure::TimedOut { seconds: limit.as_secs() })))
        });
    }
}
