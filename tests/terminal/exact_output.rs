//! `ibid ask` prints a beginning of the answer and nothing else; where that is not the whole answer, it says so.

use serde_json::{Value, json};

use crate::{
    MODEL,
    support::{
        compose::{ResponseBuilder, frame},
        fake_server::{FakeReply, FakeServer},
        pty::{ProgramLaunch, TestHome},
    },
};

/// A response whose one message has these events between its announcement and its end.
fn response(events: &[Value], whole_text: &str) -> Vec<String> {
    let message = json!({ "id": "msg_1", "type": "message", "role": "assistant", "status": "completed",
        "content": [{ "type": "output_text", "text": whole_text, "annotations": [] }] });
    let created = json!({ "type": "response.created",
        "response": { "id": "resp_1", "model": MODEL, "status": "in_progress", "output": [] } });
    let done = json!({ "type": "response.output_item.done", "output_index": 0, "item": message });
    let completed = json!({ "type": "response.completed",
        "response": { "id": "resp_1", "model": MODEL, "status": "completed", "output": [message] } });
    [&created].into_iter().chain(events).chain([&done, &completed]).map(frame).collect()
}

fn delta(text: &Value) -> Value {
    json!({ "type": "response.output_text.delta", "output_index": 0, "content_index": 0, "item_id": "msg_1", "delta": text })
}

/// Asks, and returns what is on standard output, the exit code, and what is on standard error.
fn ask(frames: Vec<String>) -> (String, Option<i32>, String) {
    let (home, server) = (TestHome::empty(), FakeServer::start());
    server.queue_reply(FakeReply::stream(frames));
    let output = ProgramLaunch::in_home(&home).against(&server).args(["ask", "-m", MODEL, "hello"]).output("");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), output.status.code(), text(&output.stderr))
}

#[test]
fn where_the_finished_text_differs_from_its_deltas_a_sentence_and_the_exit_code_say_so() {
    let told = [delta(&json!("The cat ")), delta(&json!("sat."))];
    for (whole, printed, code) in [
        ("The cat sat.", "The cat sat.\n", 0),
        ("The cat sat. It slept.", "The cat sat. It slept.\n", 0),
        ("The dog sat. It slept.", "The cat sat.\n", 1),
        ("The cat", "The cat sat.\n", 1),
        ("The cat sat\u{1b}[0m.", "The cat sat.\n", 0),
    ] {
        let (stdout, exit, stderr) = ask(response(&told, whole));
        // If everything arrives at once, nothing was printed before the server changed it.
        let is_late = (stdout.trim_end(), exit) == (whole, Some(0));
        assert!(is_late || (stdout.as_str(), exit) == (printed, Some(code)), "{whole}: {stdout} {exit:?} {stderr}");
        assert_eq!(stderr.contains("changed what was already printed"), exit == Some(1), "{whole}: {stderr}");
    }
}

#[test]
fn a_delta_that_cannot_be_read_leaves_no_hole() {
    let unreadable = [delta(&json!(7)), delta(&json!(["a"])), delta(&json!({ "bytes": "b" })), delta(&Value::Null)];
    for piece in unreadable {
        let events = [delta(&json!("One ")), piece.clone(), delta(&json!("three"))];
        let (stdout, exit, stderr) = ask(response(&events, "One two three"));
        assert_eq!((stdout.as_str(), exit), ("One two three\n", Some(0)), "{piece}: {stderr}");
        assert_eq!(stderr, "", "{piece}");
    }
}

#[test]
fn an_answer_that_is_not_on_disk_is_reported_although_it_is_printed() {
    let (home, server) = (TestHome::empty(), FakeServer::start());
    server.queue_reply(FakeReply::stream(ResponseBuilder::new(MODEL).text(&["It is here."]).completed()).gated());
    let launch = ProgramLaunch::in_home(&home).against(&server).args(["ask", "-m", MODEL, "hello"]);
    let running = std::thread::spawn(|| launch.output(""));
    let request = server.next_request();
    let database = rusqlite::Connection::open(home.database()).expect("the prompt is on disk");
    let refusal = "create trigger no_more before update on message begin select raise(abort, 'no more'); end";
    database.execute_batch(refusal).expect("the statement is valid");
    request.release_all();
    let output = running.join().expect("it ends");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(
        (&*String::from_utf8_lossy(&output.stdout), output.status.code()),
        ("It is here.\n", Some(1)),
        "{stderr}"
    );
    assert!(stderr.contains("the answer was not saved") && stderr.contains("no more"), "{stderr}");
}
