//! The pipes of a row: those between its cells, and those inside code and formulas.

use std::collections::BTreeMap;

use crate::{render::markdown::prepare::ParserDraft, text::work};

/// The positions of pipes in the text of a row.
#[derive(Debug, Default)]
pub(super) struct CellPipes {
    between: Vec<usize>,
    in_code: Vec<usize>,
    in_formulas: Vec<usize>,
    /// The ends of the row have pipes of their own.
    outer: usize,
}

/// Reads a row from left to right.
struct RowReader<'a> {
    text: &'a str,
    /// For each run of backticks, its end and the start of the next one of the same length.
    backticks: BTreeMap<usize, BacktickRun>,
    /// A `\(` that is not closed is not searched for again.
    unclosed: [bool; 2],
    is_complete: bool,
}

#[derive(Debug, Clone, Copy)]
struct BacktickRun {
    end: usize,
    closing: Option<usize>,
}

impl CellPipes {
    /// Finds the pipes of a row without its indent. In a row that is not complete, code goes on to the end.
    pub(super) fn find(text: &str, is_complete: bool) -> Self {
        let text = text.trim_end();
        let mut reader = RowReader { text, backticks: backtick_runs(text), unclosed: [false; 2], is_complete };
        let mut pipes = Self::default();
        let bytes = text.as_bytes();
        let mut at = 0;
        while let Some(step) = bytes[at..].iter().position(|byte| matches!(byte, b'|' | b'`' | b'$' | b'\\')) {
            work::count_steps(step + 1);
            at += step;
            let (end, found) = match bytes[at] {
                b'|' => {
                    pipes.between.push(at);
                    at += 1;
                    continue;
                }
                b'`' => (reader.code_end(at), &mut pipes.in_code),
                _ => (reader.formula_end(at), &mut pipes.in_formulas),
            };
            let inside = &bytes[at..end];
            found.extend(memchr::memchr_iter(b'|', inside).map(|pipe| at + pipe).filter(|pipe| {
                // In code, as in Markdown's tables, an escaped pipe is a pipe already.
                bytes[at] != b'`' || bytes[pipe - 1] != b'\\'
            }));
            at = end;
        }
        let has_last = pipes.between.last().is_some_and(|last| last + 1 == text.len());
        pipes.outer = usize::from(pipes.between.first() == Some(&0)) + usize::from(has_last && text.len() > 1);
        pipes
    }

    /// The number of cells if pipes in code belong to them.
    pub(super) fn cells(&self) -> usize {
        (self.between.len() + 1).saturating_sub(self.outer)
    }

    /// The number of cells up to the last one that is not blank.
    pub(super) fn filled_cells(&self, text: &str) -> usize {
        let mut cells = self.cells();
        let text = text.trim_end();
        let mut end = text.strip_suffix('|').unwrap_or(text).len();
        let blank_at_end = |end: usize| text[..end].trim_end();
        while cells > 1 && self.between.binary_search(&blank_at_end(end).len().saturating_sub(1)).is_ok() {
            cells -= 1;
            end = blank_at_end(end).len() - 1;
        }
        cells
    }

    /// Hides the pipes inside cells from the parser; `start` is where the row begins. Pipes that stand between two stray
    /// backticks are left, if the row then has as many cells as the head. Returns whether all were hidden.
    pub(super) fn hide(&self, start: usize, head_cells: usize, draft: &mut ParserDraft) -> bool {
        self.in_formulas.iter().for_each(|pipe| draft.hide(start + pipe));
        let is_stray = self.cells() != head_cells && self.cells() + self.in_code.len() == head_cells;
        if !is_stray {
            self.in_code.iter().for_each(|pipe| draft.hide(start + pipe));
        }
        !is_stray
    }
}

impl RowReader<'_> {
    /// Returns where code ends that begins at `at`, or the end of its backticks.
    fn code_end(&self, at: usize) -> usize {
        let Some(run) = self.backticks.get(&at) else { return at + 1 };
        match run.closing.and_then(|closing| self.backticks.get(&closing)) {
            Some(closing) => closing.end,
            None if !self.is_complete => self.text.len(),
            None => run.end,
        }
    }

    /// Returns where a formula ends that begins at `at`, or the end of the sign that begins none.
    fn formula_end(&mut self, at: usize) -> usize {
        let rest = &self.text[at..];
        let brackets = [(r"\(", r"\)"), (r"\[", r"\]")];
        if let Some(nth) = brackets.iter().position(|(open, _)| rest.starts_with(open)) {
            let closing = (!self.unclosed[nth]).then(|| self.find(at + 2, brackets[nth].1)).flatten();
            self.unclosed[nth] = closing.is_none();
            return closing.map_or(at + 2, |closing| closing + 2);
        }
        if let Some(escaped) = rest.strip_prefix('\\') {
            return at + 1 + escaped.chars().next().map_or(0, char::len_utf8);
        }
        let sign = if rest.starts_with("$$") { "$$" } else { "$" };
        let inside = at + sign.len();
        match self.find(inside, sign) {
            Some(end) if is_formula(&self.text[inside..end], &self.text[end + sign.len()..]) => end + sign.len(),
            Some(_) | None => inside,
        }
    }

    fn find(&self, from: usize, sign: &str) -> Option<usize> {
        let found = memchr::memmem::find(&self.text.as_bytes()[from..], sign.as_bytes());
        work::count_steps(found.unwrap_or(self.text.len() - from) + 1);
        found.map(|at| from + at)
    }
}

/// Whether the text between two dollars, before `rest`, is a formula: both hug it, and it is no money.
fn is_formula(inside: &str, rest: &str) -> bool {
    let is_hugged =
        !inside.is_empty() && inside.trim() == inside && !rest.starts_with(|char: char| char.is_ascii_digit());
    is_hugged && inside.starts_with('|') == inside.ends_with('|') && inside != "|"
}

/// Returns the runs of backticks in a text, by their start.
fn backtick_runs(text: &str) -> BTreeMap<usize, BacktickRun> {
    let mut runs = BTreeMap::new();
    let mut next_of_len: BTreeMap<usize, usize> = BTreeMap::new();
    let bytes = text.as_bytes();
    let mut end = bytes.len();
    while let Some(last) = memchr::memrchr(b'`', &bytes[..end]) {
        let start = bytes[..last].iter().rposition(|byte| *byte != b'`').map_or(0, |before| before + 1);
        work::count_steps(end - start);
        let closing = next_of_len.insert(last + 1 - start, start);
        runs.insert(start, BacktickRun { end: last + 1, closing });
        end = start;
    }
    runs
}
