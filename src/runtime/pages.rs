//! Fetches cited pages on request, each once and a few at a time, and searches them for the cited words.
//!
//! The address comes from a server that may be malicious. So nothing on this machine or its network is contacted, a
//! name is looked up only once and the connection goes to the result, and every redirect is checked again.

mod address;

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use reqwest::{
    Response, Url,
    header::{ACCEPT, CONTENT_TYPE, LOCATION},
};
use sha2::{Digest, Sha256};
use tokio::{net::lookup_host, sync::Semaphore, task::spawn_blocking, time::timeout};

use crate::{
    api,
    citations::{
        charset,
        check::{CheckOutcome, CheckQuestion, CheckVerdict, CheckedPage},
        html,
        quote::PageText,
    },
    text,
};
pub use address::is_public;

/// Fetches pages, within limits. Clones share the limit of how many at a time.
#[derive(Debug, Clone)]
pub struct PageFetcher {
    /// Whether an address may be contacted.
    is_allowed: fn(IpAddr) -> bool,
    limits: PageLimits,
    places: Arc<Semaphore>,
}

/// How many pages are fetched at a time.
pub const MAX_PAGES_AT_A_TIME: usize = 8;
/// A page with fewer words and with scripts probably shows its text only by them.
const MIN_WORDS_WITHOUT_SCRIPTS: usize = 40;

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
        Self { is_allowed, limits, places: Arc::new(Semaphore::new(MAX_PAGES_AT_A_TIME)) }
    }

    /// Fetches the page of some questions, and searches it for the words of each. The outcomes are in the order of the
    /// questions.
    pub async fn check(&self, questions: Vec<CheckQuestion>) -> Vec<CheckOutcome> {
        let count = questions.len();
        self.read_page(questions).await.unwrap_or_else(|reason| vec![CheckOutcome::Unread(reason); count])
    }

    /// Errs with the reason why the page could not be read, as the second half of a sentence.
    async fn read_page(&self, questions: Vec<CheckQuestion>) -> Result<Vec<CheckOutcome>, String> {
        let _place = self.places.acquire().await.map_err(|error| text::error_words(&error))?;
        let time = self.limits.timeout;
        let page = questions.first().map(|question| question.page().to_owned()).unwrap_or_default();
        let body = timeout(time, self.fetch(&page));
        let body = body.await.map_err(|_| format!("the page did not come within {} s", time.as_secs_f32()))??;
        let limit = self.limits.max_bytes;
        spawn_blocking(move || look_on_page(&body, &questions, limit))
            .await
            .map_err(|error| text::error_words(&error))?
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
            if matches!(status.as_u16(), 401..=403 | 407) {
                return Err(format!("{} wants a login ({})", host_name(&url), status.as_u16()));
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

fn look_on_page(body: &PageBody, questions: &[CheckQuestion], limit: usize) -> Result<Vec<CheckOutcome>, String> {
    let text = charset::decode(&body.bytes, body.charset.as_deref())
        .map_err(|name| format!("it is written in {name}, which ibid cannot read"))?;
    let (page, gap) = match body.kind {
        PageKind::Html => {
            let page = html::extract_text(&text);
            let gap = gap_of_page(&text, page.has_scripts, page.text.split_whitespace().count());
            (PageText::from_html(page), gap)
        }
        PageKind::Text => (PageText::new(&text), None),
    };
    if !page.has_words() {
        return Err("there is no text on the page; it may need a browser to show it".into());
    }
    let hash = Sha256::digest(&body.bytes).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let outcomes = questions.iter().map(|question| {
        let checked = CheckedPage {
            url: body.url.to_string(),
            hash: hash.clone(),
            word_count: page.word_count(),
            truncated_at_mb: body.is_truncated.then_some(limit as u64 / 1_000_000),
            findings: question.look_on(&page),
            evidence: page.evidence(&question.claims.join(" ")),
        };
        let is_missing = checked.verdict() == CheckVerdict::NotFound || checked.is_only_paraphrased();
        match gap.filter(|_| is_missing) {
            Some(gap) => CheckOutcome::Unread(gap.into()),
            None => CheckOutcome::Read(checked),
        }
    });
    Ok(outcomes.collect())
}

/// Returns why a page that was fetched may lack what it shows in a browser.
fn gap_of_page(html: &str, has_scripts: bool, word_count: usize) -> Option<&'static str> {
    let is_for_subscribers = html.match_indices("isAccessibleForFree").any(|(at, name)| {
        let value = html[at + name.len()..].trim_start_matches(['"', '\'', ':', '=', ' ', '\n', '\r', '\t']);
        value.get(..5).is_some_and(|value| value.eq_ignore_ascii_case("false"))
    });
    if is_for_subscribers {
        return Some("the page shows only a part of its text without a subscription");
    }
    (has_scripts && word_count < MIN_WORDS_WITHOUT_SCRIPTS)
        .then_some("the page shows its text only with scripts, which ibid does not run")
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
