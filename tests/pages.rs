//! Fetching a cited page: what is asked, what is refused, what is cut, what is told.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::{Arc, Mutex},
    time::Duration,
};

use ibid::{
    runtime::pages::{Bounds, Pages, is_public},
    text::quote::How,
    widgets::check::{Question, Reading, Words},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

const WORDS: &str = "must be on the same host";

/// A site on the loopback that answers by path and notes what it was asked.
struct Site {
    port: u16,
    asked: Arc<Mutex<Vec<String>>>,
}

/// Only this one address of the loopback: what lies beside it stands for the private network.
fn only_here(address: IpAddr) -> bool {
    address == IpAddr::V4(Ipv4Addr::LOCALHOST)
}

fn html(body: &str) -> String {
    page("text/html; charset=utf-8", body)
}

fn page(kind: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {}\r\nset-cookie: a=b\r\n\r\n{body}",
        body.len()
    )
}

fn redirect(to: &str) -> String {
    format!("HTTP/1.1 302 Found\r\nlocation: {to}\r\nset-cookie: a=b\r\ncontent-length: 0\r\n\r\n")
}

impl Site {
    async fn begin() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let notes = asked.clone();
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(serve(socket, port, notes.clone()));
            }
        });
        Self { port, asked }
    }

    fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    async fn check(&self, path: &str) -> Result<Reading, String> {
        check(&self.url(path), only_here).await
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("no panic").clone()
    }
}

async fn check(url: &str, may: fn(IpAddr) -> bool) -> Result<Reading, String> {
    let bounds = Bounds { bytes: 2_000_000, time: Duration::from_millis(1500), redirects: 5 };
    let question = Question { url: url.into(), words: Words::Excerpt(WORDS.into()) };
    Pages::new(may, bounds).check(&question).await
}

async fn serve(mut socket: TcpStream, port: u16, notes: Arc<Mutex<Vec<String>>>) {
    let mut request = Vec::new();
    let mut buffer = [0; 4096];
    while !request.windows(4).any(|end| end == b"\r\n\r\n") {
        match socket.read(&mut buffer).await {
            Ok(0) | Err(_) => return,
            Ok(count) => request.extend_from_slice(&buffer[..count]),
        }
    }
    let request = String::from_utf8_lossy(&request).into_owned();
    let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
    notes.lock().expect("no panic").push(request);
    let answer = match path.as_str() {
        "/plain" => html("<nav>must be on the same host</nav><p>All must be&nbsp;on the <b>same</b> host.</p>"),
        "/nav" => html("<nav>must be on the same host</nav><p>Nothing else.</p>"),
        "/latin" => {
            let _ = socket
                .write_all(b"HTTP/1.1 200 OK\r\ncontent-type: text/plain; charset=latin1\r\nconnection: close\r\n\r\n")
                .await;
            let _ = socket.write_all(b"caf\xe9: must be on the same host").await;
            return;
        }
        "/sjis" => page("text/html; charset=Shift_JIS", "x"),
        "/pdf" => page("application/pdf", "%PDF"),
        "/image" => page("image/png", "x"),
        "/empty" => html("<script>must be on the same host</script>"),
        "/gone" => "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n".into(),
        "/moved" => redirect("/plain"),
        "/private" => redirect(&format!("http://127.0.0.2:{port}/plain")),
        "/mapped" => redirect(&format!("http://[::ffff:127.0.0.2]:{port}/plain")),
        "/number" => redirect("http://2130706434/plain"),
        "/file" => redirect("file:///etc/passwd"),
        "/loop" => redirect("/loop"),
        "/slow" => {
            let _ = socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\n\r\n<p>must").await;
            std::future::pending::<()>().await;
            return;
        }
        "/silent" => {
            std::future::pending::<()>().await;
            return;
        }
        "/big" => {
            let _ = socket
                .write_all(b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\n\r\n<p>must be on the same host")
                .await;
            let block = "<p>filler text here</p>".repeat(1000);
            // Until the other side has had enough.
            while socket.write_all(block.as_bytes()).await.is_ok() {}
            return;
        }
        _ => "HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n".into(),
    };
    let _ = socket.write_all(answer.as_bytes()).await;
}

#[tokio::test]
async fn the_words_are_looked_for_in_the_text_of_the_page() {
    let site = Site::begin().await;
    let reading = site.check("/plain").await.expect("a page");
    assert_eq!(reading.found.len(), 1);
    assert_eq!((reading.found[0].how, reading.cut), (How::Exactly, None));
    assert_eq!(site.check("/nav").await.expect("a page").found[0].how, How::Not, "a menu is not the page");
    assert_eq!(site.check("/latin").await.expect("a page").found[0].how, How::Exactly);
}

#[tokio::test]
async fn no_key_no_cookie_and_no_referer_go_along() {
    let site = Site::begin().await;
    let url = site.url("/moved").replace("http://", "http://user:secret@");
    let reading = check(&url, only_here).await.expect("a page");
    assert_eq!(reading.url, site.url("/plain"));
    let asked = site.asked();
    assert_eq!(asked.len(), 2, "a redirect is followed");
    for request in asked {
        let request = request.to_lowercase();
        for header in ["authorization", "cookie", "referer", "x-title", "secret"] {
            assert!(!request.contains(header), "{header}: {request}");
        }
    }
}

#[tokio::test]
async fn nothing_private_is_asked_by_whatever_way_one_is_led_there() {
    let site = Site::begin().await;
    for path in ["/private", "/mapped", "/number"] {
        let why = site.check(path).await.expect_err("it is private");
        assert!(why.contains("is not on the public internet"), "{path}: {why}");
    }
    let why = site.check("/file").await.expect_err("no page");
    assert!(why.contains("only http and https"), "{why}");
    assert_eq!(site.asked().len(), 4, "nothing but the first address of each was asked");
    // The program itself asks nothing on this machine, by name or by number.
    for host in ["localhost", "127.0.0.1", "[::1]", "2130706433", "0x7f.1", "[::ffff:7f00:1]"] {
        let why = check(&format!("http://{host}:{}/plain", site.port), is_public).await.expect_err("it is private");
        assert!(why.contains("is not on the public internet"), "{host}: {why}");
    }
    assert_eq!(site.asked().len(), 4);
}

#[tokio::test]
async fn a_page_takes_no_more_than_it_may() {
    let site = Site::begin().await;
    let reading = site.check("/big").await.expect("the beginning of a page");
    assert_eq!((reading.cut, reading.found[0].how), (Some(2), How::Exactly));
    for path in ["/slow", "/silent"] {
        assert_eq!(site.check(path).await.expect_err("too slow"), "the page did not come within 1.5 s", "{path}");
    }
    let why = site.check("/loop").await.expect_err("a loop");
    assert_eq!(why, "it led on to another address more than 5 times");
}

#[tokio::test]
async fn what_cannot_be_read_says_why() {
    let site = Site::begin().await;
    for (path, said) in [
        ("/pdf", "it is a PDF, which ibid cannot read"),
        ("/image", "it is image/png, which ibid cannot read"),
        ("/sjis", "it is written in shift_jis, which ibid cannot read"),
        ("/empty", "there are no words on the page; it may need a browser to show them"),
        ("/gone", "127.0.0.1 said 404 Not Found"),
    ] {
        assert_eq!(site.check(path).await.expect_err(path), said, "{path}");
    }
    let closed = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = closed.local_addr().expect("an address").port();
    drop(closed);
    let why = check(&format!("http://127.0.0.1:{port}/"), only_here).await.expect_err("nobody is there");
    assert_eq!(why, "no connection to 127.0.0.1 could be made");
    for url in ["", "nonsense", "ftp://127.0.0.1/", "javascript:alert(1)", "http://"] {
        assert!(check(url, only_here).await.is_err(), "{url}");
    }
}
