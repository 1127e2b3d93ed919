//! The code blocks of a text: coloured by the highlighter, scrolled sideways.

use std::ops::Range;

use super::{MarkdownLayout, TextStage, blocks::CodeBlockRows, code_style};
use crate::render::{
    highlight,
    row::{RowKind, StyledRow, StyledSpan},
};

/// A code block of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeBlock {
    /// Counted from 1 within its owner.
    pub number: u32,
    pub language: String,
    pub text: String,
    /// The first row of each of its lines.
    pub(crate) line_rows: Vec<usize>,
}

impl CodeBlock {
    pub(crate) fn from_rows(code: CodeBlockRows, first_row: usize) -> Self {
        let CodeBlockRows { number, language, text, line_rows: lines, .. } = code;
        Self { number, language, text, line_rows: lines.into_iter().map(|row| row + first_row).collect() }
    }
}

/// How much of a block was sent to the highlighter.
#[derive(Debug, Clone, Default)]
pub(crate) struct HighlightProgress {
    language: String,
    lines: usize,
    bytes: usize,
}

impl MarkdownLayout {
    /// Applies the colours of some lines of code; returns whether anything changed.
    pub fn apply_colours(&mut self, painted: &highlight::HighlightedLines) -> bool {
        let number = painted.block.number;
        let Some(code) = self.code_blocks.iter().find(|code| code.number == number) else { return false };
        let known = self.colours.entry(number).or_default();
        known.truncate(painted.first_line);
        if known.len() < painted.first_line {
            return false;
        }
        known.extend(painted.lines.iter().cloned());
        for (line, runs) in code.line_rows.iter().enumerate().skip(painted.first_line).zip(&painted.lines) {
            let (nth, &first) = line;
            let end = code.line_rows.get(nth + 1).copied().unwrap_or(usize::MAX);
            let rows = self.rows.iter_mut().take(end).skip(first);
            for row in rows.take_while(|row| is_row_of_line(row, number, nth)) {
                code_style::repaint(row, runs);
            }
        }
        true
    }

    /// Scrolls a code block sideways by the given number of cells; returns whether it moved.
    pub fn scroll_code(&mut self, number: u32, cells: i32) -> bool {
        let rows = || self.rows.iter().filter(|row| matches!(row.kind, RowKind::Code { block, .. } if block == number));
        let widest = rows()
            .map(|row| row.spans[row.lead_spans..].iter().map(StyledSpan::width).sum::<usize>())
            .max()
            .unwrap_or(0);
        let widest_lead =
            rows().map(|row| row.spans[..row.lead_spans].iter().map(StyledSpan::width).sum::<usize>()).max();
        let max_shift = (widest + widest_lead.unwrap_or(0) + 1).saturating_sub(self.width);
        let before = self.scroll_offsets.get(&number).copied().unwrap_or(0);
        let shift = before.saturating_add_signed(cells as isize).min(max_shift);
        self.scroll_offsets.insert(number, shift);
        for row in &mut self.rows {
            if matches!(row.kind, RowKind::Code { block, .. } if block == number) {
                row.scrolled_cells = shift;
            }
        }
        shift != before
    }

    /// Returns jobs for the code in `rows` that was not sent to the highlighter yet. `newest` is the block of the last
    /// job: only that block continues where it stopped, because the highlighter may have forgotten the others.
    pub fn take_highlight_jobs(
        &mut self,
        owner: highlight::CodeOwner,
        rows: Range<usize>,
        newest: &mut Option<highlight::CodeBlockId>,
    ) -> Vec<highlight::HighlightJob> {
        let mut jobs = Vec::new();
        let is_growing = self.stage == TextStage::Growing;
        let last = self.code_blocks.len();
        let within = |code: &CodeBlock| {
            code.line_rows.first().is_some_and(|first| *first < rows.end)
                && code.line_rows.last().is_some_and(|last| *last >= rows.start)
        };
        let codes = self.code_blocks.iter().enumerate().filter(|(_, code)| within(code));
        for (nth, code) in codes.filter(|(_, code)| highlight::can_highlight(&code.language)) {
            let block = highlight::CodeBlockId { owner, number: code.number };
            let is_open = is_growing && nth + 1 == last;
            let progress = self.highlight_progress.entry(code.number).or_default();
            if progress.language != code.language {
                *progress = HighlightProgress { language: code.language.clone(), ..HighlightProgress::default() };
            }
            // The last line of an open block is not complete.
            let lines =
                code.line_rows.len() - usize::from(is_open && !code.line_rows.is_empty() && !code.text.ends_with('\n'));
            if progress.lines >= lines {
                continue;
            }
            if newest.replace(block) != Some(block) {
                (progress.lines, progress.bytes) = (0, 0);
            }
            let end = if is_open { code.text.rfind('\n').map_or(0, |at| at + 1) } else { code.text.len() };
            // The text may have been replaced since the last job.
            let from = code.text.floor_char_boundary(progress.bytes.min(end));
            jobs.push(highlight::HighlightJob {
                block,
                language: code.language.clone(),
                first_line: progress.lines,
                text: code.text[from..end].to_owned(),
            });
            (progress.lines, progress.bytes) = (lines, end);
        }
        jobs
    }
}

fn is_row_of_line(row: &StyledRow, block: u32, line: usize) -> bool {
    matches!(row.kind, RowKind::Code { block: b, line: l, .. } if b == block && l as usize == line)
}
