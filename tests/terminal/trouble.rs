//! Failures and bad input: each gives one clear message with a remedy and loses nothing.

use std::fs;

use serde_json::json;

use crate::{
    MODEL, Stage, newest_prompt, quit, start_ready,
    support::{
        compose::ResponseBuilder,
        fake_server::{FakeReply, unreachable_url},
        pty::{ProgramLaunch, Pty, TestHome},
    },
    take_choice, take_first_choice, text_reply, wait_idle,
};

/// Sends a prompt that gets `reply` and waits for each of `words`; the prompt stays on the screen.
#[track_caller]
fn expect_failure(stage: &Stage, reply: FakeReply, words: &[&str]) -> Pty {
    let mut ibid = start_ready(stage.launch().size(100, 30));
    stage.server.queue_reply(reply);
    ibid.type_keys("my careful prompt<enter>");
    stage.server.next_request();
    for word in words {
        ibid.wait_for(word);
    }
    wait_idle(&ibid);
    ibid.wait_for("my careful prompt");
    ibid
}

/// Takes the first choice on the card, which sends the same prompt again.
#[track_caller]
fn expect_retry_to_succeed(stage: &Stage, ibid: &mut Pty) {
    stage.server.queue_reply(text_reply(&["All is well now."]));
    take_first_choice(ibid);
    assert_eq!(newest_prompt(&stage.server.next_request()), "my careful prompt");
    ibid.wait_for("All is well now.");
}

fn error_reply(status: u16, message: &str) -> FakeReply {
    FakeReply::json(status, &json!({ "error": { "code": status, "message": message } }))
}

#[test]
fn a_wrong_key_is_named_as_such() {
    let stage = Stage::set_up();
    expect_failure(&stage, error_reply(401, "User not found."), &["401", "key"]);
}

#[test]
fn missing_credits_are_named_as_such() {
    let stage = Stage::set_up();
    expect_failure(&stage, error_reply(402, "Insufficient credits"), &["402", "credit"]);
}

#[test]
fn an_unknown_model_is_named_as_such() {
    let stage = Stage::set_up();
    expect_failure(&stage, error_reply(404, "No endpoints found for openai/gpt-4.1-mini."), &["404", "model"]);
}

#[test]
fn a_rate_limit_counts_down_and_the_next_attempt_succeeds() {
    let stage = Stage::set_up();
    let mut ibid = start_ready(stage.launch().size(100, 30));
    stage.server.queue_reply(error_reply(429, "Rate limit exceeded").header("retry-after", "1"));
    ibid.type_keys("my careful prompt<enter>");
    stage.server.next_request();
    ibid.wait_for("429");
    ibid.wait_for("waiting");
    stage.server.queue_reply(text_reply(&["Thank you for waiting."]));
    assert_eq!(newest_prompt(&stage.server.next_request()), "my careful prompt");
    ibid.wait_for("Thank you for waiting.");
}

#[test]
fn html_instead_of_json_is_not_shown_as_an_answer() {
    let stage = Stage::set_up();
    let html = "<!doctype html><html><head><title>Sign in to the hotel</title></head><body>Welcome</body></html>";
    let mut ibid = expect_failure(&stage, FakeReply::body(200, "text/html", html), &["▌"]);
    assert!(!ibid.screen().contains("doctype"), "{}", ibid.screen());
    expect_retry_to_succeed(&stage, &mut ibid);
}

#[test]
fn a_stream_of_garbage_is_an_error_and_not_a_crash() {
    let stage = Stage::set_up();
    let garbage = ["data: {\"type\":\n\n", "\u{0}\u{1}\u{2}", "data: nonsense\n\n", "event: x\ndata: [1,2\n\n"];
    let mut ibid = expect_failure(&stage, FakeReply::stream(garbage), &["▌"]);
    expect_retry_to_succeed(&stage, &mut ibid);
}

#[test]
fn an_answer_that_fails_midway_keeps_its_text() {
    let stage = Stage::set_up();
    let frames = ResponseBuilder::new(MODEL).unfinished_text(&["It began ", "well."]).failed(
        "server_error",
        "The provider hung up",
        "provider",
    );
    let ibid = expect_failure(&stage, FakeReply::stream(frames), &["The provider hung up"]);
    ibid.wait_for("It began well.");
}

#[test]
fn without_a_network_the_unreachable_address_is_shown() {
    let stage = Stage::set_up();
    let url = unreachable_url();
    let mut ibid = start_ready(stage.launch().env("OPENROUTER_BASE_URL", &url).size(100, 30));
    ibid.type_keys("my careful prompt<enter>");
    let host = url.trim_start_matches("http://").split('/').next().expect("the address has a host").to_owned();
    ibid.wait_for(&host);
    ibid.wait_for("my careful prompt");
    wait_idle(&ibid);
    quit(&mut ibid);
    stage.reopen().wait_for("my careful prompt");
}

#[test]
fn a_config_that_is_not_toml_is_reported_with_its_line() {
    let stage = Stage::set_up();
    stage.home.configure("model = \"openai/gpt-4.1-mini\"\nthis is no toml\n");
    let output = stage.launch().args(["ask", "hello"]).output("");
    assert_stderr_contains(&output, &["config.toml:2:", "not TOML"]);
    let mut ibid = stage.launch().size(100, 30).start();
    ibid.wait_for("config.toml:2:");
    assert_ne!(ibid.wait_exit().exit_code(), 0);
}

#[test]
fn a_config_that_is_a_directory_is_reported() {
    let stage = Stage::set_up();
    fs::remove_file(stage.home.config_file()).expect("the config exists");
    fs::create_dir(stage.home.config_file()).expect("the directory can be created");
    let output = stage.launch().args(["ask", "hello"]).output("");
    assert_stderr_contains(&output, &["config.toml", "directory"]);
}

#[test]
fn an_unknown_setting_is_reported_and_the_others_apply() {
    let stage = Stage::with_config("colour_scheme = \"mauve\"\ntheme = \"paper\"\n");
    let mut ibid = stage.launch().size(100, 30).start();
    ibid.wait_for("colour_scheme");
    stage.server.queue_reply(text_reply(&["Good day."]));
    ibid.type_keys("hello<enter>");
    ibid.wait_for("Good day.");
    // The theme paints its own background.
    let background = ibid.with_screen(|screen| screen.grid().cell(0, 0).map(vt100::Cell::bgcolor));
    assert_eq!(background, Some(vt100::Color::Rgb(0xfb, 0xf9, 0xf4)));
}

#[test]
fn a_corrupt_database_is_reported_and_left_unchanged() {
    let stage = Stage::set_up();
    let garbage = b"this was a shopping list and never a database\n".repeat(200);
    write_database(&stage.home, &garbage);
    let mut ibid = start_ready(stage.launch().size(100, 30));
    ibid.wait_for("ibid.db");
    stage.server.queue_reply(text_reply(&["Unwritten."]));
    ibid.type_keys("my careful prompt<enter>");
    ibid.wait_for("my careful prompt");
    ibid.wait_for("could not be saved");
    assert_eq!(stage.request_count(), 0, "sent without asking the user");
    quit_with_any_status(&mut ibid);
    assert_eq!(fs::read(stage.home.database()).expect("the database file exists"), garbage);
}

#[test]
fn a_database_that_is_a_directory_is_reported_and_sending_is_still_possible() {
    let stage = Stage::set_up();
    fs::create_dir_all(stage.home.database()).expect("the directory can be created");
    let mut ibid = start_ready(stage.launch().size(100, 30));
    ibid.type_keys("my careful prompt<enter>");
    ibid.wait_for("could not be saved");
    assert_eq!(stage.request_count(), 0, "sent without asking the user");
    ibid.type_keys("<tab>");
    stage.server.queue_reply(text_reply(&["Unwritten."]));
    take_choice(&mut ibid, "u", "send anyway");
    assert_eq!(newest_prompt(&stage.server.next_request()), "my careful prompt");
    ibid.wait_for("Unwritten.");
}

/// Uses a limit on the file size, because tests may run as root, whom no file mode stops from writing.
#[test]
fn a_database_that_cannot_grow_is_reported_and_nothing_is_sent() {
    let stage = Stage::set_up();
    let mut ibid = stage.open();
    stage.exchange(&mut ibid, "hello", "Good day.");
    quit(&mut ibid);
    let script = format!("trap '' XFSZ; ulimit -f 1; exec {}", env!("CARGO_BIN_EXE_ibid"));
    let mut ibid = start_ready(stage.launch_program("/bin/sh", &["-c", &script]).size(100, 30));
    ibid.type_keys("my careful prompt<enter>");
    ibid.wait_for("could not be saved");
    ibid.wait_for("my careful prompt");
    assert_eq!(stage.request_count(), 1, "sent without asking the user");
}

/// As on a read-only disk, SQLite cannot create its `-shm` file. (No file mode stops root from writing.)
#[test]
fn a_read_only_database_shows_its_conversations_and_nothing_is_sent() {
    let stage = Stage::set_up();
    let mut ibid = stage.open();
    stage.exchange(&mut ibid, "hello", "Good day.");
    quit(&mut ibid);
    let mut beside = stage.home.database().into_os_string();
    beside.push("-shm");
    fs::create_dir(beside).expect("the directory can be created");
    let mut ibid = stage.reopen();
    ibid.wait_for("Good day.");
    ibid.type_keys("my careful prompt<enter>");
    ibid.wait_for("could not be saved");
    ibid.wait_for("writable");
    ibid.wait_for("my careful prompt");
    assert_eq!(stage.request_count(), 1, "sent without asking the user");
}

#[test]
fn a_data_directory_that_cannot_be_created_is_reported() {
    let stage = Stage::set_up();
    fs::write(stage.home.path().join("data"), "in the way").expect("the file can be written");
    let mut ibid = start_ready(stage.launch().size(100, 30));
    ibid.type_keys("my careful prompt<enter>");
    ibid.wait_for("could not be saved");
    ibid.wait_for("my careful prompt");
}

#[test]
fn without_a_key_the_welcome_offers_four_choices() {
    let home = TestHome::without_ports();
    let ibid = ProgramLaunch::in_home(&home).start();
    ibid.wait_for("How do you want to connect?");
    ibid.wait_for("Sign in with OpenRouter");
    ibid.wait_for("Paste an OpenRouter key");
    ibid.wait_for("A server of your own");
    ibid.wait_for("The demo");
}

#[test]
fn a_pasted_key_is_used_and_readable_only_by_its_owner() {
    use std::os::unix::fs::PermissionsExt;
    let stage = Stage::set_up();
    stage.server.set_page("/key", FakeReply::json(200, &serde_json::json!({"data": {"label": "sk-or-v1-pas...ted"}})));
    let log = stage.home.path().join("ibid.log");
    let run = ProgramLaunch::in_home(&stage.home).env("OPENROUTER_BASE_URL", stage.server.base_url());
    let mut ibid = run.env("IBID_LOG", &log).args(["-v"]).size(100, 30).start();
    ibid.wait_for("Paste an OpenRouter key");
    ibid.type_keys("2");
    ibid.paste("sk-or-v1-pasted");
    ibid.type_keys("<enter>");
    ibid.wait_for("type a message");
    let request = stage.exchange(&mut ibid, "hello", "Good day.");
    assert_eq!(request.header("authorization"), Some("Bearer sk-or-v1-pasted"));
    assert!(memchr::memmem::find(&ibid.bytes(), b"sk-or-v1-pasted").is_none(), "the key was shown");
    let logged = fs::read_to_string(&log).expect("the log can be read");
    assert!(!logged.contains("sk-or-v1-pasted"), "the key was logged");
    let folder = stage.home.path().join("data/ibid/keys");
    let mode = |path: &std::path::Path| fs::metadata(path).expect("the path exists").permissions().mode() & 0o777;
    let key_file = fs::read_dir(&folder)
        .expect("the keys directory exists")
        .next()
        .expect("one key is stored")
        .expect("the entry can be read");
    assert_eq!((mode(&folder), mode(&key_file.path())), (0o700, 0o600));
}

#[test]
fn a_local_server_needs_no_key_and_is_remembered() {
    let home = TestHome::without_ports();
    let stage = Stage { home, server: crate::support::fake_server::FakeServer::start() };
    let mut ibid = ProgramLaunch::in_home(&stage.home).size(100, 30).start();
    ibid.wait_for("A server of your own");
    ibid.type_keys("3");
    ibid.wait_for("address");
    ibid.type_keys(&stage.server.base_url());
    ibid.type_keys("<enter>");
    // Only the server knows its models, so the picker opens.
    ibid.wait_for("claude-opus-5  ");
    ibid.type_keys("mini");
    ibid.wait_until_gone("claude-opus-5  ");
    ibid.type_keys("<enter>");
    ibid.wait_until_gone("Esc closes");
    let request = stage.exchange(&mut ibid, "hello", "Locally yours.");
    assert_eq!(request.header("authorization"), None);
    assert_eq!(request.body["model"], MODEL);
    quit(&mut ibid);

    let mut ibid = start_ready(ProgramLaunch::in_home(&stage.home).args(["--continue"]));
    ibid.wait_for("Locally yours.");
    let request = stage.exchange(&mut ibid, "hello again", "Still here.");
    assert_eq!(request.body["model"], MODEL);
}

#[test]
fn entering_the_address_of_a_configured_server_keeps_its_key() {
    let home = TestHome::empty();
    let server = crate::support::fake_server::FakeServer::start();
    let endpoint =
        format!("[endpoints.work]\nbase_url = \"{}\"\nkey_command = [\"echo\", \"sk-work\"]\n", server.base_url());
    home.configure(&format!("local_ports = []\n{endpoint}"));
    let stage = Stage { home, server };
    let mut ibid = ProgramLaunch::in_home(&stage.home).size(100, 30).start();
    ibid.wait_for("A server of your own");
    ibid.type_keys("3");
    ibid.wait_for("address");
    ibid.type_keys(&stage.server.base_url());
    ibid.type_keys("<enter>");
    ibid.wait_for("claude-opus-5  ");
    ibid.type_keys("<enter>");
    ibid.wait_until_gone("Esc closes");
    let request = stage.exchange(&mut ibid, "hello", "At work.");
    assert_eq!(request.header("authorization"), Some("Bearer sk-work"));
    let config = fs::read_to_string(stage.home.config_file()).expect("the config can be read");
    assert!(config.contains("endpoint = \"work\"") && config.contains(&endpoint), "{config}");
}

#[test]
fn an_unreachable_server_is_reported_and_not_saved() {
    let home = TestHome::without_ports();
    let mut ibid = ProgramLaunch::in_home(&home).size(100, 30).start();
    ibid.wait_for("A server of your own");
    ibid.type_keys("3");
    ibid.wait_for("address");
    ibid.type_keys(&unreachable_url());
    ibid.type_keys("<enter>");
    ibid.wait_for("nothing is listening");
    let config = fs::read_to_string(home.config_file()).expect("the config can be read");
    assert!(!config.contains("endpoint"), "the server was written to the config anyway: {config}");
}

fn write_database(home: &TestHome, bytes: &[u8]) {
    let file = home.database();
    fs::create_dir_all(file.parent().expect("the file has a parent directory"))
        .expect("the data directory can be created");
    fs::write(file, bytes).expect("the file can be written");
}

fn quit_with_any_status(ibid: &mut Pty) {
    ibid.type_keys("<ctrl-x>q");
    ibid.wait_exit();
}

#[track_caller]
fn assert_stderr_contains(output: &std::process::Output, words: &[&str]) {
    let stderr = String::from_utf8_lossy(&output.stderr);
    for word in words {
        assert!(stderr.contains(word), "`{word}` is missing in: {stderr}");
    }
    assert!(!stderr.contains("panicked") && !stderr.contains('\x1b'), "{stderr}");
}
