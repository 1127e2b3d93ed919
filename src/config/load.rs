//! Parses text into a `Config`, checked by serde and by our own rules.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    io::ErrorKind,
    ops::RangeInclusive,
    path::Path,
};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, Visitor},
};
use toml_edit::Document;

use super::{
    ActionKeys, CommandTool, Config, ConfigProblem, EFFORT_NAMES, EndpointConfig, KeySetting, McpServerConfig,
    PROVIDER_SORTS, SEARCH_ENGINES, TEXT_WIDTHS, TimeoutsConfig,
    problem::{ConfigText, key_path},
};
use crate::{files, text, tools::PolicyVerdict};

impl Config {
    /// Loads the config from a file, with warnings about it. A missing file counts as empty.
    ///
    /// # Errors
    /// The file cannot be read, is not TOML, or contains an invalid value.
    pub fn load(path: &Path) -> Result<(Self, Vec<ConfigProblem>), ConfigProblem> {
        match read_file(path)? {
            Some(text) => Self::parse(&text, path),
            None => Ok((Self::default(), Vec::new())),
        }
    }

    /// Parses a config; the path is for messages only. Unknown keys are warnings, not errors.
    ///
    /// # Errors
    /// The text is not TOML, or contains an invalid value.
    pub fn parse(text: &str, path: &Path) -> Result<(Self, Vec<ConfigProblem>), ConfigProblem> {
        let source = ConfigText { text, path };
        let document = Document::parse(text).map_err(|error| source.syntax_problem(error.message(), error.span()))?;
        let deserializer =
            toml::Deserializer::parse(text).map_err(|error| source.syntax_problem(error.message(), error.span()))?;
        let mut unknown: Vec<Vec<String>> = Vec::new();
        let mut config: Self = serde_ignored::deserialize(deserializer, |path| unknown.push(key_path(&path)))
            .map_err(|error| source.type_problem(&document, error.message(), error.span()))?;
        config.check().map_err(|wrong| source.problem_at(&document, &wrong.path, wrong.message, wrong.hint))?;
        for endpoint in config.endpoints.values_mut() {
            endpoint.base_url.truncate(endpoint.base_url.trim_end_matches('/').len());
        }
        config.tools.written_rules = rules_of_ours(&config.tools.policy, text);
        for (name, setting) in &mut config.keys {
            let line = |path: &[&String]| {
                let path: Vec<String> =
                    std::iter::once("keys").chain(path.iter().map(|step| step.as_str())).map(str::to_owned).collect();
                source.line_of(&document, &path).unwrap_or(1)
            };
            match setting {
                KeySetting::Action(keys) => keys.line = line(&[name]),
                KeySetting::Context(actions) => {
                    for (action, keys) in actions {
                        keys.line = line(&[name, action]);
                    }
                }
            }
        }
        let mut complaints: Vec<_> = unknown.iter().map(|at| source.unknown_key(&document, at)).collect();
        complaints.sort_by_key(|complaint| complaint.line);
        Ok((config, complaints))
    }

    /// Checks the constraints that the types cannot express.
    fn check(&self) -> Result<(), InvalidValue> {
        check_not_blank("model", self.model.as_deref())?;
        check_not_blank("theme", Some(&self.theme))?;
        check_not_blank("theme_dark", Some(&self.theme_dark))?;
        check_not_blank("theme_light", Some(&self.theme_light))?;
        check_not_blank("title_model", self.title_model.as_deref())?;
        check_range("trash_days", Some(self.trash_days), 0..=36_500)?;
        check_choice("effort", self.effort.as_deref(), &EFFORT_NAMES)?;
        check_range("temperature", self.temperature, 0.0..=2.0)?;
        check_range("top_p", self.top_p, 0.0..=1.0)?;
        check_range("max_output_tokens", self.max_output_tokens, 1..=100_000_000)?;
        check_range("list_width", Some(self.list_width), 16..=80)?;
        check_range("rail_width", Some(self.rail_width), 24..=120)?;
        check_range("text_width", Some(self.text_width), TEXT_WIDTHS)?;
        check_choice("search.engine", self.search.engine.as_deref(), &SEARCH_ENGINES)?;
        check_range("search.max_results", self.search.max_results, 1..=25)?;
        check_range("search.max_total_results", self.search.max_total_results, 1..=1000)?;
        check_choice("provider.sort", self.provider.sort.as_deref(), &PROVIDER_SORTS)?;
        self.timeouts.check(&["timeouts".into()])?;
        check_range("xray.max_bytes", Some(self.xray.max_bytes), 4096..=64 * 1024 * 1024)?;
        self.tools.check()?;
        CommandTool::check_all(&self.tool)?;
        for (slot, model) in &self.slots {
            check_not_blank(&format!("slots.{slot}"), Some(model))?;
            if !(1..=9).contains(slot) {
                return Err(InvalidValue::new(&format!("slots.{slot}"), "the slots are 1 to 9".into()));
            }
        }
        self.endpoints.iter().try_for_each(|(name, endpoint)| endpoint.check(name))?;
        self.mcp.iter().try_for_each(|(name, server)| check_mcp_server(name, server))?;
        self.check_endpoint()
    }

    fn check_endpoint(&self) -> Result<(), InvalidValue> {
        match self.endpoint.as_deref() {
            None | Some("openrouter") => Ok(()),
            Some(name) if self.endpoints.contains_key(name) => Ok(()),
            Some(name) => Err(InvalidValue::new("endpoint", format!("there is no endpoint \"{name}\""))
                .with_hint(format!("add [endpoints.{name}] with its base_url, or use \"openrouter\""))),
        }
    }
}

/// Returns the rules in exactly the form in which ibid wrote them for tools that were allowed on a card.
fn rules_of_ours(policy: &BTreeMap<String, PolicyVerdict>, text: &str) -> BTreeSet<String> {
    let allowed = policy.iter().filter(|(_, verdict)| **verdict == PolicyVerdict::Allow).map(|(rule, _)| rule);
    let has_line = |rule: &&String| {
        let line = format!("\"{rule}\" = \"allow\"");
        !rule.ends_with('*') && text.lines().any(|written| written == line)
    };
    allowed.filter(has_line).cloned().collect()
}

impl EndpointConfig {
    fn check(&self, name: &str) -> Result<(), InvalidValue> {
        let invalid = |key: &str, what: &str| {
            let at = ["endpoints", name, key].iter().filter(|step| !step.is_empty()).map(ToString::to_string).collect();
            InvalidValue { path: at, message: what.into(), hint: None }
        };
        if !name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b)) {
            return Err(invalid("", "an endpoint name may contain only letters, digits, - and _"));
        }
        if name == "demo" {
            return Err(invalid("", "this name is reserved for the built-in demo").with_hint("choose another name"));
        }
        match (name, self.base_url.as_str()) {
            ("openrouter", "") => (),
            ("openrouter", _) => {
                return Err(invalid("base_url", "the address of openrouter is built in")
                    .with_hint("choose another name for this server, or set OPENROUTER_BASE_URL"));
            }
            (_, "") => {
                return Err(invalid("", "base_url is missing").with_hint("for example \"http://localhost:11434/v1\""));
            }
            (_, url) => {
                check_base_url(url).map_err(|what| {
                    invalid("base_url", &what)
                        .with_hint("for example \"https://host/v1\", without /responses at the end")
                })?;
            }
        }
        if self.key_env.as_deref().is_some_and(|name| !is_env_name(name)) {
            return Err(invalid("key_env", "this is not the name of an environment variable")
                .with_hint("do not put a key in the config: paste it in the app, which stores it in a separate file"));
        }
        if self.key_command.first().is_some_and(String::is_empty) {
            return Err(invalid("key_command", "the program is missing"));
        }
        self.timeouts.check(&["endpoints".into(), name.into(), "timeouts".into()])
    }
}

fn check_mcp_server(name: &str, server: &McpServerConfig) -> Result<(), InvalidValue> {
    server.check(name).map_err(|(key, what, hint)| {
        let at = ["mcp", name, key].iter().filter(|step| !step.is_empty()).map(ToString::to_string).collect();
        InvalidValue { path: at, message: what, hint: hint.map(str::to_owned) }
    })
}

/// Checks that requests can be sent to paths below an address.
///
/// # Errors
/// A short reason why they cannot.
pub fn check_base_url(base_url: &str) -> Result<(), String> {
    let url = reqwest::Url::parse(base_url).map_err(|error| {
        let reason = if base_url.contains("://") {
            text::error_words(&error)
        } else {
            "it begins with no http:// or https://".into()
        };
        format!("\"{base_url}\" is not an address: {reason}")
    })?;
    match url {
        _ if !matches!(url.scheme(), "http" | "https") => {
            Err("the address begins with neither http:// nor https://".into())
        }
        _ if !url.username().is_empty() || url.password().is_some() => {
            Err("the address contains a user name or password".into())
        }
        _ if url.fragment().is_some() => Err("the address contains a #".into()),
        _ if url.path().trim_end_matches('/').ends_with("/responses") => Err("the address ends with /responses".into()),
        _ => Ok(()),
    }
}

impl TimeoutsConfig {
    fn check(&self, table: &[String]) -> Result<(), InvalidValue> {
        let key_path = |key: &str| table.iter().cloned().chain([key.to_owned()]).collect::<Vec<_>>();
        let named = [
            ("connect", self.connect),
            ("first_byte", self.first_byte),
            ("silence_warn", self.silence_warn),
            ("silence_stop", self.silence_stop),
        ];
        for (key, seconds) in named {
            check_range(key, seconds, 0.001..=86_400.0)
                .map_err(|wrong| InvalidValue { path: key_path(key), ..wrong })?;
        }
        match (self.silence_warn, self.silence_stop) {
            (Some(warn), Some(stop)) if warn > stop => Err(InvalidValue {
                path: key_path("silence_warn"),
                message: "it is longer than silence_stop".into(),
                hint: None,
            }),
            _ => Ok(()),
        }
    }
}

/// Accepts a key, a list of keys, or a table of them.
impl<'de> Deserialize<'de> for KeySetting {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct KeySettingVisitor;
        impl<'de> Visitor<'de> for KeySettingVisitor {
            type Value = KeySetting;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a key or a list of keys")
            }

            fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
                Ok(KeySetting::Action(ActionKeys { keys: vec![key.to_owned()], line: 0 }))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut keys = Vec::new();
                while let Some(key) = list.next_element()? {
                    keys.push(key);
                }
                Ok(KeySetting::Action(ActionKeys { keys, line: 0 }))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut table: A) -> Result<Self::Value, A::Error> {
                let mut actions = BTreeMap::new();
                while let Some((action, keys)) = table.next_entry::<String, ActionKeys>()? {
                    actions.insert(action, keys);
                }
                Ok(KeySetting::Context(actions))
            }
        }
        deserializer.deserialize_any(KeySettingVisitor)
    }
}

/// Accepts a key or a list of keys.
impl<'de> Deserialize<'de> for ActionKeys {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match KeySetting::deserialize(deserializer)? {
            KeySetting::Action(keys) => Ok(keys),
            KeySetting::Context(_) => {
                Err(serde::de::Error::custom("invalid type: map, expected a key or a list of keys"))
            }
        }
    }
}

/// Reads the text of a file; `None` if there is no file.
pub(super) fn read_file(path: &Path) -> Result<Option<String>, ConfigProblem> {
    let unreadable = |message: String, hint: &str| ConfigProblem {
        path: path.to_owned(),
        line: None,
        column: None,
        key: None,
        message,
        hint: Some(hint.into()),
    };
    match files::read(path) {
        Ok(bytes) => String::from_utf8(bytes).map(Some).map_err(|error| {
            let valid_bytes = &error.as_bytes()[..error.utf8_error().valid_up_to()];
            let line = valid_bytes.split(|byte| *byte == b'\n').count() as u32;
            let complaint = unreadable("the file is not UTF-8 text".into(), "save it as UTF-8, or move it away");
            ConfigProblem { line: Some(line), ..complaint }
        }),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) if error.kind() == ErrorKind::IsADirectory || path.is_dir() => {
            Err(unreadable("this is a directory, not a file".into(), "remove it, or name another file with --config"))
        }
        Err(error) => Err(unreadable(
            format!("the file cannot be read ({})", text::error_words(&error)),
            "correct that, or name another file with --config",
        )),
    }
}

/// An invalid value, with the path of its key.
#[derive(Debug)]
pub(super) struct InvalidValue {
    pub path: Vec<String>,
    pub message: String,
    pub hint: Option<String>,
}

impl InvalidValue {
    pub(super) fn new(key: &str, message: String) -> Self {
        Self { path: key.split('.').map(str::to_owned).collect(), message, hint: None }
    }

    pub(super) fn with_hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }
}

fn check_not_blank(key: &str, value: Option<&str>) -> Result<(), InvalidValue> {
    match value {
        Some(value) if value.trim().is_empty() => {
            Err(InvalidValue::new(key, "it is empty".into()).with_hint("remove the line"))
        }
        _ => Ok(()),
    }
}

fn check_choice(key: &str, value: Option<&str>, choices: &[&str]) -> Result<(), InvalidValue> {
    match value {
        Some(value) if !choices.contains(&value) => {
            Err(InvalidValue::new(key, format!("unknown value \"{value}\"; use one of {}", choices.join(", "))))
        }
        _ => Ok(()),
    }
}

pub(super) fn is_env_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

pub(super) fn check_range<T: PartialOrd + fmt::Display>(
    key: &str,
    value: Option<T>,
    range: RangeInclusive<T>,
) -> Result<(), InvalidValue> {
    match value {
        Some(value) if !range.contains(&value) => {
            Err(InvalidValue::new(key, format!("{value} is not between {} and {}", range.start(), range.end())))
        }
        _ => Ok(()),
    }
}
