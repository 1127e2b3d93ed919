//! Events of streams and tool calls, and conversations with something due.

use super::{notifications, on_store::carry_out, teaching};
use crate::ui::{chats::Chats, cx::Cx};
use crate::{
    api::{self, Event, FreeQuota, Usage},
    chat::{
        CallId, ChatEffect, Conversation, ConversationChange, ConversationId, IdGenerator, MessageId, StreamId,
        Timestamp, TurnId,
    },
    tools::{ToolFailure, ToolOutcome},
};

pub(crate) fn on_stream_opened(cx: &mut Cx<'_>, stream: StreamId, generation: Option<String>) {
    if let Some(id) = conversation_of_turn(cx.chats, stream.turn)
        && let Some(conversation) = cx.chats.conversations.get_mut(&id)
    {
        conversation.on_opened(stream, generation, cx.now);
    }
}

pub(crate) fn on_events(cx: &mut Cx<'_>, stream: StreamId, received_at: Timestamp, events: &[Event]) {
    advance_turn(cx, stream.turn, |conversation, ids| conversation.apply(stream, received_at, events, ids));
}

pub(crate) fn on_stream_ended(
    cx: &mut Cx<'_>,
    stream: StreamId,
    ended_at: Timestamp,
    result: Result<(), api::ApiError>,
) {
    advance_turn(cx, stream.turn, |conversation, ids| conversation.on_ended(stream, ended_at, result, ids));
}

pub(crate) fn on_tool_progress(chats: &mut Chats, call: CallId, message: String) {
    if let Some(id) = conversation_of_turn(chats, call.turn)
        && let Some(conversation) = chats.conversations.get_mut(&id)
    {
        conversation.on_call_progress(call, message);
    }
}

pub(crate) fn on_tool_ended(
    cx: &mut Cx<'_>,
    call: CallId,
    ended_at: Timestamp,
    result: Result<ToolOutcome, ToolFailure>,
) {
    advance_turn(cx, call.turn, |conversation, ids| conversation.on_call_ended(call, ended_at, result, ids));
}

pub(crate) fn on_priced(cx: &mut Cx<'_>, answer: MessageId, generation: String, result: Result<Usage, api::ApiError>) {
    let now = cx.now;
    if let Some(conversation) = conversation_of_message(cx.chats, answer) {
        let (id, next) = (conversation.id, conversation.on_price(answer, generation, now, result));
        carry_out(cx, id, next);
    }
}

pub(crate) fn on_quota(cx: &mut Cx<'_>, answer: MessageId, quota: FreeQuota) {
    if let Some(conversation) = conversation_of_message(cx.chats, answer) {
        let (id, next) = (conversation.id, conversation.on_free_quota(answer, quota));
        carry_out(cx, id, next);
    }
}

/// Returns the open conversation that contains a message.
fn conversation_of_message(chats: &mut Chats, message: MessageId) -> Option<&mut Conversation> {
    chats.conversations.values_mut().find(|conversation| conversation.messages.contains_key(&message))
}

/// Advances the conversation of a turn.
fn advance_turn(
    cx: &mut Cx<'_>,
    turn: TurnId,
    step: impl FnOnce(&mut Conversation, &mut IdGenerator) -> Vec<ChatEffect>,
) {
    let Some(id) = conversation_of_turn(cx.chats, turn) else { return }; // Stopped while this was in flight.
    advance_conversation(cx, id, step);
}

/// Advances a conversation, and marks it as unread if a turn ends while it is not on the screen.
fn advance_conversation(
    cx: &mut Cx<'_>,
    id: ConversationId,
    step: impl FnOnce(&mut Conversation, &mut IdGenerator) -> Vec<ChatEffect>,
) {
    let is_visible = cx.chats.content.conversation_id() == Some(id);
    let Some(conversation) = cx.chats.conversations.get_mut(&id) else { return };
    let running_before: Vec<(TurnId, MessageId)> =
        conversation.turns.iter().map(|turn| (turn.id, turn.answer)).collect();
    let decisions_before = notifications::pending_decisions(conversation);
    let mut next = step(conversation, &mut cx.chats.ids);
    let needs_decision = notifications::pending_decisions(conversation) > decisions_before;
    let is_over = |(turn, _): &(TurnId, MessageId)| !conversation.turns.iter().any(|running| running.id == *turn);
    let ended: Vec<MessageId> = running_before.into_iter().filter(is_over).map(|(_, answer)| answer).collect();
    if !ended.is_empty() && !is_visible {
        conversation.unread = true;
        let header = ConversationChange::Conversation(Box::new(conversation.header()));
        next.push(ChatEffect::Save { changes: vec![header], gate: None });
    }
    carry_out(cx, id, next);
    for answer in ended {
        notifications::notify_turn_ended(cx, id, answer);
        if is_visible {
            teaching::on_answer_ended(cx, answer);
        }
    }
    if needs_decision {
        notifications::notify_decision_needed(cx, id);
    }
}

/// Runs the retries, checkpoints and saves that are due.
pub(crate) fn on_tick(cx: &mut Cx<'_>) {
    let now = cx.now;
    let due: Vec<ConversationId> = cx
        .chats
        .conversations
        .values()
        .filter(|conversation| conversation.next_wake().is_some_and(|wake| wake <= now))
        .map(|conversation| conversation.id)
        .collect();
    for id in due {
        advance_conversation(cx, id, |conversation, ids| conversation.tick(now, ids));
    }
}

/// Returns the conversation that a running turn belongs to.
fn conversation_of_turn(chats: &Chats, turn: TurnId) -> Option<ConversationId> {
    let has_turn = |conversation: &&Conversation| conversation.turns.iter().any(|running| running.id == turn);
    chats.conversations.values().find(has_turn).map(|conversation| conversation.id)
}
