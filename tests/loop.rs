//! The loop with everything round it that is real: the runtime, the database, a server on a socket. Only the terminal
//! is the test's own: keys go into a channel, frames into an emulator.

mod support;

#[cfg(unix)]
#[path = "loop/calls.rs"]
mod calls;
#[allow(dead_code)]
#[path = "requests/rules.rs"]
mod rules;

use std::{
    io::{self, Read as _, Write as _},
    net::TcpListener,
    num::NonZeroU16,
    sync::{Arc, Condvar, Mutex, PoisonError, mpsc as sync},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};
use ibid::{
    app::{Open, Overrides, Start, State},
    chat::{Body, Conversation, End, Message},
    config::{Config, Paths},
    runtime::{
        Files, Runtime,
        servers::{Choice, Servers},
    },
    store::{self, Job, Store},
    tui::{
        self, Desk, Ended, Screen, Terminal,
        input::{Decoded, Decoder},
        os::{Keyboard, Signal, Signals},
    },
    widgets::theme::Colours,
};
use ratatui::layout::Size;
use support::{
    compose::{Response, catalogue},
    fake_server::{FakeServer, Reply},
};
use tempfile::TempDir;
use tokio::sync::mpsc;

const MODEL: &str = "openai/gpt-4.1-mini";
const PATIENCE: Duration = Duration::from_secs(20);

/// What the loop wrote, on an emulated screen.
#[derive(Clone)]
struct Glass(Arc<(Mutex<Seen>, Condvar)>);

struct Seen {
    /// Nothing is taken, as from a terminal that was stopped with Ctrl-S.
    stands_still: bool,
    parser: vt100::Parser,
    bytes: Vec<u8>,
    frames: usize,
}

impl Glass {
    fn new(size: Size) -> Self {
        let cells = |n| NonZeroU16::new(n).expect("a screen has cells");
        let parser = vt100::Parser::new(cells(size.height), cells(size.width), 0);
        Self(Arc::new((Mutex::new(Seen { stands_still: false, parser, bytes: Vec::new(), frames: 0 }), Condvar::new())))
    }

    fn look<T>(&self, at: impl FnOnce(&Seen) -> T) -> T {
        at(&self.0.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn wait_until(&self, what: &str, ready: impl Fn(&Seen) -> bool) {
        let (seen, changed) = &*self.0;
        let seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        let (seen, late) =
            changed.wait_timeout_while(seen, PATIENCE, |seen| !ready(seen)).unwrap_or_else(PoisonError::into_inner);
        assert!(!late.timed_out(), "not seen: {what}\n{}", seen.parser.screen().contents());
    }

    fn stand_still(&self, stands_still: bool) {
        let (seen, changed) = &*self.0;
        seen.lock().unwrap_or_else(PoisonError::into_inner).stands_still = stands_still;
        changed.notify_all();
    }

    fn wait_for(&self, text: &str) {
        self.wait_until(text, |seen| seen.parser.screen().contents().contains(text));
    }
}

impl io::Write for Glass {
    /// A frame is one write.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let (seen, changed) = &*self.0;
        let seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        let mut seen = changed.wait_while(seen, |seen| seen.stands_still).unwrap_or_else(PoisonError::into_inner);
        seen.parser.process(bytes);
        seen.bytes.extend_from_slice(bytes);
        seen.frames += usize::from(bytes.starts_with(b"\x1b[?2026h"));
        self.0.1.notify_all();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A program without its terminal.
struct Ibid {
    glass: Glass,
    keys: mpsc::Sender<Vec<Decoded>>,
    signals: mpsc::Sender<Signal>,
    thread: JoinHandle<Ended>,
    _home: Arc<TempDir>,
}

fn paths(home: &TempDir) -> Paths {
    let below = |folder: &str| home.path().join(folder);
    Paths {
        config: below("config.toml"),
        data_dir: below("data"),
        state_dir: below("state"),
        cache_dir: below("cache"),
    }
}

impl Ibid {
    fn start(home: &Arc<TempDir>, server: &FakeServer) -> Self {
        Self::with(home, server, Desk::default())
    }

    fn with(home: &Arc<TempDir>, server: &FakeServer, desk: Desk) -> Self {
        server.page("/models", Reply::json(200, &catalogue()));
        Self::at(home, server.base_url(), desk)
    }

    fn at(home: &Arc<TempDir>, url: String, desk: Desk) -> Self {
        let size = Size::new(100, 30);
        let glass = Glass::new(size);
        let (keys, reads) = mpsc::channel(64);
        let (paths, out) = (paths(home), glass.clone());
        let (config, _) = Config::load(&paths.config).unwrap();
        let (told, sender) = sync::channel();
        let thread = std::thread::spawn(move || {
            let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            let ended = tokio.block_on(async {
                let signals = Signals::quiet();
                told.send(signals.sender()).unwrap();
                let env = |name: &str| match name {
                    "OPENROUTER_BASE_URL" => Some(url.clone().into()),
                    "OPENROUTER_API_KEY" => Some("sk-or-v1-of-the-tests".into()),
                    _ => None,
                };
                let servers = Servers::find(&config, &paths, &env, &Choice::Config).unwrap();
                let mut state = State::new(Start {
                    config,
                    endpoints: servers.infos(&env),
                    demo: false,
                    seed: 1,
                    time_zone: jiff::tz::TimeZone::UTC,
                    open: Open::New,
                    overrides: Overrides { model: Some(MODEL.into()), ..Overrides::default() },
                    colours: Colours::All,
                    themes: Vec::new(),
                    complaints: Vec::new(),
                    size,
                });
                let screen = Screen::on(out, size);
                let mut terminal = Terminal { screen, keyboard: Keyboard::of(reads), signals, desk };
                let files = Files { database: paths.database(), paths, mcp: None };
                tui::run(&mut terminal, &mut state, |inbox| Ok(Runtime::start(inbox, servers, files))).await.unwrap()
            });
            tokio.shutdown_background();
            ended
        });
        let ibid = Self { glass, keys, signals: sender.recv().unwrap(), thread, _home: home.clone() };
        ibid.glass.wait_for("type a message");
        ibid
    }

    /// One read of the terminal.
    fn send(&self, bytes: &str) {
        let mut decoder = Decoder::default();
        let mut events = decoder.push(bytes.as_bytes());
        events.extend(decoder.flush());
        self.keys.blocking_send(events).unwrap();
    }

    fn press(&self, code: KeyCode, modifiers: KeyModifiers) {
        let event = Event::Key(KeyEvent::new(code, modifiers));
        self.keys.blocking_send(vec![Decoded::Input { event, more: false }]).unwrap();
    }

    fn submit(&self, text: &str) {
        self.send(text);
        self.send("\r");
    }

    fn end(self) -> Ended {
        self.thread.join().expect("the loop does not panic")
    }
}

fn home() -> Arc<TempDir> {
    Arc::new(tempfile::tempdir().unwrap())
}

/// The newest conversation as it is on disk.
fn stored(home: &TempDir) -> Box<Conversation> {
    let (send, replies) = sync::channel();
    let store = Store::open(&paths(home).database(), move |reply| send.send(reply).expect("the test listens"));
    store.send(Job::LoadLatest);
    let conversation = replies.into_iter().find_map(|reply| match reply {
        store::Reply::Loaded(conversation) => Some(conversation),
        store::Reply::NotLoaded { error, .. } | store::Reply::Broken(error) => panic!("{error}"),
        _ => None,
    });
    conversation.expect("the thread answers")
}

fn last(conversation: &Conversation) -> &Message {
    &conversation.messages[conversation.branch.last().expect("it has messages")]
}

#[test]
fn a_prompt_goes_out_its_answer_comes_in_and_both_are_on_disk_after_quitting() {
    let (home, server) = (home(), FakeServer::start());
    server.answer(Reply::stream(Response::by(MODEL).text(&["The first ", "answer."]).completed()));
    let ibid = Ibid::start(&home, &server);
    ibid.submit("a question");
    assert_eq!(server.next_request().body["input"][0]["content"], "a question");
    ibid.glass.wait_for("The first answer.");
    ibid.glass.wait_until("its cost", |seen| seen.parser.screen().contents().contains('$'));
    ibid.send("\x18q");
    assert_eq!(ibid.end(), Ended::Quit);
    let conversation = stored(&home);
    let Body::Answer(answer) = &last(&conversation).body else { panic!("{conversation:?}") };
    assert_eq!((answer.text().as_str(), &answer.end), ("The first answer.", &End::Complete));
}

#[test]
fn escape_closes_the_connection_and_what_came_stays() {
    let (home, server) = (home(), FakeServer::start());
    server.answer(Reply::stream(Response::by(MODEL).half_text(&["Half of it"]).unfinished()).then_hold());
    let ibid = Ibid::start(&home, &server);
    ibid.submit("a question");
    let request = server.next_request();
    ibid.glass.wait_for("Half of it");
    ibid.send("\x1b");
    request.wait_closed();
    ibid.glass.wait_for("Half of it");
    ibid.send("\x18q");
    assert_eq!(ibid.end(), Ended::Quit);
    let conversation = stored(&home);
    let Body::Answer(answer) = &last(&conversation).body else { panic!("{conversation:?}") };
    assert_eq!((answer.text().as_str(), &answer.end), ("Half of it", &End::Stopped));
}

#[test]
fn being_told_to_end_in_mid_stream_keeps_all_that_came() {
    let (home, server) = (home(), FakeServer::start());
    server.answer(Reply::stream(Response::by(MODEL).half_text(&["All of ", "this came"]).unfinished()).then_hold());
    let ibid = Ibid::start(&home, &server);
    ibid.submit("a question");
    ibid.glass.wait_for("All of this came");
    ibid.signals.blocking_send(Signal::End).unwrap();
    assert_eq!(ibid.end(), Ended::Interrupted);
    let conversation = stored(&home);
    let Body::Answer(answer) = &last(&conversation).body else { panic!("{conversation:?}") };
    assert_eq!((answer.text().as_str(), &answer.end), ("All of this came", &End::Interrupted));
}

#[test]
fn a_keyboard_that_is_gone_ends_the_program() {
    let (home, server) = (home(), FakeServer::start());
    let Ibid { keys, thread, .. } = Ibid::start(&home, &server);
    drop(keys);
    assert_eq!(thread.join().unwrap(), Ended::Interrupted);
}

#[test]
fn a_flood_of_deltas_is_at_most_sixty_frames_a_second_and_a_key_is_seen_in_the_midst_of_it() {
    let (home, server) = (home(), FakeServer::start());
    let words: Vec<String> = (0..5_000).map(|n| format!("w{n} ")).collect();
    let deltas: Vec<&str> = words.iter().map(String::as_str).collect();
    let ibid = Ibid::start(&home, &server);
    ibid.submit("a question");
    let begun = Instant::now();
    let before = ibid.glass.look(|seen| seen.frames);
    server.answer(Reply::stream(Response::by(MODEL).text(&deltas).completed()));
    ibid.glass.wait_for("w1 ");
    ibid.send("typed meanwhile");
    ibid.glass.wait_for("typed meanwhile");
    ibid.glass.wait_for("w4999");
    let frames = ibid.glass.look(|seen| seen.frames) - before;
    let most = begun.elapsed().as_millis() / 16 + 4;
    assert!(frames as u128 <= most, "{frames} frames in {:?}", begun.elapsed());
    ibid.glass.wait_for("typed meanwhile");
}

/// Answers every prompt with deltas without end, and tells how many bytes went out before nobody took more.
fn flood() -> (String, sync::Receiver<usize>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("it is bound"));
    let (send, stuck) = sync::channel();
    std::thread::spawn(move || {
        for mut connection in listener.incoming().map_while(Result::ok) {
            let send = send.clone();
            std::thread::spawn(move || {
                let mut head = [0; 4];
                if connection.read_exact(&mut head).is_err() || &head != b"POST" {
                    return;
                }
                connection.set_write_timeout(Some(Duration::from_secs(1))).expect("a second is some time");
                let frames = Response::by(MODEL).half_text(&[&"word ".repeat(200)]).unfinished();
                let mut bytes = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n".to_vec();
                bytes.extend(frames.concat().into_bytes());
                let delta = frames.last().expect("a delta").clone().into_bytes();
                let mut sent = 0;
                while connection.write_all(&bytes).is_ok() {
                    sent += bytes.len();
                    bytes.clone_from(&delta);
                }
                let _ = send.send(sent); // The test may be over.
            });
        }
    });
    (url, stuck)
}

#[test]
fn a_terminal_that_stands_still_stops_the_reader_and_not_the_memory() {
    let (url, stuck) = flood();
    let ibid = Ibid::at(&home(), url, Desk::default());
    ibid.submit("a question");
    ibid.glass.wait_for("word word");
    ibid.glass.stand_still(true);
    let sent = stuck.recv_timeout(PATIENCE).expect("the server is never held up");
    assert!(sent < 48 << 20, "{sent} bytes were taken while nobody could see them");
    ibid.glass.stand_still(false);
    ibid.send("and on");
    ibid.glass.wait_for("and on");
}

#[test]
fn nothing_is_painted_while_nothing_happens() {
    let (home, server) = (home(), FakeServer::start());
    server.answer(Reply::stream(Response::by(MODEL).text(&["Done."]).completed()));
    let ibid = Ibid::start(&home, &server);
    ibid.submit("a question");
    ibid.glass.wait_for("Done.");
    ibid.glass.wait_until("its cost", |seen| seen.parser.screen().contents().contains('$'));
    // Whatever was still due is painted with this key.
    ibid.send("x");
    ibid.glass.wait_for("› x");
    let frames = ibid.glass.look(|seen| seen.frames);
    let quiet = Duration::from_millis(300);
    let (seen, changed) = &*ibid.glass.0;
    let (seen, waited) =
        changed.wait_timeout_while(seen.lock().unwrap(), quiet, |seen| seen.frames <= frames + 1).unwrap();
    assert!(waited.timed_out(), "{} frames in {quiet:?} of nothing", seen.frames - frames);
}

#[test]
fn a_copied_answer_goes_to_the_clipboard_of_the_terminal() {
    let (home, server) = (home(), FakeServer::start());
    server.answer(Reply::stream(Response::by(MODEL).text(&["To be ", "**copied**."]).completed()));
    let ibid = Ibid::start(&home, &server);
    ibid.submit("a question");
    ibid.glass.wait_for("To be copied.");
    ibid.glass.wait_until("its cost", |seen| seen.parser.screen().contents().contains('$'));
    ibid.send("\x18y");
    let sequence = format!("\x1b]52;c;{}\x07", STANDARD.encode("To be **copied**."));
    ibid.glass.wait_until("the sequence", |seen| memchr::memmem::find(&seen.bytes, sequence.as_bytes()).is_some());
}

#[cfg(unix)]
#[test]
fn the_editor_gets_the_draft_and_gives_it_back() {
    let (home, server) = (home(), FakeServer::start());
    let desk = Desk { editor: "printf ', edited' >>".into(), ..Desk::default() };
    let ibid = Ibid::with(&home, &server, desk);
    ibid.send("a draft");
    ibid.glass.wait_for("› a draft");
    ibid.press(KeyCode::Char('g'), KeyModifiers::CONTROL);
    ibid.glass.wait_for("› a draft, edited");
}

#[cfg(unix)]
#[test]
fn an_editor_that_cannot_be_started_leaves_the_draft_and_says_so() {
    let (home, server) = (home(), FakeServer::start());
    let desk = Desk { editor: "/nowhere/ed".into(), ..Desk::default() };
    let ibid = Ibid::with(&home, &server, desk);
    ibid.send("a draft");
    ibid.press(KeyCode::Char('g'), KeyModifiers::CONTROL);
    ibid.glass.wait_for("/nowhere/ed");
    ibid.glass.wait_for("› a draft");
}

#[test]
fn a_new_size_is_taken_and_everything_painted_anew() {
    let (home, server) = (home(), FakeServer::start());
    let ibid = Ibid::start(&home, &server);
    let cells = |n| NonZeroU16::new(n).unwrap();
    {
        let mut seen = ibid.glass.0.0.lock().unwrap();
        seen.parser = vt100::Parser::new(cells(12), cells(50), 0);
    }
    ibid.keys.blocking_send(vec![Decoded::Input { event: Event::Resize(50, 12), more: false }]).unwrap();
    ibid.glass.wait_for("type a message");
    let row = ibid.glass.look(|seen| seen.parser.screen().rows(0, 50).last().unwrap_or_default());
    assert!(row.contains("keys"), "{row:?}");
}
