//! The pager: the arguments and the result of a call in full, for searching and copying.

mod document_rows;
mod page;
mod view;

use std::ops::Range;

use crossterm::event::KeyEvent;
use ratatui::layout::{Position, Rect, Size};

use crate::{
    chat::{ItemSlot, MessageId, ToolCallRun, ToolCallState, answer::FunctionCall},
    tools::ToolOutcome,
};
use crate::{
    render::theme::ThemeMarks,
    ui::{
        Action,
        keymap::KeyContext,
        overlay::{
            frame, list_browser,
            search::{self, SearchField},
        },
        reading::result_text,
    },
};
use document_rows::PagerRow;
use page::PagerDocument;
pub use view::PagerView;

/// An overlay that shows one call.
#[derive(Debug, Clone)]
pub struct CallPager {
    pub message: MessageId,
    pub slot: ItemSlot,
    call: FunctionCall,
    run: Option<ToolCallRun>,
    result_source: ResultSource,
    /// The number of the call in its answer, from 1, and the number of calls there.
    call_position: (usize, usize),
    document: PagerDocument,
    rows: Vec<PagerRow>,
    /// The rows are those of an earlier document.
    is_stale: bool,
    /// The index of the row at the top.
    top: usize,
    search: SearchField,
    matches: Vec<Range<usize>>,
    current_match: Option<usize>,
    size: Size,
    marks: ThemeMarks,
}

/// Where the full result is.
#[derive(Debug, Clone, PartialEq)]
enum ResultSource {
    /// In the message, or not requested yet.
    InMessage,
    /// On disk; it was requested from the store.
    Loading,
    Loaded(Box<ToolOutcome>),
    Failed(String),
}

/// A request that a key makes to the program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PagerCommand {
    Nothing,
    Copy(String),
    Save {
        stem: String,
        text: String,
    },
    /// Go this many calls forward.
    StepCall(isize),
    Close,
}

impl CallPager {
    pub fn new(
        message: MessageId,
        slot: ItemSlot,
        call: &FunctionCall,
        run: Option<&ToolCallRun>,
        marks: ThemeMarks,
    ) -> Self {
        let mut pager = Self {
            message,
            slot,
            call: call.clone(),
            run: run.cloned(),
            result_source: ResultSource::InMessage,
            call_position: (1, 1),
            document: PagerDocument::default(),
            rows: Vec::new(),
            is_stale: true,
            top: 0,
            search: SearchField::default(),
            matches: Vec::new(),
            current_match: None,
            size: Size::default(),
            marks,
        };
        pager.rebuild();
        pager
    }

    /// Updates the call. `true` if its full result is on disk and must be loaded now.
    pub fn set_call(&mut self, call: &FunctionCall, run: Option<&ToolCallRun>, call_position: (usize, usize)) -> bool {
        self.call_position = call_position;
        if self.call != *call || self.run.as_ref() != run {
            self.call = call.clone();
            self.run = run.cloned();
            self.rebuild();
        }
        let needs_load = self.result_source == ResultSource::InMessage
            && self.run.as_ref().is_some_and(|run| run.full_size.is_some());
        if needs_load {
            self.result_source = ResultSource::Loading;
            self.rebuild();
        }
        needs_load
    }

    /// Takes the full result from the store, or the reason why it cannot be loaded.
    pub fn set_full_result(&mut self, full_result: Result<Box<ToolOutcome>, String>) {
        self.result_source = full_result.map_or_else(ResultSource::Failed, ResultSource::Loaded);
        self.rebuild();
    }

    pub fn is_loading(&self) -> bool {
        self.result_source == ResultSource::Loading
    }

    /// The outcome of the call, as far as it is loaded.
    fn outcome(&self) -> Option<&ToolOutcome> {
        match (&self.result_source, &self.run.as_ref()?.state) {
            (ResultSource::Loaded(outcome), _) => Some(outcome),
            (_, ToolCallState::Done(outcome)) => Some(outcome),
            _ => None,
        }
    }

    /// Rebuilds the document; the scroll position stays.
    fn rebuild(&mut self) {
        self.document = page::build_document(self);
        self.is_stale = true;
        self.update_matches();
    }

    /// Whether the rows wait for the next layout.
    pub fn is_unsettled(&self) -> bool {
        self.is_stale
    }

    /// Lays out again if the document or the size has changed; called before each frame.
    pub fn lay_out(&mut self, size: Size) {
        let is_resized = std::mem::replace(&mut self.size, size) != size;
        if is_resized || self.is_stale {
            let top = self.rows.get(self.top).map(|row| row.start);
            let parts = search::areas(Rect::from((Position::ORIGIN, size)));
            self.rows = document_rows::lay_out(&self.document, frame::text_column(parts.rows).width.into());
            if is_resized {
                self.top = top.map_or(0, |start| self.row_at(start));
            }
            self.is_stale = false;
        }
        self.scroll(0);
    }

    fn height(&self) -> usize {
        search::areas(Rect::from((Position::ORIGIN, self.size))).rows.height.max(1).into()
    }

    fn scroll(&mut self, by: isize) {
        let last = self.rows.len().saturating_sub(self.height());
        self.top = self.top.saturating_add_signed(by).min(last);
    }

    /// The index of the row that contains a byte of the document.
    fn row_at(&self, byte: usize) -> usize {
        self.rows.partition_point(|row| row.start <= byte).saturating_sub(1)
    }

    /// Goes one step back within the overlay; `false` if the overlay should close instead.
    pub fn back(&mut self) -> bool {
        let was_searching = self.search.is_typing() || !self.search.is_empty();
        self.search.clear();
        self.update_matches();
        was_searching
    }

    pub fn paste(&mut self, text: &str) {
        self.search.paste(text);
        self.search_from_window();
    }

    pub fn key_context(&self) -> KeyContext {
        if self.search.is_typing() { KeyContext::Field } else { KeyContext::Pager }
    }

    pub fn edit_query(&mut self, key: KeyEvent) {
        if self.search.is_typing() && self.search.edit(key) {
            self.search_from_window();
        }
    }

    /// Does what an action means here; while the query is typed, rows up and down are matches.
    pub fn on_action(&mut self, action: Action) -> PagerCommand {
        let page = isize::try_from(self.height()).unwrap_or(1);
        let is_typing = self.search.is_typing();
        match action {
            Action::RowDown if is_typing => self.go_to_match(1),
            Action::RowUp if is_typing => self.go_to_match(-1),
            Action::Accept if is_typing => self.search.stop_typing(),
            Action::Accept => self.scroll(1),
            Action::PageDown => self.scroll(page - 1),
            Action::PageUp => self.scroll(1 - page),
            Action::NextSection => self.go_to_heading(true),
            Action::PreviousSection => self.go_to_heading(false),
            Action::NextMatch => self.go_to_match(1),
            Action::PreviousMatch => self.go_to_match(-1),
            Action::SearchRows => self.search.start_typing(),
            Action::CopyResult => return self.text_to_copy().map_or(PagerCommand::Nothing, PagerCommand::Copy),
            Action::SaveShown => return self.save(),
            Action::NextCall => return PagerCommand::StepCall(1),
            Action::PreviousCall => return PagerCommand::StepCall(-1),
            Action::Close => return PagerCommand::Close,
            _ => self.scroll(list_browser::row_step(action, self.height()).unwrap_or(0)),
        }
        PagerCommand::Nothing
    }

    pub fn on_wheel(&mut self, rows: isize) {
        self.scroll(rows);
    }

    /// Goes to the next or previous heading: the arguments, the result, a part of the result.
    fn go_to_heading(&mut self, down: bool) {
        let is_heading = |(_, row): &(usize, &PagerRow)| row.is_line_start && row.kind == page::PagerLineKind::Heading;
        let mut headings = self.rows.iter().enumerate().filter(is_heading).map(|(at, _)| at);
        let to = if down { headings.find(|at| *at > self.top) } else { headings.rfind(|at| *at < self.top) };
        if let Some(to) = to {
            self.top = to;
            self.scroll(0);
        }
    }

    fn update_matches(&mut self) {
        self.matches = self.search.needle().find_all(&self.document.text);
        self.current_match = self.current_match.filter(|current| *current < self.matches.len());
    }

    /// Searches after the query changed: selects the first match from the top of the window on, else
    /// the first of all.
    fn search_from_window(&mut self) {
        self.update_matches();
        let from = self.rows.get(self.top).map_or(0, |row| row.start);
        let next = self.matches.partition_point(|range| range.start < from);
        self.current_match = (!self.matches.is_empty()).then_some(if next < self.matches.len() { next } else { 0 });
        self.scroll_to_match();
    }

    fn go_to_match(&mut self, by: isize) {
        if self.matches.is_empty() {
            return;
        }
        let count = self.matches.len();
        let next = match (self.current_match, by > 0) {
            (Some(current), true) => (current + 1) % count,
            (Some(current), false) => (current + count - 1) % count,
            (None, _) => 0,
        };
        self.current_match = Some(next);
        self.scroll_to_match();
    }

    /// Scrolls the current match into the upper third of the window, unless it is already visible.
    fn scroll_to_match(&mut self) {
        let Some(range) = self.current_match.and_then(|current| self.matches.get(current)) else { return };
        let row = self.row_at(range.start);
        if row < self.top || row >= self.top + self.height() {
            self.top = row.saturating_sub(self.height() / 3);
            self.scroll(0);
        }
    }

    /// The text to copy: the result as far as it is loaded, else the reason why there is none, else
    /// the arguments.
    fn text_to_copy(&self) -> Option<String> {
        if self.is_loading() {
            return None; // The full result is about to arrive.
        }
        let result = self.run.as_ref().and_then(|run| result_to_copy(run, self.outcome()));
        Some(result.unwrap_or_else(|| self.call.arguments.clone()))
    }

    fn save(&self) -> PagerCommand {
        match self.text_to_copy() {
            Some(text) => PagerCommand::Save { stem: format!("ibid-result-{}", safe_file_name(&self.call.name)), text },
            None => PagerCommand::Nothing,
        }
    }
}

/// The result of a call as text, else the reason why there is none.
pub fn result_to_copy(run: &ToolCallRun, outcome: Option<&ToolOutcome>) -> Option<String> {
    outcome.map(result_text::outcome_text).or_else(|| run.missing_result_reason())
}

/// The characters of a tool's name that are safe in a file name.
fn safe_file_name(name: &str) -> String {
    name.chars().filter(|char| char.is_ascii_alphanumeric() || matches!(char, '_' | '-')).take(64).collect()
}
