//! Finds the formulas in Markdown before the parser takes their characters for Markdown syntax.
//!
//! A Markdown parser reads `\(…\)` and `\[…\]` as escaped brackets, and a line of a formula that begins with `+` or `=`
//! as a list or a heading. So such a formula is passed to the parser as `$$…$$` on one line of exactly the same length:
//! every position in one text is a position in the other. The parser would also end a formula at a dollar inside inline
//! code: those are hidden from it.

use std::{borrow::Cow, ops::Range};

use pulldown_cmark::{Event, Options, Parser, Tag};

use crate::{
    render::{maths, theme::ThemeMarks},
    text::work,
};

/// A text in the form that is passed to the parser.
pub(crate) struct PreparedMarkdown<'a> {
    pub text: Cow<'a, str>,
    /// Where a formula begins that may still end: nothing after it is final.
    pub open_formula: usize,
    /// The formulas that span several lines.
    pub formulas: Vec<Range<usize>>,
}

impl PreparedMarkdown<'_> {
    /// Whether the text before `at` and the text after it can be laid out separately.
    pub(super) fn can_split_at(&self, at: usize) -> bool {
        let before = self.formulas.partition_point(|formula| formula.start < at);
        at <= self.open_formula && before.checked_sub(1).is_none_or(|last| self.formulas[last].end <= at)
    }
}

pub(crate) fn parser_options() -> Options {
    Options::ENABLE_TABLES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_GFM
        | Options::ENABLE_MATH
}

pub(crate) fn prepare(source: &str) -> PreparedMarkdown<'_> {
    let has = |mark: &&str| memchr::memmem::find(source.as_bytes(), mark.as_bytes()).is_some();
    let has_formula = ["$$", r"\(", r"\["].iter().any(has);
    if !has_formula && !["$", "`"].iter().all(has) {
        return PreparedMarkdown { text: Cow::Borrowed(source), open_formula: usize::MAX, formulas: Vec::new() };
    }
    // A formula may contain what would be the start of a list, and so affect what is code after it.
    let mut code = code_ranges(source);
    for _ in 0..MAX_ROUNDS {
        let (prepared, is_joined) = replace_delimiters(source, &code);
        if !is_joined {
            return prepared;
        }
        let found = code_ranges(&prepared.text);
        if found == code {
            return prepared;
        }
        code = found;
    }
    replace_delimiters(source, &code).0
}

/// The maximum number of passes until the ranges of code and formulas agree.
const MAX_ROUNDS: usize = 6;

/// What the parser sees in the place of a dollar in inline code.
const HIDDEN_DOLLAR: u8 = 1;

/// Returns inline code as it was written.
pub(crate) fn with_dollars(code: &str) -> Cow<'_, str> {
    const HIDDEN: char = HIDDEN_DOLLAR as char;
    if code.contains(HIDDEN) { Cow::Owned(code.replace(HIDDEN, "$")) } else { Cow::Borrowed(code) }
}

/// Rewrites the formulas outside code in the parser's syntax; returns whether lines were joined.
fn replace_delimiters<'a>(source: &'a str, code: &[CodeRange]) -> (PreparedMarkdown<'a>, bool) {
    let bytes = source.as_bytes();
    let mut code = code.iter().peekable();
    let mut is_joined = false;
    let mut finder = FormulaFinder::new(source);
    let mut out: Option<Vec<u8>> = None;
    let (mut open_formula, mut formulas) = (usize::MAX, Vec::new());
    let mut pos = 0;
    while let Some(step) = memchr::memchr2(b'$', b'\\', &bytes[pos..]) {
        pos += step;
        while code.next_if(|code| code.range.end <= pos).is_some() {}
        if let Some(CodeRange { range, is_inline }) = code.peek().filter(|code| code.range.contains(&pos)) {
            if *is_inline && bytes[pos] == b'$' {
                out.get_or_insert_with(|| bytes.to_vec())[pos] = HIDDEN_DOLLAR;
            }
            pos = if *is_inline { pos + 1 } else { range.end };
            continue;
        }
        let Some(delimiter) = FormulaDelimiter::parse(&bytes[pos..]) else {
            // A backslash escapes the character after it.
            pos += if bytes[pos] == b'\\' { 2 } else { 1 };
            pos = pos.min(bytes.len());
            continue;
        };
        let blank = finder.find_blank_line(pos);
        let has_own_lines = finder.is_at_line_start(pos) || source[pos + 2..].trim_start_matches(' ').starts_with('\n');
        match finder.find_closing(delimiter, pos + 2).filter(|end| *end < blank) {
            Some(end) if finder.is_formula(delimiter, pos + 2..end) => {
                if source[pos..end].contains('\n') {
                    formulas.push(pos..end + 2);
                }
                if delimiter != FormulaDelimiter::Dollars || has_own_lines && source[pos..end].contains('\n') {
                    let out = out.get_or_insert_with(|| bytes.to_vec());
                    out[pos..pos + 2].copy_from_slice(b"$$");
                    out[end..end + 2].copy_from_slice(b"$$");
                    // A quotation has a `>` in every line, which the parser needs.
                    if has_own_lines && !source[pos..end].contains("\n>") {
                        out[pos..end].iter_mut().filter(|byte| **byte == b'\n').for_each(|byte| *byte = b' ');
                        is_joined = true;
                    }
                }
                pos = end + 2;
            }
            Some(_) => pos += 2,
            None => {
                if blank == usize::MAX {
                    open_formula = open_formula.min(pos);
                }
                pos += 2;
            }
        }
    }
    let text = out.and_then(|bytes| String::from_utf8(bytes).ok()).map_or(Cow::Borrowed(source), Cow::Owned);
    (PreparedMarkdown { text, open_formula, formulas }, is_joined)
}

/// How a formula is shown.
pub(crate) enum FormulaText {
    /// It is not a formula, only text that resembles one.
    PlainText,
    /// As text in a line.
    InLine(String),
    /// As rows of its own.
    OwnRows(String),
    /// As written.
    Latex,
}

/// Where a formula stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FormulaPlace {
    InText,
    /// Alone in its paragraph, with this much room.
    Paragraph {
        width: usize,
    },
    /// Between `$$` or the like, with this much room.
    Display {
        width: usize,
    },
}

/// Decides how to show what the parser took for a formula, from its LaTeX, its source and the next character.
pub(crate) fn formula_text(
    latex: &str,
    written: &str,
    next_char: Option<char>,
    place: FormulaPlace,
    marks: &ThemeMarks,
) -> FormulaText {
    if written.starts_with('$') && !written.starts_with("$$") && !is_maths(latex, next_char) {
        return FormulaText::PlainText;
    }
    let in_rows = |width| maths::to_rows(latex, width, marks);
    let rows = match place {
        FormulaPlace::InText => None,
        FormulaPlace::Paragraph { width } => in_rows(width).filter(|rows| rows.len() > 1),
        FormulaPlace::Display { width } => in_rows(width),
    };
    if let Some(rows) = rows {
        return FormulaText::OwnRows(rows.join("\n"));
    }
    // A grid that does not fit is easier to read as LaTeX than in a line.
    if place != FormulaPlace::InText && latex.contains("\\begin") {
        return FormulaText::Latex;
    }
    match maths::to_unicode(latex) {
        Some(words) if place == FormulaPlace::InText && words.contains('\n') => FormulaText::Latex,
        Some(words) if matches!(place, FormulaPlace::Display { .. }) => FormulaText::OwnRows(words),
        Some(words) => FormulaText::InLine(words),
        None => FormulaText::Latex,
    }
}

/// Whether the text between two single `$` is mathematics, and not amounts of money or variables in a sentence.
fn is_maths(latex: &str, next_char: Option<char>) -> bool {
    // A backtick between dollars belongs to inline code.
    if next_char.is_some_and(|char| char.is_ascii_digit()) || latex.contains('`') {
        return false;
    }
    let has_syntax = latex.contains(['\\', '^', '_', '=', '{']);
    let words =
        latex.split([' ', '\n']).filter(|word| word.len() > 1 && word.bytes().all(|byte| byte.is_ascii_alphabetic()));
    if latex.starts_with(|char: char| char.is_ascii_digit()) && !has_syntax && words.count() > 0 {
        return false;
    }
    !next_char.is_some_and(char::is_alphabetic) || has_syntax || latex.len() <= 3
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FormulaDelimiter {
    Dollars,
    Parens,
    Brackets,
}

impl FormulaDelimiter {
    fn parse(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [b'$', b'$', ..] => Some(Self::Dollars),
            [b'\\', b'(', ..] => Some(Self::Parens),
            [b'\\', b'[', ..] => Some(Self::Brackets),
            _ => None,
        }
    }

    fn closing_text(self) -> &'static str {
        match self {
            Self::Dollars => "$$",
            Self::Parens => r"\)",
            Self::Brackets => r"\]",
        }
    }
}

/// Searches ahead without reading the same text twice.
struct FormulaFinder<'a> {
    source: &'a str,
    closings: [CachedSearch; 3],
    next_blank: CachedSearch,
    next_dollar: CachedSearch,
    /// The next character that is not white space.
    next_ink: CachedSearch,
    /// The next sign of a formula.
    next_sign: CachedSearch,
    /// Where the line of the last position begins, and that position.
    line: (usize, usize),
    /// The first character of that line that marks no quotation.
    line_ink: CachedSearch,
}

/// The cached result of a search from one position: the next match, if any.
#[derive(Debug, Clone, Copy, Default)]
struct CachedSearch {
    from: usize,
    found: Option<usize>,
    is_known: bool,
}

impl CachedSearch {
    fn find_from(&mut self, from: usize, find: impl FnOnce(usize) -> Option<usize>) -> Option<usize> {
        let is_valid = self.is_known && self.from <= from && self.found.is_none_or(|at| at >= from);
        if !is_valid {
            *self = Self { from, found: find(from), is_known: true };
        }
        self.found
    }
}

impl<'a> FormulaFinder<'a> {
    fn new(source: &'a str) -> Self {
        let unknown = CachedSearch::default();
        Self {
            source,
            closings: [unknown; 3],
            next_blank: unknown,
            next_dollar: unknown,
            next_ink: unknown,
            next_sign: unknown,
            line: (0, 0),
            line_ink: unknown,
        }
    }

    /// Whether what is between two delimiters is a formula: brackets that are merely escaped contain plain text.
    fn is_formula(&mut self, delimiter: FormulaDelimiter, inside: Range<usize>) -> bool {
        let source = self.source;
        let has = |search: &mut CachedSearch, is_match: fn(char) -> bool| {
            let find = |from: usize| counted(source, from, source[from..].find(is_match));
            search.find_from(inside.start, find).is_some_and(|at| at < inside.end)
        };
        let has_ink = has(&mut self.next_ink, |char| !char.is_whitespace());
        let has_dollar = has(&mut self.next_dollar, |char| char == '$');
        let has_sign = has(&mut self.next_sign, |char| matches!(char, '\\' | '^' | '_' | '=' | '+' | '<' | '>'));
        let looks_like_formula = has_sign || source[inside].starts_with([' ', '\n']);
        has_ink && !has_dollar && (delimiter != FormulaDelimiter::Brackets || looks_like_formula)
    }

    /// Whether only marks of quotations stand before a position, which is never before an earlier one.
    fn is_at_line_start(&mut self, at: usize) -> bool {
        let bytes = self.source.as_bytes();
        let (start, known) = self.line;
        work::count_steps(at - known);
        let start = memchr::memrchr(b'\n', &bytes[known..at]).map_or(start, |end| known + end + 1);
        self.line = (start, at);
        let find = |from: usize| {
            let ink = bytes[from..].iter().position(|byte| !matches!(byte, b' ' | b'>'));
            counted(self.source, from, ink)
        };
        self.line_ink.find_from(start, find).is_none_or(|ink| ink >= at)
    }

    fn find_closing(&mut self, delimiter: FormulaDelimiter, from: usize) -> Option<usize> {
        let source = self.source;
        self.closings[delimiter as usize].find_from(from, |from| {
            let mut at = from;
            loop {
                let found = memchr::memmem::find(&source.as_bytes()[at..], delimiter.closing_text().as_bytes());
                at = counted(source, at, found)?;
                let escapes = source.as_bytes()[from..at].iter().rev().take_while(|byte| **byte == b'\\').count();
                if delimiter == FormulaDelimiter::Dollars || escapes % 2 == 0 {
                    return Some(at);
                }
                at += 1;
            }
        })
    }

    /// Returns the start of the next blank line, which no formula crosses.
    fn find_blank_line(&mut self, from: usize) -> usize {
        let source = self.source;
        let find = |from: usize| {
            let mut at = from;
            loop {
                at += source[at..].find('\n')? + 1;
                let line = source[at..].split('\n').next().unwrap_or("");
                if line.trim_matches([' ', '>']).is_empty() && at + line.len() < source.len() {
                    return Some(at);
                }
            }
        };
        self.next_blank.find_from(from, find).unwrap_or(usize::MAX)
    }
}

/// Turns what was found behind `from` into a position, and counts the bytes that were read.
fn counted(source: &str, from: usize, found: Option<usize>) -> Option<usize> {
    work::count_steps(found.unwrap_or(source.len() - from) + 1);
    found.map(|at| from + at)
}

/// Code or HTML, in which nothing is mathematics.
#[derive(Debug, Clone, PartialEq, Eq)]
struct CodeRange {
    range: Range<usize>,
    /// It is between backticks.
    is_inline: bool,
}

fn code_ranges(source: &str) -> Vec<CodeRange> {
    let mut ranges: Vec<CodeRange> = Vec::new();
    for (event, range) in Parser::new_ext(source, parser_options() - Options::ENABLE_MATH).into_offset_iter() {
        if matches!(event, Event::Start(Tag::CodeBlock(_) | Tag::HtmlBlock) | Event::Code(_) | Event::InlineHtml(_))
            && ranges.last().is_none_or(|last| last.range.end <= range.start)
        {
            ranges.push(CodeRange { range, is_inline: matches!(event, Event::Code(_)) });
        }
    }
    ranges
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prepared(source: &str) -> String {
        let prepared = prepare(source);
        assert_eq!(prepared.text.len(), source.len());
        prepared.text.into_owned()
    }

    #[test]
    fn latex_brackets_become_dollars_of_the_same_length() {
        assert_eq!(prepared(r"a \(x\) b"), "a $$x$$ b");
        assert_eq!(prepared("\\[\na\n+ b\n\\]\nend"), "$$ a + b $$\nend");
        assert_eq!(prepared("$$\na\n= b\n$$\n"), "$$ a = b $$\n");
        assert_eq!(prepared("- x\n\n  \\[ y \\]\n"), "- x\n\n  $$ y $$\n");
    }

    #[test]
    fn delimiters_without_a_partner_are_searched_for_once() {
        for (kind, text) in work::heavy_inputs::TEXTS {
            // A text without formulas is not searched at all.
            work::assert_linear(
                kind,
                4000,
                |size| text(size) + " $$",
                |text| {
                    replace_delimiters(text, &[]);
                },
            );
        }
    }

    #[test]
    fn text_without_formulas_is_unchanged() {
        for text in [
            r"`\(x\)` and \\(x\\)",
            "$5 and $6, not code",
            "```\n$$\na\n$$\n```\n",
            r"\[sic\] \[ ] \(\)",
            "\\(a\n\nb\\)",
            "- $$ is a pid\n- and $$ again",
            r"a \(x",
            "no maths",
            "<pre>\n\\(x\\)\n</pre>\n",
        ] {
            assert_eq!(prepared(text), text);
        }
    }

    #[test]
    fn dollars_in_inline_code_are_hidden_from_the_parser() {
        assert_eq!(prepared(r"it costs $5 with `$\!`"), "it costs $5 with `\u{1}\\!`");
        assert_eq!(prepared("`a$$b$` and $x$"), "`a\u{1}\u{1}b\u{1}` and $x$");
        assert_eq!(with_dollars("a\u{1}b"), "a$b");
    }

    #[test]
    fn a_formula_that_may_still_end_is_open() {
        assert_eq!(prepare("text\n\n$$\na\n+ b\n").open_formula, 6);
        assert_eq!(prepare("text\n\n$$\na\n\n+ b\n").open_formula, usize::MAX);
        assert_eq!(prepare("$$\na\n$$\n").open_formula, usize::MAX);
    }

    #[test]
    fn money_and_variables_are_not_formulas() {
        for (latex, behind) in
            [("5 and ", Some('6')), ("5-", Some('6')), ("5 (or 4) vs 10", None), ("HOME:", Some('P'))]
        {
            assert!(!is_maths(latex, behind), "{latex}");
        }
        for (latex, behind) in
            [("x", None), ("n", Some('t')), ("5", None), ("2x+1", Some('.')), (r"3 \bmod 2", None), ("a^2", Some('b'))]
        {
            assert!(is_maths(latex, behind), "{latex}");
        }
    }
}
