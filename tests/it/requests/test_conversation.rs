//! A conversation whose server is the test; every request body is checked.

use std::sync::mpsc;

use ibid::{
    api::{ApiError, Event, FaultKind},
    chat::{
        AnswerEnd, CallId, ChatEffect, ChatSettings, Conversation, ConversationChange, IdGenerator, StreamId,
        Timestamp, request::RequestContext,
    },
    store::{SaveTicket, StoreHandle, StoreJob, StoreReply},
    tools::{ToolContent, ToolOutcome},
};
use serde_json::{Value, json};

use crate::support::request_rules::{ReceivedItem, RequestHistory};

pub struct TestConversation {
    pub chat: Conversation,
    ids: IdGenerator,
    now: Timestamp,
    stream: Option<StreamId>,
    /// Every change that was to be saved, in order.
    changes: Vec<ConversationChange>,
    /// The running calls, oldest first.
    running: Vec<CallId>,
    /// Every complete item that was received.
    received: Vec<ReceivedItem>,
}

pub fn settings() -> ChatSettings {
    ChatSettings { endpoint: "openrouter".into(), model: "openai/gpt-5.6-luna".into(), ..ChatSettings::default() }
}

impl TestConversation {
    pub fn new() -> Self {
        Self::with(settings(), RequestContext::default())
    }

    pub fn with(settings: ChatSettings, context: RequestContext) -> Self {
        let (mut ids, now) = (IdGenerator::new(1), Timestamp::from_second(1_700_000_000).expect("in range"));
        let mut chat = Conversation::new(ids.conversation(now), settings, now);
        chat.context = context;
        Self { chat, ids, now, stream: None, changes: Vec::new(), running: Vec::new(), received: Vec::new() }
    }

    /// Returns the same conversation as another run of the program loads it from disk.
    pub fn restarted(&self) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be created");
        let file = folder.path().join("ibid.db");
        let (replies, received) = mpsc::channel();
        let open = || {
            let replies = replies.clone();
            StoreHandle::open(&file, move |reply| {
                let _ = replies.send(reply);
            })
        };
        open().send(StoreJob::Save { ticket: SaveTicket(1), changes: self.changes.clone() }); // The drop waits for the disk.
        let again = open();
        again.send(StoreJob::Load(self.chat.id));
        let mut loaded = received.iter().filter_map(|reply| match reply {
            StoreReply::Loaded(chat) => Some(*chat),
            StoreReply::SaveFailed { error, .. } | StoreReply::LoadFailed { error, .. } => panic!("{error}"),
            _ => None,
        });
        let mut chat = loaded.next().expect("the conversation is on disk");
        chat.context = self.chat.context.clone();
        Self {
            chat,
            ids: self.ids.clone(),
            now: self.now,
            stream: None,
            changes: self.changes.clone(),
            running: Vec::new(),
            received: self.received.clone(),
        }
    }

    fn record_next(&mut self, next: Vec<ChatEffect>) {
        for next in next {
            match next {
                ChatEffect::Save { changes, .. } => self.changes.extend(changes),
                ChatEffect::OpenStream { stream, .. } => self.stream = Some(stream),
                ChatEffect::RunTool { call, .. } => self.running.push(call),
                ChatEffect::StopTool(_)
                | ChatEffect::CloseStream(_)
                | ChatEffect::FetchPrice { .. }
                | ChatEffect::FetchQuota { .. } => (),
            }
        }
    }

    /// Finishes the oldest running call. Returns the body of the next step if no other call is running.
    pub fn finish_tool(&mut self, content: Vec<ToolContent>) -> Option<Value> {
        let call = self.running.remove(0);
        let next = self.chat.on_call_ended(call, self.now, Ok(ToolOutcome { content, failed: false }), &mut self.ids);
        let body = next.iter().find_map(|next| match next {
            ChatEffect::OpenStream { request, .. } => {
                Some(serde_json::to_string(request).expect("a request has a JSON form"))
            }
            _ => None,
        });
        self.record_next(next);
        let body = body?;
        let ChatSettings { endpoint, model, .. } = &self.chat.settings;
        crate::support::request_rules::check_body(
            &body,
            &RequestHistory { dialect: self.chat.context.dialect, endpoint, model, received: &self.received },
        );
        Some(serde_json::from_str(&body).expect("a body is JSON"))
    }

    pub fn switch_model(&mut self, model: &str) {
        self.chat.settings.model = model.into();
    }

    /// Sends a prompt and returns the request body.
    pub fn ask(&mut self, prompt: &str) -> Value {
        serde_json::from_str(&self.ask_bytes(prompt)).expect("a body is JSON")
    }

    pub fn ask_bytes(&mut self, prompt: &str) -> String {
        let next = self.chat.submit(&mut self.ids, self.now, prompt.into());
        self.send_next(&next)
    }

    /// Continues the last answer and returns the request body.
    pub fn continue_answer(&mut self) -> Value {
        let last = *self.chat.branch.last().expect("the branch has a message");
        let next = self.chat.continue_answer(last, &mut self.ids, self.now);
        serde_json::from_str(&self.send_next(&next)).expect("a body is JSON")
    }

    fn send_next(&mut self, next: &[ChatEffect]) -> String {
        let [ChatEffect::Save { gate: Some(turn), changes }] = next else { panic!("expected a save first: {next:?}") };
        self.changes.extend(changes.iter().cloned());
        let next = self.chat.on_saved(*turn, self.now);
        let [ChatEffect::OpenStream { stream, request, .. }] = &next[..] else {
            panic!("expected one request: {next:?}")
        };
        self.stream = Some(*stream);
        let body = serde_json::to_string(request).expect("a request has a JSON form");
        let ChatSettings { endpoint, model, .. } = &self.chat.settings;
        crate::support::request_rules::check_body(
            &body,
            &RequestHistory { dialect: self.chat.context.dialect, endpoint, model, received: &self.received },
        );
        body
    }

    /// Receives an answer of these complete items, and its end.
    pub fn receive_answer(&mut self, items: &[Value]) {
        self.receive_items(items);
        self.receive(&[parse_event(&json!({ "type": "response.completed",
            "response": { "id": "gen-1", "status": "completed", "output": [] } }))]);
    }

    /// Receives these items; then the server reports that the answer is incomplete.
    pub fn receive_incomplete(&mut self, items: &[Value]) {
        self.receive_items(items);
        self.receive(&[parse_event(&json!({ "type": "response.incomplete", "response": { "id": "gen-1",
            "status": "incomplete", "output": [], "incomplete_details": { "reason": "max_output_tokens" } } }))]);
    }

    /// Receives these items and the start of a message; then the user stops the turn.
    pub fn receive_and_stop(&mut self, items: &[Value], text: &str) {
        self.receive_items(items);
        self.receive(&[text_delta(items.len(), text)]);
        self.stop_turn();
    }

    /// Refuses the request. Returns the body that is sent instead, if any.
    pub fn refuse(&mut self, status: u16, body: &Value) -> Option<Value> {
        let stream = self.stream.expect("a stream is open");
        let now = jiff::Timestamp::UNIX_EPOCH;
        let headers = reqwest::header::HeaderMap::new();
        let error = ApiError::from_response(status, &headers, body.to_string().as_bytes(), now);
        let next = self.chat.on_ended(stream, self.now, Err(error), &mut self.ids);
        let sent = next.iter().find_map(|next| match next {
            ChatEffect::OpenStream { request, .. } => {
                Some(serde_json::to_value(request).expect("a request has a JSON form"))
            }
            _ => None,
        });
        self.record_next(next);
        sent
    }

    /// Receives these items and the start of a message; then the connection breaks.
    pub fn receive_and_break(&mut self, items: &[Value], deltas: &[&str]) {
        self.receive_items(items);
        for text in deltas {
            self.receive(&[text_delta(items.len(), text)]);
        }
        let stream = self.stream.expect("a stream is open");
        let broke = Err(ApiError::new(FaultKind::Cut, "the connection broke"));
        let next = self.chat.on_ended(stream, self.now, broke, &mut self.ids);
        self.record_next(next);
        self.stop_turn(); // If nothing was shown, the turn waits for a retry.
    }

    /// Receives the start of a message; then the user stops the turn.
    pub fn stop_after(&mut self, deltas: &[&str]) {
        for text in deltas {
            self.receive(&[text_delta(0, text)]);
        }
        self.stop_turn();
    }

    /// Returns whether the server ended the last answer, complete or not.
    pub fn is_finished(&self) -> bool {
        let last = self.chat.branch.last().and_then(|id| self.chat.messages[id].as_answer());
        last.is_some_and(|answer| matches!(answer.end, AnswerEnd::Complete | AnswerEnd::Incomplete { .. }))
    }

    fn receive_items(&mut self, items: &[Value]) {
        for (index, item) in items.iter().enumerate() {
            self.receive(&[item_done(index, item)]);
        }
    }

    pub fn receive(&mut self, events: &[Event]) {
        let stream = self.stream.expect("a stream is open");
        for event in events {
            let items = match event {
                Event::ItemDone { item, .. } => std::slice::from_ref(item),
                Event::ResponseEnded(response) => &response.output,
                _ => &[],
            };
            let ChatSettings { endpoint, model, .. } = self.chat.settings.clone();
            let arrived = items.iter().map(|item| ReceivedItem {
                endpoint: endpoint.clone(),
                model: model.clone(),
                item: item.raw.clone(),
            });
            self.received.extend(arrived);
        }
        let next = self.chat.apply(stream, self.now, events, &mut self.ids);
        self.record_next(next);
    }

    /// Stops the active turn, if any.
    pub fn stop_turn(&mut self) {
        if let Some(turn) = self.chat.active_turn().map(|turn| turn.id) {
            let next = self.chat.stop(turn, self.now);
            self.record_next(next);
        }
    }
}

fn parse_event(json: &Value) -> Event {
    Event::parse(&json.to_string())
}

fn item_done(index: usize, item: &Value) -> Event {
    parse_event(&json!({ "type": "response.output_item.done", "output_index": index, "item": item }))
}

fn text_delta(index: usize, text: &str) -> Event {
    parse_event(
        &json!({ "type": "response.output_text.delta", "output_index": index, "content_index": 0, "delta": text }),
    )
}

pub fn message(id: &str, text: &str) -> Value {
    json!({ "type": "message", "id": id, "role": "assistant", "status": "completed",
        "content": [{ "type": "output_text", "text": text, "annotations": [] }] })
}

/// Encrypted reasoning, in the form of OpenAI's models.
pub fn encrypted_reasoning(id: &str) -> Value {
    json!({ "type": "reasoning", "id": id, "status": "completed", "summary": [], "encrypted_content": "gAAAA.eyJ",
        "format": "openai-responses-v1" })
}

/// Signed reasoning, in the form of Claude.
pub fn signed_reasoning(id: &str) -> Value {
    json!({ "type": "reasoning", "id": id, "status": "completed", "summary": [],
        "content": [{ "type": "reasoning_text", "text": "Hm." }], "signature": "EooL", "format": "anthropic-claude-v1" })
}

/// Plain reasoning, neither encrypted nor signed.
pub fn plain_reasoning(id: &str, format: &str) -> Value {
    json!({ "type": "reasoning", "id": id, "status": "completed", "summary": [],
        "content": [{ "type": "reasoning_text", "text": "Hm." }], "format": format })
}

pub fn call(id: &str, call_id: &str, arguments: &str) -> Value {
    json!({ "type": "function_call", "id": id, "status": "completed", "call_id": call_id, "name": "get_weather",
        "arguments": arguments })
}

pub fn search(id: &str, status: &str) -> Value {
    json!({ "type": "openrouter:web_search", "id": id, "status": status,
        "action": { "type": "search", "query": "weather", "sources": [{ "type": "url", "url": "https://example.org" }] } })
}

pub fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).expect("a value has a JSON form")
}

/// Formats a body: the fields beside the input on one line, then one line an item.
pub fn outline(body: &Value) -> String {
    let mut head = body.clone();
    let input = head.as_object_mut().and_then(|body| body.shift_remove("input")).expect("a body has an input");
    let items = input.as_array().into_iter().flatten().map(|item| format!("  {item}\n"));
    format!("{head}\n{}", items.collect::<String>())
}
