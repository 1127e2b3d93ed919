//! Which part of a text is being read: what is too much for a frame is shown from there on.

use std::cmp::Ordering;

use crate::chat::ItemSlot;

/// Identifies a text of an answer: its item, and which of its texts.
pub(crate) type TextKey = (ItemSlot, usize);

/// What of a message is being read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TextFocus {
    Start,
    End,
    /// A position in the source of a text: the end of what is before it, and the start of what is after it.
    At(TextKey, usize),
}

impl TextFocus {
    /// The position in a text; a large one is the end.
    pub(crate) fn in_text(self, key: TextKey) -> usize {
        match self {
            Self::Start => 0,
            Self::End => usize::MAX,
            Self::At(read, source) => match key.cmp(&read) {
                Ordering::Less => usize::MAX,
                Ordering::Equal => source,
                Ordering::Greater => 0,
            },
        }
    }
}
