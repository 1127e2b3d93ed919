//! The conversation on the screen: creating, opening, switching and trashing; each keeps its draft.

use jiff::SignedDuration;

use crate::ui::{
    Action, Effect, State,
    on_store::{carry_out, save_changes},
    screen::{EditTarget, PaneContent, PaneFocus},
};
use crate::{
    chat::{Conversation, ConversationChange, ConversationId, Timestamp},
    store::StoreJob,
    ui::transcript::{ScrollMove, Transcript},
};

/// How long after a key press the draft is saved.
const DRAFT_DELAY: SignedDuration = SignedDuration::from_millis(400);

/// Leaves the conversation on the screen and begins a new one.
pub(crate) fn begin_conversation(state: &mut State, fx: &mut Vec<Effect>) {
    leave_conversation(state, fx);
    if let Some(conversation) = state.current_conversation() {
        state.new_settings = conversation.settings.for_new_conversation();
    }
    state.screen.pane.content = PaneContent::New;
    state.screen.pane.composer.set_text("");
    state.screen.focus = PaneFocus::Composer;
    state.screen.list.cursor = None;
}

/// Opens a conversation: immediately if it is in memory, else once it is loaded.
pub(crate) fn open_conversation(state: &mut State, now: Timestamp, id: ConversationId, fx: &mut Vec<Effect>) {
    if state.screen.pane.content.conversation_id() == Some(id) {
        state.screen.focus = PaneFocus::Composer;
        return;
    }
    if state.conversations.contains_key(&id) {
        show_conversation(state, now, id, fx);
    } else {
        leave_conversation(state, fx);
        state.screen.pane.content = PaneContent::Loading(Some(id));
        state.screen.pane.composer.set_text("");
        fx.push(Effect::RunStoreJob(StoreJob::Load(id)));
    }
    state.screen.focus = PaneFocus::Composer;
}

/// Shows a conversation that is in memory.
pub(crate) fn show_conversation(state: &mut State, now: Timestamp, id: ConversationId, fx: &mut Vec<Effect>) {
    leave_conversation(state, fx);
    let Some(conversation) = state.conversations.get_mut(&id) else { return };
    state.screen.pane.composer.set_text(&conversation.draft);
    state.screen.pane.content = PaneContent::Conversation(id);
    state.screen.pane.transcripts.entry(id).or_default();
    state.screen.list.cursor = Some(id);
    let next = conversation.mark_seen();
    carry_out(state, id, next, fx);
    crate::ui::models::model_settings::fetch_models(state, now, fx);
}

/// Schedules a save of the draft, because the composer's text has changed.
pub(crate) fn schedule_draft_save(state: &mut State, now: Timestamp) {
    state.screen.pane.draft_due.get_or_insert(now + DRAFT_DELAY);
    state.screen.pane.send_when_loaded = false;
}

/// Saves the draft if it is due.
pub(crate) fn save_due_draft(state: &mut State, now: Timestamp, fx: &mut Vec<Effect>) {
    if state.screen.pane.draft_due.is_some_and(|due| due <= now) {
        save_draft(state, fx);
    }
}

/// Saves the draft if it has changed.
pub(crate) fn save_draft(state: &mut State, fx: &mut Vec<Effect>) {
    if state.screen.pane.draft_due.take().is_none() || state.screen.pane.editing.is_some() {
        return;
    }
    let text = state.screen.pane.composer.text();
    match state.screen.pane.content {
        PaneContent::Conversation(id) => {
            if let Some(conversation) = state.conversations.get_mut(&id) {
                let next = conversation.set_draft(text);
                carry_out(state, id, next, fx);
            }
        }
        PaneContent::New => save_changes(state, vec![ConversationChange::NewDraft(text)], fx),
        PaneContent::Loading(_) => (),
    }
}

/// Saves the draft before the composer is used for another text.
pub(crate) fn save_draft_now(state: &mut State, now: Timestamp, fx: &mut Vec<Effect>) {
    schedule_draft_save(state, now);
    save_draft(state, fx);
}

/// Saves the draft and resets the composer's state before the pane shows another conversation.
fn leave_conversation(state: &mut State, fx: &mut Vec<Effect>) {
    save_draft(state, fx);
    state.screen.pane.editing = None;
    state.screen.pane.send_when_loaded = false;
}

/// Puts a text at the front of the prompt history.
pub(crate) fn remember_prompt(state: &mut State, text: String) {
    if !text.trim().is_empty() {
        state.prompt_history.retain(|prompt| *prompt != text);
        state.prompt_history.insert(0, text);
    }
}

/// Sends the text of the composer.
pub(crate) fn send_draft(state: &mut State, now: Timestamp, fx: &mut Vec<Effect>) {
    let text = state.screen.pane.composer.take();
    state.screen.pane.draft_due = None;
    if let Some(edit_target @ (EditTarget::Arguments(_) | EditTarget::Reason(_))) = state.screen.pane.editing {
        state.screen.pane.editing = None;
        crate::ui::tools::tool_registry::take_call_text(state, now, edit_target, text, fx);
        return;
    }
    remember_prompt(state, text.clone());
    if let Some(transcript) = state.screen.transcript_mut() {
        transcript.scroll(ScrollMove::Bottom);
    }
    match state.screen.pane.editing.take() {
        Some(EditTarget::Prompt(prompt)) => {
            let Some(id) = state.screen.pane.content.conversation_id() else { return };
            let Some(conversation) = state.conversations.get_mut(&id) else { return };
            let next = conversation.edit_prompt(prompt, text, &mut state.ids, now);
            carry_out(state, id, next, fx);
        }
        Some(EditTarget::Arguments(_) | EditTarget::Reason(_)) | None => submit_prompt(state, now, text, fx),
    }
}

/// Sends a prompt to the conversation on the screen, and creates one if there is none.
pub(crate) fn submit_prompt(state: &mut State, now: Timestamp, text: String, fx: &mut Vec<Effect>) {
    if matches!(state.screen.pane.content, PaneContent::Loading(_)) {
        state.screen.pane.composer.set_text(&text);
        state.screen.pane.send_when_loaded = true;
        return;
    }
    if state.settings().model.is_empty() {
        state.screen.pane.composer.set_text(&text);
        state.screen.warn(now, "choose a model first");
        crate::ui::overlays::open_models(state, now, fx);
        return;
    }
    crate::ui::tools::tool_registry::start_servers(state, now, fx);
    let id = match state.screen.pane.content {
        PaneContent::Conversation(id) => id,
        PaneContent::New | PaneContent::Loading(_) => {
            let id = state.ids.conversation(now);
            state.conversations.insert(id, Conversation::new(id, state.new_settings.clone(), now));
            state.screen.pane.content = PaneContent::Conversation(id);
            state.screen.pane.transcripts.insert(id, Transcript::default());
            state.screen.list.cursor = Some(id);
            save_changes(state, vec![ConversationChange::NewDraft(String::new())], fx);
            id
        }
    };
    crate::ui::models::model_settings::update_request_context(state, id);
    let Some(conversation) = state.conversations.get_mut(&id) else { return };
    conversation.draft.clear();
    let next = conversation.submit(&mut state.ids, now, text);
    carry_out(state, id, next, fx);
}

/// Moves the conversation on the screen, or the one under the list's cursor, to the trash.
pub(crate) fn trash_conversation(state: &mut State, now: Timestamp, fx: &mut Vec<Effect>) {
    let in_list = state.screen.focus == PaneFocus::List;
    let id = if in_list { state.screen.list.cursor } else { state.screen.pane.content.conversation_id() };
    let Some(id) = id else { return };
    let Some(at) = state.index.iter().position(|row| row.id == id) else { return };
    let neighbour = state.index.get(at + 1).or_else(|| state.index.get(at.checked_sub(1)?)).map(|row| row.id);
    save_draft(state, fx);
    if let Some(conversation) = state.conversations.get_mut(&id) {
        let running: Vec<_> = conversation.turns.iter().map(|turn| turn.id).collect();
        let next = running.into_iter().flat_map(|turn| conversation.stop(turn, now)).collect();
        carry_out(state, id, next, fx);
    }
    // Search again: stopping may have moved the row.
    let Some(at) = state.index.iter().position(|row| row.id == id) else { return };
    let summary = state.index.remove(at);
    state.screen.show_message(now, format!("“{}” is in the trash; {} restores it", summary.title, undo_key(state)));
    state.trashed.push(summary);
    if state.screen.pane.content == PaneContent::Conversation(id) {
        begin_conversation(state, fx);
        if in_list {
            state.screen.focus = PaneFocus::List;
        }
    }
    state.screen.list.cursor = neighbour;
    save_changes(state, vec![ConversationChange::Trash(id)], fx);
}

fn undo_key(state: &State) -> String {
    let key = state.keymap.keys_of(Action::UndoTrash).filter(|_| state.screen.focus == PaneFocus::List);
    key.unwrap_or_else(|| "/undo-trash".into())
}

/// Restores the conversation that was moved to the trash last.
pub(crate) fn restore_trashed(state: &mut State, now: Timestamp, fx: &mut Vec<Effect>) {
    let Some(summary) = state.trashed.pop() else {
        state.screen.show_message(now, "nothing was moved to the trash in this run");
        return;
    };
    let id = summary.id;
    let position = state.index.partition_point(|row| row.updated_at > summary.updated_at);
    state.index.insert(position, summary);
    state.screen.list.cursor = Some(id);
    save_changes(state, vec![ConversationChange::Restore(id)], fx);
}

pub(crate) fn rename_conversation(state: &mut State, id: ConversationId, title: &str, fx: &mut Vec<Effect>) {
    let title = title.trim();
    if title.is_empty() {
        return;
    }
    if let Some(conversation) = state.conversations.get_mut(&id) {
        let next = conversation.rename(title);
        carry_out(state, id, next, fx);
    } else if let Some(row) = state.index.iter_mut().find(|row| row.id == id) {
        title.clone_into(&mut row.title);
        save_changes(state, vec![ConversationChange::Rename { conversation: id, title: title.to_owned() }], fx);
    }
}
