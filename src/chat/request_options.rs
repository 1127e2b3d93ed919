//! What the user may set about every request: web search, reasoning summaries and hosted tools.

use serde::{Deserialize, Serialize};

/// How the web is searched in conversations with web search switched on.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct SearchOptions {
    pub form: SearchForm,
    /// A search engine such as `exa`; OpenRouter only.
    pub engine: Option<String>,
    pub max_results: Option<u32>,
    pub max_total_results: Option<u32>,
    pub context_size: Option<ContextSize>,
    pub allowed_domains: Vec<String>,
    pub excluded_domains: Vec<String>,
}

/// How a search is requested: as a tool that the model calls, or by OpenRouter's older plugin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SearchForm {
    #[default]
    Tool,
    Plugin,
}

/// How much of the search results the model reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ContextSize {
    Low,
    Medium,
    High,
}

/// The summary of its reasoning to request from a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReasoningSummary {
    #[default]
    Auto,
    Concise,
    Detailed,
    /// The field is not sent.
    None,
}

/// The tools that OpenRouter runs itself.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct HostedToolOptions {
    /// The tools switched on in new conversations, named without the prefix `openrouter:`.
    pub on: Vec<String>,
    pub max_calls: Option<u32>,
    /// Alternatives to `max_calls`: reaching any of these limits ends the calls.
    pub stop_after_steps: Option<u32>,
    pub stop_after_tokens: Option<u64>,
    /// In dollars.
    pub stop_after_cost: Option<f64>,
}
