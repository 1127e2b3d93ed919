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
