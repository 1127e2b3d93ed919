//! An MCP server as described in the config or in an `mcp.json` file.

use std::{collections::BTreeMap, fmt, path::PathBuf};

use serde::{Deserialize, Deserializer, de::Visitor};

use super::load;
use crate::text;

/// An MCP server: a program that we start, or an address.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default)]
pub struct McpServerConfig {
    /// The program, looked up in our own PATH.
    pub command: Option<String>,
    #[serde(deserialize_with = "texts")]
    pub args: Vec<String>,
    /// The program's environment, besides the variables it inherits.
    #[serde(deserialize_with = "named_texts")]
    pub env: BTreeMap<String, String>,
    /// Names of variables passed on from our own environment.
    pub inherit: Vec<String>,
    pub cwd: Option<PathBuf>,
    pub url: Option<String>,
    /// The environment variable that holds the token.
    pub bearer_env: Option<String>,
    #[serde(deserialize_with = "named_texts")]
    pub headers: BTreeMap<String, String>,
    /// Seconds within which the server must have listed its tools.
    pub start_timeout: f64,
    /// Seconds without an answer or progress before a call is given up.
    pub call_timeout: f64,
    pub enabled: bool,
    /// The opposite of `enabled`, as other programs write it.
    pub disabled: bool,
    /// The transport, as other programs write it; `command` or `url` already determines it.
    #[serde(rename = "type")]
    pub transport: Option<String>,
}

impl Default for McpServerConfig {
    fn default() -> Self {
        Self {
            command: None,
            args: Vec::new(),
            env: BTreeMap::new(),
            inherit: Vec::new(),
            cwd: None,
            url: None,
            bearer_env: None,
            headers: BTreeMap::new(),
            start_timeout: 30.0,
            call_timeout: 300.0,
            enabled: true,
            disabled: false,
            transport: None,
        }
    }
}

impl McpServerConfig {
    pub fn is_enabled(&self) -> bool {
        self.enabled && !self.disabled
    }

    /// Checks the constraints that the types cannot express.
    ///
    /// # Errors
    /// The server cannot be used: the key at fault, what is wrong, how to fix it.
    pub(super) fn check(&self, name: &str) -> Result<(), (&'static str, String, Option<&'static str>)> {
        if name.is_empty() || name.contains('/') || name.chars().any(char::is_control) {
            return Err(("", "a server name may not contain slashes or control characters".into(), None));
        }
        if name == crate::tools::COMMAND_SERVER {
            return Err(("", "this name is reserved for command tools".into(), Some("choose another name")));
        }
        match self.transport.as_deref() {
            None | Some("stdio" | "http" | "streamable-http" | "streamableHttp") => (),
            // As other programs write it.
            Some("local" | "remote" | "streamable_http" | "streamable") => (),
            Some("sse") => {
                let hint = "use the server's streamable HTTP address";
                return Err(("type", "the old transport \"sse\" is not supported".into(), Some(hint)));
            }
            Some(other) => return Err(("type", format!("unknown value \"{other}\"; use stdio or http"), None)),
        }
        match (&self.command, &self.url) {
            (None, None) => Err(("", "it has neither a command nor a url".into(), None)),
            (Some(_), Some(_)) => Err(("url", "it has both a command and a url".into(), Some("keep one of them"))),
            (Some(command), None) if command.trim().is_empty() => Err(("command", "it is empty".into(), None)),
            (Some(_), None) if self.bearer_env.is_some() || !self.headers.is_empty() => {
                let hint = "pass a token to a program through env or inherit";
                Err(("", "bearer_env and headers need a url".into(), Some(hint)))
            }
            (Some(_), None) => Ok(()),
            (None, Some(url)) => check_url(url),
        }?;
        if self.bearer_env.as_deref().is_some_and(|name| !load::is_env_name(name)) {
            let hint = "do not put a token in the config: put it in the environment";
            return Err(("bearer_env", "this is not the name of an environment variable".into(), Some(hint)));
        }
        for (key, seconds) in [("start_timeout", self.start_timeout), ("call_timeout", self.call_timeout)] {
            if !(0.001..=86_400.0).contains(&seconds) {
                return Err((key, format!("{seconds} is not between 0.001 and 86400"), None));
            }
        }
        Ok(())
    }
}

/// Checks an address, unless it contains variables, whose values are not known yet.
fn check_url(url: &str) -> Result<(), (&'static str, String, Option<&'static str>)> {
    let invalid = |what: String| Err(("url", what, Some("for example \"https://host/mcp\"")));
    if url.contains("${") {
        return Ok(());
    }
    match reqwest::Url::parse(url) {
        Err(error) => invalid(format!("this is not an address: {}", text::error_words(&error))),
        Ok(url) if !matches!(url.scheme(), "http" | "https") => {
            invalid("the address begins with neither http:// nor https://".into())
        }
        Ok(url) if !url.username().is_empty() || url.password().is_some() => {
            invalid("the address contains a user name or password".into())
        }
        Ok(_) => Ok(()),
    }
}

/// A text, or a number or truth value that stands for its text.
struct ScalarText(String);

impl<'de> Deserialize<'de> for ScalarText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ScalarVisitor;
        impl Visitor<'_> for ScalarVisitor {
            type Value = ScalarText;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_str<E>(self, text: &str) -> Result<ScalarText, E> {
                Ok(ScalarText(text.to_owned()))
            }

            fn visit_bool<E>(self, truth: bool) -> Result<ScalarText, E> {
                Ok(ScalarText(truth.to_string()))
            }

            fn visit_i64<E>(self, number: i64) -> Result<ScalarText, E> {
                Ok(ScalarText(number.to_string()))
            }

            fn visit_f64<E>(self, number: f64) -> Result<ScalarText, E> {
                Ok(ScalarText(format!("{number:?}")))
            }
        }
        deserializer.deserialize_any(ScalarVisitor)
    }
}

fn texts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    Ok(Vec::<ScalarText>::deserialize(deserializer)?.into_iter().map(|scalar| scalar.0).collect())
}

fn named_texts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, String>, D::Error> {
    let scalars = BTreeMap::<String, ScalarText>::deserialize(deserializer)?;
    Ok(scalars.into_iter().map(|(name, scalar)| (name, scalar.0)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_truth_values_of_the_config_are_taken_as_their_text() {
        let text = "command = 'x'\nargs = ['-p', 8080, 1.0]\nenv = { PORT = 8080, DEBUG = true, NAME = 'a' }";
        let server: McpServerConfig = toml::from_str(text).expect("it is valid");
        assert_eq!(server.args, ["-p", "8080", "1.0"]);
        assert_eq!(server.env.values().collect::<Vec<_>>(), ["true", "a", "8080"]);
        let refused = toml::from_str::<McpServerConfig>("env = { A = [1] }").expect_err("a list is no text");
        assert!(refused.message().contains("expected a string"), "{refused}");
    }
}
