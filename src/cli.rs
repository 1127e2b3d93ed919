//! Runs the program, from its arguments to its exit code.

mod app;
mod args;
mod ask;
mod launch;
mod list;
mod login;
mod manual;
mod models;
mod paged;
mod search;
mod show;

use std::{
    backtrace::{Backtrace, BacktraceStatus},
    ffi::OsString,
    io,
    panic::{self, AssertUnwindSafe},
    process::ExitCode,
    sync::OnceLock,
};

use clap::Parser;
use tokio::sync::mpsc;

use crate::{
    console, headless,
    search::SearchOrder,
    secrets,
    terminal::{
        self,
        clipboard::{self, ClipboardTarget},
        os::SystemSignal,
    },
    text,
    ui::InitialConversation,
};
use app::{ServerMode, run_app};
use args::{CliArgs, CliCommand};
use ask::ask;
use launch::LaunchSettings;

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
        Some(CliCommand::Models { query, json }) => {
            let settings = LaunchSettings::load(cli, InitialConversation::New)?;
            models::list_models(&settings, &query.join(" "), *json)
        }
        Some(CliCommand::Search { query, json, newest, limit }) => {
            let settings = LaunchSettings::load(cli, InitialConversation::New)?;
            let order = if *newest { SearchOrder::Newest } else { SearchOrder::Best };
            search::search(
                &settings,
                query,
                search::SearchPrint { json: *json, order, limit: limit.map(|limit| limit as usize) },
            )
        }
        Some(CliCommand::List(args)) => list::list(&LaunchSettings::load(cli, InitialConversation::New)?, args),
        Some(CliCommand::Show(args)) => show::show(&LaunchSettings::load(cli, InitialConversation::New)?, args),
        Some(CliCommand::Completions { shell }) => manual::print_completions(*shell),
        Some(CliCommand::Man) => manual::print_manual(),
        Some(CliCommand::Login { no_browser }) => {
            login::log_in(&LaunchSettings::load(cli, InitialConversation::New)?, !no_browser)
        }
        Some(CliCommand::Logout) => login::log_out(&LaunchSettings::load(cli, InitialConversation::New)?),
        Some(CliCommand::HoldClipboard { primary, html }) => {
            let target = if *primary { ClipboardTarget::Primary } else { ClipboardTarget::Clipboard };
            clipboard::hold_clipboard(target, *html)?;
            Ok(ProgramExit::Done)
        }
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
