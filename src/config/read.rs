//! Text to `Config`: what serde finds wrong, and what our own rules do.

use std::{fmt, fs, io::ErrorKind, ops::RangeInclusive, path::Path};

use serde::{
    Deserialize, Deserializer,
    de::{SeqAccess, Visitor},
};
use toml_edit::Document;

use super::{
    CommandTool, Complaint, Config, EFFORTS, ENGINES, Endpoint, Keys, McpServer, SORTS, Timeouts,
    complaint::{Source, steps},
};

/// All keys, for the hint beside an unknown one; `*` stands for a name that the reader chooses.
pub(super) const KNOWN: &[&str] = &[
    "model",
    "endpoint",
    "effort",
    "web",
    "system",
    "temperature",
    "top_p",
    "max_output_tokens",
    "theme",
    "theme_dark",
    "theme_light",
    "glyphs",
    "list",
    "list_width",
    "rail_width",
    "text_width",
    "mouse",
    "copy_on_select",
    "links",
    "code",
    "bidi",
    "reasoning",
    "reasoning.show",
    "reasoning.summary",
    "search",
    "search.form",
    "search.engine",
    "search.max_results",
    "search.max_total_results",
    "search.context_size",
    "search.allowed_domains",
    "search.excluded_domains",
    "sources",
    "sources.check",
    "timeouts",
    "timeouts.connect",
    "timeouts.first_byte",
    "timeouts.silence_warn",
    "timeouts.silence_stop",
    "provider",
    "provider.order",
    "provider.only",
    "provider.ignore",
    "provider.allow_fallbacks",
    "provider.require_parameters",
    "provider.data_collection",
    "provider.zdr",
    "provider.quantizations",
    "provider.enforce_distillable_text",
    "provider.sort",
    "provider.partition",
    "provider.max_price",
    "provider.max_price.prompt",
    "provider.max_price.completion",
    "provider.max_price.request",
    "provider.max_price.image",
    "provider.max_price.audio",
    "provider.preferred_max_latency",
    "provider.preferred_min_throughput",
    "provider.options",
    "xray",
    "xray.record",
    "xray.max_bytes",
    "tools",
    "tools.parallel",
    "tools.steps",
    "tools.wait",
    "tools.result_bytes",
    "tools.one_by_one",
    "tools.policy",
    "tools.hosted",
    "tools.hosted.on",
    "tools.hosted.max_calls",
    "tools.hosted.stop_after_steps",
    "tools.hosted.stop_after_tokens",
    "tools.hosted.stop_after_cost",
    "tool",
    "tool.*.name",
    "tool.*.description",
    "tool.*.parameters",
    "tool.*.argv",
    "tool.*.timeout",
    "tool.*.max_output",
    "tool.*.folder",
    "tool.*.env",
    "tool.*.strict",
    "tool.*.policy",
    "tool.*.read_only",
    "tool.*.destructive",
    "notify",
    "notify.when",
    "notify.bell",
    "notify.desktop",
    "notify.title",
    "slots",
    "keys",
    "endpoints",
    "endpoints.*.base_url",
    "endpoints.*.key_env",
    "endpoints.*.key_command",
    "endpoints.*.dialect",
    "endpoints.*.stream",
    "endpoints.*.timeouts",
    "endpoints.*.timeouts.connect",
    "endpoints.*.timeouts.first_byte",
    "endpoints.*.timeouts.silence_warn",
    "endpoints.*.timeouts.silence_stop",
    "mcp",
    "mcp.*.command",
    "mcp.*.args",
    "mcp.*.env",
    "mcp.*.inherit",
    "mcp.*.cwd",
    "mcp.*.url",
    "mcp.*.bearer_env",
    "mcp.*.headers",
    "mcp.*.start_timeout",
    "mcp.*.call_timeout",
    "mcp.*.enabled",
];

impl Config {
    /// The config in a file, with what is odd in it. A file that is missing is an empty one.
    ///
    /// # Errors
    /// It cannot be read, is not TOML, or a value in it cannot be.
    pub fn load(path: &Path) -> Result<(Self, Vec<Complaint>), Complaint> {
        match read(path)? {
            Some(text) => Self::parse(&text, path),
            None => Ok((Self::default(), Vec::new())),
        }
    }

    /// The config in a text; the path is for messages only. Unknown keys are complaints, not errors.
    ///
    /// # Errors
    /// The text is not TOML, or a value in it cannot be.
    pub fn parse(text: &str, path: &Path) -> Result<(Self, Vec<Complaint>), Complaint> {
        let source = Source { text, path };
        let document = Document::parse(text).map_err(|error| source.not_toml(error.message(), error.span()))?;
        let deserializer =
            toml::Deserializer::parse(text).map_err(|error| source.not_toml(error.message(), error.span()))?;
        let mut unknown: Vec<Vec<String>> = Vec::new();
        let mut config: Self = serde_ignored::deserialize(deserializer, |path| unknown.push(steps(&path)))
            .map_err(|error| source.wrong_type(&document, error.message(), error.span()))?;
        config.check().map_err(|wrong| source.complain(&document, &wrong.at, wrong.what, wrong.hint))?;
        for endpoint in config.endpoints.values_mut() {
            endpoint.base_url.truncate(endpoint.base_url.trim_end_matches('/').len());
        }
        for (action, keys) in &mut config.keys {
            keys.line = source.line(&document, &["keys".into(), action.clone()]).unwrap_or(1);
        }
        let mut complaints: Vec<_> = unknown.iter().map(|at| source.unknown(&document, at)).collect();
        complaints.sort_by_key(|complaint| complaint.line);
        Ok((config, complaints))
    }

    /// What the types cannot say.
    fn check(&self) -> Result<(), Wrong> {
        filled("model", self.model.as_deref())?;
        filled("theme", Some(&self.theme))?;
        filled("theme_dark", Some(&self.theme_dark))?;
        filled("theme_light", Some(&self.theme_light))?;
        one_of("effort", self.effort.as_deref(), &EFFORTS)?;
        between("temperature", self.temperature, 0.0..=2.0)?;
        between("top_p", self.top_p, 0.0..=1.0)?;
        between("max_output_tokens", self.max_output_tokens, 1..=100_000_000)?;
        between("list_width", Some(self.list_width), 16..=80)?;
        between("rail_width", Some(self.rail_width), 24..=120)?;
        between("text_width", Some(self.text_width), 30..=400)?;
        one_of("search.engine", self.search.engine.as_deref(), &ENGINES)?;
        between("search.max_results", self.search.max_results, 1..=25)?;
        between("search.max_total_results", self.search.max_total_results, 1..=1000)?;
        one_of("provider.sort", self.provider.sort.as_deref(), &SORTS)?;
        self.timeouts.check(&["timeouts".into()])?;
        between("xray.max_bytes", Some(self.xray.max_bytes), 4096..=64 * 1024 * 1024)?;
        self.tools.check()?;
        CommandTool::check_all(&self.tool)?;
        for (slot, model) in &self.slots {
            filled(&format!("slots.{slot}"), Some(model))?;
            if !(1..=9).contains(slot) {
                return Err(Wrong::new(&format!("slots.{slot}"), "the slots are 1 to 9".into()));
            }
        }
        self.endpoints.iter().try_for_each(|(name, endpoint)| endpoint.check(name))?;
        self.mcp.iter().try_for_each(|(name, server)| check_server(name, server))?;
        self.check_endpoint()
    }

    fn check_endpoint(&self) -> Result<(), Wrong> {
        match self.endpoint.as_deref() {
            None | Some("openrouter") => Ok(()),
            Some(name) if self.endpoints.contains_key(name) => Ok(()),
            Some(name) => Err(Wrong::new("endpoint", format!("there is no endpoint \"{name}\""))
                .hint(format!("add [endpoints.{name}] with its base_url, or use \"openrouter\""))),
        }
    }
}

impl Endpoint {
    fn check(&self, name: &str) -> Result<(), Wrong> {
        let wrong = |key: &str, what: &str| {
            let at = ["endpoints", name, key].iter().filter(|step| !step.is_empty()).map(ToString::to_string).collect();
            Wrong { at, what: what.into(), hint: None }
        };
        if !name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b)) {
            return Err(wrong("", "the name of an endpoint may have letters, digits, - and _ only"));
        }
        if name == "demo" {
            return Err(wrong("", "this name belongs to the built-in demo").hint("choose another name"));
        }
        match (name, self.base_url.as_str()) {
            ("openrouter", "") => (),
            ("openrouter", _) => {
                return Err(wrong("base_url", "the address of openrouter is built in")
                    .hint("choose another name for this server, or set OPENROUTER_BASE_URL"));
            }
            (_, "") => return Err(wrong("", "base_url is missing").hint("it looks like \"http://localhost:11434/v1\"")),
            (_, url) => {
                check_address(url).map_err(|what| {
                    wrong("base_url", &what).hint("it looks like \"https://host/v1\", without /responses at its end")
                })?;
            }
        }
        if self.key_env.as_deref().is_some_and(|name| !is_variable(name)) {
            return Err(wrong("key_env", "this is not the name of an environment variable").hint(
                "a key itself does not belong in the config: paste it in the app, it is kept in a file of its own",
            ));
        }
        if self.key_command.first().is_some_and(String::is_empty) {
            return Err(wrong("key_command", "the program has no name"));
        }
        self.timeouts.check(&["endpoints".into(), name.into(), "timeouts".into()])
    }
}

fn check_server(name: &str, server: &McpServer) -> Result<(), Wrong> {
    server.check(name).map_err(|(key, what, hint)| {
        let at = ["mcp", name, key].iter().filter(|step| !step.is_empty()).map(ToString::to_string).collect();
        Wrong { at, what, hint: hint.map(str::to_owned) }
    })
}

/// An address that requests can be joined to.
///
/// # Errors
/// In a few words, why it is not one.
pub fn check_address(base_url: &str) -> Result<(), String> {
    let url = reqwest::Url::parse(base_url).map_err(|error| format!("\"{base_url}\" is not an address: {error}"))?;
    match url {
        _ if !matches!(url.scheme(), "http" | "https") => {
            Err("the address begins with neither http:// nor https://".into())
        }
        _ if !url.username().is_empty() || url.password().is_some() => {
            Err("the address holds a user name or password".into())
        }
        _ if url.fragment().is_some() => Err("the address holds a #".into()),
        _ if url.path().trim_end_matches('/').ends_with("/responses") => Err("the address ends with /responses".into()),
        _ => Ok(()),
    }
}

impl Timeouts {
    fn check(&self, table: &[String]) -> Result<(), Wrong> {
        let at = |key: &str| table.iter().cloned().chain([key.to_owned()]).collect::<Vec<_>>();
        let named = [
            ("connect", self.connect),
            ("first_byte", self.first_byte),
            ("silence_warn", self.silence_warn),
            ("silence_stop", self.silence_stop),
        ];
        for (key, seconds) in named {
            between(key, seconds, 0.001..=86_400.0).map_err(|wrong| Wrong { at: at(key), ..wrong })?;
        }
        match (self.silence_warn, self.silence_stop) {
            (Some(warn), Some(stop)) if warn > stop => {
                Err(Wrong { at: at("silence_warn"), what: "it is longer than silence_stop".into(), hint: None })
            }
            _ => Ok(()),
        }
    }
}

/// A string or a list of strings.
impl<'de> Deserialize<'de> for Keys {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneOrMany;
        impl<'de> Visitor<'de> for OneOrMany {
            type Value = Vec<String>;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a key or a list of keys")
            }

            fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
                Ok(vec![key.to_owned()])
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut keys = Vec::new();
                while let Some(key) = list.next_element()? {
                    keys.push(key);
                }
                Ok(keys)
            }
        }
        Ok(Self { keys: deserializer.deserialize_any(OneOrMany)?, line: 0 })
    }
}

/// The text of a file, or nothing where there is no file.
pub(super) fn read(path: &Path) -> Result<Option<String>, Complaint> {
    let unreadable = |what: String, hint: &str| Complaint {
        path: path.to_owned(),
        line: None,
        column: None,
        key: None,
        what,
        hint: Some(hint.into()),
    };
    match fs::read(path) {
        Ok(bytes) => String::from_utf8(bytes).map(Some).map_err(|error| {
            let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
            let line = good.split(|byte| *byte == b'\n').count() as u32;
            let complaint = unreadable("the file is not UTF-8 text".into(), "save it as UTF-8, or move it away");
            Complaint { line: Some(line), ..complaint }
        }),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) if error.kind() == ErrorKind::IsADirectory || path.is_dir() => {
            Err(unreadable("this is a directory, not a file".into(), "remove it, or name another file with --config"))
        }
        Err(error) => Err(unreadable(
            format!("the file cannot be read ({error})"),
            "correct that, or name another file with --config",
        )),
    }
}

/// A value that cannot be, by the steps of its key.
#[derive(Debug)]
pub(super) struct Wrong {
    pub at: Vec<String>,
    pub what: String,
    pub hint: Option<String>,
}

impl Wrong {
    pub(super) fn new(key: &str, what: String) -> Self {
        Self { at: key.split('.').map(str::to_owned).collect(), what, hint: None }
    }

    pub(super) fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }
}

fn filled(key: &str, value: Option<&str>) -> Result<(), Wrong> {
    match value {
        Some(value) if value.trim().is_empty() => Err(Wrong::new(key, "it is empty".into()).hint("leave the line out")),
        _ => Ok(()),
    }
}

fn one_of(key: &str, value: Option<&str>, choices: &[&str]) -> Result<(), Wrong> {
    match value {
        Some(value) if !choices.contains(&value) => {
            Err(Wrong::new(key, format!("there is no \"{value}\", only {}", choices.join(", "))))
        }
        _ => Ok(()),
    }
}

pub(super) fn is_variable(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

pub(super) fn between<T: PartialOrd + fmt::Display>(
    key: &str,
    value: Option<T>,
    range: RangeInclusive<T>,
) -> Result<(), Wrong> {
    match value {
        Some(value) if !range.contains(&value) => {
            Err(Wrong::new(key, format!("{value} is not between {} and {}", range.start(), range.end())))
        }
        _ => Ok(()),
    }
}
