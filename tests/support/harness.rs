//! Drives the pure program: keys and messages in, effects and the screen out. No terminal, no clock, no disk.

use std::time::Duration;

use crossterm::event::{Event as Input, KeyEvent, KeyModifiers};
use ibid::{
    api::{self, ApiDialect, Event},
    chat::{ChatSettings, Conversation, ConversationId, MessageId, StreamId, Timestamp},
    config::Config,
    render::{markdown::LayoutBudget, theme::ColourDepth},
    store::{SaveTicket, StoreJob, StoreReply},
    ui::{
        self, CliOverrides, Effect, EndpointInfo, InitialConversation, Msg, StartOptions, State, areas::ScreenAreas,
        chats::Chats, environment::Environment, keymap::KeyPress, overlays::ScreenOverlay, screen::PaneFocus,
        transcript::Transcript, view,
    },
};
use ratatui::{Terminal, backend::TestBackend, buffer::Buffer, layout::Size};

/// The program without a runtime: the test sends it messages and inspects its effects.
pub struct Harness {
    state: State,
    pub now: Timestamp,
    /// Effects that the test has not taken yet.
    pub effects: Vec<Effect>,
    /// Whether saves are confirmed at once, as by a fast disk.
    pub confirms_saves: bool,
    /// Whether long texts are laid out at once, as by a fast thread.
    pub lays_out_texts: bool,
    terminal: Terminal<TestBackend>,
}

/// Arguments for a program that uses OpenRouter, with a key, an empty database and the default config.
pub fn default_start(width: u16, height: u16) -> StartOptions {
    StartOptions {
        config: Config { model: Some("openai/gpt-5.6-luna".into()), ..Config::default() },
        endpoints: vec![EndpointInfo { name: "openrouter".into(), dialect: ApiDialect::OpenRouter, is_ready: true }],
        is_demo: false,
        seed: 7,
        time_zone: jiff::tz::TimeZone::UTC,
        initial_conversation: InitialConversation::New,
        is_temporary: false,
        overrides: CliOverrides::default(),
        colours: ColourDepth::TrueColour,
        themes: Vec::new(),
        complaints: Vec::new(),
        size: Size { width, height },
    }
}

impl Harness {
    pub fn new(width: u16, height: u16) -> Self {
        let mut harness = Self::with_start(default_start(width, height));
        harness.store_reply(StoreReply::Opened { newest: Vec::new(), total: 0, new_draft: String::new() });
        harness.effects.clear();
        harness
    }

    /// Creates a program that has just started: its database has not answered yet.
    pub fn with_start(start: StartOptions) -> Self {
        let Size { width, height } = start.size;
        let terminal = Terminal::new(TestBackend::new(width, height)).expect("the test backend never fails");
        Self {
            state: State::new(start),
            now: "2026-11-22T14:02:00Z".parse().expect("the timestamp is valid"),
            effects: Vec::new(),
            confirms_saves: true,
            lays_out_texts: true,
            terminal,
        }
    }

    /// Presses keys by name, separated by spaces: `ctrl-x m r u s t esc`.
    pub fn press(&mut self, keys: &str) {
        for name in keys.split_whitespace() {
            let key: KeyPress = name.parse().unwrap_or_else(|error| panic!("{error}"));
            let mut modifiers = KeyModifiers::empty();
            modifiers.set(KeyModifiers::CONTROL, key.ctrl);
            modifiers.set(KeyModifiers::ALT, key.alt);
            modifiers.set(KeyModifiers::SHIFT, key.shift);
            self.send(Msg::Input { event: Input::Key(KeyEvent::new(key.code, modifiers)), more: false });
        }
    }

    /// Types text, one character at a time.
    pub fn enter_text(&mut self, text: &str) {
        for letter in text.chars() {
            let key = KeyEvent::new(crossterm::event::KeyCode::Char(letter), KeyModifiers::empty());
            self.send(Msg::Input { event: Input::Key(key), more: false });
        }
    }

    pub fn paste(&mut self, text: &str) {
        self.send(Msg::Input { event: Input::Paste(text.into()), more: false });
    }

    pub fn store_reply(&mut self, reply: StoreReply) {
        self.send(Msg::StoreReply(reply));
    }

    /// Handles a message and draws a frame, as the event loop does.
    pub fn send(&mut self, msg: Msg) {
        let fx = self.update(msg);
        self.record_effects(fx);
        self.draw();
    }

    /// Handles a message that is followed by another before the next frame.
    pub fn send_without_frame(&mut self, msg: Msg) {
        let effects = self.update(msg);
        self.effects.extend(effects);
    }

    /// Handles a message as the event loop does.
    fn update(&mut self, msg: Msg) -> Vec<Effect> {
        let mut effects = ui::settle(&mut self.state, self.now, &msg);
        effects.extend(ui::update(&mut self.state, self.now, msg));
        effects
    }

    /// When something is due without a message.
    pub fn next_wake(&self) -> Option<Timestamp> {
        ui::next_wake(&self.state, self.now)
    }

    /// Lets time pass, with a tick whenever something is due.
    pub fn wait(&mut self, duration: Duration) {
        let end = self.now + jiff::SignedDuration::try_from(duration).expect("the duration is short");
        while let Some(due) = ui::next_wake(&self.state, self.now).filter(|due| *due <= end) {
            assert!(due >= self.now, "{due} was already due at {}", self.now);
            self.now = due;
            let fx = ui::update(&mut self.state, self.now, Msg::Tick);
            self.record_effects(fx);
            let later = ui::next_wake(&self.state, self.now);
            assert!(later.is_none_or(|later| later > self.now), "still due after the tick at {}", self.now);
        }
        self.now = end;
        self.draw();
    }

    fn record_effects(&mut self, fx: Vec<Effect>) {
        for effect in fx {
            let ticket = match &effect {
                Effect::RunStoreJob(StoreJob::Save { ticket, .. }) => Some(*ticket),
                _ => None,
            };
            self.effects.push(effect);
            if let Some(ticket) = ticket.filter(|_| self.confirms_saves) {
                self.confirm_save(ticket);
            }
        }
    }

    /// Confirms a save.
    pub fn confirm_save(&mut self, ticket: SaveTicket) {
        let fx = ui::update(&mut self.state, self.now, Msg::StoreReply(StoreReply::Saved(ticket)));
        self.record_effects(fx);
    }

    pub fn draw(&mut self) {
        let size = self.state.screen.size;
        self.terminal.backend_mut().resize(size.width, size.height);
        loop {
            let fx = ui::sync(&mut self.state, self.now, size);
            self.record_effects(fx);
            if !self.lays_out_texts || self.lay_out_texts() == 0 {
                break;
            }
        }
        let (state, now) = (&self.state, self.now);
        let drawn = self.terminal.draw(|frame| {
            if let Some(cursor) = view::draw(state, now, frame.buffer_mut()) {
                frame.set_cursor_position(cursor);
            }
        });
        drawn.expect("the test backend never fails");
    }

    /// Lays out or searches the texts that were too much for a frame; returns how many there were.
    pub fn lay_out_texts(&mut self) -> usize {
        let is_layout = |effect: &mut Effect| matches!(effect, Effect::LayOutText { .. } | Effect::SearchText { .. });
        let jobs: Vec<Effect> = self.effects.extract_if(.., is_layout).collect();
        let count = jobs.len();
        for effect in jobs {
            let done = match effect {
                Effect::LayOutText { text, job } => Msg::TextLaidOut { text, layout: Box::new(job.run()) },
                Effect::SearchText { conversation, ticket, job } => {
                    Msg::TextSearched { conversation, ticket, found: Box::new(job.run()) }
                }
                other => unreachable!("{other:?} is no job for a text"),
            };
            let fx = ui::update(&mut self.state, self.now, done);
            self.record_effects(fx);
        }
        count
    }

    /// Sets how much each frame may lay out.
    pub fn set_layout_budget(&mut self, budget: LayoutBudget) {
        self.state.screen.layout_budget = budget;
    }

    /// Takes the effects since the last call.
    pub fn effects(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }

    /// Takes the effects since the last call and returns the streams they open, with the requests as JSON.
    pub fn opened_streams(&mut self) -> Vec<(StreamId, serde_json::Value)> {
        self.effects()
            .into_iter()
            .filter_map(|effect| match effect {
                Effect::OpenStream { stream, request, .. } => {
                    Some((stream, serde_json::to_value(&*request).expect("a request serializes to JSON")))
                }
                _ => None,
            })
            .collect()
    }

    /// Types and sends a prompt; returns the stream it opened.
    pub fn send_prompt(&mut self, text: &str) -> StreamId {
        self.enter_text(text);
        self.press("enter");
        self.opened_streams().first().map(|(stream, _)| *stream).expect("a saved prompt opens a stream")
    }

    /// Feeds a stream's event payloads as they come over the wire.
    pub fn receive_events(&mut self, stream: StreamId, payloads: &[&str]) {
        let events = payloads.iter().map(|payload| Event::parse(payload)).collect();
        self.send(Msg::Stream { stream, at: self.now, events, recorded: Vec::new() });
    }

    /// Ends a stream.
    pub fn end_stream(&mut self, stream: StreamId, result: Result<(), api::ApiError>) {
        self.send(Msg::StreamEnded { stream, at: self.now, result });
    }

    /// Streams a complete answer of one message.
    pub fn stream_answer(&mut self, stream: StreamId, text: &str) {
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
        self.receive_events(stream, &payloads);
        self.end_stream(stream, Ok(()));
    }

    /// A copy of the program in its present state, whose screen is not drawn yet.
    pub fn fork(&self) -> Self {
        Self {
            state: self.state.clone(),
            now: self.now,
            effects: Vec::new(),
            confirms_saves: self.confirms_saves,
            lays_out_texts: self.lays_out_texts,
            terminal: Terminal::new(TestBackend::new(1, 1)).expect("the test backend never fails"),
        }
    }

    /// Handles input without a frame; what follows from it is carried out.
    pub fn send_undrawn(&mut self, event: Input) {
        let effects = self.update(Msg::Input { event, more: false });
        self.record_effects(effects);
    }

    /// Lays out the next frame without drawing it.
    pub fn lay_out(&mut self) {
        let size = self.size();
        let effects = ui::sync(&mut self.state, self.now, size);
        self.record_effects(effects);
    }

    pub fn resize(&mut self, width: u16, height: u16) {
        self.send(Msg::Input { event: Input::Resize(width, height), more: false });
    }

    /// The screen as text, without trailing spaces.
    pub fn screen(&self) -> String {
        let buffer = self.terminal.backend().buffer();
        (0..buffer.area.height).map(|y| row_text(buffer, y) + "\n").collect()
    }

    /// The cells of the last frame.
    pub fn buffer(&self) -> &Buffer {
        self.terminal.backend().buffer()
    }

    pub fn row(&self, y: u16) -> String {
        row_text(self.terminal.backend().buffer(), y)
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

    /// Replaces the text in the composer.
    pub fn set_draft(&mut self, text: &str) {
        self.state.screen.pane.composer.replace(text);
    }

    pub fn focus(&self) -> PaneFocus {
        self.state.screen.focus
    }

    /// The context in which the next key is looked up.
    pub fn key_context(&self) -> ibid::ui::keymap::KeyContext {
        self.state.screen.key_context(&self.state.chats)
    }

    pub fn set_focus(&mut self, focus: PaneFocus) {
        self.state.screen.focus = focus;
    }

    /// The overlay on top.
    pub fn overlay(&self) -> Option<&ScreenOverlay> {
        self.state.screen.overlays.last()
    }

    pub fn areas(&self) -> ScreenAreas {
        self.state.screen.areas
    }

    pub fn size(&self) -> Size {
        self.state.screen.size
    }

    /// The rows of the conversation on the screen.
    pub fn transcript(&self) -> &Transcript {
        self.state.screen.transcript(&self.state.chats).expect("a conversation is on the screen")
    }

    /// The most bytes of text that one step has looked at to lay it out.
    pub fn longest_step(&self) -> usize {
        self.transcript().layout_work().longest_step.max(self.state.screen.rail.longest_step())
    }

    /// How often the rows of the list were arranged.
    pub fn list_arrangements(&self) -> u64 {
        self.state.screen.list.arrangements
    }

    pub fn list_cursor(&self) -> Option<ConversationId> {
        self.state.screen.list.cursor
    }

    pub fn conversation_id(&self) -> Option<ConversationId> {
        self.state.chats.content.conversation_id()
    }

    /// The conversation on the screen.
    pub fn conversation(&self) -> Option<&Conversation> {
        self.state.chats.current_conversation()
    }

    pub fn current_answer(&self) -> Option<MessageId> {
        self.state.screen.current_answer(&self.state.chats)
    }

    /// The settings of the next prompt.
    pub fn settings(&self) -> &ChatSettings {
        self.state.chats.settings()
    }

    pub fn chats(&self) -> &Chats {
        &self.state.chats
    }

    pub fn chats_mut(&mut self) -> &mut Chats {
        &mut self.state.chats
    }

    pub fn env(&self) -> &Environment {
        &self.state.env
    }

    pub fn env_mut(&mut self) -> &mut Environment {
        &mut self.state.env
    }
}

fn row_text(buffer: &Buffer, y: u16) -> String {
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
