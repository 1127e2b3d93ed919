//! The HTTP client of one endpoint.

mod certificates;
mod proxy;
mod response_stream;
mod split_keys;

use std::{future::Future, sync::Arc, time::Duration};

use jiff::Timestamp;
use reqwest::{
    Response, Url,
    header::{
        ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue,
    },
};
use secrecy::{ExposeSecret, SecretString};

pub use certificates::CertificateFile;
pub use proxy::ProxySetting;
pub use response_stream::{RawFrame, ResponseStream};

use super::{
    ApiError, Endpoint, FaultKind, FreeQuota, KeyRedactor, NetworkObstacle, Request, ResponseHead, SentRequest, Usage,
    account,
    error::{ErrorFact, NetworkRoute, status_text},
    json::JsonFields,
};
use crate::{secrets, text};

/// The name and web page under which OpenRouter lists this program.
const APP_TITLE: &str = "ibid";
const APP_URL: &str = "https://crates.io/crates/ibid";
const USER_AGENT: &str = concat!("ibid/", env!("CARGO_PKG_VERSION"));

/// The maximum length of a body, in bytes; no error or list of models comes close.
const MAX_BODY_BYTES: usize = 64 * 1024 * 1024;

/// Sends requests to one endpoint.
///
/// Creating one reads the system's certificates, so create it once and not on the loop's thread.
#[derive(Debug, Clone)]
pub struct ApiClient {
    pub endpoint: Endpoint,
    http: reqwest::Client,
    timeouts: HttpTimeouts,
    route: Arc<NetworkRoute>,
}

/// How long to wait for a server. The length of a whole answer is not limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HttpTimeouts {
    pub connect: Duration,
    /// The time from sending the request to receiving the response headers.
    pub first_byte: Duration,
    /// The time between two chunks of a body. A comment counts as a chunk.
    pub idle: Duration,
}

impl Default for HttpTimeouts {
    fn default() -> Self {
        Self { connect: Duration::from_secs(10), first_byte: Duration::from_mins(2), idle: Duration::from_mins(3) }
    }
}

/// Why a stream could not be opened: the error, and the server's response if there was one.
#[derive(Debug)]
pub struct OpenError {
    pub error: ApiError,
    pub head: Option<ResponseHead>,
    pub body: Box<str>,
}

impl From<ApiError> for Box<OpenError> {
    fn from(error: ApiError) -> Self {
        Self::new(OpenError { error, head: None, body: Box::default() })
    }
}

impl From<Box<OpenError>> for ApiError {
    fn from(refused: Box<OpenError>) -> Self {
        refused.error
    }
}

/// Returns the settings common to all connections: our user agent, no redirects and no referrer.
///
/// Without `use_tls`, no certificates are loaded.
pub fn http_builder(use_tls: bool) -> reqwest::ClientBuilder {
    // Errs only if a provider is already installed.
    let _already_installed = rustls::crypto::ring::default_provider().install_default();
    #[expect(clippy::disallowed_methods, reason = "this is `http_builder`")]
    let builder = reqwest::Client::builder()
        .user_agent(USER_AGENT)
        // Only we follow redirects, so that no key is sent to another host.
        .redirect(reqwest::redirect::Policy::none())
        .referer(false);
    let own_certificates = CertificateFile::find(&|name| std::env::var_os(name)).filter(|_| use_tls);
    if let Some(config) = own_certificates.and_then(|file| file.to_tls_config()) {
        builder.tls_backend_preconfigured(config)
    } else if use_tls {
        // The system's roots are added to these, as companies install their own.
        let roots = webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter();
        builder.tls_certs_merge(roots.filter_map(|root| reqwest::Certificate::from_der(root).ok()))
    } else {
        // No certificate will be checked, so none is loaded.
        builder.tls_certs_only([])
    }
}

impl ApiClient {
    /// Creates a client with the default timeouts.
    ///
    /// # Errors
    /// Fails if the system's TLS roots cannot be set up.
    pub fn new(endpoint: Endpoint) -> Result<Self, ApiError> {
        Self::with_timeouts(endpoint, HttpTimeouts::default())
    }

    /// Creates a client with other timeouts.
    ///
    /// # Errors
    /// Fails if the system's TLS roots cannot be set up, or if the proxy of the environment cannot be read.
    pub fn with_timeouts(endpoint: Endpoint, timeouts: HttpTimeouts) -> Result<Self, ApiError> {
        let env = |name: &str| std::env::var_os(name);
        let builder = http_builder(!endpoint.base_url.starts_with("http://")).connect_timeout(timeouts.connect);
        // A server on this machine is never reached through a proxy.
        let is_here = is_loopback(&endpoint.base_url);
        let proxy = if is_here { None } else { ProxySetting::find(&endpoint.base_url, &env)? };
        let builder = match &proxy {
            Some(proxy) => builder.proxy(proxy.to_proxy()?),
            None if is_here => builder.no_proxy(),
            None => builder,
        };
        let http = builder.build().map_err(|error| {
            ApiError::new(
                FaultKind::Connect,
                format!("secure connections are not available: {}", text::error_words(&error)),
            )
        })?;
        let route = Arc::new(NetworkRoute { proxy, certificate_file: CertificateFile::find(&env) });
        Ok(Self { endpoint, http, timeouts, route })
    }

    /// Sends a request and waits for the response headers.
    ///
    /// # Errors
    /// Returns every failure before the first event, classified.
    pub async fn open(&self, request: &Request) -> Result<ResponseStream, Box<OpenError>> {
        let post = self
            .http
            .post(self.endpoint.url("/responses"))
            .headers(self.request_headers(request)?)
            .body(json_body(request)?);
        let HttpTimeouts { first_byte, idle: silence, .. } = self.timeouts;
        // Without streaming, nothing arrives until the whole answer has been generated.
        let response = self.send(post, if request.stream { first_byte } else { first_byte.max(silence) }).await?;
        if !response.status().is_success() {
            return Err(self.read_error(response).await);
        }
        if let Some(error) = body_error(&response) {
            return Err(Box::new(OpenError { error, head: Some(response_head(&response)), body: Box::default() }));
        }
        let generation = response.headers().get("x-generation-id").and_then(|id| id.to_str().ok());
        let generation = generation.map(|id| secrets::redact(id).into_owned());
        Ok(ResponseStream::new(generation, response_head(&response), response, self.timeouts.idle, self.route.clone()))
    }

    /// Returns the request as `open` sends it, with the key redacted.
    ///
    /// # Errors
    /// Fails as `open` does before it sends anything.
    pub fn sent_request(&self, request: &Request, variable: &str) -> Result<SentRequest, ApiError> {
        let redactor = KeyRedactor::new(&self.endpoint, variable);
        let redact_header = |(name, value): (&HeaderName, &HeaderValue)| {
            let shown = String::from_utf8_lossy(value.as_bytes());
            (
                name.to_string(),
                if value.is_sensitive() {
                    redactor.redact_header(&shown)
                } else {
                    redactor.redact(&shown).into_owned()
                },
            )
        };
        let mut headers = vec![("user-agent".to_owned(), USER_AGENT.to_owned())];
        headers.extend(self.request_headers(request)?.iter().map(redact_header));
        Ok(SentRequest {
            url: redactor.redact(&self.endpoint.url("/responses")).into_owned(),
            headers,
            body: redactor.redact(&String::from_utf8_lossy(&json_body(request)?)).into_owned(),
            variable: variable.to_owned(),
        })
    }

    /// Returns the headers of `POST /responses`.
    fn request_headers(&self, request: &Request) -> Result<HeaderMap, ApiError> {
        let mut headers = self.base_headers()?;
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let accept = if request.stream { "text/event-stream" } else { "application/json" };
        headers.insert(ACCEPT, HeaderValue::from_static(accept));
        if self.endpoint.dialect.supports_openrouter_fields() {
            // Makes the last event name the provider that ran the model.
            headers.insert("x-openrouter-metadata", HeaderValue::from_static("enabled"));
        }
        if self.endpoint.wants_session_header()
            && let Some(id) = request.session_header.as_deref().and_then(|id| HeaderValue::from_str(id).ok())
        {
            headers.insert("session-id", id);
        }
        // Compression could delay the events of a stream.
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        Ok(headers)
    }

    /// Fetches the body of `GET /models`.
    ///
    /// # Errors
    /// Fails if the server cannot be reached or answers with an error.
    pub async fn fetch_models(&self) -> Result<String, ApiError> {
        self.get("/models", &[]).await
    }

    /// Fetches what the request with this generation id used and cost.
    ///
    /// # Errors
    /// Fails if the server cannot be reached or does not know the cost yet.
    pub async fn fetch_usage(&self, generation_id: &str) -> Result<Usage, ApiError> {
        let body = self.get("/generation", &[("id", generation_id)]).await?;
        account::parse_generation(&body)
            .ok_or_else(|| ApiError::new(FaultKind::Garbage, "the server did not report a price"))
    }

    /// Fetches how many of today's requests for free models the key has left.
    ///
    /// # Errors
    /// Fails if the server cannot be reached or does not report it.
    pub async fn fetch_free_quota(&self) -> Result<FreeQuota, ApiError> {
        let body = self.get("/key", &[]).await?;
        FreeQuota::parse(&body).ok_or_else(|| ApiError::new(FaultKind::Garbage, "the server did not report a quota"))
    }

    /// Asks OpenRouter about the key, which answers only if the key is valid.
    ///
    /// # Errors
    /// Fails if the key is refused, or the server cannot be reached or does not know this request.
    pub async fn check_key(&self) -> Result<(), ApiError> {
        let body = self.get("/key", &[]).await?;
        let is_about_key = JsonFields::parse(&body).is_some_and(|fields| fields.object("data").is_some());
        is_about_key.then_some(()).ok_or_else(|| ApiError::new(FaultKind::Garbage, "the answer was not about the key"))
    }

    /// Exchanges the code of a sign-in for a key. The key is known to `secrets` before anything else happens with it.
    ///
    /// # Errors
    /// The code is refused or too old, or the server cannot be reached.
    pub async fn exchange_code(&self, body: String) -> Result<SecretString, ApiError> {
        let mut headers = self.base_headers()?;
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let post = self.http.post(self.endpoint.url("/auth/keys")).headers(headers).body(body);
        let mut response = self.send(post, self.timeouts.first_byte).await?;
        if !response.status().is_success() {
            return Err(self.read_error(response).await.into());
        }
        let mut body = Vec::new();
        read_body(&mut response, self.timeouts.idle, &self.route, &mut body).await?;
        let json = String::from_utf8_lossy(&body);
        let key = JsonFields::parse(&json).and_then(|fields| fields.non_blank("key"));
        let key: SecretString = key.ok_or_else(|| ApiError::new(FaultKind::Garbage, "the server sent no key"))?.into();
        secrets::note_key(&key, secrets::USUAL_VARIABLE);
        Ok(key)
    }

    /// Fetches the body of a page, following redirects within its origin.
    async fn get(&self, path: &str, query: &[(&str, &str)]) -> Result<String, ApiError> {
        let mut url = Url::parse(&self.endpoint.url(path))
            .map_err(|_| ApiError::new(FaultKind::Request, format!("{} is not an address", self.endpoint.base_url)))?;
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        for _ in 0..4 {
            let mut headers = self.base_headers()?;
            headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
            let mut response = self.send(self.http.get(url.clone()).headers(headers), self.timeouts.first_byte).await?;
            if let Some(next) = same_origin_redirect(&url, &response) {
                url = next;
                continue;
            }
            if !response.status().is_success() {
                return Err(self.read_error(response).await.into());
            }
            let mut body = Vec::new();
            read_body(&mut response, self.timeouts.idle, &self.route, &mut body).await?;
            return Ok(secrets::redact_owned(String::from_utf8_lossy(&body).into_owned()));
        }
        Err(ApiError::new(FaultKind::Request, "the server keeps redirecting"))
    }

    async fn send(&self, request: reqwest::RequestBuilder, limit: Duration) -> Result<Response, ApiError> {
        let response = with_timeout(limit, request.send()).await;
        response
            .ok_or_else(|| self.timeout_error(limit))?
            .map_err(|error| ApiError::from_transport(&error, &self.route))
    }

    async fn read_error(&self, mut response: Response) -> Box<OpenError> {
        let head = response_head(&response);
        let headers = response.headers().clone();
        let mut body = Vec::new();
        // The part received before a lost connection says more than the lost connection.
        let _lost = read_body(&mut response, self.timeouts.idle, &self.route, &mut body).await;
        let mut error = ApiError::from_response(head.status, &headers, &body, Timestamp::now());
        if self.endpoint.key.is_some() {
            error.note_refused_key();
        }
        let is_plain = self.endpoint.base_url.starts_with("http://");
        if let Some(proxy) = self.route.proxy.as_ref().filter(|_| is_plain) {
            note_proxy(&mut error, proxy);
        }
        let body = secrets::redact(&String::from_utf8_lossy(&body)).into();
        Box::new(OpenError { error, head: Some(head), body })
    }

    fn timeout_error(&self, waited: Duration) -> ApiError {
        let host = Url::parse(&self.endpoint.base_url).ok();
        let host = host.as_ref().and_then(Url::host_str).unwrap_or("the server");
        ApiError::new(FaultKind::Silence, format!("{host} did not answer within {}", format_duration(waited)))
    }

    fn base_headers(&self) -> Result<HeaderMap, ApiError> {
        let mut headers = HeaderMap::new();
        if let Some(key) = &self.endpoint.key {
            let (name, value) = if self.endpoint.wants_api_key_header() {
                (HeaderName::from_static("api-key"), key.expose_secret().to_owned())
            } else {
                (AUTHORIZATION, format!("Bearer {}", key.expose_secret()))
            };
            let mut value = HeaderValue::from_str(&value)
                .map_err(|_| ApiError::new(FaultKind::Key, "the key contains characters that cannot be in a key"))?;
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        if self.endpoint.dialect.supports_openrouter_fields() {
            headers.insert("http-referer", HeaderValue::from_static(APP_URL));
            headers.insert("x-openrouter-title", HeaderValue::from_static(APP_TITLE));
            // The older name, for gateways that know only that one.
            headers.insert("x-title", HeaderValue::from_static(APP_TITLE));
            headers.insert("x-openrouter-categories", HeaderValue::from_static("cli-agent"));
        }
        Ok(headers)
    }
}

/// Attributes a page to the proxy that a request without TLS went through.
fn note_proxy(error: &mut ApiError, proxy: &ProxySetting) {
    let is_refusal = error.status.is_some_and(|status| (400..500).contains(&status));
    match error.obstacle() {
        Some(NetworkObstacle::Gateway) if is_refusal => {
            error.facts.retain(|fact| !matches!(fact, ErrorFact::Obstacle(_)));
            error.facts.push(ErrorFact::Obstacle(NetworkObstacle::ProxyRefusal));
        }
        Some(NetworkObstacle::ProxyRefusal | NetworkObstacle::ProxyLogin) => (),
        Some(_) | None => return,
    }
    error.message = format!("the proxy {}: {}", proxy.label(), error.message);
}

fn json_body(request: &Request) -> Result<Vec<u8>, ApiError> {
    serde_json::to_vec(request).map_err(|error| {
        ApiError::new(
            FaultKind::Request,
            format!("the request cannot be written as JSON: {}", text::error_words(&error)),
        )
    })
}

fn response_head(response: &Response) -> ResponseHead {
    let text = |(name, value): (&HeaderName, &HeaderValue)| {
        (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())
    };
    ResponseHead { status: response.status().as_u16(), headers: response.headers().iter().map(text).collect() }
}

/// Returns an error if the head of a successful response rules out a readable body.
fn body_error(response: &Response) -> Option<ApiError> {
    let status = response.status().as_u16();
    let message = if matches!(status, 204 | 205) {
        format!("the server answered {}", status_text(status))
    } else {
        // reqwest has removed the header of every compression that it can decode.
        let coding = response.headers().get(CONTENT_ENCODING)?.to_str().unwrap_or("something unknown").trim();
        if coding.is_empty() || coding.eq_ignore_ascii_case("identity") {
            return None;
        }
        format!("the answer is compressed as {}, which was not requested", text::clean(coding))
    };
    Some(ApiError { status: Some(status), ..ApiError::new(FaultKind::Garbage, message) })
}

/// Reads a whole body, decompressed. If the connection is lost, `body` holds the part that was received.
async fn read_body(
    response: &mut Response,
    idle_timeout: Duration,
    route: &NetworkRoute,
    body: &mut Vec<u8>,
) -> Result<(), ApiError> {
    loop {
        let Some(chunk) = with_timeout(idle_timeout, response.chunk()).await else {
            return Err(ApiError::new(
                FaultKind::Silence,
                format!("no data arrived for {}", format_duration(idle_timeout)),
            ));
        };
        match chunk.map_err(|error| ApiError::from_transport(&error, route))? {
            None => return Ok(()),
            Some(bytes) if body.len() + bytes.len() > MAX_BODY_BYTES => {
                return Err(ApiError::new(FaultKind::Garbage, "the answer is too long"));
            }
            Some(bytes) => body.extend_from_slice(&bytes),
        }
    }
}

/// Returns the target of a redirect if it has the same origin.
fn same_origin_redirect(from: &Url, response: &Response) -> Option<Url> {
    if !response.status().is_redirection() {
        return None;
    }
    let to = from.join(response.headers().get("location")?.to_str().ok()?).ok()?;
    (to.origin() == from.origin()).then_some(to)
}

/// Returns whether an address is one of this machine.
pub fn is_loopback(base_url: &str) -> bool {
    let url = Url::parse(base_url).ok();
    let host = url.as_ref().and_then(Url::host_str).unwrap_or_default();
    let address = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

async fn with_timeout<T>(limit: Duration, work: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout(limit, work).await.ok()
}

fn format_duration(duration: Duration) -> String {
    match duration.as_secs() {
        0 => format!("{} ms", duration.as_millis()),
        seconds => format!("{seconds} s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::ApiDialect;

    #[test]
    fn azure_gets_its_key_in_its_own_header() {
        let client = |base_url: &str| {
            let base_url = base_url.to_owned();
            let dialect = ApiDialect::from_base_url(&base_url);
            ApiClient::new(Endpoint { name: "x".into(), base_url, dialect, key: Some("secret".into()) })
                .expect("a client")
        };
        let header = |base_url: &str, name: &str| {
            let headers = client(base_url).base_headers().expect("a valid key");
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
    fn only_openai_itself_is_told_the_conversation_in_a_header() {
        let session = |base_url: &str| {
            let base_url = base_url.to_owned();
            let dialect = ApiDialect::from_base_url(&base_url);
            let endpoint = Endpoint { name: "x".into(), base_url, dialect, key: None };
            let client = ApiClient::new(endpoint).expect("a client");
            let request = Request { session_header: Some("conversation-1".into()), ..Request::default() };
            let headers = client.request_headers(&request).expect("valid headers");
            headers.get("session-id").map(|id| id.to_str().expect("text").to_owned())
        };
        assert_eq!(session("https://api.openai.com/v1").as_deref(), Some("conversation-1"));
        for other in ["https://openrouter.ai/api/v1", "https://api.x.ai/v1", "https://api.openai.com.example.org/v1"] {
            assert_eq!(session(other), None, "{other}");
        }
    }

    #[test]
    fn only_this_machine_is_loopback() {
        for (base_url, expected) in [
            ("http://localhost:11434/v1", true),
            ("http://127.0.0.1:8080/v1", true),
            ("http://[::1]:8080/v1", true),
            ("http://192.168.1.7/v1", false),
            ("https://localhost.example.org/v1", false),
            ("nonsense", false),
        ] {
            assert_eq!(is_loopback(base_url), expected, "{base_url}");
        }
    }
}
