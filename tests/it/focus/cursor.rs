//! The cursor stands on a message in the window, and commands act on it.

use serde_json::json;

use super::three_turns;
use crate::{moving::copied, support::harness::Harness};

/// Returns the row that the cursor's bar marks.
fn marked_row(app: &Harness) -> String {
    let area = app.areas().transcript;
    let accent = app.env().theme.style(ibid::render::theme::ColourRole::Accent).fg;
    let is_marked = |y: &u16| {
        let cell = app.cell(area.x, *y);
        cell.symbol() == "▌" && Some(cell.fg) == accent
    };
    let marked: Vec<u16> = (area.top()..area.bottom()).filter(is_marked).collect();
    assert_eq!(marked.len(), 1, "one row is marked: {}", app.screen());
    app.row(marked[0])
}

fn long_turns(turns: usize) -> Harness {
    let mut app = Harness::new(80, 24);
    for turn in 1..=turns {
        let stream = app.send_prompt(&format!("prompt {turn}"));
        app.stream_answer(stream, &format!("answer {turn}\n\n{}", "A paragraph.\n\n".repeat(10)));
    }
    app.press("tab");
    app.effects();
    app
}

#[test]
fn answering_again_answers_the_prompt_under_the_cursor() {
    let mut app = three_turns(120, 40);
    app.press("tab K K K K K r enter");
    let body = app.opened_streams().remove(0).1;
    let input = body["input"].to_string();
    assert!(input.contains("prompt one") && !input.contains("answer one") && !input.contains("prompt two"), "{input}");
}

#[test]
fn the_price_of_answering_again_is_that_of_the_answer_under_the_cursor() {
    let catalogue = json!({"data": [{"id": "openai/gpt-5.6-luna", "name": "Luna",
        "pricing": {"prompt": "0.0000003", "completion": "0.0000012"}}]});
    let mut app = Harness::new(120, 40);
    let catalogue = ibid::api::Catalogue::parse(&catalogue.to_string()).expect("a valid catalogue");
    app.send(ibid::ui::Msg::CatalogueLoaded { endpoint: "openrouter".into(), result: Ok(catalogue) });
    for output_tokens in [500, 90_000] {
        let stream = app.send_prompt("hello");
        let completed = json!({"type": "response.completed", "response": {"status": "completed", "output": [],
            "usage": {"input_tokens": 2000, "output_tokens": output_tokens, "cost": 0.0012}}});
        app.receive_events(
            stream,
            &[
                r#"{"type":"response.output_text.delta","output_index":0,"content_index":0,"delta":"Yes."}"#,
                &completed.to_string(),
            ],
        );
        app.end_stream(stream, Ok(()));
    }
    app.press("tab K K r");
    let row = app.row(app.areas().composer.y);
    assert!(row.contains("$0.0012,"), "the first answer cost a tenth of a cent: {row}");
}

#[test]
fn the_first_step_up_goes_to_the_message_before() {
    let mut app = three_turns(80, 40);
    app.press("tab K y");
    assert_eq!(copied(&mut app).as_deref(), Some("prompt three"));
    app.press("K y");
    assert_eq!(copied(&mut app).as_deref(), Some("answer two"));
    app.press("J J J J y");
    assert_eq!(copied(&mut app).as_deref(), Some("answer three"));
}

#[test]
fn scrolling_takes_the_cursor_along() {
    let mut app = long_turns(4);
    app.press("g y");
    assert_eq!(copied(&mut app).as_deref(), Some("prompt 1"));
    assert!(marked_row(&app).contains("you"));
    app.press("G y");
    assert!(copied(&mut app).expect("an answer").starts_with("answer 4"));
    for (keys, expected) in [("u", "answer 4"), ("u u", "answer 3"), ("d", "answer 3"), ("d d d d d", "answer 4")] {
        app.press(keys);
        app.press("y");
        let text = copied(&mut app).expect("a message");
        assert!(text.starts_with(expected), "{keys}: {text}\n{}", app.screen());
        marked_row(&app);
    }
    app.press("g j j j j j y");
    assert!(copied(&mut app).expect("an answer").starts_with("answer 1"), "the prompt left the window");
    marked_row(&app);
}

#[test]
fn where_the_window_cannot_move_a_row_is_a_message() {
    let mut app = three_turns(80, 40);
    app.press("tab k y");
    assert_eq!(copied(&mut app).as_deref(), Some("prompt three"));
    app.press("j y");
    assert_eq!(copied(&mut app).as_deref(), Some("answer three"));
    app.press("u y");
    assert_eq!(copied(&mut app).as_deref(), Some("prompt one"));
    app.press("d y");
    assert_eq!(copied(&mut app).as_deref(), Some("answer three"));
}

#[test]
fn versions_are_counted_on_the_row_of_their_message_and_switched_there() {
    let mut app = three_turns(110, 40);
    app.press("tab K K K K r enter");
    let stream = app.opened_streams().remove(0).0;
    app.stream_answer(stream, "answer one, again");
    let row = |app: &Harness| app.screen().lines().find(|row| row.contains("‹2/2›")).map(str::to_owned);
    let counted = row(&app).expect("the versions are counted");
    assert!(counted.contains("gpt-5.6-luna") && counted.trim_end().ends_with("‹2/2›"), "{}", app.screen());
    assert!(!app.row(0).contains("2/2"), "not in the title's row");
    app.press("<");
    assert!(app.screen().contains("answer three"), "{}", app.screen());
    assert!(marked_row(&app).contains("‹1/2›"), "the cursor is on the version: {}", app.screen());
    app.press(">");
    assert!(app.screen().contains("answer one, again") && marked_row(&app).contains("‹2/2›"), "{}", app.screen());
    app.press("< J J <");
    assert!(app.screen().contains("this message has only one version"), "{}", app.screen());
}
