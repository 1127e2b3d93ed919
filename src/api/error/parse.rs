//! Reads every form of error that servers send (reference: 6.1 to 6.5).

use jiff::Timestamp;
use reqwest::header::HeaderMap;

use super::{
    ApiError, ErrorFact, FaultKind,
    classify::{classify, status_of_code},
};
use crate::api::{Effort, json::JsonFields};

/// A longer wait is cut to this, in seconds; nobody waits that long anyway.
const MAX_WAIT_SECONDS: f64 = 86_400.0;

/// The maximum length of a message, in characters.
const MAX_MESSAGE_CHARS: usize = 500;

impl ApiError {
    /// Reads an unsuccessful response: its status, headers and body.
    pub fn from_response(status: u16, headers: &HeaderMap, body: &[u8], now: Timestamp) -> Self {
        let body = String::from_utf8_lossy(body);
        let body = body.trim();
        let mut error = match JsonFields::parse(body) {
            Some(fields) => parse_object(&fields, Some(status)),
            None => parse_text(body, status),
        };
        if (300..400).contains(&status) {
            let location = headers.get("location").and_then(|to| to.to_str().ok()).unwrap_or("another address");
            error = Self {
                status: Some(status),
                ..Self::new(FaultKind::Request, format!("the server redirects to {}", to_single_line(location)))
            };
        }
        error.retry_after = retry_after_header(headers, status, now).or(error.retry_after);
        error
    }

    /// Reads an `error` event, flat or nested, or the chat API's error frame.
    pub fn from_stream(json: &str) -> Self {
        let Some(fields) = JsonFields::parse(json) else {
            return Self::new(FaultKind::Server, "the server reported an error");
        };
        parse_object(&fields, None)
    }

    /// Reads the error of a failed response object.
    pub(crate) fn from_failed_response(response: &JsonFields) -> Self {
        parse_object(response, None)
    }
}

/// Reads an error object. `status` is the HTTP status; pass `None` inside a stream, where a 200 means nothing.
fn parse_object(top: &JsonFields, status: Option<u16>) -> ApiError {
    let error = top.object("error");
    let error_fields = error.as_ref().unwrap_or(top);
    let inner = error_fields.object("metadata");
    // In one form the metadata is beside the error instead of inside it.
    let outer = top.object("metadata");
    let metadata_text = |key: &str| inner.iter().chain(outer.iter()).find_map(|metadata| metadata.non_blank(key));
    let availability = error_fields.object("availability");
    let message_text = error_fields
        .non_blank("message")
        .or_else(|| error_fields.non_blank("error"))
        .or_else(|| top.non_blank("error"));
    let told = message_text.or_else(|| top.non_blank("detail")).or_else(|| top.non_blank("message"));
    let raw = metadata_text("raw").and_then(|raw| provider_message(&raw));
    let message = compose_message(told.as_deref(), raw.as_deref(), status);
    let code = availability
        .as_ref()
        .and_then(|availability| availability.non_blank("code"))
        .or_else(|| top.non_blank("error_type"))
        .or_else(|| error_fields.non_blank("error_type"))
        .or_else(|| metadata_text("error_type"))
        .or_else(|| error_fields.non_blank("code").filter(|code| !code.bytes().all(|byte| byte.is_ascii_digit())))
        .or_else(|| error_fields.non_blank("type").filter(|word| word != "error" && !word.starts_with("response.")));
    let reported_status = error_fields
        .number("http_status")
        .or_else(|| error_fields.number("code"))
        .or_else(|| error_fields.number("status"));
    let status = status
        .or_else(|| {
            reported_status.and_then(|status| u16::try_from(status).ok()).filter(|status| (400..600).contains(status))
        })
        .or_else(|| code.as_deref().and_then(status_of_code));
    let mut facts = find_facts(error_fields, inner.as_ref(), availability.as_ref(), &message);
    let fault = classify(code.as_deref(), status, &message, &facts);
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

/// Reads a body that is not a JSON object: HTML from a proxy, plain text, or nothing.
fn parse_text(body: &str, status: u16) -> ApiError {
    let is_page = body.starts_with('<') || body.contains("</");
    let text = if is_page { to_single_line(&html_text(body)) } else { to_single_line(body) };
    let message = match status {
        404 | 405 => format!("there is no Responses API at this address ({status})"),
        // Truncated JSON has no readable message.
        _ if text.is_empty() || text.starts_with(['{', '[']) => {
            format!("the server answered {}", status_text(status))
        }
        _ if is_page => {
            format!("the server answered {} with a web page: {}", status_text(status), truncate(&text, 120))
        }
        _ => truncate(&text, MAX_MESSAGE_CHARS),
    };
    let fault = match status {
        404 | 405 | 200..300 => FaultKind::Garbage,
        _ => classify(None, Some(status), &message, &[]),
    };
    ApiError { status: Some(status), ..ApiError::new(fault, message) }
}

/// Joins the server's message and the provider's, if the provider's adds anything.
fn compose_message(told: Option<&str>, raw: Option<&str>, status: Option<u16>) -> String {
    let told = told.map(|text| to_single_line(&if text.contains("</") { html_text(text) } else { text.to_owned() }));
    let raw = raw.map(to_single_line).filter(|raw| !raw.is_empty());
    let message = match (told, raw) {
        (Some(told), Some(raw)) if told == "Provider returned error" || raw.contains(&told) => raw,
        (Some(told), Some(raw)) if !told.contains(&raw) => format!("{told}: {raw}"),
        (Some(told), _) => told,
        (None, Some(raw)) => raw,
        (None, None) => match status {
            Some(status) => format!("the server answered {}", status_text(status)),
            None => "the server reported an error without details".into(),
        },
    };
    truncate(&message, MAX_MESSAGE_CHARS)
}

/// Extracts the message from `metadata.raw`: plain text, an error in JSON, or a list of validation issues.
fn provider_message(raw: &str) -> Option<String> {
    if let Some(fields) = JsonFields::parse(raw) {
        let error = fields.object("error");
        let error_fields = error.as_ref().unwrap_or(&fields);
        return error_fields
            .non_blank("message")
            .or_else(|| error_fields.non_blank("error"))
            .or_else(|| fields.non_blank("detail"));
    }
    let issues: Vec<&serde_json::value::RawValue> = serde_json::from_str(raw).unwrap_or_default();
    if issues.is_empty() {
        return Some(raw.to_owned());
    }
    let words = issues.into_iter().filter_map(|issue| {
        let issue = JsonFields::parse(issue.get())?;
        let path: Vec<_> = issue.list("path").iter().map(|step| step.get().trim_matches('"').to_owned()).collect();
        let message = issue.non_blank("message")?;
        Some(if path.is_empty() { message } else { format!("{}: {message}", path.join(".")) })
    });
    Some(words.take(3).collect::<Vec<_>>().join("; "))
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
    if is_foreign_reasoning(&lower) || error_fields.non_blank("code").as_deref() == Some("invalid_encrypted_content") {
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

/// Returns the title of an HTML page, or all the text between its tags if it has no title.
fn html_text(page: &str) -> String {
    let lower = page.to_ascii_lowercase();
    if let Some(title) = text_between(page, &lower, "<title", "</title") {
        return title.to_owned();
    }
    let mut words = String::new();
    let mut position = 0;
    while let Some(open) = lower[position..].find('<').map(|open| position + open) {
        words += &page[position..open];
        words.push(' ');
        let hidden = ["script", "style"].iter().find(|name| lower[open + 1..].starts_with(**name));
        let end = match hidden {
            Some(name) => lower[open..].find(&format!("</{name}")).map_or(lower.len(), |end| open + end + 2),
            None => open + 1,
        };
        position = lower[end..].find('>').map_or(lower.len(), |close| end + close + 1);
    }
    words + &page[position..]
}

fn text_between<'a>(page: &'a str, lower: &str, open: &str, close: &str) -> Option<&'a str> {
    let open_end = lower.find(open)?;
    let start = open_end + lower[open_end..].find('>')? + 1;
    let end = start + lower[start..].find(close)?;
    Some(&page[start..end]).filter(|title| !title.trim().is_empty())
}
