//! The program's single state.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    Action, EndpointInfo, InitialConversation, StartOptions,
    areas::PaneWidths,
    costs::DailyCost,
    keymap::Keymap,
    models::model_settings::default_model,
    notifications::NotificationState,
    overlays::ScreenOverlay,
    saves::PendingSaves,
    screen::{PaneContent, PaneVisibility, PendingSequence, Screen},
    start::CliOverrides,
    themes::theme_selection::{self, ThemeSelection},
    tools::tool_registry::ToolRegistry,
};
use crate::{
    api::{self, ApiDialect, Catalogue, Model},
    chat::{
        ChatSettings, Conversation, ConversationId, ConversationSummary, Effort, IdGenerator, MessageId,
        RecordingInProgress, Timestamp,
    },
    config::{Config, ShowMode},
    render::theme::Theme,
    store,
    tools::{ToolSelection, toolbox::WEB_SEARCH},
    ui::transcript::Transcript,
};

/// Everything the program knows; only `update` changes it.
#[derive(Debug)]
pub struct State {
    pub config: Config,
    pub endpoints: Vec<EndpointInfo>,
    /// Runs against the built-in server, with its own database.
    pub is_demo: bool,
    /// Nobody is watching a screen or can answer a question; messages are printed.
    pub is_unattended: bool,
    pub time_zone: jiff::tz::TimeZone,
    pub ids: IdGenerator,
    /// The conversations in memory.
    pub conversations: BTreeMap<ConversationId, Conversation>,
    /// All conversations but the trash, newest first.
    pub index: Vec<ConversationSummary>,
    /// The number of conversations on disk that are not in the index yet.
    pub unlisted_count: usize,
    /// The initial settings of the next new conversation.
    pub new_settings: ChatSettings,
    pub catalogues: BTreeMap<String, CatalogueState>,
    /// The nine favourite models.
    pub slots: [Option<String>; 9],
    /// The prompts sent before, newest first.
    pub prompt_history: Vec<String>,
    pub database: DatabaseState,
    /// The wire traffic of the answers in progress.
    pub recordings: BTreeMap<MessageId, RecordingInProgress>,
    pub saves: PendingSaves,
    pub tools: ToolRegistry,
    pub daily_cost: DailyCost,
    /// The conversations moved to the trash in this run, the most recent last.
    pub trashed: Vec<ConversationSummary>,
    /// Problems with the config that have not been shown yet.
    pub complaints: Vec<String>,
    pub keymap: Keymap,
    pub theme_selection: ThemeSelection,
    /// The theme in force.
    pub theme: Theme,
    pub notifications: NotificationState,
    pub screen: Screen,
}

/// Whether the database is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DatabaseState {
    Opening(InitialConversation),
    Ready,
    Broken(store::StoreError),
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

impl State {
    pub fn new(start: StartOptions) -> Self {
        let StartOptions {
            config,
            endpoints,
            is_demo: demo,
            seed,
            time_zone,
            initial_conversation: open,
            overrides,
            colours,
            themes,
            complaints,
            size,
        } = start;
        let (keymap, unusable) = build_keymap(&config);
        let looks = ThemeSelection::new(themes, config.glyphs, colours);
        let widths = PaneWidths { list: config.list_width, rail: config.rail_width, text: config.text_width };
        let list_wanted = if config.list == ShowMode::Hide { PaneVisibility::Hidden } else { PaneVisibility::Auto };
        let tools = ToolRegistry::new(&config, overrides.allowed_tools.clone());
        let unattended = overrides.allowed_tools.is_some();
        let is_loading = open != InitialConversation::New;
        let mut state = Self {
            new_settings: initial_settings(&config, &endpoints, overrides),
            slots: std::array::from_fn(|at| config.slots.get(&(u8::try_from(at).unwrap_or(u8::MAX) + 1)).cloned()),
            config,
            endpoints,
            is_demo: demo,
            is_unattended: unattended,
            time_zone,
            ids: IdGenerator::new(seed),
            conversations: BTreeMap::new(),
            index: Vec::new(),
            unlisted_count: 0,
            catalogues: BTreeMap::new(),
            prompt_history: Vec::new(),
            database: DatabaseState::Opening(open),
            recordings: BTreeMap::new(),
            saves: PendingSaves::default(),
            tools,
            daily_cost: DailyCost::default(),
            trashed: Vec::new(),
            complaints: complaints.into_iter().chain(unusable).collect(),
            keymap,
            theme_selection: looks,
            theme: Theme::default(),
            notifications: NotificationState::default(),
            screen: Screen::new(size, widths, list_wanted),
        };
        if let Some(why) = theme_selection::apply_theme(&mut state) {
            state.complaints.push(format!("config: {why}"));
        }
        if is_loading {
            state.screen.pane.content = PaneContent::Loading(None);
        }
        if !state.endpoint(&state.new_settings.endpoint).is_some_and(|endpoint| endpoint.is_ready) {
            state.screen.overlays.push(ScreenOverlay::Welcome(Box::default()));
        }
        state
    }

    /// Returns the conversation on the screen once it has a prompt; `ask` prints it, and it can be resumed.
    pub fn current_conversation(&self) -> Option<&Conversation> {
        self.conversations.get(&self.screen.pane.content.conversation_id()?)
    }

    /// Returns the current answer: the one under the cursor or lowest on the screen, else the newest of the branch.
    pub fn current_answer(&self) -> Option<MessageId> {
        let conversation = self.current_conversation()?;
        let under_cursor = self.screen.transcript().and_then(Transcript::current_message);
        let is_answer =
            |id: &MessageId| conversation.messages.get(id).is_some_and(|message| message.as_answer().is_some());
        under_cursor.filter(is_answer).or_else(|| conversation.branch.iter().rev().copied().find(is_answer))
    }

    /// Returns the keys that can follow a pending sequence, each with its label; the nine slots are one entry.
    pub fn sequence_choices(&self, pending: &PendingSequence) -> Vec<(String, &'static str)> {
        let mut choices = Vec::new();
        for (key, action) in self.keymap.continuations(self.screen.key_context(), &pending.keys) {
            match action {
                Action::Slot1 => choices.push((format!("1{}9", self.theme.marks.range_dash), action.entry().hint)),
                _ if Action::SLOTS.contains(&action) => (),
                _ => choices.push((key.to_string(), action.entry().hint)),
            }
        }
        choices
    }

    /// Returns the settings for the next prompt on the screen.
    pub fn settings(&self) -> &ChatSettings {
        self.current_conversation().map_or(&self.new_settings, |conversation| &conversation.settings)
    }

    pub fn endpoint(&self, name: &str) -> Option<&EndpointInfo> {
        self.endpoints.iter().find(|endpoint| endpoint.name == name)
    }

    pub fn dialect(&self, name: &str) -> ApiDialect {
        self.endpoint(name).map_or(ApiDialect::Other, |endpoint| endpoint.dialect)
    }

    /// Returns the models of an endpoint, if they are known.
    pub fn catalogue(&self, endpoint: &str) -> Option<&Arc<Catalogue>> {
        match self.catalogues.get(endpoint)? {
            CatalogueState::Loaded(catalogue) => Some(catalogue),
            CatalogueState::Loading { .. } | CatalogueState::Failed(_) => None,
        }
    }

    /// Returns the catalogue's entry for the model that the next prompt goes to.
    pub fn current_model(&self) -> Option<&Model> {
        let settings = self.settings();
        self.catalogue(&settings.endpoint)?.model(&settings.model)
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
    let mut keymap = Keymap::default();
    let unusable = config
        .keys
        .iter()
        .filter_map(|(name, keys)| {
            let error = keymap.remap(name, &keys.keys).err()?;
            Some(format!("config, line {}: {error}", keys.line))
        })
        .collect();
    (keymap, unusable)
}
