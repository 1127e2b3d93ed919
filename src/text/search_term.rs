//! A word or a phrase that is looked for in folded texts.

use std::ops::Range;

use memchr::memmem::Finder;

use super::folding::{LetterKind, fold, letter_kind};

/// A word or a phrase to look for, folded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchTerm {
    pub text: String,
    pub rule: TermRule,
}

/// Where a term may stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TermRule {
    /// Only where a word begins, because it is one or two letters long.
    WordStart,
    Anywhere,
}

impl SearchTerm {
    /// A term of words as typed; `None` if nothing of it can be looked for.
    pub fn word(text: &str) -> Option<Self> {
        let text = fold(text).trim().to_owned();
        let rule = if is_short_word(&text) { TermRule::WordStart } else { TermRule::Anywhere };
        (!text.is_empty()).then_some(Self { text, rule })
    }

    /// A quoted phrase, which matches the text as it stands.
    pub fn phrase(text: &str) -> Option<Self> {
        let text = fold(text).trim().to_owned();
        (!text.is_empty()).then_some(Self { text, rule: TermRule::Anywhere })
    }

    /// The places of the term in a folded text, from left to right.
    pub fn places<'a>(&'a self, folded: &'a str) -> impl Iterator<Item = Range<usize>> + 'a {
        let finder = Finder::new(&self.text);
        let mut position = 0;
        std::iter::from_fn(move || {
            loop {
                let start = position + finder.find(folded.as_bytes().get(position..)?)?;
                position = start + self.text.len();
                if self.rule == TermRule::Anywhere || begins_word(folded, start) {
                    return Some(start..position);
                }
            }
        })
    }
}

/// Whether no letter of the same word stands before a position of a folded text.
pub fn begins_word(folded: &str, position: usize) -> bool {
    folded[..position].chars().next_back().is_none_or(|before| letter_kind(before) != LetterKind::Word)
}

/// Whether a range of a folded text is no part of a longer word.
pub fn is_word(folded: &str, range: &Range<usize>) -> bool {
    begins_word(folded, range.start)
        && folded[range.end..].chars().next().is_none_or(|after| letter_kind(after) != LetterKind::Word)
}

/// Whether a folded term has one or two characters and begins with a letter of a word.
fn is_short_word(folded: &str) -> bool {
    let mut letters = folded.chars().map(letter_kind);
    letters.next() == Some(LetterKind::Word)
        && letters.clone().count() < 2
        && !letters.any(|kind| kind == LetterKind::Sign)
}
