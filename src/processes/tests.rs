//! Programs that are started for real.

use std::{env, fs, path::Path, time::Instant};

use rustix::process::{Pid, Signal, getpgid, kill_process, test_kill_process};

use super::*;
use crate::secrets;

/// Where `this_process_runs_a_program` runs its program.
const FOLDER_VARIABLE: &str = "IBID_TEST_FOLDER";

const LIMIT: Duration = Duration::from_mins(1);

fn shell_run(script: &str, leftovers: LeftoverProcesses) -> ProcessRun<'static> {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", script]);
    let (stdout, stderr) = (BoundedOutput::with_both_ends(1000), BoundedOutput::with_both_ends(1000));
    ProcessRun { command, input: None, stdout, stderr, time_limit: LIMIT, leftovers }
}

/// Whether a process is running. A zombie is not.
fn is_running(pid: Pid) -> bool {
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero()));
    test_kill_process(pid).is_ok() && !stat.is_ok_and(|stat| stat.contains(") Z "))
}

fn wait_until(is_met: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_met() {
        assert!(begun.elapsed() < LIMIT, "it takes too long");
        thread::yield_now();
    }
}

pub(crate) fn wait_until_gone(pid: &str) {
    let pid = parse_pid(pid);
    wait_until(|| !is_running(pid));
}

fn parse_pid(pid: &str) -> Pid {
    Pid::from_raw(pid.trim().parse().expect("a number")).expect("a process id")
}

/// Waits for a file to be written in full, and returns its text.
fn awaited_file(path: &Path) -> String {
    wait_until(|| path.exists());
    fs::read_to_string(path).expect("the file can be read")
}

#[test]
fn what_a_program_leaves_running_is_killed_or_kept_as_asked() {
    for leftovers in [LeftoverProcesses::Kill, LeftoverProcesses::Keep] {
        // The process that is left holds the output open, so reading must not wait for its end.
        let finished = shell_run("sleep 1000 & echo $!", leftovers).run_blocking().expect("it runs");
        let left = finished.stdout.into_text();
        if leftovers == LeftoverProcesses::Kill {
            wait_until_gone(&left);
        } else {
            assert!(is_running(parse_pid(&left)));
            kill_process(parse_pid(&left), Signal::KILL).expect("it is our own");
        }
    }
}

/// A script that leaves a process in a session of its own behind, without a parent, and writes its id to `far`.
#[cfg(target_os = "linux")]
const LEAVES_THE_GROUP: &str = "setsid sh -c 'echo $$ > far.new; mv far.new far; sleep 1000' & ";

#[cfg(target_os = "linux")]
#[test]
fn a_child_in_a_session_of_its_own_ends_too_and_nobody_else() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let other = tempfile::tempdir().expect("a temporary folder");
    let far_of = |folder: &Path| parse_pid(&awaited_file(&folder.join("far")));
    let mut others = shell_run(&format!("{LEAVES_THE_GROUP} while ! test -e far; do :; done"), LeftoverProcesses::Keep);
    others.command.current_dir(other.path());
    others.run_blocking().expect("it runs");
    let kept = far_of(other.path());

    let mut run = shell_run(&format!("{LEAVES_THE_GROUP} while ! test -e far; do :; done"), LeftoverProcesses::Kill);
    run.command.current_dir(folder.path());
    run.run_blocking().expect("it runs");
    let far = far_of(folder.path());
    wait_until(|| !is_running(far));
    assert!(is_running(kept), "a process of another program was killed");
    kill_process(kept, Signal::KILL).expect("it is our own");
}

/// The process that the next test kills.
#[test]
fn this_process_runs_a_program() {
    if let Ok(folder) = env::var(FOLDER_VARIABLE) {
        #[cfg(target_os = "linux")]
        let script = LEAVES_THE_GROUP.to_owned();
        #[cfg(not(target_os = "linux"))]
        let script = String::new();
        let script = script + "sleep 1000 & echo $! > child.new; echo $$ > own; mv child.new child; wait";
        let mut run = shell_run(&script, LeftoverProcesses::Keep);
        run.command.current_dir(folder);
        panic!("it ended: {:?}", run.run_blocking());
    }
}

#[test]
fn a_program_and_its_children_end_with_us_even_if_we_are_killed() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut victim = std::process::Command::new(env::current_exe().expect("this program"))
        .args(["--exact", "processes::tests::this_process_runs_a_program", "--nocapture"])
        .env(FOLDER_VARIABLE, folder.path())
        .stdout(Stdio::null())
        .spawn()
        .expect("this program starts again");
    let names = if cfg!(target_os = "linux") { &["child", "own", "far"][..] } else { &["child", "own"] };
    let processes: Vec<String> = names.iter().map(|name| awaited_file(&folder.path().join(name))).collect();
    assert!(processes.iter().all(|pid| is_running(parse_pid(pid))));
    victim.kill().expect("it is running");
    victim.wait().expect("it ends");
    for pid in &processes {
        wait_until_gone(pid);
    }
}

#[test]
fn no_program_inherits_a_variable_that_holds_a_key() {
    secrets::note_variable("CARGO_PKG_VERSION"); // One that every test has.
    assert!(env::var_os("CARGO_PKG_VERSION").is_some());
    let script = "echo ${CARGO_PKG_VERSION-unset} ${CARGO_PKG_NAME-unset}";
    let run = shell_run(script, LeftoverProcesses::Kill).run_blocking().expect("it runs");
    assert_eq!(run.stdout.into_text(), "unset ibid\n");

    let mut detached = std::process::Command::new("/bin/sh");
    detached.args(["-c", "test -z \"${CARGO_PKG_VERSION+set}\""]);
    let status = start_detached(detached, None, LIMIT).expect("it starts");
    assert!(status.is_some_and(|status| status.success()));

    let mut on_purpose = shell_run(script, LeftoverProcesses::Kill);
    on_purpose.command.env("CARGO_PKG_VERSION", "given");
    assert_eq!(on_purpose.run_blocking().expect("it runs").stdout.into_text(), "given ibid\n");
}

#[test]
fn a_detached_program_reads_its_input_and_is_never_killed() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let detached = |script: &str, input: Option<&str>, patience| {
        let mut command = std::process::Command::new("/bin/sh");
        command.args(["-c", script]).current_dir(folder.path());
        start_detached(command, input.map(str::to_owned), patience).expect("it starts")
    };
    let status = detached("cat > input; exit 3", Some("héllo"), LIMIT);
    assert_eq!(status.and_then(|status| status.code()), Some(3));
    assert_eq!(awaited_file(&folder.path().join("input")), "héllo");

    let script = "mkfifo wait; echo $$ > own.new; mv own.new own; cat wait; touch ended";
    assert_eq!(detached(script, None, Duration::ZERO), None);
    let pid = parse_pid(&awaited_file(&folder.path().join("own")));
    assert_eq!(getpgid(Some(pid)), Ok(pid), "it is in our group");
    fs::write(folder.path().join("wait"), "").expect("it reads");
    awaited_file(&folder.path().join("ended"));
    let missing = start_detached(std::process::Command::new("/nowhere/at-all"), None, LIMIT);
    assert_eq!(missing.expect_err("there is no such program").kind(), io::ErrorKind::NotFound);
}
