//! Moving the cursor between messages, code blocks and foldable parts.

use super::{
    CursorTarget, PendingMove, RowPos, ScrollMove, Transcript, TranscriptCursor, layout_pass::LayoutPass,
    message_rows::MessageRows, signed,
};
use crate::chat::{ItemKind, Message, MessageBody, MessageId};

/// A kind of stop for the cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CursorStop {
    Message,
    Code,
    /// A foldable part: reasoning, searches, a call, another item.
    Fold,
}

/// A move of the window that takes the cursor along.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CarriedCursor {
    /// The current message before the move.
    pub from: Option<MessageId>,
    pub movement: ScrollMove,
    pub has_moved: bool,
}

impl Transcript {
    /// Whether the window shows more of a message than the blank rows above it.
    pub(crate) fn is_message_visible(&self, id: MessageId) -> bool {
        self.visible_messages().any(|(_, visible)| visible == id)
    }

    /// The lowest message in the window.
    pub(crate) fn lowest_message(&self) -> Option<MessageId> {
        self.visible_messages().last().map(|(_, id)| id)
    }

    /// The messages in the window from the top, with their indices in the branch.
    fn visible_messages(&self) -> impl Iterator<Item = (usize, MessageId)> {
        self.visible_ranges.iter().filter_map(|slice| {
            let first = self.message_rows.get(&slice.message?)?.first_row();
            (first < slice.first_row + slice.row_count).then_some((slice.message_index, slice.message?))
        })
    }

    /// The message that a move takes the cursor to: it stays on its own while the window shows that.
    fn carry_target(&self, carried: CarriedCursor) -> Option<MessageId> {
        let shown: Vec<MessageId> = self.visible_messages().map(|(_, id)| id).collect();
        let own = carried.from.and_then(|from| shown.iter().position(|id| *id == from));
        let last = shown.len().checked_sub(1)?;
        let (down, is_step) = match carried.movement {
            ScrollMove::Top => return shown.first().copied(),
            ScrollMove::Bottom => return shown.last().copied(),
            ScrollMove::Rows(rows) => (rows > 0, true),
            ScrollMove::HalfPages(pages) | ScrollMove::Pages(pages) => (pages > 0, false),
            ScrollMove::ByMessages(_) | ScrollMove::ToMessage(_) => return carried.from,
        };
        let index = match (own, carried.has_moved) {
            (Some(own), true) => own,
            // The window is at its end: a row is a message, and a page goes all the way.
            (Some(own), false) if is_step && down => (own + 1).min(last),
            (Some(own), false) if is_step => own.saturating_sub(1),
            (Some(_), false) => {
                if down {
                    last
                } else {
                    0
                }
            }
            (None, _) => {
                if down {
                    0
                } else {
                    last
                }
            }
        };
        shown.get(index).copied()
    }

    /// The row that marks the current message: that of the cursor's target, or else the first that the window shows.
    pub(crate) fn marked_row(&self) -> Option<RowPos> {
        let current = self.current_message()?;
        let slice = self.visible_ranges.iter().find(|slice| slice.message == Some(current))?;
        let target = self.cursor_row().filter(|row| row.message_index == slice.message_index).map(|spot| spot.row);
        let has_own_light = self.selected_citation().is_some();
        let row = target.unwrap_or_else(|| self.message_rows.get(&current).map_or(0, MessageRows::first_row));
        let shown = if has_own_light { row } else { row.max(slice.first_row) };
        Some(RowPos { message_index: slice.message_index, row: shown })
    }

    /// Moves the cursor `count` stops of a kind down (or up, if negative).
    pub fn step_cursor(&mut self, thing: CursorStop, count: i32) {
        self.pending_moves.push(PendingMove::StepCursor(thing, count));
    }

    /// The row of the cursor's target, if its message is in the window.
    pub(crate) fn cursor_row(&self) -> Option<RowPos> {
        let cursor = self.cursor?;
        let slice = self.visible_ranges.iter().find(|slice| slice.message == Some(cursor.message))?;
        let laid = self.message_rows.get(&cursor.message)?;
        let row = match cursor.target {
            CursorTarget::Message => laid.first_row(),
            CursorTarget::Reasoning(_)
            | CursorTarget::Call(_)
            | CursorTarget::OtherItem(_)
            | CursorTarget::Details(..) => laid.fold_rows().find(|(_, target)| *target == cursor.target)?.0,
            CursorTarget::Code(number) => laid.code_head_rows().find(|(_, block)| *block == number)?.0,
            CursorTarget::Citation(_) => return None,
        };
        Some(RowPos { message_index: slice.message_index, row })
    }

    /// Whether the window shows a row of the cursor's target.
    pub(crate) fn is_target_visible(&self, cursor: TranscriptCursor) -> bool {
        let Some(laid) = self.message_rows.get(&cursor.message) else { return false };
        let slices = self.visible_ranges.iter().filter(|slice| slice.message == Some(cursor.message));
        let mut rows = slices.flat_map(|slice| slice.first_row..slice.first_row + slice.row_count);
        match cursor.target {
            CursorTarget::Message => self.is_message_visible(cursor.message),
            CursorTarget::Code(number) => rows.any(|row| laid.code_at(row) == Some(number)),
            CursorTarget::Reasoning(_) | CursorTarget::Call(_) | CursorTarget::OtherItem(_) => {
                rows.any(|row| laid.fold_around(row) == Some(cursor.target))
            }
            CursorTarget::Details(..) => rows.any(|row| laid.fold_at(row) == Some(cursor.target)),
            CursorTarget::Citation(citation) => {
                let shown = laid.citation_rows();
                let card = laid.source_card_rows();
                rows.any(|row| {
                    card.as_ref().is_some_and(|card| card.contains(&row)) || shown.contains(&(row, citation))
                })
            }
        }
    }
}

impl LayoutPass<'_> {
    /// Moves the cursor. Returns the top of a window that shows it.
    pub(super) fn step_cursor(&mut self, stop: CursorStop, count: i32, top: RowPos) -> RowPos {
        match stop {
            CursorStop::Message => self.step_messages(count, top),
            CursorStop::Code => {
                let codes = |laid: &MessageRows| {
                    laid.code_head_rows().map(|(row, block)| (row, CursorTarget::Code(block))).collect()
                };
                self.step_within_messages(count > 0, top, codes, may_have_code)
            }
            CursorStop::Fold => {
                self.step_within_messages(count > 0, top, |laid| laid.fold_rows().collect(), may_have_folds)
            }
        }
    }

    /// Keeps the cursor in the window: a move of the reader takes it along, and otherwise a message that has left the
    /// window loses it. A citation keeps it, so that its open card is found again.
    pub(super) fn settle_cursor(&mut self) {
        let transcript = &mut *self.transcript;
        let is_citation = transcript.selected_citation().is_some();
        if let Some(carried) = transcript.carried.take().filter(|_| !is_citation) {
            let message = transcript.carry_target(carried);
            transcript.cursor = match transcript.cursor {
                Some(cursor) if Some(cursor.message) == message => Some(cursor),
                Some(_) | None => message.map(|message| TranscriptCursor { message, target: CursorTarget::Message }),
            };
        }
        if let Some(cursor) = transcript.cursor.filter(|cursor| !is_citation && !transcript.is_target_visible(*cursor))
        {
            let stays = transcript.is_message_visible(cursor.message);
            let cursor = TranscriptCursor { target: CursorTarget::Message, ..cursor };
            transcript.cursor = stays.then_some(cursor);
        }
    }

    fn step_messages(&mut self, count: i32, top: RowPos) -> RowPos {
        let last = self.conversation.branch.len().saturating_sub(1);
        let lowest = || self.transcript.visible_messages().last().map(|(index, _)| index);
        let from = signed(self.cursor_message_index().or_else(lowest).unwrap_or(top.message_index));
        let index = usize::try_from(from + i64::from(count)).unwrap_or(0).min(last);
        let row = self.first_row(index);
        self.place_cursor(index, CursorTarget::Message);
        self.scroll_to(RowPos { message_index: index, row }, count > 0)
    }

    /// Moves to the next stop within the messages; only messages that may have stops are laid out.
    fn step_within_messages(
        &mut self,
        down: bool,
        top: RowPos,
        stops: fn(&MessageRows) -> Vec<(usize, CursorTarget)>,
        may_have: fn(&Message) -> bool,
    ) -> RowPos {
        let target = self.transcript.visible_cursor().map(|cursor| cursor.target);
        let start = self.cursor_message_index().unwrap_or(top.message_index);
        let indices: Vec<usize> =
            if down { (start..self.conversation.branch.len()).collect() } else { (0..=start).rev().collect() };
        for index in indices {
            let Some(&id) = self.conversation.branch.get(index) else { break };
            if !self.conversation.messages.get(&id).is_some_and(may_have) {
                continue;
            }
            self.message_height(index);
            let all = self.transcript.message_rows.get(&id).map(stops).unwrap_or_default();
            let current = all.iter().position(|(_, thing)| index == start && Some(*thing) == target);
            let in_window = |row: usize| index != top.message_index || index != start || row >= top.row;
            let found = match (current, down) {
                (Some(at), true) => all.get(at + 1),
                (Some(at), false) => at.checked_sub(1).and_then(|at| all.get(at)),
                (None, true) => all.iter().find(|(row, _)| in_window(*row)),
                (None, false) => all.iter().rfind(|(row, _)| index != top.message_index || *row < top.row),
            };
            if let Some(&(row, target)) = found {
                self.place_cursor(index, target);
                return self.reveal_row(RowPos { message_index: index, row }, top);
            }
        }
        top
    }

    /// The index of the cursor's message in the branch, while the cursor is visible.
    fn cursor_message_index(&self) -> Option<usize> {
        let message = self.transcript.visible_cursor()?.message;
        self.transcript
            .visible_ranges
            .iter()
            .find(|slice| slice.message == Some(message))
            .map(|slice| slice.message_index)
    }

    fn place_cursor(&mut self, index: usize, target: CursorTarget) {
        let message: Option<MessageId> = self.conversation.branch.get(index).copied();
        self.transcript.cursor = message.map(|message| TranscriptCursor { message, target });
    }

    /// The top of a window that shows a row: the current one if it does, or else one with the row in its upper third.
    pub(super) fn reveal_row(&mut self, spot: RowPos, top: RowPos) -> RowPos {
        let last = self.step_rows(top, signed(self.transcript.height) - 1);
        if spot >= top && spot <= last {
            // The window may have followed the end until now.
            self.anchor_window_at(top);
            return top;
        }
        let to = self.step_rows(spot, -signed(self.transcript.height) / 3);
        self.scroll_to(to, false)
    }
}

/// Whether a message may contain code blocks, judged without laying it out.
fn may_have_code(message: &Message) -> bool {
    let MessageBody::Answer(answer) = &message.body else { return false };
    let texts = answer.items.values().filter_map(|item| match &*item.kind {
        ItemKind::Message { parts, .. } => Some(parts),
        ItemKind::Reasoning(_) | ItemKind::Search(_) | ItemKind::Call(_) | ItemKind::Other { .. } => None,
    });
    texts.flatten().any(|part| ["```", "~~~", "    ", "\t"].iter().any(|mark| part.text().contains(mark)))
}

/// Whether a message may contain foldable parts, judged without laying it out.
fn may_have_folds(message: &Message) -> bool {
    let has_fold_row = |kind: &ItemKind| match kind {
        ItemKind::Reasoning(_) | ItemKind::Search(_) | ItemKind::Call(_) | ItemKind::Other { .. } => true,
        // Details.
        ItemKind::Message { parts, .. } => parts.iter().any(|part| part.text().contains('<')),
    };
    message.as_answer().is_some_and(|answer| answer.items.values().any(|item| has_fold_row(&item.kind)))
}
