//! A list that is browsed: rows, a cursor on one of them, and the part that is visible. It knows no feature.

use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
    style::Modifier,
    widgets::Widget,
};

use crate::{
    render::theme::{ColourRole, Theme},
    ui::{Action, key_hints},
};

/// The rows of a list with a cursor. What is typed to filter or to search them belongs to the overlay, which sets the
/// rows or the cursor afterwards.
#[derive(Debug, Clone)]
pub struct ListBrowser<R> {
    rows: Vec<R>,
    /// The index of a selectable row, if there is one.
    cursor: usize,
    /// The index of the first visible row.
    top: usize,
}

/// A row of a list.
pub trait BrowserRow {
    /// Whether the cursor can be on the row; it skips headings and blank rows.
    fn is_selectable(&self) -> bool {
        true
    }
}

impl<R> Default for ListBrowser<R> {
    fn default() -> Self {
        Self { rows: Vec::new(), cursor: 0, top: 0 }
    }
}

impl<R: BrowserRow> ListBrowser<R> {
    pub fn rows(&self) -> &[R] {
        &self.rows
    }

    /// Replaces the rows. The cursor stays at its index, or goes to the nearest row that can be selected.
    pub fn set_rows(&mut self, rows: Vec<R>) {
        self.rows = rows;
        self.select(self.cursor);
    }

    pub fn cursor(&self) -> usize {
        self.cursor
    }

    /// The row under the cursor.
    pub fn selected(&self) -> Option<&R> {
        self.rows.get(self.cursor).filter(|row| row.is_selectable())
    }

    /// Moves the cursor to this row, or to the nearest one that can be selected, below if possible.
    pub fn select(&mut self, index: usize) {
        let index = index.min(self.rows.len().saturating_sub(1));
        let below = (index..self.rows.len()).find(|index| self.is_selectable(*index));
        self.cursor = below.or_else(|| (0..index).rfind(|index| self.is_selectable(*index))).unwrap_or(0);
    }

    /// Moves the cursor to the first row that is wanted; returns whether there is one.
    pub fn select_first(&mut self, is_wanted: impl Fn(&R) -> bool) -> bool {
        let found = self.rows.iter().position(|row| row.is_selectable() && is_wanted(row));
        self.cursor = found.unwrap_or(self.cursor);
        found.is_some()
    }

    /// Moves the cursor to the first row and scrolls there.
    pub fn go_to_start(&mut self) {
        self.top = 0;
        self.select(0);
    }

    /// Moves the cursor to the next or previous row of a kind, and around the ends.
    pub fn go_to_next(&mut self, is_down: bool, is_stop: impl Fn(usize) -> bool) {
        let (before, after) = (0..self.cursor, self.cursor + 1..self.rows.len());
        let is_stop = |index: &usize| self.is_selectable(*index) && is_stop(*index);
        let found =
            if is_down { after.chain(before).find(is_stop) } else { before.rev().chain(after.rev()).find(is_stop) };
        self.cursor = found.unwrap_or(self.cursor);
    }

    /// Moves the cursor as far as an action says in a window of this height; returns whether the action is a move.
    pub fn on_action(&mut self, action: Action, height: usize) -> bool {
        let step = row_step(action, height);
        self.move_cursor(step.unwrap_or(0));
        step.is_some()
    }

    /// Moves the cursor over rows that can be selected, down if positive.
    pub fn move_cursor(&mut self, by: isize) {
        let is_selectable = |index: &usize| self.is_selectable(*index);
        let found = if by > 0 {
            (self.cursor + 1..self.rows.len()).filter(is_selectable).take(by.unsigned_abs()).last()
        } else {
            (0..self.cursor).rev().filter(is_selectable).take(by.unsigned_abs()).last()
        };
        self.cursor = found.unwrap_or(self.cursor);
    }

    /// Moves the cursor to the row that is drawn at a position; `false` if it is none that can be selected.
    pub fn on_click(&mut self, position: Position, area: Rect) -> bool {
        let clicked = self.top + usize::from(position.y.saturating_sub(area.y));
        let is_hit = area.contains(position) && self.is_selectable(clicked);
        if is_hit {
            self.cursor = clicked;
        }
        is_hit
    }

    /// Scrolls the cursor into view, with the heading above the first row that can be selected.
    pub fn scroll_to_cursor(&mut self, height: usize) {
        let height = height.max(1);
        let is_first = (0..self.cursor).all(|index| !self.is_selectable(index));
        let lowest_top = if is_first { 0 } else { self.cursor };
        let last_top = self.rows.len().saturating_sub(height);
        let least_top = (self.cursor + 1).saturating_sub(height);
        self.top = self.top.clamp(least_top, lowest_top.max(least_top)).min(last_top);
    }

    /// Makes the row of the cursor the first visible one.
    pub fn scroll_cursor_to_top(&mut self) {
        self.top = self.cursor;
    }

    /// The visible rows, each with its place and whether the cursor is on it.
    pub fn visible_rows(&self, area: Rect) -> impl Iterator<Item = (Rect, &R, bool)> {
        let rows = self.rows.iter().enumerate().skip(self.top);
        area.rows().zip(rows).map(|(place, (index, row))| (place, row, index == self.cursor))
    }

    /// The index of the first visible row.
    pub fn top(&self) -> usize {
        self.top
    }

    /// The number of rows below the window.
    pub fn rows_below(&self, height: u16) -> usize {
        self.rows.len().saturating_sub(self.top + usize::from(height))
    }

    fn is_selectable(&self, index: usize) -> bool {
        self.rows.get(index).is_some_and(R::is_selectable)
    }
}

/// How many rows an action moves in a window of this height, down if positive; `None` if it moves no rows.
pub fn row_step(action: Action, height: usize) -> Option<isize> {
    let page = isize::try_from(height.max(1)).unwrap_or(1);
    Some(match action {
        Action::RowDown => 1,
        Action::RowUp => -1,
        Action::PageDown => page,
        Action::PageUp => -page,
        Action::HalfDown => page / 2,
        Action::HalfUp => -page / 2,
        Action::FirstRow => isize::MIN,
        Action::LastRow => isize::MAX,
        _ => return None,
    })
}

/// Marks the row under the cursor, before its text is drawn.
pub fn draw_cursor_row(area: Rect, theme: &Theme, buf: &mut Buffer) {
    buf.set_style(area, theme.style(ColourRole::Selection));
    // The bar stays plain even where the selection is reversed.
    let bar = theme.style(ColourRole::Accent).remove_modifier(Modifier::REVERSED);
    key_hints::styled_line(theme.marks.bar, bar).render(area, buf);
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Row(&'static str);

    impl BrowserRow for Row {
        fn is_selectable(&self) -> bool {
            !self.0.starts_with('#')
        }
    }

    fn browser(rows: &[&'static str]) -> ListBrowser<Row> {
        let mut browser = ListBrowser::default();
        browser.set_rows(rows.iter().map(|row| Row(row)).collect());
        browser
    }

    fn selected(browser: &ListBrowser<Row>) -> &str {
        browser.selected().map_or("none", |row| row.0)
    }

    const ROWS: &[&str] = &["# one", "a", "b", "# two", "c", "d", "# three"];

    #[test]
    fn the_cursor_skips_headings_and_stops_at_the_ends() {
        let mut browser = browser(ROWS);
        let mut visited = vec![selected(&browser).to_owned()];
        for action in [
            Action::RowDown,
            Action::RowDown,
            Action::LastRow,
            Action::RowDown,
            Action::PageUp,
            Action::PageUp,
            Action::RowUp,
            Action::PageDown,
        ] {
            assert!(browser.on_action(action, 2));
            visited.push(selected(&browser).to_owned());
        }
        assert_eq!(visited, ["a", "b", "c", "d", "d", "b", "a", "a", "c"]);
        assert!(!browser.on_action(Action::Accept, 2));
    }

    #[test]
    fn new_rows_leave_the_cursor_on_a_row_that_can_be_selected() {
        let mut browser = browser(ROWS);
        browser.select(6);
        assert_eq!(selected(&browser), "d", "nothing is below");
        browser.set_rows(vec![Row("x"), Row("# y")]);
        assert_eq!(selected(&browser), "x");
        browser.set_rows(vec![Row("# y")]);
        assert_eq!(selected(&browser), "none");
        browser.move_cursor(1);
        browser.scroll_to_cursor(0);
        assert_eq!(selected(&browser), "none");
    }

    #[test]
    fn the_first_row_is_shown_below_its_heading_and_clicks_find_rows() {
        let mut browser = browser(ROWS);
        let area = Rect::new(2, 3, 10, 3);
        let shown = |browser: &ListBrowser<Row>| {
            browser.visible_rows(area).map(|(place, row, is_under)| (place.y, row.0, is_under)).collect::<Vec<_>>()
        };
        browser.select(5);
        browser.scroll_to_cursor(3);
        assert_eq!(shown(&browser), [(3, "# two", false), (4, "c", false), (5, "d", true)]);
        assert_eq!(browser.rows_below(3), 1);
        assert!(!browser.on_click(Position::new(4, 3), area), "a heading");
        assert!(!browser.on_click(Position::new(4, 9), area), "below the list");
        assert!(browser.on_click(Position::new(4, 4), area));
        assert_eq!(selected(&browser), "c");
        browser.select(1);
        browser.scroll_to_cursor(3);
        assert_eq!(shown(&browser)[0], (3, "# one", false));
    }

    #[test]
    fn the_next_row_of_a_kind_is_found_around_the_ends() {
        let mut browser = browser(ROWS);
        let is_after_heading = |index: usize| index == 1 || index == 4;
        let mut visited = Vec::new();
        for is_down in [true, true, false, false] {
            browser.go_to_next(is_down, is_after_heading);
            visited.push(browser.cursor());
        }
        assert_eq!(visited, [4, 1, 4, 1]);
    }
}
