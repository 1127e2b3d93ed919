//! Signing in with OpenRouter against a server that checks the code and its verifier, in a shell and on the connect screen.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    os::unix::fs::PermissionsExt,
    path::Path,
    sync::mpsc,
    thread,
    time::Duration,
};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::support::pty::{ProgramLaunch, TestHome};

const CODE: &str = "auth_code_5f1d";
const NEW_KEY: &str = "sk-or-v1-5f1d0000000000000000000000000000000000000000000000000000000000aa";

/// A server that gives a key for the one code, and tells what was sent for it.
struct AuthServer {
    base_url: String,
    exchanges: mpsc::Receiver<Value>,
}

impl AuthServer {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a loopback port is free");
        let base_url = format!("http://{}/api/v1", listener.local_addr().expect("it is bound"));
        let (sender, exchanges) = mpsc::channel();
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                serve(stream, &sender);
            }
        });
        Self { base_url, exchanges }
    }

    fn exchange(&self) -> Value {
        self.exchanges.recv_timeout(Duration::from_secs(20)).expect("the code is exchanged")
    }
}

fn serve(mut stream: TcpStream, exchanges: &mpsc::Sender<Value>) {
    let Some((target, body)) = read_request(&stream) else { return };
    let (status, reply) = if target.ends_with("/auth/keys") {
        let sent: Value = serde_json::from_str(&body).expect("the body is JSON");
        let is_right = sent["code"] == CODE;
        exchanges.send(sent).expect("the test is listening");
        if is_right {
            (200, json!({"key": NEW_KEY, "user_id": "user_1"}))
        } else {
            (403, json!({"error": {"code": 403, "message": "Invalid code or code_verifier"}}))
        }
    } else if target.ends_with("/key") {
        (200, json!({"data": {"label": "ibid", "limit": null}}))
    } else {
        (200, json!({"data": []}))
    };
    let reply = reply.to_string();
    let head = format!(
        "HTTP/1.1 {status} x\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        reply.len()
    );
    let _left = stream.write_all((head + &reply).as_bytes());
}

fn read_request(stream: &TcpStream) -> Option<(String, String)> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let target = line.split_whitespace().nth(1)?.to_owned();
    let mut length = 0;
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        if header.trim().is_empty() {
            break;
        }
        if let Some((name, value)) = header.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((target, String::from_utf8(body).ok()?))
}

/// What a browser gets from the address that the user was sent back to.
fn visit(url: &str) -> String {
    let rest = url.strip_prefix("http://localhost:").expect("a callback on this machine");
    let (port, target) = rest.split_once('/').expect("a path");
    let mut stream = TcpStream::connect(("127.0.0.1", port.parse().expect("a port"))).expect("ibid listens");
    write!(stream, "GET /{target} HTTP/1.1\r\nhost: localhost:{port}\r\n\r\n").expect("the request is sent");
    let mut page = String::new();
    stream.read_to_string(&mut page).expect("the page is sent");
    page
}

fn query_value(url: &str, name: &str) -> Option<String> {
    let url = reqwest::Url::parse(url).expect("an address");
    url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

fn is_verified(sent: &Value, url: &str) -> bool {
    use base64::Engine as _;
    let digest = Sha256::digest(sent["code_verifier"].as_str().expect("a verifier").as_bytes());
    query_value(url, "code_challenge") == Some(base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(digest))
}

fn launch(home: &TestHome, server: &AuthServer) -> ProgramLaunch {
    ProgramLaunch::in_home(home).env("OPENROUTER_BASE_URL", &server.base_url)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn addresses(printed: &str) -> Vec<String> {
    printed.lines().map(str::trim).filter(|line| line.starts_with("http://")).map(str::to_owned).collect()
}

/// The files below a folder whose content has the key.
fn files_with_key(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().map_while(Result::ok) {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files_with_key(&path));
        } else if fs::read(&path).is_ok_and(|bytes| text(&bytes).contains(NEW_KEY)) {
            found.push(path.file_name().expect("a name").to_string_lossy().into_owned());
        }
    }
    found
}

#[test]
fn a_pasted_code_becomes_a_key_in_a_private_file_and_logout_removes_it() {
    let (home, server) = (TestHome::empty(), AuthServer::start());
    let log = home.path().join("log");
    let args = ["login", "--no-browser", "-vv", "--log", log.to_str().expect("a path")];
    let output = launch(&home, &server).args(args).output(&format!("two words\n{CODE}\n"));
    let printed = text(&output.stdout) + &text(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{printed}");
    assert!(printed.contains("Signed in."), "{printed}");
    assert!(printed.contains("a code is one word"), "{printed}");
    let urls = addresses(&printed);
    assert_eq!((urls.len(), query_value(&urls[0], "callback_url")), (1, None), "{printed}");
    assert!(is_verified(&server.exchange(), &urls[0]));
    assert_eq!(files_with_key(home.path()), ["openrouter"]);
    let key_file = home.path().join("data/ibid/keys/openrouter");
    assert_eq!(fs::metadata(&key_file).expect("the key file").permissions().mode() & 0o777, 0o600);
    assert!(!printed.contains(NEW_KEY) && !printed.contains("code_verifier"), "{printed}");

    let again = launch(&home, &server).args(["logout"]).output("");
    assert_eq!(text(&again.stdout), "The key of openrouter is removed from this machine.\n");
    assert!(!key_file.exists());
    let nothing = launch(&home, &server).args(["logout"]).output("");
    assert_eq!(text(&nothing.stdout), "There is no saved key of openrouter.\n");
}

#[test]
fn the_browser_comes_back_with_a_code_and_nothing_else_is_believed() {
    let (home, server) = (TestHome::empty(), AuthServer::start());
    let mut shell = launch(&home, &server).args(["login"]).size(200, 40).start();
    shell.wait_for("paste the code here");
    let printed = text(&shell.bytes()).replace('\r', "");
    let url = &addresses(&printed)[0];
    let callback = query_value(url, "callback_url").expect("it comes back");
    assert!(visit(&format!("{callback}x?code={CODE}")).starts_with("HTTP/1.1 404"));
    assert!(visit(&callback).starts_with("HTTP/1.1 404"), "without a code it says nothing");
    let page = visit(&format!("{callback}?code={CODE}"));
    assert!(page.starts_with("HTTP/1.1 200") && page.contains("Signed in."), "{page}");
    assert!(page.to_lowercase().contains("referrer-policy: no-referrer"), "{page}");
    shell.wait_for("Signed in.");
    assert!(shell.wait_exit().success());
    assert!(is_verified(&server.exchange(), url));
    assert_eq!(files_with_key(home.path()), ["openrouter"]);
}

#[test]
fn a_refusal_a_wrong_code_and_a_key_that_goes_first_are_said() {
    let (home, server) = (TestHome::empty(), AuthServer::start());
    let wrong = launch(&home, &server).args(["login", "--no-browser"]).output("auth_code_wrong\n");
    assert_eq!(wrong.status.code(), Some(1));
    assert!(text(&wrong.stderr).contains("OpenRouter refused this code"), "{}", text(&wrong.stderr));
    let none = launch(&home, &server).args(["login", "--no-browser"]).output("");
    assert!(text(&none.stderr).contains("there was no code"), "{}", text(&none.stderr));
    let env =
        launch(&home, &server).env("OPENROUTER_API_KEY", "sk-or-v1-of-the-environment").args(["login"]).output("");
    assert_eq!(env.status.code(), Some(1));
    assert!(text(&env.stderr).contains("comes from $OPENROUTER_API_KEY, which goes first"), "{}", text(&env.stderr));
    let elsewhere = ["login", "--base-url", "http://127.0.0.1:9/v1"];
    let other = launch(&home, &server).args(elsewhere).output("");
    assert_eq!(other.status.code(), Some(1));
    assert!(text(&other.stderr).contains("only with OpenRouter"), "{}", text(&other.stderr));

    let mut shell = launch(&home, &server).args(["login"]).size(200, 40).start();
    shell.wait_for("paste the code here");
    let url = &addresses(&text(&shell.bytes()).replace('\r', ""))[0];
    visit(&format!("{}?error=access_denied", query_value(url, "callback_url").expect("it comes back")));
    shell.wait_for("you did not approve it");
    assert!(!shell.wait_exit().success());
    assert_eq!(files_with_key(home.path()), [""; 0]);
}

#[test]
fn the_first_start_signs_in_and_a_message_can_be_sent() {
    let (home, server) = (TestHome::without_ports(), AuthServer::start());
    let mut app = launch(&home, &server).size(200, 40).start();
    app.wait_for("Sign in with OpenRouter");
    app.type_keys("1");
    app.wait_for("Waiting for your browser");
    app.wait_for("No browser could be opened here");
    let shown = app.screen();
    let rows: Vec<&str> = shown.lines().map(|row| row.trim().split("   ").next().unwrap_or_default()).collect();
    let start = rows.iter().position(|row| row.starts_with("http://")).expect("the address is shown");
    let url: String = rows[start..].iter().take_while(|row| !row.is_empty()).copied().collect();
    let callback = query_value(&url, "callback_url").expect("it comes back");
    visit(&format!("{callback}?error=access_denied"));
    app.wait_for("you did not approve it");
    app.paste("auth_code_wrong");
    app.type_keys("<enter>");
    app.wait_for("OpenRouter refused this code");
    app.paste(CODE);
    app.type_keys("<enter>");
    app.wait_for("key checked");
    assert!(!app.screen().contains(CODE), "{}", app.screen());
    assert_eq!(server.exchange()["code"], "auth_code_wrong");
    assert!(is_verified(&server.exchange(), &url));
    assert_eq!(files_with_key(home.path()), ["openrouter"]);
}
