//! Tests how each construct is drawn, and that streaming does not change the result.

use insta::assert_snapshot;

use super::*;
use crate::render::{
    row::RowKind,
    source_map::{SourceKind, SourceRun},
};

/// Returns the rows of a complete text, one per line.
fn rendered(source: &str, width: usize) -> String {
    text_of(&laid_out(source, width))
}

pub(super) fn laid_out(source: &str, width: usize) -> MarkdownLayout {
    let mut layout = MarkdownLayout::new(MarkdownOptions::default());
    layout.sync(source, width, TextStage::Complete, &[]);
    layout
}

pub(super) fn text_of(layout: &MarkdownLayout) -> String {
    layout.rows().iter().map(|row| row.text().trim_end().to_owned() + "\n").collect()
}

/// Returns what is copied as its source, such as formulas; a continuation on another row is an empty text.
fn copied_as_source<'a>(layout: &MarkdownLayout, source: &'a str) -> Vec<&'a str> {
    let runs = layout.rows().iter().flat_map(|row| row.source_map.runs()).filter(|run| run.kind == SourceKind::StandIn);
    runs.map(|SourceRun { source: range, skipped, .. }| if skipped == 0 { &source[range] } else { "" }).collect()
}

/// Returns the spans of a text with their styles, which the text alone does not show.
fn styled_spans(source: &str) -> String {
    let layout = laid_out(source, 60);
    let spans = layout.rows().iter().flat_map(|row| &row.spans).filter(|span| !span.text.trim().is_empty());
    spans
        .map(|span| {
            let ground = span.style.background.map_or(String::new(), |ground| format!(" on {ground:?}"));
            let emphasis =
                if span.style.modifiers.is_empty() { String::new() } else { format!(" {:?}", span.style.modifiers) };
            let link = span.link().map_or(String::new(), |link| format!(" -> {link}"));
            format!("{:?} {:?}{ground}{emphasis}{link}", span.text, span.style.role)
        })
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn headings_are_bold_and_the_top_one_is_ruled() {
    assert_snapshot!(rendered("# A first heading\nProse.\n## A second\n### A third\n\nEnd", 40), @r"
        A first heading
        ━━━━━━━━━━━━━━━

        Prose.

        A second

        A third

        End
        ");
    assert_snapshot!(styled_spans("# One *two*\n## Three\n#### Four"), @r#"
        "One " Accent BOLD
        "two" Accent BOLD | ITALIC
        "━━━━━━━" Accent
        "Three" Accent BOLD
        "Four" Text BOLD
        "#);
}

#[test]
fn emphasis_code_and_links_have_their_own_styles() {
    assert_snapshot!(styled_spans("a **b** *c* ***d*** ~~e~~ `f` [g *h*](https://x.example \"t\") <https://y.example> [no](javascript:alert)"), @r#"
        "a " Text
        "b" Text BOLD
        "c" Text ITALIC
        "d" Text BOLD | ITALIC
        "e" Text CROSSED_OUT
        "f" Text on Surface
        "g " Link UNDERLINED -> https://x.example
        "h" Link ITALIC | UNDERLINED -> https://x.example
        "https://y.example" Link UNDERLINED -> https://y.example
        " no" Text
        " javascript:alert" Muted
        "#);
}

#[test]
fn an_email_address_is_shown_once_and_a_space_after_a_break_is_dropped() {
    assert_snapshot!(styled_spans("<a@x.example> b<br> c"), @r#"
        "a@x.example" Link UNDERLINED -> mailto:a@x.example
        " b" Text
        "c" Text
        "#);
}

#[test]
fn bare_addresses_are_links_outside_code_and_other_links() {
    assert_snapshot!(styled_spans("see https://x.example/a_b*c?d=1. **www.y.example** `http://no.example` [http://z.example](https://w.example)"), @r#"
        "see " Text
        "https://x.example/a_b*c?d=1" Link UNDERLINED -> https://x.example/a_b*c?d=1
        ". " Text
        "www.y.example" Link BOLD | UNDERLINED -> http://www.y.example
        "http://no.example" Text on Surface
        "http://z.example" Link UNDERLINED -> https://w.example
        "#);
}

#[test]
fn list_items_wrap_with_a_hanging_indent() {
    assert_snapshot!(rendered("Before:\n1. A numbered item whose text needs a second row\n   - nested, and the next level\n     * one deeper, and long enough to wrap\n       + and one more\n2. two\n\nAfter", 30), @r"
        Before:

        1. A numbered item whose text
           needs a second row
           • nested, and the next
             level
             ◦ one deeper, and long
               enough to wrap
               ▪ and one more
        2. two

        After
        ");
}

#[test]
fn loose_lists_keep_their_blank_rows() {
    assert_snapshot!(rendered("1. **one**\n\n   text\n\n   - a\n   - b\n\n2. two\n3. three", 30), @r"
        1. one

           text

           • a
           • b

        2. two
        3. three
        ");
    assert_snapshot!(rendered("- one\n\n  ```sh\n  ls\n  ```\n- \n- [x] done\n- [ ] to do\n1. [x] both", 30), @r"
        • one

          ▏ sh                   copy
          ▏ ls

        •
        ☑ done
        ☐ to do

        1. ☑ both
        ");
}

#[test]
fn quotations_and_alerts_keep_their_bar() {
    assert_snapshot!(rendered("> A quotation is set in italics behind a bar.\n>\n> - and\n> - lists\n>\n> > deeper\n\nText\n\n> [!WARNING]\n> An alert has its kind in words.\n>\n> And more.", 30), @r"
        ▎ A quotation is set in
        ▎ italics behind a bar.
        ▎
        ▎ • and
        ▎ • lists
        ▎
        ▎ ▎ deeper

        Text

        ▌ Warning
        ▌ An alert has its kind in
        ▌ words.
        ▌
        ▌ And more.
        ");
}

#[test]
fn code_blocks_show_their_language_left_and_their_copy_key_right() {
    assert_snapshot!(rendered("Look:\n```rust\nfn main() {\n    println!(\"{}\", a_long_name_here);\n\n}\n```\nand\n\n    indented\n\n~~~\n~~~", 34), @r#"
        Look:

        ▏ rust                       copy
        ▏ fn main() {
        ▏     println!("{}",
        ▏ ↪ a_long_name_here);
        ▏
        ▏ }

        and

        ▏                            copy
        ▏ indented

        ▏                            copy
        "#);
    assert_snapshot!(styled_spans("```rust\nlet x;\n```"), @r#"
        "▏ " Faint on Surface
        "rust" Muted on Surface
        "copy" Muted on Surface
        "▏ " Faint on Surface
        "let x;" Text on Surface
        "#);
}

#[test]
fn tables_are_columns_if_there_is_room_and_records_otherwise() {
    let table = "| Setup | Speed | Why |\n|---|---|---|\n| WAL, local | 12 ms | the case it is **made** for |\n| NFS | 7 | no shared memory |";
    assert_snapshot!(rendered(table, 60), @r"
        Setup       Speed  Why
        ──────────────────────────────────────────
        WAL, local  12 ms  the case it is made for
        NFS             7  no shared memory
        ");
    assert_snapshot!(rendered(table, 36), @r"
        Setup       Speed  Why
        ────────────────────────────────────
        WAL, local  12 ms  the case it is
                           made for
        NFS             7  no shared memory
        ");
    assert_snapshot!(rendered(table, 24), @r"
        WAL, local
          Speed  12 ms
          Why    the case it is
                 made for

        NFS
          Speed  7
          Why    no shared
                 memory
        ");
    assert_snapshot!(rendered("| a | b |\n|:-:|--:|\n| long cell | x |", 40), @r"
            a      b
        ────────────
        long cell  x
        ");
}

#[test]
fn html_images_footnotes_rules_and_breaks_are_drawn() {
    assert_snapshot!(rendered("<div>\n  <p>shown</p>\n</div>\n\nA<br>b <kbd>x</kbd>  \nc\\\nd\n\n---\n\n![a chart](https://x.example/c.png) and[^1] *x*\n\n[^1]: The note is long enough to wrap.", 30), @r"
        shown

        A
        b x
        c
        d

        ──────────────────────────────

        ▣ Image 1 a chart
        https://x.example/c.png
        and[^1] x

        [^1] The note is long enough
             to wrap.
        ");
}

#[test]
fn a_blank_row_follows_code_a_table_or_a_formula_in_a_list() {
    assert_snapshot!(rendered("1. First\n\n   ```\n   ls\n   ```\n2. Second\n\n   | a | b |\n   |---|---|\n   | 1 | 2 |\n3. Third\n\n   $$x$$\n4. Fourth", 30), @r"
        1. First

           ▏                     copy
           ▏ ls

        2. Second

           a  b
           ────
           1  2

        3. Third

              x

        4. Fourth
        ");
}

#[test]
fn a_long_record_label_wraps_in_its_own_column() {
    assert_snapshot!(rendered("| A name | Another column that is long | Short |\n|---|---|---|\n| Onomatopoeia | Misunderstandings of all kinds that one can think of | 1 |\n| Two | x | |", 36), @r"
        Onomatopoeia
          Another       Misunderstandings of
          column that   all kinds that one
          is long       can think of
          Short         1

        Two
          Another       x
          column that
          is long
          Short
        ");
}

#[test]
fn latex_delimiters_stay_with_their_formula() {
    for (open, close) in [("$", "$"), ("$$ ", " $$"), (r"\( ", r" \)"), (r"\[ ", r" \]")] {
        for width in 24..60 {
            let page =
                rendered(&format!(r"Some words and {open}\begin{{foo}} a \\ b \end{{foo}}{close} in them."), width);
            let (begin, end) = (format!(r"{open}\begin{{foo}}"), format!(r"\end{{foo}}{close}"));
            assert!(page.contains(&begin) && page.contains(&end), "{width}: {page}");
        }
    }
}

#[test]
fn formulas_are_shown_in_unicode() {
    assert_snapshot!(rendered("Take $E = mc^2$ and \\(\\alpha \\le \\frac{1}{2}\\), so:\n$$\n\\sum_{i=1}^n x_i\n= \\sqrt{a^2 + b^2}\n$$\nwhere $5 and $6 is money, $HOME:$PATH too.\n\n\\[ \\begin{pmatrix} 1 \\\\ 2 \\end{pmatrix} \\]\n\nFor $x_{\\text{max}}$ and $\\foo{x}$.\n\n- item\n\n  \\[\n  a\n  + b\n  \\].\n\n> $$\n> y\n> $$\n\n| $a^2$ | $$b$$ |\n|---|---|\n| $x$ | 1 |", 44), @r"
        Take E = mc² and α ≤ ½, so:

             n
             ∑  xᵢ = √(a² + b²)
            i=1

        where $5 and $6 is money, $HOME:$PATH too.

            ⎛ 1 ⎞
            ⎝ 2 ⎠

        For xₘₐₓ and $\foo{x}$.

        • item

              a + b.

        ▎     y

        a²  b
        ─────
        x   1
        ");
    let source = "so $\\alpha$\n\n$$\n\\beta\n$$";
    assert_eq!(copied_as_source(&laid_out(source, 40), source), ["$\\alpha$", "$$\n\\beta\n$$"]);
}

#[test]
fn a_formula_that_is_wrapped_is_copied_once() {
    let source = "$a + b + c + d + e + f$";
    assert_eq!(copied_as_source(&laid_out(source, 8), source), [source, "", ""]);
}

#[test]
fn diagrams_and_images_are_one_numbered_row() {
    let source = "Look:\n\n```mermaid\n%% a comment\nflowchart LR\n  A --> B\n```\n\n![A chart *of* growth](https://x.example/a/chart.png)\n\n![](data:image/png;base64,AAAAAAAA) [![badge](https://x.example/b.svg)](https://y.example) end\n\n```mermaid\npie title Pets\n```\n";
    assert_snapshot!(rendered(source, 62), @r"
        Look:

        ▏ ▸ Diagram 1  flowchart · 3 lines                       copy

        ▣ Image 2  A chart of growth  https://x.example/a/chart.png

        ▣ Image 3 embedded image/png · 6 bytes ▣ Image 4 badge
        https://x.example/b.svg end

        ▏ ▸ Diagram 5  pie chart · 1 line                        copy
        ");
    let mut layout = MarkdownLayout::new(MarkdownOptions { diagrams_open: true, ..MarkdownOptions::default() });
    layout.sync(source, 40, TextStage::Complete, &[]);
    assert_snapshot!(text_of(&layout).lines().take(8).collect::<Vec<_>>().join("\n"), @r"
        Look:

        ▏ ▾ Diagram 1  flowchart · 3 lines
        ▏ %% a comment
        ▏ flowchart LR
        ▏   A --> B

        ▣ Image 2  A chart of growth
        ");
    assert_eq!(layout.code_blocks()[0].text, "%% a comment\nflowchart LR\n  A --> B\n");
    assert_eq!(copied_as_source(&layout, source)[0], "![A chart *of* growth](https://x.example/a/chart.png)");
}

#[test]
fn scrolled_code_lines_stay_on_one_row() {
    let mut layout =
        MarkdownLayout::new(MarkdownOptions { code_lines: CodeLineMode::Scrolled, ..MarkdownOptions::default() });
    let source = "```rust\nlet a = \"a string that goes on and on\";\n}\n```\n";
    layout.sync(source, 20, TextStage::Complete, &[]);
    assert_snapshot!(text_of(&layout), @r#"
        ▏ rust         copy
        ▏ let a = "a string that goes on and on";
        ▏ }
        "#);
    assert!(layout.scroll_code(1, 8) && !layout.scroll_code(2, 8));
    assert_eq!(layout.rows().iter().map(|row| row.scrolled_cells).collect::<Vec<_>>(), [0, 8, 8]);
    assert!(layout.scroll_code(1, 800) && !layout.scroll_code(1, 8), "no further than its end");
    assert_eq!(layout.rows()[1].scrolled_cells, layout.rows()[1].width() + 1 - 20 + 2 - 2);
    assert!(layout.scroll_code(1, -800) && !layout.scroll_code(1, -8));
}

#[test]
fn a_right_to_left_paragraph_is_marked() {
    let layout = laid_out("שלום abc\n\nabc שלום\n\n- مرحبا", 40);
    let rtl: Vec<bool> = layout.rows().iter().filter(|row| row.kind != RowKind::Blank).map(|row| row.is_rtl).collect();
    assert_eq!(rtl, [true, false, true]);
}

#[test]
fn text_breaks_where_unicode_allows() {
    let options = MarkdownOptions { line_breaks: LineBreaks::Markdown, ..MarkdownOptions::default() };
    let mut layout = MarkdownLayout::new(options);
    layout.sync("与中文混排\n的文字 and 👨‍👩‍👧‍👦 emoji\nשלום עולם", 14, TextStage::Complete, &[]);
    assert_snapshot!(text_of(&layout), @r"
        与中文混排的文
        字 and 👨‍👩‍👧‍👦
        emoji שלום
        עולם
        ");
}

#[test]
fn text_cannot_control_the_terminal() {
    assert_snapshot!(rendered("a\u{1b}[31mred\u{1b}[0m `\u{9b}2J` \u{202e}x\n\n```\n\u{1b}]0;t\u{7}\tcode\n```", 30), @r"
        ared `` ⟨RLO⟩x

        ▏                        copy
        ▏     code
        ");
}

#[test]
fn rows_cover_the_whole_source() {
    let source = "# T\r\n\r\npara one \u{1b}[1mtwo\r\n\n- a\n- b\n\n```c\nx\ty\n```\n\n| a |\n|---|\n| b |\n\n> q";
    let layout = laid_out(source, 12);
    let mut at = 0;
    for row in layout.rows() {
        assert_eq!(row.source.start, at, "{row:?}");
        at = row.source.end;
    }
    assert_eq!(at, source.len());
}

#[test]
fn code_is_highlighted_once_and_keeps_its_colours_at_every_width() {
    use crate::render::highlight::{CodeHighlighter, CodeOwner};

    let owner = CodeOwner(0);
    let source = "Text\n\n```rust\nlet x = 1; // a comment that wraps\nlet y = \"two\";\n```\n\n- in a list\n\n  ```py\n  def f(): pass\n  ```\n";
    let mut worker = CodeHighlighter::new(|| std::time::Duration::ZERO);
    let mut layout = MarkdownLayout::new(MarkdownOptions::default());
    let (mut asked, mut newest) = (Vec::new(), None);
    for end in 0..=source.len() {
        layout.sync(&source[..end], 30, TextStage::Growing, &[]);
        for job in layout.take_highlight_jobs(owner, 0..usize::MAX, &mut newest) {
            asked.push((job.block.number, job.first_line, job.text.clone()));
            assert!(layout.apply_colours(&worker.highlight(job)));
        }
    }
    layout.sync(source, 30, TextStage::Complete, &[]);
    assert_eq!(
        asked,
        [
            (1, 0, "let x = 1; // a comment that wraps\n".to_owned()),
            (1, 1, "let y = \"two\";\n".to_owned()),
            (2, 0, "def f(): pass\n".to_owned())
        ]
    );
    for width in [30, 12, 60] {
        layout.sync(source, width, TextStage::Complete, &[]);
        assert_eq!(layout.take_highlight_jobs(owner, 0..usize::MAX, &mut newest), []);
        let coloured: Vec<_> = layout
            .rows()
            .iter()
            .flat_map(|row| &row.spans)
            .filter(|span| matches!(span.style.role, ColourRole::Keyword | ColourRole::String | ColourRole::Comment))
            .map(|span| span.text.as_str())
            .collect();
        let words = coloured.concat().replace(' ', "");
        assert_eq!(words, "let//acommentthatwrapslet\"two\"defpass", "at {width}");
    }
}
