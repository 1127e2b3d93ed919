//! The picker: a field, what matches it, and details of the row under the cursor.

mod columns;
mod line;
mod models;
#[cfg(test)]
mod tests;
mod view;

use std::cmp::Reverse;

use crossterm::event::KeyEvent;
use nucleo_matcher::{
    Config, Matcher, Utf32Str,
    pattern::{CaseMatching, Normalization, Pattern},
};
use ratatui::layout::Rect;

use super::{field::Field, overlay, theme::Role};
use crate::{chat::Timestamp, text};
pub use columns::{Align, Column};
pub use line::PickerLine;
pub use models::{MODEL_COLUMNS, model_row};
pub use view::PickerView;

/// One overlay for everything that is chosen from many: models, actions, conversations, prompts.
#[derive(Debug, Clone)]
pub struct Picker<T> {
    pub title: String,
    pub query: Field,
    /// How the cells of a row are laid out; the first that grows is the one that is searched.
    pub columns: &'static [Column],
    pub filling: Filling,
    /// What is to be known about the rows: that they are old, that they could not be refreshed.
    pub notice: Option<String>,
    /// What to do when there are no rows at all.
    pub empty: String,
    /// The keys and their words, at the bottom.
    pub keys: Vec<(String, String)>,
    /// How wide it is where there is room.
    pub width: u16,
    /// How many rows the details take; the same for every row, so that nothing jumps.
    pub detail_rows: u16,
    rows: Vec<PickerRow<T>>,
    matches: Vec<Match>,
    widths: Vec<usize>,
    cursor: usize,
    top: usize,
}

/// Something that can be chosen.
#[derive(Debug, Clone)]
pub struct PickerRow<T> {
    /// One for each column.
    pub cells: Vec<String>,
    /// What the query may match besides the searched cell: the vendor, other names.
    pub also: String,
    pub detail: Vec<Vec<(Tone, String)>>,
    pub payload: T,
}

/// The weight of a piece of text in the details.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    Bold,
    Text,
    Muted,
    /// As a theme shows that role.
    Of(Role),
}

/// Whether the rows are there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Filling {
    #[default]
    Ready,
    /// They were asked for.
    Loading { since: Timestamp },
    /// They will not come; what happened and what can be done.
    Failed { reason: String, hint: String },
}

/// A row that matches, and which clusters of its searched cell do.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Match {
    row: usize,
    letters: Vec<u32>,
}

/// Where the cursor goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Move {
    Up,
    Down,
    PageUp,
    PageDown,
    First,
    Last,
}

impl<T: PartialEq> Picker<T> {
    pub fn new(title: &str, columns: &'static [Column]) -> Self {
        Self {
            title: title.to_owned(),
            query: Field::default(),
            columns,
            filling: Filling::Ready,
            notice: None,
            empty: String::new(),
            keys: Vec::new(),
            width: 76,
            detail_rows: 2,
            rows: Vec::new(),
            matches: Vec::new(),
            widths: Vec::new(),
            cursor: 0,
            top: 0,
        }
    }

    /// Puts rows in, in the order in which they are listed while nothing is typed. The cursor stays
    /// on what it was on.
    pub fn set_rows(&mut self, mut rows: Vec<PickerRow<T>>) {
        for cell in rows.iter_mut().flat_map(|row| &mut row.cells) {
            clean_in_place(cell);
        }
        let under = self.chosen().map(|row| self.rows.iter().position(|other| other.payload == row.payload));
        let under = under.flatten().map(|at| self.rows.swap_remove(at).payload);
        self.widths = columns::widths(self.columns, rows.iter().map(|row| row.cells.as_slice()));
        self.rows = rows;
        self.search();
        if let Some(payload) = under {
            self.select(&payload);
        }
    }

    /// Moves the cursor to a row, if it is listed.
    pub fn select(&mut self, payload: &T) {
        let found = self.matches.iter().position(|found| self.rows[found.row].payload == *payload);
        self.cursor = found.unwrap_or(self.cursor);
    }

    /// What Enter takes.
    pub fn chosen(&self) -> Option<&PickerRow<T>> {
        self.matches.get(self.cursor).map(|found| &self.rows[found.row])
    }

    /// How many rows match, and how many there are.
    pub fn counts(&self) -> (usize, usize) {
        (self.matches.len(), self.rows.len())
    }

    /// A key for the query; `false` when it means nothing to it.
    pub fn edit(&mut self, key: KeyEvent) -> bool {
        let before = self.query.text();
        let known = self.query.edit(key);
        self.after_edit(&before);
        known
    }

    pub fn paste(&mut self, text: &str) {
        let before = self.query.text();
        self.query.paste(text);
        self.after_edit(&before);
    }

    /// Moves the cursor; a page is what is seen on that screen.
    pub fn go(&mut self, to: Move, screen: Rect) {
        let page = usize::from(self.list_height(screen)).max(1);
        let last = self.matches.len().saturating_sub(1);
        self.cursor = match to {
            Move::Up => self.cursor.saturating_sub(1),
            Move::Down => (self.cursor + 1).min(last),
            Move::PageUp => self.cursor.saturating_sub(page),
            Move::PageDown => (self.cursor + page).min(last),
            Move::First => 0,
            Move::Last => last,
        };
    }

    /// Scrolls so that the cursor is seen; before each frame.
    pub fn scroll_to_cursor(&mut self, screen: Rect) {
        let height = usize::from(self.list_height(screen)).max(1);
        let last_top = self.matches.len().saturating_sub(height);
        self.top = self.top.clamp((self.cursor + 1).saturating_sub(height), self.cursor).min(last_top);
    }

    /// Moves the cursor to the row at a place of the screen; says whether there is one.
    pub fn click(&mut self, at: ratatui::layout::Position, screen: Rect) -> bool {
        let list = self.parts(screen).list;
        let clicked = self.top + usize::from(at.y.saturating_sub(list.y));
        let hit = list.contains(at) && clicked < self.matches.len();
        if hit {
            self.cursor = clicked;
        }
        hit
    }

    fn after_edit(&mut self, before: &str) {
        if self.query.text() != before {
            self.cursor = 0;
            self.top = 0;
            self.search();
        }
    }

    fn search(&mut self) {
        self.matches = matches(&self.rows, columns::searched(self.columns), &self.query.text());
        self.cursor = self.cursor.min(self.matches.len().saturating_sub(1));
    }
}

/// Where the parts of a picker stand; empty ones are not drawn.
struct Parts {
    frame: Rect,
    field: Rect,
    head: Rect,
    list: Rect,
    rule: Rect,
    detail: Rect,
}

impl<T> Picker<T> {
    fn list_height(&self, screen: Rect) -> u16 {
        self.parts(screen).list.height
    }

    /// Divides the screen. What is seen does not depend on what matches, so nothing jumps.
    fn parts(&self, screen: Rect) -> Parts {
        let has_head = u16::from(self.columns.iter().any(|column| !column.head.is_empty()));
        let details = if self.detail_rows == 0 { 0 } else { self.detail_rows + 2 };
        let wanted_rows = u16::try_from(self.rows.len()).unwrap_or(u16::MAX).max(3);
        // Frame, field, a blank row and one below the details.
        let around = 2 + 2 + has_head + details;
        let height = if screen.height > 24 { screen.height * 2 / 3 } else { screen.height.saturating_sub(2) };
        let height = around.saturating_add(wanted_rows).min(height.max(12)).min(screen.height);
        let frame = overlay::placed(screen, self.width, height);
        let inner = Rect {
            x: frame.x + 1,
            y: frame.y + 1,
            width: frame.width.saturating_sub(2),
            height: frame.height.saturating_sub(2),
        };
        let mut left = inner;
        let field = from_top(&mut left, 1);
        if inner.height > 6 {
            from_top(&mut left, 1);
        }
        let head = from_top(&mut left, if inner.height > 4 { has_head } else { 0 });
        let details = if left.height >= details + 3 { details } else { 0 };
        let list = Rect { height: left.height - details, ..left };
        let mut below = Rect { y: list.bottom(), height: details, ..left };
        let rule = from_top(&mut below, details.min(1));
        let detail = Rect { height: below.height.min(self.detail_rows), ..below };
        Parts { frame, field, head, list, rule, detail }
    }
}

fn from_top(area: &mut Rect, rows: u16) -> Rect {
    let rows = rows.min(area.height);
    let taken = Rect { height: rows, ..*area };
    area.y += rows;
    area.height -= rows;
    taken
}

fn clean_in_place(cell: &mut String) {
    if let std::borrow::Cow::Owned(cleaned) = text::clean(cell) {
        *cell = cleaned;
    }
    if cell.contains('\n') {
        *cell = cell.replace('\n', " ");
    }
}

/// The rows that match, best first; equal ones in their own order. A row that only matches by what
/// is not in its searched cell comes after those that match by what is.
fn matches<T>(rows: &[PickerRow<T>], searched: usize, query: &str) -> Vec<Match> {
    if query.trim().is_empty() {
        return (0..rows.len()).map(|row| Match { row, letters: Vec::new() }).collect();
    }
    let mut search = Search {
        pattern: Pattern::parse(query, CaseMatching::Ignore, Normalization::Smart),
        matcher: Matcher::new(Config::DEFAULT.match_paths()),
        chars: Vec::new(),
    };
    let mut found = Vec::new();
    for (row, of) in rows.iter().enumerate() {
        let cell = of.cells.get(searched).map_or("", String::as_str);
        let mut letters = Vec::new();
        if let Some(score) = search.score(cell, &mut letters) {
            letters.sort_unstable();
            letters.dedup();
            found.push((true, score, Match { row, letters }));
        } else if let Some(score) = search.score(&format!("{cell} {}", of.also), &mut letters) {
            found.push((false, score, Match { row, letters: Vec::new() }));
        }
    }
    found.sort_by_key(|(in_cell, score, found)| (Reverse((*in_cell, *score)), found.row));
    found.into_iter().map(|(_, _, found)| found).collect()
}

struct Search {
    pattern: Pattern,
    matcher: Matcher,
    chars: Vec<char>,
}

impl Search {
    fn score(&mut self, text: &str, letters: &mut Vec<u32>) -> Option<u32> {
        self.pattern.indices(Utf32Str::new(text, &mut self.chars), &mut self.matcher, letters)
    }
}
