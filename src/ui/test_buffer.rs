//! Test support: the text of a buffer, and drawing at every small size.

use ratatui::{
    buffer::{Buffer, CellWidth},
    layout::Rect,
};

/// The rows of a buffer as text, without trailing spaces.
pub fn buffer_text(buf: &Buffer) -> String {
    let mut out = String::new();
    for y in buf.area.rows() {
        let mut row = String::new();
        let mut covered = 0;
        for x in y.x..y.right() {
            if covered > 0 {
                covered -= 1;
                continue;
            }
            let symbol = buf[(x, y.y)].symbol();
            covered = symbol.cell_width().saturating_sub(1);
            row += symbol;
        }
        out += row.trim_end();
        out.push('\n');
    }
    out
}

/// Draws at every small size, in the corner of a buffer and inside a larger one, and asserts that nothing
/// is drawn outside the area.
pub fn draw_at_every_size(mut draw: impl FnMut(Rect, &mut Buffer)) {
    for (width, height) in (0..12).flat_map(|width| (0..6).map(move |height| (width, height))) {
        let corner = Rect::new(0, 0, width, height);
        draw(corner, &mut Buffer::empty(corner));

        let inside = Rect::new(3, 2, width, height);
        let mut buf = Buffer::empty(Rect::new(0, 0, 20, 12));
        draw(inside, &mut buf);
        let empty = Buffer::empty(buf.area);
        for position in buf.area.positions().filter(|position| !inside.contains(*position)) {
            assert_eq!(buf[position], empty[position], "{position} is outside {inside}");
        }
    }
}
