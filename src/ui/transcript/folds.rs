//! What the reader has folded or opened, contrary to the options.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{CursorTarget, Transcript, TranscriptCursor};
use crate::chat::{ItemSlot, MessageId};

/// Answers, and parts of answers, whose folding differs from what the options give.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FoldOverrides {
    all_toggled: bool,
    answers: BTreeSet<MessageId>,
    /// Parts that differ from the rest of their answer, by the item whose row folds them.
    parts: BTreeSet<(MessageId, ItemSlot)>,
}

/// How the folding of one answer differs from what the options give.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct AnswerFolds {
    toggled: bool,
    exceptions: Vec<ItemSlot>,
}

impl FoldOverrides {
    /// The folding of one answer, with a part that was opened for a match.
    pub(super) fn for_answer(&self, answer: MessageId, match_slot: Option<ItemSlot>) -> AnswerFolds {
        let mut exceptions: Vec<ItemSlot> = self
            .parts
            .range((answer, ItemSlot { step: 0, index: 0 })..)
            .take_while(|(id, _)| *id == answer)
            .map(|it| it.1)
            .collect();
        if let Some(found) = match_slot {
            match exceptions.iter().position(|slot| *slot == found) {
                Some(at) => {
                    exceptions.remove(at);
                }
                None => exceptions.push(found),
            }
        }
        AnswerFolds { toggled: self.answers.contains(&answer) != self.all_toggled, exceptions }
    }

    pub(super) fn toggle(&mut self, answer: MessageId) {
        self.parts.retain(|(id, _)| *id != answer);
        if !self.answers.remove(&answer) {
            self.answers.insert(answer);
        }
    }

    pub(super) fn toggle_part(&mut self, answer: MessageId, slot: ItemSlot) {
        if !self.parts.remove(&(answer, slot)) {
            self.parts.insert((answer, slot));
        }
    }

    pub(super) fn toggle_all(&mut self) {
        *self = Self { all_toggled: !self.all_toggled, ..Self::default() };
    }
}

impl AnswerFolds {
    /// Whether the folding of a part differs from what the options give.
    pub(super) fn is_toggled(&self, slot: ItemSlot) -> bool {
        self.toggled != self.exceptions.contains(&slot)
    }
}

impl Transcript {
    /// Folds or opens every part of an answer; the row at the top of the window stays.
    pub fn toggle_fold(&mut self, answer: MessageId) {
        self.folds.toggle(answer);
        self.hold_position();
    }

    /// Folds or opens one part of an answer: its reasoning, a search, a call.
    pub fn toggle_part(&mut self, answer: MessageId, slot: ItemSlot) {
        self.folds.toggle_part(answer, slot);
        self.hold_position();
    }

    /// Folds or opens every part of all answers.
    pub fn toggle_all_folds(&mut self) {
        self.folds.toggle_all();
        self.hold_position();
    }

    /// The foldable part under the cursor.
    pub fn fold_under_cursor(&self) -> Option<(MessageId, ItemSlot)> {
        let TranscriptCursor { message, target } = self.visible_cursor()?;
        match target {
            CursorTarget::Reasoning(slot)
            | CursorTarget::Call(slot)
            | CursorTarget::OtherItem(slot)
            | CursorTarget::Details(slot, _) => Some((message, slot)),
            CursorTarget::Code(block) => {
                self.message_rows.get(&message)?.diagram_slot(block).map(|slot| (message, slot))
            }
            CursorTarget::Message | CursorTarget::Citation(_) => None,
        }
    }
}
