//! Selecting with the keys.

use unicode_segmentation::UnicodeSegmentation;

use super::{ColumnCellMap, LayoutPass, RowOffset, RowPos, SelectionInput, SelectionUnit, TextSelection};
use crate::ui::transcript::{FindState, ScrollMove, signed};

/// A move of the end of a selection, in reading order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SelectionStep {
    Left,
    Right,
    WordLeft,
    WordRight,
    RowStart,
    RowEnd,
    Scroll(ScrollMove),
}

impl LayoutPass<'_> {
    /// Starts a selection on the current match, the cursor's row or the first row of text in the window.
    pub(crate) fn begin_selection(&mut self, unit: SelectionUnit, top: RowPos) {
        let match_row = self.transcript.find.as_ref().and_then(FindState::current_row);
        let spot = match_row.or_else(|| self.transcript.cursor_row());
        let last = self.step_rows(top, signed(self.transcript.height) - 1);
        let spot = spot.filter(|spot| *spot >= top && *spot <= last).unwrap_or_else(|| self.first_text_row(top));
        let head = RowOffset { row_pos: spot, byte: 0 };
        self.transcript.selection =
            self.point_at(head).map(|point| TextSelection::new(point, head, unit, SelectionInput::Keys));
    }

    /// Moves the end of the selection. Returns the top of a window that shows it.
    pub(crate) fn extend_selection(&mut self, step: SelectionStep, top: RowPos) -> RowPos {
        let Some(mut selection) = self.transcript.selection.take() else { return top };
        let Some(from) = self.resolve_point(&selection.to) else { return top };
        if !matches!(step, SelectionStep::Scroll(_)) {
            selection.goal_cell = None;
        }
        let goal_cell = selection.goal_cell.unwrap_or_else(|| self.cell_at(from));
        let to = self.step_from(from, step, goal_cell);
        if matches!(step, SelectionStep::Scroll(_)) {
            selection.goal_cell = Some(goal_cell);
        }
        selection.to = self.point_at(to).unwrap_or(selection.to);
        self.transcript.selection = Some(selection);
        self.reveal_row_nearest(to.row_pos, top)
    }

    /// The top of the window that shows a row and is nearest to the current one.
    pub(crate) fn reveal_row_nearest(&mut self, spot: RowPos, top: RowPos) -> RowPos {
        let last = self.step_rows(top, signed(self.transcript.height) - 1);
        if spot < top {
            self.scroll_to(spot, false)
        } else if spot > last {
            let to = self.step_rows(spot, 1 - signed(self.transcript.height));
            self.scroll_to(to, false)
        } else {
            top
        }
    }

    /// The first row of the window that has text.
    fn first_text_row(&mut self, top: RowPos) -> RowPos {
        let mut spot = top;
        for _ in 0..self.transcript.height {
            if !self.row_text(spot).trim().is_empty() {
                return spot;
            }
            spot = self.step_rows(spot, 1);
        }
        top
    }

    /// The cells of a row on the screen.
    fn cell_map(&mut self, spot: RowPos) -> Option<ColumnCellMap> {
        self.message_height(spot.message_index);
        let message = self.conversation.branch.get(spot.message_index)?;
        let placed = self.transcript.message_rows.get(message)?.row(spot.row)?;
        Some(self.transcript.cell_map(placed))
    }

    fn cell_at(&mut self, place: RowOffset) -> usize {
        self.cell_map(place.row_pos).map_or(0, |row| row.cell_of(place.byte))
    }

    fn offset_at_cell(&mut self, spot: RowPos, cell: usize) -> RowOffset {
        RowOffset { row_pos: spot, byte: self.cell_map(spot).map_or(0, |row| row.byte_at(cell)) }
    }

    /// The last row of the last message.
    fn last_row(&mut self) -> RowPos {
        let index = self.conversation.branch.len().saturating_sub(1);
        RowPos { message_index: index, row: self.message_height(index).saturating_sub(1) }
    }

    fn step_from(&mut self, from: RowOffset, step: SelectionStep, goal_cell: usize) -> RowOffset {
        let row_text = self.row_text(from.row_pos);
        let here = |byte: usize| RowOffset { byte, ..from };
        match step {
            SelectionStep::RowStart => here(0),
            SelectionStep::RowEnd => here(row_text.grapheme_indices(true).next_back().map_or(0, |(at, _)| at)),
            SelectionStep::Right => {
                match row_text.grapheme_indices(true).map(|(at, _)| at).find(|at| *at > from.byte) {
                    Some(at) => here(at),
                    None => self.next_text_row(from),
                }
            }
            SelectionStep::Left => {
                match row_text.grapheme_indices(true).map(|(at, _)| at).rfind(|at| *at < from.byte) {
                    Some(at) => here(at),
                    None => self.previous_text_row(from),
                }
            }
            SelectionStep::WordRight => {
                match row_text.unicode_word_indices().map(|(at, _)| at).find(|at| *at > from.byte) {
                    Some(at) => here(at),
                    None => self.next_text_row(from),
                }
            }
            SelectionStep::WordLeft => {
                match row_text.unicode_word_indices().map(|(at, _)| at).rfind(|at| *at < from.byte) {
                    Some(at) => here(at),
                    None => self.previous_text_row(from),
                }
            }
            SelectionStep::Scroll(by) => {
                let spot = self.scroll_row(from.row_pos, by);
                self.offset_at_cell(spot, goal_cell)
            }
        }
    }

    /// The start of the next row that has text.
    fn next_text_row(&mut self, from: RowOffset) -> RowOffset {
        let last = self.last_row();
        let mut spot = from.row_pos;
        while spot < last {
            spot = self.step_rows(spot, 1);
            if !self.row_text(spot).trim().is_empty() {
                return RowOffset { row_pos: spot, byte: 0 };
            }
        }
        from
    }

    /// The last character of the previous row that has text.
    fn previous_text_row(&mut self, from: RowOffset) -> RowOffset {
        let mut spot = from.row_pos;
        while spot > (RowPos { message_index: 0, row: 0 }) {
            spot = self.step_rows(spot, -1);
            let row_text = self.row_text(spot);
            if !row_text.trim().is_empty() {
                return RowOffset {
                    row_pos: spot,
                    byte: row_text.grapheme_indices(true).next_back().map_or(0, |(at, _)| at),
                };
            }
        }
        from
    }

    fn scroll_row(&mut self, from: RowPos, by: ScrollMove) -> RowPos {
        let page = signed(self.transcript.height.max(1));
        let to = match by {
            ScrollMove::Rows(rows) => self.step_rows(from, i64::from(rows)),
            ScrollMove::HalfPages(pages) => self.step_rows(from, i64::from(pages) * (page / 2).max(1)),
            ScrollMove::Pages(pages) => self.step_rows(from, i64::from(pages) * (page - 1).max(1)),
            ScrollMove::Top => RowPos { message_index: 0, row: 0 },
            ScrollMove::Bottom => self.last_row(),
            ScrollMove::ByMessages(count) => {
                let back = i64::from(count < 0 && from.row > self.first_row(from.message_index));
                let index = usize::try_from(signed(from.message_index) + i64::from(count) + back).unwrap_or(0);
                let index = index.min(self.conversation.branch.len().saturating_sub(1));
                RowPos { message_index: index, row: self.first_row(index) }
            }
            ScrollMove::ToMessage(id) => match self.conversation.branch.iter().position(|other| *other == id) {
                Some(index) => RowPos { message_index: index, row: self.first_row(index) },
                None => from,
            },
        };
        to.min(self.last_row())
    }
}
