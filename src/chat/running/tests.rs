use serde_json::json;

use super::super::bench::*;
use super::*;
use crate::api::{Error, Fact, Fault};

fn input(request: &api::Request) -> Vec<serde_json::Value> {
    request.input.iter().map(|item| serde_json::from_str(item.get()).expect("items are JSON")).collect()
}

fn thought(id: &str) -> serde_json::Value {
    json!({ "type": "reasoning", "id": id, "summary": [], "encrypted_content": "sealed", "format": "openai-responses-v1" })
}

#[test]
fn no_request_leaves_before_the_prompt_is_on_disk() {
    let mut bench = Bench::new();
    let first = bench.submit("Why?");
    assert_eq!(first.saved, ["conversation", "prompt", "answer", "draft"]);
    assert!(first.opened.is_empty() && first.gates.len() == 1);
    assert_eq!(bench.phase(), Some(&Phase::Saving));
    bench.wait(20);
    let (_, request) = {
        let _ = asked_one(&bench.saved(&first));
        (0, bench.phase().cloned())
    };
    assert_eq!(request, Some(Phase::Routing));
    assert!(bench.saved(&first).opened.is_empty(), "a second word from the disk asks nothing");
}

#[test]
fn a_prompt_that_cannot_be_saved_waits_for_the_reader() {
    let mut bench = Bench::new();
    let first = bench.submit("Why?");
    bench.chat.not_saved(first.gates[0], "the disk is full".into(), bench.now);
    assert_eq!(bench.phase(), Some(&Phase::Unsaved { why: "the disk is full".into() }));
    assert_eq!(bench.wakes_in(), None);
    let again = asked(bench.chat.save_again(first.gates[0], bench.now));
    assert_eq!((again.gates, &again.saved[..3]), (first.gates.clone(), &["conversation", "prompt", "answer"][..]));
    bench.chat.not_saved(first.gates[0], "the disk is full".into(), bench.now);
    let sent = asked(bench.chat.send_unsaved(first.gates[0], bench.now));
    let stream = asked_one(&sent).0;
    let settled = bench.apply(stream, &[delta("Because."), done(0, &said("m", "Because.")), completed("0.1")]);
    assert_eq!(settled.saved, ["conversation", "prompt", "answer"], "what is only in memory goes with the next save");
    let second = bench.submit("And?");
    assert_eq!(second.saved.iter().filter(|row| **row == "prompt").count(), 2);
    bench.saved(&second);
    bench.stop();
    assert_eq!(bench.submit("So?").saved.iter().filter(|row| **row == "prompt").count(), 1);
}

#[test]
fn prompts_of_a_running_turn_wait_and_follow_a_complete_answer_one_by_one() {
    let mut bench = Bench::new();
    let stream = bench.send("one");
    assert_eq!(bench.submit("two").saved, ["queue", "draft"]);
    bench.submit("three");
    assert_eq!(bench.chat.queue, ["two", "three"]);
    let next = bench.apply(stream, &[delta("1"), done(0, &said("m1", "1")), completed("0")]);
    assert_eq!(next.gates.len(), 1);
    assert_eq!((prompts(&bench.chat), &bench.chat.queue[..]), (vec!["one", "two"], &["three".to_owned()][..]));
    assert!(bench.end(stream, Ok(())).saved.is_empty(), "the stream of a turn that is over changes nothing");
    let stream = bench.confirm(&next);
    bench.apply(stream, &[delta("2"), done(0, &said("m2", "2")), completed("0")]);
    assert_eq!((prompts(&bench.chat), bench.chat.queue.len()), (vec!["one", "two", "three"], 0));
}

#[test]
fn after_a_failure_or_a_stop_the_queue_waits_and_goes_with_the_next_prompt() {
    let mut bench = Bench::new();
    let stream = bench.send("one");
    bench.submit("two");
    assert!(bench.end(stream, Err(error(Fault::Key, 401))).gates.is_empty());
    assert_eq!(bench.chat.queue, ["two"]);
    let next = bench.submit("three");
    assert_eq!((prompts(&bench.chat), &bench.chat.queue[..]), (vec!["one", "two"], &["three".to_owned()][..]));
    bench.confirm(&next);
    bench.stop();
    assert_eq!(bench.chat.queue, ["three"]);
    bench.submit("");
    assert_eq!((prompts(&bench.chat), bench.chat.queue.len()), (vec!["one", "two", "three"], 0));
}

#[test]
fn a_queued_prompt_can_be_taken_back() {
    let mut bench = Bench::new();
    bench.send("one");
    bench.submit("two");
    let (text, next) = bench.chat.take_queued(0).expect("one waits");
    assert_eq!((text.as_str(), asked(next).saved), ("two", vec!["queue"]));
    assert!(bench.chat.take_queued(0).is_none());
}

#[test]
fn what_can_help_is_tried_again_as_often_as_the_failure_is_worth() {
    for (fault, status, requests) in [
        (Fault::Rate, Some(429), 4),
        (Fault::Connect, None, 4),
        (Fault::Cut, None, 4),
        (Fault::Server, Some(502), 4),
        (Fault::Server, Some(500), 3),
        (Fault::Server, Some(408), 2),
        (Fault::Empty, None, 3),
        (Fault::Key, Some(401), 1),
        (Fault::Credit, Some(402), 1),
        (Fault::Forbidden, Some(403), 1),
        (Fault::Model, Some(404), 1),
        (Fault::Request, Some(400), 1),
        (Fault::Garbage, None, 1),
    ] {
        let mut bench = Bench::new();
        let mut stream = bench.send("Why?");
        let mut sent = 1;
        loop {
            bench.end(stream, Err(error(fault, status)));
            let Some(wait) = bench.wakes_in() else { break };
            let doubled = 1000 << (sent - 1);
            assert!((doubled * 4 / 5..=doubled * 6 / 5).contains(&wait), "{fault:?} waits {wait} ms");
            assert_eq!(bench.chat.active_turn().map(|turn| turn.attempt), Some(sent));
            bench.wait(wait - 1);
            assert!(bench.tick().opened.is_empty(), "{fault:?} is asked again too early");
            bench.wait(1);
            stream = asked_one(&bench.tick()).0;
            sent += 1;
        }
        assert_eq!(sent, requests, "{fault:?} {status:?}");
        assert_eq!(bench.answer().end, End::Failed(error(fault, status)));
        assert!(bench.chat.turns.is_empty());
    }
}

#[test]
fn the_hint_of_a_server_is_kept_to_the_second_and_beyond_a_minute_the_reader_is_asked() {
    let limited = |retry_after| Error { retry_after: Some(retry_after), ..error(Fault::Rate, 429) };
    for (hint, wait) in [(9, Some(9000)), (60, Some(60_000)), (61, None)] {
        let mut bench = Bench::new();
        let stream = bench.send("Why?");
        bench.end(stream, Err(limited(hint)));
        assert_eq!(bench.wakes_in(), wait, "a hint of {hint} s");
    }
    let mut bench = Bench::new();
    let stream = bench.send("Why?");
    bench.end(stream, Err(Error { facts: vec![Fact::FreeQuotaOfTheDay], ..limited(5) }));
    assert_eq!(bench.wakes_in(), None, "the free requests of a day do not come back in seconds");
}

#[test]
fn nothing_is_asked_again_by_itself_once_something_was_shown() {
    let mut bench = Bench::new();
    let stream = bench.send("Why?");
    bench.apply(stream, &[delta("Becau")]);
    bench.end(stream, Err(error(Fault::Cut, None)));
    assert_eq!((bench.wakes_in(), bench.chat.turns.len()), (None, 0));
    assert_eq!(bench.chat.newest_answer_text().as_deref(), Some("Becau"));
    let answer = bench.newest();
    assert!(bench.chat.can_continue(answer));
    assert!(bench.chat.summary().failed);
}

#[test]
fn sealed_thoughts_show_nothing_so_a_failure_behind_them_is_retried_and_they_are_forgotten() {
    let mut bench = Bench::new();
    let stream = bench.send("Why?");
    bench.apply(stream, &[done(0, &thought("rs_1"))]);
    bench.wait(800);
    assert_eq!(bench.tick().saved, ["growth"]);
    let failed = bench.end(stream, Err(error(Fault::Server, 502)));
    assert_eq!(failed.saved, ["answer"], "the disk forgets the attempt, too");
    assert!(bench.answer().items.is_empty() && bench.answer().end == End::Open);
    let turn = bench.chat.turns[0].id;
    let again = asked(bench.chat.skip_wait(turn, bench.now));
    assert_eq!(asked_one(&again).0, StreamId { turn, attempt: 2 });
    assert!(bench.apply(stream, &[delta("late")]).saved.is_empty());
    assert!(bench.answer().items.is_empty(), "the first attempt is over");
}

#[test]
fn foreign_reasoning_is_left_out_once_by_itself_and_the_answer_says_so() {
    let mut bench = Bench::new();
    let stream = bench.send("one");
    bench.apply(stream, &[done(0, &thought("rs_1")), done(1, &said("msg_1", "1")), completed("0")]);
    let second = bench.submit("two");
    let saved = bench.saved(&second);
    let (stream, request) = asked_one(&saved);
    assert_eq!(input(request)[1]["encrypted_content"], "sealed");
    let pinned = Error { facts: vec![Fact::Pinned("openai/x|azure".into())], ..error(Fault::Model, 404) };
    let mended = bench.end(stream, Err(pinned.clone()));
    let (stream, request) = asked_one(&mended);
    assert!(input(request).iter().all(|item| item["type"] != "reasoning"), "{request:?}");
    assert_eq!(bench.answer().notes, ["earlier reasoning was left out: the server could not use it"]);
    assert_eq!(bench.chat.turns[0].attempt, 1);
    bench.end(stream, Err(pinned.clone()));
    assert_eq!(bench.answer().end, End::Failed(pinned));
}

#[test]
fn a_switch_of_the_model_says_that_reasoning_stays_behind_and_only_when_there_was_some() {
    let mut bench = Bench::new();
    bench.exchange("one", "1", "0");
    bench.chat.settings.model = "anthropic/claude-sonnet-5".into();
    let stream = bench.send("two");
    assert!(bench.answer().notes.is_empty());
    bench.apply(stream, &[done(0, &thought("rs_2")), done(1, &said("msg_2", "2")), completed("0")]);
    bench.chat.settings.model = "openai/gpt-5.6-luna".into();
    bench.send("three");
    assert_eq!(
        bench.answer().notes,
        ["the reasoning of claude-sonnet-5 was left out: only claude-sonnet-5 can use it"]
    );
}

#[test]
fn an_effort_that_a_model_must_not_be_asked_for_is_left_out_once() {
    let mut bench = Bench::new();
    bench.chat.settings.effort = Some(crate::chat::Effort::None);
    let first = bench.submit("Why?");
    let saved = bench.saved(&first);
    let (stream, request) = asked_one(&saved);
    assert_eq!(request.reasoning.and_then(|reasoning| reasoning.effort), Some(crate::chat::Effort::None));
    let refused = Error { facts: vec![Fact::ReasoningMandatory], ..error(Fault::Request, 400) };
    let mended = bench.end(stream, Err(refused));
    assert_eq!(asked_one(&mended).1.reasoning, None);
    assert_eq!(bench.answer().notes.len(), 1);
}

#[test]
fn stopping_works_in_every_phase() {
    let mut saving = Bench::new();
    let first = saving.submit("Why?");
    assert!(saving.stop().closed.is_empty());
    assert!(saving.saved(&first).opened.is_empty(), "what was stopped while it was saved is never sent");
    assert_eq!(saving.answer().end, End::Stopped);

    let mut routing = Bench::new();
    let stream = routing.send("Why?");
    let stopped = routing.stop();
    assert_eq!((stopped.closed, stopped.saved), (vec![stream], vec!["conversation", "answer"]));

    let mut streaming = Bench::new();
    let stream = streaming.send("Why?");
    streaming.apply(stream, &[delta("Becau")]);
    assert_eq!(streaming.stop().closed, [stream]);
    assert_eq!(streaming.answer().end, End::Stopped);
    assert_eq!(streaming.chat.newest_answer_text().as_deref(), Some("Becau"));
    streaming.apply(stream, &[delta("se")]);
    assert_eq!(streaming.chat.newest_answer_text().as_deref(), Some("Becau"));

    let mut waiting = Bench::new();
    let stream = waiting.send("Why?");
    waiting.end(stream, Err(error(Fault::Rate, 429)));
    assert!(waiting.stop().closed.is_empty());
    assert_eq!(waiting.answer().end, End::Failed(error(Fault::Rate, 429)));

    let mut unsaved = Bench::new();
    let first = unsaved.submit("Why?");
    unsaved.chat.not_saved(first.gates[0], "locked".into(), unsaved.now);
    assert_eq!(unsaved.stop().saved, ["conversation", "prompt", "answer"]);
}

#[test]
fn what_streams_is_written_within_a_second_and_only_when_something_came() {
    let mut bench = Bench::new();
    let stream = bench.send("Why?");
    assert_eq!(bench.wakes_in(), None);
    bench.apply(stream, &[delta("Be")]);
    assert_eq!(bench.phase(), Some(&Phase::Streaming));
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
fn the_growth_on_disk_replays_to_the_same_answer() {
    let mut bench = Bench::new();
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
    let [Next::Save { changes, gate: None }] = &bench.chat.tick(bench.now, &mut bench.ids)[..] else {
        panic!("one save is due")
    };
    let [Change::Growth { message, growth }] = &changes[..] else { panic!("{changes:?}") };
    assert_eq!(
        (*message, growth.lines().lines().count()),
        (bench.newest(), 1),
        "what was said again is not written again"
    );
    let mut replayed = Answer::new("openrouter", "m", bench.now);
    crate::chat::journal::replay(&mut replayed, &growth.lines());
    assert_eq!(replayed.text(), "Because.");
}

#[test]
fn when_the_program_ends_running_answers_are_interrupted_and_written() {
    let mut bench = Bench::new();
    let stream = bench.send("Why?");
    bench.apply(stream, &[delta("Becau")]);
    let ended = asked(bench.chat.interrupt_all(bench.now));
    assert_eq!((ended.closed, ended.saved), (vec![stream], vec!["conversation", "answer"]));
    assert_eq!((&bench.answer().end, bench.chat.turns.len()), (&End::Interrupted, 0));
}

#[test]
fn a_turn_keeps_the_settings_that_it_began_with() {
    let mut bench = Bench::new();
    let stream = bench.send("Why?");
    let other = Settings { model: "other/model".into(), endpoint: "elsewhere".into(), ..settings() };
    assert_eq!(asked(bench.chat.set_settings(other)).saved, ["conversation"]);
    bench.end(stream, Err(error(Fault::Rate, 429)));
    let turn = bench.chat.turns[0].id;
    let next = bench.chat.skip_wait(turn, bench.now);
    let [Next::Open { endpoint, request, .. }] = &next[..] else { panic!("{next:?}") };
    assert_eq!((endpoint.as_str(), request.model.as_str()), ("openrouter", "openai/gpt-5.6-luna"));
}

#[test]
fn the_price_of_all_answers_is_added_without_rounding_and_an_unknown_one_stays_unknown() {
    let mut bench = Bench::new();
    bench.exchange("one", "1", "0.1");
    bench.exchange("two", "2", "2e-05");
    assert_eq!((bench.chat.cost().known.digits(), bench.chat.cost().unknown), ("0.10002", 0));
    assert_eq!(bench.chat.context_tokens(), Some(25));
    let stream = bench.send("three");
    bench.apply(stream, &[delta("3")]);
    bench.stop();
    assert_eq!((bench.chat.cost().known.digits(), bench.chat.cost().unknown), ("0.10002", 1));
    let refused = bench.send("four");
    bench.end(refused, Err(error(Fault::Key, 401)));
    assert_eq!(bench.chat.cost().unknown, 1, "a refused request costs nothing");
}

#[test]
fn a_stream_that_says_nothing_for_too_long_is_closed_and_a_comment_is_a_word() {
    let mut bench = Bench::new();
    let stream = bench.send("Why?");
    assert_eq!(bench.wakes_in(), None, "the client counts until the headers");
    bench.chat.opened(stream, None, bench.now);
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
    let End::Failed(failed) = &bench.answer().end else { panic!("it failed") };
    assert_eq!((failed.fault, failed.message.as_str()), (Fault::Silence, "nothing came for 180 s"));
    assert_eq!(bench.chat.newest_answer_text().as_deref(), Some("Becau"));
}

#[test]
fn a_silence_before_anything_was_seen_is_asked_once_more() {
    let mut bench = Bench::new();
    bench.chat.context.patience = SignedDuration::from_secs(5);
    let stream = bench.send("Why?");
    bench.chat.opened(stream, None, bench.now);
    bench.wait(5000);
    assert_eq!(bench.tick().closed, [stream]);
    let Some(Phase::Waiting { error, .. }) = bench.phase() else { panic!("it waits: {:?}", bench.phase()) };
    assert_eq!(error.fault, Fault::Silence);
    bench.wait(2000);
    let second = asked_one(&bench.tick()).0;
    bench.chat.opened(second, None, bench.now);
    bench.wait(5000);
    assert_eq!(bench.tick().closed, [second]);
    assert!(matches!(&bench.answer().end, End::Failed(error) if error.fault == Fault::Silence));
}

#[test]
fn a_request_waits_for_tools_that_are_on_their_way_and_not_for_long() {
    use crate::chat::request::Coming;

    let mut bench = Bench::new();
    let until = bench.now + SignedDuration::from_secs(5);
    bench.chat.context.coming = Some(Coming { servers: vec!["a".into(), "b".into()], until });
    let asked_for = bench.submit("hello");
    assert!(bench.saved(&asked_for).opened.is_empty());
    assert_eq!((bench.phase(), bench.wakes_in()), (Some(&Phase::Gathering { until }), Some(5000)));
    assert!(asked(bench.chat.gathered(bench.now)).opened.is_empty(), "they are still coming");
    bench.wait(5000);
    assert_eq!(bench.tick().opened.len(), 1);
    assert_eq!(bench.answer().notes, ["asked without the tools of a, b: still starting"]);

    // They came, and the request goes at once.
    let mut bench = Bench::new();
    bench.chat.context.coming = Some(Coming { servers: vec!["a".into()], until });
    let asked_for = bench.submit("hello");
    bench.saved(&asked_for);
    bench.chat.context.coming = None;
    assert_eq!(asked(bench.chat.gathered(bench.now)).opened.len(), 1);
    assert!(bench.answer().notes.is_empty());
    assert!(asked(bench.chat.gathered(bench.now)).opened.is_empty(), "once");
    // Stopped while it waits, nothing is sent.
    let mut bench = Bench::new();
    bench.chat.context.coming = Some(Coming { servers: vec!["a".into()], until });
    let asked_for = bench.submit("hello");
    bench.saved(&asked_for);
    let stopped = bench.stop();
    assert!(stopped.closed.is_empty() && stopped.opened.is_empty());
}
