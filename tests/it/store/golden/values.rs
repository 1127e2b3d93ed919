//! The values that the golden files hold, built in code.

use std::{collections::BTreeMap, sync::Arc};

use ibid::{
    api::{
        Annotation, ApiError, Effort, ErrorFact, Event, FaultKind, FreeQuota, OutputItem, Usage, Usd,
        event::{ItemField, ItemRef, PartBody, ResponseEnvelope, ResponseStatus, TextTarget},
        request::ProviderRequirement,
    },
    chat::{
        Answer, AnswerEnd, Item, ItemKind, ItemSlot, Message, ToolCallRun, ToolCallState,
        answer::{AnswerParams, ContentPart, FunctionCall, ReasoningItem, SearchCall, StepUsage},
        tool_call::ResultSize,
    },
    tools::{ToolContent, ToolFailure, ToolId, ToolOutcome},
};
use serde_json::{Value, json, value::RawValue};

use crate::store::test_database::{answer, empty_answer, prompt, timestamp};

/// The events of one open answer, each with the response of the turn that it belongs to.
pub type Journal = Vec<(u32, Event)>;

/// The call whose full result is stored beside its answer.
pub const SHORTENED_CALL: ItemSlot = ItemSlot { step: 0, index: 3 };

const MESSAGE: &str = r#"{"type":"message","id":"msg_1","role":"assistant","content":[{"type":"output_text","text":"Four legs.","annotations":[{"type":"url_citation","url":"https://example.org","title":"Legs","start_index":0,"end_index":4}]}]}"#;

/// A prompt, an answer with everything, and an answer for each way to end.
pub fn settled_messages() -> Vec<Message> {
    let mut messages = vec![prompt(1, "Why \"four\"?\n\u{1f980}"), answer(2, 1, answer_with_everything())];
    let failed = |fault| AnswerEnd::Failed(ApiError::new(fault, "it failed"));
    let ends = [
        AnswerEnd::Complete,
        AnswerEnd::Incomplete { reason: None },
        AnswerEnd::Incomplete { reason: Some("max_output_tokens".into()) },
        AnswerEnd::Stopped,
        AnswerEnd::Interrupted,
        AnswerEnd::Failed(error_with_everything()),
        failed(FaultKind::Connect),
        failed(FaultKind::Silence),
        failed(FaultKind::Cut),
        failed(FaultKind::Empty),
        failed(FaultKind::Key),
        failed(FaultKind::Credit),
        failed(FaultKind::Forbidden),
        failed(FaultKind::Model),
        failed(FaultKind::Length),
        failed(FaultKind::Rate),
        failed(FaultKind::Request),
        failed(FaultKind::Server),
        failed(FaultKind::Garbage),
    ];
    messages.extend((3..).zip(ends).map(|(n, end)| answer(n, 1, empty_answer(end))));
    messages
}

/// The message that was written before the columns `runs`, `course` and `bills` existed.
pub fn message_of_an_early_version() -> Message {
    let usage = all_usage();
    let early = Answer {
        items: [item(0, 0, Some(MESSAGE), ItemKind::from_raw(&raw(MESSAGE)))].into(),
        usage: Some(usage.clone()),
        usage_by_step: [(0, StepUsage { generation_id: Some("gen-early".into()), usage: Some(usage) })].into(),
        ..empty_answer(AnswerEnd::Complete)
    };
    answer(60, 1, early)
}

/// The ids of the open answers and what their journals hold.
pub fn journals() -> Vec<(u128, Journal)> {
    (70..).zip([texts(), items(), steps()].into_iter().chain(response_ends())).collect()
}

fn answer_with_everything() -> Answer {
    let usage = all_usage();
    let unreported = Usage { cost: None, ..Usage::default() };
    Answer {
        answered_by: Some("acme/large-2026".into()),
        items: all_items().into(),
        call_runs: all_runs(),
        usage: None,
        usage_by_step: [
            (0, StepUsage { generation_id: Some("gen-0".into()), usage: Some(usage) }),
            (1, StepUsage { generation_id: Some("gen-1".into()), usage: Some(unreported) }),
            (2, StepUsage { generation_id: None, usage: None }),
        ]
        .into(),
        first_text_at: Some(timestamp(11)),
        ended_at: Some(timestamp(13)),
        params: AnswerParams {
            effort: Some(Effort::High),
            web: true,
            temperature: Some(0.5),
            top_p: Some(0.25),
            max_output_tokens: Some(4000),
            attempts: 2,
            first_byte: Some(timestamp(10)),
            provider: Some("Acme".into()),
            pipeline: Vec::new(),
            copied_from: None,
        },
        notes: vec!["reasoning of another model was left out".into(), "a second note".into()],
        ..empty_answer(AnswerEnd::Complete)
    }
}

/// Items of all kinds: as the server sent them, different from what it sent, and never complete.
fn all_items() -> [(ItemSlot, Item); 11] {
    let note = Annotation { title: Some("Late".into()), ..annotation() };
    let cited = ContentPart::Text { text: "Four legs.".into(), annotations: vec![annotation(), note] };
    let plain = ContentPart::Text { text: "Zw\u{f6}lf \u{1f980} [1]".into(), annotations: Vec::new() };
    let reasoning = ReasoningItem {
        summary: vec!["**Legs**".into(), String::new()],
        content: vec!["Count them.".into()],
        has_encrypted: true,
    };
    let encrypted = "{ \"type\":\"reasoning\", \"encrypted_content\" : \"\\ud800 \\u0000\", \"n\": 1.0e+00 }";
    let search = SearchCall {
        kind: "openrouter:web_search".into(),
        status: "searching".into(),
        query: Some("legs".into()),
        urls: vec!["https://example.org".into()],
    };
    let call = FunctionCall { call_id: "call_1".into(), name: "look".into(), arguments: "{\"half\": \"of i".into() };
    let custom = r#"{"type":"custom_tool_call","call_id":"c","name":"n","input":"free text"}"#;
    let page =
        r#"{"type":"web_search_call","status":"completed","action":{"type":"open_page","url":"https://a.example"}}"#;
    let parsed = |json: &str| ItemKind::from_raw(&raw(json));
    [
        item(0, 0, Some(encrypted), parsed(encrypted)),
        item(0, 1, Some(encrypted), ItemKind::Reasoning(reasoning)),
        item(0, 2, Some(MESSAGE), parsed(MESSAGE)),
        item(0, 3, Some(MESSAGE), ItemKind::Message { parts: vec![cited], phase: Some("commentary".into()) }),
        item(0, 4, None, ItemKind::Message { parts: vec![plain, ContentPart::Refusal("no".into())], phase: None }),
        item(0, 5, Some(custom), parsed(custom)),
        item(1, 0, None, ItemKind::Call(call)),
        item(1, 1, Some(page), parsed(page)),
        item(1, 2, None, ItemKind::Search(search)),
        item(1, u32::MAX, Some(r#"{"type":"x","status":"odd","z":1,"z":2}"#), other("x", Some("odd"))),
        item(2, 0, None, other("acme:tool", None)),
    ]
}

/// The full result of the call whose answer stores only part of it.
pub fn full_outcome() -> ToolOutcome {
    ToolOutcome { content: vec![ToolContent::Text("a line\n".repeat(3))], failed: true }
}

/// Calls in each state, with each kind of content and of failure.
fn all_runs() -> BTreeMap<ItemSlot, ToolCallRun> {
    let contents = vec![
        ToolContent::Text("two\nlines".into()),
        ToolContent::Image { mime: "image/png".into(), data: "aWJpZA==".into() },
        ToolContent::Audio { mime: "audio/wav".into(), data: "aWJpZA==".into() },
        ToolContent::Resource { uri: "file:///a".into(), mime: Some("text/plain".into()), text: "a".into() },
        ToolContent::File { uri: "file:///b".into(), mime: None, data: "aWJpZA==".into() },
        ToolContent::Link { uri: "https://example.org".into(), name: "example".into() },
        ToolContent::Structured(json!({ "z": 1.5, "a": [null, -1, u64::MAX] })),
    ];
    let states = [
        ToolCallState::Asking,
        ToolCallState::Queued,
        ToolCallState::Running,
        ToolCallState::Done(ToolOutcome { content: contents, failed: false }),
        ToolCallState::Done(ToolOutcome { content: Vec::new(), failed: true }),
        ToolCallState::Failed(ToolFailure::Arguments("not an object".into())),
        ToolCallState::Failed(ToolFailure::Unknown),
        ToolCallState::Failed(ToolFailure::Start("no such file".into())),
        ToolCallState::Failed(ToolFailure::Crashed("exit code 1".into())),
        ToolCallState::Failed(ToolFailure::TimedOut { seconds: 60 }),
        ToolCallState::Failed(ToolFailure::Refused("not now".into())),
        ToolCallState::Failed(ToolFailure::Garbled("no JSON".into())),
        ToolCallState::DeniedByRule,
        ToolCallState::Denied { reason: None },
        ToolCallState::Denied { reason: Some("use the other disk".into()) },
        ToolCallState::Cancelled,
    ];
    let run = |(index, state): (u32, ToolCallState)| {
        let has_run = matches!(state, ToolCallState::Running | ToolCallState::Done(_));
        let run = ToolCallRun {
            tool: (index != 0).then(|| ToolId::new("git", "log")),
            arguments: if index == 1 { Value::Null } else { json!({ "z": 1, "a": { "deep": [true, "x"] } }) },
            edited: index == 2,
            state,
            started_at: has_run.then(|| timestamp(20)),
            ended_at: (index > 2).then(|| timestamp(21)),
            progress: None,
            full_size: (index == 3).then_some(ResultSize { bytes: 70_000, lines: 900 }),
        };
        (ItemSlot { step: index / 8, index }, run)
    };
    (0..).zip(states).map(run).collect()
}

/// All events that carry text, in an answer where each of them shows.
fn texts() -> Journal {
    let reasoning = r#"{"type":"reasoning","id":"rs_1","summary":[]}"#;
    let call = r#"{"type":"function_call","id":"fc_1","call_id":"call_1","name":"look","arguments":""}"#;
    let started = ResponseEnvelope { model: Some("acme/large".into()), ..ResponseEnvelope::started("gen-1".into()) };
    let cited = PartBody::Text { text: "Four ".into(), annotations: vec![annotation()] };
    let empty = PartBody::Text { text: String::new(), annotations: Vec::new() };
    let bare = Annotation { url: None, title: None, start: None, end: None, ..annotation() };
    let bare = Annotation { filename: Some("legs.pdf".into()), kind: "file_citation".into(), ..bare };
    let at = ItemRef::Index;
    let events = [
        Event::ResponseStarted(Box::new(started)),
        Event::ItemAdded { item_ref: at(0), item: output(reasoning) },
        part(at(0), 0, PartBody::ReasoningSummary(String::new()), false),
        delta(at(0), ItemField::ReasoningSummary(0), "**Le"),
        delta(at(0), ItemField::ReasoningSummary(0), "gs**"),
        text_done(at(0), ItemField::ReasoningSummary(0), "**Legs**\n\"\\"),
        part(at(0), 1, PartBody::ReasoningSummary("More".into()), true),
        delta(at(0), ItemField::ReasoningText(0), "Count"),
        text_done(at(0), ItemField::ReasoningText(0), "Count them."),
        part(at(0), 1, PartBody::ReasoningText("Again.".into()), true),
        Event::ItemAdded { item_ref: at(1), item: output(MESSAGE) },
        part(at(1), 0, empty, false),
        delta(at(1), ItemField::Text(0), "Fo\u{1f980}"),
        text_done(at(1), ItemField::Text(0), "Four legs.\r\n"),
        Event::AnnotationAdded { item_ref: at(1), index: 0, annotation: annotation() },
        Event::AnnotationAdded { item_ref: at(1), index: 0, annotation: bare },
        part(at(1), 1, cited, true),
        delta(at(1), ItemField::Text(1), "more"),
        delta(at(1), ItemField::Refusal(2), "I will"),
        text_done(at(1), ItemField::Refusal(2), "I will not."),
        part(at(1), 3, PartBody::Refusal("Nor that.".into()), true),
        part(at(1), 4, PartBody::Other("output_image".into()), true),
        Event::ItemAdded { item_ref: at(2), item: output(call) },
        delta(at(2), ItemField::Arguments, "{\"half"),
        text_done(at(2), ItemField::Arguments, "{\"whole\":1}"),
    ];
    events.map(|event| (0, event)).into()
}

/// Items of all kinds, named by index, by id and not at all.
fn items() -> Journal {
    let by_id = |id: &str| ItemRef::Id(id.into());
    let search = r#"{"type":"openrouter:web_search","id":"ws_1","status":"in_progress"}"#;
    let found = r#"{"type":"web_search_call","id":"ws_2","status":"completed","action":{"type":"search","query":"legs","sources":[{"type":"url","url":"https://example.org"}]}}"#;
    let panel = r#"{"type":"acme:panel","id":"p_1","n":1.0e+00}"#;
    let call = r#"{"type":"function_call","id":"fc_1","call_id":"call_1","name":"look","arguments":"{}"}"#;
    let thought = r#"{"type":"reasoning","id":"rs_1","summary":[{"type":"summary_text","text":"Legs"}],"encrypted_content":"\ud800"}"#;
    let events = [
        Event::ItemAdded { item_ref: by_id("ws_1"), item: output(search) },
        Event::ToolStatus { item_ref: by_id("ws_1"), status: "searching".into() },
        Event::ItemDone { item_ref: ItemRef::Index(1), item: output(found) },
        Event::ItemAdded { item_ref: ItemRef::Index(2), item: output(panel) },
        Event::ToolStatus { item_ref: ItemRef::Index(2), status: "in_progress".into() },
        Event::ItemDone { item_ref: ItemRef::Unspecified, item: output(thought) },
        delta(ItemRef::Unspecified, ItemField::Text(0), "Two"),
        Event::ItemDone { item_ref: by_id("msg_1"), item: output(MESSAGE) },
        Event::ItemDone { item_ref: by_id("fc_1"), item: output(call) },
        Event::ItemDone { item_ref: ItemRef::Index(9), item: output("{\n  \"type\": \"x\",\r\n  \"s\": \"a\\nb\"\n}") },
    ];
    events.map(|event| (0, event)).into()
}

/// Two responses: the first calls a tool, the second answers.
fn steps() -> Journal {
    let call = r#"{"type":"function_call","id":"fc_1","call_id":"call_1","name":"look","arguments":"{}"}"#;
    let response = |id: &str, usage| ResponseEnvelope {
        status: ResponseStatus::Completed,
        usage: Some(usage),
        ..ResponseEnvelope::started(id.into())
    };
    let costs = |digits: &str| Usage { cost: Usd::parse(digits), ..all_usage() };
    vec![
        (0, Event::ItemDone { item_ref: ItemRef::Index(0), item: output(call) }),
        (0, Event::ResponseEnded(Box::new(response("gen-1", costs("2.10e-05"))))),
        (1, delta(ItemRef::Index(0), ItemField::Text(0), "Four.")),
        (1, Event::ResponseEnded(Box::new(response("gen-2", Usage { cached_tokens: None, ..costs("0.10") })))),
    ]
}

/// Every way for a response to end, each behind a text.
fn response_ends() -> Vec<Journal> {
    let ended = |status| ResponseEnvelope { status, ..ResponseEnvelope::started("gen-1".into()) };
    let everything = ResponseEnvelope {
        id: None,
        model: Some("acme/large-2026".into()),
        output: vec![output(MESSAGE)],
        usage: Some(all_usage()),
        provider: Some("Acme".into()),
        ..ended(ResponseStatus::Completed)
    };
    let truncated = ResponseEnvelope {
        incomplete_reason: Some("max_output_tokens".into()),
        usage: Some(Usage::default()),
        ..ended(ResponseStatus::Incomplete)
    };
    let failed = ResponseEnvelope { error: Some(error_with_everything()), ..ended(ResponseStatus::Failed) };
    let ends = [
        Event::ResponseEnded(Box::new(everything)),
        Event::ResponseEnded(Box::new(ended(ResponseStatus::Running))),
        Event::ResponseEnded(Box::new(truncated)),
        Event::ResponseEnded(Box::new(failed)),
        Event::ResponseEnded(Box::new(ended(ResponseStatus::Cancelled))),
        Event::Failed(Box::new(error_with_everything())),
        Event::Failed(Box::new(ApiError::new(FaultKind::Server, "the server reported an error"))),
    ];
    ends.map(|end| vec![(0, delta(ItemRef::Index(0), ItemField::Text(0), "Half")), (0, end)]).into()
}

fn error_with_everything() -> ApiError {
    ApiError {
        fault: FaultKind::Credit,
        status: Some(402),
        code: Some("insufficient_credits".into()),
        message: "the credit is used up: add \"more\"".into(),
        retry_after: Some(30),
        provider: Some("Acme".into()),
        facts: vec![
            ErrorFact::Affordable(12),
            ErrorFact::Pinned("acme/eu".into()),
            ErrorFact::ForeignReasoning,
            ErrorFact::Efforts(vec![Effort::Low, Effort::Xhigh]),
            ErrorFact::ReasoningMandatory,
            ErrorFact::Retryable(false),
            ErrorFact::FreeQuotaOfTheDay,
            ErrorFact::Reasons(vec!["violence".into()]),
            ErrorFact::ExcludedBy(vec!["data_policy:zdr".into()]),
            ErrorFact::Relaxable(ProviderRequirement::ZeroDataRetention),
            ErrorFact::FreeQuota(FreeQuota { limit: 50, remaining: 0 }),
            ErrorFact::FallbackModels(vec!["acme/small".into()]),
            ErrorFact::Tried(vec!["Acme".into(), "Bcme".into()]),
            ErrorFact::Parameter("top_p".into()),
            ErrorFact::Elsewhere,
        ],
    }
}

fn all_usage() -> Usage {
    Usage {
        input_tokens: Some(1200),
        cached_tokens: Some(0),
        output_tokens: Some(7),
        reasoning_tokens: Some(3),
        cost: Usd::parse("2.10e-05"),
    }
}

fn annotation() -> Annotation {
    Annotation {
        kind: "url_citation".into(),
        url: Some("https://example.org/?a=1&b=\u{e9}".into()),
        title: Some("A \"page\"".into()),
        content: Some("an\nexcerpt".into()),
        filename: None,
        start: Some(0),
        end: Some(4),
    }
}

fn item(step: u32, index: u32, json: Option<&str>, kind: ItemKind) -> (ItemSlot, Item) {
    let closed_at = json.map(|_| timestamp(12));
    (ItemSlot { step, index }, Item { raw: json.map(raw), opened_at: timestamp(11), closed_at, kind: kind.into() })
}

fn other(kind: &str, status: Option<&str>) -> ItemKind {
    ItemKind::Other { kind: kind.into(), status: status.map(Into::into) }
}

fn raw(json: &str) -> Arc<RawValue> {
    RawValue::from_string(json.to_owned()).expect("JSON").into()
}

fn output(json: &str) -> OutputItem {
    OutputItem::from_raw(&raw(json))
}

fn part(item_ref: ItemRef, index: u32, body: PartBody, is_done: bool) -> Event {
    Event::Part { item_ref, index, body, is_done }
}

fn delta(item_ref: ItemRef, field: ItemField, text: &str) -> Event {
    Event::Delta { target: TextTarget { item_ref, field }, text: text.into() }
}

fn text_done(item_ref: ItemRef, field: ItemField, text: &str) -> Event {
    Event::TextDone { target: TextTarget { item_ref, field }, text: text.into() }
}
