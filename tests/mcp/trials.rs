//! Plays servers with one oddity each, from a folder beside the project, and checks that it costs nothing else.

use std::{
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use ibid::{
    config::McpServerConfig,
    mcp::{LogSource, McpOptions, ServerState},
    tools::{ToolContent, ToolFailure, schema},
};
use serde_json::Value;

use crate::rig::{McpRig, test_options};

/// One file, and what must come of it.
struct Trial {
    file: &'static str,
    is_http: bool,
    tools: &'static [&'static str],
    call: CallEnd,
    /// What the list of tools says about the server; empty if nothing.
    told: &'static str,
}

/// How a call ends.
enum CallEnd {
    Text(&'static str),
    Fails(&'static str),
}

const BOTH: &[&str] = &["one", "two"];
const PLAIN: CallEnd = CallEnd::Text("ok {}");

const fn local(file: &'static str, tools: &'static [&'static str], told: &'static str) -> Trial {
    Trial { file, is_http: false, tools, call: PLAIN, told }
}

const fn over_http(file: &'static str, call: CallEnd) -> Trial {
    Trial { file, is_http: true, tools: BOTH, call, told: "" }
}

const TRIALS: &[Trial] = &[
    local("mcp-tool-null-schema.mcp.json", &["good", "nulled"], "odd in its tools: nulled: inputSchema"),
    local("mcp-tool-without-schema.mcp.json", &["good", "bare"], "odd in its tools: bare: inputSchema"),
    local("mcp-capabilities-list.mcp.json", BOTH, "odd in its introduction: capabilities.tools"),
    local("mcp-error-null-beside-result.mcp.json", BOTH, ""),
    local("mcp-icons-as-text.mcp.json", BOTH, "odd in its introduction: serverInfo.icons, instructions"),
    local("mcp-required-null.mcp.json", &["r"], ""),
    Trial { call: CallEnd::Text("third"), ..local("mcp-result-null-text.mcp.json", BOTH, "odd in a result: block 1") },
    Trial { call: CallEnd::Text("42"), ..local("mcp-result-one-block.mcp.json", BOTH, "odd in a result: content") },
    Trial {
        call: CallEnd::Fails("its server refused: quota is used up until noon"),
        ..local("mcp-error-as-text.mcp.json", BOTH, "")
    },
    local("mcp-banner.mcp.json", BOTH, ""),
    local("mcp-banner-without-newline.mcp.json", BOTH, ""),
    over_http(
        "mcp-http-call-200-id-null.mcp.json",
        CallEnd::Fails("its server refused: Invalid Request (error -32600)"),
    ),
    over_http(
        "mcp-http-call-404-server-error.mcp.json",
        CallEnd::Fails("its server refused: Session not found (error -32600)"),
    ),
    over_http("mcp-sse-error-event.mcp.json", CallEnd::Fails("its server refused: quota is used up (error -32000)")),
    over_http("mcp-sse-ping-event.mcp.json", PLAIN),
];

/// What is played elsewhere.
const OTHERS: &[&str] = &["mcp-dies-at-once.mcp.json"];

/// The folder with the files; says loudly that it is missing.
fn folder() -> Option<PathBuf> {
    let usual = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/reference/trials");
    let folder = std::env::var_os("IBID_TRIALS").map_or_else(|| PathBuf::from(usual), PathBuf::from);
    if !folder.is_dir() {
        // Not with `eprintln`, which a passing test swallows.
        let _ = writeln!(std::io::stderr(), "SKIPPED: {} is not beside the project", folder.display());
        return None;
    }
    Some(folder)
}

fn local_server(folder: &Path, file: &str) -> McpServerConfig {
    let args = ["mcp_play.py", file].map(|name| folder.join(name).display().to_string()).into();
    McpServerConfig {
        command: Some("python3".into()),
        args,
        inherit: vec!["PATH".into()],
        start_timeout: 30.0,
        ..McpServerConfig::default()
    }
}

/// A server of the folder over HTTP.
struct PlayedServer(Child);

impl PlayedServer {
    #[expect(clippy::disallowed_methods, reason = "a server of a test")]
    fn start(folder: &Path, file: &str) -> (Self, String) {
        let mut command = Command::new("python3");
        command.args([folder.join("mcp_play.py"), folder.join(file)]).arg("--http").stdout(Stdio::piped());
        let mut child = command.spawn().expect("python3 is installed");
        let mut address = String::new();
        let stdout = child.stdout.take().expect("it has an output");
        BufReader::new(stdout).read_line(&mut address).expect("it prints its address");
        (Self(child), address.trim().to_owned())
    }
}

impl Drop for PlayedServer {
    fn drop(&mut self) {
        let _ = self.0.kill(); // It may have ended.
        let _ = self.0.wait();
    }
}

#[test]
fn every_file_is_played() {
    let Some(folder) = folder() else { return };
    let known = |name: &str| TRIALS.iter().any(|trial| trial.file == name) || OTHERS.contains(&name);
    let files = std::fs::read_dir(folder).expect("the folder can be read").flatten();
    let names = files.map(|file| file.file_name().to_string_lossy().into_owned());
    let unknown: Vec<String> = names.filter(|name| name.ends_with(".mcp.json") && !known(name)).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}

#[tokio::test]
async fn one_oddity_of_a_server_costs_no_more_than_itself() {
    let Some(folder) = folder() else { return };
    for trial in TRIALS {
        let (_played, config) = if trial.is_http {
            let (played, url) = PlayedServer::start(&folder, trial.file);
            (Some(played), McpServerConfig { url: Some(url), ..McpServerConfig::default() })
        } else {
            (None, local_server(&folder, trial.file))
        };
        let mut rig = McpRig::for_server(config);
        rig.wait_ready().await;
        let names: Vec<&str> = rig.server().tools.iter().map(|tool| tool.id.name.as_str()).collect();
        assert_eq!(names, trial.tools, "{}", trial.file);
        for tool in &rig.server().tools {
            let sent = schema::to_wire(&tool.parameters, false).parameters;
            assert!(sent["properties"].is_object() && !has_null(&sent), "{}: {sent}", trial.file);
        }
        let begun = Instant::now();
        let result = rig.call(trial.tools[0]).await;
        assert!(begun.elapsed() < Duration::from_secs(20), "{}", trial.file);
        match (&trial.call, result) {
            (CallEnd::Text(text), Ok(outcome)) => {
                assert_eq!(outcome.content, [ToolContent::Text((*text).into())], "{}", trial.file);
            }
            (CallEnd::Fails(why), Err(failure)) => assert_eq!(failure.message(), *why, "{}", trial.file),
            (_, other) => panic!("{}: {other:?}", trial.file),
        }
        if !trial.told.is_empty() {
            assert_eq!(rig.wait_for_log(trial.told).await.source, LogSource::Ibid, "{}", trial.file);
            rig.wait_until(|rig| rig.server().problem() == Some(trial.told)).await;
        }
        rig.shut_down();
    }
}

/// Whether a schema has a null where servers of models refuse one.
fn has_null(schema: &Value) -> bool {
    match schema {
        Value::Object(fields) => fields.values().any(|value| value.is_null() || has_null(value)),
        Value::Array(list) => list.iter().any(has_null),
        _ => false,
    }
}

#[tokio::test]
async fn a_server_that_ends_at_once_is_told_with_its_last_line_and_not_awaited() {
    let Some(folder) = folder() else { return };
    let slow_retry = McpOptions { first_retry_delay: Duration::from_mins(1), ..test_options() };
    let mut rig = McpRig::with_options(local_server(&folder, OTHERS[0]), slow_retry);
    rig.wait_until(|rig| {
        rig.statuses.servers.get("s").is_some_and(|known| matches!(known.state, ServerState::Waiting { .. }))
    })
    .await;
    let why = rig.server().problem().unwrap_or_default().to_owned();
    assert_eq!(
        why,
        "it ended with exit code 1 before it introduced itself: Error: Cannot find module 'x' … at foo (bar.js:1)"
    );
    assert_eq!(rig.statuses.pending_servers().count(), 0, "a request would wait for it");
    let refused = rig.call("one").await;
    assert_eq!(refused, Err(ToolFailure::Start(why)));
    rig.shut_down();
}
