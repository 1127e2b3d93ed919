//! The cursor of the transcript and its targets.

use crate::{
    chat::{ItemSlot, MessageId},
    citations::annotations::TextPartId,
};

/// The cursor, which moves from target to target; scrolling leaves it where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TranscriptCursor {
    pub message: MessageId,
    pub target: CursorTarget,
}

/// The part of a message that the cursor is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CursorTarget {
    /// The message as a whole.
    Message,
    /// Reasoning, by its first item.
    Reasoning(ItemSlot),
    Call(ItemSlot),
    /// Searches, by the first of them, or another item with a row.
    OtherItem(ItemSlot),
    /// A code block, numbered from 1 in its answer.
    Code(u32),
    /// Details in a text, by its item and where their row begins in its source.
    Details(ItemSlot, usize),
    Citation(CitationTarget),
}

/// A mark or an entry that names a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CitationTarget {
    /// The mark of an annotation, by its text part and its index there.
    Mark { place: TextPartId, annotation: usize },
    /// The entry of a source on the line below the answer, by its number.
    Entry(u32),
}
