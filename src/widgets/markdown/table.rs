//! Tables: columns where there is room for them, else one record for each row.

use std::ops::Range;

use pulldown_cmark::Alignment;
use ratatui::style::Modifier;

use super::inline::Inline;
use crate::{
    text,
    widgets::{
        row::{Cell, Ink, Span},
        theme::{Marks, Role},
    },
};

/// A table as it was parsed.
#[derive(Debug, Default)]
pub(super) struct Table {
    pub alignments: Vec<Alignment>,
    pub head: Vec<Inline>,
    pub body: Vec<(Range<usize>, Vec<Inline>)>,
}

/// One row of the screen: its spans, and the row of the table that it ends, if it does.
#[derive(Debug)]
pub(super) struct Line {
    pub spans: Vec<Span>,
    pub ends: Option<usize>,
}

/// To which side of its column a cell keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Left,
    Middle,
    /// Behind the words are so many cells for marks, where any cell of the column has them: digits stand under digits.
    Right(usize),
}

/// Between two columns.
const GAP: usize = 2;
/// A column that had to give way is at least as wide as its longest word, up to this.
const WORD: usize = 20;

impl Table {
    pub fn lines(&self, room: usize, marks: &Marks) -> Vec<Line> {
        match self.widths(room) {
            Some(widths) => self.columns(&widths, marks),
            None => self.records(room),
        }
    }

    /// The cells that a column would have, were there room for it.
    fn natural(&self, at: usize) -> usize {
        let behind = match self.side(at) {
            Side::Right(behind) => behind,
            Side::Left | Side::Middle => 0,
        };
        let words = self.column(at).map(|cell| match behind {
            0 => cell.width(),
            _ => cell.width().saturating_sub(marks_of(cell)),
        });
        words.max().unwrap_or(0).max(1) + behind
    }

    /// The cells of each column, if all fit side by side.
    fn widths(&self, room: usize) -> Option<Vec<usize>> {
        let columns = self.head.len();
        let room = room.checked_sub(GAP * columns.saturating_sub(1))?;
        let natural: Vec<usize> = (0..columns).map(|at| self.natural(at)).collect();
        let mut widths = natural.clone();
        let mut open: Vec<usize> = (0..columns).collect();
        let mut left = room;
        // Columns that need less than their share leave the rest to the others.
        while widths.iter().sum::<usize>() > room {
            let share = left / open.len().max(1);
            let (modest, greedy): (Vec<usize>, Vec<usize>) = open.iter().partition(|&&at| natural[at] <= share);
            if modest.is_empty() {
                for (nth, at) in greedy.iter().enumerate() {
                    widths[*at] = share + usize::from(nth < left - share * greedy.len());
                }
                break;
            }
            left -= modest.iter().map(|&at| natural[at]).sum::<usize>();
            open = greedy;
        }
        let cramped = (0..columns).any(|at| {
            let word = self.column(at).map(Inline::longest_word).max().unwrap_or(0);
            widths[at] < natural[at] && (widths[at] < word.min(WORD) || widths[at] < 8)
        });
        (!cramped && widths.iter().sum::<usize>() <= room).then_some(widths)
    }

    fn column(&self, at: usize) -> impl Iterator<Item = &Inline> {
        self.head.get(at).into_iter().chain(self.body.iter().filter_map(move |(_, cells)| cells.get(at)))
    }

    fn columns(&self, widths: &[usize], marks: &Marks) -> Vec<Line> {
        let sides: Vec<Side> = (0..widths.len()).map(|at| self.side(at)).collect();
        let mut lines = side_by_side(&self.head, widths, &sides, None);
        let total = widths.iter().sum::<usize>() + GAP * widths.len().saturating_sub(1);
        lines.push(Line { spans: vec![Span::new(marks.rule.repeat(total), Ink::of(Role::Faint))], ends: None });
        for (at, (_, cells)) in self.body.iter().enumerate() {
            lines.extend(side_by_side(cells, widths, &sides, Some(at)));
        }
        lines
    }

    fn side(&self, at: usize) -> Side {
        let cells = || self.body.iter().filter_map(move |(_, cells)| cells.get(at)).filter(|cell| !cell.is_empty());
        let right = || Side::Right(cells().map(marks_of).max().unwrap_or(0));
        match self.alignments.get(at) {
            Some(Alignment::Right) => right(),
            Some(Alignment::Left) => Side::Left,
            Some(Alignment::Center) => Side::Middle,
            Some(Alignment::None) | None => {
                let is_numbers = cells().next().is_some() && cells().all(|cell| is_number(&cell.text));
                if is_numbers { right() } else { Side::Left }
            }
        }
    }

    fn records(&self, room: usize) -> Vec<Line> {
        let label = self.head.iter().skip(1).map(Inline::width).max().unwrap_or(0).min(room / 3);
        let mut lines = Vec::new();
        for (at, (_, cells)) in self.body.iter().enumerate() {
            if at > 0 {
                lines.push(Line { spans: Vec::new(), ends: None });
            }
            let title = cells.first().into_iter().flat_map(|cell| cell_lines(cell, room, (at + 1, 0)));
            lines.extend(title.map(|spans| Line { spans: emboldened(spans), ends: None }));
            for (column, (head, cell)) in self.head.iter().zip(cells).enumerate().skip(1) {
                lines.extend(record_line(head, cell, label, room, (at + 1, column)));
            }
            if let Some(last) = lines.last_mut() {
                last.ends = Some(at);
            }
        }
        if self.body.is_empty() {
            let heads = self.head.iter().enumerate().flat_map(|(column, cell)| cell_lines(cell, room, (0, column)));
            lines.extend(heads.map(|spans| Line { spans: emboldened(spans), ends: None }));
        }
        lines
    }
}

fn record_line(head: &Inline, cell: &Inline, label: usize, room: usize, at: (usize, usize)) -> Vec<Line> {
    let indent = label + 2 * GAP;
    let of_head = (0, at.1);
    if room < indent + 4 {
        let both = cell_lines(head, room, of_head).into_iter().chain(cell_lines(cell, room, at));
        return both.map(|spans| Line { spans, ends: None }).collect();
    }
    let blanks = |cells: usize| Span::new(" ".repeat(cells), Ink::of(Role::Text));
    let names = cell_lines(head, label, of_head);
    let said = cell_lines(cell, room - indent, at);
    let line = |nth: usize| {
        let mut spans = vec![blanks(GAP)];
        let name = names.get(nth).cloned().unwrap_or_default();
        spans.extend(name.into_iter().map(|span| Span { ink: Ink::of(Role::Muted), ..span }));
        if let Some(said) = said.get(nth) {
            let used = spans.iter().map(Span::width).sum();
            spans.push(blanks(indent.saturating_sub(used)));
            spans.extend_from_slice(said);
        }
        Line { spans, ends: None }
    };
    (0..names.len().max(said.len())).map(line).collect()
}

/// The rows of a cell, whose spans know it by its row and column.
fn cell_lines(cell: &Inline, width: usize, (row, column): (usize, usize)) -> Vec<Vec<Span>> {
    let lines = cell.lines(width, width).into_iter();
    lines
        .map(|line| {
            let cell = Some(Cell { row: row as u32, column: column as u16, joint: line.joint });
            line.spans.into_iter().map(|span| Span { cell, ..span }).collect()
        })
        .collect()
}

fn side_by_side(cells: &[Inline], widths: &[usize], sides: &[Side], row: Option<usize>) -> Vec<Line> {
    let blocks: Vec<Vec<Vec<Span>>> = widths
        .iter()
        .enumerate()
        .map(|(at, &width)| {
            let place = (row.map_or(0, |row| row + 1), at);
            cells.get(at).map_or_else(Vec::new, |cell| cell_lines(cell, width, place))
        })
        .collect();
    let height = blocks.iter().map(Vec::len).max().unwrap_or(0).max(1);
    let mut lines = Vec::with_capacity(height);
    for nth in 0..height {
        let mut spans = Vec::new();
        let mut owed = 0;
        for (at, &width) in widths.iter().enumerate() {
            let mut cell = blocks[at].get(nth).cloned().unwrap_or_default();
            if row.is_none() {
                cell = emboldened(cell);
            }
            let used: usize = cell.iter().map(Span::width).sum();
            let free = width.saturating_sub(used);
            let before = match sides[at] {
                Side::Left => 0,
                Side::Middle => free / 2,
                Side::Right(behind) => {
                    let own = cells.get(at).filter(|_| nth + 1 == blocks[at].len()).map_or(0, marks_of);
                    free.saturating_sub(behind - own.min(behind))
                }
            };
            if owed + before > 0 && !cell.is_empty() {
                spans.push(Span::new(" ".repeat(owed + before), Ink::of(Role::Text)));
                owed = 0;
            } else {
                owed += before;
            }
            spans.extend(cell);
            owed += width.saturating_sub(used + before) + GAP;
        }
        lines.push(Line { spans, ends: (nth + 1 == height).then_some(row).flatten() });
    }
    lines
}

fn emboldened(mut spans: Vec<Span>) -> Vec<Span> {
    for span in &mut spans {
        span.ink.emphasis |= Modifier::BOLD;
    }
    spans
}

/// Whether a cell holds a number, with its sign, unit or currency, and the marks of its sources behind it.
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

/// The cells of the marks of its sources behind the words of a cell.
fn marks_of(cell: &Inline) -> usize {
    text::width(cell.text.trim_end()).saturating_sub(text::width(without_marks(&cell.text)))
}

/// A text without the `[1]` and `[^1]` at its end.
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
    fn numbers_are_told_from_words() {
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
