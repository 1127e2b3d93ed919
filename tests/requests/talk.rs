//! A conversation whose server is the test; every body that leaves is checked.

use std::sync::mpsc;

use ibid::{
    api::{Error, Event, Fault},
    chat::{CallId, Change, Conversation, End, Ids, Next, Settings, StreamId, Timestamp, request::Context},
    store::{Job, Reply, Store, Ticket},
    tools::{Content, Outcome},
};
use serde_json::{Value, json};

use super::rules::{self, Arrived, Told};

pub struct Talk {
    pub chat: Conversation,
    ids: Ids,
    now: Timestamp,
    stream: Option<StreamId>,
    /// What was to be written since the beginning.
    changes: Vec<Change>,
    /// The calls that run, in the order of their beginning.
    running: Vec<CallId>,
    /// Every item that came, whole.
    arrived: Vec<Arrived>,
}

pub fn settings() -> Settings {
    Settings { endpoint: "openrouter".into(), model: "openai/gpt-5.6-luna".into(), ..Settings::default() }
}

impl Talk {
    pub fn new() -> Self {
        Self::with(settings(), Context::default())
    }

    pub fn with(settings: Settings, context: Context) -> Self {
        let (mut ids, now) = (Ids::new(1), Timestamp::from_second(1_700_000_000).expect("in range"));
        let mut chat = Conversation::new(ids.conversation(now), settings, now);
        chat.context = context;
        Self { chat, ids, now, stream: None, changes: Vec::new(), running: Vec::new(), arrived: Vec::new() }
    }

    /// The same conversation as another run of the program reads it from the disk.
    pub fn restarted(&self) -> Self {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let file = folder.path().join("ibid.db");
        let (replies, said) = mpsc::channel();
        let open = || {
            let replies = replies.clone();
            Store::open(&file, move |reply| {
                let _ = replies.send(reply);
            })
        };
        open().send(Job::Save { ticket: Ticket(1), changes: self.changes.clone() }); // Dropping it waits for the disk.
        let again = open();
        again.send(Job::Load(self.chat.id));
        let mut loaded = said.iter().filter_map(|reply| match reply {
            Reply::Loaded(chat) => Some(*chat),
            Reply::NotSaved { error, .. } | Reply::NotLoaded { error, .. } => panic!("{error}"),
            _ => None,
        });
        let mut chat = loaded.next().expect("it is on the disk");
        chat.context = self.chat.context.clone();
        Self {
            chat,
            ids: self.ids.clone(),
            now: self.now,
            stream: None,
            changes: self.changes.clone(),
            running: Vec::new(),
            arrived: self.arrived.clone(),
        }
    }

    fn note(&mut self, next: Vec<Next>) {
        for next in next {
            match next {
                Next::Save { changes, .. } => self.changes.extend(changes),
                Next::Open { stream, .. } => self.stream = Some(stream),
                Next::Run { call, .. } => self.running.push(call),
                Next::StopRun(_) | Next::Close(_) | Next::AskPrice { .. } | Next::AskQuota { .. } => (),
            }
        }
    }

    /// The tool that was begun first answers; gives the body of the next step, when it was the last.
    pub fn tool_ends(&mut self, content: Vec<Content>) -> Option<Value> {
        let call = self.running.remove(0);
        let next = self.chat.call_ended(call, self.now, Ok(Outcome { content, failed: false }), &mut self.ids);
        let body = next.iter().find_map(|next| match next {
            Next::Open { request, .. } => Some(serde_json::to_string(request).expect("a request has a JSON form")),
            _ => None,
        });
        self.note(next);
        let body = body?;
        let Settings { endpoint, model, .. } = &self.chat.settings;
        rules::check(&body, &Told { dialect: self.chat.context.dialect, endpoint, model, arrived: &self.arrived });
        Some(serde_json::from_str(&body).expect("a body is JSON"))
    }

    pub fn switch(&mut self, model: &str) {
        self.chat.settings.model = model.into();
    }

    /// The body that a prompt sends.
    pub fn ask(&mut self, prompt: &str) -> Value {
        serde_json::from_str(&self.ask_bytes(prompt)).expect("a body is JSON")
    }

    pub fn ask_bytes(&mut self, prompt: &str) -> String {
        let next = self.chat.submit(&mut self.ids, self.now, prompt.into());
        self.leaves(&next)
    }

    /// The body that continuing the last answer sends.
    pub fn go_on(&mut self) -> Value {
        let last = *self.chat.branch.last().expect("something was said");
        let next = self.chat.continue_answer(last, &mut self.ids, self.now);
        serde_json::from_str(&self.leaves(&next)).expect("a body is JSON")
    }

    fn leaves(&mut self, next: &[Next]) -> String {
        let [Next::Save { gate: Some(turn), changes }] = next else { panic!("a save comes first: {next:?}") };
        self.changes.extend(changes.iter().cloned());
        let next = self.chat.saved(*turn, self.now);
        let [Next::Open { stream, request, .. }] = &next[..] else { panic!("a request follows: {next:?}") };
        self.stream = Some(*stream);
        let body = serde_json::to_string(request).expect("a request has a JSON form");
        let Settings { endpoint, model, .. } = &self.chat.settings;
        rules::check(&body, &Told { dialect: self.chat.context.dialect, endpoint, model, arrived: &self.arrived });
        body
    }

    /// The answer: these items, whole, and the end.
    pub fn answers(&mut self, items: &[Value]) {
        self.hears_items(items);
        self.hears(&[event(&json!({ "type": "response.completed",
            "response": { "id": "gen-1", "status": "completed", "output": [] } }))]);
    }

    /// These items, and the server says that it stops there.
    pub fn truncated(&mut self, items: &[Value]) {
        self.hears_items(items);
        self.hears(&[event(&json!({ "type": "response.incomplete", "response": { "id": "gen-1",
            "status": "incomplete", "output": [], "incomplete_details": { "reason": "max_output_tokens" } } }))]);
    }

    /// These items, the beginning of a message, and the reader stops it.
    pub fn interrupted(&mut self, items: &[Value], text: &str) {
        self.hears_items(items);
        self.hears(&[delta(items.len(), text)]);
        self.settle();
    }

    /// The server refuses the request; the body that is sent instead, if one is.
    pub fn refused(&mut self, status: u16, body: &Value) -> Option<Value> {
        let stream = self.stream.expect("a stream is open");
        let now = jiff::Timestamp::UNIX_EPOCH;
        let headers = reqwest::header::HeaderMap::new();
        let error = Error::of_response(status, &headers, body.to_string().as_bytes(), now);
        let next = self.chat.ended(stream, self.now, Err(error), &mut self.ids);
        let sent = next.iter().find_map(|next| match next {
            Next::Open { request, .. } => Some(serde_json::to_value(request).expect("a request has a JSON form")),
            _ => None,
        });
        self.note(next);
        sent
    }

    /// These items, the beginning of a message, and the connection breaks.
    pub fn cut(&mut self, items: &[Value], deltas: &[&str]) {
        self.hears_items(items);
        for text in deltas {
            self.hears(&[delta(items.len(), text)]);
        }
        let stream = self.stream.expect("a stream is open");
        let broke = Err(Error::new(Fault::Cut, "the connection broke"));
        let next = self.chat.ended(stream, self.now, broke, &mut self.ids);
        self.note(next);
        self.settle(); // Where nothing was shown, it waits to be asked again.
    }

    /// The beginning of a message, and the reader stops it.
    pub fn stopped(&mut self, deltas: &[&str]) {
        for text in deltas {
            self.hears(&[delta(0, text)]);
        }
        self.settle();
    }

    /// The last answer came to its own end.
    pub fn finished(&self) -> bool {
        let last = self.chat.branch.last().and_then(|id| self.chat.messages[id].answer());
        last.is_some_and(|answer| matches!(answer.end, End::Complete | End::Incomplete { .. }))
    }

    fn hears_items(&mut self, items: &[Value]) {
        for (index, item) in items.iter().enumerate() {
            self.hears(&[done(index, item)]);
        }
    }

    pub fn hears(&mut self, events: &[Event]) {
        let stream = self.stream.expect("a stream is open");
        for event in events {
            let items = match event {
                Event::Closed { item, .. } => std::slice::from_ref(item),
                Event::Ended(response) => &response.output,
                _ => &[],
            };
            let Settings { endpoint, model, .. } = self.chat.settings.clone();
            let arrived = items.iter().map(|item| Arrived {
                endpoint: endpoint.clone(),
                model: model.clone(),
                item: item.raw.clone(),
            });
            self.arrived.extend(arrived);
        }
        let next = self.chat.apply(stream, self.now, events, &mut self.ids);
        self.note(next);
    }

    /// Whatever is open or waits, ends.
    pub fn settle(&mut self) {
        if let Some(turn) = self.chat.active_turn().map(|turn| turn.id) {
            let next = self.chat.stop(turn, self.now);
            self.note(next);
        }
    }
}

fn event(json: &Value) -> Event {
    Event::parse(&json.to_string())
}

fn done(index: usize, item: &Value) -> Event {
    event(&json!({ "type": "response.output_item.done", "output_index": index, "item": item }))
}

fn delta(index: usize, text: &str) -> Event {
    event(&json!({ "type": "response.output_text.delta", "output_index": index, "content_index": 0, "delta": text }))
}

pub fn message(id: &str, text: &str) -> Value {
    json!({ "type": "message", "id": id, "role": "assistant", "status": "completed",
        "content": [{ "type": "output_text", "text": text, "annotations": [] }] })
}

/// Reasoning as OpenAI's models give it.
pub fn sealed(id: &str) -> Value {
    json!({ "type": "reasoning", "id": id, "status": "completed", "summary": [], "encrypted_content": "gAAAA.eyJ",
        "format": "openai-responses-v1" })
}

/// Reasoning as Claude gives it.
pub fn signed(id: &str) -> Value {
    json!({ "type": "reasoning", "id": id, "status": "completed", "summary": [],
        "content": [{ "type": "reasoning_text", "text": "Hm." }], "signature": "EooL", "format": "anthropic-claude-v1" })
}

/// Reasoning that anyone may read.
pub fn thought(id: &str, format: &str) -> Value {
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

/// The fields beside the input in one line, then each item in one.
pub fn outline(body: &Value) -> String {
    let mut head = body.clone();
    let input = head.as_object_mut().and_then(|body| body.shift_remove("input")).expect("a body has an input");
    let items = input.as_array().into_iter().flatten().map(|item| format!("  {item}\n"));
    format!("{head}\n{}", items.collect::<String>())
}
