//! Two running instances on one database: each shows within a second what the other does.

use std::time::{Duration, Instant};

use crate::{Stage, quit, support::pty::Pty, text_reply, wait_idle};

/// Returns how long it takes until a screen shows some words, after `act` has made another one show them.
fn delay(screen: &Pty, words: &str, act: impl FnOnce()) -> Duration {
    act();
    let begun = Instant::now();
    screen.wait_for(words);
    begun.elapsed()
}

/// A second, and what a busy machine takes to start a process's turn.
const SOON: Duration = Duration::from_millis(1500);

#[test]
fn each_instance_shows_within_a_second_what_the_other_writes() {
    let stage = Stage::set_up();
    let mut one = stage.open();
    stage.server.queue_reply(text_reply(&["Hello to both."]));
    one.type_keys("first<enter>");
    stage.server.next_request();
    one.wait_for("Hello to both.");
    wait_idle(&one);
    let mut other = stage.reopen();
    other.wait_for("Hello to both.");

    // A prompt, and its answer while it runs.
    stage.server.queue_reply(text_reply(&["Growing ", "slowly ", "here."]).gated());
    let took = delay(&other, "second", || {
        one.type_keys("second<enter>");
        one.wait_for("second");
    });
    assert!(took < SOON, "the prompt took {took:?}");
    let request = stage.server.next_request();
    request.release_many(7);
    one.wait_for("Growing");
    // The journal of an answer is written once a second.
    let took = delay(&other, "Growing", || ());
    assert!(took < SOON + Duration::from_secs(1), "the running answer took {took:?}");
    request.release_all();
    one.wait_for("slowly here.");
    let took = delay(&other, "slowly here.", || wait_idle(&one));
    assert!(took < SOON, "the end took {took:?}");

    // And back: the other one goes on where the first has ended.
    stage.server.queue_reply(text_reply(&["From the other side."]));
    other.type_keys("third<enter>");
    stage.server.next_request();
    other.wait_for("From the other side.");
    let took = delay(&one, "From the other side.", || wait_idle(&other));
    assert!(took < SOON, "the way back took {took:?}");
    quit(&mut one);
    quit(&mut other);
}
