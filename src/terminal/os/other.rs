//! Systems without Unix signals: crossterm decodes the keys, and suspending is not supported.

use std::{
    io::{self, Stdout, Write},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use crossterm::{
    event::{DisableMouseCapture, EnableMouseCapture, Event, KeyEventKind, poll, read},
    execute,
};
use tokio::sync::mpsc;

use super::{SignalReceiver, SystemSignal};
use crate::{config::MouseMode, terminal::input::TerminalInput};

pub type TerminalOutput = Stdout;

/// Returns the terminal's file.
///
/// # Errors
/// Never.
pub fn terminal_output() -> io::Result<TerminalOutput> {
    Ok(io::stdout())
}

/// Writes to the terminal at once.
///
/// # Errors
/// The terminal is gone.
pub(super) fn write_to_terminal(bytes: &[u8]) -> io::Result<()> {
    let mut out = io::stdout();
    out.write_all(bytes)?;
    out.flush()
}

/// Windows reports keys and focus as records and types the rest: pastes with these reports would come with brackets.
pub const START_REPORTS: &str = "";
pub const STOP_REPORTS: &str = "";
/// Nothing: the reply would be typed into the composer.
pub const QUERY_BACKGROUND: &str = "";

/// Sets the console's mode for the mouse; there is no sequence to send.
pub fn mouse_modes(mouse: MouseMode) -> &'static str {
    let mut out = io::stdout();
    // A console without a mouse is still a console.
    let _ = match mouse {
        MouseMode::On | MouseMode::Wheel => execute!(out, EnableMouseCapture),
        MouseMode::Off => execute!(out, DisableMouseCapture),
    };
    ""
}

/// Does nothing: a write returns when the console has the text.
pub(super) fn drain_terminal() {}

/// Does nothing: there is no job control.
pub async fn suspend(_signals: &mut SignalReceiver) -> SystemSignal {
    SystemSignal::Continued
}

/// Forwards `^C` from outside; there are no other signals.
///
/// # Errors
/// Never.
pub(crate) fn listen(send: mpsc::Sender<SystemSignal>) -> io::Result<()> {
    tokio::spawn(async move {
        while tokio::signal::ctrl_c().await.is_ok() {
            super::forward_signal(&send, SystemSignal::Interrupt).await;
        }
    });
    Ok(())
}

/// Reads keys on a separate thread, which can be paused to leave them to another program.
pub struct ConsoleKeyboard {
    reads: mpsc::Receiver<Vec<TerminalInput>>,
    paused: Arc<AtomicBool>,
}

impl ConsoleKeyboard {
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
    pub fn from_receiver(reads: mpsc::Receiver<Vec<TerminalInput>>) -> Self {
        Self { reads, paused: Arc::default() }
    }

    /// The events of the next read; `None` when the terminal is gone.
    pub async fn next(&mut self) -> Option<Vec<TerminalInput>> {
        self.reads.recv().await
    }

    /// Whether a key is waiting.
    pub fn has_pending(&self) -> bool {
        !self.reads.is_empty()
    }

    /// Stops reading from the terminal within a tenth of a second.
    pub fn pause(&mut self) {
        self.paused.store(true, Ordering::Release);
    }

    /// Does nothing: the system decodes the terminal's replies.
    pub fn on_query_sent(&mut self) {}

    pub fn resume(&mut self) {
        self.paused.store(false, Ordering::Release);
    }
}

fn forward(send: &mpsc::Sender<Vec<TerminalInput>>, paused: &AtomicBool) {
    const STEP: Duration = Duration::from_millis(100);
    loop {
        if paused.load(Ordering::Acquire) {
            #[expect(clippy::disallowed_methods, reason = "there is no event for the end of a pause")]
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
        if send.blocking_send(vec![TerminalInput::Input { event, more }]).is_err() {
            return;
        }
    }
}
