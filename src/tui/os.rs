//! What each operating system does its own way: keys, signals, suspending, the terminal's file.

#[cfg(not(unix))]
mod other;
#[cfg(unix)]
mod unix;

#[cfg(not(unix))]
use other as system;
#[cfg(unix)]
use unix as system;

pub use system::{Keyboard, Output, output, suspend, write_to_terminal};

use std::{
    io,
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
    thread::{self, Thread},
    time::{Duration, Instant},
};

use tokio::sync::mpsc;

/// How long the program may take to end once it was told to: a terminal that stands still would hold it for ever.
const GRACE: Duration = Duration::from_secs(5);

/// What the system tells the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// Asked to end from outside (SIGTERM, SIGHUP).
    End,
    /// Ctrl-C where the terminal makes a signal of it (SIGINT).
    Interrupt,
    /// The window has another size.
    Resized,
    /// Asked to stop until somebody says to go on (SIGTSTP).
    Stop,
    /// Running again after a stop.
    Continued,
    /// A thread of ours has panicked, and the terminal was given back to report it.
    Panicked,
}

/// The signals that concern a program with a screen, in the order in which they came.
pub struct Signals {
    signals: mpsc::Receiver<Signal>,
    send: mpsc::Sender<Signal>,
}

impl Signals {
    /// # Errors
    /// When the system refuses a handler.
    pub fn listen() -> io::Result<Self> {
        let quiet = Self::quiet();
        system::listen(quiet.sender())?;
        Ok(quiet)
    }

    /// Only what is sent to `sender`.
    pub fn quiet() -> Self {
        let (send, signals) = mpsc::channel(16);
        Self { signals, send }
    }

    pub fn sender(&self) -> mpsc::Sender<Signal> {
        self.send.clone()
    }

    pub async fn next(&mut self) -> Signal {
        self.signals.recv().await.expect("a sender is kept beside the receiver")
    }
}

/// Waits for something from another thread, and not beyond a time. The whole thread sleeps, with all of its tasks: what
/// comes over the network meanwhile is heard at once afterwards, in one go, where waking for each piece would cost more
/// than the pieces.
pub fn sleep_until<F: Future>(until: Instant, what: F) -> Option<F::Output> {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut what = pin!(tokio::task::unconstrained(what));
    loop {
        if let Poll::Ready(output) = what.as_mut().poll(&mut Context::from_waker(&waker)) {
            return Some(output);
        }
        let rest = until.saturating_duration_since(Instant::now());
        if rest.is_zero() {
            return None;
        }
        thread::park_timeout(rest);
    }
}

/// How long the rest of a key may take: over a network it comes in pieces.
pub fn patience(over_ssh: bool) -> Duration {
    Duration::from_millis(if over_ssh { 100 } else { 25 })
}

/// Passes a signal on. Whoever does not end when told to is ended.
async fn tell(send: &mpsc::Sender<Signal>, signal: Signal) {
    if signal == Signal::End {
        tokio::spawn(async {
            tokio::time::sleep(GRACE).await;
            std::process::exit(130);
        });
    }
    let _ = send.send(signal).await; // Nobody listens on the way out.
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sleep_ends_at_its_time_or_as_soon_as_another_thread_has_something() {
        let (send, mut receive) = mpsc::channel(1);
        assert_eq!(sleep_until(Instant::now(), receive.recv()), None, "the time is over");
        let sender = thread::spawn(move || send.blocking_send(7));
        let late = Instant::now() + Duration::from_hours(1);
        assert_eq!(sleep_until(late, receive.recv()), Some(Some(7)));
        sender.join().expect("it does not panic").expect("somebody listens");
        assert_eq!(sleep_until(Instant::now(), async { 8 }), Some(8), "what is there already is taken in any case");
    }
}
