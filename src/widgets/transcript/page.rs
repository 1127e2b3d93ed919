//! Lays out what the window needs, and carries out the moves that were wished for.

use std::collections::BTreeSet;

use super::{
    Asked, KEPT, LiveCard, Move, Scroll, Slice, Spot, Transcript, Wish,
    message::{self, Laid},
    place, signed,
};
use crate::chat::{Conversation, MessageId, Timestamp};

/// A transcript while it is being laid out.
pub(super) struct Page<'a> {
    pub transcript: &'a mut Transcript,
    pub conversation: &'a Conversation,
    pub now: Timestamp,
    /// The width is another one than in the last frame.
    pub rewrapped: bool,
    /// Where the anchor of the last frame is now, and its place in the source: resizes that follow
    /// each other all go back to that place.
    pub kept: Option<(Spot, usize)>,
    /// The reader opened or closed something: rows that come or go with that are not new.
    pub touched: bool,
}

impl Page<'_> {
    fn end(&self) -> usize {
        self.conversation.branch.len() + usize::from(!self.transcript.queue.rows.is_empty())
    }

    /// The rows of a message, laid out if need be.
    pub fn height(&mut self, index: usize) -> usize {
        let Some(&id) = self.conversation.branch.get(index) else {
            return if index < self.end() { self.transcript.queue.rows.len() } else { 0 };
        };
        self.lay_out(id, index);
        self.transcript.laid.get(&id).map_or(0, Laid::height)
    }

    fn lay_out(&mut self, id: MessageId, index: usize) {
        let Some(message) = self.conversation.messages.get(&id) else { return };
        let Some(layout) = &self.transcript.layout else { return };
        let opened = self.transcript.find.as_ref().and_then(|find| find.opened).filter(|(message, _)| *message == id);
        let context = message::Context {
            conversation: self.conversation,
            layout,
            frame: self.transcript.frame,
            now: self.now,
            folding: self.transcript.folds.of(id, opened.map(|(_, slot)| slot)),
            is_first: index == 0,
            is_last: index + 1 == self.conversation.branch.len(),
            target: self.transcript.cursor.filter(|cursor| cursor.message == id).map(|cursor| cursor.target),
            citing: &self.transcript.citing,
        };
        let laid = self.transcript.laid.entry(id).or_default();
        let work = laid.sync(message, &context);
        self.transcript.work.rows += work.rows;
        self.transcript.work.bytes += work.bytes;
    }

    /// Lays out a message once more in this frame, for it is folded otherwise.
    pub fn lay_out_again(&mut self, id: MessageId) {
        if let Some(laid) = self.transcript.laid.get_mut(&id) {
            laid.look_again();
        }
    }

    /// Where the window begins if nobody moves it.
    pub fn top(&mut self) -> Spot {
        let Scroll::At(anchor) = self.transcript.scroll else { return self.last_top() };
        let Some(spot) = self.find(&anchor) else { return self.last_top() };
        self.kept = Some((spot, anchor.source));
        spot
    }

    /// The row of an anchor, if its message is still on the branch.
    pub fn find(&mut self, anchor: &place::Anchor) -> Option<Spot> {
        let branch = &self.conversation.branch;
        let at = branch.get(anchor.index).filter(|id| **id == anchor.message).map(|_| anchor.index);
        let index = at.or_else(|| branch.iter().position(|id| *id == anchor.message))?;
        self.height(index);
        let row = self.transcript.laid.get(&anchor.message)?.find(anchor, self.rewrapped);
        Some(Spot { index, row })
    }

    /// The top of the window that ends where the text ends.
    fn last_top(&mut self) -> Spot {
        let end = Spot { index: self.end(), row: 0 };
        self.moved(end, -signed(self.transcript.height))
    }

    pub fn carry_out(&mut self, wish: Wish, top: Spot) -> Spot {
        let page = signed(self.transcript.height.max(1));
        let by = |page: &mut Self, rows: i64| {
            let to = page.moved(top, rows);
            // Down to the end means to stay there.
            page.go(to, rows > 0)
        };
        match wish {
            Wish::Hold => self.go(top, true),
            Wish::Select(unit) => {
                self.begin_selection(unit, top);
                top
            }
            Wish::Match => self.show_match(top),
            Wish::Bar(row) => {
                let to = self.at_bar(row);
                self.go(to, true)
            }
            Wish::Step(thing, count) => self.step_to(thing, count, top),
            Wish::Extend(step) => self.extend(step, top),
            Wish::Walk(walk) => self.walk(walk, top),
            Wish::Reveal => self.reveal(top),
            Wish::ShowCard => self.show_card(top),
            Wish::Move(Move::Rows(rows)) => by(self, i64::from(rows)),
            Wish::Move(Move::HalfPages(pages)) => by(self, i64::from(pages) * (page / 2).max(1)),
            Wish::Move(Move::Pages(pages)) => by(self, i64::from(pages) * (page - 1).max(1)),
            Wish::Move(Move::Top) => self.go(Spot { index: 0, row: 0 }, false),
            Wish::Move(Move::Bottom) => {
                self.transcript.scroll = Scroll::Follow;
                self.last_top()
            }
            Wish::Move(Move::To(id)) => match self.conversation.branch.iter().position(|other| *other == id) {
                Some(index) => {
                    let row = self.first_row(index);
                    self.go(Spot { index, row }, false)
                }
                None => top,
            },
            Wish::Move(Move::Messages(count)) => {
                let last = self.conversation.branch.len().saturating_sub(1);
                let behind = top.row > self.first_row(top.index);
                let back = i64::from(count < 0 && behind);
                let index = signed(top.index) + i64::from(count) + back;
                let index = usize::try_from(index).unwrap_or(0).min(last);
                let row = self.first_row(index);
                self.go(Spot { index, row }, count > 0)
            }
        }
    }

    /// The first row of a message behind the blank rows above it.
    pub fn first_row(&mut self, index: usize) -> usize {
        self.height(index);
        let laid = self.conversation.branch.get(index).and_then(|id| self.transcript.laid.get(id));
        laid.map_or(0, Laid::first_row)
    }

    /// Puts the top of the window somewhere; at the end it follows from now on if it may.
    pub fn go(&mut self, top: Spot, may_follow: bool) -> Spot {
        let last = self.last_top();
        if top >= last && (may_follow || last == (Spot { index: 0, row: 0 })) {
            self.transcript.scroll = Scroll::Follow;
            return last;
        }
        let top = top.min(last);
        self.hold(top);
        top
    }

    pub fn hold(&mut self, top: Spot) {
        self.transcript.scroll = self.anchor(top).map_or(Scroll::Follow, Scroll::At);
    }

    pub fn anchor(&mut self, top: Spot) -> Option<place::Anchor> {
        let message = *self.conversation.branch.get(top.index)?;
        self.height(top.index);
        let mut anchor = self.transcript.laid.get(&message)?.anchor(message, top.index, top.row);
        if let Some((_, source)) = self.kept.filter(|(kept, _)| *kept == top) {
            anchor.source = source;
        }
        Some(anchor)
    }

    /// A row so many rows further down or up, within the text; the row behind the last is the end.
    pub fn moved(&mut self, from: Spot, rows: i64) -> Spot {
        let (mut spot, mut left) = (from, rows.unsigned_abs() as usize);
        while left > 0 {
            if rows < 0 {
                let step = left.min(spot.row);
                spot.row -= step;
                left -= step;
                if left > 0 {
                    let Some(above) = spot.index.checked_sub(1) else { break };
                    spot = Spot { index: above, row: self.height(above) };
                }
            } else {
                let height = self.height(spot.index);
                let step = left.min(height.saturating_sub(spot.row));
                spot.row += step;
                left -= step;
                if spot.row < height || spot.index >= self.end() {
                    break;
                }
                spot = Spot { index: spot.index + 1, row: 0 };
            }
        }
        spot
    }

    /// Fills the window from its top, and notes what the reader has seen.
    pub fn settle(&mut self, top: Spot) {
        let last = self.last_top();
        let top = if self.transcript.scroll == Scroll::Follow { last } else { top.min(last) };
        if self.transcript.scroll != Scroll::Follow {
            self.hold(top);
        }
        self.transcript.top = self.anchor(top);
        let mut window = Vec::new();
        let (mut spot, mut room) = (top, self.transcript.height);
        while room > 0 && spot.index < self.end() {
            let rows = self.height(spot.index).saturating_sub(spot.row).min(room);
            let message = self.conversation.branch.get(spot.index).copied();
            if rows > 0 {
                window.push(Slice { message, index: spot.index, first: spot.row, rows });
            }
            room -= rows;
            spot = Spot { index: spot.index, row: spot.row + rows };
            if room > 0 {
                spot = Spot { index: spot.index + 1, row: 0 };
            }
        }
        self.transcript.window = window;
        self.note_seen();
        self.note_card();
        self.settle_bar();
        self.settle_find();
        self.settle_selection();
        self.forget_far(top.index, spot.index);
    }

    /// Notes the last row in the window, and how many came behind it since it was the end.
    fn note_seen(&mut self) {
        let shown = self.transcript.window.iter().rev().find(|slice| slice.message.is_some());
        let shown = shown.map(|slice| Spot { index: slice.index, row: slice.first + slice.rows - 1 });
        let before = self.transcript.seen.take();
        let before = if self.touched {
            before.map(|_| self.above_end(self.transcript.below))
        } else {
            before.and_then(|seen| self.find(&seen))
        };
        let seen = match before {
            Some(before) if !self.transcript.follows() => shown.max(Some(before)),
            Some(_) => shown,
            // At first all is old.
            None => self.conversation.branch.len().checked_sub(1).map(|index| {
                let row = self.height(index).saturating_sub(1);
                Spot { index, row }
            }),
        };
        self.transcript.seen = seen.and_then(|seen| self.anchor(seen));
        self.transcript.below = match seen {
            Some(seen) if !self.transcript.follows() => self.rows_after(seen),
            Some(_) | None => 0,
        };
    }

    /// The row that so many rows of messages are below.
    fn above_end(&mut self, below: usize) -> Spot {
        let end = Spot { index: self.conversation.branch.len(), row: 0 };
        self.moved(end, -signed(below) - 1)
    }

    fn rows_after(&mut self, seen: Spot) -> usize {
        let rest = self.height(seen.index).saturating_sub(seen.row + 1);
        rest + (seen.index + 1..self.conversation.branch.len()).map(|index| self.height(index)).sum::<usize>()
    }

    /// The card of the last answer, if it is in the window.
    fn note_card(&mut self) {
        let last = self.conversation.branch.last().copied();
        let answer = last.filter(|id| {
            let rows = self.transcript.laid.get(id).and_then(Laid::card);
            let slice = self.transcript.window.iter().find(|slice| slice.message == Some(*id));
            rows.zip(slice).is_some_and(|(card, slice)| card < slice.first + slice.rows)
        });
        let asked = Asked::of(self.conversation);
        self.transcript.card = answer.map(|answer| {
            // A countdown is no change.
            let laid = self.transcript.laid.get(&answer).filter(|_| asked.is_some());
            let card = LiveCard { answer, asked, shown: laid.map_or(0, Laid::card_shown), since: self.now };
            let same = |before: &LiveCard| LiveCard { since: before.since, ..card } == *before;
            self.transcript.card.filter(same).unwrap_or(card)
        });
    }

    /// Drops the rows of messages far from the window.
    fn forget_far(&mut self, first: usize, last: usize) {
        if self.transcript.laid.len() <= 4 * KEPT {
            return;
        }
        let branch = &self.conversation.branch;
        let near = first.saturating_sub(KEPT).min(branch.len())..(last + KEPT).min(branch.len());
        let mut keep: BTreeSet<MessageId> = branch[near].iter().copied().collect();
        keep.extend(branch.last());
        self.transcript.laid.retain(|id, _| keep.contains(id));
    }
}
