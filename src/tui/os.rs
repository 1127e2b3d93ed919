//! What each operating system does its own way: keys, signals, suspending, the terminal's file.

#[cfg(not(unix))]
mod other;
#[cfg(unix)]
mod unix;

#[cfg(not(unix))]
pub use other::{Keyboard, Output, Signals, output, suspend, write_to_terminal};
#[cfg(unix)]
pub use unix::{Keyboard, Output, Signals, output, suspend, write_to_terminal};

use std::time::Duration;

/// What the system tells the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// Asked to end from outside (SIGTERM, SIGHUP, SIGINT).
    End,
    /// The window has another size.
    Resized,
    /// Running again after a stop.
    Continued,
}

/// How long the rest of a key may take: over a network it comes in pieces.
pub fn patience(over_ssh: bool) -> Duration {
    Duration::from_millis(if over_ssh { 100 } else { 25 })
}
