//! What can go wrong with an answer, from the bytes of the server to the words on the screen.

mod again;
mod bodies;
mod ends;
mod items;
#[path = "../support/mod.rs"]
mod support;

use std::time::Duration;

use ibid::{
    api::{self, Fact, Fault, FreeQuota},
    app::{Effect, Msg},
    store::{Job, Reply},
};
use serde_json::json;
use support::harness::{Harness, start};

/// Some visible text.
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
    app.send(Msg::Priced { answer: *answer, generation: generation.clone(), result: Ok(usage) });
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
fn a_free_model_whose_day_is_over_is_not_asked_again_first() {
    let mut app = Harness::new(110, 30);
    app.state.fresh.model = "meta/llama:free".into();
    let stream = app.prompt("hello");
    let facts = vec![Fact::FreeQuotaOfTheDay];
    app.end(
        stream,
        Err(api::Error { status: Some(429), facts, ..api::Error::new(Fault::Rate, "free-models-per-day") }),
    );
    let effects = app.effects();
    let asked = effects.iter().find_map(|effect| match effect {
        Effect::AskQuota { answer, .. } => Some(*answer),
        _ => None,
    });
    app.send(Msg::Quota { answer: asked.expect("asked for"), quota: FreeQuota { limit: 50, remaining: 0 } });
    let screen = app.screen();
    let words = screen.replace('▌', "").split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("20 requests a minute; 0 of today's 50 are left"), "{screen}");
    assert!(words.contains("↵ another model tab, then b buy credits r try again"), "{screen}");
    app.wait(Duration::from_hours(1));
    assert!(app.opened().is_empty(), "never by itself");
}

#[test]
fn no_key_counts_on_a_card_until_it_has_stood_for_a_third_of_a_second() {
    for key in ["enter", "tab r"] {
        let mut app = Harness::new(110, 30);
        let stream = app.prompt("hello");
        app.end(stream, Err(api::Error::new(Fault::Garbage, "no such API")));
        app.effects();
        app.press(key);
        app.wait(Duration::from_millis(299));
        app.press(key.split(' ').next_back().unwrap_or(key));
        assert!(app.opened().is_empty(), "{key}: it appeared under the finger");
        app.wait(Duration::from_millis(1));
        app.press(key.split(' ').next_back().unwrap_or(key));
        assert_eq!(app.opened().len(), 1, "{key}");
    }
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
    app.send(Msg::Stream { stream, at: app.now, events: vec![api::Event::KeepAlive], recorded: Vec::new() });
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
fn credits_are_bought_on_their_page() {
    let mut app = Harness::new(110, 40);
    let stream = app.prompt("hello");
    app.end(stream, Err(api::Error { status: Some(402), ..api::Error::new(Fault::Credit, "Insufficient credits") }));
    app.wait(Duration::from_millis(400));
    app.effects();
    app.press("enter");
    let effects = app.effects();
    let [Effect::Browse(page)] = &effects[..] else { panic!("{effects:?}") };
    assert_eq!(page, "https://openrouter.ai/credits");
    app.send(Msg::Browsed { url: page.clone(), result: Err(format!("xdg-open {page}")) });
    assert!(app.screen().contains("no browser here: xdg-open https://openrouter.ai/credits"), "{}", app.screen());
}

#[test]
fn another_key_is_entered_from_the_card_and_the_prompt_goes_again() {
    let mut app = Harness::new(110, 40);
    let stream = app.prompt("hello");
    app.end(stream, Err(api::Error { status: Some(401), ..api::Error::new(Fault::Key, "User not found") }));
    app.wait(Duration::from_millis(400));
    app.effects();
    app.press("enter");
    app.enter_text("sk-or-v1-another");
    assert!(!app.screen().contains("sk-or-v1-another"), "a key is never shown: {}", app.screen());
    app.press("enter");
    assert!(matches!(app.effects()[..], [Effect::SaveKey(_)]));
    app.send(Msg::Connected(Ok("openrouter".into())));
    let opened = app.opened();
    assert_eq!((opened.len(), &opened[0].1["input"][0]["content"]), (1, &json!("hello")), "{}", app.screen());
    app.answer(opened[0].0, "Good day.");
    app.send(Msg::Connected(Ok("openrouter".into())));
    assert!(app.opened().is_empty(), "only what was refused is asked again");
}

#[test]
fn an_effort_that_the_model_does_not_have_is_put_right_from_the_card() {
    let mut app = Harness::new(110, 40);
    let stream = app.prompt("hello");
    let facts = vec![Fact::Efforts(vec![api::Effort::Low])];
    app.end(
        stream,
        Err(api::Error { status: Some(400), facts, ..api::Error::new(Fault::Request, "Unsupported value") }),
    );
    app.wait(Duration::from_millis(400));
    app.effects();
    app.press("enter");
    app.enter_text("low");
    app.press("enter");
    app.wait(Duration::from_millis(400));
    app.press("tab r");
    assert_eq!(app.opened()[0].1["reasoning"]["effort"], "low", "{}", app.screen());
}

#[test]
fn another_model_is_picked_from_the_card_and_answers_the_same_prompt() {
    let mut app = Harness::new(110, 40);
    let stream = app.prompt("hello");
    app.end(stream, Err(api::Error { status: Some(404), ..api::Error::new(Fault::Model, "No endpoints found") }));
    app.wait(Duration::from_millis(400));
    app.effects();
    app.press("tab m");
    app.paste("acme/other");
    app.press("enter");
    let opened = app.opened();
    assert_eq!((&opened[0].1["model"], &opened[0].1["input"][0]["content"]), (&json!("acme/other"), &json!("hello")));
}

#[test]
fn a_countdown_is_seen_ended_by_escape_and_skipped_by_enter() {
    for (key, requests) in [("esc", 0), ("enter", 1)] {
        let mut app = Harness::new(110, 40);
        let stream = app.prompt("hello");
        let error =
            api::Error { status: Some(429), retry_after: Some(20), ..api::Error::new(Fault::Rate, "Slow down") };
        app.end(stream, Err(error));
        assert!(app.screen().contains("Trying again in 20 s"), "{}", app.screen());
        app.wait(Duration::from_secs(5));
        assert!(app.screen().contains("Trying again in 15 s"), "{}", app.screen());
        app.effects();
        app.press(key);
        assert_eq!(app.opened().len(), requests, "{key}");
        app.wait(Duration::from_mins(1));
        assert_eq!(app.opened().len(), 0, "{key}: and no other follows");
    }
}

#[test]
fn where_nothing_is_older_leaving_it_out_says_so() {
    let mut app = Harness::new(110, 40);
    let stream = app.prompt("a very long prompt");
    app.end(stream, Err(api::Error::new(Fault::Length, "maximum context length is 10 tokens")));
    app.wait(Duration::from_millis(400));
    app.effects();
    app.press("enter");
    assert!(app.opened().is_empty());
    assert!(app.screen().contains("there is nothing older to leave out"), "{}", app.screen());
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
