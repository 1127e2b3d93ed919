//! What the program is started with.

use ratatui::layout::Size;

use crate::{
    api::Dialect,
    chat::Effort,
    config::{Config, ThemeFile},
    tools::Choice,
    widgets::theme::Colours,
};

/// Everything that the state needs to know of the world when it is made.
#[derive(Debug, Clone)]
pub struct Start {
    pub config: Config,
    /// The servers that can be reached, the one to use first.
    pub endpoints: Vec<EndpointInfo>,
    /// Against the built-in server.
    pub demo: bool,
    /// From the system; a constant in tests.
    pub seed: u64,
    pub time_zone: jiff::tz::TimeZone,
    pub open: Open,
    pub overrides: Overrides,
    pub colours: Colours,
    /// The reader's own themes.
    pub themes: Vec<ThemeFile>,
    /// What is wrong with the config, a sentence each; shown once.
    pub complaints: Vec<String>,
    /// Of the terminal, in cells.
    pub size: Size,
}

/// A server as the state knows it: never its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointInfo {
    pub name: String,
    pub dialect: Dialect,
    /// It can be asked: it has a key, or needs none.
    pub ready: bool,
}

/// Which conversation is open at first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Open {
    #[default]
    New,
    /// `--continue`
    Latest,
    /// `--resume`: an id, its beginning, or a title.
    Named(String),
}

/// What the command line says over the config.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Overrides {
    pub model: Option<String>,
    pub effort: Option<Effort>,
    pub web: bool,
    pub instructions: Option<String>,
    pub temperature: Option<f64>,
    pub top_p: Option<f64>,
    pub max_output_tokens: Option<u32>,
    /// Whether tools are used for the first message, or must be.
    pub tool: Option<Choice>,
    /// Nobody is there to be asked, and only these tools run that would ask.
    pub allow: Option<Vec<String>>,
}
