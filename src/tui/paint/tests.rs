//! The screen is the one that the cells say, whatever was on it, and in few bytes.

use std::num::NonZeroU16;

use proptest::prelude::*;
use ratatui::{Terminal, TerminalOptions, Viewport, style::Style};

use super::*;
use crate::tui::screen::Bytes;

const SIZE: Size = Size { width: 24, height: 4 };

fn terminal<B: Backend<Error = io::Error>>(backend: B) -> Terminal<B> {
    let viewport = Viewport::Fixed(Rect::from((Position::ORIGIN, SIZE)));
    Terminal::with_options(backend, TerminalOptions { viewport }).unwrap()
}

/// Words in a place, in one of a few styles.
type Words = (u16, u16, String, usize);

fn words() -> impl Strategy<Value = Words> {
    let text = prop_oneof![
        4 => "[a-c ]{1,12}",
        2 => " {1,24}",
        1 => "[a 与中文,é─▏]{1,6}",
        1 => prop::sample::select(vec!["👍", "❤️", "e\u{301}"]).prop_map(str::to_owned),
    ];
    (0..SIZE.width, 0..SIZE.height, text, 0usize..6)
}

fn style(number: usize) -> Style {
    let plain = Style::new();
    [
        plain,
        plain,
        plain.fg(Color::Magenta),
        plain.add_modifier(Modifier::BOLD | Modifier::UNDERLINED),
        plain.fg(Color::Rgb(1, 2, 3)).bg(Color::Indexed(7)),
        plain.add_modifier(Modifier::REVERSED | Modifier::DIM),
    ][number]
}

fn draw<B: Backend<Error = io::Error>>(terminal: &mut Terminal<B>, frame: &[Words]) {
    // As layouts do, none writes into a wide cell of another.
    let mut ends = [0; SIZE.height as usize];
    terminal
        .draw(|f| {
            for (x, y, text, number) in frame {
                let end: &mut u16 = &mut ends[usize::from(*y)];
                let x = (*x).max(*end);
                *end = f.buffer_mut().set_stringn(x, *y, text, usize::from(SIZE.width - x), style(*number)).0;
            }
            f.set_cursor_position(Position { x: 3, y: 1 });
        })
        .unwrap();
}

fn emulator() -> vt100::Parser {
    let cells = |n| NonZeroU16::new(n).unwrap();
    vt100::Parser::new(cells(SIZE.height), cells(SIZE.width), 0)
}

/// A cell as one sees it: the colour of a blank is not.
fn seen(parser: &vt100::Parser, y: u16, x: u16) -> impl PartialEq + std::fmt::Debug {
    let cell = parser.screen().cell(y, x).unwrap();
    let text = if cell.contents().is_empty() { " " } else { cell.contents() };
    let visible = (cell.bgcolor(), cell.inverse(), cell.underline());
    let of_letters = (text != " ").then(|| (cell.fgcolor(), cell.bold(), cell.dim(), cell.italic()));
    let half = cell.is_wide_continuation();
    ((!half).then(|| text.to_owned()), visible, of_letters.filter(|_| !half))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_screen_is_the_one_that_the_cells_say_in_no_more_bytes(frames in prop::collection::vec(prop::collection::vec(words(), 0..8), 1..6)) {
        let (ours, theirs) = (Bytes::default(), Bytes::default());
        let mut painter = terminal(Painter::new(ours.clone(), SIZE));
        let mut plain = terminal(CrosstermBackend::new(theirs.clone()));
        for frame in &frames {
            draw(&mut painter, frame);
            draw(&mut plain, frame);
        }
        let (ours, theirs, whole) = (ours.0.take(), theirs.0.take(), Bytes::default());
        draw(&mut terminal(CrosstermBackend::new(whole.clone())), frames.last().unwrap());
        let (mut screen, mut expected) = (emulator(), emulator());
        screen.process(&ours);
        expected.process(&whole.0.take());
        for y in 0..SIZE.height {
            for x in 0..SIZE.width {
                prop_assert_eq!(seen(&screen, y, x), seen(&expected, y, x), "at {},{}: {:?}", x, y, ours.escape_ascii().to_string());
            }
        }
        prop_assert_eq!(screen.screen().cursor_position(), expected.screen().cursor_position());
        let has_wide = frames.iter().flatten().any(|(_, _, text, _)| text.chars().any(|c| c > '\u{2fff}' || c == '❤'));
        prop_assert!(has_wide || ours.len() <= theirs.len(), "{} and {}", ours.escape_ascii(), theirs.escape_ascii());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_page_that_scrolls_under_a_title_and_beside_a_list_is_shown_as_it_is(
        rows in prop::collection::vec(words(), 60),
        steps in prop::collection::vec((-8i32..8, 0u16..3), 1..8),
    ) {
        const ROWS: u16 = 16;
        let size = Size { width: 50, height: ROWS };
        let viewport = || TerminalOptions { viewport: Viewport::Fixed(Rect::from((Position::ORIGIN, size))) };
        let (ours, whole) = (Bytes::default(), Bytes::default());
        let mut painter = Terminal::with_options(Painter::new(ours.clone(), size), viewport()).unwrap();
        let page = |frame: &mut ratatui::Frame, from: i32, selected: u16| {
            let buffer = frame.buffer_mut();
            buffer.set_stringn(0, 0, "A title", 50, Style::new());
            for y in 1..ROWS - 1 {
                let ground = if y == selected { style(5) } else { style(0) };
                buffer.set_stringn(0, y, format!("entry {y}  "), 12, ground);
                let row = from + i32::from(y);
                let (x, _, text, number) = &rows[row.unsigned_abs() as usize % rows.len()];
                let room = usize::from(37 - x / 3);
                buffer.set_stringn(13 + x / 3, y, format!("{text}, row {row}"), room, style(*number));
            }
            buffer.set_stringn(0, ROWS - 1, format!("status {from}"), 50, Style::new());
            frame.set_cursor_position(Position { x: 3, y: 1 });
        };
        let mut from = 20;
        for (by, selected) in steps {
            from += by;
            painter.draw(|frame| page(frame, from, selected)).unwrap();
            whole.0.take();
            let mut plain = Terminal::with_options(CrosstermBackend::new(whole.clone()), viewport()).unwrap();
            plain.draw(|frame| page(frame, from, selected)).unwrap();
        }
        let cells = |n| NonZeroU16::new(n).unwrap();
        let (mut screen, mut expected) = (vt100::Parser::new(cells(ROWS), cells(50), 0), vt100::Parser::new(cells(ROWS), cells(50), 0));
        let ours = ours.0.take();
        screen.process(&ours);
        expected.process(&whole.0.take());
        for y in 0..ROWS {
            for x in 0..50 {
                prop_assert_eq!(seen(&screen, y, x), seen(&expected, y, x), "at {},{}: {:?}", x, y, ours.escape_ascii().to_string());
            }
        }
    }
}

#[test]
fn a_row_more_costs_a_row() {
    let bytes = Bytes::default();
    let size = Size { width: 80, height: 24 };
    let options = TerminalOptions { viewport: Viewport::Fixed(Rect::from((Position::ORIGIN, size))) };
    let mut terminal = Terminal::with_options(Painter::new(bytes.clone(), size), options).unwrap();
    let mut written = Vec::new();
    for from in 0..4_u16 {
        terminal
            .draw(|frame| {
                for y in 0..20 {
                    let words: String = (0..60_u16)
                        .map(|at| char::from(b'a' + ((from + y) * 31 + at * (from + y + 7)) as u8 % 26))
                        .collect();
                    frame.buffer_mut().set_string(0, y, words, Style::new());
                }
            })
            .unwrap();
        written.push(bytes.0.take().len());
    }
    assert!(written[1..].iter().all(|bytes| *bytes < 100), "{written:?}");
}

#[test]
fn a_blank_between_two_words_is_written_and_a_row_is_erased_at_once() {
    let bytes = Bytes::default();
    let mut terminal = terminal(Painter::new(bytes.clone(), SIZE));
    draw(&mut terminal, &[(0, 0, "one two six".into(), 0), (0, 2, "a long row of words".into(), 0)]);
    bytes.0.take();
    draw(&mut terminal, &[(0, 0, "two six one".into(), 0)]);
    let written = bytes.0.take().escape_ascii().to_string();
    assert_eq!(written, "\\x1b[1;1Htwo six one\\x1b[3;1H\\x1b[K\\x1b[2;4H");
}
