//! Carries effects out: one arm per effect, one task per answer, one thread for colours.

mod account;
mod browser;
mod catalogues;
mod commands;
mod mcp;
pub mod pages;
mod pipe;
pub mod servers;
mod streams;

use std::{
    collections::HashMap,
    io,
    path::{Path, PathBuf},
    sync::{Arc, mpsc as sync},
    thread,
    time::Instant,
};

use secrecy::SecretString;
use tokio::{
    sync::mpsc,
    task::{AbortHandle, JoinSet, spawn_blocking},
};

use crate::{
    api::{self, Fault, Request},
    app::{Effect, Msg, attention::Notice, msg::NotWritten},
    chat::{CallId, ConversationId, StreamId, Timestamp},
    config::{self, Config, Paths},
    files, keys,
    mcp::{Job, Mcp, Places},
    store::Store,
    tools::Command,
    widgets::{check::Question, highlight},
};
use pages::Pages;
use servers::{DEMO, OPENROUTER, Server, Servers};

/// Whatever the state asks of the world goes through here; what is learnt goes to the inbox.
pub struct Runtime {
    inbox: mpsc::Sender<Msg>,
    servers: Servers,
    streams: HashMap<StreamId, AbortHandle>,
    /// Programs that run as tools; they end with the runtime.
    commands: HashMap<CallId, commands::Job>,
    /// `None` where no server is configured; waits until all have ended when it is dropped.
    mcp: Option<Mcp>,
    /// Aborted with the runtime.
    tasks: JoinSet<()>,
    /// The command that a text was given to.
    piped: Option<AbortHandle>,
    /// Started with the first job.
    highlighter: Option<sync::Sender<highlight::Job>>,
    paths: Paths,
    /// Waits until all is on disk when it is dropped: last.
    store: Store,
}

/// What only the holder of the terminal can do.
#[derive(Debug, PartialEq, Eq)]
pub enum Ask {
    Copy(String),
    CopyPrimary(String),
    TakeMouse(config::Mouse),
    Edit(String),
    Suspend,
    Repaint,
    AskBackground,
    SetTitle(String),
    Notify(Notice),
    Quit,
    StartDemo,
}

/// Where the program keeps things.
#[derive(Debug, Clone)]
pub struct Files {
    /// The demo has one of its own.
    pub database: PathBuf,
    pub paths: Paths,
    /// Where MCP servers are looked for; the demo has none.
    pub mcp: Option<Places>,
}

impl Runtime {
    /// Opens the database and gets the first server's client ready; neither is waited for.
    pub fn start(inbox: mpsc::Sender<Msg>, servers: Servers, files: Files) -> Self {
        let mut tasks = JoinSet::new();
        let mcp = mcp::open(files.mcp, &inbox, &mut tasks);
        let replies = inbox.clone();
        let store = Store::open(&files.database, move |reply| {
            let _ = replies.blocking_send(Msg::Store(reply)); // Nobody listens on the way out.
        });
        if let Some(first) = servers.first() {
            tasks.spawn(async move {
                let _ = first.client().await; // Whoever needs it will be told what is wrong.
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
            piped: None,
            paths: files.paths,
            store,
        }
    }

    /// Begins what an effect asks for and returns at once, or gives it back as something for the terminal.
    pub fn run(&mut self, effect: Effect) -> Option<Ask> {
        match effect {
            Effect::OpenStream { stream, endpoint, request, record } => self.open(stream, &endpoint, request, record),
            Effect::CloseStream(stream) => self.close(stream),
            Effect::AskPrice { answer, endpoint, generation } => {
                if let Some(server) = self.servers.get(&endpoint) {
                    self.tasks.spawn(account::price(server, answer, generation, self.inbox.clone()));
                }
            }
            Effect::AskQuota { answer, endpoint } => {
                if let Some(server) = self.servers.get(&endpoint) {
                    self.tasks.spawn(account::quota(server, answer, self.inbox.clone()));
                }
            }
            Effect::RunTool { call, tool, arguments } => {
                if let Some(msg) = mcp::call(self.mcp.as_ref(), call, tool, arguments) {
                    self.report(msg);
                }
            }
            Effect::Mcp(job) => self.tell_servers(job),
            Effect::RunCommand { call, command, arguments } => self.run_command(call, *command, &arguments),
            Effect::StopTool(call) => self.stop_tool(call),
            Effect::Store(job) => self.store.send(job),
            Effect::Highlight(job) => self.highlight(job),
            Effect::FetchModels { endpoint } => self.fetch_models(&endpoint),
            Effect::SaveKey(key) => self.save_key(key),
            Effect::SaveServer { base_url } => self.save_server(base_url),
            Effect::Keep(chosen) => self.keep(chosen),
            Effect::ReadThemes => {
                let folder = self.paths.themes();
                self.work(move || Msg::Themes(config::read_themes(&folder)));
            }
            Effect::AskBackground => return Some(Ask::AskBackground),
            Effect::SetTitle(title) => return Some(Ask::SetTitle(title)),
            Effect::Notify(notice) => return Some(Ask::Notify(notice)),
            Effect::SaveFile { stem, extension, text } => self.save_file(stem, extension, text),
            Effect::Browse(url) => self.browse(url),
            Effect::Check { conversation, question } => self.check(conversation, question),
            Effect::WriteFile { path, text, over } => self.write_file(path, text, over),
            Effect::Pipe { command, text } => self.pipe(command, text),
            Effect::StopPipe => self.stop_pipe(),
            Effect::Copy(text) => return Some(Ask::Copy(text)),
            Effect::CopyPrimary(text) => return Some(Ask::CopyPrimary(text)),
            Effect::TakeMouse(mouse) => return Some(Ask::TakeMouse(mouse)),
            Effect::Edit(text) => return Some(Ask::Edit(text)),
            Effect::Suspend => return Some(Ask::Suspend),
            Effect::Repaint => return Some(Ask::Repaint),
            Effect::Quit => return Some(Ask::Quit),
            Effect::StartDemo => return Some(Ask::StartDemo),
        }
        None
    }
}

impl Runtime {
    fn open(&mut self, stream: StreamId, endpoint: &str, request: Box<Request>, record: bool) {
        self.streams.retain(|_, task| !task.is_finished());
        while self.tasks.try_join_next().is_some() {}
        let Some(server) = self.servers.get(endpoint) else {
            let what = format!("there is no endpoint {endpoint} any more; choose another model");
            return self.report(Msg::StreamEnded {
                stream,
                at: Timestamp::now(),
                result: Err(api::Error::new(Fault::Request, what)),
            });
        };
        let task = self.tasks.spawn(streams::read(server, stream, request, record, self.inbox.clone()));
        self.streams.insert(stream, task);
    }

    /// The connection ends with its task.
    fn close(&mut self, stream: StreamId) {
        if let Some(task) = self.streams.remove(&stream) {
            task.abort();
        }
    }

    fn run_command(&mut self, call: CallId, command: Command, arguments: &serde_json::Value) {
        self.commands.retain(|_, job| !job.is_over());
        if let Some(job) = commands::start(call, command, arguments, &self.inbox, &mut self.tasks) {
            self.commands.insert(call, job);
        }
    }

    /// Dropping a program ends its processes.
    fn stop_tool(&mut self, call: CallId) {
        if self.commands.remove(&call).is_none() {
            self.tell_servers(Job::Cancel(call));
        }
    }

    fn tell_servers(&self, job: Job) {
        if let Some(mcp) = &self.mcp {
            let _ = mcp.send(job); // Without its thread nothing runs that could be told.
        }
    }

    fn save_key(&mut self, key: SecretString) {
        let Some(server) = self.servers.get(OPENROUTER) else { return };
        self.servers.put(server.anew());
        let config = self.paths.config.clone();
        self.work(move || Msg::Connected(keep_key(&server, &key, &config)));
    }

    fn save_server(&mut self, base_url: String) {
        if let Err(what) = config::check_address(&base_url) {
            return self.report(Msg::Connected(Err(what)));
        }
        let name = self.servers.name_for(&base_url);
        let endpoint = config::Endpoint { base_url: base_url.clone(), ..config::Endpoint::default() };
        self.servers.put(Server::of_config(&name, &endpoint, &Config::default(), &self.paths));
        let Some(server) = self.servers.get(&name) else { return };
        let (config, inbox) = (self.paths.config.clone(), self.inbox.clone());
        self.tasks.spawn(async move {
            let result = match catalogues::reach(&server).await {
                Err(error) => Err(format!("{error}; start the server, or correct the address")),
                Ok(()) => spawn_blocking(move || Config::set_endpoint(&config, &name, &base_url).map(|()| name))
                    .await
                    .map_or_else(
                        |error| Err(error.to_string()),
                        |saved| saved.map_err(|complaint| complaint.to_string()),
                    ),
            };
            let _ = inbox.send(Msg::Connected(result)).await; // Nobody listens on the way out.
        });
    }

    fn browse(&mut self, url: String) {
        self.work(move || Msg::Browsed { result: browser::open(&url), url });
    }

    fn check(&mut self, conversation: ConversationId, question: Question) {
        let inbox = self.inbox.clone();
        let is_demo = self.servers.first().is_some_and(|server| server.name == DEMO);
        self.tasks.spawn(async move {
            let result = if is_demo {
                Err("the demo has no network; in a conversation of yours the page is fetched and searched".into())
            } else {
                Pages::of_the_web().check(&question).await
            };
            tracing::debug!(read = result.is_ok(), "a cited page was checked");
            let _ = inbox.send(Msg::Checked { conversation, question, result }).await; // Nobody listens on the way out.
        });
    }

    fn keep(&mut self, chosen: config::Chosen) {
        let config = self.paths.config.clone();
        self.work(move || {
            let result = Config::keep(&config, &chosen).map_err(|complaint| complaint.to_string());
            Msg::Kept { chosen, result }
        });
    }

    fn save_file(&mut self, stem: String, extension: &'static str, text: String) {
        self.work(move || {
            let folder = std::env::current_dir().unwrap_or_default();
            let saved = files::save_new(&folder, &stem, extension, text.as_bytes());
            Msg::FileSaved(match saved {
                Ok(path) => Ok(path.display().to_string()),
                Err(error) => Err(format!("nothing was saved in {}: {error}", folder.display())),
            })
        });
    }

    fn write_file(&mut self, path: String, text: Arc<str>, over: bool) {
        self.work(move || {
            let result = files::write_as_told(&path, text.as_bytes(), over)
                .map(|path| path.display().to_string())
                .map_err(|error| match error.kind() {
                    io::ErrorKind::AlreadyExists => NotWritten::Exists,
                    _ => NotWritten::Failed(format!("{path} was not written: {error}")),
                });
            Msg::Written { path, text, result }
        });
    }

    fn pipe(&mut self, command: String, text: Arc<str>) {
        self.stop_pipe();
        let inbox = self.inbox.clone();
        self.piped = Some(self.tasks.spawn(async move {
            let usual = if cfg!(windows) { "cmd" } else { "sh" };
            let shell = std::env::var("SHELL").ok().filter(|shell| !shell.is_empty() && !cfg!(windows));
            let result = pipe::run(shell.as_deref().unwrap_or(usual), &command, text).await;
            let _ = inbox.send(Msg::Piped(result)).await; // Nobody listens on the way out.
        }));
    }

    fn stop_pipe(&mut self) {
        if let Some(task) = self.piped.take() {
            task.abort();
        }
    }

    fn fetch_models(&mut self, endpoint: &str) {
        let Some(server) = self.servers.get(endpoint) else { return };
        // The demo is another server each time.
        let kept = (server.name != DEMO).then(|| self.cache_file(&server.base_url));
        self.tasks.spawn(catalogues::fetch(server, kept, self.inbox.clone()));
    }

    fn cache_file(&self, base_url: &str) -> PathBuf {
        let mut name =
            keys::file(&self.paths.cache_dir.join("models"), base_url.trim_end_matches('/')).into_os_string();
        name.push(".json");
        name.into()
    }

    /// Colours are made on one thread, which remembers how the line before ended.
    fn highlight(&mut self, job: highlight::Job) {
        let inbox = &self.inbox;
        let jobs = self.highlighter.get_or_insert_with(|| {
            let (jobs, waiting) = sync::channel();
            let inbox = inbox.clone();
            // Without a thread the code stays plain.
            let _ = thread::Builder::new().name("highlight".into()).spawn(move || colour(&waiting, &inbox));
            jobs
        });
        let _ = jobs.send(job); // As above.
    }

    /// Does something that takes time away from the loop, and reports it.
    fn work(&mut self, work: impl FnOnce() -> Msg + Send + 'static) {
        let inbox = self.inbox.clone();
        self.tasks.spawn_blocking(move || {
            let _ = inbox.blocking_send(work()); // Nobody listens on the way out.
        });
    }

    /// Tells the state something that is known already; never waits for room.
    fn report(&mut self, msg: Msg) {
        let inbox = self.inbox.clone();
        self.tasks.spawn(async move {
            let _ = inbox.send(msg).await; // Nobody listens on the way out.
        });
    }
}

fn colour(jobs: &sync::Receiver<highlight::Job>, inbox: &mpsc::Sender<Msg>) {
    let begun = Instant::now();
    let mut highlighter = highlight::Highlighter::new(move || begun.elapsed());
    for job in jobs {
        if inbox.blocking_send(Msg::Highlighted(highlighter.paint(job))).is_err() {
            return; // Nobody listens on the way out.
        }
    }
}

/// Stores the key and makes OpenRouter the endpoint of new conversations.
fn keep_key(server: &Server, key: &SecretString, config: &Path) -> Result<String, String> {
    let places = server.key_places().ok_or("this server takes no key")?;
    if let Some(first) = places.before_the_file(&|name| std::env::var_os(name)) {
        return Err(format!("{first} gives the key and comes first; correct it there"));
    }
    places.save(key).map_err(|error| error.to_string())?;
    let (settings, _) = Config::load(config).map_err(|complaint| complaint.to_string())?;
    if settings.endpoint.is_some_and(|endpoint| endpoint != OPENROUTER) {
        Config::choose_endpoint(config, OPENROUTER).map_err(|complaint| complaint.to_string())?;
    }
    Ok(OPENROUTER.into())
}
