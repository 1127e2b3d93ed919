//! The focus and the cursor: what a key and a click mean where the reader is.

mod cursor;
mod status;

use crossterm::event::MouseEventKind;
use ibid::ui::screen::PaneFocus;

use crate::{
    moving::{click_on, copied, drag, position_of, press, release, send_mouse, with_answer},
    support::{cited_answer, harness::Harness},
};

const CODE: &str = "Prose first.\n\n```rust\nlet a = 1;\n```\n\nand\n\n```\nother\n```\n";

/// Starts with three short exchanges on the screen and the focus in the composer.
pub fn three_turns(width: u16, height: u16) -> Harness {
    let mut app = Harness::new(width, height);
    for turn in ["one", "two", "three"] {
        let stream = app.send_prompt(&format!("prompt {turn}"));
        app.stream_answer(stream, &format!("answer {turn}"));
    }
    app.effects();
    app
}

fn cited(width: u16, height: u16) -> Harness {
    let mut app = Harness::new(width, height);
    let stream = app.send_prompt("Is WAL safe on NFS?");
    cited_answer::stream_cited_answer(&mut app, stream);
    app.effects();
    app
}

#[test]
fn a_click_in_plain_text_leaves_the_focus_where_it_is() {
    let mut app = three_turns(80, 24);
    click_on(&mut app, "answer two");
    app.enter_text("dear model, please rephrase");
    assert_eq!((app.draft().as_str(), app.focus()), ("dear model, please rephrase", PaneFocus::Composer));
    app.press("tab");
    click_on(&mut app, "answer two");
    assert_eq!(app.focus(), PaneFocus::Transcript);
}

#[test]
fn a_drag_selects_while_the_composer_keeps_the_focus_and_the_status_names_the_keys() {
    let mut app = three_turns(100, 24);
    let (x, y) = position_of(&app, "answer two");
    press(&mut app, (x, y));
    drag(&mut app, (x + 5, y));
    release(&mut app, (x + 5, y));
    assert_eq!(app.focus(), PaneFocus::Composer);
    assert!(app.status().contains("^C copies  Esc clears"), "{}", app.status());
    app.press("ctrl-c");
    assert_eq!(copied(&mut app).as_deref(), Some("answer"));
    press(&mut app, (x, y));
    drag(&mut app, (x + 5, y));
    release(&mut app, (x + 5, y));
    app.press("esc");
    assert!(!app.status().contains("copies"), "{}", app.status());
    press(&mut app, (x, y));
    drag(&mut app, (x + 5, y));
    release(&mut app, (x + 5, y));
    app.press("tab");
    assert!(app.status().contains("y copies"), "{}", app.status());
}

#[test]
fn find_gives_the_focus_back_to_where_it_was_opened() {
    let mut app = three_turns(80, 24);
    app.enter_text("hello");
    app.press("ctrl-x f o n esc");
    app.enter_text(" r");
    assert_eq!(app.draft(), "hello r");
    app.press("tab / o n enter esc");
    assert_eq!(app.focus(), PaneFocus::Transcript);
}

#[test]
fn a_source_card_gives_the_focus_back_to_where_it_was_opened() {
    let mut app = cited(80, 30);
    click_on(&mut app, "[1]");
    assert_eq!(app.focus(), PaneFocus::Transcript);
    app.press("esc");
    assert_eq!(app.focus(), PaneFocus::Composer, "{}", app.screen());
    let mut app = cited(130, 30);
    app.press("ctrl-x s j enter");
    assert_eq!(app.focus(), PaneFocus::Transcript);
    app.press("esc");
    assert_eq!(app.focus(), PaneFocus::Rail, "{}", app.screen());
    app.press("esc tab ] enter esc");
    assert_eq!(app.focus(), PaneFocus::Transcript, "the card was opened in the text");
}

#[test]
fn a_click_on_a_fold_or_a_row_moves_the_focus() {
    let mut app = cited(130, 30);
    app.press("ctrl-n tab");
    assert_eq!(app.focus(), PaneFocus::List);
    click_on(&mut app, "Is WAL safe");
    assert_eq!(app.focus(), PaneFocus::Composer, "the opened conversation is written to");
}

#[test]
fn a_key_that_is_no_command_goes_to_the_composer() {
    for start in ["tab", "tab v", "ctrl-x f o n enter"] {
        let mut app = three_turns(80, 24);
        app.press(start);
        app.enter_text("What else?");
        assert_eq!((app.draft().as_str(), app.focus()), ("What else?", PaneFocus::Composer), "{start}");
        assert!(app.opened_streams().is_empty());
    }
    let mut app = three_turns(130, 24);
    app.press("ctrl-x l");
    app.enter_text("x, y");
    assert_eq!((app.draft().as_str(), app.focus()), ("x, y", PaneFocus::Composer));
    let mut app = cited(130, 24);
    app.press("ctrl-x s");
    app.enter_text("What?");
    assert_eq!((app.draft().as_str(), app.focus()), ("What?", PaneFocus::Composer));
}

#[test]
fn a_sequence_that_ends_in_no_command_goes_to_the_composer_whole() {
    let mut app = with_answer(80, 24, CODE);
    app.enter_text("can you");
    assert_eq!((app.draft().as_str(), app.focus()), ("can you", PaneFocus::Composer));
    let mut app = with_answer(80, 24, CODE);
    app.press("c esc");
    assert_eq!((app.draft().as_str(), app.focus()), ("", PaneFocus::Transcript));
    app.press("ctrl-x 0");
    assert_eq!((app.draft().as_str(), app.focus()), ("", PaneFocus::Transcript), "the leader types nothing");
}

#[test]
fn c_and_a_digit_copy_a_code_block_as_the_block_says() {
    let mut app = with_answer(80, 24, CODE);
    assert!(app.screen().contains("copy ^X c 1"), "{}", app.screen());
    app.press("c 2");
    assert_eq!(copied(&mut app).as_deref(), Some("other\n"));
    app.press("c 7");
    assert!(app.screen().contains("the answer has no code block 7"), "{}", app.screen());
    app.press("esc ctrl-x c 1");
    assert_eq!(copied(&mut app).as_deref(), Some("let a = 1;\n"));
    assert!(app.overlay().is_none());
    app.env_mut().keymap.remap(None, "code", &["f9".to_owned()]).expect("the key is free");
    app.draw();
    assert!(app.screen().contains("copy F9 1"), "{}", app.screen());
}

#[test]
fn a_code_block_names_its_key_only_where_that_copies_it() {
    let mut app = Harness::new(100, 40);
    for (prompt, code) in [("first", "echo FIRST"), ("second", "echo SECOND")] {
        let stream = app.send_prompt(prompt);
        app.stream_answer(stream, &format!("```sh\n{code}\n```\n"));
    }
    let label = |app: &Harness, code: &str| {
        let screen = app.screen();
        let rows: Vec<&str> = screen.lines().collect();
        let at = rows.iter().position(|row| row.contains(code)).expect("the code is visible");
        rows[at - 1].trim_end().to_owned()
    };
    assert!(label(&app, "echo SECOND").ends_with("copy ^X c 1"), "{}", app.screen());
    let other = label(&app, "echo FIRST");
    assert!(other.ends_with("copy") && !other.contains("^X"), "{other}");
    app.press("ctrl-x c 1");
    assert_eq!(copied(&mut app).as_deref(), Some("echo SECOND\n"));
    app.press("tab K K");
    assert!(label(&app, "echo FIRST").ends_with("copy ^X c 1"), "{}", app.screen());
    assert!(label(&app, "echo SECOND").ends_with("copy"), "{}", app.screen());
    app.press("c 1");
    assert_eq!(copied(&mut app).as_deref(), Some("echo FIRST\n"));
}

#[test]
fn answering_again_asks_first_and_typing_cancels_it() {
    let mut app = three_turns(120, 24);
    app.press("tab");
    app.enter_text("rewrite it");
    assert_eq!((app.draft().as_str(), app.focus()), ("rewrite it", PaneFocus::Composer));
    assert!(app.overlay().is_none() && app.opened_streams().is_empty());
    let mut app = three_turns(120, 24);
    app.enter_text("/answer-again");
    app.press("enter");
    app.enter_text("no");
    assert_eq!(app.draft(), "no", "no letter opened the question");
    app.press("ctrl-u tab r");
    app.paste("pasted");
    assert_eq!(app.draft(), "pasted");
    app.press("enter");
    let body = app.opened_streams().remove(0).1;
    assert!(body["input"].to_string().contains("pasted"), "{body}");
}

#[test]
fn editing_a_prompt_asks_first_and_typing_cancels_it() {
    let mut app = three_turns(120, 24);
    app.press("tab");
    app.enter_text("explain this");
    assert_eq!((app.draft().as_str(), app.focus()), ("explain this", PaneFocus::Composer));
    app.press("enter");
    assert_eq!(app.conversation().expect("a conversation").branch.len(), 8, "it was sent as a new prompt");
    let mut app = three_turns(120, 24);
    app.press("tab e");
    let row = app.row(app.areas().composer.y);
    assert!(row.contains("edit prompt three") && row.contains("↵ edit") && row.contains("Esc cancel"), "{row}");
    app.press("esc");
    assert_eq!(app.draft(), "");
    app.press("e enter");
    assert_eq!((app.draft().as_str(), app.focus()), ("prompt three", PaneFocus::Composer));
}

#[test]
fn the_wheel_takes_the_cursor_along_only_while_reading() {
    let mut app = with_answer(80, 24, &"A paragraph.\n\n".repeat(60));
    app.press("ctrl-home");
    app.press("K");
    for _ in 0..8 {
        send_mouse(&mut app, MouseEventKind::ScrollDown, (20, 8));
    }
    app.press("y");
    assert!(copied(&mut app).expect("an answer").starts_with("A paragraph."), "the cursor is on the visible answer");
}
