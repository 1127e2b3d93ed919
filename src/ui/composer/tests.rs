//! Tests the composer as it is drawn, and against a plain list of clusters.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use insta::assert_snapshot;
use proptest::prelude::*;
use ratatui::{buffer::Buffer, layout::Rect, style::Modifier, widgets::Widget};

use super::{Composer, ComposerView, MotionDirection, MotionReach};
use crate::{
    render::theme::{ColourRole, Theme},
    ui::test_buffer,
};

/// Presses keys by name and types everything else.
fn press(composer: &mut Composer, keys: &str) {
    for key in keys.split(' ') {
        match key {
            "top" => _ = composer.move_cursor(MotionDirection::Backward, MotionReach::All),
            "end" => _ = composer.move_cursor(MotionDirection::Forward, MotionReach::All),
            "ctrl-j" => composer.insert_newline(),
            "up" => _ = composer.move_up(),
            "down" => _ = composer.move_down(),
            word => match key_named(word) {
                Some(key) => assert!(composer.edit(key), "{word}"),
                None => word.chars().for_each(|letter| assert!(composer.edit(KeyCode::Char(letter).into()))),
            },
        }
    }
}

fn key_named(key: &str) -> Option<KeyEvent> {
    let (name, modifiers) = match key.split_once('-') {
        Some(("ctrl", name)) => (name, KeyModifiers::CONTROL),
        Some(("alt", name)) => (name, KeyModifiers::ALT),
        _ => (key, KeyModifiers::NONE),
    };
    let code = match name {
        "left" => KeyCode::Left,
        "right" => KeyCode::Right,
        "bs" => KeyCode::Backspace,
        "del" => KeyCode::Delete,
        "space" => KeyCode::Char(' '),
        _ if modifiers.is_empty() => return None,
        letter => KeyCode::Char(letter.chars().next()?),
    };
    Some(KeyEvent::new(code, modifiers))
}

/// Returns the draft with its cursor as `|`.
fn text_with_cursor(composer: &Composer) -> String {
    let place = composer.cursor_pos();
    let mut lines = composer.buffer.lines().to_vec();
    lines[place.line].insert(place.byte, '|');
    lines.join("\n")
}

fn draft_after(draft: &str, keys: &str) -> String {
    let mut composer = Composer::new(draft);
    press(&mut composer, keys);
    text_with_cursor(&composer)
}

#[test]
fn readline_keys_work_as_in_a_shell() {
    for (draft, keys, expected) in [
        ("", "hello", "hello|"),
        ("one two", "ctrl-a", "|one two"),
        ("one two", "alt-b", "one |two"),
        ("one two", "ctrl-a alt-f", "one| two"),
        ("one two", "ctrl-a ctrl-k", "|"),
        ("one two", "ctrl-w", "one |"),
        ("one two", "ctrl-w ctrl-w ctrl-y", "one two|"),
        ("one two", "alt-b ctrl-u ctrl-e ctrl-y", "twoone |"),
        ("one two", "ctrl-a alt-d alt-d ctrl-y", "one two|"),
        ("one two", "left left bs", "one |wo"),
        ("one two", "ctrl-a del", "|ne two"),
        ("one\ntwo", "ctrl-a bs", "one|two"),
        ("one\ntwo", "top ctrl-e del", "one|two"),
        ("one\ntwo", "top ctrl-k ctrl-k", "|two"),
        ("one\ntwo", "ctrl-u ctrl-u ctrl-u", "|"),
        ("one\ntwo", "ctrl-u ctrl-u ctrl-u ctrl-y", "one\ntwo|"),
        ("one", "ctrl-j two", "one\ntwo|"),
        ("one two", "ctrl-w left ctrl-k ctrl-y", "one |"),
        ("one two-three", "alt-bs", "one two-|"),
        ("one two", "ctrl-left ctrl-left", "|one two"),
        ("one two", "ctrl-b ctrl-b ctrl-f ctrl-h ctrl-d", "one t|"),
        ("a 👨‍👩‍👧‍👦", "bs", "a |"),
        ("a 🇩🇪🇫🇷", "left bs", "a |🇫🇷"),
        ("e\u{301}a", "left left", "|e\u{301}a"),
        ("ab", "top e\u{301}", "e\u{301}|ab"),
    ] {
        assert_eq!(draft_after(draft, keys), expected, "{draft:?} and {keys}");
    }
}

#[test]
fn undo_removes_one_typed_word_at_a_time() {
    let mut composer = Composer::default();
    press(&mut composer, "hello space world");
    press(&mut composer, "ctrl-_");
    assert_eq!(text_with_cursor(&composer), "hello |");
    press(&mut composer, "ctrl-_ ctrl-_ ctrl-_");
    assert_eq!(text_with_cursor(&composer), "|");
    assert_eq!(draft_after("one 👨‍👩‍👧‍👦 two", "ctrl-w bs bs ctrl-_"), "one 👨‍👩‍👧‍👦|");
    assert_eq!(draft_after("one two", "ctrl-w ctrl-_"), "one two|");
}

#[test]
fn a_paste_keeps_its_lines_and_loses_control_characters() {
    let mut composer = Composer::default();
    composer.insert_str("one\r\ntwo\rthree\u{7}\u{9b}\tfour\u{0}");
    assert_eq!(composer.text(), "one\ntwo\nthree\tfour");
    composer.insert_char('\u{1b}');
    assert_eq!(text_with_cursor(&composer), "one\ntwo\nthree\tfour|");
}

#[test]
fn a_backslash_before_enter_becomes_a_newline() {
    let mut composer = Composer::new("one \\");
    assert!(composer.replace_backslash_with_newline());
    assert_eq!(text_with_cursor(&composer), "one \n|");
    assert!(!composer.replace_backslash_with_newline());
}

#[test]
fn up_and_down_keep_their_column_and_stop_at_the_first_and_last_row() {
    let mut composer = Composer::new("the quick brown fox\nab\njumps over");
    assert_eq!(composer.wrap_to_width(11), 4);
    press(&mut composer, "left up up");
    assert_eq!(text_with_cursor(&composer), "the quick brown fo|x\nab\njumps over".replace("fo|x", "fox|"));
    assert!(composer.move_up());
    assert_eq!(text_with_cursor(&composer), "the quick| brown fox\nab\njumps over");
    assert!(!composer.move_up());
    press(&mut composer, "down down down");
    assert_eq!(text_with_cursor(&composer), "the quick brown fox\nab\njumps ove|r");
    assert!(!composer.move_down());
}

#[test]
fn home_and_end_go_to_the_edge_of_the_row_and_then_of_the_line() {
    let mut composer = Composer::new("the quick brown fox jumps");
    composer.wrap_to_width(11);
    press(&mut composer, "left up");
    assert_eq!(text_with_cursor(&composer), "the quick brow|n fox jumps");
    press(&mut composer, "ctrl-a");
    assert_eq!(text_with_cursor(&composer), "the quick |brown fox jumps");
    press(&mut composer, "ctrl-a");
    assert_eq!(text_with_cursor(&composer), "|the quick brown fox jumps");
    press(&mut composer, "ctrl-e");
    assert_eq!(text_with_cursor(&composer), "the quick| brown fox jumps");
    press(&mut composer, "ctrl-e");
    assert_eq!(text_with_cursor(&composer), "the quick brown fox jumps|");
}

#[test]
fn the_history_restores_the_draft_and_keeps_edited_prompts() {
    let prompts = ["newest".to_owned(), "older".to_owned()];
    let mut composer = Composer::new("draft");
    assert!(!composer.recall_newer(&prompts));
    assert!(composer.recall_older(&prompts));
    press(&mut composer, "!");
    assert!(composer.recall_older(&prompts));
    assert_eq!(composer.text(), "older");
    assert!(!composer.recall_older(&prompts));
    assert!(composer.recall_newer(&prompts));
    assert_eq!(composer.text(), "newest!");
    assert!(composer.recall_newer(&prompts));
    assert_eq!(text_with_cursor(&composer), "draft|");
    assert!(!composer.recall_newer(&prompts));

    composer.recall_older(&prompts);
    assert_eq!(composer.take(), "newest!");
    composer.recall_older(&prompts);
    assert_eq!(composer.text(), "newest");
}

#[test]
fn a_selection_is_copied_and_replaced() {
    let mut composer = Composer::new("one two\nthree");
    composer.wrap_to_width(20);
    composer.click(4, 0);
    composer.drag(3, 1);
    assert_eq!(composer.selected_text().as_deref(), Some("two\nthr"));
    press(&mut composer, "x");
    assert_eq!(text_with_cursor(&composer), "one x|ee");
    composer.click(0, 0);
    composer.drag(3, 0);
    press(&mut composer, "ctrl-e bs");
    assert_eq!(composer.text(), "one xe");
}

#[test]
fn other_keys_are_left_to_the_caller() {
    let mut composer = Composer::new("one");
    for key in ["ctrl-c", "ctrl-p", "ctrl-r", "ctrl-j", "alt-x"] {
        assert!(!composer.edit(key_named(key).expect("it is a key")), "{key}");
    }
    for code in [KeyCode::Enter, KeyCode::Tab, KeyCode::Esc, KeyCode::Up, KeyCode::F(2)] {
        assert!(!composer.edit(code.into()), "{code}");
    }
    assert_eq!(text_with_cursor(&composer), "one|");
}

#[test]
fn taking_the_draft_clears_the_undo_history() {
    let mut composer = Composer::new("secret");
    assert_eq!(composer.take(), "secret");
    assert!(composer.is_empty() && !composer.undo());
}

#[test]
fn typing_in_a_long_draft_wraps_only_the_edited_line() {
    let line = "the quick brown fox jumps over the lazy dog and goes on ".repeat(2);
    let mut composer = Composer::new(&format!("{line}\n").repeat(900));
    composer.wrap_to_width(80);
    let before = composer.layout.wrapped_lines;
    for letter in "and more".chars() {
        composer.insert_char(letter);
    }
    assert_eq!(composer.layout.wrapped_lines - before, 8);
    assert_eq!(composer.wrap_to_width(80), 1801);
}

#[test]
fn a_line_longer_than_a_jump_reaches_can_be_edited_at_its_end() {
    let mut composer = Composer::new(&"word ".repeat(20_000));
    press(&mut composer, "x left bs y");
    assert!(composer.text().ends_with("word wordyx"), "{}", &composer.text()[99_980..]);
    press(&mut composer, "ctrl-_");
    assert!(composer.text().ends_with("word wordx"));
    composer.wrap_to_width(10);
    assert!(composer.move_up());
    press(&mut composer, "z");
    assert_eq!(composer.text().matches('z').count(), 1);
}

fn drawn(composer: &mut Composer, width: u16, height: u16) -> String {
    let theme = Theme::default();
    let area = Rect::new(0, 0, width, height);
    let mut buf = Buffer::empty(area);
    composer.wrap_to_width(width.saturating_sub(2));
    composer.scroll_to_cursor(height);
    let view =
        || ComposerView { composer, placeholder: "type a message", focused: true, is_command: false, theme: &theme };
    let cursor = view().cursor(area);
    view().render(area, &mut buf);
    let cursor = cursor.expect("the area has room for it");
    format!("{}cursor {},{}\n", test_buffer::buffer_text(&buf), cursor.x, cursor.y)
}

#[test]
fn an_empty_composer_shows_its_placeholder() {
    assert_snapshot!(drawn(&mut Composer::default(), 20, 1), @"
    › type a message
    cursor 2,0
    ");
}

#[test]
fn a_long_draft_scrolls_to_keep_the_cursor_visible() {
    let mut composer = Composer::new("one\ntwo 日本語 wraps around\nthree\nfour\tfive");
    assert_snapshot!(drawn(&mut composer, 16, 3), @"
    › wraps around
      three
      four    five
    cursor 14,2
    ");
    press(&mut composer, "up up");
    assert_snapshot!(drawn(&mut composer, 16, 3), @"
    › wraps around
      three
      four    five
    cursor 14,0
    ");
    press(&mut composer, "up up up");
    assert_snapshot!(drawn(&mut composer, 16, 3), @"
    › one
      two 日本語
      wraps around
    cursor 5,0
    ");
}

#[test]
fn selected_text_is_reversed_in_the_terminals_own_colours() {
    let theme = Theme::default();
    let mut composer = Composer::new("one two");
    composer.wrap_to_width(18);
    composer.click(0, 0);
    composer.drag(3, 0);
    let area = Rect::new(0, 0, 20, 1);
    let mut buf = Buffer::empty(area);
    ComposerView { composer: &composer, placeholder: "", focused: false, is_command: false, theme: &theme }
        .render(area, &mut buf);
    let reversed: Vec<u16> = (0..20).filter(|x| buf[(*x, 0)].modifier.contains(Modifier::REVERSED)).collect();
    assert_eq!(reversed, [2, 3, 4]);
    assert_eq!(theme.style(ColourRole::Selection).add_modifier, Modifier::REVERSED);
}

#[test]
fn it_draws_at_every_size() {
    for draft in ["", "a", "one two three\n日本語\n👨‍👩‍👧‍👦\t\u{202e}x"] {
        test_buffer::draw_at_every_size(|area, buf| {
            let theme = Theme::default();
            let mut composer = Composer::new(draft);
            composer.wrap_to_width(area.width.saturating_sub(2));
            composer.scroll_to_cursor(area.height);
            let view = || ComposerView {
                composer: &composer,
                placeholder: "type",
                focused: true,
                is_command: false,
                theme: &theme,
            };
            if let Some(cursor) = view().cursor(area) {
                assert!(area.contains(cursor), "{cursor} in {area}");
            }
            view().render(area, buf);
        });
    }
}

/// One edit of the property test.
#[derive(Debug, Clone)]
enum RandomEdit {
    Type(&'static str),
    Left,
    Right,
    Up,
    Down,
    Top,
    End,
    Backspace,
    Delete,
    KillToEnd,
    KillToStart,
    Yank,
}

fn edits() -> impl Strategy<Value = Vec<RandomEdit>> {
    let typed = prop::sample::select(vec![
        "a",
        " ",
        "-",
        "\n",
        "word",
        "é",
        "e\u{301}",
        "\u{301}",
        "日",
        "👨‍👩‍👧‍👦",
        "\u{200d}",
        "🇩",
        "👍🏽",
        "\t",
        "\u{202e}",
        "ｶﾞ",
        "❤\u{fe0f}",
    ]);
    let edit = prop_oneof![
        5 => typed.prop_map(RandomEdit::Type),
        4 => prop::sample::select(vec![
            RandomEdit::Left, RandomEdit::Right, RandomEdit::Up, RandomEdit::Down, RandomEdit::Top, RandomEdit::End, RandomEdit::Backspace, RandomEdit::Delete,
            RandomEdit::KillToEnd, RandomEdit::KillToStart, RandomEdit::Yank,
        ]),
    ];
    prop::collection::vec(edit, 0..60)
}

/// The draft as a string, and a byte offset that is always between two clusters.
#[derive(Default)]
struct ReferenceDraft {
    text: String,
    cursor: usize,
    kill_buffer: String,
    is_killing: bool,
}

impl ReferenceDraft {
    fn boundaries(&self) -> Vec<usize> {
        let mut ends = vec![0];
        for cluster in crate::text::clusters(&self.text) {
            ends.push(ends[ends.len() - 1] + cluster.len());
        }
        ends
    }

    fn left(&self) -> usize {
        self.boundaries().into_iter().rfind(|end| *end < self.cursor).unwrap_or(0)
    }

    fn right(&self) -> usize {
        self.boundaries().into_iter().find(|end| *end > self.cursor).unwrap_or(self.text.len())
    }

    fn cut(&mut self, from: usize, to: usize) -> String {
        let gone = self.text[from..to].to_owned();
        self.text.replace_range(from..to, "");
        self.cursor = from;
        gone
    }

    fn apply(&mut self, edit: &RandomEdit) {
        let appends = std::mem::take(&mut self.is_killing);
        match edit {
            RandomEdit::Type(text) => self.insert(text),
            RandomEdit::Left => self.cursor = self.left(),
            RandomEdit::Right => self.cursor = self.right(),
            RandomEdit::Top => self.cursor = 0,
            RandomEdit::End => self.cursor = self.text.len(),
            RandomEdit::Backspace => _ = self.cut(self.left(), self.cursor),
            RandomEdit::Delete => _ = self.cut(self.cursor, self.right()),
            RandomEdit::Yank => self.insert(&self.kill_buffer.clone()),
            RandomEdit::KillToEnd => {
                let end = self.text[self.cursor..].find('\n').map_or(self.text.len(), |n| self.cursor + n);
                let gone = self.cut(self.cursor, if end == self.cursor { self.right() } else { end });
                let before = if appends { std::mem::take(&mut self.kill_buffer) } else { String::new() };
                self.record_kill(gone, appends, |gone| before + &gone);
            }
            RandomEdit::KillToStart => {
                let start = self.text[..self.cursor].rfind('\n').map_or(0, |n| n + 1);
                let gone = self.cut(if start == self.cursor { self.left() } else { start }, self.cursor);
                let after = if appends { std::mem::take(&mut self.kill_buffer) } else { String::new() };
                self.record_kill(gone, appends, |gone| gone + &after);
            }
            RandomEdit::Up | RandomEdit::Down => unreachable!("the model has no rows"),
        }
        // An edit may have joined the text around the cursor into one cluster.
        self.cursor = self.boundaries().into_iter().find(|end| *end >= self.cursor).unwrap_or(self.text.len());
    }

    fn record_kill(&mut self, removed: String, appends: bool, joined: impl FnOnce(String) -> String) {
        let nothing = removed.is_empty();
        let joined = joined(removed);
        if !nothing || appends {
            self.kill_buffer = joined;
        }
        self.is_killing = !nothing || appends;
    }

    fn insert(&mut self, text: &str) {
        self.text.insert_str(self.cursor, text);
        self.cursor += text.len();
    }
}

fn apply(composer: &mut Composer, edit: &RandomEdit) {
    match edit {
        RandomEdit::Type(text) => composer.insert_str(text),
        RandomEdit::Left => press(composer, "left"),
        RandomEdit::Right => press(composer, "right"),
        RandomEdit::Up => press(composer, "up"),
        RandomEdit::Down => press(composer, "down"),
        RandomEdit::Top => press(composer, "top"),
        RandomEdit::End => press(composer, "end"),
        RandomEdit::Backspace => press(composer, "bs"),
        RandomEdit::Delete => press(composer, "del"),
        RandomEdit::KillToEnd => press(composer, "ctrl-k"),
        RandomEdit::KillToStart => press(composer, "ctrl-u"),
        RandomEdit::Yank => press(composer, "ctrl-y"),
    }
}

fn byte_in_text(composer: &Composer) -> usize {
    let place = composer.cursor_pos();
    composer.buffer.lines()[..place.line].iter().map(|line| line.len() + 1).sum::<usize>() + place.byte
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_edits_match_a_plain_list_of_clusters(edits in edits(), width in 1u16..20) {
        let (mut composer, mut model) = (Composer::default(), ReferenceDraft::default());
        composer.wrap_to_width(width);
        for edit in &edits {
            apply(&mut composer, edit);
            if matches!(edit, RandomEdit::Up | RandomEdit::Down) {
                model.cursor = byte_in_text(&composer);
                model.is_killing = false;
            } else {
                model.apply(edit);
            }
            prop_assert_eq!(composer.text(), &*model.text, "after {:?}", edit);
            prop_assert_eq!(byte_in_text(&composer), model.cursor, "after {:?}", edit);
        }
    }

    #[test]
    fn all_edits_can_be_undone(edits in edits()) {
        let mut composer = Composer::default();
        for edit in &edits {
            apply(&mut composer, edit);
        }
        while composer.undo() {}
        prop_assert_eq!(composer.text(), "");
    }

    #[test]
    fn edited_text_wraps_like_new_text(edits in edits(), width in 1u16..20) {
        let mut composer = Composer::default();
        composer.wrap_to_width(width);
        for edit in &edits {
            apply(&mut composer, edit);
        }
        let mut whole = Composer::new(&composer.text());
        whole.wrap_to_width(width);
        let rows = |composer: &Composer| (0..composer.layout.row_count()).map(|row| composer.layout.row(row)).collect::<Vec<_>>();
        prop_assert_eq!(rows(&composer), rows(&whole));
    }
}
