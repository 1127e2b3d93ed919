//! Copies rows as text, with wraps undone and decoration left out.

use std::ops::Range;

use super::{LineJoin, RowKind, StyledRow};
use crate::{
    render::source_map::{SourceKind, SourceRun},
    text,
};

/// Joins the texts of rows, from the first one that is selected to the last.
///
/// Bullets, numbers and quotation bars become Markdown; code is copied without its bar. What stands for its source, as
/// a formula does, is copied as that if all of it on its first row is selected, and otherwise as it is shown.
#[derive(Debug, Default)]
pub struct RowCopier {
    text: String,
    /// What separates the last row from the next.
    join: Option<LineJoin>,
    /// What was copied as its source in the rows that may continue.
    whole: Vec<Range<usize>>,
}

impl RowCopier {
    /// Adds a range of the text of a row; `source` is what the row was laid out from.
    pub fn push(&mut self, row: &StyledRow, range: Range<usize>, source: &str) {
        if row.kind == RowKind::Formula && row.source_map.is_empty() {
            return; // A blank row of a formula, which goes on below.
        }
        // The head of a folded or empty block stands for all of it.
        let block = slice(source, &row.source).trim();
        let is_head = matches!(row.kind, RowKind::CodeHead { .. } | RowKind::DetailsHead { is_folded: true });
        if is_head && block.contains('\n') {
            self.begin_line(row, 1);
            self.text.push_str(block);
        } else if row.is_decoration() {
            return;
        } else {
            self.push_text(row, range, source);
        }
        self.join = Some(row.join);
    }

    /// The text of all rows.
    pub fn finish(mut self) -> String {
        trim_end(&mut self.text);
        text::clean(self.text.trim_matches('\n')).into_owned()
    }

    fn push_text(&mut self, row: &StyledRow, range: Range<usize>, source: &str) {
        let continues_copied = row.source_map.runs().next().is_some_and(|run| self.is_copied(&run));
        match self.join {
            _ if continues_copied => (),
            Some(join @ LineJoin::Wrapped(_)) => self.text.push_str(&join.to_text()),
            Some(LineJoin::LineEnd) | None => self.begin_line(row, range.start),
        }
        let content = row.content();
        if row.source_map.is_empty() {
            self.text.push_str(content.get(range).unwrap_or_default());
            return;
        }
        for run in row.source_map.runs() {
            let words = run.text.start.max(range.start)..run.text.end.min(range.end);
            if words.is_empty() || self.is_copied(&run) {
                continue;
            }
            // Selecting any part of a rule selects all of it.
            let is_whole = words == run.text || row.kind == RowKind::Rule;
            if run.kind == SourceKind::StandIn && run.skipped == 0 && is_whole {
                self.text.push_str(slice(source, &run.source).trim());
                self.whole.push(run.source);
            } else {
                self.text.push_str(&content[words]);
            }
        }
    }

    /// Begins a line with the lead of a row, if the row is copied from its start.
    fn begin_line(&mut self, row: &StyledRow, start: usize) {
        if row.kind != RowKind::Table {
            self.whole.clear();
        }
        trim_end(&mut self.text);
        self.text.push_str(&self.join.map(LineJoin::to_text).unwrap_or_default());
        if start == 0 && !matches!(row.kind, RowKind::Code { .. }) {
            let lead = row.spans.get(..row.lead_spans).unwrap_or_default();
            self.text.extend(lead.iter().map(|span| span.markdown().unwrap_or(&span.text)));
        }
    }

    /// Whether a run shows part of what was already copied as its source.
    fn is_copied(&self, run: &SourceRun) -> bool {
        let is_within = |whole: &Range<usize>| {
            whole.contains(&run.source.start)
                && run.source.end <= whole.end
                && (run.skipped > 0 || *whole != run.source)
        };
        run.kind != SourceKind::Inserted && self.whole.iter().any(is_within)
    }
}

impl StyledRow {
    /// The source of a range of the text, with the markup beside it where the range reaches an end of the row.
    pub fn source_of(&self, text: Range<usize>) -> Option<Range<usize>> {
        let start = (text.start == 0).then_some(self.source.start..self.source.start);
        let end = (text.end >= self.content().len()).then_some(self.source.end..self.source.end);
        let selected = self.source_map.slice(text);
        let shown = selected.runs().filter(|run| run.kind != SourceKind::Inserted).map(|run| run.source);
        shown.chain(start).chain(end).reduce(|all, next| all.start.min(next.start)..all.end.max(next.end))
    }

    /// Whether the row is only the head of a code block, or the rule below a heading or a table's head.
    fn is_decoration(&self) -> bool {
        match self.kind {
            RowKind::CodeHead { .. } => true,
            RowKind::Rule | RowKind::Table => !self.content_spans().is_empty() && self.source_map.is_all_inserted(),
            _ => false,
        }
    }
}

/// A range of the source; a row of it may end within a character that was replaced.
fn slice<'a>(source: &'a str, range: &Range<usize>) -> &'a str {
    &source[source.floor_char_boundary(range.start)..source.floor_char_boundary(range.end)]
}

fn trim_end(text: &mut String) {
    let end = text.trim_end_matches(' ').len();
    text.truncate(end);
}
