//! What lies above everything: pickers, the form, the help, the welcome. Each takes keys here.

mod again;
mod code;
mod open;
mod picked;
mod themes;
mod tools;

use crossterm::event::{KeyCode, KeyEvent};
use ratatui::layout::{Position, Rect};

use super::{
    Action, Effect, State,
    keymap::{Context, Key, Meaning},
    looks,
    models::take_model,
    on_action::on_action,
    screen::{Focus, Leader},
};
use crate::{
    chat::Timestamp,
    config::Chosen,
    widgets::{
        form::Form,
        help::Help,
        pager::Pager,
        picker::{Move, Picker},
        tool_list::ToolList,
        welcome::Welcome,
        xray::Xray,
    },
};

pub(super) use again::open_again;
pub(super) use code::{ask_over, copy_code_block, on_piped, open_code, open_code_blocks};
pub(super) use open::{
    open_earlier, open_efforts, open_help, open_history, open_jump, open_key, open_models, open_models_for_again,
    open_mouse, open_palette, open_parameters, refresh_models,
};
pub(super) use picked::previewed_theme;
pub use picked::{Of, Picked};
pub(super) use picked::{accept, preview};
pub(super) use themes::{open_themes, refresh_themes};
pub use tools::takes_no_tools;
pub(super) use tools::{grant, open_tools, open_trust};

/// One thing above the screen; the last one has the keys.
#[derive(Debug)]
pub enum Overlay {
    Welcome(Box<Welcome>),
    Picker {
        of: Of,
        picker: Box<Picker<Picked>>,
    },
    Parameters(Box<Form>),
    Help(Help),
    Xray(Box<Xray>),
    Tools(Box<ToolList>),
    Pager(Box<Pager>),
    /// The list and the rail where they are not docked.
    List,
    Rail,
}

/// A key for the overlay on top.
pub(super) fn on_key(state: &mut State, now: Timestamp, event: KeyEvent, fx: &mut Vec<Effect>) {
    let key = Key::from(event);
    match state.keymap.meaning(Context::Global, &[], key) {
        Meaning::Does(Action::Cancel) if super::copying::copy_selection(state, now, fx) => return,
        Meaning::Does(action @ (Action::Back | Action::Cancel)) => {
            let stepped_back = match state.screen.overlays.last_mut() {
                Some(Overlay::Xray(xray)) => xray.back(),
                Some(Overlay::Tools(list)) => list.back(),
                Some(Overlay::Pager(pager)) => pager.back(),
                _ => false,
            };
            if !stepped_back && !welcome_back(state, now, action, fx) {
                close_top(state, now, fx);
            }
            return;
        }
        Meaning::Does(action @ (Action::Repaint | Action::Suspend)) => {
            on_action(state, now, action, fx);
            return;
        }
        Meaning::Does(_) | Meaning::Leads | Meaning::Nothing => (),
    }
    let screen = Rect::from((Position::ORIGIN, state.screen.size));
    match state.screen.overlays.last_mut() {
        Some(Overlay::Picker { .. }) => on_picker_key(state, now, event, screen, fx),
        Some(Overlay::Parameters(form)) => match (key.code, key.ctrl, key.shift) {
            (KeyCode::Tab, _, false) => form.next(),
            (KeyCode::Tab, _, true) => form.previous(),
            (KeyCode::Enter, _, _) | (KeyCode::Char('s'), true, _) => picked::keep_parameters(state, now, fx),
            _ => _ = form.edit(event),
        },
        Some(Overlay::Help(help)) => {
            let page = help.page(screen);
            match key.code {
                KeyCode::Up | KeyCode::Char('k') => help.scroll(-1, screen),
                KeyCode::Down | KeyCode::Char('j') => help.scroll(1, screen),
                KeyCode::PageUp => help.scroll(-page, screen),
                KeyCode::PageDown | KeyCode::Char(' ') => help.scroll(page, screen),
                KeyCode::Char('?' | 'q') | KeyCode::Enter => close_top(state, now, fx),
                _ => (),
            }
        }
        Some(Overlay::Xray(xray)) => {
            let wish = xray.key(event, screen);
            super::xray::grant(state, now, wish, fx);
        }
        Some(Overlay::Tools(list)) => {
            let wish = list.key(event, screen);
            grant(state, now, wish, fx);
        }
        Some(Overlay::Pager(pager)) => {
            let wish = pager.key(event);
            super::results::grant(state, now, wish, fx);
        }
        Some(Overlay::Welcome(_)) => picked::on_welcome_key(state, event, fx),
        Some(Overlay::List | Overlay::Rail) | None => (),
    }
}

fn on_picker_key(state: &mut State, now: Timestamp, event: KeyEvent, screen: Rect, fx: &mut Vec<Effect>) {
    let key = Key::from(event);
    let meaning = state.keymap.meaning(Context::Global, &[], key);
    let Some(Overlay::Picker { of, .. }) = state.screen.overlays.last() else { return };
    if let (Of::Again { answer }, KeyCode::Tab) = (of, key.code) {
        let answer = *answer;
        state.screen.overlays.pop();
        open_models_for_again(state, now, answer, fx);
        return;
    }
    if matches!(of, Of::Model | Of::ModelForAgain { .. }) && key.typed().is_none() {
        match meaning {
            Meaning::Leads => {
                state.screen.leader = Some(Leader { keys: vec![key], since: now });
                return;
            }
            Meaning::Does(action) => {
                if let Some(slot) = slot_of(action) {
                    put_on_slot(state, now, slot, fx);
                    return;
                }
            }
            Meaning::Nothing => (),
        }
    }
    if let (true, KeyCode::Char(letter @ ('s' | 'o'))) = (key.ctrl, key.code)
        && code::on_key(state, letter == 's')
    {
        return;
    }
    let Some(Overlay::Picker { picker, .. }) = state.screen.overlays.last_mut() else { return };
    let to = match (key.code, key.ctrl) {
        (KeyCode::Up, _) | (KeyCode::Char('p'), true) => Some(Move::Up),
        (KeyCode::Down, _) | (KeyCode::Char('n'), true) => Some(Move::Down),
        (KeyCode::PageUp, _) => Some(Move::PageUp),
        (KeyCode::PageDown, _) => Some(Move::PageDown),
        (KeyCode::Home, true) => Some(Move::First),
        (KeyCode::End, true) => Some(Move::Last),
        _ => None,
    };
    if let Some(to) = to {
        picker.go(to, screen);
    } else if key.code == KeyCode::Enter {
        picked::accept(state, now, fx);
        return;
    } else {
        picker.edit(event);
    }
    picked::preview(state);
}

/// Keeps the cursor of each overlay in sight; before each frame.
pub(super) fn sync(state: &mut State) {
    let screen = Rect::from((Position::ORIGIN, state.screen.size));
    tools::arrange(state, screen);
    for overlay in &mut state.screen.overlays {
        match overlay {
            Overlay::Picker { picker, .. } => picker.scroll_to_cursor(screen),
            Overlay::Parameters(form) => form.scroll_to_cursor(screen),
            Overlay::Xray(xray) => xray.arrange(screen.as_size()),
            Overlay::Pager(pager) => pager.arrange(screen.as_size()),
            Overlay::Welcome(_) | Overlay::Help(_) | Overlay::Tools(_) | Overlay::List | Overlay::Rail => (),
        }
    }
}

/// The slot, from 1, that an action is about.
pub(super) fn slot_of(action: Action) -> Option<u8> {
    (1..).zip(Action::SLOTS).find_map(|(slot, of_slot)| (of_slot == action).then_some(slot))
}

/// Puts the model under the cursor on a slot.
pub(super) fn put_on_slot(state: &mut State, now: Timestamp, slot: u8, fx: &mut Vec<Effect>) {
    let Some(Overlay::Picker { picker, .. }) = state.screen.overlays.last() else { return };
    let Some(Picked::Model(model)) = picker.chosen().map(|row| row.payload.clone()) else { return };
    for other in &mut state.slots {
        if other.as_ref() == Some(&model) {
            *other = None;
        }
    }
    state.slots[usize::from(slot) - 1] = Some(model.clone());
    state.screen.say(now, format!("{} is on slot {slot}", super::models::short(&model)));
    fx.push(Effect::Keep(Chosen::Slot(slot, model)));
    refresh_models(state);
}

/// A paste into the overlay on top.
pub(super) fn on_paste(state: &mut State, text: &str) {
    match state.screen.overlays.last_mut() {
        Some(Overlay::Picker { picker, .. }) => {
            picker.paste(text);
            picked::preview(state);
        }
        Some(Overlay::Parameters(form)) => form.paste(text),
        Some(Overlay::Welcome(welcome)) => welcome.paste(text),
        Some(Overlay::Xray(xray)) => xray.paste(text),
        Some(Overlay::Tools(list)) => list.paste(text),
        Some(Overlay::Pager(pager)) => pager.paste(text),
        Some(Overlay::Help(_) | Overlay::List | Overlay::Rail) | None => (),
    }
}

/// Closes the overlay on top; what it previewed is taken back.
pub(super) fn close_top(state: &mut State, now: Timestamp, fx: &mut Vec<Effect>) {
    match state.screen.overlays.pop() {
        Some(Overlay::Picker { of: Of::Theme, .. }) => _ = looks::restyle(state),
        Some(Overlay::List) => super::listing::leave_field(state, now),
        Some(Overlay::Welcome(_)) => on_action(state, now, Action::Quit, fx),
        Some(
            Overlay::Picker { .. }
            | Overlay::Parameters(_)
            | Overlay::Help(_)
            | Overlay::Xray(_)
            | Overlay::Tools(_)
            | Overlay::Pager(_)
            | Overlay::Rail,
        )
        | None => (),
    }
    let floating = matches!(state.screen.overlays.last(), Some(Overlay::List | Overlay::Rail));
    let docked = match state.screen.focus {
        Focus::List => state.screen.list_docked(),
        Focus::Rail => state.screen.rail_docked(),
        Focus::Composer | Focus::Card | Focus::Transcript => true,
    };
    if !floating && !docked {
        state.screen.focus = Focus::Composer;
    }
}

/// Esc in a field of the welcome screen goes back to its choices; on the choices nothing is left but to quit by Ctrl-C.
fn welcome_back(state: &mut State, now: Timestamp, action: Action, fx: &mut Vec<Effect>) -> bool {
    let Some(Overlay::Welcome(welcome)) = state.screen.overlays.last_mut() else { return false };
    if welcome.back() {
        return true;
    }
    if action == Action::Back {
        return !picked::can_close_welcome(state);
    }
    if picked::can_close_welcome(state) {
        return false;
    }
    super::ladders::again_to_quit(state, now, fx);
    true
}

/// A key or an address was stored and is in use, or why not.
pub(super) fn on_connected(state: &mut State, now: Timestamp, result: Result<String, String>, fx: &mut Vec<Effect>) {
    picked::on_connected(state, now, result, fx);
}

/// Takes a model for what the picker was opened for.
fn take(state: &mut State, now: Timestamp, of: &Of, model: String, fx: &mut Vec<Effect>) {
    match of {
        Of::Again { answer } | Of::ModelForAgain { answer } => {
            super::branching::answer_again(state, now, *answer, model, fx);
        }
        _ => take_model(state, model, fx),
    }
}
