//! The commands: recent conversations, everything that can be done, conversations and models, found by typing.

mod descriptions;
mod view;

use std::borrow::Cow;

use crossterm::event::KeyEvent;
use ratatui::layout::{Position, Rect};

use crate::{
    chat::ConversationId,
    render::theme::ColourRole,
    text::ranking::{self, MatchGrade, RankCandidate},
    ui::{
        Action,
        overlay::{
            field::TextField,
            list_browser::{BrowserRow, ListBrowser},
        },
    },
};
pub use descriptions::{describe, shell_command};
pub use view::CommandListView;

/// The overlay and what is typed into it.
#[derive(Debug, Clone, Default)]
pub struct CommandList {
    pub query: TextField,
    /// Commands by use, then conversations, then models: the order of rows that match equally well.
    rows: Vec<CommandRow>,
    /// The last row once something is typed: what searches everything for it.
    search_row: Option<CommandRow>,
    /// How many of the first conversations are listed before anything is typed.
    recent_count: usize,
    /// Whether a command has ever been run from here.
    has_used: bool,
    browser: ListBrowser<CommandEntry>,
}

/// One thing that can be chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandRow {
    pub title: String,
    /// Further text that finds it.
    pub terms: String,
    /// What is in force, or when it was.
    pub value: String,
    pub side: CommandSide,
    /// The rows of text below the list.
    pub about: Vec<String>,
    /// What does the same in the composer, and in a shell.
    pub composer: Option<String>,
    pub shell: Option<String>,
    pub target: CommandTarget,
}

impl CommandRow {
    /// The title in which a query is searched: one word does not find the small words of a command.
    fn ranked_title(&self, is_word: bool) -> Cow<'_, str> {
        match self.target {
            CommandTarget::Action(_) if is_word => Cow::Owned(ranking::blank_small_words(&self.title)),
            _ => Cow::Borrowed(&self.title),
        }
    }
}

/// What stands at the right of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CommandSide {
    Keys(String),
    /// A slash name, or the kind of the row.
    Word(String),
    Mark(&'static str, ColourRole),
    Nothing,
}

/// What a row does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CommandTarget {
    Action(Action),
    Conversation(ConversationId),
    Model(String),
    Theme(String),
    /// Searches everything that was said.
    Search(String),
}

/// A line of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
enum CommandEntry {
    Heading(&'static str),
    Blank,
    /// The index of a row, and the clusters of its title that match.
    Row(usize, Vec<u32>),
    Search,
}

impl BrowserRow for CommandEntry {
    fn is_selectable(&self) -> bool {
        matches!(self, Self::Row(..) | Self::Search)
    }
}

impl CommandList {
    /// Creates the list; of the conversations, as many as `recent_count` come first while nothing is typed.
    pub fn new(rows: Vec<CommandRow>, recent_count: usize, has_used: bool) -> Self {
        let mut list = Self { rows, recent_count, has_used, ..Self::default() };
        list.update();
        list
    }

    /// Lists other rows; the cursor stays on what it was on, if that is still listed.
    pub fn replace_rows(&mut self, rows: Vec<CommandRow>) {
        let selected = self.selected().map(|row| row.target.clone());
        self.rows = rows;
        self.update();
        let rows = &self.rows;
        self.browser.select_first(
            |entry| matches!(entry, CommandEntry::Row(index, _) if Some(&rows[*index].target) == selected.as_ref()),
        );
    }

    /// The row under the cursor, which Enter runs.
    pub fn selected(&self) -> Option<&CommandRow> {
        match self.browser.selected()? {
            CommandEntry::Row(index, _) => self.rows.get(*index),
            CommandEntry::Search => self.search_row.as_ref(),
            CommandEntry::Heading(_) | CommandEntry::Blank => None,
        }
    }

    /// The titles of the listed rows, in order.
    pub fn titles(&self) -> impl Iterator<Item = &str> {
        self.browser.rows().iter().filter_map(|entry| match entry {
            CommandEntry::Row(index, _) => Some(self.rows[*index].title.as_str()),
            CommandEntry::Heading(_) | CommandEntry::Blank | CommandEntry::Search => None,
        })
    }

    pub fn edit(&mut self, key: KeyEvent) {
        if self.query.edit_query(key) {
            self.update();
        }
    }

    pub fn paste(&mut self, text: &str) {
        self.query.paste(text);
        self.update();
    }

    /// Moves the cursor as an action says.
    pub fn on_action(&mut self, action: Action, screen: Rect) {
        self.browser.on_action(action, view::list_height(screen).into());
    }

    pub fn on_wheel(&mut self, rows: isize) {
        self.browser.move_cursor(rows);
    }

    /// Moves the cursor to the row at a position of the screen; `false` if there is none.
    pub fn on_click(&mut self, position: Position, screen: Rect) -> bool {
        self.browser.on_click(position, view::list_area(screen))
    }

    /// Scrolls the cursor into view; called before each frame.
    pub fn scroll_to_cursor(&mut self, screen: Rect) {
        self.browser.scroll_to_cursor(view::list_height(screen).into());
    }

    fn update(&mut self) {
        let query = self.query.text();
        self.search_row = search_row(query.trim());
        let entries = if query.trim().is_empty() { self.unfiltered() } else { self.filtered(&query) };
        self.browser.set_rows(entries);
        self.browser.go_to_start();
    }

    /// The recent conversations, then the commands.
    fn unfiltered(&self) -> Vec<CommandEntry> {
        let row = |(index, _): (usize, &CommandRow)| CommandEntry::Row(index, Vec::new());
        let all = || self.rows.iter().enumerate();
        let is_conversation = |row: &CommandRow| matches!(row.target, CommandTarget::Conversation(_));
        let recent = all().filter(|(_, row)| is_conversation(row)).take(self.recent_count);
        let mut entries: Vec<CommandEntry> = recent.map(row).collect();
        if !entries.is_empty() {
            entries.insert(0, CommandEntry::Heading("Recent"));
            entries.push(CommandEntry::Blank);
            entries.push(CommandEntry::Heading(if self.has_used { "Most used" } else { "Commands" }));
        }
        entries.extend(all().filter(|(_, row)| matches!(row.target, CommandTarget::Action(_))).map(row));
        entries
    }

    /// The rows that match, with a blank row between those that match better and worse.
    fn filtered(&self, query: &str) -> Vec<CommandEntry> {
        let is_word = query.split_whitespace().count() == 1;
        let titles: Vec<Cow<str>> = self.rows.iter().map(|row| row.ranked_title(is_word)).collect();
        let candidates = titles.iter().zip(&self.rows).map(|(title, row)| RankCandidate { title, terms: &row.terms });
        let mut entries = Vec::new();
        let mut group = None;
        for found in ranking::rank(query, candidates) {
            // The whole title and its beginning are one group.
            let grade = found.grade.max(MatchGrade::Beginning);
            if group.is_some_and(|group| group != grade) {
                entries.push(CommandEntry::Blank);
            }
            group = Some(grade);
            entries.push(CommandEntry::Row(found.index, found.clusters));
        }
        if !entries.is_empty() {
            entries.push(CommandEntry::Blank);
        }
        entries.push(CommandEntry::Search);
        entries
    }

    /// The count at the right of the field.
    fn count_text(&self) -> String {
        let is_command = |row: &&CommandRow| matches!(row.target, CommandTarget::Action(_));
        if self.query.text().trim().is_empty() {
            format!("{} commands", self.rows.iter().filter(is_command).count())
        } else {
            format!("{} of {}", self.titles().count(), self.rows.len())
        }
    }
}

/// The row that searches everything for what is typed.
fn search_row(query: &str) -> Option<CommandRow> {
    (!query.is_empty()).then(|| CommandRow {
        title: format!("Search what was said: {query}"),
        terms: String::new(),
        value: String::new(),
        side: CommandSide::Word("search".into()),
        about: vec![describe(Action::SearchAll).to_owned()],
        composer: Some(format!("/search {query}")),
        shell: shell_command(Action::SearchAll).map(str::to_owned),
        target: CommandTarget::Search(query.to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(title: &str) -> CommandRow {
        CommandRow {
            title: title.to_owned(),
            terms: String::new(),
            value: String::new(),
            side: CommandSide::Nothing,
            about: Vec::new(),
            composer: None,
            shell: None,
            target: CommandTarget::Model(title.to_owned()),
        }
    }

    #[test]
    fn groups_of_equal_rank_are_separated_and_the_first_row_is_selected() {
        let mut list = CommandList::new(vec![row("my export"), row("export"), row("exports")], 0, false);
        list.paste("export");
        let kinds: Vec<bool> = list.browser.rows().iter().map(BrowserRow::is_selectable).collect();
        assert_eq!(kinds, [true, true, false, true, false, true]);
        assert_eq!(list.titles().collect::<Vec<_>>(), ["export", "exports", "my export"]);
        assert_eq!(list.selected().map(|row| row.title.as_str()), Some("export"));
        list.paste("zzz");
        assert_eq!(list.selected().map(|row| row.title.as_str()), Some("Search what was said: exportzzz"));
    }
}
