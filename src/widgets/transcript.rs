//! A conversation as one reads it: laid out where the window is, anchored to what is being read.
//!
//! `Transcript` is the state half: `sync` lays out what the window needs and carries out the moves that
//! were wished for. `TranscriptView` paints it and changes nothing.

mod answer;
pub(super) mod call;
mod citing;
mod cursor;
mod details;
pub(super) mod facts;
mod find;
mod folds;
mod message;
mod page;
mod place;
mod queue;
mod runs;
mod said;
mod scrollbar;
mod select;
mod under;
mod view;
mod walk;

use std::{
    collections::BTreeMap,
    hash::{DefaultHasher, Hash, Hasher},
};

pub use call::words as called;
pub use citing::{Cited, Walk};
pub use cursor::{Citation, Cursor, Target};
pub(super) use details::size;
pub use find::{Find, FindView};
pub use said::folded_text;
pub use scrollbar::ScrollbarView;
pub use select::{By, Step, Unit};
pub use under::Under;
pub use view::TranscriptView;
pub use walk::Thing;

use self::{
    folds::Folds,
    message::{Laid, Layout},
    page::Page,
    queue::Queue,
    scrollbar::{Bar, Sizes},
    select::Selection,
};
use super::{
    highlight,
    markdown::{Look, Work},
    row::RowKind,
    theme::Theme,
};
use crate::{
    chat::{CallId, Conversation, ConversationId, MessageId, Timestamp},
    config::Show,
};

/// The gutter left of the text, in cells.
pub const GUTTER: u16 = 2;

/// What the reader chose about reading.
#[derive(Debug, Clone, PartialEq)]
pub struct ReadingOptions {
    pub reasoning: Show,
    /// The rail shows the reasoning while it comes, so that the text need not.
    pub reasoning_in_rail: bool,
    pub look: Look,
    /// What is read from right to left is turned round.
    pub reorder: bool,
    pub zone: jiff::tz::TimeZone,
}

/// A way to go through the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Move {
    Rows(i32),
    HalfPages(i32),
    Pages(i32),
    /// To the beginning of another message.
    Messages(i32),
    To(MessageId),
    Top,
    Bottom,
}

/// The newest card that something can be done about, while it is on the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LiveCard {
    pub answer: MessageId,
    /// The call that it asks about, if it does.
    pub asked: Option<Asked>,
    /// What stands on it, where it asks about a call.
    shown: u64,
    /// Since when it stands so on the screen: no key counts on it within 0.3 s.
    pub since: Timestamp,
}

/// A call that asks, as it asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    call: CallId,
    arguments: u64,
}

impl Asked {
    /// The first call that asks now.
    pub fn of(conversation: &Conversation) -> Option<Self> {
        let (call, run) = conversation.asking()?;
        let mut hasher = DefaultHasher::new();
        (run.arguments.to_string(), run.edited).hash(&mut hasher);
        Some(Self { call, arguments: hasher.finish() })
    }
}

/// The rows of one conversation in one window.
#[derive(Debug, Clone, Default)]
pub struct Transcript {
    conversation: Option<ConversationId>,
    layout: Option<Layout>,
    height: usize,
    scroll: Scroll,
    wishes: Vec<Wish>,
    laid: BTreeMap<MessageId, Laid>,
    /// Prompts that wait, below the last message.
    queue: Queue,
    folds: Folds,
    /// What the window shows: messages with their first row in it.
    window: Vec<Slice>,
    /// What stood at its top in the last frame.
    top: Option<place::Anchor>,
    /// The last row that the reader has seen.
    seen: Option<place::Anchor>,
    below: usize,
    card: Option<LiveCard>,
    cursor: Option<Cursor>,
    selection: Option<Selection>,
    find: Option<Find>,
    sizes: Sizes,
    bar: Option<Bar>,
    /// What was looked for last.
    looked_for: String,
    citing: citing::Citing,
    /// The code that was last asked to be coloured.
    newest_job: Option<highlight::BlockId>,
    frame: u64,
    work: Work,
}

/// Where the window stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Scroll {
    #[default]
    Follow,
    At(place::Anchor),
}

#[derive(Debug, Clone, Copy)]
enum Wish {
    Move(Move),
    /// What stands at the top stays there, whatever happens to the rest.
    Hold,
    /// Begins a selection by keys.
    Select(Unit),
    Extend(Step),
    /// Shows the current match.
    Match,
    Walk(Walk),
    /// The citation under the cursor is to be seen.
    Reveal,
    /// So is the rest of its card, if it is seen.
    ShowCard,
    /// To what a row of the scrollbar stands for.
    Bar(u16),
    /// So many things of a kind down.
    Step(Thing, i32),
}

/// A row: of the message at this place of the branch, or, behind the last, of the queue.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Spot {
    index: usize,
    row: usize,
}

/// Rows of one message that the window shows.
#[derive(Debug, Clone, Copy)]
struct Slice {
    /// `None` is the queue.
    message: Option<MessageId>,
    /// Its place in the branch.
    index: usize,
    first: usize,
    rows: usize,
}

/// Messages whose rows are kept although the window is elsewhere.
const KEPT: usize = 64;

impl ReadingOptions {
    pub fn new(theme: &Theme, reasoning: Show, zone: jiff::tz::TimeZone) -> Self {
        Self { reasoning, reasoning_in_rail: false, look: Look::of(theme), reorder: theme.painting.reorder, zone }
    }
}

impl Transcript {
    /// Lays out what a window of `width` cells (the gutter included) and `height` rows shows.
    pub fn sync(
        &mut self,
        conversation: &Conversation,
        width: u16,
        height: u16,
        now: Timestamp,
        options: &ReadingOptions,
    ) {
        if self.conversation.is_some_and(|shown| shown != conversation.id) {
            *self = Self::default();
        }
        self.conversation = Some(conversation.id);
        let text_width = usize::from(width.saturating_sub(GUTTER)).max(1);
        let layout = Layout { width: text_width, roomy: height >= 30, options: options.clone() };
        let was = self.layout.replace(layout);
        self.height = usize::from(height);
        self.frame += 1;
        self.queue.sync(&conversation.queue, text_width, options);
        self.laid.retain(|id, _| conversation.messages.contains_key(id));
        self.cursor = self.cursor.filter(|cursor| conversation.branch.contains(&cursor.message));
        let rewrapped = was.is_some_and(|was| was.width != text_width);
        let touched = !self.wishes.iter().all(|wish| matches!(wish, Wish::Move(_) | Wish::Bar(_)));
        let mut page = Page { transcript: self, conversation, now, rewrapped, kept: None, touched };
        page.look();
        let mut top = page.top();
        for wish in std::mem::take(&mut page.transcript.wishes) {
            top = page.carry_out(wish, top);
        }
        page.settle(top);
    }

    /// Whether the next frame goes on with what this one had no time for.
    pub fn is_behind(&self) -> bool {
        let mut shown = self.window.iter().filter_map(|slice| self.laid.get(&slice.message?));
        shown.any(|laid| laid.behind)
    }

    /// Whether something waits for the next `sync` that the meaning of a key depends on: what the cursor stands on, and
    /// whether that is in sight, what is selected.
    pub fn is_unsettled(&self) -> bool {
        let moves_only = self.wishes.iter().all(|wish| matches!(wish, Wish::Move(_) | Wish::Hold | Wish::Bar(_)));
        let may_leave = self.cursor.is_some() && !self.wishes.is_empty();
        !moves_only || may_leave || self.selection.as_ref().is_some_and(Selection::is_unsettled)
    }

    /// Goes somewhere at the next `sync`.
    pub fn scroll(&mut self, to: Move) {
        self.wishes.push(Wish::Move(to));
    }

    /// Whether the window stays at the end as the text grows.
    pub fn follows(&self) -> bool {
        self.scroll == Scroll::Follow
    }

    /// Rows at the end that came since the reader was there; 0 while they are in sight.
    pub fn new_rows_below(&self) -> usize {
        self.below
    }

    /// What the cursor stands on, while some of it is in the window: no key acts on what is not seen.
    pub fn cursor(&self) -> Option<Cursor> {
        self.cursor.filter(|cursor| self.sees(*cursor))
    }

    /// Puts the cursor on something, or takes it away; the window stays.
    pub fn point_at(&mut self, cursor: Option<Cursor>) {
        self.cursor = cursor;
        if self.citation().is_none() {
            self.citing.open = false;
        }
    }

    /// The message that the cursor stands on, else the lowest on the screen.
    pub fn current(&self) -> Option<MessageId> {
        self.cursor().map(|cursor| cursor.message).or_else(|| self.lowest())
    }

    fn lowest(&self) -> Option<MessageId> {
        self.window.iter().rev().find_map(|slice| slice.message)
    }

    fn hold_still(&mut self) {
        if let Some(top) = self.top.filter(|_| self.follows()) {
            self.scroll = Scroll::At(top);
        }
        self.wishes.push(Wish::Hold);
    }

    /// The card whose keys count, if it is on the screen.
    pub fn card(&self) -> Option<LiveCard> {
        self.card
    }

    /// Scrolls code sideways: the block under the cursor, else the first in sight; says whether it moved.
    pub fn scroll_code(&mut self, by: i32) -> bool {
        let under_cursor = self.cursor().and_then(|cursor| match cursor.target {
            Target::Code(number) => Some((cursor.message, number)),
            Target::Message | Target::Reasoning(_) | Target::Call(_) | Target::Item(_) | Target::Citation(_) => None,
        });
        let in_sight = || {
            self.window.iter().find_map(|slice| {
                let laid = self.laid.get(&slice.message?)?;
                let mut rows = (slice.first..slice.first + slice.rows).filter_map(|row| laid.row(row));
                rows.find_map(|placed| match placed.row.kind {
                    RowKind::Code { block, .. } => Some((slice.message?, block)),
                    _ => None,
                })
            })
        };
        let Some((message, number)) = under_cursor.or_else(in_sight) else { return false };
        self.laid.get_mut(&message).is_some_and(|laid| laid.texts.values_mut().any(|text| text.scroll_code(number, by)))
    }

    /// Colours code; tells whether something on the screen may have changed.
    pub fn painted(&mut self, painted: &highlight::Painted) -> bool {
        self.laid.get_mut(&painted.block.message).is_some_and(|laid| laid.paint(painted))
    }

    /// Code that should be coloured: what the window shows, and a window's height above and below it.
    pub fn take_jobs(&mut self) -> Vec<highlight::Job> {
        let mut jobs = Vec::new();
        for slice in &self.window {
            let Some((id, laid)) = slice.message.and_then(|id| Some((id, self.laid.get_mut(&id)?))) else { continue };
            let wanted = slice.first.saturating_sub(self.height)..slice.first + slice.rows + self.height;
            jobs.extend(laid.take_jobs(id, &wanted, &mut self.newest_job));
        }
        jobs
    }

    /// What was laid out so far, for tests and benches.
    pub fn work(&self) -> Work {
        self.work
    }

    /// How many messages have their rows laid out, for tests.
    pub fn kept(&self) -> usize {
        self.laid.len()
    }

    /// The rows in the window, from the top, and whether each belongs to the current message.
    fn rows(&self) -> impl Iterator<Item = (message::Placed<'_>, bool)> {
        let current = self.current();
        self.window.iter().flat_map(move |slice| {
            let is_current = slice.message.is_some() && slice.message == current;
            (slice.first..slice.first + slice.rows).map(move |row| {
                let placed = match slice.message {
                    Some(id) => self.laid.get(&id).and_then(|laid| laid.row(row)),
                    None => self.queue.rows.get(row).map(|row| message::Placed { row, bar: None }),
                };
                (placed.unwrap_or_default(), is_current)
            })
        })
    }
}

fn signed(rows: usize) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
