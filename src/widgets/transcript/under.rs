//! What lies under the mouse.

use super::{Citation, Cursor, GUTTER, Target, Transcript, place::Part};
use crate::{
    chat::{MessageId, Slot},
    widgets::row::RowKind,
};

/// Something in the text that a click does something with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Under {
    /// The row that folds something of an answer, a diagram too.
    Fold(MessageId, Slot),
    /// The key over a code block, at its right.
    CopyKey { answer: MessageId, block: u32 },
    /// The mark of a source.
    Citation(Cursor),
    /// The row that tells how much of a result is not shown.
    More(MessageId, Slot),
    /// A card that has keys.
    Card,
}

impl Transcript {
    /// Puts the cursor on what is in a cell of the window.
    pub fn point_under(&mut self, row: u16) {
        let Some((spot, placed)) = self.shown().nth(row.into()) else { return };
        let Some(slice) = self.window.iter().find(|slice| slice.index == spot.index) else { return };
        let Some(message) = slice.message else { return };
        let Some(laid) = self.laid.get(&message) else { return };
        let part = laid.anchor(message, spot.index, spot.row).part;
        if part == Part::SourceCard {
            return; // It is open because the cursor is where it is.
        }
        let target = match (placed.row.kind, part) {
            (RowKind::CodeHead { block, .. } | RowKind::Code { block, .. }, Part::Text(..)) => Target::Code(block),
            (_, Part::Result(slot)) => Target::Call(slot),
            _ => laid.fold_at(spot.row).unwrap_or(Target::Message),
        };
        if self.shows_source() {
            self.hold_still(); // The card closes.
        }
        self.cursor = Some(Cursor { message, target });
    }

    /// What is in a cell of the window, the gutter included.
    pub fn under(&self, column: u16, row: u16) -> Option<Under> {
        let (spot, placed) = self.shown().nth(row.into())?;
        let message = self.window.iter().find(|slice| slice.index == spot.index)?.message?;
        let cell = usize::from(column.checked_sub(GUTTER)?);
        let indent = if placed.bar.is_some() { 2 } else { 0 };
        if let Some(citation) = cell.checked_sub(indent).and_then(|cell| self.citation_at(message, spot.row, cell)) {
            return Some(Under::Citation(Cursor { message, target: Target::Citation(citation) }));
        }
        match (placed.row.kind, self.laid.get(&message)?.fold_at(spot.row)) {
            (RowKind::More, _) => match self.laid.get(&message)?.anchor(message, spot.index, spot.row).part {
                Part::Result(slot) => Some(Under::More(message, slot)),
                _ => None,
            },
            (_, Some(Target::Reasoning(slot) | Target::Call(slot) | Target::Item(slot))) => {
                Some(Under::Fold(message, slot))
            }
            (RowKind::CodeHead { block, .. }, _) => {
                let key: usize = placed.row.spans.iter().rev().take(2).map(crate::widgets::row::Span::width).sum();
                let end = placed.row.width();
                if cell + key >= end && cell < end {
                    return Some(Under::CopyKey { answer: message, block });
                }
                self.laid.get(&message)?.diagram(block).map(|slot| Under::Fold(message, slot))
            }
            (RowKind::Card, _) => Some(Under::Card),
            _ => None,
        }
    }

    fn citation_at(&self, message: MessageId, row: usize, cell: usize) -> Option<Citation> {
        let laid = self.laid.get(&message)?;
        let mut end = 0;
        let span = laid.row(row)?.row.spans.iter().find(|span| {
            end += span.width();
            cell < end
        })?;
        let cited = span.citation?;
        let Some(annotation) = cited.annotation else { return Some(Citation::Entry(cited.number)) };
        let shown = laid.citations_shown().into_iter();
        shown
            .filter(|(at, _)| *at == row)
            .map(|(_, citation)| citation)
            .find(|citation| matches!(citation, Citation::Mark { annotation: here, .. } if *here == annotation))
    }
}
