//! Checks whether a cited page contains an excerpt or a claim.

use crate::{chat::Timestamp, citations::quote::QuoteMatch};

/// Asks whether a page contains some text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct CheckQuestion {
    pub url: String,
    pub text: CheckText,
}

/// The text that is looked for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum CheckText {
    /// The excerpt of the page that the server sent.
    Excerpt(String),
    /// The claim of the answer, if there is no excerpt.
    Claim(String),
}

/// The state of a check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PageCheck {
    /// Waiting for the reader to allow the page to be fetched.
    Asking {
        since: Timestamp,
    },
    Running {
        since: Timestamp,
    },
    Done {
        at: Timestamp,
        page: CheckedPage,
    },
    /// The page could not be read.
    Failed {
        at: Timestamp,
        reason: String,
    },
}

/// A page that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckedPage {
    /// Its address, after all redirects.
    pub url: String,
    /// The megabytes that were read, if the page was longer.
    pub truncated_at_mb: Option<u64>,
    /// The result for each passage of the text.
    pub matches: Vec<QuoteMatch>,
}

impl CheckText {
    pub fn as_str(&self) -> &str {
        match self {
            Self::Excerpt(words) | Self::Claim(words) => words,
        }
    }

    /// The name of the text on the screen.
    pub fn label(&self) -> &'static str {
        match self {
            Self::Excerpt(_) => "the excerpt",
            Self::Claim(_) => "the claim",
        }
    }
}
