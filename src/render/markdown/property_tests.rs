//! Tests with random documents that streaming ends like one layout, and that no row is too wide.

use proptest::prelude::*;

use super::{
    tests::{laid_out, text_of},
    *,
};

/// Generates documents of awkward pieces; none defines a reference, which only a complete text can resolve.
fn document() -> impl Strategy<Value = String> {
    const PIECES: &[&str] = &[
        "para one\nstill para",
        "# h",
        "\n\n",
        "\n",
        "- a\n- b",
        "  - nested\n",
        "1. x\n\n   y",
        "> q\nlazy",
        "```rust\nlet x=1;\n",
        "```\n",
        "~~~\n",
        "    indented\n",
        "| a | b |\n|---|---|\n| 1 | 2 |\n",
        "<div>\nhtml\n</div>",
        "<!-- c -->",
        "---\n",
        "===\n",
        "* * *\n",
        "text `code` **b",
        "**",
        "[ref]",
        "\t- tab\n",
        "- [ ] task\n",
        "\\\n",
        "#",
        "- ",
        "1.",
        "|",
        "<",
        "`",
        "~~s~~",
        "&amp;",
        "é漢字 ",
        "👨‍👩‍👧‍👦",
        "שלום",
        "\u{1b}[31m",
        "\u{202e}",
        "a very_long_word_that_does_not_fit_anywhere",
        "\r\n",
        "> [!NOTE]\n> x",
        "$a^2$",
        "$$\na\n+ b\n$$\n",
        "$$\n",
        "\\[\n\\alpha\n= 1\n\\]\n",
        "\\(x\\)",
        "\\[",
        "$",
        "```mermaid\ngraph TD\n",
        "![alt](https://x.example/i.png)",
        "  ",
        "````\n",
    ];
    prop::collection::vec((prop::sample::select(PIECES), any::<bool>()), 1..16).prop_map(|pieces| {
        pieces.iter().flat_map(|(piece, apart)| [*piece, if *apart { "\n\n" } else { "" }]).collect()
    })
}

/// Generates documents of what is read differently by its beginning and by the whole.
fn odd_document() -> impl Strategy<Value = String> {
    const PIECES: &[&str] = &[
        "    ```\n",
        "\t```\n",
        "```&ap;\n",
        "```\n",
        " ```\n",
        "|",
        "||\n",
        "|-\n",
        ":|-\n",
        "—|\n",
        "-+-\n",
        "||a\n",
        "<!--\n",
        "-->\n",
        "<!T\n",
        "<p>\n",
        "<ul>\n",
        "<li>\n",
        "</ul>\n",
        "<details>\n",
        "</details>\n",
        "<summary>x</summary>\n",
        "<b\n",
        ">\n",
        "3.  o\n",
        "10. x\n",
        "1. |a\n",
        "- ",
        "  ",
        "    ",
        "x\n",
        "\n",
        "`",
        "`\n",
        "2.\n",
        "> ",
        "$",
        "=\n",
        "---\n",
        "# h\n",
        "[a]\n",
        "Words of a paragraph that goes on for more than a few letters\n",
    ];
    prop::collection::vec(prop::sample::select(PIECES), 1..14).prop_map(|pieces| pieces.concat())
}

/// Asserts that a text ends the same by lines, by letters and at once.
#[track_caller]
fn assert_ends_the_same(source: &str, width: usize) {
    let whole = laid_out(source, width);
    let by_line: Vec<usize> = memchr::memchr_iter(b'\n', source.as_bytes()).map(|at| at + 1).collect();
    let by_letter: Vec<usize> = source.char_indices().map(|(at, _)| at).collect();
    for ends in [by_line, by_letter] {
        let mut layout = MarkdownLayout::new(MarkdownOptions::default());
        for end in ends {
            layout.sync(&source[..end], width, TextStage::Growing, &[]);
        }
        layout.sync(source, width, TextStage::Complete, &[]);
        assert_eq!(text_of(&layout), text_of(&whole), "{source:?}");
        assert_eq!(layout.rows(), whole.rows(), "{source:?}");
        assert_eq!(layout.code_blocks(), whole.code_blocks(), "{source:?}");
    }
}

/// Inputs that once ended differently when they had arrived in pieces.
#[test]
fn odd_texts_end_the_same_however_they_arrive() {
    for source in [
        // Code that is no fence, and no head of a table.
        "    ```\n||\n—|",
        "    ```\na||\n|-",
        "    ```\n- ```\n-",
        "a\n    |\n-|\n",
        "    |\n:|-",
        "a\n    1. ```\n\n|\n",
        "\t```\n3.\n -",
        "`\n2.\n ```\nd\n .",
        // Info strings with what stands for other signs.
        "```&ap;\n",
        "a\n```\\)\n",
        // Rows outside their item or table.
        "- ||\n  -|\n1|.",
        "1. |a\n   -|\na|a\n",
        "|\n- |-\n",
        "||\n-|\n|\n||a",
        "||\n||\n|\n=|=",
        "=\na||\n|=\n-|-\n",
        "<?\n\n|||\n|||",
        "<!T\n\n|\n-+-",
        // Numbers that begin no item.
        "x\n3.  o\n\n  .",
        "a\n10. a\n\n  `\n",
        // HTML that ends later, or never.
        "<p>\n<details>\n\n</details>\n",
        "<details>\na\n\n<details>\n\nb\n</details>\n",
        "<!--\n<li>\n-->",
        "<!--\n\na\n-->",
        "<!-->\n-->\n",
        "<b>a</b\n>\n",
        "<a =\"\n\n<l>\n\">",
        "<div =\"\n\n\">\n",
        "<div\n```\n=\"\">",
        "<ul>*\n<li>\n</ul>",
    ] {
        for width in [5, 40] {
            assert_ends_the_same(source, width);
        }
    }
}

/// The marks of citations come last, and what they touch is laid out again.
#[test]
fn marks_that_come_at_the_end_change_no_more_than_those_that_come_with_the_text() {
    let source = "A comment <!-- no --> and\n\n<!-- nothing -->\n\nsome **words**.\n<div>\nx\n</div>\n\n- an item\n\n```\ncode\n```\n\nThe last words of all, which are long enough to begin a paragraph.\n";
    for insert_at in (1..=source.len()).filter(|at| source.is_char_boundary(*at)) {
        let mark = CitationMark { range: insert_at - 1..insert_at, insert_at, cited: None };
        let marks = [mark];
        let mut whole = MarkdownLayout::new(MarkdownOptions::default());
        whole.sync(source, 30, TextStage::Complete, &marks);
        let mut layout = MarkdownLayout::new(MarkdownOptions::default());
        for end in (0..source.len()).step_by(3) {
            layout.sync(&source[..end], 30, TextStage::Growing, &[]);
        }
        layout.sync(source, 30, TextStage::Complete, &marks);
        assert_eq!(layout.rows(), whole.rows(), "a mark at {insert_at}");
    }
}

#[test]
fn a_comment_with_blank_lines_is_not_shown() {
    assert_eq!(text_of(&laid_out("<!-- one\n\ntwo -->\n\nthree\n", 40)), "three\n");
    assert_eq!(text_of(&laid_out("one\n\n<!-- two\n\nthree\n", 40)), "one\n\n<!-- two\n\nthree\n");
}

fn cuts(source: &str, cuts: &[prop::sample::Index]) -> Vec<usize> {
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| source.floor_char_boundary(cut.index(source.len() + 1))).collect();
    cuts.push(source.len());
    cuts.sort_unstable();
    cuts
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn streaming_in_any_pieces_ends_like_one_layout(source in document(), at in prop::collection::vec(any::<prop::sample::Index>(), 0..12), width in 1usize..50) {
        let mut layout = MarkdownLayout::new(MarkdownOptions::default());
        for cut in cuts(&source, &at) {
            layout.sync(&source[..cut], width, TextStage::Growing, &[]);
        }
        layout.sync(&source, width, TextStage::Complete, &[]);
        let whole = laid_out(&source, width);
        for (nth, (row, expected)) in layout.rows().iter().zip(whole.rows()).enumerate() {
            prop_assert_eq!(row, expected, "row {}", nth);
        }
        prop_assert_eq!(layout.rows().len(), whole.rows().len());
        prop_assert_eq!(layout.code_blocks(), whole.code_blocks());
    }

    #[test]
    fn odd_text_ends_the_same_however_it_arrives(source in odd_document(), width in 3usize..50) {
        assert_ends_the_same(&source, width);
    }

    #[test]
    fn a_text_too_long_for_a_second_layout_ends_the_same(source in document(), at in prop::collection::vec(any::<prop::sample::Index>(), 0..12), width in 1usize..50) {
        let mut layout = MarkdownLayout::new(MarkdownOptions::default());
        layout.relayout_limit = 0;
        for cut in cuts(&source, &at) {
            layout.sync(&source[..cut], width, TextStage::Growing, &[]);
        }
        layout.sync(&source, width, TextStage::Complete, &[]);
        let words = |layout: &MarkdownLayout| layout.rows().iter().map(StyledRow::text).collect::<Vec<_>>();
        let whole = laid_out(&source, width);
        prop_assert_eq!(words(&layout), words(&whole));
        prop_assert_eq!(layout.code_blocks(), whole.code_blocks());
    }

    #[test]
    fn a_growing_text_looks_like_its_prefix_laid_out_at_once(source in document(), at in prop::collection::vec(any::<prop::sample::Index>(), 0..12), width in 8usize..50) {
        let mut layout = MarkdownLayout::new(MarkdownOptions::default());
        for cut in cuts(&source, &at) {
            layout.sync(&source[..cut], width, TextStage::Growing, &[]);
            let mut at_once = MarkdownLayout::new(MarkdownOptions::default());
            at_once.sync(&source[..cut], width, TextStage::Growing, &[]);
            prop_assert_eq!(text_of(&layout), text_of(&at_once));
        }
        // Row by row at each line end; whether line breaks stay is decided by later lines, so they do not here.
        let options = MarkdownOptions { line_breaks: LineBreaks::Markdown, ..MarkdownOptions::default() };
        let rows = |layout: &MarkdownLayout| -> Vec<String> {
            let texts = layout.rows().iter().map(|row| row.text().trim_end().to_owned());
            texts.filter(|row| !row.trim_matches([' ', '▏']).is_empty()).collect()
        };
        let mut layout = MarkdownLayout::new(options);
        for end in source.match_indices('\n').map(|(at, _)| at + 1) {
            let prefix = &source[..end];
            layout.sync(prefix, width, TextStage::Growing, &[]);
            if crate::text::clean(prefix).ends_with("  \n") {
                continue; // The blanks may begin a hard line break.
            }
            let mut whole = MarkdownLayout::new(options);
            whole.sync(prefix, width, TextStage::Complete, &[]);
            prop_assert_eq!(rows(&layout), rows(&whole), "at {}", end);
        }
    }

    #[test]
    fn no_row_is_wider_than_the_column(source in document(), width in 1usize..50) {
        for row in laid_out(&source, width).rows() {
            prop_assert!(row.width() <= width || width < 3, "{:?} in {}", row.text(), width);
        }
    }
}
