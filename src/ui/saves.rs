//! Saves in progress, and changes that could not be saved yet.

use std::collections::BTreeMap;

use super::{Effect, temporary::TemporaryContent};
use crate::{
    chat::{ConversationChange, ConversationId, TurnId},
    store::{SaveTicket, StoreJob},
};

/// Numbers every save and keeps its changes until the store confirms them.
#[derive(Debug, Clone, Default)]
pub struct PendingSaves {
    last_ticket: u64,
    in_flight: BTreeMap<SaveTicket, PendingSave>,
    /// Changes of failed saves; they go first in the next save.
    failed: Vec<ConversationChange>,
    pub temporary: TemporaryContent,
}

/// A turn that waits until its prompt is saved.
pub type SaveGate = (ConversationId, TurnId);

#[derive(Debug, Clone)]
struct PendingSave {
    changes: Vec<ConversationChange>,
    gate: Option<SaveGate>,
}

impl PendingSaves {
    /// Returns an effect that saves these changes, after those that could not be saved before. This is the only way to the
    /// disk: here what is temporary is left out.
    pub fn save(&mut self, changes: Vec<ConversationChange>, gate: Option<SaveGate>) -> Effect {
        let mut all = std::mem::take(&mut self.failed);
        all.extend(self.temporary.storable(changes));
        self.last_ticket += 1;
        let ticket = SaveTicket(self.last_ticket);
        self.in_flight.insert(ticket, PendingSave { changes: all.clone(), gate });
        Effect::RunStoreJob(StoreJob::Save { ticket, changes: all })
    }

    /// Marks a save as done and returns the turn that waited for it.
    pub fn on_saved(&mut self, ticket: SaveTicket) -> Option<SaveGate> {
        self.in_flight.remove(&ticket)?.gate
    }

    /// Marks a save as failed, keeps its changes, and returns the turn that waited for it.
    pub fn on_failed(&mut self, ticket: SaveTicket) -> Option<SaveGate> {
        let waiting = self.in_flight.remove(&ticket)?;
        self.failed.extend(waiting.changes);
        waiting.gate
    }

    /// Marks a save as failed for good, and returns its changes.
    pub fn on_refused(&mut self, ticket: SaveTicket) -> Vec<ConversationChange> {
        self.in_flight.remove(&ticket).map_or_else(Vec::new, |save| save.changes)
    }

    /// Forgets changes that could not be saved and never will be.
    pub fn drop_failed(&mut self, is_dropped: impl Fn(&ConversationChange) -> bool) {
        self.failed.retain(|change| !is_dropped(change));
    }

    /// Returns whether a save is on its way: what was read before its reply may be older than the state.
    pub fn is_saving(&self) -> bool {
        !self.in_flight.is_empty()
    }

    /// Returns whether some changes could not be saved yet.
    pub fn has_failed(&self) -> bool {
        !self.failed.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(text: &str) -> ConversationChange {
        ConversationChange::NewDraft(text.into())
    }

    fn texts(effect: &Effect) -> Vec<&str> {
        let Effect::RunStoreJob(StoreJob::Save { changes, .. }) = effect else {
            panic!("expected a save, got {effect:?}")
        };
        changes
            .iter()
            .map(|change| if let ConversationChange::NewDraft(text) = change { text.as_str() } else { "" })
            .collect()
    }

    #[test]
    fn failed_changes_go_first_in_the_next_save() {
        let mut saves = PendingSaves::default();
        saves.save(vec![draft("one")], None);
        assert_eq!(saves.on_failed(SaveTicket(1)), None);
        assert!(saves.has_failed());
        let second = saves.save(vec![draft("two")], None);
        assert_eq!(texts(&second), ["one", "two"]);
        saves.on_saved(SaveTicket(2));
        assert!(!saves.has_failed());
        assert_eq!(texts(&saves.save(vec![draft("three")], None)), ["three"]);
    }
}
