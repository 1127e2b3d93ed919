//! Moving between citations, and the card of the selected one.

use super::{
    CitationTarget, CursorTarget, PendingMove, RowPos, Transcript, TranscriptCursor, layout_pass::LayoutPass,
    message_rows::MessageRows, signed,
};
use crate::{
    chat::{Conversation, Message, MessageId, Timestamp},
    citations::{
        annotations::{AnswerCitations, Source},
        check::{CheckQuestion, PageCheck, SourceChecks},
    },
};

/// Where the cursor goes among the citations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CitationStep {
    Next,
    Previous,
    /// To the first citation of a source of an answer.
    ToSource(MessageId, u32),
}

/// The state of the source card and of the checks of citations.
#[derive(Debug, Clone, Default)]
pub(super) struct CitationState {
    /// The card of the citation under the cursor is open.
    pub is_open: bool,
    pub checks: SourceChecks,
    /// The address of a page that no browser could open, and the command that would open it elsewhere.
    pub unopened_page: Option<(String, String)>,
    /// Incremented by every change.
    rev: u64,
}

/// A cited source, and the question that a check of the citation answers.
#[derive(Debug, Clone)]
pub struct CitedSource {
    /// The answer.
    pub message: MessageId,
    pub source: Source,
    pub question: Option<CheckQuestion>,
}

impl CitationState {
    /// The state of the card for comparison: the card is unchanged while this is.
    pub(crate) fn layout_key(&self, now: Timestamp) -> Option<(u64, Option<i64>)> {
        self.is_open.then(|| (self.rev, self.checks.running().next().map(|_| now.as_second())))
    }

    /// The state of the checks of an answer for comparison; `None` if there are none.
    pub(crate) fn checks_key(&self, message: MessageId, now: Timestamp) -> Option<(u64, Option<i64>)> {
        self.checks.of_message(message).next()?;
        let is_running = self.checks.running().any(|(of, _)| of == message);
        Some((self.checks.rev, is_running.then(|| now.as_second())))
    }
}

impl Transcript {
    /// Goes to another citation at the next `sync`.
    pub fn go_to_citation(&mut self, walk: CitationStep) {
        self.pending_moves.push(PendingMove::GoToCitation(walk));
    }

    /// The citation under the cursor.
    pub fn selected_citation(&self) -> Option<(MessageId, CitationTarget)> {
        match self.cursor? {
            TranscriptCursor { message, target: CursorTarget::Citation(citation) } => Some((message, citation)),
            TranscriptCursor {
                target:
                    CursorTarget::Message
                    | CursorTarget::Reasoning(_)
                    | CursorTarget::Call(_)
                    | CursorTarget::OtherItem(_)
                    | CursorTarget::Details(..)
                    | CursorTarget::Code(_),
                ..
            } => None,
        }
    }

    /// Whether the current message has sources.
    pub fn has_current_sources(&self) -> bool {
        let laid = self.current_message().and_then(|id| self.message_rows.get(&id));
        laid.is_some_and(|laid| !laid.citations.sources().is_empty())
    }

    /// Whether the cursor is on a citation, and the citation or its card is in the window.
    pub fn is_citation_visible(&self) -> bool {
        matches!(self.visible_cursor(), Some(TranscriptCursor { target: CursorTarget::Citation(_), .. }))
    }

    /// The answer and the number of the selected source.
    pub fn selected_source_number(&self) -> Option<(MessageId, u32)> {
        let (message, citation) = self.selected_citation()?;
        let number = match citation {
            CitationTarget::Entry(number) => number,
            CitationTarget::Mark { place, annotation } => {
                self.message_rows.get(&message)?.citations.source_number(place, annotation)?
            }
        };
        Some((message, number))
    }

    /// The selected source, with the question that a check answers.
    pub fn selected_source(&self, conversation: &Conversation) -> Option<CitedSource> {
        let (message, citation) = self.selected_citation()?;
        let answer = conversation.messages.get(&message).and_then(Message::as_answer)?;
        let mut citations = AnswerCitations::default();
        citations.refresh(answer);
        let number = match citation {
            CitationTarget::Entry(number) => number,
            CitationTarget::Mark { place, annotation } => citations.source_number(place, annotation)?,
        };
        let source = citations.sources().iter().find(|source| source.number == number)?.clone();
        let claims = citations.claims(number, answer);
        let question = CheckQuestion::new(&source, &claims);
        Some(CitedSource { message, source, question })
    }

    /// Whether the card of the citation under the cursor is open.
    pub fn is_source_open(&self) -> bool {
        self.citation_state.is_open && self.selected_citation().is_some()
    }

    /// Opens or closes the card of the citation under the cursor; the rows above it stay.
    pub fn set_source_open(&mut self, open: bool) {
        if self.citation_state.is_open != open {
            self.citation_state.is_open = open;
            self.citation_state.rev += 1;
            self.hold_position();
        }
        // Closing an off-screen card must not scroll to it.
        if open || self.is_citation_visible() {
            self.pending_moves.push(PendingMove::RevealCitation);
        }
    }

    /// The checks of the sources.
    pub fn checks(&self) -> &SourceChecks {
        &self.citation_state.checks
    }

    /// Opens the card of a clicked mark, or closes it if it is open.
    pub fn toggle_source(&mut self, cursor: TranscriptCursor) {
        let open = !(self.is_source_open() && self.cursor == Some(cursor));
        self.set_cursor(Some(cursor));
        self.set_source_open(open);
        self.on_citation_changed();
    }

    /// Sets the state of a check; `None` removes it.
    pub fn set_check(&mut self, message: MessageId, source: String, check: Option<PageCheck>) {
        self.citation_state.checks.set(message, source, check);
        self.on_citation_changed();
    }

    /// Records that a page could not be opened here, with the command that opens it elsewhere.
    pub fn set_unopened_page(&mut self, url: String, command: String) {
        self.citation_state.unopened_page = Some((url, command));
        self.on_citation_changed();
    }

    fn on_citation_changed(&mut self) {
        self.citation_state.rev += 1;
        if self.citation_state.is_open {
            self.hold_position();
            self.pending_moves.push(PendingMove::ShowSourceCard);
        }
    }
}

impl LayoutPass<'_> {
    /// Moves the cursor to another citation; the window moves only if that is not in it.
    pub(super) fn go_to_citation(&mut self, step: CitationStep, top: RowPos) -> RowPos {
        let found = match step {
            CitationStep::Next => self.next_citation(top),
            CitationStep::Previous => self.previous_citation(top),
            CitationStep::ToSource(message, number) => self.first_citation_of(message, number),
        };
        let Some((message, citation)) = found else { return top };
        self.transcript.cursor = Some(TranscriptCursor { message, target: CursorTarget::Citation(citation) });
        self.transcript.citation_state.checks.drop_questions();
        // All messages are checked again, because the highlight and perhaps a card have moved.
        self.transcript.frame += 1;
        if self.transcript.citation_state.is_open {
            self.anchor_window_at(top);
        }
        self.reveal_citation(top)
    }

    /// Scrolls to the citation under the cursor, and to as much of its card as fits.
    pub(super) fn reveal_citation(&mut self, top: RowPos) -> RowPos {
        let Some((mark, _)) = self.selected_citation_rows() else { return top };
        let height = signed(self.transcript.height.max(1));
        let is_seen = mark >= top && mark < self.step_rows(top, height);
        let to = if is_seen { top } else { self.step_rows(mark, -(height / 3)) };
        let top = if is_seen { top } else { self.scroll_to(to, false) };
        self.show_source_card(top)
    }

    /// Scrolls down to the end of the card, if its citation is visible.
    pub(super) fn show_source_card(&mut self, top: RowPos) -> RowPos {
        let Some((mark, end)) = self.selected_citation_rows() else { return top };
        let height = signed(self.transcript.height.max(1));
        let bottom = self.step_rows(top, height);
        if mark < top || mark >= bottom || end < bottom {
            return top;
        }
        let behind = self.step_rows(end, 1);
        let to = self.step_rows(behind, -height).min(mark);
        self.scroll_to(to.max(top), false)
    }

    /// The row of the citation under the cursor, and the last row of its card.
    fn selected_citation_rows(&mut self) -> Option<(RowPos, RowPos)> {
        let (message, citation) = self.transcript.selected_citation()?;
        let index = self.conversation.branch.iter().position(|id| *id == message)?;
        self.message_height(index);
        let laid = self.transcript.message_rows.get(&message)?;
        let row = laid.citation_rows().into_iter().find(|(_, shown)| *shown == citation)?.0;
        let end = laid.source_card_rows().map_or(row, |rows| rows.end.saturating_sub(1));
        Some((RowPos { message_index: index, row }, RowPos { message_index: index, row: end }))
    }

    /// The index of the cursor's message in the branch and of its citation in the message, if it is in the window.
    fn citation_position(&mut self, top: RowPos) -> Option<(usize, usize)> {
        let (message, citation) = self.transcript.selected_citation()?;
        let (mark, _) = self.selected_citation_rows()?;
        let height = signed(self.transcript.height);
        if mark < top || mark >= self.step_rows(top, height) {
            return None;
        }
        let laid = self.transcript.message_rows.get(&message)?;
        let nth = laid.citation_rows().into_iter().position(|(_, shown)| shown == citation)?;
        Some((mark.message_index, nth))
    }

    fn next_citation(&mut self, top: RowPos) -> Option<(MessageId, CitationTarget)> {
        let position = self.citation_position(top);
        let first = position.map_or(top.message_index, |(index, _)| index);
        (first..self.conversation.branch.len()).find_map(|index| {
            let (message, all) = self.citations_in(index)?;
            let next = all.into_iter().enumerate().find(|(nth, (row, _))| match position {
                Some(here) => (index, *nth) > here,
                None => RowPos { message_index: index, row: *row } >= top,
            });
            next.map(|(_, (_, citation))| (message, citation))
        })
    }

    fn previous_citation(&mut self, top: RowPos) -> Option<(MessageId, CitationTarget)> {
        let position = self.citation_position(top);
        let height = signed(self.transcript.height);
        let bottom = self.step_rows(top, height);
        let last = position.map_or(bottom.message_index, |(index, _)| index);
        (0..=last).rev().find_map(|index| {
            let (message, all) = self.citations_in(index)?;
            let before = all.into_iter().enumerate().rev().find(|(nth, (row, _))| match position {
                Some(here) => (index, *nth) < here,
                None => RowPos { message_index: index, row: *row } < bottom,
            });
            before.map(|(_, (_, citation))| (message, citation))
        })
    }

    /// The first mark of a source, or its entry if no mark in the text names it.
    fn first_citation_of(&mut self, message: MessageId, number: u32) -> Option<(MessageId, CitationTarget)> {
        let index = self.conversation.branch.iter().position(|id| *id == message)?;
        let (_, all) = self.citations_in(index)?;
        let laid = self.transcript.message_rows.get(&message)?;
        let found = all.into_iter().map(|(_, citation)| citation).find(|citation| match citation {
            CitationTarget::Mark { place, annotation } => {
                laid.citations.source_number(*place, *annotation) == Some(number)
            }
            CitationTarget::Entry(entry) => *entry == number,
        });
        Some((message, found.unwrap_or(CitationTarget::Entry(number))))
    }

    /// The citations of a message with their rows; answers without citations are not laid out for this.
    fn citations_in(&mut self, index: usize) -> Option<(MessageId, Vec<(usize, CitationTarget)>)> {
        let id = *self.conversation.branch.get(index)?;
        let answer = self.conversation.messages.get(&id).and_then(Message::as_answer)?;
        answer.annotations().next()?;
        self.message_height(index);
        Some((id, self.transcript.message_rows.get(&id).map(MessageRows::citation_rows)?))
    }
}
