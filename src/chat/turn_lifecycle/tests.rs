use serde_json::json;

use super::*;
use crate::api::{ApiError, ErrorFact, FaultKind};
use crate::chat::test_support::*;

fn input(request: &api::Request) -> Vec<serde_json::Value> {
    request.input.iter().map(|item| serde_json::from_str(item.get()).expect("items are JSON")).collect()
}

fn reasoning_item(id: &str) -> serde_json::Value {
    json!({ "type": "reasoning", "id": id, "summary": [], "encrypted_content": "sealed", "format": "openai-responses-v1" })
}

#[test]
fn no_request_is_sent_before_the_prompt_is_on_disk() {
    let mut bench = TestChat::new();
    let first = bench.submit("Why?");
    assert_eq!(first.saved, ["conversation", "prompt", "answer", "draft"]);
    assert!(first.opened.is_empty() && first.gates.len() == 1);
    assert_eq!(bench.phase(), Some(&TurnPhase::Saving));
    bench.wait(20);
    let (_, request) = {
        let _ = only_request(&bench.confirm_saved(&first));
        (0, bench.phase().cloned())
    };
    assert_eq!(request, Some(TurnPhase::Routing));
    assert!(bench.confirm_saved(&first).opened.is_empty(), "a second confirmation of the save sends nothing");
}

#[test]
fn a_prompt_that_cannot_be_saved_waits_for_the_user() {
    let mut bench = TestChat::new();
    let first = bench.submit("Why?");
    bench.chat.on_save_failed(first.gates[0], "the disk is full".into(), bench.now);
    assert_eq!(bench.phase(), Some(&TurnPhase::SaveFailed { reason: "the disk is full".into() }));
    assert_eq!(bench.wakes_in(), None);
    let again = collect_effects(bench.chat.retry_save(first.gates[0], bench.now));
    assert_eq!((again.gates, &again.saved[..3]), (first.gates.clone(), &["conversation", "prompt", "answer"][..]));
    bench.chat.on_save_failed(first.gates[0], "the disk is full".into(), bench.now);
    let sent = collect_effects(bench.chat.send_unsaved(first.gates[0], bench.now));
    let stream = only_request(&sent).0;
    let settled =
        bench.apply(stream, &[delta("Because."), item_done(0, &message_item("m", "Because.")), completed("0.1")]);
    assert_eq!(settled.saved, ["conversation", "prompt", "answer"], "messages only in memory go with the next save");
    let second = bench.submit("And?");
    assert_eq!(second.saved.iter().filter(|row| **row == "prompt").count(), 2);
    bench.confirm_saved(&second);
    bench.stop();
    assert_eq!(bench.submit("So?").saved.iter().filter(|row| **row == "prompt").count(), 1);
}

#[test]
fn prompts_are_queued_while_a_turn_runs_and_sent_one_by_one() {
    let mut bench = TestChat::new();
    let stream = bench.send("one");
    assert_eq!(bench.submit("two").saved, ["queue", "draft"]);
    bench.submit("three");
    assert_eq!(queued(&bench.chat), ["two", "three"]);
    let next = bench.apply(stream, &[delta("1"), item_done(0, &message_item("m1", "1")), completed("0")]);
    assert_eq!(next.gates.len(), 1);
    assert_eq!((prompts(&bench.chat), queued(&bench.chat)), (vec!["one", "two"], vec!["three"]));
    assert!(bench.end(stream, Ok(())).saved.is_empty(), "the stream of a turn that has ended changes nothing");
    let stream = bench.confirm_and_open(&next);
    bench.apply(stream, &[delta("2"), item_done(0, &message_item("m2", "2")), completed("0")]);
    assert_eq!((prompts(&bench.chat), bench.chat.queue.len()), (vec!["one", "two", "three"], 0));
}

#[test]
fn after_a_failure_or_a_stop_the_queue_waits_for_the_next_prompt() {
    let mut bench = TestChat::new();
    let stream = bench.send("one");
    bench.submit("two");
    assert!(bench.end(stream, Err(error(FaultKind::Key, 401))).gates.is_empty());
    assert_eq!(queued(&bench.chat), ["two"]);
    let next = bench.submit("three");
    assert_eq!((prompts(&bench.chat), queued(&bench.chat)), (vec!["one", "two"], vec!["three"]));
    bench.confirm_and_open(&next);
    bench.stop();
    assert_eq!(queued(&bench.chat), ["three"]);
    bench.submit("");
    assert_eq!((prompts(&bench.chat), bench.chat.queue.len()), (vec!["one", "two", "three"], 0));
}

#[test]
fn a_queued_prompt_can_be_taken_back() {
    let mut bench = TestChat::new();
    bench.send("one");
    bench.submit("two");
    let (text, next) = bench.chat.take_back_queued().expect("one waits");
    assert_eq!((text.as_str(), collect_effects(next).saved), ("two", vec!["taken back"]));
    assert!(bench.chat.take_back_queued().is_none());
}

#[test]
fn each_kind_of_failure_is_retried_its_own_number_of_times() {
    for (fault, status, requests) in [
        (FaultKind::Rate, Some(429), 4),
        (FaultKind::Connect, None, 4),
        (FaultKind::Cut, None, 4),
        (FaultKind::Server, Some(502), 4),
        (FaultKind::Server, Some(500), 3),
        (FaultKind::Server, Some(408), 2),
        (FaultKind::Empty, None, 3),
        (FaultKind::Key, Some(401), 1),
        (FaultKind::Credit, Some(402), 1),
        (FaultKind::Forbidden, Some(403), 1),
        (FaultKind::Model, Some(404), 1),
        (FaultKind::Request, Some(400), 1),
        (FaultKind::Garbage, None, 1),
    ] {
        let mut bench = TestChat::new();
        let mut stream = bench.send("Why?");
        let mut sent = 1;
        loop {
            bench.end(stream, Err(error(fault, status)));
            let Some(wait) = bench.wakes_in() else { break };
            let doubled = 1000 << (sent - 1);
            assert!((doubled * 4 / 5..=doubled * 6 / 5).contains(&wait), "{fault:?} waits {wait} ms");
            assert_eq!(bench.chat.active_turn().map(|turn| turn.attempt), Some(sent));
            bench.wait(wait - 1);
            assert!(bench.tick().opened.is_empty(), "{fault:?} is retried too early");
            bench.wait(1);
            stream = only_request(&bench.tick()).0;
            sent += 1;
        }
        assert_eq!(sent, requests, "{fault:?} {status:?}");
        assert_eq!(bench.answer().end, AnswerEnd::Failed(error(fault, status)));
        assert!(bench.chat.turns.is_empty());
    }
}

#[test]
fn retry_after_is_honoured_to_the_second_up_to_a_minute() {
    let limited = |retry_after| ApiError { retry_after: Some(retry_after), ..error(FaultKind::Rate, 429) };
    for (hint, wait) in [(9, Some(9000)), (60, Some(60_000)), (61, None)] {
        let mut bench = TestChat::new();
        let stream = bench.send("Why?");
        bench.end(stream, Err(limited(hint)));
        assert_eq!(bench.wakes_in(), wait, "a hint of {hint} s");
    }
    let mut bench = TestChat::new();
    let stream = bench.send("Why?");
    bench.end(stream, Err(ApiError { facts: vec![ErrorFact::FreeQuotaOfTheDay], ..limited(5) }));
    assert_eq!(bench.wakes_in(), None, "the free requests of a day do not come back in seconds");
}

#[test]
fn nothing_is_retried_once_something_was_shown() {
    let mut bench = TestChat::new();
    let stream = bench.send("Why?");
    bench.apply(stream, &[delta("Becau")]);
    bench.end(stream, Err(error(FaultKind::Cut, None)));
    assert_eq!((bench.wakes_in(), bench.chat.turns.len()), (None, 0));
    assert_eq!(bench.chat.newest_answer_text().as_deref(), Some("Becau"));
    let answer = bench.newest();
    assert!(bench.chat.can_continue(answer));
    assert!(bench.chat.summary().failed);
}

#[test]
fn a_failure_after_encrypted_reasoning_is_retried_and_discards_it() {
    let mut bench = TestChat::new();
    let stream = bench.send("Why?");
    bench.apply(stream, &[item_done(0, &reasoning_item("rs_1"))]);
    bench.wait(800);
    assert_eq!(bench.tick().saved, ["growth"]);
    let failed = bench.end(stream, Err(error(FaultKind::Server, 502)));
    assert_eq!(failed.saved, ["answer"], "the attempt is removed from disk, too");
    assert!(bench.answer().items.is_empty() && bench.answer().end == AnswerEnd::Open);
    let turn = bench.chat.turns[0].id;
    let again = collect_effects(bench.chat.skip_wait(turn, bench.now));
    assert_eq!(only_request(&again).0, StreamId { turn, request_number: 2 });
    assert!(bench.apply(stream, &[delta("late")]).saved.is_empty());
    assert!(bench.answer().items.is_empty(), "the first attempt has ended");
}

#[test]
fn foreign_reasoning_is_left_out_once_with_a_note() {
    let mut bench = TestChat::new();
    let stream = bench.send("one");
    bench.apply(
        stream,
        &[item_done(0, &reasoning_item("rs_1")), item_done(1, &message_item("msg_1", "1")), completed("0")],
    );
    let second = bench.submit("two");
    let saved = bench.confirm_saved(&second);
    let (stream, request) = only_request(&saved);
    assert_eq!(input(request)[1]["encrypted_content"], "sealed");
    let pinned = ApiError { facts: vec![ErrorFact::Pinned("openai/x|azure".into())], ..error(FaultKind::Model, 404) };
    let mended = bench.end(stream, Err(pinned.clone()));
    let (stream, request) = only_request(&mended);
    assert!(input(request).iter().all(|item| item["type"] != "reasoning"), "{request:?}");
    assert_eq!(bench.answer().notes, ["earlier reasoning was not sent: the server could not use it"]);
    assert_eq!(bench.chat.turns[0].attempt, 1);
    bench.end(stream, Err(pinned.clone()));
    assert_eq!(bench.answer().end, AnswerEnd::Failed(pinned));
}

#[test]
fn a_model_switch_notes_dropped_reasoning_only_if_there_was_some() {
    let mut bench = TestChat::new();
    bench.exchange("one", "1", "0");
    bench.chat.settings.model = "anthropic/claude-sonnet-5".into();
    let stream = bench.send("two");
    assert!(bench.answer().notes.is_empty());
    bench.apply(
        stream,
        &[item_done(0, &reasoning_item("rs_2")), item_done(1, &message_item("msg_2", "2")), completed("0")],
    );
    bench.chat.settings.model = "openai/gpt-5.6-luna".into();
    bench.send("three");
    assert_eq!(bench.answer().notes, ["claude-sonnet-5's reasoning was not sent: no other model can read it"]);
}

#[test]
fn an_effort_that_the_model_refuses_is_left_out_once() {
    let mut bench = TestChat::new();
    bench.chat.settings.effort = Some(crate::chat::Effort::None);
    let first = bench.submit("Why?");
    let saved = bench.confirm_saved(&first);
    let (stream, request) = only_request(&saved);
    assert_eq!(request.reasoning.and_then(|reasoning| reasoning.effort), Some(crate::chat::Effort::None));
    let refused = ApiError { facts: vec![ErrorFact::ReasoningMandatory], ..error(FaultKind::Request, 400) };
    let mended = bench.end(stream, Err(refused));
    assert_eq!(only_request(&mended).1.reasoning, None);
    assert_eq!(bench.answer().notes.len(), 1);
}

#[test]
fn stopping_works_in_every_phase() {
    let mut saving = TestChat::new();
    let first = saving.submit("Why?");
    assert!(saving.stop().closed.is_empty());
    assert!(saving.confirm_saved(&first).opened.is_empty(), "a prompt that was stopped during its save is never sent");
    assert_eq!(saving.answer().end, AnswerEnd::Stopped);

    let mut routing = TestChat::new();
    let stream = routing.send("Why?");
    let stopped = routing.stop();
    assert_eq!((stopped.closed, stopped.saved), (vec![stream], vec!["conversation", "answer"]));

    let mut streaming = TestChat::new();
    let stream = streaming.send("Why?");
    streaming.apply(stream, &[delta("Becau")]);
    assert_eq!(streaming.stop().closed, [stream]);
    assert_eq!(streaming.answer().end, AnswerEnd::Stopped);
    assert_eq!(streaming.chat.newest_answer_text().as_deref(), Some("Becau"));
    streaming.apply(stream, &[delta("se")]);
    assert_eq!(streaming.chat.newest_answer_text().as_deref(), Some("Becau"));

    let mut waiting = TestChat::new();
    let stream = waiting.send("Why?");
    waiting.end(stream, Err(error(FaultKind::Rate, 429)));
    assert!(waiting.stop().closed.is_empty());
    assert_eq!(waiting.answer().end, AnswerEnd::Failed(error(FaultKind::Rate, 429)));

    let mut unsaved = TestChat::new();
    let first = unsaved.submit("Why?");
    unsaved.chat.on_save_failed(first.gates[0], "locked".into(), unsaved.now);
    assert_eq!(unsaved.stop().saved, ["conversation", "prompt", "answer"]);
}

#[test]
fn a_streaming_answer_is_saved_within_a_second_if_it_changed() {
    let mut bench = TestChat::new();
    let stream = bench.send("Why?");
    assert_eq!(bench.wakes_in(), None);
    bench.apply(stream, &[delta("Be")]);
    assert_eq!(bench.phase(), Some(&TurnPhase::Streaming));
    assert_eq!(bench.wakes_in(), Some(700));
    bench.wait(600);
    assert!(bench.apply(stream, &[delta("ca")]).saved.is_empty());
    bench.wait(100);
    assert_eq!(bench.tick().saved, ["growth"]);
    assert_eq!(bench.wakes_in(), Some(179_900), "only a long silence");
    bench.wait(5000);
    assert!(bench.tick().saved.is_empty());
    bench.apply(stream, &[delta("u")]);
    bench.wait(2000);
    assert_eq!(bench.apply(stream, &[delta("se")]).saved, ["growth"], "a flood does not put it off");
}

#[test]
fn the_journal_on_disk_replays_to_the_same_answer() {
    let mut bench = TestChat::new();
    let stream = bench.send("Why?");
    bench.apply(stream, &[delta("Be"), delta("cau")]);
    bench.apply(stream, &[delta("se.")]);
    for again in [
        r#"{"type":"response.output_text.done","output_index":0,"content_index":0,"text":"Because."}"#,
        r#"{"type":"response.content_part.done","output_index":0,"content_index":0,"part":{"type":"output_text","text":"Because."}}"#,
    ] {
        bench.apply(stream, &[Event::parse(again)]);
    }
    bench.wait(1000);
    let [ChatEffect::Save { changes, gate: None }] = &bench.chat.tick(bench.now, &mut bench.ids)[..] else {
        panic!("one save is due")
    };
    let [ConversationChange::Journal { message, chunk: growth }] = &changes[..] else { panic!("{changes:?}") };
    assert_eq!(
        (*message, growth.to_json_lines().lines().count()),
        (bench.newest(), 1),
        "repeated text is not written again"
    );
    let mut replayed = Answer::new("openrouter", "m", bench.now);
    replay_lines(&mut replayed, &growth.to_json_lines());
    assert_eq!(replayed.text(), "Because.");
}

#[test]
fn running_answers_are_interrupted_and_saved_when_the_program_exits() {
    let mut bench = TestChat::new();
    let stream = bench.send("Why?");
    bench.apply(stream, &[delta("Becau")]);
    let ended = collect_effects(bench.chat.interrupt_all(bench.now));
    assert_eq!((ended.closed, ended.saved), (vec![stream], vec!["conversation", "answer"]));
    assert_eq!((&bench.answer().end, bench.chat.turns.len()), (&AnswerEnd::Interrupted, 0));
}

#[test]
fn a_turn_keeps_the_settings_that_it_began_with() {
    let mut bench = TestChat::new();
    let stream = bench.send("Why?");
    let other = ChatSettings { model: "other/model".into(), endpoint: "elsewhere".into(), ..settings() };
    assert_eq!(collect_effects(bench.chat.set_settings(other)).saved, ["conversation"]);
    bench.end(stream, Err(error(FaultKind::Rate, 429)));
    let turn = bench.chat.turns[0].id;
    let next = bench.chat.skip_wait(turn, bench.now);
    let [ChatEffect::OpenStream { endpoint, request, .. }] = &next[..] else { panic!("{next:?}") };
    assert_eq!((endpoint.as_str(), request.model.as_str()), ("openrouter", "openai/gpt-5.6-luna"));
}

#[test]
fn costs_add_up_without_rounding_and_an_unknown_cost_stays_unknown() {
    let mut bench = TestChat::new();
    bench.exchange("one", "1", "0.1");
    bench.exchange("two", "2", "2e-05");
    assert_eq!((bench.chat.cost().known.digits(), bench.chat.cost().unpriced_answers), ("0.10002", 0));
    assert_eq!(bench.chat.context_tokens(), Some(25));
    let stream = bench.send("three");
    bench.apply(stream, &[delta("3")]);
    bench.stop();
    assert_eq!((bench.chat.cost().known.digits(), bench.chat.cost().unpriced_answers), ("0.10002", 1));
    let refused = bench.send("four");
    bench.end(refused, Err(error(FaultKind::Key, 401)));
    assert_eq!(bench.chat.cost().unpriced_answers, 1, "a refused request costs nothing");
}

#[test]
fn a_silent_stream_is_closed_and_a_comment_counts_as_activity() {
    let mut bench = TestChat::new();
    let stream = bench.send("Why?");
    assert_eq!(bench.wakes_in(), None, "the client times the wait for the headers");
    bench.chat.on_opened(stream, None, bench.now);
    bench.wait(179_000);
    bench.apply(stream, &[Event::KeepAlive]);
    assert_eq!(bench.wakes_in(), Some(180_000));
    bench.apply(stream, &[delta("Becau")]);
    bench.wait(179_999);
    assert!(bench.tick().closed.is_empty());
    assert_eq!(bench.chat.turns[0].silent_for(bench.now), Some(SignedDuration::from_millis(179_999)));
    bench.wait(1);
    let given_up = bench.tick();
    assert_eq!(given_up.closed, [stream]);
    let AnswerEnd::Failed(failed) = &bench.answer().end else { panic!("it failed") };
    assert_eq!((failed.fault, failed.message.as_str()), (FaultKind::Silence, "no data arrived for 180 s"));
    assert_eq!(bench.chat.newest_answer_text().as_deref(), Some("Becau"));
}

#[test]
fn silence_before_any_output_is_retried_once() {
    let mut bench = TestChat::new();
    bench.chat.context.idle_timeout = SignedDuration::from_secs(5);
    let stream = bench.send("Why?");
    bench.chat.on_opened(stream, None, bench.now);
    bench.wait(5000);
    assert_eq!(bench.tick().closed, [stream]);
    let Some(TurnPhase::AwaitingRetry { error, .. }) = bench.phase() else { panic!("it waits: {:?}", bench.phase()) };
    assert_eq!(error.fault, FaultKind::Silence);
    bench.wait(2000);
    let second = only_request(&bench.tick()).0;
    bench.chat.on_opened(second, None, bench.now);
    bench.wait(5000);
    assert_eq!(bench.tick().closed, [second]);
    assert!(matches!(&bench.answer().end, AnswerEnd::Failed(error) if error.fault == FaultKind::Silence));
}

#[test]
fn a_request_waits_for_starting_tools_but_not_for_long() {
    use crate::chat::request::StartingServers;

    let mut bench = TestChat::new();
    let until = bench.now + SignedDuration::from_secs(5);
    bench.chat.context.starting_servers =
        Some(StartingServers { servers: vec!["a".into(), "b".into()], deadline: until, downloaders: Vec::new() });
    let effects = bench.submit("hello");
    assert!(bench.confirm_saved(&effects).opened.is_empty());
    assert_eq!((bench.phase(), bench.wakes_in()), (Some(&TurnPhase::AwaitingTools { until }), Some(5000)));
    assert!(collect_effects(bench.chat.on_tools_ready(bench.now)).opened.is_empty(), "they are still coming");
    bench.wait(5000);
    assert_eq!(bench.tick().opened.len(), 1);
    assert_eq!(bench.answer().notes, ["sent without the tools of a, b: still starting"]);

    // The tools arrive, and the request is sent at once.
    let mut bench = TestChat::new();
    bench.chat.context.starting_servers =
        Some(StartingServers { servers: vec!["a".into()], deadline: until, downloaders: Vec::new() });
    let asked_for = bench.submit("hello");
    bench.confirm_saved(&asked_for);
    bench.chat.context.starting_servers = None;
    assert_eq!(collect_effects(bench.chat.on_tools_ready(bench.now)).opened.len(), 1);
    assert!(bench.answer().notes.is_empty());
    assert!(collect_effects(bench.chat.on_tools_ready(bench.now)).opened.is_empty(), "once");
    // A turn that is stopped while it waits sends nothing.
    let mut bench = TestChat::new();
    bench.chat.context.starting_servers =
        Some(StartingServers { servers: vec!["a".into()], deadline: until, downloaders: Vec::new() });
    let asked_for = bench.submit("hello");
    bench.confirm_saved(&asked_for);
    let stopped = bench.stop();
    assert!(stopped.closed.is_empty() && stopped.opened.is_empty());
}
