//! The keys of an overlay and of a card stand in their frame, once, and no toast hides them.

use std::time::Duration;

use ibid::ui::Msg;

use crate::support::{
    cited_answer,
    harness::{Harness, default_start},
};

/// A program whose newest answer has sources, reasoning and code.
fn app(width: u16, height: u16) -> Harness {
    let mut app = Harness::new(width, height);
    let stream = app.send_prompt("Is WAL safe on NFS?");
    cited_answer::stream_cited_answer(&mut app, stream);
    let stream = app.send_prompt("Show me code");
    app.stream_answer(stream, "```sh\necho one\n```");
    app
}

fn type_command(app: &mut Harness, command: &str) {
    app.set_draft(command);
    app.press("esc enter");
}

/// The row of the screen at the foot of the top overlay.
fn foot(app: &Harness) -> String {
    let rows = (0..app.size().height).rev().map(|y| app.row(y));
    rows.into_iter().find(|row| row.trim_start().starts_with('╰')).expect("the overlay has a frame")
}

#[test]
fn a_toast_hides_no_key_in_the_frame_of_an_overlay() {
    let keys = [
        "ctrl-p", "?", "ctrl-x m", "ctrl-x l", "ctrl-x r", "ctrl-x s", "ctrl-x j", "ctrl-x ,", "ctrl-x e", "ctrl-r",
        "ctrl-x u", "ctrl-x c",
    ];
    let commands = ["/connect", "/theme", "/mouse", "/auto-approve", "/jump"];
    for opener in keys.into_iter().chain(commands) {
        let mut app = app(80, 24);
        if opener.starts_with('/') {
            type_command(&mut app, opener);
        } else {
            app.press(opener);
        }
        app.wait(Duration::from_secs(5));
        let before = foot(&app);
        assert!(before.contains("Esc"), "{opener}: {}", app.screen());
        app.send(Msg::FileSaved(Ok("/home/someone/a/rather/long/name/of/a/file/in/some/folder.md".into())));
        assert!(app.screen().contains("folder.md"), "{opener}: {}", app.screen());
        assert_eq!(foot(&app), before, "{opener}: {}", app.screen());
    }
}

#[test]
fn the_status_line_does_not_repeat_the_keys_of_an_overlay() {
    for opener in ["ctrl-x l", "ctrl-x r"] {
        let mut app = app(80, 24);
        app.press(opener);
        assert!(foot(&app).contains("Esc close"), "{}", app.screen());
        let status = app.status();
        for word in ["LIST", "RAIL", "open", "trash", "rename", "filter", "scroll", "tabs"] {
            assert!(!status.contains(word), "{opener}: {status}");
        }
        assert!(status.contains("gpt-5.6-luna   Esc closes"), "{opener}: {status}");
    }
    let mut docked = Harness::new(120, 40);
    let stream = docked.send_prompt("one");
    docked.stream_answer(stream, "1");
    docked.press("ctrl-x l");
    assert!(docked.status().contains("LIST  ↵ open  d trash"), "a docked pane has no frame: {}", docked.status());
}

#[test]
fn the_status_line_shows_the_keys_of_a_source_card_only_while_its_frame_does_not() {
    let cited = |width, height| {
        let mut app = Harness::with_start(default_start(width, height));
        app.store_reply(ibid::store::StoreReply::Opened { newest: Vec::new(), total: 0, new_draft: String::new() });
        let stream = app.send_prompt("Is WAL safe on NFS?");
        cited_answer::stream_cited_answer(&mut app, stream);
        app.press("tab ]");
        app
    };
    for (width, height) in [(80, 24), (120, 40), (200, 60)] {
        let mut app = cited(width, height);
        assert!(app.status().contains("READING  ] next  c check  o open"), "no card is open: {}", app.status());
        app.press("enter");
        assert!(app.screen().contains("o open  c check  y copy  ] [ next"), "{}", app.screen());
        assert!(app.status().contains("READING   Esc closes the card"), "{}", app.status());
    }
    let mut app = cited(80, 12);
    app.press("enter");
    if !app.screen().contains("y copy  ] [ next") {
        assert!(app.status().contains("] next  c check"), "{}", app.status());
    }
}
