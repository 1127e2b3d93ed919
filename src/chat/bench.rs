//! A conversation on a bench: time, saves and streams are in the hands of the test.

use jiff::SignedDuration;

use super::{
    Answer, CallId, Change, Conversation, Ids, Message, MessageId, Next, Phase, Settings, StreamId, Timestamp, TurnId,
};
use crate::api::{Error, Event, Fault, Request};

pub(super) struct Bench {
    pub chat: Conversation,
    pub ids: Ids,
    pub now: Timestamp,
}

/// What a change asked for, as far as tests look at it.
#[derive(Debug, Default)]
pub(super) struct Asked {
    pub opened: Vec<(StreamId, Box<Request>)>,
    pub closed: Vec<StreamId>,
    /// Tools that were begun, with their arguments, and those that were stopped.
    pub run: Vec<(CallId, String, String)>,
    pub stopped: Vec<CallId>,
    /// Which rows, by name; a gated save has its turn in `gates`.
    pub saved: Vec<&'static str>,
    pub gates: Vec<TurnId>,
}

pub(super) fn settings() -> Settings {
    Settings { endpoint: "openrouter".into(), model: "openai/gpt-5.6-luna".into(), ..Settings::default() }
}

pub(super) fn event(json: &serde_json::Value) -> Event {
    Event::parse(&json.to_string())
}

pub(super) fn delta(text: &str) -> Event {
    event(
        &serde_json::json!({ "type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": text }),
    )
}

pub(super) fn done(index: u32, item: &serde_json::Value) -> Event {
    event(&serde_json::json!({ "type": "response.output_item.done", "output_index": index, "item": item }))
}

pub(super) fn said(id: &str, text: &str) -> serde_json::Value {
    serde_json::json!({ "type": "message", "id": id, "role": "assistant", "status": "completed",
        "content": [{ "type": "output_text", "text": text, "annotations": [] }] })
}

pub(super) fn completed(cost: &str) -> Event {
    let cost: serde_json::Value = serde_json::from_str(cost).expect("a number");
    event(
        &serde_json::json!({ "type": "response.completed", "response": { "id": "gen-1", "model": "openai/gpt-5.6-luna",
        "status": "completed", "output": [], "usage": { "input_tokens": 20, "output_tokens": 5, "cost": cost } } }),
    )
}

pub(super) fn error(fault: Fault, status: impl Into<Option<u16>>) -> Error {
    Error { status: status.into(), ..Error::new(fault, "it went wrong") }
}

impl Bench {
    pub fn new() -> Self {
        let (mut ids, now) = (Ids::new(1), Timestamp::from_second(1_700_000_000).expect("in range"));
        Self { chat: Conversation::new(ids.conversation(now), settings(), now), ids, now }
    }

    pub fn wait(&mut self, millis: i64) {
        self.now += SignedDuration::from_millis(millis);
    }

    pub fn submit(&mut self, text: &str) -> Asked {
        asked(self.chat.submit(&mut self.ids, self.now, text.into()))
    }

    /// Submits, lets the disk say that it has it, and gives the stream that was opened.
    pub fn send(&mut self, text: &str) -> StreamId {
        let asked = self.submit(text);
        self.confirm(&asked)
    }

    pub fn confirm(&mut self, asked: &Asked) -> StreamId {
        asked_one(&self.saved(asked)).0
    }

    pub fn saved(&mut self, asked: &Asked) -> Asked {
        let [turn] = asked.gates[..] else { panic!("one gated save was expected: {asked:?}") };
        super::bench::asked(self.chat.saved(turn, self.now))
    }

    pub fn apply(&mut self, stream: StreamId, events: &[Event]) -> Asked {
        asked(self.chat.apply(stream, self.now, events, &mut self.ids))
    }

    pub fn end(&mut self, stream: StreamId, result: Result<(), Error>) -> Asked {
        asked(self.chat.ended(stream, self.now, result, &mut self.ids))
    }

    pub fn stop(&mut self) -> Asked {
        let turn = self.chat.active_turn().expect("a turn runs").id;
        asked(self.chat.stop(turn, self.now))
    }

    pub fn tick(&mut self) -> Asked {
        asked(self.chat.tick(self.now, &mut self.ids))
    }

    /// A whole turn: prompt, answer, end.
    pub fn exchange(&mut self, prompt: &str, answer: &str, cost: &str) -> MessageId {
        let stream = self.send(prompt);
        let id = self.newest();
        let item = said(&format!("msg_tmp_{}", self.chat.messages.len()), answer);
        self.apply(stream, &[delta(answer), done(0, &item), completed(cost)]);
        self.end(stream, Ok(()));
        self.wait(1000);
        id
    }

    pub fn newest(&self) -> MessageId {
        *self.chat.branch.last().expect("something was said")
    }

    pub fn answer(&self) -> &Answer {
        self.chat.messages[&self.newest()].answer().expect("an answer stands last")
    }

    pub fn phase(&self) -> Option<&Phase> {
        self.chat.active_turn().map(|turn| &turn.phase)
    }

    /// In milliseconds from now; `None` when nothing is waited for.
    pub fn wakes_in(&self) -> Option<i64> {
        let wake = self.chat.next_wake()?;
        Some(i64::try_from(wake.duration_since(self.now).as_millis()).expect("soon"))
    }
}

pub(super) fn asked(next: Vec<Next>) -> Asked {
    let mut asked = Asked::default();
    for next in next {
        match next {
            Next::Open { stream, request, endpoint: _ } => asked.opened.push((stream, request)),
            Next::Close(stream) => asked.closed.push(stream),
            Next::Run { call, tool, arguments } => asked.run.push((call, tool.to_string(), arguments.to_string())),
            Next::StopRun(call) => asked.stopped.push(call),
            Next::AskPrice { .. } | Next::AskQuota { .. } => (),
            Next::Save { changes, gate } => {
                asked.gates.extend(gate);
                asked.saved.extend(changes.iter().map(name));
            }
        }
    }
    asked
}

pub(super) fn asked_one(asked: &Asked) -> (StreamId, &Request) {
    match &asked.opened[..] {
        [(stream, request)] => (*stream, request),
        _ => panic!("one request was expected: {asked:?}"),
    }
}

fn name(change: &Change) -> &'static str {
    match change {
        Change::Conversation(_) => "conversation",
        Change::Message { message, .. } => match message.answer() {
            Some(_) => "answer",
            None => "prompt",
        },
        Change::Growth { .. } => "growth",
        Change::Draft { .. } => "draft",
        Change::Queue { .. } => "queue",
        Change::Outcome { .. } => "outcome",
        _ => "other",
    }
}

pub(super) fn prompts(chat: &Conversation) -> Vec<&str> {
    let messages = chat.branch.iter().map(|id| &chat.messages[id]);
    messages
        .filter_map(|Message { body, .. }| match body {
            super::Body::Prompt(prompt) => Some(prompt.text.as_str()),
            super::Body::Answer(_) => None,
        })
        .collect()
}
