//! Servers that are local programs. They get only the environment that the config names, and end with all their child
//! processes.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use tokio::{
    io::{AsyncWriteExt, DuplexStream},
    process::{Child, ChildStderr, ChildStdin, ChildStdout, Command},
    task::JoinHandle,
    time::timeout,
};

use super::{
    ConfiguredServer, LogSource, McpOptions,
    client::ServerLog,
    discovery::{join_folder, place_program},
    output_lines::{LineReader, OutputLine},
    variables::{expand_variables, note_secret},
};
use crate::{processes::ProcessGroup, secrets};

/// A running program, and the tasks that read its output.
#[derive(Debug)]
pub(super) struct ServerProcess {
    child: Child,
    group: ProcessGroup,
    stderr_task: JoinHandle<()>,
    /// Returns an error message if it stopped reading because of one.
    stdout_task: JoinHandle<Option<&'static str>>,
}

/// The pipes of the protocol: messages are read from the first and written to the second.
pub(super) type ServerPipes = (DuplexStream, ChildStdin);

/// The size in bytes of the buffer between the program and the protocol.
const BUFFER_BYTES: usize = 1 << 16;

impl ServerProcess {
    /// Starts the program of a server.
    ///
    /// # Errors
    /// Returns why it cannot be started.
    pub(super) fn start(
        configured: &ConfiguredServer,
        options: &McpOptions,
        log: &ServerLog,
    ) -> Result<(Self, ServerPipes), String> {
        let mut command = build_command(configured, options.env)?;
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let (mut child, group) =
            ProcessGroup::start(&mut command).map_err(|error| format!("it cannot be started: {error}"))?;
        let (Some(stdin), Some(stdout), Some(stderr)) = (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err("it has no input and output".into());
        };
        let (protocol_end, reader_end) = tokio::io::duplex(BUFFER_BYTES);
        let reader = tokio::spawn(forward_stdout(stdout, reader_end, log.clone()));
        let errors = tokio::spawn(log_stderr(stderr, log.clone()));
        Ok((Self { child, group, stderr_task: errors, stdout_task: reader }, (protocol_end, stdin)))
    }

    /// Waits until the program exits, and returns how it ended.
    pub(super) async fn wait_for_exit(&mut self) -> String {
        match self.child.wait().await {
            Ok(status) => match status.code() {
                Some(code) => format!("it ended with exit code {code}"),
                None => format!("it was killed by a {status}"),
            },
            Err(error) => format!("its exit status is unknown: {error}"),
        }
    }

    /// Ends the program and its child processes, following the steps of the protocol. Its input must already be closed.
    /// Returns an error message if its output could not be read.
    pub(super) async fn stop(&mut self, grace: Duration) -> Option<&'static str> {
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
        read_error
    }
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
        return std::path::absolute(name).map_err(|error| format!("{name}: {error}"));
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
async fn forward_stdout(stdout: ChildStdout, mut to: DuplexStream, log: ServerLog) -> Option<&'static str> {
    let mut lines = LineReader::for_messages(stdout);
    while let Some(line) = lines.next_line().await {
        let message = match OutputLine::new(line) {
            OutputLine::Message(message) => message,
            OutputLine::Blank => continue,
            OutputLine::Noise(line) => {
                log.push_line(LogSource::Stdout, &line);
                continue;
            }
            OutputLine::TooLong(answer) => {
                log.push_line(LogSource::Ibid, "a message larger than 16 MB was left out");
                answer.unwrap_or_default()
            }
            OutputLine::Endless => return Some("it sent a message that is too long to read"),
        };
        if to.write_all(&message).await.is_err() {
            return None;
        }
    }
    None
}

/// Logs the program's standard error line by line.
async fn log_stderr(stderr: ChildStderr, log: ServerLog) {
    let mut lines = LineReader::for_log(stderr);
    while let Some(line) = lines.next_line().await {
        let is_cut = line.bytes_left_out() > 0;
        let line = String::from_utf8_lossy(&line.into_bytes()).into_owned();
        let line = if is_cut { secrets::redact_cut_end(&line).into_owned() } else { line };
        log.push_line(LogSource::Stderr, &line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
