//! Asking, being answered, leaving and coming back.

use crate::{
    MODEL, Stage, answer, idle, prompt, quit, ready, said,
    support::{
        compose::{Bit, Response},
        fake_server::Reply,
        pty::KEY,
    },
};

#[test]
fn what_was_said_is_there_after_a_restart_and_goes_with_the_next_request() {
    let stage = Stage::plain();
    let mut ibid = stage.open();
    stage.exchange(&mut ibid, "What is a footnote?", "A note at the foot of the page.");
    quit(&mut ibid);

    let mut ibid = stage.reopen();
    ibid.wait_for("A note at the foot of the page.");
    ibid.wait_for("What is a footnote?");
    let request = stage.exchange(&mut ibid, "And an endnote?", "The same, at the end.");
    let expected = [
        ("user", "What is a footnote?"),
        ("assistant", "A note at the foot of the page."),
        ("user", "And an endnote?"),
    ];
    assert_eq!(said(&request), expected.map(|(role, text)| (role.to_owned(), text.to_owned())));
}

#[test]
fn quitting_prints_the_line_that_resumes_the_conversation() {
    let stage = Stage::plain();
    let mut ibid = stage.open();
    stage.exchange(&mut ibid, "Name a colour", "Green.");
    quit(&mut ibid);
    let last = ibid.screen();
    let line = last.lines().find(|line| line.contains("ibid --resume")).unwrap_or_else(|| panic!("{last}"));
    let id = line.split_whitespace().last().expect("the line has words").to_owned();

    let by_id = ready(stage.run().args(["--resume", &id]));
    by_id.wait_for("Green.");
    let by_title = ready(stage.run().args(["--resume", "Name a colour"]));
    by_title.wait_for("Green.");
}

#[test]
fn a_request_says_who_asks_and_carries_the_key_of_its_server() {
    let stage = Stage::plain();
    let mut ibid = stage.open();
    let request = stage.exchange(&mut ibid, "hello", "Good day.");
    assert_eq!(request.head.path, "/api/v1/responses");
    assert_eq!(request.header("authorization"), Some(&*format!("Bearer {KEY}")));
    assert_eq!(request.header("content-type"), Some("application/json"));
    assert_eq!(request.header("accept-encoding"), Some("identity"));
    assert_eq!(request.header("x-openrouter-title").or(request.header("x-title")), Some("ibid"));
    assert!(request.header("http-referer").is_some_and(|url| url.starts_with("https://")), "{:?}", request.head);
    assert!(request.header("user-agent").is_some_and(|agent| agent.starts_with("ibid/")), "{:?}", request.head);
    assert_eq!(request.body["model"], MODEL);
    assert_eq!(request.body["stream"], true);
}

#[test]
fn reasoning_citations_and_the_cost_are_on_the_screen() {
    let stage = Stage::plain();
    let mut ibid = stage.open();
    let response = Response::by(MODEL)
        .summarise(&[&["**Looking** at the sea."]])
        .search("what is wet", &["https://sea.example/water"])
        .cited(&[
            Bit::Say("Water is wet "),
            Bit::Cite { site: "sea.example", url: "https://sea.example/water", title: "On water" },
            Bit::Say(", and so is rain."),
        ])
        .usage(crate::support::compose::usage(20, 9, "0.0184"));
    stage.server.answer(Reply::stream(response.completed()));
    ibid.type_keys("Is water wet?<enter>");
    ibid.wait_for("and so is rain.");
    idle(&ibid);
    ibid.wait_for("Thought for");
    ibid.wait_for("Water is wet [1], and so is rain.");
    ibid.wait_for("Sources  [1] sea.example");
    ibid.wait_for("$0.018");
}

#[test]
fn two_conversations_stream_at_once_and_the_list_marks_them() {
    let stage = Stage::plain();
    let mut ibid = ready(stage.run().size(120, 40));
    let stream = |deltas: &[&str]| answer(deltas).gated();

    stage.server.answer(stream(&["Sheep: ", "one, ", "two, ", "three."]));
    ibid.type_keys("Count sheep<enter>");
    let sheep = stage.server.next_request();
    sheep.release_many(8);
    ibid.wait_for("Sheep: one,");

    ibid.type_keys("<ctrl-n>");
    ibid.wait_without("Sheep: one,");
    stage.server.answer(stream(&["Stars: ", "one, ", "two, ", "three."]));
    ibid.type_keys("Count stars<enter>");
    let stars = stage.server.next_request();
    stars.release_many(8);
    ibid.wait_for("Stars: one,");
    let row_of = |title: &'static str, mark: &'static str| {
        move |screen: &crate::support::pty::Screen| {
            screen.contents().lines().any(|row| {
                let list: String = row.chars().take(29).collect();
                list.contains(title) && list.contains(mark)
            })
        }
    };
    ibid.wait_until("mark of a running answer at the sheep", row_of("Count sheep", "◐"));
    ibid.wait_until("mark of a running answer at the stars", row_of("Count stars", "◐"));

    sheep.release_all();
    ibid.wait_until("mark of something unread at the sheep", row_of("Count sheep", "●"));
    stars.release_all();
    ibid.wait_for("Stars: one, two, three.");

    ibid.type_keys("<ctrl-p>");
    ibid.wait_for("esc");
    ibid.type_keys("Count sheep");
    ibid.wait_for("Count sheep");
    ibid.type_keys("<enter>");
    ibid.wait_for("Sheep: one, two, three.");
    ibid.wait_until("list without the mark", |screen| !row_of("Count sheep", "●")(screen));
}

#[test]
fn escape_stops_the_answer_and_the_server_sees_it_go() {
    let stage = Stage::plain();
    let mut ibid = stage.open();
    stage.server.answer(answer(&["As far as ", "this", " and no further."]).gated());
    ibid.type_keys("How far?<enter>");
    let request = stage.server.next_request();
    request.release_many(8);
    ibid.wait_for("As far as this");
    ibid.wait_for("esc stops");
    assert!(!request.is_closed());
    ibid.type_keys("<esc>");
    request.wait_closed();
    ibid.wait_for("stopped");
    ibid.wait_for("As far as this");

    let next = stage.exchange(&mut ibid, "Go on", "No further than that.");
    assert_eq!(prompt(&next), "Go on");
    quit(&mut ibid);
    stage.reopen().wait_for("As far as this");
}

#[test]
fn a_prompt_typed_while_an_answer_runs_waits_its_turn_and_survives_a_kill() {
    let stage = Stage::plain();
    let mut ibid = stage.open();
    stage.server.answer(answer(&["The first ", "answer."]).gated());
    ibid.type_keys("one<enter>");
    let first = stage.server.next_request();
    first.release_many(7);
    ibid.wait_for("The first");
    ibid.type_keys("patience<enter>");
    ibid.wait_for("queued");
    assert_eq!(stage.asked(), 1);

    stage.server.answer(answer(&["The second answer."]));
    first.release_all();
    assert_eq!(prompt(&stage.server.next_request()), "patience");
    ibid.wait_for("The second answer.");
    idle(&ibid);

    stage.server.answer(answer(&["The third."]).gated());
    ibid.type_keys("two<enter>");
    stage.server.next_request();
    ibid.wait_for("esc stops");
    ibid.type_keys("left waiting<enter>");
    ibid.wait_for("queued");
    crate::safety::on_disk(&stage.home, "left waiting");
    ibid.signal(rustix::process::Signal::KILL);
    ibid.wait_exit();
    let ibid = stage.run().args(["--continue"]).start();
    ibid.wait_for("left waiting");
}

#[test]
fn a_draft_is_there_after_a_restart() {
    let stage = Stage::plain();
    let mut ibid = stage.open();
    stage.exchange(&mut ibid, "hello", "Good day.");
    ibid.type_keys("half a thou");
    ibid.wait_for("› half a thou");
    quit(&mut ibid);
    let ibid = stage.run().args(["--continue"]).start();
    ibid.wait_for("› half a thou");
}

#[test]
fn a_conversation_goes_to_the_trash_and_comes_back() {
    let stage = Stage::plain();
    let mut ibid = ready(stage.run().size(120, 40));
    stage.exchange(&mut ibid, "Something dear", "Indeed.");
    ibid.type_keys("<ctrl-x>d");
    ibid.wait_without("Something dear");
    ibid.type_keys("<ctrl-x>l");
    ibid.type_keys("u");
    ibid.wait_for("Something dear");
}

#[test]
fn what_is_being_read_stays_in_place_while_more_arrives() {
    let stage = Stage::plain();
    let mut ibid = stage.open();
    let lines: Vec<String> = (0..60).map(|number| format!("Line number {number}.\n\n")).collect();
    let deltas: Vec<&str> = lines.iter().map(String::as_str).collect();
    stage.server.answer(answer(&deltas).gated());
    ibid.type_keys("count<enter>");
    let request = stage.server.next_request();
    request.release_many(6 + 30);
    ibid.wait_for("Line number 29.");
    ibid.type_keys("<ctrl-home>");
    ibid.wait_for("Line number 0.");
    // The scroll bar tells that there is more.
    let words = |line: &str| line.trim_end_matches([' ', '┃']).to_owned() + "\n";
    let read = |ibid: &crate::support::pty::Pty| ibid.screen().lines().skip(6).take(10).map(words).collect::<String>();
    let before = read(&ibid);
    assert!(before.contains("Line number 1."), "{before}");
    request.release_many(20);
    ibid.wait_for("new lines");
    assert_eq!(read(&ibid), before);
    request.release_all();
    idle(&ibid);
    assert_eq!(read(&ibid), before);
    ibid.type_keys("<ctrl-end>");
    ibid.wait_for("Line number 59.");
    ibid.wait_without("new lines");
}

#[test]
fn a_conversation_is_renamed_and_found_by_its_new_name() {
    let stage = Stage::plain();
    let mut ibid = ready(stage.run().size(120, 40));
    stage.exchange(&mut ibid, "first matter", "One.");
    ibid.type_keys("<ctrl-n>");
    ibid.wait_without("One.");
    stage.exchange(&mut ibid, "second matter", "Two.");
    ibid.type_keys("<ctrl-x>l");
    ibid.wait_for("r rename");
    ibid.type_keys("r");
    ibid.type_keys("<ctrl-u>Ships and shoes<enter>");
    ibid.wait_for("Ships and shoes");
    ibid.type_keys("/");
    ibid.type_keys("first");
    ibid.wait_for("1 of 2");
    ibid.type_keys("<enter>");
    ibid.wait_for("One.");
    let ibid = ready(stage.run().args(["--resume", "Ships and shoes"]));
    ibid.wait_for("Two.");
}
