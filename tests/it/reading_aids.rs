//! Reading aids: how wide the text is, what becomes of line breaks, what is copied, and zen.

use ibid::{
    config::{CopyForm, LineBreaks, SettingChange},
    ui::Effect,
};

use crate::{moving, support::harness::Harness};

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
    assert!(app.screen().contains("  one of these\n  and another\n"), "{}", app.screen());
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
    assert_eq!(longest(&mut app), Some(17));
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

/// What was copied: as text, and as HTML.
fn copied(app: &mut Harness) -> Option<(String, Option<String>)> {
    app.effects().into_iter().find_map(|effect| match effect {
        Effect::CopyToClipboard(text) => Some((text, None)),
        Effect::CopyRich { text, html } => Some((text, Some(html))),
        _ => None,
    })
}

const MARKDOWN: &str = "See **this**【4†source】:\n\n| a | b |\n|---|---|\n| 1 | 2 |";

#[test]
fn an_answer_is_copied_in_the_form_of_the_config_or_of_the_command() {
    let markdown = "See **this**:\n\n| a | b |\n|---|---|\n| 1 | 2 |";
    let plain = "See this:\n\na  b\n-  -\n1  2";
    let html = "<p>See <strong>this</strong>:</p>\n<table>\n<tr><th>a</th><th>b</th></tr>\n<tr><td>1</td><td>2</td></tr>\n</table>";
    for (form, text, rich) in [
        (CopyForm::Auto, markdown, None),
        (CopyForm::Markdown, markdown, None),
        (CopyForm::Plain, plain, None),
        (CopyForm::Rich, plain, Some(html.to_owned())),
    ] {
        let mut app = with_answer(80, 24, MARKDOWN);
        app.env_mut().config.copy_as = form;
        app.press("ctrl-x y");
        assert_eq!(copied(&mut app), Some((text.to_owned(), rich)), "{form:?}");
    }
    let mut app = with_answer(80, 24, MARKDOWN);
    run(&mut app, "/copy-plain");
    assert_eq!(copied(&mut app), Some((plain.to_owned(), None)));
    assert!(app.screen().contains("copied the answer as plain text"), "{}", app.screen());
    run(&mut app, "/copy-rich");
    assert_eq!(copied(&mut app), Some((plain.to_owned(), Some(html.to_owned()))));
    run(&mut app, "/copy-as rich");
    run(&mut app, "/copy-markdown");
    assert_eq!(copied(&mut app), Some((markdown.to_owned(), None)));
}

#[test]
fn a_selection_is_copied_in_the_form_of_the_config() {
    for (form, text) in [
        (CopyForm::Auto, "one two"),
        (CopyForm::Markdown, "**one** two"),
        (CopyForm::Plain, "one two"),
        (CopyForm::Rich, "one two"),
    ] {
        let mut app = with_answer(80, 24, "**one** two");
        app.env_mut().config.copy_as = form;
        app.press("tab");
        let start = moving::position_of(&app, "one");
        moving::press(&mut app, start);
        moving::drag(&mut app, (start.0 + 6, start.1));
        moving::release(&mut app, (start.0 + 6, start.1));
        app.press("V y");
        let html = (form == CopyForm::Rich).then(|| "<p><strong>one</strong> two</p>".to_owned());
        assert_eq!(copied(&mut app), Some((text.to_owned(), html)), "{form:?}");
    }
}

#[test]
fn zen_shows_only_the_text_and_the_composer() {
    let mut app = with_answer(170, 24, "An answer.");
    let before = app.screen();
    assert!(before.contains("Details") && before.contains("Conversations"), "{before}");
    app.press("ctrl-x z");
    let screen = app.screen();
    let rows: Vec<&str> = screen.lines().map(str::trim).filter(|row| !row.is_empty()).collect();
    assert_eq!(rows.first(), Some(&"▌ you"), "no title:\n{screen}");
    assert_eq!(rows.last(), Some(&"› type a message"), "no status line:\n{screen}");
    assert!(!screen.contains('│') && !screen.contains('─'), "no rules:\n{screen}");
    app.press("ctrl-x z");
    assert_eq!(app.screen(), before);
}

#[test]
fn in_zen_the_status_line_appears_while_a_turn_runs_or_a_sequence_waits() {
    let mut app = with_answer(80, 24, "An answer.");
    app.press("ctrl-x z");
    assert_eq!(app.status().trim(), "");
    app.send_prompt("And?");
    assert!(app.status().contains("Esc stops"), "{}", app.status());
    app.press("esc");
    assert_eq!(app.status().trim(), "", "{}", app.screen());
}

#[test]
fn what_is_opened_in_zen_is_shown() {
    for (keys, width, shown) in [
        ("ctrl-x b", 130, "Conversations"),
        ("ctrl-x l", 130, "Conversations"),
        ("ctrl-x r", 130, "Details"),
        ("ctrl-x i", 130, "Details"),
        ("ctrl-x l", 80, "Conversations"),
    ] {
        let mut app = with_answer(width, 24, "An answer.");
        app.press("ctrl-x z");
        assert!(!app.screen().contains(shown), "{}", app.screen());
        app.press(keys);
        assert!(app.screen().contains(shown), "{keys}\n{}", app.screen());
    }
}
