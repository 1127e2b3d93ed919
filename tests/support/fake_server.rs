//! A server on a loopback port; the test controls every byte it sends.
//!
//! It runs on its own thread, so that both plain tests with a pty and async tests can use it. A test queues replies in
//! advance (`answer`), takes the requests as they arrive (`next_request`) and, if a reply is gated, releases its pieces
//! one by one:
//!
//! ```ignore
//! let server = FakeServer::start();
//! server.answer(Reply::stream(Response::by("openai/gpt-4.1-mini").text(&["Hel", "lo"]).completed()).gated());
//! // … the program under test sends its request to server.base_url() …
//! let request = server.next_request();
//! assert_eq!(request.body["model"], "openai/gpt-4.1-mini");
//! request.release(); // sends one event
//! request.release_all(); // sends the rest and ends the body
//! ```
//!
//! Every wait is limited to ten seconds; after that the test fails and reports what did not happen.

use std::{
    collections::VecDeque,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError, mpsc},
    time::Duration,
};

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::{Notify, mpsc as tokio_mpsc, oneshot},
};

const TIMEOUT: Duration = Duration::from_secs(10);

/// A server that answers `POST …/responses` with the test's replies and `GET …/models` with a small catalogue.
pub struct FakeServer {
    address: SocketAddr,
    shared: Arc<ServerState>,
    requests: Mutex<mpsc::Receiver<ReceivedRequest>>,
    /// Ends the server's thread and closes every connection when dropped.
    _stop: oneshot::Sender<()>,
}

struct ServerState {
    replies: Mutex<VecDeque<FakeReply>>,
    /// Notified when a reply is added.
    reply_added: Notify,
    pages: Mutex<Vec<FakePage>>,
    request_sender: mpsc::Sender<ReceivedRequest>,
    heads: Mutex<Vec<RequestHead>>,
}

/// A reply to requests other than `POST …/responses`.
struct FakePage {
    path_end: String,
    /// The only key that gets the reply; `None` for any request.
    key: Option<String>,
    reply: FakeReply,
}

/// The head of a request.
#[derive(Debug, Clone)]
pub struct RequestHead {
    pub method: String,
    /// Includes the query, if any.
    pub path: String,
    /// In the order sent, with lower-case names.
    pub headers: Vec<(String, String)>,
}

/// A request as it arrived, and the handle that controls its reply.
pub struct ReceivedRequest {
    pub head: RequestHead,
    /// `Null` if the body was empty or not JSON.
    pub body: Value,
    pub bytes: Vec<u8>,
    commands: tokio_mpsc::UnboundedSender<ReplyCommand>,
    closed: mpsc::Receiver<()>,
}

/// The reply to one request.
#[derive(Debug, Clone)]
pub struct FakeReply {
    status: u16,
    headers: Vec<(String, String)>,
    framing: BodyFraming,
    pieces: VecDeque<Vec<u8>>,
    ending: BodyEnding,
    gate: ReplyGate,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum BodyFraming {
    /// One HTTP chunk per piece.
    Chunked,
    /// `Content-Length` gives the length of the body.
    Length,
    /// No length: the body ends with the connection.
    UntilClosed,
    /// Neither a status line nor headers.
    Raw,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum BodyEnding {
    Complete,
    /// The connection is closed in the middle of an HTTP chunk.
    Cut,
    /// Nothing more is sent, and the connection stays open.
    Hold,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum ReplyGate {
    Open,
    /// The head is sent at once, each piece when it is released.
    Pieces,
    /// The first release sends the head.
    Head,
}

enum ReplyCommand {
    /// Sends one piece and reports the outcome.
    ReleaseOne(mpsc::Sender<ReleaseOutcome>),
    ReleaseAll,
    Push(Vec<u8>),
    End(BodyEnding),
}

#[derive(Debug, PartialEq)]
enum ReleaseOutcome {
    Sent,
    NothingLeft,
    ClientGone,
}

impl FakeServer {
    /// Listens on a free loopback port.
    pub fn start() -> Self {
        let (address_known, address) = mpsc::channel();
        let (request_sender, requests) = mpsc::channel();
        let (stop, stopped) = oneshot::channel();
        let shared = Arc::new(ServerState {
            replies: Mutex::default(),
            reply_added: Notify::new(),
            pages: Mutex::default(),
            request_sender,
            heads: Mutex::default(),
        });
        let thread_state = shared.clone();
        std::thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().expect("the runtime starts");
            runtime.block_on(async move {
                let listener = TcpListener::bind("127.0.0.1:0").await.expect("a loopback port is free");
                address_known
                    .send(listener.local_addr().expect("the listener is bound"))
                    .expect("the test waits for the address");
                tokio::select! {
                    () = accept_connections(listener, thread_state) => (),
                    _ = stopped => (),
                }
            });
        });
        let address = address.recv_timeout(TIMEOUT).expect("the fake server did not start");
        Self { address, shared, requests: Mutex::new(requests), _stop: stop }
    }

    /// The base address to configure: `http://127.0.0.1:PORT/api/v1`.
    pub fn base_url(&self) -> String {
        format!("http://{}/api/v1", self.address)
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Queues the reply to the next `POST …/responses`. A request without a reply waits for one.
    pub fn queue_reply(&self, reply: FakeReply) {
        lock(&self.shared.replies).push_back(reply);
        self.shared.reply_added.notify_one();
    }

    /// Sets the reply to other requests whose path ends with `path_end`, such as `/models`; the newest wins.
    pub fn set_page(&self, path_end: &str, reply: FakeReply) {
        let page = FakePage { path_end: path_end.to_owned(), key: None, reply };
        lock(&self.shared.pages).insert(0, page);
    }

    /// Like `set_page`, for requests with this key.
    pub fn set_page_for_key(&self, path_end: &str, key: &str, reply: FakeReply) {
        let page = FakePage { path_end: path_end.to_owned(), key: Some(key.to_owned()), reply };
        lock(&self.shared.pages).insert(0, page);
    }

    /// Waits for the next `POST …/responses`.
    pub fn next_request(&self) -> ReceivedRequest {
        let next = lock(&self.requests).recv_timeout(TIMEOUT);
        next.unwrap_or_else(|_| panic!("no request came within {TIMEOUT:?}; so far: {:#?}", self.request_heads()))
    }

    /// Returns the next `POST …/responses`, if one has arrived already.
    pub fn try_next_request(&self) -> Option<ReceivedRequest> {
        lock(&self.requests).try_recv().ok()
    }

    /// The heads of all requests so far, including those for models and other pages.
    pub fn request_heads(&self) -> Vec<RequestHead> {
        lock(&self.shared.heads).clone()
    }
}

/// A base address at which nothing listens.
pub fn unreachable_url() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a loopback port is free");
    let address = listener.local_addr().expect("the listener is bound");
    drop(listener);
    format!("http://{address}/api/v1")
}

impl FakePage {
    fn answers(&self, path: &str, head: &RequestHead) -> bool {
        let sent = head.header("authorization").and_then(|value| value.strip_prefix("Bearer "));
        path.ends_with(&self.path_end) && self.key.as_deref().is_none_or(|key| sent == Some(key))
    }
}

impl RequestHead {
    /// The value of a header, by its lower-case name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

impl ReceivedRequest {
    /// The value of a header, by its lower-case name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.header(name)
    }

    /// Sends one piece of a gated reply and waits until it is sent. Fails if there is none. After the last piece the
    /// body stays open until `release_all`, `close` or `cut`.
    pub fn release(&self) {
        assert_eq!(self.try_release(), ReleaseOutcome::Sent, "nothing was left to release, or the client was gone");
    }

    /// Sends the next `pieces` pieces, one after the other.
    pub fn release_many(&self, pieces: usize) {
        for _ in 0..pieces {
            self.release();
        }
    }

    /// Sends one piece if there is one and the client is still there.
    pub fn release_if_any(&self) {
        let _gone = self.try_release();
    }

    fn try_release(&self) -> ReleaseOutcome {
        let (answer, left) = mpsc::channel();
        if self.commands.send(ReplyCommand::ReleaseOne(answer)).is_err() {
            return ReleaseOutcome::ClientGone;
        }
        left.recv_timeout(TIMEOUT).unwrap_or(ReleaseOutcome::ClientGone)
    }

    /// Sends the rest and ends the body as the reply specifies.
    pub fn release_all(&self) {
        let _gone = self.commands.send(ReplyCommand::ReleaseAll);
    }

    /// Appends a piece; a gate holds it back too.
    pub fn push(&self, piece: impl Into<Vec<u8>>) {
        let _gone = self.commands.send(ReplyCommand::Push(piece.into()));
    }

    /// Ends the body properly, without the pieces not yet released.
    pub fn close(&self) {
        let _gone = self.commands.send(ReplyCommand::End(BodyEnding::Complete));
    }

    /// Breaks the connection in the middle of an HTTP chunk, without the pieces not yet released.
    pub fn cut(&self) {
        let _gone = self.commands.send(ReplyCommand::End(BodyEnding::Cut));
    }

    /// Waits until the client has closed the connection.
    pub fn wait_closed(&self) {
        let outcome = self.closed.recv_timeout(TIMEOUT);
        assert_ne!(
            outcome,
            Err(mpsc::RecvTimeoutError::Timeout),
            "the client did not close the connection within {TIMEOUT:?}"
        );
    }

    /// Whether the client has closed the connection.
    pub fn is_closed(&self) -> bool {
        self.closed.try_recv() != Err(mpsc::TryRecvError::Empty)
    }
}

impl FakeReply {
    /// An event stream in HTTP chunks, one piece per frame.
    pub fn stream<P: Into<Vec<u8>>>(frames: impl IntoIterator<Item = P>) -> Self {
        Self {
            status: 200,
            headers: vec![
                ("content-type".into(), "text/event-stream".into()),
                ("x-generation-id".into(), "gen-1790000001-FakeServerFakeServer".into()),
            ],
            framing: BodyFraming::Chunked,
            pieces: frames.into_iter().map(Into::into).collect(),
            ending: BodyEnding::Complete,
            gate: ReplyGate::Open,
        }
    }

    /// A JSON body.
    pub fn json(status: u16, body: &Value) -> Self {
        Self::body(status, "application/json", body.to_string())
    }

    /// A body of any content type.
    pub fn body(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status,
            headers: vec![("content-type".into(), content_type.into())],
            framing: BodyFraming::Length,
            pieces: VecDeque::from([body.into()]),
            ending: BodyEnding::Complete,
            gate: ReplyGate::Open,
        }
    }

    /// Exactly these bytes; then the connection is closed.
    pub fn raw(bytes: impl Into<Vec<u8>>) -> Self {
        Self { framing: BodyFraming::Raw, ..Self::body(200, "", bytes) }
    }

    pub fn redirect(status: u16, to: &str) -> Self {
        Self::body(status, "text/plain", "").header("location", to)
    }

    /// Sets a header; an empty value removes it.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(key, _)| !key.eq_ignore_ascii_case(name));
        if !value.is_empty() {
            self.headers.push((name.into(), value.into()));
        }
        self
    }

    /// Holds each piece until it is released; the head is sent at once.
    pub fn gated(self) -> Self {
        Self { gate: ReplyGate::Pieces, ..self }
    }

    /// Holds the head too: the first release sends it.
    pub fn gated_head(self) -> Self {
        Self { gate: ReplyGate::Head, ..self }
    }

    /// Breaks the connection inside an HTTP chunk after the last piece.
    pub fn then_cut(self) -> Self {
        Self { ending: BodyEnding::Cut, ..self }
    }

    /// Sends nothing after the last piece and keeps the connection open.
    pub fn then_hold(self) -> Self {
        Self { ending: BodyEnding::Hold, ..self }
    }

    /// Sends the body without chunks or a length, as in HTTP/1.0.
    pub fn until_closed(self) -> Self {
        Self { framing: BodyFraming::UntilClosed, ..self }
    }

    fn head_bytes(&self) -> Vec<u8> {
        if self.framing == BodyFraming::Raw {
            return Vec::new();
        }
        let mut head = format!("HTTP/1.1 {} Scripted\r\nconnection: close\r\n", self.status);
        for (name, value) in &self.headers {
            head.extend([name, ": ", value, "\r\n"]);
        }
        match self.framing {
            BodyFraming::Chunked => head += "transfer-encoding: chunked\r\n",
            BodyFraming::Length => {
                let length = self.pieces.iter().map(Vec::len).sum::<usize>();
                head.extend(["content-length: ", &length.to_string(), "\r\n"]);
            }
            BodyFraming::UntilClosed | BodyFraming::Raw => (),
        }
        (head + "\r\n").into_bytes()
    }

    fn frame_piece(&self, piece: &[u8]) -> Vec<u8> {
        if self.framing != BodyFraming::Chunked || piece.is_empty() {
            return piece.to_vec();
        }
        [format!("{:x}\r\n", piece.len()).as_bytes(), piece, b"\r\n"].concat()
    }

    fn body_end(&self, end: BodyEnding) -> &'static [u8] {
        match (self.framing, end) {
            (BodyFraming::Chunked, BodyEnding::Complete) => b"0\r\n\r\n",
            (BodyFraming::Chunked, BodyEnding::Cut) => b"ff\r\ndata: {\"type\":\"respo",
            _ => b"",
        }
    }
}

async fn accept_connections(listener: TcpListener, shared: Arc<ServerState>) {
    while let Ok((socket, _)) = listener.accept().await {
        let _ = socket.set_nodelay(true);
        tokio::spawn(serve_connection(socket, shared.clone()));
    }
}

/// Reads one request, answers it and closes the connection.
#[expect(clippy::disallowed_methods, reason = "the test sends only a few commands")]
async fn serve_connection(mut socket: TcpStream, shared: Arc<ServerState>) {
    let Some((head, bytes)) = read_request(&mut socket).await else { return };
    lock(&shared.heads).push(head.clone());
    let (commands, inbox) = tokio_mpsc::unbounded_channel();
    let (closing, closed) = mpsc::channel();
    let path = head.path.split('?').next().unwrap_or_default();
    if head.method == "POST" && path.ends_with("/responses") {
        let body = serde_json::from_slice(&bytes).unwrap_or_default();
        let _test_over = shared.request_sender.send(ReceivedRequest { head, body, bytes, commands, closed });
        let Some(reply) = next_reply(&mut socket, &shared).await else {
            let _test_over = closing.send(());
            return;
        };
        respond(socket, reply, inbox, closing).await;
    } else {
        let page = lock(&shared.pages).iter().find(|page| page.answers(path, &head)).map(|page| page.reply.clone());
        let reply = page.unwrap_or_else(|| {
            if path.ends_with("/models") {
                FakeReply::json(200, &super::compose::catalogue())
            } else {
                FakeReply::body(404, "text/plain", "no such page")
            }
        });
        drop(closed);
        respond(socket, reply, inbox, closing).await;
        drop(commands);
    }
}

/// Waits for the next reply; `None` if the client closes the connection first.
async fn next_reply(socket: &mut TcpStream, shared: &ServerState) -> Option<FakeReply> {
    loop {
        if let Some(reply) = lock(&shared.replies).pop_front() {
            // Another request may be waiting, and another reply may be queued already.
            shared.reply_added.notify_one();
            return Some(reply);
        }
        tokio::select! {
            () = shared.reply_added.notified() => (),
            () = wait_for_close(socket) => return None,
        }
    }
}

async fn respond(
    mut socket: TcpStream,
    mut reply: FakeReply,
    mut inbox: tokio_mpsc::UnboundedReceiver<ReplyCommand>,
    closing: mpsc::Sender<()>,
) {
    let head = reply.head_bytes();
    let mut unsent: VecDeque<Vec<u8>> =
        std::mem::take(&mut reply.pieces).into_iter().map(|piece| reply.frame_piece(&piece)).collect();
    unsent.push_front(head);
    let mut send_allowance = match reply.gate {
        ReplyGate::Open => usize::MAX,
        ReplyGate::Pieces => 1,
        ReplyGate::Head => 0,
    };
    let mut end = reply.ending;
    let mut is_holding = false;
    loop {
        while send_allowance > 0 {
            let Some(piece) = unsent.pop_front() else { break };
            send_allowance = send_allowance.saturating_sub(usize::from(send_allowance != usize::MAX));
            if socket.write_all(&piece).await.is_err() {
                let _test_over = closing.send(());
                return;
            }
        }
        if unsent.is_empty() && !is_holding && (send_allowance == usize::MAX || reply.gate == ReplyGate::Open) {
            if end == BodyEnding::Hold {
                is_holding = true;
            } else {
                break;
            }
        }
        tokio::select! {
            biased;
            () = wait_for_close(&mut socket) => {
                let _test_over = closing.send(());
                return;
            }
            command = inbox.recv() => match command {
                Some(ReplyCommand::ReleaseOne(answer)) => {
                    let released = match unsent.pop_front() {
                        None => ReleaseOutcome::NothingLeft,
                        Some(piece) => match socket.write_all(&piece).await {
                            Ok(()) => ReleaseOutcome::Sent,
                            Err(_) => ReleaseOutcome::ClientGone,
                        },
                    };
                    let _test_over = answer.send(released);
                }
                Some(ReplyCommand::ReleaseAll) => send_allowance = usize::MAX,
                Some(ReplyCommand::Push(piece)) => unsent.push_back(reply.frame_piece(&piece)),
                Some(ReplyCommand::End(ending)) => {
                    end = ending;
                    break;
                }
                // The test has dropped its handle: gated pieces are held until the client closes.
                None => {
                    wait_for_close(&mut socket).await;
                    let _test_over = closing.send(());
                    return;
                }
            },
        }
    }
    let _ = socket.write_all(reply.body_end(end)).await;
    let _ = socket.shutdown().await;
    wait_for_close(&mut socket).await;
    let _test_over = closing.send(());
}

/// Returns when the client has closed the connection; bytes it still sends are discarded.
async fn wait_for_close(socket: &mut TcpStream) {
    let mut rest = [0; 1024];
    while let Ok(count) = socket.read(&mut rest).await {
        if count == 0 {
            break;
        }
    }
}

async fn read_request(socket: &mut TcpStream) -> Option<(RequestHead, Vec<u8>)> {
    let mut bytes = Vec::new();
    let mut chunk = [0; 4096];
    let end = loop {
        if let Some(end) = memchr::memmem::find(&bytes, b"\r\n\r\n") {
            break end;
        }
        match socket.read(&mut chunk).await {
            Ok(0) | Err(_) => return None,
            // The client speaks TLS: answer as any plain HTTP server would.
            Ok(_) if chunk[0] == 0x16 && bytes.is_empty() => {
                let _ = socket.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
                return None;
            }
            Ok(count) => bytes.extend_from_slice(&chunk[..count]),
        }
    };
    let text = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let mut lines = text.split("\r\n");
    let mut first = lines.next()?.split(' ');
    let (method, path) = (first.next()?.to_owned(), first.next()?.to_owned());
    let headers: Vec<_> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let head = RequestHead { method, path, headers };
    let length = head.header("content-length").and_then(|value| value.parse().ok()).unwrap_or(0);
    let mut body = bytes.split_off(end + 4);
    while body.len() < length {
        match socket.read(&mut chunk).await {
            Ok(0) | Err(_) => return None,
            Ok(count) => body.extend_from_slice(&chunk[..count]),
        }
    }
    Some((head, body))
}

/// Locks a mutex, even a poisoned one, which would hide the failure that poisoned it.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
