//! A piece of a text around its matches, on one line, clean.

use std::{collections::BTreeSet, ops::Range};

use crate::text;

/// One line of a text with the matches in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SearchSnippet {
    pub text: String,
    /// The bytes of `text` that match.
    pub lit: Vec<Range<usize>>,
}

/// The most characters before the first match, so that it stays in sight, and in all.
const LEAD: usize = 32;
const LENGTH: usize = 240;
/// About the bytes of a row behind its first match.
const ROW: usize = 60;

/// Cuts out the part of a text with the most different matches close together.
pub fn snippet(source: &str, ranges: &[Range<usize>]) -> SearchSnippet {
    let first = densest(source, ranges).unwrap_or(0..0);
    let start = lead_start(source, first.start);
    let end = source[start..].char_indices().nth(LENGTH).map_or(source.len(), |(at, _)| start + at).max(first.end);
    let mut made = SearchSnippet::default();
    if start > 0 {
        made.text.push_str("… ");
    }
    let mut position = start;
    for range in ranges.iter().filter(|range| range.start >= start && range.end <= end) {
        made.push(&source[position..range.start]);
        let lit = made.text.len();
        made.push(&source[range.clone()]);
        if made.text.len() > lit {
            made.lit.push(lit..made.text.len());
        }
        position = range.end;
    }
    made.push(&source[position..end]);
    made.text.truncate(made.text.trim_end().len());
    if end < source.len() {
        made.text.push_str(" …");
    }
    made
}

impl SearchSnippet {
    /// Appends a clean text without marks of emphasis, with one space for all white space.
    fn push(&mut self, source: &str) {
        for letter in text::clean(source).replace("**", "").chars().filter(|letter| *letter != '`') {
            if !letter.is_whitespace() {
                self.text.push(letter);
            } else if !self.text.is_empty() && !self.text.ends_with(' ') {
                self.text.push(' ');
            }
        }
    }
}

/// The match that most others follow within a row; different words count before the same one again.
fn densest(source: &str, ranges: &[Range<usize>]) -> Option<Range<usize>> {
    let following = |index: usize| {
        let near = ranges[index..].iter().take_while(|range| range.start < ranges[index].start + ROW);
        let words: Vec<String> = near.take(8).map(|range| source[range.clone()].to_lowercase()).collect();
        (words.iter().collect::<BTreeSet<_>>().len(), words.len())
    };
    // Of equals, the first.
    (0..ranges.len().min(64)).rev().max_by_key(|index| following(*index)).map(|index| ranges[index].clone())
}

/// Where a line begins that shows a position: at the text's beginning or at a word, not in another paragraph.
fn lead_start(source: &str, position: usize) -> usize {
    let lead = source[..position].char_indices().rev().take(LEAD).last().map_or(position, |(at, _)| at);
    if lead == 0 {
        return 0;
    }
    let before = &source[lead..position];
    if let Some(line) = before.rfind('\n') {
        return lead + line + 1;
    }
    before.find(' ').map_or(lead, |space| lead + space + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snippet_begins_near_the_match_and_lights_it() {
        let source =
            format!("{}before the locks on\nNFS are **weak**. {}", "filler words ".repeat(20), "after ".repeat(60));
        let at = source.find("locks").expect("it is there");
        let nfs = source.find("NFS").expect("it is there");
        let made = snippet(&source, &[at..at + 5, nfs..nfs + 3]);
        assert!(made.text.starts_with("… ") && made.text.ends_with(" …"), "{}", made.text);
        assert!(made.text.contains("before the locks on NFS are weak. after"), "{}", made.text);
        assert_eq!(made.lit.iter().map(|lit| &made.text[lit.clone()]).collect::<Vec<_>>(), ["locks", "NFS"]);
    }

    #[test]
    fn a_snippet_controls_no_terminal() {
        let made = snippet("a \u{1b}[31mred\u{7} locks\u{202e}", std::slice::from_ref(&(12..17)));
        assert!(!made.text.chars().any(char::is_control), "{:?}", made.text);
        assert_eq!(&made.text[made.lit[0].clone()], "locks");
    }

    #[test]
    fn different_words_close_together_are_shown_before_one_word_often() {
        let source = format!("locks locks locks. {}NFS has locks.", "filler ".repeat(20));
        let places: Vec<Range<usize>> = ["locks", "NFS"]
            .into_iter()
            .flat_map(|word| source.match_indices(word))
            .map(|(at, word)| at..at + word.len())
            .collect();
        let mut places = places;
        places.sort_by_key(|place| place.start);
        assert!(
            snippet(&source, &places).text.ends_with("filler NFS has locks."),
            "{}",
            snippet(&source, &places).text
        );
    }

    #[test]
    fn a_short_text_is_whole() {
        assert_eq!(snippet("all of it", &[]), SearchSnippet { text: "all of it".into(), lit: vec![] });
    }
}
