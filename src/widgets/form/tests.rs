//! The form as a reader sees it.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use insta::assert_snapshot;
use ratatui::{buffer::Buffer, layout::Rect, widgets::Widget};

use super::{Entry, Form, FormView, Values};
use crate::{
    chat::Settings,
    widgets::{screen, theme::Theme},
};

fn drawn(form: &mut Form, width: u16, height: u16) -> String {
    let area = Rect::new(0, 0, width, height);
    let mut buf = Buffer::empty(area);
    let theme = Theme::default();
    form.scroll_to_cursor(area);
    let view = || FormView { form, theme: &theme };
    let cursor = view().cursor(area).expect("it has a cursor");
    view().render(area, &mut buf);
    format!("{}cursor {},{}", screen::rows(&buf), cursor.x, cursor.y)
}

fn type_in(form: &mut Form, text: &str) {
    for letter in text.chars() {
        assert!(form.edit(KeyCode::Char(letter).into()));
    }
}

#[test]
fn what_is_not_set_says_what_will_happen_then() {
    assert_snapshot!(drawn(&mut Form::new(&Settings::default()), 70, 16), @"
    ╭─ Instructions and sampling ────────────────────────────────────────╮
    │                                                                    │
    │  instructions                                                      │
    │› none                                                              │
    │                                                                    │
    │                                                                    │
    │                                                                    │
    │                                                                    │
    │  temperature        not set; 0 to 2                                │
    │                                                                    │
    │  top_p              not set; 0 to 1                                │
    │                                                                    │
    │  max_output_tokens  not set                                        │
    │                                                                    │
    ╰────────────────────────── ↵ save  esc leave  tab next  ^J newline ─╯

    cursor 3,3
    ");
    assert_snapshot!(drawn(&mut Form::new(&Settings::default()), 40, 10), @"
    ╭─ Instructions and sampling ──────────╮
    │  instructions                        │
    │› none                                │
    │                                      │
    │                                      │
    │                                      │
    │  temperature        not set; 0 to 2  │
    │  top_p              not set; 0 to 1  │
    │  max_output_tokens  not set          │
    ╰──────── ↵ save  esc leave  tab next ─╯
    cursor 3,2
    ");
}

#[test]
fn what_was_set_is_there_to_be_changed_and_empty_entries_are_not_sent() {
    let settings =
        Settings { instructions: Some("Be brief.".to_owned()), temperature: Some(0.7), ..Settings::default() };
    let mut form = Form::new(&settings);
    type_in(&mut form, " Cite.");
    form.edit(KeyEvent::new(KeyCode::Char('j'), KeyModifiers::CONTROL));
    form.paste("Two\r\nlines.");
    form.previous();
    type_in(&mut form, "4096");
    let expected = Values {
        instructions: Some("Be brief. Cite.\nTwo\nlines.".to_owned()),
        temperature: Some(0.7),
        top_p: None,
        max_output_tokens: Some(4096),
    };
    assert_eq!(form.values(), Some(expected));
    assert_snapshot!(drawn(&mut form, 70, 16), @"
    ╭─ Instructions and sampling ────────────────────────────────────────╮
    │                                                                    │
    │  instructions                                                      │
    │  Be brief. Cite.                                                   │
    │  Two                                                               │
    │  lines.                                                            │
    │                                                                    │
    │                                                                    │
    │  temperature        0.7                                            │
    │                                                                    │
    │  top_p              not set; 0 to 1                                │
    │                                                                    │
    │› max_output_tokens  4096                                           │
    │                                                                    │
    ╰────────────────────────── ↵ save  esc leave  tab next  ^J newline ─╯

    cursor 26,12
    ");
}

#[test]
fn what_cannot_be_sent_is_told_under_its_entry() {
    for (entry, typed) in [
        (Entry::Temperature, "2.1"),
        (Entry::Temperature, "warm"),
        (Entry::TopP, "-0.1"),
        (Entry::TopP, "NaN"),
        (Entry::MaxOutputTokens, "0"),
        (Entry::MaxOutputTokens, "1.5"),
    ] {
        let mut form = Form { at: entry, ..Form::new(&Settings::default()) };
        type_in(&mut form, typed);
        form.next();
        assert_eq!((form.values(), form.at), (None, entry), "{typed}");
    }
    let mut form = Form { at: Entry::Temperature, ..Form::new(&Settings::default()) };
    type_in(&mut form, "warm");
    assert!(drawn(&mut form, 50, 10).contains("a number from 0 to 2"));
    assert_snapshot!(drawn(&mut form, 70, 16), @"
    ╭─ Instructions and sampling ────────────────────────────────────────╮
    │                                                                    │
    │  instructions                                                      │
    │  none                                                              │
    │                                                                    │
    │                                                                    │
    │                                                                    │
    │                                                                    │
    │› temperature        warm                                           │
    │                     ! a number from 0 to 2, such as 0.7            │
    │  top_p              not set; 0 to 1                                │
    │                                                                    │
    │  max_output_tokens  not set                                        │
    │                                                                    │
    ╰────────────────────────── ↵ save  esc leave  tab next  ^J newline ─╯

    cursor 26,8
    ");
}

#[test]
fn up_and_down_walk_through_the_entries() {
    use Entry::{Instructions, MaxOutputTokens, Temperature, TopP};
    let mut form = Form::new(&Settings::default());
    let mut walked = Vec::new();
    for code in
        [KeyCode::Down, KeyCode::Down, KeyCode::Down, KeyCode::Down, KeyCode::Up, KeyCode::Up, KeyCode::Up, KeyCode::Up]
    {
        form.edit(code.into());
        walked.push(form.at);
    }
    assert_eq!(
        walked,
        [Temperature, TopP, MaxOutputTokens, MaxOutputTokens, TopP, Temperature, Instructions, Instructions]
    );
}

#[test]
fn it_draws_at_every_size() {
    for at in Entry::ALL {
        screen::at_every_size(|area, buf| {
            let mut form = Form { at, ..Form::new(&Settings::default()) };
            form.paste("9 and more");
            form.scroll_to_cursor(area);
            let theme = Theme::default();
            let view = || FormView { form: &form, theme: &theme };
            assert!(view().cursor(area).is_none_or(|at| area.contains(at)), "{area}");
            view().render(area, buf);
        });
    }
}
