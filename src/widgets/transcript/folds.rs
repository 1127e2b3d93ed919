//! What of the answers stands open that would be folded, and the other way round.

use std::collections::BTreeSet;

use super::{Cursor, Target, Transcript};
use crate::chat::{MessageId, Slot};

/// Answers and parts of them that are folded otherwise than the options say.
#[derive(Debug, Clone, Default)]
pub(super) struct Folds {
    all: bool,
    answers: BTreeSet<MessageId>,
    /// Parts that differ from their answer, by the item whose row folds them.
    parts: BTreeSet<(MessageId, Slot)>,
}

/// How one answer is folded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Folding {
    toggled: bool,
    others: Vec<Slot>,
}

impl Folds {
    /// Of one answer, with a part that is open for the match in it.
    pub fn of(&self, answer: MessageId, found: Option<Slot>) -> Folding {
        let mut others: Vec<Slot> = self
            .parts
            .range((answer, Slot { step: 0, index: 0 })..)
            .take_while(|(id, _)| *id == answer)
            .map(|it| it.1)
            .collect();
        if let Some(found) = found {
            match others.iter().position(|slot| *slot == found) {
                Some(at) => {
                    others.remove(at);
                }
                None => others.push(found),
            }
        }
        Folding { toggled: self.answers.contains(&answer) != self.all, others }
    }

    pub fn toggle(&mut self, answer: MessageId) {
        self.parts.retain(|(id, _)| *id != answer);
        if !self.answers.remove(&answer) {
            self.answers.insert(answer);
        }
    }

    pub fn toggle_part(&mut self, answer: MessageId, slot: Slot) {
        if !self.parts.remove(&(answer, slot)) {
            self.parts.insert((answer, slot));
        }
    }

    pub fn toggle_all(&mut self) {
        *self = Self { all: !self.all, ..Self::default() };
    }
}

impl Folding {
    /// Whether a part is folded otherwise than the options say.
    pub fn is_toggled(&self, slot: Slot) -> bool {
        self.toggled != self.others.contains(&slot)
    }
}

impl Transcript {
    /// Folds or opens all that an answer folds; what stands at the top of the window stays.
    pub fn toggle_fold(&mut self, answer: MessageId) {
        self.folds.toggle(answer);
        self.hold_still();
    }

    /// Folds or opens one part of an answer: its reasoning, a search, a call.
    pub fn toggle_part(&mut self, answer: MessageId, slot: Slot) {
        self.folds.toggle_part(answer, slot);
        self.hold_still();
    }

    /// Folds or opens what all answers fold.
    pub fn toggle_all_folds(&mut self) {
        self.folds.toggle_all();
        self.hold_still();
    }

    /// The part under the cursor that can be folded.
    pub fn fold_under_cursor(&self) -> Option<(MessageId, Slot)> {
        let Cursor { message, target } = self.cursor()?;
        match target {
            Target::Reasoning(slot) | Target::Call(slot) | Target::Item(slot) => Some((message, slot)),
            Target::Code(block) => self.laid.get(&message)?.diagram(block).map(|slot| (message, slot)),
            Target::Message | Target::Citation(_) => None,
        }
    }
}
