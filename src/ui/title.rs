//! The row above the text, with the title of the conversation.

use ratatui::{buffer::Buffer, layout::Rect, widgets::Widget};

use super::key_hints;
use crate::render::theme::{ColourRole, Theme};
use crate::text;

/// Draws the title after the gutter.
pub struct TitleView<'a> {
    /// Empty before the first prompt.
    pub title: &'a str,
    pub theme: &'a Theme,
}

const GUTTER: u16 = 2;

impl Widget for TitleView<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        let area = Rect { height: area.height.min(1), ..area }.intersection(buf.area);
        let gutter = GUTTER.min(area.width);
        let row = Rect { x: area.x + gutter, width: area.width - gutter, ..area };
        let title = text::join_lines(self.title);
        let (title, style) = if title.is_empty() {
            ("New conversation", self.theme.style(ColourRole::Muted))
        } else {
            (title.as_str(), self.theme.style(ColourRole::Text).bold())
        };
        let title = text::truncate(title, row.width.into()).into_owned();
        key_hints::styled_line(title, style).render(row, buf);
    }
}

/// Draws only the message that the terminal is too small.
pub fn draw_too_small(area: Rect, needed: ratatui::layout::Size, theme: &Theme, buf: &mut Buffer) {
    let area = area.intersection(buf.area);
    theme.clear_area(area, ColourRole::Background, buf);
    let long = format!("ibid needs {}x{}; this is {}x{}.", needed.width, needed.height, area.width, area.height);
    let short = format!("needs {}x{}", needed.width, needed.height);
    let room = usize::from(area.width);
    let message = if text::width(&long) <= room { long } else { text::truncate(&short, room).into_owned() };
    let row = Rect { y: area.y + area.height.saturating_sub(1) / 2, height: area.height.min(1), ..area };
    key_hints::styled_line(message, theme.style(ColourRole::Text)).centered().render(row, buf);
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use ratatui::layout::Size;

    use super::*;
    use crate::ui::test_buffer;

    fn drawn(title: &str, width: u16) -> String {
        let area = Rect::new(0, 0, width, 1);
        let mut buf = Buffer::empty(area);
        TitleView { title, theme: &Theme::default() }.render(area, &mut buf);
        test_buffer::buffer_text(&buf)
    }

    #[test]
    fn a_long_title_is_truncated() {
        let rows = [
            drawn("SQLite WAL on NFS", 40),
            drawn("SQLite WAL on NFS", 12),
            drawn("SQLite\nWAL on NFS", 40),
            drawn("", 40),
        ];
        assert_snapshot!(rows.concat(), @"
        SQLite WAL on NFS
        SQLite WA…
        SQLite WAL on NFS
        New conversation
        ");
    }

    #[test]
    fn a_small_terminal_shows_the_needed_size() {
        let said = |width, height| {
            let area = Rect::new(0, 0, width, height);
            let mut buf = Buffer::empty(area);
            draw_too_small(area, Size { width: 40, height: 10 }, &Theme::default(), &mut buf);
            test_buffer::buffer_text(&buf).trim().to_owned()
        };
        assert_eq!([said(39, 9), said(20, 3), said(5, 1)], ["ibid needs 40x10; this is 39x9.", "needs 40x10", "need…"]);
    }

    #[test]
    fn the_title_and_the_message_draw_at_every_size() {
        test_buffer::draw_at_every_size(|area, buf| {
            TitleView { title: "日本語 and more", theme: &Theme::default() }.render(area, buf);
        });
        test_buffer::draw_at_every_size(|area, buf| {
            draw_too_small(area, Size { width: 40, height: 10 }, &Theme::default(), buf);
        });
    }
}
