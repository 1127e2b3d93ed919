//! The widgets: each file holds a widget's state, its view, or both.

pub mod approval;
pub mod card;
pub mod check;
pub mod citation;
pub mod composer;
pub mod field;
pub mod form;
pub mod help;
pub mod highlight;
pub mod hints;
pub mod list;
pub mod markdown;
pub mod overlay;
pub mod pager;
pub mod picker;
pub mod rail;
pub mod result;
pub mod row;
#[cfg(test)]
pub(crate) mod screen;
pub mod search;
pub mod source_card;
pub mod sources;
pub mod status;
pub mod theme;
pub mod title;
pub mod toast;
pub mod tool_list;
pub mod transcript;
pub mod welcome;
pub mod words;
pub mod xray;
