//! The cursor goes from thing to thing.

use super::{Cursor, Spot, Target, Transcript, Wish, page::Page, place::Part, signed};
use crate::chat::{Body, Kind, Message, MessageId};

/// What the cursor goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Thing {
    Message,
    Code,
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
            Target::Call(slot) => laid.row_of(Part::Call(slot), 0)?,
            Target::Code(number) => laid.code_heads().find(|(_, block)| *block == number)?.0,
            Target::Citation(_) => return None,
        };
        Some(Spot { index: slice.index, row })
    }
}

impl Page<'_> {
    /// Moves the cursor; gives the top of the window in which it is seen.
    pub fn step_to(&mut self, thing: Thing, count: i32, top: Spot) -> Spot {
        match thing {
            Thing::Message => self.walk_messages(count, top),
            Thing::Code => self.walk_codes(count > 0, top),
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

    fn walk_codes(&mut self, down: bool, top: Spot) -> Spot {
        let number = match self.transcript.cursor.map(|cursor| cursor.target) {
            Some(Target::Code(number)) => Some(number),
            _ => None,
        };
        let start = self.cursor_index().unwrap_or(top.index);
        let indices: Vec<usize> =
            if down { (start..self.conversation.branch.len()).collect() } else { (0..=start).rev().collect() };
        for index in indices {
            let Some(&id) = self.conversation.branch.get(index) else { break };
            if !self.conversation.messages.get(&id).is_some_and(may_have_code) {
                continue;
            }
            self.height(index);
            let heads: Vec<(usize, u32)> =
                self.transcript.laid.get(&id).map(|laid| laid.code_heads().collect()).unwrap_or_default();
            let here = index == start;
            let fits = |(row, block): &&(usize, u32)| match (here, number, down) {
                (false, ..) => true,
                (true, Some(number), true) => *block > number,
                (true, Some(number), false) => *block < number,
                (true, None, true) => index != top.index || *row >= top.row,
                (true, None, false) => index != top.index || *row < top.row,
            };
            let found = if down { heads.iter().find(fits) } else { heads.iter().rfind(fits) };
            if let Some(&(row, block)) = found {
                self.stand(index, Target::Code(block));
                return self.near(Spot { index, row }, top);
            }
        }
        top
    }

    /// The cursor's place in the branch, while it is in sight.
    fn cursor_index(&self) -> Option<usize> {
        let message = self.transcript.cursor?.message;
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
    let texts = answer.items.values().filter_map(|item| match &item.kind {
        Kind::Message { parts, .. } => Some(parts),
        Kind::Reasoning(_) | Kind::Search(_) | Kind::Call(_) | Kind::Other { .. } => None,
    });
    texts.flatten().any(|part| ["```", "~~~", "    ", "\t"].iter().any(|mark| part.text().contains(mark)))
}
