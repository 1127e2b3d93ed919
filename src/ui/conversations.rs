//! The conversations: the list, switching, branches.

pub mod branching;
pub mod list;
pub mod list_actions;
pub mod switching;
