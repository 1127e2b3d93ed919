//! What a terminal sends: pastes, keys in pieces, sizes.

use crate::{Stage, answer, idle, prompt, quit, ready};

#[test]
fn a_paste_of_many_lines_never_sends_with_brackets_or_without() {
    let stage = Stage::plain();
    let mut ibid = stage.open();
    ibid.paste("first line\nsecond line\nthird line");
    ibid.wait_for("third line");
    assert_eq!(stage.asked(), 0);
    stage.server.answer(answer(&["Three lines."]));
    ibid.type_keys("<enter>");
    assert_eq!(prompt(&stage.server.next_request()), "first line\nsecond line\nthird line");
    ibid.wait_for("Three lines.");
    idle(&ibid);

    ibid.send(b"uno\rdos\rtres");
    ibid.wait_for("tres");
    assert_eq!(stage.asked(), 1);
    stage.server.answer(answer(&["Numbers."]));
    ibid.type_keys("<enter>");
    assert_eq!(prompt(&stage.server.next_request()), "uno\ndos\ntres");
}

#[test]
fn a_key_that_a_slow_line_cuts_in_two_is_still_that_key() {
    let stage = Stage::plain();
    let mut ibid = ready(stage.run().env("SSH_CONNECTION", "192.0.2.1 5000 192.0.2.2 22"));
    stage.exchange(&mut ibid, "remember me", "I shall.");
    // On a busy machine this test itself may be slower between two writes than any line: then again.
    for _ in 0..5 {
        ibid.send(b"\x1b");
        ibid.send(b"[A");
        ibid.wait_until("effect of the key", |screen| {
            screen.contents().lines().any(|row| row.starts_with("› ") && !row.contains("type a message"))
        });
        if ibid.screen().contains("› remember me") {
            return;
        }
        ibid.type_keys("<ctrl-u>");
        ibid.wait_for("type a message");
    }
    panic!("the key was never whole:\n{}", ibid.screen());
}

#[test]
fn what_is_typed_is_edited_by_whole_characters_with_the_keys_of_readline() {
    let stage = Stage::plain();
    let mut ibid = stage.open();
    ibid.type_keys("good 👩‍👩‍👧");
    ibid.wait_for("› good 👩");
    ibid.type_keys("<backspace>night<ctrl-a><ctrl-d>G<ctrl-e><ctrl-w>day<ctrl-j>to you");
    ibid.wait_for("  to you");
    stage.server.answer(answer(&["Likewise."]));
    ibid.type_keys("<enter>");
    assert_eq!(prompt(&stage.server.next_request()), "Good day\nto you");
}

#[test]
fn a_draft_goes_to_the_editor_and_comes_back_as_it_was_saved() {
    use std::{fs, os::unix::fs::PermissionsExt};
    let stage = Stage::plain();
    let editor = stage.home.path().join("editor");
    fs::write(&editor, "#!/bin/sh\necho 'this is the editor'\nread go\necho ' and an end' >> \"$1\"\n")
        .expect("a script");
    fs::set_permissions(&editor, fs::Permissions::from_mode(0o755)).expect("it can be run");
    let mut ibid = ready(stage.run().env("EDITOR", &editor));
    ibid.type_keys("a beginning");
    ibid.wait_for("› a beginning");
    ibid.type_keys("<ctrl-g>");
    ibid.wait_for("this is the editor");
    ibid.look(|screen| assert!(!screen.grid().alternate_screen(), "the editor has no terminal of its own"));
    ibid.type_keys("<enter>");
    ibid.wait_for("and an end");
    stage.server.answer(answer(&["Whole."]));
    ibid.type_keys("<enter>");
    assert_eq!(prompt(&stage.server.next_request()), "a beginning and an end");
}

#[test]
fn the_cursor_stands_behind_what_was_typed() {
    let stage = Stage::plain();
    let mut ibid = stage.open();
    let (column, row) = ibid.cursor().expect("the composer has the cursor");
    ibid.type_keys("日本語");
    ibid.wait_for("› 日本語");
    assert_eq!(ibid.cursor(), Some((column + 6, row)));
    ibid.type_keys("<left>");
    ibid.wait_until("cursor a character back", |screen| screen.grid().cursor_position() == (row, column + 4));
}

#[test]
fn a_storm_of_resizes_down_to_one_cell_leaves_the_program_whole() {
    let stage = Stage::plain();
    let mut ibid = stage.open();
    stage.server.answer(answer(&["Steady ", "as ", "she goes."]).gated());
    ibid.type_keys("hello<enter>");
    let request = stage.server.next_request();
    for round in 0..40_u16 {
        request.release();
        let (columns, rows) =
            [(1, 1), (200, 60), (2, 50), (119, 3), (40, 10), (160, 1), (39, 9), (120, 40)][usize::from(round % 8)];
        ibid.resize(columns + round, rows);
        if round == 12 {
            request.release_all();
            break;
        }
    }
    for (columns, rows) in [(1, 1), (7, 3), (500, 200), (1, 80), (300, 1), (80, 24)] {
        ibid.resize(columns, rows);
    }
    ibid.wait_for("Steady as she goes.");
    ibid.wait_for("type a message");
    ibid.resize(30, 8);
    ibid.wait_without("type a message");
    ibid.resize(40, 10);
    ibid.wait_for("type a message");
    quit(&mut ibid);
}

#[test]
fn control_characters_from_a_server_never_reach_the_terminal() {
    let stage = Stage::plain();
    let mut ibid = stage.open();
    let evil = "Before \u{1b}]0;owned\u{7}\u{1b}[2J\u{9b}31m\u{1b}]52;c;b3duZWQ=\u{7} after.";
    stage.exchange_until(&mut ibid, "hello", evil, "after.");
    let bytes = ibid.bytes();
    let has = |part: &[u8]| memchr::memmem::find(&bytes, part).is_some();
    assert!(!has(b"\x1b]0;owned") && !has(b"\x1b]52;c;b3duZWQ=") && !has("\u{9b}".as_bytes()));
    let clears = memchr::memmem::find_iter(&bytes, b"\x1b[2J").count();
    assert_eq!(clears, 1, "only the first frame clears the screen");
}
