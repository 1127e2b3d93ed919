//! Markdown as rows, laid out block by block while it streams.
//!
//! A block that is followed by another is closed: it is laid out once and stays. Only the open block
//! at the end is laid out again, so a delta costs the size of the open block, not that of the answer.
//! A complete text is laid out once more where that may change something: reference links and footnotes
//! may be defined behind their use, a formula may go over several blocks, a block may be cut.

mod blocks;
mod code;
mod coded;
mod extract;
mod fence;
mod formulas;
mod inline;
mod marks;
mod open;
mod plain;
mod table;

use std::{collections::BTreeMap, ops::Range, sync::Arc};

pub use coded::CodeBlock;
pub use extract::{Code, code_blocks};
pub use plain::Plain;

use self::{
    blocks::{Laid, Page},
    code::{Colours, Shifts},
    coded::Asked,
    fence::Fence,
    inline::Wrapped,
    open::Open,
};
use super::{
    row::{Ink, Row},
    theme::{Marks, Role, Theme},
};

/// What of a theme decides where words go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    pub marks: Marks,
    /// Inline code keeps its backticks, for there is no ground behind it.
    pub plain_code: bool,
    /// Links have their addresses behind their words, for the terminal does not open them.
    pub addresses: bool,
    /// How plain text looks.
    pub base: Ink,
    pub code: CodeLines,
    /// Diagrams show their source instead of a line that tells of it.
    pub diagrams_open: bool,
}

/// What becomes of a line of code that is wider than the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CodeLines {
    #[default]
    Wrapped,
    /// It is one row, wider than the page, that is scrolled sideways.
    Scrolled,
}

/// What of an answer is numbered and came before a text of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counted {
    pub codes: u32,
    /// Images and diagrams.
    pub figures: u32,
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

/// The rows of one text.
#[derive(Debug, Clone)]
pub struct MarkdownLayout {
    width: usize,
    look: Look,
    /// What of the answer comes before this text.
    counted_before: Counted,
    rows: Vec<Row>,
    blocks: Vec<Block>,
    codes: Vec<CodeBlock>,
    figures: u32,
    colours: Colours,
    shifts: Shifts,
    /// What a worker was asked to colour of each block.
    asked: BTreeMap<u32, Asked>,
    marks: Vec<Mark>,
    lit: Option<Lit>,
    /// Closed: bytes of the source, rows, code blocks.
    closed: Closed,
    /// A block was too long and closed in its midst.
    is_cut: bool,
    open: Open,
    /// The last long text of the open block.
    wrapped: Option<Wrapped>,
    fence: Option<Fence>,
    stage: Stage,
    work: Work,
    /// A text that grows beyond this is not laid out once more when it is complete.
    whole: usize,
}

/// A closed block at the top.
#[derive(Debug, Clone)]
struct Block {
    source: Range<usize>,
    first_row: usize,
    /// Code blocks and figures before it.
    codes: usize,
    figures: u32,
}

#[derive(Debug, Clone, Copy, Default)]
struct Closed {
    source: usize,
    rows: usize,
    codes: usize,
    figures: u32,
    /// The text after it goes on in the same block: no blank row comes between.
    in_block: bool,
}

/// A block that grows beyond this is closed at its last row.
const BLOCK: usize = 64 * 1024;
/// So much of a text that has come is taken in with every frame, however long the open block is.
const STEP: usize = 4 * 1024;

/// Signs of what may change the look of a block above: a definition, a formula.
const REACH_BACK: [&str; 4] = ["]:", "$$", r"\(", r"\["];

/// A longer text is not laid out once more, for the reader would wait.
const WHOLE: usize = 2 * 1024 * 1024;

impl MarkdownLayout {
    pub fn new(look: Look) -> Self {
        Self {
            width: 0,
            look,
            counted_before: Counted::default(),
            rows: Vec::new(),
            blocks: Vec::new(),
            codes: Vec::new(),
            figures: 0,
            colours: BTreeMap::new(),
            shifts: BTreeMap::new(),
            asked: BTreeMap::new(),
            marks: Vec::new(),
            lit: None,
            closed: Closed::default(),
            is_cut: false,
            open: Open::default(),
            wrapped: None,
            fence: None,
            stage: Stage::Growing,
            work: Work::default(),
            whole: WHOLE,
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

    /// What is numbered, with what came before.
    pub fn counted(&self) -> Counted {
        Counted {
            codes: self.counted_before.codes + self.codes.len() as u32,
            figures: self.counted_before.figures + self.figures,
        }
    }

    /// Numbers code blocks and figures from there on.
    pub fn follow(&mut self, before: Counted) {
        if self.counted_before != before {
            self.counted_before = before;
            self.colours.clear();
            self.asked.clear();
            self.shifts.clear();
            self.forget();
        }
    }

    pub fn set_look(&mut self, look: Look) {
        if self.look != look {
            if look.code == CodeLines::Wrapped {
                self.shifts.clear();
            }
            self.look = look;
            self.forget();
        }
    }

    /// How much of a text that has grown one frame can lay out; the rest is left to the next. What was all to be seen
    /// before, such as at another width, is seen again at once.
    pub fn portion(&self, source: &str, stage: Stage) -> usize {
        let is_new = self.width == 0 && stage == Stage::Growing;
        if self.open.source == 0 && !is_new || !self.open.precedes(source) {
            return source.len();
        }
        // What is open is laid out anew together with what came behind it.
        let end = self.open.source + BLOCK.saturating_sub(self.open.text.len()) + STEP;
        source.floor_char_boundary(end.min(source.len()))
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
        if stage == Stage::Complete && (self.closed.source == 0 || self.is_to_be_settled(source)) {
            self.marks = marks.to_vec();
            self.complete(source);
            return;
        }
        self.open.grow(source);
        if marked {
            self.mark_again(source, marks);
        }
        self.advance();
        if stage == Stage::Complete {
            self.end_fence();
            self.wrapped = None;
        }
        self.stage = stage;
        if let Some(row) = self.rows.last_mut().filter(|_| stage == Stage::Complete) {
            row.source.end = source.len();
        }
    }

    /// Forgets all rows, but not the colours.
    fn forget(&mut self) {
        self.rows.clear();
        self.blocks.clear();
        self.codes.clear();
        self.figures = 0;
        self.marks.clear();
        self.closed = Closed::default();
        self.is_cut = false;
        self.open = Open::default();
        self.wrapped = None;
        self.fence = None;
        self.stage = Stage::Growing;
    }

    /// Whether what is closed may look otherwise in the light of what came later.
    fn is_to_be_settled(&self, source: &str) -> bool {
        let has = |sign: &&str| memchr::memmem::find(source.as_bytes(), sign.as_bytes()).is_some();
        source.len() <= self.whole && (self.is_cut || REACH_BACK.iter().any(has))
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
        self.figures = self.closed.figures;
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
            // What is not seen before the first row belongs to it.
            if !self.rows.is_empty() || !laid.rows.is_empty() || last > BLOCK {
                self.close(laid, last);
            }
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
        self.is_cut = true;
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
            shifts: &self.shifts,
            counted: self.counted(),
            lit: self.lit.as_ref().map(|lit| self.open.lit(lit)),
            wrapped: self.wrapped.as_ref(),
        };
        let mut laid = blocks::lay_out(&page);
        self.wrapped = laid.wrapped.take();
        self.work.bytes += source.len() as u64;
        self.work.rows += laid.rows.len() as u64;
        laid
    }

    /// Adds rows below the closed ones.
    fn add(&mut self, laid: Laid) {
        let Laid { rows, codes, figures, blocks, wrapped: _ } = laid;
        if rows.is_empty() {
            return;
        }
        self.figures += figures;
        let mut start = if self.rows.is_empty() { 0 } else { self.closed.source };
        if let Some(above) = self.rows.last_mut().filter(|_| !self.closed.in_block) {
            // What is not seen between two blocks belongs to the one above.
            let seen = blocks.iter().rfind(|block| block.row == 0);
            let begins = seen.map_or(0, |block| blocks::line_start(&self.open.text, block.source));
            start = self.open.raw(begins).max(start);
            above.source.end = start;
            self.rows.push(Row { source: start..start, ..Row::blank() });
        }
        let first = self.rows.len();
        self.codes.extend(codes.into_iter().map(|code| CodeBlock::from(code, first)));
        let (open, closed) = (&self.open, start.max(self.closed.source));
        // What was cleaned away before the first row belongs to it.
        let raw = |at: usize| if at == 0 { closed } else { open.raw(at) };
        self.rows.extend(rows.into_iter().map(|row| Row { source: raw(row.source.start)..raw(row.source.end), ..row }));
        self.rows[first].source.start = start;
    }

    /// Adds rows, and never lays them out again; `end` is where their source ends in the open text.
    fn close(&mut self, laid: Laid, end: usize) {
        let starts = laid.blocks.clone();
        let (codes, figures) = (self.codes.len(), self.figures);
        let before = self.rows.len();
        let rows = laid.rows.len();
        self.add(laid);
        let shift = self.rows.len() - before - rows;
        for (nth, block) in starts.iter().enumerate() {
            let to = starts.get(nth + 1).map_or(end, |next| next.source);
            let from = if nth == 0 { 0 } else { block.source };
            self.blocks.push(Block {
                source: if from == 0 { self.closed.source } else { self.open.raw(from) }..self.open.raw(to),
                first_row: before + if nth == 0 { 0 } else { shift + block.row },
                codes: codes + block.codes,
                figures: figures + block.figures,
            });
        }
        self.closed = Closed {
            source: self.open.raw(end),
            rows: self.rows.len(),
            codes: self.codes.len(),
            figures: self.figures,
            in_block: false,
        };
        self.open.drop_front(end);
        self.wrapped = None;
    }
}

impl Look {
    pub fn of(theme: &Theme) -> Self {
        Self {
            marks: theme.marks,
            plain_code: theme.plain_code,
            addresses: theme.painting.addresses,
            ..Self::default()
        }
    }
}

impl Default for Look {
    fn default() -> Self {
        Self {
            marks: Marks::UNICODE,
            plain_code: false,
            addresses: false,
            base: Ink::of(Role::Text),
            code: CodeLines::Wrapped,
            diagrams_open: false,
        }
    }
}

#[cfg(test)]
mod tests;
