//! The error card whose keys work: only the newest of the branch.

use crate::ui::{
    Action, Effect,
    dispatch::change_conversation,
    keymap::{KeyContext, Keymap},
    overlays,
    screen::CARD_DELAY,
};
use crate::ui::{chats::Chats, cx::Cx, screen::Screen};
use crate::{
    chat::choices::{ApprovalChoice, CardChoice, EmptyEnter, card_choices, on_empty_enter},
    ui::transcript::card_rows::{CardHints, ChoiceHint},
    ui::transcript::{PendingApproval, Transcript},
};

/// Returns the choices on the newest answer of the branch; empty if nothing is wrong with it.
pub fn offered_choices(chats: &Chats) -> Vec<CardChoice> {
    let Some(conversation) = chats.current_conversation() else { return Vec::new() };
    let Some(answer) = conversation.branch.last().and_then(|id| conversation.messages.get(id)) else {
        return Vec::new();
    };
    let turn = conversation.turn_of(answer.id);
    answer.as_answer().map(|answer| card_choices(answer, turn)).unwrap_or_default()
}

/// Takes the choice that `Enter` takes in an empty composer; returns `false` if there is none.
pub(crate) fn take_first_choice(screen: &mut Screen, cx: &mut Cx<'_>) -> bool {
    match cx.chats.current_conversation().map(on_empty_enter) {
        Some(EmptyEnter::Take(choice)) => take_choice(screen, cx, choice),
        Some(EmptyEnter::SendQueued | EmptyEnter::Nothing) | None => false,
    }
}

/// Takes the choice of an action, if the card offers it.
pub(crate) fn take_choice_by_action(screen: &mut Screen, cx: &mut Cx<'_>, action: Action) {
    if let Some(choice) = offered_choices(cx.chats).into_iter().find(|choice| choice_action(*choice) == action) {
        take_choice(screen, cx, choice);
    }
}

/// Returns whether an action can be run: the choices of a card only while the card offers them.
pub(crate) fn is_available(chats: &Chats, action: Action) -> bool {
    let is_on_card_only = |(context, _): &(KeyContext, &str)| {
        matches!(context, KeyContext::Card | KeyContext::Pause | KeyContext::Approval)
    };
    action == Action::Accept
        || action.entry().keys.is_empty()
        || !action.entry().keys.iter().all(is_on_card_only)
        || offered_choices(chats).into_iter().any(|choice| choice_action(choice) == action)
}

/// Returns the context of a card that offers these choices.
pub fn card_context(choices: &[CardChoice]) -> KeyContext {
    match choices.first() {
        Some(CardChoice::DecideCall(_)) => KeyContext::Approval,
        Some(CardChoice::Resume | CardChoice::StopTurn) => KeyContext::Pause,
        Some(_) => KeyContext::Card,
        None => KeyContext::Transcript,
    }
}

/// Returns the action that takes a choice.
pub fn choice_action(choice: CardChoice) -> Action {
    match choice {
        CardChoice::RetryNow => Action::CardRetryNow,
        CardChoice::GiveUp => Action::CardGiveUp,
        CardChoice::Retry | CardChoice::AnswerAgain => Action::CardRetry,
        CardChoice::RetryWithTokens(_) => Action::CardRetryTokens,
        CardChoice::ChooseModel => Action::CardModel,
        CardChoice::Relax(_) => Action::CardRelax,
        CardChoice::LeaveOutOldest => Action::CardLeaveOut,
        CardChoice::Continue => Action::CardContinue,
        CardChoice::EnterKey => Action::CardEnterKey,
        CardChoice::OpenCredits => Action::CardCredits,
        CardChoice::ChooseEffort => Action::CardEffort,
        CardChoice::OpenSettings => Action::CardSettings,
        CardChoice::RetrySave => Action::CardSave,
        CardChoice::SendUnsaved => Action::CardSendUnsaved,
        CardChoice::Resume => Action::ResumeTurn,
        CardChoice::StopTurn => Action::EndTurn,
        CardChoice::DecideCall(ApprovalChoice::Once) => Action::AllowOnce,
        CardChoice::DecideCall(ApprovalChoice::ForConversation) => Action::AllowHere,
        CardChoice::DecideCall(ApprovalChoice::Always) => Action::AllowAlways,
        CardChoice::DecideCall(ApprovalChoice::Edit) => Action::EditCall,
        CardChoice::DecideCall(ApprovalChoice::Deny) => Action::DenyCall,
        CardChoice::DecideCall(ApprovalChoice::DenyWithReason) => Action::DenyWithReason,
    }
}

/// Returns the hints for the choices: what `Enter` takes needs no focus, the others do.
pub(crate) fn card_hints(choices: &[CardChoice], enter: EmptyEnter, keymap: &Keymap) -> CardHints {
    let context = card_context(choices);
    let hint = |choice: &CardChoice| {
        let (keys, needs_focus) = match choice {
            choice if enter == EmptyEnter::Take(*choice) => (keymap.keys_of(Action::Send), false),
            CardChoice::GiveUp if choices.contains(&CardChoice::RetryNow) => (keymap.keys_of(Action::Back), false),
            _ => (keymap.keys_for(context, choice_action(*choice)), true),
        };
        ChoiceHint { keys: keys.unwrap_or_default(), label: choice.label(), needs_focus }
    };
    CardHints {
        choices: choices.iter().map(hint).collect(),
        focus_keys: keymap.keys_of(Action::FocusNext).unwrap_or_default(),
    }
}

/// Retries the answer that was refused because of the previous API key.
pub(crate) fn retry_with_new_key(cx: &mut Cx<'_>) {
    let now = cx.now;
    if offered_choices(cx.chats).first() != Some(&CardChoice::EnterKey) {
        return;
    }
    let refused =
        cx.chats.current_conversation().and_then(|conversation| Some((conversation.id, *conversation.branch.last()?)));
    if let Some((id, answer)) = refused {
        crate::ui::models::model_settings::update_request_context(cx, id);
        change_conversation(cx, id, |chat, ids| chat.answer_again(answer, None, ids, now));
    }
}

fn take_choice(screen: &mut Screen, cx: &mut Cx<'_>, choice: CardChoice) -> bool {
    let now = cx.now;
    let card = screen.transcript(cx.chats).and_then(Transcript::live_card);
    let current = cx.chats.current_conversation().and_then(PendingApproval::first_in);
    let is_settled = card.is_some_and(|card| now.duration_since(card.since) >= CARD_DELAY && card.approval == current);
    if !is_settled {
        return true; // The card has just appeared or changed: the key was meant for something else.
    }
    let Some((id, answer, turn)) = cx.chats.current_conversation().and_then(|conversation| {
        let answer = *conversation.branch.last()?;
        Some((conversation.id, answer, conversation.turn_of(answer).map(|turn| turn.id)))
    }) else {
        return false;
    };
    crate::ui::models::model_settings::update_request_context(cx, id);
    screen.focus = crate::ui::screen::PaneFocus::Composer;
    match (choice, turn) {
        (CardChoice::RetryNow, Some(turn)) => change_conversation(cx, id, |chat, _| chat.skip_wait(turn, now)),
        (CardChoice::GiveUp, Some(turn)) => change_conversation(cx, id, |chat, _| chat.stop(turn, now)),
        (CardChoice::RetrySave, Some(turn)) => change_conversation(cx, id, |chat, _| chat.retry_save(turn, now)),
        (CardChoice::SendUnsaved, Some(turn)) => change_conversation(cx, id, |chat, _| chat.send_unsaved(turn, now)),
        (CardChoice::RetryNow | CardChoice::GiveUp | CardChoice::RetrySave | CardChoice::SendUnsaved, None) => (),
        (CardChoice::Resume, Some(turn)) => change_conversation(cx, id, |chat, ids| chat.resume_turn(turn, now, ids)),
        (CardChoice::StopTurn, Some(turn)) => change_conversation(cx, id, |chat, _| chat.stop(turn, now)),
        (CardChoice::Resume | CardChoice::StopTurn, None) => (),
        (CardChoice::DecideCall(approval), _) => crate::ui::tools::tool_registry::take_approval(screen, cx, approval),
        (CardChoice::Retry | CardChoice::AnswerAgain, _) => {
            change_conversation(cx, id, |chat, ids| chat.answer_again(answer, None, ids, now))
        }
        (CardChoice::RetryWithTokens(tokens), _) => {
            change_conversation(cx, id, |chat, ids| chat.answer_again_within(answer, tokens, ids, now));
        }
        (CardChoice::Relax(wish), _) => {
            change_conversation(cx, id, |chat, ids| chat.answer_again_without(answer, wish, ids, now));
        }
        (CardChoice::LeaveOutOldest, _) => {
            change_conversation(cx, id, |chat, ids| chat.leave_out_oldest(answer, ids, now));
            if cx.chats.current_conversation().is_some_and(|chat| chat.branch.last() == Some(&answer)) {
                cx.show_message("there is nothing older to leave out");
            }
        }
        (CardChoice::Continue, _) => change_conversation(cx, id, |chat, ids| chat.continue_answer(answer, ids, now)),
        (CardChoice::ChooseModel, _) => overlays::open_models_for_again(screen, cx, answer),
        (CardChoice::EnterKey, _) => overlays::open_key_entry(screen),
        (CardChoice::OpenCredits, _) => cx.effects.push(Effect::OpenPage("https://openrouter.ai/credits".into())),
        (CardChoice::ChooseEffort, _) => overlays::open_efforts(screen, cx),
        (CardChoice::OpenSettings, _) => overlays::open_parameters(screen, cx),
    }
    true
}
