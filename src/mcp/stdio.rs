//! Servers that are local programs. They get only the environment that the config names, and end with all their child
//! processes.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use serde_json::Value;
use tokio::{
    process::{Child, ChildStderr, ChildStdout, Command},
    sync::{mpsc, watch},
    task::JoinHandle,
    time::timeout,
};

use super::{
    ConfiguredServer, LogSource, McpOptions,
    client::{ServerLog, bounded_line},
    discovery::{join_folder, place_program},
    output_lines::{LineReader, OutputLine},
    pipes::PipeTransport,
    variables::{expand_variables, note_secret},
};
use crate::{processes::ProcessGroup, secrets, text};

/// A running program, and the tasks that read its output.
#[derive(Debug)]
pub(super) struct ServerProcess {
    child: Child,
    group: ProcessGroup,
    stderr_task: JoinHandle<()>,
    last_words: watch::Receiver<LastWords>,
    /// Returns an error message if it stopped reading because of one.
    stdout_task: JoinHandle<Option<&'static str>>,
}

/// What is left of a program: what it printed last, and why it could not be read any further.
#[derive(Debug, Default)]
pub(super) struct ProcessEnd {
    pub last_words: Option<String>,
    pub read_error: Option<&'static str>,
}

/// The end of a program's standard error.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct LastWords {
    /// The newest line that names an error.
    error: String,
    line: String,
}

/// How many messages of a program may wait. Each may be large.
const MAX_WAITING_MESSAGES: usize = 4;

impl ServerProcess {
    /// Starts the program of a server.
    ///
    /// # Errors
    /// Returns why it cannot be started.
    pub(super) fn start(
        configured: &ConfiguredServer,
        options: &McpOptions,
        log: &ServerLog,
    ) -> Result<(Self, PipeTransport), String> {
        let mut command = build_command(configured, options.env)?;
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let (mut child, group) = ProcessGroup::start(&mut command)
            .map_err(|error| format!("it cannot be started: {}", text::error_words(&error)))?;
        let (Some(stdin), Some(stdout), Some(stderr)) = (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err("it has no input and output".into());
        };
        let (found, received) = mpsc::channel(MAX_WAITING_MESSAGES);
        let (words, last_words) = watch::channel(LastWords::default());
        let reader = tokio::spawn(forward_stdout(stdout, found, log.clone()));
        let errors = tokio::spawn(log_stderr(stderr, words, log.clone()));
        let pipes = PipeTransport::new(received, stdin, log.clone());
        Ok((Self { child, group, stderr_task: errors, last_words, stdout_task: reader }, pipes))
    }

    /// Waits until the program exits, and returns how it ended.
    pub(super) async fn wait_for_exit(&mut self) -> String {
        match self.child.wait().await {
            Ok(status) => match status.code() {
                Some(code) => format!("it ended with exit code {code}"),
                None => format!("it was killed by a {status}"),
            },
            Err(error) => format!("its exit status is unknown: {}", text::error_words(&error)),
        }
    }

    /// Ends the program and its child processes, following the steps of the protocol. Its input must already be closed.
    pub(super) async fn stop(&mut self, grace: Duration) -> ProcessEnd {
        if timeout(grace, self.child.wait()).await.is_err() {
            self.group.terminate();
            if timeout(grace, self.child.wait()).await.is_err() {
                self.group.kill();
                let _ = self.child.start_kill(); // On systems without process groups.
                let _ = self.child.wait().await; // It is gone, whatever the result.
            }
        }
        self.group.kill();
        // Its last output may still be on its way. A child process may hold the pipe open, so do not wait for ever.
        let _ = timeout(grace, &mut self.stderr_task).await;
        self.stderr_task.abort();
        let read_error = timeout(grace, &mut self.stdout_task).await.ok().and_then(Result::ok).flatten();
        self.stdout_task.abort();
        ProcessEnd { last_words: self.last_words.borrow().text(), read_error }
    }
}

impl LastWords {
    fn note(&mut self, line: &str) {
        let line = bounded_line(line);
        if line.trim().is_empty() {
            return;
        }
        if line.to_ascii_lowercase().contains("error") {
            self.error.clone_from(&line);
        }
        self.line = line;
    }

    /// The last line, behind the error that it may be a part of, as the last line of a stack trace is.
    fn text(&self) -> Option<String> {
        let (error, line) = (self.error.trim(), self.line.trim());
        let both = || if error.is_empty() || error == line { line.to_owned() } else { format!("{error} … {line}") };
        (!line.is_empty()).then(both)
    }
}

/// Checks the settings without starting anything.
///
/// # Errors
/// Returns why the program cannot be started.
pub(super) fn check(configured: &ConfiguredServer, options: &McpOptions) -> Result<(), String> {
    build_command(configured, options.env).map(|_| ())
}

/// The variables without which most programs for Windows do not start.
const WINDOWS_VARIABLES: [&str; 5] = ["SystemRoot", "SystemDrive", "PATHEXT", "TEMP", "TMP"];

fn build_command(configured: &ConfiguredServer, env: fn(&str) -> Option<OsString>) -> Result<Command, String> {
    configured.check_keys(env)?;
    let settings = &configured.settings;
    let name = expand_variables(settings.command.as_deref().unwrap_or_default(), env)?;
    let program = find_program(&place_program(configured.folder(), &name), env)?;
    let mut command = Command::new(program);
    for argument in &settings.args {
        command.arg(expand_variables(argument, env)?);
    }
    command.env_clear();
    let required = if cfg!(windows) { &WINDOWS_VARIABLES[..] } else { &[] };
    for name in required.iter().copied().chain(settings.inherit.iter().map(String::as_str)) {
        if let Some(value) = env(name) {
            note_secret(name, &value.to_string_lossy());
            command.env(name, value);
        }
    }
    for (name, value) in &settings.env {
        let value = expand_variables(value, env)?;
        note_secret(name, &value);
        command.env(name, value);
    }
    if let Some(folder) = &settings.cwd {
        let folder = join_folder(configured.folder(), &expand_variables(&folder.to_string_lossy(), env)?);
        if !folder.is_dir() {
            return Err(format!("there is no folder {}", folder.display()));
        }
        command.current_dir(folder);
    }
    Ok(command)
}

/// Looks up a program in our own PATH, as a shell does.
fn find_program(name: &str, env: fn(&str) -> Option<OsString>) -> Result<PathBuf, String> {
    if name.contains(['/', '\\']) {
        return std::path::absolute(name).map_err(|error| format!("{name}: {}", text::error_words(&error)));
    }
    let path = env("PATH").unwrap_or_default();
    // On Windows, `npx` without an extension is a script for another shell.
    let endings = if cfg!(windows) { [".exe", ".cmd", ""] } else { ["", ".exe", ".cmd"] };
    let files =
        std::env::split_paths(&path).flat_map(|folder| endings.map(|ending| folder.join(format!("{name}{ending}"))));
    files.into_iter().find(|file| is_program(file)).ok_or_else(|| format!("there is no program {name} in the PATH"))
}

#[cfg(unix)]
fn is_program(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    file.metadata().is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_program(file: &Path) -> bool {
    file.is_file()
}

/// Forwards the messages in the program's output to the protocol, and logs its other lines. Returns an error message if
/// it cannot be read any further.
async fn forward_stdout(stdout: ChildStdout, to: mpsc::Sender<Value>, log: ServerLog) -> Option<&'static str> {
    let mut lines = LineReader::for_messages(stdout);
    while let Some(line) = lines.next_line().await {
        let messages = match OutputLine::new(line) {
            OutputLine::Messages(messages, banner) => {
                if !banner.is_empty() {
                    log.push_line(LogSource::Stdout, &banner);
                }
                messages
            }
            OutputLine::Blank => continue,
            OutputLine::Noise(line) => {
                log.push_line(LogSource::Stdout, &line);
                continue;
            }
            OutputLine::TooLong(answer) => {
                log.push_line(LogSource::Ibid, "a message larger than 16 MB was left out");
                answer.into_iter().collect()
            }
            OutputLine::Endless => return Some("it sent a message that is too long to read"),
        };
        for message in messages {
            if to.send(message).await.is_err() {
                return None; // The connection was closed.
            }
        }
    }
    None
}

/// Logs the program's standard error line by line.
async fn log_stderr(stderr: ChildStderr, words: watch::Sender<LastWords>, log: ServerLog) {
    let mut lines = LineReader::for_log(stderr);
    while let Some(line) = lines.next_line().await {
        let is_cut = line.bytes_left_out() > 0;
        let line = String::from_utf8_lossy(&line.into_bytes()).into_owned();
        let line = if is_cut { secrets::redact_cut_end(&line).into_owned() } else { line };
        words.send_modify(|words| words.note(&line));
        log.push_line(LogSource::Stderr, &line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_words_are_the_last_line_with_its_error() {
        let text = |lines: &[&str]| {
            let mut words = LastWords::default();
            for line in lines {
                words.note(line);
            }
            words.text()
        };
        assert_eq!(text(&[]), None);
        assert_eq!(text(&["a", "b", "  "]).as_deref(), Some("b"));
        assert_eq!(text(&["Traceback", "  at x", "KeyError: y"]).as_deref(), Some("KeyError: y"));
        assert_eq!(
            text(&["Error: no module", "    at run (a.js:1)\n"]).as_deref(),
            Some("Error: no module … at run (a.js:1)")
        );
    }

    #[test]
    fn programs_are_found_in_our_path() {
        fn env(name: &str) -> Option<OsString> {
            (name == "PATH").then(|| "/nowhere:/usr/bin:/bin".into())
        }
        assert!(find_program("sh", env).expect("every system has it").ends_with("sh"));
        assert_eq!(find_program("no-such-program", env), Err("there is no program no-such-program in the PATH".into()));
        assert_eq!(find_program("/a/b", env), Ok("/a/b".into()));
    }
}
