//! MCP servers as the config names them, and as the `mcpServers` files of other programs do.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use super::{Complaint, complaint::steps, read};

/// A server that offers tools: a program that we start, or an address.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default)]
pub struct McpServer {
    /// The program; looked for in our own PATH.
    pub command: Option<String>,
    pub args: Vec<String>,
    /// All that the program finds in its environment, beside what it inherits.
    pub env: BTreeMap<String, String>,
    /// Variables of our own environment that it may see.
    pub inherit: Vec<String>,
    pub cwd: Option<PathBuf>,
    pub url: Option<String>,
    /// The environment variable that holds the token.
    pub bearer_env: Option<String>,
    pub headers: BTreeMap<String, String>,
    /// Seconds until it must have said what it offers.
    pub start_timeout: f64,
    /// Seconds without an answer or any progress until a call is given up.
    pub call_timeout: f64,
    pub enabled: bool,
    /// As other programs say it.
    pub disabled: bool,
    /// As other programs name it; `command` or `url` tell the same.
    #[serde(rename = "type")]
    pub transport: Option<String>,
}

impl Default for McpServer {
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

impl McpServer {
    pub fn is_on(&self) -> bool {
        self.enabled && !self.disabled
    }

    /// What the types cannot say: the key at fault, what is wrong, what to do.
    ///
    /// # Errors
    /// It cannot be used as it is.
    pub(super) fn check(&self, name: &str) -> Result<(), (&'static str, String, Option<&'static str>)> {
        if name.is_empty() || name.contains('/') || name.chars().any(char::is_control) {
            return Err(("", "the name of a server may hold no slash and no control characters".into(), None));
        }
        if name == crate::tools::COMMANDS {
            return Err(("", "this name belongs to the command tools".into(), Some("choose another name")));
        }
        match self.transport.as_deref() {
            None | Some("stdio" | "http" | "streamable-http" | "streamableHttp") => (),
            Some("sse") => {
                let hint = "ask the server for its address of streamable HTTP";
                return Err(("type", "the old transport \"sse\" is not spoken here".into(), Some(hint)));
            }
            Some(other) => return Err(("type", format!("there is no \"{other}\", only stdio, http"), None)),
        }
        match (&self.command, &self.url) {
            (None, None) => Err(("", "it has neither a command nor a url".into(), None)),
            (Some(_), Some(_)) => Err(("url", "it has a command and a url".into(), Some("keep one of them"))),
            (Some(command), None) if command.trim().is_empty() => Err(("command", "it is empty".into(), None)),
            (Some(_), None) if self.bearer_env.is_some() || !self.headers.is_empty() => {
                let hint = "give a token to a program with env or inherit";
                Err(("", "bearer_env and headers are for a url".into(), Some(hint)))
            }
            (Some(_), None) => Ok(()),
            (None, Some(url)) => check_url(url),
        }?;
        if self.bearer_env.as_deref().is_some_and(|name| !read::is_variable(name)) {
            let hint = "a token itself does not belong in the config: put it into the environment";
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

/// Variables in it are not known yet.
fn check_url(url: &str) -> Result<(), (&'static str, String, Option<&'static str>)> {
    let wrong = |what: String| Err(("url", what, Some("it looks like \"https://host/mcp\"")));
    if url.contains("${") {
        return Ok(());
    }
    match reqwest::Url::parse(url) {
        Err(error) => wrong(format!("this is not an address: {error}")),
        Ok(url) if !matches!(url.scheme(), "http" | "https") => {
            wrong("the address begins with neither http:// nor https://".into())
        }
        Ok(url) if !url.username().is_empty() || url.password().is_some() => {
            wrong("the address holds a user name or password".into())
        }
        Ok(_) => Ok(()),
    }
}

/// The servers in a file that has them under `mcpServers`; those that cannot be used are left out and complained of.
///
/// # Errors
/// It is not JSON, or not of that form.
pub fn read_servers(text: &str, path: &Path) -> Result<(BTreeMap<String, McpServer>, Vec<Complaint>), Complaint> {
    #[derive(Deserialize)]
    struct File {
        #[serde(rename = "mcpServers")]
        servers: BTreeMap<String, McpServer>,
    }
    let complaint = |line: Option<u32>, column: Option<u32>, key: Option<String>, what: String| Complaint {
        path: path.to_owned(),
        line,
        column,
        key,
        what,
        hint: None,
    };
    let mut complaints = Vec::new();
    let mut json = serde_json::Deserializer::from_str(text);
    let file: File = serde_ignored::deserialize(&mut json, |unknown| {
        let what = "there is no such setting, it is ignored".to_owned();
        complaints.push(complaint(None, None, Some(steps(&unknown).join(".")), what));
    })
    .and_then(|file| json.end().map(|()| file))
    .map_err(|error| {
        let what = match error.classify() {
            serde_json::error::Category::Data => error.to_string(),
            _ => format!("this is not JSON: {error}"),
        };
        let what = what.rsplit_once(" at line").map_or(what.as_str(), |(what, _)| what).to_owned();
        complaint(Some(error.line() as u32), Some(error.column() as u32), None, what)
    })?;
    let mut servers = file.servers;
    servers.retain(|name, server| match server.check(name) {
        Ok(()) => true,
        Err((key, what, hint)) => {
            let key = ["mcpServers", name, key].iter().filter(|step| !step.is_empty()).copied().collect::<Vec<_>>();
            complaints
                .push(Complaint { hint: hint.map(str::to_owned), ..complaint(None, None, Some(key.join(".")), what) });
            false
        }
    });
    Ok((servers, complaints))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<(Vec<String>, Vec<String>), String> {
        read_servers(text, Path::new(".mcp.json"))
            .map(|(servers, complaints)| {
                (servers.into_keys().collect(), complaints.iter().map(ToString::to_string).collect())
            })
            .map_err(|complaint| complaint.to_string())
    }

    #[test]
    fn what_other_programs_write_is_understood() {
        let text = r#"{"mcpServers": {
            "files": {"type": "stdio", "command": "npx", "args": ["-y", "files"], "env": {"TOKEN": "${TOKEN}"}},
            "web": {"type": "http", "url": "https://${HOST}/mcp", "headers": {"X-Team": "a"}, "disabled": true}
        }}"#;
        let (servers, complaints) = read_servers(text, Path::new(".mcp.json")).expect("it is understood");
        assert_eq!(complaints, []);
        assert_eq!(servers["files"].command.as_deref(), Some("npx"));
        assert_eq!(servers["files"].env["TOKEN"], "${TOKEN}");
        assert!(servers["files"].is_on() && !servers["web"].is_on());
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place_and_the_rest_is_kept() {
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
