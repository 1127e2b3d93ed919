//! A query, understood: what to look for, and where.

use super::{
    SearchField, SearchFilter,
    folding::{LetterKind, fold, letter_kind},
};

/// What to look for. All terms and filters must hold; of several filters of one kind that cannot hold together, one.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SearchQuery {
    pub terms: Vec<SearchTerm>,
    /// Terms that must not be there.
    pub excluded_terms: Vec<SearchTerm>,
    pub filters: Vec<SearchFilter>,
    pub excluded_filters: Vec<SearchFilter>,
}

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

impl SearchQuery {
    /// Whether there is nothing to look for.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether a kind of text is searched.
    pub fn searches(&self, field: SearchField) -> bool {
        let mut named = self.filters.iter().filter_map(SearchFilter::field).peekable();
        let is_named = named.peek().is_none() || named.any(|named| named == field);
        is_named && self.excluded_filters.iter().filter_map(SearchFilter::field).all(|excluded| excluded != field)
    }

    /// Whether `in:` says where to look.
    pub(super) fn is_limited_to_fields(&self) -> bool {
        self.filters.iter().any(|filter| filter.field().is_some())
    }
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
}

/// Whether a folded term has one or two characters and begins with a letter of a word.
fn is_short_word(folded: &str) -> bool {
    let mut letters = folded.chars().map(letter_kind);
    letters.next() == Some(LetterKind::Word) && letters.clone().count() < 2 && !letters.any(|kind| kind == LetterKind::Sign)
}
