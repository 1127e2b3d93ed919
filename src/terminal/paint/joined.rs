//! Clusters that some terminals draw as one character and others as several: joined emoji, flags, skin tones.
//!
//! Either way comes out right, because what such a cluster may have covered is written again behind it.

use std::borrow::Cow;

use ratatui::buffer::{Buffer, Cell, CellWidth};

use crate::text::link::{OSC8_CLOSE, OSC8_OPEN};

/// Adds the cells that the changed ones may cover in some terminals. Indices are in ascending order, as are the result's.
pub(crate) fn with_overdrawn_cells(next: &Buffer, changed: Vec<usize>) -> Vec<usize> {
    let width = usize::from(next.area.width).max(1);
    let mut cells = Vec::with_capacity(changed.len());
    // Cells up to here may be covered by one before them.
    let mut covered_end = 0;
    let mut changed = changed.into_iter().peekable();
    let mut index = 0;
    loop {
        let from = if index < covered_end { index } else { changed.peek().copied().unwrap_or(usize::MAX) };
        let Some(cell) = next.content.get(from) else { return cells };
        while changed.next_if(|changed| *changed <= from).is_some() {}
        cells.push(from);
        if let Some(widest) = widest_drawing(cell) {
            let row_end = (from / width + 1) * width;
            covered_end = covered_end.max((from + usize::from(widest)).min(row_end));
        }
        index = from + 1;
    }
}

/// Returns a cell's symbol, or the beginning of it that no terminal draws across the edge of the screen.
pub(crate) fn symbol_within(cell: &Cell, room: u16) -> Cow<'_, [u8]> {
    let symbol = cell.symbol();
    if widest_drawing(cell).is_none_or(|widest| widest <= room) {
        return Cow::Borrowed(symbol.as_bytes());
    }
    let (opening, text) = split_link(symbol);
    let mut end = 0;
    for (at, letter) in text.char_indices() {
        let next = at + letter.len_utf8();
        if drawn_width(&text[..next]) > room {
            break;
        }
        end = next;
    }
    // A joiner without a second character is left out.
    let begins = text[..end].trim_end_matches('\u{200d}');
    let closing = if opening.is_empty() { "" } else { OSC8_CLOSE };
    Cow::Owned([opening, begins, closing].concat().into_bytes())
}

/// Whether some terminals draw a cell as several characters.
pub(crate) fn is_joined(cell: &Cell) -> bool {
    widest_drawing(cell).is_some()
}

/// Returns the width of a cell in a terminal that joins nothing, if it is more than usual.
fn widest_drawing(cell: &Cell) -> Option<u16> {
    if cell.symbol().len() < 5 {
        return None; // No two characters of which one is wide.
    }
    let widest = drawn_width(split_link(cell.symbol()).1);
    (widest > cell.cell_width()).then_some(widest)
}

/// Splits the opening of a link from the text that is seen.
fn split_link(symbol: &str) -> (&str, &str) {
    if !symbol.starts_with(OSC8_OPEN) {
        return ("", symbol);
    }
    let opening = symbol.find("\x1b\\").map_or(0, |at| at + 2);
    let text = &symbol[opening..];
    (&symbol[..opening], text.strip_suffix(OSC8_CLOSE).unwrap_or(text))
}

/// Returns the width of a text in a terminal that draws each character by itself.
#[expect(clippy::disallowed_methods, reason = "such a terminal knows no clusters")]
fn drawn_width(text: &str) -> u16 {
    let mut letters = text.chars().peekable();
    let mut width = 0;
    while let Some(letter) = letters.next() {
        let is_wide = matches!(letter, '\u{1f1e6}'..='\u{1f1ff}') || letters.peek() == Some(&'\u{fe0f}');
        let own = unicode_width::UnicodeWidthChar::width(letter).unwrap_or(0);
        width += if is_wide { 2 } else { u16::try_from(own).unwrap_or(2) };
    }
    width
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU16;

    use ratatui::{buffer::CellDiffOption, layout::Rect, style::Style};

    use super::*;

    fn row(text: &str) -> Buffer {
        let mut cells = Buffer::empty(Rect::new(0, 0, 12, 2));
        cells.set_string(0, 0, text, Style::new());
        cells
    }

    #[test]
    fn what_a_joined_cluster_may_cover_is_written_again() {
        let indices = |text: &str, changed: &[usize]| with_overdrawn_cells(&row(text), changed.to_vec());
        assert_eq!(indices("abc", &[0, 2]), [0, 2]);
        assert_eq!(indices("日本", &[0]), [0]);
        assert_eq!(indices("👨\u{200d}👩\u{200d}👧 x", &[0, 20]), [0, 1, 2, 3, 4, 5, 20]);
        assert_eq!(indices("👍🏽👍🏽", &[0]), [0, 1, 2, 3, 4, 5], "the second one covers cells too");
        assert_eq!(indices("        👨\u{200d}👩\u{200d}👧", &[8]), [8, 9, 10, 11], "only in its own row");
        assert_eq!(indices("🇩🇪", &[0]), [0, 1, 2, 3]);
        assert_eq!(indices("❤\u{fe0f}\u{200d}🔥", &[0]), [0, 1, 2, 3]);
    }

    #[test]
    fn at_the_edge_a_cluster_is_cut_to_what_every_terminal_draws_there() {
        let within = |symbol: &str, room| {
            let mut cell = Cell::default();
            let width = u16::try_from(crate::text::width(split_link(symbol).1)).ok().and_then(NonZeroU16::new);
            cell.set_symbol(symbol).set_diff_option(CellDiffOption::ForcedWidth(width.expect("it is seen")));
            String::from_utf8(symbol_within(&cell, room).into_owned()).expect("the symbol is text")
        };
        let family = "👨\u{200d}👩\u{200d}👧";
        assert_eq!(within(family, 6), family);
        assert_eq!(within(family, 5), "👨\u{200d}👩");
        assert_eq!(within(family, 2), "👨");
        assert_eq!((within("👍🏽", 3), within("🇩🇪", 2), within("日", 2)), ("👍".into(), "🇩".into(), "日".into()));
        let link = format!("{OSC8_OPEN}1;https://x.example\x1b\\{family}{OSC8_CLOSE}");
        assert_eq!(within(&link, 2), format!("{OSC8_OPEN}1;https://x.example\x1b\\👨{OSC8_CLOSE}"));
    }
}
