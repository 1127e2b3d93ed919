//! The application without a terminal, network or disk: keys and messages in, effects and screens out.

use crossterm::event::{Event as Input, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use std::time::Duration;

use crate::support::harness::{Harness, default_start};
use ibid::{
    chat::{ChatSettings, Conversation, ConversationId, Timestamp},
    store::{self, StoreJob, StoreReply},
    ui::{Effect, Msg},
};
use serde_json::json;

const DELTA: &str =
    r#"{"type":"response.output_text.delta","output_index":0,"content_index":0,"delta":"The borrow must outlive"}"#;

fn save_count(effects: &[Effect]) -> usize {
    effects.iter().filter(|effect| matches!(effect, Effect::RunStoreJob(StoreJob::Save { .. }))).count()
}

fn opened_stream_count(effects: &[Effect]) -> usize {
    effects.iter().filter(|effect| matches!(effect, Effect::OpenStream { .. })).count()
}

#[test]
fn a_prompt_is_saved_before_its_request_is_sent() {
    let mut app = Harness::new(80, 24);
    app.confirms_saves = false;
    app.enter_text("why is the sky blue?");
    app.effects();
    app.press("enter");
    let effects = app.effects();
    assert_eq!(opened_stream_count(&effects), 0, "{effects:?}");
    let tickets: Vec<_> = effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::RunStoreJob(StoreJob::Save { ticket, .. }) => Some(*ticket),
            _ => None,
        })
        .collect();
    for ticket in tickets {
        app.confirm_save(ticket);
    }
    let opened = app.opened_streams();
    assert_eq!(opened.len(), 1);
    assert_eq!(opened[0].1["input"], json!([{"role": "user", "content": "why is the sky blue?"}]));
}

#[test]
fn a_prompt_that_cannot_be_saved_waits_for_the_user_to_decide() {
    let mut app = Harness::new(100, 30);
    app.confirms_saves = false;
    app.enter_text("hello");
    app.press("enter");
    for effect in app.effects() {
        if let Effect::RunStoreJob(StoreJob::Save { ticket, .. }) = effect {
            app.store_reply(StoreReply::SaveFailed { ticket, error: store::StoreError::Locked });
        }
    }
    assert_eq!(opened_stream_count(&app.effects()), 0);
    assert!(app.screen().contains("locked"), "{}", app.screen());
    app.wait(Duration::from_millis(400));
    app.press("tab u");
    assert_eq!(opened_stream_count(&app.effects()), 1, "{}", app.screen());
}

#[test]
fn escape_stops_the_turn_and_keeps_the_partial_answer() {
    let mut app = Harness::new(80, 24);
    let stream = app.send_prompt("hello");
    app.receive_events(stream, &[DELTA]);
    assert!(app.status().contains("Esc stops"), "{}", app.status());
    app.press("esc");
    let effects = app.effects();
    assert!(
        effects.iter().any(|effect| matches!(effect, Effect::CloseStream(closed) if *closed == stream)),
        "{effects:?}"
    );
    assert!(app.screen().contains("The borrow must outlive"));
    app.receive_events(stream, &[DELTA]);
    assert_eq!(app.screen().matches("The borrow must outlive").count(), 1, "a late delta changes nothing");
}

#[test]
fn escape_leaves_one_level_at_a_time_and_never_quits() {
    let mut app = Harness::new(130, 30);
    let stream = app.send_prompt("hello");
    app.receive_events(stream, &[DELTA]);
    app.press("ctrl-x l ctrl-p");
    app.press("esc");
    assert!(app.overlay().is_none(), "first the overlay");
    assert_eq!(app.focus(), ibid::ui::screen::PaneFocus::List);
    app.press("esc");
    assert_eq!(app.focus(), ibid::ui::screen::PaneFocus::Composer, "then the pane");
    assert!(app.conversation().unwrap().active_turn().is_some());
    app.press("esc");
    assert!(app.conversation().unwrap().active_turn().is_none(), "then the turn");
    app.press("esc esc esc");
    assert!(!app.effects().iter().any(|effect| matches!(effect, Effect::Quit)));
}

#[test]
fn ctrl_c_closes_stops_clears_and_then_asks_to_quit() {
    let mut app = Harness::new(100, 30);
    let stream = app.send_prompt("hello");
    app.receive_events(stream, &[DELTA]);
    app.enter_text("a draft");
    app.press("ctrl-x m ctrl-c");
    assert!(app.overlay().is_none(), "first the overlay");
    app.press("ctrl-c");
    assert!(app.conversation().unwrap().active_turn().is_none(), "then the turn");
    assert_eq!(app.draft(), "a draft");
    app.press("ctrl-c");
    assert_eq!(app.draft(), "", "then the text");
    app.press("ctrl-c");
    assert!(app.status().contains("again to quit"), "{}", app.status());
    app.wait(Duration::from_secs(3));
    assert!(!app.status().contains("again to quit"), "it holds for two seconds");
    app.press("ctrl-c ctrl-c");
    assert!(app.effects().iter().any(|effect| matches!(effect, Effect::Quit)));
}

#[test]
fn ctrl_c_copies_the_selection_first() {
    let mut app = Harness::new(100, 30);
    let stream = app.send_prompt("hello");
    app.receive_events(stream, &[DELTA]);
    app.press("tab V ctrl-x m ctrl-c");
    assert!(app.effects().iter().any(|effect| matches!(effect, Effect::CopyToClipboard(_))));
    assert!(app.overlay().is_some(), "the overlay stays open");
    app.press("ctrl-c");
    assert!(app.overlay().is_none());
    assert!(app.conversation().unwrap().active_turn().is_some());
}

#[test]
fn the_version_keys_switch_between_the_answers_of_a_prompt() {
    let mut app = Harness::new(100, 30);
    let stream = app.send_prompt("hello");
    app.receive_events(stream, &[DELTA]);
    app.press("esc");
    app.press("tab tab r enter");
    app.press("esc esc");
    app.press("tab tab");
    assert!(app.screen().contains("2/2"), "{}", app.screen());
    app.press("<");
    assert!(app.screen().contains("1/2"), "{}", app.screen());
    app.press(">");
    assert!(app.screen().contains("2/2"), "{}", app.screen());
}

#[test]
fn the_quit_warning_counts_the_answers_still_running() {
    let mut app = Harness::new(120, 30);
    for (count, warning) in
        [(1, "again to quit: 1 answer is still running"), (2, "again to quit: 2 answers are still running")]
    {
        app.send_prompt("a long story");
        app.press("ctrl-n ctrl-c");
        assert!(app.status().contains(warning), "{count}: {}", app.status());
        app.wait(Duration::from_secs(3));
    }
    app.press("ctrl-c ctrl-c");
    let effects = app.effects();
    let closed = effects.iter().filter(|effect| matches!(effect, Effect::CloseStream(_))).count();
    assert_eq!(closed, 2, "both answers are interrupted");
    assert!(effects.iter().any(|effect| matches!(effect, Effect::Quit)));
}

#[test]
fn a_prompt_sent_before_the_history_loads_is_its_newest_entry() {
    let mut app = Harness::new(60, 16);
    app.send_prompt("sent early");
    app.store_reply(StoreReply::Prompts(vec!["of old".into()]));
    app.press("up");
    assert_eq!(app.draft(), "sent early");
    app.press("up");
    assert_eq!(app.draft(), "of old");
}

#[test]
fn text_cleared_by_ctrl_c_is_the_newest_history_entry() {
    let mut app = Harness::new(80, 24);
    app.enter_text("half a thought");
    app.press("ctrl-c up");
    assert_eq!(app.draft(), "half a thought");
}

#[test]
fn ctrl_d_deletes_text_and_asks_to_quit_when_the_draft_is_empty() {
    let mut app = Harness::new(80, 24);
    app.enter_text("ab");
    app.press("ctrl-a ctrl-d");
    assert_eq!(app.draft(), "b");
    app.press("ctrl-d ctrl-d");
    assert!(app.status().contains("again to quit"), "{}", app.status());
    app.press("ctrl-d");
    assert!(app.effects().iter().any(|effect| matches!(effect, Effect::Quit)));
}

#[test]
fn a_multiline_paste_never_sends() {
    let mut app = Harness::new(80, 24);
    app.paste("one\r\ntwo\nthree\n");
    assert_eq!(app.draft(), "one\ntwo\nthree\n");
    assert_eq!(opened_stream_count(&app.effects()), 0);
}

#[test]
fn a_prompt_during_a_turn_is_queued_visibly_and_sent_after_the_answer() {
    let mut app = Harness::new(80, 24);
    let stream = app.send_prompt("first");
    app.receive_events(stream, &[DELTA]);
    app.enter_text("second thoughts");
    app.press("enter");
    assert_eq!(opened_stream_count(&app.effects()), 0);
    assert!(app.screen().contains("second thoughts"), "{}", app.screen());
    app.stream_answer(stream, "done");
    let opened = app.opened_streams();
    assert_eq!(opened.len(), 1);
    let input = opened[0].1["input"].as_array().unwrap();
    assert_eq!(input.last().unwrap()["content"], "second thoughts");
}

#[test]
fn the_draft_is_saved_once_after_typing_stops() {
    let mut app = Harness::new(80, 24);
    app.enter_text("half");
    app.effects();
    app.wait(Duration::from_secs(1));
    assert_eq!(save_count(&app.effects()), 1);
    app.wait(Duration::from_mins(1));
    assert_eq!(save_count(&app.effects()), 0, "and only once");
}

#[test]
fn no_wake_up_is_due_while_idle() {
    let mut app = Harness::new(80, 24);
    let stream = app.send_prompt("hello");
    app.stream_answer(stream, "Blue light scatters most.");
    app.wait(Duration::from_secs(10));
    assert_eq!(app.next_wake(), None);
}

#[test]
fn drafts_stay_with_their_conversations() {
    let mut app = Harness::new(130, 30);
    let stream = app.send_prompt("first conversation");
    app.stream_answer(stream, "yes");
    app.enter_text("left behind");
    app.press("ctrl-n");
    assert_eq!(app.draft(), "");
    app.enter_text("of the new one");
    app.press("ctrl-x l j k enter");
    assert_eq!(app.draft(), "left behind", "{}", app.screen());
}

#[test]
fn an_answer_finished_in_the_background_marks_its_row() {
    let mut app = Harness::new(130, 30);
    let stream = app.send_prompt("first conversation");
    app.press("ctrl-n");
    app.receive_events(stream, &[DELTA]);
    assert!(app.screen().contains('◐'), "{}", app.screen());
    app.stream_answer(stream, "The borrow must outlive it.");
    assert!(app.screen().contains('●'), "{}", app.screen());
}

#[test]
fn trashing_a_conversation_can_be_undone() {
    let mut app = Harness::new(130, 30);
    let stream = app.send_prompt("keep me");
    app.stream_answer(stream, "yes");
    app.press("ctrl-x d");
    assert!(app.chats().index.is_empty());
    assert!(app.conversation().is_none());
    app.press("ctrl-x l u");
    assert_eq!(app.chats().index.len(), 1);
}

#[test]
fn a_card_ignores_keys_for_its_first_300_milliseconds() {
    let mut app = Harness::new(100, 30);
    let stream = app.send_prompt("hello");
    app.receive_events(stream, &[DELTA]);
    let failed = r#"{"type":"error","code":"server_error","message":"Provider disconnected","param":null}"#;
    app.receive_events(stream, &[failed]);
    app.end_stream(stream, Ok(()));
    app.effects();
    app.press("enter");
    assert_eq!(opened_stream_count(&app.effects()), 0, "the card has only just appeared");
    app.wait(Duration::from_millis(300));
    app.press("enter");
    assert_eq!(opened_stream_count(&app.effects()), 1, "{}", app.screen());
}

#[test]
fn resizing_never_panics_at_any_size() {
    let mut app = Harness::new(120, 40);
    let stream = app.send_prompt("hello");
    app.stream_answer(
        stream,
        "# Title\n\nA paragraph with `code` and a list:\n\n- one\n- two\n\n```rust\nfn main() {}\n```\n",
    );
    for keys in ["", "ctrl-p", "esc ctrl-x m", "esc ctrl-x ,", "esc ctrl-x l", "esc ctrl-x r", "esc ?"] {
        app.press(keys);
        for (width, height) in
            [(1, 1), (2, 40), (200, 1), (0, 0), (40, 10), (39, 9), (80, 24), (120, 40), (200, 60), (7, 3)]
        {
            app.resize(width, height);
        }
    }
}

#[test]
fn a_screen_that_is_too_small_shows_the_size_it_needs() {
    let mut app = Harness::new(80, 24);
    app.resize(30, 8);
    assert!(app.screen().contains("40"), "{}", app.screen());
}

#[test]
fn termination_saves_the_running_turn_and_quits() {
    let mut app = Harness::new(80, 24);
    let stream = app.send_prompt("hello");
    app.receive_events(stream, &[DELTA]);
    app.effects();
    app.send(Msg::Terminated);
    let effects = app.effects();
    assert!(save_count(&effects) > 0);
    assert!(matches!(effects.last(), Some(Effect::Quit)) || effects.iter().any(|e| matches!(e, Effect::Quit)));
}

#[test]
fn the_draft_of_a_new_conversation_is_restored_at_startup() {
    let mut app = Harness::with_start(default_start(80, 24));
    app.store_reply(StoreReply::Opened { newest: vec![], total: 0, new_draft: "half a thought".into() });
    assert_eq!(app.draft(), "half a thought");
}

#[test]
fn a_broken_database_is_reported_on_the_screen() {
    let mut app = Harness::with_start(default_start(100, 30));
    app.confirms_saves = false;
    app.store_reply(StoreReply::OpenFailed(store::StoreError::Corrupt("file is not a database".into())));
    assert!(app.screen().contains("file is not a database"), "{}", app.screen());
}

#[test]
fn an_edited_prompt_is_sent_as_a_new_version_and_escape_cancels_the_edit() {
    let mut app = Harness::new(100, 30);
    let stream = app.send_prompt("first words");
    app.stream_answer(stream, "yes");
    app.press("ctrl-x u enter");
    assert_eq!(app.draft(), "first words");
    app.press("esc");
    assert_eq!(app.draft(), "");
    app.press("ctrl-x u enter");
    app.enter_text(" again");
    app.press("enter");
    let body = app.opened_streams().remove(0).1;
    assert_eq!(body["input"], json!([{"role": "user", "content": "first words again"}]));
    let prompt_row = app.screen().lines().find(|row| row.contains("▌ you")).map(str::to_owned);
    assert!(prompt_row.is_some_and(|row| row.ends_with("‹2/2›")), "{}", app.screen());
}

#[test]
fn the_next_request_includes_only_the_parameters_that_are_set() {
    let mut app = Harness::new(100, 40);
    app.press("ctrl-x ,");
    app.enter_text("Be terse.");
    app.press("tab");
    app.enter_text("0.3");
    app.press("enter");
    app.enter_text("hello");
    app.press("enter");
    let body = app.opened_streams().remove(0).1;
    assert_eq!(body["instructions"], "Be terse.");
    assert_eq!(body["temperature"], 0.3);
    assert!(body.get("top_p").is_none() && body.get("max_output_tokens").is_none(), "{body}");
}

#[test]
fn no_picker_opens_while_a_conversation_is_loading() {
    let mut options = default_start(100, 30);
    options.config.model = None;
    options.endpoints[0].dialect = ibid::api::ApiDialect::Other;
    options.initial_conversation = ibid::ui::InitialConversation::Latest;
    let mut app = Harness::with_start(options);
    app.store_reply(StoreReply::Opened { newest: vec![], total: 0, new_draft: String::new() });
    let catalogue = r#"{"data":[{"id":"one"},{"id":"two"}]}"#;
    let catalogue = ibid::api::Catalogue::parse(catalogue).expect("the catalogue is valid");
    app.send(Msg::CatalogueLoaded { endpoint: "openrouter".into(), result: Ok(catalogue) });
    assert!(app.overlay().is_none());
    app.store_reply(StoreReply::LoadFailed {
        target: "the newest".into(),
        error: store::StoreError::Missing("at all".into()),
    });
    assert!(app.overlay().is_some(), "now a model is needed");
}

#[test]
fn text_typed_while_a_conversation_loads_stays_in_the_draft_and_is_not_sent() {
    let mut options = default_start(60, 16);
    options.initial_conversation = ibid::ui::InitialConversation::Latest;
    let mut app = Harness::with_start(options);
    app.enter_text("early");
    app.press("enter");
    assert!(app.opened_streams().is_empty());
    let mut conversation =
        Conversation::new(ConversationId(uuid::Uuid::from_u128(7)), ChatSettings::default(), Timestamp::UNIX_EPOCH);
    conversation.draft = "late, ".into();
    app.store_reply(StoreReply::Loaded(Box::new(conversation)));
    assert_eq!(app.draft(), "late, early");
}

#[test]
fn a_prompt_submitted_while_a_conversation_loads_is_sent_once_it_has_loaded() {
    let mut options = default_start(60, 16);
    options.initial_conversation = ibid::ui::InitialConversation::Latest;
    let mut app = Harness::with_start(options);
    let id = ConversationId(uuid::Uuid::from_u128(7));
    let settings = ChatSettings { endpoint: "openrouter".into(), model: "a/b".into(), ..ChatSettings::default() };
    app.enter_text("early");
    app.press("enter");
    app.store_reply(StoreReply::Loaded(Box::new(Conversation::new(id, settings, Timestamp::UNIX_EPOCH))));
    let (_, body) = app.opened_streams().pop().expect("a request is sent");
    assert_eq!(body["input"][0]["content"], "early");
    assert_eq!(app.draft(), "");
}

#[test]
fn the_cursor_of_a_long_picker_stays_visible() {
    let mut app = Harness::new(100, 30);
    let rows: Vec<_> = (0..200).map(|n| json!({"id": format!("vendor/model-{n:03}")})).collect();
    let catalogue = ibid::api::Catalogue::parse(&json!({"data": rows}).to_string()).expect("the catalogue is valid");
    app.send(Msg::CatalogueLoaded { endpoint: "openrouter".into(), result: Ok(catalogue) });
    app.press("ctrl-x m");
    app.press(&"down ".repeat(120));
    assert!(app.screen().contains("model-120"), "{}", app.screen());
}

#[test]
fn a_code_block_is_copied_by_its_number() {
    let mut app = Harness::new(100, 40);
    let stream = app.send_prompt("code please");
    app.stream_answer(stream, "One:\n\n```rust\nfn one() {}\n```\n\nTwo:\n\n```sh\necho two\n```\n");
    app.press("ctrl-x c 2 enter");
    let copied: Vec<String> = app
        .effects()
        .into_iter()
        .filter_map(|effect| if let Effect::CopyToClipboard(text) = effect { Some(text) } else { None })
        .collect();
    assert_eq!(copied, ["echo two\n"]);
}

#[test]
fn escape_sequences_are_removed_from_a_paste() {
    let mut app = Harness::new(80, 24);
    app.paste("\u{1b}[31mred\u{1b}[0m\tand \u{1b}]0;title\u{7}plain");
    assert_eq!(app.draft(), "red\tand plain");
}

#[test]
fn a_delta_does_not_rebuild_the_row_of_the_list() {
    let mut app = Harness::new(120, 40);
    let stream = app.send_prompt("hello");
    let item = r#"{"type":"response.output_item.added","output_index":0,"item":{"type":"message","id":"m","role":"assistant","status":"in_progress","content":[]}}"#;
    let delta = r#"{"type":"response.output_text.delta","output_index":0,"content_index":0,"delta":"word "}"#;
    app.receive_events(stream, &[item, delta]);
    let id = app.chats().index[0].id;
    app.chats_mut().index.update(id, |row| row.title = "untouched".into());
    app.receive_events(stream, &[delta, delta]);
    assert_eq!(app.chats().index[0].title, "untouched");
    app.stream_answer(stream, "word word word ");
    assert_eq!(app.chats().index[0].title, "hello");
}

#[test]
fn input_that_comes_with_a_resize_finds_everything_laid_out_for_the_new_size() {
    let mouse = |kind, column, row| Input::Mouse(MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE });
    let sizes = [(60, 15), (1, 1), (200, 60), (30, 4)];
    for (width, height) in sizes {
        for (column, row) in [(0, 0), (29, 15), (59, 14), (110, 39)] {
            let mut app = Harness::with_start(default_start(120, 40));
            let stream = app.send_prompt("Why?");
            app.stream_answer(stream, "Because.");
            app.send_without_frame(Msg::Input { event: Input::Resize(width, height), more: false });
            for kind in [MouseEventKind::Down(MouseButton::Left), MouseEventKind::Up(MouseButton::Left)] {
                app.send_without_frame(Msg::Input { event: mouse(kind, column, row), more: false });
            }
            app.draw();
        }
    }
}
