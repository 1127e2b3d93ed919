//! Holds back the newest line of a growing text until it is decided what it is.
//!
//! A dash below a paragraph may make a heading of it, begin a list or a rule; a pipe begins a table or is text. So a
//! line is not shown while it consists of signs whose meaning the next letters decide, and nothing is taken back.

/// Returns how much of a growing text is shown.
pub(super) fn visible_len(text: &str) -> usize {
    let start = memchr::memrchr(b'\n', text.as_bytes()).map_or(0, |end| end + 1);
    if is_undecided(&text[start..]) { start } else { text.len() }
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
            "- [",
            "- [ ",
            "- [x]",
            "> [!NO",
            "> [",
            "> [!NOTE]",
            "| –",
            "+",
        ] {
            assert_eq!(visible_len(&format!("text\n{held}")), 5, "{held:?}");
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
            "```a```",
            "> a",
            "<5",
            "<b>",
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
    }
}
