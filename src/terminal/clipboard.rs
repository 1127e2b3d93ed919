//! The user's clipboard, wherever the program runs: the desktop's, tmux's or the terminal's (OSC 52).

mod desktop;

use std::{fmt, process::Command, sync::mpsc as sync, thread, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use tokio::sync::mpsc;

pub use desktop::hold_clipboard;

use desktop::DesktopClipboard;

use crate::processes;

/// What the environment reveals about the routes to a clipboard.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each comes from its own environment variables")]
pub struct ClipboardEnv {
    /// Whether the terminal is on another machine.
    pub is_remote: bool,
    /// Whether a desktop on this machine can be reached.
    pub has_desktop: bool,
    pub in_tmux: bool,
    /// Whether the program runs in GNU screen.
    pub in_screen: bool,
}

/// The clipboard that a text is copied to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClipboardTarget {
    Clipboard,
    /// The selection that the middle button pastes.
    Primary,
}

/// A route to a clipboard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClipboardRoute {
    Desktop,
    Tmux,
    Terminal,
}

/// What is copied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopiedText {
    pub text: String,
    /// The same as HTML, for routes that take both.
    pub html: Option<String>,
}

/// The outcome of a copy.
#[derive(Debug, PartialEq, Eq)]
pub struct CopyOutcome {
    /// Bytes to send to the terminal.
    pub terminal_bytes: Option<Vec<u8>>,
    /// A description of the route, or why there was none.
    pub result: Result<String, String>,
}

/// Copies texts one after another on its own thread, because the desktop may be slow.
pub struct ClipboardWorker {
    env: ClipboardEnv,
    /// Started by the first copy.
    worker: Option<sync::Sender<(CopiedText, ClipboardTarget)>>,
    outcome_sender: mpsc::Sender<CopyOutcome>,
    outcomes: mpsc::Receiver<CopyOutcome>,
}

/// How long tmux may take to accept a text.
const TMUX_TIMEOUT: Duration = Duration::from_secs(2);
/// The longest sequence that every terminal accepts, in bytes.
const SAFE_SEQUENCE_BYTES: usize = 74_994;
/// The longest sequence that any terminal is known to accept, in bytes.
const MAX_SEQUENCE_BYTES: usize = 16 << 20;

impl ClipboardEnv {
    /// Reads the environment variables.
    pub fn from_env(env: impl Fn(&str) -> Option<String>) -> Self {
        let any = |names: &[&str]| names.iter().any(|name| env(name).is_some_and(|value| !value.is_empty()));
        Self {
            is_remote: any(&["SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY"]),
            has_desktop: cfg!(any(windows, target_os = "macos")) || any(&["WAYLAND_DISPLAY", "DISPLAY"]),
            in_tmux: any(&["TMUX"]),
            in_screen: any(&["STY"]),
        }
    }

    /// Returns the routes to try, best first. The terminal's comes last, because it gives no reply.
    pub fn routes(self, target: ClipboardTarget) -> Vec<ClipboardRoute> {
        let desktop = DesktopClipboard::AVAILABLE && self.has_desktop && !self.is_remote;
        // tmux has no primary selection.
        let tmux = self.in_tmux && target == ClipboardTarget::Clipboard;
        let candidates =
            [(desktop, ClipboardRoute::Desktop), (tmux, ClipboardRoute::Tmux), (true, ClipboardRoute::Terminal)];
        candidates.into_iter().filter(|(there, _)| *there).map(|(_, route)| route).collect()
    }
}

impl fmt::Display for ClipboardRoute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Desktop => "desktop",
            Self::Tmux => "tmux",
            Self::Terminal => "OSC 52",
        })
    }
}

impl ClipboardWorker {
    pub fn new(env: ClipboardEnv) -> Self {
        let (outcome_sender, outcomes) = mpsc::channel(16);
        Self { env, worker: None, outcome_sender, outcomes }
    }

    /// Starts to copy a text; `outcome` returns the result.
    pub fn copy(&mut self, text: CopiedText, target: ClipboardTarget) {
        let (surroundings, outcomes) = (self.env, self.outcome_sender.clone());
        let worker = self.worker.get_or_insert_with(|| {
            let (jobs, queued_jobs) = sync::channel();
            let worker_outcomes = outcomes.clone();
            let work = move || run_worker(surroundings, &queued_jobs, &worker_outcomes);
            // Without a thread the job cannot be sent, which is reported below.
            let _ = thread::Builder::new().name("clipboard".into()).spawn(work);
            jobs
        });
        if worker.send((text, target)).is_err() {
            self.worker = None;
            let result = Err("no thread could be started".into());
            let _ = outcomes.try_send(CopyOutcome { terminal_bytes: None, result }); // If full, others are reported.
        }
    }

    /// Waits for the outcome of the next copy.
    pub async fn next_outcome(&mut self) -> CopyOutcome {
        match self.outcomes.recv().await {
            Some(outcome) => outcome,
            None => std::future::pending().await, // Unreachable: `self.send` keeps the channel open.
        }
    }
}

fn run_worker(
    surroundings: ClipboardEnv,
    jobs: &sync::Receiver<(CopiedText, ClipboardTarget)>,
    outcomes: &mpsc::Sender<CopyOutcome>,
) {
    let mut desktop = DesktopClipboard::new();
    for (text, target) in jobs {
        if outcomes.blocking_send(copy_by_best_route(surroundings, &text, target, &mut desktop)).is_err() {
            return; // The program is ending.
        }
    }
}

/// Copies a text by the first route that works.
fn copy_by_best_route(
    surroundings: ClipboardEnv,
    copied: &CopiedText,
    target: ClipboardTarget,
    desktop: &mut DesktopClipboard,
) -> CopyOutcome {
    let text = &copied.text;
    let mut outcome = None;
    for route in surroundings.routes(target) {
        let done = match route {
            ClipboardRoute::Desktop if desktop.copy(copied, target) => {
                return CopyOutcome { terminal_bytes: None, result: Ok(route_label(route, target)) };
            }
            ClipboardRoute::Desktop => false,
            ClipboardRoute::Tmux => copy_to_tmux(text),
            ClipboardRoute::Terminal => break,
        };
        if done {
            outcome = Some(CopyOutcome { terminal_bytes: None, result: Ok(route_label(route, target)) });
            break;
        }
    }
    let outcome = outcome.unwrap_or_else(|| copy_to_terminal(surroundings, text, target));
    if copied.html.is_some() { outcome.into_plain_text() } else { outcome }
}

impl CopyOutcome {
    /// Says that only the plain text could be copied.
    fn into_plain_text(self) -> Self {
        Self { result: self.result.map(|label| format!("{label}, without formatting")), ..self }
    }
}

fn route_label(route: ClipboardRoute, target: ClipboardTarget) -> String {
    match target {
        ClipboardTarget::Clipboard => route.to_string(),
        ClipboardTarget::Primary => format!("{route}, primary"),
    }
}

fn copy_to_terminal(surroundings: ClipboardEnv, text: &str, target: ClipboardTarget) -> CopyOutcome {
    let bytes = osc52_bytes(surroundings, text, target);
    let label = route_label(ClipboardRoute::Terminal, target);
    if bytes.len() > MAX_SEQUENCE_BYTES {
        let result = Err(format!("{} MB is more than a terminal accepts", bytes.len() >> 20));
        return CopyOutcome { terminal_bytes: None, result };
    }
    let way = if bytes.len() > SAFE_SEQUENCE_BYTES {
        format!("{label}: long text, some terminals accept only 74 kB")
    } else {
        label
    };
    CopyOutcome { terminal_bytes: Some(bytes), result: Ok(way) }
}

/// Copies a text to a tmux buffer; tmux passes it on to its terminal.
fn copy_to_tmux(text: &str) -> bool {
    let mut tmux = Command::new("tmux");
    tmux.args(["load-buffer", "-w", "-"]);
    let ended = processes::start_detached(tmux, Some(text.to_owned()), TMUX_TIMEOUT);
    ended.is_ok_and(|status| status.is_some_and(|status| status.success()))
}

/// Returns the bytes that set a terminal's clipboard. tmux uses them itself or passes them on, depending on its
/// configuration; screen passes them on in pieces.
fn osc52_bytes(surroundings: ClipboardEnv, text: &str, target: ClipboardTarget) -> Vec<u8> {
    /// The length of the pieces, short enough for screen, in bytes.
    const SCREEN_PIECE: usize = 512;
    let letter = match target {
        ClipboardTarget::Clipboard => 'c',
        ClipboardTarget::Primary => 'p',
    };
    let set = format!("\x1b]52;{letter};{}\x07", STANDARD.encode(text));
    if surroundings.in_tmux {
        let escaped = set.replace('\x1b', "\x1b\x1b");
        return format!("{set}\x1bPtmux;{escaped}\x1b\\").into_bytes();
    }
    if surroundings.in_screen {
        return set.as_bytes().chunks(SCREEN_PIECE).flat_map(|piece| [b"\x1bP", piece, b"\x1b\\"].concat()).collect();
    }
    set.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn surroundings(variables: &[&str]) -> ClipboardEnv {
        ClipboardEnv::from_env(|name| variables.contains(&name).then(|| "set".to_owned()))
    }

    fn routes(variables: &[&str], target: ClipboardTarget) -> Vec<ClipboardRoute> {
        // macOS and Windows always have a desktop.
        let desktop = variables.contains(&"DISPLAY") || variables.contains(&"WAYLAND_DISPLAY");
        ClipboardEnv { has_desktop: desktop, ..surroundings(variables) }.routes(target)
    }

    #[test]
    fn the_environment_decides_the_routes_and_their_order() {
        use ClipboardRoute::{Desktop as D, Terminal as T, Tmux as M};
        let desktop =
            |rest: &[ClipboardRoute]| if DesktopClipboard::AVAILABLE { [&[D], rest].concat() } else { rest.to_vec() };
        let clipboard = |variables: &[&str]| routes(variables, ClipboardTarget::Clipboard);
        assert_eq!(clipboard(&[]), [T]);
        assert_eq!(clipboard(&["DISPLAY"]), desktop(&[T]));
        assert_eq!(clipboard(&["WAYLAND_DISPLAY", "TMUX"]), desktop(&[M, T]));
        assert_eq!(clipboard(&["TMUX"]), [M, T]);
        assert_eq!(clipboard(&["SSH_CONNECTION"]), [T]);
        assert_eq!(clipboard(&["SSH_TTY", "DISPLAY"]), [T], "a forwarded display is slow and may be elsewhere");
        assert_eq!(clipboard(&["SSH_CLIENT", "TMUX"]), [M, T]);
        assert_eq!(routes(&["SSH_CONNECTION", "TMUX"], ClipboardTarget::Primary), [T], "tmux has no primary selection");
        assert_eq!(routes(&["DISPLAY"], ClipboardTarget::Primary), desktop(&[T]));
    }

    #[test]
    fn a_copied_text_cannot_break_out_of_its_sequence() {
        let bytes = osc52_bytes(ClipboardEnv::default(), "\x1b]0;title\x07", ClipboardTarget::Clipboard);
        assert_eq!(bytes.escape_ascii().to_string(), "\\x1b]52;c;G10wO3RpdGxlBw==\\x07");
        let bytes = osc52_bytes(ClipboardEnv::default(), "hi", ClipboardTarget::Primary);
        assert_eq!(bytes.escape_ascii().to_string(), "\\x1b]52;p;aGk=\\x07");
    }

    #[test]
    fn tmux_gets_the_sequence_twice() {
        let bytes = osc52_bytes(surroundings(&["TMUX"]), "hi", ClipboardTarget::Clipboard);
        let expected = "\\x1b]52;c;aGk=\\x07\\x1bPtmux;\\x1b\\x1b]52;c;aGk=\\x07\\x1b\\\\";
        assert_eq!(bytes.escape_ascii().to_string(), expected);
    }

    #[test]
    fn the_pieces_for_screen_join_to_the_original_sequence() {
        let bytes = osc52_bytes(surroundings(&["STY"]), &"long ".repeat(400), ClipboardTarget::Clipboard);
        let pieces: Vec<&[u8]> = bytes.split(|byte| *byte == 0x1b).collect();
        assert!(pieces.iter().all(|piece| piece.len() <= 514), "screen takes 768 bytes");
        let bare = String::from_utf8(bytes).unwrap().replace("\x1bP", "").replace("\x1b\\", "");
        assert_eq!(
            bare.as_bytes(),
            osc52_bytes(ClipboardEnv::default(), &"long ".repeat(400), ClipboardTarget::Clipboard)
        );
    }

    #[test]
    fn a_route_that_takes_no_html_says_so() {
        let copy = |html: Option<&str>| {
            let copied = CopiedText { text: "hi".into(), html: html.map(Into::into) };
            copy_by_best_route(
                ClipboardEnv::default(),
                &copied,
                ClipboardTarget::Clipboard,
                &mut DesktopClipboard::new(),
            )
        };
        assert_eq!(copy(None).result, Ok("OSC 52".into()));
        let rich = copy(Some("<b>hi</b>"));
        assert_eq!(rich.result, Ok("OSC 52, without formatting".into()));
        assert_eq!(rich.terminal_bytes, copy(None).terminal_bytes, "the plain text");
    }

    #[test]
    fn a_long_text_warns_and_a_too_long_one_is_not_sent() {
        let copied =
            |bytes: usize| copy_to_terminal(ClipboardEnv::default(), &"x".repeat(bytes), ClipboardTarget::Clipboard);
        assert_eq!(copied(20).result, Ok("OSC 52".into()));
        assert_eq!(copied(60_000).result, Ok("OSC 52: long text, some terminals accept only 74 kB".into()));
        let refused = copied(14 << 20);
        assert_eq!(
            (refused.terminal_bytes, refused.result),
            (None, Err("18 MB is more than a terminal accepts".into()))
        );
    }
}
