//! The program from its arguments to its exit code.

mod args;

use std::{
    ffi::OsString,
    io::{self, IsTerminal, Write},
    panic::{self, AssertUnwindSafe},
    path::{Path, PathBuf},
    process::ExitCode,
    sync::OnceLock,
};

use clap::Parser;
use ratatui::layout::Size;
use tokio::sync::mpsc;

use crate::{
    app::{Msg, Open, Start, State},
    config::{self, Config, Paths, Switch},
    demo::{self, Demo, Pace},
    headless, log, mcp,
    runtime::{
        Files, Runtime,
        servers::{Choice, DEMO, OPENROUTER, Servers},
    },
    tools,
    tui::{
        self, Desk, Screen, Terminal, clipboard, editor, elsewhere,
        os::{self, Keyboard, Signal, Signals},
    },
};
use args::{Choices, Cli, Command};

/// What the caller of the program gets to see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Exit {
    Done,
    Failed,
    Usage,
    Interrupted,
}

/// A complaint for standard error, and the exit code that goes with it.
struct Complaint {
    exit: Exit,
    what: String,
}

/// Everything that the arguments, the environment and the config say.
struct Setting {
    config: Config,
    /// What is wrong in the config and does not keep the program from running.
    complaints: Vec<String>,
    paths: Paths,
    choices: Choices,
    open: Open,
    /// The flags without which the resumed conversation would not be found.
    place_flags: String,
    _log: Option<log::Log>,
}

/// For the panic hook: who is to end the loop when another thread panics.
static LOOP: OnceLock<mpsc::Sender<Signal>> = OnceLock::new();

/// Runs the program.
pub fn run() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print(); // There is nobody else to tell.
            return if error.use_stderr() { Exit::Usage.code() } else { Exit::Done.code() };
        }
    };
    hook_panics();
    // A panic of the loop has been reported by the hook; what was said is on disk once it has unwound.
    let exit = panic::catch_unwind(AssertUnwindSafe(|| obey(&cli))).unwrap_or(Ok(Exit::Failed));
    match exit {
        Ok(exit) => exit.code(),
        Err(complaint) => {
            eprintln!("ibid: {}", complaint.what);
            complaint.exit.code()
        }
    }
}

fn obey(cli: &Cli) -> Result<Exit, Complaint> {
    match &cli.command {
        None => app(&Setting::find(cli, cli.resume.open())?, Server::Real),
        Some(Command::Demo { resume }) => {
            let open = if resume.open() == Open::New { cli.resume.open() } else { resume.open() };
            app(&Setting::find(cli, open)?, Server::Demo)
        }
        Some(Command::Ask { words, no_stream, tool, allow }) => {
            let print = if *no_stream { headless::Print::AtTheEnd } else { headless::Print::AsItComes };
            let tools = (tool.as_deref().map(args::tool_choice), allow.iter().map(|name| args::rule(name)).collect());
            ask(&Setting::find(cli, Open::New)?, words, print, tools)
        }
    }
}

/// Whom the app talks to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Server {
    Real,
    Demo,
}

/// The full-screen program; against the demo afterwards, when that was chosen on the welcome screen.
fn app(setting: &Setting, server: Server) -> Result<Exit, Complaint> {
    let servers = setting.servers()?;
    let tokio = tokio_runtime()?;
    let desk = Desk {
        editor: editor::program(|name| std::env::var(name).ok()),
        clipboard: clipboard::Surroundings::find(|name| std::env::var(name).ok()),
        takes: elsewhere::Takes::find(env_text),
    };
    let (ended, farewell) = tokio.block_on(async {
        let signals = Signals::listen()?;
        let _ = LOOP.set(signals.sender());
        let screen = Screen::enter()?;
        let keyboard = Keyboard::start(os::patience(env("SSH_CONNECTION").is_some()))?;
        let mut terminal = Terminal { screen, keyboard, signals, desk };
        match server {
            Server::Real => match real(setting, servers, &mut terminal).await? {
                (tui::Ended::Demo, _) => against_the_demo(&setting.for_visitors(), &mut terminal).await,
                ended => Ok(ended),
            },
            Server::Demo => against_the_demo(setting, &mut terminal).await,
        }
    })?;
    // The terminal is given back by now.
    tokio.shutdown_background();
    if let Some(line) = farewell {
        println!("{line}");
    }
    Ok(match ended {
        tui::Ended::Quit | tui::Ended::Demo => Exit::Done,
        tui::Ended::Interrupted => Exit::Interrupted,
        tui::Ended::Panicked => Exit::Failed,
    })
}

type Goodbye = (tui::Ended, Option<String>);

async fn real<W: Write>(setting: &Setting, servers: Servers, terminal: &mut Terminal<W>) -> io::Result<Goodbye> {
    let mut state = State::new(setting.start(&servers, terminal.screen.size()));
    let files = Files { database: setting.paths.database(), paths: setting.paths.clone(), mcp: Some(setting.mcp()) };
    let connect = |inbox: mpsc::Sender<Msg>| Ok(Runtime::start(inbox, servers, files));
    let ended = tui::run(terminal, &mut state, connect).await?;
    Ok((ended, setting.farewell(&state, "ibid")))
}

async fn against_the_demo<W: Write>(setting: &Setting, terminal: &mut Terminal<W>) -> io::Result<Goodbye> {
    let mut server = None;
    let mut start = setting.start(&Servers::demo(String::new()), terminal.screen.size());
    start.demo = true;
    start.config = demo_config(&setting.config);
    let mut state = State::new(start);
    let files = Files { database: setting.paths.demo_database(), paths: setting.paths.clone(), mcp: None };
    let connect = |inbox: mpsc::Sender<Msg>| {
        let demo = server.insert(Demo::start(Pace::Lifelike)?);
        Ok(Runtime::start(inbox, Servers::demo(demo.base_url()), files))
    };
    let ended = tui::run(terminal, &mut state, connect).await?;
    Ok((ended, setting.farewell(&state, "ibid demo")))
}

/// The reader's looks and keys, the demo's models.
fn demo_config(own: &Config) -> Config {
    let slots = (1..).zip(demo::SLOTS.map(str::to_owned)).collect();
    Config {
        model: Some(demo::FIRST_MODEL.into()),
        endpoint: Some(DEMO.into()),
        effort: None,
        web: false,
        system: None,
        temperature: None,
        top_p: None,
        max_output_tokens: None,
        slots,
        endpoints: std::collections::BTreeMap::new(),
        tools: config::Tools::default(),
        tool: demo_tools(),
        ..own.clone()
    }
}

/// Programs that every such system has.
fn demo_tools() -> Vec<config::CommandTool> {
    if !cfg!(unix) {
        return Vec::new();
    }
    let parsed = Config::parse(demo::TOOLS, Path::new("the demo's tools"));
    parsed.map(|(config, _)| config.tool).unwrap_or_default()
}

/// One answer on standard output.
fn ask(
    setting: &Setting,
    words: &[String],
    print: headless::Print,
    (tool, allow): (Option<tools::Choice>, Vec<String>),
) -> Result<Exit, Complaint> {
    let servers = setting.servers()?;
    for complaint in &setting.complaints {
        eprintln!("ibid: {complaint}");
    }
    let infos = servers.infos(&env);
    if let Some(first) = servers.first().filter(|_| !infos.first().is_some_and(|first| first.ready)) {
        let paste = if first.name == OPENROUTER { ", or start `ibid` once and paste a key" } else { "" };
        let what = format!("no key for {}; set {}{paste}", first.name, first.key_variable());
        return Err(Complaint::failed(what));
    }
    if words.is_empty() && io::stdin().is_terminal() {
        return Err(Complaint { exit: Exit::Usage, what: "nothing to ask; give a prompt, or pipe one in".into() });
    }
    let prompt = headless::prompt(words).map_err(|error| Complaint::failed(format!("standard input: {error}")))?;
    if prompt.is_empty() {
        return Err(Complaint { exit: Exit::Usage, what: "the prompt is empty; give one, or pipe one in".into() });
    }
    let mut start = setting.start(&servers, Size::new(80, 24));
    start.overrides.tool.clone_from(&tool);
    start.overrides.allow = Some(allow);
    start.complaints.clear(); // They were told.
    let mut state = State::new(start);
    if let Some(tools::Choice::One(id)) = &tool
        && id.server == tools::COMMANDS
        && state.tools.command(id).is_none()
    {
        let what = format!("there is no tool {}; name one of the config, or SERVER/TOOL", id.name);
        return Err(Complaint { exit: Exit::Usage, what });
    }
    if print == headless::Print::AtTheEnd {
        let endpoint = state.fresh.endpoint.clone();
        state.config.endpoints.entry(endpoint).or_default().stream = false;
    }
    let files = Files { database: setting.paths.database(), paths: setting.paths.clone(), mcp: Some(setting.mcp()) };
    let tokio = tokio_runtime()?;
    let connect = |inbox: mpsc::Sender<Msg>| Ok(Runtime::start(inbox, servers, files));
    let ended = tokio.block_on(headless::ask(&mut state, prompt, print, &mut io::stdout().lock(), connect))?;
    tokio.shutdown_background();
    match ended {
        headless::Ended::Answered | headless::Ended::NobodyReads => Ok(Exit::Done),
        headless::Ended::Interrupted => Ok(Exit::Interrupted),
        headless::Ended::Failed(what) => Err(Complaint::failed(what)),
    }
}

impl Setting {
    /// Flags before the environment before the config.
    fn find(cli: &Cli, open: Open) -> Result<Self, Complaint> {
        let mut paths =
            Paths::find(&env).ok_or_else(|| Complaint::failed("there is no home folder; set HOME".into()))?;
        if let Some(config) = &cli.places.config {
            paths.config.clone_from(config);
        }
        if let Some(folder) = &cli.places.data_dir {
            paths.data_dir.clone_from(folder);
        }
        let place = log::place(cli.places.log.clone(), env_text("IBID_LOG").as_deref(), paths.log());
        let log = match place {
            Some(path) => Some(
                log::start(&path, cli.places.verbose, env_text("IBID_LOG_CONTENT").as_deref() == Some("1")).map_err(
                    |error| {
                        Complaint::failed(format!(
                            "the log {} cannot be written: {error}; name another with --log",
                            path.display()
                        ))
                    },
                )?,
            ),
            None => None,
        };
        let (config, complaints) =
            Config::load(&paths.config).map_err(|complaint| Complaint::failed(complaint.to_string()))?;
        Ok(Self {
            config,
            complaints: complaints.iter().map(ToString::to_string).collect(),
            paths,
            choices: cli.choices.clone(),
            open,
            place_flags: place_flags(cli),
            _log: log,
        })
    }

    /// # Errors
    /// The chosen server does not exist.
    fn servers(&self) -> Result<Servers, Complaint> {
        let choice = match (&self.choices.endpoint, &self.choices.base_url) {
            (Some(name), _) => Choice::Named(name.clone()),
            (None, Some(url)) => Choice::Address(url.clone()),
            (None, None) => Choice::Config,
        };
        Servers::find(&self.config, &self.paths, &env, &choice).map_err(|what| Complaint { exit: Exit::Usage, what })
    }

    /// Where MCP servers are looked for.
    fn mcp(&self) -> mcp::Places {
        mcp::Places {
            config: self.paths.config.clone(),
            servers: self.config.mcp.clone(),
            folder: std::env::current_dir().unwrap_or_default(),
            trusted: self.paths.data_dir.join("trusted.json"),
        }
    }

    fn start(&self, servers: &Servers, size: Size) -> Start {
        let mut seed = [0; 8];
        // Without randomness two instances could draw the same ids: the clock and the process tell them apart.
        if getrandom::fill(&mut seed).is_err() {
            let nanoseconds = jiff::Timestamp::now().as_nanosecond().to_le_bytes();
            seed.copy_from_slice(&nanoseconds[..8]);
        }
        let links = tui::links::are_wanted(self.config.links, |name| std::env::var(name).ok());
        let links = if links { Switch::On } else { Switch::Off };
        Start {
            config: Config { links, ..self.config.clone() },
            endpoints: servers.infos(&env),
            demo: false,
            seed: u64::from_le_bytes(seed) ^ u64::from(std::process::id()),
            time_zone: jiff::tz::TimeZone::system(),
            open: self.open.clone(),
            overrides: self.choices.overrides(),
            colours: tui::colours::shown(env_text),
            themes: config::read_themes(&self.paths.themes()),
            complaints: self.complaints.clone(),
            size,
        }
    }

    /// For somebody who only looks round: nothing that was said on the command line counts.
    fn for_visitors(&self) -> Self {
        Self {
            config: self.config.clone(),
            complaints: Vec::new(),
            paths: self.paths.clone(),
            choices: Choices::default(),
            open: Open::New,
            place_flags: self.place_flags.clone(),
            _log: None,
        }
    }

    /// The line that resumes the conversation on the screen.
    fn farewell(&self, state: &State, program: &str) -> Option<String> {
        let conversation = state.current()?;
        Some(format!("{program}{} --resume {}", self.place_flags, conversation.id))
    }
}

impl Complaint {
    fn failed(what: String) -> Self {
        Self { exit: Exit::Failed, what }
    }
}

impl From<io::Error> for Complaint {
    fn from(error: io::Error) -> Self {
        Self::failed(error.to_string())
    }
}

impl Exit {
    fn code(self) -> ExitCode {
        ExitCode::from(match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Interrupted => 130,
        })
    }
}

/// Empty counts as unset.
fn env(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

fn env_text(name: &str) -> Option<String> {
    env(name).map(|value| value.to_string_lossy().into_owned())
}

fn place_flags(cli: &Cli) -> String {
    let flag = |name: &str, path: &Option<PathBuf>| match path {
        Some(path) => format!(" {name} {}", quoted(path)),
        None => String::new(),
    };
    flag("--config", &cli.places.config) + &flag("--data-dir", &cli.places.data_dir)
}

/// As a shell takes it.
fn quoted(path: &Path) -> String {
    let path = path.display().to_string();
    let plain = path.chars().all(|c| c.is_alphanumeric() || "/._-+:\\".contains(c));
    if plain { path } else { format!("'{}'", path.replace('\'', "'\\''")) }
}

fn tokio_runtime() -> io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}

/// The terminal is given back before a panic is reported; a panic of another thread ends the loop.
pub fn hook_panics() {
    let plain = !io::stderr().is_terminal() || env("NO_COLOR").is_some();
    let mut builder = color_eyre::config::HookBuilder::default().display_env_section(false);
    if plain {
        builder = builder.theme(color_eyre::config::Theme::new());
    }
    let report = builder.into_hooks().0.into_panic_hook();
    panic::set_hook(Box::new(move |info| {
        tui::restore();
        report(info);
        if let Some(signals) = LOOP.get() {
            let _ = signals.try_send(Signal::Panicked); // The loop itself may be what panicked.
        }
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_in_the_line_that_resumes_survives_a_shell() {
        assert_eq!(quoted(Path::new("/home/me/data")), "/home/me/data");
        assert_eq!(quoted(Path::new("my data/it's")), "'my data/it'\\''s'");
    }

    #[test]
    fn the_demo_keeps_the_looks_and_takes_the_models() {
        let own = Config { theme: "ink".into(), model: Some("a/b".into()), web: true, ..Config::default() };
        let config = demo_config(&own);
        assert_eq!((config.theme.as_str(), config.model.as_deref(), config.web), ("ink", Some("demo/tour"), false));
        assert_eq!(config.slots.values().map(String::as_str).collect::<Vec<_>>(), demo::SLOTS);
        #[cfg(unix)]
        assert_eq!(config.tool.len(), 5);
    }
}
