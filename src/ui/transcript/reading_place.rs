//! Where the reader is in a conversation, in a form that can be stored: the row at the top, and what is folded or open.

use serde::{Deserialize, Serialize};

use super::{PendingMove, ScrollMode, Transcript, anchor::RowAnchor, folds::FoldOverrides};

/// A place to come back to. A conversation that is read at its end, with nothing folded or opened, has none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadingPlace {
    /// The row at the top of the window; `None` at the end.
    top: Option<RowAnchor>,
    folds: FoldOverrides,
}

impl Transcript {
    pub fn reading_place(&self) -> Option<ReadingPlace> {
        let top = match self.scroll {
            ScrollMode::Follow => None,
            ScrollMode::Anchored(anchor) => Some(anchor),
        };
        let has_folds = self.folds != FoldOverrides::default();
        (top.is_some() || has_folds).then(|| ReadingPlace { top, folds: self.folds.clone() })
    }

    /// Goes back to a place; the next `sync` finds its row, whatever the width was then.
    pub fn restore_place(&mut self, place: ReadingPlace) {
        self.folds = place.folds;
        if let Some(top) = place.top {
            self.scroll = ScrollMode::Anchored(top);
            self.is_restored = true;
            self.pending_moves.push(PendingMove::Hold);
        }
    }
}
