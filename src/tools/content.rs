//! What a tool gave back, or why it did not.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a tool came to. A tool that ran and told of an error has an outcome too: the model reads it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    pub content: Vec<Content>,
    /// The tool itself says that it failed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub failed: bool,
}

/// One piece of a result, as it came.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Content {
    Text(String),
    /// `data` is base64.
    Image {
        mime: String,
        data: String,
    },
    Audio {
        mime: String,
        data: String,
    },
    /// A text that the server calls by an address.
    Resource {
        uri: String,
        mime: Option<String>,
        text: String,
    },
    /// The same, of bytes; `data` is base64.
    File {
        uri: String,
        mime: Option<String>,
        data: String,
    },
    /// Only the address of something.
    Link {
        uri: String,
        name: String,
    },
    Structured(Value),
}

/// Why a call came to nothing, or to less than a result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Failure {
    /// The arguments are no JSON, or not what the tool takes.
    Arguments(String),
    /// There is no such tool, or it is switched off.
    Unknown,
    /// It could not be started, or its server could not.
    Start(String),
    /// It ended by itself before it answered: an exit code, a signal, a server that went away.
    Crashed(String),
    TimedOut {
        seconds: u64,
    },
    /// Its server refused the call, in its own words.
    Refused(String),
    /// What it sent cannot be understood.
    Garbled(String),
}

impl Outcome {
    pub fn text(text: impl Into<String>) -> Self {
        Self { content: vec![Content::Text(text.into())], failed: false }
    }

    /// How much it is, in bytes.
    pub fn bytes(&self) -> usize {
        self.content.iter().map(Content::bytes).sum()
    }

    /// How many lines its texts have.
    pub fn lines(&self) -> usize {
        self.content.iter().map(Content::lines).sum()
    }
}

impl Content {
    /// How much it is, in bytes.
    pub fn bytes(&self) -> usize {
        match self {
            Self::Text(text) | Self::Resource { text, .. } => text.len(),
            Self::Image { data, .. } | Self::Audio { data, .. } | Self::File { data, .. } => {
                data.trim_end_matches('=').len() * 3 / 4
            }
            Self::Link { uri, name } => uri.len() + name.len(),
            Self::Structured(value) => value.to_string().len(),
        }
    }

    fn lines(&self) -> usize {
        match self {
            Self::Text(text) | Self::Resource { text, .. } => text.trim_end().lines().count(),
            Self::Image { .. } | Self::Audio { .. } | Self::File { .. } | Self::Link { .. } | Self::Structured(_) => 1,
        }
    }
}

impl Failure {
    /// One sentence without a full stop, for the reader and for the model alike.
    pub fn words(&self) -> String {
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
