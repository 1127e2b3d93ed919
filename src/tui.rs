//! The terminal: set up and given back, the loop, frames.

pub mod input;
pub mod os;
pub mod screen;

pub use screen::Screen;
