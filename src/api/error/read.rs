//! Every shape in which servers tell of a failure, read into one (reference: 6.1 to 6.5).

use jiff::Timestamp;
use reqwest::header::HeaderMap;

use super::{
    Error, Fact, Fault,
    classify::{fault, status_of},
};
use crate::api::{Effort, json::Fields};

/// A server that asks for more asks for this: it is waited for by nobody.
const LONGEST_WAIT: f64 = 86_400.0;

/// So much of a message is kept, in characters.
const LONGEST: usize = 500;

impl Error {
    /// The answer to a request that is no success: status, headers and body.
    pub fn of_response(status: u16, headers: &HeaderMap, body: &[u8], now: Timestamp) -> Self {
        let body = String::from_utf8_lossy(body);
        let body = body.trim();
        let mut error = match Fields::of(body) {
            Some(fields) => of_fields(&fields, Some(status)),
            None => of_text(body, status),
        };
        if (300..400).contains(&status) {
            let to = headers.get("location").and_then(|to| to.to_str().ok()).unwrap_or("another address");
            error = Self {
                status: Some(status),
                ..Self::new(Fault::Request, format!("the server sends us on to {}", tidy(to)))
            };
        }
        error.retry_after = of_headers(headers, status, now).or(error.retry_after);
        error
    }

    /// An `error` event, flat or nested, or the chat API's error frame.
    pub fn in_stream(json: &str) -> Self {
        let Some(fields) = Fields::of(json) else { return Self::new(Fault::Server, "the server reports an error") };
        as_read(&fields).unwrap_or_else(|| of_fields(&fields, None))
    }

    /// A response object that failed.
    pub(crate) fn of_failed(response: &Fields) -> Self {
        let read = response.object("error").as_ref().and_then(as_read);
        read.unwrap_or_else(|| of_fields(response, None))
    }
}

/// An error that we wrote ourselves, into the journal.
fn as_read(fields: &Fields) -> Option<Error> {
    serde_json::from_str(fields.raw("as_read")?.get()).ok()
}

/// `status` is that of HTTP; a 200 says nothing of what went wrong inside a stream.
fn of_fields(top: &Fields, status: Option<u16>) -> Error {
    let error = top.object("error");
    let e = error.as_ref().unwrap_or(top);
    let inner = e.object("metadata");
    // One shape has the metadata beside the error instead of in it.
    let outer = top.object("metadata");
    let meta = |key: &str| inner.iter().chain(outer.iter()).find_map(|metadata| metadata.word(key));
    let availability = e.object("availability");
    let told = e.word("message").or_else(|| e.word("error")).or_else(|| top.word("error"));
    let told = told.or_else(|| top.word("detail")).or_else(|| top.word("message"));
    let raw = meta("raw").and_then(|raw| of_provider(&raw));
    let message = sentence(told.as_deref(), raw.as_deref(), status);
    let code = availability
        .as_ref()
        .and_then(|availability| availability.word("code"))
        .or_else(|| top.word("error_type"))
        .or_else(|| e.word("error_type"))
        .or_else(|| meta("error_type"))
        .or_else(|| e.word("code").filter(|code| !code.bytes().all(|byte| byte.is_ascii_digit())))
        .or_else(|| e.word("type").filter(|word| word != "error" && !word.starts_with("response.")));
    let named = e.number("http_status").or_else(|| e.number("code")).or_else(|| e.number("status"));
    let status = status
        .or_else(|| named.and_then(|status| u16::try_from(status).ok()).filter(|status| (400..600).contains(status)))
        .or_else(|| code.as_deref().and_then(status_of));
    let mut facts = facts(e, inner.as_ref(), availability.as_ref(), &message);
    let fault = fault(code.as_deref(), status, &message, &facts);
    if fault == Fault::Request
        && let Some(parameter) = e.word("param")
    {
        facts.push(Fact::Parameter(tidy(&parameter)));
    }
    let limit_headers = inner.as_ref().and_then(|metadata| metadata.object("headers"));
    Error {
        fault,
        status,
        retry_after: availability
            .as_ref()
            .and_then(|availability| availability.number("retry_after"))
            .or_else(|| limit_headers.and_then(|headers| headers.number("Retry-After")))
            .or_else(|| said_seconds(&message)),
        code: code.map(|code| tidy(&code)),
        message,
        provider: meta("provider_name").map(|provider| tidy(&provider)),
        facts,
    }
}

/// A body that is no JSON object: HTML from a proxy, plain text, or nothing.
fn of_text(body: &str, status: u16) -> Error {
    let is_page = body.starts_with('<') || body.contains("</");
    let text = if is_page { tidy(&without_tags(body)) } else { tidy(body) };
    let message = match status {
        404 | 405 => format!("there is no Responses API at this address ({status})"),
        // JSON that broke off says nothing in words.
        _ if text.is_empty() || text.starts_with(['{', '[']) => {
            format!("the server answered {}", status_in_words(status))
        }
        _ if is_page => {
            format!("the server answered {} with a web page: {}", status_in_words(status), shorten(&text, 120))
        }
        _ => shorten(&text, LONGEST),
    };
    let fault = match status {
        404 | 405 | 200..300 => Fault::Garbage,
        _ => fault(None, Some(status), &message, &[]),
    };
    Error { status: Some(status), ..Error::new(fault, message) }
}

/// The server's sentence, and behind it the provider's own words where they say more.
fn sentence(told: Option<&str>, raw: Option<&str>, status: Option<u16>) -> String {
    let told = told.map(|text| tidy(&if text.contains("</") { without_tags(text) } else { text.to_owned() }));
    let raw = raw.map(tidy).filter(|raw| !raw.is_empty());
    let message = match (told, raw) {
        (Some(told), Some(raw)) if told == "Provider returned error" || raw.contains(&told) => raw,
        (Some(told), Some(raw)) if !told.contains(&raw) => format!("{told}: {raw}"),
        (Some(told), _) => told,
        (None, Some(raw)) => raw,
        (None, None) => match status {
            Some(status) => format!("the server answered {}", status_in_words(status)),
            None => "the server reports an error without saying which".into(),
        },
    };
    shorten(&message, LONGEST)
}

/// `metadata.raw`: plain words, or JSON in which they are, perhaps a list of what a validator found.
fn of_provider(raw: &str) -> Option<String> {
    if let Some(fields) = Fields::of(raw) {
        let error = fields.object("error");
        let e = error.as_ref().unwrap_or(&fields);
        return e.word("message").or_else(|| e.word("error")).or_else(|| fields.word("detail"));
    }
    let issues: Vec<&serde_json::value::RawValue> = serde_json::from_str(raw).unwrap_or_default();
    if issues.is_empty() {
        return Some(raw.to_owned());
    }
    let words = issues.into_iter().filter_map(|issue| {
        let issue = Fields::of(issue.get())?;
        let path: Vec<_> = issue.list("path").iter().map(|step| step.get().trim_matches('"').to_owned()).collect();
        let message = issue.word("message")?;
        Some(if path.is_empty() { message } else { format!("{}: {message}", path.join(".")) })
    });
    Some(words.take(3).collect::<Vec<_>>().join("; "))
}

fn facts(e: &Fields, metadata: Option<&Fields>, availability: Option<&Fields>, message: &str) -> Vec<Fact> {
    let mut facts = Vec::new();
    let lower = message.to_lowercase();
    if let Some(tokens) = number_behind(&lower, "can only afford ") {
        facts.push(Fact::Affordable(tokens));
    }
    if let Some(pinned) = metadata.and_then(|metadata| metadata.word("pinned_endpoint_slug")) {
        facts.push(Fact::Pinned(tidy(&pinned)));
    }
    if is_foreign_reasoning(&lower) || e.word("code").as_deref() == Some("invalid_encrypted_content") {
        facts.push(Fact::ForeignReasoning);
    }
    if lower.contains("reasoning is mandatory") {
        facts.push(Fact::ReasoningMandatory);
    }
    if let Some((_, listed)) = lower.split_once("supported values are")
        && lower.contains("effort")
    {
        let known = |word: &str| Effort::from_name(word.trim_matches(|c: char| !c.is_ascii_alphabetic()));
        facts.push(Fact::Efforts(listed.split([',', ' ']).filter_map(known).collect()));
    }
    if lower.contains("free-models-per-day") || lower.contains("free_models_per_day") {
        facts.push(Fact::FreeQuotaOfTheDay);
    }
    if let Some(retryable) = availability.and_then(|availability| availability.flag("retryable")) {
        facts.push(Fact::Retryable(retryable));
    }
    let all = |fields: Option<&Fields>, key: &str| -> Vec<String> {
        fields.map(|fields| fields.words(key).iter().map(|word| tidy(word)).collect()).unwrap_or_default()
    };
    let reasons = [all(metadata, "reasons"), all(metadata, "patterns")].concat();
    let tried = metadata.map(|metadata| metadata.list("previous_errors")).unwrap_or_default();
    let tried = tried.into_iter().filter_map(|error| {
        let error = Fields::of(error.get())?;
        error.word("provider_name").or_else(|| error.word("provider")).map(|provider| tidy(&provider))
    });
    for (words, fact) in [
        (reasons, Fact::Reasons as fn(Vec<String>) -> Fact),
        (all(availability, "excluded_by"), Fact::ExcludedBy),
        (all(availability, "fallback_models"), Fact::FallbackModels),
        (tried.collect(), Fact::Tried),
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

pub fn status_in_words(status: u16) -> String {
    let reason = reqwest::StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
    match reason {
        Some(reason) => format!("{status} {reason}"),
        None => status.to_string(),
    }
}

/// How long the server asks to wait: `Retry-After` in seconds or as a date, or the end of its limit.
fn of_headers(headers: &HeaderMap, status: u16, now: Timestamp) -> Option<u64> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let until =
        |at: Timestamp| u64::try_from((at.as_millisecond() - now.as_millisecond()).max(0)).unwrap_or(0).div_ceil(1000);
    if let Some(after) = header("retry-after") {
        if let Some(seconds) = ceiling(after) {
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
    // The unit is not written down anywhere; a Unix time in seconds stays below this for 3000 years.
    let milliseconds = if reset > 100_000_000_000 { reset } else { reset.checked_mul(1000)? };
    Timestamp::from_millisecond(milliseconds).ok().map(until)
}

/// "… try again in 1.5s", "in 20 seconds", "in 1m30s", "in 300ms".
fn said_seconds(message: &str) -> Option<u64> {
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
    found.then(|| ceiling(&seconds.to_string())).flatten()
}

fn ceiling(seconds: &str) -> Option<u64> {
    let seconds: f64 = seconds.parse().ok()?;
    #[expect(clippy::cast_sign_loss, reason = "negative numbers are out before")]
    (seconds >= 0.0).then_some(seconds.min(LONGEST_WAIT).ceil() as u64)
}

fn number_behind(text: &str, words: &str) -> Option<u32> {
    let (_, rest) = text.split_once(words)?;
    let digits: String =
        rest.chars().take_while(|c| c.is_ascii_digit() || *c == ',').filter(char::is_ascii_digit).collect();
    digits.parse().ok()
}

/// One line without control characters, and without the full stop of its last sentence.
fn tidy(text: &str) -> String {
    let cleaned = crate::text::clean(text);
    let line = cleaned.split_whitespace().collect::<Vec<_>>().join(" ");
    line.strip_suffix('.').filter(|line| !line.ends_with('.')).unwrap_or(&line).to_owned()
}

fn shorten(text: &str, longest: usize) -> String {
    match text.char_indices().nth(longest - 1) {
        Some((end, last)) if text.len() > end + last.len_utf8() => format!("{}…", text[..end].trim_end()),
        _ => text.to_owned(),
    }
}

/// The words of a page: its title where it has one, else all that stands between its tags.
fn without_tags(page: &str) -> String {
    let lower = page.to_ascii_lowercase();
    if let Some(title) = between(page, &lower, "<title", "</title") {
        return title.to_owned();
    }
    let mut words = String::new();
    let mut at = 0;
    while let Some(open) = lower[at..].find('<').map(|open| at + open) {
        words += &page[at..open];
        words.push(' ');
        let hidden = ["script", "style"].iter().find(|name| lower[open + 1..].starts_with(**name));
        let end = match hidden {
            Some(name) => lower[open..].find(&format!("</{name}")).map_or(lower.len(), |end| open + end + 2),
            None => open + 1,
        };
        at = lower[end..].find('>').map_or(lower.len(), |close| end + close + 1);
    }
    words + &page[at..]
}

fn between<'a>(page: &'a str, lower: &str, open: &str, close: &str) -> Option<&'a str> {
    let start = lower.find(open)?;
    let start = start + lower[start..].find('>')? + 1;
    let end = start + lower[start..].find(close)?;
    Some(&page[start..end]).filter(|title| !title.trim().is_empty())
}
