//! What a tool is, what it gives back, and who may run it: plain data shared by everything that has to do with tools.

pub mod command;
pub mod content;
pub mod names;
pub mod policy;
pub mod schema;
pub mod toolbox;

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use command::Command;
pub use content::{Content, Failure, Outcome};
pub use names::Names;
pub use policy::{Doubt, Grants, Policy, Verdict};
pub use toolbox::{Choice, Chosen, Limits, Toolbox};

/// The server that all command tools of the config belong to; no other may be called so.
pub const COMMANDS: &str = "command";

/// Which tool, exactly as its server names it: two that differ in one invisible character are two.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ToolId {
    /// The name of the server in the config; never with a slash.
    pub server: String,
    pub name: String,
}

/// A function that a model may call and that we run.
#[derive(Debug, Clone, PartialEq)]
pub struct Tool {
    pub id: ToolId,
    pub title: Option<String>,
    pub description: String,
    /// The JSON Schema of its arguments as the server gave it; what is sent is made of it by `schema`.
    pub parameters: Value,
    /// Servers that check arguments against the schema are asked to.
    pub strict: bool,
    pub hints: Hints,
}

/// What a tool says of itself: claims, which decide nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hints {
    pub read_only: Option<bool>,
    pub destructive: Option<bool>,
    pub idempotent: Option<bool>,
    pub open_world: Option<bool>,
}

impl ToolId {
    pub fn new(server: impl Into<String>, name: impl Into<String>) -> Self {
        Self { server: server.into(), name: name.into() }
    }
}

/// `server/tool`, as the config and the screen name it. It comes from outside: clean it before it is shown.
impl fmt::Display for ToolId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.server, self.name)
    }
}

impl FromStr for ToolId {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text.split_once('/') {
            Some((server, name)) if !server.is_empty() && !name.is_empty() => Ok(Self::new(server, name)),
            _ => Err(()),
        }
    }
}
