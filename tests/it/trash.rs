//! Deleting a conversation: the right one goes to the trash and stays there, and no draft is lost.

use std::time::Duration;

use crate::support::harness::Harness;
use ibid::{
    chat::{ConversationChange, ConversationId},
    store::{StoreJob, StoreReply},
    ui::{Effect, Msg},
};

const CREATED: &str = r#"{"type":"response.created","response":{"id":"gen-7"}}"#;
const DELTA: &str =
    r#"{"type":"response.output_text.delta","output_index":0,"content_index":0,"delta":"The borrow must outlive"}"#;

fn shown_id(app: &Harness) -> ConversationId {
    app.conversation().expect("a conversation").id
}

fn listed_ids(app: &Harness) -> Vec<ConversationId> {
    app.chats().index.iter().map(|row| row.id).collect()
}

fn trashed_ids(app: &mut Harness) -> Vec<ConversationId> {
    let changes = app.effects().into_iter().flat_map(|effect| match effect {
        Effect::RunStoreJob(StoreJob::Save { changes, .. }) => changes,
        _ => Vec::new(),
    });
    changes.filter_map(|change| if let ConversationChange::Trash(id) = change { Some(id) } else { None }).collect()
}

#[test]
fn a_conversation_that_streams_below_a_newer_one_can_be_deleted() {
    let mut app = Harness::new(130, 30);
    let stream = app.send_prompt("streams");
    app.receive_events(stream, &[DELTA]);
    let streaming = shown_id(&app);
    app.wait(Duration::from_secs(5));
    app.press("ctrl-n");
    let stream = app.send_prompt("newer");
    app.stream_answer(stream, "yes");
    let newer = shown_id(&app);
    assert_eq!(listed_ids(&app), [newer, streaming]);
    app.wait(Duration::from_secs(5));
    app.press("ctrl-x l G d");
    assert_eq!(listed_ids(&app), [newer]);
    assert_eq!(trashed_ids(&mut app), [streaming]);
    assert!(app.screen().contains("moved “streams” to the trash and stopped its answer · "), "{}", app.screen());
    assert_eq!(app.list_cursor(), Some(newer));
    app.press("u");
    assert_eq!(listed_ids(&app), [streaming, newer]);
}

#[test]
fn a_list_read_before_the_deletion_does_not_restore_the_row() {
    let mut app = Harness::new(130, 30);
    let stream = app.send_prompt("throw me away");
    app.stream_answer(stream, "yes");
    let read = app.chats().index.to_vec();
    app.press("ctrl-x l d");
    assert_eq!(listed_ids(&app), []);
    app.send(Msg::StoreReply(StoreReply::Listed { conversations: read }));
    assert_eq!(listed_ids(&app), []);
    app.press("u");
    assert_eq!(listed_ids(&app).len(), 1);
}

#[test]
fn a_letter_just_typed_does_not_restore_the_row_and_survives_the_undo() {
    let mut app = Harness::new(130, 30);
    let stream = app.send_prompt("keep me");
    app.stream_answer(stream, "yes");
    app.enter_text("x");
    app.press("ctrl-x d");
    assert_eq!(listed_ids(&app), []);
    app.wait(Duration::from_secs(5));
    assert_eq!(listed_ids(&app), []);
    app.press("ctrl-x l u enter");
    assert_eq!((listed_ids(&app).len(), app.draft().as_str()), (1, "x"));
}

#[test]
fn a_later_price_lookup_does_not_restore_the_row() {
    let mut app = Harness::new(130, 30);
    let stream = app.send_prompt("keep me");
    app.receive_events(stream, &[CREATED, DELTA]);
    app.press("ctrl-x d");
    app.effects();
    app.wait(Duration::from_secs(5));
    let effects = app.effects();
    assert!(effects.iter().any(|effect| matches!(effect, Effect::FetchPrice { .. })), "{effects:?}");
    assert_eq!(listed_ids(&app), []);
}

#[test]
fn every_turn_of_a_deleted_conversation_stops() {
    let mut app = Harness::new(130, 30);
    let first = app.send_prompt("one");
    app.receive_events(first, &[DELTA]);
    app.press("ctrl-x u enter");
    app.enter_text(" and another");
    app.press("enter");
    let second = app.opened_streams().remove(0).0;
    app.receive_events(second, &[DELTA]);
    app.effects();
    app.press("ctrl-x d");
    let closed = app.effects().into_iter().filter(|effect| matches!(effect, Effect::CloseStream(_))).count();
    assert_eq!(closed, 2);
    app.wait(Duration::from_mins(1));
    assert_eq!(listed_ids(&app), []);
}

#[test]
fn trashing_a_conversation_says_that_its_answer_was_stopped() {
    for in_list in [false, true] {
        let mut app = Harness::new(130, 30);
        let stream = app.send_prompt("a long one");
        app.receive_events(stream, &[CREATED, DELTA]);
        app.press(if in_list { "ctrl-x l d" } else { "ctrl-x d" });
        let undo = if in_list { "u undo" } else { "/undo undo" };
        let said = format!("moved “a long one” to the trash and stopped its answer · {undo}");
        assert!(app.screen().contains(&said), "{}", app.screen());
    }
    let mut app = Harness::new(130, 30);
    let stream = app.send_prompt("a short one");
    app.stream_answer(stream, "yes");
    app.press("ctrl-x d");
    assert!(app.screen().contains("moved “a short one” to the trash · "), "{}", app.screen());
}

#[test]
fn the_draft_is_restored_when_the_edit_of_an_earlier_prompt_is_cancelled() {
    let mut app = Harness::new(100, 30);
    let stream = app.send_prompt("first words");
    app.stream_answer(stream, "yes");
    app.enter_text("abc");
    app.press("ctrl-x u enter");
    assert_eq!(app.draft(), "first words");
    app.press("esc");
    assert_eq!(app.draft(), "abc");
}
