//! A title for a conversation, from its first prompt.

use crate::text;

/// The widest title, in cells.
const MAX_TITLE_WIDTH: usize = 48;

/// The first line with letters or digits, without Markdown markup.
pub fn title_from_prompt(prompt: &str) -> String {
    let line = prompt.lines().map(plain_line).find(|line| line.chars().any(char::is_alphanumeric));
    let line = line.or_else(|| prompt.lines().map(|line| text::one_line(line.trim())).find(|line| !line.is_empty()));
    text::truncate(&line.unwrap_or_default(), MAX_TITLE_WIDTH).into_owned()
}

/// A title from the user, as one line.
pub fn title_from_name(name: &str) -> String {
    text::one_line(name)
}

fn plain_line(line: &str) -> String {
    let line = line.trim();
    if line.starts_with("```") || line.starts_with("~~~") {
        return String::new(); // A fence; the code below it makes a better title.
    }
    let line = strip_links(strip_leading_marks(line));
    let pieces = line.split('`').enumerate();
    let plain = pieces.map(|(number, piece)| if number % 2 == 0 { strip_stars(piece) } else { piece.to_owned() });
    text::one_line(&plain.collect::<String>())
}

/// Strips the stars of emphasis, and keeps those of formulas and file names.
fn strip_stars(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('*') {
        let (before, stars) = rest.split_at(at);
        let inside = stars.trim_start_matches('*');
        let marks = &stars[..stars.len() - inside.len()];
        plain += before;
        let ends_word = plain.chars().next_back().is_some_and(char::is_alphanumeric);
        let closing = inside.find('*').filter(|_| !ends_word && !inside.starts_with(char::is_whitespace));
        let emphasis = closing.map(|at| inside.split_at(at)).filter(|(words, end)| {
            let after = end.trim_start_matches('*');
            let is_mark = end.len() - after.len() == marks.len() && !words.ends_with(char::is_whitespace);
            is_mark && !words.is_empty() && !after.starts_with(char::is_alphanumeric)
        });
        if let Some((words, end)) = emphasis {
            plain += words;
            rest = &end[marks.len()..];
        } else {
            plain += marks;
            rest = inside;
        }
    }
    plain + rest
}

/// Strips the leading marks of headings, quotations, bullets and tasks.
fn strip_leading_marks(line: &str) -> &str {
    let mut line = line;
    loop {
        let heading = line.trim_start_matches('#');
        let stripped = match line.chars().next() {
            Some('#') if heading.starts_with(' ') => heading,
            Some('>') => &line[1..],
            Some('-' | '*' | '+') if line[1..].starts_with(' ') => &line[1..],
            Some('[') if line.starts_with("[ ] ") || line.starts_with("[x] ") => &line[4..],
            _ => return line.trim_end_matches('#').trim_end(),
        };
        line = stripped.trim_start();
    }
}

/// Replaces `[text](address)` with its text.
fn strip_links(line: &str) -> String {
    let mut plain = String::with_capacity(line.len());
    let mut rest = line;
    while let Some((before, link)) = rest.split_once('[') {
        let Some((label, after)) = link.split_once("](") else { break };
        let Some((_, after)) = after.split_once(')') else { break };
        plain += before.strip_suffix('!').unwrap_or(before);
        plain += label;
        rest = after;
    }
    plain + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_the_first_meaningful_line() {
        for (prompt, expected) in [
            ("\n\n  Why is the sky blue?\nPlease.", "Why is the sky blue?"),
            ("## A *bold* `plan` ##", "A bold plan"),
            ("> - [x] see [the book](https://doc.rust-lang.org/) first", "see the book first"),
            ("```rust\nfn main() {}\n```", "fn main() {}"),
            ("***\n---\nthen this", "then this"),
            ("snake_case, __init__ and a__b", "snake_case, __init__ and a__b"),
            ("**Why** is *this* so?", "Why is this so?"),
            ("2*3*4, *.py and *.rs, a**b", "2*3*4, *.py and *.rs, a**b"),
            ("what does `**kwargs` do?", "what does **kwargs do?"),
            ("#hashtag stays", "#hashtag stays"),
            ("a [half link](", "a [half link]("),
            ("???", "???"),
            ("  \n", ""),
            ("tabs\tand\u{1b}[31m colours", "tabs and colours"),
        ] {
            assert_eq!(title_from_prompt(prompt), expected, "{prompt:?}");
        }
    }

    #[test]
    fn a_long_title_ends_in_an_ellipsis_at_48_cells() {
        let long = title_from_prompt(&"wörter ".repeat(20));
        assert_eq!(text::width(&long), 48);
        assert!(long.ends_with('…'));
        let wide = title_from_prompt(&"敬語".repeat(40));
        assert!(text::width(&wide) <= 48 && wide.ends_with('…'));
    }
}
