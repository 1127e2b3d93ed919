//! The cursor goes from thing to thing.

use super::{Cursor, Spot, Target, Transcript, Wish, message::Laid, page::Page, place::Part, signed};
use crate::chat::{Body, Kind, Message, MessageId};

/// What the cursor goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Thing {
    Message,
    Code,
    /// What can be folded: reasoning, searches, calls, other items.
    Fold,
}

impl Transcript {
    /// Goes so many things of a kind down, or up.
    pub fn walk_things(&mut self, thing: Thing, count: i32) {
        self.wishes.push(Wish::Step(thing, count));
    }

    /// The row that shows what the cursor stands on, where that is laid out.
    pub(super) fn cursor_row(&self) -> Option<Spot> {
        let cursor = self.cursor?;
        let slice = self.window.iter().find(|slice| slice.message == Some(cursor.message))?;
        let laid = self.laid.get(&cursor.message)?;
        let row = match cursor.target {
            Target::Message => laid.first_row(),
            Target::Reasoning(slot) => laid.row_of(Part::Thought(slot), 0)?,
            Target::Call(_) | Target::Item(_) => laid.folds().find(|(_, target)| *target == cursor.target)?.0,
            Target::Code(number) => laid.code_heads().find(|(_, block)| *block == number)?.0,
            Target::Citation(_) => return None,
        };
        Some(Spot { index: slice.index, row })
    }

    /// Whether the window shows a row of that.
    pub(super) fn sees(&self, cursor: Cursor) -> bool {
        let Some(laid) = self.laid.get(&cursor.message) else { return false };
        let slices = self.window.iter().filter(|slice| slice.message == Some(cursor.message));
        let mut rows = slices.flat_map(|slice| slice.first..slice.first + slice.rows);
        match cursor.target {
            Target::Message => rows.next().is_some(),
            Target::Code(number) => rows.any(|row| laid.code_at(row) == Some(number)),
            Target::Reasoning(_) | Target::Call(_) | Target::Item(_) => {
                rows.any(|row| laid.fold_around(row) == Some(cursor.target))
            }
            Target::Citation(citation) => {
                let shown = laid.citations_shown();
                let card = laid.source_card();
                rows.any(|row| {
                    card.as_ref().is_some_and(|card| card.contains(&row)) || shown.contains(&(row, citation))
                })
            }
        }
    }
}

impl Page<'_> {
    /// Moves the cursor; gives the top of the window in which it is seen.
    pub fn step_to(&mut self, thing: Thing, count: i32, top: Spot) -> Spot {
        match thing {
            Thing::Message => self.walk_messages(count, top),
            Thing::Code => {
                let codes = |laid: &Laid| laid.code_heads().map(|(row, block)| (row, Target::Code(block))).collect();
                self.walk_within(count > 0, top, codes, may_have_code)
            }
            Thing::Fold => self.walk_within(count > 0, top, |laid| laid.folds().collect(), may_have_folds),
        }
    }

    fn walk_messages(&mut self, count: i32, top: Spot) -> Spot {
        let last = self.conversation.branch.len().saturating_sub(1);
        let from = match self.cursor_index() {
            Some(index) => signed(index),
            // From above the first row of a message the way up begins with that message.
            None => signed(top.index) + i64::from(count < 0 && top.row > self.first_row(top.index)),
        };
        let index = usize::try_from(from + i64::from(count)).unwrap_or(0).min(last);
        let row = self.first_row(index);
        self.stand(index, Target::Message);
        self.go(Spot { index, row }, count > 0)
    }

    /// To the next of the things that a message has rows of; only messages that may have some are laid out.
    fn walk_within(
        &mut self,
        down: bool,
        top: Spot,
        things: fn(&Laid) -> Vec<(usize, Target)>,
        may_have: fn(&Message) -> bool,
    ) -> Spot {
        let target = self.transcript.cursor().map(|cursor| cursor.target);
        let start = self.cursor_index().unwrap_or(top.index);
        let indices: Vec<usize> =
            if down { (start..self.conversation.branch.len()).collect() } else { (0..=start).rev().collect() };
        for index in indices {
            let Some(&id) = self.conversation.branch.get(index) else { break };
            if !self.conversation.messages.get(&id).is_some_and(may_have) {
                continue;
            }
            self.height(index);
            let all = self.transcript.laid.get(&id).map(things).unwrap_or_default();
            let current = all.iter().position(|(_, thing)| index == start && Some(*thing) == target);
            let in_window = |row: usize| index != top.index || index != start || row >= top.row;
            let found = match (current, down) {
                (Some(at), true) => all.get(at + 1),
                (Some(at), false) => at.checked_sub(1).and_then(|at| all.get(at)),
                (None, true) => all.iter().find(|(row, _)| in_window(*row)),
                (None, false) => all.iter().rfind(|(row, _)| index != top.index || *row < top.row),
            };
            if let Some(&(row, target)) = found {
                self.stand(index, target);
                return self.near(Spot { index, row }, top);
            }
        }
        top
    }

    /// The cursor's place in the branch, while it is in sight.
    fn cursor_index(&self) -> Option<usize> {
        let message = self.transcript.cursor()?.message;
        self.transcript.window.iter().find(|slice| slice.message == Some(message)).map(|slice| slice.index)
    }

    fn stand(&mut self, index: usize, target: Target) {
        let message: Option<MessageId> = self.conversation.branch.get(index).copied();
        self.transcript.cursor = message.map(|message| Cursor { message, target });
    }

    /// The top of a window that shows a row: the present one if it does, else with the row in its upper third.
    pub fn near(&mut self, spot: Spot, top: Spot) -> Spot {
        let last = self.moved(top, signed(self.transcript.height) - 1);
        if spot >= top && spot <= last {
            // It may have followed until now.
            self.hold(top);
            return top;
        }
        let to = self.moved(spot, -signed(self.transcript.height) / 3);
        self.go(to, false)
    }
}

/// Whether it is worth laying a message out to look for code.
fn may_have_code(message: &Message) -> bool {
    let Body::Answer(answer) = &message.body else { return false };
    let texts = answer.items.values().filter_map(|item| match &*item.kind {
        Kind::Message { parts, .. } => Some(parts),
        Kind::Reasoning(_) | Kind::Search(_) | Kind::Call(_) | Kind::Other { .. } => None,
    });
    texts.flatten().any(|part| ["```", "~~~", "    ", "\t"].iter().any(|mark| part.text().contains(mark)))
}

fn may_have_folds(message: &Message) -> bool {
    let is_told_in_a_row = |kind: &Kind| match kind {
        Kind::Reasoning(_) | Kind::Search(_) | Kind::Call(_) | Kind::Other { .. } => true,
        Kind::Message { .. } => false,
    };
    message.answer().is_some_and(|answer| answer.items.values().any(|item| is_told_in_a_row(&item.kind)))
}
