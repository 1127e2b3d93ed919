//! A code fence that is still open: its lines are laid out once, each as it ends.

use super::{
    BLOCK, MarkdownLayout,
    blocks::{self, Laid, LaidCode},
    code::{self, CodeAt, Diagram, Head},
};
use crate::widgets::row::{Row, RowKind};

/// A code fence at the top that is not closed: its lines are laid out once, each as it ends.
#[derive(Debug, Clone)]
pub(super) struct Fence {
    mark: char,
    length: usize,
    indent: usize,
    /// Bytes of the present line that are laid out already.
    from: usize,
    /// The number of a diagram, whose lines are counted and not shown, and the row that tells of it.
    folded: Option<(u32, usize)>,
}

impl MarkdownLayout {
    /// Whether the open text begins with a fence whose first line is complete; then it is entered.
    pub(super) fn open_fence(&mut self) -> bool {
        let Some(end) = self.open.text.find('\n') else { return false };
        if self.closed.in_block {
            return false;
        }
        let Some((fence, info)) = Fence::begin(&self.open.text[..end]) else { return false };
        let number = self.counted().codes + 1;
        let language = blocks::language(info);
        let mut head = Head { block: number, language: &language, diagram: None };
        if blocks::is_diagram(&language) {
            let figure = self.counted().figures + 1;
            head.diagram = Some((figure, Diagram { kind: code::diagram_kind(""), lines: 0 }));
        }
        let mut fence = fence;
        let figures = u32::from(head.diagram.is_some());
        let folds = head.is_folded(&self.look);
        let row = Row { source: 0..end + 1, ..head.row(self.width, &self.look) };
        let diagram = head.diagram;
        let code = LaidCode { number, language, text: String::new(), lines: Vec::new() };
        self.work.rows += 1;
        self.close(
            Laid {
                rows: vec![row],
                blocks: vec![blocks::LaidBlock::default()],
                codes: vec![code],
                figures,
                wrapped: None,
            },
            end + 1,
        );
        fence.folded = diagram.filter(|_| folds).map(|(figure, _)| (figure, self.rows.len() - 1));
        self.closed.in_block = true;
        self.fence = Some(fence);
        true
    }

    /// Lays out the lines of a fence that have come; those that are complete once and for all.
    pub(super) fn grow_fence(&mut self) {
        let folded = self.fence.as_ref().and_then(|fence| fence.folded);
        self.grow_lines();
        if let Some((figure, row)) = folded {
            self.tell_of_diagram(figure, row);
        }
    }

    /// Takes in the last line of a fence that nobody closed before the text ended.
    pub(super) fn end_fence(&mut self) {
        let Some(fence) = &self.fence else { return };
        let (folded, text) = (fence.folded, &self.open.text);
        let ends = fence.from == 0 && (fence.is_end(text) || text.trim().is_empty());
        self.rows.truncate(self.closed.rows);
        let end = self.open.text.len();
        if ends {
            if let Some(row) = self.rows.last_mut() {
                row.source.end = self.open.source;
            }
        } else if end > 0 {
            self.code_line(0, end, true);
            if let Some(code) = self.codes.last_mut() {
                code.text.pop(); // It had no end of its own.
            }
        }
        self.close_lines(end);
        self.closed.in_block = false;
        self.fence = None;
        if let Some((figure, row)) = folded {
            self.tell_of_diagram(figure, row);
        }
    }

    /// Writes the row of a diagram anew, which counts the lines that are not shown.
    fn tell_of_diagram(&mut self, figure: u32, row: usize) {
        let (Some(code), Some(old)) = (self.codes.last(), self.rows.get(row)) else { return };
        let begun = self
            .fence
            .as_ref()
            .is_some_and(|fence| fence.from == 0 && is_begun(&self.open.text) && !fence.may_end(&self.open.text));
        let source = if code.text.is_empty() { &self.open.text } else { &code.text };
        let kind = code::diagram_kind(&source[..source.floor_char_boundary(code::DIAGRAM)]);
        let diagram = Some((figure, Diagram { kind, lines: code.lines.len() + usize::from(begun) }));
        let head = Head { block: code.number, language: &code.language, diagram };
        let end = if begun { self.open.source } else { self.closed.source };
        let source = old.source.start..end;
        self.rows[row] = Row { source, ..head.row(self.width, &self.look) };
    }

    fn grow_lines(&mut self) {
        let mut at = 0;
        while let Some(length) = self.open.text[at..].find('\n') {
            let fence = self.fence.as_ref().expect("only called in a fence");
            let ends = fence.from == 0 && fence.is_end(&self.open.text[at..at + length]);
            if ends {
                let end = self.open.raw(at + length + 1);
                if let Some(row) = self.rows.last_mut() {
                    row.source.end = end;
                }
                if let Some(block) = self.blocks.last_mut() {
                    block.source.end = end;
                }
                self.close_lines(at + length + 1);
                self.closed.in_block = false;
                self.fence = None;
                return;
            }
            self.code_line(at, at + length, true);
            at += length + 1;
        }
        self.close_lines(at);
        if self.open.text.is_empty() {
            return;
        }
        let fence = self.fence.as_ref().expect("only called in a fence");
        if fence.from == 0 && fence.may_end(&self.open.text) {
            if let Some(row) = self.rows.last_mut() {
                row.source.end = self.open.source;
            }
            return;
        }
        self.code_line(0, self.open.text.len(), false);
    }

    fn close_lines(&mut self, end: usize) {
        self.closed.source = self.open.raw(end);
        self.closed.rows = self.rows.len();
        self.closed.codes = self.codes.len();
        self.closed.in_block = true;
        self.open.drop_front(end);
        if let Some(block) = self.blocks.last_mut() {
            block.source.end = block.source.end.max(self.closed.source);
        }
    }

    /// Adds the rows of one line of an open fence, `start..end` of the open text.
    fn code_line(&mut self, start: usize, end: usize, complete: bool) {
        if let Some((_, row)) = self.fence.as_ref().and_then(|fence| fence.folded) {
            self.folded_line(start, end, complete, row);
            return;
        }
        let fence = self.fence.as_mut().expect("only called in a fence");
        let text = &self.open.text[start..end];
        let text = if fence.from == 0 { unindented(text, fence.indent) } else { text };
        let block = self.codes.last_mut().expect("the fence has one");
        let line = block.lines.len() - usize::from(fence.from > 0);
        let known_line =
            if fence.from == 0 { code::known(&self.colours, block.number, line as u32, text) } else { None };
        let at_line_start = fence.from == 0;
        let begins = end - text.len();
        let stop = if complete { end + 1 } else { end };
        let shift = self.shifts.get(&block.number).copied().unwrap_or(0);
        let at = CodeAt { block: block.number, line: line as u32, from: fence.from, source: begins..stop, shift };
        let mut rows = code::line(at, text, known_line, self.width, &self.look);
        for row in &mut rows {
            row.source = self.open.raw(row.source.start)..self.open.raw(row.source.end);
        }
        rows[0].source.start = self.open.raw(start);
        if let Some(above) = self.rows.last_mut().filter(|_| at_line_start) {
            above.source.end = rows[0].source.start; // It may have been taken for the end of the fence.
        }
        self.work.rows += rows.len() as u64;
        self.work.bytes += text.len() as u64;
        if fence.from == 0 {
            block.lines.push(self.rows.len());
        }
        if complete {
            block.text.push_str(text);
            block.text.push('\n');
            fence.from = 0;
        } else if text.len() > BLOCK && rows.len() > 1 {
            // A line without an end: all its rows but the last are done.
            let last = rows.pop().expect("there are several rows");
            let kept = match last.kind {
                RowKind::Code { from, .. } => from as usize - fence.from,
                _ => 0,
            };
            block.text.push_str(&text[..kept]);
            fence.from += kept;
            self.rows.append(&mut rows);
            self.close_lines(begins + kept);
            self.code_line(0, self.open.text.len(), false);
            return;
        } else if fence.from == 0 {
            // Shown, and laid out again when more of it has come.
            block.lines.pop();
        }
        self.rows.append(&mut rows);
    }

    /// Takes in a line of a diagram that shows none of them.
    fn folded_line(&mut self, start: usize, end: usize, complete: bool, row: usize) {
        let fence = self.fence.as_mut().expect("only called in a fence");
        let block = self.codes.last_mut().expect("the fence has one");
        let text = &self.open.text[start..end];
        let text = if fence.from == 0 { unindented(text, fence.indent) } else { text };
        if !complete && text.len() <= BLOCK {
            return;
        }
        self.work.bytes += text.len() as u64;
        if fence.from == 0 {
            block.lines.push(row);
        }
        block.text.push_str(text);
        if complete {
            block.text.push('\n');
            fence.from = 0;
        } else {
            fence.from += text.len();
            self.close_lines(end);
        }
    }
}

impl Fence {
    /// Reads the first line of a fence, and what stands behind it.
    fn begin(line: &str) -> Option<(Self, &str)> {
        let body = line.trim_start_matches(' ');
        let indent = line.len() - body.len();
        let mark = body.chars().next().filter(|mark| matches!(mark, '`' | '~'))?;
        let info = body.trim_start_matches(mark);
        let length = body.len() - info.len();
        let fence = indent <= 3 && length >= 3 && !(mark == '`' && info.contains('`'));
        fence.then_some((Self { mark, length, indent, from: 0, folded: None }, info))
    }

    fn is_end(&self, line: &str) -> bool {
        let body = line.trim_start_matches(' ');
        let rest = body.trim_start_matches(self.mark);
        line.len() - body.len() <= 3 && body.len() - rest.len() >= self.length && rest.trim().is_empty()
    }

    /// Whether an incomplete line may become the end: then it is not shown as code for a moment.
    fn may_end(&self, line: &str) -> bool {
        let body = line.trim_start_matches(' ');
        line.len() - body.len() <= 3 && !body.is_empty() && body.trim_end().trim_start_matches(self.mark).is_empty()
    }
}

/// A line of code without the indent of its fence.
fn unindented(line: &str, indent: usize) -> &str {
    let spaces = line.len() - line.trim_start_matches(' ').len();
    &line[spaces.min(indent)..]
}

/// Whether an incomplete line counts as one: up to three blanks may yet be the indent of anything.
fn is_begun(line: &str) -> bool {
    line.len() > 3 || !line.trim().is_empty()
}
