//! A Markdown document with every construct: it lays out the same however it arrives, all of it can be copied, and no
//! part of it can control the terminal.

use std::{
    cell::RefCell,
    collections::BTreeSet,
    io::{self, Write},
    rc::Rc,
};

use ibid::{
    render::{
        markdown::{BlockCounts, LayoutBudget, MarkdownLayout, MarkdownOptions, TextStage},
        row::{RowKind, StyledRow},
        theme::Theme,
    },
    terminal::TerminalScreen,
    text,
};
use proptest::prelude::*;
use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag};
use ratatui::layout::{Rect, Size};

const EVERYTHING: &str = include_str!("../page/everything.md");
const CONSTRUCTS: &str = include_str!("../page/constructs.md");
const SCRIPTS: &str = include_str!("../page/scripts.md");

fn laid_out(source: &str, width: usize) -> MarkdownLayout {
    let mut layout = MarkdownLayout::new(MarkdownOptions::default());
    layout.sync(source, width, TextStage::Complete, &[]);
    layout
}

/// Returns the text that selecting every row copies.
fn copy_all(source: &str, rows: &[StyledRow]) -> String {
    rows.iter().map(|row| &source[row.source.clone()]).collect()
}

#[test]
fn a_document_with_every_construct_lays_out_the_same_however_it_arrives() {
    for (source, addresses) in [(EVERYTHING, false), (CONSTRUCTS, false), (SCRIPTS, false), (EVERYTHING, true)] {
        let look = MarkdownOptions { shows_addresses: addresses, ..MarkdownOptions::default() };
        for width in [1, 8, 20, 44, 76, 98] {
            let mut whole = MarkdownLayout::new(look);
            whole.sync(source, width, TextStage::Complete, &[]);
            assert_eq!(copy_all(source, whole.rows()), source);
            for step in [7, 64, 1000] {
                let mut layout = MarkdownLayout::new(look);
                let mut end = 0;
                while end < source.len() {
                    end = source.ceil_char_boundary((end + step).min(source.len()));
                    layout.sync(&source[..end], width, TextStage::Growing, &[]);
                    let wide = layout.rows().iter().find(|row| row.width() > width && width > 2);
                    assert_eq!(wide.map(StyledRow::text), None, "at {end} of {width}");
                }
                layout.sync(source, width, TextStage::Complete, &[]);
                assert_eq!(layout.rows(), whole.rows(), "in steps of {step} at {width}");
                assert_eq!(layout.code_blocks(), whole.code_blocks());
            }
        }
    }
}

#[test]
fn a_diagram_that_is_shown_counts_its_lines_however_it_arrives() {
    let source = "```mermaid\nflowchart LR\n  Question --> Answer\n```\n";
    let options = MarkdownOptions { diagrams_open: true, ..MarkdownOptions::default() };
    let mut whole = MarkdownLayout::new(options);
    whole.sync(source, 60, TextStage::Complete, &[]);
    for first in 1..source.len() {
        let mut layout = MarkdownLayout::new(options);
        layout.sync(&source[..first], 60, TextStage::Growing, &[]);
        layout.sync(source, 60, TextStage::Complete, &[]);
        assert_eq!(layout.rows(), whole.rows(), "first {first} bytes");
    }
}

/// Returns the names of the `CommonMark` and GFM constructs in a document.
fn constructs(source: &str) -> BTreeSet<String> {
    let mut seen = BTreeSet::new();
    for event in Parser::new_ext(source, Options::all() - Options::ENABLE_SMART_PUNCTUATION) {
        let name = match event {
            Event::Start(Tag::Heading { level, .. }) => format!("{level:?}"),
            Event::Start(Tag::BlockQuote(kind)) => format!("quote {kind:?}"),
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(_))) => "fence".into(),
            Event::Start(Tag::CodeBlock(CodeBlockKind::Indented)) => "indented code".into(),
            Event::Start(Tag::List(first)) => {
                format!("list {}", if first.is_some() { "of numbers" } else { "of bullets" })
            }
            Event::Start(Tag::Table(columns)) => {
                seen.extend(columns.iter().map(|column| format!("column {column:?}")));
                "table".into()
            }
            Event::Start(Tag::Link { link_type, .. }) => format!("link {link_type:?}"),
            Event::Start(Tag::Image { link_type, .. }) => format!("image {link_type:?}"),
            Event::Start(tag) => format!("{tag:?}").split(['(', ' ']).next().unwrap_or_default().to_owned(),
            Event::TaskListMarker(done) => format!("task {done}"),
            Event::End(_) => continue,
            other => format!("{other:?}").split(['(', ' ']).next().unwrap_or_default().to_owned(),
        };
        seen.insert(name);
    }
    seen
}

#[test]
fn the_documents_use_every_construct_of_commonmark_and_gfm() {
    let seen = constructs(&[EVERYTHING, CONSTRUCTS].concat());
    let wanted = "H1|H2|H3|H4|H5|H6|Paragraph|Rule|fence|indented code|HtmlBlock|Html|InlineHtml|quote None|quote Some(Note)|\
        quote Some(Tip)|quote Some(Important)|quote Some(Warning)|quote Some(Caution)|list of numbers|list of bullets|Item|\
        task true|task false|table|column None|column Left|column Center|column Right|TableHead|TableRow|TableCell|Emphasis|\
        Strong|Strikethrough|Code|SoftBreak|HardBreak|Text|link Inline|link Reference|link Collapsed|link Shortcut|\
        link Autolink|link Email|image Inline|image Reference|image Collapsed|FootnoteDefinition|FootnoteReference|\
        InlineMath|DisplayMath";
    let missing: Vec<&str> = wanted.split('|').filter(|name| !seen.contains(*name)).collect();
    assert_eq!(missing, [""; 0], "of {seen:?}");
    assert!(CONSTRUCTS.contains("bare:\nhttps://"), "bare addresses are covered too");
}

#[test]
fn every_construct_becomes_a_row_of_its_kind() {
    let layout = laid_out(EVERYTHING, 76);
    let has = |kind: RowKind, words: &str| {
        let row = layout.rows().iter().find(|row| row.kind == kind && row.text().contains(words));
        assert!(row.is_some(), "{kind:?} {words:?}");
    };
    has(RowKind::Heading(1), "A first heading");
    has(RowKind::Heading(2), "A second heading");
    has(RowKind::Formula, "x² dx = ⎢──⎥  = ⅓");
    has(RowKind::Formula, "A = ⎛ 1  2 ⎞");
    let words: Vec<String> = layout.rows().iter().map(StyledRow::text).collect();
    let words = words.join(" ");
    assert!(words.contains("set in place: E = mc², ∑ᵢ₌₁ⁿ xᵢ ≤ √(a² + b²), α → β; it costs"), "{words}");
    assert!(words.contains("between $5 and $6."));
    has(RowKind::Text, "2. ☑ done");
    has(RowKind::Quote, "▎ ▎ and one within the other");
    has(RowKind::Quote, "▌ Warning");
    has(RowKind::CodeHead { block: 1, diagram: false, is_folded: false }, "sh");
    has(RowKind::Code { block: 3, line: 1, from: 0 }, "- let a = b.clone();");
    has(RowKind::CodeHead { block: 5, diagram: true, is_folded: true }, "▸ Diagram 1  flowchart · 2 lines");
    has(RowKind::Table, "WAL, local disk");
    has(RowKind::Figure { number: 2 }, "▣ Image 2  A chart of the growth  https://example.org/charts/growth.png");
    assert!(words.contains("▣ Image 3 of a cat https://example.org/cat.jpg"));
    has(RowKind::Text, "[^1] The note");
    has(RowKind::DetailsHead { is_folded: true }, "▸ HTML is shown");
    assert_eq!(layout.counts(), BlockCounts { code_blocks: 5, figures: 3 });
}

/// Generates complete blocks of up to 64 kB.
fn long_block() -> impl Strategy<Value = String> {
    let unit = prop_oneof![
        Just("Words of prose, **bold** and `code`, "),
        Just("- an item\n"),
        Just("> quoted words\n"),
        Just("| a | 1 |\n"),
        Just("中文排版，「标点」"),
        Just("שלום עולם "),
        Just("👨‍👩‍👧‍👦 🇩🇪"),
        Just("$x^2$ and \\(\\frac{1}{2}\\) "),
        Just("a_word_without_an_end"),
    ];
    let lead =
        prop_oneof![Just(""), Just("# "), Just("| a | b |\n|---|---|\n"), Just("```rust\n"), Just("1. "), Just("$$\n")];
    (lead, unit, 1_usize..64_000).prop_map(|(lead, unit, bytes)| {
        let fence = if lead.starts_with('`') { "\n```" } else { "" };
        format!("{lead}{}{fence}\n\n", unit.repeat(bytes.saturating_sub(200) / unit.len()))
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn long_blocks_lay_out_the_same_however_they_arrive(
        blocks in prop::collection::vec(long_block(), 1..4),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
        width in 8_usize..110,
    ) {
        let source = blocks.concat();
        let mut ends: Vec<usize> = cuts.iter().map(|cut| source.floor_char_boundary(cut.index(source.len() + 1))).collect();
        ends.sort_unstable();
        let mut layout = MarkdownLayout::new(MarkdownOptions::default());
        for end in ends {
            layout.sync(&source[..end], width, TextStage::Growing, &[]);
        }
        layout.sync(&source, width, TextStage::Complete, &[]);
        let whole = laid_out(&source, width);
        prop_assert!(layout.rows() == whole.rows());
        prop_assert!(copy_all(&source, whole.rows()) == source);
        prop_assert!(whole.rows().iter().all(|row| row.width() <= width));
    }
}

// Hostile text cannot control the terminal.

/// A terminal that records all bytes written to it.
#[derive(Clone, Default)]
struct RecordedOutput(Rc<RefCell<Vec<u8>>>);

impl Write for RecordedOutput {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Returns the bytes that the real painter writes for all rows, with links and reordering on.
fn painted_bytes(layout: &MarkdownLayout, width: u16) -> Vec<u8> {
    let mut theme = Theme::default();
    theme.rendering.has_links = true;
    theme.rendering.reorders_rtl = true;
    let written = RecordedOutput::default();
    let mut screen = TerminalScreen::with_output(written.clone(), Size { width, height: 50 });
    for rows in layout.rows().chunks(50) {
        screen
            .draw(|cells| {
                cells.reset();
                for (row, y) in rows.iter().zip(0..) {
                    row.draw(Rect { y, height: 1, ..cells.area }, &theme, cells);
                }
                None
            })
            .unwrap();
    }
    drop(screen);
    written.0.take()
}

/// Returns the text without the sequences of our own painter.
///
/// These clear the screen before the first frame, set modes, colours and positions, scroll, and link to addresses that
/// may be opened. Any other sequence panics.
fn visible_text(bytes: &[u8]) -> String {
    let text = std::str::from_utf8(bytes).expect("the terminal is sent UTF-8");
    let mut words = String::new();
    let mut rest = text.strip_prefix("\u{1b}[?2026h\u{1b}[m\u{1b}[2J").expect("the first frame clears the screen");
    while let Some(escape) = rest.find('\u{1b}') {
        words.push_str(&rest[..escape]);
        rest = &rest[escape..];
        let length = if let Some(link) = rest.strip_prefix("\u{1b}]8;") {
            let end = link.find('\u{1b}').expect("a link has an end");
            assert!(link[end..].starts_with("\u{1b}\\"), "{link:.80?}");
            let address = link[..end].split_once(';').expect("parameters, then the address").1;
            assert!(address.is_empty() || text::link::can_open(address), "{address}");
            assert!(link[..end].bytes().all(|byte| (b'!'..=b'~').contains(&byte)), "{:?}", &link[..end]);
            4 + end + 2
        } else if let Some(length) = scroll_length(rest) {
            length
        } else {
            let body = rest.strip_prefix("\u{1b}[").unwrap_or_else(|| panic!("not a sequence of ours: {rest:.40?}"));
            let end = body.find(|char: char| char.is_ascii_alphabetic()).expect("a sequence has an end");
            let sequence = &body[..=end];
            let ours = sequence.ends_with(['m', 'H', 'C', 'X', 'K'])
                || matches!(sequence, "?2026h" | "?2026l" | "?25l" | "?25h");
            assert!(
                ours && sequence.bytes().all(|byte| byte.is_ascii_digit() || b";:?mHhlCXK".contains(&byte)),
                "{sequence:?}"
            );
            2 + sequence.len()
        };
        rest = &rest[length..];
    }
    words + rest
}

/// Returns the length of a scroll: set the margins, go to the row at one of them, scroll, and reset the margins.
fn scroll_length(text: &str) -> Option<usize> {
    const NO_MARGINS: &str = "\u{1b}[r";
    let is_place = |text: &str| text.split(';').all(|number| number.parse::<u16>().is_ok());
    let (margins, rest) = text.strip_prefix("\u{1b}[")?.split_once('r').filter(|(margins, _)| is_place(margins))?;
    let (place, rest) = rest.strip_prefix("\u{1b}[")?.split_once('H').filter(|(place, _)| is_place(place))?;
    let moves = rest.find(NO_MARGINS)?;
    assert!(!margins.is_empty() && !place.is_empty());
    let down = rest[..moves].bytes().all(|byte| byte == b'\n');
    assert!(down || rest[..moves].split("\u{1b}M").all(str::is_empty), "{:?}", &rest[..moves]);
    Some(text.len() - rest.len() + moves + NO_MARGINS.len())
}

/// Returns a document that tries everything a terminal might obey, in every kind of block.
fn hostile_document() -> String {
    let attacks = [
        "\u{1b}[2J\u{1b}[H",
        "\u{1b}]0;owned\u{7}",
        "\u{1b}]52;c;aGk=\u{1b}\\",
        "\u{1b}]8;;https://evil.example\u{1b}\\",
        "\u{9b}31m",
        "\u{9d}0;t\u{9c}",
        "\u{90}q\u{9c}",
        "\u{1b}P1$r\u{1b}\\",
        "\u{1b}c",
        "\u{1b}(0",
        "\u{202e}gnp.exe",
        "\u{2066}\u{2069}",
        "\0\u{7}\u{8}\u{b}\u{c}\u{e}\u{f}\u{7f}",
        "\r",
        "\u{85}",
        "\u{1b}[?1049l",
        "\u{1b}[6n",
        "\u{1b}",
        "\u{9b}",
        "\u{e0041}",
        "\u{feff}",
        "\u{1b}]1337;File=:AAAA\u{7}",
    ];
    attacks
        .iter()
        .flat_map(|attack| {
            [
                format!("# {attack} heading\n\n"),
                format!(
                    "words {attack} `code {attack}` **{attack}** [link {attack}](https://x.example/{attack}?a=b)\n\n"
                ),
                format!("<https://x.example/{attack}> ![alt {attack}](https://x.example/{attack}.png)\n\n"),
                format!("```rust {attack}\nlet x = \"{attack}\";\n```\n\n```mermaid\n{attack}\n```\n\n"),
                format!("| {attack} | b |\n|---|---|\n| {attack} | c |\n\n> {attack}\n\n- {attack}\n\n"),
                format!(
                    "$x{attack}^2$ \\(\\alpha{attack}\\)\n\n$$\n{attack}\n$$\n\n<b {attack}>\n\n[^{attack}]: x\n\n"
                ),
            ]
        })
        .collect()
}

#[test]
fn no_text_can_control_the_terminal() {
    let source = hostile_document();
    for step in [7, usize::MAX] {
        let mut layout = MarkdownLayout::new(MarkdownOptions { diagrams_open: true, ..MarkdownOptions::default() });
        let mut end = 0;
        while step < usize::MAX && end < source.len() {
            end = source.ceil_char_boundary((end + step).min(source.len()));
            layout.sync(&source[..end], 60, TextStage::Growing, &[]);
        }
        layout.sync(&source, 60, TextStage::Complete, &[]);
        let words = visible_text(&painted_bytes(&layout, 60));
        let bad = words.chars().find(|char| {
            char.is_control()
                || matches!(char, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{e0000}'..='\u{e007f}')
        });
        assert_eq!(bad, None, "in steps of {step}");
        assert!(words.contains("⟨RLO⟩"), "a character that changes the writing direction is shown by name");
        assert_eq!(copy_all(&source, layout.rows()), source);
    }
}

#[test]
fn ten_megabytes_in_one_line_cost_no_more_per_frame_than_a_long_block() {
    for unit in ["a\u{1b}[31mb ", "日本\u{202e}", "aaaaaaaaaa"] {
        let whole = unit.repeat(10_000_000 / unit.len());
        let mut layout = MarkdownLayout::new(MarkdownOptions::default());
        let (mut max_bytes, mut frames, mut is_behind) = (0, 0, true);
        while is_behind {
            let (before, mut budget) = (layout.work().bytes, LayoutBudget::FRAME);
            is_behind = layout.sync_frame(&whole, 98, TextStage::Growing, &[], &mut budget);
            max_bytes = max_bytes.max(layout.work().bytes - before);
            frames += 1;
        }
        let before = layout.work().bytes;
        layout.sync(&whole, 98, TextStage::Complete, &[]);
        let last = layout.work().bytes - before;
        assert!(max_bytes < 120_000 && last < 120_000, "{max_bytes} and at last {last} bytes for {unit:?}");
        assert!(frames < 500, "the text is complete only after {frames} frames");
        assert_eq!(layout.rows().last().map(|row| row.source.end), Some(whole.len()));
    }
}
