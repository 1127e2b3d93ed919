//! The wheel scrolls and a click opens what lies under it.

use std::time::Duration;

use crossterm::event::MouseEventKind;
use ibid::{
    app::{Effect, screen::Focus},
    config::{Chosen, CopyOnSelect, Mouse},
};

use crate::{click, click_on, copied, drag, mouse, position, press, reading, release, support::harness::Harness};

fn long() -> String {
    (1..=60).map(|row| format!("row {row}\n\n")).collect()
}

#[test]
fn the_wheel_scrolls_the_text_and_leaves_the_draft_and_the_focus() {
    let mut app = reading(80, 24, &long());
    app.press("esc");
    app.enter_text("a draft");
    assert!(app.screen().contains("row 60"));
    for _ in 0..3 {
        mouse(&mut app, MouseEventKind::ScrollUp, (20, 8));
    }
    assert!(!app.screen().contains("row 60"));
    assert_eq!((app.draft().as_str(), app.state.screen.focus), ("a draft", Focus::Composer));
    for _ in 0..3 {
        mouse(&mut app, MouseEventKind::ScrollDown, (20, 8));
    }
    assert!(app.screen().contains("row 60"));
}

#[test]
fn the_wheel_scrolls_what_lies_under_it() {
    let mut app = reading(170, 24, &long());
    let before = app.screen();
    mouse(&mut app, MouseEventKind::ScrollUp, (5, 5));
    assert!(app.screen().contains("row 60"), "the list, not the text");
    app.press("ctrl-p");
    let menu = app.screen();
    mouse(&mut app, MouseEventKind::ScrollDown, (80, 10));
    assert_ne!(app.screen(), menu, "the overlay on top");
    app.press("esc ?");
    let help = app.screen();
    mouse(&mut app, MouseEventKind::ScrollDown, (80, 10));
    assert_ne!(app.screen(), help);
    app.press("esc");
    assert_eq!(app.screen(), before);
}

#[test]
fn a_click_gives_the_focus_and_places_the_caret() {
    let mut app = reading(80, 24, "Short.");
    app.press("esc");
    app.enter_text("hello world");
    click_on(&mut app, "Short.");
    assert_eq!(app.state.screen.focus, Focus::Transcript);
    click_on(&mut app, "world");
    assert_eq!(app.state.screen.focus, Focus::Composer);
    app.enter_text("my ");
    assert_eq!(app.draft(), "hello my world");
}

#[test]
fn a_click_opens_a_conversation_of_the_list_and_a_row_of_a_picker() {
    let mut app = reading(130, 30, "The first answer.");
    app.press("esc ctrl-n");
    let stream = app.prompt("Another question");
    app.answer(stream, "The second answer.");
    click_on(&mut app, "Show me");
    assert!(app.screen().contains("The first answer."), "{}", app.screen());
    app.press("ctrl-p");
    app.enter_text("new conv");
    click_on(&mut app, "New conversation");
    assert!(app.state.screen.overlays.is_empty() && app.state.current().is_none());
}

#[test]
fn a_click_on_the_key_over_a_code_block_copies_the_block() {
    let mut app = reading(80, 24, "```rust\nlet a = 1;\n```\n\nand\n\n```\nother\n```");
    click_on(&mut app, "copy c1");
    assert_eq!(copied(&mut app).as_deref(), Some("let a = 1;\n"));
    click_on(&mut app, "rust");
    assert_eq!(copied(&mut app), None);
}

#[test]
fn a_drag_selects_and_beyond_the_edge_it_scrolls_until_the_button_is_let_go() {
    let mut app = reading(80, 24, &long());
    let from = position(&app, "row 60");
    press(&mut app, from);
    drag(&mut app, (from.0, 0));
    app.wait(Duration::from_secs(1));
    release(&mut app, (from.0, 0));
    assert!(!app.screen().contains("row 60"), "{}", app.screen());
    let stays = app.screen();
    app.wait(Duration::from_secs(1));
    assert_eq!(app.screen(), stays);
    app.press("y");
    let text = copied(&mut app).expect("a selection");
    assert!(text.contains("row 50\n\nrow 51") && text.ends_with("row 59\n\nr"), "{text}");
    assert!(app.screen().contains("copied "), "{}", app.screen());
}

#[test]
fn two_presses_take_a_word_and_three_the_line() {
    let words = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen";
    let mut app = reading(60, 24, words);
    let at = position(&app, "three");
    for expected in ["three", words] {
        click(&mut app, at);
        press(&mut app, at);
        release(&mut app, at);
        if expected == words {
            click(&mut app, at);
        }
        app.press("y");
        assert_eq!(copied(&mut app).as_deref(), Some(expected));
        app.wait(Duration::from_secs(1));
    }
}

#[test]
fn what_is_selected_is_copied_by_itself_where_the_config_says_so() {
    for (wanted, primary) in [(CopyOnSelect::Primary, true), (CopyOnSelect::Clipboard, false)] {
        let mut app = reading(80, 24, "Take these words.");
        app.state.config.copy_on_select = wanted;
        let (x, y) = position(&app, "these");
        press(&mut app, (x, y));
        drag(&mut app, (x + 4, y));
        assert!(app.effects().is_empty(), "not before the button is let go");
        release(&mut app, (x + 4, y));
        let found = app.effects().into_iter().find_map(|effect| match effect {
            Effect::CopyPrimary(text) => Some((text, true)),
            Effect::Copy(text) => Some((text, false)),
            _ => None,
        });
        assert_eq!(found, Some(("these".into(), primary)));
    }
}

#[test]
fn the_mouse_is_given_back_at_once_when_it_is_not_wanted() {
    let mut app = reading(80, 24, &long());
    app.press("ctrl-p");
    app.enter_text("mouse");
    app.press("enter down enter");
    let effects = app.effects();
    assert!(effects.iter().any(|effect| matches!(effect, Effect::TakeMouse(Mouse::Wheel))));
    assert!(effects.iter().any(|effect| matches!(effect, Effect::Keep(Chosen::Mouse(Mouse::Wheel)))), "as themes are");
    click_on(&mut app, "type a message");
    assert_eq!(app.state.screen.focus, Focus::Transcript, "with the wheel only, a click does nothing");
    mouse(&mut app, MouseEventKind::ScrollUp, (20, 8));
    assert!(!app.screen().contains("row 60"));
    app.press("ctrl-p");
    app.enter_text("mouse");
    app.press("enter down enter");
    assert!(app.effects().iter().any(|effect| matches!(effect, Effect::TakeMouse(Mouse::Off))));
}

#[test]
fn nothing_panics_wherever_the_mouse_is_pressed() {
    for (width, height) in [(170, 30), (44, 11), (3, 3)] {
        let mut app = Harness::new(width, height);
        let stream = app.prompt("Show me");
        app.answer(stream, &long());
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
