//! Locates the matches in the rows of the window, across line wraps.

use std::{collections::BTreeMap, ops::Range};

use super::{FindHit, FindState};
use crate::{
    render::row::{LineJoin, RowKind, StyledRow, TableCell},
    ui::transcript::{RowPos, anchor::SectionPart, layout_pass::LayoutPass},
};

/// A line of text with its wraps undone, and the pieces it was joined from.
#[derive(Debug, Default)]
struct UnwrappedLine {
    text: String,
    fragments: Vec<LineFragment>,
}

#[derive(Debug)]
struct LineFragment {
    /// Where the piece begins in the text of the line.
    start: usize,
    length: usize,
    /// The index of the row, and where the piece begins in the row's text.
    row: usize,
    row_offset: usize,
}

impl LayoutPass<'_> {
    /// Marks the matches in the line that a row belongs to. Returns the line's last row.
    pub(crate) fn mark_matches_in_line(&mut self, find: &mut FindState, spot: RowPos) -> RowPos {
        let (first, last) = self.line_bounds(spot);
        let Some(&message) = self.conversation.branch.get(spot.message_index) else { return spot };
        let Some(laid) = self.transcript.message_rows.get(&message) else { return spot };
        let anchor = laid.anchor_at(message, first.message_index, first.row);
        let rows: Vec<StyledRow> =
            (first.row..=last.row).filter_map(|row| laid.row(row).map(|placed| placed.row.clone())).collect();
        let is_whole = rows.len() == last.row - first.row + 1;
        let has_source = rows.iter().any(|row| !row.source.is_empty());
        if !anchor.part.is_searchable() || !is_whole || !has_source || matches!(rows[0].kind, RowKind::CodeHead { .. })
        {
            return last;
        }
        let lines = unwrap_lines(&rows);
        let mut places: Vec<(&UnwrappedLine, Range<usize>)> = lines
            .iter()
            .flat_map(|line| find.needle.find_all(&line.text).into_iter().map(move |it| (line, it)))
            .collect();
        let end = rows.iter().map(|row| row.source.end).max().unwrap_or(0);
        let source_range = anchor.source_start..end;
        let count = find.hits.count_within(message, anchor.part, source_range.clone());
        if matches!(anchor.part, SectionPart::Call(_)) {
            // The state of the call follows the call and is not searched.
            places.truncate(count);
        }
        let is_here = |hit: &FindHit| {
            hit.message == message && hit.part == anchor.part && source_range.contains(&hit.source_offset)
        };
        let current = find.current.filter(is_here).map(|hit| {
            let nth = find.hits.count_within(message, anchor.part, anchor.source_start..hit.source_offset);
            // The cells of a record follow the names of their columns, which were counted with the first record.
            (places.len() + nth).saturating_sub(count).min(places.len().saturating_sub(1))
        });
        for (nth, (line, place)) in places.into_iter().enumerate() {
            for piece in &line.fragments {
                let (from, to) = (place.start.max(piece.start), place.end.min(piece.start + piece.length));
                if from < to {
                    let spot = RowPos { row: first.row + piece.row, ..first };
                    let in_row = piece.row_offset + from - piece.start..piece.row_offset + to - piece.start;
                    find.visible_matches.push((spot, in_row, current == Some(nth)));
                }
            }
        }
        last
    }

    /// The first and the last row of a line. All rows of one table row belong together.
    fn line_bounds(&mut self, spot: RowPos) -> (RowPos, RowPos) {
        if !self.is_in_table(spot) {
            return (self.line_start(spot), self.line_end(spot));
        }
        let (mut first, mut last) = (spot, spot);
        while let Some(above) = first.row.checked_sub(1).map(|row| RowPos { row, ..first })
            && self.is_in_table(above)
            && self.row(above).is_some_and(|row| row.source.is_empty())
        {
            first = above;
        }
        while self.row(last).is_some_and(|row| row.source.is_empty()) {
            let below = RowPos { row: last.row + 1, ..last };
            if !self.is_in_table(below) {
                break;
            }
            last = below;
        }
        (first, last)
    }

    fn is_in_table(&mut self, spot: RowPos) -> bool {
        self.row(spot).is_some_and(|row| row.kind == RowKind::Table)
    }
}

/// The text of some rows without citation marks: one line, or one for each cell of a table.
fn unwrap_lines(rows: &[StyledRow]) -> Vec<UnwrappedLine> {
    let mut lines: BTreeMap<Option<(u32, u16)>, UnwrappedLine> = BTreeMap::new();
    let mut previous_joins: BTreeMap<Option<(u32, u16)>, LineJoin> = BTreeMap::new();
    for (nth, row) in rows.iter().enumerate() {
        let is_table = row.kind == RowKind::Table;
        if let Some(above) = nth.checked_sub(1).map(|above| &rows[above]).filter(|_| !is_table) {
            lines.entry(None).or_default().text += &above.join.to_text();
        }
        let mut offset = 0;
        for span in row.spans.get(row.lead_spans..).unwrap_or_default() {
            let (start, length) = (offset, span.text.len());
            offset += length;
            let key = span.cell.map(|TableCell { row, column, .. }| (row, column));
            if span.citation.is_some() || span.style.is_aside || is_table && key.is_none() {
                continue;
            }
            let line = lines.entry(key).or_default();
            if line.fragments.last().is_some_and(|piece| piece.row != nth)
                && let Some(joint) = previous_joins.get(&key)
            {
                line.text += &joint.to_text();
            }
            previous_joins.extend(span.cell.map(|cell| (key, cell.join)));
            line.fragments.push(LineFragment { start: line.text.len(), length, row: nth, row_offset: start });
            line.text += &span.text;
        }
    }
    lines.into_values().collect()
}
