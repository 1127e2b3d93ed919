//! Titles from a cheap model: asked for by a command only, with the price, and undone like any other title.

use ibid::{
    chat::{Answer, ConversationChange, MessageId},
    config::Config,
    store::{StoreJob, StoreReply},
    ui::{Effect, Msg, StartOptions},
};

use crate::support::harness::{Harness, default_start};

fn app(title_model: Option<&str>) -> Harness {
    let start = default_start(120, 30);
    let config = Config { title_model: title_model.map(str::to_owned), ..start.config.clone() };
    let mut app = Harness::with_start(StartOptions { config, ..start });
    app.store_reply(StoreReply::Opened { newest: Vec::new(), total: 0, new_draft: String::new() });
    let stream = app.send_prompt("hey, why does the compiler complain about borrowing here?");
    app.stream_answer(stream, "Because the borrow must outlive the function.");
    app.effects();
    app
}

fn asked(app: &mut Harness) -> Option<(MessageId, serde_json::Value)> {
    app.effects().into_iter().find_map(|effect| match effect {
        Effect::SuggestTitle { message, request, .. } => {
            Some((message, serde_json::to_value(&*request).expect("a request serializes")))
        }
        _ => None,
    })
}

fn answer_with(app: &mut Harness, message: MessageId, text: &str) {
    let mut answer = Answer::new("openrouter", "acme/small", app.now);
    let completed = serde_json::json!({"type": "response.completed", "response": {"id": "gen-2", "status": "completed",
        "output": [{"type": "message", "id": "m", "role": "assistant", "status": "completed",
            "content": [{"type": "output_text", "text": text, "annotations": []}]}],
        "usage": {"input_tokens": 40, "output_tokens": 5, "total_tokens": 45, "cost": 0.0003}}});
    answer.apply(0, app.now, &ibid::api::Event::parse(&completed.to_string()));
    answer.finish(app.now, Ok(()));
    let conversation = app.conversation_id().expect("a conversation");
    let model = "acme/small".to_owned();
    app.send(Msg::TitleSuggested { conversation, message, model, result: Ok(Box::new(answer)) });
}

#[test]
fn a_title_is_asked_for_by_a_command_and_its_price_is_shown_and_saved() {
    for command in ["/title auto", "/auto-title"] {
        let mut app = app(Some("acme/small"));
        app.enter_text(command);
        app.press("enter");
        let (message, request) = asked(&mut app).expect("the model is asked");
        assert_eq!(request["model"], "acme/small");
        let input = request["input"].to_string();
        assert!(input.contains("why does the compiler complain") && input.contains("must outlive"), "{input}");
        assert!(app.screen().contains("small is asked for a title"), "{}", app.screen());
        answer_with(&mut app, message, "**\"Borrowing in functions\"**");
        assert_eq!(app.chats().index[0].title, "Borrowing in functions");
        assert!(
            app.screen().contains("renamed to “Borrowing in functions” · /undo undo · $0.0003"),
            "{}",
            app.screen()
        );
        let saved = app.effects().into_iter().filter_map(|effect| match effect {
            Effect::RunStoreJob(StoreJob::Save { changes, .. }) => Some(changes),
            _ => None,
        });
        let is_cost = |change: &ConversationChange| matches!(change, ConversationChange::SideCost { message: paid, cost, .. } if *paid == message && cost.to_string() == "$0.0003");
        assert!(saved.flatten().any(|change| is_cost(&change)));
        app.enter_text("/undo");
        app.press("enter");
        assert_eq!(app.chats().index[0].title, "hey, why does the compiler complain about borro…");
    }
}

#[test]
fn nothing_is_asked_by_itself_or_without_a_model_in_the_config() {
    let mut app = app(None);
    assert!(asked(&mut app).is_none());
    app.enter_text("/title auto");
    app.press("enter");
    assert!(asked(&mut app).is_none());
    assert!(app.screen().contains("name a cheap model as title_model in the config"), "{}", app.screen());
    assert_ne!(app.chats().index[0].title, "auto");
}

#[test]
fn a_reply_without_a_title_changes_nothing_and_a_failure_says_why() {
    let mut app = app(Some("acme/small"));
    app.enter_text("/title auto");
    app.press("enter");
    let (message, _) = asked(&mut app).expect("the model is asked");
    let before = app.chats().index[0].title.clone();
    answer_with(&mut app, message, "---");
    assert!(app.screen().contains("small gave no title"), "{}", app.screen());
    let conversation = app.conversation_id().expect("a conversation");
    let result = Err("no credit".to_owned());
    app.send(Msg::TitleSuggested { conversation, message, model: "acme/small".into(), result });
    assert!(app.screen().contains("small gave no title: no credit"), "{}", app.screen());
    assert_eq!(app.chats().index[0].title, before);
}
