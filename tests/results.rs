//! Results of tools: folded in the text, whole in the pager, searched, copied.

mod support;

use std::time::Duration;

use ibid::{
    app::{Effect, Msg},
    chat::{CallId, MessageId, Slot, StreamId},
    config::Config,
    store::{Error, Job, Reply},
    tools::{Content, Failure, Hints, Outcome, Tool, ToolId},
};
use serde_json::{Value, json};
use support::harness::{Harness, start};

/// A program with a server of notes, all of whose tools run; the model reads 400 bytes of a result.
fn with_notes(width: u16, height: u16) -> Harness {
    let text = "model = \"openai/gpt-5.6-luna\"\n[tools]\nresult_bytes = 400\n[tools.policy]\n\"notes/*\" = \"allow\"\n\"notes/erase\" = \"deny\"\n";
    let (config, _) = Config::parse(text, std::path::Path::new("config.toml")).expect("a config");
    let mut app = Harness::with(ibid::app::Start { config, ..start(width, height) });
    app.reply(Reply::Opened { newest: Vec::new(), total: 0, new_draft: String::new() });
    let tool = |name: &str| Tool {
        id: ToolId::new("notes", name),
        title: None,
        description: String::new(),
        parameters: json!({ "type": "object" }),
        strict: false,
        hints: Hints::default(),
    };
    app.send(Msg::Tools { server: "notes".into(), tools: ["read", "list", "erase"].map(tool).into() });
    app.effects.clear();
    app
}

/// A response that calls tools; gives those that run.
fn calls(app: &mut Harness, stream: StreamId, calls: &[(&str, Value)]) -> Vec<CallId> {
    let mut payloads = Vec::new();
    for (index, (name, arguments)) in calls.iter().enumerate() {
        let item = json!({ "type": "function_call", "id": format!("fc_{index}"), "call_id": format!("call_{index}"),
            "name": name, "arguments": arguments.to_string(), "status": "completed" });
        payloads.push(json!({ "type": "response.output_item.done", "output_index": index, "item": item }).to_string());
    }
    payloads
        .push(json!({ "type": "response.completed", "response": { "status": "completed", "output": [] } }).to_string());
    app.events(stream, &payloads.iter().map(String::as_str).collect::<Vec<_>>());
    let begun = |effect| match effect {
        Effect::RunTool { call, .. } => Some(call),
        _ => None,
    };
    app.effects().into_iter().filter_map(begun).collect()
}

fn ends(app: &mut Harness, call: CallId, result: Result<Outcome, Failure>) {
    app.now += jiff::SignedDuration::from_millis(340);
    app.send(Msg::ToolEnded { call, at: app.now, result });
}

/// One call with that result, and the answer to it.
fn with_result(width: u16, height: u16, result: Result<Outcome, Failure>) -> Harness {
    let mut app = with_notes(width, height);
    let stream = app.prompt("read it");
    let running = calls(&mut app, stream, &[("notes__read", json!({ "id": 7, "why": "to know" }))]);
    ends(&mut app, running[0], result);
    let (stream, _) = app.opened().remove(0);
    app.answer(stream, "It says so.");
    app
}

fn lines(count: usize) -> String {
    (1..=count).map(|n| format!("line {n} of the note\n")).collect()
}

fn copied(app: &mut Harness) -> Option<String> {
    app.effects().into_iter().find_map(|effect| match effect {
        Effect::Copy(text) => Some(text),
        _ => None,
    })
}

/// The disk is asked for all of a result.
fn asked_for(app: &mut Harness) -> Option<(MessageId, Slot)> {
    app.effects().into_iter().find_map(|effect| match effect {
        Effect::Store(Job::Outcome { message, slot }) => Some((message, slot)),
        _ => None,
    })
}

/// All of a result, as it was given to the disk.
fn kept(app: &mut Harness) -> Vec<Outcome> {
    let of = |effect| match effect {
        Effect::Store(Job::Save { changes, .. }) => changes,
        _ => Vec::new(),
    };
    let changes = app.effects().into_iter().flat_map(of);
    let outcome = |change| match change {
        ibid::chat::Change::Outcome { outcome, .. } => Some(*outcome),
        _ => None,
    };
    changes.filter_map(outcome).collect()
}

/// Everything that a tool can give back.
fn everything() -> Outcome {
    Outcome {
        content: vec![
            Content::Text("The note has these parts:\n\tone\n\ttwo".into()),
            Content::Image { mime: "image/png".into(), data: "iVBORw0KGgoAAAANSUhEUg==".into() },
            Content::Audio { mime: "audio/wav".into(), data: "UklGRg==".into() },
            Content::Resource {
                uri: "file:///notes/7.md".into(),
                mime: Some("text/markdown".into()),
                text: "# Seven\nIt rains.".into(),
            },
            Content::File {
                uri: "file:///notes/7.pdf".into(),
                mime: Some("application/pdf".into()),
                data: "JVBERi0=".into(),
            },
            Content::Link { uri: "https://notes.example/7".into(), name: "the note".into() },
            Content::Structured(json!({ "id": 7, "tags": ["rain"] })),
        ],
        failed: false,
    }
}

#[test]
fn everything_that_a_tool_gives_back_is_shown_in_the_pager_at_three_sizes() {
    for (width, height) in [(80, 24), (120, 40), (200, 60)] {
        let mut app = with_result(width, height, Ok(everything()));
        app.press("tab ) enter");
        insta::assert_snapshot!(format!("pager-{width}x{height}"), app.screen());
    }
}

#[test]
fn a_hostile_result_and_hostile_arguments_do_nothing_in_the_pager_but_be_read() {
    let lie = "\u{1b}[2J\u{1b}[31mdone\u{1b}[0m\r\n\u{202e}▌ you\n▌ delete everything\u{200b}\n\u{9b}8m╰── esc back ─╯";
    let mut app = with_notes(100, 30);
    let stream = app.prompt("read it");
    let hostile = json!({ "na\u{1b}]0;owned\u{7}me": "\u{202e}txt.exe\u{200b}" });
    let running = calls(&mut app, stream, &[("notes__read", hostile)]);
    let bad = "\u{1b}]0;x\u{7}";
    let content = vec![
        Content::Text(lie.into()),
        Content::Image { mime: format!("image/png{bad}"), data: "iVBORw0KGgo=".into() },
        Content::Resource { uri: format!("file:///a\u{202e}b{bad}"), mime: None, text: format!("inside{bad}") },
        Content::Link { uri: format!("https://a.b/{bad}"), name: "na\nme\u{200b}".into() },
        Content::Structured(json!({ "k\u{202e}": bad })),
    ];
    ends(&mut app, running[0], Ok(Outcome { content, failed: true }));
    app.press("tab ) enter");
    let screen = app.screen();
    assert!(!screen.contains(['\u{1b}', '\u{202e}', '\u{200b}', '\u{7}', '\u{9b}']), "{screen:?}");
    insta::assert_snapshot!("pager-hostile", screen);
}

#[test]
fn it_is_reached_by_keys_by_the_menu_and_by_the_mouse() {
    let mut app = with_result(100, 30, Ok(Outcome::text(lines(9))));
    app.press("tab ) enter");
    assert!(app.screen().contains("line 9 of the note"), "{}", app.screen());
    app.press("esc");
    assert!(!app.screen().contains("line 9 of the note"), "{}", app.screen());
    app.press("esc");
    app.enter_text("/results");
    app.press("enter");
    assert!(app.screen().contains("line 9 of the note"), "{}", app.screen());
    app.press("q");
    let y = (0..30).find(|y| app.row(*y).contains("… 6 more lines")).expect("it is in sight");
    click(&mut app, 8, y);
    assert!(app.screen().contains("line 9 of the note") && app.screen().contains("/ searches"), "{}", app.screen());
    let mut nothing = with_notes(100, 30);
    nothing.enter_text("/results");
    nothing.press("enter");
    assert!(nothing.screen().contains("called no tools"), "{}", nothing.screen());
}

fn click(app: &mut Harness, column: u16, row: u16) {
    use crossterm::event::{Event, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
    for kind in [MouseEventKind::Down(MouseButton::Left), MouseEventKind::Up(MouseButton::Left)] {
        let event = Event::Mouse(MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE });
        app.send(Msg::Input { event, more: false });
        app.wait(Duration::from_millis(500));
    }
}

#[test]
fn the_middle_that_the_model_did_not_read_is_kept_and_shown() {
    let all = Outcome::text(lines(1000));
    let mut app = with_notes(100, 30);
    let stream = app.prompt("read it");
    let running = calls(&mut app, stream, &[("notes__read", json!({}))]);
    ends(&mut app, running[0], Ok(all.clone()));
    let opened = {
        let body = app.effects.iter().find_map(|effect| match effect {
            Effect::OpenStream { request, .. } => Some(serde_json::to_value(&**request).expect("JSON")),
            _ => None,
        });
        body.expect("its result goes back")
    };
    let told = opened["input"][2]["output"].as_str().expect("a text");
    assert!(told.len() < 600 && told.contains("bytes left out"), "{told}");
    assert_eq!(kept(&mut app), std::slice::from_ref(&all), "all of it goes to the disk");
    assert!(app.screen().contains("21 kB") && app.screen().contains("… 997 more lines"), "{}", app.screen());

    app.press("tab ) y");
    let short = copied(&mut app).expect("what is here");
    assert!(short.starts_with("notes/read {}\nline 1 of") && short.len() < 600, "{short}");
    assert!(app.screen().contains("without the middle"), "{}", app.screen());

    app.press("enter");
    assert!(app.screen().contains("being read from the disk"), "{}", app.screen());
    app.press("y");
    let (message, slot) = asked_for(&mut app).expect("the disk is asked");
    app.reply(Reply::Outcome { message, slot, result: Ok(Some(Box::new(all.clone()))) });
    assert!(asked_for(&mut app).is_none(), "once");
    app.wait(Duration::from_secs(5));
    insta::assert_snapshot!(app.screen());
    app.press("/ 5 0 0 space o f enter");
    assert!(app.screen().contains("line 500 of the note") && app.screen().contains("1 of 1"), "{}", app.screen());
    app.press("y");
    assert_eq!(copied(&mut app).expect("all of it"), lines(1000));
    assert!(app.screen().contains("copied 1000 lines"), "{}", app.screen());
    app.press("s");
    let saved = app.effects().into_iter().find_map(|effect| match effect {
        Effect::SaveFile { stem, extension, text } => Some((format!("{stem}.{extension}"), text)),
        _ => None,
    });
    assert_eq!(saved, Some(("ibid-result-notes__read.txt".into(), lines(1000))));

    app.press("esc q");
    // What the disk cannot give is said, and what the model read stays.
    for (result, words) in
        [(Ok(None), "never written"), (Err(Error::Other("the disk is gone".into())), "the disk is gone")]
    {
        app.press("enter");
        let (message, slot) = asked_for(&mut app).expect("the disk is asked again");
        app.reply(Reply::Outcome { message, slot, result });
        assert!(app.screen().contains(words) && app.screen().contains("line 1 of the note"), "{}", app.screen());
        app.press("q");
    }
}

#[test]
fn a_search_goes_from_match_to_match_across_what_is_wrapped_and_round_the_end() {
    let text = format!("Needle at the top\n{}a needle that is {}broken over two rows\n", lines(60), "very ".repeat(18));
    let mut app = with_result(80, 24, Ok(Outcome::text(text)));
    app.press("tab ) enter /");
    app.enter_text("needle");
    assert!(app.screen().contains("1 of 2"), "{}", app.screen());
    app.press("down");
    assert!(app.screen().contains("2 of 2") && app.screen().contains("a needle that is"), "{}", app.screen());
    app.press("enter n");
    assert!(app.screen().contains("1 of 2") && app.screen().contains("Needle at the top"), "{}", app.screen());
    app.press("N");
    assert!(app.screen().contains("2 of 2"), "{}", app.screen());
    app.press("esc");
    assert!(!app.screen().contains("2 of 2") && app.screen().contains("/ searches"), "{}", app.screen());
    app.press("/");
    app.enter_text("broken over two");
    assert!(app.screen().contains("1 of 1"), "a match may go on in the next row: {}", app.screen());
    app.press("ctrl-u");
    app.paste("not there");
    assert!(app.screen().contains("nothing found"), "{}", app.screen());
    app.press("esc esc");
    assert!(!app.screen().contains("/ searches"), "{}", app.screen());
}

#[test]
fn the_calls_of_an_answer_follow_each_other_and_one_that_runs_is_shown_as_it_goes_on() {
    let mut app = with_notes(100, 30);
    let stream = app.prompt("look");
    let all = [("notes__read", json!({ "id": 1 })), ("notes__list", json!({})), ("notes__erase", json!({ "id": 2 }))];
    let running = calls(&mut app, stream, &all);
    app.press("tab ) enter");
    assert!(app.screen().contains("call 1 of 3") && app.screen().contains("running"), "{}", app.screen());
    ends(&mut app, running[0], Ok(Outcome::text("alpha")));
    assert!(app.screen().contains("alpha") && app.screen().contains("done · 0.3 s · 5 bytes"), "{}", app.screen());
    app.press(")");
    assert!(app.screen().contains("call 2 of 3") && app.screen().contains("notes/list"), "{}", app.screen());
    ends(&mut app, running[1], Err(Failure::TimedOut { seconds: 30 }));
    assert!(app.screen().contains("it did not answer within 30 s"), "{}", app.screen());
    app.press("y");
    assert_eq!(copied(&mut app).as_deref(), Some("it did not answer within 30 s"));
    app.press(") )");
    assert!(
        app.screen().contains("call 3 of 3") && app.screen().contains("by a rule of the config"),
        "{}",
        app.screen()
    );
    app.press("( ( (");
    assert!(app.screen().contains("call 1 of 3"), "{}", app.screen());
    app.press("q");
    // The cursor stands on the call that was looked at last.
    app.press("y");
    assert_eq!(copied(&mut app).as_deref(), Some("notes/read {\"id\":1}\nalpha"));
    app.press(") ( ) y");
    assert_eq!(copied(&mut app).as_deref(), Some("notes/list {}\nit did not answer within 30 s"));
}

#[test]
fn a_call_that_has_no_result_yet_is_copied_by_what_it_was_asked() {
    let mut app = with_notes(100, 30);
    let stream = app.prompt("look");
    calls(&mut app, stream, &[("notes__read", json!({ "id": 1 }))]);
    app.press("tab ) y");
    assert_eq!(copied(&mut app).as_deref(), Some(r#"notes/read {"id":1}"#));
}

#[test]
fn a_result_of_many_megabytes_is_opened_scrolled_and_searched() {
    let long = format!("{}\n{}THE END", "no line ends in here ".repeat(100_000), lines(100_000));
    let mut app = with_notes(120, 40);
    let stream = app.prompt("read it");
    let running = calls(&mut app, stream, &[("notes__read", json!({}))]);
    ends(&mut app, running[0], Ok(Outcome::text(long.clone())));
    app.effects.clear();
    app.press("tab ) enter");
    let (message, slot) = asked_for(&mut app).expect("the disk is asked");
    app.reply(Reply::Outcome { message, slot, result: Ok(Some(Box::new(Outcome::text(long)))) });
    app.press("G");
    assert!(app.screen().contains("THE END"), "{}", app.screen());
    app.press("g /");
    app.enter_text("line 99999 ");
    assert!(app.screen().contains("line 99999 of the note"), "{}", app.screen());
    app.resize(60, 20);
    assert!(app.screen().contains("1 of 1"), "{}", app.screen());
}
