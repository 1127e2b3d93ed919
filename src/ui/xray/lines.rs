//! Rows with a cursor, and the matches of a search in them.

use super::rows::XrayRow;
use crate::text::SearchNeedle;

#[derive(Debug, Clone, Default)]
pub(super) struct LineList {
    pub rows: Vec<XrayRow>,
    pub cursor: usize,
    pub top: usize,
    /// Indices of the rows that contain the query, in order.
    pub matches: Vec<usize>,
}

impl LineList {
    /// Replaces the rows; a cursor at the end stays at the end.
    pub(super) fn set_rows(&mut self, rows: Vec<XrayRow>, needle: &SearchNeedle) {
        let at_end = !self.rows.is_empty() && self.cursor + 1 == self.rows.len();
        let last = rows.len().saturating_sub(1);
        self.cursor = if at_end { last } else { self.cursor.min(last) };
        self.rows = rows;
        self.update_matches(needle);
    }

    pub(super) fn update_matches(&mut self, needle: &SearchNeedle) {
        self.matches.clear();
        if needle.is_empty() {
            return;
        }
        let has = |row: &XrayRow| row.matches(needle);
        self.matches.extend((0..self.rows.len()).filter(|at| has(&self.rows[*at])));
    }

    pub(super) fn selected(&self) -> Option<&XrayRow> {
        self.rows.get(self.cursor)
    }

    pub(super) fn move_cursor(&mut self, by: isize) {
        self.cursor = self.cursor.saturating_add_signed(by).min(self.rows.len().saturating_sub(1));
    }

    /// Moves the cursor to the next or previous match, wrapping around at the ends.
    pub(super) fn go_to_match(&mut self, by: isize) {
        let next = if by > 0 {
            self.matches.iter().find(|at| **at > self.cursor).or(self.matches.first())
        } else {
            self.matches.iter().rev().find(|at| **at < self.cursor).or(self.matches.last())
        };
        self.cursor = next.copied().unwrap_or(self.cursor);
    }

    /// Moves the cursor to the next match, unless it is on one.
    pub(super) fn go_to_nearest_match(&mut self) {
        if self.matches.binary_search(&self.cursor).is_err() {
            self.go_to_match(1);
        }
    }

    /// Moves the cursor from a request to its events, and from there to the next request.
    pub(super) fn go_to_other_section(&mut self) {
        let here = self.selected().map(XrayRow::section);
        let differs = |at: &usize| self.rows[*at].section().is_some() && Some(self.rows[*at].section()) != here;
        let next = (self.cursor..self.rows.len()).find(differs).or_else(|| (0..self.cursor).find(differs));
        self.cursor = next.unwrap_or(self.cursor);
        self.top = self.cursor;
    }

    pub(super) fn scroll_to_cursor(&mut self, height: u16) {
        let height = usize::from(height).max(1);
        let last_top = self.rows.len().saturating_sub(height);
        self.top = self.top.clamp((self.cursor + 1).saturating_sub(height), self.cursor).min(last_top);
    }
}
