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

impl ToolOutcome {
    /// Changes every text in it; data of images and files stays.
    #[must_use]
    pub fn map_texts(self, change: impl Fn(String) -> String + Copy) -> Self {
        let content = self.content.into_iter().map(|content| content.map_texts(change)).collect();
        Self { content, failed: self.failed }
    }
}

impl ToolContent {
    fn map_texts(self, change: impl Fn(String) -> String + Copy) -> Self {
        match self {
            Self::Text(text) => Self::Text(change(text)),
            Self::Resource { uri, mime, text } => Self::Resource { uri: change(uri), mime, text: change(text) },
            Self::Link { uri, name } => Self::Link { uri: change(uri), name: change(name) },
            Self::File { uri, mime, data } => Self::File { uri: change(uri), mime, data },
            Self::Structured(value) => Self::Structured(map_strings(value, change)),
            Self::Image { .. } | Self::Audio { .. } => self,
        }
    }
}

fn map_strings(value: Value, change: impl Fn(String) -> String + Copy) -> Value {
    match value {
        Value::String(text) => Value::String(change(text)),
        Value::Array(list) => list.into_iter().map(|value| map_strings(value, change)).collect(),
        Value::Object(fields) => {
            Value::Object(fields.into_iter().map(|(name, value)| (name, map_strings(value, change))).collect())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value,
    }
}

impl ToolFailure {
    /// Changes the text in it.
    #[must_use]
    pub fn map_text(self, change: impl Fn(String) -> String) -> Self {
        match self {
            Self::Arguments(why) => Self::Arguments(change(why)),
            Self::Start(why) => Self::Start(change(why)),
            Self::Crashed(why) => Self::Crashed(change(why)),
            Self::Refused(why) => Self::Refused(change(why)),
            Self::Garbled(why) => Self::Garbled(change(why)),
            Self::Unknown | Self::TimedOut { .. } => self,
        }
    }

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
