//! Shows definitions of links that nothing refers to, and keeps neighbouring references apart.
//!
//! Models list their sources as `[1]: https://…` whether or not the text refers to them. The parser would show nothing
//! of such a line.

use std::{collections::HashSet, ops::Range};

use super::prepare::{CodeRange, ParserDraft};
use crate::text::work;

/// What keeps `[1]` and `[2]` in `[1][2]` from being one link.
const SEPARATOR: &str = "<!---->";

/// A line that defines a link.
struct LinkDefinition<'a> {
    label: &'a str,
    line: Range<usize>,
    /// Where its first bracket is.
    bracket: usize,
}

/// Hides the first bracket of definitions that nothing refers to.
pub(super) fn show_unused_definitions(draft: &mut ParserDraft) {
    let source = draft.source;
    if memchr::memmem::find(source.as_bytes(), b"]:").is_none() {
        return;
    }
    let code = draft.code_ranges();
    let definitions = find_definitions(source, &code);
    if definitions.is_empty() {
        return;
    }
    separate_numbers(draft, &code);
    let used = labels_in_use(source, &definitions, &code);
    let is_unused = |definition: &LinkDefinition| !used.contains(&normalized(definition.label));
    for (index, definition) in definitions.iter().enumerate().filter(|(_, definition)| is_unused(definition)) {
        draft.hide(definition.bracket);
        let end = definition.line.end;
        let is_quoted = source[definition.line.start..definition.bracket].contains('>');
        if is_quoted || source[end..].trim_start_matches('\n').len() + 1 != source[end..].len() {
            continue; // A blank line or nothing comes next.
        }
        match definitions.get(index + 1) {
            Some(next) if next.line.start == end + 1 && is_unused(next) => draft.insert(end, "  "),
            _ => draft.insert(end + 1, "\n"),
        }
    }
}

/// Finds the lines that the parser takes for definitions: those that do not continue a paragraph.
fn find_definitions<'a>(source: &'a str, code: &[CodeRange]) -> Vec<LinkDefinition<'a>> {
    let mut definitions: Vec<LinkDefinition> = Vec::new();
    let mut code = code.iter().peekable();
    let (mut start, mut can_begin) = (0, true);
    for line in source.split('\n') {
        let range = start..start + line.len();
        start += line.len() + 1;
        work::count_steps(line.len() + 1);
        while code.next_if(|code| code.range.end <= range.start).is_some() {}
        let is_code = code.peek().is_some_and(|code| code.range.start <= range.start);
        let definition = if is_code || !can_begin { None } else { parse_definition(line, range) };
        let text = line.trim_matches([' ', '>', '\t']);
        can_begin = text.is_empty() || text.starts_with('#') || definition.is_some() || is_code;
        definitions.extend(definition);
    }
    definitions
}

fn parse_definition(line: &str, range: Range<usize>) -> Option<LinkDefinition<'_>> {
    const MAX_LABEL: usize = 200;
    let text = line.trim_start_matches([' ', '>']);
    let indent = line.len() - text.len();
    let (label, rest) = text.strip_prefix('[')?.split_once("]:")?;
    let is_label = !label.trim().is_empty()
        && !label.starts_with('^')
        && label.len() <= MAX_LABEL
        && !label.contains(['[', ']'])
        && !line.starts_with("    ");
    let address = rest.trim();
    let is_address = !address.is_empty() && has_only_title(address);
    (is_label && is_address).then(|| LinkDefinition { label, bracket: range.start + indent, line: range })
}

/// Whether nothing but a title follows an address.
fn has_only_title(address: &str) -> bool {
    let Some((_, title)) = address.split_once([' ', '\t']) else { return true };
    let title = title.trim();
    [('"', '"'), ('\'', '\''), ('(', ')')]
        .iter()
        .any(|(open, close)| title.len() > 1 && title.starts_with(*open) && title.ends_with(*close))
}

/// Returns the labels that stand in brackets outside the definitions, except before an address.
fn labels_in_use(source: &str, definitions: &[LinkDefinition], code: &[CodeRange]) -> HashSet<String> {
    let mut labels = HashSet::new();
    let mut definitions = definitions.iter().peekable();
    let mut code = code.iter().peekable();
    let mut open = None;
    for at in memchr::memchr2_iter(b'[', b']', source.as_bytes()) {
        while definitions.next_if(|definition| definition.line.end <= at).is_some() {}
        while code.next_if(|code| code.range.end <= at).is_some() {}
        if definitions.peek().is_some_and(|definition| definition.line.start <= at)
            || code.peek().is_some_and(|code| code.range.start <= at)
        {
            open = None;
            continue;
        }
        match (source.as_bytes()[at], open) {
            (b'[', _) => open = Some(at + 1),
            (_, Some(start)) => {
                if !is_address_after(&source[at + 1..]) {
                    labels.insert(normalized(&source[start..at]));
                }
                open = None;
            }
            (_, None) => (),
        }
    }
    labels
}

/// Separates `[1][2]`, which are two references and not one with a text.
fn separate_numbers(draft: &mut ParserDraft, code: &[CodeRange]) {
    let source = draft.source;
    let mut code = code.iter().peekable();
    for at in memchr::memmem::find_iter(source.as_bytes(), b"][") {
        while code.next_if(|code| code.range.end <= at).is_some() {}
        let is_code = code.peek().is_some_and(|code| code.range.start <= at);
        if !is_code && ends_with_number(&source[..at], '[') && begins_with_number(&source[at + 2..]) {
            draft.insert(at + 1, SEPARATOR);
        }
    }
}

/// The most digits of the number of a source.
const MAX_DIGITS: usize = 3;

fn begins_with_number(text: &str) -> bool {
    let digits = text.bytes().take(MAX_DIGITS).take_while(u8::is_ascii_digit).count();
    digits > 0 && text[digits..].starts_with(']')
}

fn ends_with_number(text: &str, bracket: char) -> bool {
    let digits = text.bytes().rev().take(MAX_DIGITS).take_while(u8::is_ascii_digit).count();
    digits > 0 && text[..text.len() - digits].ends_with(bracket)
}

/// A label as references are compared, whatever its case.
fn normalized(label: &str) -> String {
    label.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase().to_uppercase()
}

/// Whether `(address)` or `(address "title")` comes next.
fn is_address_after(rest: &str) -> bool {
    const MAX_ADDRESS: usize = 2000;
    let Some(inside) = rest.strip_prefix('(') else { return false };
    if inside.starts_with('<') {
        return true;
    }
    let end = inside.bytes().take(MAX_ADDRESS).position(|byte| matches!(byte, b')' | b' ' | b'\n'));
    work::count_steps(end.unwrap_or(MAX_ADDRESS));
    end.is_some_and(|end| {
        let title = inside[end..].trim_start();
        inside[end..].starts_with(')') || end == 0 || title.starts_with(['"', '\'', '(', ')'])
    })
}

#[cfg(test)]
mod tests {
    use crate::render::markdown::{MarkdownLayout, MarkdownOptions, TextStage};

    fn rendered(source: &str) -> Vec<String> {
        let mut layout = MarkdownLayout::new(MarkdownOptions::default());
        layout.sync(source, 60, TextStage::Complete, &[]);
        layout.rows().iter().map(|row| row.text().trim_end().to_owned()).collect()
    }

    #[test]
    fn definitions_that_nothing_refers_to_are_shown() {
        assert_eq!(rendered("[1]: https://x.example/only"), ["[1]: https://x.example/only"]);
        assert_eq!(
            rendered(
                "As [one][1] says.\n\n[1]: https://x.example\n[2]: https://y.example\n[3]: https://z.example \"t\"\n"
            ),
            ["As one says.", "", "[2]: https://y.example", "[3]: https://z.example \"t\""]
        );
        assert_eq!(
            rendered("[a]: https://x.example\n[b]: https://y.example\n\nsee [b]"),
            ["[a]: https://x.example", "", "see b"]
        );
        assert_eq!(rendered("Note\n[x]: y"), ["Note", "[x]: y"], "this continues the paragraph");
        assert_eq!(rendered("> [1]: https://x.example"), ["▎ [1]: https://x.example"]);
    }

    #[test]
    fn neighbouring_numbers_are_two_references() {
        let source = "It is so [1][2], and [3].\n\n[1]: https://x.example\n[2]: https://y.example";
        assert_eq!(rendered(source), ["It is so [1][2], and [3]."]);
        assert_eq!(rendered("no definition [1][2]"), ["no definition [1][2]"]);
    }
}
