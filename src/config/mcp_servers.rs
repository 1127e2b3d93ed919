//! MCP servers as described in the config, and in the `mcpServers` files of other programs.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use super::{ConfigProblem, load, problem::key_path};

/// An MCP server: a program that we start, or an address.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default)]
pub struct McpServerConfig {
    /// The program, looked up in our own PATH.
    pub command: Option<String>,
    pub args: Vec<String>,
    /// The program's environment, besides the variables it inherits.
    pub env: BTreeMap<String, String>,
    /// Names of variables passed on from our own environment.
    pub inherit: Vec<String>,
    pub cwd: Option<PathBuf>,
    pub url: Option<String>,
    /// The environment variable that holds the token.
    pub bearer_env: Option<String>,
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
        Err(error) => invalid(format!("this is not an address: {error}")),
        Ok(url) if !matches!(url.scheme(), "http" | "https") => {
            invalid("the address begins with neither http:// nor https://".into())
        }
        Ok(url) if !url.username().is_empty() || url.password().is_some() => {
            invalid("the address contains a user name or password".into())
        }
        Ok(_) => Ok(()),
    }
}

/// Parses the servers listed under `mcpServers`. Servers that cannot be used are left out and reported.
///
/// # Errors
/// The text is not JSON, or does not have that form.
pub fn parse_mcp_servers(
    text: &str,
    path: &Path,
) -> Result<(BTreeMap<String, McpServerConfig>, Vec<ConfigProblem>), ConfigProblem> {
    #[derive(Deserialize)]
    struct McpServersFile {
        #[serde(rename = "mcpServers")]
        servers: BTreeMap<String, McpServerConfig>,
    }
    let problem = |line: Option<u32>, column: Option<u32>, key: Option<String>, what: String| ConfigProblem {
        path: path.to_owned(),
        line,
        column,
        key,
        message: what,
        hint: None,
    };
    let mut problems = Vec::new();
    let mut json = serde_json::Deserializer::from_str(text);
    let file: McpServersFile = serde_ignored::deserialize(&mut json, |unknown| {
        let what = "unknown setting, ignored".to_owned();
        problems.push(problem(None, None, Some(key_path(&unknown).join(".")), what));
    })
    .and_then(|file| json.end().map(|()| file))
    .map_err(|error| {
        let what = match error.classify() {
            serde_json::error::Category::Data => error.to_string(),
            _ => format!("this is not JSON: {error}"),
        };
        let what = what.rsplit_once(" at line").map_or(what.as_str(), |(what, _)| what).to_owned();
        problem(Some(error.line() as u32), Some(error.column() as u32), None, what)
    })?;
    let mut servers = file.servers;
    servers.retain(|name, server| match server.check(name) {
        Ok(()) => true,
        Err((key, what, hint)) => {
            let key = ["mcpServers", name, key].iter().filter(|step| !step.is_empty()).copied().collect::<Vec<_>>();
            problems.push(ConfigProblem {
                hint: hint.map(str::to_owned),
                ..problem(None, None, Some(key.join(".")), what)
            });
            false
        }
    });
    Ok((servers, problems))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<(Vec<String>, Vec<String>), String> {
        parse_mcp_servers(text, Path::new(".mcp.json"))
            .map(|(servers, complaints)| {
                (servers.into_keys().collect(), complaints.iter().map(ToString::to_string).collect())
            })
            .map_err(|complaint| complaint.to_string())
    }

    #[test]
    fn files_of_other_programs_are_parsed() {
        let text = r#"{"mcpServers": {
            "files": {"type": "stdio", "command": "npx", "args": ["-y", "files"], "env": {"TOKEN": "${TOKEN}"}},
            "web": {"type": "http", "url": "https://${HOST}/mcp", "headers": {"X-Team": "a"}, "disabled": true}
        }}"#;
        let (servers, complaints) = parse_mcp_servers(text, Path::new(".mcp.json")).expect("the file is valid");
        assert_eq!(complaints, []);
        assert_eq!(servers["files"].command.as_deref(), Some("npx"));
        assert_eq!(servers["files"].env["TOKEN"], "${TOKEN}");
        assert!(servers["files"].is_enabled() && !servers["web"].is_enabled());
    }

    #[test]
    fn unusable_servers_are_reported_with_their_key_and_the_others_remain() {
        let text = r#"{"mcpServers": {
            "ok": {"command": "a", "colour": "red"},
            "none": {}, "both": {"command": "a", "url": "http://b"}, "old": {"type": "sse", "url": "http://b"},
            "a/b": {"command": "a"}, "command": {"command": "a"}, "where": {"url": "ftp://b"},
            "secret": {"url": "https://me:word@b/mcp"}
        }, "inputs": []}"#;
        insta::assert_snapshot!(read(text).map(|(names, said)| format!("{names:?}\n{}", said.join("\n"))).unwrap());
        assert_eq!(
            read("{\n\"mcpServers\": {\"a\": }}").unwrap_err(),
            ".mcp.json:2:21: this is not JSON: expected value"
        );
        assert_eq!(
            read("{\"mcpServers\": {\n\"a\": {\"command\": 7}}}").unwrap_err(),
            ".mcp.json:2:18: invalid type: integer `7`, expected a string"
        );
        assert_eq!(read("{}").unwrap_err(), ".mcp.json:1:2: missing field `mcpServers`");
    }
}
