//! An exported page in a real browser: it says nothing on the console, asks for nothing, and its footnotes jump.
//!
//! Skipped, loudly, where no Chromium is installed.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use ibid::{
    chat::{MessageBody, WholeConversation},
    config::LineBreaks,
    exchange::export::{self, ExportForm, ExportOptions, ExportSetting, ExportedPart},
    render::highlight::CodeHighlighter,
};
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use crate::support::{
    export_sample as sample,
    hostile_texts::{HOSTILE, hostile_conversation},
};

/// A browser that is spoken to through pipes.
struct Browser {
    child: Child,
    input: fs::File,
    output: BufReader<fs::File>,
    session: Option<String>,
    last_id: u64,
    /// What happened while answers were waited for.
    events: Vec<Value>,
    _folder: tempfile::TempDir,
}

fn find_browser() -> Option<PathBuf> {
    let names = ["chromium", "chromium-browser", "google-chrome", "chrome"];
    let folders: Vec<PathBuf> = std::env::split_paths(&std::env::var_os("PATH")?).collect();
    names.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name))).find(|path| path.is_file())
}

impl Browser {
    #[expect(clippy::disallowed_methods, reason = "a test starts the browser itself")]
    fn start(program: &Path) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (input, output) = (folder.path().join("in"), folder.path().join("out"));
        for pipe in [&input, &output] {
            assert!(Command::new("mkfifo").arg(pipe).status().expect("mkfifo runs").success());
        }
        let child = Command::new("sh")
            .args(["-c", "exec \"$0\" --headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking \
                --disable-component-update --disable-sync --remote-debugging-pipe --user-data-dir=\"$3\" about:blank 3<\"$1\" 4>\"$2\""])
            .args([program, &input, &output, &folder.path().join("profile")])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the browser starts");
        let input = fs::OpenOptions::new().write(true).open(input).expect("the pipe opens");
        let output = BufReader::new(fs::File::open(output).expect("the pipe opens"));
        let mut browser = Self { child, input, output, session: None, last_id: 0, events: Vec::new(), _folder: folder };
        let target = browser.call("Target.createTarget", &json!({"url": "about:blank"}))["targetId"].clone();
        let session = browser.call("Target.attachToTarget", &json!({"targetId": target, "flatten": true}));
        browser.session = session["sessionId"].as_str().map(str::to_owned);
        for domain in ["Page", "Runtime", "Log", "Network"] {
            browser.call(&format!("{domain}.enable"), &json!({}));
        }
        browser
    }

    /// Calls a method and returns its result.
    fn call(&mut self, method: &str, params: &Value) -> Value {
        self.last_id += 1;
        let mut message = json!({"id": self.last_id, "method": method, "params": params});
        if let Some(session) = &self.session {
            message["sessionId"] = session.as_str().into();
        }
        self.input.write_all(format!("{message}\0").as_bytes()).expect("the browser reads");
        loop {
            let message = self.read();
            if message["id"] == self.last_id {
                assert!(message["error"].is_null(), "{method}: {message}");
                return message["result"].clone();
            }
            self.events.push(message);
        }
    }

    fn read(&mut self) -> Value {
        let mut bytes = Vec::new();
        self.output.read_until(0, &mut bytes).expect("the browser answers");
        bytes.pop();
        serde_json::from_slice(&bytes).expect("the browser sends JSON")
    }

    /// Opens a page and waits until it is loaded; returns what the page did meanwhile.
    fn open(&mut self, path: &Path) {
        self.events.clear();
        self.call("Page.navigate", &json!({"url": format!("file://{}", path.display())}));
        while !self.events.iter().any(|event| event["method"] == "Page.loadEventFired") {
            let event = self.read();
            self.events.push(event);
        }
    }

    fn evaluate(&mut self, script: &str) -> Value {
        let result =
            self.call("Runtime.evaluate", &json!({"expression": script, "returnByValue": true, "userGesture": true}));
        assert!(result["exceptionDetails"].is_null(), "{script}: {result}");
        result["result"]["value"].clone()
    }

    /// Checks that the page said nothing, ran nothing and asked for nothing but itself.
    fn assert_quiet(&mut self, path: &Path) {
        self.evaluate("1"); // What happened before has been reported by now.
        let own = format!("file://{}", path.display());
        for event in &self.events {
            let method = event["method"].as_str().unwrap_or_default();
            let is_noise =
                ["Log.", "Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Page.javascriptDialogOpening"];
            assert!(!is_noise.iter().any(|noise| method.starts_with(noise)), "{event}");
            if method == "Network.requestWillBeSent" {
                let url = event["params"]["request"]["url"].as_str().unwrap_or_default();
                assert!(url == own, "it asks for {url}");
            }
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn write_page(folder: &Path, name: &str, whole: WholeConversation) -> PathBuf {
    let options = ExportOptions { form: ExportForm::Html, part: ExportedPart::Tree, ..ExportOptions::default() };
    let setting = ExportSetting { now: sample::at(100), zone: TimeZone::UTC, line_breaks: LineBreaks::Auto };
    let mut highlighter = CodeHighlighter::new(|| Duration::ZERO);
    let path = folder.join(name);
    fs::write(&path, export::export(whole, &options, &setting, &mut highlighter).text).expect("the page is written");
    path
}

/// One conversation with all hostile texts in every place.
fn all_hostile() -> WholeConversation {
    let bodies = HOSTILE.into_iter().flat_map(|words| hostile_conversation(words).messages);
    let bodies: Vec<MessageBody> = bodies.map(|message| message.body).collect();
    sample::conversation(&HOSTILE.concat(), bodies)
}

#[test]
fn a_page_is_quiet_and_its_footnotes_jump_in_a_browser() {
    let Some(program) = find_browser() else {
        let _ = writeln!(std::io::stderr(), "SKIPPED: no Chromium is installed: no exported page was opened in one");
        return;
    };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (page, hostile) = (
        write_page(folder.path(), "page.html", sample::everything()),
        write_page(folder.path(), "hostile.html", all_hostile()),
    );
    let mut browser = Browser::start(&program);

    browser.open(&page);
    let jump =
        "document.querySelector('sup.cite a').click(); [location.hash, document.querySelector(':target').tagName]";
    assert_eq!(browser.evaluate(jump), json!(["#m2s1", "LI"]));
    assert_eq!(browser.evaluate("document.querySelector(':target a.back').click(); location.hash"), "#m2b3c1");
    assert_eq!(browser.evaluate("document.querySelector('sup.note a').click(); location.hash"), "#m2b3f1");
    assert_eq!(browser.evaluate("document.querySelector(':target a').click(); location.hash"), "#m2b3g1-1");
    // Its own style holds under its own policy, in light and dark, and a narrow screen is wide enough.
    let ground = "getComputedStyle(document.documentElement).backgroundColor";
    let scheme = |name: &str| json!({"features": [{"name": "prefers-color-scheme", "value": name}]});
    browser.call("Emulation.setEmulatedMedia", &scheme("light"));
    assert_eq!(browser.evaluate(ground), "rgb(253, 252, 249)");
    browser.call("Emulation.setEmulatedMedia", &scheme("dark"));
    assert_eq!(browser.evaluate(ground), "rgb(22, 24, 28)");
    let phone = json!({"width": 360, "height": 760, "deviceScaleFactor": 1, "mobile": true});
    browser.call("Emulation.setDeviceMetricsOverride", &phone);
    assert_eq!(browser.evaluate("document.documentElement.scrollWidth"), 360);
    browser.assert_quiet(&page);

    browser.open(&hostile);
    let clicked = "document.querySelectorAll('summary').forEach(summary => summary.click()); document.scripts.length";
    assert_eq!(browser.evaluate(clicked), 1);
    assert_eq!(browser.evaluate("document.images.length + document.forms.length + frames.length"), 0);
    browser.assert_quiet(&hostile);
}
