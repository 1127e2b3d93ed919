//! Drives the pure program: key strings and messages in, effects and the screen out. No terminal, no clock, no disk.

use std::time::Duration;

use crossterm::event::{Event as Input, KeyEvent, KeyModifiers};
use ibid::{
    api::{self, Dialect, Event},
    app::{self, Effect, EndpointInfo, Msg, Open, Overrides, Start, State, keymap::Key},
    chat::{StreamId, Timestamp},
    config::Config,
    store::{Job, Reply, Ticket},
    view,
    widgets::theme::Colours,
};
use ratatui::{Terminal, backend::TestBackend, buffer::Buffer, layout::Size};

/// The program without its surroundings; the test is its world.
pub struct Harness {
    pub state: State,
    pub now: Timestamp,
    /// What was asked of the world and has not been looked at.
    pub effects: Vec<Effect>,
    /// Saves are answered at once, as by a fast disk.
    pub disk_works: bool,
    terminal: Terminal<TestBackend>,
}

/// A program against OpenRouter, with a key, an empty database and the default config.
pub fn start(width: u16, height: u16) -> Start {
    Start {
        config: Config { model: Some("openai/gpt-5.6-luna".into()), ..Config::default() },
        endpoints: vec![EndpointInfo { name: "openrouter".into(), dialect: Dialect::OpenRouter, ready: true }],
        demo: false,
        seed: 7,
        time_zone: jiff::tz::TimeZone::UTC,
        open: Open::New,
        overrides: Overrides::default(),
        colours: Colours::All,
        themes: Vec::new(),
        complaints: Vec::new(),
        size: Size { width, height },
    }
}

impl Harness {
    pub fn new(width: u16, height: u16) -> Self {
        let mut harness = Self::with(start(width, height));
        harness.reply(Reply::Opened { newest: Vec::new(), total: 0, new_draft: String::new() });
        harness.effects.clear();
        harness
    }

    /// A program that has just been started; its database has not answered yet.
    pub fn with(start: Start) -> Self {
        let Size { width, height } = start.size;
        let terminal = Terminal::new(TestBackend::new(width, height)).expect("a test backend always works");
        Self {
            state: State::new(start),
            now: "2026-11-22T14:02:00Z".parse().expect("a time"),
            effects: Vec::new(),
            disk_works: true,
            terminal,
        }
    }

    /// Presses keys by name, with blanks between them: `ctrl-x m r u s t esc`.
    pub fn press(&mut self, keys: &str) {
        for name in keys.split_whitespace() {
            let key: Key = name.parse().unwrap_or_else(|error| panic!("{error}"));
            let mut modifiers = KeyModifiers::empty();
            modifiers.set(KeyModifiers::CONTROL, key.ctrl);
            modifiers.set(KeyModifiers::ALT, key.alt);
            modifiers.set(KeyModifiers::SHIFT, key.shift);
            self.send(Msg::Input { event: Input::Key(KeyEvent::new(key.code, modifiers)), more: false });
        }
    }

    /// Types a text, letter by letter.
    pub fn enter_text(&mut self, text: &str) {
        for letter in text.chars() {
            let key = KeyEvent::new(crossterm::event::KeyCode::Char(letter), KeyModifiers::empty());
            self.send(Msg::Input { event: Input::Key(key), more: false });
        }
    }

    pub fn paste(&mut self, text: &str) {
        self.send(Msg::Input { event: Input::Paste(text.into()), more: false });
    }

    pub fn reply(&mut self, reply: Reply) {
        self.send(Msg::Store(reply));
    }

    /// One message, one frame, as the loop does.
    pub fn send(&mut self, msg: Msg) {
        let fx = app::update(&mut self.state, self.now, msg);
        self.take(fx);
        self.draw();
    }

    /// Lets time pass, stopping wherever something falls due.
    pub fn wait(&mut self, time: Duration) {
        let end = self.now + jiff::SignedDuration::try_from(time).expect("a short time");
        while let Some(due) = app::next_wake(&self.state, self.now).filter(|due| *due <= end) {
            assert!(due > self.now || !matches!(self.now.cmp(&due), std::cmp::Ordering::Less), "time goes forward");
            self.now = due.max(self.now);
            let fx = app::update(&mut self.state, self.now, Msg::Tick);
            self.take(fx);
            let later = app::next_wake(&self.state, self.now);
            assert!(later.is_none_or(|later| later > self.now), "what is due at {} stays due", self.now);
        }
        self.now = end;
        self.draw();
    }

    fn take(&mut self, fx: Vec<Effect>) {
        for effect in fx {
            let ticket = match &effect {
                Effect::Store(Job::Save { ticket, .. }) => Some(*ticket),
                _ => None,
            };
            self.effects.push(effect);
            if let Some(ticket) = ticket.filter(|_| self.disk_works) {
                self.saved(ticket);
            }
        }
    }

    /// The disk has what was asked to be saved.
    pub fn saved(&mut self, ticket: Ticket) {
        let fx = app::update(&mut self.state, self.now, Msg::Store(Reply::Saved(ticket)));
        self.take(fx);
    }

    pub fn draw(&mut self) {
        let size = self.state.screen.size;
        self.terminal.backend_mut().resize(size.width, size.height);
        let fx = app::sync(&mut self.state, self.now, size);
        self.take(fx);
        let (state, now) = (&self.state, self.now);
        let drawn = self.terminal.draw(|frame| {
            if let Some(at) = view::draw(state, now, frame.buffer_mut()) {
                frame.set_cursor_position(at);
            }
        });
        drawn.expect("a test backend always works");
    }

    /// The effects since the last call.
    pub fn effects(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }

    /// The streams that were asked for since the last call, with their requests as JSON.
    pub fn opened(&mut self) -> Vec<(StreamId, serde_json::Value)> {
        self.effects()
            .into_iter()
            .filter_map(|effect| match effect {
                Effect::OpenStream { stream, request, .. } => {
                    Some((stream, serde_json::to_value(&*request).expect("a request is JSON")))
                }
                _ => None,
            })
            .collect()
    }

    /// Types a prompt, sends it, and gives the stream that it opened.
    pub fn prompt(&mut self, text: &str) -> StreamId {
        self.enter_text(text);
        self.press("enter");
        self.opened().first().map(|(stream, _)| *stream).expect("a prompt that is saved opens a stream")
    }

    /// Feeds payloads of a stream as they come over the wire.
    pub fn events(&mut self, stream: StreamId, payloads: &[&str]) {
        let events = payloads.iter().map(|payload| Event::parse(payload)).collect();
        self.send(Msg::Stream { stream, at: self.now, events, recorded: Vec::new() });
    }

    /// Ends a stream.
    pub fn end(&mut self, stream: StreamId, result: Result<(), api::Error>) {
        self.send(Msg::StreamEnded { stream, at: self.now, result });
    }

    /// A whole answer of one message.
    pub fn answer(&mut self, stream: StreamId, text: &str) {
        let delta = serde_json::json!({"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": text});
        let item = serde_json::json!({"type": "message", "id": "msg_tmp_1", "role": "assistant", "status": "completed",
            "content": [{"type": "output_text", "text": text, "annotations": []}]});
        let added = serde_json::json!({"type": "response.output_item.added", "output_index": 0,
            "item": {"type": "message", "id": "msg_tmp_1", "role": "assistant", "status": "in_progress", "content": []}});
        let done = serde_json::json!({"type": "response.output_item.done", "output_index": 0, "item": item});
        let completed = serde_json::json!({"type": "response.completed", "response": {"id": "gen-1", "model": "openai/gpt-5.6-luna",
            "status": "completed", "output": [item],
            "usage": {"input_tokens": 20, "output_tokens": 12, "total_tokens": 32, "cost": 0.0021}}});
        let payloads: Vec<String> = [added, delta, done, completed].iter().map(ToString::to_string).collect();
        let payloads: Vec<&str> = payloads.iter().map(String::as_str).collect();
        self.events(stream, &payloads);
        self.end(stream, Ok(()));
    }

    pub fn resize(&mut self, width: u16, height: u16) {
        self.send(Msg::Input { event: Input::Resize(width, height), more: false });
    }

    /// The screen as text, without blanks at the ends of rows.
    pub fn screen(&self) -> String {
        let buffer = self.terminal.backend().buffer();
        (0..buffer.area.height).map(|y| row(buffer, y) + "\n").collect()
    }

    /// The cells of the last frame.
    pub fn buffer(&self) -> &Buffer {
        self.terminal.backend().buffer()
    }

    pub fn row(&self, y: u16) -> String {
        row(self.terminal.backend().buffer(), y)
    }

    /// One cell, with its colours.
    pub fn cell(&self, x: u16, y: u16) -> &ratatui::buffer::Cell {
        &self.terminal.backend().buffer()[(x, y)]
    }

    /// The last row: the status line.
    pub fn status(&self) -> String {
        self.row(self.state.screen.size.height - 1)
    }

    pub fn draft(&self) -> String {
        self.state.screen.pane.composer.text()
    }
}

fn row(buffer: &Buffer, y: u16) -> String {
    let mut text = String::new();
    let mut covered = 0;
    for x in 0..buffer.area.width {
        let symbol = buffer[(x, y)].symbol();
        if covered > 0 {
            covered -= 1; // The other half of a wide character.
            continue;
        }
        covered = ibid::text::width(symbol).saturating_sub(1);
        text.push_str(symbol);
    }
    text.trim_end().to_owned()
}
