//! The row at the top of an overlay: the field for the query, and how many rows match.

use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
    widgets::Widget,
};

use super::{
    field::{FieldDisplay, TextField},
    frame::{sign_column, text_column},
};
use crate::{
    render::theme::{ColourRole, Theme},
    text,
    ui::key_hints,
};

/// Draws the field in the row of an overlay, from one side of the frame to the other.
pub struct QueryField<'a> {
    pub query: &'a TextField,
    /// What an empty field says: the first of these that fits.
    pub hints: &'a [&'a str],
    /// The number of matches, at the right.
    pub count: &'a str,
    pub theme: &'a Theme,
}

impl QueryField<'_> {
    /// The position of the terminal's cursor.
    pub fn cursor(&self, area: Rect) -> Option<Position> {
        self.query.cursor(self.text_area(area), FieldDisplay::Text)
    }

    fn text_area(&self, area: Rect) -> Rect {
        let field = text_column(area);
        let count = u16::try_from(text::width(self.count) + 2).unwrap_or(u16::MAX);
        Rect { width: field.width.saturating_sub(count), ..field }
    }
}

impl Widget for QueryField<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        if area.is_empty() {
            return;
        }
        let (text_style, muted) = (self.theme.style(ColourRole::Text), self.theme.style(ColourRole::Muted));
        let field = self.text_area(area);
        key_hints::styled_line(self.theme.marks.prompt, self.theme.style(ColourRole::Accent))
            .render(sign_column(area), buf);
        let hint = self.hints.iter().find(|words| text::width(words) <= field.width.into());
        if let Some(words) = hint.filter(|_| self.query.is_empty()) {
            key_hints::styled_line(*words, muted).render(field, buf);
        }
        self.query.draw(field, FieldDisplay::Text, text_style, self.theme, buf);
        key_hints::styled_line(self.count, muted).right_aligned().render(text_column(area), buf);
    }
}
