//! One exchange of messages over HTTP. Every request gets a reply, or at once the words that the server has instead.

use std::{
    borrow::Cow,
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
};

use reqwest::{
    Method, RequestBuilder, Response, StatusCode,
    header::{ACCEPT, CONTENT_TYPE, HeaderName, HeaderValue, WWW_AUTHENTICATE},
};
use rmcp::{
    model::{ClientJsonRpcMessage, ErrorCode, ErrorData, RequestId},
    transport::{
        common::{client_side_sse::BoxedSseResponse, http_header::HEADER_SESSION_ID},
        streamable_http_client::{
            AuthRequiredError, InsufficientScopeError, StreamableHttpClient, StreamableHttpError,
            StreamableHttpPostResponse, StreamableHttpResponseLimits,
        },
    },
};
use serde_json::Value;

use super::{
    client::ServerLog,
    messages::status_message,
    output_lines::MAX_MESSAGE_BYTES,
    replies::{GARBLED_CODE, OpenRequest, RequestKind, TOO_LONG_CODE, WORDS_CODE, is_reply, read_error, words_in},
    reply_stream::ReplyStream,
};

type HttpError = StreamableHttpError<reqwest::Error>;
type PostResult = Result<StreamableHttpPostResponse, HttpError>;

/// Sends messages and reads the answers.
#[derive(Debug, Clone)]
pub(super) struct MessageClient {
    http: reqwest::Client,
    log: ServerLog,
    session: Arc<SessionTrack>,
}

/// What is known of the session.
#[derive(Debug)]
struct SessionTrack {
    /// Whether it began with `initialize`: only then can it be begun again.
    has_handshake: AtomicBool,
    /// The request for which it was begun again last; once is enough for each.
    renewed_for: AtomicI64,
}

/// Where requests go, and what accompanies them.
#[derive(Clone)]
pub(super) struct HttpTarget {
    pub uri: Arc<str>,
    pub session: Option<Arc<str>>,
    pub token: Option<String>,
    pub headers: HashMap<HeaderName, HeaderValue>,
}

/// How much of an error's body is read, in bytes.
const MAX_ERROR_BYTES: usize = 64 << 10;

impl HttpTarget {
    pub(super) fn request(&self, http: &reqwest::Client, method: Method) -> RequestBuilder {
        let mut request = http.request(method, &*self.uri).header(ACCEPT, "text/event-stream, application/json");
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        if let Some(session) = &self.session {
            request = request.header(HEADER_SESSION_ID, &**session);
        }
        request
    }
}

impl MessageClient {
    pub(super) fn new(http: reqwest::Client, log: ServerLog) -> Self {
        let session = SessionTrack { has_handshake: AtomicBool::new(false), renewed_for: AtomicI64::new(-1) };
        Self { http, log, session: Arc::new(session) }
    }

    async fn post(&self, target: HttpTarget, message: ClientJsonRpcMessage) -> PostResult {
        let request = OpenRequest::of(&message);
        if request.as_ref().is_some_and(|request| request.kind == RequestKind::Initialize) {
            self.session.has_handshake.store(true, Ordering::Relaxed);
        }
        let response = target.request(&self.http, Method::POST).json(&message).send().await?;
        let status = response.status();
        check_access(&response)?;
        match request {
            // Servers answer notifications with anything. A session that is lost shows at the next request.
            None if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => Err(status_error(status, "")),
            None => Ok(StreamableHttpPostResponse::Accepted),
            Some(request) if status.is_success() => self.read_success(request, target, response).await,
            Some(request) => self.read_failure(&request, target.session.is_some(), response).await,
        }
    }

    async fn read_success(&self, request: OpenRequest, target: HttpTarget, mut response: Response) -> PostResult {
        let status = response.status();
        let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let (session, content_type) = (header(HEADER_SESSION_ID), header(CONTENT_TYPE.as_str()));
        if content_type.as_deref().is_some_and(|kind| kind.trim().to_ascii_lowercase().starts_with("text/event-stream"))
        {
            let stream = ReplyStream::new(request, self.http.clone(), target, self.log.clone()).reading(response);
            return Ok(StreamableHttpPostResponse::Sse(stream.into_events(), session));
        }
        let json = |message| Ok(StreamableHttpPostResponse::Json(message, session.clone()));
        let Some(body) = read_body(&mut response, MAX_MESSAGE_BYTES).await? else {
            return json(request.fail(TOO_LONG_CODE, "its answer is larger than 16 MB"));
        };
        let text = String::from_utf8_lossy(&body);
        let text = text.trim_start_matches('\u{feff}').trim();
        if text.is_empty() {
            return json(request.fail(WORDS_CODE, format!("it accepted the request ({status}) without an answer")));
        }
        if let Ok(value) = serde_json::from_str::<Value>(text) {
            let replies = match value {
                Value::Array(all) => all,
                one => vec![one],
            };
            let reply = replies.into_iter().find(is_reply);
            return match reply {
                Some(reply) => json(request.read_reply(reply, &self.log)),
                None => json(request.fail(GARBLED_CODE, format!("it is no reply: {text}"))),
            };
        }
        if ["data:", "event:", "id:", "retry:", ":"].iter().any(|field| text.starts_with(field)) {
            let mut stream = ReplyStream::new(request, self.http.clone(), target, self.log.clone());
            stream.take_bytes(text.as_bytes());
            return Ok(StreamableHttpPostResponse::Sse(stream.into_events(), session));
        }
        if matches!(request.kind, RequestKind::Initialize) {
            return Err(StreamableHttpError::UnexpectedContentType(content_type));
        }
        json(request.fail(GARBLED_CODE, format!("it is no message: {}", page_words(text))))
    }

    async fn read_failure(&self, request: &OpenRequest, has_session: bool, mut response: Response) -> PostResult {
        let status = response.status();
        let body = read_body(&mut response, MAX_ERROR_BYTES).await.ok().flatten().unwrap_or_default();
        let text = String::from_utf8_lossy(&body);
        let text = text.trim_start_matches('\u{feff}').trim();
        let json: Option<Value> = serde_json::from_str(text).ok();
        let error = json.as_ref().and_then(|json| json.get("error")).filter(|error| words_in(error).is_some());
        let words = json.as_ref().and_then(words_in).unwrap_or_else(|| page_words(text));
        let is_access = matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN);
        match request.kind {
            // A server that knows only older protocols.
            RequestKind::Discover if status.is_client_error() && !is_access => {
                let own = error.map(read_error);
                let error = own.unwrap_or_else(|| ErrorData::new(ErrorCode::INVALID_REQUEST, words, None));
                return Ok(StreamableHttpPostResponse::Json(request.refuse(error), None));
            }
            RequestKind::Initialize | RequestKind::Discover => return Err(status_error(status, &words)),
            RequestKind::ListTools | RequestKind::CallTool | RequestKind::Other => (),
        }
        if is_access {
            return Err(status_error(status, &words));
        }
        if is_lost_session(status, has_session, &words) && self.can_renew(&request.id) {
            return Err(StreamableHttpError::SessionExpired);
        }
        let error = error.map_or_else(
            || ErrorData::new(ErrorCode(WORDS_CODE), with_words(&status_message(status.as_u16()), &words), None),
            read_error,
        );
        Ok(StreamableHttpPostResponse::Json(request.refuse(error), None))
    }

    /// Whether the session may be begun again for this request.
    fn can_renew(&self, id: &RequestId) -> bool {
        let RequestId::Number(id) = id else { return false };
        self.session.has_handshake.load(Ordering::Relaxed)
            && self.session.renewed_for.swap(*id, Ordering::Relaxed) != *id
    }
}

/// Whether the server no longer knows the session.
fn is_lost_session(status: StatusCode, has_session: bool, words: &str) -> bool {
    let is_named = words.to_ascii_lowercase().contains("session");
    match status {
        StatusCode::NOT_FOUND => has_session || is_named,
        StatusCode::BAD_REQUEST | StatusCode::GONE => is_named,
        _ => false,
    }
}

/// Refusals that name what they want instead.
fn check_access(response: &Response) -> Result<(), HttpError> {
    let Some(challenge) = response.headers().get(WWW_AUTHENTICATE) else { return Ok(()) };
    let challenge = String::from_utf8_lossy(challenge.as_bytes()).into_owned();
    match response.status() {
        StatusCode::UNAUTHORIZED => Err(StreamableHttpError::AuthRequired(AuthRequiredError::new(challenge))),
        StatusCode::FORBIDDEN => {
            Err(StreamableHttpError::InsufficientScope(InsufficientScopeError::new(challenge, None)))
        }
        _ => Ok(()),
    }
}

/// An error that `messages` reads again.
fn status_error(status: StatusCode, words: &str) -> HttpError {
    StreamableHttpError::UnexpectedServerResponse(Cow::Owned(with_words(&format!("HTTP {}", status.as_u16()), words)))
}

fn with_words(what: &str, words: &str) -> String {
    if words.is_empty() { what.to_owned() } else { format!("{what}: {words}") }
}

/// The words of a body that is not JSON: its text, or the title of a page.
fn page_words(text: &str) -> String {
    if !text.starts_with('<') {
        return text.to_owned();
    }
    let lower = text.to_ascii_lowercase();
    let title = lower.find("<title>").and_then(|start| {
        let start = start + "<title>".len();
        Some(text[start..start + lower[start..].find('<')?].trim().to_owned())
    });
    title.unwrap_or_default()
}

/// Reads a body; `None` if it is larger than the limit.
async fn read_body(response: &mut Response, limit: usize) -> Result<Option<Vec<u8>>, HttpError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > limit {
            return Ok(None);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Some(body))
}

impl StreamableHttpClient for MessageClient {
    type Error = reqwest::Error;

    async fn post_message(
        &self,
        uri: Arc<str>,
        message: ClientJsonRpcMessage,
        session: Option<Arc<str>>,
        token: Option<String>,
        headers: HashMap<HeaderName, HeaderValue>,
    ) -> PostResult {
        self.post(HttpTarget { uri, session, token, headers }, message).await
    }

    // It reads all bodies with its own limits.
    async fn post_message_with_response_limits(
        &self,
        uri: Arc<str>,
        message: ClientJsonRpcMessage,
        session: Option<Arc<str>>,
        token: Option<String>,
        headers: HashMap<HeaderName, HeaderValue>,
        _: StreamableHttpResponseLimits,
    ) -> PostResult {
        self.post(HttpTarget { uri, session, token, headers }, message).await
    }

    async fn delete_session(
        &self,
        uri: Arc<str>,
        session: Arc<str>,
        token: Option<String>,
        headers: HashMap<HeaderName, HeaderValue>,
    ) -> Result<(), HttpError> {
        self.http.delete_session(uri, session, token, headers).await
    }

    async fn get_stream(
        &self,
        uri: Arc<str>,
        session: Option<Arc<str>>,
        last_event_id: Option<String>,
        token: Option<String>,
        headers: HashMap<HeaderName, HeaderValue>,
    ) -> Result<BoxedSseResponse, HttpError> {
        self.http
            .get_stream_with_max_sse_event_size(uri, session, last_event_id, token, headers, MAX_MESSAGE_BYTES)
            .await
    }
}
