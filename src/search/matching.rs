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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        chat::Timestamp,
        search::{ConversationFacts, parse_query},
    };

    fn document(texts: &[(DocumentField, &str)]) -> SearchDocument {
        let texts =
            texts.iter().map(|(field, text)| DocumentText { field: *field, text: (*text).to_owned() }).collect();
        let models = vec!["acme/opus-5".to_owned(), "acme/opus-5-2026".to_owned()];
        SearchDocument { texts, models, tags: vec!["#Rust".into(), "async".into()], ..SearchDocument::default() }
    }

    /// The texts that match, with the matches in brackets; `None` if the document does not.
    fn found(query: &str, document: &SearchDocument) -> Option<Vec<String>> {
        let now = Timestamp::UNIX_EPOCH.to_zoned(jiff::tz::TimeZone::UTC);
        let parsed = parse_query(query, &now);
        assert_eq!(parsed.problems, [], "{query}");
        let matched = matches(&parsed.query, document)?;
        let lit = |text: &TextMatch| {
            let mut lit = document.texts[text.index].text.clone();
            for range in text.ranges.iter().rev() {
                lit.insert(range.end, ']');
                lit.insert(range.start, '[');
            }
            lit
        };
        Some(matched.texts.iter().map(lit).collect())
    }

    #[test]
    fn every_term_must_stand_somewhere_in_the_document() {
        let answer = document(&[(DocumentField::Answer, "Advisory **locks**"), (DocumentField::Source, "on NFS")]);
        assert_eq!(found("nfs lock", &answer), Some(vec!["Advisory **[lock]s**".into(), "on [NFS]".into()]));
        assert_eq!(found("nfs locked", &answer), None);
        assert_eq!(found("\"advisory locks\"", &answer), Some(vec!["[Advisory **locks]**".into()]));
    }

    #[test]
    fn short_terms_begin_words_and_signs_stand_anywhere() {
        let prompt = document(&[(DocumentField::Prompt, "to go, ago; c++ snake_go 日本go ภาษาไทย")]);
        assert_eq!(found("go", &prompt), Some(vec!["to [go], ago; c++ snake_[go] 日本[go] ภาษาไทย".into()]));
        assert_eq!(found("本", &prompt), Some(vec!["to go, ago; c++ snake_go 日[本]go ภาษาไทย".into()]));
        assert_eq!(found("ไท", &prompt), Some(vec!["to go, ago; c++ snake_go 日本go ภาษา[ไท]ย".into()]));
        assert_eq!(found("c+ ++", &prompt), Some(vec!["to go, ago; [c++] snake_go 日本go ภาษาไทย".into()]));
        assert_eq!(found("og", &prompt), None);
    }

    #[test]
    fn in_says_where_terms_stand_and_where_excluded_ones_must_not() {
        let answer = document(&[(DocumentField::Answer, "zebra"), (DocumentField::Reasoning, "okapi")]);
        assert!(found("zebra in:answer", &answer).is_some() && found("zebra in:reasoning", &answer).is_none());
        assert!(found("okapi in:answer in:reasoning", &answer).is_some());
        assert!(found("zebra -okapi", &answer).is_none() && found("zebra -okapi in:answer", &answer).is_some());
        assert!(found("okapi -in:reasoning", &answer).is_none() && found("in:tool", &answer).is_none());
    }

    #[test]
    fn filters_that_rule_each_other_out_are_alternatives_and_others_must_all_hold() {
        let answer = document(&[(DocumentField::Answer, "x")]);
        assert!(found("model:OPUS model:gpt", &answer).is_some() && found("model:gpt", &answer).is_none());
        assert!(found("tag:rust tag:async", &answer).is_some() && found("tag:rust tag:draft", &answer).is_none());
        assert!(found("tag:rus", &answer).is_none(), "a tag is whole");
        assert!(found("-model:opus", &answer).is_none() && found("-tag:draft", &answer).is_some());
        assert!(found("cost:>0", &answer).is_none() && found("-cost:>0", &answer).is_some());
        assert!(found("before:1970-01-02 after:1970", &answer).is_some() && found("before:1970", &answer).is_none());
    }

    #[test]
    fn a_title_has_the_model_of_its_conversation() {
        let facts = ConversationFacts {
            model: "acme/small".into(),
            origin: Some("chatgpt".into()),
            ..ConversationFacts::default()
        };
        let title = SearchDocument::of_title("Zebras", Timestamp::UNIX_EPOCH, &facts);
        assert!(found("zebra model:small from:ChatGPT in:title", &title).is_some());
        assert!(found("zebra from:claude", &title).is_none());
    }
}
