//! Every failure of a request has its fault, and a message that names the cause.

use ibid::api::{ApiClient, ApiDialect, ApiError, FaultKind};
use serde_json::json;

use crate::{
    endpoint, short_timeouts, stream_events,
    support::fake_server::{FakeReply, FakeServer, unreachable_url},
    text_frames,
};

/// The error of a request that gets `reply`; its message is one line without a full stop.
fn error_of(reply: FakeReply) -> ApiError {
    let server = FakeServer::start();
    server.queue_reply(reply);
    let client = ApiClient::with_timeouts(endpoint(&server.base_url(), ApiDialect::OpenRouter, None), short_timeouts())
        .expect("the client can be created");
    let error = match stream_events(&client) {
        Err(error) | Ok((_, Err(error))) => error,
        Ok((events, Ok(()))) => panic!("the request did not fail: {events:?}"),
    };
    assert!(
        !error.message.contains(['\n', '\x1b']) && !error.message.ends_with('.') && error.message.len() > 5,
        "{error:?}"
    );
    error
}

#[test]
fn every_failure_has_its_fault_and_a_one_line_message() {
    let page = "<html><head><title>Just a moment</title></head><body>Checking your browser</body></html>";
    for (case, error, fault, expected) in [
        (
            "garbage instead of HTTP",
            error_of(FakeReply::raw("hello\r\n\r\n")),
            FaultKind::Garbage,
            "sent an invalid HTTP response",
        ),
        ("closed at once", error_of(FakeReply::raw("")), FaultKind::Cut, "dropped the connection"),
        (
            "a page with 200",
            error_of(FakeReply::body(200, "text/html", page)),
            FaultKind::Garbage,
            "web page: Just a moment",
        ),
        ("a page with 503", error_of(FakeReply::body(503, "text/html", page)), FaultKind::Server, "Just a moment"),
        (
            "another JSON",
            error_of(FakeReply::json(200, &json!({ "hello": 1 }))),
            FaultKind::Garbage,
            "did not answer in the Responses API format",
        ),
        (
            "half a JSON",
            error_of(FakeReply::body(200, "application/json", "{\"object\":")),
            FaultKind::Garbage,
            "did not answer in the Responses API format",
        ),
        (
            "gzip that is none",
            error_of(
                FakeReply::stream(["not compressed at all, but long enough to be read"])
                    .header("content-encoding", "gzip"),
            ),
            FaultKind::Garbage,
            "sent an invalid HTTP response",
        ),
        (
            "text that is no stream",
            error_of(FakeReply::body(200, "text/plain", "hello there\n")),
            FaultKind::Garbage,
            "did not answer in the Responses API format",
        ),
        ("no content", error_of(FakeReply::body(204, "text/event-stream", "")), FaultKind::Garbage, "204 No Content"),
        (
            "another compression",
            error_of(FakeReply::stream(["\u{b}nonsense"]).header("content-encoding", "br")),
            FaultKind::Garbage,
            "compressed as br, which was not requested",
        ),
        (
            "a head without an end",
            error_of(FakeReply::stream(text_frames()).header("x-long", &"y".repeat(1_000_000))),
            FaultKind::Garbage,
            "sent an invalid HTTP response",
        ),
        (
            "half an error",
            error_of(
                FakeReply::body(429, "application/json", "{\"error\":{\"mess")
                    .header("retry-after", "99999999999999999999"),
            ),
            FaultKind::Rate,
            "the server answered 429 Too Many Requests",
        ),
        (
            "mute after the request",
            error_of(FakeReply::stream(text_frames()).gated_head()),
            FaultKind::Silence,
            "did not answer within 300 ms",
        ),
        (
            "mute in mid-stream",
            error_of(FakeReply::stream(["data: {\"type\":\"x\"}\n\n"]).then_hold()),
            FaultKind::Silence,
            "no data arrived for 300 ms",
        ),
        (
            "a chat-only server",
            error_of(FakeReply::body(404, "text/plain", "404 page not found")),
            FaultKind::Garbage,
            "no Responses API at this address",
        ),
        (
            "a wrong key",
            error_of(FakeReply::json(401, &json!({ "error": { "code": 401, "message": "User not found." } }))),
            FaultKind::Key,
            "User not found",
        ),
        (
            "no credits",
            error_of(FakeReply::json(402, &json!({ "error": { "code": 402, "message": "Insufficient credits" } }))),
            FaultKind::Credit,
            "Insufficient credits",
        ),
        (
            "too many",
            error_of(FakeReply::json(429, &json!({ "error": { "message": "Slow down" } })).header("retry-after", "7")),
            FaultKind::Rate,
            "Slow down",
        ),
    ] {
        assert_eq!(error.fault, fault, "{case}: {error:?}");
        assert!(error.message.contains(expected), "{case}: {}", error.message);
    }
}

#[test]
fn refused_unknown_and_insecure_hosts_are_distinguished() {
    let fails = |base_url: &str| {
        let client = ApiClient::with_timeouts(endpoint(base_url, ApiDialect::Other, None), short_timeouts())
            .expect("the client can be created");
        stream_events(&client).map(drop).expect_err("the request fails")
    };
    let refused = fails(&unreachable_url());
    assert_eq!(refused.fault, FaultKind::Connect);
    assert!(refused.message.starts_with("nothing is listening at 127.0.0.1:"), "{refused}");
    let unknown = fails("http://no-such-host.invalid/v1");
    assert!(unknown.message.contains("the name no-such-host.invalid could not be resolved"), "{unknown}");
    let server = FakeServer::start();
    let insecure = fails(&server.base_url().replace("http://", "https://"));
    assert_eq!(insecure.fault, FaultKind::Connect);
    assert!(insecure.message.contains("does not answer in TLS; it may expect http://"), "{insecure}");
    assert_eq!(fails("ftp://host/v1").fault, FaultKind::Request);
    assert_eq!(fails("nonsense").fault, FaultKind::Request);
}

#[cfg(target_os = "linux")]
mod hanging_server {
    use std::time::Duration;

    use ibid::api::{ApiClient, ApiDialect, ApiError, FaultKind, HttpTimeouts};

    use crate::{block_on, endpoint, hello_request, short_timeouts};

    /// A listening socket whose queue is full, like that of a server that hangs, accepts no further connection.
    #[test]
    fn a_server_that_accepts_no_connection_fails_after_the_connect_timeout() {
        block_on(async {
            let socket = tokio::net::TcpSocket::new_v4().expect("the socket can be created");
            socket.bind("127.0.0.1:0".parse().expect("the address is valid")).expect("a port is free");
            let listener = socket.listen(1).expect("the socket can listen");
            let address = listener.local_addr().expect("the socket is bound");
            let limits = HttpTimeouts {
                connect: Duration::from_millis(300),
                first_byte: Duration::from_secs(1),
                ..short_timeouts()
            };
            let base_url = format!("http://{address}/v1");
            let mut waiting = Vec::new();
            // Until the queue is full, connections are accepted but get no answer, which is a different failure.
            for _ in 0..20 {
                let client = ApiClient::with_timeouts(endpoint(&base_url, ApiDialect::Other, None), limits)
                    .expect("the client can be created");
                let begun = std::time::Instant::now();
                let error =
                    ApiError::from(client.open(&hello_request()).await.expect_err("nothing accepts the connection"));
                if error.fault == FaultKind::Connect {
                    assert_eq!(error.message, format!("{address} could not be reached in time"));
                    assert!(begun.elapsed() >= limits.connect, "{:?}", begun.elapsed());
                    return;
                }
                assert_eq!(error.fault, FaultKind::Silence, "{error}");
                waiting.push(tokio::spawn(tokio::net::TcpStream::connect(address)));
            }
            panic!("the socket's queue never filled up");
        });
    }
}
