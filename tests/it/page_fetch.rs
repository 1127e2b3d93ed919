//! Fetching a cited page: what is requested, what is refused, what is truncated, and what is reported.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use ibid::{
    citations::{
        check::{CheckOutcome, CheckQuestion, CheckedPage, SoughtText},
        quote::MatchQuality,
    },
    runtime::pages::{PageFetcher, PageLimits, is_public},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::Barrier,
};

const EXCERPT: &str = "must be on the same host";

/// A site on the loopback interface that answers by path and records its requests.
pub struct TestSite {
    port: u16,
    log: Arc<SiteLog>,
}

/// What a site was asked for and what it sent.
struct SiteLog {
    requests: Mutex<Vec<String>>,
    bytes_sent: AtomicUsize,
    /// Requests that are being answered, and the most of them at a time.
    open: AtomicUsize,
    most_open: AtomicUsize,
    /// Holds the first pages of a crowd back until so many of them are asked for.
    crowd: Barrier,
}

/// How many pages of a crowd are asked for before the first of them is sent.
const CROWD: usize = 8;

/// Allows only 127.0.0.1; the other loopback addresses act as the private network.
pub fn is_test_host(address: IpAddr) -> bool {
    address == IpAddr::V4(Ipv4Addr::LOCALHOST)
}

fn html_response(body: &str) -> String {
    ok_response("text/html; charset=utf-8", body)
}

fn ok_response(kind: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {}\r\nset-cookie: a=b\r\n\r\n{body}",
        body.len()
    )
}

fn redirect(to: &str) -> String {
    format!("HTTP/1.1 302 Found\r\nlocation: {to}\r\nset-cookie: a=b\r\ncontent-length: 0\r\n\r\n")
}

impl TestSite {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let log = Arc::new(SiteLog {
            requests: Mutex::default(),
            bytes_sent: AtomicUsize::new(0),
            open: AtomicUsize::new(0),
            most_open: AtomicUsize::new(0),
            crowd: Barrier::new(CROWD),
        });
        let notes = log.clone();
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(serve(socket, port, notes.clone()));
            }
        });
        Self { port, log }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    async fn check(&self, path: &str) -> Result<CheckedPage, String> {
        check(&self.url(path), is_test_host).await
    }

    pub fn requests(&self) -> Vec<String> {
        self.log.requests.lock().expect("no task panicked").clone()
    }

    pub fn bytes_sent(&self) -> usize {
        self.log.bytes_sent.load(Ordering::Relaxed)
    }

    /// The most requests that were answered at a time.
    pub fn most_open(&self) -> usize {
        self.log.most_open.load(Ordering::Relaxed)
    }
}

async fn check(url: &str, may: fn(IpAddr) -> bool) -> Result<CheckedPage, String> {
    let bounds = PageLimits { max_bytes: 2_000_000, timeout: Duration::from_millis(1500), max_redirects: 5 };
    let texts = vec![SoughtText::Excerpt(EXCERPT.into())];
    let question = CheckQuestion { source: url.into(), texts, claims: Vec::new() };
    match PageFetcher::new(may, bounds).check(vec![question]).await.remove(0) {
        CheckOutcome::Read(page) => Ok(page),
        CheckOutcome::Unread(reason) => Err(reason),
    }
}

/// Counts a request while it is being answered.
struct OpenRequest<'a>(&'a SiteLog);

impl<'a> OpenRequest<'a> {
    fn new(log: &'a SiteLog) -> Self {
        let open = log.open.fetch_add(1, Ordering::Relaxed) + 1;
        log.most_open.fetch_max(open, Ordering::Relaxed);
        Self(log)
    }
}

impl Drop for OpenRequest<'_> {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

async fn serve(mut socket: TcpStream, port: u16, log: Arc<SiteLog>) {
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
    let earlier = {
        let mut requests = log.requests.lock().expect("no task panicked");
        requests.push(request);
        requests.len() - 1
    };
    let open = OpenRequest::new(&log);
    let answer = match path.as_str() {
        "/plain" => {
            html_response("<nav>must be on the same host</nav><p>All must be&nbsp;on the <b>same</b> host.</p>")
        }
        "/nav" => html_response("<nav>must be on the same host</nav><p>Nothing else.</p>"),
        "/latin" => {
            let _ = socket
                .write_all(b"HTTP/1.1 200 OK\r\ncontent-type: text/plain; charset=latin1\r\nconnection: close\r\n\r\n")
                .await;
            let _ = socket.write_all(b"caf\xe9: must be on the same host").await;
            return;
        }
        "/sjis" => ok_response("text/html; charset=Shift_JIS", "x"),
        "/pdf" => ok_response("application/pdf", "%PDF"),
        "/image" => ok_response("image/png", "x"),
        "/empty" => html_response("<script>must be on the same host</script>"),
        "/login" => "HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n".into(),
        "/scripts" => html_response("<div id=app>Loading</div><script>render('must be on the same host')</script>"),
        "/subscribers" => html_response(
            "<script type='application/ld+json'>{\"isAccessibleForFree\": \"False\"}</script><p>All must be. Subscribe to read on.",
        ),
        "/gone" => "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n".into(),
        "/moved" => redirect("/plain"),
        "/similar" => html_response("<h2>Caveats</h2><p>All of it must be on the same hosts, and there is more.</p>"),
        "/wrong" | "/wrong?2" => html_response("<p>Cats sleep most of the day, and nobody knows why.</p>"),
        crowd if crowd.starts_with("/crowd/") => {
            if earlier < CROWD {
                log.crowd.wait().await;
            }
            html_response(&format!("<p>Page {crowd}: all must be on the same host.</p>"))
        }
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
            // Until the client closes the connection.
            while socket.write_all(block.as_bytes()).await.is_ok() {}
            return;
        }
        _ => "HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n".into(),
    };
    log.bytes_sent.fetch_add(answer.len(), Ordering::Relaxed);
    drop(open);
    let _ = socket.write_all(answer.as_bytes()).await;
}

#[tokio::test]
async fn the_excerpt_is_searched_for_in_the_text_of_the_page() {
    let site = TestSite::start().await;
    let reading = site.check("/plain").await.expect("a page");
    assert_eq!(reading.findings.len(), 1);
    assert_eq!((reading.findings[0].found.quality, reading.truncated_at_mb), (MatchQuality::Exact, None));
    assert_eq!(
        site.check("/nav").await.expect("a page").findings[0].found.quality,
        MatchQuality::NotFound,
        "navigation is not part of the text"
    );
    assert_eq!(site.check("/latin").await.expect("a page").findings[0].found.quality, MatchQuality::Exact);
}

#[tokio::test]
async fn no_key_cookie_or_referer_is_sent() {
    let site = TestSite::start().await;
    let url = site.url("/moved").replace("http://", "http://user:secret@");
    let reading = check(&url, is_test_host).await.expect("a page");
    assert_eq!(reading.url, site.url("/plain"));
    let requests = site.requests();
    assert_eq!(requests.len(), 2, "a redirect is followed");
    for request in requests {
        let request = request.to_lowercase();
        for header in ["authorization", "cookie", "referer", "x-title", "secret"] {
            assert!(!request.contains(header), "{header}: {request}");
        }
    }
}

#[tokio::test]
async fn no_private_address_is_ever_requested() {
    let site = TestSite::start().await;
    for path in ["/private", "/mapped", "/number"] {
        let why = site.check(path).await.expect_err("it is private");
        assert!(why.contains("is not on the public internet"), "{path}: {why}");
    }
    let why = site.check("/file").await.expect_err("a file is not a page");
    assert!(why.contains("only http and https"), "{why}");
    assert_eq!(site.requests().len(), 4, "only the first address of each was requested");
    // The program itself fetches nothing from this machine, by name or by number.
    for host in ["localhost", "127.0.0.1", "[::1]", "2130706433", "0x7f.1", "[::ffff:7f00:1]"] {
        let why = check(&format!("http://{host}:{}/plain", site.port), is_public).await.expect_err("it is private");
        assert!(why.contains("is not on the public internet"), "{host}: {why}");
    }
    assert_eq!(site.requests().len(), 4);
}

#[tokio::test]
async fn a_page_is_bounded_in_size_time_and_redirects() {
    let site = TestSite::start().await;
    let reading = site.check("/big").await.expect("the beginning of a page");
    assert_eq!((reading.truncated_at_mb, reading.findings[0].found.quality), (Some(2), MatchQuality::Exact));
    for path in ["/slow", "/silent"] {
        assert_eq!(site.check(path).await.expect_err("too slow"), "the page did not come within 1.5 s", "{path}");
    }
    let why = site.check("/loop").await.expect_err("a loop");
    assert_eq!(why, "it redirected more than 5 times");
}

#[tokio::test]
async fn a_page_that_cannot_be_read_reports_why() {
    let site = TestSite::start().await;
    for (path, reason) in [
        ("/pdf", "it is a PDF, which ibid cannot read"),
        ("/image", "it is image/png, which ibid cannot read"),
        ("/sjis", "it is written in shift_jis, which ibid cannot read"),
        ("/empty", "there is no text on the page; it may need a browser to show it"),
        ("/gone", "127.0.0.1 answered 404 Not Found"),
        ("/login", "127.0.0.1 wants a login (403)"),
        ("/scripts", "the page shows its text only with scripts, which ibid does not run"),
        ("/subscribers", "the page shows only a part of its text without a subscription"),
    ] {
        assert_eq!(site.check(path).await.expect_err(path), reason, "{path}");
    }
    let closed = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = closed.local_addr().expect("an address").port();
    drop(closed);
    let why = check(&format!("http://127.0.0.1:{port}/"), is_test_host).await.expect_err("nothing is listening there");
    assert_eq!(why, "no connection to 127.0.0.1 could be made");
    for url in ["", "nonsense", "ftp://127.0.0.1/", "javascript:alert(1)", "http://"] {
        assert!(check(url, is_test_host).await.is_err(), "{url}");
    }
}
