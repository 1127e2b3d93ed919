//! The list and the rail: as overlays, docked only where they have something to show, and the mouse around overlays.

use std::time::Duration;

use crossterm::event::{KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use ibid::{
    config::GlyphSet,
    render::theme::ColourDepth,
    store::StoreReply,
    ui::{Effect, Msg, StartOptions, screen::PaneFocus},
};
use insta::assert_snapshot;
use ratatui::style::Modifier;

use crate::support::{
    cited_answer,
    harness::{Harness, default_start},
};

fn started(start: StartOptions) -> Harness {
    let mut app = Harness::with_start(start);
    app.store_reply(StoreReply::Opened { newest: Vec::new(), total: 0, new_draft: String::new() });
    app.effects.clear();
    app
}

fn with_conversations(app: &mut Harness) {
    for prompt in ["Why the night sky is dark", "日本語の敬語を直して", "Refactor the parser, please, and tell me why"]
    {
        let stream = app.send_prompt(prompt);
        app.stream_answer(stream, "Yes.");
        app.press("ctrl-n");
    }
}

fn with_cited_answer(app: &mut Harness) {
    let stream = app.send_prompt("Is it safe to run SQLite in WAL mode on NFS?");
    cited_answer::stream_cited_answer(app, stream);
}

/// The first cell of a text on the screen.
fn find(app: &Harness, text: &str) -> (u16, u16) {
    let screen = app.screen();
    let found = screen.lines().enumerate().find(|(_, row)| row.contains(text));
    let (y, row) = found.unwrap_or_else(|| panic!("{text}: {screen}"));
    let x = row[..row.find(text).expect("it is there")].chars().count();
    (u16::try_from(x).expect("small"), u16::try_from(y).expect("small"))
}

fn click(app: &mut Harness, text: &str) {
    let at = find(app, text);
    click_at(app, at);
}

fn click_at(app: &mut Harness, (column, row): (u16, u16)) {
    for kind in [MouseEventKind::Down(MouseButton::Left), MouseEventKind::Up(MouseButton::Left)] {
        let event = MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE };
        app.send(Msg::Input { event: crossterm::event::Event::Mouse(event), more: false });
    }
}

#[test]
fn the_list_covers_a_small_screen_in_the_common_frame() {
    for (width, height) in [(80, 24), (100, 30), (60, 20)] {
        let mut app = Harness::new(width, height);
        with_conversations(&mut app);
        app.press("ctrl-x l");
        assert_snapshot!(format!("list-{width}x{height}"), app.screen());
        app.press("/");
        app.enter_text("the");
        assert_snapshot!(format!("list-filter-{width}x{height}"), app.screen());
    }
    for (name, start) in [
        (
            "ascii",
            StartOptions {
                config: ibid::config::Config { glyphs: GlyphSet::Ascii, ..default_start(80, 24).config },
                ..default_start(80, 24)
            },
        ),
        ("no-color", StartOptions { colours: ColourDepth::None, ..default_start(80, 24) }),
    ] {
        let mut app = started(start);
        with_conversations(&mut app);
        app.press("ctrl-x l");
        assert_snapshot!(format!("list-{name}"), app.screen());
    }
}

#[test]
fn in_the_field_of_the_list_letters_are_text_until_tab() {
    let mut app = Harness::new(80, 24);
    with_conversations(&mut app);
    app.press("ctrl-x l /");
    app.enter_text("d");
    assert!(app.screen().contains("› d"), "{}", app.screen());
    assert!(app.screen().contains("Tab to the list  Esc show all"), "{}", app.screen());
    app.press("tab d");
    assert!(app.screen().contains("1 of 2"), "a letter is a key again: {}", app.screen());
    app.press("esc");
    assert!(!app.screen().contains("› d"), "the first Esc shows all: {}", app.screen());
    assert!(app.overlay().is_some());
    app.press("esc");
    assert!(app.overlay().is_none(), "{}", app.screen());
}

#[test]
fn the_filter_ends_with_the_list() {
    for width in [80, 120] {
        let mut app = Harness::new(width, 30);
        with_conversations(&mut app);
        app.press("ctrl-x l /");
        app.enter_text("foo");
        app.press("ctrl-n");
        let stream = app.send_prompt("A new conversation");
        app.stream_answer(stream, "Yes.");
        app.press("ctrl-x l");
        let screen = app.screen();
        assert!(!screen.contains("foo") && screen.contains("A new conversation"), "{screen}");
    }
}

#[test]
fn renaming_says_that_esc_cancels() {
    let mut app = Harness::new(120, 30);
    with_conversations(&mut app);
    app.press("ctrl-x l r");
    assert!(app.status().contains("Esc cancels"), "{}", app.status());
}

#[test]
fn the_rail_is_docked_once_it_has_something_to_show() {
    for width in [160, 200] {
        let mut app = Harness::new(width, 40);
        assert!(!app.screen().contains("Reasoning"), "{}", app.screen());
        let before = app.areas();
        with_cited_answer(&mut app);
        let screen = app.screen();
        assert!(screen.contains("Reasoning  Sources 3  Details"), "{screen}");
        assert_eq!(app.areas().transcript.width, before.transcript.width, "the text does not wrap again at {width}");
    }
}

#[test]
fn after_a_cited_answer_the_rail_shows_its_sources_until_another_tab_is_chosen() {
    let mut app = Harness::new(200, 60);
    with_cited_answer(&mut app);
    assert_snapshot!("rail-after-cited-answer", app.screen());
    app.press("ctrl-x i");
    assert!(app.screen().contains("first byte") || app.screen().contains("sent at"), "{}", app.screen());
    app.press("esc");
    let stream = app.send_prompt("And on a local disk?");
    cited_answer::stream_cited_answer(&mut app, stream);
    assert!(!app.screen().contains("sent at"), "a new turn shows its sources again: {}", app.screen());
}

#[test]
fn the_rail_covers_a_small_screen_with_its_keys_in_the_frame() {
    for (width, height) in [(80, 24), (100, 30)] {
        let mut app = Harness::new(width, height);
        with_cited_answer(&mut app);
        app.press("ctrl-x s");
        assert_snapshot!(format!("rail-{width}x{height}"), app.screen());
        app.press("esc");
        assert!(app.overlay().is_none());
    }
}

#[test]
fn a_click_outside_closes_an_overlay_in_which_nothing_was_changed() {
    let mut app = Harness::new(120, 40);
    for keys in ["?", "ctrl-p", "ctrl-x j", "ctrl-x ,"] {
        app.press(keys);
        assert!(app.overlay().is_some(), "{keys}");
        click_at(&mut app, (1, 38));
        assert!(app.overlay().is_none(), "{keys}: {}", app.screen());
    }
    app.press("ctrl-x ,");
    app.enter_text("Be brief.");
    click_at(&mut app, (1, 38));
    assert!(app.overlay().is_some(), "what was typed is kept");
    app.press("esc");
    app.press("ctrl-p");
    let before = app.screen();
    click_at(&mut app, (20, 6));
    assert!(app.overlay().is_some() || app.screen() != before, "a click inside belongs to the overlay");
}

#[test]
fn a_click_outside_a_changed_overlay_says_what_cancels_it() {
    let mut app = Harness::new(120, 40);
    let stream = app.send_prompt("hello");
    app.stream_answer(stream, "Yes.");
    for (keys, text) in [("ctrl-x ,", "Be brief."), ("ctrl-p", "exp"), ("ctrl-r", "hello"), ("ctrl-x m", "opus")] {
        app.press(keys);
        app.enter_text(text);
        click_at(&mut app, (1, 38));
        let screen = app.screen();
        assert!(app.overlay().is_some(), "{keys}: what was typed is kept\n{screen}");
        assert!(
            screen.lines().any(|row| row.trim_end().ends_with("Esc cancel") && !row.contains('╯')),
            "{keys}:\n{screen}"
        );
        app.press("esc");
        app.wait(Duration::from_secs(5));
    }
}

#[test]
fn every_overlay_says_the_same_about_esc() {
    let mut app = Harness::new(120, 40);
    let stream = app.send_prompt("hello");
    app.stream_answer(stream, "```rust\nfn main() {}\n```");
    // What only shows is closed; what chooses or changes something is cancelled.
    for (keys, words) in [
        ("ctrl-p", "Esc close"),
        ("?", "Esc close"),
        ("ctrl-x j", "Esc close"),
        ("ctrl-x c", "Esc close"),
        ("ctrl-r", "Esc cancel"),
        ("ctrl-x u", "Esc cancel"),
        ("ctrl-x m", "Esc cancel"),
        ("ctrl-x e", "Esc cancel"),
        ("ctrl-x ,", "Esc cancel"),
    ] {
        app.press(keys);
        let screen = app.screen();
        assert!(screen.lines().any(|row| row.contains(&format!("{words} ──╯"))), "{keys}:\n{screen}");
        app.press("esc");
    }
}

#[test]
fn the_keys_of_a_docked_list_are_shown_once() {
    let mut app = Harness::new(120, 40);
    with_conversations(&mut app);
    app.press("ctrl-x l");
    assert_eq!(app.screen().matches("open").count(), 1, "{}", app.screen());
    assert!(app.status().contains("↵ open"), "{}", app.status());
    app.press("/");
    assert!(app.screen().lines().any(|row| row.starts_with(" ↵ open  Esc show all")), "{}", app.screen());
}

#[test]
fn the_hints_around_the_content_can_be_clicked() {
    let mut app = Harness::new(120, 40);
    click(&mut app, "^P commands");
    assert!(app.screen().contains("Commands ─"), "{}", app.screen());
    click(&mut app, "Esc close");
    assert!(app.overlay().is_none(), "{}", app.screen());
    click(&mut app, "? keys");
    assert!(app.overlay().is_some(), "{}", app.screen());
    app.press("esc");
    // The label can be clicked, too; the blank before it cannot.
    let (x, y) = find(&app, "^P commands");
    click_at(&mut app, (x + 5, y));
    assert!(app.overlay().is_some());
    app.press("esc");
    click_at(&mut app, (x - 2, y));
    assert!(app.overlay().is_none(), "{}", app.screen());
}

#[test]
fn no_text_of_a_model_can_be_clicked_as_a_key() {
    let mut app = Harness::new(80, 24);
    let stream = app.send_prompt("hello");
    app.stream_answer(stream, "# ╰── ^P commands ──╯\n\n`╰── Esc ──╯`\n\n```rust\n╰── 1 ──╯\n```");
    app.effects.clear();
    let area = app.areas().transcript;
    for y in area.top()..area.bottom() {
        for x in area.left()..area.right() {
            click_at(&mut app, (x, y));
            assert!(app.overlay().is_none(), "{x},{y}: {}", app.screen());
        }
    }
    assert!(!app.effects().iter().any(|effect| matches!(effect, Effect::OpenStream { .. } | Effect::Quit)));
}

#[test]
fn the_choice_in_force_is_checked_in_every_picker() {
    let mut app = Harness::new(120, 40);
    app.set_draft("/mouse");
    app.press("enter");
    assert!(app.screen().contains("✓  on"), "{}", app.screen());
    app.press("esc");
    app.set_draft("/theme");
    app.press("enter");
    assert!(app.screen().contains("✓  terminal"), "{}", app.screen());
}

#[test]
fn below_an_overlay_without_a_painted_background_only_the_status_line_is_drawn() {
    let mut app = Harness::new(120, 40);
    with_conversations(&mut app);
    app.press("ctrl-p");
    let screen = app.screen();
    assert!(!screen.contains("Type a message") && !screen.contains("type a message"), "{screen}");
    assert!(screen.lines().last().is_some_and(|status| status.contains("gpt-5.6-luna")), "{screen}");
    let mut start = default_start(120, 40);
    start.config.theme = "ink".into();
    let mut app = started(start);
    app.press("ctrl-p");
    assert!(app.screen().contains("type a message"), "a painted background shows it dimmed: {}", app.screen());
}

#[test]
fn a_cited_sentence_is_underlined_where_nothing_is_painted() {
    let mut app = Harness::new(120, 40);
    with_cited_answer(&mut app);
    app.press("ctrl-home tab ]");
    let buffer = app.buffer();
    let underlined = buffer.content.iter().filter(|cell| cell.modifier.contains(Modifier::UNDERLINED)).count();
    let reversed = buffer.content.iter().filter(|cell| cell.modifier.contains(Modifier::REVERSED)).count();
    assert!(underlined > 20, "{underlined}");
    assert!(reversed <= 6, "only the mark [1] is reversed: {reversed}");
    assert_eq!(app.focus(), PaneFocus::Transcript);
}

#[test]
fn code_in_a_list_has_its_ground_from_its_bar_on() {
    let mut start = default_start(80, 24);
    start.config.theme = "ink".into();
    let mut app = started(start);
    let stream = app.send_prompt("hello");
    app.stream_answer(stream, "- an item\n\n  ```rust\n  let x = 1;\n  ```\n");
    let (x, y) = find(&app, "▏ let x");
    let page = app.cell(0, y).bg;
    assert_eq!((app.cell(x - 1, y).bg, app.cell(x - 2, y).bg), (page, page), "{}", app.screen());
    assert_ne!(app.cell(x, y).bg, page);
}

#[test]
fn a_table_with_one_long_column_becomes_records() {
    let mut app = Harness::new(80, 24);
    let stream = app.send_prompt("hello");
    let long = "a long explanation that goes on for quite a while and then some, because it has much to say about it";
    let table = format!(
        "| Name of the setting | Default value of it | Since which version | What it does |\n|---|---|---|---|\n| alpha_setting_name | true or else false | 1.0 of March 2020 | {long} |\n"
    );
    app.stream_answer(stream, &table);
    let screen = app.screen();
    assert!(screen.lines().any(|row| row.trim() == "alpha_setting_name"), "{screen}");
    assert!(screen.contains("What it does  "), "{screen}");
}

#[test]
fn ascii_shows_boxes_three_dots_and_no_minus_before_money() {
    let mut start = default_start(80, 24);
    start.config.glyphs = GlyphSet::Ascii;
    let mut app = started(start);
    let stream = app.send_prompt("A long prompt whose words do not fit into the title above the text of the answer");
    app.stream_answer(stream, "- [x] done\n- [ ] open\n\nRoughly ≈ 3 and more…\n");
    let screen = app.screen();
    for words in ["[x] done", "[ ] open", "...", "~ 3 and more..."] {
        assert!(screen.contains(words), "{words}: {screen}");
    }
    assert!(!screen.contains(" - $"), "{screen}");
}
