//! What commands print besides an answer. Everything passes one cleaner, contains no key, and is lost if nobody can read
//! it: a closed pipe or a full disk changes no exit code.

use std::io::{self, Write};

use crate::{secrets, text};

/// Prints one complaint on one line of standard error.
pub fn complain(message: &str) {
    write_error(&format!("ibid: {}", text::join_lines(message)));
}

/// Prints a report of several lines on standard error.
pub fn report(lines: &str) {
    write_error(&text::clean(lines));
}

/// Shows how far something is on standard error, in place of what was shown before; empty removes it. Only for a
/// terminal.
pub fn show_progress(line: &str) {
    let line = text::truncate(&text::join_lines(line), 78).into_owned();
    let _ = io::stderr().write_all(format!("\r\x1b[K{line}").as_bytes()); // There is nowhere to report a failure.
}

/// Prints one line on standard output.
pub fn print_line(line: &str) {
    let line = secrets::redact_owned(text::join_lines(line) + "\n");
    let mut out = io::stdout().lock();
    let _ = out.write_all(line.as_bytes()).and_then(|()| out.flush()); // There is nowhere to report a failure.
}

/// The only place that writes to standard error.
fn write_error(text: &str) {
    let text = secrets::redact_owned(format!("{}\n", text.trim_end()));
    let _ = io::stderr().write_all(text.as_bytes()); // There is nowhere to report a failure.
}
