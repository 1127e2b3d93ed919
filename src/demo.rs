//! The built-in server: the real wire on a loopback port, with scripted models.

mod play;
mod script;
mod wire;

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

use script::{Reply, Scripts};

/// The catalogue of the demo, as `GET /models` gives it.
pub const MODELS: &str = include_str!("../assets/demo/models.json");

/// The model that shows the reader round.
pub const FIRST_MODEL: &str = "demo/tour";

/// The models in the order of their slots.
pub const SLOTS: [&str; 6] =
    [FIRST_MODEL, "demo/thinker", "demo/scholar", "demo/broken", "demo/endless", "demo/worker"];

/// The tools that the worker uses, as a config has them.
pub const TOOLS: &str = include_str!("../assets/demo/tools.toml");

const LARGEST_BODY: usize = 64 << 20;

/// How fast the scripted models speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// As models do.
    Lifelike,
    /// Without a pause, for tests.
    Immediate,
}

/// A running server; it ends when this is dropped.
#[derive(Debug)]
pub struct Demo {
    address: SocketAddr,
    _tasks: JoinSet<()>,
}

/// What every request may look at.
struct Shared {
    scripts: Scripts,
    pace: Pace,
    /// Answers given so far: part of their ids.
    answers: AtomicU64,
    /// Requests that were refused for a while.
    refused: AtomicU32,
}

type Body = UnsyncBoxBody<Bytes, io::Error>;

impl Demo {
    /// Listens on a free port of this machine; needs a tokio runtime.
    ///
    /// # Errors
    /// When the system has no port.
    pub fn start(pace: Pace) -> io::Result<Self> {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let listener = TcpListener::from_std(listener)?;
        let shared = Shared { scripts: Scripts::load(), pace, answers: AtomicU64::new(0), refused: AtomicU32::new(0) };
        let mut tasks = JoinSet::new();
        tasks.spawn(serve(listener, Arc::new(shared)));
        Ok(Self { address, _tasks: tasks })
    }

    /// What `/responses` and `/models` are joined to.
    pub fn base_url(&self) -> String {
        format!("http://{}/api/v1", self.address)
    }
}

async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let shared = shared.clone();
        connections.spawn(async move {
            let service = service_fn(move |request| {
                let shared = shared.clone();
                async move { Ok::<_, Infallible>(answer(&shared, request).await) }
            });
            // A client that hangs up is no error of ours.
            let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
        while connections.try_join_next().is_some() {}
    }
}

async fn answer(shared: &Arc<Shared>, request: Request<Incoming>) -> Response<Body> {
    match (request.method(), request.uri().path()) {
        (&Method::GET, "/api/v1/models") => {
            let mut response = whole(StatusCode::OK, "application/json", MODELS);
            response.headers_mut().insert(CACHE_CONTROL, "public, max-age=300".parse().expect("a header's value"));
            response
        }
        (&Method::POST, "/api/v1/responses") => match Limited::new(request.into_body(), LARGEST_BODY).collect().await {
            Ok(body) => respond(shared, &body.to_bytes()),
            Err(_) => error(StatusCode::PAYLOAD_TOO_LARGE, "The request is too large"),
        },
        _ => error(StatusCode::NOT_FOUND, "Not found"),
    }
}

fn respond(shared: &Arc<Shared>, body: &[u8]) -> Response<Body> {
    let Ok(request) = serde_json::from_slice::<Value>(body) else {
        return error(StatusCode::BAD_REQUEST, "The body is not JSON");
    };
    let model = request["model"].as_str().unwrap_or(FIRST_MODEL).to_owned();
    let Some(reply) = shared.scripts.reply(&request) else {
        return error(StatusCode::BAD_REQUEST, &format!("{model} is not a valid model ID"));
    };
    if let Some(refusal) = refusal(shared, reply) {
        return refusal;
    }
    let number = shared.answers.fetch_add(1, Ordering::Relaxed);
    let answer = wire::Answer::new(&model, number, request, shared.scripts.price(&model));
    let id = answer.id.clone();
    let mut response = if answer.streams() {
        stream(play::play(answer, reply.clone(), shared.pace))
    } else {
        whole(StatusCode::OK, "application/json", play::body(answer, reply))
    };
    response.headers_mut().insert("x-generation-id", id.parse().expect("letters and digits"));
    response
}

/// Some replies are refused a few times before they are given.
fn refusal(shared: &Shared, reply: &Reply) -> Option<Response<Body>> {
    let refuse = reply.refuse.as_ref()?;
    if shared.refused.fetch_add(1, Ordering::Relaxed) % (refuse.times + 1) == refuse.times {
        return None;
    }
    let status = StatusCode::from_u16(refuse.status).expect("a script names a status");
    let kind = refuse.content_type.as_deref().unwrap_or("application/json");
    let mut response = whole(status, kind, refuse.body.clone());
    if let Some(seconds) = refuse.retry_after {
        response.headers_mut().insert(RETRY_AFTER, seconds.into());
    }
    Some(response)
}

fn error(status: StatusCode, message: &str) -> Response<Body> {
    let body = json!({"error": {"message": message, "code": status.as_u16()}});
    whole(status, "application/json", body.to_string())
}

fn whole(status: StatusCode, kind: &str, body: impl Into<Bytes>) -> Response<Body> {
    let body = Full::new(body.into()).map_err(|never| match never {}).boxed_unsync();
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, kind.parse().expect("a script names a type"));
    response
}

fn stream(pieces: mpsc::Receiver<io::Result<Bytes>>) -> Response<Body> {
    let frames = futures_util::stream::unfold(pieces, |mut pieces| async {
        pieces.recv().await.map(|piece| (piece.map(Frame::data), pieces))
    });
    let mut response = Response::new(BodyExt::boxed_unsync(StreamBody::new(frames)));
    response.headers_mut().insert(CONTENT_TYPE, "text/event-stream".parse().expect("a header's value"));
    response
}
