//! What stands between the program and a server: certificates and proxies, as `ask` reports them.

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::Output,
    sync::Arc,
    time::{Duration, Instant},
};

use rustls::{
    ServerConfig, ServerConnection, StreamOwned,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};

use crate::{
    MODEL,
    support::{
        compose::ResponseBuilder,
        fake_server::{FakeReply, FakeServer, unreachable_url},
        pty::{KEY, ProgramLaunch, TestHome},
    },
};

fn certificate(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tls").join(name)
}

/// An HTTP response with a whole answer.
fn whole_answer() -> Vec<u8> {
    let body = ResponseBuilder::new(MODEL).text(&["It works."]).completed().concat();
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// Reads a request with its body, if it has a length.
fn read_request(stream: &mut impl Read) -> String {
    let (mut bytes, mut buffer) = (Vec::new(), [0; 4096]);
    while let Ok(count @ 1..) = stream.read(&mut buffer) {
        bytes.extend_from_slice(&buffer[..count]);
        let text = String::from_utf8_lossy(&bytes);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length =
            head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length:")?.trim().parse().ok());
        if body.len() >= length.unwrap_or(0_usize) {
            break;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Accepts connections for the rest of the test and hands each to `serve`; returns the port.
fn listen(serve: impl Fn(TcpStream) + Send + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a loopback port is free");
    let port = listener.local_addr().expect("it is bound").port();
    std::thread::spawn(move || listener.incoming().flatten().for_each(serve));
    port
}

/// Answers every request over TLS with this certificate.
fn tls_server(name: &str) -> u16 {
    serve_tls(&certificate(&format!("{name}.pem")), &certificate(&format!("{name}.key.pem")))
}

pub fn serve_tls(certificate_file: &Path, key_file: &Path) -> u16 {
    let certificates: Vec<_> = CertificateDer::pem_file_iter(certificate_file)
        .expect("the file can be read")
        .map(|found| found.expect("a certificate"))
        .collect();
    let key = PrivateKeyDer::from_pem_file(key_file).expect("a key");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("the versions are known")
        .with_no_client_auth()
        .with_single_cert(certificates, key)
        .expect("they belong together");
    let config = Arc::new(config);
    listen(move |socket| {
        let connection = ServerConnection::new(config.clone()).expect("the settings are valid");
        let mut stream = StreamOwned::new(connection, socket);
        if read_request(&mut stream).starts_with("POST") {
            let _client_may_be_gone = stream.write_all(&whole_answer());
        }
        stream.conn.send_close_notify();
        let _client_may_be_gone = stream.flush();
    })
}

pub fn ask(base_url: &str, env: &[(&str, &str)]) -> Output {
    let home = TestHome::empty();
    let launch = ProgramLaunch::in_home(&home).env("OPENROUTER_BASE_URL", base_url).env("OPENROUTER_API_KEY", KEY);
    let launch = env.iter().fold(launch, |launch, (name, value)| launch.env(name, *value));
    launch.args(["ask", "-m", MODEL, "does it work?"]).output("")
}

fn ask_over_tls(server: &str, certificate_file: Option<&Path>) -> Output {
    let env = certificate_file.map(|file| ("SSL_CERT_FILE", file.to_str().expect("a readable path")));
    ask(&format!("https://localhost:{}/v1", tls_server(server)), env.as_slice())
}

#[track_caller]
pub fn assert_answered(output: &Output) {
    let (out, error) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!((&*out, output.status.code()), ("It works.\n", Some(0)), "{error}");
}

/// Checks that it failed, and that its single sentence has all these words.
#[track_caller]
pub fn assert_failed(output: &Output, words: &[&str]) {
    let (out, error) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!((&*out, output.status.code()), ("", Some(1)), "{error}");
    let sentences = error.lines().filter(|line| !line.contains("is not encrypted"));
    assert_eq!(sentences.count(), 1, "reported once: {error}");
    for words in words {
        assert!(error.contains(words), "{words} is missing: {error}");
    }
}

#[test]
fn a_certificate_that_is_not_trusted_is_told_once_with_the_way_out() {
    let before = Instant::now();
    for server in ["signed", "own"] {
        assert_failed(&ask_over_tls(server, None), &["certificate is not trusted", "localhost", "set SSL_CERT_FILE"]);
    }
    let missing = Path::new("/nonexistent.pem");
    assert_failed(
        &ask_over_tls("signed", Some(missing)),
        &["SSL_CERT_FILE /nonexistent.pem cannot be read", "no such file"],
    );
    let no_certificate = certificate("own.key.pem");
    assert_failed(&ask_over_tls("own", Some(&no_certificate)), &["own.key.pem contains no certificate"]);
    let other = certificate("own.pem");
    assert_failed(&ask_over_tls("signed", Some(&other)), &["own.pem does not vouch for it"]);
    assert!(before.elapsed() < Duration::from_secs(20), "none of them is retried");
}

#[test]
fn a_certificate_in_the_file_works_be_it_an_authority_or_the_server_itself() {
    assert_answered(&ask_over_tls("signed", Some(&certificate("authority.pem"))));
    assert_answered(&ask_over_tls("own", Some(&certificate("own.pem"))));
    assert_answered(&ask_over_tls("signed", Some(&certificate("signed.pem"))));
}

#[test]
fn a_wrong_name_an_expired_certificate_and_a_server_without_tls_are_told_apart() {
    let authority = certificate("authority.pem");
    assert_failed(&ask_over_tls("other-name", Some(&authority)), &["for another name", "base_url"]);
    assert_failed(&ask_over_tls("expired", Some(&authority)), &["has expired", "clock"]);
    let plain = listen(|mut socket| {
        let _client_may_be_gone = socket.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
    });
    assert_failed(&ask(&format!("https://localhost:{plain}/v1"), &[]), &["may expect http://", "base_url"]);
}

/// The address of a server that only a proxy can reach.
pub const BEHIND_PROXY: &str = "http://llm.invalid/v1";

#[test]
fn socks_is_socks5_and_the_proxy_is_used() {
    let port = listen(|mut socket| {
        let mut greeting = [0; 3];
        let _greeted = socket.read_exact(&mut greeting);
        assert_eq!(greeting[0], 5, "it speaks SOCKS 5");
        let _chosen = socket.write_all(&[5, 0]);
        let mut request = [0; 512];
        let _requested = socket.read(&mut request);
        let _connected = socket.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
        read_request(&mut socket);
        let _answered = socket.write_all(&whole_answer());
        let _closed = socket.shutdown(Shutdown::Write);
    });
    assert_answered(&ask(BEHIND_PROXY, &[("ALL_PROXY", &format!("socks://127.0.0.1:{port}/"))]));
}

#[test]
fn a_setting_that_cannot_be_read_is_told_and_never_bypassed() {
    let server = FakeServer::start();
    server.queue_reply(FakeReply::raw(whole_answer()));
    for (variable, value) in
        [("HTTP_PROXY", "http://"), ("ALL_PROXY", "ftp://127.0.0.1:1"), ("http_proxy", "proxy:port")]
    {
        let output = ask(BEHIND_PROXY, &[(variable, value)]);
        assert_failed(&output, &[&format!("{variable} {value} is not the address of a proxy"), "NO_PROXY"]);
    }
    // What does not need the proxy is not in its way.
    let output = ask(&server.base_url(), &[("HTTP_PROXY", "http://")]);
    assert_answered(&output);
}

#[test]
fn a_dead_proxy_is_named_and_not_the_server() {
    let dead = unreachable_url();
    let dead = dead.trim_start_matches("http://").split('/').next().expect("a host");
    for value in [format!("http://{dead}"), format!("socks5h://{dead}")] {
        let output = ask(BEHIND_PROXY, &[("HTTP_PROXY", &value)]);
        let error = String::from_utf8_lossy(&output.stderr);
        let last = error.lines().last().unwrap_or_default();
        assert!(last.contains(&format!("he proxy {dead} (HTTP_PROXY) is not running")), "{error}");
        assert!(last.contains("The proxy could not be reached") && !last.contains("llm.invalid"), "{error}");
    }
}

#[test]
fn a_refusal_of_the_proxy_is_the_proxys() {
    for (status, reason, words) in [
        (403, "Forbidden", "The proxy did not let the request through"),
        (413, "Request Entity Too Large", "too large for it"),
        (407, "Proxy Authentication Required", "name:password@host"),
    ] {
        let page = format!("<html><title>{status} {reason}</title></html>");
        let reply = format!(
            "HTTP/1.1 {status} {reason}\r\ncontent-type: text/html\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{page}",
            page.len()
        );
        let port = listen(move |mut socket| {
            read_request(&mut socket);
            let _answered = socket.write_all(reply.as_bytes());
        });
        let proxy = format!("http://127.0.0.1:{port}");
        assert_failed(
            &ask(BEHIND_PROXY, &[("HTTP_PROXY", &proxy)]),
            &[words, &format!("127.0.0.1:{port} (HTTP_PROXY)")],
        );
        // Over TLS the proxy refuses the tunnel.
        assert_failed(
            &ask("https://llm.invalid/v1", &[("HTTPS_PROXY", &proxy)]),
            &["roxy", &format!("127.0.0.1:{port} (HTTPS_PROXY)")],
        );
    }
}

#[test]
fn the_address_in_the_environment_is_checked_like_one_on_the_command_line() {
    for (address, words) in [
        ("ftp://host/v1", "neither http:// nor https://"),
        ("http://me:secret@host/v1", "user name or password"),
        ("http://host/v1/responses", "ends with /responses"),
        ("http://host/v1#x", "contains a #"),
        ("host", "is not an address"),
    ] {
        let output = ask(address, &[]);
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(error.contains("OPENROUTER_BASE_URL") && error.contains(words), "{address}: {error}");
        assert!(output.status.code() != Some(0) && !error.contains("secret"), "{error}");
    }
}
