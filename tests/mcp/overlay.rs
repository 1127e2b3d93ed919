//! The tools overlay in the real program, with a real MCP server.

use std::{fs, path::Path};

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::{
    rig::exits_in_time,
    server::{SERVER_KIND, server_command},
    support::{
        compose::{ResponseBuilder, catalogue},
        fake_server::{FakeReply, FakeServer},
        pty::{ProgramLaunch, Pty, TestHome},
    },
};

const MODEL: &str = "openai/gpt-4.1-mini";

struct Stage {
    home: TestHome,
    server: FakeServer,
}

impl Stage {
    /// Creates a stage with a real MCP server named `s` and further lines in the config.
    fn with_config(more: &str) -> Self {
        let stage = Self { home: TestHome::empty(), server: FakeServer::start() };
        let (command, args) = server_command();
        let args = json!(args);
        stage.home.configure(&format!(
            "model = \"{MODEL}\"\n[mcp.s]\ncommand = {command:?}\nargs = {args}\nenv = {{ {SERVER_KIND} = \"good\" }}\n[tools]\nwait = 60\n{more}"
        ));
        stage.server.set_page("/models", FakeReply::json(200, &catalogue()));
        stage
    }

    fn open(&self, args: &[&str]) -> Pty {
        let ibid =
            ProgramLaunch::in_home(&self.home).against(&self.server).size(100, 40).args(args.iter().copied()).start();
        ibid.wait_for("type a message");
        ibid
    }

    /// Sends a prompt that is answered with `answer`; returns the request body.
    fn exchange(&self, ibid: &mut Pty, prompt: &str, answer: &str) -> Value {
        self.server.queue_reply(FakeReply::stream(ResponseBuilder::new(MODEL).text(&[answer]).completed()));
        ibid.type_keys(&format!("{prompt}<enter>"));
        let request = self.server.next_request();
        ibid.wait_for(answer);
        ibid.wait_until_gone("Esc stops");
        request.body
    }
}

fn tool_names(body: &Value) -> Vec<&str> {
    let tools = body["tools"].as_array().map(Vec::as_slice).unwrap_or_default();
    tools.iter().filter_map(|tool| tool["name"].as_str()).collect()
}

/// Waits until the overlay's cursor is on a row with `text`.
fn wait_for_cursor_on(ibid: &Pty, text: &str) {
    ibid.wait_until(&format!("cursor on `{text}`"), |screen| {
        screen.contents().lines().any(|line| line.contains('▌') && line.contains(text))
    });
}

#[test]
fn a_switch_changes_the_next_body_and_survives_a_restart_and_a_reload_is_shown() {
    let stage = Stage::with_config("");
    let mut ibid = stage.open(&[]);
    ibid.type_keys("<ctrl-x>j");
    // The overlay starts the server and shows its name and version.
    ibid.wait_for("✓ ready  everything 1.2.3");
    ibid.type_keys("/s__echo");
    ibid.wait_for("No matches.");
    ibid.type_keys("<ctrl-u>echo<enter>");
    wait_for_cursor_on(&ibid, "☑ echo");
    ibid.type_keys(" ");
    wait_for_cursor_on(&ibid, "☐ echo");
    // `Enter` shows the tool in full, with its schema.
    ibid.type_keys("<enter>");
    ibid.wait_for("Schema of its arguments");
    ibid.wait_for("\"text\": {");
    ibid.type_keys("<esc>");
    wait_for_cursor_on(&ibid, "☐ echo");
    ibid.type_keys("<esc>");
    ibid.wait_for("/ filter");
    ibid.type_keys("<esc>");
    ibid.wait_until_gone("/ filter");

    let body = stage.exchange(&mut ibid, "without echo", "Quite so.");
    assert_eq!(tool_names(&body).len(), 15, "{body}");
    assert!(!tool_names(&body).contains(&"s__echo"), "{body}");
    ibid.type_keys("<ctrl-x>q");
    ibid.wait_exit();

    let mut ibid = stage.open(&["--continue"]);
    ibid.wait_for("Quite so.");
    let body = stage.exchange(&mut ibid, "after a restart", "Still so.");
    assert!(tool_names(&body).contains(&"s__fails") && !tool_names(&body).contains(&"s__echo"), "{body}");
    ibid.type_keys("<ctrl-x>j");
    ibid.wait_for("✓ ready  everything 1.2.3");
    ibid.type_keys("/echo<enter>");
    wait_for_cursor_on(&ibid, "☐ echo");

    // `R` reads the files again.
    fs::write(stage.home.config_file().with_file_name("mcp.json"), mcp_json("t")).expect("the file can be written");
    ibid.type_keys("R");
    ibid.wait_for("reloading the MCP servers");
    ibid.type_keys("<esc>");
    ibid.wait_for("/ filter");
    ibid.wait_for("☑ t ");
    ibid.wait_until("two servers that are ready", |screen| screen.contents().matches("✓ ready").count() == 2);
    ibid.type_keys("<esc>");
    ibid.wait_until_gone("/ filter");
    ibid.type_keys("<ctrl-x>q");
    ibid.wait_exit();
}

/// An `mcp.json` file with one server.
fn mcp_json(name: &str) -> String {
    let (command, args) = server_command();
    json!({ "mcpServers": { name: { "command": command, "args": args, "env": { SERVER_KIND: "good" } } } }).to_string()
}

#[test]
fn a_project_server_is_trusted_in_the_overlay_and_ask_reports_it_until_then() {
    let stage = Stage::with_config("");
    fs::write(stage.home.path().join(".mcp.json"), mcp_json("theirs")).expect("the file can be written");
    let ask = || {
        stage.server.queue_reply(FakeReply::stream(ResponseBuilder::new(MODEL).text(&["Yes."]).completed()));
        let output = ProgramLaunch::in_home(&stage.home).against(&stage.server).args(["ask", "is it used?"]).output("");
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(String::from_utf8_lossy(&output.stdout), "Yes.\n", "{stderr}");
        (stderr, stage.server.next_request().body)
    };
    let (said, body) = ask();
    assert!(said.contains("not used: theirs of .mcp.json"), "{said}");
    assert!(tool_names(&body).contains(&"s__echo") && !tool_names(&body).contains(&"theirs__echo"), "{body}");

    let mut ibid = stage.open(&[]);
    ibid.type_keys("<ctrl-x>j");
    ibid.wait_for("? not trusted");
    ibid.type_keys("/theirs<enter>t");
    ibid.wait_for("Trust .mcp.json?");
    ibid.type_keys("y");
    ibid.wait_for("✓ ready  everything 1.2.3");
    ibid.type_keys("<esc>");
    ibid.wait_for("/ filter");
    ibid.type_keys("<esc>");
    ibid.wait_until_gone("/ filter");
    let body = stage.exchange(&mut ibid, "and now?", "Now it is.");
    assert!(tool_names(&body).contains(&"theirs__echo"), "{body}");
    ibid.type_keys("<ctrl-x>q");
    ibid.wait_exit();
    let (said, body) = ask();
    assert_eq!((said.as_str(), tool_names(&body).contains(&"theirs__echo")), ("", true));
}

#[test]
fn ask_tells_at_once_which_server_fails_and_which_is_still_starting() {
    let ask = |servers: &str| {
        let stage = Stage { home: TestHome::empty(), server: FakeServer::start() };
        let npx = stage.home.path().join("npx");
        fs::write(&npx, "#!/bin/sh\nwhile read x; do :; done\n").expect("the file can be written");
        fs::set_permissions(&npx, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("it is ours");
        stage.home.configure(&format!("model = \"{MODEL}\"\n{}", servers.replace("NPX", &npx.display().to_string())));
        stage.server.set_page("/models", FakeReply::json(200, &catalogue()));
        stage.server.queue_reply(FakeReply::stream(ResponseBuilder::new(MODEL).text(&["Yes."]).completed()));
        let begun = std::time::Instant::now();
        let output = ProgramLaunch::in_home(&stage.home).against(&stage.server).args(["ask", "is it used?"]).output("");
        assert!(begun.elapsed().as_secs() < 60, "it was waited for");
        assert_eq!(String::from_utf8_lossy(&output.stdout), "Yes.\n");
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let script = json!(["-c", "echo 'warming up' >&2; echo 'the port is taken' >&2; exit 3"]);
    let said =
        ask(&format!("[mcp.bad]\ncommand = \"sh\"\nargs = {script}\ninherit = [\"PATH\"]\n[tools]\nwait = 600\n"));
    assert_eq!(
        said,
        "ibid: the MCP server bad is not available: it ended with exit code 3 before it introduced itself: the port is taken\n"
    );
    let said = ask("[mcp.slow]\ncommand = \"NPX\"\n[tools]\nwait = 0.3\n");
    assert_eq!(said, "ibid: sent without the tools of slow: still starting (npx may be downloading)\n");
}

#[test]
fn no_started_process_outlives_a_killed_program() {
    let script = "trap '' TERM HUP INT; echo $$ > half; mv half pid; while :; do sleep 1000; done";
    let config = format!(
        "[tools.policy]\n\"*\" = \"allow\"\n[[tool]]\nname = \"deaf\"\nargv = {}\n",
        json!(["/bin/sh", "-c", script])
    );
    let stage = Stage::with_config(&config);
    let mut ibid = stage.open(&[]);
    let calls = |id: &str, name: &str| {
        FakeReply::stream(ResponseBuilder::new(MODEL).function_call(id, name, &["{}"]).completed())
    };
    stage.server.queue_reply(calls("call_1", "s__children"));
    stage.server.queue_reply(calls("call_2", "command__deaf"));
    ibid.type_keys("begin<enter>");
    stage.server.next_request();
    let body = stage.server.next_request().body;
    let output =
        body["input"].as_array().and_then(|input| input.last()).expect("the input ends with an output")["output"]
            .to_string();
    let tool_pid = wait_for_file(&stage.home.path().join("pid"));
    let mut processes: Vec<&str> =
        output.trim_matches('"').rsplit("\\n").next().unwrap_or_default().split(' ').collect();
    assert_eq!(processes.len(), 2, "{output}");
    processes.push(tool_pid.trim());
    assert!(!processes.iter().any(|process| process.parse::<u32>().is_err()), "{processes:?}");
    ibid.send_signal(Signal::KILL);
    for process in processes {
        assert!(exits_in_time(process), "{process} of {output} {tool_pid} is still running");
    }
}

/// Waits until a file exists and returns its contents.
fn wait_for_file(file: &Path) -> String {
    let begun = std::time::Instant::now();
    loop {
        match fs::read_to_string(file) {
            Ok(text) => return text,
            Err(_) => assert!(begun.elapsed().as_secs() < 30, "{} was not written", file.display()),
        }
        std::thread::yield_now();
    }
}
