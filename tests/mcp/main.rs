//! MCP with real servers, local and over HTTP, well-behaved and broken.

#![cfg(unix)]
#![allow(unreachable_pub, reason = "nothing outside uses a test")]

#[path = "../support/mod.rs"]
mod support;

mod conversation;
mod http;
mod odd_servers;
mod overlay;
mod rig;
mod server;
mod trials;

use std::time::Duration;

use ibid::{
    config::McpServerConfig,
    mcp::{LogSource, McpEvent, McpJob, RunPermission, ServerDiscovery, ServerState},
    tools::{ToolContent, ToolFailure, ToolHints},
};
use serde_json::json;

use rig::{McpRig, exits_in_time, is_alive, test_options, test_server};

#[test]
#[expect(clippy::disallowed_methods, reason = "the server of a test has nothing to give back")]
fn this_process_is_a_server() {
    if let Ok(kind) = std::env::var(server::SERVER_KIND) {
        server::run_as(&kind);
        std::process::exit(0);
    }
}

#[tokio::test]
async fn no_server_starts_before_it_is_needed() {
    let places =
        ServerDiscovery { servers: [("s".to_owned(), test_server("good"))].into(), ..ServerDiscovery::default() };
    let mut rig = McpRig::with_places(places, test_options());
    let McpEvent::Servers { servers, complaints } = rig.next_event().await else {
        panic!("the list of servers comes first")
    };
    assert_eq!((servers.len(), complaints), (1, vec![]));
    assert_eq!(rig.call("echo").await, Err(ToolFailure::Start("it is not running".into())));
    rig.send(McpJob::Start);
    let starting = rig.next_event().await;
    assert_eq!(starting, McpEvent::State { server: "s".into(), state: ServerState::Starting });
    // The first attempt suffices: a server that knows only the older protocol says so.
    let tools = rig.next_event().await;
    assert!(matches!(tools, McpEvent::Tools { .. }), "{tools:?}");
    rig.wait_ready().await;
    rig.shut_down();
}

#[tokio::test]
async fn a_server_identifies_itself_lists_its_tools_and_returns_every_kind_of_content() {
    for kind in ["good", "new"] {
        let mut rig = McpRig::for_server(test_server(kind));
        rig.wait_ready().await;
        let ServerState::Ready(identity) = &rig.server().state else { panic!("the server is not ready") };
        let protocol = if kind == "new" { "2026-07-28" } else { "2025-11-25" };
        assert_eq!((identity.name.as_str(), identity.version.as_str()), ("everything", "1.2.3"));
        assert_eq!(identity.protocol, protocol);
        let echo = &rig.server().tools[0];
        assert_eq!((echo.id.to_string().as_str(), echo.title.as_deref()), ("s/echo", Some("Say it again")));
        assert_eq!(echo.description, "what echo does");
        assert_eq!(echo.parameters["properties"]["text"]["type"], "string");
        let hints =
            ToolHints { read_only: Some(true), destructive: Some(false), idempotent: None, open_world: Some(false) };
        assert_eq!(echo.hints, hints);

        let call = rig.start_call("echo", &json!({"text": "héllo\n\u{1b}[31m"}));
        let outcome = rig.wait_done(call).await.expect("the call returns a result");
        assert_eq!(outcome.content, [ToolContent::Text("héllo\n\u{1b}[31m".into())]);
        let outcome = rig.call("everything").await.expect("the call returns a result");
        let resource = ToolContent::Resource {
            uri: "file:///a.txt".into(),
            mime: Some("text/plain".into()),
            text: "inside".into(),
        };
        let expected = [
            ToolContent::Text("{\"sum\":3}".into()),
            ToolContent::Image { mime: "image/png".into(), data: "aW1hZ2U=".into() },
            ToolContent::Audio { mime: "audio/wav".into(), data: "c291bmQ=".into() },
            resource,
            ToolContent::Link { uri: "https://a.b/c".into(), name: "a page".into() },
        ];
        assert_eq!(outcome.content, expected);
        let outcome = rig.call("fails").await.expect("a tool error is a result");
        assert_eq!((outcome.failed, outcome.content), (true, vec![ToolContent::Text("no such file".into())]));
        let refused = ToolFailure::Refused("the text is missing (error -32602)".into());
        assert_eq!(rig.call("refuses").await, Err(refused));
        rig.shut_down();
    }
}

#[tokio::test]
async fn a_paged_tool_list_is_complete() {
    let mut rig = McpRig::for_server(test_server("paged"));
    rig.wait_ready().await;
    let paged: Vec<_> = rig.server().tools.iter().map(|tool| tool.id.name.clone()).collect();
    assert_eq!(paged.len(), 16);
    assert_eq!((paged[0].as_str(), paged[15].as_str()), ("echo", "pings"));
    rig.shut_down();
}

#[tokio::test]
async fn a_changed_tool_list_is_fetched_again() {
    for kind in ["good", "new"] {
        let mut rig = McpRig::for_server(test_server(kind));
        rig.wait_ready().await;
        let before = rig.server().tools.len();
        assert_eq!(rig.call_text("grows").await, "grown");
        rig.wait_until(|rig| rig.server().tools.len() == before + 1).await;
        assert_eq!(rig.server().tools[before].id.name, "newcomer");
        rig.shut_down();
    }
}

#[tokio::test]
async fn progress_is_reported_and_pings_are_answered() {
    let mut rig = McpRig::for_server(test_server("good"));
    rig.wait_ready().await;
    let call = rig.start_call("slow", &json!({}));
    let mut steps = Vec::new();
    let outcome = loop {
        match rig.next_event().await {
            McpEvent::CallProgress { call: progress_call, progress } => {
                assert_eq!(progress_call, call);
                steps.push((progress.done, progress.total, progress.message));
            }
            McpEvent::CallDone { result, .. } => break result,
            _ => (),
        }
    };
    // Notifications and results are handled in separate tasks, so the result may overtake the second notification.
    assert_eq!(steps.first(), Some(&(1.0, Some(2.0), Some("reading".into()))));
    assert_eq!(outcome.expect("the call returns a result").content, [ToolContent::Text("done".into())]);
    assert_eq!(rig.call_text("pings").await, "true");
    rig.shut_down();
}

#[tokio::test]
async fn a_cancelled_call_is_cancelled_at_its_server() {
    for kind in ["good", "new"] {
        let mut rig = McpRig::for_server(test_server(kind));
        rig.wait_ready().await;
        let call = rig.start_call("waits", &json!({}));
        if kind == "good" {
            rig.wait_for_log("waiting").await;
        }
        rig.send(McpJob::Cancel(call));
        assert_eq!(rig.wait_done(call).await, Err(ToolFailure::Crashed("it was cancelled".into())));
        if kind == "good" {
            rig.wait_for_log("cancelled").await;
        }
        while rig.call_text("was_cancelled").await != "true" {}
        rig.shut_down();
    }
}

#[tokio::test]
async fn a_call_waiting_for_a_start_fails_when_the_server_restarts() {
    let mut rig = McpRig::for_server(test_server("mute"));
    let call = rig.start_call("echo", &json!({"text": "x"}));
    rig.send(McpJob::Restart("s".into()));
    assert_eq!(rig.wait_done(call).await, Err(ToolFailure::Start("it is being restarted".into())));
    rig.shut_down();
}

#[tokio::test]
async fn a_call_without_a_result_times_out_and_others_continue() {
    let mut rig = McpRig::for_server(McpServerConfig { call_timeout: 1.0, ..test_server("good") });
    rig.wait_ready().await;
    let waits = rig.start_call("waits", &json!({}));
    let echo = rig.start_call("echo", &json!({"text": "meanwhile"}));
    assert!(rig.wait_done(echo).await.is_ok());
    assert_eq!(rig.wait_done(waits).await, Err(ToolFailure::TimedOut { seconds: 1 }));
    assert_eq!(rig.call_text("was_cancelled").await, "true");
    rig.shut_down();
}

#[tokio::test]
async fn unsupported_server_requests_are_refused_by_the_protocol_and_logged() {
    let mut rig = McpRig::for_server(test_server("good"));
    rig.wait_ready().await;
    let got = rig.call_text("asks").await;
    let refused = ["sampling/createMessage", "roots/list", "elicitation/create", "secrets/list"];
    assert_eq!(got, refused.map(|method| format!("-32601 {method}")).join("\n"));
    for method in refused {
        assert_eq!(rig.wait_for_log(method).await.source, LogSource::Refused);
    }
    rig.shut_down();
    // In the newest protocol, a server asks in its response.
    let mut rig = McpRig::for_server(test_server("new"));
    rig.wait_ready().await;
    let refused = ToolFailure::Refused("it wants to ask a question back, which ibid does not support".into());
    assert_eq!(rig.call("asks_back").await, Err(refused));
    rig.shut_down();
}

#[tokio::test]
async fn log_lines_are_cleaned_and_rubbish_on_stdout_is_logged() {
    let mut rig = McpRig::for_server(test_server("rubbish"));
    rig.wait_ready().await;
    for rubbish in ["Server is listening", "{ not json", "\"msg\": \"started\""] {
        assert_eq!(rig.wait_for_log(rubbish).await.source, LogSource::Stdout);
    }
    rig.call("logs").await.expect("the call returns a result");
    let line = rig.wait_for_log("cleared").await;
    assert_eq!(line.source, LogSource::Warning);
    assert!(!line.text.contains(['\u{1b}', '\u{202e}']), "{line:?}");
    rig.shut_down();
}

#[tokio::test]
async fn a_result_of_twelve_megabytes_loses_its_middle_and_says_so() {
    let mut rig = McpRig::for_server(test_server("good"));
    rig.wait_ready().await;
    let call = rig.start_call("big", &json!({"bytes": 12_000_000}));
    let outcome = rig.wait_done(call).await.expect("the call returns a result");
    let [ToolContent::Text(text)] = &outcome.content[..] else { panic!("not one text") };
    assert!(text.len() < 9 << 20, "{} bytes", text.len());
    assert!(text.starts_with("begin0123456789") && text.ends_with("0123456789end"));
    assert!(text.contains("\n[… 3611400 bytes left out …]\n"));
    rig.wait_for_log("a text was too long: 3611400 bytes left out").await;
    rig.shut_down();
}

#[tokio::test]
async fn an_answer_of_twenty_megabytes_fails_its_call_in_words_and_other_calls_go_on() {
    for kind in ["good", "new"] {
        let mut rig = McpRig::for_server(test_server(kind));
        rig.wait_ready().await;
        let waits = rig.start_call("waits", &json!({}));
        let big = rig.start_call("big", &json!({"bytes": 20_000_000}));
        assert_eq!(rig.wait_done(big).await, Err(ToolFailure::Garbled("it is larger than 16 MB".into())));
        rig.wait_for_log("a message larger than 16 MB was left out").await;
        assert_eq!(rig.call_text("was_cancelled").await, "false");
        rig.send(McpJob::Cancel(waits));
        assert_eq!(rig.wait_done(waits).await, Err(ToolFailure::Crashed("it was cancelled".into())));
        rig.shut_down();
    }
}

#[tokio::test]
async fn a_server_process_sees_only_the_named_variables() {
    let mut server = test_server("good");
    server.env.insert("TOKEN".into(), "${GOOD_TOKEN}".into());
    server.env.insert("PORT".into(), "${NOBODY_SETS_THIS:-80}".into());
    server.inherit = vec!["HOME".into(), "NOBODY_SETS_THIS".into()];
    let mut rig = McpRig::for_server(server);
    rig.wait_ready().await;
    let home = std::env::var("HOME").expect("HOME is set");
    // The shell in between sets variables of its own, and ibid one by which it finds the process again.
    let seen = rig.call_text("environment").await;
    let seen: Vec<&str> = seen
        .lines()
        .filter(|line| !["PWD=", "SHLVL=", "_=", "OLDPWD=", "IBID_GROUP="].iter().any(|own| line.starts_with(own)))
        .collect();
    assert_eq!(seen, [&format!("HOME={home}"), "IBID_TEST_SERVER=good", "PORT=80", "TOKEN=good-token"]);
    rig.shut_down();
}

#[tokio::test]
async fn a_server_that_cannot_start_is_given_up_after_three_attempts() {
    let mut rig = McpRig::for_server(test_server("crash"));
    let mut attempts = 0;
    let reason = loop {
        match rig.next_event().await {
            McpEvent::State { state: ServerState::Starting, .. } => attempts += 1,
            McpEvent::State { state: ServerState::Failed { why }, .. } => break why,
            _ => (),
        }
    };
    assert_eq!(attempts, 3);
    assert!(reason.starts_with("it ended with exit code 7 before it introduced itself: no configuration;"), "{reason}");
    assert!(reason.contains("inherit = [\"PATH\", \"HOME\"]"), "{reason}");
    assert_eq!(rig.wait_for_log("no configuration").await.text, "no configuration");
    // A new request to start it gives it one more attempt.
    rig.send(McpJob::Start);
    assert_eq!(rig.wait_failed().await, reason);
    assert_eq!(rig.call("echo").await, Err(ToolFailure::Start(reason)));
    rig.shut_down();

    let mut rig =
        McpRig::for_server(McpServerConfig { command: Some("no-such-program".into()), ..McpServerConfig::default() });
    assert_eq!(rig.wait_failed().await, "there is no program no-such-program in the PATH");
    rig.shut_down();
    let mut server = test_server("good");
    server.env.insert("TOKEN".into(), "${NOBODY_SETS_THIS}".into());
    let mut rig = McpRig::for_server(server);
    assert_eq!(rig.wait_failed().await, "the variable NOBODY_SETS_THIS is not set");
    rig.shut_down();
}

#[tokio::test]
async fn a_server_that_crashes_during_a_call_is_restarted() {
    let mut rig = McpRig::for_server(test_server("good"));
    rig.wait_ready().await;
    let waits = rig.start_call("waits", &json!({}));
    rig.wait_for_log("waiting").await;
    let crashes = rig.start_call("crashes", &json!({}));
    let mut failures = Vec::new();
    while failures.len() < 2 {
        if let McpEvent::CallDone { call, result } = rig.next_event().await {
            failures.push((call, result));
        }
    }
    failures.sort_by_key(|(call, _)| *call);
    let crashed = || Err(ToolFailure::Crashed("it ended with exit code 3: out of order".into()));
    assert_eq!(failures, [(waits, crashed()), (crashes, crashed())]);
    rig.wait_for_log("out of order").await;
    rig.wait_until(|rig| matches!(rig.server().state, ServerState::Starting)).await;
    rig.wait_ready().await;
    assert_eq!(rig.call_text("was_cancelled").await, "false");
    rig.shut_down();
}

#[tokio::test]
async fn a_server_that_is_mute_or_floods_its_output_is_stopped() {
    let hasty = |kind| McpServerConfig { start_timeout: 0.2, ..test_server(kind) };
    let mut rig = McpRig::for_server(hasty("mute"));
    assert_eq!(rig.wait_failed().await, "it did not introduce itself within 0.2 s");
    rig.shut_down();
    let mut rig = McpRig::for_server(hasty("flood"));
    assert_eq!(rig.wait_failed().await, "it did not introduce itself within 0.2 s");
    assert!(rig.server().log.len() <= 200);
    rig.shut_down();
    let mut rig = McpRig::for_server(test_server("endless"));
    assert_eq!(rig.wait_failed().await, "it sent a message that is too long to read");
    rig.shut_down();
}

#[tokio::test]
async fn a_server_that_knows_only_the_old_handshake_gets_it() {
    let mut rig = McpRig::for_server(test_server("picky"));
    rig.wait_ready().await;
    let ServerState::Ready(identity) = &rig.server().state else { panic!("the server is not ready") };
    assert_eq!(identity.protocol, "2024-11-05");
    assert_eq!(rig.server().tools.len(), 1);
    rig.shut_down();
}

#[tokio::test]
async fn no_process_is_left_behind_not_even_the_children_of_a_server() {
    let short = ibid::mcp::McpOptions { grace: Duration::from_millis(50), ..test_options() };
    let mut rig = McpRig::with_options(test_server("good"), short);
    rig.wait_ready().await;
    let process_ids = rig.call_text("children").await;
    let processes: Vec<&str> = process_ids.split(' ').collect();
    assert!(processes.iter().all(|process| is_alive(process)), "{process_ids}");
    rig.start_call("waits", &json!({}));
    rig.shut_down();
    assert!(processes.iter().all(|process| exits_in_time(process)), "{process_ids}");

    // This server ignores both the end of its input and signals.
    let folder = tempfile::tempdir().expect("the directory can be created");
    let file = folder.path().join("pid");
    let script = format!("trap '' TERM HUP INT; echo $$ > {}; while :; do sleep 1; done", file.display());
    let deaf = McpServerConfig {
        command: Some("sh".into()),
        args: vec!["-c".into(), script],
        start_timeout: 30.0,
        ..McpServerConfig::default()
    };
    let mut rig = McpRig::with_options(deaf, short);
    rig.wait_until(|rig| rig.statuses.servers.get("s").is_some_and(|known| known.state == ServerState::Starting)).await;
    let mut process = String::new();
    while process.trim().is_empty() {
        process = std::fs::read_to_string(&file).unwrap_or_default();
        tokio::task::yield_now().await;
    }
    rig.shut_down();
    assert!(exits_in_time(process.trim()));
}

#[tokio::test]
async fn a_file_that_has_changed_since_it_was_shown_is_not_trusted() {
    let folder = tempfile::tempdir().expect("the directory can be created");
    let file = folder.path().join(".mcp.json");
    let write = |argument: &str| {
        let servers = json!({"mcpServers": {"s": {"command": "nothing", "args": [argument]}}});
        std::fs::write(&file, servers.to_string()).expect("the file can be written");
    };
    write("shown");
    let places = ServerDiscovery {
        config_file: folder.path().join("config/config.toml"),
        working_dir: folder.path().into(),
        trust_file: folder.path().join("trusted.json"),
        ..ServerDiscovery::default()
    };
    let mut rig = McpRig::with_places(places, test_options());
    rig.next_event().await;
    write("not shown");
    rig.send(McpJob::Trust(file.clone()));
    rig.wait_until(|rig| rig.server().configured.settings.args == ["not shown"]).await;
    assert_eq!(rig.server().configured.permission, RunPermission::Untrusted);
    assert!(rig.statuses.complaints[0].contains("has changed since it was shown"), "{:?}", rig.statuses.complaints);
    rig.send(McpJob::Trust(file));
    rig.wait_until(|rig| rig.server().configured.permission == RunPermission::On).await;
    rig.shut_down();
}

#[tokio::test]
async fn a_reload_adds_new_servers_and_stops_removed_ones() {
    let folder = tempfile::tempdir().expect("the directory can be created");
    let project = folder.path().join("work");
    std::fs::create_dir(&project).expect("the directory can be created");
    let (command, args) = server::server_command();
    let write = |names: &[&str]| {
        let servers: serde_json::Map<String, serde_json::Value> = names
            .iter()
            .map(|name| {
                ((*name).to_owned(), json!({"command": command, "args": args, "env": {server::SERVER_KIND: "good"}}))
            })
            .collect();
        std::fs::write(project.join(".mcp.json"), json!({"mcpServers": servers}).to_string())
            .expect("the file can be written");
    };
    write(&["s"]);
    let places = ServerDiscovery {
        config_file: folder.path().join("config.toml"),
        working_dir: project.clone(),
        trust_file: folder.path().join("trusted.json"),
        ..ServerDiscovery::default()
    };
    let mut rig = McpRig::with_places(places, test_options());
    rig.next_event().await;
    assert_eq!(rig.server().configured.permission, RunPermission::Untrusted);
    rig.send(McpJob::Start);
    assert_eq!(rig.call("echo").await, Err(ToolFailure::Unknown));
    rig.send(McpJob::Trust(project.join(".mcp.json")));
    rig.wait_until(|rig| rig.server().configured.permission == RunPermission::On).await;
    rig.send(McpJob::Start);
    rig.wait_ready().await;
    let process_ids = rig.call_text("children").await;

    write(&["t"]);
    rig.send(McpJob::Reload);
    rig.wait_until(|rig| rig.statuses.servers.contains_key("t")).await;
    assert!(!rig.statuses.servers.contains_key("s"));
    assert_eq!(rig.statuses.servers["t"].configured.permission, RunPermission::Untrusted);
    assert!(process_ids.split(' ').all(exits_in_time));
    rig.shut_down();
}
