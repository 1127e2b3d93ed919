//! No slip sends, runs, trashes or switches a safeguard off: every key and a click on every cell, in every context.

use std::time::Duration;

use crossterm::event::{Event as Input, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use ibid::{
    api::{ApiError, Catalogue, FaultKind},
    chat::{ConversationChange, MessageId},
    config::{Config, SettingChange},
    mcp::McpJob,
    render::theme::{ColourRole, Theme},
    store::{StoreJob, StoreReply},
    tools::{ToolContent, ToolDefinition, ToolHints, ToolId, ToolOutcome},
    ui::{
        Effect, EndpointInfo, Msg, StartOptions,
        keymap::{KeyContext, KeyMeaning, KeyPress},
        screen::PaneFocus,
    },
};
use serde_json::{Value, json};

use crate::{
    focus::three_turns,
    moving::click,
    support::{
        cited_answer,
        harness::{Harness, default_start},
    },
};

/// A place in the program, reached by keys from a conversation.
struct Scene {
    name: &'static str,
    build: SceneBuilder,
    keys: &'static str,
}

const fn scene(name: &'static str, build: SceneBuilder, keys: &'static str) -> Scene {
    Scene { name, build, keys }
}

/// The contexts of the page.
const PAGES: &[Scene] = &[
    scene("empty composer", three_turns, ""),
    scene("draft", three_turns, "d r a f t"),
    scene("text", three_turns, "tab"),
    scene("text, first message", three_turns, "tab g"),
    scene("selection", three_turns, "tab v j"),
    scene("find", three_turns, "ctrl-x f"),
    scene("matches", three_turns, "ctrl-x f o n enter"),
    scene("list", three_turns, "ctrl-x l"),
    scene("list filter", three_turns, "ctrl-x l /"),
    scene("renaming", three_turns, "ctrl-x l r"),
    scene("again", three_turns, "tab r"),
    scene("edit", three_turns, "tab e"),
    scene("edited prompt", three_turns, "tab e enter"),
    scene("leader", three_turns, "ctrl-x"),
    scene("code number", three_turns, "tab c"),
    scene("slash list", three_turns, "/"),
    scene("slash arguments", three_turns, "/ w e b space"),
    scene("refused command", three_turns, "/ f o o enter"),
    scene("quit asked", three_turns, "ctrl-c"),
    scene("citation", cited, "tab ]"),
    scene("source card", cited, "tab ] enter"),
    scene("page question", cited, "tab ] c"),
    scene("rail", cited, "ctrl-x s"),
    scene("streaming", streaming, ""),
    scene("streaming, text", streaming, "tab"),
    scene("queued", queued, ""),
    scene("queued, text", queued, "tab tab"),
    scene("stopped", stopped, ""),
    scene("stopped line", stopped, "tab"),
    scene("stopped with a queue", stopped_with_queue, ""),
    scene("stopped with a queue and a draft", stopped_with_queue, "d r a f t"),
    scene("failed", failed, ""),
    scene("failed with a draft", failed, "d r a f t"),
    scene("error card", failed, "tab"),
    scene("wrong key", wrong_key, ""),
    scene("retry card", retrying, "tab"),
    scene("save failed", save_failed, "tab"),
    scene("approval, not focused", asking, ""),
    scene("approval, typing", asking, "n o"),
    scene("approval", asking, "tab"),
    scene("arguments", asking, "tab e"),
    scene("reason", asking, "tab N"),
    scene("paused, not focused", paused, ""),
    scene("paused", paused, "tab"),
];

/// The overlays.
const OVERLAYS: &[Scene] = &[
    scene("list overlay", three_turns, "ctrl-x l"),
    scene("rail overlay", cited, "ctrl-x s"),
    scene("commands", three_turns, "ctrl-p"),
    scene("commands, filtered", three_turns, "ctrl-p a u t o"),
    scene("safeguard", three_turns, "ctrl-p a u t o - a p p enter"),
    scene("models", three_turns, "ctrl-x m"),
    scene("efforts", three_turns, "ctrl-x e"),
    scene("again with", three_turns, "tab r tab"),
    scene("help", three_turns, "ctrl-x ?"),
    scene("history", three_turns, "ctrl-r"),
    scene("earlier prompts", three_turns, "ctrl-x u"),
    scene("prompts to go to", three_turns, "tab p"),
    scene("parameters", three_turns, "ctrl-x ,"),
    scene("themes", three_turns, "/ t h e m e enter"),
    scene("mouse", three_turns, "/ m o u s e enter"),
    scene("tools", asking, "ctrl-x j"),
    scene("tool page", asking, "ctrl-x j enter"),
    scene("x-ray", three_turns, "ctrl-x x"),
    scene("code blocks", with_code, "ctrl-x c"),
    scene("file name", with_code, "ctrl-x c ctrl-s"),
    scene("command line", with_code, "ctrl-x c ctrl-o"),
    scene("pager", with_result, "/ r e s u l t s enter"),
    scene("pager search", with_result, "/ r e s u l t s enter /"),
    scene("connect", three_turns, "/ c o n n e c t enter"),
    scene("connect, key", three_turns, "/ c o n n e c t enter 1 s k"),
    scene("connect, address", three_turns, "/ c o n n e c t enter 2 h"),
    scene("first start", first_start, ""),
    scene("tour", three_turns, "/ t o u r enter"),
];

fn cited(width: u16, height: u16) -> Harness {
    let mut app = Harness::new(width, height);
    let stream = app.send_prompt("Is WAL safe on NFS?");
    cited_answer::stream_cited_answer(&mut app, stream);
    app
}

fn streaming(width: u16, height: u16) -> Harness {
    let mut app = Harness::new(width, height);
    let stream = app.send_prompt("Why?");
    let delta =
        json!({"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": "Because"});
    app.receive_events(stream, &[&delta.to_string()]);
    app
}

fn queued(width: u16, height: u16) -> Harness {
    let mut app = streaming(width, height);
    for prompt in ["And then?", "And after that?"] {
        app.enter_text(prompt);
        app.press("enter");
    }
    app
}

fn stopped(width: u16, height: u16) -> Harness {
    let mut app = streaming(width, height);
    app.press("esc");
    app
}

fn stopped_with_queue(width: u16, height: u16) -> Harness {
    let mut app = queued(width, height);
    app.press("esc");
    app
}

fn ended(width: u16, height: u16, error: ApiError) -> Harness {
    let mut app = Harness::new(width, height);
    let stream = app.send_prompt("Why?");
    app.end_stream(stream, Err(error));
    app
}

fn failed(width: u16, height: u16) -> Harness {
    ended(width, height, ApiError::new(FaultKind::Cut, "the connection was closed"))
}

fn wrong_key(width: u16, height: u16) -> Harness {
    ended(width, height, ApiError { status: Some(401), ..ApiError::new(FaultKind::Key, "User not found") })
}

fn retrying(width: u16, height: u16) -> Harness {
    ended(width, height, ApiError { status: Some(429), ..ApiError::new(FaultKind::Rate, "slow down") })
}

fn save_failed(width: u16, height: u16) -> Harness {
    let mut app = Harness::new(width, height);
    app.confirms_saves = false;
    app.enter_text("Why?");
    app.press("enter");
    let ticket = app.effects().into_iter().find_map(|effect| match effect {
        Effect::RunStoreJob(StoreJob::Save { ticket, .. }) => Some(ticket),
        _ => None,
    });
    let error = ibid::store::StoreError::Full;
    app.store_reply(StoreReply::SaveFailed { ticket: ticket.expect("a save"), error });
    app.confirms_saves = true;
    app
}

/// A program with a tool that asks and one that does not, of which two steps may be taken.
fn with_tools(width: u16, height: u16) -> Harness {
    let text = "model = \"openai/gpt-5.6-luna\"\n[tools]\nsteps = 2\n[tools.policy]\n\"notes/read\" = \"allow\"\n";
    let (config, _) = Config::parse(text, std::path::Path::new("config.toml")).expect("a config");
    let mut app = Harness::with_start(StartOptions { config, ..default_start(width, height) });
    app.store_reply(StoreReply::Opened { newest: Vec::new(), total: 0, new_draft: String::new() });
    let tool = |name: &str| ToolDefinition {
        id: ToolId::new("notes", name),
        title: None,
        description: String::new(),
        parameters: json!({ "type": "object" }),
        strict: false,
        hints: ToolHints::default(),
    };
    app.send(Msg::ToolsReported { server: "notes".into(), tools: ["read", "write"].map(tool).into() });
    app
}

fn call_tool(app: &mut Harness, stream: ibid::chat::StreamId, name: &str, arguments: &Value) {
    let item = json!({ "type": "function_call", "id": "fc_0", "call_id": "call_0", "name": name,
        "arguments": arguments.to_string(), "status": "completed" });
    let done = json!({ "type": "response.output_item.done", "output_index": 0, "item": item });
    let completed = json!({ "type": "response.completed", "response": { "status": "completed", "output": [] } });
    app.receive_events(stream, &[&done.to_string(), &completed.to_string()]);
}

fn asking(width: u16, height: u16) -> Harness {
    let mut app = with_tools(width, height);
    let stream = app.send_prompt("Write it down.");
    call_tool(&mut app, stream, "notes__write", &json!({ "path": "notes.md", "text": "A line.\nAnother." }));
    app
}

/// Runs one call to its end; returns the stream of the next step.
fn run_call(app: &mut Harness, stream: ibid::chat::StreamId) -> Option<ibid::chat::StreamId> {
    call_tool(app, stream, "notes__read", &json!({ "id": 7 }));
    let call = app.effects().into_iter().find_map(|effect| match effect {
        Effect::RunTool { call, .. } => Some(call),
        _ => None,
    });
    let outcome = ToolOutcome { content: vec![ToolContent::Text("line 1\nline 2\n".into())], ..ToolOutcome::default() };
    let call = call.unwrap_or_else(|| panic!("it runs:\n{}", app.screen()));
    app.send(Msg::ToolEnded { call, at: app.now, result: Ok(outcome) });
    app.opened_streams().first().map(|(stream, _)| *stream)
}

fn paused(width: u16, height: u16) -> Harness {
    let mut app = with_tools(width, height);
    let first = app.send_prompt("Read on.");
    let second = run_call(&mut app, first).expect("the next step");
    call_tool(&mut app, second, "notes__read", &json!({ "id": 8 }));
    assert!(app.screen().contains("keeps calling tools"), "{}", app.screen());
    app
}

fn with_result(width: u16, height: u16) -> Harness {
    let mut app = with_tools(width, height);
    let stream = app.send_prompt("Read it.");
    let next = run_call(&mut app, stream).expect("the next step");
    app.stream_answer(next, "It says so.");
    app
}

fn with_code(width: u16, height: u16) -> Harness {
    let mut app = Harness::new(width, height);
    let stream = app.send_prompt("Code?");
    app.stream_answer(stream, "```sh\nls -l\n```\n\n```sh\nrm notes\n```\n");
    app
}

fn first_start(width: u16, height: u16) -> Harness {
    let begin = default_start(width, height);
    let endpoints = vec![EndpointInfo { is_ready: false, ..begin.endpoints[0].clone() }];
    let mut app = Harness::with_start(StartOptions { endpoints, ..begin });
    app.store_reply(StoreReply::Opened { newest: Vec::new(), total: 0, new_draft: String::new() });
    app
}

/// Builds the program that a scene begins from, for a size of the screen.
type SceneBuilder = fn(u16, u16) -> Harness;

/// The programs that scenes begin from, each built once for a size.
struct Bases {
    size: (u16, u16),
    built: Vec<(SceneBuilder, Harness)>,
}

impl Bases {
    fn new(width: u16, height: u16) -> Self {
        Self { size: (width, height), built: Vec::new() }
    }

    fn base(&mut self, build: SceneBuilder) -> &Harness {
        let known = self.built.iter().position(|(builder, _)| std::ptr::fn_addr_eq(*builder, build));
        let index = known.unwrap_or_else(|| {
            let mut app = build(self.size.0, self.size.1);
            let models = r#"{"data":[{"id":"a/one"},{"id":"openai/gpt-5.6-luna","supported_parameters":["reasoning"],
                "reasoning":{"supported_efforts":["low","high"]}}]}"#;
            let result = Ok(Catalogue::parse(models).expect("the catalogue is valid"));
            app.send(Msg::CatalogueLoaded { endpoint: "openrouter".into(), result });
            app.env_mut().config.theme = "ink".into();
            app.env_mut().theme = Theme::bundled("ink").expect("a bundled theme");
            app.wait(Duration::from_millis(400));
            self.built.push((build, app));
            self.built.len() - 1
        });
        &self.built[index].1
    }

    /// Goes to a scene, and draws it.
    fn open(&mut self, scene: &Scene) -> Harness {
        let mut app = self.base(scene.build).fork();
        for key in scene.keys.split_whitespace() {
            let key: KeyPress = key.parse().expect("the name of a key");
            app.send_undrawn(key_event(key));
            app.lay_out();
        }
        app.wait(Duration::from_millis(600));
        app.effects();
        app
    }
}

/// Harm that a key or a click can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Harm {
    Request,
    ToolRun,
    PageFetched,
    CommandRun,
    ServerChanged,
    KeyForgotten,
    Quit,
    Trashed,
    SafeguardOff,
    FileWritten,
}

impl Harm {
    /// The words of which one is in the help or the label of what does this.
    fn announcements(self) -> &'static [&'static str] {
        match self {
            Self::Request => &[
                "send",
                "again",
                "continue",
                "go on",
                "retry",
                "once without",
                "tokens",
                "deny",
                "accept the choice",
                "now",
                "another answer",
            ],
            Self::ToolRun => &["allow", "once", "in this conversation", "always", "continue"],
            Self::PageFetched => &["fetch", "yes", "always", "check"],
            Self::CommandRun => &["choice", "command"],
            Self::ServerChanged => &["demo", "choice", "connect", "sign in", "restart", "reload", "save and check"],
            Self::KeyForgotten => &["forget"],
            Self::Quit => &["quit"],
            Self::Trashed => &["trash"],
            Self::SafeguardOff => &["always", "without asking", "trust", "switch", "allow", "in this conversation"],
            Self::FileWritten => &["save", "choice"],
        }
    }

    fn is_announced_by(self, words: &str) -> bool {
        let words = words.to_lowercase();
        self.announcements().iter().any(|announcement| words.contains(announcement))
    }
}

/// Returns the harm that was done since `before`.
fn harms(before: &Harness, app: &mut Harness) -> Vec<Harm> {
    let mut harms: Vec<Harm> = app.effects().iter().filter_map(harm_of).collect();
    let grants = |app: &Harness| app.settings().tools.grants.clone();
    if grants(before) != grants(app) {
        harms.push(Harm::SafeguardOff);
    }
    harms
}

fn harm_of(effect: &Effect) -> Option<Harm> {
    let trashes = |change: &ConversationChange| matches!(change, ConversationChange::Trash(_));
    let grants = |change: &ConversationChange| matches!(change, ConversationChange::Grant(_));
    match effect {
        Effect::OpenStream { .. } => Some(Harm::Request),
        Effect::RunTool { .. } | Effect::RunCommand { .. } => Some(Harm::ToolRun),
        Effect::CheckPage { .. } => Some(Harm::PageFetched),
        Effect::PipeToCommand { .. } => Some(Harm::CommandRun),
        Effect::Connect(_) | Effect::StartDemo(_) | Effect::LeaveDemo => Some(Harm::ServerChanged),
        Effect::RunMcpJob(McpJob::Restart(_) | McpJob::Reload) => Some(Harm::ServerChanged),
        Effect::RunMcpJob(McpJob::Trust { .. }) => Some(Harm::SafeguardOff),
        Effect::ForgetKey(_) => Some(Harm::KeyForgotten),
        Effect::Quit => Some(Harm::Quit),
        Effect::SaveSetting(SettingChange::AllowPageChecks) => Some(Harm::SafeguardOff),
        Effect::SaveFile { .. } | Effect::WriteFile { .. } => Some(Harm::FileWritten),
        Effect::RunStoreJob(StoreJob::Save { changes, .. }) if changes.iter().any(trashes) => Some(Harm::Trashed),
        Effect::RunStoreJob(StoreJob::Save { changes, .. }) if changes.iter().any(grants) => Some(Harm::SafeguardOff),
        _ => None,
    }
}

fn key_event(key: KeyPress) -> Input {
    let mut modifiers = KeyModifiers::empty();
    modifiers.set(KeyModifiers::SHIFT, key.shift);
    modifiers.set(KeyModifiers::CONTROL, key.ctrl);
    Input::Key(KeyEvent::new(key.code, modifiers))
}

/// Every printable key, and those that take, leave and complete.
fn every_key() -> Vec<KeyPress> {
    let printable = (b' '..=b'~').map(|byte| match byte {
        b' ' => "space".to_owned(),
        _ => char::from(byte).to_string(),
    });
    let names = printable.chain(["enter", "esc", "tab"].map(str::to_owned));
    names.map(|name| name.parse().expect("the name of a key")).collect()
}

#[test]
fn no_key_does_harm_unless_its_help_says_so() {
    let keys = every_key();
    let mut bases = Bases::new(100, 20);
    for place in PAGES.iter().chain(OVERLAYS) {
        let before = bases.open(place);
        for key in &keys {
            let mut app = before.fork();
            let prefix: Vec<KeyPress> = match place.name {
                "leader" => vec!["ctrl-x".parse().expect("a key")],
                "code number" => vec!["c".parse().expect("a key")],
                _ => Vec::new(),
            };
            let meaning = app.env().keymap.meaning(app.key_context(), &prefix, *key);
            app.send_undrawn(key_event(*key));
            for harm in harms(&before, &mut app) {
                let is_announced =
                    matches!(meaning, KeyMeaning::Run(action) if harm.is_announced_by(action.entry().title));
                assert!(is_announced, "{}: {key} ({meaning:?}): {harm:?}\n{}", place.name, before.screen());
            }
        }
    }
}

/// Returns the words of the hint at a cell: a key and its label, up to a gap wider than that between the two.
fn label_at(app: &Harness, x: u16, y: u16) -> String {
    let accent = Theme::bundled("ink").expect("a bundled theme").style(ColourRole::Accent).fg;
    let is_key = |x: u16| Some(app.cell(x, y).fg) == accent && app.cell(x, y).symbol() != " ";
    let is_blank = |x: u16| x >= app.size().width || app.cell(x, y).symbol() == " ";
    let is_gap = |x: u16| (0..3).all(|cell| is_blank(x + cell));
    // The first blanks behind a label belong to it.
    let x = (x.saturating_sub(2)..=x).rev().find(|x| !is_blank(*x)).unwrap_or(x);
    let start = (0..=x).rev().take_while(|x| !is_gap(*x)).last().unwrap_or(x);
    let end = (start..app.size().width).take_while(|x| !is_gap(*x)).last().unwrap_or(x);
    let words: String = (start..=end).map(|x| app.cell(x, y).symbol()).collect();
    if (start..=x).any(is_key) { words } else { String::new() }
}

fn click_undrawn(app: &mut Harness, column: u16, row: u16) {
    for kind in [MouseEventKind::Down(MouseButton::Left), MouseEventKind::Up(MouseButton::Left)] {
        app.send_undrawn(Input::Mouse(MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE }));
    }
}

/// What a click can change: where nothing of it did, the next click needs no fresh copy.
fn traces(app: &Harness) -> (PaneFocus, KeyContext, String, Option<MessageId>, bool) {
    let is_selecting = app.conversation().is_some() && app.transcript().selection_input().is_some();
    (app.focus(), app.key_context(), app.draft(), app.current_answer(), is_selecting)
}

/// Clicks on every cell of a scene; harm is only done by what is drawn there and says so.
fn click_every_cell(place: &Scene, bases: &mut Bases, has_rows: bool) {
    click_cells(place, bases, has_rows, 1);
}

/// Clicks on every cell, or on every so many of a row, in each row on others.
fn click_cells(place: &Scene, bases: &mut Bases, has_rows: bool, step: u16) {
    let before = bases.open(place);
    let ((width, height), quiet) = (bases.size, traces(&before));
    let title = before.screen().lines().find(|row| row.contains("╭──")).unwrap_or_default().to_owned();
    let mut app = before.fork();
    for (y, x) in (0..height).flat_map(|y| (0..width).map(move |x| (y, x))) {
        if (x + y) % step != 0 {
            continue;
        }
        click_undrawn(&mut app, x, y);
        let is_quiet = app.effects.is_empty() && traces(&app) == quiet;
        for harm in harms(&before, &mut app) {
            // In an overlay a click takes the row, whose words say what it is, and so does the title above it.
            let label = if has_rows { title.clone() + &before.row(y) } else { label_at(&before, x, y) };
            assert!(harm.is_announced_by(&label), "{} at {x},{y}: {harm:?}\n{}", place.name, before.screen());
        }
        let took_focus = app.focus() == PaneFocus::Transcript && before.focus() == PaneFocus::Composer;
        let is_plain = !has_rows && before.row(y).contains("answer ");
        assert!(!took_focus || !is_plain, "{} at {x},{y} took the focus\n{}", place.name, before.screen());
        if !is_quiet {
            app = before.fork();
        }
    }
}

#[test]
fn no_click_on_a_page_does_harm_unless_a_hint_says_so() {
    let mut bases = Bases::new(72, 18);
    for place in PAGES {
        click_every_cell(place, &mut bases, false);
    }
}

#[test]
fn no_click_on_an_overlay_does_harm_unless_it_says_so() {
    let mut bases = Bases::new(44, 12);
    for place in OVERLAYS {
        click_every_cell(place, &mut bases, true);
    }
}

#[test]
fn no_click_on_an_overlay_of_a_usual_size_does_harm_unless_it_says_so() {
    let mut bases = Bases::new(80, 24);
    for place in OVERLAYS {
        click_cells(place, &mut bases, true, 3); // No hint is narrower.
    }
}

#[test]
fn an_approval_is_never_decided_by_a_click_without_the_focus() {
    let mut bases = Bases::new(80, 30);
    for keys in ["", "n o"] {
        let before = bases.open(&scene("approval", asking, keys));
        for (y, x) in (0..30).flat_map(|y| (0..80).map(move |x| (y, x))) {
            let mut app = before.fork();
            click_undrawn(&mut app, x, y);
            assert_eq!(harms(&before, &mut app), [], "{x},{y}\n{}", before.screen());
            assert_eq!(app.draft(), before.draft(), "{x},{y}");
        }
    }
}

#[test]
fn what_is_typed_after_a_click_anywhere_in_an_answer_is_a_prompt() {
    let area = three_turns(120, 30).areas().transcript;
    for y in area.top()..area.bottom() {
        let mut app = three_turns(120, 30);
        click(&mut app, (area.x + 6, y));
        app.enter_text("dear model");
        assert_eq!(app.draft(), "dear model", "row {y}: {}", app.screen());
    }
}
