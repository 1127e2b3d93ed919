//! Selections: they stay on their text, and copying gives the text without its decoration.

use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};
use ibid::ui::Msg;
use ratatui::style::Modifier;
use serde_json::json;

use super::{copied, drag, position_of, press, release, with_answer};
use crate::support::harness::Harness;

const PROSE: &str = "A paragraph of **bold** words and a [link](https://example.org) that is long enough to be wrapped on \
any screen, however wide, that a reader might have in front of them today.";

#[track_caller]
fn select(app: &mut Harness, from: &str, to: &str) {
    let (from, to) = (position_of(app, from), position_of(app, to));
    press(app, from);
    drag(app, to);
    release(app, to);
}

/// Chooses the first of the commands that match.
fn command(app: &mut Harness, query: &str) {
    app.press("ctrl-p");
    app.enter_text(query);
    app.press("enter");
}

#[test]
fn a_wrapped_line_is_copied_as_one_line() {
    let mut app = with_answer(50, 24, PROSE);
    select(&mut app, "A paragraph", "today.");
    app.press("y");
    let text = copied(&mut app).expect("a selection");
    assert!(
        text.starts_with("A paragraph of bold words and a link that is") && text.ends_with("front of them t"),
        "{text}"
    );
    assert!(!text.contains('\n') && !text.contains("  "), "{text}");
}

#[test]
fn lists_quotations_and_code_are_copied_without_decoration() {
    let answer = "- one\n  - two\n- [x] done\n\n1. first\n\n> quoted\n\n```rust\nfn main() {\n    go();\n}\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\nend";
    let mut app = with_answer(60, 40, answer);
    select(&mut app, "one", "end");
    app.press("V");
    app.press("y");
    let text = copied(&mut app).expect("a selection");
    assert_eq!(
        text,
        "- one\n  - two\n- [x] done\n\n1. first\n\n> quoted\n\nfn main() {\n    go();\n}\n\na  b\n1  2\n\nend",
        "{}",
        app.screen()
    );
}

#[test]
fn copied_text_is_unwrapped_at_any_width() {
    const ANSWER: &str = "one two three four five six seven eight`nine ten`eleven **twelve thirteen** fourteen  and \
fifteen ~~sixteen~~, `a code span that is long` *seventeen*`eighteen` [a link of words](https://example.org) `end`

- an item with `inline code` of some words and **bold ones** in it
  - one that is nested, with *emphasis* and `code` and more

1. counted, and where $a + b = c$ holds it goes on behind a formula

> quoted words with `code in them` **and bold**, too long for a row

与中文混排与中文混排与中文混排**与中文混排**与中文混排`与中文混排`与中文混排与中文混排与中文混排与中文混排";
    const COPIED: &str = "one two three four five six seven eight`nine ten`eleven twelve thirteen fourteen  and \
fifteen sixteen, `a code span that is long` seventeen`eighteen` a link of words `end`

- an item with `inline code` of some words and bold ones in it
  - one that is nested, with emphasis and `code` and more

1. counted, and where $a + b = c$ holds it goes on behind a formula

> quoted words with `code in them` and bold, too long for a row

与中文混排与中文混排与中文混排与中文混排与中文混排`与中文混排`与中文混排与中文混排与中文混排与中文混排";
    const PROMPT: &str =
        "A prompt  with `signs` and two blanks  between  some of its  words, which is wrapped  as well";
    let mut app = Harness::new(100, 24);
    let stream = app.send_prompt(PROMPT);
    app.stream_answer(stream, ANSWER);
    app.press("tab");
    for width in 40..=120 {
        app.resize(width, 24);
        app.press("g v G $");
        app.effects();
        app.press("y");
        let text = copied(&mut app).unwrap_or_else(|| panic!("a selection in {width}: {}", app.screen()));
        assert!(text.starts_with(&format!("you\n{PROMPT}\n\n")), "in {width}: {text}");
        assert_eq!(&text[text.find("one two").unwrap_or(0)..], COPIED, "in {width}");
    }
}

#[test]
fn the_rule_under_a_heading_is_not_copied() {
    let mut app = with_answer(60, 24, "# A heading\n\nwords\n\nend");
    select(&mut app, "A heading", "end");
    app.press("V");
    app.press("y");
    assert_eq!(copied(&mut app).as_deref(), Some("A heading\n\nwords\n\nend"), "{}", app.screen());
}

#[test]
fn a_rule_between_paragraphs_is_copied_as_markdown() {
    let mut app = with_answer(60, 24, "Above\n\n---\n\nbelow\n\n> * * *\n\nend");
    select(&mut app, "Above", "end");
    app.press("V");
    app.press("y");
    assert_eq!(copied(&mut app).as_deref(), Some("Above\n\n---\n\nbelow\n\n> * * *\n\nend"), "{}", app.screen());
    let (column, row) = position_of(&app, "─────");
    let below = position_of(&app, "below");
    press(&mut app, (column + 3, row));
    drag(&mut app, below);
    release(&mut app, below);
    app.press("y");
    assert_eq!(copied(&mut app).as_deref(), Some("---\n\nb"), "a rule is copied whole");
}

#[test]
fn a_selection_that_begins_or_ends_within_a_formula_is_copied_without_loss() {
    const LATEX: &str = r"$\alpha + \beta + \gamma + \delta + \zeta + \eta + \theta + \iota + \kappa + \lambda + \mu + \nu + \xi + \pi$";
    let mut app = with_answer(44, 24, &format!("Sum: {LATEX}, with an end."));
    select(&mut app, "γ", "end");
    app.press("y");
    let rest = "γ + δ + ζ + η + θ + ι + κ + λ + μ + ν + ξ + π, with an e";
    assert_eq!(copied(&mut app).as_deref(), Some(rest), "{}", app.screen());
    select(&mut app, "ξ", "end");
    app.press("y");
    assert_eq!(copied(&mut app).as_deref(), Some("ξ + π, with an e"), "{}", app.screen());
    select(&mut app, "Sum", "ξ");
    app.press("y");
    assert_eq!(copied(&mut app), Some(format!("Sum: {LATEX}")), "{}", app.screen());
}

#[test]
fn a_wrapped_line_of_code_is_copied_with_every_blank() {
    let line = format!("let x =   {};", "\"aaaa bbbb\"   +   ".repeat(8));
    let mut app = with_answer(44, 24, &format!("```\n{line}\n```\n\nend"));
    select(&mut app, "let x", "end");
    app.press("y");
    let text = copied(&mut app).expect("a selection");
    assert!(text.starts_with(&line), "{text:?}");
}

#[test]
fn wrapped_text_without_blanks_is_joined_without_blanks() {
    let mut app = with_answer(44, 24, &format!("{}。\n\nend", "与中文混排".repeat(12)));
    select(&mut app, "与中文混排与", "end");
    app.press("y");
    assert!(copied(&mut app).expect("a selection").starts_with(&"与中文混排".repeat(12)));
}

#[test]
fn a_selection_stays_on_its_text_while_the_answer_grows_and_is_rewrapped() {
    let mut app = Harness::new(80, 24);
    let stream = app.send_prompt("Show me");
    let delta = |text: &str| {
        json!({"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": text}).to_string()
    };
    app.receive_events(stream, &[&delta(PROSE)]);
    app.press("tab");
    select(&mut app, "link", "long enough");
    for (width, height) in [(44, 24), (130, 30), (80, 24)] {
        app.resize(width, height);
        app.receive_events(stream, &[&delta("\n\nMore, and **more**.")]);
        app.press("pgup pgdn");
    }
    app.effects();
    app.press("y");
    assert_eq!(copied(&mut app).as_deref(), Some("link that is l"));
}

#[test]
fn keys_select_characters_and_lines_and_escape_deselects() {
    let mut app = with_answer(60, 24, "Alpha beta gamma.\n\nSecond line.");
    app.press("v j j l l");
    app.press("y");
    assert!(copied(&mut app).expect("a selection").starts_with("you\nShow me\n\n"));
    app.press("V j j j");
    assert!(app.status().contains("Esc clears"), "{}", app.status());
    app.press("esc y");
    let text = copied(&mut app).expect("the answer");
    assert!(text.starts_with("Alpha beta"), "without a selection the answer is copied: {text}");
    app.press("v G $ ctrl-c");
    let all = copied(&mut app).expect("^C copies the selection");
    assert!(all.starts_with("you\nShow me\n") && all.contains("\n\nSecond line."), "{all}");
    assert!(!app.status().contains("again to quit"));
}

#[test]
fn keys_in_one_read_act_like_separate_keys() {
    let rows: String = (1..=60).map(|row| format!("row {row}\n\n")).collect();
    let mut app = with_answer(80, 24, &rows);
    app.press("g");
    app.effects();
    for key in "Vjjjjjjy".chars() {
        let event = KeyEvent::new(KeyCode::Char(key), KeyModifiers::NONE);
        app.send_without_frame(Msg::Input { event: Event::Key(event), more: true });
    }
    app.draw();
    assert_eq!(copied(&mut app).as_deref(), Some("you\nShow me\n\ngpt-5.6-luna  14:02 · 0.0 s · $0.0021\n\nrow 1"));
    assert!(app.screen().contains("▌ Show me"), "the window does not move: {}", app.screen());
}

#[test]
fn a_selection_is_copied_before_the_next_press_in_the_same_read_ends_it() {
    let mut app = with_answer(60, 24, "Alpha beta gamma.\n\nSecond line.");
    app.press("v G");
    let copy = KeyEvent::new(KeyCode::Char('y'), KeyModifiers::NONE);
    app.send_without_frame(Msg::Input { event: Event::Key(copy), more: false });
    let (column, row) = position_of(&app, "Second");
    press(&mut app, (column, row));
    assert!(copied(&mut app).is_some_and(|text| text.contains("Alpha beta gamma.")), "{}", app.screen());
}

#[test]
fn a_selection_is_copied_as_markdown_with_the_markup_between_its_ends() {
    const ANSWER: &str = "# A *head*\n\n- **bold** words\n- $x^2$\n\n```rust\nlet a;\n```\n\nThe end.";
    let mut app = with_answer(60, 40, ANSWER);
    select(&mut app, "bold", "The end");
    command(&mut app, "copy the selection as Markdown");
    assert_eq!(
        copied(&mut app).as_deref(),
        Some("- **bold** words\n- $x^2$\n\n```rust\nlet a;\n```\n\nT"),
        "{}",
        app.screen()
    );
    assert!(app.screen().contains("copied 8 lines as Markdown"), "{}", app.screen());
    app.press("g v G $");
    command(&mut app, "copy the selection as Markdown");
    assert_eq!(copied(&mut app), Some(format!("Show me\n\n{ANSWER}")), "heads of messages have no Markdown");
    command(&mut app, "copy the selection as Markdown");
    assert_eq!(copied(&mut app).as_deref(), Some(ANSWER), "without a selection, the answer");
}

#[test]
fn an_empty_code_block_is_copied_with_its_fences() {
    let mut app = with_answer(60, 24, "Above\n\n```rust\n```\n\nend");
    select(&mut app, "Above", "end");
    app.press("V y");
    assert_eq!(copied(&mut app).as_deref(), Some("Above\n\n```rust\n```\n\nend"), "{}", app.screen());
}

#[test]
fn extending_a_selection_past_the_window_scrolls() {
    let rows: String = (1..=60).map(|row| format!("row {row}\n\n")).collect();
    let mut app = with_answer(80, 24, &rows);
    app.press("g V d d d");
    let area = app.areas().transcript;
    let is_selected = |y: &u16| app.buffer()[(area.x + 2, *y)].modifier.contains(Modifier::REVERSED);
    assert!((area.top()..area.bottom()).filter(is_selected).count() > 5, "{}", app.screen());
}

/// Starts the app with right-to-left text reordered by the program.
fn reordered_answer(answer: &str) -> Harness {
    let mut options = crate::support::harness::default_start(60, 24);
    options.config.bidi = ibid::config::BidiMode::Reorder;
    let mut app = Harness::with_start(options);
    app.store_reply(ibid::store::StoreReply::Opened { newest: Vec::new(), total: 0, new_draft: String::new() });
    let stream = app.send_prompt("Show me");
    app.stream_answer(stream, answer);
    app.press("tab");
    app.effects();
    app
}

/// Returns the selected cells of a row in display order.
fn selected_in_row(app: &Harness, y: u16) -> String {
    let area = app.areas().transcript;
    let cells = (area.left()..area.right()).map(|x| &app.buffer()[(x, y)]);
    cells.filter(|cell| cell.modifier.contains(Modifier::REVERSED)).map(ratatui::buffer::Cell::symbol).collect()
}

#[test]
fn dragging_over_reordered_text_selects_in_reading_order() {
    // Displayed as: see םלוע םולש end
    let mut app = reordered_answer("see שלום עולם end");
    let seen = position_of(&app, "see םלוע םולש end");
    press(&mut app, (seen.0 + 12, seen.1));
    drag(&mut app, (seen.0 + 9, seen.1));
    assert_eq!(selected_in_row(&app, seen.1), "םולש", "{}", app.screen());
    release(&mut app, (seen.0 + 9, seen.1));
    app.press("y");
    assert_eq!(copied(&mut app).as_deref(), Some("שלום"), "the selected word in its written order");
    press(&mut app, (seen.0, seen.1));
    drag(&mut app, (seen.0 + 11, seen.1));
    assert_eq!(selected_in_row(&app, seen.1), "see לש", "the selection follows the reading order: {}", app.screen());
    release(&mut app, (seen.0 + 11, seen.1));
    app.press("y");
    assert_eq!(copied(&mut app).as_deref(), Some("see של"));

    // A right-to-left paragraph.
    let mut app = reordered_answer("שלום עולם");
    let (x, y) = position_of(&app, "םלוע םולש");
    press(&mut app, (x + 8, y));
    drag(&mut app, (x + 5, y));
    release(&mut app, (x + 5, y));
    app.press("y");
    assert_eq!(copied(&mut app).as_deref(), Some("שלום"));
}

#[test]
fn keys_select_reordered_text_in_reading_order() {
    let mut app = reordered_answer("see שלום עולם end");
    app.press("v G 0 l l l l l l l");
    let y = position_of(&app, "see םלוע םולש end").1;
    app.press("j");
    app.press("y");
    let text = copied(&mut app).expect("a selection");
    assert!(text.ends_with("see שלום") || text.contains("see שלום"), "{text:?}: {}", app.row(y));
}

#[test]
fn every_byte_of_an_answer_and_of_a_prompt_can_be_copied() {
    let source = concat!(
        include_str!("../../page/everything.md"),
        include_str!("../../page/constructs.md"),
        include_str!("../../page/scripts.md")
    );
    let hostile = format!("{source}\n\u{1b}[31mred\u{9b}2J \u{202e}x\u{200b}\r\n\t`\0`");
    let mut app = with_answer(80, 24, &hostile);
    app.press("y");
    assert!(copied(&mut app).as_deref() == Some(&hostile), "the answer's own bytes");
    app.press("g J K y");
    assert_eq!(copied(&mut app).as_deref(), Some("Show me"));
}
