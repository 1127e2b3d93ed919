//! How well a document matches: better fields, whole words, more of them, and a younger age count more.

use super::{DocumentField, DocumentMatch, SearchQuery, TextMatch};
use crate::chat::Timestamp;

/// The order of what is found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SearchOrder {
    /// By relevance and age.
    #[default]
    Best,
    Newest,
}

/// After this many days a document counts three quarters of a new one; it never counts less than half.
const HALF_AGE_DAYS: f64 = 90.0;

/// Returns how relevant a match is; only the order counts.
pub fn relevance(query: &SearchQuery, found: &DocumentMatch, at: Timestamp, now: Timestamp) -> f64 {
    let terms = float(query.terms.len().max(1));
    let best = found.texts.iter().map(|text| text_relevance(text, terms)).fold(0.0, f64::max);
    let places: usize = found.texts.iter().map(|text| text.ranges.len()).sum();
    let often = 1.0 + 0.1 * float(places.max(1)).ln();
    let days = now.duration_since(at).as_secs_f64().max(0.0) / 86_400.0;
    best * often * (0.5 + 0.5 / (1.0 + days / HALF_AGE_DAYS))
}

fn text_relevance(text: &TextMatch, terms: f64) -> f64 {
    let field = match text.field {
        DocumentField::Title => 3.0,
        DocumentField::Prompt => 2.0,
        DocumentField::Answer => 1.8,
        DocumentField::File => 1.5,
        DocumentField::Source => 1.2,
        DocumentField::Tool => 1.0,
        DocumentField::Reasoning => 0.8,
    };
    let words = float(text.terms + text.word_starts + text.whole_words) / (3.0 * terms);
    field * words
}

fn float(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}
