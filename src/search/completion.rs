//! Completes filters and their values while a query is typed.

use std::ops::Range;

use super::{DocumentFeature, DocumentField, FILTER_NAMES, query_parser::filter_name};
use crate::text::folding::fold;

/// What filters can be completed with, besides what is always known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FilterValues {
    pub models: Vec<String>,
    pub tags: Vec<String>,
    /// The programs that conversations were imported from.
    pub origins: Vec<String>,
}

/// What a part of a query can become.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueryCompletion {
    /// The bytes of the query that each choice replaces.
    pub range: Range<usize>,
    pub choices: Vec<String>,
}

/// The most values that are offered.
const MAX_CHOICES: usize = 50;

/// Returns what the word before the cursor can become; `None` if nothing fits.
pub fn complete(text: &str, cursor: usize, values: &FilterValues) -> Option<QueryCompletion> {
    let before = text.get(..cursor)?;
    let start = before
        .rfind(char::is_whitespace)
        .map_or(0, |space| space + before[space..].chars().next().map_or(1, char::len_utf8));
    let start = start + usize::from(before[start..].starts_with('-'));
    let word = &before[start..];
    let choices: Vec<String> = if let Some((name, value)) = word.split_once(':') {
        let name = filter_name(name)?;
        let fitting = fitting_values(value, &filter_values(name, values));
        fitting.into_iter().map(|value| format!("{name}:{} ", quoted(&value))).collect()
    } else {
        let fits = |name: &&str| name.starts_with(&*word.to_lowercase());
        FILTER_NAMES.into_iter().filter(fits).map(|name| format!("{name}:")).collect()
    };
    (!choices.is_empty()).then_some(QueryCompletion { range: start..cursor, choices })
}

fn filter_values(name: &str, values: &FilterValues) -> Vec<String> {
    let owned = |list: &[&str]| list.iter().map(|value| (*value).to_owned()).collect();
    match name {
        "model" => values.models.clone(),
        "tag" => values.tags.clone(),
        "from" => values.origins.clone(),
        "before" | "after" => owned(&["today", "yesterday", "1w", "1m", "1y"]),
        "cost" => owned(&[">0.01", ">0.1", ">1"]),
        "in" => DocumentField::ALL.map(|field| field.name().to_owned()).to_vec(),
        _ => DocumentFeature::ALL.map(|feature| feature.name().to_owned()).to_vec(),
    }
}

/// The values that begin with what is typed, else those that contain it.
fn fitting_values(typed: &str, values: &[String]) -> Vec<String> {
    let typed = fold(typed.trim_start_matches(['#', '"']));
    let last = |value: &str| fold(value.rsplit('/').next().unwrap_or(value));
    let begun = values.iter().filter(|value| fold(value).starts_with(&typed) || last(value).starts_with(&typed));
    let begun: Vec<String> = begun.take(MAX_CHOICES).cloned().collect();
    if begun.is_empty() {
        values.iter().filter(|value| fold(value).contains(&typed)).take(MAX_CHOICES).cloned().collect()
    } else {
        begun
    }
}

fn quoted(value: &str) -> String {
    if value.contains(char::is_whitespace) { format!("\"{value}\"") } else { value.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choices(text: &str) -> Vec<String> {
        let values = FilterValues {
            models: vec!["acme/opus-5".into(), "acme/opus-4".into(), "other/small".into()],
            tags: vec!["rust".into(), "two words".into()],
            origins: vec![],
        };
        complete(text, text.len(), &values).map(|found| found.choices).unwrap_or_default()
    }

    #[test]
    fn filters_and_their_values_are_completed() {
        assert_eq!(choices("nfs mo"), ["model:"]);
        assert_eq!(choices("").len(), FILTER_NAMES.len());
        assert_eq!(choices("nfs model:op"), ["model:acme/opus-5 ", "model:acme/opus-4 "]);
        assert_eq!(choices("-tag:t"), ["tag:\"two words\" "]);
        assert_eq!(choices("has:c"), ["has:code ", "has:citation "]);
        assert_eq!(choices("in:nowhere"), [""; 0]);
        assert_eq!(choices("std::v"), [""; 0]);
    }

    #[test]
    fn only_the_word_before_the_cursor_is_replaced() {
        let found = complete("nfs -ha later", 7, &FilterValues::default()).expect("a completion");
        assert_eq!((found.range, found.choices), (5..7, vec!["has:".to_owned()]));
    }
}
