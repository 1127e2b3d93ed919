//! Tool results: folded in the text, complete in the pager, searched and copied.

use std::time::Duration;

use crate::support::harness::{Harness, default_start};
use ibid::{
    chat::{CallId, ItemSlot, MessageId, StreamId},
    config::Config,
    store::{StoreError, StoreJob, StoreReply},
    tools::{ToolContent, ToolDefinition, ToolFailure, ToolHints, ToolId, ToolOutcome},
    ui::{Effect, Msg},
};
use serde_json::{Value, json};

/// Starts with an MCP server of notes whose tools need no approval; the model reads 400 bytes of a result.
fn with_notes(width: u16, height: u16) -> Harness {
    let text = "model = \"openai/gpt-5.6-luna\"\n[tools]\nresult_bytes = 400\n[tools.policy]\n\"notes/*\" = \"allow\"\n\"notes/erase\" = \"deny\"\n";
    let (config, _) = Config::parse(text, std::path::Path::new("config.toml")).expect("a config");
    let mut app = Harness::with_start(ibid::ui::StartOptions { config, ..default_start(width, height) });
    app.store_reply(StoreReply::Opened { newest: Vec::new(), total: 0, new_draft: String::new() });
    let tool = |name: &str| ToolDefinition {
        id: ToolId::new("notes", name),
        title: None,
        description: String::new(),
        parameters: json!({ "type": "object" }),
        strict: false,
        hints: ToolHints::default(),
    };
    app.send(Msg::ToolsReported { server: "notes".into(), tools: ["read", "list", "erase"].map(tool).into() });
    app.effects.clear();
    app
}

/// Receives a response that calls tools. Returns the calls that run.
fn call_tools(app: &mut Harness, stream: StreamId, calls: &[(&str, Value)]) -> Vec<CallId> {
    let mut payloads = Vec::new();
    for (index, (name, arguments)) in calls.iter().enumerate() {
        let item = json!({ "type": "function_call", "id": format!("fc_{index}"), "call_id": format!("call_{index}"),
            "name": name, "arguments": arguments.to_string(), "status": "completed" });
        payloads.push(json!({ "type": "response.output_item.done", "output_index": index, "item": item }).to_string());
    }
    payloads
        .push(json!({ "type": "response.completed", "response": { "status": "completed", "output": [] } }).to_string());
    app.receive_events(stream, &payloads.iter().map(String::as_str).collect::<Vec<_>>());
    let begun = |effect| match effect {
        Effect::RunTool { call, .. } => Some(call),
        _ => None,
    };
    app.effects().into_iter().filter_map(begun).collect()
}

fn finish_call(app: &mut Harness, call: CallId, result: Result<ToolOutcome, ToolFailure>) {
    app.now += jiff::SignedDuration::from_millis(340);
    app.send(Msg::ToolEnded { call, at: app.now, result });
}

/// Starts with one call, its result, and the answer that follows.
fn with_result(width: u16, height: u16, result: Result<ToolOutcome, ToolFailure>) -> Harness {
    let mut app = with_notes(width, height);
    let stream = app.send_prompt("read it");
    let running = call_tools(&mut app, stream, &[("notes__read", json!({ "id": 7, "why": "to know" }))]);
    finish_call(&mut app, running[0], result);
    let (stream, _) = app.opened_streams().remove(0);
    app.stream_answer(stream, "It says so.");
    app
}

fn note_lines(count: usize) -> String {
    (1..=count).map(|n| format!("line {n} of the note\n")).collect()
}

fn copied_text(app: &mut Harness) -> Option<String> {
    app.effects().into_iter().find_map(|effect| match effect {
        Effect::CopyToClipboard(text) => Some(text),
        _ => None,
    })
}

/// Returns the result that was requested from the store, if any.
fn requested_outcome(app: &mut Harness) -> Option<(MessageId, ItemSlot)> {
    app.effects().into_iter().find_map(|effect| match effect {
        Effect::RunStoreJob(StoreJob::LoadOutcome { message, slot }) => Some((message, slot)),
        _ => None,
    })
}

/// Returns the full results that were sent to the store.
fn saved_outcomes(app: &mut Harness) -> Vec<ToolOutcome> {
    let of = |effect| match effect {
        Effect::RunStoreJob(StoreJob::Save { changes, .. }) => changes,
        _ => Vec::new(),
    };
    let changes = app.effects().into_iter().flat_map(of);
    let outcome = |change| match change {
        ibid::chat::ConversationChange::CallResult { outcome, .. } => Some(*outcome),
        _ => None,
    };
    changes.filter_map(outcome).collect()
}

/// A result with every kind of content.
fn every_kind_of_content() -> ToolOutcome {
    ToolOutcome {
        content: vec![
            ToolContent::Text("The note has these parts:\n\tone\n\ttwo".into()),
            ToolContent::Image { mime: "image/png".into(), data: "iVBORw0KGgoAAAANSUhEUg==".into() },
            ToolContent::Audio { mime: "audio/wav".into(), data: "UklGRg==".into() },
            ToolContent::Resource {
                uri: "file:///notes/7.md".into(),
                mime: Some("text/markdown".into()),
                text: "# Seven\nIt rains.".into(),
            },
            ToolContent::File {
                uri: "file:///notes/7.pdf".into(),
                mime: Some("application/pdf".into()),
                data: "JVBERi0=".into(),
            },
            ToolContent::Link { uri: "https://notes.example/7".into(), name: "the note".into() },
            ToolContent::Structured(json!({ "id": 7, "tags": ["rain"] })),
        ],
        failed: false,
    }
}

#[test]
fn the_pager_shows_every_kind_of_content_at_three_sizes() {
    for (width, height) in [(80, 24), (120, 40), (200, 60)] {
        let mut app = with_result(width, height, Ok(every_kind_of_content()));
        app.press("tab ) enter");
        insta::assert_snapshot!(format!("pager-{width}x{height}"), app.screen());
    }
}

#[test]
fn hostile_results_and_arguments_are_only_text_in_the_pager() {
    let lie = "\u{1b}[2J\u{1b}[31mdone\u{1b}[0m\r\n\u{202e}▌ you\n▌ delete everything\u{200b}\n\u{9b}8m╰── esc back ─╯";
    let mut app = with_notes(100, 30);
    let stream = app.send_prompt("read it");
    let hostile = json!({ "na\u{1b}]0;owned\u{7}me": "\u{202e}txt.exe\u{200b}" });
    let running = call_tools(&mut app, stream, &[("notes__read", hostile)]);
    let bad = "\u{1b}]0;x\u{7}";
    let content = vec![
        ToolContent::Text(lie.into()),
        ToolContent::Image { mime: format!("image/png{bad}"), data: "iVBORw0KGgo=".into() },
        ToolContent::Resource { uri: format!("file:///a\u{202e}b{bad}"), mime: None, text: format!("inside{bad}") },
        ToolContent::Link { uri: format!("https://a.b/{bad}"), name: "na\nme\u{200b}".into() },
        ToolContent::Structured(json!({ "k\u{202e}": bad })),
    ];
    finish_call(&mut app, running[0], Ok(ToolOutcome { content, failed: true }));
    app.press("tab ) enter");
    let screen = app.screen();
    assert!(!screen.contains(['\u{1b}', '\u{202e}', '\u{200b}', '\u{7}', '\u{9b}']), "{screen:?}");
    insta::assert_snapshot!("pager-hostile", screen);
}

#[test]
fn the_pager_opens_by_key_by_command_and_by_mouse() {
    let mut app = with_result(100, 30, Ok(ToolOutcome::text(note_lines(9))));
    app.press("tab ) enter");
    assert!(app.screen().contains("line 9 of the note"), "{}", app.screen());
    app.press("esc");
    assert!(!app.screen().contains("line 9 of the note"), "{}", app.screen());
    app.press("esc");
    app.enter_text("/results");
    app.press("enter");
    assert!(app.screen().contains("line 9 of the note"), "{}", app.screen());
    app.press("q");
    let y = (0..30).find(|y| app.row(*y).contains("… 6 more lines")).expect("the fold is visible");
    click(&mut app, 8, y);
    assert!(app.screen().contains("line 9 of the note") && app.screen().contains("/ find"), "{}", app.screen());
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
fn the_middle_that_the_model_did_not_read_is_saved_and_shown() {
    let all = ToolOutcome::text(note_lines(1000));
    let mut app = with_notes(100, 30);
    let stream = app.send_prompt("read it");
    let running = call_tools(&mut app, stream, &[("notes__read", json!({}))]);
    finish_call(&mut app, running[0], Ok(all.clone()));
    let opened = {
        let body = app.effects.iter().find_map(|effect| match effect {
            Effect::OpenStream { request, .. } => Some(serde_json::to_value(&**request).expect("JSON")),
            _ => None,
        });
        body.expect("the result is sent back")
    };
    let output = opened["input"][2]["output"].as_str().expect("a text");
    assert!(output.len() < 600 && output.contains("bytes left out"), "{output}");
    assert_eq!(saved_outcomes(&mut app), std::slice::from_ref(&all), "the full result is saved");
    assert!(app.screen().contains("21 kB") && app.screen().contains("… 997 more lines"), "{}", app.screen());

    app.press("tab ) y");
    let short = copied_text(&mut app).expect("the part in memory is copied");
    assert!(short.starts_with("notes/read {}\nline 1 of") && short.len() < 600, "{short}");
    assert!(app.screen().contains("without the middle"), "{}", app.screen());

    app.press("enter");
    assert!(app.screen().contains("being read from disk"), "{}", app.screen());
    app.press("y");
    let (message, slot) = requested_outcome(&mut app).expect("the store is asked");
    app.store_reply(StoreReply::Outcome { message, slot, result: Ok(Some(Box::new(all.clone()))) });
    assert!(requested_outcome(&mut app).is_none(), "only once");
    app.wait(Duration::from_secs(5));
    insta::assert_snapshot!(app.screen());
    app.press("/ 5 0 0 space o f enter");
    assert!(app.screen().contains("line 500 of the note") && app.screen().contains("1 of 1"), "{}", app.screen());
    app.press("y");
    assert_eq!(copied_text(&mut app).expect("the full result is copied"), note_lines(1000));
    assert!(app.screen().contains("copied 1000 lines"), "{}", app.screen());
    app.press("s");
    let saved = app.effects().into_iter().find_map(|effect| match effect {
        Effect::SaveFile { stem, extension, text } => Some((format!("{stem}.{extension}"), text)),
        _ => None,
    });
    assert_eq!(saved, Some(("ibid-result-notes__read.txt".into(), note_lines(1000))));

    app.press("esc q");
    // A failed read is reported, and the part that the model read stays.
    for (result, words) in
        [(Ok(None), "never saved"), (Err(StoreError::Other("the disk is gone".into())), "the disk is gone")]
    {
        app.press("enter");
        let (message, slot) = requested_outcome(&mut app).expect("the store is asked again");
        app.store_reply(StoreReply::Outcome { message, slot, result });
        assert!(app.screen().contains(words) && app.screen().contains("line 1 of the note"), "{}", app.screen());
        app.press("q");
    }
}

#[test]
fn a_search_matches_across_wrapped_rows_and_wraps_around() {
    let text =
        format!("Needle at the top\n{}a needle that is {}broken over two rows\n", note_lines(60), "very ".repeat(18));
    let mut app = with_result(80, 24, Ok(ToolOutcome::text(text)));
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
    assert!(!app.screen().contains("2 of 2") && app.screen().contains("/ find"), "{}", app.screen());
    app.press("/");
    app.enter_text("broken over two");
    assert!(app.screen().contains("1 of 1"), "a match may continue on the next row: {}", app.screen());
    app.press("ctrl-u");
    app.paste("not there");
    assert!(app.screen().contains("nothing found"), "{}", app.screen());
    app.press("esc esc");
    assert!(!app.screen().contains("/ find"), "{}", app.screen());
}

#[test]
fn the_pager_steps_through_the_calls_and_updates_one_that_runs() {
    let mut app = with_notes(100, 30);
    let stream = app.send_prompt("look");
    let all = [("notes__read", json!({ "id": 1 })), ("notes__list", json!({})), ("notes__erase", json!({ "id": 2 }))];
    let running = call_tools(&mut app, stream, &all);
    app.press("tab ) enter");
    assert!(app.screen().contains("call 1 of 3") && app.screen().contains("running"), "{}", app.screen());
    finish_call(&mut app, running[0], Ok(ToolOutcome::text("alpha")));
    assert!(app.screen().contains("alpha") && app.screen().contains("done · 0.3 s · 5 bytes"), "{}", app.screen());
    app.press(")");
    assert!(app.screen().contains("call 2 of 3") && app.screen().contains("notes/list"), "{}", app.screen());
    finish_call(&mut app, running[1], Err(ToolFailure::TimedOut { seconds: 30 }));
    assert!(app.screen().contains("it did not answer within 30 s"), "{}", app.screen());
    app.press("y");
    assert_eq!(copied_text(&mut app).as_deref(), Some("it did not answer within 30 s"));
    app.press(") )");
    assert!(
        app.screen().contains("call 3 of 3") && app.screen().contains("by a rule in the config"),
        "{}",
        app.screen()
    );
    app.press("( ( (");
    assert!(app.screen().contains("call 1 of 3"), "{}", app.screen());
    app.press("q");
    // The cursor is on the call that the pager showed last.
    app.press("y");
    assert_eq!(copied_text(&mut app).as_deref(), Some("notes/read {\"id\":1}\nalpha"));
    app.press(") ( ) y");
    assert_eq!(copied_text(&mut app).as_deref(), Some("notes/list {}\nit did not answer within 30 s"));
}

#[test]
fn a_call_without_a_result_is_copied_with_its_arguments() {
    let mut app = with_notes(100, 30);
    let stream = app.send_prompt("look");
    call_tools(&mut app, stream, &[("notes__read", json!({ "id": 1 }))]);
    app.press("tab ) y");
    assert_eq!(copied_text(&mut app).as_deref(), Some(r#"notes/read {"id":1}"#));
}

#[test]
fn a_result_of_many_megabytes_can_be_opened_scrolled_and_searched() {
    let long = format!("{}\n{}THE END", "no line ends in here ".repeat(100_000), note_lines(100_000));
    let mut app = with_notes(120, 40);
    let stream = app.send_prompt("read it");
    let running = call_tools(&mut app, stream, &[("notes__read", json!({}))]);
    finish_call(&mut app, running[0], Ok(ToolOutcome::text(long.clone())));
    app.effects.clear();
    app.press("tab ) enter");
    let (message, slot) = requested_outcome(&mut app).expect("the store is asked");
    app.store_reply(StoreReply::Outcome { message, slot, result: Ok(Some(Box::new(ToolOutcome::text(long)))) });
    app.press("G");
    assert!(app.screen().contains("THE END"), "{}", app.screen());
    app.press("g /");
    app.enter_text("line 99999 ");
    assert!(app.screen().contains("line 99999 of the note"), "{}", app.screen());
    app.resize(60, 20);
    assert!(app.screen().contains("1 of 1"), "{}", app.screen());
}
