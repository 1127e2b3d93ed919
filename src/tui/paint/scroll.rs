//! Rows that only moved are moved by the terminal, which takes a few bytes instead of all their words.

use ratatui::buffer::{Buffer, Cell};

use super::alike;

/// What cannot save so many cells is not worth looking for.
pub(super) const WORTH: usize = 100;
/// So many rows at once, as a wheel or the lines of one frame move them.
const MOST: u16 = 6;

/// The rows `top..=bottom` move, and blank ones come in behind them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Scroll {
    pub top: u16,
    pub bottom: u16,
    pub rows: u16,
    pub to: Side,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Top,
    Bottom,
}

impl Scroll {
    /// A scroll after which far fewer cells differ from `next`, if there is one.
    pub fn between(screen: &Buffer, next: &Buffer) -> Option<Self> {
        let height = screen.area.height;
        let still: Vec<usize> = (0..height).map(|y| unlike(row(screen, y), row(next, y))).collect();
        let enough = (still.iter().sum::<usize>() / 2).max(WORTH);
        let mut ways =
            (1..=MOST.min(height.saturating_sub(1))).flat_map(|rows| [(rows, Side::Top), (rows, Side::Bottom)]);
        ways.find_map(|(rows, to)| Self::of(screen, next, &still, rows, to).filter(|(saved, _)| *saved >= enough))
            .map(|(_, scroll)| scroll)
    }

    /// The region in which moving by so many rows saves the most cells, and how many.
    fn of(screen: &Buffer, next: &Buffer, still: &[usize], rows: u16, to: Side) -> Option<(usize, Self)> {
        let height = screen.area.height;
        // Where a row comes to, and from.
        let (first, from): (u16, fn(u16, u16) -> u16) = match to {
            Side::Top => (0, |y, rows| y + rows),
            Side::Bottom => (rows, |y, rows| y - rows),
        };
        let (mut run, mut begins, mut best) = (0_isize, first, None);
        for y in first..first + height - rows {
            let moved = unlike(row(screen, from(y, rows)), row(next, y));
            if run <= 0 {
                (run, begins) = (0, y);
            }
            run += still[usize::from(y)].cast_signed() - moved.cast_signed();
            if best.is_none_or(|(saved, _, _)| run > saved) {
                best = Some((run, begins, y));
            }
        }
        let (saved, begins, ends) = best?;
        let (top, bottom) = match to {
            Side::Top => (begins, ends + rows),
            Side::Bottom => (begins - rows, ends),
        };
        let blank = match to {
            Side::Top => ends + 1..bottom + 1,
            Side::Bottom => top..begins,
        };
        let blanks: Vec<Cell> = vec![Cell::default(); usize::from(screen.area.width)];
        let lost: isize =
            blank.map(|y| unlike(&blanks, row(next, y)).cast_signed() - still[usize::from(y)].cast_signed()).sum();
        Some((usize::try_from(saved - lost).ok()?, Self { top, bottom, rows, to }))
    }

    /// Moves the rows of a buffer as the terminal does.
    pub fn apply(self, screen: &mut Buffer) {
        let width = usize::from(screen.area.width);
        let (top, end) = (usize::from(self.top) * width, (usize::from(self.bottom) + 1) * width);
        let moved = usize::from(self.rows) * width;
        let region = &mut screen.content[top..end];
        let left = match self.to {
            Side::Top => {
                region.rotate_left(moved);
                region.len() - moved..region.len()
            }
            Side::Bottom => {
                region.rotate_right(moved);
                0..moved
            }
        };
        region[left].fill_with(Cell::default);
    }
}

fn row(buffer: &Buffer, y: u16) -> &[Cell] {
    let width = usize::from(buffer.area.width);
    &buffer.content[usize::from(y) * width..][..width]
}

/// How many cells are others.
fn unlike(a: &[Cell], b: &[Cell]) -> usize {
    a.iter().zip(b).filter(|(a, b)| !alike(a, b)).count()
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

    /// A row that is like no other.
    fn words(n: usize) -> String {
        (0..36).map(|at| char::from(b'a' + ((n * 31 + at * (n + 7)) % 26) as u8)).collect()
    }

    /// Rows of a text between a title and a status line.
    fn page(from: usize) -> Buffer {
        let mut rows = vec!["the title".to_owned()];
        rows.extend((from..from + 8).map(words));
        rows.push("the status".to_owned());
        screen(&rows)
    }

    #[test]
    fn rows_that_moved_are_found_between_what_stays() {
        let found = |from, to| Scroll::between(&page(from), &page(to));
        assert_eq!(found(0, 1), Some(Scroll { top: 1, bottom: 8, rows: 1, to: Side::Top }));
        assert_eq!(found(9, 6), Some(Scroll { top: 1, bottom: 8, rows: 3, to: Side::Bottom }));
        assert_eq!(found(4, 4), None);
        assert_eq!(found(0, 20), None, "nothing of the old page is on the new one");
    }

    #[test]
    fn it_is_applied_as_a_terminal_does_it() {
        let mut moved = page(0);
        Scroll { top: 1, bottom: 8, rows: 2, to: Side::Top }.apply(&mut moved);
        let expected = page(2);
        for y in 0..10 {
            let blank = (7..9).contains(&y);
            assert_eq!(unlike(row(&moved, y), row(&expected, y)) == 0, !blank, "row {y}");
            assert!(!blank || row(&moved, y).iter().all(|cell| *cell == Cell::default()));
        }
    }
}
