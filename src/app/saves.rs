//! What is on its way to the disk, and what did not get there yet.

use std::collections::BTreeMap;

use super::Effect;
use crate::{
    chat::{Change, ConversationId, TurnId},
    store::{Job, Ticket},
};

/// Numbers every save and keeps its changes until the store says that they are on disk.
#[derive(Debug, Default)]
pub struct Saves {
    last: u64,
    waiting: BTreeMap<Ticket, Waiting>,
    /// Changes of saves that failed; they go first in the next save.
    failed: Vec<Change>,
}

/// A turn that waits until its prompt is on disk.
pub type Gate = (ConversationId, TurnId);

#[derive(Debug)]
struct Waiting {
    changes: Vec<Change>,
    gate: Option<Gate>,
}

impl Saves {
    /// Asks for a save of these changes, and of those that could not be saved before.
    pub fn save(&mut self, changes: Vec<Change>, gate: Option<Gate>) -> Effect {
        let mut all = std::mem::take(&mut self.failed);
        all.extend(changes);
        self.last += 1;
        let ticket = Ticket(self.last);
        self.waiting.insert(ticket, Waiting { changes: all.clone(), gate });
        Effect::Store(Job::Save { ticket, changes: all })
    }

    /// It is on disk: says which turn waited for it.
    pub fn saved(&mut self, ticket: Ticket) -> Option<Gate> {
        self.waiting.remove(&ticket)?.gate
    }

    /// It is not on disk: keeps the changes, and says which turn waited for them.
    pub fn not_saved(&mut self, ticket: Ticket) -> Option<Gate> {
        let waiting = self.waiting.remove(&ticket)?;
        self.failed.extend(waiting.changes);
        waiting.gate
    }

    /// Whether something could not be saved yet.
    pub fn behind(&self) -> bool {
        !self.failed.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(text: &str) -> Change {
        Change::NewDraft(text.into())
    }

    fn texts(effect: &Effect) -> Vec<&str> {
        let Effect::Store(Job::Save { changes, .. }) = effect else { panic!("a save is a save") };
        changes.iter().map(|change| if let Change::NewDraft(text) = change { text.as_str() } else { "" }).collect()
    }

    #[test]
    fn what_could_not_be_saved_goes_first_in_the_next_save() {
        let mut saves = Saves::default();
        saves.save(vec![draft("one")], None);
        assert_eq!(saves.not_saved(Ticket(1)), None);
        assert!(saves.behind());
        let second = saves.save(vec![draft("two")], None);
        assert_eq!(texts(&second), ["one", "two"]);
        saves.saved(Ticket(2));
        assert!(!saves.behind());
        assert_eq!(texts(&saves.save(vec![draft("three")], None)), ["three"]);
    }
}
