//! Writes events as JSON for the journal, with the fewest fields from which `Event::parse` reads the same event.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::value::RawValue;

use super::{Annotation, Event, ItemField, ItemRef, PartBody, ResponseEnvelope, ResponseStatus, TextTarget, Usage};
use crate::api::{ApiError, OutputItem};

#[derive(Serialize, Default)]
struct EventLine<'a> {
    r#type: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_index: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    item_id: Option<&'a str>,
    #[serde(skip_serializing_if = "is_first")]
    content_index: u32,
    #[serde(skip_serializing_if = "is_first")]
    summary_index: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    delta: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refusal: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    arguments: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    item: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    part: Option<PartJson<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    annotation: Option<AnnotationJson<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response: Option<ResponseJson<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    as_read: Option<&'a ApiError>,
}

/// A content part in the form of the wire.
#[derive(Serialize, Default)]
pub struct PartJson<'a> {
    r#type: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refusal: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    annotations: Option<Vec<AnnotationJson<'a>>>,
}

/// A citation in the form of the wire.
#[derive(Serialize)]
pub struct AnnotationJson<'a> {
    r#type: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    filename: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_index: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_index: Option<u64>,
}

#[derive(Serialize)]
struct ResponseJson<'a> {
    object: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<&'a str>,
    status: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    output: &'a [OutputItem],
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<UsageJson<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<StoredErrorJson<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    incomplete_details: Option<IncompleteJson<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    provider: Option<&'a str>,
}

#[derive(Serialize)]
struct UsageJson<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    input_tokens: Option<u64>,
    input_tokens_details: InputTokensJson,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_tokens: Option<u64>,
    output_tokens_details: OutputTokensJson,
    /// The digits as a string, so that no reader turns them into a float.
    #[serde(skip_serializing_if = "Option::is_none")]
    cost: Option<&'a str>,
}

#[derive(Serialize)]
struct InputTokensJson {
    cached_tokens: Option<u64>,
}

#[derive(Serialize)]
struct OutputTokensJson {
    reasoning_tokens: Option<u64>,
}

#[derive(Serialize)]
struct StoredErrorJson<'a> {
    as_read: &'a ApiError,
}

#[derive(Serialize)]
struct IncompleteJson<'a> {
    reason: &'a str,
}

impl Event {
    /// Returns the event as one line of JSON, or `None` for an event that changes nothing.
    pub fn to_json(&self) -> Option<String> {
        let line = match self {
            Self::ResponseStarted(response) => EventLine::new("response.created").response(response),
            Self::ItemAdded { item_ref: at, item } => {
                EventLine::new("response.output_item.added").item_ref(at).item(&item.raw)
            }
            Self::ItemDone { item_ref: at, item } => {
                EventLine::new("response.output_item.done").item_ref(at).item(&item.raw)
            }
            Self::Part { item_ref: at, index, body, is_done: closed } => {
                EventLine::part(*index, body, *closed).item_ref(at)
            }
            Self::Delta { target: place, text } => EventLine::delta(place, text).item_ref(&place.item_ref),
            Self::TextDone { target: place, text } => EventLine::text_done(place, text).item_ref(&place.item_ref),
            Self::AnnotationAdded { item_ref: at, index, annotation } => {
                let annotation = Some(annotation.as_json());
                let line = EventLine::new("response.output_text.annotation.added").item_ref(at);
                EventLine { content_index: *index, annotation, ..line }
            }
            Self::ToolStatus { item_ref: at, status } => {
                EventLine::new(format!("response.tool_call.{status}")).item_ref(at)
            }
            Self::ResponseEnded(response) => EventLine::new(match response.status {
                ResponseStatus::Running | ResponseStatus::Completed => "response.completed",
                ResponseStatus::Incomplete => "response.incomplete",
                ResponseStatus::Failed => "response.failed",
                ResponseStatus::Cancelled => "response.cancelled",
            })
            .response(response),
            Self::Failed(error) => EventLine { as_read: Some(error), ..EventLine::new("error") },
            Self::KeepAlive | Self::Other { .. } | Self::Unreadable { .. } => return None,
        };
        let json = serde_json::to_string(&line).expect("strings, numbers and raw JSON always have a JSON form");
        // An item may have line breaks between its tokens; inside strings they are escaped.
        Some(if json.contains(['\n', '\r']) { json.replace(['\n', '\r'], " ") } else { json })
    }
}

impl<'a> EventLine<'a> {
    fn new(kind: impl Into<Cow<'a, str>>) -> Self {
        Self { r#type: kind.into(), ..Self::default() }
    }

    fn item_ref(self, item_ref: &'a ItemRef) -> Self {
        match item_ref {
            ItemRef::Index(index) => Self { output_index: Some(*index), ..self },
            ItemRef::Id(id) => Self { item_id: Some(id), ..self },
            ItemRef::Unspecified => self,
        }
    }

    fn item(self, item: &'a RawValue) -> Self {
        Self { item: Some(item), ..self }
    }

    fn response(self, response: &'a ResponseEnvelope) -> Self {
        Self { response: Some(response.as_json()), ..self }
    }

    fn delta(target: &'a TextTarget, text: &'a str) -> Self {
        let line = Self { delta: Some(text), ..Self::default() };
        match target.field {
            ItemField::Text(index) => {
                Self { r#type: "response.output_text.delta".into(), content_index: index, ..line }
            }
            ItemField::Refusal(index) => Self { r#type: "response.refusal.delta".into(), content_index: index, ..line },
            ItemField::ReasoningText(index) => {
                Self { r#type: "response.reasoning_text.delta".into(), content_index: index, ..line }
            }
            ItemField::ReasoningSummary(index) => {
                Self { r#type: "response.reasoning_summary_text.delta".into(), summary_index: index, ..line }
            }
            ItemField::Arguments => Self { r#type: "response.function_call_arguments.delta".into(), ..line },
        }
    }

    fn text_done(target: &'a TextTarget, full_text: &'a str) -> Self {
        let text = Some(full_text);
        match target.field {
            ItemField::Text(index) => Self { content_index: index, text, ..Self::new("response.output_text.done") },
            ItemField::Refusal(index) => {
                Self { content_index: index, refusal: text, ..Self::new("response.refusal.done") }
            }
            ItemField::ReasoningText(index) => {
                Self { content_index: index, text, ..Self::new("response.reasoning_text.done") }
            }
            ItemField::ReasoningSummary(index) => {
                Self { summary_index: index, text, ..Self::new("response.reasoning_summary_text.done") }
            }
            ItemField::Arguments => Self { arguments: text, ..Self::new("response.function_call_arguments.done") },
        }
    }

    fn part(index: u32, body: &'a PartBody, is_done: bool) -> Self {
        let is_summary = matches!(body, PartBody::ReasoningSummary(_));
        let line = Self { part: Some(body.as_json()), ..Self::default() };
        match (is_summary, is_done) {
            (true, false) => {
                Self { r#type: "response.reasoning_summary_part.added".into(), summary_index: index, ..line }
            }
            (true, true) => {
                Self { r#type: "response.reasoning_summary_part.done".into(), summary_index: index, ..line }
            }
            (false, false) => Self { r#type: "response.content_part.added".into(), content_index: index, ..line },
            (false, true) => Self { r#type: "response.content_part.done".into(), content_index: index, ..line },
        }
    }
}

impl PartBody {
    /// Returns the form of the wire.
    pub fn as_json(&self) -> PartJson<'_> {
        match self {
            Self::Text { text, annotations } => PartJson {
                r#type: "output_text",
                text: Some(text),
                annotations: Some(annotations.iter().map(Annotation::as_json).collect()),
                ..PartJson::default()
            },
            Self::Refusal(refusal) => PartJson { r#type: "refusal", refusal: Some(refusal), ..PartJson::default() },
            Self::ReasoningText(text) => PartJson { r#type: "reasoning_text", text: Some(text), ..PartJson::default() },
            Self::ReasoningSummary(text) => {
                PartJson { r#type: "summary_text", text: Some(text), ..PartJson::default() }
            }
            Self::Other(kind) => PartJson { r#type: kind, ..PartJson::default() },
        }
    }
}

impl Annotation {
    /// Returns the form of the wire.
    pub fn as_json(&self) -> AnnotationJson<'_> {
        AnnotationJson {
            r#type: &self.kind,
            url: self.url.as_deref(),
            title: self.title.as_deref(),
            content: self.content.as_deref(),
            filename: self.filename.as_deref(),
            start_index: self.start,
            end_index: self.end,
        }
    }
}

impl ResponseEnvelope {
    fn as_json(&self) -> ResponseJson<'_> {
        ResponseJson {
            object: "response",
            id: self.id.as_deref(),
            model: self.model.as_deref(),
            status: match self.status {
                ResponseStatus::Running => "in_progress",
                ResponseStatus::Completed => "completed",
                ResponseStatus::Incomplete => "incomplete",
                ResponseStatus::Failed => "failed",
                ResponseStatus::Cancelled => "cancelled",
            },
            output: &self.output,
            usage: self.usage.as_ref().map(Usage::as_json),
            error: self.error.as_ref().map(|error| StoredErrorJson { as_read: error }),
            incomplete_details: self.incomplete_reason.as_deref().map(|reason| IncompleteJson { reason }),
            provider: self.provider.as_deref(),
        }
    }
}

impl Usage {
    fn as_json(&self) -> UsageJson<'_> {
        UsageJson {
            input_tokens: self.input_tokens,
            input_tokens_details: InputTokensJson { cached_tokens: self.cached_tokens },
            output_tokens: self.output_tokens,
            output_tokens_details: OutputTokensJson { reasoning_tokens: self.reasoning_tokens },
            cost: self.cost.as_ref().map(super::super::Usd::digits),
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_first(index: &u32) -> bool {
    *index == 0
}
