//! Servers behind an address: our own client, with a token that goes nowhere else.

use std::{collections::HashMap, time::Duration};

use reqwest::header::{HeaderName, HeaderValue};
use rmcp::transport::{StreamableHttpClientTransport, streamable_http_client::StreamableHttpClientTransportConfig};

use super::{Configured, Options, stdio::filled};
use crate::api;

/// An answer or an event that is longer is none that we read.
const LARGEST: usize = 16 << 20;

/// How long a server may take to accept a connection.
const CONNECT: Duration = Duration::from_secs(10);

/// What a message goes through.
///
/// # Errors
/// What the config names is not there, in words that help.
pub fn transport(
    configured: &Configured,
    options: &Options,
) -> Result<StreamableHttpClientTransport<reqwest::Client>, String> {
    let settings = &configured.settings;
    let url = filled(settings.url.as_deref().unwrap_or_default(), options.env)?;
    let mut config = StreamableHttpClientTransportConfig::with_uri(url.as_str())
        .max_sse_event_size(LARGEST)
        .max_json_response_size(LARGEST)
        .reinit_on_expired_session(true);
    if let Some(variable) = &settings.bearer_env {
        let token = (options.env)(variable).and_then(|token| token.into_string().ok()).unwrap_or_default();
        if token.trim().is_empty() || HeaderValue::from_str(token.trim()).is_err() {
            return Err(format!("there is no token in ${variable}"));
        }
        config = config.auth_header(token.trim());
    }
    let mut headers = HashMap::new();
    for (name, value) in &settings.headers {
        let value = filled(value, options.env)?;
        let (Ok(header), Ok(mut content)) = (name.parse::<HeaderName>(), value.parse::<HeaderValue>()) else {
            return Err(format!("the header {name} cannot be sent"));
        };
        content.set_sensitive(true);
        headers.insert(header, content);
    }
    let builder = api::plain_builder(!url.starts_with("http://")).connect_timeout(CONNECT).redirect(same_origin());
    // A server on this machine is never behind a proxy.
    let builder = if api::is_loopback(&url) { builder.no_proxy() } else { builder };
    let client = builder.build().map_err(|error| format!("no secure connections can be made: {error}"))?;
    Ok(StreamableHttpClientTransport::with_client(client, config.custom_headers(headers)))
}

/// Many servers send `/mcp` on to `/mcp/`. To another host nothing goes, and no token with it.
fn same_origin() -> reqwest::redirect::Policy {
    reqwest::redirect::Policy::custom(|attempt| {
        let same = attempt.previous().last().is_some_and(|last| last.origin() == attempt.url().origin());
        if same && attempt.previous().len() < 5 { attempt.follow() } else { attempt.stop() }
    })
}
