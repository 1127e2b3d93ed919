//! Another answer to the same prompt: the question in one line, and the versions that result.

use ibid::{
    api::Catalogue,
    ui::{Msg, screen::PaneFocus},
};
use serde_json::json;

use crate::support::harness::{Harness, default_start};

/// Returns a catalogue of four models with their prices.
fn catalogue() -> Catalogue {
    let model = |id: &str, input: &str, output: &str| json!({ "id": id, "name": id, "pricing": { "prompt": input, "completion": output } });
    let models = [
        model("openai/gpt-5.6-luna", "0.0000003", "0.0000012"),
        model("anthropic/claude-sonnet-5", "0.000003", "0.000015"),
        model("meta/llama:free", "0", "0"),
        model("openrouter/auto", "-1", "-1"),
    ];
    Catalogue::parse(&json!({ "data": models }).to_string()).expect("a valid catalogue")
}

/// Starts with an answer that used 2,000 input and 500 output tokens; the focus is on the text.
fn app_with_answer() -> Harness {
    let mut begin = default_start(100, 24);
    begin.config.slots.insert(1, "anthropic/claude-sonnet-5".into());
    let mut app = Harness::with_start(begin);
    app.store_reply(ibid::store::StoreReply::Opened { newest: Vec::new(), total: 0, new_draft: String::new() });
    app.send(Msg::CatalogueLoaded { endpoint: "openrouter".into(), result: Ok(catalogue()) });
    let stream = app.send_prompt("hello");
    let completed = json!({ "type": "response.completed", "response": { "status": "completed", "output": [],
        "usage": { "input_tokens": 2000, "output_tokens": 500, "cost": 0.0012 } } });
    app.receive_events(stream, &[super::DELTA, &completed.to_string()]);
    app.end_stream(stream, Ok(()));
    app.press("tab");
    app.effects();
    app
}

/// Returns the first row of the composer.
fn composer_row(app: &Harness) -> String {
    app.row(app.areas().composer.y)
}

#[test]
fn another_answer_is_requested_in_one_line_with_the_model_and_its_price() {
    let mut app = app_with_answer();
    app.press("r");
    assert!(app.opened_streams().is_empty(), "nothing is sent before Enter");
    let row = composer_row(&app);
    assert!(row.contains("answer again with gpt-5.6-luna  ≈ $0.0012, $0.30 in, $1.20 out per million"), "{row}");
    assert!(row.contains("↵ send"), "{row}");
    assert!(app.screen().contains("The borrow must outlive"), "the text stays visible: {}", app.screen());
    app.press("enter");
    let opened = app.opened_streams();
    assert_eq!((opened.len(), &opened[0].1["model"]), (1, &json!("openai/gpt-5.6-luna")));
    assert_eq!(
        opened[0].1["input"].as_array().map(Vec::len),
        Some(1),
        "the first answer is not in the history of the second"
    );
}

#[test]
fn another_model_is_selected_there_or_typed_in_the_list_and_the_next_message_keeps_its_own() {
    let mut app = app_with_answer();
    app.press("r up");
    assert!(
        composer_row(&app).contains("claude-sonnet-5  ≈ $0.014, $3.00 in, $15.00 out per million"),
        "{}",
        composer_row(&app)
    );
    app.press("enter");
    assert_eq!(app.opened_streams()[0].1["model"], "anthropic/claude-sonnet-5");
    assert_eq!(app.settings().model, "openai/gpt-5.6-luna");

    let mut app = app_with_answer();
    app.press("r down");
    assert!(composer_row(&app).contains("llama:free  free"), "{}", composer_row(&app));
    app.press("down");
    assert!(composer_row(&app).contains("auto  price unknown"), "{}", composer_row(&app));
    app.press("up up up");
    assert!(composer_row(&app).contains("claude-sonnet-5"), "slots come first: {}", composer_row(&app));

    let mut app = app_with_answer();
    app.press("r tab");
    app.paste("acme/of-tomorrow");
    app.press("enter enter");
    assert_eq!(app.opened_streams()[0].1["model"], "acme/of-tomorrow", "the list takes a name as typed");
}

#[test]
fn escape_and_ctrl_c_leave_the_line_and_tab_opens_the_list() {
    for key in ["esc", "ctrl-c"] {
        let mut app = app_with_answer();
        app.press("r");
        app.press(key);
        assert!(composer_row(&app).contains("type a message"), "{}", composer_row(&app));
        app.press("enter");
        assert!(app.opened_streams().is_empty(), "{key}: nothing was sent");
    }
    let mut app = app_with_answer();
    app.press("r tab");
    assert!(app.screen().contains("Model for another answer"), "{}", app.screen());
    app.press("enter enter");
    assert_eq!(app.opened_streams().len(), 1);
}

#[test]
fn the_list_of_models_comes_back_to_the_line_with_the_price_and_sends_nothing() {
    for (to_list, typed, line) in [
        ("r tab", "llama", "again with llama:free  free"),
        ("r tab", "sonnet", "again with claude-sonnet-5  ≈ $0.014, $3.00 in"),
        ("/again-with", "claude-sonnet-5", "again with claude-sonnet-5  ≈ $0.014, $3.00 in"),
        ("r tab", "acme/of-tomorrow", "again with of-tomorrow  price unknown"),
    ] {
        let mut app = app_with_answer();
        if to_list.starts_with('/') {
            app.set_focus(PaneFocus::Composer);
            app.enter_text(to_list);
            app.press("enter");
        } else {
            app.press(to_list);
        }
        app.paste(typed);
        app.press("enter");
        assert!(app.opened_streams().is_empty(), "{typed}: nothing is sent by the choice");
        assert!(composer_row(&app).contains(line), "{typed}: {}", composer_row(&app));
        app.send(Msg::CatalogueLoaded { endpoint: "openrouter".into(), result: Ok(catalogue()) });
        assert!(composer_row(&app).contains(line), "{typed}: a new list keeps the choice: {}", composer_row(&app));
        app.press("esc");
        assert!(app.opened_streams().is_empty() && app.overlay().is_none(), "{typed}: Esc sends nothing");
    }
    let mut app = app_with_answer();
    app.press("r tab");
    app.paste("nonsense");
    app.press("enter enter");
    assert!(app.opened_streams().is_empty(), "{}", app.screen());
    assert!(app.screen().contains("no model is called nonsense"), "{}", app.screen());
}

#[test]
fn a_model_that_is_not_in_the_catalogue_is_still_offered() {
    let mut app = Harness::new(100, 24);
    let stream = app.send_prompt("hello");
    app.stream_answer(stream, "so it is");
    app.press("tab r");
    assert!(composer_row(&app).contains("again with gpt-5.6-luna  price unknown"), "{}", composer_row(&app));
    app.press("enter");
    assert_eq!(app.opened_streams()[0].1["model"], "openai/gpt-5.6-luna");
    let mut nothing = Harness::new(100, 24);
    nothing.enter_text("/again");
    nothing.press("enter");
    assert!(nothing.screen().contains("there is no answer yet"), "{}", nothing.screen());
}

#[test]
fn the_line_fits_at_every_width() {
    for width in [40, 60, 80, 120, 200] {
        let mut app = app_with_answer();
        app.resize(width, 24);
        app.press("r up");
        let row = composer_row(&app);
        assert!(row.contains("again with claude"), "{width}: {row}");
        assert!(ibid::text::width(row.trim_end()) <= usize::from(width), "{width}: {row}");
    }
}

#[test]
fn the_versions_of_a_message_are_counted_in_one_place() {
    let mut app = Harness::new(110, 40);
    let stream = app.send_prompt("first");
    app.stream_answer(stream, "one");
    let conversation = app.conversation_id().expect("a conversation");
    let again = |app: &mut Harness| {
        app.enter_text("/again");
        app.press("enter enter");
        let stream = app.opened_streams().pop().expect("the request is sent again").0;
        app.stream_answer(stream, "one, said again");
    };
    again(&mut app);
    let title_shows_versions = |app: &Harness| app.row(0).contains("‹2/2›");
    assert!(!title_shows_versions(&app), "{}", app.screen());
    assert_eq!(app.screen().matches("‹2/2›").count(), 1, "{}", app.screen());
    // Now another exchange is the newest: the mark is at the message with versions.
    let stream = app.send_prompt("second");
    app.stream_answer(stream, "two");
    assert!(!title_shows_versions(&app), "{}", app.screen());
    assert_eq!(app.screen().matches("‹2/2›").count(), 1, "{}", app.screen());
    assert!(app.screen().lines().any(|row| row.contains("‹2/2›") && row.contains("luna")), "{}", app.screen());
    assert_eq!(app.chats().conversations[&conversation].branch.len(), 4);
}

#[test]
fn a_slip_in_the_list_of_models_chooses_none() {
    let mut app = app_with_answer();
    let before = app.settings().model.clone();
    for slip in ["opsu", "/connect", "two words", "/", "acme/"] {
        app.press("ctrl-x m");
        app.paste(slip);
        assert!(!app.screen().contains("Enter use"), "{slip}: {}", app.screen());
        app.press("enter");
        assert_eq!(app.settings().model, before, "{slip}");
        assert!(app.screen().contains(&format!("no model is called {slip}")), "{slip}: {}", app.screen());
        app.press("esc");
    }
}
