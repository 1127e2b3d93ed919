//! Tables: columns if there is room for them, otherwise one record per row.

use std::ops::Range;

use pulldown_cmark::Alignment;
use ratatui::style::Modifier;

use super::inline::InlineText;
use crate::{
    render::{
        row::{StyledSpan, TableCell, TextStyle},
        theme::{ColourRole, ThemeMarks},
    },
    text,
};

/// A parsed table.
#[derive(Debug, Default)]
pub(crate) struct MarkdownTable {
    pub alignments: Vec<Alignment>,
    pub head: Vec<InlineText>,
    pub body: Vec<(Range<usize>, Vec<InlineText>)>,
}

/// One row on the screen: its spans, and the table row that it ends, if any.
#[derive(Debug)]
pub(crate) struct TableLine {
    pub spans: Vec<StyledSpan>,
    pub ended_row: Option<usize>,
}

/// How the cells of a column are aligned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CellAlign {
    Left,
    Center,
    /// This many cells at the right are reserved for citation marks, so that digits line up.
    Right(usize),
}

/// The gap between two columns.
const COLUMN_GAP: usize = 2;
/// A column that had to shrink is at least as wide as its longest word, up to this.
const MAX_WORD_WIDTH: usize = 20;

impl MarkdownTable {
    pub(super) fn to_lines(&self, room: usize, marks: &ThemeMarks) -> Vec<TableLine> {
        match self.column_widths(room) {
            Some(widths) => self.column_lines(&widths, marks),
            None => self.record_lines(room),
        }
    }

    /// Returns the width that a column would have if there was room for it.
    fn natural_width(&self, column: usize) -> usize {
        let mark_cells = match self.alignment_of(column) {
            CellAlign::Right(behind) => behind,
            CellAlign::Left | CellAlign::Center => 0,
        };
        let words = self.column_cells(column).map(|cell| match mark_cells {
            0 => cell.width(),
            _ => cell.width().saturating_sub(marks_width(cell)),
        });
        words.max().unwrap_or(0).max(1) + mark_cells
    }

    /// Returns the width of each column, if all fit side by side.
    fn column_widths(&self, room: usize) -> Option<Vec<usize>> {
        let columns = self.head.len();
        let room = room.checked_sub(COLUMN_GAP * columns.saturating_sub(1))?;
        let natural: Vec<usize> = (0..columns).map(|at| self.natural_width(at)).collect();
        let mut widths = natural.clone();
        let mut flexible: Vec<usize> = (0..columns).collect();
        let mut left = room;
        // Columns that need less than their share leave the rest to the others.
        while widths.iter().sum::<usize>() > room {
            let share = left / flexible.len().max(1);
            let (narrow, wide): (Vec<usize>, Vec<usize>) = flexible.iter().partition(|&&at| natural[at] <= share);
            if narrow.is_empty() {
                for (nth, at) in wide.iter().enumerate() {
                    widths[*at] = share + usize::from(nth < left - share * wide.len());
                }
                break;
            }
            left -= narrow.iter().map(|&at| natural[at]).sum::<usize>();
            flexible = wide;
        }
        let is_cramped = (0..columns).any(|at| {
            let word = self.column_cells(at).map(InlineText::longest_word_width).max().unwrap_or(0);
            widths[at] < natural[at] && (widths[at] < word.min(MAX_WORD_WIDTH) || widths[at] < 8)
        });
        (!is_cramped && widths.iter().sum::<usize>() <= room).then_some(widths)
    }

    fn column_cells(&self, at: usize) -> impl Iterator<Item = &InlineText> {
        self.head.get(at).into_iter().chain(self.body.iter().filter_map(move |(_, cells)| cells.get(at)))
    }

    fn column_lines(&self, widths: &[usize], marks: &ThemeMarks) -> Vec<TableLine> {
        let sides: Vec<CellAlign> = (0..widths.len()).map(|at| self.alignment_of(at)).collect();
        let mut lines = table_row_lines(&self.head, widths, &sides, None);
        let total = widths.iter().sum::<usize>() + COLUMN_GAP * widths.len().saturating_sub(1);
        lines.push(TableLine {
            spans: vec![StyledSpan::new(marks.rule.repeat(total), TextStyle::of(ColourRole::Faint))],
            ended_row: None,
        });
        for (at, (_, cells)) in self.body.iter().enumerate() {
            lines.extend(table_row_lines(cells, widths, &sides, Some(at)));
        }
        lines
    }

    fn alignment_of(&self, column: usize) -> CellAlign {
        let cells = || self.body.iter().filter_map(move |(_, cells)| cells.get(column)).filter(|cell| !cell.is_empty());
        let right = || CellAlign::Right(cells().map(marks_width).max().unwrap_or(0));
        match self.alignments.get(column) {
            Some(Alignment::Right) => right(),
            Some(Alignment::Left) => CellAlign::Left,
            Some(Alignment::Center) => CellAlign::Center,
            Some(Alignment::None) | None => {
                let is_numeric = cells().next().is_some() && cells().all(|cell| is_number(&cell.text));
                if is_numeric { right() } else { CellAlign::Left }
            }
        }
    }

    fn record_lines(&self, room: usize) -> Vec<TableLine> {
        let label_width = self.head.iter().skip(1).map(InlineText::width).max().unwrap_or(0).min(room / 3);
        let mut lines = Vec::new();
        for (row, (_, cells)) in self.body.iter().enumerate() {
            if row > 0 {
                lines.push(TableLine { spans: Vec::new(), ended_row: None });
            }
            let title = cells.first().into_iter().flat_map(|cell| cell_lines(cell, room, (row + 1, 0)));
            lines.extend(title.map(|spans| TableLine { spans: in_bold(spans), ended_row: None }));
            for (column, (head, cell)) in self.head.iter().zip(cells).enumerate().skip(1) {
                lines.extend(record_field_lines(head, cell, label_width, room, (row + 1, column)));
            }
            if let Some(last) = lines.last_mut() {
                last.ended_row = Some(row);
            }
        }
        if self.body.is_empty() {
            let heads = self.head.iter().enumerate().flat_map(|(column, cell)| cell_lines(cell, room, (0, column)));
            lines.extend(heads.map(|spans| TableLine { spans: in_bold(spans), ended_row: None }));
        }
        lines
    }
}

fn record_field_lines(
    head: &InlineText,
    cell: &InlineText,
    label_width: usize,
    room: usize,
    cell_pos: (usize, usize),
) -> Vec<TableLine> {
    let indent = label_width + 2 * COLUMN_GAP;
    let of_head = (0, cell_pos.1);
    if room < indent + 4 {
        let both = cell_lines(head, room, of_head).into_iter().chain(cell_lines(cell, room, cell_pos));
        return both.map(|spans| TableLine { spans, ended_row: None }).collect();
    }
    let spaces = |cells: usize| StyledSpan::new(" ".repeat(cells), TextStyle::of(ColourRole::Text));
    let names = cell_lines(head, label_width, of_head);
    let said = cell_lines(cell, room - indent, cell_pos);
    let line = |nth: usize| {
        let mut spans = vec![spaces(COLUMN_GAP)];
        let name = names.get(nth).cloned().unwrap_or_default();
        spans.extend(name.into_iter().map(|span| StyledSpan { style: TextStyle::of(ColourRole::Muted), ..span }));
        if let Some(said) = said.get(nth) {
            let used = spans.iter().map(StyledSpan::width).sum();
            spans.push(spaces(indent.saturating_sub(used)));
            spans.extend_from_slice(said);
        }
        TableLine { spans, ended_row: None }
    };
    (0..names.len().max(said.len())).map(line).collect()
}

/// Returns the rows of a cell; each span records the row and column of the cell.
fn cell_lines(cell: &InlineText, width: usize, (row, column): (usize, usize)) -> Vec<Vec<StyledSpan>> {
    let lines = cell.wrapped_lines(width, width).into_iter();
    lines
        .map(|line| {
            let cell = Some(TableCell { row: row as u32, column: column as u16, join: line.joint });
            line.spans.into_iter().map(|span| StyledSpan { cell, ..span }).collect()
        })
        .collect()
}

fn table_row_lines(cells: &[InlineText], widths: &[usize], sides: &[CellAlign], row: Option<usize>) -> Vec<TableLine> {
    let blocks: Vec<Vec<Vec<StyledSpan>>> = widths
        .iter()
        .enumerate()
        .map(|(at, &width)| {
            let cell_pos = (row.map_or(0, |row| row + 1), at);
            cells.get(at).map_or_else(Vec::new, |cell| cell_lines(cell, width, cell_pos))
        })
        .collect();
    let height = blocks.iter().map(Vec::len).max().unwrap_or(0).max(1);
    let mut lines = Vec::with_capacity(height);
    for nth in 0..height {
        let mut spans = Vec::new();
        let mut pending_spaces = 0;
        for (at, &width) in widths.iter().enumerate() {
            let mut cell = blocks[at].get(nth).cloned().unwrap_or_default();
            if row.is_none() {
                cell = in_bold(cell);
            }
            let used: usize = cell.iter().map(StyledSpan::width).sum();
            let free = width.saturating_sub(used);
            let before = match sides[at] {
                CellAlign::Left => 0,
                CellAlign::Center => free / 2,
                CellAlign::Right(behind) => {
                    let own = cells.get(at).filter(|_| nth + 1 == blocks[at].len()).map_or(0, marks_width);
                    free.saturating_sub(behind - own.min(behind))
                }
            };
            if pending_spaces + before > 0 && !cell.is_empty() {
                spans.push(StyledSpan::new(" ".repeat(pending_spaces + before), TextStyle::of(ColourRole::Text)));
                pending_spaces = 0;
            } else {
                pending_spaces += before;
            }
            spans.extend(cell);
            pending_spaces += width.saturating_sub(used + before) + COLUMN_GAP;
        }
        lines.push(TableLine { spans, ended_row: (nth + 1 == height).then_some(row).flatten() });
    }
    lines
}

fn in_bold(mut spans: Vec<StyledSpan>) -> Vec<StyledSpan> {
    for span in &mut spans {
        span.style.modifiers |= Modifier::BOLD;
    }
    spans
}

/// Whether a cell contains a number, with its sign, unit or currency and the citation marks after it.
fn is_number(text: &str) -> bool {
    let text = without_marks(text)
        .trim_start()
        .trim_start_matches(['~', '≈', '<', '>', '+', '-', '−', '$', '€', '£', '¥', ' ']);
    let digits =
        text.trim_end_matches(|char: char| char.is_alphabetic() || matches!(char, '%' | ' ' | '/' | '€' | '°' | 'µ'));
    text.len() - digits.len() <= 5
        && digits.starts_with(|char: char| char.is_ascii_digit())
        && digits.chars().all(|char| char.is_ascii_digit() || matches!(char, '.' | ',' | '_' | '\'' | ' ' | ':'))
}

/// Returns the width of the citation marks at the end of a cell.
fn marks_width(cell: &InlineText) -> usize {
    text::width(cell.text.trim_end()).saturating_sub(text::width(without_marks(&cell.text)))
}

/// Returns a text without the `[1]` and `[^1]` at its end.
fn without_marks(text: &str) -> &str {
    let mut text = text.trim_end();
    while let Some((rest, number)) = text.strip_suffix(']').and_then(|text| text.rsplit_once('['))
        && !number.is_empty()
        && number.strip_prefix('^').unwrap_or(number).bytes().all(|byte| byte.is_ascii_digit())
    {
        text = rest.trim_end();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::is_number;

    #[test]
    fn numbers_are_distinguished_from_words() {
        for number in
            ["1", "-3.5", "$0.28", "164k", "12 ms", "~7%", "1,000,000", "−2", "14:02", "1,345 [1]", "7[1][^12]"]
        {
            assert!(is_number(number), "{number}");
        }
        for word in ["", "[1]", "7 [x]", "7 []", "yes", "1st place", "v2", "3 or more cells", "2024-01-01 release"] {
            assert!(!is_number(word), "{word}");
        }
    }
}
