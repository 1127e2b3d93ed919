//! The words of a Markdown text as they will be shown, without laying them out.

use pulldown_cmark::{Event, Parser, TagEnd};

use super::{
    blocks::is_ideograph,
    formulas::{self, Formula},
    inline::Places,
    open::Open,
};

/// Words, one block, cell or line of code a line, and where each of them stands in the source.
#[derive(Debug, Clone, Default)]
pub struct Plain {
    pub text: String,
    /// Where the last block at the top begins: whatever is appended to the source, what stands before it stays.
    pub last_block: usize,
    places: Places,
    open: Open,
}

impl Plain {
    /// The words of a source that begins with a block.
    pub fn of(source: &str) -> Self {
        let mut open = Open::default();
        open.grow(source);
        let mut plain = Self::default();
        let (mut depth, mut last) = (0_usize, 0);
        let prepared = formulas::prepare(&open.text);
        for (event, range) in Parser::new_ext(&prepared.text, formulas::options()).into_offset_iter() {
            if depth == 0 && !matches!(event, Event::End(_)) && range.start <= prepared.open {
                last = range.start;
            }
            match &event {
                Event::Start(_) => depth += 1,
                Event::End(_) => depth -= 1,
                _ => (),
            }
            match event {
                Event::InlineMath(latex) | Event::DisplayMath(latex) => {
                    let behind = open.text[range.end..].chars().next();
                    match formulas::read(&latex, &open.text[range.clone()], behind) {
                        Formula::Unicode(words) => plain.push(&words, range),
                        Formula::Words | Formula::Latex => plain.push(&open.text[range.clone()], range),
                    }
                }
                Event::Text(words) | Event::Code(words) => {
                    // The marks around code are not shown.
                    let inside = open.text[range.clone()]
                        .find(&*words)
                        .map_or(range.clone(), |skipped| range.start + skipped..range.start + skipped + words.len());
                    plain.push(&words, inside);
                }
                Event::Html(words) | Event::InlineHtml(words) => {
                    let is_break = words.trim_start().to_ascii_lowercase().starts_with("<br");
                    plain.push(if is_break { "\n" } else { &words }, range);
                }
                Event::FootnoteReference(label) => plain.push(&format!("[^{label}]"), range),
                Event::SoftBreak => {
                    let next = open.text[range.end..].trim_start_matches([' ', '>']).chars().next();
                    let before = plain.text.chars().next_back();
                    let joined =
                        before.zip(next).is_some_and(|(before, next)| is_ideograph(before) && is_ideograph(next));
                    if !joined {
                        plain.push(" ", range);
                    }
                }
                Event::HardBreak => plain.push("\n", range),
                Event::End(
                    TagEnd::Paragraph
                    | TagEnd::Heading(_)
                    | TagEnd::CodeBlock
                    | TagEnd::HtmlBlock
                    | TagEnd::Item
                    | TagEnd::TableCell
                    | TagEnd::FootnoteDefinition,
                ) => plain.push("\n", range.end..range.end),
                Event::Start(_) | Event::End(_) | Event::Rule | Event::TaskListMarker(_) => (),
            }
        }
        drop(prepared);
        plain.last_block = open.raw(open.text[..last].rfind('\n').map_or(0, |at| at + 1));
        plain.open = open;
        plain
    }

    /// The place in the source of a byte of the words.
    pub fn source(&self, at: usize) -> usize {
        self.open.raw(self.places.source(at))
    }

    fn push(&mut self, words: &str, range: std::ops::Range<usize>) {
        self.places.note(self.text.len(), range, words.len());
        self.text.push_str(words);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_those_that_are_shown_and_know_their_place() {
        let source = "# A *head*\n\nSome **bold**\nwords &amp; `code`.\n\n- item\n\n```rs\nlet a;\nlet b;\n```\n\n| a | b |\n|--|--|\n| 1 | 2 |\n";
        let plain = Plain::of(source);
        assert_eq!(plain.text, "A head\nSome bold words & code.\nitem\nlet a;\nlet b;\n\na\nb\n1\n2\n");
        for word in ["head", "bold", "words", "code", "item", "let b", "2 "] {
            let at = plain.text.find(word.trim()).unwrap();
            let place = plain.source(at);
            assert!(source[place..].starts_with(word.trim()), "{word}: {:?}", &source[place..]);
        }
        assert_eq!(&source[plain.last_block..], "| a | b |\n|--|--|\n| 1 | 2 |\n");
    }

    #[test]
    fn what_stands_before_the_last_block_stays_as_it_is() {
        let source = "One.\n\n- a\n- b\n\n```\ncode\n\nmore\n```\n\nTwo *three*\nfour.\n\nFive.";
        for cut in 0..=source.len() {
            let plain = Plain::of(&source[..cut]);
            let whole = Plain::of(source);
            let before: String = plain
                .text
                .char_indices()
                .filter(|(at, _)| plain.source(*at) < plain.last_block)
                .map(|(_, c)| c)
                .collect();
            assert!(whole.text.starts_with(before.trim_end()), "{before:?} of {:?}", &source[..cut]);
        }
    }
}
