//! Bad input from everywhere: each gives one clear sentence with what to do, and loses nothing.

use std::fs;

use serde_json::json;

use crate::{
    MODEL, Stage, answer, idle, prompt, quit, ready,
    support::{
        compose::Response,
        fake_server::{Reply, dead_url},
        pty::{Home, Pty, Run},
    },
    take_choice, take_first_choice,
};

/// Asks, and waits for each of the words; the prompt is still there.
#[track_caller]
fn fails_with(stage: &Stage, reply: Reply, words: &[&str]) -> Pty {
    let mut ibid = ready(stage.run().size(100, 30));
    stage.server.answer(reply);
    ibid.type_keys("my careful prompt<enter>");
    stage.server.next_request();
    for word in words {
        ibid.wait_for(word);
    }
    idle(&ibid);
    ibid.wait_for("my careful prompt");
    ibid
}

/// The first choice of the card asks again, with the same prompt.
#[track_caller]
fn again_works(stage: &Stage, ibid: &mut Pty) {
    stage.server.answer(answer(&["All is well now."]));
    take_first_choice(ibid);
    assert_eq!(prompt(&stage.server.next_request()), "my careful prompt");
    ibid.wait_for("All is well now.");
}

fn error(status: u16, message: &str) -> Reply {
    Reply::json(status, &json!({ "error": { "code": status, "message": message } }))
}

#[test]
fn a_wrong_key_is_named_as_such() {
    let stage = Stage::plain();
    fails_with(&stage, error(401, "User not found."), &["401", "key"]);
}

#[test]
fn missing_credits_are_named_as_such() {
    let stage = Stage::plain();
    fails_with(&stage, error(402, "Insufficient credits"), &["402", "credit"]);
}

#[test]
fn an_unknown_model_is_named_as_such() {
    let stage = Stage::plain();
    fails_with(&stage, error(404, "No endpoints found for openai/gpt-4.1-mini."), &["404", "model"]);
}

#[test]
fn too_many_requests_count_down_and_the_next_attempt_answers() {
    let stage = Stage::plain();
    let mut ibid = ready(stage.run().size(100, 30));
    stage.server.answer(error(429, "Rate limit exceeded").header("retry-after", "1"));
    ibid.type_keys("my careful prompt<enter>");
    stage.server.next_request();
    ibid.wait_for("429");
    ibid.wait_for("waiting");
    stage.server.answer(answer(&["Thank you for waiting."]));
    assert_eq!(prompt(&stage.server.next_request()), "my careful prompt");
    ibid.wait_for("Thank you for waiting.");
}

#[test]
fn html_instead_of_json_is_not_shown_as_an_answer() {
    let stage = Stage::plain();
    let html = "<!doctype html><html><head><title>Sign in to the hotel</title></head><body>Welcome</body></html>";
    let mut ibid = fails_with(&stage, Reply::body(200, "text/html", html), &["▌"]);
    assert!(!ibid.screen().contains("doctype"), "{}", ibid.screen());
    again_works(&stage, &mut ibid);
}

#[test]
fn a_stream_of_garbage_is_an_error_and_not_a_crash() {
    let stage = Stage::plain();
    let garbage = ["data: {\"type\":\n\n", "\u{0}\u{1}\u{2}", "data: nonsense\n\n", "event: x\ndata: [1,2\n\n"];
    let mut ibid = fails_with(&stage, Reply::stream(garbage), &["▌"]);
    again_works(&stage, &mut ibid);
}

#[test]
fn an_answer_that_fails_in_the_middle_keeps_what_came() {
    let stage = Stage::plain();
    let frames = Response::by(MODEL).half_text(&["It began ", "well."]).failed(
        "server_error",
        "The provider hung up",
        "provider",
    );
    let ibid = fails_with(&stage, Reply::stream(frames), &["The provider hung up"]);
    ibid.wait_for("It began well.");
}

#[test]
fn without_a_network_the_address_that_refused_is_named() {
    let stage = Stage::plain();
    let url = dead_url();
    let mut ibid = ready(stage.run().env("OPENROUTER_BASE_URL", &url).size(100, 30));
    ibid.type_keys("my careful prompt<enter>");
    let host = url.trim_start_matches("http://").split('/').next().expect("it has a host").to_owned();
    ibid.wait_for(&host);
    ibid.wait_for("my careful prompt");
    idle(&ibid);
    quit(&mut ibid);
    stage.reopen().wait_for("my careful prompt");
}

#[test]
fn a_config_that_is_not_toml_is_told_with_its_line() {
    let stage = Stage::plain();
    stage.home.configure("model = \"openai/gpt-4.1-mini\"\nthis is no toml\n");
    let output = stage.run().args(["ask", "hello"]).output("");
    assert_complains(&output, &["config.toml:2:", "not TOML"]);
    let mut ibid = stage.run().size(100, 30).start();
    ibid.wait_for("config.toml:2:");
    assert_ne!(ibid.wait_exit().exit_code(), 0);
}

#[test]
fn a_config_that_is_a_folder_is_told_as_such() {
    let stage = Stage::plain();
    fs::remove_file(stage.home.config_file()).expect("it was written");
    fs::create_dir(stage.home.config_file()).expect("its place is free");
    let output = stage.run().args(["ask", "hello"]).output("");
    assert_complains(&output, &["config.toml", "directory"]);
}

#[test]
fn an_unknown_setting_is_told_and_the_rest_counts() {
    let stage = Stage::configured("colour_scheme = \"mauve\"\ntheme = \"paper\"\n");
    let mut ibid = stage.run().size(100, 30).start();
    ibid.wait_for("colour_scheme");
    stage.server.answer(answer(&["Good day."]));
    ibid.type_keys("hello<enter>");
    ibid.wait_for("Good day.");
    // The theme paints its own background.
    let background = ibid.look(|screen| screen.grid().cell(0, 0).map(vt100::Cell::bgcolor));
    assert_eq!(background, Some(vt100::Color::Rgb(0xfb, 0xf9, 0xf4)));
}

#[test]
fn a_corrupt_database_is_told_and_left_alone() {
    let stage = Stage::plain();
    let garbage = b"this was a shopping list and never a database\n".repeat(200);
    database_that_is(&stage.home, &garbage);
    let mut ibid = ready(stage.run().size(100, 30));
    ibid.wait_for("ibid.db");
    stage.server.answer(answer(&["Unwritten."]));
    ibid.type_keys("my careful prompt<enter>");
    ibid.wait_for("my careful prompt");
    ibid.wait_for("could not be saved");
    assert_eq!(stage.asked(), 0, "sent without asking the reader");
    quit_whatever_is_open(&mut ibid);
    assert_eq!(fs::read(stage.home.database()).expect("it is there"), garbage);
}

#[test]
fn a_database_that_is_a_folder_is_told_and_one_can_send_all_the_same() {
    let stage = Stage::plain();
    fs::create_dir_all(stage.home.database()).expect("its place is free");
    let mut ibid = ready(stage.run().size(100, 30));
    ibid.type_keys("my careful prompt<enter>");
    ibid.wait_for("could not be saved");
    assert_eq!(stage.asked(), 0, "sent without asking the reader");
    ibid.type_keys("<tab>");
    stage.server.answer(answer(&["Unwritten."]));
    ibid.wait_for("send all the same");
    take_choice(&mut ibid, "u");
    assert_eq!(prompt(&stage.server.next_request()), "my careful prompt");
    ibid.wait_for("Unwritten.");
}

/// Tests run as root too, whom no file mode keeps from writing; a limit on the size of files does.
#[test]
fn a_database_that_cannot_grow_is_told_and_nothing_is_sent_unasked() {
    let stage = Stage::plain();
    let mut ibid = stage.open();
    stage.exchange(&mut ibid, "hello", "Good day.");
    quit(&mut ibid);
    let script = format!("trap '' XFSZ; ulimit -f 1; exec {}", env!("CARGO_BIN_EXE_ibid"));
    let mut ibid = ready(stage.run_program("/bin/sh", &["-c", &script]).size(100, 30));
    ibid.type_keys("my careful prompt<enter>");
    ibid.wait_for("could not be saved");
    ibid.wait_for("my careful prompt");
    assert_eq!(stage.asked(), 1, "sent without asking the reader");
}

/// As on a disk that is mounted to be read: SQLite can make no file of its own. (No file mode keeps root from writing.)
#[test]
fn a_database_that_cannot_be_written_shows_what_is_there_and_nothing_is_sent_unasked() {
    let stage = Stage::plain();
    let mut ibid = stage.open();
    stage.exchange(&mut ibid, "hello", "Good day.");
    quit(&mut ibid);
    let mut beside = stage.home.database().into_os_string();
    beside.push("-shm");
    fs::create_dir(beside).expect("its place is free");
    let mut ibid = stage.reopen();
    ibid.wait_for("Good day.");
    ibid.type_keys("my careful prompt<enter>");
    ibid.wait_for("could not be saved");
    ibid.wait_for("read-only");
    ibid.wait_for("my careful prompt");
    assert_eq!(stage.asked(), 1, "sent without asking the reader");
}

#[test]
fn a_folder_for_data_that_cannot_be_made_is_told() {
    let stage = Stage::plain();
    fs::write(stage.home.path().join("data"), "in the way").expect("its place is free");
    let mut ibid = ready(stage.run().size(100, 30));
    ibid.type_keys("my careful prompt<enter>");
    ibid.wait_for("could not be saved");
    ibid.wait_for("my careful prompt");
}

#[test]
fn without_a_key_the_welcome_offers_three_ways() {
    let home = Home::empty();
    let ibid = Run::in_home(&home).start();
    ibid.wait_for("How shall ibid reach a model?");
    ibid.wait_for("Paste an OpenRouter key");
    ibid.wait_for("A server on this machine");
    ibid.wait_for("Look around first");
}

#[test]
fn a_pasted_key_is_kept_for_its_owner_only_and_used() {
    use std::os::unix::fs::PermissionsExt;
    let stage = Stage::plain();
    let run = Run::in_home(&stage.home).env("OPENROUTER_BASE_URL", stage.server.base_url());
    let mut ibid = run.size(100, 30).start();
    ibid.wait_for("Paste an OpenRouter key");
    ibid.type_keys("1");
    ibid.paste("sk-or-v1-pasted");
    ibid.type_keys("<enter>");
    ibid.wait_for("type a message");
    let request = stage.exchange(&mut ibid, "hello", "Good day.");
    assert_eq!(request.header("authorization"), Some("Bearer sk-or-v1-pasted"));
    assert!(memchr::memmem::find(&ibid.bytes(), b"sk-or-v1-pasted").is_none(), "the key was shown");
    let folder = stage.home.path().join("data/ibid/keys");
    let mode = |path: &std::path::Path| fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
    let kept = fs::read_dir(&folder).expect("keys are kept there").next().expect("one key").expect("it can be read");
    assert_eq!((mode(&folder), mode(&kept.path())), (0o700, 0o600));
}

#[test]
fn a_server_on_this_machine_needs_no_key_and_is_remembered() {
    let home = Home::empty();
    let stage = Stage { home, server: crate::support::fake_server::FakeServer::start() };
    let mut ibid = Run::in_home(&stage.home).size(100, 30).start();
    ibid.wait_for("A server on this machine");
    ibid.type_keys("2");
    ibid.wait_for("address");
    ibid.type_keys(&stage.server.base_url());
    ibid.type_keys("<enter>");
    // Which model, only the server knows.
    ibid.wait_for("claude-opus-5  ");
    ibid.type_keys("mini");
    ibid.wait_without("claude-opus-5  ");
    ibid.type_keys("<enter>");
    ibid.wait_without("esc closes");
    let request = stage.exchange(&mut ibid, "hello", "Locally yours.");
    assert_eq!(request.header("authorization"), None);
    assert_eq!(request.body["model"], MODEL);
    quit(&mut ibid);

    let mut ibid = ready(Run::in_home(&stage.home).args(["--continue"]));
    ibid.wait_for("Locally yours.");
    let request = stage.exchange(&mut ibid, "hello again", "Still here.");
    assert_eq!(request.body["model"], MODEL);
}

#[test]
fn a_server_that_cannot_be_reached_is_told_before_it_is_kept() {
    let home = Home::empty();
    let mut ibid = Run::in_home(&home).size(100, 30).start();
    ibid.wait_for("A server on this machine");
    ibid.type_keys("2");
    ibid.wait_for("address");
    ibid.type_keys(&dead_url());
    ibid.type_keys("<enter>");
    ibid.wait_for("nothing listens");
    assert!(!home.config_file().exists(), "it was written to the config all the same");
}

fn database_that_is(home: &Home, bytes: &[u8]) {
    let file = home.database();
    fs::create_dir_all(file.parent().expect("it has a folder")).expect("a folder for the data");
    fs::write(file, bytes).expect("the file can be written");
}

fn quit_whatever_is_open(ibid: &mut Pty) {
    ibid.type_keys("<ctrl-x>q");
    ibid.wait_exit();
}

#[track_caller]
fn assert_complains(output: &std::process::Output, words: &[&str]) {
    let complaint = String::from_utf8_lossy(&output.stderr);
    for word in words {
        assert!(complaint.contains(word), "no `{word}` in: {complaint}");
    }
    assert!(!complaint.contains("panicked") && !complaint.contains('\x1b'), "{complaint}");
}
