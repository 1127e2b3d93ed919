//! A text that is too much for a frame: it is shown as plain source until another thread has laid it out.

use super::{BlockCounts, LayoutBudget, MAX_OPEN_BLOCK, MarkdownLayout, MarkdownOptions, TextStage};
use crate::{
    citations::annotations::CitationMark,
    render::{
        row::{GutterMark, LineJoin, RowKind, StyledRow, StyledSpan, TextStyle},
        source_map::{SourceKind, SourceMap},
        theme::ColourRole,
    },
    text::{self, work},
};

/// A text to lay out, however long that takes.
#[derive(Debug, Clone)]
pub struct LayoutJob {
    /// It has no rows yet.
    layout: MarkdownLayout,
    source: String,
    width: usize,
    stage: TextStage,
    citation_marks: Vec<CitationMark>,
}

/// What is missing from a layout.
#[derive(Debug, Clone, Default)]
pub(crate) struct DeferredText {
    /// The rows in place of the open text. Without them, all rows are as they were laid out before.
    pub(super) plain: Option<PlainRows>,
    is_sent: bool,
    /// It is shown as it is, because it would take too many rows.
    is_too_large: bool,
}

/// The open text as plain source.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PlainRows {
    /// The bytes of the open text whose rows are final.
    bytes: usize,
    /// The number of rows of the whole layout up to there.
    rows: usize,
    /// Its lines are very short, so several stand in a row.
    joins_lines: bool,
}

/// A longer text is laid out in pieces.
const MAX_WHOLE_BYTES: usize = 4 * MAX_OPEN_BLOCK;
/// Several times what a text may take of a budget.
const HOPELESS_CELLS_PER_BYTE: usize = 24;
/// Lines that are shorter on average share rows.
const MIN_LINE_BYTES: usize = 16;
const MIN_JOINED_BYTES: usize = 16 * 1024;
/// A row of plain source in which more was cleaned away or replaced, such as tabs, shows its source as a whole.
const MAX_PLAIN_RUNS: usize = 12;
/// The longest row of plain source in bytes, for clusters that take no cells.
const MAX_ROW_BYTES: usize = 1024;

impl LayoutJob {
    pub fn run(self) -> MarkdownLayout {
        let Self { mut layout, source, width, stage, citation_marks } = self;
        let mut sync = |text: &str, stage: TextStage| {
            let mut budget = LayoutBudget::of_thread(source.len());
            layout.sync_within(text, width, stage, &citation_marks, &mut budget);
            // What asks for far too much at its beginning is given up before it has taken the memory.
            layout.is_deferred() || stage == TextStage::Growing && layout.cells > HOPELESS_CELLS_PER_BYTE * text.len()
        };
        // A long one as it would arrive, so that the parser has little of it at once.
        let pieces = if source.len() > MAX_WHOLE_BYTES { source.len() / MAX_OPEN_BLOCK } else { 0 };
        let mut ends = (1..=pieces).map(|nth| source.floor_char_boundary(nth * MAX_OPEN_BLOCK));
        let is_too_large = ends.any(|end| sync(&source[..end], TextStage::Growing)) || sync(&source, stage);
        if !is_too_large {
            return layout;
        }
        let mut plain = MarkdownLayout {
            counts_before: layout.counts_before,
            scroll_offsets: layout.scroll_offsets,
            width: layout.width,
            stage,
            deferred: Some(DeferredText { is_too_large: true, ..DeferredText::default() }),
            ..MarkdownLayout::new(layout.options)
        };
        plain.frames.syntax.read(&source);
        plain.open.grow(&source);
        plain.show_plain_source();
        plain.rows.shrink_to_fit();
        if stage == TextStage::Complete {
            plain.forget_open_text();
        }
        plain
    }
}

impl MarkdownLayout {
    /// Returns the job that lays out the rest, unless it is on its way; `source`, `stage` and `marks` are those of the
    /// whole text.
    pub fn take_job(&mut self, source: &str, stage: TextStage, marks: &[CitationMark]) -> Option<LayoutJob> {
        let is_due = self.is_job_due(source.len(), stage);
        let deferred = self.deferred.as_mut().filter(|deferred| !deferred.is_sent && is_due)?;
        deferred.is_sent = true;
        self.job_len = source.len();
        let layout = Self {
            counts_before: self.counts_before,
            scroll_offsets: self.scroll_offsets.clone(),
            ..Self::new(self.options)
        };
        let (source, width, citation_marks) = (source.to_owned(), self.width, marks.to_vec());
        Some(LayoutJob { layout, source, width, stage, citation_marks })
    }

    /// A growing text is laid out again when it has grown by a quarter, so that all its jobs together are linear.
    fn is_job_due(&self, source_len: usize, stage: TextStage) -> bool {
        let is_growing = stage == TextStage::Growing;
        let is_too_large = self.deferred.as_ref().is_some_and(|deferred| deferred.is_too_large);
        if is_too_large && stage == self.stage {
            return false;
        }
        !is_growing
            || source_len - self.closed.source_bytes <= MAX_OPEN_BLOCK
            || source_len >= self.job_len + (self.job_len / 4).max(MAX_OPEN_BLOCK)
    }

    /// Takes over the rows of a finished job, unless the text, its width or its options have changed since; returns
    /// whether it did.
    pub fn adopt(&mut self, finished: Self, source: &str) -> bool {
        let inputs = |layout: &Self| -> (usize, MarkdownOptions, BlockCounts) {
            (layout.width, layout.options, layout.counts_before)
        };
        if self.deferred.is_none() || inputs(self) != inputs(&finished) || !finished.open.is_prefix_of(source) {
            self.frames.discard(finished.rows);
            return false;
        }
        let mut frames = std::mem::take(&mut self.frames);
        frames.discard(std::mem::take(&mut self.rows));
        frames.syntax = finished.frames.syntax;
        *self = Self {
            scroll_offsets: std::mem::take(&mut self.scroll_offsets),
            work: self.work,
            job_len: self.job_len,
            frames,
            ..finished
        };
        true
    }

    /// Leaves the text to another thread.
    pub(super) fn begin_deferred(&mut self) {
        self.deferred.get_or_insert_default();
    }

    /// Whether some of it waits for a job.
    pub fn is_deferred(&self) -> bool {
        self.deferred.is_some()
    }

    /// Whether some of it is shown as plain source.
    pub fn shows_plain_source(&self) -> bool {
        self.deferred.as_ref().is_some_and(|deferred| deferred.plain.is_some())
    }

    /// Where the part begins that is shown as plain source.
    pub fn plain_start(&self) -> Option<usize> {
        self.shows_plain_source().then_some(self.closed.source_bytes)
    }

    /// Shows new text as well as the frame's budget allows, until the job comes back.
    pub(super) fn sync_deferred(&mut self, source: &str, budget: LayoutBudget) {
        let cost = self.open.text.len() + source.len() - self.open.source_end;
        let has_rows = self.open.source_end > 0 && !self.shows_plain_source();
        let is_grown = source.len() > self.open.source_end;
        if has_rows && !is_grown {
            return;
        }
        if has_rows && budget.allows(cost) {
            self.advance(source);
            if !std::mem::take(&mut self.is_over_budget) {
                return;
            }
            self.reset();
            self.deferred = Some(DeferredText::default());
        }
        self.open.grow(source);
        self.show_plain_source();
    }

    /// Shows the open text as plain source. Rows that are final stay.
    pub(super) fn show_plain_source(&mut self) {
        let Some(known) = self.deferred.as_ref().map(|deferred| deferred.plain) else { return };
        let mut plain = known.unwrap_or_else(|| self.begin_plain_source());
        self.rows.truncate(plain.rows);
        plain.joins_lines |= has_short_lines(&self.open.text[plain.bytes..]);
        while plain.bytes < self.open.text.len() {
            let row = plain_row(&self.open.text[plain.bytes..], self.width, plain.joins_lines);
            let next = plain.bytes + row.next;
            self.push_plain_row(plain.bytes, row);
            if next == self.open.text.len() {
                break; // It may grow.
            }
            (plain.bytes, plain.rows) = (next, self.rows.len());
        }
        if let Some(deferred) = &mut self.deferred {
            deferred.plain = Some(plain);
        }
    }

    /// Makes all rows of plain source final, and forgets what they were made from.
    fn forget_open_text(&mut self) {
        self.open.forget_text();
        if let Some(plain) = self.deferred.as_mut().and_then(|deferred| deferred.plain.as_mut()) {
            (plain.bytes, plain.rows) = (0, self.rows.len());
        }
    }

    /// Removes the rows of the open text, and says what comes in their place.
    fn begin_plain_source(&mut self) -> PlainRows {
        self.rows.truncate(self.closed.rows);
        self.code_blocks.truncate(self.closed.code_blocks);
        self.figures = self.closed.figures;
        self.push_plain_label();
        PlainRows { bytes: 0, rows: self.rows.len(), joins_lines: false }
    }

    fn push_plain_label(&mut self) {
        let is_too_large = self.deferred.as_ref().is_some_and(|deferred| deferred.is_too_large);
        let label = if is_too_large { "source, too large to lay out" } else { "source, being laid out" };
        let end = self.closed.source_bytes;
        let start = if self.rows.is_empty() { 0 } else { end };
        if let Some(above) = self.rows.last_mut() {
            above.source.end = start;
            self.rows.push(StyledRow { source: start..start, ..StyledRow::blank() });
        }
        let label = StyledSpan::new(label, TextStyle::of(ColourRole::Muted).italic());
        let row = StyledRow { source: start..end, ..StyledRow::new(RowKind::Other, vec![label]) };
        self.rows.push(row.truncated(self.width));
    }

    fn push_plain_row(&mut self, start: usize, row: PlainRow) {
        let (end, next) = (start + row.text.len(), start + row.next);
        let is_last = next == self.open.text.len();
        let source_start = self.rows.last().map_or(0, |above| above.source.end);
        let source_end = if is_last { self.open.source_end } else { self.open.source_pos(next) };
        let mut source_map = self.open.map_sources(SourceMap::verbatim(start..end));
        if source_map.runs().nth(MAX_PLAIN_RUNS).is_some() {
            let source = self.open.source_pos(start)..self.open.source_pos(end);
            source_map = SourceMap::EMPTY;
            source_map.push(end - start, source, SourceKind::Rewritten);
        }
        let span = StyledSpan::new(row.text, TextStyle::of(ColourRole::Muted));
        self.rows.push(StyledRow {
            join: if is_last || end < next { LineJoin::LineEnd } else { LineJoin::Wrapped(0) },
            gutter: Some(GutterMark { mark: self.options.marks.bar, role: ColourRole::Faint }),
            source: source_start..source_end.max(source_start),
            source_map,
            ..StyledRow::new(RowKind::Text, vec![span])
        });
    }
}

/// Whether much text has such short lines that a row for each would take many times its memory.
fn has_short_lines(text: &str) -> bool {
    let lines = memchr::memchr_iter(b'\n', text.as_bytes()).count();
    text.len() > MIN_JOINED_BYTES && lines * MIN_LINE_BYTES > text.len()
}

/// A row of plain source.
struct PlainRow {
    text: String,
    /// Where the next one begins: after a line end, or where this one is full.
    next: usize,
}

/// Returns the first row of a text that is not empty. The ends of very short lines are shown as spaces, because each
/// row takes memory.
fn plain_row(source: &str, width: usize, joins_lines: bool) -> PlainRow {
    let window = &source[..source.floor_char_boundary(MAX_ROW_BYTES)];
    if joins_lines {
        let text = window.replace('\n', " ");
        let end = fitting_bytes(&text, width);
        return PlainRow { text: text[..end].to_owned(), next: end };
    }
    let line = memchr::memchr(b'\n', window.as_bytes());
    let visible = &window[..line.unwrap_or(window.len())];
    let end = fitting_bytes(visible, width);
    PlainRow { text: visible[..end].to_owned(), next: end + usize::from(line == Some(end)) }
}

/// Returns how many bytes fit into a row, at least one cluster.
fn fitting_bytes(line: &str, width: usize) -> usize {
    // The cluster after the last cell may combine with it, so that must be ASCII, too.
    let is_ascii = line.get(..=width).is_some_and(text::is_printable_ascii);
    let fitting = if is_ascii { width } else { text::prefix_len(line, width) };
    let bytes = if fitting == 0 { text::clusters(line).next().map_or(0, str::len) } else { fitting };
    work::count_steps(bytes + 1);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::row::StyledRow;

    const NONE: LayoutBudget = LayoutBudget::NONE;

    fn deferred(source: &str, stage: TextStage) -> MarkdownLayout {
        let mut layout = MarkdownLayout::new(MarkdownOptions::default());
        layout.sync_within(source, 40, stage, &[], &mut { NONE });
        layout
    }

    fn texts(layout: &MarkdownLayout) -> Vec<String> {
        layout.rows().iter().map(StyledRow::text).collect()
    }

    #[test]
    fn plain_source_of_every_kind_takes_linear_work() {
        for (kind, text) in work::heavy_inputs::TEXTS {
            work::assert_linear(kind, 20_000, text, |text| {
                deferred(text, TextStage::Complete);
            });
        }
    }

    #[test]
    fn plain_source_grows_without_starting_over() {
        for (kind, text) in work::heavy_inputs::TEXTS {
            let text = text(200_000);
            let mut layout = deferred(&text[..text.floor_char_boundary(199_000)], TextStage::Growing);
            let cost = work::steps_of(|| layout.sync_within(&text, 40, TextStage::Growing, &[], &mut { NONE }));
            assert!(cost < 10_000, "{kind}: {cost} steps for a thousand bytes");
            assert_eq!(texts(&layout), texts(&deferred(&text, TextStage::Growing)), "{kind}");
        }
    }

    #[test]
    fn plain_source_covers_all_of_the_source() {
        let source = "A **line**\x1b[1m that is longer than forty cells.\n\n日本語日本語日本語日本語日本語日本語\n";
        let layout = deferred(source, TextStage::Complete);
        assert_eq!(
            texts(&layout),
            [
                "source, being laid out",
                "A **line** that is longer than forty cel",
                "ls.",
                "",
                "日本語日本語日本語日本語日本語日本語"
            ]
        );
        let rows = layout.rows();
        assert!(rows.windows(2).all(|pair| pair[0].source.end == pair[1].source.start), "{rows:?}");
        assert_eq!((rows[0].source.start, rows.last().map(|row| row.source.end)), (0, Some(source.len())));
    }

    #[test]
    fn a_job_is_taken_once_and_a_stale_one_changes_nothing() {
        let mut layout = deferred("Some *words*.", TextStage::Complete);
        let job = layout.take_job("Some *words*.", TextStage::Complete, &[]).expect("it was too much");
        assert!(layout.take_job("Some *words*.", TextStage::Complete, &[]).is_none());
        layout.sync_within("Some *words*.", 20, TextStage::Complete, &[], &mut { NONE });
        assert!(!layout.adopt(job.run(), "Some *words*."), "it is of another width");
        let job = layout.take_job("Some *words*.", TextStage::Complete, &[]).expect("the width has changed");
        assert!(layout.adopt(job.run(), "Some *words*."));
        assert_eq!(texts(&layout), ["Some words."]);
    }

    /// Returns about how much memory a layout takes.
    fn memory(layout: &MarkdownLayout) -> usize {
        const ALLOCATION: usize = 16;
        let row = |row: &StyledRow| {
            let texts = row.spans.iter().filter(|span| span.text.is_heap_allocated());
            size_of::<StyledRow>()
                + row.spans.capacity() * size_of::<StyledSpan>()
                + texts.map(|span| span.text.capacity() + ALLOCATION).sum::<usize>()
                + 20 * row.source_map.runs().count()
                + 2 * ALLOCATION
        };
        let spare = layout.rows.capacity() - layout.rows.len();
        layout.rows.iter().map(row).sum::<usize>()
            + spare * size_of::<StyledRow>()
            + layout.open.text.capacity()
            + layout.open.edits.capacity() * 16
            + layout.blocks.capacity() * 64
            + layout.code_blocks.iter().map(|code| 200 + code.text.len() + 8 * code.line_rows.len()).sum::<usize>()
    }

    #[test]
    fn no_kind_of_text_takes_more_than_twenty_times_its_memory() {
        assert_small(&work::heavy_inputs::TEXTS);
    }

    #[test]
    fn no_text_of_many_rows_or_pieces_takes_more_than_twenty_times_its_memory() {
        assert_small(&work::heavy_inputs::PIECES);
    }

    fn assert_small(kinds: &[(&str, work::heavy_inputs::HeavyInput)]) {
        for (kind, text) in kinds {
            let text = text(600_000);
            let mut layout = MarkdownLayout::new(MarkdownOptions::default());
            layout.sync_frame(&text, 80, TextStage::Complete, &[], &mut { LayoutBudget::FRAME });
            let waiting = memory(&layout);
            let job = layout.take_job(&text, TextStage::Complete, &[]).expect("it is too much for a frame");
            assert!(layout.adopt(job.run(), &text));
            let most = memory(&layout).max(waiting);
            assert!(most <= 20 * text.len(), "{kind}: {} times its {} bytes", most / text.len(), text.len());
        }
    }

    #[test]
    fn what_would_take_too_many_rows_stays_source() {
        let table = format!("{}\n{}\n{}", "|a".repeat(1000), "|-".repeat(1000), "|b|\n".repeat(4000));
        let nested = "> ".repeat(600) + "deep";
        for source in [table, nested, "x\n\n".repeat(60_000)] {
            let mut layout = MarkdownLayout::new(MarkdownOptions::default());
            let mut budget = LayoutBudget::FRAME;
            layout.sync_within(&source, 40, TextStage::Complete, &[], &mut budget);
            let job = layout.take_job(&source, TextStage::Complete, &[]).expect("it was too much");
            assert!(layout.adopt(job.run(), &source));
            assert_eq!(layout.rows()[0].text(), "source, too large to lay out");
            assert!(layout.rows().len() * 4 < source.len(), "{} rows", layout.rows().len());
            assert!(layout.take_job(&source, TextStage::Complete, &[]).is_none(), "trying again helps nobody");
        }
    }
}
