//! Tells formulas from amounts of money, variables and other text between dollars.

use crate::render::maths;

/// Whether the text between two single dollars is a formula; `before` and `after` are the characters around them.
///
/// Both dollars hug it, its brackets are balanced, it holds no Markdown, and it either has the signs of a formula or is
/// no sentence. A letter or digit beside a dollar needs a formula that cannot be anything else.
pub(super) fn is_between_dollars(before: Option<char>, inside: &str, after: Option<char>) -> bool {
    let Some((first, last)) = inside.chars().next().zip(inside.chars().next_back()) else { return false };
    let is_hugged = !first.is_whitespace() && !last.is_whitespace();
    if !is_hugged || inside.len() > MAX_INLINE_BYTES || after.is_some_and(|char| char.is_ascii_digit()) {
        return false;
    }
    if FOREIGN_MARKS.iter().any(|mark| inside.contains(mark)) || crosses_blocks(inside) {
        return false;
    }
    let is_cut_off = matches!(last, '/' | ':' | ';' | ',' | '(' | '[' | '&' | '–' | '—' | '@')
        || last == '|' && inside.matches('|').count() % 2 == 1
        || last == '-' && !inside.ends_with("^-")
        || matches!(first, ')' | ']' | '}' | ';' | ':');
    let touches_word =
        before.is_some_and(|char| char.is_ascii_alphanumeric()) || after.is_some_and(char::is_alphabetic);
    let is_certain =
        inside.contains(['\\', '^', '{']) || inside.len() <= 3 && inside.chars().all(char::is_alphanumeric);
    !is_cut_off && are_brackets_balanced(inside) && (!touches_word || is_certain) && has_shape(inside)
}

/// Whether the text between double dollars is a formula.
pub(super) fn is_between_double_dollars(inside: &str) -> bool {
    inside.trim_start_matches(' ').starts_with('\n') || has_shape(inside.trim())
}

/// A longer text between single dollars is none.
const MAX_INLINE_BYTES: usize = 600;

/// What is Markdown or an address, not a formula.
const FOREIGN_MARKS: [&str; 5] = ["`", "**", "~~", "](", "://"];

/// Whether a text is a single term, or has the signs of a formula and no sentence.
fn has_shape(inside: &str) -> bool {
    if inside.contains('\\') {
        return true;
    }
    let is_sign = |char: char| matches!(char, '^' | '_' | '=' | '{' | '<' | '>' | '+' | '\u{391}'..='\u{3c9}' | '\u{2190}'..='\u{22ff}');
    let has_sign = inside.contains(is_sign);
    let words =
        inside.split_whitespace().map(|word| word.trim_matches(|char: char| char.is_ascii_punctuation())).filter(
            |word| word.len() > 1 && word.bytes().all(|byte| byte.is_ascii_alphabetic()) && !maths::is_function(word),
        );
    let most_words = match (has_sign, inside.contains(char::is_whitespace)) {
        (true, _) => 2,
        (false, true) => 0,
        (false, false) => 1,
    };
    words.take(most_words + 1).count() <= most_words
}

/// Whether a line within the text may begin a block, which no formula crosses.
fn crosses_blocks(inside: &str) -> bool {
    inside.split('\n').skip(1).any(|line| {
        !line.starts_with(|char: char| char.is_ascii_alphabetic() || matches!(char, '\\' | '{' | '(' | '^' | '_'))
    })
}

fn are_brackets_balanced(inside: &str) -> bool {
    let mut depth = 0_usize;
    for char in inside.chars() {
        match char {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => match depth.checked_sub(1) {
                Some(outer) => depth = outer,
                None => return false,
            },
            _ => (),
        }
    }
    depth == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_and_variables_are_not_formulas() {
        for (before, inside, after) in [
            (None, "5 and ", Some('6')),
            (None, "5-", Some('6')),
            (None, "5 (or 4) vs 10", None),
            (None, "HOME:", Some('P')),
            (Some('*'), "HOME* twice, then ~~", Some('9')),
            (None, "5** to **", Some('9')),
            (None, "5_ or _", Some('x')),
            (None, "X)–(", Some('Y')),
            (Some('S'), "5–US", None),
            (None, "HOME/bin:", Some('P')),
            (None, "MY_VAR:", Some('M')),
            (None, "5 plan](https://x.example) to [the ", Some('9')),
            (None, "x is set and y", None),
            (None, "x\n- y", None),
            (None, "", None),
        ] {
            assert!(!is_between_dollars(before, inside, after), "{inside}");
        }
    }

    #[test]
    fn formulas_keep_their_dollars() {
        for (inside, after) in [
            ("x", None),
            ("n", Some('t')),
            ("5", None),
            ("2x+1", Some('.')),
            (r"3 \bmod 2", None),
            ("a^2", Some('b')),
            ("x, y, z", None),
            ("f(x)", Some(',')),
            ("[0, 1)", None),
            ("a < b", None),
            ("n log n", None),
            ("x_1 = 3", None),
            ("AB", None),
            ("K^-", None),
            (r"\text{if this is so}", None),
        ] {
            assert!(is_between_dollars(None, inside, after), "{inside}");
        }
        assert!(is_between_dollars(Some('是'), "x", Some('。')));
    }

    #[test]
    fn double_dollars_in_a_sentence_are_text() {
        assert!(!is_between_double_dollars(" is my pid, and "));
        assert!(is_between_double_dollars("x + y") && is_between_double_dollars("\na + b\n"));
    }
}
