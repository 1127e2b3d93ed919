//! The tab with the sources: what each is, and how much of the answer rests on it.

use super::{Piece, Rail};
use crate::{
    text,
    widgets::{
        card,
        citation::Source,
        row::{Gutter, Ink, Row, RowKind, Span},
        source_card,
        theme::Role,
        transcript::ReadingOptions,
    },
};

/// Rows of an excerpt and of an address.
const EXCERPT: usize = 6;
const ADDRESS: usize = 2;

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
            let lit = self.source == Some(source.number);
            let gutter = lit.then_some(Gutter { mark: options.look.marks.bar, role: Role::Muted });
            let fill = lit.then_some(Role::Raised);
            let rows = rows(source, lit, self.width, options);
            for (nth, row) in rows.into_iter().enumerate() {
                self.pieces.push(Piece::Own(Row { gutter: gutter.filter(|_| nth == 0), fill, ..row }));
            }
        }
    }
}

fn rows(source: &Source, lit: bool, width: usize, options: &ReadingOptions) -> Vec<Row> {
    let muted = Ink::of(Role::Muted);
    let claims = match source.claims {
        0 => String::new(),
        1 => "1 claim".into(),
        claims => format!("{claims} claims"),
    };
    let mark = Span::listed(source.number, lit);
    let room = width.saturating_sub(mark.width() + 1 + claims.len() + 2 * usize::from(!claims.is_empty()));
    let title = text::truncate(&source.title, room).into_owned();
    let pad = width.saturating_sub(mark.width() + 1 + text::width(&title) + claims.len());
    let head = vec![
        mark,
        Span::new(" ", muted),
        Span::new(title, Ink::of(Role::Text).bold()),
        Span::new(" ".repeat(pad), muted),
        Span::new(claims, muted),
    ];
    let mut rows = vec![Row::new(RowKind::Sources, head).cut(width)];
    let mut tell = |lines: Vec<Vec<Span>>| {
        rows.extend(lines.into_iter().map(|spans| Row::new(RowKind::Sources, spans).cut(width)));
    };
    if let Some(url) = &source.url {
        tell(source_card::few(&source_card::address(url, &options.look.marks), width, ADDRESS, &options.look.marks));
    }
    if let Some(excerpt) = &source.excerpt {
        let ink = if lit { Ink::of(Role::Text) } else { muted };
        tell(source_card::few(&[Span::new(format!("“{excerpt}”"), ink)], width, EXCERPT, &options.look.marks));
    } else {
        let words = Span::new("no excerpt came with the answer", muted);
        rows.extend(card::wrapped(&[words], width, RowKind::Sources));
    }
    rows
}
