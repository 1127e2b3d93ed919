//! Servers at an HTTP address, reached with our own client. The token is sent nowhere else.

use std::{collections::HashMap, time::Duration};

use reqwest::header::{HeaderName, HeaderValue};
use rmcp::transport::{
    StreamableHttpClientTransport,
    common::http_header::{HEADER_LAST_EVENT_ID, HEADER_SESSION_ID},
    streamable_http_client::StreamableHttpClientTransportConfig,
};

use super::{
    ConfiguredServer, McpOptions,
    client::ServerLog,
    http_client::MessageClient,
    variables::{expand_variables, note_secret},
};
use crate::{api, secrets, text};

/// How long a server may take to accept a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The headers that belong to the protocol.
const OWN_HEADERS: [&str; 3] = ["accept", HEADER_SESSION_ID, HEADER_LAST_EVENT_ID];

/// Creates the transport for messages.
///
/// # Errors
/// Returns which setting of the config cannot be used.
pub(super) fn transport(
    configured: &ConfiguredServer,
    options: &McpOptions,
    log: &ServerLog,
) -> Result<StreamableHttpClientTransport<MessageClient>, String> {
    configured.check_keys(options.env)?;
    let settings = &configured.settings;
    let url = expand_variables(settings.url.as_deref().unwrap_or_default(), options.env)?;
    let mut config = StreamableHttpClientTransportConfig::with_uri(url.as_str()).reinit_on_expired_session(true);
    if let Some(variable) = &settings.bearer_env {
        let token = (options.env)(variable).and_then(|token| token.into_string().ok()).unwrap_or_default();
        if token.trim().is_empty() || HeaderValue::from_str(token.trim()).is_err() {
            return Err(format!("there is no token in ${variable}"));
        }
        secrets::note_foreign_key(&token.trim().into(), variable);
        config = config.auth_header(token.trim());
    }
    let mut headers = HashMap::new();
    for (name, value) in &settings.headers {
        let value = expand_variables(value, options.env)?;
        // Without the scheme of `Bearer …`.
        note_secret(name, value.rsplit(' ').next().unwrap_or_default());
        let is_own = OWN_HEADERS.iter().any(|own| own.eq_ignore_ascii_case(name));
        let header = name.parse::<HeaderName>().ok().filter(|_| !is_own);
        let (Some(header), Ok(mut content)) = (header, value.parse::<HeaderValue>()) else {
            return Err(format!("the header {name} cannot be sent"));
        };
        content.set_sensitive(true);
        headers.insert(header, content);
    }
    let builder =
        api::http_builder(!url.starts_with("http://")).connect_timeout(CONNECT_TIMEOUT).redirect(same_origin());
    // A server on this machine is never behind a proxy.
    let builder = if api::is_loopback(&url) { builder.no_proxy() } else { builder };
    let client = builder
        .build()
        .map_err(|error| format!("secure connections are not available: {}", text::error_words(&error)))?;
    let client = MessageClient::new(client, log.clone());
    Ok(StreamableHttpClientTransport::with_client(client, config.custom_headers(headers)))
}

/// Follows redirects to the same origin, as from `/mcp` to `/mcp/`. Sends nothing to another origin, so no token leaks.
fn same_origin() -> reqwest::redirect::Policy {
    reqwest::redirect::Policy::custom(|attempt| {
        let same = attempt.previous().last().is_some_and(|last| last.origin() == attempt.url().origin());
        if same && attempt.previous().len() < 5 { attempt.follow() } else { attempt.stop() }
    })
}
