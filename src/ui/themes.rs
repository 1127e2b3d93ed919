//! Which theme is in force, and the picker of themes.

pub mod theme_picker;
pub mod theme_selection;
