//! Code blocks of an answer: copied, saved and piped to a command.

use ibid::ui::{
    Effect, Msg,
    msg::{FileWriteError, PipeResult},
};

use super::{click_on, copied, with_answer};
use crate::support::harness::Harness;

const ANSWER: &str = "One:\n\n```rust\nfn main() {}\n```\n\nTwo:\n\n```json\n{\"a\": 1}\n```\n";

fn written_file(app: &mut Harness) -> Option<(String, String, bool)> {
    app.effects().into_iter().find_map(|effect| match effect {
        Effect::WriteFile { path, text, over } => Some((path, text.to_string(), over)),
        _ => None,
    })
}

#[test]
fn a_block_is_picked_by_its_number_and_copied() {
    let mut app = with_answer(80, 30, ANSWER);
    app.press("ctrl-x c");
    app.enter_text("2");
    app.press("enter");
    assert_eq!(copied(&mut app).as_deref(), Some("{\"a\": 1}\n"));
    app.send(Msg::Copied(Ok("OSC 52".into())));
    assert!(app.screen().contains("copied the code, 1 line · OSC 52"), "{}", app.screen());
}

#[test]
fn the_code_keys_walk_the_blocks_and_act_on_the_current_one() {
    let mut app = with_answer(80, 30, ANSWER);
    app.press("g } y");
    assert_eq!(copied(&mut app).as_deref(), Some("fn main() {}\n"));
    app.press("} y");
    assert_eq!(copied(&mut app).as_deref(), Some("{\"a\": 1}\n"));
    app.press("} } { y");
    assert_eq!(copied(&mut app).as_deref(), Some("fn main() {}\n"));
    let marked: Vec<String> = app.screen().lines().filter(|line| line.starts_with('▌')).map(str::to_owned).collect();
    assert!(marked.iter().any(|line| line.contains("copy ^X c 1")), "{}", app.screen());
    app.press("} enter enter");
    assert_eq!(
        copied(&mut app).as_deref(),
        Some("{\"a\": 1}\n"),
        "Enter opens the actions on code, with this block first"
    );
}

#[test]
fn a_block_is_saved_under_a_name_and_overwrites_only_on_request() {
    let mut app = with_answer(80, 30, ANSWER);
    app.press("ctrl-x c ctrl-s");
    assert!(app.screen().contains("Save c1 to a file") && app.screen().contains("c1.rs"), "{}", app.screen());
    app.press("enter");
    let (path, text, over) = written_file(&mut app).expect("the file is written");
    assert_eq!((path.as_str(), text.as_str(), over), ("c1.rs", "fn main() {}\n", false));
    let exists = |app: &mut Harness| {
        let text = "fn main() {}\n".into();
        app.send(Msg::FileWritten { path: "c1.rs".into(), text, result: Err(FileWriteError::Exists) });
    };
    exists(&mut app);
    app.press("enter");
    app.press("ctrl-u");
    app.enter_text("~/main.rs");
    app.press("enter");
    assert_eq!(written_file(&mut app).expect("the file is written under another name").0, "~/main.rs");
    exists(&mut app);
    app.press("down enter");
    assert_eq!(
        written_file(&mut app).expect("the file is overwritten"),
        ("c1.rs".into(), "fn main() {}\n".into(), true)
    );
    exists(&mut app);
    app.press("esc");
    assert_eq!(written_file(&mut app), None);
}

#[test]
fn a_block_is_piped_to_a_command_that_can_be_stopped() {
    let mut app = with_answer(80, 30, ANSWER);
    let run = |app: &mut Harness| {
        app.press("ctrl-x c down ctrl-o");
        app.enter_text("jq .");
        app.press("enter");
        let fx = app.effects();
        let piped = fx.into_iter().find_map(|effect| match effect {
            Effect::PipeToCommand { command, text } => Some((command, text.to_string())),
            _ => None,
        });
        assert_eq!(piped, Some(("jq .".into(), "{\"a\": 1}\n".into())));
    };
    run(&mut app);
    let result_with = |output: &str| PipeResult {
        output: output.into(),
        status: "is done".into(),
        is_success: true,
        is_truncated: false,
    };
    app.send(Msg::CommandEnded(Ok(result_with("{\n  \"a\": 1\n}\n\u{1b}[31mred"))));
    assert!(app.screen().contains("jq . is done") && app.screen().contains("\"a\": 1"), "{}", app.screen());
    app.press("enter");
    assert!(copied(&mut app).expect("the whole output").starts_with("{\n  \"a\": 1\n}"));

    run(&mut app);
    assert!(app.status().contains("Esc stops the command"), "{}", app.status());
    app.press("esc");
    assert!(app.effects().iter().any(|effect| matches!(effect, Effect::StopCommand)));
    app.send(Msg::CommandEnded(Ok(result_with("too late"))));
    assert!(!app.screen().contains("too late"));

    run(&mut app);
    app.send(Msg::CommandEnded(Err("sh cannot be started: no such file".into())));
    assert!(app.screen().contains("cannot be started"), "{}", app.screen());
}

/// An answer with two code blocks, far from its beginning and from each other.
fn answer_with_distant_blocks() -> Harness {
    let words = "A paragraph.\n\n".repeat(30);
    with_answer(80, 24, &format!("{words}```rust\none();\n```\n\n{words}```rust\ntwo();\n```\n\n{words}End.\n"))
}

#[test]
fn keys_do_not_act_on_off_screen_code() {
    let mut app = answer_with_distant_blocks();
    app.press("g }");
    assert!(app.screen().contains("one();"), "{}", app.screen());
    app.press("g y");
    assert_ne!(copied(&mut app).as_deref(), Some("one();\n"));
    app.press("} y");
    assert_eq!(copied(&mut app).as_deref(), Some("one();\n"), "walking starts from the window, not from the cursor");
    app.press("j k y");
    assert_eq!(copied(&mut app).as_deref(), Some("one();\n"), "a visible block stays current");
    app.press("} y");
    assert_eq!(copied(&mut app).as_deref(), Some("two();\n"));
}

const DIAGRAM: &str = "Look:\n\n```mermaid\nflowchart LR\n  A --> B\n  B --> C\n```\n\nEnd.\n";

#[test]
fn enter_space_and_a_click_open_a_diagram_without_new_lines() {
    let mut app = with_answer(80, 10, DIAGRAM);
    app.press("{");
    let folded = app.screen();
    assert!(folded.contains("▸ Diagram 1"), "{folded}");
    for key in ["enter", "space"] {
        app.press(key);
        let open = app.screen();
        assert!(open.contains("▾ Diagram 1") && !open.contains("new line"), "{open}");
        app.press(key);
        assert!(app.screen().contains("▸ Diagram 1"), "{}", app.screen());
    }
    click_on(&mut app, "Diagram 1");
    assert!(app.screen().contains("A --> B"), "{}", app.screen());
}

const DETAILS: &str = "Look:\n\n<details>\n<summary>The long story</summary>\n\nOnce upon a time, words were long enough to be wrapped in a narrow window.\n\n- a list\n\n</details>\n\nEnd.\n";

#[test]
fn enter_space_and_a_click_open_and_close_details() {
    let mut app = with_answer(80, 30, DETAILS);
    app.press("(");
    assert!(app.screen().contains("▸ The long story") && !app.screen().contains("Once upon"), "{}", app.screen());
    for key in ["enter", "space"] {
        app.press(key);
        let open = app.screen();
        assert!(open.contains("▾ The long story") && open.contains("• a list"), "{open}");
        assert!(!open.contains("new line"), "{open}");
        app.press(key);
        assert!(app.screen().contains("▸ The long story") && !app.screen().contains("Once upon"), "{}", app.screen());
    }
    click_on(&mut app, "The long story");
    assert!(app.screen().contains("▾ The long story") && app.screen().contains("• a list"), "{}", app.screen());
    app.wait(std::time::Duration::from_secs(2)); // Two clicks at once select a word.
    click_on(&mut app, "The long story");
    assert!(app.screen().contains("▸ The long story") && !app.screen().contains("• a list"), "{}", app.screen());
}

#[test]
fn details_stay_open_or_folded_when_the_window_changes() {
    let mut app = with_answer(80, 30, DETAILS);
    app.press("(");
    for is_open in [false, true] {
        for (width, height) in [(120, 40), (40, 30), (80, 30)] {
            app.resize(width, height);
            let screen = app.screen();
            assert_eq!(screen.contains("Once upon"), is_open, "{width}x{height}\n{screen}");
            assert_eq!(screen.contains("▾ The long story"), is_open, "{width}x{height}\n{screen}");
        }
        app.press("enter");
    }
    assert!(app.screen().contains("▸ The long story"), "{}", app.screen());
}
