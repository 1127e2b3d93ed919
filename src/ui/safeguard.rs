//! The question before a safeguard is switched off.

use ratatui::{
    buffer::Buffer,
    layout::{Margin, Rect},
    widgets::Widget,
};

use crate::{
    chat::ConversationId,
    render::theme::{ColourRole, Theme},
    text::{self, wrap::WrapOptions},
    ui::{
        Action, key_hints,
        keymap::{KeyContext, Keymap},
        overlay::frame::{self, OverlayFrame},
    },
};

/// The question before what takes a safeguard away, or cannot be undone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SafeguardQuestion {
    AllowAll,
    DeleteForGood { conversation: ConversationId, title: String },
    EmptyTrash { count: usize },
}

impl SafeguardQuestion {
    fn title(&self) -> &'static str {
        match self {
            Self::AllowAll => "Auto-approve all tools?",
            Self::DeleteForGood { .. } => "Delete it for good?",
            Self::EmptyTrash { .. } => "Empty the trash?",
        }
    }

    fn words(&self) -> String {
        match self {
            Self::AllowAll => {
                "Every tool in this conversation will run without asking, including those that change files or send data."
                    .to_owned()
            }
            Self::DeleteForGood { title, .. } => {
                let title = text::one_line(title);
                let title = if title.is_empty() { "Untitled" } else { &title };
                format!("“{}” and all its messages will be gone.", text::truncate(title, 60))
            }
            Self::EmptyTrash { count: 1 } => "1 conversation and all its messages will be gone.".to_owned(),
            Self::EmptyTrash { count } => format!("{count} conversations and all their messages will be gone."),
        }
    }

    /// Returns the label of the key that confirms it.
    fn verb(&self) -> &'static str {
        match self {
            Self::AllowAll => "switch it on",
            Self::DeleteForGood { .. } => "delete for good",
            Self::EmptyTrash { .. } => "empty the trash",
        }
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
        let words = self.question.words();
        let rows = text::wrap::wrap(&words, options);
        let place = frame::overlay_area(area, WIDTH, u16::try_from(rows.len() + 4).unwrap_or(u16::MAX));
        let labels: [(&[Action], &str); 2] =
            [(&[Action::ConfirmSafeguard], self.question.verb()), (&[Action::Back], "cancel")];
        let keys = self.keymap.hints(KeyContext::Safeguard, &labels);
        let overlay = OverlayFrame { title: self.question.title(), keys: &keys, notice: None, theme: self.theme };
        let inner = overlay.draw(place, buf);
        let warning = self.theme.style(ColourRole::Warning);
        for (piece, row) in rows.into_iter().zip(frame::text_column(inner.inner(Margin::new(0, 1))).rows()) {
            key_hints::styled_line(words[piece.start..piece.end].to_owned(), warning).render(row, buf);
        }
    }
}
