//! Cards in the text: the card of a call that needs approval, and the card of a failure.

use std::time::Duration;

use crossterm::event::{KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use ibid::{
    api::{ApiError, FaultKind},
    chat::StreamId,
    config::{Config, GlyphSet},
    render::theme::ColourDepth,
    store::StoreReply,
    tools::ToolId,
    ui::{Effect, Msg, StartOptions, screen::PaneFocus},
};
use insta::assert_snapshot;
use ratatui::style::{Color, Modifier};
use serde_json::{Value, json};

use crate::support::harness::{Harness, default_start};

const CARD_DELAY: Duration = Duration::from_millis(300);

const SIZES: [(u16, u16); 3] = [(80, 24), (120, 40), (200, 60)];

/// Starts with two commands: one changes a file, one lists a folder.
fn start_options(width: u16, height: u16) -> StartOptions {
    let text = r#"
        model = "openai/gpt-5.6-luna"
        [[tool]]
        name = "amend"
        description = "Replaces a text in a file"
        parameters = { type = "object" }
        argv = ["cat"]
        read_only = true
        [[tool]]
        name = "folder"
        description = "Lists a folder"
        parameters = { type = "object" }
        argv = ["ls", "{path}"]
    "#;
    let (config, _) = Config::parse(text, std::path::Path::new("config.toml")).expect("a config");
    StartOptions { config, ..default_start(width, height) }
}

fn started(start: StartOptions) -> Harness {
    let mut app = Harness::with_start(start);
    app.store_reply(StoreReply::Opened { newest: Vec::new(), total: 0, new_draft: String::new() });
    app.effects.clear();
    app
}

fn call_tools(app: &mut Harness, stream: StreamId, calls: &[(&str, Value)]) {
    let mut payloads = Vec::new();
    for (index, (name, arguments)) in calls.iter().enumerate() {
        let item = json!({ "type": "function_call", "id": format!("fc_{index}"), "call_id": format!("call_{index}"),
            "name": name, "arguments": arguments.to_string(), "status": "completed" });
        payloads.push(json!({ "type": "response.output_item.done", "output_index": index, "item": item }).to_string());
    }
    let usage = json!({ "input_tokens": 900, "output_tokens": 85, "cost": 0.000_183_4 });
    let end =
        json!({ "type": "response.completed", "response": { "status": "completed", "output": [], "usage": usage } });
    payloads.push(end.to_string());
    let payloads: Vec<&str> = payloads.iter().map(String::as_str).collect();
    app.receive_events(stream, &payloads);
}

/// Asks about a change of a file and then about a folder, as in the picture.
fn ask(app: &mut Harness) {
    let stream = app.send_prompt("Fix the two sentences in my notes, then list what is in this folder.");
    let old = "# Notes\n\n- What you denied will not be run.\n- What you changed runs as you changed it.\n";
    let new = "# Notes\n\n- What you deny is not run.\n- What you change runs as you changed it.\n";
    call_tools(
        app,
        stream,
        &[
            ("command__amend", json!({ "path": "notes.md", "old_text": old, "new_text": new })),
            ("command__folder", json!({ "path": "." })),
        ],
    );
    app.wait(CARD_DELAY);
}

fn asking(width: u16, height: u16) -> Harness {
    let mut app = started(start_options(width, height));
    ask(&mut app);
    app
}

/// The first cell of a text on the screen.
fn find(app: &Harness, text: &str) -> (u16, u16) {
    let screen = app.screen();
    let (y, row) =
        screen.lines().enumerate().find(|(_, row)| row.contains(text)).unwrap_or_else(|| panic!("{text}: {screen}"));
    let x = row[..row.find(text).expect("it is there")].chars().count();
    (u16::try_from(x).expect("small"), u16::try_from(y).expect("small"))
}

fn click_at(app: &mut Harness, (column, row): (u16, u16)) {
    for kind in [MouseEventKind::Down(MouseButton::Left), MouseEventKind::Up(MouseButton::Left)] {
        let event = MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE };
        app.send(Msg::Input { event: crossterm::event::Event::Mouse(event), more: false });
    }
}

fn runs(app: &mut Harness) -> usize {
    app.effects().iter().filter(|effect| matches!(effect, Effect::RunCommand { .. } | Effect::RunTool { .. })).count()
}

#[test]
fn the_approval_card_at_every_size_and_theme() {
    for (width, height) in SIZES {
        let mut app = asking(width, height);
        assert_snapshot!(format!("approval-waiting-{width}x{height}"), app.screen());
        app.press("tab");
        assert_snapshot!(format!("approval-{width}x{height}"), app.screen());
    }
    let mut plain = start_options(80, 30);
    plain.config.glyphs = GlyphSet::Ascii;
    let mut app = started(plain);
    ask(&mut app);
    app.press("tab");
    let screen = app.screen();
    assert!(screen.is_ascii(), "{screen}");
    assert_snapshot!("approval-ascii", screen);
}

#[test]
fn the_question_counts_the_calls_and_shows_the_change_with_both_line_numbers() {
    let app = asking(120, 40);
    let screen = app.screen();
    for words in [
        "Run amend?",
        "1 of 2",
        "server  command · runs cat, arguments as JSON on stdin",
        "claims  to be read-only · ibid cannot check this",
        "path    notes.md",
        "change  −2 +2 lines",
        " 1  1    # Notes",
        " 3     - - What you denied will not be run.",
        "    3  + - What you deny is not run.",
        "? amend \"notes.md\" …   asks you",
        "? folder \".\"   asks next",
    ] {
        assert!(screen.contains(words), "{words}: {screen}");
    }
    assert!(!screen.contains("{\""), "no JSON: {screen}");
}

#[test]
fn the_letters_are_muted_until_the_card_has_the_focus() {
    let mut start = start_options(120, 40);
    start.config.theme = "ink".into();
    let mut app = started(start);
    ask(&mut app);
    let key = find(&app, "y  allow once");
    let tab = find(&app, "Tab to answer");
    let accent = app.cell(tab.0, tab.1).fg;
    let muted = app.cell(key.0, key.1).fg;
    assert_ne!(muted, accent);
    app.press("tab");
    assert!(!app.screen().contains("Tab to answer"), "{}", app.screen());
    let cell = app.cell(key.0, key.1);
    assert!(cell.fg == accent && cell.modifier.contains(Modifier::BOLD), "{cell:?}");
    assert!(app.status().contains("Esc to write"), "{}", app.status());
    assert!(app.screen().contains("add a note for the next step"));
}

#[test]
fn without_colour_the_keys_are_bold_and_the_change_has_its_signs() {
    let mut app = started(StartOptions { colours: ColourDepth::None, ..start_options(120, 40) });
    ask(&mut app);
    app.press("tab");
    for choice in ["y  allow once", "s  allow in", "a  always", "e  edit", "n  deny", "N  deny"] {
        let (x, y) = find(&app, choice);
        let (cell, label) = (app.cell(x, y), app.cell(x + 3, y));
        assert!(cell.fg == Color::Reset && cell.modifier.contains(Modifier::BOLD), "{choice}: {cell:?}");
        assert!(!label.modifier.contains(Modifier::BOLD), "{choice}");
    }
    assert_snapshot!("approval-no-color-120x40", app.screen());
}

#[test]
fn enter_on_the_card_says_which_keys_count() {
    let mut app = asking(120, 40);
    app.press("tab enter");
    assert!(app.screen().contains("press y, s, a, e or n"), "{}", app.screen());
    assert_eq!((runs(&mut app), app.focus()), (0, PaneFocus::Card));
}

#[test]
fn a_choice_can_be_clicked_only_while_the_card_has_the_focus() {
    let mut app = asking(120, 40);
    let allow = find(&app, "allow once");
    click_at(&mut app, allow);
    assert_eq!(runs(&mut app), 0, "the first click only gives the card the focus");
    app.wait(CARD_DELAY);
    app.wait(CARD_DELAY);
    let frame = find(&app, "1 of 2");
    click_at(&mut app, frame);
    assert_eq!(runs(&mut app), 0, "there is no choice in the frame");
    app.wait(CARD_DELAY * 2);
    click_at(&mut app, allow);
    assert_eq!(runs(&mut app), 1);
}

#[test]
fn every_choice_of_the_focused_card_can_be_clicked() {
    for (label, runs_it) in
        [("allow in this", 1), ("always allow", 1), ("deny and say why", 0), ("edit the arguments", 0)]
    {
        let mut app = asking(120, 40);
        app.press("tab");
        let choice = find(&app, label);
        click_at(&mut app, choice);
        assert_eq!(runs(&mut app), runs_it, "{label}");
        assert!(!app.screen().contains("1 of 2") || runs_it == 0, "{label}: {}", app.screen());
    }
}

#[test]
fn a_tool_cannot_hide_its_name_or_write_rows_of_its_own() {
    let mut app = started(start_options(80, 30));
    let name = format!("send_{}mail", "very_".repeat(15));
    let tool = ibid::tools::ToolDefinition {
        id: ToolId::new("notes", &name),
        title: Some("Read a note".into()),
        description: String::new(),
        parameters: json!({ "type": "object" }),
        strict: false,
        hints: ibid::tools::ToolHints::default(),
    };
    app.send(Msg::ToolsReported { server: "notes".into(), tools: vec![tool] });
    let wire =
        app.env().tools.toolbox().wire_name(&ToolId::new("notes", &name)).expect("the tool has a name").to_owned();
    let stream = app.send_prompt("send it");
    call_tools(&mut app, stream, &[(&wire, json!({ "server": "trusted", "claims": "to be read-only" }))]);
    app.wait(CARD_DELAY);
    let screen = app.screen();
    assert!(screen.contains("server    notes · MCP server"), "{screen}");
    assert!(screen.contains("claims    nothing about what it changes"), "{screen}");
    assert!(screen.contains("\"server\"  trusted"), "{screen}");
    let shown: String = screen.lines().filter(|row| row.contains("very_")).collect();
    assert!(shown.matches("very_").count() > 15 && shown.contains("mail"), "{screen}");
}

#[test]
fn a_call_shows_its_arguments_while_they_arrive() {
    let mut app = started(start_options(100, 30));
    let stream = app.send_prompt("List the folder.");
    let item = json!({ "type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "command__folder",
        "arguments": "", "status": "in_progress" });
    let added = json!({ "type": "response.output_item.added", "output_index": 0, "item": item }).to_string();
    app.receive_events(stream, &[&added]);
    for (delta, shown) in [(r#"{"path": "no"#, r#""no""#), (r#"tes", "#, r#""notes""#), (r#""deep": tr"#, r#""notes""#)]
    {
        let event = json!({ "type": "response.function_call_arguments.delta", "output_index": 0, "item_id": "fc_1",
            "delta": delta });
        app.receive_events(stream, &[&event.to_string()]);
        let screen = app.screen();
        assert!(screen.contains(&format!("command__folder {shown}")) && !screen.contains('{'), "{screen}");
    }
}

#[test]
fn the_limit_of_a_commands_output_is_no_raw_count_of_bytes() {
    let mut app = started(start_options(100, 40));
    app.press("ctrl-x j /");
    app.enter_text("amend");
    app.press("enter enter");
    assert!(app.screen().contains("MB of output") || app.screen().contains("kB of output"), "{}", app.screen());
}

#[test]
fn waiting_for_the_user_is_not_counted_as_speed() {
    let mut app = asking(120, 40);
    app.wait(Duration::from_secs(80));
    app.press("esc");
    let screen = app.screen();
    assert!(screen.contains("stopped after 80 s") || screen.contains("stopped after 81 s"), "{screen}");
    assert!(!screen.contains("t/s"), "{screen}");
}

fn failed(error: ApiError) -> Harness {
    let mut app = Harness::new(120, 40);
    let stream = app.send_prompt("hello");
    app.end_stream(stream, Err(error));
    app
}

#[test]
fn an_error_card_says_each_thing_once_and_quotes_the_server_on_a_row_of_its_own() {
    let page = ApiError::from_response(400, &reqwest::header::HeaderMap::new(), b"<h1>Bad gateway</h1>", failed_at());
    let app = failed(page);
    assert!(app.screen().contains("▌ a web page: “Bad gateway”"), "{}", app.screen());
    assert!(!app.screen().contains("the server answered 400"), "{}", app.screen());

    let key = ApiError { status: Some(401), ..ApiError::new(FaultKind::Key, "User not found.") };
    let app = failed(key);
    let screen = app.screen();
    assert!(screen.contains("OpenRouter refused this key.  401"), "{screen}");
    assert!(screen.lines().any(|row| row.trim_end().ends_with("▌ “User not found”")), "{screen}");
    assert!(!screen.contains("0.0 s"), "{screen}");

    let empty = ApiError::new(FaultKind::Empty, "the model answered without any text");
    let mut app = failed(empty.clone());
    for _ in 0..4 {
        app.wait(Duration::from_mins(1));
        if let Some((stream, _)) = app.opened_streams().first() {
            app.end_stream(*stream, Err(empty.clone()));
        }
    }
    assert!(app.screen().contains("The model returned an empty answer."), "{}", app.screen());
    assert!(!app.screen().contains("without any text"), "{}", app.screen());
}

fn failed_at() -> ibid::chat::Timestamp {
    "2026-11-30T12:00:00Z".parse().expect("a time")
}

#[test]
fn a_conversation_that_asks_is_marked_so_in_the_list_and_nothing_turns() {
    let mut app = started(start_options(120, 40));
    ask(&mut app);
    let mut rows = (0..40).map(|y| app.row(y).chars().take(29).collect::<String>());
    let listed = rows.find(|row| row.contains("Fix the two")).expect("it is listed");
    assert!(listed.trim_end().ends_with('?'), "{listed}");
    let before = app.screen();
    app.wait(Duration::from_millis(300));
    assert_eq!(app.screen(), before, "nothing moves while ibid waits for the user");
    let wake = app.next_wake().expect("the clock goes on");
    assert_eq!(wake.duration_since(app.now), jiff::SignedDuration::from_millis(400), "the next whole second");
}

#[test]
fn a_call_that_is_cut_has_one_ellipsis() {
    let mut app = started(start_options(80, 60));
    let stream = app.send_prompt("What is the weather?");
    let long = json!({ "city": "a city whose name is long, but not too long for a row", "days": 3, "why": "word ".repeat(80) });
    call_tools(
        &mut app,
        stream,
        &[("command__folder", long), ("command__folder", json!({ "path": "b", "why": "word ".repeat(80) }))],
    );
    app.wait(CARD_DELAY);
    let calls: Vec<String> = (0..60).map(|y| app.row(y)).filter(|row| row.contains("? folder")).collect();
    assert!(calls.iter().all(|row| row.matches('…').count() == 1), "{calls:#?}");
    assert!(!calls.is_empty(), "{}", app.screen());
}
