//! Records about messages that came after them: bookmarks, and branches pruned to the trash.
//!
//! A finished message never changes. What is said of it later names it: a branch is pruned by a record of its first message.

use std::collections::BTreeMap;

use super::{
    ChatEffect, Conversation, ConversationChange, ConversationId, MessageId, Timestamp, conversation::save_effect,
};

/// What was recorded about the messages of a conversation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TreeMarks {
    /// The first messages of pruned branches, each with the time when it went to the trash.
    pub pruned: BTreeMap<MessageId, Timestamp>,
    pub bookmarks: BTreeMap<MessageId, Timestamp>,
}

/// A branch that was pruned, as undo needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrunedBranch {
    pub conversation: ConversationId,
    /// Its first message.
    pub message: MessageId,
    /// How many messages went.
    pub messages: usize,
    /// An answer in it was running.
    pub was_running: bool,
    /// The end of the branch that was shown, if it was in this one.
    shown: Option<MessageId>,
}

/// Why a branch is not pruned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PruneRefusal {
    /// Nothing of the conversation would be left.
    LastBranch,
    /// There is no such message, or it is in the trash already.
    Missing,
}

impl Conversation {
    pub fn marks(&self) -> &TreeMarks {
        &self.marks
    }

    /// Takes the records from the database.
    pub fn set_marks(&mut self, marks: TreeMarks) {
        if self.marks == marks {
            return;
        }
        let former = std::mem::replace(&mut self.marks, marks);
        for id in former.pruned.into_keys() {
            self.attach(id);
        }
        for id in self.marks.pruned.keys().copied().collect::<Vec<_>>() {
            self.detach(id);
        }
        self.leave_pruned();
        self.tree_rev += 1;
    }

    pub fn is_bookmarked(&self, id: MessageId) -> bool {
        self.marks.bookmarks.contains_key(&id)
    }

    /// Whether a message is in a pruned branch.
    pub fn is_pruned(&self, id: MessageId) -> bool {
        !self.marks.pruned.is_empty() && self.ancestors(id).any(|id| self.marks.pruned.contains_key(&id))
    }

    /// Sets or removes the bookmark of a message.
    pub fn toggle_bookmark(&mut self, id: MessageId, now: Timestamp) -> Vec<ChatEffect> {
        if !self.messages.contains_key(&id) {
            return Vec::new();
        }
        self.tree_rev += 1;
        let change = if self.marks.bookmarks.remove(&id).is_some() {
            ConversationChange::RemoveBookmark(id)
        } else {
            self.marks.bookmarks.insert(id, now);
            ConversationChange::Bookmark { message: id, at: now }
        };
        self.save_marks(vec![change])
    }

    /// Moves a message and all below it to the trash. What is shown of it gives way to the version before it, else to the
    /// one after it, else to what is above it. Its running answers are stopped.
    ///
    /// # Errors
    /// Returns why nothing was pruned.
    pub fn prune(&mut self, id: MessageId, now: Timestamp) -> Result<(PrunedBranch, Vec<ChatEffect>), PruneRefusal> {
        let message = self.messages.get(&id).ok_or(PruneRefusal::Missing)?;
        if self.is_pruned(id) {
            return Err(PruneRefusal::Missing);
        }
        if message.parent.is_none() && self.siblings(id).1 == 1 {
            return Err(PruneRefusal::LastBranch);
        }
        let below = self.below(id);
        let running: Vec<_> =
            self.turns.iter().filter(|turn| below.contains(&turn.answer)).map(|turn| turn.id).collect();
        let pruned = PrunedBranch {
            conversation: self.id,
            message: id,
            messages: below.len(),
            was_running: !running.is_empty(),
            shown: self.branch.last().copied().filter(|_| self.branch.contains(&id)),
        };
        let mut next: Vec<ChatEffect> = running.into_iter().flat_map(|turn| self.stop(turn, now)).collect();
        self.detach(id);
        self.marks.pruned.insert(id, now);
        self.leave_pruned();
        self.tree_rev += 1;
        next.extend(self.save_marks(vec![ConversationChange::Prune { message: id, at: now }]));
        Ok((pruned, next))
    }

    /// Brings a branch back from the trash; undo also shows again what was shown of it.
    pub fn restore_pruned(&mut self, id: MessageId, undone: Option<&PrunedBranch>) -> Vec<ChatEffect> {
        if self.marks.pruned.remove(&id).is_none() {
            return Vec::new();
        }
        self.attach(id);
        self.tree_rev += 1;
        if let Some(end) = undone.and_then(|pruned| pruned.shown).filter(|end| !self.is_pruned(*end)) {
            self.branch = self.path_to(end);
            self.descend();
        }
        self.save_marks(vec![ConversationChange::RestorePruned(id)])
    }

    /// Removes a message from its siblings, in memory only.
    fn detach(&mut self, id: MessageId) {
        let parent = self.messages.get(&id).and_then(|message| message.parent);
        if let Some(siblings) = self.children.get_mut(&parent) {
            siblings.retain(|sibling| *sibling != id);
        }
    }

    /// Leaves a pruned branch if one is shown.
    pub(super) fn leave_pruned(&mut self) {
        let Some(position) = self.branch.iter().position(|id| self.marks.pruned.contains_key(id)) else { return };
        let gone = self.branch[position];
        self.branch.truncate(position);
        let siblings = self.children.get(&self.branch.last().copied()).map_or(&[][..], Vec::as_slice);
        let older = siblings.partition_point(|sibling| *sibling < gone);
        if let Some(other) = older.checked_sub(1).and_then(|index| siblings.get(index)).or(siblings.first()) {
            self.branch.push(*other);
            self.descend();
        }
    }

    /// Saves records along with the branch that is shown; those about what was never saved wait for it.
    fn save_marks(&self, mut changes: Vec<ConversationChange>) -> Vec<ChatEffect> {
        if self.is_new() {
            return Vec::new();
        }
        changes.push(self.header_change());
        vec![save_effect(changes)]
    }

    /// The records to save when the conversation is saved for the first time.
    pub(super) fn first_marks(&self) -> impl Iterator<Item = ConversationChange> + '_ {
        let bookmarks = self.marks.bookmarks.iter();
        let pruned = self.marks.pruned.iter();
        let bookmarks = bookmarks.map(|(id, at)| ConversationChange::Bookmark { message: *id, at: *at });
        bookmarks.chain(pruned.map(|(id, at)| ConversationChange::Prune { message: *id, at: *at }))
    }
}
