//! The sources under an answer, in one wrapped line.

use std::sync::Arc;

use super::{
    citation::Source,
    row::{Ink, Row, RowKind, Span},
    theme::Role,
};
use crate::text;

const LABEL: &str = "Sources  ";

/// `Sources  [1] sqlite.org/wal  [2] …`, hanging under the first; nothing when there are none.
/// The mark of the one that is looked at is lit.
pub fn line(sources: &[Source], lit: Option<u32>, width: usize) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    let indent = if width >= 30 { LABEL.len() } else { 0 };
    let room = width - indent;
    let mut used = 0;
    for source in sources {
        let mark = format!("[{}] ", source.number);
        let site = text::truncate(&source.site, room.saturating_sub(mark.len()).max(1)).into_owned();
        let cells = mark.len() + text::width(&site);
        if rows.is_empty() || used + 2 + cells > room {
            let lead = if rows.is_empty() && indent > 0 { LABEL.to_owned() } else { " ".repeat(indent) };
            rows.push(Row { lead: 1, ..Row::new(RowKind::Sources, vec![Span::new(lead, Ink::of(Role::Muted))]) });
            used = 0;
        }
        let Some(row) = rows.last_mut() else { continue };
        if used > 0 {
            row.spans.push(Span::new("  ", Ink::of(Role::Text)));
            used += 2;
        }
        used += cells;
        let link = source.url.as_deref().map(Arc::from);
        row.spans.push(Span::listed(source.number, lit == Some(source.number)));
        row.spans.push(Span::new(" ", Ink::of(Role::Text)));
        row.spans.push(Span { link, ..Span::new(site, Ink::of(Role::Text)) });
    }
    rows.into_iter().map(|row| row.cut(width)).collect()
}
