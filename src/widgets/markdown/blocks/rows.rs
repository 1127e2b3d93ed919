//! Rows behind the bars, bullets and indents of what they stand in.

use super::Layout;
use crate::widgets::row::{Joint, Row, RowKind, Span};

/// What stands left of the rows of a quotation, an alert, an item or a footnote.
pub(super) struct Container {
    pub first: Vec<Span>,
    pub rest: Vec<Span>,
    pub cells: usize,
    pub begun: bool,
    pub is_item: bool,
}

impl Layout<'_> {
    /// What stands left of the next row, and its cells. Where it would take the whole width, the
    /// inner containers are left out.
    pub(super) fn lead(&self, gap: bool) -> (Vec<Span>, usize) {
        let most = self.page.width.saturating_sub(self.page.width.min(12));
        let mut spans = Vec::new();
        let mut cells = 0;
        for container in &self.containers {
            if gap && !container.begun {
                break;
            }
            if cells + container.cells <= most {
                spans.extend_from_slice(if container.begun { &container.rest } else { &container.first });
                cells += container.cells;
            }
        }
        (spans, cells)
    }

    pub(super) fn room(&self) -> usize {
        (self.page.width - self.lead(false).1.min(self.page.width)).max(1)
    }

    pub(super) fn emit(&mut self, spans: Vec<Span>, kind: RowKind, source_end: usize, joint: Joint) {
        let row = Row { joint, source: self.at..self.at, ..Row::new(kind, spans) };
        self.place(row, source_end);
    }

    pub(super) fn place(&mut self, mut row: Row, source_end: usize) {
        let (mut lead, _) = self.lead(false);
        for container in &mut self.containers {
            container.begun = true;
        }
        row.lead += lead.len();
        lead.append(&mut row.spans);
        row.spans = lead;
        let end = source_end.max(self.at);
        row.source = self.at..end;
        self.at = end;
        self.out.rows.push(row);
    }

    /// Gives the last row what is left of a block's source.
    pub(super) fn close_source(&mut self, end: usize) {
        if let Some(row) = self.out.rows.last_mut().filter(|_| end > self.at) {
            row.source.end = end;
            self.at = end;
        }
    }
}
