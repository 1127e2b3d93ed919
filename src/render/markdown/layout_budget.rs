//! How much layout a frame may do: bytes and cells, never time, so that the same input always looks the same.

/// What a frame may still lay out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LayoutBudget {
    /// Bytes of Markdown to read.
    bytes: usize,
    /// Cells of rows and of tables to make from it.
    cells: usize,
}

/// What a row, a cell of a table or a level of nesting takes besides its text, and what a piece of a row takes.
pub(super) const CELLS_PER_ROW: usize = 64;
pub(super) const CELLS_PER_SPAN: usize = 24;
/// Mixed Markdown takes about four cells per byte.
const MAX_CELLS_PER_BYTE: usize = 5;

impl Default for LayoutBudget {
    fn default() -> Self {
        Self::FRAME
    }
}

impl LayoutBudget {
    /// Enough for twice the longest block that is laid out again while it grows.
    pub const FRAME: Self = Self { bytes: 144 * 1024, cells: 4 * 1024 * 1024 };
    pub const UNLIMITED: Self = Self { bytes: usize::MAX, cells: usize::MAX };
    /// Every text is laid out on the other thread.
    pub const NONE: Self = Self { bytes: 0, cells: 0 };

    /// The budget of the thread for long texts. What would take more rows than this is never laid out: a few bytes may
    /// ask for millions of cells.
    pub(super) fn of_thread(source_bytes: usize) -> Self {
        Self { bytes: usize::MAX, cells: Self::FRAME.cells.max(source_bytes.saturating_mul(MAX_CELLS_PER_BYTE)) }
    }

    pub(super) fn allows(self, bytes: usize) -> bool {
        bytes <= self.bytes
    }

    pub(super) fn cells(self) -> usize {
        self.cells
    }

    pub(super) fn spend(&mut self, bytes: usize, cells: usize) {
        self.bytes = self.bytes.saturating_sub(bytes);
        self.cells = self.cells.saturating_sub(cells);
    }
}
