//! Lines of text: in one style, or as keys with labels (`↵ open  Esc back`).

use std::borrow::Cow;

use ratatui::{
    style::Style,
    text::{Line, Span},
};

use crate::render::theme::{ColourRole, Theme};
use crate::text;

/// A key as it is displayed, and its label.
pub type KeyHint<'a> = (&'a str, &'a str);

/// The sign of the Enter key in a hint; it is replaced by the theme's mark.
const ENTER: &str = "↵";

/// A line of text in one style. `Line::styled` would also restyle the rest of its area.
pub fn styled_line<'a>(words: impl Into<Cow<'a, str>>, style: Style) -> Line<'a> {
    Line::from(Span::styled(words, style))
}

/// As many hints, from the first, as fit in full into `room` cells.
pub fn hint_line<'a>(hints: &[KeyHint<'a>], room: usize, theme: &Theme) -> Line<'a> {
    let mut spans = Vec::new();
    let mut room_left = room;
    for (key, word) in hints.iter().filter(|(key, _)| !key.is_empty()) {
        let key = if *key == ENTER { theme.marks.enter } else { key };
        let gap = if spans.is_empty() { 0 } else { 2 };
        let cells = gap + text::width(key) + 1 + text::width(word);
        let Some(rest) = room_left.checked_sub(cells) else { break };
        room_left = rest;
        spans.push(Span::raw(" ".repeat(gap)));
        spans.push(Span::styled(key, theme.style(ColourRole::Accent)));
        spans.push(Span::raw(" "));
        spans.push(Span::styled(*word, theme.style(ColourRole::Muted)));
    }
    Line::from(spans)
}
