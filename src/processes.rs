//! Child programs in process groups, which end when we do, even if we are killed.

use std::{
    io,
    process::ExitStatus,
    thread,
    time::{Duration, Instant},
};

use tokio::process::{Child, Command};

/// Waits for a program to end, and kills it at the deadline. It blocks, so do not call it on the loop's thread.
///
/// # Errors
/// Fails if the program did not end in time or the system cannot wait for it.
pub fn wait_with_deadline(child: &mut std::process::Child, deadline: Instant) -> io::Result<ExitStatus> {
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
        let _ = child.wait(); // Reaps the zombie.
        return Err(failure);
    }
}

/// A program and every process that it started. They are killed when this is dropped.
#[derive(Debug)]
pub struct ProcessGroup {
    id: Option<ProcessGroupId>,
    /// The first process of the group, which kills the others if we die without cleaning up.
    #[cfg(unix)]
    _guard: Option<Child>,
    /// The system kills the job's processes when its handle closes, which is also when we are killed.
    #[cfg(windows)]
    job: Option<win32job::Job>,
}

/// The id of a process group.
#[derive(Debug, Clone, Copy)]
pub struct ProcessGroupId {
    #[cfg(unix)]
    pid: rustix::process::Pid,
}

impl ProcessGroup {
    /// Starts a program in its own process group.
    ///
    /// # Errors
    /// Fails if the program cannot be started.
    #[cfg(unix)]
    pub fn start(command: &mut Command) -> io::Result<(Child, Self)> {
        let guard = spawn_guard();
        // Without a guard, the group outlives us only if we are killed with `kill -9`.
        let guard_id = guard.as_ref().and_then(ProcessGroupId::of_child);
        let child = command.process_group(guard_id.map_or(0, ProcessGroupId::as_raw)).spawn()?;
        let leader = guard_id.or_else(|| ProcessGroupId::of_child(&child));
        Ok((child, Self { id: leader, _guard: guard }))
    }

    /// Starts a program in its own job.
    ///
    /// # Errors
    /// Fails if the program cannot be started.
    #[cfg(windows)]
    pub fn start(command: &mut Command) -> io::Result<(Child, Self)> {
        let child = command.spawn()?;
        // Without a job, only the program itself ends with us.
        let job = job_of(&child);
        Ok((child, Self { id: None, job }))
    }

    pub fn id(&self) -> Option<ProcessGroupId> {
        self.id
    }

    pub fn terminate(&self) {
        if let Some(leader) = self.id {
            leader.terminate();
        }
    }

    /// Kills the group, at most once: its id may be reused afterwards.
    pub fn kill(&mut self) {
        if let Some(leader) = self.id.take() {
            leader.kill();
        }
        #[cfg(windows)]
        drop(self.job.take());
    }
}

impl Drop for ProcessGroup {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Starts a shell that waits for the end of its input and then kills its group, itself included.
///
/// We hold the other end of its input, which the system closes even if we are killed.
#[cfg(unix)]
fn spawn_guard() -> Option<Child> {
    use std::process::Stdio;
    let mut command = Command::new("/bin/sh");
    command.args(["-c", "trap '' TERM HUP INT QUIT; read -r _; kill -s KILL 0"]);
    command.env_clear().current_dir("/").stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    command.process_group(0).kill_on_drop(true).spawn().ok()
}

#[cfg(unix)]
impl ProcessGroupId {
    fn of_child(child: &Child) -> Option<Self> {
        let number = rustix::process::Pid::from_raw(i32::try_from(child.id()?).ok()?)?;
        Some(Self { pid: number })
    }

    fn as_raw(self) -> i32 {
        self.pid.as_raw_nonzero().get()
    }

    fn terminate(self) {
        self.signal(rustix::process::Signal::TERM);
    }

    pub fn kill(self) {
        self.signal(rustix::process::Signal::KILL);
    }

    fn signal(self, signal: rustix::process::Signal) {
        let _ = rustix::process::kill_process_group(self.pid, signal); // The group may be empty already.
    }
}

/// Puts a program into a new job. What it starts from then on belongs to the job as well.
#[cfg(windows)]
fn job_of(child: &Child) -> Option<win32job::Job> {
    let mut limits = win32job::ExtendedLimitInfo::new();
    limits.limit_kill_on_job_close();
    let job = win32job::Job::create_with_limit_info(&limits).ok()?;
    job.assign_process(child.raw_handle()?.expose_provenance().cast_signed()).ok()?;
    Some(job)
}

/// Windows has no process groups: a job is closed, not signalled.
#[cfg(windows)]
impl ProcessGroupId {
    fn terminate(self) {}

    pub fn kill(self) {}
}
