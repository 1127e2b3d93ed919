//! The code of a text, without its layout.

use pulldown_cmark::{CodeBlockKind, Event, Parser, Tag, TagEnd};

use super::{blocks::language, formulas};

/// The contents of one code block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Code {
    /// The first word behind the fence; empty where there is none.
    pub language: String,
    pub text: String,
}

/// All code blocks of a text, in the order in which they are numbered on the screen.
pub fn code_blocks(source: &str) -> Vec<Code> {
    let mut blocks = Vec::new();
    let mut open: Option<Code> = None;
    let prepared = formulas::prepare(source);
    for event in Parser::new_ext(&prepared.text, formulas::options()) {
        match (event, &mut open) {
            (Event::Start(Tag::CodeBlock(kind)), _) => {
                let language = match kind {
                    CodeBlockKind::Fenced(info) => language(&info),
                    CodeBlockKind::Indented => String::new(),
                };
                open = Some(Code { language, text: String::new() });
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
    fn blocks_come_in_order_with_their_language_and_their_bytes() {
        let source = "text\n\n```rust\nfn main() {}\n```\n\n- item\n\n  ```\n  plain\n  ```\n\n    indented\n";
        let found: Vec<(String, String)> =
            code_blocks(source).into_iter().map(|code| (code.language, code.text)).collect();
        assert_eq!(found[0], ("rust".into(), "fn main() {}\n".into()));
        assert_eq!(found[1], (String::new(), "plain\n".into()));
    }
}
