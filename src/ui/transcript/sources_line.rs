//! The line of sources under an answer.

use std::sync::Arc;

use crate::text;
use crate::{
    citations::annotations::AnswerCitations,
    render::{
        row::{RowKind, StyledRow, StyledSpan, TextStyle},
        theme::{ColourRole, ThemeMarks},
    },
    ui::reading::check_words,
};

const LABEL: &str = "Sources  ";

/// Lays out `Sources  [1] sqlite.org/wal  [2] …`, wrapped with a hanging indent; no rows without sources. The mark of
/// the highlighted source stands out; what a check says about a source follows its mark.
pub fn sources_line(
    citations: &AnswerCitations,
    highlighted: Option<u32>,
    width: usize,
    marks: &ThemeMarks,
) -> Vec<StyledRow> {
    let mut rows: Vec<StyledRow> = Vec::new();
    let indent = if width >= 30 { LABEL.len() } else { 0 };
    let room = width - indent;
    let mut used = 0;
    for source in citations.sources() {
        let verdict = citations.verdict(source.number).map(|verdict| check_words::verdict_sign(verdict, marks));
        let sign_cells = if verdict.is_some() { 2 } else { 0 };
        let mark = format!("[{}] ", source.number);
        let site = text::truncate(&source.site, room.saturating_sub(mark.len() + sign_cells).max(1)).into_owned();
        let cells = mark.len() + sign_cells + text::width(&site);
        if rows.is_empty() || used + 2 + cells > room {
            let lead = if rows.is_empty() && indent > 0 { LABEL.to_owned() } else { " ".repeat(indent) };
            rows.push(StyledRow {
                lead_spans: 1,
                ..StyledRow::new(RowKind::Sources, vec![StyledSpan::new(lead, TextStyle::of(ColourRole::Muted))])
            });
            used = 0;
        }
        let Some(row) = rows.last_mut() else { continue };
        if used > 0 {
            row.spans.push(StyledSpan::new("  ", TextStyle::of(ColourRole::Text)));
            used += 2;
        }
        used += cells;
        let link = source.url.as_deref().map(Arc::from);
        row.spans.push(StyledSpan::source_number(source.number, highlighted == Some(source.number)));
        row.spans.push(StyledSpan::new(" ", TextStyle::of(ColourRole::Text)));
        if let Some(sign) = verdict {
            row.spans.extend([sign, StyledSpan::new(" ", TextStyle::of(ColourRole::Text))]);
        }
        row.spans.push(StyledSpan::new(site, TextStyle::of(ColourRole::Text)).with_link(link));
    }
    rows.into_iter().map(|row| row.truncated(width)).collect()
}
