//! Roles of colour and the marks of the interface; a theme names roles, never places.

/// What a piece of text is, from which its style follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    Background,
    Surface,
    Raised,
    Text,
    Muted,
    Faint,
    Accent,
    You,
    Link,
    Reasoning,
    Ok,
    Warning,
    Error,
    Selection,
    Mark,
    Keyword,
    String,
    Number,
    Function,
    Comment,
}
