//! The roles of colour: a theme names them, and never places.

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

impl Role {
    pub const ALL: [Self; 20] = [
        Self::Background,
        Self::Surface,
        Self::Raised,
        Self::Text,
        Self::Muted,
        Self::Faint,
        Self::Accent,
        Self::You,
        Self::Link,
        Self::Reasoning,
        Self::Ok,
        Self::Warning,
        Self::Error,
        Self::Selection,
        Self::Mark,
        Self::Keyword,
        Self::String,
        Self::Number,
        Self::Function,
        Self::Comment,
    ];

    /// The word in a theme's file.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Background => "background",
            Self::Surface => "surface",
            Self::Raised => "raised",
            Self::Text => "text",
            Self::Muted => "muted",
            Self::Faint => "faint",
            Self::Accent => "accent",
            Self::You => "you",
            Self::Link => "link",
            Self::Reasoning => "reasoning",
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Selection => "selection",
            Self::Mark => "mark",
            Self::Keyword => "keyword",
            Self::String => "string",
            Self::Number => "number",
            Self::Function => "function",
            Self::Comment => "comment",
        }
    }

    /// Words stand on it; its colour goes behind them.
    #[must_use]
    pub fn is_ground(self) -> bool {
        matches!(self, Self::Background | Self::Surface | Self::Raised | Self::Selection | Self::Mark)
    }

    /// Words that are found or cited are of these roles.
    #[must_use]
    pub fn is_on_marks(self) -> bool {
        matches!(self, Self::Text | Self::Accent | Self::Link)
    }
}
