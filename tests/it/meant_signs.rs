//! Signs as models write them, which are not always Markdown: stars, tildes, dollars, angle brackets, formulas.

use ibid::render::{
    markdown::{MarkdownLayout, MarkdownOptions, TextStage},
    row::{RowKind, StyledRow},
};
use ratatui::style::Modifier;

use crate::meant_markdown::trial;

const WIDTHS: [usize; 3] = [110, 80, 50];

fn laid_out(source: &str, width: usize) -> Vec<StyledRow> {
    let mut layout = MarkdownLayout::new(MarkdownOptions::default());
    layout.sync(source, width, TextStage::Complete, &[]);
    layout.rows().to_vec()
}

fn page_of(rows: &[StyledRow]) -> String {
    rows.iter().map(|row| row.text().trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}

/// Returns the text in a style, without the line breaks of the page.
fn styled(rows: &[StyledRow], modifier: Modifier) -> Vec<String> {
    let spans = rows.iter().flat_map(|row| &row.spans).filter(|span| span.style.modifiers.contains(modifier));
    spans.map(|span| span.text.to_string()).collect()
}

fn check(file: &str, check: impl Fn(&[StyledRow], &str)) {
    for width in WIDTHS {
        let Some(source) = trial(file) else { return };
        let rows = laid_out(&source, width);
        check(&rows, &page_of(&rows));
    }
}

#[test]
fn in_the_trials_a_tilde_is_a_tilde() {
    check("tilde-ranges-cjk.md", |rows, page| {
        assert_eq!(styled(rows, Modifier::CROSSED_OUT), ["很多"], "{page}");
        for words in ["~3 天", "好的~", "谢谢~", "~15度", "~20 分钟~", "約 ~3日 です~"] {
            assert!(page.contains(words), "{words} is not in\n{page}");
        }
    });
}

#[test]
fn in_the_trials_words_in_full_width_brackets_are_bold() {
    check("emphasis-cjk-brackets.md", |rows, page| {
        let bold = styled(rows, Modifier::BOLD).concat();
        assert_eq!(bold, "「重要」「甲」「乙」日本語の文（括弧付き）。", "{page}");
        assert!(!page.contains('*'), "{page}");
    });
}

#[test]
fn in_the_trials_dollars_are_prose() {
    check("dollars-in-code.md", |rows, page| {
        let code: Vec<&str> = rows
            .iter()
            .flat_map(|row| &row.spans)
            .filter(|span| span.style.background == Some(ibid::render::theme::ColourRole::Surface))
            .map(|span| span.text.trim())
            .collect();
        assert_eq!(code.join(" "), "$USER $\"{x}\" a echo $PATH", "{page}");
        assert_eq!(styled(rows, Modifier::ITALIC), ["$HOME"]);
        assert_eq!(styled(rows, Modifier::CROSSED_OUT), ["$9"]);
        assert!(!page.contains(['*', '`']) && !page.contains("~~") && !page.contains("]("), "{page}");
    });
}

#[test]
fn in_the_trials_globs_and_products_keep_their_stars() {
    check("identifiers-globs.md", |rows, page| {
        let page = page.replace('\n', ""); // A glob may be wrapped behind a slash.
        for words in ["*.py", "*.rs", "src/**/*.ts", "lib/**/*.js", "2*3*4", "a * b * c", "5*x", "6*y"] {
            assert!(page.contains(words), "{words} is not in\n{page}");
        }
        assert_eq!(styled(rows, Modifier::ITALIC), ["really"], "{page}");
    });
}

#[test]
fn in_the_trials_formulas_have_two_dimensions() {
    check("formulas-matrices.md", |rows, page| {
        let formulas: Vec<StyledRow> = rows.iter().filter(|row| row.kind == RowKind::Formula).cloned().collect();
        let expected = [
            "    ⎛ cos θ  −sin θ ⎞",
            "    ⎝ sin θ  cos θ  ⎠",
            "           ⎧ x²  if x ≥ 0",
            "    f(x) = ⎨",
            "           ⎩ −x  otherwise",
        ];
        assert_eq!(page_of(&formulas), expected.join("\n"), "{page}");
    });
}

#[test]
fn in_the_trials_a_definition_alone_is_shown() {
    check("only-a-definition.md", |_, page| assert_eq!(page, "[1]: https://example.com/only"));
}
