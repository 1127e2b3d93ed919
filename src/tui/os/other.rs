//! Systems without signals: keys come decoded, and there is no suspending.

use std::{
    io::{self, Stdout, Write},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use crossterm::event::{Event, KeyEventKind, poll, read};
use tokio::sync::mpsc;

use super::{Signal, Signals};
use crate::tui::input::Decoded;

pub type Output = Stdout;

/// # Errors
/// Never.
pub fn output() -> io::Result<Output> {
    Ok(io::stdout())
}

/// # Errors
/// When the terminal is gone.
pub fn write_to_terminal(bytes: &[u8]) -> io::Result<()> {
    let mut out = io::stdout();
    out.write_all(bytes)?;
    out.flush()
}

/// There is nothing to stop into.
pub async fn suspend(_signals: &mut Signals) -> Signal {
    Signal::Continued
}

/// Tells of Ctrl-C from outside, and no other.
///
/// # Errors
/// Never.
pub(super) fn listen(send: mpsc::Sender<Signal>) -> io::Result<()> {
    tokio::spawn(async move {
        while tokio::signal::ctrl_c().await.is_ok() {
            super::tell(&send, Signal::Interrupt).await;
        }
    });
    Ok(())
}

/// The keys, read on a thread of their own that can be told to leave them to another program.
pub struct Keyboard {
    reads: mpsc::Receiver<Vec<Decoded>>,
    paused: Arc<AtomicBool>,
}

impl Keyboard {
    /// # Errors
    /// When the system has no more threads.
    pub fn start(_patience: Duration) -> io::Result<Self> {
        let (send, reads) = mpsc::channel(64);
        let paused = Arc::new(AtomicBool::new(false));
        let pause = paused.clone();
        std::thread::Builder::new().name("keyboard".into()).spawn(move || forward(&send, &pause))?;
        Ok(Self { reads, paused })
    }

    /// Keys that somebody else decodes.
    pub fn of(reads: mpsc::Receiver<Vec<Decoded>>) -> Self {
        Self { reads, paused: Arc::default() }
    }

    /// The events of the next read; `None` when the terminal is gone.
    pub async fn next(&mut self) -> Option<Vec<Decoded>> {
        self.reads.recv().await
    }

    /// A key waits to be taken.
    pub fn waits(&self) -> bool {
        !self.reads.is_empty()
    }

    /// Nothing is read from the terminal any more within a tenth of a second.
    pub fn pause(&mut self) {
        self.paused.store(true, Ordering::Release);
    }

    pub fn resume(&mut self) {
        self.paused.store(false, Ordering::Release);
    }
}

fn forward(send: &mpsc::Sender<Vec<Decoded>>, paused: &AtomicBool) {
    const STEP: Duration = Duration::from_millis(100);
    loop {
        if paused.load(Ordering::Acquire) {
            std::thread::sleep(STEP);
            continue;
        }
        match poll(STEP) {
            Ok(true) => (),
            Ok(false) => continue,
            Err(_) => return,
        }
        let Ok(event) = read() else { return };
        if matches!(&event, Event::Key(key) if key.kind == KeyEventKind::Release) {
            continue;
        }
        let more = poll(Duration::ZERO).unwrap_or(false);
        if send.blocking_send(vec![Decoded::Input { event, more }]).is_err() {
            return;
        }
    }
}
