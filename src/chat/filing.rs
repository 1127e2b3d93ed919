//! How the user filed a conversation: pinned, tagged, archived.

use super::Timestamp;
use crate::text;

/// What the user did to find a conversation again, or to have it out of the way.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConversationFiling {
    /// Without their `#`, in the order in which they were given, each once.
    pub tags: Vec<String>,
    pub pinned_at: Option<Timestamp>,
    pub archived_at: Option<Timestamp>,
}

/// One change of how a conversation is filed; each is written apart, because another instance may change the others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FilingChange {
    /// All tags that it has from now on.
    Tags(Vec<String>),
    /// When it was pinned; `None` unpins it.
    Pinned(Option<Timestamp>),
    /// When it was archived; `None` brings it back.
    Archived(Option<Timestamp>),
}

impl ConversationFiling {
    pub fn apply(&mut self, change: FilingChange) {
        match change {
            FilingChange::Tags(tags) => self.tags = tags,
            FilingChange::Pinned(at) => self.pinned_at = at,
            FilingChange::Archived(at) => self.archived_at = at,
        }
    }

    /// Returns the change that takes back `change`.
    #[must_use]
    pub fn inverse_of(&self, change: &FilingChange) -> FilingChange {
        match change {
            FilingChange::Tags(_) => FilingChange::Tags(self.tags.clone()),
            FilingChange::Pinned(_) => FilingChange::Pinned(self.pinned_at),
            FilingChange::Archived(_) => FilingChange::Archived(self.archived_at),
        }
    }

    /// Returns whether it has a tag that begins like this, whatever its case.
    pub fn has_tag_like(&self, beginning: &str) -> bool {
        let beginning = beginning.to_lowercase();
        self.tags.iter().any(|tag| tag.to_lowercase().starts_with(&beginning))
    }
}

/// Reads tags as they are typed: separated by blanks or commas, with or without `#`. One that is known already keeps its
/// spelling.
pub fn parse_tags(typed: &str, known: &[String]) -> Vec<String> {
    let mut tags: Vec<String> = Vec::new();
    let cleaned = text::one_line(typed);
    for word in cleaned.split(|letter: char| letter.is_whitespace() || letter == ',') {
        let word = word.trim_matches('#');
        let lower = word.to_lowercase();
        if !word.is_empty() && tags.iter().all(|tag| tag.to_lowercase() != lower) {
            let spelling = known.iter().find(|known| known.to_lowercase() == lower);
            tags.push(spelling.map_or(word, String::as_str).to_owned());
        }
    }
    tags
}

/// Writes tags as they are typed: `#rust #db`.
pub fn tag_words(tags: &[String]) -> String {
    tags.iter().map(|tag| format!("#{tag}")).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_read_with_and_without_their_sign_each_once_and_as_they_are_known() {
        let known = ["Rust", "db"].map(str::to_owned);
        for (typed, expected) in [
            ("#rust #db", vec!["Rust", "db"]),
            ("rust, RUST,new", vec!["Rust", "new"]),
            ("  ", vec![]),
            ("# ,#", vec![]),
            ("c# 日本\t語", vec!["c", "日本", "語"]),
            ("red\u{1b}[31m", vec!["red"]),
        ] {
            assert_eq!(parse_tags(typed, &known), expected, "{typed:?}");
        }
        assert_eq!(tag_words(&["Rust".into(), "db".into()]), "#Rust #db");
    }

    #[test]
    fn every_change_has_an_inverse() {
        let now = Timestamp::UNIX_EPOCH;
        let before = ConversationFiling { tags: vec!["rust".into()], pinned_at: Some(now), archived_at: None };
        for change in [FilingChange::Tags(Vec::new()), FilingChange::Pinned(None), FilingChange::Archived(Some(now))] {
            let mut filing = before.clone();
            let inverse = filing.inverse_of(&change);
            filing.apply(change);
            assert_ne!(filing, before);
            filing.apply(inverse);
            assert_eq!(filing, before);
        }
    }
}
