//! Rows that are looked through in an overlay: the field on top, what is looked for, and how much of it was found.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
    style::Style,
    text::Span,
    widgets::Widget,
};

use super::{
    field::{Field, Shows},
    overlay,
    theme::{Role, Theme},
    words,
};
use crate::text::Needle;

/// A query, and whether it is being typed.
#[derive(Debug, Clone, Default)]
pub struct Search {
    field: Field,
    typing: bool,
    needle: Needle,
}

/// What a key in the field asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Typed {
    Nothing,
    /// The query is another one.
    Changed,
    /// So many matches on, or back.
    Step(isize),
}

impl Search {
    pub fn begin(&mut self) {
        self.typing = true;
    }

    /// Whether keys go to the field.
    pub fn types(&self) -> bool {
        self.typing
    }

    pub fn needle(&self) -> &Needle {
        &self.needle
    }

    pub fn is_empty(&self) -> bool {
        self.field.is_empty()
    }

    /// Leaves the field and forgets what was looked for.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    pub fn paste(&mut self, text: &str) {
        self.typing = true;
        self.field.paste(text);
        self.needle = Needle::new(&self.field.text());
    }

    pub fn key(&mut self, key: KeyEvent) -> Typed {
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            KeyCode::Enter => self.typing = false,
            KeyCode::Down => return Typed::Step(1),
            KeyCode::Up => return Typed::Step(-1),
            KeyCode::Char('n') if control => return Typed::Step(1),
            KeyCode::Char('p') if control => return Typed::Step(-1),
            _ => {
                self.field.edit(key);
                let needle = Needle::new(&self.field.text());
                if needle != self.needle {
                    self.needle = needle;
                    return Typed::Changed;
                }
            }
        }
        Typed::Nothing
    }
}

/// How much was found, in words; `current` is counted from 0.
pub fn count(found: usize, current: Option<usize>) -> String {
    match current {
        _ if found == 0 => "nothing found".into(),
        Some(nth) => format!("{} of {found}", nth + 1),
        None => format!("{found} found"),
    }
}

/// Where the parts of such an overlay stand.
pub struct Parts {
    pub frame: Rect,
    pub field: Rect,
    pub rows: Rect,
}

const WIDTH: u16 = 100;
const INDENT: u16 = 2;

pub fn parts(screen: Rect) -> Parts {
    let height = if screen.height > 24 { screen.height - 4 } else { screen.height };
    let frame = overlay::placed(screen, WIDTH, height);
    let inner = Rect {
        x: frame.x + 1,
        y: frame.y + 1,
        width: frame.width.saturating_sub(2),
        height: frame.height.saturating_sub(2),
    };
    let field = Rect { height: inner.height.min(1), ..inner };
    let above = (if inner.height > 6 { 2 } else { 1 }).min(inner.height);
    Parts { frame, field, rows: Rect { y: inner.y + above, height: inner.height - above, ..inner } }
}

/// The column of text inside the frame.
pub fn column(area: Rect) -> Rect {
    let left = INDENT.min(area.width);
    Rect { x: area.x + left, width: (area.width - left).saturating_sub(INDENT), ..area }
}

/// Draws the field.
pub struct SearchView<'a> {
    pub search: &'a Search,
    /// What an empty field says.
    pub hint: &'a str,
    /// At its right.
    pub count: &'a str,
    pub theme: &'a Theme,
}

impl SearchView<'_> {
    /// Where the terminal's cursor stands.
    pub fn cursor(&self, area: Rect) -> Option<Position> {
        self.search.typing.then(|| self.search.field.cursor(self.field(area), Shows::Text)).flatten()
    }

    fn field(&self, area: Rect) -> Rect {
        let field = column(area);
        let count = u16::try_from(self.count.len() + 2).unwrap_or(u16::MAX);
        Rect { width: field.width.saturating_sub(count), ..field }
    }
}

impl Widget for SearchView<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        if area.is_empty() {
            return;
        }
        let muted = self.theme.style(Role::Muted);
        words::run(self.theme.marks.prompt, self.theme.style(Role::Accent)).render(area, buf);
        let field = self.field(area);
        if self.search.is_empty() && !self.search.typing {
            words::run(self.hint, muted).render(field, buf);
        }
        self.search.field.draw(field, Shows::Text, self.theme.style(Role::Text), self.theme, buf);
        words::run(self.count, muted).right_aligned().render(column(area), buf);
    }
}

/// A text in one style, and what is looked for in it marked.
pub fn marked(text: &str, needle: &Needle, style: Style, theme: &Theme) -> Vec<Span<'static>> {
    let hit = style.patch(theme.style(Role::Mark)).bold();
    let mut spans = Vec::new();
    let mut at = 0;
    for range in needle.places(text) {
        spans.push(Span::styled(text[at..range.start].to_owned(), style));
        spans.push(Span::styled(text[range.clone()].to_owned(), hit));
        at = range.end;
    }
    spans.push(Span::styled(text[at..].to_owned(), style));
    spans
}
