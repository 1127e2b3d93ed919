//! Starts every program that is started, without our keys in its environment: one that runs to its end, one that is spoken to, one that has the terminal, or
//! one that outlives us.
#![expect(clippy::disallowed_methods, reason = "this is where programs are started")]

mod bounded_output;
#[cfg(unix)]
mod group_mark;
mod process_group;

use std::{
    io::{self, Write},
    pin::pin,
    process::{ExitStatus, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    process::{Child, ChildStdin, Command},
    time::timeout,
};

use crate::secrets;

pub use bounded_output::BoundedOutput;
pub use process_group::ProcessGroup;

/// A program that runs to its end in a group of its own, and its limits.
#[derive(Debug)]
pub struct ProcessRun<'a> {
    pub command: Command,
    /// Its standard input. The program need not read all of it.
    pub input: Option<&'a str>,
    /// Where its standard output is collected; what does not fit is read and dropped.
    pub stdout: BoundedOutput,
    pub stderr: BoundedOutput,
    /// After this time it is killed.
    pub time_limit: Duration,
    pub leftovers: LeftoverProcesses,
}

/// What happens to the processes that a program leaves running when it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeftoverProcesses {
    Kill,
    /// They may be what the program is for, such as a process that offers the clipboard.
    Keep,
}

/// How a program ended, and its output.
#[derive(Debug)]
pub struct FinishedProcess {
    pub status: ExitStatus,
    pub stdout: BoundedOutput,
    pub stderr: BoundedOutput,
}

/// Why there is no result of a program.
#[derive(Debug)]
pub enum ProcessFailure {
    Start(io::Error),
    TimedOut,
    /// The system does not know how it ended.
    Lost(io::Error),
}

/// How long output is still read after a program has ended: a process that it left running may never close it.
const OUTPUT_GRACE: Duration = Duration::from_millis(200);

impl ProcessRun<'_> {
    /// Runs the program. `on_output` gets its standard output piece by piece.
    ///
    /// The program and its child processes are killed if it takes too long, if the future is dropped, or if we are
    /// killed.
    ///
    /// # Errors
    /// It cannot be started, or did not end in time.
    pub async fn run(self, on_output: impl FnMut(&[u8])) -> Result<FinishedProcess, ProcessFailure> {
        let Self { mut command, input, mut stdout, mut stderr, time_limit, leftovers } = self;
        command.stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() });
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        secrets::hide_from(command.as_std_mut());
        let (mut child, mut group) = ProcessGroup::start(&mut command).map_err(ProcessFailure::Start)?;
        let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let transfer = async {
            tokio::join!(
                write_input(pipes.0, input),
                read_output(pipes.1, &mut stdout, on_output),
                read_output(pipes.2, &mut stderr, |_| ())
            )
        };
        let end = async {
            let status = child.wait().await;
            match leftovers {
                LeftoverProcesses::Kill => group.kill(),
                LeftoverProcesses::Keep => group.release(),
            }
            status
        };
        let whole_run = async {
            let (mut transfer, mut end) = (pin!(transfer), pin!(end));
            tokio::select! {
                _ = &mut transfer => end.await,
                status = &mut end => {
                    let _ = timeout(OUTPUT_GRACE, transfer).await; // What it printed itself has been read by then.
                    status
                }
            }
        };
        let ended = timeout(time_limit, Box::pin(whole_run)).await.map_err(|_| ProcessFailure::TimedOut)?;
        Ok(FinishedProcess { status: ended.map_err(ProcessFailure::Lost)?, stdout, stderr })
    }

    /// Does the same as `run` on a thread that may block.
    ///
    /// # Errors
    /// It cannot be started, or did not end in time.
    pub fn run_blocking(self) -> Result<FinishedProcess, ProcessFailure> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.map_err(ProcessFailure::Start)?.block_on(self.run(|_| ()))
    }
}

/// Writes the input of a program. Errors are ignored: a program that does not read it does not need it.
async fn write_input(to: Option<ChildStdin>, input: Option<&str>) {
    if let (Some(mut to), Some(input)) = (to, input) {
        let _ = to.write_all(input.as_bytes()).await;
    }
}

/// Reads to the end, because an unread pipe would block the program.
async fn read_output(
    from: Option<impl AsyncRead + Unpin>,
    output: &mut BoundedOutput,
    mut on_output: impl FnMut(&[u8]),
) {
    let Some(mut from) = from else { return };
    let mut chunk = vec![0; 16 * 1024];
    while let Ok(count @ 1..) = from.read(&mut chunk).await {
        output.push(&chunk[..count]);
        on_output(&chunk[..count]);
    }
}

/// Starts a program that has the terminal, such as an editor. It is killed when the handle is dropped.
///
/// # Errors
/// It cannot be started.
pub fn start_in_terminal(mut command: Command) -> io::Result<Child> {
    command.stdin(Stdio::inherit()).stdout(Stdio::inherit()).stderr(Stdio::inherit());
    secrets::hide_from(command.as_std_mut());
    command.kill_on_drop(true).spawn()
}

/// Starts a program that shows on the terminal what is written to it, such as a pager.
///
/// # Errors
/// It cannot be started.
pub fn start_reader(mut command: std::process::Command) -> io::Result<std::process::Child> {
    command.stdin(Stdio::piped()).stdout(Stdio::inherit()).stderr(Stdio::inherit());
    secrets::hide_from(&mut command);
    command.spawn()
}

/// Starts a program that outlives us and is never killed, such as a browser. Returns how it ended, or `None` if it is
/// still running after `patience`. It blocks, so do not call it on the loop's thread.
///
/// # Errors
/// It cannot be started, or did not read its input.
pub fn start_detached(
    mut command: std::process::Command,
    input: Option<String>,
    patience: Duration,
) -> io::Result<Option<ExitStatus>> {
    command.stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() });
    command.stdout(Stdio::null()).stderr(Stdio::null());
    secrets::hide_from(&mut command);
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0); // A `^C` in the terminal is not for it.
    let mut child = command.spawn()?;
    let (sender, receiver) = mpsc::channel();
    thread::Builder::new().name("detached".into()).spawn(move || {
        let stdin = child.stdin.take();
        let written = stdin.zip(input).map_or(Ok(()), |(mut stdin, input)| stdin.write_all(input.as_bytes()));
        let status = child.wait();
        let _ = sender.send(written.and(status)); // Nobody may be waiting any more.
    })?;
    receiver.recv_timeout(patience).map_or(Ok(None), |ended| ended.map(Some))
}

#[cfg(all(test, unix))]
pub(crate) mod tests;
