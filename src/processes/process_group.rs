//! Programs in process groups that end when we do, even if we are killed.

use std::io;

use tokio::process::{Child, Command};

#[cfg(unix)]
use rustix::process::{Pid, Signal, kill_process_group};

#[cfg(unix)]
use super::group_mark::GroupMark;

/// A program and every process that it started. They are killed when this is dropped.
///
/// On Linux these are also processes that have left the group, unless they cleared their environment; on Windows they are
/// all. On other systems a process that calls `setsid` lives on.
#[derive(Debug)]
pub struct ProcessGroup {
    /// `None` once it is killed or released, because the id may be reused afterwards.
    #[cfg(unix)]
    id: Option<Pid>,
    /// The first process of the group, which kills the others if we die without cleaning up.
    #[cfg(unix)]
    guard: Option<Child>,
    /// By which the processes are found that have left the group.
    #[cfg(unix)]
    mark: Option<GroupMark>,
    /// The system kills the job's processes when its handle closes, which is also when we are killed.
    #[cfg(windows)]
    job: Option<win32job::Job>,
}

#[cfg(unix)]
impl ProcessGroup {
    /// Starts a program in its own process group. The program itself is also killed when its handle is dropped.
    ///
    /// # Errors
    /// Fails if the program cannot be started.
    pub fn start(command: &mut Command) -> io::Result<(Child, Self)> {
        let mark = GroupMark::put_on(command);
        let guard = spawn_guard(mark.as_ref());
        // Without a guard, the group outlives us only if we are killed with `kill -9`.
        let guard_id = guard.as_ref().and_then(pid_of);
        let leader = guard_id.map_or(0, |id| id.as_raw_nonzero().get());
        let child = command.process_group(leader).kill_on_drop(true).spawn()?;
        let id = guard_id.or_else(|| pid_of(&child));
        Ok((child, Self { id, guard, mark }))
    }

    /// Asks the processes of the group to end.
    pub fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// Kills the group.
    pub fn kill(&mut self) {
        self.signal(Signal::KILL);
        self.id = None;
        if let Some(mark) = self.mark.take() {
            mark.kill_all();
        }
    }

    /// Lets the processes that are left in the group run on, even after our end.
    pub fn release(&mut self) {
        (self.id, self.mark) = (None, None);
        if let Some(mut guard) = self.guard.take() {
            let _ = guard.start_kill(); // First of all: at the end of its input it would kill the group.
        }
    }

    fn signal(&self, signal: Signal) {
        if let Some(id) = self.id {
            let _ = kill_process_group(id, signal); // The group may be empty already.
        }
    }
}

#[cfg(windows)]
impl ProcessGroup {
    /// Starts a program in its own job. The program itself is also killed when its handle is dropped.
    ///
    /// # Errors
    /// Fails if the program cannot be started.
    pub fn start(command: &mut Command) -> io::Result<(Child, Self)> {
        let child = command.kill_on_drop(true).spawn()?;
        // Without a job, only the program itself ends with us.
        let job = job_of(&child);
        Ok((child, Self { job }))
    }

    /// Does nothing: a job is closed, not signalled.
    pub fn terminate(&self) {}

    /// Kills the group.
    pub fn kill(&mut self) {
        self.job = None;
    }

    /// Lets the processes that are left in the group run on, even after our end.
    pub fn release(&mut self) {
        if let Some(job) = &self.job {
            let _ = job.set_extended_limit_info(&win32job::ExtendedLimitInfo::new()); // If this fails, they end with us.
        }
    }
}

impl Drop for ProcessGroup {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Starts a shell that waits for the end of its input and then kills the marked processes and its group, itself included.
///
/// We hold the other end of its input, which the system closes even if we are killed.
#[cfg(unix)]
fn spawn_guard(mark: Option<&GroupMark>) -> Option<Child> {
    use std::process::Stdio;
    let search = mark.map_or_else(String::new, |mark| {
        let entry = mark.entry();
        format!("for f in $(grep -las {entry} /proc/[0-9]*/environ); do f=${{f%/environ}}; kill -s KILL ${{f#/proc/}}; done; ")
    });
    let mut command = Command::new("/bin/sh");
    command.arg("-c").arg(format!("trap '' TERM HUP INT QUIT; read -r _; {search}kill -s KILL 0"));
    command.env_clear().current_dir("/").stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    command.process_group(0).kill_on_drop(true).spawn().ok()
}

#[cfg(unix)]
fn pid_of(child: &Child) -> Option<Pid> {
    Pid::from_raw(i32::try_from(child.id()?).ok()?)
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
