//! The screen shows the cells, whatever was on it before, and in few bytes.

use std::{cell::RefCell, io, num::NonZeroU16, rc::Rc};

use proptest::prelude::*;
use ratatui::{Terminal, TerminalOptions, Viewport, backend::CrosstermBackend, style::Style};

use super::*;

const SIZE: Size = Size { width: 24, height: 4 };
const CURSOR: Position = Position { x: 3, y: 1 };

/// Our painter, and its output without what begins and ends a frame.
struct OurPainter {
    painter: CellPainter,
    cells: Buffer,
    written: Vec<u8>,
}

impl OurPainter {
    fn new(size: Size) -> Self {
        let cells = Buffer::empty(Rect::from((Position::ORIGIN, size)));
        Self { painter: CellPainter::new(size), cells, written: Vec::new() }
    }

    fn draw(&mut self, page: impl FnOnce(&mut Buffer)) {
        self.cells.reset();
        page(&mut self.cells);
        let bytes = self.painter.paint(&mut self.cells, Some(CURSOR));
        if !bytes.is_empty() {
            let update = bytes.strip_prefix(BEGIN_UPDATE).and_then(|bytes| bytes.strip_suffix(END_UPDATE)).unwrap();
            self.written.extend_from_slice(update.strip_prefix(CLEAR_SCREEN).unwrap_or(update));
        }
    }
}

/// ratatui's own backend, for comparison.
struct RatatuiPainter {
    terminal: Terminal<CrosstermBackend<SharedBytes>>,
    written: SharedBytes,
}

#[derive(Clone, Default)]
struct SharedBytes(Rc<RefCell<Vec<u8>>>);

impl Write for SharedBytes {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl RatatuiPainter {
    fn new(size: Size) -> Self {
        let (written, viewport) = (SharedBytes::default(), Viewport::Fixed(Rect::from((Position::ORIGIN, size))));
        let backend = CrosstermBackend::new(written.clone());
        Self { terminal: Terminal::with_options(backend, TerminalOptions { viewport }).unwrap(), written }
    }

    fn draw(&mut self, page: impl FnOnce(&mut Buffer)) {
        let drawn = self.terminal.draw(|frame| {
            page(frame.buffer_mut());
            frame.set_cursor_position(CURSOR);
        });
        drawn.unwrap();
    }

    /// Returns the bytes for one page on an empty screen.
    fn full_page(size: Size, page: impl FnOnce(&mut Buffer)) -> Vec<u8> {
        let mut plain = Self::new(size);
        plain.draw(page);
        plain.written.0.take()
    }
}

/// A text at a position, in one of a few styles.
type StyledText = (u16, u16, String, usize);

fn styled_text() -> impl Strategy<Value = StyledText> {
    let text = prop_oneof![
        4 => "[a-c ]{1,12}",
        2 => " {1,24}",
        1 => "[a 与中文,é─▏]{1,6}",
        1 => prop::sample::select(vec!["👍", "❤️", "e\u{301}"]).prop_map(str::to_owned),
    ];
    (0..SIZE.width, 0..SIZE.height, text, 0usize..6)
}

fn numbered_style(number: usize) -> Style {
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

fn draw_texts(frame: &[StyledText], cells: &mut Buffer) {
    // As in real layouts, no text overwrites a wide cell of another.
    let mut ends = [0; SIZE.height as usize];
    for (x, y, text, number) in frame {
        let end: &mut u16 = &mut ends[usize::from(*y)];
        let x = (*x).max(*end);
        *end = cells.set_stringn(x, *y, text, usize::from(SIZE.width - x), numbered_style(*number)).0;
    }
}

fn emulator() -> vt100::Parser {
    let cells = |n| NonZeroU16::new(n).unwrap();
    vt100::Parser::new(cells(SIZE.height), cells(SIZE.width), 0)
}

/// The visible properties of a cell; the colour of a blank is not visible.
fn visible_cell(parser: &vt100::Parser, y: u16, x: u16) -> impl PartialEq + std::fmt::Debug {
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
    fn the_screen_shows_the_cells_in_no_more_bytes_than_ratatui(frames in prop::collection::vec(prop::collection::vec(styled_text(), 0..8), 1..6)) {
        let (mut ours, mut plain) = (OurPainter::new(SIZE), RatatuiPainter::new(SIZE));
        for frame in &frames {
            ours.draw(|cells| draw_texts(frame, cells));
            plain.draw(|cells| draw_texts(frame, cells));
        }
        let (ours, theirs) = (ours.written, plain.written.0.take());
        let (mut screen, mut expected) = (emulator(), emulator());
        screen.process(&ours);
        expected.process(&RatatuiPainter::full_page(SIZE, |cells| draw_texts(frames.last().unwrap(), cells)));
        for y in 0..SIZE.height {
            for x in 0..SIZE.width {
                prop_assert_eq!(visible_cell(&screen, y, x), visible_cell(&expected, y, x), "at {},{}: {:?}", x, y, ours.escape_ascii().to_string());
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
    fn a_page_that_scrolls_under_a_title_and_beside_a_list_is_shown_correctly(
        rows in prop::collection::vec(styled_text(), 60),
        steps in prop::collection::vec((-8i32..8, 0u16..3), 1..8),
    ) {
        const ROWS: u16 = 16;
        let size = Size { width: 50, height: ROWS };
        let page = |buffer: &mut Buffer, from: i32, selected: u16| {
            buffer.set_stringn(0, 0, "A title", 50, Style::new());
            for y in 1..ROWS - 1 {
                let ground = if y == selected { numbered_style(5) } else { numbered_style(0) };
                buffer.set_stringn(0, y, format!("entry {y}  "), 12, ground);
                let row = from + i32::from(y);
                let (x, _, text, number) = &rows[row.unsigned_abs() as usize % rows.len()];
                let room = usize::from(37 - x / 3);
                buffer.set_stringn(13 + x / 3, y, format!("{text}, row {row}"), room, numbered_style(*number));
            }
            buffer.set_stringn(0, ROWS - 1, format!("status {from}"), 50, Style::new());
        };
        let (mut from, mut ours, mut whole) = (20, OurPainter::new(size), Vec::new());
        for (by, selected) in steps {
            from += by;
            ours.draw(|cells| page(cells, from, selected));
            whole = RatatuiPainter::full_page(size, |cells| page(cells, from, selected));
        }
        let cells = |n| NonZeroU16::new(n).unwrap();
        let (mut screen, mut expected) = (vt100::Parser::new(cells(ROWS), cells(50), 0), vt100::Parser::new(cells(ROWS), cells(50), 0));
        let ours = ours.written;
        screen.process(&ours);
        expected.process(&whole);
        for y in 0..ROWS {
            for x in 0..50 {
                prop_assert_eq!(visible_cell(&screen, y, x), visible_cell(&expected, y, x), "at {},{}: {:?}", x, y, ours.escape_ascii().to_string());
            }
        }
    }
}

#[test]
fn one_more_row_costs_one_row() {
    let mut ours = OurPainter::new(Size { width: 80, height: 24 });
    let mut written = Vec::new();
    for from in 0..4_u16 {
        ours.draw(|cells| {
            for y in 0..20 {
                let words: String = (0..60_u16)
                    .map(|at| char::from(b'a' + ((from + y) * 31 + at * (from + y + 7)) as u8 % 26))
                    .collect();
                cells.set_string(0, y, words, Style::new());
            }
        });
        written.push(std::mem::take(&mut ours.written).len());
    }
    assert!(written[1..].iter().all(|bytes| *bytes < 100), "{written:?}");
}

#[test]
fn a_blank_between_two_words_is_written_and_a_row_is_erased_at_once() {
    let mut ours = OurPainter::new(SIZE);
    let mut draw = |frame: &[StyledText]| {
        ours.draw(|cells| draw_texts(frame, cells));
        std::mem::take(&mut ours.written).escape_ascii().to_string()
    };
    draw(&[(0, 0, "one two six".into(), 0), (0, 2, "a long row of words".into(), 0)]);
    let next = [(0, 0, "two six one".into(), 0)];
    assert_eq!(draw(&next), "\\x1b[1;1Htwo six one\\x1b[3;1H\\x1b[K\\x1b[2;4H");
    assert_eq!(draw(&next), "", "nothing differs");
}

#[test]
fn cells_covered_by_wide_clusters_do_not_count_as_changes() {
    let mut ours = OurPainter::new(SIZE);
    let frame = [(0, 0, "与中文混排 a".into(), 4)];
    ours.draw(|cells| draw_texts(&frame, cells));
    ours.written.clear();
    ours.draw(|cells| draw_texts(&frame, cells));
    assert_eq!(ours.written, b"");
}

/// Joined emoji, each with the character that is left of it where a terminal joins none.
const JOINED: [(&str, &str); 5] = [
    ("👨\u{200d}👩\u{200d}👧\u{200d}👦", "👨"),
    ("👩🏽\u{200d}💻", "👩"),
    ("👍🏽", "👍"),
    ("❤\u{fe0f}\u{200d}🔥", "❤"),
    ("🏳\u{fe0f}\u{200d}🌈", "🏳"),
];

fn words_and_emoji() -> impl Strategy<Value = Vec<(String, u16)>> {
    let piece = prop_oneof![
        2 => "[a-z ]{1,6}",
        1 => prop::sample::select(JOINED.map(|(joined, _)| joined.to_owned()).to_vec()),
    ];
    let row = prop::collection::vec(piece, 1..5).prop_map(|pieces| pieces.concat());
    prop::collection::vec((row, 0..SIZE.width), usize::from(SIZE.height))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn joined_emoji_leave_no_halves_on_a_terminal_that_joins_none(frames in prop::collection::vec(words_and_emoji(), 1..5)) {
        let mut ours = OurPainter::new(SIZE);
        for frame in &frames {
            ours.draw(|cells| {
                for (y, (row, x)) in (0..).zip(frame) {
                    cells.set_stringn(*x, y, row, usize::from(SIZE.width - x), Style::new());
                }
            });
        }
        let mut screen = emulator();
        screen.process(&ours.written);
        for y in 0..SIZE.height {
            for x in 0..SIZE.width {
                let meant = ours.cells[(x, y)].symbol();
                let shown = screen.screen().cell(y, x).unwrap();
                let what = format!("at {x},{y}: {:?} for {meant:?}\n{}", shown.contents(), ours.written.escape_ascii());
                match JOINED.iter().find(|(joined, _)| *joined == meant) {
                    Some((_, first)) => prop_assert!(shown.contents().starts_with(first), "{}", what),
                    None if shown.contents().is_empty() => prop_assert_eq!(meant, " ", "{}", what),
                    None => prop_assert_eq!(shown.contents(), meant, "{}", what),
                }
            }
        }
    }
}
