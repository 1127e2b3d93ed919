//! Prompts that wait for a turn to end. Each is held by the instance of ibid that will send it, and sent once.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    ChatEffect, Conversation, ConversationChange, IdGenerator, Message, MessageId, QueuedId, Timestamp, TurnPhase,
    conversation::save_effect,
};

/// A prompt that waits for a turn to end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueuedPrompt {
    pub id: QueuedId,
    pub text: String,
    pub holder: QueueHolder,
}

/// Which instance of ibid sends a queued prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueueHolder {
    /// This one, or none that is running.
    Here,
    /// Another one that is running.
    Elsewhere,
}

impl Conversation {
    /// The first queued prompt that this instance may send.
    pub fn next_queued(&self) -> Option<&QueuedPrompt> {
        self.queued_here().next()
    }

    /// The queued prompts that this instance may send.
    pub fn queued_here(&self) -> impl DoubleEndedIterator<Item = &QueuedPrompt> {
        self.queue.iter().filter(|prompt| prompt.holder == QueueHolder::Here)
    }

    /// Puts a prompt at the end of the queue and returns the change to save.
    pub(super) fn enqueue(&mut self, text: String, ids: &mut IdGenerator, now: Timestamp) -> ConversationChange {
        let prompt = QueuedPrompt { id: ids.queued(now), text, holder: QueueHolder::Here };
        self.queue.push(prompt.clone());
        ConversationChange::Queue { conversation: self.id, prompt }
    }

    /// Makes the first queued prompt a message and begins its turn. Its request waits for a save that fails as a whole
    /// if the prompt has left the queue on disk.
    pub(super) fn send_queued(
        &mut self,
        mut changes: Vec<ConversationChange>,
        ids: &mut IdGenerator,
        now: Timestamp,
    ) -> Option<ChatEffect> {
        let index = self.queue.iter().position(|prompt| prompt.holder == QueueHolder::Here)?;
        let QueuedPrompt { id, text, .. } = self.queue.remove(index);
        changes.push(ConversationChange::SendQueued { conversation: self.id, prompt: id });
        let begun = self.begin_prompt(text, changes, ids, now);
        if let Some(turn) = self.turns.last_mut() {
            turn.queued = Some(id);
        }
        Some(begun)
    }

    /// Takes the last prompt out of the queue, to be edited.
    pub fn take_back_queued(&mut self) -> Option<(String, Vec<ChatEffect>)> {
        let last = self.queue.iter().rposition(|prompt| prompt.holder == QueueHolder::Here)?;
        let QueuedPrompt { id, text, .. } = self.queue.remove(last);
        let change = ConversationChange::TakeBackQueued { conversation: self.id, prompt: id };
        Some((text, vec![save_effect(vec![change])]))
    }

    /// Removes the turn of a queued prompt that another instance has taken, and returns its messages. Nothing of them is
    /// on disk, and no request has left.
    pub fn on_prompt_taken(&mut self, prompt: QueuedId) -> Vec<MessageId> {
        let is_refused = |turn: &super::Turn| {
            turn.queued == Some(prompt) && matches!(turn.phase, TurnPhase::Saving | TurnPhase::SaveFailed { .. })
        };
        let Some(turn_index) = self.turns.iter().position(is_refused) else { return Vec::new() };
        let answer = self.turns.remove(turn_index).answer;
        let parent = self.messages.get(&answer).and_then(|message| message.parent);
        let removed: Vec<MessageId> = parent.into_iter().chain([answer]).collect();
        for id in &removed {
            self.remove(*id);
        }
        removed
    }

    /// Takes over what other instances have saved. While something here is running or not on disk yet, only their messages.
    /// Whoever goes on elsewhere stays on another branch, unless it begins where this one ends.
    pub fn refresh(&mut self, stored: Self) {
        if !self.turns.is_empty() || !self.unsaved.is_empty() {
            self.merge_messages(stored.messages);
            return;
        }
        let previous = std::mem::replace(self, stored);
        let is_continued = self.branch.starts_with(&previous.branch);
        if !is_continued && previous.branch.iter().all(|id| self.messages.contains_key(id)) {
            self.branch = previous.branch;
        }
        self.context = previous.context;
        self.draft = previous.draft;
        self.reading = previous.reading;
        self.price_lookups = previous.price_lookups;
    }

    /// Takes messages of other instances. Those of this one are newer than what is on disk.
    fn merge_messages(&mut self, stored: BTreeMap<MessageId, Message>) {
        let mine: BTreeSet<MessageId> =
            self.turns.iter().map(|turn| turn.answer).chain(self.unsaved.iter().copied()).collect();
        for (id, message) in stored {
            let is_newer = self.messages.get(&id).is_none_or(|known| known.rev != message.rev);
            if is_newer && !mine.contains(&id) {
                self.insert(message);
            }
        }
        self.recompute_cost();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{api::FaultKind, chat::test_support::*};

    /// A conversation whose first answer has failed, with prompts of this and another instance behind it.
    fn chat_with_queue(holders: [QueueHolder; 2]) -> TestChat {
        let mut bench = TestChat::new();
        let stream = bench.send("one");
        bench.submit("two");
        bench.submit("three");
        bench.end(stream, Err(error(FaultKind::Key, 401)));
        for (prompt, holder) in bench.chat.queue.iter_mut().zip(holders) {
            prompt.holder = holder;
        }
        bench
    }

    #[test]
    fn a_prompt_that_another_instance_holds_is_neither_sent_nor_taken_back() {
        let mut bench = chat_with_queue([QueueHolder::Elsewhere; 2]);
        assert!(bench.submit("").saved.is_empty());
        assert_eq!(bench.chat.take_back_queued().map(|(text, _)| text), None);
        let sent = bench.submit("four");
        assert_eq!(sent.saved, ["conversation", "prompt", "answer", "draft"], "a new prompt does not wait for them");
        assert_eq!(prompts(&bench.chat), ["one", "four"]);
        let stream = bench.confirm_and_open(&sent);
        bench.apply(stream, &[delta("4"), item_done(0, &message_item("m", "4")), completed("0")]);
        assert_eq!(queued(&bench.chat), ["two", "three"]);
        assert!(bench.phase().is_none(), "nor are they sent after its answer");
    }

    #[test]
    fn the_first_prompt_held_here_is_sent_past_one_held_elsewhere() {
        let mut bench = chat_with_queue([QueueHolder::Elsewhere, QueueHolder::Here]);
        assert_eq!(bench.submit("").gates.len(), 1);
        assert_eq!((prompts(&bench.chat), queued(&bench.chat)), (vec!["one", "three"], vec!["two"]));
    }

    #[test]
    fn a_prompt_that_another_instance_took_first_leaves_no_trace_and_no_request() {
        let mut bench = chat_with_queue([QueueHolder::Here; 2]);
        let before = bench.chat.branch.clone();
        let prompt = bench.chat.queue[0].id;
        let sent = bench.submit("");
        assert_eq!(bench.chat.on_prompt_taken(prompt).len(), 2);
        assert_eq!((&bench.chat.branch, queued(&bench.chat)), (&before, vec!["three"]));
        assert_eq!(bench.chat.messages.len(), before.len());
        assert!(bench.confirm_saved(&sent).opened.is_empty());
        assert!(bench.submit("").saved.contains(&"prompt"), "the next one goes on");
        assert!(bench.chat.on_prompt_taken(prompt).is_empty());
    }

    #[test]
    fn a_conversation_is_refreshed_only_while_nothing_of_it_is_in_memory_alone() {
        let mut bench = TestChat::new();
        let mut stored = bench.chat.clone();
        stored.title = "Renamed elsewhere".into();
        bench.chat.draft = "half a".into();
        bench.chat.refresh(stored.clone());
        assert_eq!((bench.chat.title.as_str(), bench.chat.draft.as_str()), ("Renamed elsewhere", "half a"));
        bench.submit("Why?");
        bench.chat.refresh(stored);
        assert_eq!(prompts(&bench.chat), ["Why?"]);
    }
}
