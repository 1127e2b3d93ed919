//! Where the window is anchored.

use crate::chat::{MessageId, Slot};

/// The part of a message that a row belongs to; it keeps its name while rows above it come and go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    Head,
    Notes,
    /// The prompt's text.
    Prompt,
    /// The row that folds the reasoning of a run of items that begins here.
    Thought(Slot),
    Reasoning(Slot, usize),
    /// The row that folds the searches of a run.
    Search(Slot),
    FailedSearch(Slot),
    /// What was searched, and the pages that were found.
    Pages(Slot),
    Call(Slot),
    /// What a call came to.
    Result(Slot),
    Other(Slot),
    /// The raw form of an item of another kind, opened.
    Raw(Slot),
    /// The word over a text that is not the answer itself.
    Commentary(Slot),
    Text(Slot, usize),
    Refusal(Slot, usize),
    Sources,
    SourceCard,
    Card,
}

/// The row at the top of the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Anchor {
    pub message: MessageId,
    /// Where the message was in its branch.
    pub index: usize,
    pub part: Part,
    pub row: usize,
    /// Where the row's source begins, which finds it again when the text is wrapped anew.
    pub source: usize,
}
