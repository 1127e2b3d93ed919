//! Input: keys and pastes go to the top overlay, else to the focused pane, else to the global keys.

use crate::ui::{chats::Chats, screen::ConversationPane};
use crate::ui::{cx::Cx, screen::Screen};
use crossterm::event::{Event as Input, KeyCode, KeyEvent, KeyEventKind, MouseEventKind};
use ratatui::layout::Size;

use super::{
    Action,
    conversations::{list_actions, switching},
    dispatch::on_action,
    keymap::{KeyContext, KeyMeaning, KeyPress},
    notifications, on_mouse,
    overlays::{self, ScreenOverlay},
    screen::{PaneFocus, PendingSequence},
    sources::citation_actions,
    transcript::{error_card, finding},
};
use crate::ui::transcript::Transcript;

pub(crate) fn on_input(screen: &mut Screen, cx: &mut Cx<'_>, event: Input, more_follows: bool) {
    match event {
        Input::FocusLost => notifications::on_focus_lost(cx.env),
        Input::FocusGained | Input::Key(_) | Input::Paste(_) | Input::Mouse(_) => notifications::on_user_active(cx.env),
        Input::Resize(..) => (),
    }
    // Keys from one read may be handled without a frame between them.
    if matches!(event, Input::Key(_)) || is_release(&event) {
        settle_layout(screen, cx);
    }
    match event {
        Input::Key(key) if key.kind != KeyEventKind::Release => on_key(screen, cx, key, more_follows),
        Input::Paste(text) => on_paste(screen, cx, &text),
        Input::Resize(width, height) => screen.size = Size { width, height },
        Input::Mouse(event) => on_mouse::on_mouse(screen, cx, event),
        Input::Key(_) | Input::FocusGained | Input::FocusLost => (),
    }
}

fn is_release(event: &Input) -> bool {
    matches!(event, Input::Mouse(mouse) if matches!(mouse.kind, MouseEventKind::Up(_)))
}

/// Lays out the text again if the next key depends on it.
fn settle_layout(screen: &mut Screen, cx: &mut Cx<'_>) {
    if screen.transcript(cx.chats).is_some_and(Transcript::is_unsettled) {
        let effects = super::lay_out(screen, cx);
        cx.effects.extend(effects);
    }
}

fn on_key(screen: &mut Screen, cx: &mut Cx<'_>, event: KeyEvent, more_follows: bool) {
    let key = KeyPress::from(event);
    if let Some(leader) = screen.pending_sequence.take() {
        on_sequence_key(screen, cx, &leader, key);
        return;
    }
    match screen.overlays.last() {
        None | Some(ScreenOverlay::List | ScreenOverlay::Rail) => (),
        Some(_) => {
            overlays::on_key(screen, cx, event);
            return;
        }
    }
    if finding::is_typing(screen, cx.chats)
        && !matches!(
            cx.env.keymap.meaning(KeyContext::Global, &[], key),
            KeyMeaning::Run(Action::Back | Action::Cancel | Action::Redraw | Action::Suspend) | KeyMeaning::Prefix
        )
    {
        finding::on_key(screen, cx.chats, event);
        return;
    }
    if finding::on_enter(screen, cx, key) {
        return;
    }
    if list_actions::is_typing(screen) && list_actions::on_field_key(screen, cx, event) {
        return;
    }
    if let Some(letter) = key.typed_char()
        && screen.focus == PaneFocus::Card
        && error_card::take_choice_by_key(screen, cx, letter)
    {
        return;
    }
    if let Some(letter) = key.typed_char()
        && citation_actions::on_question_key(screen, cx, letter)
    {
        return;
    }
    let in_composer = screen.focus == PaneFocus::Composer;
    if in_composer && more_follows && key.code == KeyCode::Enter && !key.ctrl {
        on_action(screen, cx, Action::Newline); // More bytes came with it: an unbracketed paste.
        return;
    }
    match cx.env.keymap.meaning(screen.key_context(cx.chats), &[], key) {
        KeyMeaning::Run(action) => run_action(screen, cx, key, action),
        KeyMeaning::Prefix => screen.pending_sequence = Some(PendingSequence { keys: vec![key], since: cx.now }),
        KeyMeaning::Unbound if in_composer => edit_draft(screen, cx, event),
        KeyMeaning::Unbound if screen.focus == PaneFocus::Card && key.code == KeyCode::Enter => {
            error_card::take_first_choice(screen, cx);
        }
        KeyMeaning::Unbound => (),
    }
}

fn run_action(screen: &mut Screen, cx: &mut Cx<'_>, key: KeyPress, action: Action) {
    if !matches!(action, Action::Cancel | Action::DeleteOrQuit) {
        screen.quit_until = None;
    }
    let is_completion = action == Action::FocusNext && screen.focus == PaneFocus::Composer && key.code == KeyCode::Tab;
    if is_completion && complete_slash(&mut screen.pane) {
        switching::schedule_draft_save(&mut screen.pane, cx);
        return;
    }
    on_action(screen, cx, action);
}

/// Handles the next key of a sequence: runs the action, waits for another key, or ends the sequence. In a picker, only
/// the keys of slots work.
fn on_sequence_key(screen: &mut Screen, cx: &mut Cx<'_>, leader: &PendingSequence, key: KeyPress) {
    let in_picker = matches!(screen.overlays.last(), Some(ScreenOverlay::Picker { .. }));
    let context = if in_picker { KeyContext::Global } else { screen.key_context(cx.chats) };
    match cx.env.keymap.meaning(context, &leader.keys, key) {
        KeyMeaning::Run(action) if in_picker => {
            if let Some(slot) = overlays::slot_number(action) {
                overlays::assign_slot(screen, cx, slot);
            }
        }
        KeyMeaning::Run(action) => on_action(screen, cx, action),
        KeyMeaning::Prefix => {
            let keys = [leader.keys.as_slice(), &[key]].concat();
            screen.pending_sequence = Some(PendingSequence { keys, since: leader.since });
        }
        KeyMeaning::Unbound => (),
    }
}

/// Handles a key without an action: it edits the draft, and on the first and last row it walks the prompt history.
fn edit_draft(screen: &mut Screen, cx: &mut Cx<'_>, key: KeyEvent) {
    screen.quit_until = None;
    let composer = &mut screen.pane.composer;
    let changed = match key.code {
        KeyCode::End if composer.is_empty() && key.modifiers.is_empty() => {
            on_action(screen, cx, Action::ScrollEnd);
            false
        }
        KeyCode::Up => {
            !composer.move_up()
                && (take_back_queued(&mut screen.pane, cx) || recall_older_prompt(&mut screen.pane, cx.chats))
        }
        KeyCode::Down => !composer.move_down() && composer.recall_newer(&cx.chats.prompt_history),
        _ => composer.edit(key),
    };
    if changed {
        switching::schedule_draft_save(&mut screen.pane, cx);
    }
}

fn recall_older_prompt(pane: &mut ConversationPane, chats: &mut Chats) -> bool {
    pane.composer.recall_older(&chats.prompt_history)
}

/// Moves the last queued prompt back into an empty composer for editing.
fn take_back_queued(pane: &mut ConversationPane, cx: &mut Cx<'_>) -> bool {
    if !pane.composer.is_empty() {
        return false;
    }
    let Some(id) = cx.chats.content.conversation_id() else { return false };
    let Some(conversation) = cx.chats.conversations.get_mut(&id) else { return false };
    let Some(last) = conversation.queue.len().checked_sub(1) else { return false };
    let Some((text, next)) = conversation.take_queued(last) else { return false };
    pane.composer.set_text(&text);
    super::on_store::carry_out(cx, id, next);
    true
}

/// Completes a slash command such as `/mod` if only one action matches.
fn complete_slash(pane: &mut ConversationPane) -> bool {
    let text = pane.composer.text();
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
            pane.composer.replace(&command);
            true
        }
        _ => false,
    }
}

/// Inserts a paste into the field that is being edited; a paste never sends.
fn on_paste(screen: &mut Screen, cx: &mut Cx<'_>, text: &str) {
    screen.pending_sequence = None;
    match screen.overlays.last() {
        None => {
            if finding::is_typing(screen, cx.chats) {
                if let Some(transcript) = screen.transcript_mut(cx.chats) {
                    transcript.on_find_paste(text);
                }
            } else if list_actions::is_typing(screen) {
                screen.list.paste(text);
                list_actions::refresh_rows(&mut screen.list, cx);
            } else {
                screen.focus = PaneFocus::Composer;
                screen.pane.composer.insert_str(text);
                switching::schedule_draft_save(&mut screen.pane, cx);
            }
        }
        Some(_) => overlays::on_paste(&mut screen.overlays, cx.env, text),
    }
}
