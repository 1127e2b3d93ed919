//! What makes the screens look finished: words are whole, numbers short, keys in one place and in one order.

use std::time::Duration;

use ibid::{
    api::Catalogue,
    render::theme::ColourDepth,
    store::StoreReply,
    ui::{EndpointInfo, Msg, StartOptions},
};
use ratatui::style::Modifier;
use serde_json::{Value, json};

use crate::support::harness::{Harness, default_start};

fn started(start: StartOptions) -> Harness {
    let mut app = Harness::with_start(start);
    app.store_reply(StoreReply::Opened { newest: Vec::new(), total: 0, new_draft: String::new() });
    app.effects();
    app
}

fn receive(app: &mut Harness, stream: ibid::chat::StreamId, payloads: &[Value]) {
    let payloads: Vec<String> = payloads.iter().map(Value::to_string).collect();
    app.receive_events(stream, &payloads.iter().map(String::as_str).collect::<Vec<_>>());
}

fn load_catalogue(app: &mut Harness) {
    let models = json!({ "data": [
        { "id": "openai/gpt-5.6-luna", "name": "Luna", "supported_parameters": ["reasoning"],
          "description": "A model that knows **where** it is, and *none* of the rest; see [its page](https://example.org)." },
        { "id": "a/claude-opus-5", "name": "Opus", "description": "Another one." },
    ] });
    let result = Ok(Catalogue::parse(&models.to_string()).expect("the catalogue is valid"));
    app.send(Msg::CatalogueLoaded { endpoint: "openrouter".into(), result });
}

/// Thinks in a summary of two paragraphs whose full text is encrypted.
fn think(app: &mut Harness) -> ibid::chat::StreamId {
    let stream = app.send_prompt("Why is the night dark?");
    let text = "**Settling on a form**\n\nOlbers asked it first.\n\nThe sky has an edge in time.";
    receive(
        app,
        stream,
        &[
            json!({ "type": "response.output_item.added", "output_index": 0, "item": { "type": "reasoning", "id": "rs", "summary": [] } }),
            json!({ "type": "response.reasoning_summary_text.delta", "output_index": 0, "summary_index": 0, "delta": text }),
        ],
    );
    app.wait(Duration::from_secs(3));
    stream
}

fn finish_thinking(app: &mut Harness, stream: ibid::chat::StreamId) {
    let text = "**Settling on a form**\n\nOlbers asked it first.\n\nThe sky has an edge in time.";
    let item = json!({ "type": "reasoning", "id": "rs", "summary": [{ "type": "summary_text", "text": text }], "encrypted_content": "c2VjcmV0" });
    receive(app, stream, &[json!({ "type": "response.output_item.done", "output_index": 0, "item": item })]);
    app.stream_answer(stream, "Because the universe is young.");
}

#[test]
fn no_sentence_of_the_effort_picker_is_cut() {
    for (width, height) in [(40, 12), (80, 24), (120, 40)] {
        let mut app = Harness::new(width, height);
        app.press("ctrl-x e");
        let words = app.screen().replace(['│', '\n'], " ").split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words.contains("Higher is slower and costs more. From the next message on."), "{}", app.screen());
        assert!(words.contains("model default") && !words.contains('…'), "{}", app.screen());
    }
}

#[test]
fn live_reasoning_spends_no_row_on_a_blank() {
    let mut app = Harness::new(100, 30);
    think(&mut app);
    let rows: Vec<String> = app.screen().lines().map(|row| row.trim().to_owned()).collect();
    let last = rows.iter().position(|row| row.contains("edge in time")).expect("the reasoning is shown");
    assert!(rows[last - 1].contains("Olbers asked it first."), "{}", app.screen());
    assert!(rows[last - 2].contains("Settling on a form"), "{}", app.screen());
}

#[test]
fn the_rail_names_no_headline_twice_and_says_in_full_what_its_text_is() {
    let mut app = Harness::new(200, 60);
    let stream = think(&mut app);
    finish_thinking(&mut app, stream);
    let screen = app.screen();
    let rail = |row: &str| row.chars().skip(155).collect::<String>();
    let rail: Vec<String> = screen.lines().map(rail).collect();
    assert_eq!(rail.iter().filter(|row| row.contains("Settling on a form")).count(), 1, "{screen}");
    assert!(rail.iter().any(|row| row.contains("✓ Thought")), "{screen}");
    let foot = rail.iter().rev().find(|row| row.contains("summary")).expect("the foot says what the text is");
    assert!(foot.trim_end().ends_with("encrypted by the provider") && !foot.contains('…'), "{screen}");
}

#[test]
fn the_mark_of_a_question_is_for_questions_only() {
    let mut app = Harness::new(120, 40);
    let stream = app.send_prompt("Why?");
    app.receive_events(
        stream,
        &[r#"{"type":"response.output_text.delta","output_index":0,"content_index":0,"delta":"Because"}"#],
    );
    app.press("esc");
    let status = |app: &Harness| app.status().replace("? keys", "");
    assert!(status(&app).contains("stopped") && !status(&app).contains('?'), "{}", app.status());
    app.press("ctrl-c");
    assert!(status(&app).contains("again") && !status(&app).contains('?'), "{}", app.status());
}

#[test]
fn no_number_of_a_running_clock_stands_behind_a_hole() {
    let mut app = Harness::new(120, 40);
    let stream = app.send_prompt("Why?");
    for seconds in [1, 3, 9].into_iter().chain([9; 12]) {
        receive(
            &mut app,
            stream,
            &[
                json!({ "type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": "Because. ".repeat(40) }),
            ],
        );
        app.wait(Duration::from_secs(seconds));
        let status = app.status();
        let phase = status.split("    ").find(|part| part.contains("t/s")).expect("it streams");
        assert!(!phase.trim().contains("  "), "{seconds} s: {status}");
    }
}

#[test]
fn the_selected_row_of_a_list_is_evenly_bright_where_it_is_reversed() {
    for colours in [ColourDepth::None, ColourDepth::TrueColour] {
        for opener in ["ctrl-x m", "ctrl-p", "ctrl-x e", "ctrl-x j", "/"] {
            let mut app = started(StartOptions { colours, ..default_start(120, 40) });
            load_catalogue(&mut app);
            if opener == "/" {
                app.enter_text(opener);
            } else {
                app.press(opener);
            }
            let dim = Modifier::REVERSED | Modifier::DIM;
            let is_dim = |cell: &ratatui::buffer::Cell| cell.modifier.contains(dim) && cell.symbol() != " ";
            let reversed = app.buffer().content.iter().any(|cell| cell.modifier.contains(Modifier::REVERSED));
            assert!(reversed, "{opener}: a row is selected: {}", app.screen());
            assert!(!app.buffer().content.iter().any(is_dim), "{opener}: {}", app.screen());
        }
    }
}

#[test]
fn the_welcome_has_its_footnote_or_no_mark_of_one() {
    for (width, height) in [(120, 40), (80, 24), (60, 20), (40, 10)] {
        let mut begin = default_start(width, height);
        begin.endpoints = vec![EndpointInfo { is_ready: false, ..begin.endpoints[0].clone() }];
        let mut app = Harness::with_start(begin);
        app.draw();
        let marks = app.screen().matches('¹').count();
        assert!(marks == 2 || marks == 0 && height < 20, "{width}x{height}: {}", app.screen());
    }
}

#[test]
fn money_has_two_digits_in_the_status_line_and_all_of_them_in_the_details() {
    let mut app = Harness::new(120, 40);
    let stream = app.send_prompt("Why?");
    let item = json!({ "type": "message", "id": "m", "role": "assistant", "content": [{ "type": "output_text", "text": "So.", "annotations": [] }] });
    receive(
        &mut app,
        stream,
        &[
            json!({ "type": "response.output_item.done", "output_index": 0, "item": item }),
            json!({ "type": "response.completed", "response": { "status": "completed", "output": [item],
            "usage": { "input_tokens": 3, "output_tokens": 4, "total_tokens": 7, "cost": 0.000_834_217 } } }),
        ],
    );
    app.end_stream(stream, Ok(()));
    assert!(app.status().contains("$0.00083  "), "{}", app.status());
    assert!(app.screen().contains("· $0.00083"), "the head of the answer: {}", app.screen());
    app.press("ctrl-x i");
    assert!(app.screen().contains("$0.000834217"), "{}", app.screen());
}

#[test]
fn a_description_of_a_model_is_shown_without_its_markup() {
    let mut app = Harness::new(120, 40);
    load_catalogue(&mut app);
    app.press("ctrl-x m");
    let screen = app.screen();
    assert!(screen.contains("knows where it is, and none of the rest; see its page"), "{screen}");
    assert!(!screen.contains("**") && !screen.contains("*none*"), "{screen}");
}

/// The keys in the foot of the top overlay, in order, with what they do.
fn foot(app: &Harness) -> String {
    let screen = app.screen();
    let row = screen.lines().rev().find(|row| row.trim_start().starts_with('╰')).expect("the overlay has a frame");
    row.trim_matches(['╰', '─', '╯', ' ']).to_owned()
}

#[test]
fn esc_is_the_last_key_of_every_overlay_and_one_word_names_the_search() {
    let keys = [
        "ctrl-p", "?", "ctrl-x m", "ctrl-x l", "ctrl-x r", "ctrl-x j", "ctrl-x x", "ctrl-x ,", "ctrl-x e", "ctrl-r",
        "ctrl-x u", "ctrl-x c",
    ];
    for opener in keys.into_iter().chain(["/connect", "/theme", "/mouse", "/auto-approve", "/jump"]) {
        let mut app = Harness::new(120, 40);
        load_catalogue(&mut app);
        let stream = app.send_prompt("Show me code");
        app.stream_answer(stream, "```sh\necho one\n```");
        if opener.starts_with('/') {
            app.set_draft(opener);
            app.press("esc enter");
        } else {
            app.press(opener);
        }
        // A docked pane has no frame.
        if app.overlay().is_none() {
            continue;
        }
        let foot = foot(&app);
        let last = foot.rsplit("  ").next().unwrap_or_default();
        assert!(last.starts_with("Esc ") && foot.matches("Esc").count() == 1, "{opener}: {foot}");
        if foot.contains("/ ") {
            assert!(foot.contains("/ search  ") || foot.contains("/ filter  "), "{opener}: {foot}");
            assert!(!foot.contains("searches") && !foot.contains("filters"), "{opener}: {foot}");
        }
    }
}

#[test]
fn a_list_with_a_field_is_filtered_as_one_types_and_any_other_by_one_key() {
    // What has letters for commands is searched by `/`, everything else by typing.
    for opener in ["ctrl-p", "?", "ctrl-x m", "ctrl-x e", "ctrl-r", "ctrl-x u"] {
        let mut app = Harness::new(120, 40);
        let stream = app.send_prompt("Show me code");
        app.stream_answer(stream, "```sh\necho one\n```");
        app.press(opener);
        app.enter_text("qzx");
        assert!(app.screen().contains("› qzx"), "{opener}: {}", app.screen());
    }
    for opener in ["ctrl-x j", "ctrl-x l"] {
        let mut app = Harness::new(80, 24);
        let stream = app.send_prompt("Show me code");
        app.stream_answer(stream, "```sh\necho one\n```");
        app.press(opener);
        app.press("/");
        app.enter_text("qzx");
        assert!(app.screen().contains("› qzx"), "{opener}: {}", app.screen());
    }
}
