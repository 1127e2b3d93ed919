//! End-to-end tests: the real binary in a pseudo-terminal, with a server on the loopback interface.
#![cfg(unix)]
#![allow(unreachable_pub, reason = "nothing outside uses a test")]

#[path = "../support/mod.rs"]
mod support;

mod background;
mod chat;
mod choices;
mod clock;
mod demo;
mod endurance;
mod exact_output;
mod headless;
mod hygiene;
mod input;
mod joined_emoji;
mod kills;
mod last_words;
mod listings;
mod modes;
mod mouse;
mod network;
mod notifications;
mod queue;
mod raw_input;
mod safety;
mod searching;
mod sign_in;
mod stored;
mod temporary;
mod trials;
mod trouble;
mod two_instances;

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use serde_json::Value;
use support::{
    compose::ResponseBuilder,
    fake_server::{FakeReply, FakeServer, ReceivedRequest},
    pty::{ProgramLaunch, Pty, TestHome},
};

pub const MODEL: &str = "openai/gpt-4.1-mini";

/// A home directory with a model in its config, and a server.
pub struct Stage {
    pub home: TestHome,
    pub server: FakeServer,
}

impl Stage {
    pub fn set_up() -> Self {
        Self::with_config("")
    }

    /// Creates a stage with further lines in the config.
    pub fn with_config(more: &str) -> Self {
        let stage = Self { home: TestHome::empty(), server: FakeServer::start() };
        stage.home.configure(&format!("model = \"{MODEL}\"\nlocal_ports = []\n{more}"));
        stage
    }

    pub fn launch(&self) -> ProgramLaunch {
        ProgramLaunch::in_home(&self.home).against(&self.server)
    }

    /// Prepares another program in the same environment.
    pub fn launch_program(&self, program: &str, args: &[&str]) -> ProgramLaunch {
        ProgramLaunch::with_program(Path::new(program), &self.home).against(&self.server).args(args.iter().copied())
    }

    /// Starts the program and waits until it is ready for input.
    pub fn open(&self) -> Pty {
        start_ready(self.launch())
    }

    /// Starts the program with the last conversation open.
    pub fn reopen(&self) -> Pty {
        start_ready(self.launch().args(["--continue"]))
    }

    /// How many requests for answers have arrived so far.
    pub fn request_count(&self) -> usize {
        self.server.request_heads().iter().filter(|head| head.method == "POST").count()
    }

    /// Sends a prompt that is answered at once with `text`, which must not be on the screen yet.
    #[track_caller]
    pub fn exchange(&self, ibid: &mut Pty, prompt: &str, text: &str) -> ReceivedRequest {
        self.exchange_until(ibid, prompt, text, text)
    }

    /// Like `exchange`, for an answer that appears on the screen as `shown`.
    #[track_caller]
    pub fn exchange_until(&self, ibid: &mut Pty, prompt: &str, text: &str, shown: &str) -> ReceivedRequest {
        self.server.queue_reply(text_reply(&[text]));
        ibid.type_keys(&format!("{prompt}<enter>"));
        let request = self.server.next_request();
        ibid.wait_for(shown);
        wait_idle(ibid);
        request
    }
}

#[track_caller]
pub fn start_ready(run: ProgramLaunch) -> Pty {
    let ibid = run.start();
    ibid.wait_for("type a message");
    ibid
}

/// Waits until no turn is running in the conversation on the screen.
#[track_caller]
pub fn wait_idle(ibid: &Pty) {
    ibid.wait_until_gone("Esc stops");
}

pub fn text_reply(deltas: &[&str]) -> FakeReply {
    FakeReply::stream(ResponseBuilder::new(MODEL).text(deltas).completed())
}

#[track_caller]
pub fn quit(ibid: &mut Pty) {
    ibid.type_keys("<ctrl-x>q");
    assert_eq!(ibid.wait_exit().exit_code(), 0);
}

/// The messages of a request as (role, text).
pub fn input_messages(request: &ReceivedRequest) -> Vec<(String, String)> {
    let items = request.body["input"].as_array().cloned().unwrap_or_default();
    items
        .iter()
        .map(|item| (item["role"].as_str().unwrap_or_default().to_owned(), content_text(&item["content"])))
        .collect()
}

/// The newest prompt of a request.
pub fn newest_prompt(request: &ReceivedRequest) -> String {
    input_messages(request).pop().expect("a request has input").1
}

fn content_text(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().filter_map(|part| part["text"].as_str()).collect(),
        _ => String::new(),
    }
}

/// The folder of the inputs beside the project.
pub fn trials_folder() -> PathBuf {
    let usual = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/reference/trials");
    std::env::var_os("IBID_TRIALS").map_or_else(|| usual.into(), PathBuf::from)
}

/// Reports a missing input. Not with `eprintln`, which a passing test swallows.
pub fn report_skipped(path: &Path) {
    let _ = writeln!(std::io::stderr(), "SKIPPED: {} is not beside the project", path.display());
}

/// Takes the first choice on the newest card.
#[track_caller]
pub fn take_first_choice(ibid: &mut Pty) {
    take_choice(ibid, "<enter>", "Tab, then");
}

/// Presses a key of the newest card until what the card offers is gone, because a card ignores keys right after it is
/// drawn.
#[track_caller]
pub fn take_choice(ibid: &mut Pty, key: &str, offer: &str) {
    ibid.wait_for(offer);
    eventually("the effect of the choice", || {
        ibid.type_keys(key);
        let pressed = Instant::now();
        while ibid.screen().contains(offer) && pressed.elapsed() < Duration::from_millis(100) {
            std::thread::park_timeout(Duration::from_millis(5));
        }
        !ibid.screen().contains(offer)
    });
}

/// Waits for a condition outside the screen.
#[track_caller]
pub fn eventually(expected: &str, mut is_done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_done() {
        assert!(start.elapsed() < Duration::from_secs(10), "not within ten seconds: {expected}");
        std::thread::park_timeout(Duration::from_millis(5));
    }
}
