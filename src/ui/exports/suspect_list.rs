//! The question before something is exported that looks like a secret.

use ratatui::{
    buffer::Buffer,
    layout::{Margin, Rect},
    widgets::Widget,
};

use crate::{
    exchange::export::ExportedText,
    render::theme::{ColourRole, Theme},
    text,
    ui::{
        Action, key_hints,
        keymap::{KeyContext, Keymap},
        overlay::frame::{self, OverlayFrame},
    },
};

/// An export with suspects, as it is and masked.
#[derive(Debug, Clone)]
pub struct SuspectList {
    pub path: String,
    pub plain: ExportedText,
    pub masked: ExportedText,
    top: usize,
}

/// The most suspects that are shown at once.
const MAX_ROWS: usize = 10;
const WIDTH: u16 = 76;

impl SuspectList {
    pub fn new(path: String, plain: ExportedText, masked: ExportedText) -> Self {
        Self { path, plain, masked, top: 0 }
    }

    /// Scrolls the list.
    pub fn on_action(&mut self, action: Action) {
        let last = self.plain.suspects.len().saturating_sub(MAX_ROWS);
        match action {
            Action::RowDown => self.top = (self.top + 1).min(last),
            Action::RowUp => self.top = self.top.saturating_sub(1),
            Action::PageDown => self.top = (self.top + MAX_ROWS).min(last),
            Action::PageUp => self.top = self.top.saturating_sub(MAX_ROWS),
            _ => (),
        }
    }
}

/// Draws the question over everything else; its area is the whole screen.
pub struct SuspectListView<'a> {
    pub list: &'a SuspectList,
    pub keymap: &'a Keymap,
    pub theme: &'a Theme,
}

impl Widget for SuspectListView<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        let area = area.intersection(buf.area);
        let suspects = &self.list.plain.suspects;
        let shown = suspects.len().min(MAX_ROWS);
        let place = frame::overlay_area(area, WIDTH, u16::try_from(shown + 4).unwrap_or(u16::MAX));
        let labels: [(&[Action], &str); 3] =
            [(&[Action::MaskSecrets], "mask all"), (&[Action::Accept], "write as it is"), (&[Action::Back], "cancel")];
        let keys = self.keymap.hints(KeyContext::Suspects, &labels);
        let title = match suspects.len() {
            1 => "This looks like a secret".to_owned(),
            count => format!("{count} texts look like secrets"),
        };
        let below = suspects.len().saturating_sub(self.list.top + shown);
        let notice = frame::more_notice(below, self.theme);
        let overlay = OverlayFrame { title: &title, keys: &keys, notice: notice.as_deref(), theme: self.theme };
        let inner = overlay.draw(place, buf);
        let rows = frame::text_column(inner.inner(Margin::new(0, 1))).rows();
        for (suspect, row) in suspects.iter().skip(self.list.top).zip(rows) {
            let words = suspect.to_string();
            let words = text::truncate(&words, row.width.into());
            key_hints::styled_line(words.as_ref(), self.theme.style(ColourRole::Warning)).render(row, buf);
        }
    }
}
