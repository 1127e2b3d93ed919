//! What goes on: stopped answers, queued prompts, edits, toasts, the pill and the hints that teach.

use std::time::Duration;

use crossterm::event::MouseEventKind;
use ibid::{
    chat::{ConversationChange, StreamId},
    store::{StoreJob, StoreReply},
    ui::{Effect, screen::PaneFocus},
};
use serde_json::json;

use crate::{
    moving::{click_on, drag, position_of, press, release, send_mouse, with_answer},
    support::{cited_answer, harness::Harness},
};

fn send_delta(app: &mut Harness, stream: StreamId, text: &str) {
    let delta = json!({"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": text});
    app.receive_events(stream, &[&delta.to_string()]);
}

/// Starts with an answer that was stopped in the middle, and these queued prompts.
fn stopped(width: u16, height: u16, queued: &[&str]) -> Harness {
    let mut app = Harness::new(width, height);
    let stream = app.send_prompt("Why is the night sky dark?");
    send_delta(&mut app, stream, "What saves the dark is that");
    for prompt in queued {
        app.enter_text(prompt);
        app.press("enter");
    }
    app.press("esc");
    app.wait(Duration::from_secs(1));
    app.effects();
    app
}

fn row_with(app: &Harness, text: &str) -> String {
    let found = app.screen().lines().find(|row| row.contains(text)).map(str::to_owned);
    found.unwrap_or_else(|| panic!("{text:?} is not on the screen:\n{}", app.screen()))
}

#[test]
fn a_stopped_answer_says_so_and_enter_continues_it() {
    let mut app = stopped(100, 30, &[]);
    let row = row_with(&app, "stopped by you");
    assert!(row.contains("▌ stopped by you · you may still be billed"), "{row}");
    assert!(row.trim_end().ends_with("↵ continue   Tab, then r again"), "{row}");
    assert!(app.status().contains("stopped") && !app.status().contains('?'.to_string().repeat(2).as_str()));
    app.press("enter");
    let body = app.opened_streams().remove(0).1;
    assert!(body["input"].to_string().contains("What saves the dark is that"), "{body}");
    let mut app = stopped(100, 30, &[]);
    app.press("tab r");
    let body = app.opened_streams().remove(0).1;
    assert!(!body["input"].to_string().contains("What saves"), "{body}");
}

#[test]
fn an_answer_stopped_before_its_text_is_not_asked_for_again_by_enter() {
    let mut app = Harness::new(100, 30);
    app.send_prompt("Why?");
    app.press("esc");
    app.wait(Duration::from_secs(1));
    app.press("enter");
    assert!(app.opened_streams().is_empty());
    assert!(row_with(&app, "stopped by you").contains("Tab, then r again"), "{}", app.screen());
}

#[test]
fn with_a_queue_enter_sends_its_first_prompt_and_up_takes_the_last_one_back() {
    let queue = ["Add an experiment.", "And a shorter version."];
    let mut app = stopped(100, 30, &queue);
    assert!(
        row_with(&app, "stopped by you").trim_end().ends_with("Tab, then c continue   r again"),
        "{}",
        app.screen()
    );
    let heads: Vec<String> = app.screen().lines().filter(|row| row.contains("◔ queued")).map(str::to_owned).collect();
    assert!(heads[0].trim_end().ends_with("↵ send now") && heads[1].trim_end().ends_with("↑ edit"), "{heads:#?}");
    assert!(app.status().contains("stopped · 2 queued"), "{}", app.status());
    assert_eq!(app.screen().matches('↵').count(), 1, "one live key: {}", app.screen());
    app.press("up");
    assert_eq!(app.draft(), "And a shorter version.");
    app.press("ctrl-u");
    let head = row_with(&app, "◔ queued");
    assert!(head.trim_end().ends_with("↵ send now   ↑ edit"), "{head}");
    app.press("enter");
    let body = app.opened_streams().remove(0).1;
    assert!(body["input"].to_string().contains("Add an experiment."), "{body}");
}

#[test]
fn while_a_turn_runs_a_queued_prompt_can_only_be_taken_back() {
    let mut app = Harness::new(100, 30);
    app.send_prompt("first");
    app.enter_text("second");
    app.press("enter");
    let head = row_with(&app, "◔ queued");
    assert!(head.trim_end().ends_with("↑ edit") && !head.contains("send now"), "{head}");
}

#[test]
fn nothing_but_the_draft_takes_enter_while_one_writes() {
    let mut app = stopped(100, 30, &["Add an experiment."]);
    app.press("x");
    let screen = app.screen();
    assert!(!screen.contains('↵') && !screen.contains("↑ edit"), "{screen}");
    assert!(row_with(&app, "stopped by you").contains("Tab, then c continue   r again"), "{screen}");
    app.press("ctrl-u");
    assert!(row_with(&app, "◔ queued").contains("↵ send now   ↑ edit"), "{}", app.screen());

    let mut app = stopped(100, 30, &[]);
    app.press("x");
    assert!(row_with(&app, "stopped by you").contains("Tab, then c continue   r again"), "{}", app.screen());
    click_on(&mut app, "c continue");
    assert!(app.opened_streams().is_empty(), "the card has not had the focus");
    assert_eq!(app.draft(), "x");
}

#[test]
fn an_edit_left_empty_takes_no_choice_of_a_card() {
    let mut app = stopped(100, 30, &[]);
    app.press("ctrl-x u enter ctrl-u");
    app.press("enter");
    assert!(app.opened_streams().is_empty(), "{}", app.screen());
}

#[test]
fn the_keys_of_a_queued_prompt_can_be_clicked() {
    let queue = ["Add an experiment.", "And a shorter version."];
    let mut app = stopped(100, 30, &queue);
    click_on(&mut app, "edit");
    assert_eq!(app.draft(), "And a shorter version.");
    app.press("ctrl-u");
    click_on(&mut app, "send now");
    let body = app.opened_streams().remove(0).1;
    assert!(body["input"].to_string().contains("Add an experiment."), "{body}");
    let mut app = stopped(100, 30, &queue);
    click_on(&mut app, "queued");
    assert!(app.opened_streams().is_empty() && app.draft().is_empty(), "the words beside them do nothing");
}

#[test]
fn an_edit_marks_the_rule_until_it_ends_and_the_draft_comes_back() {
    let mut app = with_answer(100, 30, "yes");
    app.press("esc");
    app.enter_text("half a thought");
    app.press("ctrl-x u enter");
    app.wait(Duration::from_secs(10));
    let rule = app.row(app.areas().composer_rule.y);
    assert!(
        rule.contains("editing an earlier prompt") && rule.trim_end().ends_with("↵ send as a branch  Esc cancel"),
        "{rule}"
    );
    app.enter_text(" again");
    app.press("enter");
    assert_eq!(app.draft(), "half a thought");
    assert!(!app.screen().contains("editing an earlier prompt"), "{}", app.screen());
}

/// The drafts that were saved since the last call.
fn saved_drafts(app: &mut Harness) -> Vec<String> {
    let saves = app.effects().into_iter().filter_map(|effect| match effect {
        Effect::RunStoreJob(StoreJob::Save { changes, .. }) => Some(changes),
        _ => None,
    });
    let draft = |change| match change {
        ConversationChange::Draft { text, .. } => Some(text),
        _ => None,
    };
    saves.flatten().filter_map(draft).collect()
}

#[test]
fn an_unfinished_edit_waits_in_its_conversation_and_is_on_disk_meanwhile() {
    let mut app = with_answer(100, 30, "yes");
    app.press("esc");
    app.enter_text("half a thought");
    app.press("ctrl-x u enter");
    app.enter_text(" and more");
    let edit = app.draft();
    app.effects();
    app.wait(Duration::from_secs(1));
    assert_eq!(saved_drafts(&mut app), [format!("{edit}\n\nhalf a thought")], "a crash loses neither");
    app.press("ctrl-n");
    assert_eq!(app.draft(), "");
    app.press("ctrl-x l g enter");
    assert_eq!(app.draft(), edit);
    assert!(app.screen().contains("editing an earlier prompt"), "{}", app.screen());
    app.effects();
    app.press("esc");
    assert_eq!(app.draft(), "half a thought");
    assert_eq!(saved_drafts(&mut app), ["half a thought"]);
    app.press("ctrl-r");
    assert!(app.screen().contains("and more"), "what was cancelled is in the history: {}", app.screen());
}

#[test]
fn a_toast_about_the_trash_keeps_its_key_and_ends_with_the_undo() {
    let mut app = with_answer(120, 30, "yes");
    let title = "SQL window functions for running totals over gaps and islands, explained twice over again";
    app.press("ctrl-x l r ctrl-u");
    app.enter_text(title);
    app.press("enter d");
    assert!(app.screen().contains("” to the trash · u undo"), "{}", app.screen());
    app.press("u");
    assert!(!app.screen().contains("to the trash"), "{}", app.screen());
}

/// Keys that show a toast, a part of it, and keys that end what it says.
const ENDING: &[(&str, &str, &str)] = &[
    ("ctrl-x 4", "slot 4 is empty", "ctrl-x m ctrl-x 4 esc"),
    ("ctrl-x y", "copied the answer", "ctrl-n"),
    ("tab e enter esc", "edit cancelled", "ctrl-x u enter"),
    ("ctrl-x m x", "Esc cancel", "esc"),
    ("ctrl-x d", "to the trash", "/ u n d o - t r a s h enter"),
];

#[test]
fn a_toast_ends_with_what_it_says() {
    for (show, words, end) in ENDING {
        let mut app = with_answer(120, 30, "The answer itself.");
        let catalogue = ibid::api::Catalogue::parse(r#"{"data":[{"id":"a/one","name":"A: One"}]}"#);
        let result = Ok(catalogue.expect("a valid catalogue"));
        app.send(ibid::ui::Msg::CatalogueLoaded { endpoint: "openrouter".into(), result });
        app.press("esc");
        app.press(show);
        if *words == "Esc cancel" {
            crate::moving::click(&mut app, (0, 0));
        }
        assert!(app.screen().contains(words), "{show}: {}", app.screen());
        app.press(end);
        assert!(!app.screen().contains(words), "{show}, {end}: {}", app.screen());
    }
}

#[test]
fn a_toast_keeps_its_keys_at_40_columns() {
    let mut app = with_answer(40, 12, "yes");
    app.press("esc ctrl-x d");
    assert!(app.screen().contains("· /undo undo"), "{}", app.screen());
}

#[test]
fn undoing_the_trash_brings_the_conversation_back_to_the_screen() {
    let mut app = with_answer(120, 30, "The answer itself.");
    app.press("esc ctrl-x d");
    assert!(!app.screen().contains("The answer itself."));
    app.enter_text("/undo");
    app.press("enter");
    assert!(app.screen().contains("The answer itself."), "{}", app.screen());
    assert_eq!(app.focus(), PaneFocus::Composer);
}

#[test]
fn a_toast_is_readable_over_an_overlay() {
    let mut app = Harness::new(100, 40);
    let catalogue = ibid::api::Catalogue::parse(r#"{"data":[{"id":"a/one","name":"A: One"}]}"#);
    let catalogue = catalogue.expect("a valid catalogue");
    app.send(ibid::ui::Msg::CatalogueLoaded { endpoint: "openrouter".into(), result: Ok(catalogue) });
    app.press("ctrl-x m ctrl-x 4");
    let (x, y) = position_of(&app, "slot 4");
    let text = app.env().theme.style(ibid::render::theme::ColourRole::Text).fg;
    assert_eq!(Some(app.cell(x, y).fg), text.or(Some(ratatui::style::Color::Reset)), "{}", app.screen());
}

#[test]
fn a_click_on_the_pill_goes_to_the_end() {
    let mut app = Harness::new(80, 24);
    let stream = app.send_prompt("much");
    send_delta(&mut app, stream, &"a line\n\n".repeat(60));
    app.press("pgup pgup");
    send_delta(&mut app, stream, &"another\n\n".repeat(9));
    assert!(app.screen().contains("new lines  ^End"), "{}", app.screen());
    let (_, y) = position_of(&app, "new lines");
    assert_eq!(y, app.areas().transcript.bottom(), "below the text");
    click_on(&mut app, "new lines");
    assert!(app.transcript().is_following() && !app.screen().contains("new lines"), "{}", app.screen());
    assert_eq!(app.focus(), PaneFocus::Composer);
}

#[test]
fn rows_that_a_card_or_the_rail_adds_are_not_new() {
    let mut app = Harness::new(130, 24);
    for prompt in ["Is WAL safe on NFS?", "And again?"] {
        let stream = app.send_prompt(prompt);
        cited_answer::stream_cited_answer(&mut app, stream);
    }
    for _ in 0..2 {
        send_mouse(&mut app, MouseEventKind::ScrollUp, (60, 8));
    }
    for keys in ["ctrl-x s", "ctrl-x r", "ctrl-x b", "tab ] enter", "c", "esc esc esc"] {
        app.press(keys);
        assert!(!app.screen().contains("new line"), "{keys}: {}", app.screen());
    }
}

#[test]
fn the_leader_says_what_would_happen_to_list_and_rail() {
    let mut app = Harness::new(120, 40);
    app.press("ctrl-x");
    app.wait(Duration::from_secs(1));
    assert!(app.screen().contains("hide list") && app.screen().contains("show rail"), "{}", app.screen());
    app.press("b ctrl-x");
    app.wait(Duration::from_secs(1));
    assert!(app.screen().contains("show list"), "{}", app.screen());
}

#[test]
fn renaming_is_left_by_its_own_words() {
    let mut app = with_answer(120, 30, "yes");
    app.press("ctrl-x l r");
    assert!(app.status().contains("Esc cancels") && !app.status().contains("filter"), "{}", app.status());
}

#[test]
fn a_title_that_is_left_empty_stays_and_so_does_the_focus() {
    for (width, height) in [(80, 24), (120, 40)] {
        let mut app = with_answer(width, height, "yes");
        app.press("ctrl-x l");
        let before = app.focus();
        app.press("r ctrl-u enter");
        assert_eq!(app.focus(), before, "{width}");
        assert!(app.screen().contains("the old one stays"), "{}", app.screen());
    }
}

fn shown_hints(app: &mut Harness) -> Vec<(String, u32)> {
    let saves = app.effects().into_iter().filter_map(|effect| match effect {
        Effect::RunStoreJob(StoreJob::Save { changes, .. }) => Some(changes),
        _ => None,
    });
    let hint = |change| match change {
        ConversationChange::HintShown { name, times } => Some((name, times)),
        _ => None,
    };
    saves.flatten().filter_map(hint).collect()
}

fn drag_over_answer(app: &mut Harness) {
    let (x, y) = position_of(app, "Take these");
    press(app, (x, y));
    drag(app, (x + 5, y));
    release(app, (x + 5, y));
}

#[test]
fn the_first_drag_teaches_what_copies_and_the_third_run_is_silent() {
    for (before, is_shown) in [(0, true), (1, true), (2, false)] {
        let mut app = with_answer(120, 30, "Take these words.");
        app.store_reply(StoreReply::Hints(vec![("copy selection".into(), before)]));
        app.effects();
        drag_over_answer(&mut app);
        let hint = "^C copies · Shift-drag selects as the terminal does";
        assert_eq!(app.screen().contains(hint), is_shown, "{}", app.screen());
        let saved = if is_shown { vec![("copy selection".to_owned(), before + 1)] } else { Vec::new() };
        assert_eq!(shown_hints(&mut app), saved);
        app.wait(Duration::from_secs(5));
        drag_over_answer(&mut app);
        assert!(!app.screen().contains(hint), "once in a run");
    }
}

#[test]
fn the_first_long_answer_teaches_how_to_read_and_copy_it() {
    let mut app = Harness::new(120, 30);
    app.store_reply(StoreReply::Hints(Vec::new()));
    let stream = app.send_prompt("Briefly");
    app.stream_answer(stream, "Yes.");
    assert!(!app.screen().contains("reads it"));
    let stream = app.send_prompt("At length");
    app.stream_answer(stream, &"A paragraph of some length.\n\n".repeat(80));
    assert!(app.screen().contains("^X y copies it · Tab reads it"), "{}", app.screen());
    assert_eq!(shown_hints(&mut app), [("read answer".to_owned(), 1)]);
}

#[test]
fn the_keys_of_queued_prompts_can_be_clicked_while_nothing_is_typed() {
    let mut app = Harness::new(80, 24);
    app.send_prompt("first");
    for prompt in ["second", "third"] {
        app.enter_text(prompt);
        app.press("enter");
    }
    click_on(&mut app, "↑ edit");
    assert_eq!(app.draft(), "third");
    assert!(!app.screen().contains("↑ edit"), "what is written is not replaced: {}", app.screen());
    app.press("ctrl-u esc");
    assert!(app.opened_streams().len() <= 1, "stopped");
    click_on(&mut app, "↵ send now");
    assert!(app.screen().contains("second") && !app.screen().contains("send now"), "{}", app.screen());
}
