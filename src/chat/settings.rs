//! What a conversation asks for besides its text: model, effort, search, instructions, sampling.

use serde::{Deserialize, Serialize};

pub use crate::api::Effort;
use crate::tools::Chosen;

/// The choices that go with every request of a conversation. `None` is not sent.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// The name of the endpoint in the config; `openrouter` is built in.
    pub endpoint: String,
    /// The slug as it is sent, variants such as `:online` included.
    pub model: String,
    pub effort: Option<Effort>,
    pub web: bool,
    pub instructions: Option<String>,
    pub temperature: Option<f64>,
    pub top_p: Option<f64>,
    pub max_output_tokens: Option<u32>,
    pub tools: Chosen,
}

impl Settings {
    /// Those that another conversation begins with.
    #[must_use]
    pub fn for_another(&self) -> Self {
        Self { tools: self.tools.for_another(), ..self.clone() }
    }

    /// The slug itself makes the server search: `:online` is sent as it is and needs no tool.
    pub fn searches_by_slug(&self) -> bool {
        self.model.ends_with(":online")
    }

    /// The next answer may search the web, by a tool or by its slug.
    pub fn searches(&self) -> bool {
        self.web || self.searches_by_slug()
    }
}
