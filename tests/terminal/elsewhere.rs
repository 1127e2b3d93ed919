//! What a reader is told who looks elsewhere, byte by byte.

use crate::{Stage, answer, quit, ready, support::pty::Pty};

/// A letter, and the loss of the focus in the same read: once the letter is on the screen, the loss was heard.
const TYPED_AND_FOCUS_LOST: &[u8] = b"x\x1b[O";
const FOCUS_GAINED: &[u8] = b"\x1b[I";
const OSC9: &str = "\x1b]9;ibid answered: hello\x07";
const OSC777: &str = "\x1b]777;notify;ibid;answered: hello\x07";

fn count(ibid: &Pty, text: &str) -> usize {
    memchr::memmem::find_iter(&ibid.bytes(), text.as_bytes()).count()
}

/// Looks elsewhere, and leaves a letter in the draft.
#[track_caller]
fn look_away(ibid: &mut Pty) {
    ibid.send(TYPED_AND_FOCUS_LOST);
    ibid.wait_for("› x");
}

#[track_caller]
fn wait_for_title(ibid: &Pty, title: &str) {
    let set = format!("\x1b]2;{title}\x07");
    ibid.wait_until(title, |screen| {
        memchr::memmem::rfind(&screen.bytes, b"\x1b]2;")
            .is_some_and(|at| screen.bytes[at..].starts_with(set.as_bytes()))
    });
}

#[test]
fn an_answer_is_told_once_to_who_looks_elsewhere_and_never_to_who_looks() {
    let stage = Stage::plain();
    let mut ibid = stage.open();
    wait_for_title(&ibid, "ibid");
    stage.server.answer(answer(&["Here ", "it is."]).gated());
    ibid.type_keys("hello<enter>");
    let request = stage.server.next_request();
    wait_for_title(&ibid, "◐ hello — ibid");
    look_away(&mut ibid);
    request.release_all();
    ibid.wait_for("Here it is.");
    wait_for_title(&ibid, "✓ hello — ibid");
    assert_eq!((count(&ibid, OSC9), count(&ibid, OSC777)), (1, 0), "in one form");
    assert_eq!(count(&ibid, &format!("{OSC9}\x07")), 1, "and the bell");
    ibid.send(FOCUS_GAINED);
    wait_for_title(&ibid, "hello — ibid");
    ibid.type_keys("<backspace>");
    stage.exchange(&mut ibid, "again", "And once more.");
    assert_eq!((count(&ibid, OSC9), count(&ibid, "answered:")), (1, 1));
    quit(&mut ibid);
    let bytes = ibid.bytes();
    let (pushed, popped) = (memchr::memmem::find(&bytes, b"\x1b[22;2t"), memchr::memmem::find(&bytes, b"\x1b[23;2t"));
    assert!(pushed.is_some() && popped > pushed && popped > memchr::memmem::rfind(&bytes, b"\x1b]2;"));
}

#[test]
fn a_terminal_that_takes_the_other_form_is_told_in_that() {
    let stage = Stage::plain();
    let mut ibid = ready(stage.run().env("TERM", "rxvt-unicode-256color"));
    stage.server.answer(answer(&["Here ", "it is."]).gated());
    ibid.type_keys("hello<enter>");
    let request = stage.server.next_request();
    look_away(&mut ibid);
    request.release_all();
    wait_for_title(&ibid, "✓ hello — ibid");
    assert_eq!((count(&ibid, OSC9), count(&ibid, OSC777)), (0, 1));
}

#[test]
fn in_tmux_the_notification_is_handed_on_to_the_terminal_around_it() {
    let stage = Stage::plain();
    let mut ibid = ready(stage.run().env("TMUX", "/tmp/tmux-0/default,1,0").env("TERM", "tmux-256color"));
    stage.server.answer(answer(&["Here ", "it is."]).gated());
    ibid.type_keys("hello<enter>");
    let request = stage.server.next_request();
    look_away(&mut ibid);
    request.release_all();
    wait_for_title(&ibid, "✓ hello — ibid");
    let inner = OSC9.replace('\x1b', "\x1b\x1b");
    assert_eq!(count(&ibid, &format!("\x1bPtmux;{inner}\x1b\\\x07")), 1);
}

#[test]
fn what_is_switched_off_is_not_sent() {
    let stage = Stage::configured("[notify]\nbell = false\ndesktop = \"off\"\ntitle = false\n");
    let mut ibid = stage.open();
    stage.server.answer(answer(&["Here ", "it is."]).gated());
    ibid.type_keys("hello<enter>");
    let request = stage.server.next_request();
    look_away(&mut ibid);
    request.release_all();
    ibid.wait_for("Here it is.");
    crate::idle(&ibid);
    quit(&mut ibid);
    assert_eq!(
        (count(&ibid, "\x07"), count(&ibid, "\x1b]"), count(&ibid, "\x1b[22;2t"), count(&ibid, "\x1b[23;2t")),
        (0, 0, 0, 0)
    );
}
