//! Notifications while the terminal is unfocused, byte by byte.

use crate::{Stage, quit, start_ready, support::pty::Pty, text_reply};

/// A letter and the loss of focus in one read: once the letter is on the screen, the loss has been handled.
const TYPED_AND_FOCUS_LOST: &[u8] = b"x\x1b[O";
const FOCUS_GAINED: &[u8] = b"\x1b[I";
const OSC9: &str = "\x1b]9;ibid answered: hello\x07";
const OSC777: &str = "\x1b]777;notify;ibid;answered: hello\x07";

fn count(ibid: &Pty, text: &str) -> usize {
    memchr::memmem::find_iter(&ibid.bytes(), text.as_bytes()).count()
}

/// Unfocuses the terminal, and leaves a letter in the draft.
#[track_caller]
fn lose_focus(ibid: &mut Pty) {
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
fn an_answer_notifies_once_while_unfocused_and_never_while_focused() {
    let stage = Stage::set_up();
    let mut ibid = stage.open();
    wait_for_title(&ibid, "ibid");
    stage.server.queue_reply(text_reply(&["Here ", "it is."]).gated());
    ibid.type_keys("hello<enter>");
    let request = stage.server.next_request();
    wait_for_title(&ibid, "◐ hello — ibid");
    lose_focus(&mut ibid);
    request.release_all();
    ibid.wait_for("Here it is.");
    wait_for_title(&ibid, "✓ hello — ibid");
    assert_eq!((count(&ibid, OSC9), count(&ibid, OSC777)), (1, 0), "only one form is sent");
    assert_eq!(count(&ibid, &format!("{OSC9}\x07")), 1, "the bell follows");
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
fn rxvt_is_notified_with_osc_777() {
    let stage = Stage::set_up();
    let mut ibid = start_ready(stage.launch().env("TERM", "rxvt-unicode-256color"));
    stage.server.queue_reply(text_reply(&["Here ", "it is."]).gated());
    ibid.type_keys("hello<enter>");
    let request = stage.server.next_request();
    lose_focus(&mut ibid);
    request.release_all();
    wait_for_title(&ibid, "✓ hello — ibid");
    assert_eq!((count(&ibid, OSC9), count(&ibid, OSC777)), (0, 1));
}

#[test]
fn in_tmux_the_notification_is_passed_through_to_the_outer_terminal() {
    let stage = Stage::set_up();
    let mut ibid = start_ready(stage.launch().env("TMUX", "/tmp/tmux-0/default,1,0").env("TERM", "tmux-256color"));
    stage.server.queue_reply(text_reply(&["Here ", "it is."]).gated());
    ibid.type_keys("hello<enter>");
    let request = stage.server.next_request();
    lose_focus(&mut ibid);
    request.release_all();
    wait_for_title(&ibid, "✓ hello — ibid");
    let inner = OSC9.replace('\x1b', "\x1b\x1b");
    assert_eq!(count(&ibid, &format!("\x1bPtmux;{inner}\x1b\\\x07")), 1);
}

#[test]
fn disabled_notifications_are_not_sent() {
    let stage = Stage::with_config("[notify]\nbell = false\ndesktop = \"off\"\ntitle = false\n");
    let mut ibid = stage.open();
    stage.server.queue_reply(text_reply(&["Here ", "it is."]).gated());
    ibid.type_keys("hello<enter>");
    let request = stage.server.next_request();
    lose_focus(&mut ibid);
    request.release_all();
    ibid.wait_for("Here it is.");
    crate::wait_idle(&ibid);
    quit(&mut ibid);
    assert_eq!(
        (count(&ibid, "\x07"), count(&ibid, "\x1b]"), count(&ibid, "\x1b[22;2t"), count(&ibid, "\x1b[23;2t")),
        (0, 0, 0, 0)
    );
}
