//! Where the reader is in a conversation, in a form that can be stored: the row at the top, and what is folded or open.

use serde::{Deserialize, Serialize};

use super::{PendingMove, ScrollMode, Transcript, anchor::RowAnchor, folds::FoldOverrides};

/// A place to come back to. A conversation that is read at its end, with nothing folded or opened, has none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadingPlace {
    /// The row at the top of the window; `None` at the end.
    top: Option<RowAnchor>,
    folds: FoldOverrides,
    /// The width of the text then: at another one the row is found by its words.
    width: usize,
}

impl Transcript {
    pub fn reading_place(&self) -> Option<ReadingPlace> {
        let top = match self.scroll {
            ScrollMode::Follow => None,
            ScrollMode::Anchored(anchor) => Some(anchor),
        };
        let has_folds = self.folds != FoldOverrides::default();
        let width = self.layout.as_ref().map_or(0, |layout| layout.width);
        (top.is_some() || has_folds).then(|| ReadingPlace { top, folds: self.folds.clone(), width })
    }

    /// Goes back to a place; the next `sync` finds its row, whatever the width was then.
    pub fn restore_place(&mut self, place: ReadingPlace) {
        self.folds = place.folds;
        if let Some(top) = place.top {
            self.scroll = ScrollMode::Anchored(top);
            self.restored_width = Some(place.width);
            self.pending_moves.push(PendingMove::Hold);
        }
    }
}
