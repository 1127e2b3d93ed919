//! The text of cards: spans wrapped into rows.

use super::row::{LineJoin, RowKind, StyledRow, StyledSpan};
use crate::text::wrap;

/// Wraps spans into rows of at most `width` cells.
pub fn wrap_spans(spans: &[StyledSpan], width: usize, kind: RowKind) -> Vec<StyledRow> {
    let text: String = spans.iter().map(|span| span.text.as_str()).collect();
    let lines = wrap::wrap(&text, wrap::WrapOptions { first_width: width, rest_width: width, glued: &[] });
    lines
        .into_iter()
        .map(|piece| {
            let mut row = StyledRow { join: LineJoin::after(&piece), ..StyledRow::new(kind, Vec::new()) };
            let mut offset = 0;
            for span in spans {
                let (start, end) = (piece.start.max(offset), piece.end.min(offset + span.text.len()));
                if start < end {
                    row.spans.push(span.with_text(&text[start..end]));
                }
                offset += span.text.len();
            }
            row
        })
        .collect()
}
