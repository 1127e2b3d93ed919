//! The mouse: the wheel scrolls, a click acts on what is under it, and a drag selects.

use std::time::Duration;

use crossterm::event::MouseEventKind;
use ibid::{
    config::{CopyOnSelect, MouseMode, SettingChange},
    ui::{Effect, screen::PaneFocus},
};

use super::{click, click_on, copied, drag, position_of, press, release, send_mouse, with_answer};
use crate::support::harness::Harness;

fn long_answer() -> String {
    (1..=60).map(|row| format!("row {row}\n\n")).collect()
}

#[test]
fn the_wheel_scrolls_the_transcript_without_changing_draft_or_focus() {
    let mut app = with_answer(80, 24, &long_answer());
    app.press("esc");
    app.enter_text("a draft");
    assert!(app.screen().contains("row 60"));
    for _ in 0..3 {
        send_mouse(&mut app, MouseEventKind::ScrollUp, (20, 8));
    }
    assert!(!app.screen().contains("row 60"));
    assert_eq!((app.draft().as_str(), app.focus()), ("a draft", PaneFocus::Composer));
    for _ in 0..3 {
        send_mouse(&mut app, MouseEventKind::ScrollDown, (20, 8));
    }
    assert!(app.screen().contains("row 60"));
}

#[test]
fn the_wheel_scrolls_the_pane_under_the_pointer() {
    let mut app = with_answer(170, 24, &long_answer());
    let before = app.screen();
    send_mouse(&mut app, MouseEventKind::ScrollUp, (5, 5));
    assert!(app.screen().contains("row 60"), "the list scrolls, not the transcript");
    app.press("ctrl-p");
    let commands = app.screen();
    send_mouse(&mut app, MouseEventKind::ScrollDown, (80, 10));
    assert_ne!(app.screen(), commands, "the overlay scrolls");
    app.press("esc ?");
    let help = app.screen();
    send_mouse(&mut app, MouseEventKind::ScrollDown, (80, 10));
    assert_ne!(app.screen(), help);
    app.press("esc");
    assert_eq!(app.screen(), before);
}

#[test]
fn a_click_in_the_composer_moves_the_focus_and_places_the_caret() {
    let mut app = with_answer(80, 24, "Short.");
    app.press("esc");
    app.enter_text("hello world");
    app.press("tab");
    assert_eq!(app.focus(), PaneFocus::Transcript);
    click_on(&mut app, "world");
    assert_eq!(app.focus(), PaneFocus::Composer);
    app.enter_text("my ");
    assert_eq!(app.draft(), "hello my world");
}

#[test]
fn a_click_opens_a_listed_conversation_and_picks_a_picker_row() {
    let mut app = with_answer(130, 30, "The first answer.");
    app.press("esc ctrl-n");
    let stream = app.send_prompt("Another question");
    app.stream_answer(stream, "The second answer.");
    click_on(&mut app, "Show me");
    assert!(app.screen().contains("The first answer."), "{}", app.screen());
    app.press("ctrl-p");
    app.enter_text("new conv");
    click_on(&mut app, "New conversation");
    assert!(app.overlay().is_none() && app.conversation().is_none());
}

#[test]
fn a_click_on_the_copy_key_of_a_code_block_copies_it() {
    let mut app = with_answer(80, 24, "```rust\nlet a = 1;\n```\n\nand\n\n```\nother\n```");
    click_on(&mut app, "copy ^X c 1");
    assert_eq!(copied(&mut app).as_deref(), Some("let a = 1;\n"));
    click_on(&mut app, "rust");
    assert_eq!(copied(&mut app), None);
}

#[test]
fn dragging_past_the_edge_scrolls_until_the_button_is_released() {
    let mut app = with_answer(80, 24, &long_answer());
    let from = position_of(&app, "row 60");
    press(&mut app, from);
    drag(&mut app, (from.0, 0));
    app.wait(Duration::from_secs(1));
    release(&mut app, (from.0, 0));
    assert!(!app.screen().contains("row 60"), "{}", app.screen());
    let after_release = app.screen();
    app.wait(Duration::from_secs(1));
    assert_eq!(app.screen(), after_release);
    app.press("y");
    let text = copied(&mut app).expect("a selection");
    assert!(text.contains("row 50\n\nrow 51") && text.ends_with("row 59\n\nr"), "{text}");
    assert!(app.screen().contains("copied "), "{}", app.screen());
}

#[test]
fn a_double_click_selects_a_word_and_a_triple_click_the_line() {
    let line = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen";
    let mut app = with_answer(60, 24, line);
    let target = position_of(&app, "three");
    for expected in ["three", line] {
        click(&mut app, target);
        press(&mut app, target);
        release(&mut app, target);
        if expected == line {
            click(&mut app, target);
        }
        app.press("y");
        assert_eq!(copied(&mut app).as_deref(), Some(expected));
        app.wait(Duration::from_secs(1));
    }
}

#[test]
fn copy_on_select_copies_to_the_configured_clipboard() {
    for (setting, is_primary) in [(CopyOnSelect::Primary, true), (CopyOnSelect::Clipboard, false)] {
        let mut app = with_answer(80, 24, "Take these words.");
        app.env_mut().config.copy_on_select = setting;
        let (x, y) = position_of(&app, "these");
        press(&mut app, (x, y));
        drag(&mut app, (x + 4, y));
        assert!(app.effects().is_empty(), "nothing is copied before the button is released");
        release(&mut app, (x + 4, y));
        let found = app.effects().into_iter().find_map(|effect| match effect {
            Effect::CopyToPrimary(text) => Some((text, true)),
            Effect::CopyToClipboard(text) => Some((text, false)),
            _ => None,
        });
        assert_eq!(found, Some(("these".into(), is_primary)));
    }
}

#[test]
fn a_change_of_the_mouse_mode_applies_at_once() {
    let mut app = with_answer(80, 24, &long_answer());
    app.press("ctrl-p");
    app.enter_text("mouse");
    app.press("enter down enter");
    let effects = app.effects();
    assert!(effects.iter().any(|effect| matches!(effect, Effect::SetMouseMode(MouseMode::Wheel))));
    assert!(
        effects.iter().any(|effect| matches!(effect, Effect::SaveSetting(SettingChange::Mouse(MouseMode::Wheel)))),
        "the choice is saved"
    );
    click_on(&mut app, "type a message");
    assert_eq!(app.focus(), PaneFocus::Transcript, "with the wheel only, a click does nothing");
    send_mouse(&mut app, MouseEventKind::ScrollUp, (20, 8));
    assert!(!app.screen().contains("row 60"));
    app.press("ctrl-p");
    app.enter_text("mouse");
    app.press("enter down enter");
    assert!(app.effects().iter().any(|effect| matches!(effect, Effect::SetMouseMode(MouseMode::Off))));
}

#[test]
fn mouse_presses_never_panic_at_any_position() {
    for (width, height) in [(170, 30), (44, 11), (3, 3)] {
        let mut app = Harness::new(width, height);
        let stream = app.send_prompt("Show me");
        app.stream_answer(stream, &long_answer());
        for overlay in ["", "ctrl-p", "ctrl-x l", "ctrl-x r", "?", "ctrl-x ,"] {
            app.press(overlay);
            for y in (0..height).step_by(4) {
                for x in (0..width).step_by(41) {
                    press(&mut app, (x, y));
                    drag(&mut app, (width.saturating_sub(x), height.saturating_sub(y)));
                    release(&mut app, (x + 200, y + 200));
                }
            }
            app.press("esc esc");
        }
    }
}
