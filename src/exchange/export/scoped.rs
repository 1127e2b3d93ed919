//! Reduces a conversation to what is exported of it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::options::{ExportDensity, ExportOptions, ExportScope, ExportedPart};
use crate::chat::{
    Answer, ChatSettings, ConversationHeader, Item, ItemKind, ItemSlot, Message, MessageBody, MessageId, Prompt,
    WholeConversation, answer::ContentPart,
};

/// Returns the conversation with only those messages, and parts of messages, that are exported.
pub(super) fn scoped(mut whole: WholeConversation, options: &ExportOptions) -> WholeConversation {
    whole.settle();
    let parents: BTreeMap<MessageId, Option<MessageId>> =
        whole.messages.iter().map(|message| (message.id, message.parent)).collect();
    let wanted = wanted_messages(&whole, &options.part);
    let has_prompts_only = options.density == ExportDensity::Prompts;
    whole
        .messages
        .retain(|message| wanted.contains(&message.id) && !(has_prompts_only && message.as_answer().is_some()));
    let kept: BTreeSet<MessageId> = whole.messages.iter().map(|message| message.id).collect();
    for message in &mut whole.messages {
        message.parent = nearest_kept(message.id, &parents, &kept);
        if let ExportedPart::Selection(texts) = &options.part
            && let Some(text) = texts.iter().find(|text| text.message == message.id)
        {
            select(message, &text.markdown);
        }
        if let MessageBody::Answer(answer) = &mut message.body {
            reduce(answer, options.density);
        }
    }
    reduce_header(&mut whole.header, &kept, options);
    let has_calls = options.density == ExportDensity::Full && options.part.scope() != ExportScope::Selection;
    whole.full_results.retain(|(message, _), _| has_calls && kept.contains(message));
    whole.checks.retain(|check| kept.contains(&check.message));
    whole.side_costs.retain(|paid| kept.contains(&paid.message));
    whole
}

fn reduce_header(header: &mut ConversationHeader, kept: &BTreeSet<MessageId>, options: &ExportOptions) {
    let scope = options.part.scope();
    let is_full = options.density == ExportDensity::Full;
    let is_whole = scope == ExportScope::Tree && is_full;
    let has_frame = is_full && matches!(scope, ExportScope::Tree | ExportScope::Branch);
    header.branch.retain(|id| kept.contains(id));
    header.left_out.retain(|id| kept.contains(id));
    if !is_whole {
        let settings = std::mem::take(&mut header.settings);
        header.settings = ChatSettings {
            instructions: settings.instructions.filter(|_| has_frame),
            endpoint: settings.endpoint,
            model: settings.model,
            ..ChatSettings::default()
        };
    }
}

fn wanted_messages(whole: &WholeConversation, part: &ExportedPart) -> BTreeSet<MessageId> {
    match part {
        ExportedPart::Tree => whole.messages.iter().map(|message| message.id).collect(),
        ExportedPart::Branch => whole.header.branch.iter().copied().collect(),
        ExportedPart::Answer(Some(answer)) => BTreeSet::from([*answer]),
        ExportedPart::Answer(None) => newest_answer(whole).into_iter().collect(),
        ExportedPart::Selection(texts) => texts.iter().map(|text| text.message).collect(),
    }
}

/// The newest answer of the branch that has a text.
fn newest_answer(whole: &WholeConversation) -> Option<MessageId> {
    let has_text = |id: &MessageId| {
        let answer = whole.messages.iter().find(|message| message.id == *id).and_then(Message::as_answer);
        answer.is_some_and(|answer| !answer.text().is_empty())
    };
    whole.header.branch.iter().rev().copied().find(has_text)
}

/// The nearest message above one that is exported, too.
fn nearest_kept(
    id: MessageId,
    parents: &BTreeMap<MessageId, Option<MessageId>>,
    kept: &BTreeSet<MessageId>,
) -> Option<MessageId> {
    let parent = |id: &MessageId| parents.get(id).copied().flatten();
    // No longer than there are messages: damaged parents could form a ring.
    let above = std::iter::successors(parent(&id), parent).take(parents.len());
    above.into_iter().find(|above| *above != id && kept.contains(above))
}

/// Leaves out of an answer what its density does not have.
fn reduce(answer: &mut Answer, density: ExportDensity) {
    if density != ExportDensity::Full {
        answer.items.retain(|_, item| item.parts().is_some());
        answer.call_runs.clear();
    }
}

/// Replaces the text of a message by what is selected of it.
fn select(message: &mut Message, markdown: &str) {
    match &mut message.body {
        MessageBody::Prompt(prompt) => *prompt = Prompt { text: markdown.to_owned() },
        MessageBody::Answer(answer) => {
            let text = ContentPart::Text { text: markdown.to_owned(), annotations: Vec::new() };
            let item = Item {
                raw: None,
                opened_at: answer.started_at,
                closed_at: Some(answer.ended_at.unwrap_or(answer.started_at)),
                kind: Arc::new(ItemKind::Message { parts: vec![text], phase: None }),
            };
            answer.items = BTreeMap::from([(ItemSlot { step: 0, index: 0 }, item)]);
            answer.call_runs.clear();
        }
    }
}
