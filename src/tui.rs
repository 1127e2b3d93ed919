//! The terminal: set up and given back, the loop, frames.

pub mod input;
