//! Finds rows that only moved, so that the terminal can scroll them in a few bytes instead of having them rewritten.

use ratatui::buffer::{Buffer, Cell};

use super::looks_same;

/// The least number of saved cells that makes a scroll worth looking for.
pub(crate) const MIN_SAVED_CELLS: usize = 100;
/// The most rows to scroll by: what a wheel or the new lines of one frame move.
const MAX_SCROLL_ROWS: u16 = 6;

/// A scroll of the rows `top..=bottom`; blank rows come in behind them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ScrollRegion {
    pub top: u16,
    pub bottom: u16,
    pub rows: u16,
    pub direction: ScrollDirection,
}

/// The side towards which rows move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ScrollDirection {
    Up,
    Down,
}

impl ScrollRegion {
    /// Finds a scroll after which far fewer cells differ from `next`.
    pub(super) fn find(screen: &Buffer, next: &Buffer) -> Option<Self> {
        let height = screen.area.height;
        let unscrolled_differences: Vec<usize> =
            (0..height).map(|y| count_differences(row_cells(screen, y), row_cells(next, y))).collect();
        let enough = (unscrolled_differences.iter().sum::<usize>() / 2).max(MIN_SAVED_CELLS);
        let mut candidates = (1..=MAX_SCROLL_ROWS.min(height.saturating_sub(1)))
            .flat_map(|rows| [(rows, ScrollDirection::Up), (rows, ScrollDirection::Down)]);
        candidates
            .find_map(|(rows, to)| {
                Self::best_region(screen, next, &unscrolled_differences, rows, to).filter(|(saved, _)| *saved >= enough)
            })
            .map(|(_, scroll)| scroll)
    }

    /// Returns the region in which moving by `rows` saves the most cells, and how many it saves.
    fn best_region(
        screen: &Buffer,
        next: &Buffer,
        unscrolled_differences: &[usize],
        rows: u16,
        direction: ScrollDirection,
    ) -> Option<(usize, Self)> {
        let height = screen.area.height;
        // The first row that is moved to, and the row that each comes from.
        let (first_row, source_row): (u16, fn(u16, u16) -> u16) = match direction {
            ScrollDirection::Up => (0, |y, rows| y + rows),
            ScrollDirection::Down => (rows, |y, rows| y - rows),
        };
        let (mut saved_in_run, mut begins, mut best) = (0_isize, first_row, None);
        for y in first_row..first_row + height - rows {
            let moved = count_differences(row_cells(screen, source_row(y, rows)), row_cells(next, y));
            if saved_in_run <= 0 {
                (saved_in_run, begins) = (0, y);
            }
            saved_in_run += unscrolled_differences[usize::from(y)].cast_signed() - moved.cast_signed();
            if best.is_none_or(|(saved, _, _)| saved_in_run > saved) {
                best = Some((saved_in_run, begins, y));
            }
        }
        let (saved, begins, ends) = best?;
        let (top, bottom) = match direction {
            ScrollDirection::Up => (begins, ends + rows),
            ScrollDirection::Down => (begins - rows, ends),
        };
        let blank = match direction {
            ScrollDirection::Up => ends + 1..bottom + 1,
            ScrollDirection::Down => top..begins,
        };
        let blanks: Vec<Cell> = vec![Cell::default(); usize::from(screen.area.width)];
        let extra_differences: isize = blank
            .map(|y| {
                count_differences(&blanks, row_cells(next, y)).cast_signed()
                    - unscrolled_differences[usize::from(y)].cast_signed()
            })
            .sum();
        Some((usize::try_from(saved - extra_differences).ok()?, Self { top, bottom, rows, direction }))
    }

    /// Moves the rows of a buffer as the terminal does.
    pub(super) fn apply(self, screen: &mut Buffer) {
        let width = usize::from(screen.area.width);
        let (top, end) = (usize::from(self.top) * width, (usize::from(self.bottom) + 1) * width);
        let moved = usize::from(self.rows) * width;
        let region = &mut screen.content[top..end];
        let blank_range = match self.direction {
            ScrollDirection::Up => {
                region.rotate_left(moved);
                region.len() - moved..region.len()
            }
            ScrollDirection::Down => {
                region.rotate_right(moved);
                0..moved
            }
        };
        region[blank_range].fill_with(Cell::default);
    }
}

fn row_cells(buffer: &Buffer, y: u16) -> &[Cell] {
    let width = usize::from(buffer.area.width);
    &buffer.content[usize::from(y) * width..][..width]
}

/// Counts the cells that differ.
fn count_differences(a: &[Cell], b: &[Cell]) -> usize {
    a.iter().zip(b).filter(|(a, b)| !looks_same(a, b)).count()
}

#[cfg(test)]
mod tests {
    use ratatui::{layout::Rect, style::Style};

    use super::*;

    const SIZE: Rect = Rect { x: 0, y: 0, width: 40, height: 10 };

    fn screen(rows: &[String]) -> Buffer {
        let mut buffer = Buffer::empty(SIZE);
        for (y, row) in (0..).zip(rows) {
            buffer.set_stringn(0, y, row, 40, Style::new());
        }
        buffer
    }

    /// A row that differs from all others.
    fn unique_row(n: usize) -> String {
        (0..36).map(|at| char::from(b'a' + ((n * 31 + at * (n + 7)) % 26) as u8)).collect()
    }

    /// Rows of a text between a title and a status line.
    fn page_from(from: usize) -> Buffer {
        let mut rows = vec!["the title".to_owned()];
        rows.extend((from..from + 8).map(unique_row));
        rows.push("the status".to_owned());
        screen(&rows)
    }

    #[test]
    fn moved_rows_are_found_between_unchanged_ones() {
        let found = |from, to| ScrollRegion::find(&page_from(from), &page_from(to));
        assert_eq!(found(0, 1), Some(ScrollRegion { top: 1, bottom: 8, rows: 1, direction: ScrollDirection::Up }));
        assert_eq!(found(9, 6), Some(ScrollRegion { top: 1, bottom: 8, rows: 3, direction: ScrollDirection::Down }));
        assert_eq!(found(4, 4), None);
        assert_eq!(found(0, 20), None, "nothing of the old page is on the new one");
    }

    #[test]
    fn a_scroll_moves_the_buffer_as_a_terminal_would() {
        let mut moved = page_from(0);
        ScrollRegion { top: 1, bottom: 8, rows: 2, direction: ScrollDirection::Up }.apply(&mut moved);
        let expected = page_from(2);
        for y in 0..10 {
            let blank = (7..9).contains(&y);
            assert_eq!(count_differences(row_cells(&moved, y), row_cells(&expected, y)) == 0, !blank, "row {y}");
            assert!(!blank || row_cells(&moved, y).iter().all(|cell| *cell == Cell::default()));
        }
    }
}
