//! Queued prompts by keys: what another instance holds or has taken is shown, and nothing of it is sent.

use ibid::{
    api::{ApiError, FaultKind},
    chat::{ConversationChange, QueueHolder},
    store::{StoreError, StoreJob, StoreReply},
    ui::Effect,
};

use super::support::harness::Harness;

/// An app whose first answer was stopped, with two prompts behind it.
fn app_with_queue() -> Harness {
    let mut app = Harness::new(90, 30);
    app.send_prompt("one");
    for prompt in ["two", "three"] {
        app.enter_text(prompt);
        app.press("enter");
    }
    app.press("esc");
    app.effects();
    app
}

fn refreshes(effects: &[Effect]) -> usize {
    effects.iter().filter(|effect| matches!(effect, Effect::RunStoreJob(StoreJob::Refresh(_)))).count()
}

/// Gives the queued prompts to another instance, as a refresh from the database does.
fn hand_over(app: &mut Harness) {
    let mut stored = app.conversation().expect("a conversation").clone();
    for prompt in &mut stored.queue {
        prompt.holder = QueueHolder::Elsewhere;
    }
    app.store_reply(StoreReply::Refreshed(Box::new(stored)));
    app.effects();
}

#[test]
fn enter_in_an_empty_composer_sends_the_first_queued_prompt_in_one_save() {
    let mut app = app_with_queue();
    assert!(app.screen().contains("↵ send now"), "{}", app.screen());
    app.press("enter");
    let effects = app.effects();
    let saves: Vec<&Vec<ConversationChange>> = effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::RunStoreJob(StoreJob::Save { changes, .. }) => Some(changes),
            _ => None,
        })
        .collect();
    let leaves = |changes: &[ConversationChange]| {
        let prompts = changes.iter().filter(
            |change| matches!(change, ConversationChange::Message { message, .. } if message.as_answer().is_none()),
        );
        let sent = changes.iter().filter(|change| matches!(change, ConversationChange::SendQueued { .. }));
        (prompts.count(), sent.count())
    };
    assert_eq!(leaves(saves[0]), (1, 1), "it becomes a message and leaves the queue together");
}

#[test]
fn a_prompt_that_another_instance_took_first_is_not_sent_and_the_conversation_is_read_again() {
    let mut app = app_with_queue();
    let prompt = app.conversation().and_then(|chat| chat.next_queued()).expect("a prompt waits").id;
    app.confirms_saves = false;
    app.press("enter");
    for effect in app.effects() {
        if let Effect::RunStoreJob(StoreJob::Save { ticket, .. }) = effect {
            app.store_reply(StoreReply::SaveFailed { ticket, error: StoreError::Taken(prompt) });
        }
    }
    let effects = app.effects();
    assert_eq!(refreshes(&effects), 1);
    assert!(!effects.iter().any(|effect| matches!(effect, Effect::OpenStream { .. })));
    let screen = app.screen();
    assert!(screen.contains("another running ibid has taken this prompt"), "{screen}");
    assert!(!screen.contains("two") && screen.contains("three"), "{screen}");

    // What else was to be saved with it is not lost, and the next prompt goes on.
    app.confirms_saves = true;
    app.press("enter");
    let (_, request) = app.opened_streams().pop().expect("the next one is sent");
    assert_eq!(request["input"].as_array().and_then(|input| input.last()).expect("a prompt")["content"], "three");
}

#[test]
fn what_another_instance_holds_is_marked_and_no_key_sends_or_edits_it() {
    let mut app = app_with_queue();
    hand_over(&mut app);
    insta::assert_snapshot!(app.screen());
    app.press("up");
    assert_eq!(app.draft(), "one", "the history, not the queue");
    app.press("ctrl-c enter");
    let effects = app.effects();
    assert!(!effects.iter().any(|effect| matches!(effect, Effect::OpenStream { .. })));
    assert_eq!(refreshes(&effects), 1, "the other instance may have ended");
    assert!(app.screen().contains("another running ibid holds this prompt"), "{}", app.screen());
    let stream = app.send_prompt("four");
    app.stream_answer(stream, "Four it is.");
    assert!(app.opened_streams().is_empty(), "nor is it sent after an answer");
}

#[test]
fn an_error_card_keeps_its_key_before_the_queue() {
    let mut app = Harness::new(90, 30);
    let stream = app.send_prompt("one");
    app.enter_text("two");
    app.press("enter");
    app.end_stream(stream, Err(ApiError { status: Some(401), ..ApiError::new(FaultKind::Key, "no such key") }));
    assert!(!app.screen().contains("send now"), "{}", app.screen());
    app.press("up");
    assert_eq!(app.draft(), "two", "it can be edited and sent");
}
