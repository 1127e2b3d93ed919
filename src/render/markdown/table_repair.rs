//! Makes a table of what was meant as one, and keeps its cells whole.
//!
//! Strict Markdown splits a cell at a pipe inside code or a formula, drops the cells that the head lacks, and reads rows
//! of pipes as prose if the delimiter row is not exactly right. Here a pipe inside code or a formula belongs to its cell;
//! the table is as wide as its widest row; and a delimiter row may have too few cells or too many, dashes of any kind,
//! `=`, `+`, or only colons or spaces. A table may follow a line of text directly.

mod cell_pipes;

use std::ops::Range;

use self::cell_pipes::CellPipes;
use super::{
    prepare::ParserDraft,
    source_lines::{FenceScan, ItemMarker, LineRole, SourceLine, is_rule, source_lines},
};

/// A table is widened up to this many columns.
const MAX_COLUMNS: usize = 64;

/// A line that may be the head of a table.
#[derive(Debug, Clone, Copy)]
struct HeadLine<'a> {
    line: SourceLine<'a>,
    /// The line before it is text of the same paragraph.
    follows_text: bool,
}

/// A table whose rows are being read.
#[derive(Debug)]
struct TableDraft<'a> {
    head: HeadLine<'a>,
    delimiter: SourceLine<'a>,
    head_cells: usize,
    /// The cells of the widest row.
    columns: usize,
}

pub(super) fn repair_tables(draft: &mut ParserDraft) {
    if memchr::memchr2(b'|', b'+', draft.source.as_bytes()).is_none() {
        return;
    }
    let mut scan = FenceScan::new(draft);
    let mut above: Option<HeadLine> = None;
    let mut table: Option<TableDraft> = None;
    for line in source_lines(draft.source) {
        let role = scan.read(&line);
        if let Some(open) = &mut table {
            if role == LineRole::Text && open.has_row(&line) {
                open.add_row(&line, draft);
                continue;
            }
            table.take().into_iter().for_each(|table| table.repair(draft));
        }
        let head = above.take().filter(|_| role == LineRole::Text);
        table = head.and_then(|head| TableDraft::open(head, line, draft));
        let follows_text = head.is_some_and(|head| head.line.quote_depth == line.quote_depth);
        let is_text =
            role == LineRole::Text && !line.is_blank() && !is_rule(line.ink()) && !line.ink().starts_with('#');
        above = (table.is_none() && is_text).then_some(HeadLine { line, follows_text });
    }
    if let Some(table) = table {
        table.repair(draft);
    }
}

impl<'a> TableDraft<'a> {
    /// Opens a table if a line is the delimiter row below its head.
    fn open(head: HeadLine<'a>, delimiter: SourceLine<'a>, draft: &mut ParserDraft) -> Option<Self> {
        let is_delimiter = head.line.quote_depth == delimiter.quote_depth && is_delimiter_row(delimiter.body);
        if !is_delimiter || !head.line.body.contains('|') {
            return None;
        }
        let row = row_of(&head.line);
        let pipes = CellPipes::find(row.1, true);
        let (cells, delimiter_cells) = (pipes.cells(), delimiter_cells(delimiter.body).len());
        let has_dashes = delimiter.body.contains(is_dash);
        if cells < 2 && !row.1.starts_with('|') || !has_dashes && cells != delimiter_cells {
            return None;
        }
        pipes.hide(row.0, cells, draft);
        Some(Self { head, delimiter, head_cells: cells, columns: cells })
    }

    /// Whether a line below the table may be a row of it.
    fn has_row(&self, line: &SourceLine) -> bool {
        let is_block = line.ink().starts_with('#') || is_rule(line.ink()) || ItemMarker::parse(line.ink()).is_some();
        line.quote_depth == self.head.line.quote_depth && !line.is_blank() && !is_block
    }

    fn add_row(&mut self, line: &SourceLine, draft: &mut ParserDraft) {
        let start = line.body_start + line.indent();
        let pipes = CellPipes::find(line.ink(), line.is_complete);
        let is_pipes = pipes.hide(start, self.head_cells, draft);
        let cells = if is_pipes { pipes.filled_cells(line.ink()) } else { 0 };
        self.columns = self.columns.max(cells.min(MAX_COLUMNS));
    }

    /// Gives the head and the delimiter row as many cells as the widest row.
    fn repair(self, draft: &mut ParserDraft) {
        let cells = delimiter_cells(self.delimiter.body);
        let is_strict = is_strict_delimiter(self.delimiter.body, &cells);
        if is_strict && cells.len() == self.columns && self.head_cells == self.columns && !self.head.follows_text {
            return;
        }
        let (head, delimiter) = (self.head.line, self.delimiter);
        if self.head.follows_text && head.ink().starts_with('|') {
            let line_start = draft.source[..head.body_start].rfind('\n').map_or(0, |end| end + 1);
            let marks = draft.source[line_start..head.body_start].to_owned();
            draft.insert(line_start, marks + "\n");
        }
        if self.head_cells < self.columns {
            let text = head.body.trim_end();
            let closing = if text.ends_with('|') && !text.ends_with("\\|") { "" } else { " |" };
            let missing = closing.to_owned() + &" |".repeat(self.columns - self.head_cells);
            draft.insert(head.body_start + text.len(), missing);
        }
        write_delimiter(&delimiter, &cells, self.columns, draft);
    }
}

/// Writes a delimiter row in the parser's syntax, with a number of cells.
fn write_delimiter(line: &SourceLine, cells: &[Range<usize>], columns: usize, draft: &mut ParserDraft) {
    let (start, body) = (line.body_start, line.body);
    for (at, char) in body.char_indices() {
        let stand_in = match char {
            '+' => b'|',
            _ if is_dash(char) => b'-',
            _ => continue,
        };
        if !char.is_ascii() || stand_in != body.as_bytes()[at] {
            draft.bytes_mut()[start + at..start + at + char.len_utf8()].fill(stand_in);
        }
    }
    for cell in cells.iter().take(columns).filter(|cell| !body[(*cell).clone()].contains(is_dash)) {
        // A cell of colons or spaces has no dash yet.
        if cell.is_empty() {
            draft.insert(start + cell.start, "-");
        } else {
            draft.bytes_mut()[start + cell.start..start + cell.end].fill(b'-');
        }
    }
    for surplus in cells.iter().skip(columns) {
        // The pipe before it joins it to the last cell.
        draft.bytes_mut()[start + surplus.start - 1..start + surplus.end].fill(b'-');
    }
    if cells.len() < columns {
        let text = body.trim_end();
        let missing = columns - cells.len();
        let is_closed = text.ends_with(['|', '+']);
        draft.insert(start + text.len(), if is_closed { "-|" } else { "|-" }.repeat(missing));
    }
}

/// Returns where the row in a line begins, without the marker of an item, and its text.
fn row_of<'a>(line: &SourceLine<'a>) -> (usize, &'a str) {
    let mut ink = line.ink();
    while let Some(marker) = ItemMarker::parse(ink) {
        ink = ink[marker.len..].trim_start_matches(' ');
    }
    (line.body_start + line.body.len() - ink.len(), ink)
}

fn is_dash(char: char) -> bool {
    matches!(char, '-' | '–' | '—' | '―' | '−' | '‐' | '‑' | '─' | '=')
}

/// Whether a line consists of the signs of a delimiter row.
fn is_delimiter_row(body: &str) -> bool {
    let body = body.trim();
    let is_sign = |char: char| matches!(char, '|' | ':' | ' ' | '+') || is_dash(char);
    let has_pipe = body.contains('|') || body.contains('+') && body.contains(is_dash) && !body.starts_with('+');
    // Without dashes it must at least look like a row.
    let is_row = body.contains(is_dash) || body.len() > 1 && body.starts_with('|') && body.ends_with('|');
    has_pipe && is_row && body.chars().all(is_sign)
}

fn is_strict_delimiter(body: &str, cells: &[Range<usize>]) -> bool {
    let is_sign = |byte: u8| matches!(byte, b'|' | b'-' | b':' | b' ');
    body.bytes().all(is_sign) && cells.iter().all(|cell| body[cell.clone()].contains('-'))
}

/// Returns the cells of a delimiter row, without their pipes.
fn delimiter_cells(body: &str) -> Vec<Range<usize>> {
    let text = body.trim_end();
    let is_pipe = |byte: u8| matches!(byte, b'|' | b'+');
    let indent = text.len() - text.trim_start().len();
    let first = indent + usize::from(text.as_bytes().get(indent).copied().is_some_and(is_pipe));
    let end = if text.len() > first && text.bytes().last().is_some_and(is_pipe) { text.len() - 1 } else { text.len() };
    let mut cells = Vec::new();
    let mut start = first;
    for at in (first..end).filter(|at| is_pipe(text.as_bytes()[*at])) {
        cells.push(start..at);
        start = at + 1;
    }
    cells.push(start..end.max(start));
    cells
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::work;

    fn repaired(source: &str) -> String {
        let mut draft = ParserDraft::new(source);
        repair_tables(&mut draft);
        draft.finish().text().replace('\u{2}', "¦")
    }

    #[test]
    fn delimiter_rows_that_are_not_quite_right_are_mended() {
        assert_eq!(repaired("|a|b|c|\n|---|---|\n|1|2|3|\n"), "|a|b|c|\n|---|---|-|\n|1|2|3|\n");
        assert_eq!(repaired("|a|b|\n|---|---|---|\n"), "|a|b|\n|---|-------|\n");
        assert_eq!(repaired("| a | b |\n| : | : |\n"), "| a | b |\n|---|---|\n");
        assert_eq!(repaired("|a|b|\n|–|—|\n"), "|a|b|\n|---|---|\n");
        assert_eq!(repaired("a | b\n===|===\n"), "a | b\n---|---\n");
        assert_eq!(repaired("|a|b|\n|---+---|\n"), "|a|b|\n|---|---|\n");
        assert_eq!(repaired(" a | b\n---+---\n 1 | 2\n"), " a | b\n---|---\n 1 | 2\n");
        assert_eq!(repaired("|a|b|\n||:-|\n"), "|a|b|\n|-|:-|\n");
        assert_eq!(repaired("|a|b|\n| | |\n|1|2|\n"), "|a|b|\n|-|-|\n|1|2|\n");
    }

    #[test]
    fn the_table_is_as_wide_as_its_widest_row() {
        assert_eq!(repaired("|a|b|\n|-|-|\n|1|2|3|\n|4|\n"), "|a|b| |\n|-|-|-|\n|1|2|3|\n|4|\n");
        assert_eq!(repaired("a|b\n-|-\n1|2|3\n"), "a|b | |\n-|-|-\n1|2|3\n");
        assert_eq!(repaired("|a|b|\n|-|-|\n|1|2| |\n"), "|a|b|\n|-|-|\n|1|2| |\n", "an empty cell is nothing lost");
    }

    #[test]
    fn pipes_in_code_and_formulas_belong_to_the_cell() {
        assert_eq!(repaired("|a|b|\n|-|-|\n|x|`a|b`|\n"), "|a|b|\n|-|-|\n|x|`a¦b`|\n");
        assert_eq!(repaired("|a|b|\n|-|-|\n|`` `|` ``|$|x|$|\n"), "|a|b|\n|-|-|\n|`` `¦` ``|$¦x¦$|\n");
        assert_eq!(repaired("|a|b|\n|-|-|\n|`a|b`|`c|d"), "|a|b|\n|-|-|\n|`a¦b`|`c¦d", "it is not over yet");
        assert_eq!(repaired("|a|b|\n|-|-|\n|` | `|\n"), "|a|b|\n|-|-|\n|` | `|\n", "two cells with a backtick");
        assert_eq!(repaired("|a|b|\n|-|-|\n|$5|$6|\n|$x|y|$|\n"), "|a|b| |\n|-|-|-|\n|$5|$6|\n|$x|y|$|\n");
        assert_eq!(repaired("|`a|b`|c|\n|-|-|\n"), "|`a¦b`|c|\n|-|-|\n");
    }

    #[test]
    fn a_table_may_follow_text() {
        assert_eq!(repaired("So:\n| a |\n|---|\n"), "So:\n\n| a |\n|---|\n");
        assert_eq!(repaired("> So:\n> | a |\n> |---|\n"), "> So:\n> \n> | a |\n> |---|\n");
    }

    #[test]
    fn other_rows_of_signs_are_no_tables() {
        for source in [
            "```\n|a|b|\n|–|–|\n```\n",
            "a | b\n---\n",
            "a\n---|---\n",
            "+---+---+\n| a | b |\n+---+---+\n",
            "# a | b\n|---|\n",
            "|a|b|\n\n|–|–|\n",
            "- [ ] a | b\n",
        ] {
            assert_eq!(repaired(source), source);
        }
    }

    #[test]
    fn rows_are_read_once() {
        for (what, row) in [("backticks", "`a ``b ```c|"), ("dollars", "$a |$$ \\("), ("pipes", "|a")] {
            let text = |size: usize| format!("|a|\n|-|\n|{}\n", row.repeat(size / row.len()));
            work::assert_linear(what, 4000, text, |text| repair_tables(&mut ParserDraft::new(text)));
        }
    }
}
