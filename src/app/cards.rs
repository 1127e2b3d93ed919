//! The error card with live keys: the newest of the branch, and only that.

use super::{Effect, State, on_action::change, overlays, screen::CARD};
use crate::{
    chat::{
        Timestamp,
        choices::{Choice, choices},
    },
    widgets::transcript::{Asked, Transcript},
};

/// What the newest answer of the branch offers; empty when nothing is wrong with it.
pub fn offered(state: &State) -> Vec<Choice> {
    let Some(conversation) = state.current() else { return Vec::new() };
    let Some(answer) = conversation.branch.last().and_then(|id| conversation.messages.get(id)) else {
        return Vec::new();
    };
    let turn = conversation.turn_of(answer.id);
    answer.answer().map(|answer| choices(answer, turn)).unwrap_or_default()
}

/// Takes the first choice; `false` when there is none.
pub(super) fn take_first(state: &mut State, now: Timestamp, fx: &mut Vec<Effect>) -> bool {
    match offered(state).first() {
        Some(first) if first.by_enter() => take(state, now, *first, fx),
        Some(_) | None => false,
    }
}

/// Takes the choice of a letter; `false` when the card has none such.
pub(super) fn take_key(state: &mut State, now: Timestamp, key: char, fx: &mut Vec<Effect>) -> bool {
    match offered(state).into_iter().find(|choice| choice.key() == key) {
        Some(choice) => take(state, now, choice, fx),
        None => false,
    }
}

/// Another key is in use: what was refused for the last one is asked again.
pub(super) fn retry_with_key(state: &mut State, now: Timestamp, fx: &mut Vec<Effect>) {
    if offered(state).first() != Some(&Choice::EnterKey) {
        return;
    }
    let refused = state.current().and_then(|conversation| Some((conversation.id, *conversation.branch.last()?)));
    if let Some((id, answer)) = refused {
        super::models::keep_context(state, id);
        change(state, id, fx, |chat, ids| chat.answer_again(answer, None, ids, now));
    }
}

fn take(state: &mut State, now: Timestamp, choice: Choice, fx: &mut Vec<Effect>) -> bool {
    let card = state.screen.transcript().and_then(Transcript::card);
    let asked = state.current().and_then(Asked::of);
    let settled = card.is_some_and(|card| now.duration_since(card.since) >= CARD && card.asked == asked);
    if !settled {
        return true; // It appeared under the finger, or is not what was read: the key was meant for something else.
    }
    let Some((id, answer, turn)) = state.current().and_then(|conversation| {
        let answer = *conversation.branch.last()?;
        Some((conversation.id, answer, conversation.turn_of(answer).map(|turn| turn.id)))
    }) else {
        return false;
    };
    super::models::keep_context(state, id);
    state.screen.focus = super::screen::Focus::Composer;
    match (choice, turn) {
        (Choice::Now, Some(turn)) => change(state, id, fx, |chat, _| chat.skip_wait(turn, now)),
        (Choice::GiveUp, Some(turn)) => change(state, id, fx, |chat, _| chat.stop(turn, now)),
        (Choice::SaveAgain, Some(turn)) => change(state, id, fx, |chat, _| chat.save_again(turn, now)),
        (Choice::SendUnsaved, Some(turn)) => change(state, id, fx, |chat, _| chat.send_unsaved(turn, now)),
        (Choice::Now | Choice::GiveUp | Choice::SaveAgain | Choice::SendUnsaved, None) => (),
        (Choice::GoOn, Some(turn)) => change(state, id, fx, |chat, ids| chat.go_on(turn, now, ids)),
        (Choice::StopHere, Some(turn)) => change(state, id, fx, |chat, _| chat.stop(turn, now)),
        (Choice::GoOn | Choice::StopHere, None) => (),
        (Choice::Call(approval), _) => super::tools::take(state, now, approval, fx),
        (Choice::Retry, _) => change(state, id, fx, |chat, ids| chat.answer_again(answer, None, ids, now)),
        (Choice::RetryWithTokens(tokens), _) => {
            change(state, id, fx, |chat, ids| chat.answer_again_within(answer, tokens, ids, now));
        }
        (Choice::Relax(wish), _) => {
            change(state, id, fx, |chat, ids| chat.answer_again_without(answer, wish, ids, now));
        }
        (Choice::LeaveOutOldest, _) => {
            change(state, id, fx, |chat, ids| chat.leave_out_oldest(answer, ids, now));
            if state.current().is_some_and(|chat| chat.branch.last() == Some(&answer)) {
                state.screen.say(now, "there is nothing older to leave out");
            }
        }
        (Choice::Continue, _) => change(state, id, fx, |chat, ids| chat.continue_answer(answer, ids, now)),
        (Choice::AnotherModel, _) => overlays::open_models_for_again(state, now, answer, fx),
        (Choice::EnterKey, _) => overlays::open_key(state),
        (Choice::OpenCredits, _) => fx.push(Effect::Browse("https://openrouter.ai/credits".into())),
        (Choice::ChooseEffort, _) => overlays::open_efforts(state, now),
        (Choice::Settings, _) => overlays::open_parameters(state),
    }
    true
}
