//! Rows with a cursor, and the matches of a search in them.

use super::xray_rows::XrayRow;
use crate::{
    text::SearchNeedle,
    ui::overlay::list_browser::{BrowserRow, ListBrowser},
};

#[derive(Debug, Clone, Default)]
pub(super) struct LineList {
    pub browser: ListBrowser<XrayRow>,
    /// Indices of the rows that contain the query, in order.
    pub matches: Vec<usize>,
}

impl BrowserRow for XrayRow {}

impl LineList {
    /// Replaces the rows; a cursor at the end stays at the end.
    pub(super) fn set_rows(&mut self, rows: Vec<XrayRow>, needle: &SearchNeedle) {
        let is_at_end = self.browser.selected().is_some() && self.browser.cursor() + 1 == self.browser.rows().len();
        self.browser.set_rows(rows);
        if is_at_end {
            self.browser.select(usize::MAX);
        }
        self.update_matches(needle);
    }

    pub(super) fn update_matches(&mut self, needle: &SearchNeedle) {
        self.matches.clear();
        if !needle.is_empty() {
            let rows = self.browser.rows().iter().enumerate();
            self.matches.extend(rows.filter(|(_, row)| row.matches(needle)).map(|(index, _)| index));
        }
    }

    /// The index among the matches of the one under the cursor.
    pub(super) fn current_match(&self) -> Option<usize> {
        self.matches.binary_search(&self.browser.cursor()).ok()
    }

    /// Moves the cursor to the next or previous match, wrapping around at the ends.
    pub(super) fn go_to_match(&mut self, is_down: bool) {
        let Self { browser, matches } = self;
        browser.go_to_next(is_down, |index| matches.binary_search(&index).is_ok());
    }

    /// Moves the cursor to the next match, unless it is on one.
    pub(super) fn go_to_nearest_match(&mut self) {
        if self.current_match().is_none() {
            self.go_to_match(true);
        }
    }

    /// Moves the cursor from a request to its events, and from there to the next request.
    pub(super) fn go_to_other_section(&mut self) {
        let here = self.browser.selected().map(XrayRow::section);
        let sections: Vec<_> = self.browser.rows().iter().map(XrayRow::section).collect();
        self.browser.go_to_next(true, |index| sections[index].is_some() && Some(sections[index]) != here);
        self.browser.scroll_cursor_to_top();
    }
}
