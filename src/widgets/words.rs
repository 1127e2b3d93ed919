//! Words in a row: runs of one style, and keys with what they do (`↵ open  esc back`).

use std::borrow::Cow;

use ratatui::{
    style::Style,
    text::{Line, Span},
};

use super::theme::{Role, Theme};
use crate::text;

/// A key as it is written, and its word.
pub type Hint<'a> = (&'a str, &'a str);

/// How the key is written; where marks are in ASCII, it has its name.
const ENTER: &str = "↵";

/// Words of one style. A `Line::styled` would style its whole area, and what stands there already.
pub fn run<'a>(words: impl Into<Cow<'a, str>>, style: Style) -> Line<'a> {
    Line::from(Span::styled(words, style))
}

/// As many hints as fit into `room` cells, from the first; never half of one.
pub fn keys<'a>(hints: &[Hint<'a>], room: usize, theme: &Theme) -> Line<'a> {
    let mut spans = Vec::new();
    let mut left = room;
    for (key, word) in hints.iter().filter(|(key, _)| !key.is_empty()) {
        let key = if *key == ENTER { theme.marks.enter } else { key };
        let gap = if spans.is_empty() { 0 } else { 2 };
        let cells = gap + text::width(key) + 1 + text::width(word);
        let Some(rest) = left.checked_sub(cells) else { break };
        left = rest;
        spans.push(Span::raw(" ".repeat(gap)));
        spans.push(Span::styled(key, theme.style(Role::Accent)));
        spans.push(Span::raw(" "));
        spans.push(Span::styled(*word, theme.style(Role::Muted)));
    }
    Line::from(spans)
}
