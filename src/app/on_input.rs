//! Keys, pastes, resizes: to the overlay, else the focused pane, else the keys that work everywhere.

use crossterm::event::{Event as Input, KeyCode, KeyEvent, KeyEventKind, MouseEventKind};
use ratatui::layout::Size;

use super::{
    Action, Effect, State, attention, cards, citing, finding,
    keymap::{Context, Key, Meaning},
    listing,
    on_action::on_action,
    on_mouse,
    overlays::{self, Overlay},
    panes,
    screen::{Focus, Leader},
};
use crate::{chat::Timestamp, widgets::transcript::Transcript};

pub(super) fn on_input(state: &mut State, now: Timestamp, event: Input, more: bool, fx: &mut Vec<Effect>) {
    match event {
        Input::FocusLost => attention::leave(state),
        Input::FocusGained | Input::Key(_) | Input::Paste(_) | Input::Mouse(_) => attention::come_back(state),
        Input::Resize(..) => (),
    }
    // Keys that come in one read may follow each other without a frame between them.
    if matches!(event, Input::Key(_)) || is_release(&event) {
        settle(state, now, fx);
    }
    match event {
        Input::Key(key) if key.kind != KeyEventKind::Release => on_key(state, now, key, more, fx),
        Input::Paste(text) => on_paste(state, now, &text),
        Input::Resize(width, height) => state.screen.size = Size { width, height },
        Input::Mouse(event) => on_mouse::on_mouse(state, now, event, fx),
        Input::Key(_) | Input::FocusGained | Input::FocusLost => (),
    }
}

fn is_release(event: &Input) -> bool {
    matches!(event, Input::Mouse(mouse) if matches!(mouse.kind, MouseEventKind::Up(_)))
}

/// Brings the text up to date where the next key depends on it.
fn settle(state: &mut State, now: Timestamp, fx: &mut Vec<Effect>) {
    if state.screen.transcript().is_some_and(Transcript::is_unsettled) {
        fx.extend(super::sync(state, now, state.screen.size));
    }
}

fn on_key(state: &mut State, now: Timestamp, event: KeyEvent, more: bool, fx: &mut Vec<Effect>) {
    let key = Key::from(event);
    if let Some(leader) = state.screen.leader.take() {
        on_led(state, now, &leader, key, fx);
        return;
    }
    match state.screen.overlays.last() {
        None | Some(Overlay::List | Overlay::Rail) => (),
        Some(_) => {
            overlays::on_key(state, now, event, fx);
            return;
        }
    }
    if finding::types(state)
        && !matches!(
            state.keymap.meaning(Context::Global, &[], key),
            Meaning::Does(Action::Back | Action::Cancel | Action::Repaint | Action::Suspend) | Meaning::Leads
        )
    {
        finding::on_key(state, event);
        return;
    }
    if finding::takes_enter(state, now, key) {
        return;
    }
    if listing::types(state) && listing::on_field_key(state, now, event, fx) {
        return;
    }
    if let Some(letter) = key.typed()
        && state.screen.focus == Focus::Card
        && cards::take_key(state, now, letter, fx)
    {
        return;
    }
    if let Some(letter) = key.typed()
        && citing::take_key(state, now, letter, fx)
    {
        return;
    }
    let writing = state.screen.focus == Focus::Composer;
    if writing && more && key.code == KeyCode::Enter && !key.ctrl {
        on_action(state, now, Action::Newline, fx); // More bytes came with it: a paste without brackets.
        return;
    }
    match state.keymap.meaning(state.screen.context(), &[], key) {
        Meaning::Does(action) => does(state, now, key, action, fx),
        Meaning::Leads => state.screen.leader = Some(Leader { keys: vec![key], since: now }),
        Meaning::Nothing if writing => write(state, now, event, fx),
        Meaning::Nothing if state.screen.focus == Focus::Card && key.code == KeyCode::Enter => {
            cards::take_first(state, now, fx);
        }
        Meaning::Nothing => (),
    }
}

fn does(state: &mut State, now: Timestamp, key: Key, action: Action, fx: &mut Vec<Effect>) {
    if !matches!(action, Action::Cancel | Action::DeleteOrQuit) {
        state.screen.quitting = None;
    }
    let completes = action == Action::FocusNext && state.screen.focus == Focus::Composer && key.code == KeyCode::Tab;
    if completes && complete_slash(state) {
        panes::draft_changed(state, now);
        return;
    }
    on_action(state, now, action, fx);
}

/// The next key of a sequence: does it, waits for another, or leaves. In a picker of models only those of slots do.
fn on_led(state: &mut State, now: Timestamp, leader: &Leader, key: Key, fx: &mut Vec<Effect>) {
    let picks = matches!(state.screen.overlays.last(), Some(Overlay::Picker { .. }));
    let context = if picks { Context::Global } else { state.screen.context() };
    match state.keymap.meaning(context, &leader.keys, key) {
        Meaning::Does(action) if picks => {
            if let Some(slot) = overlays::slot_of(action) {
                overlays::put_on_slot(state, now, slot, fx);
            }
        }
        Meaning::Does(action) => on_action(state, now, action, fx),
        Meaning::Leads => {
            let keys = [leader.keys.as_slice(), &[key]].concat();
            state.screen.leader = Some(Leader { keys, since: leader.since });
        }
        Meaning::Nothing => (),
    }
}

/// A key that is no action: it edits, and at the first and last row it asks for the history.
fn write(state: &mut State, now: Timestamp, key: KeyEvent, fx: &mut Vec<Effect>) {
    state.screen.quitting = None;
    let composer = &mut state.screen.pane.composer;
    let changed = match key.code {
        KeyCode::End if composer.is_empty() && key.modifiers.is_empty() => {
            on_action(state, now, Action::ScrollEnd, fx);
            false
        }
        KeyCode::Up => !composer.up() && (take_back_queued(state, fx) || older(state)),
        KeyCode::Down => !composer.down() && composer.newer(&state.prompts),
        _ => composer.edit(key),
    };
    if changed {
        panes::draft_changed(state, now);
    }
}

fn older(state: &mut State) -> bool {
    state.screen.pane.composer.older(&state.prompts)
}

/// Up in an empty composer takes the last queued prompt back to be edited.
fn take_back_queued(state: &mut State, fx: &mut Vec<Effect>) -> bool {
    if !state.screen.pane.composer.is_empty() {
        return false;
    }
    let Some(id) = state.screen.pane.shows.conversation() else { return false };
    let Some(conversation) = state.open.get_mut(&id) else { return false };
    let Some(last) = conversation.queue.len().checked_sub(1) else { return false };
    let Some((text, next)) = conversation.take_queued(last) else { return false };
    state.screen.pane.composer.set_text(&text);
    super::on_store::carry_out(state, id, next, fx);
    true
}

/// Completes `/mod` to `/models` where only one action fits.
fn complete_slash(state: &mut State) -> bool {
    let text = state.screen.pane.composer.text();
    let Some(begun) = text.strip_prefix('/').filter(|begun| !begun.is_empty() && !begun.contains(char::is_whitespace))
    else {
        return false;
    };
    let mut fitting = super::action::TABLE
        .iter()
        .filter(|entry| entry.listed == super::action::Listed::Palette && entry.name.starts_with(begun));
    match (fitting.next(), fitting.next()) {
        (Some(only), None) => {
            let command = format!("/{}", only.name);
            state.screen.pane.composer.replace(&command);
            true
        }
        _ => false,
    }
}

/// A paste never sends: it goes into the field that is being written.
fn on_paste(state: &mut State, now: Timestamp, text: &str) {
    state.screen.leader = None;
    match state.screen.overlays.last() {
        None => {
            if finding::types(state) {
                if let Some(transcript) = state.screen.transcript_mut() {
                    transcript.find_paste(text);
                }
            } else if listing::types(state) {
                state.screen.list.paste(text);
                listing::arrange(state, now);
            } else {
                state.screen.focus = Focus::Composer;
                state.screen.pane.composer.insert_str(text);
                panes::draft_changed(state, now);
            }
        }
        Some(_) => overlays::on_paste(state, text),
    }
}
