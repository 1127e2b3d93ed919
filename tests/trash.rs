//! What is thrown away is what was meant and stays away; what was typed is kept.

mod support;

use std::time::Duration;

use ibid::{
    app::{Effect, Msg},
    chat::{Change, ConversationId},
    store::{Job, Reply},
};
use support::harness::Harness;

const CREATED: &str = r#"{"type":"response.created","response":{"id":"gen-7"}}"#;
const DELTA: &str =
    r#"{"type":"response.output_text.delta","output_index":0,"content_index":0,"delta":"The borrow must outlive"}"#;

fn shown(app: &Harness) -> ConversationId {
    app.state.current().expect("a conversation").id
}

fn rows(app: &Harness) -> Vec<ConversationId> {
    app.state.index.iter().map(|row| row.id).collect()
}

fn trashed(app: &mut Harness) -> Vec<ConversationId> {
    let changes = app.effects().into_iter().flat_map(|effect| match effect {
        Effect::Store(Job::Save { changes, .. }) => changes,
        _ => Vec::new(),
    });
    changes.filter_map(|change| if let Change::Trash(id) = change { Some(id) } else { None }).collect()
}

#[test]
fn a_conversation_that_streams_below_a_newer_one_is_the_one_that_goes() {
    let mut app = Harness::new(130, 30);
    let stream = app.prompt("streams");
    app.events(stream, &[DELTA]);
    let streaming = shown(&app);
    app.wait(Duration::from_secs(5));
    app.press("ctrl-n");
    let stream = app.prompt("newer");
    app.answer(stream, "yes");
    let newer = shown(&app);
    assert_eq!(rows(&app), [newer, streaming]);
    app.wait(Duration::from_secs(5));
    app.press("ctrl-x l G d");
    assert_eq!(rows(&app), [newer]);
    assert_eq!(trashed(&mut app), [streaming]);
    assert!(app.screen().contains("“streams” is in the trash"), "{}", app.screen());
    assert_eq!(app.state.screen.list.cursor, Some(newer));
    app.press("u");
    assert_eq!(rows(&app), [streaming, newer]);
}

#[test]
fn a_list_that_was_read_before_does_not_bring_the_row_back() {
    let mut app = Harness::new(130, 30);
    let stream = app.prompt("throw me away");
    app.answer(stream, "yes");
    let read = app.state.index.clone();
    app.press("ctrl-x l d");
    assert_eq!(rows(&app), []);
    app.send(Msg::Store(Reply::Listed { conversations: read }));
    assert_eq!(rows(&app), []);
    app.press("u");
    assert_eq!(rows(&app).len(), 1);
}

#[test]
fn a_letter_just_typed_does_not_bring_the_row_back_and_is_there_after_the_undo() {
    let mut app = Harness::new(130, 30);
    let stream = app.prompt("keep me");
    app.answer(stream, "yes");
    app.enter_text("x");
    app.press("ctrl-x d");
    assert_eq!(rows(&app), []);
    app.wait(Duration::from_secs(5));
    assert_eq!(rows(&app), []);
    app.press("ctrl-x l u enter");
    assert_eq!((rows(&app).len(), app.draft().as_str()), (1, "x"));
}

#[test]
fn a_price_that_is_asked_for_later_does_not_bring_the_row_back() {
    let mut app = Harness::new(130, 30);
    let stream = app.prompt("keep me");
    app.events(stream, &[CREATED, DELTA]);
    app.press("ctrl-x d");
    app.effects();
    app.wait(Duration::from_secs(5));
    let effects = app.effects();
    assert!(effects.iter().any(|effect| matches!(effect, Effect::AskPrice { .. })), "{effects:?}");
    assert_eq!(rows(&app), []);
}

#[test]
fn every_turn_of_a_conversation_stops_with_it() {
    let mut app = Harness::new(130, 30);
    let first = app.prompt("one");
    app.events(first, &[DELTA]);
    app.press("ctrl-x u enter");
    app.enter_text(" and another");
    app.press("enter");
    let second = app.opened().remove(0).0;
    app.events(second, &[DELTA]);
    app.effects();
    app.press("ctrl-x d");
    let closed = app.effects().into_iter().filter(|effect| matches!(effect, Effect::CloseStream(_))).count();
    assert_eq!(closed, 2);
    app.wait(Duration::from_mins(1));
    assert_eq!(rows(&app), []);
}

#[test]
fn what_was_typed_last_is_in_the_composer_again_when_an_earlier_prompt_is_left_as_it_was() {
    let mut app = Harness::new(100, 30);
    let stream = app.prompt("first words");
    app.answer(stream, "yes");
    app.enter_text("abc");
    app.press("ctrl-x u enter");
    assert_eq!(app.draft(), "first words");
    app.press("esc");
    assert_eq!(app.draft(), "abc");
}
