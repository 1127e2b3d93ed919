use serde_json::{Value, json};

use super::*;
use crate::{
    api::{ApiError, Event, FaultKind},
    text::work,
};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + seconds).expect("a time")
}

fn answer() -> Answer {
    Answer::new("openrouter", "some/model", at(0))
}

fn event(event: &Value) -> Event {
    Event::parse(&event.to_string())
}

fn opened(index: u32, item: &Value) -> Event {
    event(&json!({ "type": "response.output_item.added", "output_index": index, "item": item }))
}

fn closed(index: u32, item: &Value) -> Event {
    event(&json!({ "type": "response.output_item.done", "output_index": index, "item": item }))
}

fn delta(index: u32, text: &str) -> Event {
    event(&json!({ "type": "response.output_text.delta", "output_index": index, "content_index": 0, "delta": text }))
}

fn reasoning_delta(index: u32, text: &str) -> Event {
    event(&json!({ "type": "response.reasoning_text.delta", "output_index": index, "content_index": 0, "delta": text }))
}

fn message(text: &str) -> Value {
    json!({ "type": "message", "role": "assistant", "id": "msg_1", "status": "completed",
            "content": [{ "type": "output_text", "text": text, "annotations": [] }] })
}

fn completed(usage: &Value) -> Event {
    event(
        &json!({ "type": "response.completed", "response": { "id": "gen-1", "status": "completed", "output": [], "usage": usage } }),
    )
}

fn cut_error() -> ApiError {
    ApiError::new(FaultKind::Cut, "cut")
}

/// Applies all events at the same moment.
fn apply_all(answer: &mut Answer, events: &[Event]) -> Vec<EventOutcome> {
    events.iter().map(|event| answer.apply(0, at(1), event)).collect()
}

#[test]
fn nothing_is_visible_before_the_first_text_and_the_activity_follows_the_items() {
    let mut answer = answer();
    let applied = apply_all(
        &mut answer,
        &[
            event(&json!({ "type": "response.created", "response": { "id": "gen-1", "model": "a/b", "usage": null } })),
            Event::KeepAlive,
            opened(0, &json!({ "type": "reasoning", "summary": [] })),
            reasoning_delta(0, ""),
            reasoning_delta(0, "Hm"),
            opened(1, &json!({ "type": "openrouter:web_search", "status": "in_progress" })),
            closed(1, &json!({ "type": "openrouter:web_search", "status": "completed" })),
            opened(2, &json!({ "type": "message", "content": [] })),
            delta(2, "So"),
        ],
    );
    let visible: Vec<_> = applied.iter().map(|applied| applied.visible).collect();
    assert_eq!(visible, [false, false, false, false, true, true, true, false, true]);
    let activity: Vec<_> = applied.iter().map(|applied| applied.activity).collect();
    assert_eq!(
        activity,
        [
            Some(ServerActivity::Routing),
            None,
            Some(ServerActivity::Thinking),
            None,
            Some(ServerActivity::Thinking),
            Some(ServerActivity::Searching),
            Some(ServerActivity::Thinking),
            None,
            Some(ServerActivity::Streaming),
        ]
    );
    assert!(applied.iter().all(|applied| !applied.ended));
    assert_eq!(applied[1], EventOutcome::default());
    assert_eq!((answer.answered_by.as_deref(), answer.generation_ids().next()), (Some("a/b"), Some("gen-1")));
}

#[test]
fn the_provider_is_the_one_that_the_router_chose() {
    let mut answer = answer();
    let endpoints = json!({ "available": [{ "provider": "Azure", "selected": false }, { "provider": "OpenAI", "selected": true }] });
    let response = json!({ "status": "completed", "output": [], "openrouter_metadata": { "endpoints": endpoints } });
    apply_all(&mut answer, &[delta(0, "Hi"), event(&json!({ "type": "response.completed", "response": response }))]);
    assert_eq!(answer.params.provider.as_deref(), Some("OpenAI"));
}

#[test]
fn a_retry_discards_an_attempt_that_showed_nothing() {
    let mut answer = answer();
    apply_all(&mut answer, &[opened(0, &json!({ "type": "message", "content": [] }))]);
    assert!(!answer.is_visible());
    answer.finish(at(2), Err(cut_error()));
    assert!(matches!(answer.end, AnswerEnd::Failed(_)));
    answer.discard_attempt(0);
    assert_eq!((answer.items.len(), &answer.end, answer.ended_at), (0, &AnswerEnd::Open, None));
    apply_all(&mut answer, &[closed(0, &message("Hello.")), completed(&json!(null))]);
    assert_eq!((answer.text().as_str(), &answer.end), ("Hello.", &AnswerEnd::Complete));
}

#[test]
fn another_step_reopens_the_answer_and_costs_add_up_exactly() {
    let mut answer = answer();
    let usage = |cost: f64| json!({ "input_tokens": 10, "output_tokens": 2, "cost": cost });
    answer.apply(
        0,
        at(1),
        &closed(0, &json!({ "type": "function_call", "call_id": "c", "name": "f", "arguments": "{}" })),
    );
    answer.apply(0, at(1), &completed(&usage(0.1)));
    assert_eq!((&answer.end, answer.ended_at), (&AnswerEnd::Complete, Some(at(1))));
    answer.apply(1, at(2), &delta(0, "Two"));
    assert_eq!((&answer.end, answer.ended_at), (&AnswerEnd::Open, None));
    answer.apply(1, at(3), &completed(&usage(0.2)));
    assert_eq!(answer.items.keys().map(|slot| (slot.step, slot.index)).collect::<Vec<_>>(), [(0, 0), (1, 0)]);
    let used = answer.usage.clone().expect("both steps report it");
    assert_eq!((used.input_tokens, used.cost.expect("both steps report it").digits()), (Some(20), "0.3"));
    assert_eq!((answer.text().as_str(), &answer.end), ("Two", &AnswerEnd::Complete));
    // A retry of the second step discards only that step.
    answer.discard_attempt(1);
    assert_eq!(answer.items.len(), 1);
    assert_eq!(
        answer.usage.clone().and_then(|usage| usage.cost).map(|cost| cost.digits().to_owned()).as_deref(),
        Some("0.3"),
        "what the failed attempt cost stays in the sum"
    );
    answer.apply(1, at(4), &delta(0, "Again"));
    answer.apply(1, at(4), &completed(&json!(null)));
    assert_eq!(answer.usage, None, "a step of unknown cost makes the total unknown");
}

#[test]
fn a_repeated_failure_counts_once_and_the_better_message_wins() {
    let mut answer = answer();
    let applied = apply_all(
        &mut answer,
        &[
            delta(0, "Half"),
            event(&json!({ "type": "error", "code": "server_error", "message": "Provider disconnected" })),
            event(
                &json!({ "type": "response.failed", "response": { "status": "failed", "error_type": "provider_overloaded",
                "error": { "code": "server_error", "message": "The provider is overloaded" }, "output": [], "usage": null } }),
            ),
        ],
    );
    assert_eq!(applied.iter().map(|applied| applied.ended).collect::<Vec<_>>(), [false, true, true]);
    let AnswerEnd::Failed(error) = &answer.end else { panic!("{:?}", answer.end) };
    assert_eq!(
        (error.code.as_deref(), error.message.as_str()),
        (Some("provider_overloaded"), "The provider is overloaded")
    );
    let before = answer.end.clone();
    answer.finish(at(9), Err(cut_error()));
    assert_eq!((answer.end, answer.ended_at), (before, Some(at(1))));
}

#[test]
fn late_events_do_not_change_a_stopped_answer() {
    for (end, stopped) in
        [(Answer::stop as fn(&mut Answer, Timestamp), AnswerEnd::Stopped), (Answer::interrupt, AnswerEnd::Interrupted)]
    {
        let mut answer = answer();
        apply_all(&mut answer, &[delta(0, "Half")]);
        end(&mut answer, at(2));
        let late = apply_all(
            &mut answer,
            &[delta(0, " more"), closed(0, &message("Half more")), completed(&json!({ "cost": 1 }))],
        );
        assert!(late.iter().all(|applied| !applied.changed && applied.ended));
        assert_eq!((answer.text().as_str(), &answer.end, answer.ended_at), ("Half", &stopped, Some(at(2))));
    }
}

#[test]
fn a_complete_item_replaces_its_deltas_and_later_deltas_are_ignored() {
    let mut answer = answer();
    apply_all(&mut answer, &[delta(0, "Helo"), closed(0, &message("Hello")), delta(0, " again")]);
    assert_eq!(answer.text(), "Hello");
    apply_all(&mut answer, &[closed(0, &message("Hello")), completed(&json!(null))]);
    assert_eq!((answer.text().as_str(), answer.items.len()), ("Hello", 1));
}

#[test]
fn a_complete_item_without_text_retains_the_text_of_its_deltas() {
    let mut answer = answer();
    apply_all(
        &mut answer,
        &[
            reasoning_delta(0, "Because"),
            closed(0, &json!({ "type": "reasoning", "id": "rs", "summary": [], "encrypted_content": "gA" })),
            delta(1, "Hello"),
            closed(1, &json!({ "type": "message", "content": [] })),
        ],
    );
    let items: Vec<_> = answer.items.values().collect();
    let reasoning = ReasoningItem { content: vec!["Because".into()], has_encrypted: true, ..ReasoningItem::default() };
    assert_eq!((&*items[0].kind, items[0].raw.is_some()), (&ItemKind::Reasoning(reasoning), true));
    assert_eq!((answer.text().as_str(), items[1].raw.is_some()), ("Hello", false));
}

#[test]
fn without_a_terminal_event_the_items_decide_how_the_answer_ended() {
    let ended = |events: &[Event], result: Result<(), ApiError>| {
        let mut answer = answer();
        apply_all(&mut answer, events);
        answer.finish(at(2), result);
        match answer.end {
            AnswerEnd::Failed(error) => Err(error.fault),
            end => Ok(end),
        }
    };
    let half = delta(0, "Half");
    let whole = closed(0, &message("Whole"));
    let only_thought = closed(0, &json!({ "type": "reasoning", "summary": [] }));
    let odd = Event::parse("<html>");
    assert_eq!(ended(std::slice::from_ref(&whole), Ok(())), Ok(AnswerEnd::Complete));
    assert_eq!(ended(std::slice::from_ref(&whole), Err(cut_error())), Ok(AnswerEnd::Complete));
    assert_eq!(ended(&[whole, delta(1, "More")], Ok(())), Err(FaultKind::Cut));
    assert_eq!(ended(std::slice::from_ref(&half), Ok(())), Err(FaultKind::Cut));
    assert_eq!(ended(&[half], Err(ApiError::new(FaultKind::Silence, "mute"))), Err(FaultKind::Silence));
    assert_eq!(ended(&[only_thought], Ok(())), Err(FaultKind::Cut));
    assert_eq!(ended(&[closed(0, &message(""))], Ok(())), Err(FaultKind::Empty));
    assert_eq!(ended(&[], Ok(())), Err(FaultKind::Cut));
    assert_eq!(ended(&[odd], Ok(())), Err(FaultKind::Garbage));
}

#[test]
fn reasoning_time_ends_when_the_message_begins_even_if_it_closes_later() {
    let mut answer = answer();
    assert_eq!(answer.reasoning_seconds(at(5)), None);
    answer.apply(0, at(1), &opened(0, &json!({ "type": "reasoning", "summary": [] })));
    assert_eq!(answer.reasoning_seconds(at(5)), Some(4));
    answer.apply(0, at(7), &opened(1, &json!({ "type": "message", "content": [] })));
    assert_eq!(answer.reasoning_seconds(at(9)), Some(6));
    answer.apply(0, at(20), &closed(0, &json!({ "type": "reasoning", "summary": [] })));
    assert_eq!(answer.reasoning_seconds(at(99)), Some(6));
    answer.apply(0, at(30), &opened(2, &json!({ "type": "reasoning", "summary": [] })));
    answer.stop(at(32));
    assert_eq!(answer.reasoning_seconds(at(99)), Some(8));
}

#[test]
fn a_huge_index_allocates_no_memory() {
    let mut answer = answer();
    let far = json!({ "type": "response.output_text.delta", "output_index": u32::MAX, "content_index": u32::MAX, "delta": "x" });
    apply_all(&mut answer, &[event(&far)]);
    let far = json!({ "type": "response.reasoning_text.delta", "output_index": u32::MAX - 1, "content_index": u32::MAX, "delta": "x" });
    apply_all(&mut answer, &[event(&far), delta(u32::MAX, "kept")]);
    assert_eq!(answer.text(), "kept");
    let parts: usize = answer.items.values().filter_map(Item::parts).map(<[ContentPart]>::len).sum();
    assert_eq!(parts, 1);
}

#[test]
fn late_and_duplicate_citations_are_merged() {
    let mut answer = answer();
    let note = |title: &str| json!({ "type": "url_citation", "url": "https://a.example", "title": title, "start_index": 0, "end_index": 5 });
    let cited = |annotation: &Value| {
        event(
            &json!({ "type": "response.output_text.annotation.added", "output_index": 0, "content_index": 0, "annotation": annotation }),
        )
    };
    let other = json!({ "type": "url_citation", "url": "https://b.example" });
    let mut done = message("Hello");
    done["content"][0]["annotations"] = json!([note("A"), other]);
    apply_all(&mut answer, &[delta(0, "Hello"), cited(&note("")), cited(&note("A")), closed(0, &done), cited(&other)]);
    let notes: Vec<_> = answer.annotations().map(|note| (note.url.as_deref(), note.title.as_deref())).collect();
    assert_eq!(notes, [(Some("https://a.example"), Some("A")), (Some("https://b.example"), None)]);
}

#[test]
fn items_are_found_in_linear_work_however_they_are_named() {
    type MakeEvents = fn(usize) -> Vec<Event>;
    fn done(id: usize) -> Event {
        let item = json!({ "type": "function_call", "id": format!("fc_{id}"), "call_id": "c", "name": "f", "arguments": "{}" });
        event(&json!({ "type": "response.output_item.done", "item": item }))
    }
    let kinds: [(&str, MakeEvents); 4] = [
        ("complete items without an index", |count| (0..count).map(done).collect()),
        ("one item, again and again", |count| vec![done(0); count]),
        ("deltas by id below closed items", |count| {
            let delta = || {
                event(
                    &json!({ "type": "response.output_text.delta", "item_id": "msg", "content_index": 0, "delta": "x" }),
                )
            };
            (0..count).flat_map(|nth| [done(nth), delta()]).collect()
        }),
        ("citations of one text", |count| {
            let cite = |nth: usize| {
                let annotation = json!({ "type": "url_citation", "url": format!("https://x.example/{nth}"), "start_index": 0, "end_index": 1 });
                event(
                    &json!({ "type": "response.output_text.annotation.added", "output_index": 0, "content_index": 0, "annotation": annotation }),
                )
            };
            [delta(0, "text")].into_iter().chain((0..count).map(cite)).collect()
        }),
    ];
    for (kind, events) in kinds {
        work::assert_linear(kind, 500, events, |events| {
            let mut answer = answer();
            apply_all(&mut answer, events);
            work::count_steps(answer.items.len() + events.len());
        });
    }
}
