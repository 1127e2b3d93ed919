//! Finds the mathematics in Markdown, before Markdown takes its signs for its own.
//!
//! `\(…\)` and `\[…\]` mean escaped brackets to a parser of Markdown, and a line of a formula that begins with `+` or
//! `=` means a list or a heading. So such a formula is handed to the parser as `$$…$$` in one line of the very same
//! length: every place in the one is a place in the other.

use std::{borrow::Cow, ops::Range};

use pulldown_cmark::{Event, Options, Parser, Tag};

use crate::text::maths;

/// A text as the parser may see it.
pub(super) struct Prepared<'a> {
    pub text: Cow<'a, str>,
    /// Where a formula begins that may still end: nothing behind it is settled.
    pub open: usize,
    /// What was taken for formulas over several lines.
    pub formulas: Vec<Range<usize>>,
}

impl Prepared<'_> {
    /// Whether what is above a place, and what is below, can be laid out apart.
    pub fn parts_at(&self, at: usize) -> bool {
        at <= self.open && !self.formulas.iter().any(|formula| formula.start < at && at < formula.end)
    }
}

pub(super) fn options() -> Options {
    Options::ENABLE_TABLES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_GFM
        | Options::ENABLE_MATH
}

pub(super) fn prepare(source: &str) -> Prepared<'_> {
    let has = |mark: &&str| memchr::memmem::find(source.as_bytes(), mark.as_bytes()).is_some();
    if !["$$", r"\(", r"\["].iter().any(has) {
        return Prepared { text: Cow::Borrowed(source), open: usize::MAX, formulas: Vec::new() };
    }
    // A formula may hold what looks like the beginning of a list, and so decide what is code behind it.
    let mut code = code_of(source);
    for _ in 0..ROUNDS {
        let (prepared, is_joined) = substitute(source, &code);
        if !is_joined {
            return prepared;
        }
        let found = code_of(&prepared.text);
        if found == code {
            return prepared;
        }
        code = found;
    }
    substitute(source, &code).0
}

/// How often code and formulas are looked for until each leaves the other alone.
const ROUNDS: usize = 6;

/// Writes the formulas outside of code as the parser knows them; tells whether lines were joined.
fn substitute<'a>(source: &'a str, code: &[Range<usize>]) -> (Prepared<'a>, bool) {
    let bytes = source.as_bytes();
    let mut code = code.iter().peekable();
    let mut is_joined = false;
    let mut finder = Finder { source, closings: [Next::default(); 3], blank: Next::default() };
    let mut out: Option<Vec<u8>> = None;
    let (mut open, mut formulas) = (usize::MAX, Vec::new());
    let mut at = 0;
    while let Some(step) = memchr::memchr2(b'$', b'\\', &bytes[at..]) {
        at += step;
        while code.next_if(|range| range.end <= at).is_some() {}
        if let Some(range) = code.peek().filter(|range| range.contains(&at)) {
            at = range.end;
            continue;
        }
        let Some(form) = Form::at(&bytes[at..]) else {
            // A backslash takes the sign behind it along.
            at += if bytes[at] == b'\\' { 2 } else { 1 };
            at = at.min(bytes.len());
            continue;
        };
        let blank = finder.blank_line(at);
        let own_lines = begins_its_line(source, at) || source[at + 2..].trim_start_matches(' ').starts_with('\n');
        match finder.closing(form, at + 2).filter(|end| *end < blank) {
            Some(end) if form.is_formula(&source[at + 2..end]) => {
                if source[at..end].contains('\n') {
                    formulas.push(at..end + 2);
                }
                if form != Form::Dollars || own_lines && source[at..end].contains('\n') {
                    let out = out.get_or_insert_with(|| bytes.to_vec());
                    out[at..at + 2].copy_from_slice(b"$$");
                    out[end..end + 2].copy_from_slice(b"$$");
                    // A quotation has its bars in every line: those are for the parser.
                    if own_lines && !source[at..end].contains("\n>") {
                        out[at..end].iter_mut().filter(|byte| **byte == b'\n').for_each(|byte| *byte = b' ');
                        is_joined = true;
                    }
                }
                at = end + 2;
            }
            Some(_) => at += 2,
            None => {
                if blank == usize::MAX {
                    open = open.min(at);
                }
                at += 2;
            }
        }
    }
    let text = out.and_then(|bytes| String::from_utf8(bytes).ok()).map_or(Cow::Borrowed(source), Cow::Owned);
    (Prepared { text, open, formulas }, is_joined)
}

/// What a formula is shown as.
pub(super) enum Formula {
    /// It is none, only words with the signs of one.
    Words,
    Unicode(String),
    /// As it was written.
    Latex,
}

/// Reads what the parser took for a formula; `written` is its source, `behind` the sign that follows.
pub(super) fn read(latex: &str, written: &str, behind: Option<char>) -> Formula {
    if written.starts_with('$') && !written.starts_with("$$") && !is_maths(latex, behind) {
        return Formula::Words;
    }
    maths::to_unicode(latex).map_or(Formula::Latex, Formula::Unicode)
}

/// Whether what stands between two single `$` is mathematics, and not the sums or variables of a sentence.
fn is_maths(latex: &str, behind: Option<char>) -> bool {
    if behind.is_some_and(|char| char.is_ascii_digit()) {
        return false;
    }
    let signs = latex.contains(['\\', '^', '_', '=', '{']);
    let words =
        latex.split([' ', '\n']).filter(|word| word.len() > 1 && word.bytes().all(|byte| byte.is_ascii_alphabetic()));
    if latex.starts_with(|char: char| char.is_ascii_digit()) && !signs && words.count() > 0 {
        return false;
    }
    !behind.is_some_and(char::is_alphabetic) || signs || latex.len() <= 3
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Dollars,
    Round,
    Square,
}

impl Form {
    fn at(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [b'$', b'$', ..] => Some(Self::Dollars),
            [b'\\', b'(', ..] => Some(Self::Round),
            [b'\\', b'[', ..] => Some(Self::Square),
            _ => None,
        }
    }

    fn closing(self) -> &'static str {
        match self {
            Self::Dollars => "$$",
            Self::Round => r"\)",
            Self::Square => r"\]",
        }
    }

    /// Brackets that were only escaped hold words.
    fn is_formula(self, inside: &str) -> bool {
        let apart = inside.starts_with([' ', '\n']) || inside.contains(['\\', '^', '_', '=', '+', '<', '>']);
        !inside.trim().is_empty() && !inside.contains('$') && (self != Self::Square || apart)
    }
}

/// Looks ahead without ever looking at the same text twice.
struct Finder<'a> {
    source: &'a str,
    closings: [Next; 3],
    blank: Next,
}

/// The next place of something, as far as it is known: from `from` on, there is none before `at`.
#[derive(Debug, Clone, Copy, Default)]
struct Next {
    from: usize,
    at: Option<usize>,
    known: bool,
}

impl Next {
    fn behind(&mut self, from: usize, find: impl FnOnce(usize) -> Option<usize>) -> Option<usize> {
        let still = self.known && self.from <= from && self.at.is_none_or(|at| at >= from);
        if !still {
            *self = Self { from, at: find(from), known: true };
        }
        self.at
    }
}

impl Finder<'_> {
    fn closing(&mut self, form: Form, from: usize) -> Option<usize> {
        let source = self.source;
        self.closings[form as usize].behind(from, |from| {
            let mut at = from;
            loop {
                at += memchr::memmem::find(&source.as_bytes()[at..], form.closing().as_bytes())?;
                let escapes = source.as_bytes()[from..at].iter().rev().take_while(|byte| **byte == b'\\').count();
                if form == Form::Dollars || escapes % 2 == 0 {
                    return Some(at);
                }
                at += 1;
            }
        })
    }

    /// The next line without words: no formula goes beyond it.
    fn blank_line(&mut self, from: usize) -> usize {
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
        self.blank.behind(from, find).unwrap_or(usize::MAX)
    }
}

fn begins_its_line(source: &str, at: usize) -> bool {
    let line = source[..at].rfind('\n').map_or(0, |end| end + 1);
    source[line..at].bytes().all(|byte| matches!(byte, b' ' | b'>'))
}

/// Where code and HTML stand, in which nothing is mathematics.
fn code_of(source: &str) -> Vec<Range<usize>> {
    let mut ranges: Vec<Range<usize>> = Vec::new();
    for (event, range) in Parser::new_ext(source, options() - Options::ENABLE_MATH).into_offset_iter() {
        if matches!(event, Event::Start(Tag::CodeBlock(_) | Tag::HtmlBlock) | Event::Code(_) | Event::InlineHtml(_))
            && ranges.last().is_none_or(|last| last.end <= range.start)
        {
            ranges.push(range);
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
    fn brackets_of_latex_become_dollars_of_the_same_length() {
        assert_eq!(prepared(r"a \(x\) b"), "a $$x$$ b");
        assert_eq!(prepared("\\[\na\n+ b\n\\]\nend"), "$$ a + b $$\nend");
        assert_eq!(prepared("$$\na\n= b\n$$\n"), "$$ a = b $$\n");
        assert_eq!(prepared("- x\n\n  \\[ y \\]\n"), "- x\n\n  $$ y $$\n");
    }

    #[test]
    fn what_is_no_formula_stays_as_it_is() {
        for text in [
            r"`\(x\)` and \\(x\\)",
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
    fn a_formula_that_may_still_end_is_open() {
        assert_eq!(prepare("text\n\n$$\na\n+ b\n").open, 6);
        assert_eq!(prepare("text\n\n$$\na\n\n+ b\n").open, usize::MAX);
        assert_eq!(prepare("$$\na\n$$\n").open, usize::MAX);
    }

    #[test]
    fn money_and_variables_are_no_formulas() {
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
