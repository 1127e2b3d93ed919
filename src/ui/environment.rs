//! What surrounds the conversations: the config and what was made of it, servers, tools, keys, themes.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    Action, EndpointInfo, keymap::Keymap, notifications::NotificationState, themes::theme_selection::ThemeSelection,
    tools::tool_registry::ToolRegistry,
};
use crate::{
    api::{self, ApiDialect, Catalogue, Model},
    chat::{ChatSettings, Timestamp},
    config::Config,
    render::theme::Theme,
};

/// Everything that is the same for all conversations.
#[derive(Debug, Clone)]
pub struct Environment {
    pub config: Config,
    pub endpoints: Vec<EndpointInfo>,
    /// Runs against the built-in server, with its own database.
    pub is_demo: bool,
    /// Nobody is watching a screen or can answer a question; messages are printed.
    pub is_unattended: bool,
    pub time_zone: jiff::tz::TimeZone,
    pub catalogues: BTreeMap<String, CatalogueState>,
    /// The nine favourite models.
    pub slots: [Option<String>; 9],
    pub tools: ToolRegistry,
    /// Problems with the config that have not been shown yet.
    pub complaints: Vec<String>,
    pub keymap: Keymap,
    pub theme_selection: ThemeSelection,
    /// The theme in force.
    pub theme: Theme,
    pub notifications: NotificationState,
    /// How often each command was run by its name.
    pub command_uses: BTreeMap<String, u64>,
}

/// What is known about an endpoint's models.
#[derive(Debug, Clone)]
pub enum CatalogueState {
    Loading {
        since: Timestamp,
    },
    Loaded(Arc<Catalogue>),
    /// The request failed, and there is no earlier catalogue to use.
    Failed(api::ApiError),
}

impl Environment {
    pub fn endpoint(&self, name: &str) -> Option<&EndpointInfo> {
        self.endpoints.iter().find(|endpoint| endpoint.name == name)
    }

    pub fn dialect(&self, name: &str) -> ApiDialect {
        self.endpoint(name).map_or(ApiDialect::Other, |endpoint| endpoint.dialect)
    }

    /// Returns how often a command was run by its name.
    pub fn use_count(&self, action: Action) -> u64 {
        self.command_uses.get(action.entry().name).copied().unwrap_or(0)
    }

    /// Returns the models of an endpoint, if they are known.
    pub fn catalogue(&self, endpoint: &str) -> Option<&Arc<Catalogue>> {
        match self.catalogues.get(endpoint)? {
            CatalogueState::Loaded(catalogue) => Some(catalogue),
            CatalogueState::Loading { .. } | CatalogueState::Failed(_) => None,
        }
    }

    /// Activates the previewed or chosen theme; returns the reason if that is not possible.
    pub fn apply_theme(&mut self, previewed: Option<&str>) -> Option<String> {
        let choice = previewed.unwrap_or(&self.config.theme);
        match self.theme_selection.resolve(choice, &self.config) {
            Ok(theme) => {
                self.theme = theme;
                None
            }
            Err(why) => {
                self.theme = self.theme_selection.fallback(&self.config);
                Some(why)
            }
        }
    }

    /// Returns the catalogue's entry for the model that these settings name.
    pub fn model(&self, settings: &ChatSettings) -> Option<&Model> {
        self.catalogue(&settings.endpoint)?.model(&settings.model)
    }
}
