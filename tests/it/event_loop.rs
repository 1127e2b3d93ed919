//! The event loop with a real runtime, a real database and a server on a socket. Only the terminal is emulated: keys
//! come from a channel, and frames go to an emulator.

#[cfg(unix)]
mod calls;

use std::{
    io::{self, Read as _, Write as _},
    net::TcpListener,
    num::NonZeroU16,
    sync::{Arc, Condvar, Mutex, PoisonError, mpsc as sync},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use crate::support::{
    compose::{ResponseBuilder, catalogue},
    fake_server::{FakeReply, FakeServer},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};
use ibid::{
    chat::{AnswerEnd, Conversation, Message, MessageBody},
    config::{AppPaths, Config},
    render::theme::ColourDepth,
    runtime::{
        EffectRuntime, RuntimeFiles,
        servers::{ApiServers, ServerChoice},
    },
    store::{self, StoreHandle, StoreJob},
    terminal::{
        self, ExitReason, TerminalEnv, TerminalIo, TerminalScreen,
        input::{InputDecoder, TerminalInput},
        os::{KeyboardInput, SignalReceiver, SystemSignal},
    },
    ui::{CliOverrides, InitialConversation, StartOptions, State},
};
use ratatui::layout::Size;
use tempfile::TempDir;
use tokio::sync::mpsc;

const MODEL: &str = "openai/gpt-4.1-mini";
const TIMEOUT: Duration = Duration::from_secs(20);

/// An emulated screen that shows what the loop writes.
#[derive(Clone)]
struct EmulatedScreen(Arc<(Mutex<ScreenState>, Condvar)>);

struct ScreenState {
    /// Writes block, as on a terminal stopped with `^S`.
    is_stalled: bool,
    parser: vt100::Parser,
    bytes: Vec<u8>,
    frames: usize,
}

impl EmulatedScreen {
    fn new(size: Size) -> Self {
        let cells = |n| NonZeroU16::new(n).expect("a screen has cells");
        let parser = vt100::Parser::new(cells(size.height), cells(size.width), 0);
        Self(Arc::new((
            Mutex::new(ScreenState { is_stalled: false, parser, bytes: Vec::new(), frames: 0 }),
            Condvar::new(),
        )))
    }

    fn inspect<T>(&self, read: impl FnOnce(&ScreenState) -> T) -> T {
        read(&self.0.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn wait_until(&self, what: &str, ready: impl Fn(&ScreenState) -> bool) {
        let (seen, changed) = &*self.0;
        let seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        let (seen, timeout) =
            changed.wait_timeout_while(seen, TIMEOUT, |seen| !ready(seen)).unwrap_or_else(PoisonError::into_inner);
        assert!(!timeout.timed_out(), "not seen: {what}\n{}", seen.parser.screen().contents());
    }

    fn set_stalled(&self, is_stalled: bool) {
        let (seen, changed) = &*self.0;
        seen.lock().unwrap_or_else(PoisonError::into_inner).is_stalled = is_stalled;
        changed.notify_all();
    }

    fn wait_for(&self, text: &str) {
        self.wait_until(text, |seen| seen.parser.screen().contents().contains(text));
    }
}

impl io::Write for EmulatedScreen {
    /// Takes each write as one frame.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let (seen, changed) = &*self.0;
        let seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        let mut seen = changed.wait_while(seen, |seen| seen.is_stalled).unwrap_or_else(PoisonError::into_inner);
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

/// The program on its own thread, with an emulated terminal.
struct TestApp {
    screen: EmulatedScreen,
    keys: mpsc::Sender<Vec<TerminalInput>>,
    signals: mpsc::Sender<SystemSignal>,
    thread: JoinHandle<ExitReason>,
    _home: Arc<TempDir>,
}

fn paths(home: &TempDir) -> AppPaths {
    let below = |folder: &str| home.path().join(folder);
    AppPaths {
        config_file: below("config.toml"),
        data_dir: below("data"),
        state_dir: below("state"),
        cache_dir: below("cache"),
    }
}

impl TestApp {
    fn start(home: &Arc<TempDir>, server: &FakeServer) -> Self {
        Self::start_with(home, server, TerminalEnv::default())
    }

    fn start_with(home: &Arc<TempDir>, server: &FakeServer, terminal_env: TerminalEnv) -> Self {
        server.set_page("/models", FakeReply::json(200, &catalogue()));
        Self::start_at(home, server.base_url(), terminal_env)
    }

    fn start_at(home: &Arc<TempDir>, url: String, terminal_env: TerminalEnv) -> Self {
        let size = Size::new(100, 30);
        let emulated = EmulatedScreen::new(size);
        let (keys, key_events) = mpsc::channel(64);
        let (paths, output) = (paths(home), emulated.clone());
        let (config, _) = Config::load(&paths.config_file).unwrap();
        let (handoff, signal_sender) = sync::channel();
        let thread = std::thread::spawn(move || {
            let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            let exit_reason = tokio.block_on(async {
                let signals = SignalReceiver::without_handlers();
                handoff.send(signals.sender()).unwrap();
                let env = |name: &str| match name {
                    "OPENROUTER_BASE_URL" => Some(url.clone().into()),
                    "OPENROUTER_API_KEY" => Some("sk-or-v1-of-the-tests".into()),
                    _ => None,
                };
                let servers = ApiServers::find(&config, &paths, &env, &ServerChoice::Config).unwrap();
                let mut state = State::new(StartOptions {
                    config,
                    endpoints: servers.infos(&env),
                    is_demo: false,
                    seed: 1,
                    time_zone: jiff::tz::TimeZone::UTC,
                    is_temporary: false,
                    initial_conversation: InitialConversation::New,
                    overrides: CliOverrides { model: Some(MODEL.into()), ..CliOverrides::default() },
                    colours: ColourDepth::TrueColour,
                    themes: Vec::new(),
                    complaints: Vec::new(),
                    size,
                });
                let screen = TerminalScreen::with_output(output, size);
                let mut terminal = TerminalIo {
                    screen,
                    keyboard: KeyboardInput::from_receiver(key_events),
                    signals,
                    env: terminal_env,
                };
                let files = RuntimeFiles { database: paths.database_file(), paths, mcp: None };
                terminal::run(&mut terminal, &mut state, |inbox| Ok(EffectRuntime::start(inbox, servers, files)))
                    .await
                    .unwrap()
            });
            tokio.shutdown_background();
            exit_reason
        });
        let ibid = Self { screen: emulated, keys, signals: signal_sender.recv().unwrap(), thread, _home: home.clone() };
        ibid.screen.wait_for("type a message");
        ibid
    }

    /// Delivers bytes to the loop as one read of the terminal.
    fn send(&self, bytes: &str) {
        let mut decoder = InputDecoder::default();
        let now = Instant::now();
        let mut events = decoder.push(bytes.as_bytes(), now);
        events.extend(decoder.flush(now));
        self.keys.blocking_send(events).unwrap();
    }

    #[cfg_attr(not(unix), expect(dead_code, reason = "the tests that use it need Unix"))]
    fn press(&self, code: KeyCode, modifiers: KeyModifiers) {
        let event = Event::Key(KeyEvent::new(code, modifiers));
        self.keys.blocking_send(vec![TerminalInput::Input { event, more: false }]).unwrap();
    }

    fn submit(&self, text: &str) {
        self.send(text);
        self.send("\r");
    }

    fn wait_for_exit(self) -> ExitReason {
        self.thread.join().expect("the loop does not panic")
    }
}

fn temp_home() -> Arc<TempDir> {
    Arc::new(tempfile::tempdir().unwrap())
}

/// Loads the newest conversation from disk.
fn load_newest(home: &TempDir) -> Box<Conversation> {
    let (send, replies) = sync::channel();
    let store =
        StoreHandle::open(&paths(home).database_file(), move |reply| send.send(reply).expect("the receiver is alive"));
    store.send(StoreJob::LoadLatest);
    let conversation = replies.into_iter().find_map(|reply| match reply {
        store::StoreReply::Loaded(conversation) => Some(conversation),
        store::StoreReply::LoadFailed { error, .. } | store::StoreReply::OpenFailed(error) => panic!("{error}"),
        _ => None,
    });
    conversation.expect("the store replies")
}

fn last_message(conversation: &Conversation) -> &Message {
    &conversation.messages[conversation.branch.last().expect("it has messages")]
}

#[test]
fn a_prompt_and_its_answer_are_on_disk_after_quitting() {
    let (home, server) = (temp_home(), FakeServer::start());
    server.queue_reply(FakeReply::stream(ResponseBuilder::new(MODEL).text(&["The first ", "answer."]).completed()));
    let ibid = TestApp::start(&home, &server);
    ibid.submit("a question");
    assert_eq!(server.next_request().body["input"][0]["content"], "a question");
    ibid.screen.wait_for("The first answer.");
    ibid.screen.wait_until("its cost", |seen| seen.parser.screen().contents().contains('$'));
    ibid.send("\x18q");
    assert_eq!(ibid.wait_for_exit(), ExitReason::Quit);
    let conversation = load_newest(&home);
    let MessageBody::Answer(answer) = &last_message(&conversation).body else { panic!("{conversation:?}") };
    assert_eq!((answer.text().as_str(), &answer.end), ("The first answer.", &AnswerEnd::Complete));
}

#[test]
fn escape_closes_the_connection_and_keeps_the_partial_answer() {
    let (home, server) = (temp_home(), FakeServer::start());
    server.queue_reply(
        FakeReply::stream(ResponseBuilder::new(MODEL).unfinished_text(&["Half of it"]).unfinished()).then_hold(),
    );
    let ibid = TestApp::start(&home, &server);
    ibid.submit("a question");
    let request = server.next_request();
    ibid.screen.wait_for("Half of it");
    ibid.send("\x1b");
    request.wait_closed();
    ibid.screen.wait_for("Half of it");
    ibid.send("\x18q");
    assert_eq!(ibid.wait_for_exit(), ExitReason::Quit);
    let conversation = load_newest(&home);
    let MessageBody::Answer(answer) = &last_message(&conversation).body else { panic!("{conversation:?}") };
    assert_eq!((answer.text().as_str(), &answer.end), ("Half of it", &AnswerEnd::Stopped));
}

#[test]
fn a_termination_signal_keeps_the_partial_answer() {
    let (home, server) = (temp_home(), FakeServer::start());
    server.queue_reply(
        FakeReply::stream(ResponseBuilder::new(MODEL).unfinished_text(&["All of ", "this came"]).unfinished())
            .then_hold(),
    );
    let ibid = TestApp::start(&home, &server);
    ibid.submit("a question");
    ibid.screen.wait_for("All of this came");
    ibid.signals.blocking_send(SystemSignal::Terminate).unwrap();
    assert_eq!(ibid.wait_for_exit(), ExitReason::Interrupted);
    let conversation = load_newest(&home);
    let MessageBody::Answer(answer) = &last_message(&conversation).body else { panic!("{conversation:?}") };
    assert_eq!((answer.text().as_str(), &answer.end), ("All of this came", &AnswerEnd::Interrupted));
}

#[test]
fn losing_the_keyboard_ends_the_program() {
    let (home, server) = (temp_home(), FakeServer::start());
    let TestApp { keys, thread, .. } = TestApp::start(&home, &server);
    drop(keys);
    assert_eq!(thread.join().unwrap(), ExitReason::Interrupted);
}

#[test]
fn a_flood_of_deltas_draws_at_most_sixty_frames_a_second_and_keys_still_show() {
    let (home, server) = (temp_home(), FakeServer::start());
    let words: Vec<String> = (0..5_000).map(|n| format!("w{n} ")).collect();
    let deltas: Vec<&str> = words.iter().map(String::as_str).collect();
    let ibid = TestApp::start(&home, &server);
    ibid.submit("a question");
    let started_at = Instant::now();
    let before = ibid.screen.inspect(|seen| seen.frames);
    server.queue_reply(FakeReply::stream(ResponseBuilder::new(MODEL).text(&deltas).completed()));
    // However much has come by the first frame: any word of the flood.
    let is_word = |word: &str| word.strip_prefix('w').is_some_and(|digits| digits.parse::<u32>().is_ok());
    ibid.screen.wait_until("a word", |seen| seen.parser.screen().contents().split_whitespace().any(is_word));
    ibid.send("typed meanwhile");
    ibid.screen.wait_for("typed meanwhile");
    ibid.screen.wait_for("w4999");
    let frames = ibid.screen.inspect(|seen| seen.frames) - before;
    let max_frames = started_at.elapsed().as_millis() / 16 + 4;
    assert!(frames as u128 <= max_frames, "{frames} frames in {:?}", started_at.elapsed());
    ibid.screen.wait_for("typed meanwhile");
}

/// Starts a server that streams deltas forever, and reports how many bytes it sent before a write stalled.
fn endless_server() -> (String, sync::Receiver<usize>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("it is bound"));
    let (send, stalled_at) = sync::channel();
    std::thread::spawn(move || {
        for mut connection in listener.incoming().map_while(Result::ok) {
            let send = send.clone();
            std::thread::spawn(move || {
                let mut head = [0; 4];
                if connection.read_exact(&mut head).is_err() || &head != b"POST" {
                    return;
                }
                connection.set_write_timeout(Some(Duration::from_secs(1))).expect("the timeout is not zero");
                let frames = ResponseBuilder::new(MODEL).unfinished_text(&[&"word ".repeat(200)]).unfinished();
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
    (url, stalled_at)
}

#[test]
fn a_stalled_terminal_stops_reading_from_the_server() {
    let (url, stalled_at) = endless_server();
    let ibid = TestApp::start_at(&temp_home(), url, TerminalEnv::default());
    ibid.submit("a question");
    ibid.screen.wait_for("word word");
    ibid.screen.set_stalled(true);
    let sent = stalled_at.recv_timeout(TIMEOUT).expect("the server is blocked in the end");
    assert!(sent < 48 << 20, "{sent} bytes were accepted while the terminal was stopped");
    ibid.screen.set_stalled(false);
    ibid.send("and on");
    ibid.screen.wait_for("and on");
}

#[test]
fn nothing_is_drawn_while_idle() {
    let (home, server) = (temp_home(), FakeServer::start());
    server.queue_reply(FakeReply::stream(ResponseBuilder::new(MODEL).text(&["Done."]).completed()));
    let ibid = TestApp::start(&home, &server);
    ibid.submit("a question");
    ibid.screen.wait_for("Done.");
    ibid.screen.wait_until("its cost", |seen| seen.parser.screen().contents().contains('$'));
    // This key flushes any frame that was still due.
    ibid.send("x");
    ibid.screen.wait_for("› x");
    let frames = ibid.screen.inspect(|seen| seen.frames);
    let quiet = Duration::from_millis(300);
    let (seen, changed) = &*ibid.screen.0;
    let (seen, waited) =
        changed.wait_timeout_while(seen.lock().unwrap(), quiet, |seen| seen.frames <= frames + 1).unwrap();
    assert!(waited.timed_out(), "{} frames in {quiet:?} without any event", seen.frames - frames);
}

#[test]
fn a_copied_answer_is_sent_to_the_clipboard_of_the_terminal() {
    let (home, server) = (temp_home(), FakeServer::start());
    server.queue_reply(FakeReply::stream(ResponseBuilder::new(MODEL).text(&["To be ", "**copied**."]).completed()));
    let ibid = TestApp::start(&home, &server);
    ibid.submit("a question");
    ibid.screen.wait_for("To be copied.");
    ibid.screen.wait_until("its cost", |seen| seen.parser.screen().contents().contains('$'));
    ibid.send("\x18y");
    let sequence = format!("\x1b]52;c;{}\x07", STANDARD.encode("To be **copied**."));
    ibid.screen.wait_until("the sequence", |seen| memchr::memmem::find(&seen.bytes, sequence.as_bytes()).is_some());
}

#[cfg(unix)]
#[test]
fn the_editor_receives_and_returns_the_draft() {
    let (home, server) = (temp_home(), FakeServer::start());
    let terminal_env = TerminalEnv { editor: "printf ', edited' >>".into(), ..TerminalEnv::default() };
    let ibid = TestApp::start_with(&home, &server, terminal_env);
    ibid.send("a draft");
    ibid.screen.wait_for("› a draft");
    ibid.press(KeyCode::Char('g'), KeyModifiers::CONTROL);
    ibid.screen.wait_for("› a draft, edited");
}

#[cfg(unix)]
#[test]
fn an_editor_that_cannot_start_leaves_the_draft_and_is_reported() {
    let (home, server) = (temp_home(), FakeServer::start());
    let terminal_env = TerminalEnv { editor: "/nowhere/ed".into(), ..TerminalEnv::default() };
    let ibid = TestApp::start_with(&home, &server, terminal_env);
    ibid.send("a draft");
    ibid.press(KeyCode::Char('g'), KeyModifiers::CONTROL);
    ibid.screen.wait_for("/nowhere/ed");
    ibid.screen.wait_for("› a draft");
}

#[test]
fn a_resize_redraws_the_whole_screen() {
    let (home, server) = (temp_home(), FakeServer::start());
    let ibid = TestApp::start(&home, &server);
    let cells = |n| NonZeroU16::new(n).unwrap();
    {
        let mut seen = ibid.screen.0.0.lock().unwrap();
        seen.parser = vt100::Parser::new(cells(12), cells(50), 0);
    }
    ibid.keys.blocking_send(vec![TerminalInput::Input { event: Event::Resize(50, 12), more: false }]).unwrap();
    ibid.screen.wait_for("type a message");
    let row = ibid.screen.inspect(|seen| seen.parser.screen().rows(0, 50).last().unwrap_or_default());
    assert!(row.contains("keys"), "{row:?}");
}
