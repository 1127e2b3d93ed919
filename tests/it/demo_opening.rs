//! The first minutes of the demo: the answer that it opens on, the first prompt, and the tour.

use ibid::{
    api::ApiDialect,
    chat::ConversationChange,
    config::Config,
    demo,
    store::{StoreJob, StoreReply},
    ui::{Effect, EndpointInfo, InitialConversation, StartOptions, effect::DemoStart, screen::PaneFocus},
};
use serde_json::json;

use crate::support::harness::{Harness, default_start};

/// The demo's screen as it starts, with a draft from before.
fn demo_app(draft: &str) -> Harness {
    let begin = default_start(120, 40);
    let mut app = Harness::with_start(StartOptions {
        config: Config { model: Some("demo/tour".into()), ..Config::default() },
        endpoints: vec![EndpointInfo { name: "demo".into(), dialect: ApiDialect::OpenRouter, is_ready: true }],
        is_demo: true,
        initial_conversation: InitialConversation::Exchange(Box::new(demo::opening_exchange())),
        ..begin
    });
    app.store_reply(StoreReply::Opened { newest: Vec::new(), total: 0, new_draft: draft.into() });
    app
}

/// The texts of a request's prompts and answers.
fn input_texts(body: &serde_json::Value) -> Vec<String> {
    let items = body["input"].as_array().expect("the input is a list");
    let text = |item: &serde_json::Value| match &item["content"] {
        serde_json::Value::Array(parts) => parts[0]["text"].as_str().map(str::to_owned),
        content => content.as_str().map(str::to_owned),
    };
    items.iter().filter(|item| item["role"].is_string()).filter_map(text).collect()
}

fn saves(effects: &[Effect]) -> usize {
    effects.iter().filter(|effect| matches!(effect, Effect::RunStoreJob(StoreJob::Save { .. }))).count()
}

#[test]
fn the_demo_opens_on_a_cited_answer_that_is_saved_only_with_the_first_prompt() {
    let mut app = demo_app("");
    let screen = app.screen();
    for words in
        ["What is a footnote for?", "`Tab ]`", "`/tour` starts the tour", "Sources  [1]", "› type a message, or /tour"]
    {
        assert!(screen.contains(words), "{words}: {screen}");
    }
    assert_eq!(app.focus(), PaneFocus::Composer);
    assert_eq!(saves(&app.effects()), 0, "nothing was sent");
    app.press("tab ]");
    assert_eq!(app.focus(), PaneFocus::Transcript);
    assert!(app.transcript().selected_source_number().is_some(), "{}", app.screen());
    app.press("esc esc");
    app.enter_text("why is the sky blue?");
    app.press("enter");
    let effects = app.effects();
    assert!(saves(&effects) > 0);
    let (endpoint, body) = effects
        .iter()
        .find_map(|effect| match effect {
            Effect::OpenStream { endpoint, request, .. } => {
                Some((endpoint, serde_json::to_value(request).expect("JSON")))
            }
            _ => None,
        })
        .expect("the first prompt is sent");
    assert_eq!((endpoint.as_str(), &body["model"]), ("demo", &json!("demo/tour")));
    let texts = input_texts(&body);
    assert_eq!((texts[0].as_str(), texts[2].as_str()), ("What is a footnote for?", "why is the sky blue?"));
    let titles: Vec<&str> = app.chats().index.iter().map(|summary| summary.title.as_str()).collect();
    assert_eq!(titles, ["why is the sky blue?"], "listed from now on, under what was asked");
}

#[test]
fn the_opening_answer_is_listed_and_what_is_done_with_it_there_saves_nothing() {
    let mut app = demo_app("");
    assert!(!app.screen().contains("None yet"), "{}", app.screen());
    let is_listed = |app: &Harness, title: &str| (0..40).any(|y| app.row(y)[..27].contains(title));
    assert!(is_listed(&app, "What is a footnote for?"), "{}", app.screen());
    app.press("ctrl-x l r ctrl-u");
    app.enter_text("Notes");
    app.press("enter");
    assert!(is_listed(&app, "Notes"), "{}", app.screen());
    app.press("d");
    assert!(app.screen().contains("None yet"), "{}", app.screen());
    app.press("u");
    assert!(is_listed(&app, "Notes") && app.screen().contains("Sources  [1]"), "{}", app.screen());
    assert_eq!(saves(&app.effects()), 0, "it is on disk with the first prompt only");
    app.press("esc ctrl-n ctrl-x l g enter");
    assert!(app.screen().contains("Sources  [1]"), "it can be opened again: {}", app.screen());
}

#[test]
fn a_draft_beside_the_opening_answer_is_kept() {
    let mut app = demo_app("half a sen");
    assert_eq!(app.draft(), "half a sen");
    app.effects();
    app.enter_text("tence");
    app.wait(std::time::Duration::from_secs(1));
    let drafts: Vec<String> = app
        .effects()
        .into_iter()
        .filter_map(|effect| match effect {
            Effect::RunStoreJob(StoreJob::Save { changes, .. }) => Some(changes),
            _ => None,
        })
        .flatten()
        .filter_map(|change| if let ConversationChange::NewDraft(draft) = change { Some(draft) } else { None })
        .collect();
    assert_eq!(drafts, ["half a sentence"]);
    app.press("ctrl-n");
    assert_eq!(app.draft(), "");
}

#[test]
fn the_tour_is_a_command_of_the_demo() {
    let mut app = demo_app("");
    app.effects();
    app.enter_text("/tour");
    app.press("enter");
    if app.draft() == "/tour" {
        app.press("enter");
    }
    let body = app.opened_streams().remove(0).1;
    assert_eq!((body["model"].as_str(), input_texts(&body).pop().as_deref()), (Some("demo/tour"), Some("/tour")));
}

#[test]
fn outside_the_demo_the_tour_is_one_key_away() {
    let mut app = Harness::new(100, 30);
    app.enter_text("/tour");
    app.press("enter");
    if app.draft() == "/tour" {
        app.press("enter");
    }
    assert!(app.screen().contains("The tour is part of the demo: 4 starts it there."), "{}", app.screen());
    assert!(app.opened_streams().is_empty());
    let mut other = app.fork();
    for (app, key) in [(&mut app, "enter"), (&mut other, "4")] {
        app.press(key);
        let last = app.effects().pop();
        assert!(matches!(last, Some(Effect::StartDemo(DemoStart::Tour))), "{key}: {last:?}");
    }
}

#[test]
fn the_demo_can_begin_with_its_tour() {
    let begin = default_start(120, 40);
    let mut app = Harness::with_start(StartOptions {
        config: Config { model: Some("demo/tour".into()), ..Config::default() },
        endpoints: vec![EndpointInfo { name: "demo".into(), dialect: ApiDialect::OpenRouter, is_ready: true }],
        is_demo: true,
        initial_conversation: InitialConversation::Prompt(demo::TOUR_PROMPT.into()),
        ..begin
    });
    app.store_reply(StoreReply::Opened { newest: Vec::new(), total: 0, new_draft: String::new() });
    let body = app.opened_streams().remove(0).1;
    assert_eq!((body["model"].as_str(), input_texts(&body)), (Some("demo/tour"), vec!["/tour".to_owned()]));
}
