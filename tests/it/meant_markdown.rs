//! Markdown as models write it, which is not strict: rows, tables, lists and fences are shown as they were meant, and
//! nothing that is shown while the text streams is taken back.

use std::{
    collections::BTreeSet,
    fs,
    io::Write,
    path::{Path, PathBuf},
};

use ibid::{
    config::LineBreaks,
    render::{
        markdown::{MarkdownLayout, MarkdownOptions, MarkdownText, TextStage},
        row::{RowKind, StyledRow},
        source_map::SourceKind,
    },
};
use insta::assert_snapshot;
use proptest::prelude::*;

const WIDTHS: [usize; 3] = [110, 80, 50];

fn laid_out(source: &str, width: usize) -> MarkdownLayout {
    let mut layout = MarkdownLayout::new(MarkdownOptions::default());
    layout.sync(source, width, TextStage::Complete, &[]);
    layout
}

fn row_texts(layout: &MarkdownLayout) -> Vec<String> {
    layout.rows().iter().map(|row| row.text().trim_end().to_owned()).collect()
}

/// Returns the documents written for this test, by name.
fn documents() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/page/meant");
    let entries = fs::read_dir(folder).expect("the folder of documents");
    let paths = entries.map(|entry| entry.expect("a document").path());
    let name = |path: &Path| path.file_stem().expect("a name").to_string_lossy().into_owned();
    let mut documents: Vec<_> =
        paths.map(|path| (name(&path), fs::read_to_string(&path).expect("a document of text"))).collect();
    documents.sort();
    documents
}

#[test]
fn what_models_write_is_shown_as_it_was_meant() {
    for (name, source) in documents() {
        let pages = WIDTHS.map(|width| format!("── {width}\n{}", row_texts(&laid_out(&source, width)).join("\n")));
        assert_snapshot!(format!("meant-{name}"), pages.join("\n\n"));
    }
}

#[test]
fn documents_arrive_in_any_pieces_and_every_letter_can_be_copied() {
    for (name, source) in documents() {
        for width in WIDTHS {
            let whole = laid_out(&source, width);
            let copied: String = whole.rows().iter().map(|row| &source[row.source.clone()]).collect();
            assert_eq!(copied, source, "{name} at {width}");
            for step in [1, 7, 64] {
                let mut layout = MarkdownLayout::new(MarkdownOptions::default());
                for end in (0..source.len()).step_by(step) {
                    layout.sync(&source[..source.floor_char_boundary(end)], width, TextStage::Growing, &[]);
                }
                layout.sync(&source, width, TextStage::Complete, &[]);
                assert_eq!(layout.rows(), whole.rows(), "{name} at {width} in steps of {step}");
            }
        }
    }
}

#[test]
fn line_breaks_can_be_kept_or_read_as_in_strict_markdown() {
    let source = "One\ntwo that\n    three\n\n- a\n  b\n\n> c\n> d";
    let rows = |line_breaks| {
        let mut layout = MarkdownLayout::new(MarkdownOptions { line_breaks, ..MarkdownOptions::default() });
        layout.sync(source, 40, TextStage::Complete, &[]);
        row_texts(&layout)
    };
    let kept = ["One", "two that", "    three", "", "• a", "  b", "", "▎ c", "▎ d"];
    assert_eq!(rows(LineBreaks::Keep), kept);
    assert_eq!(rows(LineBreaks::Auto), kept);
    assert_eq!(rows(LineBreaks::Markdown), ["One two that three", "", "• a b", "", "▎ c d"]);
}

/// What a row is, if it is more than text, and the line of the source where its text begins.
type RowSign = (&'static str, String, usize);

fn signs(source: &str, layout: &MarkdownLayout) -> BTreeSet<RowSign> {
    layout.rows().iter().filter_map(|row| sign(source, row)).collect()
}

fn sign(source: &str, row: &StyledRow) -> Option<RowSign> {
    if row.source_map.is_all_inserted() {
        return None;
    }
    let start = source[..shown_start(row)].matches('\n').count();
    let lead: String = row.spans.iter().take(row.lead_spans).map(|span| span.text.as_str()).collect();
    match row.kind {
        RowKind::Heading(_) => Some(("heading", String::new(), start)),
        RowKind::Table => Some(("table", String::new(), start)),
        RowKind::Rule => Some(("rule", String::new(), start)),
        RowKind::Code { block, line, from: 0 } => Some(("code", format!("{block}:{line}"), start)),
        RowKind::Text if lead.ends_with([' ']) && !lead.trim().is_empty() => {
            Some(("item", lead.trim().trim_matches(['▎', ' ']).to_owned(), start))
        }
        _ => None,
    }
}

/// Where the source begins that a row shows; where the row begins if it shows none.
fn shown_start(row: &StyledRow) -> usize {
    let shown = row.source_map.runs().find(|run| run.kind != SourceKind::Inserted);
    shown.map_or(row.source.start, |run| run.source.start)
}

/// Streams a text letter by letter: what was shown as a heading, a table, a rule, code or an item stays one, and the
/// rows of all blocks but the last stay as they are.
fn assert_nothing_flashes(source: &str, width: usize) -> Result<(), TestCaseError> {
    let mut layout = MarkdownLayout::new(MarkdownOptions::default());
    let mut shown: BTreeSet<RowSign> = BTreeSet::new();
    let (mut closed_rows, mut before): (Vec<StyledRow>, usize) = (Vec::new(), 0);
    for (start, letter) in source.char_indices() {
        let end = start + letter.len_utf8();
        layout.sync(&source[..end], width, TextStage::Growing, &[]);
        let signs = signs(&source[..end], &layout);
        let taken_back: Vec<&RowSign> = shown.difference(&signs).collect();
        prop_assert!(taken_back.is_empty(), "{taken_back:?} is taken back at {end}: {:?}", &source[..end]);
        shown = signs;
        for (nth, row) in closed_rows.iter().enumerate() {
            let now = layout.rows().get(nth).map(|row| (row.text(), row.kind));
            prop_assert_eq!(now, Some((row.text(), row.kind)), "row {} changes at {}: {:?}", nth, end, &source[..end]);
        }
        let lines = source[..before].rfind('\n').map_or(0, |line_end| line_end + 1);
        let last_block = MarkdownText::parse(&source[..lines]).last_block;
        let rows = layout.rows().iter().take_while(|row| shown_start(row) < last_block && row.source.end <= last_block);
        closed_rows = rows.cloned().collect();
        before = end;
    }
    Ok(())
}

#[test]
fn nothing_flashes_while_a_document_streams() {
    for (name, source) in documents() {
        for width in [80, 30] {
            assert_nothing_flashes(&source, width).unwrap_or_else(|error| panic!("{name} at {width}: {error}"));
        }
    }
}

/// Generates documents of the constructs that models write loosely.
pub fn loose_document() -> impl Strategy<Value = String> {
    const PIECES: &[&str] = &[
        "Some text that stays\n",
        "- item\n",
        "  - nested by two\n",
        " - by one\n",
        "1. first\n",
        "10. tenth\n",
        "3) third\n",
        "- [ ] task\n",
        "---\n",
        "===\n",
        "***\n",
        "**Key:** value\n",
        "• row\n",
        "✅ done\n",
        "| a | b |\n|---|---|\n| 1 | `x|y` |\n",
        "| a | b |\n| : | : |\n| 1 | 2 | 3 |\n",
        "| a | b |\n|–|–|\n",
        "| row |\n",
        "```md\n```sh\nls\n```\n```\n",
        "  ```sh\nls\n  ```\n",
        "> quote\n",
        "> - item\n>   - nested\n",
        "> ---\n",
        "# Title\n",
        "#tag\n",
        "1.5 times\n",
        "2024 was a year\n",
        "-5 degrees\n",
        "*emphasis*\n",
        "***both***\n",
        "a row of prose that was wrapped by hand at sixty columns, so\nthat it flows, whatever the width of the page is, and\nends here\n",
        "    four spaces\n",
        "├── tree\n│   └── leaf\n",
        "日本語の行\n",
        "مرحبا\n",
        "`code` and text\n",
        "<b>bold</b>\n",
        "\n",
        "\n\n",
    ];
    prop::collection::vec(prop::sample::select(PIECES), 1..10).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_flashes_in_any_document(source in loose_document(), width in 20usize..90) {
        assert_nothing_flashes(&source, width)?;
    }

    #[test]
    fn any_document_ends_like_one_layout(source in loose_document(), step in 1usize..40, width in 1usize..90) {
        let mut layout = MarkdownLayout::new(MarkdownOptions::default());
        for end in (0..source.len()).step_by(step) {
            layout.sync(&source[..source.floor_char_boundary(end)], width, TextStage::Growing, &[]);
        }
        layout.sync(&source, width, TextStage::Complete, &[]);
        let whole = laid_out(&source, width);
        prop_assert_eq!(row_texts(&layout), row_texts(&whole));
        prop_assert_eq!(layout.rows(), whole.rows());
        let copied: String = whole.rows().iter().map(|row| &source[row.source.clone()]).collect();
        prop_assert!(copied == source || whole.rows().is_empty());
    }
}

/// Reads an input from the folder beside the project; reports it loudly where it is missing.
pub fn trial(file: &str) -> Option<String> {
    let usual = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/reference/trials");
    let folder = std::env::var_os("IBID_TRIALS").map_or_else(|| usual.into(), PathBuf::from);
    let path = folder.join(file);
    let text = fs::read_to_string(&path).ok();
    if text.is_none() {
        let _ = writeln!(std::io::stderr(), "SKIPPED: {} is not beside the project", path.display());
    }
    text
}

/// Checks what must be shown of a trial at each width.
fn check_trial(file: &str, check: impl Fn(&str, &MarkdownLayout, &[String])) {
    for width in WIDTHS {
        let Some(source) = trial(file) else { return };
        let layout = laid_out(&source, width);
        check(&source, &layout, &row_texts(&layout));
        assert_nothing_flashes(&source, width).unwrap_or_else(|error| panic!("{file} at {width}: {error}"));
    }
}

#[track_caller]
fn assert_shows(rows: &[String], wanted: &[&str]) {
    let page = rows.join("\n");
    for words in wanted {
        assert!(page.contains(words), "{words:?} is not in\n{page}");
    }
}

#[test]
fn trials_of_line_breaks_keep_their_rows_or_flow() {
    check_trial("lines-tree-without-fence.md", |source, _, rows| {
        for line in source.lines() {
            assert!(rows.iter().any(|row| row == line.trim_end()), "{line:?} is not a row of {rows:#?}");
        }
    });
    check_trial("lines-hard-wrapped-prose.md", |_, layout, rows| {
        let (_, full) = rows.split_last().expect("some rows");
        let width = layout.rows().iter().map(StyledRow::width).max().unwrap_or(0);
        assert!(full.iter().all(|row| row.len() + 12 > width), "ragged: {rows:#?}");
    });
}

#[test]
fn trials_of_tables_lose_nothing() {
    check_trial("table-pipes-in-code.md", |_, _, rows| {
        assert_shows(rows, &["du -k | sort -nr | head", "a || b", "Array<A>|undefined", "x | y"]);
    });
    check_trial("table-pipes-in-formulas.md", |_, _, rows| {
        assert_shows(rows, &["a divides b", "probability of x given y", "norm of x", "p(x|y)", "‖x‖"]);
    });
    check_trial("nearly-tables.md", |source, layout, rows| {
        assert!(layout.rows().iter().all(|row| matches!(row.kind, RowKind::Table | RowKind::Blank)), "{rows:#?}");
        let words = source.lines().filter(|line| !line.contains(['-', '–', ':'])).flat_map(|line| line.split('|'));
        let words: Vec<&str> = words.map(str::trim).collect();
        assert_shows(rows, &words);
    });
}

#[test]
fn trials_of_lists_keep_their_numbers_and_nesting() {
    check_trial("numbers-countdown.md", |source, _, rows| {
        for line in source.lines() {
            assert!(rows.iter().any(|row| row.trim() == line), "{line:?} is not a row of {rows:#?}");
        }
    });
    check_trial("bullets-two-spaces-in-numbers.md", |_, _, rows| {
        let indent = |word: &str| {
            let row = rows.iter().find(|row| row.ends_with(word)).unwrap_or_else(|| panic!("no {word:?} in {rows:#?}"));
            row.len() - row.trim_start().len()
        };
        assert!(indent("sub a") >= 3 && indent("sub a") == indent("sub b"), "{rows:#?}");
        assert!(indent("deep") >= 3 && indent("deeper") > indent("deep"), "{rows:#?}");
        assert_shows(rows, &["1. First", "2. Second", "3. Third"]);
    });
}

#[test]
fn trials_of_fences_are_one_block_each() {
    check_trial("fence-in-fence-readme.md", |_, layout, rows| {
        assert_eq!(layout.code_blocks().len(), 1, "{rows:#?}");
        assert!(layout.code_blocks()[0].text.ends_with("MIT\n"), "{rows:#?}");
        let last = layout.rows().last().expect("a last row");
        assert_eq!(last.text(), "Tell me if you want it shorter.");
        let is_bold =
            |words: &str| last.spans.iter().any(|span| span.text == words && !span.style.modifiers.is_empty());
        assert!(is_bold("shorter"), "{last:?}");
    });
    check_trial("fence-of-tildes.md", |_, layout, rows| {
        assert_eq!(layout.code_blocks().len(), 3, "{rows:#?}");
        assert_shows(rows, &["Before.", "After, in bold.", "After too."]);
    });
}

#[test]
fn a_paragraph_above_a_list_is_no_heading_for_a_moment() {
    let Some(source) = trial("setext-flash.md") else { return };
    let mut layout = MarkdownLayout::new(MarkdownOptions::default());
    for (end, _) in source.char_indices() {
        layout.sync(&source[..end], 80, TextStage::Growing, &[]);
        let heading = layout.rows().iter().find(|row| matches!(row.kind, RowKind::Heading(_)));
        assert!(heading.is_none_or(|row| row.text() == "Last"), "{heading:?} at {end}");
    }
}
