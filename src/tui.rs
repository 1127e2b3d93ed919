//! The terminal: set up and given back, the loop, frames.

pub mod clipboard;
pub mod editor;
pub mod input;
pub mod os;
pub mod screen;
