//! The themes that can be chosen, the user's own among them.

pub mod theme_selection;
