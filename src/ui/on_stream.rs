//! Events of streams and tool calls, and conversations with something due.

use super::{Effect, State, notifications, on_store::carry_out};
use crate::{
    api::{self, Event, FreeQuota, Usage},
    chat::{
        CallId, ChatEffect, Conversation, ConversationChange, ConversationId, IdGenerator, MessageId, StreamId,
        Timestamp, TurnId,
    },
    tools::{ToolFailure, ToolOutcome},
};

pub(crate) fn on_stream_opened(state: &mut State, now: Timestamp, stream: StreamId, generation: Option<String>) {
    if let Some(id) = conversation_of_turn(state, stream.turn)
        && let Some(conversation) = state.conversations.get_mut(&id)
    {
        conversation.on_opened(stream, generation, now);
    }
}

pub(crate) fn on_events(
    state: &mut State,
    stream: StreamId,
    received_at: Timestamp,
    events: &[Event],
    fx: &mut Vec<Effect>,
) {
    advance_turn(state, stream.turn, fx, |conversation, ids| conversation.apply(stream, received_at, events, ids));
}

pub(crate) fn on_stream_ended(
    state: &mut State,
    stream: StreamId,
    ended_at: Timestamp,
    result: Result<(), api::ApiError>,
    fx: &mut Vec<Effect>,
) {
    advance_turn(state, stream.turn, fx, |conversation, ids| conversation.on_ended(stream, ended_at, result, ids));
}

pub(crate) fn on_tool_progress(state: &mut State, call: CallId, message: String) {
    if let Some(id) = conversation_of_turn(state, call.turn)
        && let Some(conversation) = state.conversations.get_mut(&id)
    {
        conversation.on_call_progress(call, message);
    }
}

pub(crate) fn on_tool_ended(
    state: &mut State,
    call: CallId,
    ended_at: Timestamp,
    result: Result<ToolOutcome, ToolFailure>,
    fx: &mut Vec<Effect>,
) {
    advance_turn(state, call.turn, fx, |conversation, ids| conversation.on_call_ended(call, ended_at, result, ids));
}

pub(crate) fn on_priced(
    state: &mut State,
    now: Timestamp,
    answer: MessageId,
    generation: String,
    result: Result<Usage, api::ApiError>,
    fx: &mut Vec<Effect>,
) {
    if let Some(conversation) = conversation_of_message(state, answer) {
        let (id, next) = (conversation.id, conversation.on_price(answer, generation, now, result));
        state.daily_cost.mark_stale();
        carry_out(state, id, next, fx);
    }
}

pub(crate) fn on_quota(state: &mut State, answer: MessageId, quota: FreeQuota, fx: &mut Vec<Effect>) {
    if let Some(conversation) = conversation_of_message(state, answer) {
        let (id, next) = (conversation.id, conversation.on_free_quota(answer, quota));
        carry_out(state, id, next, fx);
    }
}

/// Returns the open conversation that contains a message.
fn conversation_of_message(state: &mut State, message: MessageId) -> Option<&mut Conversation> {
    state.conversations.values_mut().find(|conversation| conversation.messages.contains_key(&message))
}

/// Advances the conversation of a turn.
fn advance_turn(
    state: &mut State,
    turn: TurnId,
    fx: &mut Vec<Effect>,
    step: impl FnOnce(&mut Conversation, &mut IdGenerator) -> Vec<ChatEffect>,
) {
    let Some(id) = conversation_of_turn(state, turn) else { return }; // Stopped while this was in flight.
    advance_conversation(state, id, fx, step);
}

/// Advances a conversation, and marks it as unread if a turn ends while it is not on the screen.
fn advance_conversation(
    state: &mut State,
    id: ConversationId,
    fx: &mut Vec<Effect>,
    step: impl FnOnce(&mut Conversation, &mut IdGenerator) -> Vec<ChatEffect>,
) {
    let is_visible = state.screen.pane.content.conversation_id() == Some(id);
    let Some(conversation) = state.conversations.get_mut(&id) else { return };
    let running_before: Vec<(TurnId, MessageId)> =
        conversation.turns.iter().map(|turn| (turn.id, turn.answer)).collect();
    let decisions_before = notifications::pending_decisions(conversation);
    let mut next = step(conversation, &mut state.ids);
    let needs_decision = notifications::pending_decisions(conversation) > decisions_before;
    let is_over = |(turn, _): &(TurnId, MessageId)| !conversation.turns.iter().any(|running| running.id == *turn);
    let ended: Vec<MessageId> = running_before.into_iter().filter(is_over).map(|(_, answer)| answer).collect();
    if !ended.is_empty() {
        state.daily_cost.mark_stale();
    }
    if !ended.is_empty() && !is_visible {
        conversation.unread = true;
        let header = ConversationChange::Conversation(Box::new(conversation.header()));
        next.push(ChatEffect::Save { changes: vec![header], gate: None });
    }
    carry_out(state, id, next, fx);
    for answer in ended {
        notifications::notify_turn_ended(state, id, answer, fx);
    }
    if needs_decision {
        notifications::notify_decision_needed(state, id, fx);
    }
}

/// Runs the retries, checkpoints and saves that are due.
pub(crate) fn on_tick(state: &mut State, now: Timestamp, fx: &mut Vec<Effect>) {
    let due: Vec<ConversationId> = state
        .conversations
        .values()
        .filter(|conversation| conversation.next_wake().is_some_and(|wake| wake <= now))
        .map(|conversation| conversation.id)
        .collect();
    for id in due {
        advance_conversation(state, id, fx, |conversation, ids| conversation.tick(now, ids));
    }
}

/// Returns the conversation that a running turn belongs to.
fn conversation_of_turn(state: &State, turn: TurnId) -> Option<ConversationId> {
    let has_turn = |conversation: &&Conversation| conversation.turns.iter().any(|running| running.id == turn);
    state.conversations.values().find(has_turn).map(|conversation| conversation.id)
}
