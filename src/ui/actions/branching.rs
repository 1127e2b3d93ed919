//! Branches of a conversation: editing a prompt, answering again, and moving between versions.

use super::switching;
use crate::ui::{
    actions::model_settings,
    dispatch::change_conversation,
    on_store::carry_out,
    screen::{EditTarget, PaneFocus},
};
use crate::ui::{cx::Cx, screen::Screen};
use crate::{
    chat::{Conversation, ConversationId, MessageBody, MessageId},
    ui::transcript::{CursorTarget, Transcript, TranscriptCursor},
};

/// Asks whether to edit the prompt under the cursor, or that of the answer there.
pub(crate) fn ask_to_edit(screen: &mut Screen, cx: &mut Cx<'_>, ask: fn(&mut Screen, &mut Cx<'_>, MessageId)) {
    let Some(conversation) = cx.chats.current_conversation() else { return };
    let current = screen.transcript(cx.chats).and_then(Transcript::current_message);
    let position = current.and_then(|id| conversation.branch.iter().position(|other| *other == id));
    let end = position.map_or(conversation.branch.len(), |at| at + 1);
    let is_prompt =
        |id: &&MessageId| matches!(conversation.messages.get(*id).map(|m| &m.body), Some(MessageBody::Prompt(_)));
    if let Some(id) = conversation.branch[..end].iter().rev().find(is_prompt).copied() {
        ask(screen, cx, id);
    }
}

/// Puts a prompt into the composer; sending it creates a branch.
pub(crate) fn edit_prompt(screen: &mut Screen, cx: &mut Cx<'_>, id: MessageId) {
    let Some(conversation) = cx.chats.current_conversation() else { return };
    let Some(MessageBody::Prompt(prompt)) = conversation.messages.get(&id).map(|message| &message.body) else { return };
    let text = prompt.text.clone();
    switching::save_draft_now(&mut screen.pane, cx);
    let draft = screen.pane.composer.take();
    switching::remember_prompt(cx.chats, draft);
    screen.pane.composer.set_text(&text);
    screen.pane.editing = Some(EditTarget::Prompt(id));
    screen.focus = PaneFocus::Composer;
}

/// Asks which model should answer again.
pub(crate) fn pick_model_for_again(
    screen: &mut Screen,
    cx: &mut Cx<'_>,
    open_picker: fn(&mut Screen, &mut Cx<'_>, MessageId),
) {
    match screen.current_answer(cx.chats) {
        Some(answer) => open_picker(screen, cx, answer),
        None => cx.show_message("there is no answer yet"),
    }
}

pub(crate) fn answer_again(cx: &mut Cx<'_>, answer: MessageId, model: String) {
    if cx.refuses_to_send() {
        return;
    }
    let now = cx.now;
    let Some(id) = cx.chats.content.conversation_id() else { return };
    model_settings::update_request_context(cx, id);
    change_conversation(cx, id, |conversation, ids| conversation.answer_again(answer, Some(model), ids, now));
}

/// Restores the turns that were left out of a conversation that was too long.
pub(crate) fn restore_left_out(cx: &mut Cx<'_>) {
    let put_back = |id: ConversationId| Some((id, cx.chats.conversations.get_mut(&id)?.restore_left_out()?));
    match cx.chats.content.conversation_id().and_then(put_back) {
        Some((id, next)) => {
            carry_out(cx, id, next);
            cx.show_message("all turns are sent from now on");
        }
        None => cx.show_message("no turns are left out of this conversation"),
    }
}

pub(crate) fn go_to_version(screen: &mut Screen, cx: &mut Cx<'_>, step: isize) {
    let Some(id) = cx.chats.content.conversation_id() else { return };
    let Some(conversation) = cx.chats.conversations.get(&id) else { return };
    let current = screen.transcript(cx.chats).and_then(Transcript::current_message);
    let Some(index) = current.and_then(|current| message_with_versions(conversation, current)) else {
        cx.show_message("this message has only one version");
        return;
    };
    let message = conversation.branch[index];
    change_conversation(cx, id, |conversation, _| conversation.go_to_sibling(message, step));
    let shown = cx.chats.conversations.get(&id).and_then(|conversation| conversation.branch.get(index).copied());
    if let Some(transcript) = screen.transcript_mut(cx.chats) {
        transcript.set_cursor(shown.map(|message| TranscriptCursor { message, target: CursorTarget::Message }));
    }
}

/// Returns the position of a message if it has versions, else of the other half of its exchange if that has some.
fn message_with_versions(conversation: &Conversation, current: MessageId) -> Option<usize> {
    let position = conversation.branch.iter().position(|id| *id == current)?;
    let is_answer = conversation.messages.get(&current).is_some_and(|message| message.as_answer().is_some());
    let partner = if is_answer { position.checked_sub(1) } else { Some(position + 1) };
    let has_versions =
        |index: &usize| conversation.branch.get(*index).is_some_and(|id| conversation.siblings(*id).1 > 1);
    [Some(position), partner].into_iter().flatten().find(has_versions)
}
