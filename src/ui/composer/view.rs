//! Draws the composer.

use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
    style::Modifier,
    widgets::Widget,
};

use super::{
    Composer,
    draft_layout::{DraftRow, TextPos, visible_cluster},
};
use crate::{
    render::theme::{ColourRole, Theme},
    text,
};

/// The cells left of the text, which contain the prompt sign.
const GUTTER: u16 = 2;

/// Draws the draft after its prompt sign. The area includes the gutter and, if there is room, one cell at the right for
/// the caret after a full row.
pub struct ComposerView<'a> {
    pub composer: &'a Composer,
    /// The text of an empty composer.
    pub placeholder: &'a str,
    pub focused: bool,
    /// The draft is a command: it is set in accent.
    pub is_command: bool,
    pub theme: &'a Theme,
}

impl ComposerView<'_> {
    /// Returns the position of the terminal's cursor.
    pub fn cursor(&self, area: Rect) -> Option<Position> {
        let text = text_area(area);
        let (x, row) = self.composer.cursor_cell();
        let y = u16::try_from(row.checked_sub(self.composer.top_row_for(area.height))?).ok()?;
        (text.width > 0 && y < area.height).then(|| Position::new((text.x + x).min(text.right() - 1), area.y + y))
    }

    fn draw_row(&self, row: DraftRow, selection: Option<(TextPos, TextPos)>, area: Rect, buf: &mut Buffer) {
        let style = self.theme.style(if self.is_command { ColourRole::Accent } else { ColourRole::Text });
        let selected = self.theme.style(ColourRole::Selection);
        let mut x = area.x;
        let mut byte = row.start;
        for cluster in text::clusters(self.composer.layout.text_of(row)) {
            let place = TextPos { line: row.line, byte };
            byte += cluster.len();
            let symbol = visible_cluster(cluster);
            let cells = u16::try_from(text::width(&symbol)).unwrap_or(u16::MAX);
            if cells > area.right().saturating_sub(x) {
                break;
            }
            let inside = selection.is_some_and(|(from, to)| from <= place && place < to);
            let style = if inside { style.patch(selected) } else { style };
            x = buf.set_stringn(x, area.y, &symbol, cells.into(), style).0;
        }
    }
}

impl Widget for ComposerView<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        let area = area.intersection(buf.area);
        if area.is_empty() {
            return;
        }
        let sign = self.theme.style(if self.focused { ColourRole::Accent } else { ColourRole::Muted });
        buf.set_stringn(area.x, area.y, self.theme.marks.prompt, 1, sign);
        let text = text_area(area);
        if self.composer.is_empty() {
            let words = text::truncate(self.placeholder, text.width.saturating_sub(1).into());
            let style = self.theme.style(ColourRole::Muted).remove_modifier(Modifier::BOLD);
            buf.set_stringn(text.x, text.y, words, text.width.into(), style);
            return;
        }
        let selection = self.composer.selection();
        let top = self.composer.top_row_for(area.height);
        for (index, line) in (top..).zip(text.rows()) {
            let Some(row) = self.composer.layout.row(index) else { break };
            self.draw_row(row, selection, line, buf);
        }
    }
}

fn text_area(area: Rect) -> Rect {
    let gutter = GUTTER.min(area.width);
    Rect { x: area.x + gutter, width: area.width - gutter, ..area }
}
