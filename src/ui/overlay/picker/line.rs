//! A picker in one line: the query, the row that Enter chooses, and its details.

use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
    widgets::Widget,
};

use super::{FuzzyPicker, PickerRow, columns};
use crate::{
    render::theme::{ColourRole, Theme},
    text,
    ui::{areas::GUTTER_WIDTH, key_hints, keymap::Keymap, overlay::field::FieldDisplay},
};

/// Draws a picker in the place of the composer; `area` includes the gutter.
pub struct PickerLine<'a, T> {
    pub picker: &'a FuzzyPicker<T>,
    pub keymap: &'a Keymap,
    pub theme: &'a Theme,
}

/// The areas of the line's parts.
struct PickerLineAreas {
    title: Rect,
    field: Rect,
    rest: Rect,
}

impl<T: PartialEq> PickerLine<'_, T> {
    /// The position of the terminal's cursor.
    pub fn cursor(&self, area: Rect) -> Option<Position> {
        self.picker.query.cursor(self.areas(area).field, FieldDisplay::Text)
    }

    fn areas(&self, area: Rect) -> PickerLineAreas {
        let gutter = GUTTER_WIDTH.min(area.width);
        let line = Rect { x: area.x + gutter, width: area.width - gutter, height: area.height.min(1), ..area };
        let cells = |text: &str| u16::try_from(text::width(text)).unwrap_or(u16::MAX);
        let title = cells(&self.picker.title).saturating_add(1).min(line.width);
        let room = line.width - title;
        // An empty field has room for the cursor only, which is drawn over the name.
        let typed = cells(&self.picker.query.text());
        let field = if typed == 0 { 1 } else { typed.saturating_add(2) }.min(room / 2).max(1).min(room);
        let gap = if typed == 0 { 0 } else { field };
        PickerLineAreas {
            title: Rect { width: title, ..line },
            field: Rect { x: line.x + title, width: field, ..line },
            rest: Rect { x: line.x + title + gap, width: room - gap.min(room), ..line },
        }
    }

    fn searched_cell(row: &PickerRow<T>, columns: &[super::PickerColumn]) -> String {
        row.cells.get(columns::searched_column(columns)).cloned().unwrap_or_default()
    }
}

impl<T: PartialEq> Widget for PickerLine<'_, T> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        let area = area.intersection(buf.area);
        if area.is_empty() {
            return;
        }
        self.theme.clear_area(area, ColourRole::Background, buf);
        let (text, muted, accent) = (
            self.theme.style(ColourRole::Text),
            self.theme.style(ColourRole::Muted),
            self.theme.style(ColourRole::Accent),
        );
        buf.set_stringn(area.x, area.y, self.theme.marks.prompt, 1, accent);
        let PickerLineAreas { title, field, rest } = self.areas(area);
        buf.set_stringn(title.x, title.y, &self.picker.title, title.width.into(), muted);
        let typed = self.picker.query.text();
        self.picker.query.draw(field, FieldDisplay::Text, accent, self.theme, buf);
        let (name, facts) = match self.picker.selected() {
            Some(row) => {
                let facts: String = row.detail_lines.iter().flatten().map(|(_, piece)| piece.as_str()).collect();
                (Self::searched_cell(row, self.picker.columns), text::clean(&facts).into_owned())
            }
            None if typed.trim().is_empty() => (String::new(), self.picker.empty_text.clone()),
            None => (String::new(), "a whole name is sent as typed".to_owned()),
        };
        let end = rest.right();
        let (x, _) = buf.set_stringn(rest.x, rest.y, &name, rest.width.into(), text.bold());
        let gap = if name.is_empty() { 0 } else { 2 };
        let x = x.saturating_add(gap).min(end);
        let (x, _) = buf.set_stringn(x, rest.y, &facts, usize::from(end - x), muted);
        let hints = self.picker.key_hints(self.keymap, self.theme);
        let room = usize::from(end.saturating_sub(x)).saturating_sub(3);
        let keys = key_hints::hint_line(&hints, room, self.theme);
        let width = u16::try_from(keys.width()).unwrap_or(u16::MAX).min(rest.width);
        keys.render(Rect { x: end - width, width, ..rest }, buf);
    }
}
