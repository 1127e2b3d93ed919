//! A text field of one line, for a filter, a name or a key.

use std::ops::Range;

use crossterm::event::KeyEvent;
use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
    style::Style,
};

use crate::text;
use crate::{
    render::theme::Theme,
    ui::composer::{Composer, MotionDirection, MotionReach, visible_cluster},
};

/// A line of text that is edited with the keys of readline.
#[derive(Debug, Clone)]
pub struct TextField {
    line: Composer,
}

/// Whether a field shows its text or hides it behind dots.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldDisplay {
    Text,
    Dots,
}

impl Default for TextField {
    fn default() -> Self {
        Self::new("")
    }
}

impl TextField {
    /// A field with this text and the cursor at its end.
    pub fn new(text: &str) -> Self {
        let mut line = Composer::new(&without_line_ends(text));
        line.wrap_to_width(u16::MAX);
        Self { line }
    }

    pub fn text(&self) -> String {
        self.line.text()
    }

    pub fn is_empty(&self) -> bool {
        self.line.is_empty()
    }

    /// Edits as readline does; `false` if a field does not know the key.
    pub fn edit(&mut self, key: KeyEvent) -> bool {
        self.line.edit(key)
    }

    /// Inserts pasted text; its line breaks become blanks.
    pub fn paste(&mut self, text: &str) {
        self.line.insert_str(&without_line_ends(text));
    }

    pub fn text_before_cursor(&self) -> String {
        self.line.text_before_cursor()
    }

    /// Replaces a part of the text; the cursor goes behind it. This can be undone.
    pub fn replace(&mut self, range: Range<usize>, with: &str) {
        let text = self.text();
        let (Some(before), Some(after)) = (text.get(..range.start), text.get(range.end..)) else { return };
        self.line.replace(&format!("{before}{with}{after}"));
        for _ in text::clusters(after) {
            self.line.move_cursor(MotionDirection::Backward, MotionReach::Cluster);
        }
    }

    /// Edits a query; returns whether it is another one now.
    pub fn edit_query(&mut self, key: KeyEvent) -> bool {
        let before = self.text();
        self.edit(key);
        self.text() != before
    }

    /// Draws the part of the text that fits; the cursor is always visible.
    pub fn draw(&self, area: Rect, display: FieldDisplay, style: Style, theme: &Theme, buf: &mut Buffer) {
        let area = Rect { height: area.height.min(1), ..area }.intersection(buf.area);
        if area.is_empty() {
            return;
        }
        let text = self.text();
        let (mut skip, mut x) = (self.hidden_cells(display, area.width), area.x);
        for cluster in text::clusters(&text) {
            let cells = cluster_cells(cluster, display);
            if skip > 0 {
                skip -= cells;
                continue;
            }
            if cells > usize::from(area.right() - x) {
                break;
            }
            x = match display {
                FieldDisplay::Text => buf.set_stringn(x, area.y, visible_cluster(cluster), cells, style).0,
                FieldDisplay::Dots => buf.set_stringn(x, area.y, theme.marks.secret, 1, style).0,
            };
        }
    }

    /// The position of the terminal's cursor for a field drawn in `area`.
    pub fn cursor(&self, area: Rect, display: FieldDisplay) -> Option<Position> {
        let (before, hidden) = (self.cells_before_cursor(display), self.hidden_cells(display, area.width));
        let x = u16::try_from(before.checked_sub(hidden)?).ok()?;
        (!area.is_empty() && x < area.width).then(|| Position::new(area.x + x, area.y))
    }

    /// The number of cells that are scrolled out at the left, always in whole clusters.
    fn hidden_cells(&self, display: FieldDisplay, width: u16) -> usize {
        let too_many = (self.cells_before_cursor(display) + 1).saturating_sub(width.into());
        let mut hidden = 0;
        for cluster in text::clusters(&self.text()) {
            if hidden >= too_many {
                break;
            }
            hidden += cluster_cells(cluster, display);
        }
        hidden
    }

    fn cells_before_cursor(&self, display: FieldDisplay) -> usize {
        text::clusters(&self.line.text_before_cursor()).map(|cluster| cluster_cells(cluster, display)).sum()
    }
}

fn cluster_cells(cluster: &str, display: FieldDisplay) -> usize {
    match display {
        FieldDisplay::Text => text::width(&visible_cluster(cluster)),
        FieldDisplay::Dots => 1,
    }
}

fn without_line_ends(text: &str) -> String {
    text.trim_end_matches(['\r', '\n']).replace("\r\n", " ").replace(['\r', '\n'], " ")
}

#[cfg(test)]
mod tests {
    use crossterm::event::{KeyCode, KeyModifiers};
    use insta::assert_snapshot;

    use super::*;
    use crate::ui::test_buffer;

    fn drawn(field: &TextField, width: u16, shows: FieldDisplay) -> String {
        let area = Rect::new(0, 0, width, 1);
        let mut buf = Buffer::empty(area);
        field.draw(area, shows, Style::new(), &Theme::default(), &mut buf);
        format!("{}{}", test_buffer::buffer_text(&buf), field.cursor(area, shows).map_or(0, |at| at.x))
    }

    #[test]
    fn a_long_text_shows_the_part_around_its_cursor() {
        let mut field = TextField::new("anthropic/claude-opus-5");
        assert_snapshot!(drawn(&field, 10, FieldDisplay::Text), @"
        de-opus-5
        9
        ");
        assert_snapshot!(drawn(&TextField::new("日本語の敬語"), 8, FieldDisplay::Text), @"
        の敬語
        6
        ");
        field.edit(KeyEvent::new(KeyCode::Home, KeyModifiers::NONE));
        assert_snapshot!(drawn(&field, 10, FieldDisplay::Text), @"
        anthropic/
        0
        ");
    }

    #[test]
    fn a_secret_is_dots_and_a_paste_of_lines_is_one_line() {
        let mut field = TextField::default();
        field.paste("sk-or-1\r\n");
        assert_eq!(field.text(), "sk-or-1");
        assert_snapshot!(drawn(&field, 10, FieldDisplay::Dots), @"
        •••••••
        7
        ");
        field.paste("a\nb");
        assert_eq!(field.text(), "sk-or-1a b");
    }

    #[test]
    fn the_field_draws_at_every_size() {
        for shows in [FieldDisplay::Text, FieldDisplay::Dots] {
            test_buffer::draw_at_every_size(|area, buf| {
                let field = TextField::new("日本語 and 👨‍👩‍👧‍👦");
                field.draw(area, shows, Style::new(), &Theme::default(), buf);
                assert!(field.cursor(area, shows).is_none_or(|at| area.contains(at)));
            });
        }
    }
}
