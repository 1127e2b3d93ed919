//! Mouse reports, and copying, saving and piping text.

use std::{fs, os::unix::fs::PermissionsExt};

use base64::{Engine as _, engine::general_purpose::STANDARD};

use crate::{
    Stage, eventually, start_ready,
    support::pty::{Pty, PtyScreen},
};

/// Column and row where `text` begins on the screen, counted from 1 as in mouse reports.
#[track_caller]
fn position_of(ibid: &Pty, text: &str) -> (usize, usize) {
    let screen = ibid.screen();
    let found = screen.lines().enumerate().find_map(|(row, line)| Some((line.find(text)?, row)));
    let (byte, row) = found.unwrap_or_else(|| panic!("{text:?} is not on the screen:\n{screen}"));
    let line = screen.lines().nth(row).unwrap_or_default();
    (ibid::text::width(&line[..byte]) + 1, row + 1)
}

fn send_mouse_report(ibid: &mut Pty, button: u8, (column, row): (usize, usize), end: char) {
    ibid.send(format!("\x1b[<{button};{column};{row}{end}").as_bytes());
}

fn drag_over(ibid: &mut Pty, from: &str, cells: usize) {
    let (column, row) = position_of(ibid, from);
    send_mouse_report(ibid, 0, (column, row), 'M');
    send_mouse_report(ibid, 32, (column + cells - 1, row), 'M');
    send_mouse_report(ibid, 0, (column + cells - 1, row), 'm');
}

#[test]
fn a_drag_selects_text_and_the_copy_reaches_the_terminal() {
    let stage = Stage::set_up();
    let mut ibid = start_ready(stage.launch().env("SSH_CONNECTION", "192.0.2.1 5000 192.0.2.2 22"));
    stage.exchange(&mut ibid, "hello", "Take these words with you.");
    drag_over(&mut ibid, "these words", 11);
    ibid.wait_for("Esc clears");
    ibid.type_keys("<ctrl-c>");
    ibid.wait_for("copied 11 characters · OSC 52");
    let sent = format!("\x1b]52;c;{}\x07", STANDARD.encode("these words"));
    assert!(memchr::memmem::find(&ibid.bytes(), sent.as_bytes()).is_some());
}

#[test]
fn the_wheel_scrolls_and_switching_the_mouse_off_releases_it() {
    let stage = Stage::with_config("mouse = \"wheel\"\n");
    let mut ibid = stage.open();
    let long: String = (1..=60).map(|row| format!("row {row}\n\n")).collect();
    stage.exchange_until(&mut ibid, "hello", &long, "row 60");
    send_mouse_report(&mut ibid, 64, (10, 10), 'M');
    ibid.wait_until_gone("row 60");
    send_mouse_report(&mut ibid, 65, (10, 10), 'M');
    ibid.wait_for("row 60");
    ibid.type_keys("/mouse<enter>");
    ibid.wait_for("scroll only");
    ibid.type_keys("<down><enter>");
    ibid.wait_until_gone("scroll only");
    let last = |screen: &PtyScreen, sequence: &str| memchr::memmem::rfind(&screen.bytes, sequence.as_bytes());
    ibid.wait_until("end of the reports", |screen| last(screen, "\x1b[?1000l") > last(screen, "\x1b[?1000h"));
    assert!(ibid.with_screen(|screen| last(screen, "\x1b[?1002h").is_none()), "drag reports were enabled");
}

#[test]
fn in_tmux_a_copy_goes_to_tmux_and_falls_back_to_osc_52() {
    for (exit, method) in [(0, "tmux"), (1, "OSC 52")] {
        let stage = Stage::set_up();
        let bin = stage.home.path().join("bin");
        let buffer_file = stage.home.path().join("kept");
        fs::create_dir(&bin).expect("the directory can be created");
        let script = format!("#!/bin/sh\necho \"$@\" > {0}.args\ncat > {0}\nexit {exit}\n", buffer_file.display());
        fs::write(bin.join("tmux"), script).expect("the script can be written");
        fs::set_permissions(bin.join("tmux"), fs::Permissions::from_mode(0o755))
            .expect("the script can be made executable");
        let path = format!("{}:/usr/bin:/bin", bin.display());
        let run =
            stage.launch().env("TMUX", "/tmp/tmux-1000/default,1,0").env("SSH_TTY", "/dev/pts/9").env("PATH", path);
        let mut ibid = start_ready(run);
        stage.exchange(&mut ibid, "hello", "Into the buffer.");
        ibid.type_keys("<ctrl-x>y");
        ibid.wait_for(&format!("copied the answer as Markdown · {method}"));
        assert_eq!(fs::read_to_string(&buffer_file).expect("tmux was called"), "Into the buffer.");
        assert_eq!(
            fs::read_to_string(buffer_file.with_extension("args")).expect("tmux was called with arguments"),
            "load-buffer -w -\n"
        );
        let direct = memchr::memmem::find(&ibid.bytes(), b"\x1bPtmux;").is_some();
        assert_eq!(direct, exit == 1);
    }
}

#[test]
fn code_is_saved_to_the_chosen_path_and_piped_to_a_command() {
    let stage = Stage::set_up();
    let mut ibid = start_ready(stage.launch().env("SHELL", "/bin/sh"));
    stage.exchange_until(&mut ibid, "hello", "```py\nprint(1)\nprint(2)\n```", "copy ^X c 1");
    let saved = stage.home.path().join("kept.py");
    let save = |ibid: &mut Pty, then: &str| {
        ibid.type_keys("<ctrl-x>c<ctrl-s>");
        ibid.wait_for("c1.py");
        ibid.type_keys(&format!("<ctrl-u>~/kept.py<enter>{then}"));
    };
    save(&mut ibid, "");
    ibid.wait_for("saved as");
    assert_eq!(fs::read_to_string(&saved).expect("the file was saved"), "print(1)\nprint(2)\n");
    fs::write(&saved, "precious").expect("the file can be written");
    save(&mut ibid, "");
    ibid.wait_for("The file already exists");
    assert_eq!(fs::read_to_string(&saved).expect("the file was saved"), "precious");
    ibid.type_keys("<down><enter>");
    eventually("the overwritten file", || fs::read_to_string(&saved).is_ok_and(|text| text == "print(1)\nprint(2)\n"));

    ibid.type_keys("<ctrl-x>c<ctrl-o>");
    ibid.wait_for("Give c1 to a command");
    ibid.type_keys("wc -l; echo oops 1>&2; exit 3<enter>");
    ibid.wait_for("failed (3)");
    ibid.wait_for("oops");
    ibid.type_keys("<esc>");
    ibid.wait_until_gone("oops");
    ibid.type_keys("<ctrl-x>c<ctrl-o>");
    ibid.wait_for("Give c1 to a command");
    ibid.type_keys("sleep 600 | cat<enter>");
    ibid.wait_for("Esc stops the command");
    ibid.type_keys("<esc>");
    ibid.wait_for("was stopped");
}
