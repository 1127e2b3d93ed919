//! A selection that is made with the keys.

use unicode_segmentation::UnicodeSegmentation;

use super::{By, OnScreen, Page, Place, Selection, Spot, Unit};
use crate::widgets::transcript::{Find, Move, signed};

/// How the end of a selection moves: in the order in which the text is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    Left,
    Right,
    WordLeft,
    WordRight,
    RowStart,
    RowEnd,
    By(Move),
}

impl Page<'_> {
    /// Begins a selection on the row that the reader is at.
    pub fn begin_selection(&mut self, unit: Unit, top: Spot) {
        let matched = self.transcript.find.as_ref().and_then(Find::current_row);
        let spot = matched.or_else(|| self.transcript.cursor_row());
        let last = self.moved(top, signed(self.transcript.height) - 1);
        let spot = spot.filter(|spot| *spot >= top && *spot <= last).unwrap_or_else(|| self.reading(top));
        let head = Place { spot, byte: 0 };
        self.transcript.selection = self.point(head).map(|point| Selection::new(point, head, unit, By::Keys));
    }

    /// Moves the end of the selection; gives the top of the window in which it is seen.
    pub fn extend(&mut self, step: Step, top: Spot) -> Spot {
        let Some(mut selection) = self.transcript.selection.take() else { return top };
        let Some(from) = self.place_of(&selection.to) else { return top };
        if !matches!(step, Step::By(_)) {
            selection.aim = None;
        }
        let aim = selection.aim.unwrap_or_else(|| self.cell(from));
        let to = self.stepped(from, step, aim);
        if matches!(step, Step::By(_)) {
            selection.aim = Some(aim);
        }
        selection.to = self.point(to).unwrap_or(selection.to);
        self.transcript.selection = Some(selection);
        self.in_sight(to.spot, top)
    }

    /// The top of a window that shows a row and is as near to the present one as can be.
    pub fn in_sight(&mut self, spot: Spot, top: Spot) -> Spot {
        let last = self.moved(top, signed(self.transcript.height) - 1);
        if spot < top {
            self.go(spot, false)
        } else if spot > last {
            let to = self.moved(spot, 1 - signed(self.transcript.height));
            self.go(to, false)
        } else {
            top
        }
    }

    /// The first row of the window that says something.
    fn reading(&mut self, top: Spot) -> Spot {
        let mut spot = top;
        for _ in 0..self.transcript.height {
            if !self.words(spot).trim().is_empty() {
                return spot;
            }
            spot = self.moved(spot, 1);
        }
        top
    }

    /// A row as it is seen.
    fn on_screen(&mut self, spot: Spot) -> Option<OnScreen> {
        self.height(spot.index);
        let message = self.conversation.branch.get(spot.index)?;
        let placed = self.transcript.laid.get(message)?.row(spot.row)?;
        Some(self.transcript.on_screen(placed))
    }

    fn cell(&mut self, place: Place) -> usize {
        self.on_screen(place.spot).map_or(0, |row| row.cell_of(place.byte))
    }

    fn at_cell(&mut self, spot: Spot, cell: usize) -> Place {
        Place { spot, byte: self.on_screen(spot).map_or(0, |row| row.byte_at(cell)) }
    }

    /// The last row of the last message.
    fn last_row(&mut self) -> Spot {
        let index = self.conversation.branch.len().saturating_sub(1);
        Spot { index, row: self.height(index).saturating_sub(1) }
    }

    fn stepped(&mut self, from: Place, step: Step, aim: usize) -> Place {
        let words = self.words(from.spot);
        let here = |byte: usize| Place { byte, ..from };
        match step {
            Step::RowStart => here(0),
            Step::RowEnd => here(words.grapheme_indices(true).next_back().map_or(0, |(at, _)| at)),
            Step::Right => match words.grapheme_indices(true).map(|(at, _)| at).find(|at| *at > from.byte) {
                Some(at) => here(at),
                None => self.row_below(from),
            },
            Step::Left => match words.grapheme_indices(true).map(|(at, _)| at).rfind(|at| *at < from.byte) {
                Some(at) => here(at),
                None => self.row_above(from),
            },
            Step::WordRight => match words.unicode_word_indices().map(|(at, _)| at).find(|at| *at > from.byte) {
                Some(at) => here(at),
                None => self.row_below(from),
            },
            Step::WordLeft => match words.unicode_word_indices().map(|(at, _)| at).rfind(|at| *at < from.byte) {
                Some(at) => here(at),
                None => self.row_above(from),
            },
            Step::By(by) => {
                let spot = self.moved_by(from.spot, by);
                self.at_cell(spot, aim)
            }
        }
    }

    /// The beginning of the next row that says something.
    fn row_below(&mut self, from: Place) -> Place {
        let last = self.last_row();
        let mut spot = from.spot;
        while spot < last {
            spot = self.moved(spot, 1);
            if !self.words(spot).trim().is_empty() {
                return Place { spot, byte: 0 };
            }
        }
        from
    }

    fn row_above(&mut self, from: Place) -> Place {
        let mut spot = from.spot;
        while spot > (Spot { index: 0, row: 0 }) {
            spot = self.moved(spot, -1);
            let words = self.words(spot);
            if !words.trim().is_empty() {
                return Place { spot, byte: words.grapheme_indices(true).next_back().map_or(0, |(at, _)| at) };
            }
        }
        from
    }

    fn moved_by(&mut self, from: Spot, by: Move) -> Spot {
        let page = signed(self.transcript.height.max(1));
        let to = match by {
            Move::Rows(rows) => self.moved(from, i64::from(rows)),
            Move::HalfPages(pages) => self.moved(from, i64::from(pages) * (page / 2).max(1)),
            Move::Pages(pages) => self.moved(from, i64::from(pages) * (page - 1).max(1)),
            Move::Top => Spot { index: 0, row: 0 },
            Move::Bottom => self.last_row(),
            Move::Messages(count) => {
                let back = i64::from(count < 0 && from.row > self.first_row(from.index));
                let index = usize::try_from(signed(from.index) + i64::from(count) + back).unwrap_or(0);
                let index = index.min(self.conversation.branch.len().saturating_sub(1));
                Spot { index, row: self.first_row(index) }
            }
            Move::To(id) => match self.conversation.branch.iter().position(|other| *other == id) {
                Some(index) => Spot { index, row: self.first_row(index) },
                None => from,
            },
        };
        to.min(self.last_row())
    }
}
