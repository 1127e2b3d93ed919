//! The columns of a picker: which of them fit, and how wide they are.

use crate::{render::theme::ColourRole, text};

/// One column of a picker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PickerColumn {
    /// The heading above the column; empty for none.
    pub heading: &'static str,
    pub align: ColumnAlign,
    pub role: ColourRole,
    /// A column with `0` always stays; of the others, the highest numbers are dropped first when
    /// there is no room.
    pub drop_priority: u8,
}

/// The alignment of the cells in a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnAlign {
    Left,
    Right,
    /// Left-aligned, and takes the remaining width. A picker has one such column.
    Grow,
}

/// The position of a column in a row: its index, first cell and width.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PlacedColumn {
    pub column: usize,
    pub offset: usize,
    pub width: usize,
}

/// Blanks between two columns.
const COLUMN_GAP: usize = 2;
/// Other columns are dropped before the growing one gets narrower than this.
const MIN_GROWING_WIDTH: usize = 28;

pub(crate) fn searched_column(columns: &[PickerColumn]) -> usize {
    columns.iter().position(|column| column.align == ColumnAlign::Grow).unwrap_or(0)
}

/// The width of the widest cell of each column, its heading included.
pub(crate) fn column_widths<'a>(columns: &[PickerColumn], rows: impl Iterator<Item = &'a [String]>) -> Vec<usize> {
    let mut widths: Vec<usize> = columns.iter().map(|column| text::width(column.heading)).collect();
    for cells in rows {
        for (width, cell) in widths.iter_mut().zip(cells) {
            *width = (*width).max(text::width(cell));
        }
    }
    widths
}

/// The columns that fit into `room` cells, in order.
pub(crate) fn place_columns(columns: &[PickerColumn], widths: &[usize], room: usize) -> Vec<PlacedColumn> {
    let width_of = |column: usize| match columns[column].align {
        ColumnAlign::Grow => widths[column].min(MIN_GROWING_WIDTH),
        ColumnAlign::Left | ColumnAlign::Right => widths[column],
    };
    let mut shown: Vec<usize> = (0..columns.len().min(widths.len())).filter(|column| widths[*column] > 0).collect();
    let needed = |kept: &[usize]| {
        kept.iter().map(|column| width_of(*column)).sum::<usize>() + COLUMN_GAP * kept.len().saturating_sub(1)
    };
    while needed(&shown) > room {
        let highest = shown.iter().map(|column| columns[*column].drop_priority).max().unwrap_or(0);
        if highest == 0 {
            break;
        }
        shown.retain(|column| columns[*column].drop_priority != highest);
    }
    let spare = room.saturating_sub(needed(&shown));
    let mut placed = Vec::new();
    let mut offset = 0;
    for column in shown {
        let extra = if columns[column].align == ColumnAlign::Grow { spare } else { 0 };
        let width = (width_of(column) + extra).min(room.saturating_sub(offset));
        placed.push(PlacedColumn { column, offset, width });
        offset += width + COLUMN_GAP;
    }
    placed
}
