//! Tests the list as it is drawn.

use std::cell::Cell;

use crossterm::event::KeyCode;
use insta::assert_snapshot;
use jiff::{SignedDuration, civil::date, tz::TimeZone};
use ratatui::{buffer::Buffer, layout::Rect, widgets::Widget};
use uuid::Uuid;

use super::{ConversationList, ConversationListView, ListActivity, ListStep, RowEdit};
use crate::{
    chat::{ConversationFiling, ConversationId, ConversationSummary},
    render::theme::Theme,
    ui::{conversation_index::ConversationIndex, keymap::Keymap, test_buffer},
};

fn id(n: usize) -> ConversationId {
    ConversationId(Uuid::from_u128(n as u128))
}

/// Returns conversations with these titles, each the given number of hours before the one above it.
fn summaries(of: &[(&str, i64)]) -> Vec<ConversationSummary> {
    let mut updated = "2026-03-10T20:00:00Z".parse().expect("a timestamp");
    let mut all = Vec::new();
    for (n, (title, hours)) in of.iter().enumerate() {
        updated -= SignedDuration::from_hours(*hours);
        all.push(ConversationSummary {
            id: id(n),
            title: (*title).to_owned(),
            updated_at: updated,
            unread: false,
            failed: false,
            model: "openai/gpt-5.6-luna".into(),
            filing: ConversationFiling::default(),
            is_temporary: false,
        });
    }
    all
}

fn sample_summaries() -> Vec<ConversationSummary> {
    let mut all = summaries(&[
        ("SQLite WAL on NFS", 0),
        ("Menu for six, no nuts", 1),
        ("Haiku about borrowck", 1),
        ("Why the night sky is dark", 24),
        ("日本語の敬語を直してください、お願いします", 1),
        ("Thesis outline, ch. 2", 50),
        ("Names for a cat", 24 * 30),
    ]);
    all[1].unread = true;
    all[2].failed = true;
    all
}

fn arrange(list: &mut ConversationList, summaries: &[ConversationSummary]) {
    list.arrange(&ConversationIndex::from(summaries.to_vec()), date(2026, 3, 10), &TimeZone::UTC);
}

fn drawn(
    list: &mut ConversationList,
    summaries: &[ConversationSummary],
    focused: bool,
    width: u16,
    height: u16,
) -> String {
    let area = Rect::new(0, 0, width, height);
    let mut buf = Buffer::empty(area);
    arrange(list, summaries);
    list.scroll_to_cursor(height);
    let view = ConversationListView {
        list,
        summaries,
        total: summaries.len(),
        open: Some(id(0)),
        activity: &|conversation| (conversation == id(0)).then_some(ListActivity::Running),
        spinner: "◐",
        focused,
        keymap: &Keymap::default(),
        theme: &Theme::default(),
    };
    view.render(area, &mut buf);
    test_buffer::buffer_text(&buf)
}

fn type_in(list: &mut ConversationList, text: &str) {
    for letter in text.chars() {
        assert!(list.edit(KeyCode::Char(letter).into()));
    }
}

#[test]
fn conversations_are_grouped_by_day_with_their_marks_at_the_right() {
    assert_snapshot!(drawn(&mut ConversationList::default(), &sample_summaries(), false, 28, 18), @"
     Conversations             7

     Today
    ▌ SQLite WAL on NFS        ◐
      Menu for six, no nuts    ●
      Haiku about borrowck     !

     Yesterday
      Why the night sky is d…
      日本語の敬語を直してく…

     Last week
      Thesis outline, ch. 2

     Older
      Names for a cat
    ");
}

#[test]
fn the_focused_list_shows_its_cursor_and_leaves_its_keys_to_the_status_line() {
    let shelf = sample_summaries();
    let mut list = ConversationList::default();
    arrange(&mut list, &shelf);
    list.move_cursor(ListStep::Down(3), &shelf);
    assert_eq!(list.cursor, Some(id(3)));
    assert_snapshot!(drawn(&mut list, &shelf, true, 28, 12), @"
     Conversations             7

     Today
      SQLite WAL on NFS        ◐
      Menu for six, no nuts    ●
      Haiku about borrowck     !

     Yesterday
    ▌ Why the night sky is d…
      日本語の敬語を直してく…

     Last week
    ");
}

#[test]
fn a_filter_lists_titles_with_all_its_words_and_keeps_a_cursor() {
    let shelf = sample_summaries();
    let mut list = ConversationList { cursor: Some(id(0)), ..ConversationList::default() };
    list.start_filter();
    type_in(&mut list, "NU SIX");
    assert_snapshot!(drawn(&mut list, &shelf, true, 28, 8), @"
    › NU SIX              1 of 7

     Today
    ▌ Menu for six, no nuts    ●

      Search what was said: NU…

     ↵ open  Esc show all
    ");
    assert_eq!(list.cursor, Some(id(1)));
    type_in(&mut list, "x");
    assert_snapshot!(drawn(&mut list, &shelf, true, 28, 8), @"
    › NU SIXx             0 of 7

     No match.

    ▌ Search what was said: NU…


     ↵ open  Esc show all
    ");
    list.clear_filter();
    arrange(&mut list, &shelf);
    assert_eq!((list.len(), list.cursor), (7, Some(id(1))));
}

#[test]
fn a_title_is_renamed_in_place() {
    let shelf = sample_summaries();
    let mut list = ConversationList { cursor: Some(id(1)), ..ConversationList::default() };
    arrange(&mut list, &shelf);
    list.row_edit = Some(RowEdit::title(&shelf[1]));
    type_in(&mut list, ", no milk");
    assert_snapshot!(drawn(&mut list, &shelf, true, 28, 8), @"
     Conversations             7

     Today
      SQLite WAL on NFS        ◐
    ▌  six, no nuts, no milk   ●
      Haiku about borrowck     !

     ↵ save  Esc cancel
    ");
    let edit = list.row_edit.expect("it is being edited");
    assert_eq!((edit.conversation, edit.field.text().as_str()), (id(1), "Menu for six, no nuts, no milk"));
}

#[test]
fn an_empty_list_shows_what_to_do() {
    assert_snapshot!(drawn(&mut ConversationList::default(), &[], false, 28, 6), @"
    Conversations             0

     None yet.
     Type a message.
    ");
}

#[test]
fn the_cursor_stays_visible_and_a_click_finds_the_drawn_row() {
    let many: Vec<(String, i64)> = (0..200).map(|n| (format!("number {n}"), 5)).collect();
    let many = summaries(&many.iter().map(|(title, hours)| (title.as_str(), *hours)).collect::<Vec<_>>());
    let mut list = ConversationList::default();
    arrange(&mut list, &many);
    for step in [
        ListStep::Down(7),
        ListStep::Down(70),
        ListStep::Up(30),
        ListStep::Last,
        ListStep::Up(1),
        ListStep::First,
        ListStep::Down(1),
        ListStep::Up(1),
    ] {
        list.move_cursor(step, &many);
        let screen = drawn(&mut list, &many, true, 28, 12);
        let row = screen.lines().position(|row| row.starts_with('▌')).unwrap_or_else(|| panic!("{step:?}:\n{screen}"));
        assert_eq!(
            list.conversation_at_row(u16::try_from(row).expect("small"), &many),
            list.cursor,
            "{step:?}:\n{screen}"
        );
    }
    assert!(drawn(&mut list, &many, true, 28, 12).contains(" Today"), "the first heading comes back into view");
}

#[test]
fn drawing_ten_thousand_conversations_reads_only_visible_ones() {
    let titles: Vec<(&str, i64)> = vec![("one of many", 1); 10_000];
    let many = summaries(&titles);
    let mut list = ConversationList { cursor: Some(id(5_000)), ..ConversationList::default() };
    arrange(&mut list, &many);
    list.scroll_to_cursor(40);
    let looked = Cell::new(0);
    let running = |_| {
        looked.set(looked.get() + 1);
        None
    };
    let area = Rect::new(0, 0, 28, 40);
    let theme = Theme::default();
    let view = ConversationListView {
        list: &list,
        summaries: &many,
        total: 10_000,
        open: None,
        activity: &running,
        spinner: "◐",
        focused: true,
        keymap: &Keymap::default(),
        theme: &theme,
    };
    view.render(area, &mut Buffer::empty(area));
    assert!((1..=40).contains(&looked.get()), "{}", looked.get());
}

#[test]
fn it_draws_at_every_size() {
    let shelf = sample_summaries();
    for (filter, rename) in [(false, false), (true, false), (false, true)] {
        test_buffer::draw_at_every_size(|area, buf| {
            let mut list = ConversationList { cursor: Some(id(1)), ..ConversationList::default() };
            if filter {
                list.start_filter();
            }
            arrange(&mut list, &shelf);
            if rename {
                list.row_edit = Some(RowEdit::title(&shelf[1]));
            }
            list.scroll_to_cursor(area.height);
            let theme = Theme::default();
            let keymap = Keymap::default();
            let view = || ConversationListView {
                list: &list,
                summaries: &shelf,
                total: 7,
                open: None,
                activity: &|_| Some(ListActivity::Running),
                spinner: "◐",
                focused: true,
                keymap: &keymap,
                theme: &theme,
            };
            assert!(view().cursor(area).is_none_or(|at| area.contains(at)));
            view().render(area, buf);
        });
    }
}
