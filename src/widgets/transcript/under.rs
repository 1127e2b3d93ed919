//! What lies under the mouse.

use super::{GUTTER, Transcript};
use crate::{chat::MessageId, widgets::row::RowKind};

/// Something in the text that a click does something with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Under {
    /// The row that folds and opens what an answer thought and did.
    Fold(MessageId),
    /// The key over a code block, at its right.
    CopyKey { answer: MessageId, block: u32 },
    /// A card that has keys.
    Card,
}

impl Transcript {
    /// What is in a cell of the window, the gutter included.
    pub fn under(&self, column: u16, row: u16) -> Option<Under> {
        let (spot, placed) = self.shown().nth(row.into())?;
        let message = self.window.iter().find(|slice| slice.index == spot.index)?.message?;
        let cell = usize::from(column.checked_sub(GUTTER)?);
        match placed.row.kind {
            RowKind::ReasoningHead | RowKind::Other => Some(Under::Fold(message)),
            RowKind::CodeHead { block } => {
                let key: usize = placed.row.spans.iter().rev().take(2).map(crate::widgets::row::Span::width).sum();
                let end = placed.row.width();
                (cell + key >= end && cell < end).then_some(Under::CopyKey { answer: message, block })
            }
            RowKind::Card => Some(Under::Card),
            _ => None,
        }
    }
}
