//! The tools of a conversation: servers, programs and the endpoint's own, switched, chosen, looked into, trusted.

mod page;
mod rows;
mod view;

use crossterm::event::{KeyCode, KeyEvent};
use ratatui::layout::{Position, Rect};

use super::{field::Field, row};
use crate::tools::ToolId;
pub use page::Subject;
use rows::{Depth, Row, Switch};
pub use rows::{Facts, Search, Thing};
pub use view::ToolListView;

/// An overlay over everything that a model may call.
#[derive(Debug, Clone, Default)]
pub struct ToolList {
    query: Field,
    /// Keys go to the field.
    typing: bool,
    rows: Vec<Row>,
    /// The rows that match; `None` is a blank one.
    shown: Vec<Option<usize>>,
    cursor: usize,
    top: usize,
    /// Of the row under the cursor.
    detail: Vec<row::Row>,
    page: Option<Page>,
    /// What came of the last key, until the next one.
    said: Option<String>,
}

/// One server or tool in full.
#[derive(Debug, Clone)]
struct Page {
    of: Subject,
    title: String,
    rows: Vec<row::Row>,
    top: usize,
    /// The width and the facts that it was laid out for.
    laid_out: Option<(u16, u64)>,
}

/// What a key asks of the program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    Nothing,
    /// On or off, or the next of a few.
    Switch(Thing),
    /// The next message must call it, or need not any more.
    Force(ToolId),
    Restart(String),
    Reload,
    /// The file that names this server was seen, and is taken as one's own.
    Trust(String),
}

impl ToolList {
    /// Asks at once whether the file of a server is trusted.
    pub fn asking_about(server: String) -> Self {
        let mut list = Self::default();
        list.look(Subject::Trust(server));
        list
    }

    /// Before a frame: what is known by now, and the cursor in sight.
    pub fn arrange(&mut self, facts: &Facts, screen: Rect) {
        let asked = match &self.page {
            Some(Page { of: Subject::Trust(server), .. }) => Some(Thing::Server(server.clone())),
            _ => None,
        };
        let here = self.thing().cloned().or(asked);
        self.rows = rows::of(facts);
        self.filter(here.as_ref());
        let parts = self.parts(screen);
        self.scroll_to_cursor(parts.rows.height.into());
        let width = view::column(parts.detail).width;
        self.detail = self.thing().map_or_else(Vec::new, |thing| page::detail(thing, facts, width.into()));
        let width = view::column(parts.page).width;
        if let Some(page) = &mut self.page
            && page.laid_out != Some((width, facts.rev))
        {
            page.laid_out = Some((width, facts.rev));
            page.title = page::title(&page.of, facts);
            page.rows = page::of(&page.of, facts, width.into());
        }
        let height = usize::from(self.parts(screen).page.height);
        if let Some(page) = &mut self.page {
            page.top = page.top.min(page.rows.len().saturating_sub(height));
        }
    }

    /// Where everything stands.
    fn parts(&self, screen: Rect) -> view::Parts {
        let blanks = self.rows.iter().skip(1).filter(|row| row.depth == Depth::Heading).count();
        let page = self.page.as_ref().map_or(0, |page| page.rows.len());
        view::parts(screen, page.max(self.rows.len() + blanks))
    }

    /// One step back within the overlay; `false` when there is none and it is to be closed.
    pub fn back(&mut self) -> bool {
        self.said = None;
        if self.page.take().is_some() {
            return true;
        }
        let searched = self.typing || !self.query.is_empty();
        self.typing = false;
        self.query = Field::default();
        let here = self.thing().cloned();
        self.filter(here.as_ref());
        searched
    }

    pub fn paste(&mut self, text: &str) {
        if self.page.is_none() {
            self.typing = true;
            self.query.paste(text);
            self.search();
        }
    }

    /// Tells what came of a wish.
    pub fn say(&mut self, words: impl Into<String>) {
        self.said = Some(words.into());
    }

    pub fn key(&mut self, key: KeyEvent, screen: Rect) -> Wish {
        self.said = None;
        let parts = self.parts(screen);
        if self.page.is_some() {
            return self.page_key(key, parts.page.height.into());
        }
        if self.typing {
            self.type_key(key);
            return Wish::Nothing;
        }
        let page = isize::try_from(parts.rows.height.max(1)).unwrap_or(1);
        match key.code {
            KeyCode::Down | KeyCode::Char('j') => self.step(1),
            KeyCode::Up | KeyCode::Char('k') => self.step(-1),
            KeyCode::PageDown => self.step(page),
            KeyCode::PageUp => self.step(-page),
            KeyCode::Home | KeyCode::Char('g') => self.step(isize::MIN),
            KeyCode::End | KeyCode::Char('G') => self.step(isize::MAX),
            KeyCode::Tab => self.go_to_section(1),
            KeyCode::BackTab => self.go_to_section(-1),
            KeyCode::Char('/') => self.typing = true,
            KeyCode::Char(' ') => return self.switch(),
            KeyCode::Char('f') => match self.thing() {
                Some(Thing::Tool(id)) => return Wish::Force(id.clone()),
                _ => self.say("f is for the row of a tool: the next message must call it"),
            },
            KeyCode::Char('R') => return Wish::Reload,
            KeyCode::Char('r') => return self.restart(),
            KeyCode::Char('t') => self.ask_trust(),
            KeyCode::Enter => match self.thing().cloned() {
                Some(Thing::Choice | Thing::Calls) => return self.switch(),
                Some(thing) => self.look(Subject::Thing(thing)),
                None => (),
            },
            _ => (),
        }
        Wish::Nothing
    }

    fn page_key(&mut self, key: KeyEvent, height: usize) -> Wish {
        let Some(page) = &mut self.page else { return Wish::Nothing };
        let by = isize::try_from(height.max(1)).unwrap_or(1);
        let mut scroll = |by: isize| page.top = page.top.saturating_add_signed(by).min(page.rows.len());
        match key.code {
            KeyCode::Down | KeyCode::Char('j') => scroll(1),
            KeyCode::Up | KeyCode::Char('k') => scroll(-1),
            KeyCode::PageDown | KeyCode::Char(' ') => scroll(by),
            KeyCode::PageUp => scroll(-by),
            KeyCode::Home | KeyCode::Char('g') => scroll(isize::MIN),
            KeyCode::End | KeyCode::Char('G') => scroll(isize::MAX),
            KeyCode::Char('y') => {
                if let Subject::Trust(server) = &page.of {
                    let server = server.clone();
                    self.page = None;
                    return Wish::Trust(server);
                }
            }
            KeyCode::Char('t') => self.ask_trust(),
            KeyCode::Char('r') => return self.restart(),
            _ => (),
        }
        Wish::Nothing
    }

    fn type_key(&mut self, key: KeyEvent) {
        match key.code {
            KeyCode::Enter => self.typing = false,
            KeyCode::Down => self.step(1),
            KeyCode::Up => self.step(-1),
            _ => {
                let before = self.query.text();
                self.query.edit(key);
                if self.query.text() != before {
                    self.search();
                }
            }
        }
    }

    /// Rows of the wheel.
    pub fn wheel(&mut self, rows: isize) {
        match &mut self.page {
            Some(page) => page.top = page.top.saturating_add_signed(rows).min(page.rows.len()),
            None => self.step(rows),
        }
    }

    /// A click puts the cursor on a row; on its switch it switches.
    pub fn click(&mut self, at: Position, screen: Rect) -> Wish {
        let parts = self.parts(screen);
        if self.page.is_some() || !parts.rows.contains(at) {
            return Wish::Nothing;
        }
        let clicked = self.top + usize::from(at.y - parts.rows.y);
        let Some(row) = self.at(clicked).filter(|row| row.thing.is_some()) else { return Wish::Nothing };
        let on_switch = at.x < view::name_at(parts.rows, row.depth);
        self.cursor = clicked;
        if on_switch { self.switch() } else { Wish::Nothing }
    }

    fn at(&self, at: usize) -> Option<&Row> {
        self.shown.get(at).copied().flatten().map(|row| &self.rows[row])
    }

    fn row(&self) -> Option<&Row> {
        self.at(self.cursor)
    }

    fn thing(&self) -> Option<&Thing> {
        self.row()?.thing.as_ref()
    }

    fn switch(&mut self) -> Wish {
        match self.row().map(|row| (row.thing.clone(), row.switch)) {
            Some((_, Some(Switch::Stuck(why)))) => self.say(why),
            Some((Some(thing), _)) => return Wish::Switch(thing),
            _ => (),
        }
        Wish::Nothing
    }

    /// The server under the cursor, or that of the tool.
    fn server(&self) -> Option<&str> {
        match self.thing()? {
            Thing::Server(name) => Some(name),
            Thing::Tool(id) => Some(&id.server),
            Thing::Choice | Thing::Calls | Thing::Hosted(_) => None,
        }
    }

    fn restart(&mut self) -> Wish {
        if let Some(server) = self.server() {
            return Wish::Restart(server.to_owned());
        }
        self.say("r is for a server: it is started again");
        Wish::Nothing
    }

    fn ask_trust(&mut self) {
        match self.row().map(|row| (row.thing.clone(), row.switch)) {
            Some((Some(Thing::Server(name)), Some(Switch::Stuck(rows::UNTRUSTED)))) => self.look(Subject::Trust(name)),
            _ => self.say("t is for a server that is not trusted yet"),
        }
    }

    fn look(&mut self, of: Subject) {
        self.page = Some(Page { of, title: String::new(), rows: Vec::new(), top: 0, laid_out: None });
    }

    /// Moves the cursor by rows that can have it; with 0 to the nearest.
    fn step(&mut self, by: isize) {
        let can: Vec<usize> =
            (0..self.shown.len()).filter(|at| self.at(*at).is_some_and(|row| row.thing.is_some())).collect();
        let here = can.partition_point(|at| *at < self.cursor);
        let to = here.saturating_add_signed(by).min(can.len().saturating_sub(1));
        self.cursor = can.get(to).copied().unwrap_or(0);
    }

    /// To the first row of the next section or server, or of the one before.
    fn go_to_section(&mut self, by: isize) {
        let is_begin = |at: &usize| {
            let begins = |row: &Row| match row.thing {
                Some(Thing::Server(_) | Thing::Choice) => true,
                Some(_) => {
                    at.checked_sub(1).and_then(|above| self.at(above)).is_some_and(|row| row.depth == Depth::Heading)
                }
                None => false,
            };
            self.at(*at).is_some_and(begins)
        };
        let begins: Vec<usize> = (0..self.shown.len()).filter(is_begin).collect();
        let to = if by > 0 {
            begins.iter().find(|at| **at > self.cursor).or(begins.first())
        } else {
            begins.iter().rev().find(|at| **at < self.cursor).or(begins.last())
        };
        self.cursor = to.copied().unwrap_or(self.cursor);
    }

    /// The cursor goes to the first row that matches.
    fn search(&mut self) {
        let query = self.query.text();
        let found = self.rows.iter().filter(|row| row.thing.is_some()).find(|row| row.matches(query.trim()));
        let found = found.and_then(|row| row.thing.clone());
        self.filter(found.as_ref());
    }

    /// The rows that match, with what stands above and below them: a server's tools, a tool's server, the heading. The
    /// cursor goes to that one, or stays nearby.
    fn filter(&mut self, cursor: Option<&Thing>) {
        let query = self.query.text();
        let query = query.trim();
        let mut keep = vec![query.is_empty(); self.rows.len()];
        for at in 0..self.rows.len() {
            let row = &self.rows[at];
            if query.is_empty() || row.thing.is_none() || !row.matches(query) {
                continue;
            }
            keep[at] = true;
            let below = self.rows[at + 1..].iter().take_while(|other| other.depth > row.depth).count();
            keep[at + 1..=at + below].fill(true);
            let mut depth = row.depth;
            for above in (0..at).rev() {
                if depth == Depth::Heading {
                    break;
                }
                if self.rows[above].depth < depth {
                    depth = self.rows[above].depth;
                    keep[above] = true;
                }
            }
        }
        self.shown.clear();
        for (at, row) in self.rows.iter().enumerate().filter(|(at, _)| keep[*at]) {
            if row.depth == Depth::Heading && !self.shown.is_empty() {
                self.shown.push(None);
            }
            self.shown.push(Some(at));
        }
        let is_it = |at: &usize| cursor.is_some() && self.at(*at).and_then(|row| row.thing.as_ref()) == cursor;
        match (0..self.shown.len()).find(is_it) {
            Some(at) => self.cursor = at,
            None => self.step(0),
        }
    }

    /// With the first row the heading above it is seen.
    fn scroll_to_cursor(&mut self, height: usize) {
        let height = height.max(1);
        let first = (0..self.shown.len()).find(|at| self.at(*at).is_some_and(|row| row.thing.is_some()));
        let high = if first == Some(self.cursor) { 0 } else { self.cursor };
        let last_top = self.shown.len().saturating_sub(height);
        self.top = self.top.clamp((self.cursor + 1).saturating_sub(height), self.cursor).min(high).min(last_top);
    }
}
