//! Servers that are programs: started with the environment that the config names and no other, ended with all they started.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream},
    process::{Child, ChildStderr, ChildStdin, ChildStdout, Command},
    task::JoinHandle,
    time::timeout,
};

use super::{
    Configured, Options, Voice,
    client::Ear,
    lines::{Lines, Odd},
};
use crate::processes::Group;

/// A program that runs, and whoever listens to it.
#[derive(Debug)]
pub struct Process {
    child: Child,
    group: Group,
    errors: JoinHandle<()>,
    /// Ends with what was wrong, when it stops reading for that.
    reader: JoinHandle<Option<&'static str>>,
}

/// What a message goes through: read from the first, written to the second.
pub type Pipes = (DuplexStream, ChildStdin);

/// Bytes that wait between the program and the protocol.
const BUFFER: usize = 1 << 16;

impl Process {
    /// Starts the program of a server.
    ///
    /// # Errors
    /// It cannot be started, in words that help.
    pub fn start(configured: &Configured, options: &Options, ear: &Ear) -> Result<(Self, Pipes), String> {
        let mut command = command(configured, options.env)?;
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let (mut child, group) =
            Group::start(&mut command).map_err(|error| format!("it cannot be started: {error}"))?;
        let (Some(stdin), Some(stdout), Some(stderr)) = (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err("it has no input and output".into());
        };
        let (ours, theirs) = tokio::io::duplex(BUFFER);
        let reader = tokio::spawn(read(stdout, theirs, ear.clone()));
        let errors = tokio::spawn(listen(stderr, ear.clone()));
        Ok((Self { child, group, errors, reader }, (ours, stdin)))
    }

    /// Waits until it ends by itself, and says how.
    pub async fn ended(&mut self) -> String {
        match self.child.wait().await {
            Ok(status) => match status.code() {
                Some(code) => format!("it ended with exit code {code}"),
                None => format!("it was ended by a {status}"),
            },
            Err(error) => format!("it is lost: {error}"),
        }
    }

    /// Ends it and all that it started, by the steps that the protocol asks for. Its input must be closed by now.
    /// Tells what was wrong with what it said, if that was it.
    pub async fn stop(&mut self, grace: Duration) -> Option<&'static str> {
        if timeout(grace, self.child.wait()).await.is_err() {
            self.group.tell_to_end();
            if timeout(grace, self.child.wait()).await.is_err() {
                self.group.kill();
                let _ = self.child.start_kill(); // Where there are no groups.
                let _ = self.child.wait().await; // It is gone, whatever that says.
            }
        }
        self.group.kill();
        // What it said last is still on its way, unless somebody it started holds the other end.
        let _ = timeout(grace, &mut self.errors).await;
        self.errors.abort();
        let wrong = timeout(grace, &mut self.reader).await.ok().and_then(Result::ok).flatten();
        self.reader.abort();
        wrong
    }
}

fn command(configured: &Configured, env: fn(&str) -> Option<OsString>) -> Result<Command, String> {
    let settings = &configured.settings;
    let name = filled(settings.command.as_deref().unwrap_or_default(), env)?;
    let program = find(&name, env)?;
    let mut command = Command::new(program);
    for argument in &settings.args {
        command.arg(filled(argument, env)?);
    }
    command.env_clear();
    for name in &settings.inherit {
        if let Some(value) = env(name) {
            command.env(name, value);
        }
    }
    for (name, value) in &settings.env {
        command.env(name, filled(value, env)?);
    }
    if let Some(folder) = &settings.cwd {
        if !folder.is_dir() {
            return Err(format!("there is no folder {}", folder.display()));
        }
        command.current_dir(folder);
    }
    Ok(command)
}

/// Looks for a program as a shell would, in our own PATH.
fn find(name: &str, env: fn(&str) -> Option<OsString>) -> Result<PathBuf, String> {
    if name.contains(['/', '\\']) {
        return std::path::absolute(name).map_err(|error| format!("{name}: {error}"));
    }
    let path = env("PATH").unwrap_or_default();
    let files = std::env::split_paths(&path)
        .flat_map(|folder| ["", ".exe", ".cmd"].map(|ending| folder.join(format!("{name}{ending}"))));
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

/// The text with `${NAME}` and `${NAME:-instead}` filled in from our environment.
///
/// # Errors
/// A variable is not set and nothing is given instead.
pub fn filled(text: &str, env: fn(&str) -> Option<OsString>) -> Result<String, String> {
    let mut filled = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        let Some((name, behind)) = after.split_once('}') else { break };
        let (name, instead) = name.split_once(":-").map_or((name, None), |(name, instead)| (name, Some(instead)));
        filled.push_str(before);
        match (env(name).and_then(|value| value.into_string().ok()), instead) {
            (Some(value), _) => filled.push_str(&value),
            (None, Some(instead)) => filled.push_str(instead),
            (None, None) => return Err(format!("the variable {name} is not set")),
        }
        rest = behind;
    }
    Ok(filled + rest)
}

/// Hands on what a program prints, as far as it can be a message.
async fn read(mut stdout: ChildStdout, mut to: DuplexStream, ear: Ear) -> Option<&'static str> {
    let mut lines = Lines::default();
    let mut piece = vec![0; BUFFER];
    let mut out = Vec::new();
    loop {
        let count = match stdout.read(&mut piece).await {
            Ok(0) | Err(_) => return None,
            Ok(count) => count,
        };
        for odd in lines.push(&piece[..count], &mut out) {
            match odd {
                Odd::Rubbish(line) => ear.line(Voice::Stdout, &line),
                Odd::Cut(bytes) => ear.line(Voice::Ibid, &format!("a text was too long: {bytes} bytes were left out")),
                Odd::TooLong => return Some("it sent a message that is too long to be read"),
            }
        }
        if to.write_all(&out).await.is_err() {
            return None;
        }
        out.clear();
        out.shrink_to(BUFFER);
    }
}

/// Takes down what a program says on its standard error, line by line.
async fn listen(mut stderr: ChildStderr, ear: Ear) {
    const LONGEST: usize = 4096;
    let mut piece = vec![0; 4096];
    let mut line: Vec<u8> = Vec::new();
    loop {
        let count = match stderr.read(&mut piece).await {
            Ok(0) | Err(_) => break,
            Ok(count) => count,
        };
        for part in piece[..count].split_inclusive(|byte| *byte == b'\n') {
            let room = LONGEST.saturating_sub(line.len());
            line.extend_from_slice(&part[..part.len().min(room)]);
            if part.ends_with(b"\n") {
                ear.line(Voice::Stderr, &String::from_utf8_lossy(&line));
                line.clear();
            }
        }
    }
    if !line.is_empty() {
        ear.line(Voice::Stderr, &String::from_utf8_lossy(&line));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(name: &str) -> Option<OsString> {
        (name == "TOKEN").then(|| "secret".into())
    }

    #[test]
    fn variables_are_filled_in_and_one_that_is_missing_is_told() {
        assert_eq!(filled("Bearer ${TOKEN}!", env).as_deref(), Ok("Bearer secret!"));
        assert_eq!(filled("${HOST:-localhost}:${TOKEN:-none}", env).as_deref(), Ok("localhost:secret"));
        assert_eq!(filled("$TOKEN ${TOKEN", env).as_deref(), Ok("$TOKEN ${TOKEN"));
        assert_eq!(filled("${NOBODY}", env), Err("the variable NOBODY is not set".into()));
    }

    #[test]
    fn a_program_is_looked_for_in_our_path() {
        fn env(name: &str) -> Option<OsString> {
            (name == "PATH").then(|| "/nowhere:/usr/bin:/bin".into())
        }
        assert!(find("sh", env).expect("every system has it").ends_with("sh"));
        assert_eq!(find("no-such-program", env), Err("there is no program no-such-program in the PATH".into()));
        assert_eq!(find("/a/b", env), Ok("/a/b".into()));
    }
}
