//! What is looked for, and where it stands in a text.

use std::ops::Range;

/// A query. Written in small letters it matches any case.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Needle {
    letters: Vec<char>,
    exact: bool,
}

impl Needle {
    pub fn new(query: &str) -> Self {
        let exact = query.chars().any(char::is_uppercase);
        Self { letters: query.chars().map(|letter| fold(letter, exact)).collect(), exact }
    }

    pub fn is_empty(&self) -> bool {
        self.letters.is_empty()
    }

    /// All its places, from left to right, none over another.
    pub fn places(&self, text: &str) -> Vec<Range<usize>> {
        let mut found: Vec<Range<usize>> = Vec::new();
        while let Some(range) = self.next(text, found.last().map_or(0, |range| range.end)) {
            found.push(range);
        }
        found
    }

    /// Its first place from that byte on.
    pub fn next(&self, text: &str, from: usize) -> Option<Range<usize>> {
        let mut at = from;
        loop {
            let start = self.candidate(text, at)?;
            if let Some(length) = self.end(&text[start..]) {
                return Some(start..start + length);
            }
            at = start + text[start..].chars().next().map_or(1, char::len_utf8);
        }
    }

    /// The next place of its first letter.
    fn candidate(&self, text: &str, from: usize) -> Option<usize> {
        let first = *self.letters.first()?;
        let rest = &text[from..];
        let skipped = if first.is_ascii_alphanumeric() {
            let (small, capital) = (first as u8, if self.exact { first } else { first.to_ascii_uppercase() } as u8);
            memchr::memchr2(small, capital, rest.as_bytes())?
        } else {
            rest.char_indices().find(|(_, letter)| fold(*letter, self.exact) == first)?.0
        };
        Some(from + skipped)
    }

    /// How long it is at the beginning of a text, if it stands there.
    fn end(&self, text: &str) -> Option<usize> {
        let mut letters = text.char_indices();
        for wanted in &self.letters {
            let (_, letter) = letters.next()?;
            if fold(letter, self.exact) != *wanted {
                return None;
            }
        }
        Some(letters.offset())
    }
}

fn fold(letter: char, exact: bool) -> char {
    match letter {
        '\u{a0}' | '\t' => ' ',
        _ if exact => letter,
        _ => letter.to_lowercase().next().unwrap_or(letter),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(query: &str, text: &str) -> Vec<String> {
        Needle::new(query).places(text).into_iter().map(|range| text[range].to_owned()).collect()
    }

    #[test]
    fn small_letters_match_any_case_and_a_capital_only_itself() {
        assert_eq!(found("wal", "WAL, Wal and wal"), ["WAL", "Wal", "wal"]);
        assert_eq!(found("Wal", "WAL, Wal and wal"), ["Wal"]);
        assert_eq!(found("über", "Über ÜBER über"), ["Über", "ÜBER", "über"]);
        assert_eq!(found("аб", "АБ аб"), ["АБ", "аб"]);
        assert_eq!(found("日本", "日本語の日本"), ["日本", "日本"]);
        assert_eq!(found("a b", "a\u{a0}b a\nb"), ["a\u{a0}b"]);
    }

    #[test]
    fn places_do_not_overlap_and_never_cut_a_letter() {
        assert_eq!(Needle::new("aa").places("aaaaa"), [0..2, 2..4]);
        assert_eq!(found("é", "éé e\u{301}"), ["é", "é"]);
        assert_eq!(found("", "text"), [""; 0]);
        assert_eq!(found("longer than the text", "long"), [""; 0]);
        assert_eq!(Needle::new("a").next("abab", 1), Some(2..3));
    }
}
