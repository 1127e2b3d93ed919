//! The model, slot, effort and web search of the next message.

use crate::ui::{chats::Chats, cx::Cx, environment::Environment, screen::Screen};
use std::sync::Arc;

use jiff::SignedDuration;

use crate::ui::{
    Action, Effect,
    chats::PaneContent,
    environment::CatalogueState,
    on_store::carry_out,
    toasts::{ToastSubject, ToastText},
};
use crate::{
    api::{ApiDialect, Catalogue, catalogue::ReasoningEfforts},
    chat::{ChatSettings, ConversationId, Effort, request::RequestContext},
};

/// Requests the catalogue of the current endpoint, unless it is known or being loaded.
pub(crate) fn fetch_models(cx: &mut Cx<'_>) {
    let now = cx.now;
    let endpoint = cx.chats.settings().endpoint.clone();
    let is_known =
        matches!(cx.env.catalogues.get(&endpoint), Some(CatalogueState::Loaded(_) | CatalogueState::Loading { .. }));
    if !is_known && cx.env.endpoint(&endpoint).is_some_and(|endpoint| endpoint.is_ready) {
        cx.env.catalogues.insert(endpoint.clone(), CatalogueState::Loading { since: now });
        cx.effects.push(Effect::FetchModels { endpoint });
    }
}

/// Stores a catalogue, or the error if it could not be loaded.
pub(crate) fn on_models(
    screen: &mut Screen,
    cx: &mut Cx<'_>,
    endpoint: &str,
    result: Result<Catalogue, crate::api::ApiError>,
) {
    match result {
        Ok(catalogue) => {
            cx.env.catalogues.insert(endpoint.to_owned(), CatalogueState::Loaded(Arc::new(catalogue)));
            ensure_model(screen, cx);
        }
        Err(error) => {
            if cx.env.catalogue(endpoint).is_none() {
                cx.env.catalogues.insert(endpoint.to_owned(), CatalogueState::Failed(error));
            }
        }
    }
    crate::ui::overlays::refresh_models(screen, cx);
    for id in cx.chats.conversations.keys().copied().collect::<Vec<_>>() {
        update_request_context(cx, id);
    }
}

/// Chooses a model if none is set: the server's only one, else the user chooses. Does nothing while a conversation is
/// being loaded, because that has a model.
pub(crate) fn ensure_model(screen: &mut Screen, cx: &mut Cx<'_>) {
    if !cx.chats.settings().model.is_empty() || matches!(cx.chats.content, PaneContent::Loading(_)) {
        return;
    }
    let endpoint = cx.chats.settings().endpoint.clone();
    match cx.env.catalogue(&endpoint).map(|catalogue| catalogue.models.as_slice()) {
        Some([only]) => {
            let only = only.id.clone();
            set_model(cx, only);
        }
        Some([_, _, ..]) => crate::ui::overlays::open_models(screen, cx),
        Some([]) | None => (),
    }
}

/// Whether a typed name can be that of a model that is not in the catalogue: a slip of the fingers is none.
pub(crate) fn is_model_name(cx: &Cx<'_>, typed: &str) -> bool {
    let is_one_word = !typed.is_empty() && !typed.starts_with('/') && !typed.contains(char::is_whitespace);
    let has_models = cx.env.catalogue(&cx.chats.settings().endpoint).is_some_and(|known| !known.models.is_empty());
    let is_whole = typed.split_once('/').is_some_and(|(vendor, model)| !vendor.is_empty() && !model.is_empty());
    is_one_word && (is_whole || !has_models)
}

/// Updates what a conversation's requests need to know from outside it.
pub(crate) fn update_request_context(cx: &mut Cx<'_>, id: ConversationId) {
    let Some(conversation) = cx.chats.conversations.get(&id) else { return };
    let context = request_context(cx.env, &conversation.settings);
    if let Some(conversation) = cx.chats.conversations.get_mut(&id) {
        conversation.context = context;
    }
}

pub(crate) fn request_context(env: &Environment, settings: &ChatSettings) -> RequestContext {
    RequestContext {
        dialect: env.dialect(&settings.endpoint),
        catalogue: env.catalogue(&settings.endpoint).cloned().unwrap_or_default(),
        search: env.config.search.clone(),
        summary: env.config.reasoning.summary,
        stream: env.config.endpoints.get(&settings.endpoint).is_none_or(|endpoint| endpoint.stream),
        idle_timeout: SignedDuration::try_from(env.config.time_limits(&settings.endpoint).silence_stop)
            .unwrap_or(SignedDuration::MAX),
        provider: env.config.provider.clone(),
        tools: env.tools.toolbox().clone(),
        starting_servers: env.tools.awaited_servers(),
        hosted: env.config.tools.hosted.clone(),
    }
}

/// Changes the settings of the conversation on the screen, else of the next new one.
pub(crate) fn change_settings(cx: &mut Cx<'_>, edit: impl FnOnce(&mut ChatSettings)) {
    let Some(conversation) = cx.chats.current_conversation() else {
        edit(&mut cx.chats.new_settings);
        return;
    };
    let id = conversation.id;
    let mut settings = conversation.settings.clone();
    edit(&mut settings);
    if let Some(conversation) = cx.chats.conversations.get_mut(&id) {
        let next = conversation.set_settings(settings);
        carry_out(cx, id, next);
    }
    update_request_context(cx, id);
}

/// Sets the model of the next message, and drops an effort that the model does not offer.
pub(crate) fn set_model(cx: &mut Cx<'_>, model: String) {
    change_settings(cx, |settings| settings.model = model);
    let offered = available_efforts(cx.chats, cx.env).map(|efforts| efforts.offered).unwrap_or_default();
    if cx.chats.settings().effort.is_some_and(|effort| !offered.contains(&effort)) {
        change_settings(cx, |settings| settings.effort = None);
    }
}

pub(crate) fn use_slot(cx: &mut Cx<'_>, slot: usize) {
    if let Some(model) = cx.env.slots.get(slot).cloned().flatten() {
        set_model(cx, model);
    } else {
        let number = slot + 1;
        let models = models_key(cx.env);
        let message = ToastText::from(format!("slot {number} is empty"));
        let dot = cx.env.theme.marks.dot;
        let message = match cx.env.keymap.keys_of(Action::SLOTS[slot]) {
            Some(keys) => message.with_keys(&format!(" {dot} {models}, then {keys} assigns one")),
            None => message.with_keys(", and no key is bound to it"),
        };
        cx.show_while(ToastSubject::EmptySlot(Some(slot)), message);
    }
}

fn models_key(env: &Environment) -> String {
    env.keymap.keys_of(Action::ChooseModel).unwrap_or_else(|| "/model".into())
}

/// Moves to the next filled slot after that of the current model, or with -1 to the previous one.
pub(crate) fn cycle_slots(cx: &mut Cx<'_>, step: isize) {
    let filled: Vec<String> = cx.env.slots.iter().flatten().cloned().collect();
    if filled.is_empty() {
        let models = models_key(cx.env);
        let message = ToastText::from("no slot is filled");
        let dot = cx.env.theme.marks.dot;
        let message = match cx.env.keymap.keys_of(Action::Slot1) {
            Some(keys) => message.with_keys(&format!(" {dot} {models}, then {keys} assigns one")),
            None => message.with_keys(", and no key is bound to the first"),
        };
        cx.show_while(ToastSubject::EmptySlot(None), message);
        return;
    }
    let count = filled.len().cast_signed();
    let current = filled.iter().position(|model| *model == cx.chats.settings().model);
    let next = match current {
        Some(at) => (at.cast_signed() + step).rem_euclid(count),
        None if step > 0 => 0,
        None => count - 1,
    };
    set_model(cx, filled[next.cast_unsigned()].clone());
}

/// Returns the efforts of the current model from the catalogue, or all efforts if the model is unknown.
pub(crate) fn available_efforts(chats: &Chats, env: &Environment) -> Option<ReasoningEfforts> {
    match env.model(chats.settings()) {
        Some(model) => model.reasoning.clone(),
        None => Some(ReasoningEfforts { offered: Effort::ALL.to_vec(), mandatory: false }),
    }
}

/// Says that the model has no efforts to choose from.
pub(crate) fn say_no_efforts(cx: &mut Cx<'_>) {
    let model = cx.chats.settings().model.clone();
    let words = ToastText::about("", short_name(&model), " has no effort setting");
    cx.show_while(ToastSubject::Model(model), words);
}

/// Returns the effort that the next request asks for, if the current model has it.
pub(crate) fn effort_in_force(chats: &Chats, env: &Environment) -> Option<Effort> {
    let chosen = chats.settings().effort?;
    env.model(chats.settings()).map_or(Some(chosen), |model| model.effort_for(chosen))
}

/// Says which efforts the current model has, to someone who named another.
pub(crate) fn efforts_note(chats: &Chats, env: &Environment) -> String {
    let model = short_name(&chats.settings().model);
    let offered = available_efforts(chats, env).map(|efforts| efforts.offered).unwrap_or_default();
    let names: Vec<&str> = offered.into_iter().map(Effort::name).collect();
    match names.as_slice() {
        [] => format!("{model} has no effort setting."),
        [only] => format!("{model} takes only {only}."),
        [most @ .., last] => format!("{model} takes {} or {last}.", most.join(", ")),
    }
}

/// Cycles through unset and the model's efforts, from the lowest.
pub(crate) fn next_effort(cx: &mut Cx<'_>) {
    let offered = available_efforts(cx.chats, cx.env).map(|efforts| efforts.offered).unwrap_or_default();
    if offered.is_empty() {
        say_no_efforts(cx);
        return;
    }
    let next = match effort_in_force(cx.chats, cx.env) {
        None => offered.first().copied(),
        Some(effort) => offered.iter().copied().find(|other| *other > effort),
    };
    change_settings(cx, |settings| settings.effort = next);
}

pub(crate) fn toggle_web(cx: &mut Cx<'_>) {
    if cx.chats.settings().model.ends_with(":online") {
        let model = cx.chats.settings().model.clone();
        cx.show_while(ToastSubject::Model(model), "this model always searches the web (its name ends in :online)");
        return;
    }
    change_settings(cx, |settings| settings.web = !settings.web);
}

/// Returns the name of a model without its vendor, for the status line and messages.
pub(crate) fn short_name(model: &str) -> &str {
    model.rsplit('/').next().unwrap_or(model)
}

/// Returns the default model of a new conversation; empty if the server's models are not known in advance.
pub(crate) fn default_model(dialect: ApiDialect) -> &'static str {
    match dialect {
        ApiDialect::OpenRouter => "openrouter/auto",
        ApiDialect::OpenAi | ApiDialect::Other => "",
    }
}
