//! Rows, with the bars, bullets and indents of their containers.

use super::MarkdownVisitor;
use crate::{
    render::row::{LineJoin, MappedSpans, RowKind, StyledRow, StyledSpan},
    text::work,
};

/// The lead of the rows of a quotation, an alert, an item or a footnote: its bar, bullet or indent.
pub(crate) struct BlockContainer {
    pub first_lead: Vec<StyledSpan>,
    pub rest_lead: Vec<StyledSpan>,
    pub width: usize,
    pub is_begun: bool,
    pub is_item: bool,
}

impl MarkdownVisitor<'_> {
    /// Returns the lead of the next row and its width. Inner containers are left out if they would
    /// take the whole width.
    pub(crate) fn next_lead(&self, is_gap: bool) -> (Vec<StyledSpan>, usize) {
        let max_cells = self.input.width.saturating_sub(self.input.width.min(12));
        let mut spans = Vec::new();
        let mut cells = 0;
        for container in self.containers.iter().take(self.input.width) {
            work::count_steps(1);
            if cells >= max_cells || is_gap && !container.is_begun {
                break;
            }
            if cells + container.width <= max_cells {
                spans.extend_from_slice(if container.is_begun { &container.rest_lead } else { &container.first_lead });
                cells += container.width;
            }
        }
        (spans, cells)
    }

    pub(crate) fn available_width(&self) -> usize {
        (self.input.width - self.next_lead(false).1.min(self.input.width)).max(1)
    }

    pub(crate) fn push_text_row(&mut self, text: MappedSpans, kind: RowKind, source_end: usize, join: LineJoin) {
        let MappedSpans { spans, source_map } = text;
        self.push_row(StyledRow { join, source_map, ..StyledRow::new(kind, spans) }, source_end);
    }

    pub(crate) fn push_row(&mut self, mut row: StyledRow, source_end: usize) {
        let (mut lead, _) = self.next_lead(false);
        // Those around one that has begun have begun, too.
        for container in self.containers.iter_mut().rev().take_while(|container| !container.is_begun) {
            work::count_steps(1);
            container.is_begun = true;
        }
        row.lead_spans += lead.len();
        lead.append(&mut row.spans);
        row.spans = lead;
        let end = source_end.max(self.source_end);
        row.source = self.source_end..end;
        self.source_end = end;
        self.out.rows.push(row);
    }

    /// Extends the last row to the end of its block's source.
    pub(crate) fn extend_last_row(&mut self, end: usize) {
        if let Some(row) = self.out.rows.last_mut().filter(|_| end > self.source_end) {
            row.source.end = end;
            self.source_end = end;
        }
    }
}
