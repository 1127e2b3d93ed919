//! Events as JSON again, for the journal: the fewest fields from which `Event::parse` reads the same event.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::value::RawValue;

use super::{Annotation, At, Event, Field, PartBody, Place, Response, Status, Usage};
use crate::api::{Error, OutputItem};

#[derive(Serialize, Default)]
struct Line<'a> {
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
    part: Option<WrittenPart<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    annotation: Option<WrittenAnnotation<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response: Option<WrittenResponse<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    as_read: Option<&'a Error>,
}

/// A content part as the wire has it.
#[derive(Serialize, Default)]
pub struct WrittenPart<'a> {
    r#type: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refusal: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    annotations: Option<Vec<WrittenAnnotation<'a>>>,
}

/// A citation as the wire has it.
#[derive(Serialize)]
pub struct WrittenAnnotation<'a> {
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
struct WrittenResponse<'a> {
    object: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<&'a str>,
    status: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    output: &'a [OutputItem],
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<WrittenUsage<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<AsRead<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    incomplete_details: Option<Reason<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    provider: Option<&'a str>,
}

#[derive(Serialize)]
struct WrittenUsage<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    input_tokens: Option<u64>,
    input_tokens_details: Cached,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_tokens: Option<u64>,
    output_tokens_details: Reasoned,
    /// The digits in quotes, so that no reader makes a float of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    cost: Option<&'a str>,
}

#[derive(Serialize)]
struct Cached {
    cached_tokens: Option<u64>,
}

#[derive(Serialize)]
struct Reasoned {
    reasoning_tokens: Option<u64>,
}

#[derive(Serialize)]
struct AsRead<'a> {
    as_read: &'a Error,
}

#[derive(Serialize)]
struct Reason<'a> {
    reason: &'a str,
}

impl Event {
    /// One line of JSON; `None` for events that change nothing.
    pub fn to_json(&self) -> Option<String> {
        let line = match self {
            Self::Begun(response) => Line::of("response.created").response(response),
            Self::Opened { at, item } => Line::of("response.output_item.added").at(at).item(&item.raw),
            Self::Closed { at, item } => Line::of("response.output_item.done").at(at).item(&item.raw),
            Self::Part { at, index, body, closed } => Line::part(*index, body, *closed).at(at),
            Self::Delta { place, text } => Line::delta(place, text).at(&place.at),
            Self::Whole { place, text } => Line::whole(place, text).at(&place.at),
            Self::Cited { at, index, annotation } => {
                let annotation = Some(annotation.written());
                let line = Line::of("response.output_text.annotation.added").at(at);
                Line { content_index: *index, annotation, ..line }
            }
            Self::Activity { at, status } => Line::of(format!("response.tool_call.{status}")).at(at),
            Self::Ended(response) => Line::of(match response.status {
                Status::Running | Status::Completed => "response.completed",
                Status::Incomplete => "response.incomplete",
                Status::Failed => "response.failed",
                Status::Cancelled => "response.cancelled",
            })
            .response(response),
            Self::Failed(error) => Line { as_read: Some(error), ..Line::of("error") },
            Self::KeepAlive | Self::Other { .. } | Self::Unreadable { .. } => return None,
        };
        let json = serde_json::to_string(&line).expect("strings, numbers and raw JSON always have a JSON form");
        // Between its tokens an item may have line breaks; inside its strings they are escaped.
        Some(if json.contains(['\n', '\r']) { json.replace(['\n', '\r'], " ") } else { json })
    }
}

impl<'a> Line<'a> {
    fn of(kind: impl Into<Cow<'a, str>>) -> Self {
        Self { r#type: kind.into(), ..Self::default() }
    }

    fn at(self, at: &'a At) -> Self {
        match at {
            At::Index(index) => Self { output_index: Some(*index), ..self },
            At::Id(id) => Self { item_id: Some(id), ..self },
            At::Unsaid => self,
        }
    }

    fn item(self, item: &'a RawValue) -> Self {
        Self { item: Some(item), ..self }
    }

    fn response(self, response: &'a Response) -> Self {
        Self { response: Some(response.written()), ..self }
    }

    fn delta(place: &'a Place, text: &'a str) -> Self {
        let line = Self { delta: Some(text), ..Self::default() };
        match place.field {
            Field::Text(index) => Self { r#type: "response.output_text.delta".into(), content_index: index, ..line },
            Field::Refusal(index) => Self { r#type: "response.refusal.delta".into(), content_index: index, ..line },
            Field::Thinking(index) => {
                Self { r#type: "response.reasoning_text.delta".into(), content_index: index, ..line }
            }
            Field::Summary(index) => {
                Self { r#type: "response.reasoning_summary_text.delta".into(), summary_index: index, ..line }
            }
            Field::Arguments => Self { r#type: "response.function_call_arguments.delta".into(), ..line },
        }
    }

    fn whole(place: &'a Place, whole: &'a str) -> Self {
        let text = Some(whole);
        match place.field {
            Field::Text(index) => Self { content_index: index, text, ..Self::of("response.output_text.done") },
            Field::Refusal(index) => Self { content_index: index, refusal: text, ..Self::of("response.refusal.done") },
            Field::Thinking(index) => Self { content_index: index, text, ..Self::of("response.reasoning_text.done") },
            Field::Summary(index) => {
                Self { summary_index: index, text, ..Self::of("response.reasoning_summary_text.done") }
            }
            Field::Arguments => Self { arguments: text, ..Self::of("response.function_call_arguments.done") },
        }
    }

    fn part(index: u32, body: &'a PartBody, closed: bool) -> Self {
        let is_summary = matches!(body, PartBody::Summary(_));
        let line = Self { part: Some(body.written()), ..Self::default() };
        match (is_summary, closed) {
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
    /// As the wire has it.
    pub fn written(&self) -> WrittenPart<'_> {
        match self {
            Self::Text { text, annotations } => WrittenPart {
                r#type: "output_text",
                text: Some(text),
                annotations: Some(annotations.iter().map(Annotation::written).collect()),
                ..WrittenPart::default()
            },
            Self::Refusal(refusal) => {
                WrittenPart { r#type: "refusal", refusal: Some(refusal), ..WrittenPart::default() }
            }
            Self::Thinking(text) => {
                WrittenPart { r#type: "reasoning_text", text: Some(text), ..WrittenPart::default() }
            }
            Self::Summary(text) => WrittenPart { r#type: "summary_text", text: Some(text), ..WrittenPart::default() },
            Self::Other(kind) => WrittenPart { r#type: kind, ..WrittenPart::default() },
        }
    }
}

impl Annotation {
    /// As the wire has it.
    pub fn written(&self) -> WrittenAnnotation<'_> {
        WrittenAnnotation {
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

impl Response {
    fn written(&self) -> WrittenResponse<'_> {
        WrittenResponse {
            object: "response",
            id: self.id.as_deref(),
            model: self.model.as_deref(),
            status: match self.status {
                Status::Running => "in_progress",
                Status::Completed => "completed",
                Status::Incomplete => "incomplete",
                Status::Failed => "failed",
                Status::Cancelled => "cancelled",
            },
            output: &self.output,
            usage: self.usage.as_ref().map(Usage::written),
            error: self.error.as_ref().map(|error| AsRead { as_read: error }),
            incomplete_details: self.reason.as_deref().map(|reason| Reason { reason }),
            provider: self.provider.as_deref(),
        }
    }
}

impl Usage {
    fn written(&self) -> WrittenUsage<'_> {
        WrittenUsage {
            input_tokens: self.input_tokens,
            input_tokens_details: Cached { cached_tokens: self.cached_tokens },
            output_tokens: self.output_tokens,
            output_tokens_details: Reasoned { reasoning_tokens: self.reasoning_tokens },
            cost: self.cost.as_ref().map(super::super::Usd::digits),
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_first(index: &u32) -> bool {
    *index == 0
}
