//! The terminal: setting it up and restoring it, the event loop, and frames.

pub mod clipboard;
pub mod colour_support;
pub mod editor;
pub mod input;
pub mod links;
pub mod os;
pub mod osc_notify;
mod paint;
pub mod terminal_screen;

use std::{
    collections::VecDeque,
    io::{self, Write},
    time::Duration,
};

use crossterm::event::Event;
use ratatui::layout::Size;
use tokio::{sync::mpsc, time::Instant};

use crate::{
    chat::Timestamp,
    clock,
    runtime::EffectRuntime,
    text,
    ui::{self, Effect, Msg, State, effect::DemoStart, view},
};
use clipboard::{ClipboardTarget, ClipboardWorker, CopiedText, CopyOutcome};
use editor::ExternalEditor;
use input::TerminalInput;
use os::{KeyboardInput, SignalReceiver, SystemSignal};
pub use terminal_screen::{TerminalScreen, restore};

/// The time between frames, at most 60 a second; the frame after a key does not wait.
const FRAME_INTERVAL: Duration = Duration::from_micros(16_600);

/// How long messages are handled in one batch, so that a key never waits long behind them.
const BATCH_TIME: Duration = Duration::from_millis(4);

/// So many events in the time of a frame are a flood. The loop then handles each message at once: asleep until the next
/// frame, it would let the connection's buffers run full and the server wait.
const FLOOD_EVENTS: usize = 256;

/// How many messages may wait for the loop; senders of more have to wait.
const INBOX_CAPACITY: usize = 256;

/// The loop's connection to the world: a screen to paint on, and the sources of keys and signals.
pub struct TerminalIo<W: Write> {
    pub screen: TerminalScreen<W>,
    pub keyboard: KeyboardInput,
    pub signals: SignalReceiver,
    pub env: TerminalEnv,
}

/// What the environment reveals about the user's terminal and tools.
#[derive(Debug, Clone, Default)]
pub struct TerminalEnv {
    /// The command that starts the user's editor.
    pub editor: String,
    /// Which routes lead to the clipboard.
    pub clipboard: clipboard::ClipboardEnv,
    /// Which notifications the terminal supports.
    pub notification_form: osc_notify::NotificationForm,
}

/// Why the loop ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExitReason {
    Quit,
    /// The program should start again with the demo server.
    Demo(DemoStart),
    /// The program should start again with the server in the config.
    LeaveDemo,
    /// A signal ended the program, or the terminal is gone.
    Interrupted,
    /// A thread panicked, and its report has been written.
    Panicked,
}

/// Runs the program until it ends: paints the first frame, then handles events. `connect` starts everything that takes
/// time (the database, the clients) and is called after the first frame.
///
/// # Errors
/// The terminal can no longer be painted on; the conversations are on disk by then.
pub async fn run<W: Write>(
    terminal: &mut TerminalIo<W>,
    state: &mut State,
    connect: impl FnOnce(mpsc::Sender<Msg>) -> io::Result<EffectRuntime>,
) -> io::Result<ExitReason> {
    terminal.screen.set_mouse_mode(state.env.config.mouse)?;
    terminal.keyboard.on_query_sent(); // The screen asks for the keyboard protocol when it is taken.
    let clipboard = ClipboardWorker::new(terminal.env.clipboard);
    let first_effects = draw_frame(&mut terminal.screen, state)?;
    let (send, mut inbox) = mpsc::channel(INBOX_CAPACITY);
    let runtime = connect(send)?;
    // Messages sent by `connect`, such as which servers have tools, come before any key.
    let own_messages = std::iter::from_fn(|| inbox.try_recv().ok()).collect();
    let mut program = EventLoop {
        terminal,
        state,
        inbox,
        runtime,
        editor: None,
        clipboard,
        own_messages,
        painted: PaintState::Current,
        is_streaming: false,
        is_caught_up: true,
        events_in_frame: 0,
        // The list of conversations arrives a few milliseconds after the first frame and must not wait for the next.
        next_frame: Instant::now(),
    };
    let exit = match program.carry_out(first_effects).await {
        Ok(None) => program.run_until_exit().await,
        Ok(Some(ended)) => Ok(ended),
        Err(error) => Err(error),
    };
    if exit.is_err() {
        program.save_unsaved();
    }
    program.close();
    exit
}

/// Lets the other tasks receive what has arrived: the first yield polls the system, the second runs the woken tasks.
async fn run_other_tasks() {
    tokio::task::yield_now().await;
    tokio::task::yield_now().await;
}

fn draw_frame<W: Write>(screen: &mut TerminalScreen<W>, state: &mut State) -> io::Result<Vec<Effect>> {
    let now = clock::now();
    let effects = ui::sync(state, now, screen.size());
    screen.draw(|cells| view::draw(state, now, cells))?;
    Ok(effects)
}

/// The event loop and its state.
struct EventLoop<'a, W: Write> {
    terminal: &'a mut TerminalIo<W>,
    state: &'a mut State,
    inbox: mpsc::Receiver<Msg>,
    runtime: EffectRuntime,
    /// The user's editor, while it has the terminal.
    editor: Option<ExternalEditor>,
    clipboard: ClipboardWorker,
    /// Messages from the loop to itself.
    own_messages: VecDeque<Msg>,
    painted: PaintState,
    /// The last message was part of a stream: later ones wait for the next frame, which shows all of them.
    is_streaming: bool,
    /// The last frame showed everything that had arrived, and that was no flood.
    is_caught_up: bool,
    /// How many events have arrived since the last frame began.
    events_in_frame: usize,
    /// When the next frame may be painted.
    next_frame: Instant,
}

/// Whether the screen shows the current state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PaintState {
    Current,
    Stale,
}

/// The reason why the loop woke up.
enum LoopEvent {
    Signal(SystemSignal),
    EditorClosed(Result<String, String>),
    CopyDone(CopyOutcome),
    Keys(Vec<TerminalInput>),
    KeyboardGone,
    Frame,
    Msg(Msg),
    WakeDue,
}

impl<W: Write> EventLoop<'_, W> {
    async fn run_until_exit(&mut self) -> io::Result<ExitReason> {
        loop {
            let event = self.next_event().await;
            if let Some(ended) = self.on_event(event).await? {
                return Ok(ended);
            }
        }
    }

    /// Waits for the next event: keys before frames, and frames before streamed messages.
    async fn next_event(&mut self) -> LoopEvent {
        if let Some(msg) = self.own_messages.pop_front() {
            return LoopEvent::Msg(msg);
        }
        let has_terminal = self.editor.is_none();
        let is_stale = self.painted == PaintState::Stale;
        let is_streaming = has_terminal && self.is_streaming;
        if is_streaming && self.is_caught_up {
            return match os::block_until(self.next_frame.into_std(), self.terminal.keyboard.next()) {
                Some(keys) => keys.map_or(LoopEvent::KeyboardGone, LoopEvent::Keys),
                None => LoopEvent::Frame,
            };
        }
        let wake_at = ui::next_wake(self.state, clock::now()).map(|at| self.wake_instant(at));
        let edited = async {
            match &mut self.editor {
                Some(editor) => editor.edited_text().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            signal = self.terminal.signals.next() => LoopEvent::Signal(signal),
            text = edited => LoopEvent::EditorClosed(text),
            outcome = self.clipboard.next_outcome() => LoopEvent::CopyDone(outcome),
            keys = self.terminal.keyboard.next(), if has_terminal => keys.map_or(LoopEvent::KeyboardGone, LoopEvent::Keys),
            () = tokio::time::sleep_until(self.next_frame), if has_terminal && is_stale || is_streaming => LoopEvent::Frame,
            Some(msg) = self.inbox.recv(), if !is_streaming || !self.is_caught_up => LoopEvent::Msg(msg),
            () = tokio::time::sleep_until(wake_at.unwrap_or(self.next_frame)), if wake_at.is_some() => LoopEvent::WakeDue,
        }
    }

    /// Converts a time of the state to one of the loop, no sooner than the next frame, where it first shows.
    fn wake_instant(&self, at: Timestamp) -> Instant {
        let wait = Duration::try_from(at.duration_since(clock::now())).unwrap_or(Duration::ZERO);
        (Instant::now() + wait).max(self.next_frame)
    }

    async fn on_event(&mut self, event: LoopEvent) -> io::Result<Option<ExitReason>> {
        match event {
            LoopEvent::Signal(SystemSignal::Suspend) => self.suspend().await,
            LoopEvent::Signal(signal) => self.on_signal(signal),
            LoopEvent::KeyboardGone => Ok(Some(self.save_and_exit(ExitReason::Interrupted))),
            LoopEvent::EditorClosed(text) => self.on_edited(text).await,
            LoopEvent::CopyDone(outcome) => self.on_copied(outcome).await,
            LoopEvent::Keys(keys) => self.on_keys(keys).await,
            LoopEvent::Frame => self.on_frame().await,
            LoopEvent::Msg(msg) => self.on_messages(msg).await,
            LoopEvent::WakeDue => self.dispatch(Msg::Tick).await,
        }
    }

    fn on_signal(&mut self, signal: SystemSignal) -> io::Result<Option<ExitReason>> {
        match signal {
            // While the editor has the terminal, Ctrl-C belongs to it.
            SystemSignal::Interrupt if self.editor.is_some() => Ok(None),
            SystemSignal::Interrupt | SystemSignal::Terminate => Ok(Some(self.save_and_exit(ExitReason::Interrupted))),
            SystemSignal::Panicked => Ok(Some(self.save_and_exit(ExitReason::Panicked))),
            SystemSignal::Resized => {
                let Size { width, height } = terminal_screen::current_size()?;
                self.own_messages.push_back(Msg::Input { event: Event::Resize(width, height), more: false });
                Ok(None)
            }
            SystemSignal::Suspend | SystemSignal::Continued => self.on_continued(),
        }
    }

    async fn on_keys(&mut self, keys: Vec<TerminalInput>) -> io::Result<Option<ExitReason>> {
        for decoded in keys {
            let msg = match decoded {
                TerminalInput::Input { event, more } => Msg::Input { event, more },
                TerminalInput::Background(shade) => Msg::BackgroundReported(shade),
                TerminalInput::ColoursChanged => Msg::ColoursChanged,
            };
            if let Some(ended) = self.dispatch(msg).await? {
                return Ok(Some(ended));
            }
        }
        let has_terminal = self.editor.is_none();
        if has_terminal && self.painted == PaintState::Stale && !self.terminal.keyboard.has_pending() {
            return self.paint().await;
        }
        Ok(None)
    }

    async fn on_frame(&mut self) -> io::Result<Option<ExitReason>> {
        let started = Instant::now();
        (self.is_streaming, self.is_caught_up) = (false, false);
        let mut is_empty = false;
        while !is_empty && started.elapsed() < BATCH_TIME && !self.terminal.keyboard.has_pending() {
            run_other_tasks().await;
            match self.inbox.try_recv() {
                Ok(msg) => {
                    if let Some(ended) = self.on_messages(msg).await? {
                        return Ok(Some(ended));
                    }
                }
                Err(_) => is_empty = true,
            }
        }
        self.is_caught_up = is_empty && self.events_in_frame < FLOOD_EVENTS;
        self.events_in_frame = 0;
        if self.painted == PaintState::Stale { self.paint().await } else { Ok(None) }
    }

    /// Handles as many messages as fit between two keys.
    async fn on_messages(&mut self, first: Msg) -> io::Result<Option<ExitReason>> {
        let started = Instant::now();
        let mut next = Some(first);
        while let Some(msg) = next {
            self.is_streaming = matches!(msg, Msg::Stream { .. });
            if let Msg::Stream { events, .. } = &msg {
                self.events_in_frame += events.len();
            }
            if let Some(ended) = self.dispatch(msg).await? {
                return Ok(Some(ended));
            }
            let is_full = started.elapsed() > BATCH_TIME || self.terminal.keyboard.has_pending();
            next = if is_full { None } else { self.inbox.try_recv().ok() };
        }
        Ok(None)
    }

    /// Copies a text; nothing in it can control a terminal.
    fn copy(&mut self, text: &str, html: Option<&str>, target: ClipboardTarget) {
        let clean = |text: &str| text::clean(text).into_owned();
        self.clipboard.copy(CopiedText { text: clean(text), html: html.map(clean) }, target);
    }

    /// Takes the terminal again after a stop, during which its modes may have been changed.
    fn on_continued(&mut self) -> io::Result<Option<ExitReason>> {
        if self.editor.is_none() {
            self.terminal.screen.leave();
            self.terminal.screen.reenter()?;
            self.painted = PaintState::Stale;
        }
        Ok(None)
    }

    async fn on_copied(&mut self, outcome: CopyOutcome) -> io::Result<Option<ExitReason>> {
        if let Some(bytes) = outcome.terminal_bytes {
            self.terminal.screen.write(&bytes)?;
        }
        self.dispatch(Msg::Copied(outcome.result)).await
    }

    async fn on_edited(&mut self, text: Result<String, String>) -> io::Result<Option<ExitReason>> {
        self.editor = None;
        self.retake_terminal()?;
        self.dispatch(Msg::EditorClosed(text)).await
    }

    async fn dispatch(&mut self, msg: Msg) -> io::Result<Option<ExitReason>> {
        if let Msg::Input { event: Event::Resize(width, height), .. } = msg {
            self.terminal.screen.resize(Size { width, height });
        }
        self.painted = PaintState::Stale;
        let now = clock::now();
        let mut effects = ui::settle(self.state, now, &msg);
        effects.extend(ui::update(self.state, now, msg));
        self.carry_out(effects).await
    }

    async fn paint(&mut self) -> io::Result<Option<ExitReason>> {
        self.next_frame = Instant::now() + FRAME_INTERVAL;
        self.painted = PaintState::Current;
        let effects = draw_frame(&mut self.terminal.screen, self.state)?;
        self.carry_out(effects).await
    }

    async fn carry_out(&mut self, effects: Vec<Effect>) -> io::Result<Option<ExitReason>> {
        for effect in effects {
            if let Some(ended) = self.carry_out_one(effect).await? {
                return Ok(Some(ended));
            }
        }
        Ok(None)
    }

    /// Carries out an effect on the terminal; the runtime carries out all others.
    async fn carry_out_one(&mut self, effect: Effect) -> io::Result<Option<ExitReason>> {
        match effect {
            Effect::CopyToClipboard(text) => {
                self.copy(&text, None, ClipboardTarget::Clipboard);
            }
            Effect::CopyRich { text, html } => self.copy(&text, Some(&html), ClipboardTarget::Clipboard),
            Effect::CopyToPrimary(text) => {
                self.copy(&text, None, ClipboardTarget::Primary);
            }
            Effect::SetMouseMode(mouse) => self.terminal.screen.set_mouse_mode(mouse)?,
            Effect::OpenEditor(text) => return self.open_editor(&text),
            Effect::Suspend => return self.suspend().await,
            Effect::Redraw => {
                self.terminal.screen.repaint();
                self.painted = PaintState::Stale;
            }
            Effect::QueryBackground => {
                self.terminal.screen.write(os::QUERY_BACKGROUND.as_bytes())?;
                self.terminal.keyboard.on_query_sent();
            }
            Effect::SetTitle(title) => self.terminal.screen.set_title(&title)?,
            Effect::NotifyUser(notice) => {
                let TerminalEnv { notification_form: takes, clipboard, .. } = self.terminal.env;
                self.terminal.screen.write(&osc_notify::notification_bytes(&notice, takes, clipboard.in_tmux))?;
            }
            Effect::Quit => return Ok(Some(ExitReason::Quit)),
            Effect::StartDemo(begin) => return Ok(Some(ExitReason::Demo(begin))),
            Effect::LeaveDemo => return Ok(Some(ExitReason::LeaveDemo)),
            effect => self.runtime.run(effect),
        }
        Ok(None)
    }

    /// Restores the terminal and stops the process until it is continued.
    async fn suspend(&mut self) -> io::Result<Option<ExitReason>> {
        // While the editor has the terminal, a stop concerns only the editor.
        if self.editor.is_some() {
            return Ok(None);
        }
        self.release_terminal();
        let signal = os::suspend(&mut self.terminal.signals).await;
        self.retake_terminal()?;
        self.on_signal(signal)
    }

    fn open_editor(&mut self, text: &str) -> io::Result<Option<ExitReason>> {
        if self.editor.is_some() {
            return Ok(None);
        }
        self.release_terminal();
        match ExternalEditor::open(&self.terminal.env.editor, text) {
            Ok(editor) => self.editor = Some(editor),
            Err(message) => {
                self.retake_terminal()?;
                self.own_messages.push_back(Msg::EditorClosed(Err(message)));
            }
        }
        Ok(None)
    }

    fn release_terminal(&mut self) {
        self.terminal.keyboard.pause();
        self.terminal.screen.leave();
    }

    fn retake_terminal(&mut self) -> io::Result<()> {
        let before = self.terminal.screen.size();
        self.terminal.screen.reenter()?;
        let Size { width, height } = self.terminal.screen.size();
        if (Size { width, height }) != before {
            self.own_messages.push_back(Msg::Input { event: Event::Resize(width, height), more: false });
        }
        self.terminal.keyboard.resume();
        self.terminal.keyboard.on_query_sent();
        self.painted = PaintState::Stale;
        Ok(())
    }

    /// Hands unsaved work to the database before the loop ends.
    fn save_and_exit(&mut self, reason: ExitReason) -> ExitReason {
        self.save_unsaved();
        reason
    }

    fn save_unsaved(&mut self) {
        for effect in ui::update(self.state, clock::now(), Msg::Terminated) {
            self.runtime.run(effect);
        }
    }

    /// Drops the inbox before waiting for the database: a task waiting for room in the inbox would block it.
    fn close(self) {
        drop(self.inbox);
        drop(self.runtime);
    }
}
