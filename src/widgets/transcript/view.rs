//! The transcript on the screen.

use std::ops::Range;

use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
    style::{Modifier, Style},
    widgets::Widget,
};

use super::{GUTTER, Transcript, message::Placed, select};
use crate::{
    text,
    widgets::{
        row::RowKind,
        theme::{Role, Theme},
    },
};

/// Paints the rows that `Transcript::sync` chose, and the pill that tells of new ones.
pub struct TranscriptView<'a> {
    pub transcript: &'a Transcript,
    pub theme: &'a Theme,
    /// The pane has the focus: the current message is marked.
    pub focused: bool,
    /// The newest card has the focus: its letters work.
    pub card_focused: bool,
    /// What leads to the end; empty where no key does.
    pub end_key: &'a str,
}

impl Widget for TranscriptView<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        let area = area.intersection(buf.area);
        let column = Rect { x: area.x + GUTTER.min(area.width), width: area.width.saturating_sub(GUTTER), ..area };
        let cursor_row = self.transcript.cursor_row();
        let spots = self.transcript.shown().map(|(spot, _)| spot);
        for (((placed, is_current), spot), y) in self.transcript.rows().zip(spots).zip(area.top()..area.bottom()) {
            let gutter = Rect { y, height: 1, width: area.width.min(GUTTER), ..area };
            let line = Rect { y, height: 1, ..column };
            let is_head = cursor_row.map_or(is_current && placed.row.kind == RowKind::Head, |row| row == spot);
            let is_card = placed.row.kind == RowKind::Card;
            if self.focused && is_head || self.card_focused && is_current && is_card {
                mark(self.theme.marks.bar, Role::Accent, gutter, self.theme, buf);
            } else if let Some(bar) = placed.row.gutter {
                mark(bar.mark, bar.role, gutter, self.theme, buf);
            }
            match placed.bar {
                Some(bar) => {
                    mark(bar.mark, bar.role, line, self.theme, buf);
                    let inner = Rect { x: line.x + 2.min(line.width), width: line.width.saturating_sub(2), ..line };
                    placed.row.draw(inner, self.theme, buf);
                }
                None => placed.row.draw(line, self.theme, buf),
            }
        }
        self.matches(column, buf);
        self.selection(column, buf);
        self.pill(column, buf);
    }
}

impl TranscriptView<'_> {
    /// Where the terminal's cursor stands while keys select.
    pub fn cursor(&self, area: Rect) -> Option<Position> {
        let (x, y) = self.transcript.caret()?;
        let at = Position::new(area.x + GUTTER + u16::try_from(x).ok()?, area.y + u16::try_from(y).ok()?);
        (self.focused && area.contains(at)).then_some(at)
    }

    /// Marks what was looked for; the current one is bold and underlined as well.
    fn matches(&self, column: Rect, buf: &mut Buffer) {
        let Some(find) = self.transcript.find() else { return };
        let current =
            self.theme.style(Role::Accent).add_modifier(Modifier::REVERSED | Modifier::BOLD | Modifier::UNDERLINED);
        for ((spot, placed), y) in self.transcript.shown().zip(column.top()..column.bottom()) {
            for (_, range, is_current) in find.lit().iter().filter(|(lit, ..)| *lit == spot) {
                let style = if *is_current { current } else { self.theme.style(Role::Mark) };
                self.paint(placed, range, Rect { y, height: 1, ..column }, style, buf);
            }
        }
    }

    /// Lays the selection over the words.
    fn selection(&self, column: Rect, buf: &mut Buffer) {
        for ((spot, placed), y) in self.transcript.shown().zip(column.top()..column.bottom()) {
            let words = select::words(placed.row).len();
            if let Some(range) = self.transcript.selected_in(spot, words) {
                let line = Rect { y, height: 1, ..column };
                self.paint(placed, &range, line, self.theme.style(Role::Selection), buf);
            }
        }
    }

    /// Lays a style over some letters of a row.
    fn paint(&self, placed: Placed, words: &Range<usize>, line: Rect, style: Style, buf: &mut Buffer) {
        for cells in self.transcript.on_screen(placed).cells(words) {
            let at = |cell: usize| u16::try_from(cell).unwrap_or(u16::MAX).min(line.width);
            let (from, to) = (at(cells.start), at(cells.end));
            buf.set_style(Rect { x: line.x + from, width: to - from, ..line }, style);
        }
    }

    /// `↓ 3 new lines  ^End` at the bottom right.
    fn pill(&self, column: Rect, buf: &mut Buffer) {
        let count = self.transcript.new_rows_below();
        if count == 0 || column.is_empty() {
            return;
        }
        let lines = if count == 1 { "line" } else { "lines" };
        let words = format!(" {} {count} new {lines} ", self.theme.marks.more_below);
        let key = if self.end_key.is_empty() { String::new() } else { format!(" {} ", self.end_key) };
        let Some(width) =
            u16::try_from(text::width(&words) + text::width(&key)).ok().filter(|width| *width <= column.width)
        else {
            return;
        };
        let x = column.right() - width;
        let y = column.bottom() - 1;
        let pill = Rect { x, y, width, height: 1 };
        self.theme.clear(pill, Role::Raised, buf);
        let (x, _) = buf.set_stringn(x, y, &words, usize::from(width), self.theme.style(Role::Text));
        buf.set_stringn(x, y, &key, usize::from(width), self.theme.style(Role::Accent));
    }
}

fn mark(mark: &str, role: Role, area: Rect, theme: &Theme, buf: &mut Buffer) {
    if !area.is_empty() {
        buf.set_stringn(area.x, area.y, mark, usize::from(area.width), theme.style(role));
    }
}
