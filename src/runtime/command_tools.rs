//! Runs command tools: each call is a program with few variables, bounded output and a time limit.

use std::{
    env,
    path::{Path, PathBuf},
    process::ExitStatus,
    time::Duration,
};

use tokio::{
    process::Command,
    sync::mpsc,
    task::{AbortHandle, JoinSet},
    time::Instant,
};

use super::mcp_bridge::without_keys;
use crate::{
    chat::CallId,
    clock,
    processes::{BoundedOutput, LeftoverProcesses, ProcessFailure, ProcessRun},
    secrets, text,
    tools::{ToolCommand, ToolContent, ToolFailure, ToolOutcome},
    ui::Msg,
};

/// The environment variables that every program inherits. None of them is a key.
const INHERITED_VARIABLES: [&str; 18] = [
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "TZ",
    "TMPDIR",
    "XDG_RUNTIME_DIR",
    "SystemRoot",
    "SystemDrive",
    "TEMP",
    "TMP",
    "PATHEXT",
    "USERPROFILE",
    "APPDATA",
    "LOCALAPPDATA",
];

/// How often the progress of a running program is reported.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(250);

/// The longest progress text, in bytes.
const MAX_PROGRESS_BYTES: usize = 200;

/// Starts the program of a call. Aborting the task kills the program and its child processes.
pub(super) fn start(
    call: CallId,
    command: ToolCommand,
    arguments: serde_json::Value,
    inbox: &mpsc::Sender<Msg>,
    tasks: &mut JoinSet<()>,
) -> AbortHandle {
    let inbox = inbox.clone();
    tasks.spawn(async move {
        let result = without_keys(Box::pin(run(call, &command, &arguments, &inbox)).await);
        let _ = inbox.send(Msg::ToolEnded { call, at: clock::now(), result }).await; // Fails only on shutdown.
    })
}

async fn run(
    call: CallId,
    tool: &ToolCommand,
    arguments: &serde_json::Value,
    inbox: &mpsc::Sender<Msg>,
) -> Result<ToolOutcome, ToolFailure> {
    let invocation = tool.invocation(arguments)?;
    let (program, arguments) =
        invocation.argv.split_first().ok_or_else(|| ToolFailure::Start("its argv is empty".into()))?;
    let mut command = Command::new(program);
    command.args(arguments).env_clear().env("TERM", "dumb").env("NO_COLOR", "1");
    let named = INHERITED_VARIABLES.iter().copied().chain(tool.inherited_env.iter().map(String::as_str));
    command.envs(named.filter_map(|name| Some((name, env::var_os(name)?))));
    if let Some(folder) = &tool.working_dir {
        command.current_dir(expand_home(folder));
    }
    let mut reporter = ProgressReporter { call, inbox, next_report: Instant::now() + PROGRESS_INTERVAL };
    let run = ProcessRun {
        command,
        input: invocation.stdin.as_deref(),
        stdout: BoundedOutput::with_both_ends(tool.max_output_bytes),
        stderr: BoundedOutput::with_both_ends(tool.max_output_bytes / 4),
        time_limit: Duration::from_secs(tool.timeout_secs),
        leftovers: LeftoverProcesses::Kill,
    };
    match run.run(|chunk| reporter.on_chunk(chunk)).await {
        Ok(finished) => to_outcome(finished.status, &finished.stdout.into_text(), &finished.stderr.into_text()),
        Err(ProcessFailure::Start(error)) => {
            Err(ToolFailure::Start(format!("{program}: {}", text::error_words(&error))))
        }
        Err(ProcessFailure::TimedOut) => Err(ToolFailure::TimedOut { seconds: tool.timeout_secs }),
        Err(ProcessFailure::Lost(error)) => Err(ToolFailure::Crashed(text::error_words(&error))),
    }
}

/// Expands a leading `~/`.
fn expand_home(folder: &Path) -> PathBuf {
    match (folder.strip_prefix("~"), env::var_os("HOME")) {
        (Ok(rest), Some(home)) => Path::new(&home).join(rest),
        _ => folder.to_owned(),
    }
}

/// Builds the result from the output and the exit status.
fn to_outcome(status: ExitStatus, output: &str, errors: &str) -> Result<ToolOutcome, ToolFailure> {
    let text_content = |parts: &[&str]| {
        let parts: Vec<&str> = parts.iter().copied().filter(|part| !part.is_empty()).collect();
        vec![ToolContent::Text(parts.join("\n"))]
    };
    match status.code() {
        Some(0) if output.trim().is_empty() => Ok(ToolOutcome { content: text_content(&[errors]), failed: false }),
        Some(0) => Ok(ToolOutcome { content: text_content(&[output]), failed: false }),
        Some(code) => {
            Ok(ToolOutcome { content: text_content(&[&format!("exit code {code}"), output, errors]), failed: true })
        }
        None => Err(ToolFailure::Crashed(status.to_string())),
    }
}

/// Reports the last line of the output from time to time.
struct ProgressReporter<'a> {
    call: CallId,
    inbox: &'a mpsc::Sender<Msg>,
    next_report: Instant,
}

impl ProgressReporter<'_> {
    fn on_chunk(&mut self, chunk: &[u8]) {
        if Instant::now() < self.next_report {
            return;
        }
        self.next_report = Instant::now() + PROGRESS_INTERVAL;
        let end = String::from_utf8_lossy(&chunk[chunk.len().saturating_sub(MAX_PROGRESS_BYTES)..]);
        if let Some(line) = end.lines().rev().find(|line| !line.trim().is_empty()) {
            // With a full inbox, the next report does.
            let _ = self.inbox.try_send(Msg::ToolProgress { call: self.call, words: without_cut_keys(line.trim()) });
        }
    }
}

/// Hides keys in a piece of output, also one of which the piece has only an end or a beginning.
fn without_cut_keys(piece: &str) -> String {
    secrets::redact_cut_start(&secrets::redact_cut_end(piece)).into_owned()
}

#[cfg(test)]
mod tests;
