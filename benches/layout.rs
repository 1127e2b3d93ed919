//! Layout costs: a delta, a frame, a resize, a whole stream. Run with `cargo bench --bench layout`.
#![allow(unreachable_pub, reason = "nothing outside uses a bench")]

#[path = "../tests/support/mod.rs"]
mod support;

use divan::{Bencher, black_box};
use ibid::{
    chat::Timestamp,
    config::ShowMode,
    render::{
        highlight::{CodeBlockId, CodeHighlighter, CodeOwner, HighlightJob},
        markdown::{MarkdownLayout, MarkdownOptions, TextStage},
        theme::Theme,
    },
    ui::{
        reading::{ReadingOptions, ScrollMove},
        transcript::{Transcript, TranscriptView},
    },
};
use ratatui::{buffer::Buffer, layout::Rect, widgets::Widget};
use support::long_conversation::{conversation, mixed_markdown};

fn main() {
    divan::main();
}

/// One delta of four bytes at the end of an answer of `bytes` bytes.
#[divan::bench(args = [1_000, 100_000, 10_000_000])]
fn delta(bencher: Bencher, bytes: usize) {
    let mut source = mixed_markdown(bytes) + "Before it.\n\nThe last paragraph";
    let mut layout = MarkdownLayout::new(MarkdownOptions::default());
    layout.sync(&source, 98, TextStage::Growing, &[]);
    let base = source.len();
    bencher.bench_local(|| {
        if source.len() > base + 2_000 {
            source.truncate(base);
            layout = MarkdownLayout::new(MarkdownOptions::default());
            layout.sync("", 98, TextStage::Growing, &[]);
            layout.sync(&source, 98, TextStage::Growing, &[]);
        }
        source.push_str(" abc");
        layout.sync(&source, 98, TextStage::Growing, &[]);
    });
}

/// A stream of 400 kB from beginning to end, with a frame every `step` bytes.
#[divan::bench(args = [4, 64, 256], sample_count = 3, sample_size = 1)]
fn stream_of_400_kb(bencher: Bencher, step: usize) {
    let source = mixed_markdown(400_000);
    bencher.bench(|| {
        let mut layout = MarkdownLayout::new(MarkdownOptions::default());
        let mut shown_bytes = 0;
        while shown_bytes < source.len() {
            shown_bytes = source.floor_char_boundary((shown_bytes + step.max(4)).min(source.len()));
            layout.sync(&source[..shown_bytes], 98, TextStage::Growing, &[]);
        }
        layout.sync(&source, 98, TextStage::Complete, &[]);
        layout.rows().len()
    });
}

/// A finished text laid out in one go.
#[divan::bench(args = [4_000, 100_000, 1_000_000])]
fn finished_text(bencher: Bencher, bytes: usize) {
    let source = mixed_markdown(bytes);
    bencher.counter(divan::counter::BytesCount::new(source.len())).bench(|| {
        let mut layout = MarkdownLayout::new(MarkdownOptions::default());
        layout.sync(black_box(&source), 98, TextStage::Complete, &[]);
        layout.rows().len()
    });
}

/// A frame that scrolls by a row, in a conversation of `messages` messages.
#[divan::bench(args = [10, 1_000, 100_000])]
fn scroll_frame(bencher: Bencher, messages: u128) {
    let chat = conversation(messages, &mixed_markdown(700));
    let theme = Theme::bundled("ink").expect("the theme is bundled");
    let options = ReadingOptions::new(&theme, ShowMode::Auto, jiff::tz::TimeZone::UTC);
    let mut transcript = Transcript::default();
    let mut buf = Buffer::empty(Rect::new(0, 0, 100, 58));
    let mut up = false;
    transcript.sync(&chat, 100, 58, now(), &options);
    bencher.bench_local(|| {
        up = !up;
        transcript.scroll(ScrollMove::Rows(if up { -1 } else { 1 }));
        transcript.sync(&chat, 100, 58, now(), &options);
        buf.reset();
        draw(&transcript, &theme, &mut buf);
    });
}

fn draw(transcript: &Transcript, theme: &Theme, buf: &mut Buffer) {
    TranscriptView { transcript, theme, focused: true, pill_row: None, end_key: "^End", code_keys_of: None }
        .render(buf.area, buf);
}

/// A frame at a new width, in a conversation of 5,000 messages.
#[divan::bench]
fn resize(bencher: Bencher) {
    let chat = conversation(5_000, &mixed_markdown(700));
    let theme = Theme::bundled("ink").expect("the theme is bundled");
    let options = ReadingOptions::new(&theme, ShowMode::Auto, jiff::tz::TimeZone::UTC);
    let mut transcript = Transcript::default();
    let mut width = 60;
    bencher.bench_local(|| {
        width = if width >= 160 { 60 } else { width + 1 };
        transcript.sync(&chat, width, 58, now(), &options);
        let mut buf = Buffer::empty(Rect::new(0, 0, width, 58));
        draw(&transcript, &theme, &mut buf);
    });
}

/// A line of code, highlighted from where the previous one ended.
#[divan::bench(args = ["rust", "python", "js", "md"])]
fn highlighted_line(bencher: Bencher, language: &str) {
    let block = CodeBlockId { owner: CodeOwner(0), number: 1 };
    let job = |first_line: usize, text: &str| HighlightJob {
        block,
        language: language.into(),
        first_line,
        text: text.into(),
    };
    let mut worker = CodeHighlighter::new(|| std::time::Duration::ZERO);
    let line = "    let total = left.iter().map(|x| x + 1).sum::<u32>(); // \"sum\"\n";
    worker.highlight(job(0, line));
    let mut line_index = 0;
    bencher.bench_local(|| {
        line_index += 1;
        worker.highlight(job(line_index, line))
    });
}

fn now() -> Timestamp {
    Timestamp::UNIX_EPOCH
}
