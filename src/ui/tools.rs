//! The list of a conversation's tools: to switch and inspect them, require a call, and trust or restart MCP servers.

mod page;
mod rows;
pub mod tool_overlay;
pub mod tool_registry;
mod view;

use crossterm::event::KeyEvent;
use ratatui::layout::{Position, Rect};

use super::{Action, keymap::KeyContext, overlay::field::TextField};
use crate::render::row;
use crate::tools::ToolId;
pub use page::PageSubject;
use rows::{RowDepth, ToolRow, ToolSwitch};
pub use rows::{ToolFacts, ToolListItem, WebSearchState};
pub use view::ToolListView;

/// An overlay that lists every tool a model may call.
#[derive(Debug, Clone, Default)]
pub struct ToolList {
    query: TextField,
    /// Whether keys go to the field.
    is_typing: bool,
    rows: Vec<ToolRow>,
    /// Indices of the matching rows; `None` is a blank row.
    visible_rows: Vec<Option<usize>>,
    cursor: usize,
    top: usize,
    /// The details of the row under the cursor.
    detail_rows: Vec<row::StyledRow>,
    page: Option<ToolPage>,
    /// A message about the last key, until the next one.
    message: Option<String>,
}

/// The page of one server or tool.
#[derive(Debug, Clone)]
struct ToolPage {
    subject: PageSubject,
    title: String,
    rows: Vec<row::StyledRow>,
    top: usize,
    /// The width and the revision of the facts that the rows were laid out for.
    layout_key: Option<(u16, u64)>,
}

/// A request that a key makes to the program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ToolListCommand {
    Nothing,
    /// Switch it on or off, or go to the next of its settings.
    Switch(ToolListItem),
    /// Toggle whether the next message must call the tool.
    Force(ToolId),
    Restart(String),
    Reload,
    /// Trust the file that defines this server, after its content was shown.
    Trust(String),
}

impl ToolList {
    /// A list that opens with the question whether to trust a server's file.
    pub fn with_trust_question(server: String) -> Self {
        let mut list = Self::default();
        list.open_page(PageSubject::Trust(server));
        list
    }

    /// Updates the rows from the facts and scrolls the cursor into view; called before each frame.
    pub fn arrange(&mut self, facts: &ToolFacts, screen: Rect) {
        let asked_item = match &self.page {
            Some(ToolPage { subject: PageSubject::Trust(server), .. }) => Some(ToolListItem::Server(server.clone())),
            _ => None,
        };
        let selected_item = self.selected_item().cloned().or(asked_item);
        self.rows = rows::build_rows(facts);
        self.filter(selected_item.as_ref());
        let parts = self.areas(screen);
        self.scroll_to_cursor(parts.rows.height.into());
        let width = view::text_column(parts.detail).width;
        self.detail_rows =
            self.selected_item().map_or_else(Vec::new, |thing| page::detail_rows(thing, facts, width.into()));
        let width = view::text_column(parts.page).width;
        if let Some(page) = &mut self.page
            && page.layout_key != Some((width, facts.rev))
        {
            page.layout_key = Some((width, facts.rev));
            page.title = page::page_title(&page.subject, facts);
            page.rows = page::page_rows(&page.subject, facts, width.into());
        }
        let height = usize::from(self.areas(screen).page.height);
        if let Some(page) = &mut self.page {
            page.top = page.top.min(page.rows.len().saturating_sub(height));
        }
    }

    /// The areas of the list's parts.
    fn areas(&self, screen: Rect) -> view::ToolListAreas {
        let blanks = self.rows.iter().skip(1).filter(|row| row.depth == RowDepth::Heading).count();
        let page = self.page.as_ref().map_or(0, |page| page.rows.len());
        view::areas(screen, page.max(self.rows.len() + blanks))
    }

    /// Goes one step back within the overlay; `false` if the overlay should close instead.
    pub fn back(&mut self) -> bool {
        self.message = None;
        if self.page.take().is_some() {
            return true;
        }
        let was_filtering = self.is_typing || !self.query.is_empty();
        self.is_typing = false;
        self.query = TextField::default();
        let here = self.selected_item().cloned();
        self.filter(here.as_ref());
        was_filtering
    }

    pub fn paste(&mut self, text: &str) {
        if self.page.is_none() {
            self.is_typing = true;
            self.query.paste(text);
            self.apply_query();
        }
    }

    /// Shows a message until the next key.
    pub fn show_message(&mut self, message: impl Into<String>) {
        self.message = Some(message.into());
    }

    pub fn key_context(&self) -> KeyContext {
        match (&self.page, self.is_typing) {
            (Some(_), _) => KeyContext::ToolPage,
            (None, true) => KeyContext::Field,
            (None, false) => KeyContext::Tools,
        }
    }

    pub fn edit_query(&mut self, key: KeyEvent) {
        if self.key_context() == KeyContext::Field {
            let before = self.query.text();
            self.query.edit(key);
            if self.query.text() != before {
                self.apply_query();
            }
        }
    }

    /// Does what an action means here.
    pub fn on_action(&mut self, action: Action, screen: Rect) -> ToolListCommand {
        self.message = None;
        let parts = self.areas(screen);
        match action {
            Action::RestartServer => return self.restart_selected(),
            Action::AskTrust => self.ask_trust(),
            _ if self.page.is_some() => return self.on_page_action(action, parts.page.height.into()),
            _ => return self.on_list_action(action, parts.rows.height.into()),
        }
        ToolListCommand::Nothing
    }

    fn on_list_action(&mut self, action: Action, height: usize) -> ToolListCommand {
        let page = isize::try_from(height.max(1)).unwrap_or(1);
        match action {
            Action::RowDown => self.move_cursor(1),
            Action::RowUp => self.move_cursor(-1),
            Action::PageDown => self.move_cursor(page),
            Action::PageUp => self.move_cursor(-page),
            Action::FirstRow => self.move_cursor(isize::MIN),
            Action::LastRow => self.move_cursor(isize::MAX),
            Action::NextSection => self.go_to_section(1),
            Action::PreviousSection => self.go_to_section(-1),
            Action::SearchRows => self.is_typing = true,
            Action::SwitchTool => return self.switch_selected(),
            Action::ForceTool => match self.selected_item() {
                Some(ToolListItem::Tool(id)) => return ToolListCommand::Force(id.clone()),
                _ => self.show_message("f works on a tool: the next message must call it"),
            },
            Action::ReloadTools => return ToolListCommand::Reload,
            Action::Accept if self.is_typing => self.is_typing = false,
            Action::Accept => match self.selected_item().cloned() {
                Some(ToolListItem::ToolMode | ToolListItem::ParallelCalls) => return self.switch_selected(),
                Some(thing) => self.open_page(PageSubject::Item(thing)),
                None => (),
            },
            _ => (),
        }
        ToolListCommand::Nothing
    }

    fn on_page_action(&mut self, action: Action, height: usize) -> ToolListCommand {
        let Some(page) = &mut self.page else { return ToolListCommand::Nothing };
        let by = isize::try_from(height.max(1)).unwrap_or(1);
        let mut scroll = |by: isize| page.top = page.top.saturating_add_signed(by).min(page.rows.len());
        match action {
            Action::RowDown => scroll(1),
            Action::RowUp => scroll(-1),
            Action::PageDown => scroll(by),
            Action::PageUp => scroll(-by),
            Action::FirstRow => scroll(isize::MIN),
            Action::LastRow => scroll(isize::MAX),
            Action::ConfirmTrust => {
                if let PageSubject::Trust(server) = &page.subject {
                    let server = server.clone();
                    self.page = None;
                    return ToolListCommand::Trust(server);
                }
            }
            _ => (),
        }
        ToolListCommand::Nothing
    }

    /// Scrolls by this many rows, for the mouse wheel.
    pub fn on_wheel(&mut self, rows: isize) {
        match &mut self.page {
            Some(page) => page.top = page.top.saturating_add_signed(rows).min(page.rows.len()),
            None => self.move_cursor(rows),
        }
    }

    /// Puts the cursor on the clicked row; a click on its switch also switches it.
    pub fn on_click(&mut self, position: Position, screen: Rect) -> ToolListCommand {
        let parts = self.areas(screen);
        if self.page.is_some() || !parts.rows.contains(position) {
            return ToolListCommand::Nothing;
        }
        let clicked = self.top + usize::from(position.y - parts.rows.y);
        let Some(row) = self.row_at(clicked).filter(|row| row.item.is_some()) else { return ToolListCommand::Nothing };
        let on_switch = position.x < view::name_x(parts.rows, row.depth);
        self.cursor = clicked;
        if on_switch { self.switch_selected() } else { ToolListCommand::Nothing }
    }

    fn row_at(&self, index: usize) -> Option<&ToolRow> {
        self.visible_rows.get(index).copied().flatten().map(|row| &self.rows[row])
    }

    fn selected_row(&self) -> Option<&ToolRow> {
        self.row_at(self.cursor)
    }

    fn selected_item(&self) -> Option<&ToolListItem> {
        self.selected_row()?.item.as_ref()
    }

    fn switch_selected(&mut self) -> ToolListCommand {
        match self.selected_row().map(|row| (row.item.clone(), row.switch)) {
            Some((_, Some(ToolSwitch::Locked(why)))) => self.show_message(why),
            Some((Some(thing), _)) => return ToolListCommand::Switch(thing),
            _ => (),
        }
        ToolListCommand::Nothing
    }

    /// The name of the server under the cursor, or of the server of the tool there.
    fn selected_server(&self) -> Option<&str> {
        match self.selected_item()? {
            ToolListItem::Server(name) => Some(name),
            ToolListItem::Tool(id) => Some(&id.server),
            ToolListItem::ToolMode | ToolListItem::ParallelCalls | ToolListItem::Hosted(_) => None,
        }
    }

    fn restart_selected(&mut self) -> ToolListCommand {
        if let Some(server) = self.selected_server() {
            return ToolListCommand::Restart(server.to_owned());
        }
        self.show_message("r restarts an MCP server; this is none");
        ToolListCommand::Nothing
    }

    fn ask_trust(&mut self) {
        match self.selected_row().map(|row| (row.item.clone(), row.switch)) {
            Some((Some(ToolListItem::Server(name)), Some(ToolSwitch::Locked(rows::UNTRUSTED_REASON)))) => {
                self.open_page(PageSubject::Trust(name));
            }
            _ => self.show_message("t trusts an MCP server that is not trusted yet"),
        }
    }

    fn open_page(&mut self, subject: PageSubject) {
        self.page = Some(ToolPage { subject, title: String::new(), rows: Vec::new(), top: 0, layout_key: None });
    }

    /// Moves the cursor over `by` selectable rows; 0 moves it to the nearest one.
    fn move_cursor(&mut self, by: isize) {
        let selectable: Vec<usize> =
            (0..self.visible_rows.len()).filter(|at| self.row_at(*at).is_some_and(|row| row.item.is_some())).collect();
        let position = selectable.partition_point(|at| *at < self.cursor);
        let to = position.saturating_add_signed(by).min(selectable.len().saturating_sub(1));
        self.cursor = selectable.get(to).copied().unwrap_or(0);
    }

    /// Moves the cursor to the first row of the next or previous section or server.
    fn go_to_section(&mut self, by: isize) {
        let is_section_start = |at: &usize| {
            let begins = |row: &ToolRow| match row.item {
                Some(ToolListItem::Server(_) | ToolListItem::ToolMode) => true,
                Some(_) => at
                    .checked_sub(1)
                    .and_then(|above| self.row_at(above))
                    .is_some_and(|row| row.depth == RowDepth::Heading),
                None => false,
            };
            self.row_at(*at).is_some_and(begins)
        };
        let begins: Vec<usize> = (0..self.visible_rows.len()).filter(is_section_start).collect();
        let to = if by > 0 {
            begins.iter().find(|at| **at > self.cursor).or(begins.first())
        } else {
            begins.iter().rev().find(|at| **at < self.cursor).or(begins.last())
        };
        self.cursor = to.copied().unwrap_or(self.cursor);
    }

    /// Filters by the query and moves the cursor to the first row that matches.
    fn apply_query(&mut self) {
        let query = self.query.text();
        let found = self.rows.iter().filter(|row| row.item.is_some()).find(|row| row.matches(query.trim()));
        let found = found.and_then(|row| row.item.clone());
        self.filter(found.as_ref());
    }

    /// Shows the rows that match, with those that belong to them: a server's tools, a tool's server, the heading. The
    /// cursor goes to the given item, or stays nearby.
    fn filter(&mut self, cursor: Option<&ToolListItem>) {
        let query = self.query.text();
        let query = query.trim();
        let mut is_shown = vec![query.is_empty(); self.rows.len()];
        for index in 0..self.rows.len() {
            let row = &self.rows[index];
            if query.is_empty() || row.item.is_none() || !row.matches(query) {
                continue;
            }
            is_shown[index] = true;
            let below = self.rows[index + 1..].iter().take_while(|other| other.depth > row.depth).count();
            is_shown[index + 1..=index + below].fill(true);
            let mut depth = row.depth;
            for above in (0..index).rev() {
                if depth == RowDepth::Heading {
                    break;
                }
                if self.rows[above].depth < depth {
                    depth = self.rows[above].depth;
                    is_shown[above] = true;
                }
            }
        }
        self.visible_rows.clear();
        for (at, row) in self.rows.iter().enumerate().filter(|(at, _)| is_shown[*at]) {
            if row.depth == RowDepth::Heading && !self.visible_rows.is_empty() {
                self.visible_rows.push(None);
            }
            self.visible_rows.push(Some(at));
        }
        let is_target = |at: &usize| cursor.is_some() && self.row_at(*at).and_then(|row| row.item.as_ref()) == cursor;
        match (0..self.visible_rows.len()).find(is_target) {
            Some(at) => self.cursor = at,
            None => self.move_cursor(0),
        }
    }

    /// Scrolls the cursor into view. If it is on the first row, the heading above is visible too.
    fn scroll_to_cursor(&mut self, height: usize) {
        let height = height.max(1);
        let first = (0..self.visible_rows.len()).find(|at| self.row_at(*at).is_some_and(|row| row.item.is_some()));
        let max_top = if first == Some(self.cursor) { 0 } else { self.cursor };
        let last_top = self.visible_rows.len().saturating_sub(height);
        self.top = self.top.clamp((self.cursor + 1).saturating_sub(height), self.cursor).min(max_top).min(last_top);
    }
}
