//! The arguments with which the state is created.

use ratatui::layout::Size;

pub use crate::api::endpoint::EndpointInfo;
use crate::{
    chat::Effort,
    config::{Config, ThemeFile},
    render::theme::ColourDepth,
    tools::ToolMode,
};

/// Everything that the state needs to know when it is created.
#[derive(Debug, Clone)]
pub struct StartOptions {
    pub config: Config,
    /// The known servers; the first is the default.
    pub endpoints: Vec<EndpointInfo>,
    /// Runs against the built-in server.
    pub is_demo: bool,
    /// The random seed: from the system, or a constant in tests.
    pub seed: u64,
    pub time_zone: jiff::tz::TimeZone,
    pub initial_conversation: InitialConversation,
    /// Nothing of the conversation that begins is kept but its cost.
    pub is_temporary: bool,
    pub overrides: CliOverrides,
    pub colours: ColourDepth,
    /// The user's own themes.
    pub themes: Vec<ThemeFile>,
    /// Problems with the config, one sentence each; shown once.
    pub complaints: Vec<String>,
    /// The size of the terminal, in cells.
    pub size: Size,
}

/// The conversation to open at startup.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum InitialConversation {
    #[default]
    New,
    /// The conversation of `--continue`.
    Latest,
    /// The conversation of `--resume`: an id, its beginning, or a title.
    Named(String),
    /// A new conversation that begins with an answer.
    Exchange(Box<OpeningExchange>),
    /// A new conversation that begins with this prompt, which is sent at once.
    Prompt(String),
}

/// A prompt and its answer, with which a new conversation begins. They are saved only with the next prompt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpeningExchange {
    pub prompt: String,
    /// The model that answers it.
    pub model: String,
    /// The payload of the event that completes the answer.
    pub completed: String,
}

/// Settings from the command line that override the config.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CliOverrides {
    pub model: Option<String>,
    pub effort: Option<Effort>,
    pub web: bool,
    pub instructions: Option<String>,
    pub temperature: Option<f64>,
    pub top_p: Option<f64>,
    pub max_output_tokens: Option<u32>,
    /// Whether the first message may or must use tools.
    pub tool_choice: Option<ToolMode>,
    /// Set if nobody can answer questions; of the tools that would ask, only these run.
    pub allowed_tools: Option<Vec<String>>,
}
