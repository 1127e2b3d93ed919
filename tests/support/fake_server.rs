//! A server on a loopback port whose every byte is under the test's control.
//!
//! It runs on a thread of its own, so that a plain test with a pty can use it as well as an async one. A test says in
//! advance what is answered (`answer`), takes the requests as they arrive (`next_request`) and, where an answer is
//! gated, lets its pieces out one by one:
//!
//! ```ignore
//! let server = FakeServer::start();
//! server.answer(Reply::stream(Response::by("openai/gpt-4.1-mini").text(&["Hel", "lo"]).completed()).gated());
//! // … the program under test sends its request to server.base_url() …
//! let request = server.next_request();
//! assert_eq!(request.body["model"], "openai/gpt-4.1-mini");
//! request.release(); // one event leaves
//! request.release_all(); // the rest leaves, and the body ends
//! ```
//!
//! Whatever a test waits for is waited for ten seconds at most; then the test fails and says what did not happen.

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

const PATIENCE: Duration = Duration::from_secs(10);

/// A server that answers `POST …/responses` as the test says and `GET …/models` with a small catalogue.
pub struct FakeServer {
    address: SocketAddr,
    shared: Arc<Shared>,
    requests: Mutex<mpsc::Receiver<Request>>,
    /// Dropped with the server: ends its thread and closes every connection.
    _stop: oneshot::Sender<()>,
}

struct Shared {
    replies: Mutex<VecDeque<Reply>>,
    /// Rung when a reply was added.
    added: Notify,
    pages: Mutex<Vec<(String, Reply)>>,
    arrived: mpsc::Sender<Request>,
    log: Mutex<Vec<Head>>,
}

/// What the head of a request said.
#[derive(Debug, Clone)]
pub struct Head {
    pub method: String,
    /// With its query, if there is one.
    pub path: String,
    /// In the order sent, the names in lower case.
    pub headers: Vec<(String, String)>,
}

/// A request as it arrived, and the handle on its answer.
pub struct Request {
    pub head: Head,
    /// `Null` when the body was empty or not JSON.
    pub body: Value,
    pub bytes: Vec<u8>,
    commands: tokio_mpsc::UnboundedSender<Command>,
    closed: mpsc::Receiver<()>,
}

/// What is answered to one request.
#[derive(Debug, Clone)]
pub struct Reply {
    status: u16,
    headers: Vec<(String, String)>,
    framing: Framing,
    pieces: VecDeque<Vec<u8>>,
    end: Ending,
    gate: Gate,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Framing {
    /// One HTTP chunk a piece.
    Chunked,
    /// `Content-Length` says how long the body is.
    Length,
    /// No length: the body ends where the connection does.
    UntilClosed,
    /// No status line and no headers either.
    Raw,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Ending {
    Whole,
    /// The connection is closed in the middle of an HTTP chunk.
    Cut,
    /// Nothing more comes, and the connection stays open.
    Hold,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Gate {
    Open,
    /// The head leaves at once, each piece when it is released.
    Pieces,
    /// The first release lets out the head.
    Head,
}

enum Command {
    /// Lets out one piece; the sender hears whether it left.
    One(mpsc::Sender<Released>),
    All,
    Push(Vec<u8>),
    End(Ending),
}

#[derive(Debug, PartialEq)]
enum Released {
    Left,
    Nothing,
    Gone,
}

impl FakeServer {
    /// Listens on a free loopback port.
    pub fn start() -> Self {
        let (address_known, address) = mpsc::channel();
        let (arrived, requests) = mpsc::channel();
        let (stop, stopped) = oneshot::channel();
        let shared = Arc::new(Shared {
            replies: Mutex::default(),
            added: Notify::new(),
            pages: Mutex::default(),
            arrived,
            log: Mutex::default(),
        });
        let of_thread = shared.clone();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async move {
                let listener = TcpListener::bind("127.0.0.1:0").await.expect("a loopback port");
                address_known.send(listener.local_addr().expect("a bound port")).expect("the test waits for it");
                tokio::select! {
                    () = accept(listener, of_thread) => (),
                    _ = stopped => (),
                }
            });
        });
        let address = address.recv_timeout(PATIENCE).expect("the fake server did not start");
        Self { address, shared, requests: Mutex::new(requests), _stop: stop }
    }

    /// The base address to configure: `http://127.0.0.1:PORT/api/v1`.
    pub fn base_url(&self) -> String {
        format!("http://{}/api/v1", self.address)
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Adds the answer to the next `POST …/responses` that has none yet. A request that finds no answer waits for it.
    pub fn answer(&self, reply: Reply) {
        lock(&self.shared.replies).push_back(reply);
        self.shared.added.notify_one();
    }

    /// What is answered to any other request whose path ends so, such as `/models`; the newest wins.
    pub fn page(&self, path_end: &str, reply: Reply) {
        lock(&self.shared.pages).insert(0, (path_end.to_owned(), reply));
    }

    /// The next `POST …/responses`, waited for.
    pub fn next_request(&self) -> Request {
        let next = lock(&self.requests).recv_timeout(PATIENCE);
        next.unwrap_or_else(|_| panic!("no request came within {PATIENCE:?}; so far: {:#?}", self.heads()))
    }

    /// The next `POST …/responses`, if one has arrived by now.
    pub fn arrived(&self) -> Option<Request> {
        lock(&self.requests).try_recv().ok()
    }

    /// All requests so far, those for models and other pages too.
    pub fn heads(&self) -> Vec<Head> {
        lock(&self.shared.log).clone()
    }
}

/// A base address at which nobody listens.
pub fn dead_url() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a loopback port");
    let address = listener.local_addr().expect("a bound port");
    drop(listener);
    format!("http://{address}/api/v1")
}

impl Head {
    /// The value of a header, by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

impl Request {
    /// The value of a header, by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.header(name)
    }

    /// Lets one piece of a gated answer out and waits until it has left. Fails when there is none. The body
    /// stays open behind the last one until `release_all`, `close` or `cut`.
    pub fn release(&self) {
        assert_eq!(self.try_release(), Released::Left, "nothing was left to release, or the client had gone");
    }

    /// Lets that many pieces out, one after the other.
    pub fn release_many(&self, pieces: usize) {
        for _ in 0..pieces {
            self.release();
        }
    }

    fn try_release(&self) -> Released {
        let (answer, left) = mpsc::channel();
        if self.commands.send(Command::One(answer)).is_err() {
            return Released::Gone;
        }
        left.recv_timeout(PATIENCE).unwrap_or(Released::Gone)
    }

    /// Opens the gate: the rest leaves, and the body ends as its reply says.
    pub fn release_all(&self) {
        let _gone = self.commands.send(Command::All);
    }

    /// Adds a piece behind those that are there; a gate holds it back as well.
    pub fn push(&self, piece: impl Into<Vec<u8>>) {
        let _gone = self.commands.send(Command::Push(piece.into()));
    }

    /// Ends the body properly, whatever was still to be released.
    pub fn close(&self) {
        let _gone = self.commands.send(Command::End(Ending::Whole));
    }

    /// Breaks the connection in the middle of an HTTP chunk, whatever was still to be released.
    pub fn cut(&self) {
        let _gone = self.commands.send(Command::End(Ending::Cut));
    }

    /// Waits until the client has closed the connection.
    pub fn wait_closed(&self) {
        let outcome = self.closed.recv_timeout(PATIENCE);
        assert_ne!(
            outcome,
            Err(mpsc::RecvTimeoutError::Timeout),
            "the client did not close the connection within {PATIENCE:?}"
        );
    }

    /// Whether the client has closed the connection by now.
    pub fn is_closed(&self) -> bool {
        self.closed.try_recv() != Err(mpsc::TryRecvError::Empty)
    }
}

impl Reply {
    /// An event stream: one piece a frame, in HTTP chunks.
    pub fn stream<P: Into<Vec<u8>>>(frames: impl IntoIterator<Item = P>) -> Self {
        Self {
            status: 200,
            headers: vec![
                ("content-type".into(), "text/event-stream".into()),
                ("x-generation-id".into(), "gen-1790000001-FakeServerFakeServer".into()),
            ],
            framing: Framing::Chunked,
            pieces: frames.into_iter().map(Into::into).collect(),
            end: Ending::Whole,
            gate: Gate::Open,
        }
    }

    /// A JSON body with that status.
    pub fn json(status: u16, body: &Value) -> Self {
        Self::body(status, "application/json", body.to_string())
    }

    /// Any body with that status and type.
    pub fn body(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status,
            headers: vec![("content-type".into(), content_type.into())],
            framing: Framing::Length,
            pieces: VecDeque::from([body.into()]),
            end: Ending::Whole,
            gate: Gate::Open,
        }
    }

    /// These bytes and nothing else, then the connection is closed.
    pub fn raw(bytes: impl Into<Vec<u8>>) -> Self {
        Self { framing: Framing::Raw, ..Self::body(200, "", bytes) }
    }

    pub fn redirect(status: u16, to: &str) -> Self {
        Self::body(status, "text/plain", "").header("location", to)
    }

    /// Sets a header; an empty value takes it away.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(key, _)| !key.eq_ignore_ascii_case(name));
        if !value.is_empty() {
            self.headers.push((name.into(), value.into()));
        }
        self
    }

    /// Each piece waits for its release; the head leaves at once.
    pub fn gated(self) -> Self {
        Self { gate: Gate::Pieces, ..self }
    }

    /// The head waits as well: the first release lets it out.
    pub fn gated_head(self) -> Self {
        Self { gate: Gate::Head, ..self }
    }

    /// Behind the last piece the connection breaks inside an HTTP chunk.
    pub fn then_cut(self) -> Self {
        Self { end: Ending::Cut, ..self }
    }

    /// Behind the last piece nothing comes, and the connection stays open.
    pub fn then_hold(self) -> Self {
        Self { end: Ending::Hold, ..self }
    }

    /// The body is sent without chunks or a length, as HTTP/1.0 did.
    pub fn until_closed(self) -> Self {
        Self { framing: Framing::UntilClosed, ..self }
    }

    fn head(&self) -> Vec<u8> {
        if self.framing == Framing::Raw {
            return Vec::new();
        }
        let mut head = format!("HTTP/1.1 {} Scripted\r\nconnection: close\r\n", self.status);
        for (name, value) in &self.headers {
            head.extend([name, ": ", value, "\r\n"]);
        }
        match self.framing {
            Framing::Chunked => head += "transfer-encoding: chunked\r\n",
            Framing::Length => {
                let length = self.pieces.iter().map(Vec::len).sum::<usize>();
                head.extend(["content-length: ", &length.to_string(), "\r\n"]);
            }
            Framing::UntilClosed | Framing::Raw => (),
        }
        (head + "\r\n").into_bytes()
    }

    fn framed(&self, piece: &[u8]) -> Vec<u8> {
        if self.framing != Framing::Chunked || piece.is_empty() {
            return piece.to_vec();
        }
        [format!("{:x}\r\n", piece.len()).as_bytes(), piece, b"\r\n"].concat()
    }

    fn last(&self, end: Ending) -> &'static [u8] {
        match (self.framing, end) {
            (Framing::Chunked, Ending::Whole) => b"0\r\n\r\n",
            (Framing::Chunked, Ending::Cut) => b"ff\r\ndata: {\"type\":\"respo",
            _ => b"",
        }
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((socket, _)) = listener.accept().await {
        let _ = socket.set_nodelay(true);
        tokio::spawn(serve(socket, shared.clone()));
    }
}

/// Reads one request, answers it and closes.
async fn serve(mut socket: TcpStream, shared: Arc<Shared>) {
    let Some((head, bytes)) = read_request(&mut socket).await else { return };
    lock(&shared.log).push(head.clone());
    let (commands, inbox) = tokio_mpsc::unbounded_channel();
    let (closing, closed) = mpsc::channel();
    let path = head.path.split('?').next().unwrap_or_default();
    if head.method == "POST" && path.ends_with("/responses") {
        let body = serde_json::from_slice(&bytes).unwrap_or_default();
        let _test_over = shared.arrived.send(Request { head, body, bytes, commands, closed });
        let Some(reply) = next_reply(&mut socket, &shared).await else {
            let _test_over = closing.send(());
            return;
        };
        respond(socket, reply, inbox, closing).await;
    } else {
        let page = lock(&shared.pages).iter().find(|(end, _)| path.ends_with(end)).map(|(_, reply)| reply.clone());
        let reply = page.unwrap_or_else(|| {
            if path.ends_with("/models") {
                Reply::json(200, &super::compose::catalogue())
            } else {
                Reply::body(404, "text/plain", "no such page")
            }
        });
        drop(closed);
        respond(socket, reply, inbox, closing).await;
        drop(commands);
    }
}

/// The scripted reply; `None` when the client left before there was one.
async fn next_reply(socket: &mut TcpStream, shared: &Shared) -> Option<Reply> {
    loop {
        if let Some(reply) = lock(&shared.replies).pop_front() {
            // Another request may wait for a further reply that is there already.
            shared.added.notify_one();
            return Some(reply);
        }
        tokio::select! {
            () = shared.added.notified() => (),
            () = client_gone(socket) => return None,
        }
    }
}

async fn respond(
    mut socket: TcpStream,
    mut reply: Reply,
    mut inbox: tokio_mpsc::UnboundedReceiver<Command>,
    closing: mpsc::Sender<()>,
) {
    let head = reply.head();
    let mut waiting: VecDeque<Vec<u8>> =
        std::mem::take(&mut reply.pieces).into_iter().map(|piece| reply.framed(&piece)).collect();
    waiting.push_front(head);
    let mut free = match reply.gate {
        Gate::Open => usize::MAX,
        Gate::Pieces => 1,
        Gate::Head => 0,
    };
    let mut end = reply.end;
    let mut silent = false;
    loop {
        while free > 0 {
            let Some(piece) = waiting.pop_front() else { break };
            free = free.saturating_sub(usize::from(free != usize::MAX));
            if socket.write_all(&piece).await.is_err() {
                let _test_over = closing.send(());
                return;
            }
        }
        if waiting.is_empty() && !silent && (free == usize::MAX || reply.gate == Gate::Open) {
            if end == Ending::Hold {
                silent = true;
            } else {
                break;
            }
        }
        tokio::select! {
            biased;
            () = client_gone(&mut socket) => {
                let _test_over = closing.send(());
                return;
            }
            command = inbox.recv() => match command {
                Some(Command::One(answer)) => {
                    let released = match waiting.pop_front() {
                        None => Released::Nothing,
                        Some(piece) => match socket.write_all(&piece).await {
                            Ok(()) => Released::Left,
                            Err(_) => Released::Gone,
                        },
                    };
                    let _test_over = answer.send(released);
                }
                Some(Command::All) => free = usize::MAX,
                Some(Command::Push(piece)) => waiting.push_back(reply.framed(&piece)),
                Some(Command::End(how)) => {
                    end = how;
                    break;
                }
                // The test has dropped its handle: what is gated stays so until the client leaves.
                None => {
                    client_gone(&mut socket).await;
                    let _test_over = closing.send(());
                    return;
                }
            },
        }
    }
    let _ = socket.write_all(reply.last(end)).await;
    let _ = socket.shutdown().await;
    client_gone(&mut socket).await;
    let _test_over = closing.send(());
}

/// Returns when the other side has closed; bytes that it still sends are thrown away.
async fn client_gone(socket: &mut TcpStream) {
    let mut rest = [0; 1024];
    while let Ok(count) = socket.read(&mut rest).await {
        if count == 0 {
            break;
        }
    }
}

async fn read_request(socket: &mut TcpStream) -> Option<(Head, Vec<u8>)> {
    let mut bytes = Vec::new();
    let mut part = [0; 4096];
    let end = loop {
        if let Some(end) = memchr::memmem::find(&bytes, b"\r\n\r\n") {
            break end;
        }
        match socket.read(&mut part).await {
            Ok(0) | Err(_) => return None,
            // Somebody speaks TLS to us: we answer as any plain server would.
            Ok(_) if part[0] == 0x16 && bytes.is_empty() => {
                let _ = socket.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
                return None;
            }
            Ok(count) => bytes.extend_from_slice(&part[..count]),
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
    let head = Head { method, path, headers };
    let length = head.header("content-length").and_then(|value| value.parse().ok()).unwrap_or(0);
    let mut body = bytes.split_off(end + 4);
    while body.len() < length {
        match socket.read(&mut part).await {
            Ok(0) | Err(_) => return None,
            Ok(count) => body.extend_from_slice(&part[..count]),
        }
    }
    Some((head, body))
}

/// A test that failed elsewhere must not hide behind a poisoned lock.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
