//! A server: where it is, what it speaks, which key opens it.

use secrecy::SecretString;

/// A server with a base address and a key. Never printed with its key.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// The name in the config; `openrouter` is built in, `demo` is the program's own server.
    pub name: String,
    /// Without a trailing slash; `/responses` and `/models` are joined to it.
    pub base_url: String,
    pub dialect: Dialect,
    pub key: Option<SecretString>,
}

/// What a server understands beyond the common core, as data (reference: section 11).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// `openrouter:*` tools, `session_id`, provider, plugins, `store:false`, `include`.
    OpenRouter,
    /// OpenAI, Azure, xAI: `store:false` and `include`, none of OpenRouter's own fields.
    OpenAi,
    /// Any other server: only the fields that are safe everywhere.
    Other,
}
