//! Hit testing: what is under the mouse.

use std::ops::Range;

use super::{
    CitationTarget, CursorTarget, GUTTER, RowPos, Transcript, TranscriptCursor,
    parts::{PartKey, PartKind},
};
use crate::{
    chat::{ItemSlot, MessageId},
    render::{
        row::{RowKind, StyledSpan},
        theme::ColourRole,
    },
    ui::Action,
};

/// Something in the text that can be clicked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClickTarget {
    /// The row that folds a part of an answer, or a diagram.
    Fold(MessageId, ItemSlot),
    /// The copy key above a code block, at its right.
    CopyKey { answer: MessageId, block: u32 },
    /// The mark of a source.
    Citation(TranscriptCursor),
    /// The row that counts the lines of a result that are not shown.
    More(MessageId, ItemSlot),
    /// A card that has keys.
    Card,
    /// The key of a queued prompt that does this.
    Queue(Action),
}

impl Transcript {
    /// Moves the cursor to the content of a row of the window.
    pub fn move_cursor_to_row(&mut self, row: u16) {
        let Some((spot, placed)) = self.positioned_rows().nth(row.into()) else { return };
        let Some(slice) = self.visible_ranges.iter().find(|slice| slice.message_index == spot.message_index) else {
            return;
        };
        let Some(message) = slice.message else { return };
        let Some(laid) = self.message_rows.get(&message) else { return };
        let part = laid.anchor_at(message, spot.message_index, spot.row).part;
        if part.kind == PartKind::SourceCard {
            return; // Moving the cursor off its citation would close the card.
        }
        let target = match (placed.row.kind, part) {
            (RowKind::CodeHead { block, .. } | RowKind::Code { block, .. }, PartKey { kind: PartKind::Text, .. }) => {
                CursorTarget::Code(block)
            }
            (RowKind::Call | RowKind::HiddenLines, PartKey { slot: Some(slot), .. }) => CursorTarget::Call(slot),
            _ => laid.fold_at(spot.row).unwrap_or(CursorTarget::Message),
        };
        if self.is_source_open() {
            self.hold_position(); // The card closes.
        }
        self.cursor = Some(TranscriptCursor { message, target });
    }

    /// Whether the last row of the window belongs to a card.
    pub(crate) fn ends_with_card(&self) -> bool {
        let Some((spot, placed)) = self.positioned_rows().last() else { return false };
        let in_source_card = self.source_card_at(spot).is_some_and(|rows| rows.contains(&spot.row));
        placed.row.kind == RowKind::Card || in_source_card
    }

    /// Whether the last row of the open source card, with its keys, is in the window.
    pub(crate) fn is_source_card_end_visible(&self) -> bool {
        self.positioned_rows().any(|(spot, _)| self.source_card_at(spot).is_some_and(|rows| rows.end == spot.row + 1))
    }

    /// Returns the rows of the source card in the message of a row of the window.
    fn source_card_at(&self, spot: RowPos) -> Option<Range<usize>> {
        self.message_rows.get(&self.message_at(spot)?)?.source_card_rows()
    }

    /// The message of a row of the window.
    pub(super) fn message_at(&self, spot: RowPos) -> Option<MessageId> {
        self.visible_ranges.iter().find(|slice| slice.message_index == spot.message_index)?.message
    }

    /// What a click on a cell of the window (gutter included) would act on.
    pub fn click_target(&self, column: u16, row: u16) -> Option<ClickTarget> {
        let (spot, placed) = self.positioned_rows().nth(row.into())?;
        let cell = usize::from(column.checked_sub(GUTTER)?);
        let slice = self.visible_ranges.iter().find(|slice| slice.message_index == spot.message_index)?;
        let Some(message) = slice.message else {
            return self.queue.action_at(spot.row, cell).map(ClickTarget::Queue);
        };
        let indent = if placed.bar.is_some() { 2 } else { 0 };
        if let Some(citation) = cell.checked_sub(indent).and_then(|cell| self.citation_at(message, spot.row, cell)) {
            return Some(ClickTarget::Citation(TranscriptCursor { message, target: CursorTarget::Citation(citation) }));
        }
        match (placed.row.kind, self.message_rows.get(&message)?.fold_at(spot.row)) {
            (RowKind::HiddenLines, _) => {
                let part = self.message_rows.get(&message)?.anchor_at(message, spot.message_index, spot.row).part;
                part.slot.map(|slot| ClickTarget::More(message, slot))
            }
            (
                _,
                Some(
                    CursorTarget::Reasoning(slot)
                    | CursorTarget::Call(slot)
                    | CursorTarget::OtherItem(slot)
                    | CursorTarget::Details(slot, _),
                ),
            ) => Some(ClickTarget::Fold(message, slot)),
            (RowKind::CodeHead { block, .. }, _) => {
                let copy_key_width: usize =
                    placed.row.spans.iter().rev().take(2).map(crate::render::row::StyledSpan::width).sum();
                let end = placed.row.width();
                if cell + copy_key_width >= end && cell < end {
                    return Some(ClickTarget::CopyKey { answer: message, block });
                }
                self.message_rows.get(&message)?.diagram_slot(block).map(|slot| ClickTarget::Fold(message, slot))
            }
            (RowKind::Card | RowKind::CardEdge, _) => Some(ClickTarget::Card),
            _ => None,
        }
    }

    /// Returns the keys that a card shows at a cell of the window: there or in the label after them.
    pub fn card_keys_at(&self, column: u16, row: u16) -> Option<&str> {
        let (spot, placed) = self.positioned_rows().nth(row.into())?;
        let message = self.message_at(spot)?;
        let row = self.message_rows.get(&message)?.row(spot.row)?.row;
        let indent = if placed.bar.is_some() { 2 } else { 0 };
        let cell = usize::from(column.checked_sub(GUTTER)?).checked_sub(indent)?;
        let (lead, spans) = row.spans.split_at_checked(row.lead_spans).filter(|_| row.kind == RowKind::Card)?;
        let lead_width: usize = lead.iter().map(StyledSpan::width).sum();
        keys_at_cell(spans, cell.checked_sub(lead_width)?)
    }

    fn citation_at(&self, message: MessageId, row: usize, cell: usize) -> Option<CitationTarget> {
        let laid = self.message_rows.get(&message)?;
        let mut end = 0;
        let span = laid.row(row)?.row.spans.iter().find(|span| {
            end += span.width();
            cell < end
        })?;
        let cited = span.citation()?;
        let Some(annotation) = cited.annotation else { return Some(CitationTarget::Entry(cited.number)) };
        let shown = laid.citation_rows().into_iter();
        shown
            .filter(|(at, _)| *at == row)
            .map(|(_, citation)| citation)
            .find(|citation| matches!(citation, CitationTarget::Mark { annotation: here, .. } if *here == annotation))
    }
}

/// Returns the keys that the spans show at a cell: there or in the label after them, up to a gap.
pub(super) fn keys_at_cell(spans: &[StyledSpan], cell: usize) -> Option<&str> {
    let (mut end, mut keys) = (0, None);
    for span in spans {
        end += span.width();
        keys = match span.style.role {
            ColourRole::Accent => Some(span.text.as_str()),
            _ if span.text.trim().is_empty() && span.width() > 2 => None,
            _ => keys,
        };
        if cell < end {
            return keys;
        }
    }
    None
}
