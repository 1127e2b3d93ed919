//! Finds a server's words in an error of any shape: text, a page, JSON in JSON, a list, or a map by field.

use std::borrow::Cow;

use serde_json::value::RawValue;

use crate::api::{
    json::{self, JsonFields},
    sse::{SseDecoder, SseFrame},
};

/// How deep errors are unwrapped.
const MAX_DEPTH: usize = 8;

/// How many errors of a list are shown.
const MAX_LISTED: usize = 3;

/// The fields under which servers put words, the most telling first.
const WORD_FIELDS: [&str; 19] = [
    "message",
    "error",
    "msg",
    "detail",
    "errors",
    "details",
    "error_message",
    "errorMessage",
    "error_msg",
    "error_description",
    "errorDescription",
    "description",
    "Message",
    "faultstring",
    "fault",
    "reason",
    "title",
    "text",
    "failure",
];

/// Returns the words in a text, which may be JSON, a page, or a sentence with JSON at its end.
pub(super) fn in_text(text: &str) -> Option<String> {
    text_words(text, MAX_DEPTH)
}

/// Returns the words in a JSON value of any shape.
pub(super) fn in_value(value: &RawValue) -> Option<String> {
    value_words(value, MAX_DEPTH)
}

/// Returns the words in the fields of an error object.
pub(super) fn in_fields(fields: &JsonFields) -> Option<String> {
    field_words(fields, MAX_DEPTH)
}

/// Returns the JSON object in a text: the text itself, the first of a list, or the one in an event of a stream.
pub(super) fn object_in_body(body: &str) -> Option<Cow<'_, str>> {
    if JsonFields::parse(body).is_some() {
        return Some(body.into());
    }
    if let Ok(list) = serde_json::from_str::<Vec<&RawValue>>(body) {
        return list.into_iter().map(RawValue::get).find(|item| JsonFields::parse(item).is_some()).map(Cow::from);
    }
    let payloads = event_payloads(body);
    let mut objects = payloads.iter().filter_map(|payload| Some((payload, JsonFields::parse(payload)?)));
    let error = objects.find(|(_, fields)| fields.has("error") || fields.non_blank("type").as_deref() == Some("error"));
    let error = error.map(|(payload, _)| payload.clone());
    error.or_else(|| payloads.into_iter().find(|payload| JsonFields::parse(payload).is_some())).map(Cow::from)
}

/// Returns the payloads of a body in the form of server-sent events, or nothing if it has another form.
pub(super) fn event_payloads(body: &str) -> Vec<String> {
    let is_stream = ["data:", "event:", "id:", "retry:", ":"].iter().any(|start| body.starts_with(start));
    let mut payloads = Vec::new();
    if is_stream {
        let mut take = |frame: SseFrame<'_>| {
            if let SseFrame::Data(payload) = frame {
                payloads.push(payload);
            }
        };
        let mut decoder = SseDecoder::default();
        decoder.push(body.as_bytes(), &mut take);
        decoder.finish(&mut take);
    }
    payloads
}

/// Describes an error code that came without words, as in `too many requests (rate_limit_exceeded)`.
pub(super) fn for_code(code: &str) -> String {
    let meaning = match code {
        "server_is_overloaded" | "provider_overloaded" | "overloaded_error" | "overloaded" | "slow_down" => {
            "the server is overloaded"
        }
        "rate_limit_exceeded" | "rate_limit_error" | "too_many_requests" => "too many requests",
        "insufficient_quota" | "insufficient_credits" | "credit_balance_exhausted" | "payment_required" => {
            "the credit is used up"
        }
        "context_length_exceeded" => "the conversation is too long for this model",
        "invalid_api_key" | "authentication_error" | "authentication" | "unauthorized" => "the key was refused",
        "model_not_found" => "there is no such model",
        "timeout" | "timeout_error" => "the model took too long",
        "server_error" | "internal_error" | "internal_server_error" | "api_error" => "the server failed",
        "content_filter" | "content_policy_violation" => "the content was refused",
        "invalid_prompt" => "the prompt was refused",
        code => return format!("the server reports: {} ({code})", code.replace(['_', '-', '.'], " ")),
    };
    format!("{meaning} ({code})")
}

fn text_words(text: &str, depth: usize) -> Option<String> {
    let text = text.trim();
    if text.is_empty() {
        return None;
    }
    let Some(depth) = depth.checked_sub(1) else { return Some(text.to_owned()) };
    if is_page(text) {
        return Some(page_words(text)).filter(|words| !words.trim().is_empty());
    }
    let payloads = event_payloads(text);
    if !payloads.is_empty() {
        return payloads.iter().find_map(|payload| text_words(payload, depth));
    }
    let Some(start) = text.find(['{', '[']) else { return Some(text.to_owned()) };
    // Gateways quote what they received: `Error code: 400 - {"error": …}`, some in Python's notation.
    let (before, quoted) = text.split_at(start);
    let as_json = first_value(quoted).map(|value| (Cow::from(value.get()), value.get().len()));
    let found = as_json.or_else(|| python_value(quoted).map(|(value, length)| (value.into(), length)));
    let words = found.and_then(|(json, length)| {
        let value: &RawValue = serde_json::from_str(&json).ok()?;
        let is_bare_list = json.starts_with('[') && !before.is_empty();
        if is_bare_list {
            return None; // A word in brackets, such as `[input]`.
        }
        Some((value_words(value, depth)?, length))
    });
    match words {
        Some((words, length)) => {
            let before = before.trim_end().trim_end_matches(['-', ':', '=', '(']).trim_end();
            let after = quoted[length..].trim_start_matches([')', '.', ',']).trim();
            let mut all = if before.is_empty() { words } else { format!("{before}: {words}") };
            if !after.is_empty() {
                all = format!("{all} {after}");
            }
            Some(all)
        }
        // JSON without words says nothing to a reader.
        None if before.is_empty() && first_value(quoted).is_some() => None,
        None => Some(text.to_owned()),
    }
}

fn first_value(text: &str) -> Option<&RawValue> {
    serde_json::Deserializer::from_str(text).into_iter::<&RawValue>().next()?.ok()
}

fn value_words(value: &RawValue, depth: usize) -> Option<String> {
    let depth = depth.checked_sub(1)?;
    if let Some(text) = json::text(value) {
        return text_words(&text, depth);
    }
    if let Some(fields) = JsonFields::parse(value.get()) {
        return field_words(&fields, depth).or_else(|| map_words(&fields, depth));
    }
    let list: Vec<&RawValue> = serde_json::from_str(value.get()).ok()?;
    let words: Vec<String> = list.into_iter().filter_map(|item| value_words(item, depth)).take(MAX_LISTED).collect();
    (!words.is_empty()).then(|| words.join("; "))
}

fn field_words(fields: &JsonFields, depth: usize) -> Option<String> {
    let words_of = |key: &str| value_words(fields.raw(key)?, depth);
    let mut found = WORD_FIELDS.iter().filter_map(|key| Some((*key, words_of(key)?)));
    let (key, mut words) = found.next()?;
    if matches!(key, "message" | "error" | "title") {
        // The general sentence first, then what it is about.
        let more = if key == "title" { "detail" } else { "errors" };
        words = match words_of(more).filter(|more| !words.contains(more.as_str())) {
            Some(more) => format!("{}: {more}", words.trim_end().trim_end_matches(['.', ':'])),
            None => words,
        };
    } else if key == "detail"
        && let Some(title) = words_of("title").filter(|title| !words.contains(title.as_str()))
    {
        words = format!("{title}: {words}");
    }
    let misalignment = fields.object("misalignment").and_then(|object| object.non_blank("detailed_explanation"));
    if let Some(explanation) = misalignment.filter(|explanation| !words.contains(explanation.as_str())) {
        words = format!("{words}: {explanation}");
    }
    Some(match place_of(fields) {
        Some(place) => format!("{place}: {words}"),
        None => words,
    })
}

/// Returns what an error of a list is about, such as `body.input.0`.
fn place_of(fields: &JsonFields) -> Option<String> {
    let steps = |key: &str| -> Option<String> {
        let steps: Vec<String> =
            fields.list(key).iter().map(|step| json::text(step).unwrap_or_else(|| step.get().to_owned())).collect();
        (!steps.is_empty()).then(|| steps.join("."))
    };
    steps("loc").or_else(|| steps("path")).or_else(|| fields.non_blank("field")).or_else(|| fields.non_blank("loc"))
}

/// Returns the words of a map from fields of the request to what is wrong with them.
fn map_words(fields: &JsonFields, depth: usize) -> Option<String> {
    let words = fields.iter().filter_map(|(key, value)| {
        let is_words = value.get().starts_with(['"', '[', '{']);
        // The last one is how an earlier version stored errors; no server has a reason to send it.
        let labels = ["type", "code", "id", "object", "param", "status", "request_id", "@type", "as_read"];
        let is_label = labels.contains(&key);
        (is_words && !is_label).then(|| Some(format!("{key}: {}", value_words(value, depth)?)))?
    });
    let words: Vec<String> = words.take(MAX_LISTED).collect();
    (!words.is_empty()).then(|| words.join("; "))
}

/// Reads a value in Python's notation, as `str()` prints it; returns it as JSON, with its length in the text.
fn python_value(text: &str) -> Option<(String, usize)> {
    let mut json = String::new();
    let mut depth = 0_usize;
    let mut chars = text.char_indices().peekable();
    while let Some((at, char)) = chars.next() {
        match char {
            '\'' | '"' => {
                let mut string = String::new();
                loop {
                    match chars.next()?.1 {
                        end if end == char => break,
                        '\\' => match chars.next()?.1 {
                            'n' => string.push('\n'),
                            't' => string.push('\t'),
                            other => string.push(other),
                        },
                        other => string.push(other),
                    }
                }
                json += &serde_json::Value::from(string).to_string();
            }
            '{' | '[' => {
                depth += 1;
                json.push(char);
            }
            '}' | ']' => {
                depth = depth.checked_sub(1)?;
                json.push(char);
                if depth == 0 {
                    return Some((json, at + 1));
                }
            }
            first if first.is_ascii_alphabetic() => {
                let mut word = String::from(first);
                while let Some((_, next)) = chars.next_if(|(_, next)| next.is_ascii_alphanumeric()) {
                    word.push(next);
                }
                json += match word.as_str() {
                    "None" | "null" => "null",
                    "True" | "true" => "true",
                    "False" | "false" => "false",
                    _ => return None,
                };
            }
            other => json.push(other),
        }
    }
    None
}

/// Returns whether a text is HTML or XML.
pub(super) fn is_page(text: &str) -> bool {
    text.starts_with('<') || text.contains("</")
}

/// Returns the title of a page, or all the text between its tags if it has no title.
pub(super) fn page_words(page: &str) -> String {
    let lower = page.to_ascii_lowercase();
    for (open, close) in [("<title", "</title"), ("<h1", "</h1"), ("<message", "</message")] {
        if let Some(title) = text_between(page, &lower, open, close) {
            return without_tags(title);
        }
    }
    without_tags(page)
}

fn without_tags(page: &str) -> String {
    let lower = page.to_ascii_lowercase();
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
    let words = words + &page[position..];
    let entities = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&nbsp;", " "), ("&amp;", "&")];
    entities.into_iter().fold(words, |words, (entity, char)| words.replace(entity, char))
}

fn text_between<'a>(page: &'a str, lower: &str, open: &str, close: &str) -> Option<&'a str> {
    let open_end = lower.find(open)?;
    let start = open_end + lower[open_end..].find('>')? + 1;
    let end = start + lower[start..].find(close)?;
    Some(&page[start..end]).filter(|title| !title.trim().is_empty())
}
