//! The row above the text: which conversation this is.

use ratatui::{buffer::Buffer, layout::Rect, widgets::Widget};

use super::{
    theme::{Role, Theme},
    words,
};
use crate::text;

/// The title behind the gutter, and which of its siblings the answer is.
pub struct TitleView<'a> {
    /// Empty before the first prompt.
    pub title: &'a str,
    /// Which one, counted from 1, and of how many; drawn when there are several.
    pub sibling: Option<(usize, usize)>,
    pub theme: &'a Theme,
}

const GUTTER: u16 = 2;

impl Widget for TitleView<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        let area = Rect { height: area.height.min(1), ..area }.intersection(buf.area);
        let gutter = GUTTER.min(area.width);
        let row = Rect { x: area.x + gutter, width: area.width - gutter, ..area };
        let marks = &self.theme.marks;
        let right = match self.sibling {
            Some((which, of)) if of > 1 => format!("{}{which}/{of}{}", marks.sibling_left, marks.sibling_right),
            Some(_) | None => String::new(),
        };
        let taken = if right.is_empty() { 0 } else { text::width(&right) + 2 };
        let title = text::clean(self.title).replace('\n', " ");
        let (title, style) = if title.is_empty() {
            ("New conversation", self.theme.style(Role::Muted))
        } else {
            (title.as_str(), self.theme.style(Role::Text).bold())
        };
        let title = text::truncate(title, usize::from(row.width).saturating_sub(taken)).into_owned();
        words::run(title, style).render(row, buf);
        if taken <= usize::from(row.width) {
            words::run(right, self.theme.style(Role::Muted)).right_aligned().render(row, buf);
        }
    }
}

/// What a terminal that is too small says instead of everything.
pub fn too_small(area: Rect, needed: ratatui::layout::Size, theme: &Theme, buf: &mut Buffer) {
    let area = area.intersection(buf.area);
    theme.clear(area, Role::Background, buf);
    let whole = format!("ibid needs {}x{}; this is {}x{}.", needed.width, needed.height, area.width, area.height);
    let short = format!("needs {}x{}", needed.width, needed.height);
    let room = usize::from(area.width);
    let said = if text::width(&whole) <= room { whole } else { text::truncate(&short, room).into_owned() };
    let row = Rect { y: area.y + area.height.saturating_sub(1) / 2, height: area.height.min(1), ..area };
    words::run(said, theme.style(Role::Text)).centered().render(row, buf);
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use ratatui::layout::Size;

    use super::*;
    use crate::widgets::screen;

    fn drawn(title: &str, sibling: Option<(usize, usize)>, width: u16) -> String {
        let area = Rect::new(0, 0, width, 1);
        let mut buf = Buffer::empty(area);
        TitleView { title, sibling, theme: &Theme::default() }.render(area, &mut buf);
        screen::rows(&buf)
    }

    #[test]
    fn the_title_gives_way_to_the_siblings() {
        let rows = [
            drawn("SQLite WAL on NFS", Some((1, 2)), 40),
            drawn("SQLite WAL on NFS", Some((1, 2)), 20),
            drawn("SQLite\nWAL on NFS", Some((1, 1)), 40),
            drawn("", None, 40),
        ];
        assert_snapshot!(rows.concat(), @"
        SQLite WAL on NFS                ‹1/2›
        SQLite WAL…  ‹1/2›
        SQLite WAL on NFS
        New conversation
        ");
    }

    #[test]
    fn a_small_terminal_is_told_what_is_needed() {
        let said = |width, height| {
            let area = Rect::new(0, 0, width, height);
            let mut buf = Buffer::empty(area);
            too_small(area, Size { width: 40, height: 10 }, &Theme::default(), &mut buf);
            screen::rows(&buf).trim().to_owned()
        };
        assert_eq!([said(39, 9), said(20, 3), said(5, 1)], ["ibid needs 40x10; this is 39x9.", "needs 40x10", "need…"]);
    }

    #[test]
    fn both_draw_at_every_size() {
        screen::at_every_size(|area, buf| {
            TitleView { title: "日本語 and more", sibling: Some((12, 34)), theme: &Theme::default() }.render(area, buf);
        });
        screen::at_every_size(|area, buf| too_small(area, Size { width: 40, height: 10 }, &Theme::default(), buf));
    }
}
