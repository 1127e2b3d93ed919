//! Draws the transcript.

use std::{borrow::Cow, ops::Range};

use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
    style::{Modifier, Style},
    widgets::Widget,
};

use super::{GUTTER, RowPos, Transcript, message_rows::PlacedRow};
use crate::{
    chat::MessageId,
    render::{
        row::{RowKind, StyledRow, StyledSpan},
        theme::{ColourRole, Theme},
    },
    text,
};

/// Paints the rows that `Transcript::sync` chose, and the pill that counts new ones.
pub struct TranscriptView<'a> {
    pub transcript: &'a Transcript,
    pub theme: &'a Theme,
    /// The answer whose code blocks have keys.
    pub code_keys_of: Option<MessageId>,
    /// The pane has the focus, so the current message is marked.
    pub focused: bool,
    /// The row of the pill; without one it is the last row of the text.
    pub pill_row: Option<u16>,
    /// The key that goes to the end; empty if none does.
    pub end_key: &'a str,
}

impl Widget for TranscriptView<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        let area = area.intersection(buf.area);
        let column = Rect { x: area.x + GUTTER.min(area.width), width: area.width.saturating_sub(GUTTER), ..area };
        let marked = self.transcript.marked_row();
        let spots = self.transcript.positioned_rows().map(|(spot, _)| spot);
        for ((placed, spot), y) in self.transcript.visible_rows().zip(spots).zip(area.top()..area.bottom()) {
            let gutter = Rect { y, height: 1, width: area.width.min(GUTTER), ..area };
            let line = Rect { y, height: 1, ..column };
            let is_marked = marked == Some(spot);
            if self.focused && is_marked {
                draw_mark(self.theme.marks.bar, ColourRole::Accent, gutter, self.theme, buf);
            } else if let Some(bar) = placed.row.gutter {
                draw_mark(bar.mark, bar.role, gutter, self.theme, buf);
            }
            match placed.bar {
                Some(bar) => {
                    draw_mark(bar.mark, bar.role, line, self.theme, buf);
                    let inner = Rect { x: line.x + 2.min(line.width), width: line.width.saturating_sub(2), ..line };
                    self.shown_row(placed.row, spot).draw(inner, self.theme, buf);
                }
                None => self.shown_row(placed.row, spot).draw(line, self.theme, buf),
            }
        }
        self.draw_matches(column, buf);
        self.draw_selection(column, buf);
        self.draw_pill(column, buf);
    }
}

impl TranscriptView<'_> {
    /// The position of the terminal's cursor while keys make a selection.
    pub fn cursor(&self, area: Rect) -> Option<Position> {
        let (x, y) = self.transcript.caret_cell()?;
        let at = Position::new(area.x + GUTTER + u16::try_from(x).ok()?, area.y + u16::try_from(y).ok()?);
        (self.focused && area.contains(at)).then_some(at)
    }

    /// The row as it is drawn: the head of a code block names a key only if that copies this very block.
    fn shown_row<'r>(&self, row: &'r StyledRow, spot: RowPos) -> Cow<'r, StyledRow> {
        let is_code_head = matches!(row.kind, RowKind::CodeHead { .. });
        if !is_code_head || self.transcript.message_at(spot) == self.code_keys_of {
            return Cow::Borrowed(row);
        }
        let mut row = row.clone();
        if let [.., label, key] = row.spans.as_mut_slice()
            && key.style.role == ColourRole::Accent
        {
            let word = label.text.trim_end().to_owned();
            let room = label.width() + key.width() - text::width(&word);
            *key = StyledSpan::new(word, label.style);
            *label = StyledSpan::new(" ".repeat(room), label.style);
        }
        Cow::Owned(row)
    }

    /// Marks the matches of a search; the current one is also bold and underlined.
    fn draw_matches(&self, column: Rect, buf: &mut Buffer) {
        let Some(find) = self.transcript.find() else { return };
        let current = self
            .theme
            .style(ColourRole::Accent)
            .add_modifier(Modifier::REVERSED | Modifier::BOLD | Modifier::UNDERLINED);
        for ((spot, placed), y) in self.transcript.positioned_rows().zip(column.top()..column.bottom()) {
            for (_, range, is_current) in find.visible_matches().iter().filter(|(lit, ..)| *lit == spot) {
                let style = if *is_current { current } else { self.theme.style(ColourRole::Mark) };
                self.style_range(placed, range, Rect { y, height: 1, ..column }, style, buf);
            }
        }
    }

    /// Marks the selected text.
    fn draw_selection(&self, column: Rect, buf: &mut Buffer) {
        for ((spot, placed), y) in self.transcript.positioned_rows().zip(column.top()..column.bottom()) {
            let words = placed.row.content().len();
            if let Some(range) = self.transcript.selected_range_in(spot, words) {
                let line = Rect { y, height: 1, ..column };
                self.style_range(placed, &range, line, self.theme.style(ColourRole::Selection), buf);
            }
        }
    }

    /// Applies a style to a byte range of a row's text.
    fn style_range(&self, placed: PlacedRow, words: &Range<usize>, line: Rect, style: Style, buf: &mut Buffer) {
        for cells in self.transcript.cell_map(placed).cells(words) {
            let at = |cell: usize| u16::try_from(cell).unwrap_or(u16::MAX).min(line.width);
            let (from, to) = (at(cells.start), at(cells.end));
            buf.set_style(Rect { x: line.x + from, width: to - from, ..line }, style);
        }
    }

    /// `↓ 3 new lines  ^End` at the bottom right.
    fn draw_pill(&self, column: Rect, buf: &mut Buffer) {
        let row = self.pill_row.unwrap_or(column.bottom().saturating_sub(1));
        let Some((pill, label, key)) = pill_parts(self.transcript, column, row, self.end_key, self.theme) else {
            return;
        };
        let pill = pill.intersection(buf.area);
        self.theme.clear_area(pill, ColourRole::Raised, buf);
        let Rect { x, y, width, .. } = pill;
        let (x, _) = buf.set_stringn(x, y, &label, usize::from(width), self.theme.style(ColourRole::Text));
        buf.set_stringn(x, y, &key, usize::from(width), self.theme.style(ColourRole::Accent));
    }
}

/// The area of the pill that counts new rows, if it is shown; `area` is that of the text, gutter included.
pub(crate) fn pill_area(transcript: &Transcript, area: Rect, row: u16, end_key: &str, theme: &Theme) -> Option<Rect> {
    let column = Rect { x: area.x + GUTTER.min(area.width), width: area.width.saturating_sub(GUTTER), ..area };
    pill_parts(transcript, column, row, end_key, theme).map(|(pill, ..)| pill)
}

fn pill_parts(
    transcript: &Transcript,
    column: Rect,
    row: u16,
    end_key: &str,
    theme: &Theme,
) -> Option<(Rect, String, String)> {
    let count = transcript.new_rows_below();
    if count == 0 || column.is_empty() || (row < column.bottom() && transcript.ends_with_card()) {
        return None; // It is never over a card's keys.
    }
    let lines = if count == 1 { "line" } else { "lines" };
    let label = format!(" {} {count} new {lines} ", theme.marks.more_below);
    let key = if end_key.is_empty() { String::new() } else { format!(" {end_key} ") };
    let width = u16::try_from(text::width(&label) + text::width(&key)).ok().filter(|width| *width <= column.width)?;
    Some((Rect { x: column.right() - width, y: row, width, height: 1 }, label, key))
}

fn draw_mark(mark: &str, role: ColourRole, area: Rect, theme: &Theme, buf: &mut Buffer) {
    if !area.is_empty() {
        buf.set_stringn(area.x, area.y, mark, usize::from(area.width), theme.style(role));
    }
}
