//! The filter of the list: words of a title, and tags after `#`.

use crate::{
    chat::ConversationSummary,
    text::ranking::{self, RankCandidate},
};

/// A conversation that the filter lets through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FilteredRow {
    /// Its index among all conversations.
    pub index: usize,
    /// The clusters of its title that match, in order.
    pub lit: Vec<u32>,
}

/// Returns the conversations that have all tags of the filter and match its words, in the order of the list.
pub(crate) fn filtered_rows(filter: &str, rows: &[ConversationSummary]) -> Vec<FilteredRow> {
    let tags: Vec<&str> = tag_beginnings(filter).collect();
    let words: Vec<&str> = filter.split_whitespace().filter(|word| !word.starts_with('#')).collect();
    let tagged: Vec<usize> =
        (0..rows.len()).filter(|at| tags.iter().all(|tag| rows[*at].filing.has_tag_like(tag))).collect();
    let titles = tagged.iter().map(|at| RankCandidate { title: &rows[*at].title, terms: "" });
    let matches = ranking::rank(&words.join(" "), titles);
    let mut found: Vec<FilteredRow> =
        matches.into_iter().map(|found| FilteredRow { index: tagged[found.index], lit: found.clusters }).collect();
    found.sort_by_key(|found| found.index);
    found
}

/// Returns what the tags of a conversation begin with that the filter asks for, without `#`.
pub(crate) fn tag_beginnings(filter: &str) -> impl Iterator<Item = &str> {
    filter.split_whitespace().filter_map(|word| word.strip_prefix('#'))
}
