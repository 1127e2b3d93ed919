//! Forks: a new conversation that begins as a copy of a branch.

use super::{
    ChatEffect, Conversation, ConversationChange, IdGenerator, Message, MessageBody, MessageId, Timestamp,
    conversation::save_effect,
};

impl Conversation {
    /// Copies the path to a message into a new conversation, with ids of its own. What the answers cost was paid here.
    ///
    /// Returns `None` if the message is unknown, or an answer on the path is still being written.
    pub fn fork(&self, last: MessageId, ids: &mut IdGenerator, now: Timestamp) -> Option<(Self, Vec<ChatEffect>)> {
        let path = self.path_to(last);
        let messages: Vec<&Message> = path.iter().filter_map(|id| self.messages.get(id)).collect();
        let is_open = |message: &&Message| message.as_answer().is_some_and(|answer| !answer.is_over());
        if messages.is_empty() || messages.iter().any(is_open) {
            return None;
        }
        let mut fork = Self::new(ids.conversation(now), self.settings.for_new_conversation(), now);
        fork.title = forked_title(&self.title);
        fork.context = self.context.clone();
        fork.renamed = self.renamed;
        fork.lifetime = self.lifetime;
        fork.is_stored = true;
        let mut changes = Vec::new();
        for message in messages {
            let copy = copied_message(message, fork.branch.last().copied(), ids.message(now));
            let (from, to) = (message.id, copy.id);
            fork.insert(copy);
            fork.branch.push(to);
            if self.is_left_out(from) {
                fork.left_out.insert(to);
            }
            if let Some(at) = self.marks.bookmarks.get(&from) {
                fork.marks.bookmarks.insert(to, *at);
            }
            changes.push(fork.message_change(to));
            changes.push(ConversationChange::CopyRecords { from, to });
        }
        changes.push(fork.header_change());
        changes.extend(fork.first_marks());
        fork.recompute_cost();
        Some((fork, vec![save_effect(changes)]))
    }
}

fn copied_message(message: &Message, parent: Option<MessageId>, id: MessageId) -> Message {
    let mut copy = Message { id, parent, ..message.clone() };
    if let MessageBody::Answer(answer) = &mut copy.body {
        answer.params.copied_from.get_or_insert(message.id);
    }
    copy
}

/// The title of a fork: `A title (fork)`, then `A title (fork 2)`.
fn forked_title(title: &str) -> String {
    let forked = title.strip_suffix(')').and_then(|title| title.rsplit_once(" (fork"));
    let (name, number) = match forked {
        Some((name, "")) => (name, Some(2)),
        Some((name, number)) => {
            (name, number.trim_start().parse::<u32>().ok().and_then(|number| number.checked_add(1)))
        }
        None => (title, None),
    };
    match number {
        Some(number) => format!("{name} (fork {number})"),
        None => format!("{title} (fork)").trim_start().to_owned(),
    }
}
