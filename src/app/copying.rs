//! What is copied: the selection, or what the cursor stands on.

use super::{Effect, State, citing, on_action::cursor, overlays, results};
use crate::{
    chat::{Answer, Body, Kind, MessageId, Slot, Timestamp},
    widgets::transcript::{Cursor, Target, folded_text},
};

/// Copies the selection and ends it; `false` when there is none.
pub(super) fn copy_selection(state: &mut State, now: Timestamp, fx: &mut Vec<Effect>) -> bool {
    let Some(text) = selected(state, now) else { return false };
    state.screen.say(now, copied(&text));
    fx.push(Effect::Copy(text));
    if let Some(transcript) = state.screen.transcript_mut() {
        transcript.unselect();
    }
    true
}

/// The text that is selected.
pub(super) fn selected(state: &mut State, now: Timestamp) -> Option<String> {
    let id = state.screen.pane.shows.conversation()?;
    state.screen.pane.transcripts.get_mut(&id)?.selected(state.open.get(&id)?, now)
}

/// What was copied, in words.
pub(super) fn copied(text: &str) -> String {
    match text.lines().count() {
        0 | 1 => format!("copied {}", counted(text.chars().count(), "letter")),
        lines => format!("copied {}", counted(lines, "line")),
    }
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

fn prompt_text(state: &State, message: MessageId) -> Option<String> {
    match &state.current()?.messages.get(&message)?.body {
        Body::Prompt(prompt) => Some(prompt.text.clone()),
        Body::Answer(_) => None,
    }
}

/// Copies what was thought in the items from that one up to the next text.
fn copy_reasoning(state: &mut State, now: Timestamp, message: MessageId, slot: Slot, fx: &mut Vec<Effect>) {
    let answer = state.current().and_then(|conversation| conversation.messages.get(&message)?.answer());
    let items = answer.into_iter().flat_map(|answer| answer.items.range(slot..));
    let run = items.map_while(|(_, item)| match &*item.kind {
        Kind::Message { .. } => None,
        Kind::Reasoning(reasoning) => Some(reasoning.texts().collect::<Vec<_>>().join("\n\n")),
        Kind::Search(_) | Kind::Call(_) | Kind::Other { .. } => Some(String::new()),
    });
    let text = run.filter(|text| !text.trim().is_empty()).collect::<Vec<_>>().join("\n\n");
    if text.is_empty() {
        state.screen.say(now, "there is no reasoning to copy");
    } else {
        state.screen.say(now, "copied the reasoning");
        fx.push(Effect::Copy(text));
    }
}

/// Copies what is selected, else what the cursor stands on.
pub(super) fn copy_here(state: &mut State, now: Timestamp, fx: &mut Vec<Effect>) {
    if copy_selection(state, now, fx) {
        return;
    }
    if citing::is_open(state) {
        citing::copy(state, now, fx);
        return;
    }
    match cursor(state) {
        Some(Cursor { message, target: Target::Code(block) }) => {
            overlays::copy_code_block(state, now, message, block, fx);
        }
        Some(Cursor { message, target: Target::Reasoning(slot) }) => copy_reasoning(state, now, message, slot, fx),
        Some(Cursor { message, target: Target::Message }) => match prompt_text(state, message) {
            Some(text) => {
                state.screen.say(now, "copied the prompt");
                fx.push(Effect::Copy(text));
            }
            None => copy_answer(state, now, fx),
        },
        Some(Cursor { target: Target::Citation(_), .. }) => citing::copy(state, now, fx),
        Some(Cursor { message, target: Target::Call(slot) }) => results::copy(state, now, message, slot, fx),
        Some(Cursor { message, target: Target::Item(slot) }) => {
            let of = |state: &State| folded_text(state.current()?.messages.get(&message)?, slot);
            if let Some(text) = of(state) {
                state.screen.say(now, copied(&text));
                fx.push(Effect::Copy(text));
            }
        }
        None => copy_answer(state, now, fx),
    }
}

pub(super) fn copy_answer(state: &mut State, now: Timestamp, fx: &mut Vec<Effect>) {
    let Some(conversation) = state.current() else { return };
    let text = state
        .current_answer()
        .and_then(|id| conversation.messages.get(&id)?.answer().map(Answer::text))
        .filter(|text| !text.is_empty());
    match text {
        Some(text) => {
            fx.push(Effect::Copy(text));
            state.screen.say(now, "copied the answer as Markdown");
        }
        None => state.screen.say(now, "there is no answer to copy yet"),
    }
}
