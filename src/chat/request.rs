//! A branch of a conversation as an `api::Request`.

use std::sync::Arc;

use crate::api::{Catalogue, Dialect};

/// What a request depends on beyond the conversation and its settings.
#[derive(Debug, Clone, PartialEq)]
pub struct Context {
    pub dialect: Dialect,
    /// The models of the endpoint, as far as they are known.
    pub catalogue: Arc<Catalogue>,
    /// `false` asks for the whole answer in one piece.
    pub stream: bool,
}

impl Default for Context {
    fn default() -> Self {
        Self { dialect: Dialect::OpenRouter, catalogue: Arc::default(), stream: true }
    }
}
