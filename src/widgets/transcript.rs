//! A conversation as one reads it: laid out where the window is, anchored to what is being read.
//!
//! `Transcript` is the state half: `sync` lays out what the window needs and carries out the moves that
//! were wished for. `TranscriptView` paints it and changes nothing.

mod answer;
mod cursor;
mod details;
pub(super) mod facts;
mod message;
mod place;
mod view;

use std::collections::{BTreeMap, BTreeSet};

use ratatui::style::Modifier;

pub use cursor::{Citation, Cursor, Target};
pub use view::TranscriptView;

use self::message::{Laid, Layout};
use super::{
    highlight,
    markdown::{Look, Work},
    row::{Ink, Row, RowKind, Span},
    theme::{Marks, Role, Theme},
};
use crate::{
    chat::{Conversation, ConversationId, MessageId, Timestamp},
    config::Show,
    text,
};

/// The gutter left of the text, in cells.
pub const GUTTER: u16 = 2;

/// What the reader chose about reading.
#[derive(Debug, Clone, PartialEq)]
pub struct ReadingOptions {
    pub reasoning: Show,
    /// The rail shows the reasoning while it comes, so that the text need not.
    pub reasoning_in_rail: bool,
    pub marks: Marks,
    pub plain_code: bool,
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
    /// When it was first laid out to be painted: no key counts on it within 0.3 s.
    pub since: Timestamp,
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
    /// Answers whose reasoning is folded differently from what the options say.
    toggled: BTreeSet<MessageId>,
    all_toggled: bool,
    /// What the window shows: messages with their first row in it.
    window: Vec<Slice>,
    /// What stood at its top in the last frame.
    top: Option<place::Anchor>,
    /// The last row that the reader has seen.
    seen: Option<place::Anchor>,
    below: usize,
    card: Option<LiveCard>,
    cursor: Option<Cursor>,
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
}

/// A row: of the message at this place of the branch, or, behind the last, of the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Spot {
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

#[derive(Debug, Clone, Default)]
struct Queue {
    prompts: Vec<String>,
    width: usize,
    rows: Vec<Row>,
}

/// Messages whose rows are kept although the window is elsewhere.
const KEPT: usize = 64;

impl ReadingOptions {
    pub fn new(theme: &Theme, reasoning: Show, zone: jiff::tz::TimeZone) -> Self {
        Self { reasoning, reasoning_in_rail: false, marks: theme.marks, plain_code: theme.plain_code, zone }
    }

    pub(super) fn look(&self) -> Look {
        Look { marks: self.marks, plain_code: self.plain_code, base: Ink::of(Role::Text) }
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
        let mut page = Page { transcript: self, conversation, now, rewrapped, kept: None };
        let mut top = page.top();
        for wish in std::mem::take(&mut page.transcript.wishes) {
            top = page.carry_out(wish, top);
        }
        page.settle(top);
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

    pub fn cursor(&self) -> Option<Cursor> {
        self.cursor
    }

    /// Puts the cursor on something, or takes it away; the window stays.
    pub fn point_at(&mut self, cursor: Option<Cursor>) {
        self.cursor = cursor;
    }

    /// The message that the cursor stands on, else the lowest on the screen.
    pub fn current(&self) -> Option<MessageId> {
        self.cursor.map(|cursor| cursor.message).or_else(|| self.lowest())
    }

    fn lowest(&self) -> Option<MessageId> {
        self.window.iter().rev().find_map(|slice| slice.message)
    }

    /// Folds or opens the reasoning of an answer; what stands at the top of the window stays.
    pub fn toggle_fold(&mut self, answer: MessageId) {
        if !self.toggled.remove(&answer) {
            self.toggled.insert(answer);
        }
        self.hold_still();
    }

    /// Folds or opens the reasoning of all answers.
    pub fn toggle_all_folds(&mut self) {
        self.toggled.clear();
        self.all_toggled = !self.all_toggled;
        self.hold_still();
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

    /// Colours code; tells whether something on the screen may have changed.
    pub fn painted(&mut self, painted: &highlight::Painted) -> bool {
        self.laid.get_mut(&painted.block.message).is_some_and(|laid| laid.paint(painted))
    }

    /// Code that was laid out and should be coloured.
    pub fn take_jobs(&mut self) -> Vec<highlight::Job> {
        self.laid.iter_mut().flat_map(|(id, laid)| laid.take_jobs(*id)).collect()
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

/// A transcript while it is being laid out.
struct Page<'a> {
    transcript: &'a mut Transcript,
    conversation: &'a Conversation,
    now: Timestamp,
    /// The width is another one than in the last frame.
    rewrapped: bool,
    /// Where the anchor of the last frame is now, and its place in the source: resizes that follow
    /// each other all go back to that place.
    kept: Option<(Spot, usize)>,
}

impl Page<'_> {
    fn end(&self) -> usize {
        self.conversation.branch.len() + usize::from(!self.transcript.queue.rows.is_empty())
    }

    /// The rows of a message, laid out if need be.
    fn height(&mut self, index: usize) -> usize {
        let Some(&id) = self.conversation.branch.get(index) else {
            return if index < self.end() { self.transcript.queue.rows.len() } else { 0 };
        };
        self.lay_out(id, index);
        self.transcript.laid.get(&id).map_or(0, Laid::height)
    }

    fn lay_out(&mut self, id: MessageId, index: usize) {
        let Some(message) = self.conversation.messages.get(&id) else { return };
        let Some(layout) = &self.transcript.layout else { return };
        let toggled = self.transcript.toggled.contains(&id) != self.transcript.all_toggled;
        let context = message::Context {
            conversation: self.conversation,
            layout,
            frame: self.transcript.frame,
            now: self.now,
            toggled,
            is_first: index == 0,
            is_last: index + 1 == self.conversation.branch.len(),
        };
        let laid = self.transcript.laid.entry(id).or_default();
        let work = laid.sync(message, &context);
        self.transcript.work.rows += work.rows;
        self.transcript.work.bytes += work.bytes;
    }

    /// Where the window begins if nobody moves it.
    fn top(&mut self) -> Spot {
        let Scroll::At(anchor) = self.transcript.scroll else { return self.last_top() };
        let Some(spot) = self.find(&anchor) else { return self.last_top() };
        self.kept = Some((spot, anchor.source));
        spot
    }

    /// The row of an anchor, if its message is still on the branch.
    fn find(&mut self, anchor: &place::Anchor) -> Option<Spot> {
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

    fn carry_out(&mut self, wish: Wish, top: Spot) -> Spot {
        let page = signed(self.transcript.height.max(1));
        let by = |page: &mut Self, rows: i64| {
            let to = page.moved(top, rows);
            // Down to the end means to stay there.
            page.go(to, rows > 0)
        };
        match wish {
            Wish::Hold => self.go(top, true),
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
    fn first_row(&mut self, index: usize) -> usize {
        self.height(index);
        let laid = self.conversation.branch.get(index).and_then(|id| self.transcript.laid.get(id));
        laid.map_or(0, Laid::first_row)
    }

    /// Puts the top of the window somewhere; at the end it follows from now on if it may.
    fn go(&mut self, top: Spot, may_follow: bool) -> Spot {
        let last = self.last_top();
        if top >= last && (may_follow || last == (Spot { index: 0, row: 0 })) {
            self.transcript.scroll = Scroll::Follow;
            return last;
        }
        let top = top.min(last);
        self.hold(top);
        top
    }

    fn hold(&mut self, top: Spot) {
        self.transcript.scroll = self.anchor(top).map_or(Scroll::Follow, Scroll::At);
    }

    fn anchor(&mut self, top: Spot) -> Option<place::Anchor> {
        let message = *self.conversation.branch.get(top.index)?;
        self.height(top.index);
        let mut anchor = self.transcript.laid.get(&message)?.anchor(message, top.index, top.row);
        if let Some((_, source)) = self.kept.filter(|(kept, _)| *kept == top) {
            anchor.source = source;
        }
        Some(anchor)
    }

    /// A row so many rows further down or up, within the text; the row behind the last is the end.
    fn moved(&mut self, from: Spot, rows: i64) -> Spot {
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
    fn settle(&mut self, top: Spot) {
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
        self.forget_far(top.index, spot.index);
    }

    /// Notes the last row in the window, and how many came behind it since it was the end.
    fn note_seen(&mut self) {
        let shown = self.transcript.window.iter().rev().find(|slice| slice.message.is_some());
        let shown = shown.map(|slice| Spot { index: slice.index, row: slice.first + slice.rows - 1 });
        let before = self.transcript.seen.take().and_then(|seen| self.find(&seen));
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
        self.transcript.card = answer.map(|answer| match self.transcript.card {
            Some(card) if card.answer == answer => card,
            Some(_) | None => LiveCard { answer, since: self.now },
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

fn signed(rows: usize) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX)
}

impl Queue {
    /// At most this many rows of a waiting prompt are shown.
    const ROWS: usize = 3;

    fn sync(&mut self, prompts: &[String], width: usize, options: &ReadingOptions) {
        if self.prompts == prompts && self.width == width {
            return;
        }
        self.prompts = prompts.to_vec();
        self.width = width;
        let muted = Ink::of(Role::Muted);
        self.rows.clear();
        for prompt in prompts {
            self.rows.push(Row::blank());
            let head = vec![
                Span::new(format!("{} ", options.marks.waiting), muted),
                Span::new("queued", muted.with(Modifier::BOLD)),
            ];
            self.rows.push(Row::new(RowKind::Queued, head).cut(width));
            let prompt = text::clean(prompt);
            let measure = text::wrap::Measure { first: width, rest: width, glued: &[] };
            let pieces = text::wrap::wrap(&prompt, measure);
            for (nth, piece) in pieces.iter().take(Self::ROWS).enumerate() {
                let mut words = prompt[piece.start..piece.end].to_owned();
                if nth + 1 == Self::ROWS && pieces.len() > Self::ROWS {
                    words = text::truncate(&(words + " … …"), width).into_owned();
                    words = words.trim_end_matches([' ', '…']).to_owned() + options.marks.ellipsis;
                    words = text::truncate(&words, width).into_owned();
                }
                self.rows.push(Row::new(RowKind::Queued, vec![Span::new(words, muted)]));
            }
        }
    }
}

#[cfg(test)]
mod tests;
