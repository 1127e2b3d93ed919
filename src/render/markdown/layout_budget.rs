//! How much layout a frame may do: bytes and cells, never time, so that the same input always looks the same.

use super::MAX_STEP_BYTES;
use crate::render::row::{StyledRow, StyledSpan};

/// What a frame may still lay out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LayoutBudget {
    /// Bytes of Markdown to read.
    bytes: usize,
    /// Cells of rows and of tables to make from it.
    cells: usize,
    /// Some of it was spent: the next frame may do what this one cannot.
    is_begun: bool,
}

/// What a row, a cell of a table or a level of nesting takes besides its text.
pub(super) const CELLS_PER_ROW: usize = 88;
/// What a piece of a row takes, and a run of its source map.
const CELLS_PER_SPAN: usize = 20;
const CELLS_PER_RUN: usize = 10;
/// Mixed Markdown takes about eight cells per byte. A cell is two bytes of memory.
const MAX_CELLS_PER_BYTE: usize = 10;

/// Returns what a row takes of a budget: half of its memory.
pub(super) fn cells_of_row(row: &StyledRow) -> usize {
    let spans = row.spans.iter().map(|span| CELLS_PER_SPAN + heap_bytes(span) / 2).sum::<usize>();
    CELLS_PER_ROW + spans + CELLS_PER_RUN * row.source_map.runs().count()
}

/// Returns what a row takes besides if its text was cleaned, which divides its source map.
pub(super) fn cells_of_edits(row: &StyledRow) -> usize {
    CELLS_PER_RUN * row.source_map.runs().count()
}

/// Short texts are within their span.
fn heap_bytes(span: &StyledSpan) -> usize {
    if span.text.is_heap_allocated() { span.text.capacity() + 16 } else { 0 }
}

impl Default for LayoutBudget {
    fn default() -> Self {
        Self::FRAME
    }
}

impl LayoutBudget {
    /// Enough for the longest block that is laid out again while it grows.
    pub const FRAME: Self = Self { bytes: MAX_STEP_BYTES, cells: 4 * 1024 * 1024, is_begun: false };
    pub const UNLIMITED: Self = Self { bytes: usize::MAX, cells: usize::MAX, is_begun: false };
    /// Every text is laid out on the other thread.
    pub const NONE: Self = Self { bytes: 0, cells: 0, is_begun: false };

    /// The budget of the thread for long texts. What would take more rows than this is never laid out: a few bytes may
    /// ask for millions of cells.
    pub(super) fn of_thread(source_bytes: usize) -> Self {
        let cells = Self::FRAME.cells.max(source_bytes.saturating_mul(MAX_CELLS_PER_BYTE));
        Self { cells, ..Self::UNLIMITED }
    }

    pub(super) fn allows(self, bytes: usize) -> bool {
        bytes <= self.bytes
    }

    /// Whether the next frame may allow what this one does not.
    pub(super) fn may_allow_later(self, bytes: usize) -> bool {
        self.is_begun && bytes <= MAX_STEP_BYTES
    }

    pub(super) fn cells(self) -> usize {
        self.cells
    }

    pub(super) fn spend(&mut self, bytes: usize, cells: usize) {
        self.is_begun = true;
        self.bytes = self.bytes.saturating_sub(bytes);
        self.cells = self.cells.saturating_sub(cells);
    }
}
