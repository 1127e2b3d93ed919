//! The marks of citations in rows that stand already: a block that one comes into is laid out again.

use std::ops::Range;

use super::{
    Counted, Lit, Mark, MarkdownLayout,
    blocks::{self, Page},
    open::Open,
};
use crate::widgets::row::Row;

impl MarkdownLayout {
    /// Lights a citation and its claim, or none; `source` is the text of the last `sync`.
    pub fn light(&mut self, source: &str, lit: Option<Lit>) {
        if self.lit == lit {
            return;
        }
        let old = std::mem::replace(&mut self.lit, lit);
        let touched: Vec<Range<usize>> = [&old, &self.lit].into_iter().flatten().map(|lit| self.reach(lit)).collect();
        let touches = |here: &Range<usize>| touched.iter().any(|it| it.start < here.end && here.start < it.end);
        let stale: Vec<usize> = (0..self.blocks.len()).filter(|&at| touches(&self.blocks[at].source)).collect();
        for at in stale {
            self.reopen(source, at);
        }
        if touches(&(self.closed.source..source.len())) {
            self.advance();
        }
    }

    /// From the claim to the mark behind it, or the other way round.
    fn reach(&self, lit: &Lit) -> Range<usize> {
        let mark = self.marks.iter().find(|mark| mark.annotation == lit.annotation);
        let (start, end) = mark.map_or((lit.claim.start, lit.claim.end), |mark| {
            (mark.range.start.min(mark.point.saturating_sub(1)), mark.range.end.max(mark.point))
        });
        lit.claim.start.min(start)..lit.claim.end.max(end)
    }

    /// Takes in marks that changed, and lays out again the closed blocks that they stand in.
    pub(super) fn mark_again(&mut self, source: &str, marks: &[Mark]) {
        let old = std::mem::replace(&mut self.marks, marks.to_vec());
        let touched = |range: &Range<usize>| {
            let within = |mark: &&Mark| mark.point > range.start && mark.point <= range.end;
            !old.iter().filter(within).eq(marks.iter().filter(within))
        };
        let stale: Vec<usize> = (0..self.blocks.len()).filter(|&at| touched(&self.blocks[at].source)).collect();
        for at in stale {
            self.reopen(source, at);
        }
    }

    fn reopen(&mut self, source: &str, at: usize) {
        let block = self.blocks[at].clone();
        let end_row = self.blocks.get(at + 1).map_or(self.closed.rows, |next| next.first_row);
        let mut open = Open { source: block.source.start, ..Open::default() };
        open.grow(&source[..block.source.end]);
        let marks: Vec<Mark> = self
            .marks
            .iter()
            .filter(|mark| mark.point > block.source.start && mark.point <= block.source.end)
            .map(|mark| open.mark(mark))
            .collect();
        let page = Page {
            source: &open.text,
            width: self.width,
            look: &self.look,
            marks: &marks,
            colours: &self.colours,
            shifts: &self.shifts,
            counted: Counted {
                codes: self.counted_before.codes + block.codes as u32,
                figures: self.counted_before.figures + block.figures,
            },
            lit: self.lit.as_ref().map(|lit| open.lit(lit)),
            wrapped: None,
        };
        let laid = blocks::lay_out(&page);
        self.work.bytes += open.text.len() as u64;
        self.work.rows += laid.rows.len() as u64;
        let gap =
            usize::from(block.first_row > 0 && self.rows.get(block.first_row).is_some_and(|row| row.spans.is_empty()));
        let raw = |at: usize| if at == 0 { block.source.start } else { open.raw(at) };
        let rows: Vec<Row> = laid
            .rows
            .into_iter()
            .map(|row| Row { source: raw(row.source.start)..raw(row.source.end), ..row })
            .collect();
        let first = block.first_row + gap;
        let moved = |row: usize| row + rows.len() - (end_row - first);
        for later in &mut self.blocks[at + 1..] {
            later.first_row = moved(later.first_row);
        }
        for code in &mut self.codes {
            for line in code.lines.iter_mut().filter(|line| **line >= end_row) {
                *line = moved(*line);
            }
        }
        self.closed.rows = moved(self.closed.rows);
        for laid in laid.codes {
            if let Some(code) = self.codes.iter_mut().find(|code| code.number == laid.number) {
                code.lines = laid.lines.into_iter().map(|row| row + first).collect();
            }
        }
        self.rows.splice(first..end_row, rows);
    }
}
