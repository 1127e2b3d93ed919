//! From citation to citation, and the card of the one that is looked at.

use std::collections::BTreeMap;

use super::{Citation, Cursor, Spot, Target, Transcript, Wish, message::Laid, page::Page, signed};
use crate::{
    chat::{Conversation, Message, MessageId, Timestamp},
    widgets::{
        check::{Check, Question, Words},
        citation::{Citations, Source},
    },
};

/// Where the cursor goes among the citations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Walk {
    Next,
    Previous,
    /// To the first citation of a source of an answer.
    To(MessageId, u32),
}

/// What is known of the citations that were looked at.
#[derive(Debug, Clone, Default)]
pub struct Citing {
    /// The card of the citation under the cursor stands open.
    pub open: bool,
    pub checks: BTreeMap<Question, Check>,
    /// A page that no browser opened, and the command that would.
    pub elsewhere: Option<(String, String)>,
    /// Raised by every change.
    rev: u64,
}

/// A citation and everything about its source.
#[derive(Debug, Clone)]
pub struct Cited {
    pub source: Source,
    pub question: Option<Question>,
}

impl Citing {
    /// When this has not changed, nor has the card.
    pub(super) fn key(&self, now: Timestamp) -> Option<(u64, Option<i64>)> {
        let reads = self.checks.values().any(|check| matches!(check, Check::Reading { .. }));
        self.open.then(|| (self.rev, reads.then(|| now.as_second())))
    }
}

impl Transcript {
    /// Goes to another citation at the next `sync`.
    pub fn cite(&mut self, walk: Walk) {
        self.wishes.push(Wish::Walk(walk));
    }

    /// The citation under the cursor.
    pub fn citation(&self) -> Option<(MessageId, Citation)> {
        match self.cursor? {
            Cursor { message, target: Target::Citation(citation) } => Some((message, citation)),
            Cursor {
                target: Target::Message | Target::Reasoning(_) | Target::Call(_) | Target::Item(_) | Target::Code(_),
                ..
            } => None,
        }
    }

    /// Whether the cursor stands on a citation and it, or its card, is in the window.
    pub fn sees_citation(&self) -> bool {
        matches!(self.cursor(), Some(Cursor { target: Target::Citation(_), .. }))
    }

    /// The answer and the number of the source that is looked at.
    pub fn cited_source(&self) -> Option<(MessageId, u32)> {
        let (message, citation) = self.citation()?;
        let number = match citation {
            Citation::Entry(number) => number,
            Citation::Mark { place, annotation } => self.laid.get(&message)?.citations.number_of(place, annotation)?,
        };
        Some((message, number))
    }

    /// Everything about the source that is looked at.
    pub fn cited(&self, conversation: &Conversation) -> Option<Cited> {
        let (message, citation) = self.citation()?;
        let answer = conversation.messages.get(&message).and_then(Message::answer)?;
        let mut citations = Citations::default();
        citations.sync(answer);
        let number = match citation {
            Citation::Entry(number) => number,
            Citation::Mark { place, annotation } => citations.number_of(place, annotation)?,
        };
        let source = citations.sources().iter().find(|source| source.number == number)?.clone();
        let claims = citations.claims(number, answer);
        let question = question(&source, citation, &claims);
        Some(Cited { source, question })
    }

    /// Whether the card of the citation under the cursor stands open.
    pub fn shows_source(&self) -> bool {
        self.citing.open && self.citation().is_some()
    }

    /// Opens or closes the card of the citation under the cursor; what stands above it stays.
    pub fn open_source(&mut self, open: bool) {
        if self.citing.open != open {
            self.citing.open = open;
            self.citing.rev += 1;
            self.hold_still();
        }
        // One that closes out of sight takes nobody back to it.
        if open || self.sees_citation() {
            self.wishes.push(Wish::Reveal);
        }
    }

    /// How far a check is, if it was begun.
    pub fn check(&self, question: &Question) -> Option<&Check> {
        self.citing.checks.get(question)
    }

    /// Opens the card of a mark that was clicked, or closes it.
    pub fn click_source(&mut self, cursor: Cursor) {
        let open = !(self.shows_source() && self.cursor == Some(cursor));
        self.point_at(Some(cursor));
        self.open_source(open);
        self.changed();
    }

    /// Keeps what is known of a check; `None` forgets it.
    pub fn set_check(&mut self, question: Question, check: Option<Check>) {
        match check {
            Some(check) => self.citing.checks.insert(question, check),
            None => self.citing.checks.remove(&question),
        };
        self.changed();
    }

    /// A page could not be opened here; this command opens it elsewhere.
    pub fn opens_elsewhere(&mut self, url: String, command: String) {
        self.citing.elsewhere = Some((url, command));
        self.changed();
    }

    fn changed(&mut self) {
        self.citing.rev += 1;
        if self.citing.open {
            self.hold_still();
            self.wishes.push(Wish::ShowCard);
        }
    }

    /// Checks that are under way, since when.
    pub fn reads(&self) -> impl Iterator<Item = Timestamp> {
        self.citing.checks.values().filter_map(|check| match check {
            Check::Reading { since } => Some(*since),
            Check::Asks { .. } | Check::Read { .. } | Check::Unread { .. } => None,
        })
    }
}

/// What a check of a citation looks for, where it has a page.
pub(super) fn question(
    source: &Source,
    citation: Citation,
    claims: &[crate::widgets::citation::Claim],
) -> Option<Question> {
    let url = source.page()?.to_owned();
    let here = |claim: &&crate::widgets::citation::Claim| {
        citation == Citation::Mark { place: claim.place, annotation: claim.annotation }
    };
    let claim = || {
        let claim = claims.iter().find(here).or(claims.first()).filter(|claim| !claim.words.is_empty())?;
        Some(Words::Claim(claim.words.clone()))
    };
    let words = source.excerpt.clone().map(Words::Excerpt).or_else(claim)?;
    Some(Question { url, words })
}

impl Page<'_> {
    /// Puts the cursor on another citation; the window moves only where that is not in it.
    pub fn walk(&mut self, walk: Walk, top: Spot) -> Spot {
        let found = match walk {
            Walk::Next => self.next_citation(top),
            Walk::Previous => self.previous_citation(top),
            Walk::To(message, number) => self.citation_of(message, number),
        };
        let Some((message, citation)) = found else { return top };
        self.transcript.cursor = Some(Cursor { message, target: Target::Citation(citation) });
        self.transcript.citing.checks.retain(|_, check| !matches!(check, Check::Asks { .. }));
        // All messages are looked at once more: the light has moved, and perhaps a card.
        self.transcript.frame += 1;
        if self.transcript.citing.open {
            self.hold(top);
        }
        self.reveal(top)
    }

    /// Moves the window until it has the citation under the cursor, and its card as far as it fits.
    pub fn reveal(&mut self, top: Spot) -> Spot {
        let Some((mark, _)) = self.cited_rows() else { return top };
        let height = signed(self.transcript.height.max(1));
        let is_seen = mark >= top && mark < self.moved(top, height);
        let to = if is_seen { top } else { self.moved(mark, -(height / 3)) };
        let top = if is_seen { top } else { self.go(to, false) };
        self.show_card(top)
    }

    /// Moves the window down to the end of a card that began in it.
    pub fn show_card(&mut self, top: Spot) -> Spot {
        let Some((mark, end)) = self.cited_rows() else { return top };
        let height = signed(self.transcript.height.max(1));
        let bottom = self.moved(top, height);
        if mark < top || mark >= bottom || end < bottom {
            return top;
        }
        let behind = self.moved(end, 1);
        let to = self.moved(behind, -height).min(mark);
        self.go(to.max(top), false)
    }

    /// The row of the citation under the cursor, and the last row of its card.
    fn cited_rows(&mut self) -> Option<(Spot, Spot)> {
        let (message, citation) = self.transcript.citation()?;
        let index = self.conversation.branch.iter().position(|id| *id == message)?;
        self.height(index);
        let laid = self.transcript.laid.get(&message)?;
        let row = laid.citations_shown().into_iter().find(|(_, shown)| *shown == citation)?.0;
        let end = laid.source_card().map_or(row, |rows| rows.end.saturating_sub(1));
        Some((Spot { index, row }, Spot { index, row: end }))
    }

    /// Where the cursor stands among the citations of its answer, if that is in the window.
    fn stands(&mut self, top: Spot) -> Option<(usize, usize)> {
        let (message, citation) = self.transcript.citation()?;
        let (mark, _) = self.cited_rows()?;
        let height = signed(self.transcript.height);
        if mark < top || mark >= self.moved(top, height) {
            return None;
        }
        let laid = self.transcript.laid.get(&message)?;
        let nth = laid.citations_shown().into_iter().position(|(_, shown)| shown == citation)?;
        Some((mark.index, nth))
    }

    fn next_citation(&mut self, top: Spot) -> Option<(MessageId, Citation)> {
        let stands = self.stands(top);
        let first = stands.map_or(top.index, |(index, _)| index);
        (first..self.conversation.branch.len()).find_map(|index| {
            let (message, all) = self.citations(index)?;
            let next = all.into_iter().enumerate().find(|(nth, (row, _))| match stands {
                Some(here) => (index, *nth) > here,
                None => Spot { index, row: *row } >= top,
            });
            next.map(|(_, (_, citation))| (message, citation))
        })
    }

    fn previous_citation(&mut self, top: Spot) -> Option<(MessageId, Citation)> {
        let stands = self.stands(top);
        let height = signed(self.transcript.height);
        let bottom = self.moved(top, height);
        let last = stands.map_or(bottom.index, |(index, _)| index);
        (0..=last).rev().find_map(|index| {
            let (message, all) = self.citations(index)?;
            let before = all.into_iter().enumerate().rev().find(|(nth, (row, _))| match stands {
                Some(here) => (index, *nth) < here,
                None => Spot { index, row: *row } < bottom,
            });
            before.map(|(_, (_, citation))| (message, citation))
        })
    }

    /// The first place that names a source; its entry where no mark in the text does.
    fn citation_of(&mut self, message: MessageId, number: u32) -> Option<(MessageId, Citation)> {
        let index = self.conversation.branch.iter().position(|id| *id == message)?;
        let (_, all) = self.citations(index)?;
        let laid = self.transcript.laid.get(&message)?;
        let found = all.into_iter().map(|(_, citation)| citation).find(|citation| match citation {
            Citation::Mark { place, annotation } => laid.citations.number_of(*place, *annotation) == Some(number),
            Citation::Entry(entry) => *entry == number,
        });
        Some((message, found.unwrap_or(Citation::Entry(number))))
    }

    /// The citations of a message with their rows; answers that cite nothing are not laid out for that.
    fn citations(&mut self, index: usize) -> Option<(MessageId, Vec<(usize, Citation)>)> {
        let id = *self.conversation.branch.get(index)?;
        let answer = self.conversation.messages.get(&id).and_then(Message::answer)?;
        answer.annotations().next()?;
        self.height(index);
        Some((id, self.transcript.laid.get(&id).map(Laid::citations_shown)?))
    }
}
