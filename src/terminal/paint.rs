//! Turns cells into as few bytes as possible: the terminal may be at the other end of a slow line.
//!
//! Cells between two changed ones are rewritten where that is shorter than moving the cursor, blanks are erased
//! together, rows that only moved are scrolled, and attributes are sent only when they change.

mod joined;
mod scroll;

use std::{fmt::Write as _, io::Write};

use crossterm::style::Colored;
use ratatui::{
    backend::IntoCrossterm,
    buffer::{Buffer, Cell, CellWidth},
    layout::{Position, Rect, Size},
    style::{Color, Modifier},
};

use self::scroll::{ScrollDirection, ScrollRegion};

/// Begins and ends a synchronized update.
const BEGIN_UPDATE: &[u8] = b"\x1b[?2026h";
const END_UPDATE: &[u8] = b"\x1b[?2026l";
const CLEAR_SCREEN: &[u8] = b"\x1b[m\x1b[2J";
/// The least number of blanks that are erased rather than written.
const MIN_ERASED: u16 = 10;
/// The least cost of moving to the right, in bytes.
const MIN_MOVE_BYTES: usize = 4;

/// Attributes that are visible on blanks.
const VISIBLE_ON_BLANKS: Modifier =
    Modifier::REVERSED.union(Modifier::UNDERLINED).union(Modifier::CROSSED_OUT).union(Modifier::SLOW_BLINK);

const SGR_CODES: [(Modifier, u8); 9] = [
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

/// Tracks the cells on the screen, the cursor and its attributes, and writes what changes.
pub(crate) struct CellPainter {
    /// The bytes of the current frame so far.
    bytes: Vec<u8>,
    /// The cells on the screen; those covered by a wide cell are empty.
    screen: Buffer,
    /// `false` after a resize or another program's use of the terminal; the screen is then cleared first.
    is_screen_known: bool,
    /// The cursor's position; `None` when terminals may disagree about it.
    position: Option<Position>,
    pen: PenStyle,
    /// `None` when unknown.
    is_cursor_shown: Option<bool>,
}

/// The attributes with which the next cell would be written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct PenStyle {
    fg: Color,
    bg: Color,
    underline: Color,
    modifier: Modifier,
}

impl CellPainter {
    pub(super) fn new(size: Size) -> Self {
        Self {
            bytes: Vec::new(),
            screen: Buffer::empty(Rect::from((Position::ORIGIN, size))),
            is_screen_known: false,
            position: None,
            pen: PenStyle::default(),
            is_cursor_shown: None,
        }
    }

    /// Marks the screen as unknown, after a resize or another program's use of it.
    pub(super) fn reset(&mut self, size: Size) {
        *self = Self { bytes: std::mem::take(&mut self.bytes), ..Self::new(size) };
    }

    /// Returns the bytes that turn the screen into `next`, which has the same size: none, or one synchronized update.
    pub(super) fn paint(&mut self, next: &mut Buffer, cursor: Option<Position>) -> &[u8] {
        self.bytes.clear();
        self.bytes.extend_from_slice(BEGIN_UPDATE);
        if !std::mem::replace(&mut self.is_screen_known, true) {
            self.bytes.extend_from_slice(CLEAR_SCREEN);
        }
        let changed = changed_cells(&self.screen, next);
        let scrolled = changed.len() >= scroll::MIN_SAVED_CELLS && self.scroll_rows(next);
        let changed = if scrolled { changed_cells(&self.screen, next) } else { changed };
        self.print_cells(&cells_at(next, &joined::with_overdrawn_cells(next, changed)));
        self.place_cursor(cursor);
        if self.bytes.len() > BEGIN_UPDATE.len() {
            self.bytes.extend_from_slice(END_UPDATE);
            &self.bytes
        } else {
            &[]
        }
    }

    /// Scrolls rows that only moved on the next screen; returns whether there were any.
    fn scroll_rows(&mut self, next: &Buffer) -> bool {
        let Some(scroll) = ScrollRegion::find(&self.screen, next) else { return false };
        let ScrollRegion { top, bottom, rows, direction: to } = scroll;
        let (edge, step): (u16, &[u8]) = match to {
            ScrollDirection::Up => (bottom, b"\n"),
            ScrollDirection::Down => (top, b"\x1bM"),
        };
        let _ = write!(self.bytes, "\x1b[{};{}r\x1b[{};1H", top + 1, bottom + 1, edge + 1); // A vector never fails.
        self.bytes.extend(step.repeat(rows.into()));
        self.bytes.extend_from_slice(b"\x1b[r");
        self.position = None;
        scroll.apply(&mut self.screen);
        true
    }

    fn place_cursor(&mut self, cursor: Option<Position>) {
        if self.is_cursor_shown.replace(cursor.is_some()) != Some(cursor.is_some()) {
            self.bytes.extend_from_slice(if cursor.is_some() { b"\x1b[?25h" } else { b"\x1b[?25l" });
        }
        if let Some(to) = cursor.filter(|to| self.position != Some(*to)) {
            self.jump_to(to);
        }
    }

    fn print_cells(&mut self, cells: &[(u16, u16, &Cell)]) {
        let mut rest = cells;
        // Cells covered by the last wide one are not written, because that would destroy it.
        let mut covered = Position::ORIGIN;
        // Behind a joined cluster there may be half of another character, which only printing takes away as a whole.
        let mut must_print = None;
        while let Some(&(x, y, cell)) = rest.first() {
            if y == covered.y && x < covered.x {
                rest = &rest[1..];
                continue;
            }
            self.move_to(Position { x, y });
            let (blanks, taken) = self.count_blanks(rest);
            let reaches_edge = x + blanks == self.screen.area.width;
            let can_erase = must_print != Some(Position { x, y });
            if can_erase && (blanks >= MIN_ERASED || (reaches_edge && blanks > 3)) {
                self.set_pen(PenStyle::of(cell));
                if reaches_edge {
                    self.bytes.extend_from_slice(b"\x1b[K");
                } else {
                    let _ = write!(self.bytes, "\x1b[{blanks}X"); // A vector never fails.
                }
                for (x, y, cell) in &rest[..taken] {
                    store_cell(&mut self.screen, *x, *y, cell);
                }
                rest = &rest[taken..];
            } else {
                covered = Position { x: x.saturating_add(cell.cell_width().max(1)), y };
                must_print = joined::is_joined(cell).then_some(covered);
                let replaces_wide_cell =
                    self.screen.cell((covered.x - 1, y)).is_some_and(|cell| cell.cell_width() == 2);
                self.print_cell(cell);
                store_cell(&mut self.screen, x, y, cell);
                rest = &rest[1..];
                let is_followed = rest.first().is_some_and(|(x, y, _)| (*x, *y) == (covered.x, covered.y));
                if replaces_wide_cell && !is_followed && covered.x < self.screen.area.right() {
                    // The other half of the old wide cell may still have the colours of this cell.
                    self.move_to(covered);
                    self.print_cell(&Cell::default());
                }
            }
        }
        self.set_pen(PenStyle::default());
    }

    /// Returns how many plain blanks begin here, including those already on the screen, and how many of the cells to
    /// paint they cover.
    fn count_blanks(&self, cells: &[(u16, u16, &Cell)]) -> (u16, usize) {
        let Some(&(start, row, _)) = cells.first() else { return (0, 0) };
        let (mut x, mut cell_count) = (start, 0);
        while x < self.screen.area.right() {
            match cells.get(cell_count) {
                Some(&(next, y, cell)) if (next, y) == (x, row) => {
                    if !is_blank(cell) {
                        break;
                    }
                    cell_count += 1;
                }
                Some(_) | None if self.screen.cell((x, row)).is_some_and(is_blank) => (),
                Some(_) | None => break,
            }
            x += 1;
        }
        (x - start, cell_count)
    }

    fn print_cell(&mut self, cell: &Cell) {
        self.set_pen(PenStyle::of(cell));
        let at = self.position;
        if cell.cell_width() == 2
            && cell.symbol().contains('\u{fe0f}')
            && let Some(at) = at
        {
            // A terminal that draws it narrow would leave the old content in its second half.
            self.bytes.extend_from_slice(b"  ");
            self.jump_to(at);
        }
        let room = at.map_or(u16::MAX, |at| self.screen.area.width - at.x);
        self.bytes.extend_from_slice(&joined::symbol_within(cell, room));
        self.position = match (self.position, cursor_advance(cell)) {
            (Some(at), Some(width)) if at.x + width < self.screen.area.width => {
                Some(Position { x: at.x + width, ..at })
            }
            _ => None,
        };
    }

    fn move_to(&mut self, to: Position) {
        if self.position == Some(to) {
            return;
        }
        match self.position {
            Some(at) if at.y == to.y && at.x < to.x => {
                let between = self.rewritten_cells(at, to.x);
                if between.is_empty() {
                    let _ = match to.x - at.x {
                        1 => self.bytes.write_all(b"\x1b[C"),
                        columns => write!(self.bytes, "\x1b[{columns}C"),
                    };
                }
                self.bytes.extend_from_slice(&between);
            }
            _ => self.jump_to(to),
        }
        self.position = Some(to);
    }

    fn jump_to(&mut self, to: Position) {
        let _ = write!(self.bytes, "\x1b[{};{}H", to.y + 1, to.x + 1); // A vector never fails.
        self.position = Some(to);
    }

    /// Returns the cells between the cursor and a column, if rewriting them takes no more bytes than a move.
    fn rewritten_cells(&self, at: Position, to: u16) -> Vec<u8> {
        let mut bytes = Vec::new();
        for x in at.x..to {
            let Some(cell) = self.screen.cell((x, at.y)) else { return Vec::new() };
            if PenStyle::of(cell) != self.pen
                || cursor_advance(cell) != Some(1)
                || bytes.len() + cell.symbol().len() > MIN_MOVE_BYTES
            {
                return Vec::new();
            }
            bytes.extend_from_slice(cell.symbol().as_bytes());
        }
        bytes
    }

    /// Changes the attributes to those of `pen`.
    fn set_pen(&mut self, pen: PenStyle) {
        if pen == self.pen {
            return;
        }
        let mut codes = String::new();
        let mut add = |code: std::fmt::Arguments| {
            if !codes.is_empty() {
                codes.push(';');
            }
            let _ = codes.write_fmt(code); // A string never fails.
        };
        let mut from = self.pen;
        if pen == PenStyle::default() || !(from.modifier - pen.modifier).is_empty() {
            add(format_args!("0"));
            from = PenStyle::default();
        }
        for (modifier, code) in SGR_CODES {
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

impl PenStyle {
    fn of(cell: &Cell) -> Self {
        Self { fg: cell.fg, bg: cell.bg, underline: cell.underline_color, modifier: cell.modifier }
    }
}

/// Records that a cell is on the screen.
fn store_cell(screen: &mut Buffer, x: u16, y: u16, cell: &Cell) {
    let width = cell.cell_width().max(1);
    for covered in x + 1..x.saturating_add(width) {
        if let Some(covered) = screen.cell_mut((covered, y)) {
            covered.reset();
        }
    }
    if let Some(stored) = screen.cell_mut((x, y)) {
        stored.clone_from(cell);
    }
}

/// Returns the indices of cells that differ on the next screen, and empties the cells there that wide ones cover.
fn changed_cells(screen: &Buffer, next: &mut Buffer) -> Vec<usize> {
    let width = usize::from(screen.area.width).max(1);
    let mut changed = Vec::new();
    for (y, (now, row)) in screen.content.chunks(width).zip(next.content.chunks_mut(width)).enumerate() {
        let mut x = 0;
        while x < row.len() {
            if !looks_same(&now[x], &row[x]) {
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

fn cells_at<'a>(next: &'a Buffer, changed: &[usize]) -> Vec<(u16, u16, &'a Cell)> {
    let of = |index: &usize| {
        let (x, y) = next.pos_of(*index);
        (x, y, &next.content[*index])
    };
    changed.iter().map(of).collect()
}

/// Whether two cells look the same. Fast for single bytes, which nearly all are.
fn looks_same(a: &Cell, b: &Cell) -> bool {
    let same_letter = match (a.symbol().as_bytes(), b.symbol().as_bytes()) {
        ([a], [b]) => a == b,
        (a, b) => a == b,
    };
    same_letter && PenStyle::of(a) == PenStyle::of(b)
}

/// Whether a cell is a blank with the terminal's own background.
fn is_blank(cell: &Cell) -> bool {
    cell.symbol() == " " && cell.bg == Color::Reset && !cell.modifier.intersects(VISIBLE_ON_BLANKS)
}

/// Returns how far a cell moves the cursor; `None` where terminals disagree.
fn cursor_advance(cell: &Cell) -> Option<u16> {
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
