//! What is drawn: each file holds a state half, a widget half, or both.

pub mod highlight;
pub mod theme;
