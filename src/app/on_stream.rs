//! Streamed events, ended streams, and what falls due with time.

use super::{Effect, State, attention, on_store::carry_out};
use crate::{
    api::{self, Event, FreeQuota, Usage},
    chat::{CallId, Change, Conversation, ConversationId, Ids, MessageId, Next, StreamId, Timestamp, TurnId},
    tools::{Failure, Outcome},
};

pub(super) fn on_opened(state: &mut State, now: Timestamp, stream: StreamId, generation: Option<String>) {
    if let Some(id) = owner(state, stream.turn)
        && let Some(conversation) = state.open.get_mut(&id)
    {
        conversation.opened(stream, generation, now);
    }
}

pub(super) fn on_events(state: &mut State, stream: StreamId, at: Timestamp, events: &[Event], fx: &mut Vec<Effect>) {
    advance(state, stream.turn, fx, |conversation, ids| conversation.apply(stream, at, events, ids));
}

pub(super) fn on_ended(
    state: &mut State,
    stream: StreamId,
    at: Timestamp,
    result: Result<(), api::Error>,
    fx: &mut Vec<Effect>,
) {
    advance(state, stream.turn, fx, |conversation, ids| conversation.ended(stream, at, result, ids));
}

pub(super) fn on_progress(state: &mut State, call: CallId, words: String) {
    if let Some(id) = owner(state, call.turn)
        && let Some(conversation) = state.open.get_mut(&id)
    {
        conversation.call_progress(call, words);
    }
}

pub(super) fn on_tool_ended(
    state: &mut State,
    call: CallId,
    at: Timestamp,
    result: Result<Outcome, Failure>,
    fx: &mut Vec<Effect>,
) {
    advance(state, call.turn, fx, |conversation, ids| conversation.call_ended(call, at, result, ids));
}

pub(super) fn on_priced(
    state: &mut State,
    now: Timestamp,
    answer: MessageId,
    generation: String,
    result: Result<Usage, api::Error>,
    fx: &mut Vec<Effect>,
) {
    if let Some(conversation) = holder(state, answer) {
        let (id, next) = (conversation.id, conversation.priced(answer, generation, now, result));
        state.today.changed();
        carry_out(state, id, next, fx);
    }
}

pub(super) fn on_quota(state: &mut State, answer: MessageId, quota: FreeQuota, fx: &mut Vec<Effect>) {
    if let Some(conversation) = holder(state, answer) {
        let (id, next) = (conversation.id, conversation.free_quota(answer, quota));
        carry_out(state, id, next, fx);
    }
}

/// The conversation in memory that has a message.
fn holder(state: &mut State, message: MessageId) -> Option<&mut Conversation> {
    state.open.values_mut().find(|conversation| conversation.messages.contains_key(&message))
}

/// Lets a turn go on.
fn advance(
    state: &mut State,
    turn: TurnId,
    fx: &mut Vec<Effect>,
    step: impl FnOnce(&mut Conversation, &mut Ids) -> Vec<Next>,
) {
    let Some(id) = owner(state, turn) else { return }; // Stopped while this was in flight.
    step_of(state, id, fx, step);
}

/// Lets a conversation go on; a turn that ends out of sight leaves it unread.
fn step_of(
    state: &mut State,
    id: ConversationId,
    fx: &mut Vec<Effect>,
    step: impl FnOnce(&mut Conversation, &mut Ids) -> Vec<Next>,
) {
    let in_sight = state.screen.pane.shows.conversation() == Some(id);
    let Some(conversation) = state.open.get_mut(&id) else { return };
    let before: Vec<(TurnId, MessageId)> = conversation.turns.iter().map(|turn| (turn.id, turn.answer)).collect();
    let asked = attention::decisions(conversation);
    let mut next = step(conversation, &mut state.ids);
    let asks = attention::decisions(conversation) > asked;
    let is_over = |(turn, _): &(TurnId, MessageId)| !conversation.turns.iter().any(|running| running.id == *turn);
    let over: Vec<MessageId> = before.into_iter().filter(is_over).map(|(_, answer)| answer).collect();
    if !over.is_empty() {
        state.today.changed();
    }
    if !over.is_empty() && !in_sight {
        conversation.unread = true;
        let header = Change::Conversation(Box::new(conversation.header()));
        next.push(Next::Save { changes: vec![header], gate: None });
    }
    carry_out(state, id, next, fx);
    for answer in over {
        attention::ended(state, id, answer, fx);
    }
    if asks {
        attention::asks(state, id, fx);
    }
}

/// Retries, checkpoints and saves that are due.
pub(super) fn on_tick(state: &mut State, now: Timestamp, fx: &mut Vec<Effect>) {
    let due: Vec<ConversationId> = state
        .open
        .values()
        .filter(|conversation| conversation.next_wake().is_some_and(|wake| wake <= now))
        .map(|conversation| conversation.id)
        .collect();
    for id in due {
        step_of(state, id, fx, |conversation, ids| conversation.tick(now, ids));
    }
}

/// The conversation that a turn belongs to.
fn owner(state: &State, turn: TurnId) -> Option<ConversationId> {
    let runs = |conversation: &&Conversation| conversation.turns.iter().any(|running| running.id == turn);
    state.open.values().find(runs).map(|conversation| conversation.id)
}
