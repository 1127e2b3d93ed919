//! Rows with a cursor, and what a search finds in them.

use super::rows::Row;
use crate::text::Needle;

#[derive(Debug, Clone, Default)]
pub struct Lines {
    pub rows: Vec<Row>,
    pub cursor: usize,
    pub top: usize,
    /// The rows in which the query occurs, in order.
    pub found: Vec<usize>,
}

impl Lines {
    /// Other rows in the place of these; a cursor at the end stays there.
    pub fn set(&mut self, rows: Vec<Row>, needle: &Needle) {
        let at_end = !self.rows.is_empty() && self.cursor + 1 == self.rows.len();
        let last = rows.len().saturating_sub(1);
        self.cursor = if at_end { last } else { self.cursor.min(last) };
        self.rows = rows;
        self.search(needle);
    }

    pub fn search(&mut self, needle: &Needle) {
        self.found.clear();
        if needle.is_empty() {
            return;
        }
        let has = |row: &Row| row.matches(needle);
        self.found.extend((0..self.rows.len()).filter(|at| has(&self.rows[*at])));
    }

    pub fn under_cursor(&self) -> Option<&Row> {
        self.rows.get(self.cursor)
    }

    pub fn step(&mut self, by: isize) {
        self.cursor = self.cursor.saturating_add_signed(by).min(self.rows.len().saturating_sub(1));
    }

    /// The next match after the cursor or the one before it, round the ends.
    pub fn go_to_match(&mut self, by: isize) {
        let next = if by > 0 {
            self.found.iter().find(|at| **at > self.cursor).or(self.found.first())
        } else {
            self.found.iter().rev().find(|at| **at < self.cursor).or(self.found.last())
        };
        self.cursor = next.copied().unwrap_or(self.cursor);
    }

    /// The match at the cursor, else the next one.
    pub fn go_to_nearest_match(&mut self) {
        if self.found.binary_search(&self.cursor).is_err() {
            self.go_to_match(1);
        }
    }

    /// From a request to what came of it, and on to the next request.
    pub fn go_to_other_section(&mut self) {
        let here = self.under_cursor().map(Row::section);
        let differs = |at: &usize| self.rows[*at].section().is_some() && Some(self.rows[*at].section()) != here;
        let next = (self.cursor..self.rows.len()).find(differs).or_else(|| (0..self.cursor).find(differs));
        self.cursor = next.unwrap_or(self.cursor);
        self.top = self.cursor;
    }

    pub fn scroll_to_cursor(&mut self, height: u16) {
        let height = usize::from(height).max(1);
        let last_top = self.rows.len().saturating_sub(height);
        self.top = self.top.clamp((self.cursor + 1).saturating_sub(height), self.cursor).min(last_top);
    }
}
