//! The program without its surroundings: keys and messages in, effects and screens out.

mod support;

use std::time::Duration;

use ibid::{
    app::{Effect, Msg},
    chat::{Conversation, ConversationId, Settings, Timestamp},
    store::{self, Job, Reply},
};
use serde_json::json;
use support::harness::{Harness, start};

const DELTA: &str =
    r#"{"type":"response.output_text.delta","output_index":0,"content_index":0,"delta":"The borrow must outlive"}"#;

fn saves(effects: &[Effect]) -> usize {
    effects.iter().filter(|effect| matches!(effect, Effect::Store(Job::Save { .. }))).count()
}

fn opens(effects: &[Effect]) -> usize {
    effects.iter().filter(|effect| matches!(effect, Effect::OpenStream { .. })).count()
}

#[test]
fn a_prompt_is_on_disk_before_its_request_leaves() {
    let mut app = Harness::new(80, 24);
    app.disk_works = false;
    app.enter_text("why is the sky blue?");
    app.effects();
    app.press("enter");
    let effects = app.effects();
    assert_eq!(opens(&effects), 0, "{effects:?}");
    let tickets: Vec<_> = effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Store(Job::Save { ticket, .. }) => Some(*ticket),
            _ => None,
        })
        .collect();
    for ticket in tickets {
        app.saved(ticket);
    }
    let opened = app.opened();
    assert_eq!(opened.len(), 1);
    assert_eq!(opened[0].1["input"], json!([{"role": "user", "content": "why is the sky blue?"}]));
}

#[test]
fn a_prompt_that_cannot_be_saved_waits_for_the_reader_to_decide() {
    let mut app = Harness::new(100, 30);
    app.disk_works = false;
    app.enter_text("hello");
    app.press("enter");
    for effect in app.effects() {
        if let Effect::Store(Job::Save { ticket, .. }) = effect {
            app.reply(Reply::NotSaved { ticket, error: store::Error::Locked });
        }
    }
    assert_eq!(opens(&app.effects()), 0);
    assert!(app.screen().contains("locked"), "{}", app.screen());
    app.wait(Duration::from_millis(400));
    app.press("tab u");
    assert_eq!(opens(&app.effects()), 1, "{}", app.screen());
}

#[test]
fn escape_stops_the_turn_and_keeps_what_came() {
    let mut app = Harness::new(80, 24);
    let stream = app.prompt("hello");
    app.events(stream, &[DELTA]);
    assert!(app.status().contains("esc stops"), "{}", app.status());
    app.press("esc");
    let effects = app.effects();
    assert!(
        effects.iter().any(|effect| matches!(effect, Effect::CloseStream(closed) if *closed == stream)),
        "{effects:?}"
    );
    assert!(app.screen().contains("The borrow must outlive"));
    app.events(stream, &[DELTA]);
    assert_eq!(app.screen().matches("The borrow must outlive").count(), 1, "a late delta changes nothing");
}

#[test]
fn the_escape_ladder_goes_one_step_at_a_time_and_never_quits() {
    let mut app = Harness::new(130, 30);
    let stream = app.prompt("hello");
    app.events(stream, &[DELTA]);
    app.press("ctrl-x l ctrl-p");
    app.press("esc");
    assert!(app.state.screen.overlays.is_empty(), "first the overlay");
    assert_eq!(app.state.screen.focus, ibid::app::screen::Focus::List);
    app.press("esc");
    assert_eq!(app.state.screen.focus, ibid::app::screen::Focus::Composer, "then the pane");
    assert!(app.state.current().unwrap().active_turn().is_some());
    app.press("esc");
    assert!(app.state.current().unwrap().active_turn().is_none(), "then the turn");
    app.press("esc esc esc");
    assert!(!app.effects().iter().any(|effect| matches!(effect, Effect::Quit)));
}

#[test]
fn the_ctrl_c_ladder_closes_stops_clears_and_then_asks() {
    let mut app = Harness::new(100, 30);
    let stream = app.prompt("hello");
    app.events(stream, &[DELTA]);
    app.enter_text("a draft");
    app.press("ctrl-x m ctrl-c");
    assert!(app.state.screen.overlays.is_empty(), "first the overlay");
    app.press("ctrl-c");
    assert!(app.state.current().unwrap().active_turn().is_none(), "then the turn");
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
fn ctrl_c_copies_what_is_selected_before_all_else() {
    let mut app = Harness::new(100, 30);
    let stream = app.prompt("hello");
    app.events(stream, &[DELTA]);
    app.press("tab V ctrl-x m ctrl-c");
    assert!(app.effects().iter().any(|effect| matches!(effect, Effect::Copy(_))));
    assert_eq!(app.state.screen.overlays.len(), 1, "the overlay waits for the next time");
    app.press("ctrl-c");
    assert!(app.state.screen.overlays.is_empty());
    assert!(app.state.current().unwrap().active_turn().is_some());
}

#[test]
fn the_keys_between_siblings_walk_the_answers_of_a_prompt() {
    let mut app = Harness::new(100, 30);
    let stream = app.prompt("hello");
    app.events(stream, &[DELTA]);
    app.press("esc");
    app.press("tab r enter");
    app.press("esc");
    app.press("tab");
    assert!(app.screen().contains("2/2"), "{}", app.screen());
    app.press("<");
    assert!(app.screen().contains("1/2"), "{}", app.screen());
    app.press(">");
    assert!(app.screen().contains("2/2"), "{}", app.screen());
}

#[test]
fn the_last_step_of_ctrl_c_tells_how_many_answers_still_run_elsewhere() {
    let mut app = Harness::new(120, 30);
    for (count, words) in [(1, "again to quit: 1 answer still runs"), (2, "again to quit: 2 answers still run")] {
        app.prompt("a long story");
        app.press("ctrl-n ctrl-c");
        assert!(app.status().contains(words), "{count}: {}", app.status());
        app.wait(Duration::from_secs(3));
    }
    app.press("ctrl-c ctrl-c");
    let effects = app.effects();
    let closed = effects.iter().filter(|effect| matches!(effect, Effect::CloseStream(_))).count();
    assert_eq!(closed, 2, "both are interrupted and kept");
    assert!(effects.iter().any(|effect| matches!(effect, Effect::Quit)));
}

#[test]
fn a_prompt_sent_before_the_history_was_read_is_its_newest() {
    let mut app = Harness::new(60, 16);
    app.prompt("sent early");
    app.reply(Reply::Prompts(vec!["of old".into()]));
    app.press("up");
    assert_eq!(app.draft(), "sent early");
    app.press("up");
    assert_eq!(app.draft(), "of old");
}

#[test]
fn text_cleared_by_ctrl_c_is_the_first_of_the_history() {
    let mut app = Harness::new(80, 24);
    app.enter_text("half a thought");
    app.press("ctrl-c up");
    assert_eq!(app.draft(), "half a thought");
}

#[test]
fn ctrl_d_deletes_while_there_is_text_and_asks_to_quit_when_there_is_none() {
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
fn a_paste_of_many_lines_never_sends() {
    let mut app = Harness::new(80, 24);
    app.paste("one\r\ntwo\nthree\n");
    assert_eq!(app.draft(), "one\ntwo\nthree\n");
    assert_eq!(opens(&app.effects()), 0);
}

#[test]
fn a_prompt_while_a_turn_runs_is_queued_in_sight_and_goes_when_the_answer_is_done() {
    let mut app = Harness::new(80, 24);
    let stream = app.prompt("first");
    app.events(stream, &[DELTA]);
    app.enter_text("second thoughts");
    app.press("enter");
    assert_eq!(opens(&app.effects()), 0);
    assert!(app.screen().contains("second thoughts"), "{}", app.screen());
    app.answer(stream, "done");
    let opened = app.opened();
    assert_eq!(opened.len(), 1);
    let input = opened[0].1["input"].as_array().unwrap();
    assert_eq!(input.last().unwrap()["content"], "second thoughts");
}

#[test]
fn the_draft_goes_to_the_disk_soon_after_the_last_key() {
    let mut app = Harness::new(80, 24);
    app.enter_text("half");
    app.effects();
    app.wait(Duration::from_secs(1));
    assert_eq!(saves(&app.effects()), 1);
    app.wait(Duration::from_mins(1));
    assert_eq!(saves(&app.effects()), 0, "and only once");
}

#[test]
fn nothing_is_due_when_nothing_moves() {
    let mut app = Harness::new(80, 24);
    let stream = app.prompt("hello");
    app.answer(stream, "Blue light scatters most.");
    app.wait(Duration::from_secs(10));
    assert_eq!(ibid::app::next_wake(&app.state, app.now), None);
}

#[test]
fn drafts_stay_with_their_conversations() {
    let mut app = Harness::new(130, 30);
    let stream = app.prompt("first conversation");
    app.answer(stream, "yes");
    app.enter_text("left behind");
    app.press("ctrl-n");
    assert_eq!(app.draft(), "");
    app.enter_text("of the new one");
    app.press("ctrl-x l j k enter");
    assert_eq!(app.draft(), "left behind", "{}", app.screen());
}

#[test]
fn an_answer_that_ends_in_the_background_marks_its_row() {
    let mut app = Harness::new(130, 30);
    let stream = app.prompt("first conversation");
    app.press("ctrl-n");
    app.events(stream, &[DELTA]);
    assert!(app.screen().contains('◐'), "{}", app.screen());
    app.answer(stream, "The borrow must outlive it.");
    assert!(app.screen().contains('●'), "{}", app.screen());
}

#[test]
fn trash_can_be_undone() {
    let mut app = Harness::new(130, 30);
    let stream = app.prompt("keep me");
    app.answer(stream, "yes");
    app.press("ctrl-x d");
    assert!(app.state.index.is_empty());
    assert!(app.state.current().is_none());
    app.press("ctrl-x l u");
    assert_eq!(app.state.index.len(), 1);
}

#[test]
fn a_card_takes_no_key_in_the_first_third_of_a_second() {
    let mut app = Harness::new(100, 30);
    let stream = app.prompt("hello");
    app.events(stream, &[DELTA]);
    let failed = r#"{"type":"error","code":"server_error","message":"Provider disconnected","param":null}"#;
    app.events(stream, &[failed]);
    app.end(stream, Ok(()));
    app.effects();
    app.press("enter");
    assert_eq!(opens(&app.effects()), 0, "it appeared under the finger");
    app.wait(Duration::from_millis(300));
    app.press("enter");
    assert_eq!(opens(&app.effects()), 1, "{}", app.screen());
}

#[test]
fn a_storm_of_resizes_panics_at_no_size() {
    let mut app = Harness::new(120, 40);
    let stream = app.prompt("hello");
    app.answer(
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
fn a_screen_that_is_too_small_says_so_politely() {
    let mut app = Harness::new(80, 24);
    app.resize(30, 8);
    assert!(app.screen().contains("40"), "{}", app.screen());
}

#[test]
fn a_terminated_program_keeps_what_runs_and_quits() {
    let mut app = Harness::new(80, 24);
    let stream = app.prompt("hello");
    app.events(stream, &[DELTA]);
    app.effects();
    app.send(Msg::Terminated);
    let effects = app.effects();
    assert!(saves(&effects) > 0);
    assert!(matches!(effects.last(), Some(Effect::Quit)) || effects.iter().any(|e| matches!(e, Effect::Quit)));
}

#[test]
fn the_draft_of_no_conversation_comes_back_at_the_next_start() {
    let mut app = Harness::with(start(80, 24));
    app.reply(Reply::Opened { newest: vec![], total: 0, new_draft: "half a thought".into() });
    assert_eq!(app.draft(), "half a thought");
}

#[test]
fn a_broken_database_is_said_and_does_not_keep_anyone_from_asking() {
    let mut app = Harness::with(start(100, 30));
    app.disk_works = false;
    app.reply(Reply::Broken(store::Error::Corrupt("file is not a database".into())));
    assert!(app.screen().contains("file is not a database"), "{}", app.screen());
}

#[test]
fn an_edited_prompt_goes_out_as_a_sibling_and_escape_leaves_it_as_it_was() {
    let mut app = Harness::new(100, 30);
    let stream = app.prompt("first words");
    app.answer(stream, "yes");
    app.press("ctrl-x u enter");
    assert_eq!(app.draft(), "first words");
    app.press("esc");
    assert_eq!(app.draft(), "");
    app.press("ctrl-x u enter");
    app.enter_text(" again");
    app.press("enter");
    let body = app.opened().remove(0).1;
    assert_eq!(body["input"], json!([{"role": "user", "content": "first words again"}]));
    assert!(app.row(0).contains("2/2"), "{}", app.screen());
}

#[test]
fn parameters_of_the_form_go_out_with_the_next_message_and_what_is_empty_does_not() {
    let mut app = Harness::new(100, 40);
    app.press("ctrl-x ,");
    app.enter_text("Be terse.");
    app.press("tab");
    app.enter_text("0.3");
    app.press("enter");
    app.enter_text("hello");
    app.press("enter");
    let body = app.opened().remove(0).1;
    assert_eq!(body["instructions"], "Be terse.");
    assert_eq!(body["temperature"], 0.3);
    assert!(body.get("top_p").is_none() && body.get("max_output_tokens").is_none(), "{body}");
}

#[test]
fn no_picker_comes_over_a_conversation_that_is_being_opened() {
    let mut begin = start(100, 30);
    begin.config.model = None;
    begin.endpoints[0].dialect = ibid::api::Dialect::Other;
    begin.open = ibid::app::Open::Latest;
    let mut app = Harness::with(begin);
    app.reply(Reply::Opened { newest: vec![], total: 0, new_draft: String::new() });
    let catalogue = r#"{"data":[{"id":"one"},{"id":"two"}]}"#;
    let catalogue = ibid::api::Catalogue::parse(catalogue).expect("a catalogue");
    app.send(Msg::Models { endpoint: "openrouter".into(), result: Ok(catalogue) });
    assert!(app.state.screen.overlays.is_empty());
    app.reply(Reply::NotLoaded { what: "the newest".into(), error: store::Error::Missing("at all".into()) });
    assert_eq!(app.state.screen.overlays.len(), 1, "now a model is needed");
}

#[test]
fn what_is_typed_while_a_conversation_is_being_read_is_kept_and_not_sent_elsewhere() {
    let mut begin = start(60, 16);
    begin.open = ibid::app::Open::Latest;
    let mut app = Harness::with(begin);
    app.enter_text("early");
    app.press("enter");
    assert!(app.opened().is_empty());
    let mut conversation =
        Conversation::new(ConversationId(uuid::Uuid::from_u128(7)), Settings::default(), Timestamp::UNIX_EPOCH);
    conversation.draft = "late, ".into();
    app.reply(Reply::Loaded(Box::new(conversation)));
    assert_eq!(app.draft(), "late, early");
}

#[test]
fn what_is_sent_while_a_conversation_is_being_read_leaves_when_it_is_there() {
    let mut begin = start(60, 16);
    begin.open = ibid::app::Open::Latest;
    let mut app = Harness::with(begin);
    let id = ConversationId(uuid::Uuid::from_u128(7));
    let settings = Settings { endpoint: "openrouter".into(), model: "a/b".into(), ..Settings::default() };
    app.enter_text("early");
    app.press("enter");
    app.reply(Reply::Loaded(Box::new(Conversation::new(id, settings, Timestamp::UNIX_EPOCH))));
    let (_, body) = app.opened().pop().expect("a request leaves");
    assert_eq!(body["input"][0]["content"], "early");
    assert_eq!(app.draft(), "");
}

#[test]
fn the_cursor_of_a_long_picker_stays_in_sight() {
    let mut app = Harness::new(100, 30);
    let rows: Vec<_> = (0..200).map(|n| json!({"id": format!("vendor/model-{n:03}")})).collect();
    let catalogue = ibid::api::Catalogue::parse(&json!({"data": rows}).to_string()).expect("a catalogue");
    app.send(Msg::Models { endpoint: "openrouter".into(), result: Ok(catalogue) });
    app.press("ctrl-x m");
    app.press(&"down ".repeat(120));
    assert!(app.screen().contains("model-120"), "{}", app.screen());
}

#[test]
fn a_code_block_is_copied_by_its_number() {
    let mut app = Harness::new(100, 40);
    let stream = app.prompt("code please");
    app.answer(stream, "One:\n\n```rust\nfn one() {}\n```\n\nTwo:\n\n```sh\necho two\n```\n");
    app.press("ctrl-x c 2 enter");
    let copied: Vec<String> = app
        .effects()
        .into_iter()
        .filter_map(|effect| if let Effect::Copy(text) = effect { Some(text) } else { None })
        .collect();
    assert_eq!(copied, ["echo two\n"]);
}

#[test]
fn a_paste_from_a_terminal_loses_its_escape_sequences_as_a_whole() {
    let mut app = Harness::new(80, 24);
    app.paste("\u{1b}[31mred\u{1b}[0m\tand \u{1b}]0;title\u{7}plain");
    assert_eq!(app.draft(), "red\tand plain");
}
