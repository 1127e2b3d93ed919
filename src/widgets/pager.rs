//! The pager: what a call was asked and what came of it, in full, to be searched and copied.

mod page;
mod rows;
mod view;

use std::ops::Range;

use crossterm::event::{KeyCode, KeyEvent};
use ratatui::layout::{Position, Rect, Size};

use super::{
    result,
    search::{self, Search, Typed},
    theme::Marks,
};
use crate::{
    chat::{MessageId, Run, Slot, Stage, answer::Call},
    tools::Outcome,
};
use page::Page;
use rows::Row;
pub use view::PagerView;

/// An overlay over one call.
#[derive(Debug, Clone)]
pub struct Pager {
    pub message: MessageId,
    pub slot: Slot,
    call: Call,
    run: Option<Run>,
    kept: Kept,
    /// Which of how many calls of its answer it is, counted from 1.
    place: (usize, usize),
    page: Page,
    rows: Vec<Row>,
    /// The row at the top.
    top: usize,
    search: Search,
    found: Vec<Range<usize>>,
    current: Option<usize>,
    size: Size,
    marks: Marks,
}

/// Where all of a result is.
#[derive(Debug, Clone, PartialEq)]
enum Kept {
    /// With its message.
    Here,
    /// On the disk, which was asked.
    Loading,
    Loaded(Box<Outcome>),
    Failed(String),
}

/// What a key asks of the program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    Nothing,
    Copy(String),
    Save {
        stem: String,
        text: String,
    },
    /// So many calls on.
    Step(isize),
    Close,
}

impl Pager {
    pub fn new(message: MessageId, slot: Slot, call: &Call, run: Option<&Run>, marks: Marks) -> Self {
        let mut pager = Self {
            message,
            slot,
            call: call.clone(),
            run: run.cloned(),
            kept: Kept::Here,
            place: (1, 1),
            page: Page::default(),
            rows: Vec::new(),
            top: 0,
            search: Search::default(),
            found: Vec::new(),
            current: None,
            size: Size::default(),
            marks,
        };
        pager.settle();
        pager
    }

    /// The call as it is now. `true` when all of its result lies elsewhere and has not been asked for.
    pub fn show(&mut self, call: &Call, run: Option<&Run>, place: (usize, usize)) -> bool {
        self.place = place;
        if self.call != *call || self.run.as_ref() != run {
            self.call = call.clone();
            self.run = run.cloned();
            self.settle();
        }
        let lacks = self.kept == Kept::Here && self.run.as_ref().is_some_and(|run| run.whole.is_some());
        if lacks {
            self.kept = Kept::Loading;
            self.settle();
        }
        lacks
    }

    /// All of the result has come from the disk, or will not.
    pub fn fill(&mut self, whole: Result<Box<Outcome>, String>) {
        self.kept = whole.map_or_else(Kept::Failed, Kept::Loaded);
        self.settle();
    }

    pub fn loads(&self) -> bool {
        self.kept == Kept::Loading
    }

    /// What came of it, as far as it is here.
    fn outcome(&self) -> Option<&Outcome> {
        match (&self.kept, &self.run.as_ref()?.stage) {
            (Kept::Loaded(outcome), _) => Some(outcome),
            (_, Stage::Done(outcome)) => Some(outcome),
            _ => None,
        }
    }

    /// Writes the page anew; the top stays where it is.
    fn settle(&mut self) {
        self.page = page::of(self);
        self.lay_out();
        self.look();
    }

    fn lay_out(&mut self) {
        let parts = search::parts(Rect::from((Position::ORIGIN, self.size)));
        self.rows = rows::lay_out(&self.page, search::column(parts.rows).width.into());
        self.scroll(0);
    }

    /// Before a frame: what depends on the width.
    pub fn arrange(&mut self, size: Size) {
        if self.size != size {
            let top = self.rows.get(self.top).map(|row| row.start);
            self.size = size;
            self.lay_out();
            self.top = top.map_or(0, |start| self.row_at(start));
        }
        self.scroll(0);
    }

    fn height(&self) -> usize {
        search::parts(Rect::from((Position::ORIGIN, self.size))).rows.height.max(1).into()
    }

    fn scroll(&mut self, by: isize) {
        let last = self.rows.len().saturating_sub(self.height());
        self.top = self.top.saturating_add_signed(by).min(last);
    }

    /// The row in which a byte of the page stands.
    fn row_at(&self, byte: usize) -> usize {
        self.rows.partition_point(|row| row.start <= byte).saturating_sub(1)
    }

    /// One step back within the overlay; `false` when there is none and it is to be closed.
    pub fn back(&mut self) -> bool {
        let searches = self.search.types() || !self.search.is_empty();
        self.search.clear();
        self.look();
        searches
    }

    pub fn paste(&mut self, text: &str) {
        self.search.paste(text);
        self.look_from_here();
    }

    pub fn key(&mut self, key: KeyEvent) -> Wish {
        if self.search.types() {
            match self.search.key(key) {
                Typed::Nothing => (),
                Typed::Changed => self.look_from_here(),
                Typed::Step(by) => self.go_to_match(by),
            }
            return Wish::Nothing;
        }
        let page = isize::try_from(self.height()).unwrap_or(1);
        match key.code {
            KeyCode::Down | KeyCode::Char('j') | KeyCode::Enter => self.scroll(1),
            KeyCode::Up | KeyCode::Char('k') => self.scroll(-1),
            KeyCode::PageDown | KeyCode::Char(' ') => self.scroll(page - 1),
            KeyCode::PageUp => self.scroll(1 - page),
            KeyCode::Char('d') => self.scroll(page / 2),
            KeyCode::Char('u') => self.scroll(-page / 2),
            KeyCode::Home | KeyCode::Char('g') => self.scroll(isize::MIN),
            KeyCode::End | KeyCode::Char('G') => self.scroll(isize::MAX),
            KeyCode::Tab => self.go_to_head(true),
            KeyCode::BackTab => self.go_to_head(false),
            KeyCode::Char('n') => self.go_to_match(1),
            KeyCode::Char('N') => self.go_to_match(-1),
            KeyCode::Char('/') => self.search.begin(),
            KeyCode::Char('y') => return self.copied().map_or(Wish::Nothing, Wish::Copy),
            KeyCode::Char('s') => return self.save(),
            KeyCode::Char(')') => return Wish::Step(1),
            KeyCode::Char('(') => return Wish::Step(-1),
            KeyCode::Char('q') => return Wish::Close,
            _ => (),
        }
        Wish::Nothing
    }

    pub fn wheel(&mut self, rows: isize) {
        self.scroll(rows);
    }

    /// The next thing with a name, or the one before: arguments, result, a piece of it.
    fn go_to_head(&mut self, down: bool) {
        let is_head = |(_, row): &(usize, &Row)| row.begins && row.kind == page::Kind::Head;
        let mut heads = self.rows.iter().enumerate().filter(is_head).map(|(at, _)| at);
        let to = if down { heads.find(|at| *at > self.top) } else { heads.rfind(|at| *at < self.top) };
        if let Some(to) = to {
            self.top = to;
            self.scroll(0);
        }
    }

    fn look(&mut self) {
        self.found = self.search.needle().places(&self.page.text);
        self.current = self.current.filter(|current| *current < self.found.len());
    }

    /// Another query: the first match from the top of the window on, else the first of all.
    fn look_from_here(&mut self) {
        self.look();
        let from = self.rows.get(self.top).map_or(0, |row| row.start);
        let next = self.found.partition_point(|range| range.start < from);
        self.current = (!self.found.is_empty()).then_some(if next < self.found.len() { next } else { 0 });
        self.show_match();
    }

    fn go_to_match(&mut self, by: isize) {
        if self.found.is_empty() {
            return;
        }
        let count = self.found.len();
        let next = match (self.current, by > 0) {
            (Some(current), true) => (current + 1) % count,
            (Some(current), false) => (current + count - 1) % count,
            (None, _) => 0,
        };
        self.current = Some(next);
        self.show_match();
    }

    /// Puts the current match into the upper third, where it is not in sight.
    fn show_match(&mut self) {
        let Some(range) = self.current.and_then(|current| self.found.get(current)) else { return };
        let row = self.row_at(range.start);
        if row < self.top || row >= self.top + self.height() {
            self.top = row.saturating_sub(self.height() / 3);
            self.scroll(0);
        }
    }

    /// What is copied: the result, as far as it is here, else why there is none, else what was asked.
    fn copied(&self) -> Option<String> {
        if self.loads() {
            return None; // In a moment all of it is there.
        }
        let result = self.run.as_ref().and_then(|run| copied(run, self.outcome()));
        Some(result.unwrap_or_else(|| self.call.arguments.clone()))
    }

    fn save(&self) -> Wish {
        match self.copied() {
            Some(text) => Wish::Save { stem: format!("ibid-result-{}", file_name(&self.call.name)), text },
            None => Wish::Nothing,
        }
    }
}

/// The result of a call as text, else why there is none.
pub fn copied(run: &Run, outcome: Option<&Outcome>) -> Option<String> {
    outcome.map(result::words).or_else(|| result::instead(run))
}

/// What of a name may stand in the name of a file.
fn file_name(name: &str) -> String {
    name.chars().filter(|char| char.is_ascii_alphanumeric() || matches!(char, '_' | '-')).take(64).collect()
}
