//! Finding in one conversation: the query, its matches, and the one that is current.

mod hits;
mod lines;
mod view;

use std::ops::Range;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::{
    Spot, Transcript, Wish,
    page::Page,
    place::{Anchor, Part},
    runs,
};
use crate::{
    chat::{MessageId, Slot},
    text::Needle,
    widgets::field::Field,
};
use hits::{Hit, Hits};
pub use view::FindView;

/// A search that goes on while the text is read.
#[derive(Debug, Clone)]
pub struct Find {
    pub(super) field: Field,
    /// The query is being typed; else its matches are walked.
    typing: bool,
    needle: Needle,
    hits: Hits,
    current: Option<Hit>,
    /// Where it began: each letter looks from there.
    origin: Option<Anchor>,
    /// The part that is open for the current match, by the item that folds it.
    pub(super) opened: Option<(MessageId, Slot)>,
    /// The last step went round the end.
    round: Option<Round>,
    /// How many there are, and the number of the current one; as of the last frame.
    count: usize,
    number: usize,
    /// What of the window's rows matches, and whether that is the current match.
    lit: Vec<(Spot, Range<usize>, bool)>,
}

/// Which end was passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Round {
    Top,
    End,
}

impl Transcript {
    /// Begins to look for something, or types the query of a search anew.
    pub fn open_find(&mut self) {
        match &mut self.find {
            Some(find) => find.typing = true,
            None => self.find = Some(Find::new("", self.top)),
        }
    }

    /// The search, while there is one.
    pub fn find(&self) -> Option<&Find> {
        self.find.as_ref()
    }

    /// Ends the search; the window stays, and so does what was opened for the current match.
    pub fn end_find(&mut self) {
        let Some(find) = self.find.take() else { return };
        if let Some((answer, slot)) = find.opened {
            self.folds.toggle_part(answer, slot);
        }
        let query = find.field.text();
        if !query.is_empty() {
            self.looked_for = query;
        }
    }

    /// A key while the query is typed.
    pub fn find_key(&mut self, key: KeyEvent) {
        let Some(find) = &mut self.find else { return };
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            KeyCode::Enter if key.modifiers.contains(KeyModifiers::SHIFT) => self.walk(false),
            KeyCode::Enter if find.field.is_empty() => self.end_find(),
            KeyCode::Enter => find.typing = false,
            KeyCode::Down => self.walk(true),
            KeyCode::Up => self.walk(false),
            KeyCode::Char('n') if control => self.walk(true),
            KeyCode::Char('p') if control => self.walk(false),
            _ => {
                find.field.edit(key);
                self.query_changed();
            }
        }
    }

    pub fn find_paste(&mut self, text: &str) {
        if let Some(find) = &mut self.find {
            find.field.paste(text);
            self.query_changed();
        }
    }

    /// To the next match or the one before; without a search it takes up the last. `false` when there never was one.
    pub fn walk_matches(&mut self, forward: bool) -> bool {
        if self.find.is_none() && !self.looked_for.is_empty() {
            let mut find = Find::new(&self.looked_for, self.top);
            find.typing = false;
            self.find = Some(find);
            self.wishes.push(Wish::Match);
            return true;
        }
        self.walk(forward);
        self.find.is_some()
    }

    /// Some messages were not looked at yet: another frame goes on.
    pub fn is_finding(&self) -> bool {
        self.find.as_ref().is_some_and(|find| !find.needle.is_empty() && !find.hits.complete())
    }

    /// Bytes that the search has looked at, for tests.
    pub fn bytes_looked_at(&self) -> u64 {
        self.find.as_ref().map_or(0, |find| find.hits.bytes)
    }

    fn query_changed(&mut self) {
        let Some(find) = &mut self.find else { return };
        let needle = Needle::new(&find.field.text());
        if needle != find.needle {
            find.needle = needle;
            find.hits = Hits::from(find.origin.map_or(0, |origin| origin.index));
            find.current = None;
            find.round = None;
            self.wishes.push(Wish::Match);
        }
    }

    fn walk(&mut self, forward: bool) {
        let Some(find) = &mut self.find else { return };
        let Some((hit, round)) = find.current.and_then(|current| find.hits.step(current, forward)) else { return };
        find.current = Some(hit);
        find.round = round.then_some(if forward { Round::Top } else { Round::End });
        self.wishes.push(Wish::Match);
    }
}

impl Find {
    fn new(query: &str, origin: Option<Anchor>) -> Self {
        Self {
            field: Field::new(query),
            typing: true,
            needle: Needle::new(query),
            hits: Hits::from(origin.map_or(0, |origin| origin.index)),
            current: None,
            origin,
            opened: None,
            round: None,
            count: 0,
            number: 0,
            lit: Vec::new(),
        }
    }

    /// Whether keys go into the query.
    pub fn types(&self) -> bool {
        self.typing
    }

    /// The row in the window that has the current match.
    pub(super) fn current_row(&self) -> Option<Spot> {
        self.lit.iter().find(|(.., is_current)| *is_current).map(|(spot, ..)| *spot)
    }

    pub(super) fn lit(&self) -> &[(Spot, Range<usize>, bool)] {
        &self.lit
    }
}

impl Page<'_> {
    /// Looks at what is new; the first match becomes the current one.
    pub fn look(&mut self) {
        let Some(mut find) = self.transcript.find.take() else { return };
        if find.needle.is_empty() {
            (find.count, find.number) = (0, 0);
        } else {
            let before = (find.hits.bytes, find.hits.complete());
            find.hits.sync(self.conversation, &find.needle);
            let changed = before != (find.hits.bytes, find.hits.complete());
            if find.current.is_none() {
                let (index, part, source) =
                    find.origin.map_or((0, Part::Head, 0), |origin| (origin.index, origin.part, origin.source));
                find.current = find.hits.behind(index, part, source);
                if find.current.is_some() {
                    self.transcript.wishes.push(Wish::Match);
                }
            }
            if changed || find.number == 0 || self.transcript.wishes.iter().any(|wish| matches!(wish, Wish::Match)) {
                find.count = find.hits.count();
                find.number = find.current.map_or(0, |current| find.hits.before(current) + 1);
            }
        }
        self.transcript.find = Some(find);
    }

    /// Brings the current match into sight, and opens what it is folded in.
    pub fn show_match(&mut self, top: Spot) -> Spot {
        let Some(find) = &mut self.transcript.find else { return top };
        let opened = find.opened.take();
        let current = find.current;
        if let Some((answer, _)) = opened {
            self.lay_out_again(answer);
        }
        let Some(hit) = current else { return top };
        let Some(spot) = self.spot_of(hit).or_else(|| self.open_for(hit)) else { return top };
        self.near(spot, top)
    }

    fn spot_of(&mut self, hit: Hit) -> Option<Spot> {
        let index = self.conversation.branch.iter().position(|id| *id == hit.message)?;
        self.height(index);
        let row = self.transcript.laid.get(&hit.message)?.row_of(hit.part, hit.source)?;
        let spot = Spot { index, row };
        // A diagram is one row that shows none of its lines.
        let shown = self.row(spot).cloned().is_some_and(|row| self.hidden(spot, &row).is_none());
        shown.then_some(spot)
    }

    /// Unfolds what a match stands in.
    fn open_for(&mut self, hit: Hit) -> Option<Spot> {
        let answer = self.conversation.messages.get(&hit.message)?.answer()?;
        let slot = runs::folded_by(answer, hit.part)?;
        self.transcript.find.as_mut()?.opened = Some((hit.message, slot));
        self.lay_out_again(hit.message);
        let spot = self.spot_of(hit);
        if spot.is_none() {
            self.transcript.find.as_mut()?.opened = None;
            self.lay_out_again(hit.message);
        }
        spot
    }

    /// Marks the matches in the window.
    pub fn settle_find(&mut self) {
        let Some(mut find) = self.transcript.find.take() else { return };
        find.lit.clear();
        if !find.needle.is_empty() {
            let rows: Vec<Spot> = self.transcript.shown().map(|(spot, _)| spot).collect();
            let mut done = None;
            for spot in rows {
                if done.is_none_or(|done| spot > done) {
                    done = Some(self.mark_line(&mut find, spot));
                }
            }
        }
        self.transcript.find = Some(find);
    }
}
