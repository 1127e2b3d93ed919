//! The question before a safeguard is switched off, something is deleted for good or the database is repaired.

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
    DeleteForGood {
        conversation: ConversationId,
        title: String,
    },
    EmptyTrash {
        count: usize,
    },
    Repair {
        damage: String,
    },
    /// News that must not pass unseen: what a repair has saved.
    Repaired {
        report: String,
    },
}

impl SafeguardQuestion {
    fn title(&self) -> &'static str {
        match self {
            Self::AllowAll => "Auto-approve all tools?",
            Self::DeleteForGood { .. } => "Delete it for good?",
            Self::EmptyTrash { .. } => "Empty the trash?",
            Self::Repair { .. } => "Repair the database?",
            Self::Repaired { .. } => "The database is repaired",
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
            Self::Repair { damage } => format!(
                "The database is damaged: {damage}. A repair saves what can be read into a new file, and keeps the damaged \
                 one beside it under another name. Without it nothing is changed."
            ),
            Self::Repaired { report } => report.clone(),
        }
    }

    /// Returns the label of the key that confirms it; `None` if there is nothing to decide.
    fn verb(&self) -> Option<&'static str> {
        match self {
            Self::AllowAll => Some("switch it on"),
            Self::DeleteForGood { .. } => Some("delete for good"),
            Self::EmptyTrash { .. } => Some("empty the trash"),
            Self::Repair { .. } => Some("repair it"),
            Self::Repaired { .. } => None,
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
        let labels: Vec<(&[Action], &'static str)> = match self.question.verb() {
            Some(verb) => vec![(&[Action::ConfirmSafeguard], verb), (&[Action::Back], "cancel")],
            None => vec![(&[Action::Back], "close")],
        };
        let keys = self.keymap.hints(KeyContext::Safeguard, &labels);
        let overlay = OverlayFrame { title: self.question.title(), keys: &keys, notice: None, theme: self.theme };
        let inner = overlay.draw(place, buf);
        let is_question = self.question.verb().is_some();
        let style = self.theme.style(if is_question { ColourRole::Warning } else { ColourRole::Text });
        for (piece, row) in rows.into_iter().zip(frame::text_column(inner.inner(Margin::new(0, 1))).rows()) {
            key_hints::styled_line(words[piece.start..piece.end].to_owned(), style).render(row, buf);
        }
    }
}
