//! The picker: a query field, the rows that match it, and the details of the selected row.

mod columns;
mod line;
mod view;

use crossterm::event::KeyEvent;
use ratatui::layout::Rect;

use super::{
    field::TextField,
    frame,
    list_browser::{BrowserRow, ListBrowser},
};
use crate::render::theme::ColourRole;
use crate::{
    chat::Timestamp,
    text::{
        self,
        ranking::{self, RankCandidate},
    },
    ui::{Action, keymap::KeyContext},
};
pub use columns::{ColumnAlign, PickerColumn};
pub use line::PickerLine;
pub use view::PickerView;

/// An overlay for choosing one of many: models, actions, conversations, prompts.
#[derive(Debug, Clone)]
pub struct FuzzyPicker<T> {
    pub title: String,
    pub query: TextField,
    /// The layout of a row's cells. The first column that grows is the searched one.
    pub columns: &'static [PickerColumn],
    pub load_state: LoadState,
    /// A remark about all rows: that they are old, or could not be refreshed.
    pub notice: Option<String>,
    /// The text shown when there are no rows at all.
    pub empty_text: String,
    /// The text shown when no row matches.
    pub no_match_text: String,
    /// The context of its keys.
    pub context: KeyContext,
    /// The actions and their labels, at the bottom.
    pub hint_labels: Vec<(&'static [Action], String)>,
    /// The width of the overlay if the screen has room for it.
    pub width: u16,
    /// The height of the details, the same for every row so that nothing jumps.
    pub detail_rows: u16,
    rows: Vec<PickerRow<T>>,
    matches: ListBrowser<PickerMatch>,
    widths: Vec<usize>,
}

/// A row that can be chosen.
#[derive(Debug, Clone)]
pub struct PickerRow<T> {
    /// One cell for each column.
    pub cells: Vec<String>,
    /// Further text that the query may match: the vendor, other names.
    pub extra_terms: String,
    pub detail_lines: Vec<Vec<(DetailStyle, String)>>,
    pub payload: T,
}

/// The style of a piece of text in the details.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DetailStyle {
    Bold,
    Text,
    Muted,
    /// The theme's style for this role.
    Role(ColourRole),
}

/// Whether the rows have been loaded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum LoadState {
    #[default]
    Ready,
    /// The rows were requested and have not arrived.
    Loading { since: Timestamp },
    /// Loading failed: the reason, and what can be done.
    Failed { reason: String, hint: String },
}

/// A row that matches, and the clusters of its searched cell that match.
#[derive(Debug, Clone, PartialEq, Eq)]
struct PickerMatch {
    row_index: usize,
    matched_clusters: Vec<u32>,
}

impl BrowserRow for PickerMatch {}

impl<T: PartialEq> FuzzyPicker<T> {
    pub fn new(title: &str, columns: &'static [PickerColumn]) -> Self {
        Self {
            title: title.to_owned(),
            query: TextField::default(),
            columns,
            load_state: LoadState::Ready,
            notice: None,
            empty_text: String::new(),
            no_match_text: "No matches.".into(),
            context: KeyContext::Picker,
            hint_labels: Vec::new(),
            width: 76,
            detail_rows: 2,
            rows: Vec::new(),
            matches: ListBrowser::default(),
            widths: Vec::new(),
        }
    }

    /// Replaces the rows; without a query they are listed in this order. The cursor stays on the
    /// same payload.
    pub fn set_rows(&mut self, mut rows: Vec<PickerRow<T>>) {
        for cell in rows.iter_mut().flat_map(|row| &mut row.cells) {
            clean_in_place(cell);
        }
        let selected_payload =
            self.selected().map(|row| self.rows.iter().position(|other| other.payload == row.payload));
        let under = selected_payload.flatten().map(|at| self.rows.swap_remove(at).payload);
        self.widths = columns::column_widths(self.columns, rows.iter().map(|row| row.cells.as_slice()));
        self.rows = rows;
        self.update_matches();
        if let Some(payload) = under {
            self.select(&payload);
        }
    }

    /// Moves the cursor to the row with this payload, if it is listed.
    pub fn select(&mut self, payload: &T) {
        self.matches.select_first(|found| self.rows[found.row_index].payload == *payload);
    }

    /// Moves the cursor to the first matching row whose payload passes; returns `false` if there is none.
    pub(crate) fn select_where(&mut self, passes: impl Fn(&T) -> bool) -> bool {
        self.matches.select_first(|found| passes(&self.rows[found.row_index].payload))
    }

    /// Edits the query.
    pub fn edit(&mut self, key: KeyEvent) {
        if self.query.edit_query(key) {
            self.on_query_changed();
        }
    }

    pub fn paste(&mut self, text: &str) {
        self.query.paste(text);
        self.on_query_changed();
    }

    /// Does what an action means here: a move of the cursor, by pages of the height of the list on this screen.
    pub fn on_action(&mut self, action: Action, screen: Rect) {
        self.matches.on_action(action, self.areas(screen).list.height.into());
    }

    /// Scrolls the cursor into view; called before each frame.
    pub fn scroll_to_cursor(&mut self, screen: Rect) {
        self.matches.scroll_to_cursor(self.areas(screen).list.height.into());
    }

    /// Moves the cursor to the row at a position of the screen; `false` if there is none.
    pub fn on_click(&mut self, position: ratatui::layout::Position, screen: Rect) -> bool {
        self.matches.on_click(position, self.areas(screen).list)
    }

    fn on_query_changed(&mut self) {
        self.update_matches();
        self.matches.go_to_start();
    }

    fn update_matches(&mut self) {
        let matches = find_matches(&self.rows, columns::searched_column(self.columns), &self.query.text());
        self.matches.set_rows(matches);
    }
}

/// The areas of a picker's parts; empty ones are not drawn.
struct PickerAreas {
    frame: Rect,
    field: Rect,
    header: Rect,
    list: Rect,
    rule: Rect,
    detail: Rect,
}

impl<T> FuzzyPicker<T> {
    /// The searched cells of the rows that match, in order.
    pub fn listed(&self) -> impl Iterator<Item = &str> {
        let searched = columns::searched_column(self.columns);
        let rows = self.matches.rows().iter().map(|found| &self.rows[found.row_index]);
        rows.map(move |row| row.cells.get(searched).map_or("", String::as_str))
    }

    /// The row under the cursor, which Enter chooses.
    pub fn selected(&self) -> Option<&PickerRow<T>> {
        self.matches.selected().map(|found| &self.rows[found.row_index])
    }

    /// The number of matching rows, and of all rows.
    pub fn counts(&self) -> (usize, usize) {
        (self.matches.rows().len(), self.rows.len())
    }

    /// Divides the screen. The layout does not depend on the matches, so nothing jumps.
    fn areas(&self, screen: Rect) -> PickerAreas {
        let header_rows = u16::from(self.columns.iter().any(|column| !column.heading.is_empty()));
        let details = if self.detail_rows == 0 { 0 } else { self.detail_rows + 2 };
        let wanted_rows = u16::try_from(self.rows.len()).unwrap_or(u16::MAX).max(3);
        // The frame, the field and a blank row.
        let other_rows = 2 + 2 + header_rows + details;
        let height = if screen.height > 24 { screen.height * 2 / 3 } else { screen.height.saturating_sub(2) };
        let height = other_rows.saturating_add(wanted_rows).min(height.max(12)).min(screen.height);
        let frame = frame::overlay_area(screen, self.width, height);
        let inner = frame::inside_frame(frame);
        let mut left = inner;
        let field = split_top(&mut left, 1);
        if inner.height > 6 {
            split_top(&mut left, 1);
        }
        let head = split_top(&mut left, if inner.height > 4 { header_rows } else { 0 });
        let details = if left.height >= details + 3 { details } else { 0 };
        let list = Rect { height: left.height - details, ..left };
        let mut below = Rect { y: list.bottom(), height: details, ..left };
        let rule = split_top(&mut below, details.min(1));
        let detail = Rect { height: below.height.min(self.detail_rows), ..below };
        PickerAreas { frame, field, header: head, list, rule, detail }
    }
}

fn split_top(area: &mut Rect, rows: u16) -> Rect {
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

/// The matching rows, best first; equally good ones keep their order.
fn find_matches<T>(rows: &[PickerRow<T>], searched: usize, query: &str) -> Vec<PickerMatch> {
    let candidates = rows.iter().map(|row| RankCandidate {
        title: row.cells.get(searched).map_or("", String::as_str),
        terms: &row.extra_terms,
    });
    let found = ranking::rank(query, candidates).into_iter();
    found.map(|found| PickerMatch { row_index: found.index, matched_clusters: found.clusters }).collect()
}
