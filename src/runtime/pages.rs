//! Fetches a cited page when the reader asks for it, and looks for words there.
//!
//! The address comes from a server that may be lying: nothing on this machine or its network is asked, a name is
//! looked up once and the connection goes to what was found, and every redirect is looked at anew.

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
    text::{
        charset, html,
        quote::{self, Haystack},
    },
    widgets::check::{Question, Reading},
};
pub use address::is_public;

/// How pages are fetched.
#[derive(Debug, Clone, Copy)]
pub struct Pages {
    /// Which addresses may be asked.
    may: fn(IpAddr) -> bool,
    bounds: Bounds,
}

/// What one page may take.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    pub bytes: usize,
    pub time: Duration,
    pub redirects: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { bytes: 2_000_000, time: Duration::from_secs(15), redirects: 5 }
    }
}

/// A body as it came.
struct Body {
    url: Url,
    bytes: Vec<u8>,
    cut: bool,
    kind: Kind,
    charset: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Html,
    Text,
}

impl Pages {
    /// Pages of the public internet.
    pub fn of_the_web() -> Self {
        Self::new(is_public, Bounds::default())
    }

    pub fn new(may: fn(IpAddr) -> bool, bounds: Bounds) -> Self {
        Self { may, bounds }
    }

    /// Fetches the page of a question and looks for its words.
    ///
    /// # Errors
    /// Why the page could not be read, as the end of a sentence.
    pub async fn check(self, question: &Question) -> Result<Reading, String> {
        let time = self.bounds.time;
        let body = timeout(time, self.fetch(&question.url));
        let body = body.await.map_err(|_| format!("the page did not come within {} s", time.as_secs_f32()))??;
        let words = question.words.text().to_owned();
        let limit = self.bounds.bytes;
        spawn_blocking(move || read(&body, &words, limit)).await.map_err(|error| error.to_string())?
    }

    async fn fetch(&self, url: &str) -> Result<Body, String> {
        let mut url = Url::parse(url).map_err(|_| "its address is none".to_owned())?;
        for _ in 0..=self.bounds.redirects {
            let response = self.ask(&mut url).await?;
            let status = response.status();
            if status.is_redirection()
                && let Some(to) = response.headers().get(LOCATION)
            {
                let to = String::from_utf8_lossy(to.as_bytes()).into_owned();
                url = url.join(&to).map_err(|_| "it led on to what is no address".to_owned())?;
                continue;
            }
            if !status.is_success() {
                return Err(format!("{} said {status}", host(&url)));
            }
            return self.body(url, response).await;
        }
        Err(format!("it led on to another address more than {} times", self.bounds.redirects))
    }

    /// One request, to an address that was looked at, without a key, a cookie or a word about where it comes from.
    async fn ask(&self, url: &mut Url) -> Result<Response, String> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(format!("{}: is not fetched, only http and https are", url.scheme()));
        }
        // What stands before an @ is for nobody.
        let _ = url.set_username("").and_then(|()| url.set_password(None));
        let name = url.host_str().unwrap_or_default().to_owned();
        let addresses = self.addresses(url, &name).await?;
        let client = api::plain_builder(url.scheme() == "https")
            .no_proxy()
            .connect_timeout(self.bounds.time)
            .resolve_to_addrs(&name, &addresses)
            .build()
            .map_err(|error| format!("no secure connections can be made: {error}"))?;
        let accepted = "text/html, application/xhtml+xml, text/*;q=0.9";
        client.get(url.clone()).header(ACCEPT, accepted).send().await.map_err(|error| explain(url, &error))
    }

    /// Where the page is; a name that leads to any address that may not be asked is not asked at all.
    async fn addresses(&self, url: &Url, name: &str) -> Result<Vec<SocketAddr>, String> {
        let port = url.port_or_known_default().unwrap_or(80);
        let plain = name.trim_matches(['[', ']']);
        let found = lookup_host((plain, port)).await.map_err(|_| format!("there is no {} to be found", host(url)))?;
        let found: Vec<SocketAddr> = found.collect();
        if found.is_empty() {
            return Err(format!("there is no {} to be found", host(url)));
        }
        if found.iter().any(|address| !(self.may)(address.ip())) {
            return Err(format!("{} is not on the public internet, so it is not asked", host(url)));
        }
        Ok(found)
    }

    async fn body(&self, url: Url, mut response: Response) -> Result<Body, String> {
        let declared = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let (kind, charset) = kind(declared)?;
        let (mut bytes, mut cut) = (Vec::new(), false);
        while let Some(chunk) = response.chunk().await.map_err(|error| explain(&url, &error))? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() > self.bounds.bytes {
                bytes.truncate(self.bounds.bytes);
                cut = true;
                break;
            }
        }
        Ok(Body { url, bytes, cut, kind, charset })
    }
}

/// What a page is, and its charset, by its header.
fn kind(declared: &str) -> Result<(Kind, Option<String>), String> {
    let mut words = declared.split(';').map(str::trim);
    let kind = words.next().unwrap_or_default().to_ascii_lowercase();
    let charset = words.find_map(|word| {
        let (name, value) = word.split_once('=')?;
        name.trim().eq_ignore_ascii_case("charset").then(|| value.trim().to_owned())
    });
    match kind.as_str() {
        "text/html" | "application/xhtml+xml" | "" => Ok((Kind::Html, charset)),
        text if text.starts_with("text/") => Ok((Kind::Text, charset)),
        "application/pdf" => Err("it is a PDF, which ibid cannot read".into()),
        other => Err(format!("it is {}, which ibid cannot read", other.chars().take(60).collect::<String>())),
    }
}

fn read(body: &Body, words: &str, limit: usize) -> Result<Reading, String> {
    let text = charset::decode(&body.bytes, body.charset.as_deref())
        .map_err(|name| format!("it is written in {name}, which ibid cannot read"))?;
    let text = match body.kind {
        Kind::Html => html::text(&text).text,
        Kind::Text => text,
    };
    if !text.contains(char::is_alphanumeric) {
        return Err("there are no words on the page; it may need a browser to show them".into());
    }
    let page = Haystack::new(&text);
    let found = quote::passages(words).iter().take(20).map(|passage| page.find(passage)).collect();
    let cut = body.cut.then_some(limit as u64 / 1_000_000);
    Ok(Reading { url: body.url.to_string(), cut, found })
}

fn explain(url: &Url, error: &reqwest::Error) -> String {
    let name = host(url);
    match () {
        () if error.is_timeout() => format!("{name} did not answer in time"),
        () if error.is_connect() => format!("no connection to {name} could be made"),
        () => format!("the connection to {name} broke off"),
    }
}

fn host(url: &Url) -> &str {
    url.host_str().unwrap_or("its server")
}
