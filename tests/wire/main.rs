//! Requests to servers and their responses, over real sockets.
#![allow(unreachable_pub, reason = "nothing outside uses a test")]

mod connect;
mod failures;
mod servers;
#[path = "../support/mod.rs"]
mod support;

use std::{
    io::{Read, Write},
    time::Duration,
};

use ibid::{
    api::{
        ApiClient, ApiDialect, ApiError, Endpoint, Event, FaultKind, HttpTimeouts, RawFrame, Request,
        request::{MessageRole, input_message},
    },
    chat::{Answer, AnswerEnd, Timestamp},
};
use serde_json::json;
use support::{
    compose::ResponseBuilder,
    fake_server::{FakeReply, FakeServer, RequestHead},
};

const KEY: &str = "sk-or-v1-0123456789abcdef";

fn endpoint(base_url: &str, dialect: ApiDialect, key: Option<&str>) -> Endpoint {
    Endpoint { name: "test".into(), base_url: base_url.into(), dialect, key: key.map(Into::into) }
}

/// Time limits short enough for tests that reach them, long enough for a busy machine.
fn short_timeouts() -> HttpTimeouts {
    let limit = Duration::from_millis(300);
    HttpTimeouts { connect: Duration::from_secs(5), first_byte: limit, idle: limit }
}

fn client(server: &FakeServer, dialect: ApiDialect, key: Option<&str>) -> ApiClient {
    ApiClient::new(endpoint(&server.base_url(), dialect, key)).expect("the client can be created")
}

fn hello_request() -> Request {
    Request {
        model: "openai/gpt-4.1-mini".into(),
        input: vec![input_message(MessageRole::User, "Hi")],
        stream: true,
        ..Request::default()
    }
}

/// Runs a future on a multi-threaded runtime, because the tests block on the server inside it.
fn block_on<T>(work: impl Future<Output = T>) -> T {
    let mut threads = tokio::runtime::Builder::new_multi_thread();
    threads.worker_threads(1).enable_all().build().expect("the runtime starts").block_on(work)
}

/// Sends a request; returns its events and how the stream ended.
fn stream_events(client: &ApiClient) -> Result<(Vec<Event>, Result<(), ApiError>), ApiError> {
    block_on(async {
        let mut opened = client.open(&hello_request()).await?;
        let mut events = Vec::new();
        loop {
            match opened.next_batch(&mut events).await {
                Ok(true) => (),
                Ok(false) => return Ok((events, Ok(()))),
                Err(error) => return Ok((events, Err(error))),
            }
        }
    })
}

fn streamed_answer(client: &ApiClient) -> Answer {
    let now = Timestamp::UNIX_EPOCH;
    let mut answer = Answer::new("test", "m", now);
    let (events, end) = stream_events(client).expect("the stream opens");
    for event in &events {
        answer.apply(0, now, event);
    }
    answer.finish(now, end);
    answer
}

fn text_frames() -> Vec<String> {
    ResponseBuilder::new("openai/gpt-4.1-mini").text(&["Hel", "lo."]).completed()
}

fn fixed_headers(head: &RequestHead) -> Vec<String> {
    // The port and the length vary.
    let known = |name: &str| !["host", "content-length"].contains(&name);
    head.headers.iter().filter(|(name, _)| known(name)).map(|(name, value)| format!("{name}: {value}")).collect()
}

#[test]
fn openrouter_gets_its_key_and_the_name_of_the_program() {
    let server = FakeServer::start();
    server.queue_reply(FakeReply::stream(text_frames()));
    stream_events(&client(&server, ApiDialect::OpenRouter, Some(KEY)))
        .expect("the stream opens")
        .1
        .expect("the stream ends cleanly");
    let request = server.next_request();
    assert_eq!((request.head.method.as_str(), request.head.path.as_str()), ("POST", "/api/v1/responses"));
    let mut headers = fixed_headers(&request.head);
    headers.sort();
    assert_eq!(
        headers,
        [
            "accept-encoding: identity",
            "accept: text/event-stream",
            "authorization: Bearer sk-or-v1-0123456789abcdef",
            "content-type: application/json",
            "http-referer: https://crates.io/crates/ibid",
            concat!("user-agent: ibid/", env!("CARGO_PKG_VERSION")),
            "x-openrouter-categories: cli-agent",
            "x-openrouter-metadata: enabled",
            "x-openrouter-title: ibid",
            "x-title: ibid",
        ]
    );
    assert_eq!(
        request.body,
        json!({ "model": "openai/gpt-4.1-mini", "input": [{ "role": "user", "content": "Hi" }], "stream": true })
    );
}

#[test]
fn other_servers_get_neither_an_empty_key_nor_the_name_of_the_program() {
    for dialect in [ApiDialect::Other, ApiDialect::OpenAi] {
        let server = FakeServer::start();
        server.queue_reply(FakeReply::stream(text_frames()));
        stream_events(&client(&server, dialect, None)).expect("the stream opens").1.expect("the stream ends cleanly");
        let mut headers = fixed_headers(&server.next_request().head);
        headers.sort();
        assert_eq!(
            headers,
            [
                "accept-encoding: identity",
                "accept: text/event-stream",
                "content-type: application/json",
                concat!("user-agent: ibid/", env!("CARGO_PKG_VERSION")),
            ],
            "{dialect:?}"
        );
    }
}

#[test]
fn an_answer_without_a_stream_is_requested_as_json() {
    let server = FakeServer::start();
    server.queue_reply(FakeReply::json(200, &json!({ "object": "response", "status": "completed", "output": [] })));
    let client = client(&server, ApiDialect::OpenRouter, None);
    block_on(async { client.open(&Request { stream: false, ..hello_request() }).await.map(drop) })
        .expect("the stream opens");
    assert_eq!(server.next_request().header("accept"), Some("application/json"));
}

#[test]
fn the_list_of_models_is_fetched_with_the_same_key() {
    let server = FakeServer::start();
    let client = client(&server, ApiDialect::OpenRouter, Some(KEY));
    let list = block_on(client.fetch_models()).expect("the list is fetched");
    assert_eq!(ibid::api::Catalogue::parse(&list).expect("the list parses").models.len(), 3);
    let head = &server.request_heads()[0];
    assert_eq!((head.method.as_str(), head.path.as_str()), ("GET", "/api/v1/models"));
    assert_eq!(head.header("authorization"), Some("Bearer sk-or-v1-0123456789abcdef"));
    assert_eq!((head.header("accept"), head.header("content-type")), (Some("application/json"), None));
}

#[test]
fn the_cost_of_an_answer_and_the_quota_are_fetched_with_the_key() {
    let server = FakeServer::start();
    let client = client(&server, ApiDialect::OpenRouter, Some(KEY));
    assert_eq!(
        block_on(client.fetch_usage("gen-1")).map_err(|error| error.status),
        Err(Some(404)),
        "the cost is not known yet"
    );
    server.set_page(
        "/generation",
        FakeReply::json(200, &json!({ "data": { "total_cost": 0.0031, "tokens_completion": 9 } })),
    );
    let usage = block_on(client.fetch_usage("gen-1 & more")).expect("the cost is fetched");
    assert_eq!(usage.cost.map(|cost| cost.to_string()).as_deref(), Some("$0.0031"));
    let requests = json!({ "limit": 50, "used": 50, "remaining": 0 });
    server.set_page("/key", FakeReply::json(200, &json!({ "data": { "free_model_daily_requests": requests } })));
    assert_eq!(block_on(client.fetch_free_quota()), Ok(ibid::api::FreeQuota { limit: 50, remaining: 0 }));
    let heads = server.request_heads();
    let paths: Vec<&str> = heads.iter().map(|head| head.path.as_str()).collect();
    assert_eq!(paths, ["/api/v1/generation?id=gen-1", "/api/v1/generation?id=gen-1+%26+more", "/api/v1/key"]);
    assert!(heads.iter().all(|head| head.header("authorization") == Some("Bearer sk-or-v1-0123456789abcdef")));
}

#[test]
fn a_redirect_to_another_host_never_carries_the_key() {
    let (server, stranger) = (FakeServer::start(), FakeServer::start());
    stranger.queue_reply(FakeReply::stream(text_frames()));
    for status in [301, 302, 303, 307, 308] {
        server.queue_reply(FakeReply::redirect(status, &format!("{}/responses", stranger.base_url())));
        let error = stream_events(&client(&server, ApiDialect::OpenRouter, Some(KEY)))
            .expect_err("the redirect is not followed");
        assert_eq!((error.fault, error.status), (FaultKind::Request, Some(status)));
        assert!(error.message.contains(&stranger.base_url()), "{error}");
        server.set_page("/models", FakeReply::redirect(status, &format!("{}/models", stranger.base_url())));
        let error = block_on(client(&server, ApiDialect::OpenRouter, Some(KEY)).fetch_models())
            .expect_err("the redirect is not followed");
        assert_eq!(error.fault, FaultKind::Request);
    }
    assert!(stranger.request_heads().is_empty(), "the other host received a request");
}

#[test]
fn a_model_list_redirect_within_its_host_is_followed_but_not_in_a_loop() {
    let server = FakeServer::start();
    server.set_page("/models", FakeReply::redirect(308, "/api/v2/list"));
    server.set_page("/list", FakeReply::json(200, &support::compose::catalogue()));
    let client = client(&server, ApiDialect::OpenRouter, Some(KEY));
    assert!(block_on(client.fetch_models()).is_ok());
    assert_eq!(server.request_heads()[1].header("authorization"), Some("Bearer sk-or-v1-0123456789abcdef"));
    server.set_page("/list", FakeReply::redirect(302, "/api/v1/models"));
    assert_eq!(block_on(client.fetch_models()).map_err(|error| error.fault), Err(FaultKind::Request));
}

#[test]
fn a_key_that_no_header_can_hold_is_rejected_before_anything_is_sent() {
    let server = FakeServer::start();
    let error =
        stream_events(&client(&server, ApiDialect::OpenRouter, Some("sk\nx"))).expect_err("the key is rejected");
    assert_eq!((error.fault, server.request_heads().len()), (FaultKind::Key, 0));
    assert!(
        !format!("{error:?} {:?}", client(&server, ApiDialect::OpenRouter, Some(KEY))).contains(KEY),
        "the key was printed"
    );
}

#[test]
fn the_generation_id_is_known_before_the_first_event() {
    let server = FakeServer::start();
    server.queue_reply(FakeReply::stream(text_frames()).gated());
    let client = client(&server, ApiDialect::OpenRouter, None);
    let opened = block_on(async { client.open(&hello_request()).await }).expect("the stream opens");
    assert_eq!(opened.generation_id.as_deref(), Some("gen-1790000001-FakeServerFakeServer"));
}

#[test]
fn events_arrive_one_by_one_and_dropping_the_stream_closes_the_connection() {
    let server = FakeServer::start();
    server.queue_reply(FakeReply::stream(text_frames()).gated());
    let client = client(&server, ApiDialect::OpenRouter, None);
    block_on(async {
        let mut opened = client.open(&hello_request()).await.expect("the stream opens");
        let request = server.next_request();
        let mut kinds = Vec::new();
        for _ in 0..6 {
            request.release();
            kinds.push(
                match opened.next().await.expect("the stream has an event").expect("the stream does not fail") {
                    Event::KeepAlive => "alive",
                    Event::ResponseStarted(_) => "begun",
                    Event::ItemAdded { .. } => "opened",
                    Event::Part { .. } => "part",
                    other => panic!("{other:?}"),
                },
            );
        }
        assert_eq!(kinds, ["alive", "alive", "begun", "begun", "opened", "part"]);
        assert!(!request.is_closed());
        drop(opened);
        request.wait_closed();
    });
}

#[test]
fn events_that_have_already_arrived_come_in_one_batch() {
    let server = FakeServer::start();
    server.queue_reply(FakeReply::stream([text_frames().concat()]));
    let client = client(&server, ApiDialect::OpenRouter, None);
    block_on(async {
        let mut opened = client.open(&hello_request()).await.expect("the stream opens");
        let mut batch = Vec::new();
        while batch.len() < 8 {
            assert!(opened.next_batch(&mut batch).await.expect("the stream does not fail"));
        }
        assert!(matches!(batch.last(), Some(Event::ResponseEnded(_))), "{batch:?}");
        assert!(
            !opened.next_batch(&mut batch).await.expect("the stream does not fail"),
            "the stream goes on after [DONE]"
        );
    });
}

#[test]
fn a_stream_ends_at_done_even_if_the_server_keeps_the_connection_open() {
    let server = FakeServer::start();
    server.queue_reply(FakeReply::stream(text_frames()).then_hold());
    assert_eq!(streamed_answer(&client(&server, ApiDialect::OpenRouter, None)).end, AnswerEnd::Complete);
    server.next_request().wait_closed();
}

#[test]
fn a_body_that_is_not_a_stream_gives_the_same_answer() {
    let body = json!({
        "id": "gen-1", "object": "response", "status": "completed", "model": "m",
        "output": [{ "type": "message", "id": "msg_1", "role": "assistant", "status": "completed",
                     "content": [{ "type": "output_text", "text": "Hello.", "annotations": [] }] }],
    });
    for reply in [
        FakeReply::json(200, &body),
        FakeReply::body(200, "application/json", format!("\n\n   \n{body}\n")),
        FakeReply::stream(["\n ".to_owned(), "\n".into(), body.to_string()]),
        FakeReply::body(200, "text/plain", format!("\u{feff}{body:#}")),
    ] {
        let server = FakeServer::start();
        server.queue_reply(reply);
        let answer = streamed_answer(&client(&server, ApiDialect::Other, None));
        assert_eq!((answer.text().as_str(), &answer.end), ("Hello.", &AnswerEnd::Complete));
    }
    let server = FakeServer::start();
    server.queue_reply(FakeReply::json(200, &json!({ "error": { "code": 402, "message": "Insufficient credits" } })));
    let answer = streamed_answer(&client(&server, ApiDialect::OpenRouter, None));
    assert!(matches!(&answer.end, AnswerEnd::Failed(error) if error.fault == FaultKind::Credit), "{:?}", answer.end);
}

#[test]
fn streams_of_other_servers_are_parsed_whatever_their_framing() {
    let lines = text_frames()
        .concat()
        .replace("data: {", "event: x\ndata: {")
        .replace('\n', "\r\n")
        .replace("data: [DONE]\r\n", "");
    for reply in [
        FakeReply::stream([lines.clone()]),
        FakeReply::stream([lines.clone()]).until_closed(),
        FakeReply::stream([lines.clone()]).header("content-type", ""),
        FakeReply::stream(["\u{feff}\r\n".to_owned(), " \r\n".repeat(5000), "\r\n\t".into(), lines.clone()]),
        FakeReply::stream(lines.into_bytes().chunks(3).map(<[u8]>::to_vec)),
    ] {
        let server = FakeServer::start();
        server.queue_reply(reply);
        let answer = streamed_answer(&client(&server, ApiDialect::Other, None));
        assert_eq!((answer.text().as_str(), &answer.end), ("Hello.", &AnswerEnd::Complete));
    }
}

#[test]
fn a_cut_stream_keeps_its_text_and_is_reported() {
    let frames = ResponseBuilder::new("m").unfinished_text(&["It was a dark ", "and stormy"]).unfinished();
    let server = FakeServer::start();
    server.queue_reply(FakeReply::stream(frames.clone()).then_cut());
    let cut = streamed_answer(&client(&server, ApiDialect::OpenRouter, None));
    assert_eq!(cut.text(), "It was a dark and stormy");
    assert!(matches!(&cut.end, AnswerEnd::Failed(error) if error.fault == FaultKind::Cut), "{:?}", cut.end);
    // A body without a length ends cleanly wherever it is cut; that counts as a cut too.
    server.queue_reply(FakeReply::stream(frames).until_closed());
    let ended = streamed_answer(&client(&server, ApiDialect::OpenRouter, None));
    assert!(matches!(&ended.end, AnswerEnd::Failed(error) if error.fault == FaultKind::Cut), "{:?}", ended.end);
    // Every item is complete, so the missing end does not matter.
    let mut whole = text_frames();
    whole.truncate(whole.len() - 2);
    server.queue_reply(FakeReply::stream(whole).then_cut());
    assert_eq!(streamed_answer(&client(&server, ApiDialect::OpenRouter, None)).end, AnswerEnd::Complete);
}

#[test]
fn a_very_long_event_stays_in_order_and_half_of_one_is_dropped() {
    let long = "long ".repeat(100_000);
    let frames = ResponseBuilder::new("m").text(&["first ", &long, "last"]).completed();
    let index = frames.iter().position(|frame| frame.len() > long.len()).expect("one frame holds the long delta");
    let mut half = frames[..=index].to_vec();
    half[index].truncate(400_000);
    for whole in [true, false] {
        let server = FakeServer::start();
        server.queue_reply(if whole {
            FakeReply::stream(frames.clone())
        } else {
            FakeReply::stream(half.clone()).then_cut()
        });
        let (events, end) = stream_events(&client(&server, ApiDialect::OpenRouter, None)).expect("the stream opens");
        let deltas = events.iter().filter_map(|event| match event {
            Event::Delta { text, .. } => Some(text.as_str()),
            _ => None,
        });
        let text: String = deltas.collect();
        assert!(!events.iter().any(|event| matches!(event, Event::Unreadable { .. })));
        if whole {
            assert_eq!((text, end), (format!("first {long}last"), Ok(())));
        } else {
            assert_eq!((text.as_str(), end.is_err()), ("first ", true));
        }
    }
}

#[test]
fn a_very_long_event_is_split_but_recorded_as_received() {
    let long = "lönger ".repeat(100_000);
    let frames = ResponseBuilder::new("m").text(&["first ", &long, "last"]).completed();
    let payload =
        |frame: &String| frame.trim_end().strip_prefix("data: ").filter(|data| *data != "[DONE]").map(str::to_owned);
    let sent: Vec<String> = frames.iter().filter_map(payload).collect();
    let server = FakeServer::start();
    server.queue_reply(FakeReply::stream([frames.concat()]));
    let client = client(&server, ApiDialect::OpenRouter, None);
    block_on(async {
        let mut opened = client.open(&hello_request()).await.expect("the stream opens");
        opened.start_recording();
        let (mut received, mut longest, mut raw) = (String::new(), 0, Vec::new());
        loop {
            let mut batch = Vec::new();
            let more = opened.next_batch(&mut batch).await.expect("the stream does not fail");
            raw.extend(opened.take_recorded().into_iter().filter_map(|raw| match raw {
                RawFrame::Payload(payload) => Some(payload.into_string()),
                RawFrame::Comment(_) => None,
            }));
            let before = received.len();
            received.extend(batch.iter().filter_map(|event| match event {
                Event::Delta { text, .. } => Some(text.as_str()),
                _ => None,
            }));
            longest = longest.max(received.len() - before);
            if !more {
                break;
            }
        }
        assert_eq!(received, format!("first {long}last"));
        assert!(longest < 300_000, "{longest} bytes at once");
        assert_eq!(raw, sent);
    });
}

#[test]
fn a_key_that_comes_back_in_pieces_is_neither_shown_nor_recorded() {
    let key = "sk-wire-in-pieces-0123456789abcdef";
    ibid::secrets::note_key(&key.into(), "WIRE_KEY");
    let pieces = ["Your key is ", &key[..9], &key[9..20], &key[20..], ", i", "s it not? It ends with sk-wire-in-pie"];
    let frames = ResponseBuilder::new("m").text(&pieces).completed();
    // The last event of the text never comes.
    let frames: Vec<String> =
        frames.into_iter().filter(|frame| !frame.contains(".done") && !frame.contains("completed")).collect();
    let server = FakeServer::start();
    server.queue_reply(FakeReply::stream(frames));
    let client = client(&server, ApiDialect::OpenRouter, Some(key));
    block_on(async {
        let mut opened = client.open(&hello_request()).await.expect("the stream opens");
        opened.start_recording();
        let (mut shown, mut recorded) = (String::new(), String::new());
        loop {
            let mut batch = Vec::new();
            let more = opened.next_batch(&mut batch).await;
            shown.extend(batch.iter().filter_map(|event| match event {
                Event::Delta { text, .. } => Some(text.as_str()),
                _ => None,
            }));
            recorded.extend(opened.take_recorded().iter().map(|frame| format!("{frame:?}")));
            if !matches!(more, Ok(true)) {
                break;
            }
        }
        assert_eq!(shown, "Your key is $WIRE_KEY, is it not? It ends with …");
        assert!(!recorded.contains("in-pie") && !recorded.contains(&key[20..]), "{recorded}");
    });
}

#[test]
fn a_gated_reply_sends_one_event_at_a_time() {
    let server = FakeServer::start();
    server.queue_reply(FakeReply::stream(text_frames()).gated());
    let mut socket = std::net::TcpStream::connect(server.address()).expect("the server is listening");
    socket
        .write_all(b"POST /api/v1/responses HTTP/1.1\r\ncontent-length: 13\r\nX-One: two\r\n\r\n{\"model\":\"m\"}")
        .expect("the server reads");
    let request = server.next_request();
    assert_eq!((request.body["model"].as_str(), request.header("x-one")), (Some("m"), Some("two")));
    let mut bytes = [0; 4096];
    let mut text = String::new();
    while !text.ends_with("\r\n\r\n") {
        let count = socket.read(&mut bytes).expect("the head arrives at once");
        text += &String::from_utf8_lossy(&bytes[..count]);
    }
    assert!(text.starts_with("HTTP/1.1 200"), "{text}");
    request.release();
    let count = socket.read(&mut bytes).expect("one piece arrives");
    assert_eq!(&bytes[..count], b"4\r\n: \n\n\r\n");
    request.release_all();
    let mut rest = String::new();
    socket.read_to_string(&mut rest).expect("the rest arrives");
    assert!(rest.contains("\"delta\":\"Hel\"") && rest.ends_with("data: [DONE]\n\n\r\n0\r\n\r\n"), "{rest}");
    assert!(!request.is_closed());
    drop(socket);
    request.wait_closed();
}
