//! Systems without Unix signals: crossterm decodes the keys, and suspending is not supported.

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
use crate::terminal::input::Decoded;

pub type Output = Stdout;

/// Returns the terminal's file.
///
/// # Errors
/// Never.
pub fn output() -> io::Result<Output> {
    Ok(io::stdout())
}

/// Writes to the terminal at once.
///
/// # Errors
/// The terminal is gone.
pub fn write_to_terminal(bytes: &[u8]) -> io::Result<()> {
    let mut out = io::stdout();
    out.write_all(bytes)?;
    out.flush()
}

/// Does nothing: there is no job control.
pub async fn suspend(_signals: &mut Signals) -> Signal {
    Signal::Continued
}

/// Forwards `^C` from outside; there are no other signals.
///
/// # Errors
/// Never.
pub(crate) fn listen(send: mpsc::Sender<Signal>) -> io::Result<()> {
    tokio::spawn(async move {
        while tokio::signal::ctrl_c().await.is_ok() {
            super::tell(&send, Signal::Interrupt).await;
        }
    });
    Ok(())
}

/// Reads keys on a separate thread, which can be paused to leave them to another program.
pub struct Keyboard {
    reads: mpsc::Receiver<Vec<Decoded>>,
    paused: Arc<AtomicBool>,
}

impl Keyboard {
    /// Starts to read the keyboard.
    ///
    /// # Errors
    /// The system is out of threads.
    pub fn start(_patience: Duration) -> io::Result<Self> {
        let (send, reads) = mpsc::channel(64);
        let paused = Arc::new(AtomicBool::new(false));
        let pause = paused.clone();
        std::thread::Builder::new().name("keyboard".into()).spawn(move || forward(&send, &pause))?;
        Ok(Self { reads, paused })
    }

    /// Receives keys that are decoded elsewhere.
    pub fn of(reads: mpsc::Receiver<Vec<Decoded>>) -> Self {
        Self { reads, paused: Arc::default() }
    }

    /// The events of the next read; `None` when the terminal is gone.
    pub async fn next(&mut self) -> Option<Vec<Decoded>> {
        self.reads.recv().await
    }

    /// Whether a key is waiting.
    pub fn waits(&self) -> bool {
        !self.reads.is_empty()
    }

    /// Stops reading from the terminal within a tenth of a second.
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
