//! A text given to a command of the reader's own, in the reader's own shell.

use std::{pin::pin, process::Stdio, sync::Arc, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    process::{Child, Command},
    time::timeout,
};

use crate::app::msg::Piped;

/// How long a command may run.
const PATIENCE: Duration = Duration::from_mins(1);
/// How long its output is read when it has ended.
const LAST_WORDS: Duration = Duration::from_millis(200);
/// More output than this is not kept, of each kind.
const MOST: usize = 1 << 20;

/// Runs a command line with a text as its input. Dropped or out of time, it ends with all that it started; what it left
/// behind by itself, such as the holder of a clipboard, stays.
pub(super) async fn run(shell: &str, command: &str, text: Arc<str>) -> Result<Piped, String> {
    let child = start(shell, command).map_err(|error| format!("{shell} cannot be started: {error}"))?;
    let mut group = Group(child);
    let (stdin, stdout, stderr) = (group.0.stdin.take(), group.0.stdout.take(), group.0.stderr.take());
    let feed = async {
        if let Some(mut stdin) = stdin {
            let _ = stdin.write_all(text.as_bytes()).await; // A command need not read all of it.
        }
    };
    let (mut out, mut err) = (Kept::default(), Kept::default());
    let work = async {
        let mut talk = pin!(async { tokio::join!(feed, out.read(stdout), err.read(stderr)) });
        tokio::select! {
            _ = &mut talk => group.0.wait().await,
            status = group.0.wait() => {
                // What it left behind may hold its output open for ever.
                let _ = timeout(LAST_WORDS, talk).await;
                status
            }
        }
    };
    let Ok(status) = timeout(PATIENCE, work).await else {
        return Err(format!("{command} was ended: it took longer than a minute"));
    };
    let status = status.map_err(|error| format!("{command} was lost: {error}"))?;
    let cut = out.cut || err.cut;
    let output = String::from_utf8_lossy(&[out.bytes, err.bytes].concat()).into_owned();
    let ended = match status.code() {
        Some(0) => "is done".to_owned(),
        Some(code) => format!("failed ({code})"),
        None => "was killed".to_owned(),
    };
    Ok(Piped { output, ended, fine: status.success(), cut })
}

/// The beginning of an output.
#[derive(Default)]
struct Kept {
    bytes: Vec<u8>,
    /// There was more.
    cut: bool,
}

impl Kept {
    /// As much as is kept; the rest is read and forgotten, for the command would wait.
    async fn read(&mut self, from: Option<impl AsyncRead + Unpin>) {
        let Some(mut from) = from else { return };
        let mut piece = vec![0; 8192];
        while let Ok(count @ 1..) = from.read(&mut piece).await {
            let room = MOST - self.bytes.len();
            self.bytes.extend_from_slice(&piece[..count.min(room)]);
            self.cut |= count > room;
        }
    }
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

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    async fn piped(command: &str) -> Piped {
        run("/bin/sh", command, "a text".into()).await.expect("it runs")
    }

    #[tokio::test]
    async fn a_command_has_the_text_and_its_output_and_end_are_told() {
        let done = piped("cat; echo aside >&2; exit 3").await;
        assert_eq!(
            (done.output.as_str(), done.ended.as_str(), done.fine, done.cut),
            ("a textaside\n", "failed (3)", false, false)
        );
    }

    #[tokio::test]
    async fn what_stays_in_the_background_is_not_waited_for() {
        let done = piped("sleep 70 & echo hi").await;
        assert_eq!((done.output.as_str(), done.fine), ("hi\n", true));
    }

    #[tokio::test]
    async fn only_what_is_longer_than_what_is_kept_counts_as_cut() {
        let both = piped("head -c 600000 /dev/zero; head -c 600000 /dev/zero >&2").await;
        assert_eq!((both.output.len(), both.cut), (1_200_000, false));
        let more = piped("head -c 1100000 /dev/zero").await;
        assert_eq!((more.output.len(), more.cut), (MOST, true));
    }
}
