//! The mouse as a terminal reports it, and where text goes that leaves the screen.

use std::{fs, os::unix::fs::PermissionsExt};

use base64::{Engine as _, engine::general_purpose::STANDARD};

use crate::{Stage, eventually, ready, support::pty::Pty};

/// Where a text begins on the screen, counted from 1 as terminals do.
#[track_caller]
fn place(ibid: &Pty, text: &str) -> (usize, usize) {
    let screen = ibid.screen();
    let found = screen.lines().enumerate().find_map(|(row, line)| Some((line.find(text)?, row)));
    let (byte, row) = found.unwrap_or_else(|| panic!("{text:?} is not there:\n{screen}"));
    let line = screen.lines().nth(row).unwrap_or_default();
    (ibid::text::width(&line[..byte]) + 1, row + 1)
}

fn report(ibid: &mut Pty, button: u8, (column, row): (usize, usize), end: char) {
    ibid.send(format!("\x1b[<{button};{column};{row}{end}").as_bytes());
}

fn select(ibid: &mut Pty, from: &str, cells: usize) {
    let (column, row) = place(ibid, from);
    report(ibid, 0, (column, row), 'M');
    report(ibid, 32, (column + cells - 1, row), 'M');
    report(ibid, 0, (column + cells - 1, row), 'm');
}

#[test]
fn a_drag_selects_and_what_is_copied_reaches_the_terminal() {
    let stage = Stage::plain();
    let mut ibid = ready(stage.run().env("SSH_CONNECTION", "192.0.2.1 5000 192.0.2.2 22"));
    stage.exchange(&mut ibid, "hello", "Take these words with you.");
    select(&mut ibid, "these words", 11);
    ibid.wait_for("esc unselects");
    ibid.type_keys("y");
    ibid.wait_for("copied 11 letters · OSC 52");
    let sent = format!("\x1b]52;c;{}\x07", STANDARD.encode("these words"));
    assert!(memchr::memmem::find(&ibid.bytes(), sent.as_bytes()).is_some());
}

#[test]
fn the_wheel_scrolls_and_the_terminal_gets_its_mouse_back_when_it_is_switched_off() {
    let stage = Stage::configured("mouse = \"wheel\"\n");
    let mut ibid = stage.open();
    let long: String = (1..=60).map(|row| format!("row {row}\n\n")).collect();
    stage.exchange_until(&mut ibid, "hello", &long, "row 60");
    report(&mut ibid, 64, (10, 10), 'M');
    ibid.wait_without("row 60");
    report(&mut ibid, 65, (10, 10), 'M');
    ibid.wait_for("row 60");
    ibid.type_keys("/mouse<enter>");
    ibid.wait_for("clicks do nothing");
    ibid.type_keys("<down><enter>");
    ibid.wait_without("clicks do nothing");
    ibid.wait_for("type a message");
    let bytes = ibid.bytes();
    let last = |sequence: &str| memchr::memmem::rfind(&bytes, sequence.as_bytes());
    assert!(last("\x1b[?1002h").is_none(), "drags were never asked for");
    assert!(last("\x1b[?1000l") > last("\x1b[?1000h"));
}

#[test]
fn inside_tmux_the_text_goes_to_tmux_and_to_the_terminal_where_that_fails() {
    for (exit, way) in [(0, "tmux"), (1, "OSC 52")] {
        let stage = Stage::plain();
        let bin = stage.home.path().join("bin");
        let kept = stage.home.path().join("kept");
        fs::create_dir(&bin).expect("a folder");
        let script = format!("#!/bin/sh\necho \"$@\" > {0}.args\ncat > {0}\nexit {exit}\n", kept.display());
        fs::write(bin.join("tmux"), script).expect("a script");
        fs::set_permissions(bin.join("tmux"), fs::Permissions::from_mode(0o755)).expect("it can be run");
        let path = format!("{}:/usr/bin:/bin", bin.display());
        let run = stage.run().env("TMUX", "/tmp/tmux-1000/default,1,0").env("SSH_TTY", "/dev/pts/9").env("PATH", path);
        let mut ibid = ready(run);
        stage.exchange(&mut ibid, "hello", "Into the buffer.");
        ibid.type_keys("<ctrl-x>y");
        ibid.wait_for(&format!("copied the answer as Markdown · {way}"));
        assert_eq!(fs::read_to_string(&kept).expect("it was called"), "Into the buffer.");
        assert_eq!(fs::read_to_string(kept.with_extension("args")).expect("as well"), "load-buffer -w -\n");
        let direct = memchr::memmem::find(&ibid.bytes(), b"\x1bPtmux;").is_some();
        assert_eq!(direct, exit == 1);
    }
}

#[test]
fn code_is_saved_where_the_reader_says_and_given_to_a_command() {
    let stage = Stage::plain();
    let mut ibid = ready(stage.run().env("SHELL", "/bin/sh"));
    stage.exchange_until(&mut ibid, "hello", "```py\nprint(1)\nprint(2)\n```", "copy c1");
    let saved = stage.home.path().join("kept.py");
    let save = |ibid: &mut Pty, then: &str| {
        ibid.type_keys("<ctrl-x>c<ctrl-s>");
        ibid.wait_for("c1.py");
        ibid.type_keys(&format!("<ctrl-u>~/kept.py<enter>{then}"));
    };
    save(&mut ibid, "");
    ibid.wait_for("saved as");
    assert_eq!(fs::read_to_string(&saved).expect("a file"), "print(1)\nprint(2)\n");
    fs::write(&saved, "precious").expect("it can be written");
    save(&mut ibid, "");
    ibid.wait_for("There is such a file");
    assert_eq!(fs::read_to_string(&saved).expect("a file"), "precious");
    ibid.type_keys("<down><enter>");
    eventually("the file written over", || fs::read_to_string(&saved).is_ok_and(|text| text == "print(1)\nprint(2)\n"));

    ibid.type_keys("<ctrl-x>c<ctrl-o>");
    ibid.wait_for("Give c1 to a command");
    ibid.type_keys("wc -l; echo oops 1>&2; exit 3<enter>");
    ibid.wait_for("failed (3)");
    ibid.wait_for("oops");
    ibid.type_keys("<esc>");
    ibid.wait_without("oops");
    ibid.type_keys("<ctrl-x>c<ctrl-o>");
    ibid.wait_for("Give c1 to a command");
    ibid.type_keys("sleep 600 | cat<enter>");
    ibid.wait_for("esc stops the command");
    ibid.type_keys("<esc>");
    ibid.wait_for("was stopped");
}
