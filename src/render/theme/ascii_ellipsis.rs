//! Three dots in place of an ellipsis, which is one cell wide.

use ratatui::buffer::Cell;

use crate::text;

const DOTS: usize = 3;

/// Writes each ellipsis of a row as three dots: over blanks after it, else over the end of the word before it, else by
/// moving what follows to the right.
pub(super) fn widen_ellipses(row: &mut [Cell]) {
    let mut from = 0;
    while let Some(at) = row.iter().skip(from).position(|cell| cell.symbol() == "…").map(|at| at + from) {
        let start = make_room(row, at);
        for cell in row.iter_mut().skip(start).take(DOTS) {
            cell.set_symbol(".");
        }
        from = at + 1;
        if start == at {
            from = at + DOTS;
        }
    }
}

/// Makes room for the dots. Returns where they begin.
fn make_room(row: &mut [Cell], at: usize) -> usize {
    let is_blank = |row: &[Cell], index: usize| row.get(index).is_some_and(|cell| cell.symbol() == " ");
    // A blank stays before what follows.
    let keeps_gap = row.get(at + DOTS).is_none_or(|cell| cell.symbol() == " ");
    if is_blank(row, at + 1) && is_blank(row, at + 2) && keeps_gap {
        return at;
    }
    let begins_word = at == 0 || is_blank(row, at - 1) && !row.get(at.wrapping_sub(2)).is_some_and(is_wide);
    if !begins_word && at >= DOTS - 1 {
        // A wide character that loses its second cell goes.
        if at >= DOTS && is_wide(&row[at - DOTS]) {
            row[at - DOTS].set_symbol(" ");
        }
        return at + 1 - DOTS;
    }
    let end = (at + 1..row.len()).find(|index| (0..DOTS).all(|offset| is_blank(row, index + offset)));
    if let Some(end) = end {
        row[at + 1..end + DOTS - 1].rotate_right(DOTS - 1);
        at
    } else {
        row[at].set_symbol(".");
        row.len()
    }
}

fn is_wide(cell: &Cell) -> bool {
    text::width(cell.symbol()) > 1
}

#[cfg(test)]
mod tests {
    use ratatui::{buffer::Buffer, layout::Rect, style::Style};

    use super::*;

    fn widened(line: &str) -> String {
        let mut buf = Buffer::empty(Rect::new(0, 0, 20, 1));
        buf.set_string(0, 0, line, Style::default());
        widen_ellipses(&mut buf.content);
        buf.content.iter().map(Cell::symbol).collect()
    }

    #[test]
    fn an_ellipsis_becomes_three_dots_without_moving_columns() {
        assert_eq!(widened("Why the sky is d…  o"), "Why the sky is...  o");
        assert_eq!(widened("footno… | next      "), "foot... | next      ");
        assert_eq!(widened("  … 97 more         "), "  ... 97 more       ");
        assert_eq!(widened("word …   asks       "), "word ... asks       ");
        assert_eq!(widened("a 日本…| b          ").trim_end(), "a 日 ...| b");
        assert_eq!(widened("……"), "......              ");
    }
}
