//! Finds the runs of stars, underscores and tildes that may begin or end emphasis.

use std::ops::Range;

use crate::text::work;

/// A run of one sign, and the characters around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct DelimiterRun {
    pub sign: u8,
    pub start: usize,
    pub end: usize,
    /// Nothing at the start of the text.
    pub before: Option<char>,
    /// Nothing at the end of the text.
    pub after: Option<char>,
}

/// The kind of the character beside a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NeighbourKind {
    /// White space, or the edge of the text.
    Blank,
    /// A letter or digit of a script that puts spaces between words.
    Word,
    /// A letter of Chinese, Japanese or Korean.
    CjkWord,
    CjkPunctuation,
    Punctuation,
}

impl DelimiterRun {
    pub(super) fn len(self) -> usize {
        self.end - self.start
    }
}

impl NeighbourKind {
    pub(super) fn of(char: Option<char>) -> Self {
        match char {
            None => Self::Blank,
            Some(char) if char.is_whitespace() => Self::Blank,
            Some(char) if is_cjk(char) && char.is_alphanumeric() => Self::CjkWord,
            Some(char) if is_cjk(char) => Self::CjkPunctuation,
            Some(char) if char.is_alphanumeric() => Self::Word,
            Some(_) => Self::Punctuation,
        }
    }
}

/// Whether a character belongs to a script that is written without spaces, or to its punctuation.
fn is_cjk(char: char) -> bool {
    matches!(char, '\u{1100}'..='\u{11ff}' | '\u{2e80}'..='\u{303e}' | '\u{3041}'..='\u{4dbf}' | '\u{4e00}'..='\u{a4cf}'
        | '\u{a960}'..='\u{a97f}' | '\u{ac00}'..='\u{d7ff}' | '\u{f900}'..='\u{faff}' | '\u{fe10}'..='\u{fe1f}'
        | '\u{fe30}'..='\u{fe6f}' | '\u{ff01}'..='\u{ffee}' | '\u{20000}'..='\u{3fffd}')
}

/// Returns the runs of a text that are not escaped nor in the address of a link.
pub(super) fn find_runs(source: &str) -> Vec<DelimiterRun> {
    let bytes = source.as_bytes();
    let mut runs = Vec::new();
    // Up to here no address ends.
    let mut searched_to = 0;
    let mut pos = 0;
    while let Some(step) = bytes[pos..].iter().position(|byte| matches!(byte, b'*' | b'_' | b'~' | b'\\' | b']' | b'<'))
    {
        work::count_steps(step + 1);
        pos += step;
        match bytes[pos] {
            b'\\' => pos += 2,
            b']' => pos = end_of_address(bytes, pos + 1, &mut searched_to),
            b'<' => pos = end_of_autolink(source, pos + 1),
            sign => {
                let len = bytes[pos..].iter().take_while(|byte| **byte == sign).count();
                let end = pos + len;
                runs.push(DelimiterRun {
                    sign,
                    start: pos,
                    end,
                    before: source[..pos].chars().next_back(),
                    after: source[end..].chars().next(),
                });
                pos = end;
            }
        }
        pos = source.floor_char_boundary(pos.min(bytes.len()));
    }
    runs
}

/// Returns the end of `(address` or `: address` after a bracket, or where it would begin.
fn end_of_address(bytes: &[u8], start: usize, searched_to: &mut usize) -> usize {
    let rest = &bytes[start..];
    if rest.starts_with(b":") {
        // A definition: its address ends with its line.
        let address = rest[1..].iter().position(|byte| !matches!(byte, b' ' | b'\t')).unwrap_or(0) + 1;
        let len = rest[address..].iter().position(u8::is_ascii_whitespace).unwrap_or(rest.len() - address);
        work::count_steps(len);
        return start + address + len;
    }
    if !rest.starts_with(b"(") || start < *searched_to {
        return start;
    }
    let mut depth = 0_usize;
    for (at, byte) in rest.iter().enumerate() {
        work::count_steps(1);
        match byte {
            b'(' => depth += 1,
            b')' if depth == 1 => return start + at + 1,
            b')' => depth -= 1,
            b' ' | b'\n' | b'\t' if at > 1 => return start + at,
            _ => (),
        }
    }
    *searched_to = bytes.len();
    start
}

/// Returns the end of an address in angle brackets, or where it would begin.
fn end_of_autolink(source: &str, start: usize) -> usize {
    const MAX_SCHEME: usize = 32;
    let rest = &source.as_bytes()[start..];
    let scheme = rest.iter().take(MAX_SCHEME).take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'+').count();
    if scheme < 2 || rest.get(scheme) != Some(&b':') {
        return start;
    }
    let len = rest.iter().position(|byte| byte.is_ascii_whitespace() || matches!(byte, b'<' | b'>'));
    let len = len.unwrap_or(rest.len());
    work::count_steps(len);
    start + len
}

/// Returns the last characters without white space before a position, up to a limit.
pub(super) fn token_before(source: &str, at: usize) -> &str {
    const MAX_LEN: usize = 400;
    let len = source.as_bytes()[..at].iter().rev().take(MAX_LEN).take_while(|byte| !byte.is_ascii_whitespace()).count();
    work::count_steps(len);
    &source[source.ceil_char_boundary(at - len)..at]
}

/// Returns the range of the characters without white space around a position, if that is short.
pub(super) fn token_around(source: &str, at: usize) -> Option<Range<usize>> {
    const MAX_SIDE: usize = 120;
    let bytes = source.as_bytes();
    let before = bytes[..at].iter().rev().take(MAX_SIDE).take_while(|byte| !byte.is_ascii_whitespace()).count();
    let after = bytes[at..].iter().take(MAX_SIDE).take_while(|byte| !byte.is_ascii_whitespace()).count();
    work::count_steps(before + after);
    (before < MAX_SIDE && after < MAX_SIDE).then_some(at - before..at + after)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_in_addresses_and_escapes_are_left_out() {
        let runs = |source: &str| {
            find_runs(source).iter().map(|run| &source[run.start..run.end]).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(runs("*a* **b** ~~c~~ _d"), "* * ** ** ~~ ~~ _");
        assert_eq!(runs(r"\*a [x_y](https://x.example/*_*(~)) _"), "_ _");
        assert_eq!(runs("[x]: https://x.example/a_b_c\n<https://x.example/*> *"), "*");
        assert_eq!(runs("a ](b*c"), "*");
        assert_eq!(runs("日*"), "*");
    }

    #[test]
    fn runs_are_found_in_linear_time() {
        for (kind, text) in work::heavy_inputs::TEXTS {
            work::assert_linear(
                kind,
                4000,
                |size| text(size) + " *a*",
                |text| {
                    find_runs(text);
                },
            );
        }
        work::assert_linear(
            "open addresses",
            4000,
            |size| "](*".repeat(size),
            |text| {
                find_runs(text);
            },
        );
    }
}
