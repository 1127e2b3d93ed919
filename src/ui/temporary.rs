//! Temporary conversations: what of them may reach the disk.

use std::collections::BTreeSet;

use crate::chat::{ConversationChange, ConversationId, Message, MessageId};

/// Which conversations and messages are temporary. Every save passes here, and of what is temporary only the cost of its
/// answers is left, without any text.
#[derive(Debug, Clone, Default)]
pub struct TemporaryContent {
    conversations: BTreeSet<ConversationId>,
    messages: BTreeSet<MessageId>,
    /// The next new conversation is temporary, and so is the draft that will become its first prompt.
    pub is_next: bool,
}

/// What a change is about.
enum ChangeSubject {
    Conversation(ConversationId),
    Message(MessageId),
    /// The draft of the next new conversation.
    NewDraft,
    /// The program, not a conversation.
    Program,
}

impl TemporaryContent {
    pub fn add(&mut self, conversation: ConversationId) {
        self.conversations.insert(conversation);
    }

    /// Returns what of the changes may reach the disk.
    pub fn storable(&mut self, changes: Vec<ConversationChange>) -> Vec<ConversationChange> {
        changes.into_iter().filter_map(|change| self.storable_part(change)).collect()
    }

    fn storable_part(&mut self, change: ConversationChange) -> Option<ConversationChange> {
        match change {
            ConversationChange::Message { conversation, message } if self.conversations.contains(&conversation) => {
                self.messages.insert(message.id);
                cost_of(&message)
            }
            ConversationChange::NewDraft(_) if self.is_next => None,
            change => (!self.is_temporary(&subject(&change))).then_some(change),
        }
    }

    fn is_temporary(&self, subject: &ChangeSubject) -> bool {
        match subject {
            ChangeSubject::Conversation(id) => self.conversations.contains(id),
            ChangeSubject::Message(id) => self.messages.contains(id),
            ChangeSubject::NewDraft | ChangeSubject::Program => false,
        }
    }
}

/// Returns what an answer has cost, as a change that holds nothing else of it.
fn cost_of(message: &Message) -> Option<ConversationChange> {
    let answer = message.as_answer()?;
    let (cost, _) = answer.cost();
    let at = answer.ended_at.unwrap_or(message.created_at);
    let model = answer.answered_by.as_ref().unwrap_or(&answer.model).clone();
    (!cost.is_zero()).then_some(ConversationChange::AnswerCost { message: message.id, at, cost, model })
}

fn subject(change: &ConversationChange) -> ChangeSubject {
    match change {
        ConversationChange::Conversation(header) => ChangeSubject::Conversation(header.id),
        ConversationChange::Message { conversation, .. }
        | ConversationChange::Draft { conversation, .. }
        | ConversationChange::Queue { conversation, .. }
        | ConversationChange::SendQueued { conversation, .. }
        | ConversationChange::TakeBackQueued { conversation, .. }
        | ConversationChange::Rename { conversation, .. }
        | ConversationChange::File { conversation, .. }
        | ConversationChange::Reading { conversation, .. }
        | ConversationChange::Shown { conversation, .. }
        | ConversationChange::Seen(conversation)
        | ConversationChange::Trash(conversation)
        | ConversationChange::Restore(conversation)
        | ConversationChange::Purge(conversation) => ChangeSubject::Conversation(*conversation),
        ConversationChange::SourceCheck(check) => ChangeSubject::Message(check.message),
        ConversationChange::Journal { message, .. }
        | ConversationChange::Recording { message, .. }
        | ConversationChange::RecordingChunk { message, .. }
        | ConversationChange::CallRun { message, .. }
        | ConversationChange::CallResult { message, .. } => ChangeSubject::Message(*message),
        ConversationChange::NewDraft(_) => ChangeSubject::NewDraft,
        ConversationChange::SideCost { .. }
        | ConversationChange::AnswerCost { .. }
        | ConversationChange::HintShown { .. }
        | ConversationChange::Panes(_)
        | ConversationChange::Grant(_)
        | ConversationChange::ForgetGrants(_)
        | ConversationChange::UnconfirmedRules(_) => ChangeSubject::Program,
    }
}
