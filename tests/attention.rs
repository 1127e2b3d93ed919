//! What is told to a reader who looks elsewhere, and when.

mod support;

use crossterm::event::Event as Input;
use ibid::{
    api::{Error, Fault},
    app::{Effect, Msg, attention::Notice},
    config::{Config, Desktop, Notify, When},
    store::{self, Job, Reply},
    tools::{Hints, Tool, ToolId},
};
use serde_json::json;
use support::harness::{Harness, start};

fn with(notify: Notify) -> Harness {
    let mut begin = start(80, 24);
    begin.config = Config { notify, ..begin.config };
    let mut app = Harness::with(begin);
    app.reply(Reply::Opened { newest: Vec::new(), total: 0, new_draft: String::new() });
    app
}

fn focus(app: &mut Harness, event: Input) {
    app.send(Msg::Input { event, more: false });
}

fn told(app: &mut Harness) -> Vec<String> {
    let words = |effect| if let Effect::Notify(Notice { words, .. }) = effect { Some(words) } else { None };
    app.effects().into_iter().filter_map(words).collect()
}

/// The titles that the window was given.
fn titles(app: &mut Harness) -> Vec<String> {
    let title = |effect| if let Effect::SetTitle(title) = effect { Some(title) } else { None };
    app.effects().into_iter().filter_map(title).collect()
}

#[test]
fn an_answer_that_ends_is_told_once_and_only_while_the_reader_is_elsewhere() {
    let mut app = Harness::new(80, 24);
    let stream = app.prompt("Never told");
    app.answer(stream, "Yes.");
    assert_eq!(told(&mut app), Vec::<String>::new(), "a terminal that tells nothing has the focus");

    let stream = app.prompt("Elsewhere");
    focus(&mut app, Input::FocusLost);
    app.answer(stream, "Yes.");
    assert_eq!(told(&mut app), ["answered: Never told"]);
    app.wait(std::time::Duration::from_mins(1));
    assert_eq!(told(&mut app), Vec::<String>::new());

    focus(&mut app, Input::FocusGained);
    let stream = app.prompt("Here again");
    app.answer(stream, "Yes.");
    assert_eq!(told(&mut app), Vec::<String>::new());
}

#[test]
fn who_types_is_here_whatever_the_terminal_said_last() {
    let mut app = Harness::new(80, 24);
    focus(&mut app, Input::FocusLost);
    let stream = app.prompt("Typed without a focus");
    app.answer(stream, "Yes.");
    assert_eq!(told(&mut app), Vec::<String>::new());
}

#[test]
fn failures_and_decisions_are_told_and_what_the_reader_stopped_is_not() {
    let mut app = Harness::new(80, 24);
    let stream = app.prompt("It fails");
    focus(&mut app, Input::FocusLost);
    app.end(stream, Err(Error::new(Fault::Key, "no such key")));
    assert_eq!(told(&mut app), ["failed: It fails"]);

    focus(&mut app, Input::FocusGained);
    let stream = app.prompt("Stopped");
    app.press("esc");
    focus(&mut app, Input::FocusLost);
    app.end(stream, Ok(()));
    assert_eq!(told(&mut app), Vec::<String>::new());

    let mut app = Harness::new(80, 24);
    app.disk_works = false;
    app.enter_text("Where to?");
    app.press("enter");
    focus(&mut app, Input::FocusLost);
    let tickets: Vec<_> = app
        .effects()
        .into_iter()
        .filter_map(|effect| if let Effect::Store(Job::Save { ticket, .. }) = effect { Some(ticket) } else { None })
        .collect();
    for ticket in tickets {
        app.reply(Reply::NotSaved { ticket, error: store::Error::Full });
    }
    assert_eq!(told(&mut app), ["asks: Where to?"]);
}

#[test]
fn a_call_that_asks_is_told_once_and_one_that_may_run_is_not() {
    let text = "model = \"openai/gpt-5.6-luna\"\n[tools.policy]\n\"notes/read\" = \"allow\"\n";
    let (config, _) = Config::parse(text, std::path::Path::new("config.toml")).expect("a config");
    let mut begin = start(80, 24);
    begin.config = config;
    let mut app = Harness::with(begin);
    app.reply(Reply::Opened { newest: Vec::new(), total: 0, new_draft: String::new() });
    let tool = |name: &str| Tool {
        id: ToolId::new("notes", name),
        title: None,
        description: format!("{name} a note"),
        parameters: json!({ "type": "object" }),
        strict: false,
        hints: Hints::default(),
    };
    app.send(Msg::Tools { server: "notes".into(), tools: [tool("read"), tool("write")].into() });
    for (name, expected) in [("read", Vec::new()), ("write", vec!["asks: Read it and write it down"])] {
        let stream = app.prompt(if name == "read" { "Read it and write it down" } else { "Go on" });
        focus(&mut app, Input::FocusLost);
        app.effects();
        let item = json!({ "type": "function_call", "id": "fc_1", "call_id": "call_1", "name": format!("notes__{name}"),
            "arguments": "{}", "status": "completed" });
        let done = json!({ "type": "response.output_item.done", "output_index": 0, "item": item }).to_string();
        let end = json!({ "type": "response.completed", "response": { "status": "completed", "output": [item] } });
        app.events(stream, &[&done, &end.to_string()]);
        app.wait(std::time::Duration::from_secs(5));
        assert_eq!(told(&mut app), expected);
        focus(&mut app, Input::FocusGained);
        app.press("esc");
    }
}

#[test]
fn a_conversation_in_the_background_is_told_by_its_own_title() {
    let mut app = Harness::new(80, 24);
    let first = app.prompt("The first");
    app.press("ctrl-n");
    let second = app.prompt("The second");
    focus(&mut app, Input::FocusLost);
    app.answer(first, "One.");
    app.answer(second, "Two.");
    assert_eq!(told(&mut app), ["answered: The first", "answered: The second"]);
}

#[test]
fn each_way_of_telling_can_be_switched_off() {
    let tell = |notify: Notify| {
        let mut app = with(notify);
        let stream = app.prompt("Hello");
        focus(&mut app, Input::FocusLost);
        app.answer(stream, "Yes.");
        app.effects()
    };
    let notices = |effects: Vec<Effect>| -> Vec<(bool, Desktop)> {
        let notice =
            |effect| if let Effect::Notify(notice) = effect { Some((notice.bell, notice.desktop)) } else { None };
        effects.into_iter().filter_map(notice).collect()
    };
    let all = Notify::default();
    assert_eq!(notices(tell(all)), [(true, Desktop::Auto)]);
    assert_eq!(notices(tell(Notify { bell: false, ..all })), [(false, Desktop::Auto)]);
    assert_eq!(notices(tell(Notify { desktop: Desktop::Off, ..all })), [(true, Desktop::Off)]);
    assert_eq!(notices(tell(Notify { bell: false, desktop: Desktop::Off, ..all })), []);
    let untitled = tell(Notify { title: false, ..all });
    assert!(!untitled.iter().any(|effect| matches!(effect, Effect::SetTitle(_))));

    let mut app = with(Notify { when: When::Always, ..all });
    let stream = app.prompt("Always");
    app.answer(stream, "Yes.");
    assert_eq!(told(&mut app), ["answered: Always"]);
}

#[test]
fn the_title_of_the_window_says_how_it_stands() {
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
    focus(&mut app, Input::FocusLost);
    app.effects();
    app.answer(stream.expect("a stream"), "Because.");
    assert_eq!(titles(&mut app), ["✓ Why is the night dark? — ibid"]);
    focus(&mut app, Input::FocusGained);
    assert_eq!(titles(&mut app), ["Why is the night dark? — ibid"]);
    app.press("ctrl-n");
    assert_eq!(titles(&mut app), ["ibid"]);
    app.press("ctrl-l");
    assert_eq!(titles(&mut app), Vec::<String>::new(), "it is set when it changes");
    app.enter_text("Next");
    app.press("enter");
    assert_eq!(titles(&mut app), ["◐ Next — ibid"]);
    app.press("esc");
    assert_eq!(titles(&mut app), ["Next — ibid"]);
}

#[test]
fn a_title_from_outside_is_one_clean_line() {
    let mut app = Harness::new(80, 24);
    app.paste(
        "\u{9b}31mred\nand \u{202e}more, \u{7}which goes on and on, as long as nobody cuts it off, for ever and ever",
    );
    app.press("enter");
    let stream = app.opened()[0].0;
    focus(&mut app, Input::FocusLost);
    app.answer(stream, "Yes.");
    let words = told(&mut app).remove(0);
    assert!(words.starts_with("answered: "), "{words}");
    assert!(!words.contains(char::is_control) && !words.contains('\u{202e}'), "{words:?}");
    assert!(ibid::text::width(&words) <= 70, "{words}");
}
