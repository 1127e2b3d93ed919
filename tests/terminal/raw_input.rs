//! What real terminals send: pastes without an end, reports in two pieces, other layouts, sequences that nobody knows.

use std::fs;

use serde_json::{Value, json};

use crate::{
    Stage, newest_prompt, report_skipped,
    support::pty::{Pty, PtyScreen},
    text_reply, trials_folder,
};

const KEYBOARD_QUERY: &[u8] = b"\x1b[?u";

/// What must have become of the input: a draft of these rows, or a prompt that was sent.
enum Expected {
    Draft(&'static [&'static str]),
    Sent(&'static str),
}

/// Plays an input into an empty composer and waits for what must become of it.
#[track_caller]
fn check(steps: &Value, expected: &Expected) {
    let stage = Stage::set_up();
    let mut ibid = stage.open();
    stage.server.queue_reply(text_reply(&["An answer."]));
    ibid.play(steps);
    match expected {
        Expected::Draft(rows) => {
            wait_for_draft(&ibid, rows);
            assert_eq!(stage.request_count(), 0, "something was sent for {steps}");
        }
        Expected::Sent(prompt) => assert_eq!(newest_prompt(&stage.server.next_request()), *prompt),
    }
}

#[track_caller]
fn wait_for_draft(ibid: &Pty, rows: &[&str]) {
    ibid.wait_until(&format!("draft {rows:?}"), |screen| draft_rows(screen) == rows);
}

/// The rows of the composer without its mark, up to the status line.
fn draft_rows(screen: &PtyScreen) -> Vec<String> {
    let contents = screen.contents();
    let rows: Vec<&str> = contents.lines().collect();
    let Some(first) = rows.iter().rposition(|row| row.trim_start().starts_with("› ")) else { return Vec::new() };
    let indent = rows[first].find('›').unwrap_or_default();
    let text = |row: &&str| row.chars().skip(indent + 2).collect::<String>();
    let below = rows[first + 1..].iter().take_while(|row| !row.is_empty() && row.starts_with("  "));
    std::iter::once(&rows[first]).chain(below).map(text).collect()
}

/// The inputs beside the project, each with what INDEX.md there asks for.
const TRIALS: [(&str, Expected); 8] = [
    ("colour-reply-cut-off", Expected::Draft(&["abcde"])),
    ("crlf-burst", Expected::Draft(&["one", "two", "three"])),
    ("ctrl-on-cyrillic-no-base", Expected::Draft(&["x"])),
    ("ctrl-on-greek-other-keys", Expected::Draft(&["one x"])),
    ("keypad-application-mode", Expected::Draft(&["1/*-+2"])),
    ("mouse-report-behind-esc", Expected::Draft(&["abc"])),
    ("paste-end-lost", Expected::Sent("never ends and typed")),
    ("string-replies", Expected::Draft(&["abcd"])),
];

#[test]
fn every_input_beside_the_project_becomes_what_its_index_asks_for() {
    let folder = trials_folder();
    let Ok(files) = fs::read_dir(&folder) else { return report_skipped(&folder) };
    let mut played = 0;
    for file in files {
        let path = file.expect("the folder can be read").path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let Some(name) = name.strip_suffix(".keys.json") else { continue };
        let known = TRIALS.iter().find(|(known, _)| *known == name);
        let (_, expected) = known.unwrap_or_else(|| panic!("{name} is new: say here what must become of it"));
        let text = fs::read_to_string(&path).expect("the file can be read");
        check(&serde_json::from_str(&text).expect("the file is JSON"), expected);
        played += 1;
    }
    assert_eq!(played, TRIALS.len(), "files are missing in {}", folder.display());
}

#[test]
fn a_paste_whose_end_is_lost_shows_keys_and_enter_sends_it() {
    check(
        &json!(["\u{1b}[200~The end of this", 1200, " paste is", 300, " lost", 200, "\r"]),
        &Expected::Sent("The end of this paste is lost"),
    );
    check(&json!(["\u{1b}[200~short", 300, "e", 60, "r", 60, "\r"]), &Expected::Sent("shorter"));
    check(
        &json!(["\u{1b}[200~one", 1200, "two\rthree\r", 300, "x", 200, "\u{7f}", 200, "y"]),
        &Expected::Draft(&["onetwo", "three", "y"]),
    );
}

#[test]
fn a_paste_with_its_marks_in_two_pieces_is_a_paste() {
    check(&json!(["\u{1b}", 30, "[200~one\rtwo\u{1b}[20", 200, "1~", 100, "x"]), &Expected::Draft(&["one", "twox"]));
}

#[test]
fn a_burst_of_lines_with_both_line_ends_is_a_draft_of_as_many_rows() {
    check(&json!(["eins\r\nzwei\r\ndrei\r\n", 100, "vier"]), &Expected::Draft(&["eins", "zwei", "drei", "vier"]));
}

#[test]
fn reports_in_two_pieces_type_nothing() {
    let steps = json!([
        "a",
        100,
        "\u{1b}[<64;1",
        150,
        "2;7M",
        50,
        "\u{1b}",
        90,
        "[<65;12;7M",
        50,
        "b",
        100,
        "\u{1b}]11;rgb:15",
        120,
        "15/1717/1c1c\u{1b}",
        120,
        "\\",
        50,
        "c",
        100,
        "\u{1b}[?99",
        120,
        "7;1n",
        50,
        "d",
        100,
        "\u{1b}[",
        120,
        "I",
        100,
        "e"
    ]);
    check(&steps, &Expected::Draft(&["abcde"]));
}

#[test]
fn what_is_typed_behind_a_reply_that_breaks_off_is_kept() {
    check(&json!(["a\u{1b}[<65;1", 100, "b", 100, "c", 400, "d"]), &Expected::Draft(&["abcd"]));
    check(&json!(["a\u{1b}P>|XTe", 350, "b", 250, "c"]), &Expected::Draft(&["abc"]));
}

#[test]
fn keypads_type_their_characters_and_unknown_sequences_nothing() {
    let keypad = "\u{1b}Op\u{1b}Oq\u{1b}Oy\u{1b}On\u{1b}Ol\u{1b}OX\u{1b}Oj";
    let unknown = "\u{1b}Oz\u{1b}O9z\u{1b}[M !!\u{1b}_x\u{1b}\\\u{1b}^y\u{1b}\\\u{1b}Xz\u{1b}\\\u{1b}[5;7;9z";
    check(&json!([keypad, 50, unknown, 50, "end"]), &Expected::Draft(&["019.,=*end"]));
}

#[test]
fn control_keys_work_on_other_layouts() {
    // By the base key of the protocol, by the table, and in the older form.
    check(&json!(["one two\u{1b}[1094::119;5u", 100, "x"]), &Expected::Draft(&["one x"]));
    check(&json!(["one two\u{1b}[1094;5u", 100, "x"]), &Expected::Draft(&["one x"]));
    check(&json!(["one two\u{1b}[27;5;1094~", 100, "x"]), &Expected::Draft(&["one x"]));
    check(&json!(["one two\u{1b}[27;5;945~", 100, "x"]), &Expected::Draft(&["xone two"]));
}

#[test]
fn where_the_terminal_reports_escape_as_a_sequence_the_head_of_a_report_is_not_the_key() {
    let stage = Stage::set_up();
    let mut ibid = stage.open();
    let asks = |screen: &PtyScreen| memchr::memmem::find(&screen.bytes, KEYBOARD_QUERY).is_some();
    ibid.wait_until("question for the keyboard protocol", asks);
    ibid.wait_until("request for the base keys", |screen| memchr::memmem::find(&screen.bytes, b"\x1b[>5u").is_some());
    ibid.play(&json!(["\u{1b}[?5u", 50]));
    ibid.type_keys("<ctrl-p>");
    ibid.wait_for("Choose the model");
    ibid.play(&json!(["\u{1b}", 60, "[<65;1;1M", "e", 50, "f"]));
    ibid.wait_for("› ef");
    ibid.send(b"\x1b[27u");
    ibid.wait_for("type a message");
}
