//! Plays streams and bodies that real servers send, from a folder beside the project, and checks what `ask` says.

use std::{path::PathBuf, process::Output};

use serde_json::json;

use crate::{
    MODEL,
    support::{
        fake_server::{FakeReply, FakeServer, ReceivedRequest},
        pty::{ProgramLaunch, TestHome},
    },
};

/// One file, what must be on stdout, the exit code, and words that must and must not be on stderr.
struct Trial {
    file: &'static str,
    stdout: &'static str,
    code: i32,
    told: &'static [&'static str],
    untold: &'static [&'static str],
    requests: usize,
}

const fn failed(file: &'static str, told: &'static [&'static str], untold: &'static [&'static str]) -> Trial {
    Trial { file, stdout: "", code: 1, told, untold, requests: 1 }
}

const TRIALS: &[Trial] = &[
    Trial {
        file: "arguments-object-in-events.sse",
        stdout: "After the call.\n",
        code: 0,
        told: &[],
        untold: &[],
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
        told: &[],
        untold: &[],
        requests: 1,
    },
];

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/reference/trials")
}

/// Plays a file to its end: a whole HTTP reply, or the body of a stream and that of the request after a call.
fn play(name: &str, attempts: usize) -> (Output, Vec<ReceivedRequest>) {
    let bytes = std::fs::read(folder().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    let (home, server) = (TestHome::empty(), FakeServer::start());
    home.configure(
        "[[tool]]\nname = \"weather\"\ndescription = \"prints its input\"\npolicy = \"allow\"\n\
         argv = [\"/bin/echo\", \"{city}\"]\n\
         parameters = { type = \"object\", properties = { city = { type = \"string\" } } }\n",
    );
    let text = String::from_utf8_lossy(&bytes).into_owned();
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
    if !folder().is_dir() {
        eprintln!("SKIPPED: {} is not beside the project", folder().display());
        return;
    }
    for Trial { file, stdout, code, told, untold, requests } in TRIALS {
        let (output, sent) = play(file, *requests);
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(
            (&*String::from_utf8_lossy(&output.stdout), output.status.code()),
            (*stdout, Some(*code)),
            "{file}: {error}"
        );
        assert_eq!(sent.len(), *requests, "{file}: {error}");
        for words in *told {
            assert!(error.contains(words), "{file}: {words} is missing in {error}");
        }
        for words in *untold {
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
