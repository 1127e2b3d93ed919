//! The error card whose keys work: only the newest of the branch.

use crate::{
    chat::choices::{ApprovalChoice, CardChoice, EmptyEnter, card_choices},
    ui::{
        Action,
        chats::Chats,
        keymap::{KeyContext, Keymap},
        transcript::card_rows::{CardHints, ChoiceHint},
    },
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
pub(crate) fn card_hints(choices: &[CardChoice], enter: EmptyEnter, keymap: &Keymap, is_focused: bool) -> CardHints {
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
        scroll_keys: keymap.keys_of(Action::PageUp).unwrap_or_default(),
        is_focused: is_focused && !choices.is_empty(),
    }
}
