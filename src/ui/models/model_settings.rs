//! The model, slot, effort and web search of the next message.

use std::sync::Arc;

use jiff::SignedDuration;

use crate::ui::{Action, Effect, State, on_store::carry_out, screen::PaneContent, state::CatalogueState};
use crate::{
    api::{ApiDialect, Catalogue, catalogue::ReasoningEfforts},
    chat::{ChatSettings, ConversationId, Effort, Timestamp, request::RequestContext},
};

/// Requests the catalogue of the current endpoint, unless it is known or being loaded.
pub(crate) fn fetch_models(state: &mut State, now: Timestamp, fx: &mut Vec<Effect>) {
    let endpoint = state.settings().endpoint.clone();
    let is_known =
        matches!(state.catalogues.get(&endpoint), Some(CatalogueState::Loaded(_) | CatalogueState::Loading { .. }));
    if !is_known && state.endpoint(&endpoint).is_some_and(|endpoint| endpoint.is_ready) {
        state.catalogues.insert(endpoint.clone(), CatalogueState::Loading { since: now });
        fx.push(Effect::FetchModels { endpoint });
    }
}

/// Stores a catalogue, or the error if it could not be loaded.
pub(crate) fn on_models(
    state: &mut State,
    now: Timestamp,
    endpoint: &str,
    result: Result<Catalogue, crate::api::ApiError>,
    fx: &mut Vec<Effect>,
) {
    match result {
        Ok(catalogue) => {
            state.catalogues.insert(endpoint.to_owned(), CatalogueState::Loaded(Arc::new(catalogue)));
            ensure_model(state, now, fx);
        }
        Err(error) => {
            if state.catalogue(endpoint).is_none() {
                state.catalogues.insert(endpoint.to_owned(), CatalogueState::Failed(error));
            }
        }
    }
    crate::ui::overlays::refresh_models(state);
    for id in state.conversations.keys().copied().collect::<Vec<_>>() {
        update_request_context(state, id);
    }
}

/// Chooses a model if none is set: the server's only one, else the user is asked. Does nothing while a conversation is
/// being loaded, because that has a model.
pub(crate) fn ensure_model(state: &mut State, now: Timestamp, fx: &mut Vec<Effect>) {
    if !state.settings().model.is_empty() || matches!(state.screen.pane.content, PaneContent::Loading(_)) {
        return;
    }
    let endpoint = state.settings().endpoint.clone();
    match state.catalogue(&endpoint).map(|catalogue| catalogue.models.as_slice()) {
        Some([only]) => {
            let only = only.id.clone();
            set_model(state, only, fx);
        }
        Some([_, _, ..]) => crate::ui::overlays::open_models(state, now, fx),
        Some([]) | None => (),
    }
}

/// Updates what a conversation's requests need to know from outside it.
pub(crate) fn update_request_context(state: &mut State, id: ConversationId) {
    let Some(conversation) = state.conversations.get(&id) else { return };
    let context = request_context(state, &conversation.settings);
    if let Some(conversation) = state.conversations.get_mut(&id) {
        conversation.context = context;
    }
}

fn request_context(state: &State, settings: &ChatSettings) -> RequestContext {
    RequestContext {
        dialect: state.dialect(&settings.endpoint),
        catalogue: state.catalogue(&settings.endpoint).cloned().unwrap_or_default(),
        search: state.config.search.clone(),
        summary: state.config.reasoning.summary,
        stream: state.config.endpoints.get(&settings.endpoint).is_none_or(|endpoint| endpoint.stream),
        idle_timeout: SignedDuration::try_from(state.config.time_limits(&settings.endpoint).silence_stop)
            .unwrap_or(SignedDuration::MAX),
        provider: state.config.provider.clone(),
        tools: state.tools.toolbox().clone(),
        starting_servers: state.tools.awaited_servers(),
        hosted: state.config.tools.hosted.clone(),
    }
}

/// Changes the settings of the conversation on the screen, else of the next new one.
pub(crate) fn change_settings(state: &mut State, fx: &mut Vec<Effect>, edit: impl FnOnce(&mut ChatSettings)) {
    let Some(conversation) = state.current_conversation() else {
        edit(&mut state.new_settings);
        return;
    };
    let id = conversation.id;
    let mut settings = conversation.settings.clone();
    edit(&mut settings);
    if let Some(conversation) = state.conversations.get_mut(&id) {
        let next = conversation.set_settings(settings);
        carry_out(state, id, next, fx);
    }
    update_request_context(state, id);
}

/// Sets the model of the next message, and drops an effort that the model does not offer.
pub(crate) fn set_model(state: &mut State, model: String, fx: &mut Vec<Effect>) {
    change_settings(state, fx, |settings| settings.model = model);
    let is_unavailable = match (state.settings().effort, available_efforts(state)) {
        (Some(effort), Some(efforts)) => !efforts.offered.contains(&effort),
        _ => false,
    };
    if is_unavailable {
        change_settings(state, fx, |settings| settings.effort = None);
    }
}

pub(crate) fn use_slot(state: &mut State, now: Timestamp, slot: usize, fx: &mut Vec<Effect>) {
    if let Some(model) = state.slots.get(slot).cloned().flatten() {
        set_model(state, model, fx);
    } else {
        let number = slot + 1;
        let models = models_key(state);
        let message = match state.keymap.keys_of(Action::SLOTS[slot]) {
            Some(keys) => format!("slot {number} is empty: {models}, then {keys} puts a model on it"),
            None => format!("slot {number} is empty, and no key is bound to it"),
        };
        state.screen.show_message(now, message);
    }
}

fn models_key(state: &State) -> String {
    state.keymap.keys_of(Action::ChooseModel).unwrap_or_else(|| "/models".into())
}

/// Moves to the next filled slot after that of the current model, or with -1 to the previous one.
pub(crate) fn cycle_slots(state: &mut State, now: Timestamp, step: isize, fx: &mut Vec<Effect>) {
    let filled: Vec<String> = state.slots.iter().flatten().cloned().collect();
    if filled.is_empty() {
        let models = models_key(state);
        let message = match state.keymap.keys_of(Action::Slot1) {
            Some(keys) => format!("no slot is filled: {models}, then {keys} puts a model on the first"),
            None => "no slot is filled, and no key is bound to the first".into(),
        };
        state.screen.show_message(now, message);
        return;
    }
    let count = filled.len().cast_signed();
    let current = filled.iter().position(|model| *model == state.settings().model);
    let next = match current {
        Some(at) => (at.cast_signed() + step).rem_euclid(count),
        None if step > 0 => 0,
        None => count - 1,
    };
    set_model(state, filled[next.cast_unsigned()].clone(), fx);
}

/// Returns the efforts of the current model from the catalogue, or all efforts if the model is unknown.
pub(crate) fn available_efforts(state: &State) -> Option<ReasoningEfforts> {
    match state.current_model() {
        Some(model) => model.reasoning.clone(),
        None => Some(ReasoningEfforts { offered: Effort::ALL.to_vec(), mandatory: false }),
    }
}

/// Cycles through unset and the model's efforts, from the lowest.
pub(crate) fn next_effort(state: &mut State, now: Timestamp, fx: &mut Vec<Effect>) {
    let offered = available_efforts(state).map(|efforts| efforts.offered).unwrap_or_default();
    if offered.is_empty() {
        state
            .screen
            .show_message(now, format!("{} has no efforts to choose from", short_name(&state.settings().model)));
        return;
    }
    let next = match state.settings().effort {
        None => offered.first().copied(),
        Some(effort) => offered.iter().copied().find(|other| *other > effort),
    };
    change_settings(state, fx, |settings| settings.effort = next);
}

pub(crate) fn toggle_web(state: &mut State, now: Timestamp, fx: &mut Vec<Effect>) {
    if state.settings().model.ends_with(":online") {
        state.screen.show_message(now, "this model already searches the web: its name ends in :online");
        return;
    }
    change_settings(state, fx, |settings| settings.web = !settings.web);
}

/// Returns the name of a model without its vendor, for the status line and messages.
pub fn short_name(model: &str) -> &str {
    model.rsplit('/').next().unwrap_or(model)
}

/// Returns the default model of a new conversation; empty if the server's models are not known in advance.
pub fn default_model(dialect: ApiDialect) -> &'static str {
    match dialect {
        ApiDialect::OpenRouter => "openrouter/auto",
        ApiDialect::OpenAi | ApiDialect::Other => "",
    }
}
