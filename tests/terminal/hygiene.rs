//! What the program leaves behind: clean lines on standard error, no key anywhere, files that only their owner reads.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Output},
    time::{Duration, Instant},
};

use serde_json::json;

use crate::{
    MODEL,
    support::{
        compose::ResponseBuilder,
        fake_server::{FakeReply, FakeServer},
        pty::{KEY, ProgramLaunch, TestHome},
    },
};

/// What a terminal would obey: a clear screen, a title, a C1 sequence, a reversed direction.
const ATTACK: &str = "A\u{1b}[2J\u{1b}]0;title\u{7}\u{9b}31m\u{202e}B";

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[track_caller]
fn assert_clean(output: &Output) {
    for stream in [&output.stdout, &output.stderr] {
        let text = String::from_utf8_lossy(stream);
        let harmful = text.chars().find(|char| *char != '\n' && (char.is_control() || *char == '\u{202e}'));
        assert_eq!(harmful, None, "{text:?}");
    }
    assert!(!stderr(output).is_empty() || !output.stdout.is_empty());
}

fn ask(home: &TestHome, server: &FakeServer, args: &[&str]) -> Output {
    ProgramLaunch::in_home(home).against(server).args(["ask"].iter().chain(args)).output("")
}

#[test]
fn whatever_a_server_says_reaches_the_terminal_clean() {
    let said = |text: &str| text.replace("ATTACK", ATTACK);
    let incomplete = ResponseBuilder::new(MODEL).text(&["Half."]).incomplete(&said("ATTACK"));
    let failed = ResponseBuilder::new(MODEL).failed(&said("ATTACK"), &said("it ATTACK"), "server_error");
    let error = json!({ "error": { "message": said("no ATTACK"), "code": said("x ATTACK"), "param": ATTACK } });
    let replies = [
        FakeReply::stream(incomplete),
        FakeReply::stream(failed),
        FakeReply::json(400, &error),
        FakeReply::json(404, &error),
        FakeReply::body(403, "text/html", said("<html><title>ATTACK</title></html>")),
        FakeReply::body(200, "text/plain", said("words: ATTACK\n\n")),
        FakeReply::body(422, "text/plain", said("ATTACK")),
    ];
    for reply in replies {
        let (home, server) = (TestHome::empty(), FakeServer::start());
        server.queue_reply(reply);
        server.queue_reply(FakeReply::json(400, &error)); // If the request is sent again, with a wait before it.
        assert_clean(&ask(&home, &server, &["-m", MODEL, "hello"]));
    }
}

#[test]
fn whatever_stands_in_a_flag_or_a_file_reaches_the_terminal_clean() {
    let flags: [&[&str]; 5] = [
        &[ATTACK],
        &["--endpoint", ATTACK, "ask", "x"],
        &["--base-url", ATTACK, "ask", "x"],
        &["--config", ATTACK, "--resume"],
        &["ask", "--tool", ATTACK, "x"],
    ];
    for flags in flags {
        let (home, server) = (TestHome::empty(), FakeServer::start());
        assert_clean(&ProgramLaunch::in_home(&home).against(&server).args(flags.iter().copied()).output(""));
    }
    let escaped: String = ATTACK.chars().map(|char| format!("\\U{:08X}", u32::from(char))).collect();
    let config = [
        format!("\"{escaped}\" = 1\n"),
        format!("theme = \"{escaped}\"\n"),
        format!("[endpoints.\"{escaped}\"]\nbase_url = \"ftp://x\"\n"),
        ATTACK.to_owned(),
    ];
    for text in config {
        let (home, server) = (TestHome::empty(), FakeServer::start());
        home.configure(&text);
        server.queue_reply(FakeReply::json(400, &json!({ "error": { "message": "no" } })));
        assert_clean(&ask(&home, &server, &["-m", MODEL, "hello"]));
    }
}

/// Every file below a folder, as bytes.
fn all_files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let read = |path: std::path::PathBuf| {
        if path.is_dir() {
            all_files(&path)
        } else {
            vec![(path.display().to_string(), fs::read(&path).expect("a file"))]
        }
    };
    entries.flat_map(read).collect()
}

fn holds(bytes: &[u8], text: &str) -> bool {
    memchr::memmem::find(bytes, text.as_bytes()).is_some()
}

#[test]
fn a_key_that_the_server_repeats_stays_nowhere() {
    let echo = |text: &str| text.replace("KEY", KEY);
    let body =
        json!({ "error": { "message": echo("the key KEY is not valid"), "code": "bad", "metadata": { "raw": KEY } } });
    let mut answer = ResponseBuilder::new(MODEL).text(&[&echo("Your key is KEY.")]).completed();
    answer.insert(1, echo(": a comment with KEY\n\n"));
    let replies = [
        FakeReply::stream(answer).header("x-generation-id", KEY),
        FakeReply::json(401, &body),
        FakeReply::json(500, &body),
        FakeReply::redirect(302, &echo("https://x.example/?key=KEY")),
        FakeReply::body(403, "text/html", echo("<title>Denied KEY</title>")),
        FakeReply::body(200, "text/plain", echo("sorry: KEY\n\n")),
        FakeReply::stream(ResponseBuilder::new(MODEL).failed("bad", &echo("KEY"), "server_error")),
        FakeReply::stream(ResponseBuilder::new(MODEL).text(&["Half."]).incomplete(KEY)),
    ];
    for (number, reply) in replies.into_iter().enumerate() {
        let (home, server) = (TestHome::empty(), FakeServer::start());
        server.queue_reply(reply);
        server.queue_reply(FakeReply::json(400, &body)); // If the request is sent again.
        let log = home.path().join("log");
        let launch = ProgramLaunch::in_home(&home).against(&server).env("IBID_LOG_CONTENT", "1");
        let output =
            launch.args(["--log", log.to_str().expect("a path"), "-vv", "ask", "-m", MODEL, "hello"]).output("");
        let printed = [output.stdout, output.stderr].concat();
        assert!(!holds(&printed, KEY), "{number}: {}", String::from_utf8_lossy(&printed));
        for (file, bytes) in all_files(home.path()) {
            assert!(!holds(&bytes, KEY), "{number}: {file}");
        }
    }
}

#[test]
fn a_program_of_the_user_inherits_no_key_and_no_core_is_dumped() {
    let (home, server) = (TestHome::empty(), FakeServer::start());
    server.queue_reply(FakeReply::stream(ResponseBuilder::new(MODEL).text(&["Yes."]).completed()));
    home.configure(&format!(
        "endpoint = \"own\"\n[endpoints.own]\nbase_url = \"{}\"\nkey_env = \"UNSET_KEY\"\n\
         key_command = [\"sh\", \"-c\", \"env > {seen}; ulimit -c > {limit}; echo sk-from-the-command\"]\n\
         [endpoints.other]\nbase_url = \"http://localhost:1/v1\"\nkey_env = \"OTHER_KEY\"\n",
        server.base_url(),
        seen = home.path().join("seen").display(),
        limit = home.path().join("limit").display(),
    ));
    let shell = ProgramLaunch::with_program(Path::new("/bin/sh"), &home);
    let script = format!("ulimit -S -c hard; exec {} ask -m {MODEL} hello", env!("CARGO_BIN_EXE_ibid"));
    let launch = shell.env("OPENROUTER_API_KEY", KEY).env("OTHER_KEY", "sk-of-the-other").env("EDITOR", "vi");
    let output = launch.args(["-c", &script]).output("");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "Yes.\n", "{}", stderr(&output));
    let seen = fs::read_to_string(home.path().join("seen")).expect("the command ran");
    assert!(seen.contains("EDITOR=vi") && !seen.contains("_KEY") && !seen.contains("sk-"), "{seen}");
    assert_eq!(fs::read_to_string(home.path().join("limit")).expect("the command ran"), "0\n");
}

#[test]
fn a_server_without_encryption_is_reported_once_unless_it_is_on_this_machine() {
    let told = |address: &str| {
        let home = TestHome::empty();
        let launch = ProgramLaunch::in_home(&home).env("OPENROUTER_BASE_URL", address).env("OPENROUTER_API_KEY", KEY);
        // A proxy setting that cannot be read keeps the request from being sent.
        let output = launch.env("ALL_PROXY", "ftp://x").args(["ask", "-m", MODEL, "hello"]).output("");
        stderr(&output).lines().filter(|line| line.contains("not encrypted")).count()
    };
    assert_eq!(told("http://llm.invalid/v1"), 1);
    assert_eq!(told("HTTP://192.0.2.7/v1"), 1);
    assert_eq!(told("https://llm.invalid/v1"), 0);
    assert_eq!(told("http://127.0.0.1:1/v1"), 0);
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("it exists").permissions().mode() & 0o777
}

/// Runs `ask` under a umask.
fn ask_with_umask(home: &TestHome, umask: &str) -> Output {
    let server = FakeServer::start();
    server.set_page("/models", FakeReply::json(200, &crate::support::compose::catalogue()));
    server.queue_reply(FakeReply::stream(ResponseBuilder::new(MODEL).text(&["Yes."]).completed()));
    let script =
        format!("umask {umask}; exec {} --log \"$HOME/logs/new/log\" ask -m {MODEL} hello", env!("CARGO_BIN_EXE_ibid"));
    ProgramLaunch::with_program(Path::new("/bin/sh"), home).against(&server).args(["-c", &script]).output("")
}

#[test]
fn whatever_the_umask_new_folders_and_files_are_only_for_their_owner() {
    for umask in ["000", "022", "277"] {
        let home = TestHome::empty();
        let output = ask_with_umask(&home, umask);
        assert_eq!(String::from_utf8_lossy(&output.stdout), "Yes.\n", "{umask}: {}", stderr(&output));
        for folder in ["data", "data/ibid", "logs", "logs/new"] {
            assert_eq!(mode(&home.path().join(folder)), 0o700, "{umask}: {folder}");
        }
        for (file, _) in all_files(home.path()) {
            assert_eq!(mode(Path::new(&file)), 0o600, "{umask}: {file}");
        }
    }
}

#[test]
fn own_files_are_narrowed_and_what_is_not_ours_is_reported_and_stays() {
    let home = TestHome::empty();
    assert_eq!(ask_with_umask(&home, "022").status.code(), Some(0));
    let (folder, database) = (home.path().join("data/ibid"), home.database());
    let key_file = folder.join("keys/openrouter");
    fs::create_dir_all(key_file.parent().expect("a folder")).expect("a folder");
    fs::write(&key_file, "sk-or-v1-on-disk\n").expect("a key");
    for (path, wide) in [(&folder, 0o755), (&database, 0o644), (&key_file, 0o644)] {
        fs::set_permissions(path, fs::Permissions::from_mode(wide)).expect("a mode");
    }
    let told = stderr(&ask_with_umask(&home, "022"));
    assert!(told.contains("others can look into the folder of the conversations"), "{told}");
    assert!(told.contains("others can read the key in"), "{told}");
    assert_eq!((mode(&folder), mode(&database), mode(&key_file)), (0o755, 0o600, 0o644));
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a test makes a pipe")]
fn a_pipe_in_the_place_of_a_file_is_refused_at_once() {
    for place in ["config/ibid/config.toml", "data/ibid/ibid.db", "data/ibid/keys/openrouter", "logs/new/log"] {
        let home = TestHome::empty();
        let pipe = home.path().join(place);
        fs::create_dir_all(pipe.parent().expect("a folder")).expect("a folder");
        assert!(Command::new("mkfifo").arg(&pipe).status().is_ok_and(|status| status.success()));
        let begun = Instant::now();
        let server = FakeServer::start();
        let log = home.path().join("logs/new/log");
        let launch = ProgramLaunch::in_home(&home).env("OPENROUTER_BASE_URL", server.base_url());
        let launch = if place.contains("keys") { launch } else { launch.env("OPENROUTER_API_KEY", KEY) };
        let output = launch.args(["--log", log.to_str().expect("a path"), "ask", "-m", MODEL, "hello"]).output("");
        let told = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{place}: {told}");
        assert!(told.contains(pipe.to_str().expect("a path")) || place.contains("keys"), "{place}: {told}");
        assert!(place.contains("keys") || told.contains("a pipe"), "{place}: {told}");
        assert!(begun.elapsed() < Duration::from_secs(10), "{place}");
        assert!(server.try_next_request().is_none(), "{place}");
    }
}
