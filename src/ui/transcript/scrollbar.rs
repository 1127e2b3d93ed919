//! The scrollbar: the window's position in the conversation, and the prompts.
//!
//! A message is measured by the bytes of its text, whether laid out or not. So laying it out does not make the bar
//! jump, and the cost of a frame does not grow with the conversation.

use ratatui::{buffer::Buffer, layout::Rect, widgets::Widget};

use super::{PendingMove, RowPos, Transcript, layout_pass::LayoutPass};
use crate::{
    chat::{Conversation, ItemKind, Message, MessageBody, MessageId},
    render::theme::{ColourRole, Theme},
};

/// The cumulative sizes of the messages of a branch.
#[derive(Debug, Clone, Default)]
pub(crate) struct BranchSizes {
    /// The leaf of the measured branch, which identifies it.
    leaf: Option<MessageId>,
    /// For each message, the total size of all messages up to and including it.
    cumulative_bytes: Vec<u64>,
    /// The indices of the prompts in the branch.
    prompt_indices: Vec<usize>,
    /// The number of messages measured so far, for tests.
    pub messages_measured: u64,
}

/// The bar as it is painted, in rows from the top of the window.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ScrollbarRows {
    first_row: u16,
    end_row: u16,
    /// The rows in which at least one prompt begins.
    prompt_rows: Vec<u16>,
}

/// What the head of a message and the blank rows around it count for, in bytes of text.
const MESSAGE_OVERHEAD: u64 = 200;

impl BranchSizes {
    fn sync(&mut self, conversation: &Conversation) {
        let branch = &conversation.branch;
        let known = self.cumulative_bytes.len();
        let same = known <= branch.len() && self.leaf == known.checked_sub(1).map(|last| branch[last]);
        // The last message may have grown since then.
        let keep = if same { known.saturating_sub(1) } else { 0 };
        self.cumulative_bytes.truncate(keep);
        while self.prompt_indices.last().is_some_and(|prompt| *prompt >= keep) {
            self.prompt_indices.pop();
        }
        for (index, id) in branch.iter().enumerate().skip(keep) {
            let message = conversation.messages.get(id);
            if message.is_some_and(|message| matches!(message.body, MessageBody::Prompt(_))) {
                self.prompt_indices.push(index);
            }
            self.cumulative_bytes.push(self.bytes_before(index) + message.map_or(0, message_bytes));
            self.messages_measured += 1;
        }
        self.leaf = branch.last().copied();
    }

    fn total_bytes(&self) -> u64 {
        self.cumulative_bytes.last().copied().unwrap_or(0).max(1)
    }

    fn bytes_before(&self, index: usize) -> u64 {
        index.checked_sub(1).and_then(|above| self.cumulative_bytes.get(above)).copied().unwrap_or(0)
    }

    /// The position of the first prompt that begins in a row of the bar or below it.
    fn first_prompt_from(&self, row: u16, rows: u64) -> Option<u64> {
        let from = (self.total_bytes() * u64::from(row)).div_ceil(rows);
        let at = self.prompt_indices.partition_point(|prompt| self.bytes_before(*prompt) < from);
        self.prompt_indices.get(at).map(|prompt| self.bytes_before(*prompt))
    }

    /// The position, in bytes, of a row of a message with `height` rows.
    fn byte_position(&self, spot: RowPos, height: usize) -> u64 {
        let before = self.bytes_before(spot.message_index);
        let size = self.cumulative_bytes.get(spot.message_index).map_or(0, |upto| upto - before);
        before + size * spot.row.min(height) as u64 / height.max(1) as u64
    }
}

fn message_bytes(message: &Message) -> u64 {
    let text = match &message.body {
        MessageBody::Prompt(prompt) => prompt.text.len(),
        MessageBody::Answer(answer) => {
            let items = answer.items.values().map(|item| match &*item.kind {
                ItemKind::Message { parts, .. } => parts.iter().map(|part| part.text().len()).sum::<usize>(),
                ItemKind::Reasoning(_) | ItemKind::Search(_) | ItemKind::Call(_) | ItemKind::Other { .. } => 80,
            });
            items.sum()
        }
    };
    text as u64 + MESSAGE_OVERHEAD
}

impl Transcript {
    /// Goes to the text that a row of the scrollbar represents.
    pub fn scroll_to_bar_row(&mut self, row: u16) {
        self.pending_moves.push(PendingMove::ScrollToBarRow(row));
    }

    /// The number of messages that the scrollbar has measured, for tests.
    pub fn measured_messages(&self) -> u64 {
        self.branch_sizes.messages_measured
    }
}

impl LayoutPass<'_> {
    /// Updates the scrollbar; there is none if everything is visible.
    pub(super) fn update_scrollbar(&mut self) {
        self.transcript.branch_sizes.sync(self.conversation);
        self.transcript.scrollbar = self.scrollbar_rows();
    }

    fn scrollbar_rows(&mut self) -> Option<ScrollbarRows> {
        let own = |slice: &&super::VisibleRange| slice.message.is_some();
        let first = *self.transcript.visible_ranges.iter().find(own)?;
        let last = *self.transcript.visible_ranges.iter().rev().find(own)?;
        let (top, end) = (
            RowPos { message_index: first.message_index, row: first.first_row },
            RowPos { message_index: last.message_index, row: last.first_row + last.row_count },
        );
        let (first_height, last_height) =
            (self.message_height(first.message_index), self.message_height(last.message_index));
        let sizes = &self.transcript.branch_sizes;
        let (from, to) = (sizes.byte_position(top, first_height), sizes.byte_position(end, last_height));
        let (total, rows) = (sizes.total_bytes(), self.transcript.height as u64);
        if from == 0 && to >= total || rows < 3 {
            return None;
        }
        let row = |place: u64| u16::try_from(place * rows / total).unwrap_or(u16::MAX);
        let to = if to >= total { rows as u16 } else { row(to + total / rows).min(rows as u16 - 1) };
        let from = row(from).min(to.saturating_sub(1));
        let prompts = (0..rows as u16)
            .filter(|here| sizes.first_prompt_from(*here, rows).is_some_and(|place| row(place) == *here));
        Some(ScrollbarRows { first_row: from, end_row: to, prompt_rows: prompts.collect() })
    }

    /// The row of the text that a row of the bar represents.
    pub(super) fn row_at_bar(&mut self, row: u16) -> RowPos {
        let sizes = &self.transcript.branch_sizes;
        let position = sizes.total_bytes() * u64::from(row) / (self.transcript.height as u64).max(1);
        let index = sizes
            .cumulative_bytes
            .partition_point(|upto| *upto <= position)
            .min(sizes.cumulative_bytes.len().saturating_sub(1));
        let (before, upto) = (sizes.bytes_before(index), sizes.cumulative_bytes.get(index).copied().unwrap_or(0));
        let height = self.message_height(index) as u64;
        let row = (position.saturating_sub(before) * height).checked_div(upto - before).unwrap_or(0);
        RowPos { message_index: index, row: usize::try_from(row).unwrap_or(0) }
    }
}

/// Paints the bar into a column of one cell.
pub struct ScrollbarView<'a> {
    pub transcript: &'a Transcript,
    pub theme: &'a Theme,
}

impl Widget for ScrollbarView<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        let area = area.intersection(buf.area);
        let Some(bar) = self.transcript.scrollbar.as_ref().filter(|_| !area.is_empty()) else { return };
        let marks = &self.theme.marks;
        let mut put = |row: u16, mark: &str, role| {
            if row < area.height {
                buf.set_stringn(area.x, area.y + row, mark, 1, self.theme.style(role));
            }
        };
        // If most rows have a prompt, the thumb must remain visible.
        let is_crowded = bar.prompt_rows.len() * 2 > usize::from(area.height);
        for row in bar.first_row..bar.end_row {
            put(row, marks.scrollbar_thumb, ColourRole::Muted);
        }
        for row in &bar.prompt_rows {
            let mark = if is_crowded && (bar.first_row..bar.end_row).contains(row) {
                marks.scrollbar_thumb
            } else {
                marks.rule
            };
            put(*row, mark, ColourRole::You);
        }
    }
}
