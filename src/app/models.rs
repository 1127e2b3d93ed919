//! Models, slots, efforts and web search of the next message.

use std::sync::Arc;

use jiff::SignedDuration;

use super::{Action, Effect, State, on_store::carry_out, screen::Shows, state::Models};
use crate::{
    api::{Catalogue, Dialect, models::Efforts},
    chat::{ConversationId, Effort, Settings, Timestamp, request::Context},
};

/// Asks for the catalogue of the endpoint on the screen, unless it is known or on its way.
pub(super) fn know_models(state: &mut State, now: Timestamp, fx: &mut Vec<Effect>) {
    let endpoint = state.settings().endpoint.clone();
    let known = matches!(state.catalogues.get(&endpoint), Some(Models::Loaded(_) | Models::Loading { .. }));
    if !known && state.endpoint(&endpoint).is_some_and(|endpoint| endpoint.ready) {
        state.catalogues.insert(endpoint.clone(), Models::Loading { since: now });
        fx.push(Effect::FetchModels { endpoint });
    }
}

/// A catalogue came, or did not.
pub(super) fn on_models(
    state: &mut State,
    now: Timestamp,
    endpoint: &str,
    result: Result<Catalogue, crate::api::Error>,
    fx: &mut Vec<Effect>,
) {
    match result {
        Ok(catalogue) => {
            state.catalogues.insert(endpoint.to_owned(), Models::Loaded(Arc::new(catalogue)));
            need_model(state, now, fx);
        }
        Err(error) => {
            if state.catalogue(endpoint).is_none() {
                state.catalogues.insert(endpoint.to_owned(), Models::Failed(error));
            }
        }
    }
    super::overlays::refresh_models(state);
    for id in state.open.keys().copied().collect::<Vec<_>>() {
        keep_context(state, id);
    }
}

/// A server without a model of its own choice: takes its only one, else asks. Nothing is asked while a conversation is
/// being read, for it has a model.
pub(super) fn need_model(state: &mut State, now: Timestamp, fx: &mut Vec<Effect>) {
    if !state.settings().model.is_empty() || matches!(state.screen.pane.shows, Shows::Loading(_)) {
        return;
    }
    let endpoint = state.settings().endpoint.clone();
    match state.catalogue(&endpoint).map(|catalogue| catalogue.models.as_slice()) {
        Some([only]) => {
            let only = only.id.clone();
            take_model(state, only, fx);
        }
        Some([_, _, ..]) => super::overlays::open_models(state, now, fx),
        Some([]) | None => (),
    }
}

/// Tells a conversation what its requests need to know beyond itself.
pub(super) fn keep_context(state: &mut State, id: ConversationId) {
    let Some(conversation) = state.open.get(&id) else { return };
    let context = context_for(state, &conversation.settings);
    if let Some(conversation) = state.open.get_mut(&id) {
        conversation.context = context;
    }
}

fn context_for(state: &State, settings: &Settings) -> Context {
    Context {
        dialect: state.dialect(&settings.endpoint),
        catalogue: state.catalogue(&settings.endpoint).cloned().unwrap_or_default(),
        search: state.config.search.clone(),
        summary: state.config.reasoning.summary,
        stream: state.config.endpoints.get(&settings.endpoint).is_none_or(|endpoint| endpoint.stream),
        patience: SignedDuration::try_from(state.config.limits(&settings.endpoint).silence_stop)
            .unwrap_or(SignedDuration::MAX),
        provider: state.config.provider.clone(),
        tools: state.tools.toolbox().clone(),
        coming: state.tools.coming(),
        hosted: state.config.tools.hosted.clone(),
    }
}

/// Changes the settings of the next message: of the conversation on the screen, else of the next new one.
pub(super) fn change(state: &mut State, fx: &mut Vec<Effect>, edit: impl FnOnce(&mut Settings)) {
    let Some(conversation) = state.current() else {
        edit(&mut state.fresh);
        return;
    };
    let id = conversation.id;
    let mut settings = conversation.settings.clone();
    edit(&mut settings);
    if let Some(conversation) = state.open.get_mut(&id) {
        let next = conversation.set_settings(settings);
        carry_out(state, id, next, fx);
    }
    keep_context(state, id);
}

/// Takes a model for the next message; an effort that it does not have is dropped.
pub(super) fn take_model(state: &mut State, model: String, fx: &mut Vec<Effect>) {
    change(state, fx, |settings| settings.model = model);
    let lost = match (state.settings().effort, efforts(state)) {
        (Some(effort), Some(efforts)) => !efforts.offered.contains(&effort),
        _ => false,
    };
    if lost {
        change(state, fx, |settings| settings.effort = None);
    }
}

pub(super) fn take_slot(state: &mut State, now: Timestamp, slot: usize, fx: &mut Vec<Effect>) {
    if let Some(model) = state.slots.get(slot).cloned().flatten() {
        take_model(state, model, fx);
    } else {
        let n = slot + 1;
        let models = models_key(state);
        let words = match state.keymap.keys_of(Action::SLOTS[slot]) {
            Some(keys) => format!("slot {n} is empty: {models}, then {keys} puts a model on it"),
            None => format!("slot {n} is empty, and no key leads to it"),
        };
        state.screen.say(now, words);
    }
}

fn models_key(state: &State) -> String {
    state.keymap.keys_of(Action::Models).unwrap_or_else(|| "/models".into())
}

/// The next filled slot after the one of the present model; `by` is 1 or -1.
pub(super) fn cycle_slots(state: &mut State, now: Timestamp, by: isize, fx: &mut Vec<Effect>) {
    let filled: Vec<String> = state.slots.iter().flatten().cloned().collect();
    if filled.is_empty() {
        let models = models_key(state);
        let words = match state.keymap.keys_of(Action::Slot1) {
            Some(keys) => format!("no slot is filled: {models}, then {keys} puts a model on the first"),
            None => "no slot is filled, and no key leads to the first".into(),
        };
        state.screen.say(now, words);
        return;
    }
    let count = filled.len().cast_signed();
    let present = filled.iter().position(|model| *model == state.settings().model);
    let next = match present {
        Some(at) => (at.cast_signed() + by).rem_euclid(count),
        None if by > 0 => 0,
        None => count - 1,
    };
    take_model(state, filled[next.cast_unsigned()].clone(), fx);
}

/// The efforts of the present model: what its catalogue says, else all where the model is not known.
pub(super) fn efforts(state: &State) -> Option<Efforts> {
    match state.model() {
        Some(model) => model.reasoning.clone(),
        None => Some(Efforts { offered: Effort::ALL.to_vec(), mandatory: false }),
    }
}

/// Walks unset, then the efforts of the model from the lowest, then unset again.
pub(super) fn next_effort(state: &mut State, now: Timestamp, fx: &mut Vec<Effect>) {
    let offered = efforts(state).map(|efforts| efforts.offered).unwrap_or_default();
    if offered.is_empty() {
        state.screen.say(now, format!("{} has no efforts to choose from", short(&state.settings().model)));
        return;
    }
    let next = match state.settings().effort {
        None => offered.first().copied(),
        Some(effort) => offered.iter().copied().find(|other| *other > effort),
    };
    change(state, fx, |settings| settings.effort = next);
}

pub(super) fn toggle_web(state: &mut State, now: Timestamp, fx: &mut Vec<Effect>) {
    if state.settings().model.ends_with(":online") {
        state.screen.say(now, "this model searches by itself: its name ends in :online");
        return;
    }
    change(state, fx, |settings| settings.web = !settings.web);
}

/// The name without its vendor, for the status line and messages.
pub fn short(model: &str) -> &str {
    model.rsplit('/').next().unwrap_or(model)
}

/// The model of a new conversation when nothing else names one; none where a server's models are not known beforehand.
pub fn default_model(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::OpenRouter => "openrouter/auto",
        Dialect::OpenAi | Dialect::Other => "",
    }
}
