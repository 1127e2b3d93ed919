//! The trash: what was deleted, to restore it, or to delete it for good.

mod view;

use crossterm::event::KeyEvent;
use ratatui::layout::{Position, Rect};

use super::{
    Action,
    keymap::KeyContext,
    overlay::{
        list_browser::{BrowserRow, ListBrowser},
        search::SearchField,
    },
};
use crate::{
    chat::{ConversationId, TrashedConversation},
    text::ranking::{self, RankCandidate},
};
pub use view::TrashView;

/// An overlay that lists the trash.
#[derive(Debug, Clone, Default)]
pub struct TrashList {
    search: SearchField,
    /// What is in the trash, the most recent first; `None` until the database has answered.
    rows: Option<Vec<TrashedConversation>>,
    listed: ListBrowser<TrashEntry>,
    /// A message about the last key, until the next one.
    message: Option<String>,
    /// Whether to ask if everything is to be deleted, once it is known what there is.
    pub asks_to_empty: bool,
}

/// A listed row, as an index into what is in the trash.
#[derive(Debug, Clone, Copy)]
struct TrashEntry(usize);

impl BrowserRow for TrashEntry {}

/// A request that a key makes to the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrashCommand {
    Nothing,
    Restore(ConversationId),
    /// Ask whether to delete it for good.
    AskDelete(ConversationId),
    /// Ask whether to delete everything for good.
    AskEmpty,
}

impl TrashList {
    /// Takes what is in the trash; the cursor stays where it is.
    pub fn set_rows(&mut self, rows: Vec<TrashedConversation>) {
        let selected = self.selected().map(|row| row.id);
        self.rows = Some(rows);
        self.filter(selected);
    }

    /// Returns what is in the trash, as far as it is known.
    pub fn rows(&self) -> &[TrashedConversation] {
        self.rows.as_deref().unwrap_or_default()
    }

    /// Takes rows away that are no longer in the trash.
    pub fn remove(&mut self, gone: &[ConversationId]) {
        if let Some(rows) = &mut self.rows {
            rows.retain(|row| !gone.contains(&row.id));
        }
        self.filter(None);
    }

    pub fn selected(&self) -> Option<&TrashedConversation> {
        self.listed.selected().and_then(|entry| self.rows().get(entry.0))
    }

    pub fn key_context(&self) -> KeyContext {
        if self.search.is_typing() { KeyContext::Field } else { KeyContext::Trash }
    }

    /// Goes one step back within the overlay; `false` if the overlay should close instead.
    pub fn back(&mut self) -> bool {
        let was_filtering = self.search.is_typing() || !self.search.is_empty();
        self.search.clear();
        let selected = self.selected().map(|row| row.id);
        self.filter(selected);
        was_filtering
    }

    pub fn paste(&mut self, text: &str) {
        self.search.paste(text);
        self.filter(None);
    }

    pub fn edit_query(&mut self, key: KeyEvent) {
        if self.search.is_typing() && self.search.edit(key) {
            self.filter(None);
        }
    }

    /// Shows a message until the next key.
    pub fn show_message(&mut self, message: impl Into<String>) {
        self.message = Some(message.into());
    }

    /// Does what an action means here.
    pub fn on_action(&mut self, action: Action, screen: Rect) -> TrashCommand {
        self.message = None;
        let height = usize::from(view::TrashAreas::new(screen).rows.height);
        let selected = self.selected().map(|row| row.id);
        match action {
            Action::SearchRows => self.search.start_typing(),
            Action::Accept if self.search.is_typing() => self.search.stop_typing(),
            Action::Accept => return selected.map_or(TrashCommand::Nothing, TrashCommand::Restore),
            Action::DeleteForGood => return selected.map_or(TrashCommand::Nothing, TrashCommand::AskDelete),
            Action::EmptyTrash if !self.rows().is_empty() => return TrashCommand::AskEmpty,
            _ => _ = self.listed.on_action(action, height),
        }
        TrashCommand::Nothing
    }

    /// Moves the cursor by as many rows as the wheel was turned.
    pub fn on_wheel(&mut self, rows: isize) {
        self.listed.move_cursor(rows);
    }

    /// Moves the cursor to the row that was clicked.
    pub fn on_click(&mut self, position: Position, screen: Rect) {
        self.listed.on_click(position, view::TrashAreas::new(screen).rows);
    }

    /// Scrolls the cursor into view; call it before each frame.
    pub fn scroll_to_cursor(&mut self, screen: Rect) {
        self.listed.scroll_to_cursor(view::TrashAreas::new(screen).rows.height.into());
    }

    /// Lists what matches the query, with the cursor on a conversation or where it is.
    fn filter(&mut self, selected: Option<ConversationId>) {
        let rows = self.rows.as_deref().unwrap_or_default();
        let titles = rows.iter().map(|row| RankCandidate { title: &row.title, terms: &row.preview.last_prompt });
        let mut found: Vec<usize> = ranking::rank(&self.search.text(), titles).iter().map(|row| row.index).collect();
        found.sort_unstable();
        let position = found.iter().position(|at| selected == Some(rows[*at].id));
        self.listed.set_rows(found.into_iter().map(TrashEntry).collect());
        if let Some(position) = position {
            self.listed.select(position);
        }
    }
}
