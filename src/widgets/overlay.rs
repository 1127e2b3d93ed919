//! The one anatomy of all overlays: a rounded frame, title top left, keys bottom right, everything
//! below it set back.

use ratatui::{
    buffer::Buffer,
    layout::{Alignment, Margin, Rect},
    text::{Line, Span},
    widgets::Widget,
};

use super::{
    theme::{Role, Theme},
    words::{self, Hint},
};
use crate::text;

/// The frame of an overlay or of a card.
pub struct Overlay<'a> {
    pub title: &'a str,
    pub keys: &'a [Hint<'a>],
    /// What is to be known about what is shown, bottom left.
    pub notice: Option<&'a str>,
    pub theme: &'a Theme,
}

/// On a screen of this width or less an overlay takes all of it.
const NARROW: u16 = 80;
const WIDEST: u16 = 100;

/// Where an overlay of that size stands: in the upper middle of the screen.
pub fn placed(screen: Rect, width: u16, height: u16) -> Rect {
    let width =
        if screen.width <= NARROW { screen.width } else { width.min(WIDEST).min(screen.width.saturating_sub(4)) };
    let height = height.min(screen.height);
    Rect { x: screen.x + (screen.width - width) / 2, y: screen.y + (screen.height - height) / 3, width, height }
}

impl Overlay<'_> {
    /// Clears the area, frames it, and gives what is inside.
    pub fn draw(&self, area: Rect, buf: &mut Buffer) -> Rect {
        let area = area.intersection(buf.area);
        self.theme.clear(area, Role::Surface, buf);
        if area.width < 2 || area.height < 2 {
            return Rect { width: 0, height: 0, ..area };
        }
        self.edges(area, buf);
        self.top(area, buf);
        self.bottom(area, buf);
        area.inner(Margin::new(1, 1))
    }

    fn edges(&self, area: Rect, buf: &mut Buffer) {
        let style = self.theme.style(Role::Muted);
        let marks = &self.theme.marks;
        let (left, right, top, bottom) = (area.x, area.right() - 1, area.y, area.bottom() - 1);
        for x in left + 1..right {
            buf.set_string(x, top, marks.rule, style);
            buf.set_string(x, bottom, marks.rule, style);
        }
        for y in top + 1..bottom {
            buf.set_string(left, y, marks.vertical, style);
            buf.set_string(right, y, marks.vertical, style);
        }
        for (x, y, corner) in [
            (left, top, marks.top_left),
            (right, top, marks.top_right),
            (left, bottom, marks.bottom_left),
            (right, bottom, marks.bottom_right),
        ] {
            buf.set_string(x, y, corner, style);
        }
    }

    fn top(&self, area: Rect, buf: &mut Buffer) {
        let room = usize::from(area.width).saturating_sub(6);
        let title = text::clean(self.title);
        if room > 0 && !title.is_empty() {
            let title = text::truncate(&title, room).into_owned();
            let row = Rect { x: area.x + 2, width: area.width - 4, height: 1, ..area };
            self.write(vec![Span::styled(title, self.theme.style(Role::Text).bold())], row, Alignment::Left, buf);
        }
    }

    fn bottom(&self, area: Rect, buf: &mut Buffer) {
        let room = usize::from(area.width).saturating_sub(6);
        let keys = words::keys(self.keys, room, self.theme);
        let cells: usize = keys.spans.iter().map(|span| text::width(&span.content)).sum();
        let row = Rect { x: area.x + 2, y: area.bottom() - 1, width: area.width.saturating_sub(4), height: 1 };
        if cells > 0 {
            self.write(keys.spans, row, Alignment::Right, buf);
        }
        let left = room.saturating_sub(cells + 4);
        if let Some(notice) = self.notice.map(text::clean).filter(|_| left >= 8) {
            let notice = text::truncate(&notice, left).into_owned();
            self.write(vec![Span::styled(notice, self.theme.style(Role::Muted))], row, Alignment::Left, buf);
        }
    }

    /// Words in the frame, a blank at each side; nothing of the frame shows through.
    fn write(&self, spans: Vec<Span>, row: Rect, side: Alignment, buf: &mut Buffer) {
        let cells: usize = spans.iter().map(|span| text::width(&span.content)).sum();
        let width = u16::try_from(cells + 2).unwrap_or(u16::MAX).min(row.width);
        let x = if side == Alignment::Right { row.right() - width } else { row.x };
        let place = Rect { x, width, ..row };
        self.theme.clear(place, Role::Surface, buf);
        let inside = place.inner(Margin::new(1, 0));
        Line::from(spans).render(inside, buf);
    }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use ratatui::style::Modifier;

    use super::*;
    use crate::widgets::screen;

    fn drawn(width: u16, notice: Option<&str>) -> String {
        let theme = Theme::default();
        let area = Rect::new(0, 0, width, 3);
        let mut buf = Buffer::empty(area);
        let keys: &[Hint] = &[("↵", "use"), ("esc", "back")];
        Overlay { title: "Model for the next message", keys, notice, theme: &theme }.draw(area, &mut buf);
        screen::rows(&buf)
    }

    #[test]
    fn the_frame_drops_its_notice_then_keys_and_cuts_its_title() {
        assert_snapshot!(drawn(56, Some("from the cache, 3 days old")), @"
        ╭─ Model for the next message ─────────────────────────╮
        │                                                      │
        ╰─ from the cache, 3 days old ─────── ↵ use  esc back ─╯
        ");
        assert_snapshot!(drawn(24, Some("from the cache, 3 days old")), @"
        ╭─ Model for the nex… ─╮
        │                      │
        ╰──── ↵ use  esc back ─╯
        ");
        assert_snapshot!(drawn(14, None), @"
        ╭─ Model f… ─╮
        │            │
        ╰──── ↵ use ─╯
        ");
    }

    #[test]
    fn the_words_in_the_frame_are_not_as_dim_as_the_frame() {
        let theme = Theme::default();
        let area = Rect::new(0, 0, 30, 3);
        let mut buf = Buffer::empty(area);
        Overlay { title: "Menu", keys: &[("esc", "back")], notice: None, theme: &theme }.draw(area, &mut buf);
        assert!(buf[(1, 0)].modifier.contains(Modifier::DIM));
        assert_eq!(buf[(3, 0)].modifier, Modifier::BOLD);
        let key = (0..30).find(|x| buf[(*x, 2)].symbol() == "e").expect("esc");
        assert_eq!(buf[(key, 2)].modifier, Modifier::empty());
    }

    #[test]
    fn an_overlay_takes_a_small_screen_whole_and_leaves_four_columns_of_a_larger_one() {
        let of = |screen_width, width| {
            let area = placed(Rect::new(0, 0, screen_width, 40), width, 22);
            (area.x, area.y, area.width)
        };
        assert_eq!(
            [of(80, 92), of(90, 92), of(120, 92), of(200, 200)],
            [(0, 6, 80), (2, 6, 86), (14, 6, 92), (50, 6, 100)]
        );
    }
}
