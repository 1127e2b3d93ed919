//! Streamed events, ended streams, and what falls due with time.

use super::{Effect, State, on_store::carry_out};
use crate::{
    api::{self, Event},
    chat::{Change, Conversation, ConversationId, Ids, Next, StreamId, Timestamp, TurnId},
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

/// Lets a turn go on; one that ends out of sight leaves its conversation unread.
fn advance(
    state: &mut State,
    turn: TurnId,
    fx: &mut Vec<Effect>,
    step: impl FnOnce(&mut Conversation, &mut Ids) -> Vec<Next>,
) {
    let Some(id) = owner(state, turn) else { return }; // Stopped while this was in flight.
    let in_sight = state.screen.pane.shows.conversation() == Some(id);
    let Some(conversation) = state.open.get_mut(&id) else { return };
    let mut next = step(conversation, &mut state.ids);
    let over = !conversation.turns.iter().any(|running| running.id == turn);
    if over && !in_sight {
        conversation.unread = true;
        let header = Change::Conversation(Box::new(conversation.header()));
        next.push(Next::Save { changes: vec![header], gate: None });
    }
    carry_out(state, id, next, fx);
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
        if let Some(conversation) = state.open.get_mut(&id) {
            let next = conversation.tick(now);
            carry_out(state, id, next, fx);
        }
    }
}

/// The conversation that a turn belongs to.
fn owner(state: &State, turn: TurnId) -> Option<ConversationId> {
    let runs = |conversation: &&Conversation| conversation.turns.iter().any(|running| running.id == turn);
    state.open.values().find(runs).map(|conversation| conversation.id)
}
