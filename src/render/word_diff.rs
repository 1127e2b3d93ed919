//! Two texts as one, with the words that differ marked, wrapped into rows.

use ratatui::style::Modifier;

use super::{
    row::{GutterMark, RowKind, StyledRow, StyledSpan, TextStyle},
    theme::ColourRole,
};
use crate::text::{
    self,
    diff::{TextChange, diff_words},
    wrap::{self, WrapOptions},
};

/// Two texts to compare on another thread: both may be megabytes.
#[derive(Debug, Clone)]
pub struct WordDiffJob {
    pub before: String,
    pub after: String,
    /// The width of the rows, in cells.
    pub width: usize,
}

/// What the comparison found.
#[derive(Debug, Clone, Default)]
pub struct WordDiffRows {
    /// Each has a mark at its left if something was removed, added, or both.
    pub rows: Vec<StyledRow>,
    /// The row at which each change begins.
    pub changes: Vec<usize>,
}

impl WordDiffJob {
    pub fn run(self) -> WordDiffRows {
        let mut wrapper = DiffWrapper { width: self.width.max(1), ..DiffWrapper::default() };
        let mut was_changed = false;
        for change in diff_words(&self.before, &self.after) {
            let (text, kind) = match change {
                TextChange::Unchanged(text) => (text, RunKind::Unchanged),
                TextChange::Removed(text) => (text, RunKind::Removed),
                TextChange::Added(text) => (text, RunKind::Added),
            };
            let is_changed = kind != RunKind::Unchanged;
            wrapper.push(text, kind, is_changed && !was_changed);
            was_changed = is_changed;
        }
        wrapper.end_line();
        wrapper.found
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RunKind {
    Unchanged,
    Removed,
    Added,
}

/// A part of a line that was removed, added or left unchanged.
#[derive(Clone, Copy)]
struct LineRun {
    start: usize,
    end: usize,
    kind: RunKind,
    begins_change: bool,
}

/// Collects the runs of a line, then wraps it.
#[derive(Default)]
struct DiffWrapper {
    width: usize,
    line: String,
    runs: Vec<LineRun>,
    found: WordDiffRows,
}

impl DiffWrapper {
    fn push(&mut self, text: &str, kind: RunKind, mut begins_change: bool) {
        let last = text.matches('\n').count();
        for (nth, line) in text.split('\n').enumerate() {
            if nth > 0 {
                self.end_line();
            }
            // What begins with the end of a line begins on the next one.
            if !line.is_empty() || begins_change && nth == last {
                let start = self.line.len();
                self.line.push_str(&text::clean(line));
                let begins_change = std::mem::take(&mut begins_change);
                self.runs.push(LineRun { start, end: self.line.len(), kind, begins_change });
            }
        }
    }

    fn end_line(&mut self) {
        let limits = WrapOptions { first_width: self.width, rest_width: self.width, glued: &[] };
        let mut runs = std::mem::take(&mut self.runs).into_iter().peekable();
        for piece in wrap::wrap(&self.line, limits) {
            let is_last = piece.next == self.line.len();
            let mut row = StyledRow::new(RowKind::Text, Vec::new());
            let (mut removes, mut adds) = (false, false);
            while let Some(run) = runs.peek().copied().filter(|run| is_last || run.start < piece.next) {
                let (start, end) = (run.start.max(piece.start), run.end.min(piece.end));
                if start < end {
                    row.spans.push(StyledSpan::new(&self.line[start..end], run_style(run.kind)));
                }
                removes |= run.kind == RunKind::Removed;
                adds |= run.kind == RunKind::Added;
                if run.begins_change && run.start >= piece.start {
                    self.found.changes.push(self.found.rows.len());
                }
                if !is_last && run.end > piece.next {
                    break; // It goes on in the next row.
                }
                runs.next();
            }
            row.gutter = gutter(removes, adds);
            self.found.rows.push(row);
        }
        self.line.clear();
    }
}

fn gutter(removes: bool, adds: bool) -> Option<GutterMark> {
    Some(match (removes, adds) {
        (true, true) => GutterMark { mark: "~", role: ColourRole::Warning },
        (true, false) => GutterMark { mark: "-", role: ColourRole::Error },
        (false, true) => GutterMark { mark: "+", role: ColourRole::Ok },
        (false, false) => return None,
    })
}

/// What is removed is crossed out and what is added underlined, so that the colour says nothing alone.
fn run_style(kind: RunKind) -> TextStyle {
    match kind {
        RunKind::Unchanged => TextStyle::of(ColourRole::Text),
        RunKind::Removed => TextStyle::of(ColourRole::Error).with_modifiers(Modifier::CROSSED_OUT),
        RunKind::Added => TextStyle::of(ColourRole::Ok).with_modifiers(Modifier::UNDERLINED),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(before: &str, after: &str, width: usize) -> (Vec<String>, Vec<usize>) {
        let found = WordDiffJob { before: before.into(), after: after.into(), width }.run();
        let row = |row: &StyledRow| format!("{} {}", row.gutter.map_or(" ", |gutter| gutter.mark), row.text());
        (found.rows.iter().map(row).collect(), found.changes)
    }

    #[test]
    fn rows_show_both_texts_and_mark_what_differs() {
        let (rows, changes) =
            drawn("Keep this.\nOld words here.\nGone.\nEnd", "Keep this.\nNew words here.\nEnd\nMore", 40);
        assert_eq!(rows, ["  Keep this.", "~ OldNew words here.", "- Gone.", "  End", "+ More"]);
        assert_eq!(changes, [1, 2, 4]);
    }

    #[test]
    fn a_long_change_keeps_its_mark_on_every_row() {
        let (rows, changes) = drawn("", "one two three four", 9);
        assert_eq!(rows, ["+ one two", "+ three", "+ four"]);
        assert_eq!(changes, [0]);
        assert_eq!(drawn("same", "same", 9), (vec!["  same".to_owned()], Vec::new()));
    }

    #[test]
    fn removed_words_are_crossed_out_and_added_ones_underlined() {
        let found = WordDiffJob { before: "a b".into(), after: "a c".into(), width: 20 }.run();
        let modifiers: Vec<_> =
            found.rows[0].spans.iter().map(|span| (span.text.as_str(), span.style.modifiers)).collect();
        assert_eq!(modifiers, [("a ", Modifier::empty()), ("b", Modifier::CROSSED_OUT), ("c", Modifier::UNDERLINED)]);
    }
}
