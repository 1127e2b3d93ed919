//! A mark in the environment of a program, by which its descendants are found that have left its group, as with `setsid`.
//!
//! Only on Linux, and only descendants that pass their environment on. A subreaper would not tell whose descendant a
//! process is once its parent has ended, and would not outlive us.

use tokio::process::Command;

/// The variable that holds the mark.
const VARIABLE: &str = "IBID_GROUP";

/// How often the processes are searched at most: each may start another while it is being killed.
const MAX_SEARCHES: usize = 8;

/// The mark of one group, different from all others.
#[derive(Debug)]
pub(super) struct GroupMark(String);

impl GroupMark {
    /// Puts a new mark on a program that has not started yet. `None` where marks are of no use.
    pub(super) fn put_on(command: &mut Command) -> Option<Self> {
        if !cfg!(target_os = "linux") {
            return None;
        }
        let mark = format!("{:016x}", getrandom::u64().ok()?);
        command.env(VARIABLE, &mark);
        Some(Self(mark))
    }

    /// The mark as it stands in the environment of a process.
    pub(super) fn entry(&self) -> String {
        format!("{VARIABLE}={}", self.0)
    }

    /// Kills all processes with this mark.
    pub(super) fn kill_all(&self) {
        for _ in 0..MAX_SEARCHES {
            if !kill_marked(&self.entry()) {
                return;
            }
        }
    }
}

/// Kills the processes with this entry in their environment. Returns whether there were any.
#[cfg(target_os = "linux")]
fn kill_marked(entry: &str) -> bool {
    use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
    let Ok(processes) = std::fs::read_dir("/proc") else { return false };
    let mut has_killed = false;
    for process in processes.flatten() {
        let Some(pid) = process.file_name().to_str().and_then(|name| name.parse().ok()).and_then(Pid::from_raw) else {
            continue;
        };
        // That of another user cannot be read. A zombie has none.
        let Ok(environment) = std::fs::read(process.path().join("environ")) else { continue };
        if !has_entry(&environment, entry) {
            continue;
        }
        // The id may be another's by now: what is opened is checked again, and cannot change any more.
        let Ok(handle) = pidfd_open(pid, PidfdFlags::empty()) else { continue };
        let is_same = std::fs::read(process.path().join("environ")).is_ok_and(|again| has_entry(&again, entry));
        has_killed |= is_same && pidfd_send_signal(&handle, Signal::KILL).is_ok();
    }
    has_killed
}

#[cfg(target_os = "linux")]
fn has_entry(environment: &[u8], entry: &str) -> bool {
    environment.split(|byte| *byte == 0).any(|one| one == entry.as_bytes())
}

#[cfg(not(target_os = "linux"))]
fn kill_marked(_: &str) -> bool {
    false
}
