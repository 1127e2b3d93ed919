//! The list of a conversation's tools: to switch and inspect them, require a call, and trust or restart MCP servers.

mod page;
mod rows;
pub mod tool_registry;
mod view;
mod weights;

use std::path::PathBuf;

use crossterm::event::KeyEvent;
use ratatui::layout::{Position, Rect};

use super::{
    Action,
    keymap::KeyContext,
    overlay::{
        frame,
        list_browser::{self, BrowserRow, ListBrowser},
        search::SearchField,
    },
};
use crate::render::row;
use crate::tools::ToolId;
pub use page::PageSubject;
use rows::{RowDepth, ToolRow, ToolSwitch};
pub use rows::{ToolFacts, ToolListItem, WebSearchState};
pub use view::ToolListView;
use weights::SchemaWeights;

/// An overlay that lists every tool a model may call.
#[derive(Debug, Clone, Default)]
pub struct ToolList {
    search: SearchField,
    rows: Vec<ToolRow>,
    weights: SchemaWeights,
    /// The rows that match, with blank rows between sections.
    listed: ListBrowser<ListedTool>,
    /// The details of the row under the cursor.
    detail_rows: Vec<row::StyledRow>,
    page: Option<ToolPage>,
    /// A message about the last key, until the next one.
    message: Option<String>,
}

/// A row that is listed, or a blank row.
#[derive(Debug, Clone, Copy)]
struct ListedTool {
    row_index: Option<usize>,
    has_item: bool,
}

impl BrowserRow for ListedTool {
    fn is_selectable(&self) -> bool {
        self.has_item
    }
}

/// The page of one server or tool.
#[derive(Debug, Clone)]
struct ToolPage {
    subject: PageSubject,
    title: String,
    rows: Vec<row::StyledRow>,
    /// The file that the rows ask to trust, and the hash that stands for what they show.
    shown_file: Option<(PathBuf, String)>,
    /// Whether the user allowed the tool, so that it can be taken back.
    has_grant: bool,
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
    /// Trust the file that defines this server, as it was shown.
    Trust {
        path: PathBuf,
        file_hash: String,
    },
    /// Take back what allows the tool without asking, as far as the user allowed it on a card.
    Forget(ToolId),
}

impl ToolPage {
    fn scroll(&mut self, rows: isize) {
        self.top = self.top.saturating_add_signed(rows).min(self.rows.len());
    }
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
        self.weights.update(facts.toolbox, facts.rev);
        self.rows = rows::build_rows(facts, &self.weights);
        self.filter(selected_item.as_ref());
        let parts = self.areas(screen);
        self.listed.scroll_to_cursor(parts.rows.height.into());
        let width = frame::text_column(parts.detail).width;
        self.detail_rows =
            self.selected_item().map_or_else(Vec::new, |thing| page::detail_rows(thing, facts, width.into()));
        let width = frame::text_column(parts.page).width;
        if let Some(page) = &mut self.page
            && page.layout_key != Some((width, facts.rev))
        {
            page.layout_key = Some((width, facts.rev));
            page.title = page::page_title(&page.subject, facts);
            page.rows = page::page_rows(&page.subject, facts, width.into());
            page.shown_file = page::asked_file(&page.subject, facts);
            page.has_grant = page::has_grant(&page.subject, facts);
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
        let was_filtering = self.search.is_typing() || !self.search.is_empty();
        self.search.clear();
        let here = self.selected_item().cloned();
        self.filter(here.as_ref());
        was_filtering
    }

    pub fn paste(&mut self, text: &str) {
        if self.page.is_none() {
            self.search.paste(text);
            self.apply_query();
        }
    }

    /// Shows a message until the next key.
    pub fn show_message(&mut self, message: impl Into<String>) {
        self.message = Some(message.into());
    }

    pub fn key_context(&self) -> KeyContext {
        match (&self.page, self.search.is_typing()) {
            (Some(_), _) => KeyContext::ToolPage,
            (None, true) => KeyContext::Field,
            (None, false) => KeyContext::Tools,
        }
    }

    pub fn edit_query(&mut self, key: KeyEvent) {
        if self.key_context() == KeyContext::Field && self.search.edit(key) {
            self.apply_query();
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
        match action {
            Action::NextSection => self.go_to_section(true),
            Action::PreviousSection => self.go_to_section(false),
            Action::SearchRows => self.search.start_typing(),
            Action::SwitchTool => return self.switch_selected(),
            Action::ForceTool => match self.selected_item() {
                Some(ToolListItem::Tool(id)) => return ToolListCommand::Force(id.clone()),
                _ => self.show_message("go to a tool first: the next message must then call it"),
            },
            Action::ReloadTools => return ToolListCommand::Reload,
            Action::Accept if self.search.is_typing() => self.search.stop_typing(),
            Action::Accept => match self.selected_item().cloned() {
                Some(ToolListItem::ToolMode | ToolListItem::ParallelCalls) => return self.switch_selected(),
                Some(thing) => self.open_page(PageSubject::Item(thing)),
                None => (),
            },
            _ => _ = self.listed.on_action(action, height),
        }
        ToolListCommand::Nothing
    }

    fn on_page_action(&mut self, action: Action, height: usize) -> ToolListCommand {
        let Some(page) = &mut self.page else { return ToolListCommand::Nothing };
        match (action, &page.subject) {
            (Action::ConfirmTrust, PageSubject::Trust(_)) => {
                let Some((path, file_hash)) = page.shown_file.take() else { return ToolListCommand::Nothing };
                self.page = None;
                return ToolListCommand::Trust { path, file_hash };
            }
            (Action::ForgetGrant, PageSubject::Item(ToolListItem::Tool(id))) => {
                return ToolListCommand::Forget(id.clone());
            }
            _ => (),
        }
        page.scroll(list_browser::row_step(action, height).unwrap_or(0));
        ToolListCommand::Nothing
    }

    /// Scrolls by this many rows, for the mouse wheel.
    pub fn on_wheel(&mut self, rows: isize) {
        match &mut self.page {
            Some(page) => page.scroll(rows),
            None => self.listed.move_cursor(rows),
        }
    }

    /// Puts the cursor on the clicked row; a click on its switch also switches it.
    pub fn on_click(&mut self, position: Position, screen: Rect) -> ToolListCommand {
        let parts = self.areas(screen);
        if self.page.is_some() || !self.listed.on_click(position, parts.rows) {
            return ToolListCommand::Nothing;
        }
        let is_on_switch = self.selected_row().is_some_and(|row| position.x < view::name_x(parts.rows, row.depth));
        if is_on_switch { self.switch_selected() } else { ToolListCommand::Nothing }
    }

    fn selected_row(&self) -> Option<&ToolRow> {
        self.listed.selected()?.row_index.map(|row| &self.rows[row])
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
        self.show_message("only an MCP server can be restarted");
        ToolListCommand::Nothing
    }

    fn ask_trust(&mut self) {
        match self.selected_row().map(|row| (row.item.clone(), row.switch)) {
            Some((Some(ToolListItem::Server(name)), Some(ToolSwitch::Locked(rows::UNTRUSTED_REASON)))) => {
                self.open_page(PageSubject::Trust(name));
            }
            _ => self.show_message("there is nothing to trust here"),
        }
    }

    fn open_page(&mut self, subject: PageSubject) {
        self.page = Some(ToolPage {
            subject,
            title: String::new(),
            rows: Vec::new(),
            shown_file: None,
            has_grant: false,
            top: 0,
            layout_key: None,
        });
    }

    /// Moves the cursor to the first row of the next or previous section or server.
    fn go_to_section(&mut self, is_down: bool) {
        let Self { listed, rows, .. } = self;
        let row_of = |entry: &ListedTool| entry.row_index.map(|row| &rows[row]);
        let entries: Vec<_> = listed.rows().iter().map(row_of).collect();
        let is_heading = |index: usize| entries[index].is_some_and(|row| row.depth == RowDepth::Heading);
        let is_section_start = |index: usize| match entries[index].and_then(|row| row.item.as_ref()) {
            Some(ToolListItem::Server(_) | ToolListItem::ToolMode) => true,
            Some(_) => index > 0 && is_heading(index - 1),
            None => false,
        };
        let starts: Vec<bool> = (0..entries.len()).map(is_section_start).collect();
        listed.go_to_next(is_down, |index| starts[index]);
    }

    /// Filters by the query and moves the cursor to the first row that matches.
    fn apply_query(&mut self) {
        let query = self.search.text();
        let found = self.rows.iter().filter(|row| row.item.is_some()).find(|row| row.matches(query.trim()));
        let found = found.and_then(|row| row.item.clone());
        self.filter(found.as_ref());
    }

    /// Shows the rows that match, with those that belong to them: a server's tools, a tool's server, the heading. The
    /// cursor goes to the given item, or stays nearby.
    fn filter(&mut self, cursor: Option<&ToolListItem>) {
        let query = self.search.text();
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
        let mut listed: Vec<ListedTool> = Vec::new();
        for (index, row) in self.rows.iter().enumerate().filter(|(index, _)| is_shown[*index]) {
            if row.depth == RowDepth::Heading && !listed.is_empty() {
                listed.push(ListedTool { row_index: None, has_item: false });
            }
            listed.push(ListedTool { row_index: Some(index), has_item: row.item.is_some() });
        }
        self.listed.set_rows(listed);
        let item_of = |entry: &ListedTool| entry.row_index.and_then(|row| self.rows[row].item.as_ref());
        self.listed.select_first(|entry| cursor.is_some() && item_of(entry) == cursor);
    }
}
