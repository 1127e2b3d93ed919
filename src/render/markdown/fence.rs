//! An open code fence: each of its lines is laid out once, when it ends.

use super::{
    MAX_OPEN_BLOCK, MarkdownLayout,
    blocks::{self, BlockRows, CodeBlockRows},
    code_style::{self, CodeHeader, CodeLinePos, DiagramSummary},
    fence_nesting::{FenceLine, FenceNesting},
    layout_budget::cells_of_row,
};
use crate::render::{
    row::{RowKind, StyledRow},
    source_map::SourceMap,
};

/// A top-level code fence that is still open.
#[derive(Debug, Clone)]
pub(crate) struct OpenFence {
    nesting: FenceNesting,
    indent: usize,
    /// How many bytes of the current line are already laid out.
    done_bytes: usize,
    /// The figure number and the row of a folded diagram, whose lines are counted but not shown.
    folded_diagram: Option<(u32, usize)>,
    /// The same of a diagram whose lines are shown.
    open_diagram: Option<(u32, usize)>,
}

impl MarkdownLayout {
    /// Enters a fence at the start of the open text once its first line is complete; returns whether it did.
    pub(crate) fn enter_fence(&mut self) -> bool {
        let Some(end) = self.open.text.find('\n') else { return false };
        if self.closed.is_in_block {
            return false;
        }
        let Some((fence, info)) = OpenFence::parse_opening(&self.open.text[..end]) else { return false };
        let number = self.counts().code_blocks + 1;
        let language = blocks::fence_language(info);
        let mut head = CodeHeader { block: number, language: &language, diagram: None };
        if blocks::is_diagram(&language) {
            let figure = self.counts().figures + 1;
            head.diagram = Some((figure, DiagramSummary { kind: code_style::diagram_kind(""), lines: 0 }));
        }
        let mut fence = fence;
        let figures = u32::from(head.diagram.is_some());
        let is_folded = head.is_folded(&self.options);
        let row = StyledRow { source: 0..end + 1, ..head.to_row(self.width, &self.options) };
        let diagram = head.diagram;
        let code = CodeBlockRows { number, language, ..CodeBlockRows::default() };
        self.work.rows += 1;
        self.append_closed(
            BlockRows {
                rows: vec![row],
                blocks: vec![blocks::BlockStart::default()],
                code_blocks: vec![code],
                figures,
                ..BlockRows::default()
            },
            end + 1..end + 1,
        );
        if let Some(block) = self.blocks.last_mut() {
            block.is_fence = true;
        }
        let diagram = diagram.map(|(figure, _)| (figure, self.rows.len() - 1));
        (fence.folded_diagram, fence.open_diagram) = if is_folded { (diagram, None) } else { (None, diagram) };
        self.closed.is_in_block = true;
        self.fence = Some(fence);
        true
    }

    /// Lays out the new lines of a fence; complete lines are never laid out again.
    pub(crate) fn grow_fence(&mut self) {
        let Some(fence) = &self.fence else { return };
        let (folded, open) = (fence.folded_diagram, fence.open_diagram);
        self.grow_fence_lines();
        self.update_diagram_rows(folded, open);
    }

    /// Adds the last line of a fence that was still open when the text ended.
    pub(crate) fn finish_fence(&mut self) {
        let Some(fence) = &mut self.fence else { return };
        let (folded, open, text) = (fence.folded_diagram, fence.open_diagram, &self.open.text);
        let is_closing_line = fence.done_bytes == 0 && (fence.is_closed_by(text) || !is_line_begun(text));
        self.rows.truncate(self.closed.rows);
        let end = self.open.text.len();
        if is_closing_line {
            if let Some(row) = self.rows.last_mut() {
                row.source.end = self.open.source_end;
            }
        } else if end > 0 {
            self.append_code_line(0, end, true);
            if let Some(code) = self.code_blocks.last_mut() {
                code.text.pop(); // The line has no line end.
            }
        }
        self.close_fence_lines(end);
        self.closed.is_in_block = false;
        self.fence = None;
        self.update_diagram_rows(folded, open);
    }

    /// Rebuilds the head of a diagram, which shows its kind and the number of its lines.
    fn update_diagram_rows(&mut self, folded: Option<(u32, usize)>, open: Option<(u32, usize)>) {
        let Some((figure, row)) = folded.or(open) else { return };
        let (Some(code), Some(old)) = (self.code_blocks.last(), self.rows.get(row)) else { return };
        let has_open_line = self.fence.as_ref().is_some_and(|fence| {
            fence.done_bytes == 0 && is_line_begun(&self.open.text) && !fence.can_be_closed_by(&self.open.text)
        });
        let source = if code.text.is_empty() { &self.open.text } else { &code.text };
        let kind = code_style::diagram_kind(&source[..source.floor_char_boundary(code_style::DIAGRAM_KIND_BYTES)]);
        let diagram = Some((figure, DiagramSummary { kind, lines: code.line_rows.len() + usize::from(has_open_line) }));
        let head = CodeHeader { block: code.number, language: &code.language, diagram };
        let end = if has_open_line { self.open.source_end } else { self.closed.source_bytes };
        // The lines that are shown have rows of their own.
        let source = if folded.is_some() { old.source.start..end } else { old.source.clone() };
        self.rows[row] = StyledRow { source, ..head.to_row(self.width, &self.options) };
    }

    fn grow_fence_lines(&mut self) {
        let mut start = 0;
        while let Some(length) = self.open.text[start..].find('\n') {
            let fence = self.fence.as_mut().expect("only called in a fence");
            let is_closing_line = fence.done_bytes == 0 && fence.is_closed_by(&self.open.text[start..start + length]);
            if is_closing_line {
                let end = self.open.source_pos(start + length + 1);
                if let Some(row) = self.rows.last_mut() {
                    row.source.end = end;
                }
                if let Some(block) = self.blocks.last_mut() {
                    block.source.end = end;
                }
                self.close_fence_lines(start + length + 1);
                self.closed.is_in_block = false;
                self.fence = None;
                return;
            }
            self.append_code_line(start, start + length, true);
            start += length + 1;
        }
        self.close_fence_lines(start);
        if self.open.text.is_empty() {
            return;
        }
        let fence = self.fence.as_ref().expect("only called in a fence");
        if fence.done_bytes == 0 && fence.can_be_closed_by(&self.open.text) {
            if let Some(row) = self.rows.last_mut() {
                row.source.end = self.open.source_end;
            }
            return;
        }
        self.append_code_line(0, self.open.text.len(), false);
    }

    fn close_fence_lines(&mut self, end: usize) {
        self.closed.source_bytes = self.open.source_pos(end);
        self.closed.rows = self.rows.len();
        self.closed.code_blocks = self.code_blocks.len();
        self.closed.cells = self.cells;
        self.closed.is_in_block = true;
        self.open.drop_front(end);
        if let Some(block) = self.blocks.last_mut() {
            block.source.end = block.source.end.max(self.closed.source_bytes);
        }
    }

    /// Adds the rows of one line of an open fence, `start..end` of the open text.
    fn append_code_line(&mut self, start: usize, end: usize, is_complete: bool) {
        if let Some((_, row)) = self.fence.as_ref().and_then(|fence| fence.folded_diagram) {
            self.append_folded_line(start, end, is_complete, row);
            return;
        }
        let fence = self.fence.as_mut().expect("only called in a fence");
        let text = &self.open.text[start..end];
        let text = if fence.done_bytes == 0 { without_indent(text, fence.indent) } else { text };
        let block = self.code_blocks.last_mut().expect("an open fence has a code block");
        let line = block.line_rows.len() - usize::from(fence.done_bytes > 0);
        let colours = if fence.done_bytes == 0 {
            code_style::known_colours(&self.colours, block.number, line as u32, text)
        } else {
            None
        };
        let at_line_start = fence.done_bytes == 0;
        let text_start = end - text.len();
        let source_end = if is_complete { end + 1 } else { end };
        let shift = self.scroll_offsets.get(&block.number).copied().unwrap_or(0);
        let pos = CodeLinePos {
            block: block.number,
            line: line as u32,
            start: fence.done_bytes,
            source: text_start..source_end,
            source_map: SourceMap::verbatim(text_start..end),
            scroll_offset: shift,
        };
        let mut rows = code_style::code_line_rows(pos, text, colours, self.width, &self.options);
        for row in &mut rows {
            row.source = self.open.source_pos(row.source.start)..self.open.source_pos(row.source.end);
            row.source_map = self.open.map_sources(std::mem::take(&mut row.source_map));
        }
        rows[0].source.start = self.open.source_pos(start);
        if let Some(above) = self.rows.last_mut().filter(|_| at_line_start) {
            above.source.end = rows[0].source.start; // The line may have been taken for the end of the fence.
        }
        self.work.rows += rows.len() as u64;
        self.work.bytes += text.len() as u64;
        self.cells += rows.iter().map(cells_of_row).sum::<usize>();
        self.is_over_budget |= self.cells > self.max_cells;
        if fence.done_bytes == 0 {
            block.line_rows.push(self.rows.len());
        }
        if is_complete {
            block.text.push_str(text);
            block.text.push('\n');
            fence.done_bytes = 0;
        } else if text.len() > MAX_OPEN_BLOCK && rows.len() > 1 {
            // A very long incomplete line: all its rows but the last are final.
            let last = rows.pop().expect("there are several rows");
            let done = match last.kind {
                RowKind::Code { from, .. } => from as usize - fence.done_bytes,
                _ => 0,
            };
            block.text.push_str(&text[..done]);
            fence.done_bytes += done;
            self.rows.append(&mut rows);
            self.close_fence_lines(text_start + done);
            self.append_code_line(0, self.open.text.len(), false);
            return;
        } else if fence.done_bytes == 0 {
            // The line is shown, and laid out again when it has grown.
            block.line_rows.pop();
        }
        self.rows.append(&mut rows);
    }

    /// Adds a line of a folded diagram, which is counted but not shown.
    fn append_folded_line(&mut self, start: usize, end: usize, is_complete: bool, row: usize) {
        let fence = self.fence.as_mut().expect("only called in a fence");
        let block = self.code_blocks.last_mut().expect("an open fence has a code block");
        let text = &self.open.text[start..end];
        let text = if fence.done_bytes == 0 { without_indent(text, fence.indent) } else { text };
        if !is_complete && text.len() <= MAX_OPEN_BLOCK {
            return;
        }
        self.work.bytes += text.len() as u64;
        if fence.done_bytes == 0 {
            block.line_rows.push(row);
        }
        block.text.push_str(text);
        if is_complete {
            block.text.push('\n');
            fence.done_bytes = 0;
        } else {
            fence.done_bytes += text.len();
            self.close_fence_lines(end);
        }
    }
}

impl OpenFence {
    /// Parses the first line of a fence into the fence and its info string.
    fn parse_opening(line: &str) -> Option<(Self, &str)> {
        let body = line.trim_start_matches(' ');
        let indent = line.len() - body.len();
        let (nesting, info) = FenceNesting::parse(body).filter(|_| indent <= 3)?;
        Some((Self { nesting, indent, done_bytes: 0, folded_diagram: None, open_diagram: None }, info))
    }

    /// Reads the next line; returns whether it is the closing fence.
    fn is_closed_by(&mut self, line: &str) -> bool {
        let body = line.trim_start_matches(' ');
        self.nesting.read(body, line.len() - body.len() <= 3) == FenceLine::End
    }

    /// Whether an incomplete line may become the closing fence, so that it is not shown as code yet.
    fn can_be_closed_by(&self, line: &str) -> bool {
        let body = line.trim_start_matches(' ');
        line.len() - body.len() <= 3 && self.nesting.can_be_ended_by(body)
    }
}

/// Returns a line of code without the indent of its fence.
fn without_indent(line: &str, indent: usize) -> &str {
    let spaces = line.len() - line.trim_start_matches(' ').len();
    &line[spaces.min(indent)..]
}

/// Whether an incomplete line counts as a line: up to three spaces may still be the indent of a closing fence.
fn is_line_begun(line: &str) -> bool {
    line.len() > 3 || !line.trim().is_empty()
}
