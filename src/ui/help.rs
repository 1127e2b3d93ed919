//! The help: all keys by context, the present one first, in as many columns as fit, filtered by typing.

mod pages;
mod view;

use crossterm::event::KeyEvent;
use ratatui::layout::Rect;

use super::{
    Action,
    keymap::{KeyContext, Keymap},
    overlay::{field::TextField, list_browser},
};
use crate::text::ranking::{self, RankCandidate};
pub use view::HelpView;

/// The widest text of a row: with its keys it fits into half of 100 columns.
pub const MAX_WORDS: usize = 29;
/// The widest keys of a row that are not cut at 80 columns.
pub const MAX_KEYS: usize = 16;

/// The state of the help: its sections, what is typed, and the scroll position.
#[derive(Debug, Clone, Default)]
pub struct KeyHelp {
    pub query: TextField,
    /// The present context first.
    pub sections: Vec<KeySection>,
    /// What follows the leader key, by subject.
    pub sequences: Vec<KeySection>,
    /// The leader key.
    pub leader: String,
    top_row: usize,
}

/// The keys of one context or of one subject.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeySection {
    pub title: String,
    /// Where it is, or how to get there.
    pub note: String,
    pub rows: Vec<KeyRow>,
    /// Whether it is on the first page, beside what one needs every day.
    pub is_main: bool,
}

/// Keys, and what they do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyRow {
    pub keys: String,
    pub words: String,
    /// One or two words for a narrow column.
    pub short: String,
}

impl KeyHelp {
    pub fn new(keymap: &Keymap, here: KeyContext) -> Self {
        let (leader, sequences) = pages::sequences(keymap);
        Self { sections: pages::sections(keymap, here), sequences, leader, ..Self::default() }
    }

    /// Does what an action means here.
    pub fn on_action(&mut self, action: Action, screen: Rect) {
        let page = view::body_height(screen);
        if let Some(rows) = list_browser::row_step(action, page) {
            self.scroll(rows, screen);
        }
    }

    /// Scrolls by rows, down if positive, as far as the end.
    pub fn scroll(&mut self, rows: isize, screen: Rect) {
        let last = view::row_count(self, screen).saturating_sub(view::body_height(screen));
        self.top_row = self.top_row.saturating_add_signed(rows).min(last);
    }

    pub fn edit(&mut self, key: KeyEvent) {
        self.query.edit(key);
        self.top_row = 0;
    }

    pub fn paste(&mut self, text: &str) {
        self.query.paste(text);
        self.top_row = 0;
    }

    /// Returns the sections with the rows that match what was typed.
    fn matching(&self, sections: &[KeySection]) -> Vec<KeySection> {
        let query = self.query.text();
        if query.trim().is_empty() {
            return sections.to_vec();
        }
        let found = self.matching_rows(query.trim());
        let keep = |section: &KeySection| {
            let rows = section.rows.iter().filter(|row| found.contains(row)).cloned().collect();
            KeySection { rows, ..section.clone() }
        };
        sections.iter().map(keep).filter(|section| !section.rows.is_empty()).collect()
    }

    /// Returns the rows whose key was typed, else those with what was typed in their words.
    fn matching_rows(&self, query: &str) -> Vec<&KeyRow> {
        let all: Vec<(&KeySection, &KeyRow)> = [&self.sections, &self.sequences]
            .into_iter()
            .flatten()
            .flat_map(|section| section.rows.iter().map(move |row| (section, row)))
            .collect();
        let has_key = |row: &KeyRow| row.keys.split_whitespace().any(|key| key == query);
        let by_key: Vec<&KeyRow> = all.iter().map(|(_, row)| *row).filter(|row| has_key(row)).collect();
        if !by_key.is_empty() {
            return by_key;
        }
        let terms: Vec<String> = all.iter().map(|(section, row)| format!("{} {}", section.title, row.short)).collect();
        let candidates =
            all.iter().zip(&terms).map(|((_, row), terms)| RankCandidate { title: &row.words, terms: terms.as_str() });
        ranking::rank(query, candidates).into_iter().map(|found| all[found.index].1).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::{text, ui::action::ACTIONS};

    fn rows(help: &KeyHelp) -> impl Iterator<Item = &KeyRow> {
        [&help.sections, &help.sequences].into_iter().flatten().flat_map(|section| &section.rows)
    }

    #[test]
    fn no_text_is_wider_than_its_column_in_any_context() {
        for context in KeyContext::ALL {
            let help = KeyHelp::new(&Keymap::default(), context);
            for row in rows(&help) {
                assert!(text::width(&row.words) <= MAX_WORDS, "{context:?}: {} {:?}", row.keys, row.words);
                assert!(text::width(&row.keys) <= MAX_KEYS, "{context:?}: {:?} {}", row.keys, row.words);
                assert!(!row.words.is_empty() && !row.keys.is_empty(), "{row:?}");
            }
        }
    }

    #[test]
    fn every_action_with_keys_is_in_the_help_of_its_context() {
        let keymap = Keymap::default();
        let help = KeyHelp::new(&keymap, KeyContext::Empty);
        let shown: BTreeSet<String> =
            rows(&help).flat_map(|row| row.keys.split_whitespace().map(str::to_owned).collect::<Vec<_>>()).collect();
        for entry in ACTIONS.iter().filter(|entry| !entry.keys.is_empty() && !entry.action.is_numbered()) {
            let keys: Vec<String> =
                entry.keys.iter().filter_map(|(context, _)| keymap.keys_for(*context, entry.action)).collect();
            let is_shown = |keys: &String| {
                pages::short_keys(keys).split_whitespace().next_back().is_some_and(|key| shown.contains(key))
            };
            assert!(keys.iter().any(is_shown), "{}: {keys:?}", entry.name);
        }
    }

    #[test]
    fn the_present_context_comes_first() {
        for (context, title) in [(KeyContext::Transcript, "Reading"), (KeyContext::List, "Conversations")] {
            let help = KeyHelp::new(&Keymap::default(), context);
            assert_eq!((help.sections[0].title.as_str(), help.sections[0].note.as_str()), (title, "you are here"));
        }
    }

    #[test]
    fn a_query_finds_keys_first_and_words_otherwise() {
        let mut help = KeyHelp::new(&Keymap::default(), KeyContext::Empty);
        help.paste("^G");
        let found: Vec<KeySection> = help.matching(&help.sections);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].rows[0].words.contains("$EDITOR"));
        let mut help = KeyHelp::new(&Keymap::default(), KeyContext::Empty);
        help.paste("citation");
        assert!(
            help.matching(&help.sections)
                .iter()
                .flat_map(|section| &section.rows)
                .all(|row| row.words.contains("citation"))
        );
    }
}
