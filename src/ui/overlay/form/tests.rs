//! Tests of the form and its drawing.

use crossterm::event::KeyCode;
use insta::assert_snapshot;
use ratatui::{buffer::Buffer, layout::Rect, widgets::Widget};

use super::{FormEntry, FormValues, FormView, SettingsForm};
use crate::{
    chat::ChatSettings,
    render::theme::Theme,
    ui::{Action, keymap::Keymap, test_buffer},
};

fn drawn(form: &mut SettingsForm, width: u16, height: u16) -> String {
    let area = Rect::new(0, 0, width, height);
    let mut buf = Buffer::empty(area);
    let theme = Theme::default();
    form.scroll_to_cursor(area);
    let keymap = Keymap::default();
    let view = || FormView { form, keymap: &keymap, theme: &theme };
    let cursor = view().cursor(area).expect("the form has a cursor");
    view().render(area, &mut buf);
    format!("{}cursor {},{}", test_buffer::buffer_text(&buf), cursor.x, cursor.y)
}

fn type_in(form: &mut SettingsForm, text: &str) {
    for letter in text.chars() {
        form.edit(KeyCode::Char(letter).into());
    }
}

#[test]
fn empty_entries_show_their_placeholders() {
    assert_snapshot!(drawn(&mut SettingsForm::new(&ChatSettings::default()), 70, 16), @"
    ╭── System prompt and sampling ──────────────────────────────────────╮
    │                                                                    │
    │   system prompt                                                    │
    │ › none                                                             │
    │                                                                    │
    │                                                                    │
    │                                                                    │
    │                                                                    │
    │   temperature        not set; 0 to 2                               │
    │                                                                    │
    │   top_p              not set; 0 to 1                               │
    │                                                                    │
    │   max_output_tokens  not set                                       │
    │                                                                    │
    ╰──────────────────────── ↵ save  Tab next  ^J newline  Esc cancel ──╯

    cursor 4,3
    ");
    assert_snapshot!(drawn(&mut SettingsForm::new(&ChatSettings::default()), 40, 10), @"
    ╭── System prompt and sampling ────────╮
    │   system prompt                      │
    │ › none                               │
    │                                      │
    │                                      │
    │                                      │
    │   temperature        not set; 0 t…   │
    │   top_p              not set; 0 t…   │
    │   max_output_tokens  not set         │
    ╰────── ↵ save  Tab next  Esc cancel ──╯
    cursor 4,2
    ");
}

#[test]
fn current_values_can_be_edited_and_empty_entries_are_not_sent() {
    let settings =
        ChatSettings { instructions: Some("Be brief.".to_owned()), temperature: Some(0.7), ..ChatSettings::default() };
    let mut form = SettingsForm::new(&settings);
    type_in(&mut form, " Cite.");
    form.on_action(Action::EntryNewline);
    form.paste("Two\r\nlines.");
    form.previous();
    type_in(&mut form, "4096");
    let expected = FormValues {
        instructions: Some("Be brief. Cite.\nTwo\nlines.".to_owned()),
        temperature: Some(0.7),
        top_p: None,
        max_output_tokens: Some(4096),
    };
    assert_eq!(form.values(), Some(expected));
    assert_snapshot!(drawn(&mut form, 70, 16), @"
    ╭── System prompt and sampling ──────────────────────────────────────╮
    │                                                                    │
    │   system prompt                                                    │
    │   Be brief. Cite.                                                  │
    │   Two                                                              │
    │   lines.                                                           │
    │                                                                    │
    │                                                                    │
    │   temperature        0.7                                           │
    │                                                                    │
    │   top_p              not set; 0 to 1                               │
    │                                                                    │
    │ › max_output_tokens  4096                                          │
    │                                                                    │
    ╰──────────────────────── ↵ save  Tab next  ^J newline  Esc cancel ──╯

    cursor 27,12
    ");
}

#[test]
fn an_invalid_value_shows_its_error_below_the_entry() {
    for (entry, typed) in [
        (FormEntry::Temperature, "2.1"),
        (FormEntry::Temperature, "warm"),
        (FormEntry::TopP, "-0.1"),
        (FormEntry::TopP, "NaN"),
        (FormEntry::MaxOutputTokens, "0"),
        (FormEntry::MaxOutputTokens, "1.5"),
    ] {
        let mut form = SettingsForm { current: entry, ..SettingsForm::new(&ChatSettings::default()) };
        type_in(&mut form, typed);
        form.next();
        assert_eq!((form.values(), form.current), (None, entry), "{typed}");
    }
    let mut form = SettingsForm { current: FormEntry::Temperature, ..SettingsForm::new(&ChatSettings::default()) };
    type_in(&mut form, "warm");
    assert!(drawn(&mut form, 50, 10).contains("a number from 0 to 2"));
    assert_snapshot!(drawn(&mut form, 70, 16), @"
    ╭── System prompt and sampling ──────────────────────────────────────╮
    │                                                                    │
    │   system prompt                                                    │
    │   none                                                             │
    │                                                                    │
    │                                                                    │
    │                                                                    │
    │                                                                    │
    │ › temperature        warm                                          │
    │                      ! a number from 0 to 2, such as 0.7           │
    │   top_p              not set; 0 to 1                               │
    │                                                                    │
    │   max_output_tokens  not set                                       │
    │                                                                    │
    ╰──────────────────────── ↵ save  Tab next  ^J newline  Esc cancel ──╯

    cursor 27,8
    ");
}

#[test]
fn up_and_down_walk_through_the_entries() {
    use FormEntry::{Instructions, MaxOutputTokens, Temperature, TopP};
    let mut form = SettingsForm::new(&ChatSettings::default());
    let mut walked = Vec::new();
    for action in [[Action::RowDown; 4], [Action::RowUp; 4]].concat() {
        form.on_action(action);
        walked.push(form.current);
    }
    assert_eq!(
        walked,
        [Temperature, TopP, MaxOutputTokens, MaxOutputTokens, TopP, Temperature, Instructions, Instructions]
    );
}

#[test]
fn the_form_draws_at_every_size() {
    for at in FormEntry::ALL {
        test_buffer::draw_at_every_size(|area, buf| {
            let mut form = SettingsForm { current: at, ..SettingsForm::new(&ChatSettings::default()) };
            form.paste("9 and more");
            form.scroll_to_cursor(area);
            let theme = Theme::default();
            let keymap = Keymap::default();
            let view = || FormView { form: &form, keymap: &keymap, theme: &theme };
            assert!(view().cursor(area).is_none_or(|at| area.contains(at)), "{area}");
            view().render(area, buf);
        });
    }
}
