//! A conversation with everything that an export can show.

use std::collections::BTreeMap;

use ibid::{
    api::{Usage, Usd},
    chat::{
        Answer, AnswerEnd, ChatSettings, ConversationFiling, ConversationHeader, ConversationId, Item, ItemKind,
        ItemSlot, Message, MessageBody, MessageId, Prompt, StoredCheck, Timestamp, ToolCallRun, ToolCallState,
        WholeConversation, answer::StepUsage, tool_call::ResultSize,
    },
    tools::{ToolId, ToolOutcome},
};
use serde_json::{Value, json, value::RawValue};
use uuid::Uuid;

pub const TEXT: &str = "# Locks\n\n**WAL needs shared memory**, and hosts share none ([sqlite.org](https://sqlite.org/faq.html#q5)).\n\n\
    ```rust\n// a <lock>\nfn main() { println!(\"{}\", 1 < 2); }\n```\n\n\
    Energy is $E=mc^2$, and\n\n$$\\sum_{i=1}^n x_i \\leq \\frac{a}{b}$$\n\n\
    | Host | Ok? |\n|:-----|----:|\n| one | ✓ |\n| 二つ | ✗ |\n\n\
    > Quoted & true.\n\n- [x] done\n- [ ] open\n  - inner\n\n1. first\n2. second\n\n\
    Own note[^n]. ![A diagram](https://img.example/d.png) H<sub>2</sub>O, ~~old~~ and `a < b`.\n\n\
    日本語の文です。 هذا نص عربي.\n\n<details><summary>More</summary>\n\nHidden *text*.\n\n</details>\n\n\
    [^n]: By the way.\n";

pub fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_764_000_000 + second).expect("in range")
}

pub fn message_id(number: u128) -> MessageId {
    MessageId(Uuid::from_u128(0x0199_0000_0000_7000_8000_0000_0000_0000 + number))
}

pub fn item(json: &Value, opened: i64) -> Item {
    let raw = RawValue::from_string(json.to_string()).expect("JSON stays JSON");
    let kind = ItemKind::from_raw(&raw);
    Item { raw: Some(raw.into()), opened_at: at(opened), closed_at: Some(at(opened + 3)), kind: kind.into() }
}

pub fn text_item(text: &str, annotations: &[Value]) -> Value {
    json!({"type": "message", "id": "msg_1", "role": "assistant", "status": "completed",
        "content": [{"type": "output_text", "text": text, "annotations": annotations}]})
}

pub fn answer(items: Vec<Item>, end: AnswerEnd) -> Answer {
    let mut answer = Answer::new("openrouter", "anthropic/claude-opus-5", at(1));
    answer.items = (0..).zip(items).map(|(index, item)| (ItemSlot { step: 0, index }, item)).collect();
    answer.answered_by = Some("anthropic/claude-opus-5".into());
    answer.params.provider = Some("Anthropic".into());
    answer.end = end;
    answer.ended_at = Some(at(9));
    let usage =
        Usage { input_tokens: Some(12), output_tokens: Some(34), cost: Usd::parse("0.0184"), ..Usage::default() };
    answer.usage = Some(usage.clone());
    let bill = StepUsage { generation_id: Some("gen-17".into()), usage: Some(usage) };
    answer.usage_by_step = BTreeMap::from([(0, bill)]);
    answer
}

pub fn prompt(text: &str) -> MessageBody {
    MessageBody::Prompt(Prompt { text: text.into() })
}

/// A conversation of these messages, each below the one before it.
pub fn conversation(title: &str, bodies: Vec<MessageBody>) -> WholeConversation {
    let messages = (1..).zip(bodies).map(|(number, body)| Message {
        id: message_id(number),
        parent: (number > 1).then(|| message_id(number - 1)),
        created_at: at(i64::try_from(number).expect("small")),
        rev: 0,
        body,
    });
    let messages: Vec<Message> = messages.collect();
    WholeConversation {
        header: ConversationHeader {
            id: ConversationId(Uuid::from_u128(0x0199_aaaa_0000_7000_8000_0000_0000_0001)),
            title: title.into(),
            renamed: true,
            settings: ChatSettings {
                endpoint: "openrouter".into(),
                model: "anthropic/claude-opus-5".into(),
                ..ChatSettings::default()
            },
            branch: messages.iter().map(|message| message.id).collect(),
            updated_at: at(60),
            unread: false,
            left_out: std::collections::BTreeSet::new(),
        },
        filing: ConversationFiling::default(),
        created_at: at(0),
        origin: None,
        messages,
        full_results: BTreeMap::new(),
        checks: Vec::new(),
        side_costs: Vec::new(),
    }
}

fn citations() -> Vec<Value> {
    let range = |words: &str| {
        let start = TEXT[..TEXT.find(words).expect("the words are there")].chars().count();
        (start, start + words.chars().count())
    };
    let (wal, faq) = (range("WAL needs shared memory"), range("[sqlite.org](https://sqlite.org/faq.html#q5)"));
    vec![
        json!({"type": "url_citation", "url": "https://www.sqlite.org/wal.html", "title": "Write-Ahead Logging",
            "content": "All processes must be on the same host <computer>.", "start_index": wal.0, "end_index": wal.1}),
        json!({"type": "url_citation", "url": "https://sqlite.org/faq.html#q5", "title": "FAQ", "start_index": faq.0, "end_index": faq.1}),
        json!({"type": "file_citation", "file_id": "f", "filename": "mounts.pdf", "index": 3}),
    ]
}

/// A tree of six messages: an answer in two versions, below the first of which the talk goes on.
pub fn everything() -> WholeConversation {
    let reasoning = json!({"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "**Looking at locks**\n\nNFS."}]});
    let search = json!({"type": "openrouter:web_search", "id": "ws_1", "status": "completed",
        "action": {"query": "sqlite wal nfs", "sources": [{"url": "https://www.sqlite.org/wal.html"}]}});
    let call = json!({"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "notes__search",
        "arguments": "{\"query\": \"locks\"}", "status": "completed"});
    let full = answer(
        vec![item(&reasoning, 1), item(&search, 4), item(&call, 5), item(&text_item(TEXT, &citations()), 6)],
        AnswerEnd::Complete,
    );
    let cut = answer(vec![item(&text_item("It breaks off in\n\n```sh\necho", &[]), 2)], AnswerEnd::Interrupted);
    let refusal = json!({"type": "message", "id": "msg_2", "role": "assistant", "status": "completed",
        "content": [{"type": "refusal", "refusal": "I cannot help with that."}]});
    let bodies = vec![
        prompt("Why does WAL fail on NFS?\n\n# not a heading"),
        MessageBody::Answer(full),
        MessageBody::Answer(cut),
        prompt("And my key sk-or-v1-0123456789abcdef0123456789abcdef?"),
        MessageBody::Answer(answer(vec![item(&refusal, 3)], AnswerEnd::Complete)),
    ];
    let mut whole = conversation("Locks & <b>NFS</b>", bodies);
    whole.messages[2].parent = Some(message_id(1));
    whole.messages[3].parent = Some(message_id(2));
    whole.header.branch = [1, 2, 4, 5].map(message_id).to_vec();
    whole.header.settings.instructions = Some("Be brief.".into());
    let slot = ItemSlot { step: 0, index: 2 };
    let outcome = ToolOutcome::text("two notes\nabout `locks` </details>");
    if let MessageBody::Answer(answer) = &mut whole.messages[1].body {
        answer.notes.push("the oldest turns were left out".into());
        answer.call_runs.insert(
            slot,
            ToolCallRun {
                tool: Some(ToolId::new("notes", "search")),
                arguments: json!({"query": "locks"}),
                edited: false,
                started_at: Some(at(5)),
                ended_at: Some(at(6)),
                state: ToolCallState::Done(ToolOutcome::text("two notes […]")),
                progress: None,
                full_size: Some(ResultSize { bytes: 27, lines: 2 }),
            },
        );
    }
    whole.full_results.insert((message_id(2), slot), outcome);
    whole.checks.push(StoredCheck {
        message: message_id(2),
        source: "https://www.sqlite.org/wal.html".into(),
        checked_at: at(20),
        page_hash: Some("00".into()),
        result: json!({"outcome": {"unread": "the server answered 403"}}).to_string(),
    });
    whole
}
