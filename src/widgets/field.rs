//! A field of one line: a filter, a name, a key.

use crossterm::event::KeyEvent;
use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
    style::Style,
};

use super::{
    composer::{Composer, shown},
    theme::Theme,
};
use crate::text;

/// One line that is edited with the keys of readline.
#[derive(Debug, Clone)]
pub struct Field {
    line: Composer,
}

/// Whether a field shows what stands in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shows {
    Text,
    Dots,
}

impl Default for Field {
    fn default() -> Self {
        Self::new("")
    }
}

impl Field {
    /// A field with a text in it, the cursor behind it.
    pub fn new(text: &str) -> Self {
        let mut line = Composer::new(&one_line(text));
        line.rows(u16::MAX);
        Self { line }
    }

    pub fn text(&self) -> String {
        self.line.text()
    }

    pub fn is_empty(&self) -> bool {
        self.line.is_empty()
    }

    /// Edits as readline would; `false` when the key means nothing to a field.
    pub fn edit(&mut self, key: KeyEvent) -> bool {
        self.line.edit(key)
    }

    /// A paste: its line ends become blanks.
    pub fn paste(&mut self, text: &str) {
        self.line.insert_str(&one_line(text));
    }

    /// Draws what fits, the cursor always in sight.
    pub fn draw(&self, area: Rect, shows: Shows, style: Style, theme: &Theme, buf: &mut Buffer) {
        let area = Rect { height: area.height.min(1), ..area }.intersection(buf.area);
        if area.is_empty() {
            return;
        }
        let text = self.text();
        let (mut skip, mut x) = (self.hidden(shows, area.width), area.x);
        for cluster in text::clusters(&text) {
            let cells = cells(cluster, shows);
            if skip > 0 {
                skip -= cells;
                continue;
            }
            if cells > usize::from(area.right() - x) {
                break;
            }
            x = match shows {
                Shows::Text => buf.set_stringn(x, area.y, shown(cluster), cells, style).0,
                Shows::Dots => buf.set_stringn(x, area.y, theme.marks.secret, 1, style).0,
            };
        }
    }

    /// Where the terminal's cursor stands when the field is drawn there.
    pub fn cursor(&self, area: Rect, shows: Shows) -> Option<Position> {
        let (before, hidden) = (self.before(shows), self.hidden(shows, area.width));
        let x = u16::try_from(before.checked_sub(hidden)?).ok()?;
        (!area.is_empty() && x < area.width).then(|| Position::new(area.x + x, area.y))
    }

    /// How many cells before the cursor are out of sight at the left: those of whole clusters.
    fn hidden(&self, shows: Shows, width: u16) -> usize {
        let too_many = (self.before(shows) + 1).saturating_sub(width.into());
        let mut hidden = 0;
        for cluster in text::clusters(&self.text()) {
            if hidden >= too_many {
                break;
            }
            hidden += cells(cluster, shows);
        }
        hidden
    }

    fn before(&self, shows: Shows) -> usize {
        text::clusters(&self.line.before_cursor()).map(|cluster| cells(cluster, shows)).sum()
    }
}

fn cells(cluster: &str, shows: Shows) -> usize {
    match shows {
        Shows::Text => text::width(&shown(cluster)),
        Shows::Dots => 1,
    }
}

fn one_line(text: &str) -> String {
    text.trim_end_matches(['\r', '\n']).replace("\r\n", " ").replace(['\r', '\n'], " ")
}

#[cfg(test)]
mod tests {
    use crossterm::event::{KeyCode, KeyModifiers};
    use insta::assert_snapshot;

    use super::*;
    use crate::widgets::screen;

    fn drawn(field: &Field, width: u16, shows: Shows) -> String {
        let area = Rect::new(0, 0, width, 1);
        let mut buf = Buffer::empty(area);
        field.draw(area, shows, Style::new(), &Theme::default(), &mut buf);
        format!("{}{}", screen::rows(&buf), field.cursor(area, shows).map_or(0, |at| at.x))
    }

    #[test]
    fn a_long_text_shows_the_part_around_its_cursor() {
        let mut field = Field::new("anthropic/claude-opus-5");
        assert_snapshot!(drawn(&field, 10, Shows::Text), @"
        de-opus-5
        9
        ");
        assert_snapshot!(drawn(&Field::new("日本語の敬語"), 8, Shows::Text), @"
        の敬語
        6
        ");
        field.edit(KeyEvent::new(KeyCode::Home, KeyModifiers::NONE));
        assert_snapshot!(drawn(&field, 10, Shows::Text), @"
        anthropic/
        0
        ");
    }

    #[test]
    fn a_secret_is_dots_and_a_paste_of_lines_is_one_line() {
        let mut field = Field::default();
        field.paste("sk-or-1\r\n");
        assert_eq!(field.text(), "sk-or-1");
        assert_snapshot!(drawn(&field, 10, Shows::Dots), @"
        •••••••
        7
        ");
        field.paste("a\nb");
        assert_eq!(field.text(), "sk-or-1a b");
    }

    #[test]
    fn it_draws_at_every_size() {
        for shows in [Shows::Text, Shows::Dots] {
            screen::at_every_size(|area, buf| {
                let field = Field::new("日本語 and 👨‍👩‍👧‍👦");
                field.draw(area, shows, Style::new(), &Theme::default(), buf);
                assert!(field.cursor(area, shows).is_none_or(|at| area.contains(at)));
            });
        }
    }
}
