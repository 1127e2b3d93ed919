//! The reader's clipboard, wherever the program runs: that of the desktop, tmux's, or the terminal's own (OSC 52).

mod desktop;

use std::{
    fmt,
    io::{self, Write},
    process::{Command, Stdio},
    sync::mpsc as sync,
    thread,
    time::{Duration, Instant},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use tokio::sync::mpsc;

use desktop::Desktop;

use crate::processes;

/// What the environment says about ways to a clipboard.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a variable of the environment")]
pub struct Surroundings {
    /// The terminal is on another machine.
    pub remote: bool,
    /// A desktop of this machine can be talked to.
    pub desktop: bool,
    pub tmux: bool,
    /// GNU screen.
    pub screen: bool,
}

/// Where a text goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    Clipboard,
    /// What the middle button pastes.
    Primary,
}

/// A way to a clipboard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    Desktop,
    Tmux,
    Terminal,
}

/// How a copy ended.
#[derive(Debug, PartialEq, Eq)]
pub struct Outcome {
    /// What only the terminal can do.
    pub for_terminal: Option<Vec<u8>>,
    /// The way, in words, or why there was none.
    pub result: Result<String, String>,
}

/// Copies texts, one after the other, on a thread of its own: the desktop may take its time, and what it was given
/// lives as long as that thread.
pub struct Clipboard {
    surroundings: Surroundings,
    /// Started with the first text.
    worker: Option<sync::Sender<(String, Target)>>,
    send: mpsc::Sender<Outcome>,
    outcomes: mpsc::Receiver<Outcome>,
}

/// How long tmux may take.
const PATIENCE: Duration = Duration::from_secs(2);
/// Some terminals take no longer sequence, in bytes.
const SMALL: usize = 74_994;
/// No terminal is known to take a longer one.
const LARGE: usize = 16 << 20;

impl Surroundings {
    /// From the variables of the environment.
    pub fn find(env: impl Fn(&str) -> Option<String>) -> Self {
        let any = |names: &[&str]| names.iter().any(|name| env(name).is_some_and(|value| !value.is_empty()));
        Self {
            remote: any(&["SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY"]),
            desktop: cfg!(any(windows, target_os = "macos")) || any(&["WAYLAND_DISPLAY", "DISPLAY"]),
            tmux: any(&["TMUX"]),
            screen: any(&["STY"]),
        }
    }

    /// The ways to try, the best first. The terminal's is the last, for it gives no answer.
    pub fn routes(self, target: Target) -> Vec<Route> {
        let desktop = Desktop::AVAILABLE && self.desktop && !self.remote;
        // tmux has no primary selection.
        let tmux = self.tmux && target == Target::Clipboard;
        let ways = [(desktop, Route::Desktop), (tmux, Route::Tmux), (true, Route::Terminal)];
        ways.into_iter().filter(|(there, _)| *there).map(|(_, route)| route).collect()
    }
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Desktop => "desktop",
            Self::Tmux => "tmux",
            Self::Terminal => "OSC 52",
        })
    }
}

impl Clipboard {
    pub fn new(surroundings: Surroundings) -> Self {
        let (send, outcomes) = mpsc::channel(16);
        Self { surroundings, worker: None, send, outcomes }
    }

    /// Begins to copy; how it ends comes by `outcome`.
    pub fn copy(&mut self, text: String, target: Target) {
        let (surroundings, outcomes) = (self.surroundings, self.send.clone());
        let worker = self.worker.get_or_insert_with(|| {
            let (jobs, waiting) = sync::channel();
            let begun = outcomes.clone();
            let work = move || work(surroundings, &waiting, &begun);
            // Without a thread nobody takes the job, which is reported below.
            let _ = thread::Builder::new().name("clipboard".into()).spawn(work);
            jobs
        });
        if worker.send((text, target)).is_err() {
            self.worker = None;
            let result = Err("no thread could be started".into());
            let _ = outcomes.try_send(Outcome { for_terminal: None, result }); // Full: others are told of.
        }
    }

    /// How the next copy ended.
    pub async fn outcome(&mut self) -> Outcome {
        match self.outcomes.recv().await {
            Some(outcome) => outcome,
            None => std::future::pending().await, // Never: `send` is ours.
        }
    }
}

fn work(surroundings: Surroundings, jobs: &sync::Receiver<(String, Target)>, outcomes: &mpsc::Sender<Outcome>) {
    let mut desktop = Desktop::default();
    for (text, target) in jobs {
        if outcomes.blocking_send(copy(surroundings, &text, target, &mut desktop)).is_err() {
            return; // Nobody listens on the way out.
        }
    }
}

/// Takes the first way that works.
fn copy(surroundings: Surroundings, text: &str, target: Target, desktop: &mut Desktop) -> Outcome {
    for route in surroundings.routes(target) {
        let done = match route {
            Route::Desktop => desktop.copy(text, target),
            Route::Tmux => to_tmux(text).is_ok(),
            Route::Terminal => return to_terminal(surroundings, text, target),
        };
        if done {
            return Outcome { for_terminal: None, result: Ok(way(route, target)) };
        }
    }
    to_terminal(surroundings, text, target)
}

fn way(route: Route, target: Target) -> String {
    match target {
        Target::Clipboard => route.to_string(),
        Target::Primary => format!("{route}, primary"),
    }
}

fn to_terminal(surroundings: Surroundings, text: &str, target: Target) -> Outcome {
    let bytes = osc52(surroundings, text, target);
    let way = way(Route::Terminal, target);
    if bytes.len() > LARGE {
        let result = Err(format!("{} MB is more than a terminal takes", bytes.len() >> 20));
        return Outcome { for_terminal: None, result };
    }
    let way = if bytes.len() > SMALL { format!("{way}: long, some terminals take 74 kB only") } else { way };
    Outcome { for_terminal: Some(bytes), result: Ok(way) }
}

/// tmux keeps it in a buffer, and hands it on to its terminal.
fn to_tmux(text: &str) -> io::Result<()> {
    let mut tmux = Command::new("tmux")
        .args(["load-buffer", "-w", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let (written, stdin) = (sync::channel(), tmux.stdin.take());
    let bytes = text.as_bytes().to_vec();
    // A tmux that does not read would hold whoever writes.
    thread::Builder::new().name("tmux".into()).spawn(move || {
        let result = stdin.map_or(Ok(()), |mut stdin| stdin.write_all(&bytes));
        let _ = written.0.send(result); // Nobody waits any more.
    })?;
    let status = processes::wait_until(&mut tmux, Instant::now() + PATIENCE)?;
    if status.success() { written.1.recv().unwrap_or(Ok(())) } else { Err(io::Error::other(status.to_string())) }
}

/// The bytes that put a text on the clipboard of a terminal. tmux takes them for itself or hands them on, as it is
/// configured; screen hands them on in pieces.
fn osc52(surroundings: Surroundings, text: &str, target: Target) -> Vec<u8> {
    /// The longest string that screen takes.
    const PIECE: usize = 512;
    let letter = match target {
        Target::Clipboard => 'c',
        Target::Primary => 'p',
    };
    let set = format!("\x1b]52;{letter};{}\x07", STANDARD.encode(text));
    if surroundings.tmux {
        let escaped = set.replace('\x1b', "\x1b\x1b");
        return format!("{set}\x1bPtmux;{escaped}\x1b\\").into_bytes();
    }
    if surroundings.screen {
        return set.as_bytes().chunks(PIECE).flat_map(|piece| [b"\x1bP", piece, b"\x1b\\"].concat()).collect();
    }
    set.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn surroundings(variables: &[&str]) -> Surroundings {
        Surroundings::find(|name| variables.contains(&name).then(|| "set".to_owned()))
    }

    fn routes(variables: &[&str], target: Target) -> Vec<Route> {
        // Some systems always have a desktop.
        let desktop = variables.contains(&"DISPLAY") || variables.contains(&"WAYLAND_DISPLAY");
        Surroundings { desktop, ..surroundings(variables) }.routes(target)
    }

    #[test]
    fn the_environment_decides_the_ways_and_their_order() {
        use Route::{Desktop as D, Terminal as T, Tmux as M};
        let desktop = |rest: &[Route]| if Desktop::AVAILABLE { [&[D], rest].concat() } else { rest.to_vec() };
        let clipboard = |variables: &[&str]| routes(variables, Target::Clipboard);
        assert_eq!(clipboard(&[]), [T]);
        assert_eq!(clipboard(&["DISPLAY"]), desktop(&[T]));
        assert_eq!(clipboard(&["WAYLAND_DISPLAY", "TMUX"]), desktop(&[M, T]));
        assert_eq!(clipboard(&["TMUX"]), [M, T]);
        assert_eq!(clipboard(&["SSH_CONNECTION"]), [T]);
        assert_eq!(clipboard(&["SSH_TTY", "DISPLAY"]), [T], "a forwarded display is slow, and not where the eyes are");
        assert_eq!(clipboard(&["SSH_CLIENT", "TMUX"]), [M, T]);
        assert_eq!(routes(&["SSH_CONNECTION", "TMUX"], Target::Primary), [T], "tmux has none");
        assert_eq!(routes(&["DISPLAY"], Target::Primary), desktop(&[T]));
    }

    #[test]
    fn a_copied_text_cannot_break_out_of_its_sequence() {
        let bytes = osc52(Surroundings::default(), "\x1b]0;title\x07", Target::Clipboard);
        assert_eq!(bytes.escape_ascii().to_string(), "\\x1b]52;c;G10wO3RpdGxlBw==\\x07");
        let bytes = osc52(Surroundings::default(), "hi", Target::Primary);
        assert_eq!(bytes.escape_ascii().to_string(), "\\x1b]52;p;aGk=\\x07");
    }

    #[test]
    fn tmux_is_told_twice() {
        let bytes = osc52(surroundings(&["TMUX"]), "hi", Target::Clipboard);
        let expected = "\\x1b]52;c;aGk=\\x07\\x1bPtmux;\\x1b\\x1b]52;c;aGk=\\x07\\x1b\\\\";
        assert_eq!(bytes.escape_ascii().to_string(), expected);
    }

    #[test]
    fn screen_hands_on_pieces_that_are_the_sequence_again() {
        let bytes = osc52(surroundings(&["STY"]), &"long ".repeat(400), Target::Clipboard);
        let pieces: Vec<&[u8]> = bytes.split(|byte| *byte == 0x1b).collect();
        assert!(pieces.iter().all(|piece| piece.len() <= 514), "screen takes 768 bytes");
        let bare = String::from_utf8(bytes).unwrap().replace("\x1bP", "").replace("\x1b\\", "");
        assert_eq!(bare.as_bytes(), osc52(Surroundings::default(), &"long ".repeat(400), Target::Clipboard));
    }

    #[test]
    fn what_is_long_is_told_and_what_is_too_long_is_not_sent() {
        let copied = |bytes: usize| to_terminal(Surroundings::default(), &"x".repeat(bytes), Target::Clipboard);
        assert_eq!(copied(20).result, Ok("OSC 52".into()));
        assert_eq!(copied(60_000).result, Ok("OSC 52: long, some terminals take 74 kB only".into()));
        let refused = copied(14 << 20);
        assert_eq!((refused.for_terminal, refused.result), (None, Err("18 MB is more than a terminal takes".into())));
    }
}
