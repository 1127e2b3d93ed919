//! Conversations in which a model calls the tools of an MCP server.

use std::{collections::VecDeque, time::Duration};

use ibid::{
    config::McpServerConfig,
    mcp::{ConfiguredServer, McpEvent, RunPermission, ServerIdentity, ServerOrigin, ServerState, ServerTarget},
    tools::{ToolDefinition, ToolHints, ToolId},
    ui::{Effect, Msg},
};
use serde_json::{Value, json};

use crate::{
    rig::exits_in_time,
    server::{SERVER_KIND, server_command},
    support::{
        compose::{ResponseBuilder, catalogue},
        fake_server::{FakeReply, FakeServer},
        harness::Harness,
        pty::{ProgramLaunch, TestHome},
    },
};

const MODEL: &str = "openai/gpt-4.1-mini";

#[test]
fn a_model_calls_a_tool_of_a_real_server_and_reads_its_result() {
    let home = TestHome::empty();
    let (command, args) = server_command();
    let config = format!(
        "[mcp.s]\ncommand = {command:?}\nargs = {}\nenv = {{ {SERVER_KIND} = \"good\" }}\n[tools]\nwait = 60\n",
        json!(args)
    );
    std::fs::create_dir_all(home.path().join("config/ibid")).expect("the directory can be created");
    std::fs::write(home.path().join("config/ibid/config.toml"), config).expect("the config can be written");
    let server = FakeServer::start();
    server.set_page("/models", FakeReply::json(200, &catalogue()));
    let calls = ResponseBuilder::new(MODEL)
        .function_call("call_1", "s__echo", &["{\"text\": \"from", " the server\"}"])
        .function_call("call_2", "s__children", &["{}"])
        .function_call("call_3", "s__fails", &["{}"]);
    server.queue_reply(FakeReply::stream(calls.completed()));
    server.queue_reply(FakeReply::stream(ResponseBuilder::new(MODEL).text(&["It said so."]).completed()));
    let args = ["ask", "-m", MODEL, "--allow", "s/echo", "--allow", "s/children", "say it"];
    let output = ProgramLaunch::in_home(&home).against(&server).args(args).output("");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "It said so.\n", "{output:?}");
    let first = server.next_request().body;
    let names: Vec<&str> = first["tools"]
        .as_array()
        .expect("the request has tools")
        .iter()
        .filter_map(|tool| tool["name"].as_str())
        .collect();
    assert_eq!(names.len(), 16, "{names:?}");
    assert!(names.contains(&"s__echo"), "{names:?}");
    let second = server.next_request().body;
    let outputs: Vec<&Value> = second["input"]
        .as_array()
        .expect("the input is a list")
        .iter()
        .filter(|item| item["type"] == "function_call_output")
        .map(|item| &item["output"])
        .collect();
    let said = |at: usize| outputs[at].as_str().unwrap_or_default().to_owned();
    assert!(said(0).ends_with("from the server"), "{outputs:?}");
    assert!(said(2).contains("is not allowed here"), "{outputs:?}");
    // The program has ended, and so have its server and the process that the server started.
    let processes = said(1);
    let processes: Vec<&str> = processes.lines().last().unwrap_or_default().split(' ').collect();
    assert_eq!(processes.len(), 2);
    assert!(processes.iter().all(|process| exits_in_time(process)), "{processes:?}");
}

fn configured_server(name: &str, standing: RunPermission) -> ConfiguredServer {
    ConfiguredServer {
        name: name.into(),
        origin: ServerOrigin::Project("/work/.mcp.json".into()),
        settings: McpServerConfig {
            command: Some("npx".into()),
            args: vec!["-y".into(), name.into()],
            ..McpServerConfig::default()
        },
        target: ServerTarget::default(),
        permission: standing,
        file_hash: Some("a hash".into()),
    }
}

fn servers_msg(servers: Vec<ConfiguredServer>) -> Msg {
    Msg::McpEvent(McpEvent::Servers { servers, complaints: Vec::new() })
}

fn state_msg(server: &str, state: ServerState) -> Msg {
    Msg::McpEvent(McpEvent::State { server: server.into(), state })
}

fn tools_msg(server: &str, tool: &str) -> Msg {
    let tool = ToolDefinition {
        id: ToolId::new(server, tool),
        title: None,
        description: String::new(),
        parameters: json!({}),
        strict: false,
        hints: ToolHints::default(),
    };
    Msg::ToolsReported { server: server.into(), tools: vec![tool] }
}

fn mcp_jobs(app: &mut Harness) -> VecDeque<String> {
    app.effects()
        .into_iter()
        .filter_map(|effect| match effect {
            Effect::RunMcpJob(job) => Some(format!("{job:?}")),
            _ => None,
        })
        .collect()
}

fn tool_names(request: &Value) -> Vec<&str> {
    let tools = request["tools"].as_array().map(Vec::as_slice).unwrap_or_default();
    tools.iter().filter_map(|tool| tool["name"].as_str()).collect()
}

#[test]
fn the_first_prompt_starts_the_servers_and_waits_for_their_tools() {
    let mut app = Harness::new(100, 24);
    app.send(servers_msg(vec![
        configured_server("a", RunPermission::On),
        configured_server("b", RunPermission::On),
        configured_server("off", RunPermission::Off),
    ]));
    assert_eq!(mcp_jobs(&mut app), Vec::<String>::new());
    app.enter_text("hello");
    app.press("enter");
    assert!(app.status().contains("waiting for tools"), "{}", app.screen());
    let opened = app.opened_streams();
    assert!(opened.is_empty());
    for server in ["a", "b"] {
        app.send(state_msg(server, ServerState::Starting));
        app.send(tools_msg(server, "read"));
        assert!(app.opened_streams().is_empty(), "a request was sent before the server was ready");
        app.send(state_msg(server, ServerState::Ready(ServerIdentity::default())));
    }
    let opened = app.opened_streams();
    assert_eq!(opened.len(), 1);
    assert_eq!(tool_names(&opened[0].1), ["a__read", "b__read"]);
}

#[test]
fn a_slow_server_is_waited_for_no_longer_than_configured() {
    let mut app = Harness::new(100, 24);
    app.send(servers_msg(vec![
        configured_server("fast", RunPermission::On),
        configured_server("slow", RunPermission::On),
    ]));
    app.enter_text("hello");
    app.press("enter");
    app.send(tools_msg("fast", "read"));
    app.send(state_msg("fast", ServerState::Ready(ServerIdentity::default())));
    app.send(state_msg("slow", ServerState::Starting));
    app.wait(Duration::from_millis(4900));
    assert!(app.opened_streams().is_empty());
    app.wait(Duration::from_millis(200));
    let opened = app.opened_streams();
    assert_eq!(tool_names(&opened[0].1), ["fast__read"]);
    app.stream_answer(opened[0].0, "Hello.");
    let note = "sent without the tools of slow: still starting (npx may be downloading)";
    assert!(app.screen().contains(note), "{}", app.screen());
    // The next prompt does not wait for the slow server again.
    app.enter_text("and now");
    app.press("enter");
    assert_eq!(app.opened_streams().len(), 1);
    // A server that fails loses its tools.
    app.send(state_msg("fast", ServerState::Failed { why: "it ended".into() }));
    assert!(app.env().tools.toolbox().is_empty());
}

#[test]
fn a_server_that_fails_is_told_at_once_and_not_waited_for() {
    let mut app = Harness::new(110, 24);
    app.send(servers_msg(vec![configured_server("files", RunPermission::On)]));
    app.enter_text("hello");
    app.press("enter");
    app.send(state_msg("files", ServerState::Starting));
    assert!(app.opened_streams().is_empty());
    let until = app.now + jiff::SignedDuration::from_secs(1);
    let why = "it ended with exit code 1: no token".to_owned();
    app.send(state_msg("files", ServerState::Waiting { until, why: why.clone() }));
    assert!(
        app.screen().contains("the MCP server files is not available: it ended with exit code 1: no token"),
        "{}",
        app.screen()
    );
    assert_eq!(app.opened_streams().len(), 1, "the prompt waited for a server that has failed");
    // It is reported once, and again only if it was ready in between.
    let complaints = |app: &mut Harness| std::mem::take(&mut app.env_mut().complaints).len();
    complaints(&mut app);
    app.send(state_msg("files", ServerState::Starting));
    app.send(state_msg("files", ServerState::Failed { why: why.clone() }));
    assert_eq!(complaints(&mut app), 0);
    app.send(state_msg("files", ServerState::Ready(ServerIdentity::default())));
    app.send(state_msg("files", ServerState::Waiting { until, why }));
    assert!(app.screen().contains("is not available"), "{}", app.screen());
}

#[test]
fn untrusted_project_servers_are_reported_and_not_waited_for() {
    let mut app = Harness::new(110, 24);
    app.send(servers_msg(vec![
        configured_server("files", RunPermission::Untrusted),
        configured_server("web", RunPermission::Untrusted),
    ]));
    app.enter_text("hello");
    let notice = "not trusted yet: files, web of .mcp.json (/trust-servers)";
    assert!(app.screen().contains(notice), "{}", app.screen());
    app.press("enter");
    assert_eq!(app.opened_streams().len(), 1, "the prompt waited for untrusted servers");
}
