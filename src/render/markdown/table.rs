//! Tables: columns if there is room for them, otherwise one record per row.

use std::ops::Range;

use pulldown_cmark::Alignment;
use ratatui::style::Modifier;

use super::inline::InlineText;
use crate::{
    render::{
        row::{MappedSpans, StyledSpan, TextStyle},
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

/// One row on the screen: its text, and the table row that it ends, if any.
#[derive(Debug)]
pub(crate) struct TableLine {
    pub text: MappedSpans,
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
/// A column narrower than this does not hold cells of more rows than that: records are easier to read.
const NARROW_COLUMN: usize = 24;
const MAX_NARROW_ROWS: usize = 4;

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
            let head_rows = self.head.get(at).map_or(0, |head| cell_lines(head, widths[at]).len());
            let is_tall = widths[at] < NARROW_COLUMN && natural[at] > MAX_NARROW_ROWS * widths[at];
            let is_shrunk = widths[at] < natural[at];
            is_shrunk && (widths[at] < word.min(MAX_WORD_WIDTH) || widths[at] < 8 || head_rows > 2 || is_tall)
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
        let mut rule = MappedSpans::default();
        rule.push_inserted(StyledSpan::new(marks.rule.repeat(total), TextStyle::of(ColourRole::Faint)));
        lines.push(TableLine { text: rule, ended_row: None });
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
        let line = |text: MappedSpans| TableLine { text, ended_row: None };
        for (row, (_, cells)) in self.body.iter().enumerate() {
            if row > 0 {
                lines.push(line(MappedSpans::default()));
            }
            let title = cells.first().into_iter().flat_map(|cell| cell_lines(cell, room));
            lines.extend(title.map(in_bold).map(line));
            for (head, cell) in self.head.iter().zip(cells).skip(1) {
                lines.extend(record_field_lines(head, cell, label_width, room).into_iter().map(line));
            }
            if let Some(last) = lines.last_mut() {
                last.ended_row = Some(row);
            }
        }
        if self.body.is_empty() {
            lines.extend(self.head.iter().flat_map(|cell| cell_lines(cell, room)).map(in_bold).map(line));
        }
        lines
    }
}

fn record_field_lines(head: &InlineText, cell: &InlineText, label_width: usize, room: usize) -> Vec<MappedSpans> {
    let indent = label_width + 2 * COLUMN_GAP;
    if room < indent + 4 {
        return [cell_lines(head, room), cell_lines(cell, room)].concat();
    }
    let names = cell_lines(head, label_width);
    let values = cell_lines(cell, room - indent);
    let line = |nth: usize| {
        let mut text = MappedSpans::default();
        text.push_inserted(spaces(COLUMN_GAP));
        let mut name = names.get(nth).cloned().unwrap_or_default();
        name.spans.iter_mut().for_each(|span| span.style = TextStyle::of(ColourRole::Muted));
        text.append(name);
        if let Some(value) = values.get(nth) {
            text.push_inserted(spaces(indent.saturating_sub(text.width())));
            text.append(value.clone());
        }
        text
    };
    (0..names.len().max(values.len())).map(line).collect()
}

fn spaces(cells: usize) -> StyledSpan {
    StyledSpan::new(" ".repeat(cells), TextStyle::of(ColourRole::Text))
}

/// Returns the rows of a cell.
fn cell_lines(cell: &InlineText, width: usize) -> Vec<MappedSpans> {
    cell.wrapped_lines(width, width).into_iter().map(|line| line.text).collect()
}

fn table_row_lines(cells: &[InlineText], widths: &[usize], sides: &[CellAlign], row: Option<usize>) -> Vec<TableLine> {
    let blocks: Vec<Vec<MappedSpans>> = widths
        .iter()
        .enumerate()
        .map(|(at, &width)| cells.get(at).map_or_else(Vec::new, |cell| cell_lines(cell, width)))
        .collect();
    let height = blocks.iter().map(Vec::len).max().unwrap_or(0).max(1);
    let mut lines = Vec::with_capacity(height);
    for nth in 0..height {
        let mut text = MappedSpans::default();
        let mut pending_spaces = 0;
        for (at, &width) in widths.iter().enumerate() {
            let mut cell = blocks[at].get(nth).cloned().unwrap_or_default();
            if row.is_none() {
                cell = in_bold(cell);
            }
            let used = cell.width();
            let free = width.saturating_sub(used);
            let before = match sides[at] {
                CellAlign::Left => 0,
                CellAlign::Center => free / 2,
                CellAlign::Right(behind) => {
                    let own = cells.get(at).filter(|_| nth + 1 == blocks[at].len()).map_or(0, marks_width);
                    free.saturating_sub(behind - own.min(behind))
                }
            };
            if pending_spaces + before > 0 && !cell.spans.is_empty() {
                text.push_inserted(spaces(pending_spaces + before));
                pending_spaces = 0;
            } else {
                pending_spaces += before;
            }
            text.append(cell);
            pending_spaces += width.saturating_sub(used + before) + COLUMN_GAP;
        }
        lines.push(TableLine { text, ended_row: (nth + 1 == height).then_some(row).flatten() });
    }
    lines
}

fn in_bold(mut text: MappedSpans) -> MappedSpans {
    for span in &mut text.spans {
        span.style.modifiers |= Modifier::BOLD;
    }
    text
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
