//! The terminal: set up and given back, the loop, frames.

pub mod clipboard;
pub mod colours;
pub mod editor;
pub mod elsewhere;
pub mod input;
pub mod links;
pub mod os;
mod paint;
pub mod screen;

use std::{
    collections::VecDeque,
    io::{self, Write},
    time::Duration,
};

use crossterm::event::Event;
use ratatui::layout::Size;
use tokio::{sync::mpsc, time::Instant};

use crate::{
    app::{self, Effect, Msg, State},
    chat::Timestamp,
    runtime::{Ask, Runtime},
    text, view,
};
use clipboard::{Clipboard, Outcome, Target};
use editor::Editor;
use input::Decoded;
use os::{Keyboard, Signal, Signals};
pub use screen::{Screen, restore};

/// At most 60 frames a second; a key's frame does not wait.
const FRAME: Duration = Duration::from_micros(16_600);

/// How long messages are taken in one go, so that a key never waits long behind them.
const TURN: Duration = Duration::from_millis(4);

/// Messages that may wait for the loop; whoever sends more waits.
const INBOX: usize = 256;

/// What the loop needs of the world: something to paint on, and who tells it what happens.
pub struct Terminal<W: Write> {
    pub screen: Screen<W>,
    pub keyboard: Keyboard,
    pub signals: Signals,
    pub desk: Desk,
}

/// What the environment says about the reader's terminal and tools.
#[derive(Debug, Clone, Default)]
pub struct Desk {
    /// The program that edits a prompt.
    pub editor: String,
    /// Which ways lead to the clipboard.
    pub clipboard: clipboard::Surroundings,
    /// Which notifications the terminal takes.
    pub takes: elsewhere::Takes,
}

/// How the loop ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    Quit,
    /// To be begun anew against the demo server.
    Demo,
    /// Told to from outside, or the terminal went away.
    Interrupted,
    /// A thread panicked; its report is written.
    Panicked,
}

/// Runs the program until it ends: the first frame, then whatever happens. `connect` begins everything that takes
/// time (the database, the clients) and is called behind the first frame.
///
/// # Errors
/// The terminal cannot be painted on any more; what was said is on disk by then.
pub async fn run<W: Write>(
    terminal: &mut Terminal<W>,
    state: &mut State,
    connect: impl FnOnce(mpsc::Sender<Msg>) -> io::Result<Runtime>,
) -> io::Result<Ended> {
    terminal.screen.take_mouse(state.config.mouse)?;
    let clipboard = Clipboard::new(terminal.desk.clipboard);
    let early = frame(&mut terminal.screen, state)?;
    let (send, mut inbox) = mpsc::channel(INBOX);
    let runtime = connect(send)?;
    // What is known at once comes before any key: which servers have tools.
    let own = std::iter::from_fn(|| inbox.try_recv().ok()).collect();
    let mut program = Program {
        terminal,
        state,
        inbox,
        runtime,
        away: None,
        clipboard,
        own,
        painted: Painted::Current,
        streams: false,
        keeps_up: true,
        // The list of conversations comes a few milliseconds behind the first frame and waits for nothing.
        due: Instant::now(),
    };
    let ended = match program.carry_out(early).await {
        Ok(None) => program.turn_until_the_end().await,
        Ok(Some(ended)) => Ok(ended),
        Err(error) => Err(error),
    };
    if ended.is_err() {
        program.save_what_can_be();
    }
    program.close();
    ended
}

/// Lets the other tasks hear what has come meanwhile: the first turn asks the system, the second runs who waited for it.
async fn listen() {
    tokio::task::yield_now().await;
    tokio::task::yield_now().await;
}

fn frame<W: Write>(screen: &mut Screen<W>, state: &mut State) -> io::Result<Vec<Effect>> {
    let now = Timestamp::now();
    let effects = app::sync(state, now, screen.size());
    screen.draw(|cells| view::draw(state, now, cells))?;
    Ok(effects)
}

/// The loop and what it turns round.
struct Program<'a, W: Write> {
    terminal: &'a mut Terminal<W>,
    state: &'a mut State,
    inbox: mpsc::Receiver<Msg>,
    runtime: Runtime,
    /// While the reader's editor has the terminal.
    away: Option<Editor>,
    clipboard: Clipboard,
    /// What the loop has to tell itself.
    own: VecDeque<Msg>,
    painted: Painted,
    /// What came last was a piece of a stream: what follows waits for the next frame, which shows all of it.
    streams: bool,
    /// The last frame showed all that had come.
    keeps_up: bool,
    /// When the next frame may be painted.
    due: Instant,
}

/// Whether the screen shows the state as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Painted {
    Current,
    Stale,
}

/// What the loop woke up for.
enum Woken {
    Signal(Signal),
    Edited(Result<String, String>),
    Copied(Outcome),
    Keys(Vec<Decoded>),
    KeyboardGone,
    Frame,
    Msg(Msg),
    Due,
}

impl<W: Write> Program<'_, W> {
    async fn turn_until_the_end(&mut self) -> io::Result<Ended> {
        loop {
            let woken = self.wake().await;
            if let Some(ended) = self.on_woken(woken).await? {
                return Ok(ended);
            }
        }
    }

    /// Keys before frames, frames before what streams in.
    async fn wake(&mut self) -> Woken {
        if let Some(msg) = self.own.pop_front() {
            return Woken::Msg(msg);
        }
        let here = self.away.is_none();
        let stale = self.painted == Painted::Stale;
        let lull = here && self.streams;
        if lull && self.keeps_up {
            return match os::sleep_until(self.due.into_std(), self.terminal.keyboard.next()) {
                Some(keys) => keys.map_or(Woken::KeyboardGone, Woken::Keys),
                None => Woken::Frame,
            };
        }
        let wake = app::next_wake(self.state, Timestamp::now()).map(|at| self.instant(at));
        let edited = async {
            match &mut self.away {
                Some(editor) => editor.closed().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            signal = self.terminal.signals.next() => Woken::Signal(signal),
            text = edited => Woken::Edited(text),
            outcome = self.clipboard.outcome() => Woken::Copied(outcome),
            keys = self.terminal.keyboard.next(), if here => keys.map_or(Woken::KeyboardGone, Woken::Keys),
            () = tokio::time::sleep_until(self.due), if here && stale || lull => Woken::Frame,
            Some(msg) = self.inbox.recv(), if !lull => Woken::Msg(msg),
            () = tokio::time::sleep_until(wake.unwrap_or(self.due)), if wake.is_some() => Woken::Due,
        }
    }

    /// A time of the state as one of the loop: never sooner than the next frame, for it could not be seen.
    fn instant(&self, at: Timestamp) -> Instant {
        let wait = Duration::try_from(at.duration_since(Timestamp::now())).unwrap_or(Duration::ZERO);
        (Instant::now() + wait).max(self.due)
    }

    async fn on_woken(&mut self, woken: Woken) -> io::Result<Option<Ended>> {
        match woken {
            Woken::Signal(Signal::Stop) => self.stop().await,
            Woken::Signal(signal) => self.on_signal(signal),
            Woken::KeyboardGone => Ok(Some(self.end(Ended::Interrupted))),
            Woken::Edited(text) => self.on_edited(text).await,
            Woken::Copied(outcome) => self.on_copied(outcome).await,
            Woken::Keys(keys) => self.on_keys(keys).await,
            Woken::Frame => self.on_frame().await,
            Woken::Msg(msg) => self.on_messages(msg).await,
            Woken::Due => self.tell(Msg::Tick).await,
        }
    }

    fn on_signal(&mut self, signal: Signal) -> io::Result<Option<Ended>> {
        match signal {
            // The editor's, while that has the terminal.
            Signal::Interrupt if self.away.is_some() => Ok(None),
            Signal::Interrupt | Signal::End => Ok(Some(self.end(Ended::Interrupted))),
            Signal::Panicked => Ok(Some(self.end(Ended::Panicked))),
            Signal::Resized => {
                let (width, height) = crossterm::terminal::size()?;
                self.own.push_back(Msg::Input { event: Event::Resize(width, height), more: false });
                Ok(None)
            }
            Signal::Stop | Signal::Continued => self.on_continued(),
        }
    }

    async fn on_keys(&mut self, keys: Vec<Decoded>) -> io::Result<Option<Ended>> {
        for decoded in keys {
            let msg = match decoded {
                Decoded::Input { event, more } => Msg::Input { event, more },
                Decoded::Background(shade) => Msg::Background(shade),
                Decoded::ColoursChanged => Msg::ColoursChanged,
            };
            if let Some(ended) = self.tell(msg).await? {
                return Ok(Some(ended));
            }
        }
        let here = self.away.is_none();
        if here && self.painted == Painted::Stale && !self.terminal.keyboard.waits() {
            return self.paint().await;
        }
        Ok(None)
    }

    async fn on_frame(&mut self) -> io::Result<Option<Ended>> {
        let begun = Instant::now();
        (self.streams, self.keeps_up) = (false, false);
        while !self.keeps_up && begun.elapsed() < TURN && !self.terminal.keyboard.waits() {
            listen().await;
            match self.inbox.try_recv() {
                Ok(msg) => {
                    if let Some(ended) = self.on_messages(msg).await? {
                        return Ok(Some(ended));
                    }
                }
                Err(_) => self.keeps_up = true,
            }
        }
        if self.painted == Painted::Stale { self.paint().await } else { Ok(None) }
    }

    /// As many as fit between two keys.
    async fn on_messages(&mut self, first: Msg) -> io::Result<Option<Ended>> {
        let begun = Instant::now();
        let mut next = Some(first);
        while let Some(msg) = next {
            self.streams = matches!(msg, Msg::Stream { .. });
            if let Some(ended) = self.tell(msg).await? {
                return Ok(Some(ended));
            }
            let enough = begun.elapsed() > TURN || self.terminal.keyboard.waits();
            next = if enough { None } else { self.inbox.try_recv().ok() };
        }
        Ok(None)
    }

    /// Somebody stopped and continued us, and may have changed the terminal meanwhile.
    fn on_continued(&mut self) -> io::Result<Option<Ended>> {
        if self.away.is_none() {
            self.terminal.screen.leave();
            self.terminal.screen.reenter()?;
            self.painted = Painted::Stale;
        }
        Ok(None)
    }

    async fn on_copied(&mut self, outcome: Outcome) -> io::Result<Option<Ended>> {
        if let Some(bytes) = outcome.for_terminal {
            self.terminal.screen.write(&bytes)?;
        }
        self.tell(Msg::Copied(outcome.result)).await
    }

    async fn on_edited(&mut self, text: Result<String, String>) -> io::Result<Option<Ended>> {
        self.away = None;
        self.come_back()?;
        self.tell(Msg::Edited(text)).await
    }

    async fn tell(&mut self, msg: Msg) -> io::Result<Option<Ended>> {
        if let Msg::Input { event: Event::Resize(width, height), .. } = msg {
            self.terminal.screen.resize(Size { width, height });
        }
        self.painted = Painted::Stale;
        let effects = app::update(self.state, Timestamp::now(), msg);
        self.carry_out(effects).await
    }

    async fn paint(&mut self) -> io::Result<Option<Ended>> {
        self.due = Instant::now() + FRAME;
        self.painted = Painted::Current;
        let effects = frame(&mut self.terminal.screen, self.state)?;
        self.carry_out(effects).await
    }

    async fn carry_out(&mut self, effects: Vec<Effect>) -> io::Result<Option<Ended>> {
        for effect in effects {
            let Some(ask) = self.runtime.run(effect) else { continue };
            if let Some(ended) = self.on_ask(ask).await? {
                return Ok(Some(ended));
            }
        }
        Ok(None)
    }

    /// What only the holder of the terminal can do.
    async fn on_ask(&mut self, ask: Ask) -> io::Result<Option<Ended>> {
        match ask {
            Ask::Copy(text) => self.clipboard.copy(text::clean(&text).into_owned(), Target::Clipboard),
            Ask::CopyPrimary(text) => self.clipboard.copy(text::clean(&text).into_owned(), Target::Primary),
            Ask::TakeMouse(mouse) => self.terminal.screen.take_mouse(mouse)?,
            Ask::Edit(text) => return self.edit(&text),
            Ask::Suspend => return self.stop().await,
            Ask::Repaint => {
                self.terminal.screen.repaint();
                self.painted = Painted::Stale;
            }
            Ask::AskBackground => self.terminal.screen.write(screen::ASK_BACKGROUND.as_bytes())?,
            Ask::SetTitle(title) => self.terminal.screen.set_title(&title)?,
            Ask::Notify(notice) => {
                let Desk { takes, clipboard, .. } = self.terminal.desk;
                self.terminal.screen.write(&elsewhere::notify(&notice, takes, clipboard.tmux))?;
            }
            Ask::Quit => return Ok(Some(Ended::Quit)),
            Ask::StartDemo => return Ok(Some(Ended::Demo)),
        }
        Ok(None)
    }

    /// Gives the terminal back and stops until somebody says to go on.
    async fn stop(&mut self) -> io::Result<Option<Ended>> {
        // While the editor has the terminal, its own stop is not ours.
        if self.away.is_some() {
            return Ok(None);
        }
        self.go_away();
        let signal = os::suspend(&mut self.terminal.signals).await;
        self.come_back()?;
        self.on_signal(signal)
    }

    fn edit(&mut self, text: &str) -> io::Result<Option<Ended>> {
        if self.away.is_some() {
            return Ok(None);
        }
        self.go_away();
        match Editor::open(&self.terminal.desk.editor, text) {
            Ok(editor) => self.away = Some(editor),
            Err(complaint) => {
                self.come_back()?;
                self.own.push_back(Msg::Edited(Err(complaint)));
            }
        }
        Ok(None)
    }

    fn go_away(&mut self) {
        self.terminal.keyboard.pause();
        self.terminal.screen.leave();
    }

    fn come_back(&mut self) -> io::Result<()> {
        let before = self.terminal.screen.size();
        self.terminal.screen.reenter()?;
        let Size { width, height } = self.terminal.screen.size();
        if (Size { width, height }) != before {
            self.own.push_back(Msg::Input { event: Event::Resize(width, height), more: false });
        }
        self.terminal.keyboard.resume();
        self.painted = Painted::Stale;
        Ok(())
    }

    /// Told to end: what is worth keeping is handed to the database first.
    fn end(&mut self, how: Ended) -> Ended {
        self.save_what_can_be();
        how
    }

    fn save_what_can_be(&mut self) {
        for effect in app::update(self.state, Timestamp::now(), Msg::Terminated) {
            self.runtime.run(effect);
        }
    }

    /// Whoever waits for room in the inbox must be let go before the database is waited for.
    fn close(self) {
        drop(self.inbox);
        drop(self.runtime);
    }
}
