//! A search query and its matches in a text.

use std::ops::Range;

use super::{FoldedText, SearchTerm};

/// A search query. It ignores case unless it has an uppercase letter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SearchNeedle {
    chars: Vec<char>,
    case_sensitive: bool,
    /// Looked for instead, each by itself, without regard to case, width and accents.
    terms: Vec<SearchTerm>,
}

impl SearchNeedle {
    pub fn new(query: &str) -> Self {
        let case_sensitive = query.chars().any(char::is_uppercase);
        let chars = query.chars().map(|letter| fold_case(letter, case_sensitive)).collect();
        Self { chars, case_sensitive, terms: Vec::new() }
    }

    /// A query that finds each of several terms.
    pub fn of_terms(terms: Vec<SearchTerm>) -> Self {
        Self { terms, ..Self::default() }
    }

    pub fn is_empty(&self) -> bool {
        self.chars.is_empty() && self.terms.is_empty()
    }

    /// Returns all matches from left to right, without overlaps.
    pub fn find_all(&self, text: &str) -> Vec<Range<usize>> {
        if !self.terms.is_empty() {
            return places_of_terms(&self.terms, text);
        }
        let mut found: Vec<Range<usize>> = Vec::new();
        while let Some(range) = self.find_from(text, found.last().map_or(0, |range| range.end)) {
            found.push(range);
        }
        found
    }

    /// Returns the first match at or after the byte `from`.
    pub fn find_from(&self, text: &str, from: usize) -> Option<Range<usize>> {
        if !self.terms.is_empty() {
            return places_of_terms(&self.terms, text).into_iter().find(|range| range.start >= from);
        }
        let mut pos = from;
        loop {
            let start = self.find_first_char(text, pos)?;
            if let Some(length) = self.match_len(&text[start..]) {
                return Some(start..start + length);
            }
            pos = start + text[start..].chars().next().map_or(1, char::len_utf8);
        }
    }

    /// The next position of the query's first character.
    fn find_first_char(&self, text: &str, from: usize) -> Option<usize> {
        let first = *self.chars.first()?;
        let rest = &text[from..];
        let skipped = if first.is_ascii_alphanumeric() {
            let (lower, upper) =
                (first as u8, if self.case_sensitive { first } else { first.to_ascii_uppercase() } as u8);
            memchr::memchr2(lower, upper, rest.as_bytes())?
        } else {
            rest.char_indices().find(|(_, letter)| fold_case(*letter, self.case_sensitive) == first)?.0
        };
        Some(from + skipped)
    }

    /// The length of the match at the beginning of a text, if there is one.
    fn match_len(&self, text: &str) -> Option<usize> {
        let mut letters = text.char_indices();
        for wanted in &self.chars {
            let (_, letter) = letters.next()?;
            if fold_case(letter, self.case_sensitive) != *wanted {
                return None;
            }
        }
        Some(letters.offset())
    }
}

/// The places of terms in a text, from left to right; those that overlap are one.
pub fn places_of_terms(terms: &[SearchTerm], text: &str) -> Vec<Range<usize>> {
    let folded = FoldedText::new(text);
    let mut places: Vec<Range<usize>> = terms.iter().flat_map(|term| term.places(&folded.text)).collect();
    places.sort_unstable_by_key(|place| (place.start, place.end));
    folded.source_ranges(&places)
}

fn fold_case(letter: char, exact: bool) -> char {
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
        SearchNeedle::new(query).find_all(text).into_iter().map(|range| text[range].to_owned()).collect()
    }

    #[test]
    fn lowercase_matches_any_case_and_uppercase_only_itself() {
        assert_eq!(found("wal", "WAL, Wal and wal"), ["WAL", "Wal", "wal"]);
        assert_eq!(found("Wal", "WAL, Wal and wal"), ["Wal"]);
        assert_eq!(found("über", "Über ÜBER über"), ["Über", "ÜBER", "über"]);
        assert_eq!(found("аб", "АБ аб"), ["АБ", "аб"]);
        assert_eq!(found("日本", "日本語の日本"), ["日本", "日本"]);
        assert_eq!(found("a b", "a\u{a0}b a\nb"), ["a\u{a0}b"]);
    }

    #[test]
    fn terms_are_found_wherever_they_match_and_overlaps_are_one() {
        let terms = ["lock", "ocks", "caf", "n"].map(|word| SearchTerm::word(word).expect("a word"));
        let needle = SearchNeedle::of_terms(terms.to_vec());
        let text = "Locks in a CAFÉ, now";
        let found: Vec<&str> = needle.find_all(text).into_iter().map(|range| &text[range]).collect();
        assert_eq!(found, ["Locks", "CAF", "n"]);
        assert_eq!(needle.find_from(text, 6).map(|range| &text[range]), Some("CAF"));
    }

    #[test]
    fn matches_do_not_overlap_and_never_split_a_character() {
        assert_eq!(SearchNeedle::new("aa").find_all("aaaaa"), [0..2, 2..4]);
        assert_eq!(found("é", "éé e\u{301}"), ["é", "é"]);
        assert_eq!(found("", "text"), [""; 0]);
        assert_eq!(found("longer than the text", "long"), [""; 0]);
        assert_eq!(SearchNeedle::new("a").find_from("abab", 1), Some(2..3));
    }
}
