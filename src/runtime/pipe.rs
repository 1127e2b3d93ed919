//! Pipes a text to a command of the user, in the user's shell.

use std::{pin::pin, process::Stdio, sync::Arc, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    process::{Child, Command},
    time::timeout,
};

use crate::ui::msg::PipeResult;

/// How long a command may run.
const TIME_LIMIT: Duration = Duration::from_mins(1);
/// How long its output is still read after it has ended.
const OUTPUT_GRACE: Duration = Duration::from_millis(200);
/// How many bytes are kept of standard output, and of standard error.
const MAX_OUTPUT_BYTES: usize = 1 << 20;

/// Runs a command line with a text as its input. If it is dropped or times out, the command and its child processes are
/// killed. Processes that a finished command leaves running, such as a clipboard owner, are not.
pub(super) async fn run(shell: &str, command: &str, text: Arc<str>) -> Result<PipeResult, String> {
    let child = spawn_shell(shell, command).map_err(|error| format!("{shell} cannot be started: {error}"))?;
    let mut group = ShellGroup(child);
    let (stdin, stdout, stderr) = (group.0.stdin.take(), group.0.stdout.take(), group.0.stderr.take());
    let feed = async {
        if let Some(mut stdin) = stdin {
            let _ = stdin.write_all(text.as_bytes()).await; // A command need not read all of it.
        }
    };
    let (mut out, mut err) = (OutputHead::default(), OutputHead::default());
    let work = async {
        let mut io = pin!(async { tokio::join!(feed, out.read(stdout), err.read(stderr)) });
        tokio::select! {
            _ = &mut io => group.0.wait().await,
            status = group.0.wait() => {
                // A process it left running may hold the output open for ever.
                let _ = timeout(OUTPUT_GRACE, io).await;
                status
            }
        }
    };
    let Ok(status) = timeout(TIME_LIMIT, work).await else {
        return Err(format!("{command} was stopped: it took longer than a minute"));
    };
    let status = status.map_err(|error| format!("{command} was lost: {error}"))?;
    let cut = out.is_truncated || err.is_truncated;
    let output = String::from_utf8_lossy(&[out.bytes, err.bytes].concat()).into_owned();
    let ended = match status.code() {
        Some(0) => "is done".to_owned(),
        Some(code) => format!("failed ({code})"),
        None => "was killed".to_owned(),
    };
    Ok(PipeResult { output, status: ended, is_success: status.success(), is_truncated: cut })
}

/// The beginning of an output; the rest is discarded.
#[derive(Default)]
struct OutputHead {
    bytes: Vec<u8>,
    /// Whether there was more.
    is_truncated: bool,
}

impl OutputHead {
    /// Reads to the end. What is beyond the limit is discarded, because an unread pipe would block the command.
    async fn read(&mut self, from: Option<impl AsyncRead + Unpin>) {
        let Some(mut from) = from else { return };
        let mut chunk = vec![0; 8192];
        while let Ok(count @ 1..) = from.read(&mut chunk).await {
            let room = MAX_OUTPUT_BYTES - self.bytes.len();
            self.bytes.extend_from_slice(&chunk[..count.min(room)]);
            self.is_truncated |= count > room;
        }
    }
}

fn spawn_shell(shell: &str, command: &str) -> std::io::Result<Child> {
    let mut start = Command::new(shell);
    start.args([if cfg!(windows) { "/C" } else { "-c" }, command]);
    start.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    #[cfg(unix)]
    start.process_group(0);
    start.spawn()
}

/// The command and its child processes. Dropping it kills them.
struct ShellGroup(Child);

impl Drop for ShellGroup {
    fn drop(&mut self) {
        #[cfg(unix)]
        if let Some(id) = self.0.id().and_then(|id| i32::try_from(id).ok()).and_then(rustix::process::Pid::from_raw) {
            // Fails if it has just ended.
            let _ = rustix::process::kill_process_group(id, rustix::process::Signal::KILL);
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    async fn piped(command: &str) -> PipeResult {
        run("/bin/sh", command, "a text".into()).await.expect("it runs")
    }

    #[tokio::test]
    async fn a_command_gets_the_text_and_its_output_and_exit_are_reported() {
        let done = piped("cat; echo aside >&2; exit 3").await;
        assert_eq!(
            (done.output.as_str(), done.status.as_str(), done.is_success, done.is_truncated),
            ("a textaside\n", "failed (3)", false, false)
        );
    }

    #[tokio::test]
    async fn background_processes_are_not_waited_for() {
        let done = piped("sleep 70 & echo hi").await;
        assert_eq!((done.output.as_str(), done.is_success), ("hi\n", true));
    }

    #[tokio::test]
    async fn only_output_beyond_the_limit_counts_as_cut() {
        let both = piped("head -c 600000 /dev/zero; head -c 600000 /dev/zero >&2").await;
        assert_eq!((both.output.len(), both.is_truncated), (1_200_000, false));
        let more = piped("head -c 1100000 /dev/zero").await;
        assert_eq!((more.output.len(), more.is_truncated), (MAX_OUTPUT_BYTES, true));
    }
}
