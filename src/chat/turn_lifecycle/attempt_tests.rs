//! What failed attempts leave behind, and requests after answers with the items of other servers.

use serde_json::{Value, json};

use super::*;
use crate::{
    api::{ApiDialect, ApiError, Request, Usage, Usd},
    chat::{ItemKind, test_support::*},
};

fn usage(cost: &str) -> Usage {
    Usage { output_tokens: Some(1), cost: Usd::parse(cost), ..Usage::default() }
}

fn failed(cost: &Value) -> Event {
    event(&json!({ "type": "response.failed", "response": { "id": "gen-a", "status": "failed", "output": [],
        "error": { "code": "server_error", "message": "Overloaded" },
        "usage": { "input_tokens": 20, "output_tokens": 0, "cost": cost } } }))
}

/// Sends a prompt whose first attempt ends this way and whose second one is answered for $0.1.
fn answered_at_the_second_attempt(first: &[Event]) -> TestChat {
    let mut bench = TestChat::new();
    let stream = bench.send("Why?");
    bench.chat.on_opened(stream, Some("gen-a".into()), bench.now);
    bench.apply(stream, first);
    bench.end(stream, Ok(()));
    bench.wait(2000);
    let next = bench.tick();
    let (stream, _) = only_request(&next);
    bench.chat.on_opened(stream, Some("gen-1".into()), bench.now);
    bench.apply(stream, &[delta("So."), item_done(0, &message_item("m", "So.")), completed("0.1")]);
    assert_eq!(bench.answer().end, AnswerEnd::Complete);
    bench
}

#[test]
fn what_a_failed_attempt_cost_stays_on_the_answer_and_in_every_sum() {
    let bench = answered_at_the_second_attempt(&[failed(&json!(0.02))]);
    assert_eq!(bench.answer().generation_ids().collect::<Vec<_>>(), ["gen-1", "gen-a"]);
    let cost = bench.answer().usage.as_ref().and_then(|usage| usage.cost.clone());
    assert_eq!(cost.as_ref().map(Usd::digits), Some("0.12"));
    assert_eq!((bench.chat.cost().known.digits(), bench.chat.cost().unpriced_answers), ("0.12", 0));
}

#[test]
fn what_a_failed_attempt_may_have_cost_is_on_disk_before_the_next_attempt() {
    for first in [vec![failed(&json!(0.02))], Vec::new()] {
        let mut bench = TestChat::new();
        let stream = bench.send("Why?");
        bench.chat.on_opened(stream, Some("gen-a".into()), bench.now);
        let mut saved = bench.apply(stream, &first).saved;
        saved.extend(bench.end(stream, Ok(())).saved);
        assert_eq!(saved, ["answer"]);
        assert_eq!(bench.answer().generation_ids().collect::<Vec<_>>(), ["gen-a"]);
    }
}

#[test]
fn the_price_of_a_failed_attempt_is_looked_up_and_one_that_nobody_knows_was_free() {
    for (result, cost) in [(Ok(usage("0.03")), "0.13"), (Err(error(FaultKind::Model, 404)), "0.1")] {
        let mut bench = answered_at_the_second_attempt(&[]);
        let answer = bench.newest();
        assert_eq!(
            bench.answer().usage.as_ref().and_then(|usage| usage.output_tokens),
            Some(5),
            "its tokens are known"
        );
        for _ in 0..3 {
            bench.wait(2000);
            let _lookups = bench.tick();
            bench.chat.on_price(answer, "gen-a".into(), bench.now, result.clone());
        }
        let summed = bench.chat.cost();
        assert_eq!((summed.known.digits(), summed.unpriced_answers), (cost, 0), "{result:?}");
        assert!(bench.answer().notes.is_empty(), "{:?}", bench.answer().notes);
    }
}

#[test]
fn an_attempt_that_cost_something_counts_even_if_all_failed() {
    let mut bench = TestChat::new();
    let stream = bench.send("Why?");
    bench.chat.on_opened(stream, Some("gen-a".into()), bench.now);
    bench.apply(stream, &[failed(&json!(0.02))]);
    bench.stop();
    assert_eq!((bench.chat.cost().known.digits(), bench.chat.cost().unpriced_answers), ("0.02", 0));
}

#[test]
fn what_an_attempt_cost_is_shown_and_saved_while_the_turn_waits_for_the_next() {
    let mut bench = TestChat::new();
    let stream = bench.send("Why?");
    bench.chat.on_opened(stream, Some("gen-a".into()), bench.now);
    let effects = bench.apply(stream, &[failed(&json!(0.02))]);
    assert!(matches!(bench.phase(), Some(TurnPhase::AwaitingRetry { .. })), "{:?}", bench.phase());
    assert_eq!(bench.chat.cost().known.digits(), "0.02");
    assert_eq!(effects.saved, ["answer"]);
    let card = crate::chat::explain(bench.answer(), bench.chat.active_turn()).expect("a card");
    assert!(card.advice.contains("it cost $0.02 so far"), "{}", card.advice);
}

#[test]
fn a_call_without_a_name_fails_the_answer() {
    for item in [
        json!({ "type": "function_call", "call_id": "c", "name": "", "arguments": "{}" }),
        json!({ "type": "function_call", "call_id": "c", "name": " " }),
        json!({ "type": "function_call", "arguments": { "city": "Bonn" } }),
    ] {
        let mut bench = TestChat::new();
        let stream = bench.send("Why?");
        bench.apply(stream, &[item_done(0, &item), completed("0.1")]);
        let AnswerEnd::Failed(error) = &bench.answer().end else { panic!("{item} is no answer") };
        assert_eq!(error.message, "the model called a tool without naming it");
        assert_eq!(bench.chat.cost().known.digits(), "0.1");
    }
}

#[test]
fn a_name_that_only_the_announcement_has_is_kept() {
    let mut bench = TestChat::new();
    let stream = bench.send("Why?");
    let announced = json!({ "type": "response.output_item.added", "output_index": 0,
        "item": { "type": "function_call", "call_id": "c", "name": "look", "arguments": "" } });
    let done = json!({ "type": "function_call", "name": "", "arguments": { "x": 1 } });
    bench.apply(stream, &[event(&announced), item_done(0, &done), completed("0.1")]);
    let ItemKind::Call(call) = &*bench.answer().items.values().next().expect("a call").kind else { panic!("no call") };
    assert_eq!((call.name.as_str(), call.call_id.as_str(), call.arguments.as_str()), ("look", "c", r#"{"x":1}"#));
    assert_eq!(bench.answer().end, AnswerEnd::Complete);
}

#[test]
fn arguments_may_be_objects_in_every_event() {
    let object = json!({ "city": "Bonn" });
    let call =
        |arguments: &Value| json!({ "type": "function_call", "call_id": "c", "name": "look", "arguments": arguments });
    let opened = event(&json!({ "type": "response.output_item.added", "output_index": 0, "item": call(&json!("")) }));
    let piece = |kind: &str, key: &str| {
        event(&json!({ "type": format!("response.function_call_arguments.{kind}"), "output_index": 0, key: object }))
    };
    for events in [
        vec![opened.clone(), piece("delta", "delta"), item_done(0, &call(&json!("")))],
        vec![opened.clone(), piece("delta", "delta"), piece("delta", "delta"), item_done(0, &call(&json!("")))],
        vec![opened.clone(), piece("done", "arguments"), item_done(0, &call(&json!("")))],
        vec![opened, item_done(0, &call(&object))],
        vec![item_done(0, &call(&object))],
    ] {
        let mut bench = TestChat::new();
        let stream = bench.send("Why?");
        bench.apply(stream, &events);
        bench.apply(stream, &[completed("0.1")]);
        let item = bench.answer().items.values().next().expect("a call");
        let ItemKind::Call(call) = &*item.kind else { panic!("{:?}", item.kind) };
        assert_eq!(call.arguments, r#"{"city":"Bonn"}"#, "{events:?}");
    }
}

/// The types of the items in a request.
fn item_types(request: &Request) -> Vec<String> {
    let kind = |item: &serde_json::value::RawValue| {
        let item: Value = serde_json::from_str(item.get()).expect("an item");
        item["type"].as_str().unwrap_or("message").to_owned()
    };
    request.input.iter().map(|item| kind(item)).collect()
}

/// The request after an answer of these items and a text.
fn request_after(items: &[Value]) -> (TestChat, StreamId, Vec<String>) {
    let mut bench = TestChat::new();
    let stream = bench.send("Why?");
    let mut events: Vec<Event> = (0..).zip(items).map(|(index, item)| item_done(index, item)).collect();
    events.extend([item_done(90, &message_item("m", "So.")), completed("0.1")]);
    bench.apply(stream, &events);
    bench.end(stream, Ok(()));
    let asked = bench.submit("And?");
    let next = bench.confirm_saved(&asked);
    let (stream, request) = only_request(&next);
    let types = item_types(request);
    (bench, stream, types)
}

#[test]
fn a_program_goes_back_only_with_its_output_and_other_new_items_as_they_came() {
    let program = json!({ "type": "program", "id": "p", "call_id": "c1", "code": "1+1", "fingerprint": "f" });
    let output = json!({ "type": "program_output", "id": "o", "call_id": "c1", "result": "2", "status": "completed" });
    let other = json!({ "type": "configuration_update", "id": "u", "reasoning": { "effort": "low" } });
    let types = |items: &[Value]| request_after(items).2;
    assert_eq!(
        types(&[program.clone(), output.clone()]),
        ["message", "program", "program_output", "message", "message"]
    );
    assert_eq!(types(std::slice::from_ref(&program)), ["message"; 3]);
    assert_eq!(types(&[output]), ["message"; 3]);
    assert_eq!(types(&[other]), ["message", "configuration_update", "message", "message"]);
    let (bench, ..) = request_after(&[program]);
    let first = bench.chat.messages.values().find_map(Message::as_answer).expect("an answer");
    assert_eq!(first.items.len(), 2, "it is kept in any case");
}

#[test]
fn a_call_that_the_server_answered_is_not_answered_again() {
    let call = json!({ "type": "function_call", "id": "f", "call_id": "c1", "name": "look", "arguments": "{}" });
    let output = json!({ "type": "function_call_output", "id": "o", "call_id": "c1", "output": "2" });
    let types = request_after(&[call, output]).2;
    assert_eq!(types, ["message", "function_call", "function_call_output", "message", "message"]);
}

#[test]
fn items_of_a_foreign_tool_are_left_out_once_the_server_names_them() {
    let search = json!({ "type": "web_search_call", "id": "ws", "status": "completed", "action": { "type": "search", "query": "q" } });
    let (mut bench, stream, types) = request_after(&[search]);
    assert_eq!(types, ["message", "web_search_call", "message", "message"]);
    let body = json!({ "error": { "message": "web_search_tool_result: encrypted_content could not be decrypted" } });
    let refusal =
        ApiError::from_response(400, &reqwest::header::HeaderMap::new(), body.to_string().as_bytes(), bench.now);
    let again = bench.end(stream, Err(refusal));
    let (_, request) = only_request(&again);
    assert_eq!(item_types(request), ["message"; 3]);
    assert_eq!(
        bench.answer().notes,
        ["results of the server's own tools were not sent: the server did not accept them"]
    );
    let first = bench.chat.messages.values().find_map(Message::as_answer).expect("an answer");
    assert_eq!(first.items.len(), 2, "they stay in the conversation");
}

#[test]
fn a_conversation_is_named_to_openai_outside_the_body() {
    let mut bench = TestChat::new();
    bench.chat.context.dialect = ApiDialect::OpenAi;
    let asked = bench.submit("Why?");
    let next = bench.confirm_saved(&asked);
    let (_, request) = only_request(&next);
    assert_eq!((&request.session_id, request.session_header.clone()), (&None, Some(bench.chat.id.to_string())));
    let body = serde_json::to_string(request).expect("a request has a JSON form");
    assert!(!body.contains(&bench.chat.id.to_string()), "{body}");
}

#[test]
fn what_the_server_did_to_the_request_is_noted_and_paid_stages_are_in_the_details() {
    let mut bench = TestChat::new();
    let stream = bench.send("Why?");
    let dropped = |reason: &str| json!({ "id": "rs", "type": "reasoning", "action": "removed", "reason": reason });
    let ended = json!({ "type": "response.completed", "response": { "status": "completed", "output": [],
        "input_transformations": [dropped("prefix_mismatch"), dropped("prefix_mismatch"), dropped("turn_boundary")],
        "openrouter_metadata": { "pipeline": [
            { "type": "guardrail", "name": "pii", "summary": "Redacted 2 matches", "data": { "action": "redact", "redactions": 2 } },
            { "type": "plugin", "name": "web", "summary": "5 results", "cost_usd": 0.004 },
            { "type": "plugin", "name": "free", "summary": "nothing", "cost_usd": 0 },
        ] } } });
    bench.apply(stream, &[delta("So."), event(&ended)]);
    assert_eq!(
        bench.answer().notes,
        [
            "the server dropped 2 reasoning items: prefix mismatch",
            "the server dropped 1 reasoning item: turn boundary",
            "2 places of your prompt were redacted by a guardrail",
        ]
    );
    assert_eq!(
        bench.answer().params.pipeline,
        ["pii, guardrail, Redacted 2 matches", "web, plugin, 5 results, $0.004"]
    );
}

#[test]
fn an_event_that_cannot_be_read_never_ends_an_answer() {
    let mut bench = TestChat::new();
    let stream = bench.send("Why?");
    let odd = [
        json!({ "type": "response.shell_call_output_content.delta", "output_index": 0, "delta": { "stdout": "x", "stderr": "" } }),
        json!({ "type": "response.shell_call_command.delta", "output_index": 0, "command_index": 0, "delta": "ls" }),
        json!({ "type": "response.compaction.compacting", "output_index": 0, "item_id": "c" }),
        json!({ "type": "response.audio.delta", "delta": "AAAA" }),
        json!({ "type": "response.output_text.delta", "output_index": 1, "content_index": 0, "delta": { "text": "So." } }),
    ];
    bench.apply(stream, &odd.map(|json| event(&json)));
    bench.apply(stream, &[completed("0.1")]);
    assert_eq!((bench.answer().text().as_str(), &bench.answer().end), ("So.", &AnswerEnd::Complete));
}
