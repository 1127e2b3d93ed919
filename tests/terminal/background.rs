//! `theme = auto` queries the terminal's background; no part of any reply is taken for typed text.

use crate::{Stage, newest_prompt, support::pty::Pty, wait_idle};

const BACKGROUND_QUERY: &[u8] = b"\x1b]11;?\x07";
const DARK_REPLY: &[u8] = b"\x1b]11;rgb:1515/1717/1c1c\x1b\\";
const LIGHT_REPLY: &[u8] = b"\x1b]11;rgb:ffff/ffff/ffff\x07";

fn start_and_wait_for_query(stage: &Stage) -> Pty {
    let ibid = stage.launch().start();
    ibid.wait_until("question", |screen| memchr::memmem::find(&screen.bytes, BACKGROUND_QUERY).is_some());
    ibid
}

fn auto_theme_stage() -> Stage {
    Stage::with_config("theme = \"auto\"\ntheme_dark = \"nord\"\n")
}

/// Whether the page has this background colour.
fn has_background(screen: &crate::support::pty::PtyScreen, red: u8, green: u8, blue: u8) -> bool {
    screen.grid().cell(2, 0).is_some_and(|cell| cell.bgcolor() == vt100::Color::Rgb(red, green, blue))
}

/// Waits until the running turn's clock has advanced by a quarter of a second: longer than the program waits for the
/// rest of a sequence or for the terminal's reply.
#[track_caller]
fn wait_a_quarter_second(ibid: &Pty) {
    let clock = |screen: &crate::support::pty::PtyScreen| -> Option<f32> {
        let row = screen.contents().lines().last()?.to_owned();
        let before = row.split(" s ").next()?;
        before.rsplit(' ').next()?.parse().ok()
    };
    let mut started = None;
    ibid.wait_until("a clock", |screen| {
        started = clock(screen);
        started.is_some()
    });
    let until = started.expect("the clock is running") + 0.25;
    ibid.wait_until("later time on the clock", |screen| clock(screen).is_some_and(|now| now >= until));
}

#[test]
fn the_first_frame_does_not_wait_for_the_background_and_the_reply_selects_the_theme() {
    for (bytes, (red, green, blue)) in [(DARK_REPLY, (0x2e, 0x34, 0x40)), (LIGHT_REPLY, (0xfb, 0xf9, 0xf4))] {
        // On a busy machine the reply may come too late; then try again.
        for round in 0.. {
            assert!(round < 10, "no reply was ever in time");
            let stage = auto_theme_stage();
            let mut ibid = start_and_wait_for_query(&stage);
            let query_at = ibid.with_screen(|screen| memchr::memmem::find(&screen.bytes, BACKGROUND_QUERY));
            let first_frame_at = ibid.with_screen(|screen| memchr::memmem::find(&screen.bytes, b"\x1b[?2026l"));
            assert!(first_frame_at.is_some() && first_frame_at < query_at, "the query came before the first frame");
            ibid.send(bytes);
            ibid.type_keys("hello");
            ibid.wait_for("› hello");
            if ibid.with_screen(|screen| has_background(screen, red, green, blue)) {
                break;
            }
        }
    }
}

#[test]
fn no_part_of_a_background_reply_is_taken_for_typed_text() {
    let wrong: &[&[u8]] =
        &[b"\x1b]11;no such colour\x07", b"\x1b]11;rgb:zz/zz\x1b\\", b"\x1b]11;\x07", b"\x1b]11;rgb:ffff"];
    let stage = auto_theme_stage();
    let mut ibid = start_and_wait_for_query(&stage);
    for answer in wrong {
        ibid.send(answer);
        ibid.send(b"\x1b[H"); // A key, which ends an unterminated reply.
    }
    // Two pieces; the second is sent only after the first, a lone Esc, has been taken for a key.
    ibid.type_keys("<ctrl-p>");
    ibid.wait_for("Choose the model");
    ibid.send(&DARK_REPLY[..1]);
    ibid.wait_until_gone("Choose the model");
    ibid.send(&DARK_REPLY[1..]);
    stage.server.queue_reply(crate::text_reply(&["Nothing but that."]).gated());
    ibid.type_keys("typed<enter>");
    let request = stage.server.next_request();
    for cut in [2, 4, 5, 9, DARK_REPLY.len() - 1] {
        ibid.send(&DARK_REPLY[..cut]);
        wait_a_quarter_second(&ibid);
        ibid.send(&DARK_REPLY[cut..]);
    }
    request.release_all();
    ibid.wait_for("Nothing but that.");
    assert_eq!((stage.request_count(), newest_prompt(&request).as_str()), (1, "typed"));
    wait_idle(&ibid);
    stage.server.queue_reply(crate::text_reply(&["Indeed."]));
    ibid.type_keys("and again<enter>");
    assert_eq!(newest_prompt(&stage.server.next_request()), "and again");
}

#[test]
fn a_background_reply_that_comes_too_late_is_ignored() {
    let stage = auto_theme_stage();
    let mut ibid = start_and_wait_for_query(&stage);
    stage.server.queue_reply(crate::text_reply(&["Here it is."]).gated());
    ibid.type_keys("what<enter>");
    let request = stage.server.next_request();
    wait_a_quarter_second(&ibid);
    ibid.send(DARK_REPLY);
    ibid.type_keys("hello");
    ibid.wait_for("› hello");
    request.release_all();
    ibid.wait_for("Here it is.");
    assert!(
        ibid.with_screen(|screen| screen.grid().cell(2, 0).is_some_and(|cell| cell.bgcolor() == vt100::Color::Default))
    );
}

#[test]
fn a_configured_theme_does_not_query_the_background() {
    let stage = Stage::with_config("theme = \"ink\"\n");
    let mut ibid = stage.open();
    stage.exchange(&mut ibid, "hello", "Hello yourself.");
    assert_eq!(memchr::memmem::find(&ibid.bytes(), BACKGROUND_QUERY), None);
}
