//! `ibid ask`: one answer on standard output, no screen.

use std::process::Output;

use serde_json::json;

use crate::{
    Stage, answer, prompt,
    support::{
        fake_server::{Reply, dead_url},
        pty::{Home, Run},
    },
};

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("the output is text")
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("the complaints are text")
}

#[test]
fn an_answer_goes_to_standard_output_and_nothing_else_does() {
    let stage = Stage::plain();
    stage.server.answer(answer(&["Hello ", "to ", "the pipe."]));
    let output = stage.run().args(["ask", "say hello"]).output("");
    assert_eq!(
        (stdout(&output).as_str(), output.status.code()),
        ("Hello to the pipe.\n", Some(0)),
        "{}",
        stderr(&output)
    );
    assert_eq!(prompt(&stage.server.next_request()), "say hello");
}

#[test]
fn standard_input_is_appended_to_the_prompt() {
    let stage = Stage::plain();
    stage.server.answer(answer(&["Short."]));
    let output = stage.run().args(["ask", "summarise"]).output("a long text\nof two lines\n");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let sent = prompt(&stage.server.next_request());
    assert!(sent.starts_with("summarise") && sent.contains("a long text\nof two lines"), "{sent:?}");
}

#[test]
fn in_a_pipeline_of_the_shell_it_is_a_filter() {
    let stage = Stage::plain();
    stage.server.answer(answer(&["beta\n", "alpha"]));
    let script = format!("echo one two | {} ask 'two words, please' | sort", env!("CARGO_BIN_EXE_ibid"));
    let output = stage.run_program("/bin/sh", &["-c", &script]).output("");
    assert_eq!(stdout(&output), "alpha\nbeta\n", "{}", stderr(&output));
}

#[test]
fn an_asked_conversation_is_saved_like_any_other() {
    let stage = Stage::plain();
    stage.server.answer(answer(&["Saved as well."]));
    assert!(stage.run().args(["ask", "is this kept?"]).output("").status.success());
    let ibid = stage.reopen();
    ibid.wait_for("is this kept?");
    ibid.wait_for("Saved as well.");
}

#[test]
fn escape_sequences_of_a_model_do_not_reach_standard_output() {
    let stage = Stage::plain();
    stage.server.answer(answer(&["red \u{1b}[31m", "bell \u{7} title \u{1b}]0;x\u{7}end"]));
    let output = stage.run().args(["ask", "be evil"]).output("");
    let said = stdout(&output);
    assert!(said.ends_with("end\n") && !said.contains(['\u{1b}', '\u{7}']), "{said:?}");
}

#[test]
fn a_server_that_cannot_stream_is_asked_for_whole_answers() {
    let stage = Stage::plain();
    let url = stage.server.base_url();
    stage.home.configure(&format!("[endpoints.old]\nbase_url = \"{url}\"\nstream = false\n"));
    let body = json!({
        "id": "gen-1", "object": "response", "status": "completed", "model": crate::MODEL,
        "output": [{ "type": "message", "id": "msg_1", "role": "assistant", "status": "completed",
            "content": [{ "type": "output_text", "text": "All at once.", "annotations": [] }] }],
        "usage": { "input_tokens": 1, "output_tokens": 3, "total_tokens": 4 },
    });
    stage.server.answer(Reply::json(200, &body));
    let output = stage.run().args(["ask", "--endpoint", "old", "-m", "a/b", "hello"]).output("");
    assert_eq!(stdout(&output), "All at once.\n", "{}", stderr(&output));
    let request = stage.server.next_request();
    assert_ne!(request.body["stream"], true);
    assert_eq!(request.header("authorization"), None, "it got the key of another server");
}

#[test]
fn without_streaming_the_answer_is_printed_when_it_is_whole() {
    let stage = Stage::plain();
    stage.server.answer(answer(&["The ", "whole ", "thing."]));
    let output = stage.run().args(["ask", "--no-stream", "hello"]).output("");
    assert_eq!(stdout(&output), "The whole thing.\n", "{}", stderr(&output));
}

#[test]
fn a_failure_is_one_sentence_on_standard_error_and_exit_code_1() {
    let stage = Stage::plain();
    let reply = Reply::json(401, &json!({ "error": { "code": 401, "message": "User not found." } }));
    stage.server.answer(reply);
    let output = stage.run().args(["ask", "hello"]).output("");
    assert_eq!((stdout(&output).as_str(), output.status.code()), ("", Some(1)));
    let complaint = stderr(&output);
    assert!(complaint.contains("401") && complaint.contains("key") && !complaint.contains('\u{1b}'), "{complaint}");
}

#[test]
fn without_a_network_it_says_which_server_could_not_be_reached() {
    let stage = Stage::plain();
    let url = dead_url();
    let output = stage.run().env("OPENROUTER_BASE_URL", &url).args(["ask", "hello"]).output("");
    assert_eq!(output.status.code(), Some(1));
    let host = url.trim_start_matches("http://").split('/').next().expect("it has a host");
    assert!(stderr(&output).contains(host), "{}", stderr(&output));
}

#[test]
fn without_a_key_it_says_how_to_give_one() {
    let output = Run::in_home(&Home::empty()).args(["ask", "hello"]).output("");
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("OPENROUTER_API_KEY"), "{}", stderr(&output));
}

#[test]
fn wrong_usage_is_exit_code_2() {
    let output = Run::in_home(&Home::empty()).args(["ask", "--no-such-flag"]).output("");
    assert_eq!(output.status.code(), Some(2));
    let output = Run::in_home(&Home::empty()).env("OPENROUTER_API_KEY", "sk-or-v1-x").args(["ask"]).output("");
    assert_eq!(output.status.code(), Some(2), "neither a prompt nor standard input: {}", stderr(&output));
}

#[test]
fn flags_say_what_is_sent() {
    let stage = Stage::plain();
    stage.server.answer(answer(&["Yes."]));
    let flags = [
        "-m",
        "anthropic/claude-opus-5",
        "--effort",
        "high",
        "--web",
        "--system",
        "Be brief.",
        "--temperature",
        "0.5",
        "--top-p",
        "0.9",
        "--max-output-tokens",
        "100",
    ];
    let output = stage.run().args(["ask"]).args(flags).args(["hello"]).output("");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let body = stage.server.next_request().body;
    assert_eq!(body["model"], "anthropic/claude-opus-5");
    assert_eq!(body["reasoning"]["effort"], "high");
    assert_eq!(body["tools"], json!([{ "type": "openrouter:web_search" }]));
    assert_eq!(body["instructions"], "Be brief.");
    assert_eq!(
        (&body["temperature"], &body["top_p"], &body["max_output_tokens"]),
        (&json!(0.5), &json!(0.9), &json!(100))
    );
}
