//! Conversations of any length, as stored on disk.

use std::fmt::Write;

use ibid::chat::{
    Answer, AnswerEnd, ChatSettings, Conversation, ConversationHeader, ConversationId, Item, ItemKind, ItemSlot,
    Message, MessageBody, MessageId, Prompt, Timestamp, answer::ContentPart,
};
use uuid::Uuid;

/// A conversation of alternating prompts and answers on one branch; every answer is `text`.
pub fn conversation(count: u128, text: &str) -> Conversation {
    let (header, messages) = header_and_messages(count, text);
    Conversation::restore(header, messages, String::new(), Vec::new())
}

/// The same conversation as its stored rows.
pub fn header_and_messages(count: u128, text: &str) -> (ConversationHeader, Vec<Message>) {
    let timestamp = Timestamp::UNIX_EPOCH;
    let id = |number: u128| MessageId(Uuid::from_u128(number));
    let messages = (1..=count).map(|number| {
        let body = if number % 2 == 1 {
            MessageBody::Prompt(Prompt { text: "A prompt".into() })
        } else {
            let mut answer = Answer::new("openrouter", "a/b", timestamp);
            let parts = vec![ContentPart::Text { text: text.into(), annotations: Vec::new() }];
            let kind = ItemKind::Message { parts, phase: None };
            answer.items.insert(
                ItemSlot { step: 0, index: 0 },
                Item { raw: None, opened_at: timestamp, closed_at: Some(timestamp), kind: kind.into() },
            );
            answer.end = AnswerEnd::Complete;
            answer.ended_at = Some(timestamp);
            MessageBody::Answer(answer)
        };
        Message { id: id(number), parent: (number > 1).then(|| id(number - 1)), created_at: timestamp, rev: 0, body }
    });
    let header = ConversationHeader {
        id: ConversationId(Uuid::from_u128(1)),
        title: "A long one".into(),
        renamed: false,
        settings: ChatSettings {
            endpoint: "openrouter".into(),
            model: "openai/gpt-4.1-mini".into(),
            ..ChatSettings::default()
        },
        branch: (1..=count).map(id).collect(),
        updated_at: timestamp,
        unread: false,
        left_out: std::collections::BTreeSet::new(),
    };
    (header, messages.collect())
}

/// At least `bytes` bytes of mixed Markdown in small blocks.
pub fn mixed_markdown(bytes: usize) -> String {
    let mut source = String::with_capacity(bytes + 1024);
    for section in 1.. {
        if source.len() >= bytes {
            break;
        }
        let _ = write!(
            source,
            "## Section {section}\n\nThe **quick** brown `fox` jumps over the *lazy* dog, again and again until the paragraph is \
             long enough to wrap a few times in a usual pane of text, 与中文混排 and [a link](https://x.example/{section}).\n\n\
             - first item with words\n- second item with `code`\n  - nested item\n\n```rust\nfn f{section}(x: u32) -> u32 {{\n    \
             let y = x * 2; // comment\n    y + {section}\n}}\n```\n\n| a | b |\n|---|---|\n| one | {section} |\n\n> quote line one\n> quote line two\n\n"
        ); // Writing to a `String` never fails.
    }
    source
}
