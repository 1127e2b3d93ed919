//! The overlay of all tools: what it shows about MCP servers, and what its keys change in the next request.

use crate::support::harness::{Harness, default_start};
use ibid::{
    api::ApiDialect,
    config::{Config, McpServerConfig},
    mcp::{
        ConfiguredServer, LogSource, McpEvent, RunPermission, ServerIdentity, ServerLogLine, ServerOrigin, ServerState,
        ServerTarget,
    },
    store::StoreReply,
    tools::{ToolDefinition, ToolHints, ToolId},
    ui::{Effect, EndpointInfo, Msg, StartOptions},
};
use serde_json::{Value, json};

const TRUST_JOB: &str = r#"Trust { path: "/work/atlas/.mcp.json", file_hash: "the hash of what is shown" }"#;

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

fn start_with_config(width: u16, height: u16) -> StartOptions {
    let (config, _) = Config::parse(CONFIG, std::path::Path::new("config.toml")).expect("a config");
    StartOptions { config, ..default_start(width, height) }
}

fn app_with(start: StartOptions) -> Harness {
    let mut app = Harness::with_start(start);
    app.store_reply(StoreReply::Opened { newest: Vec::new(), total: 0, new_draft: String::new() });
    app
}

fn configured_server(name: &str, standing: RunPermission) -> ConfiguredServer {
    let project = standing == RunPermission::Untrusted;
    let source = if project {
        ServerOrigin::Project("/work/atlas/.mcp.json".into())
    } else {
        ServerOrigin::Config("/home/me/.config/ibid/config.toml".into())
    };
    let settings = McpServerConfig {
        command: Some("npx".into()),
        args: vec!["-y".into(), format!("@example/{name}")],
        inherit: vec!["PATH".into(), "HOME".into()],
        env: [("ATLAS_TOKEN".to_owned(), "${ATLAS_TOKEN}".to_owned())].into(),
        ..McpServerConfig::default()
    };
    ConfiguredServer {
        name: name.into(),
        origin: source,
        settings,
        target: ServerTarget::default(),
        permission: standing,
        file_hash: project.then(|| "the hash of what is shown".into()),
    }
}

fn tool(server: &str, name: &str, description: &str) -> ToolDefinition {
    let parameters = json!({
        "type": "object",
        "properties": { "path": { "type": "string", "description": "Where it is, seen from the root of the project." } },
        "required": ["path"],
    });
    let hints = ToolHints { read_only: Some(true), open_world: Some(false), ..ToolHints::default() };
    ToolDefinition {
        id: ToolId::new(server, name),
        title: None,
        description: description.into(),
        parameters,
        strict: false,
        hints,
    }
}

fn server_state(server: &str, state: ServerState) -> Msg {
    Msg::McpEvent(McpEvent::State { server: server.into(), state })
}

/// Adds MCP servers in every state, and the tools of one of them.
fn add_servers(app: &mut Harness) {
    let servers = vec![
        configured_server("files", RunPermission::On),
        configured_server("search", RunPermission::On),
        configured_server("slow", RunPermission::On),
        configured_server("old", RunPermission::Off),
        configured_server("atlas", RunPermission::Untrusted),
        configured_server("maps", RunPermission::Untrusted),
        configured_server("broken", RunPermission::On),
    ];
    app.send(Msg::McpEvent(McpEvent::Servers { servers, complaints: Vec::new() }));
    app.env_mut().complaints.clear();
    let tools = vec![
        tool("files", "read_file", "Reads a file of the project, as far as it is text"),
        tool("files", "write_file", "Writes a file"),
        tool("files", "list_files", "Lists what a folder holds"),
    ];
    app.send(Msg::ToolsReported { server: "files".into(), tools });
    let identity = ServerIdentity {
        name: "Project files".into(),
        version: "1.4.2".into(),
        protocol: "2025-11-25".into(),
        instructions: Some("Paths are relative to the root of the project.".into()),
    };
    app.send(server_state("files", ServerState::Ready(identity)));
    let until = app.now + jiff::SignedDuration::from_secs(8);
    app.send(server_state("search", ServerState::Waiting { until, why: "it ended with exit code 7".into() }));
    app.send(server_state("slow", ServerState::Starting));
    app.send(server_state("broken", ServerState::Failed { why: "there is no program brokn in the PATH".into() }));
    app.env_mut().complaints.clear();
    app.now += jiff::SignedDuration::from_secs(60);
    app.send(Msg::Tick);
    app.effects.clear();
}

fn app_with_servers() -> Harness {
    let mut app = app_with(start_with_config(120, 40));
    add_servers(&mut app);
    app
}

/// Moves the cursor to the row with this name by filtering the list.
fn select_row(app: &mut Harness, name: &str) {
    app.press("/ ctrl-u");
    app.enter_text(name);
    app.press("enter");
}

/// Opens the overlay, presses keys on one of its rows, and closes it.
fn press_on_row(app: &mut Harness, row: &str, keys: &str) {
    app.press("ctrl-x j");
    select_row(app, row);
    app.press(keys);
    app.press("esc esc");
}

/// Sends a prompt, answers it, and returns the request body.
fn next_body(app: &mut Harness) -> Value {
    app.effects.clear();
    app.enter_text("and now?");
    app.press("enter");
    app.wait(std::time::Duration::from_secs(6)); // Waits for the servers that are starting.
    let (stream, body) = app.opened_streams().remove(0);
    app.stream_answer(stream, "Done.");
    body
}

fn tool_names(body: &Value) -> Vec<String> {
    let tools = body["tools"].as_array().cloned().unwrap_or_default();
    let name = |tool: Value| tool["name"].as_str().or(tool["type"].as_str()).unwrap_or_default().to_owned();
    tools.into_iter().map(name).collect()
}

fn mcp_jobs(app: &mut Harness) -> Vec<String> {
    let job = |effect| match effect {
        Effect::RunMcpJob(job) => Some(format!("{job:?}")),
        _ => None,
    };
    app.effects().into_iter().filter_map(job).collect()
}

#[test]
fn a_tool_that_is_switched_off_is_not_in_the_next_request_until_it_is_on_again() {
    let mut app = app_with_servers();
    let all = ["command__weather", "files__list_files", "files__read_file", "files__write_file"];
    assert_eq!(tool_names(&next_body(&mut app)), all);
    press_on_row(&mut app, "write_file", "space");
    assert_eq!(tool_names(&next_body(&mut app)), [all[0], all[1], all[2]]);
    assert_eq!(tool_names(&next_body(&mut app)), [all[0], all[1], all[2]], "it applies to the conversation");
    press_on_row(&mut app, "Project files", "space");
    assert_eq!(tool_names(&next_body(&mut app)), ["command__weather"]);
    press_on_row(&mut app, "write_file", "j j space");
    let body_now = next_body(&mut app);
    assert_eq!(
        tool_names(&body_now),
        ["command__weather", "files__write_file"],
        "the other tools of its server stay off"
    );
    press_on_row(&mut app, "weather", "space");
    assert_eq!(tool_names(&next_body(&mut app)), ["files__write_file"]);
}

#[test]
fn each_conversation_has_its_own_switches() {
    let mut app = app_with_servers();
    next_body(&mut app);
    let first = app.conversation_id();
    press_on_row(&mut app, "weather", "space");
    app.press("ctrl-n");
    press_on_row(&mut app, "weather", "space");
    assert!(tool_names(&next_body(&mut app)).contains(&"command__weather".into()));
    assert_ne!(app.conversation_id(), first);
    let first = &app.chats().conversations[&first.expect("the conversation has begun")];
    assert_eq!(first.settings.tools.off, ["command/weather".to_owned()].into());
}

#[test]
fn the_tools_of_the_endpoint_are_switched_like_the_others() {
    let mut app = app_with_servers();
    for name in ["web_fetch", "image_generation"] {
        press_on_row(&mut app, name, "space");
    }
    let tools = tool_names(&next_body(&mut app));
    assert_eq!(tools[4..], ["openrouter:image_generation", "openrouter:web_fetch"]);
    press_on_row(&mut app, "web_search", "space");
    assert!(app.status().contains("web"), "{}", app.screen());
    assert_eq!(tool_names(&next_body(&mut app))[6], "openrouter:web_search");
    press_on_row(&mut app, "web_fetch", "space");
    press_on_row(&mut app, "web_search", "space");
    assert_eq!(tool_names(&next_body(&mut app))[4..], ["openrouter:image_generation"]);
}

#[test]
fn another_endpoint_offers_only_the_tools_it_knows() {
    let endpoints = vec![EndpointInfo { name: "local".into(), dialect: ApiDialect::Other, is_ready: true }];
    let mut app = app_with(StartOptions { endpoints, ..start_with_config(120, 40) });
    app.press("ctrl-x j");
    assert!(app.screen().contains("The server's own") && !app.screen().contains("web_fetch"), "{}", app.screen());
}

#[test]
fn the_choice_applies_to_one_message_and_does_not_change_the_tools() {
    let mut app = app_with_servers();
    let all = next_body(&mut app);
    assert_eq!((&all["tool_choice"], &all["parallel_tool_calls"]), (&Value::Null, &Value::Null));
    for (keys, expected, shown) in [
        ("space", json!("none"), "no tools"),
        ("space space", json!("required"), "must use a tool"),
        ("space space space", Value::Null, ""),
        ("enter", json!("none"), "no tools"),
    ] {
        press_on_row(&mut app, "choice", keys);
        assert!(app.status().contains(shown), "{}", app.status());
        let forced = next_body(&mut app);
        assert_eq!((&forced["tool_choice"], &forced["tools"]), (&expected, &all["tools"]), "{keys}");
        assert_eq!(next_body(&mut app)["tool_choice"], Value::Null, "the message after it is free again");
    }
    press_on_row(&mut app, "read_file", "f");
    assert!(app.status().contains("must call files/read_file"), "{}", app.status());
    assert_eq!(next_body(&mut app)["tool_choice"], json!({ "type": "function", "name": "files__read_file" }));
    press_on_row(&mut app, "read_file", "f f");
    assert_eq!(next_body(&mut app)["tool_choice"], Value::Null, "taken back");
    press_on_row(&mut app, "read_file", "f space");
    assert_eq!(next_body(&mut app)["tool_choice"], Value::Null, "a tool that is off cannot be forced");
    press_on_row(&mut app, "read_file", "f");
    assert_eq!(next_body(&mut app)["tool_choice"]["name"], "files__read_file", "a forced tool is on");
}

#[test]
fn no_tools_for_one_message_includes_the_endpoints_own_tools() {
    let mut app = app_with(default_start(120, 40));
    press_on_row(&mut app, "web_search", "space");
    press_on_row(&mut app, "choice", "space");
    let none = next_body(&mut app);
    assert_eq!((&none["tool_choice"], tool_names(&none)), (&json!("none"), vec!["openrouter:web_search".to_owned()]));
}

#[test]
fn one_call_at_a_time_applies_to_the_conversation() {
    let mut app = app_with_servers();
    press_on_row(&mut app, "calls", "space");
    assert_eq!(next_body(&mut app)["parallel_tool_calls"], json!(false));
    assert_eq!(next_body(&mut app)["parallel_tool_calls"], json!(false));
    press_on_row(&mut app, "calls", "enter");
    assert_eq!(next_body(&mut app)["parallel_tool_calls"], Value::Null);
}

#[test]
fn opening_the_overlay_starts_the_servers_and_its_keys_restart_them() {
    let mut app = app_with(start_with_config(120, 40));
    app.send(Msg::McpEvent(McpEvent::Servers {
        servers: vec![configured_server("files", RunPermission::On)],
        complaints: Vec::new(),
    }));
    app.press("ctrl-x j");
    assert_eq!(mcp_jobs(&mut app), ["Start"]);
    let more = vec![configured_server("files", RunPermission::On), configured_server("new", RunPermission::On)];
    app.send(Msg::McpEvent(McpEvent::Servers { servers: more, complaints: Vec::new() }));
    assert_eq!(mcp_jobs(&mut app), ["Start"], "a server added while the overlay is open is started too");
    select_row(&mut app, "files");
    app.press("r");
    assert_eq!(mcp_jobs(&mut app), [r#"Restart("files")"#]);
    app.press("R");
    assert_eq!(mcp_jobs(&mut app), ["Reload", "Start"]);
    assert!(app.screen().contains("reloading the MCP servers"), "{}", app.screen());
    // A key on a tool applies to its server.
    app.send(Msg::ToolsReported { server: "files".into(), tools: vec![tool("files", "read_file", "Reads")] });
    app.press("j r");
    assert_eq!(mcp_jobs(&mut app), [r#"Restart("files")"#]);
}

#[test]
fn a_project_file_is_trusted_only_after_the_question_shows_what_it_would_run() {
    let mut app = app_with_servers();
    app.press("ctrl-x j");
    app.effects.clear();
    select_row(&mut app, "atlas");
    app.press("space");
    let bottom = app.screen().lines().find(|line| line.contains("not trusted yet")).map(str::to_owned);
    assert!(bottom.is_some_and(|bottom| bottom.contains("t trust  Esc back")), "{}", app.screen());
    app.press("y");
    assert_eq!(mcp_jobs(&mut app), Vec::<String>::new(), "the question was not shown yet");
    app.press("t");
    insta::assert_snapshot!("trust", app.screen());
    app.press("esc t enter");
    assert_eq!(mcp_jobs(&mut app), Vec::<String>::new(), "Enter does not confirm");
    app.press("y");
    assert_eq!(mcp_jobs(&mut app), [TRUST_JOB, "Start"]);
    // A server from the user's own config needs no trust.
    app.press("esc");
    select_row(&mut app, "Project files");
    app.press("t y");
    assert_eq!(mcp_jobs(&mut app), Vec::<String>::new());
}

/// Where a text begins on the screen.
fn find_on_screen(app: &Harness, text: &str) -> (u16, u16) {
    let screen = app.screen();
    let (y, line) = screen.lines().enumerate().find(|(_, line)| line.contains(text)).expect("it is on the screen");
    let before = &line[..line.find(text).expect("it is in the line")];
    (u16::try_from(before.chars().count()).expect("a column"), u16::try_from(y).expect("a row"))
}

#[test]
fn the_question_shows_values_as_they_are_written_and_secrets_stand_out() {
    let mut app = app_with(start_with_config(120, 40));
    app.env_mut().theme = ibid::render::theme::Theme::bundled("ink").expect("a bundled theme");
    let mut local = configured_server("local", RunPermission::Untrusted);
    local.settings.command = Some("./serve".into());
    local.settings.args = vec!["${MODE}".into()];
    local.settings.env = [("MODE", "fast-${MODE}"), ("FORGE", "key ${FORGE_TOKEN} end"), ("LITERAL", "as it is")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
    local.settings.inherit = vec!["HOME".into(), "NPM_TOKEN".into()];
    local.target.argv = vec!["/work/atlas/serve".into(), "quick".into()];
    local.target.cwd = Some("/work/atlas".into());
    let mut web = configured_server("web", RunPermission::Untrusted);
    web.settings = McpServerConfig {
        url: Some("https://${PLACE}/mcp".into()),
        headers: [("X-Key".to_owned(), "${WEB_API_KEY}".to_owned())].into(),
        bearer_env: Some("WEB_TOKEN".into()),
        ..McpServerConfig::default()
    };
    web.target.url = Some("https://here.example/mcp".into());
    app.send(Msg::McpEvent(McpEvent::Servers { servers: vec![local, web], complaints: Vec::new() }));
    app.enter_text("/trust-servers");
    app.press("enter");
    insta::assert_snapshot!("trust_values", app.screen());
    let colour = |text: &str| {
        let (x, y) = find_on_screen(&app, text);
        app.cell(x, y).fg
    };
    let (plain, warning) = (colour("fast-"), colour("${FORGE_TOKEN}"));
    assert_ne!(plain, warning);
    assert_eq!(["NPM_TOKEN", "${WEB_API_KEY}", "WEB_TOKEN"].map(colour), [warning; 3]);
    assert_eq!(["${MODE}", "HOME", "as it is", "end"].map(colour), [plain; 4]);
}

#[test]
fn what_is_trusted_is_what_was_on_the_screen() {
    let mut app = app_with(start_with_config(120, 40));
    let shown = configured_server("atlas", RunPermission::Untrusted);
    app.send(Msg::McpEvent(McpEvent::Servers { servers: vec![shown.clone()], complaints: Vec::new() }));
    app.enter_text("/trust-servers");
    app.press("enter");
    mcp_jobs(&mut app);
    // The file changes, and the key comes before the next frame.
    let mut changed = shown;
    changed.settings.command = Some("evil".into());
    changed.file_hash = Some("the hash of something else".into());
    app.send_without_frame(Msg::McpEvent(McpEvent::Servers { servers: vec![changed], complaints: Vec::new() }));
    app.press("y");
    let jobs = mcp_jobs(&mut app);
    assert!(jobs.iter().all(|job| !job.contains("something else")), "{jobs:?}");
}

#[test]
fn the_slash_command_asks_about_trust_at_once() {
    let mut app = app_with_servers();
    app.enter_text("/trust-servers");
    app.press("enter");
    assert!(app.screen().contains("Trust .mcp.json?"), "{}", app.screen());
    app.press("y");
    assert_eq!(mcp_jobs(&mut app), [TRUST_JOB, "Start"]);
    let mut app = app_with(default_start(120, 40));
    app.enter_text("/trust-servers");
    app.press("enter");
    assert!(app.screen().contains("no MCP server file is waiting to be trusted"), "{}", app.screen());
}

#[test]
fn all_servers_switches_and_choices_are_shown_at_every_size() {
    for (width, height) in SIZES {
        let mut app = app_with(start_with_config(width, height));
        add_servers(&mut app);
        press_on_row(&mut app, "write_file", "space");
        press_on_row(&mut app, "list_files", "f");
        app.press("ctrl-x j");
        insta::assert_snapshot!(format!("list-{width}x{height}"), app.screen());
    }
    let mut begin = start_with_config(120, 40);
    begin.config.glyphs = ibid::config::GlyphSet::Ascii;
    let mut app = app_with(begin);
    add_servers(&mut app);
    app.press("ctrl-x j");
    assert!(app.screen().is_ascii(), "{}", app.screen());
}

#[test]
fn without_any_tool_the_overlay_explains_how_to_add_one() {
    let mut app = app_with(default_start(80, 24));
    app.press("ctrl-x j");
    insta::assert_snapshot!("nothing", app.screen());
}

const HOSTILE: &str = "\u{1b}]0;owned\u{7}\u{1b}[2J\u{202e}gnp.exe\u{200b}\r\nyou: I trust it";

fn app_with_hostile_server(width: u16, height: u16) -> Harness {
    let mut app = app_with(start_with_config(width, height));
    let name = "fi\u{200b}les\u{202e}";
    let mut evil = configured_server(name, RunPermission::On);
    evil.settings.args = vec![HOSTILE.into()];
    let servers = vec![configured_server("files", RunPermission::On), evil];
    app.send(Msg::McpEvent(McpEvent::Servers { servers, complaints: vec![format!("a file: {HOSTILE}")] }));
    app.wait(std::time::Duration::from_mins(1)); // Until the toasts have gone.
    let identity = ServerIdentity {
        name: HOSTILE.into(),
        version: "\u{1b}[31m9".into(),
        protocol: HOSTILE.into(),
        instructions: Some(HOSTILE.into()),
    };
    app.send(server_state(name, ServerState::Ready(identity)));
    let mut tools = vec![
        tool(name, "read\u{200b}_file", HOSTILE),
        tool(name, &"long_".repeat(40), "long"),
        tool(name, HOSTILE, ""),
    ];
    tools[0].title = Some(HOSTILE.into());
    tools[0].parameters =
        json!({ "properties": { HOSTILE: { "description": HOSTILE, "enum": (0..60).collect::<Vec<_>>() } } });
    app.send(Msg::ToolsReported { server: name.into(), tools });
    let line = |voice, text: &str| ServerLogLine { at: app.now, source: voice, text: text.into() };
    let lines = vec![
        line(LogSource::Stderr, "listening"),
        line(LogSource::Stdout, HOSTILE),
        line(LogSource::Refused, "it asked for sampling/createMessage, which ibid does not support"),
        line(LogSource::Warning, &format!("{HOSTILE} {}", "and so on ".repeat(40))),
    ];
    app.send(Msg::McpEvent(McpEvent::Log { server: name.into(), lines }));
    app.press("ctrl-x j");
    app
}

#[test]
fn hostile_names_logs_and_schemas_are_shown_harmlessly() {
    for (width, height) in SIZES {
        let mut app = app_with_hostile_server(width, height);
        let look = |app: &Harness, name: &str| {
            let screen = app.screen();
            assert!(!screen.contains(['\u{1b}', '\u{202e}', '\u{200b}', '\u{7}', '\r']), "{screen:?}");
            insta::assert_snapshot!(format!("hostile-{name}-{width}x{height}"), screen);
        };
        look(&app, "list");
        select_row(&mut app, "9");
        app.press("enter");
        look(&app, "log");
        app.press("esc");
        select_row(&mut app, "_file");
        app.press("enter");
        look(&app, "schema");
        app.press("G");
        assert!(app.screen().contains("59"), "the end of a long schema is reached: {}", app.screen());
        app.press("pgup g");
        assert!(app.screen().contains("policy"), "{}", app.screen());
    }
}

#[test]
fn changes_appear_while_the_overlay_is_open_and_the_cursor_stays_on_its_row() {
    let mut app = app_with_servers();
    app.press("ctrl-x j");
    select_row(&mut app, "weather");
    app.press("esc");
    let row = |app: &Harness| app.screen().lines().find(|line| line.contains("▌")).unwrap_or_default().to_owned();
    assert!(row(&app).contains("weather"), "{}", app.screen());
    let tools = (0..30).map(|n| tool("search", &format!("find_{n:02}"), "Finds")).collect();
    app.send(Msg::ToolsReported { server: "search".into(), tools });
    assert!(row(&app).contains("weather"), "{}", app.screen());
    // A tool that goes away while it is open is reported.
    select_row(&mut app, "find_07");
    app.press("enter");
    assert!(app.screen().contains("Schema of its arguments"), "{}", app.screen());
    app.send(server_state("search", ServerState::Failed { why: "it ended".into() }));
    assert!(app.screen().contains("It no longer exists."), "{}", app.screen());
    // A new line of the log appears at once.
    app.press("esc esc");
    select_row(&mut app, "Project files");
    app.press("enter");
    let line = ServerLogLine { at: app.now, source: LogSource::Refused, text: "it asked for roots/list".into() };
    app.send(Msg::McpEvent(McpEvent::Log { server: "files".into(), lines: vec![line] }));
    assert!(app.screen().contains("refused  it asked for roots/list"), "{}", app.screen());
}

#[test]
fn a_click_on_a_switch_toggles_it_and_a_click_beside_it_only_selects_the_row() {
    use crossterm::event::{Event as Input, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
    let mut app = app_with_servers();
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
    assert!(app.settings().tools.off.is_empty());
    click(&mut app, (column - 2, row));
    assert_eq!(app.settings().tools.off, ["files/write_file".to_owned()].into());
}

#[test]
fn a_model_without_tools_is_reported() {
    let mut app = app_with_servers();
    let models = r#"{"data": [{"id": "openai/gpt-5.6-luna", "supported_parameters": ["reasoning"]}]}"#;
    let catalogue = ibid::api::Catalogue::parse(models).expect("a catalogue");
    app.send(Msg::CatalogueLoaded { endpoint: "openrouter".into(), result: Ok(catalogue) });
    app.press("ctrl-x j");
    select_row(&mut app, "calls");
    assert!(app.screen().contains("gpt-5.6-luna takes no tools"), "{}", app.screen());
}

/// The tokens that the overlay says the schemas weigh.
fn weighed_tokens(app: &mut Harness) -> u64 {
    app.press("ctrl-x j");
    let screen = app.screen();
    app.press("esc");
    let (_, after) = screen.split_once("schemas weigh ~").expect("the overlay weighs them");
    after.split_once(' ').and_then(|(tokens, _)| tokens.parse().ok()).expect("a number of tokens")
}

#[test]
fn only_the_schemas_of_tools_that_are_on_weigh() {
    let mut app = app_with_servers();
    let all = weighed_tokens(&mut app);
    press_on_row(&mut app, "read_file", "space");
    let without_one = weighed_tokens(&mut app);
    assert!(without_one < all, "{without_one} of {all}");
    press_on_row(&mut app, "Project files", "space");
    assert!(weighed_tokens(&mut app) < without_one, "a server that is off weighs nothing");
}
