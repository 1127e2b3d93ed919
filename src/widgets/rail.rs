//! The rail: what the current answer thought, live, and the sources that it names.

mod details;
mod reasoning;
mod sources;
mod view;

use std::collections::BTreeMap;

pub use view::RailView;

use super::{
    citation::Citations,
    markdown::MarkdownLayout,
    row::{Ink, Row, RowKind, Span},
    theme::Role,
    transcript::{Move, ReadingOptions},
};
use crate::chat::{Answer, Conversation, Message, MessageId, Slot, Timestamp};

/// What the rail shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tab {
    #[default]
    Reasoning,
    Sources,
    Details,
}

impl Tab {
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

/// What the reader looks at in the text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Looking {
    pub message: Option<MessageId>,
    /// The source of the citation under the cursor, and the answer that names it.
    pub source: Option<(MessageId, u32)>,
}

/// The state half of the rail.
#[derive(Debug, Clone, Default)]
pub struct Rail {
    pub tab: Tab,
    answer: Option<MessageId>,
    scroll: Scroll,
    wishes: Vec<Move>,
    width: usize,
    height: usize,
    texts: BTreeMap<(Slot, usize), MarkdownLayout>,
    citations: Citations,
    /// The source that is lit.
    source: Option<u32>,
    pieces: Vec<Piece>,
    /// Rows of all pieces together.
    rows: usize,
    first: usize,
    /// The row that stays at the bottom.
    foot: Option<Row>,
}

/// Some rows of the rail.
#[derive(Debug, Clone)]
enum Piece {
    Own(Row),
    /// All rows of a text.
    Text((Slot, usize), usize),
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Scroll {
    /// At the end of live reasoning, else at the top.
    #[default]
    Auto,
    At(usize),
}

/// The tabs and the blank row below them.
const HEAD: usize = 2;

impl Rail {
    /// Lays out what a rail of this size shows of the answer that belongs to the current message, or
    /// of the last one.
    pub fn sync(
        &mut self,
        conversation: &Conversation,
        looking: Looking,
        size: ratatui::layout::Size,
        now: Timestamp,
        options: &ReadingOptions,
    ) {
        let answer = answer_of(conversation, looking.message);
        let id = answer.map(|(id, _)| id);
        if self.answer != id {
            *self = Self { tab: self.tab, answer: id, wishes: std::mem::take(&mut self.wishes), ..Self::default() };
        }
        let before = self.source;
        self.source = looking.source.filter(|(message, _)| Some(*message) == id).map(|(_, number)| number);
        self.width = usize::from(size.width).max(1);
        self.height = usize::from(size.height).saturating_sub(HEAD);
        self.pieces.clear();
        self.foot = None;
        if let Some((_, answer)) = answer {
            self.citations.sync(answer);
            match self.tab {
                Tab::Reasoning => self.reasoning(answer, now, options),
                Tab::Sources => self.sources(options),
                Tab::Details => self.details(conversation, id, now, options),
            }
        } else {
            self.say("There is no answer yet.");
        }
        self.rows = self.pieces.iter().map(Piece::rows).sum();
        let is_live = answer.is_some_and(|(_, answer)| !answer.is_over()) && self.tab == Tab::Reasoning;
        if self.tab == Tab::Sources && self.source != before {
            self.show_source();
        }
        self.settle(is_live);
    }

    /// The source so many steps from the one that is lit, within its list, and its answer.
    pub fn source_beside(&self, steps: i32) -> Option<(MessageId, u32)> {
        let sources = self.citations.sources();
        let last = sources.len().checked_sub(1)?;
        let at = self.source.and_then(|lit| sources.iter().position(|source| source.number == lit));
        let steps = isize::try_from(steps).unwrap_or_default();
        let to = match at {
            Some(at) => at.saturating_add_signed(steps).min(last),
            None if steps > 0 => 0,
            None => last,
        };
        Some((self.answer?, sources[to].number))
    }

    /// The source on a row of the rail, the tabs included, and its answer.
    pub fn source_at(&self, row: u16) -> Option<(MessageId, u32)> {
        let row = usize::from(row).checked_sub(HEAD)?;
        if self.tab != Tab::Sources || row >= self.height {
            return None;
        }
        let above = self.pieces.get(..=self.first + row)?;
        let number = above.iter().rev().find_map(|piece| match piece {
            Piece::Own(row) => row.spans.iter().find_map(|span| span.citation).map(|cited| cited.number),
            Piece::Text(..) => None,
        })?;
        Some((self.answer?, number))
    }

    /// Scrolls until the source that is lit can be seen.
    fn show_source(&mut self) {
        let rows = || self.pieces.iter().enumerate().filter(|(_, piece)| piece.is_lit()).map(|(row, _)| row);
        let (Some(first), Some(last)) = (rows().next(), rows().next_back()) else { return };
        let end = (last + 1).saturating_sub(self.height);
        self.scroll = Scroll::At(self.first.clamp(end.min(first), first));
    }

    /// Goes somewhere at the next `sync`.
    pub fn scroll(&mut self, to: Move) {
        self.wishes.push(to);
    }

    pub fn show(&mut self, tab: Tab) {
        if self.tab != tab {
            self.tab = tab;
            self.scroll = Scroll::Auto;
            self.wishes.clear();
        }
    }

    fn settle(&mut self, is_live: bool) {
        let signed = |rows: usize| i64::try_from(rows).unwrap_or(i64::MAX);
        let height = self.height - usize::from(self.foot.is_some()).min(self.height);
        let last = self.rows.saturating_sub(height);
        let page = signed(height.max(1));
        for wish in std::mem::take(&mut self.wishes) {
            let from = match self.scroll {
                Scroll::Auto if is_live => signed(last),
                Scroll::Auto => 0,
                Scroll::At(row) => signed(row),
            };
            let to = match wish {
                Move::Rows(rows) => from + i64::from(rows),
                Move::HalfPages(pages) => from + i64::from(pages) * (page / 2).max(1),
                Move::Pages(pages) => from + i64::from(pages) * (page - 1).max(1),
                Move::Top => 0,
                Move::Bottom => signed(last),
                Move::Messages(_) | Move::To(_) => from,
            };
            let to = usize::try_from(to).unwrap_or(0).min(last);
            self.scroll = if is_live && to == last { Scroll::Auto } else { Scroll::At(to) };
        }
        self.first = match self.scroll {
            Scroll::Auto if is_live => last,
            Scroll::Auto => 0,
            Scroll::At(row) => row.min(last),
        };
    }

    /// One muted sentence instead of content.
    fn say(&mut self, words: &str) {
        let spans = vec![Span::new(words, Ink::of(Role::Muted))];
        self.pieces.extend(super::card::wrapped(&spans, self.width, RowKind::Text).into_iter().map(Piece::Own));
    }

    fn blank(&mut self) {
        self.pieces.push(Piece::Own(Row::blank()));
    }

    /// The rows in sight.
    fn visible(&self) -> impl Iterator<Item = &Row> {
        let rows = self.pieces.iter().flat_map(|piece| match piece {
            Piece::Own(row) => std::slice::from_ref(row),
            Piece::Text(key, _) => self.texts.get(key).map_or(&[][..], MarkdownLayout::rows),
        });
        rows.skip(self.first).take(self.height - usize::from(self.foot.is_some()).min(self.height))
    }
}

impl Piece {
    /// Whether it belongs to the source that is lit.
    fn is_lit(&self) -> bool {
        matches!(self, Self::Own(row) if row.fill == Some(Role::Raised))
    }

    fn rows(&self) -> usize {
        match self {
            Self::Own(_) => 1,
            Self::Text(_, rows) => *rows,
        }
    }
}

/// The current message if it is an answer, the answer to it if it is a prompt, else the last one.
fn answer_of(conversation: &Conversation, current: Option<MessageId>) -> Option<(MessageId, &Answer)> {
    let of = |id: &MessageId| conversation.messages.get(id).and_then(Message::answer).map(|answer| (*id, answer));
    if let Some(current) = current {
        if let Some(answer) = of(&current) {
            return Some(answer);
        }
        let branch = conversation.branch.iter().rev();
        let mut below = branch.take_while(|id| **id != current).filter_map(of);
        if let Some(answer) = below.by_ref().last() {
            return Some(answer);
        }
    }
    conversation.branch.iter().rev().find_map(of)
}

#[cfg(test)]
mod tests;
