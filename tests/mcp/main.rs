//! MCP against real servers: programs and addresses, good and bad ones.

#![cfg(unix)]

#[path = "../support/mod.rs"]
mod support;

mod conversation;
mod http;
mod overlay;
mod rig;
mod server;

use std::time::Duration;

use ibid::{
    config::McpServer,
    mcp::{Event, Job, Places, Standing, State, Voice},
    tools::{Content, Failure, Hints},
};
use serde_json::json;

use rig::{Rig, is_alive, is_gone, options, program};

#[test]
fn this_process_is_a_server() {
    if let Ok(kind) = std::env::var(server::KIND) {
        server::be(&kind);
        std::process::exit(0);
    }
}

#[tokio::test]
async fn nothing_is_started_before_somebody_needs_it() {
    let places = Places { servers: [("s".to_owned(), program("good"))].into(), ..Places::default() };
    let mut rig = Rig::at(places, options());
    let Event::Servers { servers, complaints } = rig.next().await else { panic!("first it says what there is") };
    assert_eq!((servers.len(), complaints), (1, vec![]));
    assert_eq!(rig.call("echo").await, Err(Failure::Start("it is not running".into())));
    rig.send(Job::Start);
    let starting = rig.next().await;
    assert_eq!(starting, Event::State { server: "s".into(), state: State::Starting });
    // At the first try: a server that knows only the older protocol says so.
    let tools = rig.next().await;
    assert!(matches!(tools, Event::Tools { .. }), "{tools:?}");
    rig.ready().await;
    rig.end();
}

#[tokio::test]
async fn a_server_says_what_it_is_and_offers_and_gives_every_kind_of_content() {
    for kind in ["good", "new"] {
        let mut rig = Rig::of(program(kind));
        rig.ready().await;
        let State::Ready(identity) = &rig.known().state else { panic!("it is ready") };
        let protocol = if kind == "new" { "2026-07-28" } else { "2025-11-25" };
        assert_eq!((identity.name.as_str(), identity.version.as_str()), ("everything", "1.2.3"));
        assert_eq!(identity.protocol, protocol);
        let echo = &rig.known().tools[0];
        assert_eq!((echo.id.to_string().as_str(), echo.title.as_deref()), ("s/echo", Some("Say it again")));
        assert_eq!(echo.description, "what echo does");
        assert_eq!(echo.parameters["properties"]["text"]["type"], "string");
        let hints =
            Hints { read_only: Some(true), destructive: Some(false), idempotent: None, open_world: Some(false) };
        assert_eq!(echo.hints, hints);

        let call = rig.begin("echo", &json!({"text": "héllo\n\u{1b}[31m"}));
        let outcome = rig.done(call).await.expect("it answers");
        assert_eq!(outcome.content, [Content::Text("héllo\n\u{1b}[31m".into())]);
        let outcome = rig.call("everything").await.expect("it answers");
        let resource =
            Content::Resource { uri: "file:///a.txt".into(), mime: Some("text/plain".into()), text: "inside".into() };
        let expected = [
            Content::Text("{\"sum\":3}".into()),
            Content::Image { mime: "image/png".into(), data: "aW1hZ2U=".into() },
            Content::Audio { mime: "audio/wav".into(), data: "c291bmQ=".into() },
            resource,
            Content::Link { uri: "https://a.b/c".into(), name: "a page".into() },
        ];
        assert_eq!(outcome.content, expected);
        let outcome = rig.call("fails").await.expect("that is an answer");
        assert_eq!((outcome.failed, outcome.content), (true, vec![Content::Text("no such file".into())]));
        let refused = Failure::Refused("the text is missing (error -32602)".into());
        assert_eq!(rig.call("refuses").await, Err(refused));
        rig.end();
    }
}

#[tokio::test]
async fn a_list_in_pages_is_whole() {
    let mut rig = Rig::of(program("paged"));
    rig.ready().await;
    let paged: Vec<_> = rig.known().tools.iter().map(|tool| tool.id.name.clone()).collect();
    assert_eq!(paged.len(), 16);
    assert_eq!((paged[0].as_str(), paged[15].as_str()), ("echo", "pings"));
    rig.end();
}

#[tokio::test]
async fn a_list_that_changes_is_asked_for_again() {
    for kind in ["good", "new"] {
        let mut rig = Rig::of(program(kind));
        rig.ready().await;
        let before = rig.known().tools.len();
        assert_eq!(rig.text("grows").await, "grown");
        rig.until(|rig| rig.known().tools.len() == before + 1).await;
        assert_eq!(rig.known().tools[before].id.name, "newcomer");
        rig.end();
    }
}

#[tokio::test]
async fn progress_is_told_and_pings_are_answered() {
    let mut rig = Rig::of(program("good"));
    rig.ready().await;
    let call = rig.begin("slow", &json!({}));
    let mut steps = Vec::new();
    let outcome = loop {
        match rig.next().await {
            Event::Progress { call: of, progress } => {
                assert_eq!(of, call);
                steps.push((progress.done, progress.total, progress.message));
            }
            Event::Done { result, .. } => break result,
            _ => (),
        }
    };
    // Both run in tasks of their own: the answer may overtake the second.
    assert_eq!(steps.first(), Some(&(1.0, Some(2.0), Some("reading".into()))));
    assert_eq!(outcome.expect("it answers").content, [Content::Text("done".into())]);
    assert_eq!(rig.text("pings").await, "true");
    rig.end();
}

#[tokio::test]
async fn a_call_that_nobody_waits_for_is_cancelled_at_its_server() {
    for kind in ["good", "new"] {
        let mut rig = Rig::of(program(kind));
        rig.ready().await;
        let call = rig.begin("waits", &json!({}));
        if kind == "good" {
            rig.logged("waiting").await;
        }
        rig.send(Job::Cancel(call));
        assert_eq!(rig.done(call).await, Err(Failure::Crashed("it was cancelled".into())));
        if kind == "good" {
            rig.logged("cancelled").await;
        }
        while rig.text("was_cancelled").await != "true" {}
        rig.end();
    }
}

#[tokio::test]
async fn a_call_that_waits_for_a_start_is_answered_when_the_server_starts_anew() {
    let mut rig = Rig::of(program("mute"));
    let call = rig.begin("echo", &json!({"text": "x"}));
    rig.send(Job::Restart("s".into()));
    assert_eq!(rig.done(call).await, Err(Failure::Start("it is started anew".into())));
    rig.end();
}

#[tokio::test]
async fn a_call_without_an_answer_is_given_up_and_others_go_on() {
    let mut rig = Rig::of(McpServer { call_timeout: 1.0, ..program("good") });
    rig.ready().await;
    let waits = rig.begin("waits", &json!({}));
    let echo = rig.begin("echo", &json!({"text": "meanwhile"}));
    assert!(rig.done(echo).await.is_ok());
    assert_eq!(rig.done(waits).await, Err(Failure::TimedOut { seconds: 1 }));
    assert_eq!(rig.text("was_cancelled").await, "true");
    rig.end();
}

#[tokio::test]
async fn what_a_server_may_not_ask_is_refused_in_the_words_of_the_protocol_and_told() {
    let mut rig = Rig::of(program("good"));
    rig.ready().await;
    let got = rig.text("asks").await;
    let refused = ["sampling/createMessage", "roots/list", "elicitation/create", "secrets/list"];
    assert_eq!(got, refused.map(|method| format!("-32601 {method}")).join("\n"));
    for method in refused {
        assert_eq!(rig.logged(method).await.voice, Voice::Refused);
    }
    rig.end();
    // The newest protocol asks in an answer.
    let mut rig = Rig::of(program("new"));
    rig.ready().await;
    let refused = Failure::Refused("it wants to ask something back, and gets no answer to that".into());
    assert_eq!(rig.call("asks_back").await, Err(refused));
    rig.end();
}

#[tokio::test]
async fn its_log_is_clean_and_its_rubbish_is_told_and_does_no_harm() {
    let mut rig = Rig::of(program("rubbish"));
    rig.ready().await;
    let line = rig.logged("Server is listening").await;
    assert_eq!(line.voice, Voice::Stdout);
    rig.call("logs").await.expect("it answers");
    let line = rig.logged("cleared").await;
    assert_eq!(line.voice, Voice::Warning);
    assert!(!line.text.contains(['\u{1b}', '\u{202e}']), "{line:?}");
    rig.end();
}

#[tokio::test]
async fn a_result_of_fifty_megabytes_loses_its_middle_and_says_so() {
    let mut rig = Rig::of(program("good"));
    rig.ready().await;
    let text = rig.text("big").await;
    assert!(text.len() < 9 << 20, "{} bytes", text.len());
    assert!(text.starts_with("begin0123456789") && text.ends_with("0123456789end"));
    assert!(text.contains(" bytes left out …]"));
    rig.logged("a text was too long").await;
    assert_eq!(rig.text("was_cancelled").await, "false");
    rig.end();
}

#[tokio::test]
async fn a_program_sees_only_the_variables_that_are_named() {
    let mut server = program("good");
    server.env.insert("TOKEN".into(), "${GOOD_TOKEN}".into());
    server.env.insert("PORT".into(), "${NOBODY_SETS_THIS:-80}".into());
    server.inherit = vec!["HOME".into(), "NOBODY_SETS_THIS".into()];
    let mut rig = Rig::of(server);
    rig.ready().await;
    let home = std::env::var("HOME").expect("there is a home");
    // A shell stands between, and counts and names itself.
    let seen = rig.text("environment").await;
    let seen: Vec<&str> = seen
        .lines()
        .filter(|line| !["PWD=", "SHLVL=", "_=", "OLDPWD="].iter().any(|own| line.starts_with(own)))
        .collect();
    assert_eq!(seen, [&format!("HOME={home}"), "IBID_TEST_SERVER=good", "PORT=80", "TOKEN=good-token"]);
    rig.end();
}

#[tokio::test]
async fn a_program_that_cannot_start_or_ends_at_once_is_left_alone_after_some_tries() {
    let mut rig = Rig::of(program("crash"));
    let mut tries = 0;
    let why = loop {
        match rig.next().await {
            Event::State { state: State::Starting, .. } => tries += 1,
            Event::State { state: State::Failed { why }, .. } => break why,
            _ => (),
        }
    };
    assert_eq!(tries, 3);
    assert!(why.starts_with("it ended with exit code 7 before it said who it is"), "{why}");
    assert!(why.contains("inherit = [\"PATH\", \"HOME\"]"), "{why}");
    assert_eq!(rig.logged("no configuration").await.text, "no configuration");
    // Asked for again, it gets one more try.
    rig.send(Job::Start);
    assert_eq!(rig.failed().await, why);
    assert_eq!(rig.call("echo").await, Err(Failure::Start(why)));
    rig.end();

    let mut rig = Rig::of(McpServer { command: Some("no-such-program".into()), ..McpServer::default() });
    assert_eq!(rig.failed().await, "there is no program no-such-program in the PATH");
    rig.end();
    let mut server = program("good");
    server.env.insert("TOKEN".into(), "${NOBODY_SETS_THIS}".into());
    let mut rig = Rig::of(server);
    assert_eq!(rig.failed().await, "the variable NOBODY_SETS_THIS is not set");
    rig.end();
}

#[tokio::test]
async fn a_program_that_crashes_in_a_call_is_started_again() {
    let mut rig = Rig::of(program("good"));
    rig.ready().await;
    let waits = rig.begin("waits", &json!({}));
    rig.logged("waiting").await;
    let crashes = rig.begin("crashes", &json!({}));
    let mut failures = Vec::new();
    while failures.len() < 2 {
        if let Event::Done { call, result } = rig.next().await {
            failures.push((call, result));
        }
    }
    failures.sort_by_key(|(call, _)| *call);
    let crashed = || Err(Failure::Crashed("it ended with exit code 3".into()));
    assert_eq!(failures, [(waits, crashed()), (crashes, crashed())]);
    rig.logged("out of order").await;
    rig.until(|rig| matches!(rig.known().state, State::Starting)).await;
    rig.ready().await;
    assert_eq!(rig.text("was_cancelled").await, "false");
    rig.end();
}

#[tokio::test]
async fn a_program_that_never_answers_or_never_stops_is_ended() {
    let hasty = |kind| McpServer { start_timeout: 0.2, ..program(kind) };
    let mut rig = Rig::of(hasty("mute"));
    assert_eq!(rig.failed().await, "it did not say who it is within 0.2 s");
    rig.end();
    let mut rig = Rig::of(hasty("flood"));
    assert_eq!(rig.failed().await, "it did not say who it is within 0.2 s");
    assert!(rig.known().log.len() <= 200);
    rig.end();
    let mut rig = Rig::of(program("endless"));
    assert_eq!(rig.failed().await, "it sent a message that is too long to be read");
    rig.end();
}

#[tokio::test]
async fn a_program_that_takes_only_the_old_beginning_is_begun_with_that() {
    let mut rig = Rig::of(program("picky"));
    rig.ready().await;
    let State::Ready(identity) = &rig.known().state else { panic!("it is ready") };
    assert_eq!(identity.protocol, "2024-11-05");
    assert_eq!(rig.known().tools.len(), 1);
    rig.end();
}

#[tokio::test]
async fn nobody_is_left_behind_not_even_what_a_server_started() {
    let short = ibid::mcp::Options { grace: Duration::from_millis(50), ..options() };
    let mut rig = Rig::with(program("good"), short);
    rig.ready().await;
    let said = rig.text("children").await;
    let processes: Vec<&str> = said.split(' ').collect();
    assert!(processes.iter().all(|process| is_alive(process)), "{said}");
    rig.begin("waits", &json!({}));
    rig.end();
    assert!(processes.iter().all(|process| is_gone(process)), "{said}");

    // Deaf to the end of its input and to being told.
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("pid");
    let script = format!("trap '' TERM HUP INT; echo $$ > {}; while :; do sleep 1; done", file.display());
    let deaf = McpServer {
        command: Some("sh".into()),
        args: vec!["-c".into(), script],
        start_timeout: 30.0,
        ..McpServer::default()
    };
    let mut rig = Rig::with(deaf, short);
    rig.until(|rig| rig.board.servers.get("s").is_some_and(|known| known.state == State::Starting)).await;
    let mut process = String::new();
    while process.trim().is_empty() {
        process = std::fs::read_to_string(&file).unwrap_or_default();
        tokio::task::yield_now().await;
    }
    rig.end();
    assert!(is_gone(process.trim()));
}

#[tokio::test]
async fn a_file_that_has_changed_since_it_was_shown_is_not_trusted() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join(".mcp.json");
    let write = |argument: &str| {
        let servers = json!({"mcpServers": {"s": {"command": "nothing", "args": [argument]}}});
        std::fs::write(&file, servers.to_string()).expect("a file");
    };
    write("shown");
    let places = Places {
        config: folder.path().join("config/config.toml"),
        folder: folder.path().into(),
        trusted: folder.path().join("trusted.json"),
        ..Places::default()
    };
    let mut rig = Rig::at(places, options());
    rig.next().await;
    write("not shown");
    rig.send(Job::Trust(file.clone()));
    rig.until(|rig| rig.known().configured.settings.args == ["not shown"]).await;
    assert_eq!(rig.known().configured.standing, Standing::Untrusted);
    assert!(rig.board.complaints[0].contains("has changed since it was shown"), "{:?}", rig.board.complaints);
    rig.send(Job::Trust(file));
    rig.until(|rig| rig.known().configured.standing == Standing::On).await;
    rig.end();
}

#[tokio::test]
async fn a_reload_starts_what_is_new_and_ends_what_is_gone() {
    let folder = tempfile::tempdir().expect("a folder");
    let project = folder.path().join("work");
    std::fs::create_dir(&project).expect("a folder");
    let (command, args) = server::arguments();
    let write = |names: &[&str]| {
        let servers: serde_json::Map<String, serde_json::Value> = names
            .iter()
            .map(|name| ((*name).to_owned(), json!({"command": command, "args": args, "env": {server::KIND: "good"}})))
            .collect();
        std::fs::write(project.join(".mcp.json"), json!({"mcpServers": servers}).to_string()).expect("a file");
    };
    write(&["s"]);
    let places = Places {
        config: folder.path().join("config.toml"),
        folder: project.clone(),
        trusted: folder.path().join("trusted.json"),
        ..Places::default()
    };
    let mut rig = Rig::at(places, options());
    rig.next().await;
    assert_eq!(rig.known().configured.standing, Standing::Untrusted);
    rig.send(Job::Start);
    assert_eq!(rig.call("echo").await, Err(Failure::Unknown));
    rig.send(Job::Trust(project.join(".mcp.json")));
    rig.until(|rig| rig.known().configured.standing == Standing::On).await;
    rig.send(Job::Start);
    rig.ready().await;
    let said = rig.text("children").await;

    write(&["t"]);
    rig.send(Job::Reload);
    rig.until(|rig| rig.board.servers.contains_key("t")).await;
    assert!(!rig.board.servers.contains_key("s"));
    assert_eq!(rig.board.servers["t"].configured.standing, Standing::Untrusted);
    assert!(said.split(' ').all(is_gone));
    rig.end();
}
