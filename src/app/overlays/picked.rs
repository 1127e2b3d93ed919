//! What a picker's row stands for, and what happens when it is taken.

use std::sync::Arc;

use crossterm::event::{KeyCode, KeyEvent};

use super::{Overlay, code, take};
use crate::{
    api::Dialect,
    app::{
        Action, Effect, EndpointInfo, State, branching::edit_prompt, cards, copying::copied, looks, models,
        on_action::on_action, panes, screen::Focus,
    },
    chat::{ConversationId, Effort, MessageId, Timestamp},
    config::{Chosen, Mouse},
    widgets::{
        markdown::Code,
        transcript::{Cursor, Move, Target},
        welcome::Answer,
    },
};

/// What is being picked.
#[derive(Debug, Clone, PartialEq)]
pub enum Of {
    Everything,
    Model,
    /// The model of another answer to the same prompt.
    ModelForAgain {
        answer: MessageId,
    },
    /// The same, in one line.
    Again {
        answer: MessageId,
    },
    Effort,
    Prompt,
    /// A code block of the answer, to be copied.
    Code,
    /// A prompt of the branch, to be edited.
    Earlier,
    /// A prompt of the branch, to be gone to.
    Jump,
    /// Where to save a text.
    Path {
        text: Arc<str>,
    },
    /// Whether to save over a file.
    Over,
    /// What to give a text to.
    Command {
        text: Arc<str>,
    },
    /// What a command said.
    Output,
    Mouse,
    Theme,
}

/// What a row stands for.
#[derive(Debug, Clone, PartialEq)]
pub enum Picked {
    Action(Action),
    Conversation(ConversationId),
    Model(String),
    Effort(Option<Effort>),
    Prompt(String),
    Code {
        number: usize,
        code: Code,
    },
    Write {
        path: String,
        text: Arc<str>,
        over: bool,
    },
    /// A line of what a command said.
    Line {
        nth: usize,
        all: Arc<str>,
    },
    /// What was typed, where nothing is listed.
    Typed(String),
    Message(MessageId),
    Mouse(Mouse),
    Theme(String),
}

/// Enter in a picker: closes it and does what the row stands for.
pub(in crate::app) fn accept(state: &mut State, now: Timestamp, fx: &mut Vec<Effect>) {
    let Some(Overlay::Picker { of, picker }) = state.screen.overlays.last() else { return };
    let of = of.clone();
    let typed = picker.query.text().trim().to_owned();
    let picked = match picker.chosen() {
        Some(row) => row.payload.clone(),
        // A slug that the catalogue does not have is sent as it was typed.
        None if matches!(of, Of::Model | Of::ModelForAgain { .. } | Of::Again { .. }) && !typed.is_empty() => {
            Picked::Model(typed)
        }
        None if matches!(of, Of::Path { .. } | Of::Command { .. }) && !typed.is_empty() => Picked::Typed(typed),
        None => return,
    };
    state.screen.overlays.pop();
    match picked {
        Picked::Action(action) => on_action(state, now, action, fx),
        Picked::Conversation(id) => panes::open(state, now, id, fx),
        Picked::Model(model) => take(state, now, &of, model, fx),
        Picked::Effort(effort) => models::change(state, fx, |settings| settings.effort = effort),
        Picked::Prompt(text) => {
            state.screen.pane.composer.replace(&text);
            panes::draft_changed(state, now);
        }
        Picked::Code { code, .. } => copy_code(state, now, code.text, fx),
        Picked::Write { path, text, over } => code::write(state, path, text, over, fx),
        Picked::Line { all, .. } => {
            state.screen.say(now, copied(&all));
            fx.push(Effect::Copy(all.to_string()));
        }
        Picked::Typed(typed) => match of {
            Of::Path { text } => fx.push(Effect::WriteFile { path: typed, text, over: false }),
            Of::Command { text } => code::pipe(state, now, typed, text, fx),
            _ => (),
        },
        Picked::Message(id) if of == Of::Jump => go_to(state, id),
        Picked::Message(id) => edit_prompt(state, now, id, fx),
        Picked::Mouse(mouse) => {
            state.config.mouse = mouse;
            fx.push(Effect::TakeMouse(mouse));
            fx.push(Effect::Keep(Chosen::Mouse(mouse)));
        }
        Picked::Theme(name) => take_theme(state, now, name, fx),
    }
}

/// Shows a message from its first row on, with the cursor on it.
fn go_to(state: &mut State, id: MessageId) {
    state.screen.focus = Focus::Transcript;
    if let Some(transcript) = state.screen.transcript_mut() {
        transcript.point_at(Some(Cursor { message: id, target: Target::Message }));
        transcript.scroll(Move::To(id));
    }
}

pub(super) fn copy_code(state: &mut State, now: Timestamp, text: String, fx: &mut Vec<Effect>) {
    let lines = text.lines().count();
    state.screen.say(now, format!("copied the code, {lines} {}", if lines == 1 { "line" } else { "lines" }));
    fx.push(Effect::Copy(text));
}

/// The theme under the cursor of a picker of themes.
pub(in crate::app) fn previewed_theme(state: &State) -> Option<String> {
    let Some(Overlay::Picker { of: Of::Theme, picker }) = state.screen.overlays.last() else { return None };
    match &picker.chosen()?.payload {
        Picked::Theme(name) => Some(name.clone()),
        _ => None,
    }
}

/// A picker of themes shows the one under its cursor.
pub(in crate::app) fn preview(state: &mut State) {
    if matches!(state.screen.overlays.last(), Some(Overlay::Picker { of: Of::Theme, .. })) {
        looks::restyle(state); // What is wrong with a theme stands in its row.
    }
}

/// Keeps a theme, in the config as well; one that cannot be is told.
fn take_theme(state: &mut State, now: Timestamp, name: String, fx: &mut Vec<Effect>) {
    match state.looks.theme(&name, &state.config) {
        Ok(_) => {
            state.config.theme.clone_from(&name);
            fx.push(Effect::Keep(Chosen::Theme(name)));
        }
        Err(why) => state.screen.warn(now, why),
    }
    looks::restyle(state);
}

/// The form was filled in: its fields are the settings of the next message.
pub(super) fn keep_parameters(state: &mut State, now: Timestamp, fx: &mut Vec<Effect>) {
    let Some(Overlay::Parameters(form)) = state.screen.overlays.last_mut() else { return };
    let Some(values) = form.values() else { return };
    state.screen.overlays.pop();
    models::change(state, fx, |settings| {
        settings.instructions = values.instructions;
        settings.temperature = values.temperature;
        settings.top_p = values.top_p;
        settings.max_output_tokens = values.max_output_tokens;
    });
    state.screen.say(now, "these go with the next message");
}

pub(super) fn on_welcome_key(state: &mut State, event: KeyEvent, fx: &mut Vec<Effect>) {
    let Some(Overlay::Welcome(welcome)) = state.screen.overlays.last_mut() else { return };
    let typing = welcome.field.is_some();
    let answer = match event.code {
        KeyCode::Enter => welcome.enter(),
        KeyCode::Up | KeyCode::Down if !typing => {
            welcome.step(event.code == KeyCode::Down);
            None
        }
        KeyCode::Char(digit @ '1'..='3') if !typing => welcome.choose(digit as usize - '0' as usize),
        _ => {
            welcome.edit(event);
            None
        }
    };
    match answer {
        None => (),
        Some(Answer::Key(key)) => fx.push(Effect::SaveKey(key.into())),
        Some(Answer::Server(base_url)) => fx.push(Effect::SaveServer { base_url }),
        Some(Answer::Demo) => fx.push(Effect::StartDemo),
    }
}

/// The welcome can be left once there is something to talk to.
pub(super) fn can_close_welcome(state: &State) -> bool {
    state.endpoints.iter().any(|endpoint| endpoint.ready)
}

/// A key or an address was stored and is in use: its name; or why not.
pub(super) fn on_connected(state: &mut State, now: Timestamp, result: Result<String, String>, fx: &mut Vec<Effect>) {
    let name = match result {
        Ok(name) => name,
        Err(why) => {
            match state.screen.overlays.last_mut() {
                Some(Overlay::Welcome(welcome)) => welcome.fail(why),
                _ => state.screen.warn(now, why),
            }
            return;
        }
    };
    state.screen.overlays.retain(|overlay| !matches!(overlay, Overlay::Welcome(_)));
    match state.endpoints.iter_mut().find(|endpoint| endpoint.name == name) {
        Some(endpoint) => endpoint.ready = true,
        None => state.endpoints.push(EndpointInfo { name: name.clone(), dialect: Dialect::Other, ready: true }),
    }
    let model = models::default_model(state.dialect(&name)).to_owned();
    if state.fresh.endpoint != name {
        state.fresh.endpoint.clone_from(&name);
        state.fresh.model = model;
    }
    state.catalogues.remove(&name);
    models::know_models(state, now, fx);
    cards::retry_with_key(state, now, fx);
}
