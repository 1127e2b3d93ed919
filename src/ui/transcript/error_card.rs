//! The error card whose keys work: only the newest of the branch.

use crate::ui::{Effect, State, dispatch::change_conversation, overlays, screen::CARD_DELAY};
use crate::{
    chat::{
        Timestamp,
        choices::{CardChoice, card_choices},
    },
    ui::transcript::{PendingApproval, Transcript},
};

/// Returns the choices on the newest answer of the branch; empty if nothing is wrong with it.
pub fn offered_choices(state: &State) -> Vec<CardChoice> {
    let Some(conversation) = state.current_conversation() else { return Vec::new() };
    let Some(answer) = conversation.branch.last().and_then(|id| conversation.messages.get(id)) else {
        return Vec::new();
    };
    let turn = conversation.turn_of(answer.id);
    answer.as_answer().map(|answer| card_choices(answer, turn)).unwrap_or_default()
}

/// Takes the first choice; returns `false` if there is none.
pub(crate) fn take_first_choice(state: &mut State, now: Timestamp, fx: &mut Vec<Effect>) -> bool {
    match offered_choices(state).first() {
        Some(first) if first.is_taken_by_enter() => take_choice(state, now, *first, fx),
        Some(_) | None => false,
    }
}

/// Takes the choice of a letter; returns `false` if the card does not have it.
pub(crate) fn take_choice_by_key(state: &mut State, now: Timestamp, key: char, fx: &mut Vec<Effect>) -> bool {
    match offered_choices(state).into_iter().find(|choice| choice.key() == key) {
        Some(choice) => take_choice(state, now, choice, fx),
        None => false,
    }
}

/// Retries the answer that was refused because of the previous API key.
pub(crate) fn retry_with_new_key(state: &mut State, now: Timestamp, fx: &mut Vec<Effect>) {
    if offered_choices(state).first() != Some(&CardChoice::EnterKey) {
        return;
    }
    let refused =
        state.current_conversation().and_then(|conversation| Some((conversation.id, *conversation.branch.last()?)));
    if let Some((id, answer)) = refused {
        crate::ui::models::model_settings::update_request_context(state, id);
        change_conversation(state, id, fx, |chat, ids| chat.answer_again(answer, None, ids, now));
    }
}

fn take_choice(state: &mut State, now: Timestamp, choice: CardChoice, fx: &mut Vec<Effect>) -> bool {
    let card = state.screen.transcript().and_then(Transcript::live_card);
    let current = state.current_conversation().and_then(PendingApproval::first_in);
    let is_settled = card.is_some_and(|card| now.duration_since(card.since) >= CARD_DELAY && card.approval == current);
    if !is_settled {
        return true; // The card has just appeared or changed: the key was meant for something else.
    }
    let Some((id, answer, turn)) = state.current_conversation().and_then(|conversation| {
        let answer = *conversation.branch.last()?;
        Some((conversation.id, answer, conversation.turn_of(answer).map(|turn| turn.id)))
    }) else {
        return false;
    };
    crate::ui::models::model_settings::update_request_context(state, id);
    state.screen.focus = crate::ui::screen::PaneFocus::Composer;
    match (choice, turn) {
        (CardChoice::RetryNow, Some(turn)) => change_conversation(state, id, fx, |chat, _| chat.skip_wait(turn, now)),
        (CardChoice::GiveUp, Some(turn)) => change_conversation(state, id, fx, |chat, _| chat.stop(turn, now)),
        (CardChoice::RetrySave, Some(turn)) => change_conversation(state, id, fx, |chat, _| chat.retry_save(turn, now)),
        (CardChoice::SendUnsaved, Some(turn)) => {
            change_conversation(state, id, fx, |chat, _| chat.send_unsaved(turn, now))
        }
        (CardChoice::RetryNow | CardChoice::GiveUp | CardChoice::RetrySave | CardChoice::SendUnsaved, None) => (),
        (CardChoice::Resume, Some(turn)) => {
            change_conversation(state, id, fx, |chat, ids| chat.resume_turn(turn, now, ids))
        }
        (CardChoice::StopTurn, Some(turn)) => change_conversation(state, id, fx, |chat, _| chat.stop(turn, now)),
        (CardChoice::Resume | CardChoice::StopTurn, None) => (),
        (CardChoice::DecideCall(approval), _) => {
            crate::ui::tools::tool_registry::take_approval(state, now, approval, fx)
        }
        (CardChoice::Retry, _) => {
            change_conversation(state, id, fx, |chat, ids| chat.answer_again(answer, None, ids, now))
        }
        (CardChoice::RetryWithTokens(tokens), _) => {
            change_conversation(state, id, fx, |chat, ids| chat.answer_again_within(answer, tokens, ids, now));
        }
        (CardChoice::Relax(wish), _) => {
            change_conversation(state, id, fx, |chat, ids| chat.answer_again_without(answer, wish, ids, now));
        }
        (CardChoice::LeaveOutOldest, _) => {
            change_conversation(state, id, fx, |chat, ids| chat.leave_out_oldest(answer, ids, now));
            if state.current_conversation().is_some_and(|chat| chat.branch.last() == Some(&answer)) {
                state.screen.show_message(now, "there is nothing older to leave out");
            }
        }
        (CardChoice::Continue, _) => {
            change_conversation(state, id, fx, |chat, ids| chat.continue_answer(answer, ids, now))
        }
        (CardChoice::ChooseModel, _) => overlays::open_models_for_again(state, now, answer, fx),
        (CardChoice::EnterKey, _) => overlays::open_key_entry(state),
        (CardChoice::OpenCredits, _) => fx.push(Effect::OpenPage("https://openrouter.ai/credits".into())),
        (CardChoice::ChooseEffort, _) => overlays::open_efforts(state, now),
        (CardChoice::OpenSettings, _) => overlays::open_parameters(state),
    }
    true
}
