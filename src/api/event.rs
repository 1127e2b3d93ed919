//! What a stream can say, read so that nothing a server sends can stop it.

mod write;

use serde_json::value::RawValue;

use super::{Error, Usd, item::OutputItem, json::Fields};

/// One event. Items stay as the server sent them; events we do not know or cannot read keep their text.
#[derive(Debug, Clone)]
pub enum Event {
    /// The server has begun: `response.created`, `queued`, `in_progress`.
    Begun(Box<Response>),
    /// `output_item.added`
    Opened { at: At, item: OutputItem },
    /// `output_item.done`: the whole item, which is what counts.
    Closed { at: At, item: OutputItem },
    /// A part was opened or closed: `content_part.*`, `reasoning_summary_part.*`, `reasoning_part.*`.
    Part { at: At, index: u32, body: PartBody, closed: bool },
    /// More of a text.
    Delta { place: Place, text: String },
    /// All of a text, which is what counts.
    Whole { place: Place, text: String },
    /// `output_text.annotation.added`
    Cited { at: At, index: u32, annotation: Annotation },
    /// A tool of the server is in this state, such as `searching`.
    Activity { at: At, status: String },
    /// The response is over: `completed`, `incomplete`, `failed`, `cancelled`, `done`, or a body without a stream.
    Ended(Box<Response>),
    /// `error`, `response.error`, or an error object without a type. Nothing good comes behind it.
    Failed(Box<Error>),
    /// A comment that only says that the server is alive.
    KeepAlive,
    /// An event of a type that means nothing to us.
    Other { kind: String, raw: String },
    /// What is no JSON object, or an event without what it is about.
    Unreadable { raw: String },
}

/// Which item an event is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum At {
    /// Its `output_index`. Ids may change with every event; this does not.
    Index(u32),
    /// The server told only its id.
    Id(String),
    /// The server told neither.
    Unsaid,
}

/// Where a text belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    pub at: At,
    pub field: Field,
}

/// The text of an item that an event is about, with its index where an item has several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    Text(u32),
    Refusal(u32),
    /// Raw thinking.
    Thinking(u32),
    /// A summary of the thinking.
    Summary(u32),
    Arguments,
}

/// A part of a message or of reasoning, as far as it has come.
#[derive(Debug, Clone, PartialEq)]
pub enum PartBody {
    Text { text: String, annotations: Vec<Annotation> },
    Refusal(String),
    Thinking(String),
    Summary(String),
    Other(String),
}

/// What an envelope says of the whole response.
#[derive(Debug, Clone)]
pub struct Response {
    /// The generation id, `gen-…` on OpenRouter.
    pub id: Option<String>,
    /// The slug that answers.
    pub model: Option<String>,
    pub status: Status,
    pub output: Vec<OutputItem>,
    pub usage: Option<Usage>,
    pub error: Option<Error>,
    /// Why it is incomplete: `max_output_tokens` or `content_filter`.
    pub reason: Option<String>,
    /// Who ran the model, where a router told.
    pub provider: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    Running,
    Completed,
    Incomplete,
    Failed,
    Cancelled,
}

/// A citation as the server sent it; positions are resolved by the layout.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Annotation {
    /// `url_citation`, `file_citation`, `file_path`, …
    pub kind: String,
    pub url: Option<String>,
    pub title: Option<String>,
    /// An excerpt of the page.
    pub content: Option<String>,
    /// The name of a file, for the kinds without an address.
    pub filename: Option<String>,
    /// Offsets into the part's text, in code points or UTF-16 units; 0/0 says nothing.
    pub start: Option<u64>,
    pub end: Option<u64>,
}

/// What an answer used and cost.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Usage {
    pub input_tokens: Option<u64>,
    pub cached_tokens: Option<u64>,
    pub output_tokens: Option<u64>,
    pub reasoning_tokens: Option<u64>,
    /// As the server's own digits; `None` is unknown, not nothing.
    pub cost: Option<Usd>,
}

impl Event {
    /// Reads the payload of one frame, or a whole body that is no stream. Never fails.
    pub fn parse(json: &str) -> Self {
        let Some(fields) = Fields::of(json) else { return Self::Unreadable { raw: json.to_owned() } };
        match fields.text("type") {
            Some(kind) => typed(&kind, &fields, json),
            None => untyped(&fields, json),
        }
    }

    /// vLLM's parts of reasoning may call themselves texts.
    fn of_reasoning(self) -> Self {
        match self {
            Self::Part { at, index, body: PartBody::Text { text, .. }, closed } => {
                Self::Part { at, index, body: PartBody::Thinking(text), closed }
            }
            other => other,
        }
    }
}

fn typed(kind: &str, fields: &Fields, json: &str) -> Event {
    let at = || At::read(fields);
    let content = || fields.index("content_index").unwrap_or(0);
    let summary = || fields.index("summary_index").unwrap_or(0);
    let text = |key: &str, field: Field, made: fn(Place, String) -> Event| {
        fields.text(key).map(|text| made(Place { at: at(), field }, text))
    };
    let delta = |field| text("delta", field, |place, text| Event::Delta { place, text });
    let whole = |key, field| text(key, field, |place, text| Event::Whole { place, text });
    let item = |made: fn(At, OutputItem) -> Event| fields.raw("item").map(|item| made(at(), OutputItem::read(item)));
    let part = |index, closed| {
        let body = PartBody::read(fields.raw("part")?)?;
        Some(Event::Part { at: at(), index, body, closed })
    };
    let ended = |status| {
        let response = fields.object("response").unwrap_or_default();
        Some(Event::Ended(Box::new(Response::read(&response, status))))
    };
    let event = match kind {
        "response.created" | "response.queued" | "response.in_progress" => {
            let response = fields.object("response").unwrap_or_default();
            let response = Response { status: Status::Running, ..Response::read(&response, Status::Running) };
            Some(Event::Begun(Box::new(response)))
        }
        "response.output_item.added" => item(|at, item| Event::Opened { at, item }),
        "response.output_item.done" => item(|at, item| Event::Closed { at, item }),
        "response.content_part.added" => part(content(), false),
        "response.content_part.done" => part(content(), true),
        "response.reasoning_part.added" => part(content(), false).map(Event::of_reasoning),
        "response.reasoning_part.done" => part(content(), true).map(Event::of_reasoning),
        "response.reasoning_summary_part.added" => part(summary(), false),
        "response.reasoning_summary_part.done" => part(summary(), true),
        "response.output_text.delta" | "response.content_part.delta" => delta(Field::Text(content())),
        "response.output_text.done" => whole("text", Field::Text(content())),
        "response.refusal.delta" => delta(Field::Refusal(content())),
        "response.refusal.done" => whole("refusal", Field::Refusal(content())),
        "response.reasoning_text.delta" | "response.reasoning.delta" => delta(Field::Thinking(content())),
        "response.reasoning_text.done" | "response.reasoning.done" => whole("text", Field::Thinking(content())),
        "response.reasoning_summary_text.delta" => delta(Field::Summary(summary())),
        "response.reasoning_summary_text.done" => whole("text", Field::Summary(summary())),
        "response.function_call_arguments.delta" | "response.custom_tool_call_input.delta" => delta(Field::Arguments),
        "response.function_call_arguments.done" => whole("arguments", Field::Arguments),
        "response.custom_tool_call_input.done" => whole("input", Field::Arguments),
        "response.output_text.annotation.added" => {
            let annotation = fields.raw("annotation").and_then(Annotation::read);
            annotation.map(|annotation| Event::Cited { at: at(), index: content(), annotation })
        }
        "response.completed" | "response.done" => ended(Status::Completed),
        "response.incomplete" => ended(Status::Incomplete),
        "response.failed" => ended(Status::Failed),
        "response.cancelled" => ended(Status::Cancelled),
        "error" | "response.error" => Some(Event::Failed(Box::new(Error::in_stream(json)))),
        _ if is_foreign_error(kind, fields) => Some(Event::Failed(Box::new(Error::in_stream(json)))),
        _ => Some(match activity(kind) {
            Some(status) => Event::Activity { at: at(), status: status.to_owned() },
            None => Event::Other { kind: kind.to_owned(), raw: json.to_owned() },
        }),
    };
    event.unwrap_or_else(|| Event::Unreadable { raw: json.to_owned() })
}

/// The chat API's error frame, a response that is no stream, or something else without a type.
fn untyped(fields: &Fields, json: &str) -> Event {
    let is_response = fields.text("object").as_deref() == Some("response") || !fields.list("output").is_empty();
    if is_response {
        Event::Ended(Box::new(Response::read(fields, Status::Completed)))
    } else if fields.has("error") {
        Event::Failed(Box::new(Error::in_stream(json)))
    } else {
        Event::Other { kind: String::new(), raw: json.to_owned() }
    }
}

/// An error that names its kind where others say `error`. Events about a part of the work, such as one model of a
/// panel that failed, are not meant.
fn is_foreign_error(kind: &str, fields: &Fields) -> bool {
    !kind.starts_with("response.")
        && !kind.contains(':')
        && fields.object("error").is_some_and(|error| error.has("message"))
}

/// The last word of `response.web_search_call.searching` and its like.
fn activity(kind: &str) -> Option<&str> {
    let (tool, status) = kind.strip_prefix("response.")?.split_once('.')?;
    let is_tool = tool.ends_with("_call") || tool.starts_with("mcp_");
    let known = ["in_progress", "searching", "generating", "interpreting", "completed", "failed", "incomplete"];
    (is_tool && known.contains(&status)).then_some(status)
}

impl At {
    fn read(fields: &Fields) -> Self {
        match fields.index("output_index") {
            Some(index) => Self::Index(index),
            None => fields.word("item_id").map_or(Self::Unsaid, Self::Id),
        }
    }
}

impl PartBody {
    /// A part of an item or of an event; a plain string, as the published samples have it, is its text.
    pub fn read(raw: &RawValue) -> Option<Self> {
        if let Some(text) = super::json::text(raw) {
            return Some(Self::Text { text, annotations: Vec::new() });
        }
        let fields = Fields::of(raw.get())?;
        let text = || fields.text("text").unwrap_or_default();
        let kind = fields.text("type").unwrap_or_default();
        Some(match kind.as_str() {
            "output_text" | "text" | "input_text" => {
                let annotations = fields.list("annotations").into_iter().filter_map(Annotation::read).collect();
                Self::Text { text: text(), annotations }
            }
            "refusal" => Self::Refusal(fields.text("refusal").unwrap_or_else(text)),
            "reasoning_text" => Self::Thinking(text()),
            "summary_text" => Self::Summary(text()),
            _ => Self::Other(kind),
        })
    }
}

impl Response {
    /// One that has begun under an id that the headers told.
    pub fn begun(id: String) -> Self {
        Self {
            id: Some(id),
            model: None,
            status: Status::Running,
            output: Vec::new(),
            usage: None,
            error: None,
            reason: None,
            provider: None,
        }
    }

    /// `told` is what the event's name says; where that is mere success, the object knows better.
    fn read(fields: &Fields, told: Status) -> Self {
        let status = match (told, fields.text("status").as_deref()) {
            (Status::Completed, Some("incomplete")) => Status::Incomplete,
            (Status::Completed, Some("failed")) => Status::Failed,
            (Status::Completed, Some("cancelled")) => Status::Cancelled,
            (told, _) => told,
        };
        let output: Vec<_> = fields.list("output").into_iter().map(OutputItem::read).collect();
        let error = match status {
            Status::Failed => Some(Error::of_failed(fields)),
            Status::Completed if fields.has("error") && output.is_empty() => Some(Error::of_failed(fields)),
            _ => None,
        };
        Self {
            id: fields.word("id"),
            model: fields.word("model"),
            status: if error.is_some() { Status::Failed } else { status },
            output,
            usage: fields.object("usage").map(|usage| Usage::read(&usage)),
            error,
            reason: fields.object("incomplete_details").and_then(|details| details.word("reason")),
            provider: fields.word("provider").or_else(|| selected(&fields.object("openrouter_metadata")?)),
        }
    }
}

/// The provider that a router chose (reference: 5.4).
fn selected(metadata: &Fields) -> Option<String> {
    let endpoints = metadata.object("endpoints")?;
    let available = endpoints.list("available").into_iter().filter_map(|endpoint| Fields::of(endpoint.get()));
    available.filter(|endpoint| endpoint.flag("selected") == Some(true)).find_map(|endpoint| endpoint.word("provider"))
}

impl Annotation {
    pub fn read(raw: &RawValue) -> Option<Self> {
        let fields = Fields::of(raw.get())?;
        let kind = fields.text("type").unwrap_or_else(|| "url_citation".into());
        // The chat API wraps the fields in one named like the kind.
        let fields = fields.object(&kind).unwrap_or(fields);
        Some(Self {
            kind,
            url: fields.word("url"),
            title: fields.word("title"),
            content: fields.word("content"),
            filename: fields.word("filename").or_else(|| fields.word("file_id")),
            start: fields.number("start_index"),
            end: fields.number("end_index"),
        })
    }
}

impl Usage {
    fn read(fields: &Fields) -> Self {
        let detail = |of: &str, key: &str| fields.object(of).and_then(|details| details.number(key));
        Self {
            input_tokens: fields.number("input_tokens"),
            cached_tokens: detail("input_tokens_details", "cached_tokens"),
            output_tokens: fields.number("output_tokens"),
            reasoning_tokens: detail("output_tokens_details", "reasoning_tokens"),
            cost: fields.raw("cost").and_then(|raw| Usd::parse(raw.get().trim_matches('"'))),
        }
    }

    /// Of two responses together. What one of them does not tell is unknown for both.
    #[must_use]
    pub fn plus(&self, other: &Self) -> Self {
        let sum = |a: Option<u64>, b: Option<u64>| a?.checked_add(b?);
        Self {
            input_tokens: sum(self.input_tokens, other.input_tokens),
            cached_tokens: sum(self.cached_tokens, other.cached_tokens),
            output_tokens: sum(self.output_tokens, other.output_tokens),
            reasoning_tokens: sum(self.reasoning_tokens, other.reasoning_tokens),
            cost: self.cost.as_ref().zip(other.cost.as_ref()).and_then(|(one, two)| one.plus(two)),
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
    fn names_of_old_samples_and_other_servers_mean_the_same() {
        for (kind, field) in [
            ("response.output_text.delta", Field::Text(0)),
            ("response.content_part.delta", Field::Text(0)),
            ("response.reasoning_text.delta", Field::Thinking(0)),
            ("response.reasoning.delta", Field::Thinking(0)),
            ("response.reasoning_summary_text.delta", Field::Summary(0)),
            ("response.refusal.delta", Field::Refusal(0)),
            ("response.function_call_arguments.delta", Field::Arguments),
            ("response.custom_tool_call_input.delta", Field::Arguments),
        ] {
            match parse(&json!({ "type": kind, "delta": "x" })) {
                Event::Delta { place, text } => {
                    assert_eq!((place.field, place.at, text.as_str()), (field, At::Unsaid, "x"));
                }
                other => panic!("{kind}: {other:?}"),
            }
        }
        for kind in ["response.completed", "response.done"] {
            let event = parse(
                &json!({ "type": kind, "response": { "status": "incomplete", "incomplete_details": { "reason": "max_output_tokens" } } }),
            );
            let Event::Ended(response) = event else { panic!("{kind}") };
            assert_eq!((response.status, response.reason.as_deref()), (Status::Incomplete, Some("max_output_tokens")));
        }
    }

    #[test]
    fn what_an_event_is_about_is_told_by_index_or_id_or_not_at_all() {
        let at = |mut event: Value| {
            event["type"] = "response.output_text.delta".into();
            event["delta"] = "x".into();
            match parse(&event) {
                Event::Delta { place, .. } => place.at,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(at(json!({ "output_index": 3, "item_id": "msg" })), At::Index(3));
        assert_eq!(at(json!({ "output_index": null, "item_id": "msg" })), At::Id("msg".into()));
        assert_eq!(at(json!({ "output_index": -1, "item_id": "" })), At::Unsaid);
    }

    #[test]
    fn nothing_that_comes_is_lost_or_fatal() {
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
    fn the_work_of_tools_is_activity_and_their_inner_failures_end_nothing() {
        let status = |kind: &str| match parse(&json!({ "type": kind, "output_index": 0, "error": { "message": "m" } }))
        {
            Event::Activity { status, .. } => Some(status),
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
    fn a_cost_keeps_its_digits_and_what_is_not_told_stays_unknown() {
        let usage = |usage: &str| {
            let event = Event::parse(&format!(r#"{{"type":"response.completed","response":{{"usage":{usage}}}}}"#));
            let Event::Ended(response) = event else { panic!("{usage}") };
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
