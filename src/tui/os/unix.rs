//! Keys from a thread that polls the terminal, signals, stopping and going on.

use std::{
    collections::VecDeque,
    fs::File,
    io::{self, Read, Write},
    os::{fd::AsFd, unix::net::UnixStream},
    sync::mpsc as sync,
    time::Duration,
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

use super::{Signal, Signals};
use crate::tui::input::{Decoded, Decoder, Held};

/// Unbuffered: a frame is one write.
pub type Output = File;

/// # Errors
/// When standard output is closed.
pub fn output() -> io::Result<Output> {
    Ok(File::from(io::stdout().as_fd().try_clone_to_owned()?))
}

/// Past all buffers and locks, for a panic may have left them in any state.
///
/// # Errors
/// When the terminal is gone.
pub fn write_to_terminal(bytes: &[u8]) -> io::Result<()> {
    output()?.write_all(bytes)
}

/// Stops this process and those of its group, as a program does that leaves Ctrl-Z to the system. Returns when they go
/// on, or are told something else; at once where nobody could wake them (a terminal window's only program).
pub async fn suspend(signals: &mut Signals) -> Signal {
    // SIGTSTP is listened to, so the system no longer stops us for it.
    if !is_a_shells_job() || kill_current_process_group(Number::STOP).is_err() {
        return Signal::Continued;
    }
    loop {
        match signals.next().await {
            Signal::Resized | Signal::Stop => (),
            signal => return signal,
        }
    }
}

/// Whether the parent is of the same session and another group: the system's own rule for whom SIGTSTP may stop.
fn is_a_shells_job() -> bool {
    let Some(parent) = getppid() else { return false };
    let is_beside = getpgid(Some(parent)).is_ok_and(|group| group != getpgrp());
    is_beside && getsid(Some(parent)).ok() == getsid(None).ok()
}

/// Tells what the system says, for as long as somebody listens.
///
/// # Errors
/// When the system refuses a handler.
pub(super) fn listen(send: mpsc::Sender<Signal>) -> io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut resized = signal(SignalKind::window_change())?;
    let mut stop = signal(SignalKind::from_raw(Number::TSTP.as_raw()))?;
    let mut continued = signal(SignalKind::from_raw(Number::CONT.as_raw()))?;
    tokio::spawn(async move {
        loop {
            let signal = tokio::select! {
                _ = terminate.recv() => Signal::End,
                _ = hang_up.recv() => Signal::End,
                _ = interrupt.recv() => Signal::Interrupt,
                _ = resized.recv() => Signal::Resized,
                _ = stop.recv() => Signal::Stop,
                _ = continued.recv() => Signal::Continued,
            };
            super::tell(&send, signal).await;
        }
    });
    Ok(())
}

/// The keys, read on a thread of their own that can be told to leave them to another program.
pub struct Keyboard {
    reads: mpsc::Receiver<Vec<Decoded>>,
    /// Taken from `reads` while waiting for the thread to pause.
    early: VecDeque<Vec<Decoded>>,
    thread: Option<Thread>,
}

struct Thread {
    commands: UnixStream,
    paused: sync::Receiver<()>,
}

impl Keyboard {
    /// Reads standard input.
    ///
    /// # Errors
    /// When the system has no more files or threads.
    pub fn start(patience: Duration) -> io::Result<Self> {
        let (commands, orders) = UnixStream::pair()?;
        let (send, reads) = mpsc::channel(64);
        let (pausing, paused) = sync::channel();
        let reader = Reader { orders, pausing, send, decoder: Decoder::default(), patience };
        std::thread::Builder::new().name("keyboard".into()).spawn(move || reader.run())?;
        Ok(Self { reads, early: VecDeque::new(), thread: Some(Thread { commands, paused }) })
    }

    /// Keys that somebody else decodes.
    pub fn of(reads: mpsc::Receiver<Vec<Decoded>>) -> Self {
        Self { reads, early: VecDeque::new(), thread: None }
    }

    /// The events of the next read; `None` when the terminal is gone.
    pub async fn next(&mut self) -> Option<Vec<Decoded>> {
        match self.early.pop_front() {
            Some(read) => Some(read),
            None => self.reads.recv().await,
        }
    }

    /// A key waits to be taken.
    pub fn waits(&self) -> bool {
        !self.early.is_empty() || !self.reads.is_empty()
    }

    /// Returns once nothing is read from the terminal any more.
    pub fn pause(&mut self) {
        let Some(thread) = &mut self.thread else { return };
        if thread.commands.write_all(b"p").is_err() {
            return;
        }
        while let Err(sync::RecvTimeoutError::Timeout) = thread.paused.recv_timeout(Duration::from_millis(1)) {
            // The thread may be waiting for room.
            self.early.extend(self.reads.try_recv());
        }
    }

    pub fn resume(&mut self) {
        if let Some(thread) = &mut self.thread {
            let _ = thread.commands.write_all(b"r"); // A thread that is gone has closed `reads`.
        }
    }
}

/// The thread's side.
struct Reader {
    orders: UnixStream,
    pausing: sync::Sender<()>,
    send: mpsc::Sender<Vec<Decoded>>,
    decoder: Decoder,
    patience: Duration,
}

enum Woken {
    Bytes,
    Order,
    InVain,
}

impl Reader {
    /// Ends when the terminal or the receiver is gone.
    fn run(mut self) {
        loop {
            let events = match self.wait() {
                Ok(Woken::Bytes) => match read_what_is_there() {
                    Ok(bytes) => self.decoder.push(&bytes),
                    Err(_) => return,
                },
                Ok(Woken::InVain) => self.decoder.flush(),
                Ok(Woken::Order) => match self.obey() {
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

    fn wait(&self) -> io::Result<Woken> {
        let limit = match self.decoder.held() {
            Held::Nothing => None,
            Held::Escape => Some(self.patience),
            Held::Part => Some(self.patience * 4),
            Held::Open => Some(Duration::from_secs(1)),
        };
        let limit = limit.map(timespec);
        let stdin = io::stdin();
        let mut files = [PollFd::new(&self.orders, PollFlags::IN), PollFd::new(&stdin, PollFlags::IN)];
        loop {
            match poll(&mut files, limit.as_ref()) {
                Ok(0) => return Ok(Woken::InVain),
                Ok(_) if !files[0].revents().is_empty() => return Ok(Woken::Order),
                Ok(_) => return Ok(Woken::Bytes),
                Err(Errno::INTR) => (),
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Waits until it may read again.
    fn obey(&mut self) -> io::Result<()> {
        let mut order = [0];
        self.orders.read_exact(&mut order)?;
        if order == *b"p" {
            let _ = self.pausing.send(()); // Who asked is waiting.
            while order != *b"r" {
                self.orders.read_exact(&mut order)?;
            }
        }
        Ok(())
    }
}

fn timespec(limit: Duration) -> Timespec {
    Timespec { tv_sec: i64::try_from(limit.as_secs()).unwrap_or(i64::MAX), tv_nsec: limit.subsec_nanos().into() }
}

/// All bytes that wait: a terminal hands out a long paste in pieces of 4 kB. At the end of the input an error.
fn read_what_is_there() -> io::Result<Vec<u8>> {
    const MOST: usize = 1 << 18;
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
        if bytes.len() >= MOST || !matches!(poll(&mut files, Some(&nothing)), Ok(1..)) {
            return Ok(bytes);
        }
    }
}
