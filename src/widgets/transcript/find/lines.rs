//! Where the matches stand in the rows of the window, however their words were wrapped.

use std::{collections::BTreeMap, ops::Range};

use super::{Find, Hit};
use crate::widgets::{
    row::{Cell, Joint, Row, RowKind},
    transcript::{Spot, page::Page, place::Part},
};

/// A text whose wraps are undone, and where its pieces stand.
#[derive(Debug, Default)]
struct Line {
    text: String,
    pieces: Vec<Piece>,
}

#[derive(Debug)]
struct Piece {
    /// In the text.
    start: usize,
    length: usize,
    /// Which of the rows, and where in its words.
    row: usize,
    at: usize,
}

impl Page<'_> {
    /// Marks the matches of the line that a row belongs to; gives its last row.
    pub(super) fn mark_line(&mut self, find: &mut Find, spot: Spot) -> Spot {
        let (first, last) = self.whole_line(spot);
        let Some(&message) = self.conversation.branch.get(spot.index) else { return spot };
        let Some(laid) = self.transcript.laid.get(&message) else { return spot };
        let anchor = laid.anchor(message, first.index, first.row);
        let rows: Vec<Row> =
            (first.row..=last.row).filter_map(|row| laid.row(row).map(|placed| placed.row.clone())).collect();
        let is_whole = rows.len() == last.row - first.row + 1;
        let has_source = rows.iter().any(|row| !row.source.is_empty());
        if !anchor.part.is_found() || !is_whole || !has_source || matches!(rows[0].kind, RowKind::CodeHead { .. }) {
            return last;
        }
        let lines = lines(&rows);
        let mut places: Vec<(&Line, Range<usize>)> = lines
            .iter()
            .flat_map(|line| find.needle.places(&line.text).into_iter().map(move |it| (line, it)))
            .collect();
        let end = rows.iter().map(|row| row.source.end).max().unwrap_or(0);
        let here = anchor.source..end;
        let count = find.hits.within(message, anchor.part, here.clone());
        if matches!(anchor.part, Part::Call(_)) {
            // Behind what is called stands how far it is.
            places.truncate(count);
        }
        let is_here = |hit: &Hit| hit.message == message && hit.part == anchor.part && here.contains(&hit.source);
        let current = find.current.filter(is_here).map(|hit| {
            let nth = find.hits.within(message, anchor.part, anchor.source..hit.source);
            // Before the cells of a record stand the names of their columns, which were counted with the first one.
            (places.len() + nth).saturating_sub(count).min(places.len().saturating_sub(1))
        });
        for (nth, (line, place)) in places.into_iter().enumerate() {
            for piece in &line.pieces {
                let (from, to) = (place.start.max(piece.start), place.end.min(piece.start + piece.length));
                if from < to {
                    let spot = Spot { row: first.row + piece.row, ..first };
                    let in_row = piece.at + from - piece.start..piece.at + to - piece.start;
                    find.lit.push((spot, in_row, current == Some(nth)));
                }
            }
        }
        last
    }

    /// The first and the last row of a line; the rows that a row of a table takes belong together.
    fn whole_line(&mut self, spot: Spot) -> (Spot, Spot) {
        if !self.is_in_table(spot) {
            return (self.line_start(spot), self.line_end(spot));
        }
        let (mut first, mut last) = (spot, spot);
        while let Some(above) = first.row.checked_sub(1).map(|row| Spot { row, ..first })
            && self.is_in_table(above)
            && self.row(above).is_some_and(|row| row.source.is_empty())
        {
            first = above;
        }
        while self.row(last).is_some_and(|row| row.source.is_empty()) {
            let below = Spot { row: last.row + 1, ..last };
            if !self.is_in_table(below) {
                break;
            }
            last = below;
        }
        (first, last)
    }

    fn is_in_table(&mut self, spot: Spot) -> bool {
        self.row(spot).is_some_and(|row| row.kind == RowKind::Table)
    }
}

/// The words of some rows without the marks of citations: one line, or one for each cell of a table.
fn lines(rows: &[Row]) -> Vec<Line> {
    let mut lines: BTreeMap<Option<(u32, u16)>, Line> = BTreeMap::new();
    let mut before: BTreeMap<Option<(u32, u16)>, Joint> = BTreeMap::new();
    for (nth, row) in rows.iter().enumerate() {
        let is_table = row.kind == RowKind::Table;
        if let Some(above) = nth.checked_sub(1).map(|above| &rows[above]).filter(|_| !is_table) {
            lines.entry(None).or_default().text += &above.joint.words();
        }
        let mut at = 0;
        for span in row.spans.get(row.lead..).unwrap_or_default() {
            let (start, length) = (at, span.text.len());
            at += length;
            let key = span.cell.map(|Cell { row, column, .. }| (row, column));
            if span.citation.is_some() || span.ink.is_aside || is_table && key.is_none() {
                continue;
            }
            let line = lines.entry(key).or_default();
            if line.pieces.last().is_some_and(|piece| piece.row != nth)
                && let Some(joint) = before.get(&key)
            {
                line.text += &joint.words();
            }
            before.extend(span.cell.map(|cell| (key, cell.joint)));
            line.pieces.push(Piece { start: line.text.len(), length, row: nth, at: start });
            line.text += &span.text;
        }
    }
    lines.into_values().collect()
}
