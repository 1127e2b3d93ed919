//! The program's single state.

use crate::ui::toasts::ToastState;
use crate::ui::{chats::Chats, cx::Cx, environment::Environment};
use std::collections::BTreeMap;

use super::{
    Effect, EndpointInfo, StartOptions,
    actions::model_settings::default_model,
    areas::PaneWidths,
    connect::{ConnectOpening, ConnectScreen},
    keymap::{KeyLine, Keymap, RemapError},
    notifications::NotificationState,
    overlays::ScreenOverlay,
    screen::{PaneVisibility, Screen},
    start::CliOverrides,
    themes::theme_selection::ThemeSelection,
    tools::tool_registry::ToolRegistry,
};
use crate::{
    api::ApiDialect,
    chat::{ChatSettings, Effort, Timestamp},
    config::{ActionKeys, Config, KeySetting, ShowMode},
    render::theme::Theme,
    tools::{ToolSelection, toolbox::WEB_SEARCH},
};

/// Everything the program knows; only `update` changes it.
#[derive(Debug, Clone)]
pub struct State {
    pub chats: Chats,
    pub env: Environment,
    pub screen: Screen,
    /// Messages to the user. They are beside the screen because every handler may show one, whatever part of the
    /// screen it was lent.
    pub toasts: ToastState,
}

impl State {
    pub fn new(start: StartOptions) -> Self {
        let StartOptions {
            config,
            endpoints,
            is_demo,
            seed,
            time_zone,
            initial_conversation,
            is_temporary,
            overrides,
            colours,
            themes,
            complaints,
            size,
        } = start;
        let (keymap, unusable) = build_keymap(&config);
        let widths = PaneWidths { list: config.list_width, rail: config.rail_width, text: config.text_width };
        let list_visibility = if config.list == ShowMode::Hide { PaneVisibility::Hidden } else { PaneVisibility::Auto };
        let tools = ToolRegistry::new(&config, overrides.allowed_tools.clone());
        let is_unattended = overrides.allowed_tools.is_some();
        let mut chats = Chats::new(seed, initial_conversation, initial_settings(&config, &endpoints, overrides));
        chats.saves.temporary.is_next = is_temporary;
        let mut screen = Screen::new(size, widths, list_visibility);
        let mut env = Environment {
            slots: std::array::from_fn(|index| {
                config.slots.get(&(u8::try_from(index).unwrap_or(u8::MAX) + 1)).cloned()
            }),
            endpoints,
            is_demo,
            is_unattended,
            time_zone,
            catalogues: BTreeMap::new(),
            tools,
            complaints: complaints.into_iter().chain(unusable).collect(),
            keymap,
            theme_selection: ThemeSelection::new(themes, config.glyphs, colours),
            theme: Theme::default(),
            notifications: NotificationState::default(),
            command_uses: BTreeMap::new(),
            config,
        };
        if let Some(why) = env.apply_theme(None) {
            env.complaints.push(format!("config: {why}"));
        }
        if !env.endpoint(&chats.new_settings.endpoint).is_some_and(|endpoint| endpoint.is_ready) {
            let connect = ConnectScreen::new(ConnectOpening::FirstStart);
            screen.overlays.push(ScreenOverlay::Connect(Box::new(connect)));
        }
        Self { chats, env, screen, toasts: ToastState::default() }
    }

    /// Lends the screen, and the rest as a handler's context.
    pub(crate) fn split<'a>(&'a mut self, now: Timestamp, effects: &'a mut Vec<Effect>) -> (&'a mut Screen, Cx<'a>) {
        let Self { chats, env, screen, toasts } = self;
        (screen, Cx { now, chats, env, toasts, effects })
    }
}

/// Returns the settings of a new conversation: flags first, then the config, then the endpoint's defaults.
fn initial_settings(config: &Config, endpoints: &[EndpointInfo], flags: CliOverrides) -> ChatSettings {
    let endpoint = endpoints.first();
    let dialect = endpoint.map_or(ApiDialect::OpenRouter, |endpoint| endpoint.dialect);
    ChatSettings {
        endpoint: endpoint.map(|endpoint| endpoint.name.clone()).unwrap_or_default(),
        model: flags.model.or_else(|| config.model.clone()).unwrap_or_else(|| default_model(dialect).to_owned()),
        effort: flags.effort.or_else(|| Effort::from_name(config.effort.as_deref()?)),
        web: flags.web || config.web || config.tools.hosted.on.iter().any(|name| name == WEB_SEARCH),
        instructions: flags.instructions.or_else(|| config.system.clone()),
        temperature: flags.temperature.or(config.temperature),
        top_p: flags.top_p.or(config.top_p),
        max_output_tokens: flags.max_output_tokens.or(config.max_output_tokens),
        tools: ToolSelection {
            // Web search has its own switch.
            hosted: config.tools.hosted.on.iter().filter(|name| *name != WEB_SEARCH).cloned().collect(),
            choice: flags.tool_choice.unwrap_or_default(),
            one_by_one: config.tools.one_by_one,
            ..ToolSelection::default()
        },
    }
}

/// Returns the keymap, and the errors for the keys that could not be remapped.
fn build_keymap(config: &Config) -> (Keymap, Vec<String>) {
    // The keys for one context come after those for all of them.
    let mut settings: Vec<(Option<&str>, &str, &ActionKeys)> = Vec::new();
    for (name, setting) in &config.keys {
        match setting {
            KeySetting::Action(keys) => settings.push((None, name, keys)),
            KeySetting::Context(actions) => {
                settings.extend(actions.iter().map(|(action, keys)| (Some(name.as_str()), action.as_str(), keys)));
            }
        }
    }
    settings.sort_by_key(|(context, ..)| context.is_some());
    let lines: Vec<KeyLine> =
        settings.iter().map(|&(context, action, keys)| KeyLine { context, action, keys: &keys.keys }).collect();
    let mut keymap = Keymap::default();
    let refused = keymap.remap_all(&lines);
    let message = |(nth, error): (usize, RemapError)| format!("config, line {}: {error}", settings[nth].2.line);
    (keymap, refused.into_iter().map(message).collect())
}
