//! Which blocks of a text are closed: laid out once, and never again.
//!
//! A text is divided into parts of one or a few top-level blocks, and each part is laid out on its own. Where it is
//! divided depends on nothing but the text: the first line that may begin a block is looked at together with what is
//! before it, and if the parser says that a block begins, what is before it is closed. A line is looked at
//! in its turn, whether the text grows by letters or comes at once, so both end the same.

use std::ops::Range;

use super::{
    BlockCounts, MAX_OPEN_BLOCK, MarkdownLayout, TextStage,
    blocks::{self, BlockRows},
    open_text::OpenText,
    source_lines::ItemMarker,
};

/// Some top-level blocks that were laid out together.
#[derive(Debug, Clone)]
pub(crate) struct ClosedBlock {
    pub source: Range<usize>,
    /// The source was read up to there to lay them out: the beginning of the next block shows where they end.
    pub read_to: usize,
    pub first_row: usize,
    /// Code blocks and figures before it.
    pub counts_before: BlockCounts,
    /// A fence, whose lines were laid out one by one.
    pub is_fence: bool,
}

/// How much is closed.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct ClosedPart {
    pub source_bytes: usize,
    pub rows: usize,
    pub code_blocks: usize,
    pub figures: u32,
    pub cells: usize,
    /// The text after it continues the same block: no blank row comes between.
    pub is_in_block: bool,
}

/// How much of a text is taken in before its closed blocks leave it.
const PIECE_BYTES: usize = 8 * 1024;
/// This much of a line of text shows that it begins a paragraph.
const LINE_START_BYTES: usize = 24;

impl MarkdownLayout {
    /// Takes in what is new in a text, closes complete blocks and lays out the rest.
    pub(super) fn advance(&mut self, source: &str) {
        loop {
            self.rows.truncate(self.closed.rows);
            self.code_blocks.truncate(self.closed.code_blocks);
            self.figures = self.closed.figures;
            self.cells = self.closed.cells;
            let end = source.floor_char_boundary(source.len().min(self.open.source_end + PIECE_BYTES));
            self.open.grow(&source[..end]);
            self.close_blocks();
            if end == source.len() || self.is_over_budget {
                break;
            }
        }
        if self.fence.is_none() {
            self.lay_out_open_block();
        } else if self.stage == TextStage::Complete {
            self.finish_fence();
        }
        if self.stage == TextStage::Complete {
            self.wrap_cache = None;
        }
    }

    fn close_blocks(&mut self) {
        while !self.is_over_budget {
            if self.fence.is_some() {
                self.grow_fence();
                if self.fence.is_some() {
                    return;
                }
            }
            if !self.enter_fence() && !self.close_next_blocks() {
                return;
            }
        }
    }

    /// Closes the blocks before the next line that begins one; returns whether there was any.
    fn close_next_blocks(&mut self) -> bool {
        while let Some(read_to) = self.open.next_block_start() {
            let laid = self.lay_out_part(0..read_to, false);
            let last = laid.blocks.iter().rfind(|block| block.source_start == laid.last_block).copied();
            let Some(last) = last.filter(|last| last.source_start > 0) else {
                self.open.postpone_search();
                continue;
            };
            let end = blocks::line_start(&self.open.text, last.source_start);
            let laid = laid.before(&last);
            // Invisible text before the first row belongs to that row.
            if end == 0 || self.rows.is_empty() && laid.rows.is_empty() && end <= MAX_OPEN_BLOCK {
                self.open.postpone_search();
                continue;
            }
            self.append_closed(laid, end..read_to);
            return true;
        }
        false
    }

    pub(super) fn close_long_block(&mut self, mut laid: BlockRows) {
        let last = laid.rows.last().expect("there are several rows").source.start;
        laid.rows.pop();
        laid.code_blocks.clear();
        laid.blocks.truncate(1);
        if last == 0 {
            return;
        }
        self.append_closed(laid, last..last);
        self.closed.is_in_block = true;
        self.is_cut = true;
        let laid = self.lay_out_part(0..self.open.text.len(), self.stage == TextStage::Growing);
        self.append(laid);
    }

    /// Adds rows that are never laid out again; `end` is where their blocks end in the open text, and the text that was
    /// read to lay them out.
    pub(super) fn append_closed(&mut self, block_rows: BlockRows, end: Range<usize>) {
        self.blocks.push(ClosedBlock {
            source: self.closed.source_bytes..self.open.source_pos(end.start),
            read_to: self.open.source_pos(end.end),
            first_row: self.rows.len(),
            counts_before: self.counts(),
            is_fence: false,
        });
        self.append(block_rows);
        self.closed = ClosedPart {
            source_bytes: self.open.source_pos(end.start),
            rows: self.rows.len(),
            code_blocks: self.code_blocks.len(),
            figures: self.figures,
            cells: self.cells,
            is_in_block: false,
        };
        self.open.drop_front(end.start);
        self.wrap_cache = None;
    }
}

impl ClosedBlock {
    /// What was read to lay it out.
    pub(super) fn text(&self) -> Range<usize> {
        self.source.start..self.read_to
    }
}

/// What a line at the left edge begins, as far as it decides where to look for the end of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LineStart {
    Text,
    Quotation,
    Bullet,
    Number,
    /// A heading or a fence, which may follow text directly.
    Interruption,
    /// Something else, of which the whole line is needed.
    Sign,
}

impl LineStart {
    fn of(line: &str) -> Self {
        match ItemMarker::parse(line) {
            Some(ItemMarker { number: None, .. }) => return Self::Bullet,
            Some(_) => return Self::Number,
            None => (),
        }
        match line.as_bytes() {
            [b'>', ..] => Self::Quotation,
            [b'#', ..] | [b'`', b'`', b'`', ..] | [b'~', b'~', b'~', ..] => Self::Interruption,
            [first, ..] if !first.is_ascii_alphabetic() && first.is_ascii() => Self::Sign,
            _ => Self::Text,
        }
    }
}

impl OpenText {
    /// Finds the next line that may begin a block; returns where the text ends that shows whether it does.
    fn next_block_start(&mut self) -> Option<usize> {
        loop {
            let above = self.searched_to;
            let start = above + memchr::memchr(b'\n', &self.text.as_bytes()[above..])? + 1;
            let rest = &self.text[start..];
            if !rest.starts_with([' ', '\t', '\n']) {
                let len = memchr::memchr(b'\n', rest.as_bytes());
                let line_start = LineStart::of(&rest[..len.unwrap_or(rest.len())]);
                let is_after_blank = self.text[above..start].trim_ascii().is_empty();
                let read = match (line_start, len) {
                    _ if rest.is_empty() => return None,
                    (LineStart::Text, _)
                        if rest.len() >= LINE_START_BYTES && len.is_none_or(|len| len >= LINE_START_BYTES) =>
                    {
                        rest.floor_char_boundary(LINE_START_BYTES)
                    }
                    (_, Some(len)) => len + 1,
                    (_, None) => return None,
                };
                self.searched_to = start;
                let may_begin = match line_start {
                    LineStart::Interruption => true,
                    LineStart::Quotation | LineStart::Bullet | LineStart::Number => {
                        is_after_blank && LineStart::of(self.first_line()) != line_start
                    }
                    LineStart::Text | LineStart::Sign => is_after_blank,
                };
                if may_begin && start >= self.search_from {
                    return Some(start + read);
                }
            }
            self.searched_to = start;
        }
    }

    fn first_line(&self) -> &str {
        self.text.lines().find(|line| !line.is_empty()).unwrap_or_default()
    }

    /// Does not look for the end of a block before the text has grown by a quarter, so that all looks are linear.
    fn postpone_search(&mut self) {
        self.search_from = self.searched_to + self.searched_to / 4;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{render::markdown::MarkdownOptions, text::work};

    fn grown(text: &str, step: usize) -> MarkdownLayout {
        let mut layout = MarkdownLayout::new(MarkdownOptions::default());
        for end in (step..text.len()).step_by(step) {
            layout.sync(&text[..end], 60, TextStage::Growing, &[]);
        }
        layout
    }

    #[test]
    fn a_block_is_closed_as_soon_as_the_next_one_has_begun() {
        for (text, closed) in [
            ("One.\n\nTwo is a paragraph that", "One.\n\n"),
            ("One.\n\n- a\n\n- b\n", "One.\n\n"),
            ("- a\n\n- b\n\nTwo is a paragraph that", "- a\n\n- b\n\n"),
            ("One\n# Title\n", "One\n"),
            ("- a\n\n  Two hangs below the item, and", ""),
            ("<details>\n\nOne\n\nTwo is a paragraph that", ""),
            ("<!-- a\n\nTwo is a paragraph that", ""),
            ("One.\n\n```rs\nlet a;\nlet b", "One.\n\n```rs\nlet a;\n"),
        ] {
            let text = format!("{text} goes on ");
            assert_eq!(&text[..grown(&text, 1).closed.source_bytes], closed, "{text:?}");
        }
    }

    #[test]
    fn where_a_text_is_divided_is_found_in_linear_time() {
        let kinds: [(&str, &str, &str); 8] = [
            ("loose items", "", "- item\n\n"),
            ("numbers", "", "1. item\n\n"),
            ("paragraphs", "", "Some words of a paragraph.\n\n"),
            ("bold paragraphs", "", "**Some** words.\n\n"),
            ("open details", "<details>\n\n", "Some words of a paragraph.\n\n"),
            ("an open comment", "<!--\n\n", "Some words of a paragraph.\n\n"),
            ("headings in an item's code", "- ```\n", "# a\n"),
            ("quotations", "", "> a\n\n"),
        ];
        for (kind, start, block) in kinds {
            let text = |size: usize| start.to_owned() + &block.repeat(size / block.len());
            work::assert_linear(kind, 6_000, text, |text| {
                let mut layout = MarkdownLayout::new(MarkdownOptions::default());
                layout.sync(text, 60, TextStage::Complete, &[]);
                work::count_steps(usize::try_from(layout.work().bytes).expect("a small text"));
            });
        }
    }
}
