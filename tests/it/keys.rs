//! Keys: the actions they run, the leader, slots, and the hints on the screen.

use std::time::Duration;

use crate::support::harness::{Harness, default_start};
use ibid::{
    config::SettingChange,
    store::StoreReply,
    ui::{Action, Effect, Msg, StartOptions, commands::CommandTarget, overlays::ScreenOverlay},
};
use serde_json::json;

#[test]
fn slot_effort_and_web_search_change_the_next_request_and_keep_the_draft() {
    let mut options = default_start(100, 30);
    options.config.slots.insert(1, "anthropic/claude-opus-5".into());
    options.config.slots.insert(3, "google/gemini-3-pro".into());
    let mut app = Harness::with_start(options);
    app.store_reply(StoreReply::Opened { newest: vec![], total: 0, new_draft: String::new() });
    app.enter_text("the draft");
    app.press("f2");
    assert_eq!(app.settings().model, "anthropic/claude-opus-5");
    app.press("ctrl-x 3 shift-tab ctrl-x w");
    assert_eq!(app.draft(), "the draft");
    app.effects();
    app.press("enter");
    let body = app.opened_streams().remove(0).1;
    assert_eq!(body["model"], "google/gemini-3-pro");
    assert_eq!(body["reasoning"]["effort"], "none");
    assert_eq!(body["tools"], json!([{"type": "openrouter:web_search"}]));
    assert!(body.get("max_output_tokens").is_none());
}

#[test]
fn a_slug_with_built_in_search_is_shown_as_web_and_gets_no_search_tool() {
    let mut options = default_start(100, 30);
    options.config.model = Some("openai/gpt-5.6-luna:online".into());
    let mut app = Harness::with_start(options);
    app.store_reply(StoreReply::Opened { newest: Vec::new(), total: 0, new_draft: String::new() });
    assert!(app.status().contains("web"), "{}", app.status());
    app.press("ctrl-x w");
    app.effects();
    app.enter_text("news?");
    app.press("enter");
    let (_, body) = app.opened_streams().remove(0);
    assert_eq!((&body["model"], body.get("tools")), (&json!("openai/gpt-5.6-luna:online"), None));
}

#[test]
fn f2_cycles_through_the_filled_slots_and_shift_f2_goes_back() {
    let mut options = default_start(80, 24);
    options.config.slots.insert(2, "a/two".into());
    options.config.slots.insert(9, "a/nine".into());
    let mut app = Harness::with_start(options);
    let mut seen = Vec::new();
    for key in ["f2", "f2", "f2", "shift-f2"] {
        app.press(key);
        seen.push(app.settings().model.clone());
    }
    assert_eq!(seen, ["a/two", "a/nine", "a/two", "a/nine"]);
}

#[test]
fn every_listed_action_is_in_the_commands_under_its_title() {
    let mut app = Harness::new(100, 60);
    for entry in ibid::ui::action::ACTIONS {
        if entry.listing == ibid::ui::action::ActionListing::Commands && entry.action != Action::ShowCommands {
            app.press("ctrl-p");
            app.paste(entry.title);
            let screen = app.screen();
            assert!(screen.contains(entry.title), "{}: {screen}", entry.name);
            let Some(ScreenOverlay::Commands(list)) = app.overlay() else { panic!("the commands are not open") };
            let selected = list.selected().map(|row| &row.target);
            assert_eq!(selected, Some(&CommandTarget::Action(entry.action)), "{}: selected by Enter", entry.name);
            app.press("esc");
        }
    }
}

#[test]
fn the_leader_shows_its_choices_after_half_a_second() {
    let mut app = Harness::new(120, 40);
    app.press("ctrl-x");
    assert!(!app.screen().contains("web search"));
    app.wait(Duration::from_millis(499));
    assert!(!app.screen().contains("web search"));
    app.wait(Duration::from_millis(1));
    assert!(app.screen().contains("web search"), "{}", app.screen());
    app.press("esc");
    assert!(!app.screen().contains("web search"));
}

#[test]
fn a_question_mark_shows_the_keys_only_in_an_empty_composer() {
    let mut app = Harness::new(100, 40);
    app.press("?");
    assert!(app.screen().contains("Conversations") || app.screen().contains("Writing"), "{}", app.screen());
    app.press("esc");
    app.enter_text("why");
    app.press("?");
    assert_eq!(app.draft(), "why?");
}

#[test]
fn the_catalogue_is_fetched_once_the_database_is_open() {
    let mut app = Harness::with_start(default_start(80, 24));
    app.store_reply(StoreReply::Opened { newest: vec![], total: 0, new_draft: String::new() });
    let fetch_count = |effects: Vec<Effect>| effects.iter().filter(|e| matches!(e, Effect::FetchModels { .. })).count();
    assert_eq!(fetch_count(app.effects()), 1);
    app.press("ctrl-x m esc ctrl-x m esc");
    assert_eq!(fetch_count(app.effects()), 0, "the first fetch is still running");
}

#[test]
fn a_model_is_put_on_a_slot_without_closing_the_picker() {
    let mut app = Harness::new(100, 40);
    let catalogue = ibid::api::Catalogue::parse(
        r#"{"data":[{"id":"a/one","name":"A: One"},{"id":"b/two","name":"B: Two","context_length":32000}]}"#,
    )
    .expect("the catalogue is valid");
    app.send(Msg::CatalogueLoaded { endpoint: "openrouter".into(), result: Ok(catalogue) });
    app.press("ctrl-x m");
    app.enter_text("two");
    app.press("ctrl-x 4");
    assert_eq!(app.env().slots[3].as_deref(), Some("b/two"));
    assert!(app.effects().iter().any(|e| matches!(e, Effect::SaveSetting(SettingChange::Slot(4, _)))));
    app.press("enter");
    assert_eq!(app.settings().model, "b/two");
}

#[test]
fn remapped_keys_are_shown_and_work() {
    let mut app = Harness::new(100, 24);
    for (action, keys) in [("commands", "f9"), ("newest", "f10"), ("help", "ctrl-x f1"), ("slot-1", "f5")] {
        app.env_mut().keymap.remap(None, action, &[keys.to_owned()]).expect("the key is free");
    }
    app.press("a backspace");
    let screen = app.screen();
    let bottom = screen.lines().last().expect("a status line");
    assert!(bottom.contains("F9 commands  ^X F1 keys"), "{bottom}");
    app.press("f5");
    assert!(app.screen().contains("slot 1 is empty · ^X m, then F5 assigns one"), "{}", app.screen());
    app.press("ctrl-x m");
    assert!(app.screen().contains("F5 assigns a slot"), "{}", app.screen());
    let catalogue = ibid::api::Catalogue::parse(r#"{"data":[{"id":"some/one"},{"id":"some/two"}]}"#);
    app.send(Msg::CatalogueLoaded {
        endpoint: "openrouter".into(),
        result: Ok(catalogue.expect("the catalogue is valid")),
    });
    app.press("f5");
    assert_eq!(app.env().slots[0].as_deref(), Some("some/one"), "{}", app.screen());
    app.press("down ctrl-x 2");
    assert_eq!(app.env().slots[1].as_deref(), Some("some/two"));
    app.press("down ctrl-x 1");
    assert_eq!(app.env().slots[0].as_deref(), Some("some/one"), "the slot's old key no longer works");
}

#[test]
fn the_rule_above_an_edited_prompt_names_the_remapped_keys() {
    let mut app = Harness::new(100, 24);
    app.send_prompt("one");
    app.env_mut().keymap.remap(None, "send", &["ctrl-s".to_owned()]).expect("the key is free");
    app.press("tab e enter");
    assert!(app.screen().contains("^S send as a branch  Esc cancel"), "{}", app.screen());
}

#[test]
fn the_pill_and_the_welcome_show_the_remapped_keys() {
    let mut app = Harness::new(80, 24);
    for (action, keys) in [("newest", "f10"), ("cancel", "ctrl-q")] {
        app.env_mut().keymap.remap(None, action, &[keys.to_owned()]).expect("the key is free");
    }
    let stream = app.send_prompt("much");
    let delta = |text: &str| {
        json!({"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": text}).to_string()
    };
    app.receive_events(stream, &[delta(&"a line\n\n".repeat(60)).as_str()]);
    app.press("pgup pgup");
    app.receive_events(stream, &[delta(&"another\n\n".repeat(9)).as_str()]);
    assert!(app.screen().contains("new lines  F10"), "{}", app.screen());
    let mut welcome = Harness::with_start(StartOptions { endpoints: Vec::new(), ..default_start(80, 24) });
    welcome.env_mut().keymap.remap(None, "cancel", &["ctrl-q".to_owned()]).expect("the key is free");
    welcome.store_reply(StoreReply::Opened { newest: Vec::new(), total: 0, new_draft: String::new() });
    assert!(welcome.screen().contains("^Q quit"), "{}", welcome.screen());
}

/// Ways to write a key that are not ours, outside the config's.
const FOREIGN_KEYS: &[&str] = &[
    "Ctrl-",
    "Ctrl+",
    "ctrl+",
    "Control-",
    "<C-",
    "PageUp",
    "PageDown",
    "PgUp-",
    "<Enter>",
    "up down",
    "Shift+",
    "shift-tab",
    "alt-enter",
];

/// Returns the first foreign way to write a key, or a key without its capital between hints.
fn foreign_key(line: &str) -> Option<&str> {
    let foreign = FOREIGN_KEYS.iter().find(|key| line.contains(**key)).copied();
    let is_small = |word: &&str| matches!(*word, "esc" | "pgup" | "pgdn" | "shift-tab" | "ctrl-x");
    foreign.or_else(|| line.split(|letter: char| letter.is_whitespace() || "`(),.;:".contains(letter)).find(is_small))
}

#[test]
fn keys_are_written_in_one_way_on_every_screen_and_in_every_document() {
    use std::{fs, path::Path};
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = vec![root.join("README.md"), root.join("CHANGELOG.md"), root.join("ARCHITECTURE.md")];
    for folder in ["docs", "assets/demo", "tests/it/snapshots"] {
        let entries = fs::read_dir(root.join(folder)).expect("the folder is part of the project");
        files.extend(entries.map(|entry| entry.expect("an entry").path()).filter(|path| {
            // What a tool wrote is not ours.
            !path.ends_with("it__results__pager-hostile.snap")
                && path
                    .extension()
                    .is_some_and(|extension| ["md", "snap", "toml"].iter().any(|known| extension == *known))
        }));
    }
    for file in files {
        let text = fs::read_to_string(&file).expect("the file is text");
        let is_readme = file.ends_with("README.md");
        let mut is_config = false;
        for line in text.lines() {
            is_config ^= line.starts_with("```");
            // The config writes keys as `ctrl-x m`, and the README says so.
            let shows_config = is_config || is_readme && line.contains("The config writes keys as");
            if !shows_config {
                assert_eq!(foreign_key(line), None, "{}: {line}", file.display());
            }
        }
    }
    for entry in ibid::ui::action::ACTIONS {
        for (_, keys) in entry.keys {
            let shown = ibid::ui::keymap::format_sequence(&ibid::ui::keymap::parse_sequence(keys).expect("its keys"));
            assert_eq!(foreign_key(&shown), None, "{}", entry.name);
        }
        assert_eq!(foreign_key(entry.title).or_else(|| foreign_key(entry.hint)), None, "{}", entry.name);
    }
    assert_eq!(foreign_key("press Ctrl-End or esc"), Some("Ctrl-"));
    assert_eq!(foreign_key("↵ save  esc cancel"), Some("esc"));
}
