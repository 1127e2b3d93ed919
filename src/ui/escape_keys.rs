//! What `Esc` and `^C` do in each state, in order of priority.

use super::{
    Action, Effect, State,
    conversations::{list_actions, switching},
    dispatch::{change_conversation, quit},
    overlays,
    screen::{EditTarget, PaneFocus, QUIT_WINDOW},
    sources::citation_actions,
};
use crate::{
    chat::{Timestamp, TurnPhase},
    ui::composer::{MotionDirection, MotionReach},
};

/// What `Esc` does now; the status line shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EscAction {
    CloseOverlay,
    LeaveFilter,
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
pub fn esc_action(state: &State) -> EscAction {
    if !state.screen.overlays.is_empty() {
        return EscAction::CloseOverlay;
    }
    if state.screen.running_command.is_some() {
        return EscAction::StopCommand;
    }
    if state.screen.focus == PaneFocus::List && (list_actions::is_typing(state) || state.screen.list.filter.is_some()) {
        return EscAction::LeaveFilter;
    }
    if state.screen.focus == PaneFocus::Transcript && state.screen.selected_by().is_some() {
        return EscAction::LeaveSelection;
    }
    if state.screen.focus == PaneFocus::Transcript && super::transcript::finding::active_find(state).is_some() {
        return EscAction::EndFind;
    }
    if citation_actions::has_source_card(state) {
        return EscAction::CloseSource;
    }
    if state.screen.focus != PaneFocus::Composer {
        return EscAction::LeavePane;
    }
    match state.screen.pane.editing {
        Some(EditTarget::Prompt(_)) => return EscAction::LeaveEditing,
        Some(EditTarget::Arguments(_) | EditTarget::Reason(_)) => return EscAction::LeaveCall,
        None => (),
    }
    match state.current_conversation().and_then(|conversation| conversation.active_turn()).map(|turn| &turn.phase) {
        Some(TurnPhase::AwaitingRetry { .. }) => EscAction::GiveUp,
        Some(_) => EscAction::StopTurn,
        None => EscAction::Nothing,
    }
}

pub(crate) fn back(state: &mut State, now: Timestamp, fx: &mut Vec<Effect>) {
    match esc_action(state) {
        EscAction::CloseOverlay => overlays::close_top(state, now, fx),
        EscAction::StopCommand => {
            if let Some(command) = state.screen.running_command.take() {
                state.screen.show_message(now, format!("{command} was stopped"));
            }
            fx.push(Effect::StopCommand);
        }
        EscAction::LeaveFilter => list_actions::leave_field(state, now),
        EscAction::LeaveEditing => leave_editing(state, now, "the prompt stays as it was"),
        EscAction::LeaveCall => {
            leave_editing(state, now, "the call stays as it was");
            state.screen.focus = PaneFocus::Card;
        }
        EscAction::LeaveSelection => {
            if let Some(transcript) = state.screen.transcript_mut() {
                transcript.clear_selection();
            }
        }
        EscAction::EndFind => super::transcript::finding::end_find(state),
        EscAction::CloseSource => citation_actions::close_source_card(state),
        EscAction::LeavePane => {
            citation_actions::clear_highlight(state);
            state.screen.focus = PaneFocus::Composer;
        }
        EscAction::GiveUp | EscAction::StopTurn => stop_turn(state, now, fx),
        EscAction::Nothing => (),
    }
}

fn leave_editing(state: &mut State, now: Timestamp, message: &str) {
    state.screen.pane.editing = None;
    let draft = state.current_conversation().map(|conversation| conversation.draft.clone()).unwrap_or_default();
    state.screen.pane.composer.set_text(&draft);
    state.screen.show_message(now, message);
}

/// Stops the turn on the screen, in any phase.
fn stop_turn(state: &mut State, now: Timestamp, fx: &mut Vec<Effect>) {
    let turn =
        state.current_conversation().and_then(|conversation| Some((conversation.id, conversation.active_turn()?.id)));
    if let Some((id, turn)) = turn {
        change_conversation(state, id, fx, |conversation, _| conversation.stop(turn, now));
    }
}

/// Handles `^C`: copies the selection, closes the overlay, stops the turn, clears the composer, or quits.
pub(crate) fn cancel(state: &mut State, now: Timestamp, fx: &mut Vec<Effect>) {
    if super::transcript::copying::copy_selection(state, now, fx) {
        // One step at a time: the selection is gone now.
    } else if !state.screen.overlays.is_empty() {
        overlays::close_top(state, now, fx);
    } else if state.current_conversation().is_some_and(|conversation| conversation.active_turn().is_some()) {
        stop_turn(state, now, fx);
    } else if !state.screen.pane.composer.is_empty() {
        let text = state.screen.pane.composer.take();
        switching::remember_prompt(state, text);
        state.screen.pane.editing = None;
        switching::schedule_draft_save(state, now);
    } else {
        confirm_quit(state, now, fx);
    }
}

/// Handles `^D`: the last step of `^C` if the composer is empty, else deletes to the right.
pub(crate) fn delete_or_quit(state: &mut State, now: Timestamp, fx: &mut Vec<Effect>) {
    if state.screen.pane.composer.is_empty() {
        confirm_quit(state, now, fx);
    } else {
        state.screen.pane.composer.delete(MotionDirection::Forward, MotionReach::Cluster);
        switching::schedule_draft_save(state, now);
    }
}

pub(crate) fn confirm_quit(state: &mut State, now: Timestamp, fx: &mut Vec<Effect>) {
    if state.screen.quit_until.is_some_and(|until| now < until) {
        quit(state, now, fx);
        return;
    }
    state.screen.quit_until = Some(now + QUIT_WINDOW);
}

/// Returns the text of the status line while a second `^C` quits.
pub fn quit_message(state: &State) -> Option<String> {
    state.screen.quit_until?;
    let running: usize = state.conversations.values().map(|conversation| conversation.turns.len()).sum();
    let keys = state.keymap.keys_of(Action::Cancel).unwrap_or_else(|| "^C".into());
    Some(match running {
        0 => format!("{keys} again to quit"),
        1 => format!("{keys} again to quit: 1 answer still runs and will be interrupted"),
        n => format!("{keys} again to quit: {n} answers still run and will be interrupted"),
    })
}
