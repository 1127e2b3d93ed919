//! The rows of the draft, soft-wrapped by cluster, and the position of each byte.

use std::borrow::Cow;

use crate::text::{self, wrap};

/// A position in the draft: a line, and a byte in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct TextPos {
    pub line: usize,
    pub byte: usize,
}

/// One row: its line, and the bytes of that line that it shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DraftRow {
    pub line: usize,
    pub start: usize,
    pub end: usize,
}

/// All rows of a draft at one width. Only changed lines are wrapped again.
#[derive(Debug, Clone, Default)]
pub(crate) struct DraftLayout {
    width: usize,
    lines: Vec<DraftLine>,
    /// The number of rows above each line, and finally the total.
    rows_above: Vec<usize>,
    /// How many lines were ever wrapped, for tests.
    pub wrapped_lines: usize,
    /// How many bytes were ever wrapped, for tests.
    pub wrapped_bytes: usize,
}

#[derive(Debug, Clone)]
struct DraftLine {
    text: String,
    /// Where each row of the line starts; never empty.
    row_starts: Vec<usize>,
}

impl DraftLayout {
    /// Wraps `lines` to `width` cells. After a full row the caret is in the margin.
    pub(super) fn fit(&mut self, lines: &[String], width: usize) {
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
        if changed.is_empty() && self.lines.len() == lines.len() && !self.rows_above.is_empty() {
            return;
        }
        let room = width.max(1);
        let replaced = same_before..self.lines.len() - same_after;
        // If the number of lines stays the same, each new line is an edit of an old one.
        let is_edit = replaced.len() == changed.len();
        let old = |nth: usize| self.lines.get(same_before + nth).filter(|_| is_edit);
        let mut bytes = 0;
        let fresh: Vec<DraftLine> = (changed.iter().enumerate())
            .map(|(nth, line)| DraftLine {
                text: line.clone(),
                row_starts: wrap_line(line, old(nth), room, &mut bytes),
            })
            .collect();
        self.wrapped_lines += changed.len();
        self.wrapped_bytes += bytes;
        self.lines.splice(replaced, fresh);
        self.rows_above.clear();
        self.rows_above.push(0);
        for line in &self.lines {
            self.rows_above.push(self.rows_above.last().copied().unwrap_or_default() + line.row_starts.len());
        }
    }

    pub(super) fn row_count(&self) -> usize {
        self.rows_above.last().copied().unwrap_or_default().max(1)
    }

    pub(super) fn row(&self, index: usize) -> Option<DraftRow> {
        let line = self.rows_above.partition_point(|above| *above <= index).checked_sub(1)?;
        let draft_line = self.lines.get(line)?;
        let nth = index - self.rows_above[line];
        let end = draft_line.row_starts.get(nth + 1).copied().unwrap_or(draft_line.text.len());
        Some(DraftRow { line, start: draft_line.row_starts[nth], end })
    }

    pub(super) fn text_of(&self, row: DraftRow) -> &str {
        &self.lines[row.line].text[row.start..row.end]
    }

    /// Returns the row of a position, and the cell in that row.
    pub(super) fn cell_of(&self, place: TextPos) -> (usize, usize) {
        let Some(line) = self.lines.get(place.line) else { return (0, 0) };
        let nth = line.row_starts.partition_point(|start| *start <= place.byte).saturating_sub(1);
        let start = line.row_starts[nth];
        let cell = text_width(&line.text[start..place.byte]).min(self.width);
        (self.rows_above[place.line] + nth, cell)
    }

    /// Returns the position nearest to a cell, for clicks and for `Up` and `Down`.
    pub(super) fn pos_at(&self, index: usize, cell: usize) -> TextPos {
        let Some(row) = self.row(index.min(self.row_count() - 1)) else { return TextPos::default() };
        let (mut byte, mut left, mut last) = (row.start, 0, row.start);
        for cluster in text::clusters(self.text_of(row)) {
            let cells = cluster_width(cluster);
            if left + cells.div_ceil(2) > cell {
                break;
            }
            last = byte;
            left += cells;
            byte += cluster.len();
        }
        // The end of a wrapped row is the start of the next: stay on this one.
        let is_wrapped = byte == row.end && row.end < self.lines[row.line].text.len();
        TextPos { line: row.line, byte: if is_wrapped { last } else { byte } }
    }
}

/// Returns the visible form of a cluster: a tab as spaces, control characters made harmless.
pub(crate) fn visible_cluster(cluster: &str) -> Cow<'_, str> {
    text::clean(cluster)
}

pub(crate) fn cluster_width(cluster: &str) -> usize {
    match cluster.as_bytes() {
        [byte] if (b' '..0x7f).contains(byte) => 1,
        _ => text::width(&visible_cluster(cluster)),
    }
}

fn text_width(part: &str) -> usize {
    text::clusters(part).map(cluster_width).sum()
}

/// Returns where the rows of a line start; they break as in the sent prompt. Spaces at the end of a row overhang it.
///
/// In an edited line, only the rows around the edit are wrapped again: from a row that begins after a space, because
/// nothing before the space affects it, to a row that began at the same place before.
fn wrap_line(line: &str, old: Option<&DraftLine>, room: usize, bytes: &mut usize) -> Vec<usize> {
    let shared = old.map_or(SharedEnds::default(), |old| SharedEnds::between(&old.text, line));
    let mut starts = Vec::new();
    if let Some(old) = old {
        let kept = old.row_starts.partition_point(|start| *start <= shared.prefix).saturating_sub(3);
        let kept = (0..=kept).rev().find(|at| *at == 0 || is_clean_break(line, old.row_starts[*at])).unwrap_or(0);
        starts.extend_from_slice(&old.row_starts[..kept]);
        starts.push(if kept == 0 { 0 } else { old.row_starts[kept] });
    } else {
        starts.push(0);
    }
    let from = starts.last().copied().unwrap_or(0);
    let measure = wrap::WrapOptions { first_width: room, rest_width: room, glued: &[] };
    // The index of the old row from which on the rows are unchanged.
    let mut rejoined = None;
    let pieces = wrap::wrap_until(&line[from..], measure, cluster_width, |piece| {
        let next = from + piece.next;
        let Some(old) = old.filter(|_| next > line.len() - shared.suffix && is_clean_break(line, next)) else {
            return false;
        };
        rejoined = old.row_starts.binary_search(&(next + old.text.len() - line.len())).ok();
        rejoined.is_some()
    });
    *bytes += pieces.last().map_or(0, |piece| piece.next);
    starts.extend(pieces.iter().skip(1).map(|piece| from + piece.start));
    if let (Some(at), Some(old)) = (rejoined, old) {
        starts.extend(old.row_starts[at..].iter().map(|start| start + line.len() - old.text.len()));
    }
    starts
}

/// Whether a row at `start` breaks as if the line began there.
fn is_clean_break(line: &str, start: usize) -> bool {
    line[..start].ends_with(' ')
}

/// How many bytes two lines share at the start and at the end.
#[derive(Debug, Clone, Copy, Default)]
struct SharedEnds {
    prefix: usize,
    suffix: usize,
}

impl SharedEnds {
    fn between(old: &str, new: &str) -> Self {
        let before = old.bytes().zip(new.bytes()).take_while(|(a, b)| a == b).count();
        let rest = old.len().min(new.len()) - before;
        let suffix = old.bytes().rev().zip(new.bytes().rev()).take(rest).take_while(|(a, b)| a == b).count();
        Self { prefix: new.floor_char_boundary(before), suffix }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(line: &str, width: usize) -> Vec<String> {
        let mut layout = DraftLayout::default();
        layout.fit(&[line.to_owned()], width);
        (0..layout.row_count())
            .filter_map(|index| layout.row(index))
            .map(|row| layout.text_of(row).to_owned())
            .collect()
    }

    #[test]
    fn rows_break_after_spaces_and_between_wide_clusters() {
        assert_eq!(rows("the quick brown fox", 10), ["the quick ", "brown fox"]);
        assert_eq!(rows("日本語の敬語", 4), ["日本", "語の", "敬語"]);
        assert_eq!(rows("unbreakable", 4), ["unbr", "eaka", "ble"]);
        assert_eq!(rows("to 日本語", 7), ["to 日本", "語"]);
        assert_eq!(rows("say «yes, I do» and (well) go, 5 km", 9), ["say «yes, ", "I do» and ", "(well) ", "go, 5 km"]);
        assert_eq!(rows("", 8), [""]);
        assert_eq!(rows("日", 1), ["日"]);
    }

    #[test]
    fn trailing_spaces_overhang_the_edge_of_a_row() {
        assert_eq!(rows("abcd    efg", 4), ["abcd    ", "efg"]);
        let mut layout = DraftLayout::default();
        layout.fit(&["abcd    ".to_owned()], 4);
        assert_eq!((layout.row_count(), layout.cell_of(TextPos { line: 0, byte: 8 })), (1, (0, 4)));
    }

    #[test]
    fn an_edit_wraps_only_its_own_line() {
        let mut lines: Vec<String> = (0..1000).map(|n| format!("line {n} with a few words in it")).collect();
        let mut layout = DraftLayout::default();
        layout.fit(&lines, 20);
        assert_eq!((layout.wrapped_lines, layout.row_count()), (1000, 2000));
        lines[500].push('x');
        layout.fit(&lines, 20);
        lines.insert(700, "new".to_owned());
        layout.fit(&lines, 20);
        lines.remove(3);
        layout.fit(&lines, 20);
        layout.fit(&lines, 20);
        assert_eq!((layout.wrapped_lines, layout.row_count()), (1002, 1999));
    }

    #[test]
    fn positions_and_cells_map_to_each_other() {
        let mut layout = DraftLayout::default();
        layout.fit(&["the 日本 family 👨‍👩‍👧‍👦 ends".to_owned(), "\tx".to_owned()], 9);
        for (line, text) in [(0, "the 日本 family 👨‍👩‍👧‍👦 ends"), (1, "\tx")] {
            let mut byte = 0;
            for cluster in text::clusters(text) {
                let (row, cell) = layout.cell_of(TextPos { line, byte });
                assert_eq!(layout.pos_at(row, cell), TextPos { line, byte }, "{cluster}");
                byte += cluster.len();
            }
        }
        assert_eq!(layout.cell_of(TextPos { line: 1, byte: 1 }).1, 4);
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
                let measure = wrap::WrapOptions { first_width: width, rest_width: width, glued: &[] };
                let sent: Vec<&str> =
                    wrap::wrap(text, measure).iter().map(|piece| &text[piece.start..piece.next]).collect();
                assert_eq!(rows(text, width), sent, "at {width}");
            }
        }
    }

    #[test]
    fn an_edit_of_a_long_line_wraps_only_nearby_rows() {
        let mut line = "some words of prose, as they come ".repeat(3000);
        let mut layout = DraftLayout::default();
        layout.fit(std::slice::from_ref(&line), 98);
        assert_eq!(layout.wrapped_bytes, line.len());
        for at in [100_000, 50_000, 10] {
            let before = layout.wrapped_bytes;
            line.insert(at, 'x');
            layout.fit(std::slice::from_ref(&line), 98);
            assert!(layout.wrapped_bytes - before < 3000, "{} bytes at {at}", layout.wrapped_bytes - before);
        }
    }

    proptest::proptest! {
        #[test]
        fn an_edited_line_breaks_like_a_new_one(
            old in "[a-z ,.()日本👩\u{301}-]{0,60}", at in proptest::prelude::any::<proptest::sample::Index>(),
            cut in 0_usize..6, new in "[a-z ,(日]{0,4}", width in 2_usize..14)
        {
            let from = old.floor_char_boundary(at.index(old.len() + 1));
            let to = old.ceil_char_boundary((from + cut).min(old.len()));
            let edited = [&old[..from], &new, &old[to..]].concat();
            let mut layout = DraftLayout::default();
            layout.fit(&[old], width);
            layout.fit(std::slice::from_ref(&edited), width);
            let mut fresh = DraftLayout::default();
            fresh.fit(&[edited], width);
            proptest::prop_assert_eq!(&layout.lines[0].row_starts, &fresh.lines[0].row_starts);
        }
    }
}
