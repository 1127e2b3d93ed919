//! What leaves for a server and how its answers arrive, over real sockets.

mod servers;
#[path = "../support/mod.rs"]
mod support;

use std::{
    io::{Read, Write},
    time::Duration,
};

use ibid::{
    api::{
        Client, Dialect, Endpoint, Error, Event, Fault, Raw, Request, Timeouts,
        request::{Role, message},
    },
    chat::{Answer, End, Timestamp},
};
use serde_json::json;
use support::{
    compose::Response,
    fake_server::{FakeServer, Head, Reply, dead_url},
};

const KEY: &str = "sk-or-v1-0123456789abcdef";

fn endpoint(base_url: &str, dialect: Dialect, key: Option<&str>) -> Endpoint {
    Endpoint { name: "test".into(), base_url: base_url.into(), dialect, key: key.map(Into::into) }
}

/// Quick enough for tests that wait for a limit, slow enough for a busy machine.
fn quick() -> Timeouts {
    let limit = Duration::from_millis(300);
    Timeouts { connect: Duration::from_secs(5), first_byte: limit, silence: limit }
}

fn client(server: &FakeServer, dialect: Dialect, key: Option<&str>) -> Client {
    Client::new(endpoint(&server.base_url(), dialect, key)).expect("a client")
}

fn hello() -> Request {
    Request {
        model: "openai/gpt-4.1-mini".into(),
        input: vec![message(Role::User, "Hi")],
        stream: true,
        ..Request::default()
    }
}

/// On threads of their own, for the tests wait for the server in the midst of their work.
fn run<T>(work: impl Future<Output = T>) -> T {
    let mut threads = tokio::runtime::Builder::new_multi_thread();
    threads.worker_threads(1).enable_all().build().expect("a runtime").block_on(work)
}

/// What came of a request: the events, and how it ended.
fn ask(client: &Client) -> Result<(Vec<Event>, Result<(), Error>), Error> {
    run(async {
        let mut opened = client.open(&hello()).await?;
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

fn answer(client: &Client) -> Answer {
    let now = Timestamp::UNIX_EPOCH;
    let mut answer = Answer::new("test", "m", now);
    let (events, end) = ask(client).expect("it opens");
    for event in &events {
        answer.apply(0, now, event);
    }
    answer.finish(now, end);
    answer
}

fn text() -> Vec<String> {
    Response::by("openai/gpt-4.1-mini").text(&["Hel", "lo."]).completed()
}

/// The failure of a request to a server that answers so, and its words as the reader sees them.
fn failure(reply: Reply) -> Error {
    let server = FakeServer::start();
    server.answer(reply);
    let client =
        Client::with_timeouts(endpoint(&server.base_url(), Dialect::OpenRouter, None), quick()).expect("a client");
    let error = match ask(&client) {
        Err(error) | Ok((_, Err(error))) => error,
        Ok((events, Ok(()))) => panic!("it did not fail: {events:?}"),
    };
    assert!(
        !error.message.contains(['\n', '\x1b']) && !error.message.ends_with('.') && error.message.len() > 5,
        "{error:?}"
    );
    error
}

fn all_headers(head: &Head) -> Vec<String> {
    // The port and the length differ from run to run.
    let known = |name: &str| !["host", "content-length"].contains(&name);
    head.headers.iter().filter(|(name, _)| known(name)).map(|(name, value)| format!("{name}: {value}")).collect()
}

#[test]
fn openrouter_gets_its_key_and_the_name_of_the_program() {
    let server = FakeServer::start();
    server.answer(Reply::stream(text()));
    ask(&client(&server, Dialect::OpenRouter, Some(KEY))).expect("it opens").1.expect("it ends");
    let request = server.next_request();
    assert_eq!((request.head.method.as_str(), request.head.path.as_str()), ("POST", "/api/v1/responses"));
    let mut headers = all_headers(&request.head);
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
fn other_servers_get_neither_a_key_that_is_not_there_nor_the_name_of_the_program() {
    for dialect in [Dialect::Other, Dialect::OpenAi] {
        let server = FakeServer::start();
        server.answer(Reply::stream(text()));
        ask(&client(&server, dialect, None)).expect("it opens").1.expect("it ends");
        let mut headers = all_headers(&server.next_request().head);
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
fn an_answer_without_a_stream_is_asked_for_as_json() {
    let server = FakeServer::start();
    server.answer(Reply::json(200, &json!({ "object": "response", "status": "completed", "output": [] })));
    let client = client(&server, Dialect::OpenRouter, None);
    run(async { client.open(&Request { stream: false, ..hello() }).await.map(drop) }).expect("it opens");
    assert_eq!(server.next_request().header("accept"), Some("application/json"));
}

#[test]
fn the_list_of_models_is_fetched_with_the_same_key() {
    let server = FakeServer::start();
    let client = client(&server, Dialect::OpenRouter, Some(KEY));
    let list = run(client.models()).expect("a list");
    assert_eq!(ibid::api::Catalogue::parse(&list).expect("a list").models.len(), 3);
    let head = &server.heads()[0];
    assert_eq!((head.method.as_str(), head.path.as_str()), ("GET", "/api/v1/models"));
    assert_eq!(head.header("authorization"), Some("Bearer sk-or-v1-0123456789abcdef"));
    assert_eq!((head.header("accept"), head.header("content-type")), (Some("application/json"), None));
}

#[test]
fn the_price_of_an_answer_and_the_quota_of_a_key_are_asked_for_with_the_key() {
    let server = FakeServer::start();
    let client = client(&server, Dialect::OpenRouter, Some(KEY));
    assert_eq!(run(client.price("gen-1")).map_err(|error| error.status), Err(Some(404)), "not yet");
    server.page("/generation", Reply::json(200, &json!({ "data": { "total_cost": 0.0031, "tokens_completion": 9 } })));
    let usage = run(client.price("gen-1 & more")).expect("a price");
    assert_eq!(usage.cost.map(|cost| cost.to_string()).as_deref(), Some("$0.0031"));
    let requests = json!({ "limit": 50, "used": 50, "remaining": 0 });
    server.page("/key", Reply::json(200, &json!({ "data": { "free_model_daily_requests": requests } })));
    assert_eq!(run(client.free_quota()), Ok(ibid::api::FreeQuota { limit: 50, remaining: 0 }));
    let heads = server.heads();
    let paths: Vec<&str> = heads.iter().map(|head| head.path.as_str()).collect();
    assert_eq!(paths, ["/api/v1/generation?id=gen-1", "/api/v1/generation?id=gen-1+%26+more", "/api/v1/key"]);
    assert!(heads.iter().all(|head| head.header("authorization") == Some("Bearer sk-or-v1-0123456789abcdef")));
}

#[test]
fn a_redirect_to_another_host_never_carries_the_key() {
    let (server, stranger) = (FakeServer::start(), FakeServer::start());
    stranger.answer(Reply::stream(text()));
    for status in [301, 302, 303, 307, 308] {
        server.answer(Reply::redirect(status, &format!("{}/responses", stranger.base_url())));
        let error = ask(&client(&server, Dialect::OpenRouter, Some(KEY))).expect_err("it is not followed");
        assert_eq!((error.fault, error.status), (Fault::Request, Some(status)));
        assert!(error.message.contains(&stranger.base_url()), "{error}");
        server.page("/models", Reply::redirect(status, &format!("{}/models", stranger.base_url())));
        let error = run(client(&server, Dialect::OpenRouter, Some(KEY)).models()).expect_err("it is not followed");
        assert_eq!(error.fault, Fault::Request);
    }
    assert!(stranger.heads().is_empty(), "the other host heard nothing at all");
}

#[test]
fn a_redirect_of_a_list_within_its_host_is_followed_but_not_in_circles() {
    let server = FakeServer::start();
    server.page("/models", Reply::redirect(308, "/api/v2/list"));
    server.page("/list", Reply::json(200, &support::compose::catalogue()));
    let client = client(&server, Dialect::OpenRouter, Some(KEY));
    assert!(run(client.models()).is_ok());
    assert_eq!(server.heads()[1].header("authorization"), Some("Bearer sk-or-v1-0123456789abcdef"));
    server.page("/list", Reply::redirect(302, "/api/v1/models"));
    assert_eq!(run(client.models()).map_err(|error| error.fault), Err(Fault::Request));
}

#[test]
fn a_key_that_no_header_can_hold_is_refused_before_anything_leaves() {
    let server = FakeServer::start();
    let error = ask(&client(&server, Dialect::OpenRouter, Some("sk\nx"))).expect_err("no such key");
    assert_eq!((error.fault, server.heads().len()), (Fault::Key, 0));
    assert!(!format!("{error:?} {:?}", client(&server, Dialect::OpenRouter, Some(KEY))).contains(KEY), "never printed");
}

#[test]
fn the_generation_is_known_before_the_first_event() {
    let server = FakeServer::start();
    server.answer(Reply::stream(text()).gated());
    let client = client(&server, Dialect::OpenRouter, None);
    let opened = run(async { client.open(&hello()).await }).expect("it opens");
    assert_eq!(opened.generation.as_deref(), Some("gen-1790000001-FakeServerFakeServer"));
}

#[test]
fn events_arrive_one_by_one_and_dropping_the_stream_closes_the_connection() {
    let server = FakeServer::start();
    server.answer(Reply::stream(text()).gated());
    let client = client(&server, Dialect::OpenRouter, None);
    run(async {
        let mut opened = client.open(&hello()).await.expect("it opens");
        let request = server.next_request();
        let mut kinds = Vec::new();
        for _ in 0..6 {
            request.release();
            kinds.push(match opened.next().await.expect("an event").expect("no failure") {
                Event::KeepAlive => "alive",
                Event::Begun(_) => "begun",
                Event::Opened { .. } => "opened",
                Event::Part { .. } => "part",
                other => panic!("{other:?}"),
            });
        }
        assert_eq!(kinds, ["alive", "alive", "begun", "begun", "opened", "part"]);
        assert!(!request.is_closed());
        drop(opened);
        request.wait_closed();
    });
}

#[test]
fn what_has_come_by_then_comes_in_one_batch() {
    let server = FakeServer::start();
    server.answer(Reply::stream([text().concat()]));
    let client = client(&server, Dialect::OpenRouter, None);
    run(async {
        let mut opened = client.open(&hello()).await.expect("it opens");
        let mut batch = Vec::new();
        while batch.len() < 8 {
            assert!(opened.next_batch(&mut batch).await.expect("no failure"));
        }
        assert!(matches!(batch.last(), Some(Event::Ended(_))), "{batch:?}");
        assert!(!opened.next_batch(&mut batch).await.expect("no failure"), "[DONE] is the end");
    });
}

#[test]
fn the_end_is_done_even_when_the_server_holds_the_connection() {
    let server = FakeServer::start();
    server.answer(Reply::stream(text()).then_hold());
    assert_eq!(answer(&client(&server, Dialect::OpenRouter, None)).end, End::Complete);
    server.next_request().wait_closed();
}

#[test]
fn a_body_that_is_no_stream_gives_the_same_answer() {
    let body = json!({
        "id": "gen-1", "object": "response", "status": "completed", "model": "m",
        "output": [{ "type": "message", "id": "msg_1", "role": "assistant", "status": "completed",
                     "content": [{ "type": "output_text", "text": "Hello.", "annotations": [] }] }],
    });
    for reply in [
        Reply::json(200, &body),
        Reply::body(200, "application/json", format!("\n\n   \n{body}\n")),
        Reply::stream(["\n ".to_owned(), "\n".into(), body.to_string()]),
        Reply::body(200, "text/plain", format!("\u{feff}{body:#}")),
    ] {
        let server = FakeServer::start();
        server.answer(reply);
        let answer = answer(&client(&server, Dialect::Other, None));
        assert_eq!((answer.text().as_str(), &answer.end), ("Hello.", &End::Complete));
    }
    let server = FakeServer::start();
    server.answer(Reply::json(200, &json!({ "error": { "code": 402, "message": "Insufficient credits" } })));
    let answer = answer(&client(&server, Dialect::OpenRouter, None));
    assert!(matches!(&answer.end, End::Failed(error) if error.fault == Fault::Credit), "{:?}", answer.end);
}

#[test]
fn streams_of_other_servers_are_read_whatever_their_framing() {
    let lines =
        text().concat().replace("data: {", "event: x\ndata: {").replace('\n', "\r\n").replace("data: [DONE]\r\n", "");
    for reply in [
        Reply::stream([lines.clone()]),
        Reply::stream([lines.clone()]).until_closed(),
        Reply::stream([lines.clone()]).header("content-type", ""),
        Reply::stream(lines.into_bytes().chunks(3).map(<[u8]>::to_vec)),
    ] {
        let server = FakeServer::start();
        server.answer(reply);
        let answer = answer(&client(&server, Dialect::Other, None));
        assert_eq!((answer.text().as_str(), &answer.end), ("Hello.", &End::Complete));
    }
}

#[test]
fn a_cut_keeps_what_came_and_says_so() {
    let frames = Response::by("m").half_text(&["It was a dark ", "and stormy"]).unfinished();
    let server = FakeServer::start();
    server.answer(Reply::stream(frames.clone()).then_cut());
    let cut = answer(&client(&server, Dialect::OpenRouter, None));
    assert_eq!(cut.text(), "It was a dark and stormy");
    assert!(matches!(&cut.end, End::Failed(error) if error.fault == Fault::Cut), "{:?}", cut.end);
    // A body without a length ends cleanly wherever it is cut: that is a cut all the same.
    server.answer(Reply::stream(frames).until_closed());
    let ended = answer(&client(&server, Dialect::OpenRouter, None));
    assert!(matches!(&ended.end, End::Failed(error) if error.fault == Fault::Cut), "{:?}", ended.end);
    // All that was begun is there: the lost end does not matter.
    let mut whole = text();
    whole.truncate(whole.len() - 2);
    server.answer(Reply::stream(whole).then_cut());
    assert_eq!(answer(&client(&server, Dialect::OpenRouter, None)).end, End::Complete);
}

#[test]
fn a_very_long_event_keeps_its_place_and_half_of_one_is_none() {
    let long = "long ".repeat(100_000);
    let frames = Response::by("m").text(&["first ", &long, "last"]).completed();
    let at = frames.iter().position(|frame| frame.len() > long.len()).expect("it is one of them");
    let mut half = frames[..=at].to_vec();
    half[at].truncate(400_000);
    for whole in [true, false] {
        let server = FakeServer::start();
        server.answer(if whole { Reply::stream(frames.clone()) } else { Reply::stream(half.clone()).then_cut() });
        let (events, end) = ask(&client(&server, Dialect::OpenRouter, None)).expect("it opens");
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
fn a_very_long_event_is_taken_in_piece_by_piece_and_kept_as_it_came() {
    let long = "lönger ".repeat(100_000);
    let frames = Response::by("m").text(&["first ", &long, "last"]).completed();
    let payload =
        |frame: &String| frame.trim_end().strip_prefix("data: ").filter(|data| *data != "[DONE]").map(str::to_owned);
    let sent: Vec<String> = frames.iter().filter_map(payload).collect();
    let server = FakeServer::start();
    server.answer(Reply::stream([frames.concat()]));
    let client = client(&server, Dialect::OpenRouter, None);
    run(async {
        let mut opened = client.open(&hello()).await.expect("it opens");
        opened.keep_raw();
        let (mut came, mut longest, mut raw) = (String::new(), 0, Vec::new());
        loop {
            let mut batch = Vec::new();
            let more = opened.next_batch(&mut batch).await.expect("no failure");
            raw.extend(opened.take_raw().into_iter().filter_map(|raw| match raw {
                Raw::Payload(payload) => Some(payload.into_string()),
                Raw::Comment(_) => None,
            }));
            let before = came.len();
            came.extend(batch.iter().filter_map(|event| match event {
                Event::Delta { text, .. } => Some(text.as_str()),
                _ => None,
            }));
            longest = longest.max(came.len() - before);
            if !more {
                break;
            }
        }
        assert_eq!(came, format!("first {long}last"));
        assert!(longest < 300_000, "{longest} bytes at once");
        assert_eq!(raw, sent);
    });
}

#[test]
fn each_way_to_fail_has_its_fault_and_one_sentence() {
    let page = "<html><head><title>Just a moment</title></head><body>Checking your browser</body></html>";
    for (what, error, fault, says) in [
        ("garbage instead of HTTP", failure(Reply::raw("hello\r\n\r\n")), Fault::Garbage, "does not speak HTTP"),
        ("closed at once", failure(Reply::raw("")), Fault::Cut, "broke off the connection"),
        ("a page with 200", failure(Reply::body(200, "text/html", page)), Fault::Garbage, "web page: Just a moment"),
        (
            "a page with 503",
            failure(Reply::body(503, "text/html", page)),
            Fault::Server,
            "503 Service Unavailable with a web page",
        ),
        (
            "another JSON",
            failure(Reply::json(200, &json!({ "hello": 1 }))),
            Fault::Garbage,
            "not an answer of this API",
        ),
        (
            "half a JSON",
            failure(Reply::body(200, "application/json", "{\"object\":")),
            Fault::Garbage,
            "not an answer of this API",
        ),
        (
            "gzip that is none",
            failure(
                Reply::stream(["not compressed at all, but long enough to be read"]).header("content-encoding", "gzip"),
            ),
            Fault::Garbage,
            "does not speak HTTP",
        ),
        (
            "text that is no stream",
            failure(Reply::body(200, "text/plain", "hello there\n")),
            Fault::Garbage,
            "not an answer",
        ),
        ("no content", failure(Reply::body(204, "text/event-stream", "")), Fault::Garbage, "204 No Content"),
        (
            "another compression",
            failure(Reply::stream(["\u{b}nonsense"]).header("content-encoding", "br")),
            Fault::Garbage,
            "compressed as br, which was not asked for",
        ),
        (
            "a head without an end",
            failure(Reply::stream(text()).header("x-long", &"y".repeat(1_000_000))),
            Fault::Garbage,
            "does not speak HTTP",
        ),
        (
            "half an error",
            failure(
                Reply::body(429, "application/json", "{\"error\":{\"mess")
                    .header("retry-after", "99999999999999999999"),
            ),
            Fault::Rate,
            "the server answered 429 Too Many Requests",
        ),
        (
            "mute after the request",
            failure(Reply::stream(text()).gated_head()),
            Fault::Silence,
            "did not answer within 300 ms",
        ),
        (
            "mute in mid-stream",
            failure(Reply::stream(["data: {\"type\":\"x\"}\n\n"]).then_hold()),
            Fault::Silence,
            "nothing came for 300 ms",
        ),
        (
            "a chat-only server",
            failure(Reply::body(404, "text/plain", "404 page not found")),
            Fault::Garbage,
            "no Responses API at this address",
        ),
        (
            "a wrong key",
            failure(Reply::json(401, &json!({ "error": { "code": 401, "message": "User not found." } }))),
            Fault::Key,
            "User not found",
        ),
        (
            "no credits",
            failure(Reply::json(402, &json!({ "error": { "code": 402, "message": "Insufficient credits" } }))),
            Fault::Credit,
            "Insufficient credits",
        ),
        (
            "too many",
            failure(Reply::json(429, &json!({ "error": { "message": "Slow down" } })).header("retry-after", "7")),
            Fault::Rate,
            "Slow down",
        ),
    ] {
        assert_eq!(error.fault, fault, "{what}: {error:?}");
        assert!(error.message.contains(says), "{what}: {}", error.message);
    }
}

#[test]
fn refused_unknown_and_insecure_hosts_are_told_apart() {
    let fails = |base_url: &str| {
        let client = Client::with_timeouts(endpoint(base_url, Dialect::Other, None), quick()).expect("a client");
        ask(&client).map(drop).expect_err("there is nobody")
    };
    let refused = fails(&dead_url());
    assert_eq!(refused.fault, Fault::Connect);
    assert!(refused.message.starts_with("nothing listens at 127.0.0.1:"), "{refused}");
    let unknown = fails("http://no-such-host.invalid/v1");
    assert!(unknown.message.contains("the name no-such-host.invalid could not be found"), "{unknown}");
    let server = FakeServer::start();
    let insecure = fails(&server.base_url().replace("http://", "https://"));
    assert_eq!(insecure.fault, Fault::Connect);
    assert!(insecure.message.starts_with("no secure connection to 127.0.0.1:"), "{insecure}");
    assert_eq!(fails("ftp://host/v1").fault, Fault::Request);
    assert_eq!(fails("nonsense").fault, Fault::Request);
}

#[test]
fn a_gated_answer_leaves_one_event_at_a_time() {
    let server = FakeServer::start();
    server.answer(Reply::stream(text()).gated());
    let mut socket = std::net::TcpStream::connect(server.address()).expect("the server listens");
    socket
        .write_all(b"POST /api/v1/responses HTTP/1.1\r\ncontent-length: 13\r\nX-One: two\r\n\r\n{\"model\":\"m\"}")
        .expect("it reads");
    let request = server.next_request();
    assert_eq!((request.body["model"].as_str(), request.header("x-one")), (Some("m"), Some("two")));
    let mut bytes = [0; 4096];
    let mut text = String::new();
    while !text.ends_with("\r\n\r\n") {
        let count = socket.read(&mut bytes).expect("the head comes at once");
        text += &String::from_utf8_lossy(&bytes[..count]);
    }
    assert!(text.starts_with("HTTP/1.1 200"), "{text}");
    request.release();
    let count = socket.read(&mut bytes).expect("one piece comes");
    assert_eq!(&bytes[..count], b"4\r\n: \n\n\r\n");
    request.release_all();
    let mut rest = String::new();
    socket.read_to_string(&mut rest).expect("the rest comes");
    assert!(rest.contains("\"delta\":\"Hel\"") && rest.ends_with("data: [DONE]\n\n\r\n0\r\n\r\n"), "{rest}");
    assert!(!request.is_closed());
    drop(socket);
    request.wait_closed();
}

/// A listening socket whose queue is full, as that of a server that hangs: it answers no further connection.
#[cfg(target_os = "linux")]
#[test]
fn a_server_that_takes_no_connection_is_given_up_after_the_limit_for_that() {
    run(async {
        let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
        socket.bind("127.0.0.1:0".parse().expect("an address")).expect("a free port");
        let listener = socket.listen(1).expect("it listens");
        let address = listener.local_addr().expect("it is bound");
        let limits = Timeouts { connect: Duration::from_millis(300), first_byte: Duration::from_secs(1), ..quick() };
        let base_url = format!("http://{address}/v1");
        let mut waiting = Vec::new();
        // Until the queue is full a connection is taken, and then nobody answers: that is another failure.
        for _ in 0..20 {
            let client = Client::with_timeouts(endpoint(&base_url, Dialect::Other, None), limits).expect("a client");
            let begun = std::time::Instant::now();
            let error = Error::from(client.open(&hello()).await.expect_err("nobody answers"));
            if error.fault == Fault::Connect {
                assert_eq!(error.message, format!("{address} could not be reached in time"));
                assert!(begun.elapsed() >= limits.connect, "{:?}", begun.elapsed());
                return;
            }
            assert_eq!(error.fault, Fault::Silence, "{error}");
            waiting.push(tokio::spawn(tokio::net::TcpStream::connect(address)));
        }
        panic!("the queue of the socket did not become full");
    });
}
