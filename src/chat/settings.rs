//! The request settings of a conversation: model, effort, search, instructions, sampling.

use serde::{Deserialize, Serialize};

pub use crate::api::Effort;
use crate::tools::ToolSelection;

/// The settings sent with every request of a conversation. `None` is not sent.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ChatSettings {
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
    pub tools: ToolSelection,
}

impl ChatSettings {
    /// The settings that a new conversation begins with.
    #[must_use]
    pub fn for_new_conversation(&self) -> Self {
        Self { tools: self.tools.for_new_conversation(), ..self.clone() }
    }

    /// Whether the slug itself makes the server search: `:online` is sent unchanged and needs no tool.
    pub fn has_online_slug(&self) -> bool {
        self.model.ends_with(":online")
    }
}
