//! Terminals that are gone, full or of the wrong kind: an exit code and a sentence, never a panic.

use std::{fs, io::Read as _, path::Path};

use rustix::process::{Pid, Signal, kill_process};

use crate::{
    Stage, eventually, quit, start_ready,
    support::pty::{ProgramLaunch, TestHome},
    text_reply,
};

const IBID: &str = env!("CARGO_BIN_EXE_ibid");

/// Runs a script whose last line writes an exit code to the file `code`, and returns the code.
fn exit_code_of(stage: &Stage, script: &str) -> String {
    let output = stage.launch_program("/bin/sh", &["-c", script]).output("");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!said.contains("panic"), "{said}");
    read_code(stage).unwrap_or_else(|| panic!("no exit code; {said}"))
}

fn read_code(stage: &Stage) -> Option<String> {
    fs::read_to_string(stage.home.path().join("code"))
        .ok()
        .filter(|code| code.ends_with('\n'))
        .map(|code| code.trim().to_owned())
}

fn assert_no_core(stage: &Stage) {
    let files = fs::read_dir(stage.home.path()).expect("the folder can be read");
    let names: Vec<String> = files.flatten().map(|file| file.file_name().to_string_lossy().into_owned()).collect();
    assert!(!names.iter().any(|name| name.starts_with("core")), "{names:?}");
}

#[test]
fn terminals_that_cannot_show_a_full_screen_get_a_sentence_instead() {
    for term in ["dumb", "vt100", "", "unknown"] {
        let home = TestHome::empty();
        let mut ibid = ProgramLaunch::in_home(&home).env("TERM", term).size(240, 24).start();
        ibid.wait_for("plain mode");
        ibid.wait_for("ibid ask");
        assert_eq!(ibid.wait_exit().exit_code(), 1, "{term:?}");
        assert!(!ibid.bytes().contains(&0x1b), "{term:?}: {}", ibid.bytes().escape_ascii());
    }
}

#[test]
fn a_hang_up_with_a_dead_terminal_ends_with_a_code() {
    let stage = Stage::set_up();
    // When the first process of a terminal ends, the terminal is dead for all others.
    let inner = format!("trap : HUP; {IBID}; echo $? > code");
    let mut shell = start_ready(stage.launch_program("/bin/sh", &["-c", "/bin/sh -c \"$0\"; true", &inner]));
    stage.server.queue_reply(text_reply(&["This ", "much ", "came."]).gated());
    shell.type_keys("hello<enter>");
    let request = stage.server.next_request();
    request.release_many(8);
    shell.wait_for("This much");
    shell.send_signal(Signal::KILL);
    eventually("the end of the program", || read_code(&stage).is_some());
    let code = read_code(&stage).expect("it was there");
    assert!(["1", "130"].contains(&code.as_str()), "exit code {code}");
    assert_no_core(&stage);
}

#[test]
fn full_and_closed_outputs_end_with_a_code() {
    if !Path::new("/dev/full").exists() {
        return;
    }
    let stage = Stage::set_up();
    let answer = |script: &str| {
        stage.server.queue_reply(text_reply(&["An answer."]));
        let code = exit_code_of(&stage, &format!("ulimit -c unlimited; {script}; echo $? > code"));
        assert_no_core(&stage);
        code
    };
    assert_eq!(answer(&format!("{IBID} ask hello > /dev/full")), "1");
    assert_eq!(answer(&format!("{IBID} ask hello > /dev/full 2> /dev/full")), "1");
    assert_eq!(answer(&format!("{IBID} ask hello 2> /dev/full > /dev/null")), "0");
    assert_eq!(answer(&format!("{IBID} --no-such-flag 2> /dev/full")), "2");
    assert_eq!(answer(&format!("{IBID} < /dev/null 2> /dev/full")), "1");
    assert_eq!(answer(&format!("{IBID} < /dev/null 2>&-")), "1");
    // What the closed end of a pipe did not take is not an error of ours.
    assert_eq!(answer(&format!("{{ {IBID} ask hello; echo $? > piped; }} | true; (exit $(cat piped))")), "0");
}

#[test]
fn a_helper_of_the_clipboard_has_a_process_group_of_its_own() {
    use std::os::unix::fs::PermissionsExt;
    if !Path::new("/proc/self/stat").exists() {
        return;
    }
    let stage = Stage::set_up();
    let folder = stage.home.path().join("bin");
    fs::create_dir(&folder).expect("the folder can be created");
    let tmux = folder.join("tmux");
    let script =
        "#!/bin/sh\nread -r _ _ _ _ group _ < /proc/$$/stat\ncat > \"$HOME/copied\"\necho $group > \"$HOME/group\"\n";
    fs::write(&tmux, script).expect("the script can be written");
    fs::set_permissions(&tmux, fs::Permissions::from_mode(0o755)).expect("the script can be made executable");
    let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap_or_default());
    let mut ibid = start_ready(stage.launch().env("TMUX", "/tmp/tmux,1,0").env("PATH", path));
    stage.exchange(&mut ibid, "hello", "Take this with you.");
    ibid.type_keys("<ctrl-x>y");
    ibid.wait_for("tmux");
    assert_eq!(fs::read_to_string(stage.home.path().join("copied")).unwrap_or_default().trim(), "Take this with you.");
    let group = fs::read_to_string(stage.home.path().join("group")).expect("the helper wrote its group");
    assert_ne!(group.trim(), ibid.pid().as_raw_nonzero().to_string(), "a stop of the program would stop the helper");
    quit(&mut ibid);
}

#[test]
fn a_helper_without_a_desktop_fails_with_a_sentence() {
    let home = TestHome::empty();
    let output = ProgramLaunch::in_home(&home).args(["hold-clipboard"]).output("a text");
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(String::from_utf8_lossy(&output.stdout), "");
    assert!(String::from_utf8_lossy(&output.stderr).starts_with("ibid: "));
}

#[test]
fn a_terminal_that_shows_nothing_more_does_not_keep_the_program_from_ending() {
    for signal in [Signal::TERM, Signal::HUP] {
        let stage = Stage::set_up();
        let mut ibid = stage.open();
        let long = "word ".repeat(20_000);
        stage.exchange_until(&mut ibid, "hello", &format!("{long}The end."), "The end.");
        // The copy is more than a terminal takes without showing it.
        ibid.stall_at(b"\x1b]52;");
        ibid.type_keys("<ctrl-x>y");
        ibid.wait_stalled();
        ibid.send_signal(signal);
        assert_eq!(ibid.wait_exit_while_stalled().exit_code(), 130);
        assert_no_core(&stage);
    }
}

#[test]
fn an_answer_that_nobody_reads_does_not_keep_ask_from_ending() {
    let stage = Stage::set_up();
    // In one piece, which is more than a pipe holds.
    stage.server.queue_reply(text_reply(&[&"word ".repeat(40_000)]));
    let mut ask = stage.launch().args(["ask", "hello"]).start_piped("");
    let mut stdout = ask.stdout.take().expect("standard output is piped");
    stdout.read_exact(&mut [0]).expect("the answer has begun");
    kill_process(Pid::from_child(&ask), Signal::TERM).expect("the program is running");
    let mut status = None;
    eventually("the end of the program", || {
        status = ask.try_wait().expect("the program can be waited for");
        status.is_some()
    });
    assert_eq!(status.and_then(|status| status.code()), Some(130));
}
