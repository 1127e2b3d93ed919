//! Branches of a conversation: editing a prompt, answering again, and moving between versions.

use super::switching;
use crate::ui::{
    Effect, State,
    dispatch::change_conversation,
    models::model_settings,
    on_store::carry_out,
    screen::{EditTarget, PaneFocus},
};
use crate::{
    chat::{ConversationId, MessageBody, MessageId, Timestamp},
    ui::transcript::Transcript,
};

/// Puts the prompt under the cursor into the composer; sending it creates a branch.
pub(crate) fn edit_current_prompt(state: &mut State, now: Timestamp, fx: &mut Vec<Effect>) {
    let Some(conversation) = state.current_conversation() else { return };
    let current = state.screen.transcript().and_then(Transcript::current_message);
    let position = current.and_then(|id| conversation.branch.iter().position(|other| *other == id));
    let end = position.map_or(conversation.branch.len(), |at| at + 1);
    let is_prompt =
        |id: &&MessageId| matches!(conversation.messages.get(*id).map(|m| &m.body), Some(MessageBody::Prompt(_)));
    if let Some(id) = conversation.branch[..end].iter().rev().find(is_prompt).copied() {
        edit_prompt(state, now, id, fx);
    }
}

pub(crate) fn edit_prompt(state: &mut State, now: Timestamp, id: MessageId, fx: &mut Vec<Effect>) {
    let Some(conversation) = state.current_conversation() else { return };
    let Some(MessageBody::Prompt(prompt)) = conversation.messages.get(&id).map(|message| &message.body) else { return };
    let text = prompt.text.clone();
    switching::save_draft_now(state, now, fx);
    let draft = state.screen.pane.composer.take();
    switching::remember_prompt(state, draft);
    state.screen.pane.composer.set_text(&text);
    state.screen.pane.editing = Some(EditTarget::Prompt(id));
    state.screen.focus = PaneFocus::Composer;
    state.screen.show_message(now, "editing an earlier prompt: Enter sends it as a branch, Esc leaves it");
}

/// Asks which model should answer again.
pub(crate) fn pick_model_for_again(
    state: &mut State,
    now: Timestamp,
    open_picker: fn(&mut State, Timestamp, MessageId, &mut Vec<Effect>),
    fx: &mut Vec<Effect>,
) {
    match state.current_answer() {
        Some(answer) => open_picker(state, now, answer, fx),
        None => state.screen.show_message(now, "there is no answer yet"),
    }
}

pub(crate) fn answer_again(state: &mut State, now: Timestamp, answer: MessageId, model: String, fx: &mut Vec<Effect>) {
    let Some(id) = state.screen.pane.content.conversation_id() else { return };
    model_settings::update_request_context(state, id);
    change_conversation(state, id, fx, |conversation, ids| conversation.answer_again(answer, Some(model), ids, now));
}

/// Restores the turns that were left out of a conversation that was too long.
pub(crate) fn restore_left_out(state: &mut State, now: Timestamp, fx: &mut Vec<Effect>) {
    let put_back =
        |id: ConversationId, state: &mut State| Some((id, state.conversations.get_mut(&id)?.restore_left_out()?));
    match state.screen.pane.content.conversation_id().and_then(|id| put_back(id, state)) {
        Some((id, next)) => {
            carry_out(state, id, next, fx);
            state.screen.show_message(now, "all turns are sent again");
        }
        None => state.screen.show_message(now, "no turns are left out of this conversation"),
    }
}

pub(crate) fn go_to_version(state: &mut State, step: isize, fx: &mut Vec<Effect>) {
    let Some(id) = state.screen.pane.content.conversation_id() else { return };
    let Some(conversation) = state.conversations.get(&id) else { return };
    let current = state.screen.transcript().and_then(Transcript::current_message);
    let has_siblings = |id: &&MessageId| conversation.siblings(**id).1 > 1;
    let message =
        current.filter(|id| has_siblings(&id)).or_else(|| conversation.branch.iter().rev().find(has_siblings).copied());
    if let Some(message) = message {
        change_conversation(state, id, fx, |conversation, _| conversation.go_to_sibling(message, step));
    }
}
