//! Breaks a text into lines by the rules of Unicode (UAX #14), never inside a cluster.

use std::ops::Range;

use unicode_linebreak::{BreakOpportunity, linebreaks};
use unicode_segmentation::UnicodeSegmentation;

use super::cluster_width;

/// One line of a wrapped text: `start..end` is visible, `end..next` is the white space at which it broke.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WrappedLine {
    pub start: usize,
    pub end: usize,
    pub next: usize,
    /// The line ends at a line end of the text, not because it is full.
    pub is_hard_break: bool,
}

/// How wide lines may be, and where they may not break.
#[derive(Debug, Clone, Copy)]
pub struct WrapOptions<'a> {
    /// The width of the first line and of all others, in cells.
    pub first_width: usize,
    pub rest_width: usize,
    /// Sorted ranges in which no line may begin: citations, which stay with the word before them.
    pub glued: &'a [Range<usize>],
}

/// Wraps a text. An empty text has one empty line, and a text that ends with a line end has an empty last line.
///
/// The lines cover the text without a gap. A line is wider than its limit only if the limit is narrower than a single
/// cluster.
pub fn wrap(text: &str, measure: WrapOptions) -> Vec<WrappedLine> {
    rewrap(text, measure, Vec::new(), 0)
}

/// Wraps a text that shares its first `same` bytes with a text already wrapped with the same limits. Lines of `known`
/// that the rest of the text cannot change are reused, so a growing text costs only its growth.
pub fn rewrap(text: &str, measure: WrapOptions, mut known: Vec<WrappedLine>, same: usize) -> Vec<WrappedLine> {
    // Where a line broke depended on the text after it. Resume only after a line that broke at white space.
    let unchanged = known.partition_point(|piece| piece.next <= same).saturating_sub(LOOKAHEAD_LINES);
    let reused = known[..unchanged].iter().rposition(|piece| piece.end < piece.next).map_or(0, |last| last + 1);
    known.truncate(reused);
    LineWrapper::resume_after(known, text, measure).lines_until(cluster_width, |_| false)
}

/// Wraps a text with a custom width of clusters, up to and including the first line for which `is_last` is true.
pub fn wrap_until(
    text: &str,
    measure: WrapOptions,
    cells_of: fn(&str) -> usize,
    is_last: impl FnMut(&WrappedLine) -> bool,
) -> Vec<WrappedLine> {
    LineWrapper::resume_after(Vec::new(), text, measure).lines_until(cells_of, is_last)
}

/// How many later lines may have influenced a break: a word that did not fit, a combining character.
const LOOKAHEAD_LINES: usize = 3;

/// The number of leading ASCII letters and digits, at most `room`. Each takes one cell, and no line breaks between them.
/// The last one is left out before a non-ASCII character, which may combine with it.
fn leading_alphanumerics(bytes: &[u8], room: usize) -> usize {
    let letters = bytes.iter().take(room).take_while(|byte| byte.is_ascii_alphanumeric()).count();
    if bytes.get(letters).is_none_or(u8::is_ascii) { letters } else { letters.saturating_sub(1) }
}

struct LineWrapper<'a> {
    text: &'a str,
    measure: WrapOptions<'a>,
    lines: Vec<WrappedLine>,
    /// Where the current line begins, and its cells up to the current cluster, spaces included.
    start: usize,
    cells: usize,
    /// The last position where the line may break, and the cells up to it.
    last_break: Option<(usize, usize)>,
}

impl<'a> LineWrapper<'a> {
    fn resume_after(lines: Vec<WrappedLine>, text: &'a str, measure: WrapOptions<'a>) -> Self {
        let start = lines.last().map_or(0, |piece| piece.next);
        Self { text, measure, lines, start, cells: 0, last_break: None }
    }

    fn lines_until(
        mut self,
        cells_of: fn(&str) -> usize,
        mut is_last: impl FnMut(&WrappedLine) -> bool,
    ) -> Vec<WrappedLine> {
        let (text, first) = (self.text, self.start);
        let mut breaks = linebreaks(&text[first..]).map(|(to, kind)| (first + to, kind)).peekable();
        let (mut checked, mut pos) = (self.lines.len(), first);
        while let Some((_, cluster)) = super::cluster_indices(&text[pos..]).next() {
            while breaks.next_if(|&(to, _)| to < pos).is_some() {}
            if let Some((_, kind)) = breaks.next_if(|&(to, _)| to == pos) {
                self.on_break_opportunity(pos, kind);
            }
            let letters = leading_alphanumerics(&text.as_bytes()[pos..], self.room().saturating_sub(self.cells));
            if letters > 0 {
                self.cells += letters;
                pos += letters;
            } else {
                self.push_cluster(pos, cluster, cells_of);
                pos += cluster.len();
            }
            while let Some(piece) = self.lines.get(checked) {
                checked += 1;
                if is_last(piece) {
                    self.lines.truncate(checked);
                    return self.lines;
                }
            }
        }
        self.finish()
    }

    fn on_break_opportunity(&mut self, pos: usize, kind: BreakOpportunity) {
        match kind {
            BreakOpportunity::Mandatory => self.end_line(pos, true),
            // The scheme of an address stays with its host.
            BreakOpportunity::Allowed
                if pos > self.start && self.glued_range(pos).is_none() && !self.text[..pos].ends_with("://") =>
            {
                self.last_break = Some((pos, self.cells));
            }
            BreakOpportunity::Allowed => (),
        }
    }

    fn push_cluster(&mut self, pos: usize, cluster: &str, cells_of: fn(&str) -> usize) {
        let cells = if matches!(cluster, "\n" | "\r\n") { 0 } else { cells_of(cluster) };
        // A space at the end of a line hangs in the margin.
        if !matches!(cluster, " " | "\t") && self.cells + cells > self.room() && pos > self.start {
            match self.last_break {
                Some((to, until)) => {
                    self.end_line(to, false);
                    self.cells -= until;
                    if self.cells + cells > self.room() && pos > self.start {
                        self.break_word(pos);
                    }
                }
                None => self.break_word(pos),
            }
        }
        self.cells += cells;
    }

    /// Breaks a word that is wider than a line; a citation stays with the cluster before it.
    fn break_word(&mut self, pos: usize) {
        let to = self.glued_range(pos).and_then(|glue| self.last_cluster_before(glue.start)).unwrap_or(pos);
        self.end_line(to, false);
        self.cells = super::width(&self.text[to..pos]);
    }

    /// The start of the last cluster before a citation, unless it is the first of the line.
    fn last_cluster_before(&self, glue: usize) -> Option<usize> {
        let word = self.text.get(self.start..glue)?.trim_end_matches([' ', '\u{a0}']);
        let to = self.start + word.grapheme_indices(true).next_back()?.0;
        (to > self.start).then_some(to)
    }

    fn glued_range(&self, at: usize) -> Option<&Range<usize>> {
        let index = self.measure.glued.partition_point(|glue| glue.end <= at);
        self.measure.glued.get(index).filter(|glue| glue.start <= at)
    }

    fn room(&self) -> usize {
        if self.lines.is_empty() { self.measure.first_width } else { self.measure.rest_width }
    }

    fn end_line(&mut self, next: usize, hard: bool) {
        let visible = self.text[self.start..next].trim_end_matches([' ', '\n', '\r']);
        self.lines.push(WrappedLine { start: self.start, end: self.start + visible.len(), next, is_hard_break: hard });
        self.start = next;
        self.last_break = None;
        if hard {
            self.cells = 0;
        }
    }

    fn finish(mut self) -> Vec<WrappedLine> {
        self.end_line(self.text.len(), true);
        if self.text.ends_with('\n') {
            self.end_line(self.text.len(), true);
        }
        self.lines
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::text::{clean, clusters, width};

    fn rows(text: &str, room: usize) -> Vec<&str> {
        wrap(text, WrapOptions { first_width: room, rest_width: room, glued: &[] })
            .iter()
            .map(|piece| &text[piece.start..piece.end])
            .collect()
    }

    #[test]
    fn lines_break_where_unicode_allows_it() {
        assert_eq!(rows("the quick brown fox", 9), ["the quick", "brown fox"]);
        assert_eq!(rows("与中文混排 text", 6), ["与中文", "混排", "text"]);
        assert_eq!(rows("こんにちは、世界。", 10), ["こんにち", "は、世界。"]);
        assert_eq!(rows("well-known words", 8), ["well-", "known", "words"]);
        assert_eq!(rows("one\ntwo\n", 8), ["one", "two", ""]);
        assert_eq!(rows("", 8), [""]);
    }

    #[test]
    fn text_that_belongs_together_stays_on_one_line() {
        for (text, room, expected) in [
            // No line begins with a closing bracket or ends with an opening one.
            ("他说「你好」，然后走了。", 6, &["他说", "「你", "好」，", "然后走", "了。"][..]),
            ("ちょっとキャーッ々", 8, &["ちょっと", "キャーッ々"][..1]),
            ("go (to it) now", 5, &["go", "(to", "it)", "now"]),
            ("a [x], b", 4, &["a", "[x],", "b"]),
            ("is it so ?!", 9, &["is it", "so ?!"]),
            // A number keeps its sign, its unit and its digits.
            ("about $5.00 off", 8, &["about", "$5.00", "off"]),
            ("at 100% or −3.5°C", 7, &["at 100%", "or", "−3.5°C"]),
            ("of 1,234,567 rows", 9, &["of", "1,234,567", "rows"]),
            // A hyphen or slash may end a line; a no-break space may not.
            ("state-of-the-art", 9, &["state-of-", "the-art"]),
            ("either/or", 7, &["either/", "or"]),
            ("10\u{a0}km/h by car", 8, &["10\u{a0}km/h", "by car"]),
            ("see https://x.example/a/b", 14, &["see", "https://", "x.example/a/b"][..1]),
            ("— and … so", 6, &["— and", "… so"]),
        ] {
            let broken = rows(text, room);
            assert_eq!(broken[..expected.len().min(broken.len())], *expected, "{text} in {room}");
        }
        assert_eq!(rows("see https://x.example/a/b", 20)[1], "https://x.example/a/");
    }

    #[test]
    fn a_long_word_breaks_at_its_clusters() {
        assert_eq!(rows("a abcdefghij b", 4), ["a", "abcd", "efgh", "ij b"]);
        assert_eq!(rows("👨‍👩‍👧‍👦👨‍👩‍👧‍👦👨‍👩‍👧‍👦", 5), ["👨‍👩‍👧‍👦👨‍👩‍👧‍👦", "👨‍👩‍👧‍👦"]);
        assert_eq!(rows("日本", 1), ["日", "本"]);
    }

    #[test]
    fn the_first_line_may_be_narrower() {
        let text = "one two three";
        let pieces = wrap(text, WrapOptions { first_width: 3, rest_width: 9, glued: &[] });
        assert_eq!(
            pieces,
            [
                WrappedLine { start: 0, end: 3, next: 4, is_hard_break: false },
                WrappedLine { start: 4, end: 13, next: 13, is_hard_break: true }
            ]
        );
    }

    #[test]
    fn a_glued_range_never_begins_a_line() {
        let text = "network file system [1][2].";
        let glued = [20..23, 23..26];
        let pieces = wrap(text, WrapOptions { first_width: 19, rest_width: 19, glued: &glued });
        assert_eq!(
            pieces.iter().map(|p| &text[p.start..p.end]).collect::<Vec<_>>(),
            ["network file", "system [1][2]."]
        );

        let text = "abcdefghij [1]";
        let mark = 11..14;
        let pieces = wrap(text, WrapOptions { first_width: 10, rest_width: 10, glued: std::slice::from_ref(&mark) });
        assert_eq!(pieces.iter().map(|p| &text[p.start..p.end]).collect::<Vec<_>>(), ["abcdefghi", "j [1]"]);
    }

    fn any_text() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            "[a-z]{1,12}",
            Just(" ".to_owned()),
            Just("  ".to_owned()),
            Just("\n".to_owned()),
            Just("日本語".to_owned()),
            Just("👨‍👩‍👧".to_owned()),
            Just("🇩🇪🇫🇷".to_owned()),
            Just("e\u{301}".to_owned()),
            Just("-".to_owned()),
            Just("\u{a0}".to_owned()),
            Just("שלום".to_owned()),
            Just("https://a.example/b/c?d=e".to_owned()),
            ".{0,4}",
        ];
        prop::collection::vec(piece, 0..60).prop_map(|pieces| clean(&pieces.concat()).into_owned())
    }

    #[test]
    fn only_the_last_lines_of_a_growing_text_are_wrapped_again() {
        let measure = WrapOptions { first_width: 10, rest_width: 10, glued: &[] };
        let before = "some words ".repeat(1000);
        // Every known line is marked as hard; lines that still have the mark were reused.
        let known: Vec<WrappedLine> =
            wrap(&before, measure).into_iter().map(|piece| WrappedLine { is_hard_break: true, ..piece }).collect();
        let rows = rewrap(&(before.clone() + "more"), measure, known, before.len());
        let anew = rows.iter().filter(|row| !row.is_hard_break).count();
        assert!(rows.len() > 1000 && anew <= 6, "{anew} of {}", rows.len());
    }

    proptest! {
        #[test]
        fn lines_cover_the_text_and_fit_their_width(text in any_text(), room in 1usize..24) {
            let pieces = wrap(&text, WrapOptions { first_width: room, rest_width: room, glued: &[] });
            let mut at = 0;
            for piece in &pieces {
                prop_assert_eq!(piece.start, at);
                prop_assert!(text[piece.end..piece.next].chars().all(|char| matches!(char, ' ' | '\n')));
                at = piece.next;
                let row = &text[piece.start..piece.end];
                prop_assert!(width(row) <= room || clusters(row).count() == 1, "{:?} in {}", row, room);
            }
            prop_assert_eq!(at, text.len());
        }

        #[test]
        fn rewrapping_a_changed_text_equals_wrapping_it_afresh(
            before in any_text(), after in any_text(), cut in 0usize..200, room in 1usize..24,
        ) {
            let same = before.floor_char_boundary(cut.min(before.len()));
            let text = [&before[..same], &after].concat();
            let measure = WrapOptions { first_width: room, rest_width: room, glued: &[] };
            prop_assert_eq!(rewrap(&text, measure, wrap(&before, measure), same), wrap(&text, measure));
        }

        #[test]
        fn lines_never_split_a_cluster(text in any_text(), room in 1usize..24) {
            let boundaries: Vec<usize> = text.grapheme_indices(true).map(|(at, _)| at).chain([text.len()]).collect();
            for piece in wrap(&text, WrapOptions { first_width: room, rest_width: room, glued: &[] }) {
                prop_assert!(boundaries.binary_search(&piece.start).is_ok());
            }
        }
    }
}
