//! The built-in server: the real protocol on a loopback port, with scripted models.

mod demo_response;
mod player;
mod script;

use std::{
    convert::Infallible,
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
};

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited, StreamBody, combinators::UnsyncBoxBody};
use hyper::{
    Method, Request, Response, StatusCode,
    body::{Frame, Incoming},
    header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER},
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::mpsc, task::JoinSet};

use demo_response::DemoResponse;
use script::{DemoScripts, ScriptedReply, TokenPrice};

use crate::ui::start::OpeningExchange;

/// The catalogue of the demo, as served by `GET /models`.
pub const MODELS: &str = include_str!("../assets/demo/models.json");

/// The model that gives the tour.
pub const FIRST_MODEL: &str = "demo/tour";

/// The prompt that starts it.
pub const TOUR_PROMPT: &str = "/tour";

/// The demo's models, in the order of their slots.
pub const SLOTS: [&str; 6] =
    [FIRST_MODEL, "demo/thinker", "demo/scholar", "demo/broken", "demo/endless", "demo/worker"];

/// The tools that `demo/worker` uses, in the format of the config.
pub const TOOLS: &str = include_str!("../assets/demo/tools.toml");

/// The prompt of the exchange that the demo opens on.
const OPENING_PROMPT: &str = "What is a footnote for?";

const MAX_BODY_BYTES: usize = 64 << 20;

/// How fast the scripted models speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DemoPace {
    /// As fast as real models.
    Lifelike,
    /// Without pauses, for tests.
    Immediate,
}

/// A running server, which stops when this is dropped.
#[derive(Debug)]
pub struct DemoServer {
    address: SocketAddr,
    _tasks: JoinSet<()>,
}

/// Returns the exchange that the demo opens on.
pub fn opening_exchange() -> OpeningExchange {
    let reply = script::opening_reply();
    let model = "demo/scholar";
    let request = json!({"model": model, "input": OPENING_PROMPT, "reasoning": {"effort": "none"}});
    let response = DemoResponse::new(model, 0, request, TokenPrice::default());
    let body = player::whole_body(response, &reply);
    let completed = format!(r#"{{"type":"response.completed","response":{body}}}"#);
    OpeningExchange { prompt: OPENING_PROMPT.to_owned(), model: model.to_owned(), completed }
}

/// The state shared by all requests.
struct DemoState {
    scripts: DemoScripts,
    pace: DemoPace,
    /// The number of answers so far, which is part of their ids.
    answer_count: AtomicU64,
    /// The number of requests to replies that are refused at first.
    refusal_count: AtomicU32,
}

type DemoBody = UnsyncBoxBody<Bytes, io::Error>;

impl DemoServer {
    /// Starts the server on a free loopback port. Needs a tokio runtime.
    ///
    /// # Errors
    /// Fails if no port is available.
    pub fn start(pace: DemoPace) -> io::Result<Self> {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let listener = TcpListener::from_std(listener)?;
        let shared = DemoState {
            scripts: DemoScripts::load(),
            pace,
            answer_count: AtomicU64::new(0),
            refusal_count: AtomicU32::new(0),
        };
        let mut tasks = JoinSet::new();
        tasks.spawn(serve(listener, Arc::new(shared)));
        Ok(Self { address, _tasks: tasks })
    }

    /// Returns the address to which `/responses` and `/models` are appended.
    pub fn base_url(&self) -> String {
        format!("http://{}/api/v1", self.address)
    }
}

async fn serve(listener: TcpListener, shared: Arc<DemoState>) {
    let mut connections = JoinSet::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let shared = shared.clone();
        connections.spawn(async move {
            let service = service_fn(move |request| {
                let shared = shared.clone();
                async move { Ok::<_, Infallible>(handle_request(&shared, request).await) }
            });
            // A client that hangs up is not an error of the server.
            let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
        while connections.try_join_next().is_some() {}
    }
}

async fn handle_request(shared: &Arc<DemoState>, request: Request<Incoming>) -> Response<DemoBody> {
    match (request.method(), request.uri().path()) {
        (&Method::GET, "/api/v1/models") => {
            let mut response = full_response(StatusCode::OK, "application/json", MODELS);
            response.headers_mut().insert(CACHE_CONTROL, "public, max-age=300".parse().expect("a valid header value"));
            response
        }
        (&Method::POST, "/api/v1/responses") => match Limited::new(request.into_body(), MAX_BODY_BYTES).collect().await
        {
            Ok(body) => handle_responses(shared, &body.to_bytes()),
            Err(_) => error_response(StatusCode::PAYLOAD_TOO_LARGE, "The request is too large"),
        },
        _ => error_response(StatusCode::NOT_FOUND, "Not found"),
    }
}

fn handle_responses(shared: &Arc<DemoState>, body: &[u8]) -> Response<DemoBody> {
    let Ok(request) = serde_json::from_slice::<Value>(body) else {
        return error_response(StatusCode::BAD_REQUEST, "The body is not JSON");
    };
    let model = request["model"].as_str().unwrap_or(FIRST_MODEL).to_owned();
    let Some(reply) = shared.scripts.reply(&request) else {
        return error_response(StatusCode::BAD_REQUEST, &format!("{model} is not a valid model ID"));
    };
    if let Some(refusal) = scripted_refusal(shared, reply) {
        return refusal;
    }
    let answer_number = shared.answer_count.fetch_add(1, Ordering::Relaxed);
    let answer = DemoResponse::new(&model, answer_number, request, shared.scripts.price(&model));
    let id = answer.id.clone();
    let mut response = if answer.is_streaming() {
        stream_response(player::stream_reply(answer, reply.clone(), shared.pace))
    } else {
        full_response(StatusCode::OK, "application/json", player::whole_body(answer, reply))
    };
    response.headers_mut().insert("x-generation-id", id.parse().expect("the id has only ASCII characters"));
    response
}

/// Returns an error instead of the reply, if the reply's script refuses it a few times first.
fn scripted_refusal(shared: &DemoState, reply: &ScriptedReply) -> Option<Response<DemoBody>> {
    let refuse = reply.refuse.as_ref()?;
    if shared.refusal_count.fetch_add(1, Ordering::Relaxed) % (refuse.times + 1) == refuse.times {
        return None;
    }
    let status = StatusCode::from_u16(refuse.status).expect("the script has a valid status");
    let kind = refuse.content_type.as_deref().unwrap_or("application/json");
    let mut response = full_response(status, kind, refuse.body.clone());
    if let Some(seconds) = refuse.retry_after {
        response.headers_mut().insert(RETRY_AFTER, seconds.into());
    }
    Some(response)
}

fn error_response(status: StatusCode, message: &str) -> Response<DemoBody> {
    let body = json!({"error": {"message": message, "code": status.as_u16()}});
    full_response(status, "application/json", body.to_string())
}

fn full_response(status: StatusCode, kind: &str, body: impl Into<Bytes>) -> Response<DemoBody> {
    let body = Full::new(body.into()).map_err(|never| match never {}).boxed_unsync();
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, kind.parse().expect("the script has a valid content type"));
    response
}

fn stream_response(pieces: mpsc::Receiver<io::Result<Bytes>>) -> Response<DemoBody> {
    let frames = futures_util::stream::unfold(pieces, |mut pieces| async {
        pieces.recv().await.map(|piece| (piece.map(Frame::data), pieces))
    });
    let mut response = Response::new(BodyExt::boxed_unsync(StreamBody::new(frames)));
    response.headers_mut().insert(CONTENT_TYPE, "text/event-stream".parse().expect("a valid header value"));
    response
}
