//! Extracts the code blocks of a text without laying it out.

use pulldown_cmark::{CodeBlockKind, Event, Parser, Tag, TagEnd};

use super::{blocks::fence_language, formulas};

/// The contents of one code block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExtractedCode {
    /// The first word after the fence; empty if there is none.
    pub language: String,
    pub text: String,
}

/// Returns all code blocks of a text, in the order of their numbers on the screen.
pub fn extract_code_blocks(source: &str) -> Vec<ExtractedCode> {
    let mut blocks = Vec::new();
    let mut open: Option<ExtractedCode> = None;
    let prepared = formulas::prepare(source);
    for event in Parser::new_ext(&prepared.text, formulas::parser_options()) {
        match (event, &mut open) {
            (Event::Start(Tag::CodeBlock(kind)), _) => {
                let language = match kind {
                    CodeBlockKind::Fenced(info) => fence_language(&info),
                    CodeBlockKind::Indented => String::new(),
                };
                open = Some(ExtractedCode { language, text: String::new() });
            }
            (Event::Text(text), Some(block)) => block.text.push_str(&text),
            (Event::End(TagEnd::CodeBlock), _) => blocks.extend(open.take()),
            _ => (),
        }
    }
    blocks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_blocks_come_in_order_with_language_and_text() {
        let source = "text\n\n```rust\nfn main() {}\n```\n\n- item\n\n  ```\n  plain\n  ```\n\n    indented\n";
        let found: Vec<(String, String)> =
            extract_code_blocks(source).into_iter().map(|code| (code.language, code.text)).collect();
        assert_eq!(found[0], ("rust".into(), "fn main() {}\n".into()));
        assert_eq!(found[1], (String::new(), "plain\n".into()));
    }
}
