//! Carries out effects: one arm per effect, one task per answer, one thread for highlighting.

mod account;
pub mod browser;
pub mod catalogues;
mod command_tools;
pub mod connect;
mod database_watch;
mod mcp_bridge;
pub mod pages;
mod pipe;
pub mod servers;
pub mod sign_in;
mod streams;

use std::{
    collections::HashMap,
    io,
    path::PathBuf,
    sync::{Arc, mpsc as sync},
    thread,
    time::Instant,
};

use tokio::{
    sync::mpsc,
    task::{AbortHandle, JoinSet},
};

use crate::{
    api::{self, FaultKind, Request},
    chat::{Answer, CallId, ConversationId, MessageId, StreamId},
    citations::check::{CheckOutcome, CheckQuestion, CheckedPage},
    clock,
    config::{self, AppPaths, Config},
    files,
    mcp::{McpHandle, McpJob, ServerDiscovery},
    render::{
        highlight,
        markdown::{LayoutJob, SearchJob},
    },
    secrets,
    store::{StoreHandle, StoreReply},
    text,
    tools::ToolCommand,
    ui::{Effect, Msg, effect::TextId, msg::FileWriteError},
};
use pages::PageFetcher;
use servers::{ApiServers, DEMO};

/// Carries out every effect of the state. The results go to the inbox as messages.
pub struct EffectRuntime {
    inbox: mpsc::Sender<Msg>,
    servers: ApiServers,
    streams: HashMap<StreamId, AbortHandle>,
    /// Running command tools; they end with the runtime.
    commands: HashMap<CallId, AbortHandle>,
    /// `None` if no server is configured. Dropping it waits until all servers have ended.
    mcp: Option<McpHandle>,
    /// Aborted with the runtime.
    tasks: JoinSet<()>,
    /// The command that is reading a piped text.
    pipe_task: Option<AbortHandle>,
    /// The attempt to connect to a server.
    connect_task: Option<AbortHandle>,
    /// Where pasted codes of an attempt to sign in go.
    sign_in_codes: Option<mpsc::Sender<secrecy::SecretString>>,
    /// Started with the first job.
    highlighter: Option<sync::Sender<highlight::HighlightJob>>,
    /// Lays out long texts; started with the first.
    layout_thread: Option<sync::Sender<(TextId, Box<LayoutJob>)>>,
    last_search: Option<AbortHandle>,
    pages: PageFetcher,
    paths: AppPaths,
    /// Declared last: dropping it waits until everything is on disk.
    store: StoreHandle,
}

/// The files that the runtime uses.
#[derive(Debug, Clone)]
pub struct RuntimeFiles {
    /// The database; the demo uses its own.
    pub database: PathBuf,
    pub paths: AppPaths,
    /// Where to look for MCP servers; `None` in the demo.
    pub mcp: Option<ServerDiscovery>,
}

impl EffectRuntime {
    /// Starts to open the database and to prepare the first server's client, without waiting for either.
    pub fn start(inbox: mpsc::Sender<Msg>, servers: ApiServers, files: RuntimeFiles) -> Self {
        let mut tasks = JoinSet::new();
        let mcp = mcp_bridge::open(files.mcp, &inbox, &mut tasks);
        let replies = inbox.clone();
        let (open, opened) = mpsc::channel(1);
        database_watch::start(files.database.clone(), opened, inbox.clone(), &mut tasks);
        let store = StoreHandle::open(&files.database, move |reply| {
            if matches!(reply, StoreReply::Opened { .. }) {
                let _ = open.try_send(()); // Once is enough.
            }
            let _ = replies.blocking_send(Msg::StoreReply(reply)); // Fails only on shutdown.
        });
        if let Some(first) = servers.first() {
            tasks.spawn(async move {
                let _ = first.client().await; // An error is reported when the client is used.
            });
        }
        Self {
            inbox,
            servers,
            streams: HashMap::new(),
            commands: HashMap::new(),
            mcp,
            tasks,
            highlighter: None,
            layout_thread: None,
            last_search: None,
            pages: PageFetcher::for_public_web(),
            pipe_task: None,
            connect_task: None,
            sign_in_codes: None,
            paths: files.paths,
            store,
        }
    }

    /// Starts an effect without waiting for it. Effects on the terminal are left to its owner.
    pub fn run(&mut self, effect: Effect) {
        match effect {
            Effect::OpenStream { stream, endpoint, request, record } => {
                self.open_stream(stream, &endpoint, request, record);
            }
            Effect::CloseStream(stream) => self.close_stream(stream),
            Effect::FetchPrice { answer, endpoint, generation } => {
                if let Some(server) = self.servers.get(&endpoint) {
                    self.tasks.spawn(account::report_price(server, answer, generation, self.inbox.clone()));
                }
            }
            Effect::FetchQuota { answer, endpoint } => {
                if let Some(server) = self.servers.get(&endpoint) {
                    self.tasks.spawn(account::report_quota(server, answer, self.inbox.clone()));
                }
            }
            Effect::RunTool { call, tool, arguments } => {
                if let Some(msg) = mcp_bridge::call(self.mcp.as_ref(), call, tool, arguments) {
                    self.report(msg);
                }
            }
            Effect::RunMcpJob(job) => self.send_to_mcp(job),
            Effect::RunCommand { call, command, arguments } => self.run_command(call, *command, arguments),
            Effect::StopTool(call) => self.stop_tool(call),
            Effect::RunStoreJob(job) => self.store.send(job),
            Effect::HighlightCode(job) => self.highlight(job),
            Effect::LayOutText { text, job } => self.lay_out(text, job),
            Effect::SearchText { conversation, ticket, job } => self.search(conversation, ticket, job),
            Effect::FetchModels { endpoint } => self.fetch_models(&endpoint),
            Effect::Connect(job) => self.connect(job),
            Effect::StopConnecting => self.stop_connecting(),
            Effect::EnterCode(code) => self.enter_code(code),
            Effect::ReloadServer(name) => self.reload_server(&name),
            Effect::ListKeys => self.list_keys(),
            Effect::ForgetKey(name) => self.forget_key(name),
            Effect::ProbeLocalServers(servers) => self.probe(servers),
            Effect::SaveSetting(chosen) => self.save_choice(chosen),
            Effect::ReadThemes => {
                let folder = self.paths.themes_dir();
                self.run_blocking(move || Msg::ThemesRead(config::read_themes(&folder)));
            }
            Effect::SaveFile { stem, extension, text } => self.save_file(stem, extension, text),
            Effect::OpenPage(url) => self.browse(url),
            Effect::CheckPage { conversation, message, questions } => self.check_page(conversation, message, questions),
            Effect::JudgeClaims { conversation, message, endpoint, request } => {
                self.ask_aside(&endpoint, request, move |model, result| Msg::ClaimsJudged {
                    conversation,
                    message,
                    model,
                    result,
                });
            }
            Effect::SuggestTitle { conversation, message, endpoint, request } => {
                self.ask_aside(&endpoint, request, move |model, result| Msg::TitleSuggested {
                    conversation,
                    message,
                    model,
                    result,
                });
            }
            Effect::WriteFile { path, text, over } => self.write_file(path, text, over),
            Effect::PipeToCommand { command, text } => self.pipe(command, text),
            Effect::StopCommand => self.stop_pipe(),
            Effect::CopyToClipboard(_)
            | Effect::CopyRich { .. }
            | Effect::CopyToPrimary(_)
            | Effect::SetMouseMode(_)
            | Effect::OpenEditor(_)
            | Effect::Suspend
            | Effect::Redraw
            | Effect::QueryBackground
            | Effect::SetTitle(_)
            | Effect::NotifyUser(_)
            | Effect::Quit
            | Effect::StartDemo(_)
            | Effect::LeaveDemo => (), // For the terminal, if there is one.
        }
    }
}

impl EffectRuntime {
    fn open_stream(&mut self, stream: StreamId, endpoint: &str, request: Box<Request>, record: bool) {
        self.streams.retain(|_, task| !task.is_finished());
        while self.tasks.try_join_next().is_some() {}
        let Some(server) = self.servers.get(endpoint) else {
            let what = format!("there is no endpoint {endpoint} any more; choose another model");
            return self.report(Msg::StreamEnded {
                stream,
                at: clock::now(),
                result: Err(api::ApiError::new(FaultKind::Request, what)),
            });
        };
        let task = self.tasks.spawn(streams::read_stream(server, stream, request, record, self.inbox.clone()));
        self.streams.insert(stream, task);
    }

    /// Aborts the task of a stream, which closes its connection.
    fn close_stream(&mut self, stream: StreamId) {
        if let Some(task) = self.streams.remove(&stream) {
            task.abort();
        }
    }

    fn run_command(&mut self, call: CallId, command: ToolCommand, arguments: serde_json::Value) {
        self.commands.retain(|_, task| !task.is_finished());
        let task = command_tools::start(call, command, arguments, &self.inbox, &mut self.tasks);
        self.commands.insert(call, task);
    }

    /// Stops a call. Aborting the task of a command kills its processes.
    fn stop_tool(&mut self, call: CallId) {
        match self.commands.remove(&call) {
            Some(task) => task.abort(),
            None => self.send_to_mcp(McpJob::Cancel(call)),
        }
    }

    fn send_to_mcp(&self, job: McpJob) {
        if let Some(mcp) = &self.mcp {
            let _ = mcp.send(job); // If its thread is gone, no server is running.
        }
    }

    fn browse(&mut self, url: String) {
        self.run_blocking(move || Msg::PageOpened { result: browser::open(&url), url });
    }

    fn check_page(&mut self, conversation: ConversationId, message: MessageId, questions: Vec<CheckQuestion>) {
        let (inbox, pages) = (self.inbox.clone(), self.pages.clone());
        let is_demo = self.servers.first().is_some_and(|server| server.name == DEMO);
        self.tasks.spawn(async move {
            let sources: Vec<String> = questions.iter().map(|question| question.source.clone()).collect();
            let outcomes = if is_demo {
                let reason = "the demo has no network; outside the demo the page is fetched and searched";
                vec![CheckOutcome::Unread(reason.into()); questions.len()]
            } else {
                pages.check(questions).await
            };
            let is_read = outcomes.iter().any(|outcome| matches!(outcome, CheckOutcome::Read(_)));
            tracing::debug!(read = is_read, "a cited page was checked");
            let results = sources.into_iter().zip(outcomes.into_iter().map(redact_outcome)).collect();
            let _ = inbox.send(Msg::PageChecked { conversation, message, results }).await; // Fails only on shutdown.
        });
    }

    /// Sends a request that belongs to no turn, and reports the model's name and its whole answer.
    fn ask_aside(
        &mut self,
        endpoint: &str,
        request: Box<Request>,
        report: impl FnOnce(String, Result<Box<Answer>, String>) -> Msg + Send + 'static,
    ) {
        let (inbox, server) = (self.inbox.clone(), self.servers.get(endpoint));
        let unknown = format!("there is no endpoint {endpoint} any more");
        self.tasks.spawn(async move {
            let model = request.model.clone();
            let result = match server {
                Some(server) => streams::read_whole(&server, &request).await,
                None => Err(unknown),
            };
            let _ = inbox.send(report(model, result.map(Box::new))).await; // Fails only on shutdown.
        });
    }

    fn save_choice(&mut self, chosen: config::SettingChange) {
        let config = self.paths.config_file.clone();
        self.run_blocking(move || {
            let result = Config::save_change(&config, &chosen).map_err(|complaint| complaint.to_string());
            Msg::SettingSaved { chosen, result }
        });
    }

    fn save_file(&mut self, stem: String, extension: &'static str, text: String) {
        self.run_blocking(move || {
            let folder = std::env::current_dir().unwrap_or_default();
            let saved = files::write_numbered(&folder, &stem, extension, text.as_bytes());
            Msg::FileSaved(match saved {
                Ok(path) => Ok(path.display().to_string()),
                Err(error) => Err(format!("nothing was saved in {}: {}", folder.display(), text::error_words(&error))),
            })
        });
    }

    fn write_file(&mut self, path: String, text: Arc<str>, overwrite: bool) {
        self.run_blocking(move || {
            let result = files::write_at_user_path(&path, text.as_bytes(), overwrite)
                .map(|path| path.display().to_string())
                .map_err(|error| match error.kind() {
                    io::ErrorKind::AlreadyExists => FileWriteError::Exists,
                    _ => FileWriteError::Failed(format!("{path} was not written: {}", text::error_words(&error))),
                });
            Msg::FileWritten { path, text, result }
        });
    }

    fn pipe(&mut self, command: String, text: Arc<str>) {
        self.stop_pipe();
        let inbox = self.inbox.clone();
        self.pipe_task = Some(self.tasks.spawn(async move {
            let usual = if cfg!(windows) { "cmd" } else { "sh" };
            let shell = std::env::var("SHELL").ok().filter(|shell| !shell.is_empty() && !cfg!(windows));
            let result = pipe::run(shell.as_deref().unwrap_or(usual), &command, &text).await;
            let _ = inbox.send(Msg::CommandEnded(result)).await; // Fails only on shutdown.
        }));
    }

    fn stop_pipe(&mut self) {
        if let Some(task) = self.pipe_task.take() {
            task.abort();
        }
    }

    fn fetch_models(&mut self, endpoint: &str) {
        let Some(server) = self.servers.get(endpoint) else { return };
        // The demo is a different server on each run.
        let cache_path = (server.name != DEMO).then(|| catalogues::cache_file(&self.paths, &server.base_url));
        self.tasks.spawn(catalogues::fetch_models(server, cache_path, self.inbox.clone()));
    }

    /// Passes a job to the highlighter's thread, which remembers the state at the end of the previous line.
    fn highlight(&mut self, job: highlight::HighlightJob) {
        let inbox = &self.inbox;
        let jobs = self.highlighter.get_or_insert_with(|| {
            let (jobs, waiting) = sync::channel();
            let inbox = inbox.clone();
            // Without the thread, code is shown without colours.
            let _ = thread::Builder::new().name("highlight".into()).spawn(move || run_highlighter(&waiting, &inbox));
            jobs
        });
        let _ = jobs.send(job); // As above.
    }

    /// Passes a long text to the thread that lays such texts out.
    fn lay_out(&mut self, text: TextId, job: Box<LayoutJob>) {
        let inbox = &self.inbox;
        let jobs = self.layout_thread.get_or_insert_with(|| {
            let (jobs, waiting) = sync::channel();
            let inbox = inbox.clone();
            // Without the thread, long texts are shown as their source.
            let _ = thread::Builder::new().name("layout".into()).spawn(move || run_layouts(&waiting, &inbox));
            jobs
        });
        let _ = jobs.send((text, job)); // As above.
    }

    /// Searches a long text, instead of the last one if that has not begun.
    fn search(&mut self, conversation: ConversationId, ticket: u64, job: Box<SearchJob>) {
        let inbox = self.inbox.clone();
        let search = self.tasks.spawn_blocking(move || {
            let found = Box::new(job.run());
            let _ = inbox.blocking_send(Msg::TextSearched { conversation, ticket, found }); // Fails only on shutdown.
        });
        if let Some(last) = self.last_search.replace(search) {
            last.abort();
        }
    }

    /// Runs blocking work outside the loop, and reports its result.
    fn run_blocking(&mut self, work: impl FnOnce() -> Msg + Send + 'static) {
        let inbox = self.inbox.clone();
        self.tasks.spawn_blocking(move || {
            let _ = inbox.blocking_send(work()); // Fails only on shutdown.
        });
    }

    /// Sends a message without waiting for room in the inbox.
    fn report(&mut self, msg: Msg) {
        let inbox = self.inbox.clone();
        self.tasks.spawn(async move {
            let _ = inbox.send(msg).await; // Fails only on shutdown.
        });
    }
}

fn run_highlighter(jobs: &sync::Receiver<highlight::HighlightJob>, inbox: &mpsc::Sender<Msg>) {
    let started = Instant::now();
    let mut highlighter = highlight::CodeHighlighter::new(move || started.elapsed());
    for job in jobs {
        if inbox.blocking_send(Msg::Highlighted(highlighter.highlight(job))).is_err() {
            return; // The loop has ended.
        }
    }
}

/// Lays out one text after the other. A newer job for a text replaces one that has not begun.
fn run_layouts(jobs: &sync::Receiver<(TextId, Box<LayoutJob>)>, inbox: &mpsc::Sender<Msg>) {
    let mut waiting: Vec<(TextId, Box<LayoutJob>)> = Vec::new();
    loop {
        let next = if waiting.is_empty() { jobs.recv().ok() } else { None };
        if waiting.is_empty() && next.is_none() {
            return; // The runtime has ended.
        }
        for (text, job) in next.into_iter().chain(jobs.try_iter()) {
            waiting.retain(|(other, _)| *other != text);
            waiting.push((text, job));
        }
        let (text, job) = waiting.remove(0);
        if inbox.blocking_send(Msg::TextLaidOut { text, layout: Box::new(job.run()) }).is_err() {
            return; // The loop has ended.
        }
    }
}

/// Hides keys in what is kept of a check.
fn redact_outcome(outcome: CheckOutcome) -> CheckOutcome {
    match outcome {
        CheckOutcome::Read(page) => CheckOutcome::Read(CheckedPage { url: secrets::redact_owned(page.url), ..page }),
        CheckOutcome::Unread(reason) => CheckOutcome::Unread(secrets::redact_owned(reason)),
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::{
        chat::{ItemSlot, MessageId},
        render::markdown::{LayoutBudget, MarkdownLayout, MarkdownOptions, TextStage},
        ui::effect::TextPlace,
    };

    fn job(source: &str) -> Box<LayoutJob> {
        let mut layout = MarkdownLayout::new(MarkdownOptions::default());
        layout.sync_within(source, 40, TextStage::Complete, &[], &mut { LayoutBudget::NONE });
        Box::new(layout.take_job(source, TextStage::Complete, &[]).expect("there is no budget"))
    }

    #[test]
    fn only_the_newest_of_the_jobs_that_wait_for_a_text_is_done() {
        let (jobs, waiting) = sync::channel();
        let (inbox, mut messages) = mpsc::channel(8);
        let text = |index| TextId {
            conversation: ConversationId(Uuid::nil()),
            message: MessageId(Uuid::nil()),
            slot: ItemSlot { step: 0, index: 0 },
            index,
            place: TextPlace::Transcript,
        };
        for (index, source) in [(0, "old"), (1, "other"), (0, "new")] {
            jobs.send((text(index), job(source))).expect("it waits");
        }
        drop(jobs);
        run_layouts(&waiting, &inbox);
        drop(inbox);
        let done = std::iter::from_fn(|| messages.try_recv().ok()).map(|msg| match msg {
            Msg::TextLaidOut { text, layout } => (text.index, layout.rows()[0].text()),
            other => panic!("{other:?}"),
        });
        assert_eq!(done.collect::<Vec<_>>(), [(1, "other".to_owned()), (0, "new".to_owned())]);
    }
}
