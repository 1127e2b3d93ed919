//! Random events read back from a journal as they were, and random answers from their rows.

use std::sync::Arc;

use ibid::{
    api::{
        Annotation, ApiError, Effort, ErrorFact, Event, FaultKind, OutputItem, Usage, Usd,
        event::{ItemField, ItemRef, PartBody, ResponseEnvelope, ResponseStatus, TextTarget},
    },
    chat::{
        Answer, AnswerEnd, Item, ItemKind, ItemSlot, Message, MessageBody, Timestamp, ToolCallRun, ToolCallState,
        answer::{AnswerParams, ContentPart, FunctionCall, ReasoningItem, SearchCall, StepUsage},
        journal::{AnswerJournal, JournalLine},
        tool_call::ResultSize,
    },
    tools::{ToolContent, ToolFailure, ToolId, ToolOutcome},
};
use proptest::{
    collection::{btree_map, vec},
    option,
    prelude::*,
    sample::select,
};
use serde_json::{Value, json, value::RawValue};

use super::test_database::{
    TestDatabase, answer, conversation_id, debug_text, empty_answer, header, write_header, write_message,
};

pub fn text() -> BoxedStrategy<String> {
    prop_oneof![any::<String>(), select(vec!["", "\n\r\u{0}\u{2028}\"\\", "\u{1f980} four legs"]).prop_map(Into::into)]
        .boxed()
}

pub fn maybe_text() -> BoxedStrategy<Option<String>> {
    option::of(text()).boxed()
}

pub fn any_time() -> BoxedStrategy<Timestamp> {
    (-9_000_000_000_i64..9_000_000_000, 0..1_000_000_000_i32)
        .prop_map(|(seconds, nanos)| Timestamp::new(seconds, nanos).unwrap_or(Timestamp::UNIX_EPOCH))
        .boxed()
}

fn any_annotation() -> BoxedStrategy<Annotation> {
    let texts = (text(), maybe_text(), maybe_text(), maybe_text(), maybe_text());
    (texts, any::<[Option<u64>; 2]>())
        .prop_map(|((kind, url, title, content, filename), [start, end])| Annotation {
            kind,
            url,
            title,
            content,
            filename,
            start,
            end,
        })
        .boxed()
}

pub fn any_usage() -> BoxedStrategy<Usage> {
    let cost = option::of(select(vec!["0", "-1", "2.10e-05", "0.00023820000000000002", "170000000"]));
    (any::<[Option<u64>; 4]>(), cost)
        .prop_map(|([input, cached, output, reasoning], cost)| Usage {
            input_tokens: input,
            cached_tokens: cached,
            output_tokens: output,
            reasoning_tokens: reasoning,
            cost: cost.and_then(Usd::parse),
        })
        .boxed()
}

fn any_error() -> BoxedStrategy<ApiError> {
    let fact = prop_oneof![
        any::<u32>().prop_map(ErrorFact::Affordable),
        any::<bool>().prop_map(ErrorFact::Retryable),
        vec(text(), 0..3).prop_map(ErrorFact::Tried),
        vec(select(vec![Effort::None, Effort::Xhigh]), 0..3).prop_map(ErrorFact::Efforts),
        Just(ErrorFact::Elsewhere),
    ];
    let fault = select(vec![FaultKind::Rate, FaultKind::Garbage, FaultKind::Cut]);
    (fault, any::<(Option<u16>, Option<u64>)>(), (text(), maybe_text(), maybe_text()), vec(fact, 0..3))
        .prop_map(|(fault, (status, retry_after), (message, code, provider), facts)| ApiError {
            fault,
            status,
            code,
            message,
            retry_after,
            provider,
            facts,
        })
        .boxed()
}

/// An item in the server's own JSON, which may be of no known form.
fn any_item_json() -> BoxedStrategy<Value> {
    let kinds = ["message", "reasoning", "function_call", "web_search_call", "acme:x", ""];
    let content = prop_oneof![
        text().prop_map(Value::from),
        vec(text(), 0..3).prop_map(|texts| {
            texts.into_iter().map(|text| json!({ "type": "output_text", "text": text, "annotations": [{}] })).collect()
        }),
        any::<i64>().prop_map(Value::from),
    ];
    (select(kinds.to_vec()), maybe_text(), content).prop_map(|(kind, text, content)| {
        json!({ "type": kind, "id": text, "arguments": text, "call_id": text, "status": text, "content": content })
    }).boxed()
}

fn any_output_item() -> BoxedStrategy<OutputItem> {
    any_item_json().prop_map(|json| OutputItem::from_raw(&raw(json.to_string()))).boxed()
}

fn raw(json: String) -> Arc<RawValue> {
    RawValue::from_string(json).expect("JSON").into()
}

fn any_item_ref() -> BoxedStrategy<ItemRef> {
    prop_oneof![any::<u32>().prop_map(ItemRef::Index), text().prop_map(ItemRef::Id), Just(ItemRef::Unspecified)].boxed()
}

fn any_target() -> BoxedStrategy<TextTarget> {
    let field = prop_oneof![
        any::<u32>().prop_map(ItemField::Text),
        any::<u32>().prop_map(ItemField::Refusal),
        any::<u32>().prop_map(ItemField::ReasoningText),
        any::<u32>().prop_map(ItemField::ReasoningSummary),
        Just(ItemField::Arguments),
    ];
    (any_item_ref(), field).prop_map(|(item_ref, field)| TextTarget { item_ref, field }).boxed()
}

fn any_part() -> BoxedStrategy<PartBody> {
    prop_oneof![
        (text(), vec(any_annotation(), 0..3)).prop_map(|(text, annotations)| PartBody::Text { text, annotations }),
        text().prop_map(PartBody::Refusal),
        text().prop_map(PartBody::ReasoningText),
        text().prop_map(PartBody::ReasoningSummary),
        text().prop_map(PartBody::Other),
    ]
    .boxed()
}

fn any_response() -> BoxedStrategy<Box<ResponseEnvelope>> {
    let status = select(vec![
        ResponseStatus::Running,
        ResponseStatus::Completed,
        ResponseStatus::Incomplete,
        ResponseStatus::Failed,
        ResponseStatus::Cancelled,
    ]);
    let texts = (maybe_text(), maybe_text(), maybe_text(), maybe_text());
    let notes = (vec(text(), 0..3), vec(text(), 0..3));
    (status, texts, vec(any_output_item(), 0..3), option::of(any_usage()), option::of(any_error()), notes)
        .prop_map(|(status, (id, model, incomplete_reason, provider), output, usage, error, (notes, pipeline))| {
            let envelope = ResponseEnvelope {
                id,
                model,
                status,
                output,
                usage,
                error,
                incomplete_reason,
                provider,
                notes,
                pipeline,
            };
            Box::new(envelope)
        })
        .boxed()
}

/// An event that a journal holds.
fn any_event() -> BoxedStrategy<Event> {
    prop_oneof![
        any_response().prop_map(Event::ResponseStarted),
        (any_item_ref(), any_output_item()).prop_map(|(item_ref, item)| Event::ItemAdded { item_ref, item }),
        (any_item_ref(), any_output_item()).prop_map(|(item_ref, item)| Event::ItemDone { item_ref, item }),
        (any_item_ref(), any::<u32>(), any_part(), any::<bool>())
            .prop_map(|(item_ref, index, body, is_done)| Event::Part { item_ref, index, body, is_done }),
        (any_target(), text()).prop_map(|(target, text)| Event::Delta { target, text }),
        (any_target(), text()).prop_map(|(target, text)| Event::TextDone { target, text }),
        (any_item_ref(), any::<u32>(), any_annotation())
            .prop_map(|(item_ref, index, annotation)| Event::AnnotationAdded { item_ref, index, annotation }),
        (any_item_ref(), text()).prop_map(|(item_ref, status)| Event::ToolStatus { item_ref, status }),
        any_response().prop_map(Event::ResponseEnded),
        any_error().prop_map(|error| Event::Failed(Box::new(error))),
    ]
    .boxed()
}

fn any_kind() -> BoxedStrategy<ItemKind> {
    let part = prop_oneof![
        (text(), vec(any_annotation(), 0..3)).prop_map(|(text, annotations)| ContentPart::Text { text, annotations }),
        text().prop_map(ContentPart::Refusal),
    ];
    prop_oneof![
        (vec(part, 0..3), maybe_text()).prop_map(|(parts, phase)| ItemKind::Message { parts, phase }),
        (vec(text(), 0..3), vec(text(), 0..3), any::<bool>()).prop_map(|(summary, content, has_encrypted)| {
            ItemKind::Reasoning(ReasoningItem { summary, content, has_encrypted })
        }),
        (text(), text(), text())
            .prop_map(|(call_id, name, arguments)| { ItemKind::Call(FunctionCall { call_id, name, arguments }) }),
        (text(), text(), maybe_text(), vec(text(), 0..3))
            .prop_map(|(kind, status, query, urls)| { ItemKind::Search(SearchCall { kind, status, query, urls }) }),
        (text(), maybe_text()).prop_map(|(kind, status)| ItemKind::Other { kind, status }),
        Just(ItemKind::Other { kind: String::new(), status: None }),
    ]
    .boxed()
}

/// An item with the server's JSON, or another kind than that, or no JSON at all.
fn any_item() -> BoxedStrategy<Item> {
    let json = any_item_json().prop_map(|json| raw(format!("{json:#}"))).boxed();
    let raw_and_kind = prop_oneof![
        json.clone().prop_map(|raw| (Some(raw.clone()), ItemKind::from_raw(&raw))),
        (option::of(json), any_kind()),
    ];
    (raw_and_kind, any_time(), option::of(any_time()))
        .prop_map(|((raw, kind), opened_at, closed_at)| Item { raw, opened_at, closed_at, kind: kind.into() })
        .boxed()
}

pub fn any_state() -> BoxedStrategy<ToolCallState> {
    let content = prop_oneof![
        text().prop_map(ToolContent::Text),
        (text(), text()).prop_map(|(mime, data)| ToolContent::Image { mime, data }),
        (text(), maybe_text(), text()).prop_map(|(uri, mime, data)| ToolContent::File { uri, mime, data }),
        any_item_json().prop_map(ToolContent::Structured),
    ];
    prop_oneof![
        select(vec![
            ToolCallState::Asking,
            ToolCallState::Queued,
            ToolCallState::Running,
            ToolCallState::DeniedByRule,
            ToolCallState::Cancelled,
        ]),
        maybe_text().prop_map(|reason| ToolCallState::Denied { reason }),
        text().prop_map(|why| ToolCallState::Failed(ToolFailure::Crashed(why))),
        any::<u64>().prop_map(|seconds| ToolCallState::Failed(ToolFailure::TimedOut { seconds })),
        (vec(content, 0..3), any::<bool>())
            .prop_map(|(content, failed)| ToolCallState::Done(ToolOutcome { content, failed })),
    ]
    .boxed()
}

fn any_run() -> BoxedStrategy<ToolCallRun> {
    let tool = option::of((text(), text()).prop_map(|(server, name)| ToolId { server, name }));
    let size = option::of(any::<(usize, usize)>().prop_map(|(bytes, lines)| ResultSize { bytes, lines }));
    let time = option::of(any_time()).boxed();
    (tool, any_item_json(), any::<bool>(), any_state(), (time.clone(), time), size)
        .prop_map(|(tool, arguments, edited, state, (started_at, ended_at), full_size)| ToolCallRun {
            tool,
            arguments,
            edited,
            started_at,
            ended_at,
            state,
            progress: None,
            full_size,
        })
        .boxed()
}

fn any_slot() -> BoxedStrategy<ItemSlot> {
    prop_oneof![(0..3_u32, 0..9_u32), any::<(u32, u32)>()].prop_map(|(step, index)| ItemSlot { step, index }).boxed()
}

pub fn any_answer() -> BoxedStrategy<Answer> {
    let end = prop_oneof![
        select(vec![AnswerEnd::Open, AnswerEnd::Complete, AnswerEnd::Stopped, AnswerEnd::Interrupted]),
        maybe_text().prop_map(|reason| AnswerEnd::Incomplete { reason }),
        any_error().prop_map(AnswerEnd::Failed),
    ];
    let usage = (maybe_text(), option::of(any_usage()));
    let usage = usage.prop_map(|(generation_id, usage)| StepUsage { generation_id, usage });
    let params = (any::<bool>(), option::of(select(vec![0.0, 0.7, 2.0])), any::<u32>(), maybe_text()).prop_map(
        |(web, temperature, attempts, provider)| AnswerParams {
            effort: web.then_some(Effort::High),
            web,
            temperature,
            attempts,
            provider,
            ..AnswerParams::default()
        },
    );
    let maps = (
        btree_map(any_slot(), any_item(), 0..4),
        btree_map(any_slot(), any_run(), 0..4),
        btree_map(any::<u32>(), usage, 0..3),
    );
    (end, maps, params, vec(text(), 0..3), option::of(any_time()))
        .prop_map(|(end, (items, call_runs, usage_by_step), params, notes, ended_at)| Answer {
            items,
            call_runs,
            usage_by_step,
            ended_at,
            params,
            notes,
            ..empty_answer(end)
        })
        .boxed()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_event_reads_back_from_its_journal(event in any_event(), step in any::<u32>(), at in any_time()) {
        let mut journal = AnswerJournal::default();
        journal.push(step, at, &event);
        let lines = journal.take().expect("an event").to_json_lines();
        prop_assert!(lines.ends_with('\n') && lines.lines().count() == 1, "{}", lines);
        let line = JournalLine::parse(&lines).expect("a line");
        prop_assert_eq!((line.step, line.at, debug_text(&line.event)), (step, at, debug_text(&event)));
        // Cut off anywhere, it is no line.
        let cut = lines.char_indices().nth(lines.chars().count() / 2).map_or(0, |(cut, _)| cut);
        prop_assert!(JournalLine::parse(&lines[..cut]).is_none());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_answer_reads_back_from_its_row(answers in vec(any_answer(), 1..12)) {
        let (disk, chat) = (TestDatabase::new(), header(1, "a"));
        let messages: Vec<Message> = (2..).zip(answers).map(|(n, sent)| answer(n, 1, sent)).collect();
        let run = disk.open();
        let mut changes = vec![write_header(chat)];
        changes.extend(messages.iter().cloned().map(|message| write_message(1, message)));
        run.save_ok(changes);
        let loaded = run.load(conversation_id(1)).expect("the conversation");
        prop_assert_eq!(loaded.messages.len(), messages.len());
        for (loaded, sent) in loaded.messages.into_values().zip(messages) {
            prop_assert_eq!(debug_text(&without_total(loaded)), debug_text(&sent));
        }
    }
}

/// Leaves out the sum of the usage, which is derived when a row is read.
fn without_total(message: Message) -> Message {
    let body = match message.body {
        MessageBody::Answer(answer) => MessageBody::Answer(Answer { usage: None, ..answer }),
        prompt @ MessageBody::Prompt(_) => prompt,
    };
    Message { body, ..message }
}
