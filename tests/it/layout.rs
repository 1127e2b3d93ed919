//! Properties of the layout: streaming does not change the result, no row is wider than its column, and
//! off-screen content costs nothing.

use crate::support::harness::Harness;
use ibid::{
    chat::{Conversation, Timestamp},
    config::{LineBreaks, ShowMode},
    render::{
        markdown::{LayoutBudget, LayoutWork, MarkdownLayout, MarkdownOptions, TextStage},
        theme::Theme,
    },
    text,
    ui::{
        reading::{ReadingOptions, ScrollMove},
        transcript::{Transcript, TranscriptView},
    },
};
use proptest::prelude::*;
use ratatui::{buffer::Buffer, layout::Rect, widgets::Widget};

/// Complete blocks of every Markdown construct, in several scripts.
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
    "$$\\frac{a+b}{c} = \\sum_{i=1}^{n} \\sqrt{\\frac{x_i}{2}}$$\n\n$f = \\begin{cases} 1 & \\text{如果} \\\\ 0 \\end{cases}$\n\n",
    "\\begin{align}\na &= b \\\\\n&= c\n\\end{align}\n\nthen \\begin{equation} x \\end{equation} and \\begin{foo} y \\\\ z\n\n",
    "Match *.py, src/**/*.ts, 2*3*4, __init__, _my_name, ~5 days, $HOME or $5, Vec<T> and <b> tags.\n\n",
    "これは**「重要」**な点です。**甲（注）**の~~「乙」~~も。**굵게(주)**는.\n\n",
    "[1]: https://unused.example\n[2]: https://other.example\n\n",
    "<details>\n<summary>A <b>summary</b></summary>\n\nText and\n\n- a list\n\n```sh\nls\n```\n\n</details>\n\n",
    "<ul>\n<li>one</li>\n<li>two <b>bold</b> &amp; more</li>\n</ul>\n\nH<sub>2</sub>O, x<sup>a,b</sup>, <a href=\"https://x.example\">link</a><!-- no -->.\n\n",
    "```mermaid\nsequenceDiagram\n  A->>B: hello\n```\n\n",
    "```diff\n@@ -1 +1 @@\n-old\n+new\n```\n\n",
    "![A chart that stands alone](https://x.example/charts/one.png)\n\n",
    "a_word_that_is_far_too_long_for_any_narrow_column_and_has_no_place_to_break_at_all\n\n",
];

fn layout_of(source: &str, width: usize) -> MarkdownLayout {
    layout_with_addresses(source, width, false)
}

/// Lays out a complete text, with or without the addresses of links written out.
fn layout_with_addresses(source: &str, width: usize, addresses: bool) -> MarkdownLayout {
    let mut layout = MarkdownLayout::new(MarkdownOptions { shows_addresses: addresses, ..MarkdownOptions::default() });
    layout.sync(source, width, TextStage::Complete, &[]);
    layout
}

pub fn document() -> impl Strategy<Value = String> {
    let random = "[ -~\n]{0,40}|\\PC{0,24}".prop_map(|text| text + "\n\n");
    let block = prop_oneof![4 => prop::sample::select(BLOCKS).prop_map(str::to_owned), 1 => random];
    prop::collection::vec(block, 1..40).prop_map(|blocks| blocks.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn streaming_in_any_pieces_gives_the_rows_of_a_single_layout(source in document(), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..60), width in 1usize..110, addresses: bool) {
        let mut ends: Vec<usize> = cuts.iter().map(|cut| source.floor_char_boundary(cut.index(source.len() + 1))).collect();
        ends.sort_unstable();
        let mut layout = MarkdownLayout::new(MarkdownOptions { shows_addresses: addresses, ..MarkdownOptions::default() });
        for end in ends {
            layout.sync(&source[..end], width, TextStage::Growing, &[]);
            for row in layout.rows() {
                prop_assert!(row.width() <= width || width < 3, "{:?} in {width}", row.text());
            }
        }
        layout.sync(&source, width, TextStage::Complete, &[]);
        let whole = layout_with_addresses(&source, width, addresses);
        prop_assert_eq!(layout.rows(), whole.rows());
    }

    #[test]
    fn every_byte_of_the_source_belongs_to_a_row(source in document(), width in 1usize..110, addresses: bool) {
        let layout = layout_with_addresses(&source, width, addresses);
        let mut end = 0;
        for row in layout.rows() {
            prop_assert_eq!(row.source.start, end);
            end = row.source.end;
        }
        // A text with nothing visible has no rows.
        prop_assert!(end == source.len() || layout.rows().is_empty());
    }

    #[test]
    fn no_row_contains_control_characters(source in document(), width in 1usize..110) {
        for row in layout_of(&source, width).rows() {
            let words = row.text();
            prop_assert!(!words.chars().any(char::is_control), "{words:?}");
            prop_assert_eq!(text::clean(&words), words.as_str());
        }
    }
}

#[test]
fn streaming_byte_by_byte_shows_everything_received_so_far() {
    let source: String = BLOCKS.iter().filter(|block| !block.contains("]: ")).copied().collect();
    let visible_rows = |layout: &MarkdownLayout| -> Vec<String> {
        let rows = layout.rows().iter().map(|row| row.text().trim_end().to_owned());
        rows.filter(|row| !row.trim_matches([' ', '▏']).is_empty()).collect()
    };
    // Whether the line breaks of a paragraph stay is decided by its third line.
    let options = MarkdownOptions { line_breaks: LineBreaks::Markdown, ..MarkdownOptions::default() };
    let mut layout = MarkdownLayout::new(options);
    for end in (0..=source.len()).filter(|end| source.is_char_boundary(*end)) {
        let prefix = &source[..end];
        layout.sync(prefix, 50, TextStage::Growing, &[]);
        let clean = text::clean(prefix);
        let is_in_details = prefix.matches("<details>").count() > prefix.matches("</details>").count();
        // What the newest line has not decided yet is held back, details are folded, and blanks may begin a line break.
        if clean.ends_with('\n') && !clean.ends_with("  \n") && !is_in_details {
            let mut whole = MarkdownLayout::new(options);
            whole.sync(prefix, 50, TextStage::Complete, &[]);
            assert_eq!(visible_rows(&layout), visible_rows(&whole), "at {end}");
        }
    }
}

#[test]
fn a_text_laid_out_elsewhere_has_the_same_rows() {
    let source = BLOCKS.concat();
    for end in (0..=source.len()).step_by(97).chain([source.len()]) {
        let source = &source[..source.floor_char_boundary(end)];
        for stage in [TextStage::Growing, TextStage::Complete] {
            let mut here = MarkdownLayout::new(MarkdownOptions::default());
            here.sync(source, 50, stage, &[]);
            let mut elsewhere = MarkdownLayout::new(MarkdownOptions::default());
            elsewhere.sync_within(source, 50, stage, &[], &mut { LayoutBudget::NONE });
            if let Some(job) = elsewhere.take_job(source, stage, &[]) {
                assert!(elsewhere.adopt(job.run(), source));
            }
            assert_eq!(elsewhere.rows(), here.rows(), "at {end}, {stage:?}");
            assert_eq!(elsewhere.code_blocks(), here.code_blocks());
        }
    }
}

// Costs.

/// Builds about `bytes` bytes of mixed Markdown, in blocks of less than 4 kB.
fn mixed_markdown(bytes: usize) -> String {
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

/// Returns the rows and bytes laid out for a hundred deltas at the end of an answer of `bytes` bytes.
fn cost_of_deltas(bytes: usize) -> (u64, u64) {
    let mut source = mixed_markdown(bytes) + "Before it.\n\nThe last paragraph";
    let mut layout = MarkdownLayout::new(MarkdownOptions::default());
    layout.sync(&source, 80, TextStage::Growing, &[]);
    let before = layout.work();
    for _ in 0..100 {
        source.push_str(" says something more");
        layout.sync(&source, 80, TextStage::Growing, &[]);
    }
    work_between(before, layout.work())
}

fn work_between(before: LayoutWork, after: LayoutWork) -> (u64, u64) {
    (after.rows - before.rows, after.bytes - before.bytes)
}

#[test]
fn the_cost_of_a_delta_does_not_grow_with_the_answer() {
    let small = cost_of_deltas(1_000);
    assert_eq!(cost_of_deltas(100_000), small);
    assert_eq!(cost_of_deltas(10_000_000), small);
}

#[test]
fn laying_out_a_stream_costs_a_small_multiple_of_its_size() {
    let source = mixed_markdown(400_000);
    let mut layout = MarkdownLayout::new(MarkdownOptions::default());
    let mut end = 0;
    while end < source.len() {
        end = source.floor_char_boundary((end + 64).min(source.len()));
        layout.sync(&source[..end], 98, TextStage::Growing, &[]);
    }
    let rows = layout.rows().len() as u64;
    let work = layout.work();
    assert!(work.bytes < 12 * source.len() as u64, "{work:?} for {} bytes", source.len());
    assert!(work.rows < 12 * rows, "{work:?} for {rows} rows");
}

#[test]
fn a_long_open_block_has_a_bounded_cost_per_frame() {
    for (start, addition) in
        [("", "word after word "), ("```text\n", "a line of code\n"), ("```\n", "no line end at all ")]
    {
        let mut source = start.to_owned();
        let mut layout = MarkdownLayout::new(MarkdownOptions::default());
        let mut max_bytes = 0;
        while source.len() < 400_000 {
            source.push_str(&addition.repeat(256));
            let before = layout.work();
            layout.sync(&source, 80, TextStage::Growing, &[]);
            max_bytes = max_bytes.max(work_between(before, layout.work()).1);
        }
        assert!(max_bytes < 300_000, "{max_bytes} bytes in one frame of {addition:?}");
        layout.sync(&source, 80, TextStage::Complete, &[]);
        assert_eq!(layout.rows(), layout_of(&source, 80).rows());
    }
}

#[test]
fn the_cost_of_a_frame_does_not_grow_with_the_conversation() {
    let cost = |count: u128| {
        let chat = conversation(count);
        let mut transcript = Transcript::default();
        transcript.sync(&chat, 100, 40, now(), &options());
        let first = transcript.layout_work();
        transcript.scroll(ScrollMove::Pages(-1));
        transcript.sync(&chat, 100, 40, now(), &options());
        let paged = work_between(first, transcript.layout_work());
        // Another width lays out only the window again.
        let before = transcript.layout_work();
        transcript.sync(&chat, 80, 40, now(), &options());
        (first, paged, work_between(before, transcript.layout_work()))
    };
    let small = cost(100);
    assert!(cost(10).0.rows <= small.0.rows);
    assert_eq!(cost(1_000), small);
    assert_eq!(cost(100_000), small);
}

#[test]
fn text_too_long_for_one_frame_is_laid_out_over_several() {
    let mut app = Harness::new(100, 30);
    let stream = app.send_prompt("all of it");
    let delta = |text: &str| {
        let event = serde_json::json!({"type": "response.output_text.delta", "output_index": 0, "delta": text});
        event.to_string()
    };
    app.receive_events(stream, &[&delta("It begins. ")]);
    let work = |app: &Harness| app.transcript().layout_work().bytes;
    let mut before = work(&app);
    app.receive_events(stream, &[&delta(&"x y ".repeat(250_000)), &delta("the end")]);
    let mut frames = 0;
    loop {
        let cost = work(&app) - before;
        assert!(cost < 300_000, "{cost} bytes in a frame");
        if !app.transcript().is_behind() {
            break;
        }
        let next_frame = app.next_wake().expect("the next frame continues");
        assert!(next_frame.duration_since(app.now) <= jiff::SignedDuration::from_millis(20));
        (before, frames) = (work(&app), frames + 1);
        app.draw();
    }
    assert!(frames > 10 && app.screen().contains("the end"), "{frames} frames\n{}", app.screen());
}

#[test]
fn messages_far_from_the_window_are_dropped_from_the_layout() {
    let chat = conversation(4_000);
    let mut transcript = Transcript::default();
    for _ in 0..400 {
        transcript.scroll(ScrollMove::Pages(-1));
        transcript.sync(&chat, 100, 40, now(), &options());
    }
    assert!(transcript.cached_messages() < 400, "{} messages are laid out", transcript.cached_messages());
}

#[test]
fn repeated_resizes_draw_the_same_as_each_size_alone() {
    let chat = conversation(200);
    let theme = Theme::default();
    let draw = |transcript: &mut Transcript, width: u16, height: u16| {
        transcript.sync(&chat, width, height, now(), &options());
        let mut buf = Buffer::empty(Rect::new(0, 0, width, height));
        TranscriptView {
            transcript,
            theme: &theme,
            code_keys_of: None,
            focused: false,
            pill_row: None,
            end_key: "^End",
        }
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
    ReadingOptions::new(&Theme::default(), ShowMode::Auto, jiff::tz::TimeZone::UTC)
}

/// Builds a conversation of alternating prompts and answers, each of a few rows.
fn conversation(count: u128) -> Conversation {
    let text = "An answer with **bold** words and `code`, long enough for a second row in most columns that there are.\n\n- one\n- two\n\n```rust\nlet x = 1;\n```\n";
    crate::support::long_conversation::conversation(count, text)
}
