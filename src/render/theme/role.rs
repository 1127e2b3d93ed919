//! The colour roles of a theme.

/// The role of a piece of text or of a background, which decides its style.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ColourRole {
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

impl ColourRole {
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

    /// The key of the role in a theme file.
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

    /// Whether the role is a background, on which text is drawn.
    #[must_use]
    pub fn is_ground(self) -> bool {
        matches!(self, Self::Background | Self::Surface | Self::Raised | Self::Selection | Self::Mark)
    }

    /// Whether text of this role can be on the background of a match or a claim.
    #[must_use]
    pub fn is_on_mark_ground(self) -> bool {
        matches!(self, Self::Text | Self::Accent | Self::Link)
    }
}
