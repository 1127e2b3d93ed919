//! One request to one server, and the stream that answers it.

use std::{collections::VecDeque, fmt, future::Future, time::Duration};

use jiff::Timestamp;
use reqwest::{
    Response, Url,
    header::{ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue},
};
use secrecy::ExposeSecret;

use super::{
    Endpoint, Error, Event, Fault, FreeQuota, Request, Sent, Usage, Veil, account,
    sse::{Decoder, Frame},
};

/// The name under which OpenRouter lists the program, and its page.
const TITLE: &str = "ibid";
const PAGE: &str = "https://crates.io/crates/ibid";
const AGENT: &str = concat!("ibid/", env!("CARGO_PKG_VERSION"));

/// An error or a list of models is never longer than this.
const LONGEST_BODY: usize = 64 * 1024 * 1024;

const PATIENCE_FOR_THE_END: Duration = Duration::from_millis(50);

/// Opens streams at one endpoint. Making one reads the system's certificates, so it is made off the loop, and once.
#[derive(Debug, Clone)]
pub struct Client {
    pub endpoint: Endpoint,
    http: reqwest::Client,
    timeouts: Timeouts,
}

/// How long to wait for a server. There is no limit for a whole answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    pub connect: Duration,
    /// From the request to the headers of its answer.
    pub first_byte: Duration,
    /// Between two pieces of a body; a comment is a piece.
    pub silence: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { connect: Duration::from_secs(10), first_byte: Duration::from_mins(2), silence: Duration::from_mins(3) }
    }
}

/// A response whose headers have come.
pub struct Opened {
    /// From the response header, before the first event.
    pub generation: Option<String>,
    response: Response,
    body: Body,
    ready: VecDeque<Event>,
    /// Told behind what is ready.
    failed: Option<Error>,
    silence: Duration,
    /// The payloads as they came, where somebody wants them.
    raw: Option<Vec<Box<str>>>,
}

/// What a body turned out to be.
enum Body {
    /// Nothing but white space has come.
    Unknown(Vec<u8>),
    Stream(Box<Decoder>),
    /// One JSON object instead of a stream.
    Whole(Vec<u8>),
    /// `[DONE]` has come, the end of the body has not.
    Done,
    Over,
}

impl Client {
    /// # Errors
    /// When the system's TLS roots cannot be set up.
    pub fn new(endpoint: Endpoint) -> Result<Self, Error> {
        Self::with_timeouts(endpoint, Timeouts::default())
    }

    /// # Errors
    /// When the system's TLS roots cannot be set up.
    pub fn with_timeouts(endpoint: Endpoint, timeouts: Timeouts) -> Result<Self, Error> {
        // Fails when it was done before, and then all is well.
        let _done_before = rustls::crypto::ring::default_provider().install_default();
        let builder = reqwest::Client::builder()
            .user_agent(AGENT)
            .connect_timeout(timeouts.connect)
            // A redirect is followed by us or not at all: no key goes to another host.
            .redirect(reqwest::redirect::Policy::none())
            .referer(false);
        let builder = if endpoint.base_url.starts_with("http://") {
            // No certificate will be checked, so none is read.
            builder.tls_certs_only([])
        } else {
            // The system's roots are there too: companies put their own among them.
            let roots = webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter();
            builder.tls_certs_merge(roots.filter_map(|root| reqwest::Certificate::from_der(root).ok()))
        };
        // A server on this machine is never behind a proxy.
        let builder = if is_loopback(&endpoint.base_url) { builder.no_proxy() } else { builder };
        let http = builder
            .build()
            .map_err(|error| Error::new(Fault::Connect, format!("no secure connections can be made: {error}")))?;
        Ok(Self { endpoint, http, timeouts })
    }

    /// Sends the request and waits for the headers of its answer.
    ///
    /// # Errors
    /// Everything before the first event, classified.
    pub async fn open(&self, request: &Request) -> Result<Opened, Error> {
        let post = self.http.post(self.endpoint.url("/responses")).headers(self.asking(request)?).body(body(request)?);
        let response = self.head(post).await?;
        if !response.status().is_success() {
            return Err(self.failure(response).await);
        }
        let generation = response.headers().get("x-generation-id").and_then(|id| id.to_str().ok()).map(str::to_owned);
        Ok(Opened {
            generation,
            response,
            body: Body::Unknown(Vec::new()),
            ready: VecDeque::new(),
            failed: None,
            silence: self.timeouts.silence,
            raw: None,
        })
    }

    /// What `open` sends for that request, without the key.
    ///
    /// # Errors
    /// Those of `open` before anything is sent.
    pub fn sent(&self, request: &Request, variable: &str) -> Result<Sent, Error> {
        let veil = Veil::new(&self.endpoint, variable);
        let header = |(name, value): (&HeaderName, &HeaderValue)| {
            let shown = String::from_utf8_lossy(value.as_bytes());
            (name.to_string(), if value.is_sensitive() { veil.header(&shown) } else { veil.hide(&shown).into_owned() })
        };
        let mut headers = vec![("user-agent".to_owned(), AGENT.to_owned())];
        headers.extend(self.asking(request)?.iter().map(header));
        Ok(Sent {
            url: veil.hide(&self.endpoint.url("/responses")).into_owned(),
            headers,
            body: veil.hide(&String::from_utf8_lossy(&body(request)?)).into_owned(),
            variable: variable.to_owned(),
        })
    }

    /// The headers of a question.
    fn asking(&self, request: &Request) -> Result<HeaderMap, Error> {
        let mut headers = self.headers()?;
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let accept = if request.stream { "text/event-stream" } else { "application/json" };
        headers.insert(ACCEPT, HeaderValue::from_static(accept));
        // A compressed stream could hold events back.
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        Ok(headers)
    }

    /// The body of `GET /models`.
    ///
    /// # Errors
    /// The server could not be reached or did not answer with a list.
    pub async fn models(&self) -> Result<String, Error> {
        self.get("/models", &[]).await
    }

    /// What the request cost that the server knows under this id.
    ///
    /// # Errors
    /// The server could not be reached, or does not know it yet.
    pub async fn price(&self, generation: &str) -> Result<Usage, Error> {
        let body = self.get("/generation", &[("id", generation)]).await?;
        account::generation(&body).ok_or_else(|| Error::new(Fault::Garbage, "the server tells no price"))
    }

    /// What the key has left of the day's requests for free models.
    ///
    /// # Errors
    /// The server could not be reached, or does not tell.
    pub async fn free_quota(&self) -> Result<FreeQuota, Error> {
        let body = self.get("/key", &[]).await?;
        FreeQuota::parse(&body).ok_or_else(|| Error::new(Fault::Garbage, "the server tells no quota"))
    }

    /// The body of a page; a redirect within its host is followed.
    async fn get(&self, path: &str, query: &[(&str, &str)]) -> Result<String, Error> {
        let mut url = Url::parse(&self.endpoint.url(path))
            .map_err(|_| Error::new(Fault::Request, format!("{} is not an address", self.endpoint.base_url)))?;
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        for _ in 0..4 {
            let mut headers = self.headers()?;
            headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
            let mut response = self.head(self.http.get(url.clone()).headers(headers)).await?;
            if let Some(next) = same_host(&url, &response) {
                url = next;
                continue;
            }
            if !response.status().is_success() {
                return Err(self.failure(response).await);
            }
            let body = read(&mut response, self.timeouts.silence).await?;
            return Ok(String::from_utf8_lossy(&body).into_owned());
        }
        Err(Error::new(Fault::Request, "the server sends us on in a circle"))
    }

    async fn head(&self, request: reqwest::RequestBuilder) -> Result<Response, Error> {
        let sent = within(self.timeouts.first_byte, request.send()).await;
        sent.ok_or_else(|| self.silent(self.timeouts.first_byte))?.map_err(|error| Error::of_transport(&error))
    }

    async fn failure(&self, mut response: Response) -> Error {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        // What came before a cut says more than the cut.
        let body = read(&mut response, self.timeouts.silence).await.unwrap_or_default();
        Error::of_response(status, &headers, &body, Timestamp::now())
    }

    fn silent(&self, waited: Duration) -> Error {
        let host = Url::parse(&self.endpoint.base_url).ok();
        let host = host.as_ref().and_then(Url::host_str).unwrap_or("the server");
        Error::new(Fault::Silence, format!("{host} did not answer within {}", spell(waited)))
    }

    fn headers(&self) -> Result<HeaderMap, Error> {
        let mut headers = HeaderMap::new();
        if let Some(key) = &self.endpoint.key {
            let (name, value) = if self.endpoint.wants_api_key_header() {
                (HeaderName::from_static("api-key"), key.expose_secret().to_owned())
            } else {
                (AUTHORIZATION, format!("Bearer {}", key.expose_secret()))
            };
            let mut value = HeaderValue::from_str(&value)
                .map_err(|_| Error::new(Fault::Key, "the key has characters that no key has"))?;
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        if self.endpoint.dialect.has_own_fields() {
            headers.insert("http-referer", HeaderValue::from_static(PAGE));
            headers.insert("x-openrouter-title", HeaderValue::from_static(TITLE));
            // The older spelling, for gateways that know only that.
            headers.insert("x-title", HeaderValue::from_static(TITLE));
            headers.insert("x-openrouter-categories", HeaderValue::from_static("cli-agent"));
        }
        Ok(headers)
    }
}

impl Opened {
    /// Keeps what comes as text too, for `take_raw`.
    pub fn keep_raw(&mut self) {
        self.raw.get_or_insert_default();
    }

    /// The payloads that came since the last call.
    pub fn take_raw(&mut self) -> Vec<Box<str>> {
        self.raw.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// The next event; `None` at the end of the body. Comments come as `Event::KeepAlive`.
    ///
    /// # Errors
    /// The connection broke, or was silent for too long.
    pub async fn next(&mut self) -> Option<Result<Event, Error>> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(Ok(event));
            }
            if let Some(error) = self.failed.take() {
                return Some(Err(error));
            }
            match self.body {
                Body::Over => return None,
                Body::Done => {
                    // Read to its very end a connection can be used again; it is not worth waiting for.
                    let _rest = within(PATIENCE_FOR_THE_END, self.response.chunk()).await;
                    self.body = Body::Over;
                }
                Body::Unknown(_) | Body::Stream(_) | Body::Whole(_) => self.read().await,
            }
        }
    }

    /// Waits for at least one event and adds all that have come by then; `false` at the end of the body.
    ///
    /// # Errors
    /// The connection broke, or was silent for too long. The events before that were handed out before.
    pub async fn next_batch(&mut self, events: &mut Vec<Event>) -> Result<bool, Error> {
        match self.next().await {
            None => Ok(false),
            Some(event) => {
                events.push(event?);
                events.extend(self.ready.drain(..));
                Ok(true)
            }
        }
    }

    /// Reads one piece of the body.
    async fn read(&mut self) {
        match within(self.silence, self.response.chunk()).await {
            Some(Ok(Some(bytes))) => {
                self.take(&bytes);
                if self.ready.is_empty() && self.failed.is_none() {
                    self.ready.push_back(Event::KeepAlive); // A sign of life: a comment, or half an event.
                }
            }
            Some(Ok(None)) => self.finish(),
            Some(Err(error)) => {
                self.finish();
                // The piece of an event that a cut left behind is none.
                self.ready.retain(|event| !matches!(event, Event::Unreadable { .. }));
                self.failed = Some(Error::of_transport(&error));
            }
            None => self.fail(Fault::Silence, format!("nothing came for {}", spell(self.silence))),
        }
    }

    fn take(&mut self, bytes: &[u8]) {
        match &mut self.body {
            Body::Unknown(begun) => {
                begun.extend_from_slice(bytes);
                let text = begun.strip_prefix(b"\xef\xbb\xbf").unwrap_or(begun).trim_ascii_start();
                match text.first() {
                    None => (),
                    Some(b'{' | b'[') => self.body = Body::Whole(text.to_vec()),
                    Some(b'<') => {
                        let error = Error::of_response(200, &HeaderMap::new(), text, Timestamp::now());
                        self.body = Body::Over;
                        self.failed = Some(error);
                    }
                    Some(_) => {
                        let begun = std::mem::take(begun);
                        self.body = Body::Stream(Box::default());
                        self.take(&begun);
                    }
                }
            }
            Body::Whole(whole) => {
                whole.extend_from_slice(bytes);
                if whole.len() > LONGEST_BODY {
                    self.fail(Fault::Garbage, "the answer is too long to be one");
                }
            }
            Body::Stream(decoder) => {
                let (ready, raw) = (&mut self.ready, &mut self.raw);
                let (mut over, mut too_long) = (false, false);
                decoder.push(bytes, |frame| match frame {
                    Frame::Data(_) if over => (),
                    Frame::Data(json) => {
                        keep(raw, json);
                        ready.push_back(Event::parse(json));
                    }
                    Frame::Comment => (),
                    Frame::Done => over = true,
                    Frame::TooLong => too_long = true,
                });
                if too_long {
                    self.fail(Fault::Garbage, "an event is too long to be one");
                } else if over {
                    self.body = Body::Done;
                }
            }
            Body::Done | Body::Over => (),
        }
    }

    /// The body has ended.
    fn finish(&mut self) {
        match std::mem::replace(&mut self.body, Body::Over) {
            Body::Unknown(_) | Body::Done | Body::Over => (),
            Body::Stream(mut decoder) => decoder.finish(|frame| {
                if let Frame::Data(json) = frame {
                    keep(&mut self.raw, json);
                    self.ready.push_back(Event::parse(json));
                }
            }),
            Body::Whole(whole) => {
                let whole = String::from_utf8_lossy(&whole);
                keep(&mut self.raw, &whole);
                match Event::parse(&whole) {
                    Event::Unreadable { .. } | Event::Other { .. } => {
                        self.fail(Fault::Garbage, "what the server sent is not an answer of this API");
                    }
                    event => self.ready.push_back(event),
                }
            }
        }
    }

    fn fail(&mut self, fault: Fault, message: impl Into<String>) {
        self.body = Body::Over;
        self.failed = Some(Error::new(fault, message));
    }
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opened").field("generation", &self.generation).finish_non_exhaustive()
    }
}

fn body(request: &Request) -> Result<Vec<u8>, Error> {
    serde_json::to_vec(request)
        .map_err(|error| Error::new(Fault::Request, format!("the request has no JSON form: {error}")))
}

fn keep(raw: &mut Option<Vec<Box<str>>>, payload: &str) {
    if let Some(raw) = raw {
        raw.push(payload.into());
    }
}

/// A whole body, however it was compressed.
async fn read(response: &mut Response, silence: Duration) -> Result<Vec<u8>, Error> {
    let mut body = Vec::new();
    loop {
        let Some(piece) = within(silence, response.chunk()).await else {
            return Err(Error::new(Fault::Silence, format!("nothing came for {}", spell(silence))));
        };
        match piece.map_err(|error| Error::of_transport(&error))? {
            None => return Ok(body),
            Some(bytes) if body.len() + bytes.len() > LONGEST_BODY => {
                return Err(Error::new(Fault::Garbage, "the answer is too long to be one"));
            }
            Some(bytes) => body.extend_from_slice(&bytes),
        }
    }
}

/// Where a redirect leads, when it stays at the same host and is no less secure.
fn same_host(from: &Url, response: &Response) -> Option<Url> {
    if !response.status().is_redirection() {
        return None;
    }
    let to = from.join(response.headers().get("location")?.to_str().ok()?).ok()?;
    (to.origin() == from.origin()).then_some(to)
}

fn is_loopback(base_url: &str) -> bool {
    let url = Url::parse(base_url).ok();
    let host = url.as_ref().and_then(Url::host_str).unwrap_or_default();
    let address = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

async fn within<T>(limit: Duration, work: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout(limit, work).await.ok()
}

fn spell(duration: Duration) -> String {
    match duration.as_secs() {
        0 => format!("{} ms", duration.as_millis()),
        seconds => format!("{seconds} s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::Dialect;

    #[test]
    fn azure_gets_its_key_in_the_header_that_it_reads() {
        let client = |base_url: &str| {
            let base_url = base_url.to_owned();
            let dialect = Dialect::of(&base_url);
            Client::new(Endpoint { name: "x".into(), base_url, dialect, key: Some("secret".into()) }).expect("a client")
        };
        let header = |base_url: &str, name: &str| {
            let headers = client(base_url).headers().expect("a good key");
            headers.get(name).map(|value| (value.to_str().expect("text").to_owned(), value.is_sensitive()))
        };
        let azure = "https://mine.openai.azure.com/openai/v1";
        assert_eq!(header(azure, "api-key"), Some(("secret".into(), true)));
        assert_eq!(header(azure, "authorization"), None);
        assert_eq!(header("https://api.openai.com/v1", "authorization"), Some(("Bearer secret".into(), true)));
        assert_eq!(header("https://api.openai.com/v1", "x-title"), None);
        assert_eq!(header("https://openrouter.ai/api/v1", "x-title"), Some(("ibid".into(), false)));
    }

    #[test]
    fn only_this_machine_is_asked_without_a_proxy() {
        for (base_url, is_here) in [
            ("http://localhost:11434/v1", true),
            ("http://127.0.0.1:8080/v1", true),
            ("http://[::1]:8080/v1", true),
            ("http://192.168.1.7/v1", false),
            ("https://localhost.example.org/v1", false),
            ("nonsense", false),
        ] {
            assert_eq!(is_loopback(base_url), is_here, "{base_url}");
        }
    }
}
