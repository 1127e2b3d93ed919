//! One layout pass: applies the pending moves and lays out what the window needs.

use std::{cmp::Ordering, collections::BTreeSet};

use super::{
    CACHE_MARGIN, LiveCard, PendingApproval, PendingMove, RowPos, ScrollMode, ScrollMove, Transcript, VisibleRange,
    anchor,
    cursor_steps::CarriedCursor,
    message_rows::{self, MessageRows},
    signed,
};
use crate::{
    chat::{Conversation, MessageId, Timestamp},
    render::markdown::LayoutBudget,
    ui::reading::text_focus::TextFocus,
};

/// A transcript while it is being laid out.
pub(crate) struct LayoutPass<'a> {
    pub transcript: &'a mut Transcript,
    pub conversation: &'a Conversation,
    pub now: Timestamp,
    /// The width differs from that of the last frame.
    pub rewrapped: bool,
    /// Where the last frame's anchor is now, and its offset in the source: several resizes in a row all
    /// return to that offset.
    pub resolved_anchor: Option<(RowPos, usize)>,
    /// The reader did more than scroll, such as folding something: rows that this adds do not count as new.
    pub reader_changed_rows: bool,
    /// The width or the options of the layout have changed: rows that this adds do not count as new.
    pub is_relaid: bool,
    /// What the frame may still lay out.
    pub budget: LayoutBudget,
}

impl LayoutPass<'_> {
    fn end_index(&self) -> usize {
        self.conversation.branch.len() + usize::from(!self.transcript.queue.rows.is_empty())
    }

    /// The number of rows of a message, which is laid out if necessary.
    pub(super) fn message_height(&mut self, index: usize) -> usize {
        let Some(&id) = self.conversation.branch.get(index) else {
            return if index < self.end_index() { self.transcript.queue.rows.len() } else { 0 };
        };
        self.lay_out(id, index);
        self.transcript.message_rows.get(&id).map_or(0, MessageRows::height)
    }

    fn lay_out(&mut self, id: MessageId, index: usize) {
        let Some(message) = self.conversation.messages.get(&id) else { return };
        let Some(layout) = &self.transcript.layout else { return };
        let opened = self.transcript.find.as_ref().and_then(|find| find.unfolded).filter(|(message, _)| *message == id);
        let context = message_rows::LayoutCx {
            conversation: self.conversation,
            layout,
            frame: self.transcript.frame,
            now: self.now,
            folds: self.transcript.folds.for_answer(id, opened.map(|(_, slot)| slot)),
            is_first: index == 0,
            is_last: index + 1 == self.conversation.branch.len(),
            is_card_focused: self.transcript.is_card_focused && index + 1 == self.conversation.branch.len(),
            enter: self.transcript.live_enter(self.conversation),
            target: self.transcript.cursor.filter(|cursor| cursor.message == id).map(|cursor| cursor.target),
            citation_state: &self.transcript.citation_state,
            focus: self.focus_in(index),
        };
        let laid = self.transcript.message_rows.entry(id).or_default();
        laid.budget = self.budget;
        let work = laid.sync(message, &context);
        self.budget = laid.budget;
        self.transcript.work.rows += work.rows;
        self.transcript.work.bytes += work.bytes;
        self.transcript.work.longest_step = self.transcript.work.longest_step.max(work.longest_step);
    }

    /// What of a message is being read: what is below the top row, and the end of what is above it.
    fn focus_in(&self, index: usize) -> TextFocus {
        let ScrollMode::Anchored(anchor) = &self.transcript.scroll else { return TextFocus::End };
        match index.cmp(&anchor.message_index) {
            Ordering::Less => TextFocus::End,
            Ordering::Equal => message_rows::focus_of(anchor),
            Ordering::Greater => TextFocus::Start,
        }
    }

    /// Allows a message to be laid out again in this frame, because its folding has changed.
    pub(super) fn invalidate(&mut self, id: MessageId) {
        if let Some(laid) = self.transcript.message_rows.get_mut(&id) {
            laid.invalidate();
        }
    }

    /// The top row of the window before any moves are applied.
    pub(super) fn initial_top(&mut self) -> RowPos {
        let ScrollMode::Anchored(anchor) = self.transcript.scroll else { return self.last_top() };
        let Some(spot) = self.resolve_anchor(&anchor) else { return self.last_top() };
        self.resolved_anchor = Some((spot, anchor.source_start));
        spot
    }

    /// The row of an anchor, if its message is still in the branch.
    pub(super) fn resolve_anchor(&mut self, anchor: &anchor::RowAnchor) -> Option<RowPos> {
        let branch = &self.conversation.branch;
        let known_index =
            branch.get(anchor.message_index).filter(|id| **id == anchor.message).map(|_| anchor.message_index);
        let index = known_index.or_else(|| branch.iter().position(|id| *id == anchor.message))?;
        self.message_height(index);
        let row = self.transcript.message_rows.get(&anchor.message)?.row_of_anchor(anchor, self.rewrapped);
        Some(RowPos { message_index: index, row })
    }

    /// The top of the window when it shows the end of the text.
    fn last_top(&mut self) -> RowPos {
        let end = RowPos { message_index: self.end_index(), row: 0 };
        self.step_rows(end, -signed(self.transcript.height))
    }

    pub(super) fn apply_move(&mut self, pending_move: PendingMove, top: RowPos) -> RowPos {
        let page = signed(self.transcript.height.max(1));
        let by = |page: &mut Self, rows: i64| {
            let to = page.step_rows(top, rows);
            // Scrolling down to the end starts following it.
            page.scroll_to(to, rows > 0)
        };
        match pending_move {
            PendingMove::Hold => self.scroll_to(top, true),
            PendingMove::Select(unit) => {
                self.begin_selection(unit, top);
                top
            }
            PendingMove::ShowMatch => self.show_match(top),
            PendingMove::ScrollToBarRow(row) => {
                let to = self.row_at_bar(row);
                self.scroll_to(to, true)
            }
            PendingMove::StepCursor(thing, count) => self.step_cursor(thing, count, top),
            PendingMove::Extend(step) => self.extend_selection(step, top),
            PendingMove::GoToCitation(walk) => self.go_to_citation(walk, top),
            PendingMove::RevealCitation => self.reveal_citation(top),
            PendingMove::ShowSourceCard => self.show_source_card(top),
            PendingMove::Read(movement) => {
                let from = self.transcript.current_message();
                let to = self.apply_move(PendingMove::Move(movement), top);
                self.transcript.carried = Some(CarriedCursor { from, movement, has_moved: to != top });
                to
            }
            PendingMove::Move(ScrollMove::Rows(rows)) => by(self, i64::from(rows)),
            PendingMove::Move(ScrollMove::HalfPages(pages)) => by(self, i64::from(pages) * (page / 2).max(1)),
            PendingMove::Move(ScrollMove::Pages(pages)) => by(self, i64::from(pages) * (page - 1).max(1)),
            PendingMove::Move(ScrollMove::Top) => self.scroll_to(RowPos { message_index: 0, row: 0 }, false),
            PendingMove::Move(ScrollMove::Bottom) => {
                self.transcript.scroll = ScrollMode::Follow;
                self.last_top()
            }
            PendingMove::Move(ScrollMove::ToMessage(id)) => {
                match self.conversation.branch.iter().position(|other| *other == id) {
                    Some(index) => {
                        let row = self.first_row(index);
                        self.scroll_to(RowPos { message_index: index, row }, false)
                    }
                    None => top,
                }
            }
            PendingMove::Move(ScrollMove::ByMessages(count)) => {
                let last = self.conversation.branch.len().saturating_sub(1);
                let is_inside_message = top.row > self.first_row(top.message_index);
                let back = i64::from(count < 0 && is_inside_message);
                let index = signed(top.message_index) + i64::from(count) + back;
                let index = usize::try_from(index).unwrap_or(0).min(last);
                let row = self.first_row(index);
                self.scroll_to(RowPos { message_index: index, row }, count > 0)
            }
        }
    }

    /// The first row of a message after the blank rows above it.
    pub(super) fn first_row(&mut self, index: usize) -> usize {
        self.message_height(index);
        let laid = self.conversation.branch.get(index).and_then(|id| self.transcript.message_rows.get(id));
        laid.map_or(0, MessageRows::first_row)
    }

    /// Scrolls the window to `top`. At the end of the text it starts following, if `may_follow`.
    pub(super) fn scroll_to(&mut self, top: RowPos, may_follow: bool) -> RowPos {
        let last = self.last_top();
        if top >= last && (may_follow || last == (RowPos { message_index: 0, row: 0 })) {
            self.transcript.scroll = ScrollMode::Follow;
            return last;
        }
        let top = top.min(last);
        self.anchor_window_at(top);
        top
    }

    pub(super) fn anchor_window_at(&mut self, top: RowPos) {
        self.transcript.scroll = self.anchor_at(top).map_or(ScrollMode::Follow, ScrollMode::Anchored);
    }

    pub(super) fn anchor_at(&mut self, top: RowPos) -> Option<anchor::RowAnchor> {
        let message = *self.conversation.branch.get(top.message_index)?;
        self.message_height(top.message_index);
        let mut anchor = self.transcript.message_rows.get(&message)?.anchor_at(message, top.message_index, top.row);
        if let Some((_, source)) = self.resolved_anchor.filter(|(kept, _)| *kept == top) {
            anchor.source_start = source;
        }
        Some(anchor)
    }

    /// The row `rows` further down (or up, if negative), within the text; the row after the last one is the end.
    pub(super) fn step_rows(&mut self, from: RowPos, rows: i64) -> RowPos {
        let (mut spot, mut left) = (from, rows.unsigned_abs() as usize);
        while left > 0 {
            if rows < 0 {
                let step = left.min(spot.row);
                spot.row -= step;
                left -= step;
                if left > 0 {
                    let Some(above) = spot.message_index.checked_sub(1) else { break };
                    spot = RowPos { message_index: above, row: self.message_height(above) };
                }
            } else {
                let height = self.message_height(spot.message_index);
                let step = left.min(height.saturating_sub(spot.row));
                spot.row += step;
                left -= step;
                if spot.row < height || spot.message_index >= self.end_index() {
                    break;
                }
                spot = RowPos { message_index: spot.message_index + 1, row: 0 };
            }
        }
        spot
    }

    /// Fills the window from its top and records what the reader has seen.
    pub(super) fn finish(&mut self, top: RowPos) {
        let last = self.last_top();
        let top = if self.transcript.scroll == ScrollMode::Follow { last } else { top.min(last) };
        if self.transcript.scroll != ScrollMode::Follow {
            self.anchor_window_at(top);
        }
        self.transcript.top = self.anchor_at(top);
        let mut window = Vec::new();
        let (mut spot, mut room) = (top, self.transcript.height);
        while room > 0 && spot.message_index < self.end_index() {
            let rows = self.message_height(spot.message_index).saturating_sub(spot.row).min(room);
            let message = self.conversation.branch.get(spot.message_index).copied();
            if rows > 0 {
                window.push(VisibleRange {
                    message,
                    message_index: spot.message_index,
                    first_row: spot.row,
                    row_count: rows,
                });
            }
            room -= rows;
            spot = RowPos { message_index: spot.message_index, row: spot.row + rows };
            if room > 0 {
                spot = RowPos { message_index: spot.message_index + 1, row: 0 };
            }
        }
        self.transcript.visible_ranges = window;
        self.settle_cursor();
        self.update_last_seen();
        self.update_live_card();
        self.update_scrollbar();
        self.mark_matches();
        self.update_selection();
        self.evict_distant_rows(top.message_index, spot.message_index);
        self.transcript.budget_left = self.budget;
    }

    /// Records the last row that the reader has seen, and how many rows were added after it.
    fn update_last_seen(&mut self) {
        let shown = self.transcript.visible_ranges.iter().rev().find(|slice| slice.message.is_some());
        let shown = shown
            .map(|slice| RowPos { message_index: slice.message_index, row: slice.first_row + slice.row_count - 1 });
        let before = self.transcript.last_seen.take();
        let before = if self.reader_changed_rows || self.is_relaid {
            before.map(|_| self.row_above_end(self.transcript.rows_below))
        } else {
            before.and_then(|seen| self.resolve_anchor(&seen))
        };
        let seen = match before {
            Some(before) if !self.transcript.is_following() => shown.max(Some(before)),
            Some(_) => shown,
            // In the first frame, nothing counts as new.
            None => self.conversation.branch.len().checked_sub(1).map(|index| {
                let row = self.message_height(index).saturating_sub(1);
                RowPos { message_index: index, row }
            }),
        };
        self.transcript.last_seen = seen.and_then(|seen| self.anchor_at(seen));
        self.transcript.rows_below = match seen {
            Some(seen) if !self.transcript.is_following() => self.rows_after(seen),
            Some(_) | None => 0,
        };
    }

    /// The row with `below` rows of messages after it.
    fn row_above_end(&mut self, below: usize) -> RowPos {
        let end = RowPos { message_index: self.conversation.branch.len(), row: 0 };
        self.step_rows(end, -signed(below) - 1)
    }

    fn rows_after(&mut self, seen: RowPos) -> usize {
        let rest = self.message_height(seen.message_index).saturating_sub(seen.row + 1);
        rest + (seen.message_index + 1..self.conversation.branch.len())
            .map(|index| self.message_height(index))
            .sum::<usize>()
    }

    /// Updates the live card: the last answer's, if it is in the window.
    fn update_live_card(&mut self) {
        let last = self.conversation.branch.last().copied();
        let answer = last.filter(|id| {
            let rows = self.transcript.message_rows.get(id).and_then(MessageRows::card_row);
            let slice = self.transcript.visible_ranges.iter().find(|slice| slice.message == Some(*id));
            rows.zip(slice).is_some_and(|(card, slice)| card < slice.first_row + slice.row_count)
        });
        let asked = PendingApproval::first_in(self.conversation);
        self.transcript.live_card = answer.map(|answer| {
            // A countdown does not count as a change.
            let laid = self.transcript.message_rows.get(&answer).filter(|_| asked.is_some());
            let card = LiveCard {
                answer,
                approval: asked,
                text_hash: laid.map_or(0, MessageRows::card_text_hash),
                since: self.now,
            };
            let same = |before: &LiveCard| LiveCard { since: before.since, ..card } == *before;
            self.transcript.live_card.filter(same).unwrap_or(card)
        });
    }

    /// Drops the cached rows of messages far from the window.
    fn evict_distant_rows(&mut self, first: usize, last: usize) {
        if self.transcript.message_rows.len() <= 4 * CACHE_MARGIN {
            return;
        }
        let branch = &self.conversation.branch;
        let near = first.saturating_sub(CACHE_MARGIN).min(branch.len())..(last + CACHE_MARGIN).min(branch.len());
        let mut keep: BTreeSet<MessageId> = branch[near].iter().copied().collect();
        keep.extend(branch.last());
        self.transcript.message_rows.retain(|id, _| keep.contains(id));
    }
}
