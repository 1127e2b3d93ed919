//! The program as its reader meets it: the real binary in a pseudo-terminal, against a server on the loopback.
#![cfg(unix)]

#[path = "../support/mod.rs"]
mod support;

#[allow(dead_code)]
#[path = "../requests/rules.rs"]
mod rules;

mod background;
mod chat;
mod choices;
mod demo;
mod elsewhere;
mod input;
mod modes;
mod mouse;
mod safety;
mod trouble;

use std::{
    path::Path,
    time::{Duration, Instant},
};

use serde_json::Value;
use support::{
    compose::Response,
    fake_server::{FakeServer, Reply, Request},
    pty::{Home, Pty, Run},
};

pub const MODEL: &str = "openai/gpt-4.1-mini";

/// A home with a model in its config, and a server.
pub struct Stage {
    pub home: Home,
    pub server: FakeServer,
}

impl Stage {
    pub fn plain() -> Self {
        Self::configured("")
    }

    /// With more in the config.
    pub fn configured(more: &str) -> Self {
        let stage = Self { home: Home::empty(), server: FakeServer::start() };
        stage.home.configure(&format!("model = \"{MODEL}\"\n{more}"));
        stage
    }

    pub fn run(&self) -> Run {
        Run::in_home(&self.home).against(&self.server)
    }

    /// Another program in the same surroundings.
    pub fn run_program(&self, program: &str, args: &[&str]) -> Run {
        Run::program(Path::new(program), &self.home).against(&self.server).args(args.iter().copied())
    }

    /// The program, ready to type.
    pub fn open(&self) -> Pty {
        ready(self.run())
    }

    /// The program with the last conversation open.
    pub fn reopen(&self) -> Pty {
        ready(self.run().args(["--continue"]))
    }

    /// How many requests for an answer have come so far.
    pub fn asked(&self) -> usize {
        self.server.heads().iter().filter(|head| head.method == "POST").count()
    }

    /// Asks, and has it answered at once; the answer must not be on the screen yet.
    #[track_caller]
    pub fn exchange(&self, ibid: &mut Pty, prompt: &str, text: &str) -> Request {
        self.exchange_until(ibid, prompt, text, text)
    }

    /// The same with an answer that looks otherwise on the screen.
    #[track_caller]
    pub fn exchange_until(&self, ibid: &mut Pty, prompt: &str, text: &str, shown: &str) -> Request {
        self.server.answer(answer(&[text]));
        ibid.type_keys(&format!("{prompt}<enter>"));
        let request = self.server.next_request();
        ibid.wait_for(shown);
        idle(ibid);
        request
    }
}

#[track_caller]
pub fn ready(run: Run) -> Pty {
    let ibid = run.start();
    ibid.wait_for("type a message");
    ibid
}

/// No turn runs in the conversation on the screen.
#[track_caller]
pub fn idle(ibid: &Pty) {
    ibid.wait_without("esc stops");
}

pub fn answer(deltas: &[&str]) -> Reply {
    Reply::stream(Response::by(MODEL).text(deltas).completed())
}

#[track_caller]
pub fn quit(ibid: &mut Pty) {
    ibid.type_keys("<ctrl-x>q");
    assert_eq!(ibid.wait_exit().exit_code(), 0);
}

/// What the reader and the models said, as it was sent: (role, text).
pub fn said(request: &Request) -> Vec<(String, String)> {
    let items = request.body["input"].as_array().cloned().unwrap_or_default();
    items.iter().map(|item| (item["role"].as_str().unwrap_or_default().to_owned(), text(&item["content"]))).collect()
}

/// The newest prompt of a request.
pub fn prompt(request: &Request) -> String {
    said(request).pop().expect("a request has input").1
}

fn text(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().filter_map(|part| part["text"].as_str()).collect(),
        _ => String::new(),
    }
}

/// Takes the first choice of the newest card.
#[track_caller]
pub fn take_first_choice(ibid: &mut Pty) {
    take_choice(ibid, "<enter>");
}

/// Presses a key of the newest card until the card is gone: no key counts on one that has just been painted.
#[track_caller]
pub fn take_choice(ibid: &mut Pty, key: &str) {
    const OFFER: &str = "tab, then";
    ibid.wait_for(OFFER);
    eventually("what the choice does", || {
        ibid.type_keys(key);
        let pressed = Instant::now();
        while ibid.screen().contains(OFFER) && pressed.elapsed() < Duration::from_millis(100) {
            std::thread::park_timeout(Duration::from_millis(5));
        }
        !ibid.screen().contains(OFFER)
    });
}

/// Waits for something outside the screen.
#[track_caller]
pub fn eventually(what: &str, mut there: impl FnMut() -> bool) {
    let start = Instant::now();
    while !there() {
        assert!(start.elapsed() < Duration::from_secs(10), "{what} did not come about in ten seconds");
        std::thread::park_timeout(Duration::from_millis(5));
    }
}
