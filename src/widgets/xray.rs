//! The x-ray: what was sent for an answer and what came, searched and looked into.

mod curl;
mod lines;
mod rows;
mod view;

use crossterm::event::{KeyCode, KeyEvent};
use ratatui::layout::{Position, Rect, Size};

use super::search::{self, Search, Typed};
use crate::chat::{MessageId, Recording, Timestamp};
use lines::Lines;
use rows::Section;
pub use view::XrayView;

/// An overlay over one answer: all that went over the wire, and one event of it opened.
#[derive(Debug, Clone)]
pub struct Xray {
    pub answer: MessageId,
    /// When it was opened, or laid out anew.
    pub since: Timestamp,
    search: Search,
    filling: Filling,
    list: Lines,
    opened: Option<Opened>,
    size: Size,
}

#[derive(Debug, Clone)]
enum Filling {
    Loading,
    Filled(Box<Recording>),
    /// In two sentences: what is missing, and what to do.
    Failed(String, String),
}

/// One event or request, in full.
#[derive(Debug, Clone)]
struct Opened {
    title: String,
    /// Which piece of the recording, and the width that it is laid out for.
    piece: usize,
    width: u16,
    lines: Lines,
}

/// What a key asks of the program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    Nothing,
    /// The request as a command; `None` when it was not kept whole.
    Copy(Option<String>),
    Save {
        stem: String,
        text: String,
    },
}

impl Xray {
    pub fn new(answer: MessageId, now: Timestamp) -> Self {
        Self {
            answer,
            since: now,
            search: Search::default(),
            filling: Filling::Loading,
            list: Lines::default(),
            opened: None,
            size: Size::default(),
        }
    }

    /// Takes a recording in, or a newer state of the same.
    pub fn fill(&mut self, recording: Box<Recording>) {
        self.list.set(rows::of(&recording), self.search.needle());
        self.filling = Filling::Filled(recording);
    }

    pub fn fail(&mut self, what: &str, hint: &str) {
        self.filling = Filling::Failed(what.to_owned(), hint.to_owned());
    }

    pub fn is_filled(&self) -> bool {
        matches!(self.filling, Filling::Filled(_))
    }

    /// Before a frame: scrolls so that the cursor is seen, and lays out anew what depends on the width.
    pub fn arrange(&mut self, size: Size) {
        self.size = size;
        let parts = search::parts(Rect::from((Position::ORIGIN, size)));
        self.list.scroll_to_cursor(parts.rows.height);
        let Filling::Filled(recording) = &self.filling else { return };
        if let Some(opened) = &mut self.opened {
            let width = search::column(parts.rows).width;
            if opened.width != width {
                opened.width = width;
                opened.lines.set(rows::of_piece(recording, opened.piece, width), self.search.needle());
            }
            opened.lines.scroll_to_cursor(parts.rows.height);
        }
    }

    /// One step back within the overlay; `false` when there is none and it is to be closed.
    pub fn back(&mut self) -> bool {
        if self.search.types() || (self.opened.is_none() && !self.search.is_empty()) {
            self.search.clear();
            self.look();
            return true;
        }
        self.opened.take().is_some()
    }

    pub fn paste(&mut self, text: &str) {
        self.search.paste(text);
        self.look();
    }

    pub fn key(&mut self, key: KeyEvent, screen: Rect) -> Wish {
        self.size = Size { width: screen.width, height: screen.height };
        if self.search.types() {
            match self.search.key(key) {
                Typed::Nothing => (),
                Typed::Changed => self.look(),
                Typed::Step(by) => self.lines().go_to_match(by),
            }
            return Wish::Nothing;
        }
        let page = isize::try_from(search::parts(screen).rows.height.max(1)).unwrap_or(1);
        let lines = self.lines();
        match key.code {
            KeyCode::Down | KeyCode::Char('j') => lines.step(1),
            KeyCode::Up | KeyCode::Char('k') => lines.step(-1),
            KeyCode::PageDown | KeyCode::Char(' ') => lines.step(page),
            KeyCode::PageUp => lines.step(-page),
            KeyCode::Home | KeyCode::Char('g') => lines.step(isize::MIN),
            KeyCode::End | KeyCode::Char('G') => lines.step(isize::MAX),
            KeyCode::Tab | KeyCode::BackTab => lines.go_to_other_section(),
            KeyCode::Char('n') => lines.go_to_match(1),
            KeyCode::Char('N') => lines.go_to_match(-1),
            KeyCode::Char('/') => self.search.begin(),
            KeyCode::Enter => self.open(),
            KeyCode::Char('c') => return self.copy(),
            KeyCode::Char('s') => return self.save(),
            _ => (),
        }
        Wish::Nothing
    }

    pub fn wheel(&mut self, rows: isize) {
        self.lines().step(rows);
    }

    /// Looks for the query in what is shown.
    fn look(&mut self) {
        self.list.search(self.search.needle());
        if let Some(opened) = &mut self.opened {
            opened.lines.search(self.search.needle());
            opened.lines.go_to_nearest_match();
        } else {
            self.list.go_to_nearest_match();
        }
    }

    /// What the keys move in.
    fn lines(&mut self) -> &mut Lines {
        self.opened.as_mut().map_or(&mut self.list, |opened| &mut opened.lines)
    }

    fn open(&mut self) {
        let Filling::Filled(recording) = &self.filling else { return };
        let Some(piece) = self.list.under_cursor().and_then(|row| row.piece) else { return };
        if self.opened.is_some() {
            return;
        }
        let width = search::column(search::parts(Rect::from((Position::ORIGIN, self.size))).rows).width;
        let mut lines = Lines::default();
        lines.set(rows::of_piece(recording, piece, width), self.search.needle());
        let row = self.list.under_cursor().filter(|row| row.section() == Some(Section::Request));
        lines.cursor = match row {
            // A line of a long request is shown where it stands; of an event, what was searched for.
            Some(row) => {
                lines.rows.iter().position(|other| other.kind == row.kind && row.text.starts_with(&other.text))
            }
            None => lines.found.first().copied(),
        }
        .unwrap_or(0);
        self.opened = Some(Opened { title: rows::title(recording, piece), piece, width, lines });
    }

    fn copy(&self) -> Wish {
        match &self.filling {
            Filling::Filled(recording) => match recording.request() {
                Some((sent, true)) => Wish::Copy(Some(curl::command(sent))),
                Some((_, false)) | None => Wish::Copy(None),
            },
            Filling::Loading | Filling::Failed(..) => Wish::Nothing,
        }
    }

    fn save(&self) -> Wish {
        match &self.filling {
            Filling::Filled(recording) => {
                Wish::Save { stem: format!("ibid-xray-{}", self.answer), text: recording.to_json() }
            }
            Filling::Loading | Filling::Failed(..) => Wish::Nothing,
        }
    }
}
