//! What a handler may touch besides its own feature's state.

use super::{Effect, chats::Chats, environment::Environment, toasts::ToastState};
use crate::{chat::Timestamp, render::theme::ColourRole};

/// The context of one update: the time, the conversations, the environment, and where results go.
#[derive(Debug)]
pub struct Cx<'a> {
    pub now: Timestamp,
    pub chats: &'a mut Chats,
    pub env: &'a mut Environment,
    pub toasts: &'a mut ToastState,
    pub effects: &'a mut Vec<Effect>,
}

impl Cx<'_> {
    /// Shows a message for four seconds.
    pub fn show_message(&mut self, message: impl Into<String>) {
        self.toasts.show(self.now, ColourRole::Text, message);
    }

    /// Shows a warning for four seconds.
    pub fn warn(&mut self, message: impl Into<String>) {
        self.toasts.show(self.now, ColourRole::Warning, message);
    }
}
