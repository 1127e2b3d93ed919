//! The layout as a whole: streaming changes nothing, nothing is wider than its column, and nobody
//! pays for what is not on the screen.

mod support;

use ibid::{
    chat::{Conversation, Timestamp},
    config::Show,
    text,
    widgets::{
        markdown::{Look, MarkdownLayout, Stage, Work},
        theme::Theme,
        transcript::{Move, ReadingOptions, Transcript, TranscriptView},
    },
};
use proptest::prelude::*;
use ratatui::{buffer::Buffer, layout::Rect, widgets::Widget};
use support::harness::Harness;

/// Whole blocks of every construct, in several scripts.
const BLOCKS: &[&str] = &[
    "# A first heading\n\n",
    "Setext\n======\n\nand\n---\n\n",
    "### Третий *заголовок* с `кодом`\n",
    "Prose with **bold**, *italic*, ***both***, ~~struck~~, `code`, [a link](https://x.example \"t\") and <https://y.example>.\n\n",
    "A paragraph that goes on for so long that it needs several rows in any column, and a bit of 中文混排 text, too.\n\n",
    "日本語の文章は、単語の間に空白がないので、禁則処理に従って改行されます。「括弧」も守られます。\n\n",
    "שלום עולם, وهذا نص عربي طويل قليلاً, and back again.\n\n",
    "Emoji 👨‍👩‍👧‍👦 🇩🇪 👍🏽 ❤️ 1️⃣ and e\u{301} combining, ｶﾞ and \u{200b}zero\u{200b}width.\n\n",
    "1. one\n2. two\n   - nested\n     * deeper\n       + deepest, and long enough to need a second row somewhere\n\n   a paragraph in the item\n\n3. three\n\n",
    "- [x] done\n- [ ] to do\n- \n- empty above\n\n",
    "> A quotation\n> with a lazy\nline, and\n>\n> - a list\n>   1. in it\n\n",
    "> [!WARNING]\n> An alert with `code`.\n\n",
    "```rust\nfn main() {\n    println!(\"{}\", 42); // a comment that is long enough to be wrapped in a narrow column\n\n}\n```\n\n",
    "~~~\nno language\n\ttabs\tare spaces\n~~~\n\n",
    "    indented code\n    goes on\n\n",
    "| Left | Right | A longer head |\n|:--|--:|---|\n| a | 1 | words that wrap when there is no room for them |\n| 日本 | 22 | `code` |\n\n",
    "---\n\n",
    "<div>\n  <b>HTML</b>\n</div>\n\nInline <kbd>x</kbd> and a<br>break.\n\n",
    "![alt text](https://x.example/i.png) and a note[^1].\n\n[^1]: The note.\n\n",
    "[ref] and [text][ref]\n\n[ref]: https://late.example\n\n",
    "Hard  \nbreak\\\nhere &amp; there &copy; \\*not\\* emphasis\n\n",
    "\u{1b}[31mred\u{1b}[0m \u{9b}2J \u{202e}override\u{202c} \u{1b}]0;title\u{7}end\r\n\r\n",
    "Maths $E = mc^2$, \\(\\alpha\\), $5 and $6, \\[ x = \\frac{1}{2} \\] and\n\n$$\n\\sum_{i=1}^n x_i\n+ \\sqrt{2}\n= y\n$$\n\n",
    "\\[\n\\begin{pmatrix} 1 & 2 \\\\ 3 & 4 \\end{pmatrix}\n\\]\n\n",
    "```mermaid\nsequenceDiagram\n  A->>B: hello\n```\n\n",
    "```diff\n@@ -1 +1 @@\n-old\n+new\n```\n\n",
    "![A chart that stands alone](https://x.example/charts/one.png)\n\n",
    "a_word_that_is_far_too_long_for_any_narrow_column_and_has_no_place_to_break_at_all\n\n",
];

fn laid(source: &str, width: usize) -> MarkdownLayout {
    laid_with(source, width, false)
}

/// With the addresses of links written out, as where the terminal has no links, or without.
fn laid_with(source: &str, width: usize, addresses: bool) -> MarkdownLayout {
    let mut layout = MarkdownLayout::new(Look { addresses, ..Look::default() });
    layout.sync(source, width, Stage::Complete, &[]);
    layout
}

fn document() -> impl Strategy<Value = String> {
    let random = "[ -~\n]{0,40}|\\PC{0,24}".prop_map(|text| text + "\n\n");
    let block = prop_oneof![4 => prop::sample::select(BLOCKS).prop_map(str::to_owned), 1 => random];
    prop::collection::vec(block, 1..40).prop_map(|blocks| blocks.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn streamed_in_any_pieces_is_as_laid_out_at_once(source in document(), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..60), width in 1usize..110, addresses: bool) {
        let mut ends: Vec<usize> = cuts.iter().map(|cut| source.floor_char_boundary(cut.index(source.len() + 1))).collect();
        ends.sort_unstable();
        let mut layout = MarkdownLayout::new(Look { addresses, ..Look::default() });
        for end in ends {
            layout.sync(&source[..end], width, Stage::Growing, &[]);
            for row in layout.rows() {
                prop_assert!(row.width() <= width || width < 3, "{:?} in {width}", row.text());
            }
        }
        layout.sync(&source, width, Stage::Complete, &[]);
        let whole = laid_with(&source, width, addresses);
        prop_assert_eq!(layout.rows(), whole.rows());
    }

    #[test]
    fn every_byte_of_the_source_belongs_to_a_row(source in document(), width in 1usize..110, addresses: bool) {
        let layout = laid_with(&source, width, addresses);
        let mut at = 0;
        for row in layout.rows() {
            prop_assert_eq!(row.source.start, at);
            at = row.source.end;
        }
        // A text without anything to see has no rows.
        prop_assert!(at == source.len() || layout.rows().is_empty());
    }

    #[test]
    fn no_row_holds_anything_that_a_terminal_obeys(source in document(), width in 1usize..110) {
        for row in laid(&source, width).rows() {
            let words = row.text();
            prop_assert!(!words.chars().any(char::is_control), "{words:?}");
            prop_assert_eq!(text::clean(&words), words.as_str());
        }
    }
}

#[test]
fn streaming_byte_by_byte_shows_at_each_moment_what_has_come() {
    let source: String = BLOCKS.iter().filter(|block| !block.contains("]: ")).copied().collect();
    let words = |layout: &MarkdownLayout| -> Vec<String> {
        let rows = layout.rows().iter().map(|row| row.text().trim_end().to_owned());
        rows.filter(|row| !row.trim_matches([' ', '▏']).is_empty()).collect()
    };
    let mut layout = MarkdownLayout::new(Look::default());
    for end in (0..=source.len()).filter(|end| source.is_char_boundary(*end)) {
        layout.sync(&source[..end], 50, Stage::Growing, &[]);
        let clean = text::clean(&source[..end]);
        let begun = clean.rsplit('\n').next().unwrap_or("").trim_start();
        // What may yet be the end of a fence is not shown as code; an escape sequence may be half here.
        if end % 7 == 0 && !begun.starts_with(['`', '~']) {
            assert_eq!(words(&layout), words(&laid(&source[..end], 50)), "at {end}, {begun:?}");
        }
    }
}

// What is paid for.

/// Mixed Markdown of about so many bytes, in blocks of less than 4 kB.
fn mixed(bytes: usize) -> String {
    let blocks = BLOCKS.iter().filter(|block| !block.contains("]: "));
    let mut source = String::with_capacity(bytes + 1024);
    for block in blocks.cycle() {
        if source.len() >= bytes {
            break;
        }
        source.push_str(block);
    }
    source
}

/// What a hundred deltas of the same text cost at the end of an answer of this size.
fn cost_of_deltas(bytes: usize) -> (u64, u64) {
    let mut source = mixed(bytes) + "Before it.\n\nThe last paragraph";
    let mut layout = MarkdownLayout::new(Look::default());
    layout.sync(&source, 80, Stage::Growing, &[]);
    let before = layout.work();
    for _ in 0..100 {
        source.push_str(" says something more");
        layout.sync(&source, 80, Stage::Growing, &[]);
    }
    difference(before, layout.work())
}

fn difference(before: Work, after: Work) -> (u64, u64) {
    (after.rows - before.rows, after.bytes - before.bytes)
}

#[test]
fn the_cost_of_a_delta_does_not_grow_with_the_answer() {
    let small = cost_of_deltas(1_000);
    assert_eq!(cost_of_deltas(100_000), small);
    assert_eq!(cost_of_deltas(10_000_000), small);
}

#[test]
fn a_whole_stream_costs_a_few_times_its_size() {
    let source = mixed(400_000);
    let mut layout = MarkdownLayout::new(Look::default());
    let mut at = 0;
    while at < source.len() {
        at = source.floor_char_boundary((at + 64).min(source.len()));
        layout.sync(&source[..at], 98, Stage::Growing, &[]);
    }
    let rows = layout.rows().len() as u64;
    let work = layout.work();
    assert!(work.bytes < 12 * source.len() as u64, "{work:?} for {} bytes", source.len());
    assert!(work.rows < 12 * rows, "{work:?} for {rows} rows");
}

#[test]
fn a_long_open_block_is_closed_at_its_last_row() {
    for (start, more) in [("", "word after word "), ("```text\n", "a line of code\n"), ("```\n", "no line end at all ")]
    {
        let mut source = start.to_owned();
        let mut layout = MarkdownLayout::new(Look::default());
        let mut most = 0;
        while source.len() < 400_000 {
            source.push_str(&more.repeat(256));
            let before = layout.work();
            layout.sync(&source, 80, Stage::Growing, &[]);
            most = most.max(difference(before, layout.work()).1);
        }
        assert!(most < 300_000, "{most} bytes in one frame of {more:?}");
        layout.sync(&source, 80, Stage::Complete, &[]);
        assert_eq!(layout.rows(), laid(&source, 80).rows());
    }
}

#[test]
fn the_cost_of_a_frame_does_not_grow_with_the_conversation() {
    let cost = |count: u128| {
        let chat = conversation(count);
        let mut transcript = Transcript::default();
        transcript.sync(&chat, 100, 40, now(), &options());
        let first = transcript.work();
        transcript.scroll(Move::Pages(-1));
        transcript.sync(&chat, 100, 40, now(), &options());
        let paged = difference(first, transcript.work());
        // Another width lays out the window again, and nothing else.
        let before = transcript.work();
        transcript.sync(&chat, 80, 40, now(), &options());
        (first, paged, difference(before, transcript.work()))
    };
    let small = cost(100);
    assert!(cost(10).0.rows <= small.0.rows);
    assert_eq!(cost(1_000), small);
    assert_eq!(cost(100_000), small);
}

#[test]
fn what_comes_at_once_and_is_too_much_for_a_frame_is_laid_out_in_several() {
    let mut app = Harness::new(100, 30);
    let stream = app.prompt("all of it");
    let delta = |text: &str| {
        let event = serde_json::json!({"type": "response.output_text.delta", "output_index": 0, "delta": text});
        event.to_string()
    };
    app.events(stream, &[&delta("It begins. ")]);
    let work = |app: &Harness| app.state.screen.transcript().expect("it is open").work().bytes;
    let mut before = work(&app);
    app.events(stream, &[&delta(&"x y ".repeat(250_000)), &delta("the end")]);
    let mut frames = 0;
    loop {
        let cost = work(&app) - before;
        assert!(cost < 300_000, "{cost} bytes in a frame");
        if !app.state.screen.transcript().expect("it is open").is_behind() {
            break;
        }
        let due = ibid::app::next_wake(&app.state, app.now).expect("the next frame goes on");
        assert!(due.duration_since(app.now) <= jiff::SignedDuration::from_millis(20));
        (before, frames) = (work(&app), frames + 1);
        app.draw();
    }
    assert!(frames > 10 && app.screen().contains("the end"), "{frames} frames\n{}", app.screen());
}

#[test]
fn what_is_far_away_is_forgotten() {
    let chat = conversation(4_000);
    let mut transcript = Transcript::default();
    for _ in 0..400 {
        transcript.scroll(Move::Pages(-1));
        transcript.sync(&chat, 100, 40, now(), &options());
    }
    assert!(transcript.kept() < 400, "{} messages are laid out", transcript.kept());
}

#[test]
fn a_storm_of_resizes_draws_the_same_as_each_size_alone() {
    let chat = conversation(200);
    let theme = Theme::default();
    let draw = |transcript: &mut Transcript, width: u16, height: u16| {
        transcript.sync(&chat, width, height, now(), &options());
        let mut buf = Buffer::empty(Rect::new(0, 0, width, height));
        TranscriptView { transcript, theme: &theme, focused: false, card_focused: false, end_key: "^End" }
            .render(buf.area, &mut buf);
        buf
    };
    let mut transcript = Transcript::default();
    for step in 0..120_u16 {
        let (width, height) = (1 + step * 37 % 140, step * 13 % 50);
        assert_eq!(
            draw(&mut transcript, width, height),
            draw(&mut Transcript::default(), width, height),
            "{width}x{height}"
        );
    }
}

fn now() -> Timestamp {
    Timestamp::UNIX_EPOCH
}

fn options() -> ReadingOptions {
    ReadingOptions::new(&Theme::default(), Show::Auto, jiff::tz::TimeZone::UTC)
}

/// Prompts and answers by turns, each of a few rows.
fn conversation(count: u128) -> Conversation {
    let text = "An answer with **bold** words and `code`, long enough for a second row in most columns that there are.\n\n- one\n- two\n\n```rust\nlet x = 1;\n```\n";
    support::long::conversation(count, text)
}
