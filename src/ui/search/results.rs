//! What was found, grouped by conversation, and the rows of the list.

use std::ops::Range;

use crate::{
    search::DocumentField,
    store::{FoundConversation, FoundPlace, FoundPortion, SearchTicket},
    text::{self, SearchTerm},
    ui::overlay::list_browser::BrowserRow,
};

/// The results of one search so far.
#[derive(Debug, Clone, Default)]
pub(super) struct FoundList {
    pub ticket: SearchTicket,
    pub groups: Vec<FoundGroup>,
    pub terms: Vec<SearchTerm>,
    /// Nothing more will come.
    pub is_last: bool,
}

/// The places in one conversation, the best ones first.
#[derive(Debug, Clone)]
pub(super) struct FoundGroup {
    pub conversation: FoundConversation,
    /// On one line, clean.
    pub title: String,
    /// The parts of the title that match.
    pub lit: Vec<Range<usize>>,
    pub places: Vec<FoundPlace>,
}

/// A row of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum FoundRow {
    /// The index of a group.
    Heading(usize),
    Place {
        group: usize,
        place: usize,
    },
    /// How many places of a group are not listed.
    More(usize),
    Blank,
}

impl BrowserRow for FoundRow {
    fn is_selectable(&self) -> bool {
        matches!(self, Self::Place { .. })
    }
}

/// The most places that are listed of a conversation.
const MAX_PLACES: usize = 3;

impl FoundList {
    pub(super) fn new(portion: FoundPortion, terms: &[SearchTerm]) -> Self {
        let mut list = Self { ticket: portion.ticket, terms: terms.to_vec(), ..Self::default() };
        list.extend(portion);
        list
    }

    /// Adds a later portion: places of conversations that are listed are counted there.
    pub(super) fn extend(&mut self, portion: FoundPortion) {
        self.is_last = portion.is_last;
        for place in portion.places {
            let known = self.groups.iter_mut().find(|group| group.places[0].conversation == place.conversation);
            if let Some(group) = known {
                group.places.push(place);
                continue;
            }
            let conversation = portion.conversations.get(&place.conversation).cloned().unwrap_or_default();
            let title = text::one_line(&conversation.title);
            let lit = text::places_of_terms(&self.terms, &title);
            self.groups.push(FoundGroup { conversation, title, lit, places: vec![place] });
        }
    }

    pub(super) fn rows(&self) -> Vec<FoundRow> {
        let mut rows = Vec::new();
        for (group, found) in self.groups.iter().enumerate() {
            if group > 0 {
                rows.push(FoundRow::Blank);
            }
            rows.push(FoundRow::Heading(group));
            let listed = found.listed_places();
            let left = found.places.len() - listed.len() - usize::from(found.hides_title());
            rows.extend(listed.into_iter().map(|place| FoundRow::Place { group, place }));
            if left > 0 {
                rows.push(FoundRow::More(left));
            }
        }
        rows
    }

    pub(super) fn place_count(&self) -> usize {
        self.groups.iter().map(|group| group.places.len()).sum()
    }
}

impl FoundGroup {
    /// The indices of the best places, in the order of the conversation. The heading shows a title that matches.
    fn listed_places(&self) -> Vec<usize> {
        let hides_title = self.hides_title();
        let is_listed = |index: &usize| !hides_title || self.places[*index].field != DocumentField::Title;
        let mut best: Vec<usize> = (0..self.places.len()).filter(is_listed).take(MAX_PLACES).collect();
        best.sort_by_key(|index| (self.places[*index].at, self.places[*index].field));
        best
    }

    /// Whether its title matches and need not be a row, because others lead there too.
    fn hides_title(&self) -> bool {
        self.places.len() > 1 && self.places.iter().any(|place| place.field == DocumentField::Title)
    }
}

/// How many conversations begin in the last rows of a list.
pub(super) fn groups_below(rows: &[FoundRow], below: usize) -> usize {
    let hidden = &rows[rows.len().saturating_sub(below)..];
    hidden.iter().filter(|row| matches!(row, FoundRow::Heading(_))).count()
}
