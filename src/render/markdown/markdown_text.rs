//! The text of Markdown without its layout, for searches and for its code: the same walk as for rows.

use std::collections::BTreeMap;

use super::{
    BlockCounts, CodeBlock, LayoutBudget, MarkdownOptions,
    blocks::{self, BlockInput, CodeBlockRows, WalkOutput},
    open_text::OpenText,
};
use crate::render::source_map::{SourceKind, SourceMap};

/// The visible text, one line per block, cell or line of code. It leaves out what is not in the source.
#[derive(Debug, Clone, Default)]
pub struct MarkdownText {
    pub text: String,
    pub source_map: SourceMap,
    /// The code blocks, in the order of their numbers on the screen. Their text is that of the source, not cleaned.
    pub code_blocks: Vec<CodeBlock>,
    /// Where the last top-level block begins: text that is appended to the source changes nothing before it.
    pub last_block: usize,
}

impl MarkdownText {
    /// Reads a source that begins with a block.
    pub fn parse(source: &str) -> Self {
        let mut open = OpenText::default();
        open.grow(source);
        let walked = blocks::lay_out(&BlockInput {
            source: &open.text,
            may_grow: false,
            output: WalkOutput::Text,
            width: 1,
            options: &MarkdownOptions::default(),
            citation_marks: &[],
            colours: &BTreeMap::new(),
            scroll_offsets: &BTreeMap::new(),
            counts_before: BlockCounts::default(),
            highlighted: None,
            wrap_cache: None,
            max_cells: LayoutBudget::of_thread(source.len()).cells(),
        });
        if walked.is_cut {
            // It is shown as its source.
            let source_map = open.map_sources(SourceMap::verbatim(0..open.text.len()));
            return Self { text: open.text, source_map, ..Self::default() };
        }
        let as_written = |code: &CodeBlockRows| {
            let runs = code.source_map.runs().map(|run| match run.kind {
                SourceKind::Verbatim => &source[open.source_pos(run.source.start)..open.source_pos(run.source.end)],
                SourceKind::Rewritten | SourceKind::StandIn | SourceKind::Inserted => &code.text[run.text],
            });
            runs.collect::<String>().replace("\r\n", "\n")
        };
        let code_blocks = walked.code_blocks.into_iter().map(|code| {
            let text = as_written(&code);
            CodeBlock { text, ..CodeBlock::from_rows(code, 0) }
        });
        Self {
            code_blocks: code_blocks.collect(),
            last_block: open.source_pos(blocks::line_start(&open.text, walked.last_block)),
            source_map: open.map_sources(walked.source_map),
            text: walked.text,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn visible_text_maps_back_to_its_source() {
        let source = "# A *head*\n\nSome **bold**\nwords &amp; `code`.\n\n- item\n\n```rs\nlet a;\nlet b;\n```\n\n| a | b |\n|--|--|\n| 1 | 2 |\n";
        let plain = MarkdownText::parse(source);
        assert_eq!(plain.text, "A head\nSome bold words & code.\nitem\nlet a;\nlet b;\n\na\nb\n1\n2\n");
        for word in ["head", "bold", "words", "code", "item", "let b", "2 "] {
            let at = plain.text.find(word.trim()).unwrap();
            let place = plain.source_map.pos_at(at).byte;
            assert!(source[place..].starts_with(word.trim()), "{word}: {:?}", &source[place..]);
        }
        assert_eq!(&source[plain.last_block..], "| a | b |\n|--|--|\n| 1 | 2 |\n");
    }

    #[test]
    fn text_before_the_last_block_never_changes() {
        let source = "One.\n\n- a\n- b\n\n```\ncode\n\nmore\n```\n\nTwo *three*\nfour.\n\nFive.";
        for cut in 0..=source.len() {
            let plain = MarkdownText::parse(&source[..cut]);
            let whole = MarkdownText::parse(source);
            let before: String = plain
                .text
                .char_indices()
                .filter(|(at, _)| plain.source_map.pos_at(*at).byte < plain.last_block)
                .map(|(_, c)| c)
                .collect();
            assert!(whole.text.starts_with(before.trim_end()), "{before:?} of {:?}", &source[..cut]);
        }
    }

    #[test]
    fn code_blocks_come_in_order_with_language_and_text() {
        let source = "text\n\n```rust\nfn main() {\r\n\tx\u{1b}[1m\n}\n```\n\n- item\n\n  ```\n  plain\n  code\n  ```\n\n    indented\n";
        let found: Vec<(u32, String, String)> = MarkdownText::parse(source)
            .code_blocks
            .into_iter()
            .map(|code| (code.number, code.language, code.text))
            .collect();
        assert_eq!(found[0], (1, "rust".into(), "fn main() {\n\tx\u{1b}[1m\n}\n".into()), "as it was written");
        assert_eq!(found[1], (2, String::new(), "plain\ncode\n".into()));
    }
}
