//! Notifications and the window title, with and without the focus.

use crate::support::harness::{Harness, default_start};
use crossterm::event::Event as Input;
use ibid::{
    api::{ApiError, FaultKind},
    config::{Config, DesktopNotification, NotifyConfig, NotifyWhen},
    store::{self, StoreJob, StoreReply},
    tools::{ToolDefinition, ToolHints, ToolId},
    ui::{Effect, Msg, effect::UserNotification},
};
use serde_json::json;

fn harness_with(notify: NotifyConfig) -> Harness {
    let mut options = default_start(80, 24);
    options.config = Config { notify, ..options.config };
    let mut app = Harness::with_start(options);
    app.store_reply(StoreReply::Opened { newest: Vec::new(), total: 0, new_draft: String::new() });
    app
}

fn send_focus(app: &mut Harness, event: Input) {
    app.send(Msg::Input { event, more: false });
}

fn notifications(app: &mut Harness) -> Vec<String> {
    let message = |effect| {
        if let Effect::NotifyUser(UserNotification { message: words, .. }) = effect { Some(words) } else { None }
    };
    app.effects().into_iter().filter_map(message).collect()
}

/// Returns the window titles set since the last call.
fn window_titles(app: &mut Harness) -> Vec<String> {
    let title = |effect| if let Effect::SetTitle(title) = effect { Some(title) } else { None };
    app.effects().into_iter().filter_map(title).collect()
}

#[test]
fn a_finished_answer_notifies_once_and_only_without_focus() {
    let mut app = Harness::new(80, 24);
    let stream = app.send_prompt("Never told");
    app.stream_answer(stream, "Yes.");
    assert_eq!(
        notifications(&mut app),
        Vec::<String>::new(),
        "a terminal that reports no focus events counts as focused"
    );

    let stream = app.send_prompt("Elsewhere");
    send_focus(&mut app, Input::FocusLost);
    app.stream_answer(stream, "Yes.");
    assert_eq!(notifications(&mut app), ["answered: Never told"]);
    app.wait(std::time::Duration::from_mins(1));
    assert_eq!(notifications(&mut app), Vec::<String>::new());

    send_focus(&mut app, Input::FocusGained);
    let stream = app.send_prompt("Here again");
    app.stream_answer(stream, "Yes.");
    assert_eq!(notifications(&mut app), Vec::<String>::new());
}

#[test]
fn typing_counts_as_focus_whatever_the_terminal_reported() {
    let mut app = Harness::new(80, 24);
    send_focus(&mut app, Input::FocusLost);
    let stream = app.send_prompt("Typed without a focus");
    app.stream_answer(stream, "Yes.");
    assert_eq!(notifications(&mut app), Vec::<String>::new());
}

#[test]
fn failures_and_questions_notify_but_stopping_does_not() {
    let mut app = Harness::new(80, 24);
    let stream = app.send_prompt("It fails");
    send_focus(&mut app, Input::FocusLost);
    app.end_stream(stream, Err(ApiError::new(FaultKind::Key, "no such key")));
    assert_eq!(notifications(&mut app), ["failed: It fails"]);

    send_focus(&mut app, Input::FocusGained);
    let stream = app.send_prompt("Stopped");
    app.press("esc");
    send_focus(&mut app, Input::FocusLost);
    app.end_stream(stream, Ok(()));
    assert_eq!(notifications(&mut app), Vec::<String>::new());

    let mut app = Harness::new(80, 24);
    app.confirms_saves = false;
    app.enter_text("Where to?");
    app.press("enter");
    send_focus(&mut app, Input::FocusLost);
    let tickets: Vec<_> = app
        .effects()
        .into_iter()
        .filter_map(
            |effect| if let Effect::RunStoreJob(StoreJob::Save { ticket, .. }) = effect { Some(ticket) } else { None },
        )
        .collect();
    for ticket in tickets {
        app.store_reply(StoreReply::SaveFailed { ticket, error: store::StoreError::Full });
    }
    assert_eq!(notifications(&mut app), ["asks: Where to?"]);
}

#[test]
fn a_call_that_asks_notifies_once_and_an_allowed_call_does_not() {
    let text = "model = \"openai/gpt-5.6-luna\"\n[tools.policy]\n\"notes/read\" = \"allow\"\n";
    let (config, _) = Config::parse(text, std::path::Path::new("config.toml")).expect("the config is valid");
    let mut options = default_start(80, 24);
    options.config = config;
    let mut app = Harness::with_start(options);
    app.store_reply(StoreReply::Opened { newest: Vec::new(), total: 0, new_draft: String::new() });
    let tool = |name: &str| ToolDefinition {
        id: ToolId::new("notes", name),
        title: None,
        description: format!("{name} a note"),
        parameters: json!({ "type": "object" }),
        strict: false,
        hints: ToolHints::default(),
    };
    app.send(Msg::ToolsReported { server: "notes".into(), tools: [tool("read"), tool("write")].into() });
    for (name, expected) in [("read", Vec::new()), ("write", vec!["asks: Read it and write it down"])] {
        let stream = app.send_prompt(if name == "read" { "Read it and write it down" } else { "Go on" });
        send_focus(&mut app, Input::FocusLost);
        app.effects();
        let item = json!({ "type": "function_call", "id": "fc_1", "call_id": "call_1", "name": format!("notes__{name}"),
            "arguments": "{}", "status": "completed" });
        let done = json!({ "type": "response.output_item.done", "output_index": 0, "item": item }).to_string();
        let end = json!({ "type": "response.completed", "response": { "status": "completed", "output": [item] } });
        app.receive_events(stream, &[&done, &end.to_string()]);
        app.wait(std::time::Duration::from_secs(5));
        assert_eq!(notifications(&mut app), expected);
        send_focus(&mut app, Input::FocusGained);
        app.press("esc");
    }
}

#[test]
fn a_notification_names_the_conversation_it_is_about() {
    let mut app = Harness::new(80, 24);
    let first = app.send_prompt("The first");
    app.press("ctrl-n");
    let second = app.send_prompt("The second");
    send_focus(&mut app, Input::FocusLost);
    app.stream_answer(first, "One.");
    app.stream_answer(second, "Two.");
    assert_eq!(notifications(&mut app), ["answered: The first", "answered: The second"]);
}

#[test]
fn each_form_of_notification_can_be_switched_off() {
    let effects_with = |notify: NotifyConfig| {
        let mut app = harness_with(notify);
        let stream = app.send_prompt("Hello");
        send_focus(&mut app, Input::FocusLost);
        app.stream_answer(stream, "Yes.");
        app.effects()
    };
    let notices = |effects: Vec<Effect>| -> Vec<(bool, DesktopNotification)> {
        let notice =
            |effect| if let Effect::NotifyUser(notice) = effect { Some((notice.bell, notice.desktop)) } else { None };
        effects.into_iter().filter_map(notice).collect()
    };
    let all = NotifyConfig::default();
    assert_eq!(notices(effects_with(all)), [(true, DesktopNotification::Auto)]);
    assert_eq!(notices(effects_with(NotifyConfig { bell: false, ..all })), [(false, DesktopNotification::Auto)]);
    assert_eq!(
        notices(effects_with(NotifyConfig { desktop: DesktopNotification::Off, ..all })),
        [(true, DesktopNotification::Off)]
    );
    assert_eq!(notices(effects_with(NotifyConfig { bell: false, desktop: DesktopNotification::Off, ..all })), []);
    let untitled = effects_with(NotifyConfig { title: false, ..all });
    assert!(!untitled.iter().any(|effect| matches!(effect, Effect::SetTitle(_))));

    let mut app = harness_with(NotifyConfig { when: NotifyWhen::Always, ..all });
    let stream = app.send_prompt("Always");
    app.stream_answer(stream, "Yes.");
    assert_eq!(notifications(&mut app), ["answered: Always"]);
}

#[test]
fn the_window_title_shows_the_state_of_the_turn() {
    let mut app = Harness::new(80, 24);
    app.draw();
    app.effects();
    app.enter_text("Why is the night dark?");
    app.press("enter");
    let stream = app.effects().iter().find_map(|effect| match effect {
        Effect::OpenStream { stream, .. } => Some(*stream),
        _ => None,
    });
    app.draw();
    send_focus(&mut app, Input::FocusLost);
    app.effects();
    app.stream_answer(stream.expect("a stream is opened"), "Because.");
    assert_eq!(window_titles(&mut app), ["✓ Why is the night dark? — ibid"]);
    send_focus(&mut app, Input::FocusGained);
    assert_eq!(window_titles(&mut app), ["Why is the night dark? — ibid"]);
    app.press("ctrl-n");
    assert_eq!(window_titles(&mut app), ["ibid"]);
    app.press("ctrl-l");
    assert_eq!(window_titles(&mut app), Vec::<String>::new(), "the title is set only when it changes");
    app.enter_text("Next");
    app.press("enter");
    assert_eq!(window_titles(&mut app), ["◐ Next — ibid"]);
    app.press("esc");
    assert_eq!(window_titles(&mut app), ["Next — ibid"]);
}

#[test]
fn a_notification_of_an_untrusted_title_is_one_clean_line() {
    let mut app = Harness::new(80, 24);
    app.paste(
        "\u{9b}31mred\nand \u{202e}more, \u{7}which goes on and on, as long as nobody cuts it off, for ever and ever",
    );
    app.press("enter");
    let stream = app.opened_streams()[0].0;
    send_focus(&mut app, Input::FocusLost);
    app.stream_answer(stream, "Yes.");
    let message = notifications(&mut app).remove(0);
    assert!(message.starts_with("answered: "), "{message}");
    assert!(!message.contains(char::is_control) && !message.contains('\u{202e}'), "{message:?}");
    assert!(ibid::text::width(&message) <= 70, "{message}");
}
