//! What a reader wants to know of a cited page, and what was found there.

use crate::{chat::Timestamp, text::quote::Found};

/// Whether some words stand on a page.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Question {
    pub url: String,
    pub words: Words,
}

/// The words that are looked for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Words {
    /// What the server said that the page says.
    Excerpt(String),
    /// What the answer says; all there is without an excerpt.
    Claim(String),
}

/// How far a check is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Check {
    /// The reader must say first that the page may be fetched.
    Asks {
        since: Timestamp,
    },
    Reading {
        since: Timestamp,
    },
    Read {
        at: Timestamp,
        page: Reading,
    },
    /// Why the page could not be read.
    Unread {
        at: Timestamp,
        why: String,
    },
}

/// A page that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// Its address, behind all redirects.
    pub url: String,
    /// It was longer than what is read; what came of it, in MB.
    pub cut: Option<u64>,
    /// For each passage of the words.
    pub found: Vec<Found>,
}

impl Words {
    pub fn text(&self) -> &str {
        match self {
            Self::Excerpt(words) | Self::Claim(words) => words,
        }
    }

    /// What they are called on the screen.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Excerpt(_) => "the excerpt",
            Self::Claim(_) => "the claim",
        }
    }
}
