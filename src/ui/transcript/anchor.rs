//! Anchors: rows that can be found again after a layout.

use crate::chat::{ItemSlot, MessageId};

/// The part of a message that a row belongs to. It identifies the row while rows above it come and go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum SectionPart {
    Head,
    Notes,
    /// The prompt's text.
    Prompt,
    /// The row that folds the reasoning of a group, by its first reasoning item.
    ReasoningHead(ItemSlot),
    Reasoning(ItemSlot, usize),
    /// The row that folds the searches of a group, by the first of them.
    SearchSummary(ItemSlot),
    FailedSearch(ItemSlot),
    /// The query of a search and the pages that it found.
    SearchPages(ItemSlot),
    Call(ItemSlot),
    /// The result of a call, or the reason for its absence.
    Result(ItemSlot),
    /// The row of an unknown item.
    UnknownItem(ItemSlot),
    /// The JSON of an unknown item, when open.
    RawJson(ItemSlot),
    /// The label above a text that is commentary rather than the answer itself.
    CommentaryLabel(ItemSlot),
    Text(ItemSlot, usize),
    Refusal(ItemSlot, usize),
    Sources,
    SourceCard,
    Card,
}

/// A row of the text that survives a new layout, such as the one at the top of the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RowAnchor {
    pub message: MessageId,
    /// The message's last known index in its branch.
    pub message_index: usize,
    pub part: SectionPart,
    /// The index of the row in its part.
    pub part_row: usize,
    /// Where the row's source begins, which locates it when the text is wrapped again.
    pub source_start: usize,
}
