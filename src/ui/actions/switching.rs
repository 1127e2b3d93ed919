//! The conversation on the screen: creating, opening and switching; each keeps its draft.

use crate::ui::{
    chats::{Chats, PaneContent},
    cx::Cx,
    screen::{ConversationPane, Screen},
    toasts::ToastSubject,
};
use jiff::SignedDuration;

use super::kept_state;
use crate::ui::{
    Effect,
    on_store::{carry_out, save_changes},
    screen::{EditTarget, PaneFocus},
};
use crate::{
    chat::{AnswerEnd, Conversation, ConversationChange, ConversationId},
    store::StoreJob,
    ui::{reading::ScrollMove, transcript::Transcript},
};

/// How long after a key press the draft is saved.
const DRAFT_DELAY: SignedDuration = SignedDuration::from_millis(400);

/// Leaves the conversation on the screen and begins a new one.
pub(crate) fn begin_conversation(screen: &mut Screen, cx: &mut Cx<'_>) {
    leave_conversation(&mut screen.pane, cx);
    if let Some(conversation) = cx.chats.current_conversation() {
        cx.chats.new_settings = conversation.settings.for_new_conversation();
    }
    cx.chats.content = PaneContent::New;
    screen.pane.composer.set_text("");
    screen.focus = PaneFocus::Composer;
    screen.list.cursor = None;
}

/// Opens a conversation: immediately if it is in memory, else once it is loaded.
pub(crate) fn open_conversation(screen: &mut Screen, cx: &mut Cx<'_>, id: ConversationId) {
    if cx.chats.content.conversation_id() == Some(id) {
        screen.focus = PaneFocus::Composer;
        return;
    }
    if cx.chats.conversations.contains_key(&id) {
        show_conversation(screen, cx, id);
    } else {
        leave_conversation(&mut screen.pane, cx);
        cx.chats.content = PaneContent::Loading(Some(id));
        screen.pane.composer.set_text("");
        cx.effects.push(Effect::RunStoreJob(StoreJob::Load(id)));
    }
    screen.focus = PaneFocus::Composer;
}

/// Shows a conversation that is in memory.
pub(crate) fn show_conversation(screen: &mut Screen, cx: &mut Cx<'_>, id: ConversationId) {
    leave_conversation(&mut screen.pane, cx);
    let Some(conversation) = cx.chats.conversations.get_mut(&id) else { return };
    screen.pane.composer.set_text(&conversation.draft);
    if let Some((target, text)) = screen.pane.unfinished_edits.remove(&id) {
        if can_edit(conversation, target) {
            screen.pane.composer.set_text(&text);
            screen.pane.editing = Some(target);
        } else if !conversation.is_temporary() {
            push_prompt(&mut cx.chats.prompt_history, text);
        }
    }
    cx.chats.content = PaneContent::Conversation(id);
    kept_state::restore_place(&mut screen.pane, id, conversation.reading.as_deref());
    screen.list.cursor = Some(id);
    let next = conversation.mark_seen();
    carry_out(cx, id, next);
    kept_state::save_shown(cx);
    crate::ui::actions::model_settings::fetch_models(cx);
}

/// Schedules a save of the draft, because the composer's text has changed.
pub(crate) fn schedule_draft_save(pane: &mut ConversationPane, cx: &mut Cx<'_>) {
    pane.draft_due.get_or_insert(cx.now + DRAFT_DELAY);
    pane.send_when_loaded = false;
}

/// Saves the draft if it is due.
pub(crate) fn save_due_draft(pane: &mut ConversationPane, cx: &mut Cx<'_>) {
    let now = cx.now;
    if pane.draft_due.is_some_and(|due| due <= now) {
        save_draft(pane, cx);
    }
}

/// Saves the draft if it has changed.
pub(crate) fn save_draft(pane: &mut ConversationPane, cx: &mut Cx<'_>) {
    if pane.draft_due.take().is_none() {
        return;
    }
    let text = pane.composer.text();
    match cx.chats.content {
        PaneContent::Conversation(id) => {
            if let Some(conversation) = cx.chats.conversations.get_mut(&id) {
                if pane.editing.is_some() {
                    let next = conversation.save_edit(&text);
                    carry_out(cx, id, next);
                    return;
                }
                if conversation.is_new() {
                    save_changes(cx, vec![ConversationChange::NewDraft(text)]);
                    return;
                }
                let next = conversation.set_draft(text);
                carry_out(cx, id, next);
            }
        }
        PaneContent::New => save_changes(cx, vec![ConversationChange::NewDraft(text)]),
        PaneContent::Loading(_) => (),
    }
}

/// Saves the draft before the composer is used for another text.
pub(crate) fn save_draft_now(pane: &mut ConversationPane, cx: &mut Cx<'_>) {
    schedule_draft_save(pane, cx);
    save_draft(pane, cx);
}

/// Saves the draft and resets the composer's state before the pane shows another conversation.
fn leave_conversation(pane: &mut ConversationPane, cx: &mut Cx<'_>) {
    save_draft(pane, cx);
    kept_state::save_place(pane, cx);
    cx.chats.saves.temporary.is_next = false;
    if let (Some(target), Some(id)) = (pane.editing.take(), cx.chats.content.conversation_id()) {
        pane.unfinished_edits.insert(id, (target, pane.composer.text()));
    }
    pane.send_when_loaded = false;
}

/// Whether what was being edited is still there.
fn can_edit(conversation: &Conversation, target: EditTarget) -> bool {
    match target {
        EditTarget::Prompt(prompt) => conversation.messages.contains_key(&prompt),
        EditTarget::Arguments(call) | EditTarget::Reason(call) => {
            conversation.asking_call().is_some_and(|(asking, _)| asking == call)
        }
    }
}

/// Ends an edit: the draft that it replaced returns to the composer, and to the disk.
pub(crate) fn end_edit(pane: &mut ConversationPane, cx: &mut Cx<'_>) {
    pane.editing = None;
    pane.draft_due = None;
    let Some(id) = cx.chats.content.conversation_id() else { return };
    let Some(conversation) = cx.chats.conversations.get_mut(&id) else { return };
    pane.composer.set_text(&conversation.draft);
    let next = conversation.save_draft();
    carry_out(cx, id, next);
}

/// Puts a text at the front of the prompt history, unless what is on the screen is temporary.
pub(crate) fn remember_prompt(chats: &mut Chats, text: String) {
    if !chats.is_temporary() {
        push_prompt(&mut chats.prompt_history, text);
    }
}

pub(crate) fn push_prompt(history: &mut Vec<String>, text: String) {
    if !text.trim().is_empty() {
        history.retain(|prompt| *prompt != text);
        history.insert(0, text);
    }
}

/// Sends the text of the composer.
pub(crate) fn send_draft(screen: &mut Screen, cx: &mut Cx<'_>) {
    if cx.refuses_to_send() {
        return;
    }
    let text = screen.pane.composer.take();
    screen.pane.draft_due = None;
    if let Some(edit_target @ (EditTarget::Arguments(_) | EditTarget::Reason(_))) = screen.pane.editing {
        end_edit(&mut screen.pane, cx);
        crate::ui::actions::tool_actions::take_call_text(screen, cx, edit_target, text);
        return;
    }
    remember_prompt(cx.chats, text.clone());
    if let Some(transcript) = screen.transcript_mut(cx.chats) {
        transcript.scroll(ScrollMove::Bottom);
    }
    match screen.pane.editing {
        Some(EditTarget::Prompt(prompt)) => {
            end_edit(&mut screen.pane, cx);
            let Some(id) = cx.chats.content.conversation_id() else { return };
            let Some(conversation) = cx.chats.conversations.get_mut(&id) else { return };
            let next = conversation.edit_prompt(prompt, text, &mut cx.chats.ids, cx.now);
            carry_out(cx, id, next);
        }
        Some(EditTarget::Arguments(_) | EditTarget::Reason(_)) | None => submit_prompt(screen, cx, text),
    }
}

/// Sends a prompt to the conversation on the screen, and creates one if there is none.
pub(crate) fn submit_prompt(screen: &mut Screen, cx: &mut Cx<'_>, text: String) {
    if matches!(cx.chats.content, PaneContent::Loading(_)) {
        screen.pane.composer.set_text(&text);
        screen.pane.send_when_loaded = true;
        return;
    }
    if cx.refuses_to_send() {
        screen.pane.composer.set_text(&text);
        return;
    }
    if cx.chats.settings().model.is_empty() {
        screen.pane.composer.set_text(&text);
        cx.warn_while(ToastSubject::NoModel, "choose a model first");
        crate::ui::overlays::open_models(screen, cx);
        return;
    }
    if let Some(id) = written_elsewhere(cx.chats) {
        screen.pane.composer.set_text(&text);
        cx.warn("not sent: another running ibid is writing this answer; wait for its end");
        // If it has crashed, this ends the answer.
        cx.effects.push(Effect::RunStoreJob(StoreJob::Refresh(id)));
        return;
    }
    crate::ui::actions::tool_actions::start_servers(cx);
    let id = match cx.chats.content {
        PaneContent::Conversation(id) => {
            if cx.chats.conversations.get(&id).is_some_and(Conversation::is_new) {
                save_changes(cx, vec![ConversationChange::NewDraft(String::new())]);
            }
            id
        }
        PaneContent::New | PaneContent::Loading(_) => {
            let id = cx.chats.ids.conversation(cx.now);
            let mut conversation = Conversation::new(id, cx.chats.new_settings.clone(), cx.now);
            cx.chats.make_temporary_if_wanted(&mut conversation);
            cx.chats.conversations.insert(id, conversation);
            cx.chats.content = PaneContent::Conversation(id);
            screen.pane.transcripts.insert(id, Transcript::default());
            screen.list.cursor = Some(id);
            if !cx.chats.is_temporary() {
                save_changes(cx, vec![ConversationChange::NewDraft(String::new())]);
            }
            id
        }
    };
    crate::ui::actions::model_settings::update_request_context(cx, id);
    let Some(conversation) = cx.chats.conversations.get_mut(&id) else { return };
    conversation.draft.clear();
    let next = conversation.submit(&mut cx.chats.ids, cx.now, text);
    carry_out(cx, id, next);
}

/// Returns the conversation on the screen if another instance is writing the answer at its end.
fn written_elsewhere(chats: &Chats) -> Option<ConversationId> {
    let conversation = chats.current_conversation()?;
    let last = *conversation.branch.last()?;
    let answer = conversation.messages.get(&last)?.as_answer()?;
    (answer.end == AnswerEnd::Open && conversation.turn_of(last).is_none()).then_some(conversation.id)
}
