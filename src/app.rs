//! The state of the program, what happens to it, and what it asks of the world.

pub mod action;
pub mod areas;
pub mod effect;
pub mod keymap;
pub mod msg;
pub mod start;
pub mod state;

pub use action::Action;
pub use effect::Effect;
pub use msg::Msg;
pub use start::{EndpointInfo, Open, Overrides, Start};
pub use state::State;

use ratatui::layout::Size;

use crate::chat::Timestamp;

/// Changes the state by what happened, and says what the world must do about it.
pub fn update(_state: &mut State, _now: Timestamp, _msg: Msg) -> Vec<Effect> {
    Vec::new()
}

/// When something is due without a message: a clock's tick, a toast's end, a retry.
pub fn next_wake(_state: &State, _now: Timestamp) -> Option<Timestamp> {
    None
}

/// Lays out what the next frame shows.
pub fn sync(_state: &mut State, _now: Timestamp, _size: Size) -> Vec<Effect> {
    Vec::new()
}
