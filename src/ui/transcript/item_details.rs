//! The rows of items other than texts.

use std::sync::Arc;

use crate::{
    chat::{Item, item_words},
    render::{
        row::{RowKind, StyledRow, StyledSpan, TextStyle},
        theme::{ColourRole, ThemeMarks},
    },
    text::{self, link},
};

/// The row of an item whose kind this version does not know.
pub(crate) fn item_head(kind: &str, status: Option<&str>, item: &Item, is_open: bool, marks: &ThemeMarks) -> StyledRow {
    let status = status.filter(|status| *status != "completed").unwrap_or_default();
    let status = item_words::failure_text(status, item).unwrap_or_else(|| status.replace('_', " "));
    let status = if status.is_empty() { status } else { format!(" {} {status}", marks.dot) };
    let mark = if is_open { marks.unfolded } else { marks.folded };
    let label = item_words::image_text(kind, item).unwrap_or_else(|| kind.replace(['_', ':'], " "));
    let words = text::one_line(&format!("{mark} {label}{status}"));
    StyledRow::new(RowKind::Other, vec![StyledSpan::new(words, TextStyle::of(ColourRole::Muted))])
}

/// The rows of that text, with the pages as links.
pub(crate) fn search_text_rows(text: &str, width: usize) -> Vec<StyledRow> {
    let mut rows = Vec::new();
    let mut offset = 0;
    for line in text.split('\n').filter(|line| !line.is_empty()) {
        let link: Option<Arc<str>> = link::can_open(line).then(|| line.into());
        let ink = if link.is_some() { TextStyle::of(ColourRole::Link) } else { TextStyle::of(ColourRole::Muted) };
        for mut row in StyledRow::wrapped(line, width, RowKind::Search, ink) {
            row.source = offset + row.source.start..offset + row.source.end;
            row.source_map.shift(offset);
            row.spans = row.spans.into_iter().map(|span| span.with_link(link.clone())).collect();
            rows.push(row);
        }
        offset += line.len() + 1;
    }
    rows
}
