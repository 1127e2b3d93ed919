//! The events of a stream, parsed so that nothing a server sends is fatal.

mod server_notes;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{ApiError, Usd, item::OutputItem, json::JsonFields};

/// One event of a stream. Items stay as the server sent them, and unknown or unreadable events keep their text.
///
/// `parse` reads the form of the wire. The derived form is that of our journals, so a new name in it, or in a type that
/// it contains, needs a new version of the journal.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// The response has started: `response.created`, `queued`, `in_progress`.
    ResponseStarted(Box<ResponseEnvelope>),
    /// An item was added: `output_item.added`.
    ItemAdded { item_ref: ItemRef, item: OutputItem },
    /// An item is complete: `output_item.done`. It replaces what was received of it before.
    ItemDone { item_ref: ItemRef, item: OutputItem },
    /// A part was added or completed: `content_part.*`, `reasoning_summary_part.*`, `reasoning_part.*`.
    Part { item_ref: ItemRef, index: u32, body: PartBody, is_done: bool },
    /// The next piece of a text.
    Delta { target: TextTarget, text: String },
    /// A complete text, which replaces what was received of it before.
    TextDone { target: TextTarget, text: String },
    /// A citation was added: `output_text.annotation.added`.
    AnnotationAdded { item_ref: ItemRef, index: u32, annotation: Annotation },
    /// The status of a tool that the server runs, such as `searching`.
    ToolStatus { item_ref: ItemRef, status: String },
    /// The response ended: `completed`, `incomplete`, `failed`, `cancelled`, `done`, or a body that is not a stream.
    ResponseEnded(Box<ResponseEnvelope>),
    /// The stream failed: `error`, `response.error`, or an error object without a type. Nothing useful follows it.
    Failed(Box<ApiError>),
    /// A comment, which only shows that the server is alive.
    KeepAlive,
    /// An event of an unknown type.
    Other { kind: String, raw: String },
    /// A payload that is not a JSON object, or an event without its required fields.
    Unreadable { raw: String },
}

/// The item that an event refers to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ItemRef {
    /// Its `output_index`. Unlike the id, it is the same in every event.
    Index(u32),
    /// Its id; the server sent no index.
    Id(String),
    /// The server sent neither.
    Unspecified,
}

/// Where the text of an event belongs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextTarget {
    pub item_ref: ItemRef,
    pub field: ItemField,
}

/// A text field of an item, with its index if an item can have several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ItemField {
    Text(u32),
    Refusal(u32),
    /// Raw reasoning.
    ReasoningText(u32),
    /// A summary of the reasoning.
    ReasoningSummary(u32),
    Arguments,
}

/// A part of a message or of reasoning, as far as it was received.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PartBody {
    Text { text: String, annotations: Vec<Annotation> },
    Refusal(String),
    ReasoningText(String),
    ReasoningSummary(String),
    Other(String),
}

/// The fields of the response object in an event.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ResponseEnvelope {
    /// The generation id, `gen-…` on OpenRouter.
    pub id: Option<String>,
    /// The slug of the model that answers.
    pub model: Option<String>,
    pub status: ResponseStatus,
    pub output: Vec<OutputItem>,
    pub usage: Option<Usage>,
    pub error: Option<ApiError>,
    /// Why it is incomplete: `max_output_tokens` or `content_filter`.
    pub incomplete_reason: Option<String>,
    /// The provider that ran the model, if a router reported it.
    pub provider: Option<String>,
    /// What the server did to the request, one line each for the answer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// What a router did besides, one line each for the details.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pipeline: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResponseStatus {
    Running,
    Completed,
    Incomplete,
    Failed,
    Cancelled,
}

/// A citation as the server sent it. The layout resolves its positions.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Annotation {
    /// `url_citation`, `file_citation`, `file_path`, …
    pub kind: String,
    pub url: Option<String>,
    pub title: Option<String>,
    /// An excerpt of the page.
    pub content: Option<String>,
    /// The name of a file, for the kinds without an address.
    pub filename: Option<String>,
    /// Offsets into the part's text, in code points or UTF-16 units; 0 and 0 mean that there is no range.
    pub start: Option<u64>,
    pub end: Option<u64>,
}

/// The tokens and cost of an answer.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Usage {
    #[serde(rename = "input")]
    pub input_tokens: Option<u64>,
    #[serde(rename = "cached")]
    pub cached_tokens: Option<u64>,
    #[serde(rename = "output")]
    pub output_tokens: Option<u64>,
    #[serde(rename = "reasoning")]
    pub reasoning_tokens: Option<u64>,
    /// The cost in the server's own digits. `None` means unknown, not zero.
    pub cost: Option<Usd>,
}

impl Event {
    /// Parses the payload of one frame, or a whole body that is not a stream. Never fails.
    pub fn parse(json: &str) -> Self {
        let Some(fields) = JsonFields::parse(json) else { return parse_list(json) };
        match fields.text("type") {
            Some(kind) => parse_typed(&kind, &fields, json),
            None => parse_untyped(&fields, json),
        }
    }

    /// Turns a text part into a reasoning part: vLLM may send reasoning parts with a text type.
    fn into_reasoning(self) -> Self {
        match self {
            Self::Part { item_ref: at, index, body: PartBody::Text { text, .. }, is_done: closed } => {
                Self::Part { item_ref: at, index, body: PartBody::ReasoningText(text), is_done: closed }
            }
            other => other,
        }
    }
}

fn parse_typed(kind: &str, fields: &JsonFields, json: &str) -> Event {
    let item_ref = || ItemRef::from_fields(fields);
    let content = || fields.index("content_index").unwrap_or(0);
    let summary = || fields.index("summary_index").unwrap_or(0);
    let text = |key: &str, field: ItemField, make: fn(TextTarget, String) -> Event| {
        fields.text(key).map(|text| make(TextTarget { item_ref: item_ref(), field }, text))
    };
    let delta = |field| {
        text("delta", field, |place, text| Event::Delta { target: place, text }).or_else(|| {
            let text = text_in_object(fields.raw("delta")?)?;
            Some(Event::Delta { target: TextTarget { item_ref: item_ref(), field }, text })
        })
    };
    let whole = |key, field| text(key, field, |place, text| Event::TextDone { target: place, text });
    // Arguments may be an object instead of its text; an object is always complete.
    let arguments = |key: &str| {
        let object = fields.raw(key).filter(|raw| raw.get().starts_with(['{', '[']))?;
        let target = TextTarget { item_ref: item_ref(), field: ItemField::Arguments };
        Some(Event::TextDone { target, text: object.get().to_owned() })
    };
    let item = |made: fn(ItemRef, OutputItem) -> Event| {
        fields.raw("item").map(|item| made(item_ref(), OutputItem::from_raw(item)))
    };
    let part = |index, closed| {
        let body = PartBody::from_raw(fields.raw("part")?)?;
        Some(Event::Part { item_ref: item_ref(), index, body, is_done: closed })
    };
    let ended = |status| {
        // Some servers put the fields of the response beside the type.
        let nested = fields.object("response");
        let response = nested.as_ref().unwrap_or(fields);
        Some(Event::ResponseEnded(Box::new(ResponseEnvelope::from_fields(response, status))))
    };
    let event = match kind {
        "response.created" | "response.queued" | "response.in_progress" => {
            let response = fields.object("response").unwrap_or_default();
            let response = ResponseEnvelope {
                status: ResponseStatus::Running,
                ..ResponseEnvelope::from_fields(&response, ResponseStatus::Running)
            };
            Some(Event::ResponseStarted(Box::new(response)))
        }
        "response.output_item.added" => item(|at, item| Event::ItemAdded { item_ref: at, item }),
        "response.output_item.done" => item(|at, item| Event::ItemDone { item_ref: at, item }),
        "response.content_part.added" => part(content(), false),
        "response.content_part.done" => part(content(), true),
        "response.reasoning_part.added" => part(content(), false).map(Event::into_reasoning),
        "response.reasoning_part.done" => part(content(), true).map(Event::into_reasoning),
        "response.reasoning_summary_part.added" => part(summary(), false),
        "response.reasoning_summary_part.done" => part(summary(), true),
        "response.output_text.delta" | "response.content_part.delta" => delta(ItemField::Text(content())),
        "response.output_text.done" => whole("text", ItemField::Text(content())),
        "response.refusal.delta" => delta(ItemField::Refusal(content())),
        "response.refusal.done" => whole("refusal", ItemField::Refusal(content())),
        "response.reasoning_text.delta" | "response.reasoning.delta" => delta(ItemField::ReasoningText(content())),
        "response.reasoning_text.done" | "response.reasoning.done" => {
            whole("text", ItemField::ReasoningText(content()))
        }
        "response.reasoning_summary_text.delta" => delta(ItemField::ReasoningSummary(summary())),
        "response.reasoning_summary_text.done" => whole("text", ItemField::ReasoningSummary(summary())),
        "response.function_call_arguments.delta" | "response.custom_tool_call_input.delta" => {
            arguments("delta").or_else(|| delta(ItemField::Arguments))
        }
        "response.function_call_arguments.done" => {
            arguments("arguments").or_else(|| whole("arguments", ItemField::Arguments))
        }
        "response.custom_tool_call_input.done" => arguments("input").or_else(|| whole("input", ItemField::Arguments)),
        "response.output_text.annotation.added" => {
            let annotation = fields.raw("annotation").and_then(Annotation::from_raw);
            annotation.map(|annotation| Event::AnnotationAdded { item_ref: item_ref(), index: content(), annotation })
        }
        "response.completed" | "response.done" => ended(ResponseStatus::Completed),
        "response.incomplete" => ended(ResponseStatus::Incomplete),
        "response.failed" => ended(ResponseStatus::Failed),
        "response.cancelled" => ended(ResponseStatus::Cancelled),
        "error" | "response.error" => Some(Event::Failed(Box::new(ApiError::from_stream(json)))),
        _ if is_nonstandard_error(kind, fields) => Some(Event::Failed(Box::new(ApiError::from_stream(json)))),
        _ => Some(match tool_status(kind) {
            Some(status) => Event::ToolStatus { item_ref: item_ref(), status: status.to_owned() },
            None => Event::Other { kind: kind.to_owned(), raw: json.to_owned() },
        }),
    };
    event.unwrap_or_else(|| Event::Unreadable { raw: json.to_owned() })
}

/// Parses an object without a type: the chat API's error frame, a response that is not a stream, or anything else.
fn parse_untyped(fields: &JsonFields, json: &str) -> Event {
    let is_response = fields.text("object").as_deref() == Some("response") || !fields.list("output").is_empty();
    if is_response {
        Event::ResponseEnded(Box::new(ResponseEnvelope::from_fields(fields, ResponseStatus::Completed)))
    } else if is_untyped_error(fields) {
        Event::Failed(Box::new(ApiError::from_stream(json)))
    } else {
        Event::Other { kind: String::new(), raw: json.to_owned() }
    }
}

/// Parses a payload that is not an object: a list with an error, as some gateways send, or anything else.
fn parse_list(json: &str) -> Event {
    let list: Vec<&RawValue> = serde_json::from_str(json).unwrap_or_default();
    let mut objects = list.iter().filter_map(|item| JsonFields::parse(item.get()));
    if objects.any(|fields| fields.text("type").is_none() && is_untyped_error(&fields)) {
        return Event::Failed(Box::new(ApiError::from_stream(json)));
    }
    Event::Unreadable { raw: json.to_owned() }
}

/// Returns whether an object without a type is an error in any of its forms, and not a chunk of another API.
fn is_untyped_error(fields: &JsonFields) -> bool {
    if fields.says("error") || fields.says("errors") || fields.text("object").as_deref() == Some("error") {
        return true;
    }
    let is_chunk = ["choices", "delta", "output", "candidates", "data"].iter().any(|key| fields.has(key));
    !is_chunk && ["detail", "message", "msg"].iter().any(|key| fields.says(key))
}

/// Returns whether this is an error event whose type is the kind of error instead of `error`.
///
/// Events about part of the work, such as one failed model of a panel, do not count.
fn is_nonstandard_error(kind: &str, fields: &JsonFields) -> bool {
    let is_named_error = kind.ends_with("error") || kind.ends_with("exception");
    let has_words = ["message", "detail", "errors"].iter().any(|key| fields.says(key));
    !kind.starts_with("response.") && !kind.contains(':') && (fields.says("error") || (is_named_error && has_words))
}

/// Returns the text of a delta that is an object, as some servers send it.
fn text_in_object(delta: &RawValue) -> Option<String> {
    let fields = JsonFields::parse(delta.get())?;
    ["text", "content", "value", "delta", "refusal"].iter().find_map(|key| fields.text(key))
}

/// Returns the status of a tool event: `searching` in `response.web_search_call.searching`.
fn tool_status(kind: &str) -> Option<&str> {
    let (tool, status) = kind.strip_prefix("response.")?.split_once('.')?;
    let is_tool = tool.ends_with("_call") || tool.starts_with("mcp_") || tool == "compaction";
    let known =
        ["compacting", "in_progress", "searching", "generating", "interpreting", "completed", "failed", "incomplete"];
    (is_tool && known.contains(&status)).then_some(status)
}

impl ItemRef {
    fn from_fields(fields: &JsonFields) -> Self {
        match fields.index("output_index") {
            Some(index) => Self::Index(index),
            None => fields.non_blank("item_id").map_or(Self::Unspecified, Self::Id),
        }
    }
}

impl PartBody {
    /// Reads a part of an item or event. A plain string, as in the published samples, is its text.
    pub fn from_raw(raw: &RawValue) -> Option<Self> {
        if let Some(text) = super::json::text(raw) {
            return Some(Self::Text { text, annotations: Vec::new() });
        }
        let fields = JsonFields::parse(raw.get())?;
        let text = || fields.text("text").unwrap_or_default();
        let kind = fields.text("type").unwrap_or_default();
        Some(match kind.as_str() {
            "output_text" | "text" | "input_text" => {
                let annotations = fields.list("annotations").into_iter().filter_map(Annotation::from_raw).collect();
                Self::Text { text: text(), annotations }
            }
            "refusal" => Self::Refusal(fields.text("refusal").unwrap_or_else(text)),
            "reasoning_text" => Self::ReasoningText(text()),
            "summary_text" => Self::ReasoningSummary(text()),
            _ => Self::Other(kind),
        })
    }
}

impl ResponseEnvelope {
    /// Creates the envelope of a response that has started, with the id from the headers.
    pub fn started(id: String) -> Self {
        Self {
            id: Some(id),
            model: None,
            status: ResponseStatus::Running,
            output: Vec::new(),
            usage: None,
            error: None,
            incomplete_reason: None,
            provider: None,
            notes: Vec::new(),
            pipeline: Vec::new(),
        }
    }

    /// Reads a response. `implied` is the status by the event's type; the object's own status can only refine success.
    fn from_fields(fields: &JsonFields, implied: ResponseStatus) -> Self {
        let status = match (implied, fields.text("status").as_deref()) {
            (ResponseStatus::Completed, Some("incomplete")) => ResponseStatus::Incomplete,
            (ResponseStatus::Completed, Some("failed")) => ResponseStatus::Failed,
            (ResponseStatus::Completed, Some("cancelled")) => ResponseStatus::Cancelled,
            (implied_status, _) => implied_status,
        };
        let output: Vec<_> = fields.list("output").into_iter().map(OutputItem::from_raw).collect();
        let error = match status {
            ResponseStatus::Failed => Some(ApiError::from_failed_response(fields)),
            ResponseStatus::Completed if fields.has("error") && output.is_empty() => {
                Some(ApiError::from_failed_response(fields))
            }
            _ => None,
        };
        Self {
            id: fields.non_blank("id"),
            model: fields.non_blank("model"),
            status: if error.is_some() { ResponseStatus::Failed } else { status },
            output,
            usage: fields.object("usage").map(|usage| Usage::from_fields(&usage)),
            error,
            incomplete_reason: fields.object("incomplete_details").and_then(|details| details.non_blank("reason")),
            provider: fields
                .non_blank("provider")
                .or_else(|| selected_provider(&fields.object("openrouter_metadata")?)),
            notes: server_notes::notes(fields),
            pipeline: server_notes::pipeline(fields),
        }
    }
}

/// Returns the provider that a router selected (reference: 5.4).
fn selected_provider(metadata: &JsonFields) -> Option<String> {
    let endpoints = metadata.object("endpoints")?;
    let available = endpoints.list("available").into_iter().filter_map(|endpoint| JsonFields::parse(endpoint.get()));
    available
        .filter(|endpoint| endpoint.flag("selected") == Some(true))
        .find_map(|endpoint| endpoint.non_blank("provider"))
}

impl Annotation {
    pub fn from_raw(raw: &RawValue) -> Option<Self> {
        let fields = JsonFields::parse(raw.get())?;
        let kind = fields.text("type").unwrap_or_else(|| "url_citation".into());
        // The chat API nests the fields in an object named after the type.
        let fields = fields.object(&kind).unwrap_or(fields);
        Some(Self {
            kind,
            url: fields.non_blank("url"),
            title: fields.non_blank("title"),
            content: fields.non_blank("content"),
            filename: fields.non_blank("filename").or_else(|| fields.non_blank("file_id")),
            start: fields.number("start_index"),
            end: fields.number("end_index"),
        })
    }
}

impl Usage {
    fn from_fields(fields: &JsonFields) -> Self {
        let detail = |of: &str, key: &str| fields.object(of).and_then(|details| details.number(key));
        Self {
            input_tokens: fields.number("input_tokens"),
            cached_tokens: detail("input_tokens_details", "cached_tokens"),
            output_tokens: fields.number("output_tokens"),
            reasoning_tokens: detail("output_tokens_details", "reasoning_tokens"),
            cost: fields.raw("cost").and_then(|raw| Usd::parse(raw.get().trim_matches('"'))),
        }
    }

    /// Returns the sum of two responses. A value missing in either is unknown in the sum.
    #[must_use]
    pub fn plus(&self, other: &Self) -> Self {
        let sum = |a: Option<u64>, b: Option<u64>| a?.checked_add(b?);
        Self {
            input_tokens: sum(self.input_tokens, other.input_tokens),
            cached_tokens: sum(self.cached_tokens, other.cached_tokens),
            output_tokens: sum(self.output_tokens, other.output_tokens),
            reasoning_tokens: sum(self.reasoning_tokens, other.reasoning_tokens),
            cost: self.cost.as_ref().zip(other.cost.as_ref()).and_then(|(one, two)| one.checked_add(two)),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn parse(event: &Value) -> Event {
        Event::parse(&event.to_string())
    }

    #[test]
    fn event_names_of_old_samples_and_other_servers_are_known() {
        for (kind, field) in [
            ("response.output_text.delta", ItemField::Text(0)),
            ("response.content_part.delta", ItemField::Text(0)),
            ("response.reasoning_text.delta", ItemField::ReasoningText(0)),
            ("response.reasoning.delta", ItemField::ReasoningText(0)),
            ("response.reasoning_summary_text.delta", ItemField::ReasoningSummary(0)),
            ("response.refusal.delta", ItemField::Refusal(0)),
            ("response.function_call_arguments.delta", ItemField::Arguments),
            ("response.custom_tool_call_input.delta", ItemField::Arguments),
        ] {
            match parse(&json!({ "type": kind, "delta": "x" })) {
                Event::Delta { target: place, text } => {
                    assert_eq!((place.field, place.item_ref, text.as_str()), (field, ItemRef::Unspecified, "x"));
                }
                other => panic!("{kind}: {other:?}"),
            }
        }
        for kind in ["response.completed", "response.done"] {
            let event = parse(
                &json!({ "type": kind, "response": { "status": "incomplete", "incomplete_details": { "reason": "max_output_tokens" } } }),
            );
            let Event::ResponseEnded(response) = event else { panic!("{kind}") };
            assert_eq!(
                (response.status, response.incomplete_reason.as_deref()),
                (ResponseStatus::Incomplete, Some("max_output_tokens"))
            );
        }
    }

    #[test]
    fn an_event_refers_to_its_item_by_index_or_id_or_not_at_all() {
        let at = |mut event: Value| {
            event["type"] = "response.output_text.delta".into();
            event["delta"] = "x".into();
            match parse(&event) {
                Event::Delta { target: place, .. } => place.item_ref,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(at(json!({ "output_index": 3, "item_id": "msg" })), ItemRef::Index(3));
        assert_eq!(at(json!({ "output_index": null, "item_id": "msg" })), ItemRef::Id("msg".into()));
        assert_eq!(at(json!({ "output_index": -1, "item_id": "" })), ItemRef::Unspecified);
    }

    #[test]
    fn no_event_is_lost_or_fatal() {
        for (json, readable) in [
            ("", false),
            ("null", false),
            ("[]", false),
            ("{\"type\":", false),
            (r#"{"type":"response.output_item.added"}"#, false),
            (r#"{"type":"response.output_text.delta","delta":7}"#, false),
            (r#"{"type":"response.of_tomorrow","delta":"x"}"#, true),
            (r#"{"type":"acme:event"}"#, true),
            (r#"{"choices":[]}"#, true),
            (r#"{"type":7}"#, true),
        ] {
            match Event::parse(json) {
                Event::Unreadable { raw } => assert!(!readable && raw == json, "{json}"),
                Event::Other { raw, .. } => assert!(readable && raw == json, "{json}"),
                other => panic!("{json}: {other:?}"),
            }
        }
    }

    #[test]
    fn a_failure_within_a_tool_does_not_end_the_response() {
        let status = |kind: &str| match parse(&json!({ "type": kind, "output_index": 0, "error": { "message": "m" } }))
        {
            Event::ToolStatus { status, .. } => Some(status),
            Event::Other { .. } => None,
            other => panic!("{kind}: {other:?}"),
        };
        assert_eq!(status("response.web_search_call.searching").as_deref(), Some("searching"));
        assert_eq!(status("response.mcp_list_tools.failed").as_deref(), Some("failed"));
        assert_eq!(status("response.fusion_call.panel.failed"), None);
        assert_eq!(status("response.image_generation_call.partial_image"), None);
        assert_eq!(status("openrouter:note"), None);
        assert!(matches!(
            parse(&json!({ "type": "invalid_request_error", "error": { "message": "m" } })),
            Event::Failed(_)
        ));
    }

    #[test]
    fn a_cost_keeps_its_digits_and_missing_usage_is_unknown() {
        let usage = |usage: &str| {
            let event = Event::parse(&format!(r#"{{"type":"response.completed","response":{{"usage":{usage}}}}}"#));
            let Event::ResponseEnded(response) = event else { panic!("{usage}") };
            response.usage
        };
        let cost = |text: &str| usage(text).and_then(|usage| usage.cost).map(|cost| cost.digits().to_owned());
        assert_eq!(cost(r#"{"cost":2e-05}"#).as_deref(), Some("2e-05"));
        assert_eq!(cost(r#"{"cost":0.00023820000000000002}"#).as_deref(), Some("0.00023820000000000002"));
        assert_eq!((cost(r#"{"cost":null}"#), cost("{}")), (None, None));
        assert_eq!(usage("null"), None);
        assert_eq!(usage("{}").map(|usage| usage.input_tokens), Some(None));
    }
}
