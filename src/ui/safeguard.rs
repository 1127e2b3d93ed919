//! The question before a safeguard is switched off or the database is repaired, and what a repair has saved.

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

/// A question, or news that must not pass unseen, over everything else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SafeguardQuestion {
    /// What runs when it is confirmed; `None` if there is nothing to decide.
    pub action: Option<Action>,
    title: &'static str,
    words: String,
    confirm: &'static str,
}

impl SafeguardQuestion {
    /// Asks before all tools run without asking.
    pub fn auto_approve() -> Self {
        Self {
            action: Some(Action::ToggleAllowAll),
            title: "Auto-approve all tools?",
            words: "Every tool in this conversation will run without asking, including those that change files or send data."
                .into(),
            confirm: "switch it on",
        }
    }

    /// Asks whether to repair a database that is damaged in this way.
    pub fn repair(damage: &str) -> Self {
        Self {
            action: Some(Action::RepairDatabase),
            title: "Repair the database?",
            words: format!(
                "The database is damaged: {damage}. A repair saves what can be read into a new file, and keeps the damaged \
                 one beside it under another name. Without it nothing is changed."
            ),
            confirm: "repair it",
        }
    }

    /// Says what a repair has saved.
    pub fn repaired(words: &str) -> Self {
        Self { action: None, title: "The database is repaired", words: words.into(), confirm: "" }
    }
}

/// Draws the question over everything else; its area is the whole screen.
pub struct SafeguardView<'a> {
    pub question: &'a SafeguardQuestion,
    pub keymap: &'a Keymap,
    pub theme: &'a Theme,
}

const WIDTH: u16 = 64;

impl Widget for SafeguardView<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        let area = area.intersection(buf.area);
        let width = usize::from(frame::overlay_area(area, WIDTH, 1).width.saturating_sub(8).max(1));
        let options = WrapOptions { first_width: width, rest_width: width, glued: &[] };
        let words = self.question.words.as_str();
        let rows = text::wrap::wrap(words, options);
        let place = frame::overlay_area(area, WIDTH, u16::try_from(rows.len() + 4).unwrap_or(u16::MAX));
        let labels: [(&[Action], &str); 2] = [
            (&[Action::ConfirmSafeguard], self.question.confirm),
            (&[Action::Back], if self.question.action.is_some() { "cancel" } else { "close" }),
        ];
        let labels = if self.question.action.is_some() { &labels[..] } else { &labels[1..] };
        let keys = self.keymap.hints(KeyContext::Safeguard, labels);
        let overlay = OverlayFrame { title: self.question.title, keys: &keys, notice: None, theme: self.theme };
        let inner = overlay.draw(place, buf);
        let role = if self.question.action.is_some() { ColourRole::Warning } else { ColourRole::Text };
        let style = self.theme.style(role);
        for (piece, row) in rows.into_iter().zip(frame::text_column(inner.inner(Margin::new(0, 1))).rows()) {
            key_hints::styled_line(&words[piece.start..piece.end], style).render(row, buf);
        }
    }
}
