//! Citation marks in rows that are already laid out: a block whose marks change is laid out again.

use crate::citations::annotations::{CitationMark, HighlightedCitation};
use std::ops::Range;

use super::{
    ClosedBlock, MAX_OPEN_BLOCK, MarkdownLayout,
    blocks::{self, BlockInput, WalkOutput},
    open_text::OpenText,
};
use crate::{render::row::StyledRow, text::work};

/// How many blocks are laid out again one by one: each moves all rows below it. More are laid out with the whole text.
const MAX_STALE_BLOCKS: usize = 64;

/// Returns the marks in a range of the source; marks are sorted.
pub(super) fn marks_within<'a>(marks: &'a [CitationMark], range: &Range<usize>) -> &'a [CitationMark] {
    let up_to = |position: usize| {
        marks.partition_point(|mark| {
            work::count_steps(1);
            mark.insert_at <= position
        })
    };
    let (start, end) = (up_to(range.start), up_to(range.end));
    work::count_steps(end.saturating_sub(start));
    &marks[start..end.max(start)]
}

impl ClosedBlock {
    fn has_changed_marks(&self, old: &[CitationMark], new: &[CitationMark]) -> bool {
        !self.is_fence && !self.touching_marks(old).eq(self.touching_marks(new))
    }

    /// The marks that are not wholly in the text behind the blocks.
    fn touching_marks<'a>(&self, marks: &'a [CitationMark]) -> impl Iterator<Item = &'a CitationMark> {
        let end = self.source.end;
        marks_within(marks, &self.text()).iter().filter(move |mark| mark.range.start.min(mark.insert_at) < end)
    }
}

impl MarkdownLayout {
    /// Highlights a citation and its claim, or none; `source` is the text of the last `sync`.
    pub fn highlight(&mut self, source: &str, highlighted: Option<HighlightedCitation>) {
        if self.highlighted == highlighted {
            return;
        }
        self.unlight_rows();
        let previous = std::mem::replace(&mut self.highlighted, highlighted);
        if self.shows_plain_source() {
            return;
        }
        let touched: Vec<Range<usize>> =
            [&previous, &self.highlighted].into_iter().flatten().map(|lit| self.highlight_range(lit)).collect();
        let touches = |here: &Range<usize>| touched.iter().any(|it| it.start < here.end && here.start < it.end);
        let is_stale = |block: &ClosedBlock| !block.is_long() && !block.is_fence && touches(&block.text());
        let stale: Vec<usize> = (0..self.blocks.len()).filter(|&at| is_stale(&self.blocks[at])).collect();
        for at in stale {
            self.relayout_block(source, at);
        }
        self.light_rows();
        let is_short = self.open.text.len() <= MAX_OPEN_BLOCK && !self.is_deferred();
        if is_short && touches(&(self.closed.source_bytes..source.len())) {
            self.advance(source);
        }
    }

    /// Returns the range of the claim and its mark, whichever comes first.
    pub(super) fn highlight_range(&self, lit: &HighlightedCitation) -> Range<usize> {
        let is_lit = |mark: &&CitationMark| {
            mark.cited.as_ref().is_some_and(|cited| cited.annotation_index == lit.annotation_index)
        };
        let mark = self.citation_marks.iter().find(is_lit);
        let (start, end) = mark.map_or((lit.claim.start, lit.claim.end), |mark| {
            (mark.range.start.min(mark.insert_at.saturating_sub(1)), mark.range.end.max(mark.insert_at))
        });
        lit.claim.start.min(start)..lit.claim.end.max(end)
    }

    /// Returns how many bytes are laid out again if the marks change to these.
    pub(super) fn stale_bytes(&self, source_len: usize, marks: &[CitationMark]) -> usize {
        let stale = || self.blocks.iter().filter(|block| block.has_changed_marks(&self.citation_marks, marks));
        if stale().nth(MAX_STALE_BLOCKS).is_some() { source_len } else { stale().map(|block| block.source.len()).sum() }
    }

    /// Takes in changed marks and lays out the closed blocks that contain them again, or discards all rows.
    pub(crate) fn update_marks(&mut self, source: &str, marks: &[CitationMark]) {
        self.unlight_rows();
        let old = std::mem::replace(&mut self.citation_marks, marks.to_vec());
        let is_stale = |block: &ClosedBlock| block.has_changed_marks(&old, marks);
        let stale: Vec<usize> = (0..self.blocks.len()).filter(|&at| is_stale(&self.blocks[at])).collect();
        let is_done = stale.len() <= MAX_STALE_BLOCKS && stale.into_iter().all(|at| self.relayout_block(source, at));
        if is_done {
            self.light_rows();
        } else {
            let marks = std::mem::take(&mut self.citation_marks);
            self.reset();
            self.citation_marks = marks;
        }
    }

    /// Lays out closed blocks again; returns whether they have rows as before, or none as before.
    fn relayout_block(&mut self, source: &str, block_index: usize) -> bool {
        let block = self.blocks[block_index].clone();
        let end_row = self.blocks.get(block_index + 1).map_or(self.closed.rows, |next| next.first_row);
        let mut open = OpenText { source_end: block.source.start, ..OpenText::default() };
        open.grow(&source[..block.read_to]);
        let within = marks_within(&self.citation_marks, &block.text());
        let marks: Vec<CitationMark> = within.iter().map(|mark| open.map_mark(mark)).collect();
        let input = BlockInput {
            may_grow: false,
            source: &open.text,
            output: WalkOutput::Rows,
            width: self.width,
            options: &self.options,
            citation_marks: &marks,
            colours: &self.colours,
            scroll_offsets: &self.scroll_offsets,
            counts_before: block.counts_before,
            highlighted: self.highlighted.as_ref().map(|lit| open.map_highlight(lit)),
            wrap_cache: None,
            max_cells: usize::MAX,
        };
        let mut laid = blocks::lay_out(&input);
        let next = laid.blocks.iter().find(|next| open.source_pos(next.source_start) >= block.source.end).copied();
        if let Some(next) = next {
            laid = laid.before(&next);
        }
        self.work.bytes += open.text.len() as u64;
        self.work.longest_step = self.work.longest_step.max(open.text.len());
        self.work.rows += laid.rows.len() as u64;
        if laid.rows.is_empty() || end_row == block.first_row {
            return laid.rows.is_empty() && end_row == block.first_row;
        }
        let gap =
            usize::from(block.first_row > 0 && self.rows.get(block.first_row).is_some_and(|row| row.spans.is_empty()));
        let raw = |at: usize| if at == 0 { block.source.start } else { open.source_pos(at) };
        let mut rows: Vec<StyledRow> = laid
            .rows
            .into_iter()
            .map(|row| {
                let source = raw(row.source.start)..raw(row.source.end);
                StyledRow { source, source_map: open.map_sources(row.source_map), ..row }
            })
            .collect();
        let first = block.first_row + gap;
        // The rows above and below continue where the block begins and ends.
        let before = self.rows.get(first..end_row).unwrap_or_default();
        if let (Some(top), Some(old)) = (rows.first_mut(), before.first()) {
            top.source.start = old.source.start;
        }
        if let (Some(bottom), Some(old)) = (rows.last_mut(), before.last()) {
            bottom.source.end = old.source.end;
        }
        let moved = |row: usize| row + rows.len() - (end_row - first);
        for later in &mut self.blocks[block_index + 1..] {
            later.first_row = moved(later.first_row);
        }
        for code in &mut self.code_blocks {
            for line in code.line_rows.iter_mut().filter(|line| **line >= end_row) {
                *line = moved(*line);
            }
        }
        self.closed.rows = moved(self.closed.rows);
        for laid in laid.code_blocks {
            if let Some(code) = self.code_blocks.iter_mut().find(|code| code.number == laid.number) {
                code.line_rows = laid.line_rows.into_iter().map(|row| row + first).collect();
            }
        }
        self.rows.splice(first..end_row, rows);
        true
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::citations::annotations::CitedAnnotation;
    use crate::render::markdown::{MarkdownOptions, TextStage};

    #[test]
    fn marks_for_many_blocks_at_once_are_laid_out_in_linear_time() {
        let input = |size: usize| {
            let blocks = size / 20;
            let text: String = (0..blocks).map(|nth| format!("Paragraph {nth:06}.\n\n")).collect();
            let mark = |nth: usize| CitationMark {
                range: nth * 19..nth * 19 + 17,
                insert_at: nth * 19 + 17,
                cited: Some(CitedAnnotation {
                    number: nth as u32 + 1,
                    is_from_server: true,
                    annotation_index: nth,
                    key: Arc::from("key"),
                    verdict: None,
                }),
            };
            (text, (0..blocks).map(mark).collect::<Vec<_>>())
        };
        work::assert_linear("marks of a whole text", 10_000, input, |(text, marks)| {
            let mut layout = MarkdownLayout::new(MarkdownOptions::default());
            layout.sync(text, 60, TextStage::Growing, &[]);
            layout.sync(text, 60, TextStage::Growing, marks);
            work::count_steps(usize::try_from(layout.work().bytes).expect("a small text"));
            let mut fresh = MarkdownLayout::new(MarkdownOptions::default());
            fresh.sync(text, 60, TextStage::Growing, marks);
            assert_eq!(layout.rows(), fresh.rows());
        });
    }
}
