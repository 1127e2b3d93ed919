//! Slash commands: the list above the composer, completion, arguments, and what is never sent by a slip.

use ibid::{
    config::{MouseMode, SettingChange},
    ui::{
        Effect, Msg,
        action::{ACTIONS, ActionListing},
        screen::PaneFocus,
    },
};

use crate::{moving::press, screens::at_every_size, support::harness::Harness};

fn app() -> Harness {
    let mut app = Harness::new(100, 30);
    let catalogue = ibid::api::Catalogue::parse(
        r#"{"data":[{"id":"a/claude-opus-5","name":"Opus"},{"id":"a/claude-sonnet-5","name":"Sonnet"},
            {"id":"b/tiny","name":"Tiny","supported_parameters":["temperature"]},
            {"id":"b/thinker","name":"Thinker","supported_parameters":["reasoning"],
             "reasoning":{"supported_efforts":["low","high"]}}]}"#,
    );
    let result = Ok(catalogue.expect("the catalogue is valid"));
    app.send(Msg::CatalogueLoaded { endpoint: "openrouter".into(), result });
    app.effects();
    app
}

fn run(app: &mut Harness, command: &str) {
    app.enter_text(command);
    app.press("enter");
}

/// The rows of the list, without the frame of the screen.
fn listed(app: &Harness) -> Vec<String> {
    let rule = app.areas().composer_rule;
    let rows = (0..rule.y).rev().map(|y| app.row(y)).take_while(|row| row.contains('/')).collect::<Vec<_>>();
    rows.into_iter().rev().collect()
}

#[test]
fn the_list_of_commands() {
    at_every_size("slash", |app| app.enter_text("/mo"));
}

#[test]
fn the_row_about_an_unknown_command() {
    at_every_size("slash-unknown", |app| {
        app.enter_text("/foo");
        app.press("enter");
    });
}

#[test]
fn the_list_moves_nothing_and_enter_runs_the_selected_row() {
    let mut app = app();
    let stream = app.send_prompt("Hello");
    app.stream_answer(stream, "Some text.");
    let before = app.screen();
    app.enter_text("/th");
    let above = usize::from(app.areas().composer_rule.y) - listed(&app).len();
    assert!(app.screen().lines().take(above).eq(before.lines().take(above)), "{}", app.screen());
    assert!(listed(&app)[0].contains("▌ /theme"), "{}", app.screen());
    app.press("enter");
    assert_eq!(app.draft(), "");
    assert!(app.screen().contains("╭── Theme"), "{}", app.screen());
}

#[test]
fn arrows_choose_a_row_tab_completes_it_and_escape_closes_the_list() {
    let mut app = app();
    app.enter_text("/mo");
    app.press("down tab");
    assert_eq!(app.draft(), "/mouse ");
    assert_eq!(app.focus(), PaneFocus::Composer);
    app.press("ctrl-u");
    app.enter_text("/mo");
    app.press("up up down down tab");
    assert_eq!(app.draft(), "/model ", "from one end it goes on at the other");
    app.enter_text("so");
    app.press("tab");
    assert_eq!(app.draft(), "/model a/claude-sonnet-5");
    app.press("esc");
    assert_eq!(listed(&app), [""; 0], "{}", app.screen());
    assert_eq!(app.draft(), "/model a/claude-sonnet-5", "Esc keeps what was typed");
    app.press("enter");
    assert_eq!(app.settings().model, "a/claude-sonnet-5");
}

#[test]
fn commands_take_arguments() {
    let mut app = app();
    run(&mut app, "/model opus");
    assert_eq!(app.settings().model, "a/claude-opus-5");
    run(&mut app, "/model thinker");
    run(&mut app, "/effort hi");
    assert_eq!(app.settings().effort.map(ibid::api::request::Effort::name), Some("high"));
    run(&mut app, "/web on");
    run(&mut app, "/web on");
    assert!(app.settings().web);
    run(&mut app, "/web off");
    assert!(!app.settings().web);
    run(&mut app, "/system Answer in verse.");
    assert_eq!(app.settings().instructions.as_deref(), Some("Answer in verse."));
    app.env_mut().slots[2] = Some("a/claude-opus-5".into());
    run(&mut app, "/slot 3");
    assert_eq!(app.settings().model, "a/claude-opus-5");
    run(&mut app, "/theme paper");
    assert_eq!(app.env().config.theme, "paper");
    run(&mut app, "/mouse wheel");
    assert!(
        app.effects()
            .iter()
            .any(|effect| matches!(effect, Effect::SaveSetting(SettingChange::Mouse(MouseMode::Wheel))))
    );
    let stream = app.send_prompt("Tell me about WAL");
    app.stream_answer(stream, "WAL is a log. It is called WAL.");
    run(&mut app, "/title Write-ahead logs");
    assert!(app.conversation().is_some_and(|conversation| conversation.title == "Write-ahead logs"));
    run(&mut app, "/find called");
    assert!(app.screen().contains("1 of 1"), "{}", app.screen());
}

#[test]
fn an_unknown_command_is_not_sent_by_the_first_enter_and_any_change_asks_again() {
    let mut app = app();
    for draft in ["/foo", "/foo with words", "/new and then some", "/effort banana", "/model zebra"] {
        run(&mut app, draft);
        assert_eq!(app.opened_streams(), [], "{draft}");
        assert_eq!(app.draft(), draft);
        assert!(app.screen().contains("↵ again sends it as text."), "{draft}: {}", app.screen());
        app.enter_text("x");
        assert!(!app.screen().contains("again sends it as text"), "{draft}: {}", app.screen());
        app.press("backspace esc enter");
        assert_eq!(app.opened_streams(), [], "{draft}: it was changed in between");
        app.press("ctrl-u");
    }
    run(&mut app, "/foo");
    app.press("enter");
    assert_eq!(app.opened_streams()[0].1["input"][0]["content"], "/foo");
}

#[test]
fn an_effort_of_one_model_is_neither_sent_to_nor_shown_for_a_model_without_it() {
    let mut app = app();
    run(&mut app, "/model opus");
    run(&mut app, "/effort max");
    assert!(app.status().contains("max"), "{}", app.status());
    run(&mut app, "/model tiny");
    assert!(!app.status().contains("max"), "{}", app.status());
    run(&mut app, "hello");
    let body = app.opened_streams().remove(0).1;
    assert_eq!((&body["model"], body.get("reasoning")), (&"b/tiny".into(), None), "{body}");
    run(&mut app, "/effort high");
    assert!(app.screen().contains("tiny has no effort setting. ↵ again"), "{}", app.screen());
    app.press("ctrl-u");
    run(&mut app, "/model thinker");
    run(&mut app, "/effort max");
    assert!(app.screen().contains("thinker takes none, low or high. ↵ again"), "{}", app.screen());
}

#[test]
fn an_effort_of_the_config_waits_for_a_model_that_has_it() {
    let mut start = crate::support::harness::default_start(100, 30);
    (start.config.model, start.config.effort) = (Some("b/tiny".into()), Some("high".into()));
    let mut app = Harness::with_start(start);
    app.draw();
    assert!(app.status().contains("high"), "nothing is known of the model yet: {}", app.status());
    app.send(Msg::CatalogueLoaded {
        endpoint: "openrouter".into(),
        result: ibid::api::Catalogue::parse(r#"{"data":[{"id":"b/tiny","supported_parameters":["temperature"]}]}"#),
    });
    assert!(!app.status().contains("high"), "{}", app.status());
    app.store_reply(ibid::store::StoreReply::Opened { newest: Vec::new(), total: 0, new_draft: String::new() });
    app.send_prompt("hello");
    let answer = app.conversation().and_then(|chat| chat.messages.get(chat.branch.last()?)?.as_answer());
    assert_eq!(answer.map(|answer| answer.params.effort), Some(None), "the details do not name it");
}

#[test]
fn a_path_and_several_lines_are_text() {
    for text in ["/usr/bin/env python", "// a comment", "/* css */"] {
        let mut app = app();
        run(&mut app, text);
        assert_eq!(app.opened_streams().len(), 1, "{text}");
    }
    let mut app = app();
    app.paste("/new\nsecond line");
    assert_eq!(listed(&app), [""; 0]);
    app.press("enter");
    assert_eq!(app.opened_streams().len(), 1);
}

#[test]
fn a_known_command_is_set_in_accent_and_an_unknown_one_is_not() {
    let mut app = app();
    let composer = app.areas().composer;
    let colour = |app: &Harness| app.cell(composer.x + 3, composer.y).fg;
    app.enter_text("/foo");
    let plain = colour(&app);
    app.press("ctrl-u");
    app.enter_text("/mo");
    assert_ne!(colour(&app), plain);
}

#[test]
fn a_click_on_a_row_runs_it() {
    let mut app = app();
    app.enter_text("/mo");
    let rule = app.areas().composer_rule;
    let row = (0..rule.y).find(|y| app.row(*y).contains("/mouse")).expect("the row is listed");
    press(&mut app, (rule.x + 4, row));
    assert!(app.screen().contains("╭── Mouse"), "{}", app.screen());
}

#[test]
fn at_most_eight_rows_are_listed_and_the_rest_is_counted() {
    let mut app = app();
    app.enter_text("/");
    assert_eq!(listed(&app).len(), 8, "{}", app.screen());
    app.press("up");
    assert!(listed(&app).last().is_some_and(|row| row.contains('▌')), "{}", app.screen());
}

#[test]
fn the_keys_stand_in_the_rule() {
    let mut app = app();
    app.enter_text("/mo");
    let rule = app.areas().composer_rule;
    assert!(app.row(rule.y).ends_with("─ ↵ run  Tab complete  Esc close ─"), "{}", app.screen());
}

#[test]
fn no_command_does_nothing_in_silence() {
    // What only moves needs somewhere to move to, and these two concern the terminal.
    let is_expected = |name: &str| {
        matches!(
            name,
            "new" | "page-up" | "page-down" | "top" | "newest" | "repaint" | "suspend" | "next-slot" | "previous-slot"
        )
    };
    let mut silent = Vec::new();
    for entry in ACTIONS.iter().filter(|entry| entry.listing == ActionListing::Commands) {
        let mut app = Harness::new(80, 24);
        app.effects();
        let before = app.screen();
        app.set_draft(&format!("/{}", entry.slash_name()));
        app.press("enter");
        let has_effect = app.effects().iter().any(|effect| !matches!(effect, Effect::RunStoreJob(_)));
        if app.screen() == before && !has_effect && !is_expected(entry.name) {
            silent.push(entry.name);
        }
    }
    assert_eq!(silent, Vec::<&str>::new());
}

#[test]
fn what_looks_like_a_command_is_held_by_the_first_enter() {
    let held = ["/foo!", "/foo.bar", "/?", "/help?", "/model:opus", "/modél", "/модель", "//", "/ ", " /foo", "/ x"];
    for draft in held {
        let mut app = app();
        app.set_draft(draft);
        app.press("esc enter");
        assert!(app.opened_streams().is_empty(), "{draft}: {}", app.screen());
        assert!(app.screen().contains("again sends it as text"), "{draft}: {}", app.screen());
        app.press("enter");
        assert_eq!(app.opened_streams().len(), 1, "{draft}: the second Enter sends it");
    }
    for draft in ["/usr/bin/env bash", "/tmp/ is full"] {
        let mut app = app();
        app.set_draft(draft);
        app.press("enter");
        assert_eq!(app.opened_streams().len(), 1, "{draft} is a path");
    }
}

#[test]
fn an_empty_slot_says_how_to_fill_it() {
    let mut app = app();
    run(&mut app, "/slot 3");
    assert!(app.screen().contains("slot 3 is empty · ^X m, then ^X 3 assigns one"), "{}", app.screen());
    assert_eq!(app.draft(), "");
}

#[test]
fn an_argument_is_a_name_or_fits_one_choice_and_a_slip_is_held() {
    // What is typed, and what is in force after one Enter: theme, effort, web search, model, mouse.
    let accepted = [
        ("/theme paper", "paper"),
        ("/theme PAPER", "paper"),
        ("/theme pap", "paper"),
        ("/effort high", "high"),
        ("/effort h", "high"),
        ("/web on", "web"),
        ("/model a/claude-opus-5", "claude-opus-5"),
        ("/model claude-opus-5", "claude-opus-5"),
        ("/model opus", "claude-opus-5"),
        ("/model sonn", "claude-sonnet-5"),
        ("/model claude", "claude-opus-5"),
        ("/mouse wh", "wheel"),
    ];
    for (draft, expected) in accepted {
        let mut app = app();
        run(&mut app, "/model thinker");
        run(&mut app, draft);
        assert_eq!(app.draft(), "", "{draft}: {}", app.screen());
        let (env, settings) = (app.env(), app.settings());
        let effort = settings.effort.map_or("", ibid::api::request::Effort::name);
        let now = [
            env.config.theme.as_str(),
            effort,
            if settings.web { "web" } else { "" },
            settings.model.as_str(),
            env.config.mouse.as_str(),
        ];
        assert!(now.iter().any(|value| value.ends_with(expected)), "{draft}: {now:?}");
    }
    let held = [
        ("/theme x", "/theme does not know x."),
        ("/theme k", "/theme does not know k."),
        ("/effort o", "thinker takes none, low or high."),
        ("/effort igh", "/effort"),
        ("/web yes", "/web takes on or off."),
        ("/mouse x", "/mouse takes on, wheel or off."),
        ("/slot 0", "/slot takes a number from 1 to 9."),
        ("/slot 12", "/slot takes a number from 1 to 9."),
        ("/slot x", "/slot takes a number from 1 to 9."),
        ("/model u", "/model does not know u. Nearest: "),
        ("/model cld", "/model does not know cld. Nearest: a/claude-opus-5 or a/claude-sonnet-5."),
    ];
    for (draft, reason) in held {
        let mut app = app();
        run(&mut app, "/model thinker");
        let before = (app.env().config.theme.clone(), app.settings().clone());
        run(&mut app, draft);
        if draft == "/effort igh" {
            assert_eq!(app.settings().effort.map(ibid::api::request::Effort::name), Some("high"), "a piece of one");
            continue;
        }
        assert!(app.screen().contains(reason), "{draft}: {}", app.screen());
        assert_eq!(app.draft(), draft);
        assert_eq!((app.env().config.theme.clone(), app.settings().clone()), before, "{draft}");
        assert!(app.opened_streams().is_empty(), "{draft}");
    }
}

#[test]
fn an_argument_that_fits_several_is_never_sent_and_names_them() {
    for (draft, reason) in [
        ("/web o", "/web o may be on or off. ↑↓ chooses."),
        ("/model cla", "/model cla may be a/claude-opus-5 or a/claude-sonnet-5. ↑↓ chooses."),
    ] {
        let mut app = app();
        let before = app.settings().clone();
        run(&mut app, draft);
        app.press("enter enter");
        assert!(app.screen().contains(reason), "{draft}: {}", app.screen());
        assert_eq!((app.draft().as_str(), app.settings()), (draft, &before));
        assert!(app.opened_streams().is_empty(), "{draft}: {}", app.screen());
        let listed = app.screen();
        assert!(listed.contains("  off") || listed.contains("  a/claude-sonnet-5"), "the choices stay: {listed}");
        app.press("down down enter");
        assert_ne!((app.draft().as_str(), app.settings()), (draft, &before), "{}", app.screen());
    }
}

#[test]
fn a_command_without_its_argument_opens_the_choice_and_takes_none_of_it() {
    for (draft, title) in
        [("/model ", "Model for the next message"), ("/theme ", "Theme"), ("/effort ", "Effort"), ("/mouse ", "Mouse")]
    {
        let mut app = app();
        run(&mut app, "/model thinker");
        let before = (app.env().config.theme.clone(), app.settings().clone());
        run(&mut app, draft);
        assert_eq!((app.env().config.theme.clone(), app.settings().clone()), before, "{draft}");
        assert!(app.screen().contains(&format!("╭── {title} ")), "{draft}: {}", app.screen());
    }
}
