//! The one state of the program.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    Action, EndpointInfo, Open, Start,
    areas::Widths,
    attention::Attention,
    keymap::Keymap,
    looks::{self, Looks},
    models::default_model,
    overlays::Overlay,
    saves::Saves,
    screen::{Leader, Screen, Shown, Shows},
    start::Overrides,
    today::Today,
    tools::Tools,
};
use crate::{
    api::{self, Catalogue, Dialect, Model},
    chat::{Conversation, ConversationId, Effort, Growing, Ids, MessageId, Settings, Summary, Timestamp},
    config::{Config, Show},
    store,
    tools::{Chosen, toolbox::SEARCH},
    widgets::{theme::Theme, transcript::Transcript},
};

/// Everything that is known; only `update` changes it.
#[derive(Debug)]
pub struct State {
    pub config: Config,
    pub endpoints: Vec<EndpointInfo>,
    /// Against the built-in server, with a database of its own.
    pub demo: bool,
    /// Nobody looks at a screen or can be asked: what is to be said is printed.
    pub unattended: bool,
    pub time_zone: jiff::tz::TimeZone,
    pub ids: Ids,
    /// The conversations in memory.
    pub open: BTreeMap<ConversationId, Conversation>,
    /// All conversations but the trash, newest first.
    pub index: Vec<Summary>,
    /// How many conversations are on disk and not in the index yet.
    pub unlisted: usize,
    /// What the next new conversation begins with.
    pub fresh: Settings,
    pub catalogues: BTreeMap<String, Models>,
    /// Nine favourite models.
    pub slots: [Option<String>; 9],
    /// What was sent before, newest first.
    pub prompts: Vec<String>,
    pub database: Database,
    /// What goes over the wire for the answers that are being written.
    pub recordings: BTreeMap<MessageId, Growing>,
    pub saves: Saves,
    pub tools: Tools,
    pub today: Today,
    /// The conversations moved to the trash in this run, the last one last.
    pub trashed: Vec<Summary>,
    /// What is wrong with the config, still to be shown.
    pub complaints: Vec<String>,
    pub keymap: Keymap,
    pub looks: Looks,
    /// The theme in force.
    pub theme: Theme,
    pub attention: Attention,
    pub screen: Screen,
}

/// How far the database is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Database {
    Opening(Open),
    Ready,
    Broken(store::Error),
}

/// What is known of an endpoint's models.
#[derive(Debug, Clone)]
pub enum Models {
    Loading {
        since: Timestamp,
    },
    Loaded(Arc<Catalogue>),
    /// Nothing came, and nothing was kept from before.
    Failed(api::Error),
}

impl State {
    pub fn new(start: Start) -> Self {
        let Start { config, endpoints, demo, seed, time_zone, open, overrides, colours, themes, complaints, size } =
            start;
        let (keymap, unusable) = keymap(&config);
        let looks = Looks::new(themes, config.glyphs, colours);
        let widths = Widths { list: config.list_width, rail: config.rail_width, text: config.text_width };
        let list_wanted = if config.list == Show::Hide { Shown::No } else { Shown::Auto };
        let tools = Tools::new(&config, overrides.allow.clone());
        let unattended = overrides.allow.is_some();
        let awaits = open != Open::New;
        let mut state = Self {
            fresh: fresh(&config, &endpoints, overrides),
            slots: std::array::from_fn(|at| config.slots.get(&(u8::try_from(at).unwrap_or(u8::MAX) + 1)).cloned()),
            config,
            endpoints,
            demo,
            unattended,
            time_zone,
            ids: Ids::new(seed),
            open: BTreeMap::new(),
            index: Vec::new(),
            unlisted: 0,
            catalogues: BTreeMap::new(),
            prompts: Vec::new(),
            database: Database::Opening(open),
            recordings: BTreeMap::new(),
            saves: Saves::default(),
            tools,
            today: Today::default(),
            trashed: Vec::new(),
            complaints: complaints.into_iter().chain(unusable).collect(),
            keymap,
            looks,
            theme: Theme::default(),
            attention: Attention::default(),
            screen: Screen::new(size, widths, list_wanted),
        };
        if let Some(why) = looks::restyle(&mut state) {
            state.complaints.push(format!("config: {why}"));
        }
        if awaits {
            state.screen.pane.shows = Shows::Loading(None);
        }
        if !state.endpoint(&state.fresh.endpoint).is_some_and(|endpoint| endpoint.ready) {
            state.screen.overlays.push(Overlay::Welcome(Box::default()));
        }
        state
    }

    /// The conversation on the screen, once it has a prompt: what `ask` prints and what can be resumed.
    pub fn current(&self) -> Option<&Conversation> {
        self.open.get(&self.screen.pane.shows.conversation()?)
    }

    /// The answer that the reader is at: the lowest on the screen, else the newest of the branch.
    pub fn current_answer(&self) -> Option<MessageId> {
        let conversation = self.current()?;
        let pointed = self.screen.transcript().and_then(Transcript::current);
        let is_answer =
            |id: &MessageId| conversation.messages.get(id).is_some_and(|message| message.answer().is_some());
        pointed.filter(is_answer).or_else(|| conversation.branch.iter().rev().copied().find(is_answer))
    }

    /// What may follow the keys of a waiting leader: each key with its word, the nine slots as one.
    pub fn leader_choices(&self, leader: &Leader) -> Vec<(String, &'static str)> {
        let mut choices = Vec::new();
        for (key, action) in self.keymap.following(self.screen.context(), &leader.keys) {
            match action {
                Action::Slot1 => choices.push((format!("1{}9", self.theme.marks.to), action.entry().short)),
                _ if Action::SLOTS.contains(&action) => (),
                _ => choices.push((key.to_string(), action.entry().short)),
            }
        }
        choices
    }

    /// The settings that the next prompt on the screen goes out with.
    pub fn settings(&self) -> &Settings {
        self.current().map_or(&self.fresh, |conversation| &conversation.settings)
    }

    pub fn endpoint(&self, name: &str) -> Option<&EndpointInfo> {
        self.endpoints.iter().find(|endpoint| endpoint.name == name)
    }

    pub fn dialect(&self, name: &str) -> Dialect {
        self.endpoint(name).map_or(Dialect::Other, |endpoint| endpoint.dialect)
    }

    /// The models of an endpoint, where they are known.
    pub fn catalogue(&self, endpoint: &str) -> Option<&Arc<Catalogue>> {
        match self.catalogues.get(endpoint)? {
            Models::Loaded(catalogue) => Some(catalogue),
            Models::Loading { .. } | Models::Failed(_) => None,
        }
    }

    /// The catalogue's row of the model that the next prompt goes to.
    pub fn model(&self) -> Option<&Model> {
        let settings = self.settings();
        self.catalogue(&settings.endpoint)?.model(&settings.model)
    }
}

/// What a new conversation begins with: flags over config over what the endpoint offers.
fn fresh(config: &Config, endpoints: &[EndpointInfo], flags: Overrides) -> Settings {
    let endpoint = endpoints.first();
    let dialect = endpoint.map_or(Dialect::OpenRouter, |endpoint| endpoint.dialect);
    Settings {
        endpoint: endpoint.map(|endpoint| endpoint.name.clone()).unwrap_or_default(),
        model: flags.model.or_else(|| config.model.clone()).unwrap_or_else(|| default_model(dialect).to_owned()),
        effort: flags.effort.or_else(|| Effort::from_name(config.effort.as_deref()?)),
        web: flags.web || config.web || config.tools.hosted.on.iter().any(|name| name == SEARCH),
        instructions: flags.instructions.or_else(|| config.system.clone()),
        temperature: flags.temperature.or(config.temperature),
        top_p: flags.top_p.or(config.top_p),
        max_output_tokens: flags.max_output_tokens.or(config.max_output_tokens),
        tools: Chosen {
            // The search has a switch of its own.
            hosted: config.tools.hosted.on.iter().filter(|name| *name != SEARCH).cloned().collect(),
            choice: flags.tool.unwrap_or_default(),
            one_by_one: config.tools.one_by_one,
            ..Chosen::default()
        },
    }
}

/// The keys in force, and what could not be remapped.
fn keymap(config: &Config) -> (Keymap, Vec<String>) {
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
