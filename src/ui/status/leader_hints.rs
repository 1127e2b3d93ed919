//! The keys that may follow a leader key, in columns above the composer's rule.

use ratatui::{buffer::Buffer, layout::Rect, text::Line, text::Span, widgets::Widget};

use crate::text;
use crate::{
    render::theme::{ColourRole, Theme},
    ui::overlay::frame::OverlayFrame,
};

/// Draws the keys that may follow the ones already pressed.
pub struct LeaderView<'a> {
    /// The keys so far, such as `^X`.
    pub pressed: &'a str,
    /// Each key with its label, in reading order down the columns.
    pub choices: &'a [(String, &'a str)],
    /// The key that leaves the sequence.
    pub back_key: &'a str,
    pub theme: &'a Theme,
}

/// The minimum gap between two columns.
const COLUMN_GAP: usize = 2;

impl LeaderView<'_> {
    /// Returns how many rows it takes at this width, frame included.
    pub fn height(&self, width: u16) -> u16 {
        let rows = self.choices.len().div_ceil(self.column_count(usize::from(width).saturating_sub(4)));
        u16::try_from(rows + 2).unwrap_or(u16::MAX)
    }

    fn column_widths(&self) -> (usize, usize) {
        let widest = |of: fn(&(String, &str)) -> usize| self.choices.iter().map(of).max().unwrap_or(0);
        (widest(|(key, _)| text::width(key)), widest(|(_, word)| text::width(word)))
    }

    fn column_count(&self, room: usize) -> usize {
        let (key, word) = self.column_widths();
        ((room + COLUMN_GAP) / (key + 1 + word + COLUMN_GAP)).clamp(1, 6)
    }
}

impl Widget for LeaderView<'_> {
    /// Draws at the bottom of the area, as high as necessary.
    fn render(self, area: Rect, buf: &mut Buffer) {
        let area = area.intersection(buf.area);
        let height = self.height(area.width).min(area.height);
        if height < 3 {
            return;
        }
        let frame = Rect { y: area.bottom() - height, height, ..area };
        let room = usize::from(frame.width).saturating_sub(4);
        let rows = usize::from(height - 2);
        let columns = self.column_count(room);
        let shown = self.choices.len().min(rows * columns);
        let left_out = self.choices.len() - shown;
        let more = format!("{left_out} more");
        let title = format!("{} then", self.pressed);
        let overlay = OverlayFrame {
            title: &title,
            keys: &[(self.back_key.into(), "cancel")],
            notice: (left_out > 0).then_some(more.as_str()),
            theme: self.theme,
        };
        let inner = overlay.draw(frame, buf);
        let (key_width, _) = self.column_widths();
        let pitch = (room + COLUMN_GAP) / columns;
        let per_column = shown.div_ceil(columns).max(1);
        for (index, (key, word)) in self.choices.iter().take(shown).enumerate() {
            let (column, row) = (index / per_column, index % per_column);
            let offset = u16::try_from(1 + column * pitch).unwrap_or(u16::MAX).min(inner.width);
            let width = u16::try_from(pitch.saturating_sub(COLUMN_GAP)).unwrap_or(u16::MAX).min(inner.width - offset);
            let choice_area =
                Rect { x: inner.x + offset, y: inner.y + u16::try_from(row).unwrap_or(0), width, height: 1 };
            let before = " ".repeat(key_width.saturating_sub(text::width(key)));
            Line::from(vec![
                Span::raw(before),
                Span::styled(key.as_str(), self.theme.style(ColourRole::Accent).bold()),
                Span::raw(" "),
                Span::styled(*word, self.theme.style(ColourRole::Text)),
            ])
            .render(choice_area, buf);
        }
    }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;
    use crate::ui::test_buffer;

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
        LeaderView { pressed: "^X", choices: &choices(), back_key: "Esc", theme: &Theme::default() }
            .render(area, &mut buf);
        test_buffer::buffer_text(&buf)
    }

    #[test]
    fn the_choices_fill_as_many_columns_as_fit() {
        assert_snapshot!(drawn(84, 8), @"
        ╭── ^X then ───────────────────────────────────────────────────────────────────────╮
        │ spc menu              e effort            b hide list         q quit             │
        │   n new               w web search        r rail              ? help             │
        │   m models            , instructions      y copy answer                          │
        │ 1–9 slot              l list              u edit earlier                         │
        ╰──────────────────────────────────────────────────────────────────── Esc cancel ──╯
        ");
        assert_snapshot!(drawn(38, 7), @"
        ╭── ^X then ─────────────────────────╮
        │ spc menu            w web search   │
        │   n new             , instructions │
        │   m models          l list         │
        │ 1–9 slot            b hide list    │
        │   e effort          r rail         │
        ╰── 4 more ──────────── Esc cancel ──╯
        ");
    }

    #[test]
    fn it_draws_at_every_size() {
        test_buffer::draw_at_every_size(|area, buf| {
            LeaderView { pressed: "^X", choices: &choices(), back_key: "Esc", theme: &Theme::default() }
                .render(area, buf);
        });
    }
}
