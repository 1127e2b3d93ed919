//! What `Esc` and `^C` do in each state, in order of priority.

use super::{
    Action, Effect,
    actions::{citation_actions, copying, list_actions, switching, temporary_actions},
    dispatch::{change_conversation, quit},
    overlays::{self, ScreenOverlay},
    screen::{EditTarget, PaneFocus, QUIT_WINDOW},
    toasts::{ToastSubject, ToastText},
};
use crate::ui::screen::ConversationPane;
use crate::ui::{chats::Chats, cx::Cx, environment::Environment, screen::Screen};
use crate::{
    chat::TurnPhase,
    ui::composer::{MotionDirection, MotionReach},
};

/// What `Esc` does now; the status line shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EscAction {
    CloseOverlay,
    /// Closes the list of slash commands.
    CloseSlashList,
    LeaveFilter,
    LeaveRenaming,
    /// Stops the command that a text was piped to.
    StopCommand,
    LeaveEditing,
    LeaveSelection,
    EndFind,
    /// Stops editing a call that asks, and leaves it unchanged.
    LeaveCall,
    /// Closes the question on a source card, else the card.
    CloseSource,
    LeavePane,
    /// Gives up waiting to retry.
    GiveUp,
    StopTurn,
    Nothing,
}

/// Returns what `Esc` does now.
pub fn esc_action(screen: &Screen, chats: &Chats) -> EscAction {
    let list_has_keys = matches!(screen.overlays.last(), Some(ScreenOverlay::List) | None);
    let is_in_list = screen.focus == PaneFocus::List && list_has_keys;
    if is_in_list && screen.list.row_edit.is_some() {
        return EscAction::LeaveRenaming;
    }
    if is_in_list && screen.list.filter.is_some() {
        return EscAction::LeaveFilter;
    }
    if !screen.overlays.is_empty() {
        return EscAction::CloseOverlay;
    }
    if screen.is_completing() {
        return EscAction::CloseSlashList;
    }
    if screen.running_command.is_some() {
        return EscAction::StopCommand;
    }
    if matches!(screen.focus, PaneFocus::Transcript | PaneFocus::Composer) && screen.selected_by(chats).is_some() {
        return EscAction::LeaveSelection;
    }
    if screen.focus == PaneFocus::Transcript && super::actions::finding::active_find(screen, chats).is_some() {
        return EscAction::EndFind;
    }
    if citation_actions::has_source_card(screen, chats) {
        return EscAction::CloseSource;
    }
    if screen.focus != PaneFocus::Composer {
        return EscAction::LeavePane;
    }
    match screen.pane.editing {
        Some(EditTarget::Prompt(_)) => return EscAction::LeaveEditing,
        Some(EditTarget::Arguments(_) | EditTarget::Reason(_)) => return EscAction::LeaveCall,
        None => (),
    }
    match chats.current_conversation().and_then(|conversation| conversation.active_turn()).map(|turn| &turn.phase) {
        Some(TurnPhase::AwaitingRetry { .. }) => EscAction::GiveUp,
        Some(_) => EscAction::StopTurn,
        None => EscAction::Nothing,
    }
}

pub(crate) fn back(screen: &mut Screen, cx: &mut Cx<'_>) {
    match esc_action(screen, cx.chats) {
        EscAction::CloseOverlay => overlays::close_top(screen, cx),
        EscAction::CloseSlashList => screen.slash.close(),
        EscAction::StopCommand => {
            if let Some(command) = screen.running_command.take() {
                cx.show_message(ToastText::about("", &command, " was stopped"));
            }
            cx.effects.push(Effect::StopCommand);
        }
        EscAction::LeaveFilter | EscAction::LeaveRenaming => list_actions::leave_field(&mut screen.list, cx),
        EscAction::LeaveEditing => leave_editing(&mut screen.pane, cx, "edit cancelled"),
        EscAction::LeaveCall => {
            leave_editing(&mut screen.pane, cx, "arguments unchanged");
            screen.focus = PaneFocus::Card;
        }
        EscAction::LeaveSelection => {
            if let Some(transcript) = screen.transcript_mut(cx.chats) {
                transcript.clear_selection();
            }
        }
        EscAction::EndFind => super::actions::finding::end_find(screen, cx.chats),
        EscAction::CloseSource => citation_actions::close_source_card(screen, cx.chats),
        EscAction::LeavePane => {
            citation_actions::clear_highlight(screen, cx.chats);
            screen.focus = PaneFocus::Composer;
        }
        EscAction::GiveUp | EscAction::StopTurn => stop_turn(cx),
        EscAction::Nothing => (),
    }
}

fn leave_editing(pane: &mut ConversationPane, cx: &mut Cx<'_>, message: &str) {
    let text = pane.composer.text();
    if matches!(pane.editing, Some(EditTarget::Prompt(_))) {
        switching::remember_prompt(cx.chats, text);
    }
    switching::end_edit(pane, cx);
    cx.show_while(ToastSubject::NothingEdited, message);
}

/// Stops the turn on the screen, in any phase.
fn stop_turn(cx: &mut Cx<'_>) {
    let now = cx.now;
    let turn = cx
        .chats
        .current_conversation()
        .and_then(|conversation| Some((conversation.id, conversation.active_turn()?.id)));
    if let Some((id, turn)) = turn {
        change_conversation(cx, id, |conversation, _| conversation.stop(turn, now));
    }
}

/// Handles `^C`: copies the selection, closes the overlay, stops the turn, clears the composer, or quits.
pub(crate) fn cancel(screen: &mut Screen, cx: &mut Cx<'_>) {
    if copying::copy_selection(screen, cx.chats, copying::configured_copy(&cx.env.config)) {
        // One step at a time: the selection is gone now.
    } else if !screen.overlays.is_empty() {
        overlays::close_top(screen, cx);
    } else if cx.chats.current_conversation().is_some_and(|conversation| conversation.active_turn().is_some()) {
        stop_turn(cx);
    } else if !screen.pane.composer.is_empty() {
        let text = screen.pane.composer.take();
        switching::remember_prompt(cx.chats, text);
        if screen.pane.editing.is_some() {
            switching::end_edit(&mut screen.pane, cx);
        }
        switching::schedule_draft_save(&mut screen.pane, cx);
    } else {
        confirm_quit(screen, cx);
    }
}

/// Handles `^D`: the last step of `^C` if the composer is empty, else deletes to the right.
pub(crate) fn delete_or_quit(screen: &mut Screen, cx: &mut Cx<'_>) {
    if screen.pane.composer.is_empty() {
        confirm_quit(screen, cx);
    } else {
        screen.pane.composer.delete(MotionDirection::Forward, MotionReach::Cluster);
        switching::schedule_draft_save(&mut screen.pane, cx);
    }
}

pub(crate) fn confirm_quit(screen: &mut Screen, cx: &mut Cx<'_>) {
    let now = cx.now;
    if screen.quit_until.is_some_and(|until| now < until) {
        quit(screen, cx);
        return;
    }
    screen.quit_until = Some(now + QUIT_WINDOW);
}

/// Returns the text of the status line while a second `^C` quits.
pub fn quit_message(screen: &Screen, chats: &Chats, env: &Environment) -> Option<String> {
    screen.quit_until?;
    let running: usize = chats.conversations.values().map(|conversation| conversation.turns.len()).sum();
    let keys = env.keymap.keys_of(Action::Cancel).unwrap_or_else(|| "^C".into());
    let lost = temporary_actions::lost_conversations(chats);
    Some(match running {
        _ if lost > 0 => format!("{keys} again to quit: {} gone then", temporary_actions::count_words(lost)),
        0 => format!("{keys} again to quit"),
        1 => format!("{keys} again to quit: 1 answer is still running and will be interrupted"),
        n => format!("{keys} again to quit: {n} answers are still running and will be interrupted"),
    })
}
