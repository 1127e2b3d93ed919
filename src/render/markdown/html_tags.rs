//! Reads the tags of raw HTML, and hides from the parser those that are text.
//!
//! Models write HTML that they mean (`<br>`, `<sub>`), and words in angle brackets that only look like it (`Vec<T>`,
//! `<your-name>`, "the `<b>` tag"). A tag is HTML if its element is known and its partner is in the same block, if it
//! has an attribute, or if it stands alone on its line.

use std::ops::Range;

use super::prepare::{CodeRange, ParserDraft};
use crate::text::work;

/// A tag, such as `<a href="…">`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct HtmlTag<'a> {
    pub name: &'a str,
    pub is_closing: bool,
    pub attributes: &'a str,
}

/// What an element means for the text in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HtmlElement {
    LineBreak,
    Rule,
    Image,
    Superscript,
    Subscript,
    Bold,
    Italic,
    Underlined,
    Struck,
    Marked,
    Code,
    Link,
    /// A block of its own rows.
    Block,
    Heading,
    List {
        is_numbered: bool,
    },
    ListItem,
    /// A cell, which follows another one in its row.
    Cell,
    Preformatted,
    Details,
    Summary,
    /// It changes nothing.
    Plain,
    /// A program or a style sheet, which is shown as it is.
    Verbatim,
}

/// A tag at its place in a text.
struct PlacedTag<'a> {
    range: Range<usize>,
    tag: HtmlTag<'a>,
    element: HtmlElement,
}

impl<'a> HtmlTag<'a> {
    /// Parses the tag at the beginning of a text; returns it with its length.
    pub(super) fn parse(text: &'a str) -> Option<(Self, usize)> {
        let inside = text.strip_prefix('<')?;
        let is_closing = inside.starts_with('/');
        let name_start = 1 + usize::from(is_closing);
        let bytes = text.as_bytes();
        bytes.get(name_start).filter(|first| first.is_ascii_alphabetic())?;
        let name_len =
            bytes[name_start..].iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'-').count();
        let name_end = name_start + name_len;
        let mut quote = None;
        for (at, byte) in bytes.iter().enumerate().skip(name_end).take(MAX_TAG_BYTES) {
            work::count_steps(1);
            match (*byte, quote) {
                (mark, Some(open)) if mark == open => quote = None,
                (_, Some(_)) => (),
                (mark @ (b'"' | b'\''), None) if !is_closing => quote = Some(mark),
                (b'<', None) => return None,
                (b'>', None) => {
                    let attributes = text[name_end..at].trim_end_matches('/').trim();
                    let is_separate = name_end == at || matches!(bytes[name_end], b' ' | b'\n' | b'\t' | b'/');
                    let tag = Self { name: &text[name_start..name_end], is_closing, attributes };
                    return is_separate.then_some((tag, at + 1));
                }
                _ => (),
            }
        }
        None
    }

    pub(super) fn element(self) -> Option<HtmlElement> {
        element_of(self.name)
    }

    /// Returns the value of an attribute.
    pub(super) fn attribute(self, name: &str) -> Option<&'a str> {
        let mut rest = self.attributes;
        while let Some((key, after)) = rest.split_once('=') {
            let after = after.trim_start();
            let (value, behind) = match after.chars().next() {
                Some(quote @ ('"' | '\'')) => after[1..].split_once(quote).unwrap_or((&after[1..], "")),
                _ => after.split_once(char::is_whitespace).unwrap_or((after, "")),
            };
            let key = key.rsplit(char::is_whitespace).find(|word| !word.is_empty()).unwrap_or("");
            if key.eq_ignore_ascii_case(name) {
                return Some(value);
            }
            rest = behind;
        }
        None
    }
}

/// A longer tag is text.
const MAX_TAG_BYTES: usize = 4096;

fn element_of(name: &str) -> Option<HtmlElement> {
    use HtmlElement as E;
    Some(match name.to_ascii_lowercase().as_str() {
        "br" | "wbr" => E::LineBreak,
        "hr" => E::Rule,
        "img" => E::Image,
        "sup" => E::Superscript,
        "sub" => E::Subscript,
        "b" | "strong" => E::Bold,
        "i" | "em" | "cite" | "dfn" | "var" => E::Italic,
        "u" | "ins" => E::Underlined,
        "s" | "del" | "strike" => E::Struck,
        "mark" => E::Marked,
        "code" | "kbd" | "samp" | "tt" => E::Code,
        "a" => E::Link,
        "p" | "div" | "section" | "article" | "header" | "footer" | "main" | "aside" | "nav" | "center"
        | "blockquote" | "table" | "tr" | "caption" | "dl" | "dt" | "dd" | "figure" | "figcaption" => E::Block,
        "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => E::Heading,
        "ul" => E::List { is_numbered: false },
        "ol" => E::List { is_numbered: true },
        "li" => E::ListItem,
        "td" | "th" => E::Cell,
        "pre" => E::Preformatted,
        "details" => E::Details,
        "summary" => E::Summary,
        "span" | "font" | "small" | "big" | "abbr" | "q" | "time" | "thead" | "tbody" | "tfoot" | "colgroup"
        | "col" | "picture" | "source" | "ruby" | "rt" | "rp" | "bdi" | "bdo" => E::Plain,
        "script" | "style" => E::Verbatim,
        _ => return None,
    })
}

impl HtmlElement {
    fn has_partner(self) -> bool {
        !matches!(self, Self::LineBreak | Self::Rule | Self::Image | Self::Details)
    }

    /// Whether its tag at the start of a line begins a block, also behind a paragraph.
    fn starts_block(self) -> bool {
        match self {
            Self::Rule
            | Self::Block
            | Self::Heading
            | Self::List { .. }
            | Self::ListItem
            | Self::Cell
            | Self::Preformatted
            | Self::Details
            | Self::Summary
            | Self::Verbatim => true,
            Self::LineBreak
            | Self::Image
            | Self::Superscript
            | Self::Subscript
            | Self::Bold
            | Self::Italic
            | Self::Underlined
            | Self::Struck
            | Self::Marked
            | Self::Code
            | Self::Link
            | Self::Plain => false,
        }
    }

    /// Whether its closing tag may be left out.
    fn may_be_open(self) -> bool {
        matches!(self, Self::ListItem | Self::Cell | Self::Block)
    }

    /// Whether it is never HTML without its partner.
    fn is_only_paired(self) -> bool {
        matches!(self, Self::Superscript | Self::Subscript)
    }
}

/// Hides the angle brackets that begin no HTML, and finds the details.
pub(super) fn hide_tags(draft: &mut ParserDraft) {
    let source = draft.source;
    if memchr::memchr(b'<', source.as_bytes()).is_none() {
        return;
    }
    let code = draft.code_without_html();
    let (tags, text) = find_tags(source, &code);
    if let Some(comment) = text.iter().find(|at| source[**at..].starts_with("<!--") && begins_line(source, **at)) {
        draft.open_formula = draft.open_formula.min(*comment);
    }
    for at in text {
        draft.hide(at);
    }
    let mut open: Vec<usize> = Vec::new();
    let mut is_paired = vec![false; tags.len()];
    let mut is_in_html = false;
    for (index, placed) in tags.iter().enumerate() {
        let gap = index
            .checked_sub(1)
            .map_or(TagGap::BlankLine, |before| tag_gap(source, tags[before].range.end..placed.range.start));
        is_in_html &= gap != TagGap::BlankLine;
        let starts_block = placed.element.starts_block() && is_first_in_line(source, placed.range.start);
        if !is_in_html && (gap != TagGap::Nothing || starts_block) {
            open.clear();
        }
        is_in_html |= starts_block;
        if !placed.element.has_partner() {
            is_paired[index] = placed.element != HtmlElement::Details;
        } else if !placed.tag.is_closing {
            open.push(index);
        } else if let Some(at) =
            open.iter().rev().take(MAX_OPEN).position(|at| tags[*at].tag.name.eq_ignore_ascii_case(placed.tag.name))
        {
            let opening = open.len() - 1 - at;
            (is_paired[index], is_paired[open[opening]]) = (true, true);
            open.truncate(opening);
        }
    }
    find_details(draft, &tags, &mut is_paired);
    for (placed, is_paired) in tags.iter().zip(is_paired) {
        if !is_paired && !is_html_alone(source, placed) {
            draft.hide(placed.range.start);
        }
    }
}

/// How many open tags are compared with a closing one.
const MAX_OPEN: usize = 50;

/// Finds the tags of known elements, and the angle brackets that begin none.
fn find_tags<'a>(source: &'a str, code: &[CodeRange]) -> (Vec<PlacedTag<'a>>, Vec<usize>) {
    let (mut tags, mut text) = (Vec::new(), Vec::new());
    let mut code = code.iter().peekable();
    let last_comment_end = memchr::memmem::rfind(source.as_bytes(), b"-->").unwrap_or(0);
    let mut pos = 0;
    while let Some(step) = memchr::memchr(b'<', &source.as_bytes()[pos..]) {
        let at = pos + step;
        pos = at + 1;
        while code.next_if(|code| code.range.end <= at).is_some() {}
        let rest = &source[at..];
        if code.peek().is_some_and(|code| code.range.start <= at) || is_address(&source[..at], rest) {
            continue;
        }
        if rest.starts_with("<!--") {
            if at + 4 > last_comment_end {
                text.push(at);
            }
            continue;
        }
        match HtmlTag::parse(rest).and_then(|(tag, len)| Some((tag, len, tag.element()?))) {
            Some((tag, len, element)) if !has_only_words(tag, element) => {
                tags.push(PlacedTag { range: at..at + len, tag, element });
                pos = at + len;
            }
            _ if rest[1..].starts_with(|char: char| char.is_ascii_alphabetic() || matches!(char, '/' | '!' | '?')) => {
                text.push(at);
            }
            _ => (),
        }
    }
    (tags, text)
}

/// Whether an angle bracket belongs to an address: `<https://…>`, `<me@x.example>`, `](<a b>)`.
fn is_address(before: &str, rest: &str) -> bool {
    const MAX_ADDRESS: usize = 400;
    let inside = rest.bytes().skip(1).take(MAX_ADDRESS).take_while(|byte| !matches!(byte, b'<' | b'>' | b'"'));
    let inside = &rest[1..rest.floor_char_boundary(1 + inside.count())];
    before.ends_with("](")
        || before.ends_with("]: ")
        || !inside.contains(char::is_whitespace) && inside.contains([':', '@'])
}

/// Whether a tag of a style has words where attributes would be: `a <b and c> d`.
fn has_only_words(tag: HtmlTag, element: HtmlElement) -> bool {
    !matches!(element, HtmlElement::Details | HtmlElement::Image)
        && !tag.attributes.is_empty()
        && !tag.attributes.contains('=')
}

/// What is between two tags.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TagGap {
    Nothing,
    /// A line that may begin a block, except in a block of HTML.
    BlockStart,
    BlankLine,
}

fn tag_gap(source: &str, between: Range<usize>) -> TagGap {
    const MAX_LINE: usize = 1000;
    let mut lines = source[between.clone()].split('\n').skip(1).peekable();
    if lines.peek().is_none() {
        return TagGap::Nothing;
    }
    let before = source.as_bytes()[..between.start].iter().rev().take(MAX_LINE).take_while(|byte| **byte != b'\n');
    let line_start = source.ceil_char_boundary(between.start - before.count());
    let is_start = |line: &str| {
        line.trim_start().starts_with(|char: char| {
            matches!(char, '#' | '>' | '-' | '*' | '+' | '|' | '`' | '~') || char.is_ascii_digit()
        })
    };
    let mut is_block = source[line_start..].trim_start().starts_with('#');
    while let Some(line) = lines.next() {
        work::count_steps(line.len() + 1);
        if lines.peek().is_some() && line.trim_matches([' ', '>', '\t']).is_empty() {
            return TagGap::BlankLine;
        }
        is_block |= is_start(line);
    }
    if is_block { TagGap::BlockStart } else { TagGap::Nothing }
}

/// Whether a tag without its partner is HTML nevertheless.
fn is_html_alone(source: &str, placed: &PlacedTag) -> bool {
    if placed.element.is_only_paired() || placed.element == HtmlElement::Details {
        return false;
    }
    let is_first = is_first_in_line(source, placed.range.start);
    let is_last = source[placed.range.end..].trim_start_matches([' ', '\t']).starts_with(['\n', '<'])
        || source[placed.range.end..].trim().is_empty();
    placed.tag.attributes.contains('=') || is_first && (is_last || placed.element.may_be_open())
}

/// Whether only a few spaces or other tags stand before a position in its line.
fn is_first_in_line(source: &str, at: usize) -> bool {
    let before = source[..at].trim_end_matches([' ', '\t']);
    before.is_empty() || before.ends_with(['\n', '>'])
}

/// Whether at most three spaces stand before a position in its line.
fn begins_line(source: &str, at: usize) -> bool {
    let before = source[..at].trim_end_matches(' ');
    at - before.len() <= 3 && (before.is_empty() || before.ends_with('\n'))
}

/// Finds the details that begin and end at the start of a line, outside lists and quotations.
fn find_details(draft: &mut ParserDraft, tags: &[PlacedTag], is_paired: &mut [bool]) {
    let source = draft.source;
    let mut open: Vec<usize> = Vec::new();
    for (index, placed) in tags.iter().enumerate().filter(|(_, placed)| placed.element == HtmlElement::Details) {
        let start = placed.range.start;
        if placed.tag.is_closing {
            if let Some(opening) = open.pop() {
                (is_paired[index], is_paired[opening]) = (true, true);
                if open.is_empty() {
                    draft.details.push(tags[opening].range.start..placed.range.end);
                }
            }
            continue;
        }
        let rest = source[placed.range.end..].trim_start_matches([' ', '\t']);
        if begins_line(source, start) && (rest.is_empty() || rest.starts_with(['\n', '<'])) {
            open.push(index);
        }
    }
    if let Some(first) = open.first() {
        for opening in &open {
            is_paired[*opening] = true;
        }
        draft.open_formula = draft.open_formula.min(tags[*first].range.start);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns a text with a dot for each hidden bracket.
    fn hidden(source: &str) -> String {
        let mut draft = ParserDraft::new(source);
        hide_tags(&mut draft);
        let bytes = draft.bytes().iter().map(|byte| if *byte < 32 && *byte != b'\n' { b'.' } else { *byte });
        String::from_utf8(bytes.collect()).expect("only ASCII signs are hidden")
    }

    #[test]
    fn tags_that_are_text_are_hidden() {
        for (source, expected) in [
            ("Vec<T> and Option<i32>", "Vec.T> and Option.i32>"),
            ("<think>\nso\n</think>", ".think>\nso\n./think>"),
            ("the <b> tag and a <div> too", "the .b> tag and a .div> too"),
            ("List<A> <your-name>", "List.A> .your-name>"),
            ("a <b and c> d", "a .b and c> d"),
            ("<!-- never closed", ".!-- never closed"),
            ("<?php echo 1; ?> <!DOCTYPE html>", ".?php echo 1; ?> .!DOCTYPE html>"),
            ("use <details> for it", "use .details> for it"),
            ("x<sup>2", "x.sup>2"),
        ] {
            assert_eq!(hidden(source), expected);
        }
    }

    #[test]
    fn html_that_is_meant_is_left_to_the_parser() {
        for source in [
            "a<br>b<br/>c <hr>",
            "H<sub>2</sub>O and <kbd>Ctrl</kbd>",
            "<div align=\"center\">\n\n# x\n\n</div>",
            "<ul>\n<li>a\n<li>b</li>\n</ul>",
            "<details>\n<summary>x</summary>\n\ny\n\n</details>",
            "<https://x.example> <me@x.example> [a](<b c>)",
            "a < b and c > d, 1<2",
            "a <!-- note --> b `Vec<T>`",
        ] {
            assert_eq!(hidden(source), source);
        }
    }

    #[test]
    fn tags_and_their_attributes_are_parsed() {
        let (tag, len) = HtmlTag::parse("<a class='x' HREF=\"https://x.example?a>b\" title=y>z").expect("it is a tag");
        assert_eq!((tag.name, tag.is_closing, len), ("a", false, 50));
        assert_eq!((tag.attribute("href"), tag.attribute("title")), (Some("https://x.example?a>b"), Some("y")));
        assert_eq!(tag.attribute("src"), None);
        assert_eq!(HtmlTag::parse("<br/>").map(|(tag, len)| (tag.name, len)), Some(("br", 5)));
        assert!(HtmlTag::parse("<a:b>").is_none() && HtmlTag::parse("<1>").is_none() && HtmlTag::parse("<b").is_none());
    }

    #[test]
    fn tags_are_found_in_linear_time() {
        for (kind, text) in work::heavy_inputs::TEXTS {
            work::assert_linear(
                kind,
                4000,
                |size| text(size) + " <b>",
                |text| {
                    find_tags(text, &[]);
                },
            );
        }
    }
}
