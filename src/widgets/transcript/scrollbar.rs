//! How far the window is through the conversation, and where the prompts are.
//!
//! A message counts by the bytes of its text, laid out or not: so nothing jumps when it is, and the cost of a frame
//! does not grow with the conversation.

use ratatui::{buffer::Buffer, layout::Rect, widgets::Widget};

use super::{Spot, Transcript, Wish, page::Page};
use crate::{
    chat::{Body, Conversation, Kind, Message, MessageId},
    widgets::theme::{Role, Theme},
};

/// The sizes of all messages of a branch, summed up.
#[derive(Debug, Clone, Default)]
pub(super) struct Sizes {
    /// Which branch it is: a branch is known by its leaf.
    leaf: Option<MessageId>,
    /// The size of all messages up to each, itself included.
    upto: Vec<u64>,
    /// Where the prompts are in the branch.
    prompts: Vec<usize>,
    /// How many messages were ever looked at, for tests.
    pub looked_at: u64,
}

/// The bar as it is painted: rows from the top of the window.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Bar {
    from: u16,
    to: u16,
    /// Rows in which prompts begin; one for all of a row.
    prompts: Vec<u16>,
}

/// The head of a message and the blank rows around it, in bytes of text.
const AROUND: u64 = 200;

impl Sizes {
    fn sync(&mut self, conversation: &Conversation) {
        let branch = &conversation.branch;
        let known = self.upto.len();
        let same = known <= branch.len() && self.leaf == known.checked_sub(1).map(|last| branch[last]);
        // The last one may have grown since.
        let keep = if same { known.saturating_sub(1) } else { 0 };
        self.upto.truncate(keep);
        while self.prompts.last().is_some_and(|prompt| *prompt >= keep) {
            self.prompts.pop();
        }
        for (index, id) in branch.iter().enumerate().skip(keep) {
            let message = conversation.messages.get(id);
            if message.is_some_and(|message| matches!(message.body, Body::Prompt(_))) {
                self.prompts.push(index);
            }
            self.upto.push(self.before(index) + message.map_or(0, size));
            self.looked_at += 1;
        }
        self.leaf = branch.last().copied();
    }

    fn total(&self) -> u64 {
        self.upto.last().copied().unwrap_or(0).max(1)
    }

    fn before(&self, index: usize) -> u64 {
        index.checked_sub(1).and_then(|above| self.upto.get(above)).copied().unwrap_or(0)
    }

    /// Where the first prompt begins whose place is in a row of the bar or below it.
    fn prompt_from(&self, row: u16, rows: u64) -> Option<u64> {
        let from = (self.total() * u64::from(row)).div_ceil(rows);
        let at = self.prompts.partition_point(|prompt| self.before(*prompt) < from);
        self.prompts.get(at).map(|prompt| self.before(*prompt))
    }

    /// The place of a row of a message that has so many.
    fn place(&self, spot: Spot, height: usize) -> u64 {
        let before = self.before(spot.index);
        let size = self.upto.get(spot.index).map_or(0, |upto| upto - before);
        before + size * spot.row.min(height) as u64 / height.max(1) as u64
    }
}

fn size(message: &Message) -> u64 {
    let text = match &message.body {
        Body::Prompt(prompt) => prompt.text.len(),
        Body::Answer(answer) => {
            let items = answer.items.values().map(|item| match &*item.kind {
                Kind::Message { parts, .. } => parts.iter().map(|part| part.text().len()).sum::<usize>(),
                Kind::Reasoning(_) | Kind::Search(_) | Kind::Call(_) | Kind::Other { .. } => 80,
            });
            items.sum()
        }
    };
    text as u64 + AROUND
}

impl Transcript {
    /// Goes to where that row of the scrollbar stands for.
    pub fn scroll_to_bar(&mut self, row: u16) {
        self.wishes.push(Wish::Bar(row));
    }

    /// How many messages the scrollbar has looked at, for tests.
    pub fn sized(&self) -> u64 {
        self.sizes.looked_at
    }
}

impl Page<'_> {
    /// The scrollbar of the window; none where all is in sight.
    pub fn settle_bar(&mut self) {
        self.transcript.sizes.sync(self.conversation);
        self.transcript.bar = self.bar();
    }

    fn bar(&mut self) -> Option<Bar> {
        let own = |slice: &&super::Slice| slice.message.is_some();
        let first = *self.transcript.window.iter().find(own)?;
        let last = *self.transcript.window.iter().rev().find(own)?;
        let (top, end) =
            (Spot { index: first.index, row: first.first }, Spot { index: last.index, row: last.first + last.rows });
        let (first_height, last_height) = (self.height(first.index), self.height(last.index));
        let sizes = &self.transcript.sizes;
        let (from, to) = (sizes.place(top, first_height), sizes.place(end, last_height));
        let (total, rows) = (sizes.total(), self.transcript.height as u64);
        if from == 0 && to >= total || rows < 3 {
            return None;
        }
        let row = |place: u64| u16::try_from(place * rows / total).unwrap_or(u16::MAX);
        let to = if to >= total { rows as u16 } else { row(to + total / rows).min(rows as u16 - 1) };
        let from = row(from).min(to.saturating_sub(1));
        let prompts =
            (0..rows as u16).filter(|here| sizes.prompt_from(*here, rows).is_some_and(|place| row(place) == *here));
        Some(Bar { from, to, prompts: prompts.collect() })
    }

    /// The row of the text that a row of the bar stands for.
    pub fn at_bar(&mut self, row: u16) -> Spot {
        let sizes = &self.transcript.sizes;
        let place = sizes.total() * u64::from(row) / (self.transcript.height as u64).max(1);
        let index = sizes.upto.partition_point(|upto| *upto <= place).min(sizes.upto.len().saturating_sub(1));
        let (before, upto) = (sizes.before(index), sizes.upto.get(index).copied().unwrap_or(0));
        let height = self.height(index) as u64;
        let row = (place.saturating_sub(before) * height).checked_div(upto - before).unwrap_or(0);
        Spot { index, row: usize::try_from(row).unwrap_or(0) }
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
        let Some(bar) = self.transcript.bar.as_ref().filter(|_| !area.is_empty()) else { return };
        let marks = &self.theme.marks;
        let mut put = |row: u16, mark: &str, role| {
            if row < area.height {
                buf.set_stringn(area.x, area.y + row, mark, 1, self.theme.style(role));
            }
        };
        // Where there is a prompt in every row, the thumb is still to be seen.
        let is_crowded = bar.prompts.len() * 2 > usize::from(area.height);
        for row in bar.from..bar.to {
            put(row, marks.thumb, Role::Muted);
        }
        for row in &bar.prompts {
            let mark = if is_crowded && (bar.from..bar.to).contains(row) { marks.thumb } else { marks.rule };
            put(*row, mark, Role::You);
        }
    }
}
