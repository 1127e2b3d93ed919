//! The overlay of all tools: what it shows of servers, and what its keys do to the next message.

mod support;

use ibid::{
    api::Dialect,
    app::{Effect, EndpointInfo, Msg, Start},
    config::{Config, McpServer},
    mcp::{Configured, Event, Identity, Line, Source, Standing, State, Voice},
    store::Reply,
    tools::{Hints, Tool, ToolId},
};
use serde_json::{Value, json};
use support::harness::{Harness, start};

const SIZES: [(u16, u16); 3] = [(80, 24), (120, 40), (200, 60)];

const CONFIG: &str = r#"
    model = "openai/gpt-5.6-luna"
    [tools.policy]
    "files/read_file" = "allow"
    "files/list_files" = "deny"
    [[tool]]
    name = "weather"
    description = "The weather of a city"
    parameters = { type = "object", properties = { city = { type = "string" } } }
    argv = ["weather-cli", "--now", "{city}"]
    read_only = true
"#;

fn program(width: u16, height: u16) -> Start {
    let (config, _) = Config::parse(CONFIG, std::path::Path::new("config.toml")).expect("a config");
    Start { config, ..start(width, height) }
}

fn opened(start: Start) -> Harness {
    let mut app = Harness::with(start);
    app.reply(Reply::Opened { newest: Vec::new(), total: 0, new_draft: String::new() });
    app
}

fn configured(name: &str, standing: Standing) -> Configured {
    let project = standing == Standing::Untrusted;
    let source = if project {
        Source::Project("/work/atlas/.mcp.json".into())
    } else {
        Source::Config("/home/me/.config/ibid/config.toml".into())
    };
    let settings = McpServer {
        command: Some("npx".into()),
        args: vec!["-y".into(), format!("@example/{name}")],
        inherit: vec!["PATH".into(), "HOME".into()],
        env: [("ATLAS_TOKEN".to_owned(), "${ATLAS_TOKEN}".to_owned())].into(),
        ..McpServer::default()
    };
    Configured { name: name.into(), source, settings, standing }
}

fn tool(server: &str, name: &str, description: &str) -> Tool {
    let parameters = json!({
        "type": "object",
        "properties": { "path": { "type": "string", "description": "Where it is, seen from the root of the project." } },
        "required": ["path"],
    });
    let hints = Hints { read_only: Some(true), open_world: Some(false), ..Hints::default() };
    Tool {
        id: ToolId::new(server, name),
        title: None,
        description: description.into(),
        parameters,
        strict: false,
        hints,
    }
}

fn is(server: &str, state: State) -> Msg {
    Msg::Mcp(Event::State { server: server.into(), state })
}

/// Servers in every state, the tools of one of them.
fn with_servers(app: &mut Harness) {
    let servers = vec![
        configured("files", Standing::On),
        configured("search", Standing::On),
        configured("slow", Standing::On),
        configured("old", Standing::Off),
        configured("atlas", Standing::Untrusted),
        configured("maps", Standing::Untrusted),
        configured("broken", Standing::On),
    ];
    app.send(Msg::Mcp(Event::Servers { servers, complaints: Vec::new() }));
    app.state.complaints.clear();
    let tools = vec![
        tool("files", "read_file", "Reads a file of the project, as far as it is text"),
        tool("files", "write_file", "Writes a file"),
        tool("files", "list_files", "Lists what a folder holds"),
    ];
    app.send(Msg::Tools { server: "files".into(), tools });
    let identity = Identity {
        name: "Project files".into(),
        version: "1.4.2".into(),
        protocol: "2025-11-25".into(),
        instructions: Some("Paths are relative to the root of the project.".into()),
    };
    app.send(is("files", State::Ready(identity)));
    let until = app.now + jiff::SignedDuration::from_secs(8);
    app.send(is("search", State::Waiting { until, why: "it ended with exit code 7".into() }));
    app.send(is("slow", State::Starting));
    app.send(is("broken", State::Failed { why: "there is no program brokn in the PATH".into() }));
    app.state.complaints.clear();
    app.now += jiff::SignedDuration::from_secs(60);
    app.send(Msg::Tick);
    app.effects.clear();
}

fn ready() -> Harness {
    let mut app = opened(program(120, 40));
    with_servers(&mut app);
    app
}

/// Puts the cursor on the row of that name: what is typed narrows the list to it.
fn go_to(app: &mut Harness, name: &str) {
    app.press("/ ctrl-u");
    app.enter_text(name);
    app.press("enter");
}

/// Opens the overlay, presses keys on a row of it, closes it.
fn press_on(app: &mut Harness, row: &str, keys: &str) {
    app.press("ctrl-x j");
    go_to(app, row);
    app.press(keys);
    app.press("esc esc");
}

/// Sends a prompt and has it answered; gives the body.
fn body(app: &mut Harness) -> Value {
    app.effects.clear();
    app.enter_text("and now?");
    app.press("enter");
    app.wait(std::time::Duration::from_secs(6)); // The servers that are on their way.
    let (stream, body) = app.opened().remove(0);
    app.answer(stream, "Done.");
    body
}

fn names(body: &Value) -> Vec<String> {
    let tools = body["tools"].as_array().cloned().unwrap_or_default();
    let name = |tool: Value| tool["name"].as_str().or(tool["type"].as_str()).unwrap_or_default().to_owned();
    tools.into_iter().map(name).collect()
}

fn jobs(app: &mut Harness) -> Vec<String> {
    let job = |effect| match effect {
        Effect::Mcp(job) => Some(format!("{job:?}")),
        _ => None,
    };
    app.effects().into_iter().filter_map(job).collect()
}

#[test]
fn a_tool_that_is_switched_off_is_not_in_the_next_body_and_comes_back() {
    let mut app = ready();
    let all = ["command__weather", "files__list_files", "files__read_file", "files__write_file"];
    assert_eq!(names(&body(&mut app)), all);
    press_on(&mut app, "write_file", "space");
    assert_eq!(names(&body(&mut app)), [all[0], all[1], all[2]]);
    assert_eq!(names(&body(&mut app)), [all[0], all[1], all[2]], "it holds for the conversation");
    press_on(&mut app, "Project files", "space");
    assert_eq!(names(&body(&mut app)), ["command__weather"]);
    press_on(&mut app, "write_file", "j j space");
    let body_now = body(&mut app);
    assert_eq!(names(&body_now), ["command__weather", "files__write_file"], "of a server that is off it comes alone");
    press_on(&mut app, "weather", "space");
    assert_eq!(names(&body(&mut app)), ["files__write_file"]);
}

#[test]
fn another_conversation_has_switches_of_its_own() {
    let mut app = ready();
    body(&mut app);
    let first = app.state.screen.pane.shows.conversation();
    press_on(&mut app, "weather", "space");
    app.press("ctrl-n");
    press_on(&mut app, "weather", "space");
    assert!(names(&body(&mut app)).contains(&"command__weather".into()));
    assert_ne!(app.state.screen.pane.shows.conversation(), first);
    let first = &app.state.open[&first.expect("it was begun")];
    assert_eq!(first.settings.tools.off, ["command/weather".to_owned()].into());
}

#[test]
fn the_tools_of_the_endpoint_are_switched_beside_the_others() {
    let mut app = ready();
    for name in ["web_fetch", "image_generation"] {
        press_on(&mut app, name, "space");
    }
    let tools = names(&body(&mut app));
    assert_eq!(tools[4..], ["openrouter:image_generation", "openrouter:web_fetch"]);
    press_on(&mut app, "web_search", "space");
    assert!(app.status().contains("web"), "{}", app.screen());
    assert_eq!(names(&body(&mut app))[6], "openrouter:web_search");
    press_on(&mut app, "web_fetch", "space");
    press_on(&mut app, "web_search", "space");
    assert_eq!(names(&body(&mut app))[4..], ["openrouter:image_generation"]);
}

#[test]
fn another_endpoint_is_offered_only_what_it_knows() {
    let endpoints = vec![EndpointInfo { name: "local".into(), dialect: Dialect::Other, ready: true }];
    let mut app = opened(Start { endpoints, ..program(120, 40) });
    app.press("ctrl-x j");
    assert!(app.screen().contains("The server's own") && !app.screen().contains("web_fetch"), "{}", app.screen());
}

#[test]
fn the_choice_holds_for_one_message_and_leaves_the_tools_as_they_are() {
    let mut app = ready();
    let all = body(&mut app);
    assert_eq!((&all["tool_choice"], &all["parallel_tool_calls"]), (&Value::Null, &Value::Null));
    for (keys, expected, shown) in [
        ("space", json!("none"), "no tools"),
        ("space space", json!("required"), "must use a tool"),
        ("space space space", Value::Null, ""),
        ("enter", json!("none"), "no tools"),
    ] {
        press_on(&mut app, "choice", keys);
        assert!(app.status().contains(shown), "{}", app.status());
        let forced = body(&mut app);
        assert_eq!((&forced["tool_choice"], &forced["tools"]), (&expected, &all["tools"]), "{keys}");
        assert_eq!(body(&mut app)["tool_choice"], Value::Null, "the one after it decides again");
    }
    press_on(&mut app, "read_file", "f");
    assert!(app.status().contains("must call files/read_file"), "{}", app.status());
    assert_eq!(body(&mut app)["tool_choice"], json!({ "type": "function", "name": "files__read_file" }));
    press_on(&mut app, "read_file", "f f");
    assert_eq!(body(&mut app)["tool_choice"], Value::Null, "taken back");
    press_on(&mut app, "read_file", "f space");
    assert_eq!(body(&mut app)["tool_choice"], Value::Null, "what is off cannot be forced");
    press_on(&mut app, "read_file", "f");
    assert_eq!(body(&mut app)["tool_choice"]["name"], "files__read_file", "and what is forced is on");
}

#[test]
fn no_tools_for_one_message_means_the_endpoints_own_too() {
    let mut app = opened(start(120, 40));
    press_on(&mut app, "web_search", "space");
    press_on(&mut app, "choice", "space");
    let none = body(&mut app);
    assert_eq!((&none["tool_choice"], names(&none)), (&json!("none"), vec!["openrouter:web_search".to_owned()]));
}

#[test]
fn calls_one_by_one_hold_for_the_conversation() {
    let mut app = ready();
    press_on(&mut app, "calls", "space");
    assert_eq!(body(&mut app)["parallel_tool_calls"], json!(false));
    assert_eq!(body(&mut app)["parallel_tool_calls"], json!(false));
    press_on(&mut app, "calls", "enter");
    assert_eq!(body(&mut app)["parallel_tool_calls"], Value::Null);
}

#[test]
fn opening_it_starts_the_servers_and_its_keys_start_them_again() {
    let mut app = opened(program(120, 40));
    app.send(Msg::Mcp(Event::Servers { servers: vec![configured("files", Standing::On)], complaints: Vec::new() }));
    app.press("ctrl-x j");
    assert_eq!(jobs(&mut app), ["Start"]);
    let more = vec![configured("files", Standing::On), configured("new", Standing::On)];
    app.send(Msg::Mcp(Event::Servers { servers: more, complaints: Vec::new() }));
    assert_eq!(jobs(&mut app), ["Start"], "what is named while one looks is started too");
    go_to(&mut app, "files");
    app.press("r");
    assert_eq!(jobs(&mut app), [r#"Restart("files")"#]);
    app.press("R");
    assert_eq!(jobs(&mut app), ["Reload", "Start"]);
    assert!(app.screen().contains("the MCP servers are read again"), "{}", app.screen());
    // A tool of a server stands for it.
    app.send(Msg::Tools { server: "files".into(), tools: vec![tool("files", "read_file", "Reads")] });
    app.press("j r");
    assert_eq!(jobs(&mut app), [r#"Restart("files")"#]);
}

#[test]
fn a_projects_file_is_trusted_after_what_it_would_run_was_seen() {
    let mut app = ready();
    app.press("ctrl-x j");
    app.effects.clear();
    go_to(&mut app, "atlas");
    app.press("space");
    assert!(app.screen().contains("it has to be trusted first"), "{}", app.screen());
    app.press("y");
    assert_eq!(jobs(&mut app), Vec::<String>::new(), "nothing was shown yet");
    app.press("t");
    insta::assert_snapshot!("trust", app.screen());
    app.press("esc t enter");
    assert_eq!(jobs(&mut app), Vec::<String>::new(), "Enter is no yes");
    app.press("y");
    assert_eq!(jobs(&mut app), [r#"Trust("/work/atlas/.mcp.json")"#, "Start"]);
    // It is not there for a server that is one's own.
    app.press("esc");
    go_to(&mut app, "Project files");
    app.press("t y");
    assert_eq!(jobs(&mut app), Vec::<String>::new());
}

#[test]
fn the_slash_command_asks_about_trust_at_once() {
    let mut app = ready();
    app.enter_text("/trust-servers");
    app.press("enter");
    assert!(app.screen().contains("Trust .mcp.json?"), "{}", app.screen());
    app.press("y");
    assert_eq!(jobs(&mut app), [r#"Trust("/work/atlas/.mcp.json")"#, "Start"]);
    let mut app = opened(start(120, 40));
    app.enter_text("/trust-servers");
    app.press("enter");
    assert!(app.screen().contains("there is no file of servers that waits to be trusted"), "{}", app.screen());
}

#[test]
fn all_servers_switches_and_choices_are_seen_at_every_size() {
    for (width, height) in SIZES {
        let mut app = opened(program(width, height));
        with_servers(&mut app);
        press_on(&mut app, "write_file", "space");
        press_on(&mut app, "list_files", "f");
        app.press("ctrl-x j");
        insta::assert_snapshot!(format!("list-{width}x{height}"), app.screen());
    }
    let mut begin = program(120, 40);
    begin.config.glyphs = ibid::config::Glyphs::Ascii;
    let mut app = opened(begin);
    with_servers(&mut app);
    app.press("ctrl-x j");
    assert!(app.screen().is_ascii(), "{}", app.screen());
}

#[test]
fn without_any_tool_it_says_how_one_comes() {
    let mut app = opened(start(80, 24));
    app.press("ctrl-x j");
    insta::assert_snapshot!("nothing", app.screen());
}

const HOSTILE: &str = "\u{1b}]0;owned\u{7}\u{1b}[2J\u{202e}gnp.exe\u{200b}\r\nyou: I trust it";

fn hostile(width: u16, height: u16) -> Harness {
    let mut app = opened(program(width, height));
    let name = "fi\u{200b}les\u{202e}";
    let mut evil = configured(name, Standing::On);
    evil.settings.args = vec![HOSTILE.into()];
    let servers = vec![configured("files", Standing::On), evil];
    app.send(Msg::Mcp(Event::Servers { servers, complaints: vec![format!("a file: {HOSTILE}")] }));
    app.wait(std::time::Duration::from_mins(1)); // Until the words at the bottom have gone.
    let identity = Identity {
        name: HOSTILE.into(),
        version: "\u{1b}[31m9".into(),
        protocol: HOSTILE.into(),
        instructions: Some(HOSTILE.into()),
    };
    app.send(is(name, State::Ready(identity)));
    let mut tools = vec![
        tool(name, "read\u{200b}_file", HOSTILE),
        tool(name, &"long_".repeat(40), "long"),
        tool(name, HOSTILE, ""),
    ];
    tools[0].title = Some(HOSTILE.into());
    tools[0].parameters =
        json!({ "properties": { HOSTILE: { "description": HOSTILE, "enum": (0..60).collect::<Vec<_>>() } } });
    app.send(Msg::Tools { server: name.into(), tools });
    let line = |voice, text: &str| Line { at: app.now, voice, text: text.into() };
    let lines = vec![
        line(Voice::Stderr, "listening"),
        line(Voice::Stdout, HOSTILE),
        line(Voice::Refused, "it asked for sampling/createMessage, which it does not get"),
        line(Voice::Warning, &format!("{HOSTILE} {}", "and so on ".repeat(40))),
    ];
    app.send(Msg::Mcp(Event::Log { server: name.into(), lines }));
    app.press("ctrl-x j");
    app
}

#[test]
fn hostile_names_logs_and_schemas_are_seen_for_what_they_are() {
    for (width, height) in SIZES {
        let mut app = hostile(width, height);
        let look = |app: &Harness, name: &str| {
            let screen = app.screen();
            assert!(!screen.contains(['\u{1b}', '\u{202e}', '\u{200b}', '\u{7}', '\r']), "{screen:?}");
            insta::assert_snapshot!(format!("hostile-{name}-{width}x{height}"), screen);
        };
        look(&app, "list");
        go_to(&mut app, "9");
        app.press("enter");
        look(&app, "log");
        app.press("esc");
        go_to(&mut app, "_file");
        app.press("enter");
        look(&app, "schema");
        app.press("G");
        assert!(app.screen().contains("59"), "the end of a long schema is reached: {}", app.screen());
        app.press("pgup g");
        assert!(app.screen().contains("policy"), "{}", app.screen());
    }
}

#[test]
fn what_changes_while_it_is_open_is_seen_and_the_cursor_stays_on_its_row() {
    let mut app = ready();
    app.press("ctrl-x j");
    go_to(&mut app, "weather");
    app.press("esc");
    let row = |app: &Harness| app.screen().lines().find(|line| line.contains("▌")).unwrap_or_default().to_owned();
    assert!(row(&app).contains("weather"), "{}", app.screen());
    let tools = (0..30).map(|n| tool("search", &format!("find_{n:02}"), "Finds")).collect();
    app.send(Msg::Tools { server: "search".into(), tools });
    assert!(row(&app).contains("weather"), "{}", app.screen());
    // One that is looked at and goes away says so.
    go_to(&mut app, "find_07");
    app.press("enter");
    assert!(app.screen().contains("Schema of its arguments"), "{}", app.screen());
    app.send(is("search", State::Failed { why: "it ended".into() }));
    assert!(app.screen().contains("It is not there any more."), "{}", app.screen());
    // A line of the log that comes is there at once.
    app.press("esc esc");
    go_to(&mut app, "Project files");
    app.press("enter");
    let line = Line { at: app.now, voice: Voice::Refused, text: "it asked for roots/list".into() };
    app.send(Msg::Mcp(Event::Log { server: "files".into(), lines: vec![line] }));
    assert!(app.screen().contains("refused  it asked for roots/list"), "{}", app.screen());
}

#[test]
fn a_click_on_a_switch_switches_and_one_beside_it_only_goes_there() {
    use crossterm::event::{Event as Input, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
    let mut app = ready();
    app.press("ctrl-x j");
    let screen = app.screen();
    let find = |text: &str| {
        let (row, line) = screen.lines().enumerate().find(|(_, line)| line.contains(text)).expect("it is shown");
        let before = line.split(text).next().unwrap_or_default();
        (u16::try_from(ibid::text::width(before)).expect("a column"), u16::try_from(row).expect("a row"))
    };
    let click = |app: &mut Harness, (column, row)| {
        let event =
            MouseEvent { kind: MouseEventKind::Down(MouseButton::Left), column, row, modifiers: KeyModifiers::NONE };
        app.send(Msg::Input { event: Input::Mouse(event), more: false });
    };
    let (column, row) = find("write_file");
    click(&mut app, (column, row));
    assert!(app.state.settings().tools.off.is_empty());
    click(&mut app, (column - 2, row));
    assert_eq!(app.state.settings().tools.off, ["files/write_file".to_owned()].into());
}

#[test]
fn a_model_that_takes_no_tools_is_told_of() {
    let mut app = ready();
    let models = r#"{"data": [{"id": "openai/gpt-5.6-luna", "supported_parameters": ["reasoning"]}]}"#;
    let catalogue = ibid::api::Catalogue::parse(models).expect("a catalogue");
    app.send(Msg::Models { endpoint: "openrouter".into(), result: Ok(catalogue) });
    app.press("ctrl-x j");
    go_to(&mut app, "calls");
    assert!(app.screen().contains("gpt-5.6-luna takes no tools"), "{}", app.screen());
}
