//! A conversation with several branches, as stored on disk.

use ibid::{
    api::{ApiError, FaultKind, Usage, Usd},
    chat::{
        Answer, AnswerEnd, ChatSettings, Conversation, ConversationHeader, ConversationId, Item, ItemKind, ItemSlot,
        Message, MessageBody, MessageId, Prompt, Timestamp, ToolCallRun, ToolCallState,
        answer::{ContentPart, FunctionCall, StepUsage},
    },
    store::StoreReply,
    ui::InitialConversation,
};
use uuid::Uuid;

use super::harness::{Harness, default_start};

/// One message: its parent, its time, its model (none for a prompt), its text and its cost.
type Row = (u128, &'static str, Option<&'static str>, &'static str, &'static str);

const OPUS: Option<&str> = Some("anthropic/claude-opus-5");
const ROWS: &[Row] = &[
    (0, "13:02", None, "How long may a sourdough rise overnight? Be brief, and say what you rely on.", ""),
    (
        1,
        "13:02",
        OPUS,
        "**Twelve hours** in the fridge. Cold slows the yeast far more than the bacteria, so the flavour grows \
      while the dough hardly rises.",
        "0.0184",
    ),
    (
        1,
        "13:03",
        OPUS,
        "Short answer: until noon. The longer one has three parts, and the first is the flour.",
        "0.0205",
    ),
    (
        2,
        "13:04",
        None,
        "And in a warm kitchen? Mine has 27 degrees in the evening, so I would guess that it is done long before \
      I get up.",
        "",
    ),
    (4, "13:04", Some("openai/gpt-oss-20b:free"), "", ""),
    (
        4,
        "13:05",
        OPUS,
        "Warmth changes the clock, not the signs: a jar with a mark on it says more than the hours do.",
        "0.0123",
    ),
    (
        4,
        "13:06",
        Some("google/gemini-3-pro"),
        "Warmth changes the clock more than the signs: rye is done in five hours, wheat takes eight, and a jar says more \
      than the hours do.",
        "0.0041",
    ),
    (6, "13:07", None, "So I watch the jar and not the clock?", ""),
    (7, "13:06", None, "Name three flours that take longer.", ""),
    (
        8,
        "13:07",
        OPUS,
        "Yes, as long as the dough in it is from the same batch and stands in the same place.",
        "0.0098",
    ),
    (9, "13:06", Some("google/gemini-3-pro"), "Spelt, emmer and einkorn do.", "0.0032"),
    (3, "13:10", None, "and what about half the starter? I have one jar on the shelf", ""),
    (12, "13:10", OPUS, "Half the starter is made for this: it takes the night and half of the morning.", "0.0160"),
    (13, "13:12", None, "Show me a plan for Sunday.", ""),
    (
        14,
        "13:12",
        Some("anthropic/claude-sonnet-5"),
        "Two steps are enough: mix on Saturday at nine, bake on Sunday at nine.",
        "0.0140",
    ),
];

pub fn message_id(number: u128) -> MessageId {
    MessageId(Uuid::from_u128(number))
}

fn at(time: &str) -> Timestamp {
    format!("2026-11-22T{time}:00Z").parse().expect("a time")
}

/// A finished answer with a text, or one that failed without.
fn answer(model: &str, text: &str, cost: &str, time: Timestamp) -> Answer {
    let mut answer = Answer::new("openrouter", model, time);
    if text.is_empty() {
        answer.end = AnswerEnd::Failed(ApiError::new(FaultKind::Rate, "too many requests"));
    } else {
        add_item(&mut answer, text_kind(text));
        answer.end = AnswerEnd::Complete;
        let usage = Usage { cost: Usd::parse(cost), output_tokens: Some(40), ..Usage::default() };
        answer.usage_by_step.insert(0, StepUsage { generation_id: None, usage: Some(usage.clone()) });
        answer.usage = Some(usage);
    }
    answer.ended_at = Some(time);
    answer
}

fn text_kind(text: &str) -> ItemKind {
    ItemKind::Message { parts: vec![ContentPart::Text { text: text.into(), annotations: Vec::new() }], phase: None }
}

fn add_item(answer: &mut Answer, kind: ItemKind) -> ItemSlot {
    let slot = ItemSlot { step: 0, index: u32::try_from(answer.items.len()).expect("few") };
    let time = answer.started_at;
    answer.items.insert(slot, Item { raw: None, opened_at: time, closed_at: Some(time), kind: kind.into() });
    slot
}

/// A call that never ran.
fn cancelled_call(time: Timestamp) -> ToolCallRun {
    ToolCallRun {
        tool: None,
        arguments: serde_json::json!({}),
        edited: false,
        started_at: None,
        ended_at: Some(time),
        state: ToolCallState::Cancelled,
        progress: None,
        full_size: None,
    }
}

/// Fifteen messages on four branches, of which the first is shown to one of its ends.
pub fn conversation() -> Conversation {
    let messages = (1..).zip(ROWS).map(|(number, (parent, time, model, text, cost))| Message {
        id: message_id(number),
        parent: (*parent > 0).then(|| message_id(*parent)),
        created_at: at(time),
        rev: 0,
        body: match model {
            None => MessageBody::Prompt(Prompt { text: (*text).into() }),
            Some(model) => MessageBody::Answer(answer(model, text, cost, at(time))),
        },
    });
    let branch = [1, 2, 4, 6, 8, 10].map(message_id).to_vec();
    Conversation::restore(header(branch), messages.collect(), String::new(), Vec::new())
}

fn header(branch: Vec<MessageId>) -> ConversationHeader {
    ConversationHeader {
        id: ConversationId(Uuid::from_u128(1)),
        title: "Sourdough overnight".into(),
        renamed: false,
        settings: ChatSettings {
            endpoint: "openrouter".into(),
            model: "anthropic/claude-opus-5".into(),
            ..ChatSettings::default()
        },
        branch,
        updated_at: at("13:15"),
        unread: false,
        left_out: std::collections::BTreeSet::new(),
    }
}

/// A prompt, an answer that called two tools and says something, and one that only called tools.
pub fn conversation_with_calls() -> Conversation {
    let time = at("13:02");
    let call =
        |name: &str| ItemKind::Call(FunctionCall { call_id: "c".into(), name: name.into(), arguments: "{}".into() });
    let mut said = answer("anthropic/claude-opus-5", "It is in the second file.", "0.01", time);
    let mut silent = answer("openai/gpt-5.6-luna", "x", "0.02", time);
    silent.items.clear();
    for name in ["read_file", "grep", "read_file"] {
        for answer in [&mut said, &mut silent] {
            let slot = add_item(answer, call(name));
            answer.call_runs.insert(slot, cancelled_call(time));
        }
    }
    let bodies = [
        (1, None, MessageBody::Prompt(Prompt { text: "Where is the parser?".into() })),
        (2, Some(1), MessageBody::Answer(said)),
        (3, Some(1), MessageBody::Answer(silent)),
    ];
    let messages = bodies.map(|(number, parent, body)| Message {
        id: message_id(number),
        parent: parent.map(message_id),
        created_at: time,
        rev: 0,
        body,
    });
    Conversation::restore(header([1, 2].map(message_id).to_vec()), messages.into(), String::new(), Vec::new())
}

/// The program with a conversation on the screen.
pub fn opened(conversation: Conversation, width: u16, height: u16) -> Harness {
    let mut start = default_start(width, height);
    start.initial_conversation = InitialConversation::Latest;
    let mut app = Harness::with_start(start);
    app.store_reply(StoreReply::Opened { newest: vec![conversation.summary()], total: 1, new_draft: String::new() });
    app.store_reply(StoreReply::Loaded(Box::new(conversation)));
    app.effects.clear();
    app
}
