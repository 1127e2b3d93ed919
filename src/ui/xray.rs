//! The x-ray: the requests and events of an answer, to search and inspect them.

mod curl;
mod lines;
mod view;
mod xray_rows;

use crossterm::event::KeyEvent;
use ratatui::layout::{Position, Rect, Size};

use super::{
    Action,
    keymap::KeyContext,
    overlay::{
        frame,
        search::{self, SearchField},
    },
};
use crate::chat::{MessageId, Timestamp, WireRecording};
use lines::LineList;
pub use view::XrayView;
use xray_rows::{XrayRow, XraySection};

/// An overlay that shows everything that went over the wire for one answer, and one event in full.
#[derive(Debug, Clone)]
pub struct XrayOverlay {
    pub answer: MessageId,
    /// The time when it was opened, or its recording last refreshed.
    pub refreshed_at: Timestamp,
    search: SearchField,
    content: XrayContent,
    list: LineList,
    opened: Option<OpenedFrame>,
}

#[derive(Debug, Clone)]
enum XrayContent {
    Loading,
    Filled(Box<WireRecording>),
    /// Loading failed: what is missing, and what to do.
    Failed(String, String),
}

/// One event or request in full.
#[derive(Debug, Clone)]
struct OpenedFrame {
    title: String,
    /// The index of the frame in the recording.
    frame_index: usize,
    /// The width that the lines were laid out for; `None` before the first layout.
    width: Option<u16>,
    lines: LineList,
}

/// A request that a key makes to the program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum XrayCommand {
    Nothing,
    /// Copy the request as a shell command; `None` if it was not recorded in full.
    CopyCurl(Option<String>),
    Save {
        stem: String,
        text: String,
    },
}

impl XrayOverlay {
    pub fn new(answer: MessageId, now: Timestamp) -> Self {
        Self {
            answer,
            refreshed_at: now,
            search: SearchField::default(),
            content: XrayContent::Loading,
            list: LineList::default(),
            opened: None,
        }
    }

    /// Takes the recording, or a newer state of it.
    pub fn set_recording(&mut self, recording: Box<WireRecording>) {
        self.list.set_rows(xray_rows::build_rows(&recording), self.search.needle());
        self.content = XrayContent::Filled(recording);
    }

    pub fn set_failure(&mut self, message: &str, hint: &str) {
        self.content = XrayContent::Failed(message.to_owned(), hint.to_owned());
    }

    pub fn is_filled(&self) -> bool {
        matches!(self.content, XrayContent::Filled(_))
    }

    /// Scrolls the cursor into view, and lays out again if the width has changed; called before each frame.
    pub fn lay_out(&mut self, size: Size) {
        let parts = search::areas(Rect::from((Position::ORIGIN, size)));
        self.list.browser.scroll_to_cursor(parts.rows.height.into());
        let XrayContent::Filled(recording) = &self.content else { return };
        if let Some(opened) = &mut self.opened {
            let width = frame::text_column(parts.rows).width;
            let previous_width = opened.width.replace(width);
            if previous_width != Some(width) {
                opened
                    .lines
                    .set_rows(xray_rows::frame_rows(recording, opened.frame_index, width), self.search.needle());
            }
            if previous_width.is_none() {
                select_first_line(&self.list, &mut opened.lines);
            }
            opened.lines.browser.scroll_to_cursor(parts.rows.height.into());
        }
    }

    /// Goes one step back within the overlay; `false` if the overlay should close instead.
    pub fn back(&mut self) -> bool {
        if self.search.is_typing() || (self.opened.is_none() && !self.search.is_empty()) {
            self.search.clear();
            self.update_matches();
            return true;
        }
        self.opened.take().is_some()
    }

    pub fn paste(&mut self, text: &str) {
        self.search.paste(text);
        self.update_matches();
    }

    pub fn key_context(&self) -> KeyContext {
        if self.search.is_typing() { KeyContext::Field } else { KeyContext::Xray }
    }

    pub fn edit_query(&mut self, key: KeyEvent) {
        if self.search.is_typing() && self.search.edit(key) {
            self.update_matches();
        }
    }

    /// Does what an action means here; while the query is typed, rows up and down are matches.
    pub fn on_action(&mut self, action: Action, screen: Rect) -> XrayCommand {
        let height = search::areas(screen).rows.height.into();
        let is_typing = self.search.is_typing();
        let lines = self.active_lines();
        match action {
            Action::RowDown if is_typing => lines.go_to_match(true),
            Action::RowUp if is_typing => lines.go_to_match(false),
            Action::Accept if is_typing => self.search.stop_typing(),
            Action::NextSection | Action::PreviousSection => lines.go_to_other_section(),
            Action::NextMatch => lines.go_to_match(true),
            Action::PreviousMatch => lines.go_to_match(false),
            Action::SearchRows => self.search.start_typing(),
            Action::Accept => self.open_selected(),
            Action::CopyCurl => return self.copy_request(),
            Action::SaveShown => return self.save_recording(),
            _ => _ = lines.browser.on_action(action, height),
        }
        XrayCommand::Nothing
    }

    pub fn on_wheel(&mut self, rows: isize) {
        self.active_lines().browser.move_cursor(rows);
    }

    /// Searches the visible lines for the query.
    fn update_matches(&mut self) {
        self.list.update_matches(self.search.needle());
        if let Some(opened) = &mut self.opened {
            opened.lines.update_matches(self.search.needle());
            opened.lines.go_to_nearest_match();
        } else {
            self.list.go_to_nearest_match();
        }
    }

    /// The lines that the keys move in.
    fn active_lines(&mut self) -> &mut LineList {
        self.opened.as_mut().map_or(&mut self.list, |opened| &mut opened.lines)
    }

    fn open_selected(&mut self) {
        let XrayContent::Filled(recording) = &self.content else { return };
        let Some(frame_index) = self.list.browser.selected().and_then(|row| row.frame_index) else { return };
        if self.opened.is_some() {
            return;
        }
        let title = xray_rows::frame_title(recording, frame_index);
        self.opened = Some(OpenedFrame { title, frame_index, width: None, lines: LineList::default() });
    }

    /// Whether the opened frame waits for the next layout.
    pub fn is_unsettled(&self) -> bool {
        self.opened.as_ref().is_some_and(|opened| opened.width.is_none())
    }

    fn copy_request(&self) -> XrayCommand {
        match &self.content {
            XrayContent::Filled(recording) => match recording.newest_request() {
                Some((sent, true)) => XrayCommand::CopyCurl(Some(curl::curl_command(sent))),
                Some((_, false)) | None => XrayCommand::CopyCurl(None),
            },
            XrayContent::Loading | XrayContent::Failed(..) => XrayCommand::Nothing,
        }
    }

    fn save_recording(&self) -> XrayCommand {
        match &self.content {
            XrayContent::Filled(recording) => {
                XrayCommand::Save { stem: format!("ibid-xray-{}", self.answer), text: recording.to_json() }
            }
            XrayContent::Loading | XrayContent::Failed(..) => XrayCommand::Nothing,
        }
    }
}

/// Selects the line at which a frame opens: that of a request is found again by its text, an event opens at its first match.
fn select_first_line(list: &LineList, opened: &mut LineList) {
    match list.browser.selected().filter(|row| row.section() == Some(XraySection::Request)) {
        Some(row) => {
            let is_same = |other: &XrayRow| other.kind == row.kind && row.text.starts_with(&other.text);
            opened.browser.select_first(is_same);
        }
        None => opened.browser.select(opened.matches.first().copied().unwrap_or(0)),
    }
}
