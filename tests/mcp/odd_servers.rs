//! Servers that deviate from the protocol in one thing each, which must cost no more than itself.

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Request, Response, body::Incoming, service::service_fn};
use hyper_util::rt::TokioIo;
use ibid::{
    config::McpServerConfig,
    mcp::{McpEvent, McpJob, McpOptions, ServerState},
    tools::{ToolContent, ToolFailure, ToolOutcome},
};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::{
    rig::{McpRig, test_options, test_server},
    server::{SCRIPT, plain_reply},
};

/// Far less than a call may take.
const AT_ONCE: Duration = Duration::from_secs(20);

fn scripted(script: &Value) -> McpServerConfig {
    let mut server = test_server("scripted");
    server.env.insert(SCRIPT.into(), script.to_string());
    server
}

#[expect(clippy::unnecessary_wraps, reason = "beside the failures, it is what a call returns")]
fn text(text: &str) -> Result<ToolOutcome, ToolFailure> {
    Ok(ToolOutcome::text(text))
}

fn refused(why: &str) -> Result<ToolOutcome, ToolFailure> {
    Err(ToolFailure::Refused(why.into()))
}

fn garbled(why: &str) -> Result<ToolOutcome, ToolFailure> {
    Err(ToolFailure::Garbled(why.into()))
}

#[tokio::test]
async fn a_local_server_with_an_odd_reply_to_a_call_gets_its_words_through_at_once() {
    for (reply, expected) in [
        (
            r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"not like this"}}"#,
            refused("not like this (error -32600)"),
        ),
        (r#"{"jsonrpc":"2.0","id":"unknown","error":"who asks?"}"#, refused("who asks?")),
        (
            r#"{"jsonrpc":"2.0","id":$ID,"error":{"code":-1,"message":"failed","data":{"details":"the disk is full"}}}"#,
            refused("failed: the disk is full (error -1)"),
        ),
        (r#"{"id":$ID,"result":{"content":[{"type":"text","text":"unmarked"}]}}"#, text("unmarked")),
        (r#"{"jsonrpc":"2.0","id":"$ID","result":{"content":"by text"}}"#, text("by text")),
        (
            r#"working... {"jsonrpc":"2.0","id":$ID,"result":{"content":[{"text":"behind words"}]}}"#,
            text("behind words"),
        ),
        (
            r#"[{"jsonrpc":"2.0","id":$ID,"result":{"content":[{"type":"text","text":"in a list"}]}}]"#,
            text("in a list"),
        ),
        (r#"{"jsonrpc":"2.0","id":4000,"result":{"content":[]}}"#, garbled("it answers another request (4000)")),
        (r#"{"jsonrpc":"2.0","id":$ID}"#, Ok(ToolOutcome::default())),
    ] {
        let mut rig = McpRig::for_server(scripted(&json!({ "say": { "tools/call": format!("{reply}\n") } })));
        rig.wait_ready().await;
        let begun = Instant::now();
        assert_eq!(rig.call("one").await, expected, "{reply}");
        assert!(begun.elapsed() < AT_ONCE, "{reply}");
        rig.shut_down();
    }
}

#[tokio::test]
async fn odd_introductions_are_used() {
    for (method, reply) in [
        ("initialize", r#"{"jsonrpc":"2.0","id":$ID,"result":{}}"#),
        (
            "initialize",
            r#"{"id":$ID,"result":{"capabilities":[],"serverInfo":[],"protocolVersion":null},"error":null}"#,
        ),
        ("server/discover", r#"{"jsonrpc":"2.0","id":$ID,"result":{}}"#),
        ("server/discover", r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32601,"message":"unknown"}}"#),
    ] {
        let script = json!({ "before": "Loading \u{2026} ", "say": { method: format!("{reply}\n") } });
        let mut rig = McpRig::for_server(scripted(&script));
        rig.wait_ready().await;
        assert_eq!(rig.server().tools.len(), 2, "{reply}");
        assert_eq!(rig.call("two").await, text("fine"), "{reply}");
        rig.shut_down();
    }
}

#[tokio::test]
async fn a_list_of_tools_is_cut_at_its_limit_even_on_one_page() {
    let tools: Vec<Value> =
        (0..1500).map(|number| json!({ "name": format!("t{number}"), "inputSchema": {} })).collect();
    let reply = json!({ "tools": tools }).to_string();
    let reply = format!("{{\"jsonrpc\":\"2.0\",\"id\":$ID,\"result\":{reply}}}\n");
    let mut rig = McpRig::for_server(scripted(&json!({ "say": { "tools/list": reply } })));
    rig.wait_ready().await;
    assert_eq!(rig.server().tools.len(), 1000);
    rig.wait_for_log("it lists more than 1000 tools; the rest is left out").await;
    rig.shut_down();
}

#[tokio::test]
async fn a_server_that_fails_is_told_at_once_with_its_last_words() {
    let slow = McpOptions {
        first_retry_delay: Duration::from_mins(10),
        max_retry_delay: Duration::from_mins(10),
        ..test_options()
    };
    let dies = |method: &str| scripted(&json!({ "dies": { method: "warming up\nthe port is taken\n\n" } }));
    let mut rig = McpRig::with_options(dies("server/discover"), slow);
    let is_waiting = |rig: &McpRig| {
        rig.statuses.servers.get("s").is_some_and(|known| matches!(known.state, ServerState::Waiting { .. }))
    };
    rig.wait_until(is_waiting).await;
    let why = rig.server().problem().unwrap_or_default();
    assert!(why.starts_with("it ended with exit code 4: the port is taken"), "{why}");
    assert_eq!(rig.statuses.pending_servers().count(), 0, "a request would wait for it");
    rig.shut_down();

    let mut rig = McpRig::with_options(dies("tools/call"), slow);
    rig.wait_ready().await;
    let failure = rig.call("one").await;
    assert_eq!(failure, Err(ToolFailure::Crashed("it ended with exit code 4: the port is taken".into())));
    rig.shut_down();
}

#[tokio::test]
async fn what_failed_for_good_is_not_tried_again_until_something_changed() {
    let folder = tempfile::tempdir().expect("the directory can be created");
    let program = folder.path().join("program");
    let command = Some(program.display().to_string());
    let config = McpServerConfig { command, cwd: Some(folder.path().join("later")), ..McpServerConfig::default() };
    let mut rig = McpRig::for_server(config);
    let first = rig.wait_failed().await;
    assert!(first.starts_with("there is no folder"), "{first}");
    rig.send(McpJob::Start);
    // Orders are carried out in turn, so a start would show before the call ends.
    let call = rig.start_call("one", &json!({}));
    let expected = McpEvent::CallDone { call, result: Err(ToolFailure::Start(first)) };
    assert_eq!(rig.next_event().await, expected, "it was tried again");
    std::fs::create_dir(folder.path().join("later")).expect("the directory can be created");
    rig.send(McpJob::Start);
    assert!(rig.wait_failed().await.starts_with("it cannot be started"), "what was missing is there now");
    rig.shut_down();
}

/// The answer of a server over HTTP: status, content type, body.
type HttpAnswer = (u16, &'static str, String);

/// Serves messages over HTTP as `answer` says, and returns the configuration of the server.
async fn serve(answer: impl Fn(&Value) -> HttpAnswer + Send + Sync + 'static) -> McpServerConfig {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("the address is free");
    let address = listener.local_addr().expect("the listener is bound");
    let answer = Arc::new(answer);
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.expect("a connection can be accepted");
            let answer = answer.clone();
            let service = service_fn(move |request: Request<Incoming>| {
                let answer = answer.clone();
                async move {
                    let body = request.into_body().collect().await.expect("the body arrives").to_bytes();
                    let message = serde_json::from_slice(&body).unwrap_or_default();
                    let (status, kind, body) = answer(&message);
                    let id = message["id"].to_string();
                    let response = Response::builder().status(status).header("content-type", kind);
                    let response = if message["method"] == "initialize" {
                        response.header("mcp-session-id", "7")
                    } else {
                        response
                    };
                    let body = Full::new(Bytes::from(body.replace("$ID", &id)));
                    Ok::<_, Infallible>(response.body(body).expect("the response is valid"))
                }
            });
            tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
    McpServerConfig { url: Some(format!("http://{address}/mcp")), ..McpServerConfig::default() }
}

fn plain_answer(message: &Value) -> HttpAnswer {
    match (&message["method"], &message["id"]) {
        (Value::Null, _) => (405, "text/plain", String::new()),
        (_, Value::Null) => (202, "text/plain", String::new()),
        _ => (200, "application/json", plain_reply(message).to_string()),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_http_server_with_an_odd_answer_to_a_call_gets_its_words_through_at_once() {
    const JSON: &str = "application/json";
    const STREAM: &str = "text/event-stream";
    let fine = r#"{"jsonrpc":"2.0","id":$ID,"result":{"content":[{"type":"text","text":"fine"}]}}"#;
    let events = |events: &str| events.replace("FINE", fine);
    for (status, kind, body, expected) in [
        (
            200,
            JSON,
            r#"{"error":{"code":-32600,"message":"not like this"},"id":null}"#.to_owned(),
            refused("not like this (error -32600)"),
        ),
        (
            200,
            JSON,
            r#"{"jsonrpc":"2.0","id":77,"result":{"content":[]}}"#.into(),
            garbled("it answers another request (77)"),
        ),
        (200, "text/plain; charset=utf-8", fine.into(), text("fine")),
        (200, JSON, String::new(), refused("it accepted the request (200 OK) without an answer")),
        (202, JSON, String::new(), refused("it accepted the request (202 Accepted) without an answer")),
        (
            400,
            "text/plain",
            "the city is missing\n".into(),
            refused("it answered with status 400: the city is missing"),
        ),
        (
            422,
            JSON,
            r#"{"detail":[{"loc":["city"],"msg":"Field required"}]}"#.into(),
            refused("it answered with status 422: Field required"),
        ),
        (
            429,
            JSON,
            r#"{"jsonrpc":"2.0","id":$ID,"error":{"code":-32029,"message":"slow down"}}"#.into(),
            refused("slow down (error -32029)"),
        ),
        (
            502,
            "text/html",
            "<html><title>Bad gateway</title></html>".into(),
            refused("it answered with status 502: Bad gateway"),
        ),
        (200, "text/html", "<!doctype html><title>Sign in</title>".into(), garbled("it is no message: Sign in")),
        (200, STREAM, "event: error\ndata: the quota is used up\n\n".into(), refused("the quota is used up")),
        (200, STREAM, "event: error\ndata: {\"message\":\"used up\"}\n\n".into(), refused("used up")),
        (
            200,
            STREAM,
            events(": hi\n\nevent: ping\ndata: 1712\n\nevent: heartbeat\ndata: {\"t\":1}\n\ndata: FINE\n\n"),
            text("fine"),
        ),
        (200, STREAM, events("retry: soon\nid:\ndata: [FINE]\n\n"), text("fine")),
        (200, STREAM, events("event: result\ndata: FINE"), text("fine")),
        (200, STREAM, "data: {\"jsonrpc\":\"2.0\",\"id\":null,\"error\":\"nameless\"}\n\n".into(), refused("nameless")),
        (200, STREAM, ": nothing else\n\n".into(), Err(ToolFailure::Crashed("the connection ended".into()))),
    ] {
        let said = body.clone();
        let server = serve(move |message| match message["method"].as_str() {
            Some("tools/call") => (status, kind, said.clone()),
            _ => plain_answer(message),
        });
        let mut rig = McpRig::for_server(server.await);
        rig.wait_ready().await;
        let begun = Instant::now();
        assert_eq!(rig.call("one").await, expected, "{status} {body}");
        assert!(begun.elapsed() < AT_ONCE, "{status} {body}");
        rig.shut_down();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_session_is_begun_again_once() {
    for (lost_calls, expected) in [(1, text("fine")), (9, refused("no such session (error -32000)"))] {
        let (begun, calls) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (begun_there, calls_there) = (begun.clone(), calls.clone());
        let server = serve(move |message| {
            let method = message["method"].as_str();
            if method == Some("initialize") {
                begun_there.fetch_add(1, Ordering::SeqCst);
            }
            if method == Some("tools/call") && calls_there.fetch_add(1, Ordering::SeqCst) < lost_calls {
                let lost =
                    r#"{"jsonrpc":"2.0","id":"server-error","error":{"code":-32000,"message":"no such session"}}"#;
                return (404, "application/json", lost.into());
            }
            plain_answer(message)
        });
        let mut rig = McpRig::for_server(server.await);
        rig.wait_ready().await;
        assert_eq!(rig.call("one").await, expected);
        assert_eq!((begun.load(Ordering::SeqCst), calls.load(Ordering::SeqCst)), (2, 2));
        rig.shut_down();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_access_is_not_asked_again_before_the_reader_says_so() {
    let asked = Arc::new(AtomicUsize::new(0));
    let asked_there = asked.clone();
    let server = serve(move |_| {
        asked_there.fetch_add(1, Ordering::SeqCst);
        (401, "application/json", r#"{"error":"the key has expired"}"#.into())
    });
    let mut rig = McpRig::for_server(server.await);
    let why = rig.wait_failed().await;
    assert!(why.contains("(401)") && why.ends_with("the key has expired"), "{why}");
    let before = asked.load(Ordering::SeqCst);
    rig.send(McpJob::Start);
    assert_eq!(rig.call("one").await, Err(ToolFailure::Start(why.clone())));
    assert_eq!(asked.load(Ordering::SeqCst), before);
    rig.send(McpJob::Restart("s".into()));
    assert_eq!(rig.wait_failed().await, why);
    assert!(asked.load(Ordering::SeqCst) > before);
    rig.shut_down();
}

#[tokio::test]
async fn a_result_that_says_the_same_twice_is_passed_on_once() {
    for (result, expected) in [
        (
            json!({ "content": [{ "type": "text", "text": "{\n  \"sum\": 3.0 }" }], "structuredContent": { "sum": 3 } }),
            1,
        ),
        (json!({ "content": [{ "type": "text", "text": "Bonn" }], "structuredContent": { "result": "Bonn" } }), 1),
        (
            json!({ "content": [{ "type": "text", "text": "1" }, { "type": "text", "text": "2" }], "structuredContent": { "result": [1, 2] } }),
            2,
        ),
        (json!({ "content": [{ "type": "text", "text": "about 3" }], "structuredContent": { "sum": 3 } }), 2),
        (json!({ "content": [], "structuredContent": { "sum": 3 } }), 1),
    ] {
        let reply = format!("{{\"jsonrpc\":\"2.0\",\"id\":$ID,\"result\":{result}}}\n");
        let mut rig = McpRig::for_server(scripted(&json!({ "say": { "tools/call": reply } })));
        rig.wait_ready().await;
        let content = rig.call("one").await.expect("the call returns a result").content;
        assert_eq!(content.len(), expected, "{content:?}");
        let is_structured = |content: &ToolContent| matches!(content, ToolContent::Structured(_));
        assert_eq!(
            content.iter().any(is_structured),
            result["content"] == json!([]) || result["content"][0]["text"] == "about 3"
        );
        rig.shut_down();
    }
}
