//! Input: keys and pastes go to the top overlay, else to the focused pane, else to the global keys.

use crossterm::event::{Event as Input, KeyCode, KeyEvent, KeyEventKind, MouseEventKind};
use ratatui::layout::Size;

use super::{
    Action, Effect, State,
    conversations::{list_actions, switching},
    dispatch::on_action,
    keymap::{KeyContext, KeyMeaning, KeyPress},
    notifications, on_mouse,
    overlays::{self, ScreenOverlay},
    screen::{PaneFocus, PendingSequence},
    sources::citation_actions,
    transcript::{error_card, finding},
};
use crate::{chat::Timestamp, ui::transcript::Transcript};

pub(crate) fn on_input(state: &mut State, now: Timestamp, event: Input, more_follows: bool, fx: &mut Vec<Effect>) {
    match event {
        Input::FocusLost => notifications::on_focus_lost(state),
        Input::FocusGained | Input::Key(_) | Input::Paste(_) | Input::Mouse(_) => notifications::on_user_active(state),
        Input::Resize(..) => (),
    }
    // Keys from one read may be handled without a frame between them.
    if matches!(event, Input::Key(_)) || is_release(&event) {
        settle_layout(state, now, fx);
    }
    match event {
        Input::Key(key) if key.kind != KeyEventKind::Release => on_key(state, now, key, more_follows, fx),
        Input::Paste(text) => on_paste(state, now, &text),
        Input::Resize(width, height) => state.screen.size = Size { width, height },
        Input::Mouse(event) => on_mouse::on_mouse(state, now, event, fx),
        Input::Key(_) | Input::FocusGained | Input::FocusLost => (),
    }
}

fn is_release(event: &Input) -> bool {
    matches!(event, Input::Mouse(mouse) if matches!(mouse.kind, MouseEventKind::Up(_)))
}

/// Lays out the text again if the next key depends on it.
fn settle_layout(state: &mut State, now: Timestamp, fx: &mut Vec<Effect>) {
    if state.screen.transcript().is_some_and(Transcript::is_unsettled) {
        fx.extend(super::sync(state, now, state.screen.size));
    }
}

fn on_key(state: &mut State, now: Timestamp, event: KeyEvent, more_follows: bool, fx: &mut Vec<Effect>) {
    let key = KeyPress::from(event);
    if let Some(leader) = state.screen.pending_sequence.take() {
        on_sequence_key(state, now, &leader, key, fx);
        return;
    }
    match state.screen.overlays.last() {
        None | Some(ScreenOverlay::List | ScreenOverlay::Rail) => (),
        Some(_) => {
            overlays::on_key(state, now, event, fx);
            return;
        }
    }
    if finding::is_typing(state)
        && !matches!(
            state.keymap.meaning(KeyContext::Global, &[], key),
            KeyMeaning::Run(Action::Back | Action::Cancel | Action::Redraw | Action::Suspend) | KeyMeaning::Prefix
        )
    {
        finding::on_key(state, event);
        return;
    }
    if finding::on_enter(state, now, key) {
        return;
    }
    if list_actions::is_typing(state) && list_actions::on_field_key(state, now, event, fx) {
        return;
    }
    if let Some(letter) = key.typed_char()
        && state.screen.focus == PaneFocus::Card
        && error_card::take_choice_by_key(state, now, letter, fx)
    {
        return;
    }
    if let Some(letter) = key.typed_char()
        && citation_actions::on_question_key(state, now, letter, fx)
    {
        return;
    }
    let in_composer = state.screen.focus == PaneFocus::Composer;
    if in_composer && more_follows && key.code == KeyCode::Enter && !key.ctrl {
        on_action(state, now, Action::Newline, fx); // More bytes came with it: an unbracketed paste.
        return;
    }
    match state.keymap.meaning(state.screen.key_context(), &[], key) {
        KeyMeaning::Run(action) => run_action(state, now, key, action, fx),
        KeyMeaning::Prefix => state.screen.pending_sequence = Some(PendingSequence { keys: vec![key], since: now }),
        KeyMeaning::Unbound if in_composer => edit_draft(state, now, event, fx),
        KeyMeaning::Unbound if state.screen.focus == PaneFocus::Card && key.code == KeyCode::Enter => {
            error_card::take_first_choice(state, now, fx);
        }
        KeyMeaning::Unbound => (),
    }
}

fn run_action(state: &mut State, now: Timestamp, key: KeyPress, action: Action, fx: &mut Vec<Effect>) {
    if !matches!(action, Action::Cancel | Action::DeleteOrQuit) {
        state.screen.quit_until = None;
    }
    let is_completion =
        action == Action::FocusNext && state.screen.focus == PaneFocus::Composer && key.code == KeyCode::Tab;
    if is_completion && complete_slash(state) {
        switching::schedule_draft_save(state, now);
        return;
    }
    on_action(state, now, action, fx);
}

/// Handles the next key of a sequence: runs the action, waits for another key, or ends the sequence. In a picker, only
/// the keys of slots work.
fn on_sequence_key(state: &mut State, now: Timestamp, leader: &PendingSequence, key: KeyPress, fx: &mut Vec<Effect>) {
    let in_picker = matches!(state.screen.overlays.last(), Some(ScreenOverlay::Picker { .. }));
    let context = if in_picker { KeyContext::Global } else { state.screen.key_context() };
    match state.keymap.meaning(context, &leader.keys, key) {
        KeyMeaning::Run(action) if in_picker => {
            if let Some(slot) = overlays::slot_number(action) {
                overlays::assign_slot(state, now, slot, fx);
            }
        }
        KeyMeaning::Run(action) => on_action(state, now, action, fx),
        KeyMeaning::Prefix => {
            let keys = [leader.keys.as_slice(), &[key]].concat();
            state.screen.pending_sequence = Some(PendingSequence { keys, since: leader.since });
        }
        KeyMeaning::Unbound => (),
    }
}

/// Handles a key without an action: it edits the draft, and on the first and last row it walks the prompt history.
fn edit_draft(state: &mut State, now: Timestamp, key: KeyEvent, fx: &mut Vec<Effect>) {
    state.screen.quit_until = None;
    let composer = &mut state.screen.pane.composer;
    let changed = match key.code {
        KeyCode::End if composer.is_empty() && key.modifiers.is_empty() => {
            on_action(state, now, Action::ScrollEnd, fx);
            false
        }
        KeyCode::Up => !composer.move_up() && (take_back_queued(state, fx) || recall_older_prompt(state)),
        KeyCode::Down => !composer.move_down() && composer.recall_newer(&state.prompt_history),
        _ => composer.edit(key),
    };
    if changed {
        switching::schedule_draft_save(state, now);
    }
}

fn recall_older_prompt(state: &mut State) -> bool {
    state.screen.pane.composer.recall_older(&state.prompt_history)
}

/// Moves the last queued prompt back into an empty composer for editing.
fn take_back_queued(state: &mut State, fx: &mut Vec<Effect>) -> bool {
    if !state.screen.pane.composer.is_empty() {
        return false;
    }
    let Some(id) = state.screen.pane.content.conversation_id() else { return false };
    let Some(conversation) = state.conversations.get_mut(&id) else { return false };
    let Some(last) = conversation.queue.len().checked_sub(1) else { return false };
    let Some((text, next)) = conversation.take_queued(last) else { return false };
    state.screen.pane.composer.set_text(&text);
    super::on_store::carry_out(state, id, next, fx);
    true
}

/// Completes a slash command such as `/mod` if only one action matches.
fn complete_slash(state: &mut State) -> bool {
    let text = state.screen.pane.composer.text();
    let Some(prefix) = text.strip_prefix('/').filter(|begun| !begun.is_empty() && !begun.contains(char::is_whitespace))
    else {
        return false;
    };
    let mut matching = super::action::ACTIONS
        .iter()
        .filter(|entry| entry.listing == super::action::ActionListing::Commands && entry.name.starts_with(prefix));
    match (matching.next(), matching.next()) {
        (Some(only), None) => {
            let command = format!("/{}", only.name);
            state.screen.pane.composer.replace(&command);
            true
        }
        _ => false,
    }
}

/// Inserts a paste into the field that is being edited; a paste never sends.
fn on_paste(state: &mut State, now: Timestamp, text: &str) {
    state.screen.pending_sequence = None;
    match state.screen.overlays.last() {
        None => {
            if finding::is_typing(state) {
                if let Some(transcript) = state.screen.transcript_mut() {
                    transcript.on_find_paste(text);
                }
            } else if list_actions::is_typing(state) {
                state.screen.list.paste(text);
                list_actions::refresh_rows(state, now);
            } else {
                state.screen.focus = PaneFocus::Composer;
                state.screen.pane.composer.insert_str(text);
                switching::schedule_draft_save(state, now);
            }
        }
        Some(_) => overlays::on_paste(state, text),
    }
}
