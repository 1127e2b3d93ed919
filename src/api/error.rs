//! What can go wrong between asking and the end of an answer, in one type.

mod classify;
mod read;
mod transport;

pub(super) use read::status_in_words;

use serde::{Deserialize, Serialize};

use super::{Effort, FreeQuota, request::Wish};

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
    /// What the choices on its card depend on.
    #[serde(default)]
    pub facts: Vec<Fact>,
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

/// Something more that a server told of a failure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fact {
    /// 402: the credit is enough for so many tokens.
    Affordable(u32),
    /// The history has reasoning that only this endpoint can read.
    Pinned(String),
    /// The history has reasoning that the model did not make, or that was changed.
    ForeignReasoning,
    /// The model does not have the effort that was asked for, but these.
    Efforts(Vec<Effort>),
    /// The model cannot be asked not to think.
    ReasoningMandatory,
    /// The server's own word on whether asking again can help.
    Retryable(bool),
    /// The free requests of this day are used up.
    FreeQuotaOfTheDay,
    /// Why a guard stopped the request.
    Reasons(Vec<String>),
    /// Which wishes of the request left no provider, such as `data_policy:zdr`.
    ExcludedBy(Vec<String>),
    /// A wish of ours that left no provider: it can be dropped.
    Relaxable(Wish),
    /// What is left of the day for free models.
    FreeQuota(FreeQuota),
    /// Models that the server would answer with instead.
    FallbackModels(Vec<String>),
    /// The providers that failed before the last one did.
    Tried(Vec<String>),
    /// The parameter that is wrong.
    Parameter(String),
    /// It is another server than OpenRouter: its key and its credit are looked after elsewhere.
    Elsewhere,
}

impl Error {
    /// A failure that no server told.
    pub fn new(fault: Fault, message: impl Into<String>) -> Self {
        Self {
            fault,
            status: None,
            code: None,
            message: message.into(),
            retry_after: None,
            provider: None,
            facts: Vec::new(),
        }
    }

    /// How many attempts there may be in all, the first included, as long as nothing was visible (reference: 6.2).
    pub fn attempts(&self) -> u32 {
        let told = self.facts.iter().find_map(|fact| match fact {
            Fact::Retryable(retryable) => Some(*retryable),
            _ => None,
        });
        if told == Some(false) || self.facts.contains(&Fact::FreeQuotaOfTheDay) {
            return 1;
        }
        let usual = match self.fault {
            Fault::Connect | Fault::Cut | Fault::Rate => 4,
            Fault::Empty => 3,
            Fault::Silence => 2,
            Fault::Server => match self.status {
                Some(408) => 2,
                None | Some(500 | 504 | 524) => 3,
                Some(503) if told.is_none() && self.retry_after.is_none() && !self.is_overload() => 1,
                Some(_) => 4,
            },
            Fault::Key
            | Fault::Credit
            | Fault::Forbidden
            | Fault::Model
            | Fault::Length
            | Fault::Request
            | Fault::Garbage => 1,
        };
        if told == Some(true) { usual.max(4) } else { usual }
    }

    fn is_overload(&self) -> bool {
        let overload = ["provider_overloaded", "temporarily_unavailable", "server_is_overloaded", "slow_down"];
        self.code.as_deref().is_some_and(|code| overload.contains(&code))
    }
}

#[cfg(test)]
mod tests;
