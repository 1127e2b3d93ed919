//! Reading aids: how wide the text is, what becomes of line breaks, what is copied, and zen.

use ibid::{
    config::{CopyForm, LineBreaks, SettingChange},
    ui::Effect,
};

use crate::support::harness::Harness;

/// Runs a slash command.
fn run(app: &mut Harness, command: &str) {
    app.enter_text(command);
    app.press("enter");
}

fn with_answer(width: u16, height: u16, text: &str) -> Harness {
    let mut app = Harness::new(width, height);
    let stream = app.send_prompt("Tell me");
    app.stream_answer(stream, text);
    app.effects();
    app
}

fn saved_settings(app: &mut Harness) -> Vec<SettingChange> {
    let saved = app.effects().into_iter().filter_map(|effect| match effect {
        Effect::SaveSetting(change) => Some(change),
        _ => None,
    });
    saved.collect()
}

#[test]
fn line_breaks_change_at_once_and_are_saved() {
    let mut app = with_answer(80, 24, "one of these\nand another\n\nthe end");
    run(&mut app, "/line-breaks markdown");
    assert!(app.screen().contains("one of these and another"), "{}", app.screen());
    run(&mut app, "/line-breaks keep");
    assert!(app.screen().contains("    one of these\n    and another\n"), "{}", app.screen());
    let changes = [LineBreaks::Markdown, LineBreaks::Keep].map(SettingChange::LineBreaks);
    assert_eq!(saved_settings(&mut app), changes);
}

#[test]
fn the_text_width_changes_at_once_and_is_saved() {
    let words = "word ".repeat(40);
    let mut app = with_answer(120, 24, &words);
    let longest = |app: &mut Harness| {
        let screen = app.screen();
        let rows = screen.lines().filter(|row| row.contains("word word"));
        rows.map(|row| row.matches("word").count()).max()
    };
    assert_eq!(longest(&mut app), Some(16));
    run(&mut app, "/text-width 52");
    assert_eq!(longest(&mut app), Some(10));
    assert_eq!(saved_settings(&mut app), [SettingChange::TextWidth(52)]);
    run(&mut app, "/text-width 12");
    assert!(app.screen().contains("/text-width takes 30 to 400 cells."), "{}", app.screen());
    assert_eq!(saved_settings(&mut app), []);
}

#[test]
fn a_width_that_is_not_offered_can_be_typed_in_the_commands() {
    let mut app = with_answer(80, 24, "text");
    app.press("ctrl-p");
    app.enter_text("text width");
    app.press("enter");
    assert!(app.screen().contains("╭── Text width"), "{}", app.screen());
    app.enter_text("47");
    app.press("enter");
    assert_eq!(app.env().config.text_width, 47);
    assert_eq!(saved_settings(&mut app), [SettingChange::TextWidth(47)]);
    assert!(!app.screen().contains("Text width"), "{}", app.screen());
}

#[test]
fn the_form_of_copies_is_chosen_in_the_commands() {
    let mut app = with_answer(80, 24, "text");
    app.press("ctrl-p");
    app.enter_text("copy-as");
    app.press("enter");
    app.enter_text("rich");
    app.press("enter");
    assert_eq!(app.env().config.copy_as, CopyForm::Rich);
    assert_eq!(saved_settings(&mut app), [SettingChange::CopyAs(CopyForm::Rich)]);
}
