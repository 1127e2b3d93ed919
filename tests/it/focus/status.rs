//! The status line shows the keys of the pane that has the focus, and news of other conversations.

use super::{cited, three_turns};
use crate::support::harness::Harness;

#[test]
fn the_text_says_reading_and_its_keys() {
    let mut app = cited(120, 40);
    app.press("tab");
    let status = app.status();
    assert!(status.contains("READING  ] source  r again  e edit  y copy   Esc to write"), "{status}");
    assert!(!status.contains("luna") && !status.contains("^P"), "{status}");
    app.resize(80, 24);
    assert!(app.status().contains("r again") && app.status().contains("Esc to write"), "{}", app.status());
    let mut app = three_turns(120, 40);
    app.press("tab");
    assert!(app.status().contains("READING  J K message  r again"), "{}", app.status());
}

#[test]
fn list_and_rail_show_their_keys() {
    let mut app = cited(120, 40);
    app.press("ctrl-x l");
    assert!(app.status().contains("LIST  ↵ open  d trash  / filter  r rename   Esc to write"), "{}", app.status());
    app.press("r");
    assert!(app.status().contains("Esc cancels"), "{}", app.status());
    app.press("esc esc ctrl-x s");
    assert!(app.status().contains("RAIL  "), "{}", app.status());
}

#[test]
fn other_conversations_are_counted_at_every_width_and_reached() {
    for (width, height) in [(80, 24), (120, 40), (60, 20)] {
        let mut app = Harness::new(width, height);
        let first = app.send_prompt("first");
        app.press("ctrl-n");
        app.send_prompt("second");
        app.press("ctrl-n");
        assert!(app.status().contains("◐2"), "{}", app.status());
        app.stream_answer(first, "done");
        assert!(app.status().contains("◐1 ●1"), "{}", app.status());
        app.press("ctrl-x .");
        assert!(app.screen().contains("done"), "the unread answer comes first: {}", app.screen());
        assert!(app.status().contains("◐1") && !app.status().contains("●"), "{}", app.status());
        app.press("ctrl-x .");
        assert!(app.screen().contains("second"), "{}", app.screen());
        app.press("ctrl-x . ctrl-x .");
        assert!(app.screen().contains("no other conversation has news"), "{}", app.screen());
    }
}
