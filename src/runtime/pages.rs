//! Fetches a cited page on request, and searches it for the cited passages.
//!
//! The address comes from a server that may be malicious. So nothing on this machine or its network is contacted, a
//! name is looked up only once and the connection goes to the result, and every redirect is checked again.

mod address;

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use reqwest::{
    Response, Url,
    header::{ACCEPT, CONTENT_TYPE, LOCATION},
};
use tokio::{net::lookup_host, task::spawn_blocking, time::timeout};

use crate::{
    api,
    citations::{
        charset,
        check::{CheckQuestion, CheckedPage},
        html,
        quote::{self, PageText},
    },
    text,
};
pub use address::is_public;

/// Fetches pages, within limits.
#[derive(Debug, Clone, Copy)]
pub struct PageFetcher {
    /// Whether an address may be contacted.
    is_allowed: fn(IpAddr) -> bool,
    limits: PageLimits,
}

/// The limits for one page.
#[derive(Debug, Clone, Copy)]
pub struct PageLimits {
    pub max_bytes: usize,
    pub timeout: Duration,
    pub max_redirects: usize,
}

impl Default for PageLimits {
    fn default() -> Self {
        Self { max_bytes: 2_000_000, timeout: Duration::from_secs(15), max_redirects: 5 }
    }
}

/// The body of a page as it was received.
struct PageBody {
    url: Url,
    bytes: Vec<u8>,
    is_truncated: bool,
    kind: PageKind,
    charset: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PageKind {
    Html,
    Text,
}

impl PageFetcher {
    /// A fetcher for pages on the public internet.
    pub fn for_public_web() -> Self {
        Self::new(is_public, PageLimits::default())
    }

    pub fn new(is_allowed: fn(IpAddr) -> bool, limits: PageLimits) -> Self {
        Self { is_allowed, limits }
    }

    /// Fetches the page of a question and searches it for the question's words.
    ///
    /// # Errors
    /// Returns why the page could not be read, as the second half of a sentence.
    pub async fn check(self, question: &CheckQuestion) -> Result<CheckedPage, String> {
        let time = self.limits.timeout;
        let body = timeout(time, self.fetch(&question.url));
        let body = body.await.map_err(|_| format!("the page did not come within {} s", time.as_secs_f32()))??;
        let words = question.text.as_str().to_owned();
        let limit = self.limits.max_bytes;
        spawn_blocking(move || find_passages(&body, &words, limit)).await.map_err(|error| text::error_words(&error))?
    }

    async fn fetch(&self, url: &str) -> Result<PageBody, String> {
        let mut url = Url::parse(url).map_err(|_| "its address is not valid".to_owned())?;
        for _ in 0..=self.limits.max_redirects {
            let response = self.request(&mut url).await?;
            let status = response.status();
            if status.is_redirection()
                && let Some(to) = response.headers().get(LOCATION)
            {
                let to = String::from_utf8_lossy(to.as_bytes()).into_owned();
                url = url.join(&to).map_err(|_| "it redirected to an address that is not valid".to_owned())?;
                continue;
            }
            if !status.is_success() {
                return Err(format!("{} answered {status}", host_name(&url)));
            }
            return self.read_body(url, response).await;
        }
        Err(format!("it redirected more than {} times", self.limits.max_redirects))
    }

    /// Sends one request to a checked address, without a key, a cookie or a referrer.
    async fn request(&self, url: &mut Url) -> Result<Response, String> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(format!("{}: addresses are not fetched, only http and https", url.scheme()));
        }
        // Never send the credentials in an address.
        let _ = url.set_username("").and_then(|()| url.set_password(None));
        let name = url.host_str().unwrap_or_default().to_owned();
        let addresses = self.resolve(url, &name).await?;
        let client = api::http_builder(url.scheme() == "https")
            .no_proxy()
            .connect_timeout(self.limits.timeout)
            .resolve_to_addrs(&name, &addresses)
            .build()
            .map_err(|error| format!("secure connections are not available: {}", text::error_words(&error)))?;
        let accepted = "text/html, application/xhtml+xml, text/*;q=0.9";
        client.get(url.clone()).header(ACCEPT, accepted).send().await.map_err(|error| explain_error(url, &error))
    }

    /// Looks up the addresses of the page. Refuses a name if any of its addresses may not be contacted.
    async fn resolve(&self, url: &Url, name: &str) -> Result<Vec<SocketAddr>, String> {
        let port = url.port_or_known_default().unwrap_or(80);
        let bare_name = name.trim_matches(['[', ']']);
        let found = lookup_host((bare_name, port)).await.map_err(|_| format!("{} was not found", host_name(url)))?;
        let found: Vec<SocketAddr> = found.collect();
        if found.is_empty() {
            return Err(format!("{} was not found", host_name(url)));
        }
        if found.iter().any(|address| !(self.is_allowed)(address.ip())) {
            return Err(format!("{} is not on the public internet, so it is not fetched", host_name(url)));
        }
        Ok(found)
    }

    async fn read_body(&self, url: Url, mut response: Response) -> Result<PageBody, String> {
        let declared = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let (kind, charset) = page_kind(declared)?;
        let (mut bytes, mut is_truncated) = (Vec::new(), false);
        while let Some(chunk) = response.chunk().await.map_err(|error| explain_error(&url, &error))? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() > self.limits.max_bytes {
                bytes.truncate(self.limits.max_bytes);
                is_truncated = true;
                break;
            }
        }
        Ok(PageBody { url, bytes, is_truncated, kind, charset })
    }
}

/// Reads the kind and the charset of a page from its `Content-Type` header.
fn page_kind(declared: &str) -> Result<(PageKind, Option<String>), String> {
    let mut parts = declared.split(';').map(str::trim);
    let kind = parts.next().unwrap_or_default().to_ascii_lowercase();
    let charset = parts.find_map(|word| {
        let (name, value) = word.split_once('=')?;
        name.trim().eq_ignore_ascii_case("charset").then(|| value.trim().to_owned())
    });
    match kind.as_str() {
        "text/html" | "application/xhtml+xml" | "" => Ok((PageKind::Html, charset)),
        text if text.starts_with("text/") => Ok((PageKind::Text, charset)),
        "application/pdf" => Err("it is a PDF, which ibid cannot read".into()),
        other => Err(format!("it is {}, which ibid cannot read", other.chars().take(60).collect::<String>())),
    }
}

fn find_passages(body: &PageBody, words: &str, limit: usize) -> Result<CheckedPage, String> {
    let text = charset::decode(&body.bytes, body.charset.as_deref())
        .map_err(|name| format!("it is written in {name}, which ibid cannot read"))?;
    let text = match body.kind {
        PageKind::Html => html::extract_text(&text).text,
        PageKind::Text => text,
    };
    if !text.contains(char::is_alphanumeric) {
        return Err("there is no text on the page; it may need a browser to show it".into());
    }
    let page = PageText::new(&text);
    let found = quote::passages(words).iter().take(20).map(|passage| page.find(passage)).collect();
    let cut = body.is_truncated.then_some(limit as u64 / 1_000_000);
    Ok(CheckedPage { url: body.url.to_string(), truncated_at_mb: cut, matches: found })
}

fn explain_error(url: &Url, error: &reqwest::Error) -> String {
    let name = host_name(url);
    match () {
        () if error.is_timeout() => format!("{name} did not answer in time"),
        () if error.is_connect() => format!("no connection to {name} could be made"),
        () => format!("the connection to {name} was lost"),
    }
}

fn host_name(url: &Url) -> &str {
    url.host_str().unwrap_or("its server")
}
