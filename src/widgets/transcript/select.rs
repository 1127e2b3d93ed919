//! A selection of the text: where it begins and ends, held to its words while they move.

mod copied;
mod steps;

use std::{borrow::Cow, ops::Range};

use unicode_segmentation::UnicodeSegmentation;

use super::{
    Slice, Spot, Transcript, Wish,
    message::Placed,
    page::Page,
    place::{Anchor, Part},
    said,
};
use crate::{
    chat::{Conversation, MessageId, Timestamp},
    widgets::row::{Row, Seen},
};
pub use steps::Step;

/// What a selection is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    Letters,
    Words,
    /// Lines as the text has them, however they are wrapped.
    Lines,
}

/// Who makes a selection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    Mouse,
    Keys,
}

#[derive(Debug, Clone)]
pub(super) struct Selection {
    from: Point,
    to: Point,
    unit: Unit,
    by: By,
    /// The mouse was pressed and has not moved yet.
    empty: bool,
    /// The cell of the window that the mouse has come to since the last frame.
    reach: Option<(u16, i32)>,
    /// The cell that moves by rows aim for.
    aim: Option<usize>,
    /// Where it stood in the last frame: the first letter, and the one behind the last.
    lit: Option<(Place, Place)>,
    /// Where its moving end stood.
    head: Place,
}

/// A letter of the text, by its part and its place in that part's source.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Point {
    anchor: Anchor,
    /// In the words of its row.
    byte: usize,
}

/// A letter of the text as it is laid out now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub spot: Spot,
    pub byte: usize,
}

impl Transcript {
    /// The mouse was pressed on a cell of the window (the gutter included): a selection may begin there.
    pub fn press(&mut self, column: u16, row: u16, unit: Unit) {
        self.selection = self.place_at(column, row.into()).and_then(|place| {
            let slice = *self.window.iter().find(|slice| slice.index == place.spot.index)?;
            let laid = self.laid.get(&slice.message?)?;
            let anchor = laid.anchor(slice.message?, slice.index, place.spot.row);
            let point = Point { anchor, byte: place.byte };
            Some(Selection::new(point, place, unit, By::Mouse))
        });
    }

    /// The mouse moved with its button down; rows above and below the window scroll it.
    pub fn reach(&mut self, column: u16, row: i32) {
        if let Some(selection) = &mut self.selection {
            selection.reach = Some((column, row));
            selection.empty = false;
            selection.by = By::Mouse;
            if row < 0 {
                self.wishes.push(Wish::Move(super::Move::Rows(-1)));
            } else if row >= i32::try_from(self.height).unwrap_or(i32::MAX) {
                self.wishes.push(Wish::Move(super::Move::Rows(1)));
            }
        }
    }

    /// Begins a selection where the cursor is, or makes that of the mouse one of the keys; asked for again it ends.
    pub fn select(&mut self, unit: Unit) {
        match &mut self.selection {
            Some(selection) if selection.by == By::Keys && selection.unit == unit => self.selection = None,
            Some(selection) => {
                selection.unit = unit;
                selection.by = By::Keys;
                selection.empty = false;
            }
            None => self.wishes.push(Wish::Select(unit)),
        }
    }

    /// Moves the end of a selection that keys make.
    pub fn extend(&mut self, step: Step) {
        self.wishes.push(Wish::Extend(step));
    }

    /// Who selects, if anything is selected.
    pub fn selecting(&self) -> Option<By> {
        self.selection.as_ref().filter(|selection| !selection.empty).map(|selection| selection.by)
    }

    pub fn unselect(&mut self) {
        self.selection = None;
    }

    /// The selected text, without what decorates it and as if no line had been wrapped.
    pub fn selected(&mut self, conversation: &Conversation, now: Timestamp) -> Option<String> {
        let (from, to) = self.selection.as_ref().filter(|selection| !selection.empty)?.lit?;
        let mut page = Page { transcript: self, conversation, now, rewrapped: false, kept: None, touched: false };
        Some(page.copied(from, to)).filter(|text| !text.is_empty())
    }

    /// The letters of a row that are selected.
    pub(super) fn selected_in(&self, spot: Spot, words: usize) -> Option<Range<usize>> {
        let (from, to) = self.selection.as_ref().filter(|selection| !selection.empty)?.lit?;
        if spot < from.spot || spot > to.spot {
            return None;
        }
        let start = if spot == from.spot { from.byte } else { 0 };
        let end = if spot == to.spot { to.byte } else { words };
        Some(start.min(words)..end.min(words))
    }

    /// The cell of the window in which the moving end of a selection by keys stands.
    pub(super) fn caret(&self) -> Option<(usize, usize)> {
        let head = self.selection.as_ref().filter(|selection| selection.by == By::Keys)?.head;
        let (y, _, placed) = self
            .shown()
            .enumerate()
            .find_map(|(y, (spot, placed))| (spot == head.spot).then_some((y, spot, placed)))?;
        Some((self.on_screen(placed).cell_of(head.byte), y))
    }

    /// The rows in the window and where they are, from the top.
    pub(super) fn shown(&self) -> impl Iterator<Item = (Spot, Placed<'_>)> {
        self.window.iter().flat_map(move |slice| {
            (slice.first..slice.first + slice.rows)
                .map(move |row| (Spot { index: slice.index, row }, self.placed(*slice, row)))
        })
    }

    fn placed(&self, slice: Slice, row: usize) -> Placed<'_> {
        let laid = slice.message.and_then(|id| self.laid.get(&id));
        laid.and_then(|laid| laid.row(row)).unwrap_or_default()
    }

    /// The letter in a cell of the window; the nearest row that has text of a message.
    fn place_at(&self, column: u16, row: i32) -> Option<Place> {
        let own = |slice: &&Slice| slice.message.is_some();
        let rows: usize = self.window.iter().filter(own).map(|slice| slice.rows).sum();
        let wanted = usize::try_from(row.max(0)).unwrap_or(0).min(rows.checked_sub(1)?);
        let (spot, placed) = self.shown().nth(wanted)?;
        let beyond = row >= i32::try_from(rows).unwrap_or(i32::MAX);
        let cell = if row < 0 { 0 } else { usize::from(column.saturating_sub(super::GUTTER)) };
        let byte = if beyond { words(placed.row).len() } else { self.on_screen(placed).byte_at(cell) };
        Some(Place { spot, byte })
    }
}

impl Selection {
    /// The mouse went on since the last frame.
    pub fn is_unsettled(&self) -> bool {
        self.reach.is_some()
    }

    fn new(point: Point, head: Place, unit: Unit, by: By) -> Self {
        let empty = by == By::Mouse && unit == Unit::Letters;
        Self { from: point, to: point, unit, by, empty, reach: None, aim: None, lit: None, head }
    }
}

impl Page<'_> {
    /// Finds the selection again in the rows of this frame.
    pub fn settle_selection(&mut self) {
        let Some(mut selection) = self.transcript.selection.take() else { return };
        let reached = selection.reach.take().and_then(|(column, row)| self.transcript.place_at(column, row));
        let from = self.place_of(&selection.from);
        let to = reached.or_else(|| self.place_of(&selection.to));
        let (Some(from), Some(to)) = (from, to) else { return };
        let (Some(from_point), Some(to_point)) = (self.point(from), self.point(to)) else { return };
        selection.from = from_point;
        selection.to = to_point;
        selection.head = to;
        selection.lit = Some(self.widened(from.min(to), from.max(to), selection.unit));
        self.transcript.selection = Some(selection);
    }

    fn point(&mut self, place: Place) -> Option<Point> {
        let message = *self.conversation.branch.get(place.spot.index)?;
        self.height(place.spot.index);
        let laid = self.transcript.laid.get(&message)?;
        let mut anchor = laid.anchor(message, place.spot.index, place.spot.row);
        if let Some(source) = source_of(self.conversation, message, anchor.part) {
            anchor.source = source_at(&source, laid.row(place.spot.row).unwrap_or_default().row, place.byte);
        }
        Some(Point { anchor, byte: place.byte })
    }

    fn place_of(&mut self, point: &Point) -> Option<Place> {
        let spot = self.find(&point.anchor)?;
        let row = self.transcript.laid.get(&point.anchor.message)?.row(spot.row).unwrap_or_default().row;
        let source = source_of(self.conversation, point.anchor.message, point.anchor.part);
        let byte = match source.filter(|_| self.rewrapped) {
            Some(source) => byte_of(&source, row, point.anchor.source),
            None => point.byte,
        };
        Some(Place { spot, byte: words(row).floor_char_boundary(byte) })
    }

    /// The first letter and the one behind the last, by the unit of the selection.
    fn widened(&mut self, from: Place, to: Place, unit: Unit) -> (Place, Place) {
        if unit == Unit::Lines {
            let (first, last) = (self.line_start(from.spot), self.line_end(to.spot));
            let end = self.words(last).len();
            return (Place { spot: first, byte: 0 }, Place { spot: last, byte: end });
        }
        let span = |words: &str, byte: usize| match unit {
            Unit::Letters => around(words.grapheme_indices(true), byte),
            Unit::Words | Unit::Lines => around(words.split_word_bound_indices(), byte),
        };
        let (first, last) = (self.words(from.spot), self.words(to.spot));
        let start = span(&first, from.byte).start;
        let end = span(&last, to.byte).end;
        (Place { byte: start, ..from }, Place { byte: end, ..to })
    }

    /// The words of a row.
    pub(super) fn words(&mut self, spot: Spot) -> String {
        self.row(spot).map(words).unwrap_or_default()
    }

    pub(super) fn row(&mut self, spot: Spot) -> Option<&Row> {
        self.height(spot.index);
        let message = self.conversation.branch.get(spot.index)?;
        Some(self.transcript.laid.get(message)?.row(spot.row)?.row)
    }

    /// The first row of a line that was wrapped; a line longer than any screen is taken in pieces.
    pub(super) fn line_start(&mut self, mut spot: Spot) -> Spot {
        for _ in 0..LONGEST_LINE {
            let Some(above) = spot.row.checked_sub(1).map(|row| Spot { row, ..spot }) else { break };
            if !self.row(above).is_some_and(Row::goes_on) {
                break;
            }
            spot = above;
        }
        spot
    }

    pub(super) fn line_end(&mut self, mut spot: Spot) -> Spot {
        for _ in 0..LONGEST_LINE {
            if !self.row(spot).is_some_and(Row::goes_on) {
                break;
            }
            spot.row += 1;
        }
        spot
    }
}

/// Rows of one line that are looked at.
const LONGEST_LINE: usize = 1000;

/// The text that a part was laid out from.
pub(super) fn source_of(conversation: &Conversation, message: MessageId, part: Part) -> Option<Cow<'_, str>> {
    said::of(conversation.messages.get(&message)?, part)
}

/// What a row says, without its bars, bullets and indents.
pub(super) fn words(row: &Row) -> String {
    row.spans.get(row.lead..).unwrap_or_default().iter().map(|span| span.text.as_str()).collect()
}

/// Where a row's words stand in the text column.
#[derive(Debug)]
pub(super) struct OnScreen {
    seen: Seen,
    /// Cells of the bar left of it.
    bar: usize,
}

impl OnScreen {
    pub fn cell_of(&self, byte: usize) -> usize {
        self.bar + self.seen.cell_of(byte)
    }

    pub fn byte_at(&self, cell: usize) -> usize {
        cell.checked_sub(self.bar).map_or(0, |cell| self.seen.byte_at(cell))
    }

    /// The cells of some letters, from left to right.
    pub fn cells(&self, words: &Range<usize>) -> Vec<Range<usize>> {
        self.seen.cells(words).into_iter().map(|cells| cells.start + self.bar..cells.end + self.bar).collect()
    }
}

impl Transcript {
    pub(super) fn on_screen(&self, placed: Placed) -> OnScreen {
        let bar = if placed.bar.is_some() { 2 } else { 0 };
        let (width, reorder) = self.layout.as_ref().map_or((0, false), |it| (it.width, it.options.reorder));
        OnScreen { seen: placed.row.seen(width.saturating_sub(bar), reorder), bar }
    }
}

/// The piece that holds a byte; at the end of the words nothing.
fn around<'a>(mut pieces: impl Iterator<Item = (usize, &'a str)>, byte: usize) -> Range<usize> {
    pieces
        .find(|(at, piece)| *at <= byte && byte < at + piece.len())
        .map_or(byte..byte, |(at, piece)| at..at + piece.len())
}

/// The place in the source of a letter of a row.
fn source_at(source: &str, row: &Row, byte: usize) -> usize {
    let end = row.source.end;
    aligned(source, row)
        .take_while(|(at, _)| *at <= byte)
        .last()
        .map_or(row.source.start, |(at, place)| if at == byte { place } else { end.max(place) })
}

/// The letter of a row that stands at a place in the source, or is the next behind it.
fn byte_of(source: &str, row: &Row, place: usize) -> usize {
    let found = aligned(source, row).find(|(_, at)| *at >= place);
    found.map_or_else(|| words(row).len(), |(byte, _)| byte)
}

/// The letters of a row, each with its place in the source: what a row shows is its source without the markup,
/// so each letter is the next of its kind.
fn aligned<'a>(source: &'a str, row: &'a Row) -> impl Iterator<Item = (usize, usize)> + 'a {
    /// No markup between two letters is longer.
    const MARKUP: usize = 256;
    let end = source.floor_char_boundary(row.source.end);
    let mut at = source.floor_char_boundary(row.source.start).min(end);
    let mut before = 0;
    let spans = row.spans.get(row.lead..).unwrap_or_default();
    spans
        .iter()
        .flat_map(move |span| {
            let start = before;
            before += span.text.len();
            span.text.char_indices().map(move |(byte, letter)| (start + byte, letter, span.citation.is_some()))
        })
        .map(move |(byte, letter, is_mark)| {
            let rest = &source[at..source.floor_char_boundary((at + MARKUP).min(end))];
            let found = if is_mark {
                None
            } else if letter.is_whitespace() {
                rest.starts_with(char::is_whitespace).then_some(0)
            } else {
                rest.find(letter)
            };
            let place = at + found.unwrap_or(0);
            if let Some(skipped) = found {
                at += skipped + source[at + skipped..].chars().next().map_or(0, char::len_utf8);
            }
            (byte, place)
        })
}
