//! Conversations of any length, as the disk has them.

use std::fmt::Write;

use ibid::chat::{
    Answer, Body, Conversation, ConversationId, End, Header, Item, Kind, Message, MessageId, Prompt, Settings, Slot,
    Timestamp, answer::Part,
};
use uuid::Uuid;

/// Prompts and answers by turns, on one branch; every answer is `text`.
pub fn conversation(count: u128, text: &str) -> Conversation {
    let (header, messages) = parts(count, text);
    Conversation::restore(header, messages, String::new(), Vec::new())
}

/// The same as the rows that are kept of it.
pub fn parts(count: u128, text: &str) -> (Header, Vec<Message>) {
    let at = Timestamp::UNIX_EPOCH;
    let id = |number: u128| MessageId(Uuid::from_u128(number));
    let messages = (1..=count).map(|number| {
        let body = if number % 2 == 1 {
            Body::Prompt(Prompt { text: "A prompt".into() })
        } else {
            let mut answer = Answer::new("openrouter", "a/b", at);
            let parts = vec![Part::Text { text: text.into(), annotations: Vec::new() }];
            let kind = Kind::Message { parts, phase: None };
            answer.items.insert(
                Slot { step: 0, index: 0 },
                Item { raw: None, opened: at, closed: Some(at), kind: kind.into() },
            );
            answer.end = End::Complete;
            answer.ended = Some(at);
            Body::Answer(answer)
        };
        Message { id: id(number), parent: (number > 1).then(|| id(number - 1)), at, rev: 0, body }
    });
    let header = Header {
        id: ConversationId(Uuid::from_u128(1)),
        title: "A long one".into(),
        renamed: false,
        settings: Settings {
            endpoint: "openrouter".into(),
            model: "openai/gpt-4.1-mini".into(),
            ..Settings::default()
        },
        branch: (1..=count).map(id).collect(),
        updated: at,
        unread: false,
        left_out: std::collections::BTreeSet::new(),
    };
    (header, messages.collect())
}

/// About so many bytes of mixed Markdown in small blocks.
pub fn mixed(bytes: usize) -> String {
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
        ); // A string takes everything.
    }
    source
}
