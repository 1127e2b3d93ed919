//! Reads every form of error that servers send (reference: 6.1 to 6.5).

use jiff::Timestamp;
use reqwest::header::HeaderMap;

use super::{
    ApiError, ErrorFact, FaultKind, NetworkObstacle,
    classify::{classify, fault_of_code, status_of_code},
    words,
};
use crate::{
    api::{Effort, json::JsonFields},
    secrets,
};

/// A longer wait is cut to this, in seconds; nobody waits that long anyway.
const MAX_WAIT_SECONDS: f64 = 86_400.0;

/// The maximum length of a message, in characters.
const MAX_MESSAGE_CHARS: usize = 500;

/// The maximum length of a page's title, in characters.
const MAX_TITLE_CHARS: usize = 120;

/// How much of a page is searched for the name of a proxy, in bytes.
const MAX_SCANNED_BYTES: usize = 16 * 1024;

impl ApiError {
    /// Reads an unsuccessful response: its status, headers and body.
    pub fn from_response(status: u16, headers: &HeaderMap, body: &[u8], now: Timestamp) -> Self {
        let body = secrets::redact_owned(String::from_utf8_lossy(body).into_owned());
        let body = body.trim();
        let object = words::object_in_body(body);
        let mut error = match object.as_deref().and_then(JsonFields::parse) {
            Some(fields) => parse_object(&fields, Some(status)),
            None => parse_text(body, status, headers),
        };
        if (300..400).contains(&status) {
            let location = headers.get("location").and_then(|to| to.to_str().ok()).unwrap_or("another address");
            error = Self {
                status: Some(status),
                ..Self::new(
                    FaultKind::Request,
                    format!("the server redirects to {}", to_single_line(&secrets::redact(location))),
                )
            };
        }
        if status == 407 {
            error.facts = vec![ErrorFact::Obstacle(NetworkObstacle::ProxyLogin)];
        }
        error.retry_after = retry_after_header(headers, status, now).or(error.retry_after);
        error
    }

    /// Reads an `error` event, flat or nested, or the chat API's error frame.
    pub fn from_stream(json: &str) -> Self {
        let object = words::object_in_body(json);
        let Some(fields) = object.as_deref().and_then(JsonFields::parse) else {
            return Self::new(FaultKind::Server, "the server reported an error");
        };
        parse_object(&fields, None)
    }

    /// Reads a gateway's complaint about a key as such; called if the request carried one.
    pub fn note_refused_key(&mut self) {
        let lower = self.message.to_lowercase();
        let is_refusal = matches!(self.status, Some(400 | 401 | 403 | 404 | 422 | 500));
        let is_of_key = [
            "no connected db",
            "not connected to db",
            "no api key passed",
            "invalid api key",
            "invalid api_key",
            "incorrect api key",
            "api key not valid",
            "api key not found",
            "api key expired",
            "invalid x-api-key",
            "malformed api key",
            "virtual key expected",
            "invalid proxy server token",
            "token not found",
            "invalid token",
            "invalid bearer token",
            "invalid authorization",
            "authentication error",
            "authentication failed",
        ];
        if is_refusal && self.obstacle().is_none() && is_of_key.iter().any(|words| lower.contains(words)) {
            self.fault = FaultKind::Key;
        }
    }

    /// Reads words or a page that a server wrote into a stream in place of an event; `None` if they say nothing.
    pub fn from_stray_text(text: &str) -> Option<Self> {
        let text = text.trim();
        let words = words::in_text(text).map(|words| to_single_line(&words)).filter(|words| !words.is_empty())?;
        let is_sign_of_life = ["ping", "pong", "ok", "done", "[done]", "null", "true", "keepalive", "keep-alive"]
            .contains(&words.to_lowercase().as_str());
        if is_sign_of_life || words.starts_with(['{', '[']) {
            return None;
        }
        let status = status_in(&words);
        let fault = classify(None, status, &words, &[]);
        let facts = if words::is_page(text) { vec![ErrorFact::Obstacle(NetworkObstacle::Gateway)] } else { Vec::new() };
        Some(Self { status, facts, ..Self::new(fault, truncate(&words, MAX_MESSAGE_CHARS)) })
    }

    /// Reads the error of a failed response object.
    pub(crate) fn from_failed_response(response: &JsonFields) -> Self {
        let details =
            response.object("status_details").filter(|details| !response.says("error") && details.says("error"));
        parse_object(details.as_ref().unwrap_or(response), None)
    }
}

/// Reads an error object. `status` is the HTTP status; pass `None` inside a stream, where a 200 means nothing.
fn parse_object(top: &JsonFields, status: Option<u16>) -> ApiError {
    // Some servers give a list of errors, or an error as JSON in a string.
    let error_text = top.non_blank("error").filter(|error| error.trim_start().starts_with('{'));
    let first = top.list("error").into_iter().find_map(|error| JsonFields::parse(error.get()));
    let error = top.object("error").or(first).or_else(|| JsonFields::parse(error_text.as_deref()?));
    let error_fields = error.as_ref().unwrap_or(top);
    let inner_text = error_fields.non_blank("message").filter(|text| text.contains('{'));
    let inner_error = inner_text.as_deref().and_then(quoted_error);
    let inner = error_fields.object("metadata");
    // In one form the metadata is beside the error instead of inside it.
    let outer = top.object("metadata");
    let metadata_text = |key: &str| inner.iter().chain(outer.iter()).find_map(|metadata| metadata.non_blank(key));
    let availability = error_fields.object("availability");
    let server_text =
        words::in_fields(error_fields).or_else(|| words::in_value(top.raw("error")?)).or_else(|| words::in_fields(top));
    let raw = metadata_text("raw").and_then(|raw| provider_message(&raw));
    let code = availability
        .as_ref()
        .and_then(|availability| availability.non_blank("code"))
        .or_else(|| top.non_blank("error_type"))
        .or_else(|| error_fields.non_blank("error_type"))
        .or_else(|| metadata_text("error_type"))
        .or_else(|| error_fields.non_blank("code").filter(|code| !code.bytes().all(|byte| byte.is_ascii_digit())))
        .or_else(|| inner_error.as_ref().and_then(|error| error.code.clone()))
        .or_else(|| error_fields.non_blank("type").filter(|word| is_error_type(word)))
        .or_else(|| top.non_blank("code").filter(|code| !code.bytes().all(|byte| byte.is_ascii_digit())));
    let (server_text, raw) = (server_text.as_deref(), raw.as_deref());
    let reported_status = error_fields
        .number("http_status")
        .or_else(|| error_fields.number("code"))
        .or_else(|| error_fields.number("status"))
        .or_else(|| error_fields.number("statusCode"))
        .or_else(|| top.number("error"))
        .or_else(|| top.number("code"))
        .or_else(|| top.number("status"))
        .or_else(|| inner_error.as_ref().and_then(|error| error.status.map(u64::from)));
    let http_status = status;
    let status = status
        .or_else(|| {
            reported_status.and_then(|status| u16::try_from(status).ok()).filter(|status| (400..600).contains(status))
        })
        .or_else(|| code.as_deref().and_then(status_of_code));
    let message = compose_message(server_text, raw, code.as_deref(), status);
    if let Some(error) = path_error(status, code.as_deref(), &message) {
        return error;
    }
    let mut facts = find_facts(error_fields, inner.as_ref(), availability.as_ref(), &message);
    let deciding = code.as_deref().filter(|code| !http_status.is_some_and(|status| is_overruled(code, status)));
    let fault = classify(deciding, status, &message, &facts);
    if fault == FaultKind::Request
        && let Some(parameter) = error_fields.non_blank("param")
    {
        facts.push(ErrorFact::Parameter(to_single_line(&parameter)));
    }
    let limit_headers = inner.as_ref().and_then(|metadata| metadata.object("headers"));
    ApiError {
        fault,
        status,
        retry_after: availability
            .as_ref()
            .and_then(|availability| availability.number("retry_after"))
            .or_else(|| limit_headers.and_then(|headers| headers.number("Retry-After")))
            .or_else(|| retry_seconds_in(&message)),
        code: code.map(|code| to_single_line(&code)),
        message,
        provider: metadata_text("provider_name").map(|provider| to_single_line(&provider)),
        facts,
    }
}

/// Reads the error that a gateway quotes in its own message.
fn quoted_error(message: &str) -> Option<ApiError> {
    let quoted = &message[message.find('{')?..];
    let value = serde_json::Deserializer::from_str(quoted).into_iter::<&serde_json::value::RawValue>().next()?.ok()?;
    Some(parse_object(&JsonFields::parse(value.get())?, None))
}

/// Returns whether a type names a kind of error, not of an object or event.
fn is_error_type(kind: &str) -> bool {
    kind != "error" && !kind.starts_with("response.") && !kind.contains(['/', ' '])
}

/// Reads a body that is not a JSON object: HTML from a gateway, plain text, or nothing.
fn parse_text(body: &str, status: u16, headers: &HeaderMap) -> ApiError {
    let is_page = words::is_page(body);
    let text = words::in_text(body).map(|words| to_single_line(&words)).unwrap_or_default();
    if let Some(error) = path_error(Some(status), None, &text) {
        return error;
    }
    let obstacle = obstacle_of(status, headers, body, &text).filter(|_| status >= 400);
    let message = match obstacle {
        // Truncated JSON has no readable message.
        _ if text.is_empty() || text.starts_with(['{', '[']) => format!("the server answered {}", status_text(status)),
        Some(_) => truncate(&text, MAX_TITLE_CHARS),
        None if is_page => {
            format!("the server answered {} with a web page: {}", status_text(status), truncate(&text, MAX_TITLE_CHARS))
        }
        None => truncate(&text, MAX_MESSAGE_CHARS),
    };
    let fault = match status {
        200..300 => FaultKind::Garbage,
        401 | 403 if obstacle.is_some() => FaultKind::Garbage,
        _ => classify(None, Some(status), &message, &[]),
    };
    let facts = obstacle.map(ErrorFact::Obstacle).into_iter().collect();
    ApiError { status: Some(status), facts, ..ApiError::new(fault, message) }
}

/// Returns what between here and the server wrote a body: a proxy that names itself, or a gateway with its page.
fn obstacle_of(status: u16, headers: &HeaderMap, body: &str, text: &str) -> Option<NetworkObstacle> {
    let header =
        |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_lowercase();
    let lower = body[..body.floor_char_boundary(MAX_SCANNED_BYTES)].to_lowercase();
    let proxies =
        ["squid", "zscaler", "blue coat", "bluecoat", "fortigate", "fortiguard", "mcafee", "proxy server", "web proxy"];
    let is_proxy = status == 407
        || !header("x-squid-error").is_empty()
        || !header("proxy-authenticate").is_empty()
        || proxies.iter().any(|name| header("server").contains(name) || header("via").contains(name))
        || (words::is_page(body) && proxies.iter().any(|name| lower.contains(name)));
    let text = text.to_lowercase();
    let is_gateway = words::is_page(body)
        || text.starts_with("error code: 1")
        || text.starts_with("upstream connect error")
        || text.starts_with("no healthy upstream");
    if is_proxy { Some(NetworkObstacle::ProxyRefusal) } else { is_gateway.then_some(NetworkObstacle::Gateway) }
}

/// Returns the error of an address without this API, if that is what the server reports.
pub(super) fn path_error(status: Option<u16>, code: Option<&str>, message: &str) -> Option<ApiError> {
    if !is_missing_path(status, code, message) {
        return None;
    }
    let mut words = match status {
        Some(status) => format!("there is no Responses API at this address ({status})"),
        None => "there is no Responses API at this address".to_owned(),
    };
    if !message.is_empty() && !message.starts_with("the server answered") && !message.starts_with(['{', '[']) {
        words = format!("{words}: {}", truncate(message, MAX_TITLE_CHARS));
    }
    Some(ApiError { status, code: code.map(to_single_line), ..ApiError::new(FaultKind::Garbage, words) })
}

/// Returns whether an error is about the path of the request and not about its content.
fn is_missing_path(status: Option<u16>, code: Option<&str>, message: &str) -> bool {
    let lower = message.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    let is_path = has(&[
        "unexpected endpoint",
        "invalid url",
        "unknown request url",
        "unrecognized request url",
        "cannot post",
        "no route matched",
        "no static resource",
        "unknown path",
        "unknown endpoint",
        "no such endpoint",
        "method not allowed",
        "page not found",
        "file not found",
        "path not found",
        "endpoint not found",
        "url was not found",
        "url not found",
    ]) || (has(&["route"]) && has(&["not found"]));
    match status {
        Some(405) => true,
        Some(404) if is_path => true,
        Some(404) => {
            let about_model = has(&["model", "provider", "endpoints found", "deployment", "guardrail", "data policy"])
                || code.is_some_and(|code| !matches!(code, "not_found" | "not_found_error" | "NotFound" | "NOT_FOUND"));
            let about_item = has(&["with id", "'rs_", "'msg_", "encrypted", "item", "previous response"]);
            !about_model && !about_item && (has(&["not found", "404"]) || message.is_empty())
        }
        Some(200..300) | None => is_path || lower == "not found" || lower == "404 not found",
        Some(_) => has(&["unexpected endpoint", "invalid url", "unknown request url", "cannot post"]),
    }
}

/// Returns whether the HTTP status counts more than a code: a class of errors, as gateways set it, of another class.
fn is_overruled(code: &str, status: u16) -> bool {
    let is_class = code.ends_with("_error") || matches!(code, "server" | "unmapped" | "unauthorized" | "not_found");
    let is_ours = matches!(status, 400..=407 | 409..=428 | 430..=499);
    is_class
        && match fault_of_code(code) {
            Some(FaultKind::Server | FaultKind::Rate) => is_ours,
            Some(FaultKind::Key | FaultKind::Credit) => !matches!(status, 400 | 401 | 402 | 403 | 422),
            Some(_) => !matches!(status, 400 | 422) && (is_ours || status == 429 || status >= 500),
            None => false,
        }
}

/// Returns the HTTP status at the beginning of a title such as `504 Gateway Time-out`.
fn status_in(words: &str) -> Option<u16> {
    let mut numbers = words.split(|c: char| !c.is_ascii_digit()).filter(|digits| digits.len() == 3).take(1);
    numbers.next()?.parse().ok().filter(|status| (400..600).contains(status))
}

/// Joins the server's message and the provider's, if the provider's adds anything.
fn compose_message(server_text: Option<&str>, raw: Option<&str>, code: Option<&str>, status: Option<u16>) -> String {
    let server_text = server_text.map(to_single_line).filter(|server_text| !server_text.is_empty());
    let raw = raw.map(to_single_line).filter(|raw| !raw.is_empty());
    let message = match (server_text, raw) {
        (Some(server_text), Some(raw)) if server_text == "Provider returned error" || raw.contains(&server_text) => raw,
        (Some(server_text), Some(raw)) if !server_text.contains(&raw) => format!("{server_text}: {raw}"),
        (Some(server_text), _) => server_text,
        (None, Some(raw)) => raw,
        (None, None) => match (code, status) {
            (Some(code), _) => to_single_line(&words::for_code(code)),
            (None, Some(status)) => format!("the server answered {}", status_text(status)),
            (None, None) => "the server reported an error without details".into(),
        },
    };
    truncate(&message, MAX_MESSAGE_CHARS)
}

/// Extracts the message from `metadata.raw`: plain text, an error in JSON, or a list of validation issues.
fn provider_message(raw: &str) -> Option<String> {
    let words = words::in_text(raw);
    let is_json = serde_json::from_str::<serde::de::IgnoredAny>(raw).is_ok();
    words.or_else(|| (!is_json).then(|| raw.to_owned()))
}

fn find_facts(
    error_fields: &JsonFields,
    metadata: Option<&JsonFields>,
    availability: Option<&JsonFields>,
    message: &str,
) -> Vec<ErrorFact> {
    let mut facts = Vec::new();
    let lower = message.to_lowercase();
    if let Some(tokens) = number_after(&lower, "can only afford ") {
        facts.push(ErrorFact::Affordable(tokens));
    }
    if let Some(pinned) = metadata.and_then(|metadata| metadata.non_blank("pinned_endpoint_slug")) {
        facts.push(ErrorFact::Pinned(to_single_line(&pinned)));
    }
    if is_foreign_item(&lower) {
        facts.push(ErrorFact::ForeignItems);
    } else if is_foreign_reasoning(&lower)
        || error_fields.non_blank("code").as_deref() == Some("invalid_encrypted_content")
    {
        facts.push(ErrorFact::ForeignReasoning);
    }
    if lower.contains("reasoning is mandatory") {
        facts.push(ErrorFact::ReasoningMandatory);
    }
    if let Some((_, listed)) = lower.split_once("supported values are")
        && lower.contains("effort")
    {
        let known = |word: &str| Effort::from_name(word.trim_matches(|c: char| !c.is_ascii_alphabetic()));
        facts.push(ErrorFact::Efforts(listed.split([',', ' ']).filter_map(known).collect()));
    }
    if lower.contains("free-models-per-day") || lower.contains("free_models_per_day") {
        facts.push(ErrorFact::FreeQuotaOfTheDay);
    }
    if let Some(retryable) = availability.and_then(|availability| availability.flag("retryable")) {
        facts.push(ErrorFact::Retryable(retryable));
    }
    let all = |fields: Option<&JsonFields>, key: &str| -> Vec<String> {
        fields.map(|fields| fields.strings(key).iter().map(|word| to_single_line(word)).collect()).unwrap_or_default()
    };
    let reasons = [all(metadata, "reasons"), all(metadata, "patterns")].concat();
    let tried = metadata.map(|metadata| metadata.list("previous_errors")).unwrap_or_default();
    let tried = tried.into_iter().filter_map(|error| {
        let error = JsonFields::parse(error.get())?;
        error
            .non_blank("provider_name")
            .or_else(|| error.non_blank("provider"))
            .map(|provider| to_single_line(&provider))
    });
    for (words, fact) in [
        (reasons, ErrorFact::Reasons as fn(Vec<String>) -> ErrorFact),
        (all(availability, "excluded_by"), ErrorFact::ExcludedBy),
        (all(availability, "fallback_models"), ErrorFact::FallbackModels),
        (tried.collect(), ErrorFact::Tried),
    ] {
        if !words.is_empty() {
            facts.push(fact(words));
        }
    }
    facts
}

/// Whether a server refuses an item of a tool that another server ran, such as sealed results of a search.
fn is_foreign_item(lower: &str) -> bool {
    let names_item = [
        "web_search",
        "web search",
        "search result",
        "search_result",
        "server_tool",
        "server tool",
        "web_fetch",
        "file_search",
        "code_interpreter",
        "mcp_call",
        "mcp_list_tools",
        "shell_call",
        "compaction",
        "openrouter:",
        "tool_search",
        "program_output",
        "image_generation_call",
    ]
    .iter()
    .any(|name| lower.contains(name));
    let refuses = [
        "decrypt",
        "encrypted",
        "verified",
        "invalid value",
        "invalid type",
        "not supported",
        "unsupported",
        "unrecognized",
        "unknown",
        "unexpected",
        "invalid input",
        "does not match",
        "not found",
        "malformed",
    ];
    // Items may be named beside the reasoning that is the trouble.
    names_item && !lower.contains("reasoning") && refuses.iter().any(|word| lower.contains(word))
}

fn is_foreign_reasoning(lower: &str) -> bool {
    (lower.contains("encrypted")
        && ["different model", "verified", "decrypt", "could not be"].iter().any(|word| lower.contains(word)))
        || (lower.contains("invalid") && lower.contains("signature") && lower.contains("thinking"))
}

pub(crate) fn status_text(status: u16) -> String {
    let reason = reqwest::StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
    match reason {
        Some(reason) => format!("{status} {reason}"),
        None => status.to_string(),
    }
}

/// Returns how long the server asks us to wait: `Retry-After` in seconds or as a date, or the reset of its rate limit.
fn retry_after_header(headers: &HeaderMap, status: u16, now: Timestamp) -> Option<u64> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let until =
        |at: Timestamp| u64::try_from((at.as_millisecond() - now.as_millisecond()).max(0)).unwrap_or(0).div_ceil(1000);
    if let Some(after) = header("retry-after") {
        if let Some(seconds) = parse_seconds(after) {
            return Some(seconds);
        }
        if let Ok(date) = jiff::fmt::rfc2822::parse(after) {
            return Some(until(date.timestamp()));
        }
    }
    if status != 429 && status != 503 {
        return None;
    }
    let reset: i64 = header("x-ratelimit-reset")?.parse().ok()?;
    // The unit is undocumented; a Unix time in seconds stays below this for 3000 years.
    let milliseconds = if reset > 100_000_000_000 { reset } else { reset.checked_mul(1000)? };
    Timestamp::from_millisecond(milliseconds).ok().map(until)
}

/// Reads the wait from a message such as "… try again in 1.5s", "in 20 seconds", "in 1m30s" or "in 300ms".
fn retry_seconds_in(message: &str) -> Option<u64> {
    let lower = message.to_lowercase();
    let (_, rest) = lower.split_once("try again in ").or_else(|| lower.split_once("retry after "))?;
    let (mut rest, mut seconds, mut found) = (rest, 0.0, false);
    loop {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let Ok(number) = rest[..end].trim_end_matches('.').parse::<f64>() else { break };
        rest = rest[end..].trim_start();
        let unit = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
        seconds += match &rest[..unit] {
            "ms" | "milliseconds" => number / 1000.0,
            "m" | "min" | "mins" | "minute" | "minutes" => number * 60.0,
            "h" | "hour" | "hours" => number * 3600.0,
            _ => number,
        };
        found = true;
        rest = rest[unit..].trim_start();
    }
    found.then(|| parse_seconds(&seconds.to_string())).flatten()
}

fn parse_seconds(seconds: &str) -> Option<u64> {
    let seconds: f64 = seconds.parse().ok()?;
    #[expect(clippy::cast_sign_loss, reason = "negative numbers are excluded")]
    (seconds >= 0.0).then_some(seconds.min(MAX_WAIT_SECONDS).ceil() as u64)
}

fn number_after(text: &str, words: &str) -> Option<u32> {
    let (_, rest) = text.split_once(words)?;
    let digits: String =
        rest.chars().take_while(|c| c.is_ascii_digit() || *c == ',').filter(char::is_ascii_digit).collect();
    digits.parse().ok()
}

/// Reduces a text to one line without control characters and without a final full stop.
fn to_single_line(text: &str) -> String {
    let line = crate::text::one_line(text);
    line.strip_suffix('.').filter(|line| !line.ends_with('.')).unwrap_or(&line).to_owned()
}

fn truncate(text: &str, max_chars: usize) -> String {
    match text.char_indices().nth(max_chars - 1) {
        Some((end, last)) if text.len() > end + last.len_utf8() => format!("{}…", text[..end].trim_end()),
        _ => text.to_owned(),
    }
}
