//! No slip sends, trashes or switches a safeguard off: every key and every click, in every context.

use std::time::Duration;

use ibid::{
    chat::ConversationChange,
    config::SettingChange,
    store::StoreJob,
    ui::{
        Action, Effect,
        keymap::{KeyMeaning, KeyPress},
    },
};
use serde_json::json;

use crate::{
    focus::three_turns,
    moving::click,
    support::{cited_answer, harness::Harness},
};

/// A place in the program, reached by keys from a conversation.
struct Scene {
    name: &'static str,
    build: fn() -> Harness,
    keys: &'static str,
}

const SCENES: &[Scene] = &[
    Scene { name: "empty composer", build: turns, keys: "" },
    Scene { name: "text", build: turns, keys: "tab" },
    Scene { name: "text, first message", build: turns, keys: "tab g" },
    Scene { name: "selection", build: turns, keys: "tab v j" },
    Scene { name: "find", build: turns, keys: "ctrl-x f" },
    Scene { name: "matches", build: turns, keys: "ctrl-x f o n enter" },
    Scene { name: "list", build: turns, keys: "ctrl-x l" },
    Scene { name: "list filter", build: turns, keys: "ctrl-x l /" },
    Scene { name: "renaming", build: turns, keys: "ctrl-x l r" },
    Scene { name: "commands", build: turns, keys: "ctrl-p" },
    Scene { name: "models", build: turns, keys: "ctrl-x m" },
    Scene { name: "efforts", build: turns, keys: "ctrl-x e" },
    Scene { name: "help", build: turns, keys: "ctrl-x ?" },
    Scene { name: "history", build: turns, keys: "ctrl-r" },
    Scene { name: "earlier prompts", build: turns, keys: "ctrl-x u" },
    Scene { name: "parameters", build: turns, keys: "ctrl-x ," },
    Scene { name: "tools", build: turns, keys: "ctrl-x j" },
    Scene { name: "x-ray", build: turns, keys: "ctrl-x x" },
    Scene { name: "again", build: turns, keys: "tab r" },
    Scene { name: "edit", build: turns, keys: "tab e" },
    Scene { name: "leader", build: turns, keys: "ctrl-x" },
    Scene { name: "citation", build: cited, keys: "tab ]" },
    Scene { name: "source card", build: cited, keys: "tab ] enter" },
    Scene { name: "page question", build: cited, keys: "tab ] c" },
    Scene { name: "rail", build: cited, keys: "ctrl-x s" },
    Scene { name: "stopped", build: stopped, keys: "" },
    Scene { name: "stopped line", build: stopped, keys: "tab" },
    Scene { name: "failed", build: failed, keys: "" },
    Scene { name: "error card", build: failed, keys: "tab" },
];

fn turns() -> Harness {
    three_turns(120, 30)
}

fn cited() -> Harness {
    let mut app = Harness::new(130, 30);
    let stream = app.send_prompt("Is WAL safe on NFS?");
    cited_answer::stream_cited_answer(&mut app, stream);
    app
}

fn stopped() -> Harness {
    let mut app = Harness::new(120, 30);
    let stream = app.send_prompt("Why?");
    let delta =
        json!({"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": "Because"});
    app.receive_events(stream, &[&delta.to_string()]);
    app.press("esc");
    app
}

fn failed() -> Harness {
    let mut app = Harness::new(120, 30);
    let stream = app.send_prompt("Why?");
    let error = ibid::api::ApiError::new(ibid::api::FaultKind::Cut, "the connection was closed");
    app.end_stream(stream, Err(error));
    app
}

fn scene(scene: &Scene) -> Harness {
    let mut app = (scene.build)();
    app.press(scene.keys);
    app.wait(Duration::from_millis(400));
    app.effects();
    app
}

/// Returns what the effects would send, trash, or switch off.
fn harm(app: &mut Harness) -> Option<&'static str> {
    let effects = app.effects();
    let trashes = |change: &ConversationChange| matches!(change, ConversationChange::Trash(_));
    let found = effects.iter().find_map(|effect| match effect {
        Effect::OpenStream { .. } => Some("a request leaves"),
        Effect::RunTool { .. } => Some("a tool runs"),
        Effect::CheckSource { .. } => Some("a page is fetched"),
        Effect::Quit => Some("the program quits"),
        Effect::SaveSetting(SettingChange::AllowPageChecks) => Some("pages are fetched without asking"),
        Effect::RunStoreJob(StoreJob::Save { changes, .. }) if changes.iter().any(trashes) => Some("it is trashed"),
        _ => None,
    });
    found.or_else(|| app.settings().tools.grants.all.then_some("all tools are allowed"))
}

/// Whether the help says that an action does one of these.
fn says_so(action: Action) -> bool {
    let title = action.entry().title;
    let is_announced = ["Send", "Try again", "Continue", "trash", "Fetch", "Quit", "Let the turn", "Take the choice"];
    is_announced.iter().any(|word| title.contains(word))
}

#[test]
fn no_key_does_harm_unless_its_help_says_so() {
    let printable = (b' '..=b'~').map(|byte| match byte {
        b' ' => "space".to_owned(),
        _ => char::from(byte).to_string(),
    });
    let keys: Vec<String> = printable.chain(["enter", "esc", "tab"].map(str::to_owned)).collect();
    for place in SCENES {
        for name in &keys {
            let mut app = scene(place);
            let key: KeyPress = name.parse().expect("the name of a key");
            let prefix: Vec<KeyPress> =
                if place.name == "leader" { vec!["ctrl-x".parse().expect("a key")] } else { Vec::new() };
            let meaning = app.env().keymap.meaning(app.key_context(), &prefix, key);
            app.press(name);
            if let Some(harm) = harm(&mut app) {
                let is_announced = matches!(meaning, KeyMeaning::Run(action) if says_so(action));
                assert!(is_announced, "{}: {name} ({meaning:?}): {harm}", place.name);
            }
        }
    }
}

#[test]
fn no_click_in_the_text_does_harm_or_takes_the_focus_to_commands() {
    for place in SCENES {
        let mut app = scene(place);
        let area = app.areas().transcript;
        for y in area.top()..area.bottom() {
            for x in (area.left()..area.right()).step_by(3) {
                let row = app.row(y);
                click(&mut app, (x, y));
                let harm = harm(&mut app);
                let is_choice = row.contains("↵ ") || row.contains("r again") || row.contains("r try again");
                assert!(harm.is_none() || is_choice, "{} at {x},{y}: {harm:?}: {}", place.name, app.screen());
            }
        }
    }
}

#[test]
fn what_is_typed_after_a_click_anywhere_in_an_answer_is_a_prompt() {
    let area = turns().areas().transcript;
    for y in area.top()..area.bottom() {
        let mut app = turns();
        click(&mut app, (area.x + 6, y));
        app.enter_text("dear model");
        assert_eq!(app.draft(), "dear model", "row {y}: {}", app.screen());
    }
}
