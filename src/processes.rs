//! Programs with all that they start: one process group each, which ends with us whatever ends us.

use std::{
    io,
    process::ExitStatus,
    thread,
    time::{Duration, Instant},
};

use tokio::process::{Child, Command};

/// How a program ended, off the loop; one that does not end in time is killed.
///
/// # Errors
/// It did not end in time, or the system lost it.
pub fn wait_until(child: &mut std::process::Child, deadline: Instant) -> io::Result<ExitStatus> {
    loop {
        let failure = match child.try_wait() {
            Ok(Some(status)) => return Ok(status),
            Ok(None) if Instant::now() < deadline => {
                thread::sleep(Duration::from_millis(5));
                continue;
            }
            Ok(None) => io::ErrorKind::TimedOut.into(),
            Err(error) => error,
        };
        let _ = child.kill(); // It may have ended just now.
        let _ = child.wait(); // So that no zombie stays.
        return Err(failure);
    }
}

/// A program and all that it started; killed when it is dropped.
#[derive(Debug)]
pub struct Group {
    leader: Option<Leader>,
    /// The first of the group: it kills the others when we are gone without a word.
    #[cfg(unix)]
    _guard: Option<Child>,
}

/// The number of a group.
#[derive(Debug, Clone, Copy)]
pub struct Leader {
    #[cfg(unix)]
    number: rustix::process::Pid,
}

impl Group {
    /// Starts a program in a group of its own.
    ///
    /// # Errors
    /// It cannot be started.
    #[cfg(unix)]
    pub fn start(command: &mut Command) -> io::Result<(Child, Self)> {
        let guard = guard();
        // Without a guard a group may outlive a `kill -9` of ours, and nothing else.
        let guarded = guard.as_ref().and_then(Leader::of);
        let child = command.process_group(guarded.map_or(0, Leader::number)).spawn()?;
        let leader = guarded.or_else(|| Leader::of(&child));
        Ok((child, Self { leader, _guard: guard }))
    }

    /// Starts a program; only itself can be ended here.
    ///
    /// # Errors
    /// It cannot be started.
    #[cfg(not(unix))]
    pub fn start(command: &mut Command) -> io::Result<(Child, Self)> {
        Ok((command.spawn()?, Self { leader: None }))
    }

    pub fn leader(&self) -> Option<Leader> {
        self.leader
    }

    pub fn tell_to_end(&self) {
        if let Some(leader) = self.leader {
            leader.tell_to_end();
        }
    }

    /// Once: later its number may be that of others.
    pub fn kill(&mut self) {
        if let Some(leader) = self.leader.take() {
            leader.kill();
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A shell that waits for the end of its input, of which we hold the other end: the system closes that when we are
/// killed and no code of ours can run any more. Then it kills its group, itself among it.
#[cfg(unix)]
fn guard() -> Option<Child> {
    use std::process::Stdio;
    let mut command = Command::new("/bin/sh");
    command.args(["-c", "trap '' TERM HUP INT QUIT; read -r _; kill -s KILL 0"]);
    command.env_clear().current_dir("/").stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    command.process_group(0).kill_on_drop(true).spawn().ok()
}

#[cfg(unix)]
impl Leader {
    fn of(child: &Child) -> Option<Self> {
        let number = rustix::process::Pid::from_raw(i32::try_from(child.id()?).ok()?)?;
        Some(Self { number })
    }

    fn number(self) -> i32 {
        self.number.as_raw_nonzero().get()
    }

    fn tell_to_end(self) {
        self.signal(rustix::process::Signal::TERM);
    }

    pub fn kill(self) {
        self.signal(rustix::process::Signal::KILL);
    }

    fn signal(self, signal: rustix::process::Signal) {
        let _ = rustix::process::kill_process_group(self.number, signal); // Nobody may be left.
    }
}

#[cfg(not(unix))]
impl Leader {
    fn tell_to_end(self) {}

    pub fn kill(self) {}
}
