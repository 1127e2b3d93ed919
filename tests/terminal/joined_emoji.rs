//! Joined emoji on a terminal that joins none: whatever scrolls over them, no half of one stays.

use std::fs;

use crate::{
    Stage, report_skipped,
    support::pty::{Pty, PtyScreen},
    trials_folder,
};

/// The rows, without the composer's.
fn answer_rows(screen: &PtyScreen) -> Vec<String> {
    screen.contents().lines().filter(|row| !row.contains('›')).map(str::to_owned).collect()
}

/// Compares the screen with one that is painted from nothing.
#[track_caller]
fn assert_no_remains(ibid: &mut Pty, draft: &mut String) {
    let mut rows_with = |ibid: &mut Pty, keys: &str| {
        draft.push('x');
        ibid.type_keys(&format!("{keys}x"));
        ibid.wait_for(&format!("› {draft}"));
        ibid.with_screen(answer_rows)
    };
    let painted = rows_with(ibid, "");
    assert_eq!(painted, rows_with(ibid, "<ctrl-l>"));
}

/// Shows an answer that ends with `end`, and scrolls through it.
#[track_caller]
fn check(text: &str, end: &str) {
    let stage = Stage::set_up();
    let mut ibid = stage.open();
    stage.exchange_until(&mut ibid, "hello", text, end);
    let mut draft = String::new();
    assert_no_remains(&mut ibid, &mut draft);
    for keys in ["<pgup>", "<pgup>", "<pgup>", "<pgdn>", "<pgdn>", "<pgdn>"] {
        ibid.type_keys(keys);
        assert_no_remains(&mut ibid, &mut draft);
    }
}

#[test]
fn no_half_of_a_joined_emoji_stays() {
    let emoji = "👨\u{200d}👩\u{200d}👧 and 👍🏽👍🏽 and ❤\u{fe0f}\u{200d}🔥, 🇫🇷🇩🇪 end.";
    let rows: String = (0..40)
        .map(|row| if row % 5 == 0 { format!("{emoji} {row}\n\n") } else { format!("Row {row}.\n\n") })
        .collect();
    check(&rows, "Row 39.");
}

#[test]
fn the_input_beside_the_project_leaves_no_half_of_an_emoji() {
    let path = trials_folder().join("family-emoji.md");
    match fs::read_to_string(&path) {
        Ok(text) => check(&text, "Row 39 of the text"),
        Err(_) => report_skipped(&path),
    }
}
