//! Reads an `mcp.json` file piece by piece: what cannot be read costs no more than itself.

use std::{collections::BTreeMap, path::Path};

use serde_json::value::RawValue;

use super::{
    ConfigProblem, McpServerConfig,
    lenient_json::{RawMembers, decode_text, to_strict_json},
    load,
};
use crate::text;

/// The names under which programs list their servers.
const LISTS: [&str; 3] = ["mcpServers", "servers", "context_servers"];

/// What other programs write beside the list of servers, in small letters; none of it concerns ibid.
const FOREIGN_TOP: &str = "description globalshortcut inputs mcp metadata name permissions preferences projects sandbox settings \
    telemetry theme version";

/// What other programs write about a server; none of it concerns ibid, least of all what may run without asking.
const FOREIGN: &str = "allowedtools alwaysallow alwaysload approval argstemplate auth author authorization authprovidertype \
    autoapprove autoapprovetools autorestart autostart cache capabilities category config connecttimeout \
    contextfilename debug defer description dev disabledtools display displayname enabledtools envfile \
    envhttpheaders envvars excludetools extensions fromgalleryid gallery homepage icon iconurl id includetools \
    inittimeout install instructions keepalive label license links loglevel logo longrunning metadata name note \
    notes oauth oauthscopes options platform priority prompts provider publisher registry repository requestinit \
    requiresauth resources restart retries retry roots runtime runtimehint sandbox sandboxenabled scope scopes \
    serverinstructions source startuptimeout startuptimeoutms startuptimeoutsec tags targetname timeout \
    timeoutms title toolfilter toolpermissions tools tooltimeout tooltimeoutsec trust trusted version websiteurl";

/// What cannot be read in one place.
enum ReadError {
    /// Only this setting is ignored.
    Setting(String),
    /// Without it the server would be another one, so the server is left out.
    Server(String),
}

/// Reads the servers listed in a file of this form. What cannot be used is left out and reported.
///
/// # Errors
/// The text is not JSON at all, or lists no servers.
pub fn parse_mcp_servers(
    bytes: &[u8],
    path: &Path,
) -> Result<(BTreeMap<String, McpServerConfig>, Vec<ConfigProblem>), ConfigProblem> {
    let text = to_strict_json(&decode_text(bytes));
    let mut reader = FileReader { text: &text, path, problems: Vec::new() };
    let RawMembers(members) = serde_json::from_str(&text).map_err(|error| reader.syntax_problem(&error))?;
    let is_list = |name: &str| LISTS.contains(&name);
    if !members.iter().any(|(name, _)| is_list(name)) {
        return Err(reader.problem(None, &[], "there is no \"mcpServers\" in it".into()));
    }
    let mut servers = BTreeMap::new();
    for (name, value) in &members {
        if is_list(name) {
            reader.read_list(name, value, &mut servers);
        } else if !is_foreign(name, FOREIGN_TOP) {
            reader.note(value, &[name], "unknown setting, ignored".into());
        }
    }
    reader.problems.sort_by_key(|problem| problem.line);
    Ok((servers, reader.problems))
}

/// Whether a key belongs to other programs, or is a comment in the form of a key.
fn is_foreign(name: &str, foreign: &str) -> bool {
    let letters: String = name.chars().filter(|char| !"-_".contains(*char)).collect::<String>().to_ascii_lowercase();
    name.starts_with(['_', '/', '#', '$'])
        || name.starts_with("x-")
        || foreign.split_whitespace().any(|known| known == letters)
}

struct FileReader<'a> {
    /// The file as strict JSON; every value that is read is a part of it.
    text: &'a str,
    path: &'a Path,
    problems: Vec<ConfigProblem>,
}

impl FileReader<'_> {
    fn read_list(&mut self, list: &str, value: &RawValue, servers: &mut BTreeMap<String, McpServerConfig>) {
        let RawMembers(entries) = match members(value) {
            Ok(entries) => entries,
            Err(what) => return self.note(value, &[list], what),
        };
        for (name, entry) in entries {
            match self.read_server(list, &name, entry) {
                Ok(server) => _ = servers.insert(name, server),
                Err(problem) => self.problems.push(problem),
            }
        }
    }

    fn read_server(&mut self, list: &str, name: &str, entry: &RawValue) -> Result<McpServerConfig, ConfigProblem> {
        let RawMembers(settings) =
            members(entry).map_err(|what| self.problem(Some(entry), &[list, name], what + "; it is left out"))?;
        let mut server = McpServerConfig::default();
        let mut arguments_of_command = Vec::new();
        for (key, value) in &settings {
            if value.get() == "null" {
                continue; // As if it were not there.
            }
            let path = [list, name, key.as_str()];
            match self.read_setting(&mut server, &mut arguments_of_command, &path, value) {
                Ok(()) => (),
                Err(ReadError::Setting(what)) => self.note(value, &path, what + ", ignored"),
                Err(ReadError::Server(what)) => {
                    return Err(self.problem(Some(value), &path, what + "; the server is left out"));
                }
            }
        }
        server.args.splice(0..0, arguments_of_command);
        server.check(name).map_err(|(key, what, hint)| {
            let value = settings.iter().find(|(name, _)| name == key).map_or(entry, |(_, value)| value);
            let steps: Vec<&str> = [list, name, key].into_iter().filter(|step| !step.is_empty()).collect();
            ConfigProblem { hint: hint.map(str::to_owned), ..self.problem(Some(value), &steps, what) }
        })?;
        Ok(server)
    }

    /// Reads one setting; the names that other programs use for the same are understood.
    fn read_setting(
        &mut self,
        server: &mut McpServerConfig,
        arguments_of_command: &mut Vec<String>,
        path: &[&str; 3],
        value: &RawValue,
    ) -> Result<(), ReadError> {
        match path[2] {
            "command" if value.get().starts_with('[') => {
                let mut words = scalars(value).map_err(ReadError::Server)?.into_iter();
                server.command = words.next();
                arguments_of_command.extend(words);
            }
            "command" => server.command = Some(scalar(value).map_err(ReadError::Server)?),
            "args" | "arguments" => server.args = scalars(value).map_err(ReadError::Server)?,
            "cwd" | "workingDirectory" => server.cwd = Some(scalar(value).map_err(ReadError::Server)?.into()),
            "url" | "httpUrl" | "serverUrl" => server.url = Some(scalar(value).map_err(ReadError::Server)?),
            "type" | "transport" | "transportType" => {
                server.transport = Some(scalar(value).map_err(ReadError::Server)?);
            }
            "env" | "environment" => server.env = self.named_scalars(path, value)?,
            "headers" | "http_headers" => server.headers = self.named_scalars(path, value)?,
            "inherit" => server.inherit = scalars(value).map_err(ReadError::Setting)?,
            "bearer_env" | "bearer_token_env_var" => {
                let variable = scalar(value).map_err(ReadError::Setting)?;
                if !load::is_env_name(&variable) {
                    let what = "this is not the name of an environment variable (a token belongs there, not here)";
                    return Err(ReadError::Setting(what.into()));
                }
                server.bearer_env = Some(variable);
            }
            "start_timeout" => server.start_timeout = seconds(value).map_err(ReadError::Setting)?,
            "call_timeout" => server.call_timeout = seconds(value).map_err(ReadError::Setting)?,
            "enabled" | "isActive" | "active" => server.enabled = truth(value).map_err(ReadError::Setting)?,
            "disabled" => server.disabled = truth(value).map_err(ReadError::Setting)?,
            name if is_foreign(name, FOREIGN) => (),
            _ => return Err(ReadError::Setting("unknown setting".into())),
        }
        Ok(())
    }

    /// Reads an object of texts; a member that cannot be read is left out and reported.
    fn named_scalars(&mut self, path: &[&str; 3], value: &RawValue) -> Result<BTreeMap<String, String>, ReadError> {
        let RawMembers(entries) = members(value).map_err(ReadError::Setting)?;
        let mut named = BTreeMap::new();
        for (name, value) in entries {
            match scalar(value) {
                Ok(text) => _ = named.insert(name, text),
                Err(what) => self.note(value, &[path.as_slice(), &[&name]].concat(), what + ", ignored"),
            }
        }
        Ok(named)
    }

    fn note(&mut self, value: &RawValue, key: &[&str], what: String) {
        let problem = self.problem(Some(value), key, what);
        self.problems.push(problem);
    }

    fn problem(&self, value: Option<&RawValue>, key: &[&str], message: String) -> ConfigProblem {
        // The value is a part of the text.
        let offset = value.map(|value| value.get().as_ptr().addr() - self.text.as_ptr().addr());
        let line = offset.and_then(|offset| Some(1 + self.text.get(..offset)?.matches('\n').count() as u32));
        let key = (!key.is_empty()).then(|| key.join("."));
        ConfigProblem { path: self.path.to_owned(), line, column: None, key, message, hint: None }
    }

    fn syntax_problem(&self, error: &serde_json::Error) -> ConfigProblem {
        let what = text::error_words(error);
        let what = what.rsplit_once(" at line").map_or(what.as_str(), |(what, _)| what);
        let message = match error.classify() {
            serde_json::error::Category::Data => "this should be an object with \"mcpServers\" in it".into(),
            _ => format!("this is not JSON: {what}"),
        };
        let (line, column) = (Some(error.line() as u32), Some(error.column() as u32));
        ConfigProblem { line, column, ..self.problem(None, &[], message) }
    }
}

/// The members of an object.
fn members(value: &RawValue) -> Result<RawMembers<'_>, String> {
    serde_json::from_str(value.get()).map_err(|_| wrong_kind(value, "an object"))
}

/// A text, or a number or truth value as it is written.
fn scalar(value: &RawValue) -> Result<String, String> {
    match value.get().as_bytes().first() {
        Some(b'"') => serde_json::from_str(value.get()).map_err(|_| "this text cannot be read".into()),
        Some(b'{' | b'[' | b'n') | None => Err(wrong_kind(value, "a text")),
        Some(_) => Ok(value.get().to_owned()),
    }
}

/// A list of texts; one text counts as a list of itself.
fn scalars(value: &RawValue) -> Result<Vec<String>, String> {
    if !value.get().starts_with('[') {
        return scalar(value).map(|only| vec![only]).map_err(|_| wrong_kind(value, "a list of texts"));
    }
    let values: Vec<&RawValue> = serde_json::from_str(value.get()).map_err(|_| wrong_kind(value, "a list of texts"))?;
    values.into_iter().map(scalar).collect()
}

fn seconds(value: &RawValue) -> Result<f64, String> {
    let what = "this should be a number of seconds";
    let number = scalar(value).ok().and_then(|text| text.trim().parse().ok()).ok_or(what)?;
    load::check_range("", Some(number), 0.001..=86_400.0).map(|()| number).map_err(|invalid| invalid.message)
}

fn truth(value: &RawValue) -> Result<bool, String> {
    match scalar(value).unwrap_or_default().trim().to_ascii_lowercase().as_str() {
        "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        _ => Err("this should be true or false".into()),
    }
}

fn wrong_kind(value: &RawValue, wanted: &str) -> String {
    let kind = match value.get().as_bytes().first() {
        Some(b'{') => "an object",
        Some(b'[') => "a list",
        Some(b'"') => "a text",
        Some(b'n') => "null",
        Some(b't' | b'f') => "true or false",
        _ => "a number",
    };
    format!("this is {kind} and should be {wanted}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<(BTreeMap<String, McpServerConfig>, Vec<String>), String> {
        let problems = |problems: Vec<ConfigProblem>| problems.iter().map(ToString::to_string).collect();
        parse_mcp_servers(text.as_bytes(), Path::new(".mcp.json"))
            .map(|(servers, found)| (servers, problems(found)))
            .map_err(|problem| problem.to_string())
    }

    #[test]
    fn files_of_other_programs_are_read_without_a_word() {
        let text = r#"{"$schema": "x", "inputs": [{"id": "token"}], "mcpServers": {
            "files": {"type": "stdio", "command": "npx", "args": ["-y", "files"], "env": {"TOKEN": "${TOKEN}"},
                "autoApprove": ["*"], "always_allow": [], "timeout": 60, "tool_timeout_sec": 9, "trust": true, "icon": "x", "_comment": "mine"},
            "web": {"type": "http", "url": "https://${HOST}/mcp", "headers": {"X-Team": "a"}, "disabled": true},
            "gemini": {"httpUrl": "https://a.example/mcp", "includeTools": ["x"]},
            "asleep": {"command": "x", "isActive": false},
            "surf": {"serverUrl": "https://b.example/mcp", "cwd": null, "env": null},
            "open": {"type": "local", "command": ["uvx", "tool"], "args": ["-v"], "environment": {"A": "b"}}
        }}"#;
        let (servers, complaints) = read(text).expect("the file is valid");
        assert_eq!(complaints, [""; 0]);
        assert_eq!(servers["files"].command.as_deref(), Some("npx"));
        assert_eq!(servers["files"].env["TOKEN"], "${TOKEN}");
        assert!(servers["files"].is_enabled() && !servers["web"].is_enabled() && !servers["asleep"].is_enabled());
        assert_eq!(servers["gemini"].url.as_deref(), Some("https://a.example/mcp"));
        assert_eq!((servers["surf"].cwd.as_ref(), servers["surf"].env.len()), (None, 0));
        assert_eq!(
            (servers["open"].command.as_deref(), servers["open"].args.join(" ")),
            (Some("uvx"), "tool -v".into())
        );
        assert_eq!(read(r#"{"servers": {"a": {"command": "x"}}}"#).expect("as an editor writes it").0.len(), 1);
    }

    #[test]
    fn numbers_and_truth_values_are_taken_as_they_are_written() {
        let text = r#"{"mcpServers": {"a": {"command": "x", "args": ["--port", 8080, 1.50, true], "start_timeout": "7",
            "env": {"PORT": 8080, "RATE": 1e3, "BIG": 12345678901234567890123, "DEBUG": true}, "disabled": "false"}}}"#;
        let (servers, complaints) = read(text).expect("the file is valid");
        assert_eq!(complaints, [""; 0]);
        assert_eq!(servers["a"].args, ["--port", "8080", "1.50", "true"]);
        assert_eq!(servers["a"].env.values().collect::<Vec<_>>(), ["12345678901234567890123", "true", "8080", "1e3"]);
        assert!(servers["a"].is_enabled() && (servers["a"].start_timeout - 7.0).abs() < f64::EPSILON);
    }

    #[test]
    fn a_wrong_type_costs_its_setting_or_its_server_and_is_named_with_its_line() {
        let text = r#"{
            "mcpServers": {
                "ok": {"command": "a", "colour": "red"}, // a comment
                "piece": {"command": "a", "env": {"GOOD": "1", "BAD": ["x"]}, "headers": 7, "call_timeout": "soon",
                    "inherit": {}, "enabled": [], "bearer_env": "sk-1-2"},
                "args": {"command": "a", "args": ["x", {}]},
                "command": {"command": "a"}, "run": {"command": {"x": 1}},
                "none": {}, "both": {"command": "a", "url": "http://b"}, "old": {"type": "sse", "url": "http://b"},
                "a/b": {"command": "a"}, "list": [], "word": "npx", "where": {"url": "ftp://b"},
                "secret": {"url": "https://me:word@b/mcp"},
            },
            "extra": 1,
        }"#;
        let (servers, said) = read(text).expect("most of it is valid");
        let names: Vec<_> = servers.keys().collect();
        insta::assert_snapshot!(format!("{names:?}\n{}", said.join("\n")));
        assert_eq!(servers["piece"].env, BTreeMap::from([("GOOD".to_owned(), "1".to_owned())]));
    }

    #[test]
    fn a_text_that_is_not_json_is_reported_with_its_place() {
        let error = |text: &str| read(text).expect_err("it cannot be read");
        assert_eq!(error("{\n\"mcpServers\": {\"a\": }}"), ".mcp.json:2:21: this is not JSON: expected value");
        assert_eq!(error("[]"), ".mcp.json:1:0: this should be an object with \"mcpServers\" in it");
        assert_eq!(error("{}"), ".mcp.json: there is no \"mcpServers\" in it");
    }

    #[test]
    fn marks_and_comments_and_commas_do_no_harm() {
        let text = "\u{feff}// mine\n{\"mcpServers\": {\"a\": {\"url\": \"https://a.example//mcp\", /* no */ },},}\n";
        let (servers, complaints) = read(text).expect("the file is valid");
        assert_eq!((servers["a"].url.as_deref(), complaints.len()), (Some("https://a.example//mcp"), 0));
    }
}
