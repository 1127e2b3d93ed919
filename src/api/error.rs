//! What can go wrong between asking and the end of an answer, in one type.

use serde::{Deserialize, Serialize};

/// A failure as the reader and the retry logic need it: what happened, whose fault, what helps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    pub fault: Fault,
    /// The HTTP status, where one was received or named in the body.
    pub status: Option<u16>,
    /// The most precise word that the server gave, such as `rate_limit_exceeded`.
    pub code: Option<String>,
    /// One sentence without a full stop, cleaned, with the provider's own words.
    pub message: String,
    /// Seconds until asking again can help, as the server said.
    pub retry_after: Option<u64>,
    pub provider: Option<String>,
}

/// The kinds of failure that call for different answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// Connection refused, DNS, TLS, a proxy: no server was reached.
    Connect,
    /// Nothing came for too long.
    Silence,
    /// The stream broke off.
    Cut,
    /// 200 and no content.
    Empty,
    /// The key is missing, wrong or revoked.
    Key,
    /// No credits, or the key's budget is used up.
    Credit,
    /// Moderation, guardrail, region, permission.
    Forbidden,
    /// No such model, or no endpoint that may serve it.
    Model,
    /// Too long for the model.
    Length,
    /// Too many requests.
    Rate,
    /// The request is wrong in another way.
    Request,
    /// The server or the provider behind it is broken or overloaded.
    Server,
    /// What came is not what this API sends.
    Garbage,
}
