//! Find: searching the conversation on the screen.

use crossterm::event::{KeyCode, KeyEvent};

use crate::ui::{State, keymap::KeyPress, screen::PaneFocus};
use crate::{
    chat::Timestamp,
    ui::transcript::{FindState, Transcript},
};

/// Opens the search field and gives it the keys.
pub(crate) fn open_find(state: &mut State, now: Timestamp) {
    match state.screen.transcript_mut() {
        Some(transcript) => {
            transcript.open_find();
            state.screen.focus = PaneFocus::Transcript;
        }
        None => state.screen.show_message(now, "there is nothing to search yet"),
    }
}

/// Returns whether the query is being typed.
pub(crate) fn is_typing(state: &State) -> bool {
    state.screen.focus == PaneFocus::Transcript && active_find(state).is_some_and(FindState::is_typing)
}

/// Handles a key while the query is being typed.
pub(crate) fn on_key(state: &mut State, key: KeyEvent) {
    if let Some(transcript) = state.screen.transcript_mut() {
        transcript.on_find_key(key);
    }
}

/// Moves to the next match with `Enter` during a search, or to the previous one with `Shift-Enter`.
pub(crate) fn on_enter(state: &mut State, now: Timestamp, key: KeyPress) -> bool {
    let can_walk = state.screen.focus == PaneFocus::Transcript
        && state.screen.selected_by().is_none()
        && active_find(state).is_some();
    if can_walk && key.code == KeyCode::Enter && !key.ctrl && !key.alt {
        walk_matches(state, now, !key.shift);
        return true;
    }
    false
}

pub(crate) fn walk_matches(state: &mut State, now: Timestamp, forward: bool) {
    if let Some(transcript) = state.screen.transcript_mut()
        && !transcript.step_match(forward)
    {
        state.screen.show_message(now, "there is no search yet");
    }
}

pub(crate) fn end_find(state: &mut State) {
    if let Some(transcript) = state.screen.transcript_mut() {
        transcript.close_find();
    }
}

/// Returns the search on the screen, if there is one.
pub fn active_find(state: &State) -> Option<&FindState> {
    state.screen.transcript().and_then(Transcript::find)
}

/// Ends the search when the focus has left the text.
pub(crate) fn sync(state: &mut State) {
    if matches!(state.screen.focus, PaneFocus::Composer | PaneFocus::Card) && active_find(state).is_some() {
        end_find(state);
    }
}
