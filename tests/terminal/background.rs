//! `theme = auto`: the terminal is asked for its background, and whatever it answers, nothing of it is typed text.

use crate::{Stage, idle, prompt, support::pty::Pty};

const QUESTION: &[u8] = b"\x1b]11;?\x07";
const DARK: &[u8] = b"\x1b]11;rgb:1515/1717/1c1c\x1b\\";
const LIGHT: &[u8] = b"\x1b]11;rgb:ffff/ffff/ffff\x07";

fn start(stage: &Stage) -> Pty {
    let ibid = stage.run().start();
    ibid.wait_until("question", |screen| memchr::memmem::find(&screen.bytes, QUESTION).is_some());
    ibid
}

fn auto() -> Stage {
    Stage::configured("theme = \"auto\"\ntheme_dark = \"nord\"\n")
}

/// Whether the page is painted in that colour.
fn is_painted(screen: &crate::support::pty::Screen, red: u8, green: u8, blue: u8) -> bool {
    screen.grid().cell(2, 0).is_some_and(|cell| cell.bgcolor() == vt100::Color::Rgb(red, green, blue))
}

/// Waits until the clock of the running turn has gone on by a quarter of a second: longer than the program waits for the
/// rest of a key, and than it listens for an answer of the terminal.
#[track_caller]
fn let_time_pass(ibid: &Pty) {
    let clock = |screen: &crate::support::pty::Screen| -> Option<f32> {
        let row = screen.contents().lines().last()?.to_owned();
        let before = row.split(" s ").next()?;
        before.rsplit(' ').next()?.parse().ok()
    };
    let mut begun = None;
    ibid.wait_until("a clock", |screen| {
        begun = clock(screen);
        begun.is_some()
    });
    let until = begun.expect("it runs") + 0.25;
    ibid.wait_until("the clock to go on", |screen| clock(screen).is_some_and(|now| now >= until));
}

#[test]
fn the_first_frame_does_not_wait_and_the_answer_chooses_the_theme() {
    for (bytes, (red, green, blue)) in [(DARK, (0x2e, 0x34, 0x40)), (LIGHT, (0xfb, 0xf9, 0xf4))] {
        // A busy machine may take longer than a terminal may: then again.
        for round in 0.. {
            assert!(round < 10, "no answer was ever in time");
            let stage = auto();
            let mut ibid = start(&stage);
            let question = ibid.look(|screen| memchr::memmem::find(&screen.bytes, QUESTION));
            let first = ibid.look(|screen| memchr::memmem::find(&screen.bytes, b"\x1b[?2026l"));
            assert!(first.is_some() && first < question, "the first frame came before the question");
            ibid.send(bytes);
            ibid.type_keys("hello");
            ibid.wait_for("› hello");
            if ibid.look(|screen| is_painted(screen, red, green, blue)) {
                break;
            }
        }
    }
}

#[test]
fn nothing_of_an_answer_is_ever_typed_text() {
    let wrong: &[&[u8]] =
        &[b"\x1b]11;no such colour\x07", b"\x1b]11;rgb:zz/zz\x1b\\", b"\x1b]11;\x07", b"\x1b]11;rgb:ffff"];
    let stage = auto();
    let mut ibid = start(&stage);
    for answer in wrong {
        ibid.send(answer);
        ibid.send(b"\x1b[H"); // A key, which ends the one that has no end.
    }
    // Two pieces, the second only after the first was taken for a key, where it can be one.
    ibid.type_keys("<ctrl-p>");
    ibid.wait_for("Choose the model");
    ibid.send(&DARK[..1]);
    ibid.wait_without("Choose the model");
    ibid.send(&DARK[1..]);
    stage.server.answer(crate::answer(&["Nothing but that."]).gated());
    ibid.type_keys("typed<enter>");
    let request = stage.server.next_request();
    for cut in [2, 4, 5, 9, DARK.len() - 1] {
        ibid.send(&DARK[..cut]);
        let_time_pass(&ibid);
        ibid.send(&DARK[cut..]);
    }
    request.release_all();
    ibid.wait_for("Nothing but that.");
    assert_eq!((stage.asked(), prompt(&request).as_str()), (1, "typed"));
    idle(&ibid);
    stage.server.answer(crate::answer(&["Indeed."]));
    ibid.type_keys("and again<enter>");
    assert_eq!(prompt(&stage.server.next_request()), "and again");
}

#[test]
fn a_terminal_that_does_not_answer_or_too_late_keeps_its_own_colours() {
    let stage = auto();
    let mut ibid = start(&stage);
    stage.server.answer(crate::answer(&["Here it is."]).gated());
    ibid.type_keys("what<enter>");
    let request = stage.server.next_request();
    let_time_pass(&ibid);
    ibid.send(DARK);
    ibid.type_keys("hello");
    ibid.wait_for("› hello");
    request.release_all();
    ibid.wait_for("Here it is.");
    assert!(ibid.look(|screen| screen.grid().cell(2, 0).is_some_and(|cell| cell.bgcolor() == vt100::Color::Default)));
}

#[test]
fn a_theme_that_was_chosen_asks_nothing() {
    let stage = Stage::configured("theme = \"ink\"\n");
    let mut ibid = stage.open();
    stage.exchange(&mut ibid, "hello", "Hello yourself.");
    assert_eq!(memchr::memmem::find(&ibid.bytes(), QUESTION), None);
}
