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

/// The hints that fit in full into `room` cells: as many as possible from the first and, where there is room for two, the
/// last, which says how to leave. The theme has marks for some keys.
pub fn hint_line<'a>(hints: &[KeyHint<'a>], room: usize, theme: &Theme) -> Line<'a> {
    let hints: Vec<(String, &str)> = hints
        .iter()
        .filter(|(key, _)| !key.is_empty())
        .map(|(key, word)| match &**key {
            "Enter" => (theme.marks.enter.to_owned(), *word),
            "Up Down" => (theme.marks.up_down.to_owned(), *word),
            key => (key.to_owned(), *word),
        })
        .collect();
    let cells = |(key, word): &(String, &str)| text::width(key) + 1 + text::width(word) + HINT_GAP;
    let Some((last, others)) = hints.split_last() else { return Line::default() };
    let keeps_last = others.first().is_none_or(|first| cells(first) + cells(last) <= room + HINT_GAP);
    let last = Some(last).filter(|last| keeps_last && cells(last) <= room + HINT_GAP);
    let mut left = room + HINT_GAP - last.map_or(0, cells);
    let fitting = others.iter().take_while(|hint| match left.checked_sub(cells(hint)) {
        Some(rest) => {
            left = rest;
            true
        }
        None => false,
    });
    let mut spans = Vec::new();
    for (key, word) in fitting.chain(last) {
        spans.push(Span::raw(if spans.is_empty() { "" } else { "  " }));
        spans.push(Span::styled(key.clone(), theme.style(ColourRole::Accent)));
        spans.push(Span::raw(" "));
        // What asks before it does what cannot be undone ends in an ellipsis.
        let role = if word.ends_with('…') { ColourRole::Warning } else { ColourRole::Muted };
        spans.push(Span::styled(*word, theme.style(role)));
    }
    Line::from(spans)
}

/// The blank cells between two hints.
const HINT_GAP: usize = 2;
