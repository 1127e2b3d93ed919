//! The import overlay: how far an import is, then what it did.

use ratatui::{
    buffer::Buffer,
    layout::{Margin, Rect},
    text::{Line, Span},
    widgets::Widget,
};

use crate::{
    exchange::import::{ImportProgress, ImportReport},
    render::theme::{ColourRole, Theme},
    text::{self, wrap::WrapOptions},
    ui::{
        Action, key_hints,
        keymap::{KeyContext, Keymap},
        overlay::frame::{self, OverlayFrame},
    },
};

const WIDTH: u16 = 84;
/// The height while it runs.
const RUNNING_ROWS: u16 = 7;

/// An import that runs, or its report.
#[derive(Debug, Clone)]
pub struct ImportOverlay {
    path: String,
    state: ImportState,
    /// The first row of the report that is shown.
    top: usize,
}

#[derive(Debug, Clone)]
enum ImportState {
    Running(ImportProgress),
    /// Esc was pressed; what is being written is finished first.
    Stopping(ImportProgress),
    /// The lines of the report.
    Done(Vec<String>),
}

impl ImportOverlay {
    pub fn new(path: &str) -> Self {
        Self { path: path.to_owned(), state: ImportState::Running(ImportProgress::default()), top: 0 }
    }

    pub fn is_running(&self) -> bool {
        matches!(self.state, ImportState::Running(_))
    }

    pub fn is_over(&self) -> bool {
        matches!(self.state, ImportState::Done(_))
    }

    pub fn on_progress(&mut self, progress: ImportProgress) {
        match &mut self.state {
            ImportState::Running(known) | ImportState::Stopping(known) => *known = progress,
            ImportState::Done(_) => (),
        }
    }

    pub fn on_stop(&mut self) {
        if let ImportState::Running(progress) = self.state {
            self.state = ImportState::Stopping(progress);
        }
    }

    /// Shows the report, or why nothing was imported.
    pub fn on_ended(&mut self, result: &Result<Box<ImportReport>, String>) {
        self.state = ImportState::Done(match result {
            Ok(report) => report.lines(),
            Err(why) => vec!["Nothing was imported.".into(), why.clone()],
        });
    }

    /// Scrolls the report.
    pub fn on_action(&mut self, action: Action, screen: Rect) {
        let page = isize::try_from(self.rows_shown(screen)).unwrap_or(1).max(1);
        match action {
            Action::RowDown => self.scroll(1, screen),
            Action::RowUp => self.scroll(-1, screen),
            Action::PageDown | Action::HalfDown => self.scroll(page, screen),
            Action::PageUp | Action::HalfUp => self.scroll(-page, screen),
            Action::FirstRow => self.top = 0,
            Action::LastRow => self.scroll(isize::MAX, screen),
            _ => (),
        }
    }

    pub fn scroll(&mut self, rows: isize, screen: Rect) {
        let last = self.rows(screen).len().saturating_sub(self.rows_shown(screen));
        self.top = self.top.saturating_add_signed(rows).min(last);
    }

    fn area(&self, screen: Rect) -> Rect {
        let height = match &self.state {
            ImportState::Running(_) | ImportState::Stopping(_) => RUNNING_ROWS,
            ImportState::Done(_) => {
                let rows = u16::try_from(self.rows(screen).len()).unwrap_or(u16::MAX);
                rows.saturating_add(4).min(screen.height.saturating_sub(4).max(RUNNING_ROWS))
            }
        };
        frame::overlay_area(screen, WIDTH, height)
    }

    fn rows_shown(&self, screen: Rect) -> usize {
        usize::from(self.area(screen).height.saturating_sub(4))
    }

    /// The rows of the report; lines that are too long are wrapped.
    fn rows(&self, screen: Rect) -> Vec<String> {
        let ImportState::Done(lines) = &self.state else { return Vec::new() };
        let width = usize::from(frame::overlay_area(screen, WIDTH, 1).width.saturating_sub(8).max(1));
        let options = WrapOptions { first_width: width, rest_width: width, glued: &[] };
        let mut rows = Vec::new();
        for line in lines {
            let line = text::clean(line);
            let before = rows.len();
            rows.extend(
                text::wrap::wrap(&line, options).into_iter().map(|piece| line[piece.start..piece.end].to_owned()),
            );
            if rows.len() == before {
                rows.push(String::new());
            }
        }
        rows
    }
}

/// Draws the overlay; its area is the whole screen.
pub struct ImportView<'a> {
    pub overlay: &'a ImportOverlay,
    pub keymap: &'a Keymap,
    pub theme: &'a Theme,
}

impl Widget for ImportView<'_> {
    fn render(self, screen: Rect, buf: &mut Buffer) {
        let screen = screen.intersection(buf.area);
        let area = self.overlay.area(screen);
        let rows = self.overlay.rows(screen);
        let below = rows.len().saturating_sub(self.overlay.top + self.overlay.rows_shown(screen));
        let leave = if self.overlay.is_over() { "close" } else { "stop, and keep what is imported" };
        let all: [(&[Action], &str); 2] = [(&[Action::RowDown, Action::RowUp], "move"), (&[Action::Back], leave)];
        let labels = if self.overlay.is_over() { &all[..] } else { &all[1..] };
        let keys = self.keymap.hints(KeyContext::Pager, labels);
        let title = if self.overlay.is_over() { "Import: what was done" } else { "Import" };
        let notice = frame::more_notice(below, self.theme);
        let inner = OverlayFrame { title, keys: &keys, notice: notice.as_deref(), theme: self.theme }.draw(area, buf);
        let column = frame::text_column(inner.inner(Margin::new(0, 1)));
        match &self.overlay.state {
            ImportState::Running(progress) => self.draw_progress(*progress, "", column, buf),
            ImportState::Stopping(progress) => self.draw_progress(*progress, "stopping · ", column, buf),
            ImportState::Done(_) => {
                let text = self.theme.style(ColourRole::Text);
                for (row, place) in rows.into_iter().skip(self.overlay.top).zip(column.rows()) {
                    key_hints::styled_line(row, text).render(place, buf);
                }
            }
        }
    }
}

impl ImportView<'_> {
    fn draw_progress(&self, progress: ImportProgress, before: &str, area: Rect, buf: &mut Buffer) {
        let (done, all) = if progress.is_writing {
            (progress.conversations as u64, progress.total as u64)
        } else {
            (progress.bytes_done, progress.bytes)
        };
        let cells = u64::from(area.width);
        let full = usize::try_from(done.min(all).saturating_mul(cells).checked_div(all).unwrap_or(0)).unwrap_or(0);
        let marks = &self.theme.marks;
        let muted = self.theme.style(ColourRole::Muted);
        let room = usize::from(area.width);
        let bar = Line::from(vec![
            Span::styled(marks.gauge_full.repeat(full), self.theme.style(ColourRole::Accent)),
            Span::styled(marks.gauge_empty.repeat(room.saturating_sub(full)), muted),
        ]);
        let path = text::one_line(&self.overlay.path);
        let lines = [
            key_hints::styled_line(text::truncate(&path, room).into_owned(), self.theme.style(ColourRole::Text)),
            bar,
            key_hints::styled_line(format!("{before}{}", progress.line()), muted),
        ];
        for (line, place) in lines.into_iter().zip(area.rows()) {
            line.render(place, buf);
        }
    }
}
