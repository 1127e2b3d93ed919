//! The tab with the sources: what each is, and how much of the answer rests on it.

use std::sync::Arc;

use super::{Piece, Rail};
use crate::{
    text,
    widgets::{
        card,
        citation::Source,
        row::{Ink, Row, RowKind, Span},
        theme::Role,
        transcript::ReadingOptions,
    },
};

/// Rows of an excerpt.
const EXCERPT: usize = 6;

impl Rail {
    pub(super) fn sources(&mut self, options: &ReadingOptions) {
        let sources = self.citations.sources().to_vec();
        if sources.is_empty() {
            self.say("The answer names no sources.");
            return;
        }
        for (nth, source) in sources.iter().enumerate() {
            if nth > 0 {
                self.blank();
            }
            let rows = rows(source, self.width, options);
            self.pieces.extend(rows.into_iter().map(Piece::Own));
        }
    }
}

fn rows(source: &Source, width: usize, options: &ReadingOptions) -> Vec<Row> {
    let muted = Ink::of(Role::Muted);
    let claims = match source.claims {
        0 => String::new(),
        1 => "1 claim".into(),
        claims => format!("{claims} claims"),
    };
    let mark = format!("[{}] ", source.number);
    let room = width.saturating_sub(mark.len() + claims.len() + 2 * usize::from(!claims.is_empty()));
    let title = text::truncate(&source.title, room).into_owned();
    let pad = width.saturating_sub(mark.len() + text::width(&title) + claims.len());
    let head = vec![
        Span { citation: Some(source.number), ..Span::new(mark, Ink::of(Role::Accent)) },
        Span::new(title, Ink::of(Role::Text).bold()),
        Span::new(" ".repeat(pad), muted),
        Span::new(claims, muted),
    ];
    let mut rows = vec![Row::new(RowKind::Sources, head).cut(width)];
    if let Some(url) = &source.url {
        let link = Some(Arc::from(url.as_str()));
        let address = text::clean(url);
        let bare = address.split_once("://").map_or(&*address, |(_, rest)| rest);
        let bare = bare.strip_prefix("www.").unwrap_or(bare).trim_end_matches('/');
        let (host, path) = bare.split_once('/').unwrap_or((bare, ""));
        let host = Span { link: link.clone(), ..Span::new(host, Ink::of(Role::Link)) };
        let mut spans = vec![host];
        if !path.is_empty() {
            let path = format!(" {} {path}", options.marks.prompt);
            spans.push(Span { link, ..Span::new(path, muted) });
        }
        rows.push(Row::new(RowKind::Sources, spans).cut(width));
    }
    match &source.excerpt {
        Some(excerpt) => {
            let quoted = vec![Span::new(format!("“{excerpt}”"), Ink::of(Role::Text))];
            let mut lines = card::wrapped(&quoted, width, RowKind::Sources);
            if lines.len() > EXCERPT {
                lines.truncate(EXCERPT);
                if let Some(span) = lines.last_mut().and_then(|row| row.spans.last_mut()) {
                    let cut =
                        text::truncate(&span.text, width.saturating_sub(3)).trim_end_matches('…').trim_end().to_owned();
                    span.text = format!("{cut} {}”", options.marks.ellipsis);
                }
            }
            rows.extend(lines.into_iter().map(|row| row.cut(width)));
        }
        None => {
            rows.extend(card::wrapped(&[Span::new("no excerpt came with the answer", muted)], width, RowKind::Sources));
        }
    }
    rows
}
