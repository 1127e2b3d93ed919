//! The overlay of all tools in the real program, with a real server behind it.

use std::{fs, path::Path};

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::{
    rig::is_gone,
    server::{KIND, arguments},
    support::{
        compose::{Response, catalogue},
        fake_server::{FakeServer, Reply},
        pty::{Home, Pty, Run},
    },
};

const MODEL: &str = "openai/gpt-4.1-mini";

struct Stage {
    home: Home,
    server: FakeServer,
}

impl Stage {
    /// With a real server called `s`, and more in the config.
    fn with(more: &str) -> Self {
        let stage = Self { home: Home::empty(), server: FakeServer::start() };
        let (command, args) = arguments();
        let args = json!(args);
        stage.home.configure(&format!(
            "model = \"{MODEL}\"\n[mcp.s]\ncommand = {command:?}\nargs = {args}\nenv = {{ {KIND} = \"good\" }}\n[tools]\nwait = 60\n{more}"
        ));
        stage.server.page("/models", Reply::json(200, &catalogue()));
        stage
    }

    fn open(&self, args: &[&str]) -> Pty {
        let ibid = Run::in_home(&self.home).against(&self.server).size(100, 40).args(args.iter().copied()).start();
        ibid.wait_for("type a message");
        ibid
    }

    /// Asks, has it answered, and gives the body.
    fn exchange(&self, ibid: &mut Pty, prompt: &str, answer: &str) -> Value {
        self.server.answer(Reply::stream(Response::by(MODEL).text(&[answer]).completed()));
        ibid.type_keys(&format!("{prompt}<enter>"));
        let request = self.server.next_request();
        ibid.wait_for(answer);
        ibid.wait_without("esc stops");
        request.body
    }
}

fn names(body: &Value) -> Vec<&str> {
    let tools = body["tools"].as_array().map(Vec::as_slice).unwrap_or_default();
    tools.iter().filter_map(|tool| tool["name"].as_str()).collect()
}

/// The row on which the cursor of the overlay stands.
fn at_cursor(ibid: &Pty, text: &str) {
    ibid.wait_until(&format!("cursor on `{text}`"), |screen| {
        screen.contents().lines().any(|line| line.contains('▌') && line.contains(text))
    });
}

#[test]
fn a_switch_changes_the_next_body_survives_a_restart_and_a_reload_is_seen() {
    let stage = Stage::with("");
    let mut ibid = stage.open(&[]);
    ibid.type_keys("<ctrl-x>j");
    // The overlay starts the server, and shows what it says of itself.
    ibid.wait_for("✓ ready  everything 1.2.3");
    ibid.type_keys("/s__echo");
    ibid.wait_for("Nothing matches");
    ibid.type_keys("<ctrl-u>echo<enter>");
    at_cursor(&ibid, "☑ echo");
    ibid.type_keys(" ");
    at_cursor(&ibid, "☐ echo");
    // All of it: what it does, its schema.
    ibid.type_keys("<enter>");
    ibid.wait_for("Schema of its arguments");
    ibid.wait_for("\"text\": {");
    ibid.type_keys("<esc>");
    at_cursor(&ibid, "☐ echo");
    ibid.type_keys("<esc>");
    ibid.wait_for("/ filters");
    ibid.type_keys("<esc>");
    ibid.wait_without("/ filters");

    let body = stage.exchange(&mut ibid, "without echo", "Quite so.");
    assert_eq!(names(&body).len(), 15, "{body}");
    assert!(!names(&body).contains(&"s__echo"), "{body}");
    ibid.type_keys("<ctrl-x>q");
    ibid.wait_exit();

    let mut ibid = stage.open(&["--continue"]);
    ibid.wait_for("Quite so.");
    let body = stage.exchange(&mut ibid, "after a restart", "Still so.");
    assert!(names(&body).contains(&"s__fails") && !names(&body).contains(&"s__echo"), "{body}");
    ibid.type_keys("<ctrl-x>j");
    ibid.wait_for("✓ ready  everything 1.2.3");
    ibid.type_keys("/echo<enter>");
    at_cursor(&ibid, "☐ echo");

    // The files are read again.
    fs::write(stage.home.config_file().with_file_name("mcp.json"), mcp_json("t")).expect("a file beside it");
    ibid.type_keys("R");
    ibid.wait_for("the MCP servers are read again");
    ibid.type_keys("<esc>");
    ibid.wait_for("/ filters");
    ibid.wait_for("☑ t ");
    ibid.wait_until("two servers that are ready", |screen| screen.contents().matches("✓ ready").count() == 2);
    ibid.type_keys("<esc>");
    ibid.wait_without("/ filters");
    ibid.type_keys("<ctrl-x>q");
    ibid.wait_exit();
}

/// A file in the common form with one server.
fn mcp_json(name: &str) -> String {
    let (command, args) = arguments();
    json!({ "mcpServers": { name: { "command": command, "args": args, "env": { KIND: "good" } } } }).to_string()
}

#[test]
fn a_projects_server_is_trusted_in_the_overlay_and_ask_says_that_it_is_not_yet() {
    let stage = Stage::with("");
    fs::write(stage.home.path().join(".mcp.json"), mcp_json("theirs")).expect("a file");
    let ask = || {
        stage.server.answer(Reply::stream(Response::by(MODEL).text(&["Yes."]).completed()));
        let output = Run::in_home(&stage.home).against(&stage.server).args(["ask", "is it used?"]).output("");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(String::from_utf8_lossy(&output.stdout), "Yes.\n", "{said}");
        (said, stage.server.next_request().body)
    };
    let (said, body) = ask();
    assert!(said.contains("not used: theirs of .mcp.json"), "{said}");
    assert!(names(&body).contains(&"s__echo") && !names(&body).contains(&"theirs__echo"), "{body}");

    let mut ibid = stage.open(&[]);
    ibid.type_keys("<ctrl-x>j");
    ibid.wait_for("? not trusted");
    ibid.type_keys("/theirs<enter>t");
    ibid.wait_for("Trust .mcp.json?");
    ibid.type_keys("y");
    ibid.wait_for("✓ ready  everything 1.2.3");
    ibid.type_keys("<esc>");
    ibid.wait_for("/ filters");
    ibid.type_keys("<esc>");
    ibid.wait_without("/ filters");
    let body = stage.exchange(&mut ibid, "and now?", "Now it is.");
    assert!(names(&body).contains(&"theirs__echo"), "{body}");
    ibid.type_keys("<ctrl-x>q");
    ibid.wait_exit();
    let (said, body) = ask();
    assert_eq!((said.as_str(), names(&body).contains(&"theirs__echo")), ("", true));
}

#[test]
fn nothing_that_was_started_outlives_a_program_that_is_killed() {
    let script = "trap '' TERM HUP INT; echo $$ > half; mv half pid; while :; do sleep 1000; done";
    let more = format!(
        "[tools.policy]\n\"*\" = \"allow\"\n[[tool]]\nname = \"deaf\"\nargv = {}\n",
        json!(["/bin/sh", "-c", script])
    );
    let stage = Stage::with(&more);
    let mut ibid = stage.open(&[]);
    let calls = |id: &str, name: &str| Reply::stream(Response::by(MODEL).call(id, name, &["{}"]).completed());
    stage.server.answer(calls("call_1", "s__children"));
    stage.server.answer(calls("call_2", "command__deaf"));
    ibid.type_keys("begin<enter>");
    stage.server.next_request();
    let body = stage.server.next_request().body;
    let said = body["input"].as_array().and_then(|input| input.last()).expect("an output")["output"].to_string();
    let own = written(&stage.home.path().join("pid"));
    let mut processes: Vec<&str> = said.trim_matches('"').rsplit("\\n").next().unwrap_or_default().split(' ').collect();
    assert_eq!(processes.len(), 2, "{said}");
    processes.push(own.trim());
    assert!(!processes.iter().any(|process| process.parse::<u32>().is_err()), "{processes:?}");
    ibid.signal(Signal::KILL);
    for process in processes {
        assert!(is_gone(process), "{process} of {said} {own} is left");
    }
}

/// Waits until a file is there.
fn written(file: &Path) -> String {
    let begun = std::time::Instant::now();
    loop {
        match fs::read_to_string(file) {
            Ok(text) => return text,
            Err(_) => assert!(begun.elapsed().as_secs() < 30, "{} was not written", file.display()),
        }
        std::thread::yield_now();
    }
}
