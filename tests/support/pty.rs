//! The real program in a real pseudo-terminal: keys go in, a screen comes out.
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
//! A wait ends when the screen shows what was waited for; nothing sleeps. After half a minute it fails, and the message
//! holds the screen. What a test sees are whole frames, as a terminal with synchronized output shows them.

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

/// Far more than anything takes, for the machine may be busy with other tests.
const PATIENCE: Duration = Duration::from_secs(30);
const FRAME_BEGINS: &[u8] = b"\x1b[?2026h";
const FRAME_ENDS: &[u8] = b"\x1b[?2026l";

/// The key that `against` configures.
pub const KEY: &str = "sk-or-v1-of-the-tests";

/// A home folder with nothing in it, and gone at the end of the test.
pub struct Home(TempDir);

/// A program about to be started: in a clean environment, in a `Home`.
pub struct Run {
    program: PathBuf,
    args: Vec<OsString>,
    env: Vec<(String, OsString)>,
    folder: PathBuf,
    columns: u16,
    rows: u16,
}

/// A program that runs in a terminal. Killed when dropped.
pub struct Pty {
    seen: Arc<Seen>,
    child: Box<dyn Child + Send + Sync>,
    master: Box<dyn MasterPty + Send>,
    writer: Box<dyn Write + Send>,
}

/// What came out of the terminal so far; the reading thread writes it.
struct Seen {
    output: Mutex<Screen>,
    changed: Condvar,
}

/// The terminal's screen and every byte that made it.
pub struct Screen {
    parser: vt100::Parser,
    /// All that came, in order.
    pub bytes: Vec<u8>,
    /// How many of them are on the screen: half a frame is not.
    shown: usize,
    /// The program has closed its terminal.
    pub closed: bool,
}

impl Home {
    pub fn empty() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
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

    /// Writes the config file.
    pub fn configure(&self, text: &str) {
        let file = self.config_file();
        fs::create_dir_all(file.parent().expect("it has a folder")).expect("a folder for the config");
        fs::write(file, text).expect("the config can be written");
    }
}

impl Run {
    /// `ibid` itself, without a key and without a config.
    pub fn in_home(home: &Home) -> Self {
        Self::program(Path::new(env!("CARGO_BIN_EXE_ibid")), home)
    }

    pub fn program(program: &Path, home: &Home) -> Self {
        let run = Self {
            program: program.into(),
            args: Vec::new(),
            env: Vec::new(),
            folder: home.path().into(),
            columns: 80,
            rows: 24,
        };
        let below = |folder: &str| home.path().join(folder);
        run.env("HOME", home.path())
            .env("XDG_CONFIG_HOME", below("config"))
            .env("XDG_DATA_HOME", below("data"))
            .env("XDG_STATE_HOME", below("state"))
            .env("XDG_CACHE_HOME", below("cache"))
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("TERM", "xterm-256color")
            .env("COLORTERM", "truecolor")
            .env("LANG", "C.UTF-8")
            .env("TZ", "UTC")
    }

    /// With the fake server in the place of OpenRouter, and a key for it.
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

    /// Starts it in a terminal of its own.
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
        let parser = vt100::Parser::new(cells(self.rows), cells(self.columns), 0);
        let screen = Screen { parser, bytes: Vec::new(), shown: 0, closed: false };
        let seen = Arc::new(Seen { output: Mutex::new(screen), changed: Condvar::new() });
        let told = seen.clone();
        thread::spawn(move || read(reader, &told));
        Pty { seen, child, master: pair.master, writer }
    }

    /// Runs it to its end without a terminal, with that on its standard input.
    pub fn output(self, input: &str) -> Output {
        let mut command = Command::new(&self.program);
        command.args(&self.args).env_clear().envs(self.env).current_dir(&self.folder);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let mut stdin = child.stdin.take().expect("it was piped");
        let _left_early = stdin.write_all(input.as_bytes());
        drop(stdin);
        child.wait_with_output().expect("the program ends")
    }
}

impl Pty {
    /// Types text and keys in one go: `"hello<enter>"`, `"<ctrl-x>3"`, `"<shift-tab>"`; `<lt>` is `<` itself.
    pub fn type_keys(&mut self, keys: &str) {
        self.send(&bytes_of(keys));
    }

    /// Sends bytes as a terminal would.
    pub fn send(&mut self, bytes: &[u8]) {
        self.writer.write_all(bytes).and_then(|()| self.writer.flush()).expect("the terminal takes keys");
    }

    /// Pastes as a terminal does that was asked for brackets.
    pub fn paste(&mut self, text: &str) {
        assert!(self.look(|screen| screen.grid().bracketed_paste()), "the program asked for no brackets");
        self.send(format!("\x1b[200~{text}\x1b[201~").as_bytes());
    }

    /// Waits until the screen shows a text.
    #[track_caller]
    pub fn wait_for(&self, text: &str) {
        self.wait_until(&format!("`{text}`"), |screen| screen.contents().contains(text));
    }

    /// Waits until the screen shows a text no more.
    #[track_caller]
    pub fn wait_without(&self, text: &str) {
        self.wait_until(&format!("a screen without `{text}`"), |screen| !screen.contents().contains(text));
    }

    /// Waits until the screen is as `ready` says; `what` is for the message of a failure.
    #[track_caller]
    pub fn wait_until(&self, what: &str, mut ready: impl FnMut(&Screen) -> bool) {
        let output = self.seen.lock();
        let waiting = self.seen.changed.wait_timeout_while(output, PATIENCE, |screen| !ready(screen));
        let (output, outcome) = waiting.unwrap_or_else(PoisonError::into_inner);
        if outcome.timed_out() {
            let screen = output.framed();
            drop(output);
            panic!("no {what} within {PATIENCE:?}:\n{screen}");
        }
    }

    /// Waits until the program has ended and everything that it wrote is here.
    #[track_caller]
    pub fn wait_exit(&mut self) -> ExitStatus {
        self.wait_until("end of the program", |screen| screen.closed);
        self.child.wait().expect("the program can be waited for")
    }

    /// Looks at the screen as it is now.
    pub fn look<T>(&self, at: impl FnOnce(&Screen) -> T) -> T {
        at(&self.seen.lock())
    }

    /// The screen as text: one line a row, without the blanks at their ends.
    pub fn screen(&self) -> String {
        self.look(Screen::contents)
    }

    /// One row, from 0 at the top.
    pub fn row(&self, row: usize) -> String {
        self.screen().lines().nth(row).unwrap_or_default().to_owned()
    }

    /// Column and row of the cursor; `None` while it is hidden.
    pub fn cursor(&self) -> Option<(u16, u16)> {
        self.look(|screen| {
            let (row, column) = screen.grid().cursor_position();
            (!screen.grid().hide_cursor()).then_some((column, row))
        })
    }

    /// Every byte that the program has written.
    pub fn bytes(&self) -> Vec<u8> {
        self.look(|screen| screen.bytes.clone())
    }

    /// The modes of the terminal line (echo, line by line …), to compare them.
    pub fn line_modes(&self) -> String {
        format!("{:?}", self.master.get_termios().expect("the terminal has modes"))
    }

    pub fn resize(&self, columns: u16, rows: u16) {
        self.seen.lock().parser.set_size(cells(rows), cells(columns));
        self.master.resize(pty_size(columns, rows)).expect("the terminal can be resized");
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).expect("the program is there");
    }

    pub fn pid(&self) -> Pid {
        let pid = self.child.process_id().and_then(|pid| i32::try_from(pid).ok());
        pid.and_then(Pid::from_raw).expect("the program has an id")
    }

    /// When the screen shows a text for the first time, measured from `since`.
    #[track_caller]
    pub fn time_to(&self, text: &str, since: Instant) -> Duration {
        self.wait_for(text);
        since.elapsed()
    }
}

impl Drop for Pty {
    fn drop(&mut self) {
        if !self.look(|screen| screen.closed) {
            let _ended_by_now = kill_process(self.pid(), Signal::KILL);
        }
        let _reaped = self.child.wait();
    }
}

impl Screen {
    /// The cells, the cursor and the modes.
    pub fn grid(&self) -> &vt100::Screen {
        self.parser.screen()
    }

    /// One line a row, without the blanks at their ends.
    pub fn contents(&self) -> String {
        let columns = self.grid().size().1.get();
        let rows = self.grid().rows(0, columns).map(|row| row.trim_end().to_owned() + "\n");
        rows.collect()
    }

    fn take(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        let new = &self.bytes[self.shown..];
        let begins = memchr::memmem::rfind(new, FRAME_BEGINS);
        let open = begins.filter(|begins| memchr::memmem::find(&new[*begins..], FRAME_ENDS).is_none());
        let whole = open.unwrap_or(new.len());
        self.parser.process(&new[..whole]);
        self.shown += whole;
    }

    /// For a message: the screen in a frame.
    fn framed(&self) -> String {
        let line = "-".repeat(self.grid().size().1.get().into());
        let end = if self.closed { "the program has closed the terminal" } else { "the program runs" };
        format!("{line}\n{}{line}\n{end}; {} bytes came", self.contents(), self.bytes.len())
    }
}

impl Seen {
    /// A test that failed elsewhere must not hide behind a poisoned lock.
    fn lock(&self) -> MutexGuard<'_, Screen> {
        self.output.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes in what the program writes until it has closed its terminal.
fn read(mut terminal: Box<dyn Read + Send>, seen: &Seen) {
    let mut bytes = [0; 8192];
    while let Ok(count @ 1..) = terminal.read(&mut bytes) {
        seen.lock().take(&bytes[..count]);
        seen.changed.notify_all();
    }
    seen.lock().closed = true;
    seen.changed.notify_all();
}

fn bytes_of(keys: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = keys;
    while let Some((text, behind)) = rest.split_once('<') {
        let (name, behind) = behind.split_once('>').unwrap_or_else(|| panic!("`<` without `>` in {keys:?}"));
        bytes.extend_from_slice(text.as_bytes());
        bytes.extend(key(name));
        rest = behind;
    }
    bytes.extend_from_slice(rest.as_bytes());
    bytes
}

/// What xterm sends for a key.
fn key(name: &str) -> Vec<u8> {
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
                (_, Some(other)) => [b"\x1b", &*bytes_of_one(other)].concat(),
                _ => panic!("no key is called `{name}`"),
            };
        }
    };
    bytes.into()
}

fn bytes_of_one(name: &str) -> Vec<u8> {
    if name.chars().count() == 1 { name.into() } else { key(name) }
}

fn cells(count: u16) -> NonZeroU16 {
    NonZeroU16::new(count).expect("a terminal has cells")
}

fn pty_size(cols: u16, rows: u16) -> PtySize {
    PtySize { rows, cols, pixel_width: 0, pixel_height: 0 }
}
