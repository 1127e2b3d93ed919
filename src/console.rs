//! What commands print besides an answer. Everything passes one cleaner, contains no key, and is lost if nobody can read
//! it: a closed pipe or a full disk changes no exit code.

use std::io::{self, IsTerminal, Write};

use crate::{secrets, text};

/// Prints one complaint on one line of standard error.
pub fn complain(message: &str) {
    write_error(&format!("ibid: {}", text::join_lines(message)));
}

/// Prints a report of several lines on standard error.
pub fn report(lines: &str) {
    write_error(&text::clean(lines));
}

/// Whether someone would see how far something is.
pub fn can_show_progress() -> bool {
    io::stderr().is_terminal()
}

/// Shows how far something is on standard error, in place of what was shown before; empty removes it. Only for a
/// terminal.
pub fn show_progress(line: &str) {
    let line = secrets::redact_owned(text::join_lines(line));
    write_to_stderr(&format!("\r\x1b[K{}", text::truncate(&line, 78)));
}

/// Prints one line on standard output.
pub fn print_line(line: &str) {
    let line = secrets::redact_owned(text::join_lines(line) + "\n");
    let mut out = io::stdout().lock();
    let _ = out.write_all(line.as_bytes()).and_then(|()| out.flush()); // There is nowhere to report a failure.
}

fn write_error(text: &str) {
    write_to_stderr(&secrets::redact_owned(format!("{}\n", text.trim_end())));
}

/// The only place that writes to standard error.
fn write_to_stderr(text: &str) {
    let _ = io::stderr().write_all(text.as_bytes()); // There is nowhere to report a failure.
}
