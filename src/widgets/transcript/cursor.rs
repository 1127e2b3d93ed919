//! The one thing in the text that the cursor stands on.

use crate::{
    chat::{MessageId, Slot},
    widgets::citation::Place,
};

/// Set by moves from thing to thing; scrolling leaves it where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    pub message: MessageId,
    pub target: Target,
}

/// What of a message it stands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// The message as a whole.
    Message,
    /// The reasoning whose first item this is.
    Reasoning(Slot),
    Call(Slot),
    /// Searches, by the first of them, or an item that is told in one row.
    Item(Slot),
    /// A code block, numbered from 1 in its answer.
    Code(u32),
    Citation(Citation),
}

/// A place that names a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Citation {
    /// The mark of an annotation, by its place in the list of the text part that has it.
    Mark { place: Place, annotation: usize },
    /// The entry of a source on the line under the answer, by its number.
    Entry(u32),
}
