//! The question before a safeguard is switched off.

use ratatui::{
    buffer::Buffer,
    layout::{Margin, Rect},
    widgets::Widget,
};

use crate::{
    render::theme::{ColourRole, Theme},
    text::{self, wrap::WrapOptions},
    ui::{
        Action, key_hints,
        keymap::{KeyContext, Keymap},
        overlay::frame::{self, OverlayFrame},
    },
};

/// The question before an action runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SafeguardQuestion {
    pub action: Action,
}

impl SafeguardQuestion {
    fn title(self) -> &'static str {
        match self.action {
            Action::ToggleAllowAll => "Auto-approve all tools?",
            other => other.entry().title,
        }
    }

    fn words(self) -> &'static str {
        match self.action {
            Action::ToggleAllowAll => {
                "Every tool in this conversation will run without asking, including those that change files or send data."
            }
            other => other.entry().title,
        }
    }
}

/// Draws the question over everything else; its area is the whole screen.
pub struct SafeguardView<'a> {
    pub question: SafeguardQuestion,
    pub keymap: &'a Keymap,
    pub theme: &'a Theme,
}

const WIDTH: u16 = 64;

impl Widget for SafeguardView<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        let area = area.intersection(buf.area);
        let width = usize::from(frame::overlay_area(area, WIDTH, 1).width.saturating_sub(8).max(1));
        let options = WrapOptions { first_width: width, rest_width: width, glued: &[] };
        let words = self.question.words();
        let rows = text::wrap::wrap(words, options);
        let place = frame::overlay_area(area, WIDTH, u16::try_from(rows.len() + 4).unwrap_or(u16::MAX));
        let labels: [(&[Action], &str); 2] =
            [(&[Action::ConfirmSafeguard], "switch it on"), (&[Action::Back], "cancel")];
        let keys = self.keymap.hints(KeyContext::Safeguard, &labels);
        let overlay = OverlayFrame { title: self.question.title(), keys: &keys, notice: None, theme: self.theme };
        let inner = overlay.draw(place, buf);
        let warning = self.theme.style(ColourRole::Warning);
        for (piece, row) in rows.into_iter().zip(frame::text_column(inner.inner(Margin::new(0, 1))).rows()) {
            key_hints::styled_line(&words[piece.start..piece.end], warning).render(row, buf);
        }
    }
}
