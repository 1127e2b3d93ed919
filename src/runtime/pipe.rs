//! A text given to a command of the reader's own, in the reader's own shell.

use std::{process::Stdio, sync::Arc, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    process::{Child, Command},
    time::timeout,
};

use crate::app::msg::Piped;

/// How long a command may run.
const PATIENCE: Duration = Duration::from_mins(1);
/// More output than this is not read.
const MOST: usize = 1 << 20;

/// Runs a command line with a text as its input.
///
/// Nothing of it survives: dropped or out of time, the command ends with all that it started.
pub(super) async fn run(shell: &str, command: &str, text: Arc<str>) -> Result<Piped, String> {
    let child = start(shell, command).map_err(|error| format!("{shell} cannot be started: {error}"))?;
    let mut group = Group(child);
    let (stdin, stdout, stderr) = (group.0.stdin.take(), group.0.stdout.take(), group.0.stderr.take());
    let feed = async {
        if let Some(mut stdin) = stdin {
            let _ = stdin.write_all(text.as_bytes()).await; // A command need not read all of it.
        }
    };
    let work = async {
        let ((), out, err) = tokio::join!(feed, read(stdout), read(stderr));
        (out, err, group.0.wait().await)
    };
    let Ok((out, err, status)) = timeout(PATIENCE, work).await else {
        return Err(format!("{command} was ended: it took longer than a minute"));
    };
    let status = status.map_err(|error| format!("{command} was lost: {error}"))?;
    let cut = out.len() + err.len() >= MOST;
    let output = String::from_utf8_lossy(&[out, err].concat()).into_owned();
    let ended = match status.code() {
        Some(0) => "is done".to_owned(),
        Some(code) => format!("failed ({code})"),
        None => "was killed".to_owned(),
    };
    Ok(Piped { output, ended, fine: status.success(), cut })
}

/// As much as is kept; the rest is read and forgotten, for the command would wait.
async fn read(from: Option<impl AsyncRead + Unpin>) -> Vec<u8> {
    let mut kept = Vec::new();
    if let Some(mut from) = from {
        let mut piece = vec![0; 8192];
        while let Ok(count @ 1..) = from.read(&mut piece).await {
            let room = MOST - kept.len();
            kept.extend_from_slice(&piece[..count.min(room)]);
        }
    }
    kept
}

fn start(shell: &str, command: &str) -> std::io::Result<Child> {
    let mut start = Command::new(shell);
    start.args([if cfg!(windows) { "/C" } else { "-c" }, command]);
    start.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    #[cfg(unix)]
    start.process_group(0);
    start.spawn()
}

/// The command and all that it started.
struct Group(Child);

impl Drop for Group {
    fn drop(&mut self) {
        #[cfg(unix)]
        if let Some(id) = self.0.id().and_then(|id| i32::try_from(id).ok()).and_then(rustix::process::Pid::from_raw) {
            // It may have ended just now.
            let _ = rustix::process::kill_process_group(id, rustix::process::Signal::KILL);
        }
    }
}
