//! Searching one conversation: the query, its matches and the current match.

mod hits;
mod view;

use std::ops::Range;

use crossterm::event::KeyEvent;

use super::{
    PendingMove, RowPos, Transcript,
    anchor::RowAnchor,
    layout_pass::LayoutPass,
    parts::{MessageParts, PartKey, PartKind},
};
use crate::{
    chat::{ItemSlot, MessageId},
    render::{
        markdown::{SearchJob, TextHits},
        row::{RowKind, StyledRow},
        source_map::{SourceKind, SourceSpan},
    },
    text::{SearchNeedle, SearchTerm},
    ui::overlay::field::TextField,
};
use hits::{FindHit, FindHits};
pub use view::FindView;

/// A search of the conversation, which stays active while the reader moves through the text.
#[derive(Debug, Clone)]
pub struct FindState {
    pub(crate) field: TextField,
    /// The query is being typed; otherwise keys step through its matches.
    typing: bool,
    needle: SearchNeedle,
    hits: FindHits,
    current: Option<FindHit>,
    /// The only message that the first match may be in: a search of everything led there.
    wanted: Option<MessageId>,
    /// Where the search started; each change of the query searches from there again.
    origin: Option<RowAnchor>,
    /// The part that was opened for the current match, by the item that folds it.
    pub(crate) unfolded: Option<(MessageId, ItemSlot)>,
    /// The last step wrapped around.
    wrap: Option<FindWrap>,
    /// The number of matches and the number of the current one, as of the last frame.
    match_count: usize,
    current_number: usize,
    /// The matching ranges in the rows of the window, and whether each belongs to the current match.
    visible_matches: Vec<(RowPos, Range<usize>, bool)>,
}

/// Where a step continued after it wrapped around.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FindWrap {
    Top,
    End,
}

impl Transcript {
    /// Starts a search, or returns to the query of the active one.
    pub fn open_find(&mut self) {
        match &mut self.find {
            Some(find) => find.typing = true,
            None => self.find = Some(FindState::new("", self.top)),
        }
    }

    /// Marks the places of terms that a search of everything found, beginning in a message; `query` is how they are shown.
    pub fn find_terms(&mut self, terms: Vec<SearchTerm>, query: &str, message: MessageId, message_index: usize) {
        self.close_find();
        let part = PartKey::new(PartKind::Head);
        let origin = RowAnchor { message, message_index, part, folded_by: None, part_row: 0, source_start: 0 };
        let find = FindState::new(query, Some(origin));
        let needle = SearchNeedle::of_terms(terms);
        self.find = Some(FindState { needle, typing: false, wanted: Some(message), ..find });
    }

    /// The active search, if any.
    pub fn find(&self) -> Option<&FindState> {
        self.find.as_ref()
    }

    /// Ends the search; the window stays where it is, and the part opened for the current match stays open.
    pub fn close_find(&mut self) {
        let Some(find) = self.find.take() else { return };
        if let Some((answer, slot)) = find.unfolded {
            self.folds.toggle_part(answer, slot);
        }
        let query = find.field.text();
        if !query.is_empty() {
            self.last_query = Some((query, find.needle));
        }
    }

    /// Edits the query.
    pub fn edit_query(&mut self, key: KeyEvent) {
        if let Some(find) = &mut self.find {
            find.field.edit(key);
            self.on_query_changed();
        }
    }

    /// Ends the typing of the query; an empty one ends the search.
    pub fn accept_query(&mut self) {
        match &mut self.find {
            Some(find) if find.field.is_empty() => self.close_find(),
            Some(find) => find.typing = false,
            None => (),
        }
    }

    pub fn on_find_paste(&mut self, text: &str) {
        if let Some(find) = &mut self.find {
            find.field.paste(text);
            self.on_query_changed();
        }
    }

    /// Goes to the next or previous match; without an active search, resumes the last one. Returns `false` if there was
    /// none.
    pub fn step_match(&mut self, forward: bool) -> bool {
        if self.find.is_none()
            && let Some((query, needle)) = &self.last_query
        {
            let find = FindState::new(query, self.top);
            self.find = Some(FindState { needle: needle.clone(), typing: false, ..find });
            self.pending_moves.push(PendingMove::ShowMatch);
            return true;
        }
        self.step_to_match(forward);
        self.find.is_some()
    }

    /// Whether some messages have not been searched yet, so that another frame must continue.
    pub fn is_searching(&self) -> bool {
        let is_open = |find: &FindState| !find.needle.is_empty() && !find.hits.is_complete() && !find.hits.is_waiting();
        self.find.as_ref().is_some_and(is_open)
    }

    /// Takes the text to search that is too long for a frame, and the number of that search.
    pub fn take_search_job(&mut self) -> Option<(u64, SearchJob)> {
        Some((self.search_ticket, self.search_job.take()?))
    }

    /// Takes back what was found in a long text; the next `sync` shows it.
    pub fn on_text_searched(&mut self, ticket: u64, found: TextHits) {
        if let Some(find) = self.find.as_mut().filter(|_| ticket == self.search_ticket) {
            find.hits.on_searched(found);
        }
    }

    /// The number of bytes searched so far, for tests.
    pub fn bytes_searched(&self) -> u64 {
        self.find.as_ref().map_or(0, |find| find.hits.bytes_searched)
    }

    fn on_query_changed(&mut self) {
        let Some(find) = &mut self.find else { return };
        let needle = SearchNeedle::new(&find.field.text());
        if needle != find.needle {
            find.needle = needle;
            find.hits = FindHits::starting_at(find.origin.map_or(0, |origin| origin.message_index));
            (find.current, find.wanted) = (None, None);
            find.wrap = None;
            self.pending_moves.push(PendingMove::ShowMatch);
        }
    }

    fn step_to_match(&mut self, forward: bool) {
        let Some(find) = &mut self.find else { return };
        if find.current.is_none() && find.wanted.take().is_some() {
            return; // The next layout goes to the first match from there on.
        }
        let Some((hit, wrapped)) = find.current.and_then(|current| find.hits.step(current, forward)) else { return };
        find.current = Some(hit);
        find.wrap = wrapped.then_some(if forward { FindWrap::Top } else { FindWrap::End });
        self.pending_moves.push(PendingMove::ShowMatch);
    }
}

impl FindState {
    fn new(query: &str, origin: Option<RowAnchor>) -> Self {
        Self {
            field: TextField::new(query),
            typing: true,
            needle: SearchNeedle::new(query),
            hits: FindHits::starting_at(origin.map_or(0, |origin| origin.message_index)),
            current: None,
            wanted: None,
            origin,
            unfolded: None,
            wrap: None,
            match_count: 0,
            current_number: 0,
            visible_matches: Vec::new(),
        }
    }

    /// Whether keys edit the query.
    pub fn is_typing(&self) -> bool {
        self.typing
    }

    /// The row of the current match, if it is in the window.
    pub(crate) fn current_row(&self) -> Option<RowPos> {
        self.visible_matches.iter().find(|(.., is_current)| *is_current).map(|(spot, ..)| *spot)
    }

    pub(crate) fn visible_matches(&self) -> &[(RowPos, Range<usize>, bool)] {
        &self.visible_matches
    }
}

impl LayoutPass<'_> {
    /// Searches what is new; the first match becomes the current one.
    pub(super) fn search_new_text(&mut self) {
        let Some(mut find) = self.transcript.find.take() else { return };
        if find.needle.is_empty() {
            (find.match_count, find.current_number) = (0, 0);
        } else {
            let before = (find.hits.bytes_searched, find.hits.is_complete());
            if let Some(job) = find.hits.sync(self.conversation, &find.needle) {
                self.transcript.search_ticket += 1;
                self.transcript.search_job = Some(job);
            }
            let changed = before != (find.hits.bytes_searched, find.hits.is_complete());
            if find.current.is_none() {
                let (index, part, source) = find.origin.map_or((0, PartKey::new(PartKind::Head), 0), |origin| {
                    (origin.message_index, origin.part, origin.source_start)
                });
                let first = find.hits.first_from(index, part, source);
                find.current = first.filter(|hit| find.wanted.is_none_or(|wanted| wanted == hit.message));
                if find.current.is_some() {
                    self.transcript.pending_moves.push(PendingMove::ShowMatch);
                }
            }
            if changed
                || find.current_number == 0
                || self.transcript.pending_moves.iter().any(|wish| matches!(wish, PendingMove::ShowMatch))
            {
                find.match_count = find.hits.count();
                find.current_number = find.current.map_or(0, |current| find.hits.count_before(current) + 1);
            }
        }
        self.transcript.find = Some(find);
    }

    /// Scrolls to the current match, and opens the part that it is folded in.
    pub(super) fn show_match(&mut self, top: RowPos) -> RowPos {
        let Some(find) = &mut self.transcript.find else { return top };
        let opened = find.unfolded.take();
        let current = find.current;
        if let Some((answer, _)) = opened {
            self.invalidate(answer);
        }
        let Some(hit) = current else { return top };
        let Some(spot) = self.row_of_hit(hit).or_else(|| self.unfold_for(hit)) else { return top };
        self.reveal_row(spot, top)
    }

    fn row_of_hit(&mut self, hit: FindHit) -> Option<RowPos> {
        let index = self.conversation.branch.iter().position(|id| *id == hit.message)?;
        self.message_height(index);
        let row = self.transcript.message_rows.get(&hit.message)?.row_at_source(hit.part, hit.source.start)?;
        let spot = RowPos { message_index: index, row };
        // A folded diagram is one row that shows none of its lines, as are folded details.
        let is_folded = self.row(spot).is_some_and(|row| {
            matches!(row.kind, RowKind::CodeHead { is_folded: true, .. } | RowKind::DetailsHead { is_folded: true })
        });
        (!is_folded).then_some(spot)
    }

    /// Opens the part that contains a match.
    fn unfold_for(&mut self, hit: FindHit) -> Option<RowPos> {
        let message = self.conversation.messages.get(&hit.message)?;
        let slot = MessageParts::of(message).find(hit.part)?.folded_by?;
        self.transcript.find.as_mut()?.unfolded = Some((hit.message, slot));
        self.invalidate(hit.message);
        let spot = self.row_of_hit(hit);
        if spot.is_none() {
            self.transcript.find.as_mut()?.unfolded = None;
            self.invalidate(hit.message);
        }
        spot
    }

    /// Marks the matches in the window: the text that shows their source.
    pub(crate) fn mark_matches(&mut self) {
        let Some(mut find) = self.transcript.find.take() else { return };
        find.visible_matches.clear();
        for slice in &self.transcript.visible_ranges {
            let Some((id, laid)) = slice.message.and_then(|id| Some((id, self.transcript.message_rows.get(&id)?)))
            else {
                continue;
            };
            for row in slice.first_row..slice.first_row + slice.row_count {
                let Some(placed) = laid.row(row) else { continue };
                let part = laid.anchor_at(id, slice.message_index, row).part;
                let spot = RowPos { message_index: slice.message_index, row };
                let current = find.current.filter(|hit| hit.message == id && hit.part == part).map(|hit| hit.source);
                let matches = row_matches(placed.row, find.hits.in_part(slice.message_index, part));
                find.visible_matches.extend(matches.map(|(text, hit)| (spot, text, current == Some(hit))));
            }
        }
        self.transcript.find = Some(find);
    }
}

/// The pieces of a row's text that show matches.
fn row_matches<'a>(
    row: &'a StyledRow,
    hits: &'a [SourceSpan],
) -> impl Iterator<Item = (Range<usize>, SourceSpan)> + 'a {
    row.source_map.runs().filter(|run| run.kind != SourceKind::Inserted).flat_map(move |run| {
        let (start, end) = (run.pos_at(run.text.start), run.source.end);
        let first = hits.partition_point(|hit| hit.end <= start);
        let near = hits[first..].iter().take_while(move |hit| hit.start.byte < end);
        near.map(move |hit| (run.text_showing(*hit), *hit)).filter(|(text, _)| !text.is_empty())
    })
}
