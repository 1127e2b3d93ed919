//! The full-screen app, with the servers of the user or with the demo's.

use std::{
    io::{self, Write},
    path::Path,
};

use tokio::sync::mpsc;

use super::{CliError, LOOP_SIGNALS, ProgramExit, env, env_text, launch::LaunchSettings, tokio_runtime};
use crate::{
    config::{self, Config},
    console,
    demo::{self, DemoPace, DemoServer},
    runtime::{
        EffectRuntime, RuntimeFiles,
        servers::{ApiServers, DEMO},
    },
    terminal::{
        self, TerminalEnv, TerminalIo, TerminalScreen, clipboard, editor,
        os::{self, KeyboardInput, SignalReceiver},
        osc_notify,
    },
    ui::{InitialConversation, Msg, State, effect::DemoStart},
};

/// The server that the app talks to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ServerMode {
    Real,
    Demo,
}

/// Runs the full-screen app, and what is chosen on its connect screen: the demo, or a server instead of it.
pub(super) fn run_app(settings: &LaunchSettings, server: ServerMode) -> Result<ProgramExit, CliError> {
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

#[cfg(test)]
mod tests {
    use super::*;

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
