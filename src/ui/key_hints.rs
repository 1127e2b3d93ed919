//! Lines of text: in one style, or as keys with labels (`↵ open  Esc back`).

use std::borrow::Cow;

use ratatui::{
    style::Style,
    text::{Line, Span},
};

use crate::render::theme::{ColourRole, Theme};
use crate::text;

/// Keys as they are displayed, and their label.
pub type KeyHint<'a> = (Cow<'a, str>, &'a str);

/// A line of text in one style. `Line::styled` would also restyle the rest of its area.
pub fn styled_line<'a>(words: impl Into<Cow<'a, str>>, style: Style) -> Line<'a> {
    Line::from(Span::styled(words, style))
}

/// As many hints, from the first, as fit in full into `room` cells. The theme has marks for some keys.
pub fn hint_line<'a>(hints: &[KeyHint<'a>], room: usize, theme: &Theme) -> Line<'a> {
    let mut spans = Vec::new();
    let mut room_left = room;
    for (key, word) in hints.iter().filter(|(key, _)| !key.is_empty()) {
        let key = match &**key {
            "Enter" => theme.marks.enter.to_owned(),
            "Up Down" => theme.marks.up_down.to_owned(),
            key => key.to_owned(),
        };
        let gap = if spans.is_empty() { 0 } else { 2 };
        let cells = gap + text::width(&key) + 1 + text::width(word);
        let Some(rest) = room_left.checked_sub(cells) else { break };
        room_left = rest;
        spans.push(Span::raw(" ".repeat(gap)));
        spans.push(Span::styled(key, theme.style(ColourRole::Accent)));
        spans.push(Span::raw(" "));
        spans.push(Span::styled(*word, theme.style(ColourRole::Muted)));
    }
    Line::from(spans)
}
