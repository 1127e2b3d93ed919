//! A whole conversation: the program, a model that calls tools, and a server that has them.

use std::{collections::VecDeque, time::Duration};

use ibid::{
    app::{Effect, Msg},
    config::McpServer,
    mcp::{Configured, Event, Identity, Source, Standing, State},
    tools::{Hints, Tool, ToolId},
};
use serde_json::{Value, json};

use crate::{
    rig::is_gone,
    server::{KIND, arguments},
    support::{
        compose::{Response, catalogue},
        fake_server::{FakeServer, Reply},
        harness::Harness,
        pty::{Home, Run},
    },
};

const MODEL: &str = "openai/gpt-4.1-mini";

#[test]
fn a_model_calls_a_tool_of_a_real_server_and_reads_its_result() {
    let home = Home::empty();
    let (command, args) = arguments();
    let config = format!(
        "[mcp.s]\ncommand = {command:?}\nargs = {}\nenv = {{ {KIND} = \"good\" }}\n[tools]\nwait = 60\n",
        json!(args)
    );
    std::fs::create_dir_all(home.path().join("config/ibid")).expect("a folder");
    std::fs::write(home.path().join("config/ibid/config.toml"), config).expect("a file");
    let server = FakeServer::start();
    server.page("/models", Reply::json(200, &catalogue()));
    let asks = Response::by(MODEL)
        .call("call_1", "s__echo", &["{\"text\": \"from", " the server\"}"])
        .call("call_2", "s__children", &["{}"])
        .call("call_3", "s__fails", &["{}"]);
    server.answer(Reply::stream(asks.completed()));
    server.answer(Reply::stream(Response::by(MODEL).text(&["It said so."]).completed()));
    let args = ["ask", "-m", MODEL, "--allow", "s/echo", "--allow", "s/children", "say it"];
    let output = Run::in_home(&home).against(&server).args(args).output("");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "It said so.\n", "{output:?}");
    let first = server.next_request().body;
    let names: Vec<&str> =
        first["tools"].as_array().expect("it has tools").iter().filter_map(|tool| tool["name"].as_str()).collect();
    assert_eq!(names.len(), 16, "{names:?}");
    assert!(names.contains(&"s__echo"), "{names:?}");
    let second = server.next_request().body;
    let outputs: Vec<&Value> = second["input"]
        .as_array()
        .expect("it has an input")
        .iter()
        .filter(|item| item["type"] == "function_call_output")
        .map(|item| &item["output"])
        .collect();
    let said = |at: usize| outputs[at].as_str().unwrap_or_default().to_owned();
    assert!(said(0).ends_with("from the server"), "{outputs:?}");
    assert!(said(2).contains("is not allowed here"), "{outputs:?}");
    // The program has ended, and its server with all that it started.
    let processes = said(1);
    let processes: Vec<&str> = processes.lines().last().unwrap_or_default().split(' ').collect();
    assert_eq!(processes.len(), 2);
    assert!(processes.iter().all(|process| is_gone(process)), "{processes:?}");
}

fn configured(name: &str, standing: Standing) -> Configured {
    Configured {
        name: name.into(),
        source: Source::Project("/work/.mcp.json".into()),
        settings: McpServer {
            command: Some("npx".into()),
            args: vec!["-y".into(), name.into()],
            ..McpServer::default()
        },
        standing,
    }
}

fn servers(servers: Vec<Configured>) -> Msg {
    Msg::Mcp(Event::Servers { servers, complaints: Vec::new() })
}

fn is(server: &str, state: State) -> Msg {
    Msg::Mcp(Event::State { server: server.into(), state })
}

fn offers(server: &str, tool: &str) -> Msg {
    let tool = Tool {
        id: ToolId::new(server, tool),
        title: None,
        description: String::new(),
        parameters: json!({}),
        strict: false,
        hints: Hints::default(),
    };
    Msg::Tools { server: server.into(), tools: vec![tool] }
}

fn jobs(app: &mut Harness) -> VecDeque<String> {
    app.effects()
        .into_iter()
        .filter_map(|effect| match effect {
            Effect::Mcp(job) => Some(format!("{job:?}")),
            _ => None,
        })
        .collect()
}

fn tools(request: &Value) -> Vec<&str> {
    let tools = request["tools"].as_array().map(Vec::as_slice).unwrap_or_default();
    tools.iter().filter_map(|tool| tool["name"].as_str()).collect()
}

#[test]
fn the_first_prompt_starts_the_servers_and_waits_for_their_tools() {
    let mut app = Harness::new(100, 24);
    app.send(servers(vec![
        configured("a", Standing::On),
        configured("b", Standing::On),
        configured("off", Standing::Off),
    ]));
    assert_eq!(jobs(&mut app), Vec::<String>::new());
    app.enter_text("hello");
    app.press("enter");
    assert!(app.status().contains("waiting for tools"), "{}", app.screen());
    let opened = app.opened();
    assert!(opened.is_empty());
    for server in ["a", "b"] {
        app.send(is(server, State::Starting));
        app.send(offers(server, "read"));
        assert!(app.opened().is_empty(), "it is not ready");
        app.send(is(server, State::Ready(Identity::default())));
    }
    let opened = app.opened();
    assert_eq!(opened.len(), 1);
    assert_eq!(tools(&opened[0].1), ["a__read", "b__read"]);
}

#[test]
fn a_server_that_is_slow_is_not_waited_for_longer_than_the_config_says() {
    let mut app = Harness::new(100, 24);
    app.send(servers(vec![configured("fast", Standing::On), configured("slow", Standing::On)]));
    app.enter_text("hello");
    app.press("enter");
    app.send(offers("fast", "read"));
    app.send(is("fast", State::Ready(Identity::default())));
    app.send(is("slow", State::Starting));
    app.wait(Duration::from_millis(4900));
    assert!(app.opened().is_empty());
    app.wait(Duration::from_millis(200));
    let opened = app.opened();
    assert_eq!(tools(&opened[0].1), ["fast__read"]);
    app.answer(opened[0].0, "Hello.");
    assert!(app.screen().contains("asked without the tools of slow: still starting"), "{}", app.screen());
    // The next prompt does not wait for it again.
    app.enter_text("and now");
    app.press("enter");
    assert_eq!(app.opened().len(), 1);
    // One that went away takes its tools along.
    app.send(is("fast", State::Failed { why: "it ended".into() }));
    assert!(app.state.tools.toolbox().is_empty());
}

#[test]
fn a_projects_servers_are_told_of_and_not_waited_for() {
    let mut app = Harness::new(110, 24);
    app.send(servers(vec![configured("files", Standing::Untrusted), configured("web", Standing::Untrusted)]));
    app.enter_text("hello");
    let told = "not trusted yet: files, web of .mcp.json (/trust-servers)";
    assert!(app.screen().contains(told), "{}", app.screen());
    app.press("enter");
    assert_eq!(app.opened().len(), 1, "nobody waits for them");
}
