//! Runs command tools: each call in its own process group, with bounded output and a guaranteed end.

use std::{
    collections::VecDeque,
    env,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    process::{Child, ChildStdin},
    sync::mpsc,
    task::{AbortHandle, JoinSet},
    time::{Instant, timeout},
};

use crate::{
    chat::{CallId, Timestamp},
    processes::{ProcessGroup, ProcessGroupId},
    tools::{ToolCommand, ToolContent, ToolFailure, ToolOutcome, command::CommandInvocation},
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

/// A running call. Dropping it kills all its processes.
pub(super) struct CommandJob {
    task: AbortHandle,
    leader: Option<ProcessGroupId>,
}

impl CommandJob {
    pub(super) fn is_finished(&self) -> bool {
        self.task.is_finished()
    }
}

impl Drop for CommandJob {
    fn drop(&mut self) {
        if !self.task.is_finished() {
            if let Some(leader) = self.leader {
                leader.kill();
            }
            self.task.abort();
        }
    }
}

/// Starts the program of a call. If that fails, reports the reason and returns `None`.
pub(super) fn start(
    call: CallId,
    command: ToolCommand,
    arguments: &serde_json::Value,
    inbox: &mpsc::Sender<Msg>,
    tasks: &mut JoinSet<()>,
) -> Option<CommandJob> {
    let started = command.invocation(arguments).and_then(|invocation| {
        let started = spawn(&command, &invocation)?;
        Ok((started, invocation.stdin))
    });
    let inbox = inbox.clone();
    match started {
        Ok((started, stdin)) => {
            let leader = started.1.id();
            let task = tasks.spawn(async move {
                let result = Box::pin(run(call, command, started, stdin, &inbox)).await;
                report(call, result, &inbox).await;
            });
            Some(CommandJob { task, leader })
        }
        Err(failure) => {
            tasks.spawn(async move { report(call, Err(failure), &inbox).await });
            None
        }
    }
}

async fn report(call: CallId, result: Result<ToolOutcome, ToolFailure>, inbox: &mpsc::Sender<Msg>) {
    let _ = inbox.send(Msg::ToolEnded { call, at: Timestamp::now(), result }).await; // Fails only on shutdown.
}

fn spawn(command: &ToolCommand, invocation: &CommandInvocation) -> Result<(Child, ProcessGroup), ToolFailure> {
    let (program, arguments) =
        invocation.argv.split_first().ok_or_else(|| ToolFailure::Start("its argv is empty".into()))?;
    let mut process = tokio::process::Command::new(program);
    process.args(arguments).env_clear().env("TERM", "dumb").env("NO_COLOR", "1").kill_on_drop(true);
    let named = INHERITED_VARIABLES.iter().copied().chain(command.inherited_env.iter().map(String::as_str));
    process.envs(named.filter_map(|name| Some((name, env::var_os(name)?))));
    if let Some(folder) = &command.working_dir {
        process.current_dir(expand_home(folder));
    }
    process.stdin(if invocation.stdin.is_some() { Stdio::piped() } else { Stdio::null() });
    process.stdout(Stdio::piped()).stderr(Stdio::piped());
    ProcessGroup::start(&mut process).map_err(|error| ToolFailure::Start(format!("{program}: {error}")))
}

/// Expands a leading `~/`.
fn expand_home(folder: &Path) -> PathBuf {
    match (folder.strip_prefix("~"), env::var_os("HOME")) {
        (Ok(rest), Some(home)) => Path::new(&home).join(rest),
        _ => folder.to_owned(),
    }
}

async fn run(
    call: CallId,
    command: ToolCommand,
    (mut child, group): (Child, ProcessGroup),
    stdin: Option<String>,
    inbox: &mpsc::Sender<Msg>,
) -> Result<ToolOutcome, ToolFailure> {
    let (input, output, errors) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let mut reporter = ProgressReporter { call, inbox, next_report: Instant::now() + PROGRESS_INTERVAL };
    // On timeout both the child and the group are dropped, which kills them.
    let ended = async move {
        let status = child.wait().await;
        // Processes left running would hold the output open.
        drop(group);
        status
    };
    let all = async {
        tokio::join!(
            write_input(input, stdin),
            read_output(output, command.max_output_bytes, Some(&mut reporter)),
            read_output(errors, command.max_output_bytes / 4, None),
            ended
        )
    };
    let Ok(((), output, errors, status)) = timeout(Duration::from_secs(command.timeout_secs), Box::pin(all)).await
    else {
        return Err(ToolFailure::TimedOut { seconds: command.timeout_secs });
    };
    let status = status.map_err(|error| ToolFailure::Crashed(error.to_string()))?;
    to_outcome(status, &output.into_text(), &errors.into_text())
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

/// Writes the input of a program. A program that does not read it does not need it, so errors are ignored.
async fn write_input(input: Option<ChildStdin>, text: Option<String>) {
    if let (Some(mut input), Some(text)) = (input, text) {
        let _ = input.write_all(text.as_bytes()).await;
    }
}

/// Reports the last line of the output from time to time.
struct ProgressReporter<'a> {
    call: CallId,
    inbox: &'a mpsc::Sender<Msg>,
    next_report: Instant,
}

impl ProgressReporter<'_> {
    async fn on_chunk(&mut self, chunk: &[u8]) {
        if Instant::now() < self.next_report {
            return;
        }
        self.next_report = Instant::now() + PROGRESS_INTERVAL;
        let end = String::from_utf8_lossy(&chunk[chunk.len().saturating_sub(MAX_PROGRESS_BYTES)..]);
        if let Some(line) = end.lines().rev().find(|line| !line.trim().is_empty()) {
            let line_text = line.trim().to_owned();
            let _ = self.inbox.send(Msg::ToolProgress { call: self.call, words: line_text }).await; // Fails only on shutdown.
        }
    }
}

async fn read_output(
    from: Option<impl AsyncRead + Unpin>,
    max_bytes: usize,
    mut telling: Option<&mut ProgressReporter<'_>>,
) -> BoundedOutput {
    let mut output = BoundedOutput { max_bytes, ..BoundedOutput::default() };
    let Some(mut from) = from else { return output };
    let mut chunk = [0; 16 * 1024];
    while let Ok(read @ 1..) = from.read(&mut chunk).await {
        output.push(&chunk[..read]);
        if let Some(telling) = &mut telling {
            telling.on_chunk(&chunk[..read]).await;
        }
    }
    output
}

/// The beginning and the end of an output of any length.
#[derive(Debug, Default)]
struct BoundedOutput {
    max_bytes: usize,
    head: Vec<u8>,
    tail: VecDeque<u8>,
    total_bytes: usize,
}

impl BoundedOutput {
    fn push(&mut self, bytes: &[u8]) {
        self.total_bytes += bytes.len();
        let room = (self.max_bytes / 2).saturating_sub(self.head.len()).min(bytes.len());
        self.head.extend(&bytes[..room]);
        self.tail.extend(&bytes[room..]);
        let over = self.tail.len().saturating_sub(self.max_bytes - self.max_bytes / 2);
        self.tail.drain(..over);
    }

    fn into_text(self) -> String {
        let left_out = self.total_bytes - self.head.len() - self.tail.len();
        let tail: Vec<u8> = self.tail.into();
        if left_out == 0 {
            return String::from_utf8_lossy(&[self.head, tail].concat()).into_owned();
        }
        let (head, tail) = (String::from_utf8_lossy(&self.head), String::from_utf8_lossy(&tail));
        format!("{head}\n[… {left_out} bytes left out …]\n{tail}")
    }
}

#[cfg(test)]
mod tests;
