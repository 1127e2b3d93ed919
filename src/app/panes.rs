//! Which conversation is on the screen: new, open, switch, the draft of each kept.

use jiff::SignedDuration;

use super::{
    Action, Effect, State,
    on_store::{carry_out, save},
    screen::{Editing, Focus, Shows},
};
use crate::{
    chat::{Change, Conversation, ConversationId, Timestamp},
    store::Job,
    widgets::transcript::{Move, Transcript},
};

/// How long after a key the draft goes to the disk.
const DRAFT: SignedDuration = SignedDuration::from_millis(400);

/// Leaves the conversation on the screen for an empty one.
pub(super) fn begin_new(state: &mut State, fx: &mut Vec<Effect>) {
    leave(state, fx);
    if let Some(conversation) = state.current() {
        state.fresh = conversation.settings.for_another();
    }
    state.screen.pane.shows = Shows::New;
    state.screen.pane.composer.set_text("");
    state.screen.focus = Focus::Composer;
    state.screen.list.cursor = None;
}

/// Opens a conversation: at once when it is in memory, else when it has been read.
pub(super) fn open(state: &mut State, now: Timestamp, id: ConversationId, fx: &mut Vec<Effect>) {
    if state.screen.pane.shows.conversation() == Some(id) {
        state.screen.focus = Focus::Composer;
        return;
    }
    if state.open.contains_key(&id) {
        show(state, now, id, fx);
    } else {
        leave(state, fx);
        state.screen.pane.shows = Shows::Loading(Some(id));
        state.screen.pane.composer.set_text("");
        fx.push(Effect::Store(Job::Load(id)));
    }
    state.screen.focus = Focus::Composer;
}

/// Puts a conversation that is in memory on the screen.
pub(super) fn show(state: &mut State, now: Timestamp, id: ConversationId, fx: &mut Vec<Effect>) {
    leave(state, fx);
    let Some(conversation) = state.open.get_mut(&id) else { return };
    state.screen.pane.composer.set_text(&conversation.draft);
    state.screen.pane.shows = Shows::Conversation(id);
    state.screen.pane.transcripts.entry(id).or_default();
    state.screen.list.cursor = Some(id);
    let next = conversation.seen();
    carry_out(state, id, next, fx);
    super::models::know_models(state, now, fx);
}

/// The text of the composer changed: its draft is due on the disk soon.
pub(super) fn draft_changed(state: &mut State, now: Timestamp) {
    state.screen.pane.draft_due.get_or_insert(now + DRAFT);
    state.screen.pane.send_when_read = false;
}

/// Writes the draft to the disk when it is due.
pub(super) fn draft_tick(state: &mut State, now: Timestamp, fx: &mut Vec<Effect>) {
    if state.screen.pane.draft_due.is_some_and(|due| due <= now) {
        keep_draft(state, fx);
    }
}

/// Writes the draft to the disk, if it changed.
pub(super) fn keep_draft(state: &mut State, fx: &mut Vec<Effect>) {
    if state.screen.pane.draft_due.take().is_none() || state.screen.pane.editing.is_some() {
        return;
    }
    let text = state.screen.pane.composer.text();
    match state.screen.pane.shows {
        Shows::Conversation(id) => {
            if let Some(conversation) = state.open.get_mut(&id) {
                let next = conversation.set_draft(text);
                carry_out(state, id, next, fx);
            }
        }
        Shows::New => save(state, vec![Change::NewDraft(text)], fx),
        Shows::Loading(_) => (),
    }
}

/// Writes the draft before the composer is used for something else.
pub(super) fn keep_draft_now(state: &mut State, now: Timestamp, fx: &mut Vec<Effect>) {
    draft_changed(state, now);
    keep_draft(state, fx);
}

/// What must not be lost when another conversation takes the pane.
fn leave(state: &mut State, fx: &mut Vec<Effect>) {
    keep_draft(state, fx);
    state.screen.pane.editing = None;
    state.screen.pane.send_when_read = false;
}

/// Puts a text into the prompt history, first.
pub(super) fn remember(state: &mut State, text: String) {
    if !text.trim().is_empty() {
        state.prompts.retain(|prompt| *prompt != text);
        state.prompts.insert(0, text);
    }
}

/// Sends what stands in the composer.
pub(super) fn send(state: &mut State, now: Timestamp, fx: &mut Vec<Effect>) {
    let text = state.screen.pane.composer.take();
    state.screen.pane.draft_due = None;
    if let Some(about @ (Editing::Arguments(_) | Editing::Reason(_))) = state.screen.pane.editing {
        state.screen.pane.editing = None;
        super::tools::take_written(state, now, about, text, fx);
        return;
    }
    remember(state, text.clone());
    if let Some(transcript) = state.screen.transcript_mut() {
        transcript.scroll(Move::Bottom);
    }
    match state.screen.pane.editing.take() {
        Some(Editing::Prompt(prompt)) => {
            let Some(id) = state.screen.pane.shows.conversation() else { return };
            let Some(conversation) = state.open.get_mut(&id) else { return };
            let next = conversation.edit_prompt(prompt, text, &mut state.ids, now);
            carry_out(state, id, next, fx);
        }
        Some(Editing::Arguments(_) | Editing::Reason(_)) | None => submit(state, now, text, fx),
    }
}

/// Sends a prompt to the conversation on the screen, made now if there is none.
pub(super) fn submit(state: &mut State, now: Timestamp, text: String, fx: &mut Vec<Effect>) {
    if matches!(state.screen.pane.shows, Shows::Loading(_)) {
        state.screen.pane.composer.set_text(&text);
        state.screen.pane.send_when_read = true;
        return;
    }
    if state.settings().model.is_empty() {
        state.screen.pane.composer.set_text(&text);
        state.screen.warn(now, "choose a model first");
        super::overlays::open_models(state, now, fx);
        return;
    }
    super::tools::wake(state, now, fx);
    let id = match state.screen.pane.shows {
        Shows::Conversation(id) => id,
        Shows::New | Shows::Loading(_) => {
            let id = state.ids.conversation(now);
            state.open.insert(id, Conversation::new(id, state.fresh.clone(), now));
            state.screen.pane.shows = Shows::Conversation(id);
            state.screen.pane.transcripts.insert(id, Transcript::default());
            state.screen.list.cursor = Some(id);
            save(state, vec![Change::NewDraft(String::new())], fx);
            id
        }
    };
    super::models::keep_context(state, id);
    let Some(conversation) = state.open.get_mut(&id) else { return };
    conversation.draft.clear();
    let next = conversation.submit(&mut state.ids, now, text);
    carry_out(state, id, next, fx);
}

/// Moves the conversation on the screen, or under the list's cursor, to the trash.
pub(super) fn trash(state: &mut State, now: Timestamp, fx: &mut Vec<Effect>) {
    let in_list = state.screen.focus == Focus::List;
    let id = if in_list { state.screen.list.cursor } else { state.screen.pane.shows.conversation() };
    let Some(id) = id else { return };
    let Some(at) = state.index.iter().position(|row| row.id == id) else { return };
    let neighbour = state.index.get(at + 1).or_else(|| state.index.get(at.checked_sub(1)?)).map(|row| row.id);
    keep_draft(state, fx);
    if let Some(conversation) = state.open.get_mut(&id) {
        let running: Vec<_> = conversation.turns.iter().map(|turn| turn.id).collect();
        let next = running.into_iter().flat_map(|turn| conversation.stop(turn, now)).collect();
        carry_out(state, id, next, fx);
    }
    // Looked for only now: stopping has moved the row.
    let Some(at) = state.index.iter().position(|row| row.id == id) else { return };
    let summary = state.index.remove(at);
    state.screen.say(now, format!("“{}” is in the trash; {} takes it back", summary.title, undo_key(state)));
    state.trashed.push(summary);
    if state.screen.pane.shows == Shows::Conversation(id) {
        begin_new(state, fx);
        if in_list {
            state.screen.focus = Focus::List;
        }
    }
    state.screen.list.cursor = neighbour;
    save(state, vec![Change::Trash(id)], fx);
}

fn undo_key(state: &State) -> String {
    let key = state.keymap.keys_of(Action::UndoTrash).filter(|_| state.screen.focus == Focus::List);
    key.unwrap_or_else(|| "/undo-trash".into())
}

/// Takes the last conversation back from the trash.
pub(super) fn undo_trash(state: &mut State, now: Timestamp, fx: &mut Vec<Effect>) {
    let Some(summary) = state.trashed.pop() else {
        state.screen.say(now, "nothing was moved to the trash in this run");
        return;
    };
    let id = summary.id;
    let at = state.index.partition_point(|row| row.updated > summary.updated);
    state.index.insert(at, summary);
    state.screen.list.cursor = Some(id);
    save(state, vec![Change::Restore(id)], fx);
}

pub(super) fn rename(state: &mut State, id: ConversationId, title: &str, fx: &mut Vec<Effect>) {
    let title = title.trim();
    if title.is_empty() {
        return;
    }
    if let Some(conversation) = state.open.get_mut(&id) {
        let next = conversation.rename(title);
        carry_out(state, id, next, fx);
    } else if let Some(row) = state.index.iter_mut().find(|row| row.id == id) {
        title.clone_into(&mut row.title);
        save(state, vec![Change::Rename { conversation: id, title: title.to_owned() }], fx);
    }
}
