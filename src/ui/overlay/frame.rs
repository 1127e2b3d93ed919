//! The frame that all overlays share: rounded, with the title at the top left and the keys at the bottom right.

use ratatui::{
    buffer::Buffer,
    layout::{Alignment, Margin, Rect},
    text::{Line, Span},
    widgets::Widget,
};

use crate::text;
use crate::{
    render::theme::{ColourRole, Theme},
    ui::key_hints::{self, KeyHint},
};

/// The frame of an overlay or a card.
pub struct OverlayFrame<'a> {
    pub title: &'a str,
    pub keys: &'a [KeyHint<'a>],
    /// A note about the content, at the bottom left.
    pub notice: Option<&'a str>,
    pub theme: &'a Theme,
}

/// The widest screen that an overlay covers completely.
pub const MAX_FULL_WIDTH: u16 = 80;
pub const MAX_WIDTH: u16 = 100;
/// The cells between the frame and its text: a blank, or marks and the bar of the selected row.
const INDENT: u16 = 3;

/// Returns the columns from the sign of a field on, two cells left of the text.
pub fn sign_column(area: Rect) -> Rect {
    let left = (INDENT - 2).min(area.width);
    Rect { x: area.x + left, width: area.width - left, ..area }
}

/// Returns the area of an overlay of this size, a little above the middle of the screen.
pub fn overlay_area(screen: Rect, width: u16, height: u16) -> Rect {
    let width = if screen.width <= MAX_FULL_WIDTH {
        screen.width
    } else {
        width.min(MAX_WIDTH).min(screen.width.saturating_sub(4))
    };
    let height = height.min(screen.height);
    Rect { x: screen.x + (screen.width - width) / 2, y: screen.y + (screen.height - height) / 3, width, height }
}

/// Returns the area inside a frame.
pub fn inside_frame(frame: Rect) -> Rect {
    Rect {
        x: frame.x + 1,
        y: frame.y + 1,
        width: frame.width.saturating_sub(2),
        height: frame.height.saturating_sub(2),
    }
}

/// Returns the notice of a frame whose list goes on below it.
pub fn more_notice(rows_below: usize, theme: &Theme) -> Option<String> {
    (rows_below > 0).then(|| format!("{} {rows_below} more", theme.marks.more_below))
}

/// Returns the column of text inside a frame: left of it are the bar of the cursor or a mark, and a blank.
pub fn text_column(area: Rect) -> Rect {
    let left = INDENT.min(area.width);
    Rect { x: area.x + left, width: (area.width - left).saturating_sub(INDENT), ..area }
}

impl OverlayFrame<'_> {
    /// Clears the area, draws the frame and returns the area inside it.
    pub fn draw(&self, area: Rect, buf: &mut Buffer) -> Rect {
        let area = area.intersection(buf.area);
        self.theme.clear_area(area, ColourRole::Surface, buf);
        if area.width < 2 || area.height < 2 {
            return Rect { width: 0, height: 0, ..area };
        }
        self.draw_edges(area, buf);
        self.draw_title(area, buf);
        self.draw_footer(area, buf);
        area.inner(Margin::new(1, 1))
    }

    /// Writes a count into the frame, at the right of its title.
    pub fn draw_count(&self, count: &str, area: Rect, buf: &mut Buffer) {
        let row = Rect { x: area.x + 3, width: area.width.saturating_sub(6), height: 1, ..area }.intersection(buf.area);
        if row.width > 0 && !count.is_empty() {
            let count = vec![Span::styled(count.to_owned(), self.theme.style(ColourRole::Muted))];
            self.draw_label(count, row, Alignment::Right, buf);
        }
    }

    fn draw_edges(&self, area: Rect, buf: &mut Buffer) {
        let style = self.theme.style(ColourRole::Muted);
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

    fn draw_title(&self, area: Rect, buf: &mut Buffer) {
        let room = usize::from(area.width).saturating_sub(8);
        let title = text::clean(self.title);
        if room > 0 && !title.is_empty() {
            let title = text::truncate(&title, room).into_owned();
            let row = Rect { x: area.x + INDENT, width: area.width - 2 * INDENT, height: 1, ..area };
            self.draw_label(
                vec![Span::styled(title, self.theme.style(ColourRole::Text).bold())],
                row,
                Alignment::Left,
                buf,
            );
        }
    }

    fn draw_footer(&self, area: Rect, buf: &mut Buffer) {
        let room = usize::from(area.width).saturating_sub(8);
        let keys = key_hints::hint_line(self.keys, room, self.theme);
        let cells: usize = keys.spans.iter().map(|span| text::width(&span.content)).sum();
        let row = Rect {
            x: area.x + INDENT.min(area.width),
            y: area.bottom() - 1,
            width: area.width.saturating_sub(2 * INDENT),
            height: 1,
        };
        if cells > 0 {
            self.draw_label(keys.spans, row, Alignment::Right, buf);
        }
        let left = room.saturating_sub(cells + 4);
        if let Some(notice) = self.notice.map(text::clean) {
            // `↓ 375 more` is better short than cut.
            let is_too_wide = text::width(&notice) > left;
            let short = notice.strip_suffix(" more").filter(|_| is_too_wide);
            if left < 8 && short.is_none_or(|short| text::width(short) > left) {
                return;
            }
            let notice = text::truncate(short.unwrap_or(&notice), left).into_owned();
            self.draw_label(vec![Span::styled(notice, self.theme.style(ColourRole::Muted))], row, Alignment::Left, buf);
        }
    }

    /// Writes text into the frame, with a space at each side.
    fn draw_label(&self, spans: Vec<Span>, row: Rect, side: Alignment, buf: &mut Buffer) {
        let cells: usize = spans.iter().map(|span| text::width(&span.content)).sum();
        let width = u16::try_from(cells + 2).unwrap_or(u16::MAX).min(row.width);
        let x = if side == Alignment::Right { row.right() - width } else { row.x };
        let place = Rect { x, width, ..row };
        self.theme.clear_area(place, ColourRole::Surface, buf);
        let inside = place.inner(Margin::new(1, 0));
        Line::from(spans).render(inside, buf);
    }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use ratatui::style::Modifier;

    use super::*;
    use crate::ui::test_buffer;

    fn drawn(width: u16, notice: Option<&str>) -> String {
        let theme = Theme::default();
        let area = Rect::new(0, 0, width, 3);
        let mut buf = Buffer::empty(area);
        let keys: &[KeyHint] = &[("Enter".into(), "use"), ("Esc".into(), "back")];
        OverlayFrame { title: "Model for the next message", keys, notice, theme: &theme }.draw(area, &mut buf);
        test_buffer::buffer_text(&buf)
    }

    #[test]
    fn a_narrow_frame_drops_its_notice_then_keys_and_truncates_its_title() {
        assert_snapshot!(drawn(56, Some("from the cache, 3 days old")), @"
        ╭── Model for the next message ────────────────────────╮
        │                                                      │
        ╰── from the cache, 3 days old ───── ↵ use  Esc back ──╯
        ");
        assert_snapshot!(drawn(24, Some("from the cache, 3 days old")), @"
        ╭── Model for the n… ──╮
        │                      │
        ╰─── ↵ use  Esc back ──╯
        ");
        assert_snapshot!(drawn(14, None), @"
        ╭── Model… ──╮
        │            │
        ╰─── ↵ use ──╯
        ");
    }

    #[test]
    fn text_in_the_frame_is_not_dimmed() {
        let theme = Theme::default();
        let area = Rect::new(0, 0, 30, 3);
        let mut buf = Buffer::empty(area);
        OverlayFrame { title: "Commands", keys: &[("Esc".into(), "back")], notice: None, theme: &theme }
            .draw(area, &mut buf);
        assert!(buf[(1, 0)].modifier.contains(Modifier::DIM));
        assert_eq!(buf[(4, 0)].modifier, Modifier::BOLD);
        let key = (0..30).find(|x| buf[(*x, 2)].symbol() == "E").expect("the key is drawn");
        assert_eq!(buf[(key, 2)].modifier, Modifier::empty());
    }

    #[test]
    fn an_overlay_covers_a_small_screen_and_leaves_four_columns_of_a_larger_one() {
        let of = |screen_width, width| {
            let area = overlay_area(Rect::new(0, 0, screen_width, 40), width, 22);
            (area.x, area.y, area.width)
        };
        assert_eq!(
            [of(80, 92), of(90, 92), of(120, 92), of(200, 200)],
            [(0, 6, 80), (2, 6, 86), (14, 6, 92), (50, 6, 100)]
        );
    }
}
