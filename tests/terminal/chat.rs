//! Conversations: prompts, answers, restarts.

use crate::{
    MODEL, Stage, input_messages, newest_prompt, quit, start_ready,
    support::{
        compose::{CitedPart, ResponseBuilder},
        fake_server::FakeReply,
        pty::KEY,
    },
    text_reply, wait_idle,
};

#[test]
fn the_history_survives_a_restart_and_is_sent_with_the_next_request() {
    let stage = Stage::set_up();
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
    assert_eq!(input_messages(&request), expected.map(|(role, text)| (role.to_owned(), text.to_owned())));
}

#[test]
fn quitting_prints_the_command_that_resumes_the_conversation() {
    let stage = Stage::set_up();
    let mut ibid = stage.open();
    stage.exchange(&mut ibid, "Name a colour", "Green.");
    quit(&mut ibid);
    let last = ibid.screen();
    let line = last.lines().find(|line| line.contains("ibid --resume")).unwrap_or_else(|| panic!("{last}"));
    let id = line.split_whitespace().last().expect("the line is not empty").to_owned();

    let by_id = start_ready(stage.launch().args(["--resume", &id]));
    by_id.wait_for("Green.");
    let by_title = start_ready(stage.launch().args(["--resume", "Name a colour"]));
    by_title.wait_for("Green.");
}

#[test]
fn a_request_identifies_the_program_and_carries_the_servers_key() {
    let stage = Stage::set_up();
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
fn reasoning_citations_and_the_cost_are_shown() {
    let stage = Stage::set_up();
    let mut ibid = stage.open();
    let response = ResponseBuilder::new(MODEL)
        .reasoning_summary(&[&["**Looking** at the sea."]])
        .web_search("what is wet", &["https://sea.example/water"])
        .cited_text(&[
            CitedPart::Text("Water is wet "),
            CitedPart::Link { site: "sea.example", url: "https://sea.example/water", title: "On water" },
            CitedPart::Text(", and so is rain."),
        ])
        .usage(crate::support::compose::usage(20, 9, "0.0184"));
    stage.server.queue_reply(FakeReply::stream(response.completed()));
    ibid.type_keys("Is water wet?<enter>");
    ibid.wait_for("and so is rain.");
    wait_idle(&ibid);
    ibid.wait_for("Thought");
    ibid.wait_for("Water is wet [1], and so is rain.");
    ibid.wait_for("Sources  [1] sea.example");
    ibid.wait_for("$0.018");
}

#[test]
fn two_conversations_stream_at_once_and_the_list_marks_them() {
    let stage = Stage::set_up();
    let mut ibid = start_ready(stage.launch().size(120, 40));
    let stream = |deltas: &[&str]| text_reply(deltas).gated();

    stage.server.queue_reply(stream(&["Sheep: ", "one, ", "two, ", "three."]));
    ibid.type_keys("Count sheep<enter>");
    let sheep = stage.server.next_request();
    sheep.release_many(8);
    ibid.wait_for("Sheep: one,");

    ibid.type_keys("<ctrl-n>");
    ibid.wait_until_gone("Sheep: one,");
    stage.server.queue_reply(stream(&["Stars: ", "one, ", "two, ", "three."]));
    ibid.type_keys("Count stars<enter>");
    let stars = stage.server.next_request();
    stars.release_many(8);
    ibid.wait_for("Stars: one,");
    let row_of = |title: &'static str, mark: &'static str| {
        move |screen: &crate::support::pty::PtyScreen| {
            screen.contents().lines().any(|row| {
                let list: String = row.chars().take(29).collect();
                list.contains(title) && list.contains(mark)
            })
        }
    };
    ibid.wait_until("streaming mark at the sheep", row_of("Count sheep", "◐"));
    ibid.wait_until("streaming mark at the stars", row_of("Count stars", "◐"));

    sheep.release_all();
    ibid.wait_until("unread mark at the sheep", row_of("Count sheep", "●"));
    stars.release_all();
    ibid.wait_for("Stars: one, two, three.");

    ibid.type_keys("<ctrl-p>");
    ibid.wait_for("Esc");
    ibid.type_keys("Count sheep");
    ibid.wait_for("Count sheep");
    ibid.type_keys("<enter>");
    ibid.wait_for("Sheep: one, two, three.");
    ibid.wait_until("list without the mark", |screen| !row_of("Count sheep", "●")(screen));
}

#[test]
fn escape_stops_the_answer_and_closes_the_connection() {
    let stage = Stage::set_up();
    let mut ibid = stage.open();
    // No letter of the end begins the key, or it would be held until it is known not to be one.
    stage.server.queue_reply(text_reply(&["As far as ", "that", " and no further."]).gated());
    ibid.type_keys("How far?<enter>");
    let request = stage.server.next_request();
    request.release_many(8);
    ibid.wait_for("As far as that");
    ibid.wait_for("Esc stops");
    assert!(!request.is_closed());
    ibid.type_keys("<esc>");
    request.wait_closed();
    ibid.wait_for("stopped");
    ibid.wait_for("As far as that");

    let next = stage.exchange(&mut ibid, "Go on", "No further than that.");
    assert_eq!(newest_prompt(&next), "Go on");
    quit(&mut ibid);
    stage.reopen().wait_for("As far as that");
}

#[test]
fn a_prompt_sent_while_an_answer_streams_is_queued_and_survives_a_kill() {
    let stage = Stage::set_up();
    let mut ibid = stage.open();
    stage.server.queue_reply(text_reply(&["The first ", "answer."]).gated());
    ibid.type_keys("one<enter>");
    let first = stage.server.next_request();
    first.release_many(7);
    ibid.wait_for("The first");
    ibid.type_keys("patience<enter>");
    ibid.wait_for("queued");
    assert_eq!(stage.request_count(), 1);

    stage.server.queue_reply(text_reply(&["The second answer."]));
    first.release_all();
    assert_eq!(newest_prompt(&stage.server.next_request()), "patience");
    ibid.wait_for("The second answer.");
    wait_idle(&ibid);

    stage.server.queue_reply(text_reply(&["The third."]).gated());
    ibid.type_keys("two<enter>");
    stage.server.next_request();
    ibid.wait_for("Esc stops");
    ibid.type_keys("left waiting<enter>");
    ibid.wait_for("queued");
    crate::safety::wait_on_disk(&stage.home, "left waiting");
    ibid.send_signal(rustix::process::Signal::KILL);
    ibid.wait_exit();
    let ibid = stage.launch().args(["--continue"]).start();
    ibid.wait_for("left waiting");
}

#[test]
fn a_draft_survives_a_restart() {
    let stage = Stage::set_up();
    let mut ibid = stage.open();
    stage.exchange(&mut ibid, "hello", "Good day.");
    ibid.type_keys("half a thou");
    ibid.wait_for("› half a thou");
    quit(&mut ibid);
    let ibid = stage.launch().args(["--continue"]).start();
    ibid.wait_for("› half a thou");
}

#[test]
fn a_conversation_can_be_trashed_and_restored() {
    let stage = Stage::set_up();
    let mut ibid = start_ready(stage.launch().size(120, 40));
    stage.exchange(&mut ibid, "Something dear", "Indeed.");
    ibid.type_keys("<ctrl-x>d");
    ibid.wait_until_gone("Something dear");
    ibid.type_keys("<ctrl-x>l");
    ibid.type_keys("u");
    ibid.wait_for("Something dear");
}

#[test]
fn the_text_being_read_stays_in_place_while_more_arrives() {
    let stage = Stage::set_up();
    let mut ibid = stage.open();
    let lines: Vec<String> = (0..60).map(|number| format!("Line number {number}.\n\n")).collect();
    let deltas: Vec<&str> = lines.iter().map(String::as_str).collect();
    stage.server.queue_reply(text_reply(&deltas).gated());
    ibid.type_keys("count<enter>");
    let request = stage.server.next_request();
    request.release_many(6 + 30);
    ibid.wait_for("Line number 29.");
    ibid.type_keys("<ctrl-home>");
    ibid.wait_for("Line number 0.");
    // The scroll bar shows that there is more.
    let without_scrollbar = |line: &str| line.trim_end_matches([' ', '┃']).to_owned() + "\n";
    let visible_rows = |ibid: &crate::support::pty::Pty| {
        ibid.screen().lines().skip(6).take(10).map(without_scrollbar).collect::<String>()
    };
    let before = visible_rows(&ibid);
    assert!(before.contains("Line number 1."), "{before}");
    request.release_many(20);
    ibid.wait_for("new lines");
    assert_eq!(visible_rows(&ibid), before);
    request.release_all();
    wait_idle(&ibid);
    assert_eq!(visible_rows(&ibid), before);
    ibid.type_keys("<ctrl-end>");
    ibid.wait_for("Line number 59.");
    ibid.wait_until_gone("new lines");
}

#[test]
fn a_conversation_is_renamed_and_found_by_its_new_name() {
    let stage = Stage::set_up();
    let mut ibid = start_ready(stage.launch().size(120, 40));
    stage.exchange(&mut ibid, "first matter", "One.");
    ibid.type_keys("<ctrl-n>");
    ibid.wait_until_gone("One.");
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
    let ibid = start_ready(stage.launch().args(["--resume", "Ships and shoes"]));
    ibid.wait_for("Two.");
}
