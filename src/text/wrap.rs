//! Breaks a text into rows by the rules of Unicode (UAX #14), never inside a cluster.

use std::ops::Range;

use unicode_linebreak::{BreakOpportunity, linebreaks};
use unicode_segmentation::UnicodeSegmentation;

use super::cluster_width;

/// One row of a text: `start..end` is seen, `end..next` are the spaces or the line end at which it broke.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece {
    pub start: usize,
    pub end: usize,
    pub next: usize,
    /// The row ends because the text says so, not for want of room.
    pub hard: bool,
}

/// How much room rows have, and where they may not break.
#[derive(Debug, Clone, Copy)]
pub struct Measure<'a> {
    /// Cells of the first row and of all others.
    pub first: usize,
    pub rest: usize,
    /// No row begins in one of these ranges: citations, which keep to the word before them. In order.
    pub glued: &'a [Range<usize>],
}

/// The rows of a text, in order. An empty text has one empty row, and so has the end of a text that
/// ends with a line end.
///
/// The pieces cover the text without a gap. A row is wider than its room only when the room is
/// narrower than a single cluster.
pub fn wrap(text: &str, measure: Measure) -> Vec<Piece> {
    wrap_on(text, measure, Vec::new(), 0)
}

/// The rows of a text that begins as another does whose rows are known, in the same measure. Those that what comes
/// behind the first `same` bytes cannot change are taken over: a text that grows costs what it grows by.
pub fn wrap_on(text: &str, measure: Measure, mut known: Vec<Piece>, same: usize) -> Vec<Piece> {
    // A row was broken in the light of what came behind it, and it began a word.
    let unchanged = known.partition_point(|piece| piece.next <= same).saturating_sub(LOOKED_AT);
    let kept = known[..unchanged].iter().rposition(|piece| piece.end < piece.next).map_or(0, |last| last + 1);
    known.truncate(kept);
    Rows::after(known, text, measure).until(cluster_width, |_| false)
}

/// The same for clusters that are measured otherwise, and only until a row is the last that is wanted.
pub fn wrap_until(
    text: &str,
    measure: Measure,
    cells_of: fn(&str) -> usize,
    is_last: impl FnMut(&Piece) -> bool,
) -> Vec<Piece> {
    Rows::after(Vec::new(), text, measure).until(cells_of, is_last)
}

/// So many rows behind one may have been looked at when it was broken: a word that did not fit, a sign that combines.
const LOOKED_AT: usize = 3;

/// How many letters and digits of ASCII begin here, in so many cells: no row ends between them, and each takes one. A
/// letter before another script is left out, for a sign may combine with it.
fn letters(bytes: &[u8], room: usize) -> usize {
    let letters = bytes.iter().take(room).take_while(|byte| byte.is_ascii_alphanumeric()).count();
    if bytes.get(letters).is_none_or(u8::is_ascii) { letters } else { letters.saturating_sub(1) }
}

struct Rows<'a> {
    text: &'a str,
    measure: Measure<'a>,
    pieces: Vec<Piece>,
    /// Where the present row begins, and its cells up to the cluster in hand, spaces included.
    start: usize,
    cells: usize,
    /// The last place where it may break, and the cells up to it.
    last: Option<(usize, usize)>,
}

impl<'a> Rows<'a> {
    fn after(pieces: Vec<Piece>, text: &'a str, measure: Measure<'a>) -> Self {
        let start = pieces.last().map_or(0, |piece| piece.next);
        Self { text, measure, pieces, start, cells: 0, last: None }
    }

    fn until(mut self, cells_of: fn(&str) -> usize, mut is_last: impl FnMut(&Piece) -> bool) -> Vec<Piece> {
        let (text, first) = (self.text, self.start);
        let mut breaks = linebreaks(&text[first..]).map(|(to, kind)| (first + to, kind)).peekable();
        let (mut seen, mut at) = (self.pieces.len(), first);
        while let Some((_, cluster)) = super::cluster_indices(&text[at..]).next() {
            while breaks.next_if(|&(to, _)| to < at).is_some() {}
            if let Some((_, kind)) = breaks.next_if(|&(to, _)| to == at) {
                self.opportunity(at, kind);
            }
            let letters = letters(&text.as_bytes()[at..], self.room().saturating_sub(self.cells));
            if letters > 0 {
                self.cells += letters;
                at += letters;
            } else {
                self.cluster(at, cluster, cells_of);
                at += cluster.len();
            }
            while let Some(piece) = self.pieces.get(seen) {
                seen += 1;
                if is_last(piece) {
                    self.pieces.truncate(seen);
                    return self.pieces;
                }
            }
        }
        self.finish()
    }

    fn opportunity(&mut self, at: usize, kind: BreakOpportunity) {
        match kind {
            BreakOpportunity::Mandatory => self.close(at, true),
            // The scheme of an address keeps to its host.
            BreakOpportunity::Allowed
                if at > self.start && self.glue(at).is_none() && !self.text[..at].ends_with("://") =>
            {
                self.last = Some((at, self.cells));
            }
            BreakOpportunity::Allowed => (),
        }
    }

    fn cluster(&mut self, at: usize, cluster: &str, cells_of: fn(&str) -> usize) {
        let cells = if matches!(cluster, "\n" | "\r\n") { 0 } else { cells_of(cluster) };
        // A space at the end of a row hangs in the margin.
        if !matches!(cluster, " " | "\t") && self.cells + cells > self.room() && at > self.start {
            match self.last {
                Some((to, until)) => {
                    self.close(to, false);
                    self.cells -= until;
                    if self.cells + cells > self.room() && at > self.start {
                        self.break_word(at);
                    }
                }
                None => self.break_word(at),
            }
        }
        self.cells += cells;
    }

    /// Breaks a word that is wider than a row, keeping a citation to what is before it.
    fn break_word(&mut self, at: usize) {
        let to = self.glue(at).and_then(|glue| self.before(glue.start)).unwrap_or(at);
        self.close(to, false);
        self.cells = super::width(&self.text[to..at]);
    }

    /// The beginning of the word's last cluster before a citation, if it is not also the row's first.
    fn before(&self, glue: usize) -> Option<usize> {
        let word = self.text.get(self.start..glue)?.trim_end_matches([' ', '\u{a0}']);
        let to = self.start + word.grapheme_indices(true).next_back()?.0;
        (to > self.start).then_some(to)
    }

    fn glue(&self, at: usize) -> Option<&Range<usize>> {
        let index = self.measure.glued.partition_point(|glue| glue.end <= at);
        self.measure.glued.get(index).filter(|glue| glue.start <= at)
    }

    fn room(&self) -> usize {
        if self.pieces.is_empty() { self.measure.first } else { self.measure.rest }
    }

    fn close(&mut self, next: usize, hard: bool) {
        let seen = self.text[self.start..next].trim_end_matches([' ', '\n', '\r']);
        self.pieces.push(Piece { start: self.start, end: self.start + seen.len(), next, hard });
        self.start = next;
        self.last = None;
        if hard {
            self.cells = 0;
        }
    }

    fn finish(mut self) -> Vec<Piece> {
        self.close(self.text.len(), true);
        if self.text.ends_with('\n') {
            self.close(self.text.len(), true);
        }
        self.pieces
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::text::{clean, clusters, width};

    fn rows(text: &str, room: usize) -> Vec<&str> {
        wrap(text, Measure { first: room, rest: room, glued: &[] })
            .iter()
            .map(|piece| &text[piece.start..piece.end])
            .collect()
    }

    #[test]
    fn rows_break_where_unicode_lets_them() {
        assert_eq!(rows("the quick brown fox", 9), ["the quick", "brown fox"]);
        assert_eq!(rows("与中文混排 text", 6), ["与中文", "混排", "text"]);
        assert_eq!(rows("こんにちは、世界。", 10), ["こんにち", "は、世界。"]);
        assert_eq!(rows("well-known words", 8), ["well-", "known", "words"]);
        assert_eq!(rows("one\ntwo\n", 8), ["one", "two", ""]);
        assert_eq!(rows("", 8), [""]);
    }

    #[test]
    fn what_belongs_together_stays_together() {
        for (text, room, expected) in [
            // No row begins with a closing sign, none ends with an opening one.
            ("他说「你好」，然后走了。", 6, &["他说", "「你", "好」，", "然后走", "了。"][..]),
            ("ちょっとキャーッ々", 8, &["ちょっと", "キャーッ々"][..1]),
            ("go (to it) now", 5, &["go", "(to", "it)", "now"]),
            ("a [x], b", 4, &["a", "[x],", "b"]),
            ("is it so ?!", 9, &["is it", "so ?!"]),
            // A number keeps its sign, its unit and its digits.
            ("about $5.00 off", 8, &["about", "$5.00", "off"]),
            ("at 100% or −3.5°C", 7, &["at 100%", "or", "−3.5°C"]),
            ("of 1,234,567 rows", 9, &["of", "1,234,567", "rows"]),
            // Hyphens and slashes may end a row; a no-break space may not.
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
    fn the_first_row_may_have_less_room() {
        let text = "one two three";
        let pieces = wrap(text, Measure { first: 3, rest: 9, glued: &[] });
        assert_eq!(
            pieces,
            [Piece { start: 0, end: 3, next: 4, hard: false }, Piece { start: 4, end: 13, next: 13, hard: true }]
        );
    }

    #[test]
    fn a_glued_range_never_begins_a_row() {
        let text = "network file system [1][2].";
        let glued = [20..23, 23..26];
        let pieces = wrap(text, Measure { first: 19, rest: 19, glued: &glued });
        assert_eq!(
            pieces.iter().map(|p| &text[p.start..p.end]).collect::<Vec<_>>(),
            ["network file", "system [1][2]."]
        );

        let text = "abcdefghij [1]";
        let mark = 11..14;
        let pieces = wrap(text, Measure { first: 10, rest: 10, glued: std::slice::from_ref(&mark) });
        assert_eq!(pieces.iter().map(|p| &text[p.start..p.end]).collect::<Vec<_>>(), ["abcdefghi", "j [1]"]);
    }

    fn wordy() -> impl Strategy<Value = String> {
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
    fn only_the_last_rows_of_a_text_that_grows_are_broken_again() {
        let measure = Measure { first: 10, rest: 10, glued: &[] };
        let before = "some words ".repeat(1000);
        // A sign on every known row: those that still have it were taken over.
        let known: Vec<Piece> = wrap(&before, measure).into_iter().map(|piece| Piece { hard: true, ..piece }).collect();
        let rows = wrap_on(&(before.clone() + "more"), measure, known, before.len());
        let anew = rows.iter().filter(|row| !row.hard).count();
        assert!(rows.len() > 1000 && anew <= 6, "{anew} of {}", rows.len());
    }

    proptest! {
        #[test]
        fn rows_reproduce_the_text_and_keep_to_their_room(text in wordy(), room in 1usize..24) {
            let pieces = wrap(&text, Measure { first: room, rest: room, glued: &[] });
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
        fn a_text_that_grows_or_changes_at_its_end_has_the_rows_that_it_has_at_once(
            before in wordy(), after in wordy(), cut in 0usize..200, room in 1usize..24,
        ) {
            let same = before.floor_char_boundary(cut.min(before.len()));
            let text = [&before[..same], &after].concat();
            let measure = Measure { first: room, rest: room, glued: &[] };
            prop_assert_eq!(wrap_on(&text, measure, wrap(&before, measure), same), wrap(&text, measure));
        }

        #[test]
        fn rows_never_cut_a_cluster(text in wordy(), room in 1usize..24) {
            let boundaries: Vec<usize> = text.grapheme_indices(true).map(|(at, _)| at).chain([text.len()]).collect();
            for piece in wrap(&text, Measure { first: room, rest: room, glued: &[] }) {
                prop_assert!(boundaries.binary_search(&piece.start).is_ok());
            }
        }
    }
}
