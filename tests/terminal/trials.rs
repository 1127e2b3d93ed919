//! Plays streams and bodies that real servers send, from a folder beside the project, and checks what `ask` says.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use serde_json::json;

use crate::{
    MODEL, Stage,
    network::{BEHIND_PROXY, ask, assert_answered, assert_failed, serve_tls},
    report_skipped, start_ready,
    support::{
        compose::ResponseBuilder,
        fake_server::{FakeReply, FakeServer, ReceivedRequest},
        pty::{ProgramLaunch, TestHome},
    },
    trials_folder, wait_idle,
};

/// One file, what must be on stdout, the exit code, and words that must and must not be on stderr.
struct Trial {
    file: &'static str,
    stdout: &'static str,
    code: i32,
    shown: &'static [&'static str],
    never_shown: &'static [&'static str],
    requests: usize,
}

const fn failed(file: &'static str, shown: &'static [&'static str], never_shown: &'static [&'static str]) -> Trial {
    Trial { file, stdout: "", code: 1, shown, never_shown, requests: 1 }
}

const TRIALS: &[Trial] = &[
    Trial {
        file: "arguments-object-in-events.sse",
        stdout: "After the call.\n",
        code: 0,
        shown: &[],
        never_shown: &[],
        requests: 2,
    },
    failed("call-without-name.sse", &["The model's call cannot be run", "without naming it"], &[]),
    Trial {
        requests: 3,
        ..failed(
            "error-code-without-message.sse",
            &["the server is overloaded (server_is_overloaded)"],
            &["without saying which"],
        )
    },
    Trial {
        requests: 4,
        ..failed(
            "error-event-code-only.sse",
            &["Too many requests", "rate_limit_exceeded"],
            &["without saying which", "without details"],
        )
    },
    Trial {
        stdout: "Bread is **baked** at 220 °C\n",
        ..failed("bare-json-in-mid-stream.sse", &["Upstream broke off"], &[])
    },
    Trial {
        stdout: "Bread is **baked** at 220 °C\n",
        ..failed("web-page-in-mid-stream.sse", &["504 Gateway Time-out"], &[])
    },
    failed("path-404-file-not-found.http", &["File Not Found", "Check the base_url"], &["another model"]),
    failed("path-405.http", &["Method Not Allowed", "Check the base_url"], &["settings", "another model"]),
    failed("body-detail-list.http", &["body.input.0: Field required"], &[]),
    failed("body-errors-by-field.http", &["temperature: must be between 0 and 1"], &[]),
    failed("page-403-challenge.http", &["Something between here and the server", "Just a moment..."], &["ephrase"]),
    failed("no-tools-400.http", &["did not accept the request", "does not support tools"], &["trying again"]),
    Trial {
        file: "numbers-as-texts.sse",
        stdout: "Bread is **baked** at 220 °C. Done.\n",
        code: 0,
        shown: &[],
        never_shown: &[],
        requests: 1,
    },
];

/// Where the files are; `None`, after a loud word, if they are not beside the project.
fn folder() -> Option<PathBuf> {
    let folder = trials_folder();
    if !folder.is_dir() {
        report_skipped(&folder);
        return None;
    }
    Some(folder)
}

fn text_of(folder: &Path, name: &str) -> String {
    fs::read_to_string(folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Plays a file to its end: a whole HTTP reply, or the body of a stream and that of the request after a call.
fn play(folder: &Path, name: &str, attempts: usize) -> (Output, Vec<ReceivedRequest>) {
    let text = text_of(folder, name);
    let (home, server) = (TestHome::empty(), FakeServer::start());
    home.configure(
        "[[tool]]\nname = \"weather\"\ndescription = \"prints its input\"\npolicy = \"allow\"\n\
         argv = [\"/bin/echo\", \"{city}\"]\n\
         parameters = { type = \"object\", properties = { city = { type = \"string\" } } }\n",
    );
    let second = text.match_indices("data: {\"type\": \"response.created\"").nth(1).map(|(at, _)| at);
    let parts = match second {
        Some(at) => vec![text[..at].to_owned(), text[at..].to_owned()],
        None => vec![text; attempts],
    };
    for part in parts {
        let is_http = part.starts_with("HTTP/");
        server.queue_reply(if is_http {
            FakeReply::raw(part)
        } else {
            FakeReply::body(200, "text/event-stream", part)
        });
    }
    let args = ["ask", "-m", MODEL, "hello"];
    let output = ProgramLaunch::in_home(&home).against(&server).args(args).output("");
    (output, std::iter::from_fn(|| server.try_next_request()).collect())
}

#[test]
fn every_stream_and_body_of_the_trials_is_told_as_it_must_be() {
    let Some(folder) = folder() else { return };
    for Trial { file, stdout, code, shown, never_shown, requests } in TRIALS {
        let (output, sent) = play(&folder, file, *requests);
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(
            (&*String::from_utf8_lossy(&output.stdout), output.status.code()),
            (*stdout, Some(*code)),
            "{file}: {error}"
        );
        assert_eq!(sent.len(), *requests, "{file}: {error}");
        for words in *shown {
            assert!(error.contains(words), "{file}: {words} is missing in {error}");
        }
        for words in *never_shown {
            assert!(!error.contains(words), "{file}: {words} is in {error}");
        }
        if *file == "arguments-object-in-events.sse" {
            let input = sent[1].body["input"].as_array().expect("a list of items");
            let call = input.iter().find(|item| item["type"] == "function_call").expect("the call is sent back");
            let arguments = call["arguments"].as_str().expect("a text");
            assert_eq!(serde_json::from_str::<serde_json::Value>(arguments).ok(), Some(json!({ "city": "Bonn" })));
            let result = input.iter().find(|item| item["type"] == "function_call_output").expect("its output");
            assert!(result["output"].as_str().is_some_and(|text| text.contains("Bonn")), "{result}");
        }
    }
}

/// The other files that are played here, each by a test of its own.
const OTHERS: &[&str] = &[
    "base-url-with-query.toml",
    "proxy-socks-alias.env",
    "proxy-without-host.env",
    "tls-unknown-authority.sh",
    "citations-counted-in-bytes.sse",
    "citations-counted-in-utf16.sse",
];

/// Plays a stream on the real screen, then types keys, until the screen shows the words.
fn screen_of(folder: &Path, name: &str, keys: &str, words: &str) -> String {
    let stage = Stage::set_up();
    let mut ibid = start_ready(stage.launch().size(120, 40));
    stage.server.queue_reply(FakeReply::body(200, "text/event-stream", text_of(folder, name)));
    ibid.type_keys("hello<enter>");
    stage.server.next_request();
    wait_idle(&ibid);
    ibid.type_keys(keys);
    ibid.wait_for(words);
    ibid.screen()
}

#[test]
fn citations_of_the_trials_stand_at_their_sentences_however_they_are_counted() {
    let Some(folder) = folder() else { return };
    for name in ["citations-counted-in-bytes.sse", "citations-counted-in-utf16.sse"] {
        let screen = screen_of(&folder, name, "", "smaller [1].");
        assert!(screen.contains("has 2 million people. [1]"), "{name}: {screen}");
        assert!(!screen.contains("insee.fr]") && !screen.contains("(insee.fr"), "{name}: {screen}");
        assert_eq!(screen.matches("[1]").count(), 3, "{name}: two marks and their source in {screen}");
    }
}

#[test]
fn numbers_of_the_trials_that_are_texts_are_counted() {
    let Some(folder) = folder() else { return };
    // The status line rounds, the details do not.
    let screen = screen_of(&folder, "numbers-as-texts.sse", "<ctrl-x>i", "$0.0125");
    assert!(screen.contains("1.2k tokens"), "{screen}");
}

#[test]
fn every_file_of_these_kinds_is_played() {
    let Some(folder) = folder() else { return };
    for entry in fs::read_dir(folder).expect("the folder can be read") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let is_ours =
            ["sse", "http", "env", "toml", "sh"].iter().any(|kind| path.extension().is_some_and(|end| end == *kind));
        let is_known = OTHERS.contains(&name) || TRIALS.iter().any(|trial| trial.file == name);
        assert!(!is_ours || is_known, "{name} is new: say here what must become of it");
    }
}

#[test]
fn the_proxies_of_the_trials_are_used_or_told_and_never_bypassed() {
    let Some(folder) = folder() else { return };
    let setting = |name: &str| {
        let text = text_of(&folder, name);
        let (variable, value) = text.trim().split_once('=').expect("a variable and its value");
        (variable.to_owned(), value.to_owned())
    };
    let (variable, value) = setting("proxy-socks-alias.env");
    let output = ask(BEHIND_PROXY, &[(&variable, &value)]);
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(error.contains("the proxy 127.0.0.1:1080 (ALL_PROXY) is not running"), "{error}");

    let (variable, value) = setting("proxy-without-host.env");
    let words = format!("{variable} {value} is not the address of a proxy");
    assert_failed(&ask("https://llm.invalid/v1", &[(&variable, &value)]), &[&words]);
}

#[test]
fn the_query_of_the_trials_address_comes_after_the_path() {
    let Some(folder) = folder() else { return };
    let (home, server) = (TestHome::empty(), FakeServer::start());
    let config = text_of(&folder, "base-url-with-query.toml");
    home.configure(&config.replace("127.0.0.1:8901", &server.address().to_string()));
    server.queue_reply(FakeReply::stream(ResponseBuilder::new(MODEL).text(&["It works."]).completed()));
    let args = ["--endpoint", "work", "ask", "-m", MODEL, "hello"];
    assert_answered(&ProgramLaunch::in_home(&home).args(args).output(""));
    assert_eq!(server.next_request().head.path, "/v1/responses?api-version=2026-01-01");
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a test runs the commands of a trial")]
fn the_certificates_of_the_trials_are_told_once_or_accepted() {
    let Some(folder) = folder() else { return };
    let made = tempfile::tempdir().expect("a temporary folder");
    let script = Command::new("sh").arg(folder.join("tls-unknown-authority.sh")).current_dir(made.path()).output();
    if !script.is_ok_and(|ended| ended.status.success()) {
        let _ = writeln!(std::io::stderr(), "SKIPPED: the commands of tls-unknown-authority.sh cannot be run here");
        return;
    }
    let file = |name: &str| made.path().join(name);
    let address = format!("https://localhost:{}/v1", serve_tls(&file("cert.pem"), &file("key.pem")));
    assert_failed(&ask(&address, &[]), &["certificate is not trusted", "set SSL_CERT_FILE"]);
    let authority = file("ca.pem");
    assert_answered(&ask(&address, &[("SSL_CERT_FILE", authority.to_str().expect("a path"))]));
    assert_failed(&ask(&address, &[("SSL_CERT_FILE", "/nonexistent.pem")]), &["/nonexistent.pem cannot be read"]);
}
