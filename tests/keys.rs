//! What keys lead to, and what the screen says of them: actions, the leader, slash commands, slots.

mod support;

use std::time::Duration;

use ibid::{
    app::{
        Effect, Msg, Start,
        overlays::{Overlay, Picked},
    },
    config::Chosen,
    store::Reply,
};
use serde_json::json;
use support::harness::{Harness, start};

#[test]
fn a_slot_an_effort_and_web_search_change_the_next_body_and_keep_the_draft() {
    let mut begin = start(100, 30);
    begin.config.slots.insert(1, "anthropic/claude-opus-5".into());
    begin.config.slots.insert(3, "google/gemini-3-pro".into());
    let mut app = Harness::with(begin);
    app.reply(Reply::Opened { newest: vec![], total: 0, new_draft: String::new() });
    app.enter_text("the draft");
    app.press("f2");
    assert_eq!(app.state.settings().model, "anthropic/claude-opus-5");
    app.press("ctrl-x 3 shift-tab ctrl-x w");
    assert_eq!(app.draft(), "the draft");
    app.effects();
    app.press("enter");
    let body = app.opened().remove(0).1;
    assert_eq!(body["model"], "google/gemini-3-pro");
    assert_eq!(body["reasoning"]["effort"], "none");
    assert_eq!(body["tools"], json!([{"type": "openrouter:web_search"}]));
    assert!(body.get("max_output_tokens").is_none());
}

#[test]
fn a_slug_that_searches_by_itself_is_shown_as_web_and_gets_no_search_tool() {
    let mut begin = start(100, 30);
    begin.config.model = Some("openai/gpt-5.6-luna:online".into());
    let mut app = Harness::with(begin);
    app.reply(Reply::Opened { newest: Vec::new(), total: 0, new_draft: String::new() });
    assert!(app.status().contains("web"), "{}", app.status());
    app.press("ctrl-x w");
    app.effects();
    app.enter_text("news?");
    app.press("enter");
    let (_, body) = app.opened().remove(0);
    assert_eq!((&body["model"], body.get("tools")), (&json!("openai/gpt-5.6-luna:online"), None));
}

#[test]
fn f2_goes_round_the_filled_slots_and_shift_f2_back() {
    let mut begin = start(80, 24);
    begin.config.slots.insert(2, "a/two".into());
    begin.config.slots.insert(9, "a/nine".into());
    let mut app = Harness::with(begin);
    let mut seen = Vec::new();
    for key in ["f2", "f2", "f2", "shift-f2"] {
        app.press(key);
        seen.push(app.state.settings().model.clone());
    }
    assert_eq!(seen, ["a/two", "a/nine", "a/two", "a/nine"]);
}

#[test]
fn every_listed_action_is_in_the_palette_under_its_title() {
    let mut app = Harness::new(100, 60);
    for entry in ibid::app::action::TABLE {
        if entry.listed == ibid::app::action::Listed::Palette {
            app.press("ctrl-p");
            app.paste(entry.title);
            let screen = app.screen();
            assert!(screen.contains(entry.title), "{}: {screen}", entry.name);
            let Some(Overlay::Picker { picker, .. }) = app.state.screen.overlays.last() else { panic!("the palette") };
            let taken = picker.chosen().map(|row| &row.payload);
            assert_eq!(taken, Some(&Picked::Action(entry.action)), "{}: what Enter takes", entry.name);
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
fn a_question_mark_in_an_empty_composer_shows_the_keys_and_in_a_text_is_a_letter() {
    let mut app = Harness::new(100, 40);
    app.press("?");
    assert!(app.screen().contains("Conversations") || app.screen().contains("Writing"), "{}", app.screen());
    app.press("esc");
    app.enter_text("why");
    app.press("?");
    assert_eq!(app.draft(), "why?");
}

#[test]
fn the_catalogue_is_asked_for_once_the_database_is_there() {
    let mut app = Harness::with(start(80, 24));
    app.reply(Reply::Opened { newest: vec![], total: 0, new_draft: String::new() });
    let asked = |effects: Vec<Effect>| effects.iter().filter(|e| matches!(e, Effect::FetchModels { .. })).count();
    assert_eq!(asked(app.effects()), 1);
    app.press("ctrl-x m esc ctrl-x m esc");
    assert_eq!(asked(app.effects()), 0, "it is on its way");
}

#[test]
fn a_slash_and_the_name_of_an_action_is_that_action_and_any_other_text_is_a_prompt() {
    let mut app = Harness::new(80, 24);
    app.enter_text("/web");
    app.press("enter");
    assert!(app.state.settings().web);
    assert_eq!(app.draft(), "");
    app.enter_text("/etc/hosts says what?");
    app.press("enter");
    assert_eq!(app.opened().len(), 1);
}

#[test]
fn tab_completes_a_slash_command_that_only_one_action_has() {
    let mut app = Harness::new(80, 24);
    app.enter_text("/para");
    app.press("tab");
    assert_eq!(app.draft(), "/parameters");
}

#[test]
fn a_model_of_the_picker_goes_on_a_slot_without_closing_it() {
    let mut app = Harness::new(100, 40);
    let catalogue = ibid::api::Catalogue::parse(
        r#"{"data":[{"id":"a/one","name":"A: One"},{"id":"b/two","name":"B: Two","context_length":32000}]}"#,
    )
    .expect("a catalogue");
    app.send(Msg::Models { endpoint: "openrouter".into(), result: Ok(catalogue) });
    app.press("ctrl-x m");
    app.enter_text("two");
    app.press("ctrl-x 4");
    assert_eq!(app.state.slots[3].as_deref(), Some("b/two"));
    assert!(app.effects().iter().any(|e| matches!(e, Effect::Keep(Chosen::Slot(4, _)))));
    app.press("enter");
    assert_eq!(app.state.settings().model, "b/two");
}

#[test]
fn keys_that_were_given_away_are_shown_as_they_are_now() {
    let mut app = Harness::new(100, 24);
    for (action, keys) in [("palette", "f9"), ("newest", "f10"), ("help", "ctrl-x f1"), ("slot-1", "f5")] {
        app.state.keymap.remap(action, &[keys.to_owned()]).expect("a key that is free");
    }
    app.press("a backspace");
    let screen = app.screen();
    let bottom = screen.lines().last().expect("a status line");
    assert!(bottom.contains("F9 menu  ^X F1 keys"), "{bottom}");
    app.press("f5");
    assert!(app.screen().contains("slot 1 is empty: ^X m, then F5 puts a model on it"), "{}", app.screen());
    app.press("ctrl-x m");
    assert!(app.screen().contains("F5 put on a slot"), "{}", app.screen());
    let catalogue = ibid::api::Catalogue::parse(r#"{"data":[{"id":"some/one"},{"id":"some/two"}]}"#);
    app.send(Msg::Models { endpoint: "openrouter".into(), result: Ok(catalogue.expect("a catalogue")) });
    app.press("f5");
    assert_eq!(app.state.slots[0].as_deref(), Some("some/one"), "{}", app.screen());
    app.press("down ctrl-x 2");
    assert_eq!(app.state.slots[1].as_deref(), Some("some/two"));
    app.press("down ctrl-x 1");
    assert_eq!(app.state.slots[0].as_deref(), Some("some/one"), "that key was given away");
}

#[test]
fn the_pill_and_the_welcome_name_the_keys_that_work() {
    let mut app = Harness::new(80, 24);
    for (action, keys) in [("newest", "f10"), ("cancel", "ctrl-q")] {
        app.state.keymap.remap(action, &[keys.to_owned()]).expect("a key that is free");
    }
    let stream = app.prompt("much");
    let delta = |text: &str| {
        json!({"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": text}).to_string()
    };
    app.events(stream, &[delta(&"a line\n\n".repeat(60)).as_str()]);
    app.press("pgup pgup");
    app.events(stream, &[delta(&"another\n\n".repeat(9)).as_str()]);
    assert!(app.screen().contains("new lines  F10"), "{}", app.screen());
    let mut welcome = Harness::with(Start { endpoints: Vec::new(), ..start(80, 24) });
    welcome.state.keymap.remap("cancel", &["ctrl-q".to_owned()]).expect("a key that is free");
    welcome.reply(Reply::Opened { newest: Vec::new(), total: 0, new_draft: String::new() });
    assert!(welcome.screen().contains("^Q quit"), "{}", welcome.screen());
}
