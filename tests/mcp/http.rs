//! Servers behind an address.

use std::{convert::Infallible, net::SocketAddr, sync::Arc};

use bytes::Bytes;
use http_body_util::{BodyExt, Full, combinators::BoxBody};
use hyper::{Request, Response, StatusCode, body::Incoming, service::service_fn};
use hyper_util::rt::TokioIo;
use ibid::{
    config::McpServer,
    mcp::State,
    tools::{Content, Failure},
};
use rmcp::transport::streamable_http_server::{
    StreamableHttpServerConfig, StreamableHttpService, session::local::LocalSessionManager,
};
use serde_json::json;
use tokio::{
    net::TcpListener,
    sync::oneshot,
    task::{JoinHandle, JoinSet},
};

use crate::{rig::Rig, server::Everything};

/// A server that wants the token `good-token`.
struct Served {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Served {
    /// Goes away, with all its connections.
    async fn end(self) {
        self.stop.send(()).expect("it runs");
        self.task.await.expect("it ends");
    }
}

async fn serve(address: &str, kind: &'static str) -> Served {
    let listener = TcpListener::bind(address).await.expect("the loopback is there");
    let address = listener.local_addr().expect("it is bound");
    let everything = Everything::new(kind);
    let service = StreamableHttpService::new(
        move || Ok(everything.clone()),
        Arc::new(LocalSessionManager::default()),
        StreamableHttpServerConfig::default(),
    );
    let (stop, mut stopped) = oneshot::channel();
    let task = tokio::spawn(async move {
        let mut connections = JoinSet::new();
        loop {
            let (stream, _) = tokio::select! {
                accepted = listener.accept() => accepted.expect("the loopback is there"),
                _ = &mut stopped => break,
            };
            let service = service.clone();
            connections.spawn(async move {
                let answer = service_fn(move |request| answer(service.clone(), request));
                let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await;
            });
        }
        connections.shutdown().await;
    });
    Served { address, stop, task }
}

async fn answer(
    service: StreamableHttpService<Everything, LocalSessionManager>,
    request: Request<Incoming>,
) -> Result<Response<BoxBody<Bytes, Infallible>>, Infallible> {
    let say = |status, header: &str, value: &str| {
        let body = Full::new(Bytes::new()).boxed();
        Ok(Response::builder().status(status).header(header, value).body(body).expect("an answer"))
    };
    if request.uri().path() == "/elsewhere" {
        return say(StatusCode::TEMPORARY_REDIRECT, "location", "/mcp");
    }
    if request.headers().get("authorization").is_none_or(|token| token != "Bearer good-token") {
        return say(StatusCode::UNAUTHORIZED, "www-authenticate", "Bearer");
    }
    Ok(service.handle(request).await)
}

fn at(address: SocketAddr, variable: Option<&str>) -> McpServer {
    McpServer {
        url: Some(format!("http://{address}/mcp")),
        bearer_env: variable.map(str::to_owned),
        ..McpServer::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_with_the_right_token_offers_its_tools() {
    for kind in ["good", "new"] {
        let served = serve("127.0.0.1:0", kind).await;
        let mut rig = Rig::of(at(served.address, Some("GOOD_TOKEN")));
        rig.ready().await;
        let State::Ready(identity) = &rig.known().state else { panic!("it is ready") };
        assert_eq!(identity.protocol, if kind == "new" { "2026-07-28" } else { "2025-11-25" });
        let call = rig.begin("echo", &json!({"text": "over the net"}));
        assert_eq!(rig.done(call).await.expect("it answers").content, [Content::Text("over the net".into())]);
        let before = rig.known().tools.len();
        rig.call("grows").await.expect("it answers");
        rig.until(|rig| rig.known().tools.len() == before + 1).await;
        let call = rig.begin("waits", &json!({}));
        rig.send(ibid::mcp::Job::Cancel(call));
        assert_eq!(rig.done(call).await, Err(Failure::Crashed("it was cancelled".into())));
        rig.end();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_token_or_address_is_told_in_words_without_the_token() {
    let served = serve("127.0.0.1:0", "good").await;
    for variable in [Some("BAD_TOKEN"), None] {
        let mut rig = Rig::of(at(served.address, variable));
        assert_eq!(rig.failed().await, "it wants a token, or another one (401); name its variable with bearer_env");
        rig.end();
    }
    let mut rig = Rig::of(at(served.address, Some("NOBODY_SETS_THIS")));
    assert_eq!(rig.failed().await, "there is no token in $NOBODY_SETS_THIS");
    rig.end();
    // Sent on to the same host, with the token; variables are filled in.
    let url = format!("http://{}/elsewhere", served.address);
    let headers = [("authorization".to_owned(), "Bearer ${GOOD_TOKEN}".to_owned())].into();
    let mut rig = Rig::of(McpServer { url: Some(url), headers, ..McpServer::default() });
    rig.ready().await;
    rig.end();
    let address = served.address;
    served.end().await;
    let mut rig = Rig::of(at(address, Some("GOOD_TOKEN")));
    assert_eq!(rig.failed().await, "nobody answers at its address");
    rig.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_went_away_is_found_again_when_it_is_back() {
    let served = serve("127.0.0.1:0", "good").await;
    let address = served.address;
    let mut rig = Rig::of(at(address, Some("GOOD_TOKEN")));
    rig.ready().await;
    assert_eq!(rig.text("was_cancelled").await, "false");
    served.end().await;
    let gone = rig.call("was_cancelled").await.expect_err("nobody is there");
    assert!(matches!(gone, Failure::Crashed(_)), "{gone:?}");
    assert_eq!(rig.failed().await, "nobody answers at its address");
    let _served = serve(&address.to_string(), "good").await;
    rig.send(ibid::mcp::Job::Start);
    rig.ready().await;
    assert_eq!(rig.text("was_cancelled").await, "false");
    rig.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_that_is_too_large_is_told_and_the_next_call_works() {
    let served = serve("127.0.0.1:0", "good").await;
    let mut rig = Rig::of(at(served.address, Some("GOOD_TOKEN")));
    rig.ready().await;
    let failure = rig.call("big").await.expect_err("fifty megabytes are too much");
    assert!(failure.words().contains("it is larger than 16 MB"), "{failure:?}");
    assert_eq!(rig.text("was_cancelled").await, "false");
    rig.end();
}
