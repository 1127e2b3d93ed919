//! Lays out Markdown as rows, block by block, while it streams.
//!
//! A block that is followed by another is closed: it is laid out once and stays. Only the open block
//! at the end is laid out again, so a delta costs the size of the open block, not of the answer.
//! A complete text goes the same way, so it looks the same however it arrived (`closed_blocks`).
//! It is laid out as a whole if that may change something: reference links and footnotes may be
//! defined after their use, a formula may span several blocks, a long block may have been split.
//! What is too much for a frame's budget is shown as plain source until another thread has laid it out.

mod blocks;
mod citation_marks;
mod cjk_emphasis;
mod closed_blocks;
mod code_blocks;
mod code_style;
pub mod copied_text;
mod deferred_text;
mod definitions;
mod delimiter_runs;
mod emphasis_signs;
mod fence;
mod fence_nesting;
mod formula_shape;
mod formulas;
mod frame_sync;
mod held_line;
mod highlighted_rows;
mod html_tags;
mod inline;
mod layout_budget;
mod line_breaks;
mod list_indents;
mod markdown_text;
mod open_text;
mod plain_text;
mod prepare;
mod source_lines;
mod table;
mod table_repair;
mod text_search;

use crate::{
    citations::annotations::{CitationMark, HighlightedCitation},
    config::LineBreaks,
};
use std::{collections::BTreeMap, ops::Range};

pub use code_blocks::CodeBlock;
pub use code_style::CodeKeys;
pub use deferred_text::LayoutJob;
pub use layout_budget::LayoutBudget;
pub use markdown_text::MarkdownText;
pub use plain_text::plain_text;
pub use text_search::{SearchJob, TextHits, search_text};

use self::{
    blocks::{BlockInput, BlockRows, WalkOutput},
    closed_blocks::{ClosedBlock, ClosedPart},
    code_blocks::HighlightProgress,
    code_style::{CodeColours, ScrollOffsets},
    deferred_text::DeferredText,
    fence::OpenFence,
    frame_sync::FrameState,
    highlighted_rows::UnlitRow,
    inline::WrapCache,
    open_text::OpenText,
};
use super::{
    row::{StyledRow, TextStyle},
    theme::{ColourRole, Theme, ThemeMarks},
};

/// The options that decide how Markdown is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MarkdownOptions {
    pub marks: ThemeMarks,
    /// Inline code keeps its backticks, because no background sets it apart.
    pub plain_code: bool,
    /// Links show their address after their text, because the terminal does not open links.
    pub shows_addresses: bool,
    /// The style of plain text.
    pub base_style: TextStyle,
    pub code_lines: CodeLineMode,
    pub code_keys: CodeKeys,
    /// Diagrams show their source instead of a one-line summary.
    pub diagrams_open: bool,
    /// What becomes of a single newline in a paragraph.
    pub line_breaks: LineBreaks,
}

/// What happens to a line of code that is wider than the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CodeLineMode {
    #[default]
    Wrapped,
    /// The line is one row, wider than the page, and scrolls sideways.
    Scrolled,
}

/// How many code blocks and figures an answer has up to some point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BlockCounts {
    pub code_blocks: u32,
    /// Images and diagrams.
    pub figures: u32,
}

/// Whether more text may come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextStage {
    Growing,
    Complete,
}

/// The work done since the layout was created, for tests and benches.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LayoutWork {
    pub rows: u64,
    pub bytes: u64,
    /// The most bytes of text that one step has looked at.
    pub longest_step: usize,
}

/// The rows of one text.
#[derive(Debug, Clone)]
pub struct MarkdownLayout {
    width: usize,
    options: MarkdownOptions,
    /// The counts of the answer before this text.
    counts_before: BlockCounts,
    rows: Vec<StyledRow>,
    blocks: Vec<ClosedBlock>,
    code_blocks: Vec<CodeBlock>,
    figures: u32,
    colours: CodeColours,
    scroll_offsets: ScrollOffsets,
    /// How much of each block was sent to the highlighter.
    highlight_progress: BTreeMap<u32, HighlightProgress>,
    citation_marks: Vec<CitationMark>,
    highlighted: Option<HighlightedCitation>,
    /// The rows of long blocks that are highlighted, as they are without that.
    unlit_rows: Vec<UnlitRow>,
    /// How much is closed: bytes of the source, rows, code blocks.
    closed: ClosedPart,
    /// A block was too long and was closed in the middle.
    is_cut: bool,
    open: OpenText,
    /// How the last long text of the open block was wrapped.
    wrap_cache: Option<WrapCache>,
    fence: Option<OpenFence>,
    stage: TextStage,
    work: LayoutWork,
    /// A longer text is not laid out once more when it is complete.
    relayout_limit: usize,
    /// The cells of the rows so far, how many there may be, and whether more were needed.
    cells: usize,
    max_cells: usize,
    is_over_budget: bool,
    /// What waits for another thread.
    deferred: Option<DeferredText>,
    /// The length of the text in its last job.
    job_len: usize,
    frames: FrameState,
}

/// A block that grows beyond this many bytes is closed at its last row.
const MAX_OPEN_BLOCK: usize = MAX_STEP_BYTES - MIN_FRAME_BYTES;
/// How many bytes of new text each frame takes in at least, however long the open block is.
const MIN_FRAME_BYTES: usize = 4 * 1024;
/// No step of the event loop looks at more text than this.
pub const MAX_STEP_BYTES: usize = 64 * 1024;

/// A longer text is not laid out once more when it is complete: the reader would have to wait.
const RELAYOUT_LIMIT: usize = 2 * 1024 * 1024;

impl MarkdownLayout {
    pub fn new(options: MarkdownOptions) -> Self {
        Self {
            width: 0,
            options,
            counts_before: BlockCounts::default(),
            rows: Vec::new(),
            blocks: Vec::new(),
            code_blocks: Vec::new(),
            figures: 0,
            colours: BTreeMap::new(),
            scroll_offsets: BTreeMap::new(),
            highlight_progress: BTreeMap::new(),
            citation_marks: Vec::new(),
            highlighted: None,
            unlit_rows: Vec::new(),
            closed: ClosedPart::default(),
            is_cut: false,
            open: OpenText::default(),
            wrap_cache: None,
            fence: None,
            stage: TextStage::Growing,
            work: LayoutWork::default(),
            relayout_limit: RELAYOUT_LIMIT,
            cells: 0,
            max_cells: usize::MAX,
            is_over_budget: false,
            deferred: None,
            job_len: 0,
            frames: FrameState::default(),
        }
    }

    pub fn rows(&self) -> &[StyledRow] {
        &self.rows
    }

    pub fn code_blocks(&self) -> &[CodeBlock] {
        &self.code_blocks
    }

    pub fn work(&self) -> LayoutWork {
        self.work
    }

    /// Returns the counts at the end of this text, including those before it.
    pub fn counts(&self) -> BlockCounts {
        BlockCounts {
            code_blocks: self.counts_before.code_blocks + self.code_blocks.len() as u32,
            figures: self.counts_before.figures + self.figures,
        }
    }

    /// Continues the numbering of code blocks and figures from `before`.
    pub fn continue_after(&mut self, before: BlockCounts) {
        if self.counts_before != before {
            self.counts_before = before;
            self.colours.clear();
            self.highlight_progress.clear();
            self.scroll_offsets.clear();
            self.reset();
        }
    }

    pub fn set_options(&mut self, options: MarkdownOptions) {
        if self.options != options {
            if options.code_lines == CodeLineMode::Wrapped {
                self.scroll_offsets.clear();
            }
            self.options = options;
            self.reset();
        }
    }

    /// Brings the rows up to date with a text that has grown or was replaced, whatever that costs.
    pub fn sync(&mut self, source: &str, width: usize, stage: TextStage, marks: &[CitationMark]) {
        let mut budget = LayoutBudget::UNLIMITED;
        self.sync_within(source, width, stage, marks, &mut budget);
    }

    /// Brings the rows up to date as far as the budget allows. What it does not allow is in the job of `take_job`.
    pub fn sync_within(
        &mut self,
        source: &str,
        width: usize,
        stage: TextStage,
        marks: &[CitationMark],
        budget: &mut LayoutBudget,
    ) {
        self.discard_stale_rows(source, width, stage);
        self.frames.syntax.read(source);
        let is_unchanged = source.len() == self.open.source_end && stage == self.stage && self.citation_marks == marks;
        if is_unchanged {
            return;
        }
        if self.deferred.is_none() {
            let bytes = self.bytes_to_lay_out(source, stage, marks);
            if budget.allows(bytes) {
                let cells = self.closed.cells;
                let most = LayoutBudget::of_thread(source.len()).cells();
                self.max_cells = cells.saturating_add(budget.cells()).min(most);
                self.lay_out_changes(source, stage, marks);
                budget.spend(bytes, self.cells.saturating_sub(cells));
                if !std::mem::take(&mut self.is_over_budget) {
                    return;
                }
                self.reset();
            }
            self.deferred = Some(DeferredText::default());
        }
        self.sync_deferred(source, *budget);
    }

    /// Returns how many bytes of Markdown are read to bring the rows up to date.
    fn bytes_to_lay_out(&self, source: &str, stage: TextStage, marks: &[CitationMark]) -> usize {
        if stage == TextStage::Complete && (self.closed.source_bytes == 0 || self.is_relayout_needed(source.len())) {
            return source.len();
        }
        let grown = self.open.text.len() + source.len() - self.open.source_end;
        if self.citation_marks == marks { grown } else { grown + self.stale_bytes(source.len(), marks) }
    }

    fn lay_out_changes(&mut self, source: &str, stage: TextStage, marks: &[CitationMark]) {
        if stage == TextStage::Complete && (self.closed.source_bytes == 0 || self.is_relayout_needed(source.len())) {
            self.citation_marks = marks.to_vec();
            self.lay_out_complete(source);
        } else {
            if self.citation_marks != marks {
                self.update_marks(source, marks);
            }
            self.stage = stage;
            self.advance(source);
        }
        if let Some(row) = self.rows.last_mut().filter(|_| stage == TextStage::Complete) {
            row.source.end = source.len();
        }
    }

    /// Discards all rows, but not the colours.
    fn reset(&mut self) {
        self.frames.begin_again(std::mem::take(&mut self.rows));
        self.unlit_rows.clear();
        self.blocks.clear();
        self.code_blocks.clear();
        self.figures = 0;
        self.citation_marks.clear();
        self.closed = ClosedPart::default();
        self.is_cut = false;
        self.open = OpenText::default();
        self.wrap_cache = None;
        self.fence = None;
        self.stage = TextStage::Growing;
        self.cells = 0;
        self.deferred = None;
        self.job_len = 0;
    }

    /// Whether later text may change how the closed blocks are laid out.
    fn is_relayout_needed(&self, source_len: usize) -> bool {
        let syntax = &self.frames.syntax;
        source_len <= self.relayout_limit && (self.is_cut || syntax.is_retroactive()) && !syntax.is_dense()
    }

    /// Lays out a text that will not grow any more.
    fn lay_out_complete(&mut self, source: &str) {
        let marks = std::mem::take(&mut self.citation_marks);
        self.reset();
        self.frames.syntax.read(source);
        self.citation_marks = marks;
        self.stage = TextStage::Complete;
        if self.frames.syntax.is_retroactive() {
            self.open.grow(source);
            self.lay_out_open_block();
        } else {
            self.advance(source);
        }
        self.light_rows();
    }

    /// Shows the open block; if it has become too long, closes all of it but the last row.
    fn lay_out_open_block(&mut self) {
        let may_grow = self.stage == TextStage::Growing;
        let end = if may_grow { held_line::visible_len(&self.open.text) } else { self.open.text.len() };
        let laid = self.lay_out_part(0..end, may_grow);
        if may_grow && self.open.text.len() > MAX_OPEN_BLOCK && laid.rows.len() > 1 {
            self.close_long_block(laid);
        } else if may_grow {
            self.append(laid);
        } else if end > 0 {
            self.append_closed(laid, end..end);
        }
    }

    /// Lays out part of the open text, whose last block may go on.
    fn lay_out_part(&mut self, range: Range<usize>, may_grow: bool) -> BlockRows {
        let source = &self.open.text[range];
        let start = self.closed.source_bytes;
        let end = self.open.source_pos(source.len());
        let within = citation_marks::marks_within(&self.citation_marks, &(start..end));
        let marks: Vec<CitationMark> = within.iter().map(|mark| self.open.map_mark(mark)).collect();
        // A long block is highlighted afterwards, row by row.
        let highlighted = self.highlighted.as_ref().filter(|_| source.len() <= MAX_STEP_BYTES);
        let input = BlockInput {
            source,
            may_grow,
            output: WalkOutput::Rows,
            width: self.width,
            options: &self.options,
            citation_marks: &marks,
            colours: &self.colours,
            scroll_offsets: &self.scroll_offsets,
            counts_before: self.counts(),
            highlighted: highlighted.map(|lit| self.open.map_highlight(lit)),
            wrap_cache: self.wrap_cache.as_ref(),
            max_cells: self.max_cells.saturating_sub(self.cells),
        };
        let mut block_rows = blocks::lay_out(&input);
        self.is_over_budget |= block_rows.is_cut;
        self.wrap_cache = block_rows.wrap_cache.take();
        self.work.bytes += source.len() as u64;
        self.work.rows += block_rows.rows.len() as u64;
        self.work.longest_step = self.work.longest_step.max(source.len());
        block_rows
    }

    /// Adds rows below the closed ones.
    fn append(&mut self, block_rows: BlockRows) {
        let BlockRows { rows, code_blocks: codes, figures, blocks, cells, .. } = block_rows;
        if rows.is_empty() {
            return;
        }
        self.figures += figures;
        self.cells += cells;
        let mut start = if self.rows.is_empty() { 0 } else { self.closed.source_bytes };
        if let Some(above) = self.rows.last_mut().filter(|_| !self.closed.is_in_block) {
            // Invisible text between two blocks belongs to the block above.
            let seen = blocks.iter().rfind(|block| block.first_row == 0);
            let begins = seen.map_or(0, |block| blocks::line_start(&self.open.text, block.source_start));
            start = self.open.source_pos(begins).max(start);
            above.source.end = start;
            self.rows.push(StyledRow { source: start..start, ..StyledRow::blank() });
        }
        let first = self.rows.len();
        self.code_blocks.extend(codes.into_iter().map(|code| CodeBlock::from_rows(code, first)));
        let (open, closed) = (&self.open, start.max(self.closed.source_bytes));
        // Text that was cleaned away before the first row belongs to that row.
        let raw = |at: usize| if at == 0 { closed } else { open.source_pos(at) };
        self.rows.extend(rows.into_iter().map(|row| {
            let source = raw(row.source.start)..raw(row.source.end);
            StyledRow { source, source_map: open.map_sources(row.source_map), ..row }
        }));
        if self.open.edits.len() > 1 {
            self.cells += self.rows[first..].iter().map(layout_budget::cells_of_edits).sum::<usize>();
            self.is_over_budget |= self.cells > self.max_cells;
        }
        self.rows[first].source.start = start;
    }
}

impl MarkdownOptions {
    pub fn from_theme(theme: &Theme) -> Self {
        Self {
            marks: theme.marks,
            plain_code: theme.plain_code,
            shows_addresses: theme.rendering.writes_addresses,
            ..Self::default()
        }
    }
}

impl Default for MarkdownOptions {
    fn default() -> Self {
        Self {
            marks: ThemeMarks::UNICODE,
            plain_code: false,
            shows_addresses: false,
            base_style: TextStyle::of(ColourRole::Text),
            code_lines: CodeLineMode::Wrapped,
            code_keys: CodeKeys::default(),
            diagrams_open: false,
            line_breaks: LineBreaks::default(),
        }
    }
}

#[cfg(test)]
mod property_tests;
#[cfg(test)]
mod spec_tests;
#[cfg(test)]
mod tests;
