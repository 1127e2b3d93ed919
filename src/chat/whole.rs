//! A conversation with everything that is stored about it, to be handed on or taken in as a whole.

use std::collections::BTreeMap;

use super::{
    ConversationChange, ConversationHeader, ItemSlot, Message, MessageBody, MessageId, StoredCheck, Timestamp,
};
use crate::{api::Usd, tools::ToolOutcome};

/// A conversation and all that the database has about it, except its draft, its queue and its wire recordings.
#[derive(Debug, Clone)]
pub struct WholeConversation {
    pub header: ConversationHeader,
    pub created_at: Timestamp,
    /// The form that it was imported from, such as `chatgpt`.
    pub origin: Option<String>,
    /// In the order of their ids.
    pub messages: Vec<Message>,
    /// The full results of calls whose messages have a shortened one.
    pub full_results: BTreeMap<(MessageId, ItemSlot), ToolOutcome>,
    pub checks: Vec<StoredCheck>,
    pub side_costs: Vec<SideCost>,
}

/// What was paid for an answer besides the answer itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SideCost {
    pub message: MessageId,
    pub at: Timestamp,
    pub cost: Usd,
}

impl WholeConversation {
    /// Ends every answer that was still running when this was read: nothing continues it here.
    pub fn settle(&mut self) {
        for message in &mut self.messages {
            if let MessageBody::Answer(answer) = &mut message.body
                && !answer.is_over()
            {
                let last = answer.first_text_at.unwrap_or(answer.started_at);
                answer.interrupt(last);
            }
        }
    }

    /// What has to be written so that the database has all of it.
    pub fn into_changes(self) -> Vec<ConversationChange> {
        let conversation = self.header.id;
        let header = ConversationChange::Conversation(Box::new(self.header));
        let messages = self.messages.into_iter().map(Box::new);
        let messages = messages.map(|message| ConversationChange::Message { conversation, message });
        let results = self.full_results.into_iter().map(|((message, slot), outcome)| ConversationChange::CallResult {
            message,
            slot,
            outcome: Box::new(outcome),
        });
        let checks = self.checks.into_iter().map(|check| ConversationChange::SourceCheck(Box::new(check)));
        let costs = self.side_costs.into_iter();
        let costs = costs.map(|SideCost { message, at, cost }| ConversationChange::SideCost { message, at, cost });
        std::iter::once(header).chain(messages).chain(results).chain(checks).chain(costs).collect()
    }
}
