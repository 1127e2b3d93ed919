//! The terminal is given back as it was, whichever way the program ends.

use std::{env, fs, path::Path};

use rustix::process::{Pid, Signal, kill_process, test_kill_process_group};

use crate::{
    Stage, answer, eventually, quit,
    support::pty::{Home, Pty, Run},
};

/// Modes that the program switches on, and what switches them off again.
const MODES: [(&str, &str); 9] = [
    ("\x1b[?1000h", "\x1b[?1000l"),
    ("\x1b[?1002h", "\x1b[?1002l"),
    ("\x1b[?1006h", "\x1b[?1006l"),
    ("\x1b[?1049h", "\x1b[?1049l"),
    ("\x1b[?2004h", "\x1b[?2004l"),
    ("\x1b[?1004h", "\x1b[?1004l"),
    ("\x1b[>1u", "\x1b[<1u"),
    ("\x1b[?2031h", "\x1b[?2031l"),
    ("\x1b[22;2t", "\x1b[23;2t"), // The title of the window.
];

/// Fails unless every mode was switched on and is off, and the line is as it was before.
#[track_caller]
fn assert_given_back(ibid: &Pty, line_before: &str) {
    assert_modes_are_off(&ibid.bytes());
    assert_eq!(ibid.line_modes(), line_before);
    ibid.look(|screen| assert!(!screen.grid().alternate_screen() && !screen.grid().hide_cursor()));
}

#[track_caller]
fn assert_modes_are_off(bytes: &[u8]) {
    let last = |sequence: &str| memchr::memmem::rfind(bytes, sequence.as_bytes());
    for (on, off) in MODES {
        let (on_at, off_at) = (last(on), last(off));
        assert!(on_at.is_some(), "{} was never sent", on.escape_debug());
        assert!(off_at > on_at, "{} was not taken back by {}", on.escape_debug(), off.escape_debug());
    }
}

/// A terminal that was asked for its modes before the program changed them.
fn start(stage: &Stage) -> (Pty, String) {
    // The shell's child has the terminal as the shell had it: nothing has changed the modes when it prints its line.
    let ibid = env!("CARGO_BIN_EXE_ibid");
    let script = format!("read go; exec {ibid}");
    let mut pty = stage.run_program("/bin/sh", &["-c", &script]).start();
    let before = pty.line_modes();
    pty.send(b"\n");
    pty.wait_for("type a message");
    assert_ne!(pty.line_modes(), before, "raw mode was never entered");
    (pty, before)
}

#[test]
fn quitting_gives_the_terminal_back() {
    let (mut ibid, before) = start(&Stage::plain());
    quit(&mut ibid);
    assert_given_back(&ibid, &before);
}

#[test]
fn control_c_twice_gives_the_terminal_back() {
    let (mut ibid, before) = start(&Stage::plain());
    ibid.type_keys("<ctrl-c>");
    ibid.wait_for("again");
    ibid.type_keys("<ctrl-c>");
    assert_eq!(ibid.wait_exit().exit_code(), 0);
    assert_given_back(&ibid, &before);
}

#[test]
fn sigterm_and_sighup_in_mid_answer_give_the_terminal_back_and_keep_what_came() {
    for signal in [Signal::TERM, Signal::HUP] {
        let stage = Stage::plain();
        let (mut ibid, before) = start(&stage);
        stage.server.answer(answer(&["This ", "much ", "came."]).gated());
        ibid.type_keys("hello<enter>");
        let request = stage.server.next_request();
        request.release_many(8);
        ibid.wait_for("This much");
        ibid.signal(signal);
        ibid.wait_exit();
        assert_given_back(&ibid, &before);
        let ibid = stage.reopen();
        ibid.wait_for("This much");
        ibid.wait_for("interrupted");
    }
}

#[test]
fn closing_the_window_in_mid_answer_ends_the_program_and_keeps_what_came() {
    let stage = Stage::plain();
    // The end of the first process of a terminal hangs the terminal up; here that is a shell.
    let script = format!("{}; true", env!("CARGO_BIN_EXE_ibid"));
    let mut shell = crate::ready(stage.run_program("/bin/sh", &["-c", &script]));
    stage.server.answer(answer(&["This ", "much ", "came."]).gated());
    shell.type_keys("hello<enter>");
    let request = stage.server.next_request();
    request.release_many(8);
    shell.wait_for("This much");
    let group = shell.pid();
    shell.signal(Signal::KILL);
    shell.wait_exit();
    eventually("the end of the program", || test_kill_process_group(group).is_err());
    request.wait_closed();
    let ibid = stage.reopen();
    ibid.wait_for("This much");
    ibid.wait_for("interrupted");
}

#[test]
fn a_panic_gives_the_terminal_back_before_it_tells() {
    // No key of the program panics, so this test starts itself with the program's guard and does.
    const CHILD: &str = "IBID_TEST_PANICS";
    if env::var_os(CHILD).is_some() {
        ibid::cli::hook_panics();
        let mut screen = ibid::tui::Screen::enter().expect("the test runs in a terminal");
        screen.take_mouse(ibid::config::Mouse::On).expect("the terminal is there");
        screen.set_title("a title").expect("the terminal is there");
        let painted = screen.draw(|cells| {
            cells.set_string(0, 0, "painted", ratatui::style::Style::new());
            None
        });
        painted.expect("the terminal is there");
        panic!("the very end");
    }
    let itself = env::current_exe().expect("a test knows its file");
    let name = "modes::a_panic_gives_the_terminal_back_before_it_tells";
    let home = Home::empty();
    let mut pty = Run::program(Path::new("/bin/sh"), &home)
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
fn control_z_gives_the_terminal_to_the_shell_and_fg_takes_it_again() {
    let stage = Stage::plain();
    let mut shell = stage.run_program("/bin/sh", &["-i"]).env("PS1", "shell>").start();
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
fn a_stop_from_outside_gives_the_terminal_back_as_well() {
    let stage = Stage::plain();
    let mut shell = stage.run_program("/bin/sh", &["-i"]).env("PS1", "shell>").start();
    shell.wait_for("shell>");
    // The shell's job tells its own number, then becomes the program.
    shell.type_keys(&format!("sh -c 'echo $$ > pid; exec {}'<enter>", env!("CARGO_BIN_EXE_ibid")));
    shell.wait_for("type a message");
    let number = fs::read_to_string(stage.home.path().join("pid")).expect("the job wrote it");
    let number = number.trim().parse().ok().and_then(Pid::from_raw).expect("a process has a number");
    kill_process(number, Signal::TSTP).expect("it runs");
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
    let stage = Stage::plain();
    let mut ibid = crate::ready(stage.run().env("NO_COLOR", "1").size(120, 40));
    stage.exchange_until(
        &mut ibid,
        "hello",
        "# Head\n\nSome `code` and\n\n```rust\nlet x = 1;\n```\n\nThe end.",
        "The end.",
    );
    let coloured = ibid.look(|screen| {
        let cells = (0..40).flat_map(|row| (0..120).map(move |column| (row, column)));
        let is_plain =
            |cell: &vt100::Cell| cell.fgcolor() == vt100::Color::Default && cell.bgcolor() == vt100::Color::Default;
        cells.filter(|(row, column)| screen.grid().cell(*row, *column).is_some_and(|cell| !is_plain(cell))).count()
    });
    assert_eq!(coloured, 0);
}
