//! The result of a tool call, or why it failed.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The result of a tool that ran. If the tool reports an error, that is also an outcome, which the model reads.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ToolOutcome {
    pub content: Vec<ToolContent>,
    /// The tool itself reports that it failed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub failed: bool,
}

/// One piece of a result, as the server sent it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToolContent {
    Text(String),
    /// An image; `data` is base64.
    Image {
        mime: String,
        data: String,
    },
    /// A sound; `data` is base64.
    Audio {
        mime: String,
        data: String,
    },
    /// A text resource with an address.
    Resource {
        uri: String,
        mime: Option<String>,
        text: String,
    },
    /// A binary resource with an address; `data` is base64.
    File {
        uri: String,
        mime: Option<String>,
        data: String,
    },
    /// The address of a resource, without its contents.
    Link {
        uri: String,
        name: String,
    },
    Structured(Value),
}

/// Why a call failed without a result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToolFailure {
    /// The arguments are not JSON, or not what the tool accepts.
    Arguments(String),
    /// The tool does not exist, or is switched off.
    Unknown,
    /// The tool or its server could not be started.
    Start(String),
    /// The tool ended before it answered: an exit code, a signal, a server that went away.
    Crashed(String),
    TimedOut {
        seconds: u64,
    },
    /// The server refused the call; this is its message.
    Refused(String),
    /// The answer cannot be understood.
    Garbled(String),
}

impl ToolOutcome {
    pub fn text(text: impl Into<String>) -> Self {
        Self { content: vec![ToolContent::Text(text.into())], failed: false }
    }

    /// The size of the content in bytes.
    pub fn byte_len(&self) -> usize {
        self.content.iter().map(ToolContent::byte_len).sum()
    }

    /// The number of lines in the content.
    pub fn line_count(&self) -> usize {
        self.content.iter().map(ToolContent::line_count).sum()
    }
}

impl ToolContent {
    /// The size in bytes.
    pub fn byte_len(&self) -> usize {
        match self {
            Self::Text(text) | Self::Resource { text, .. } => text.len(),
            Self::Image { data, .. } | Self::Audio { data, .. } | Self::File { data, .. } => {
                data.trim_end_matches('=').len() * 3 / 4
            }
            Self::Link { uri, name } => uri.len() + name.len(),
            Self::Structured(value) => value.to_string().len(),
        }
    }

    fn line_count(&self) -> usize {
        match self {
            Self::Text(text) | Self::Resource { text, .. } => text.trim_end().lines().count(),
            Self::Image { .. } | Self::Audio { .. } | Self::File { .. } | Self::Link { .. } | Self::Structured(_) => 1,
        }
    }
}

impl ToolFailure {
    /// Returns one sentence without a full stop, for both the user and the model.
    pub fn message(&self) -> String {
        match self {
            Self::Arguments(why) => format!("the arguments were not accepted: {why}"),
            Self::Unknown => "there is no such tool".into(),
            Self::Start(why) => format!("it could not be started: {why}"),
            Self::Crashed(why) => format!("it ended before it answered: {why}"),
            Self::TimedOut { seconds } => format!("it did not answer within {seconds} s"),
            Self::Refused(why) => format!("its server refused: {why}"),
            Self::Garbled(why) => format!("its answer cannot be understood: {why}"),
        }
    }
}
