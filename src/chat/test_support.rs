//! A conversation for tests, which control its time, saves and streams.

use jiff::SignedDuration;

use super::{
    Answer, CallId, ChatEffect, ChatSettings, Conversation, ConversationChange, IdGenerator, Message, MessageId,
    StreamId, Timestamp, TurnId, TurnPhase, journal::JournalLine,
};
use crate::api::{ApiError, Event, FaultKind, Request};

pub(super) struct TestChat {
    pub chat: Conversation,
    pub ids: IdGenerator,
    pub now: Timestamp,
}

/// The effects of a change, as far as tests look at them.
#[derive(Debug, Default)]
pub(super) struct CollectedEffects {
    pub opened: Vec<(StreamId, Box<Request>)>,
    pub closed: Vec<StreamId>,
    /// Tool calls that were started, with their arguments, and those that were stopped.
    pub started: Vec<(CallId, String, String)>,
    pub stopped: Vec<CallId>,
    /// The rows that were saved, by name; a gated save has its turn in `gates`.
    pub saved: Vec<&'static str>,
    pub gates: Vec<TurnId>,
}

pub(super) fn settings() -> ChatSettings {
    ChatSettings { endpoint: "openrouter".into(), model: "openai/gpt-5.6-luna".into(), ..ChatSettings::default() }
}

pub(super) fn event(json: &serde_json::Value) -> Event {
    Event::parse(&json.to_string())
}

pub(super) fn delta(text: &str) -> Event {
    event(
        &serde_json::json!({ "type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": text }),
    )
}

/// Applies the lines of a journal, as the store does after a crash.
pub(super) fn replay_lines(answer: &mut Answer, lines: &str) {
    for line in lines.lines().filter_map(JournalLine::parse) {
        answer.apply(line.step, line.at, &line.event);
    }
}

pub(super) fn item_done(index: u32, item: &serde_json::Value) -> Event {
    event(&serde_json::json!({ "type": "response.output_item.done", "output_index": index, "item": item }))
}

pub(super) fn message_item(id: &str, text: &str) -> serde_json::Value {
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

pub(super) fn error(fault: FaultKind, status: impl Into<Option<u16>>) -> ApiError {
    ApiError { status: status.into(), ..ApiError::new(fault, "it went wrong") }
}

impl TestChat {
    pub(super) fn new() -> Self {
        let (mut ids, now) = (IdGenerator::new(1), Timestamp::from_second(1_700_000_000).expect("in range"));
        Self { chat: Conversation::new(ids.conversation(now), settings(), now), ids, now }
    }

    pub(super) fn wait(&mut self, millis: i64) {
        self.now += SignedDuration::from_millis(millis);
    }

    pub(super) fn submit(&mut self, text: &str) -> CollectedEffects {
        collect_effects(self.chat.submit(&mut self.ids, self.now, text.into()))
    }

    /// Submits a prompt, confirms its save, and returns the opened stream.
    pub(super) fn send(&mut self, text: &str) -> StreamId {
        let asked = self.submit(text);
        self.confirm_and_open(&asked)
    }

    pub(super) fn confirm_and_open(&mut self, effects: &CollectedEffects) -> StreamId {
        only_request(&self.confirm_saved(effects)).0
    }

    pub(super) fn confirm_saved(&mut self, effects: &CollectedEffects) -> CollectedEffects {
        let [turn] = effects.gates[..] else { panic!("expected one gated save: {effects:?}") };
        super::test_support::collect_effects(self.chat.on_saved(turn, self.now))
    }

    pub(super) fn apply(&mut self, stream: StreamId, events: &[Event]) -> CollectedEffects {
        collect_effects(self.chat.apply(stream, self.now, events, &mut self.ids))
    }

    pub(super) fn end(&mut self, stream: StreamId, result: Result<(), ApiError>) -> CollectedEffects {
        collect_effects(self.chat.on_ended(stream, self.now, result, &mut self.ids))
    }

    pub(super) fn stop(&mut self) -> CollectedEffects {
        let turn = self.chat.active_turn().expect("a turn runs").id;
        collect_effects(self.chat.stop(turn, self.now))
    }

    pub(super) fn tick(&mut self) -> CollectedEffects {
        collect_effects(self.chat.tick(self.now, &mut self.ids))
    }

    /// Runs a complete turn: prompt, answer, end.
    pub(super) fn exchange(&mut self, prompt: &str, answer: &str, cost: &str) -> MessageId {
        let stream = self.send(prompt);
        let id = self.newest();
        let item = message_item(&format!("msg_tmp_{}", self.chat.messages.len()), answer);
        self.apply(stream, &[delta(answer), item_done(0, &item), completed(cost)]);
        self.end(stream, Ok(()));
        self.wait(1000);
        id
    }

    pub(super) fn newest(&self) -> MessageId {
        *self.chat.branch.last().expect("the branch has a message")
    }

    pub(super) fn answer(&self) -> &Answer {
        self.chat.messages[&self.newest()].as_answer().expect("the last message is an answer")
    }

    pub(super) fn phase(&self) -> Option<&TurnPhase> {
        self.chat.active_turn().map(|turn| &turn.phase)
    }

    /// Milliseconds until the next wake; `None` if nothing is due.
    pub(super) fn wakes_in(&self) -> Option<i64> {
        let wake = self.chat.next_wake()?;
        Some(i64::try_from(wake.duration_since(self.now).as_millis()).expect("soon"))
    }
}

pub(super) fn collect_effects(next: Vec<ChatEffect>) -> CollectedEffects {
    let mut collected = CollectedEffects::default();
    for next in next {
        match next {
            ChatEffect::OpenStream { stream, request, endpoint: _ } => collected.opened.push((stream, request)),
            ChatEffect::CloseStream(stream) => collected.closed.push(stream),
            ChatEffect::RunTool { call, tool, arguments } => {
                collected.started.push((call, tool.to_string(), arguments.to_string()));
            }
            ChatEffect::StopTool(call) => collected.stopped.push(call),
            ChatEffect::FetchPrice { .. } | ChatEffect::FetchQuota { .. } => (),
            ChatEffect::Save { changes, gate } => {
                collected.gates.extend(gate);
                collected.saved.extend(changes.iter().map(change_name));
            }
        }
    }
    collected
}

pub(super) fn only_request(effects: &CollectedEffects) -> (StreamId, &Request) {
    match &effects.opened[..] {
        [(stream, request)] => (*stream, request),
        _ => panic!("expected one request: {effects:?}"),
    }
}

fn change_name(change: &ConversationChange) -> &'static str {
    match change {
        ConversationChange::Conversation(_) => "conversation",
        ConversationChange::Message { message, .. } => match message.as_answer() {
            Some(_) => "answer",
            None => "prompt",
        },
        ConversationChange::Journal { .. } => "growth",
        ConversationChange::Draft { .. } => "draft",
        ConversationChange::Queue { .. } => "queue",
        ConversationChange::SendQueued { .. } => "sent",
        ConversationChange::TakeBackQueued { .. } => "taken back",
        ConversationChange::CallResult { .. } => "outcome",
        ConversationChange::SourceCheck(_) => "source check",
        ConversationChange::SideCost { .. } => "side cost",
        ConversationChange::CallRun { .. } => "call",
        _ => "other",
    }
}

pub(super) fn queued(chat: &Conversation) -> Vec<&str> {
    chat.queue.iter().map(|prompt| prompt.text.as_str()).collect()
}

pub(super) fn prompts(chat: &Conversation) -> Vec<&str> {
    let messages = chat.branch.iter().map(|id| &chat.messages[id]);
    messages
        .filter_map(|Message { body, .. }| match body {
            super::MessageBody::Prompt(prompt) => Some(prompt.text.as_str()),
            super::MessageBody::Answer(_) => None,
        })
        .collect()
}
