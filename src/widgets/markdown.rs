//! Markdown as rows, laid out block by block while it streams.
//!
//! A block that is followed by another is closed: it is laid out once and stays. Only the open block
//! at the end is laid out again, and when the text is complete everything once more, which settles
//! late reference links. So a delta costs the size of the open block, not that of the answer.

mod blocks;
mod code;
mod extract;
mod fence;
mod inline;
mod open;
mod plain;
mod table;

use std::{collections::BTreeMap, ops::Range, sync::Arc};

pub use extract::{Code, code_blocks};
pub use plain::Plain;

use self::{
    blocks::{Laid, LaidCode, Page},
    code::Colours,
    fence::Fence,
    open::Open,
};
use super::{
    highlight,
    row::{Ink, Row},
    theme::{Marks, Role},
};

/// What of a theme decides where words go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    pub marks: Marks,
    /// Inline code keeps its backticks, for there is no ground behind it.
    pub plain_code: bool,
    /// How plain text looks.
    pub base: Ink,
}

/// A place in a text that a source supports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// The claim or the link, in bytes of the source.
    pub range: Range<usize>,
    /// Where `[n]` goes when no link stands there.
    pub point: usize,
    pub number: u32,
    /// The server said where it stands; else the address was found in the text.
    pub given: bool,
    /// Its place among the annotations of the text.
    pub annotation: usize,
    /// See `citation::key`.
    pub key: Arc<str>,
}

/// The citation that is looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lit {
    pub annotation: usize,
    /// The words that it supports, in bytes of the source.
    pub claim: Range<usize>,
}

/// Whether more text may come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    Growing,
    Complete,
}

/// What was done since the layout was made, for tests and benches.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Work {
    pub rows: u64,
    pub bytes: u64,
}

/// A code block of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeBlock {
    /// From 1 in its answer.
    pub number: u32,
    pub language: String,
    pub text: String,
    /// The first row of each of its lines.
    lines: Vec<usize>,
}

/// The rows of one text.
#[derive(Debug, Clone)]
pub struct MarkdownLayout {
    width: usize,
    look: Look,
    /// Code blocks of the answer before this text.
    codes_before: u32,
    rows: Vec<Row>,
    blocks: Vec<Block>,
    codes: Vec<CodeBlock>,
    colours: Colours,
    /// What a worker was asked to colour of each block.
    asked: BTreeMap<u32, Asked>,
    marks: Vec<Mark>,
    lit: Option<Lit>,
    /// Closed: bytes of the source, rows, code blocks.
    closed: Closed,
    open: Open,
    fence: Option<Fence>,
    stage: Stage,
    work: Work,
}

#[derive(Debug, Clone, Default)]
struct Asked {
    language: String,
    lines: usize,
    bytes: usize,
}

/// A closed block at the top.
#[derive(Debug, Clone)]
struct Block {
    source: Range<usize>,
    first_row: usize,
    codes: usize,
}

#[derive(Debug, Clone, Copy, Default)]
struct Closed {
    source: usize,
    rows: usize,
    codes: usize,
    /// The text after it goes on in the same block: no blank row comes between.
    in_block: bool,
}

/// A block that grows beyond this is closed at its last row.
const BLOCK: usize = 64 * 1024;

impl MarkdownLayout {
    pub fn new(look: Look) -> Self {
        Self {
            width: 0,
            look,
            codes_before: 0,
            rows: Vec::new(),
            blocks: Vec::new(),
            codes: Vec::new(),
            colours: BTreeMap::new(),
            asked: BTreeMap::new(),
            marks: Vec::new(),
            lit: None,
            closed: Closed::default(),
            open: Open::default(),
            fence: None,
            stage: Stage::Growing,
            work: Work::default(),
        }
    }

    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    pub fn codes(&self) -> &[CodeBlock] {
        &self.codes
    }

    pub fn work(&self) -> Work {
        self.work
    }

    /// Numbers the code blocks from `count` + 1 on.
    pub fn follow_codes(&mut self, count: u32) {
        if self.codes_before != count {
            self.codes_before = count;
            self.colours.clear();
            self.asked.clear();
            self.forget();
        }
    }

    pub fn set_look(&mut self, look: Look) {
        if self.look != look {
            self.look = look;
            self.forget();
        }
    }

    /// Brings the rows up to date with a text that has grown, or is another one.
    pub fn sync(&mut self, source: &str, width: usize, stage: Stage, marks: &[Mark]) {
        let width = width.max(1);
        if width != self.width
            || !self.open.precedes(source)
            || self.stage == Stage::Complete && stage == Stage::Growing
        {
            self.width = width;
            self.forget();
        }
        let marked = self.marks != marks;
        if source.len() == self.open.source && stage == self.stage && !marked {
            return;
        }
        if stage == Stage::Complete {
            self.marks = marks.to_vec();
            self.complete(source);
            return;
        }
        self.open.grow(source);
        if marked {
            self.mark_again(source, marks);
        }
        self.advance();
    }

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
        if self.stage == Stage::Growing && touches(&(self.closed.source..source.len())) {
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

    /// The code that nobody was asked to colour yet.
    pub fn take_jobs(&mut self, message: crate::chat::MessageId) -> Vec<highlight::Job> {
        let mut jobs = Vec::new();
        let growing = self.stage == Stage::Growing;
        let last = self.codes.len();
        for (nth, code) in self.codes.iter().enumerate().filter(|(_, code)| highlight::knows(&code.language)) {
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
            let end = if open { code.text.rfind('\n').map_or(0, |at| at + 1) } else { code.text.len() };
            // Another text may have come in the place of the one that was asked about.
            let from = code.text.floor_char_boundary(asked.bytes.min(end));
            jobs.push(highlight::Job {
                block: highlight::BlockId { message, number: code.number },
                language: code.language.clone(),
                first_line: asked.lines,
                text: code.text[from..end].to_owned(),
            });
            (asked.lines, asked.bytes) = (lines, end);
        }
        jobs
    }

    /// Forgets all rows, but not the colours.
    fn forget(&mut self) {
        self.rows.clear();
        self.blocks.clear();
        self.codes.clear();
        self.marks.clear();
        self.closed = Closed::default();
        self.open = Open::default();
        self.fence = None;
        self.stage = Stage::Growing;
    }

    /// Lays out a text that will not grow any more.
    fn complete(&mut self, source: &str) {
        let marks = std::mem::take(&mut self.marks);
        self.forget();
        self.marks = marks;
        self.open.grow(source);
        let laid = self.page(0..self.open.text.len());
        self.close(laid, self.open.text.len());
        self.stage = Stage::Complete;
    }

    /// Closes what is complete and lays out the rest.
    fn advance(&mut self) {
        self.rows.truncate(self.closed.rows);
        self.codes.truncate(self.closed.codes);
        loop {
            if self.fence.is_some() {
                self.grow_fence();
                if self.fence.is_some() {
                    return;
                }
            }
            self.close_blocks();
            if !self.open_fence() {
                break;
            }
        }
        self.lay_open();
    }

    /// Closes all blocks but the last of the lines that are complete.
    fn close_blocks(&mut self) {
        let complete = self.open.text.rfind('\n').map_or(0, |at| at + 1);
        if complete == self.open.looked {
            return;
        }
        self.work.bytes += complete as u64;
        let last = blocks::last_block(&self.open.text[..complete]);
        if last > 0 {
            let laid = self.page(0..last);
            self.close(laid, last);
        }
        self.open.looked = self.open.text.rfind('\n').map_or(0, |at| at + 1);
    }

    /// Shows the open block, and closes all but its last row when it has become too long.
    fn lay_open(&mut self) {
        let laid = self.page(0..self.open.text.len());
        if self.open.text.len() > BLOCK && laid.rows.len() > 1 {
            self.close_rows(laid);
            return;
        }
        self.add(laid);
    }

    fn close_rows(&mut self, mut laid: Laid) {
        let last = laid.rows.last().expect("there are several rows").source.start;
        laid.rows.pop();
        laid.codes.clear();
        laid.blocks.truncate(1);
        if last == 0 {
            return;
        }
        self.close(laid, last);
        self.closed.in_block = true;
        let laid = self.page(0..self.open.text.len());
        self.add(laid);
    }

    /// Lays out a part of the open text.
    fn page(&mut self, range: Range<usize>) -> Laid {
        let source = &self.open.text[range];
        let start = self.closed.source;
        let end = self.open.raw(source.len());
        let marks: Vec<Mark> = self
            .marks
            .iter()
            .filter(|mark| mark.point > start && mark.point <= end)
            .map(|mark| self.open.mark(mark))
            .collect();
        let page = Page {
            source,
            width: self.width,
            look: &self.look,
            marks: &marks,
            colours: &self.colours,
            codes: self.codes_before + self.closed.codes as u32,
            lit: self.lit.as_ref().map(|lit| self.open.lit(lit)),
        };
        let laid = blocks::lay_out(&page);
        self.work.bytes += source.len() as u64;
        self.work.rows += laid.rows.len() as u64;
        laid
    }

    /// Adds rows below the closed ones.
    fn add(&mut self, laid: Laid) {
        let Laid { rows, codes, .. } = laid;
        if rows.is_empty() {
            return;
        }
        if !self.rows.is_empty() && !self.closed.in_block {
            self.rows.push(Row { source: self.closed.source..self.closed.source, ..Row::blank() });
        }
        let first = self.rows.len();
        self.codes.extend(codes.into_iter().map(|code| CodeBlock::from(code, first)));
        let (open, start) = (&self.open, self.closed.source);
        // What was cleaned away before the first row belongs to it.
        let raw = |at: usize| if at == 0 { start } else { open.raw(at) };
        self.rows.extend(rows.into_iter().map(|row| Row { source: raw(row.source.start)..raw(row.source.end), ..row }));
    }

    /// Adds rows, and never lays them out again; `end` is where their source ends in the open text.
    fn close(&mut self, laid: Laid, end: usize) {
        let starts: Vec<(usize, usize)> = laid.blocks.clone();
        let codes = self.codes.len();
        let before = self.rows.len();
        let rows = laid.rows.len();
        self.add(laid);
        let shift = self.rows.len() - before - rows;
        for (nth, &(start, first)) in starts.iter().enumerate() {
            let to = starts.get(nth + 1).map_or(end, |next| next.0);
            let from = if nth == 0 { 0 } else { start };
            self.blocks.push(Block {
                source: if from == 0 { self.closed.source } else { self.open.raw(from) }..self.open.raw(to),
                first_row: before + if nth == 0 { 0 } else { shift + first },
                codes,
            });
        }
        self.closed =
            Closed { source: self.open.raw(end), rows: self.rows.len(), codes: self.codes.len(), in_block: false };
        self.open.drop_front(end);
    }

    // Citations.

    /// Takes in marks that changed, and lays out again the closed blocks that they stand in.
    fn mark_again(&mut self, source: &str, marks: &[Mark]) {
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
            codes: self.codes_before + block.codes as u32,
            lit: self.lit.as_ref().map(|lit| open.lit(lit)),
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

impl CodeBlock {
    fn from(code: LaidCode, first: usize) -> Self {
        let LaidCode { number, language, text, lines } = code;
        Self { number, language, text, lines: lines.into_iter().map(|row| row + first).collect() }
    }
}

fn is_line(row: &Row, block: u32, line: usize) -> bool {
    matches!(row.kind, super::row::RowKind::Code { block: b, line: l, .. } if b == block && l as usize == line)
}

impl Default for Look {
    fn default() -> Self {
        Self { marks: Marks::UNICODE, plain_code: false, base: Ink::of(Role::Text) }
    }
}

#[cfg(test)]
mod tests;
