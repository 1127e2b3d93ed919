//! The search field of an overlay that lists rows: the query, and the number of matches.

use crossterm::event::KeyEvent;
use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
    style::Style,
    text::Span,
    widgets::Widget,
};

use super::{field::TextField, frame, query_field::QueryField};
use crate::text::SearchNeedle;
use crate::{
    render::theme::{ColourRole, Theme},
    ui::{
        Action,
        key_hints::KeyHint,
        keymap::{KeyContext, Keymap},
    },
};

/// A query, and whether the user is typing it.
#[derive(Debug, Clone, Default)]
pub struct SearchField {
    field: TextField,
    typing: bool,
    needle: SearchNeedle,
}

impl SearchField {
    pub fn start_typing(&mut self) {
        self.typing = true;
    }

    pub fn stop_typing(&mut self) {
        self.typing = false;
    }

    /// Returns `true` while keys go to the field.
    pub fn is_typing(&self) -> bool {
        self.typing
    }

    pub fn text(&self) -> String {
        self.field.text()
    }

    pub fn needle(&self) -> &SearchNeedle {
        &self.needle
    }

    pub fn is_empty(&self) -> bool {
        self.field.is_empty()
    }

    /// Leaves the field and clears the query.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    pub fn paste(&mut self, text: &str) {
        self.typing = true;
        self.field.paste(text);
        self.needle = SearchNeedle::new(&self.field.text());
    }

    /// Edits the query; returns whether it has changed.
    pub fn edit(&mut self, key: KeyEvent) -> bool {
        self.field.edit(key);
        let needle = SearchNeedle::new(&self.field.text());
        let is_changed = needle != self.needle;
        self.needle = needle;
        is_changed
    }
}

/// The hints while a query is typed.
pub fn typing_hints(keymap: &Keymap) -> Vec<KeyHint<'static>> {
    let labels: [(&[Action], &str); 3] =
        [(&[Action::Accept], "done"), (&[Action::RowUp, Action::RowDown], "matches"), (&[Action::Back], "clear")];
    keymap.hints(KeyContext::Field, &labels)
}

/// The text in an empty field: the key that starts a search.
pub fn search_hint(keymap: &Keymap, context: KeyContext) -> String {
    keymap.keys_for(context, Action::SearchRows).map_or_else(String::new, |keys| format!("{keys} find"))
}

/// The number of matches as text; `current` counts from 0.
pub fn count_text(found: usize, current: Option<usize>) -> String {
    match current {
        _ if found == 0 => "nothing found".into(),
        Some(nth) => format!("{} of {found}", nth + 1),
        None => format!("{found} found"),
    }
}

/// The areas of an overlay with a search field.
pub struct SearchAreas {
    pub frame: Rect,
    pub field: Rect,
    pub rows: Rect,
}

const WIDTH: u16 = 100;

pub fn areas(screen: Rect) -> SearchAreas {
    let height = if screen.height > 24 { screen.height - 4 } else { screen.height };
    let frame = frame::overlay_area(screen, WIDTH, height);
    let inner = frame::inside_frame(frame);
    let field = Rect { height: inner.height.min(1), ..inner };
    let above = (if inner.height > 6 { 2 } else { 1 }).min(inner.height);
    SearchAreas { frame, field, rows: Rect { y: inner.y + above, height: inner.height - above, ..inner } }
}

/// Draws the field.
pub struct SearchView<'a> {
    pub search: &'a SearchField,
    /// The text in an empty field.
    pub hint: &'a str,
    /// The number of matches, at the right.
    pub count: &'a str,
    pub theme: &'a Theme,
}

impl SearchView<'_> {
    /// The position of the terminal's cursor.
    pub fn cursor(&self, area: Rect) -> Option<Position> {
        self.search.typing.then(|| self.field(&[]).cursor(area)).flatten()
    }

    fn field<'a>(&'a self, hints: &'a [&'a str]) -> QueryField<'a> {
        QueryField { query: &self.search.field, hints, count: self.count, theme: self.theme }
    }
}

impl Widget for SearchView<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        let hints = if self.search.typing { &[][..] } else { &[self.hint] };
        self.field(hints).render(area, buf);
    }
}

/// A text in one style, with the matches of the query marked.
pub fn mark_matches(text: &str, needle: &SearchNeedle, style: Style, theme: &Theme) -> Vec<Span<'static>> {
    let hit = style.patch(theme.style(ColourRole::Mark)).bold();
    let mut spans = Vec::new();
    let mut offset = 0;
    for range in needle.find_all(text) {
        spans.push(Span::styled(text[offset..range.start].to_owned(), style));
        spans.push(Span::styled(text[range.clone()].to_owned(), hit));
        offset = range.end;
    }
    spans.push(Span::styled(text[offset..].to_owned(), style));
    spans
}
