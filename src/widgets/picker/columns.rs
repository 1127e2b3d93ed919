//! Which columns fit, and how wide they are.

use crate::{text, widgets::theme::Role};

/// One column of a picker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// Above the column; empty for none.
    pub head: &'static str,
    pub align: Align,
    pub role: Role,
    /// `0` stays always; of the others those with the highest go first when there is no room.
    pub dispensable: u8,
}

/// How cells stand in their column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    Left,
    Right,
    /// At the left, and it takes what room is left: one column of a picker does.
    Grows,
}

/// A column in its place: which, from which cell, how wide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Placed {
    pub column: usize,
    pub at: usize,
    pub width: usize,
}

/// Blanks between two columns.
const GAP: usize = 2;
/// A growing column drops others rather than be narrower than this.
const NARROWEST: usize = 28;

pub(super) fn searched(columns: &[Column]) -> usize {
    columns.iter().position(|column| column.align == Align::Grows).unwrap_or(0)
}

/// The widest cell of each column, its head included.
pub(super) fn widths<'a>(columns: &[Column], rows: impl Iterator<Item = &'a [String]>) -> Vec<usize> {
    let mut widths: Vec<usize> = columns.iter().map(|column| text::width(column.head)).collect();
    for cells in rows {
        for (width, cell) in widths.iter_mut().zip(cells) {
            *width = (*width).max(text::width(cell));
        }
    }
    widths
}

/// The columns that fit into `room` cells, in order.
pub(super) fn place(columns: &[Column], widths: &[usize], room: usize) -> Vec<Placed> {
    let width_of = |column: usize| match columns[column].align {
        Align::Grows => widths[column].min(NARROWEST),
        Align::Left | Align::Right => widths[column],
    };
    let mut kept: Vec<usize> = (0..columns.len().min(widths.len())).filter(|column| widths[*column] > 0).collect();
    let needed = |kept: &[usize]| {
        kept.iter().map(|column| width_of(*column)).sum::<usize>() + GAP * kept.len().saturating_sub(1)
    };
    while needed(&kept) > room {
        let highest = kept.iter().map(|column| columns[*column].dispensable).max().unwrap_or(0);
        if highest == 0 {
            break;
        }
        kept.retain(|column| columns[*column].dispensable != highest);
    }
    let spare = room.saturating_sub(needed(&kept));
    let mut placed = Vec::new();
    let mut at = 0;
    for column in kept {
        let grows = if columns[column].align == Align::Grows { spare } else { 0 };
        let width = (width_of(column) + grows).min(room.saturating_sub(at));
        placed.push(Placed { column, at, width });
        at += width + GAP;
    }
    placed
}
