//! The draft in rows: soft wrap by cluster, and where each byte stands.

use std::borrow::Cow;

use crate::text::{self, wrap};

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
    /// And how many bytes of them.
    pub bytes: usize,
}

#[derive(Debug, Clone)]
struct Line {
    text: String,
    /// Where each row of the line starts; never empty.
    starts: Vec<usize>,
}

impl Layout {
    /// Makes the rows fit `lines` in `width` cells. Behind a full row the caret stands in the margin.
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
        let room = width.max(1);
        let replaced = same_before..self.lines.len() - same_after;
        // A line that stands for another one is that line, edited.
        let edited = replaced.len() == changed.len();
        let old = |nth: usize| self.lines.get(same_before + nth).filter(|_| edited);
        let mut bytes = 0;
        let fresh: Vec<Line> = (changed.iter().enumerate())
            .map(|(nth, line)| Line { text: line.clone(), starts: wrap(line, old(nth), room, &mut bytes) })
            .collect();
        self.wrapped += changed.len();
        self.bytes += bytes;
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
        let cell = width(&line.text[start..place.byte]).min(self.width);
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

/// Where the rows of a line start, broken as the sent prompt will be. Blanks at a row's end hang over its edge.
///
/// Of a line that was laid out before, only the rows around what changed are broken again: from a row that begins
/// behind a blank, for nothing before that decides about it, until one that began there before.
fn wrap(line: &str, old: Option<&Line>, room: usize, bytes: &mut usize) -> Vec<usize> {
    let same = old.map_or(Change::default(), |old| Change::between(&old.text, line));
    let mut starts = Vec::new();
    if let Some(old) = old {
        let kept = old.starts.partition_point(|start| *start <= same.before).saturating_sub(3);
        let kept = (0..=kept).rev().find(|at| *at == 0 || begins_anew(line, old.starts[*at])).unwrap_or(0);
        starts.extend_from_slice(&old.starts[..kept]);
        starts.push(if kept == 0 { 0 } else { old.starts[kept] });
    } else {
        starts.push(0);
    }
    let from = starts.last().copied().unwrap_or(0);
    let measure = wrap::Measure { first: room, rest: room, glued: &[] };
    // Where the rows go on as they did, in the old line.
    let mut rejoined = None;
    let pieces = wrap::wrap_until(&line[from..], measure, cluster_cells, |piece| {
        let next = from + piece.next;
        let Some(old) = old.filter(|_| next > line.len() - same.behind && begins_anew(line, next)) else {
            return false;
        };
        rejoined = old.starts.binary_search(&(next + old.text.len() - line.len())).ok();
        rejoined.is_some()
    });
    *bytes += pieces.last().map_or(0, |piece| piece.next);
    starts.extend(pieces.iter().skip(1).map(|piece| from + piece.start));
    if let (Some(at), Some(old)) = (rejoined, old) {
        starts.extend(old.starts[at..].iter().map(|start| start + line.len() - old.text.len()));
    }
    starts
}

/// Whether a row that starts here is broken as if the line began here.
fn begins_anew(line: &str, start: usize) -> bool {
    line[..start].ends_with(' ')
}

/// How many bytes two lines have in common at their beginning and at their end.
#[derive(Debug, Clone, Copy, Default)]
struct Change {
    before: usize,
    behind: usize,
}

impl Change {
    fn between(old: &str, new: &str) -> Self {
        let before = old.bytes().zip(new.bytes()).take_while(|(a, b)| a == b).count();
        let rest = old.len().min(new.len()) - before;
        let behind = old.bytes().rev().zip(new.bytes().rev()).take(rest).take_while(|(a, b)| a == b).count();
        Self { before: new.floor_char_boundary(before), behind }
    }
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
        assert_eq!(rows("the quick brown fox", 10), ["the quick ", "brown fox"]);
        assert_eq!(rows("日本語の敬語", 4), ["日本", "語の", "敬語"]);
        assert_eq!(rows("unbreakable", 4), ["unbr", "eaka", "ble"]);
        assert_eq!(rows("to 日本語", 7), ["to 日本", "語"]);
        assert_eq!(rows("say «yes, I do» and (well) go, 5 km", 9), ["say «yes, ", "I do» and ", "(well) ", "go, 5 km"]);
        assert_eq!(rows("", 8), [""]);
        assert_eq!(rows("日", 1), ["日"]);
    }

    #[test]
    fn blanks_at_the_end_of_a_row_hang_over_its_edge() {
        assert_eq!(rows("abcd    efg", 4), ["abcd    ", "efg"]);
        let mut layout = Layout::default();
        layout.fit(&["abcd    ".to_owned()], 4);
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

    #[test]
    fn a_draft_breaks_where_the_sent_prompt_does() {
        for text in [
            "Why does SELECT count(*) take 1,234.5 ms? See https://x.example/a/b-c?d=e&f=g (or ask).",
            "与中文混排，标点不在行首。「引号」也不在行尾！",
            "a well-known 50 % of $5.00 — e.g. «this» …",
            "👨‍👩‍👧‍👦 🇩🇪🇫🇷 e\u{301}tude שלום עולם مرحبا",
        ] {
            for width in 4..30 {
                let measure = wrap::Measure { first: width, rest: width, glued: &[] };
                let sent: Vec<&str> =
                    wrap::wrap(text, measure).iter().map(|piece| &text[piece.start..piece.next]).collect();
                assert_eq!(rows(text, width), sent, "at {width}");
            }
        }
    }

    #[test]
    fn an_edit_of_a_long_line_breaks_only_the_rows_around_it() {
        let mut line = "some words of prose, as they come ".repeat(3000);
        let mut layout = Layout::default();
        layout.fit(std::slice::from_ref(&line), 98);
        assert_eq!(layout.bytes, line.len());
        for at in [100_000, 50_000, 10] {
            let before = layout.bytes;
            line.insert(at, 'x');
            layout.fit(std::slice::from_ref(&line), 98);
            assert!(layout.bytes - before < 3000, "{} bytes at {at}", layout.bytes - before);
        }
    }

    proptest::proptest! {
        #[test]
        fn an_edited_line_breaks_as_if_it_were_new(
            old in "[a-z ,.()日本👩\u{301}-]{0,60}", at in proptest::prelude::any::<proptest::sample::Index>(),
            cut in 0_usize..6, new in "[a-z ,(日]{0,4}", width in 2_usize..14)
        {
            let from = old.floor_char_boundary(at.index(old.len() + 1));
            let to = old.ceil_char_boundary((from + cut).min(old.len()));
            let edited = [&old[..from], &new, &old[to..]].concat();
            let mut layout = Layout::default();
            layout.fit(&[old], width);
            layout.fit(std::slice::from_ref(&edited), width);
            let mut fresh = Layout::default();
            fresh.fit(&[edited], width);
            proptest::prop_assert_eq!(&layout.lines[0].starts, &fresh.lines[0].starts);
        }
    }
}
