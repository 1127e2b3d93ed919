//! What can go wrong with an answer, from the bytes of the server to the words on the screen.

mod support;

use std::time::Duration;

use ibid::{
    api::{self, Fact, Fault, FreeQuota},
    app::{Effect, Msg},
    store::{Job, Reply},
};
use serde_json::json;
use support::harness::{Harness, start};

const DELTA: &str =
    r#"{"type":"response.output_text.delta","output_index":0,"content_index":0,"delta":"The borrow must outlive"}"#;

fn saves(effects: &[Effect]) -> usize {
    effects.iter().filter(|effect| matches!(effect, Effect::Store(Job::Save { .. }))).count()
}

#[test]
fn a_stopped_answer_says_that_it_may_be_billed_until_its_price_has_come() {
    let mut app = Harness::new(110, 30);
    let stream = app.prompt("hello");
    app.send(Msg::StreamOpened { stream, generation: Some("gen-9".into()) });
    app.events(stream, &[DELTA]);
    app.press("esc");
    assert!(app.status().contains("stopped; the provider may bill on"), "{}", app.status());
    assert!(app.screen().contains("asking what it cost"), "{}", app.screen());
    app.effects();
    app.wait(Duration::from_secs(1));
    let effects = app.effects();
    let [Effect::AskPrice { answer, endpoint, generation }] = &effects[..] else { panic!("{effects:?}") };
    assert_eq!((endpoint.as_str(), generation.as_str()), ("openrouter", "gen-9"));
    let usage = api::Usage { cost: api::Usd::parse("0.0031"), ..Default::default() };
    app.send(Msg::Priced { answer: *answer, result: Ok(usage) });
    assert!(!app.status().contains("may bill"), "{}", app.status());
    assert!(app.status().contains("$0.0031"), "{}", app.status());
    assert!(app.screen().lines().any(|row| row.contains("stopped after") && row.contains("$0.0031")));
    assert_eq!(saves(&app.effects()), 1, "it is the answer's own price now");
}

#[test]
fn a_refused_free_model_shows_what_is_left_of_the_day() {
    let mut app = Harness::new(110, 30);
    app.state.fresh.model = "meta/llama:free".into();
    let stream = app.prompt("hello");
    app.end(stream, Err(api::Error { status: Some(429), ..api::Error::new(Fault::Rate, "Slow down") }));
    let effects = app.effects();
    let asked = effects.iter().find_map(|effect| match effect {
        Effect::AskQuota { answer, .. } => Some(*answer),
        _ => None,
    });
    let quota = FreeQuota { limit: 50, remaining: 12 };
    app.send(Msg::Quota { answer: asked.expect("the quota is asked for"), quota });
    let screen = app.screen().replace('▌', "");
    let words = screen.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("20 requests a minute; 12 of today's 50 are left"), "{screen}");
}

#[test]
fn a_silence_is_told_in_the_phase_and_a_comment_ends_it() {
    let mut app = Harness::new(110, 30);
    let stream = app.prompt("hello");
    app.send(Msg::StreamOpened { stream, generation: None });
    app.events(stream, &[DELTA]);
    app.wait(Duration::from_secs(59));
    assert!(app.status().contains("streaming"), "{}", app.status());
    app.wait(Duration::from_secs(2));
    assert!(app.status().contains("silent for 61.0 s"), "{}", app.status());
    app.send(Msg::Stream { stream, at: app.now, events: vec![api::Event::KeepAlive] });
    assert!(app.status().contains("streaming"), "{}", app.status());
    app.effects();
    app.wait(Duration::from_secs(181));
    assert!(app.effects().iter().any(|effect| matches!(effect, Effect::CloseStream(closed) if *closed == stream)));
    assert!(app.screen().contains("The server fell silent in mid-answer."), "{}", app.screen());
}

#[test]
fn the_limits_of_silence_are_those_of_the_config() {
    let mut begin = start(110, 30);
    begin.config.timeouts.silence_warn = Some(2.0);
    begin.config.timeouts.silence_stop = Some(4.0);
    let mut app = Harness::with(begin);
    app.reply(Reply::Opened { newest: Vec::new(), total: 0, new_draft: String::new() });
    let stream = app.prompt("hello");
    app.send(Msg::StreamOpened { stream, generation: None });
    app.events(stream, &[DELTA]);
    app.wait(Duration::from_secs(3));
    assert!(app.status().contains("silent for"), "{}", app.status());
    app.wait(Duration::from_secs(2));
    assert!(app.state.current().unwrap().active_turn().is_none());
}

#[test]
fn turns_that_are_left_out_are_marked_and_can_be_sent_again() {
    let mut app = Harness::new(110, 40);
    for (prompt, answer) in [("first", "one"), ("second", "two")] {
        let stream = app.prompt(prompt);
        app.answer(stream, answer);
    }
    let stream = app.prompt("third");
    app.end(stream, Err(api::Error::new(Fault::Length, "maximum context length is 10 tokens")));
    app.wait(Duration::from_millis(400));
    app.effects();
    app.press("enter");
    let opened = app.opened();
    assert_eq!(opened[0].1["input"][0]["content"], "second", "{}", opened[0].1);
    assert_eq!(app.screen().matches("left out of the next request").count(), 2, "{}", app.screen());
    app.answer(opened[0].0, "three");
    app.enter_text("/put-back");
    app.press("enter");
    assert!(!app.screen().contains("left out of the next request"), "{}", app.screen());
    app.effects();
    app.enter_text("fourth");
    app.press("enter");
    assert_eq!(app.opened()[0].1["input"][0]["content"], "first");
}

#[test]
fn zero_data_retention_is_sent_shown_and_can_be_dropped_once() {
    let mut begin = start(110, 30);
    begin.config.provider.zdr = Some(true);
    let mut app = Harness::with(begin);
    app.reply(Reply::Opened { newest: Vec::new(), total: 0, new_draft: String::new() });
    assert!(app.status().contains("zdr"), "{}", app.status());
    app.effects();
    app.enter_text("hello");
    app.press("enter");
    let opened = app.opened();
    assert_eq!(opened[0].1["provider"], json!({"zdr": true}));
    let by = Fact::ExcludedBy(vec!["data_policy:zdr".into()]);
    let error = api::Error { status: Some(404), facts: vec![by], ..api::Error::new(Fault::Model, "No provider") };
    app.end(opened[0].0, Err(error));
    app.wait(Duration::from_millis(400));
    assert!(app.screen().contains("once without zero data retention"), "{}", app.screen());
    app.effects();
    app.press("enter");
    assert_eq!(app.opened()[0].1.get("provider"), None);
    assert!(app.screen().contains("asked without zero data retention, this once"), "{}", app.screen());
}

/// Feeds a composed stream, whole.
fn hears(app: &mut Harness, stream: ibid::chat::StreamId, name: &str) {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/streams").join(name);
    let text = std::fs::read_to_string(file).expect("a composed stream");
    let payloads: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("data: ")).collect();
    app.events(stream, &payloads);
    app.end(stream, Ok(()));
}

#[test]
fn a_server_tool_that_failed_says_so_in_its_line_and_the_answer_goes_on() {
    let mut app = Harness::new(110, 40);
    let stream = app.prompt("hello");
    hears(&mut app, stream, "server-tool-failed.sse");
    let screen = app.screen();
    assert!(screen.contains("failed: engine timed out"), "{screen}");
    assert!(app.state.current().unwrap().newest_answer_text().is_some_and(|text| !text.is_empty()));
}

#[test]
fn an_image_is_the_line_of_a_file_and_opens_to_what_the_server_sent() {
    let mut app = Harness::new(110, 60);
    let stream = app.prompt("hello");
    hears(&mut app, stream, "image-item.sse");
    assert!(app.screen().contains("▸ image PNG, "), "{}", app.screen());
    assert!(!app.screen().contains("\"type\""), "{}", app.screen());
    app.press("ctrl-o");
    assert!(app.screen().contains("\"type\": \"image_generation_call\""), "{}", app.screen());
}

#[test]
fn what_a_model_says_on_the_way_is_told_apart_from_its_answer() {
    let mut app = Harness::new(110, 60);
    let stream = app.prompt("hello");
    hears(&mut app, stream, "phase-commentary-then-call.sse");
    assert!(app.screen().contains("on the way"), "{}", app.screen());
}

#[test]
fn the_words_of_advisors_and_debuggers_are_not_those_of_the_answer() {
    let mut app = Harness::new(110, 60);
    let stream = app.prompt("hello");
    hears(&mut app, stream, "advisor-and-fusion.sse");
    assert_eq!(app.state.current().unwrap().newest_answer_text().as_deref(), Some("Use a lock around the map."));
    assert!(!app.screen().contains("panel text") && !app.screen().contains("to use a mutex"), "{}", app.screen());
}
