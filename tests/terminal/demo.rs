//! The demo works without a key or a network.

use crate::support::pty::{ProgramLaunch, TestHome};

#[test]
fn the_demo_needs_neither_a_key_nor_a_network() {
    let home = TestHome::empty();
    let mut ibid = ProgramLaunch::in_home(&home).args(["demo"]).size(120, 40).start();
    ibid.wait_for("type a message");
    ibid.wait_for("demo");
    ibid.wait_for("What is a footnote for?");
    ibid.type_keys("hello there<enter>");
    ibid.wait_for("You wrote hello there");
    crate::wait_idle(&ibid);
    ibid.type_keys("/tour<enter>");
    ibid.wait_for("Send anything to go on");
    crate::wait_idle(&ibid);
    ibid.type_keys("<ctrl-x>2");
    ibid.wait_for("thinker");
    ibid.type_keys("what is thinking?<enter>");
    ibid.wait_for("Thought for");
    crate::wait_idle(&ibid);
    assert!(!home.database().exists(), "the demo touched the real conversations");
    ibid.type_keys("<ctrl-x>q");
    assert_eq!(ibid.wait_exit().exit_code(), 0);

    let ibid = ProgramLaunch::in_home(&home).args(["demo", "--continue"]).size(120, 40).start();
    ibid.wait_for("what is thinking?");
    ibid.wait_for("Thought for");
}

#[test]
fn the_welcome_screen_starts_the_demo() {
    let home = TestHome::without_ports();
    let mut ibid = ProgramLaunch::in_home(&home).start();
    ibid.wait_for("The demo");
    ibid.type_keys("4");
    ibid.wait_for("type a message");
    ibid.wait_for("demo");
    ibid.type_keys("hello<enter>");
    ibid.wait_for("demo");
    ibid.wait_for("Esc stops");
    ibid.type_keys("<esc>");
    crate::wait_idle(&ibid);
}
