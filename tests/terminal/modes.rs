//! The terminal is restored, however the program ends.

use std::{env, fs, path::Path};

use rustix::process::{Pid, Signal, kill_process, test_kill_process_group};

use crate::{
    Stage, eventually, quit,
    support::pty::{ProgramLaunch, Pty, TestHome},
    text_reply,
};

/// The sequences that enable the program's terminal modes, and those that disable them.
const MODES: [(&str, &str); 9] = [
    ("\x1b[?1000h", "\x1b[?1000l"),
    ("\x1b[?1002h", "\x1b[?1002l"),
    ("\x1b[?1006h", "\x1b[?1006l"),
    ("\x1b[?1049h", "\x1b[?1049l"),
    ("\x1b[?2004h", "\x1b[?2004l"),
    ("\x1b[?1004h", "\x1b[?1004l"),
    ("\x1b[>5u", "\x1b[<1u"),
    ("\x1b[?2031h", "\x1b[?2031l"),
    ("\x1b[22;2t", "\x1b[23;2t"), // The window title.
];

/// Fails unless every mode was enabled and is disabled again, and the line modes are unchanged.
#[track_caller]
fn assert_restored(ibid: &Pty, line_before: &str) {
    assert_modes_are_off(&ibid.bytes());
    assert_eq!(ibid.line_modes(), line_before);
    ibid.with_screen(|screen| assert!(!screen.grid().alternate_screen() && !screen.grid().hide_cursor()));
}

#[track_caller]
fn assert_modes_are_off(bytes: &[u8]) {
    let last = |sequence: &str| memchr::memmem::rfind(bytes, sequence.as_bytes());
    for (on, off) in MODES {
        let (on_at, off_at) = (last(on), last(off));
        assert!(on_at.is_some(), "{} was never sent", on.escape_debug());
        assert!(off_at > on_at, "{} was not undone by {}", on.escape_debug(), off.escape_debug());
    }
}

/// Starts the program; also returns the terminal's line modes from before the program changed them.
fn start_from_shell(stage: &Stage) -> (Pty, String) {
    // The shell leaves the modes unchanged until it reads a line and executes the program.
    let ibid = env!("CARGO_BIN_EXE_ibid");
    let script = format!("read go; exec {ibid}");
    let mut pty = stage.launch_program("/bin/sh", &["-c", &script]).start();
    let before = pty.line_modes();
    pty.send(b"\n");
    pty.wait_for("type a message");
    assert_ne!(pty.line_modes(), before, "raw mode was never entered");
    (pty, before)
}

#[test]
fn quitting_restores_the_terminal() {
    let (mut ibid, before) = start_from_shell(&Stage::set_up());
    quit(&mut ibid);
    assert_restored(&ibid, &before);
}

#[test]
fn control_c_twice_restores_the_terminal() {
    let (mut ibid, before) = start_from_shell(&Stage::set_up());
    ibid.type_keys("<ctrl-c>");
    ibid.wait_for("again");
    ibid.type_keys("<ctrl-c>");
    assert_eq!(ibid.wait_exit().exit_code(), 0);
    assert_restored(&ibid, &before);
}

#[test]
fn sigterm_and_sighup_mid_answer_restore_the_terminal_and_keep_the_partial_answer() {
    for signal in [Signal::TERM, Signal::HUP] {
        let stage = Stage::set_up();
        let (mut ibid, before) = start_from_shell(&stage);
        stage.server.queue_reply(text_reply(&["This ", "much ", "came."]).gated());
        ibid.type_keys("hello<enter>");
        let request = stage.server.next_request();
        request.release_many(8);
        ibid.wait_for("This much");
        ibid.send_signal(signal);
        ibid.wait_exit();
        assert_restored(&ibid, &before);
        let ibid = stage.reopen();
        ibid.wait_for("This much");
        ibid.wait_for("interrupted");
    }
}

#[test]
fn closing_the_window_mid_answer_ends_the_program_and_keeps_the_partial_answer() {
    let stage = Stage::set_up();
    // A terminal is hung up when its first process ends, which here is a shell.
    let script = format!("{}; true", env!("CARGO_BIN_EXE_ibid"));
    let mut shell = crate::start_ready(stage.launch_program("/bin/sh", &["-c", &script]));
    stage.server.queue_reply(text_reply(&["This ", "much ", "came."]).gated());
    shell.type_keys("hello<enter>");
    let request = stage.server.next_request();
    request.release_many(8);
    shell.wait_for("This much");
    let group = shell.pid();
    shell.send_signal(Signal::KILL);
    shell.wait_exit();
    eventually("the end of the program", || test_kill_process_group(group).is_err());
    request.wait_closed();
    let ibid = stage.reopen();
    ibid.wait_for("This much");
    ibid.wait_for("interrupted");
}

#[test]
fn a_panic_restores_the_terminal_before_its_message() {
    // No key makes the program panic, so this test runs itself in a child with the program's panic hook.
    const CHILD: &str = "IBID_TEST_PANICS";
    if env::var_os(CHILD).is_some() {
        ibid::cli::install_panic_hook();
        let mut screen = ibid::terminal::TerminalScreen::enter().expect("the test runs in a terminal");
        screen.set_mouse_mode(ibid::config::MouseMode::On).expect("the terminal can be written");
        screen.set_title("a title").expect("the terminal can be written");
        let painted = screen.draw(|cells| {
            cells.set_string(0, 0, "painted", ratatui::style::Style::new());
            None
        });
        painted.expect("the terminal can be written");
        panic!("the very end");
    }
    let itself = env::current_exe().expect("a test knows its executable");
    let name = "modes::a_panic_restores_the_terminal_before_its_message";
    let home = TestHome::empty();
    let mut pty = ProgramLaunch::with_program(Path::new("/bin/sh"), &home)
        .args(["-c", "read go; exec \"$0\" --exact --nocapture \"$1\""])
        .args([itself.into_os_string(), name.into()])
        .env(CHILD, "1")
        .start();
    let before = pty.line_modes();
    pty.send(b"\n");
    pty.wait_exit();
    let bytes = pty.bytes();
    let at = |text: &str| {
        memchr::memmem::find(&bytes, text.as_bytes()).unwrap_or_else(|| panic!("no {text}:\n{}", pty.screen()))
    };
    assert!(at("painted") < at("\x1b[?1049l"));
    assert!(at("\x1b[?1049l") < at("the very end"), "the message was lost with the alternate screen");
    assert_modes_are_off(&bytes);
    assert_eq!(pty.line_modes(), before);
}

#[test]
fn control_z_restores_the_terminal_and_fg_takes_it_back() {
    let stage = Stage::set_up();
    let mut shell = stage.launch_program("/bin/sh", &["-i"]).env("PS1", "shell>").start();
    shell.wait_for("shell>");
    shell.type_keys(&format!("{}<enter>", env!("CARGO_BIN_EXE_ibid")));
    shell.wait_for("type a message");
    shell.type_keys("a draft");
    shell.wait_for("› a draft");
    shell.type_keys("<ctrl-z>");
    shell.wait_for("Stopped");
    assert_modes_are_off(&shell.bytes());
    shell.type_keys("echo in-the-''shell<enter>");
    shell.wait_for("in-the-shell");
    shell.type_keys("fg<enter>");
    shell.wait_for("› a draft");
    shell.type_keys(" goes on");
    shell.wait_for("› a draft goes on");
    shell.type_keys("<ctrl-x>q");
    shell.wait_until("end of the alternate screen", |screen| !screen.grid().alternate_screen());
    assert_modes_are_off(&shell.bytes());
}

#[test]
fn a_stop_signal_from_outside_restores_the_terminal() {
    let stage = Stage::set_up();
    let mut shell = stage.launch_program("/bin/sh", &["-i"]).env("PS1", "shell>").start();
    shell.wait_for("shell>");
    // The job writes its process id, then executes the program.
    shell.type_keys(&format!("sh -c 'echo $$ > pid; exec {}'<enter>", env!("CARGO_BIN_EXE_ibid")));
    shell.wait_for("type a message");
    let number = fs::read_to_string(stage.home.path().join("pid")).expect("the job wrote its process id");
    let number = number.trim().parse().ok().and_then(Pid::from_raw).expect("the process id is valid");
    kill_process(number, Signal::TSTP).expect("the program is running");
    shell.wait_for("Stopped");
    assert_modes_are_off(&shell.bytes());
    shell.type_keys("fg<enter>");
    shell.wait_for("type a message");
    shell.type_keys("<ctrl-x>q");
    shell.wait_until("end of the alternate screen", |screen| !screen.grid().alternate_screen());
    assert_modes_are_off(&shell.bytes());
}

#[test]
fn no_color_means_no_colour_at_all() {
    let stage = Stage::set_up();
    let mut ibid = crate::start_ready(stage.launch().env("NO_COLOR", "1").size(120, 40));
    stage.exchange_until(
        &mut ibid,
        "hello",
        "# Head\n\nSome `code` and\n\n```rust\nlet x = 1;\n```\n\nThe end.",
        "The end.",
    );
    let coloured = ibid.with_screen(|screen| {
        let cells = (0..40).flat_map(|row| (0..120).map(move |column| (row, column)));
        let is_plain =
            |cell: &vt100::Cell| cell.fgcolor() == vt100::Color::Default && cell.bgcolor() == vt100::Color::Default;
        cells.filter(|(row, column)| screen.grid().cell(*row, *column).is_some_and(|cell| !is_plain(cell))).count()
    });
    assert_eq!(coloured, 0);
}
