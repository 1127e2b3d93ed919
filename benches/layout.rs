//! What reading costs: a delta, a frame, a resize, a whole stream. `cargo bench --bench layout`.

use std::fmt::Write;

use divan::{Bencher, black_box};
use ibid::{
    chat::{
        Answer, Body, Conversation, ConversationId, End, Header, Item, Kind, Message, MessageId, Prompt, Settings,
        Slot, Timestamp, answer::Part,
    },
    config::Show,
    widgets::{
        highlight::{BlockId, Highlighter, Job},
        markdown::{Look, MarkdownLayout, Stage},
        theme::Theme,
        transcript::{Move, ReadingOptions, Transcript, TranscriptView},
    },
};
use ratatui::{buffer::Buffer, layout::Rect, widgets::Widget};
use uuid::Uuid;

fn main() {
    divan::main();
}

/// About so many bytes of mixed Markdown in small blocks.
fn mixed(bytes: usize) -> String {
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

/// One delta of four bytes at the end of an answer of so many bytes.
#[divan::bench(args = [1_000, 100_000, 10_000_000])]
fn delta(bencher: Bencher, bytes: usize) {
    let mut source = mixed(bytes) + "Before it.\n\nThe last paragraph";
    let mut layout = MarkdownLayout::new(Look::default());
    layout.sync(&source, 98, Stage::Growing, &[]);
    let base = source.len();
    bencher.bench_local(|| {
        if source.len() > base + 2_000 {
            source.truncate(base);
            layout = MarkdownLayout::new(Look::default());
            layout.sync("", 98, Stage::Growing, &[]);
            layout.sync(&source, 98, Stage::Growing, &[]);
        }
        source.push_str(" abc");
        layout.sync(&source, 98, Stage::Growing, &[]);
    });
}

/// A stream of 400 kB from beginning to end, a frame after so many bytes.
#[divan::bench(args = [4, 64, 256], sample_count = 3, sample_size = 1)]
fn stream_of_400_kb(bencher: Bencher, step: usize) {
    let source = mixed(400_000);
    bencher.bench(|| {
        let mut layout = MarkdownLayout::new(Look::default());
        let mut at = 0;
        while at < source.len() {
            at = source.floor_char_boundary((at + step.max(4)).min(source.len()));
            layout.sync(&source[..at], 98, Stage::Growing, &[]);
        }
        layout.sync(&source, 98, Stage::Complete, &[]);
        layout.rows().len()
    });
}

/// A finished text laid out at once.
#[divan::bench(args = [4_000, 100_000, 1_000_000])]
fn whole(bencher: Bencher, bytes: usize) {
    let source = mixed(bytes);
    bencher.counter(divan::counter::BytesCount::new(source.len())).bench(|| {
        let mut layout = MarkdownLayout::new(Look::default());
        layout.sync(black_box(&source), 98, Stage::Complete, &[]);
        layout.rows().len()
    });
}

/// A frame that scrolls by a row, in a conversation of so many messages.
#[divan::bench(args = [10, 1_000, 100_000])]
fn frame(bencher: Bencher, messages: u128) {
    let chat = conversation(messages);
    let theme = Theme::bundled("ink").expect("it is bundled");
    let options = ReadingOptions::new(&theme, Show::Auto, jiff::tz::TimeZone::UTC);
    let mut transcript = Transcript::default();
    let mut buf = Buffer::empty(Rect::new(0, 0, 100, 58));
    let mut up = false;
    transcript.sync(&chat, 100, 58, now(), &options);
    bencher.bench_local(|| {
        up = !up;
        transcript.scroll(Move::Rows(if up { -1 } else { 1 }));
        transcript.sync(&chat, 100, 58, now(), &options);
        buf.reset();
        TranscriptView { transcript: &transcript, theme: &theme, focused: true, card_focused: false }
            .render(buf.area, &mut buf);
    });
}

/// A frame of another width, in a conversation of 5,000 messages.
#[divan::bench]
fn resize(bencher: Bencher) {
    let chat = conversation(5_000);
    let theme = Theme::bundled("ink").expect("it is bundled");
    let options = ReadingOptions::new(&theme, Show::Auto, jiff::tz::TimeZone::UTC);
    let mut transcript = Transcript::default();
    let mut width = 60;
    bencher.bench_local(|| {
        width = if width >= 160 { 60 } else { width + 1 };
        transcript.sync(&chat, width, 58, now(), &options);
        let mut buf = Buffer::empty(Rect::new(0, 0, width, 58));
        TranscriptView { transcript: &transcript, theme: &theme, focused: true, card_focused: false }
            .render(buf.area, &mut buf);
    });
}

/// A line of code, resumed where the one before ended.
#[divan::bench(args = ["rust", "python", "js", "md"])]
fn coloured_line(bencher: Bencher, language: &str) {
    let block = BlockId { message: MessageId(Uuid::nil()), number: 1 };
    let job = |first_line: usize, text: &str| Job { block, language: language.into(), first_line, text: text.into() };
    let mut worker = Highlighter::new(|| std::time::Duration::ZERO);
    let line = "    let total = left.iter().map(|x| x + 1).sum::<u32>(); // \"sum\"\n";
    worker.paint(job(0, line));
    let mut at = 0;
    bencher.bench_local(|| {
        at += 1;
        worker.paint(job(at, line))
    });
}

fn now() -> Timestamp {
    Timestamp::UNIX_EPOCH
}

fn conversation(count: u128) -> Conversation {
    let id = |number: u128| MessageId(Uuid::from_u128(number));
    let text = mixed(700);
    let messages = (1..=count).map(|number| {
        let body = if number % 2 == 1 {
            Body::Prompt(Prompt { text: "A prompt".into() })
        } else {
            let mut answer = Answer::new("openrouter", "a/b", now());
            let parts = vec![Part::Text { text: text.clone(), annotations: Vec::new() }];
            let kind = Kind::Message { parts, phase: None };
            answer
                .items
                .insert(Slot { step: 0, index: 0 }, Item { raw: None, opened: now(), closed: Some(now()), kind });
            answer.end = End::Complete;
            answer.ended = Some(now());
            Body::Answer(answer)
        };
        Message { id: id(number), parent: (number > 1).then(|| id(number - 1)), at: now(), rev: 0, body }
    });
    let header = Header {
        id: ConversationId(Uuid::from_u128(1)),
        title: "t".into(),
        renamed: false,
        settings: Settings::default(),
        branch: (1..=count).map(id).collect(),
        updated: now(),
        unread: false,
        left_out: std::collections::BTreeSet::new(),
    };
    Conversation::restore(header, messages.collect(), String::new(), Vec::new())
}
