//! Copying the selection, or what is under the cursor.

use crate::ui::{Effect, State, dispatch::cursor, overlays, results::call_results, sources::citation_actions};
use crate::{
    chat::{Answer, ItemKind, ItemSlot, MessageBody, MessageId, Timestamp},
    ui::transcript::{CursorTarget, TranscriptCursor, folded_text},
};

/// Copies the selection and ends it; returns `false` if there is none.
pub(crate) fn copy_selection(state: &mut State, now: Timestamp, fx: &mut Vec<Effect>) -> bool {
    let Some(text) = selected_text(state, now) else { return false };
    state.screen.show_message(now, copied_message(&text));
    fx.push(Effect::CopyToClipboard(text));
    if let Some(transcript) = state.screen.transcript_mut() {
        transcript.clear_selection();
    }
    true
}

/// Returns the selected text.
pub(crate) fn selected_text(state: &mut State, now: Timestamp) -> Option<String> {
    let id = state.screen.pane.content.conversation_id()?;
    state.screen.pane.transcripts.get_mut(&id)?.selected_text(state.conversations.get(&id)?, now)
}

/// Returns a message that says how much was copied.
pub(crate) fn copied_message(text: &str) -> String {
    match text.lines().count() {
        0 | 1 => format!("copied {}", count_with_noun(text.chars().count(), "character")),
        lines => format!("copied {}", count_with_noun(lines, "line")),
    }
}

fn count_with_noun(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

fn prompt_text(state: &State, message: MessageId) -> Option<String> {
    match &state.current_conversation()?.messages.get(&message)?.body {
        MessageBody::Prompt(prompt) => Some(prompt.text.clone()),
        MessageBody::Answer(_) => None,
    }
}

/// Copies the reasoning from this item up to the next text.
fn copy_reasoning(state: &mut State, now: Timestamp, message: MessageId, slot: ItemSlot, fx: &mut Vec<Effect>) {
    let answer = state.current_conversation().and_then(|conversation| conversation.messages.get(&message)?.as_answer());
    let items = answer.into_iter().flat_map(|answer| answer.items.range(slot..));
    let texts = items.map_while(|(_, item)| match &*item.kind {
        ItemKind::Message { .. } => None,
        ItemKind::Reasoning(reasoning) => Some(reasoning.texts().collect::<Vec<_>>().join("\n\n")),
        ItemKind::Search(_) | ItemKind::Call(_) | ItemKind::Other { .. } => Some(String::new()),
    });
    let text = texts.filter(|text| !text.trim().is_empty()).collect::<Vec<_>>().join("\n\n");
    if text.is_empty() {
        state.screen.show_message(now, "there is no reasoning to copy");
    } else {
        state.screen.show_message(now, "copied the reasoning");
        fx.push(Effect::CopyToClipboard(text));
    }
}

/// Copies the selection, else what is under the cursor.
pub(crate) fn copy_under_cursor(state: &mut State, now: Timestamp, fx: &mut Vec<Effect>) {
    if copy_selection(state, now, fx) {
        return;
    }
    if citation_actions::is_source_card_active(state) {
        citation_actions::copy_footnote(state, now, fx);
        return;
    }
    match cursor(state) {
        Some(TranscriptCursor { message, target: CursorTarget::Code(block) }) => {
            overlays::copy_code_block(state, now, message, block, fx);
        }
        Some(TranscriptCursor { message, target: CursorTarget::Reasoning(slot) }) => {
            copy_reasoning(state, now, message, slot, fx)
        }
        Some(TranscriptCursor { message, target: CursorTarget::Message }) => match prompt_text(state, message) {
            Some(text) => {
                state.screen.show_message(now, "copied the prompt");
                fx.push(Effect::CopyToClipboard(text));
            }
            None => copy_answer(state, now, fx),
        },
        Some(TranscriptCursor { target: CursorTarget::Citation(_), .. }) => {
            citation_actions::copy_footnote(state, now, fx)
        }
        Some(TranscriptCursor { message, target: CursorTarget::Call(slot) }) => {
            call_results::copy_call(state, now, message, slot, fx)
        }
        Some(TranscriptCursor { message, target: CursorTarget::OtherItem(slot) }) => {
            let item_text = |state: &State| folded_text(state.current_conversation()?.messages.get(&message)?, slot);
            if let Some(text) = item_text(state) {
                state.screen.show_message(now, copied_message(&text));
                fx.push(Effect::CopyToClipboard(text));
            }
        }
        None => copy_answer(state, now, fx),
    }
}

pub(crate) fn copy_answer(state: &mut State, now: Timestamp, fx: &mut Vec<Effect>) {
    let Some(conversation) = state.current_conversation() else { return };
    let text = state
        .current_answer()
        .and_then(|id| conversation.messages.get(&id)?.as_answer().map(Answer::text))
        .filter(|text| !text.is_empty());
    match text {
        Some(text) => {
            fx.push(Effect::CopyToClipboard(text));
            state.screen.show_message(now, "copied the answer as Markdown");
        }
        None => state.screen.show_message(now, "there is no answer to copy yet"),
    }
}
