//! Finding in the conversation on the screen.

use crossterm::event::{KeyCode, KeyEvent};

use super::{State, keymap::Key, screen::Focus};
use crate::{
    chat::Timestamp,
    widgets::transcript::{Find, Transcript},
};

/// Gives the keys to the field of the search.
pub(super) fn open(state: &mut State, now: Timestamp) {
    match state.screen.transcript_mut() {
        Some(transcript) => {
            transcript.open_find();
            state.screen.focus = Focus::Transcript;
        }
        None => state.screen.say(now, "there is nothing to look through yet"),
    }
}

/// Whether the query is being typed.
pub(super) fn types(state: &State) -> bool {
    state.screen.focus == Focus::Transcript && find(state).is_some_and(Find::types)
}

/// A key while the query is typed.
pub(super) fn on_key(state: &mut State, key: KeyEvent) {
    if let Some(transcript) = state.screen.transcript_mut() {
        transcript.find_key(key);
    }
}

/// Enter goes on to the next match while there is a search, Shift-Enter to the one before.
pub(super) fn takes_enter(state: &mut State, now: Timestamp, key: Key) -> bool {
    let walks = state.screen.focus == Focus::Transcript && state.screen.selecting().is_none() && find(state).is_some();
    if walks && key.code == KeyCode::Enter && !key.ctrl && !key.alt {
        walk(state, now, !key.shift);
        return true;
    }
    false
}

pub(super) fn walk(state: &mut State, now: Timestamp, forward: bool) {
    if let Some(transcript) = state.screen.transcript_mut()
        && !transcript.walk_matches(forward)
    {
        state.screen.say(now, "nothing was looked for yet");
    }
}

pub(super) fn end(state: &mut State) {
    if let Some(transcript) = state.screen.transcript_mut() {
        transcript.end_find();
    }
}

/// The search on the screen, while there is one.
pub fn find(state: &State) -> Option<&Find> {
    state.screen.transcript().and_then(Transcript::find)
}

/// A search ends where the keys are no longer the text's.
pub(super) fn sync(state: &mut State) {
    if matches!(state.screen.focus, Focus::Composer | Focus::Card) && find(state).is_some() {
        end(state);
    }
}
