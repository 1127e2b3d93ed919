//! What every overlay is built on: frame, list browser, picker, form, search field. It knows no feature.

pub mod field;
pub mod form;
pub mod frame;
pub mod list_browser;
pub mod picker;
pub mod query_field;
pub mod search;
