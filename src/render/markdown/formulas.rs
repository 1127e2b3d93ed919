//! Finds the formulas in Markdown before the parser takes their characters for Markdown syntax.
//!
//! A Markdown parser reads `\(…\)` and `\[…\]` as escaped brackets, and a line of a formula that begins with `+` or `=`
//! as a list or a heading. So such a formula is passed to the parser as `$$…$$` on one line of exactly the same length:
//! every position in one text is a position in the other. An environment such as `\begin{align}` is one without dollars
//! around it, too. Dollars that enclose no formula are hidden from the parser.

use std::ops::Range;

use super::{
    delimiter_runs::token_before,
    formula_shape,
    prepare::{CodeRange, ParserDraft},
};
use crate::{
    render::{maths, theme::ThemeMarks},
    text::work,
};

/// Rewrites the formulas outside code in the parser's syntax.
pub(super) fn rewrite_formulas(draft: &mut ParserDraft) {
    let has = |mark: &&str| memchr::memmem::find(draft.source.as_bytes(), mark.as_bytes()).is_some();
    if !["$", r"\(", r"\[", r"\begin{"].iter().any(has) {
        return;
    }
    // A formula may contain what would be the start of a list, and so affect what is code after it.
    let mut code = draft.code_ranges();
    for _ in 0..MAX_ROUNDS {
        let (mut rewritten, is_joined) = replace_delimiters(draft, &code);
        let found = if is_joined { rewritten.code_ranges() } else { Vec::new() };
        if !is_joined || found == code {
            *draft = rewritten;
            return;
        }
        code = found;
    }
    *draft = replace_delimiters(draft, &code).0;
}

/// The maximum number of passes until the ranges of code and formulas agree.
const MAX_ROUNDS: usize = 6;

/// Returns the text with its formulas in the parser's syntax, and whether lines were joined.
fn replace_delimiters<'a>(before: &ParserDraft<'a>, code: &[CodeRange]) -> (ParserDraft<'a>, bool) {
    let source = before.source;
    let bytes = source.as_bytes();
    let mut draft = before.clone();
    let mut code = code.iter().peekable();
    let mut is_joined = false;
    let mut finder = FormulaFinder::new(source);
    let mut pos = 0;
    while let Some(step) = memchr::memchr2(b'$', b'\\', &bytes[pos..]) {
        pos += step;
        while code.next_if(|code| code.range.end <= pos).is_some() {}
        if let Some(CodeRange { range, is_inline }) = code.peek().filter(|code| code.range.contains(&pos)) {
            if *is_inline && bytes[pos] == b'$' {
                draft.hide(pos);
            }
            pos = if *is_inline { pos + 1 } else { range.end };
            continue;
        }
        if is_in_address(source, pos) {
            pos = (pos + if bytes[pos] == b'\\' { 2 } else { 1 }).min(bytes.len());
            continue;
        }
        let formula = match FormulaDelimiter::parse(&bytes[pos..]) {
            Some(delimiter) => finder.formula_at(delimiter, pos),
            None if bytes[pos] == b'$' => finder.single_dollars_at(pos),
            None => finder.environment_at(pos),
        };
        match formula {
            FormulaSearch::Found { delimiter, range } => {
                is_joined |= pass_formula(&mut draft, delimiter, &range, &mut finder);
                pos = range.end;
            }
            FormulaSearch::Open { len } => {
                draft.open_formula = draft.open_formula.min(pos);
                hide_dollars(&mut draft, pos..pos + len);
                pos += len;
            }
            FormulaSearch::Text { len } => {
                hide_dollars(&mut draft, pos..pos + len);
                pos += len;
            }
            FormulaSearch::Latex { end, is_open } => {
                if is_open {
                    draft.open_formula = draft.open_formula.min(pos);
                }
                // Its backslashes are no escapes.
                (pos..end).filter(|at| matches!(bytes[*at], b'\\' | b'*' | b'_' | b'~')).for_each(|at| draft.hide(at));
                pos = end;
            }
        }
        pos = pos.min(bytes.len());
    }
    (draft, is_joined)
}

/// Whether a position is in the address of a link, `](…`, in which nothing may be hidden.
fn is_in_address(source: &str, pos: usize) -> bool {
    let before = token_before(source, pos);
    before.rsplit_once("](").is_some_and(|(_, address)| {
        let address = address.replace(r"\(", "").replace(r"\)", "");
        address.matches(')').count() <= address.matches('(').count()
    })
}

fn hide_dollars(draft: &mut ParserDraft, range: Range<usize>) {
    range.filter(|at| draft.source.as_bytes().get(*at) == Some(&b'$')).for_each(|at| draft.hide(at));
}

/// Passes a formula to the parser; returns whether its lines were joined.
fn pass_formula(
    draft: &mut ParserDraft,
    delimiter: FormulaDelimiter,
    range: &Range<usize>,
    finder: &mut FormulaFinder,
) -> bool {
    let written = &draft.source[range.clone()];
    let has_lines = written.contains('\n');
    if has_lines {
        draft.formulas.push(range.clone());
    }
    if delimiter == FormulaDelimiter::Dollar {
        return false;
    }
    let has_own_lines = finder.is_at_line_start(range.start)
        || delimiter == FormulaDelimiter::Environment
        || written[2..].trim_start_matches(' ').starts_with('\n');
    if delimiter == FormulaDelimiter::Dollars && !(has_own_lines && has_lines) {
        return false;
    }
    // A quotation has a `>` in every line, which the parser needs.
    let joins_lines = has_lines && has_own_lines && !written.contains("\n>");
    let out = draft.bytes_mut();
    out[range.start..range.start + 2].copy_from_slice(b"$$");
    out[range.end - 2..range.end].copy_from_slice(b"$$");
    if delimiter == FormulaDelimiter::Environment {
        // The parser counts braces, and those of `\begin{…}` are cut.
        out[range.clone()].iter_mut().filter(|byte| matches!(**byte, b'{' | b'}')).for_each(|byte| *byte = b' ');
    }
    if joins_lines {
        out[range.clone()].iter_mut().filter(|byte| **byte == b'\n').for_each(|byte| *byte = b' ');
    }
    joins_lines
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
    if written.starts_with('$')
        && !written.starts_with("$$")
        && !formula_shape::is_between_dollars(None, latex, next_char)
    {
        return FormulaText::PlainText;
    }
    // An environment without dollars is its own delimiter.
    let latex = if written.starts_with(r"\begin") { written } else { latex };
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

/// What is found where a formula may begin.
enum FormulaSearch {
    Found {
        delimiter: FormulaDelimiter,
        range: Range<usize>,
    },
    /// It may still end; until then it is text.
    Open {
        len: usize,
    },
    Text {
        len: usize,
    },
    /// LaTeX up to here that is no formula.
    Latex {
        end: usize,
        /// It may still become one.
        is_open: bool,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FormulaDelimiter {
    Dollars,
    Parens,
    Brackets,
    /// A single dollar.
    Dollar,
    /// `\begin{…}`.
    Environment,
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
            Self::Dollar => "$",
            Self::Environment => "}",
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
    /// The next letter or digit.
    next_term: CachedSearch,
    /// Where the line of the last position begins, and that position.
    line: (usize, usize),
    /// The first character of that line that marks no quotation.
    line_ink: CachedSearch,
    /// The environments, and which of them come next.
    environments: Vec<LatexEnvironment>,
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
            next_term: unknown,
            line: (0, 0),
            line_ink: unknown,
            environments: find_environments(source),
        }
    }

    /// Looks for a formula that begins with a delimiter of two bytes.
    fn formula_at(&mut self, delimiter: FormulaDelimiter, pos: usize) -> FormulaSearch {
        let blank = self.find_blank_line(pos);
        match self.find_closing(delimiter, pos + 2).filter(|end| *end < blank) {
            Some(end) if self.is_formula(delimiter, pos + 2..end) => {
                FormulaSearch::Found { delimiter, range: pos..end + 2 }
            }
            None if blank == usize::MAX => FormulaSearch::Open { len: 2 },
            Some(_) | None => FormulaSearch::Text { len: 2 },
        }
    }

    /// Looks for a formula between single dollars.
    fn single_dollars_at(&mut self, pos: usize) -> FormulaSearch {
        let source = self.source;
        let closing = find_dollar(source, pos + 1).filter(|end| *end < self.find_blank_line(pos));
        let is_formula = closing.is_some_and(|end| {
            let before = source[..pos].chars().next_back();
            formula_shape::is_between_dollars(before, &source[pos + 1..end], source[end + 1..].chars().next())
        });
        match closing {
            Some(end) if is_formula => {
                FormulaSearch::Found { delimiter: FormulaDelimiter::Dollar, range: pos..end + 1 }
            }
            Some(_) | None => FormulaSearch::Text { len: 1 },
        }
    }

    /// Looks for an environment at a backslash, which else escapes the character after it.
    fn environment_at(&mut self, pos: usize) -> FormulaSearch {
        let escape = FormulaSearch::Text { len: 2 };
        let Some(name) = environment_name(&self.source[pos..], r"\begin{") else { return escape };
        let blank = self.find_blank_line(pos);
        let next = self.environments.partition_point(|environment| environment.range.start < pos);
        let range = self.environments.get(next).map(|found| found.range.clone()).filter(|range| range.start == pos);
        match range {
            Some(range) if range.end <= blank && maths::is_environment(name) => {
                let has_dollar = self.source[range.clone()].contains('$');
                if has_dollar {
                    FormulaSearch::Latex { end: range.end, is_open: false }
                } else {
                    FormulaSearch::Found { delimiter: FormulaDelimiter::Environment, range }
                }
            }
            Some(range) => FormulaSearch::Latex { end: range.end.min(blank), is_open: false },
            None if maths::is_environment(name) => {
                FormulaSearch::Latex { end: blank.min(self.source.len()), is_open: blank == usize::MAX }
            }
            None => escape,
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
        let has_term = has(&mut self.next_term, char::is_alphanumeric);
        let has_dollar = has(&mut self.next_dollar, |char| char == '$');
        let has_sign = has(&mut self.next_sign, |char| matches!(char, '\\' | '^' | '_' | '=' | '+' | '<' | '>'));
        let looks_like_formula = has_sign || source[inside.clone()].starts_with([' ', '\n']);
        let has_shape = match delimiter {
            FormulaDelimiter::Dollars => formula_shape::is_between_double_dollars(&source[inside]),
            FormulaDelimiter::Brackets => looks_like_formula && has_term,
            FormulaDelimiter::Parens => has_term,
            FormulaDelimiter::Dollar | FormulaDelimiter::Environment => true,
        };
        has_ink && !has_dollar && has_shape
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

/// An environment of LaTeX, from `\begin` to `\end`.
#[derive(Debug)]
struct LatexEnvironment {
    range: Range<usize>,
}

/// Finds the environments of a text, in order; those within others are among them.
fn find_environments(source: &str) -> Vec<LatexEnvironment> {
    const MAX_OPEN: usize = 64;
    let mut environments = Vec::new();
    let mut open: Vec<(usize, &str)> = Vec::new();
    for at in memchr::memchr_iter(b'\\', source.as_bytes()) {
        let rest = &source[at..];
        if let Some(name) = environment_name(rest, r"\begin{") {
            if open.len() == MAX_OPEN {
                open.clear();
            }
            open.push((at, name));
        } else if let Some(name) = environment_name(rest, r"\end{")
            && let Some(index) = open.iter().rposition(|(_, opened)| *opened == name)
        {
            let end = at + r"\end{}".len() + name.len();
            environments.push(LatexEnvironment { range: open[index].0..end });
            open.truncate(index);
        }
    }
    environments.sort_by_key(|environment| environment.range.start);
    environments
}

/// Returns the name in `\begin{name}`.
pub(crate) fn environment_name<'a>(text: &'a str, command: &str) -> Option<&'a str> {
    const MAX_NAME: usize = 24;
    let rest = text.strip_prefix(command)?;
    let end = rest.bytes().take(MAX_NAME).position(|byte| byte == b'}')?;
    let is_name = rest[..end].trim_end_matches('*').bytes().all(|byte| byte.is_ascii_alphabetic());
    (end > 0 && is_name).then(|| &rest[..end])
}

/// Finds the next single dollar that is not escaped.
fn find_dollar(source: &str, from: usize) -> Option<usize> {
    memchr::memchr_iter(b'$', &source.as_bytes()[from..])
        .inspect(|_| work::count_steps(1))
        .map(|found| from + found)
        .find(|at| source[from..*at].bytes().rev().take_while(|byte| *byte == b'\\').count() % 2 == 0)
}

/// Turns what was found behind `from` into a position, and counts the bytes that were read.
fn counted(source: &str, from: usize, found: Option<usize>) -> Option<usize> {
    work::count_steps(found.unwrap_or(source.len() - from) + 1);
    found.map(|at| from + at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::markdown::prepare::prepare;

    /// Returns what the parser sees; `¤` stands for a hidden dollar.
    fn prepared(source: &str) -> String {
        let prepared = prepare(source);
        assert_eq!(prepared.text().len(), source.len());
        prepared.text().replace('\u{1}', "¤")
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
                    replace_delimiters(&ParserDraft::new(text), &[]);
                },
            );
        }
    }

    #[test]
    fn text_without_formulas_is_unchanged() {
        for text in [
            r"`\(x\)` and \\(x\\)",
            "```\n$$\na\n$$\n```\n",
            r"\[sic\] \[ ] \(\)",
            "\\(a\n\nb\\)",
            r"a \(x",
            r"a \begin{tabular} b",
            "no maths",
            "<pre>\n\\(x\\)\n</pre>\n",
        ] {
            assert_eq!(prepared(text), text);
        }
    }

    #[test]
    fn dollars_that_enclose_no_formula_are_hidden_from_the_parser() {
        for (text, expected) in [
            ("$5 and $6, not code", "¤5 and ¤6, not code"),
            ("- $$ is a pid\n- and $$ again", "- ¤¤ is a pid\n- and ¤¤ again"),
            (r"it costs $5 with `$\!`", r"it costs ¤5 with `¤\!`"),
            ("`a$$b$` and $x$", "`a¤¤b¤` and $x$"),
            ("**$5** to **$9** and $x^2$", "**¤5** to **¤9** and $x^2$"),
            ("*$HOME* twice, then ~~$9~~ now $8", "*¤HOME* twice, then ~~¤9~~ now ¤8"),
            ("$$ is open and $a+b$", "¤¤ is open and $a+b$"),
            ("$$\nx = $y$\n", "¤¤\nx = $y$\n"),
        ] {
            assert_eq!(prepared(text), expected);
        }
    }

    #[test]
    fn an_environment_is_a_formula_without_dollars() {
        assert_eq!(prepared("\\begin{align}\na &= b\n\\end{align}\n"), "$$egin align  a &= b \\end alig$$\n");
        assert_eq!(prepared(r"\begin{cases} \begin{cases} x \end{cases} \end{cases}").matches("$$").count(), 2);
        let open = prepare("\\begin{align} a \\\\ b");
        assert!(!open.text().contains('\\'), "its backslashes are no escapes: {}", open.text());
    }

    #[test]
    fn a_formula_that_may_still_end_is_open() {
        assert_eq!(prepare("text\n\n$$\na\n+ b\n").open_formula, 6);
        assert_eq!(prepare("text\n\n$$\na\n\n+ b\n").open_formula, usize::MAX);
        assert_eq!(prepare("$$\na\n$$\n").open_formula, usize::MAX);
    }
}
