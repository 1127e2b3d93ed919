//! Runs the program, from its arguments to its exit code.

mod args;

use std::{
    backtrace::{Backtrace, BacktraceStatus},
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
    clock,
    config::{self, AppPaths, AutoSwitch, Config},
    console,
    demo::{self, DemoPace, DemoServer},
    files, headless, log, mcp,
    runtime::{
        EffectRuntime, RuntimeFiles,
        servers::{ApiServers, DEMO, OPENROUTER, ServerChoice},
    },
    secrets,
    terminal::{
        self, TerminalEnv, TerminalIo, TerminalScreen,
        clipboard::{self, ClipboardTarget},
        editor,
        os::{self, KeyboardInput, SignalReceiver, SystemSignal},
        osc_notify,
    },
    text, tools,
    ui::{InitialConversation, Msg, StartOptions, State, effect::DemoStart},
};
use args::{CliArgs, CliCommand, RequestArgs};

/// How the program ended, as reported by its exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ProgramExit {
    Done,
    Failed,
    Usage,
    Interrupted,
}

/// An error message for standard error, and the exit code that goes with it.
struct CliError {
    exit: ProgramExit,
    message: String,
}

/// The settings from the arguments, the environment and the config.
struct LaunchSettings {
    config: Config,
    /// Problems in the config that do not prevent the program from running.
    config_warnings: Vec<String>,
    paths: AppPaths,
    request_args: RequestArgs,
    open: InitialConversation,
    /// The `--config` and `--data-dir` flags, which the line that resumes the conversation must repeat.
    path_flags: String,
    _log: Option<log::LogGuard>,
}

/// Lets the panic hook end the loop when another thread panics.
static LOOP_SIGNALS: OnceLock<mpsc::Sender<SystemSignal>> = OnceLock::new();

/// Runs the program.
pub fn run() -> ExitCode {
    let cli = match CliArgs::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            if error.use_stderr() {
                console::report(&error.render().to_string());
                return ProgramExit::Usage.code();
            }
            let _ = error.print(); // The help and the version; there is nowhere else to report a failure.
            return ProgramExit::Done.code();
        }
    };
    secrets::forbid_core_dumps();
    install_panic_hook();
    // The hook has reported a panic of the loop; the conversation is saved once the stack has unwound.
    let exit = panic::catch_unwind(AssertUnwindSafe(|| run_command(&cli))).unwrap_or(Ok(ProgramExit::Failed));
    match exit {
        Ok(exit) => exit.code(),
        Err(complaint) => {
            console::complain(&complaint.message);
            complaint.exit.code()
        }
    }
}

fn run_command(cli: &CliArgs) -> Result<ProgramExit, CliError> {
    match &cli.command {
        None => run_app(&LaunchSettings::load(cli, cli.resume.to_open())?, ServerMode::Real),
        Some(CliCommand::Demo { resume }) => {
            let open =
                if resume.to_open() == InitialConversation::New { cli.resume.to_open() } else { resume.to_open() };
            run_app(&LaunchSettings::load(cli, open)?, ServerMode::Demo)
        }
        Some(CliCommand::Ask { words, no_stream, tool, allow }) => {
            let print = if *no_stream { headless::PrintMode::WhenComplete } else { headless::PrintMode::Streaming };
            let tools = (
                tool.as_deref().map(args::parse_tool_choice),
                allow.iter().map(|name| args::allow_rule(name)).collect(),
            );
            ask(&LaunchSettings::load(cli, InitialConversation::New)?, words, print, tools)
        }
        Some(CliCommand::HoldClipboard { primary, html }) => {
            let target = if *primary { ClipboardTarget::Primary } else { ClipboardTarget::Clipboard };
            clipboard::hold_clipboard(target, *html)?;
            Ok(ProgramExit::Done)
        }
    }
}

/// The server that the app talks to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ServerMode {
    Real,
    Demo,
}

/// Runs the full-screen app, and what is chosen on its connect screen: the demo, or a server instead of it.
fn run_app(settings: &LaunchSettings, server: ServerMode) -> Result<ProgramExit, CliError> {
    let servers = settings.servers()?;
    let tokio = tokio_runtime()?;
    if let Some(why) = terminal::terminal_screen::unsuitable_terminal(env_text("TERM").as_deref()) {
        return Err(CliError::failure(why));
    }
    let terminal_env = TerminalEnv {
        editor: editor::editor_command(|name| std::env::var(name).ok()),
        clipboard: clipboard::ClipboardEnv::from_env(|name| std::env::var(name).ok()),
        notification_form: osc_notify::NotificationForm::from_env(env_text),
    };
    let (exit_reason, resume_line) = tokio.block_on(async {
        let signals = SignalReceiver::listen()?;
        let _ = LOOP_SIGNALS.set(signals.sender());
        let screen = TerminalScreen::enter()?;
        let keyboard = KeyboardInput::start(os::escape_timeout(env("SSH_CONNECTION").is_some()))?;
        let mut terminal = TerminalIo { screen, keyboard, signals, env: terminal_env };
        let mut ended = match server {
            ServerMode::Real => run_with_servers(settings, servers, &mut terminal).await?,
            ServerMode::Demo => run_demo(settings, servers, DemoStart::Opening, &mut terminal).await?,
        };
        // The connect screen leads from one to the other.
        loop {
            let (servers, settings) = match ended.0 {
                terminal::ExitReason::Demo(_) | terminal::ExitReason::LeaveDemo => settings.reloaded()?,
                _ => break Ok::<_, io::Error>(ended),
            };
            ended = match ended.0 {
                terminal::ExitReason::Demo(begin) => run_demo(&settings, servers, begin, &mut terminal).await?,
                _ => run_with_servers(&settings, servers, &mut terminal).await?,
            };
        }
    })?;
    // The terminal has been restored by now.
    tokio.shutdown_background();
    if let Some(line) = resume_line {
        console::print_line(&line);
    }
    Ok(match exit_reason {
        terminal::ExitReason::Quit | terminal::ExitReason::Demo(_) | terminal::ExitReason::LeaveDemo => {
            ProgramExit::Done
        }
        terminal::ExitReason::Interrupted => ProgramExit::Interrupted,
        terminal::ExitReason::Panicked => ProgramExit::Failed,
    })
}

type AppExit = (terminal::ExitReason, Option<String>);

async fn run_with_servers<W: Write>(
    settings: &LaunchSettings,
    servers: ApiServers,
    terminal: &mut TerminalIo<W>,
) -> io::Result<AppExit> {
    let mut state = State::new(settings.start_args(&servers, terminal.screen.size()));
    let files = RuntimeFiles {
        database: settings.paths.database_file(),
        paths: settings.paths.clone(),
        mcp: Some(settings.mcp_places()),
    };
    let connect = |inbox: mpsc::Sender<Msg>| Ok(EffectRuntime::start(inbox, servers, files));
    let ended = terminal::run(terminal, &mut state, connect).await?;
    Ok((ended, settings.resume_line(&state, "ibid")))
}

async fn run_demo<W: Write>(
    settings: &LaunchSettings,
    servers: ApiServers,
    begin: DemoStart,
    terminal: &mut TerminalIo<W>,
) -> io::Result<AppExit> {
    let mut server = None;
    let mut start = settings.start_args(&ApiServers::demo(String::new()), terminal.screen.size());
    start.is_demo = true;
    if start.initial_conversation == InitialConversation::New {
        start.initial_conversation = match begin {
            DemoStart::Opening => InitialConversation::Exchange(Box::new(demo::opening_exchange())),
            DemoStart::Tour => InitialConversation::Prompt(demo::TOUR_PROMPT.into()),
        };
    }
    start.config = demo_config(&settings.config);
    let mut state = State::new(start);
    let files =
        RuntimeFiles { database: settings.paths.demo_database_file(), paths: settings.paths.clone(), mcp: None };
    let connect = |inbox: mpsc::Sender<Msg>| {
        let demo = server.insert(DemoServer::start(DemoPace::Lifelike)?);
        Ok(EffectRuntime::start(inbox, servers.with_demo(demo.base_url()), files))
    };
    let ended = terminal::run(terminal, &mut state, connect).await?;
    Ok((ended, settings.resume_line(&state, "ibid demo")))
}

/// Returns the user's config with the demo's models and tools.
fn demo_config(user_config: &Config) -> Config {
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
        tools: config::ToolsConfig::default(),
        tool: demo_tools(),
        ..user_config.clone()
    }
}

/// Returns the demo's tools, which use programs that every Unix system has.
fn demo_tools() -> Vec<config::CommandTool> {
    if !cfg!(unix) {
        return Vec::new();
    }
    let parsed = Config::parse(demo::TOOLS, Path::new("the demo's tools"));
    parsed.map(|(config, _)| config.tool).unwrap_or_default()
}

/// Runs `ibid ask`: one answer on standard output.
fn ask(
    settings: &LaunchSettings,
    prompt_words: &[String],
    print: headless::PrintMode,
    (tool, allow): (Option<tools::ToolMode>, Vec<String>),
) -> Result<ProgramExit, CliError> {
    let servers = settings.servers()?;
    for complaint in settings.warnings(&servers) {
        console::complain(&complaint);
    }
    let endpoints = servers.infos(&env);
    if let Some(first) = servers.first().filter(|_| !endpoints.first().is_some_and(|first| first.is_ready)) {
        let paste = if first.name == OPENROUTER { ", or start `ibid` once and paste a key" } else { "" };
        let message = format!("no key for {}; set {}{paste}", first.name, first.key_variable());
        return Err(CliError::failure(message));
    }
    if prompt_words.is_empty() && io::stdin().is_terminal() {
        return Err(CliError {
            exit: ProgramExit::Usage,
            message: "nothing to ask; give a prompt, or pipe one in".into(),
        });
    }
    let prompt = headless::prompt(prompt_words).map_err(|error| CliError {
        exit: if error.kind() == io::ErrorKind::FileTooLarge { ProgramExit::Usage } else { ProgramExit::Failed },
        message: format!("standard input: {}", text::error_words(&error)),
    })?;
    if prompt.is_empty() {
        return Err(CliError {
            exit: ProgramExit::Usage,
            message: "the prompt is empty; give one, or pipe one in".into(),
        });
    }
    let mut start = settings.start_args(&servers, Size::new(80, 24));
    start.overrides.tool_choice.clone_from(&tool);
    let mut named_tools: Vec<tools::ToolId> = allow.iter().map(|rule| tools::parse_tool_name(rule)).collect();
    if let Some(tools::ToolMode::One(id)) = &tool {
        named_tools.push(id.clone());
    }
    start.overrides.allowed_tools = Some(allow);
    start.complaints.clear(); // They have been printed.
    let mut state = State::new(start);
    // The tools of other servers are not known yet.
    let is_missing = |id: &tools::ToolId| {
        id.server == tools::COMMAND_SERVER && id.name != "*" && state.env.tools.command(id).is_none()
    };
    if let Some(id) = named_tools.iter().find(|id| is_missing(id)) {
        let what = format!("there is no tool {}; name one from the config, or SERVER/TOOL", id.name);
        return Err(CliError { exit: ProgramExit::Usage, message: what });
    }
    if print == headless::PrintMode::WhenComplete {
        let endpoint = state.chats.new_settings.endpoint.clone();
        state.env.config.endpoints.entry(endpoint).or_default().stream = false;
    }
    let files = RuntimeFiles {
        database: settings.paths.database_file(),
        paths: settings.paths.clone(),
        mcp: Some(settings.mcp_places()),
    };
    let tokio = tokio_runtime()?;
    let connect = |inbox: mpsc::Sender<Msg>| Ok(EffectRuntime::start(inbox, servers, files));
    let ended = tokio.block_on(headless::ask(&mut state, prompt, print, &mut io::stdout().lock(), connect))?;
    tokio.shutdown_background();
    match ended {
        headless::AskOutcome::Answered | headless::AskOutcome::OutputClosed => Ok(ProgramExit::Done),
        headless::AskOutcome::Interrupted => Ok(ProgramExit::Interrupted),
        headless::AskOutcome::Failed(what) => Err(CliError::failure(what)),
    }
}

impl LaunchSettings {
    /// Loads the settings. Flags override the environment, which overrides the config.
    fn load(cli: &CliArgs, open: InitialConversation) -> Result<Self, CliError> {
        let mut paths =
            AppPaths::find(&env).ok_or_else(|| CliError::failure("there is no home folder; set HOME".into()))?;
        if let Some(config) = &cli.places.config {
            if !config.exists() {
                let message =
                    format!("--config: {} does not exist; name a config, or leave --config out", config.display());
                return Err(CliError { exit: ProgramExit::Usage, message });
            }
            paths.config_file.clone_from(config);
        }
        if let Some(folder) = &cli.places.data_dir {
            paths.data_dir.clone_from(folder);
        }
        let log_path = log::log_path(cli.places.log.clone(), env_text("IBID_LOG").as_deref(), paths.log_file());
        let log = match log_path {
            Some(path) => Some(
                log::start(&path, cli.places.verbose, env_text("IBID_LOG_CONTENT").as_deref() == Some("1")).map_err(
                    |error| {
                        CliError::failure(format!(
                            "the log {} cannot be written: {}; name another with --log",
                            path.display(),
                            text::error_words(&error)
                        ))
                    },
                )?,
            ),
            None => None,
        };
        let (config, warnings) =
            Config::load(&paths.config_file).map_err(|complaint| CliError::failure(complaint.to_string()))?;
        Ok(Self {
            config,
            config_warnings: warnings.iter().map(ToString::to_string).collect(),
            paths,
            request_args: cli.choices.clone(),
            open,
            path_flags: path_flags(cli),
            _log: log,
        })
    }

    /// Finds the servers and the chosen one.
    ///
    /// # Errors
    /// Fails if the chosen server does not exist.
    fn servers(&self) -> Result<ApiServers, CliError> {
        let choice = match (&self.request_args.endpoint, &self.request_args.base_url) {
            (Some(name), _) => ServerChoice::Named(name.clone()),
            (None, Some(url)) => ServerChoice::Address(url.clone()),
            (None, None) => ServerChoice::Config,
        };
        ApiServers::find(&self.config, &self.paths, &env, &choice)
            .map_err(|what| CliError { exit: ProgramExit::Usage, message: what })
    }

    /// Returns what the user should know about the config, the servers and the files.
    fn warnings(&self, servers: &ApiServers) -> Vec<String> {
        let folder = &self.paths.data_dir;
        let is_open = files::is_open_to_others(folder);
        let folder = is_open.then(|| {
            format!("others can look into the folder of the conversations, {}; `chmod 700` closes it", folder.display())
        });
        self.config_warnings.iter().cloned().chain(servers.exposures()).chain(folder).collect()
    }

    /// Returns where to look for MCP servers.
    fn mcp_places(&self) -> mcp::ServerDiscovery {
        mcp::ServerDiscovery {
            config_file: self.paths.config_file.clone(),
            servers: self.config.mcp.clone(),
            working_dir: std::env::current_dir().unwrap_or_default(),
            trust_file: self.paths.data_dir.join("trusted.json"),
        }
    }

    fn start_args(&self, servers: &ApiServers, size: Size) -> StartOptions {
        let mut seed = [0; 8];
        // Without randomness, two instances could create the same ids; the clock and the process id make them differ.
        if getrandom::fill(&mut seed).is_err() {
            let nanoseconds = clock::now().as_nanosecond().to_le_bytes();
            seed.copy_from_slice(&nanoseconds[..8]);
        }
        let links = terminal::links::should_write_links(self.config.links, |name| std::env::var(name).ok());
        let links = if links { AutoSwitch::On } else { AutoSwitch::Off };
        StartOptions {
            config: Config { links, ..self.config.clone() },
            endpoints: servers.infos(&env),
            is_demo: false,
            seed: u64::from_le_bytes(seed) ^ u64::from(std::process::id()),
            time_zone: jiff::tz::TimeZone::system(),
            initial_conversation: self.open.clone(),
            overrides: self.request_args.to_overrides(),
            colours: terminal::colour_support::supported_colours(env_text),
            themes: config::read_themes(&self.paths.themes_dir()),
            complaints: self.warnings(servers),
            size,
        }
    }

    /// Reads the config again, for a start from the connect screen, which ignores the command line.
    fn reloaded(&self) -> io::Result<(ApiServers, Self)> {
        let settings = self.without_flags();
        let servers = settings.servers().map_err(|error| io::Error::other(error.message))?;
        Ok((servers, settings))
    }

    fn without_flags(&self) -> Self {
        let (config, warnings) =
            Config::load(&self.paths.config_file).unwrap_or_else(|problem| (self.config.clone(), vec![problem]));
        Self {
            config,
            config_warnings: warnings.iter().map(ToString::to_string).collect(),
            paths: self.paths.clone(),
            request_args: RequestArgs::default(),
            open: InitialConversation::New,
            path_flags: self.path_flags.clone(),
            _log: None,
        }
    }

    /// Returns the command line that resumes the conversation on the screen.
    fn resume_line(&self, state: &State, program: &str) -> Option<String> {
        let conversation = state.chats.current_conversation().filter(|conversation| !conversation.is_new())?;
        Some(format!("{program}{} --resume {}", self.path_flags, conversation.id))
    }
}

impl CliError {
    fn failure(message: String) -> Self {
        Self { exit: ProgramExit::Failed, message }
    }
}

impl From<io::Error> for CliError {
    fn from(error: io::Error) -> Self {
        Self::failure(text::error_words(&error))
    }
}

impl ProgramExit {
    fn code(self) -> ExitCode {
        ExitCode::from(match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Interrupted => 130,
        })
    }
}

/// Reads an environment variable. An empty one counts as unset.
fn env(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

fn env_text(name: &str) -> Option<String> {
    env(name).map(|value| value.to_string_lossy().into_owned())
}

fn path_flags(cli: &CliArgs) -> String {
    let flag = |name: &str, path: &Option<PathBuf>| match path {
        Some(path) => format!(" {name} {}", shell_quoted(path)),
        None => String::new(),
    };
    flag("--config", &cli.places.config) + &flag("--data-dir", &cli.places.data_dir)
}

/// Quotes a path for a shell.
fn shell_quoted(path: &Path) -> String {
    let path = path.display().to_string();
    let plain = path.chars().all(|c| c.is_alphanumeric() || "/._-+:\\".contains(c));
    if plain { path } else { format!("'{}'", path.replace('\'', "'\\''")) }
}

fn tokio_runtime() -> io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}

/// Installs a panic hook that restores the terminal before the report. A panic of another thread ends the loop.
pub fn install_panic_hook() {
    panic::set_hook(Box::new(move |info| {
        terminal::restore();
        let thread = std::thread::current();
        let backtrace = Backtrace::capture();
        let trace = if backtrace.status() == BacktraceStatus::Captured { backtrace.to_string() } else { String::new() };
        console::report(&format!("thread '{}' {info}\n{trace}", thread.name().unwrap_or("without a name")));
        if let Some(signals) = LOOP_SIGNALS.get() {
            let _ = signals.try_send(SystemSignal::Panicked); // The loop itself may be what panicked.
        }
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_in_the_resume_line_survives_a_shell() {
        assert_eq!(shell_quoted(Path::new("/home/me/data")), "/home/me/data");
        assert_eq!(shell_quoted(Path::new("my data/it's")), "'my data/it'\\''s'");
    }

    #[test]
    fn the_demo_keeps_the_theme_and_replaces_the_models() {
        let user_config = Config { theme: "ink".into(), model: Some("a/b".into()), web: true, ..Config::default() };
        let config = demo_config(&user_config);
        assert_eq!((config.theme.as_str(), config.model.as_deref(), config.web), ("ink", Some("demo/tour"), false));
        assert_eq!(config.slots.values().map(String::as_str).collect::<Vec<_>>(), demo::SLOTS);
        #[cfg(unix)]
        assert_eq!(config.tool.len(), 5);
    }
}
