//! A selection of the text, whose ends stay with their characters when the layout changes.

mod copy_text;
mod steps;

use std::{borrow::Cow, ops::Range};

use unicode_segmentation::UnicodeSegmentation;

use super::{
    PendingMove, RowPos, Transcript, VisibleRange,
    anchor::{RowAnchor, SectionPart},
    layout_pass::LayoutPass,
    message_rows::PlacedRow,
    part_text,
};
use crate::{
    chat::{Conversation, MessageId, Timestamp},
    render::row::{CellMap, StyledRow},
};
pub use steps::SelectionStep;

/// The unit to which a selection extends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SelectionUnit {
    Characters,
    Words,
    /// Lines of the text, regardless of wrapping.
    Lines,
}

/// The input device that makes a selection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SelectionInput {
    Mouse,
    Keys,
}

/// A selection and the input that makes it.
#[derive(Debug, Clone)]
pub(crate) struct TextSelection {
    from: SelectionPoint,
    to: SelectionPoint,
    unit: SelectionUnit,
    input: SelectionInput,
    /// The mouse button was pressed and the mouse has not moved yet.
    is_empty: bool,
    /// The cell of the window that the mouse was dragged to since the last frame.
    dragged_to: Option<(u16, i32)>,
    /// The cell that vertical moves try to stay in.
    goal_cell: Option<usize>,
    /// The selected range as of the last frame, from the first character to the one after the last.
    range: Option<(RowOffset, RowOffset)>,
    /// Its moving end, as of the last frame.
    head: RowOffset,
}

/// A character of the text, by its part and its offset in that part's source.
#[derive(Debug, Clone, Copy, PartialEq)]
struct SelectionPoint {
    anchor: RowAnchor,
    /// Its byte offset in the text of its row.
    byte: usize,
}

/// A character of the text as it is laid out now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RowOffset {
    pub row_pos: RowPos,
    pub byte: usize,
}

impl Transcript {
    /// Handles a mouse press on a cell of the window (gutter included), where a selection may begin.
    pub fn press(&mut self, column: u16, row: u16, unit: SelectionUnit) {
        self.selection = self.offset_at_cell(column, row.into()).and_then(|place| {
            let slice = *self.visible_ranges.iter().find(|slice| slice.message_index == place.row_pos.message_index)?;
            let laid = self.message_rows.get(&slice.message?)?;
            let anchor = laid.anchor_at(slice.message?, slice.message_index, place.row_pos.row);
            let point = SelectionPoint { anchor, byte: place.byte };
            Some(TextSelection::new(point, place, unit, SelectionInput::Mouse))
        });
    }

    /// Handles a mouse drag; dragging above or below the window scrolls it.
    pub fn drag_to(&mut self, column: u16, row: i32) {
        if let Some(selection) = &mut self.selection {
            selection.dragged_to = Some((column, row));
            selection.is_empty = false;
            selection.input = SelectionInput::Mouse;
            if row < 0 {
                self.pending_moves.push(PendingMove::Move(super::ScrollMove::Rows(-1)));
            } else if row >= i32::try_from(self.height).unwrap_or(i32::MAX) {
                self.pending_moves.push(PendingMove::Move(super::ScrollMove::Rows(1)));
            }
        }
    }

    /// Starts a selection at the cursor, or lets the keys take over or change the active one. Asking for the same unit
    /// again ends it.
    pub fn toggle_selection(&mut self, unit: SelectionUnit) {
        match &mut self.selection {
            Some(selection) if selection.input == SelectionInput::Keys && selection.unit == unit => {
                self.selection = None;
            }
            Some(selection) => {
                selection.unit = unit;
                selection.input = SelectionInput::Keys;
                selection.is_empty = false;
            }
            None => self.pending_moves.push(PendingMove::Select(unit)),
        }
    }

    /// Moves the end of a selection made with the keys.
    pub fn extend_selection(&mut self, step: SelectionStep) {
        self.pending_moves.push(PendingMove::Extend(step));
    }

    /// The input that makes the selection, if anything is selected.
    pub fn selection_input(&self) -> Option<SelectionInput> {
        self.selection.as_ref().filter(|selection| !selection.is_empty).map(|selection| selection.input)
    }

    pub fn clear_selection(&mut self) {
        self.selection = None;
    }

    /// The selected text, without decoration and with line wraps undone.
    pub fn selected_text(&mut self, conversation: &Conversation, now: Timestamp) -> Option<String> {
        let (from, to) = self.selection.as_ref().filter(|selection| !selection.is_empty)?.range?;
        let mut pass = LayoutPass {
            transcript: self,
            conversation,
            now,
            rewrapped: false,
            resolved_anchor: None,
            reader_changed_rows: false,
        };
        Some(pass.copy_text(from, to)).filter(|text| !text.is_empty())
    }

    /// The selected byte range of a row's text, given the length of the text.
    pub(crate) fn selected_range_in(&self, spot: RowPos, text_len: usize) -> Option<Range<usize>> {
        let (from, to) = self.selection.as_ref().filter(|selection| !selection.is_empty)?.range?;
        if spot < from.row_pos || spot > to.row_pos {
            return None;
        }
        let start = if spot == from.row_pos { from.byte } else { 0 };
        let end = if spot == to.row_pos { to.byte } else { text_len };
        Some(start.min(text_len)..end.min(text_len))
    }

    /// The cell of the window with the moving end of a selection made with the keys.
    pub(crate) fn caret_cell(&self) -> Option<(usize, usize)> {
        let head = self.selection.as_ref().filter(|selection| selection.input == SelectionInput::Keys)?.head;
        let (y, _, placed) = self
            .positioned_rows()
            .enumerate()
            .find_map(|(y, (spot, placed))| (spot == head.row_pos).then_some((y, spot, placed)))?;
        Some((self.cell_map(placed).cell_of(head.byte), y))
    }

    /// The rows in the window with their positions, from the top.
    pub(crate) fn positioned_rows(&self) -> impl Iterator<Item = (RowPos, PlacedRow<'_>)> {
        self.visible_ranges.iter().flat_map(move |slice| {
            (slice.first_row..slice.first_row + slice.row_count)
                .map(move |row| (RowPos { message_index: slice.message_index, row }, self.placed_row(*slice, row)))
        })
    }

    fn placed_row(&self, slice: VisibleRange, row: usize) -> PlacedRow<'_> {
        let laid = slice.message.and_then(|id| self.message_rows.get(&id));
        laid.and_then(|laid| laid.row(row)).unwrap_or_default()
    }

    /// The character in a cell of the window, clamped to the rows of messages.
    fn offset_at_cell(&self, column: u16, row: i32) -> Option<RowOffset> {
        let is_message = |slice: &&VisibleRange| slice.message.is_some();
        let rows: usize = self.visible_ranges.iter().filter(is_message).map(|slice| slice.row_count).sum();
        let nearest_row = usize::try_from(row.max(0)).unwrap_or(0).min(rows.checked_sub(1)?);
        let (spot, placed) = self.positioned_rows().nth(nearest_row)?;
        let is_below_text = row >= i32::try_from(rows).unwrap_or(i32::MAX);
        let cell = if row < 0 { 0 } else { usize::from(column.saturating_sub(super::GUTTER)) };
        let byte =
            if is_below_text { text_without_lead(placed.row).len() } else { self.cell_map(placed).byte_at(cell) };
        Some(RowOffset { row_pos: spot, byte })
    }
}

impl TextSelection {
    /// Whether the mouse has moved since the last frame.
    pub(super) fn is_unsettled(&self) -> bool {
        self.dragged_to.is_some()
    }

    fn new(point: SelectionPoint, head: RowOffset, unit: SelectionUnit, input: SelectionInput) -> Self {
        let is_empty = input == SelectionInput::Mouse && unit == SelectionUnit::Characters;
        Self { from: point, to: point, unit, input, is_empty, dragged_to: None, goal_cell: None, range: None, head }
    }
}

impl LayoutPass<'_> {
    /// Locates the selection in the rows of this frame.
    pub(super) fn update_selection(&mut self) {
        let Some(mut selection) = self.transcript.selection.take() else { return };
        let reached = selection.dragged_to.take().and_then(|(column, row)| self.transcript.offset_at_cell(column, row));
        let from = self.resolve_point(&selection.from);
        let to = reached.or_else(|| self.resolve_point(&selection.to));
        let (Some(from), Some(to)) = (from, to) else { return };
        let (Some(from_point), Some(to_point)) = (self.point_at(from), self.point_at(to)) else { return };
        selection.from = from_point;
        selection.to = to_point;
        selection.head = to;
        selection.range = Some(self.widen(from.min(to), from.max(to), selection.unit));
        self.transcript.selection = Some(selection);
    }

    fn point_at(&mut self, place: RowOffset) -> Option<SelectionPoint> {
        let message = *self.conversation.branch.get(place.row_pos.message_index)?;
        self.message_height(place.row_pos.message_index);
        let laid = self.transcript.message_rows.get(&message)?;
        let mut anchor = laid.anchor_at(message, place.row_pos.message_index, place.row_pos.row);
        if let Some(source) = part_source(self.conversation, message, anchor.part) {
            anchor.source_start =
                source_offset_at(&source, laid.row(place.row_pos.row).unwrap_or_default().row, place.byte);
        }
        Some(SelectionPoint { anchor, byte: place.byte })
    }

    fn resolve_point(&mut self, point: &SelectionPoint) -> Option<RowOffset> {
        let spot = self.resolve_anchor(&point.anchor)?;
        let row = self.transcript.message_rows.get(&point.anchor.message)?.row(spot.row).unwrap_or_default().row;
        let source = part_source(self.conversation, point.anchor.message, point.anchor.part);
        let byte = match source.filter(|_| self.rewrapped) {
            Some(source) => byte_at_source(&source, row, point.anchor.source_start),
            None => point.byte,
        };
        Some(RowOffset { row_pos: spot, byte: text_without_lead(row).floor_char_boundary(byte) })
    }

    /// Widens a range to whole units: its first character, and the one after its last.
    fn widen(&mut self, from: RowOffset, to: RowOffset, unit: SelectionUnit) -> (RowOffset, RowOffset) {
        if unit == SelectionUnit::Lines {
            let (first, last) = (self.line_start(from.row_pos), self.line_end(to.row_pos));
            let end = self.row_text(last).len();
            return (RowOffset { row_pos: first, byte: 0 }, RowOffset { row_pos: last, byte: end });
        }
        let span = |words: &str, byte: usize| match unit {
            SelectionUnit::Characters => piece_range(words.grapheme_indices(true), byte),
            SelectionUnit::Words | SelectionUnit::Lines => piece_range(words.split_word_bound_indices(), byte),
        };
        let (first, last) = (self.row_text(from.row_pos), self.row_text(to.row_pos));
        let start = span(&first, from.byte).start;
        let end = span(&last, to.byte).end;
        (RowOffset { byte: start, ..from }, RowOffset { byte: end, ..to })
    }

    /// The text of a row, without its lead.
    pub(crate) fn row_text(&mut self, spot: RowPos) -> String {
        self.row(spot).map(text_without_lead).unwrap_or_default()
    }

    pub(crate) fn row(&mut self, spot: RowPos) -> Option<&StyledRow> {
        self.message_height(spot.message_index);
        let message = self.conversation.branch.get(spot.message_index)?;
        Some(self.transcript.message_rows.get(message)?.row(spot.row)?.row)
    }

    /// The first row of a wrapped line; an extremely long line is treated in pieces.
    pub(crate) fn line_start(&mut self, mut spot: RowPos) -> RowPos {
        for _ in 0..MAX_LINE_ROWS {
            let Some(above) = spot.row.checked_sub(1).map(|row| RowPos { row, ..spot }) else { break };
            if !self.row(above).is_some_and(StyledRow::is_continued) {
                break;
            }
            spot = above;
        }
        spot
    }

    /// The last row of a wrapped line.
    pub(crate) fn line_end(&mut self, mut spot: RowPos) -> RowPos {
        for _ in 0..MAX_LINE_ROWS {
            if !self.row(spot).is_some_and(StyledRow::is_continued) {
                break;
            }
            spot.row += 1;
        }
        spot
    }
}

/// The most rows of one line that are considered.
const MAX_LINE_ROWS: usize = 1000;

/// The text that a part was laid out from.
pub(crate) fn part_source(conversation: &Conversation, message: MessageId, part: SectionPart) -> Option<Cow<'_, str>> {
    part_text::text_of_part(conversation.messages.get(&message)?, part)
}

/// The text of a row without its bars, bullets and indents.
pub(crate) fn text_without_lead(row: &StyledRow) -> String {
    row.spans.get(row.lead_spans..).unwrap_or_default().iter().map(|span| span.text.as_str()).collect()
}

/// Maps between a row's text and the cells of the text column.
#[derive(Debug)]
pub(crate) struct ColumnCellMap {
    cell_map: CellMap,
    /// The width of the bar to its left, in cells.
    bar_width: usize,
}

impl ColumnCellMap {
    pub(crate) fn cell_of(&self, byte: usize) -> usize {
        self.bar_width + self.cell_map.cell_of(byte)
    }

    pub(crate) fn byte_at(&self, cell: usize) -> usize {
        cell.checked_sub(self.bar_width).map_or(0, |cell| self.cell_map.byte_at(cell))
    }

    /// The cells of a byte range of the text, from left to right.
    pub(crate) fn cells(&self, words: &Range<usize>) -> Vec<Range<usize>> {
        self.cell_map
            .cells(words)
            .into_iter()
            .map(|cells| cells.start + self.bar_width..cells.end + self.bar_width)
            .collect()
    }
}

impl Transcript {
    pub(crate) fn cell_map(&self, placed: PlacedRow) -> ColumnCellMap {
        let bar = if placed.bar.is_some() { 2 } else { 0 };
        let (width, reorder) = self.layout.as_ref().map_or((0, false), |it| (it.width, it.options.reorder));
        ColumnCellMap { cell_map: placed.row.cell_map(width.saturating_sub(bar), reorder), bar_width: bar }
    }
}

/// The range of the piece that contains a byte; empty at the end of the text.
fn piece_range<'a>(mut pieces: impl Iterator<Item = (usize, &'a str)>, byte: usize) -> Range<usize> {
    pieces
        .find(|(at, piece)| *at <= byte && byte < at + piece.len())
        .map_or(byte..byte, |(at, piece)| at..at + piece.len())
}

/// The offset in the source of a character of a row.
fn source_offset_at(source: &str, row: &StyledRow, byte: usize) -> usize {
    let end = row.source.end;
    align_to_source(source, row)
        .take_while(|(at, _)| *at <= byte)
        .last()
        .map_or(row.source.start, |(at, place)| if at == byte { place } else { end.max(place) })
}

/// The character of a row at an offset of the source, or the next one after it.
fn byte_at_source(source: &str, row: &StyledRow, place: usize) -> usize {
    let found = align_to_source(source, row).find(|(_, at)| *at >= place);
    found.map_or_else(|| text_without_lead(row).len(), |(byte, _)| byte)
}

/// The characters of a row, each with its offset in the source. A row shows its source without the markup, so each
/// character is the next equal one in the source.
fn align_to_source<'a>(source: &'a str, row: &'a StyledRow) -> impl Iterator<Item = (usize, usize)> + 'a {
    /// The most bytes of markup to skip between two characters.
    const MAX_MARKUP: usize = 256;
    let end = source.floor_char_boundary(row.source.end);
    let mut source_offset = source.floor_char_boundary(row.source.start).min(end);
    let mut text_offset = 0;
    let spans = row.spans.get(row.lead_spans..).unwrap_or_default();
    spans
        .iter()
        .flat_map(move |span| {
            let start = text_offset;
            text_offset += span.text.len();
            span.text.char_indices().map(move |(byte, letter)| (start + byte, letter, span.citation.is_some()))
        })
        .map(move |(byte, letter, is_mark)| {
            let rest = &source[source_offset..source.floor_char_boundary((source_offset + MAX_MARKUP).min(end))];
            let found = if is_mark {
                None
            } else if letter.is_whitespace() {
                rest.starts_with(char::is_whitespace).then_some(0)
            } else {
                rest.find(letter)
            };
            let place = source_offset + found.unwrap_or(0);
            if let Some(skipped) = found {
                source_offset += skipped + source[source_offset + skipped..].chars().next().map_or(0, char::len_utf8);
            }
            (byte, place)
        })
}
