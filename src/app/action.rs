//! What the user wants.

/// Everything a user can do. Keys, palette and slash commands name actions; an action has no payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    Send,
}
