//! `ibid ask`: one answer on standard output.

use std::io::{self, IsTerminal};

use ratatui::layout::Size;
use tokio::sync::mpsc;

use super::{CliError, ProgramExit, env, launch::LaunchSettings, tokio_runtime};
use crate::{
    console, headless,
    runtime::{EffectRuntime, RuntimeFiles, servers::OPENROUTER},
    text, tools,
    ui::{Msg, State},
};

/// Runs `ibid ask`: one answer on standard output.
pub(super) fn ask(
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
