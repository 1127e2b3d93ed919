//! Cells to bytes, in as few as a frame can be told: the terminal may be at the other end of a slow line.
//!
//! What stands between two changed cells is written again where that is shorter than moving the cursor, blanks are
//! erased in one go, rows that only moved are scrolled, and an attribute is told only when it changes.

mod scroll;

use std::{fmt::Write as _, io::Write};

use crossterm::style::Colored;
use ratatui::{
    backend::IntoCrossterm,
    buffer::{Buffer, Cell, CellWidth},
    layout::{Position, Rect, Size},
    style::{Color, Modifier},
};

use self::scroll::{Scroll, Side};

/// What is between these two is one synchronized update.
const BEGIN: &[u8] = b"\x1b[?2026h";
const END: &[u8] = b"\x1b[?2026l";
const CLEAR: &[u8] = b"\x1b[m\x1b[2J";
/// So many blanks are erased rather than written.
const ERASED: u16 = 10;
/// What moving to the right costs at least, in bytes.
const MOVE: usize = 4;

/// Attributes whose blanks can be seen.
const SEEN_ON_BLANKS: Modifier =
    Modifier::REVERSED.union(Modifier::UNDERLINED).union(Modifier::CROSSED_OUT).union(Modifier::SLOW_BLINK);

const CODES: [(Modifier, u8); 9] = [
    (Modifier::BOLD, 1),
    (Modifier::DIM, 2),
    (Modifier::ITALIC, 3),
    (Modifier::UNDERLINED, 4),
    (Modifier::SLOW_BLINK, 5),
    (Modifier::RAPID_BLINK, 6),
    (Modifier::REVERSED, 7),
    (Modifier::HIDDEN, 8),
    (Modifier::CROSSED_OUT, 9),
];

/// Knows what is on the screen, where the cursor is and how it writes.
pub(super) struct Painter {
    /// What the frame wrote so far.
    bytes: Vec<u8>,
    /// What wide cells cover is empty.
    screen: Buffer,
    /// Somebody else had the terminal, or it has another size: it is cleared first.
    is_known: bool,
    /// `None` when terminals may differ about it.
    at: Option<Position>,
    pen: Pen,
    /// `None` when it is not known.
    cursor_shown: Option<bool>,
}

/// How the next cell would be written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Pen {
    fg: Color,
    bg: Color,
    underline: Color,
    modifier: Modifier,
}

impl Painter {
    pub fn new(size: Size) -> Self {
        Self {
            bytes: Vec::new(),
            screen: Buffer::empty(Rect::from((Position::ORIGIN, size))),
            is_known: false,
            at: None,
            pen: Pen::default(),
            cursor_shown: None,
        }
    }

    /// The screen has another size, or somebody else has had it: nothing on it is known.
    pub fn forget(&mut self, size: Size) {
        *self = Self { bytes: std::mem::take(&mut self.bytes), ..Self::new(size) };
    }

    /// The bytes that make the screen the next one, which has its size: nothing, or an update that is seen at once.
    pub fn paint(&mut self, next: &mut Buffer, cursor: Option<Position>) -> &[u8] {
        self.bytes.clear();
        self.bytes.extend_from_slice(BEGIN);
        if !std::mem::replace(&mut self.is_known, true) {
            self.bytes.extend_from_slice(CLEAR);
        }
        let changed = changes(&self.screen, next);
        let scrolled = changed.len() >= scroll::WORTH && self.scroll(next);
        let changed = if scrolled { changes(&self.screen, next) } else { changed };
        self.print_all(&cells(next, &changed));
        self.place_cursor(cursor);
        if self.bytes.len() > BEGIN.len() {
            self.bytes.extend_from_slice(END);
            &self.bytes
        } else {
            &[]
        }
    }

    /// Moves what only has another row on the next screen; says whether anything has.
    fn scroll(&mut self, next: &Buffer) -> bool {
        let Some(scroll) = Scroll::between(&self.screen, next) else { return false };
        let Scroll { top, bottom, rows, to } = scroll;
        let (edge, step): (u16, &[u8]) = match to {
            Side::Top => (bottom, b"\n"),
            Side::Bottom => (top, b"\x1bM"),
        };
        let _ = write!(self.bytes, "\x1b[{};{}r\x1b[{};1H", top + 1, bottom + 1, edge + 1); // A vector takes everything.
        self.bytes.extend(step.repeat(rows.into()));
        self.bytes.extend_from_slice(b"\x1b[r");
        self.at = None;
        scroll.apply(&mut self.screen);
        true
    }

    fn place_cursor(&mut self, cursor: Option<Position>) {
        if self.cursor_shown.replace(cursor.is_some()) != Some(cursor.is_some()) {
            self.bytes.extend_from_slice(if cursor.is_some() { b"\x1b[?25h" } else { b"\x1b[?25l" });
        }
        if let Some(to) = cursor.filter(|to| self.at != Some(*to)) {
            self.jump(to);
        }
    }

    fn print_all(&mut self, cells: &[(u16, u16, &Cell)]) {
        let mut rest = cells;
        // What the last wide cell covers is not written: it would break it.
        let mut covered = Position::ORIGIN;
        while let Some(&(x, y, cell)) = rest.first() {
            if y == covered.y && x < covered.x {
                rest = &rest[1..];
                continue;
            }
            self.go(Position { x, y });
            let (blanks, taken) = self.blanks(rest);
            let reaches_edge = x + blanks == self.screen.area.width;
            if blanks >= ERASED || (reaches_edge && blanks > 3) {
                self.take(Pen::of(cell));
                if reaches_edge {
                    self.bytes.extend_from_slice(b"\x1b[K");
                } else {
                    let _ = write!(self.bytes, "\x1b[{blanks}X"); // A vector takes everything.
                }
                for (x, y, cell) in &rest[..taken] {
                    keep(&mut self.screen, *x, *y, cell);
                }
                rest = &rest[taken..];
            } else {
                covered = Position { x: x.saturating_add(cell.cell_width().max(1)), y };
                let halves = self.screen.cell((covered.x - 1, y)).is_some_and(|cell| cell.cell_width() == 2);
                self.print(cell);
                keep(&mut self.screen, x, y, cell);
                rest = &rest[1..];
                let follows = rest.first().is_some_and(|(x, y, _)| (*x, *y) == (covered.x, covered.y));
                if halves && !follows && covered.x < self.screen.area.right() {
                    // The other half of what stood there may have been left in the colours of this cell.
                    self.go(covered);
                    self.print(&Cell::default());
                }
            }
        }
        self.take(Pen::default());
    }

    /// How many plain blanks begin here, those that stand there already included, and how many cells they are of the
    /// ones to paint.
    fn blanks(&self, cells: &[(u16, u16, &Cell)]) -> (u16, usize) {
        let Some(&(start, row, _)) = cells.first() else { return (0, 0) };
        let (mut x, mut taken) = (start, 0);
        while x < self.screen.area.right() {
            match cells.get(taken) {
                Some(&(next, y, cell)) if (next, y) == (x, row) => {
                    if !is_blank(cell) {
                        break;
                    }
                    taken += 1;
                }
                Some(_) | None if self.screen.cell((x, row)).is_some_and(is_blank) => (),
                Some(_) | None => break,
            }
            x += 1;
        }
        (x - start, taken)
    }

    fn print(&mut self, cell: &Cell) {
        self.take(Pen::of(cell));
        if cell.cell_width() == 2 && cell.symbol().contains('\u{fe0f}') {
            // A terminal that draws it narrow would leave what stood in its second half.
            self.bytes.extend_from_slice(b"  \x1b[2D");
        }
        self.bytes.extend_from_slice(cell.symbol().as_bytes());
        self.at = match (self.at, advance(cell)) {
            (Some(at), Some(width)) if at.x + width < self.screen.area.width => {
                Some(Position { x: at.x + width, ..at })
            }
            _ => None,
        };
    }

    fn go(&mut self, to: Position) {
        if self.at == Some(to) {
            return;
        }
        match self.at {
            Some(at) if at.y == to.y && at.x < to.x => {
                let between = self.between(at, to.x);
                if between.is_empty() {
                    let _ = match to.x - at.x {
                        1 => self.bytes.write_all(b"\x1b[C"),
                        columns => write!(self.bytes, "\x1b[{columns}C"),
                    };
                }
                self.bytes.extend_from_slice(&between);
            }
            _ => self.jump(to),
        }
        self.at = Some(to);
    }

    fn jump(&mut self, to: Position) {
        let _ = write!(self.bytes, "\x1b[{};{}H", to.y + 1, to.x + 1); // A vector takes everything.
        self.at = Some(to);
    }

    /// What stands between the cursor and a column, if it can be written again in fewer bytes than a move takes.
    fn between(&self, at: Position, to: u16) -> Vec<u8> {
        let mut bytes = Vec::new();
        for x in at.x..to {
            let Some(cell) = self.screen.cell((x, at.y)) else { return Vec::new() };
            if Pen::of(cell) != self.pen || advance(cell) != Some(1) || bytes.len() + cell.symbol().len() > MOVE {
                return Vec::new();
            }
            bytes.extend_from_slice(cell.symbol().as_bytes());
        }
        bytes
    }

    /// Makes the pen that one.
    fn take(&mut self, pen: Pen) {
        if pen == self.pen {
            return;
        }
        let mut codes = String::new();
        let mut add = |code: std::fmt::Arguments| {
            if !codes.is_empty() {
                codes.push(';');
            }
            let _ = codes.write_fmt(code); // A string takes everything.
        };
        let mut from = self.pen;
        if pen == Pen::default() || !(from.modifier - pen.modifier).is_empty() {
            add(format_args!("0"));
            from = Pen::default();
        }
        for (modifier, code) in CODES {
            if (pen.modifier - from.modifier).contains(modifier) {
                add(format_args!("{code}"));
            }
        }
        if pen.fg != from.fg {
            add(format_args!("{}", Colored::ForegroundColor(pen.fg.into_crossterm())));
        }
        if pen.bg != from.bg {
            add(format_args!("{}", Colored::BackgroundColor(pen.bg.into_crossterm())));
        }
        if pen.underline != from.underline {
            add(format_args!("{}", Colored::UnderlineColor(pen.underline.into_crossterm())));
        }
        let _ = write!(self.bytes, "\x1b[{codes}m");
        self.pen = pen;
    }
}

impl Pen {
    fn of(cell: &Cell) -> Self {
        Self { fg: cell.fg, bg: cell.bg, underline: cell.underline_color, modifier: cell.modifier }
    }
}

/// Remembers that a cell is on the screen.
fn keep(screen: &mut Buffer, x: u16, y: u16, cell: &Cell) {
    let width = cell.cell_width().max(1);
    for covered in x + 1..x.saturating_add(width) {
        if let Some(covered) = screen.cell_mut((covered, y)) {
            covered.reset();
        }
    }
    if let Some(kept) = screen.cell_mut((x, y)) {
        kept.clone_from(cell);
    }
}

/// Which cells are others on the next screen; what wide cells cover becomes empty there.
fn changes(screen: &Buffer, next: &mut Buffer) -> Vec<usize> {
    let width = usize::from(screen.area.width).max(1);
    let mut changed = Vec::new();
    for (y, (now, row)) in screen.content.chunks(width).zip(next.content.chunks_mut(width)).enumerate() {
        let mut x = 0;
        while x < row.len() {
            if !alike(&now[x], &row[x]) {
                changed.push(y * width + x);
            }
            let end = x + if row[x].symbol().len() == 1 { 1 } else { usize::from(row[x].cell_width().max(1)) };
            for covered in x + 1..end.min(row.len()) {
                row[covered].reset();
            }
            x = end;
        }
    }
    changed
}

fn cells<'a>(next: &'a Buffer, changed: &[usize]) -> Vec<(u16, u16, &'a Cell)> {
    let of = |index: &usize| {
        let (x, y) = next.pos_of(*index);
        (x, y, &next.content[*index])
    };
    changed.iter().map(of).collect()
}

/// Whether two cells look the same. Nearly all are letters of one byte.
fn alike(a: &Cell, b: &Cell) -> bool {
    let same_letter = match (a.symbol().as_bytes(), b.symbol().as_bytes()) {
        ([a], [b]) => a == b,
        (a, b) => a == b,
    };
    same_letter && Pen::of(a) == Pen::of(b)
}

/// A blank that is the terminal's own.
fn is_blank(cell: &Cell) -> bool {
    cell.symbol() == " " && cell.bg == Color::Reset && !cell.modifier.intersects(SEEN_ON_BLANKS)
}

/// How far a cell moves the cursor, where all terminals agree.
fn advance(cell: &Cell) -> Option<u16> {
    let mut letters = cell.symbol().chars();
    let (letter, width) = (letters.next()?, cell.cell_width());
    match letter {
        _ if width == 1 => Some(1),
        // Ideographs, kana, Hangul and their punctuation.
        '\u{3000}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}' | '\u{ff01}'..='\u{ff60}'
            if width == 2 && letters.next().is_none() =>
        {
            Some(2)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
