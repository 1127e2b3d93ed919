//! The visible text of Markdown, without its layout.

use pulldown_cmark::{Event, Parser, TagEnd};

use super::{
    blocks::is_ideograph,
    formulas::{self, FormulaText},
    inline::SourceMap,
    open_text::OpenText,
};

/// The visible text, one line per block, cell or line of code, with a map back to the source.
#[derive(Debug, Clone, Default)]
pub struct VisibleText {
    pub text: String,
    /// Where the last top-level block begins: text that is appended to the source changes nothing before it.
    pub last_block: usize,
    source_map: SourceMap,
    open: OpenText,
}

impl VisibleText {
    /// Extracts the visible text of a source that begins with a block.
    pub fn from_markdown(source: &str) -> Self {
        let mut open = OpenText::default();
        open.grow(source);
        let mut visible = Self::default();
        let (mut depth, mut last) = (0_usize, 0);
        let prepared = formulas::prepare(&open.text);
        for (event, range) in Parser::new_ext(&prepared.text, formulas::parser_options()).into_offset_iter() {
            if depth == 0 && !matches!(event, Event::End(_)) && range.start <= prepared.open_formula {
                last = range.start;
            }
            match &event {
                Event::Start(_) => depth += 1,
                Event::End(_) => depth -= 1,
                _ => (),
            }
            match event {
                Event::InlineMath(latex) | Event::DisplayMath(latex) => {
                    let next_char = open.text[range.end..].chars().next();
                    match formulas::formula_text(&latex, &open.text[range.clone()], next_char) {
                        FormulaText::Unicode(words) => visible.push(&words, range),
                        FormulaText::PlainText | FormulaText::Latex => visible.push(&open.text[range.clone()], range),
                    }
                }
                Event::Text(words) | Event::Code(words) => {
                    // The backticks around code are not shown.
                    let inside = open.text[range.clone()]
                        .find(&*words)
                        .map_or(range.clone(), |skipped| range.start + skipped..range.start + skipped + words.len());
                    visible.push(&words, inside);
                }
                Event::Html(words) | Event::InlineHtml(words) => {
                    let is_break = words.trim_start().to_ascii_lowercase().starts_with("<br");
                    visible.push(if is_break { "\n" } else { &words }, range);
                }
                Event::FootnoteReference(label) => visible.push(&format!("[^{label}]"), range),
                Event::SoftBreak => {
                    let next = open.text[range.end..].trim_start_matches([' ', '>']).chars().next();
                    let before = visible.text.chars().next_back();
                    let is_joined =
                        before.zip(next).is_some_and(|(before, next)| is_ideograph(before) && is_ideograph(next));
                    if !is_joined {
                        visible.push(" ", range);
                    }
                }
                Event::HardBreak => visible.push("\n", range),
                Event::End(
                    TagEnd::Paragraph
                    | TagEnd::Heading(_)
                    | TagEnd::CodeBlock
                    | TagEnd::HtmlBlock
                    | TagEnd::Item
                    | TagEnd::TableCell
                    | TagEnd::FootnoteDefinition,
                ) => visible.push("\n", range.end..range.end),
                Event::Start(_) | Event::End(_) | Event::Rule | Event::TaskListMarker(_) => (),
            }
        }
        drop(prepared);
        visible.last_block = open.source_pos(open.text[..last].rfind('\n').map_or(0, |at| at + 1));
        visible.open = open;
        visible
    }

    /// Returns the position in the source of a byte of the visible text.
    pub fn source_pos(&self, at: usize) -> usize {
        self.open.source_pos(self.source_map.source_at(at))
    }

    fn push(&mut self, words: &str, range: std::ops::Range<usize>) {
        self.source_map.record(self.text.len(), range, words.len());
        self.text.push_str(words);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn visible_text_maps_back_to_its_source() {
        let source = "# A *head*\n\nSome **bold**\nwords &amp; `code`.\n\n- item\n\n```rs\nlet a;\nlet b;\n```\n\n| a | b |\n|--|--|\n| 1 | 2 |\n";
        let plain = VisibleText::from_markdown(source);
        assert_eq!(plain.text, "A head\nSome bold words & code.\nitem\nlet a;\nlet b;\n\na\nb\n1\n2\n");
        for word in ["head", "bold", "words", "code", "item", "let b", "2 "] {
            let at = plain.text.find(word.trim()).unwrap();
            let place = plain.source_pos(at);
            assert!(source[place..].starts_with(word.trim()), "{word}: {:?}", &source[place..]);
        }
        assert_eq!(&source[plain.last_block..], "| a | b |\n|--|--|\n| 1 | 2 |\n");
    }

    #[test]
    fn text_before_the_last_block_never_changes() {
        let source = "One.\n\n- a\n- b\n\n```\ncode\n\nmore\n```\n\nTwo *three*\nfour.\n\nFive.";
        for cut in 0..=source.len() {
            let plain = VisibleText::from_markdown(&source[..cut]);
            let whole = VisibleText::from_markdown(source);
            let before: String = plain
                .text
                .char_indices()
                .filter(|(at, _)| plain.source_pos(*at) < plain.last_block)
                .map(|(_, c)| c)
                .collect();
            assert!(whole.text.starts_with(before.trim_end()), "{before:?} of {:?}", &source[..cut]);
        }
    }
}
