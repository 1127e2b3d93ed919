//! The list of conversations: its focus, cursor and filter, and renaming in place.

use crossterm::event::{KeyCode, KeyEvent};

use super::switching;
use crate::ui::{
    Effect, State,
    areas::{BOTH_DOCK_WIDTH, LIST_DOCK_WIDTH},
    overlays::ScreenOverlay,
    screen::{PaneFocus, PaneVisibility},
};
use crate::{chat::Timestamp, ui::conversations::list::ListStep};

/// Updates the rows of the list, before each frame and after a change of the filter.
pub(crate) fn refresh_rows(state: &mut State, now: Timestamp) {
    let today = now.to_zoned(state.time_zone.clone()).date();
    state.screen.list.arrange(&state.index, today, &state.time_zone);
}

/// Moves the focus to the list, and opens it as an overlay if it cannot be docked.
pub(crate) fn focus_list(state: &mut State) {
    if !state.screen.is_list_docked() {
        if state.screen.size.width >= LIST_DOCK_WIDTH {
            dock(state);
        } else if !is_floating(state) {
            state.screen.overlays.push(ScreenOverlay::List);
        }
    }
    if state.screen.list.cursor.is_none() {
        let shown = state.screen.pane.content.conversation_id();
        state.screen.list.cursor = shown.or_else(|| state.index.first().map(|row| row.id));
    }
    state.screen.focus = PaneFocus::List;
}

/// Shows or hides the list.
pub(crate) fn toggle_list(state: &mut State) {
    if state.screen.size.width < LIST_DOCK_WIDTH {
        if is_floating(state) {
            close_floating(state);
        } else {
            focus_list(state);
        }
    } else if state.screen.is_list_docked() {
        state.screen.list_visibility = PaneVisibility::Hidden;
        if state.screen.focus == PaneFocus::List {
            state.screen.focus = PaneFocus::Composer;
        }
    } else {
        dock(state);
    }
}

fn dock(state: &mut State) {
    state.screen.list_visibility = PaneVisibility::Shown;
    if state.screen.size.width < BOTH_DOCK_WIDTH {
        state.screen.rail_visibility = PaneVisibility::Hidden; // There is room for only one of them.
    }
}

fn is_floating(state: &State) -> bool {
    state.screen.overlays.iter().any(|overlay| matches!(overlay, ScreenOverlay::List))
}

pub(crate) fn close_floating(state: &mut State) {
    state.screen.overlays.retain(|overlay| !matches!(overlay, ScreenOverlay::List));
    if state.screen.focus == PaneFocus::List && !state.screen.is_list_docked() {
        state.screen.focus = PaneFocus::Composer;
    }
}

pub(crate) fn step_cursor(state: &mut State, step: ListStep) {
    state.screen.list.move_cursor(step, &state.index);
}

/// Opens the conversation under the cursor.
pub(crate) fn open_selected(state: &mut State, now: Timestamp, fx: &mut Vec<Effect>) {
    if let Some(id) = state.screen.list.cursor {
        close_floating(state);
        state.screen.list.clear_filter();
        switching::open_conversation(state, now, id, fx);
    }
}

/// Edits the title under the cursor, or that of the conversation on the screen if the list has no focus.
pub(crate) fn begin_rename(state: &mut State, now: Timestamp) {
    if state.screen.focus != PaneFocus::List {
        let Some(id) = state.screen.pane.content.conversation_id() else { return };
        state.screen.list.cursor = Some(id);
        focus_list(state);
    }
    refresh_rows(state, now);
    state.screen.list.start_rename(&state.index);
}

/// Returns whether a filter or a title is being typed.
pub(crate) fn is_typing(state: &State) -> bool {
    state.screen.focus == PaneFocus::List && (state.screen.list.is_filtering || state.screen.list.renaming.is_some())
}

/// Handles `Esc` while a filter or a title is being typed, or a filter is active.
pub(crate) fn leave_field(state: &mut State, now: Timestamp) {
    if state.screen.list.renaming.take().is_none() {
        state.screen.list.clear_filter();
    }
    refresh_rows(state, now);
}

/// Handles a key while a filter or a title is being typed; returns `false` if the field does not use it.
pub(crate) fn on_field_key(state: &mut State, now: Timestamp, key: KeyEvent, fx: &mut Vec<Effect>) -> bool {
    match key.code {
        KeyCode::Enter => match state.screen.list.finish_rename() {
            Some((id, title)) => switching::rename_conversation(state, id, &title, fx),
            None => open_selected(state, now, fx),
        },
        KeyCode::Up => step_cursor(state, ListStep::Up(1)),
        KeyCode::Down => step_cursor(state, ListStep::Down(1)),
        _ => {
            let edited = state.screen.list.edit(key);
            refresh_rows(state, now);
            return edited;
        }
    }
    true
}
