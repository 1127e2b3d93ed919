//! Pipes a text to a command of the user, in the user's shell.

use std::time::Duration;

use tokio::process::Command;

use crate::{
    processes::{BoundedOutput, LeftoverProcesses, ProcessFailure, ProcessRun},
    text,
    ui::msg::PipeResult,
};

/// How long a command may run.
const TIME_LIMIT: Duration = Duration::from_mins(1);
/// The most bytes of standard output, and of standard error.
const MAX_OUTPUT_BYTES: usize = 1 << 20;

/// Runs a command line with a text as its input. If it is dropped or times out, the command and its child processes are
/// killed. Processes that a finished command leaves running, such as a clipboard owner, are not.
pub(super) async fn run(shell: &str, command_line: &str, text: &str) -> Result<PipeResult, String> {
    let mut command = Command::new(shell);
    command.args([if cfg!(windows) { "/C" } else { "-c" }, command_line]);
    let run = ProcessRun {
        command,
        input: Some(text),
        stdout: BoundedOutput::new(MAX_OUTPUT_BYTES, 0),
        stderr: BoundedOutput::new(MAX_OUTPUT_BYTES, 0),
        time_limit: TIME_LIMIT,
        leftovers: LeftoverProcesses::Keep,
    };
    let finished = run.run(|_| ()).await.map_err(|failure| match failure {
        ProcessFailure::Start(error) => format!("{shell} cannot be started: {}", text::error_words(&error)),
        ProcessFailure::TimedOut => format!("{command_line} was stopped: it took longer than a minute"),
        ProcessFailure::Lost(error) => format!("{command_line} was lost: {}", text::error_words(&error)),
    })?;
    let status = match finished.status.code() {
        Some(0) => "is done".to_owned(),
        Some(code) => format!("failed ({code})"),
        None => "was killed".to_owned(),
    };
    let (stdout, stderr) = (finished.stdout, finished.stderr);
    let is_truncated = stdout.bytes_left_out() + stderr.bytes_left_out() > 0;
    let output = String::from_utf8_lossy(&[stdout.into_bytes(), stderr.into_bytes()].concat()).into_owned();
    Ok(PipeResult { output, status, is_success: finished.status.success(), is_truncated })
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    async fn piped(command: &str) -> PipeResult {
        run("/bin/sh", command, "a text").await.expect("it runs")
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
