//! What can go wrong with an answer, from the bytes of the server to the text on the screen.

mod answer_again;
mod failure_table;
mod item_types;
mod server_replies;

use std::time::Duration;

use crate::support::harness::{Harness, default_start};
use ibid::{
    api::{self, ApiDialect, ErrorFact, FaultKind, FreeQuota},
    store::{StoreJob, StoreReply},
    ui::{
        Effect, EndpointInfo, Msg,
        effect::ConnectJob,
        msg::{ConnectOutcome, KeyVerdict},
    },
};
use serde_json::json;

/// Some visible text.
const DELTA: &str =
    r#"{"type":"response.output_text.delta","output_index":0,"content_index":0,"delta":"The borrow must outlive"}"#;

fn save_count(effects: &[Effect]) -> usize {
    effects.iter().filter(|effect| matches!(effect, Effect::RunStoreJob(StoreJob::Save { .. }))).count()
}

#[test]
fn a_stopped_answer_warns_of_billing_until_its_price_arrives() {
    let mut app = Harness::new(110, 30);
    let stream = app.send_prompt("hello");
    app.send(Msg::StreamOpened { stream, generation: Some("gen-9".into()) });
    app.receive_events(stream, &[DELTA]);
    app.press("esc");
    assert!(app.screen().contains("stopped by you · you may still be billed"), "{}", app.screen());
    assert!(app.status().contains("stopped"), "{}", app.status());
    assert!(app.screen().contains("looking up the cost…"), "{}", app.screen());
    app.effects();
    app.wait(Duration::from_secs(1));
    let effects = app.effects();
    let [Effect::FetchPrice { answer, endpoint, generation }] = &effects[..] else { panic!("{effects:?}") };
    assert_eq!((endpoint.as_str(), generation.as_str()), ("openrouter", "gen-9"));
    let usage = api::Usage { cost: api::Usd::parse("0.0031"), ..Default::default() };
    app.send(Msg::Priced { answer: *answer, generation: generation.clone(), result: Ok(usage) });
    assert!(!app.screen().contains("may still be billed"), "{}", app.screen());
    assert!(app.status().contains("$0.0031"), "{}", app.status());
    assert!(app.screen().lines().any(|row| row.contains("stopped after") && row.contains("$0.0031")));
    assert_eq!(save_count(&app.effects()), 1, "the price is saved with the answer");
}

#[test]
fn a_refused_free_model_shows_how_many_requests_are_left_today() {
    let mut app = Harness::new(110, 30);
    app.chats_mut().new_settings.model = "meta/llama:free".into();
    let stream = app.send_prompt("hello");
    app.end_stream(
        stream,
        Err(api::ApiError { status: Some(429), ..api::ApiError::new(FaultKind::Rate, "Slow down") }),
    );
    let effects = app.effects();
    let quota_answer = effects.iter().find_map(|effect| match effect {
        Effect::FetchQuota { answer, .. } => Some(*answer),
        _ => None,
    });
    let quota = FreeQuota { limit: 50, remaining: 12 };
    app.send(Msg::QuotaReported { answer: quota_answer.expect("the quota is requested"), quota });
    let screen = app.screen().replace('▌', "");
    let text = screen.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains("20 requests a minute; 12 of today's 50 are left"), "{screen}");
}

#[test]
fn a_free_model_without_requests_left_today_is_not_retried() {
    let mut app = Harness::new(110, 30);
    app.chats_mut().new_settings.model = "meta/llama:free".into();
    let stream = app.send_prompt("hello");
    let facts = vec![ErrorFact::FreeQuotaOfTheDay];
    app.end_stream(
        stream,
        Err(api::ApiError { status: Some(429), facts, ..api::ApiError::new(FaultKind::Rate, "free-models-per-day") }),
    );
    let effects = app.effects();
    let quota_answer = effects.iter().find_map(|effect| match effect {
        Effect::FetchQuota { answer, .. } => Some(*answer),
        _ => None,
    });
    app.send(Msg::QuotaReported {
        answer: quota_answer.expect("the quota is requested"),
        quota: FreeQuota { limit: 50, remaining: 0 },
    });
    let screen = app.screen();
    let text = screen.replace('▌', "").split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains("20 requests a minute; 0 of today's 50 are left"), "{screen}");
    assert!(text.contains("↵ another model Tab, then b buy credits r try again"), "{screen}");
    app.wait(Duration::from_hours(1));
    assert!(app.opened_streams().is_empty(), "it is never retried automatically");
}

#[test]
fn keys_are_ignored_for_the_first_third_of_a_second_of_a_card() {
    for key in ["enter", "tab r"] {
        let mut app = Harness::new(110, 30);
        let stream = app.send_prompt("hello");
        app.end_stream(stream, Err(api::ApiError::new(FaultKind::Garbage, "no such API")));
        app.effects();
        app.press(key);
        app.wait(Duration::from_millis(299));
        app.press(key.split(' ').next_back().unwrap_or(key));
        assert!(app.opened_streams().is_empty(), "{key}: the card has only just appeared");
        app.wait(Duration::from_millis(1));
        app.press(key.split(' ').next_back().unwrap_or(key));
        assert_eq!(app.opened_streams().len(), 1, "{key}");
    }
}

#[test]
fn silence_is_shown_in_the_phase_until_a_comment_arrives() {
    let mut app = Harness::new(110, 30);
    let stream = app.send_prompt("hello");
    app.send(Msg::StreamOpened { stream, generation: None });
    app.receive_events(stream, &[DELTA]);
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
fn the_limits_of_silence_come_from_the_config() {
    let mut begin = default_start(110, 30);
    begin.config.timeouts.silence_warn = Some(2.0);
    begin.config.timeouts.silence_stop = Some(4.0);
    let mut app = Harness::with_start(begin);
    app.store_reply(StoreReply::Opened { newest: Vec::new(), total: 0, new_draft: String::new() });
    let stream = app.send_prompt("hello");
    app.send(Msg::StreamOpened { stream, generation: None });
    app.receive_events(stream, &[DELTA]);
    app.wait(Duration::from_secs(3));
    assert!(app.status().contains("silent for"), "{}", app.status());
    app.wait(Duration::from_secs(2));
    assert!(app.conversation().unwrap().active_turn().is_none());
}

#[test]
fn turns_that_are_left_out_are_marked_and_can_be_put_back() {
    let mut app = Harness::new(110, 40);
    for (prompt, answer) in [("first", "one"), ("second", "two")] {
        let stream = app.send_prompt(prompt);
        app.stream_answer(stream, answer);
    }
    let stream = app.send_prompt("third");
    app.end_stream(stream, Err(api::ApiError::new(FaultKind::Length, "maximum context length is 10 tokens")));
    app.wait(Duration::from_millis(400));
    app.effects();
    app.press("enter");
    let opened = app.opened_streams();
    assert_eq!(opened[0].1["input"][0]["content"], "second", "{}", opened[0].1);
    assert_eq!(app.screen().matches("left out of the next request").count(), 2, "{}", app.screen());
    app.stream_answer(opened[0].0, "three");
    app.enter_text("/put-back");
    app.press("enter");
    assert!(!app.screen().contains("left out of the next request"), "{}", app.screen());
    app.effects();
    app.enter_text("fourth");
    app.press("enter");
    assert_eq!(app.opened_streams()[0].1["input"][0]["content"], "first");
}

#[test]
fn buying_credits_opens_their_page() {
    let mut app = Harness::new(110, 40);
    let stream = app.send_prompt("hello");
    app.end_stream(
        stream,
        Err(api::ApiError { status: Some(402), ..api::ApiError::new(FaultKind::Credit, "Insufficient credits") }),
    );
    app.wait(Duration::from_millis(400));
    app.effects();
    app.press("enter");
    let effects = app.effects();
    let [Effect::OpenPage(page)] = &effects[..] else { panic!("{effects:?}") };
    assert_eq!(page, "https://openrouter.ai/credits");
    app.send(Msg::PageOpened { url: page.clone(), result: Err(format!("xdg-open {page}")) });
    assert!(app.screen().contains("no browser here: xdg-open https://openrouter.ai/credits"), "{}", app.screen());
}

fn openrouter_in_use() -> ConnectOutcome {
    let server = EndpointInfo { name: "openrouter".into(), dialect: ApiDialect::OpenRouter, is_ready: true };
    ConnectOutcome::InUse { server, key: KeyVerdict::Checked, notice: None }
}

#[test]
fn a_new_key_entered_from_the_card_sends_the_prompt_again() {
    let mut app = Harness::new(110, 40);
    let stream = app.send_prompt("hello");
    app.end_stream(
        stream,
        Err(api::ApiError { status: Some(401), ..api::ApiError::new(FaultKind::Key, "User not found") }),
    );
    app.wait(Duration::from_millis(400));
    app.effects();
    app.press("enter");
    app.enter_text("sk-or-v1-another");
    assert!(!app.screen().contains("sk-or-v1-another"), "a key is never shown: {}", app.screen());
    app.press("enter");
    assert!(matches!(app.effects()[..], [Effect::Connect(ConnectJob::TryKey { .. })]));
    app.send(Msg::Connected(openrouter_in_use()));
    let opened = app.opened_streams();
    assert_eq!((opened.len(), &opened[0].1["input"][0]["content"]), (1, &json!("hello")), "{}", app.screen());
    app.stream_answer(opened[0].0, "Good day.");
    app.send(Msg::Connected(openrouter_in_use()));
    assert!(app.opened_streams().is_empty(), "only a refused prompt is sent again");
}

#[test]
fn an_unsupported_effort_is_corrected_from_the_card() {
    let mut app = Harness::new(110, 40);
    let stream = app.send_prompt("hello");
    let facts = vec![ErrorFact::Efforts(vec![api::Effort::Low])];
    app.end_stream(
        stream,
        Err(api::ApiError { status: Some(400), facts, ..api::ApiError::new(FaultKind::Request, "Unsupported value") }),
    );
    app.wait(Duration::from_millis(400));
    app.effects();
    app.press("enter");
    app.enter_text("low");
    app.press("enter");
    app.wait(Duration::from_millis(400));
    app.press("tab r");
    assert_eq!(app.opened_streams()[0].1["reasoning"]["effort"], "low", "{}", app.screen());
}

#[test]
fn a_model_picked_from_the_card_answers_the_same_prompt() {
    let mut app = Harness::new(110, 40);
    let stream = app.send_prompt("hello");
    app.end_stream(
        stream,
        Err(api::ApiError { status: Some(404), ..api::ApiError::new(FaultKind::Model, "No endpoints found") }),
    );
    app.wait(Duration::from_millis(400));
    app.effects();
    app.press("tab m");
    app.paste("acme/other");
    app.press("enter");
    assert!(app.opened_streams().is_empty(), "the price comes first: {}", app.screen());
    app.press("enter");
    let opened = app.opened_streams();
    assert_eq!((&opened[0].1["model"], &opened[0].1["input"][0]["content"]), (&json!("acme/other"), &json!("hello")));
}

#[test]
fn a_countdown_is_shown_cancelled_by_escape_and_skipped_by_enter() {
    for (key, requests) in [("esc", 0), ("enter", 1)] {
        let mut app = Harness::new(110, 40);
        let stream = app.send_prompt("hello");
        let error = api::ApiError {
            status: Some(429),
            retry_after: Some(20),
            ..api::ApiError::new(FaultKind::Rate, "Slow down")
        };
        app.end_stream(stream, Err(error));
        assert!(app.screen().contains("Trying again in 20 s"), "{}", app.screen());
        app.wait(Duration::from_secs(5));
        assert!(app.screen().contains("Trying again in 15 s"), "{}", app.screen());
        app.effects();
        app.press(key);
        assert_eq!(app.opened_streams().len(), requests, "{key}");
        app.wait(Duration::from_mins(1));
        assert_eq!(app.opened_streams().len(), 0, "{key}: no other request follows");
    }
}

#[test]
fn leaving_out_older_turns_reports_if_there_are_none() {
    let mut app = Harness::new(110, 40);
    let stream = app.send_prompt("a very long prompt");
    app.end_stream(stream, Err(api::ApiError::new(FaultKind::Length, "maximum context length is 10 tokens")));
    app.wait(Duration::from_millis(400));
    app.effects();
    app.press("enter");
    assert!(app.opened_streams().is_empty());
    assert!(app.screen().contains("there are no older turns to leave out"), "{}", app.screen());
}

#[test]
fn zero_data_retention_is_sent_shown_and_can_be_dropped_once() {
    let mut begin = default_start(110, 30);
    begin.config.provider.zdr = Some(true);
    let mut app = Harness::with_start(begin);
    app.store_reply(StoreReply::Opened { newest: Vec::new(), total: 0, new_draft: String::new() });
    assert!(app.status().contains("ZDR"), "{}", app.status());
    app.effects();
    app.enter_text("hello");
    app.press("enter");
    let opened = app.opened_streams();
    assert_eq!(opened[0].1["provider"], json!({"zdr": true}));
    let by = ErrorFact::ExcludedBy(vec!["data_policy:zdr".into()]);
    let error =
        api::ApiError { status: Some(404), facts: vec![by], ..api::ApiError::new(FaultKind::Model, "No provider") };
    app.end_stream(opened[0].0, Err(error));
    app.wait(Duration::from_millis(400));
    assert!(app.screen().contains("once without zero data retention"), "{}", app.screen());
    app.effects();
    app.press("enter");
    assert_eq!(app.opened_streams()[0].1.get("provider"), None);
    assert!(app.screen().contains("sent without zero data retention, this once"), "{}", app.screen());
}
