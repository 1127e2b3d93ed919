//! Terminal input: pastes, split keys, edits, resizes.

use crate::{Stage, newest_prompt, quit, start_ready, text_reply, wait_idle};

#[test]
fn a_multi_line_paste_never_sends_bracketed_or_not() {
    let stage = Stage::set_up();
    let mut ibid = stage.open();
    ibid.paste("first line\nsecond line\nthird line");
    ibid.wait_for("third line");
    assert_eq!(stage.request_count(), 0);
    stage.server.queue_reply(text_reply(&["Three lines."]));
    ibid.type_keys("<enter>");
    assert_eq!(newest_prompt(&stage.server.next_request()), "first line\nsecond line\nthird line");
    ibid.wait_for("Three lines.");
    wait_idle(&ibid);

    ibid.send(b"uno\rdos\rtres");
    ibid.wait_for("tres");
    assert_eq!(stage.request_count(), 1);
    stage.server.queue_reply(text_reply(&["Numbers."]));
    ibid.type_keys("<enter>");
    assert_eq!(newest_prompt(&stage.server.next_request()), "uno\ndos\ntres");
}

#[test]
fn a_key_sequence_split_by_a_slow_connection_is_still_one_key() {
    let stage = Stage::set_up();
    let mut ibid = start_ready(stage.launch().env("SSH_CONNECTION", "192.0.2.1 5000 192.0.2.2 22"));
    stage.exchange(&mut ibid, "remember me", "I shall.");
    // On a busy machine this test may pause longer between the two writes than any connection; then try again.
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
    panic!("the key always came apart:\n{}", ibid.screen());
}

#[test]
fn readline_keys_edit_the_draft_by_whole_characters() {
    let stage = Stage::set_up();
    let mut ibid = stage.open();
    ibid.type_keys("good 👩‍👩‍👧");
    ibid.wait_for("› good 👩");
    ibid.type_keys("<backspace>night<ctrl-a><ctrl-d>G<ctrl-e><ctrl-w>day<ctrl-j>to you");
    ibid.wait_for("  to you");
    stage.server.queue_reply(text_reply(&["Likewise."]));
    ibid.type_keys("<enter>");
    assert_eq!(newest_prompt(&stage.server.next_request()), "Good day\nto you");
}

#[test]
fn a_draft_comes_back_from_the_editor_as_saved() {
    use std::{fs, os::unix::fs::PermissionsExt};
    let stage = Stage::set_up();
    let editor = stage.home.path().join("editor");
    fs::write(&editor, "#!/bin/sh\necho 'this is the editor'\nread go\necho ' and an end' >> \"$1\"\n")
        .expect("the script can be written");
    fs::set_permissions(&editor, fs::Permissions::from_mode(0o755)).expect("the script can be made executable");
    let mut ibid = start_ready(stage.launch().env("EDITOR", &editor));
    ibid.type_keys("a beginning");
    ibid.wait_for("› a beginning");
    ibid.type_keys("<ctrl-g>");
    ibid.wait_for("this is the editor");
    ibid.with_screen(|screen| assert!(!screen.grid().alternate_screen(), "the editor runs in the alternate screen"));
    ibid.type_keys("<enter>");
    ibid.wait_for("and an end");
    stage.server.queue_reply(text_reply(&["Whole."]));
    ibid.type_keys("<enter>");
    assert_eq!(newest_prompt(&stage.server.next_request()), "a beginning and an end");
}

#[test]
fn the_cursor_follows_the_typed_text() {
    let stage = Stage::set_up();
    let mut ibid = stage.open();
    let (column, row) = ibid.cursor().expect("the composer has the cursor");
    ibid.type_keys("日本語");
    ibid.wait_for("› 日本語");
    assert_eq!(ibid.cursor(), Some((column + 6, row)));
    ibid.type_keys("<left>");
    ibid.wait_until("cursor a character back", |screen| screen.grid().cursor_position() == (row, column + 4));
}

#[test]
fn rapid_resizes_down_to_one_cell_do_no_harm() {
    let stage = Stage::set_up();
    let mut ibid = stage.open();
    stage.server.queue_reply(text_reply(&["Steady ", "as ", "she goes."]).gated());
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
    ibid.wait_until_gone("type a message");
    ibid.resize(40, 10);
    ibid.wait_for("type a message");
    quit(&mut ibid);
}

#[test]
fn control_characters_from_a_server_never_reach_the_terminal() {
    let stage = Stage::set_up();
    let mut ibid = stage.open();
    let evil = "Before \u{1b}]0;owned\u{7}\u{1b}[2J\u{9b}31m\u{1b}]52;c;b3duZWQ=\u{7} after.";
    stage.exchange_until(&mut ibid, "hello", evil, "after.");
    let bytes = ibid.bytes();
    let has = |part: &[u8]| memchr::memmem::find(&bytes, part).is_some();
    assert!(!has(b"\x1b]0;owned") && !has(b"\x1b]52;c;b3duZWQ=") && !has("\u{9b}".as_bytes()));
    let clears = memchr::memmem::find_iter(&bytes, b"\x1b[2J").count();
    assert_eq!(clears, 1, "only the first frame clears the screen");
}
