//! How much of a text each frame takes in, so that no step of the event loop takes long and all of them together take
//! as long as the text is.

use super::{LayoutBudget, MAX_OPEN_BLOCK, MAX_STEP_BYTES, MIN_FRAME_BYTES, MarkdownLayout, TextStage};
use crate::{
    citations::annotations::CitationMark,
    render::{markdown::open_text::OpenText, row::StyledRow},
};

/// What is kept from frame to frame.
#[derive(Debug, Clone)]
pub(crate) struct FrameState {
    pub syntax: SyntaxCount,
    /// The position in the source that is being read; a large one is the end.
    focus: usize,
    credit: LayoutCredit,
    /// Rows that are no longer shown: to free many of them at once takes long.
    discarded: Vec<StyledRow>,
}

/// What there is of syntax in the text so far.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct SyntaxCount {
    read_to: usize,
    is_retroactive: bool,
    /// What may become a node of the parser's tree.
    nodes: usize,
}

/// How much layout a text has earned. The open block is laid out again with every delta as long as it is short; a long
/// one waits until there is enough new text, or until some frames have passed.
#[derive(Debug, Clone, Copy)]
struct LayoutCredit {
    bytes: usize,
    /// How much each frame earns.
    per_frame: usize,
}

/// Marks text that may change the blocks above it: a definition, a formula.
const RETROACTIVE_SYNTAX: [&str; 5] = ["]:", "$$", r"\(", r"\[", r"\begin{"];
/// Which bytes may begin a node of the parser's tree.
const IS_SYNTAX: [bool; 256] = {
    let (signs, mut table, mut nth) = (b"\\[]()*_$<&!|`~", [false; 256], 0);
    while nth < signs.len() {
        table[signs[nth] as usize] = true;
        nth += 1;
    }
    table
};
const LONGEST_SYNTAX: usize = r"\begin{".len();

/// How many bytes of layout each frame earns, and each byte of new text.
const CREDIT_PER_FRAME: usize = 2 * 1024;
const CREDIT_PER_BYTE: usize = 8;

/// How much plain source is shown above the position that is being read, at first.
const PLAIN_BYTES_ABOVE: usize = MAX_STEP_BYTES / 2;

/// How many rows a frame frees.
const FREED_ROWS: usize = 4096;

impl Default for FrameState {
    fn default() -> Self {
        Self {
            syntax: SyntaxCount::default(),
            focus: usize::MAX,
            credit: LayoutCredit { bytes: 0, per_frame: CREDIT_PER_FRAME },
            discarded: Vec::new(),
        }
    }
}

impl FrameState {
    /// Forgets the text, and keeps its rows until they can be freed.
    pub(super) fn begin_again(&mut self, rows: Vec<StyledRow>) {
        self.syntax = SyntaxCount::default();
        self.credit.bytes = 0;
        self.discard(rows);
    }

    pub(super) fn discard(&mut self, rows: Vec<StyledRow>) {
        if self.discarded.is_empty() && rows.len() > FREED_ROWS {
            self.discarded = rows;
        }
    }

    /// Frees some rows; returns whether there are more.
    fn free_rows(&mut self) -> bool {
        self.discarded.truncate(self.discarded.len().saturating_sub(FREED_ROWS));
        if self.discarded.is_empty() {
            self.discarded = Vec::new();
        }
        !self.discarded.is_empty()
    }
}

impl SyntaxCount {
    /// Reads on in a text that has grown.
    pub(super) fn read(&mut self, source: &str) {
        let new = source.as_bytes().get(self.read_to..).unwrap_or_default();
        let lines = memchr::memchr_iter(b'\n', new).count();
        self.nodes += new.iter().filter(|byte| IS_SYNTAX[usize::from(**byte)]).count() + 2 * lines;
        let from = self.read_to.saturating_sub(LONGEST_SYNTAX - 1);
        let bytes = source.as_bytes().get(from..).unwrap_or_default();
        let has = |sign: &&str| memchr::memmem::find(bytes, sign.as_bytes()).is_some();
        self.is_retroactive = self.is_retroactive || RETROACTIVE_SYNTAX.iter().any(has);
        self.read_to = source.len();
    }

    /// Whether some of it may change the blocks above it.
    pub(super) fn is_retroactive(self) -> bool {
        self.is_retroactive
    }

    /// Whether a long text has so many characters that may be syntax, or so many lines, that the parser takes many
    /// times its length for all of it at once.
    pub(super) fn is_dense(self) -> bool {
        self.read_to > 4 * MAX_OPEN_BLOCK && self.nodes > self.read_to / 8
    }
}

impl LayoutCredit {
    /// Earns for one more frame and pays for laying out the open text together with new text; returns whether it could.
    fn pay(&mut self, open_bytes: usize, new_bytes: usize) -> bool {
        self.bytes = (self.bytes + self.per_frame).min(MAX_STEP_BYTES);
        let price = (open_bytes + new_bytes).saturating_sub(CREDIT_PER_BYTE * new_bytes);
        let rest = self.bytes.checked_sub(price);
        self.bytes = rest.unwrap_or(self.bytes);
        rest.is_some()
    }
}

impl MarkdownLayout {
    /// Says which position of the source is being read; a large one is the end. If the text is too much for a frame, it
    /// is shown from there on.
    pub fn set_focus(&mut self, focus: usize) {
        self.frames.focus = focus;
    }

    /// The width that the rows were laid out for.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Brings the rows up to date as far as one frame can; returns whether the next frame must go on.
    pub fn sync_frame(
        &mut self,
        source: &str,
        width: usize,
        stage: TextStage,
        marks: &[CitationMark],
        budget: &mut LayoutBudget,
    ) -> bool {
        let is_new = self.width == 0 && stage == TextStage::Growing;
        self.discard_stale_rows(source, width, stage);
        let has_more = self.frames.free_rows();
        let is_shown = self.open.source_end > 0;
        if !is_shown && !is_new && !budget.allows(source.len()) {
            self.begin_deferred();
        }
        if self.is_deferred() && (self.shows_plain_source() || !is_shown) {
            self.show_plain_portion(source);
        } else {
            let end = self.end_for_frame(source, stage, *budget);
            let stage = if end == source.len() { stage } else { TextStage::Growing };
            self.sync_within(&source[..end], width, stage, marks, budget);
        }
        has_more || self.open.source_end < source.len()
    }

    /// Discards the rows if they are of another text or width.
    pub(super) fn discard_stale_rows(&mut self, source: &str, width: usize, stage: TextStage) {
        let width = width.max(1);
        let is_begun_again = self.stage == TextStage::Complete && stage == TextStage::Growing;
        if width != self.width || !self.open.is_prefix_of(source) || is_begun_again {
            self.width = width;
            self.reset();
        }
    }

    /// Returns how much of a text this frame takes in; the rest is left to the next.
    fn end_for_frame(&mut self, source: &str, stage: TextStage, budget: LayoutBudget) -> usize {
        let shown = self.open.source_end;
        if shown == 0 && budget.allows(source.len()) || shown == source.len() {
            return source.len();
        }
        // The open block is laid out again together with the new text.
        let open = self.open.text.len();
        let end = shown + MAX_OPEN_BLOCK.saturating_sub(open) + MIN_FRAME_BYTES;
        let end = source.floor_char_boundary(end.min(source.len()));
        let cost = open + end - shown;
        let is_due = self.frames.credit.pay(open, end - shown) || stage == TextStage::Complete;
        let may_wait = !budget.allows(cost) && budget.may_allow_later(cost);
        if is_due && !may_wait { end } else { shown }
    }

    /// Shows some of the text as plain source, from about the position that is being read.
    fn show_plain_portion(&mut self, source: &str) {
        let focus = self.frames.focus.min(source.len());
        let near = self.closed.source_bytes..=self.open.source_end + MAX_STEP_BYTES;
        if !self.shows_plain_source() || !near.contains(&focus) {
            self.begin_plain_portion(source, focus);
        }
        let end = source.floor_char_boundary((self.open.source_end + MAX_STEP_BYTES).min(source.len()));
        let new = end - self.open.source_end;
        self.work.bytes += new as u64;
        self.work.longest_step = self.work.longest_step.max(new);
        self.open.grow(&source[..end]);
        self.show_plain_source();
    }

    fn begin_plain_portion(&mut self, source: &str, focus: usize) {
        let (deferred, job_len) = (self.deferred.take(), self.job_len);
        self.reset();
        (self.deferred, self.job_len) = (deferred, job_len);
        if let Some(deferred) = &mut self.deferred {
            deferred.plain = None;
        }
        let from = source.floor_char_boundary(focus.saturating_sub(PLAIN_BYTES_ABOVE));
        let line = memchr::memchr(b'\n', &source.as_bytes()[from..focus]).filter(|_| from > 0);
        self.closed.source_bytes = line.map_or(from, |end| from + end + 1);
        self.open = OpenText { source_end: self.closed.source_bytes, ..OpenText::default() };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{render::markdown::MarkdownOptions, text::work};

    /// Streams a text, a frame for each delta and then as many as it takes; returns the layout at the end.
    fn streamed(text: &str, delta: usize, credit_per_frame: usize) -> MarkdownLayout {
        let mut layout = MarkdownLayout::new(MarkdownOptions::default());
        layout.frames.credit.per_frame = credit_per_frame;
        let mut frame = |arrived: usize, stage: TextStage| {
            let arrived = &text[..text.floor_char_boundary(arrived)];
            layout.sync_frame(arrived, 60, stage, &[], &mut { LayoutBudget::FRAME })
        };
        for arrived in (delta..text.len()).step_by(delta) {
            frame(arrived, TextStage::Growing);
        }
        while frame(text.len(), TextStage::Growing) {}
        while frame(text.len(), TextStage::Complete) {}
        layout
    }

    fn assert_streaming_is_linear(kind: &str, text: work::heavy_inputs::HeavyInput) {
        // The less a frame earns, the shorter a text can show it.
        work::assert_linear(kind, 3_000, text, |text| {
            work::count_steps(usize::try_from(streamed(text, 16, 256).work().bytes).expect("a small text"));
        });
    }

    #[test]
    fn an_open_block_takes_linear_work_while_it_streams() {
        let list = |size: usize| "- an item of *some* words\n".repeat(size / 26);
        let table = |size: usize| format!("| a | b |\n|---|---|\n{}", "| one | two words |\n".repeat(size / 20));
        let quote = |size: usize| "> a row of a quotation\n".repeat(size / 23);
        let prose = |size: usize| "Some words of **one** paragraph ".repeat(size / 32);
        let common: [(&str, work::heavy_inputs::HeavyInput); 4] =
            [("list", list), ("table", table), ("quote", quote), ("prose", prose)];
        for (kind, text) in common {
            assert_streaming_is_linear(kind, text);
        }
    }

    #[test]
    fn a_heavy_open_block_takes_linear_work_while_it_streams() {
        for (kind, text) in work::heavy_inputs::TEXTS {
            assert_streaming_is_linear(kind, text);
        }
    }

    #[test]
    fn an_open_block_of_heavy_pieces_takes_linear_work_while_it_streams() {
        for (kind, text) in work::heavy_inputs::PIECES {
            assert_streaming_is_linear(kind, text);
        }
    }

    #[test]
    fn a_text_that_has_streamed_looks_as_if_laid_out_at_once() {
        let source = "# Title\n\n- one\n- two\n\n  more\n\n| a | b |\n|--|--|\n| 1 | 2 |\n\n> quote\n\n".repeat(40)
            + &"A long paragraph with `code` and *words*. ".repeat(300);
        let mut at_once = MarkdownLayout::new(MarkdownOptions::default());
        at_once.sync(&source, 60, TextStage::Complete, &[]);
        for delta in [7, 100, 5000] {
            assert!(streamed(&source, delta, CREDIT_PER_FRAME).rows() == at_once.rows(), "in deltas of {delta}");
        }
    }

    #[test]
    fn what_is_not_laid_out_yet_is_shown_around_the_position_that_is_read() {
        let source: String = (0..40_000).map(|line| format!("Line {line} of *many* and more of it.\n\n")).collect();
        let shown = |layout: &MarkdownLayout, line: usize| {
            layout.rows().iter().any(|row| row.text() == format!("Line {line} of *many* and more of it."))
        };
        let mut layout = MarkdownLayout::new(MarkdownOptions::default());
        let frame = |layout: &mut MarkdownLayout, focus: usize| {
            layout.set_focus(focus);
            layout.sync_frame(&source, 40, TextStage::Complete, &[], &mut { LayoutBudget::FRAME })
        };
        assert!(!frame(&mut layout, usize::MAX), "nothing is below it");
        assert!(shown(&layout, 39_999) && !shown(&layout, 20_000));
        let middle = source.find("Line 20000 ").expect("it is there");
        assert!(frame(&mut layout, middle), "the next frame goes on below it");
        assert!(shown(&layout, 20_000) && shown(&layout, 19_990) && !shown(&layout, 39_999));
        assert!(frame(&mut layout, 0));
        assert!(shown(&layout, 0));
        let (first, last) = (&layout.rows()[0], layout.rows().last().expect("a row"));
        assert_eq!((first.source.start, last.source.end), (0, layout.open.source_end));
        assert!(layout.rows().windows(2).all(|pair| pair[0].source.end == pair[1].source.start));
        assert!(layout.work().longest_step <= MAX_STEP_BYTES);
        let job = layout.take_job(&source, TextStage::Complete, &[]).expect("it was too much");
        assert!(layout.adopt(job.run(), &source));
        assert_eq!(layout.rows()[0].text(), "Line 0 of many and more of it.");
    }
}
