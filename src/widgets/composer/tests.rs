//! The composer against what a reader sees, and against a plain list of clusters.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use insta::assert_snapshot;
use proptest::prelude::*;
use ratatui::{buffer::Buffer, layout::Rect, style::Modifier, widgets::Widget};

use super::{Composer, ComposerView, Reach, Towards};
use crate::widgets::{
    screen,
    theme::{Role, Theme},
};

/// Presses keys by their names; anything else is typed.
fn press(composer: &mut Composer, keys: &str) {
    for key in keys.split(' ') {
        match key {
            "top" => _ = composer.go(Towards::Start, Reach::All),
            "end" => _ = composer.go(Towards::End, Reach::All),
            "ctrl-j" => composer.newline(),
            "up" => _ = composer.up(),
            "down" => _ = composer.down(),
            word => match named(word) {
                Some(key) => assert!(composer.edit(key), "{word}"),
                None => word.chars().for_each(|letter| assert!(composer.edit(KeyCode::Char(letter).into()))),
            },
        }
    }
}

fn named(key: &str) -> Option<KeyEvent> {
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

/// The draft with its cursor as `|`.
fn seen(composer: &Composer) -> String {
    let place = composer.cursor();
    let mut lines = composer.buffer.lines().to_vec();
    lines[place.line].insert(place.byte, '|');
    lines.join("\n")
}

fn after(draft: &str, keys: &str) -> String {
    let mut composer = Composer::new(draft);
    press(&mut composer, keys);
    seen(&composer)
}

#[test]
fn the_keys_of_readline_do_what_they_do_in_a_shell() {
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
        assert_eq!(after(draft, keys), expected, "{draft:?} and {keys}");
    }
}

#[test]
fn undo_takes_back_a_word_of_typing_at_a_time() {
    let mut composer = Composer::default();
    press(&mut composer, "hello space world");
    press(&mut composer, "ctrl-_");
    assert_eq!(seen(&composer), "hello |");
    press(&mut composer, "ctrl-_ ctrl-_ ctrl-_");
    assert_eq!(seen(&composer), "|");
    assert_eq!(after("one 👨‍👩‍👧‍👦 two", "ctrl-w bs bs ctrl-_"), "one 👨‍👩‍👧‍👦|");
    assert_eq!(after("one two", "ctrl-w ctrl-_"), "one two|");
}

#[test]
fn a_paste_keeps_its_lines_and_loses_its_controls() {
    let mut composer = Composer::default();
    composer.insert_str("one\r\ntwo\rthree\u{7}\u{9b}\tfour\u{0}");
    assert_eq!(composer.text(), "one\ntwo\nthree\tfour");
    composer.insert_char('\u{1b}');
    assert_eq!(seen(&composer), "one\ntwo\nthree\tfour|");
}

#[test]
fn a_backslash_before_enter_becomes_a_newline() {
    let mut composer = Composer::new("one \\");
    assert!(composer.newline_for_backslash());
    assert_eq!(seen(&composer), "one \n|");
    assert!(!composer.newline_for_backslash());
}

#[test]
fn up_and_down_keep_their_column_and_stop_at_the_first_and_last_row() {
    let mut composer = Composer::new("the quick brown fox\nab\njumps over");
    assert_eq!(composer.rows(11), 4);
    press(&mut composer, "left up up");
    assert_eq!(seen(&composer), "the quick brown fo|x\nab\njumps over".replace("fo|x", "fox|"));
    assert!(composer.up());
    assert_eq!(seen(&composer), "the quick| brown fox\nab\njumps over");
    assert!(!composer.up());
    press(&mut composer, "down down down");
    assert_eq!(seen(&composer), "the quick brown fox\nab\njumps ove|r");
    assert!(!composer.down());
}

#[test]
fn home_and_end_go_to_the_edge_of_the_row_and_then_of_the_line() {
    let mut composer = Composer::new("the quick brown fox jumps");
    composer.rows(11);
    press(&mut composer, "left up");
    assert_eq!(seen(&composer), "the quick brow|n fox jumps");
    press(&mut composer, "ctrl-a");
    assert_eq!(seen(&composer), "the quick |brown fox jumps");
    press(&mut composer, "ctrl-a");
    assert_eq!(seen(&composer), "|the quick brown fox jumps");
    press(&mut composer, "ctrl-e");
    assert_eq!(seen(&composer), "the quick| brown fox jumps");
    press(&mut composer, "ctrl-e");
    assert_eq!(seen(&composer), "the quick brown fox jumps|");
}

#[test]
fn the_history_gives_the_draft_back_and_keeps_what_was_changed_on_the_way() {
    let prompts = ["newest".to_owned(), "older".to_owned()];
    let mut composer = Composer::new("draft");
    assert!(!composer.newer(&prompts));
    assert!(composer.older(&prompts));
    press(&mut composer, "!");
    assert!(composer.older(&prompts));
    assert_eq!(composer.text(), "older");
    assert!(!composer.older(&prompts));
    assert!(composer.newer(&prompts));
    assert_eq!(composer.text(), "newest!");
    assert!(composer.newer(&prompts));
    assert_eq!(seen(&composer), "draft|");
    assert!(!composer.newer(&prompts));

    composer.older(&prompts);
    assert_eq!(composer.take(), "newest!");
    composer.older(&prompts);
    assert_eq!(composer.text(), "newest");
}

#[test]
fn a_selection_is_copied_and_replaced() {
    let mut composer = Composer::new("one two\nthree");
    composer.rows(20);
    composer.click(4, 0);
    composer.drag(3, 1);
    assert_eq!(composer.selected().as_deref(), Some("two\nthr"));
    press(&mut composer, "x");
    assert_eq!(seen(&composer), "one x|ee");
    composer.click(0, 0);
    composer.drag(3, 0);
    press(&mut composer, "ctrl-e bs");
    assert_eq!(composer.text(), "one xe");
}

#[test]
fn keys_that_belong_to_others_are_left_to_them() {
    let mut composer = Composer::new("one");
    for key in ["ctrl-c", "ctrl-p", "ctrl-r", "ctrl-j", "alt-x"] {
        assert!(!composer.edit(named(key).expect("it is a key")), "{key}");
    }
    for code in [KeyCode::Enter, KeyCode::Tab, KeyCode::Esc, KeyCode::Up, KeyCode::F(2)] {
        assert!(!composer.edit(code.into()), "{code}");
    }
    assert_eq!(seen(&composer), "one|");
}

#[test]
fn taking_the_draft_leaves_nothing_that_could_be_undone() {
    let mut composer = Composer::new("secret");
    assert_eq!(composer.take(), "secret");
    assert!(composer.is_empty() && !composer.undo());
}

#[test]
fn a_draft_of_many_screens_wraps_only_what_was_typed_in() {
    let line = "the quick brown fox jumps over the lazy dog and goes on ".repeat(2);
    let mut composer = Composer::new(&format!("{line}\n").repeat(900));
    composer.rows(80);
    let before = composer.layout.wrapped;
    for letter in "and more".chars() {
        composer.insert_char(letter);
    }
    assert_eq!(composer.layout.wrapped - before, 8);
    assert_eq!(composer.rows(80), 1801);
}

#[test]
fn a_line_longer_than_a_jump_reaches_can_be_edited_at_its_end() {
    let mut composer = Composer::new(&"word ".repeat(20_000));
    press(&mut composer, "x left bs y");
    assert!(composer.text().ends_with("word wordyx"), "{}", &composer.text()[99_980..]);
    press(&mut composer, "ctrl-_");
    assert!(composer.text().ends_with("word wordx"));
    composer.rows(10);
    assert!(composer.up());
    press(&mut composer, "z");
    assert_eq!(composer.text().matches('z').count(), 1);
}

fn drawn(composer: &mut Composer, width: u16, height: u16) -> String {
    let theme = Theme::default();
    let area = Rect::new(0, 0, width, height);
    let mut buf = Buffer::empty(area);
    composer.rows(width.saturating_sub(2));
    composer.scroll_to_cursor(height);
    let view = || ComposerView { composer, placeholder: "type a message", focused: true, theme: &theme };
    let cursor = view().cursor(area);
    view().render(area, &mut buf);
    let cursor = cursor.expect("the area has room for it");
    format!("{}cursor {},{}\n", screen::rows(&buf), cursor.x, cursor.y)
}

#[test]
fn an_empty_composer_says_what_to_do() {
    assert_snapshot!(drawn(&mut Composer::default(), 20, 1), @"
    › type a message
    cursor 2,0
    ");
}

#[test]
fn a_long_draft_scrolls_inside_with_the_cursor_in_sight() {
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
    composer.rows(18);
    composer.click(0, 0);
    composer.drag(3, 0);
    let area = Rect::new(0, 0, 20, 1);
    let mut buf = Buffer::empty(area);
    ComposerView { composer: &composer, placeholder: "", focused: false, theme: &theme }.render(area, &mut buf);
    let reversed: Vec<u16> = (0..20).filter(|x| buf[(*x, 0)].modifier.contains(Modifier::REVERSED)).collect();
    assert_eq!(reversed, [2, 3, 4]);
    assert_eq!(theme.style(Role::Selection).add_modifier, Modifier::REVERSED);
}

#[test]
fn it_draws_at_every_size() {
    for draft in ["", "a", "one two three\n日本語\n👨‍👩‍👧‍👦\t\u{202e}x"] {
        screen::at_every_size(|area, buf| {
            let theme = Theme::default();
            let mut composer = Composer::new(draft);
            composer.rows(area.width.saturating_sub(2));
            composer.scroll_to_cursor(area.height);
            let view = || ComposerView { composer: &composer, placeholder: "type", focused: true, theme: &theme };
            if let Some(cursor) = view().cursor(area) {
                assert!(area.contains(cursor), "{cursor} in {area}");
            }
            view().render(area, buf);
        });
    }
}

/// One edit of the property test.
#[derive(Debug, Clone)]
enum Edit {
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

fn edits() -> impl Strategy<Value = Vec<Edit>> {
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
        5 => typed.prop_map(Edit::Type),
        4 => prop::sample::select(vec![
            Edit::Left, Edit::Right, Edit::Up, Edit::Down, Edit::Top, Edit::End, Edit::Backspace, Edit::Delete,
            Edit::KillToEnd, Edit::KillToStart, Edit::Yank,
        ]),
    ];
    prop::collection::vec(edit, 0..60)
}

/// The draft as a plain text and a byte in it that is always between two clusters.
#[derive(Default)]
struct Model {
    text: String,
    at: usize,
    killed: String,
    adds: bool,
}

impl Model {
    fn boundaries(&self) -> Vec<usize> {
        let mut ends = vec![0];
        for cluster in crate::text::clusters(&self.text) {
            ends.push(ends[ends.len() - 1] + cluster.len());
        }
        ends
    }

    fn left(&self) -> usize {
        self.boundaries().into_iter().rfind(|end| *end < self.at).unwrap_or(0)
    }

    fn right(&self) -> usize {
        self.boundaries().into_iter().find(|end| *end > self.at).unwrap_or(self.text.len())
    }

    fn cut(&mut self, from: usize, to: usize) -> String {
        let gone = self.text[from..to].to_owned();
        self.text.replace_range(from..to, "");
        self.at = from;
        gone
    }

    fn apply(&mut self, edit: &Edit) {
        let adds = std::mem::take(&mut self.adds);
        match edit {
            Edit::Type(text) => self.insert(text),
            Edit::Left => self.at = self.left(),
            Edit::Right => self.at = self.right(),
            Edit::Top => self.at = 0,
            Edit::End => self.at = self.text.len(),
            Edit::Backspace => _ = self.cut(self.left(), self.at),
            Edit::Delete => _ = self.cut(self.at, self.right()),
            Edit::Yank => self.insert(&self.killed.clone()),
            Edit::KillToEnd => {
                let end = self.text[self.at..].find('\n').map_or(self.text.len(), |n| self.at + n);
                let gone = self.cut(self.at, if end == self.at { self.right() } else { end });
                let before = if adds { std::mem::take(&mut self.killed) } else { String::new() };
                self.keep(gone, adds, |gone| before + &gone);
            }
            Edit::KillToStart => {
                let start = self.text[..self.at].rfind('\n').map_or(0, |n| n + 1);
                let gone = self.cut(if start == self.at { self.left() } else { start }, self.at);
                let behind = if adds { std::mem::take(&mut self.killed) } else { String::new() };
                self.keep(gone, adds, |gone| gone + &behind);
            }
            Edit::Up | Edit::Down => unreachable!("rows are no matter of the model"),
        }
        // An edit may have joined what stands around the cursor into one cluster.
        self.at = self.boundaries().into_iter().find(|end| *end >= self.at).unwrap_or(self.text.len());
    }

    fn keep(&mut self, gone: String, adds: bool, joined: impl FnOnce(String) -> String) {
        let nothing = gone.is_empty();
        let joined = joined(gone);
        if !nothing || adds {
            self.killed = joined;
        }
        self.adds = !nothing || adds;
    }

    fn insert(&mut self, text: &str) {
        self.text.insert_str(self.at, text);
        self.at += text.len();
    }
}

fn apply(composer: &mut Composer, edit: &Edit) {
    match edit {
        Edit::Type(text) => composer.insert_str(text),
        Edit::Left => press(composer, "left"),
        Edit::Right => press(composer, "right"),
        Edit::Up => press(composer, "up"),
        Edit::Down => press(composer, "down"),
        Edit::Top => press(composer, "top"),
        Edit::End => press(composer, "end"),
        Edit::Backspace => press(composer, "bs"),
        Edit::Delete => press(composer, "del"),
        Edit::KillToEnd => press(composer, "ctrl-k"),
        Edit::KillToStart => press(composer, "ctrl-u"),
        Edit::Yank => press(composer, "ctrl-y"),
    }
}

fn byte_in_text(composer: &Composer) -> usize {
    let place = composer.cursor();
    composer.buffer.lines()[..place.line].iter().map(|line| line.len() + 1).sum::<usize>() + place.byte
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_edits_do_what_they_do_to_a_list_of_clusters(edits in edits(), width in 1u16..20) {
        let (mut composer, mut model) = (Composer::default(), Model::default());
        composer.rows(width);
        for edit in &edits {
            apply(&mut composer, edit);
            if matches!(edit, Edit::Up | Edit::Down) {
                model.at = byte_in_text(&composer);
                model.adds = false;
            } else {
                model.apply(edit);
            }
            prop_assert_eq!(composer.text(), &*model.text, "after {:?}", edit);
            prop_assert_eq!(byte_in_text(&composer), model.at, "after {:?}", edit);
        }
    }

    #[test]
    fn whatever_was_edited_can_be_undone_to_nothing(edits in edits()) {
        let mut composer = Composer::default();
        for edit in &edits {
            apply(&mut composer, edit);
        }
        while composer.undo() {}
        prop_assert_eq!(composer.text(), "");
    }

    #[test]
    fn the_rows_of_edited_text_are_those_of_the_same_text_laid_out_at_once(edits in edits(), width in 1u16..20) {
        let mut composer = Composer::default();
        composer.rows(width);
        for edit in &edits {
            apply(&mut composer, edit);
        }
        let mut whole = Composer::new(&composer.text());
        whole.rows(width);
        let rows = |composer: &Composer| (0..composer.layout.rows()).map(|row| composer.layout.row(row)).collect::<Vec<_>>();
        prop_assert_eq!(rows(&composer), rows(&whole));
    }
}
