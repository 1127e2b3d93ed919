//! What matches: the one definition that every index is held to.

use std::ops::Range;

use super::{DocumentField, DocumentText, SearchDocument, SearchFilter, SearchQuery};
use crate::text::{
    FoldedText,
    search_term::{begins_word, is_word},
};

/// A document that matches, with the places.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct DocumentMatch {
    /// The texts with matches, in the order of the document.
    pub texts: Vec<TextMatch>,
}

/// The matches in one text of a document.
#[derive(Debug, Clone, PartialEq)]
pub struct TextMatch {
    pub field: DocumentField,
    /// The index of the text in the document.
    pub index: usize,
    /// In order and without overlaps, as bytes of the text.
    pub ranges: Vec<Range<usize>>,
    /// How many different terms of the query are in the text.
    pub terms: usize,
    /// How many of them stand there as whole words, and how many at least begin one.
    pub whole_words: usize,
    pub word_starts: usize,
}

/// Returns where a document matches a query; `None` if it does not.
///
/// Every term must stand in one of the texts that are searched, no excluded term in any, and every filter must hold; of
/// filters of one kind that rule each other out, such as two models, one is enough. Terms of one or two letters stand where a word
/// begins, longer ones and phrases anywhere.
pub fn matches(query: &SearchQuery, document: &SearchDocument) -> Option<DocumentMatch> {
    if !passes_filters(query, document) {
        return None;
    }
    let searched = || document.texts.iter().enumerate().filter(|(_, text)| query.searches(text.field));
    if query.is_limited_to_fields() && searched().next().is_none() {
        return None;
    }
    let mut found: Vec<bool> = vec![false; query.terms.len()];
    let mut texts = Vec::new();
    for (index, text) in searched() {
        let folded = FoldedText::new(&text.text);
        if query.excluded_terms.iter().any(|term| term.places(&folded.text).next().is_some()) {
            return None;
        }
        texts.extend(match_text(query, text, &folded, index, &mut found));
    }
    found.iter().all(|found| *found).then_some(DocumentMatch { texts })
}

/// Whether all filters hold, apart from the terms.
pub(super) fn passes_filters(query: &SearchQuery, document: &SearchDocument) -> bool {
    let holds = |filter: &SearchFilter| {
        let mut alternatives = query.filters.iter().filter(|other| *other == filter || filter.is_alternative_to(other));
        alternatives.any(|filter| filter.holds(document))
    };
    let is_excluded = |filter: &SearchFilter| filter.field().is_none() && filter.holds(document);
    query.filters.iter().all(holds) && !query.excluded_filters.iter().any(is_excluded)
}

fn match_text(
    query: &SearchQuery,
    text: &DocumentText,
    folded: &FoldedText,
    index: usize,
    found: &mut [bool],
) -> Option<TextMatch> {
    let mut matched =
        TextMatch { field: text.field, index, ranges: Vec::new(), terms: 0, whole_words: 0, word_starts: 0 };
    let mut ranges: Vec<Range<usize>> = Vec::new();
    for (term, found) in query.terms.iter().zip(found) {
        let before = ranges.len();
        ranges.extend(term.places(&folded.text));
        let new = &ranges[before..];
        if new.is_empty() {
            continue;
        }
        *found = true;
        matched.terms += 1;
        matched.whole_words += usize::from(new.iter().any(|range| is_word(&folded.text, range)));
        matched.word_starts += usize::from(new.iter().any(|range| begins_word(&folded.text, range.start)));
    }
    if ranges.is_empty() {
        return None;
    }
    ranges.sort_unstable_by_key(|range| (range.start, range.end));
    matched.ranges = folded.source_ranges(&ranges);
    Some(matched)
}
