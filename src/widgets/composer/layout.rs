//! The draft in rows: soft wrap by cluster, and where each byte stands.

use std::borrow::Cow;

use crate::text;

/// A position in the draft: a line, and a byte in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) struct Place {
    pub line: usize,
    pub byte: usize,
}

/// One row: which line it belongs to, and which of its bytes it shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Row {
    pub line: usize,
    pub start: usize,
    pub end: usize,
}

/// All rows of a draft at one width. Only lines that changed are wrapped again.
#[derive(Debug, Clone, Default)]
pub(super) struct Layout {
    width: usize,
    lines: Vec<Line>,
    /// How many rows stand above each line, and at the end how many there are.
    above: Vec<usize>,
    /// How many lines were ever wrapped: tests count them.
    pub wrapped: usize,
}

#[derive(Debug, Clone)]
struct Line {
    text: String,
    /// Where each row of the line starts; never empty.
    starts: Vec<usize>,
}

impl Layout {
    /// Makes the rows fit `lines` in `width` cells. The last cell is kept free for the caret.
    pub fn fit(&mut self, lines: &[String], width: usize) {
        if width != self.width {
            self.lines.clear();
            self.width = width;
        }
        let same_before = self.lines.iter().zip(lines).take_while(|(old, new)| old.text == **new).count();
        let rest = self.lines.len().min(lines.len()) - same_before;
        let same_after = {
            let behind = self.lines.iter().rev().zip(lines.iter().rev());
            behind.take(rest).take_while(|(old, new)| old.text == **new).count()
        };
        let changed = &lines[same_before..lines.len() - same_after];
        if changed.is_empty() && self.lines.len() == lines.len() && !self.above.is_empty() {
            return;
        }
        let room = width.saturating_sub(1).max(1);
        let fresh = changed.iter().map(|line| Line { text: line.clone(), starts: wrap(line, room) });
        let replaced = same_before..self.lines.len() - same_after;
        self.wrapped += changed.len();
        self.lines.splice(replaced, fresh);
        self.above.clear();
        self.above.push(0);
        for line in &self.lines {
            self.above.push(self.above.last().copied().unwrap_or_default() + line.starts.len());
        }
    }

    pub fn rows(&self) -> usize {
        self.above.last().copied().unwrap_or_default().max(1)
    }

    pub fn row(&self, index: usize) -> Option<Row> {
        let line = self.above.partition_point(|above| *above <= index).checked_sub(1)?;
        let of = self.lines.get(line)?;
        let nth = index - self.above[line];
        let end = of.starts.get(nth + 1).copied().unwrap_or(of.text.len());
        Some(Row { line, start: of.starts[nth], end })
    }

    pub fn text_of(&self, row: Row) -> &str {
        &self.lines[row.line].text[row.start..row.end]
    }

    /// The row of a place, and the cell in that row.
    pub fn cell_of(&self, place: Place) -> (usize, usize) {
        let Some(line) = self.lines.get(place.line) else { return (0, 0) };
        let nth = line.starts.partition_point(|start| *start <= place.byte).saturating_sub(1);
        let start = line.starts[nth];
        let cell = width(&line.text[start..place.byte]).min(self.width.saturating_sub(1));
        (self.above[place.line] + nth, cell)
    }

    /// The place nearest to a cell: what a click means, and where Up and Down arrive.
    pub fn place_at(&self, index: usize, cell: usize) -> Place {
        let Some(row) = self.row(index.min(self.rows() - 1)) else { return Place::default() };
        let (mut byte, mut left, mut last) = (row.start, 0, row.start);
        for cluster in text::clusters(self.text_of(row)) {
            let cells = cluster_cells(cluster);
            if left + cells.div_ceil(2) > cell {
                break;
            }
            last = byte;
            left += cells;
            byte += cluster.len();
        }
        // The end of a wrapped row is the start of the next: stay on this one.
        let wraps = byte == row.end && row.end < self.lines[row.line].text.len();
        Place { line: row.line, byte: if wraps { last } else { byte } }
    }
}

/// How a cluster is shown: a tab as blanks, what would steer the terminal made harmless.
pub(in crate::widgets) fn shown(cluster: &str) -> Cow<'_, str> {
    text::clean(cluster)
}

pub(super) fn cluster_cells(cluster: &str) -> usize {
    match cluster.as_bytes() {
        [byte] if (b' '..0x7f).contains(byte) => 1,
        _ => text::width(&shown(cluster)),
    }
}

fn width(part: &str) -> usize {
    text::clusters(part).map(cluster_cells).sum()
}

/// Where the rows of a line start. Blanks at a row's end hang over its edge.
fn wrap(line: &str, room: usize) -> Vec<usize> {
    let mut starts = vec![0];
    let (mut at, mut cells, mut row_start) = (0, 0, 0);
    // The last place in the row where it may be broken, and the cells before it.
    let mut chance: Option<(usize, usize)> = None;
    let mut before_was_wide = false;
    for cluster in text::clusters(line) {
        let wide = cluster_cells(cluster);
        let blank = cluster.starts_with(char::is_whitespace);
        if before_was_wide && !blank && at > row_start {
            chance = Some((at, cells));
        }
        if !blank && cells + wide > room && at > row_start {
            let (start, passed) = chance.take().unwrap_or((at, cells));
            starts.push(start);
            row_start = start;
            cells -= passed;
            // What moved to the next row may still not fit together with this cluster.
            if cells + wide > room && at > row_start {
                starts.push(at);
                row_start = at;
                cells = 0;
            }
        }
        at += cluster.len();
        cells += wide;
        if blank {
            chance = Some((at, cells));
        }
        before_was_wide = wide == 2;
    }
    starts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(line: &str, width: usize) -> Vec<String> {
        let mut layout = Layout::default();
        layout.fit(&[line.to_owned()], width);
        (0..layout.rows()).filter_map(|index| layout.row(index)).map(|row| layout.text_of(row).to_owned()).collect()
    }

    #[test]
    fn rows_break_behind_blanks_and_between_wide_clusters() {
        assert_eq!(rows("the quick brown fox", 11), ["the quick ", "brown fox"]);
        assert_eq!(rows("日本語の敬語", 6), ["日本", "語の", "敬語"]);
        assert_eq!(rows("unbreakable", 5), ["unbr", "eaka", "ble"]);
        assert_eq!(rows("to 日本語", 8), ["to 日本", "語"]);
        assert_eq!(rows("", 8), [""]);
        assert_eq!(rows("日", 1), ["日"]);
    }

    #[test]
    fn blanks_at_the_end_of_a_row_hang_over_its_edge() {
        assert_eq!(rows("abcd    efg", 5), ["abcd    ", "efg"]);
        let mut layout = Layout::default();
        layout.fit(&["abcd    ".to_owned()], 5);
        assert_eq!((layout.rows(), layout.cell_of(Place { line: 0, byte: 8 })), (1, (0, 4)));
    }

    #[test]
    fn an_edit_wraps_its_own_line_and_no_other() {
        let mut lines: Vec<String> = (0..1000).map(|n| format!("line {n} with a few words in it")).collect();
        let mut layout = Layout::default();
        layout.fit(&lines, 20);
        assert_eq!((layout.wrapped, layout.rows()), (1000, 2000));
        lines[500].push('x');
        layout.fit(&lines, 20);
        lines.insert(700, "new".to_owned());
        layout.fit(&lines, 20);
        lines.remove(3);
        layout.fit(&lines, 20);
        layout.fit(&lines, 20);
        assert_eq!((layout.wrapped, layout.rows()), (1002, 1999));
    }

    #[test]
    fn a_place_and_its_cell_agree() {
        let mut layout = Layout::default();
        layout.fit(&["the 日本 family 👨‍👩‍👧‍👦 ends".to_owned(), "\tx".to_owned()], 9);
        for (line, text) in [(0, "the 日本 family 👨‍👩‍👧‍👦 ends"), (1, "\tx")] {
            let mut byte = 0;
            for cluster in text::clusters(text) {
                let (row, cell) = layout.cell_of(Place { line, byte });
                assert_eq!(layout.place_at(row, cell), Place { line, byte }, "{cluster}");
                byte += cluster.len();
            }
        }
        assert_eq!(layout.cell_of(Place { line: 1, byte: 1 }).1, 4);
    }
}
