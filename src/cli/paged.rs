//! Listings: through the user's pager on a terminal, whole in a pipe.

use std::{
    io::{self, IsTerminal, Write},
    process::{Child, ChildStdin, Command},
};

use super::{CliError, ProgramExit, env_text};
use crate::{processes, secrets, text};

/// Where a listing is printed, line by line: each is cleaned, and contains no key.
pub(super) struct PagedOutput {
    out: ListingOutput,
    /// Whether the reader has seen enough, or left.
    is_closed: bool,
}

enum ListingOutput {
    Pager(Child, io::BufWriter<ChildStdin>),
    Plain(io::BufWriter<io::Stdout>),
}

impl PagedOutput {
    /// Starts the pager of `$PAGER`, or `less`, if standard output is a terminal.
    pub(super) fn open() -> Self {
        let pager = if io::stdout().is_terminal() { start_pager() } else { None };
        let out = match pager {
            Some((child, input)) => ListingOutput::Pager(child, io::BufWriter::new(input)),
            None => ListingOutput::Plain(io::BufWriter::new(io::stdout())),
        };
        Self { out, is_closed: false }
    }

    /// Prints one line. Once the reader has left, nothing more is printed.
    ///
    /// # Errors
    /// It cannot be written, for another reason than that the reader left.
    pub(super) fn line(&mut self, line: &str) -> Result<(), CliError> {
        self.write(&(text::join_lines(line) + "\n"))
    }

    /// Prints a JSON value on lines of its own, with escapes for all that could control a terminal.
    ///
    /// # Errors
    /// As for `line`.
    pub(super) fn json(&mut self, value: &serde_json::Value) -> Result<(), CliError> {
        let json = serde_json::to_string_pretty(value).unwrap_or_default();
        self.write(&(escape_controls(&json) + "\n"))
    }

    /// Whether the reader has left, so that nothing more need be read for it.
    pub(super) const fn is_closed(&self) -> bool {
        self.is_closed
    }

    /// Writes out what is left, and waits until the reader is done.
    ///
    /// # Errors
    /// As for `line`.
    pub(super) fn finish(mut self) -> Result<ProgramExit, CliError> {
        let flushed = self.out.writer().flush();
        self.note(flushed)?;
        if let ListingOutput::Pager(mut child, input) = self.out {
            drop(input); // The pager learns that this is all.
            child.wait()?;
        }
        Ok(ProgramExit::Done)
    }

    fn write(&mut self, text: &str) -> Result<(), CliError> {
        if self.is_closed {
            return Ok(());
        }
        let text = secrets::redact_owned(text.to_owned());
        let written = self.out.writer().write_all(text.as_bytes());
        self.note(written)
    }

    fn note(&mut self, result: io::Result<()>) -> Result<(), CliError> {
        match result {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => self.is_closed = true,
            Err(error) => {
                let message = format!("the listing cannot be printed: {}", text::error_words(&error));
                return Err(CliError::failure(message));
            }
            Ok(()) => (),
        }
        Ok(())
    }
}

impl ListingOutput {
    fn writer(&mut self) -> &mut dyn Write {
        match self {
            Self::Pager(_, input) => input,
            Self::Plain(out) => out,
        }
    }
}

/// Starts the pager, if there is one that can be started.
fn start_pager() -> Option<(Child, ChildStdin)> {
    let program = std::env::var("PAGER").unwrap_or_else(|_| "less".into());
    if program.trim().is_empty() || program.trim() == "cat" {
        return None;
    }
    let mut command = pager_command(&program);
    if env_text("LESS").is_none() {
        command.env("LESS", "FRX"); // It ends at once if all fits on the screen, and leaves the text there.
    }
    ignore_interrupts();
    let mut child = processes::start_reader(command).ok()?;
    let input = child.stdin.take()?;
    Some((child, input))
}

/// Leaves `^C` to the pager: without us it would fight with the shell for the terminal.
#[cfg(unix)]
fn ignore_interrupts() {
    use tokio::signal::unix::{SignalKind, signal};
    // The signal stays caught when nobody waits for it any more. Without a runtime it ends us, as before.
    let _ = super::tokio_runtime().map(|runtime| runtime.block_on(async { signal(SignalKind::interrupt()).is_ok() }));
}

#[cfg(not(unix))]
const fn ignore_interrupts() {}

/// Builds the command with a shell, because the variable may contain arguments. Without such a program it shows the text.
#[cfg(unix)]
fn pager_command(program: &str) -> Command {
    let mut command = Command::new("sh");
    command.arg("-c").arg(format!("{program}; [ $? = 127 ] && exec cat"));
    command
}

#[cfg(not(unix))]
fn pager_command(program: &str) -> Command {
    let mut words = program.split_whitespace();
    let mut command = Command::new(words.next().unwrap_or(program));
    command.args(words);
    command
}

/// Escapes the characters of a JSON text that JSON allows as they are, but that control a terminal or the direction of text.
fn escape_controls(json: &str) -> String {
    let mut escaped = String::with_capacity(json.len());
    for sign in json.chars() {
        let is_unsafe = sign != '\n' && text::clean(sign.encode_utf8(&mut [0; 4])) != sign.to_string();
        if is_unsafe {
            let mut units = [0; 2];
            escaped.extend(sign.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")));
        } else {
            escaped.push(sign);
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_escapes_what_controls_a_terminal_and_stays_the_same_value() {
        let value = serde_json::json!({"title": "a\u{9b}31m\u{202e}b\u{7f}\u{1b}[2J é漢👍\n"});
        let escaped = escape_controls(&serde_json::to_string_pretty(&value).expect("it is written"));
        assert!(escaped.chars().all(|sign| sign == '\n' || !sign.is_control() && sign != '\u{202e}'), "{escaped}");
        assert!(escaped.contains("é漢👍"), "{escaped}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&escaped).expect("it is JSON"), value);
    }
}
