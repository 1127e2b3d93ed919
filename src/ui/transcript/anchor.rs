//! Anchors: rows that can be found again after a layout.

use serde::{Deserialize, Serialize};

use super::parts::PartKey;
use crate::chat::{ItemSlot, MessageId};

/// A row of the text that survives a new layout, such as the one at the top of the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RowAnchor {
    pub message: MessageId,
    /// The message's last known index in its branch.
    pub message_index: usize,
    pub part: PartKey,
    /// The item whose row folds the part.
    pub folded_by: Option<ItemSlot>,
    /// The index of the row in its part.
    pub part_row: usize,
    /// Where the row's source begins, which locates it when the text is wrapped again.
    pub source_start: usize,
}
