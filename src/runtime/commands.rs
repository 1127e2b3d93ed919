//! Command tools: a process group for each call, its output in bounded room, its end for certain.

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
    app::Msg,
    chat::{CallId, Timestamp},
    processes::{Group, Leader},
    tools::{Command, Content, Failure, Outcome, command::Invocation},
};

/// What every program gets of the environment; keys are not among it.
const VARIABLES: [&str; 18] = [
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

/// How often a running program is looked at for its progress.
const PROGRESS: Duration = Duration::from_millis(250);

/// The longest progress, in bytes.
const WORDS: usize = 200;

/// A call that runs. Dropping it ends its processes, all of them.
pub(super) struct Job {
    task: AbortHandle,
    leader: Option<Leader>,
}

impl Job {
    pub(super) fn is_over(&self) -> bool {
        self.task.is_finished()
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        if !self.task.is_finished() {
            if let Some(leader) = self.leader {
                leader.kill();
            }
            self.task.abort();
        }
    }
}

/// Starts the program of a call; `None` when it was reported at once why it cannot be.
pub(super) fn start(
    call: CallId,
    command: Command,
    arguments: &serde_json::Value,
    inbox: &mpsc::Sender<Msg>,
    tasks: &mut JoinSet<()>,
) -> Option<Job> {
    let started = command.invocation(arguments).and_then(|invocation| {
        let started = spawn(&command, &invocation)?;
        Ok((started, invocation.stdin))
    });
    let inbox = inbox.clone();
    match started {
        Ok((started, stdin)) => {
            let leader = started.1.leader();
            let task = tasks.spawn(async move {
                let result = Box::pin(run(call, command, started, stdin, &inbox)).await;
                report(call, result, &inbox).await;
            });
            Some(Job { task, leader })
        }
        Err(failure) => {
            tasks.spawn(async move { report(call, Err(failure), &inbox).await });
            None
        }
    }
}

async fn report(call: CallId, result: Result<Outcome, Failure>, inbox: &mpsc::Sender<Msg>) {
    let _ = inbox.send(Msg::ToolEnded { call, at: Timestamp::now(), result }).await; // Nobody listens on the way out.
}

fn spawn(command: &Command, invocation: &Invocation) -> Result<(Child, Group), Failure> {
    let (program, arguments) =
        invocation.argv.split_first().ok_or_else(|| Failure::Start("its argv is empty".into()))?;
    let mut process = tokio::process::Command::new(program);
    process.args(arguments).env_clear().env("TERM", "dumb").env("NO_COLOR", "1").kill_on_drop(true);
    let named = VARIABLES.iter().copied().chain(command.env.iter().map(String::as_str));
    process.envs(named.filter_map(|name| Some((name, env::var_os(name)?))));
    if let Some(folder) = &command.folder {
        process.current_dir(at_home(folder));
    }
    process.stdin(if invocation.stdin.is_some() { Stdio::piped() } else { Stdio::null() });
    process.stdout(Stdio::piped()).stderr(Stdio::piped());
    Group::start(&mut process).map_err(|error| Failure::Start(format!("{program}: {error}")))
}

/// A folder that begins with `~/`.
fn at_home(folder: &Path) -> PathBuf {
    match (folder.strip_prefix("~"), env::var_os("HOME")) {
        (Ok(rest), Some(home)) => Path::new(&home).join(rest),
        _ => folder.to_owned(),
    }
}

async fn run(
    call: CallId,
    command: Command,
    (mut child, group): (Child, Group),
    stdin: Option<String>,
    inbox: &mpsc::Sender<Msg>,
) -> Result<Outcome, Failure> {
    let (input, output, errors) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let mut telling = Telling { call, inbox, next: Instant::now() + PROGRESS };
    // When the time is over both are dropped, and killed.
    let ended = async move {
        let status = child.wait().await;
        // What it left running would hold its output open.
        drop(group);
        status
    };
    let all = async {
        tokio::join!(
            feed(input, stdin),
            read(output, command.max_output, Some(&mut telling)),
            read(errors, command.max_output / 4, None),
            ended
        )
    };
    let Ok(((), output, errors, status)) = timeout(Duration::from_secs(command.timeout), Box::pin(all)).await else {
        return Err(Failure::TimedOut { seconds: command.timeout });
    };
    let status = status.map_err(|error| Failure::Crashed(error.to_string()))?;
    outcome(status, &output.text(), &errors.text())
}

/// What a program said, by how it ended.
fn outcome(status: ExitStatus, output: &str, errors: &str) -> Result<Outcome, Failure> {
    let said = |parts: &[&str]| {
        let parts: Vec<&str> = parts.iter().copied().filter(|part| !part.is_empty()).collect();
        vec![Content::Text(parts.join("\n"))]
    };
    match status.code() {
        Some(0) if output.trim().is_empty() => Ok(Outcome { content: said(&[errors]), failed: false }),
        Some(0) => Ok(Outcome { content: said(&[output]), failed: false }),
        Some(code) => Ok(Outcome { content: said(&[&format!("exit code {code}"), output, errors]), failed: true }),
        None => Err(Failure::Crashed(status.to_string())),
    }
}

/// Gives a program its input. One that does not read it has no need of it.
async fn feed(input: Option<ChildStdin>, text: Option<String>) {
    if let (Some(mut input), Some(text)) = (input, text) {
        let _ = input.write_all(text.as_bytes()).await;
    }
}

/// Tells the last line of the output now and then.
struct Telling<'a> {
    call: CallId,
    inbox: &'a mpsc::Sender<Msg>,
    next: Instant,
}

impl Telling<'_> {
    async fn look(&mut self, chunk: &[u8]) {
        if Instant::now() < self.next {
            return;
        }
        self.next = Instant::now() + PROGRESS;
        let end = String::from_utf8_lossy(&chunk[chunk.len().saturating_sub(WORDS)..]);
        if let Some(line) = end.lines().rev().find(|line| !line.trim().is_empty()) {
            let words = line.trim().to_owned();
            let _ = self.inbox.send(Msg::ToolProgress { call: self.call, words }).await; // As above.
        }
    }
}

async fn read(from: Option<impl AsyncRead + Unpin>, most: usize, mut telling: Option<&mut Telling<'_>>) -> Kept {
    let mut kept = Kept { most, ..Kept::default() };
    let Some(mut from) = from else { return kept };
    let mut chunk = [0; 16 * 1024];
    while let Ok(read @ 1..) = from.read(&mut chunk).await {
        kept.push(&chunk[..read]);
        if let Some(telling) = &mut telling {
            telling.look(&chunk[..read]).await;
        }
    }
    kept
}

/// The beginning and the end of an output of any length.
#[derive(Debug, Default)]
struct Kept {
    most: usize,
    head: Vec<u8>,
    tail: VecDeque<u8>,
    all: usize,
}

impl Kept {
    fn push(&mut self, bytes: &[u8]) {
        self.all += bytes.len();
        let room = (self.most / 2).saturating_sub(self.head.len()).min(bytes.len());
        self.head.extend(&bytes[..room]);
        self.tail.extend(&bytes[room..]);
        let over = self.tail.len().saturating_sub(self.most - self.most / 2);
        self.tail.drain(..over);
    }

    fn text(self) -> String {
        let left_out = self.all - self.head.len() - self.tail.len();
        let tail: Vec<u8> = self.tail.into();
        if left_out == 0 {
            return String::from_utf8_lossy(&[self.head, tail].concat()).into_owned();
        }
        let (head, tail) = (String::from_utf8_lossy(&self.head), String::from_utf8_lossy(&tail));
        format!("{head}\n[… {left_out} bytes were not kept …]\n{tail}")
    }
}

#[cfg(test)]
mod tests;
