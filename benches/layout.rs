//! What reading costs: a delta, a frame, a resize, a whole stream. `cargo bench --bench layout`.

#[path = "../tests/support/mod.rs"]
mod support;

use divan::{Bencher, black_box};
use ibid::{
    chat::{MessageId, Timestamp},
    config::Show,
    widgets::{
        highlight::{BlockId, Highlighter, Job},
        markdown::{Look, MarkdownLayout, Stage},
        theme::Theme,
        transcript::{Move, ReadingOptions, Transcript, TranscriptView},
    },
};
use ratatui::{buffer::Buffer, layout::Rect, widgets::Widget};
use support::long::{conversation, mixed};
use uuid::Uuid;

fn main() {
    divan::main();
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
    let chat = conversation(messages, &mixed(700));
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
        TranscriptView { transcript: &transcript, theme: &theme, focused: true, card_focused: false, end_key: "^End" }
            .render(buf.area, &mut buf);
    });
}

/// A frame of another width, in a conversation of 5,000 messages.
#[divan::bench]
fn resize(bencher: Bencher) {
    let chat = conversation(5_000, &mixed(700));
    let theme = Theme::bundled("ink").expect("it is bundled");
    let options = ReadingOptions::new(&theme, Show::Auto, jiff::tz::TimeZone::UTC);
    let mut transcript = Transcript::default();
    let mut width = 60;
    bencher.bench_local(|| {
        width = if width >= 160 { 60 } else { width + 1 };
        transcript.sync(&chat, width, 58, now(), &options);
        let mut buf = Buffer::empty(Rect::new(0, 0, width, 58));
        TranscriptView { transcript: &transcript, theme: &theme, focused: true, card_focused: false, end_key: "^End" }
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
