//! MCP servers over HTTP.

use std::{convert::Infallible, net::SocketAddr, sync::Arc};

use bytes::Bytes;
use http_body_util::{BodyExt, Full, combinators::BoxBody};
use hyper::{Request, Response, StatusCode, body::Incoming, service::service_fn};
use hyper_util::rt::TokioIo;
use ibid::{
    config::McpServerConfig,
    mcp::ServerState,
    tools::{ToolContent, ToolFailure},
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

use crate::{rig::McpRig, server::EverythingServer};

/// An MCP server over HTTP that requires the token `good-token`.
struct HttpServer {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl HttpServer {
    /// Stops the server and closes all its connections.
    async fn shut_down(self) {
        self.stop.send(()).expect("the server task is running");
        self.task.await.expect("the server task ends");
    }
}

async fn serve_http(address: &str, kind: &'static str) -> HttpServer {
    let listener = TcpListener::bind(address).await.expect("the address is free");
    let address = listener.local_addr().expect("the listener is bound");
    let everything = EverythingServer::new(kind);
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
                accepted = listener.accept() => accepted.expect("a connection can be accepted"),
                _ = &mut stopped => break,
            };
            let service = service.clone();
            connections.spawn(async move {
                let answer = service_fn(move |request| handle_request(service.clone(), request));
                let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await;
            });
        }
        connections.shutdown().await;
    });
    HttpServer { address, stop, task }
}

async fn handle_request(
    service: StreamableHttpService<EverythingServer, LocalSessionManager>,
    request: Request<Incoming>,
) -> Result<Response<BoxBody<Bytes, Infallible>>, Infallible> {
    let empty_response = |status, header: &str, value: &str| {
        let body = Full::new(Bytes::new()).boxed();
        Ok(Response::builder().status(status).header(header, value).body(body).expect("the response is valid"))
    };
    if request.uri().path() == "/elsewhere" {
        return empty_response(StatusCode::TEMPORARY_REDIRECT, "location", "/mcp");
    }
    if request.headers().get("authorization").is_none_or(|token| token != "Bearer good-token") {
        return empty_response(StatusCode::UNAUTHORIZED, "www-authenticate", "Bearer");
    }
    Ok(service.handle(request).await)
}

fn http_server_config(address: SocketAddr, variable: Option<&str>) -> McpServerConfig {
    McpServerConfig {
        url: Some(format!("http://{address}/mcp")),
        bearer_env: variable.map(str::to_owned),
        ..McpServerConfig::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_http_server_with_the_right_token_offers_its_tools() {
    for kind in ["good", "new"] {
        let served = serve_http("127.0.0.1:0", kind).await;
        let mut rig = McpRig::for_server(http_server_config(served.address, Some("GOOD_TOKEN")));
        rig.wait_ready().await;
        let ServerState::Ready(identity) = &rig.server().state else { panic!("the server is not ready") };
        assert_eq!(identity.protocol, if kind == "new" { "2026-07-28" } else { "2025-11-25" });
        let call = rig.start_call("echo", &json!({"text": "over the net"}));
        assert_eq!(
            rig.wait_done(call).await.expect("the call returns a result").content,
            [ToolContent::Text("over the net".into())]
        );
        let before = rig.server().tools.len();
        rig.call("grows").await.expect("the call returns a result");
        rig.wait_until(|rig| rig.server().tools.len() == before + 1).await;
        let call = rig.start_call("waits", &json!({}));
        rig.send(ibid::mcp::McpJob::Cancel(call));
        assert_eq!(rig.wait_done(call).await, Err(ToolFailure::Crashed("it was cancelled".into())));
        rig.shut_down();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_token_or_address_is_reported_without_the_token() {
    let served = serve_http("127.0.0.1:0", "good").await;
    for variable in [Some("BAD_TOKEN"), None] {
        let mut rig = McpRig::for_server(http_server_config(served.address, variable));
        assert_eq!(
            rig.wait_failed().await,
            "it needs a token, or a different one (401); name its variable with bearer_env"
        );
        rig.shut_down();
    }
    let mut rig = McpRig::for_server(http_server_config(served.address, Some("NOBODY_SETS_THIS")));
    assert_eq!(rig.wait_failed().await, "there is no token in $NOBODY_SETS_THIS");
    rig.shut_down();
    // A redirect to the same host keeps the token; variables in headers are expanded.
    let url = format!("http://{}/elsewhere", served.address);
    let headers = [("authorization".to_owned(), "Bearer ${GOOD_TOKEN}".to_owned())].into();
    let mut rig = McpRig::for_server(McpServerConfig { url: Some(url), headers, ..McpServerConfig::default() });
    rig.wait_ready().await;
    rig.shut_down();
    let address = served.address;
    served.shut_down().await;
    let mut rig = McpRig::for_server(http_server_config(address, Some("GOOD_TOKEN")));
    assert_eq!(rig.wait_failed().await, "nothing answers at its address");
    rig.shut_down();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_went_away_is_reconnected_when_it_is_back() {
    let served = serve_http("127.0.0.1:0", "good").await;
    let address = served.address;
    let mut rig = McpRig::for_server(http_server_config(address, Some("GOOD_TOKEN")));
    rig.wait_ready().await;
    assert_eq!(rig.call_text("was_cancelled").await, "false");
    served.shut_down().await;
    let gone = rig.call("was_cancelled").await.expect_err("the server is gone");
    assert!(matches!(gone, ToolFailure::Crashed(_)), "{gone:?}");
    assert_eq!(rig.wait_failed().await, "nothing answers at its address");
    let _served = serve_http(&address.to_string(), "good").await;
    rig.send(ibid::mcp::McpJob::Start);
    rig.wait_ready().await;
    assert_eq!(rig.call_text("was_cancelled").await, "false");
    rig.shut_down();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_killed_in_mid_call_fails_that_call_at_once() {
    for kind in ["good", "new"] {
        let served = serve_http("127.0.0.1:0", kind).await;
        let mut rig = McpRig::for_server(http_server_config(served.address, Some("GOOD_TOKEN")));
        rig.wait_ready().await;
        let waits = rig.start_call("waits", &json!({}));
        if kind == "good" {
            rig.wait_for_log("waiting").await;
        }
        let begun = std::time::Instant::now();
        served.shut_down().await;
        let failure = rig.wait_done(waits).await.expect_err("the server is gone");
        assert!(matches!(failure, ToolFailure::Crashed(_)), "{failure:?}");
        assert!(begun.elapsed().as_secs() < 20, "it waited for the time limit of the call");
        rig.shut_down();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_that_is_too_large_is_reported_and_the_next_call_works() {
    let served = serve_http("127.0.0.1:0", "good").await;
    let mut rig = McpRig::for_server(http_server_config(served.address, Some("GOOD_TOKEN")));
    rig.wait_ready().await;
    let failure = rig.call("big").await.expect_err("fifty megabytes exceed the limit");
    assert!(failure.message().contains("it is larger than 16 MB"), "{failure:?}");
    assert_eq!(rig.call_text("was_cancelled").await, "false");
    rig.shut_down();
}
