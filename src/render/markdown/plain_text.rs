//! The words of a Markdown text without its markup, for one-line descriptions.

use pulldown_cmark::{Event, Parser, TagEnd};

/// Returns the words of a Markdown text, with its blocks and lines joined by spaces.
pub fn plain_text(markdown: &str) -> String {
    let mut words = String::new();
    for event in Parser::new(markdown) {
        match event {
            Event::Text(text) | Event::Code(text) => words.push_str(&text),
            Event::SoftBreak | Event::HardBreak => words.push(' '),
            Event::End(TagEnd::Paragraph | TagEnd::Item | TagEnd::Heading(_) | TagEnd::CodeBlock) => words.push(' '),
            _ => (),
        }
    }
    words.truncate(words.trim_end().len());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_is_removed_and_words_stay() {
        let text = "Efforts: *none*, **where** it `fits`. See [the page](https://a.example).\n\n- one\n- two";
        assert_eq!(plain_text(text), "Efforts: none, where it fits. See the page. one two");
        assert_eq!(plain_text("2 * 3 * 4 and snake_case_name"), "2 * 3 * 4 and snake_case_name");
    }
}
