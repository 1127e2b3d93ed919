//! Other ways that a conversation may go: a prompt said differently, an answer given again, and from one to the other.

use super::{
    Effect, State, models,
    on_action::change,
    on_store::carry_out,
    panes,
    screen::{Editing, Focus},
};
use crate::{
    chat::{Body, ConversationId, MessageId, Timestamp},
    widgets::transcript::Transcript,
};

/// Puts the prompt under the cursor into the composer; sending it makes a branch.
pub(super) fn edit_current_prompt(state: &mut State, now: Timestamp, fx: &mut Vec<Effect>) {
    let Some(conversation) = state.current() else { return };
    let pointed = state.screen.transcript().and_then(Transcript::current);
    let at = pointed.and_then(|id| conversation.branch.iter().position(|other| *other == id));
    let upto = at.map_or(conversation.branch.len(), |at| at + 1);
    let is_prompt = |id: &&MessageId| matches!(conversation.messages.get(*id).map(|m| &m.body), Some(Body::Prompt(_)));
    if let Some(id) = conversation.branch[..upto].iter().rev().find(is_prompt).copied() {
        edit_prompt(state, now, id, fx);
    }
}

pub(super) fn edit_prompt(state: &mut State, now: Timestamp, id: MessageId, fx: &mut Vec<Effect>) {
    let Some(conversation) = state.current() else { return };
    let Some(Body::Prompt(prompt)) = conversation.messages.get(&id).map(|message| &message.body) else { return };
    let text = prompt.text.clone();
    panes::keep_draft_now(state, now, fx);
    let draft = state.screen.pane.composer.take();
    panes::remember(state, draft);
    state.screen.pane.composer.set_text(&text);
    state.screen.pane.editing = Some(Editing::Prompt(id));
    state.screen.focus = Focus::Composer;
    state.screen.say(now, "editing an earlier prompt: Enter sends it as a branch, Esc leaves it");
}

/// Asks with which model the current answer is given again.
pub(super) fn ask_again(
    state: &mut State,
    now: Timestamp,
    ask: fn(&mut State, Timestamp, MessageId, &mut Vec<Effect>),
    fx: &mut Vec<Effect>,
) {
    match state.current_answer() {
        Some(answer) => ask(state, now, answer, fx),
        None => state.screen.say(now, "there is no answer yet"),
    }
}

pub(super) fn answer_again(state: &mut State, now: Timestamp, answer: MessageId, model: String, fx: &mut Vec<Effect>) {
    let Some(id) = state.screen.pane.shows.conversation() else { return };
    models::keep_context(state, id);
    change(state, id, fx, |conversation, ids| conversation.answer_again(answer, Some(model), ids, now));
}

/// Sends again what was left out of a conversation that was too long.
pub(super) fn put_back(state: &mut State, now: Timestamp, fx: &mut Vec<Effect>) {
    let put_back = |id: ConversationId, state: &mut State| Some((id, state.open.get_mut(&id)?.put_back()?));
    match state.screen.pane.shows.conversation().and_then(|id| put_back(id, state)) {
        Some((id, next)) => {
            carry_out(state, id, next, fx);
            state.screen.say(now, "all turns are sent again");
        }
        None => state.screen.say(now, "no turns are left out of this conversation"),
    }
}

pub(super) fn go_to_sibling(state: &mut State, by: isize, fx: &mut Vec<Effect>) {
    let Some(id) = state.screen.pane.shows.conversation() else { return };
    let Some(conversation) = state.open.get(&id) else { return };
    let pointed = state.screen.transcript().and_then(Transcript::current);
    let has_siblings = |id: &&MessageId| conversation.siblings(**id).1 > 1;
    let message =
        pointed.filter(|id| has_siblings(&id)).or_else(|| conversation.branch.iter().rev().find(has_siblings).copied());
    if let Some(message) = message {
        change(state, id, fx, |conversation, _| conversation.go_to_sibling(message, by));
    }
}
