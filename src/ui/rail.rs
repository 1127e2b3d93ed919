//! The rail beside the text: reasoning, sources and details of the current answer.

mod details;
mod reasoning;
mod sources;
mod view;

use std::collections::BTreeMap;

pub use view::RailView;

use super::{
    effect::{TextId, TextPlace},
    reading::{ReadingOptions, ScrollMove, text_focus::TextKey},
};
use crate::chat::{Answer, Conversation, ConversationId, ItemKind, Message, MessageId, Timestamp};
use crate::{
    citations::{annotations::AnswerCitations, check::SourceChecks},
    render::{
        markdown::{LayoutBudget, LayoutJob, MarkdownLayout},
        row::{RowKind, StyledRow, StyledSpan, TextStyle},
        theme::ColourRole,
    },
};

/// A tab of the rail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub enum RailTab {
    #[default]
    Reasoning,
    Sources,
    Details,
}

impl RailTab {
    #[must_use]
    pub fn next(self) -> Self {
        match self {
            Self::Reasoning => Self::Sources,
            Self::Sources => Self::Details,
            Self::Details => Self::Reasoning,
        }
    }

    #[must_use]
    pub fn previous(self) -> Self {
        self.next().next()
    }
}

/// The part of the text that the rail follows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RailFocus {
    /// The current message.
    pub message: Option<MessageId>,
    /// The source of the citation under the cursor, with the answer that cites it.
    pub source: Option<(MessageId, u32)>,
}

/// The state of the rail.
#[derive(Debug, Clone, Default)]
pub struct Rail {
    pub tab: RailTab,
    /// The user chose the tab; otherwise it is the one that has the most to show.
    is_tab_chosen: bool,
    answer_id: Option<MessageId>,
    scroll: RailScroll,
    pending_moves: Vec<ScrollMove>,
    width: usize,
    height: usize,
    texts: BTreeMap<TextKey, MarkdownLayout>,
    /// How much each frame may lay out.
    pub layout_budget: LayoutBudget,
    /// Texts that are too much for a frame, and the layouts that have come back.
    jobs: Vec<(TextKey, LayoutJob)>,
    /// The next frame has to continue a layout that was too long for this one.
    pub is_behind: bool,
    finished: BTreeMap<TextKey, MarkdownLayout>,
    citations: AnswerCitations,
    /// The number of the highlighted source.
    highlighted_source: Option<u32>,
    blocks: Vec<RailBlock>,
    /// The rows of all blocks together.
    row_count: usize,
    /// The first visible row.
    first_row: usize,
    /// The row that stays at the bottom while the rest scrolls.
    footer: Option<StyledRow>,
}

/// A row of the rail, or the rows of a Markdown text.
#[derive(Debug, Clone)]
enum RailBlock {
    Row(StyledRow),
    /// A text of `Rail::texts`, with its number of rows.
    Text(TextKey, usize),
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum RailScroll {
    /// At the end while reasoning streams, otherwise at the top.
    #[default]
    Auto,
    At(usize),
}

/// The tabs and the blank row below them.
const HEADER_ROWS: usize = 2;

impl Rail {
    /// Lays out the selected tab for the answer to the current message, or for the last answer, in a rail of
    /// this size.
    pub fn sync(
        &mut self,
        conversation: &Conversation,
        focus: RailFocus,
        size: ratatui::layout::Size,
        now: Timestamp,
        options: &ReadingOptions,
        checks: &SourceChecks,
    ) {
        let answer = current_answer(conversation, focus.message);
        let id = answer.map(|(id, _)| id);
        if self.answer_id != id {
            *self = Self {
                tab: self.tab,
                // A new turn begins.
                is_tab_chosen: self.is_tab_chosen && answer.is_none_or(|(_, answer)| answer.is_over()),
                answer_id: id,
                pending_moves: std::mem::take(&mut self.pending_moves),
                layout_budget: self.layout_budget,
                ..Self::default()
            };
        }
        let previous_source = self.highlighted_source;
        self.highlighted_source = focus.source.filter(|(message, _)| Some(*message) == id).map(|(_, number)| number);
        self.width = usize::from(size.width).max(1);
        self.height = usize::from(size.height).saturating_sub(HEADER_ROWS);
        let read = self.read_position();
        self.blocks.clear();
        self.footer = None;
        if let Some((_, answer)) = answer {
            self.citations.refresh(answer);
            self.select_tab_for(answer);
            match self.tab {
                RailTab::Reasoning => self.lay_out_reasoning(answer, now, options, read),
                RailTab::Sources => self.lay_out_sources(answer, checks, options),
                RailTab::Details => self.lay_out_details(conversation, id, now, options),
            }
        } else {
            self.push_message("There is no answer yet.");
        }
        self.row_count = self.blocks.iter().map(RailBlock::row_count).sum();
        let is_live = answer.is_some_and(|(_, answer)| !answer.is_over()) && self.tab == RailTab::Reasoning;
        if self.tab == RailTab::Sources && self.highlighted_source != previous_source {
            self.scroll_to_source();
        }
        self.apply_pending_moves(is_live);
    }

    /// Returns the source this many steps from the highlighted one, clamped to the list, with its answer.
    pub fn source_at_offset(&self, steps: i32) -> Option<(MessageId, u32)> {
        let sources = self.citations.sources();
        let last = sources.len().checked_sub(1)?;
        let index = self.highlighted_source.and_then(|lit| sources.iter().position(|source| source.number == lit));
        let steps = isize::try_from(steps).unwrap_or_default();
        let target = match index {
            Some(at) => at.saturating_add_signed(steps).min(last),
            None if steps > 0 => 0,
            None => last,
        };
        Some((self.answer_id?, sources[target].number))
    }

    /// Returns the source on a row of the rail, with its answer; row 0 is the row of tabs.
    pub fn source_at_row(&self, row: u16) -> Option<(MessageId, u32)> {
        let row = usize::from(row).checked_sub(HEADER_ROWS)?;
        if self.tab != RailTab::Sources || row >= self.height {
            return None;
        }
        let above = self.blocks.get(..=self.first_row + row)?;
        if matches!(above.last(), Some(RailBlock::Row(row)) if row.kind == RowKind::Other) {
            return None; // A page that is no source.
        }
        let number = above.iter().rev().find_map(|piece| match piece {
            RailBlock::Row(row) => row.spans.iter().find_map(StyledSpan::citation).map(|cited| cited.number),
            RailBlock::Text(..) => None,
        })?;
        Some((self.answer_id?, number))
    }

    /// Scrolls the highlighted source into view.
    fn scroll_to_source(&mut self) {
        let rows = || self.blocks.iter().enumerate().filter(|(_, piece)| piece.is_highlighted()).map(|(row, _)| row);
        let (Some(first), Some(last)) = (rows().next(), rows().next_back()) else { return };
        let end = (last + 1).saturating_sub(self.height);
        self.scroll = RailScroll::At(self.first_row.clamp(end.min(first), first));
    }

    /// Takes the texts that are too much for a frame.
    pub fn take_layout_jobs(&mut self, conversation: ConversationId) -> Vec<(TextId, LayoutJob)> {
        let Some(message) = self.answer_id else { return Vec::new() };
        let id = |(slot, index)| TextId { conversation, message, slot, index, place: TextPlace::Rail };
        self.jobs.drain(..).map(|(key, job)| (id(key), job)).collect()
    }

    /// Takes back a text that was laid out outside the loop; the next `sync` shows it.
    pub fn on_text_laid_out(&mut self, text: TextId, layout: MarkdownLayout) {
        if self.answer_id == Some(text.message) {
            self.finished.insert((text.slot, text.index), layout);
        }
    }

    /// The most bytes of reasoning that one step has looked at, for tests.
    pub fn longest_step(&self) -> usize {
        self.texts.values().map(|text| text.work().longest_step).max().unwrap_or(0)
    }

    /// Scrolls at the next `sync`, when the size of the content is known.
    pub fn scroll(&mut self, movement: ScrollMove) {
        self.pending_moves.push(movement);
    }

    /// Shows the reasoning while an answer arrives, and its sources once it is over, unless the user chose a tab since.
    fn select_tab_for(&mut self, answer: &Answer) {
        let has_reasoning = answer.items.values().any(|item| matches!(*item.kind, ItemKind::Reasoning(_)));
        let tab = match (answer.is_over(), self.citations.sources().is_empty()) {
            (true, false) => RailTab::Sources,
            (true, true) if !has_reasoning => RailTab::Details,
            (_, _) => RailTab::Reasoning,
        };
        if !self.is_tab_chosen {
            self.show_tab(tab);
        }
    }

    pub fn select_tab(&mut self, tab: RailTab) {
        self.is_tab_chosen = true;
        self.show_tab(tab);
    }

    fn show_tab(&mut self, tab: RailTab) {
        if self.tab != tab {
            self.tab = tab;
            self.scroll = RailScroll::Auto;
            self.pending_moves.clear();
        }
    }

    /// Applies the pending moves and sets the first visible row.
    fn apply_pending_moves(&mut self, is_live: bool) {
        let signed = |rows: usize| i64::try_from(rows).unwrap_or(i64::MAX);
        let height = self.height - usize::from(self.footer.is_some()).min(self.height);
        let last = self.row_count.saturating_sub(height);
        let page = signed(height.max(1));
        for movement in std::mem::take(&mut self.pending_moves) {
            let from = match self.scroll {
                RailScroll::Auto if is_live => signed(last),
                RailScroll::Auto => 0,
                RailScroll::At(row) => signed(row),
            };
            let target = match movement {
                ScrollMove::Rows(rows) => from + i64::from(rows),
                ScrollMove::HalfPages(pages) => from + i64::from(pages) * (page / 2).max(1),
                ScrollMove::Pages(pages) => from + i64::from(pages) * (page - 1).max(1),
                ScrollMove::Top => 0,
                ScrollMove::Bottom => signed(last),
                ScrollMove::ByMessages(_) | ScrollMove::ToMessage(_) => from,
            };
            let to = usize::try_from(target).unwrap_or(0).min(last);
            self.scroll = if is_live && to == last { RailScroll::Auto } else { RailScroll::At(to) };
        }
        self.first_row = match self.scroll {
            RailScroll::Auto if is_live => last,
            RailScroll::Auto => 0,
            RailScroll::At(row) => row.min(last),
        };
    }

    /// The text of the first visible row, and where the source of that row begins.
    fn read_position(&self) -> Option<(TextKey, usize)> {
        let mut above = 0;
        for block in &self.blocks {
            if let RailBlock::Text(key, rows) = block
                && (above..above + rows).contains(&self.first_row)
            {
                return Some((*key, self.texts.get(key)?.rows().get(self.first_row - above)?.source.start));
            }
            above += block.row_count();
        }
        None
    }

    /// Returns to what was read before the rows of a text were replaced.
    fn return_to(&mut self, (read, source): (TextKey, usize)) {
        let mut above = 0;
        for block in &self.blocks {
            if let RailBlock::Text(key, _) = block
                && *key == read
                && let Some(text) = self.texts.get(key)
            {
                let row = text.rows().partition_point(|row| row.source.end <= source);
                self.scroll = RailScroll::At(above + row.min(text.rows().len().saturating_sub(1)));
            }
            above += block.row_count();
        }
    }

    /// Shows a muted message in place of content.
    fn push_message(&mut self, message: &str) {
        let spans = vec![StyledSpan::new(message, TextStyle::of(ColourRole::Muted))];
        self.blocks
            .extend(crate::render::card::wrap_spans(&spans, self.width, RowKind::Text).into_iter().map(RailBlock::Row));
    }

    fn push_blank(&mut self) {
        self.blocks.push(RailBlock::Row(StyledRow::blank()));
    }

    /// Returns the visible rows.
    fn visible_rows(&self) -> impl Iterator<Item = &StyledRow> {
        let rows = self.blocks.iter().flat_map(|piece| match piece {
            RailBlock::Row(row) => std::slice::from_ref(row),
            RailBlock::Text(key, _) => self.texts.get(key).map_or(&[][..], MarkdownLayout::rows),
        });
        rows.skip(self.first_row).take(self.height - usize::from(self.footer.is_some()).min(self.height))
    }
}

impl RailBlock {
    /// Returns whether the block belongs to the highlighted source.
    fn is_highlighted(&self) -> bool {
        matches!(self, Self::Row(row) if row.background == Some(ColourRole::Raised))
    }

    fn row_count(&self) -> usize {
        match self {
            Self::Row(_) => 1,
            Self::Text(_, rows) => *rows,
        }
    }
}

/// Returns whether the rail would have something to show: an answer that is over, or that has reasoning.
pub fn has_content(conversation: &Conversation) -> bool {
    let answers = conversation.branch.iter().filter_map(|id| conversation.messages.get(id)?.as_answer());
    answers.rev().any(|answer| {
        answer.is_over() || answer.items.values().any(|item| matches!(*item.kind, ItemKind::Reasoning(_)))
    })
}

/// Returns the current message if it is an answer, the answer to it if it is a prompt, and otherwise the last answer.
fn current_answer(conversation: &Conversation, current: Option<MessageId>) -> Option<(MessageId, &Answer)> {
    let find_answer =
        |id: &MessageId| conversation.messages.get(id).and_then(Message::as_answer).map(|answer| (*id, answer));
    if let Some(current) = current {
        if let Some(answer) = find_answer(&current) {
            return Some(answer);
        }
        let branch = conversation.branch.iter().rev();
        let mut below = branch.take_while(|id| **id != current).filter_map(find_answer);
        if let Some(answer) = below.by_ref().last() {
            return Some(answer);
        }
    }
    conversation.branch.iter().rev().find_map(find_answer)
}

#[cfg(test)]
mod tests;
