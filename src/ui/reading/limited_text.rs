//! Texts from outside in few rows: an address, and anything that ends with an ellipsis if it is longer.

use std::sync::Arc;

use crate::{
    render::{
        card,
        row::{RowKind, StyledSpan, TextStyle},
        theme::{ColourRole, ThemeMarks},
    },
    text,
};

/// Lays out an address as `sqlite.org › wal.html`; both parts are links to the page.
pub(crate) fn address_spans(url: &str, marks: &ThemeMarks) -> Vec<StyledSpan> {
    let link: Option<Arc<str>> = Some(Arc::from(url));
    let address = text::clean(url);
    let bare = address.split_once("://").map_or(&*address, |(_, rest)| rest);
    let bare = bare.strip_prefix("www.").unwrap_or(bare).trim_end_matches('/');
    let (host, path) = bare.split_once('/').unwrap_or((bare, ""));
    let mut spans = vec![StyledSpan::new(host, TextStyle::of(ColourRole::Link)).with_link(link.clone())];
    if !path.is_empty() {
        let muted = TextStyle::of(ColourRole::Muted);
        spans.push(StyledSpan::new(format!(" {} ", marks.prompt), muted));
        spans.push(StyledSpan::new(path, muted).with_link(link));
    }
    spans
}

/// Wraps a text into at most `most` rows; an ellipsis ends the last one if there is more.
pub(crate) fn wrap_limited(
    content: &[StyledSpan],
    width: usize,
    most: usize,
    marks: &ThemeMarks,
) -> Vec<Vec<StyledSpan>> {
    let mut rows = card::wrap_spans(content, width, RowKind::Text).into_iter().map(|row| row.spans).collect::<Vec<_>>();
    if rows.len() > most {
        rows.truncate(most);
        let last = rows.last_mut().and_then(|row| row.last_mut());
        if let Some(span) = last {
            let closing_quote =
                if span.text.starts_with('“') || content[0].text.starts_with('“') { "”" } else { "" };
            let room = width.saturating_sub(2 + closing_quote.len().min(1));
            let cut = text::truncate(&span.text, room);
            let cut = cut.trim_end_matches('…').trim_end().to_owned();
            span.text = format!("{cut} {}{closing_quote}", marks.ellipsis).into();
        }
    }
    rows
}
