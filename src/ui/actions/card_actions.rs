//! Taking the choices of the card below an answer.

use super::{model_settings, tool_actions};
use crate::{
    chat::choices::{CardChoice, EmptyEnter, on_empty_enter},
    ui::{
        Action, Effect,
        chats::Chats,
        cx::Cx,
        dispatch::change_conversation,
        overlays,
        screen::{CARD_DELAY, PaneFocus, Screen},
        toasts::ToastSubject,
        transcript::{
            ChoiceHint, PendingApproval, Transcript,
            error_card::{card_hints, choice_action, offered_choices},
        },
    },
};

/// Takes the choice that `Enter` takes in an empty composer; returns `false` if there is none.
pub(crate) fn take_first_choice(screen: &mut Screen, cx: &mut Cx<'_>) -> bool {
    match empty_enter(screen, cx.chats) {
        EmptyEnter::Take(choice) => take_choice(screen, cx, choice),
        EmptyEnter::SendQueued | EmptyEnter::Nothing => false,
    }
}

fn empty_enter(screen: &Screen, chats: &Chats) -> EmptyEnter {
    match chats.current_conversation().filter(|_| !screen.is_composing()) {
        Some(conversation) => on_empty_enter(conversation),
        None => EmptyEnter::Nothing,
    }
}

/// Says which keys decide on a card that Enter does not decide on.
pub(crate) fn explain_keys(cx: &mut Cx<'_>) {
    let choices = offered_choices(cx.chats);
    let hints = card_hints(&choices, EmptyEnter::Nothing, &cx.env.keymap, true);
    let mut keys: Vec<String> = Vec::new();
    for hint in hints.choices {
        // `N` is a variant of `n`.
        if !hint.keys.is_empty() && !keys.contains(&hint.keys.to_lowercase()) {
            keys.push(hint.keys);
        }
    }
    if let Some((last, others)) = keys.split_last() {
        let others = others.join(", ");
        let words = if others.is_empty() { format!("press {last}") } else { format!("press {others} or {last}") };
        cx.show_while(ToastSubject::CardKeys, words);
    }
}

/// Takes the choice whose key was clicked. Keys that need the focus cannot be clicked without it.
pub(crate) fn click_choice(screen: &mut Screen, cx: &mut Cx<'_>, keys: &str, is_focused: bool) {
    let choices = offered_choices(cx.chats);
    let enter = empty_enter(screen, cx.chats);
    screen.focus = PaneFocus::Card;
    let hints = card_hints(&choices, enter, &cx.env.keymap, is_focused);
    let enter = cx.env.theme.marks.enter;
    let is_clicked = |hint: &ChoiceHint| hint.keys == keys || hint.keys == "Enter" && keys == enter;
    let clicked = hints.choices.iter().position(|hint| is_clicked(hint) && (is_focused || !hint.needs_focus));
    if let Some(choice) = clicked.and_then(|nth| choices.get(nth)) {
        take_choice(screen, cx, *choice);
    }
}

/// Takes the choice of an action, if the card offers it.
pub(crate) fn take_choice_by_action(screen: &mut Screen, cx: &mut Cx<'_>, action: Action) {
    if let Some(choice) = offered_choices(cx.chats).into_iter().find(|choice| choice_action(*choice) == action) {
        take_choice(screen, cx, choice);
    }
}

/// Retries the answer that was refused because of the previous API key.
pub(crate) fn retry_with_new_key(cx: &mut Cx<'_>) {
    let now = cx.now;
    if offered_choices(cx.chats).first() != Some(&CardChoice::EnterKey) || cx.refuses_to_send() {
        return;
    }
    let refused =
        cx.chats.current_conversation().and_then(|conversation| Some((conversation.id, *conversation.branch.last()?)));
    if let Some((id, answer)) = refused {
        model_settings::update_request_context(cx, id);
        change_conversation(cx, id, |chat, ids| chat.answer_again(answer, None, ids, now));
    }
}

fn take_choice(screen: &mut Screen, cx: &mut Cx<'_>, choice: CardChoice) -> bool {
    if cx.refuses_to_send() {
        return true;
    }
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
    model_settings::update_request_context(cx, id);
    screen.focus = PaneFocus::Composer;
    match (choice, turn) {
        (CardChoice::RetryNow, Some(turn)) => change_conversation(cx, id, |chat, _| chat.skip_wait(turn, now)),
        (CardChoice::GiveUp, Some(turn)) => change_conversation(cx, id, |chat, _| chat.stop(turn, now)),
        (CardChoice::RetrySave, Some(turn)) => change_conversation(cx, id, |chat, _| chat.retry_save(turn, now)),
        (CardChoice::SendUnsaved, Some(turn)) => change_conversation(cx, id, |chat, _| chat.send_unsaved(turn, now)),
        (CardChoice::RetryNow | CardChoice::GiveUp | CardChoice::RetrySave | CardChoice::SendUnsaved, None) => (),
        (CardChoice::Resume, Some(turn)) => change_conversation(cx, id, |chat, ids| chat.resume_turn(turn, now, ids)),
        (CardChoice::StopTurn, Some(turn)) => change_conversation(cx, id, |chat, _| chat.stop(turn, now)),
        (CardChoice::Resume | CardChoice::StopTurn, None) => (),
        (CardChoice::DecideCall(approval), _) => tool_actions::take_approval(screen, cx, approval),
        (CardChoice::Retry | CardChoice::AnswerAgain, _) => {
            change_conversation(cx, id, |chat, ids| chat.answer_again(answer, None, ids, now));
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
                cx.show_message("there are no older turns to leave out");
            }
        }
        (CardChoice::Continue, _) => change_conversation(cx, id, |chat, ids| chat.continue_answer(answer, ids, now)),
        (CardChoice::ChooseModel, _) => overlays::open_models_for_again(screen, cx, answer),
        (CardChoice::EnterKey, _) => overlays::connecting::open_key_entry(screen, cx),
        (CardChoice::OpenCredits, _) => cx.effects.push(Effect::OpenPage("https://openrouter.ai/credits".into())),
        (CardChoice::ChooseEffort, _) => overlays::open_efforts(screen, cx),
        (CardChoice::OpenSettings, _) => overlays::open_parameters(screen, cx),
    }
    true
}
