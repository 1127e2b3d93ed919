//! A picker in one line: what is typed, what Enter takes, and what is to be known of it.

use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
    widgets::Widget,
};

use super::{Picker, PickerRow, columns};
use crate::{
    text,
    widgets::{
        field::Shows,
        theme::{Role, Theme},
        transcript::GUTTER,
        words::{self, Hint},
    },
};

/// It is drawn where the composer stands; `area` includes the gutter.
pub struct PickerLine<'a, T> {
    pub picker: &'a Picker<T>,
    pub theme: &'a Theme,
}

/// Where the parts of the line stand.
struct Parts {
    title: Rect,
    field: Rect,
    rest: Rect,
}

impl<T: PartialEq> PickerLine<'_, T> {
    /// Where the terminal's cursor stands.
    pub fn cursor(&self, area: Rect) -> Option<Position> {
        self.picker.query.cursor(self.parts(area).field, Shows::Text)
    }

    fn parts(&self, area: Rect) -> Parts {
        let gutter = GUTTER.min(area.width);
        let line = Rect { x: area.x + gutter, width: area.width - gutter, height: area.height.min(1), ..area };
        let cells = |text: &str| u16::try_from(text::width(text)).unwrap_or(u16::MAX);
        let title = cells(&self.picker.title).saturating_add(1).min(line.width);
        let room = line.width - title;
        // An empty field has room for the cursor, which stands on the name.
        let typed = cells(&self.picker.query.text());
        let field = if typed == 0 { 1 } else { typed.saturating_add(2) }.min(room / 2).max(1).min(room);
        let gap = if typed == 0 { 0 } else { field };
        Parts {
            title: Rect { width: title, ..line },
            field: Rect { x: line.x + title, width: field, ..line },
            rest: Rect { x: line.x + title + gap, width: room - gap.min(room), ..line },
        }
    }

    fn name(row: &PickerRow<T>, columns: &[super::Column]) -> String {
        row.cells.get(columns::searched(columns)).cloned().unwrap_or_default()
    }
}

impl<T: PartialEq> Widget for PickerLine<'_, T> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        let area = area.intersection(buf.area);
        if area.is_empty() {
            return;
        }
        self.theme.clear(area, Role::Background, buf);
        let (text, muted, accent) =
            (self.theme.style(Role::Text), self.theme.style(Role::Muted), self.theme.style(Role::Accent));
        buf.set_stringn(area.x, area.y, self.theme.marks.prompt, 1, accent);
        let Parts { title, field, rest } = self.parts(area);
        buf.set_stringn(title.x, title.y, &self.picker.title, title.width.into(), muted);
        let typed = self.picker.query.text();
        self.picker.query.draw(field, Shows::Text, accent, self.theme, buf);
        let (name, facts) = match self.picker.chosen() {
            Some(row) => {
                let facts: String = row.detail.iter().flatten().map(|(_, piece)| piece.as_str()).collect();
                (Self::name(row, self.picker.columns), text::clean(&facts).into_owned())
            }
            None if typed.trim().is_empty() => (String::new(), self.picker.empty.clone()),
            None => (String::new(), "sent as it is typed".to_owned()),
        };
        let end = rest.right();
        let (x, _) = buf.set_stringn(rest.x, rest.y, &name, rest.width.into(), text.bold());
        let gap = if name.is_empty() { 0 } else { 2 };
        let x = x.saturating_add(gap).min(end);
        let (x, _) = buf.set_stringn(x, rest.y, &facts, usize::from(end - x), muted);
        let hints: Vec<Hint> = self.picker.keys.iter().map(|(key, word)| (key.as_str(), word.as_str())).collect();
        let room = usize::from(end.saturating_sub(x)).saturating_sub(3);
        let keys = words::keys(&hints, room, self.theme);
        let width = u16::try_from(keys.width()).unwrap_or(u16::MAX).min(rest.width);
        keys.render(Rect { x: end - width, width, ..rest }, buf);
    }
}
