//! Another answer to the same prompt: the question in one line, and the siblings that come of it.

use ibid::{api::Catalogue, app::Msg};
use serde_json::json;

use crate::support::harness::{Harness, start};

/// A list of three models with their prices, as the server sends it.
fn catalogue() -> Catalogue {
    let model = |id: &str, input: &str, output: &str| json!({ "id": id, "name": id, "pricing": { "prompt": input, "completion": output } });
    let models = [
        model("openai/gpt-5.6-luna", "0.0000003", "0.0000012"),
        model("anthropic/claude-sonnet-5", "0.000003", "0.000015"),
        model("meta/llama:free", "0", "0"),
        model("openrouter/auto", "-1", "-1"),
    ];
    Catalogue::parse(&json!({ "data": models }).to_string()).expect("a list")
}

/// An answer that used 2,000 tokens of input and 500 of output; the focus is on the text.
fn answered() -> Harness {
    let mut begin = start(100, 24);
    begin.config.slots.insert(1, "anthropic/claude-sonnet-5".into());
    let mut app = Harness::with(begin);
    app.reply(ibid::store::Reply::Opened { newest: Vec::new(), total: 0, new_draft: String::new() });
    app.send(Msg::Models { endpoint: "openrouter".into(), result: Ok(catalogue()) });
    let stream = app.prompt("hello");
    let completed = json!({ "type": "response.completed", "response": { "status": "completed", "output": [],
        "usage": { "input_tokens": 2000, "output_tokens": 500, "cost": 0.0012 } } });
    app.events(stream, &[crate::DELTA, &completed.to_string()]);
    app.end(stream, Ok(()));
    app.press("tab");
    app.effects();
    app
}

/// The row of the composer.
fn line(app: &Harness) -> String {
    app.row(app.state.screen.areas.composer.y)
}

#[test]
fn another_answer_is_asked_for_in_one_line_with_the_model_and_its_price() {
    let mut app = answered();
    app.press("r");
    assert!(app.opened().is_empty(), "nothing leaves before Enter");
    let asked = line(&app);
    assert!(asked.contains("again with gpt-5.6-luna  ~$0.0012, $0.30 in, $1.20 out per million"), "{asked}");
    assert!(asked.contains("↵ send"), "{asked}");
    assert!(app.screen().contains("The borrow must outlive"), "the text stays in sight: {}", app.screen());
    app.press("enter");
    let opened = app.opened();
    assert_eq!((opened.len(), &opened[0].1["model"]), (1, &json!("openai/gpt-5.6-luna")));
    assert_eq!(opened[0].1["input"].as_array().map(Vec::len), Some(1), "the first answer is no history of the second");
}

#[test]
fn another_model_is_typed_or_walked_to_and_the_next_message_keeps_its_own() {
    let mut app = answered();
    app.press("r");
    app.enter_text("son");
    assert!(line(&app).contains("claude-sonnet-5  ~$0.0135, $3.00 in, $15.00 out per million"), "{}", line(&app));
    app.press("enter");
    assert_eq!(app.opened()[0].1["model"], "anthropic/claude-sonnet-5");
    assert_eq!(app.state.settings().model, "openai/gpt-5.6-luna");

    let mut app = answered();
    app.press("r down");
    assert!(line(&app).contains("llama:free  free"), "{}", line(&app));
    app.press("down");
    assert!(line(&app).contains("auto  its price is not known"), "{}", line(&app));
    app.press("up up up");
    assert!(line(&app).contains("claude-sonnet-5"), "slots stand first: {}", line(&app));

    let mut app = answered();
    app.press("r");
    app.paste("acme/of-tomorrow");
    assert!(line(&app).contains("sent as it is typed"), "{}", line(&app));
    app.press("enter");
    assert_eq!(app.opened()[0].1["model"], "acme/of-tomorrow");
}

#[test]
fn the_line_is_left_by_escape_and_ctrl_c_and_widens_to_the_list() {
    for key in ["esc", "ctrl-c"] {
        let mut app = answered();
        app.press("r");
        app.press(key);
        assert!(line(&app).contains("type a message"), "{}", line(&app));
        app.press("enter");
        assert!(app.opened().is_empty(), "{key}: nothing was asked");
    }
    let mut app = answered();
    app.press("r tab");
    assert!(app.screen().contains("Model for another answer"), "{}", app.screen());
    app.press("enter");
    assert_eq!(app.opened().len(), 1);
}

#[test]
fn a_model_that_no_list_names_is_offered_all_the_same() {
    let mut app = Harness::new(100, 24);
    let stream = app.prompt("hello");
    app.answer(stream, "so it is");
    app.press("tab r");
    assert!(line(&app).contains("again with gpt-5.6-luna  its price is not known"), "{}", line(&app));
    app.press("enter");
    assert_eq!(app.opened()[0].1["model"], "openai/gpt-5.6-luna");
    let mut nothing = Harness::new(100, 24);
    nothing.enter_text("/answer-again");
    nothing.press("enter");
    assert!(nothing.screen().contains("there is no answer yet"), "{}", nothing.screen());
}

#[test]
fn the_line_is_whole_at_every_width() {
    for width in [40, 60, 80, 120, 200] {
        let mut app = answered();
        app.resize(width, 24);
        app.press("r");
        app.enter_text("claude");
        let asked = line(&app);
        assert!(asked.contains("again with claude"), "{width}: {asked}");
        assert!(ibid::text::width(asked.trim_end()) <= usize::from(width), "{width}: {asked}");
    }
}

#[test]
fn the_siblings_of_a_message_are_told_in_one_place() {
    let mut app = Harness::new(110, 40);
    let stream = app.prompt("first");
    app.answer(stream, "one");
    let conversation = app.state.screen.pane.shows.conversation().expect("a conversation");
    let again = |app: &mut Harness| {
        app.enter_text("/answer-again");
        app.press("enter enter");
        let stream = app.opened().pop().expect("it asks again").0;
        app.answer(stream, "one, said again");
    };
    again(&mut app);
    let title = |app: &Harness| app.row(0).contains("‹2/2›");
    assert!(title(&app), "{}", app.screen());
    assert_eq!(app.screen().matches("‹2/2›").count(), 1, "{}", app.screen());
    // Now another exchange is the newest: the mark stands where the siblings are.
    let stream = app.prompt("second");
    app.answer(stream, "two");
    assert!(!title(&app), "{}", app.screen());
    assert_eq!(app.screen().matches("‹2/2›").count(), 1, "{}", app.screen());
    assert!(app.screen().lines().any(|row| row.contains("‹2/2›") && row.contains("luna")), "{}", app.screen());
    assert_eq!(app.state.open[&conversation].branch.len(), 4);
}
