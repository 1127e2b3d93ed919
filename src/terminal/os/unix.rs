//! Unix: keys from a thread that polls the terminal, signals, stopping and continuing.

use std::{
    collections::VecDeque,
    fs::File,
    io::{self, Read, Write},
    os::{fd::AsFd, unix::net::UnixStream},
    sync::mpsc as sync,
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
    process::{Signal as Number, getpgid, getpgrp, getppid, getsid, kill_current_process_group},
};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::mpsc,
};

use super::{SignalReceiver, SystemSignal};
use crate::{
    config::MouseMode,
    terminal::input::{InputDecoder, TerminalInput},
};

/// Unbuffered: a frame is one write.
pub type TerminalOutput = File;

/// Returns the terminal's file.
///
/// # Errors
/// Standard output is closed.
pub fn terminal_output() -> io::Result<TerminalOutput> {
    Ok(File::from(io::stdout().as_fd().try_clone_to_owned()?))
}

/// Writes without buffers or locks, because a panic may have left them in any state.
///
/// # Errors
/// The terminal is gone.
pub(crate) fn write_to_terminal(bytes: &[u8]) -> io::Result<()> {
    terminal_output()?.write_all(bytes)
}

/// Makes the terminal report pastes, its focus, changes of its colours, keys without ambiguity (1), and which key of a
/// US keyboard each is (4), so that Ctrl-C works on any layout. Then asks which of these flags are in force: where the
/// first is, a lone ESC byte is never the Esc key.
pub const START_REPORTS: &str = "\x1b[?2004h\x1b[?1004h\x1b[?2031h\x1b[>5u\x1b[?u";
/// Stops these reports.
pub const STOP_REPORTS: &str = "\x1b[<1u\x1b[?2031l\x1b[?1004l\x1b[?2004l";
/// Queries the terminal's background colour.
pub const QUERY_BACKGROUND: &str = "\x1b]11;?\x07";

/// Returns the sequence for presses and the wheel, for moves while a button is down, and for decimal coordinates.
/// Moves without a button are not requested.
pub fn mouse_modes(mouse: MouseMode) -> &'static str {
    match mouse {
        MouseMode::On => "\x1b[?1000h\x1b[?1002h\x1b[?1006h",
        MouseMode::Wheel => "\x1b[?1002l\x1b[?1000h\x1b[?1006h",
        MouseMode::Off => "\x1b[?1006l\x1b[?1002l\x1b[?1000l",
    }
}

/// Waits until the terminal has received everything.
pub(crate) fn drain_terminal() {
    let _ = rustix::termios::tcdrain(io::stdout()); // Nothing can be done about it.
}

/// Stops the processes of our group, as the system does when a program does not handle `^Z`. Returns when they are
/// continued or another signal comes; at once if nobody could continue them (the only program of a terminal window).
pub async fn suspend(signals: &mut SignalReceiver) -> SystemSignal {
    // We handle SIGTSTP, so the system no longer stops us for it.
    if !is_shell_job() || kill_current_process_group(Number::STOP).is_err() {
        return SystemSignal::Continued;
    }
    loop {
        match signals.next().await {
            SystemSignal::Resized | SystemSignal::Suspend => (),
            signal => return signal,
        }
    }
}

/// Whether the parent is in the same session but another group: the system's own rule for what SIGTSTP may stop.
fn is_shell_job() -> bool {
    let Some(parent) = getppid() else { return false };
    let is_beside = getpgid(Some(parent)).is_ok_and(|group| group != getpgrp());
    is_beside && getsid(Some(parent)).ok() == getsid(None).ok()
}

/// Forwards the system's signals to a channel, on a thread of its own: the loop may be blocked in a write.
///
/// # Errors
/// The system refuses a handler.
pub(crate) fn listen(send: mpsc::Sender<SystemSignal>) -> io::Result<()> {
    let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let context = tokio.enter();
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut resized = signal(SignalKind::window_change())?;
    let mut stop = signal(SignalKind::from_raw(Number::TSTP.as_raw()))?;
    let mut continued = signal(SignalKind::from_raw(Number::CONT.as_raw()))?;
    drop(context);
    let forward = async move {
        loop {
            let signal = tokio::select! {
                _ = terminate.recv() => SystemSignal::Terminate,
                _ = hang_up.recv() => SystemSignal::Terminate,
                _ = interrupt.recv() => SystemSignal::Interrupt,
                _ = resized.recv() => SystemSignal::Resized,
                _ = stop.recv() => SystemSignal::Suspend,
                _ = continued.recv() => SystemSignal::Continued,
            };
            super::forward_signal(&send, signal).await;
        }
    };
    std::thread::Builder::new().name("signals".into()).spawn(move || tokio.block_on(forward))?;
    Ok(())
}

/// Reads keys on a separate thread, which can be paused to leave them to another program.
pub struct PolledKeyboard {
    reads: mpsc::Receiver<Vec<TerminalInput>>,
    /// Reads received while waiting for the thread to pause.
    read_ahead: VecDeque<Vec<TerminalInput>>,
    thread: Option<KeyboardThread>,
}

struct KeyboardThread {
    commands: UnixStream,
    paused: sync::Receiver<()>,
}

impl PolledKeyboard {
    /// Starts to read standard input.
    ///
    /// # Errors
    /// The system is out of files or threads.
    pub fn start(escape_timeout: Duration) -> io::Result<Self> {
        let (commands, orders) = UnixStream::pair()?;
        let (send, reads) = mpsc::channel(64);
        let (pausing, paused) = sync::channel();
        let reader = KeyboardReader { orders, paused: pausing, send, decoder: InputDecoder::new(escape_timeout) };
        std::thread::Builder::new().name("keyboard".into()).spawn(move || reader.run())?;
        Ok(Self { reads, read_ahead: VecDeque::new(), thread: Some(KeyboardThread { commands, paused }) })
    }

    /// Receives keys that are decoded elsewhere.
    pub fn from_receiver(reads: mpsc::Receiver<Vec<TerminalInput>>) -> Self {
        Self { reads, read_ahead: VecDeque::new(), thread: None }
    }

    /// The events of the next read; `None` when the terminal is gone.
    pub async fn next(&mut self) -> Option<Vec<TerminalInput>> {
        match self.read_ahead.pop_front() {
            Some(read) => Some(read),
            None => self.reads.recv().await,
        }
    }

    /// Whether a key is waiting.
    pub fn has_pending(&self) -> bool {
        !self.read_ahead.is_empty() || !self.reads.is_empty()
    }

    /// Stops reading from the terminal; returns once the thread has paused.
    pub fn pause(&mut self) {
        let Some(thread) = &mut self.thread else { return };
        if thread.commands.write_all(b"p").is_err() {
            return;
        }
        while let Err(sync::RecvTimeoutError::Timeout) = thread.paused.recv_timeout(Duration::from_millis(1)) {
            // The thread may be waiting for room in the channel.
            self.read_ahead.extend(self.reads.try_recv());
        }
    }

    /// Reports that a query was sent to the terminal, so that a reply in two pieces is recognised.
    pub fn on_query_sent(&mut self) {
        if let Some(thread) = &mut self.thread {
            let _ = thread.commands.write_all(b"q"); // If the thread is gone, `reads` is closed.
        }
    }

    pub fn resume(&mut self) {
        if let Some(thread) = &mut self.thread {
            let _ = thread.commands.write_all(b"r"); // If the thread is gone, `reads` is closed.
        }
    }
}

/// The thread's side of a keyboard.
struct KeyboardReader {
    orders: UnixStream,
    paused: sync::Sender<()>,
    send: mpsc::Sender<Vec<TerminalInput>>,
    decoder: InputDecoder,
}

enum ReaderEvent {
    Bytes,
    Order,
    TimedOut,
}

impl KeyboardReader {
    /// Reads until the terminal or the receiver is gone.
    fn run(mut self) {
        loop {
            let events = match self.next_event() {
                Ok(ReaderEvent::Bytes) => match read_available() {
                    Ok(bytes) => self.decoder.push(&bytes, Instant::now()),
                    Err(_) => return,
                },
                Ok(ReaderEvent::TimedOut) => self.decoder.flush(Instant::now()),
                Ok(ReaderEvent::Order) => match self.on_order() {
                    Ok(()) => continue,
                    Err(_) => return,
                },
                Err(_) => return,
            };
            if !events.is_empty() && self.send.blocking_send(events).is_err() {
                return;
            }
        }
    }

    fn next_event(&self) -> io::Result<ReaderEvent> {
        let stdin = io::stdin();
        let mut files = [PollFd::new(&self.orders, PollFlags::IN), PollFd::new(&stdin, PollFlags::IN)];
        loop {
            // Rounded up, so that the deadline has passed when the time is up.
            let remaining = |deadline: Instant| {
                to_timespec(deadline.saturating_duration_since(Instant::now()) + Duration::from_millis(1))
            };
            match poll(&mut files, self.decoder.deadline().map(remaining).as_ref()) {
                Ok(0) => return Ok(ReaderEvent::TimedOut),
                Ok(_) if !files[0].revents().is_empty() => return Ok(ReaderEvent::Order),
                Ok(_) => return Ok(ReaderEvent::Bytes),
                Err(Errno::INTR) => (),
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Carries out an order: to pause until the next order.
    fn on_order(&mut self) -> io::Result<()> {
        let mut order = [0];
        self.orders.read_exact(&mut order)?;
        if order == *b"q" {
            self.decoder.on_query_sent(Instant::now());
        }
        if order == *b"p" {
            let _ = self.paused.send(()); // `pause` waits for this.
            while order != *b"r" {
                self.orders.read_exact(&mut order)?;
            }
            self.decoder.on_terminal_retaken();
        }
        Ok(())
    }
}

fn to_timespec(limit: Duration) -> Timespec {
    Timespec { tv_sec: i64::try_from(limit.as_secs()).unwrap_or(i64::MAX), tv_nsec: limit.subsec_nanos().into() }
}

/// Reads all available bytes, because a terminal delivers a long paste in pieces of 4 kB. Errs at the end of the input.
fn read_available() -> io::Result<Vec<u8>> {
    const MAX_READ_BYTES: usize = 1 << 18;
    let stdin = io::stdin();
    let mut bytes = Vec::new();
    let mut piece = [0; 4096];
    loop {
        match rustix::io::read(&stdin, &mut piece) {
            Ok(0) if bytes.is_empty() => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(0) => return Ok(bytes),
            Ok(n) => bytes.extend_from_slice(&piece[..n]),
            Err(Errno::INTR | Errno::AGAIN) => (),
            Err(error) => return Err(error.into()),
        }
        let mut files = [PollFd::new(&stdin, PollFlags::IN)];
        let nothing = Timespec { tv_sec: 0, tv_nsec: 0 };
        if bytes.len() >= MAX_READ_BYTES || !matches!(poll(&mut files, Some(&nothing)), Ok(1..)) {
            return Ok(bytes);
        }
    }
}
