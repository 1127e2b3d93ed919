//! The Esc and Ctrl-C ladders: what each does now, from the top step down.

use super::{
    Action, Effect, State, citing, listing,
    on_action::{change, quit},
    overlays, panes,
    screen::{Editing, Focus, QUITTING},
};
use crate::{
    chat::{Phase, Timestamp},
    widgets::composer::{Reach, Towards},
};

/// What Esc does now; the status line says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Esc {
    CloseOverlay,
    LeaveFilter,
    /// Ends the command that a text was given to.
    StopCommand,
    LeaveEditing,
    LeaveSelection,
    EndFind,
    /// Leaves a call that asks as it was.
    LeaveCall,
    /// The question of a source's card, else the card.
    CloseSource,
    LeavePane,
    /// Ends a wait, gives up the attempt.
    GiveUp,
    StopTurn,
    Nothing,
}

pub fn esc(state: &State) -> Esc {
    if !state.screen.overlays.is_empty() {
        return Esc::CloseOverlay;
    }
    if state.screen.command.is_some() {
        return Esc::StopCommand;
    }
    if state.screen.focus == Focus::List && (listing::types(state) || state.screen.list.filter.is_some()) {
        return Esc::LeaveFilter;
    }
    if state.screen.focus == Focus::Transcript && state.screen.selecting().is_some() {
        return Esc::LeaveSelection;
    }
    if state.screen.focus == Focus::Transcript && super::finding::find(state).is_some() {
        return Esc::EndFind;
    }
    if citing::has_card(state) {
        return Esc::CloseSource;
    }
    if state.screen.focus != Focus::Composer {
        return Esc::LeavePane;
    }
    match state.screen.pane.editing {
        Some(Editing::Prompt(_)) => return Esc::LeaveEditing,
        Some(Editing::Arguments(_) | Editing::Reason(_)) => return Esc::LeaveCall,
        None => (),
    }
    match state.current().and_then(|conversation| conversation.active_turn()).map(|turn| &turn.phase) {
        Some(Phase::Waiting { .. }) => Esc::GiveUp,
        Some(_) => Esc::StopTurn,
        None => Esc::Nothing,
    }
}

pub(super) fn back(state: &mut State, now: Timestamp, fx: &mut Vec<Effect>) {
    match esc(state) {
        Esc::CloseOverlay => overlays::close_top(state, now, fx),
        Esc::StopCommand => {
            if let Some(command) = state.screen.command.take() {
                state.screen.say(now, format!("{command} was stopped"));
            }
            fx.push(Effect::StopPipe);
        }
        Esc::LeaveFilter => listing::leave_field(state, now),
        Esc::LeaveEditing => leave_editing(state, now, "the prompt stays as it was"),
        Esc::LeaveCall => {
            leave_editing(state, now, "the call stays as it was");
            state.screen.focus = Focus::Card;
        }
        Esc::LeaveSelection => {
            if let Some(transcript) = state.screen.transcript_mut() {
                transcript.unselect();
            }
        }
        Esc::EndFind => super::finding::end(state),
        Esc::CloseSource => citing::close(state),
        Esc::LeavePane => {
            citing::leave(state);
            state.screen.focus = Focus::Composer;
        }
        Esc::GiveUp | Esc::StopTurn => stop(state, now, fx),
        Esc::Nothing => (),
    }
}

fn leave_editing(state: &mut State, now: Timestamp, words: &str) {
    state.screen.pane.editing = None;
    let draft = state.current().map(|conversation| conversation.draft.clone()).unwrap_or_default();
    state.screen.pane.composer.set_text(&draft);
    state.screen.say(now, words);
}

/// Stops the turn on the screen, in whatever phase it is.
fn stop(state: &mut State, now: Timestamp, fx: &mut Vec<Effect>) {
    let turn = state.current().and_then(|conversation| Some((conversation.id, conversation.active_turn()?.id)));
    if let Some((id, turn)) = turn {
        change(state, id, fx, |conversation, _| conversation.stop(turn, now));
    }
}

/// Ctrl-C: selection, overlay, turn, text, and then the program.
pub(super) fn cancel(state: &mut State, now: Timestamp, fx: &mut Vec<Effect>) {
    if super::copying::copy_selection(state, now, fx) {
        // The selection is no more: the next step is the next time's.
    } else if !state.screen.overlays.is_empty() {
        overlays::close_top(state, now, fx);
    } else if state.current().is_some_and(|conversation| conversation.active_turn().is_some()) {
        stop(state, now, fx);
    } else if !state.screen.pane.composer.is_empty() {
        let text = state.screen.pane.composer.take();
        panes::remember(state, text);
        state.screen.pane.editing = None;
        panes::draft_changed(state, now);
    } else {
        again_to_quit(state, now, fx);
    }
}

/// Ctrl-D: the last step of Ctrl-C where nothing is typed, else a deletion.
pub(super) fn delete_or_quit(state: &mut State, now: Timestamp, fx: &mut Vec<Effect>) {
    if state.screen.pane.composer.is_empty() {
        again_to_quit(state, now, fx);
    } else {
        state.screen.pane.composer.delete(Towards::End, Reach::Cluster);
        panes::draft_changed(state, now);
    }
}

pub(super) fn again_to_quit(state: &mut State, now: Timestamp, fx: &mut Vec<Effect>) {
    if state.screen.quitting.is_some_and(|until| now < until) {
        quit(state, now, fx);
        return;
    }
    state.screen.quitting = Some(now + QUITTING);
}

/// The words on the status line while a second Ctrl-C quits.
pub fn quitting_words(state: &State) -> Option<String> {
    state.screen.quitting?;
    let running: usize = state.open.values().map(|conversation| conversation.turns.len()).sum();
    let keys = state.keymap.keys_of(Action::Cancel).unwrap_or_else(|| "^C".into());
    Some(match running {
        0 => format!("{keys} again to quit"),
        1 => format!("{keys} again to quit: 1 answer still runs and will be interrupted"),
        n => format!("{keys} again to quit: {n} answers still run and will be interrupted"),
    })
}
