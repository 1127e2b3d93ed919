//! The state of the program, what happens to it, and what it asks of the world.

pub mod action;
pub mod effect;
pub mod msg;

pub use action::Action;
pub use effect::Effect;
pub use msg::Msg;
