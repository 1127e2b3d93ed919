//! One request to one server, and the stream that answers it.

mod opened;

use std::{future::Future, time::Duration};

use jiff::Timestamp;
use reqwest::{
    Response, Url,
    header::{
        ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue,
    },
};
use secrecy::ExposeSecret;

pub use opened::{Opened, Raw};

use super::{Endpoint, Error, Fault, FreeQuota, Head, Request, Sent, Usage, Veil, account, error::status_in_words};
use crate::text;

/// The name under which OpenRouter lists the program, and its page.
const TITLE: &str = "ibid";
const PAGE: &str = "https://crates.io/crates/ibid";
const AGENT: &str = concat!("ibid/", env!("CARGO_PKG_VERSION"));

/// An error or a list of models is never longer than this.
const LONGEST_BODY: usize = 64 * 1024 * 1024;

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

/// Why no answer has begun: the failure, and what the server said where it said something.
#[derive(Debug)]
pub struct Refused {
    pub error: Error,
    pub head: Option<Head>,
    pub body: Box<str>,
}

impl From<Error> for Box<Refused> {
    fn from(error: Error) -> Self {
        Self::new(Refused { error, head: None, body: Box::default() })
    }
}

impl From<Box<Refused>> for Error {
    fn from(refused: Box<Refused>) -> Self {
        refused.error
    }
}

/// What every connection begins with: our name, no redirects, no word about where one comes from.
pub fn plain_builder(secure: bool) -> reqwest::ClientBuilder {
    // Fails when it was done before, and then all is well.
    let _done_before = rustls::crypto::ring::default_provider().install_default();
    let builder = reqwest::Client::builder()
        .user_agent(AGENT)
        // A redirect is followed by us or not at all: no key goes to another host.
        .redirect(reqwest::redirect::Policy::none())
        .referer(false);
    if secure {
        // The system's roots are there too: companies put their own among them.
        let roots = webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter();
        builder.tls_certs_merge(roots.filter_map(|root| reqwest::Certificate::from_der(root).ok()))
    } else {
        // No certificate will be checked, so none is read.
        builder.tls_certs_only([])
    }
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
        let builder = plain_builder(!endpoint.base_url.starts_with("http://")).connect_timeout(timeouts.connect);
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
    pub async fn open(&self, request: &Request) -> Result<Opened, Box<Refused>> {
        let post = self.http.post(self.endpoint.url("/responses")).headers(self.asking(request)?).body(body(request)?);
        let Timeouts { first_byte, silence, .. } = self.timeouts;
        // A whole answer may be silent until it is written.
        let response = self.head(post, if request.stream { first_byte } else { first_byte.max(silence) }).await?;
        if !response.status().is_success() {
            return Err(self.refused(response).await);
        }
        if let Some(error) = unreadable(&response) {
            return Err(Box::new(Refused { error, head: Some(head_of(&response)), body: Box::default() }));
        }
        let generation = response.headers().get("x-generation-id").and_then(|id| id.to_str().ok()).map(str::to_owned);
        Ok(Opened::new(generation, head_of(&response), response, self.timeouts.silence))
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
        if self.endpoint.dialect.has_own_fields() {
            // Who ran the model is told in the last event.
            headers.insert("x-openrouter-metadata", HeaderValue::from_static("enabled"));
        }
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
            let mut response = self.head(self.http.get(url.clone()).headers(headers), self.timeouts.first_byte).await?;
            if let Some(next) = same_host(&url, &response) {
                url = next;
                continue;
            }
            if !response.status().is_success() {
                return Err(self.refused(response).await.into());
            }
            let mut body = Vec::new();
            read(&mut response, self.timeouts.silence, &mut body).await?;
            return Ok(String::from_utf8_lossy(&body).into_owned());
        }
        Err(Error::new(Fault::Request, "the server sends us on in a circle"))
    }

    async fn head(&self, request: reqwest::RequestBuilder, limit: Duration) -> Result<Response, Error> {
        let sent = within(limit, request.send()).await;
        sent.ok_or_else(|| self.silent(limit))?.map_err(|error| Error::of_transport(&error))
    }

    async fn refused(&self, mut response: Response) -> Box<Refused> {
        let head = head_of(&response);
        let headers = response.headers().clone();
        let mut body = Vec::new();
        // What came before a cut says more than the cut.
        let _cut = read(&mut response, self.timeouts.silence, &mut body).await;
        let error = Error::of_response(head.status, &headers, &body, Timestamp::now());
        Box::new(Refused { error, head: Some(head), body: String::from_utf8_lossy(&body).into() })
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

fn body(request: &Request) -> Result<Vec<u8>, Error> {
    serde_json::to_vec(request)
        .map_err(|error| Error::new(Fault::Request, format!("the request has no JSON form: {error}")))
}

fn head_of(response: &Response) -> Head {
    let text = |(name, value): (&HeaderName, &HeaderValue)| {
        (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())
    };
    Head { status: response.status().as_u16(), headers: response.headers().iter().map(text).collect() }
}

/// Why the body of a success cannot be an answer, as its head tells.
fn unreadable(response: &Response) -> Option<Error> {
    let status = response.status().as_u16();
    let words = if matches!(status, 204 | 205) {
        format!("the server answered {}", status_in_words(status))
    } else {
        // What can be undone is undone by now, and no longer named.
        let coding = response.headers().get(CONTENT_ENCODING)?.to_str().unwrap_or("something unknown").trim();
        if coding.is_empty() || coding.eq_ignore_ascii_case("identity") {
            return None;
        }
        format!("the answer is compressed as {}, which was not asked for", text::clean(coding))
    };
    Some(Error { status: Some(status), ..Error::new(Fault::Garbage, words) })
}

/// A whole body, however it was compressed; what came before it broke off is there too.
async fn read(response: &mut Response, silence: Duration, body: &mut Vec<u8>) -> Result<(), Error> {
    loop {
        let Some(piece) = within(silence, response.chunk()).await else {
            return Err(Error::new(Fault::Silence, format!("nothing came for {}", spell(silence))));
        };
        match piece.map_err(|error| Error::of_transport(&error))? {
            None => return Ok(()),
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

pub fn is_loopback(base_url: &str) -> bool {
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
