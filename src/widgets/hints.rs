//! The choices of a waiting leader, in columns above the composer's rule.

use ratatui::{buffer::Buffer, layout::Rect, text::Line, text::Span, widgets::Widget};

use super::{
    overlay::Overlay,
    theme::{Role, Theme},
};
use crate::text;

/// What may follow the keys that were pressed.
pub struct LeaderView<'a> {
    /// The keys so far, such as `^X`.
    pub pressed: &'a str,
    /// Each key with its word, in the order in which they are read down the columns.
    pub choices: &'a [(String, &'a str)],
    pub theme: &'a Theme,
}

/// Blanks between two columns at least.
const GAP: usize = 2;

impl LeaderView<'_> {
    /// How many rows it takes in that width, its frame included.
    pub fn height(&self, width: u16) -> u16 {
        let rows = self.choices.len().div_ceil(self.columns(usize::from(width).saturating_sub(4)));
        u16::try_from(rows + 2).unwrap_or(u16::MAX)
    }

    fn widths(&self) -> (usize, usize) {
        let widest = |of: fn(&(String, &str)) -> usize| self.choices.iter().map(of).max().unwrap_or(0);
        (widest(|(key, _)| text::width(key)), widest(|(_, word)| text::width(word)))
    }

    fn columns(&self, room: usize) -> usize {
        let (key, word) = self.widths();
        ((room + GAP) / (key + 1 + word + GAP)).clamp(1, 6)
    }
}

impl Widget for LeaderView<'_> {
    /// Draws at the bottom of the area, as high as it must be.
    fn render(self, area: Rect, buf: &mut Buffer) {
        let area = area.intersection(buf.area);
        let height = self.height(area.width).min(area.height);
        if height < 3 {
            return;
        }
        let frame = Rect { y: area.bottom() - height, height, ..area };
        let room = usize::from(frame.width).saturating_sub(4);
        let rows = usize::from(height - 2);
        let columns = self.columns(room);
        let shown = self.choices.len().min(rows * columns);
        let left_out = self.choices.len() - shown;
        let more = format!("{left_out} more");
        let title = format!("{} then", self.pressed);
        let overlay = Overlay {
            title: &title,
            keys: &[("esc", "never mind")],
            notice: (left_out > 0).then_some(more.as_str()),
            theme: self.theme,
        };
        let inner = overlay.draw(frame, buf);
        let (key_width, _) = self.widths();
        let pitch = (room + GAP) / columns;
        let per_column = shown.div_ceil(columns).max(1);
        for (nth, (key, word)) in self.choices.iter().take(shown).enumerate() {
            let (column, row) = (nth / per_column, nth % per_column);
            let at = u16::try_from(1 + column * pitch).unwrap_or(u16::MAX).min(inner.width);
            let width = u16::try_from(pitch.saturating_sub(GAP)).unwrap_or(u16::MAX).min(inner.width - at);
            let place = Rect { x: inner.x + at, y: inner.y + u16::try_from(row).unwrap_or(0), width, height: 1 };
            let before = " ".repeat(key_width.saturating_sub(text::width(key)));
            Line::from(vec![
                Span::raw(before),
                Span::styled(key.as_str(), self.theme.style(Role::Accent).bold()),
                Span::raw(" "),
                Span::styled(*word, self.theme.style(Role::Text)),
            ])
            .render(place, buf);
        }
    }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;
    use crate::widgets::screen;

    const CHOICES: [(&str, &str); 14] = [
        ("spc", "menu"),
        ("n", "new"),
        ("m", "models"),
        ("1–9", "slot"),
        ("e", "effort"),
        ("w", "web search"),
        (",", "instructions"),
        ("l", "list"),
        ("b", "hide list"),
        ("r", "rail"),
        ("y", "copy answer"),
        ("u", "edit earlier"),
        ("q", "quit"),
        ("?", "help"),
    ];

    fn choices() -> Vec<(String, &'static str)> {
        CHOICES.map(|(key, word)| (key.to_owned(), word)).into()
    }

    fn drawn(width: u16, height: u16) -> String {
        let area = Rect::new(0, 0, width, height);
        let mut buf = Buffer::empty(area);
        LeaderView { pressed: "^X", choices: &choices(), theme: &Theme::default() }.render(area, &mut buf);
        screen::rows(&buf)
    }

    #[test]
    fn the_choices_stand_in_as_many_columns_as_fit() {
        assert_snapshot!(drawn(84, 8), @"
        ╭─ ^X then ────────────────────────────────────────────────────────────────────────╮
        │ spc menu              e effort            b hide list         q quit             │
        │   n new               w web search        r rail              ? help             │
        │   m models            , instructions      y copy answer                          │
        │ 1–9 slot              l list              u edit earlier                         │
        ╰───────────────────────────────────────────────────────────────── esc never mind ─╯
        ");
        assert_snapshot!(drawn(38, 7), @"
        ╭─ ^X then ──────────────────────────╮
        │ spc menu            w web search   │
        │   n new             , instructions │
        │   m models          l list         │
        │ 1–9 slot            b hide list    │
        │   e effort          r rail         │
        ╰─ 4 more ────────── esc never mind ─╯
        ");
    }

    #[test]
    fn it_draws_at_every_size() {
        screen::at_every_size(|area, buf| {
            LeaderView { pressed: "^X", choices: &choices(), theme: &Theme::default() }.render(area, buf);
        });
    }
}
