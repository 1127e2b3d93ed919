//! What is drawn: each file holds a state half, a widget half, or both.

pub mod composer;
pub mod highlight;
#[cfg(test)]
pub(crate) mod screen;
pub mod theme;
