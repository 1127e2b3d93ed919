//! Tools, their results and the policy for running them: plain data shared by everything that deals with tools.

pub mod command;
pub mod content;
pub mod grants;
pub mod names;
pub mod policy;
pub mod result_text;
pub mod schema;
pub mod toolbox;

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use command::ToolCommand;
pub use content::{ToolContent, ToolFailure, ToolOutcome};
pub use grants::{GrantState, ToolGrant, ToolGrants, ToolOrigin, ToolSnapshot};
pub use names::WireNames;
pub use policy::{NameDoubt, PolicyVerdict, ToolPolicy};
pub use toolbox::{ToolLimits, ToolMode, ToolSelection, Toolbox, parse_tool_name};

/// The name of the server that all command tools of the config belong to. No other server may have it.
pub const COMMAND_SERVER: &str = "command";

/// Identifies a tool, exactly as its server names it. Names that differ in one invisible character are different tools.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ToolId {
    /// The name of the server in the config. Never contains a slash.
    pub server: String,
    pub name: String,
}

/// A function that a model may call and that ibid runs.
#[derive(Debug, Clone, PartialEq)]
pub struct ToolDefinition {
    pub id: ToolId,
    pub title: Option<String>,
    pub description: String,
    /// The JSON Schema of its arguments as the server gave it. The `schema` module derives what is sent from it.
    pub parameters: Value,
    /// Asks servers that can check arguments against the schema to do so.
    pub strict: bool,
    pub hints: ToolHints,
}

/// What a tool claims about itself. These claims decide nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolHints {
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

/// Writes `server/tool`, as in the config and on screen. It comes from outside: clean it before showing it.
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
