//! `[tools]` and `[[tool]]`: how far tools go, who may run, and programs as functions.

use std::{collections::BTreeMap, path::PathBuf};

use serde::Deserialize;
use serde_json::Value;

use super::read::{Wrong, between, is_variable};
use crate::tools::{COMMANDS, Command, Hints, Limits, Policy, ToolId, Verdict, policy};

/// How tools are used in every conversation.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default)]
pub struct Tools {
    /// Calls that run at the same time.
    pub parallel: u32,
    /// Responses of one turn until it asks whether it shall go on.
    pub steps: u32,
    /// How long the first request of a turn waits for servers that are still starting, in seconds.
    pub wait: f64,
    /// How much of a result the model reads, in bytes; all of it is kept.
    pub result_bytes: u32,
    /// At most one call in a response.
    pub one_by_one: bool,
    /// `server/tool`, `server/*` or `*` to what happens to its calls.
    pub policy: BTreeMap<String, Verdict>,
    pub hosted: Hosted,
}

/// OpenRouter's own tools.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Hosted {
    /// Those that new conversations begin with, by the name behind `openrouter:`.
    pub on: Vec<String>,
    pub max_calls: Option<u32>,
    /// Instead of it: any one of them ends their use.
    pub stop_after_steps: Option<u32>,
    pub stop_after_tokens: Option<u64>,
    /// In dollars.
    pub stop_after_cost: Option<f64>,
}

/// A program as a function.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default)]
pub struct CommandTool {
    pub name: String,
    pub description: String,
    /// A JSON Schema, as a table or as JSON in a string.
    pub parameters: Value,
    pub argv: Vec<String>,
    /// In seconds.
    pub timeout: u64,
    pub max_output: u32,
    pub folder: Option<PathBuf>,
    pub env: Vec<String>,
    pub strict: bool,
    /// What its calls do without being asked about; a line of `tools.policy` wins.
    pub policy: Option<Verdict>,
    pub read_only: Option<bool>,
    pub destructive: Option<bool>,
}

impl Default for Tools {
    fn default() -> Self {
        let limits = Limits::default();
        Self {
            parallel: limits.parallel as u32,
            steps: limits.steps,
            wait: 5.0,
            result_bytes: limits.result as u32,
            one_by_one: false,
            policy: BTreeMap::new(),
            hosted: Hosted::default(),
        }
    }
}

impl Default for CommandTool {
    fn default() -> Self {
        Self {
            name: String::new(),
            description: String::new(),
            parameters: Value::Object(serde_json::Map::new()),
            argv: Vec::new(),
            timeout: 60,
            max_output: 16 * 1024 * 1024,
            folder: None,
            env: Vec::new(),
            strict: false,
            policy: None,
            read_only: None,
            destructive: None,
        }
    }
}

impl Tools {
    pub fn limits(&self) -> Limits {
        Limits { parallel: self.parallel as usize, steps: self.steps, result: self.result_bytes as usize }
    }

    /// The rules for all tools, those that stand beside a command among them.
    pub fn policy(&self, commands: &[CommandTool]) -> Policy {
        let own = |tool: &CommandTool| Some((ToolId::new(COMMANDS, &tool.name).to_string(), tool.policy?));
        let rules = commands.iter().filter_map(own).chain(self.policy.clone());
        Policy::new(rules.collect())
    }

    pub(super) fn check(&self) -> Result<(), Wrong> {
        between("tools.parallel", Some(self.parallel), 1..=64)?;
        between("tools.steps", Some(self.steps), 1..=1000)?;
        between("tools.wait", Some(self.wait), 0.0..=600.0)?;
        between("tools.result_bytes", Some(self.result_bytes), 256..=16 * 1024 * 1024)?;
        if let Some(rule) = self.policy.keys().find(|rule| !policy::is_rule(rule)) {
            let at = ["tools", "policy", rule].map(str::to_owned).into();
            return Err(Wrong { at, what: "this names no tool".into(), hint: None }
                .hint("it looks like \"git/log\", \"git/*\" or \"*\""));
        }
        let Hosted { on, max_calls, stop_after_steps, stop_after_tokens, stop_after_cost } = &self.hosted;
        let is_name = |name: &&String| !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        if let Some(name) = on.iter().find(|name| !is_name(name)) {
            return Err(Wrong::new("tools.hosted.on", format!("\"{name}\" is not the name of such a tool"))
                .hint("they are called web_fetch, datetime, image_generation …"));
        }
        between("tools.hosted.max_calls", *max_calls, 1..=30)?;
        between("tools.hosted.stop_after_steps", *stop_after_steps, 1..=1000)?;
        between("tools.hosted.stop_after_tokens", *stop_after_tokens, 1..=1_000_000_000)?;
        between("tools.hosted.stop_after_cost", *stop_after_cost, 0.000_001..=10_000.0)?;
        let stops = stop_after_steps.is_some() || stop_after_tokens.is_some() || stop_after_cost.is_some();
        if max_calls.is_some() && stops {
            return Err(Wrong::new("tools.hosted.max_calls", "it does not count beside stop_after_…".into())
                .hint("keep one or the other"));
        }
        Ok(())
    }
}

impl CommandTool {
    pub(super) fn check_all(tools: &[Self]) -> Result<(), Wrong> {
        for (at, tool) in tools.iter().enumerate() {
            tool.check().map_err(|(key, what, hint)| wrong(at, key, what).hint(hint))?;
            if tools[..at].iter().any(|other| other.name == tool.name) {
                return Err(wrong(at, "name", format!("there is another tool called \"{}\"", tool.name)));
            }
        }
        Ok(())
    }

    fn check(&self) -> Result<(), (&'static str, String, &'static str)> {
        let is_name = self.name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
        if self.name.is_empty() {
            return Err(("", "name is missing".into(), "it looks like name = \"weather\""));
        }
        if !is_name || self.name.len() > 48 {
            let hint = "letters, digits, - and _ only, at most 48 of them";
            return Err(("name", "models cannot call it so".into(), hint));
        }
        if self.argv.first().is_none_or(String::is_empty) {
            return Err(("argv", "the program is missing".into(), "it looks like argv = [\"weather\", \"{city}\"]"));
        }
        let hint = "it looks like { type = \"object\", properties = { city = { type = \"string\" } } }";
        self.schema().map_err(|what| ("parameters", what, hint))?;
        if !(1..=86_400).contains(&self.timeout) {
            return Err(("timeout", format!("{} is not between 1 and 86400", self.timeout), "it counts seconds"));
        }
        if !(256..=64 * 1024 * 1024).contains(&self.max_output) {
            return Err((
                "max_output",
                format!("{} is not between 256 and 67108864", self.max_output),
                "it counts bytes",
            ));
        }
        if let Some(name) = self.env.iter().find(|name| !is_variable(name)) {
            let what = format!("\"{name}\" is not the name of an environment variable");
            return Err(("env", what, "only names stand here; their values come from your environment"));
        }
        Ok(())
    }

    fn schema(&self) -> Result<Value, String> {
        let schema = match &self.parameters {
            Value::String(text) => {
                serde_json::from_str(text).map_err(|error| format!("the string is not JSON: {error}"))?
            }
            schema => schema.clone(),
        };
        if schema.is_object() { Ok(schema) } else { Err("this is not a JSON Schema".into()) }
    }

    pub fn command(&self) -> Command {
        Command {
            name: self.name.clone(),
            description: self.description.clone(),
            parameters: self.schema().unwrap_or_default(),
            argv: self.argv.clone(),
            timeout: self.timeout,
            max_output: self.max_output as usize,
            folder: self.folder.clone(),
            env: self.env.clone(),
            strict: self.strict,
            hints: Hints { read_only: self.read_only, destructive: self.destructive, ..Hints::default() },
        }
    }
}

fn wrong(at: usize, key: &str, what: String) -> Wrong {
    let steps =
        ["tool", &at.to_string(), key].iter().filter(|step| !step.is_empty()).map(ToString::to_string).collect();
    Wrong { at: steps, what, hint: None }
}
