//! The one state of the program.

use super::Start;
use crate::chat::Conversation;

/// Everything that is known; only `update` changes it.
#[derive(Debug)]
pub struct State {
    pub start: Start,
}

impl State {
    pub fn new(start: Start) -> Self {
        Self { start }
    }

    /// The conversation on the screen, once it has a prompt: what `ask` prints and what can be resumed.
    pub fn current(&self) -> Option<&Conversation> {
        None
    }
}
