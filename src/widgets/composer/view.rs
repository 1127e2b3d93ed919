//! Draws the composer.

use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
    style::Modifier,
    widgets::Widget,
};

use super::{
    Composer,
    layout::{Place, Row, shown},
};
use crate::{
    text,
    widgets::theme::{Role, Theme},
};

/// The cells left of the text: the caret sign stands in them.
const GUTTER: u16 = 2;

/// The draft behind its caret sign; `area` includes the gutter, and where there is one a cell at the right, in which
/// the caret stands behind a full row.
pub struct ComposerView<'a> {
    pub composer: &'a Composer,
    /// What an empty composer says.
    pub placeholder: &'a str,
    pub focused: bool,
    pub theme: &'a Theme,
}

impl ComposerView<'_> {
    /// Where the terminal's cursor stands.
    pub fn cursor(&self, area: Rect) -> Option<Position> {
        let text = text_area(area);
        let (x, row) = self.composer.cursor_cell();
        let y = u16::try_from(row.checked_sub(self.composer.top_for(area.height))?).ok()?;
        (text.width > 0 && y < area.height).then(|| Position::new((text.x + x).min(text.right() - 1), area.y + y))
    }

    fn draw_row(&self, row: Row, selection: Option<(Place, Place)>, area: Rect, buf: &mut Buffer) {
        let style = self.theme.style(Role::Text);
        let selected = self.theme.style(Role::Selection);
        let mut x = area.x;
        let mut byte = row.start;
        for cluster in text::clusters(self.composer.layout.text_of(row)) {
            let place = Place { line: row.line, byte };
            byte += cluster.len();
            let symbol = shown(cluster);
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
        let sign = self.theme.style(if self.focused { Role::Accent } else { Role::Muted });
        buf.set_stringn(area.x, area.y, self.theme.marks.prompt, 1, sign);
        let text = text_area(area);
        if self.composer.is_empty() {
            let words = text::truncate(self.placeholder, text.width.saturating_sub(1).into());
            let style = self.theme.style(Role::Muted).remove_modifier(Modifier::BOLD);
            buf.set_stringn(text.x, text.y, words, text.width.into(), style);
            return;
        }
        let selection = self.composer.selection();
        let top = self.composer.top_for(area.height);
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
