//! `[tools]` and `[[tool]]`: limits and permissions for tools, and programs offered as tools.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use serde::Deserialize;
use serde_json::Value;

use super::load::{InvalidValue, check_range, is_env_name};
use crate::{
    chat::request_options::HostedToolOptions,
    text,
    tools::{COMMAND_SERVER, PolicyVerdict, ToolCommand, ToolHints, ToolId, ToolLimits, ToolPolicy, policy},
};

/// How tools are used in every conversation.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default)]
pub struct ToolsConfig {
    /// How many calls may run at the same time.
    pub parallel: u32,
    /// How many responses a turn may take before it asks whether to continue.
    pub steps: u32,
    /// How long the first request of a turn waits for MCP servers that are still starting, in seconds.
    pub wait: f64,
    /// How much of a result the model reads, in bytes; the whole result is stored.
    pub result_bytes: u32,
    /// Whether a response may contain only one call.
    pub one_by_one: bool,
    /// Verdicts on calls, by `server/tool`, `server/*` or `*`.
    pub policy: BTreeMap<String, PolicyVerdict>,
    /// The rules that look as if ibid wrote them, as it did before it kept what a tool was like.
    #[serde(skip)]
    pub written_rules: BTreeSet<String>,
    pub hosted: HostedToolOptions,
}

/// A program offered to models as a tool.
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
    /// The verdict on its calls; an entry in `tools.policy` takes precedence.
    pub policy: Option<PolicyVerdict>,
    pub read_only: Option<bool>,
    pub destructive: Option<bool>,
}

impl Default for ToolsConfig {
    fn default() -> Self {
        let limits = ToolLimits::default();
        Self {
            parallel: limits.parallel_calls as u32,
            steps: limits.max_steps,
            wait: 5.0,
            result_bytes: limits.result_bytes as u32,
            one_by_one: false,
            policy: BTreeMap::new(),
            written_rules: BTreeSet::new(),
            hosted: HostedToolOptions::default(),
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

impl ToolsConfig {
    pub fn limits(&self) -> ToolLimits {
        ToolLimits {
            parallel_calls: self.parallel as usize,
            max_steps: self.steps,
            result_bytes: self.result_bytes as usize,
        }
    }

    /// Returns the rules for all tools, including those set on a command itself.
    pub fn policy(&self, commands: &[CommandTool]) -> ToolPolicy {
        let own_rule = |tool: &CommandTool| Some((ToolId::new(COMMAND_SERVER, &tool.name).to_string(), tool.policy?));
        let rules = commands.iter().filter_map(own_rule).chain(self.policy.clone());
        ToolPolicy::new(rules.collect())
    }

    pub(super) fn check(&self) -> Result<(), InvalidValue> {
        check_range("tools.parallel", Some(self.parallel), 1..=64)?;
        check_range("tools.steps", Some(self.steps), 1..=1000)?;
        check_range("tools.wait", Some(self.wait), 0.0..=600.0)?;
        check_range("tools.result_bytes", Some(self.result_bytes), 256..=16 * 1024 * 1024)?;
        if let Some(rule) = self.policy.keys().find(|rule| !policy::is_valid_rule(rule)) {
            let path = ["tools", "policy", rule].map(str::to_owned).into();
            return Err(InvalidValue { path, message: "not the name of a tool".into(), hint: None }
                .with_hint("for example \"git/log\", \"git/*\" or \"*\""));
        }
        let HostedToolOptions { on, max_calls, stop_after_steps, stop_after_tokens, stop_after_cost } = &self.hosted;
        let is_name = |name: &&String| !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        if let Some(name) = on.iter().find(|name| !is_name(name)) {
            return Err(InvalidValue::new("tools.hosted.on", format!("\"{name}\" is not the name of a hosted tool"))
                .with_hint("for example web_fetch, datetime or image_generation"));
        }
        check_range("tools.hosted.max_calls", *max_calls, 1..=30)?;
        check_range("tools.hosted.stop_after_steps", *stop_after_steps, 1..=1000)?;
        check_range("tools.hosted.stop_after_tokens", *stop_after_tokens, 1..=1_000_000_000)?;
        check_range("tools.hosted.stop_after_cost", *stop_after_cost, 0.000_001..=10_000.0)?;
        let has_stops = stop_after_steps.is_some() || stop_after_tokens.is_some() || stop_after_cost.is_some();
        if max_calls.is_some() && has_stops {
            return Err(InvalidValue::new(
                "tools.hosted.max_calls",
                "it has no effect together with stop_after_…".into(),
            )
            .with_hint("keep one or the other"));
        }
        Ok(())
    }
}

impl CommandTool {
    pub(super) fn check_all(tools: &[Self]) -> Result<(), InvalidValue> {
        for (index, tool) in tools.iter().enumerate() {
            tool.check().map_err(|(key, what, hint)| invalid_tool(index, key, what).with_hint(hint))?;
            if tools[..index].iter().any(|other| other.name == tool.name) {
                return Err(invalid_tool(index, "name", format!("there is another tool called \"{}\"", tool.name)));
            }
        }
        Ok(())
    }

    fn check(&self) -> Result<(), (&'static str, String, &'static str)> {
        let is_name = self.name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
        if self.name.is_empty() {
            return Err(("", "name is missing".into(), "for example name = \"weather\""));
        }
        if !is_name || self.name.len() > 48 {
            let hint = "use at most 48 letters, digits, - and _";
            return Err(("name", "not a valid tool name".into(), hint));
        }
        if self.argv.first().is_none_or(String::is_empty) {
            return Err(("argv", "the program is missing".into(), "for example argv = [\"weather\", \"{city}\"]"));
        }
        let hint = "for example { type = \"object\", properties = { city = { type = \"string\" } } }";
        self.parse_schema().map_err(|what| ("parameters", what, hint))?;
        if !(1..=86_400).contains(&self.timeout) {
            return Err(("timeout", format!("{} is not between 1 and 86400", self.timeout), "it is in seconds"));
        }
        if !(256..=64 * 1024 * 1024).contains(&self.max_output) {
            return Err((
                "max_output",
                format!("{} is not between 256 and 67108864", self.max_output),
                "it is in bytes",
            ));
        }
        if let Some(name) = self.env.iter().find(|name| !is_env_name(name)) {
            let what = format!("\"{name}\" is not the name of an environment variable");
            return Err(("env", what, "list names only; the values come from your environment"));
        }
        Ok(())
    }

    fn parse_schema(&self) -> Result<Value, String> {
        let schema = match &self.parameters {
            Value::String(json) => serde_json::from_str(json)
                .map_err(|error| format!("the string is not JSON: {}", text::error_words(&error)))?,
            schema => schema.clone(),
        };
        if schema.is_object() { Ok(schema) } else { Err("this is not a JSON Schema".into()) }
    }

    pub fn to_command(&self) -> ToolCommand {
        ToolCommand {
            name: self.name.clone(),
            description: self.description.clone(),
            parameters: self.parse_schema().unwrap_or_default(),
            argv: self.argv.clone(),
            timeout_secs: self.timeout,
            max_output_bytes: self.max_output as usize,
            working_dir: self.folder.clone(),
            inherited_env: self.env.clone(),
            strict: self.strict,
            hints: ToolHints { read_only: self.read_only, destructive: self.destructive, ..ToolHints::default() },
        }
    }
}

fn invalid_tool(index: usize, key: &str, message: String) -> InvalidValue {
    let steps =
        ["tool", &index.to_string(), key].iter().filter(|step| !step.is_empty()).map(ToString::to_string).collect();
    InvalidValue { path: steps, message, hint: None }
}
