//! The code of a text while it is read: coloured by a worker, scrolled sideways.

use std::ops::Range;

use super::{MarkdownLayout, Stage, blocks::LaidCode, code};
use crate::{
    chat::MessageId,
    widgets::{
        highlight,
        row::{Row, RowKind, Span},
    },
};

/// A code block of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeBlock {
    /// From 1 in its answer.
    pub number: u32,
    pub language: String,
    pub text: String,
    /// The first row of each of its lines.
    pub(super) lines: Vec<usize>,
}

impl CodeBlock {
    pub(super) fn from(code: LaidCode, first: usize) -> Self {
        let LaidCode { number, language, text, lines } = code;
        Self { number, language, text, lines: lines.into_iter().map(|row| row + first).collect() }
    }
}

/// What a worker was asked to colour of a block.
#[derive(Debug, Clone, Default)]
pub(super) struct Asked {
    language: String,
    lines: usize,
    bytes: usize,
}

impl MarkdownLayout {
    /// Colours lines of code; tells whether anything changed.
    pub fn paint(&mut self, painted: &highlight::Painted) -> bool {
        let number = painted.block.number;
        let Some(code) = self.codes.iter().find(|code| code.number == number) else { return false };
        let known = self.colours.entry(number).or_default();
        known.truncate(painted.first_line);
        if known.len() < painted.first_line {
            return false;
        }
        known.extend(painted.lines.iter().cloned());
        for (line, runs) in code.lines.iter().enumerate().skip(painted.first_line).zip(&painted.lines) {
            let (nth, &first) = line;
            let end = code.lines.get(nth + 1).copied().unwrap_or(usize::MAX);
            let rows = self.rows.iter_mut().take(end).skip(first);
            for row in rows.take_while(|row| is_line(row, number, nth)) {
                code::repaint(row, runs);
            }
        }
        true
    }

    /// Scrolls a code block sideways by so many cells; says whether it moved.
    pub fn scroll_code(&mut self, number: u32, by: i32) -> bool {
        let rows = || self.rows.iter().filter(|row| matches!(row.kind, RowKind::Code { block, .. } if block == number));
        let widest = rows().map(|row| row.spans[row.lead..].iter().map(Span::width).sum::<usize>()).max().unwrap_or(0);
        let widest_lead = rows().map(|row| row.spans[..row.lead].iter().map(Span::width).sum::<usize>()).max();
        let most = (widest + widest_lead.unwrap_or(0) + 1).saturating_sub(self.width);
        let was = self.shifts.get(&number).copied().unwrap_or(0);
        let shift = was.saturating_add_signed(by as isize).min(most);
        self.shifts.insert(number, shift);
        for row in &mut self.rows {
            if matches!(row.kind, RowKind::Code { block, .. } if block == number) {
                row.shift = shift;
            }
        }
        shift != was
    }

    /// The code in some rows that nobody was asked to colour yet. `newest` is what was asked for last: only that goes on
    /// where it stopped, for the worker remembers no more for sure.
    pub fn take_jobs(
        &mut self,
        message: MessageId,
        rows: Range<usize>,
        newest: &mut Option<highlight::BlockId>,
    ) -> Vec<highlight::Job> {
        let mut jobs = Vec::new();
        let growing = self.stage == Stage::Growing;
        let last = self.codes.len();
        let within = |code: &CodeBlock| {
            code.lines.first().is_some_and(|first| *first < rows.end)
                && code.lines.last().is_some_and(|last| *last >= rows.start)
        };
        let codes = self.codes.iter().enumerate().filter(|(_, code)| within(code));
        for (nth, code) in codes.filter(|(_, code)| highlight::knows(&code.language)) {
            let block = highlight::BlockId { message, number: code.number };
            let open = growing && nth + 1 == last;
            let asked = self.asked.entry(code.number).or_default();
            if asked.language != code.language {
                *asked = Asked { language: code.language.clone(), ..Asked::default() };
            }
            // The last line of an open block is not complete.
            let lines = code.lines.len() - usize::from(open && !code.lines.is_empty() && !code.text.ends_with('\n'));
            if asked.lines >= lines {
                continue;
            }
            if newest.replace(block) != Some(block) {
                (asked.lines, asked.bytes) = (0, 0);
            }
            let end = if open { code.text.rfind('\n').map_or(0, |at| at + 1) } else { code.text.len() };
            // Another text may have come in the place of the one that was asked about.
            let from = code.text.floor_char_boundary(asked.bytes.min(end));
            jobs.push(highlight::Job {
                block,
                language: code.language.clone(),
                first_line: asked.lines,
                text: code.text[from..end].to_owned(),
            });
            (asked.lines, asked.bytes) = (lines, end);
        }
        jobs
    }
}

fn is_line(row: &Row, block: u32, line: usize) -> bool {
    matches!(row.kind, RowKind::Code { block: b, line: l, .. } if b == block && l as usize == line)
}
