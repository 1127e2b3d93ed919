//! Holds back the newest line of a growing text until it is decided what it is.
//!
//! A dash below a paragraph may make a heading of it, begin a list or a rule; a pipe begins a table or is text. So a
//! line is not shown while it consists of signs whose meaning the next letters decide, and nothing is taken back. Stars
//! and backticks at its end are held back, too, and what they have opened is shown as if it was closed.

use super::prepare::ParserDraft;

/// Returns how much of a growing text is shown.
pub(super) fn visible_len(text: &str) -> usize {
    let start = newest_line(text);
    let line = &text[start..];
    if is_undecided(line) {
        return text.len() - line.trim_start_matches([' ', '>']).len();
    }
    start + line.trim_end_matches(['*', '`']).len()
}

/// Closes the strong words or the code that the newest line has opened.
pub(super) fn close_newest_line(draft: &mut ParserDraft) {
    let start = newest_line(draft.source);
    let line = &draft.source[start..];
    match open_sign(line) {
        Some(OpenSign::Strong) => draft.insert(start + line.trim_end().len(), "**"),
        Some(OpenSign::Code(backticks)) => draft.insert(start + line.len(), "`".repeat(backticks)),
        None => (),
    }
}

/// A sign that is not closed yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum OpenSign {
    Strong,
    /// A number of backticks.
    Code(usize),
}

fn newest_line(text: &str) -> usize {
    memchr::memrchr(b'\n', text.as_bytes()).map_or(0, |end| end + 1)
}

/// Returns the sign that is open at the end of a line.
fn open_sign(line: &str) -> Option<OpenSign> {
    let run = |at: usize| line.as_bytes()[at..].iter().take_while(|byte| **byte == line.as_bytes()[at]).count();
    let (mut open, mut at) = (None, 0);
    while let Some(step) = memchr::memchr3(b'*', b'`', b'\\', &line.as_bytes()[at..]) {
        at += step;
        let len = run(at);
        let is_followed = line[at + len..].starts_with(|char: char| !char.is_whitespace());
        open = match (open, line.as_bytes()[at]) {
            (Some(OpenSign::Code(backticks)), b'`') if backticks == len => None,
            (Some(OpenSign::Code(_)), _) => open,
            (_, b'\\') => {
                at += (len % 2).min(line.len() - at - len);
                open
            }
            (None, b'`') if is_followed => Some(OpenSign::Code(len)),
            (None, b'*') if len == 2 && is_followed => Some(OpenSign::Strong),
            (Some(OpenSign::Strong), b'*') if len >= 2 => None,
            _ => open,
        };
        at += len;
    }
    open
}

/// Whether the next letters of an incomplete line decide what it is.
fn is_undecided(line: &str) -> bool {
    let is_quoted = line.trim_start_matches(' ').starts_with('>');
    let (mut rest, mut is_item) = (line.trim_start_matches([' ', '>']), false);
    while let Some(text) = behind_marker(rest) {
        (rest, is_item) = (text, true);
    }
    let is_sign =
        |char: char| matches!(char, '-' | '=' | '*' | '_' | '+' | '~' | '`' | '|' | ':' | '#' | ' ' | '–' | '—' | '−');
    if rest.chars().all(is_sign) {
        return is_item || !rest.is_empty();
    }
    is_number(rest)
        || is_fence_start(rest)
        || is_tag_start(rest)
        || is_item && is_start_of(rest, &["[ ]", "[x]", "[X]"])
        || is_quoted && is_alert_start(rest)
}

/// Returns what follows the bullet or number of an item.
fn behind_marker(text: &str) -> Option<&str> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let behind = match text.as_bytes().get(digits)? {
        b'-' | b'*' | b'+' if digits == 0 => &text[1..],
        b'.' | b')' if (1..=9).contains(&digits) => &text[digits + 1..],
        _ => return None,
    };
    behind.strip_prefix(' ').map(|text| text.trim_start_matches(' '))
}

/// Whether a text may become the number of an item.
fn is_number(text: &str) -> bool {
    let digits = text.strip_suffix(['.', ')']).unwrap_or(text);
    (1..=9).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a text may be the first line of a fence, whose language is not complete.
fn is_fence_start(text: &str) -> bool {
    text.starts_with("~~~") || text.starts_with("```") && !text.trim_start_matches('`').contains('`')
}

/// Whether a text may become a tag of HTML.
fn is_tag_start(text: &str) -> bool {
    let name = text.strip_prefix('<').map(|name| name.trim_start_matches(['/', '!']));
    name.is_some_and(|name| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'))
        && !text[1..].starts_with(|char: char| char.is_ascii_digit())
        || text.starts_with("<!--") && !text.contains("-->")
}

fn is_start_of(text: &str, words: &[&str]) -> bool {
    words.iter().any(|word| word.starts_with(text))
}

/// Whether a text may become the title of an alert, such as `[!NOTE]`.
fn is_alert_start(text: &str) -> bool {
    let name = text.strip_prefix("[!").map(|name| name.strip_suffix(']').unwrap_or(name));
    text == "[" || name.is_some_and(|name| name.bytes().all(|byte| byte.is_ascii_alphabetic()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_held_back_until_the_next_letters_cannot_change_it() {
        for held in [
            "-",
            "--",
            "- ",
            "- -",
            "*",
            "**",
            "***",
            "=",
            "#",
            "##",
            "1",
            "12",
            "12.",
            "1. ",
            "1) 2",
            "|",
            "| ",
            "|--",
            "|:-",
            "`",
            "``",
            "```",
            "```py",
            "~~~ a b",
            "> -",
            ">> 1.",
            "  - ",
            "<",
            "</div",
            "<!-",
            "<!-- a",
            "- [",
            "- [ ",
            "- [x]",
            "> [!NO",
            "> [",
            "> [!NOTE]",
            "| –",
            "+",
        ] {
            let text = format!("text\n{held}");
            // The bar of a quotation is decided.
            assert_eq!(text[..visible_len(&text)].trim_end_matches([' ', '>']), "text\n", "{held:?}");
        }
        for shown in [
            "",
            " ",
            ">",
            "a",
            "- a",
            "*a",
            "**a",
            "#a",
            "# a",
            "1.5",
            "1. a",
            "| a",
            "`a",
            "```a```b",
            "> a",
            "<5",
            "<b>",
            "<!-- a -->",
            "[",
            "- [a",
            "> [a",
            "1234567890",
            "$",
            "text -",
            "- a\n  b",
        ] {
            let text = format!("text\n{shown}");
            assert_eq!(visible_len(&text), text.len(), "{shown:?}");
        }
        assert_eq!(visible_len("-\n"), 2, "a complete line is decided");
        assert_eq!(visible_len("a **b*"), 5);
    }

    #[test]
    fn what_the_newest_line_has_opened_is_closed() {
        let closed = |source: &str| {
            let mut draft = ParserDraft::new(source);
            close_newest_line(&mut draft);
            draft.finish().text().to_owned()
        };
        assert_eq!(closed("- **Key: a "), "- **Key: a** ");
        assert_eq!(closed("| a | `x |"), "| a | `x |`");
        assert_eq!(closed("``a `b"), "``a `b``");
        for source in ["**a** b", "2 ** 3", "`a` b", r"\*\*a", r"\`a", "*a", "`**` b", "**a\nb"] {
            assert_eq!(closed(source), source);
        }
    }
}
