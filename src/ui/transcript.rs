//! The scrolling view of a conversation, laid out around the window and anchored to the text being read.
//!
//! `Transcript` is the state: `sync` lays out what the window needs and applies the pending moves.
//! `TranscriptView` paints it and changes nothing.

mod anchor;
mod answer;
pub mod approval;
pub(crate) mod call_rows;
mod card_frame;
mod card_rows;
mod citation_walk;
mod cursor;
mod cursor_steps;
pub mod error_card;
mod find;
mod folds;
mod hit_test;
mod item_details;
mod layout_pass;
mod message_rows;
mod parts;
mod queued_prompts;
mod reading_place;
mod scrollbar;
mod select;
pub mod source_card;
pub mod sources_line;
mod view;

use std::{
    collections::BTreeMap,
    hash::{DefaultHasher, Hash, Hasher},
};

use uuid::Uuid;

pub(crate) use card_rows::ChoiceHint;
pub use citation_walk::{CitationStep, CitedSource};
pub use cursor::{CitationTarget, CursorTarget, TranscriptCursor};
pub use cursor_steps::CursorStop;
pub use find::{FindState, FindView};
pub use hit_test::ClickTarget;
pub use parts::folded_text;
pub use reading_place::ReadingPlace;
pub use scrollbar::ScrollbarView;
pub use select::{SelectionCopy, SelectionInput, SelectionStep, SelectionUnit};
pub use view::TranscriptView;
pub(crate) use view::pill_area;

use self::{
    folds::FoldOverrides,
    layout_pass::LayoutPass,
    message_rows::{LayoutParams, MessageRows},
    queued_prompts::{QueueKeys, QueuedPrompts},
    scrollbar::{BranchSizes, ScrollbarRows},
    select::TextSelection,
};
use crate::chat::{
    CallId, Conversation, ConversationId, MessageId, Timestamp,
    choices::{EmptyEnter, on_empty_enter},
};
use crate::render::{
    highlight,
    markdown::{LayoutBudget, LayoutJob, LayoutWork, MarkdownLayout, SearchJob},
    row::RowKind,
};
use crate::text::SearchNeedle;
use crate::ui::{
    effect::{TextId, TextPlace},
    reading::{ReadingOptions, ScrollMove},
};

/// The gutter left of the text, in cells.
pub const GUTTER: u16 = 2;

/// The newest card that offers a choice, while it is on the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LiveCard {
    pub answer: MessageId,
    /// The call that it asks about, if any.
    pub approval: Option<PendingApproval>,
    /// A hash of its text, if it asks about a call; otherwise 0.
    text_hash: u64,
    /// When it appeared in this form. Its keys are ignored for the first 0.3 s.
    pub since: Timestamp,
}

/// A call that waits for approval, with the arguments shown to the reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PendingApproval {
    call: CallId,
    arguments_hash: u64,
}

impl PendingApproval {
    /// The first call that waits for approval.
    pub fn first_in(conversation: &Conversation) -> Option<Self> {
        let (call, run) = conversation.asking_call()?;
        let mut hasher = DefaultHasher::new();
        (run.arguments.to_string(), run.edited).hash(&mut hasher);
        Some(Self { call, arguments_hash: hasher.finish() })
    }
}

/// The rows of one conversation in one window.
#[derive(Debug, Clone, Default)]
pub struct Transcript {
    conversation: Option<ConversationId>,
    layout: Option<LayoutParams>,
    height: usize,
    scroll: ScrollMode,
    /// The window was put where another run left it, with a text of this width.
    restored_width: Option<usize>,
    pending_moves: Vec<PendingMove>,
    message_rows: BTreeMap<MessageId, MessageRows>,
    /// Queued prompts, shown below the last message.
    queue: QueuedPrompts,
    folds: FoldOverrides,
    /// The rows in the window, message by message.
    visible_ranges: Vec<VisibleRange>,
    /// The row at its top in the last frame.
    top: Option<anchor::RowAnchor>,
    /// The last row that the reader has seen.
    last_seen: Option<anchor::RowAnchor>,
    rows_below: usize,
    live_card: Option<LiveCard>,
    /// The live card has the focus.
    pub is_card_focused: bool,
    /// Something is typed, so `Enter` sends it and takes no choice.
    pub is_composing: bool,
    /// How much each frame may lay out.
    /// How much each frame may lay out, and what the last one left of it.
    pub layout_budget: LayoutBudget,
    pub budget_left: LayoutBudget,
    cursor: Option<TranscriptCursor>,
    /// The last move that takes the cursor along, until the window is laid out.
    carried: Option<cursor_steps::CarriedCursor>,
    selection: Option<TextSelection>,
    /// How to copy the selection at the next layout.
    pending_copy: Option<SelectionCopy>,
    /// What the last layout copied.
    copied_text: Option<(SelectionCopy, String)>,
    find: Option<FindState>,
    /// A text to search that is too long for a frame, and the number of the last such search.
    search_job: Option<SearchJob>,
    search_ticket: u64,
    branch_sizes: BranchSizes,
    scrollbar: Option<ScrollbarRows>,
    /// The query of the last search.
    last_query: Option<(String, SearchNeedle)>,
    citation_state: citation_walk::CitationState,
    /// The code block that was last sent to the highlighter.
    newest_highlight_job: Option<highlight::CodeBlockId>,
    frame: u64,
    work: LayoutWork,
}

/// Whether the window follows the end of the text or is anchored to a row.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum ScrollMode {
    #[default]
    Follow,
    Anchored(anchor::RowAnchor),
}

#[derive(Debug, Clone, Copy)]
enum PendingMove {
    Move(ScrollMove),
    /// Moves the window, and the cursor with it.
    Read(ScrollMove),
    /// Keeps the top row where it is, whatever happens to the others.
    Hold,
    /// Starts a selection with the keys.
    Select(SelectionUnit),
    Extend(SelectionStep),
    /// Shows the current match.
    ShowMatch,
    GoToCitation(CitationStep),
    /// Scrolls to the citation under the cursor.
    RevealCitation,
    /// Scrolls to the rest of its card, if the citation is visible.
    ShowSourceCard,
    /// Goes to the text that a row of the scrollbar represents.
    ScrollToBarRow(u16),
    /// Moves the cursor this many stops of a kind down (or up, if negative).
    StepCursor(CursorStop, i32),
}

/// A row of the message at an index of the branch or, after the last message, of the queue.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RowPos {
    message_index: usize,
    row: usize,
}

/// The rows of one message that the window shows.
#[derive(Debug, Clone, Copy)]
struct VisibleRange {
    /// `None` is the queue.
    message: Option<MessageId>,
    /// Its index in the branch.
    message_index: usize,
    first_row: usize,
    row_count: usize,
}

/// Messages on each side of the window whose rows stay cached.
const CACHE_MARGIN: usize = 64;

impl Transcript {
    /// Lays out what a window of `width` cells (gutter included) and `height` rows shows.
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
        let layout = LayoutParams { width: text_width, is_tall: height >= 30, options: options.clone() };
        let previous_layout = self.layout.replace(layout);
        self.height = usize::from(height);
        self.frame += 1;
        let queue_keys = if self.is_composing { QueueKeys::default() } else { QueueKeys::of(conversation, options) };
        self.queue.sync(&conversation.queue, text_width, queue_keys, options);
        self.message_rows.retain(|id, _| conversation.messages.contains_key(id));
        self.cursor = self.cursor.filter(|cursor| conversation.branch.contains(&cursor.message));
        let previous_width = previous_layout.as_ref().map(|was| was.width).or(self.restored_width.take());
        let rewrapped = previous_width.is_some_and(|width| width != text_width);
        let is_relaid = previous_layout != self.layout;
        if rewrapped && self.is_source_open() && self.is_citation_visible() {
            self.pending_moves.push(PendingMove::ShowSourceCard);
        }
        let reader_changed_rows = !self
            .pending_moves
            .iter()
            .all(|wish| matches!(wish, PendingMove::Move(_) | PendingMove::Read(_) | PendingMove::ScrollToBarRow(_)));
        let budget = self.layout_budget;
        let mut pass = LayoutPass {
            transcript: self,
            conversation,
            now,
            rewrapped,
            resolved_anchor: None,
            reader_changed_rows,
            is_relaid,
            budget,
        };
        pass.search_new_text();
        let mut top = pass.initial_top();
        for wish in std::mem::take(&mut pass.transcript.pending_moves) {
            top = pass.apply_move(wish, top);
        }
        pass.finish(top);
        pass.copy_selection();
    }

    /// What `Enter` does now with the choices of the newest answer.
    fn live_enter(&self, conversation: &Conversation) -> EmptyEnter {
        if self.is_composing { EmptyEnter::Nothing } else { on_empty_enter(conversation) }
    }

    /// Whether the next frame has to continue a layout that was too long for this one.
    pub fn is_behind(&self) -> bool {
        let mut shown = self.visible_ranges.iter().filter_map(|slice| self.message_rows.get(&slice.message?));
        shown.any(|laid| laid.is_behind)
    }

    /// Whether the next `sync` may change what a key means, by the cursor's target, whether that is visible, or the
    /// selection, or copies a selection that a key may end.
    pub fn is_unsettled(&self) -> bool {
        let moves_only = self
            .pending_moves
            .iter()
            .all(|wish| matches!(wish, PendingMove::Move(_) | PendingMove::Hold | PendingMove::ScrollToBarRow(_)));
        let may_leave = self.cursor.is_some() && !self.pending_moves.is_empty();
        !moves_only
            || may_leave
            || self.is_copying()
            || self.selection.as_ref().is_some_and(TextSelection::is_unsettled)
    }

    /// Moves the window at the next `sync`.
    pub fn scroll(&mut self, to: ScrollMove) {
        self.pending_moves.push(PendingMove::Move(to));
    }

    /// Moves the window at the next `sync`, and the cursor with it.
    pub fn read(&mut self, to: ScrollMove) {
        self.pending_moves.push(PendingMove::Read(to));
    }

    /// Whether the window follows the end as the text grows.
    pub fn is_following(&self) -> bool {
        self.scroll == ScrollMode::Follow
    }

    /// The number of rows added at the end since the reader last saw it; 0 while the end is visible.
    pub fn new_rows_below(&self) -> usize {
        self.rows_below
    }

    /// The cursor, while its target is at least partly in the window: no key acts on something off-screen.
    pub fn visible_cursor(&self) -> Option<TranscriptCursor> {
        self.cursor.filter(|cursor| self.is_target_visible(*cursor))
    }

    /// Sets or clears the cursor; the window stays where it is.
    pub fn set_cursor(&mut self, cursor: Option<TranscriptCursor>) {
        self.cursor = cursor;
        if self.selected_citation().is_none() {
            self.citation_state.is_open = false;
        }
    }

    /// The message under the cursor, or else the lowest on the screen.
    pub fn current_message(&self) -> Option<MessageId> {
        let under_cursor = self.cursor.map(|cursor| cursor.message);
        under_cursor.filter(|id| self.is_message_visible(*id)).or_else(|| self.lowest_message())
    }

    fn hold_position(&mut self) {
        if let Some(top) = self.top.filter(|_| self.is_following()) {
            self.scroll = ScrollMode::Anchored(top);
        }
        self.pending_moves.push(PendingMove::Hold);
    }

    /// The card whose keys work, if it is on the screen.
    pub fn live_card(&self) -> Option<LiveCard> {
        self.live_card
    }

    /// Scrolls code sideways: the block under the cursor, or else the first visible one. Returns whether it moved.
    pub fn scroll_code(&mut self, by: i32) -> bool {
        let under_cursor = self.visible_cursor().and_then(|cursor| match cursor.target {
            CursorTarget::Code(number) => Some((cursor.message, number)),
            CursorTarget::Message
            | CursorTarget::Reasoning(_)
            | CursorTarget::Call(_)
            | CursorTarget::OtherItem(_)
            | CursorTarget::Details(..)
            | CursorTarget::Citation(_) => None,
        });
        let in_sight = || {
            self.visible_ranges.iter().find_map(|slice| {
                let laid = self.message_rows.get(&slice.message?)?;
                let mut rows = (slice.first_row..slice.first_row + slice.row_count).filter_map(|row| laid.row(row));
                rows.find_map(|placed| match placed.row.kind {
                    RowKind::Code { block, .. } => Some((slice.message?, block)),
                    _ => None,
                })
            })
        };
        let Some((message, number)) = under_cursor.or_else(in_sight) else { return false };
        self.message_rows
            .get_mut(&message)
            .is_some_and(|laid| laid.texts.values_mut().any(|text| text.scroll_code(number, by)))
    }

    /// Applies highlighting to a code block. Returns whether something on the screen may have changed.
    pub fn apply_highlighting(&mut self, painted: &highlight::HighlightedLines) -> bool {
        let answer = MessageId(Uuid::from_u128(painted.block.owner.0));
        self.message_rows.get_mut(&answer).is_some_and(|laid| laid.apply_highlighting(painted))
    }

    /// Takes the code that needs highlighting: in the window, and within a window's height above and below it.
    pub fn take_highlight_jobs(&mut self) -> Vec<highlight::HighlightJob> {
        let mut jobs = Vec::new();
        for slice in &self.visible_ranges {
            let Some((id, laid)) = slice.message.and_then(|id| Some((id, self.message_rows.get_mut(&id)?))) else {
                continue;
            };
            let wanted = slice.first_row.saturating_sub(self.height)..slice.first_row + slice.row_count + self.height;
            jobs.extend(laid.take_highlight_jobs(
                highlight::CodeOwner(id.0.as_u128()),
                &wanted,
                &mut self.newest_highlight_job,
            ));
        }
        jobs
    }

    /// Takes the texts that are too much for a frame.
    pub fn take_layout_jobs(&mut self) -> Vec<(TextId, LayoutJob)> {
        let Some(conversation) = self.conversation else { return Vec::new() };
        let jobs = self.message_rows.iter_mut().flat_map(|(&message, laid)| {
            laid.jobs.drain(..).map(move |(key, job)| {
                (TextId { conversation, message, slot: key.0, index: key.1, place: TextPlace::Transcript }, job)
            })
        });
        jobs.collect()
    }

    /// Takes back a text that was laid out outside the loop; the next `sync` shows it.
    pub fn on_text_laid_out(&mut self, text: TextId, layout: MarkdownLayout) {
        if let Some(laid) = self.message_rows.get_mut(&text.message) {
            laid.finished.insert((text.slot, text.index), layout);
        }
    }

    /// The layout work done so far, for tests and benches.
    pub fn layout_work(&self) -> LayoutWork {
        self.work
    }

    /// The number of messages with cached rows, for tests.
    pub fn cached_messages(&self) -> usize {
        self.message_rows.len()
    }

    /// The rows in the window from the top.
    fn visible_rows(&self) -> impl Iterator<Item = message_rows::PlacedRow<'_>> {
        self.visible_ranges.iter().flat_map(move |slice| {
            (slice.first_row..slice.first_row + slice.row_count).map(move |row| {
                let placed = match slice.message {
                    Some(id) => self.message_rows.get(&id).and_then(|laid| laid.row(row)),
                    None => self.queue.rows.get(row).map(|row| message_rows::PlacedRow { row, bar: None }),
                };
                placed.unwrap_or_default()
            })
        })
    }
}

fn signed(rows: usize) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
