//! What a handler may touch besides its own feature's state.

use super::{
    Effect,
    chats::{Chats, DatabaseState},
    environment::Environment,
    toasts::{ToastState, ToastSubject, ToastText},
};
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
    /// Returns whether nothing can be sent because nothing can be written, and says so.
    pub fn refuses_to_send(&mut self) -> bool {
        let DatabaseState::ReadOnly(error) = &self.chats.database else { return false };
        let words = format!("not sent: {error}");
        self.warn(words);
        true
    }

    /// Shows a message for four seconds, or until another conversation is on the screen.
    pub fn show_message(&mut self, message: impl Into<ToastText>) {
        self.show_while(ToastSubject::Conversation(self.chats.content.conversation_id()), message);
    }

    /// Shows a message for four seconds, or until its subject is no longer so.
    pub fn show_while(&mut self, subject: ToastSubject, message: impl Into<ToastText>) {
        self.toasts.show(self.now, ColourRole::Text, subject, message);
    }

    /// Shows a warning for four seconds.
    pub fn warn(&mut self, message: impl Into<ToastText>) {
        self.warn_while(ToastSubject::Event, message);
    }

    /// Shows a warning for four seconds, or until its subject is no longer so.
    pub fn warn_while(&mut self, subject: ToastSubject, message: impl Into<ToastText>) {
        self.toasts.show(self.now, ColourRole::Warning, subject, message);
    }
}
