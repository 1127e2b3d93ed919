//! What differs between operating systems: keys, signals, suspending, and the terminal's file.

#[cfg(not(unix))]
mod other;
#[cfg(unix)]
mod unix;

#[cfg(not(unix))]
use other as system;
#[cfg(not(unix))]
pub use other::ConsoleKeyboard as KeyboardInput;
#[cfg(unix)]
use unix as system;
#[cfg(unix)]
pub use unix::PolledKeyboard as KeyboardInput;

pub use system::{
    QUERY_BACKGROUND, START_REPORTS, STOP_REPORTS, TerminalOutput, mouse_modes, suspend, terminal_output,
};

use std::{
    io,
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
    thread::{self, Thread},
    time::{Duration, Instant},
};

use tokio::sync::mpsc;

use super::input::ESCAPE_TIMEOUT;

/// How long the terminal may take to show what was written last.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(1);

/// How long the program may take to end after it has taken a signal.
const EXIT_GRACE: Duration = Duration::from_secs(4);

/// An event that the system reports to the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SystemSignal {
    /// A request to end (SIGTERM, SIGHUP).
    Terminate,
    /// `^C` where the terminal turns it into a signal (SIGINT).
    Interrupt,
    /// The window was resized.
    Resized,
    /// A request to stop until continued (SIGTSTP).
    Suspend,
    /// Running again after a stop.
    Continued,
    /// One of our threads has panicked, and the terminal was restored to report it.
    Panicked,
}

/// Receives the signals that concern a full-screen program, in the order of their arrival.
pub struct SignalReceiver {
    signals: mpsc::Receiver<SystemSignal>,
    send: mpsc::Sender<SystemSignal>,
}

impl SignalReceiver {
    /// Starts to listen for signals.
    ///
    /// # Errors
    /// The system refuses a handler.
    pub fn listen() -> io::Result<Self> {
        let quiet = Self::without_handlers();
        system::listen(quiet.sender())?;
        Ok(quiet)
    }

    /// Receives only what is sent to `sender`.
    pub fn without_handlers() -> Self {
        let (send, signals) = mpsc::channel(16);
        Self { signals, send }
    }

    pub fn sender(&self) -> mpsc::Sender<SystemSignal> {
        self.send.clone()
    }

    pub async fn next(&mut self) -> SystemSignal {
        self.signals.recv().await.expect("self holds a sender")
    }
}

/// Waits for another thread, but no longer than `until`. The whole thread sleeps, with all of its tasks: what arrives
/// over the network meanwhile is handled together afterwards, because waking for each piece would cost more than the
/// pieces.
pub fn block_until<F: Future>(deadline: Instant, future: F) -> Option<F::Output> {
    struct ThreadWaker(Thread);
    impl Wake for ThreadWaker {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(ThreadWaker(thread::current())));
    let mut what = pin!(tokio::task::unconstrained(future));
    loop {
        if let Poll::Ready(output) = what.as_mut().poll(&mut Context::from_waker(&waker)) {
            return Some(output);
        }
        let remaining = deadline.saturating_duration_since(Instant::now());
        if remaining.is_zero() {
            return None;
        }
        thread::park_timeout(remaining);
    }
}

/// Returns how long a lone ESC may take to become another key; over a network it may arrive in pieces.
pub fn escape_timeout(over_ssh: bool) -> Duration {
    if over_ssh { 2 * ESCAPE_TIMEOUT } else { ESCAPE_TIMEOUT }
}

/// Writes to the terminal and waits until it was sent, at most a second: a stalled terminal does not keep us from ending.
pub fn write_and_drain(bytes: Vec<u8>) {
    let (sender, receiver) = std::sync::mpsc::channel();
    let write = move || {
        // Nobody could handle the error, and nobody may be waiting any more.
        let _ = system::write_to_terminal(&bytes);
        system::drain_terminal();
        let _ = sender.send(());
    };
    if thread::Builder::new().name("last words".into()).spawn(write).is_ok() {
        let _ = receiver.recv_timeout(DRAIN_TIMEOUT);
    }
}

/// Passes a signal on, and ends the program by force if it does not end in time.
#[expect(clippy::disallowed_methods, reason = "the loop does not answer, so it can neither wait nor end the program")]
async fn forward_signal(send: &mpsc::Sender<SystemSignal>, signal: SystemSignal) {
    if signal == SystemSignal::Terminate {
        let loop_signals = send.clone();
        tokio::spawn(async move {
            tokio::time::sleep(DRAIN_TIMEOUT).await;
            // A loop that has not taken its signals by now waits for a terminal that shows nothing.
            if loop_signals.capacity() == loop_signals.max_capacity() {
                tokio::time::sleep(EXIT_GRACE).await;
            }
            super::restore();
            std::process::exit(130);
        });
    }
    let _ = send.send(signal).await; // The program may be ending already.
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_ends_at_its_deadline_or_as_soon_as_another_thread_sends() {
        let (send, mut receive) = mpsc::channel(1);
        assert_eq!(block_until(Instant::now(), receive.recv()), None, "the time is up");
        let sender = thread::spawn(move || send.blocking_send(7));
        let late = Instant::now() + Duration::from_hours(1);
        assert_eq!(block_until(late, receive.recv()), Some(Some(7)));
        sender.join().expect("the thread does not panic").expect("the receiver is alive");
        assert_eq!(block_until(Instant::now(), async { 8 }), Some(8), "a value that is ready is returned in any case");
    }
}
