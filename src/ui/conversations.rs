//! The list of conversations.

pub mod list;
