//! The list of conversations: the focus, the cursor, the filter, a title edited in place.

use crossterm::event::{KeyCode, KeyEvent};

use super::{
    Effect, State,
    areas::{BOTH_DOCK, LIST_DOCKS},
    overlays::Overlay,
    panes,
    screen::{Focus, Shown},
};
use crate::{chat::Timestamp, widgets::list::Step};

/// Takes in what is to be listed; before each frame, and when the filter has changed.
pub(super) fn arrange(state: &mut State, now: Timestamp) {
    let today = now.to_zoned(state.time_zone.clone()).date();
    state.screen.list.arrange(&state.index, today, &state.time_zone);
}

/// Gives the keys to the list; where it is not docked it comes as an overlay.
pub(super) fn focus(state: &mut State) {
    if !state.screen.list_docked() {
        if state.screen.size.width >= LIST_DOCKS {
            dock(state);
        } else if !floats(state) {
            state.screen.overlays.push(Overlay::List);
        }
    }
    if state.screen.list.cursor.is_none() {
        let shown = state.screen.pane.shows.conversation();
        state.screen.list.cursor = shown.or_else(|| state.index.first().map(|row| row.id));
    }
    state.screen.focus = Focus::List;
}

/// Shows the list or hides it.
pub(super) fn toggle(state: &mut State) {
    if state.screen.size.width < LIST_DOCKS {
        if floats(state) {
            close_floating(state);
        } else {
            focus(state);
        }
    } else if state.screen.list_docked() {
        state.screen.list_wanted = Shown::No;
        if state.screen.focus == Focus::List {
            state.screen.focus = Focus::Composer;
        }
    } else {
        dock(state);
    }
}

fn dock(state: &mut State) {
    state.screen.list_wanted = Shown::Yes;
    if state.screen.size.width < BOTH_DOCK {
        state.screen.rail_wanted = Shown::No; // There is room for one of them.
    }
}

fn floats(state: &State) -> bool {
    state.screen.overlays.iter().any(|overlay| matches!(overlay, Overlay::List))
}

pub(super) fn close_floating(state: &mut State) {
    state.screen.overlays.retain(|overlay| !matches!(overlay, Overlay::List));
    if state.screen.focus == Focus::List && !state.screen.list_docked() {
        state.screen.focus = Focus::Composer;
    }
}

pub(super) fn step(state: &mut State, step: Step) {
    state.screen.list.step(step, &state.index);
}

/// Opens the conversation under the cursor.
pub(super) fn open(state: &mut State, now: Timestamp, fx: &mut Vec<Effect>) {
    if let Some(id) = state.screen.list.cursor {
        close_floating(state);
        state.screen.list.clear_filter();
        panes::open(state, now, id, fx);
    }
}

/// Edits the title under the cursor; away from the list, that of the conversation on the screen.
pub(super) fn begin_rename(state: &mut State, now: Timestamp) {
    if state.screen.focus != Focus::List {
        let Some(id) = state.screen.pane.shows.conversation() else { return };
        state.screen.list.cursor = Some(id);
        focus(state);
    }
    arrange(state, now);
    state.screen.list.start_rename(&state.index);
}

/// A filter or a title is being typed.
pub(super) fn types(state: &State) -> bool {
    state.screen.focus == Focus::List && (state.screen.list.filtering || state.screen.list.renaming.is_some())
}

/// Esc while a filter or a title is typed, or a filter holds.
pub(super) fn leave_field(state: &mut State, now: Timestamp) {
    if state.screen.list.renaming.take().is_none() {
        state.screen.list.clear_filter();
    }
    arrange(state, now);
}

/// A key while a filter or a title is typed; `false` when it means nothing there.
pub(super) fn on_field_key(state: &mut State, now: Timestamp, key: KeyEvent, fx: &mut Vec<Effect>) -> bool {
    match key.code {
        KeyCode::Enter => match state.screen.list.finish_rename() {
            Some((id, title)) => panes::rename(state, id, &title, fx),
            None => open(state, now, fx),
        },
        KeyCode::Up => step(state, Step::Up(1)),
        KeyCode::Down => step(state, Step::Down(1)),
        _ => {
            let edited = state.screen.list.edit(key);
            arrange(state, now);
            return edited;
        }
    }
    true
}
