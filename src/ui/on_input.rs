//! Input: keys and pastes go to the top overlay, else to the focused pane, else to the global keys.

use crate::ui::screen::ConversationPane;
use crate::ui::{cx::Cx, screen::Screen};
use crossterm::event::{Event as Input, KeyEvent, KeyEventKind};
use ratatui::layout::Size;

use super::{
    Action,
    actions::{finding, list_actions, searching, slash_commands, switching},
    dispatch::on_action,
    focus,
    keymap::{KeyContext, KeyMeaning, KeyPress},
    list_sync, notifications, on_mouse,
    overlays::{self, ScreenOverlay},
    screen::{PaneFocus, PendingSequence},
    transcript::error_card,
};

pub(crate) fn on_input(screen: &mut Screen, cx: &mut Cx<'_>, event: Input, more_follows: bool) {
    let list_before = list_use(screen);
    let is_back = matches!(event, Input::FocusGained);
    match event {
        Input::FocusLost => notifications::on_focus_lost(cx.env),
        Input::FocusGained | Input::Key(_) | Input::Paste(_) | Input::Mouse(_) => notifications::on_user_active(cx.env),
        Input::Resize(..) => (),
    }
    match event {
        Input::Key(key) if key.kind != KeyEventKind::Release => on_key(screen, cx, key, more_follows),
        Input::Paste(text) => on_paste(screen, cx, &text),
        Input::Resize(width, height) => screen.size = Size { width, height },
        Input::Mouse(event) => on_mouse::on_mouse(screen, cx, event),
        Input::Key(_) | Input::FocusGained | Input::FocusLost => (),
    }
    let has_come = list_use(screen).into_iter().zip(list_before).any(|(now, before)| now && !before);
    if is_back || has_come {
        list_sync::look_for_changes(cx);
    }
}

/// Returns whether the list has the focus, and whether it is docked.
fn list_use(screen: &Screen) -> [bool; 2] {
    [screen.focus == PaneFocus::List, screen.is_list_docked()]
}

/// Looks a key up in the context of the top overlay, else of the focused pane; a key without a meaning edits the text.
fn on_key(screen: &mut Screen, cx: &mut Cx<'_>, event: KeyEvent, more_follows: bool) {
    let key = KeyPress::from(event);
    slash_commands::refresh(screen, cx.chats, cx.env);
    let pending = screen.pending_sequence.take();
    let prefix = pending.as_ref().map_or(&[][..], |pending| &pending.keys);
    match key_meaning(screen, cx, prefix, key) {
        // More bytes came with it: an unbracketed paste.
        _ if more_follows && pending.is_none() && key.is_pasted_line_break() && is_writing(screen) => {
            on_action(screen, cx, Action::Newline);
        }
        KeyMeaning::Run(action) => {
            focus::note_question(screen, action, key);
            run_action(screen, cx, action);
        }
        KeyMeaning::Prefix => {
            let keys = [prefix, &[key]].concat();
            let since = pending.map_or(cx.now, |pending| pending.since);
            screen.pending_sequence = Some(PendingSequence { keys, since });
        }
        // A command that came to nothing was the beginning of a word.
        KeyMeaning::Unbound if focus::type_through(screen, cx, &[prefix, &[key]].concat()) => (),
        KeyMeaning::Unbound if pending.is_none() => edit_text(screen, cx, event),
        KeyMeaning::Unbound => (), // It ends the sequence.
    }
}

fn key_meaning(screen: &Screen, cx: &Cx<'_>, prefix: &[KeyPress], key: KeyPress) -> KeyMeaning {
    match cx.env.keymap.meaning(screen.key_context(cx.chats), prefix, key) {
        // The key of a choice that the card does not offer means what it means in the text.
        KeyMeaning::Run(action) if !error_card::is_available(cx.chats, action) => {
            cx.env.keymap.meaning(KeyContext::Transcript, prefix, key)
        }
        meaning => meaning,
    }
}

/// Returns whether the composer has the keys.
fn is_writing(screen: &Screen) -> bool {
    screen.focus == PaneFocus::Composer && screen.overlays.last().and_then(ScreenOverlay::key_context).is_none()
}

fn run_action(screen: &mut Screen, cx: &mut Cx<'_>, action: Action) {
    if !matches!(action, Action::Cancel | Action::DeleteOrQuit | Action::Quit) {
        screen.quit_until = None;
    }
    if screen.overlays.last().and_then(ScreenOverlay::key_context).is_some() {
        overlays::on_overlay_action(screen, cx, action);
        searching::ask_on(screen, cx);
    } else {
        on_action(screen, cx, action);
    }
}

/// Edits the text that has the keys with a key that is no action.
fn edit_text(screen: &mut Screen, cx: &mut Cx<'_>, event: KeyEvent) {
    match screen.key_context(cx.chats) {
        KeyContext::Find => finding::edit_query(screen, cx.chats, event),
        KeyContext::ListField => list_actions::edit_field(screen, cx, event),
        KeyContext::Composer | KeyContext::Empty | KeyContext::Slash => {
            screen.quit_until = None;
            if screen.pane.composer.edit(event) {
                switching::schedule_draft_save(&mut screen.pane, cx);
            }
        }
        _ => {
            overlays::edit_text(&mut screen.overlays, cx.env, event);
            searching::ask_on(screen, cx);
        }
    }
}

/// Moves up a row; from the first row, takes back the last queued prompt or recalls an older one.
pub(crate) fn move_up_or_recall(screen: &mut Screen, cx: &mut Cx<'_>) {
    let is_changed = !screen.pane.composer.move_up()
        && (take_back_queued(&mut screen.pane, cx) || screen.pane.composer.recall_older(&cx.chats.prompt_history));
    if is_changed {
        switching::schedule_draft_save(&mut screen.pane, cx);
    }
}

/// Moves down a row; from the last row, recalls a newer prompt.
pub(crate) fn move_down_or_recall(screen: &mut Screen, cx: &mut Cx<'_>) {
    let composer = &mut screen.pane.composer;
    if !composer.move_down() && composer.recall_newer(&cx.chats.prompt_history) {
        switching::schedule_draft_save(&mut screen.pane, cx);
    }
}

/// Moves the last queued prompt back into an empty composer for editing.
fn take_back_queued(pane: &mut ConversationPane, cx: &mut Cx<'_>) -> bool {
    if !pane.composer.is_empty() {
        return false;
    }
    let Some(id) = cx.chats.content.conversation_id() else { return false };
    let Some(conversation) = cx.chats.conversations.get_mut(&id) else { return false };
    let Some((text, next)) = conversation.take_back_queued() else { return false };
    pane.composer.set_text(&text);
    super::on_store::carry_out(cx, id, next);
    true
}

/// Inserts a paste into the field that is being edited; a paste never sends.
fn on_paste(screen: &mut Screen, cx: &mut Cx<'_>, text: &str) {
    screen.pending_sequence = None;
    if focus::paste_through(screen, cx, text) {
        return;
    }
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
        Some(_) => paste_into_overlay(screen, cx, text),
    }
}

fn paste_into_overlay(screen: &mut Screen, cx: &mut Cx<'_>, text: &str) {
    overlays::on_paste(&mut screen.overlays, cx.env, text);
    searching::ask_on(screen, cx);
}
