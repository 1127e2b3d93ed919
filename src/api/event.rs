//! What a stream can say.

use super::Usd;

#[derive(Debug, Clone)]
pub enum Event {
    Other(String),
}

/// A citation as the server sent it; positions are resolved by the layout.
#[derive(Debug, Clone, PartialEq)]
pub struct Annotation {
    /// `url_citation`, `file_citation`, `file_path`, …
    pub kind: String,
    pub url: Option<String>,
    pub title: Option<String>,
    /// An excerpt of the page.
    pub content: Option<String>,
    /// The name of a file, for the kinds without an address.
    pub filename: Option<String>,
    /// Offsets into the part's text, in code points or UTF-16 units; 0/0 says nothing.
    pub start: Option<u64>,
    pub end: Option<u64>,
}

/// What an answer used and cost.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Usage {
    pub input_tokens: Option<u64>,
    pub cached_tokens: Option<u64>,
    pub output_tokens: Option<u64>,
    pub reasoning_tokens: Option<u64>,
    /// As the server's own digits; `None` is unknown, not nothing.
    pub cost: Option<Usd>,
}
