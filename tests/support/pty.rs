//! Runs the real program in a real pseudo-terminal: keys in, a screen out.
//!
//! ```ignore
//! let home = Home::empty();
//! let server = FakeServer::start();
//! let mut ibid = Run::in_home(&home).against(&server).start();
//! ibid.wait_for("type a message");
//! ibid.type_keys("hello<enter>");
//! server.next_request();
//! ```
//!
//! A wait ends when the screen meets its condition; nothing sleeps. After half a minute it fails with a message that
//! shows the screen. A test only sees whole frames, as on a terminal with synchronized output.

use std::{
    ffi::OsString,
    fs,
    io::{Read, Write},
    num::NonZeroU16,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use portable_pty::{Child, CommandBuilder, ExitStatus, MasterPty, NativePtySystem, PtySize, PtySystem};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use super::fake_server::FakeServer;

/// Far longer than anything takes, because the machine may be busy with other tests.
const TIMEOUT: Duration = Duration::from_secs(30);
const FRAME_BEGINS: &[u8] = b"\x1b[?2026h";
const FRAME_ENDS: &[u8] = b"\x1b[?2026l";

/// The API key that `against` configures.
pub const KEY: &str = "sk-or-v1-of-the-tests";

/// An empty home directory, deleted at the end of the test.
pub struct TestHome(TempDir);

/// A program about to be started in a clean environment and a `Home`.
pub struct ProgramLaunch {
    program: PathBuf,
    args: Vec<OsString>,
    env: Vec<(String, OsString)>,
    folder: PathBuf,
    columns: u16,
    rows: u16,
}

/// A program running in a terminal. Killed when dropped.
pub struct Pty {
    output: Arc<TerminalOutput>,
    child: Box<dyn Child + Send + Sync>,
    master: Box<dyn MasterPty + Send>,
    writer: Box<dyn Write + Send>,
}

/// The terminal's output so far, written by the reader thread.
struct TerminalOutput {
    screen: Mutex<PtyScreen>,
    changed: Condvar,
}

/// The terminal's screen and every byte it was drawn from.
pub struct PtyScreen {
    parser: vt100::Parser,
    /// All bytes received, in order.
    pub bytes: Vec<u8>,
    /// How many of them are on the screen; a partial frame is not.
    shown_bytes: usize,
    /// Whether the program has closed its terminal.
    pub is_closed: bool,
    /// The terminal shows nothing more once it has received these bytes.
    stall_marker: Option<&'static [u8]>,
}

impl TestHome {
    /// A home whose config only says that no port of this machine is asked for models.
    pub fn empty() -> Self {
        let home = Self(tempfile::tempdir().expect("a temporary directory can be created"));
        home.configure("");
        home
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    pub fn config_file(&self) -> PathBuf {
        self.path().join("config/ibid/config.toml")
    }

    pub fn database(&self) -> PathBuf {
        self.path().join("data/ibid/ibid.db")
    }

    /// Writes the config file; no port of this machine is asked for models.
    pub fn configure(&self, text: &str) {
        let file = self.config_file();
        fs::create_dir_all(file.parent().expect("the file has a parent directory"))
            .expect("the config directory can be created");
        fs::write(file, format!("local_ports = []\n{text}")).expect("the config can be written");
    }
}

impl ProgramLaunch {
    /// Prepares `ibid` itself, without a key or a config.
    pub fn in_home(home: &TestHome) -> Self {
        Self::with_program(Path::new(env!("CARGO_BIN_EXE_ibid")), home)
    }

    pub fn with_program(program: &Path, home: &TestHome) -> Self {
        let run = Self {
            program: program.into(),
            args: Vec::new(),
            env: Vec::new(),
            folder: home.path().into(),
            columns: 80,
            rows: 24,
        };
        let subdirectory = |folder: &str| home.path().join(folder);
        run.env("HOME", home.path())
            .env("XDG_CONFIG_HOME", subdirectory("config"))
            .env("XDG_DATA_HOME", subdirectory("data"))
            .env("XDG_STATE_HOME", subdirectory("state"))
            .env("XDG_CACHE_HOME", subdirectory("cache"))
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("TERM", "xterm-256color")
            .env("COLORTERM", "truecolor")
            .env("LANG", "C.UTF-8")
            .env("TZ", "UTC")
    }

    /// Uses the fake server instead of OpenRouter, with a key for it.
    pub fn against(self, server: &FakeServer) -> Self {
        self.env("OPENROUTER_BASE_URL", server.base_url()).env("OPENROUTER_API_KEY", KEY)
    }

    pub fn args<S: Into<OsString>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    pub fn env(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.env.push((name.into(), value.into()));
        self
    }

    pub fn size(self, columns: u16, rows: u16) -> Self {
        Self { columns, rows, ..self }
    }

    /// Starts the program in its own terminal.
    pub fn start(self) -> Pty {
        let size = pty_size(self.columns, self.rows);
        let pair = NativePtySystem::default().openpty(size).expect("the system has a pseudo-terminal");
        let mut command = CommandBuilder::new(&self.program);
        command.args(&self.args);
        command.env_clear();
        for (name, value) in &self.env {
            command.env(name, value);
        }
        command.cwd(&self.folder);
        let reader = pair.master.try_clone_reader().expect("the terminal can be read");
        let writer = pair.master.take_writer().expect("the terminal can be written");
        let child = pair.slave.spawn_command(command).expect("the program starts");
        drop(pair.slave);
        let parser = vt100::Parser::new(nonzero(self.rows), nonzero(self.columns), 0);
        let screen = PtyScreen { parser, bytes: Vec::new(), shown_bytes: 0, is_closed: false, stall_marker: None };
        let output = Arc::new(TerminalOutput { screen: Mutex::new(screen), changed: Condvar::new() });
        let reader_output = output.clone();
        thread::spawn(move || read_output(reader, &reader_output));
        Pty { output, child, master: pair.master, writer }
    }

    /// Runs the program to its end without a terminal, with `input` on its standard input.
    pub fn output(self, input: &str) -> Output {
        self.start_piped(input).wait_with_output().expect("the program ends")
    }

    /// Starts the program without a terminal, with `input` on its standard input.
    #[expect(clippy::disallowed_methods, reason = "a test starts the program itself")]
    pub fn start_piped(self, input: &str) -> std::process::Child {
        let mut command = Command::new(&self.program);
        command.args(&self.args).env_clear().envs(self.env).current_dir(&self.folder);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let mut stdin = child.stdin.take().expect("standard input is piped");
        let _left_early = stdin.write_all(input.as_bytes());
        drop(stdin);
        child
    }
}

impl Pty {
    /// Types text and keys in one write: `"hello<enter>"`, `"<ctrl-x>3"`, `"<shift-tab>"`; `<lt>` is `<` itself.
    pub fn type_keys(&mut self, keys: &str) {
        self.send(&encode_keys(keys));
    }

    /// Sends bytes as a terminal would.
    pub fn send(&mut self, bytes: &[u8]) {
        self.writer.write_all(bytes).and_then(|()| self.writer.flush()).expect("the terminal accepts input");
    }

    /// Sends what a terminal sends, at its pace: texts are written in one go, numbers are pauses in milliseconds.
    pub fn play(&mut self, steps: &serde_json::Value) {
        for step in steps.as_array().expect("the steps are a list") {
            match (step.as_str(), step.as_u64()) {
                (Some(text), _) => self.send(text.as_bytes()),
                (None, Some(pause)) => self.pause(Duration::from_millis(pause)),
                (None, None) => panic!("{step} is neither a text nor a pause"),
            }
        }
    }

    /// Lets a time pass that is part of the input.
    fn pause(&self, pause: Duration) {
        let output = self.output.lock();
        let until = Instant::now() + pause;
        let waiting = self.output.changed.wait_timeout_while(output, pause, |_| Instant::now() < until);
        drop(waiting.unwrap_or_else(PoisonError::into_inner));
    }

    /// Pastes as a terminal in bracketed-paste mode does.
    pub fn paste(&mut self, text: &str) {
        assert!(
            self.with_screen(|screen| screen.grid().bracketed_paste()),
            "the program did not enable bracketed paste"
        );
        self.send(format!("\x1b[200~{text}\x1b[201~").as_bytes());
    }

    /// Waits until the screen shows `text`.
    #[track_caller]
    pub fn wait_for(&self, text: &str) {
        self.wait_until(&format!("`{text}`"), |screen| screen.contents().contains(text));
    }

    /// Waits until the screen no longer shows `text`.
    #[track_caller]
    pub fn wait_until_gone(&self, text: &str) {
        self.wait_until(&format!("a screen without `{text}`"), |screen| !screen.contents().contains(text));
    }

    /// Waits until `ready` accepts the screen; `what` describes the condition in the failure message.
    #[track_caller]
    pub fn wait_until(&self, expected: &str, mut ready: impl FnMut(&PtyScreen) -> bool) {
        let output = self.output.lock();
        let waiting = self.output.changed.wait_timeout_while(output, TIMEOUT, |screen| !ready(screen));
        let (output, outcome) = waiting.unwrap_or_else(PoisonError::into_inner);
        if outcome.timed_out() {
            let screen = output.boxed();
            drop(output);
            panic!("no {expected} within {TIMEOUT:?}:\n{screen}");
        }
    }

    /// Waits until the program has ended and all its output has been read.
    #[track_caller]
    pub fn wait_exit(&mut self) -> ExitStatus {
        self.wait_until("end of the program", |screen| screen.is_closed);
        self.child.wait().expect("the program can be waited for")
    }

    /// Lets the terminal take nothing more as soon as it has received some bytes.
    pub fn stall_at(&self, marker: &'static [u8]) {
        self.output.lock().stall_marker = Some(marker);
    }

    /// Waits until the terminal has stalled.
    #[track_caller]
    pub fn wait_stalled(&self) {
        self.wait_until("stalled terminal", PtyScreen::is_stalled);
    }

    /// Waits until the program has ended, although its terminal is stalled.
    #[track_caller]
    pub fn wait_exit_while_stalled(&mut self) -> ExitStatus {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("the program can be waited for") {
                return status;
            }
            assert!(start.elapsed() < TIMEOUT, "the program did not end within {TIMEOUT:?}");
            thread::park_timeout(Duration::from_millis(5));
        }
    }

    /// Passes the current screen to a closure.
    pub fn with_screen<T>(&self, inspect: impl FnOnce(&PtyScreen) -> T) -> T {
        inspect(&self.output.lock())
    }

    /// The screen as text: one line per row, without trailing spaces.
    pub fn screen(&self) -> String {
        self.with_screen(PtyScreen::contents)
    }

    /// One row, from 0 at the top.
    pub fn row(&self, row: usize) -> String {
        self.screen().lines().nth(row).unwrap_or_default().to_owned()
    }

    /// Column and row of the cursor; `None` while it is hidden.
    pub fn cursor(&self) -> Option<(u16, u16)> {
        self.with_screen(|screen| {
            let (row, column) = screen.grid().cursor_position();
            (!screen.grid().hide_cursor()).then_some((column, row))
        })
    }

    /// Every byte the program has written.
    pub fn bytes(&self) -> Vec<u8> {
        self.with_screen(|screen| screen.bytes.clone())
    }

    /// The terminal's line modes (echo, canonical input …) in a form that can be compared.
    pub fn line_modes(&self) -> String {
        format!("{:?}", self.master.get_termios().expect("the terminal has modes"))
    }

    pub fn resize(&self, columns: u16, rows: u16) {
        self.output.lock().parser.set_size(nonzero(rows), nonzero(columns));
        self.master.resize(pty_size(columns, rows)).expect("the terminal can be resized");
    }

    pub fn send_signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).expect("the program is running");
    }

    pub fn pid(&self) -> Pid {
        let pid = self.child.process_id().and_then(|pid| i32::try_from(pid).ok());
        pid.and_then(Pid::from_raw).expect("the program has an id")
    }

    /// Waits until the screen shows `text` and returns the time since `since`.
    #[track_caller]
    pub fn time_until(&self, text: &str, since: Instant) -> Duration {
        self.wait_for(text);
        since.elapsed()
    }
}

impl Drop for Pty {
    fn drop(&mut self) {
        self.output.lock().stall_marker = None;
        self.output.changed.notify_all();
        if !self.with_screen(|screen| screen.is_closed) {
            let _ended_by_now = kill_process(self.pid(), Signal::KILL);
        }
        let _reaped = self.child.wait();
    }
}

impl PtyScreen {
    fn is_stalled(&self) -> bool {
        self.stall_marker.is_some_and(|marker| memchr::memmem::find(&self.bytes, marker).is_some())
    }

    /// The cells, the cursor and the modes.
    pub fn grid(&self) -> &vt100::Screen {
        self.parser.screen()
    }

    /// The text: one line per row, without trailing spaces.
    pub fn contents(&self) -> String {
        let columns = self.grid().size().1.get();
        let rows = self.grid().rows(0, columns).map(|row| row.trim_end().to_owned() + "\n");
        rows.collect()
    }

    fn push_bytes(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        let new = &self.bytes[self.shown_bytes..];
        let begins = memchr::memmem::rfind(new, FRAME_BEGINS);
        let open = begins.filter(|begins| memchr::memmem::find(&new[*begins..], FRAME_ENDS).is_none());
        let whole = open.unwrap_or(new.len());
        self.parser.process(&new[..whole]);
        self.shown_bytes += whole;
    }

    /// The screen between two rules, for a failure message.
    fn boxed(&self) -> String {
        let line = "-".repeat(self.grid().size().1.get().into());
        let end = if self.is_closed { "the program has closed the terminal" } else { "the program is running" };
        format!("{line}\n{}{line}\n{end}; {} bytes received", self.contents(), self.bytes.len())
    }
}

impl TerminalOutput {
    /// Locks the screen, even after a panic, which a poisoned lock would hide.
    fn lock(&self) -> MutexGuard<'_, PtyScreen> {
        self.screen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads the program's output until it closes its terminal.
fn read_output(mut terminal: Box<dyn Read + Send>, output: &TerminalOutput) {
    let mut bytes = [0; 8192];
    while let Ok(count @ 1..) = terminal.read(&mut bytes) {
        output.lock().push_bytes(&bytes[..count]);
        output.changed.notify_all();
        let waiting = output.changed.wait_while(output.lock(), |screen| screen.is_stalled());
        drop(waiting.unwrap_or_else(PoisonError::into_inner));
    }
    output.lock().is_closed = true;
    output.changed.notify_all();
}

fn encode_keys(keys: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = keys;
    while let Some((text, after)) = rest.split_once('<') {
        let (name, behind) = after.split_once('>').unwrap_or_else(|| panic!("`<` without `>` in {keys:?}"));
        bytes.extend_from_slice(text.as_bytes());
        bytes.extend(encode_key(name));
        rest = behind;
    }
    bytes.extend_from_slice(rest.as_bytes());
    bytes
}

/// The bytes that xterm sends for a key.
fn encode_key(name: &str) -> Vec<u8> {
    let bytes: &[u8] = match name {
        "enter" => b"\r",
        "esc" => b"\x1b",
        "tab" => b"\t",
        "shift-tab" => b"\x1b[Z",
        "backspace" => b"\x7f",
        "delete" => b"\x1b[3~",
        "space" => b" ",
        "up" => b"\x1b[A",
        "down" => b"\x1b[B",
        "right" => b"\x1b[C",
        "left" => b"\x1b[D",
        "home" => b"\x1b[H",
        "end" => b"\x1b[F",
        "ctrl-home" => b"\x1b[1;5H",
        "ctrl-end" => b"\x1b[1;5F",
        "pgup" => b"\x1b[5~",
        "pgdn" => b"\x1b[6~",
        "f2" => b"\x1bOQ",
        "shift-f2" => b"\x1b[1;2Q",
        "lt" => b"<",
        _ => {
            return match (name.strip_prefix("ctrl-"), name.strip_prefix("alt-")) {
                (Some(letter), _) if letter.len() == 1 => vec![letter.as_bytes()[0] & 0x1f],
                (_, Some(other)) => [b"\x1b", &*encode_char_or_key(other)].concat(),
                _ => panic!("no key is named `{name}`"),
            };
        }
    };
    bytes.into()
}

fn encode_char_or_key(name: &str) -> Vec<u8> {
    if name.chars().count() == 1 { name.into() } else { encode_key(name) }
}

fn nonzero(count: u16) -> NonZeroU16 {
    NonZeroU16::new(count).expect("a terminal has at least one cell")
}

fn pty_size(cols: u16, rows: u16) -> PtySize {
    PtySize { rows, cols, pixel_width: 0, pixel_height: 0 }
}
