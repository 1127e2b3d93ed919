//! A selection of the text, whose ends stay with their characters when the layout changes.

mod steps;

use std::ops::{Range, RangeInclusive};

use unicode_segmentation::UnicodeSegmentation;

use super::{
    PendingMove, RowPos, Transcript, VisibleRange,
    anchor::RowAnchor,
    layout_pass::LayoutPass,
    message_rows::{MessageRows, PlacedRow},
    parts::MessageParts,
};
use crate::{
    chat::{Message, MessageId},
    config::CopyForm,
    exchange::export::{ExportForm, SelectedText},
    render::{
        row::{CellMap, RowCopier, StyledRow},
        source_map::SourcePos,
    },
    text,
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

/// How a selection is copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SelectionCopy {
    /// As it reads, which ends the selection.
    Text,
    /// Its Markdown in some form, which ends the selection.
    Source(CopyForm),
    /// As it reads, because the mouse was released.
    OnRelease,
    /// Its Markdown by message, to be exported in a form.
    ForExport(ExportForm),
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

/// A character of the text, by its part and its position in that part's source.
#[derive(Debug, Clone, Copy, PartialEq)]
struct SelectionPoint {
    anchor: RowAnchor,
    /// `None` in a row that shows none of the source.
    source: Option<SourcePos>,
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
            let point = self.message_rows.get(&slice.message?)?.point_at(slice.message?, place);
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

    /// Copies the selection at the next layout; returns `false` if there is none.
    pub fn copy_selection(&mut self, copy: SelectionCopy) -> bool {
        let is_selected = self.selection_input().is_some();
        self.pending_copy = is_selected.then_some(copy);
        is_selected
    }

    /// Whether a copy waits for the next layout.
    pub fn is_copying(&self) -> bool {
        self.pending_copy.is_some()
    }

    /// Takes what the last layout found selected for an export.
    pub fn take_selected_texts(&mut self) -> Vec<SelectedText> {
        std::mem::take(&mut self.selected_texts)
    }

    /// Takes what the last layout copied.
    pub fn take_copied_text(&mut self) -> Option<(SelectionCopy, String)> {
        self.copied_text.take()
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
        let byte = if is_below_text { placed.row.content().len() } else { self.cell_map(placed).byte_at(cell) };
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
        Some(self.transcript.message_rows.get(&message)?.point_at(message, place))
    }

    fn resolve_point(&mut self, point: &SelectionPoint) -> Option<RowOffset> {
        let mut row_pos = self.resolve_anchor(&point.anchor)?;
        let laid = self.transcript.message_rows.get(&point.anchor.message)?;
        let source = point.source.filter(|_| self.rewrapped);
        if let Some(row) = source.and_then(|source| laid.row_at_source(point.anchor.part, source)) {
            row_pos.row = row;
        }
        let row = laid.row(row_pos.row).unwrap_or_default().row;
        let byte = source.map_or(point.byte, |source| row.source_map.text_at(source));
        Some(RowOffset { row_pos, byte: row.content().floor_char_boundary(byte) })
    }

    /// Carries out a copy that waits for this layout.
    pub(crate) fn copy_selection(&mut self) {
        let Some(copy) = self.transcript.pending_copy.take() else { return };
        let range = self.transcript.selection.as_ref().and_then(|selection| selection.range);
        let Some((from, to)) = range else { return };
        let messages = from.row_pos.message_index..=to.row_pos.message_index;
        let text = match copy {
            SelectionCopy::Text | SelectionCopy::OnRelease => self.selected_text(messages),
            SelectionCopy::Source(_) => {
                let texts = self.selected_markdown(messages);
                texts.into_iter().map(|text| text.markdown).collect::<Vec<_>>().join("\n\n")
            }
            SelectionCopy::ForExport(_) => {
                self.transcript.selected_texts = self.selected_markdown(messages);
                String::new()
            }
        };
        self.transcript.copied_text = Some((copy, text));
        if !matches!(copy, SelectionCopy::OnRelease | SelectionCopy::ForExport(_)) {
            self.transcript.clear_selection();
        }
    }

    /// The selected text, without decoration and with line wraps undone.
    fn selected_text(&mut self, messages: RangeInclusive<usize>) -> String {
        let mut copier = RowCopier::default();
        for message_index in messages {
            let height = self.message_height(message_index);
            let Some((message, laid)) = self.message_rows(message_index) else { break };
            let parts = MessageParts::of(message);
            let (mut part, mut source) = (None, None);
            for row in 0..height {
                let row_text = laid.row(row).unwrap_or_default().row;
                let row_pos = RowPos { message_index, row };
                let selected = self.transcript.selected_range_in(row_pos, row_text.content().len());
                let Some(selected) = selected else { continue };
                let key = laid.anchor_at(message.id, message_index, row).part;
                if part.replace(key) != Some(key) {
                    source = parts.find(key).and_then(|part| part.content.source());
                }
                copier.push(row_text, selected, source.as_deref().unwrap_or_default());
            }
        }
        copier.finish()
    }

    /// The source of the selected text of each message, with its markup. What has no source, such as the head of a message,
    /// is left out.
    fn selected_markdown(&mut self, messages: RangeInclusive<usize>) -> Vec<SelectedText> {
        let mut selected = Vec::new();
        for message_index in messages {
            self.message_height(message_index);
            let Some((message, laid)) = self.message_rows(message_index) else { break };
            let mut texts = Vec::new();
            for part in MessageParts::of(message).parts {
                let sources = laid.rows_of_part(part.key).filter_map(|(row, row_text)| {
                    let row_pos = RowPos { message_index, row };
                    row_text.source_of(self.transcript.selected_range_in(row_pos, row_text.content().len())?)
                });
                let range = sources.reduce(|all, next| all.start.min(next.start)..all.end.max(next.end));
                if let Some((range, source)) = range.zip(part.content.source()) {
                    let (start, end) = (source.floor_char_boundary(range.start), source.ceil_char_boundary(range.end));
                    texts.push(text::clean(source[start..end].trim_matches('\n')).into_owned());
                }
            }
            texts.retain(|text| !text.is_empty());
            let markdown = texts.join("\n\n");
            if !markdown.is_empty() {
                selected.push(SelectedText { message: message.id, markdown });
            }
        }
        selected
    }

    /// A message of the branch and its rows as they were last laid out.
    fn message_rows(&self, index: usize) -> Option<(&Message, &MessageRows)> {
        let id = self.conversation.branch.get(index)?;
        Some((self.conversation.messages.get(id)?, self.transcript.message_rows.get(id)?))
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
        self.row(spot).map(StyledRow::content).unwrap_or_default()
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

impl MessageRows {
    /// The character of a row, to be found again after the next layout.
    fn point_at(&self, message: MessageId, place: RowOffset) -> SelectionPoint {
        let RowPos { message_index, row } = place.row_pos;
        let mut anchor = self.anchor_at(message, message_index, row);
        let map = &self.row(row).unwrap_or_default().row.source_map;
        let source = (!map.is_all_inserted()).then(|| map.pos_at(place.byte));
        anchor.source_start = source.map_or(anchor.source_start, |source| source.byte);
        SelectionPoint { anchor, source, byte: place.byte }
    }
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
